// Rows and rewards of absorbing states.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policies/objective/absorbing.h"

static void rows(void** state) {
  (void)state;
  const loomReal row[4] = {1, 2, 3, 4}, right[6] = {1, 2, 0, 3, 4, 0}, end[3] = {0, 0, 1};
  loomReal out[6], last[3] = {7, 7, 7};
  loom_absorbing_widen(out, row, 2, 2);
  loom_absorbing_row(last, 2);

  for (int i = 0; i < 6; i++) assert_true(out[i] == right[i]);
  for (int i = 0; i < 3; i++) assert_true(last[i] == end[i]);
}

// The same as if the end went on for a long time.
static void tails(void** state) {
  (void)state;
  const bool terminated[3] = {false, true, false};
  const double discount[] = {0, 0.5, 0.9, 0.99};

  for (size_t k = 0; k < sizeof discount / sizeof *discount; k++) {
    loomReal reward[3] = {1, 2, 3};
    double sum = 2, factor = 1;
    for (int i = 0; i < 5000; i++) sum += -0.25 * (factor *= discount[k]);
    loom_absorbing_tail(reward, terminated, 3, -0.25, discount[k]);

    assert_true(reward[0] == 1 && reward[2] == 3);
    assert_true(fabs((double)reward[1] - sum) < 1e-4);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(tails)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
