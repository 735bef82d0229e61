// Attempts that recover: which, from what and when is a function of their number; their demos begin once it
// has passed, and are what their actions do from there, to the bit.
#include "generators/attempt/recover.h"

#include <math.h>
#include <sys/stat.h>

#include "engine/data/dataset.h"
#include "engine/run/starts.h"
#include "generators/run/generate.h"
#include "tests/own_fixture.h"

static loomRecover* recover_of(const own* o, const char* yaml, double share) {
  const loomDisturbSet* set = NULL;
  loomRecover* out;
  loomError err = {0, ""};
  char path[] = "/tmp/loom_recover_XXXXXX";

  // Without a text the usual ways.
  if (yaml) {
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml) && !close(fd));
    must(loom_disturb_find(&set, o->task, path, &err), &err);
    unlink(path);
  }
  must(loom_recover_create(&out, o->scene, &o->sources, set, share, &err), &err);
  return out;
}

static loomAttemptResult attempt(own* o, const loomRecover* recover, uint64_t number) {
  loomAttemptResult r;
  loomError err = {0, ""};
  loomAttemptDef def = loom_default_attempt_def();
  def.seed = 3;
  def.recover = recover;
  must(loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, number, &err), &err);
  return r;
}

// ---- ways

static double far(const double* a, const double* b) {
  return hypot(hypot(a[0] - b[0], a[1] - b[1]), a[2] - b[2]);
}

// What each way has done by the first row of a demo, against the same attempt that nothing disturbed.
static double hand_off(const own* o, const loomTrace* calm, int row) {
  double most = 0;
  for (int a = 0; a < 2; a++) {
    const double *now = o->trace.eef + 16 * a, *then = calm->eef + 16 * (2 * row + a);
    most = fmax(most, far((double[]){now[3], now[7], now[11]}, (double[]){then[3], then[7], then[11]}));
  }
  return most;
}

static const double* object_at(const own* o, const loomTrace* t, int object, int row) {
  return t->states + (ptrdiff_t)row * t->state_dim + 1 + o->scene->object_qpos[object];
}

static double object_off(const own* o, const loomTrace* calm, int row) {
  return fmax(far(object_at(o, &o->trace, 0, 0), object_at(o, calm, 0, row)),
              far(object_at(o, &o->trace, 1, 0), object_at(o, calm, 1, row)));
}

static double object_turn(const own* o, const loomTrace* calm, int row) {
  return loom_quat_angle(object_at(o, &o->trace, 0, 0) + 3, object_at(o, calm, 0, row) + 3);
}

static const struct {
  const char *yaml, *words;
  int step;                                          // control step at which the demo begins; 0 = when it may
  double (*off)(const own*, const loomTrace*, int);  // m or rad
  double least, most;
} ways[] = {
    {"push: {of: bz0, range: 10, at: 1, for: 0.2}", "push of bz0", 24, hand_off, 0.005, 0.3},
    {"push: {of: bz1, range: 10, at: 0.1, for: 0.1, direction: [0, 0, 1]}", "push of bz1", 8, hand_off, 0.002,
     0.3},
    {"place: {of: box, range: [0.03, 0.03], at: 0.5}", "place of box", 13, object_off, 0.035, 0.05},
    {"yaw: {range: 0.3, at: 0.5}", "yaw", 13, object_turn, 0.25, 0.35},
    {"slip: {of: 0, range: 0, at: 0.5, for: 0.3}", "slip of arm 0", 0, object_off, 0.01, 0.3},
};

// A copy of the rows that the fixture's trace has now.
static loomTrace keep_rows(const own* o) {
  loomTrace out = o->trace;
  size_t rows = (size_t)out.rows;
  out.states = malloc(sizeof(double) * rows * (size_t)out.state_dim);
  out.eef = malloc(sizeof(double) * rows * 32);
  assert_non_null(out.states);
  assert_non_null(out.eef);

  memcpy(out.states, o->trace.states, sizeof(double) * rows * (size_t)out.state_dim);
  memcpy(out.eef, o->trace.eef, sizeof(double) * rows * 32);
  return out;
}

