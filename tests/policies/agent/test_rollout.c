// Rollouts of the threading task with its scripted expert as the policy: the same on any number of threads,
// as each episode is when run alone; other policies fail for the reason they must.
#include "tests/scene_fixture.h"

#include <math.h>

#include "engine/base/hash.h"
#include "engine/run/jerk.h"
#include "generators/expert/expert.h"
#include "policies/agent/rollout.h"

enum { EPISODES = 6, SEED = 31 };

static loomTask* task;
static loomScene* scene;
static loomAssetRoots roots;

static int open_scene(void** state) {
  (void)state;
  add_assets(&roots, "robosuite-1.4.1");
  load_scene(&task, &scene, &roots, "scenes/threading/task.yaml");
  return 0;
}

static int close_scene(void** state) {
  (void)state;
  loom_scene_destroy(scene);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&roots);
  return 0;
}

// ---- policies

static int expert_create(void** instance, void* self, loomEpisode* episode, loomError* err) {
  (void)self;
  (void)episode;
  *instance = calloc(1, sizeof(loomExpert));
  return *instance ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for the expert");
}

static int expert_begin(loomPolicy* out, void* instance, loomEpisode* episode, uint64_t seed, uint64_t number,
                        loomError* err) {
  *out = loom_expert_policy(instance);
  return loom_expert_create(instance, episode, seed, number, NULL, err);
}

static const loomPolicyMaker expert = {.create = expert_create, .begin = expert_begin, .destroy = free};

// What the odd policies do is told by self.
static const char* const still = "still";
static const char* const gives_up = "gives up after 3 steps";
static const char* const breaks = "an error in episode 2";
static const char* const bursts = "the simulation bursts in episode 1";

typedef struct odd {
  const char* kind;
  uint64_t number;
  int acts;
} odd;

static int odd_create(void** instance, void* self, loomEpisode* episode, loomError* err) {
  (void)episode;
  odd* o = calloc(1, sizeof *o);

  if (!o) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  o->kind = self;
  *instance = o;
  return 0;
}

static int odd_act(double* action, void* self, loomEpisode* episode, loomError* err) {
  odd* o = self;
  memset(action, 0, (size_t)episode->action_dim * sizeof *action);
  o->acts++;

  if (o->kind == gives_up && o->acts > 3) return LOOM_POLICY_DONE;
  if (o->kind == breaks && o->number == 2) return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "cannot go on");
  if (o->kind == bursts && o->number == 1 && o->acts == 5) episode->d->qvel[0] = 1e12;
  return 0;
}

static int odd_begin(loomPolicy* out, void* instance, loomEpisode* episode, uint64_t seed, uint64_t number,
                     loomError* err) {
  (void)episode;
  (void)seed;
  (void)err;

  odd* o = instance;
  o->number = number;
  o->acts = 0;
  *out = (loomPolicy){o, NULL, odd_act};
  return 0;
}

static loomPolicyMaker odd_maker(const char* kind) {
  return (loomPolicyMaker){.self = (void*)kind, .create = odd_create, .begin = odd_begin, .destroy = free};
}

// Decides three actions at once, in its first act or, asked before that, together with others. In episode 1
// the simulation bursts, the others end after 3, 5, 7 ... acts.
typedef struct chunked {
  uint64_t number;
  int acts, left;
  bool looked;
  double decided;
} chunked;

static int decided_at_once[8];  // how often so many decided together

static int chunked_create(void** instance, void* self, loomEpisode* episode, loomError* err) {
  (void)self;
  (void)episode;
  *instance = calloc(1, sizeof(chunked));
  return *instance ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
}

static int chunked_look(bool* due, void* instance, loomEpisode* episode, loomError* err) {
  chunked* c = instance;
  (void)episode;
  (void)err;
  c->looked = true;
  *due = c->left == 0;
  return 0;
}

static void chunked_decide(void* const* instance, int n) {
  decided_at_once[n]++;
  for (int k = 0; k < n; k++) {
    chunked* c = instance[k];
    assert_true(c->looked && !c->left);
    loomRandom random = loom_random(c->number, (uint64_t)c->acts, LOOM_PURPOSE_POLICY);
    c->decided = loom_random_range(&random, -0.5, 0.5);
    c->left = 3;
  }
}

