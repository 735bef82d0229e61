// Diffusion policies (network_diffusion.c, unet.c) as ONNX graphs: all steps of
// denoising one after the other.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/export/onnx_internal.h"
#include "policies/nn/diffusion.h"
#include "policies/nn/embedding.h"

// How a diffusion step is shown to a network: (1 x step_width).
static loomOnnxValue step_embedding(const loomExporter* e, int t) {
  int width = e->def->policy.step_width;
  loomReal step = (loomReal)t;

  float* data = loom_onnx_room(e->g, (size_t)width);
  if (!data) return "";
  char name[32];
  snprintf(name, sizeof name, "step.%d", t);

  loom_sinusoid_embedding(data, &step, 1, width);
  return loom_onnx_floats(e->g, name, data, loom_onnx_matrix(1, width));
}

/// The noise that a network sees in x (1 x rows x action_dim) at step t, as flat as obs (1 x ...).
typedef loomOnnxValue (*predictor)(const loomExporter* e, loomOnnxValue obs, loomOnnxValue x, int t);

static loomOnnxValue predict_mlp(const loomExporter* e, loomOnnxValue obs, loomOnnxValue x, int t) {
  int64_t rows = e->def->action_rows, size = e->def->action_dim;

  x = loom_onnx_reshape(e->g, x, loom_onnx_matrix(1, rows * size));
  x = loom_onnx_concat(e->g, LOOM_ONNX_IN(obs, step_embedding(e, t), x), 1);
  x = loom_onnx_mlp(e->g, x, e->params, "noise.", LOOM_ACTIVATION_MISH);
  return loom_onnx_reshape(e->g, x, (loomOnnxShape){3, {1, rows, size}});
}

// ---- the U-Net

// PREFIX.weight: convolution, group norm, Mish.
static loomOnnxValue unet_conv(const loomExporter* e, loomOnnxValue x, const char* prefix, int channels,
                               int length) {
  const loomNetworkConfig* p = &e->def->policy;
  char norm[LOOM_PARAM_NAME];

  snprintf(norm, sizeof norm, "%.80s.norm", prefix);
  x = loom_onnx_conv(e->g, "Conv", x, e->params, prefix,
                     &(loomOnnxConv){1, {p->kernel}, {1}, {p->kernel / 2}});
  x = loom_onnx_group_norm(e->g, x, e->params, norm, p->groups, (loomOnnxShape){3, {1, channels, length}});
  return loom_onnx_activation(e->g, x, LOOM_ACTIVATION_MISH);
}

// Scales and shifts of the channels of x, by the condition.
static loomOnnxValue unet_film(const loomExporter* e, loomOnnxValue x, loomOnnxValue condition,
                               const char* prefix, int channels) {
  char name[LOOM_PARAM_NAME];
  loomOnnxValue part[2];

  snprintf(name, sizeof name, "%.80s.film", prefix);
  loomOnnxValue film = loom_onnx_linear(e->g, condition, e->params, name);
  film = loom_onnx_reshape(e->g, film, (loomOnnxShape){3, {1, 2 * (int64_t)channels, 1}});

  loom_onnx_nodes(part, 2, e->g, "Split", LOOM_ONNX_IN(film), LOOM_ONNX_WITH(LOOM_ONNX_INT("axis", 1)));
  return loom_onnx_op(e->g, "Add", loom_onnx_op(e->g, "Mul", x, part[0]), part[1]);
}

// Two residual blocks, PREFIX.0 and PREFIX.1, to `channels` of that length.
static loomOnnxValue unet_blocks(const loomExporter* e, loomOnnxValue x, loomOnnxValue condition,
                                 const char* prefix, int channels, int length) {
  for (int i = 0; i < 2; i++) {
    char block[LOOM_PARAM_NAME], conv[LOOM_PARAM_NAME], shortcut[LOOM_PARAM_NAME], weight[LOOM_PARAM_NAME];
    snprintf(block, sizeof block, "%.40s.%d", prefix, i);

    snprintf(conv, sizeof conv, "%.60s.0", block);
    loomOnnxValue y = unet_film(e, unet_conv(e, x, conv, channels, length), condition, block, channels);

    snprintf(conv, sizeof conv, "%.60s.1", block);
    y = unet_conv(e, y, conv, channels, length);

    // The shortcut has a convolution where the channels change.
    snprintf(shortcut, sizeof shortcut, "%.60s.shortcut", block);
    snprintf(weight, sizeof weight, "%.80s.weight", shortcut);
    if (loom_params_find(e->params, weight))
      x = loom_onnx_conv(e->g, "Conv", x, e->params, shortcut, &(loomOnnxConv){1, {1}, {1}, {0}});

    x = loom_onnx_op(e->g, "Add", x, y);
  }
  return x;
}

