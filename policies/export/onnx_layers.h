// Layers of policies' networks as pieces of an ONNX graph. What each computes is defined by the layer's own
// file; parameters are found by their names. Internal.
#ifndef LOOM_POLICIES_EXPORT_ONNX_LAYERS_H
#define LOOM_POLICIES_EXPORT_ONNX_LAYERS_H

#include "policies/export/onnx_graph.h"
#include "policies/nn/activation.h"
#include "policies/nn/diffusion.h"

/// PREFIX.weight and PREFIX.bias on the rows of x (n x in).
loomOnnxValue loom_onnx_linear(loomOnnxGraph* graph, loomOnnxValue x, const loomParams* params,
                               const char* prefix);
loomOnnxValue loom_onnx_activation(loomOnnxGraph* graph, loomOnnxValue x, loomActivation kind);
/// The rows (... x dim) of x within these bounds, tensors NAME.least and NAME.most.
loomOnnxValue loom_onnx_hold(loomOnnxGraph* graph, loomOnnxValue x, const char* name, loomBounds bounds,
                             int dim);
/// A perceptron: PREFIX0.weight, PREFIX0.bias, PREFIX1.weight, ... (mlp.h).
loomOnnxValue loom_onnx_mlp(loomOnnxGraph* graph, loomOnnxValue x, const loomParams* params,
                            const char* prefix, loomActivation activation);
/// PREFIX.weight and PREFIX.bias: rows of x (n x width), each normed.
loomOnnxValue loom_onnx_layer_norm(loomOnnxGraph* graph, loomOnnxValue x, const loomParams* params,
                                   const char* prefix);
/// The same for groups of channels of x (shape: samples x channels x ...).
loomOnnxValue loom_onnx_group_norm(loomOnnxGraph* graph, loomOnnxValue x, const loomParams* params,
                                   const char* prefix, int groups, loomOnnxShape shape);

/// Of one or two dimensions.
typedef struct loomOnnxConv {
  int dims;
  int64_t kernel[2], stride[2], pad[2];  // pad: zeros at either side
} loomOnnxConv;

/// op is Conv or ConvTranspose. A convolution without PREFIX.bias has none.
loomOnnxValue loom_onnx_conv(loomOnnxGraph* graph, const char* op, loomOnnxValue x, const loomParams* params,
                             const char* prefix, const loomOnnxConv* conv);
/// Causal self-attention of x (length x width); weight (3 width x width) gives queries, keys, values.
loomOnnxValue loom_onnx_attention(loomOnnxGraph* graph, loomOnnxValue x, const loomParams* params,
                                  const char* weight, int length, int width, int heads);
/// Layer i of PyTorch's LSTM `prefix` over x (1 x 1 x in): *h and *c (1 x 1 x hidden) become those after it.
/// Gives its output (1 x hidden).
loomOnnxValue loom_onnx_lstm(loomOnnxValue* h, loomOnnxValue* c, loomOnnxGraph* graph, loomOnnxValue x,
                             const loomParams* params, const char* prefix, int i, int hidden);

#endif