static void each_way_does_what_it_says(void** state) {
  own* o = *state;
  enum { ATTEMPTS = 4 };
  for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
    loomRecover* recover = recover_of(o, ways[w].yaml, 1);
    char words[2 * LOOM_NAME_MAX];
    loom_recover_words(words, sizeof words, recover, 0);
    assert_string_equal(words, ways[w].words);

    int wins = 0;

    for (uint64_t i = 0; i < ATTEMPTS; i++) {
      attempt(o, NULL, i);
      loomTrace calm = keep_rows(o);
      loomAttemptResult r = attempt(o, recover, i);
      assert_int_equal(r.recover, 0);
      assert_true(r.recover_step > 0 && r.recover_step < calm.rows);
      if (ways[w].step) assert_int_equal(r.recover_step, ways[w].step);

      // The demo has none of the rows before, and begins with what the disturbance has left.
      assert_int_equal(r.steps, o->trace.rows);
      double begun = calm.states[(ptrdiff_t)r.recover_step * calm.state_dim];
      assert_true(fabs(o->trace.states[0] - begun) < 1e-9);
      double off = ways[w].off(o, &calm, r.recover_step);
      assert_true(off >= ways[w].least && off <= ways[w].most);
      assert_int_equal(r.physics_steps, (r.steps + r.recover_step + r.rewound) * o->scene->substeps);
      wins += r.outcome == LOOM_OUTCOME_SUCCESS;
      free(calm.states);
      free(calm.eef);
    }

    // Some come back from it.
    assert_true(wins >= 1);
    loom_recover_destroy(recover);
  }
}

static int first_closed(const loomTrace* t, int arm) {
  for (int row = 0; row < t->rows; row++)
    if (t->grip[row * t->arm_count + arm] > 0) return row;
  return t->rows;
}

// Of the usual ways some wait until a hand is about to grasp: it is off its way then, and a little.
static void nudges_come_before_a_grasp(void** state) {
  own* o = *state;
  loomRecover* recover = recover_of(o, NULL, 1);
  int nudged = 0, wins = 0;

  for (uint64_t i = 0; i < 16; i++) {
    attempt(o, NULL, i);
    loomTrace calm = keep_rows(o);
    int closes[2] = {first_closed(&o->trace, 0), first_closed(&o->trace, 1)};
    loomAttemptResult r = attempt(o, recover, i);

    if (r.recover >= 0 && recover->grasps[r.recover] && r.recover_step > 0) {
      const char* body = recover->term[r.recover].of;
      int arm = !strcmp(body, "bz1"), second = (int)o->task->control_freq;
      char words[2 * LOOM_NAME_MAX];
      loom_recover_words(words, sizeof words, recover, r.recover);
      assert_non_null(strstr(words, " before it grasps"));
      assert_in_range(r.recover_step, closes[arm] - second, closes[arm] + second / 2);

      double off = hand_off(o, &calm, r.recover_step);
      assert_true(off > 0.002 && off < 0.1);
      nudged++;
      wins += r.outcome == LOOM_OUTCOME_SUCCESS;
    }
    free(calm.states);
    free(calm.eef);
  }
  assert_true(nudged >= 3 && wins >= 2);
  loom_recover_destroy(recover);
}

