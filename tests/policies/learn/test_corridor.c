// What absorbing states are for: with them a policy learns to finish a corridor, without to linger.
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
    assert_true(with.steps >= 4 && with.steps <= 4.4);
    assert_true(without.steps >= 40 && without.steps <= LOOM_CORRIDOR_STEPS);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(corridor)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
