// Diffusion policy (Chi et al., "Diffusion Policy: Visuomotor Policy Learning via Action Diffusion", RSS
// 2023): a network predicts the noise in a chunk of actions, or the chunk without it, from the noisy chunk,
// the step of the diffusion and the observed rows; it is the 1-D U-Net or a perceptron that sees the three
// side by side. Trained as Ho et al. (2020), acting by the steps of DDIM (Song et al., 2021).
#include "policies/network/network.h"
#include "policies/nn/diffusion.h"
#include "policies/nn/embedding.h"
#include "policies/nn/mlp.h"
#include "policies/nn/unet.h"
#include "policies/objective/loss.h"

typedef struct diffusionNetwork diffusionNetwork;

/// What predicts.
typedef struct denoiser {
  void (*declare)(diffusionNetwork* net, loomParams* params);
  void (*init)(const diffusionNetwork* net, loomParams* params, loomRandom* random);
  void (*layout)(diffusionNetwork* net, loomArena* arena, int n, bool train);
  /// Noise or sample (n x chunk) of net->noisy, by net->embedding.
  const loomReal* (*predict)(diffusionNetwork* net, const loomParams* params, const loomReal* obs, int n);
  /// The last prediction's gradients from net->dy, and dobs (may be NULL).
  void (*learn)(loomReal* dobs, diffusionNetwork* net, loomParams* params, int n);
} denoiser;

struct diffusionNetwork {
  loomNetworkDef def;
  loomDiffusion diffusion;
  const denoiser* denoiser;
  union {
    loomMlp mlp;
    loomUnet unet;
  } u;
  int seen, chunk;                      // numbers of the observed rows, of a chunk
  loomReal *noisy, *noise, *dy;         // (n x chunk)
  loomReal* clean;                      // (chunk) acting: the guess at a step
  loomReal *embedding, *x, *dx, *step;  // (n x step_width); what a perceptron sees twice; (n)
  int* t;                               // (n)
};

// ---- the perceptron

static void mlp_declare(diffusionNetwork* net, loomParams* params) {
  const loomConfigPolicy* policy = &net->def.policy;
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
  net->x = loom_arena_real(arena, count);
  net->dx = loom_arena_real(arena, train ? count : 0);
}

static const loomReal* mlp_predict(diffusionNetwork* net, const loomParams* params, const loomReal* obs,
                                   int n) {
  size_t seen = (size_t)net->seen, step = (size_t)net->def.policy.step_width, chunk = (size_t)net->chunk;
  for (size_t i = 0; i < (size_t)n; i++) {
    loomReal* x = net->x + i * (seen + step + chunk);
    memcpy(x, obs + i * seen, seen * sizeof *x);
    memcpy(x + seen, net->embedding + i * step, step * sizeof *x);
    memcpy(x + seen + step, net->noisy + i * chunk, chunk * sizeof *x);
  }
  return loom_mlp_forward(&net->u.mlp, params, net->x, n);
}

static void mlp_learn(loomReal* dobs, diffusionNetwork* net, loomParams* params, int n) {
  size_t seen = (size_t)net->seen, width = (size_t)net->u.mlp.def.sizes[0];
  loom_mlp_backward(dobs ? net->dx : NULL, &net->u.mlp, params, net->dy, net->x, n);
  for (size_t i = 0; dobs && i < (size_t)n; i++)
    memcpy(dobs + i * seen, net->dx + i * width, seen * sizeof *dobs);
}

static const denoiser perceptron = {mlp_declare, mlp_init, mlp_layout, mlp_predict, mlp_learn};

// ---- the U-Net

