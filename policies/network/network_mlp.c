// Perceptrons: one row of outputs from the last `stack` rows, side by side.
#include "policies/network/network.h"
#include "policies/nn/mlp.h"

typedef struct mlpNetwork {
  loomMlp mlp;
} mlpNetwork;

static void mlp_declare(void* layers, loomParams* params, const loomNetworkDef* def) {
  mlpNetwork* net = layers;
  loomMlpDef mlp = {.activation = LOOM_ACTIVATION_RELU};

  mlp.sizes[0] = def->stack * def->obs_dim;
  for (int i = 0; i < def->policy.layers.n && i < LOOM_MLP_LAYERS - 1; i++)
    mlp.sizes[++mlp.layers] = def->policy.layers.size[i];
  mlp.sizes[++mlp.layers] = def->output_width;

  loom_mlp_declare(&net->mlp, params, &mlp, "mlp.");
}

static void mlp_init(const void* layers, loomParams* params, loomRandom* random) {
  const mlpNetwork* net = layers;
  loom_mlp_init(&net->mlp, params, random);
}

static void mlp_layout(void* layers, loomArena* arena, int n) {
  mlpNetwork* net = layers;
  loom_mlp_layout(&net->mlp, arena, n ? n : LOOM_TOGETHER);
  net->mlp.apart = !n;
}

static const loomReal* mlp_forward(void* layers, const loomParams* params, const loomSamples* samples,
                                   loomRandom* random) {
  (void)random;
  mlpNetwork* net = layers;
  return loom_mlp_forward(&net->mlp, params, samples->obs, samples->n);
}

static void mlp_backward(void* layers, loomParams* params, const loomSamples* samples,
                         const loomReal* doutputs) {
  mlpNetwork* net = layers;
  loom_mlp_backward(samples->dobs, &net->mlp, params, doutputs, samples->obs, samples->n);
}

static bool mlp_together(const loomNetworkDef* def) {
  (void)def;
  return true;
}

const loomNetworkType loom_network_mlp = {.size = sizeof(mlpNetwork),
                                          .declare = mlp_declare,
                                          .init = mlp_init,
                                          .layout = mlp_layout,
                                          .forward = mlp_forward,
                                          .backward = mlp_backward,
                                          .together = mlp_together};
