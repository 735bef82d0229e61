// Keeping what matters of a motion when an object's shape is another than the source's: points of the object,
// and what the hand does at them, stay together (CP-Gen: Lin et al., "Constraint-Preserving Data Generation
// for Visuomotor Policy Learning", 2025). Pure functions. Internal.
#ifndef LOOM_GENERATORS_ATTEMPT_KEYPOINT_H
#define LOOM_GENERATORS_ATTEMPT_KEYPOINT_H

#include "engine/base/api.h"
#include "engine/base/pose.h"
#include "generators/source/replay.h"

LOOM_C_BEGIN

/// The rigid motion that brings points `from` nearest to `to` (n x 3 each, m), by least squares (Kabsch
/// 1976). Of several that do, the one that turns least: one point alone is
/// a translation.
loomPose loom_keypoint_fit(const double* to, const double* from, int n);

/// What a source's motion about `object` moves by, in the object's frame, for keypoints (count) of its shape
/// in the source to be at those of its present one, of variables `now`: identity where they are the same.
loomPose loom_keypoint_reshape(const loomTask* task, const loomReplay* source, const double* now, int object,
                               const int* keypoints, int count);

/// By how much (m, the object's frame) a point `at` of an object of variables `now` is to be moved along the
/// line between two of its keypoints to lie between them: 0 where it does, or where they cannot be told. Of a
/// mirrored source they are mirrored.
void loom_keypoint_bring_between(double shift[3], const double at[3], const loomTask* task,
                                 const loomReplay* source, const double* now, int object, const int pair[2]);

LOOM_C_END

#endif
