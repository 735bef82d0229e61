// Rows and rewards of absorbing states; and what they are for: against a discriminator a policy learns to
// finish a corridor with them, and to linger without.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policies/network/discriminator.h"
#include "policies/objective/absorbing.h"

static void rows(void** state) {
  (void)state;
  const loomReal row[4] = {1, 2, 3, 4}, wide[6] = {1, 2, 0, 3, 4, 0}, end[3] = {0, 0, 1};
  loomReal out[6], last[3] = {7, 7, 7};
  loom_absorbing_widen(out, row, 2, 2);
  loom_absorbing_row(last, 2);

  assert_memory_equal(out, wide, sizeof out);
  assert_memory_equal(last, end, sizeof last);
}

// The same as if the end went on for a long time.
static void tails(void** state) {
  (void)state;
  const bool terminated[3] = {false, true, false};
  const double discount[] = {0, 0.5, 0.9, 0.99};

  for (size_t k = 0; k < sizeof discount / sizeof *discount; k++) {
    loomReal reward[3] = {1, 2, 3};
    double sum = 2, factor = 1;
    for (int i = 0; i < 5000; i++) sum += -0.25 * (factor *= discount[k]);
    loom_absorbing_tail(reward, terminated, 3, -0.25, discount[k]);

    assert_true(reward[0] == 1 && reward[2] == 3);
    assert_true(fabs((double)reward[1] - sum) < 1e-4);
  }
}

// ---- a corridor of 5 cells: left or right, from the first to the last, which ends it; at most 50 steps

enum {
  CELLS = 4,
  ROWS = 2 * CELLS,
  LAST = ROWS - 1,
  WIDTH = ROWS + 1,
  MOST = 50,
  EPISODES = 32,
  ROUNDS = 300
};

static int step(int row) {
  int cell = row / 2 + (row % 2 ? 1 : -1);
  return cell < 0 ? 0 : cell;
}

static double p_right(const double* logit, int cell) {
  return 1 / (1 + exp(logit[2 * cell] - logit[2 * cell + 1]));
}

// What is seen of an episode (indices; ROWS is the absorbing state); its steps.
static int walk(int seen[MOST], int* n, const double* logit, bool absorbing, loomRandom* random) {
  int steps = 0;
  for (int cell = 0; cell < CELLS && steps < MOST; steps++) {
    int row = 2 * cell + (loom_random_uniform(random) < p_right(logit, cell));
    seen[steps] = row;
    cell = step(row);
  }

  *n = steps;
  while (absorbing && *n < MOST) seen[(*n)++] = ROWS;
  return steps;
}

static void table_of(loomReal* table) {
  loomReal one[ROWS * ROWS] = {0};
  for (int i = 0; i < ROWS; i++) one[i * ROWS + i] = 1;
  loom_absorbing_widen(table, one, ROWS, ROWS);
  loom_absorbing_row(table + (size_t)ROWS * WIDTH, ROWS);
}

// Natural gradient of a table's softmax: its logits climb the exact Q.
static void improve(double* logit, const loomReal* reward) {
  const double discount = 0.99;
  double q[ROWS] = {0}, value[CELLS + 1] = {0};

  for (int sweep = 0; sweep < 1500; sweep++) {
    for (int i = 0; i < ROWS; i++) q[i] = (double)reward[i] + discount * value[step(i)];
    for (int c = 0; c < CELLS; c++) value[c] = q[2 * c] + p_right(logit, c) * (q[2 * c + 1] - q[2 * c]);
  }
  for (int i = 0; i < ROWS; i++) logit[i] += 0.1 * (q[i] - value[i / 2]);
}

// Mean steps of the last third of the rounds.
static double learn(uint64_t seed, bool absorbing) {
  static loomReal table[(ROWS + 1) * WIDTH], policy[EPISODES * MOST * WIDTH], expert[MOST * WIDTH];
  const bool terminated[ROWS] = {[LAST] = true};
  loomDiscriminatorDef def = loom_default_discriminator_def(LOOM_DISCRIMINATOR_BCE);
  loomDiscriminator d;
  loomError err = {0, ""};
  double logit[ROWS] = {0}, total = 0;
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_TEST);
  const size_t bytes = WIDTH * sizeof(loomReal);
  def.features = WIDTH;
  def.hidden = (loomSizes){1, {16}};
  def.rate = 3e-3;
  assert_int_equal(loom_discriminator_create(&d, &def, seed, 64, &err), LOOM_OK);
  table_of(table);

  // The expert's four steps to the right, and what follows them.
  int shown = absorbing ? MOST : CELLS;
  for (int i = 0; i < shown; i++)
    memcpy(expert + i * WIDTH, table + (i < CELLS ? 2 * i + 1 : ROWS) * WIDTH, bytes);

  for (int round = 0; round < ROUNDS; round++) {
    int count = 0;
    for (int e = 0; e < EPISODES; e++) {
      int seen[MOST], n, steps = walk(seen, &n, logit, absorbing, &random);
      for (int i = 0; i < n; i++) memcpy(policy + (count++) * WIDTH, table + seen[i] * WIDTH, bytes);
      if (round >= ROUNDS - ROUNDS / 3) total += steps;
    }

    // The discriminator, then rewards by it, then the policy.
    loomReal reward[ROWS + 1];
    for (int i = 0; i < 5; i++) {
      loom_discriminator_pack(d.expert, &d, &(loomDiscriminatorRows){expert, NULL, shown}, 64, &random);
      loom_discriminator_pack(d.policy, &d, &(loomDiscriminatorRows){policy, NULL, count}, 64, &random);
      loom_discriminator_step(&d, &random);
    }
    loom_discriminator_reward(reward, &d, &(loomDiscriminatorRows){table, NULL, ROWS + 1},
                              &(loomDiscriminatorReward){LOOM_REWARD_GAIL, 1}, &random);
    if (absorbing) loom_absorbing_tail(reward, terminated, ROWS, (double)reward[ROWS], 0.99);
    improve(logit, reward);
  }
  loom_discriminator_destroy(&d);
  return total / (EPISODES * (ROUNDS / 3));
}

static void corridor(void** state) {
  (void)state;
  for (uint64_t seed = 35400; seed < 35403; seed++) {
    double with = learn(seed, true), without = learn(seed, false);

    print_message("seed %d: %.2f steps with absorbing states, %.2f without\n", (int)seed, with, without);
    assert_true(with <= 4.4);
    assert_true(without >= 40);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(tails),
                                     cmocka_unit_test(corridor)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
