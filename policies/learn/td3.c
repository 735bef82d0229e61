#include "policies/learn/td3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/learn/exploring.h"
#include "policies/nn/optimizer.h"

// ---- settings

#define ROW(type, member, ...) LOOM_FIELD(loomTd3Config, type, member, __VA_ARGS__)
static const loomFieldDef field_rows[] = {
    ROW(INT, environments, .low = 1, .high = 4096, .about = "side by side"),
    ROW(INT64, buffer, .low = 1, .high = 1 << 28, .unit = "steps", .about = "of the replay buffer"),
    ROW(INT, warmup, .high = 1 << 28, .unit = "steps",
        .about = "of random actions before anything is learned"),
    ROW(INT, batch, .low = 1, .high = 1 << 20, .about = "rows of an update"),
    ROW(REAL, updates, .least = 0, .most = 1000, .about = "of the critics, for each step"),
    ROW(INT, delay, .low = 1, .high = 1000, .about = "updates of the critics for each of the actor"),
    ROW(REAL, discount, .least = 0, .most = 1, .about = "of rewards a step"),
    ROW(INT, n_step, .low = 1, .high = 1000, .about = "rewards of a target"),
    ROW(REAL, rate, .least = 1e-12, .most = 10, .about = "learning rate"),
    ROW(BOOL, anneal, .about = "it falls in a line to 0"),
    ROW(REAL, tau, .least = 0, .most = 1, .about = "how far slow networks follow"),
    ROW(REAL, noise, .least = 0, .most = 10, .about = "deviation of exploring actions, of half their range"),
    ROW(REAL, target_noise, .least = 0, .most = 10, .about = "deviation of target actions' noise"),
    ROW(REAL, target_clip, .least = 0, .most = 10, .about = "which is clipped to this"),
    ROW(INT, critics, .low = 1, .high = LOOM_TD3_CRITICS, .about = "the least value counts"),
    ROW(SIZES, hidden, .low = 1, .high = 65536, .about = "units of hidden layers, of actor and critics"),
};
const loomFields loom_td3_fields = LOOM_FIELDS(field_rows);

loomTd3Config loom_default_td3_config(void) {
  return (loomTd3Config){.environments = 1,
                         .buffer = 1000000,
                         .warmup = 25000,
                         .batch = 256,
                         .updates = 1,
                         .delay = 2,
                         .discount = 0.99,
                         .n_step = 1,
                         .rate = 3e-4,
                         .tau = 0.005,
                         .noise = 0.1,
                         .target_noise = 0.2,
                         .target_clip = 0.5,
                         .critics = 2,
                         .hidden = {2, {256, 256}}};
}

// ---- a run

enum { ITERATION = 1000 };  // steps of the vector between one look at the run and the next

typedef struct counters {
  double step, critic_updates, actor_updates, owed;  // owed: parts of an update
} counters;

// Of the running episode of an environment: its rows in the replay buffer, by their numbers, and what the
// critics expected of each of its decisions and what that brought. As doubles, which checkpoints hold.
typedef struct trails {
  double* row;                // (n x longest)
  double* count;              // (n)
  double *expected, *reward;  // (n x longest); expected NAN: the critics were not asked
  double* decisions;          // (n)
} trails;

// Over the decisions of episodes that came to an end: what critics expected of them (x), and the discounted
// rewards that followed (y), noise included.
typedef struct calibration {
  double n, x, y, xx, yy, xy;
} calibration;

enum { COUNTERS = sizeof(counters) / sizeof(double) };

// Rows of the replay buffer as a discriminator is to see them.
typedef struct shown {
  loomImitation* imitation;   // NULL = the environments reward; all else is NULL then too
  loomExperienceBatch batch;  // that it learns from
  loomReal* action;           // (batch x actions) in the environments' units
  bool* terminated;           // (batch)
  loomArena arena;
} shown;

