// Whole-body differential inverse kinematics: the hands' target poses to joint torques, over all arms and the
// torso they share. Each control step solves box-constrained least squares for the joint motion (damped, with
// a posture task; L. Sentis, O. Khatib, "Synthesis of whole-body behaviors through hierarchical control of
// behavioral primitives", 2005, for the idea; bounds as in F. Kanoun et al., "Kinematic control of redundant
// manipulators", 2011), keeping joint and speed limits; joint torques then follow that motion. Position
// servos are told its end at once, and make the torques themselves.
#ifndef LOOM_ENGINE_SIM_WHOLE_BODY_H
#define LOOM_ENGINE_SIM_WHOLE_BODY_H

#include "engine/base/api.h"
#include "engine/sim/controller.h"

LOOM_C_BEGIN

enum { LOOM_MAX_BODY = 40 };  // joints of all arms and torsos together

typedef struct loomWholeBody {
  loomControllerDef control;
  int n;  // joints, torsos before arms
  int qpos[LOOM_MAX_BODY], dof[LOOM_MAX_BODY];
  loomDrive drive[LOOM_MAX_BODY];                  // what moves each joint
  int servos;                                      // of them position servos
  double low[LOOM_MAX_BODY], high[LOOM_MAX_BODY];  // rad
  double speed[LOOM_MAX_BODY];                     // rad/s; 0 = no limit
  double torque[LOOM_MAX_BODY];                    // N m
  double posture[LOOM_MAX_BODY];                   // canonical joints, rad
  double weight[LOOM_MAX_BODY];                    // of damping and posture: torsos weigh more than arms
  int arm_count;
  struct loomWholeBodyState {
    double from[LOOM_MAX_BODY], goal[LOOM_MAX_BODY];  // joint motion of this control step, rad
    double rest[LOOM_MAX_ARMS];  // what the goal leaves of an arm's way: m + 0.1 m per rad
    int short_steps;             // control steps that fell short of a target and came no closer
  } state;                       // all that a snapshot must keep
} loomWholeBody;

/// Gather the arms' joints and their torsos'. Errors name what the model lacks, or say that there are too
/// many.
int loom_whole_body_bind(loomWholeBody* body, const loomArm* arms, int n, const mjModel* m, loomError* err);
/// The goal is where the joints are.
void loom_whole_body_reset(loomWholeBody* body, const mjData* d);
/// One control step's joint goal for the arms' goal poses; dt (s) is the step's length. Works on `scratch`,
/// whose other joints should stand as d's do. Returns false when the solver failed and the goal stays.
bool loom_whole_body_plan(loomWholeBody* body, const loomArm* arms, const mjModel* m, const mjData* d,
                          mjData* scratch, double dt);
/// Write d->ctrl for one physics step, at `phase` (0 .. 1) of the control step of length dt: computed torques
/// along the straight way to the goal, clipped; to position servos the goal itself, whatever the phase.
void loom_whole_body_apply(const loomWholeBody* body, const mjModel* m, mjData* d, double phase, double dt);

LOOM_C_END

#endif