// From level to level: half as long, or twice.
static loomOnnxValue unet_stride(const loomExporter* e, loomOnnxValue x, const char* prefix, bool up) {
  char name[LOOM_PARAM_NAME];

  snprintf(name, sizeof name, "%.60s.stride", prefix);
  return loom_onnx_conv(e->g, up ? "ConvTranspose" : "Conv", x, e->params, name,
                        &(loomOnnxConv){1, {up ? 4 : 3}, {2}, {1}});
}

static loomOnnxValue unet_condition(const loomExporter* e, loomOnnxValue obs, int t) {
  loomOnnxValue step =
      loom_onnx_mlp(e->g, step_embedding(e, t), e->params, "noise.step.", LOOM_ACTIVATION_MISH);
  return loom_onnx_activation(e->g, loom_onnx_concat(e->g, LOOM_ONNX_IN(step, obs), 1), LOOM_ACTIVATION_MISH);
}

static loomOnnxValue predict_unet(const loomExporter* e, loomOnnxValue obs, loomOnnxValue x, int t) {
  const loomSizes* size = &e->def->policy.layers;
  const loomOnnxAttr* turn = LOOM_ONNX_WITH(LOOM_ONNX_INTS("perm", 3, 0, 2, 1));
  int levels = size->n, length = e->def->action_rows;
  loomOnnxValue condition = unet_condition(e, obs, t), beside[LOOM_SIZES];
  char name[LOOM_PARAM_NAME];

  // Down, through the bottom and up again, as loom_unet_forward.
  x = loom_onnx_node(e->g, "Transpose", LOOM_ONNX_IN(x), turn);
  for (int level = 0; level < levels; level++) {
    snprintf(name, sizeof name, "noise.down.%d", level);
    beside[level] = x = unet_blocks(e, x, condition, name, size->size[level], length >> level);
    if (level < levels - 1) x = unet_stride(e, x, name, false);
  }

  x = unet_blocks(e, x, condition, "noise.bottom", size->size[levels - 1], length >> (levels - 1));
  for (int up = 0; up < levels - 1; up++) {
    int level = levels - 1 - up;
    snprintf(name, sizeof name, "noise.up.%d", up);
    x = loom_onnx_concat(e->g, LOOM_ONNX_IN(x, beside[level]), 1);
    x = unet_blocks(e, x, condition, name, size->size[level - 1], length >> level);
    x = unet_stride(e, x, name, true);
  }

  x = unet_conv(e, x, "noise.last", size->size[0], length);
  x = loom_onnx_conv(e->g, "Conv", x, e->params, "noise.output", &(loomOnnxConv){1, {1}, {1}, {0}});
  return loom_onnx_node(e->g, "Transpose", LOOM_ONNX_IN(x), turn);
}

// ---- denoising

// loom_diffusion_clean.
static loomOnnxValue clean_guess(const loomExporter* e, loomOnnxValue x, loomOnnxValue noise, double kept) {
  loomOnnxGraph* g = e->g;

  loomOnnxValue rest = loom_onnx_op(g, "Mul", noise, loom_onnx_float(g, sqrt(1 - kept)));
  return loom_onnx_op(g, "Div", loom_onnx_op(g, "Sub", x, rest), loom_onnx_float(g, sqrt(kept)));
}

// loom_diffusion_step.
static loomOnnxValue denoise(const loomExporter* e, loomOnnxValue x, loomOnnxValue seen,
                             const loomDiffusion* d, int t, int to) {
  loomOnnxGraph* g = e->g;
  double kept = d->kept[t], after = to < 0 ? 1 : d->kept[to];

  bool noise_seen = e->def->policy.predicts == LOOM_PREDICT_NOISE;
  loomOnnxValue clean = noise_seen ? clean_guess(e, x, seen, kept) : seen;
  clean = loom_onnx_hold(g, clean, "actions", e->def->action_bounds, e->def->action_dim);

  if (to < 0) return clean;

  loomOnnxValue signal = loom_onnx_op(g, "Mul", clean, loom_onnx_float(g, sqrt(kept)));
  loomOnnxValue noise = loom_onnx_op(g, "Mul", loom_onnx_op(g, "Sub", x, signal),
                                     loom_onnx_float(g, sqrt((1 - after) / (1 - kept))));
  return loom_onnx_op(g, "Add", loom_onnx_op(g, "Mul", clean, loom_onnx_float(g, sqrt(after))), noise);
}

