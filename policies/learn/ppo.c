#include "policies/learn/ppo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/data/running.h"
#include "policies/learn/exploring.h"
#include "policies/network/actor_critic.h"
#include "policies/nn/optimizer.h"
#include "policies/objective/advantage.h"
#include "policies/objective/gaussian.h"

// ---- settings

static const char* const activations[] = {"tanh", "relu", NULL};

#define ROW(type, member, ...) LOOM_FIELD(loomPpoConfig, type, member, __VA_ARGS__)
static const loomFieldDef field_rows[] = {
    ROW(INT, environments, .low = 1, .high = 4096, .about = "side by side"),
    ROW(INT, steps, .low = 1, .high = 1 << 20, .about = "of each environment between updates"),
    ROW(INT, epochs, .low = 1, .high = 1000, .about = "over these steps"),
    ROW(INT, minibatches, .low = 1, .high = 1 << 20, .about = "of an epoch"),
    ROW(REAL, discount, .least = 0, .most = 1, .about = "of rewards a step"),
    ROW(REAL, lambda, .least = 0, .most = 1, .about = "of generalized advantage estimation"),
    ROW(BOOL, bootstrap,
        .about = "the last state's value stands for what an episode out of time would have had"),
    ROW(REAL, rate, .least = 1e-12, .most = 10, .about = "learning rate"),
    ROW(BOOL, anneal, .about = "it falls in a line to 0"),
    ROW(REAL, epsilon, .least = 1e-12, .most = 1, .about = "Adam's"),
    ROW(REAL, max_gradient, .least = 0, .most = 1e9, .about = "longer gradients are shortened; 0 = never"),
    ROW(REAL, clip, .least = 1e-6, .most = 1e6, .about = "of the ratio of probabilities"),
    ROW(BOOL, clip_value, .about = "values are clipped by the same"),
    ROW(REAL, value_weight, .least = 0, .most = 1e6, .about = "of the value's loss"),
    ROW(REAL, entropy_weight, .least = 0, .most = 1e6, .about = "of the entropy's bonus"),
    ROW(REAL, target_kl, .least = 0, .most = 1e6, .about = "no further epoch beyond; 0 = none"),
    ROW(BOOL, normalize_obs, .about = "by running mean and deviation"),
    ROW(BOOL, normalize_rewards, .about = "by the running deviation of returns"),
    ROW(BOOL, normalize_advantages, .about = "by each minibatch"),
    ROW(SIZES, hidden, .low = 1, .high = 65536,
        .about = "units of hidden layers, of the critic and, from scratch, the actor"),
    ROW(CHOICE, activation, .choices = activations, .about = "between layers, from scratch"),
    ROW(BOOL, orthogonal, .about = "weights begin orthogonal, else as PyTorch's linear layers; from scratch"),
    ROW(REAL, log_std, .least = -20, .most = 5,
        .about = "logarithm of the deviations to begin with; from scratch"),
};
const loomFields loom_ppo_fields = LOOM_FIELDS(field_rows);

loomPpoConfig loom_default_ppo_config(void) {
  return (loomPpoConfig){.environments = 1,
                         .steps = 2048,
                         .epochs = 10,
                         .minibatches = 32,
                         .discount = 0.99,
                         .lambda = 0.95,
                         .bootstrap = true,
                         .rate = 3e-4,
                         .anneal = true,
                         .epsilon = 1e-5,
                         .max_gradient = 0.5,
                         .clip = 0.2,
                         .clip_value = true,
                         .value_weight = 0.5,
                         .normalize_obs = true,
                         .normalize_rewards = true,
                         .normalize_advantages = true,
                         .hidden = {2, {64, 64}},
                         .orthogonal = true};
}

// ---- a run

// Observations and rewards are clipped to this many deviations, as in CleanRL.
#define CLIP 10.0
// Divergences of single minibatches are noisy: each counts so much, all before it the rest.
#define SMOOTH 0.25

typedef struct counters {
  double iteration, updates;
} counters;

enum { COUNTERS = sizeof(counters) / sizeof(double) };

// A rollout as a discriminator is to see it, and what it says of that.
typedef struct shown {
  loomImitation* imitation;  // NULL = the environments reward; all else is NULL then too
  double *obs, *action;      // (steps + 1 x n x its obs), (steps x n x its actions)
  double* reward;            // (steps x n)
  int *episode, *length;     // (steps x n)
  double* one;               // (its obs) of a row that is asked about, where it asks
  loomReal *asked, *done;    // (batch x its obs), (batch x its actions) such rows
  loomReal* told;            // (batch)
} shown;

// So many rows at most, side by side (loomPpoRows).
typedef struct minibatch {
  loomReal *obs, *seen, *decision, *log_prob, *value, *advantage, *returns;
} minibatch;