typedef struct td3 {
  loomTd3Config config;
  loomTd3Guide guide;  // of nothing: zeros
  int64_t steps;       // of the run
  uint64_t seed;
  loomVector* vector;
  loomTd3Network net;
  loomExperience replay;
  loomExperience successes;  // guided: what has succeeded
  trails trail;
  loomExperienceBatch batch;
  loomReal *target, *noise;        // (batch), (batch x actions)
  loomReal *seen, *next, *action;  // (n x obs), (n x obs), (n x actions)
  loomReal* value;                 // (n) guided: what critics expect of the actor's, gated
  double* commands;                // (n x actions) in the environments' units
  loomArena arena;
  double replay_pushed, successes_pushed;  // of the buffers, as a checkpoint has them
  counters count;
  void* snapshot;
  double rate;                     // of the last iteration
  double critic_loss, actor_loss;  // means of it
  double critic_seen, actor_seen;  // updates that they are of
  int64_t taken;                   // control steps of that
  double asked, kept, size;        // guided: actions of the actor, those that the gate let pass, mean sizes
  double alone;                    // of those, the ones in whose place nothing was added
  calibration calibration;         // guided: of the last iteration
  loomExploring exploring;         // guided, where `keep` is wanted
  double* counts_from;             // (n) the first episode of each that tells of the present noise alone
  shown shown;
} td3;

static loomExperienceBatch place_batch(const td3* p, loomArena* arena) {
  size_t batch = (size_t)p->config.batch, obs = (size_t)p->net.def.obs, actions = (size_t)p->net.def.actions;
  loomExperienceBatch out;
  out.obs = loom_arena_real(arena, batch * obs);
  out.action = loom_arena_real(arena, batch * actions);
  out.reward = loom_arena_real(arena, batch);
  out.discount = loom_arena_real(arena, batch);
  out.next = loom_arena_real(arena, batch * obs);
  return out;
}

static void lay_out(td3* p) {
  size_t batch = (size_t)p->config.batch, n = (size_t)p->config.environments;
  size_t obs = (size_t)p->net.def.obs, actions = (size_t)p->net.def.actions;

  p->batch = place_batch(p, &p->arena);
  p->target = loom_arena_real(&p->arena, batch);
  p->noise = loom_arena_real(&p->arena, batch * actions);
  p->seen = loom_arena_real(&p->arena, n * obs);
  p->next = loom_arena_real(&p->arena, n * obs);
  p->action = loom_arena_real(&p->arena, n * actions);
  p->value = loom_arena_real(&p->arena, n);
}

// ---- trying

static void see(const td3* p, loomReal* out) {
  for (int i = 0; i < p->config.environments * p->net.def.obs; i++) out[i] = (loomReal)p->vector->obs[i];
}

static double to_units(const td3* p, int j, double action) {
  const double* r = p->vector->maker.range + 2 * (ptrdiff_t)j;
  return r[0] + (r[1] - r[0]) * (action + 1) / 2;
}

static bool is_warming_up(const td3* p) {
  return p->count.step * p->config.environments < p->config.warmup;
}

static bool explores_less(const td3* p) {
  return p->guide.keep > 0;
}

// Of noise, and of how often the gate is left out.
static double noise_factor(const td3* p) {
  return explores_less(p) ? p->exploring.factor : 1;
}

// The share of the run that is left.
static double share_left(const td3* p) {
  return fmax(0, 1 - (double)p->vector->control_steps / fmax((double)p->steps, 1));
}

// Of the time, for which nothing is added yet but noise.
static double share_alone(const td3* p) {
  return p->guide.ramp > 0 ? fmax(0, 1 - (1 - share_left(p)) / p->guide.ramp) : 0;
}

typedef enum turn { TURN_GATED, TURN_FREE, TURN_ALONE } turn;

// Whether environment i tries what the actor says, whatever the gate thinks of it (critics that are never
// shown such actions stay wrong about them), or leaves the policy alone. For some decisions in a row, as one
// alone shows little.
static turn turn_of(const td3* p, int i) {
  enum { DECISIONS = 12 };
  uint64_t window = (uint64_t)p->count.step / DECISIONS * (uint64_t)p->config.environments + (uint64_t)i;
  loomRandom random = loom_random(p->seed, window, LOOM_PURPOSE_UNGATED);
  bool is_free = loom_random_uniform(&random) < p->guide.free * noise_factor(p);
  if (loom_random_uniform(&random) < share_alone(p)) return TURN_ALONE;
  return is_free ? TURN_FREE : TURN_GATED;
}