// What a row of actions is told from (1 x action_dim), of the numbers seen (1 x obs_rows obs_dim).
static loomOnnxValue told_from(const loomExporter* e, loomOnnxValue obs) {
  const loomOffsets* o = e->def->offsets;
  size_t seen = (size_t)(e->def->obs_rows * e->def->obs_dim), newest = seen - (size_t)e->def->obs_dim;
  float* pick = loom_onnx_room(e->g, seen * (size_t)o->dim);
  if (!pick) return "";

  memset(pick, 0, seen * (size_t)o->dim * sizeof *pick);
  for (int i = 0; i < o->dim; i++)
    if (o->from[i] >= 0) pick[(newest + (size_t)o->from[i]) * (size_t)o->dim + (size_t)i] = o->factor[i];

  loomOnnxValue from =
      loom_onnx_op(e->g, "MatMul", obs,
                   loom_onnx_floats(e->g, "offsets.from", pick, loom_onnx_matrix((int64_t)seen, o->dim)));
  return loom_onnx_op(e->g, "Add", from,
                      loom_onnx_floats(e->g, "offsets.shift", o->shift, loom_onnx_matrix(1, o->dim)));
}

// Offsets (1 x rows x action_dim) as the actions that they lead to.
static loomOnnxValue as_actions(const loomExporter* e, loomOnnxValue said, loomOnnxValue base) {
  const loomOffsets* o = e->def->offsets;
  loomOnnxShape chunk = {3, {1, o->rows, o->dim}};

  said = loom_onnx_op(e->g, "Mul", said, loom_onnx_floats(e->g, "offsets.scale", o->scale, chunk));
  said = loom_onnx_op(e->g, "Add", said, loom_onnx_floats(e->g, "offsets.middle", o->middle, chunk));
  return loom_onnx_op(e->g, "Add", said, base);
}

static loomOnnxValue denoise_all(const loomExporter* e, loomOnnxValue obs, loomOnnxValue x) {
  const loomNetworkConfig* p = &e->def->policy;
  predictor predict = p->kind == LOOM_KIND_DIFFUSION ? predict_unet : predict_mlp;

  loomDiffusion* d = malloc(sizeof *d);
  if (!d) {
    loom_onnx_fail(e->g, LOOM_ERR_MEMORY, "no memory for an ONNX graph");
    return "";
  }

  *d = loom_diffusion_cosine(p->noise_steps);
  loomOnnxValue base = e->def->offsets ? told_from(e, obs) : "";

  for (int k = p->denoise_steps; k > 0; k--) {
    int t = k * p->noise_steps / p->denoise_steps - 1, to = (k - 1) * p->noise_steps / p->denoise_steps - 1;
    loomOnnxValue said = predict(e, obs, x, t);
    if (e->def->offsets) said = as_actions(e, said, base);
    x = denoise(e, x, said, d, t, to);
  }

  free(d);
  return x;
}

// Noise (1 x rows x action_dim), which comes from outside: a graph draws no random numbers of ours.
static loomOnnxValue begin(const loomExporter* e) {
  loomOnnxGraph* g = e->g;
  int rows = e->def->action_rows, size = e->def->action_dim;
  loomOnnxShape chunk = {3, {1, rows, size}};

  if (!(e->def->policy.temperature > 0)) {
    float* none = loom_onnx_room(g, (size_t)(rows * size));
    if (!none) return "";
    memset(none, 0, (size_t)(rows * size) * sizeof *none);
    return loom_onnx_floats(g, "begin", none, chunk);
  }

  loomOnnxValue x = loom_onnx_input(g, "noise", LOOM_SAFE_F32, loom_onnx_matrix(rows, size));
  x = loom_onnx_op(g, "Mul", x, loom_onnx_float(g, e->def->policy.temperature));
  return loom_onnx_reshape(g, x, chunk);
}

void loom_onnx_diffusion(const loomExporter* e) {
  loomOnnxGraph* g = e->g;
  const loomNetworkConfig* p = &e->def->policy;
  int size = e->def->action_dim, rows = e->def->action_rows, first = p->observed - 1;

  loomOnnxValue obs = loom_onnx_observations(e);
  obs = loom_onnx_reshape(g, obs, loom_onnx_matrix(1, (int64_t)e->def->obs_rows * e->def->obs_dim));

  loomOnnxValue x = denoise_all(e, obs, begin(e));

  // Of the chunk what is done.
  x = loom_onnx_reshape(g, x, loom_onnx_matrix(rows, size));
  x = loom_onnx_node(
      g, "Slice",
      LOOM_ONNX_IN(x, loom_onnx_int(g, first), loom_onnx_int(g, first + p->executed), loom_onnx_int(g, 0)),
      NULL);

  loom_onnx_put_actions(e, "actions", x, p->executed);
}
