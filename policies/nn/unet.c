#include "policies/nn/unet.h"

#include <stdio.h>

#include "policies/nn/blas.h"
#include "policies/nn/film.h"
#include "policies/nn/init.h"
#include "policies/nn/linear.h"
#include "policies/nn/norm.h"

static size_t inputs(const loomConv* c) {
  return (size_t)c->in * (size_t)c->width;
}

static int length_at(const loomUnetDef* def, int level) {
  return def->length >> level;
}

static int condition_width(const loomUnetDef* def) {
  return def->step_width + def->seen;
}

// Blocks by where they are: two on each level down, two at the bottom, two on each level up.
static int block_count(const loomUnetDef* def) {
  return 4 * def->levels;
}
static loomUnetBlock* down_block(loomUnet* u, int level, int i) {
  return &u->block[2 * level + i];
}
static loomUnetBlock* bottom_block(loomUnet* u, int i) {
  return &u->block[2 * u->def.levels + i];
}
// `up` counts from the bottom: it joins level levels - 1 - up's output.
static loomUnetBlock* up_block(loomUnet* u, int up, int i) {
  return &u->block[2 * u->def.levels + 2 + 2 * up + i];
}

// ---- declare

static size_t add_param(loomParams* params, const char* prefix, const char* name, int dims,
                        const int* shape) {
  char whole[LOOM_PARAM_NAME + 32];

  snprintf(whole, sizeof whole, "%s%s", prefix, name);
  return loom_params_add(params, whole, dims, shape);
}

static void declare_conv(loomUnetConv* c, loomParams* params, const loomUnetDef* def, const char* prefix,
                         int in, int out, int length) {
  c->conv = loom_conv_1d(1, in, out, length, def->kernel, 1, def->kernel / 2);

  c->weight = add_param(params, prefix, "weight", 3, (int[]){out, in, def->kernel});
  c->bias = add_param(params, prefix, "bias", 1, &out);
  c->gain = add_param(params, prefix, "norm.weight", 1, &out);
  c->shift = add_param(params, prefix, "norm.bias", 1, &out);
}

static void declare_block(loomUnetBlock* b, loomParams* params, const loomUnetDef* def, const char* prefix,
                          int in, int out, int length) {
  for (int i = 0; i < 2; i++) {
    char name[LOOM_PARAM_NAME];
    snprintf(name, sizeof name, "%s%d.", prefix, i);
    declare_conv(&b->part[i], params, def, name, i ? out : in, out, length);
  }

  // What is seen and the diffusion's step scale and shift each channel (Perez et al., 2018).
  b->film_weight = add_param(params, prefix, "film.weight", 2, (int[]){2 * out, condition_width(def)});
  b->film_bias = add_param(params, prefix, "film.bias", 1, (int[]){2 * out});

  b->shortcut = loom_conv_1d(1, in, out, length, 1, 1, 0);
  if (in == out) return;
  b->shortcut_weight = add_param(params, prefix, "shortcut.weight", 3, (int[]){out, in, 1});
  b->shortcut_bias = add_param(params, prefix, "shortcut.bias", 1, &out);
}

static void declare_stride(loomUnetStride* s, loomParams* params, const char* prefix, int size, int length,
                           int taps) {
  s->conv = loom_conv_1d(1, size, size, length, taps, 2, 1);

  s->weight = add_param(params, prefix, "weight", 3, (int[]){size, size, taps});
  s->bias = add_param(params, prefix, "bias", 1, &size);
}

static void declare_down(loomUnet* u, loomParams* params, const char* prefix, int level) {
  const loomUnetDef* def = &u->def;
  int size = def->size[level], length = length_at(def, level);

  char name[LOOM_PARAM_NAME];
  for (int i = 0; i < 2; i++) {
    int in = i ? size : level ? def->size[level - 1] : def->channels;
    snprintf(name, sizeof name, "%sdown.%d.%d.", prefix, level, i);
    declare_block(down_block(u, level, i), params, def, name, in, size, length);
  }

  // The lowest level has nowhere further down to go.
  if (level == def->levels - 1) return;
  snprintf(name, sizeof name, "%sdown.%d.stride.", prefix, level);
  declare_stride(&u->down[level], params, name, size, length, 3);
}

