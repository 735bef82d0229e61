#include "policies/nn/mlp_slope.h"

#include <assert.h>

#include "policies/nn/linear.h"

// Layer i: s_i = W_i a_{i-1} + b_i, a_i = f(s_i). Backward from the last, d_last = 1:
//   e_i = W_{i+1}' d_{i+1} (by_out), d_i = e_i f'(s_i) (by_sum), slope = W_0' d_0.
// A loss of that slope with gradient g goes back through these equations in the opposite order:
//   d_0 gets W_0 g, W_0 gets d_0 g'; then for each hidden i, with c_i what d_i got:
//   s_i gets c_i e_i f''(s_i) (bend), e_i gets c_i f'(s_i) =: h_i, W_{i+1} gets d_{i+1} h_i',
//   d_{i+1} gets W_{i+1} h_i,
// and what the sums got goes back through the forward pass as ever.

void loom_mlp_slope_layout(loomMlpSlope* slope, const loomMlp* mlp, loomArena* arena, int n) {
  const loomMlpDef* def = &mlp->def;
  int widest = 0;
  assert(!def->normalized);

  for (int i = 0; i < def->layers; i++) {
    size_t count = (size_t)n * (size_t)def->sizes[i + 1];
    slope->by_sum[i] = loom_arena_real(arena, count);
    if (i + 1 == def->layers) break;

    slope->by_out[i] = loom_arena_real(arena, count);
    slope->bend[i] = loom_arena_real(arena, count);
    if (def->sizes[i + 1] > widest) widest = def->sizes[i + 1];
  }
  slope->by_input = loom_arena_real(arena, (size_t)n * (size_t)def->sizes[0]);
  for (int k = 0; k < 2; k++) slope->scratch[k] = loom_arena_real(arena, (size_t)n * (size_t)widest);
}

const loomReal* loom_mlp_slope_forward(loomMlpSlope* slope, const loomMlp* mlp, const loomParams* params,
                                       int n) {
  const loomMlpDef* def = &mlp->def;
  int last = def->layers - 1;
  for (int k = 0; k < n * def->sizes[last + 1]; k++) slope->by_sum[last][k] = 1;

  for (int i = last; i >= 0; i--) {
    int in = def->sizes[i];
    loom_linear_backward(i ? slope->by_out[i - 1] : slope->by_input, NULL, NULL, slope->by_sum[i], NULL,
                         params->value + mlp->weight[i], n, in, def->sizes[i + 1]);

    if (i)
      loom_activation_backward(slope->by_sum[i - 1], slope->by_out[i - 1], mlp->sum[i - 1], def->activation,
                               (size_t)n * (size_t)in);
  }
  return slope->by_input;
}

// From the inputs up: gradients of weights, and bend.
static void back_through_slope(loomMlpSlope* slope, const loomMlp* mlp, loomParams* params,
                               const loomReal* dslope, int n) {
  const loomMlpDef* def = &mlp->def;
  loomReal *got = slope->scratch[0], *passed = slope->scratch[1];
  const loomReal* from = dslope;

  for (int i = 0; i < def->layers; i++) {
    int in = def->sizes[i], out = def->sizes[i + 1];
    size_t count = (size_t)n * (size_t)out;
    loom_linear_backward(NULL, params->gradient + mlp->weight[i], NULL, slope->by_sum[i], from, NULL, n, in,
                         out);
    if (i + 1 == def->layers) break;

    loom_linear_forward(got, from, params->value + mlp->weight[i], NULL, n, in, out);
    for (size_t k = 0; k < count; k++) slope->bend[i][k] = got[k] * slope->by_out[i][k];
    loom_activation_twice(slope->bend[i], slope->bend[i], mlp->sum[i], def->activation, count);

    loom_activation_backward(passed, got, mlp->sum[i], def->activation, count);
    from = passed;
  }
}

// From the last hidden layer down.
static void back_through_sums(loomMlpSlope* slope, const loomMlp* mlp, loomParams* params, const loomReal* x,
                              int n) {
  const loomMlpDef* def = &mlp->def;
  loomReal* lower = slope->scratch[0];

  for (int i = def->layers - 2; i >= 0; i--) {
    int in = def->sizes[i];
    size_t count = (size_t)n * (size_t)in;
    loom_linear_backward(i ? lower : NULL, params->gradient + mlp->weight[i], params->gradient + mlp->bias[i],
                         slope->bend[i], i ? mlp->out[i - 1] : x, params->value + mlp->weight[i], n, in,
                         def->sizes[i + 1]);
    if (!i) break;

    loom_activation_backward(lower, lower, mlp->sum[i - 1], def->activation, count);
    for (size_t k = 0; k < count; k++) slope->bend[i - 1][k] += lower[k];
  }
}

void loom_mlp_slope_backward(loomMlpSlope* slope, const loomMlp* mlp, loomParams* params,
                             const loomReal* dslope, const loomReal* x, int n) {
  loomActivation kind = mlp->def.activation;
  back_through_slope(slope, mlp, params, dslope, n);

  // Pieces of straight lines do not bend.
  if (kind != LOOM_ACTIVATION_NONE && kind != LOOM_ACTIVATION_RELU)
    back_through_sums(slope, mlp, params, x, n);
}
