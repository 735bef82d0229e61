// Baselines: behavioral cloning does what the expert does, also where the environment rewards something
// else; random actions do not; the same starts, the same numbers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policies/learn/baseline.h"
#include "tests/policies/learn/toy_environment.h"

enum { ROWS = 100, EPISODES = 40 };

// Someone who does slope * x; the toy rewards x / 2 with 1 a step, of which there are 5.
static loomImitated make_expert(double slope, int rows) {
  loomImitated e = {.obs = 1, .actions = 1, .n = rows, .demos = 1};
  loomRandom random = loom_random(4, 0, LOOM_PURPOSE_TEST);
  e.state = calloc((size_t)rows, sizeof *e.state);
  e.action = calloc((size_t)rows, sizeof *e.action);

  for (int i = 0; i < rows; i++) {
    e.state[i] = (loomReal)loom_random_range(&random, -1, 1);
    e.action[i] = (loomReal)(slope * (double)e.state[i]);
  }
  return e;
}

static loomBaselines measure(double slope, int rows, bool success) {
  loomEnvironmentMaker maker = toy_maker();
  loomImitated expert = make_expert(slope, rows);
  loomBaselines out;
  loomError err = {0, ""};
  const loomBaselineDef def = {.maker = &maker,
                               .expert = &expert,
                               .hidden = {1, {16}},
                               .n = EPISODES,
                               .starts = 9,
                               .seed = 3,
                               .success = success};

  if (loom_baselines(&out, &def, &err)) fail_msg("%s", err.message);
  loom_imitated_destroy(&expert);
  return out;
}

static void clones(void** state) {
  (void)state;
  loomBaselines good = measure(0.5, ROWS, false), again = measure(0.5, ROWS, false),
                bad = measure(-0.5, ROWS, false), wild = measure(2, ROWS, true);
  print_message("%.3f by cloning, %.3f by chance; of a bad expert %.3f\n", good.cloned, good.random,
                bad.cloned);

  // x has a mean square of 1 / 3: what goes the other way is off by x each time.
  assert_true(good.cloned > 4.99 && good.random < 4.5 && good.n == EPISODES);
  assert_true(fabs(bad.cloned - 5 * (1 - 1.0 / 3)) < 0.4);
  assert_true(again.cloned == good.cloned && again.random == good.random && bad.random == good.random);

  // Of success the share: most of who does twice of what is seen comes to the border where episodes fail.
  assert_true(wild.cloned < 0.3 && wild.random > 0.5 && wild.random < 1);
}

// A single row leaves none to hold out.
static void a_single_row(void** state) {
  (void)state;
  loomBaselines one = measure(0.5, 1, false);
  assert_true(isfinite(one.cloned));
}

static int stop_at(void* user, int done, int n) {
  (void)user;
  return done == n / 2 + 3;
}

static void stops(void** state) {
  (void)state;
  loomEnvironmentMaker maker = toy_maker();
  loomImitated expert = make_expert(0.5, ROWS);
  loomBaselines out;
  loomError err = {0, ""};
  const loomBaselineDef def = {
      .maker = &maker, .expert = &expert, .hidden = {1, {4}}, .n = EPISODES, .look = {stop_at, NULL}};

  assert_int_equal(loom_baselines(&out, &def, &err), LOOM_ERR_INTERRUPTED);
  loom_imitated_destroy(&expert);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(clones), cmocka_unit_test(a_single_row),
                                     cmocka_unit_test(stops)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