typedef struct ppo {
  loomPpoConfig config;
  int64_t steps;
  uint64_t seed;
  int rows;   // of a rollout: steps x environments
  int batch;  // most rows of a minibatch
  bool guided;
  int critic_obs;  // numbers that the critic sees, the last ones
  double* tails;   // (n x critic_obs) these, where there are others; else NULL
  loomPpoGuide guide;
  loomVector* vector;
  loomActorCritic scratch_net;  // from scratch
  loomCritic critic;            // else
  loomPpoNetwork net;           // of either
  loomRunning obs_normal, return_normal;
  double* discounted;       // (n) running discounted return of each environment
  double *actions, *ready;  // (n x actions) in the environments' units; (n) returns to be taken in
  loomRandom* random;       // (n) of a step's decisions
  counters count;
  struct {
    double updates, rate;   // of `count.updates`; factor of the rate
  } actor;                  // guided
  loomExploring exploring;  // guided, where `keep` is wanted
  double* counts_from;      // (n) the first episode of each that its present noise alone has ruined or not
  double deviation;         // of the actor's noise, as settings say
  double taken;             // control steps of the last iteration
  shown shown;
  loomInverse* inverse;  // that rewards each step; NULL = others do
  double* priced;        // (n) by it

  // What was tried, (rows) each or times obs, words and ratios; values have one row of environments more.
  // `seen` and `now_seen` are the actor's, obs and now the critic's; the same unless the actor has its own.
  loomReal *obs, *seen, *decision, *log_prob, *reward, *value, *advantage, *returns;
  bool *terminated, *truncated, *fresh;
  int *valid, nvalid;               // rows that are no resets
  loomReal *now, *now_seen, *last;  // (n x obs) what is seen
  minibatch minibatch;
  loomReal *scratch, *memory;
  void* snapshot;
  loomPpoLoss loss;  // of the last iteration: means
  double rate, gradient, epochs, further;
} ppo;

// Everything in one block; the first call measures.
static void lay_out(ppo* p, loomArena* arena) {
  size_t rows = (size_t)p->rows, n = (size_t)p->config.environments, batch = (size_t)p->batch;
  size_t obs = (size_t)p->critic_obs, seen = (size_t)p->vector->maker.obs, words = (size_t)p->net.actor.words,
         ratios = (size_t)p->net.actor.ratios;
  bool own = p->net.actor.own_obs;

  p->obs = loom_arena_real(arena, rows * obs);
  p->seen = own ? loom_arena_real(arena, rows * seen) : p->obs;
  p->decision = loom_arena_real(arena, rows * words);
  p->log_prob = loom_arena_real(arena, rows * ratios);
  p->reward = loom_arena_real(arena, rows);
  p->value = loom_arena_real(arena, rows + n);
  p->advantage = loom_arena_real(arena, rows);
  p->returns = loom_arena_real(arena, rows);
  p->now = loom_arena_real(arena, n * obs);
  p->now_seen = own ? loom_arena_real(arena, n * seen) : p->now;

  // A minibatch: its rows side by side, and what the loss needs.
  minibatch* m = &p->minibatch;
  m->obs = loom_arena_real(arena, batch * obs);
  m->seen = own ? loom_arena_real(arena, batch * seen) : m->obs;
  m->decision = loom_arena_real(arena, batch * words);
  m->log_prob = loom_arena_real(arena, batch * ratios);
  m->value = loom_arena_real(arena, batch);
  m->advantage = loom_arena_real(arena, batch);
  m->returns = loom_arena_real(arena, batch);
  p->scratch = loom_arena_real(arena, batch * (2 + 2 * ratios));
  p->last = loom_arena_real(arena, seen);
}

// ---- what is seen

static void normalize_obs(ppo* p, loomReal* out, const double* obs) {
  if (p->config.normalize_obs) {
    loom_running_normalize(out, &p->obs_normal, obs, CLIP);
    return;
  }
  for (int j = 0; j < p->critic_obs; j++) out[j] = (loomReal)obs[j];
}

// What the critic sees of all environments.
static const double* critic_sees(ppo* p) {
  ptrdiff_t all = p->vector->maker.obs, dim = p->critic_obs, n = p->config.environments;
  const double* obs = p->vector->obs;
  if (!p->tails) return obs;
  for (ptrdiff_t i = 0; i < n; i++)
    memcpy(p->tails + i * dim, obs + (i + 1) * all - dim, (size_t)dim * sizeof *obs);
  return p->tails;
}

static void see(ppo* p) {
  ptrdiff_t all = p->vector->maker.obs, dim = p->critic_obs, n = p->config.environments;
  const double* obs = critic_sees(p);
  for (ptrdiff_t i = 0; i < n; i++) normalize_obs(p, p->now + i * dim, obs + i * dim);
  for (ptrdiff_t i = 0; p->net.actor.own_obs && i < n * all; i++)
    p->now_seen[i] = (loomReal)p->vector->obs[i];
}

