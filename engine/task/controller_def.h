// How the actions of an arm become torques: robosuite's controller configurations, as plain data.
#ifndef LOOM_ENGINE_TASK_CONTROLLER_DEF_H
#define LOOM_ENGINE_TASK_CONTROLLER_DEF_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/task/limits.h"
#include "engine/task/robot.h"

LOOM_C_BEGIN

typedef enum loomControllerType { LOOM_OSC_POSE, LOOM_JOINT_POSITION, LOOM_WHOLE_BODY_IK } loomControllerType;

/// robosuite's controller configuration (controllers/config/*.json), fixed impedance.
typedef struct loomControllerDef {
  loomControllerType type;
  double input_min[LOOM_MAX_JOINTS], input_max[LOOM_MAX_JOINTS];    // action clipped to these
  double output_min[LOOM_MAX_JOINTS], output_max[LOOM_MAX_JOINTS];  // then scaled to these (m, rad)
  double kp[LOOM_MAX_JOINTS];  // 6 for OSC_POSE, one a joint for JOINT_POSITION, kp[0] for WHOLE_BODY_IK
  double damping_ratio[LOOM_MAX_JOINTS];  // kd = 2 sqrt(kp) damping_ratio
  double posture;       // WHOLE_BODY_IK: weight of the canonical joints, against 1 a m of the hands' targets
  double torso_weight;  // how much heavier the torso's joints weigh in that, and in the damping
  bool delta;           // action is a change of the current pose; else an absolute target
  bool uncouple_pos_ori;
  bool
      robosuite15;  // as robosuite 1.5 does it: what turns nothing has the arm's orientation as its goal, not
                    // that of the goal before it (1.4); what the first step sees (episode.c)
  bool raw_hand;    // robosuite 1.5, `use_action_scaling: false`: fingers are told entries as they are
  bool in_base;  // OSC_POSE: moves and poses are in the frame of the robot's base_body, else in the world's
} loomControllerDef;

extern const char* const loom_controller_names[];  // by loomControllerType

/// NULL, or what is wrong with its first n entries.
const char* loom_controller_wrong(const loomControllerDef* control, int n);
/// Entries an arm's action has before its gripper's: 6, or one a joint.
int loom_controller_pose_dim(const loomControllerDef* control, const loomRobotDef* robot);

LOOM_C_END

#endif