static void unet_declare(diffusionNetwork* net, loomParams* params) {
  const loomConfigPolicy* policy = &net->def.policy;
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

static const loomReal* unet_predict(diffusionNetwork* net, const loomParams* params, const loomReal* obs,
                                    int n) {
  return loom_unet_forward(&net->u.unet, params, net->noisy, net->embedding, obs, n);
}

static void unet_learn(loomReal* dobs, diffusionNetwork* net, loomParams* params, int n) {
  loom_unet_backward(dobs, &net->u.unet, params, net->dy, n);
}

static const denoiser unet = {unet_declare, unet_init, unet_layout, unet_predict, unet_learn};

// ---- training and acting with either

static void declare(void* layers, loomParams* params, const loomNetworkDef* def) {
  diffusionNetwork* net = layers;
  net->def = *def;
  net->diffusion = loom_diffusion_cosine(def->policy.noise_steps);
  net->seen = def->obs_rows * def->obs_dim;
  net->chunk = def->action_rows * def->action_dim;
  net->denoiser = def->policy.kind == LOOM_KIND_DIFFUSION ? &unet : &perceptron;
  net->denoiser->declare(net, params);
}

static void init(const void* layers, loomParams* params, loomRandom* random) {
  const diffusionNetwork* net = layers;
  net->denoiser->init(net, params, random);
}

static void layout(void* layers, loomArena* arena, int n) {
  diffusionNetwork* net = layers;
  size_t rows = n ? (size_t)n : 1, chunk = (size_t)net->chunk;
  net->denoiser->layout(net, arena, (int)rows, n > 0);
  net->noisy = loom_arena_real(arena, rows * chunk);
  net->clean = loom_arena_real(arena, chunk);
  net->step = loom_arena_real(arena, rows);
  net->embedding = loom_arena_real(arena, rows * (size_t)net->def.policy.step_width);
  net->t = loom_arena_int(arena, rows);
  net->noise = loom_arena_real(arena, (size_t)n * chunk);
  net->dy = loom_arena_real(arena, (size_t)n * chunk);
}

// What the network sees in net->noisy (n x chunk) at steps net->t (n).
static const loomReal* predict(diffusionNetwork* net, const loomParams* params, const loomReal* obs, int n) {
  for (int i = 0; i < n; i++) net->step[i] = (loomReal)net->t[i];
  loom_sinusoid_embedding(net->embedding, net->step, n, net->def.policy.step_width);
  return net->denoiser->predict(net, params, obs, n);
}

// Padding counts: what follows a demo's end is its last action, held.
static double loss(void* layers, loomParams* params, const loomSamples* samples, loomRandom* random,
                   bool train) {
  diffusionNetwork* net = layers;
  int n = samples->n;
  for (int i = 0; i < n; i++) net->t[i] = loom_random_index(random, net->diffusion.steps);
  for (ptrdiff_t i = 0; i < (ptrdiff_t)n * net->chunk; i++)
    net->noise[i] = (loomReal)loom_random_normal(random);
  loom_diffusion_noise(net->noisy, samples->actions, net->noise, net->t, n, net->chunk, &net->diffusion);
  const loomReal* y = predict(net, params, samples->obs, n);
  const loomReal* wanted = net->def.policy.predicts == LOOM_PREDICT_SAMPLE ? samples->actions : net->noise;
  double loss = loom_l2_loss(train ? net->dy : NULL, y, wanted, NULL, n, net->chunk);
  if (train) net->denoiser->learn(samples->dobs, net, params, n);
  return loss;
}

static void decide(loomReal* actions, void* layers, const loomParams* params, const loomReal* obs,
                   loomRandom* random) {
  diffusionNetwork* net = layers;
  const loomConfigPolicy* policy = &net->def.policy;
  for (int i = 0; i < net->chunk; i++) net->noisy[i] = (loomReal)loom_random_normal(random);
  for (int k = policy->denoise_steps; k > 0; k--) {
    int t = k * policy->noise_steps / policy->denoise_steps - 1;
    int to = (k - 1) * policy->noise_steps / policy->denoise_steps - 1;
    net->t[0] = t;
    memcpy(net->clean, predict(net, params, obs, 1), (size_t)net->chunk * sizeof *net->clean);
    if (policy->predicts == LOOM_PREDICT_NOISE)
      loom_diffusion_clean(net->clean, net->noisy, t, 1, &net->diffusion, (size_t)net->chunk);
    loom_diffusion_step(net->noisy, net->clean, t, to, &net->diffusion, (size_t)net->chunk);
  }
  // The chunk begins with the first row observed; what is done begins with the last.
  memcpy(actions, net->noisy + (ptrdiff_t)(policy->observed - 1) * net->def.action_dim,
         (size_t)policy->executed * (size_t)net->def.action_dim * sizeof *actions);
}

const loomNetworkType loom_network_diffusion = {.size = sizeof(diffusionNetwork),
                                                .declare = declare,
                                                .init = init,
                                                .layout = layout,
                                                .loss = loss,
                                                .decide = decide};
