#include "policies/objective/loss.h"

#include "policies/objective/distribution_internal.h"

// 1 / the sum of the weights; 0 where all are 0.
static double inverse_total(const loomReal* weight, int n) {
  double sum = weight ? 0 : n;
  for (int i = 0; weight && i < n; i++) sum += (double)weight[i];
  return sum > 0 ? 1 / sum : 0;
}

double loom_l2_loss(loomReal* dy, const loomReal* y, const loomReal* target, const loomReal* weight,
                    const float* unit, int n, int width) {
  enum { PARTS = 64 };  // fixed, and added up in order: threads change nothing
  double share = inverse_total(weight, n) / width, part[PARTS] = {0}, loss = 0;
  int rows = (n + PARTS - 1) / PARTS;

#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * width >= LOOM_PARALLEL_MIN)
  for (int p = 0; p < PARTS; p++) {
    for (int i = p * rows; i < (p + 1) * rows && i < n; i++) {
      double w = weight ? (double)weight[i] : 1, sum = 0;
      loomReal slope = (loomReal)(2 * share * w);
      for (ptrdiff_t k = 0, j = (ptrdiff_t)i * width; k < width; k++, j++) {
        loomReal share_of = unit ? 1 / (loomReal)unit[k] : 1, error = (y[j] - target[j]) * share_of;
        sum += (double)error * (double)error;
        if (dy) dy[j] = slope * error * share_of;
      }
      part[p] += w * sum;
    }
  }

  for (int p = 0; p < PARTS; p++) loss += part[p];
  return loss * share;
}

double loom_mixture_loss(loomReal* dy, loomReal* row_loss, const loomReal* y, const loomReal* action,
                         const loomReal* weight, int n, const loomMixtureDef* def) {
  ptrdiff_t width = loom_mixture_width(def);
  double share = inverse_total(weight, n), loss = 0;

#pragma omp parallel for schedule(static) if (n * width >= LOOM_PARALLEL_MIN / 16)
  for (int i = 0; i < n; i++) {
    loomReal w = (loomReal)(share * (weight ? (double)weight[i] : 1));
    row_loss[i] = loom_mixture_row_loss(dy ? dy + i * width : NULL, y + i * width,
                                        action + (ptrdiff_t)i * def->actions, w, def);
  }

  // In order, so that threads change nothing.
  for (int i = 0; i < n; i++) loss += share * (weight ? (double)weight[i] : 1) * (double)row_loss[i];
  return loss;
}

// -log sigmoid(y) = softplus(-y), -log(1 - sigmoid(y)) = softplus(y): no overflow, whatever the logit. The
// slope of either is sigmoid(y) - label.
double loom_binary_loss(loomReal* dy, const loomReal* y, const loomReal* label, const loomReal* weight, int n,
                        const double class_weight[2]) {
  double share = inverse_total(weight, n), loss = 0;

  for (int i = 0; i < n; i++) {
    bool positive = label[i] > 0;
    double w = share * class_weight[positive] * (weight ? (double)weight[i] : 1);
    loss += w * (double)loom_real_softplus(positive ? -y[i] : y[i]);
    if (dy) dy[i] = (loomReal)(w * ((double)loom_real_sigmoid(y[i]) - positive));
  }
  return loss;
}
