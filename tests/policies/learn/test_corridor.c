// What absorbing states are for: with them a policy learns to finish a corridor, without to linger; and with
// them airl finds the reward that the expert has.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policies/learn/corridor.h"

static void corridor(void** state) {
  (void)state;
  for (uint64_t seed = 35400; seed < 35403; seed++) {
    loomCorridorState with, without;
    loomError err = {0, ""};
    loomCorridorDef def = {.rounds = 300, .reward = LOOM_REWARD_GAIL, .absorbing = true, .seed = seed};
    assert_int_equal(loom_corridor_learn(&with, &def, &err), LOOM_OK);
    def.absorbing = false;
    assert_int_equal(loom_corridor_learn(&without, &def, &err), LOOM_OK);

    print_message("seed %d: %.2f steps with absorbing states, %.2f without\n", (int)seed, with.steps,
                  without.steps);
    def = (loomCorridorDef){.rounds = 300,
                            .discriminator = LOOM_DISCRIMINATOR_AIRL,
                            .reward = LOOM_REWARD_AIRL,
                            .absorbing = true,
                            .seed = seed};

    loomCorridorState airl;
    assert_int_equal(loom_corridor_learn(&airl, &def, &err), LOOM_OK);
    assert_true(airl.steps >= 4 && airl.steps <= 4.4);
    assert_true(with.steps >= 4 && with.steps <= 4.4);
    assert_true(without.steps >= 40 && without.steps <= LOOM_CORRIDOR_STEPS);
  }
}

// An airl discriminator finds what a step costs the expert, in every cell, where it sees the end.
static void reward_is_found(void** state) {
  (void)state;
  const struct {
    double cost;
    bool absorbing;
    double found;  // of each cell
  } rows[] = {{1, true, -1}, {1.5, true, -1.5}, {1, false, 0}};

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loomCorridorState s;
    loomError err = {0, ""};
    const loomCorridorDef def = {.rounds = 2000,
                                 .discriminator = LOOM_DISCRIMINATOR_AIRL,
                                 .reward = LOOM_REWARD_AIRL,
                                 .absorbing = rows[i].absorbing,
                                 .cost = rows[i].cost,
                                 .seed = 35410};
    assert_int_equal(loom_corridor_learn(&s, &def, &err), LOOM_OK);

    print_message("cost %g: %.2f, %.2f, %.2f, %.2f; %.2f steps, the expert's %.2f\n", rows[i].cost,
                  s.reward[0], s.reward[1], s.reward[2], s.reward[3], s.steps, s.expert_steps);

    for (int c = 0; c < LOOM_CORRIDOR_CELLS; c++) assert_true(fabs(s.reward[c] - rows[i].found) < 0.3);
    assert_true(fabs(s.steps - s.expert_steps) < 0.2);
  }
}

static void refuses(void** state) {
  (void)state;
  const loomCorridorDef def[] = {{.rounds = 1, .discriminator = LOOM_DISCRIMINATOR_WGAN},
                                 {.rounds = 1, .cost = 0.5}};
  for (size_t i = 0; i < sizeof def / sizeof *def; i++) {
    loomCorridorState s;
    loomError err = {0, ""};

    assert_int_equal(loom_corridor_learn(&s, &def[i], &err), LOOM_ERR_USAGE);
    assert_non_null(strstr(err.message, i ? "0.693" : "bce or airl"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(corridor), cmocka_unit_test(reward_is_found),
                                     cmocka_unit_test(refuses)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
