// A plain control task in the simulator: reset, step, observe, as Gymnasium's MuJoCo tasks do. Its formulas
// are Gymnasium's, order of the physics' stages included: positions of bodies and sites after a step are
// those that its last physics step began with (mj_step ends with velocities and positions, kinematics come
// first).
#ifndef LOOM_ENGINE_SIM_CONTROL_SIM_H
#define LOOM_ENGINE_SIM_CONTROL_SIM_H

#include <mujoco/mujoco.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/model/model.h"
#include "engine/task/control_task.h"

LOOM_C_BEGIN

/// What is seen before a step and after it (obs), what is done (actions).
typedef struct loomScoredStep {
  const double *obs, *action, *next;
  bool ended;   // the episode is no longer healthy
  bool shaped;  // the term says so
} loomScoredStep;

/// What a step is worth by something that was learned elsewhere: a reward's term `learned` asks it. The
/// engine knows no networks; who opens the term's file (policies/agent/learned_reward.h) does.
typedef struct loomStepScore {
  void* self;  // shared by all instances, read only
  /// One a simulation.
  int (*create)(void** out, void* self, loomError* err);
  void (*destroy)(void* instance);
  /// A pure function of the step.
  double (*value)(void* instance, const loomScoredStep* step);
} loomStepScore;

/// A quantity bound to a model.
typedef struct loomQuantity {
  const loomQuantityDef* def;
  int id;     // of the body or site
  int count;  // entries
} loomQuantity;

/// A control task compiled, for any number of simulations.
typedef struct loomControlScene {
  const loomControlTask* task;
  mjModel* m;
  int obs, actions;  // numbers of an observation and of an action
  double dt;         // s a control step
  double* range;     // (actions x 2) lowest and highest entry of an action
  loomQuantity observe[LOOM_QUANTITIES];
  loomQuantity healthy[LOOM_QUANTITIES];
  loomQuantity reward[LOOM_REWARD_TERMS];
  int to[LOOM_REWARD_TERMS];  // distance: id of the other body or site
  bool learned;               // a term is
} loomControlScene;

/// Compile the task's model, which lies in the root that the task names or in its folder. The task must
/// stay. LOOM_ERR_FORMAT: the task names what the model lacks; LOOM_ERR_UNSUPPORTED: a learned term whose
/// file nobody has opened; the errors of loom_model_compile.
int loom_control_scene_create(loomControlScene** out, const loomControlTask* task,
                              const loomAssetRoots* roots, loomError* err);
void loom_control_scene_destroy(loomControlScene* scene);

typedef struct loomControlSim {
  const loomControlScene* scene;
  mjData* d;
  double* before;       // (nq + nv, of which qpos) of the state before the action; work space of resets
  double *seen, *next;  // (obs) what is seen now, and after a step; where a term is learned
  void* scorer[LOOM_REWARD_TERMS];  // instances of the terms' scores
  int steps;                        // control steps since the start
} loomControlSim;

/// What a control step gives besides the next state.
typedef struct loomControlStep {
  double reward;
  double term[LOOM_REWARD_TERMS];   // of it, weighted, in the task's order
  double value[LOOM_REWARD_TERMS];  // the same without the weights
  bool healthy;
} loomControlStep;

int loom_control_sim_create(loomControlSim** out, const loomControlScene* scene, loomError* err);
void loom_control_sim_destroy(loomControlSim* sim);

/// Begin an episode: initial state and noise, a pure function of (seed, attempt).
int loom_control_sim_reset(loomControlSim* sim, uint64_t seed, uint64_t attempt, loomError* err);
/// Begin an episode at qpos (nq) and qvel (nv).
int loom_control_sim_start(loomControlSim* sim, const double* qpos, const double* qvel, loomError* err);
/// One control step with action (actions), which the model's own ranges clip where they are on.
/// LOOM_ERR_FORMAT for a number that is not finite, LOOM_ERR_SIM when MuJoCo failed; a state that explodes is
/// unhealthy.
int loom_control_sim_step(loomControlStep* out, loomControlSim* sim, const double* action, loomError* err);
void loom_control_sim_observe(double* obs, const loomControlSim* sim);  // (obs)

/// Doubles of a snapshot: everything that further steps depend on. What is observed now is not: keep it.
int loom_control_sim_snapshot_size(const loomControlScene* scene);
void loom_control_sim_snapshot(double* out, const loomControlSim* sim);
void loom_control_sim_restore(loomControlSim* sim, const double* snapshot);

LOOM_C_END

#endif
