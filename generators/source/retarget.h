// Demos of other robots mapped to a task's: where its hands go and what they do. Pure functions but for
// loom_retarget_follow (retarget_follow.h). Internal.
//
// A pose of the demo's hand becomes one of the target's: W T_world_hand G_from inv(G_to) offset, where W
// scales and shifts the workspace and G is each hand's grasp frame in its end effector's (`grasp:` of robot
// files): what one hand holds lies in the other as it did. Hands of one kind keep their frame.
#ifndef LOOM_GENERATORS_SOURCE_RETARGET_H
#define LOOM_GENERATORS_SOURCE_RETARGET_H

#include "engine/base/api.h"
#include "generators/source/replay.h"

LOOM_C_BEGIN

/// What becomes of what, for all demos of a task.
typedef struct loomRetarget {
  const loomTask *from, *to;
  int arm[LOOM_MAX_ARMS];        // of `from`, that each arm of `to` follows; -1 = it stays where it is
  bool alike[LOOM_MAX_ARMS];     // both hands take the same entries: these are kept as they are
  loomPose hand[LOOM_MAX_ARMS];  // right factor of its poses
  int object[LOOM_MAX_OBJECTS];  // of `from`, that each object of `to` is
  bool same_subtasks;            // segments end where those of `from` do
} loomRetarget;

/// LOOM_ERR_FORMAT, naming file and line where there is one: another number of arms and no `retarget:
/// arms:`, an arm that the demos do not have, a hand without `grasp:`, an object that they do not have.
int loom_retarget_plan(loomRetarget* out, const loomTask* from, const loomTask* to, loomError* err);

/// A pose in the demo's world, in the target's.
loomPose loom_retarget_place(const loomRetarget* r, loomPose pose);
/// Where the target's arm goes where the demo's hand is at `pose`.
loomPose loom_retarget_hand(const loomRetarget* r, int arm, loomPose pose);
/// What the target's hand does (its gripper_dim entries) while the demo's does `hand`. `before` is what it
/// did last, which goes on where a plain gripper is told nothing. Each side of a hand closes as the
/// other's side does, or as both where that has one only; a plain gripper closes where they mostly do.
/// Entries of no side oppose the thumb: as the demo's do, or at 1 where it has none.
void loom_retarget_grip(double* out, const loomRetarget* r, int arm, const double* hand,
                        const double* before);

LOOM_C_END

#endif
