// What arms went through, control step by control step, as their bodies tell it and no action: hands' poses
// and speeds, joints, fingers. And what of it tells which action was taken between two rows: the numbers that
// an inverse dynamics model sees (policies/learn/dynamics.h), and what it is to answer. Internal.
#ifndef LOOM_POLICIES_DATA_MOTION_H
#define LOOM_POLICIES_DATA_MOTION_H

#include "engine/base/api.h"
#include "engine/sim/episode.h"

LOOM_C_BEGIN

enum { LOOM_MOTION_JOINTS = 2 * LOOM_MAX_JOINTS };

/// Where an arm's numbers are in a row: pose (7: position, quaternion w-x-y-z), the hand's velocity (6: m/s,
/// rad/s, world frame), joints and their velocities, fingers and theirs.
typedef struct loomMotionArm {
  int at;      // of the row's first number
  int joints;  // the arm's, then its torso's
  int fingers;
  int qpos[LOOM_MOTION_JOINTS], dof[LOOM_MOTION_JOINTS];  // in the model
} loomMotionArm;

/// How rows of a scene's episodes are laid out.
typedef struct loomMotionLayout {
  int arm_count, dim;  // numbers of a row
  loomMotionArm arm[LOOM_MAX_ARMS];
} loomMotionLayout;

/// Rows of one demo or one episode. Free with loom_motion_destroy.
typedef struct loomMotion {
  int rows, dim, action_dim;
  double* row;      // (rows x dim)
  double* actions;  // (rows x action_dim), in self-play; NULL = none are known
} loomMotion;

/// LOOM_ERR_FORMAT: a torso's joint that the model lacks.
int loom_motion_bind(loomMotionLayout* out, const loomEpisode* episode, loomError* err);
/// Room for `rows`, and for actions where action_dim is not 0. LOOM_ERR_MEMORY.
int loom_motion_create(loomMotion* out, const loomMotionLayout* layout, int rows, int action_dim,
                       loomError* err);
void loom_motion_destroy(loomMotion* motion);
/// The row (dim) of an episode as it is now.
void loom_motion_see(double* row, const loomMotionLayout* layout, const loomEpisode* episode);
/// The hand's pose in a row.
loomPose loom_motion_eef(const loomMotionLayout* layout, int arm, const double* row);
/// The arm's joints in a row (joints), and its fingers (fingers).
const double* loom_motion_joints(const loomMotionLayout* layout, int arm, const double* row);
const double* loom_motion_fingers(const loomMotionLayout* layout, int arm, const double* row);

// ---- for an inverse dynamics model of one arm

/// Numbers of what it sees, and of what it answers.
int loom_motion_input_dim(const loomMotionLayout* layout, int arm);
int loom_motion_answer_dim(const loomArm* arm);
/// What is seen (input_dim) of the action taken at row t < last, of rows up to `last`: those further off are
/// taken to be as the nearest that there is.
void loom_motion_inputs(float* out, const loomMotionLayout* layout, int arm, const loomMotion* motion, int t,
                        int last);
/// What an action (of this arm) does, as answer (answer_dim): where it sends the hand from `row` (m, rad,
/// world frame) or the joints, and the gripper's entries.
void loom_motion_answer(float* out, const loomMotionLayout* layout, int a, const loomArm* arm,
                        const double* row, const double* action);
/// The action of an answer.
void loom_motion_action(double* out, const loomMotionLayout* layout, int a, const loomArm* arm,
                        const double* row, const float* answer);

// ---- without a model

/// The action that would take hand (or joints) and fingers from one row to another, if it were obeyed at
/// once. Its gripper's entries are left as they are where fingers stand still.
void loom_motion_difference(double* action, const loomMotionLayout* layout, int a, const loomArm* arm,
                            const double* from, const double* to);
/// The same for the gripper's entries alone (gripper_dim), towards the fingers of a row.
void loom_motion_grip(double* grip, const loomMotionLayout* layout, int a, const loomArm* arm,
                      const double* from, const double* to);

LOOM_C_END

#endif
