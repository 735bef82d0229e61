// Quotas of balanced selection: who lacks demos gets attempts, at a bounded cost.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

// ---- mixed sources

enum { STAGES = 2 };

static double rate(const loomStageStats* stage, int g, int i) {
  return (stage->wins[N * g + i] + 1.0) / (stage->tries[N * g + i] + 2.0);
}

// How many attempts that are shared out so are expected to succeed.
static double success(double share[STAGES][N], const loomStageStats* stage) {
  double all = 1;
  for (int g = 0; g < STAGES; g++) {
    double rates = 0;
    for (int i = 0; i < N; i++) rates += share[g][i] * rate(stage, g, i);
    all *= rates;
  }
  return all;
}

// Entropy over sources of the rows of demos, those kept and those that `ahead` attempts will make.
static double evenness(double share[STAGES][N], const loomStageStats* stage, double ahead) {
  double rows[N], all = 0, entropy = 0, demos = ahead * success(share, stage);

  for (int i = 0; i < N; i++) rows[i] = stage->kept[i] + 1.0 / N;
  for (int g = 0; g < STAGES; g++) {
    double rates = 0;
    for (int i = 0; i < N; i++) rates += share[g][i] * rate(stage, g, i);
    for (int i = 0; i < N; i++) rows[i] += demos / STAGES * share[g][i] * rate(stage, g, i) / rates;
  }

  for (int i = 0; i < N; i++) all += rows[i];
  for (int i = 0; i < N; i++) entropy -= rows[i] / all * log(rows[i] / all);
  return entropy;
}

static void share_out(double share[STAGES][N], const loomStageStats* stage) {
  double room[2 * STAGES * N];
  loom_stage_quota(share[0], room, stage);
  for (int g = 0; g < STAGES; g++) {
    double sum = 0;
    for (int i = 0; i < N; i++) {
      assert_true(share[g][i] >= 0 && share[g][i] <= 1);
      sum += share[g][i];
    }
    assert_true(fabs(sum - 1) < 1e-9);
  }
}

static void stages_begin_even(void** state) {
  (void)state;
  static const int none[STAGES * N] = {0};
  double share[STAGES][N];
  share_out(share, &(loomStageStats){N, STAGES, none, none, (double[N]){0}});
  for (int g = 0; g < STAGES; g++)
    for (int i = 0; i < N; i++) assert_true(fabs(share[g][i] - 1.0 / N) < 1e-6);
}

// By how much a little more for source i, taken from source 0, changes what is climbed, but for what success
// is worth; and by how much it changes log(success). The number of demos is a scale of its own: only whose
// they are counts.
static void slopes(double slope[2], double share[STAGES][N], const loomStageStats* stage, double ahead, int g,
                   int i) {
  const double little = 1e-6, spread = 0.1;
  double more[STAGES][N], less[STAGES][N], now = success(share, stage);
  memcpy(more, share, sizeof more);
  memcpy(less, share, sizeof less);

  more[g][i] += little, more[g][0] -= little;
  less[g][i] -= little, less[g][0] += little;
  slope[0] = (evenness(more, stage, ahead * now / success(more, stage)) -
              evenness(less, stage, ahead * now / success(less, stage))) /
             (2 * little);

  slope[0] += spread * log(share[g][0] / share[g][i]);
  slope[1] = (log(success(more, stage)) - log(success(less, stage))) / (2 * little);
}

// So many tries that rates are known. What is shared out brings as many successes as asked for, and no other
// shares that do are more even: evenness and success change in one proportion wherever shares do.
static void stages_are_as_even_as_can_be(void** state) {
  (void)state;
  enum { MANY = 20000, AHEAD = 50000 };
  static const int tries[STAGES * N] = {MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY, MANY},
                                  wins[STAGES * N] = {19000, 18500, 18000, 17000, 16000,
                                                      17400, 16500, 15000, 13600, 10500};
  static const double kept[N] = {22000, 16000, 13000, 13000, 12000};
  const loomStageStats stage = {N, STAGES, tries, wins, kept};
  double share[STAGES][N], first[2], slope[2];
  share_out(share, &stage);

  // Of 100,000 attempts made and 50,000 to come 108,000 are to succeed; 73,000 have.
  assert_true(fabs(success(share, &stage) - (0.72 * 3 * AHEAD - 73000) / AHEAD) < 2e-3);

  slopes(first, share, &stage, AHEAD, 1, 4);
  double worth = -first[0] / first[1];
  assert_true(worth > 0.01 && worth < 2);
  for (int g = 0; g < STAGES; g++) {
    for (int i = 1; i < N; i++) {
      slopes(slope, share, &stage, AHEAD, g, i);
      assert_true(share[g][i] > 1e-3);
      assert_true(fabs(slope[0] + worth * slope[1]) < 0.01);
    }
  }

  // Who comes through the last stage least makes more of its rows in the first.
  assert_true(share[0][4] / share[0][3] > 2 * share[1][4] / share[1][3]);
}

// Of two that never succeeded the one that was tried once may still be good. And however few succeed, what is
// given for success is bounded: each source has some attempts in one stage or the other.
static void stages_give_nobody_up_early(void** state) {
  (void)state;
  static const double kept[N] = {19, 9, 4, 0, 0};
  static const int tries[STAGES * N] = {20, 20, 20, 1, 5, 20, 20, 20, 0, 0},
                                  wins[STAGES * N] = {20, 20, 20, 0, 0, 14, 10, 8, 0, 0};
  double share[STAGES][N];
  share_out(share, &(loomStageStats){N, STAGES, tries, wins, kept});
  assert_true(share[0][3] > 0.01 && share[0][3] > 100 * share[0][4]);

  static const int few[STAGES * N] = {8, 6, 4, 2, 2, 4, 3, 1, 1, 0};
  static const int most[STAGES * N] = {20, 20, 20, 20, 20, 8, 6, 4, 2, 2};
  share_out(share, &(loomStageStats){N, STAGES, most, few, (double[N]){4, 3, 1, 1, 0}});
  for (int i = 0; i < N; i++) assert_true(share[0][i] + share[1][i] > 1e-3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_known_is_even),
                                     cmocka_unit_test(who_lacks_demos_gets_attempts),
                                     cmocka_unit_test(hopeless_sources_get_the_floor),
                                     cmocka_unit_test(kept_demos_come_to_be_even),
                                     cmocka_unit_test(stages_begin_even),
                                     cmocka_unit_test(stages_are_as_even_as_can_be),
                                     cmocka_unit_test(stages_give_nobody_up_early)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
