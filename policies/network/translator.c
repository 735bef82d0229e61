#include "policies/network/translator.h"

#include <stdio.h>
#include <stdlib.h>

#include "policies/nn/activation.h"
#include "policies/nn/init.h"
#include "policies/nn/linear.h"

enum { LEVELS = LOOM_TRANSLATOR_LEVELS };

loomTranslatorDef loom_default_translator_def(void) {
  return (loomTranslatorDef){.channels = 3,
                             .height = 48,
                             .width = 48,
                             .size = {32, 16, 16, 8},
                             .features = 100,
                             .image = 1,
                             .reconstruction = 1,
                             .feature = 1};
}

int loom_translator_dim(const loomTranslator* t) {
  return t->def.channels * t->def.height * t->def.width;
}

void loom_translator_picture(loomReal* out, const unsigned char* picture, const loomTranslatorDef* d) {
  int pixels = d->height * d->width;

  for (int c = 0; c < d->channels; c++)
    for (int p = 0; p < pixels; p++) *out++ = (loomReal)picture[p * d->channels + c] / 255;
}

// ---- shapes

// Numbers of a level's output; level -1 is the picture.
static size_t level_size(const loomTranslatorDef* d, int level) {
  size_t channels = (size_t)(level < 0 ? d->channels : d->size[level]);
  return channels * (size_t)(d->height >> (level + 1)) * (size_t)(d->width >> (level + 1));
}

static int channels_at(const loomTranslatorDef* d, int level) {
  return level < 0 ? d->channels : d->size[level];
}

static loomConv down_conv(const loomTranslatorDef* d, int level) {
  return (loomConv){.in = channels_at(d, level - 1),
                    .out = d->size[level],
                    .height = d->height >> level,
                    .width = d->width >> level,
                    .kernel_h = 5,
                    .kernel_w = 5,
                    .stride_h = 2,
                    .stride_w = 2,
                    .pad_h = 2,
                    .pad_w = 2};
}

// From a level to the one above, which is twice as large: kernels of 4 fit that without remainder. Half of
// the channels are the context's.
static loomConv up_conv(const loomTranslatorDef* d, int level) {
  return (loomConv){.in = 2 * d->size[level],
                    .out = channels_at(d, level - 1),
                    .height = d->height >> (level + 1),
                    .width = d->width >> (level + 1),
                    .kernel_h = 4,
                    .kernel_w = 4,
                    .stride_h = 2,
                    .stride_w = 2,
                    .pad_h = 1,
                    .pad_w = 1};
}

// ---- made

static void declare_eye(loomTranslatorEye* e, loomParams* p, const loomTranslatorDef* d, const char* name) {
  char text[LOOM_PARAM_NAME];

  for (int l = 0; l < LEVELS; l++) {
    e->conv[l] = down_conv(d, l);
    const loomConv* c = &e->conv[l];
    snprintf(text, sizeof text, "%s%d.weight", name, l);
    e->weight[l] = loom_params_add(p, text, 4, (int[]){c->out, c->in, 5, 5});
    snprintf(text, sizeof text, "%s%d.bias", name, l);
    e->bias[l] = loom_params_add(p, text, 1, &c->out);
  }

  int last = (int)level_size(d, LEVELS - 1);
  snprintf(text, sizeof text, "%slinear.weight", name);
  e->full = loom_params_add(p, text, 2, (int[]){d->features, last});
  snprintf(text, sizeof text, "%slinear.bias", name);
  e->full_bias = loom_params_add(p, text, 1, &d->features);
}

