// Reset distributions: where objects start.
#ifndef LOOM_ENGINE_TASK_TASK_RESET_H
#define LOOM_ENGINE_TASK_TASK_RESET_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/task/limits.h"

LOOM_C_BEGIN

/// Where one object starts: uniform boxes, yaw and orientation choices, world frame; or, for a part that
/// slides or turns on another body, the position of its joint. With `frame` the place is one in or on an
/// object placed before: x, y, z and yaw are in its frame, and neither gaps nor reach are looked at.
/// slides or turns on another body, the position of its joint. With `places` one of several boxes is drawn,
/// each as likely; objects with the same places and a gap (or radius) between them change places at random.
typedef struct loomPlacement {
  int object;         // index into loomTask.objects
  int frame;          // object placed before whose frame x, y, z, yaw are in; -1 = world
  bool on_joint;      // the object's one hinge or slide joint starts in `joint`; the rest is not used
  double joint[2];    // uniform range, m or rad
  double x[2], y[2];  // uniform range, m; around all `places` where there are some
  int place_count;    // `places: [{x: [..], y: [..]}, ..]`; 0 = x and y alone
  double (*place_x)[2], (*place_y)[2];  // (place_count x 2)
  loomExprText z;                       // height, m
  double yaw[2];                        // uniform range about world z, rad, applied after the orientation
  int orientation_count;
  double (*orientations)[4];  // (orientation_count x 4) quaternions w-x-y-z, one is drawn; none = identity
  loomExprText radius;        // bounding circle for the gap to other objects; "" = 0
  double gap;                 // minimum free distance to other objects' circles, m
  int range_count;            // drawn variables
  loomName* range_names;      // (range_count)
  loomExprText (*ranges)[2];  // (range_count x 2) uniform between; may use the variables drawn before
} loomPlacement;

typedef struct loomResetDef {
  loomName name;  // "D0"
  int placement_count;
  loomPlacement* placements;  // (placement_count) in the order they are placed in
} loomResetDef;

LOOM_C_END

#endif
