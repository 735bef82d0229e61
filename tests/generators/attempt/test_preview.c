// Previews: what is out of reach or too fast is told before anything moves, another source is taken where
// there is one, and the episode does not notice.
#include "tests/own_fixture.h"

#include <math.h>

#include "generators/attempt/preview.h"

static loomPose* kept[SOURCES][2];  // the sources' own targets
static int steps[2];                // of the task's own lead-ins

static int keep(void** state) {
  own* o = *state;
  for (int a = 0; a < 2; a++) steps[a] = o->task->subtasks[a][0].interpolate_steps;
  for (int i = 0; i < o->sources.n; i++) {
    for (int a = 0; a < 2; a++) {
      size_t size = sizeof(loomPose) * (size_t)o->sources.replay[i].rows;
      kept[i][a] = malloc(size);
      assert_non_null(kept[i][a]);
      memcpy(kept[i][a], o->sources.replay[i].target[a], size);
    }
  }
  return 0;
}

static int restore(void** state) {
  own* o = *state;
  for (int i = 0; i < o->sources.n; i++) {
    for (int a = 0; a < 2; a++) {
      size_t size = sizeof(loomPose) * (size_t)o->sources.replay[i].rows;
      memcpy(o->sources.replay[i].target[a], kept[i][a], size);
      free(kept[i][a]);
    }
  }

  o->task->limit_joint_speed = 0;
  o->task->stuck_steps = 30;
  for (int a = 0; a < 2; a++) o->task->subtasks[a][0].interpolate_steps = steps[a];
  return 0;
}

static loomAttemptResult attempt(own* o, uint64_t number) {
  loomAttemptResult r;
  loomError err = {0, ""};
  loomAttemptDef def = loom_default_attempt_def();
  must(loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, number, &err), &err);
  return r;
}

// A source whose second arm goes where no slide gets, which an attempt is to see soon.
static void send_away(own* o, int source) {
  o->task->stuck_steps = 5;
  loomReplay* r = &o->sources.replay[source];
  for (int t = r->rows / 4; t < r->rows; t++) r->target[1][t].pos[0] += 5;
}

static void another_source_is_taken(void** state) {
  own* o = *state;
  loomAttemptResult before = attempt(o, 1);
  assert_int_equal(before.outcome, LOOM_OUTCOME_SUCCESS);

  // The one it would have had is left out, and the others do.
  send_away(o, before.source[0][0]);
  loomAttemptResult r = attempt(o, 1);
  assert_int_not_equal(r.source[0][0], before.source[0][0]);
  assert_int_equal(r.outcome, LOOM_OUTCOME_SUCCESS);
}

static void no_source_left_ends_it_at_once(void** state) {
  own* o = *state;
  for (int i = 0; i < o->sources.n; i++) send_away(o, i);

  loomAttemptResult r = attempt(o, 1);
  assert_int_equal(r.outcome, LOOM_OUTCOME_NO_WAY);
  assert_string_equal(loom_outcome_name(r.outcome), "no way");
  assert_int_equal(r.arm, 1);
  assert_int_equal(r.subtask, 0);
  assert_int_equal(r.steps, o->task->settle_steps);
  assert_non_null(strstr(r.reason, "arm 1 would stand"));
  assert_true(r.value > 1);

  // Without looking ahead it takes a while to find out.
  loomError err = {0, ""};
  loomAttemptDef def = loom_default_attempt_def();
  def.no_preview = true;
  must(loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, 1, &err), &err);
  assert_int_equal(r.outcome, LOOM_OUTCOME_STUCK);
  assert_true(r.steps > o->task->settle_steps + 20);
}

static loomPlan begin(own* o, loomAttemptResult* r, const loomAttemptDef* def) {
  loomError err = {0, ""};
  *r = (loomAttemptResult){.attempt = 1};
  must(loom_episode_reset(o->e, 0, 5, 1, &err), &err);
  loomPlan p = {.sources = &o->sources, .def = def, .e = o->e, .task = o->task, .result = r};
  loom_plan_start(&p, o->e);
  return p;
}

static void joints_too_slow_for_it_are_told(void** state) {
  own* o = *state;
  loomAttemptResult r;
  loomPreview first;
  loomAttemptDef def = loom_default_attempt_def();
  loomPlan p = begin(o, &r, &def);

  // However slowly it begins, in whichever source.
  o->task->limit_joint_speed = 0.01;
  assert_false(loom_preview_choose(&first, &p));
  assert_int_equal(first.flaw, LOOM_FLAW_SPEED);
  assert_true(first.value > 0.01 && first.joint >= 0);
  assert_int_equal(p.barred_count, o->sources.n);
}

// A short way to the segment asks more than a longer one.
static void lead_ins_are_slowed_down(void** state) {
  own* o = *state;
  loomAttemptResult r;
  loomPreview first;
  loomAttemptDef def = loom_default_attempt_def();
  loomPlan p = begin(o, &r, &def);
  for (int a = 0; a < 2; a++) o->task->subtasks[a][0].interpolate_steps = 16;

  // 15 cm to each segment, faster than anything in it.
  for (int i = 0; i < o->sources.n; i++)
    for (int a = 0; a < 2; a++)
      for (int t = 0; t < o->sources.replay[i].rows; t++) o->sources.replay[i].target[a][t].pos[0] += 0.15;

  // The highest speed that leaves no flaw, and a little below.
  double low = 0, high = 100;
  for (int i = 0; i < 30; i++) {
    o->task->limit_joint_speed = (low + high) / 2;
    if (loom_preview(&p, (loomPreviewDef){.leeway = 1}).flaw)
      low = o->task->limit_joint_speed;
    else
      high = o->task->limit_joint_speed;
  }
  o->task->limit_joint_speed = 0.97 * high;

  loomPreview v = loom_preview(&p, (loomPreviewDef){.leeway = 1});
  assert_int_equal(v.flaw, LOOM_FLAW_SPEED);
  assert_true(v.leads_in);

  // The same source, more slowly.
  assert_true(loom_preview_choose(&first, &p));
  assert_int_equal(p.barred_count, 0);
  assert_true(p.slower[v.arm][v.subtask] > 1.1);
}

static void nothing_moves(void** state) {
  own* o = *state;
  loomAttemptResult r;
  loomAttemptDef def = loom_default_attempt_def();
  loomPlan p = begin(o, &r, &def), before = p;
  loomAttemptResult result = r;
  size_t size = sizeof(double) * (size_t)o->e->m->nq;
  double* q = malloc(size);
  assert_non_null(q);
  memcpy(q, o->e->d->qpos, size);

  // To its end, and twice the same.
  loomPreview v = loom_preview(&p, (loomPreviewDef){.leeway = 1}),
              again = loom_preview(&p, (loomPreviewDef){.leeway = 1});
  assert_int_equal(v.flaw, LOOM_FLAW_NONE);
  assert_true(v.steps > 50 && v.steps == again.steps);
  assert_memory_equal(&p, &before, sizeof p);
  assert_memory_equal(&r, &result, sizeof r);
  assert_memory_equal(q, o->e->d->qpos, size);
  free(q);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(another_source_is_taken, keep, restore),
      cmocka_unit_test_setup_teardown(no_source_left_ends_it_at_once, keep, restore),
      cmocka_unit_test_setup_teardown(joints_too_slow_for_it_are_told, keep, restore),
      cmocka_unit_test_setup_teardown(lead_ins_are_slowed_down, keep, restore),
      cmocka_unit_test_setup_teardown(nothing_moves, keep, restore),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
