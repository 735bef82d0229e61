// A trained policy whose outputs are a Gaussian or a mixture, learned itself by PPO (policies/learn/ppo.h) in
// its task's episodes: its own network is the actor, beside it a critic learns. A first while only that does,
// since a random critic would spoil a good policy. Demos keep it near what they show: their negative log
// likelihood is added to the loss, as in Torne et al., "Reconciling reality through simulation" (RSS 2024).
#ifndef LOOM_POLICIES_LEARN_DIRECT_H
#define LOOM_POLICIES_LEARN_DIRECT_H

#include "engine/base/api.h"
#include "policies/learn/ppo.h"
#include "policies/learn/residual.h"

LOOM_C_BEGIN

typedef struct loomDirectSettings {
  loomPpoTurns turns;
  double bc;         // weight of the demos' negative log likelihood
  double least_std;  // added to deviations of actions, normalized, while it explores
} loomDirectSettings;

extern const loomFields loom_direct_settings_fields;
loomDirectSettings loom_default_direct_settings(void);
/// PPO's settings that suit it. Steps are decisions.
loomPpoConfig loom_default_direct_ppo_config(void);

/// Errors: as loom_residual_learner; LOOM_ERR_UNSUPPORTED: a kind that it is not for, demos with pictures or
/// clouds; LOOM_ERR_USAGE: bc without demos. base's policy changes as it learns.
int loom_direct_learner(loomLearner* out, const loomFinetuneSettings* settings, const loomPpoConfig* ppo,
                        const loomDirectSettings* direct, const loomFinetuneBase* base, int64_t steps,
                        uint64_t seed, int threads, loomError* err);

LOOM_C_END

#endif
