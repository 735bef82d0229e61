#include "policies/network/network.h"

#include <stdlib.h>

#include "policies/nn/diffusion.h"

static const loomNetworkType* const types[LOOM_KINDS] = {
    [LOOM_KIND_BC_L2] = &loom_network_mlp,
    [LOOM_KIND_BC_GAUSSIAN] = &loom_network_mlp,
    [LOOM_KIND_BC_GMM] = &loom_network_mlp,
    [LOOM_KIND_BC_RNN_GMM] = &loom_network_rnn,
    [LOOM_KIND_BC_TRANSFORMER] = &loom_network_transformer,
    [LOOM_KIND_DIFFUSION] = &loom_network_diffusion,
    [LOOM_KIND_DIFFUSION_MLP] = &loom_network_diffusion,
};

loomNetworkDef loom_network_def(const loomNetworkConfig* policy, const loomEncoderConfig* encoder, int stack,
                                int length, int low_dim, int action_dim) {
  loomNetworkDef def = {.type = types[policy->kind],
                        .policy = *policy,
                        .obs_dim = low_dim,
                        .low_dim = low_dim,
                        .encoder = {.config = *encoder},
                        .action_dim = action_dim,
                        .obs_rows = stack + length - 1,
                        .action_rows = length,
                        .stack = stack};
  if (loom_policy_denoises(policy->kind)) {
    def.obs_rows = def.stack = policy->observed;
    def.action_rows = policy->predicted;
  }
  if (policy->kind == LOOM_KIND_BC_TRANSFORMER) def.stack = def.obs_rows;

  loomObjectiveDef objective = loom_network_objective(&def);
  def.output_rows = loom_objective_rows(&objective);
  def.output_width = loom_objective_width(&objective);
  return def;
}

void loom_network_add_visual(loomNetworkDef* def, const loomVisualKey* key) {
  def->encoder.key[def->encoder.count++] = *key;
  def->obs_dim += def->encoder.config.features;
}

static loomMixtureDef mixture_def(const loomNetworkDef* def) {
  const loomNetworkConfig* policy = &def->policy;
  loomMixtureDef mixture = loom_default_mixture_def(def->action_dim);
  mixture.modes = policy->kind == LOOM_KIND_BC_GAUSSIAN ? 1 : policy->modes;
  mixture.min_std = policy->min_std;
  mixture.fixed_std = policy->fixed_std;
  mixture.evaluation_std = policy->evaluation_std;
  return mixture;
}

loomObjectiveDef loom_network_objective(const loomNetworkDef* def) {
  const loomNetworkConfig* policy = &def->policy;
  loomObjectiveDef objective = {.kind = LOOM_OBJECTIVE_LIKELIHOOD,
                                .rows = def->action_rows,
                                .columns = def->action_dim,
                                .mixture = mixture_def(def),
                                .noise_steps = policy->noise_steps,
                                .predicts_targets = policy->predicts != LOOM_PREDICT_NOISE,
                                .unit = def->offsets ? def->offsets->scale : NULL};

  if (policy->kind == LOOM_KIND_BC_L2) objective.kind = LOOM_OBJECTIVE_REGRESSION;
  if (loom_policy_denoises(policy->kind)) objective.kind = LOOM_OBJECTIVE_DENOISING;
  return objective;
}

int loom_network_seen(const loomNetworkDef* def) {
  return def->stack;
}

int loom_network_decided(const loomNetworkDef* def) {
  return loom_policy_denoises(def->policy.kind) ? def->policy.executed : 1;
}

void loom_network_hold(loomReal* obs, const loomNetworkDef* def, int rows) {
  for (ptrdiff_t i = 0; i < rows; i++)
    loom_diffusion_hold(obs + i * def->obs_dim, def->obs_bounds, def->low_dim, 1);
}

bool loom_network_together(const loomNetworkDef* def) {
  return def->type && def->type->together && def->type->together(def);
}

// ---- made and freed

int loom_network_create(loomNetwork* out, const loomNetworkDef* def, uint64_t seed, loomError* err) {
  *out = (loomNetwork){.def = *def};
  out->layers = calloc(1, def->type->size);
  if (!out->layers) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a network");

  // All parameters are named before room is made for them.
  def->type->declare(out->layers, &out->params, def);
  int code = loom_encoder_create(&out->encoder, &out->params, &def->encoder, err);
  if (!code) code = loom_params_create(&out->params, err);
  if (code) {
    loom_network_destroy(out);
    return code;
  }

  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WEIGHTS);
  def->type->init(out->layers, &out->params, &random);
  loom_encoder_init(&out->encoder, &out->params, &random);
  return LOOM_OK;
}

int loom_network_place(void* layers, loomArena* arena, const loomNetworkType* type, int n, loomError* err) {
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
  int code = loom_network_place(net->layers, &net->arena, net->def.type, n, err);
  if (code || !net->encoder.count) return code;

  loomArena measured = {0};
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

// ---- forward and backward

// The samples as the kind sees them: behind each row's vectors the features of its images and clouds.
static loomSamples encoded_samples(loomNetwork* net, const loomSamples* samples) {
  loomSamples out = *samples;
  if (!net->encoder.count) return out;
  out.obs = net->seen;
  out.dobs = net->dseen;
  return out;
}

static void encode(loomNetwork* net, const loomSamples* samples, loomRandom* crops) {
  const loomNetworkDef* def = &net->def;
  int rows = samples->n * def->obs_rows, low = def->low_dim;

  for (ptrdiff_t i = 0; low && i < rows; i++)
    memcpy(net->seen + i * def->obs_dim, samples->obs + i * low, (size_t)low * sizeof *net->seen);
  loom_encoder_forward(net->seen + low, def->obs_dim, &net->encoder, &net->params, samples->visual, rows,
                       crops);
}

const loomReal* loom_network_forward(loomNetwork* net, const loomSamples* samples, uint64_t seed,
                                     uint64_t step, bool train) {
  loomRandom dropout = loom_random(seed, step, LOOM_PURPOSE_DROPOUT),
             crops = loom_random(seed, step, LOOM_PURPOSE_CROP);
  if (net->encoder.count) encode(net, samples, train ? &crops : NULL);

  loomSamples encoded = encoded_samples(net, samples);
  return net->def.type->forward(net->layers, &net->params, &encoded, train ? &dropout : NULL);
}

void loom_network_backward(loomNetwork* net, const loomSamples* samples, const loomReal* doutputs) {
  const loomNetworkDef* def = &net->def;
  loomSamples encoded = encoded_samples(net, samples);
  def->type->backward(net->layers, &net->params, &encoded, doutputs);

  if (net->encoder.count)
    loom_encoder_backward(&net->encoder, &net->params, net->dseen + def->low_dim, def->obs_dim,
                          samples->visual, samples->n * def->obs_rows);
}
