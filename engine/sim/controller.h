// robosuite's arm controllers and the grippers' and hands' actions, at torque level in every physics step.
// OSC_POSE: O. Khatib, "A unified approach for motion and force control of robot manipulators", 1987, as
// robosuite 1.4.1 configures it (controllers/osc.py): position and orientation decoupled, nullspace posture.
#ifndef LOOM_ENGINE_SIM_CONTROLLER_H
#define LOOM_ENGINE_SIM_CONTROLLER_H

#include <mujoco/mujoco.h>

#include "engine/base/api.h"
#include "engine/base/pose.h"
#include "engine/sim/actuator.h"
#include "engine/task/task.h"

LOOM_C_BEGIN

/// One arm bound to a model: addresses, limits and the controller's state.
typedef struct loomArm {
  const loomRobotDef* robot;
  loomControllerDef control;
  int n;  // arm joints
  int qpos[LOOM_MAX_JOINTS], dof[LOOM_MAX_JOINTS];
  loomDrive drive[LOOM_MAX_JOINTS];  // what moves each joint
  int site;                          // end effector
  loomPose
      base;  // whose axes actions are along where control.in_base, world frame; where it was last looked at
  int base_body;            // that it is the frame of
  bool base_moves;          // robosuite 1.5: goals stay in its frame, and dampers are relative to it
  double base_velocity[6];  // of its origin, linear then angular, world frame
  bool looks_first;         // where that is, before it takes an action (LeggedRobot), or after (WheeledRobot)
  bool goes_on;             // the next delta is added to the last goal (HYBRID_MOBILE_BASE)
  int hand_n;               // gripper joints
  int hand_qpos[LOOM_MAX_JOINTS], hand_dof[LOOM_MAX_JOINTS];
  int hand_actuator[LOOM_MAX_JOINTS];
  double hand_mid[LOOM_MAX_JOINTS], hand_half[LOOM_MAX_JOINTS];  // of the actuators' control range
  int pose_dim;  // action entries before the gripper's: 6, or one a joint
  struct loomArmState {
    double goal_pos[3], goal_mat[9];    // OSC_POSE, world frame
    double base_pos[3], base_mat[9];    // the same in the frame of a base that moves
    loomPose base;                      // where that was last looked at
    double goal_qpos[LOOM_MAX_JOINTS];  // JOINT_POSITION
    double grip[LOOM_MAX_JOINTS];       // integrated gripper command, -1 .. 1
    double hand_action[LOOM_MAX_HAND];  // last gripper or hand action
    double grip_action;                 // its mean: above 0 closes
    bool midway;                        // the episode began in the midst of a recorded one
  } state;                              // all that a snapshot must keep
} loomArm;

/// Look the robot's joints, actuators and site up. Errors name what the model lacks, and actuators that are
/// not what the robot's file promises (engine/sim/actuator.h).
int loom_arm_bind(loomArm* arm, const loomRobotDef* robot, const loomControllerDef* control, const mjModel* m,
                  loomError* err);
/// Entries of this arm's part of an action: pose_dim + gripper_dim.
int loom_arm_action_dim(const loomArm* arm);
/// Goal = where the arm is now, gripper command = 0, as after robosuite's reset. Kinematics must be up to
/// date.
void loom_arm_reset(loomArm* arm, const mjModel* m, const mjData* d);
/// Where a base that moves is in d, and with it the goal. Kinematics and velocities must be up to date.
void loom_arm_look(loomArm* arm, const mjModel* m, const mjData* d);
/// Take a new action (loom_arm_action_dim entries): clipped, scaled, added to the current pose.
void loom_arm_set_goal(loomArm* arm, const mjModel* m, const mjData* d, const double* action);
/// In an episode that begins in the midst of a recorded one: what the hand was told in a control step before
/// (an action, as set_goal takes it), of so many physics steps. Its command is of all of them, and not part
/// of a state.
void loom_arm_recall_hand(loomArm* arm, const double* action, int substeps);
/// The same where what it was told last (gripper_dim) and its command (hand_n) are known.
void loom_arm_put_hand(loomArm* arm, const double* told, const double* command);
/// Joint torques (n) towards the goal, not yet clipped. Position- and velocity-dependent mjData must be up to
/// date.
void loom_arm_torques(double* torque, const loomArm* arm, const mjModel* m, const mjData* d);
/// Joint accelerations (n), over a step of dt, that loom_arm_torques, clipped, give an arm that nothing but
/// its own inertia and damping holds: where d->qfrc_bias is 0, as if gravity were none. Kinematics, centers
/// of mass and inertia are up to date.
void loom_arm_acceleration(double* out, const loomArm* arm, const mjModel* m, const mjData* d, double dt);
/// How fast the arm's fastest joint is, as a share of its limit, and which it is (not set where none moves).
double loom_arm_speed_share(int* fastest, const loomArm* arm, const mjData* d);
/// The arm's joint that stands at a limit, or -1.
int loom_arm_at_limit(const loomArm* arm, const mjModel* m, const mjData* d);
/// Write d->ctrl for this physics step: clipped torques, or to position servos where the joints are to go
/// (JOINT_POSITION), and the gripper's command one speed step further.
/// The controller sees the arm as it is in `seen` (d itself but for an episode's first physics step); gravity
/// compensation is d's. What WHOLE_BODY_IK writes comes from engine/sim/whole_body.h; the arm works
/// its gripper only.
void loom_arm_apply(loomArm* arm, const mjModel* m, mjData* d, const mjData* seen);

loomPose loom_arm_eef(const loomArm* arm, const mjData* d);
/// Where an action would send the end effector from pose `eef` (OSC_POSE). `previous` is the goal before it,
/// whose orientation is kept when the action turns nothing.
loomPose loom_arm_target(const loomArm* arm, loomPose eef, loomPose previous, const double* action);
/// LOOM_ERR_UNSUPPORTED, after `label`: an arm's actions say where its joints go (JOINT_POSITION), so nothing
/// that aims its hand at poses can drive it: generation, scripted experts, teleoperation. Any number of
/// joints may be six.
int loom_arms_take_poses(const loomArm* arms, int n, const char* label, loomError* err);
/// The clipped action (pose_dim entries, arms that take poses) whose target from pose `eef` comes nearest to
/// `target`.
void loom_arm_action_towards(double* action, const loomArm* arm, loomPose eef, loomPose target);
/// The same of arms whose actions say where their joints go (JOINT_POSITION): from joints `from` to `to`
/// (pose_dim each).
void loom_arm_action_to_joints(double* action, const loomArm* arm, const double* from, const double* to);

LOOM_C_END

#endif
