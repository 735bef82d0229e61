// The generator as an expert: what the transformed source segments say in states that somebody else has
// brought about. It follows an attempt's plan (plan.h), without noise, but by what has come about, not by the
// clock:
//   - the label is the action from where the arm is towards the target pose of the row it has progressed to;
//   - where an arm is further than a leash from its target, the plan begins again from where the arm is now,
//     at the row nearest to it among those of the same gripper command, with objects where they are now;
//   - the row does not go on while the arm is not where the source's was, nor while the fingers do not touch
//     (or still touch) what they did in the source: where it is depends on the scene, not on the time that
//     passed;
//   - what should be in the hand and is not sends the arm back to the subtask that grasps it;
//   - a subtask ends when its rows are done and the condition that it `expect`s holds; when that does not
//     come, it begins again.
#ifndef LOOM_GENERATORS_EXPERT_GUIDE_H
#define LOOM_GENERATORS_EXPERT_GUIDE_H

#include "engine/base/api.h"
#include "generators/attempt/plan.h"

LOOM_C_BEGIN

typedef struct loomGuide {
  loomPlan plan;
  loomAttemptDef def;
  loomAttemptResult result;
  int waited[LOOM_MAX_ARMS];  // control steps in a row the row has not gone on
  int missed[LOOM_MAX_ARMS];  // and those without what should be in the hand
} loomGuide;

/// For an episode that has just been reset; sources are chosen as attempt `number` of that seed would.
/// Everything must stay where it is while the policy is used.
void loom_guide_begin(loomGuide* guide, loomEpisode* episode, const loomSourceSet* sources, uint64_t seed,
                      uint64_t number);
loomPolicy loom_guide_policy(loomGuide* guide);

LOOM_C_END

#endif
