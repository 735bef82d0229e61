#include "policies/learn/corridor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policies/objective/absorbing.h"

// A step is 2 x cell + (1 if to the right); the last cell has none, for it ends the walk.
enum {
  CELLS = LOOM_CORRIDOR_CELLS,  // in which a step is chosen
  ROWS = 2 * CELLS,             // also the index of the absorbing state
  LAST = ROWS - 1,              // the step that ends a walk
  WIDTH = 2 * CELLS + 2 + 3,    // numbers of a row as the discriminator sees it, at most
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

// Natural gradient of a table's softmax: its logits climb the exact Q.
static void improve(double* logit, const loomReal* reward) {
  double q[ROWS] = {0}, value[CELLS + 1] = {0};

  for (int sweep = 0; sweep < 1500; sweep++) {
    for (int i = 0; i < ROWS; i++) q[i] = (double)reward[i] + DISCOUNT * value[step(i)];
    for (int c = 0; c < CELLS; c++) value[c] = q[2 * c] + p_right(logit, c) * (q[2 * c + 1] - q[2 * c]);
  }
  for (int i = 0; i < ROWS; i++) logit[i] += 0.1 * (q[i] - value[i / 2]);
}

// The best policy of who pays `cost` a step and is paid its entropy: soft value iteration.
static void soften(double* logit, double cost) {
  double value[CELLS + 1] = {0};
  for (int sweep = 0; sweep < 3000; sweep++) {
    for (int i = 0; i < ROWS; i++) logit[i] = DISCOUNT * value[step(i)] - cost;
    for (int c = 0; c < CELLS; c++) {
      double left = logit[2 * c], right = logit[2 * c + 1], most = fmax(left, right);
      value[c] = most + log1p(exp(fmin(left, right) - most));
    }
  }
}

// What a run has at hand.
typedef struct corridorRun {
  const loomCorridorDef* def;
  loomDiscriminator d;
  int width;                           // numbers of a row
  loomReal table[(ROWS + 1) * WIDTH];  // all rows that there are, the absorbing state's last
  loomReal policy[EPISODES * MOST * WIDTH], expert[EPISODES * MOST * WIDTH];
  int shown, count;  // rows of expert, policy
  double logit[ROWS], expert_logit[ROWS];
  loomRandom random;
} corridorRun;

static bool of_airl(const corridorRun* r) {
  return r->def->discriminator == LOOM_DISCRIMINATOR_AIRL;
}

// Cell, step, next cell, whether either is the absorbing state, how likely the step is (loomShapedDef).
static void put_airl(loomReal* to, const double* logit, int row) {
  int cell = row / 2, next = row == ROWS ? CELLS : step(row);
  double right = cell < CELLS ? p_right(logit, cell) : 1;
  loomReal* marks = to + 2 * CELLS + 2;

  marks[0] = cell == CELLS;
  marks[1] = next == CELLS;
  if (cell < CELLS) to[cell] = to[CELLS + row % 2] = 1;
  if (next < CELLS) to[CELLS + 2 + next] = 1;
  marks[2] = cell < CELLS ? (loomReal)log(row % 2 ? right : 1 - right) : 0;
}

// As the policy is now. Else one number of a row is 1, the last one's the absorbing state.
static void fill_table(corridorRun* r) {
  memset(r->table, 0, sizeof r->table);
  for (int i = 0; i <= ROWS; i++) {
    loomReal* to = r->table + (ptrdiff_t)i * r->width;
    if (of_airl(r))
      put_airl(to, r->logit, i);
    else
      to[i] = 1;
  }
}

// n rows of walks, as the table has them; mean steps.
static double walk_all(corridorRun* r, loomReal* rows, int* n, const double* logit) {
  size_t width = (size_t)r->width;
  double total = 0;
  *n = 0;
  for (int e = 0; e < EPISODES; e++) {
    int seen[MOST], count;
    total += walk(seen, &count, logit, r->def->absorbing, &r->random);
    for (int i = 0; i < count; i++)
      memcpy(rows + (size_t)(*n)++ * width, r->table + (size_t)seen[i] * width, width * sizeof *rows);
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

static void add_learned(corridorRun* r, double* sum, double share) {
  if (!of_airl(r)) return;
  const loomReal* g = loom_discriminator_learned(&r->d, r->table, ROWS + 1);
  for (int c = 0; c < CELLS; c++) sum[c] += share * (double)(g[2 * c] - g[ROWS]);
}

static int create_discriminator(corridorRun* r, loomError* err) {
  const loomCorridorDef* def = r->def;
  loomDiscriminatorDef d = loom_default_discriminator_def((loomDiscriminatorKind)def->discriminator);

  d.features = ROWS + 1;
  d.hidden = (loomSizes){1, {16}};
  d.rate = 3e-3;
  if (of_airl(r)) {
    d.shaped = (loomShapedDef){.obs = CELLS, .actions = 2, .ends = true, .discount = DISCOUNT};
    d.features = loom_shaped_width(&d.shaped);
  }
  r->width = d.features;
  return loom_discriminator_create(&r->d, &d, def->seed, BATCH, err);
}

static int check_def(const loomCorridorDef* def, loomError* err) {
  bool logits = !loom_discriminator_is_critic((loomDiscriminatorKind)def->discriminator);
  if (logits && (def->cost == 0 || def->cost > log(2))) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_USAGE,
                        logits ? "a step that costs %g: above log 2 = 0.693, or lingering pays by its entropy"
                               : "the corridor's discriminator is bce or airl",
                        def->cost);
}

int loom_corridor_learn(loomCorridorState* out, const loomCorridorDef* def, loomError* err) {
  *out = (loomCorridorState){0};
  int code = check_def(def, err);
  if (code) return code;

  corridorRun* r = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a corridor");
  r->def = def;
  r->random = loom_random(def->seed, 0, LOOM_PURPOSE_PACK);
  code = create_discriminator(r, err);

  // To the right at any price, or as good as its cost and its entropy make it.
  for (int i = 0; i < ROWS; i++) r->expert_logit[i] = i % 2 ? 1e3 : 0;
  if (def->cost > 0) soften(r->expert_logit, def->cost);

  // The last third of the rounds counts.
  int last = (def->rounds + 2) / 3;
  for (int round = 0; !code && round < def->rounds; round++) {
    double share = round < def->rounds - last ? 0 : 1.0 / last;
    fill_table(r);
    out->expert_steps += share * walk_all(r, r->expert, &r->shown, r->expert_logit);
    out->steps += share * walk_all(r, r->policy, &r->count, r->logit);
    learn_round(r, &out->critic);
    add_learned(r, out->reward, share);
  }
  loom_discriminator_destroy(&r->d);
  free(r);
  return code;
}
