#include "policies/learn/imitation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policies/data/running.h"
#include "policies/objective/absorbing.h"

// ---- settings

const char* const loom_imitation_sights[] = {
    [LOOM_SEE_ACTION] = "state,action", [LOOM_SEE_NEXT] = "state,next", NULL};
const char* const loom_imitation_rewards[] = {"auto", "gail", "airl", "logd", "wgan", NULL};

#define ROW(type, member, ...) LOOM_FIELD(loomGailConfig, type, member, __VA_ARGS__)
static const loomFieldDef field_rows[] = {
    ROW(TEXT, data, .about = "dataset of the expert's demos"),
    ROW(INT, demos, .high = INT32_MAX, .about = "the first ones of them; 0 = all"),
    ROW(INT, every, .low = 1, .high = 1 << 20, .about = "of so many of a demo's rows one is taken"),
    ROW(CHOICE, discriminator, .choices = loom_discriminator_kind_names,
        .about = "what tells the expert's rows from the policy's"),
    ROW(CHOICE, see, .choices = loom_imitation_sights,
        .about = "what it sees; of airl's reward: a state and an action, or a state alone"),
    ROW(CHOICE, reward, .choices = loom_imitation_rewards,
        .about = "made of its output; auto: airl, of critics wgan"),
    ROW(BOOL, absorbing, .about = "it sees what follows an episode's end, whose reward is added there"),
    ROW(INT, pack, .low = 1, .high = LOOM_PACK_MOST, .unit = "rows", .about = "side by side"),
    ROW(INT, packs, .low = 1, .high = 256, .about = "that a row is put into, whose mean is its reward"),
    ROW(INT, updates, .low = 1, .high = 1 << 20,
        .about = "of the discriminator in an iteration of ppo, or in 1,000 steps of td3's environments"),
    ROW(INT, batch, .low = 1, .high = 1 << 16, .about = "packs of each class in one"),
    ROW(INT, replay, .low = 1, .high = 1000, .unit = "iterations", .about = "of ppo that it learns from"),
    ROW(REAL, rate, .least = 1e-12, .most = 10, .about = "its learning rate"),
    ROW(REAL, penalty, .least = 0, .most = 1e6, .about = "weight of the gradient penalty; 0 = none"),
    ROW(BOOL, spectral, .about = "its weights are divided by their largest singular value"),
    ROW(SIZES, hidden, .low = 1, .high = 65536, .about = "units of its hidden layers"),
};
const loomFields loom_gail_fields = LOOM_FIELDS(field_rows);

loomGailConfig loom_default_gail_config(void) {
  return (loomGailConfig){.every = 1,
                          .absorbing = true,
                          .pack = 1,
                          .packs = 1,
                          .updates = 10,
                          .batch = 256,
                          .replay = 3,
                          .rate = 1e-3,
                          .penalty = 1,
                          .hidden = {2, {100, 100}}};
}

// ---- what there is

// Numbers of a checkpoint.
typedef struct counters {
  double rounds, updates, judged;
  double winning, won;  // rounds that it has won in a row; the one in which these were enough
  double ended, steps;  // TD3: absorbing rows and others, ever
  double count;         // rows that are kept
} counters;
enum { COUNTERS = sizeof(counters) / sizeof(double) };

// What a round gives, as sums over its updates.
typedef struct tally {
  double updates, loss, penalty, expert, policy, entropy, wasserstein;
  double reward, judged, absorbing;
} tally;

struct loomImitation {
  loomGailConfig config;
  double discount;
  int horizon, rows;  // rows of a rollout, or of a batch
  uint64_t seed;
  int obs, actions, features;  // features: of a row, without marks of absorbing states
  int marks;                   // of these: 1, of airl 2 (loomShapedDef), or none
  int width;                   // with them, and airl's log-probability
  bool airl;
  loomImitationPolicy learner;  // that airl asks
  loomRewardForm form;
  loomDiscriminator d;

