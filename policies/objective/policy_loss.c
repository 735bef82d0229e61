#include "policies/objective/policy_loss.h"

loomPolicyLoss loom_policy_loss(loomReal* dlog_prob, const loomReal* log_prob, const loomReal* old_log_prob,
                                const loomReal* advantage, int n, const loomPolicyLossDef* def) {
  loomPolicyLoss sum = {0};
  int ratios = def->ratios, count = n * ratios;
  double share = 1.0 / count;

  for (int i = 0; i < count; i++) {
    int part = i % ratios;
    double a = (double)advantage[i / ratios], clip = def->clip;
    if (def->advantage_share) a *= def->advantage_share[part];
    if (def->clip_share) clip *= def->clip_share[part];

    double moved = (double)log_prob[i] - (double)old_log_prob[i], ratio = exp(moved);
    double bounded = fmin(fmax(ratio, 1 - clip), 1 + clip), plain = -a * ratio, held = -a * bounded;

    // The clipped one has no slope where it is the larger, for then the ratio is out of bounds.
    sum.loss += share * fmax(plain, held);
    dlog_prob[i] = (loomReal)(plain >= held ? share * plain : 0);

    sum.kl += share * ((ratio - 1) - moved);
    sum.clipped += fabs(ratio - 1) > clip ? share : 0;
  }
  return sum;
}

void loom_advantage_normalize(loomReal* out, const loomReal* advantage, int n) {
  double mean = 0, squares = 0;
  for (int i = 0; i < n; i++) mean += (double)advantage[i] / n;

  for (int i = 0; i < n; i++) {
    double off = (double)advantage[i] - mean;
    squares += off * off;
  }

  double scale = 1 / (sqrt(squares / (n > 1 ? n - 1 : 1)) + 1e-8);
  for (int i = 0; i < n; i++) out[i] = (loomReal)(((double)advantage[i] - mean) * scale);
}

double loom_value_loss(loomReal* dvalue, const loomReal* value, const loomReal* old_value,
                       const loomReal* returns, int n, double clip, double weight) {
  double loss = 0, share = 1.0 / n;

  for (int i = 0; i < n; i++) {
    double error = (double)value[i] - (double)returns[i], slope = error, square = error * error;

    // A clipped value stands still: no slope.
    if (clip > 0) {
      double moved = (double)value[i] - (double)old_value[i];
      double held = (double)old_value[i] + fmin(fmax(moved, -clip), clip) - (double)returns[i];
      bool outside = fabs(moved) > clip;
      if (outside && held * held > square) slope = 0;
      square = fmax(square, held * held);
    }

    loss += 0.5 * share * square;
    dvalue[i] = (loomReal)(weight * share * slope);
  }
  return loss;
}

void loom_td_target(loomReal* target, const loomReal* reward, const loomReal* discount, const loomReal* next,
                    int critics, int n) {
  for (int i = 0; i < n; i++) {
    loomReal least = next[i];
    for (int k = 1; k < critics; k++) least = next[k * n + i] < least ? next[k * n + i] : least;

    target[i] = reward[i] + discount[i] * least;
  }
}
