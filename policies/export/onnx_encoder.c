// Encoders of images (resnet.c) and point clouds (pointnet.c) as pieces of an ONNX graph.
#include <math.h>
#include <stdio.h>

#include "policies/export/onnx_internal.h"

enum { NAME = LOOM_NAME_MAX + LOOM_PARAM_NAME };

// PREFIX.mlp.0 and so on; see encoder.c for the prefix.
static void part_name(char out[NAME], const loomVisualKey* key, const char* part) {
  snprintf(out, NAME, "encoder.%.60s.%s", key->name, part);
}

// ---- point clouds

static loomOnnxValue normed_linear(const loomExporter* e, loomOnnxValue x, const loomVisualKey* key,
                                   const char* linear, const char* norm) {
  char name[NAME];
  part_name(name, key, linear);
  x = loom_onnx_linear(e->g, x, e->params, name);

  part_name(name, key, norm);
  return loom_onnx_layer_norm(e->g, x, e->params, name);
}

static loomOnnxValue cloud_features(const loomExporter* e, const loomVisualKey* key, const loomNormal* normal,
                                    int rows) {
  loomOnnxGraph* g = e->g;
  const loomSizes* sizes = &e->def->encoder.config.points;
  int64_t points = key->shape[0], numbers = key->shape[1];
  loomOnnxShape one = loom_onnx_matrix(1, numbers);
  char linear[32], norm[32], factor[NAME], offset[NAME];

  snprintf(factor, sizeof factor, "obs.factor.%s", key->name);
  snprintf(offset, sizeof offset, "obs.offset.%s", key->name);

  loomOnnxValue x = loom_onnx_input(g, key->name, LOOM_SAFE_F32, (loomOnnxShape){3, {rows, points, numbers}});
  x = loom_onnx_reshape(g, x, loom_onnx_matrix(rows * points, numbers));
  x = loom_onnx_op(g, "Mul", x, loom_onnx_floats(g, factor, normal->factor, one));
  x = loom_onnx_op(g, "Add", x, loom_onnx_floats(g, offset, normal->offset, one));

  // Every point through the same layers,
  for (int i = 0; i < sizes->n; i++) {
    snprintf(linear, sizeof linear, "mlp.%d", i);
    snprintf(norm, sizeof norm, "norm.%d", i);
    x = loom_onnx_activation(g, normed_linear(e, x, key, linear, norm), LOOM_ACTIVATION_RELU);
  }

  // then the largest of each channel.
  x = loom_onnx_reshape(g, x, (loomOnnxShape){3, {rows, points, sizes->size[sizes->n - 1]}});
  x = loom_onnx_node(g, "ReduceMax", LOOM_ONNX_IN(x),
                     LOOM_ONNX_WITH(LOOM_ONNX_INTS("axes", 1, 1), LOOM_ONNX_INT("keepdims", 0)));
  return normed_linear(e, x, key, "projection", "projection_norm");
}

// ---- images

/// A picture on its way: (rows x channels x height x width).
typedef struct picture {
  loomOnnxValue x;
  int rows, channels, height, width;
} picture;

// PART.conv and PART.norm: to `channels`, of as many taps, smaller by the stride.
static picture unit(const loomExporter* e, picture in, const loomVisualKey* key, const char* part,
                    int channels, int taps, int stride) {
  enum { GROUP = 16 };  // resnet.c's
  char name[NAME], whole[64];
  picture out = {"", in.rows, channels, (in.height - 1) / stride + 1, (in.width - 1) / stride + 1};
  loomOnnxConv conv = {2, {taps, taps}, {stride, stride}, {taps / 2, taps / 2}};

  snprintf(whole, sizeof whole, "%.40s.conv", part);
  part_name(name, key, whole);
  out.x = loom_onnx_conv(e->g, "Conv", in.x, e->params, name, &conv);

  snprintf(whole, sizeof whole, "%.40s.norm", part);
  part_name(name, key, whole);
  out.x = loom_onnx_group_norm(e->g, out.x, e->params, name, channels % GROUP ? 1 : channels / GROUP,
                               (loomOnnxShape){4, {out.rows, channels, out.height, out.width}});
  return out;
}

static picture block(const loomExporter* e, picture in, const loomVisualKey* key, int i, int channels,
                     int stride) {
  char part[32];

  snprintf(part, sizeof part, "block%d.0", i);
  picture out = unit(e, in, key, part, channels, 3, stride);
  out.x = loom_onnx_activation(e->g, out.x, LOOM_ACTIVATION_RELU);

  snprintf(part, sizeof part, "block%d.1", i);
  out = unit(e, out, key, part, channels, 3, 1);

  snprintf(part, sizeof part, "block%d.shortcut", i);
  if (stride > 1 || in.channels != channels) in = unit(e, in, key, part, channels, 1, stride);

  out.x = loom_onnx_activation(e->g, loom_onnx_op(e->g, "Add", out.x, in.x), LOOM_ACTIVATION_RELU);
  return out;
}

