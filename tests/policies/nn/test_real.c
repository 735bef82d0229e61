// The library's own exponentials and logarithms against the C library's in double.
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/nn/real.h"

// The largest error of f over x = low * step^i up to high, relative to g or, near its zero, to `least`.
static double worst(float (*f)(float), double (*g)(double), double low, double high, double step,
                    double least) {
  double most = 0;

  int n = (int)floor(log(high / low) / log(step));
  for (int i = 0; i <= n; i++) {
    double x = low * pow(step, i);
    double wanted = g((double)(float)x), size = fmax(fabs(wanted), least);
    most = fmax(most, fabs((double)f((float)x) - wanted) / size);
  }
  return most;
}

static float minus_exp(float x) {
  return loom_real_exp(-x);
}
static double minus_exp_double(double x) {
  return exp(-x);
}

static void close_to_libm(void** state) {
  (void)state;

  // Exponentials, over all that float holds.
  assert_true(worst(loom_real_exp, exp, 1e-6, 88, 1.0007, 0) < 3e-7);
  assert_true(worst(minus_exp, minus_exp_double, 1e-6, 87, 1.0007, 0) < 3e-7);

  // Logarithms, around 1 too, where they vanish.
  assert_true(worst(loom_real_log, log, 1.2e-38, 3e38, 1.0007, 0.01) < 3e-7);
  assert_true(worst(loom_real_log, log, 0.9, 1.1, 1.00001, 1e-3) < 3e-7);
  assert_true(worst(loom_real_log1p, log1p, 1e-37, 1e30, 1.0007, 0) < 3e-7);
  assert_true(worst(loom_real_tanh, tanh, 1e-6, 20, 1.0007, 0) < 1e-6);
}

static void no_number_stays_one(void** state) {
  (void)state;

  // NaN passes.
  assert_true(isnan(loom_real_exp(NAN)) && isnan(loom_real_log(NAN)) && isnan(loom_real_log1p(NAN)));
  assert_true(isnan(loom_real_tanh(NAN)) && isnan(loom_real_softplus(NAN)));

  // And the ends of the range are exact.
  assert_true(isinf(loom_real_log(INFINITY)));
  assert_true(loom_real_log1p(0) == 0 && loom_real_log(1) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(close_to_libm), cmocka_unit_test(no_number_stays_one)};
  return cmocka_run_group_tests_name("real", tests, NULL, NULL);
}
