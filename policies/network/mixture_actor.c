#include "policies/network/mixture_actor.h"

#include <stdlib.h>
#include <string.h>

// ---- outputs

static bool remembers(const loomMixtureActor* a) {
  return a->network->def.type->begin != NULL;
}

// Which of a sample's rows the decision is of: the newest.
static size_t row_of(const loomMixtureActor* a, const loomReal* seen, size_t i) {
  return remembers(a) ? (size_t)seen[i * (size_t)a->inputs] : (size_t)a->network->def.output_rows - 1;
}

// Rows since the network forgot come first, what is not yet is zero and changes nothing before it.
static const loomReal* unroll(loomMixtureActor* a, const loomReal* seen, int n) {
  const loomNetworkDef* def = &a->network->def;
  size_t all = (size_t)def->obs_rows * (size_t)def->obs_dim;
  if (!remembers(a)) return seen;

  for (size_t i = 0; i < (size_t)n; i++) {
    const loomReal* end = seen + (i + 1) * (size_t)a->inputs;
    size_t count = (row_of(a, seen, i) + (size_t)def->stack) * (size_t)def->obs_dim;
    loomReal* to = a->window + i * all;
    memcpy(to, end - count, count * sizeof *to);
    memset(to + count, 0, (all - count) * sizeof *to);
  }
  return a->window;
}

// Of the decisions; those of other rows are for training alone.
static const loomReal* outputs_of(loomMixtureActor* a, const loomReal* seen, int n) {
  const loomNetworkDef* def = &a->network->def;
  size_t width = (size_t)def->output_width, rows = (size_t)def->output_rows;
  loomSamples samples = {.n = n, .obs = unroll(a, seen, n)};
  const loomReal* all = def->type->forward(a->layers, &a->network->params, &samples, NULL);

  for (size_t i = 0; i < (size_t)n; i++)
    memcpy(a->outputs + i * width, all + (i * rows + row_of(a, seen, i)) * width, width * sizeof *all);
  return a->outputs;
}

// From a->doutputs, after outputs_of the same.
static void pass_back(loomMixtureActor* a, const loomReal* seen, int n) {
  const loomNetworkDef* def = &a->network->def;
  size_t width = (size_t)def->output_width, rows = (size_t)def->output_rows;
  loomSamples samples = {.n = n, .obs = remembers(a) ? a->window : seen};

  memset(a->dall, 0, (size_t)n * rows * width * sizeof *a->dall);
  for (size_t i = 0; i < (size_t)n; i++)
    memcpy(a->dall + (i * rows + row_of(a, seen, i)) * width, a->doutputs + i * width,
           width * sizeof *a->dall);
  def->type->backward(a->layers, &a->network->params, &samples, a->dall);
}

// ---- as an actor of PPO

static void draw_actions(double* action, loomReal* decision, loomReal* log_prob, void* self,
                         const loomReal* seen, int n, loomRandom* random) {
  loomMixtureActor* a = self;
  int actions = a->mixture.actions, width = a->network->def.output_width;
  const loomReal* y = outputs_of(a, seen, n);

  for (int i = 0; i < n; i++)
    loom_mixture_sample(decision + i * actions, y + i * width, &a->mixture, false, &random[i]);
  loom_mixture_log_prob(log_prob, y, decision, n, &a->mixture);
  for (int i = 0; i < n * actions; i++) action[i] = (double)decision[i];
}

static double log_prob_of(loomReal* log_prob, void* self, const loomReal* seen, const loomReal* decision,
                          int n) {
  loomMixtureActor* a = self;
  const loomReal* y = outputs_of(a, seen, n);
  double entropy = 0;
  loom_mixture_log_prob(log_prob, y, decision, n, &a->mixture);
  if (!a->entropy) return 0;

  loom_mixture_entropy(a->dentropy, y, n, &a->mixture);
  for (int i = 0; i < n; i++) entropy += (double)a->dentropy[i] / n;
  return entropy;
}

static void backward(void* self, const loomReal* dlog_prob, double dentropy, const loomReal* seen,
                     const loomReal* decision, int n) {
  loomMixtureActor* a = self;
  memset(a->doutputs, 0, (size_t)n * (size_t)a->network->def.output_width * sizeof *a->doutputs);
  loom_mixture_log_prob_backward(a->doutputs, dlog_prob, a->outputs, decision, n, &a->mixture);

  for (int i = 0; a->entropy && i < n; i++) a->dentropy[i] = (loomReal)(dentropy / n);
  if (a->entropy) loom_mixture_entropy_backward(a->doutputs, a->dentropy, a->outputs, n, &a->mixture);
  pass_back(a, seen, n);
}