// Gymnasium's NormalizeReward: by the deviation of discounted returns, which go on where an episode is
// truncated. A discriminator's rewards are not clipped: what follows an end is worth many steps.
static void take_rewards(ppo* p, int t, const double* reward) {
  int n = p->config.environments, first = t * n, ready = 0;

  for (int i = 0; i < n; i++) {
    if (p->fresh[first + i]) continue;
    double before = p->terminated[first + i] ? 0 : p->discounted[i];
    p->discounted[i] = before * p->config.discount + reward[i];
    p->ready[ready++] = p->discounted[i];
  }

  bool normal = p->config.normalize_rewards;
  if (ready && normal) loom_running_update(&p->return_normal, p->ready, ready);
  double scale = normal ? 1 / sqrt(p->return_normal.variance[0] + 1e-8) : 1;
  double clip = normal && !p->shown.imitation ? CLIP : INFINITY;
  for (int i = 0; i < n; i++) p->reward[first + i] = (loomReal)fmin(fmax(reward[i] * scale, -clip), clip);
}

// ---- trying

// What the environments take, where that has bounds.
static void hold_to_range(double* action, const ppo* p, int n) {
  const loomEnvironmentMaker* maker = &p->vector->maker;
  for (int i = 0; maker->range && i < n * maker->actions; i++) {
    const double* r = maker->range + 2 * (ptrdiff_t)(i % maker->actions);
    action[i] = fmin(fmax(action[i], r[0]), r[1]);
  }
}

static bool explores_less(const ppo* p) {
  return p->guide.turns.keep > 0 && p->guide.actor.deviation;
}

static void set_noise(ppo* p) {
  if (explores_less(p)) *p->guide.actor.deviation = p->deviation * p->exploring.factor;
}

// How far a step of the optimizer moves a policy is told in deviations of its noise.
static void scale_rate(ppo* p, double noise) {
  if (p->guide.turns.adaptive) p->actor.rate *= noise;
}

// Between rollouts.
static void adapt_noise(ppo* p) {
  double before = p->exploring.factor;
  if (!explores_less(p) || !loom_exploring_move(&p->exploring)) return;

  scale_rate(p, p->exploring.factor / before);
  loom_exploring_restart(p->counts_from, p->vector);
  set_noise(p);
}

// Each decision by a stream of its own.
static void draw_actions(ppo* p, int t) {
  const loomPpoActor* actor = &p->net.actor;
  ptrdiff_t n = p->config.environments, at = t * n;

  for (int i = 0; i < n; i++) {
    uint64_t row = (uint64_t)p->count.iteration * (uint64_t)p->rows + (uint64_t)(at + i);
    p->random[i] = loom_random(p->seed, row, LOOM_PURPOSE_EXPLORE);
  }

  actor->draw(p->actions, p->decision + at * actor->words, p->log_prob + at * actor->ratios, actor->self,
              p->now_seen, (int)n, p->random);
  hold_to_range(p->actions, p, (int)n);
}

// ---- shown to a discriminator

// What is seen before step t.
static void show_obs(ppo* p, int t) {
  ptrdiff_t n = p->config.environments, all = p->vector->maker.obs;
  if (!p->shown.imitation) return;

  ptrdiff_t dim = loom_imitation_obs(p->shown.imitation);
  double* to = p->shown.obs + t * n * dim;
  for (ptrdiff_t i = 0; i < n; i++)
    memcpy(to + i * dim, p->vector->obs + (i + 1) * all - dim, (size_t)dim * sizeof *to);
}

// What was done in step t, and which episodes it was of.
static void show_step(ppo* p, int t) {
  const loomVector* v = p->vector;
  ptrdiff_t n = p->config.environments, actions = v->maker.actions;
  if (!p->shown.imitation) return;

  memcpy(p->shown.action + t * n * actions, p->actions, (size_t)(n * actions) * sizeof *p->actions);
  for (ptrdiff_t i = 0; i < n; i++) {
    p->shown.episode[t * n + i] = (int)(v->episode[i] * n + i);
    p->shown.length[t * n + i] = v->length[i];
  }
}

// How much likelier the Gaussian from scratch is to do what rows have than who draws evenly from the range,
// to which it is held. A density alone would be of some unit, and what it says of a step beside an end, where
// there is nothing to do, would be of that unit too.
static void tell_log_prob(loomReal* rows, void* self, int n, int width) {
  ppo* p = self;
  const shown* s = &p->shown;
  loomActorCritic* net = &p->scratch_net;
  const double* range = p->vector->maker.range;
  ptrdiff_t obs = net->def.obs, actions = net->def.actions;
  double even = 0;
  for (ptrdiff_t j = 0; range && j < actions; j++) even -= log(range[2 * j + 1] - range[2 * j]);

  for (int first = 0; first < n; first += p->batch, rows += (ptrdiff_t)p->batch * width) {
    int count = n - first < p->batch ? n - first : p->batch;
    for (ptrdiff_t i = 0; i < count; i++) {
      const loomReal* row = rows + i * width;
      for (ptrdiff_t j = 0; j < obs; j++) s->one[j] = (double)row[j];
      normalize_obs(p, s->asked + i * obs, s->one);
      memcpy(s->done + i * actions, row + obs, (size_t)actions * sizeof *row);
    }

    const loomReal *mean = loom_actor_critic_mean(net, s->asked, count),
                   *log_std = loom_actor_critic_log_std(net);
    if (range)
      loom_gaussian_held_log_prob(s->told, mean, log_std, s->done, range, count, (int)actions);
    else
      loom_gaussian_log_prob(s->told, mean, log_std, s->done, count, (int)actions);
    for (ptrdiff_t i = 0; i < count; i++) rows[(i + 1) * width - 1] = (loomReal)((double)s->told[i] - even);
  }
}

