#include "policies/network/diffusion_actor.h"

#include <stdlib.h>
#include <string.h>

#define HALF_LOG_2PI 0.91893853320467274178

// ---- the chain

// Where the diffusion is before and after the k-th of the steps that learn.
typedef struct chainStep {
  int at, next;
  int begin, rows;  // of the chunk, that it is judged by
} chainStep;

static chainStep step_of(const loomDiffusionActor* a, int k) {
  const loomNetworkDef* def = &a->network->def;
  const loomNetworkConfig* policy = &def->policy;
  int left = a->def.steps - k;
  chainStep s = {.at = loom_diffusion_at(left, policy->denoise_steps, policy->noise_steps),
                 .next = loom_diffusion_at(left - 1, policy->denoise_steps, policy->noise_steps),
                 .rows = def->action_rows};

  // Of the last chunk only some rows are done.
  if (left == 1) s.begin = policy->observed - 1;
  if (left == 1) s.rows = policy->executed;
  return s;
}

// What the sampler makes of noisy chunks (count x output_width): a->clean, its guess, and a->mean, one step
// on. Chunk i is before step first + i % every.
static void take_step(loomDiffusionActor* a, const loomReal* obs, const loomReal* noisy, int count, int first,
                      int every) {
  const loomNetworkDef* def = &a->network->def;
  size_t width = (size_t)def->output_width;
  loomSamples samples = {.n = count, .obs = obs, .noisy = noisy, .noise_step = a->noise_step};
  for (int i = 0; i < count; i++) a->noise_step[i] = step_of(a, first + i % every).at;

  const loomReal* said = def->type->forward(a->layers, &a->network->params, &samples, NULL);
  memcpy(a->clean, said, (size_t)count * width * sizeof *said);
  memcpy(a->mean, noisy, (size_t)count * width * sizeof *said);

  for (int i = 0; i < count; i++) {
    chainStep s = step_of(a, first + i % every);
    loomReal *clean = a->clean + (size_t)i * width, *mean = a->mean + (size_t)i * width;
    if (!a->predicts_targets) loom_diffusion_clean(clean, mean, s.at, &a->diffusion, width);
    loom_diffusion_hold(clean, def->action_bounds, def->action_dim, (size_t)def->action_rows);
    loom_diffusion_step(mean, clean, s.at, s.next, &a->diffusion, width);
  }
}

// ---- the Gaussian

// Each number of an action has, over the rows of a chunk, the covariance
//
//   std^2 ((1 - shared) I + shared 1 1^T),
//
// noise of all rows and of each. White noise is averaged away by the controllers that follow the rows, so
// that little of it is ever tried.
static void add_noise(loomReal* chunk, const loomDiffusionActor* a, loomRandom* random) {
  int rows = a->network->def.action_rows, dim = a->network->def.action_dim;
  double own = a->def.std * sqrt(1 - a->def.shared), common = a->def.std * sqrt(a->def.shared);

  for (int d = 0; d < dim; d++) {
    double all = common > 0 ? common * loom_random_normal(random) : 0;
    for (int r = 0; r < rows; r++) chunk[r * dim + d] += (loomReal)(all + own * loom_random_normal(random));
  }
}

static double likelihood_std(const loomDiffusionActor* a) {
  return fmax(a->def.std, a->def.likelihood_std);
}

// The share of a column's sum that is taken from each of its rows by the covariance's inverse (Sherman and
// Morrison), which leaves (x - share sum) / (std^2 (1 - shared)).
static double common_share(const loomDiffusionActor* a, int rows) {
  return a->def.shared / (1 - a->def.shared + rows * a->def.shared);
}

static double column_sum(const loomDiffusionActor* a, chainStep s, int d, const loomReal* mean,
                         const loomReal* chunk) {
  int dim = a->network->def.action_dim;
  double sum = 0;
  for (int r = s.begin; r < s.begin + s.rows; r++) sum += (double)(chunk[r * dim + d] - mean[r * dim + d]);
  return sum;
}

