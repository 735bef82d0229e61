// Twin delayed deep deterministic policy gradient (Fujimoto et al., "Addressing function approximation error
// in actor-critic methods", 2018): off-policy, with the settings of its paper and of CleanRL's
// td3_continuous_action by default. Actions are scaled to [-1, 1].
#ifndef LOOM_POLICIES_LEARN_TD3_H
#define LOOM_POLICIES_LEARN_TD3_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/learn/learner.h"

LOOM_C_BEGIN

typedef struct loomTd3Config {
  int environments;  // side by side
  int64_t buffer;    // rows of the replay buffer
  int warmup;        // steps of random actions before anything is learned
  int batch;         // rows of an update
  double updates;    // of the critics, for each step
  int delay;         // updates of the critics for each of the actor and the slow networks
  double discount;
  int n_step;                        // rewards of a target
  double rate;                       // of learning
  double tau;                        // how far slow networks follow
  double noise;                      // deviation of exploring actions, of half their range
  double target_noise, target_clip;  // of target actions
  int critics;
  loomSizes hidden;
} loomTd3Config;

extern const loomFields loom_td3_fields;
loomTd3Config loom_default_td3_config(void);

int loom_td3_create(loomLearner* out, const loomTd3Config* config, const loomEnvironmentMaker* maker,
                    uint64_t seed, int threads, loomError* err);

LOOM_C_END

#endif
