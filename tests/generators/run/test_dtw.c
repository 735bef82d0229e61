// Dynamic time warping: figures that can be counted by hand.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "generators/run/dtw.h"

enum { MOST = 40 };

static double dtw(const double* a, int n, const double* b, int m, int dim) {
  double scratch[2 * (MOST + 1)];
  int length[2 * (MOST + 1)];
  double there = loom_dtw(a, n, b, m, dim, scratch, length);
  assert_true(fabs(loom_dtw(b, m, a, n, dim, scratch, length) - there) < 1e-12);  // as far back as there
  return there;
}

static void one_way_at_two_paces(void** state) {
  (void)state;
  const double once[] = {0, 1, 2, 3}, slow[] = {0, 0, 1, 1, 1, 2, 3, 3};

  assert_true(dtw(once, 4, slow, 8, 1) == 0);
  assert_true(dtw(once, 4, once, 4, 1) == 0);
}

static void ways_side_by_side(void** state) {
  (void)state;
  double a[MOST][2], b[MOST][2];
  for (int i = 0; i < MOST; i++) {
    a[i][0] = b[i][0] = i;
    a[i][1] = 0;
    b[i][1] = 0.25;
  }

  assert_true(fabs(dtw(a[0], MOST, b[0], MOST, 2) - 0.25) < 1e-12);
}

static void least_of_all_paths(void** state) {
  (void)state;
  // 0-1, 2-1 and 2-3 are the pairs: 3 of distance 1. A longer path through 0-3 or 2-1 twice costs more.
  const double a[] = {0, 2}, b[] = {1, 3};
  assert_true(fabs(dtw(a, 2, b, 2, 1) - 1) < 1e-12);

  // One point against two: each of them counts.
  assert_true(fabs(dtw(a, 1, b, 2, 1) - 2) < 1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_way_at_two_paces),
                                     cmocka_unit_test(ways_side_by_side),
                                     cmocka_unit_test(least_of_all_paths)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
