#include "policies/nn/transformer.h"

#include <stdio.h>

#include "policies/nn/activation.h"
#include "policies/nn/blas.h"
#include "policies/nn/dropout.h"
#include "policies/nn/init.h"
#include "policies/nn/linear.h"
#include "policies/nn/norm.h"

enum { WIDER = 4 };  // the perceptron's hidden layer

// ---- declare, init, layout

static size_t add_param(loomParams* params, const char* prefix, const char* name, int rows, int columns) {
  char whole[LOOM_PARAM_NAME + 32];

  snprintf(whole, sizeof whole, "%s%s", prefix, name);
  return loom_params_add(params, whole, columns ? 2 : 1, (int[]){rows, columns});
}

static void declare_norm(loomTransformerNorm* norm, loomParams* params, const char* prefix, const char* name,
                         int width) {
  char whole[LOOM_PARAM_NAME];

  snprintf(whole, sizeof whole, "%s%s.", prefix, name);
  norm->gain = add_param(params, whole, "weight", width, 0);
  norm->shift = add_param(params, whole, "bias", width, 0);
}

void loom_transformer_declare(loomTransformer* t, loomParams* params, const loomTransformerDef* def,
                              const char* prefix) {
  *t = (loomTransformer){.def = *def};

  int width = def->width;

  t->weight = add_param(params, prefix, "embed.weight", width, def->input);
  t->bias = add_param(params, prefix, "embed.bias", width, 0);
  t->place = add_param(params, prefix, "place", def->length, width);
  declare_norm(&t->first, params, prefix, "first", width);

  for (int i = 0; i < def->blocks; i++) {
    loomTransformerBlock* b = &t->block[i];
    char name[LOOM_PARAM_NAME];
    snprintf(name, sizeof name, "%s%d.", prefix, i);

    declare_norm(&b->norm[0], params, name, "norm.0", width);
    b->qkv_weight = add_param(params, name, "qkv.weight", 3 * width, width);
    b->out_weight = add_param(params, name, "out.weight", width, width);
    b->out_bias = add_param(params, name, "out.bias", width, 0);

    declare_norm(&b->norm[1], params, name, "norm.1", width);
    b->up_weight = add_param(params, name, "mlp.0.weight", WIDER * width, width);
    b->up_bias = add_param(params, name, "mlp.0.bias", WIDER * width, 0);
    b->down_weight = add_param(params, name, "mlp.1.weight", width, WIDER * width);
    b->down_bias = add_param(params, name, "mlp.1.bias", width, 0);
  }

  declare_norm(&t->last, params, prefix, "last", width);
}

// robomimic's: blocks from a narrow normal distribution without biases, places from zero.
void loom_transformer_init(const loomTransformer* t, loomParams* params, loomRandom* random) {
  const double deviation = 0.02;
  size_t width = (size_t)t->def.width, square = width * width;
  loomReal* value = params->value;

  loom_init_linear(value + t->weight, value + t->bias, t->def.input, t->def.width, random);
  loom_init_constant(value + t->first.gain, width, 1);
  loom_init_constant(value + t->last.gain, width, 1);

  for (int i = 0; i < t->def.blocks; i++) {
    const loomTransformerBlock* b = &t->block[i];

    for (int k = 0; k < 2; k++) loom_init_constant(value + b->norm[k].gain, width, 1);
    loom_init_normal(value + b->qkv_weight, 3 * square, deviation, random);
    loom_init_normal(value + b->out_weight, square, deviation, random);
    loom_init_normal(value + b->up_weight, WIDER * square, deviation, random);
    loom_init_normal(value + b->down_weight, WIDER * square, deviation, random);
  }
}

static void layout_norm(loomTransformerNorm* norm, loomArena* arena, size_t rows, size_t width) {
  norm->mean = loom_arena_real(arena, rows);
  norm->inverse = loom_arena_real(arena, rows);
  norm->y = loom_arena_real(arena, rows * width);
}

