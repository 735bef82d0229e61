#include "policies/network/network.h"

#include <stdlib.h>

static const loomNetworkType* const types[LOOM_KINDS] = {
    [LOOM_KIND_BC_L2] = &loom_network_mlp,
    [LOOM_KIND_BC_GAUSSIAN] = &loom_network_mlp,
    [LOOM_KIND_BC_GMM] = &loom_network_mlp,
    [LOOM_KIND_BC_RNN_GMM] = &loom_network_rnn,
    [LOOM_KIND_BC_TRANSFORMER] = &loom_network_transformer,
    [LOOM_KIND_DIFFUSION] = &loom_network_diffusion,
    [LOOM_KIND_DIFFUSION_MLP] = &loom_network_diffusion,
};

loomNetworkDef loom_network_def(const loomTrainConfig* config, int low_dim, int action_dim) {
  loomNetworkDef def = {.policy = config->policy,
                        .obs_dim = low_dim,
                        .low_dim = low_dim,
                        .encoder = {.config = config->encoder},
                        .action_dim = action_dim,
                        .obs_rows = config->data.stack + config->data.length - 1,
                        .action_rows = config->data.length,
                        .stack = config->data.stack};
  if (loom_policy_denoises(config->policy.kind)) {
    def.obs_rows = def.stack = config->policy.observed;
    def.action_rows = config->policy.predicted;
  }
  if (config->policy.kind == LOOM_KIND_BC_TRANSFORMER) def.stack = def.obs_rows;
  return def;
}

void loom_network_add_visual(loomNetworkDef* def, const loomVisualKey* key) {
  def->encoder.key[def->encoder.count++] = *key;
  def->obs_dim += def->encoder.config.features;
}

loomMixtureDef loom_network_mixture(const loomNetworkDef* def) {
  const loomConfigPolicy* policy = &def->policy;
  loomMixtureDef mixture = loom_default_mixture_def(def->action_dim);
  mixture.modes = policy->kind == LOOM_KIND_BC_GAUSSIAN ? 1 : policy->modes;
  mixture.min_std = policy->min_std;
  mixture.fixed_std = policy->fixed_std;
  mixture.evaluation_std = policy->evaluation_std;
  return mixture;
}

int loom_network_seen(const loomNetworkDef* def) {
  return def->stack;
}

int loom_network_decided(const loomNetworkDef* def) {
  return loom_policy_denoises(def->policy.kind) ? def->policy.executed : 1;
}

int loom_network_create(loomNetwork* out, const loomNetworkDef* def, uint64_t seed, loomError* err) {
  *out = (loomNetwork){.type = types[def->policy.kind], .def = *def};
  out->layers = calloc(1, out->type->size);
  if (!out->layers) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a network");
  out->type->declare(out->layers, &out->params, def);
  int code = loom_encoder_create(&out->encoder, &out->params, &def->encoder, err);
  if (!code) code = loom_params_create(&out->params, err);
  if (code) {
    loom_network_destroy(out);
    return code;
  }
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WEIGHTS);
  out->type->init(out->layers, &out->params, &random);
  loom_encoder_init(&out->encoder, &out->params, &random);
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

static void place_seen(loomNetwork* net, loomArena* arena, int rows) {
  size_t count = (size_t)rows * (size_t)net->def.obs_dim;
  loom_encoder_layout(&net->encoder, arena, rows);
  net->seen = loom_arena_real(arena, count);
  net->dseen = loom_arena_real(arena, count);
}

int loom_network_layout(loomNetwork* net, int n, loomError* err) {
  loomArena measured = {0};
  int code = lay_out(net->layers, &net->arena, net->type, n, err);
  if (code || !net->encoder.count) return code;
  place_seen(net, &measured, n * net->def.obs_rows);
  loom_arena_destroy(&net->encoder_arena);
  code = loom_arena_create(&net->encoder_arena, measured.used, err);
  if (!code) place_seen(net, &net->encoder_arena, n * net->def.obs_rows);
  return code;
}

void loom_network_destroy(loomNetwork* network) {
  if (!network) return;
  loom_params_destroy(&network->params);
  loom_arena_destroy(&network->arena);
  loom_encoder_destroy(&network->encoder);
  loom_arena_destroy(&network->encoder_arena);
  free(network->layers);
  *network = (loomNetwork){0};
}

// The samples as the kind sees them, and back through the encoder.
static double encoded_loss(loomNetwork* net, const loomSamples* samples, loomRandom* random,
                           loomRandom* crops, bool train) {
  const loomNetworkDef* def = &net->def;
  int rows = samples->n * def->obs_rows, low = def->low_dim;
  for (ptrdiff_t i = 0; low && i < rows; i++)
    memcpy(net->seen + i * def->obs_dim, samples->obs + i * low, (size_t)low * sizeof *net->seen);
  loom_encoder_forward(net->seen + low, def->obs_dim, &net->encoder, &net->params, samples->visual, rows,
                       train ? crops : NULL);
  loomSamples inner = *samples;
  inner.obs = net->seen;
  inner.dobs = train ? net->dseen : NULL;
  double loss = net->type->loss(net->layers, &net->params, &inner, random, train);
  if (train)
    loom_encoder_backward(&net->encoder, &net->params, net->dseen + low, def->obs_dim, samples->visual, rows);
  return loss;
}

double loom_network_loss(loomNetwork* network, const loomSamples* samples, uint64_t seed, uint64_t step,
                         bool train) {
  loomRandom random = loom_random(seed, step, LOOM_PURPOSE_DROPOUT),
             crops = loom_random(seed, step, LOOM_PURPOSE_CROP);
  if (train) loom_params_zero_gradient(&network->params);
  if (network->encoder.count) return encoded_loss(network, samples, &random, &crops, train);
  return network->type->loss(network->layers, &network->params, samples, &random, train);
}

int loom_actor_create(loomActor* out, const loomNetwork* network, loomError* err) {
  *out = (loomActor){.network = network, .layers = malloc(network->type->size)};
  if (!out->layers) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");
  memcpy(out->layers, network->layers, network->type->size);
  int code = lay_out(out->layers, &out->arena, network->type, 0, err);
  if (!code) code = loom_encoder_copy(&out->encoder, &network->encoder, err);
  if (!code && out->encoder.count) {
    loomArena measured = {0};
    loom_encoder_layout(&out->encoder, &measured, 1);
    code = loom_arena_create(&out->encoder_arena, measured.used, err);
    if (!code) loom_encoder_layout(&out->encoder, &out->encoder_arena, 1);
  }
  if (code) loom_actor_destroy(out);
  return code;
}

void loom_actor_destroy(loomActor* actor) {
  loom_arena_destroy(&actor->arena);
  loom_encoder_destroy(&actor->encoder);
  loom_arena_destroy(&actor->encoder_arena);
  free(actor->layers);
  *actor = (loomActor){0};
}

void loom_actor_begin(loomActor* actor) {
  if (actor->network->type->begin) actor->network->type->begin(actor->layers);
}

void loom_actor_see(loomReal* row, loomActor* actor, const loomReal* const* visual) {
  const loomNetworkDef* def = &actor->network->def;
  loom_encoder_forward(row + def->low_dim, def->obs_dim, &actor->encoder, &actor->network->params, visual, 1,
                       NULL);
}

void loom_actor_decide(loomReal* actions, loomActor* actor, const loomReal* obs, loomRandom* random) {
  const loomNetwork* net = actor->network;
  if (net->likeliest && !loom_policy_denoises(net->def.policy.kind)) random = NULL;
  net->type->decide(actions, actor->layers, &net->params, obs, random);
}