static void declare_all(loomTranslator* t) {
  const loomTranslatorDef* d = &t->def;
  loomParams* p = &t->params;
  char text[LOOM_PARAM_NAME];
  declare_eye(&t->eye, p, d, "picture.");
  declare_eye(&t->context, p, d, "context.");

  loomMlpDef mlp = {
      .layers = 2, .sizes = {2 * d->features, d->features, d->features}, .activation = LOOM_ACTIVATION_RELU};
  loom_mlp_declare(&t->mlp, p, &mlp, "translate.");

  int last = (int)level_size(d, LEVELS - 1);
  t->open = loom_params_add(p, "decode.linear.weight", 2, (int[]){last, d->features});
  t->open_bias = loom_params_add(p, "decode.linear.bias", 1, &last);

  for (int l = 0; l < LEVELS; l++) {
    t->up[l] = up_conv(d, l);
    const loomConv* c = &t->up[l];
    snprintf(text, sizeof text, "decode.%d.weight", l);
    t->up_weight[l] = loom_params_add(p, text, 4, (int[]){c->in, c->out, 4, 4});
    snprintf(text, sizeof text, "decode.%d.bias", l);
    t->up_bias[l] = loom_params_add(p, text, 1, &c->out);
  }
}

static void init_eye(const loomTranslatorEye* e, loomParams* p, const loomTranslatorDef* d,
                     loomRandom* random) {
  for (int l = 0; l < LEVELS; l++)
    loom_init_linear(p->value + e->weight[l], p->value + e->bias[l], e->conv[l].in * 25, e->conv[l].out,
                     random);
  loom_init_linear(p->value + e->full, p->value + e->full_bias, (int)level_size(d, LEVELS - 1), d->features,
                   random);
}

static void init_all(loomTranslator* t, uint64_t seed) {
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_WEIGHTS);
  const loomTranslatorDef* d = &t->def;
  loomReal* value = t->params.value;
  init_eye(&t->eye, &t->params, d, &random);
  init_eye(&t->context, &t->params, d, &random);
  loom_mlp_init(&t->mlp, &t->params, &random);
  loom_init_linear(value + t->open, value + t->open_bias, d->features, (int)level_size(d, LEVELS - 1),
                   &random);

  // Of a transposed one 4 of its 16 taps meet at a place, from each channel.
  for (int l = 0; l < LEVELS; l++) {
    const loomConv* c = &t->up[l];
    double bound = 1 / sqrt(4.0 * c->in);
    loom_init_uniform(value + t->up_weight[l], (size_t)(c->in * c->out * 16), bound, &random);
    loom_init_uniform(value + t->up_bias[l], (size_t)c->out, bound, &random);
  }
}

static void lay_out_eye(loomTranslatorEye* e, loomArena* a, const loomTranslatorDef* d, size_t rows) {
  for (int l = 0; l < LEVELS; l++) {
    e->sum[l] = loom_arena_real(a, rows * level_size(d, l));
    e->out[l] = loom_arena_real(a, rows * level_size(d, l));
    e->dout[l] = loom_arena_real(a, rows * level_size(d, l));
  }
  e->z = loom_arena_real(a, rows * (size_t)d->features);
}

static size_t most_scratch(const loomTranslator* t) {
  size_t most = 0;

  for (int l = 0; l < LEVELS; l++) {
    loomConv down = t->eye.conv[l], up = t->up[l];
    down.n = up.n = 2 * t->rows;
    size_t a = loom_conv_scratch(&down), b = loom_conv_scratch(&up);
    most = a > most ? a : most;
    most = b > most ? b : most;
  }
  return most;
}

static void lay_out(loomTranslator* t) {
  const loomTranslatorDef* d = &t->def;
  size_t n = (size_t)t->rows, picture = (size_t)loom_translator_dim(t), features = (size_t)d->features;
  loomArena* a = &t->arena;
  lay_out_eye(&t->eye, a, d, 2 * n);
  lay_out_eye(&t->context, a, d, n);
  loom_mlp_layout(&t->mlp, a, t->rows);
  t->seen = loom_arena_real(a, 2 * n * picture);
  t->first = loom_arena_real(a, n * picture);
  t->both = loom_arena_real(a, 2 * n * features);
  t->dboth = loom_arena_real(a, 2 * n * features);
  t->code = loom_arena_real(a, 2 * n * features);
  t->dcode = loom_arena_real(a, 2 * n * features);
  t->dz = loom_arena_real(a, 2 * n * features);

  // A level's convolution sees what was made below it and the context's level, side by side.
  for (int l = 0; l < LEVELS; l++) {
    t->down[l] = loom_arena_real(a, 4 * n * level_size(d, l));
    t->ddown[l] = loom_arena_real(a, 4 * n * level_size(d, l));
    t->made[l] = loom_arena_real(a, 2 * n * level_size(d, l - 1));
    t->dmade[l] = loom_arena_real(a, 2 * n * level_size(d, l - 1));
  }
  t->scratch = loom_arena_real(a, most_scratch(t));
}

