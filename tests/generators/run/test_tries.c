// Tries of a start, balanced selection and pace in whole runs: attempts stay pure functions, on any number
// of threads and over a run that was cut off.
#include "tests/file_fixture.h"
#include "tests/own_fixture.h"

#include <math.h>

#include "generators/attempt/tries.h"
#include "generators/run/generate.h"
#include "generators/source/segment.h"

enum { bad = 2, TRIES = 3 };

static void spoil(own* o, double by) {
  loomReplay* spoilt = &o->sources.replay[bad];
  for (int t = 0; t < spoilt->rows; t++) spoilt->target[1][t].pos[2] += by;
}

// Balanced, run through at any pace, and one source that always fails.
static void set_up_task(own* o) {
  for (int a = 0; a < 2; a++) {
    o->task->subtasks[a][0].select = (loomSelectDef){LOOM_SELECT_BALANCED, LOOM_SHARE_EPISODE, 1, 0, 0, 0, 0};
    o->task->subtasks[a][0].pace[0] = 0.8;
    o->task->subtasks[a][0].pace[1] = 1.3;
  }
  spoil(o, 0.1);
}

static void take_back(own* o) {
  spoil(o, -0.1);
  for (int a = 0; a < 2; a++) o->task->subtasks[a][0].pace[0] = o->task->subtasks[a][0].pace[1] = 1;
}

static loomGenerateReport generate(const own* o, const char* out, int attempts, int threads, bool resume,
                                   volatile sig_atomic_t* stop,
                                   void (*progress)(void*, int64_t, int64_t, double)) {
  loomError err = {0, ""};
  loomGenerateReport report;
  loomGenerateDef def = loom_default_generate_def();
  def.out = out;
  def.attempts = attempts;
  def.threads = threads;
  def.resume = resume;
  def.attempt.seed = 8;
  def.attempt.tries = TRIES;
  def.stop = stop;
  def.progress = progress;

  must(loom_generate(&report, o->scene, &o->sources, &def, &err), &err);
  return report;
}

static void same_results(const loomGenerateReport* x, const loomGenerateReport* y) {
  assert_int_equal(x->result_count, y->result_count);
  for (int64_t i = 0; i < x->result_count; i++)
    assert_memory_equal(&x->results[i], &y->results[i], sizeof *x->results);
}

static void a_start_is_tried_again_with_other_sources(void** state) {
  own* o = *state;
  set_up_task(o);
  int n = getenv("LOOM_QUICK") ? 14 : 40, again = 0;
  loomGenerateReport one = generate(o, NULL, n, 1, false, NULL, NULL),
                     three = generate(o, NULL, n, 3, false, NULL, NULL);
  same_results(&one, &three);
  assert_int_equal(one.result_count, n);

  uint64_t next = 0;
  for (int i = 0; i < n; i++) {
    const loomAttemptResult* r = &one.results[i];
    assert_int_equal(r->attempt, next);
    next = loom_attempt_next(&(loomAttemptDef){.tries = TRIES}, r);
    if (r->attempt % TRIES == 0) continue;

    // The same start to the bit, after a failure.
    const loomAttemptResult* before = &one.results[i - 1];
    assert_memory_equal(r->drawn, before->drawn, sizeof r->drawn);
    assert_int_not_equal(before->outcome, LOOM_OUTCOME_SUCCESS);
    again++;
  }
  assert_true(again > 0);

  take_back(o);
  loom_generate_report_destroy(&one);
  loom_generate_report_destroy(&three);
}

static volatile sig_atomic_t stop_now;

static void stop_soon(void* user, int64_t attempts, int64_t successes, double seconds) {
  (void)user, (void)successes, (void)seconds;
  if (attempts >= 3) stop_now = 1;
}

static void a_run_cut_off_goes_on(void** state) {
  own* o = *state;
  set_up_task(o);
  char dir[] = "/tmp/loom_tries_XXXXXX", path[2][64];
  assert_non_null(mkdtemp(dir));
  for (int i = 0; i < 2; i++) snprintf(path[i], sizeof path[i], "%s/%d.hdf5", dir, i);

  // At once; stopped after three attempts, then gone on with on other threads.
  enum { n = 10 };
  loomGenerateReport whole = generate(o, path[0], n, 2, false, NULL, NULL);
  loomGenerateReport part = generate(o, path[1], n, 1, false, &stop_now, stop_soon);
  assert_true(part.interrupted && part.attempts < n);
  loom_generate_report_destroy(&part);
  part = generate(o, path[1], n, 3, true, NULL, NULL);
  same_results(&whole, &part);

  // One file.
  size_t size[2];
  char* bytes[2];
  for (int i = 0; i < 2; i++) bytes[i] = read_whole(path[i], &size[i]);
  assert_int_equal(size[0], size[1]);
  assert_memory_equal(bytes[0], bytes[1], size[0]);

  for (int i = 0; i < 2; i++) {
    free(bytes[i]);
    unlink(path[i]);
  }
  assert_int_equal(rmdir(dir), 0);
  take_back(o);
  loom_generate_report_destroy(&whole);
  loom_generate_report_destroy(&part);
}

// Demos differ in length by the pace, and by nothing else that long.
static void pace_changes_lengths(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomAttemptDef def = loom_default_attempt_def();
  loomAttemptResult r;
  static const double pace[] = {0.8, 1, 1.3};
  int steps[3];
  for (int i = 0; i < 3; i++) {
    for (int a = 0; a < 2; a++) {
      o->task->subtasks[a][0].select =
          (loomSelectDef){LOOM_SELECT_NEAREST, LOOM_SHARE_EPISODE, 1, 1, 0.3, 1, 0};
      o->task->subtasks[a][0].pace[0] = o->task->subtasks[a][0].pace[1] = pace[i];
    }
    must(loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, 3, &err), &err);
    assert_int_equal(r.outcome, LOOM_OUTCOME_SUCCESS);
    steps[i] = r.steps;
  }
  assert_true(steps[0] > steps[1] && steps[1] > steps[2]);
  for (int a = 0; a < 2; a++) o->task->subtasks[a][0].pace[0] = o->task->subtasks[a][0].pace[1] = 1;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_start_is_tried_again_with_other_sources),
                                     cmocka_unit_test(a_run_cut_off_goes_on),
                                     cmocka_unit_test(pace_changes_lengths)};
  return cmocka_run_group_tests(tests, open_own, close_own);
}