static void ask_discriminator(ppo* p) {
  int steps = p->config.steps, n = p->config.environments;
  const shown* s = &p->shown;
  if (!s->imitation) return;

  show_obs(p, steps);
  const loomImitationRollout rollout = {steps,         n,        s->obs,     s->action,
                                        p->terminated, p->fresh, s->episode, s->length};
  loom_imitation_round(s->reward, s->imitation, &rollout);
  for (int t = 0; t < steps; t++) take_rewards(p, t, s->reward + (ptrdiff_t)t * n);
}

static int collect(ppo* p, loomError* err) {
  ptrdiff_t n = p->config.environments, dim = p->critic_obs, all = p->vector->maker.obs;
  const loomVector* v = p->vector;
  int64_t before = v->control_steps;
  p->nvalid = 0;

  for (int t = 0; t < p->config.steps; t++) {
    memcpy(p->obs + t * n * dim, p->now, (size_t)(n * dim) * sizeof *p->obs);
    if (p->seen != p->obs) memcpy(p->seen + t * n * all, p->now_seen, (size_t)(n * all) * sizeof *p->obs);
    draw_actions(p, t);
    show_obs(p, t);
    int code = loom_vector_step(p->vector, p->actions, err);
    if (code) return code;

    // What came of it.
    for (int i = 0; i < n; i++) {
      int at = t * (int)n + i;
      p->terminated[at] = v->terminated[i];
      p->truncated[at] = v->truncated[i];
      p->fresh[at] = v->fresh[i];
      if (!v->fresh[i]) p->valid[p->nvalid++] = at;
    }
    show_step(p, t);
    if (explores_less(p)) loom_exploring_follow(&p->exploring, p->counts_from, p->vector);
    if (p->inverse) loom_inverse_price(p->priced, p->inverse, v);
    if (!p->shown.imitation) take_rewards(p, t, p->inverse ? p->priced : v->reward);

    if (p->config.normalize_obs) loom_running_update(&p->obs_normal, critic_sees(p), (int)n);
    see(p);
  }
  p->taken = (double)(v->control_steps - before);
  ask_discriminator(p);
  return LOOM_OK;
}

static const loomReal* value_of(ppo* p, const loomReal* obs, int n) {
  return loom_mlp_forward(p->net.critic, p->net.critic_params, obs, n);
}

// Values of all states, those after the last step included; then advantages.
static void judge(ppo* p) {
  int dim = p->critic_obs, n = p->config.environments;

  for (int at = 0; at < p->rows; at += p->batch) {
    int count = p->rows - at < p->batch ? p->rows - at : p->batch;
    const loomReal* value = value_of(p, p->obs + (ptrdiff_t)at * dim, count);
    memcpy(p->value + at, value, (size_t)count * sizeof *value);
  }
  const loomReal* value = value_of(p, p->now, n);
  memcpy(p->value + p->rows, value, (size_t)n * sizeof *value);

  loomTried tried = {p->config.steps, n, p->reward, p->terminated, p->truncated, p->fresh, p->value};
  loom_gae(p->advantage, p->returns, &tried, p->config.discount, p->config.lambda, p->config.bootstrap);
}

// ---- learning

static void shuffle(ppo* p, int epoch) {
  uint64_t number = (uint64_t)p->count.iteration * (uint64_t)p->config.epochs + (uint64_t)epoch;
  loomRandom random = loom_random(p->seed, number, LOOM_PURPOSE_SHUFFLE);

  for (int k = p->nvalid - 1; k > 0; k--) {
    int other = loom_random_index(&random, k + 1), kept = p->valid[k];
    p->valid[k] = p->valid[other];
    p->valid[other] = kept;
  }
}

static void copy_rows(loomReal* to, const loomReal* from, size_t width, const int* row, int count) {
  for (size_t k = 0; k < (size_t)count; k++)
    memcpy(to + k * width, from + (size_t)row[k] * width, width * sizeof *to);
}