static loomReal log_prob_of_step(const loomDiffusionActor* a, int k, const loomReal* mean,
                                 const loomReal* chunk) {
  chainStep s = step_of(a, k);
  int dim = a->network->def.action_dim;
  double own = 1 - a->def.shared, std = likelihood_std(a), squares = 0;

  for (int d = 0; d < dim; d++) {
    double sum = column_sum(a, s, d, mean, chunk);
    for (int r = s.begin; r < s.begin + s.rows; r++) {
      double off = (double)(chunk[r * dim + d] - mean[r * dim + d]);
      squares += off * off;
    }
    squares -= common_share(a, s.rows) * sum * sum;
  }

  double spread = (s.rows - 1) * log(own) + log(own + s.rows * a->def.shared);
  double each = spread / 2 + s.rows * (log(std) + HALF_LOG_2PI);
  return (loomReal)(-0.5 * squares / (std * std * own) - dim * each);
}

// dmean (output_width), times slope, of the same.
static void log_prob_backward(loomReal* dmean, const loomDiffusionActor* a, int k, double slope,
                              const loomReal* mean, const loomReal* chunk) {
  chainStep s = step_of(a, k);
  int dim = a->network->def.action_dim;
  double std = likelihood_std(a), scale = slope / (std * std * (1 - a->def.shared));
  memset(dmean, 0, (size_t)a->network->def.output_width * sizeof *dmean);

  for (int d = 0; d < dim; d++) {
    double common = common_share(a, s.rows) * column_sum(a, s, d, mean, chunk);
    for (int r = s.begin; r < s.begin + s.rows; r++) {
      double off = (double)(chunk[r * dim + d] - mean[r * dim + d]);
      dmean[r * dim + d] = (loomReal)(scale * (off - common));
    }
  }
}

// ---- as an actor of PPO

// Of a last chunk what is done; it begins with the first row observed.
static void take_executed(double* action, const loomDiffusionActor* a, const loomReal* chunk) {
  chainStep s = step_of(a, a->def.steps - 1);
  int dim = a->network->def.action_dim;
  for (int j = 0; j < s.rows * dim; j++) action[j] = (double)chunk[s.begin * dim + j];
}

// What the network sees into a->obs, each of n rows `copies` times.
static void see_rows(loomDiffusionActor* a, const loomReal* seen, int n, size_t copies) {
  const loomNetworkDef* def = &a->network->def;
  size_t obs = (size_t)def->obs_rows * (size_t)def->obs_dim;

  for (size_t i = 0; i < (size_t)n * copies; i++)
    memcpy(a->obs + i * obs, seen + i / copies * obs, obs * sizeof *a->obs);
  loom_network_hold(a->obs, def, n * (int)copies * def->obs_rows);
}

// All of the denoising, n rows side by side: the chunks that learn into decision (n x (steps + 1) x width).
// random NULL: from no noise at all, and none added.
static void run_chain(loomDiffusionActor* a, loomReal* decision, loomReal* log_prob, const loomReal* seen,
                      int n, loomRandom* random) {
  const loomNetworkDef* def = &a->network->def;
  size_t width = (size_t)def->output_width, words = width * (size_t)(a->def.steps + 1);
  int before = def->policy.denoise_steps - a->def.steps;
  double heat = def->policy.temperature;
  for (size_t i = 0; i < (size_t)n; i++)
    for (size_t j = 0; j < width; j++)
      a->noisy[i * width + j] = random ? (loomReal)(heat * loom_random_normal(&random[i])) : 0;

  see_rows(a, seen, n, 1);
  for (int k = -before; k < a->def.steps; k++) {
    for (size_t i = 0; k == 0 && i < (size_t)n; i++)
      memcpy(decision + i * words, a->noisy + i * width, width * sizeof *decision);
    take_step(a, a->obs, a->noisy, n, k, 1);
    memcpy(a->noisy, a->mean, (size_t)n * width * sizeof *a->mean);

    // The mean, and what is tried beside it.
    for (size_t i = 0; k >= 0 && i < (size_t)n; i++) {
      loomReal* chunk = decision + i * words + (size_t)(k + 1) * width;
      if (random) add_noise(a->noisy + i * width, a, &random[i]);
      memcpy(chunk, a->noisy + i * width, width * sizeof *chunk);
      if (log_prob)
        log_prob[i * (size_t)a->def.steps + (size_t)k] = log_prob_of_step(a, k, a->mean + i * width, chunk);
    }
  }
}

