// Environments side by side: the same bytes on any number of threads, next-step autoreset, truncation apart
// from termination, and snapshots that go on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/hash.h"
#include "engine/base/random.h"
#include "engine/run/vector.h"
#include "tests/gym_fixture.h"

enum { N = 5, MOST = 8 };

static loomVector* make_vector(const gymFixture* gym, int n, int threads) {
  loomEnvironmentMaker maker = loom_control_environment(gym->scene);
  loomVectorDef def = {.n = n, .threads = threads, .seed = 11};
  loomVector* v;
  loomError err = {0, ""};

  if (loom_vector_create(&v, &maker, &def, &err) || loom_vector_reset(v, &err)) fail_msg("%s", err.message);
  return v;
}

// Actions drawn by step and environment alone.
static void step_at_random(loomVector* v, int t) {
  double actions[N * MOST];
  loomError err = {0, ""};

  for (int i = 0; i < v->def.n; i++) {
    loomRandom random = loom_random(5, (uint64_t)(t * v->def.n + i), LOOM_PURPOSE_TEST);
    for (int k = 0; k < v->maker.actions; k++)
      actions[i * v->maker.actions + k] = loom_random_range(&random, -1, 1);
  }
  if (loom_vector_step(v, actions, &err)) fail_msg("%s", err.message);
}

static uint64_t hash_of(uint64_t hash, const loomVector* v) {
  size_t n = (size_t)v->def.n;

  hash = loom_hash(hash, v->obs, n * (size_t)v->maker.obs * sizeof *v->obs);
  hash = loom_hash(hash, v->reward, n * sizeof *v->reward);
  hash = loom_hash(hash, v->terminated, n * sizeof *v->terminated);
  return loom_hash(hash, v->fresh, n * sizeof *v->fresh);
}

static void threads_change_nothing(void** state) {
  (void)state;
  gymFixture gym = gym_open("hopper");
  uint64_t first = 0;
  static const int threads[] = {1, 2, 3, 8, 1};

  for (size_t k = 0; k < sizeof threads / sizeof *threads; k++) {
    loomVector* v = make_vector(&gym, N, threads[k]);
    uint64_t hash = hash_of(LOOM_HASH_SEED, v);
    for (int t = 0; t < 60; t++) {
      step_at_random(v, t);
      hash = hash_of(hash, v);
    }

    if (k == 0) first = hash;
    assert_true(hash == first);
    loom_vector_destroy(v);
  }
  gym_close(&gym);
}

// After the end the last observation stays; the next step begins the next episode, as that attempt does.
static void resets_in_the_next_step(void** state) {
  (void)state;
  gymFixture gym = gym_open("hopper");
  loomVector* v = make_vector(&gym, N, 1);
  loomError err = {0, ""};
  int resets = 0, length[N] = {0};
  double obs[16], total[N] = {0};

  for (int t = 0; t < 120; t++) {
    bool ended[N];
    for (int i = 0; i < N; i++) ended[i] = loom_vector_ended(v, i);
    step_at_random(v, t);

    for (int i = 0; i < N; i++) {
      assert_int_equal(v->fresh[i], ended[i]);
      length[i] = ended[i] ? 0 : length[i] + 1;
      total[i] = ended[i] ? 0 : total[i] + v->reward[i];
      assert_int_equal(v->length[i], length[i]);
      assert_true(v->total[i] == total[i]);
      if (!ended[i]) continue;

      // Nothing was rewarded, nothing ended, and the start is that of attempt k N + i.
      assert_true(v->reward[i] == 0 && !loom_vector_ended(v, i));
      assert_int_equal(loom_control_sim_reset(gym.sim, 11, (uint64_t)(v->episode[i] * N + i), &err), 0);
      loom_control_sim_observe(obs, gym.sim);
      assert_memory_equal(obs, v->obs + i * v->maker.obs, (size_t)v->maker.obs * sizeof *obs);
      resets++;
    }
  }

  assert_true(resets > 3 * N);
  loom_vector_destroy(v);
  gym_close(&gym);
}

static void truncation_is_no_termination(void** state) {
  (void)state;
  gymFixture cheetah = gym_open("half_cheetah"), hopper = gym_open("hopper");
  cheetah.task->max_steps = 7;
  loomVector *a = make_vector(&cheetah, 2, 1), *b = make_vector(&hopper, 2, 1);
  int terminated = 0;

  // The cheetah cannot fail and is out of time after 7 steps; the hopper falls long before it is.
  for (int t = 0; t < 40; t++) {
    step_at_random(a, t);
    step_at_random(b, t);
    for (int i = 0; i < 2; i++) {
      assert_false(a->terminated[i]);
      assert_int_equal(a->truncated[i], t % 8 == 6);
      assert_false(b->truncated[i]);
      terminated += b->terminated[i];
    }
  }

  assert_true(terminated > 0);
  loom_vector_destroy(a);
  loom_vector_destroy(b);
  gym_close(&cheetah);
  gym_close(&hopper);
}

static void snapshots_go_on(void** state) {
  (void)state;
  gymFixture gym = gym_open("hopper");
  loomVector *a = make_vector(&gym, N, 1), *b = make_vector(&gym, N, 2);
  loomError err = {0, ""};

  // Taken in the middle of some episodes and at the end of others.
  for (int t = 0; t < 33; t++) step_at_random(a, t);
  size_t bytes = loom_vector_snapshot_size(a);
  char *kept = malloc(bytes), *again = malloc(bytes);
  loom_vector_snapshot(kept, a);

  // Another vector goes on as the first does, and has the same snapshot.
  assert_int_equal(loom_vector_restore(b, kept, &err), 0);
  loom_vector_snapshot(again, b);
  assert_memory_equal(kept, again, bytes);
  for (int t = 33; t < 90; t++) {
    step_at_random(a, t);
    step_at_random(b, t);
    assert_true(hash_of(0, a) == hash_of(0, b));
  }

  free(kept);
  free(again);
  loom_vector_destroy(a);
  loom_vector_destroy(b);
  gym_close(&gym);
}

static int prepared;

static void note_prepared(loomEnvironment* environment, int n) {
  assert_non_null(environment[N - 1].self);
  assert_int_equal(n, N);
  prepared++;
}

// Once a step, and once before the first; what is seen is the same.
static void prepared_together(void** state) {
  (void)state;
  gymFixture gym = gym_open("hopper");
  loomEnvironmentMaker maker = loom_control_environment(gym.scene);
  loomError err = {0, ""};
  loomVector *a = make_vector(&gym, N, 1), *b;
  maker.prepare = note_prepared;

  assert_int_equal(loom_vector_create(&b, &maker, &(loomVectorDef){.n = N, .threads = 2, .seed = 11}, &err),
                   0);
  assert_int_equal(loom_vector_reset(b, &err), 0);
  for (int t = 0; t < 60; t++) {
    assert_true(prepared == t + 1 && hash_of(0, a) == hash_of(0, b));
    step_at_random(a, t);
    step_at_random(b, t);
  }
  assert_true(hash_of(0, a) == hash_of(0, b));

  loom_vector_destroy(a);
  loom_vector_destroy(b);
  gym_close(&gym);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threads_change_nothing),
      cmocka_unit_test(resets_in_the_next_step),
      cmocka_unit_test(truncation_is_no_termination),
      cmocka_unit_test(snapshots_go_on),
      cmocka_unit_test(prepared_together),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
