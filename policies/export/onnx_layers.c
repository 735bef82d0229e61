#include "policies/export/onnx_layers.h"

#include <math.h>
#include <stdio.h>

#include "policies/nn/norm.h"

enum { NAME = 2 * LOOM_PARAM_NAME };

// PREFIX.WHAT.
static loomOnnxValue part(loomOnnxGraph* g, const loomParams* params, const char* prefix, const char* what) {
  char name[NAME];
  snprintf(name, sizeof name, "%s.%s", prefix, what);
  return loom_onnx_param(g, params, name);
}

loomOnnxValue loom_onnx_linear(loomOnnxGraph* g, loomOnnxValue x, const loomParams* params,
                               const char* prefix) {
  return loom_onnx_node(g, "Gemm",
                        LOOM_ONNX_IN(x, part(g, params, prefix, "weight"), part(g, params, prefix, "bias")),
                        LOOM_ONNX_WITH(LOOM_ONNX_INT("transB", 1)));
}

// ---- activations

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

loomOnnxValue loom_onnx_hold(loomOnnxGraph* g, loomOnnxValue x, const char* name, loomBounds bounds,
                             int dim) {
  char least[NAME], most[NAME];
  loomOnnxShape row = {2, {1, dim}};
  if (!bounds.least) return x;

  // Not a Clip, whose bounds are single numbers.
  snprintf(least, sizeof least, "%s.least", name);
  snprintf(most, sizeof most, "%s.most", name);
  x = loom_onnx_op(g, "Max", x, loom_onnx_floats(g, least, bounds.least, row));
  return loom_onnx_op(g, "Min", x, loom_onnx_floats(g, most, bounds.most, row));
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

// ---- norms, convolutions, attention

loomOnnxValue loom_onnx_layer_norm(loomOnnxGraph* g, loomOnnxValue x, const loomParams* params,
                                   const char* prefix) {
  return loom_onnx_node(
      g, "LayerNormalization",
      LOOM_ONNX_IN(x, part(g, params, prefix, "weight"), part(g, params, prefix, "bias")),
      LOOM_ONNX_WITH(LOOM_ONNX_INT("axis", -1), LOOM_ONNX_REAL("epsilon", (double)LOOM_NORM_EPSILON)));
}

// All of `groups` numbers alike: what is made the same of each group.
static loomOnnxValue alike(loomOnnxGraph* g, int groups, float value) {
  char name[64];
  float* data = loom_onnx_room(g, (size_t)groups);

  for (int i = 0; data && i < groups; i++) data[i] = value;
  snprintf(name, sizeof name, "alike.%g.%d", (double)value, groups);
  return loom_onnx_floats(g, name, data, (loomOnnxShape){1, {groups}});
}

// An operator of its own from opset 18 on; until then groups take the place of channels.
loomOnnxValue loom_onnx_group_norm(loomOnnxGraph* g, loomOnnxValue x, const loomParams* params,
                                   const char* prefix, int groups, loomOnnxShape shape) {
  loomOnnxShape grouped = {3, {shape.size[0], groups, shape.size[1] / groups}}, each = {shape.rank - 1, {0}};

  each.size[0] = shape.size[1];
  for (int i = 2; i < shape.rank; i++) {
    grouped.size[2] *= shape.size[i];
    each.size[i - 1] = 1;
  }

  x = loom_onnx_node(g, "InstanceNormalization",
                     LOOM_ONNX_IN(loom_onnx_reshape(g, x, grouped), alike(g, groups, 1), alike(g, groups, 0)),
                     LOOM_ONNX_WITH(LOOM_ONNX_REAL("epsilon", (double)LOOM_NORM_EPSILON)));

  // Then each channel's own gain and shift.
  loomOnnxValue gain = loom_onnx_reshape(g, part(g, params, prefix, "weight"), each),
                shift = loom_onnx_reshape(g, part(g, params, prefix, "bias"), each);
  x = loom_onnx_op(g, "Mul", loom_onnx_reshape(g, x, shape), gain);
  return loom_onnx_op(g, "Add", x, shift);
}

loomOnnxValue loom_onnx_conv(loomOnnxGraph* g, const char* op, loomOnnxValue x, const loomParams* params,
                             const char* prefix, const loomOnnxConv* c) {
  char bias[NAME];
  snprintf(bias, sizeof bias, "%s.bias", prefix);

  bool plane = c->dims == 2;
  loomOnnxAttr pads = LOOM_ONNX_INTS("pads", 2, c->pad[0], c->pad[0]),
               both = LOOM_ONNX_INTS("pads", 4, c->pad[0], c->pad[1], c->pad[0], c->pad[1]);
  return loom_onnx_node(
      g, op,
      LOOM_ONNX_IN(x, part(g, params, prefix, "weight"),
                   loom_params_find(params, bias) ? loom_onnx_param(g, params, bias) : NULL),
      LOOM_ONNX_WITH(LOOM_ONNX_INTS("kernel_shape", c->dims, c->kernel[0], c->kernel[1]),
                     LOOM_ONNX_INTS("strides", c->dims, c->stride[0], c->stride[1]), plane ? both : pads));
}

// (length x length): nothing where a step may look, minus infinity after it.
static loomOnnxValue causal_mask(loomOnnxGraph* g, int length) {
  float* data = loom_onnx_room(g, (size_t)length * (size_t)length);

  for (int i = 0; data && i < length; i++)
    for (int k = i + 1; k < length; k++) data[i * length + k] = -INFINITY;
  return loom_onnx_floats(g, "causal", data, (loomOnnxShape){2, {length, length}});
}

loomOnnxValue loom_onnx_attention(loomOnnxGraph* g, loomOnnxValue x, const loomParams* params,
                                  const char* weight, int length, int width, int heads) {
  int64_t size = width / heads;
  loomOnnxValue qkv = loom_onnx_node(g, "Gemm", LOOM_ONNX_IN(x, loom_onnx_param(g, params, weight)),
                                     LOOM_ONNX_WITH(LOOM_ONNX_INT("transB", 1))),
                of[3];

  // Heads outermost, queries, keys and values apart.
  qkv = loom_onnx_reshape(g, qkv, (loomOnnxShape){4, {length, 3, heads, size}});
  qkv = loom_onnx_node(g, "Transpose", LOOM_ONNX_IN(qkv),
                       LOOM_ONNX_WITH(LOOM_ONNX_INTS("perm", 4, 1, 2, 0, 3)));
  loom_onnx_nodes(of, 3, g, "Split", LOOM_ONNX_IN(qkv), LOOM_ONNX_WITH(LOOM_ONNX_INT("axis", 0)));

  // softmax(q k' / sqrt(size)) v.
  loomOnnxValue keys = loom_onnx_node(g, "Transpose", LOOM_ONNX_IN(of[1]),
                                      LOOM_ONNX_WITH(LOOM_ONNX_INTS("perm", 4, 0, 1, 3, 2)));
  loomOnnxValue look = loom_onnx_op(g, "Mul", loom_onnx_op(g, "MatMul", of[0], keys),
                                    loom_onnx_float(g, 1 / sqrt((double)size)));

  look = loom_onnx_op(g, "Add", look, causal_mask(g, length));
  look = loom_onnx_node(g, "Softmax", LOOM_ONNX_IN(look), LOOM_ONNX_WITH(LOOM_ONNX_INT("axis", -1)));

  x = loom_onnx_node(g, "Transpose", LOOM_ONNX_IN(loom_onnx_op(g, "MatMul", look, of[2])),
                     LOOM_ONNX_WITH(LOOM_ONNX_INTS("perm", 4, 0, 2, 1, 3)));
  return loom_onnx_reshape(g, x, (loomOnnxShape){2, {length, width}});
}

// ---- networks

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
