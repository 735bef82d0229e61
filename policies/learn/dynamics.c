#include "policies/learn/dynamics.h"

#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "policies/nn/optimizer.h"

static const double ridge = 1e-6;  // share of the rows added to the normal equations' diagonal

loomDynamicsDef loom_default_dynamics_def(void) {
  return (loomDynamicsDef){
      .hidden = {2, {256, 256}}, .steps = 12000, .batch = 256, .rate = 1e-3, .huber = 0.1};
}

// ---- making one

static void declare(loomDynamics* m) {
  loomMlpDef mlp = {.layers = m->def.hidden.n + 1, .activation = LOOM_ACTIVATION_SILU};
  mlp.sizes[0] = m->inputs;
  for (int i = 0; i < m->def.hidden.n; i++) mlp.sizes[i + 1] = m->def.hidden.size[i];
  mlp.sizes[mlp.layers] = m->answers;
  loom_mlp_declare(&m->mlp, &m->params, &mlp, "inverse.");
}

static void lay_out(loomDynamics* m) {
  size_t n = (size_t)m->def.batch;
  loom_mlp_layout(&m->mlp, &m->arena, m->def.batch);
  m->seen = loom_arena_real(&m->arena, n * (size_t)m->inputs);
  m->wanted = loom_arena_real(&m->arena, n * (size_t)m->answers);
  m->slope = loom_arena_real(&m->arena, n * (size_t)m->answers);
}

static int create(loomDynamics* m, uint64_t seed, loomError* err) {
  size_t inputs = (size_t)m->inputs, answers = (size_t)m->answers;
  declare(m);
  lay_out(m);
  size_t bytes = m->arena.used;
  m->arena.used = 0;

  m->linear = calloc(answers * (inputs + 1), sizeof *m->linear);
  m->left = calloc(answers, sizeof *m->left);
  int code = m->linear && m->left ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
  if (!code) code = loom_normal_create(&m->x, m->inputs, err);
  if (!code) code = loom_normal_create(&m->y, m->answers, err);
  if (!code) code = loom_params_create(&m->params, err);
  if (!code) code = loom_arena_create(&m->arena, bytes, err);
  if (code) return code;

  lay_out(m);
  loomRandom random = loom_random(seed, 2, LOOM_PURPOSE_WEIGHTS);
  loom_mlp_init(&m->mlp, &m->params, &random);
  return 0;
}

void loom_dynamics_destroy(loomDynamics* m) {
  if (!m) return;
  loom_normal_destroy(&m->x);
  loom_normal_destroy(&m->y);
  free(m->linear);
  free(m->left);
  loom_params_destroy(&m->params);
  loom_arena_destroy(&m->arena);
  *m = (loomDynamics){0};
}

// ---- the linear part

// Rows first .. first + n - 1 of the caller's, normalized, into m->seen.
static void take_inputs(loomDynamics* m, const float* x, int n) {
  memcpy(m->seen, x, (size_t)n * (size_t)m->inputs * sizeof *x);
  loom_normal_apply(m->seen, n, &m->x);
}

static double linear_answer(const loomDynamics* m, const loomReal* x, int k) {
  const double* w = m->linear + (ptrdiff_t)k * (m->inputs + 1);
  double sum = w[m->inputs];
  for (int i = 0; i < m->inputs; i++) sum += w[i] * (double)x[i];
  return sum;
}

// Normal equations, summed in the order of rows: the lower triangle of gram, and one right side an answer.
static void add_row(double* gram, double* right, const loomDynamics* m, const loomReal* x, const float* y) {
  int d = m->inputs + 1;

  for (int i = 0; i < d; i++) {
    double xi = i < m->inputs ? (double)x[i] : 1;
    for (int j = 0; j <= i; j++) gram[(ptrdiff_t)i * d + j] += xi * (j < m->inputs ? (double)x[j] : 1);
    for (int k = 0; k < m->answers; k++) right[(ptrdiff_t)k * d + i] += xi * (double)y[k];
  }
}

