// robosuite 1.5's WHOLE_BODY_IK as a configuration has it: whose hands' poses an action begins with, and
// which joints move for them. Internal.
#ifndef LOOM_ENGINE_TASK_COMPOSITE_IK_H
#define LOOM_ENGINE_TASK_COMPOSITE_IK_H

#include "engine/base/json.h"
#include "engine/task/task.h"

enum {
  LOOM_IK_HANDS = 2,
  LOOM_IK_ELSEWHERE = 4,  // sites that are named and no hand's
  LOOM_IK_JOINTS = LOOM_IK_HANDS * LOOM_MAX_JOINTS + LOOM_BODY_KINDS * LOOM_MAX_BODY_JOINTS
};

/// A joint that moves: of an arm, or of a part of the body.
typedef struct loomIkJoint {
  int arm;      // of the task; -1: of a part,
  int part;     // that number of the robot's `body:`
  int index;    // which of its joints
  double gain;  // towards 0 where that moves no hand, 1/s
} loomIkJoint;

typedef struct loomIkDef {
  const loomRobotDef* robot;  // of its first arm
  int first;                  // first entry of an action: the hands' poses, one after the other
  int hand_count;
  int hand[LOOM_IK_HANDS];  // arms of the task, in the entries' order
  bool quat;                // rotations are quaternions, w-x-y-z, else axes times angles
  loomName frame;           // body whose turn in its parent axes times angles are in; "" = the world
  double damping;           // of the pseudo-inverse
  double dt;                // s: a goal is what joints reach within, at the speed found
  double max_speed;         // rad/s (m/s) of the fastest joint; 0 or less = no limit
  double max_torso_speed;   // of the torso's
  int joint_count;
  loomIkJoint joint[LOOM_IK_JOINTS];
  int elsewhere_count;
  loomName elsewhere[LOOM_IK_ELSEWHERE];  // robosuite leaves them out where the model has no such site
} loomIkDef;

/// Does a composite (nullable) have its joints' goals from inverse kinematics?
bool loom_ik_is(const cJSON* composite);
/// Does it move the part of that name: "right", "left" or one of loom_body_part_names?
bool loom_ik_moves(const cJSON* composite, const char* part);
/// How many of an action's entries a hand's pose takes.
int loom_ik_pose_dim(const loomIkDef* ik);
/// Read it for the robot that has these arms of the task, the right one first; out->first is left alone.
/// LOOM_ERR_FORMAT or LOOM_ERR_UNSUPPORTED, after `label`, by name.
int loom_ik_read(loomIkDef* out, const cJSON* composite, const loomTask* task, const int* arm, int arms,
                 const char* label, loomError* err);

#endif
