// Alignment of embeddings that are known: of two demos at different paces, and of one that goes backwards.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/report/alignment.h"

static loomAlignment align(const loomReal* a, int n, const loomReal* b, int m) {
  loomAlignment sum = {0};
  loomAlignedDemo first = {a, n}, second = {b, m};
  assert_int_equal(loom_alignment_add(&sum, &first, &second, 1, NULL), 0);
  assert_int_equal(sum.pairs, 2);
  loom_alignment_close(&sum);

  return sum;
}

static void alike(void** state) {
  (void)state;
  const loomReal slow[] = {0, 1, 2, 3, 4}, fast[] = {0, 2, 4}, back[] = {4, 3, 2, 1, 0};
  loomAlignment same = align(slow, 5, slow, 5), paces = align(slow, 5, fast, 3),
                turned = align(slow, 5, back, 5);
  assert_true(fabs(same.tau - 1) < 1e-12 && same.cycle == 0 && same.error == 0);
  assert_true(fabs(turned.tau + 1) < 1e-12 && turned.cycle == 0);
  assert_true(fabs(turned.error - 0.6) < 1e-12);  // (1 + 0.5 + 0 + 0.5 + 1) / 5

  // 1 and 3 go to the first of two that are equally near: rows 0 and 1; and come back a row off.
  assert_true(fabs(paces.cycle - (2 * 0.25 / 5 + 0) / 2) < 1e-12);
  assert_true(fabs(paces.error - (2 * 0.25 / 5 + 0) / 2) < 1e-12);
}

// All in one place: the first is the nearest of all, which says nothing.
static void blind(void** state) {
  (void)state;
  const loomReal rows[] = {3, 3, 3, 3};
  assert_true(align(rows, 4, rows, 4).tau == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(alike), cmocka_unit_test(blind)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
