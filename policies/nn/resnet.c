#include "policies/nn/resnet.h"

#include <stdio.h>

#include "policies/nn/activation.h"
#include "policies/nn/init.h"
#include "policies/nn/linear.h"
#include "policies/nn/norm.h"

enum { STEM_TAPS = 5, GROUP = 16 };  // channels of a group (Diffusion Policy's)

// ---- shapes and names

static size_t add_param(loomParams* params, const char* prefix, const char* part, const char* what, int dims,
                        const int* shape) {
  char name[2 * LOOM_PARAM_NAME];

  snprintf(name, sizeof name, "%s%s.%s", prefix, part, what);
  return loom_params_add(params, name, dims, shape);
}

static void declare_unit(loomResnetUnit* unit, loomParams* params, const char* prefix, const char* part,
                         loomConv conv) {
  char norm[LOOM_PARAM_NAME], layer[LOOM_PARAM_NAME];
  snprintf(layer, sizeof layer, "%.60s.conv", part);
  snprintf(norm, sizeof norm, "%.60s.norm", part);

  *unit = (loomResnetUnit){.conv = conv, .groups = conv.out % GROUP ? 1 : conv.out / GROUP};
  unit->weight =
      add_param(params, prefix, layer, "weight", 4, (int[]){conv.out, conv.in, conv.kernel_h, conv.kernel_w});

  unit->gain = add_param(params, prefix, norm, "weight", 1, &conv.out);
  unit->shift = add_param(params, prefix, norm, "bias", 1, &conv.out);
}

// A square convolution of `taps` that keeps the size, but for the stride.
static loomConv square(int in, int out, int height, int width, int taps, int stride) {
  int pad = taps / 2;
  return (loomConv){1, in, out, height, width, taps, taps, stride, stride, pad, pad};
}

static void declare_block(loomResnetBlock* block, loomParams* params, const char* prefix, int i,
                          const loomConv* before, int out, int stride) {
  char part[32];

  int height = loom_conv_height(before), width = loom_conv_width(before), in = before->out;
  loomConv first = square(in, out, height, width, 3, stride);

  snprintf(part, sizeof part, "block%d.0", i);
  declare_unit(&block->unit[0], params, prefix, part, first);
  snprintf(part, sizeof part, "block%d.1", i);
  declare_unit(&block->unit[1], params, prefix, part,
               square(out, out, loom_conv_height(&first), loom_conv_width(&first), 3, 1));

  // Where the size changes the shortcut has a convolution of its own.
  if (stride == 1 && in == out) return;
  snprintf(part, sizeof part, "block%d.shortcut", i);
  declare_unit(&block->shortcut, params, prefix, part, square(in, out, height, width, 1, stride));
}

void loom_resnet_declare(loomResnet* net, loomParams* params, const loomResnetDef* def, const char* prefix) {
  *net = (loomResnet){.def = *def};
  declare_unit(&net->stem, params, prefix, "stem",
               square(def->channels, def->sizes[0], def->height, def->width, STEM_TAPS, 2));

  const loomConv* before = &net->stem.conv;
  for (int i = 0; i < def->blocks; i++) {
    declare_block(&net->block[i], params, prefix, i, before, def->sizes[i + 1], i + 1 < def->blocks ? 2 : 1);
    before = &net->block[i].unit[1].conv;
  }

  // Maps whose spatial softmax gives points, and the points' layer.
  net->maps = square(before->out, def->keypoints, loom_conv_height(before), loom_conv_width(before), 1, 1);
  net->map_weight =
      add_param(params, prefix, "keypoints", "weight", 4, (int[]){def->keypoints, before->out, 1, 1});
  net->map_bias = add_param(params, prefix, "keypoints", "bias", 1, &def->keypoints);

  net->weight = add_param(params, prefix, "linear", "weight", 2, (int[]){def->out, 2 * def->keypoints});
  net->bias = add_param(params, prefix, "linear", "bias", 1, &def->out);
}

static void init_unit(const loomResnetUnit* unit, loomParams* params, loomRandom* random) {
  const loomConv* c = &unit->conv;

  if (!c->out) return;
  loom_init_linear(params->value + unit->weight, NULL, c->in * c->kernel_h * c->kernel_w, c->out, random);
  loom_init_constant(params->value + unit->gain, (size_t)c->out, 1);
  loom_init_constant(params->value + unit->shift, (size_t)c->out, 0);
}