// As an input in the dataset's layout; then planes, the middle of them, -1 .. 1.
static picture see(const loomExporter* e, const loomVisualKey* key, int rows) {
  loomOnnxGraph* g = e->g;
  double crop = e->def->encoder.config.crop;

  int channels = key->shape[0], height = (int)lround(key->shape[1] * crop),
      width = (int)lround(key->shape[2] * crop);
  height = height < 1 ? 1 : height;
  width = width < 1 ? 1 : width;
  int top = (key->shape[1] - height) / 2, left = (key->shape[2] - width) / 2;

  loomOnnxShape shape = {4, {rows, key->shape[1], key->shape[2], channels}};
  loomOnnxValue x = loom_onnx_input(g, key->name, LOOM_SAFE_F32, shape);
  x = loom_onnx_node(g, "Transpose", LOOM_ONNX_IN(x), LOOM_ONNX_WITH(LOOM_ONNX_INTS("perm", 4, 0, 3, 1, 2)));

  loomOnnxValue from = loom_onnx_ints(g, 2, (const int64_t[]){top, left}),
                to = loom_onnx_ints(g, 2, (const int64_t[]){top + height, left + width}),
                axes = loom_onnx_ints(g, 2, (const int64_t[]){2, 3});
  x = loom_onnx_node(g, "Slice", LOOM_ONNX_IN(x, from, to, axes), NULL);

  x = loom_onnx_op(g, "Sub", loom_onnx_op(g, "Mul", x, loom_onnx_float(g, 2)), loom_onnx_float(g, 1));
  return (picture){x, rows, channels, height, width};
}

// Places of a picture's cells in [-1, 1]: (height width x 2), column and row.
static loomOnnxValue places(const loomExporter* e, const picture* p, const char* name) {
  float* out = loom_onnx_room(e->g, 2 * (size_t)p->height * (size_t)p->width);

  for (int i = 0; out && i < p->height * p->width; i++) {
    int row = i / p->width, column = i % p->width;

    out[2 * i] = p->width > 1 ? 2 * (float)column / (float)(p->width - 1) - 1 : 0;
    out[2 * i + 1] = p->height > 1 ? 2 * (float)row / (float)(p->height - 1) - 1 : 0;
  }

  return loom_onnx_floats(e->g, name, out, loom_onnx_matrix((int64_t)p->height * p->width, 2));
}

static loomOnnxValue image_features(const loomExporter* e, const loomVisualKey* key, int rows) {
  loomOnnxGraph* g = e->g;
  const loomEncoderConfig* c = &e->def->encoder.config;
  char name[NAME];

  picture p = unit(e, see(e, key, rows), key, "stem", c->channels.size[0], 5, 2);
  p.x = loom_onnx_activation(g, p.x, LOOM_ACTIVATION_RELU);
  for (int i = 0; i + 1 < c->channels.n; i++)
    p = block(e, p, key, i, c->channels.size[i + 1], i + 2 < c->channels.n ? 2 : 1);

  // Where each map's weight lies on average (spatial softmax, as conv.c's).
  part_name(name, key, "keypoints");
  loomOnnxValue maps =
      loom_onnx_conv(g, "Conv", p.x, e->params, name, &(loomOnnxConv){2, {1, 1}, {1, 1}, {0, 0}});
  maps = loom_onnx_reshape(g, maps, (loomOnnxShape){3, {rows, c->keypoints, (int64_t)p.height * p.width}});
  maps = loom_onnx_node(g, "Softmax", LOOM_ONNX_IN(maps), LOOM_ONNX_WITH(LOOM_ONNX_INT("axis", 2)));

  part_name(name, key, "places");
  loomOnnxValue place = loom_onnx_op(g, "MatMul", maps, places(e, &p, name));
  place = loom_onnx_reshape(g, place, loom_onnx_matrix(rows, 2 * (int64_t)c->keypoints));

  part_name(name, key, "linear");
  return loom_onnx_linear(g, place, e->params, name);
}

loomOnnxValue loom_onnx_encoded(const loomExporter* e, const loomVisualKey* key, const loomNormal* cloud,
                                int rows) {
  return key->rank == 3 ? image_features(e, key, rows) : cloud_features(e, key, cloud, rows);
}
