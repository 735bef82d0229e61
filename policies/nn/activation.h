// Internal. Elementwise nonlinearities.
#ifndef LOOM_POLICIES_NN_ACTIVATION_H
#define LOOM_POLICIES_NN_ACTIVATION_H

#include "engine/base/api.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

typedef enum loomActivation {
  LOOM_ACTIVATION_NONE,
  LOOM_ACTIVATION_RELU,
  LOOM_ACTIVATION_TANH,
  LOOM_ACTIVATION_SIGMOID,
  LOOM_ACTIVATION_GELU,       // x Phi(x) by erf: PyTorch's default
  LOOM_ACTIVATION_GELU_TANH,  // its tanh approximation (Hendrycks and Gimpel, 2016): GPT-2's
  LOOM_ACTIVATION_SILU,       // x sigmoid(x)
  LOOM_ACTIVATION_MISH,       // x tanh(softplus(x)) (Misra, 2019): diffusion U-Nets'
  LOOM_ACTIVATIONS,
} loomActivation;

/// y (count) from x (count); y may be x.
void loom_activation_forward(loomReal* y, const loomReal* x, loomActivation kind, size_t count);
/// dx (count) from dy and the layer's input x; dx may be dy.
void loom_activation_backward(loomReal* dx, const loomReal* dy, const loomReal* x, loomActivation kind,
                              size_t count);
/// dx (count) = dy times the second derivative at x, for losses that a slope is part of; dx may be dy.
void loom_activation_twice(loomReal* dx, const loomReal* dy, const loomReal* x, loomActivation kind,
                           size_t count);
/// The same bits where the layer's output y is still known, which spares computing tanh again.
void loom_activation_backward_of(loomReal* dx, const loomReal* dy, const loomReal* x, const loomReal* y,
                                 loomActivation kind, size_t count);

LOOM_C_END

#endif
