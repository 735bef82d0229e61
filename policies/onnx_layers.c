#include "policies/onnx_layers.h"

#include <stdio.h>

loomOnnxValue loom_onnx_linear(loomOnnxGraph* g, loomOnnxValue x, const loomParams* params,
                               const char* prefix) {
  char weight[LOOM_PARAM_NAME], bias[LOOM_PARAM_NAME];
  snprintf(weight, sizeof weight, "%.80s.weight", prefix);
  snprintf(bias, sizeof bias, "%.80s.bias", prefix);
  return loom_onnx_node(g, "Gemm",
                        LOOM_ONNX_IN(x, loom_onnx_param(g, params, weight), loom_onnx_param(g, params, bias)),
                        LOOM_ONNX_WITH(LOOM_ONNX_INT("transB", 1)));
}

// x Phi(x) by erf.
static loomOnnxValue gelu(loomOnnxGraph* g, loomOnnxValue x) {
  loomOnnxValue share =
      loom_onnx_op(g, "Erf", loom_onnx_op(g, "Mul", x, loom_onnx_float(g, 0.70710678118654752440)), NULL);
  loomOnnxValue half = loom_onnx_op(g, "Mul", x, loom_onnx_float(g, 0.5));
  return loom_onnx_op(g, "Mul", half, loom_onnx_op(g, "Add", share, loom_onnx_float(g, 1)));
}

// 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
static loomOnnxValue gelu_tanh(loomOnnxGraph* g, loomOnnxValue x) {
  loomOnnxValue square = loom_onnx_op(g, "Mul", x, x);
  loomOnnxValue factor = loom_onnx_op(g, "Add", loom_onnx_op(g, "Mul", square, loom_onnx_float(g, 0.044715)),
                                      loom_onnx_float(g, 1));
  loomOnnxValue inner =
      loom_onnx_op(g, "Mul", loom_onnx_op(g, "Mul", x, factor), loom_onnx_float(g, 0.79788456080286535588));
  loomOnnxValue half = loom_onnx_op(g, "Mul", x, loom_onnx_float(g, 0.5));
  return loom_onnx_op(g, "Mul", half,
                      loom_onnx_op(g, "Add", loom_onnx_op(g, "Tanh", inner, NULL), loom_onnx_float(g, 1)));
}

loomOnnxValue loom_onnx_activation(loomOnnxGraph* g, loomOnnxValue x, loomActivation kind) {
  switch (kind) {
    case LOOM_ACTIVATION_RELU:
      return loom_onnx_op(g, "Relu", x, NULL);
    case LOOM_ACTIVATION_TANH:
      return loom_onnx_op(g, "Tanh", x, NULL);
    case LOOM_ACTIVATION_SIGMOID:
      return loom_onnx_op(g, "Sigmoid", x, NULL);
    case LOOM_ACTIVATION_GELU:
      return gelu(g, x);
    case LOOM_ACTIVATION_GELU_TANH:
      return gelu_tanh(g, x);
    case LOOM_ACTIVATION_SILU:
      return loom_onnx_op(g, "Mul", x, loom_onnx_op(g, "Sigmoid", x, NULL));
    case LOOM_ACTIVATION_MISH:  // an operator of its own from opset 18 on
      return loom_onnx_op(g, "Mul", x, loom_onnx_op(g, "Tanh", loom_onnx_op(g, "Softplus", x, NULL), NULL));
    case LOOM_ACTIVATION_NONE:
    case LOOM_ACTIVATIONS:
      break;
  }
  return x;
}

loomOnnxValue loom_onnx_mlp(loomOnnxGraph* g, loomOnnxValue x, const loomParams* params, const char* prefix,
                            loomActivation activation) {
  for (int i = 0, last = 0; !last; i++) {
    char layer[LOOM_PARAM_NAME], next[LOOM_PARAM_NAME];
    snprintf(layer, sizeof layer, "%.60s%d", prefix, i);
    snprintf(next, sizeof next, "%.60s%d.weight", prefix, i + 1);
    last = !loom_params_find(params, next);
    x = loom_onnx_linear(g, x, params, layer);
    if (!last) x = loom_onnx_activation(g, x, activation);
  }
  return x;
}

// A (4 hidden x width) parameter with its gates as ONNX has them, input, output, forget, cell, where PyTorch
// has input, forget, cell, output.
static void reorder(float* out, const loomReal* in, size_t hidden, size_t width) {
  static const size_t from[4] = {0, 3, 1, 2};
  for (size_t k = 0; k < 4; k++)
    memcpy(out + k * hidden * width, in + from[k] * hidden * width, hidden * width * sizeof *out);
}

static const loomParam* lstm_param(loomOnnxGraph* g, const loomParams* params, const char* prefix,
                                   const char* part, int i) {
  char name[LOOM_PARAM_NAME];
  snprintf(name, sizeof name, "%.40s.%s_l%d", prefix, part, i);
  const loomParam* out = loom_params_find(params, name);
  if (!out) loom_onnx_fail(g, LOOM_ERR_UNSUPPORTED, "the network has no '%s' to export", name);
  return out;
}

static loomOnnxValue lstm_weights(loomOnnxGraph* g, const loomParams* params, const char* prefix,
                                  const char* part, int i, int hidden) {
  const loomParam* p = lstm_param(g, params, prefix, part, i);
  float* data = p ? loom_onnx_room(g, p->count) : NULL;
  if (!data) return "";
  reorder(data, params->value + p->offset, (size_t)hidden, (size_t)p->shape[1]);
  return loom_onnx_floats(g, p->name, data, (loomOnnxShape){3, {1, p->shape[0], p->shape[1]}});
}

static loomOnnxValue lstm_biases(loomOnnxGraph* g, const loomParams* params, const char* prefix, int i,
                                 int hidden) {
  const loomParam *in = lstm_param(g, params, prefix, "bias_ih", i),
                  *own = lstm_param(g, params, prefix, "bias_hh", i);
  float* data = in && own ? loom_onnx_room(g, in->count + own->count) : NULL;
  if (!data) return "";
  reorder(data, params->value + in->offset, (size_t)hidden, 1);
  reorder(data + in->count, params->value + own->offset, (size_t)hidden, 1);
  return loom_onnx_floats(g, in->name, data, (loomOnnxShape){2, {1, 8 * (int64_t)hidden}});
}

loomOnnxValue loom_onnx_lstm(loomOnnxValue* h, loomOnnxValue* c, loomOnnxGraph* g, loomOnnxValue x,
                             const loomParams* params, const char* prefix, int i, int hidden) {
  loomOnnxValue out[3];
  const loomOnnxValue in[] = {x,
                              lstm_weights(g, params, prefix, "weight_ih", i, hidden),
                              lstm_weights(g, params, prefix, "weight_hh", i, hidden),
                              lstm_biases(g, params, prefix, i, hidden),
                              "",  // lengths of sequences
                              *h,
                              *c,
                              NULL};
  loom_onnx_nodes(out, 3, g, "LSTM", in, LOOM_ONNX_WITH(LOOM_ONNX_INT("hidden_size", hidden)));
  *h = out[1];
  *c = out[2];
  return loom_onnx_reshape(g, *h, (loomOnnxShape){2, {1, hidden}});
}