static void numbers_decide(void** state) {
  own* o = *state;
  enum { ATTEMPTS = 12 };
  loomRecover *half = recover_of(o, NULL, 0.5), *none = recover_of(o, NULL, 0);
  int recovers = 0, met[LOOM_DISTURB_TERM_MAX] = {0}, kinds = 0;

  for (uint64_t i = 0; i < ATTEMPTS; i++) {
    loomAttemptResult r = attempt(o, half, i), again = attempt(o, half, i);
    assert_memory_equal(&r, &again, sizeof r);
    recovers += r.recover >= 0;
    if (r.recover >= 0) met[r.recover]++;

    // An attempt that does not recover is what it would be without.
    loomAttemptResult calm = attempt(o, NULL, i);
    if (r.recover < 0) assert_memory_equal(&r, &calm, sizeof r);
    r = attempt(o, none, i);
    assert_memory_equal(&r, &calm, sizeof r);
  }
  for (int w = 0; w < half->count; w++) kinds += met[w] > 0;
  assert_true(recovers >= 2 && recovers <= ATTEMPTS - 2 && kinds >= 2);
  loom_recover_destroy(half);
  loom_recover_destroy(none);
}

// ---- whole runs

static volatile sig_atomic_t stop_now;

static void stop_soon(void* user, int64_t attempts, int64_t successes, double seconds) {
  (void)user, (void)successes, (void)seconds;
  if (attempts >= 3) stop_now = 1;
}

static loomGenerateReport generate(const own* o, const loomRecover* recover, const char* out, int threads,
                                   bool resume, bool stops) {
  loomError err = {0, ""};
  loomGenerateReport report;
  loomGenerateDef def = loom_default_generate_def();
  def.out = out;
  def.attempts = 10;
  def.threads = threads;
  def.resume = resume;
  def.attempt.seed = 3;
  def.attempt.recover = recover;
  stop_now = 0;
  if (stops) def.stop = &stop_now, def.progress = stop_soon;
  must(loom_generate(&report, o->scene, &o->sources, &def, &err), &err);
  return report;
}

static void same_bytes(const char* a, const char* b) {
  FILE *f = fopen(a, "rb"), *g = fopen(b, "rb");
  assert_non_null(f);
  assert_non_null(g);
  for (int x = 0, y; x != EOF;) {
    x = fgetc(f), y = fgetc(g);
    assert_int_equal(x, y);
  }
  fclose(f);
  fclose(g);
}

// Each demo's actions from its first state; without what its hands were told, those that recover are others.
static void replay_all(own* o, const char* path, int64_t* recovered) {
  loomDataset* ds;
  loomScene* scene = NULL;
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  bool needed = false;
  must(loom_dataset_open(&ds, path, &err), &err);

  for (int i = 0; i < loom_dataset_demo_count(ds); i++) {
    loomDemo demo;
    loomEpisode* e;
    loomActionReplay replay;
    must(loom_demo_load(&demo, ds, i, &err), &err);
    must(loom_replay_open(&scene, &e, o->task, ds, &demo, &roots, &err), &err);
    must(loom_replay_actions(&replay, e, &demo, NULL, &err), &err);
    assert_true(replay.identical && replay.success);

    bool tells = loom_dataset_has_attr(ds, loom_dataset_demo_path(ds, i), LOOM_RECOVERED_ATTR);
    assert_int_equal(tells, demo.midway != NULL);
    *recovered += tells;
    if (tells) {
      char* hands = demo.midway;
      demo.midway = NULL;
      must(loom_replay_actions(&replay, e, &demo, NULL, &err), &err);
      needed = needed || !replay.identical;

      demo.midway = (char*)"{\"hands\":[]}";
      assert_int_equal(loom_replay_actions(&replay, e, &demo, NULL, &err), LOOM_ERR_FORMAT);
      demo.midway = hands;
    }
    loom_episode_destroy(e);
    loom_demo_destroy(&demo);
  }
  assert_true(needed);
  loom_scene_destroy(scene);
  loom_dataset_close(ds);
}

