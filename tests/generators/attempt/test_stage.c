// Stages of mixed sources: which subtasks share one, what counts for whom; figures that can be counted by
// hand.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "generators/attempt/stage.h"
#include "tests/task_fixture.h"

enum { N = 3 };

static int load(void** state) {
  static loomTask* task;
  loomError err = {0, ""};
  if (loom_task_load(&task, "scenes/handover/task.yaml", "scenes/robots", &err)) fail_msg("%s", err.message);
  *state = task;
  return 0;
}

static int unload(void** state) {
  loom_task_destroy(*state);
  return 0;
}

static void balance(loomTask* task, loomSelectStrategy strategy) {
  for (int a = 0; a < task->arm_count; a++)
    for (int k = 0; k < task->subtask_count[a]; k++) task->subtasks[a][k].select.strategy = strategy;
}

// Attempt `number`: one source up to the hand's grasp, another from presenting on.
static loomAttemptResult attempt(int first, int second, loomOutcome outcome) {
  loomAttemptResult r = {.outcome = outcome, .steps = 210};
  memset(r.source, -1, sizeof r.source);
  memset(r.begin, -1, sizeof r.begin);
  static const int begin[2][3] = {{10, 50, 190}, {10, 50, 180}};
  for (int a = 0; a < 2; a++) {
    for (int k = 0; k < (second < 0 ? 1 : 3); k++) {
      r.begin[a][k] = begin[a][k];
      r.source[a][k] = k == 0 || (a == 0 && k == 2) ? first : second;
    }
  }
  return r;
}

static void only_balanced_sources_are_mixed(void** state) {
  loomTask* task = *state;
  balance(task, LOOM_SELECT_NEAREST);
  assert_int_equal(loom_stage_count(task), 1);
  for (int a = 0; a < 2; a++)
    for (int k = 0; k < 3; k++) assert_int_equal(loom_stage_of(task, a, k), 0);

  balance(task, LOOM_SELECT_BALANCED);
  assert_int_equal(loom_stage_count(task), 2);
}

// Grasp and ready; present and take, of which only present is to mix; release goes with the grasp by which
// the hand holds, keep with the taking.
static void a_hand_goes_on_as_it_took(void** state) {
  loomTask* task = *state;
  static const int wanted[2][3] = {{0, 1, 0}, {0, 1, 1}};
  int a, k;
  balance(task, LOOM_SELECT_BALANCED);
  for (int i = 0; i < 6; i++) assert_int_equal(loom_stage_of(task, i / 3, i % 3), wanted[i / 3][i % 3]);

  loom_stage_first(&a, &k, task, 1);
  assert_int_equal(a, 0);
  assert_int_equal(k, 1);
}

static void stages_are_won_by_coming_on(void** state) {
  loomTask* task = *state;
  int tries[2 * N] = {0}, wins[2 * N] = {0};
  balance(task, LOOM_SELECT_BALANCED);
  const loomAttemptResult r[] = {attempt(0, 1, LOOM_OUTCOME_SUCCESS), attempt(0, 2, LOOM_OUTCOME_LOST),
                                 attempt(2, -1, LOOM_OUTCOME_UNMET)};
  for (int i = 0; i < 3; i++) loom_stage_tally(tries, wins, &r[i], task, NULL, N);
  assert_memory_equal(tries, ((int[2 * N]){2, 0, 1, 0, 1, 1}), sizeof tries);
  assert_memory_equal(wins, ((int[2 * N]){2, 0, 0, 0, 1, 0}), sizeof wins);

  // Of some of the sources, by their own numbers.
  memset(tries, 0, sizeof tries);
  loom_stage_tally(tries, wins, &r[1], task, (int[]){0, 2}, 2);
  assert_memory_equal(tries, ((int[4]){1, 0, 0, 1}), 4 * sizeof *tries);
}

static void rows_count_for_their_source(void** state) {
  loomTask* task = *state;
  double share[N] = {0};
  balance(task, LOOM_SELECT_BALANCED);

  // 40 + 20 and 40 rows of 200 each of two arms.
  const loomAttemptResult r = attempt(0, 1, LOOM_OUTCOME_SUCCESS), same = attempt(1, 1, LOOM_OUTCOME_SUCCESS);
  loom_source_rows(share, &r, task, NULL, N);
  assert_true(fabs(share[0] - 100.0 / 400) < 1e-12 && fabs(share[1] - 300.0 / 400) < 1e-12);
  loom_source_rows(share, &same, task, NULL, N);
  assert_true(fabs(share[1] - 1.75) < 1e-12 && share[2] == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(only_balanced_sources_are_mixed), cmocka_unit_test(a_hand_goes_on_as_it_took),
      cmocka_unit_test(stages_are_won_by_coming_on), cmocka_unit_test(rows_count_for_their_source)};
  return cmocka_run_group_tests(tests, load, unload);
}
