#include "policies/network/shaped.h"

#include <string.h>

// ---- rows

// Where a row's parts begin: state, action, next state, marks, log pi.
static int next_at(const loomShapedDef* def) {
  return def->obs + def->actions;
}

static int marks_at(const loomShapedDef* def) {
  return 2 * def->obs + def->actions;
}

int loom_shaped_log_prob(const loomShapedDef* def) {
  return marks_at(def) + (def->ends ? 2 : 0);
}

int loom_shaped_width(const loomShapedDef* def) {
  return loom_shaped_log_prob(def) + 1;
}

static int shape_in(const loomShapedDef* def) {
  return def->obs + def->ends;
}

int loom_shaped_reward_in(const loomShapedDef* def) {
  return shape_in(def) + (def->sees_action ? def->actions : 0);
}

// A state and its mark; next: the one that followed.
static void put_state(loomReal* out, const loomShapedDef* def, const loomReal* row, bool next) {
  memcpy(out, row + (next ? next_at(def) : 0), (size_t)def->obs * sizeof *out);
  if (def->ends) out[def->obs] = row[marks_at(def) + next];
}

static void put_reward(loomShaped* s, const loomReal* rows, int n) {
  const loomShapedDef* def = &s->def;
  ptrdiff_t width = loom_shaped_width(def), in = loom_shaped_reward_in(def);

  for (ptrdiff_t i = 0; i < n; i++) {
    const loomReal* row = rows + i * width;
    loomReal* to = s->to_reward + i * in;
    put_state(to, def, row, false);
    if (def->sees_action) memcpy(to + shape_in(def), row + def->obs, (size_t)def->actions * sizeof *to);
  }
}

// The states, then as many next ones.
static void put_shape(loomShaped* s, const loomReal* rows, int n) {
  const loomShapedDef* def = &s->def;
  ptrdiff_t width = loom_shaped_width(def), in = shape_in(def);

  for (ptrdiff_t i = 0; i < n; i++) {
    put_state(s->to_shape + i * in, def, rows + i * width, false);
    put_state(s->to_shape + (n + i) * in, def, rows + i * width, true);
  }
}

// ---- making one

static loomMlpDef layers_of(int inputs, const loomSizes* hidden, loomActivation activation) {
  loomMlpDef mlp = {.layers = hidden->n + 1, .activation = activation};
  mlp.sizes[0] = inputs;
  for (int i = 0; i < hidden->n; i++) mlp.sizes[i + 1] = hidden->size[i];
  mlp.sizes[mlp.layers] = 1;
  return mlp;
}

void loom_shaped_declare(loomShaped* out, loomParams* params, const loomShapedDef* def,
                         const loomSizes* hidden, loomActivation activation, const char* prefix) {
  char name[LOOM_PARAM_NAME];
  const loomMlpDef reward = layers_of(loom_shaped_reward_in(def), hidden, activation),
                   shape = layers_of(shape_in(def), hidden, activation);
  *out = (loomShaped){.def = *def};

  snprintf(name, sizeof name, "%sreward.", prefix);
  loom_mlp_declare(&out->reward, params, &reward, name);
  snprintf(name, sizeof name, "%sshape.", prefix);
  loom_mlp_declare(&out->shape, params, &shape, name);
}

void loom_shaped_init(const loomShaped* s, loomParams* params, loomRandom* random) {
  loom_mlp_init(&s->reward, params, random);
  loom_mlp_init(&s->shape, params, random);
}

void loom_shaped_layout(loomShaped* s, loomArena* arena, int n, bool penalized) {
  size_t rows = (size_t)n, reward = (size_t)loom_shaped_reward_in(&s->def), shape = (size_t)shape_in(&s->def);

  loom_mlp_layout(&s->reward, arena, n);
  loom_mlp_layout(&s->shape, arena, 2 * n);
  if (penalized) {
    loom_mlp_slope_layout(&s->reward_slope, &s->reward, arena, n);
    loom_mlp_slope_layout(&s->shape_slope, &s->shape, arena, n);
  }

  s->to_reward = loom_arena_real(arena, rows * reward);
  s->to_shape = loom_arena_real(arena, 2 * rows * shape);
  s->value = loom_arena_real(arena, rows);
  s->dshape = loom_arena_real(arena, 2 * rows);
  s->dslope = loom_arena_real(arena, rows * (reward > shape ? reward : shape));
}

// ---- forward and back

const loomReal* loom_shaped_reward(loomShaped* s, const loomParams* params, const loomReal* rows, int n) {
  put_reward(s, rows, n);
  return loom_mlp_forward(&s->reward, params, s->to_reward, n);
}

const loomReal* loom_shaped_shape(loomShaped* s, const loomParams* params, const loomReal* rows, int n) {
  put_shape(s, rows, n);
  return loom_mlp_forward(&s->shape, params, s->to_shape, n);
}

const loomReal* loom_shaped_forward(loomShaped* s, const loomParams* params, const loomReal* rows, int n) {
  int width = loom_shaped_width(&s->def), log_prob = loom_shaped_log_prob(&s->def);
  put_shape(s, rows, n);
  const loomReal *reward = loom_shaped_reward(s, params, rows, n),
                 *shape = loom_mlp_forward(&s->shape, params, s->to_shape, 2 * n);

  for (int i = 0; i < n; i++)
    s->value[i] = reward[i] + (loomReal)s->def.discount * shape[n + i] - shape[i] -
                  rows[(ptrdiff_t)i * width + log_prob];
  return s->value;
}

void loom_shaped_backward(loomShaped* s, loomParams* params, const loomReal* dvalue, int n) {
  for (int i = 0; i < n; i++) {
    s->dshape[i] = -dvalue[i];
    s->dshape[n + i] = (loomReal)s->def.discount * dvalue[i];
  }
  loom_mlp_backward(NULL, &s->reward, params, dvalue, s->to_reward, n);
  loom_mlp_backward(NULL, &s->shape, params, s->dshape, s->to_shape, 2 * n);
}

// Of one of both, by rows of inputs (n x its inputs).
static double flatten(loomMlpSlope* slope, loomMlp* mlp, loomParams* params, loomReal* dslope,
                      const loomReal* x, int n, double weight) {
  int count = n * mlp->def.sizes[0];
  double squares = 0, share = weight / n;
  loom_mlp_forward(mlp, params, x, n);
  const loomReal* by_input = loom_mlp_slope_forward(slope, mlp, params, n);

  for (int i = 0; i < count; i++) {
    squares += (double)by_input[i] * (double)by_input[i];
    dslope[i] = (loomReal)(2 * share * (double)by_input[i]);
  }
  loom_mlp_slope_backward(slope, mlp, params, dslope, x, n);
  return share * squares;
}

double loom_shaped_penalty(loomShaped* s, loomParams* params, const loomReal* rows, int n, double weight) {
  put_reward(s, rows, n);
  put_shape(s, rows, n);
  return flatten(&s->reward_slope, &s->reward, params, s->dslope, s->to_reward, n, weight) +
         flatten(&s->shape_slope, &s->shape, params, s->dslope, s->to_shape, n, weight);
}
