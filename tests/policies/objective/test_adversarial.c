// Rewards made of a discriminator's outputs, what is told of it, and its losses against what they are by
// hand.
#include <math.h>
#define LOOM_DOUBLE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policies/objective/adversarial.h"

// ---- forms

static void forms(void** state) {
  (void)state;
  static const double logits[] = {-40, -3, -0.1, 0, 0.5, 2, 40};
  for (size_t i = 0; i < sizeof logits / sizeof *logits; i++) {
    loomReal y = logits[i], gail, airl, logd, wgan;
    loom_adversarial_reward(&gail, NULL, &y, 1, LOOM_REWARD_GAIL);
    loom_adversarial_reward(&airl, NULL, &y, 1, LOOM_REWARD_AIRL);
    loom_adversarial_reward(&logd, NULL, &y, 1, LOOM_REWARD_LOGD);
    loom_adversarial_reward(&wgan, NULL, &y, 1, LOOM_REWARD_WGAN);

    // -log(1 - D) = log(1 + e^y), log D = -log(1 + e^-y), and the sum of both is y.
    assert_true(fabs(gail - log1p(exp(y))) < 1e-12 && gail >= 0);
    assert_true(fabs(logd + log1p(exp(-y))) < 1e-12 && logd <= 0);
    assert_true(airl == y && wgan == y && fabs(gail + logd - airl) < 1e-12);
  }
}

// ---- what is told

static void looks(void** state) {
  (void)state;
  loomDiscriminatorLook look = {0};
  const loomReal blind[] = {0, 0, 0, 0}, sharp[] = {30, 30, -30, -30}, shifted[] = {7, 5, 4, 5.5};

  loom_discriminator_look(&look, blind, 2, false);
  assert_true(fabs(look.entropy - log(2)) < 1e-12 && look.wasserstein == 0);
  assert_true(look.expert_accuracy == 0 && look.policy_accuracy == 0);
  loom_discriminator_look(&look, sharp, 2, false);
  assert_true(look.entropy < 1e-10 && look.wasserstein == 60);
  assert_true(look.expert_accuracy == 1 && look.policy_accuracy == 1);

  // A critic's zero means nothing: between means of 6 and 4.75.
  loom_discriminator_look(&look, shifted, 2, true);
  assert_true(isnan(look.entropy) && look.wasserstein == 1.25);
  assert_true(look.expert_accuracy == 0.5 && look.policy_accuracy == 0.5);
}

static void watch(void** state) {
  (void)state;
  loomWinWatch w = {0};
  loomDiscriminatorLook won = {.expert_accuracy = 1, .policy_accuracy = 0.995},
                        even = {.expert_accuracy = 1, .policy_accuracy = 0.9}, critic = won;
  critic.entropy = NAN;

  // Only so many in a row count, and of critics none.
  for (int i = 1; i < LOOM_WIN_ROUNDS; i++) assert_false(loom_win_watch(&w, &won));
  assert_false(loom_win_watch(&w, &even));
  for (int i = 1; i < LOOM_WIN_ROUNDS; i++) assert_false(loom_win_watch(&w, &won));
  assert_true(loom_win_watch(&w, &won));
  assert_false(loom_win_watch(&w, &won));
  for (int i = 0; i < 2 * LOOM_WIN_ROUNDS; i++) assert_false(loom_win_watch(&w, &critic));
}

// ---- losses

static void losses(void** state) {
  (void)state;
  const loomReal y[] = {2, -1, 0.5, 3};  // two of the expert's, two of the policy's
  loomReal dy[4];
  double expected = (log1p(exp(-2)) + log1p(exp(1)) + log1p(exp(0.5)) + log1p(exp(3))) / 4;
  assert_true(fabs(loom_adversarial_bce(dy, y, 2) - expected) < 1e-12);
  assert_true(fabs(dy[0] - (1 / (1 + exp(-2)) - 1) / 4) < 1e-12);
  assert_true(fabs(dy[3] - 1 / (1 + exp(-3)) / 4) < 1e-12);

  // The policy's mean less the expert's.
  assert_true(fabs(loom_adversarial_wgan(dy, y, 2) - 1.25) < 1e-12);
  assert_true(dy[0] == -0.5 && dy[1] == -0.5 && dy[2] == 0.5 && dy[3] == 0.5);
}

// Rows of length 5, 1 and 0: 4 and 1 off, and none.
static void penalty(void** state) {
  (void)state;
  const loomReal slope[] = {3, 4, 0, -1, 0, 0};
  loomReal d[6];
  assert_true(fabs(loom_gradient_penalty(d, slope, 3, 2, 6) - 6.0 * (16 + 0 + 1) / 3) < 1e-12);
  assert_true(fabs(d[0] - 2 * 2.0 * 4 * 3 / 5) < 1e-12 && fabs(d[1] - 2 * 2.0 * 4 * 4 / 5) < 1e-12);
  for (int i = 2; i < 6; i++) assert_true(d[i] == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(looks),
                                     cmocka_unit_test(watch), cmocka_unit_test(losses),
                                     cmocka_unit_test(penalty)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
