// Denoisers for Diffusion policy (Chi et al., "Diffusion Policy: Visuomotor Policy Learning via Action
// Diffusion", RSS 2023): a network predicts the noise in a chunk of actions, or the chunk without it, from
// the noisy chunk, the step of the diffusion and the observed rows; it is the 1-D U-Net or a perceptron that
// sees the three side by side. Noise is added by the objective while training, taken away by the actor.
#include "policies/network/network.h"
#include "policies/nn/embedding.h"
#include "policies/nn/mlp.h"
#include "policies/nn/unet.h"

typedef struct diffusionNetwork diffusionNetwork;

/// What predicts.
typedef struct denoiser {
  void (*declare)(diffusionNetwork* net, loomParams* params);
  void (*init)(const diffusionNetwork* net, loomParams* params, loomRandom* random);
  void (*layout)(diffusionNetwork* net, loomArena* arena, int n, bool train);
  /// Noise or sample (n x chunk), by net->embedding.
  const loomReal* (*predict)(diffusionNetwork* net, const loomParams* params, const loomSamples* samples);
  /// The last prediction's gradients from dy (n x chunk), and that of obs.
  void (*learn)(diffusionNetwork* net, loomParams* params, const loomSamples* samples, const loomReal* dy);
} denoiser;

struct diffusionNetwork {
  loomNetworkDef def;
  const denoiser* denoiser;
  union {
    loomMlp mlp;
    loomUnet unet;
  } u;
  int seen, chunk;             // numbers of the observed rows, of a chunk
  loomReal *step, *embedding;  // (n), (n x step_width) the diffusion's step
  loomReal *x, *dx;            // (n x all that a perceptron sees)
  loomReal *said,
      *dsaid;  // (n x chunk) where offsets are told: as actions, and the gradient of what was told
};

// ---- the perceptron

static void mlp_declare(diffusionNetwork* net, loomParams* params) {
  const loomNetworkConfig* policy = &net->def.policy;
  loomMlpDef mlp = {.activation = LOOM_ACTIVATION_MISH};
  mlp.sizes[0] = net->seen + policy->step_width + net->chunk;

  for (int i = 0; i < policy->layers.n && i < LOOM_MLP_LAYERS - 1; i++)
    mlp.sizes[++mlp.layers] = policy->layers.size[i];
  mlp.sizes[++mlp.layers] = net->chunk;

  loom_mlp_declare(&net->u.mlp, params, &mlp, "noise.");
}

static void mlp_init(const diffusionNetwork* net, loomParams* params, loomRandom* random) {
  loom_mlp_init(&net->u.mlp, params, random);
}

static void mlp_layout(diffusionNetwork* net, loomArena* arena, int n, bool train) {
  size_t count = (size_t)n * (size_t)net->u.mlp.def.sizes[0];
  loom_mlp_layout(&net->u.mlp, arena, n);
  net->u.mlp.apart = !train;
  net->x = loom_arena_real(arena, count);
  net->dx = loom_arena_real(arena, train ? count : 0);
}

static const loomReal* mlp_predict(diffusionNetwork* net, const loomParams* params,
                                   const loomSamples* samples) {
  size_t seen = (size_t)net->seen, step = (size_t)net->def.policy.step_width, chunk = (size_t)net->chunk;

  for (size_t i = 0; i < (size_t)samples->n; i++) {
    loomReal* x = net->x + i * (seen + step + chunk);
    memcpy(x, samples->obs + i * seen, seen * sizeof *x);
    memcpy(x + seen, net->embedding + i * step, step * sizeof *x);
    memcpy(x + seen + step, samples->noisy + i * chunk, chunk * sizeof *x);
  }
  return loom_mlp_forward(&net->u.mlp, params, net->x, samples->n);
}

static void mlp_learn(diffusionNetwork* net, loomParams* params, const loomSamples* samples,
                      const loomReal* dy) {
  loomReal* dobs = samples->dobs;
  size_t seen = (size_t)net->seen, width = (size_t)net->u.mlp.def.sizes[0];
  loom_mlp_backward(dobs ? net->dx : NULL, &net->u.mlp, params, dy, net->x, samples->n);

  // The step and the noise need no gradient.
  for (size_t i = 0; dobs && i < (size_t)samples->n; i++)
    memcpy(dobs + i * seen, net->dx + i * width, seen * sizeof *dobs);
}

static const denoiser perceptron = {mlp_declare, mlp_init, mlp_layout, mlp_predict, mlp_learn};

// ---- the U-Net

static void unet_declare(diffusionNetwork* net, loomParams* params) {
  const loomNetworkConfig* policy = &net->def.policy;
  loomUnetDef unet = {.channels = net->def.action_dim,
                      .length = net->def.action_rows,
                      .seen = net->seen,
                      .levels = policy->layers.n,
                      .step_width = policy->step_width,
                      .kernel = policy->kernel,
                      .groups = policy->groups};
  for (int i = 0; i < unet.levels; i++) unet.size[i] = policy->layers.size[i];

  loom_unet_declare(&net->u.unet, params, &unet, "noise.");
}

