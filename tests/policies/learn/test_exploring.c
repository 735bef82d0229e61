// How noise follows what episodes with it come to.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies/learn/exploring.h"

static void moves_where_there_is_no_doubt(void** state) {
  (void)state;
  const struct {
    double factor, wanted;
    int successes, episodes;
    double after;  // the factor
  } all[] = {
      {0.25, NAN, 0, 100, 0.25},           // not known yet
      {0.25, 0.2, 0, 0, 0.25},             // nothing seen
      {0.25, 0.2, 0, 10, 0.25},            // up to 28 % may succeed
      {0.25, 0.2, 0, 20, 0.125},           // up to 16 %
      {0.25, 0.2, 10, 50, 0.25},           // as wanted
      {0.25, 0.2, 20, 50, 0.375},          // at least 28 %
      {0.9, 0.2, 20, 50, 1},               // no more than settings say
      {1, 0.2, 20, 50, 1},                 // the same
      {1.0 / 256, 0.2, 0, 50, 1.0 / 256},  // no less than that
      {1.0 / 200, 0.2, 0, 50, 1.0 / 256},  // the same
      {0.25, 0, 0, 50, 0.25},              // a policy that never succeeds wants nothing
  };

  for (size_t c = 0; c < sizeof all / sizeof *all; c++) {
    loomExploring e = {.factor = all[c].factor, .wanted = all[c].wanted};
    for (int i = 0; i < all[c].episodes; i++) loom_exploring_take(&e, i < all[c].successes);

    bool moved = loom_exploring_move(&e);
    assert_true(fabs(e.factor - all[c].after) < 1e-12);
    assert_int_equal(moved, all[c].after != all[c].factor);
    assert_true((e.episodes == 0) == (moved || !all[c].episodes));
  }
}

// What is old weighs less: a policy that became better is seen to be so.
static void forgets(void** state) {
  (void)state;
  loomExploring e = loom_exploring_begin();
  e.wanted = 0.5;

  for (int i = 0; i < 200; i++) loom_exploring_take(&e, i % 2);
  assert_false(loom_exploring_move(&e));
  assert_true(e.episodes == 100 && e.successes == 50);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(moves_where_there_is_no_doubt),
      cmocka_unit_test(forgets),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
