#include "policies/objective/loss.h"

// 1 / the sum of the weights; 0 where all are 0.
static double inverse_total(const loomReal* weight, int n) {
  double sum = weight ? 0 : n;
  for (int i = 0; weight && i < n; i++) sum += (double)weight[i];
  return sum > 0 ? 1 / sum : 0;
}

double loom_l2_loss(loomReal* dy, const loomReal* y, const loomReal* target, const loomReal* weight, int n,
                    int width) {
  enum { PARTS = 64 };  // fixed, and added up in order: threads change nothing
  double share = inverse_total(weight, n) / width, part[PARTS] = {0}, loss = 0;
  int rows = (n + PARTS - 1) / PARTS;
#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * width >= LOOM_PARALLEL_MIN)
  for (int p = 0; p < PARTS; p++) {
    for (int i = p * rows; i < (p + 1) * rows && i < n; i++) {
      double w = weight ? (double)weight[i] : 1, sum = 0;
      loomReal slope = (loomReal)(2 * share * w);
      for (ptrdiff_t j = (ptrdiff_t)i * width; j < (ptrdiff_t)(i + 1) * width; j++) {
        loomReal error = y[j] - target[j];
        sum += (double)error * (double)error;
        if (dy) dy[j] = slope * error;
      }
      part[p] += w * sum;
    }
  }
  for (int p = 0; p < PARTS; p++) loss += part[p];
  return loss * share;
}

loomMixtureDef loom_default_mixture_def(int actions) {
  return (loomMixtureDef){
      .actions = actions, .modes = 5, .min_std = 1e-4, .evaluation_std = 1e-4, .squash = true};
}

int loom_mixture_width(const loomMixtureDef* def) {
  return 2 * def->modes * def->actions + (def->modes > 1 ? def->modes : 0);
}

// probability (modes) from logits; one mode has none.
static void mode_probability(loomReal* probability, const loomReal* logit, int modes) {
  probability[0] = 1;
  if (modes == 1) return;
  loomReal top = logit[0], sum = 0;
  for (int k = 1; k < modes; k++) top = logit[k] > top ? logit[k] : top;
  for (int k = 0; k < modes; k++) sum += probability[k] = loom_real_exp(logit[k] - top);
  for (int k = 0; k < modes; k++) probability[k] /= sum;
}

// A mean is squashed * tanh(raw) + (1 - squashed) * raw, a deviation learned * softplus(raw) + least;
// squashed and learned are 0 or 1, since gcc vectorises no loop that chooses by what stays the same in it.
typedef struct formOf {
  loomReal squashed, learned, least;
} formOf;

static formOf form_of(const loomMixtureDef* def) {
  bool fixed = def->fixed_std > 0;
  return (formOf){def->squash ? 1 : 0, fixed ? 0 : 1, (loomReal)(fixed ? def->fixed_std : def->min_std)};
}

// Of one entry of one mode: mean and deviation, and how many deviations the action lies off.
static inline loomReal deviations(loomReal* m, loomReal* std, loomReal mean, loomReal raw, loomReal action,
                                  formOf of) {
  *m = of.squashed * loom_real_tanh(mean) + (1 - of.squashed) * mean;
  *std = of.learned * loom_real_softplus(raw) + of.least;
  return (action - *m) / *std;
}

#define HALF_LOG_2PI ((loomReal)0.91893853320467274178)

enum { LANES = 16 };  // the numbers of a register of AVX-512

