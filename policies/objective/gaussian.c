#include "policies/objective/gaussian.h"

#define HALF_LOG_2PI 0.91893853320467274178

void loom_gaussian_log_prob(loomReal* log_prob, const loomReal* mean, const loomReal* log_std,
                            const loomReal* action, int n, int actions) {
  double constant = 0;
  for (int j = 0; j < actions; j++) constant += (double)log_std[j] + HALF_LOG_2PI;

  for (int i = 0; i < n; i++) {
    double squares = 0;
    for (int j = 0; j < actions; j++) {
      double off = (double)(action[i * actions + j] - mean[i * actions + j]) / exp((double)log_std[j]);
      squares += off * off;
    }
    log_prob[i] = (loomReal)(-0.5 * squares - constant);
  }
}

// log of the share of a standard normal beyond z. erfc has no digits left far out, where the series' first
// term is right to 1e-3.
static double log_beyond(double z) {
  const double far = 30;
  return z < far ? log(0.5 * erfc(z * M_SQRT1_2)) : -0.5 * z * z - HALF_LOG_2PI - log(z);
}

// Of one number. Bounds that went through a float are still bounds.
static double held(double action, double mean, double log_std, const double range[2]) {
  double near = 1e-6 * (range[1] - range[0]), inverse = exp(-log_std), off = (action - mean) * inverse;

  if (action <= range[0] + near) return log_beyond((mean - range[0]) * inverse);
  if (action >= range[1] - near) return log_beyond((range[1] - mean) * inverse);
  return -0.5 * off * off - log_std - HALF_LOG_2PI;
}

void loom_gaussian_held_log_prob(loomReal* log_prob, const loomReal* mean, const loomReal* log_std,
                                 const loomReal* action, const double* range, int n, int actions) {
  for (ptrdiff_t i = 0; i < n; i++) {
    double sum = 0;
    for (int j = 0; j < actions; j++)
      sum += held((double)action[i * actions + j], (double)mean[i * actions + j], (double)log_std[j],
                  range + 2 * (ptrdiff_t)j);
    log_prob[i] = (loomReal)sum;
  }
}

void loom_gaussian_log_prob_backward(loomReal* dmean, loomReal* dlog_std, const loomReal* dlog_prob,
                                     const loomReal* mean, const loomReal* log_std, const loomReal* action,
                                     int n, int actions) {
  for (int j = 0; j < actions; j++) {
    double inverse = exp(-2 * (double)log_std[j]), sum = 0;

    // By the mean (a - mean) / variance, by the deviation's logarithm its square - 1.
    for (int i = 0; i < n; i++) {
      double off = (double)action[i * actions + j] - (double)mean[i * actions + j];
      double slope = (double)dlog_prob[i];
      dmean[i * actions + j] = (loomReal)(slope * off * inverse);
      sum += slope * (off * off * inverse - 1);
    }
    dlog_std[j] += (loomReal)sum;
  }
}

double loom_gaussian_entropy(const loomReal* log_std, int actions) {
  double sum = 0;
  for (int j = 0; j < actions; j++) sum += (double)log_std[j] + 0.5 + HALF_LOG_2PI;
  return sum;
}

void loom_gaussian_sample(loomReal* action, const loomReal* mean, const loomReal* log_std, int actions,
                          loomRandom* random) {
  for (int j = 0; j < actions; j++)
    action[j] = (loomReal)((double)mean[j] + exp((double)log_std[j]) * loom_random_normal(random));
}
