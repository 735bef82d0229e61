// Intervals, paired tests and what is told of several runs, against published and hand-computed values.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/statistics.h"

static void wilson_interval(void** state) {
  (void)state;
  static const struct {
    int64_t successes, n;
    double low, high;
  } cases[] = {
      // R. G. Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3
      {81, 263, 0.2553, 0.3662},
      {15, 148, 0.0624, 0.1605},
      {0, 20, 0, 0.1611},
      {1, 29, 0.0061, 0.1718},
      // the mirror of none of 20, and the smallest of all
      {20, 20, 0.8389, 1},
      {1, 1, 0.2065, 1},
      // from the formula, by other means
      {32, 61, 0.4016, 0.6447},
      {500, 1000, 0.4691, 0.5309},
  };

  // Published values have four digits.
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double low = -1, high = -1;
    loom_wilson(&low, &high, cases[i].successes, cases[i].n);
    assert_true(fabs(low - cases[i].low) < 5.1e-5);
    assert_true(fabs(high - cases[i].high) < 5.1e-5);
  }
}

static void nothing_tried_says_nothing(void** state) {
  (void)state;
  double low = -1, high = -1;

  // The whole of [0, 1].
  loom_wilson(&low, &high, 0, 0);
  assert_true(low == 0 && high == 1);
}

// The rate lies inside, more trials narrow it, and it never leaves [0, 1].
static void intervals_hold_the_rate(void** state) {
  (void)state;
  for (int n = 1; n <= 200; n++) {
    for (int k = 0; k <= n; k++) {
      double low, high, narrow_low, narrow_high, rate = (double)k / n;

      // The same rate from four times as many trials.
      loom_wilson(&low, &high, k, n);
      loom_wilson(&narrow_low, &narrow_high, 4 * k, 4 * n);

      // Around the rate, and narrower.
      assert_true(low >= 0 && low <= rate + 1e-12 && high >= rate - 1e-12 && high <= 1);
      assert_true(narrow_high - narrow_low < high - low);
    }
  }
}

static void mcnemar_exact(void** state) {
  (void)state;
  static const struct {
    int64_t gained, lost;
    double p;
  } cases[] = {{0, 0, 1},
               {1, 1, 1},
               {5, 0, 0.0625},                   // 2 / 2^5
               {0, 5, 0.0625},                   // two-sided
               {10, 2, 158.0 / 4096},            // 2 (1 + 12 + 66) / 2^12
               {29, 7, 0.00031255115754902363},  // the binomial tail, by whole numbers in Python
               {121, 59, 4.434449263755176e-06}};

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_true(fabs(loom_mcnemar(cases[i].gained, cases[i].lost) / cases[i].p - 1) < 1e-9);

  // Two thousand starts: nothing overflows.
  assert_true(loom_mcnemar(1000, 1000) == 1);
  assert_true(loom_mcnemar(1000, 800) < 1e-5);
}

static void paired_difference(void** state) {
  (void)state;
  static const struct {
    int64_t both, gained, lost, n;
    double low, high;
  } cases[] = {
      {36, 12, 2, 50, 0.0569, 0.3404}, {36, 14, 0, 50, 0.1528, 0.4167}, {54, 0, 0, 54, -0.0664, 0.0664}};

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double low, high;
    loom_paired_difference(&low, &high, cases[i].both, cases[i].gained, cases[i].lost, cases[i].n);
    assert_true(fabs(low - cases[i].low) < 5.1e-5 && fabs(high - cases[i].high) < 5.1e-5);

    // Before and after changed over: the mirror.
    double low_back, high_back;
    loom_paired_difference(&low_back, &high_back, cases[i].both, cases[i].lost, cases[i].gained, cases[i].n);
    assert_true(fabs(low + high_back) < 1e-12 && fabs(high + low_back) < 1e-12);
  }
}

static void interquartile_mean(void** state) {
  (void)state;

  // scipy.stats.trim_mean(x, 0.25): int(0.25 n) are cut at each end.
  assert_true(loom_iqm((double[]){7}, 1) == 7);
  assert_true(loom_iqm((double[]){9, 1, 5}, 3) == 5);
  assert_true(loom_iqm((double[]){100, 2, 4, -50}, 4) == 3);
  assert_true(fabs(loom_iqm((double[]){1, 2, 3, 4, 5, 6, 7, 800, 9, 10}, 10) - 34.0 / 6) < 1e-12);
}

static const int two_tasks[] = {2, 3};

