#include "policies/objective/distribution_internal.h"

loomMixtureDef loom_default_mixture_def(int actions) {
  return (loomMixtureDef){
      .actions = actions, .modes = 5, .min_std = 1e-4, .evaluation_std = 1e-4, .squash = true};
}

int loom_mixture_width(const loomMixtureDef* def) {
  return 2 * def->modes * def->actions + (def->modes > 1 ? def->modes : 0);
}

// ---- how a row is read

loomMixtureForm loom_mixture_form(const loomMixtureDef* def) {
  bool fixed = def->fixed_std > 0;

  return (loomMixtureForm){def->squash ? 1 : 0, fixed ? 0 : 1,
                           (loomReal)(fixed ? def->fixed_std : def->min_std)};
}

void loom_mixture_weights(loomReal* weight, const loomReal* logit, int modes) {
  weight[0] = 1;
  if (modes == 1) return;

  // The largest logit is taken off first, so that no exponential overflows.
  loomReal top = logit[0], sum = 0;
  for (int k = 1; k < modes; k++) top = logit[k] > top ? logit[k] : top;

  for (int k = 0; k < modes; k++) sum += weight[k] = loom_real_exp(logit[k] - top);
  for (int k = 0; k < modes; k++) weight[k] /= sum;
}

// ---- log-probability

#define HALF_LOG_2PI ((loomReal)0.91893853320467274178)

enum { LANES = 16 };  // the numbers of a register of AVX-512

// Of one mode: sum_d log N(action_d; m_d, s_d) = -sum_d (z_d^2 / 2 + log s_d + log(2 pi) / 2) with
// z = (action - m) / s. dmean and draw (may be NULL both) get minus its slopes by means and raw deviations:
// by m they are z / s, by s (z^2 - 1) / s.
//
// Registers are filled up with zeros: gcc would go through what is left number by number.
LOOM_CLONES static loomReal mode_log_prob(loomReal* dmean, loomReal* draw, const loomReal* mean,
                                          const loomReal* raw, const loomReal* action,
                                          const loomMixtureDef* def) {
  const loomMixtureForm form = loom_mixture_form(def);
  loomReal sum = 0;

  for (int d = 0; d < def->actions; d += LANES) {
    int n = def->actions - d < LANES ? def->actions - d : LANES;
    size_t bytes = (size_t)n * sizeof(loomReal);
    loomReal means[LANES] = {0}, raws[LANES] = {0}, actions[LANES] = {0}, terms[LANES], dmeans[LANES],
             draws[LANES];
    memcpy(means, mean + d, bytes);
    memcpy(raws, raw + d, bytes);
    memcpy(actions, action + d, bytes);

#pragma omp simd
    for (int l = 0; l < LANES; l++) {
      loomReal m = loom_mixture_entry_mean(means[l], form), std = loom_mixture_entry_std(raws[l], form);
      loomReal z = (actions[l] - m) / std;
      terms[l] = z * z / 2 + loom_real_log(std) + HALF_LOG_2PI;
      dmeans[l] = -z / std * loom_mixture_mean_slope(m, form);
      draws[l] = form.learned * (1 - z * z) / std * loom_real_sigmoid(raws[l]);
    }

    for (int l = 0; l < n; l++) sum -= terms[l];
    if (!dmean) continue;

    memcpy(dmean + d, dmeans, bytes);
    memcpy(draw + d, draws, bytes);
  }
  return sum;
}

// log p = log sum_k w_k N_k from log N_k, which become responsibilities w_k N_k / sum_j w_j N_j in place.
// The largest is taken off before exponentials, so that not all of them underflow.
static loomReal take_responsibilities(loomReal* joint, const loomReal* weight, int modes) {
  loomReal top = joint[0], sum = 0;
  for (int k = 1; k < modes; k++) top = top > joint[k] ? top : joint[k];

  for (int k = 0; k < modes; k++) sum += joint[k] = weight[k] * loom_real_exp(joint[k] - top);
  for (int k = 0; k < modes; k++) joint[k] /= sum;
  return top + loom_real_log(sum);
}

// By a mode's numbers the slope of log p is responsibility * slope of log N_k, by its logit responsibility -
// w_k (Bishop, "Pattern Recognition and Machine Learning", 2006, 9.2).
loomReal loom_mixture_row_loss(loomReal* dy, const loomReal* y, const loomReal* action, loomReal scale,
                               const loomMixtureDef* def) {
  int modes = def->modes, size = def->actions, block = modes * size;
  loomReal weight[LOOM_MIXTURE_MODES], joint[LOOM_MIXTURE_MODES];
  loom_mixture_weights(weight, y + 2 * block, modes);

  // Slopes of each mode alone are written to their places at once; one pass over the numbers is enough.
  for (int k = 0; k < modes; k++) {
    int mean = k * size, raw = block + k * size;
    joint[k] = mode_log_prob(dy ? dy + mean : NULL, dy ? dy + raw : NULL, y + mean, y + raw, action, def);
  }
  loomReal log_prob = take_responsibilities(joint, weight, modes);

  for (int k = 0; dy && k < modes; k++) {
    loomReal share = scale * joint[k];
    for (int d = 0; d < size; d++) dy[k * size + d] *= share;
    for (int d = 0; d < size; d++) dy[block + k * size + d] *= share;
    if (modes > 1) dy[2 * block + k] = scale * (weight[k] - joint[k]);
  }
  return -log_prob;
}

