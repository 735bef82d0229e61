#include "policies/nn/mlp.h"

#include <stdio.h>

#include "policies/nn/init.h"
#include "policies/nn/linear.h"
#include "policies/nn/norm.h"

static bool is_normalized(const loomMlpDef* def, int layer) {
  return def->normalized && layer + 1 < def->layers;
}

void loom_mlp_declare(loomMlp* mlp, loomParams* params, const loomMlpDef* def, const char* prefix) {
  *mlp = (loomMlp){.def = *def};

  for (int i = 0; i < def->layers; i++) {
    char name[LOOM_PARAM_NAME];
    snprintf(name, sizeof name, "%s%d.weight", prefix, i);
    mlp->weight[i] = loom_params_add(params, name, 2, (int[]){def->sizes[i + 1], def->sizes[i]});

    snprintf(name, sizeof name, "%s%d.bias", prefix, i);
    mlp->bias[i] = loom_params_add(params, name, 1, &def->sizes[i + 1]);
    if (!is_normalized(def, i)) continue;

    snprintf(name, sizeof name, "%s%d.gain", prefix, i);
    mlp->gain[i] = loom_params_add(params, name, 1, &def->sizes[i + 1]);
    snprintf(name, sizeof name, "%s%d.shift", prefix, i);
    mlp->shift[i] = loom_params_add(params, name, 1, &def->sizes[i + 1]);
  }
}

void loom_mlp_init(const loomMlp* mlp, loomParams* params, loomRandom* random) {
  for (int i = 0; i < mlp->def.layers; i++) {
    loom_init_linear(params->value + mlp->weight[i], params->value + mlp->bias[i], mlp->def.sizes[i],
                     mlp->def.sizes[i + 1], random);
    for (int k = 0; is_normalized(&mlp->def, i) && k < mlp->def.sizes[i + 1]; k++)
      params->value[mlp->gain[i] + (size_t)k] = 1;
  }
}

void loom_mlp_layout(loomMlp* mlp, loomArena* arena, int n) {
  const loomMlpDef* def = &mlp->def;

  int widest = 0;
  for (int i = 0; i < def->layers; i++) {
    size_t count = (size_t)n * (size_t)def->sizes[i + 1];
    bool activated = i + 1 < def->layers && def->activation != LOOM_ACTIVATION_NONE;

    mlp->sum[i] = loom_arena_real(arena, count);
    mlp->norm[i] = mlp->sum[i];
    if (is_normalized(def, i)) {
      mlp->norm[i] = loom_arena_real(arena, count);
      mlp->mean[i] = loom_arena_real(arena, (size_t)n);
      mlp->inverse[i] = loom_arena_real(arena, (size_t)n);
    }
    mlp->out[i] = activated ? loom_arena_real(arena, count) : mlp->norm[i];

    if (i + 1 < def->layers && def->sizes[i + 1] > widest) widest = def->sizes[i + 1];
  }

  // Going back two buffers take turns.
  for (int k = 0; k < 2; k++) mlp->gradient[k] = loom_arena_real(arena, (size_t)n * (size_t)widest);
}

const loomReal* loom_mlp_forward(loomMlp* mlp, const loomParams* params, const loomReal* x, int n) {
  const loomMlpDef* def = &mlp->def;

  for (int i = 0; i < def->layers; i++) {
    int out = def->sizes[i + 1];
    (mlp->apart ? loom_linear_forward_apart : loom_linear_forward)(
        mlp->sum[i], x, params->value + mlp->weight[i], params->value + mlp->bias[i], n, def->sizes[i], out);

    if (is_normalized(def, i))
      loom_layer_norm_forward(mlp->norm[i], mlp->mean[i], mlp->inverse[i], mlp->sum[i],
                              params->value + mlp->gain[i], params->value + mlp->shift[i], n, out);
    if (mlp->out[i] != mlp->norm[i])
      loom_activation_forward(mlp->out[i], mlp->norm[i], def->activation, (size_t)n * (size_t)out);

    x = mlp->out[i];
  }
  return x;
}

void loom_mlp_backward(loomReal* dx, loomMlp* mlp, loomParams* params, const loomReal* dy, const loomReal* x,
                       int n) {
  const loomMlpDef* def = &mlp->def;
  loomReal* to = x ? params->gradient : NULL;

  for (int i = def->layers - 1; i >= 0; i--) {
    loomReal* earlier = i ? mlp->gradient[i % 2] : dx;
    loom_linear_backward(earlier, to ? to + mlp->weight[i] : NULL, to ? to + mlp->bias[i] : NULL, dy,
                         i ? mlp->out[i - 1] : x, params->value + mlp->weight[i], n, def->sizes[i],
                         def->sizes[i + 1]);

    // Through the activation and the normalization before this layer.
    if (i && mlp->out[i - 1] != mlp->norm[i - 1])
      loom_activation_backward_of(earlier, earlier, mlp->norm[i - 1], mlp->out[i - 1], def->activation,
                                  (size_t)n * (size_t)def->sizes[i]);
    if (i && is_normalized(def, i - 1))
      loom_layer_norm_backward(earlier, to ? to + mlp->gain[i - 1] : NULL, to ? to + mlp->shift[i - 1] : NULL,
                               earlier, mlp->sum[i - 1], mlp->mean[i - 1], mlp->inverse[i - 1],
                               params->value + mlp->gain[i - 1], n, def->sizes[i]);

    dy = earlier;
  }
}