  // Of the expert: its rows, absorbing ones at the end, and mean and variance of the others.
  loomReal* expert;
  int* demo;
  int expert_rows;
  double *mean, *variance;
  // Of the policy: rows of the latest rounds, the oldest first; each with its episode.
  loomReal* kept;
  int* episode;
  double* round;           // (replay) rows of each, the newest last
  size_t room;             // rows
  loomRunning policy;      // all that were ever seen
  double* unscaled;        // (rows x features) as doubles
  loomReal* scaled;        // (2 x rows + 1, width) what is judged
  loomReal* worth;         // (2 x rows + 1)
  int* of;                 // (2 x rows + 1) their episodes
  double *middle, *scale;  // (features) by which rows are scaled now
  counters count;
  tally tally, told;
};

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a discriminator's rows");
}

int loom_imitation_obs(const loomImitation* im) {
  return im->obs;
}

int loom_imitation_actions(const loomImitation* im) {
  return im->actions;
}

int loom_imitation_pack(const loomImitation* im) {
  return im->config.pack;
}

int loom_imitation_updates(const loomImitation* im) {
  return im->config.updates;
}

bool loom_imitation_asks_policy(const loomImitation* im) {
  return im->airl;
}

void loom_imitation_meet(loomImitation* im, const loomImitationPolicy* policy) {
  im->learner = *policy;
}

int64_t loom_imitation_won(const loomImitation* im) {
  return (int64_t)im->count.won;
}

// ---- rows

// Absorbing rows that go with `rows` others of an episode of that length, which ended for good.
static int absorbing_rows(const loomImitation* im, int rows, int length) {
  int left = im->horizon - length;
  double share = length > 0 ? fmin(fmax((double)left / length, 0), 1) : 0;

  return im->config.absorbing ? (int)(share * rows + 0.5) : 0;
}

// By mean and deviation of both classes, each of which counts half; a floor keeps what hardly ever changes
// from being blown up.
static void set_scale(loomImitation* im) {
  const double floor = 1e-4;
  bool both = im->policy.moments[0] > 1;

  for (int j = 0; j < im->features; j++) {
    double mean = both ? im->policy.mean[j] : im->mean[j];
    double variance = both ? im->policy.variance[j] : im->variance[j], apart = (im->mean[j] - mean) / 2;
    im->middle[j] = (im->mean[j] + mean) / 2;
    im->scale[j] = 1 / sqrt((im->variance[j] + variance) / 2 + apart * apart + floor);
  }

  // A state is the same whether it is the next one or not.
  int next = im->airl ? im->obs + im->actions : im->features;
  for (int j = next; j < im->features; j++) {
    im->middle[j] = im->middle[j - next];
    im->scale[j] = im->scale[j - next];
  }
}

// The absorbing state stays as it is: zeros and its mark.
static void scale_rows(const loomImitation* im, loomReal* row, size_t n) {
  const double clip = LOOM_STEP_REWARD_CLIP;

  for (size_t i = 0; i < n; i++, row += im->width) {
    if (im->marks && row[im->features] > 0) continue;
    bool ends = im->marks > 1 && row[im->features + 1] > 0;
    int count = ends ? im->features - im->obs : im->features;
    for (int j = 0; j < count; j++)
      row[j] = (loomReal)fmin(fmax(((double)row[j] - im->middle[j]) * im->scale[j], -clip), clip);
  }
}

// A row of no absorbing state, and of no log-probability yet.
static void put_marks(const loomImitation* im, loomReal* row) {
  for (int j = im->features; j < im->width; j++) row[j] = 0;
}

// What airl takes for the state after an end.
static void put_end(const loomImitation* im, loomReal* row) {
  memset(row + im->features - im->obs, 0, (size_t)im->obs * sizeof *row);
  row[im->features + 1] = 1;
}

static void put_absorbing(const loomImitation* im, loomReal* row) {
  loom_absorbing_row(row, im->features);
  for (int j = im->features + 1; j < im->width; j++) row[j] = j < im->features + im->marks;
}