void loom_mixture_log_prob(loomReal* log_prob, const loomReal* y, const loomReal* action, int n,
                           const loomMixtureDef* def) {
  ptrdiff_t width = loom_mixture_width(def);

#pragma omp parallel for schedule(static) if (n * width >= LOOM_PARALLEL_MIN / 16)
  for (int i = 0; i < n; i++)
    log_prob[i] = -loom_mixture_row_loss(NULL, y + i * width, action + (ptrdiff_t)i * def->actions, 1, def);
}

// A register's worth of numbers at a time, so that slopes need no memory besides what they are added to.
static void add_mode_slopes(loomReal* dmean, loomReal* draw, const loomReal* mean, const loomReal* raw,
                            const loomReal* action, loomReal scale, const loomMixtureDef* def) {
  loomMixtureDef part = *def;

  for (int d = 0; d < def->actions; d += LANES) {
    loomReal dmeans[LANES], draws[LANES];
    part.actions = def->actions - d < LANES ? def->actions - d : LANES;
    mode_log_prob(dmeans, draws, mean + d, raw + d, action + d, &part);

    for (int l = 0; l < part.actions; l++) {
      dmean[d + l] -= scale * dmeans[l];
      draw[d + l] -= scale * draws[l];
    }
  }
}

static void row_log_prob_backward(loomReal* dy, loomReal slope, const loomReal* y, const loomReal* action,
                                  const loomMixtureDef* def) {
  int modes = def->modes, size = def->actions, block = modes * size;
  loomReal weight[LOOM_MIXTURE_MODES], joint[LOOM_MIXTURE_MODES];

  // Responsibilities first: they scale each mode's slopes.
  loom_mixture_weights(weight, y + 2 * block, modes);
  for (int k = 0; k < modes; k++)
    joint[k] = mode_log_prob(NULL, NULL, y + k * size, y + block + k * size, action, def);
  take_responsibilities(joint, weight, modes);

  for (int k = 0; k < modes; k++) {
    int mean = k * size, raw = block + k * size;
    add_mode_slopes(dy + mean, dy + raw, y + mean, y + raw, action, slope * joint[k], def);
    if (modes > 1) dy[2 * block + k] += slope * (joint[k] - weight[k]);
  }
}

void loom_mixture_log_prob_backward(loomReal* dy, const loomReal* dlog_prob, const loomReal* y,
                                    const loomReal* action, int n, const loomMixtureDef* def) {
  ptrdiff_t width = loom_mixture_width(def);

#pragma omp parallel for schedule(static) if (n * width >= LOOM_PARALLEL_MIN / 16)
  for (int i = 0; i < n; i++)
    row_log_prob_backward(dy + i * width, dlog_prob[i], y + i * width, action + (ptrdiff_t)i * def->actions,
                          def);
}

// ---- actions of one row

static int likeliest_mode(const loomReal* y, const loomMixtureDef* def) {
  const loomReal* logit = y + 2 * def->modes * def->actions;
  int best = 0;
  for (int k = 1; k < def->modes; k++) best = logit[k] > logit[best] ? k : best;
  return best;
}

void loom_mixture_mode(loomReal* action, const loomReal* y, const loomMixtureDef* def) {
  const loomMixtureForm form = loom_mixture_form(def);
  const loomReal* mean = y + likeliest_mode(y, def) * def->actions;
  for (int d = 0; d < def->actions; d++) action[d] = loom_mixture_entry_mean(mean[d], form);
}

void loom_mixture_mean(loomReal* action, const loomReal* y, const loomMixtureDef* def) {
  const loomMixtureForm form = loom_mixture_form(def);
  int modes = def->modes, size = def->actions;
  loomReal weight[LOOM_MIXTURE_MODES];
  loom_mixture_weights(weight, y + 2 * modes * size, modes);

  for (int d = 0; d < size; d++) {
    loomReal sum = 0;
    for (int k = 0; k < modes; k++) sum += weight[k] * loom_mixture_entry_mean(y[k * size + d], form);
    action[d] = sum;
  }
}

void loom_mixture_sample(loomReal* action, const loomReal* y, const loomMixtureDef* def, bool evaluate,
                         loomRandom* random) {
  if (!random) {
    loom_mixture_mode(action, y, def);
    return;
  }

  // A mode by its weight.
  int modes = def->modes, size = def->actions, block = modes * size;
  loomReal weight[LOOM_MIXTURE_MODES];
  double share[LOOM_MIXTURE_MODES];
  loom_mixture_weights(weight, y + 2 * block, modes);
  for (int k = 0; k < modes; k++) share[k] = (double)weight[k];
  int k = loom_random_weighted(random, share, modes);

  // Then its Gaussian.
  const loomMixtureForm form = loom_mixture_form(def);
  const loomReal *mean = y + k * size, *raw = y + block + k * size;
  for (int d = 0; d < size; d++) {
    double std = evaluate && def->evaluation_std > 0 ? def->evaluation_std
                                                     : (double)loom_mixture_entry_std(raw[d], form);
    double m = (double)loom_mixture_entry_mean(mean[d], form);
    action[d] = (loomReal)(m + std * loom_random_normal(random));
  }
}