// Rows of a minibatch side by side.
static void gather(ppo* p, const int* row, int count) {
  const minibatch* to = &p->minibatch;

  copy_rows(to->obs, p->obs, (size_t)p->critic_obs, row, count);
  if (to->seen != to->obs) copy_rows(to->seen, p->seen, (size_t)p->vector->maker.obs, row, count);
  copy_rows(to->decision, p->decision, (size_t)p->net.actor.words, row, count);
  copy_rows(to->log_prob, p->log_prob, (size_t)p->net.actor.ratios, row, count);
  copy_rows(to->value, p->value, 1, row, count);
  copy_rows(to->advantage, p->advantage, 1, row, count);
  copy_rows(to->returns, p->returns, 1, row, count);
}

static void add_loss(loomPpoLoss* sum, const loomPpoLoss* l) {
  sum->loss += l->loss;
  sum->policy += l->policy;
  sum->value += l->value;
  sum->entropy += l->entropy;
  sum->kl += l->kl;
  sum->clipped += l->clipped;
}

static void divide_loss(loomPpoLoss* l, double by) {
  *l = (loomPpoLoss){l->loss / by,    l->policy / by, l->value / by,
                     l->entropy / by, l->kl / by,     l->clipped / by};
}

// One step of the optimizer; what the actor's gradient measured before it was shortened, or, where only the
// critic learns, the critic's.
static double step_parameters(ppo* p, bool only_values) {
  loomAdamDef adam = loom_default_adam_def();
  adam.epsilon = p->config.epsilon;
  adam.clip_norm = p->config.max_gradient;

  if (!p->guided) return loom_adam_step(p->net.actor.params, &adam, p->rate, (uint64_t)p->count.updates + 1);
  double critic =
      loom_adam_step(p->net.critic_params, &adam, p->guide.turns.critic_rate, (uint64_t)p->count.updates + 1);
  if (only_values || !isfinite(critic)) return critic;
  return loom_adam_step(p->net.actor.params, &adam, p->rate, (uint64_t)++p->actor.updates);
}

static bool critic_first(const ppo* p) {
  return p->guided && p->count.iteration < p->guide.turns.critic_first;
}

static bool adapts(const ppo* p) {
  return p->guide.turns.adaptive && p->config.target_kl > 0 && !critic_first(p);
}

// alone: the critic goes on, which the means say nothing of.
static int learn_minibatch(ppo* p, int begin, int end, bool alone, double* kl, loomError* err) {
  const loomPpoConfig* c = &p->config;
  const loomPpoActor* actor = &p->net.actor;
  bool only_values = alone || critic_first(p);
  loomPpoLossDef def = {c->clip,           c->clip_value ? c->clip : 0, c->value_weight,
                        c->entropy_weight, c->normalize_advantages,     only_values};
  double further = 0;

  gather(p, p->valid + begin, end - begin);
  const minibatch* m = &p->minibatch;
  loomPpoRows rows = {m->obs, m->seen, m->decision, m->log_prob, m->value, m->advantage, m->returns};
  loomPpoLoss loss = loom_ppo_loss(&p->net, &rows, end - begin, &def, p->scratch);
  int code = actor->further && !only_values
                 ? actor->further(&further, actor->further_self, (uint64_t)p->actor.updates, err)
                 : LOOM_OK;
  if (code) return code;

  loss.loss += further;
  double length = isfinite(loss.loss) ? step_parameters(p, only_values) : NAN;
  if (!isfinite(length))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "iteration %.0f: the loss or its gradient is no finite number; the last checkpoint "
                          "stays; take a smaller learning rate, or look whether rewards are finite",
                          p->count.iteration + 1);

  p->count.updates++;
  if (alone) return LOOM_OK;
  p->gradient += length;
  p->further += further;
  add_loss(&p->loss, &loss);
  *kl = adapts(p) ? *kl + SMOOTH * (loss.kl - *kl) : loss.kl;
  return LOOM_OK;
}

// CleanRL's: the first iteration has the whole rate, the one after the last none.
static double share_left(const ppo* p) {
  double iterations = floor((double)p->steps / p->rows);
  if (!p->guided) return fmax(0, 1 - p->count.iteration / fmax(iterations, 1));
  return fmax(0, 1 - ((double)p->vector->control_steps - p->taken) / fmax((double)p->steps, 1));
}

// The divergence grows with the square of the rate, and with the updates, of which some were left out. A few
// rows that became much likelier can make most of it, so that one iteration changes the rate by two at most.
static void adapt_rate(ppo* p, double kl, double share_done) {
  double off = sqrt(p->config.target_kl * share_done / fmax(kl, 1e-12));
  p->actor.rate *= fmin(fmax(off, 0.5), 2);
}

// Epochs of an iteration in which the actor learns: the first ones.
static int actor_epochs(const ppo* p) {
  int most = p->config.epochs, own = p->guide.turns.actor_epochs;
  return !p->guided || critic_first(p) || !own || own > most ? most : own;
}