// log N(action; means, deviations) of one mode; dmean and draw (may be NULL both): minus its slopes by means
// and raw deviations. Registers are filled up with zeros: gcc would go through what is left number by number.
LOOM_CLONES static loomReal mode_likelihood(loomReal* dmean, loomReal* draw, const loomReal* mean,
                                            const loomReal* raw, const loomReal* action,
                                            const loomMixtureDef* def) {
  const formOf of = form_of(def);
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
      loomReal m, std, z = deviations(&m, &std, means[l], raws[l], actions[l], of);
      terms[l] = z * z / 2 + loom_real_log(std) + HALF_LOG_2PI;
      dmeans[l] = -z / std * (1 - of.squashed * m * m);
      draws[l] = of.learned * (1 - z * z) / std * loom_real_sigmoid(raws[l]);
    }
    for (int l = 0; l < n; l++) sum -= terms[l];
    if (!dmean) continue;
    memcpy(dmean + d, dmeans, bytes);
    memcpy(draw + d, draws, bytes);
  }
  return sum;
}

// One row: its negative log likelihood, and dy (width, may be NULL) times weight.
static loomReal row_loss_of(loomReal* dy, const loomReal* y, const loomReal* action, loomReal weight,
                            const loomMixtureDef* def) {
  int modes = def->modes, size = def->actions, block = modes * size;
  loomReal prior[LOOM_MIXTURE_MODES], joint[LOOM_MIXTURE_MODES], top = 0, sum = 0;
  mode_probability(prior, y + 2 * block, modes);
  for (int k = 0; k < modes; k++) {
    int mean = k * size, raw = block + k * size;
    joint[k] = mode_likelihood(dy ? dy + mean : NULL, dy ? dy + raw : NULL, y + mean, y + raw, action, def);
    top = k && top > joint[k] ? top : joint[k];
  }
  for (int k = 0; k < modes; k++) sum += joint[k] = prior[k] * loom_real_exp(joint[k] - top);
  for (int k = 0; dy && k < modes; k++) {
    loomReal responsibility = joint[k] / sum, share = weight * responsibility;
    for (int d = 0; d < size; d++) dy[k * size + d] *= share;
    for (int d = 0; d < size; d++) dy[block + k * size + d] *= share;
    if (modes > 1) dy[2 * block + k] = weight * (prior[k] - responsibility);
  }
  return -top - loom_real_log(sum);
}

double loom_mixture_loss(loomReal* dy, loomReal* row_loss, const loomReal* y, const loomReal* action,
                         const loomReal* weight, int n, const loomMixtureDef* def) {
  ptrdiff_t width = loom_mixture_width(def);
  double share = inverse_total(weight, n), loss = 0;
#pragma omp parallel for schedule(static) if (n * width >= LOOM_PARALLEL_MIN / 16)
  for (int i = 0; i < n; i++) {
    loomReal w = (loomReal)(share * (weight ? (double)weight[i] : 1));
    row_loss[i] =
        row_loss_of(dy ? dy + i * width : NULL, y + i * width, action + (ptrdiff_t)i * def->actions, w, def);
  }
  for (int i = 0; i < n; i++) loss += share * (weight ? (double)weight[i] : 1) * (double)row_loss[i];
  return loss;
}

void loom_mixture_sample(loomReal* action, const loomReal* y, const loomMixtureDef* def, bool evaluate,
                         loomRandom* random) {
  int modes = def->modes, size = def->actions, block = modes * size;
  loomReal prior[LOOM_MIXTURE_MODES];
  double weight[LOOM_MIXTURE_MODES];
  mode_probability(prior, y + 2 * block, modes);
  int k = 0;
  if (random) {
    for (int m = 0; m < modes; m++) weight[m] = (double)prior[m];
    k = loom_random_weighted(random, weight, modes);
  } else {
    for (int m = 1; m < modes; m++) k = y[2 * block + m] > y[2 * block + k] ? m : k;
  }
  const formOf of = form_of(def);
  const loomReal *mean = y + k * size, *raw = y + block + k * size;
  for (int d = 0; d < size; d++) {
    double std = evaluate && def->evaluation_std > 0
                     ? def->evaluation_std
                     : (double)(of.learned * loom_real_softplus(raw[d]) + of.least);
    double m = def->squash ? (double)loom_real_tanh(mean[d]) : (double)mean[d];
    action[d] = (loomReal)(random ? m + std * loom_random_normal(random) : m);
  }
}
