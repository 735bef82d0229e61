// Wilson's interval against published and hand-computed values.
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

static void mcnemar(void** state) {
  (void)state;
  // Binomial sums by hand: 2 (1 + 5) / 2^5 of 1 and 4; 2 / 2^10; none differ; as many each way.
  assert_true(fabs(loom_mcnemar(4, 1) - 0.375) < 1e-12);
  assert_true(fabs(loom_mcnemar(1, 4) - 0.375) < 1e-12);
  assert_true(fabs(loom_mcnemar(0, 10) - 0.001953125) < 1e-12);
  assert_true(loom_mcnemar(0, 0) == 1);
  assert_true(loom_mcnemar(7, 7) == 1);
  double p = loom_mcnemar(3000, 2000);
  assert_true(p > 0 && p < 1e-40);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(wilson_interval), cmocka_unit_test(mcnemar),
                                     cmocka_unit_test(nothing_tried_says_nothing),
                                     cmocka_unit_test(intervals_hold_the_rate)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
