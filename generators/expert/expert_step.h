// A step of a scripted expert: where it leads, how it begins, what it does with the hand. Internal.
#ifndef LOOM_GENERATORS_EXPERT_EXPERT_STEP_H
#define LOOM_GENERATORS_EXPERT_EXPERT_STEP_H

#include "generators/expert/expert.h"

static inline const loomExpertStep* loom_expert_step(const loomEpisode* e, int arm, int step) {
  return &e->scene->task->expert[arm][step];
}

bool loom_expert_closes(const loomExpertStep* step);
bool loom_expert_opens(const loomExpertStep* step);
/// Do both lead to places in the same frame?
bool loom_expert_same_frame(const loomExpertStep* a, const loomExpertStep* b);

/// Where the end effector is to be for one of the arm's steps (m; world), as objects are now.
loomPose loom_expert_goal(const loomExpert* x, const loomEpisode* e, int arm, int step);
/// The arm begins its step: its frame, a person's inexactness, how a carried object is held, which of equal
/// goals.
void loom_expert_begin_step(loomExpert* x, const loomEpisode* e, int arm);

/// What the step says of the hand, whose action has `dim` entries.
void loom_expert_set_hand(loomExpertArm* arm, const loomExpertStep* step, int dim);
/// What the hand did up to a step.
void loom_expert_hand_before(loomExpertArm* arm, const loomTask* task, int a, int step);

/// How far a pose is from another, m: a rad counts for `loom_expert_m_per_rad`.
double loom_expert_left(loomPose from, loomPose to);
extern const double loom_expert_m_per_rad;

#endif