// Episodes that begin at a demo's first state, as finetuning has them, go on as it did.
static void start_all(own* o, const char* path) {
  loomStarts* starts;
  loomDataset* ds;
  loomError err = {0, ""};
  loomStartsDef def = loom_default_starts_def();
  def.demos = 1;
  snprintf(def.dataset, sizeof def.dataset, "%s", path);
  must(loom_starts_create(&starts, &def, o->scene, 0, &err), &err);
  must(loom_dataset_open(&ds, path, &err), &err);
  double* now = calloc((size_t)o->e->state_dim, sizeof *now);
  assert_non_null(now);

  for (int i = 0; i < loom_dataset_demo_count(ds); i++) {
    loomDemo demo;
    loomStart start = {.kind = LOOM_START_DEMO, .demo = i};
    must(loom_demo_load(&demo, ds, i, &err), &err);
    must(loom_start_begin(o->e, starts, &start, 0, &err), &err);
    for (int t = 0; t < demo.rows; t++) {
      loom_episode_state(now, o->e);
      assert_memory_equal(now, demo.states + (ptrdiff_t)t * demo.state_dim,
                          sizeof *now * (size_t)demo.state_dim);
      must(loom_episode_step(o->e, demo.actions + (ptrdiff_t)t * demo.action_dim, &err), &err);
    }
    loom_demo_destroy(&demo);
  }

  free(now);
  loom_dataset_close(ds);
  loom_starts_destroy(starts);
}

static void threads_and_resumption_change_nothing(void** state) {
  own* o = *state;
  loomRecover* recover = recover_of(o, NULL, 0.6);
  char dir[] = "/tmp/loom_recover_XXXXXX", path[3][64];
  assert_non_null(mkdtemp(dir));
  for (int i = 0; i < 3; i++) snprintf(path[i], sizeof path[i], "%s/%d.hdf5", dir, i);

  loomGenerateReport one = generate(o, recover, path[0], 1, false, false);
  loomGenerateReport three = generate(o, recover, path[1], 3, false, false);
  loomGenerateReport part = generate(o, recover, path[2], 2, false, true);
  assert_true(part.interrupted && part.attempts < one.attempts);
  loom_generate_report_destroy(&part);
  part = generate(o, recover, path[2], 1, true, false);
  same_bytes(path[0], path[1]);
  same_bytes(path[0], path[2]);

  // Those counted are those told.
  int64_t kept = 0, told = 0;
  for (int64_t i = 0; i < one.result_count; i++)
    kept += one.results[i].recover_step > 0 && one.results[i].outcome == LOOM_OUTCOME_SUCCESS;
  replay_all(o, path[0], &told);
  start_all(o, path[0]);
  assert_true(kept >= 2);
  assert_int_equal(kept, told);

  for (int i = 0; i < 3; i++) unlink(path[i]);
  assert_int_equal(rmdir(dir), 0);
  loom_generate_report_destroy(&one);
  loom_generate_report_destroy(&three);
  loom_generate_report_destroy(&part);
  loom_recover_destroy(recover);
}

// ---- sets

static void odd_sets_are_named(void** state) {
  own* o = *state;
  static const struct {
    const char *yaml, *says;
  } odd[] = {
      {"mass: [0.5, 2]", ":1: `mass`: attempts recover from what begins at some time and passes"},
      {"push: {of: bz0, range: 5, at: 1}\nplace: [-0.01, 0.01]", ":2: `place` without `at`"},
      {"push: {of: nobody, range: 5, at: 1}", ":1: key 'of': own has no body 'nobody'"},
  };

  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    const loomDisturbSet* set;
    loomRecover* out;
    loomError err = {0, ""};
    char path[] = "/tmp/loom_recover_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, odd[i].yaml, strlen(odd[i].yaml)) > 0 && !close(fd));
    must(loom_disturb_find(&set, o->task, path, &err), &err);
    unlink(path);
    assert_int_equal(loom_recover_create(&out, o->scene, &o->sources, set, 0.3, &err), LOOM_ERR_FORMAT);
    assert_null(out);
    assert_non_null(strstr(err.message, odd[i].says));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_way_does_what_it_says),
      cmocka_unit_test(nudges_come_before_a_grasp),
      cmocka_unit_test(numbers_decide),
      cmocka_unit_test(threads_and_resumption_change_nothing),
      cmocka_unit_test(odd_sets_are_named),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