void loom_resnet_init(const loomResnet* net, loomParams* params, loomRandom* random) {
  loomReal* value = params->value;

  init_unit(&net->stem, params, random);
  for (int i = 0; i < net->def.blocks; i++) {
    init_unit(&net->block[i].unit[0], params, random);
    init_unit(&net->block[i].unit[1], params, random);
    init_unit(&net->block[i].shortcut, params, random);
  }

  loom_init_linear(value + net->map_weight, value + net->map_bias, net->maps.in, net->maps.out, random);
  loom_init_linear(value + net->weight, value + net->bias, 2 * net->def.keypoints, net->def.out, random);
}

// ---- room

static int cells(const loomConv* c) {
  return loom_conv_height(c) * loom_conv_width(c);
}

static size_t count_of(const loomConv* c) {
  return (size_t)c->n * (size_t)c->out * (size_t)cells(c);
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

// Also how large its output, and a convolution's scratch, are at most.
static void layout_unit(loomResnetUnit* unit, loomArena* arena, int n, size_t* widest, size_t* scratch) {
  if (!unit->conv.out) return;
  unit->conv.n = n;
  size_t count = count_of(&unit->conv), groups = (size_t)n * (size_t)unit->groups;

  unit->sum = loom_arena_real(arena, count);
  unit->out = loom_arena_real(arena, count);
  unit->mean = loom_arena_real(arena, groups);
  unit->inverse = loom_arena_real(arena, groups);

  *widest = larger(*widest, count);
  *scratch = larger(*scratch, loom_conv_scratch(&unit->conv));
}

void loom_resnet_layout(loomResnet* net, loomArena* arena, int n) {
  size_t widest = 0, scratch = 0, pictures = (size_t)n, points = pictures * 2 * (size_t)net->def.keypoints;

  layout_unit(&net->stem, arena, n, &widest, &scratch);
  for (int i = 0; i < net->def.blocks; i++) {
    layout_unit(&net->block[i].unit[0], arena, n, &widest, &scratch);
    layout_unit(&net->block[i].unit[1], arena, n, &widest, &scratch);
    layout_unit(&net->block[i].shortcut, arena, n, &widest, &scratch);
  }

  net->maps.n = n;
  widest = larger(widest, count_of(&net->maps));
  scratch = larger(scratch, loom_conv_scratch(&net->maps));

  net->map = loom_arena_real(arena, count_of(&net->maps));
  net->heat = loom_arena_real(arena, count_of(&net->maps));
  net->place = loom_arena_real(arena, points);
  net->dplace = loom_arena_real(arena, points);
  net->y = loom_arena_real(arena, pictures * (size_t)net->def.out);

  for (int i = 0; i < 4; i++) net->gradient[i] = loom_arena_real(arena, widest);
  net->scratch = loom_arena_real(arena, scratch);
}

// ---- forward

static void unit_forward(loomResnetUnit* unit, loomReal* scratch, const loomParams* p, const loomReal* x,
                         int n) {
  unit->conv.n = n;

  loom_conv_forward(unit->sum, scratch, x, p->value + unit->weight, NULL, &unit->conv);
  loom_group_norm_forward(unit->out, unit->mean, unit->inverse, unit->sum, p->value + unit->gain,
                          p->value + unit->shift, n, unit->conv.out, cells(&unit->conv), unit->groups);
}

// In place: what is positive after it was so before, which is all that backward asks.
static void rectify(loomReal* x, size_t count) {
  loom_activation_forward(x, x, LOOM_ACTIVATION_RELU, count);
}

static void add_to(loomReal* y, const loomReal* x, size_t count) {
#pragma omp parallel for simd schedule(static) if (count >= LOOM_PARALLEL_MIN)
  for (size_t i = 0; i < count; i++) y[i] += x[i];
}

static const loomReal* block_forward(loomResnetBlock* b, loomReal* scratch, const loomParams* p,
                                     const loomReal* x, int n) {
  unit_forward(&b->unit[0], scratch, p, x, n);
  rectify(b->unit[0].out, count_of(&b->unit[0].conv));
  unit_forward(&b->unit[1], scratch, p, b->unit[0].out, n);

  if (b->shortcut.conv.out) unit_forward(&b->shortcut, scratch, p, x, n);
  size_t count = count_of(&b->unit[1].conv);
  add_to(b->unit[1].out, b->shortcut.conv.out ? b->shortcut.out : x, count);

  rectify(b->unit[1].out, count);
  return b->unit[1].out;
}

static loomSpatialSoftmax softmax_of(const loomResnet* net, int n) {
  return (loomSpatialSoftmax){n, net->def.keypoints, net->maps.height, net->maps.width, 1};
}

const loomReal* loom_resnet_forward(loomResnet* net, const loomParams* p, const loomReal* x, int n) {
  loomSpatialSoftmax softmax = softmax_of(net, n);

  unit_forward(&net->stem, net->scratch, p, x, n);
  rectify(net->stem.out, count_of(&net->stem.conv));

  const loomReal* at = net->stem.out;
  for (int i = 0; i < net->def.blocks; i++) at = block_forward(&net->block[i], net->scratch, p, at, n);

  net->maps.n = n;
  loom_conv_forward(net->map, net->scratch, at, p->value + net->map_weight, p->value + net->map_bias,
                    &net->maps);

  loom_spatial_softmax_forward(net->place, net->heat, net->map, &softmax);
  loom_linear_forward(net->y, net->place, p->value + net->weight, p->value + net->bias, n,
                      2 * net->def.keypoints, net->def.out);
  return net->y;
}

// ---- backward

// Overwrites dy.
static void unit_backward(loomReal* dx, const loomResnetUnit* unit, loomReal* scratch, loomParams* p,
                          loomReal* dy, const loomReal* x) {
  const loomConv* c = &unit->conv;

  loom_group_norm_backward(dy, p->gradient + unit->gain, p->gradient + unit->shift, dy, unit->sum, unit->mean,
                           unit->inverse, p->value + unit->gain, c->n, c->out, cells(c), unit->groups);
  loom_conv_backward(dx, p->gradient + unit->weight, NULL, scratch, dy, x, p->value + unit->weight, c);
}

// From d, the gradient of the block's output, that of its input x, into buffer[0]; buffer[0] to [2] hold as
// many numbers as d. Overwrites d.
static void block_backward(loomReal* const buffer[3], loomReal* d, const loomResnetBlock* b,
                           loomReal* scratch, loomParams* p, const loomReal* x) {
  size_t hidden = count_of(&b->unit[0].conv), count = count_of(&b->unit[1].conv);
  loomReal *dx = buffer[0], *dout = buffer[1], *dhidden = buffer[2];

  loom_activation_backward(d, d, b->unit[1].out, LOOM_ACTIVATION_RELU, count);

  // Through both units; d stays for the shortcut.
  memcpy(dout, d, count * sizeof *d);
  unit_backward(dhidden, &b->unit[1], scratch, p, dout, b->unit[0].out);
  loom_activation_backward(dhidden, dhidden, b->unit[0].out, LOOM_ACTIVATION_RELU, hidden);

  unit_backward(dx, &b->unit[0], scratch, p, dhidden, x);

  const loomConv* c = &b->unit[0].conv;
  size_t inputs = (size_t)c->n * (size_t)c->in * (size_t)c->height * (size_t)c->width;
  if (b->shortcut.conv.out) unit_backward(dout, &b->shortcut, scratch, p, d, x);
  add_to(dx, b->shortcut.conv.out ? dout : d, inputs);
}

void loom_resnet_backward(loomResnet* net, loomParams* p, const loomReal* dy, const loomReal* x, int n) {
  const loomResnetDef* def = &net->def;
  loomSpatialSoftmax softmax = softmax_of(net, n);
  loomReal *d = net->gradient[0], *other = net->gradient[1];

  loom_linear_backward(net->dplace, p->gradient + net->weight, p->gradient + net->bias, dy, net->place,
                       p->value + net->weight, n, 2 * def->keypoints, def->out);
  loom_spatial_softmax_backward(other, net->dplace, net->place, net->heat, &softmax);
  loom_conv_backward(d, p->gradient + net->map_weight, p->gradient + net->map_bias, net->scratch, other,
                     net->block[def->blocks - 1].unit[1].out, p->value + net->map_weight, &net->maps);

  for (int i = def->blocks - 1; i >= 0; i--) {
    loomReal* buffer[3] = {other, net->gradient[2], net->gradient[3]};
    const loomReal* input = i ? net->block[i - 1].unit[1].out : net->stem.out;

    block_backward(buffer, d, &net->block[i], net->scratch, p, input);

    loomReal* swap = d;
    d = other;
    other = swap;
  }

  loom_activation_backward(d, d, net->stem.out, LOOM_ACTIVATION_RELU, count_of(&net->stem.conv));
  unit_backward(NULL, &net->stem, net->scratch, p, d, x);
}
