// A step of the optimizer in parts: the bits of the step as a whole, and blocks that count by their weight.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "policies/nn/team_step.h"

enum { TOTAL = 40000, BLOCKS = 3 };

static void create(loomParams* params) {
  *params = (loomParams){0};
  loom_params_add(params, "w", 1, (int[]){TOTAL});
  assert_int_equal(loom_params_create(params, NULL), 0);
}

static void fill(loomReal* x, size_t n, uint64_t seed) {
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WEIGHTS);
  for (size_t i = 0; i < n; i++) x[i] = (loomReal)loom_random_normal(&random);
}

static void steps_are_the_same(void** state) {
  (void)state;
  static loomReal slot[BLOCKS * TOTAL], average[2][TOTAL];
  static loomStepNow now;
  loomAdamDef adam = loom_default_adam_def();
  loomParams whole, parted;
  loomTeam* team;
  void* memory;

  create(&whole);
  create(&parted);
  adam.clip_norm = 5;
  adam.weight_decay = 1e-3;
  assert_int_equal(loom_team_begin(&team, NULL, NULL), 0);
  assert_int_equal(loom_team_share(&memory, team, 64, loom_team_step_items(&parted), NULL), 0);

  // One block: what the gradient is. Several: the sum, by their shares, which tells of none what another
  // weighs.
  for (int blocks = 1; blocks <= BLOCKS; blocks += BLOCKS - 1) {
    loomTeamStep step = {.now = &now,
                         .params = &parted,
                         .average = average[1],
                         .blocks = blocks,
                         .gradient = parted.gradient,
                         .slot = slot};
    double weight = 0, length, loss = 0;
    for (int b = 0; b < blocks; b++) {
      now.weight[b] = 1 + 2 * b;
      now.loss[b] = 10 - b;
      weight += now.weight[b];
      fill(loom_team_step_slot(&step, b), TOTAL, (uint64_t)(10 * blocks + b));
    }
    for (int b = 0; b < blocks; b++) loss += now.weight[b] / weight * now.loss[b];

    for (int i = 0; i < TOTAL; i++) {
      whole.gradient[i] = blocks > 1 ? (loomReal)(now.weight[0] / weight) * slot[i] : parted.gradient[i];
      for (int b = 1; b < blocks; b++)
        whole.gradient[i] += (loomReal)(now.weight[b] / weight) * slot[b * TOTAL + i];
    }

    assert_true(loom_team_step_add(&length, &step, team) == loss);
    assert_true(loom_team_step_move(&step, team, &adam, length, 0.1, (uint64_t)blocks, 0.75));
    assert_true(loom_adam_step(&whole, &adam, 0.1, (uint64_t)blocks) == length);
    loom_ema_update(average[0], whole.value, 0.75, TOTAL);

    assert_memory_equal(parted.value, whole.value, TOTAL * sizeof *whole.value);
    assert_memory_equal(parted.first, whole.first, TOTAL * sizeof *whole.value);
    assert_memory_equal(parted.second, whole.second, TOTAL * sizeof *whole.value);
    assert_memory_equal(average[1], average[0], sizeof average[0]);
  }

  loom_team_end(team, LOOM_TEAM_OVER, NULL);
  loom_params_destroy(&whole);
  loom_params_destroy(&parted);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(steps_are_the_same)};
  return cmocka_run_group_tests_name("policies/nn/team_step", tests, NULL, NULL);
}