// How likely the policy is to do what n unscaled rows have; in the absorbing state there is nothing to do.
static void ask_policy(const loomImitation* im, loomReal* row, int n) {
  if (!im->airl) return;

  im->learner.log_prob(row, im->learner.self, n, im->width);
  for (int i = 0; im->marks && i < n; i++, row += im->width)
    if (row[im->features] > 0) row[im->width - 1] = 0;
}

// ---- made

static int count_expert(const loomImitation* im, const loomImitated* e) {
  int n = e->n;
  for (int d = 0; d < e->demos; d++)
    if (e->ended[d]) n += absorbing_rows(im, e->rows[d], e->length[d]);
  return n;
}

// The last step of a demo that ended, where what is seen next is the absorbing state.
static bool ends_expert(const loomImitation* im, const loomImitated* e, int row) {
  return im->airl && im->config.absorbing && e->last[row] && e->ended[e->demo[row]];
}

static void put_expert(loomReal* to, const loomImitation* im, const loomImitated* e, int row) {
  size_t obs = (size_t)im->obs, actions = (size_t)im->actions, k = (size_t)row;
  const loomReal *state = e->state + k * obs, *action = e->action + k * actions, *next = e->next + k * obs;
  bool after = im->airl || im->config.see == LOOM_SEE_NEXT, done = im->airl || !after;

  memcpy(to, state, obs * sizeof *to);
  if (done) memcpy(to + obs, action, actions * sizeof *to);
  if (after) memcpy(to + obs + (done ? actions : 0), next, obs * sizeof *to);
  put_marks(im, to);
  if (ends_expert(im, e, row)) put_end(im, to);
}

// Rows without a known next state are left out where that is seen.
static int take_expert(loomImitation* im, const loomImitated* e, loomError* err) {
  size_t most = (size_t)count_expert(im, e) + 1;
  bool after = im->airl || im->config.see == LOOM_SEE_NEXT;
  im->expert = calloc(most * (size_t)im->width, sizeof *im->expert);
  im->demo = calloc(most, sizeof *im->demo);
  if (!im->expert || !im->demo) return no_memory(err);

  for (int i = 0; i < e->n; i++) {
    if (after && !e->known[i] && !ends_expert(im, e, i)) continue;
    put_expert(im->expert + (size_t)im->expert_rows * (size_t)im->width, im, e, i);
    im->demo[im->expert_rows++] = e->demo[i];
  }

  if (!im->expert_rows)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: the next state is known of no row", im->config.data);
  return LOOM_OK;
}

static void measure_expert(loomImitation* im) {
  double n = im->expert_rows;

  for (int j = 0; j < im->features; j++) {
    double mean = 0, squares = 0;
    for (int i = 0; i < im->expert_rows; i++) mean += (double)im->expert[i * im->width + j] / n;

    for (int i = 0; i < im->expert_rows; i++) {
      double off = (double)im->expert[i * im->width + j] - mean;
      squares += off * off / n;
    }
    im->mean[j] = mean;
    im->variance[j] = squares;
  }
}

static void end_expert(loomImitation* im, const loomImitated* e) {
  for (int d = 0; d < e->demos; d++) {
    int n = e->ended[d] ? absorbing_rows(im, e->rows[d], e->length[d]) : 0;
    for (int k = 0; k < n; k++) {
      put_absorbing(im, im->expert + (size_t)im->expert_rows * (size_t)im->width);
      im->demo[im->expert_rows++] = d;
    }
  }
}

