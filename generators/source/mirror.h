// Source demos mirrored, left <-> right, as the task's `mirror:` says. Pure functions but for the comparison
// of shapes. Internal.
//
// A reflection of a pose is no turn: M R has determinant -1. Each frame's axes are therefore named anew by
// the mirror plane of what it is the frame of, F, and M R F is a turn again: that of the hand's or object's
// mirror image, which has the same shape.
#ifndef LOOM_GENERATORS_SOURCE_MIRROR_H
#define LOOM_GENERATORS_SOURCE_MIRROR_H

#include "engine/base/api.h"
#include "generators/source/replay.h"

LOOM_C_BEGIN

/// The mirror image of a pose in the world's plane through `at` with unit normal `plane`, its axes named anew
/// by the mirror plane with unit normal `own` of its own frame. Its own inverse.
loomPose loom_mirror_pose(loomPose pose, const double plane[3], const double at[3], const double own[3]);

/// A demo's mirror image, "NAME mirrored" with the same number: what arm a did arm arms[a] does, what object
/// o did as[o] does. It has no conditions and no joints, which are not its source's. Free with
/// loom_replay_destroy, after an error too. The task declares `mirror:`.
int loom_mirror_replay(loomReplay* out, const loomReplay* replay, const loomTask* task, loomError* err);

/// Are the shapes, as far as they touch anything, and the robots' places what the task's `mirror:` says of
/// them, in a scene's model? LOOM_ERR_FORMAT, naming the object and how far it is off.
int loom_mirror_check(const loomScene* scene, loomError* err);

LOOM_C_END

#endif