static void improvement_and_profile(void** state) {
  (void)state;
  loomScores x = {2, two_tasks, (double[]){1, 3, 5, 5, 5}}, y = {2, two_tasks, (double[]){2, 2, 4, 5, 6}};

  // By hand: of 4 pairs 2 are won; of 9 pairs 3 are won, 3 are equal and 3 lost: a half each.
  assert_true(fabs(loom_improvement(&x, &y) - 0.5) < 1e-12);
  assert_true(fabs(loom_improvement(&x, &y) + loom_improvement(&y, &x) - 1) < 1e-12);
  y.score = (double[]){0, 0, 1, 2, 3};
  assert_true(loom_improvement(&x, &y) == 1 && loom_improvement(&y, &x) == 0);

  // Above, not at.
  assert_true(loom_profile(&x, 0) == 1 && fabs(loom_profile(&x, 3) - 0.6) < 1e-12 &&
              loom_profile(&x, 5) == 0);
}

static double mean_of_first_task(const loomScores* x, const loomScores* y, void* user) {
  (void)y;
  ++*(int*)user;
  return (x->score[0] + x->score[1]) / 2;
}

static double improvement(const loomScores* x, const loomScores* y, void* user) {
  (void)user;
  return loom_improvement(x, y);
}

// Each task's runs are drawn from that task's alone.
// By hand, and scipy.stats.kendalltau of ties.
static void kendall(void** state) {
  (void)state;
  const double x[] = {1, 2, 3, 4, 5}, up[] = {2, 4, 6, 8, 9}, tied[] = {1, 1, 2, 2, 3},
               none[] = {7, 7, 7, 7, 7};
  const double down[] = {5, 4, 3, 2, 1}, mixed[] = {3, 1, 4, 2, 5};
  assert_true(fabs(loom_kendall(x, up, 5) - 1) < 1e-12 && fabs(loom_kendall(x, down, 5) + 1) < 1e-12);
  assert_true(fabs(loom_kendall(x, mixed, 5) - 0.4) < 1e-12);
  assert_true(fabs(loom_kendall(x, tied, 5) - 8 / sqrt(80)) < 1e-12);
  assert_true(loom_kendall(x, none, 5) == 0 && loom_kendall(x, x, 1) == 0);
}

static void stratified_bootstrap(void** state) {
  (void)state;
  double low, high, again[2];
  int calls = 0;

  // Of two runs 0 and 1 the mean is 0, 1/2 or 1, the ends a quarter of the time each; task 2's are never in
  // it.
  loomScores x = {2, two_tasks, (double[]){0, 1, 50, 60, 70}};
  assert_int_equal(loom_bootstrap(&low, &high, mean_of_first_task, &x, NULL, &calls, 400, NULL), 0);
  assert_true(calls == 400 && low == 0 && high == 1);

  // The same arguments, the same interval; runs that are all alike leave no doubt.
  loomScores y = {2, two_tasks, (double[]){0, 2, 55, 55, 55}};
  assert_int_equal(loom_bootstrap(&low, &high, improvement, &x, &y, NULL, 400, NULL), 0);
  assert_int_equal(loom_bootstrap(&again[0], &again[1], improvement, &x, &y, NULL, 400, NULL), 0);
  assert_true(low == again[0] && high == again[1] && low < loom_improvement(&x, &y) && high < 1);
  loomScores same = {2, two_tasks, (double[]){3, 3, 4, 4, 4}};
  assert_int_equal(loom_bootstrap(&low, &high, improvement, &x, &same, NULL, 50, NULL), 0);
  assert_true(low == high && low == 0.5);
}

// Of many runs the interval comes to that of the mean's normal approximation.
static double mean_of_all(const loomScores* x, const loomScores* y, void* user) {
  (void)y;
  double sum = 0;
  for (int i = 0; i < *(int*)user; i++) sum += x->score[i];
  return sum / *(int*)user;
}

static void bootstrap_is_the_normal_interval_of_many(void** state) {
  (void)state;
  enum { N = 400 };
  double score[N], low, high;
  int n = N;
  for (int i = 0; i < N; i++) score[i] = i % 2;

  // The standard error of the mean is 1/2 / sqrt(400).
  loomScores x = {1, &n, score};
  assert_int_equal(loom_bootstrap(&low, &high, mean_of_all, &x, NULL, &n, 2000, NULL), 0);
  assert_true(fabs(low - (0.5 - 1.96 * 0.025)) < 0.004 && fabs(high - (0.5 + 1.96 * 0.025)) < 0.004);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(wilson_interval),         cmocka_unit_test(nothing_tried_says_nothing),
      cmocka_unit_test(intervals_hold_the_rate), cmocka_unit_test(mcnemar_exact),
      cmocka_unit_test(paired_difference),       cmocka_unit_test(interquartile_mean),
      cmocka_unit_test(improvement_and_profile), cmocka_unit_test(kendall),
      cmocka_unit_test(stratified_bootstrap),    cmocka_unit_test(bootstrap_is_the_normal_interval_of_many)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
