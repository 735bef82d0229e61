// A diffusion policy learned itself by PPO (policies/learn/ppo.h) in its task's episodes, through the steps
// by which it takes noise away (Ren et al., "Diffusion policy policy optimization", 2024): its own network is
// the actor (policies/network/diffusion_actor.h), beside it a critic learns, a first while alone.
#ifndef LOOM_POLICIES_LEARN_DPPO_H
#define LOOM_POLICIES_LEARN_DPPO_H

#include "engine/base/api.h"
#include "policies/learn/ppo.h"
#include "policies/learn/residual.h"

LOOM_C_BEGIN

typedef struct loomDppoSettings {
  loomPpoTurns turns;
  int steps;  // that learn, as loomDiffusionActorDef
  double std, shared, likelihood_std, discount, clip_least, clip_growth;  // as loomDiffusionActorDef
} loomDppoSettings;

extern const loomFields loom_dppo_settings_fields;
loomDppoSettings loom_default_dppo_settings(void);
/// PPO's settings that suit it. Steps are decisions.
loomPpoConfig loom_default_dppo_ppo_config(void);

/// Errors: as loom_residual_learner, and loom_diffusion_actor_create's. base's policy changes as it learns.
int loom_dppo_learner(loomLearner* out, const loomFinetuneSettings* settings, const loomPpoConfig* ppo,
                      const loomDppoSettings* dppo, const loomFinetuneBase* base, int64_t steps,
                      uint64_t seed, int threads, loomError* err);

LOOM_C_END

#endif