static void best_action(double* action, void* self, const loomReal* seen) {
  loomMixtureActor* a = self;
  loom_mixture_mode(a->doutputs, outputs_of(a, seen, 1), &a->mixture);
  for (int d = 0; d < a->mixture.actions; d++) action[d] = (double)a->doutputs[d];
}

loomPpoActor loom_mixture_actor(loomMixtureActor* actor) {
  loomMixtureDef* mixture = &actor->mixture;
  return (loomPpoActor){.self = actor,
                        .params = &actor->network->params,
                        .words = actor->mixture.actions,
                        .ratios = 1,
                        .deviation = mixture->fixed_std > 0 ? &mixture->fixed_std : &mixture->min_std,
                        .own_obs = true,
                        .draw = draw_actions,
                        .log_prob = log_prob_of,
                        .backward = backward,
                        .best = best_action};
}

double loom_mixture_actor_clone(loomMixtureActor* a, const loomSamples* samples, double weight) {
  const loomNetworkDef* def = &a->network->def;
  int rows = samples->n * def->output_rows;
  const loomReal* y = def->type->forward(a->layers, &a->network->params, samples, NULL);
  double loss =
      loom_mixture_loss(a->dall, a->dentropy, y, samples->actions, samples->real, rows, &a->mixture);

  for (ptrdiff_t i = 0; i < (ptrdiff_t)rows * def->output_width; i++) a->dall[i] *= (loomReal)weight;
  def->type->backward(a->layers, &a->network->params, samples, a->dall);
  return weight * loss;
}

// ---- made

static void lay_out(loomMixtureActor* a, loomArena* arena, int n) {
  size_t count = (size_t)n * (size_t)a->network->def.output_width;
  a->outputs = loom_arena_real(arena, count);
  a->doutputs = loom_arena_real(arena, count);
  a->dall = loom_arena_real(arena, count * (size_t)a->network->def.output_rows);
  a->dentropy = loom_arena_real(arena, (size_t)n * (size_t)a->network->def.output_rows);
  a->window = loom_arena_real(arena, remembers(a) ? (size_t)n * (size_t)a->inputs : 0);
}

static int create_layers(loomMixtureActor* out, int n, loomError* err) {
  const loomNetworkType* type = out->network->def.type;
  loomArena measured = {0};
  out->layers = malloc(type->size);
  if (!out->layers) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");
  memcpy(out->layers, out->network->layers, type->size);

  lay_out(out, &measured, n);
  int code = loom_arena_create(&out->arena, measured.used, err);
  if (code) return code;
  lay_out(out, &out->arena, n);
  return loom_network_place(out->layers, &out->layers_arena, type, n, err);
}

int loom_mixture_actor_create(loomMixtureActor* out, loomNetwork* network, double least_std, bool entropy,
                              int n, loomError* err) {
  loomObjectiveDef objective = loom_network_objective(&network->def);
  *out = (loomMixtureActor){.network = network, .mixture = objective.mixture, .entropy = entropy};
  out->mixture.min_std = least_std;
  out->inputs = (remembers(out) ? 1 + network->def.obs_rows * network->def.obs_dim
                                : loom_network_seen(&network->def) * network->def.obs_dim);
  if (objective.kind != LOOM_OBJECTIVE_LIKELIHOOD)
    return loom_error_set(
        err, LOOM_ERR_UNSUPPORTED,
        "a policy of kind %s has no likelihood that ppo could learn by; bc_gaussian, bc_gmm, "
        "bc_rnn_gmm and bc_transformer have one, and `--method residual` takes any",
        loom_policy_kind_name((loomPolicyKind)network->def.policy.kind));

  int code = create_layers(out, n, err);
  if (code) loom_mixture_actor_destroy(out);
  return code;
}

void loom_mixture_actor_destroy(loomMixtureActor* actor) {
  loom_arena_destroy(&actor->layers_arena);
  loom_arena_destroy(&actor->arena);
  free(actor->layers);
  *actor = (loomMixtureActor){0};
}
