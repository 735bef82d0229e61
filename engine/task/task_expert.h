// The scripted expert that records source demos.
#ifndef LOOM_ENGINE_TASK_TASK_EXPERT_H
#define LOOM_ENGINE_TASK_TASK_EXPERT_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/task/task_condition.h"

LOOM_C_BEGIN

/// One step of a scripted expert, for one arm: wait for another arm, go somewhere, work the gripper, stay.
typedef struct loomExpertStep {
  loomName name;
  int line;
  int after_arm, after_step;  // not before that arm has done that step; -1 = at once
  bool moves;
  loomPoint to;        // frame of the goal, as it is when the step begins
  bool follow;         // or as it is while the arm is on its way
  bool upright;        // only the yaw of that frame counts
  double pos[3];       // goal in that frame, m
  double quat[4];      // w-x-y-z
  int turns;           // goals equal under 2 pi / turns about the frame's z axis: the nearest is taken
  int carried;         // object brought there in place of the end effector; -1 = none
  double speed, spin;  // m/s, rad/s
  int grip;            // then +1 close, -1 open, 0 leave
  int hand_count;      // or so many entries of `hand`
  double hand[LOOM_MAX_HAND];  // the hand's action entries
  int stay;                    // then wait so many control steps
  int until;                   // and until this condition holds; -1 = none
  double jitter;               // standard deviation of the goal's place, m
} loomExpertStep;

LOOM_C_END

#endif