static int create_rows(loomImitation* im, loomError* err) {
  size_t rows = (size_t)im->rows, judged = 2 * rows + 1, features = (size_t)im->features;
  im->room = (size_t)im->config.replay * 2 * rows;
  im->mean = calloc(features, sizeof *im->mean);
  im->variance = calloc(features, sizeof *im->variance);
  im->middle = calloc(features, sizeof *im->middle);
  im->scale = calloc(features, sizeof *im->scale);
  im->kept = calloc(im->room * (size_t)im->width, sizeof *im->kept);
  im->episode = calloc(im->room, sizeof *im->episode);
  im->round = calloc((size_t)im->config.replay, sizeof *im->round);
  im->unscaled = calloc(rows * features, sizeof *im->unscaled);
  im->scaled = calloc(judged * (size_t)im->width, sizeof *im->scaled);
  im->worth = calloc(judged, sizeof *im->worth);
  im->of = calloc(judged, sizeof *im->of);
  return im->mean && im->variance && im->middle && im->scale && im->kept && im->episode && im->round &&
                 im->unscaled && im->scaled && im->worth && im->of
             ? loom_running_create(&im->policy, im->features, err)
             : no_memory(err);
}

static int create_discriminator(loomImitation* im, loomError* err) {
  const loomGailConfig* c = &im->config;
  loomDiscriminatorDef def = loom_default_discriminator_def((loomDiscriminatorKind)c->discriminator);
  bool linear = c->discriminator == LOOM_DISCRIMINATOR_LINEAR;

  def.features = im->width;
  def.pack = c->pack;
  def.rate = c->rate;
  def.penalty = linear ? 0 : c->penalty;
  def.spectral = c->spectral;
  if (!linear) def.hidden = c->hidden;
  if (im->airl)
    def.shaped = (loomShapedDef){.obs = im->obs,
                                 .actions = im->actions,
                                 .sees_action = c->see == LOOM_SEE_ACTION,
                                 .ends = c->absorbing,
                                 .discount = im->discount};
  return loom_discriminator_create(&im->d, &def, im->seed, c->batch, err);
}

static loomRewardForm form_of(const loomGailConfig* c) {
  if (c->reward) return (loomRewardForm)(c->reward - 1);
  return loom_discriminator_is_critic((loomDiscriminatorKind)c->discriminator) ? LOOM_REWARD_WGAN
                                                                               : LOOM_REWARD_AIRL;
}

static int create_all(loomImitation* im, const loomImitated* expert, loomError* err) {
  if (im->config.absorbing && im->discount >= 1)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "what follows an end for ever has no finite worth without a discount below 1; take "
                          "one, or --absorbing off");

  int code = create_rows(im, err);
  if (!code) code = take_expert(im, expert, err);
  if (code) return code;

  measure_expert(im);
  end_expert(im, expert);
  set_scale(im);
  return create_discriminator(im, err);
}

int loom_imitation_create(loomImitation** out, const loomImitationDef* def, loomError* err) {
  const loomGailConfig* c = def->config;
  bool airl = c->discriminator == LOOM_DISCRIMINATOR_AIRL;
  int obs = def->expert->obs, actions = def->expert->actions;
  int more = airl ? actions + obs : c->see == LOOM_SEE_NEXT ? obs : actions;
  int marks = c->absorbing ? 1 + airl : 0;
  loomImitation* im = *out = calloc(1, sizeof *im);
  if (!im) return no_memory(err);

  *im = (loomImitation){.config = *c,
                        .discount = def->discount,
                        .horizon = def->horizon,
                        .rows = def->rows,
                        .seed = def->seed,
                        .obs = obs,
                        .actions = actions,
                        .features = obs + more,
                        .marks = marks,
                        .width = obs + more + marks + airl,
                        .airl = airl,
                        .form = form_of(c)};
  int code = create_all(im, def->expert, err);
  if (!code) return LOOM_OK;

  loom_imitation_destroy(im);
  *out = NULL;
  return code;
}

void loom_imitation_destroy(loomImitation* im) {
  if (!im) return;

  loom_discriminator_destroy(&im->d);
  loom_running_destroy(&im->policy);
  free(im->expert);
  free(im->demo);
  free(im->mean);
  free(im->variance);
  free(im->middle);
  free(im->scale);
  free(im->kept);
  free(im->episode);
  free(im->round);
  free(im->unscaled);
  free(im->scaled);
  free(im->worth);
  free(im->of);
  free(im);
}

// ---- the discriminator learns

