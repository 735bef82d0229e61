// Environments of a manipulation task: what the judge says ends them, snapshots go on, and a simulation that
// bursts ends its own episode only.
#include "tests/own_fixture.h"

#include "engine/base/random.h"
#include "engine/run/task_environment.h"
#include "engine/run/vector.h"

enum { N = 2, MOST = 32 };

static void step_at_random(loomVector* v, int t) {
  double actions[N * MOST];
  loomError err = {0, ""};
  loomRandom random = loom_random(5, (uint64_t)t, LOOM_PURPOSE_TEST);
  for (int i = 0; i < N * v->maker.actions; i++) actions[i] = loom_random_range(&random, -1, 1);
  must(loom_vector_step(v, actions, &err), &err);
}

// Sizes of objects differ from start to start: a snapshot of one episode is taken up by an environment that
// is in another.
static void snapshots_go_on(void** state) {
  const own* o = *state;
  loomError err = {0, ""};
  loomTaskSource source = {.scene = o->scene, .max_steps = 8};
  loomEnvironmentMaker maker;
  loomVectorDef def = {.n = N, .threads = 1, .seed = 4};
  loomVector* v;
  double* range;
  must(loom_task_environment(&maker, &range, &source, &err), &err);
  must(loom_vector_create(&v, &maker, &def, &err), &err);
  must(loom_vector_reset(v, &err), &err);
  for (int t = 0; t < 5; t++) step_at_random(v, t);

  void* snapshot = malloc(loom_vector_snapshot_size(v));
  loom_vector_snapshot(snapshot, v);
  size_t bytes = (size_t)N * (size_t)maker.obs * sizeof *v->obs;
  double* seen = malloc(bytes);
  for (int t = 5; t < 20; t++) step_at_random(v, t);
  memcpy(seen, v->obs, bytes);
  assert_int_equal(v->episode[0], 2);

  must(loom_vector_restore(v, snapshot, &err), &err);
  assert_int_equal(v->episode[0], 0);
  assert_int_equal(loom_task_environment_run(v->environment)->steps, 5);
  for (int t = 5; t < 20; t++) step_at_random(v, t);
  assert_memory_equal(seen, v->obs, bytes);

  free(seen);
  free(snapshot);
  loom_vector_destroy(v);
  free(range);
}

static void a_burst_is_an_end(void** state) {
  const own* o = *state;
  loomError err = {0, ""};
  loomTaskSource source = {.scene = o->scene};
  loomEnvironmentMaker maker;
  loomVectorDef def = {.n = N, .threads = 1, .seed = 4};
  loomVector* v;
  double* range;
  must(loom_task_environment(&maker, &range, &source, &err), &err);
  must(loom_vector_create(&v, &maker, &def, &err), &err);
  must(loom_vector_reset(v, &err), &err);

  step_at_random(v, 0);
  loom_task_environment_episode(&v->environment[1])->d->qvel[0] = 1e12;
  step_at_random(v, 1);
  assert_true(v->terminated[1] && !v->truncated[1] && !v->success[1] && !v->terminated[0]);
  assert_int_equal(loom_task_environment_run(&v->environment[1])->end, LOOM_RUN_SIMULATOR);
  for (int k = 0; k < maker.obs; k++) assert_true(v->obs[maker.obs + k] == 0);

  // The next episode is as any other.
  step_at_random(v, 2);
  assert_true(v->fresh[1] && !v->fresh[0]);
  double* seen = malloc((size_t)maker.obs * sizeof *seen);
  memcpy(seen, v->obs + maker.obs, (size_t)maker.obs * sizeof *seen);
  must(v->environment[0].reset(v->environment[0].self, 4, N + 1, &err), &err);
  v->environment[0].observe(v->obs, v->environment[0].self);
  assert_memory_equal(seen, v->obs, (size_t)maker.obs * sizeof *seen);

  free(seen);
  loom_vector_destroy(v);
  free(range);
}

// Rewarded by other terms than the task's own, and in contexts that come in turn, or each its own.
static void rewards_and_contexts(void** state) {
  static const char terms[] = "[{term: time, weight: 3}]";
  const own* o = *state;
  loomError err = {0, ""};
  loomRewardDef* reward;
  loomDisturbTerm dim = {.kind = loom_disturb_kind("light"), .range = {0.5, 0.9}};
  loomDisturbSet set = {.name = "dim", .label = "test", .count = 1, .terms = &dim};
  must(loom_reward_def_parse(&reward, o->task, terms, sizeof terms - 1, "test", &err), &err);

  for (int contexts = 0; contexts < 3; contexts++) {
    loomTaskSource source = {.scene = o->scene,
                             .max_steps = 2,
                             .reward = reward,
                             .context = &set,
                             .contexts = contexts,
                             .context_seed = 99};
    loomEnvironmentMaker maker;
    loomVectorDef def = {.n = N, .threads = 1, .seed = 4, .first = 6};
    loomVector* v;
    double* range;
    must(loom_task_environment(&maker, &range, &source, &err), &err);
    must(loom_vector_create(&v, &maker, &def, &err), &err);
    must(loom_vector_reset(v, &err), &err);
    for (int t = 0; t < 3; t++) {
      for (int i = 0; i < N; i++) {
        const loomDisturbance* d = loom_task_environment_episode(&v->environment[i])->disturbance;
        uint64_t attempt = def.first + (uint64_t)(v->episode[i] * N + i);
        assert_non_null(d);
        assert_int_equal(d->seed, contexts ? 99 : 4);
        assert_int_equal(d->number, contexts ? attempt % (uint64_t)contexts : attempt);
      }
      step_at_random(v, t);
      for (int i = 0; i < N; i++) assert_true(v->reward[i] == (v->fresh[i] ? 0 : 3));
    }
    assert_int_equal(v->episode[1], 1);
    loom_vector_destroy(v);
    free(range);
  }
  loom_reward_def_destroy(reward);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(snapshots_go_on), cmocka_unit_test(a_burst_is_an_end),
                                     cmocka_unit_test(rewards_and_contexts)};
  return cmocka_run_group_tests(tests, open_own, close_own);
}