static bool is_made(const loomTranslatorDef* d) {
  bool made = d->channels > 0 && d->height > 0 && d->width > 0 && !(d->height % 16) && !(d->width % 16) &&
              d->features > 0;
  for (int l = 0; l < LEVELS; l++) made = made && d->size[l] > 0;
  return made;
}

int loom_translator_create(loomTranslator* out, const loomTranslatorDef* def, uint64_t seed, int rows,
                           loomError* err) {
  *out = (loomTranslator){.def = *def, .rows = rows};
  if (!is_made(def))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "pictures of %d x %d cannot be translated: sides are multiples of 16", def->width,
                          def->height);

  declare_all(out);
  int code = loom_params_create(&out->params, err);
  if (!code) lay_out(out);
  if (!code) code = loom_arena_create(&out->arena, out->arena.used, err);
  if (code) {
    out->arena.base = NULL;
    loom_translator_destroy(out);
    return code;
  }
  lay_out(out);
  init_all(out, seed);
  return LOOM_OK;
}

void loom_translator_destroy(loomTranslator* t) {
  loom_params_destroy(&t->params);
  loom_arena_destroy(&t->arena);
  *t = (loomTranslator){0};
}

// ---- encoders

static void see(loomTranslatorEye* e, const loomTranslator* t, const loomReal* x, int n) {
  const loomTranslatorDef* d = &t->def;
  const loomReal* value = t->params.value;

  for (int l = 0; l < LEVELS; l++) {
    loomConv c = e->conv[l];
    c.n = n;
    loom_conv_forward(e->sum[l], t->scratch, l ? e->out[l - 1] : x, value + e->weight[l], value + e->bias[l],
                      &c);
    loom_activation_forward(e->out[l], e->sum[l], LOOM_ACTIVATION_RELU, (size_t)n * level_size(d, l));
  }
  loom_linear_forward(e->z, e->out[LEVELS - 1], value + e->full, value + e->full_bias, n,
                      (int)level_size(d, LEVELS - 1), d->features);
}

// From dz, and with `skips` from what is in dout already.
static void see_back(loomTranslatorEye* e, loomTranslator* t, const loomReal* dz, const loomReal* x, int n,
                     bool skips) {
  const loomTranslatorDef* d = &t->def;
  const loomReal* value = t->params.value;
  loomReal* to = t->params.gradient;

  // Gradients of inputs are written over: in the scratch of a level first.
  loomReal* spare = t->ddown[0];

  for (int l = LEVELS - 1; l >= 0; l--) {
    size_t count = (size_t)n * level_size(d, l);
    loomReal* into = skips ? spare : e->dout[l];
    if (l == LEVELS - 1) {
      loom_linear_backward(into, to + e->full, to + e->full_bias, dz, e->out[l], value + e->full, n,
                           (int)level_size(d, l), d->features);
    } else {
      loomConv c = e->conv[l + 1];
      c.n = n;
      loom_conv_backward(into, to + e->weight[l + 1], to + e->bias[l + 1], t->scratch, e->dout[l + 1],
                         e->out[l], value + e->weight[l + 1], &c);
    }
    for (size_t i = 0; skips && i < count; i++) e->dout[l][i] += spare[i];
    loom_activation_backward(e->dout[l], e->dout[l], e->sum[l], LOOM_ACTIVATION_RELU, count);
  }

  loomConv c = e->conv[0];
  c.n = n;
  loom_conv_backward(NULL, to + e->weight[0], to + e->bias[0], t->scratch, e->dout[0], x,
                     value + e->weight[0], &c);
}