// What the actor says, where the gate lets it pass.
static void ask_actor(td3* p) {
  int n = p->config.environments, actions = p->net.def.actions;
  const loomReal* said = loom_td3_network_act(&p->net, p->seen, n, false);
  memcpy(p->action, said, (size_t)n * (size_t)actions * sizeof *said);
  if (!p->guide.gated) return;

  p->kept += loom_td3_network_gate(p->action, p->value, &p->net, p->seen, n);
  p->asked += n;
  for (int i = 0; i < n * actions; i++) p->size += fabs((double)said[i]) / actions;

  for (int i = 0; i < n; i++) {
    turn whose = turn_of(p, i);
    loomReal* action = p->action + i * actions;
    if (whose == TURN_FREE) memcpy(action, said + i * actions, (size_t)actions * sizeof *said);
    if (whose != TURN_ALONE) continue;

    // What critics expect of that was not asked.
    memset(action, 0, (size_t)actions * sizeof *action);
    p->value[i] = (loomReal)NAN;
    p->alone++;
  }
}

// Random ones at first, then the actor's with noise.
static void draw_actions(td3* p) {
  int n = p->config.environments, actions = p->net.def.actions;
  bool random_ones = is_warming_up(p);
  double factor = noise_factor(p);
  if (!random_ones) ask_actor(p);

  for (int i = 0; i < n; i++) {
    uint64_t row = (uint64_t)p->count.step * (uint64_t)n + (uint64_t)i;
    loomRandom random = loom_random(p->seed, row, LOOM_PURPOSE_EXPLORE);
    for (int j = 0; j < actions; j++) {
      loomReal* a = &p->action[i * actions + j];
      double drawn = !random_ones     ? (double)*a + factor * p->config.noise * loom_random_normal(&random)
                     : p->guide.gated ? factor * p->guide.warmup_noise * loom_random_normal(&random)
                                      : loom_random_range(&random, -1, 1);
      *a = (loomReal)fmin(fmax(drawn, -1), 1);
      p->commands[i * actions + j] = to_units(p, j, (double)*a);
    }
  }
}

// Rows of environment i's episode from number `first` on have come in; once it has succeeded all of them are
// kept where every batch draws from.
static void follow_episode(td3* p, int i, int64_t first) {
  double *row = p->trail.row + (ptrdiff_t)i * p->guide.longest, *count = &p->trail.count[i];

  for (int64_t k = first; k < p->replay.pushed && *count < p->guide.longest; k++)
    row[(int)(*count)++] = (double)k;
  if (!loom_vector_ended(p->vector, i)) return;

  for (int k = 0; p->vector->success[i] && k < (int)*count; k++)
    loom_experience_copy(&p->successes, &p->replay, (int64_t)row[k]);
  *count = 0;
}

// Critics are right where what they expect of a decision is, on average, what follows.
static void compare_episode(td3* p, int i) {
  const double *expected = p->trail.expected + (ptrdiff_t)i * p->guide.longest,
               *reward = p->trail.reward + (ptrdiff_t)i * p->guide.longest;
  calibration* c = &p->calibration;
  double y = 0;

  for (int k = (int)p->trail.decisions[i] - 1; k >= 0; k--) {
    double x = expected[k];
    y = reward[k] + p->config.discount * y;
    if (isnan(x)) continue;
    *c = (calibration){c->n + 1, c->x + x, c->y + y, c->xx + x * x, c->yy + y * y, c->xy + x * y};
  }
}

// One more decision of environment i, and what it brought.
static void note_decision(td3* p, int i, bool asked) {
  const loomVector* v = p->vector;
  double* decisions = &p->trail.decisions[i];

  if (*decisions < p->guide.longest) {
    ptrdiff_t k = (ptrdiff_t)i * p->guide.longest + (ptrdiff_t)*decisions;
    p->trail.expected[k] = asked ? (double)p->value[i] : NAN;
    p->trail.reward[k] = v->reward[i];
    (*decisions)++;
  }
  if (!loom_vector_ended(v, i)) return;

  // What would have followed a truncation is not known.
  if (v->terminated[i]) compare_episode(p, i);
  *decisions = 0;
}

