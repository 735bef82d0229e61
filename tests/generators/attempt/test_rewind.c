// Attempts beyond a limit go back and come again: what is kept is what its actions do, and all that was
// thrown away is counted.
#include "tests/own_fixture.h"

#include <math.h>

#include "engine/run/judge.h"

enum { ATTEMPT = 1 };

static loomAttemptResult attempt(own* o) {
  loomAttemptResult r;
  loomError err = {0, ""};
  loomAttemptDef def = loom_default_attempt_def();
  def.no_preview = true;  // which would slow the way to its sources down itself
  must(loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, ATTEMPT, &err), &err);
  return r;
}

static int restore(void** state) {
  own* o = *state;
  o->task->limit_joint_speed = o->task->limit_penetration = 0;
  o->task->rewind = 0;
  return 0;
}

// The states of the last attempt, run again by its actions; the worst of them.
static loomQuality replay(own* o) {
  const loomTrace* t = &o->trace;
  loomQuality worst = {0};
  loomError err = {0, ""};
  size_t size = (size_t)o->e->state_dim;
  double* now = malloc(sizeof(double) * size);
  assert_non_null(now);

  must(loom_episode_reset(o->e, 0, 0, ATTEMPT, &err), &err);
  for (int row = 0; row < t->rows; row++) {
    loom_episode_state(now, o->e);
    assert_memory_equal(now, t->states + (size_t)row * size, sizeof(double) * size);
    loom_quality_state(&worst, o->e);
    must(loom_episode_step(o->e, t->actions + (size_t)row * (size_t)o->e->action_dim, &err), &err);
  }
  free(now);
  return worst;
}

// A joint speed that an attempt goes beyond by a little.
static double little_less(own* o) {
  assert_int_equal(attempt(o).outcome, LOOM_OUTCOME_SUCCESS);
  return 0.9 * replay(o).joint_speed;
}

static void too_fast_comes_again_slower(void** state) {
  own* o = *state;
  loomAttemptResult unlimited = attempt(o);
  o->task->limit_joint_speed = little_less(o);
  loomAttemptResult lost = attempt(o);
  assert_int_equal(lost.outcome, LOOM_OUTCOME_ROUGH);
  assert_int_equal(lost.rewound, 0);

  // Within the limit all the way, by the very actions that are kept, and later than it would have been.
  o->task->rewind = 20;
  loomAttemptResult r = attempt(o);
  assert_int_equal(r.outcome, LOOM_OUTCOME_SUCCESS);
  assert_int_equal(r.steps, o->trace.rows);
  assert_true(r.steps > unlimited.steps);
  assert_true(replay(o).joint_speed <= o->task->limit_joint_speed);

  // Every control step that was simulated is counted, the thrown away ones too.
  assert_true(r.rewound > 0);
  assert_int_equal(r.physics_steps, (r.steps + r.rewound) * o->scene->substeps);

  // The same again.
  loomAttemptResult again = attempt(o);
  assert_memory_equal(&again, &r, sizeof r);
}

// It goes back no more often than it may, and where nothing helps it ends as it would have.
static void only_so_often(void** state) {
  own* o = *state;
  o->task->limit_joint_speed = little_less(o) / 50;
  loomAttemptResult lost = attempt(o);
  assert_int_equal(lost.outcome, LOOM_OUTCOME_ROUGH);

  o->task->rewind = 3;
  loomAttemptResult r = attempt(o);
  assert_int_equal(r.outcome, LOOM_OUTCOME_ROUGH);
  assert_true(r.rewound <= 3 * (r.steps + 1));
}

// A limit that nothing breaches changes nothing.
static void within_limits_all_stays(void** state) {
  own* o = *state;
  loomAttemptResult r = attempt(o);
  o->task->limit_joint_speed = 100;
  o->task->rewind = 20;
  loomAttemptResult within = attempt(o);
  assert_memory_equal(&within, &r, sizeof r);
}

// What a hand presses too deep it draws back from.
static void too_deep_draws_back(void** state) {
  own* o = *state;
  assert_int_equal(attempt(o).outcome, LOOM_OUTCOME_SUCCESS);
  o->task->limit_penetration = 0.9 * replay(o).penetration;
  assert_int_equal(attempt(o).outcome, LOOM_OUTCOME_ROUGH);

  o->task->rewind = 20;
  loomAttemptResult r = attempt(o);
  assert_true(r.rewound > 0);
  assert_true(replay(o).penetration <= o->task->limit_penetration);  // the state that ends it is in no row
  assert_int_equal(r.physics_steps, (r.steps + r.rewound) * o->scene->substeps);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(within_limits_all_stays, restore),
      cmocka_unit_test_teardown(too_fast_comes_again_slower, restore),
      cmocka_unit_test_teardown(only_so_often, restore),
      cmocka_unit_test_teardown(too_deep_draws_back, restore),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
