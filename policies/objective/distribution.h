// What a policy's outputs say about actions: a Gaussian with diagonal covariance, or a mixture of them. Log-
// probability, entropy, KL divergence, their gradients by the outputs, samples and modes, all of the same
// row: what trains (likelihood, PPO's ratio and entropy bonus, a KL penalty) and what acts use one formula.
#ifndef LOOM_POLICIES_OBJECTIVE_DISTRIBUTION_H
#define LOOM_POLICIES_OBJECTIVE_DISTRIBUTION_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "engine/base/random.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

enum { LOOM_MIXTURE_MODES = 32 };

/// A mixture of Gaussians over actions, as robomimic's GMM policies have it. One mode is a plain Gaussian
/// policy. A row of the network's output is: means (modes x actions), raw deviations (modes x actions), and
/// with more than one mode their logits (modes). Deviation = softplus(raw) + min_std.
typedef struct loomMixtureDef {
  int actions, modes;  // modes <= LOOM_MIXTURE_MODES
  double min_std;
  double fixed_std;       // every deviation; 0: they are learned
  double evaluation_std;  // every deviation where one evaluates ("low-noise evaluation"); 0: those learned
  bool squash;            // means pass through tanh; samples do not, so densities stay Gaussian
} loomMixtureDef;

loomMixtureDef loom_default_mixture_def(int actions);  // 5 modes, 1e-4, 1e-4, squashed
int loom_mixture_width(const loomMixtureDef* def);     // columns of a row

// ---- log-probability

/// log p(action) of n rows: log_prob (n), y (n x width), action (n x actions), none of them normalized.
void loom_mixture_log_prob(loomReal* log_prob, const loomReal* y, const loomReal* action, int n,
                           const loomMixtureDef* def);
/// Adds to dy (n x width) what follows from dlog_prob (n), the slope of a loss by each log-probability.
void loom_mixture_log_prob_backward(loomReal* dy, const loomReal* dlog_prob, const loomReal* y,
                                    const loomReal* action, int n, const loomMixtureDef* def);

// ---- entropy

/// Entropy (n, nats) of n rows. Exact for one mode. A mixture has no closed form: then a lower bound, the
/// pairwise-distance estimator of Kolchinsky and Tracey ("Estimating mixture entropy with pairwise
/// distances", Entropy 19(7), 2017, eq. 10) with Bhattacharyya distances; exact where modes are all the same
/// or far apart.
void loom_mixture_entropy(loomReal* entropy, const loomReal* y, int n, const loomMixtureDef* def);
/// Adds to dy (n x width) what follows from dentropy (n).
void loom_mixture_entropy_backward(loomReal* dy, const loomReal* dentropy, const loomReal* y, int n,
                                   const loomMixtureDef* def);

// ---- divergence

/// KL(p || q) (n, nats) of n rows p and q (n x width). Exact for one mode. For mixtures an upper bound,
/// mode k of p against mode k of q: sum_k w_k (log(w_k / v_k) + KL(p_k || q_k)), by the log-sum inequality
/// (Do, "Fast approximation of Kullback-Leibler distance for dependence trees and hidden Markov models",
/// IEEE Signal Processing Letters 10(4), 2003). It is tight where q has come from p by small steps, as in
/// trust regions.
void loom_mixture_kl(loomReal* kl, const loomReal* p, const loomReal* q, int n, const loomMixtureDef* def);
/// Adds to dp and dq (n x width, each may be NULL) what follows from dkl (n).
void loom_mixture_kl_backward(loomReal* dp, loomReal* dq, const loomReal* dkl, const loomReal* p,
                              const loomReal* q, int n, const loomMixtureDef* def);

// ---- actions of one row

/// An action (actions) drawn from one row of y. Evaluating, deviations are evaluation_std. random NULL:
/// loom_mixture_mode.
void loom_mixture_sample(loomReal* action, const loomReal* y, const loomMixtureDef* def, bool evaluate,
                         loomRandom* random);
/// The mean of the likeliest mode; of one mode that is the most probable action.
void loom_mixture_mode(loomReal* action, const loomReal* y, const loomMixtureDef* def);
/// The mean over all modes.
void loom_mixture_mean(loomReal* action, const loomReal* y, const loomMixtureDef* def);

LOOM_C_END

#endif