static int try_step(td3* p, loomError* err) {
  int n = p->config.environments, obs = p->net.def.obs, actions = p->net.def.actions;
  const loomVector* v = p->vector;
  bool asked = !is_warming_up(p);
  draw_actions(p);
  int code = loom_vector_step(p->vector, p->commands, err);
  if (code) return code;

  // A reset is no transition.
  see(p, p->next);
  for (int i = 0; i < n; i++) {
    int64_t first = p->replay.pushed;
    if (v->fresh[i]) continue;
    loom_experience_push(&p->replay, i, p->seen + i * obs, p->action + i * actions, v->reward[i],
                         p->next + i * obs, v->terminated[i], v->truncated[i]);
    if (p->shown.imitation) loom_imitation_count(p->shown.imitation, 1);
    if (p->shown.imitation && v->terminated[i]) loom_imitation_note(p->shown.imitation, v->length[i]);
    if (!p->guide.longest) continue;
    follow_episode(p, i, first);
    note_decision(p, i, asked);
  }
  if (explores_less(p)) loom_exploring_follow(&p->exploring, p->counts_from, v);
  memcpy(p->seen, p->next, (size_t)n * (size_t)obs * sizeof *p->seen);
  p->count.step++;
  return LOOM_OK;
}

// ---- shown to a discriminator

static loomImitationBatch shown_rows(td3* p, const loomExperienceBatch* b) {
  int n = p->config.batch, actions = p->net.def.actions;
  for (int i = 0; i < n * actions; i++)
    p->shown.action[i] = (loomReal)to_units(p, i % actions, (double)b->action[i]);
  for (int i = 0; i < n; i++) p->shown.terminated[i] = !(b->discount[i] > 0);
  return (loomImitationBatch){n, b->obs, p->shown.action, b->next, p->shown.terminated};
}

// As many steps of it as the vector's last step makes due.
static void teach_discriminator(td3* p, int per_thousand) {
  double each = (double)p->config.environments * per_thousand / 1000;
  int due = (int)(floor(p->count.step * each) - floor((p->count.step - 1) * each));

  for (int k = 0; k < due; k++) {
    uint64_t number = (uint64_t)p->count.step * 4096 + (uint64_t)k;
    loomRandom random = loom_random(p->seed, number, LOOM_PURPOSE_LATENT);
    loom_experience_draw(&p->shown.batch, &p->replay, p->config.batch, &random);
    loomImitationBatch rows = shown_rows(p, &p->shown.batch);
    loom_imitation_learn(p->shown.imitation, &rows);
  }
}

// ---- learning

// The first rows of a batch are of what succeeded, as soon as anything has.
static void draw_rows(td3* p, loomRandom* random) {
  int wanted = (int)(p->guide.share * p->config.batch);
  int good = wanted > 0 && loom_experience_count(&p->successes) ? wanted : 0;
  size_t k = (size_t)good, obs = (size_t)p->net.def.obs;
  loomExperienceBatch rest = {.obs = p->batch.obs + k * obs,
                              .action = p->batch.action + k * (size_t)p->net.def.actions,
                              .reward = p->batch.reward + k,
                              .discount = p->batch.discount + k,
                              .next = p->batch.next + k * obs};

  if (good) loom_experience_draw(&p->batch, &p->successes, good, random);
  loom_experience_draw(&rest, &p->replay, p->config.batch - good, random);
}

static void draw_batch(td3* p) {
  uint64_t update = (uint64_t)p->count.critic_updates;
  loomRandom rows = loom_random(p->seed, update, LOOM_PURPOSE_REPLAY);
  loomRandom noise = loom_random(p->seed, update, LOOM_PURPOSE_TARGET);
  draw_rows(p, &rows);

  for (int i = 0; i < p->config.batch * p->net.def.actions; i++) {
    double drawn = p->config.target_noise * loom_random_normal(&noise);
    p->noise[i] = (loomReal)fmin(fmax(drawn, -p->config.target_clip), p->config.target_clip);
  }
  if (!p->shown.imitation) return;

  // What the rows are worth by now.
  loomImitationBatch seen = shown_rows(p, &p->batch);
  loom_imitation_judge(p->batch.reward, p->shown.imitation, &seen);
}

