#include "policies/learn/corridor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policies/objective/absorbing.h"

// A row is 2 x cell + (1 if to the right); the last cell has none, for it ends the walk.
enum {
  CELLS = 4,         // in which a step is chosen
  ROWS = 2 * CELLS,  // also the index of the absorbing state
  LAST = ROWS - 1,   // the step that ends a walk
  WIDTH = ROWS + 1,  // numbers of a row as the discriminator sees it: one of them 1, the last one's
                     // the absorbing state
  MOST = LOOM_CORRIDOR_STEPS,
  EPISODES = 32,  // of a round
  BATCH = 64,     // rows of each class in a step of the discriminator
};

static const double DISCOUNT = 0.99;

// The cell that it leads to.
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
  double q[ROWS] = {0}, value[CELLS + 1] = {0};

  for (int sweep = 0; sweep < 1500; sweep++) {
    for (int i = 0; i < ROWS; i++) q[i] = (double)reward[i] + DISCOUNT * value[step(i)];
    for (int c = 0; c < CELLS; c++) value[c] = q[2 * c] + p_right(logit, c) * (q[2 * c + 1] - q[2 * c]);
  }
  for (int i = 0; i < ROWS; i++) logit[i] += 0.1 * (q[i] - value[i / 2]);
}

// What a run has at hand.
typedef struct corridorRun {
  const loomCorridorDef* def;
  loomDiscriminator d;
  loomReal table[(ROWS + 1) * WIDTH];  // all rows that there are, the absorbing state's last
  loomReal policy[EPISODES * MOST * WIDTH], expert[MOST * WIDTH];
  int shown, count;  // rows of expert, policy
  double logit[ROWS];
  loomRandom random;
} corridorRun;

// The table's row, written at `at`.
static void put(corridorRun* r, loomReal* at, int row) {
  memcpy(at, r->table + (size_t)row * WIDTH, WIDTH * sizeof *at);
}

// Mean steps of a round of walks.
static double collect(corridorRun* r) {
  double total = 0;
  r->count = 0;
  for (int e = 0; e < EPISODES; e++) {
    int seen[MOST], n;
    total += walk(seen, &n, r->logit, r->def->absorbing, &r->random);
    for (int i = 0; i < n; i++) put(r, r->policy + (size_t)r->count++ * WIDTH, seen[i]);
  }
  return total / EPISODES;
}

// The discriminator, then rewards by it, then the policy.
static void learn_round(corridorRun* r, loomDiscriminatorLook* look) {
  const bool terminated[ROWS] = {[LAST] = true};
  const loomDiscriminatorRows all = {r->table, NULL, ROWS + 1};
  loomReal reward[ROWS + 1];
  for (int i = 0; i < 5; i++) {
    const loomDiscriminatorRows expert = {r->expert, NULL, r->shown}, policy = {r->policy, NULL, r->count};
    loom_discriminator_pack(r->d.expert, &r->d, &expert, BATCH, &r->random);
    loom_discriminator_pack(r->d.policy, &r->d, &policy, BATCH, &r->random);
    *look = loom_discriminator_step(&r->d, &r->random);
  }

  const loomDiscriminatorReward form = {(loomRewardForm)r->def->reward, 1};
  loom_discriminator_reward(reward, &r->d, &all, &form, &r->random);
  if (r->def->absorbing) loom_absorbing_tail(reward, terminated, ROWS, (double)reward[ROWS], DISCOUNT);
  improve(r->logit, reward);
}

int loom_corridor_learn(loomCorridorState* out, const loomCorridorDef* def, loomError* err) {
  corridorRun* r = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a corridor");
  loomDiscriminatorDef d = loom_default_discriminator_def(LOOM_DISCRIMINATOR_BCE);
  d.features = WIDTH;
  d.hidden = (loomSizes){1, {16}};
  d.rate = 3e-3;
  int code = loom_discriminator_create(&r->d, &d, def->seed, BATCH, err);

  // The expert's four steps to the right, and what follows them.
  r->def = def;
  r->random = loom_random(def->seed, 0, LOOM_PURPOSE_PACK);
  r->shown = def->absorbing ? MOST : CELLS;
  table_of(r->table);
  for (int i = 0; i < r->shown; i++) put(r, r->expert + (size_t)i * WIDTH, i < CELLS ? 2 * i + 1 : ROWS);

  // The last third of the rounds counts.
  double total = 0;
  int last = (def->rounds + 2) / 3;
  for (int round = 0; !code && round < def->rounds; round++) {
    double steps = collect(r);
    if (round >= def->rounds - last) total += steps;
    learn_round(r, &out->critic);
  }
  out->steps = total / last;
  loom_discriminator_destroy(&r->d);
  free(r);
  return code;
}