// ---- the decoder

// Two rows of numbers into one, or gradients out of it; the second is the context's, of which there are so
// many, in turn.
static void put_beside(loomReal* out, const loomReal* a, const loomReal* context, int n, int contexts,
                       size_t size) {
  for (int i = 0; i < n; i++, out += 2 * size) {
    memcpy(out, a + (size_t)i * size, size * sizeof *out);
    memcpy(out + size, context + (size_t)(i % contexts) * size, size * sizeof *out);
  }
}

// Pictures of n codes.
static void decode(loomTranslator* t, int n, int contexts) {
  const loomTranslatorDef* d = &t->def;
  const loomReal* value = t->params.value;
  size_t last = level_size(d, LEVELS - 1);
  loomReal* opened = t->ddown[LEVELS - 1];  // free until the way back
  loom_linear_forward(opened, t->code, value + t->open, value + t->open_bias, n, d->features, (int)last);
  put_beside(t->down[LEVELS - 1], opened, t->context.out[LEVELS - 1], n, contexts, last);

  for (int l = LEVELS - 1; l >= 0; l--) {
    loomConv c = t->up[l];
    c.n = n;
    loom_conv_transposed_forward(t->made[l], t->scratch, t->down[l], value + t->up_weight[l],
                                 value + t->up_bias[l], &c);
    if (!l) break;

    // What is above 0 goes on, beside the context's level.
    size_t size = level_size(d, l - 1);
    loomReal* active = t->ddown[l - 1];
    loom_activation_forward(active, t->made[l], LOOM_ACTIVATION_RELU, (size_t)n * size);
    put_beside(t->down[l - 1], active, t->context.out[l - 1], n, contexts, size);
  }
}

// Into the context's dout, which is written over, and d (2n x size).
static void take_apart(loomReal* d, loomReal* context, const loomReal* beside, int n, size_t size) {
  memset(context, 0, (size_t)n * size * sizeof *context);

  for (int i = 0; i < 2 * n; i++, beside += 2 * size) {
    loomReal* to = context + (size_t)(i % n) * size;
    memcpy(d + (size_t)i * size, beside, size * sizeof *d);
    for (size_t k = 0; k < size; k++) to[k] += beside[size + k];
  }
}

// From dmade[0] to dcode and the context's dout.
static void decode_back(loomTranslator* t, int n) {
  const loomTranslatorDef* d = &t->def;
  const loomReal* value = t->params.value;
  loomReal* to = t->params.gradient;
  for (int l = 0; l < LEVELS; l++) {
    loomConv c = t->up[l];
    c.n = 2 * n;
    loom_conv_transposed_backward(t->ddown[l], to + t->up_weight[l], to + t->up_bias[l], t->scratch,
                                  t->dmade[l], t->down[l], value + t->up_weight[l], &c);

    // The next level's gradient, or at the bottom the linear layer's, in the place of what it was made of.
    size_t size = level_size(d, l);
    bool bottom = l == LEVELS - 1;
    loomReal* next = bottom ? t->down[l] : t->dmade[l + 1];
    take_apart(next, t->context.dout[l], t->ddown[l], n, size);
    if (bottom)
      loom_linear_backward(t->dcode, to + t->open, to + t->open_bias, next, t->code, value + t->open, 2 * n,
                           d->features, (int)size);
    else
      loom_activation_backward(next, next, t->made[l + 1], LOOM_ACTIVATION_RELU, 2 * (size_t)n * size);
  }
}

// ---- the whole