static int refuse_divergence(const td3* p, loomError* err) {
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "update %.0f: the loss or its gradient is no finite number; the last checkpoint stays; take "
      "a smaller learning rate, or look whether rewards are finite",
      p->count.critic_updates + 1);
}

static int learn_once(td3* p, loomError* err) {
  const loomTd3Config* c = &p->config;
  loomAdamDef adam = loom_default_adam_def();

  // Critics learn what the slow networks say of the next states.
  draw_batch(p);
  loom_td3_network_target(p->target, &p->net, p->batch.reward, p->batch.discount, p->batch.next, p->noise,
                          c->batch);
  double loss = loom_td3_network_critic_loss(&p->net, p->batch.obs, p->batch.action, p->target, c->batch);
  double length = loom_adam_step(&p->net.critics, &adam, p->rate, (uint64_t)++p->count.critic_updates);
  if (!isfinite(loss) || !isfinite(length)) return refuse_divergence(p, err);
  p->critic_loss += loss;
  p->critic_seen++;
  if ((int64_t)p->count.critic_updates % c->delay) return LOOM_OK;

  // Now and then the actor follows the critics, once they know something, and the slow networks follow all.
  if (p->count.critic_updates > p->guide.critics_first) {
    loss = loom_td3_network_actor_loss(&p->net, p->batch.obs, c->batch);
    length = loom_adam_step(&p->net.actor, &adam, p->rate, (uint64_t)++p->count.actor_updates);
    if (!isfinite(loss) || !isfinite(length)) return refuse_divergence(p, err);
    p->actor_loss += loss;
    p->actor_seen++;
  }
  loom_td3_network_follow(&p->net, c->tau);
  return LOOM_OK;
}

// ---- as a learner

static int iteration_of(const td3* p) {
  return p->guide.iteration ? p->guide.iteration : ITERATION;
}

static int64_t size_of(const void* self) {
  const td3* p = self;
  return p->guide.gated ? p->taken : (int64_t)ITERATION * p->config.environments;
}

static int iterate(void* self, loomError* err) {
  td3* p = self;
  int code = LOOM_OK, n = p->config.environments;
  int64_t before = p->vector->control_steps;
  p->rate = p->config.rate * (p->config.anneal ? share_left(p) : 1);
  p->critic_loss = p->actor_loss = p->critic_seen = p->actor_seen = 0;
  p->asked = p->kept = p->size = p->alone = 0;
  p->calibration = (calibration){0};

  // Where decisions last several steps, and are few, the last iteration is as long as the run's steps are.
  bool ends = p->guide.gated && p->steps;
  for (int t = 0; !code && t < iteration_of(p) && !(ends && p->vector->control_steps >= p->steps); t++) {
    code = try_step(p, err);
    if (is_warming_up(p) || !loom_experience_count(&p->replay)) continue;
    if (p->shown.imitation) teach_discriminator(p, loom_imitation_updates(p->shown.imitation));
    for (p->count.owed += p->config.updates * n; !code && p->count.owed >= 1; p->count.owed--)
      code = learn_once(p, err);
  }

  if (explores_less(p) && loom_exploring_move(&p->exploring))
    loom_exploring_restart(p->counts_from, p->vector);
  p->taken = p->vector->control_steps - before;
  p->critic_loss /= fmax(p->critic_seen, 1);
  p->actor_loss /= fmax(p->actor_seen, 1);
  if (p->shown.imitation) loom_imitation_close_round(p->shown.imitation);
  return code;
}

static void act_best(double* action, void* self, const double* obs) {
  td3* p = self;
  for (int j = 0; j < p->net.def.obs; j++) p->next[j] = (loomReal)obs[j];

  const loomReal* best = loom_td3_network_act(&p->net, p->next, 1, false);
  for (int j = 0; j < p->net.def.actions; j++) action[j] = to_units(p, j, (double)best[j]);
}

