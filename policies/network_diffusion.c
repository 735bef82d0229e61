// Diffusion policy (Chi et al., "Diffusion Policy: Visuomotor Policy Learning via Action Diffusion", RSS
// 2023) with a perceptron as the network that predicts noise: it sees the observed rows, the step of the
// diffusion and a noisy chunk of actions. Trained as Ho et al. (2020), acting by the steps of DDIM (Song et
// al., 2021).
#include "policies/diffusion.h"
#include "policies/embedding.h"
#include "policies/loss.h"
#include "policies/mlp.h"
#include "policies/network.h"

typedef struct diffusionNetwork {
  loomNetworkDef def;
  loomDiffusion diffusion;
  loomMlp mlp;
  int seen, chunk;  // numbers of the observed rows, of a chunk
  loomReal *x, *dx, *noisy, *noise, *dy, *time, *step;
  int* t;
} diffusionNetwork;

static void declare(void* layers, loomParams* params, const loomNetworkDef* def) {
  diffusionNetwork* net = layers;
  net->def = *def;
  net->diffusion = loom_diffusion_cosine(def->policy.noise_steps);
  net->seen = def->obs_rows * def->obs_dim;
  net->chunk = def->action_rows * def->action_dim;
  loomMlpDef mlp = {.activation = LOOM_ACTIVATION_MISH};
  mlp.sizes[0] = net->seen + def->policy.step_width + net->chunk;
  for (int i = 0; i < def->policy.layers.n && i < LOOM_MLP_LAYERS - 1; i++)
    mlp.sizes[++mlp.layers] = def->policy.layers.size[i];
  mlp.sizes[++mlp.layers] = net->chunk;
  loom_mlp_declare(&net->mlp, params, &mlp, "noise.");
}

static void init(const void* layers, loomParams* params, loomRandom* random) {
  const diffusionNetwork* net = layers;
  loom_mlp_init(&net->mlp, params, random);
}

static void layout(void* layers, loomArena* arena, int n) {
  diffusionNetwork* net = layers;
  size_t rows = n ? (size_t)n : 1, chunk = (size_t)net->chunk;
  loom_mlp_layout(&net->mlp, arena, (int)rows);
  net->x = loom_arena_real(arena, rows * (size_t)net->mlp.def.sizes[0]);
  net->noisy = loom_arena_real(arena, rows * chunk);
  net->step = loom_arena_real(arena, rows);
  net->time = loom_arena_real(arena, rows * (size_t)net->def.policy.step_width);
  net->t = loom_arena_int(arena, rows);
  net->noise = loom_arena_real(arena, (size_t)n * chunk);
  net->dy = loom_arena_real(arena, (size_t)n * chunk);
  net->dx = loom_arena_real(arena, (size_t)n * (size_t)net->mlp.def.sizes[0]);
}

// The noise that the network sees in net->noisy (n x chunk) at steps net->t (n).
static const loomReal* predict(diffusionNetwork* net, const loomParams* params, const loomReal* obs, int n) {
  ptrdiff_t width = net->mlp.def.sizes[0];
  size_t seen = (size_t)net->seen, time = (size_t)net->def.policy.step_width, chunk = (size_t)net->chunk;
  for (int i = 0; i < n; i++) net->step[i] = (loomReal)net->t[i];
  loom_sinusoid_embedding(net->time, net->step, n, (int)time);
  for (int i = 0; i < n; i++) {
    loomReal* x = net->x + i * width;
    memcpy(x, obs + (size_t)i * seen, seen * sizeof *x);
    memcpy(x + seen, net->time + (size_t)i * time, time * sizeof *x);
    memcpy(x + seen + time, net->noisy + (size_t)i * chunk, chunk * sizeof *x);
  }
  return loom_mlp_forward(&net->mlp, params, net->x, n);
}

static void backward(diffusionNetwork* net, loomParams* params, const loomSamples* samples) {
  ptrdiff_t width = net->mlp.def.sizes[0], seen = net->seen;
  loom_mlp_backward(samples->dobs ? net->dx : NULL, &net->mlp, params, net->dy, net->x, samples->n);
  for (ptrdiff_t i = 0; samples->dobs && i < samples->n; i++)
    memcpy(samples->dobs + i * seen, net->dx + i * width, (size_t)seen * sizeof *net->dx);
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
  double loss = loom_l2_loss(train ? net->dy : NULL, y, net->noise, NULL, n, net->chunk);
  if (train) backward(net, params, samples);
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
    const loomReal* y = predict(net, params, obs, 1);
    loom_diffusion_step(net->noisy, y, t, to, 1, &net->diffusion, (size_t)net->chunk);
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
