// Internal. A multi-layer perceptron: linear layers with an activation between them, and layer normalization
// before that if wanted (Ba et al., "Layer normalization", 2016). The first of the
// networks made of layers; all of them go: declare (names and places of parameters), loom_params_create,
// init, layout (activations), then forward and backward as often as wanted without allocating.
#ifndef LOOM_POLICIES_NN_MLP_H
#define LOOM_POLICIES_NN_MLP_H

#include "engine/base/api.h"
#include "engine/base/random.h"
#include "policies/nn/activation.h"
#include "policies/nn/tensor.h"

LOOM_C_BEGIN

enum { LOOM_MLP_LAYERS = 8 };

typedef struct loomMlpDef {
  int layers;                      // linear ones, 1..LOOM_MLP_LAYERS
  int sizes[LOOM_MLP_LAYERS + 1];  // inputs, hidden ..., outputs
  loomActivation activation;       // after all but the last
  bool normalized;                 // layer normalization before it
} loomMlpDef;

typedef struct loomMlp {
  loomMlpDef def;
  bool apart;  // each row's output is to the last bit what it is alone: for who acts
  size_t weight[LOOM_MLP_LAYERS], bias[LOOM_MLP_LAYERS];  // offsets into the parameter blocks
  size_t gain[LOOM_MLP_LAYERS], shift[LOOM_MLP_LAYERS];   // likewise, where normalized
  loomReal* sum[LOOM_MLP_LAYERS];   // (n x sizes[i + 1]) of the linear layer; last: the output
  loomReal* norm[LOOM_MLP_LAYERS];  // normalized, else sum
  loomReal *mean[LOOM_MLP_LAYERS], *inverse[LOOM_MLP_LAYERS];  // (n) of the normalization
  loomReal* out[LOOM_MLP_LAYERS];                              // after it; the last is sum
  loomReal* gradient[2];                                       // (n x widest) scratch
} loomMlp;

/// Parameters PREFIX0.weight, PREFIX0.bias, (normalized: PREFIX0.gain, PREFIX0.shift,) PREFIX1.weight, ...
void loom_mlp_declare(loomMlp* mlp, loomParams* params, const loomMlpDef* def, const char* prefix);
void loom_mlp_init(const loomMlp* mlp, loomParams* params, loomRandom* random);
/// Room for n rows at most, from a measuring arena or a real one.
void loom_mlp_layout(loomMlp* mlp, loomArena* arena, int n);
/// The output (n x last size), which stays until the next call.
const loomReal* loom_mlp_forward(loomMlp* mlp, const loomParams* params, const loomReal* x, int n);
/// Gradients of the last forward's parameters, and dx (n x first size, may be NULL), from dy and the same x.
/// x NULL: dx alone, a third cheaper, for networks that only pass a slope on.
void loom_mlp_backward(loomReal* dx, loomMlp* mlp, loomParams* params, const loomReal* dy, const loomReal* x,
                       int n);

LOOM_C_END

#endif