static void declare_up(loomUnet* u, loomParams* params, const char* prefix, int up) {
  const loomUnetDef* def = &u->def;
  int level = def->levels - 1 - up, size = def->size[level - 1], length = length_at(def, level);

  char name[LOOM_PARAM_NAME];
  for (int i = 0; i < 2; i++) {
    snprintf(name, sizeof name, "%sup.%d.%d.", prefix, up, i);
    declare_block(up_block(u, up, i), params, def, name, i ? size : 2 * def->size[level], size, length);
  }

  snprintf(name, sizeof name, "%sup.%d.stride.", prefix, up);
  declare_stride(&u->up[up], params, name, size, length, 4);
}

void loom_unet_declare(loomUnet* u, loomParams* params, const loomUnetDef* def, const char* prefix) {
  *u = (loomUnet){.def = *def};
  char name[LOOM_PARAM_NAME];
  int bottom = def->size[def->levels - 1], length = length_at(def, def->levels - 1);

  loomMlpDef step = {.layers = 2,
                     .sizes = {def->step_width, 4 * def->step_width, def->step_width},
                     .activation = LOOM_ACTIVATION_MISH};
  snprintf(name, sizeof name, "%sstep.", prefix);
  loom_mlp_declare(&u->step, params, &step, name);

  for (int level = 0; level < def->levels; level++) declare_down(u, params, prefix, level);
  for (int i = 0; i < 2; i++) {
    snprintf(name, sizeof name, "%sbottom.%d.", prefix, i);
    declare_block(bottom_block(u, i), params, def, name, bottom, bottom, length);
  }

  for (int up = 0; up < def->levels - 1; up++) declare_up(u, params, prefix, up);

  snprintf(name, sizeof name, "%slast.", prefix);
  declare_conv(&u->last, params, def, name, def->size[0], def->size[0], def->length);
  u->output = loom_conv_1d(1, def->size[0], def->channels, def->length, 1, 1, 0);
  u->output_weight = add_param(params, prefix, "output.weight", 3, (int[]){def->channels, def->size[0], 1});
  u->output_bias = add_param(params, prefix, "output.bias", 1, &def->channels);
}

// ---- init

static void init_weights(loomParams* params, size_t weight, size_t bias, const loomConv* c,
                         loomRandom* random) {
  loom_init_linear(params->value + weight, params->value + bias, c->in * c->kernel_w, c->out, random);
}

static void init_conv(const loomUnetConv* c, loomParams* params, loomRandom* random) {
  init_weights(params, c->weight, c->bias, &c->conv, random);
  loom_init_constant(params->value + c->gain, (size_t)c->conv.out, 1);
}

void loom_unet_init(const loomUnet* u, loomParams* params, loomRandom* random) {
  const loomUnetDef* def = &u->def;

  loom_mlp_init(&u->step, params, random);
  for (int i = 0; i < block_count(def); i++) {
    const loomUnetBlock* b = &u->block[i];
    for (int k = 0; k < 2; k++) init_conv(&b->part[k], params, random);
    loom_init_linear(params->value + b->film_weight, params->value + b->film_bias, condition_width(def),
                     2 * b->shortcut.out, random);

    if (b->shortcut.in != b->shortcut.out)
      init_weights(params, b->shortcut_weight, b->shortcut_bias, &b->shortcut, random);
  }

  for (int i = 0; i < def->levels - 1; i++) {
    init_weights(params, u->down[i].weight, u->down[i].bias, &u->down[i].conv, random);
    init_weights(params, u->up[i].weight, u->up[i].bias, &u->up[i].conv, random);
  }

  init_conv(&u->last, params, random);
  init_weights(params, u->output_weight, u->output_bias, &u->output, random);
}