static int fit_linear(loomDynamics* m, const loomDynamicsRows* rows, loomError* err) {
  int d = m->inputs + 1;
  double* gram = calloc((size_t)d * (size_t)d, sizeof *gram);
  double* right = calloc((size_t)d * (size_t)m->answers, sizeof *right);
  float* y = calloc((size_t)m->answers, sizeof *y);
  int code = gram && right && y ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");

  for (int64_t r = 0; !code && r < rows->n; r++) {
    take_inputs(m, rows->x + r * m->inputs, 1);
    memcpy(y, rows->y + r * m->answers, (size_t)m->answers * sizeof *y);
    loom_normal_apply(y, 1, &m->y);
    add_row(gram, right, m, m->seen, y);
  }

  // The other half, and what keeps numbers that never change from being none.
  for (int i = 0; !code && i < d; i++) {
    gram[(ptrdiff_t)i * d + i] += ridge * (double)rows->n;
    for (int j = 0; j < i; j++) gram[(ptrdiff_t)j * d + i] = gram[(ptrdiff_t)i * d + j];
  }

  if (!code) mju_cholFactor(gram, d, 1e-12);
  for (int k = 0; !code && k < m->answers; k++)
    mju_cholSolve(m->linear + (ptrdiff_t)k * d, gram, right + (ptrdiff_t)k * d, d);
  free(gram);
  free(right);
  free(y);
  return code;
}

// What is left, by its deviation.
static void measure_left(loomDynamics* m, const loomDynamicsRows* rows) {
  for (int64_t r = 0; r < rows->n; r++) {
    take_inputs(m, rows->x + r * m->inputs, 1);
    memcpy(m->wanted, rows->y + r * m->answers, (size_t)m->answers * sizeof *rows->y);
    loom_normal_apply(m->wanted, 1, &m->y);
    for (int k = 0; k < m->answers; k++) {
      double off = (double)m->wanted[k] - linear_answer(m, m->seen, k);
      m->left[k] += off * off / (double)rows->n;
    }
  }

  for (int k = 0; k < m->answers; k++) m->left[k] = sqrt(m->left[k]) + 1e-6;
}

// ---- the rest

static void take_batch(loomDynamics* m, const loomDynamicsRows* rows, loomRandom* random) {
  int n = m->def.batch;

  for (int i = 0; i < n; i++) {
    int r = loom_random_index(random, (int)rows->n);
    memcpy(m->seen + (ptrdiff_t)i * m->inputs, rows->x + (ptrdiff_t)r * m->inputs,
           (size_t)m->inputs * sizeof *m->seen);
    memcpy(m->wanted + (ptrdiff_t)i * m->answers, rows->y + (ptrdiff_t)r * m->answers,
           (size_t)m->answers * sizeof *m->wanted);
  }
  loom_normal_apply(m->seen, n, &m->x);
  loom_normal_apply(m->wanted, n, &m->y);
  for (int i = 0; i < n; i++) {
    loomReal* wanted = m->wanted + (ptrdiff_t)i * m->answers;
    for (int k = 0; k < m->answers; k++)
      wanted[k] = (loomReal)(((double)wanted[k] - linear_answer(m, m->seen + (ptrdiff_t)i * m->inputs, k)) /
                             m->left[k]);
  }
}

// Huber's loss ("Robust estimation of a location parameter", 1964): contacts throw rows far off, and a mean
// of squares would be about these alone.
static void huber_slope(loomDynamics* m, const loomReal* y) {
  int n = m->def.batch * m->answers;
  for (int i = 0; i < n; i++) {
    double off = ((double)y[i] - (double)m->wanted[i]) / m->def.huber;
    m->slope[i] = (loomReal)((off < -1 ? -1 : off > 1 ? 1 : off) / n);
  }
}

