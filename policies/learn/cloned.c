#include "policies/learn/cloned.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policies/nn/optimizer.h"

enum { BATCH = 128, UPDATES = 4000, LOOK = 100 };

static const double RATE = 1e-3, CLIP = 10;

// While it learns.
typedef struct lesson {
  loomCloned* c;
  const loomImitated* expert;
  int *row, learned;  // (n) a random order, of which the first are learned from
  loomReal *obs, *action, *dmean, *best;
} lesson;

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to clone an expert");
}

static void measure(loomCloned* c, const loomImitated* e) {
  int obs = e->obs;
  double* deviation = c->mean + obs;

  for (int j = 0; j < obs; j++) {
    double squares = 0;
    for (int i = 0; i < e->n; i++) c->mean[j] += (double)e->state[(ptrdiff_t)i * obs + j] / e->n;
    for (int i = 0; i < e->n; i++) {
      double off = (double)e->state[(ptrdiff_t)i * obs + j] - c->mean[j];
      squares += off * off / e->n;
    }
    deviation[j] = sqrt(squares + 1e-4);
  }
}

static loomReal scaled(const loomCloned* c, double x, int j) {
  return (loomReal)fmin(fmax((x - c->mean[j]) / c->mean[c->net.def.obs + j], -CLIP), CLIP);
}

// Rows [first, first + n) of the order.
static void gather(lesson* l, int first, int n) {
  int obs = l->expert->obs, actions = l->expert->actions;
  for (int k = 0; k < n; k++) {
    ptrdiff_t row = l->row[first + k];
    for (int j = 0; j < obs; j++)
      l->obs[k * obs + j] = scaled(l->c, (double)l->expert->state[row * obs + j], j);
    memcpy(l->action + (ptrdiff_t)k * actions, l->expert->action + row * actions,
           (size_t)actions * sizeof *l->action);
  }
}

// The mean squared error of the rows that were gathered, and half its slope.
static double look(lesson* l, int n) {
  int count = n * l->expert->actions;
  const loomReal* mean = loom_actor_critic_mean(&l->c->net, l->obs, n);
  double squares = 0;

  for (int i = 0; i < count; i++) {
    double off = (double)(mean[i] - l->action[i]);
    squares += off * off / count;
    l->dmean[i] = (loomReal)(off / count);
  }
  return squares;
}

static double held_out(lesson* l) {
  int all = l->expert->n - l->learned;
  double sum = 0;

  for (int first = 0; first < all; first += BATCH) {
    int n = all - first < BATCH ? all - first : BATCH;
    gather(l, l->learned + first, n);
    sum += look(l, n) * n / all;
  }
  return sum;
}

static void shuffle(int* row, int n, loomRandom* random) {
  for (int i = n - 1; i > 0; i--) {
    int other = loom_random_index(random, i + 1), kept = row[i];
    row[i] = row[other];
    row[other] = kept;
  }
}

// Always the weights that were best on what is held out.
static void learn(lesson* l, loomRandom* random) {
  loomParams* params = &l->c->net.params;
  loomAdamDef adam = loom_default_adam_def();
  int n = l->learned < BATCH ? l->learned : BATCH, at = 0;

  l->c->error = INFINITY;

  for (int k = 0; k <= UPDATES; k++) {
    if (k % LOOK == 0) {
      double error = held_out(l);
      if (error < l->c->error) memcpy(l->best, params->value, params->total * sizeof *l->best);
      l->c->error = fmin(error, l->c->error);
    }

    if (k == 0 || at + n > l->learned) {
      shuffle(l->row, l->learned, random);
      at = 0;
    }
    gather(l, at, n);
    at += n;
    look(l, n);

    loom_params_zero_gradient(params);
    loom_mlp_backward(NULL, &l->c->net.actor, params, l->dmean, l->obs, n);
    loom_adam_step(params, &adam, RATE, (uint64_t)k + 1);
  }
  memcpy(params->value, l->best, params->total * sizeof *l->best);
}

static int take_lesson(loomCloned* c, const loomImitated* e, uint64_t seed, loomError* err) {
  lesson l = {.c = c,
              .expert = e,
              .row = calloc((size_t)e->n, sizeof *l.row),
              .learned = e->n > 1 ? (int)fmax(1, 0.7 * e->n) : e->n,
              .obs = calloc((size_t)BATCH * (size_t)e->obs, sizeof *l.obs),
              .action = calloc((size_t)BATCH * (size_t)e->actions, sizeof *l.action),
              .dmean = calloc((size_t)BATCH * (size_t)e->actions, sizeof *l.dmean),
              .best = calloc(c->net.params.total, sizeof *l.best)};
  bool room = l.row && l.obs && l.action && l.dmean && l.best;
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_DEMO);

  for (int i = 0; room && i < e->n; i++) l.row[i] = i;

  if (room) {
    shuffle(l.row, e->n, &random);
    measure(c, e);
    learn(&l, &random);
  }
  free(l.row);
  free(l.obs);
  free(l.action);
  free(l.dmean);
  free(l.best);
  return room ? LOOM_OK : no_memory(err);
}

int loom_cloned_create(loomCloned* out, const loomImitated* expert, const loomSizes* hidden, uint64_t seed,
                       loomError* err) {
  const loomActorCriticDef def = {.obs = expert->obs,
                                  .actions = expert->actions,
                                  .hidden = *hidden,
                                  .activation = LOOM_ACTIVATION_TANH,
                                  .orthogonal = true};
  *out = (loomCloned){.mean = calloc(2 * (size_t)expert->obs, sizeof *out->mean),
                      .seen = calloc((size_t)expert->obs, sizeof *out->seen)};
  int code =
      out->mean && out->seen ? loom_actor_critic_create(&out->net, &def, seed, BATCH, err) : no_memory(err);
  if (!code) code = take_lesson(out, expert, seed, err);
  if (code) loom_cloned_destroy(out);
  return code;
}

void loom_cloned_destroy(loomCloned* c) {
  loom_actor_critic_destroy(&c->net);
  free(c->mean);
  free(c->seen);
  *c = (loomCloned){0};
}

void loom_cloned_act(double* action, loomCloned* c, const double* obs) {
  for (int j = 0; j < c->net.def.obs; j++) c->seen[j] = scaled(c, obs[j], j);
  const loomReal* mean = loom_actor_critic_mean(&c->net, c->seen, 1);
  for (int j = 0; j < c->net.def.actions; j++) action[j] = (double)mean[j];
}
