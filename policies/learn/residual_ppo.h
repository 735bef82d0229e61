// A residual on a frozen policy of any kind, as policies/learn/residual.h has it, but learned by PPO (as in
// Ankile et al., "From imitation to refinement", 2024): from what it tries alone, without critics that hold
// it back. It is for many control steps, and for policies that have no likelihood of their own.
#ifndef LOOM_POLICIES_LEARN_RESIDUAL_PPO_H
#define LOOM_POLICIES_LEARN_RESIDUAL_PPO_H

#include "engine/base/api.h"
#include "policies/learn/ppo.h"
#include "policies/learn/residual.h"

LOOM_C_BEGIN

typedef struct loomResidualPpoSettings {
  loomPpoTurns turns;
  int hold;                            // control steps of an offset; 0 = those of a decision
  double position, rotation, gripper;  // largest offsets, shares of the controllers' ranges
  double std;                          // of offsets, as shares of the largest, to explore
} loomResidualPpoSettings;

extern const loomFields loom_residual_ppo_settings_fields;
loomResidualPpoSettings loom_default_residual_ppo_settings(void);
/// PPO's settings that suit it. Steps are decisions.
loomPpoConfig loom_default_residual_ppo_config(void);

/// Errors: as loom_residual_learner. base's policy is given a residual.
int loom_residual_ppo_learner(loomLearner* out, const loomFinetuneSettings* settings,
                              const loomPpoConfig* ppo, const loomResidualPpoSettings* residual,
                              const loomFinetuneBase* base, int64_t steps, uint64_t seed, int threads,
                              loomError* err);

LOOM_C_END

#endif