static int fit_rest(loomDynamics* m, const loomDynamicsRows* rows, uint64_t seed, loomError* err) {
  loomAdamDef adam = loom_default_adam_def();
  loomScheduleDef schedule = loom_default_schedule_def();
  schedule.kind = LOOM_SCHEDULE_COSINE;
  schedule.rate = m->def.rate;
  schedule.steps = (uint64_t)m->def.steps;

  for (int s = 0; s < m->def.steps; s++) {
    if (rows->stop && *rows->stop) return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted");
    loomRandom random = loom_random(seed, (uint64_t)s, LOOM_PURPOSE_SHUFFLE);
    take_batch(m, rows, &random);
    loom_params_zero_gradient(&m->params);
    huber_slope(m, loom_mlp_forward(&m->mlp, &m->params, m->seen, m->def.batch));
    loom_mlp_backward(NULL, &m->mlp, &m->params, m->slope, m->seen, m->def.batch);
    loom_adam_step(&m->params, &adam, loom_schedule_rate(&schedule, (uint64_t)s), (uint64_t)s + 1);
    if (rows->progress) rows->progress(rows->user, s + 1, m->def.steps);
  }
  return 0;
}

static int check_rows(const loomDynamicsRows* rows, loomError* err) {
  if (rows->n <= rows->inputs || rows->n > INT32_MAX)
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "%lld rows for a model of %d inputs; it takes more rows than inputs, and at most %d",
        (long long)rows->n, rows->inputs, INT32_MAX);
  for (int64_t i = 0; i < rows->n * rows->inputs; i++)
    if (!isfinite(rows->x[i])) return loom_error_set(err, LOOM_ERR_FORMAT, "an input is no finite number");
  for (int64_t i = 0; i < rows->n * rows->answers; i++)
    if (!isfinite(rows->y[i])) return loom_error_set(err, LOOM_ERR_FORMAT, "an answer is no finite number");

  return 0;
}

int loom_dynamics_fit(loomDynamics* out, const loomDynamicsDef* def, const loomDynamicsRows* rows,
                      uint64_t seed, loomError* err) {
  *out = (loomDynamics){.def = *def, .inputs = rows->inputs, .answers = rows->answers};
  int code = check_rows(rows, err);
  if (!code) code = create(out, seed, err);
  if (!code) {
    loom_normal_add(&out->x, rows->x, rows->n);
    loom_normal_finish(&out->x, LOOM_NORMAL_STANDARD);
    loom_normal_add(&out->y, rows->y, rows->n);
    loom_normal_finish(&out->y, LOOM_NORMAL_STANDARD);
    code = fit_linear(out, rows, err);
  }
  if (!code) {
    measure_left(out, rows);
    code = fit_rest(out, rows, seed, err);
  }
  if (code) loom_dynamics_destroy(out);

  return code;
}

// ---- asked

void loom_dynamics_answer(float* out, loomDynamics* m, const float* x, int64_t n) {
  for (int64_t first = 0; first < n; first += m->def.batch) {
    int rows = (int)(n - first < m->def.batch ? n - first : m->def.batch);
    take_inputs(m, x + first * m->inputs, rows);
    const loomReal* y = loom_mlp_forward(&m->mlp, &m->params, m->seen, rows);
    for (int i = 0; i < rows; i++)
      for (int k = 0; k < m->answers; k++)
        out[(first + i) * m->answers + k] = (float)(linear_answer(m, m->seen + (ptrdiff_t)i * m->inputs, k) +
                                                    m->left[k] * (double)y[(ptrdiff_t)i * m->answers + k]);
    loom_normal_undo(out + first * m->answers, rows, &m->y);
  }
}

uint64_t loom_dynamics_digest(const loomDynamics* m) {
  uint64_t hash = LOOM_HASH_SEED;
  size_t linear = (size_t)m->answers * ((size_t)m->inputs + 1);
  hash = loom_hash(hash, m->linear, linear * sizeof *m->linear);
  hash = loom_hash(hash, m->left, (size_t)m->answers * sizeof *m->left);
  return loom_hash(hash, m->params.value, m->params.total * sizeof *m->params.value);
}