static int chunked_act(double* action, void* self, loomEpisode* episode, loomError* err) {
  chunked* c = self;
  (void)err;
  if (c->acts >= 3 + 2 * (int)c->number && c->number != 1) return LOOM_POLICY_DONE;
  c->looked = true;
  if (!c->left) chunked_decide(&self, 1);

  for (int i = 0; i < episode->action_dim; i++) action[i] = c->decided;
  if (c->number == 1 && c->acts == 4) episode->d->qvel[0] = 1e12;
  c->left--;
  c->acts++;
  c->looked = false;
  return 0;
}

static int chunked_begin(loomPolicy* out, void* instance, loomEpisode* episode, uint64_t seed,
                         uint64_t number, loomError* err) {
  chunked* c = instance;
  (void)episode;
  (void)seed;
  (void)err;
  *c = (chunked){.number = number};
  *out = (loomPolicy){c, NULL, chunked_act};
  return 0;
}

// ---- tests

typedef struct seen {
  int calls;
  uint64_t hash[EPISODES];  // of each episode's actions and states
  int rows[EPISODES];
  double jerk[EPISODES];  // of the end effectors in its rows
} seen;

static double jerk_of(const loomTrace* trace, double step) {
  loomJerk jerk = {0};
  for (int t = 0; t < trace->rows; t++) {
    double position[3 * LOOM_MAX_ARMS];
    for (int a = 0; a < trace->arm_count; a++)
      for (int i = 0; i < 3; i++)
        position[3 * a + i] = trace->eef[((ptrdiff_t)t * trace->arm_count + a) * 16 + 4 * i + 3];
    loom_jerk_add(&jerk, position, trace->arm_count, step);
  }
  return loom_jerk_mean(&jerk);
}

static int look(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  seen* s = user;
  s->calls++;
  uint64_t hash = loom_hash(LOOM_HASH_SEED, trace->actions,
                            (size_t)trace->rows * (size_t)trace->action_dim * sizeof(double));
  s->hash[rollout->number] =
      loom_hash(hash, trace->states, (size_t)trace->rows * (size_t)trace->state_dim * sizeof(double));
  s->rows[rollout->number] = trace->rows;
  s->jerk[rollout->number] = jerk_of(trace, 1.0 / episode->scene->task->control_freq);
  return 0;
}

static loomRolloutDef some(int n, int threads) {
  loomRolloutDef def = loom_default_rollout_def();
  def.n = n;
  def.threads = threads;
  def.seed = SEED;
  return def;
}

static void same_on_any_threads(void** state) {
  (void)state;
  static const int threads[] = {1, 3};

  seen saw[2] = {{0}};
  loomRolloutReport report[2];
  loomError err = {0, ""};

  for (int i = 0; i < 2; i++) {
    loomRolloutDef def = some(EPISODES, threads[i]);
    def.done = look;
    def.user = &saw[i];
    def.traces = true;
    must(loom_rollout(&report[i], scene, &expert, &def, &err), &err);
    assert_int_equal(report[i].n, EPISODES);
    assert_int_equal(saw[i].calls, EPISODES);
  }
  assert_memory_equal(saw[0].hash, saw[1].hash, sizeof saw[0].hash);
  const loomRolloutReport* r = &report[0];
  int ended = 0, decisions = 0;
  double jerk = 0;

  for (int i = 0; i <= LOOM_RUN_SIMULATOR; i++) ended += r->ends[i];
  for (int i = 0; i < EPISODES; i++) {
    assert_int_equal(r->rollout[i].number, i);
    const loomRollout *a = &r->rollout[i], *b = &report[1].rollout[i];
    assert_true(a->end == b->end && a->steps == b->steps && a->first_success == b->first_success);
    assert_true(a->physics_steps == b->physics_steps && b->number == a->number);
    assert_int_equal(r->rollout[i].steps, saw[0].rows[i]);

    // Of the states that its rows have.
    assert_true(a->jerk == b->jerk && a->jerk > 0);
    assert_true(a->end == LOOM_RUN_DONE || fabs(a->jerk / saw[0].jerk[i] - 1) < 1e-9);
    jerk += a->jerk / EPISODES;
    decisions += r->rollout[i].steps + (r->rollout[i].end == LOOM_RUN_DONE);
  }
  assert_int_equal(ended, EPISODES);
  assert_int_equal(r->decisions, decisions);
  assert_true(r->ends[LOOM_RUN_SUCCESS] >= EPISODES / 2);  // 9 in 10 succeed
  assert_true(r->decision_mean > 0 && r->decision_p99 > 0 && r->decision_p99 < 10);
  assert_true(r->low < r->rate && r->rate <= r->high);
  assert_true(fabs(r->jerk / jerk - 1) < 1e-9);

  loom_rollout_report_destroy(&report[0]);
  loom_rollout_report_destroy(&report[1]);
}