// ---- layout

typedef struct sizes {
  size_t scratch, widest;  // of any convolution; numbers of a sample
} sizes;

static void measure_conv(sizes* s, loomConv c, int n) {
  c.n = n;

  size_t scratch = loom_conv_scratch(&c), out = (size_t)c.out * (size_t)c.width;
  s->scratch = scratch > s->scratch ? scratch : s->scratch;
  s->widest = inputs(&c) > s->widest ? inputs(&c) : s->widest;
  s->widest = out > s->widest ? out : s->widest;
}

static void layout_conv(loomUnetConv* c, loomArena* arena, const loomUnetDef* def, int n, sizes* s) {
  size_t count = (size_t)n * (size_t)c->conv.out * (size_t)c->conv.width,
         groups = (size_t)n * (size_t)def->groups;

  c->sum = loom_arena_real(arena, count);
  c->normed = loom_arena_real(arena, count);
  c->out = loom_arena_real(arena, count);
  c->mean = loom_arena_real(arena, groups);
  c->inverse = loom_arena_real(arena, groups);

  measure_conv(s, c->conv, n);
}

static void layout_stride(loomUnetStride* c, loomArena* arena, int n, int length, sizes* s) {
  c->y = loom_arena_real(arena, (size_t)n * (size_t)c->conv.out * (size_t)length);
  measure_conv(s, c->conv, n);
}

static void layout_training(loomUnet* u, loomArena* arena, size_t n, size_t widest) {
  const loomUnetDef* def = &u->def;
  int largest = 0;

  for (int i = 0; i < 4; i++) u->d[i] = loom_arena_real(arena, n * widest);
  for (int i = 0; i < def->levels; i++) {
    u->dshortcut[i] = loom_arena_real(arena, n * (size_t)def->size[i] * (size_t)length_at(def, i));
    if (def->size[i] > largest) largest = def->size[i];
  }

  u->dfilm = loom_arena_real(arena, n * 2 * (size_t)largest);
  u->dcondition = loom_arena_real(arena, n * (size_t)condition_width(def));
  u->dstep = loom_arena_real(arena, n * (size_t)def->step_width);
}

void loom_unet_layout(loomUnet* u, loomArena* arena, int n, bool train) {
  const loomUnetDef* def = &u->def;
  size_t rows = (size_t)n, chunk = rows * (size_t)def->channels * (size_t)def->length;
  sizes s = {0, 0};

  loom_mlp_layout(&u->step, arena, n);
  u->condition = loom_arena_real(arena, rows * (size_t)condition_width(def));
  u->activated = loom_arena_real(arena, rows * (size_t)condition_width(def));

  for (int i = 0; i < block_count(def); i++) {
    loomUnetBlock* b = &u->block[i];
    size_t count = rows * (size_t)b->shortcut.out * (size_t)b->shortcut.width;
    for (int k = 0; k < 2; k++) layout_conv(&b->part[k], arena, def, n, &s);
    measure_conv(&s, b->shortcut, n);

    b->film = loom_arena_real(arena, rows * 2 * (size_t)b->shortcut.out);
    b->mixed = loom_arena_real(arena, count);
    b->y = loom_arena_real(arena, count);
  }

  for (int i = 0; i < def->levels - 1; i++) {
    layout_stride(&u->down[i], arena, n, length_at(def, i + 1), &s);
    layout_stride(&u->up[i], arena, n, length_at(def, def->levels - 2 - i), &s);
    u->joined[i] = loom_arena_real(arena, rows * inputs(&up_block(u, i, 0)->shortcut));
  }

  layout_conv(&u->last, arena, def, n, &s);
  measure_conv(&s, u->output, n);

  u->x = loom_arena_real(arena, chunk);
  u->noise = loom_arena_real(arena, chunk);
  u->y = loom_arena_real(arena, chunk);
  u->scratch = loom_arena_real(arena, s.scratch);
  if (train) layout_training(u, arena, rows, s.widest);
}

