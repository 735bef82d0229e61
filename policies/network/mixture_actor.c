#include "policies/network/mixture_actor.h"

#include <stdlib.h>
#include <string.h>

// ---- outputs

// Of the newest of each sample's rows, by which it acts; earlier ones have outputs only in training.
static const loomReal* outputs_of(loomMixtureActor* a, const loomReal* seen, int n) {
  const loomNetworkDef* def = &a->network->def;
  size_t width = (size_t)def->output_width, rows = (size_t)def->output_rows;
  loomSamples samples = {.n = n, .obs = seen};
  const loomReal* all = def->type->forward(a->layers, &a->network->params, &samples, NULL);

  for (size_t i = 0; i < (size_t)n; i++)
    memcpy(a->outputs + i * width, all + ((i + 1) * rows - 1) * width, width * sizeof *all);
  return a->outputs;
}

// From a->doutputs, after outputs_of the same.
static void pass_back(loomMixtureActor* a, const loomReal* seen, int n) {
  const loomNetworkDef* def = &a->network->def;
  size_t width = (size_t)def->output_width, rows = (size_t)def->output_rows;
  loomSamples samples = {.n = n, .obs = seen};

  memset(a->dall, 0, (size_t)n * rows * width * sizeof *a->dall);
  for (size_t i = 0; i < (size_t)n; i++)
    memcpy(a->dall + ((i + 1) * rows - 1) * width, a->doutputs + i * width, width * sizeof *a->dall);
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
  return (loomPpoActor){.self = actor,
                        .params = &actor->network->params,
                        .words = actor->mixture.actions,
                        .ratios = 1,
                        .own_obs = true,
                        .draw = draw_actions,
                        .log_prob = log_prob_of,
                        .backward = backward,
                        .best = best_action};
}

double loom_mixture_actor_clone(loomMixtureActor* a, const loomReal* seen, const loomReal* action,
                                const loomReal* real, int n, double weight) {
  size_t count = (size_t)n * (size_t)a->network->def.output_width;
  const loomReal* y = outputs_of(a, seen, n);
  double loss = loom_mixture_loss(a->doutputs, a->dentropy, y, action, real, n, &a->mixture);

  for (size_t i = 0; i < count; i++) a->doutputs[i] *= (loomReal)weight;
  pass_back(a, seen, n);
  return weight * loss;
}

// ---- made

static void lay_out(loomMixtureActor* a, loomArena* arena, int n) {
  size_t count = (size_t)n * (size_t)a->network->def.output_width;
  a->outputs = loom_arena_real(arena, count);
  a->doutputs = loom_arena_real(arena, count);
  a->dall = loom_arena_real(arena, count * (size_t)a->network->def.output_rows);
  a->dentropy = loom_arena_real(arena, (size_t)n);
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
  if (objective.kind != LOOM_OBJECTIVE_LIKELIHOOD || network->def.type->begin)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "a policy of kind %s cannot be learned by ppo directly: bc_gaussian, bc_gmm and "
                          "bc_transformer can, and `--method residual` takes any",
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