static int learn(ppo* p, loomError* err) {
  const loomPpoConfig* c = &p->config;
  int code = LOOM_OK, epochs = actor_epochs(p);
  double kl = 0, updates = 0;
  p->loss = (loomPpoLoss){0};
  p->gradient = p->epochs = p->further = 0;
  p->rate = c->rate * (c->anneal ? share_left(p) : 1) * p->actor.rate;
  bool adaptive = adapts(p);
  double most = c->target_kl > 0 ? c->target_kl * (adaptive ? 2 : 1) : INFINITY;

  for (int e = 0; !code && e < c->epochs; e++) {
    bool alone = e >= epochs || kl > most;
    if (alone && !p->guided) break;
    shuffle(p, e);
    p->epochs += !alone;

    for (int k = 0; !code && k < c->minibatches; k++) {
      int begin = (int)((int64_t)p->nvalid * k / c->minibatches);
      int end = (int)((int64_t)p->nvalid * (k + 1) / c->minibatches);
      alone = alone || (adaptive && kl > most);
      if (end == begin) continue;
      code = learn_minibatch(p, begin, end, alone, &kl, err);
      updates += !alone;
    }
  }

  updates = fmax(updates, 1);
  if (!code && adaptive) adapt_rate(p, kl, updates / ((double)epochs * c->minibatches));
  divide_loss(&p->loss, updates);
  p->gradient /= updates;
  p->further /= updates;
  return code;
}

// ---- as a learner

static int64_t size_of(const void* self) {
  const ppo* p = self;
  return p->guided ? (int64_t)p->taken : p->rows;
}

static int iterate(void* self, loomError* err) {
  ppo* p = self;
  int code = collect(p, err);
  if (!code) judge(p);
  if (!code) code = learn(p, err);
  if (!code && p->inverse) code = loom_inverse_round(p->inverse, err);
  if (!code) adapt_noise(p);
  p->count.iteration++;
  return code;
}

static void act_best(double* action, void* self, const double* obs) {
  ppo* p = self;
  const loomPpoActor* actor = &p->net.actor;
  if (!actor->own_obs) normalize_obs(p, p->last, obs);
  for (int j = 0; actor->own_obs && j < p->vector->maker.obs; j++) p->last[j] = (loomReal)obs[j];

  actor->best(action, actor->self, p->last);
  hold_to_range(action, p, 1);
}

static int scalars_of(loomScalar* out, const void* self) {
  const ppo* p = self;
  const loomScalar all[] = {{"train/loss", p->loss.loss},
                            {"train/policy_loss", p->loss.policy},
                            {"train/value_loss", p->loss.value},
                            {"train/entropy", p->loss.entropy},
                            {"train/kl", p->loss.kl},
                            {"train/clipped", p->loss.clipped},
                            {"train/gradient", p->gradient},
                            {"train/rate", p->rate},
                            {"train/epochs", p->epochs},
                            {"train/further_loss", p->further}};
  int n = (int)(sizeof all / sizeof *all) - !p->net.actor.further;

  memcpy(out, all, (size_t)n * sizeof *all);
  if (explores_less(p)) out[n++] = (loomScalar){"train/deviation", *p->guide.actor.deviation};
  if (p->inverse) n += loom_inverse_scalars(out + n, p->inverse);
  return p->shown.imitation ? n + loom_imitation_scalars(out + n, p->shown.imitation) : n;
}

// Of who acts elsewhere it is only what it goes on from.
static int guided_tensors(loomSafeTensor* out, const ppo* p) {
  const loomParams *actor = p->net.actor.params, *critic = p->net.critic_params;
  int n = 0;
  out[n++] = loom_learner_numbers("train.actor", LOOM_SAFE_F32, actor->value, actor->total);
  out[n++] = loom_learner_numbers("train.actor_counters", LOOM_SAFE_F64, &p->actor, 2);
  out[n++] = loom_learner_numbers("train.exploring", LOOM_SAFE_F64, &p->exploring, LOOM_EXPLORING_NUMBERS);
  out[n++] = loom_learner_numbers("train.exploring_from", LOOM_SAFE_F64, p->counts_from,
                                  (size_t)p->config.environments);
  out[n++] = loom_learner_numbers("train.critic", LOOM_SAFE_F32, critic->value, critic->total);
  out[n++] = loom_learner_numbers("train.critic_first", LOOM_SAFE_F32, critic->first, critic->total);
  out[n++] = loom_learner_numbers("train.critic_second", LOOM_SAFE_F32, critic->second, critic->total);
  return n;
}