// Features there of features here (n).
static void put_codes(loomTranslator* t, const loomReal* z, int n, int contexts) {
  size_t features = (size_t)t->def.features;

  for (size_t i = 0; i < (size_t)n; i++) {
    const loomReal* context = t->context.z + i % (size_t)contexts * features;
    memcpy(t->both + 2 * i * features, z + i * features, features * sizeof *t->both);
    memcpy(t->both + (2 * i + 1) * features, context, features * sizeof *t->both);
  }
  const loomReal* there = loom_mlp_forward(&t->mlp, &t->params, t->both, n);
  memcpy(t->code, there, (size_t)n * features * sizeof *t->code);
}

void loom_translator_see(loomTranslator* t, int n) {
  see(&t->eye, t, t->seen, n);
}

void loom_translator_look(loomTranslator* t) {
  see(&t->context, t, t->first, 1);
}

void loom_translator_translate(loomTranslator* t, const loomReal* z, int n, bool pictures) {
  put_codes(t, z, n, 1);
  if (pictures) decode(t, n, 1);
}

void loom_translator_forward(loomTranslator* t, int n) {
  size_t features = (size_t)t->def.features;
  see(&t->eye, t, t->seen, 2 * n);
  see(&t->context, t, t->first, n);

  put_codes(t, t->eye.z, n, n);
  memcpy(t->code + (size_t)n * features, t->eye.z + (size_t)n * features,
         (size_t)n * features * sizeof *t->code);
  decode(t, 2 * n, n);
}

// Squared error of `made` from the true pictures, the second half of `seen`; slopes in dmade.
static double picture_loss(loomTranslator* t, int n, bool translated, double weight) {
  size_t count = (size_t)n * (size_t)loom_translator_dim(t), at = translated ? 0 : count;
  const loomReal *made = t->made[0] + at, *wanted = t->seen + count;
  loomReal* slope = t->dmade[0] + at;
  double loss = 0;
  for (size_t i = 0; i < count; i++) {
    loomReal off = made[i] - wanted[i];
    loss += (double)(off * off) / n;
    slope[i] = (loomReal)(2 * weight / n) * off;
  }
  return loss;
}

// Features of translations and of true pictures; slopes are added to both in dcode.
static double feature_loss(loomTranslator* t, int n, double weight) {
  size_t count = (size_t)n * (size_t)t->def.features;
  double loss = 0, part = 1.0 / (double)count;
  for (size_t i = 0; i < count; i++) {
    loomReal off = t->code[i] - t->code[count + i], slope = (loomReal)(2 * weight * part) * off;
    loss += (double)(off * off) * part;
    t->dcode[i] += slope;
    t->dcode[count + i] -= slope;
  }
  return loss;
}

loomTranslatorLoss loom_translator_back(loomTranslator* t, int n) {
  const loomTranslatorDef* d = &t->def;
  size_t features = (size_t)d->features, half = (size_t)n * features;
  loomTranslatorLoss loss = {0};
  loom_params_zero_gradient(&t->params);
  loss.image = picture_loss(t, n, true, d->image);
  loss.reconstruction = picture_loss(t, n, false, d->reconstruction);
  decode_back(t, n);
  loss.feature = feature_loss(t, n, d->feature);
  loss.sum = d->image * loss.image + d->reconstruction * loss.reconstruction + d->feature * loss.feature;

  // Translations go back to source and context, true pictures straight to the encoder.
  loom_mlp_backward(t->dboth, &t->mlp, &t->params, t->dcode, t->both, n);
  for (size_t i = 0; i < (size_t)n; i++)
    memcpy(t->dz + i * features, t->dboth + 2 * i * features, features * sizeof *t->dz);
  memcpy(t->dz + half, t->dcode + half, half * sizeof *t->dz);
  see_back(&t->eye, t, t->dz, t->seen, 2 * n, false);
  for (size_t i = 0; i < (size_t)n; i++)
    memcpy(t->dz + i * features, t->dboth + (2 * i + 1) * features, features * sizeof *t->dz);
  see_back(&t->context, t, t->dz, t->first, n, true);
  return loss;
}
