// A reward of steps that was learned (airl: policies/network/shaped.h, its g), apart from who learned it:
// what is written as DIR/reward.safetensors, and what a control task's reward term `learned` asks. Internal.
#ifndef LOOM_POLICIES_NETWORK_STEP_REWARD_H
#define LOOM_POLICIES_NETWORK_STEP_REWARD_H

#include "engine/sim/control_sim.h"
#include "policies/network/discriminator.h"
#include "policies/nn/safetensors.h"

LOOM_C_BEGIN

#define LOOM_STEP_REWARD_FILE "reward.safetensors"
/// What is seen and done is held to so many deviations.
#define LOOM_STEP_REWARD_CLIP 10.0

typedef struct loomStepReward {
  int obs, actions;        // numbers of what is seen and of an action
  bool sees_action, ends;  // as loomShapedDef has them
  double* middle;          // (obs + actions) by which they are scaled: (x - middle) * scale
  double* scale;           // (obs + actions); behind middle
  // What the absorbing state is worth by g and by h; all is told as the difference to these, so that an end
  // is followed by 0.
  double end, shape_end;
  double discount;  // of shaping
  loomParams params;
  loomMlp mlp, shape;
} loomStepReward;

/// Of an airl discriminator as it is now; middle and scale (obs + actions each) are those of its rows. Free
/// with loom_step_reward_destroy.
int loom_step_reward_of(loomStepReward* out, loomDiscriminator* d, const double* middle, const double* scale,
                        loomError* err);
void loom_step_reward_destroy(loomStepReward* reward);

int loom_step_reward_write(const char* path, const loomStepReward* reward, loomError* err);
/// LOOM_ERR_FORMAT, naming label: it is not as it was written.
int loom_step_reward_read(loomStepReward* out, const loomSafetensors* file, const char* label,
                          loomError* err);

/// For a control task's term; the reward has to stay.
loomStepScore loom_step_reward_score(loomStepReward* reward);

LOOM_C_END

#endif
