// Perceptrons: behavioural cloning with squared error, a Gaussian or a mixture of Gaussians. A decision sees
// the last `stack` rows, side by side.
#include "policies/network/network.h"
#include "policies/nn/mlp.h"
#include "policies/objective/loss.h"

typedef struct mlpNetwork {
  loomNetworkDef def;
  loomMixtureDef mixture;
  loomMlp mlp;
  loomReal *dy, *row_loss;
} mlpNetwork;

static bool likelihood(const mlpNetwork* net) {
  return net->def.policy.kind != LOOM_KIND_BC_L2;
}

static void declare(void* layers, loomParams* params, const loomNetworkDef* def) {
  mlpNetwork* net = layers;
  net->def = *def;
  net->mixture = loom_network_mixture(def);
  loomMlpDef mlp = {.activation = LOOM_ACTIVATION_RELU};
  mlp.sizes[0] = def->stack * def->obs_dim;
  for (int i = 0; i < def->policy.layers.n && i < LOOM_MLP_LAYERS - 1; i++)
    mlp.sizes[++mlp.layers] = def->policy.layers.size[i];
  mlp.sizes[++mlp.layers] = likelihood(net) ? loom_mixture_width(&net->mixture) : def->action_dim;
  loom_mlp_declare(&net->mlp, params, &mlp, "mlp.");
}

static void init(const void* layers, loomParams* params, loomRandom* random) {
  const mlpNetwork* net = layers;
  loom_mlp_init(&net->mlp, params, random);
}

static void layout(void* layers, loomArena* arena, int n) {
  mlpNetwork* net = layers;
  const loomMlpDef* mlp = &net->mlp.def;
  loom_mlp_layout(&net->mlp, arena, n ? n : 1);
  net->dy = loom_arena_real(arena, (size_t)n * (size_t)mlp->sizes[mlp->layers]);
  net->row_loss = loom_arena_real(arena, (size_t)n);
}

static double loss(void* layers, loomParams* params, const loomSamples* samples, loomRandom* random,
                   bool train) {
  (void)random;
  mlpNetwork* net = layers;
  loomReal* dy = train ? net->dy : NULL;
  const loomReal* y = loom_mlp_forward(&net->mlp, params, samples->obs, samples->n);
  double loss = likelihood(net)
                    ? loom_mixture_loss(dy, net->row_loss, y, samples->actions, samples->real, samples->n,
                                        &net->mixture)
                    : loom_l2_loss(dy, y, samples->actions, samples->real, samples->n, net->def.action_dim);
  if (train) loom_mlp_backward(samples->dobs, &net->mlp, params, dy, samples->obs, samples->n);
  return loss;
}

static void decide(loomReal* actions, void* layers, const loomParams* params, const loomReal* obs,
                   loomRandom* random) {
  mlpNetwork* net = layers;
  const loomReal* y = loom_mlp_forward(&net->mlp, params, obs, 1);
  if (likelihood(net))
    loom_mixture_sample(actions, y, &net->mixture, true, random);
  else
    memcpy(actions, y, (size_t)net->def.action_dim * sizeof *y);
}

const loomNetworkType loom_network_mlp = {.size = sizeof(mlpNetwork),
                                          .declare = declare,
                                          .init = init,
                                          .layout = layout,
                                          .loss = loss,
                                          .decide = decide};
