// Internal. The slope of a perceptron's output by its inputs, as a number that losses may depend on: the
// gradients of such losses by the parameters (a backward pass through the backward pass), by hand. For the
// gradient penalty of Wasserstein critics (Gulrajani et al., "Improved training of Wasserstein GANs", 2017).
#ifndef LOOM_POLICIES_NN_MLP_SLOPE_H
#define LOOM_POLICIES_NN_MLP_SLOPE_H

#include "policies/nn/mlp.h"

LOOM_C_BEGIN

/// Room beside a perceptron's own. Indices are those of its layers.
typedef struct loomMlpSlope {
  loomReal* by_out[LOOM_MLP_LAYERS];  // (n x sizes[i + 1]) slope by what the activation gives; hidden layers
  loomReal* by_sum[LOOM_MLP_LAYERS];  // (n x sizes[i + 1]) slope by what it is given; of the last layer 1
  loomReal* bend[LOOM_MLP_LAYERS];    // (n x sizes[i + 1]) of the loss by the sums
  loomReal* by_input;                 // (n x sizes[0]) what is told
  loomReal* scratch[2];               // (n x widest)
} loomMlpSlope;

/// Room for n rows at most. The perceptron may not be normalized.
void loom_mlp_slope_layout(loomMlpSlope* slope, const loomMlp* mlp, loomArena* arena, int n);
/// The slope of the sum of a row's outputs by its inputs (n x inputs), after loom_mlp_forward of these rows;
/// it stays until the next call.
const loomReal* loom_mlp_slope_forward(loomMlpSlope* slope, const loomMlp* mlp, const loomParams* params,
                                       int n);
/// Gradients of parameters from dslope (n x inputs), the loss's by what loom_mlp_slope_forward gave, and the
/// same x (n x inputs). Those of the outputs themselves are loom_mlp_backward's; both add up.
void loom_mlp_slope_backward(loomMlpSlope* slope, const loomMlp* mlp, loomParams* params,
                             const loomReal* dslope, const loomReal* x, int n);

LOOM_C_END

#endif