static int scalars_of(loomScalar* out, const void* self) {
  const td3* p = self;
  const loomScalar all[] = {{"train/loss", p->critic_loss},
                            {"train/actor_loss", p->actor_loss},
                            {"train/rate", p->rate},
                            {"train/rows", (double)loom_experience_count(&p->replay)}};

  int n = (int)(sizeof all / sizeof *all);
  memcpy(out, all, sizeof all);
  if (p->shown.imitation) n += loom_imitation_scalars(out + n, p->shown.imitation);
  if (!p->guide.gated) return n;

  out[n++] = (loomScalar){"train/successes", (double)loom_experience_count(&p->successes)};
  out[n++] = (loomScalar){"train/gate", p->kept / fmax(p->asked, 1)};
  out[n++] = (loomScalar){"train/offset", p->size / fmax(p->asked, 1)};

  if (p->guide.ramp > 0) out[n++] = (loomScalar){"train/alone", p->alone / fmax(p->asked, 1)};
  if (explores_less(p)) out[n++] = (loomScalar){"train/noise", p->exploring.factor};

  // Where no episode came to an end nothing is known.
  const calibration* c = &p->calibration;
  if (!(c->n > 0)) return n;
  double spread = sqrt(fmax(c->xx * c->n - c->x * c->x, 0) * fmax(c->yy * c->n - c->y * c->y, 0));
  out[n++] = (loomScalar){"train/expected", c->x / c->n};
  out[n++] = (loomScalar){"train/followed", c->y / c->n};
  out[n++] = (loomScalar){"train/agreement", spread > 0 ? (c->xy * c->n - c->x * c->y) / spread : 0};
  return n;
}

static int tensors_of(loomSafeTensor* out, int* acting, void* self) {
  td3* p = self;
  const loomExperienceDef* r = &p->replay.def;
  size_t width = (size_t)p->replay.width, waiting = (size_t)(r->environments * r->n) * width;
  size_t trail = (size_t)r->environments * (size_t)p->guide.longest;
  int n = loom_learner_params(out, &p->net.actor);
  *acting = n;

  // What it goes on from. The replay buffer is written whole, so that it can be read into its place.
  n += loom_learner_params(out + n, &p->net.critics);
  out[n++] =
      loom_learner_numbers("train.slow_actor", LOOM_SAFE_F32, p->net.slow_actor.value, p->net.actor.total);
  out[n++] = loom_learner_numbers("train.slow_critics", LOOM_SAFE_F32, p->net.slow_critics.value,
                                  p->net.critics.total);
  out[n++] = loom_learner_numbers("train.actor_first", LOOM_SAFE_F32, p->net.actor.first, p->net.actor.total);
  out[n++] =
      loom_learner_numbers("train.actor_second", LOOM_SAFE_F32, p->net.actor.second, p->net.actor.total);
  out[n++] =
      loom_learner_numbers("train.critics_first", LOOM_SAFE_F32, p->net.critics.first, p->net.critics.total);
  out[n++] = loom_learner_numbers("train.critics_second", LOOM_SAFE_F32, p->net.critics.second,
                                  p->net.critics.total);
  out[n++] = loom_learner_numbers("train.counters", LOOM_SAFE_F64, &p->count, COUNTERS);
  out[n++] = loom_learner_numbers("train.waits", LOOM_SAFE_F64, p->replay.waits, (size_t)r->environments);
  out[n++] = loom_learner_numbers("train.waiting", LOOM_SAFE_F32, p->replay.waiting, waiting);
  out[n++] = loom_learner_numbers("train.replay_rows", LOOM_SAFE_F64, &p->replay_pushed, 1);
  out[n++] = loom_learner_numbers("train.replay", LOOM_SAFE_F32, p->replay.row, (size_t)r->capacity * width);
  out[n++] =
      loom_learner_numbers("train.vector", LOOM_SAFE_U8, p->snapshot, loom_vector_snapshot_size(p->vector));
  if (p->shown.imitation) n += loom_imitation_tensors(out + n, p->shown.imitation);
  if (!p->guide.gated) return n;

  out[n++] = loom_learner_numbers("train.trails", LOOM_SAFE_F64, p->trail.row, trail);
  out[n++] =
      loom_learner_numbers("train.trail_counts", LOOM_SAFE_F64, p->trail.count, (size_t)r->environments);
  out[n++] = loom_learner_numbers("train.trail_expected", LOOM_SAFE_F64, p->trail.expected, trail);
  out[n++] = loom_learner_numbers("train.trail_rewards", LOOM_SAFE_F64, p->trail.reward, trail);
  out[n++] = loom_learner_numbers("train.trail_decisions", LOOM_SAFE_F64, p->trail.decisions,
                                  (size_t)r->environments);
  out[n++] = loom_learner_numbers("train.successes_rows", LOOM_SAFE_F64, &p->successes_pushed, 1);
  out[n++] = loom_learner_numbers("train.successes", LOOM_SAFE_F32, p->successes.row,
                                  (size_t)p->successes.def.capacity * width);
  if (!explores_less(p)) return n;

  out[n++] = loom_learner_numbers("train.exploring", LOOM_SAFE_F64, &p->exploring, LOOM_EXPLORING_NUMBERS);
  out[n++] =
      loom_learner_numbers("train.exploring_from", LOOM_SAFE_F64, p->counts_from, (size_t)r->environments);
  return n;
}