static void add_look(loomImitation* im, const loomDiscriminatorLook* look) {
  tally* t = &im->tally;
  t->updates++;
  t->loss += look->loss;
  t->penalty += look->penalty;
  t->expert += look->expert_accuracy;
  t->policy += look->policy_accuracy;
  t->entropy += look->entropy;
  t->wasserstein += look->wasserstein;
}

// Of both classes as they lie in d.expert and, behind, d.policy; the policy does not learn meanwhile.
static void update(loomImitation* im, loomRandom* random) {
  size_t packs = (size_t)im->config.batch * (size_t)im->config.pack;
  ask_policy(im, im->d.expert, 2 * im->config.batch);
  scale_rows(im, im->d.expert, packs);
  scale_rows(im, im->d.policy, packs);

  loomDiscriminatorLook look = loom_discriminator_step(&im->d, random);
  add_look(im, &look);
  im->count.updates++;
}

static void draw_expert(loomImitation* im, loomRandom* random) {
  const loomDiscriminatorRows rows = {im->expert, im->demo, im->expert_rows};

  loom_discriminator_pack(im->d.expert, &im->d, &rows, im->config.batch, random);
}

static loomRandom stream_of(const loomImitation* im) {
  return loom_random(im->seed, (uint64_t)im->count.updates, LOOM_PURPOSE_PACK);
}

void loom_imitation_close_round(loomImitation* im) {
  tally* t = &im->tally;
  double n = fmax(t->updates, 1);
  const loomDiscriminatorLook look = {.expert_accuracy = t->expert / n,
                                      .policy_accuracy = t->policy / n,
                                      .entropy = t->updates > 0 ? t->entropy / n : (double)NAN};
  loomWinWatch watch = {(int)im->count.winning};

  im->count.rounds++;
  if (loom_win_watch(&watch, &look)) im->count.won = im->count.rounds;
  im->count.winning = watch.rounds;
  im->told = *t;
  *t = (tally){0};
}

// ---- rollouts

// A round more; the oldest goes.
static void shift_rounds(loomImitation* im) {
  size_t oldest = (size_t)im->round[0], left = (size_t)im->count.count - oldest, width = (size_t)im->width;
  int last = im->config.replay - 1;

  memmove(im->kept, im->kept + oldest * width, left * width * sizeof *im->kept);
  memmove(im->episode, im->episode + oldest, left * sizeof *im->episode);
  memmove(im->round, im->round + 1, (size_t)last * sizeof *im->round);
  im->round[last] = 0;
  im->count.count = (double)left;
}

static loomReal* keep_row(loomImitation* im, int episode) {
  size_t k = (size_t)im->count.count++;
  im->round[im->config.replay - 1]++;
  im->episode[k] = episode;

  return im->kept + k * (size_t)im->width;
}

static loomReal* put_doubles(loomReal* to, const double* from, int n) {
  for (int j = 0; j < n; j++) to[j] = (loomReal)from[j];
  return to + n;
}

// Row `at` of a rollout, unscaled.
static void row_of(loomReal* out, const loomImitation* im, const loomImitationRollout* r, int at) {
  ptrdiff_t obs = im->obs, actions = im->actions;
  bool next = im->config.see == LOOM_SEE_NEXT;

  loomReal* to = put_doubles(out, r->obs + at * obs, im->obs);
  if (im->airl || !next) to = put_doubles(to, r->action + at * actions, im->actions);
  if (im->airl || next) put_doubles(to, r->obs + (at + r->n) * obs, im->obs);
  put_marks(im, out);
  if (im->marks > 1 && r->terminated[at]) put_end(im, out);
}

