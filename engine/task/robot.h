// A robot arm with its gripper or hand, as scenes/robots/TYPE.yaml gives it.
#ifndef LOOM_ENGINE_TASK_ROBOT_H
#define LOOM_ENGINE_TASK_ROBOT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/base/heap.h"
#include "engine/task/limits.h"

LOOM_C_BEGIN

/// A chain of driven joints: an arm, or the torso several arms share.
typedef struct loomJointsDef {
  int count;
  loomName joints[LOOM_MAX_JOINTS];
  loomName actuators[LOOM_MAX_JOINTS];     // motors or position servos, one a joint
  double init_qpos[LOOM_MAX_JOINTS];       // canonical joints, rad; also the nullspace posture
  double init_noise;                       // standard deviation of Gaussian reset noise, rad
  double torque_limit[LOOM_MAX_JOINTS];    // N m
  double velocity_limit[LOOM_MAX_JOINTS];  // rad/s; kept by WHOLE_BODY_IK, else checked only. 0 = not known
  double acceleration_limit[LOOM_MAX_JOINTS];          // rad/s^2; kept by cleaned source demos. 0 = not known
  bool has_range;                                      // other limits than the parts' MJCF gives
  double low[LOOM_MAX_JOINTS], high[LOOM_MAX_JOINTS];  // rad
  bool has_armature;                 // joint properties the parts' MJCF leaves out, for placed robots
  double armature[LOOM_MAX_JOINTS];  // kg m^2
  double damping[LOOM_MAX_JOINTS];   // N m s/rad
  double friction[LOOM_MAX_JOINTS];  // N m
} loomJointsDef;

/// What a robot has besides arms and grippers, as robosuite 1.5's composite controllers drive it.
typedef enum loomBodyKind { LOOM_BODY_TORSO, LOOM_BODY_HEAD, LOOM_BODY_BASE, LOOM_BODY_KINDS } loomBodyKind;

extern const char* const loom_body_part_names[];  // by loomBodyKind

typedef struct loomBodyPartDef {
  loomBodyKind kind;
  int count;
  loomName joints[LOOM_MAX_BODY_JOINTS], actuators[LOOM_MAX_BODY_JOINTS];
  double init_qpos[LOOM_MAX_BODY_JOINTS];  // where the first step sees it
} loomBodyPartDef;

/// One MJCF file of a robot and what of the robot so far it is attached to.
typedef struct loomPartDef {
  char file[256];   // in the asset roots
  loomName prefix;  // before all its names
  loomName to;      // body; "" = the place the task gives the robot
  bool weld;        // its free joint is left out
  bool no_mass;     // its bodies are left without mass
  bool no_geoms;    // nothing but its bodies with their mass
  int without_count;
  loomName* without;  // (without_count) bodies, joints and geoms left out, as the file names them
  double pos[3], quat[4];
} loomPartDef;

/// One robot arm with its gripper or hand: scenes/robots/TYPE.yaml with `{i}` replaced by the robot's index.
typedef struct loomRobotDef {
  uint64_t digest;     // of its file's text
  loomName type;       // "panda"
  loomName robot;      // the robot it is an arm of, "gr1"; its own type when it has but one
  loomName robosuite;  // robosuite's name for it, "Panda"; "" = not said
  int index;           // that robot's, from 0
  loomName prefix;     // observation prefix, "robot0"
  loomJointsDef arm;
  loomJointsDef torso;  // joints between the base and the arm that other arms share; count 0 = none
  int body_count;
  loomBodyPartDef body[LOOM_BODY_KINDS];  // (body_count) what the robot has besides: of its first arm's file
  double reach;  // m from the arm's second joint; resets put no object further off. 0 = not known
  loomName eef_site;
  loomName base_body;  // whose axes actions are along where they are in the robot's base; "" = not known
  loomName eef_body;   // whose orientation is observed as eef_quat (robosuite's hand body); "" = eef_site's
  int gripper_joint_count;
  loomName gripper_joints[LOOM_MAX_JOINTS];
  loomName gripper_actuators[LOOM_MAX_JOINTS];
  double gripper_init_qpos[LOOM_MAX_JOINTS];
  double gripper_sign[LOOM_MAX_JOINTS];  // direction of each actuator's command when closing (+1 action)
  double gripper_speed;   // change of the integrated command a physics step, or a control step:
  bool gripper_at_once;   // it moves once a control step, at its start (robosuite 1.5)
  int gripper_dim;        // action entries: 1 for a parallel gripper, up to LOOM_MAX_HAND for a hand
  bool gripper_absolute;  // entries say where the joints go, -1 open to 1 closed; else which way
  int gripper_entry[LOOM_MAX_JOINTS];  // action entry that drives each joint: several may share one
                                       // (coupling)
  int finger_count;                    // sides that must all touch for a grasp
  int finger_geom_count[LOOM_MAX_FINGERS];
  loomName* finger_geoms[LOOM_MAX_FINGERS];  // (finger_geom_count) of each side
  loomName asset;                            // asset root of its parts
  int part_count;                            // MJCF the robot is made of, for scenes that `place` it
  loomPartDef* parts;                        // (part_count)
  int apart_count;
  loomName (*apart)[2];  // (apart_count) bodies that no joint positions within limits bring together
  bool has_grasp;        // `grasp` is said
  double
      grasp_pos[3];  // where it holds things, in the eef frame, m: the frame's z is the way the hand goes to
  double grasp_quat[4];           // them, its x the way from the first of its sides to the last
  int side_count;                 // of `sides`; 0 = all entries close it alike
  int side_entry[LOOM_MAX_HAND];  // the side that each action entry closes; -1 = none: it opposes the thumb
  bool has_mirror;                // the hand, or its partner on the other side, is the mirror image of it
  double mirror[3];               // in this plane of the eef frame: unit normal
  int symmetry_turns;             // hand poses equal under 2 pi / turns about the eef's z axis; 1 = none
} loomRobotDef;

/// Read scenes/robots/TYPE.yaml for robot `index` (replaces "{i}").
/// Its lists are taken from `heap` and go with it.
int loom_robot_load(loomRobotDef* out, loomHeap* heap, const char* path, int index, loomError* err);

/// How far the command of a gripper or hand moves within a control step of so many physics steps.
double loom_robot_grip_way(const loomRobotDef* robot, int substeps);

LOOM_C_END

#endif
