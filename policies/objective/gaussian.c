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