// ---- forward

static loomConv for_samples(const loomConv* shape, int n) {
  loomConv c = *shape;
  c.n = n;
  return c;
}

static const loomReal* forward_conv(loomUnet* u, loomUnetConv* b, const loomParams* params, const loomReal* x,
                                    int n) {
  const loomReal* value = params->value;
  loomConv c = for_samples(&b->conv, n);

  loom_conv_forward(b->sum, u->scratch, x, value + b->weight, value + b->bias, &c);
  loom_group_norm_forward(b->normed, b->mean, b->inverse, b->sum, value + b->gain, value + b->shift, n, c.out,
                          c.width, u->def.groups);
  loom_activation_forward(b->out, b->normed, LOOM_ACTIVATION_MISH,
                          (size_t)n * (size_t)c.out * (size_t)c.width);
  return b->out;
}

static void add_to(loomReal* y, const loomReal* x, size_t count) {
#pragma omp parallel for simd schedule(static) if (parallel : count >= LOOM_PARALLEL_MIN)
  for (size_t i = 0; i < count; i++) y[i] += x[i];
}

static const loomReal* forward_block(loomUnet* u, loomUnetBlock* b, const loomParams* params,
                                     const loomReal* x, int n) {
  const loomReal* value = params->value;
  loomConv c = for_samples(&b->shortcut, n);
  size_t count = (size_t)n * (size_t)c.out * (size_t)c.width;

  b->x = x;
  const loomReal* first = forward_conv(u, &b->part[0], params, x, n);

  loom_linear_forward(b->film, u->activated, value + b->film_weight, value + b->film_bias, n,
                      condition_width(&u->def), 2 * c.out);
  loom_film_forward(b->mixed, first, b->film, n, c.out, c.width);

  const loomReal* second = forward_conv(u, &b->part[1], params, b->mixed, n);

  if (c.in != c.out)
    loom_conv_forward(b->y, u->scratch, x, value + b->shortcut_weight, value + b->shortcut_bias, &c);
  else
    memcpy(b->y, x, count * sizeof *x);

  add_to(b->y, second, count);
  return b->y;
}

static const loomReal* forward_blocks(loomUnet* u, loomUnetBlock* two, const loomParams* params,
                                      const loomReal* x, int n) {
  x = forward_block(u, &two[0], params, x, n);
  return forward_block(u, &two[1], params, x, n);
}

// The step's features beside what is seen, through Mish: all blocks take that.
static void forward_condition(loomUnet* u, const loomParams* params, const loomReal* embedding,
                              const loomReal* seen, int n) {
  size_t step = (size_t)u->def.step_width, other = (size_t)u->def.seen, width = step + other;
  const loomReal* features = loom_mlp_forward(&u->step, params, embedding, n);

  u->embedding = embedding;
  for (size_t i = 0; i < (size_t)n; i++) {
    memcpy(u->condition + i * width, features + i * step, step * sizeof *features);
    memcpy(u->condition + i * width + step, seen + i * other, other * sizeof *seen);
  }

  loom_activation_forward(u->activated, u->condition, LOOM_ACTIVATION_MISH, (size_t)n * width);
}

// out (n x columns x rows) from x (n x rows x columns).
static void turn(loomReal* out, const loomReal* x, int n, int rows, int columns) {
  for (ptrdiff_t i = 0; i < n; i++)
    for (ptrdiff_t r = 0; r < rows; r++)
      for (ptrdiff_t c = 0; c < columns; c++)
        out[(i * columns + c) * rows + r] = x[(i * rows + r) * columns + c];
}

// a and b (n x each) side by side.
static void join(loomReal* out, const loomReal* a, const loomReal* b, int n, size_t each) {
  for (size_t i = 0; i < (size_t)n; i++) {
    memcpy(out + 2 * i * each, a + i * each, each * sizeof *a);
    memcpy(out + (2 * i + 1) * each, b + i * each, each * sizeof *b);
  }
}

