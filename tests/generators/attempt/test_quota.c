// Quotas of balanced selection: who lacks demos gets attempts, at a bounded cost.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "generators/attempt/quota.h"

enum { N = 5 };

static double shares(loomQuota* quota, const int* tries, const int* successes) {
  double sum = 0;
  loom_source_quota(quota, &(loomSourceStats){.n = N, .tries = tries, .successes = successes});
  for (int i = 0; i < N; i++) {
    assert_true(quota[i].share >= 0 && quota[i].share <= 1);
    sum += quota[i].share;
  }
  return sum;
}

static void nothing_known_is_even(void** state) {
  (void)state;
  loomQuota quota[N];
  assert_true(fabs(shares(quota, (int[N]){0}, (int[N]){0}) - 1) < 1e-9);
  for (int i = 0; i < N; i++) assert_true(fabs(quota[i].share - 1.0 / N) < 1e-9 && !quota[i].given_up);
}

static void who_lacks_demos_gets_attempts(void** state) {
  (void)state;
  loomQuota quota[N];

  // Of two that succeed alike the one with fewer demos; of two with as many the one that succeeds less.
  shares(quota, (int[N]){20, 10, 20, 20, 40}, (int[N]){16, 8, 16, 16, 20});
  assert_true(quota[1].share > quota[0].share && quota[0].share > 0);
  shares(quota, (int[N]){20, 30, 20, 20, 20}, (int[N]){15, 15, 15, 15, 15});
  assert_true(quota[1].share > 1.2 * quota[0].share);
}

static void hopeless_sources_get_the_floor(void** state) {
  (void)state;
  loomQuota quota[N];
  assert_true(fabs(shares(quota, (int[N]){30, 30, 30, 30, 30}, (int[N]){24, 20, 0, 18, 1}) - 1) < 1e-9);
  for (int i = 0; i < N; i++) assert_int_equal(quota[i].given_up, i == 2 || i == 4);
  assert_true(fabs(quota[2].share - 0.01) < 1e-9 && fabs(quota[4].share - 0.01) < 1e-9);

  // None is far below the others where all fail.
  shares(quota, (int[N]){50, 50, 50, 50, 50}, (int[N]){0});
  for (int i = 0; i < N; i++) assert_false(quota[i].given_up);
}

// Batches of 64 drawn by quota: kept demos come to be even among those that can succeed.
static void kept_demos_come_to_be_even(void** state) {
  (void)state;
  static const double rate[N] = {0.9, 0.8, 0.6, 0.45, 0.01};
  int tries[N] = {0}, wins[N] = {0};
  loomRandom random = loom_random(31337, 1, LOOM_PURPOSE_TEST);
  for (int batch = 0; batch < 16; batch++) {
    loomQuota quota[N];
    double weight[N];
    assert_true(fabs(shares(quota, tries, wins) - 1) < 1e-9);
    for (int i = 0; i < N; i++) weight[i] = quota[i].share;
    for (int k = 0; k < 64; k++) {
      int i = loom_random_weighted(&random, weight, N);
      tries[i]++;
      wins[i] += loom_random_uniform(&random) < rate[i];
    }
  }

  int least = wins[0], most = wins[0], all = 0;
  for (int i = 0; i < 4; i++) {
    least = wins[i] < least ? wins[i] : least;
    most = wins[i] > most ? wins[i] : most;
    all += wins[i];
  }
  assert_true(least > 0.8 * most);

  // The last is not worth more than a twentieth; without it evenness takes 1 / mean(1 / rate) = 64 %.
  assert_true(tries[4] < 1024 / 20);
  assert_true(all > 0.55 * 1024);
}

// A source that lacks rows of demos gets attempts, in either stage; less where it does not get on, and far
// less before the last stage.
static void stages_share_evenness(void** state) {
  (void)state;
  loomQuota quota[N];
  static const int tries[2 * N] = {20, 20, 20, 20, 20, 10, 10, 10, 10, 10},
                             wins[2 * N] = {18, 14, 6, 2, 0, 8, 8, 8, 8, 2};
  static const double kept[N] = {19, 9, 4, 4, 4};
  const loomStageStats stage = {2, tries, wins, kept};
  const loomSourceStats stats = {.n = N, .stage = &stage};

  for (int g = 0; g < 2; g++) {
    loom_stage_quota(quota, &stats, g);
    double sum = 0;
    for (int i = 0; i < N; i++) sum += quota[i].share;
    assert_true(fabs(sum - 1) < 1e-9);

    // 1 and 11 demos are missing.
    double rates = g ? 1 : pow(19.0 / 15, 4);
    assert_true(fabs(quota[0].share / quota[1].share - rates / 11) < 1e-9);
  }
  assert_true(fabs(quota[2].share - quota[3].share) < 1e-9 && quota[2].share > 10 * quota[0].share);
  assert_true(fabs(quota[4].share / quota[3].share - 1.0 / 9) < 1e-9);
  for (int i = 0; i < N; i++) assert_false(quota[i].given_up);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_known_is_even), cmocka_unit_test(who_lacks_demos_gets_attempts),
      cmocka_unit_test(hopeless_sources_get_the_floor), cmocka_unit_test(kept_demos_come_to_be_even),
      cmocka_unit_test(stages_share_evenness)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
