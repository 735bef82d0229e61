// How demos of other robots become a task's, as its `retarget:` says.
#ifndef LOOM_ENGINE_TASK_TASK_RETARGET_H
#define LOOM_ENGINE_TASK_TASK_RETARGET_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/base/pose.h"
#include "engine/task/limits.h"

LOOM_C_BEGIN

/// Positions are scaled about `center`, then shifted; the hands' frames are `offset` further off than their
/// grasps alone would have them.
typedef struct loomRetargetDef {
  bool declared;
  int line;
  char from[256];              // task that the demos are of; "" = the one that their dataset names
  bool has_arms;               // else each arm follows its own
  int arms[LOOM_MAX_ARMS];     // arm of the demos that each arm follows; -1 = none
  double shift[3], center[3];  // m, world frame
  double scale;                // 1 = as it is
  double retreat;              // m that hands of another kind draw back the way they came once they let go
  loomPose offset[LOOM_MAX_ARMS];  // of each arm, in its own end effector's frame
} loomRetargetDef;

LOOM_C_END

#endif