const loomReal* loom_unet_forward(loomUnet* u, const loomParams* params, const loomReal* noisy,
                                  const loomReal* embedding, const loomReal* seen, int n) {
  const loomUnetDef* def = &u->def;
  const loomReal *x = u->x, *value = params->value;

  forward_condition(u, params, embedding, seen, n);
  turn(u->x, noisy, n, def->length, def->channels);

  // Down, at half the length from level to level,
  for (int level = 0; level < def->levels; level++) {
    x = forward_blocks(u, down_block(u, level, 0), params, x, n);

    if (level == def->levels - 1) break;
    loomUnetStride* s = &u->down[level];
    loomConv c = for_samples(&s->conv, n);
    loom_conv_forward(s->y, u->scratch, x, value + s->weight, value + s->bias, &c);
    x = s->y;
  }

  // through the bottom,
  x = forward_blocks(u, bottom_block(u, 0), params, x, n);

  // and up again, beside what the same level gave on the way down.
  for (int up = 0; up < def->levels - 1; up++) {
    const loomUnetBlock* beside = down_block(u, def->levels - 1 - up, 1);
    join(u->joined[up], x, beside->y, n, inputs(&beside->shortcut));
    x = forward_blocks(u, up_block(u, up, 0), params, u->joined[up], n);

    loomUnetStride* s = &u->up[up];
    loomConv c = for_samples(&s->conv, n);
    loom_conv_transposed_forward(s->y, u->scratch, x, value + s->weight, value + s->bias, &c);
    x = s->y;
  }

  x = forward_conv(u, &u->last, params, x, n);
  loomConv c = for_samples(&u->output, n);
  loom_conv_forward(u->noise, u->scratch, x, value + u->output_weight, value + u->output_bias, &c);
  turn(u->y, u->noise, n, def->channels, def->length);
  return u->y;
}

// ---- backward

// d is written over. dx may be NULL.
static void backward_conv(loomUnet* u, loomUnetConv* b, loomParams* params, loomReal* dx, loomReal* d,
                          const loomReal* x, int n) {
  loomReal* g = params->gradient;
  loomConv c = for_samples(&b->conv, n);

  loom_activation_backward(d, d, b->normed, LOOM_ACTIVATION_MISH,
                           (size_t)n * (size_t)c.out * (size_t)c.width);
  loom_group_norm_backward(d, g + b->gain, g + b->shift, d, b->sum, b->mean, b->inverse,
                           params->value + b->gain, n, c.out, c.width, u->def.groups);

  loom_conv_backward(dx, g + b->weight, g + b->bias, u->scratch, d, x, params->value + b->weight, &c);
}

// dx (may be NULL) from dy; both differ from d[2] and d[3].
static void backward_block(loomUnet* u, loomUnetBlock* b, loomParams* params, loomReal* dx,
                           const loomReal* dy, int n) {
  loomReal *g = params->gradient, *value = params->value, *d = u->d[2], *dmixed = u->d[3];
  loomConv c = for_samples(&b->shortcut, n);
  int width = condition_width(&u->def), film = 2 * c.out;
  size_t count = (size_t)n * (size_t)c.out * (size_t)c.width;

  memcpy(d, dy, count * sizeof *d);

  backward_conv(u, &b->part[1], params, dmixed, d, b->mixed, n);
  loom_film_backward(dmixed, u->dfilm, dmixed, b->part[0].out, b->film, n, c.out, c.width);

  loom_linear_backward(NULL, g + b->film_weight, g + b->film_bias, u->dfilm, u->activated,
                       value + b->film_weight, n, width, film);
  loom_product(u->dcondition, width, (loomMatrix){u->dfilm, film, false},
               (loomMatrix){value + b->film_weight, width, false}, n, width, film, 1, 1);

  backward_conv(u, &b->part[0], params, dx, dmixed, b->x, n);

  if (c.in != c.out)
    loom_conv_backward(dx ? d : NULL, g + b->shortcut_weight, g + b->shortcut_bias, u->scratch, dy, b->x,
                       value + b->shortcut_weight, &c);
  if (dx) add_to(dx, c.in == c.out ? dy : d, (size_t)n * inputs(&c));
}

