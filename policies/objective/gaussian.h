// Diagonal Gaussians over actions whose deviations depend on no state: log_std (actions) is a parameter of
// its own, as in CleanRL's ppo_continuous_action and OpenAI's baselines. (Deviations that a network tells:
// distribution.h.) Internal.
#ifndef LOOM_POLICIES_OBJECTIVE_GAUSSIAN_H
#define LOOM_POLICIES_OBJECTIVE_GAUSSIAN_H

#include "engine/base/api.h"
#include "engine/base/random.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

/// log p(action) of n rows: log_prob (n); mean, action (n x actions).
void loom_gaussian_log_prob(loomReal* log_prob, const loomReal* mean, const loomReal* log_std,
                            const loomReal* action, int n, int actions);
/// The same of actions that were held to range (actions x 2: lowest, highest), as an environment does with
/// what is drawn: a density inside, at a bound the share of all that is held to it. Both are probabilities
/// of what is done, and none is beyond all bounds where a mean lies far outside.
void loom_gaussian_held_log_prob(loomReal* log_prob, const loomReal* mean, const loomReal* log_std,
                                 const loomReal* action, const double* range, int n, int actions);
/// dmean (n x actions) and, added to what is there, dlog_std (actions) from dlog_prob (n).
void loom_gaussian_log_prob_backward(loomReal* dmean, loomReal* dlog_std, const loomReal* dlog_prob,
                                     const loomReal* mean, const loomReal* log_std, const loomReal* action,
                                     int n, int actions);
/// Entropy in nats, the same for all rows. Its slope by each log_std is 1.
double loom_gaussian_entropy(const loomReal* log_std, int actions);
/// An action (actions) drawn from one row.
void loom_gaussian_sample(loomReal* action, const loomReal* mean, const loomReal* log_std, int actions,
                          loomRandom* random);

LOOM_C_END

#endif
