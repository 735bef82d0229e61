// Episodes of a scene: reset, control step, snapshot, success.
// Control steps run at the task's control_freq (20 Hz); between them mjData's kinematics, contacts and
// velocities are always those of the current qpos and qvel (mj_step1 has run), so whoever reads them between
// steps reads the present.
#ifndef LOOM_ENGINE_SIM_EPISODE_H
#define LOOM_ENGINE_SIM_EPISODE_H

#include <mujoco/mujoco.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/clock.h"
#include "engine/base/heap.h"
#include "engine/base/pose.h"
#include "engine/model/model.h"
#include "engine/model/variation.h"
#include "engine/scene/scene.h"
#include "engine/sim/condition.h"
#include "engine/sim/controller.h"
#include "engine/sim/whole_body.h"
#include "engine/task/task.h"

LOOM_C_BEGIN

/// The objects of a scene with the sizes, densities and friction that another model of it has, a demo's.
/// Read-only once created: workers may share it.
typedef struct loomShapes {
  char* xml;                                    // that model's text
  char label[LOOM_PATH_MAX];                    // where it came from, for messages
  loomVariation* variations[LOOM_MAX_OBJECTS];  // as the text has them; NULL for objects of fixed size
} loomShapes;

/// Errors: as loom_variation_bind's.
int loom_shapes_create(loomShapes** out, const loomScene* scene, const char* xml, const char* label,
                       loomError* err);
void loom_shapes_destroy(loomShapes* shapes);

/// What hands are told: no part of a state, but what they hold by.
typedef struct loomHands {
  double told[LOOM_MAX_ARMS][LOOM_MAX_HAND];       // last gripper or hand action
  double command[LOOM_MAX_ARMS][LOOM_MAX_JOINTS];  // of each gripper joint, -1 .. 1
} loomHands;

typedef struct loomEpisode {
  loomHeap heap;  // where its counted lists lie
  const loomScene* scene;
  mjModel* m;  // this episode's own copy: object sizes change at reset
  mjData* d;
  mjData* scratch;        // for recomputing constants and inverse kinematics
  mjData* ghost;          // of previews: where everything would be
  struct loomNear* near;  // pairs of bodies that may touch
  struct loomAir* air;    // the drag on those that move
  double* jacobian;       // (6 x nv) of inverse kinematics: position, then rotation
  bool* marks;            // (nbody) work space for what looks through the bodies
  int arm_count;
  loomArm arms[LOOM_MAX_ARMS];
  int part_count;
  struct loomBodyPart* parts;  // (part_count) torso, head, base under the scene's composite controller
  struct loomIk* iks;          // (the composite's ik_count) what sets goals of arms and parts
  loomWholeBody body;          // drives the arms' joints when the controller is WHOLE_BODY_IK
  int action_dim;  // A: the arms' entries one after the other, or as the scene's composite has them
  double action[LOOM_MAX_ACTION];  // (A) the last one that was taken
  int state_dim;                   // S = 1 + nq + nv: time, qpos, qvel
  loomConditions* conditions;
  double variables[LOOM_MAX_OBJECTS]
                  [LOOM_MAX_VARIABLES];   // object sizes, in the task's order; NaN = not known
  int edit_count[LOOM_MAX_OBJECTS];       // the model edits of the last reset
  loomGeomEdit* edits[LOOM_MAX_OBJECTS];  // (shape_count) of each object
  const loomShapes* shapes;               // that the last start has put in; NULL = the scene's, or drawn
  int redrawn;      // starts that the last reset drew before this one, at which something fell
  int steps;        // control steps since the start
  loomHands hands;  // at the start, where that was in the midst of an attempt (generators/attempt/upset.h)
  struct loomDisturbance* disturbance;   // what disturbs this episode (engine/sim/disturb.h); NULL = nothing
  struct loomDisturbance* disturbances;  // all that ever did, in the heap: their room is used again
  mjModel* undisturbed;                  // what edits in its course start from; NULL = there are none yet
  int64_t physics_steps;                 // over the episode's whole life
  loomTimes times;
} loomEpisode;

int loom_episode_create(loomEpisode** out, const loomScene* scene, loomError* err);
void loom_episode_destroy(loomEpisode* episode);

/// Draw object sizes and poses and the arms' noise from reset distribution `reset` (index into task->resets);
/// a pure function of (seed, attempt). LOOM_ERR_UNSUPPORTED when 1000 draws find no place free of the others'
/// circles that some arm can reach, or 100 draws of all none where no geom is more than 5 mm in another, or
/// none where everything stays where it was put (the task's `rest`).
int loom_episode_reset(loomEpisode* episode, int reset, uint64_t seed, uint64_t attempt, loomError* err);
/// The same from a Latin hypercube (engine/base/strata.h): of the starts of `seed`, each number that is drawn
/// from a range is spread evenly over it, block by block. What is drawn again is drawn as above.
int loom_episode_reset_stratified(loomEpisode* episode, int reset, uint64_t seed, uint64_t attempt,
                                  loomError* err);
/// What every start ends with, once time, qpos and qvel are set in fresh data: kinematics, controllers,
/// conditions.
int loom_episode_begin(loomEpisode* episode, loomError* err);
/// The sizes of all objects as the scene has them, whatever a reset has drawn; so is the rest of the model,
/// where the last episode was disturbed.
int loom_episode_restore_sizes(loomEpisode* episode, loomError* err);
/// Start from a recorded state (S): controllers and warm start as after a reset. The object sizes are the
/// scene's own.
int loom_episode_start(loomEpisode* episode, const double* state, loomError* err);
/// The same with the objects of the model that the state was recorded in, which must stay as long as the
/// episode has them: bit for bit what an episode of that model would be. NULL: the scene's own.
int loom_episode_start_as(loomEpisode* episode, const loomShapes* shapes, const double* state,
                          loomError* err);
/// As loom_episode_start in the model as it is now.
int loom_episode_again(loomEpisode* episode, const double* state, loomError* err);
/// Kinematics, contacts and conditions of a recorded state (S), without time passing.
int loom_episode_show(loomEpisode* episode, const double* state, const double* gripper_action,
                      loomError* err);
/// The arms' entries of an action (A), one arm's after the other's: the action itself, or `room`
/// (LOOM_MAX_ACTION) filled with them; 0 for joints that an action says nothing of (robosuite's
/// WHOLE_BODY_IK).
const double* loom_episode_own(double* room, const loomEpisode* episode, const double* action);
/// One control step with an action (A). LOOM_ERR_FORMAT for a number that is not finite, LOOM_ERR_SIM when
/// MuJoCo failed or warned.
int loom_episode_step(loomEpisode* episode, const double* action, loomError* err);

void loom_episode_state(double* out, const loomEpisode* episode);  // (S)
loomPose loom_episode_object(const loomEpisode* episode, int object);
loomPose loom_episode_eef(const loomEpisode* episode, int arm);
bool loom_episode_success(const loomEpisode* episode);
/// Make an action (A) one by which arms stay where they are: moves by nothing. Hands do as it says, and so do
/// arms whose actions are absolute.
void loom_episode_keep_still(double* action, const loomEpisode* episode);
/// MJCF of this episode's model, with its object sizes; malloc'ed.
int loom_episode_xml(char** out, loomEpisode* episode, loomError* err);

/// Bytes of a snapshot; everything a step depends on. Restoring is exact: the same actions give the same
/// bits.
size_t loom_episode_snapshot_size(const loomEpisode* episode);
void loom_episode_snapshot(void* out, const loomEpisode* episode);
int loom_episode_restore(loomEpisode* episode, const void* snapshot, loomError* err);

LOOM_C_END

#endif