// In and out in d[0], by way of d[1].
static void backward_blocks(loomUnet* u, loomUnetBlock* two, loomParams* params, int n) {
  backward_block(u, &two[1], params, u->d[1], u->d[0], n);
  backward_block(u, &two[0], params, two == u->block ? NULL : u->d[0], u->d[1], n);
}

static void backward_stride(loomUnet* u, const loomUnetStride* s, loomParams* params, const loomReal* x,
                            bool transposed, int n) {
  loomReal *g = params->gradient, *kept = u->d[0];
  loomConv c = for_samples(&s->conv, n);

  (transposed ? loom_conv_transposed_backward : loom_conv_backward)(
      u->d[1], g + s->weight, g + s->bias, u->scratch, kept, x, params->value + s->weight, &c);

  u->d[0] = u->d[1];
  u->d[1] = kept;
}

static void backward_condition(loomReal* dseen, loomUnet* u, loomParams* params, int n) {
  size_t step = (size_t)u->def.step_width, other = (size_t)u->def.seen, width = step + other;
  loomReal* d = u->dcondition;

  loom_activation_backward(d, d, u->condition, LOOM_ACTIVATION_MISH, (size_t)n * width);

  for (size_t i = 0; i < (size_t)n; i++) {
    memcpy(u->dstep + i * step, d + i * width, step * sizeof *d);
    if (dseen) memcpy(dseen + i * other, d + i * width + step, other * sizeof *d);
  }

  loom_mlp_backward(NULL, &u->step, params, u->dstep, u->embedding, n);
}

void loom_unet_backward(loomReal* dseen, loomUnet* u, loomParams* params, const loomReal* dy, int n) {
  const loomUnetDef* def = &u->def;
  loomReal* g = params->gradient;

  // All blocks add to it.
  memset(u->dcondition, 0, (size_t)n * (size_t)condition_width(def) * sizeof *g);

  turn(u->noise, dy, n, def->length, def->channels);
  loomConv c = for_samples(&u->output, n);
  loom_conv_backward(u->d[1], g + u->output_weight, g + u->output_bias, u->scratch, u->noise, u->last.out,
                     params->value + u->output_weight, &c);

  const loomReal* x = def->levels > 1 ? u->up[def->levels - 2].y : bottom_block(u, 1)->y;
  backward_conv(u, &u->last, params, u->d[0], u->d[1], x, n);

  // The way of forward, backward.
  for (int up = def->levels - 2; up >= 0; up--) {
    int level = def->levels - 1 - up;
    size_t each = inputs(&down_block(u, level, 1)->shortcut);

    backward_stride(u, &u->up[up], params, up_block(u, up, 1)->y, true, n);
    backward_blocks(u, up_block(u, up, 0), params, n);
    for (size_t i = 0; i < (size_t)n; i++) {  // what join joined
      memcpy(u->d[1] + i * each, u->d[0] + 2 * i * each, each * sizeof *g);
      memcpy(u->dshortcut[level] + i * each, u->d[0] + (2 * i + 1) * each, each * sizeof *g);
    }

    memcpy(u->d[0], u->d[1], (size_t)n * each * sizeof *g);
  }

  backward_blocks(u, bottom_block(u, 0), params, n);

  for (int level = def->levels - 1; level >= 0; level--) {
    if (level < def->levels - 1)
      backward_stride(u, &u->down[level], params, down_block(u, level, 1)->y, false, n);
    if (level) add_to(u->d[0], u->dshortcut[level], (size_t)n * inputs(&down_block(u, level, 1)->shortcut));
    backward_blocks(u, down_block(u, level, 0), params, n);
  }

  backward_condition(dseen, u, params, n);
}
