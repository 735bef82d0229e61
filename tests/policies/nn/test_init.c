// Orthogonal weights: rows or columns of one length at right angles, whatever the shape; drawn anew by the
// stream.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policies/nn/init.h"

static void is_orthogonal(void** state) {
  (void)state;
  static const int shapes[][2] = {{64, 17}, {17, 64}, {64, 64}, {1, 64}, {6, 64}, {1, 1}};
  static loomReal w[64 * 64];

  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    int out = shapes[k][0], in = shapes[k][1], least = out < in ? out : in;
    loomRandom random = loom_random(1, k, LOOM_PURPOSE_WEIGHTS);
    assert_true(loom_init_orthogonal(w, in, out, 1.5, &random));

    for (int i = 0; i < least; i++)
      for (int j = 0; j < least; j++) {
        double product = 0;
        for (int l = 0; l < (out < in ? in : out); l++)
          product += out < in ? (double)w[i * in + l] * (double)w[j * in + l]
                              : (double)w[l * in + i] * (double)w[l * in + j];
        assert_true(fabs(product - (i == j ? 2.25 : 0)) < 1e-5);
      }
  }
}

// Uniform over rotations: entries are as often above 0 as below, of variance 1 / n.
static void has_no_favorite(void** state) {
  (void)state;
  enum { SIZE = 8, DRAWS = 400 };
  loomReal w[SIZE * SIZE];
  double sum = 0, squares = 0;
  loomRandom random = loom_random(2, 0, LOOM_PURPOSE_WEIGHTS);

  for (int k = 0; k < DRAWS; k++) {
    assert_true(loom_init_orthogonal(w, SIZE, SIZE, 1, &random));
    sum += (double)w[0];
    squares += (double)w[SIZE * SIZE - 1] * (double)w[SIZE * SIZE - 1];
  }
  assert_true(fabs(sum / DRAWS) < 0.07 && fabs(squares / DRAWS - 1.0 / SIZE) < 0.03);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(is_orthogonal), cmocka_unit_test(has_no_favorite)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
