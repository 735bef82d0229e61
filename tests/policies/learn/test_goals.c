// A policy with a latent comes to goals that its expert goes to, the same ones on any number of threads.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policies/learn/goals.h"

enum { LOOKED = 400 };

static loomModeLook learn(loomReal ends[LOOKED * 2], int64_t steps, int pack, int threads) {
  loomGoalsDef def = loom_default_goals_def();
  loomModeLook look;
  loomError err = {0, ""};

  def.steps = steps;
  def.gail.pack = pack;
  def.looked = LOOKED;
  def.seed = 47420;
  def.threads = threads;
  if (loom_goals_learn(&look, ends, &def, &err)) fail_msg("%s", err.message);
  return look;
}

static void goals_are_reached(void** state) {
  (void)state;
  static loomReal ends[2][LOOKED * 2];
  if (getenv("LOOM_QUICK")) return;

  // One that hardly learned goes nowhere in particular.
  loomModeLook none = learn(ends[0], 2048, 1, 1), some = learn(ends[1], 300000, 1, 1);
  print_message("%d goals and %.2f at one; %d and %.2f\n", none.recovered, none.quality, some.recovered,
                some.quality);
  assert_true(none.quality < 0.1);
  assert_true(some.quality > 0.5 && some.recovered >= 4 && some.reverse_kl < log(8));
}

static void threads_do_not_matter(void** state) {
  (void)state;
  static loomReal ends[2][LOOKED * 2];

  learn(ends[0], 8192, 4, 1);
  learn(ends[1], 8192, 4, 3);
  assert_memory_equal(ends[0], ends[1], sizeof ends[0]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(goals_are_reached),
                                     cmocka_unit_test(threads_do_not_matter)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