void loom_transformer_layout(loomTransformer* t, loomArena* arena, int n, bool train) {
  const loomTransformerDef* def = &t->def;
  size_t width = (size_t)def->width, rows = (size_t)n * (size_t)def->length, count = rows * width,
         weights = rows * (size_t)def->length * (size_t)def->heads;

  t->embedded = loom_arena_real(arena, count);
  t->begun = loom_arena_real(arena, count);
  layout_norm(&t->first, arena, rows, width);
  layout_norm(&t->last, arena, rows, width);

  for (int i = 0; i < def->blocks; i++) {
    loomTransformerBlock* b = &t->block[i];
    for (int k = 0; k < 2; k++) layout_norm(&b->norm[k], arena, rows, width);

    b->qkv = loom_arena_real(arena, 3 * count);
    b->weight = loom_arena_real(arena, weights);
    b->dropped = loom_arena_real(arena, train ? weights : 0);
    b->attended = loom_arena_real(arena, count);
    b->middle = loom_arena_real(arena, count);
    b->up = loom_arena_real(arena, WIDER * count);
    b->active = loom_arena_real(arena, WIDER * count);
    b->y = loom_arena_real(arena, count);
  }

  // What only backward needs.
  if (!train) return;
  t->d = loom_arena_real(arena, count);
  t->branch = loom_arena_real(arena, count);
  t->other = loom_arena_real(arena, count);
  t->dup = loom_arena_real(arena, WIDER * count);
  t->dqkv = loom_arena_real(arena, 3 * count);
  t->dweight = loom_arena_real(arena, weights);
}

// ---- forward

// In place, with the next draws of random.
static loomRandom drop(loomReal* x, double rate, loomRandom* random, size_t count) {
  loomRandom used = *random;

  loom_dropout(x, x, rate, used, count);
  random->draw += (uint32_t)((count + 3) / 4);
  return used;
}

static void add_to(loomReal* y, const loomReal* x, size_t count) {
#pragma omp parallel for simd schedule(static) if (parallel : count >= LOOM_PARALLEL_MIN)
  for (size_t i = 0; i < count; i++) y[i] += x[i];
}

static const loomReal* forward_norm(loomTransformerNorm* norm, const loomParams* params, const loomReal* x,
                                    int rows, int width) {
  loom_layer_norm_forward(norm->y, norm->mean, norm->inverse, x, params->value + norm->gain,
                          params->value + norm->shift, rows, width);
  return norm->y;
}

static loomAttention attention_of(const loomTransformer* t, const loomTransformerBlock* b, int n) {
  const loomTransformerDef* def = &t->def;
  return (loomAttention){
      n, def->length, def->width, def->heads, true, t->dropping ? def->dropout : 0, b->random[0]};
}

// middle = x + out(attention(norm x)).
static void forward_attention(loomTransformer* t, loomTransformerBlock* b, const loomParams* params,
                              const loomReal* x, int n, loomRandom* random) {
  const loomReal* value = params->value;
  int rows = n * t->def.length, width = t->def.width;
  size_t count = (size_t)rows * (size_t)width;

  const loomReal* normed = forward_norm(&b->norm[0], params, x, rows, width);
  loom_linear_forward(b->qkv, normed, value + b->qkv_weight, NULL, rows, width, 3 * width);

  // Attention's dropout has draws set aside, which its threads share out.
  if (t->dropping) {
    b->random[0] = *random;
    random->draw += (uint32_t)(n * t->def.heads * ((t->def.length * t->def.length + 3) / 4));
  }

  loomAttention attention = attention_of(t, b, n);
  loom_attention_forward(b->attended, b->weight, b->dropped, b->qkv, &attention);
  loom_linear_forward(b->middle, b->attended, value + b->out_weight, value + b->out_bias, rows, width, width);

  if (t->dropping) b->random[1] = drop(b->middle, t->def.dropout, random, count);
  add_to(b->middle, x, count);
}

// y = middle + mlp(norm middle).
static const loomReal* forward_block(loomTransformer* t, loomTransformerBlock* b, const loomParams* params,
                                     const loomReal* x, int n, loomRandom* random) {
  const loomReal* value = params->value;
  int rows = n * t->def.length, width = t->def.width;
  size_t count = (size_t)rows * (size_t)width;

  b->x = x;
  forward_attention(t, b, params, x, n, random);

  const loomReal* normed = forward_norm(&b->norm[1], params, b->middle, rows, width);
  loom_linear_forward(b->up, normed, value + b->up_weight, value + b->up_bias, rows, width, WIDER * width);
  loom_activation_forward(b->active, b->up, LOOM_ACTIVATION_GELU, WIDER * count);
  loom_linear_forward(b->y, b->active, value + b->down_weight, value + b->down_bias, rows, WIDER * width,
                      width);

  if (t->dropping) b->random[2] = drop(b->y, t->def.dropout, random, count);
  add_to(b->y, b->middle, count);
  return b->y;
}