static void draw_actions(double* action, loomReal* decision, loomReal* log_prob, void* self,
                         const loomReal* seen, int n, loomRandom* random) {
  loomDiffusionActor* a = self;
  size_t width = (size_t)a->network->def.output_width, steps = (size_t)a->def.steps;
  size_t actions = (size_t)a->network->def.policy.executed * (size_t)a->network->def.action_dim;

  run_chain(a, decision, log_prob, seen, n, random);
  for (size_t i = 0; i < (size_t)n; i++)
    take_executed(action + i * actions, a, decision + (i * (steps + 1) + steps) * width);
}

// All steps of all rows side by side.
static double log_prob_of(loomReal* log_prob, void* self, const loomReal* seen, const loomReal* decision,
                          int n) {
  loomDiffusionActor* a = self;
  const loomNetworkDef* def = &a->network->def;
  size_t width = (size_t)def->output_width, steps = (size_t)a->def.steps;

  for (size_t i = 0; i < (size_t)n; i++)
    memcpy(a->noisy + i * steps * width, decision + i * (steps + 1) * width,
           steps * width * sizeof *a->noisy);
  see_rows(a, seen, n, steps);

  take_step(a, a->obs, a->noisy, n * a->def.steps, 0, a->def.steps);
  for (size_t i = 0; i < (size_t)n * steps; i++)
    log_prob[i] = log_prob_of_step(a, (int)(i % steps), a->mean + i * width,
                                   decision + (i / steps * (steps + 1) + i % steps + 1) * width);
  return 0;
}

static void backward(void* self, const loomReal* dlog_prob, double dentropy, const loomReal* seen,
                     const loomReal* decision, int n) {
  loomDiffusionActor* a = self;
  const loomNetworkDef* def = &a->network->def;
  size_t width = (size_t)def->output_width, steps = (size_t)a->def.steps;
  loomBounds bounds = def->action_bounds;
  (void)dentropy;
  (void)seen;

  for (size_t i = 0; i < (size_t)n * steps; i++) {
    int k = (int)(i % steps);
    chainStep s = step_of(a, k);
    const loomReal *chunk = decision + (i / steps * (steps + 1) + i % steps + 1) * width,
                   *clean = a->clean + i * width;
    loomReal* dy = a->doutputs + i * width;
    double slope = (double)dlog_prob[i] * loom_diffusion_step_slope(s.at, s.next, &a->diffusion);
    if (!a->predicts_targets) slope *= loom_diffusion_clean_slope(s.at, &a->diffusion);
    log_prob_backward(dy, a, k, slope, a->mean + i * width, chunk);

    // A guess that was held within bounds stands still.
    for (size_t j = 0; bounds.least && j < width; j++) {
      size_t d = j % (size_t)def->action_dim;
      if (!(clean[j] > (loomReal)bounds.least[d] && clean[j] < (loomReal)bounds.most[d])) dy[j] = 0;
    }
  }

  loomSamples samples = {
      .n = n * a->def.steps, .obs = a->obs, .noisy = a->noisy, .noise_step = a->noise_step};
  def->type->backward(a->layers, &a->network->params, &samples, a->doutputs);
}