// A rollout's rows, then those of what followed the ends.
static void take_rollout(loomImitation* im, const loomImitationRollout* r) {
  int last = im->config.replay - 1, rows = 0;
  shift_rounds(im);

  for (int at = 0; at < r->steps * r->n; at++) {
    if (r->fresh[at]) continue;
    loomReal* row = keep_row(im, r->episode[at]);
    row_of(row, im, r, at);
    double* to = im->unscaled + (ptrdiff_t)rows++ * im->features;
    for (int j = 0; j < im->features; j++) to[j] = (double)row[j];
  }

  if (rows) loom_running_update(&im->policy, im->unscaled, rows);
  set_scale(im);

  for (int at = 0; at < r->steps * r->n; at++) {
    if (r->fresh[at] || !r->terminated[at]) continue;
    int n = absorbing_rows(im, r->length[at], r->length[at]);

    for (int k = 0; k < n && im->round[last] < 2 * im->rows; k++)
      put_absorbing(im, keep_row(im, r->episode[at]));
  }
}

// All rows of the rollout and, where there is one, the absorbing state's, the last; how many.
static int judge_rows(loomImitation* im, const loomImitationRollout* r) {
  int n = 0;
  for (int at = 0; at < r->steps * r->n; at++) {
    if (r->fresh[at]) continue;
    row_of(im->scaled + (ptrdiff_t)n * im->width, im, r, at);
    im->of[n++] = r->episode[at];
  }

  if (im->config.absorbing) {
    put_absorbing(im, im->scaled + (ptrdiff_t)n * im->width);
    im->of[n++] = -1;
  }
  ask_policy(im, im->scaled, n);
  scale_rows(im, im->scaled, (size_t)n);
  return n;
}

// What n rows in `scaled` are worth; of = their episodes, or NULL.
static void judge(loomImitation* im, const int* of, int n) {
  loomRandom random = loom_random(im->seed, (uint64_t)im->count.judged++, LOOM_PURPOSE_LATENT);
  const loomDiscriminatorRows rows = {im->scaled, of, n};
  const loomDiscriminatorReward def = {im->form, im->config.packs};

  loom_discriminator_reward(im->worth, &im->d, &rows, &def, &random);
  if (im->config.absorbing) im->tally.absorbing = (double)im->worth[n - 1];
}

static double after_end(const loomImitation* im) {
  return im->config.absorbing ? loom_absorbing_worth(im->tally.absorbing, im->discount) : 0;
}

void loom_imitation_round(double* reward, loomImitation* im, const loomImitationRollout* r) {
  take_rollout(im, r);

  const loomDiscriminatorRows policy = {im->kept, im->episode, (int)im->count.count};
  for (int i = 0; policy.n && i < im->config.updates; i++) {
    loomRandom random = stream_of(im);
    draw_expert(im, &random);
    loom_discriminator_pack(im->d.policy, &im->d, &policy, im->config.batch, &random);
    update(im, &random);
  }

  // By the discriminator as it is now.
  int n = judge_rows(im, r), k = 0;
  if (n) judge(im, im->of, n);
  for (int at = 0; at < r->steps * r->n; at++) {
    reward[at] = 0;
    if (r->fresh[at]) continue;
    reward[at] = (double)im->worth[k++];
    im->tally.reward += reward[at];
    im->tally.judged++;
    if (r->terminated[at]) reward[at] += after_end(im);
  }
  loom_imitation_close_round(im);
}

// ---- batches of a replay buffer

void loom_imitation_note(loomImitation* im, int length) {
  im->count.ended += absorbing_rows(im, length, length);
}

void loom_imitation_count(loomImitation* im, int steps) {
  im->count.steps += steps;
}

static void batch_rows(loomReal* out, const loomImitation* im, const loomImitationBatch* b) {
  size_t obs = (size_t)im->obs, more = (size_t)im->features - obs;
  const loomReal* second = im->config.see == LOOM_SEE_NEXT ? b->next : b->action;

  for (size_t i = 0; i < (size_t)b->n; i++, out += im->width) {
    memcpy(out, b->obs + i * obs, obs * sizeof *out);
    memcpy(out + obs, second + i * more, more * sizeof *out);
    put_marks(im, out);
  }
}

