// Latin hypercubes: each block has each part of each number once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/strata.h"

static void each_block_has_each_part_once(void** state) {
  (void)state;

  for (uint64_t block = 0; block < 5; block++) {
    for (int k = 0; k < 12; k++) {
      int times[LOOM_STRATA] = {0};

      for (uint64_t i = 0; i < LOOM_STRATA; i++) times[loom_stratum(3, block * LOOM_STRATA + i, k)]++;
      for (int i = 0; i < LOOM_STRATA; i++) assert_int_equal(times[i], 1);
    }
  }
}

// Numbers, blocks and seeds have orders of their own.
static void orders_differ(void** state) {
  (void)state;
  int alike[3] = {0};

  // The same for the same number, and seldom the same for another.
  for (uint64_t i = 0; i < LOOM_STRATA; i++) {
    int part = loom_stratum(3, i, 0);
    assert_int_equal(part, loom_stratum(3, i, 0));

    alike[0] += part == loom_stratum(3, i, 1);
    alike[1] += part == loom_stratum(3, i + LOOM_STRATA, 0);
    alike[2] += part == loom_stratum(4, i, 0);
  }
  for (int i = 0; i < 3; i++) assert_true(alike[i] < 8);
}

// A place of the block says nothing about the part: each number alone is drawn from the whole range.
static void one_sample_is_as_likely_anywhere(void** state) {
  enum { SEEDS = 6400 };
  (void)state;
  int times[4] = {0};

  // By quarters of the range.
  for (uint64_t seed = 0; seed < SEEDS; seed++) times[loom_stratum(seed, 5, 2) * 4 / LOOM_STRATA]++;
  for (int i = 0; i < 4; i++) assert_true(times[i] > SEEDS / 4 - 140 && times[i] < SEEDS / 4 + 140);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_block_has_each_part_once),
                                     cmocka_unit_test(orders_differ),
                                     cmocka_unit_test(one_sample_is_as_likely_anywhere)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
