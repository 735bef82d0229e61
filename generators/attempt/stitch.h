// Stitching: from where an arm is to where its segment begins, and how much of the segment runs (MimicGen,
// section IV-B, interpolation). Pure functions. Internal.
#ifndef LOOM_GENERATORS_ATTEMPT_STITCH_H
#define LOOM_GENERATORS_ATTEMPT_STITCH_H

#include "engine/base/pose.h"
#include "engine/task/task.h"
#include "generators/attempt/detour.h"

/// Control steps (at `freq` Hz) from one pose to another: at least the subtask's `steps`, and as many as
/// keep below its speeds, the peak of a smooth motion included. The hold is not in it.
int loom_stitch_steps(const loomSubtaskDef* subtask, loomPose from, loomPose to, double freq);

/// The target at step 0, 1, ... steps - 1 of that way; the last is `to`.
loomPose loom_stitch_pose(const loomSubtaskDef* subtask, loomPose from, loomPose to, int step, int steps);

/// The same by way of other poses, no faster than hands go at with care, whatever the subtask allows.
int loom_stitch_way_steps(const loomSubtaskDef* subtask, loomPose from, const loomWay* way, loomPose to,
                          double freq);
loomPose loom_stitch_way_pose(const loomSubtaskDef* subtask, loomPose from, const loomWay* way, loomPose to,
                              int step, int steps);

/// One past the last row of a segment whose end is shifted: never outside the demo, and one row at least
/// where there is one.
int loom_stitch_end(int start, int end, int shift, int rows);

/// Retiming of a segment at `pace` rows a control step: control steps that `rows` take, one at least where
/// there is a row; and the row, not rounded, of a step. At pace 1 step and row are the same. The last row
/// is always reached within the last step: rows - 1 at (length - 1) * pace or before.
int loom_stitch_length(int rows, double pace);
double loom_stitch_row(int step, double pace);

#endif
