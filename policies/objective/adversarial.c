#include "policies/objective/adversarial.h"

// ---- losses

// -log D of the expert's rows, -log(1 - D) of the policy's: no overflow, whatever the logit.
double loom_adversarial_bce(loomReal* dy, const loomReal* y, int n) {
  double loss = 0, share = 0.5 / n;

  for (int i = 0; i < 2 * n; i++) {
    bool expert = i < n;
    loss += share * (double)loom_real_softplus(expert ? -y[i] : y[i]);
    dy[i] = (loomReal)(share * ((double)loom_real_sigmoid(y[i]) - expert));
  }
  return loss;
}

double loom_adversarial_wgan(loomReal* dy, const loomReal* y, int n) {
  double loss = 0, share = 1.0 / n;

  for (int i = 0; i < 2 * n; i++) {
    double sign = i < n ? -share : share;
    loss += sign * (double)y[i];
    dy[i] = (loomReal)sign;
  }
  return loss;
}

double loom_gradient_penalty(loomReal* dslope, const loomReal* slope, int n, int width, double weight) {
  double loss = 0, share = weight / n;

  for (int i = 0; i < n; i++) {
    const loomReal* row = slope + (ptrdiff_t)i * width;
    double squares = 0;
    for (int j = 0; j < width; j++) squares += (double)row[j] * (double)row[j];

    // d (|s| - 1)^2 = 2 (|s| - 1) s / |s|; where there is no slope there is no way up either.
    double length = sqrt(squares), off = length - 1;
    double scale = length > 0 ? 2 * share * off / length : 0;
    loss += share * off * off;
    for (int j = 0; j < width; j++) dslope[(ptrdiff_t)i * width + j] = (loomReal)(scale * (double)row[j]);
  }
  return loss;
}

// ---- rewards

const char* const loom_reward_form_names[] = {[LOOM_REWARD_GAIL] = "gail",
                                              [LOOM_REWARD_AIRL] = "airl",
                                              [LOOM_REWARD_LOGD] = "logd",
                                              [LOOM_REWARD_WGAN] = "wgan",
                                              NULL};

void loom_adversarial_reward(loomReal* reward, loomReal* slope, const loomReal* y, int n,
                             loomRewardForm form) {
  for (int i = 0; i < n; i++) {
    loomReal out = y[i];
    if (form == LOOM_REWARD_GAIL) {
      if (slope) slope[i] = loom_real_sigmoid(out);
      reward[i] = loom_real_softplus(out);
    } else if (form == LOOM_REWARD_LOGD) {
      if (slope) slope[i] = loom_real_sigmoid(-out);
      reward[i] = -loom_real_softplus(-out);
    } else {
      if (slope) slope[i] = 1;
      reward[i] = out;
    }
  }
}

// ---- how well it does

static double mean_of(const loomReal* y, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += (double)y[i] / n;
  return sum;
}

// -D log D - (1 - D) log(1 - D), by both logarithms.
static double entropy_of(loomReal y) {
  double d = (double)loom_real_sigmoid(y);
  return d * (double)loom_real_softplus(-y) + (1 - d) * (double)loom_real_softplus(y);
}

void loom_discriminator_look(loomDiscriminatorLook* look, const loomReal* y, int n, bool critic) {
  double expert = mean_of(y, n), policy = mean_of(y + n, n);
  double border = critic ? (expert + policy) / 2 : 0;
  look->expert_accuracy = look->policy_accuracy = 0;
  look->entropy = critic ? (double)NAN : 0;
  look->wasserstein = expert - policy;

  // On the border is neither's.
  for (int i = 0; i < n; i++) {
    look->expert_accuracy += (double)((double)y[i] > border) / n;
    look->policy_accuracy += (double)((double)y[n + i] < border) / n;
  }
  for (int i = 0; !critic && i < 2 * n; i++) look->entropy += entropy_of(y[i]) / (2 * n);
}

bool loom_win_watch(loomWinWatch* watch, const loomDiscriminatorLook* look) {
  const double nearly_all = 0.99;
  bool critic = isnan(look->entropy);
  bool won = !critic && fmin(look->expert_accuracy, look->policy_accuracy) >= nearly_all;

  watch->rounds = won ? watch->rounds + 1 : 0;
  return won && watch->rounds % LOOM_WIN_ROUNDS == 0;
}