static void unet_init(const diffusionNetwork* net, loomParams* params, loomRandom* random) {
  loom_unet_init(&net->u.unet, params, random);
}

static void unet_layout(diffusionNetwork* net, loomArena* arena, int n, bool train) {
  loom_unet_layout(&net->u.unet, arena, n, train);
}

static const loomReal* unet_predict(diffusionNetwork* net, const loomParams* params,
                                    const loomSamples* samples) {
  return loom_unet_forward(&net->u.unet, params, samples->noisy, net->embedding, samples->obs, samples->n);
}

static void unet_learn(diffusionNetwork* net, loomParams* params, const loomSamples* samples,
                       const loomReal* dy) {
  loom_unet_backward(samples->dobs, &net->u.unet, params, dy, samples->n);
}

static const denoiser unet = {unet_declare, unet_init, unet_layout, unet_predict, unet_learn};

// ---- either

static void diffusion_declare(void* layers, loomParams* params, const loomNetworkDef* def) {
  diffusionNetwork* net = layers;
  net->def = *def;
  net->seen = def->obs_rows * def->obs_dim;
  net->chunk = def->action_rows * def->action_dim;
  net->denoiser = def->policy.kind == LOOM_KIND_DIFFUSION ? &unet : &perceptron;
  net->denoiser->declare(net, params);
}

static void diffusion_init(const void* layers, loomParams* params, loomRandom* random) {
  const diffusionNetwork* net = layers;
  net->denoiser->init(net, params, random);
}

static bool diffusion_together(const loomNetworkDef* def) {
  return def->policy.kind == LOOM_KIND_DIFFUSION_MLP;
}

static void diffusion_layout(void* layers, loomArena* arena, int n) {
  diffusionNetwork* net = layers;
  size_t rows = n ? (size_t)n : diffusion_together(&net->def) ? LOOM_TOGETHER : 1;

  net->denoiser->layout(net, arena, (int)rows, n > 0);
  net->step = loom_arena_real(arena, rows);
  net->embedding = loom_arena_real(arena, rows * (size_t)net->def.policy.step_width);

  size_t chunks = net->def.offsets ? rows * (size_t)net->chunk : 0;
  net->said = loom_arena_real(arena, chunks);
  net->dsaid = loom_arena_real(arena, n > 0 ? chunks : 0);
}

// Offsets as the actions that they lead to from the newest row seen.
static const loomReal* as_actions(diffusionNetwork* net, const loomReal* y, const loomSamples* samples) {
  const loomOffsets* o = net->def.offsets;

  for (int s = 0; s < samples->n; s++) {
    const loomReal *newest = samples->obs + (s + 1) * net->seen - net->def.obs_dim,
                   *told = y + s * net->chunk;
    loomReal* out = net->said + s * net->chunk;

    for (int i = 0; i < o->dim; i++) {
      loomReal base =
          o->from[i] < 0 ? 0 : newest[o->from[i]] * (loomReal)o->factor[i] + (loomReal)o->shift[i];
      for (int k = i; k < net->chunk; k += o->dim)
        out[k] = told[k] * (loomReal)o->scale[k] + (loomReal)o->middle[k] + base;
    }
  }
  return net->said;
}

static const loomReal* diffusion_forward(void* layers, const loomParams* params, const loomSamples* samples,
                                         loomRandom* random) {
  (void)random;
  diffusionNetwork* net = layers;
  int n = samples->n;

  for (int i = 0; i < n; i++) net->step[i] = (loomReal)samples->noise_step[i];
  loom_sinusoid_embedding(net->embedding, net->step, n, net->def.policy.step_width);
  const loomReal* y = net->denoiser->predict(net, params, samples);
  return net->def.offsets ? as_actions(net, y, samples) : y;
}

// What is told from is seen as well: its part of the gradient of obs.
static void add_base_gradient(const diffusionNetwork* net, const loomSamples* samples,
                              const loomReal* doutputs) {
  const loomOffsets* o = net->def.offsets;

  for (int s = 0; s < samples->n; s++) {
    loomReal* newest = samples->dobs + (s + 1) * net->seen - net->def.obs_dim;
    for (int k = 0; k < net->chunk; k++) {
      int i = k % o->dim;
      if (o->from[i] >= 0) newest[o->from[i]] += doutputs[s * net->chunk + k] * (loomReal)o->factor[i];
    }
  }
}

static void diffusion_backward(void* layers, loomParams* params, const loomSamples* samples,
                               const loomReal* doutputs) {
  diffusionNetwork* net = layers;
  const loomOffsets* o = net->def.offsets;

  for (int i = 0; o && i < samples->n * net->chunk; i++)
    net->dsaid[i] = doutputs[i] * (loomReal)o->scale[i % net->chunk];
  net->denoiser->learn(net, params, samples, o ? net->dsaid : doutputs);
  if (o && samples->dobs) add_base_gradient(net, samples, doutputs);
}

const loomNetworkType loom_network_diffusion = {.size = sizeof(diffusionNetwork),
                                                .declare = diffusion_declare,
                                                .init = diffusion_init,
                                                .layout = diffusion_layout,
                                                .forward = diffusion_forward,
                                                .backward = diffusion_backward,
                                                .together = diffusion_together};
