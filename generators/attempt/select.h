// Choosing the source demo of an attempt (MimicGen, section IV-B, "choosing a source segment").
#ifndef LOOM_GENERATORS_ATTEMPT_SELECT_H
#define LOOM_GENERATORS_ATTEMPT_SELECT_H

#include "engine/base/api.h"
#include "generators/attempt/attempt.h"

LOOM_C_BEGIN

/// What a choice of source means for one arm's object-centric subtask: which equivalent poses, how reachable.
typedef struct loomFit {
  int object_symmetry, hand_symmetry;
  double cost;       // lower is better
  double reach;      // remaining distance of inverse kinematics at the segment's end, m
  loomPose reshape;  // of the reference object, where the subtask has keypoints of it
} loomFit;

/// Best equivalent poses of a source for subtask `k` of arm `a` in the episode's present scene: of the
/// object's orientations that tilt the motion least, and the hand's, the pair that costs least. turn: the
/// object's orientation where it is chosen already, else -1.
loomFit loom_fit_source(loomEpisode* episode, const loomReplay* source, int a, int k, int turn);

/// Of the equivalent orientations of an object in the hand of arm `a` the one in which it is most as the
/// source held it at `row`.
int loom_held_turn(const loomEpisode* episode, const loomReplay* source, int a, int object, int row);

/// Index of the source for subtask `k` of arm `a`, none of those barred (sources->n; NULL = none is) as long
/// as one is not. Deterministic given the random stream.
int loom_select_source(loomEpisode* episode, const loomSourceSet* sources, const loomSourceStats* stats,
                       const bool* barred, int a, int k, loomRandom* random);

/// loomFit.reshape of a source for a subtask with a reference object.
loomPose loom_reference_reshape(const loomEpisode* episode, const loomReplay* source, int a, int k);
/// What a segment's reference object has become of the source's: its pose now in the orientation of `fit`,
/// moved by how its keypoints have.
loomPose loom_reference_pose(const loomEpisode* episode, const loomSubtaskDef* subtask, loomFit fit);

/// The transform's map for a segment starting now, with the equivalent poses of `fit` and a carried object as
/// the hand holds it.
loomTransform loom_segment_transform(const loomEpisode* episode, const loomReplay* source, int a, int k,
                                     loomFit fit, int row);

LOOM_C_END

#endif
