// Quotas of balanced selection: who lacks demos gets attempts, at a bounded cost.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "engine/base/statistics.h"
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

// Shares (N) of both stages, and how many attempts that are shared out so are expected to succeed.
static double stage_shares(double share[2][N], const loomStageStats* stage) {
  loomQuota quota[N];
  double success = 1;
  for (int g = 0; g < 2; g++) {
    double sum = 0, rates = 0;
    loom_stage_quota(quota, &(loomSourceStats){.n = N, .stage = stage}, g);
    for (int i = 0; i < N; i++) {
      share[g][i] = quota[i].share;
      sum += quota[i].share;
      rates += quota[i].share * (stage->wins[N * g + i] + 1) / (stage->tries[N * g + i] + 2);
    }
    assert_true(fabs(sum - 1) < 1e-9);
    success *= rates;
  }
  return success;
}

// The rate that a source may yet turn out to have.
static double may_be(int wins, int tries) {
  double low, high;
  loom_wilson(&low, &high, wins, tries);
  return high;
}

// A source that lacks rows of demos gets attempts, in either stage, as evenly as lets enough of them succeed:
// less where it does not get on, and far less before the last stage. Of 100 attempts made and 50 to come 0.72
// are to succeed.
static void stages_share_evenness(void** state) {
  (void)state;
  static const double kept[N] = {19, 9, 4, 4, 4};
  double share[2][N];

  // 76 have succeeded, 32 of the next are to: rates of the first stage count twice as much as the last's.
  static const int tries[2 * N] = {20, 20, 20, 20, 20, 20, 18, 17, 16, 15},
                             wins[2 * N] = {19, 17, 16, 14, 10, 19, 17, 15, 14, 11};
  double success = stage_shares(share, &(loomStageStats){2, tries, wins, kept});
  assert_true(fabs(success - 32.0 / 50) < 1e-3);
  double power = log(share[0][2] / share[0][4]) / log(may_be(16, 20) / may_be(10, 20));
  assert_true(power > 1 && power < 13);
  assert_true(fabs(share[0][0] / share[0][1] - pow(may_be(19, 20) / may_be(17, 20), power) / 11) < 1e-9);
  assert_true(fabs(share[1][4] / share[1][3] - pow(may_be(11, 15) / may_be(14, 16), power / 2)) < 1e-9);

  // 88 have: only what is missing counts, 1, 11, 16, 16 and 16 demos.
  static const int many[2 * N] = {20, 19, 18, 18, 18, 19, 18, 17, 17, 17};
  stage_shares(share, &(loomStageStats){2, (int[2 * N]){20, 20, 20, 20, 20, 20, 19, 18, 18, 18}, many, kept});
  for (int g = 0; g < 2; g++)
    for (int i = 0; i < N; i++) assert_true(fabs(share[g][i] - (i > 1 ? 16 : i ? 11 : 1) / 60.0) < 1e-3);

  // However few have, the power is bounded.
  static const int few[2 * N] = {8, 6, 4, 2, 2, 4, 3, 1, 1, 0};
  stage_shares(share, &(loomStageStats){2, (int[2 * N]){20, 20, 20, 20, 20, 8, 6, 4, 2, 2}, few, kept});
  assert_true(fabs(share[0][3] / share[0][2] - pow(may_be(2, 20) / may_be(4, 20), 14)) < 1e-5);

  // Of two that never succeeded the one that was tried once may still be good.
  static const int new[2 * N] = {20, 20, 20, 0, 0, 4, 3, 2, 0, 0};
  stage_shares(share, &(loomStageStats){2, (int[2 * N]){20, 20, 20, 1, 5, 20, 20, 20, 0, 0}, new, kept});
  assert_true(share[0][3] > 0.01 && share[0][3] > 8 * share[0][4]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_known_is_even), cmocka_unit_test(who_lacks_demos_gets_attempts),
      cmocka_unit_test(hopeless_sources_get_the_floor), cmocka_unit_test(kept_demos_come_to_be_even),
      cmocka_unit_test(stages_share_evenness)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