static void freeze(void* self) {
  td3* p = self;
  p->replay_pushed = (double)p->replay.pushed;
  p->successes_pushed = (double)p->successes.pushed;
  loom_vector_snapshot(p->snapshot, p->vector);
}

static void be_evaluated(void* self, double rewarded) {
  td3* p = self;
  p->exploring.wanted = p->guide.keep * rewarded;
}

static int thaw(void* self, loomError* err) {
  td3* p = self;
  p->replay.pushed = (int64_t)p->replay_pushed;
  p->successes.pushed = (int64_t)p->successes_pushed;
  int code = loom_vector_restore(p->vector, p->snapshot, err);
  if (!code) see(p, p->seen);
  if (p->shown.imitation) loom_imitation_thaw(p->shown.imitation);
  return code;
}

static void destroy(void* self) {
  td3* p = self;
  loom_td3_network_destroy(&p->net);
  loom_experience_destroy(&p->replay);
  loom_experience_destroy(&p->successes);
  free(p->trail.row);
  free(p->trail.count);
  free(p->trail.expected);
  free(p->trail.reward);
  free(p->trail.decisions);
  free(p->counts_from);
  loom_vector_destroy(p->vector);
  loom_arena_destroy(&p->arena);
  loom_arena_destroy(&p->shown.arena);
  free(p->shown.action);
  free(p->shown.terminated);
  free(p->commands);
  free(p->snapshot);
  free(p);
}

// ---- made

static int create_successes(td3* p, const loomExperienceDef* replay, loomError* err) {
  loomExperienceDef def = *replay;
  size_t n = (size_t)p->config.environments;
  def.capacity = p->guide.successes;
  def.environments = 1;
  size_t rows = n * (size_t)p->guide.longest;
  p->trail = (trails){.row = calloc(rows, sizeof(double)),
                      .count = calloc(n, sizeof(double)),
                      .expected = calloc(rows, sizeof(double)),
                      .reward = calloc(rows, sizeof(double)),
                      .decisions = calloc(n, sizeof(double))};
  p->counts_from = calloc(n, sizeof(double));
  const trails* t = &p->trail;
  if (!p->counts_from || !t->row || !t->count || !t->expected || !t->reward || !t->decisions)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");
  return loom_experience_create(&p->successes, &def, err);
}