const loomReal* loom_transformer_forward(loomTransformer* t, const loomParams* params, const loomReal* x,
                                         int n, loomRandom* random) {
  const loomTransformerDef* def = &t->def;
  const loomReal* value = params->value;
  int rows = n * def->length;
  size_t sequence = (size_t)def->length * (size_t)def->width, count = (size_t)n * sequence;

  t->dropping = random && def->dropout > 0;

  // Each row's features and its place in the sequence.
  loom_linear_forward(t->embedded, x, value + t->weight, value + t->bias, rows, def->input, def->width);
  for (size_t i = 0; i < (size_t)n; i++) add_to(t->embedded + i * sequence, value + t->place, sequence);

  memcpy(t->begun, forward_norm(&t->first, params, t->embedded, rows, def->width), count * sizeof *value);
  if (t->dropping) t->random = drop(t->begun, def->dropout, random, count);

  const loomReal* y = t->begun;
  for (int i = 0; i < def->blocks; i++) y = forward_block(t, &t->block[i], params, y, n, random);
  return forward_norm(&t->last, params, y, rows, def->width);
}

// ---- backward

// d in place, from the norm's output to its input x.
static void backward_norm(loomReal* d, const loomTransformerNorm* norm, loomParams* params, const loomReal* x,
                          int rows, int width) {
  loom_layer_norm_backward(d, params->gradient + norm->gain, params->gradient + norm->shift, d, x, norm->mean,
                           norm->inverse, params->value + norm->gain, rows, width);
}

// What flows into a branch that a shortcut passes by.
static void branch_off(loomTransformer* t, loomRandom random, size_t count) {
  if (t->dropping)
    loom_dropout(t->branch, t->d, t->def.dropout, random, count);
  else
    memcpy(t->branch, t->d, count * sizeof *t->d);
}

static void backward_mlp(loomTransformer* t, const loomTransformerBlock* b, loomParams* params, int rows) {
  const loomReal* value = params->value;
  loomReal* g = params->gradient;
  int width = t->def.width;
  size_t count = (size_t)rows * (size_t)width;

  branch_off(t, b->random[2], count);

  loom_linear_backward(t->dup, g + b->down_weight, g + b->down_bias, t->branch, b->active,
                       value + b->down_weight, rows, WIDER * width, width);
  loom_activation_backward(t->dup, t->dup, b->up, LOOM_ACTIVATION_GELU, WIDER * count);

  loom_linear_backward(t->branch, g + b->up_weight, g + b->up_bias, t->dup, b->norm[1].y,
                       value + b->up_weight, rows, width, WIDER * width);
  backward_norm(t->branch, &b->norm[1], params, b->middle, rows, width);

  // The shortcut's gradient is t->d itself.
  add_to(t->d, t->branch, count);
}

static void backward_attention(loomTransformer* t, const loomTransformerBlock* b, loomParams* params, int n) {
  const loomReal* value = params->value;
  loomReal* g = params->gradient;
  int rows = n * t->def.length, width = t->def.width;
  size_t count = (size_t)rows * (size_t)width;
  loomAttention attention = attention_of(t, b, n);

  branch_off(t, b->random[1], count);

  loom_linear_backward(t->other, g + b->out_weight, g + b->out_bias, t->branch, b->attended,
                       value + b->out_weight, rows, width, width);
  loom_attention_backward(t->dqkv, t->dweight, t->other, b->weight, b->dropped, b->qkv, &attention);

  loom_linear_backward(t->branch, g + b->qkv_weight, NULL, t->dqkv, b->norm[0].y, value + b->qkv_weight, rows,
                       width, 3 * width);
  backward_norm(t->branch, &b->norm[0], params, b->x, rows, width);

  add_to(t->d, t->branch, count);
}

void loom_transformer_backward(loomReal* dx, loomTransformer* t, loomParams* params, const loomReal* dy,
                               const loomReal* x, int n) {
  const loomTransformerDef* def = &t->def;
  loomReal* g = params->gradient;
  int rows = n * def->length;
  size_t count = (size_t)rows * (size_t)def->width;

  memcpy(t->d, dy, count * sizeof *dy);
  backward_norm(t->d, &t->last, params, def->blocks ? t->block[def->blocks - 1].y : t->begun, rows,
                def->width);

  for (int i = def->blocks - 1; i >= 0; i--) {
    backward_mlp(t, &t->block[i], params, rows);
    backward_attention(t, &t->block[i], params, n);
  }

  if (t->dropping) loom_dropout(t->d, t->d, def->dropout, t->random, count);
  backward_norm(t->d, &t->first, params, t->embedded, rows, def->width);

  // All sequences share the places.
  loom_column_sum(g + t->place, t->d, n, def->length * def->width);
  loom_linear_backward(dx, g + t->weight, g + t->bias, t->d, x, params->value + t->weight, rows, def->input,
                       def->width);
}