static void best_action(double* action, void* self, const loomReal* seen) {
  loomDiffusionActor* a = self;
  run_chain(a, a->doutputs, NULL, seen, 1, NULL);
  take_executed(action, a, a->noisy);
}

loomPpoActor loom_diffusion_actor(loomDiffusionActor* a) {
  return (loomPpoActor){.self = a,
                        .params = &a->network->params,
                        .words = (a->def.steps + 1) * a->network->def.output_width,
                        .ratios = a->def.steps,
                        .advantage_share = a->advantage_share,
                        .clip_share = a->clip_share,
                        .deviation = &a->def.std,
                        .own_obs = true,
                        .draw = draw_actions,
                        .log_prob = log_prob_of,
                        .backward = backward,
                        .best = best_action};
}

// ---- made

// Steps far from the end decide less, and may move less (Ren et al., 2024, sections 4.3 and C.2).
static void set_shares(loomDiffusionActor* a) {
  int steps = a->def.steps;
  double least = a->def.clip_least, growth = a->def.clip_growth;

  for (int k = 0; k < steps; k++) {
    double at = steps > 1 ? (double)k / (steps - 1) : 1;
    double risen = growth > 0 ? expm1(growth * at) / expm1(growth) : at;
    a->advantage_share[k] = pow(a->def.discount, steps - 1 - k);
    a->clip_share[k] = least + (1 - least) * risen;
  }
}

static void lay_out(loomDiffusionActor* a, loomArena* arena, int n) {
  const loomNetworkDef* def = &a->network->def;
  size_t rows = (size_t)n * (size_t)a->def.steps, count = rows * (size_t)def->output_width;
  a->obs = loom_arena_real(arena, rows * (size_t)def->obs_rows * (size_t)def->obs_dim);
  a->noisy = loom_arena_real(arena, count);
  a->clean = loom_arena_real(arena, count);
  a->mean = loom_arena_real(arena, count);

  // Also the decision of one row without noise.
  a->doutputs = loom_arena_real(arena, count + (size_t)def->output_width);
  a->noise_step = loom_arena_int(arena, rows);
}

static int create_layers(loomDiffusionActor* a, int n, loomError* err) {
  const loomNetworkType* type = a->network->def.type;
  loomArena measured = {0};
  a->layers = malloc(type->size);
  if (!a->layers) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");
  memcpy(a->layers, a->network->layers, type->size);

  lay_out(a, &measured, n);
  int code = loom_arena_create(&a->arena, measured.used, err);
  if (code) return code;
  lay_out(a, &a->arena, n);
  return loom_network_place(a->layers, &a->layers_arena, type, n * a->def.steps, err);
}

int loom_diffusion_actor_create(loomDiffusionActor* out, loomNetwork* network,
                                const loomDiffusionActorDef* def, int n, loomError* err) {
  const loomNetworkConfig* policy = &network->def.policy;
  *out = (loomDiffusionActor){.def = *def, .network = network};
  if (!loom_policy_denoises(policy->kind))
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "a policy of kind %s takes no noise away, which is what dppo learns: diffusion and "
                          "diffusion_mlp do; `--method ppo` or `--method residual` take others",
                          loom_policy_kind_name((loomPolicyKind)policy->kind));
  if (!def->steps || def->steps > policy->denoise_steps) out->def.steps = policy->denoise_steps;
  out->diffusion = loom_diffusion_cosine(policy->noise_steps);
  out->predicts_targets = policy->predicts != LOOM_PREDICT_NOISE;
  set_shares(out);
  int code = create_layers(out, n, err);
  if (code) loom_diffusion_actor_destroy(out);
  return code;
}

void loom_diffusion_actor_destroy(loomDiffusionActor* actor) {
  loom_arena_destroy(&actor->layers_arena);
  loom_arena_destroy(&actor->arena);
  free(actor->layers);
  *actor = (loomDiffusionActor){0};
}