static int create_run(td3* p, const loomEnvironmentMaker* maker, int threads, loomError* err) {
  const loomTd3Config* c = &p->config;
  int rows = c->batch > c->environments ? c->batch : c->environments;
  loomVectorDef vector = {.n = c->environments, .threads = threads, .seed = p->seed};
  loomTd3Def net = {.obs = maker->obs,
                    .actions = maker->actions,
                    .hidden = c->hidden,
                    .critics = c->critics,
                    .normalized = p->guide.normalized,
                    .gated = p->guide.gated,
                    .tether = p->guide.tether,
                    .margin = p->guide.margin,
                    .least = p->guide.least,
                    .most = p->guide.most};
  loomExperienceDef replay = {.obs = maker->obs,
                              .actions = maker->actions,
                              .capacity = c->buffer,
                              .environments = c->environments,
                              .n = c->n_step,
                              .discount = c->discount};

  int code = loom_vector_create(&p->vector, maker, &vector, err);
  if (!code) code = loom_td3_network_create(&p->net, &net, p->seed, rows, err);
  if (!code) code = loom_experience_create(&p->replay, &replay, err);
  if (!code && p->guide.gated) code = create_successes(p, &replay, err);
  if (code) return code;

  // Measured, then for good.
  lay_out(p);
  size_t bytes = p->arena.used;
  code = loom_arena_create(&p->arena, bytes, err);
  if (code) return code;
  lay_out(p);
  p->commands = calloc((size_t)c->environments * (size_t)maker->actions, sizeof *p->commands);
  p->snapshot = calloc(1, loom_vector_snapshot_size(p->vector));
  if (!p->commands || !p->snapshot) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");

  code = loom_vector_reset(p->vector, err);
  see(p, p->seen);
  return code;
}

const loomTd3Network* loom_td3_network_of(const loomLearner* learner) {
  return &((const td3*)learner->self)->net;
}

loomExperience* loom_td3_successes_of(const loomLearner* learner) {
  return &((td3*)learner->self)->successes;
}

int loom_td3_create(loomLearner* out, const loomTd3Config* config, const loomTd3Guide* guide,
                    const loomEnvironmentMaker* maker, int64_t steps, uint64_t seed, int threads,
                    loomError* err) {
  td3* p = calloc(1, sizeof *p);
  if (!p) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");
  p->config = *config;
  if (guide) p->guide = *guide;
  p->steps = steps;
  p->seed = seed;
  p->exploring = loom_exploring_begin();

  int code = create_run(p, maker, threads, err);
  if (code) {
    destroy(p);
    return code;
  }

  *out = (loomLearner){.self = p,
                       .vector = p->vector,
                       .size = size_of,
                       .iterate = iterate,
                       .act = act_best,
                       .scalars = scalars_of,
                       .tensors = tensors_of,
                       .freeze = freeze,
                       .thaw = thaw,
                       .evaluated = explores_less(p) ? be_evaluated : NULL,
                       .destroy = destroy};
  return LOOM_OK;
}

static int check_imitation(const td3* p, const loomImitation* imitation, loomError* err) {
  const loomEnvironmentMaker* maker = &p->vector->maker;
  int obs = loom_imitation_obs(imitation), actions = loom_imitation_actions(imitation);
  if (obs != maker->obs || actions != maker->actions)
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "the expert's states have %d numbers and its actions %d, where the policy's have %d "
        "and %d",
        obs, actions, maker->obs, maker->actions);
  if (p->config.n_step > 1)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "n_step: %d: what a discriminator says changes, so that sums of several rewards "
                          "cannot be kept; take 1",
                          p->config.n_step);
  if (loom_imitation_asks_policy(imitation))
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "an airl discriminator asks how likely the policy's actions are, which td3, whose "
                          "policy is certain, cannot tell; take ppo, or another discriminator");
  if (loom_imitation_pack(imitation) > 1)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "packs are of independent episodes, which a replay buffer does not know; take ppo, "
                          "or a pack of 1");
  return LOOM_OK;
}

int loom_td3_imitate(loomLearner* learner, loomImitation* imitation, loomError* err) {
  td3* p = learner->self;
  shown* s = &p->shown;
  loomArena measure = {0};
  int code = check_imitation(p, imitation, err);
  if (code) return code;

  place_batch(p, &measure);
  code = loom_arena_create(&s->arena, measure.used, err);
  if (code) return code;
  s->batch = place_batch(p, &s->arena);
  s->action = calloc((size_t)p->config.batch * (size_t)p->net.def.actions, sizeof *s->action);
  s->terminated = calloc((size_t)p->config.batch, sizeof *s->terminated);
  if (!s->action || !s->terminated) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");
  s->imitation = imitation;
  return LOOM_OK;
}
