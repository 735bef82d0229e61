// Gaussians over actions that are held to a range: what may be done has probability 1 in all, however far
// out the mean lies; inside it is the Gaussian's own density.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policies/objective/gaussian.h"

static const double range[2] = {-0.4, 1};

static double held(double mean, double log_std, double action) {
  loomReal out;
  loom_gaussian_held_log_prob(&out, &(loomReal){(loomReal)mean}, &(loomReal){(loomReal)log_std},
                              &(loomReal){(loomReal)action}, range, 1, 1);
  return (double)out;
}

static void all_is_one(void** state) {
  (void)state;
  enum { PIECES = 20000 };
  const double means[] = {-30, -1, -0.4, 0.2, 0.9, 5}, log_stds[] = {-3, -1, 0, 1};

  for (size_t m = 0; m < sizeof means / sizeof *means; m++)
    for (size_t s = 0; s < sizeof log_stds / sizeof *log_stds; s++) {
      double width = (range[1] - range[0]) / PIECES;
      double sum = exp(held(means[m], log_stds[s], range[0])) + exp(held(means[m], log_stds[s], range[1]));
      for (int k = 0; k < PIECES; k++)
        sum += width * exp(held(means[m], log_stds[s], range[0] + (k + 0.5) * width));
      if (!(fabs(sum - 1) < 1e-3)) fail_msg("mean %g, log deviation %g: %g", means[m], log_stds[s], sum);
    }
}

static void is_a_gaussian_inside(void** state) {
  (void)state;
  const loomReal mean[2] = {0, (loomReal)0.5}, log_std[2] = {-1, 0},
                 action[2] = {(loomReal)0.3, (loomReal)-0.2};
  const double both[4] = {range[0], range[1], -1, 1};
  loomReal free_one, held_one;

  loom_gaussian_log_prob(&free_one, mean, log_std, action, 1, 2);
  loom_gaussian_held_log_prob(&held_one, mean, log_std, action, both, 1, 2);
  assert_true(fabs((double)(free_one - held_one)) < 1e-6);
}

// A policy that goes ever further out is sure of the bound there, and less and less of the other: finite,
// without a step where the formula changes.
static void far_out(void** state) {
  (void)state;
  double before = 0;
  for (double mean = 1.5; mean < 1e4; mean *= 1.02) {
    double other = held(mean, -1, range[0]);
    assert_true(held(mean, -1, range[1]) > -0.1 && held(mean, -1, range[1]) <= 0);
    assert_true(isfinite(other) && other < before);
    before = other;
  }

  // 30 deviations away, from both sides.
  double step = exp(-1.0), near = held(range[0] + 29.999 * step, -1, range[0]),
         far = held(range[0] + 30.001 * step, -1, range[0]);

  assert_true(fabs(near - far) < 0.1);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(all_is_one), cmocka_unit_test(is_a_gaussian_inside),
                                     cmocka_unit_test(far_out)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