// The buffer has no absorbing rows: as many of a batch become such as there would be.
static void mix_absorbing(loomImitation* im, loomReal* rows, int n, loomRandom* random) {
  double all = im->count.ended + im->count.steps, share = all > 0 ? im->count.ended / all : 0;

  for (int i = 0; i < n; i++)
    if (loom_random_uniform(random) < share) put_absorbing(im, rows + (ptrdiff_t)i * im->width);
}

void loom_imitation_learn(loomImitation* im, const loomImitationBatch* b) {
  loomRandom random = stream_of(im);
  batch_rows(im->scaled, im, b);

  for (int i = 0; i < b->n; i++)
    for (int j = 0; j < im->features; j++)
      im->unscaled[(ptrdiff_t)i * im->features + j] = (double)im->scaled[(ptrdiff_t)i * im->width + j];
  loom_running_update(&im->policy, im->unscaled, b->n);
  set_scale(im);

  if (im->config.absorbing) mix_absorbing(im, im->scaled, b->n, &random);
  const loomDiscriminatorRows policy = {im->scaled, NULL, b->n};
  draw_expert(im, &random);
  loom_discriminator_pack(im->d.policy, &im->d, &policy, im->config.batch, &random);
  update(im, &random);
}

void loom_imitation_judge(loomReal* reward, loomImitation* im, const loomImitationBatch* b) {
  int n = b->n;

  batch_rows(im->scaled, im, b);
  if (im->config.absorbing) put_absorbing(im, im->scaled + (ptrdiff_t)n++ * im->width);
  scale_rows(im, im->scaled, (size_t)n);
  judge(im, NULL, n);

  for (int i = 0; i < b->n; i++) {
    reward[i] = im->worth[i];
    im->tally.reward += (double)reward[i];
    im->tally.judged++;
    if (b->terminated[i]) reward[i] += (loomReal)after_end(im);
  }
}

// ---- what was learned

int loom_imitation_reward(loomStepReward* out, loomImitation* im, loomError* err) {
  return loom_step_reward_of(out, &im->d, im->middle, im->scale, err);
}

// ---- as part of a learner

int loom_imitation_scalars(loomScalar* out, const loomImitation* im) {
  const tally* t = &im->told;
  double n = fmax(t->updates, 1);
  bool critic = loom_discriminator_is_critic((loomDiscriminatorKind)im->config.discriminator);
  const loomScalar all[] = {{"discriminator/loss", t->loss / n},
                            {"discriminator/penalty", t->penalty / n},
                            {"discriminator/expert_accuracy", t->expert / n},
                            {"discriminator/policy_accuracy", t->policy / n},
                            {"discriminator/wasserstein", t->wasserstein / n},
                            {"discriminator/reward", t->reward / fmax(t->judged, 1)},
                            {"discriminator/entropy", t->entropy / n},
                            {"discriminator/absorbing", t->absorbing}};
  int count = 6;
  if (t->updates <= 0) return 0;

  // Critics have no entropy.
  memcpy(out, all, (size_t)count * sizeof *all);
  if (!critic) out[count++] = all[6];
  if (im->config.absorbing) out[count++] = all[7];
  return count;
}

int loom_imitation_tensors(loomSafeTensor* out, loomImitation* im) {
  int n = loom_learner_discriminator(out, &im->d);
  size_t rows = im->room, width = (size_t)im->width;

  out[n++] = loom_learner_numbers("train.imitation.counters", LOOM_SAFE_F64, &im->count, COUNTERS);
  out[n++] = loom_learner_numbers("train.imitation.moments", LOOM_SAFE_F64, im->policy.moments,
                                  1 + 2 * (size_t)im->features);
  out[n++] = loom_learner_numbers("train.imitation.rows", LOOM_SAFE_F32, im->kept, rows * width);
  out[n++] = loom_learner_numbers("train.imitation.episodes", LOOM_SAFE_I32, im->episode, rows);
  out[n++] =
      loom_learner_numbers("train.imitation.rounds", LOOM_SAFE_F64, im->round, (size_t)im->config.replay);
  return n;
}

void loom_imitation_thaw(loomImitation* im) {
  set_scale(im);
  loom_discriminator_refresh(&im->d);
}
