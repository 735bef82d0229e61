// Packs are of independent episodes, as far as there are so many, and every row comes up.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policies/data/pack.h"

static void packs(void** state) {
  (void)state;
  enum { ROWS = 60, SIZE = 4, TRIES = 500 };
  int episode[ROWS], pack[SIZE], seen[ROWS] = {0};
  loomRandom random = loom_random(35203, 0, LOOM_PURPOSE_TEST);
  for (int i = 0; i < ROWS; i++) episode[i] = i / 12;

  // What was there stays, and no two rows are of one episode; every row comes up.
  for (int t = 0; t < TRIES; t++) {
    pack[0] = t % ROWS;
    loom_pack_fill(pack, 1, SIZE, episode, ROWS, &random);
    assert_int_equal(pack[0], t % ROWS);
    for (int i = 0; i < SIZE; i++)
      for (int k = 0; k < i; k++) assert_true(episode[pack[i]] != episode[pack[k]]);
    for (int i = 1; i < SIZE; i++) seen[pack[i]]++;
  }
  for (int i = 0; i < ROWS; i++) assert_true(seen[i] > 0);

  // Too few episodes: they come twice, but it ends.
  loom_pack_fill(pack, 0, SIZE, (int[]){1, 1}, 2, &random);
  for (int i = 0; i < SIZE; i++) assert_true(pack[i] >= 0 && pack[i] < 2);
}

// Without episodes each row is one: none twice, and no row more often than others.
static void rows_alone(void** state) {
  (void)state;
  enum { ROWS = 6, SIZE = 3, TRIES = 4000 };
  int pack[SIZE], seen[ROWS] = {0};
  loomRandom random = loom_random(35204, 0, LOOM_PURPOSE_TEST);

  for (int t = 0; t < TRIES; t++) {
    loom_pack_fill(pack, 0, SIZE, NULL, ROWS, &random);
    assert_true(pack[0] != pack[1] && pack[0] != pack[2] && pack[1] != pack[2]);
    for (int i = 0; i < SIZE; i++) seen[pack[i]]++;
  }

  // 2000 each, 32 off in one of two cases.
  for (int i = 0; i < ROWS; i++) assert_true(seen[i] > 1800 && seen[i] < 2200);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(packs), cmocka_unit_test(rows_alone)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
