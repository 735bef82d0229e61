#include "policies/network.h"

#include <stdlib.h>

static const loomNetworkType* const types[LOOM_KINDS] = {
    [LOOM_KIND_BC_L2] = &loom_network_mlp,
    [LOOM_KIND_BC_GAUSSIAN] = &loom_network_mlp,
    [LOOM_KIND_BC_GMM] = &loom_network_mlp,
    [LOOM_KIND_BC_RNN_GMM] = &loom_network_rnn,
    [LOOM_KIND_DIFFUSION_MLP] = &loom_network_diffusion,
};

loomNetworkDef loom_network_def(const loomTrainConfig* config, int obs_dim, int action_dim) {
  loomNetworkDef def = {.policy = config->policy,
                        .obs_dim = obs_dim,
                        .action_dim = action_dim,
                        .obs_rows = config->data.stack + config->data.length - 1,
                        .action_rows = config->data.length,
                        .stack = config->data.stack};
  if (loom_policy_denoises(config->policy.kind)) {
    def.obs_rows = def.stack = config->policy.observed;
    def.action_rows = config->policy.predicted;
  }
  return def;
}

int loom_network_seen(const loomNetworkDef* def) {
  return def->stack;
}

int loom_network_decided(const loomNetworkDef* def) {
  return loom_policy_denoises(def->policy.kind) ? def->policy.executed : 1;
}

int loom_network_create(loomNetwork* out, const loomNetworkDef* def, uint64_t seed, loomError* err) {
  *out = (loomNetwork){.type = types[def->policy.kind], .def = *def};
  if (!out->type)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "policies of kind %s cannot be trained yet",
                          loom_policy_kind_name((loomPolicyKind)def->policy.kind));
  out->layers = calloc(1, out->type->size);
  if (!out->layers) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a network");
  out->type->declare(out->layers, &out->params, def);
  int code = loom_params_create(&out->params, err);
  if (code) {
    loom_network_destroy(out);
    return code;
  }
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WEIGHTS);
  out->type->init(out->layers, &out->params, &random);
  return LOOM_OK;
}

// Measure, allocate, lay out for good.
static int lay_out(void* layers, loomArena* arena, const loomNetworkType* type, int n, loomError* err) {
  loomArena measured = {0};
  type->layout(layers, &measured, n);
  loom_arena_destroy(arena);
  int code = loom_arena_create(arena, measured.used, err);
  if (!code) type->layout(layers, arena, n);
  return code;
}

int loom_network_layout(loomNetwork* network, int n, loomError* err) {
  return lay_out(network->layers, &network->arena, network->type, n, err);
}

void loom_network_destroy(loomNetwork* network) {
  if (!network) return;
  loom_params_destroy(&network->params);
  loom_arena_destroy(&network->arena);
  free(network->layers);
  *network = (loomNetwork){0};
}

double loom_network_loss(loomNetwork* network, const loomSamples* samples, uint64_t seed, uint64_t step,
                         bool train) {
  loomRandom random = loom_random(seed, step, LOOM_PURPOSE_DROPOUT);
  if (train) loom_params_zero_gradient(&network->params);
  return network->type->loss(network->layers, &network->params, samples, &random, train);
}

int loom_actor_create(loomActor* out, const loomNetwork* network, loomError* err) {
  *out = (loomActor){.network = network, .layers = malloc(network->type->size)};
  if (!out->layers) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");
  memcpy(out->layers, network->layers, network->type->size);
  int code = lay_out(out->layers, &out->arena, network->type, 0, err);
  if (code) loom_actor_destroy(out);
  return code;
}

void loom_actor_destroy(loomActor* actor) {
  loom_arena_destroy(&actor->arena);
  free(actor->layers);
  *actor = (loomActor){0};
}

void loom_actor_begin(loomActor* actor) {
  if (actor->network->type->begin) actor->network->type->begin(actor->layers);
}

void loom_actor_decide(loomReal* actions, loomActor* actor, const loomReal* obs, loomRandom* random) {
  actor->network->type->decide(actions, actor->layers, &actor->network->params, obs, random);
}
