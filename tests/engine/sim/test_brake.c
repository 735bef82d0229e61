// The brake on joint speeds: what actions are scaled by.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/sim/brake.h"

// Nothing is slowed down up to the brake, nothing moves on at the limit, and faster is never scaled by more.
static void slower_the_faster_it_is(void** state) {
  (void)state;
  const double from[] = {0.1, 0.5, 0.75, 0.99};

  for (size_t k = 0; k < sizeof from / sizeof *from; k++) {
    double last = 1;
    for (int i = 0; i <= 150; i++) {
      double share = i / 100.0, scale = loom_brake_scale(share, from[k]);
      assert_true(scale >= 0 && scale <= last);
      assert_true(share > from[k] || scale == 1);
      assert_true(share < 1 || scale == 0);

      // No jump anywhere.
      assert_true(last - scale <= 0.01 / (1 - from[k]) + 1e-9);
      last = scale;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(slower_the_faster_it_is)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
