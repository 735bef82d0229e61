// Losses of actors and critics that learn from rewards: PPO's clipped objective (Schulman et al., "Proximal
// policy optimization algorithms", 2017, eq. 7) and its value loss, as CleanRL's ppo_continuous_action has
// them; TD3's targets (Fujimoto et al., "Addressing function approximation error in actor-critic methods",
// 2018, algorithm 1). Whatever the policy's distribution: these know log-probabilities only. Internal.
#ifndef LOOM_POLICIES_OBJECTIVE_POLICY_LOSS_H
#define LOOM_POLICIES_OBJECTIVE_POLICY_LOSS_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

typedef struct loomPolicyLoss {
  double loss;     // mean of max(-A ratio, -A clipped ratio)
  double kl;       // mean of (ratio - 1) - log ratio (Schulman, "Approximating KL divergence", 2020)
  double clipped;  // share of the ratios that are outside of 1 +- clip
} loomPolicyLoss;

typedef struct loomPolicyLossDef {
  double clip;  // of the ratio
  int ratios;   // of a row, each a probability of its own
  const double *advantage_share,
      *clip_share;  // (ratios) factors of the row's advantage and of clip; NULL = 1
} loomPolicyLossDef;

/// dlog_prob (n x ratios) from log-probabilities now and when the actions were drawn (n x ratios), and
/// advantages (n).
loomPolicyLoss loom_policy_loss(loomReal* dlog_prob, const loomReal* log_prob, const loomReal* old_log_prob,
                                const loomReal* advantage, int n, const loomPolicyLossDef* def);

/// Mean 0 and deviation 1 (of n - 1): out (n) may be advantage. 1e-8 is added to the deviation.
void loom_advantage_normalize(loomReal* out, const loomReal* advantage, int n);

/// Half the mean square of value - returns (n); clip > 0: values that moved further than that from old_value
/// count with the larger of their error and the clipped one's. dvalue (n) is times `weight`.
double loom_value_loss(loomReal* dvalue, const loomReal* value, const loomReal* old_value,
                       const loomReal* returns, int n, double clip, double weight);

/// target (n) = reward + discount min over the critics of next value (critics x n); discount 0 where nothing
/// follows.
void loom_td_target(loomReal* target, const loomReal* reward, const loomReal* discount, const loomReal* next,
                    int critics, int n);

LOOM_C_END

#endif