static int tensors_of(loomSafeTensor* out, int* acting, void* self) {
  ppo* p = self;
  const loomParams* params = p->net.actor.params;
  int n = p->guided ? guided_tensors(out, p) : loom_learner_params(out, params);  // under CleanRL's names
  out[n++] = loom_learner_numbers("obs.moments", LOOM_SAFE_F64, p->obs_normal.moments,
                                  1 + 2 * (size_t)p->obs_normal.dim);
  *acting = n;

  // What it goes on from.
  out[n++] = loom_learner_numbers("train.first", LOOM_SAFE_F32, params->first, params->total);
  out[n++] = loom_learner_numbers("train.second", LOOM_SAFE_F32, params->second, params->total);
  out[n++] = loom_learner_numbers("train.counters", LOOM_SAFE_F64, &p->count, COUNTERS);
  out[n++] = loom_learner_numbers("train.return_moments", LOOM_SAFE_F64, p->return_normal.moments, 3);
  out[n++] =
      loom_learner_numbers("train.discounted", LOOM_SAFE_F64, p->discounted, (size_t)p->config.environments);
  out[n++] =
      loom_learner_numbers("train.vector", LOOM_SAFE_U8, p->snapshot, loom_vector_snapshot_size(p->vector));
  if (p->inverse) n += loom_inverse_tensors(out + n, p->inverse);
  return p->shown.imitation ? n + loom_imitation_tensors(out + n, p->shown.imitation) : n;
}

static void freeze(void* self) {
  ppo* p = self;
  loom_vector_snapshot(p->snapshot, p->vector);
}

static void be_evaluated(void* self, double rewarded) {
  ppo* p = self;
  p->exploring.wanted = p->guide.turns.keep * rewarded;
}

// What is seen is normalized as it was: nothing has been taken in since.
static int thaw(void* self, loomError* err) {
  ppo* p = self;
  int code = loom_vector_restore(p->vector, p->snapshot, err);
  set_noise(p);
  if (!code) see(p);
  if (p->shown.imitation) loom_imitation_thaw(p->shown.imitation);
  return code;
}

static void destroy(void* self) {
  ppo* p = self;
  loom_actor_critic_destroy(&p->scratch_net);
  loom_critic_destroy(&p->critic);
  loom_running_destroy(&p->obs_normal);
  loom_running_destroy(&p->return_normal);
  loom_vector_destroy(p->vector);

  free(p->discounted);
  free(p->counts_from);
  free(p->actions);
  free(p->ready);
  free(p->random);
  free(p->tails);
  free(p->priced);
  free(p->shown.obs);
  free(p->shown.action);
  free(p->shown.reward);
  free(p->shown.episode);
  free(p->shown.length);
  free(p->shown.one);
  free(p->shown.asked);
  free(p->shown.done);
  free(p->shown.told);
  free(p->terminated);
  free(p->truncated);
  free(p->fresh);
  free(p->valid);
  free(p->memory);
  free(p->snapshot);
  free(p);
}

// ---- made

static int create_blocks(ppo* p, loomError* err) {
  size_t rows = (size_t)p->rows, n = (size_t)p->config.environments;
  loomArena measure = {0}, arena;
  lay_out(p, &measure);
  int code = loom_arena_create(&arena, measure.used, err);
  if (code) return code;
  p->memory = (loomReal*)(void*)arena.base;
  lay_out(p, &arena);

  p->discounted = calloc(n, sizeof *p->discounted);
  p->counts_from = calloc(n, sizeof *p->counts_from);
  p->ready = calloc(n, sizeof *p->ready);
  p->random = calloc(n, sizeof *p->random);
  p->actions = calloc(n * (size_t)p->vector->maker.actions, sizeof *p->actions);
  p->terminated = calloc(rows, sizeof *p->terminated);
  p->truncated = calloc(rows, sizeof *p->truncated);
  p->fresh = calloc(rows, sizeof *p->fresh);
  p->valid = calloc(rows, sizeof *p->valid);
  bool tails = p->critic_obs < p->vector->maker.obs;
  p->tails = tails ? calloc(n * (size_t)p->critic_obs, sizeof *p->tails) : NULL;
  p->snapshot = calloc(1, loom_vector_snapshot_size(p->vector));
  if (p->discounted && p->counts_from && p->ready && (p->tails || !tails) && p->random && p->actions &&
      p->terminated && p->truncated && p->fresh && p->valid && p->snapshot)
    return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a rollout of %d rows", p->rows);
}

static int batch_of(const loomPpoConfig* c) {
  return (int)(((int64_t)c->steps * c->environments + c->minibatches - 1) / c->minibatches);
}

int loom_ppo_most_rows(const loomPpoConfig* c) {
  int batch = batch_of(c);
  return batch > c->environments ? batch : c->environments;
}

static int create_networks(ppo* p, const loomEnvironmentMaker* maker, loomError* err) {
  const loomPpoConfig* c = &p->config;
  int most = loom_ppo_most_rows(c), code;
  if (p->guided) {
    code = loom_critic_create(&p->critic, p->critic_obs, c->hidden.size, c->hidden.n, p->seed, most, err);
    p->net = (loomPpoNetwork){p->guide.actor, &p->critic.mlp, &p->critic.params};
    return code;
  }

  loomActorCriticDef net = {.obs = maker->obs,
                            .actions = maker->actions,
                            .hidden = c->hidden,
                            .activation = c->activation ? LOOM_ACTIVATION_RELU : LOOM_ACTIVATION_TANH,
                            .orthogonal = c->orthogonal,
                            .log_std = c->log_std};
  code = loom_actor_critic_create(&p->scratch_net, &net, p->seed, most, err);
  p->net = loom_actor_critic_network(&p->scratch_net);
  return code;
}

