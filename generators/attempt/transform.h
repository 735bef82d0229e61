// Moving a source segment into a new scene (MimicGen, section IV-B; DexMimicGen, section III-B). Pure
// functions.
#ifndef LOOM_GENERATORS_ATTEMPT_TRANSFORM_H
#define LOOM_GENERATORS_ATTEMPT_TRANSFORM_H

#include "engine/base/api.h"
#include "engine/base/pose.h"
#include "engine/task/task.h"

LOOM_C_BEGIN

/// A segment's map from recorded to new targets: new = world * stretch(target) * hand, all frames world.
typedef struct loomTransform {
  loomPose world;         // left factor: T_now * inv(T_src)
  loomPose source;        // reference frame in which the stretch applies (T_src)
  double axis[3], scale;  // stretch along this axis of it; scale 1 = none
  loomPose hand;          // right factor: a symmetric grasp, or the held object's pose in the hand
} loomTransform;

loomTransform loom_transform_identity(void);
loomPose loom_transform_apply(const loomTransform* t, loomPose target);

/// The left factor for a reference frame that was at `source` and is at `now`; PLANAR keeps yaw and position
/// of it.
loomPose loom_transform_world(loomTransformKind kind, loomPose now, loomPose source);

/// How far a rigid motion tilts the world's z axis, rad.
double loom_transform_tilt(loomPose world);

/// k-th of an object's equivalent orientations, as a right factor of its pose; k in [0, loom_symmetry_count).
/// An axis of any angle (turns = 0) is sampled in 16 steps.
int loom_symmetry_count(const loomObjectDef* object);
loomPose loom_symmetry(const loomObjectDef* object, int k);
/// j-th of the hand's equivalent orientations about its z axis.
loomPose loom_hand_symmetry(const loomRobotDef* robot, int j);

LOOM_C_END

#endif
