// The replay buffer: rows as they were pushed, n-step sums across ends, what is written over, and draws.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/data/experience.h"
#include "policies/objective/advantage.h"

enum { STEPS = 60, N = 2 };

typedef struct tried {
  loomReal reward[STEPS];
  bool terminated[STEPS], truncated[STEPS];
} tried;

// Observations tell environment and step: e + t, action t, next t + 1 (also at an end).
static void push_all(loomExperience* r, tried* all) {
  loomRandom random = loom_random(2, 1, LOOM_PURPOSE_TEST);

  for (int t = 0; t < STEPS; t++) {
    for (int e = 0; e < N; e++) {
      double u = loom_random_uniform(&random);
      all[e].terminated[t] = u < 0.1;
      all[e].truncated[t] = u > 0.9;
      all[e].reward[t] = (loomReal)loom_random_normal(&random);
      loomReal obs = (loomReal)(1000 * e + t), action = (loomReal)t, next = obs + 1;
      loom_experience_push(r, e, &obs, &action, (double)all[e].reward[t], &next, all[e].terminated[t],
                           all[e].truncated[t]);
    }
  }
}

static void sums_are_n_step(void** state) {
  (void)state;
  for (int n = 1; n <= 4; n++) {
    loomExperience r;
    loomError err = {0, ""};
    static tried all[N];
    bool seen[N][STEPS] = {{false}};

    loomExperienceDef def = {
        .obs = 1, .actions = 1, .capacity = 1000, .environments = N, .n = n, .discount = 0.9};
    assert_int_equal(loom_experience_create(&r, &def, &err), 0);
    push_all(&r, all);

    // All but those that wait for rewards are there, once.
    int waiting = (int)(r.waits[0] + r.waits[1]);
    assert_int_equal(loom_experience_count(&r), N * STEPS - waiting);
    assert_true(waiting <= N * (n - 1));
    for (int64_t k = 0; k < loom_experience_count(&r); k++) {
      const loomReal* row = r.row + k * r.width;
      int e = row[0] >= 1000, t = (int)row[1];
      assert_true(!seen[e][t] && (int)row[0] == 1000 * e + t);
      seen[e][t] = true;

      loomNStep s =
          loom_n_step(all[e].reward + t, all[e].terminated + t, all[e].truncated + t, STEPS - t, n, 0.9);
      assert_true(fabs((double)row[2] - s.reward) < 1e-5 && fabs((double)row[3] - s.discount) < 1e-5);
      assert_int_equal((int)row[4], 1000 * e + t + s.steps);
    }
    loom_experience_destroy(&r);
  }
}

static void oldest_go_first(void** state) {
  (void)state;
  loomExperience r;
  loomError err = {0, ""};
  static tried all[N];
  loomExperienceDef def = {
      .obs = 1, .actions = 1, .capacity = 16, .environments = N, .n = 1, .discount = 0.9};
  assert_int_equal(loom_experience_create(&r, &def, &err), 0);
  push_all(&r, all);

  // The latest 8 steps of both, and every one of them is drawn.
  bool drawn[N][STEPS] = {{false}};
  loomReal obs[64], action[64], reward[64], discount[64], next[64];
  loomExperienceBatch batch = {obs, action, reward, discount, next};
  loomRandom random = loom_random(1, 2, LOOM_PURPOSE_REPLAY);
  assert_int_equal(loom_experience_count(&r), 16);
  for (int k = 0; k < 10; k++) {
    loom_experience_draw(&batch, &r, 64, &random);
    for (int i = 0; i < 64; i++) {
      int e = obs[i] >= 1000, t = (int)action[i];
      assert_true(t >= STEPS - 8 && (int)next[i] == (int)obs[i] + 1);
      assert_true(reward[i] == all[e].reward[t]);
      drawn[e][t] = true;
    }
  }
  for (int t = STEPS - 8; t < STEPS; t++) assert_true(drawn[0][t] && drawn[1][t]);
  loom_experience_destroy(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(sums_are_n_step), cmocka_unit_test(oldest_go_first)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