static void as_when_run_alone(void** state) {
  (void)state;
  loomEpisode* e;
  loomExpert alone;
  loomRunResult run;
  loomRolloutReport report;
  loomError err = {0, ""};
  loomRolloutDef def = some(1, 1);

  def.first = 3;
  must(loom_rollout(&report, scene, &expert, &def, &err), &err);
  must(loom_episode_create(&e, scene, &err), &err);
  must(loom_episode_reset(e, 0, SEED, 3, &err), &err);
  must(loom_expert_create(&alone, e, SEED, 3, NULL, &err), &err);
  loomPolicy policy = loom_expert_policy(&alone);
  loomRunDef run_def = loom_default_run_def(task);
  must(loom_policy_run(&run, e, &policy, &run_def, NULL, &err), &err);
  assert_int_equal(report.rollout[0].number, 3);
  assert_int_equal(report.rollout[0].end, run.end);
  assert_int_equal(report.rollout[0].steps, run.steps);
  assert_int_equal(report.rollout[0].first_success, run.first_success);

  loom_episode_destroy(e);
  loom_rollout_report_destroy(&report);
}

// What a worker has in hand side by side decides together, and does what it does alone.
static void together_as_alone(void** state) {
  (void)state;
  enum { N = 11 };
  static const struct {
    int together, threads, first, most;  // so many decide at once, and never more
  } rows[] = {{0, 1, 1, 1}, {1, 2, 1, 1}, {3, 1, 3, 3}, {8, 1, 4, 4}, {8, 2, 2, 4}};
  loomRollout alone[N] = {{0}};

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    loomPolicyMaker maker = {.create = chunked_create, .begin = chunked_begin, .destroy = free};
    maker.together = rows[r].together;
    maker.look = rows[r].together > 1 ? chunked_look : NULL;
    maker.decide = rows[r].together > 1 ? chunked_decide : NULL;
    memset(decided_at_once, 0, sizeof decided_at_once);

    loomRolloutReport report;
    loomError err = {0, ""};
    loomRolloutDef def = some(N, rows[r].threads);
    must(loom_rollout(&report, scene, &maker, &def, &err), &err);
    assert_int_equal(report.ends[LOOM_RUN_SIMULATOR], 1);
    assert_int_equal(report.ends[LOOM_RUN_DONE], N - 1);
    if (!r) memcpy(alone, report.rollout, sizeof alone);
    for (int i = 0; i < N; i++) {
      const loomRollout *a = &report.rollout[i], *b = &alone[i];
      assert_true(a->number == b->number && a->end == b->end && a->steps == b->steps);
      assert_true(a->physics_steps == b->physics_steps && a->first_success == b->first_success);
      assert_true(a->jerk == b->jerk || (isnan(a->jerk) && isnan(b->jerk)));
      assert_string_equal(a->message, b->message);
    }

    // One thread's are counted.
    for (int n = 1; rows[r].threads == 1 && n < 8; n++) {
      if (n == rows[r].first) assert_true(decided_at_once[n] > 0);
      if (n > rows[r].most) assert_int_equal(decided_at_once[n], 0);
    }
    loom_rollout_report_destroy(&report);
  }
}

// Episodes may share a start; they keep numbers of their own.
static void starts_that_are_named(void** state) {
  (void)state;
  enum { N = 3 };
  static const uint64_t start[N] = {2, 2, 0};
  seen plain = {0}, named = {0};
  loomRolloutReport report;
  loomError err = {0, ""};
  loomPolicyMaker maker = odd_maker(still);
  loomRolloutDef def = some(N, 2);
  def.done = look;
  def.user = &plain;
  def.traces = true;
  def.max_steps = 2;
  must(loom_rollout(&report, scene, &maker, &def, &err), &err);
  loom_rollout_report_destroy(&report);

  def.user = &named;
  def.starts = start;
  must(loom_rollout(&report, scene, &maker, &def, &err), &err);
  assert_true(plain.hash[0] != plain.hash[2]);
  for (int i = 0; i < N; i++) {
    assert_true(named.hash[i] == plain.hash[start[i]]);
    assert_true(report.rollout[i].number == (uint64_t)i && report.rollout[i].start == start[i]);
  }
  loom_rollout_report_destroy(&report);
}