static int create_run(ppo* p, const loomEnvironmentMaker* maker, int threads, loomError* err) {
  const loomPpoConfig* c = &p->config;
  loomVectorDef vector = {.n = c->environments, .threads = threads, .seed = p->seed};
  p->rows = c->steps * c->environments;
  p->batch = batch_of(c);
  p->critic_obs = p->guide.critic_obs ? p->guide.critic_obs : maker->obs;

  int code = loom_vector_create(&p->vector, maker, &vector, err);
  if (!code) code = create_networks(p, maker, err);
  if (!code) code = loom_running_create(&p->obs_normal, p->critic_obs, err);
  if (!code) code = loom_running_create(&p->return_normal, 1, err);
  if (!code) code = create_blocks(p, err);

  // The first start is seen, and counts for the means.
  if (!code) code = loom_vector_reset(p->vector, err);
  if (code) return code;
  if (c->normalize_obs) loom_running_update(&p->obs_normal, critic_sees(p), c->environments);
  see(p);
  return LOOM_OK;
}

int loom_ppo_create(loomLearner* out, const loomPpoConfig* config, const loomPpoGuide* guide,
                    const loomEnvironmentMaker* maker, int64_t steps, uint64_t seed, int threads,
                    loomError* err) {
  ppo* p = calloc(1, sizeof *p);
  if (!p) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");
  p->config = *config;
  p->steps = steps;
  p->seed = seed;
  p->guided = guide != NULL;
  p->actor.rate = 1;
  p->exploring = loom_exploring_begin();
  if (guide) p->guide = *guide;
  if (explores_less(p)) p->deviation = *p->guide.actor.deviation;

  int code = create_run(p, maker, threads, err);
  if (!code && explores_less(p)) scale_rate(p, p->exploring.factor);
  if (!code) set_noise(p);
  if (code) {
    destroy(p);
    return code;
  }

  *out = (loomLearner){.self = p,
                       .vector = p->vector,
                       .size = size_of,
                       .iterate = iterate,
                       .act = act_best,
                       .evaluated = guide ? be_evaluated : NULL,
                       .scalars = scalars_of,
                       .tensors = tensors_of,
                       .freeze = freeze,
                       .thaw = thaw,
                       .destroy = destroy};
  return LOOM_OK;
}

int loom_ppo_rollout_rows(const loomPpoConfig* config) {
  return config->steps * config->environments;
}

static bool make_askable(ppo* p, size_t obs, size_t actions) {
  shown* s = &p->shown;
  size_t batch = (size_t)p->batch;
  s->one = calloc(obs, sizeof *s->one);
  s->asked = calloc(batch * obs, sizeof *s->asked);
  s->done = calloc(batch * actions, sizeof *s->done);
  s->told = calloc(batch, sizeof *s->told);
  return s->one && s->asked && s->done && s->told;
}

int loom_ppo_imitate(loomLearner* learner, loomImitation* imitation, loomError* err) {
  ppo* p = learner->self;
  size_t rows = (size_t)p->rows, n = (size_t)p->config.environments;
  size_t obs = (size_t)loom_imitation_obs(imitation), actions = (size_t)p->vector->maker.actions;
  if (loom_imitation_obs(imitation) > p->vector->maker.obs ||
      loom_imitation_actions(imitation) != p->vector->maker.actions)
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "the expert's states have %d numbers and its actions %d, where the policy's have %d "
        "and %d",
        loom_imitation_obs(imitation), loom_imitation_actions(imitation), p->vector->maker.obs,
        p->vector->maker.actions);

  bool asks = loom_imitation_asks_policy(imitation);
  if (asks && (p->guided || obs != (size_t)p->vector->maker.obs))
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "an airl discriminator asks how likely the policy's actions are, which is told of "
                          "policies from scratch alone, that see what the expert saw; take another one");

  shown* s = &p->shown;
  s->obs = calloc((rows + n) * obs, sizeof *s->obs);
  s->action = calloc(rows * actions, sizeof *s->action);
  s->reward = calloc(rows, sizeof *s->reward);
  s->episode = calloc(rows, sizeof *s->episode);
  s->length = calloc(rows, sizeof *s->length);
  if (!s->obs || !s->action || !s->reward || !s->episode || !s->length)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a rollout of %d rows", p->rows);
  if (asks && !make_askable(p, obs, actions))
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d rows", p->batch);
  if (asks) loom_imitation_meet(imitation, &(loomImitationPolicy){p, tell_log_prob});
  s->imitation = imitation;
  return LOOM_OK;
}

int loom_ppo_invert(loomLearner* learner, loomInverse* inverse, loomError* err) {
  ppo* p = learner->self;
  p->priced = calloc((size_t)p->config.environments, sizeof *p->priced);
  if (!p->priced) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for rewards");
  p->inverse = inverse;
  return LOOM_OK;
}
