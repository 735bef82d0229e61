// Running means and variances against those of all numbers at once, whatever the portions they come in.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "policies/data/running.h"

enum { ROWS = 600, DIM = 3 };

static void portions_change_nothing(void** state) {
  (void)state;
  static const int portions[] = {1, 7, 100, ROWS};
  static double x[ROWS * DIM];
  loomRandom random = loom_random(1, 1, LOOM_PURPOSE_TEST);
  loomError err = {0, ""};
  for (int i = 0; i < ROWS * DIM; i++) x[i] = 50 * (i % DIM) + (1 + i % DIM) * loom_random_normal(&random);

  for (size_t k = 0; k < sizeof portions / sizeof *portions; k++) {
    loomRunning r;
    assert_int_equal(loom_running_create(&r, DIM, &err), 0);
    for (int at = 0; at < ROWS; at += portions[k])
      loom_running_update(&r, x + (ptrdiff_t)at * DIM, ROWS - at < portions[k] ? ROWS - at : portions[k]);

    // The small first count hardly shows.
    for (int j = 0; j < DIM; j++) {
      double mean = 0, squares = 0;
      for (int i = 0; i < ROWS; i++) mean += x[i * DIM + j] / ROWS;
      for (int i = 0; i < ROWS; i++) squares += (x[i * DIM + j] - mean) * (x[i * DIM + j] - mean) / ROWS;
      assert_true(fabs(r.mean[j] - mean) < 1e-4 && fabs(r.variance[j] - squares) < 2e-3 * squares);
    }
    assert_true(fabs(r.moments[0] - ROWS) < 1e-3);
    loom_running_destroy(&r);
  }
}

static void normalizes(void** state) {
  (void)state;
  const double rows[] = {1, 3, 1, 3}, x = 4, far = 1000;
  loomReal y;
  loomRunning r;
  loomError err = {0, ""};

  // Nothing seen: as it is. Then mean 2, deviation 1.
  assert_int_equal(loom_running_create(&r, 1, &err), 0);
  loom_running_normalize(&y, &r, &x, 10);
  assert_true(fabs((double)y - 4) < 1e-6);
  loom_running_update(&r, rows, 4);
  loom_running_normalize(&y, &r, &x, 10);
  assert_true(fabs((double)y - 2) < 1e-3);
  loom_running_normalize(&y, &r, &far, 10);
  assert_true((double)y == 10);
  loom_running_destroy(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(portions_change_nothing), cmocka_unit_test(normalizes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