static void why_they_fail(void** state) {
  (void)state;
  loomRolloutReport report;
  loomError err = {0, ""};
  loomPolicyMaker maker = odd_maker(gives_up);
  loomRolloutDef def = some(4, 2);

  must(loom_rollout(&report, scene, &maker, &def, &err), &err);
  assert_int_equal(report.ends[LOOM_RUN_DONE], 4);
  assert_int_equal(report.rollout[3].steps, 3);
  assert_int_equal(report.decisions, 16);
  assert_true(report.rate == 0 && report.low == 0 && fabs(report.high - 0.4899) < 1e-4);

  loom_rollout_report_destroy(&report);

  maker = odd_maker(still);
  def.max_steps = 7;
  must(loom_rollout(&report, scene, &maker, &def, &err), &err);
  assert_int_equal(report.ends[LOOM_RUN_TIMEOUT], 4);
  assert_int_equal(report.rollout[0].steps, 7);
  assert_string_equal(loom_run_end_name(report.rollout[0].end), "timeout");

  loom_rollout_report_destroy(&report);

  maker = odd_maker(bursts);
  def.threads = 1;  // so that the worker that burst goes on
  must(loom_rollout(&report, scene, &maker, &def, &err), &err);
  assert_int_equal(report.ends[LOOM_RUN_SIMULATOR], 1);
  assert_int_equal(report.rollout[1].end, LOOM_RUN_SIMULATOR);
  assert_true(report.rollout[1].message[0] != 0);
  assert_int_equal(report.ends[LOOM_RUN_TIMEOUT], 3);

  loom_rollout_report_destroy(&report);

  maker = odd_maker(breaks);
  def.threads = 2;
  assert_int_equal(loom_rollout(&report, scene, &maker, &def, &err), LOOM_ERR_UNSUPPORTED);
  assert_string_equal(err.message, "episode 2: cannot go on");
  assert_null(report.rollout);
}

static int stop(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  (void)user;
  (void)episode;
  assert_null(trace);
  return rollout->number == 1;
}

static void stopped_by_the_caller(void** state) {
  (void)state;
  loomRolloutReport report;
  loomError err = {0, ""};
  loomPolicyMaker maker = odd_maker(gives_up);
  loomRolloutDef def = some(50, 2);

  def.done = stop;
  assert_int_equal(loom_rollout(&report, scene, &maker, &def, &err), LOOM_ERR_INTERRUPTED);
  def.reset = 99;
  assert_int_equal(loom_rollout(&report, scene, &maker, &def, &err), LOOM_ERR_USAGE);
}

static void observations_by_name(void** state) {
  (void)state;
  loomObsKey keys[] = {loom_obs_named("object"), loom_obs_named("robot1_eef_pos")};
  loomObsKey wrong = loom_obs_named("robot7_eef_pos");
  loomEpisode* e;
  loomObserver* observer;
  loomError err = {0, ""};
  float out[256];

  must(loom_episode_create(&e, scene, &err), &err);
  must(loom_episode_reset(e, 0, SEED, 0, &err), &err);
  must(loom_observer_create(&observer, e, keys, 2, NULL, &err), &err);
  int dim = loom_observer_dim(observer);
  assert_in_range(dim, 4, 256);
  loom_observer_see(out, observer, e);

  loom_observer_destroy(observer);
  loomPose eef = loom_arm_eef(&e->arms[1], e->d);
  for (int i = 0; i < 3; i++) assert_true(out[dim - 3 + i] == (float)eef.pos[i]);
  keys[0].dim = dim - 3;
  keys[1].dim = 4;
  assert_int_equal(loom_observer_create(&observer, e, keys, 2, NULL, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "'robot1_eef_pos' has 3 numbers where the policy was trained with 4"));
  assert_int_equal(loom_observer_create(&observer, e, &wrong, 1, NULL, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "no observation 'robot7_eef_pos'; it has robot0_joint_pos,"));

  loom_episode_destroy(e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(same_on_any_threads),  cmocka_unit_test(as_when_run_alone),
      cmocka_unit_test(together_as_alone),    cmocka_unit_test(starts_that_are_named),
      cmocka_unit_test(why_they_fail),        cmocka_unit_test(stopped_by_the_caller),
      cmocka_unit_test(observations_by_name),
  };

  return cmocka_run_group_tests(tests, open_scene, close_scene);
}
