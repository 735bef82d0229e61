// How different kept demos are, and whether their starts are those asked for: figures that can be counted
// by hand.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "generators/run/diversity.h"
#include "tests/task_fixture.h"

static bool near(double a, double b) {
  return fabs(a - b) < 1e-6;
}

static void effective_numbers(void** state) {
  (void)state;
  assert_true(near(loom_effective_number((double[]){5, 5, 5, 0}, 4), 3));
  assert_true(near(loom_effective_number((double[]){7, 0, 0, 0}, 4), 1));
  assert_true(near(loom_effective_number((double[]){0, 0, 0, 0}, 4), 0));

  // -(0.75 log 0.75 + 0.25 log 0.25) = 0.562335.
  assert_true(near(loom_effective_number((double[]){3, 1}, 2), exp(0.5623351446)));
}

static void chi_square(void** state) {
  (void)state;
  // The 95th and 99th percentiles of 3 degrees of freedom.
  assert_true(fabs(loom_chi_square_3(7.814727903) - 0.05) < 1e-6);
  assert_true(fabs(loom_chi_square_3(11.34486673) - 0.01) < 1e-6);
  assert_true(near(loom_chi_square_3(0), 1));
}

typedef struct made {
  loomTask task;
  loomVariable variable;
  loomSubtaskDef subtask;
  loomAttemptResult results[256];
  loomGenerateReport run;
  loomAttemptDef def;
} made;

static made m;

static void begin(int tries) {
  memset(&m, 0, sizeof m);
  m.def = loom_default_attempt_def();
  m.def.tries = tries;
  m.run.results = m.results;
  m.task.arm_count = m.task.subtask_count[0] = 1;
  m.task.subtasks[0] = &m.subtask;
}

// 40 starts, x from 0 to 39; two tries each where the first fails; those from x 10 to 19 fail both times.
static void make_starts(void) {
  for (uint64_t s = 0; s < 40; s++) {
    for (uint64_t k = 0; k < 2; k++) {
      bool hard = s >= 10 && s < 20, success = !hard && (s % 2 == 0 || k == 1);
      loomAttemptResult* r = &m.results[m.run.result_count++];
      *r = (loomAttemptResult){.attempt = 2 * s + k,
                               .outcome = success ? LOOM_OUTCOME_SUCCESS : LOOM_OUTCOME_LOST,
                               .steps = s < 20 ? 100 : 200};
      r->drawn[0] = (double)s;
      r->path[0] = 1;
      r->path[1] = 2;
      r->source[0][0] = (int)k;
      m.run.attempts++;
      if (success) break;
    }
  }
}

static void starts_are_counted_once(void** state) {
  (void)state;
  loomDiversity d;
  loomError err = {0, ""};
  begin(2);
  make_starts();
  assert_int_equal(loom_diversity_make(&d, &m.run, &m.task, 2, &m.def, &err), 0);
  assert_int_equal(d.starts, 40);
  assert_int_equal(d.start_successes, 30);

  // 15 demos at the first try, by source 0, and 15 at the second, by source 1.
  assert_true(near(d.effective_sources, 2));

  // 10 of 100 rows and 20 of 200: mean 166.67, standard deviation 47.95.
  assert_true(fabs(d.rows_cv - 47.946 / 166.667) < 1e-4);
  assert_true(near(d.path_cv, 0) && near(d.path_mean, 3));
}

static void missing_starts_show(void** state) {
  (void)state;
  loomDiversity d;
  loomError err = {0, ""};
  begin(2);
  m.task.object_count = 0;
  make_starts();
  assert_int_equal(loom_diversity_make(&d, &m.run, &m.task, 2, &m.def, &err), 0);

  // x alone differs; its second quarter was lost.
  assert_int_equal(d.asked_count, 1);
  const loomAsked* x = &d.asked[0];
  assert_string_equal(x->name, "x");
  for (int q = 0; q < LOOM_QUARTERS; q++) {
    assert_int_equal(x->asked[q], 10);
    assert_int_equal(x->kept[q], q == 1 ? 0 : 10);
  }

  // Expected 7.5 each: chi-square = 7.5 + 3 x 2.5^2 / 7.5 = 10.
  assert_true(near(x->worst, 1));
  assert_true(near(x->p, loom_chi_square_3(10)));
}

static void nothing_kept_is_nothing(void** state) {
  (void)state;
  loomDiversity d;
  loomError err = {0, ""};
  begin(1);
  assert_int_equal(loom_diversity_make(&d, &m.run, &m.task, 2, &m.def, &err), 0);
  assert_true(near(d.effective_sources, 0) && near(d.rows_cv, 0));
  assert_int_equal(d.starts, 0);
  assert_int_equal(d.asked_count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(effective_numbers), cmocka_unit_test(chi_square),
                                     cmocka_unit_test(starts_are_counted_once),
                                     cmocka_unit_test(missing_starts_show),
                                     cmocka_unit_test(nothing_kept_is_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
