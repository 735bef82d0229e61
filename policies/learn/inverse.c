#include "policies/learn/inverse.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policies/learn/relent.h"
#include "policies/tabular/minimize.h"

// ---- settings

const char* const loom_inverse_methods[] = {
    [LOOM_INVERSE_MAXENT] = "maxent", [LOOM_INVERSE_PROJECTION] = "projection", NULL};

#define ROW(type, member, ...) LOOM_FIELD(loomInverseConfig, type, member, __VA_ARGS__)
static const loomFieldDef field_rows[] = {
    ROW(TEXT, data, .about = "dataset of the expert's demos"),
    ROW(INT, demos, .high = INT32_MAX, .about = "the first ones of them; 0 = all"),
    ROW(CHOICE, method, .choices = loom_inverse_methods, .about = "how weights follow"),
    LOOM_FIELD_AS("features", loomInverseConfig, NAMES, features.text, .size = LOOM_FEATURE_TEXT,
                  .count = offsetof(loomInverseConfig, features.n),
                  .about = "terms that the reward is a sum of, in a reward file's words"),
    ROW(INT, first, .low = 2, .high = 4096,
        .about = "episodes before the first weights, by which sums are scaled"),
    ROW(REAL, rate, .least = 1e-9, .most = 1e3, .about = "maxent: of the weights, an iteration of ppo"),
    ROW(REAL, damping, .least = 0, .most = 1e3,
        .about = "maxent: of what is off now, added to the weights while ppo learns, so that they settle"),
    ROW(REAL, l2, .least = 0, .most = 1e6, .about = "maxent: half of that times |w|^2 is taken off"),
    ROW(INT, keep, .low = 2, .high = 4096, .unit = "episodes", .about = "maxent: that are learned from"),
    ROW(INT, every, .low = 2, .high = 1 << 20, .unit = "iterations of ppo",
        .about = "projection: of a policy"),
};
const loomFields loom_inverse_fields = LOOM_FIELDS(field_rows);

loomInverseConfig loom_default_inverse_config(void) {
  return (loomInverseConfig){.first = 16, .rate = 0.05, .damping = 1, .l2 = 0.1, .keep = 32, .every = 20};
}

// ---- what there is

typedef struct counters {
  double rounds, seen, scaled;  // iterations; episodes ever; whether sums are scaled
  double told;                  // episodes at the last move of the weights
  double policies, phase;       // projection: policies so far; iterations of the present one
  double ended;                 // of it, episodes that count
  double nearest;               // projection: |f_E - f| of the policy that came nearest
  double gap, margin, effective, moves;
  double rows;  // steps behind the products
} counters;
enum { COUNTERS = sizeof(counters) / sizeof(double) };

struct loomInverse {
  loomInverseConfig config;
  loomFeatureBasis basis;
  int n, k, first, room;
  double expert_steps;             // mean of a demo
  double *expert, *expert_spread;  // (k) mean of its sums, their variance
  double* expert_gram;             // (k x k) mean over its steps
  double *priced, *p, *x;          // (k) weights of the features themselves; (room), and their exponents
  // A checkpoint has these, in one block of `numbers`.
  size_t numbers;
  double* block;
  counters* count;
  double *w, *mean, *chosen, *scale;  // (k) by scaled sums
  double* paid;                       // (k) what w is while PPO learns
  double *learner, *bar, *phase;      // (k) sums: as told last; scaled f_bar; of the present policy
  double *acc, *kept, *by, *gram;     // (n x k) running episodes; (room x k) sums, their weights; (k x k)
};

static size_t lay_out(loomInverse* v, double* at) {
  size_t k = (size_t)v->k, room = (size_t)v->room, n = (size_t)v->n, used = COUNTERS;

  v->count = (counters*)(void*)at;
  const struct {
    double** to;
    size_t size;
  } part[] = {{&v->w, k},       {&v->paid, k},        {&v->mean, k},      {&v->chosen, k},
              {&v->scale, k},   {&v->learner, k},     {&v->bar, k},       {&v->phase, k},
              {&v->acc, n * k}, {&v->kept, room * k}, {&v->by, room * k}, {&v->gram, k * k}};
  for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
    *part[i].to = at ? at + used : NULL;
    used += part[i].size;
  }
  return used;
}

// In the basis that is learned in, which follows from it.
static int take_expert(loomInverse* v, const loomFeatureSums* e, loomError* err) {
  size_t numbers = (size_t)e->n * (size_t)v->k;
  double* sum = malloc((numbers + 1) * sizeof *sum);
  if (!sum) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a reward's features");

  memcpy(sum, e->sum, numbers * sizeof *sum);
  loom_feature_moments(v->expert, v->expert_spread, sum, e->n, v->k);
  v->basis = loom_feature_basis(&v->config.features, v->expert);
  for (ptrdiff_t i = 0; i < e->n; i++) loom_feature_basis_change(sum + i * v->k, &v->basis);
  loom_feature_moments(v->expert, v->expert_spread, sum, e->n, v->k);

  loom_feature_sums_gram(v->expert_gram, e);
  for (int i = 0; i < e->n; i++) v->expert_steps += (double)e->steps[i] / e->n;
  free(sum);
  return LOOM_OK;
}

int loom_inverse_create(loomInverse** out, const loomInverseDef* def, loomError* err) {
  loomInverse* v = *out = calloc(1, sizeof *v);
  if (!v) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a reward's features");
  v->config = *def->config;
  v->n = def->n;
  v->k = def->expert->k;
  v->first = def->first;
  v->room = v->config.keep > v->config.first ? v->config.keep : v->config.first;

  size_t k = (size_t)v->k, room = (size_t)v->room;
  v->numbers = lay_out(v, NULL);
  v->block = calloc(v->numbers, sizeof *v->block);
  v->expert = calloc(k, sizeof *v->expert);
  v->expert_spread = calloc(k, sizeof *v->expert_spread);
  v->expert_gram = calloc(k * k, sizeof *v->expert_gram);
  v->priced = calloc(k, sizeof *v->priced);
  v->p = calloc(room, sizeof *v->p);
  v->x = calloc(room, sizeof *v->x);
  if (!v->block || !v->expert || !v->expert_spread || !v->expert_gram || !v->priced || !v->p || !v->x) {
    loom_inverse_destroy(v);
    *out = NULL;
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a reward's features");
  }
  lay_out(v, v->block);

  v->count->nearest = INFINITY;
  v->count->effective = 1;
  int code = take_expert(v, def->expert, err);
  if (!code) return LOOM_OK;
  loom_inverse_destroy(v);
  *out = NULL;
  return code;
}

void loom_inverse_destroy(loomInverse* v) {
  if (!v) return;
  free(v->block);
  free(v->expert);
  free(v->expert_spread);
  free(v->expert_gram);
  free(v->priced);
  free(v->p);
  free(v->x);
  free(v);
}

// ---- steps

static bool is_projection(const loomInverse* v) {
  return v->config.method == LOOM_INVERSE_PROJECTION;
}

// Of a policy that has yet to learn nothing counts.
static bool counts(const loomInverse* v) {
  return !is_projection(v) || !v->count->scaled || v->count->phase >= v->config.every / 2;
}

static void end_episode(loomInverse* v, double* acc) {
  size_t k = (size_t)v->k, at = (size_t)fmod(v->count->seen, v->room);

  loom_feature_basis_change(acc, &v->basis);
  if (counts(v)) {
    memcpy(v->kept + at * k, acc, k * sizeof *acc);
    memcpy(v->by + at * k, v->w, k * sizeof *acc);
    v->count->seen++;
    v->count->ended++;
    for (int j = 0; j < v->k; j++) v->phase[j] += acc[j];
  }
  memset(acc, 0, k * sizeof *acc);
}

void loom_inverse_price(double* reward, loomInverse* v, const loomVector* vector) {
  int k = v->k;
  for (int j = 0; j < k; j++) v->priced[j] = v->scale[j] > 0 ? v->paid[j] / v->scale[j] : 0;
  loom_feature_basis_fold(v->priced, &v->basis);

  for (ptrdiff_t i = 0; i < v->n; i++) {
    const double* phi = vector->term + i * LOOM_TERMS_TOLD + v->first;
    double* acc = v->acc + i * k;
    reward[i] = 0;
    if (vector->fresh[i]) continue;

    reward[i] = loom_dot(v->priced, phi, k);
    for (int j = 0; j < k; j++) acc[j] += phi[j];
    if (!v->count->scaled) {
      v->count->rows++;
      for (int a = 0; a < k; a++)
        for (int b = 0; b < k; b++) v->gram[a * k + b] += phi[a] * phi[b];
    }
    if (loom_vector_ended(vector, (int)i)) end_episode(v, acc);
  }
}

// ---- scales

static int held(const loomInverse* v) {
  return (int)fmin(v->count->seen, v->room);
}

static int refuse_collinear(loomInverse* v, loomError* err) {
  double g[LOOM_FEATURES * LOOM_FEATURES];
  for (int j = 0; j < v->k * v->k; j++) g[j] = v->expert_gram[j] + v->gram[j] / fmax(v->count->rows, 1);
  return loom_features_refuse_collinear(&v->config.features, g, err);
}

// Mean square of feature j in the basis, of mean products g (k x k).
static double square_of(const loomInverse* v, const double* g, int j) {
  const loomFeatureBasis* b = &v->basis;
  int k = v->k, base = b->base;
  if (base < 0 || j == base) return g[j * k + j];
  return g[j * k + j] - 2 * b->c[j] * g[j * k + base] + b->c[j] * b->c[j] * g[base * k + base];
}

// What it is in a step, root mean square over both classes' steps, each of which counts half, times the
// steps of their mean episode: so that by equal weights a step is worth alike much by each, however far sums
// are apart. 0: of what is always the same.
static void set_scale(loomInverse* v) {
  double spread[LOOM_FEATURES], rows = fmax(v->count->rows, 1);
  double steps = (v->expert_steps + rows / fmax(v->count->seen, 1)) / 2;
  for (int j = 0; j < v->k * v->k; j++) v->gram[j] /= rows;
  loom_feature_moments(v->learner, spread, v->kept, held(v), v->k);

  for (int j = 0; j < v->k; j++) {
    double all = v->gram[j * v->k + j] + v->expert_gram[j * v->k + j];
    double square = square_of(v, v->gram, j) + square_of(v, v->expert_gram, j);
    v->scale[j] = square > 1e-12 * all ? sqrt(square / 2) * steps : 0;
  }
  v->count->scaled = 1;
}

static double scaled(const loomInverse* v, double sum, int j) {
  return v->scale[j] > 0 ? sum / v->scale[j] : 0;
}

// How far sums (k) are from the expert's, scaled; `off` (k) by what.
static double apart(double* off, const loomInverse* v, const double* sums) {
  double squares = 0;

  for (int j = 0; j < v->k; j++) {
    double x = scaled(v, v->expert[j] - sums[j], j);
    if (off) off[j] = x;
    squares += x * x;
  }
  return sqrt(squares);
}

// ---- maximum entropy

// p (n) of exponents x (n), of which `share` counts.
static void take_exponents(double* p, const double* x, int n, double share) {
  double most = -INFINITY, sum = 0;
  for (int i = 0; i < n; i++) most = fmax(most, share * x[i]);
  for (int i = 0; i < n; i++) sum += p[i] = exp(share * x[i] - most);
  for (int i = 0; i < n; i++) p[i] /= sum;
}

// Weights of the kept episodes; then the learner's features under them. Where fewer than a quarter of them
// would count, exponents are halved until so many do.
static void weigh(loomInverse* v) {
  const double least = 0.25;
  int k = v->k, n = held(v);
  for (ptrdiff_t i = 0; i < n; i++) {
    v->x[i] = 0;
    for (int j = 0; j < k; j++)
      v->x[i] += (v->w[j] - v->by[i * k + j]) * scaled(v, v->kept[i * k + j] - v->expert[j], j);
  }

  double share = 1;
  do {
    take_exponents(v->p, v->x, n, share);
    v->count->effective = loom_effective_share(v->p, n);
    share /= 2;
  } while (v->count->effective < least && share > 1e-6);

  memset(v->learner, 0, (size_t)k * sizeof *v->learner);
  for (ptrdiff_t i = 0; i < n; i++)
    for (int j = 0; j < k; j++) v->learner[j] += v->p[i] * v->kept[i * k + j];
}

static void move_maxent(loomInverse* v) {
  double off[LOOM_FEATURES];
  counters* c = v->count;
  if (c->seen == c->told) return;

  weigh(v);
  c->told = c->seen;
  c->gap = apart(off, v, v->learner);
  c->moves++;

  // Shamir and Zhang's average, whose weights grow with the cube of time.
  const double power = 3;
  double share = (power + 1) / (c->moves + power);
  for (int j = 0; j < v->k; j++) {
    v->w[j] += v->config.rate * (off[j] - v->config.l2 * v->w[j]);
    v->paid[j] = v->w[j] + v->config.damping * off[j];
    v->mean[j] += share * (v->w[j] - v->mean[j]);
  }
}

// ---- projection

// f_bar goes to the point of the line to f that is nearest to the expert's.
static void project(loomInverse* v) {
  double along = 0, length = 0, to[LOOM_FEATURES];
  int k = v->k;

  for (int j = 0; j < k; j++) to[j] = scaled(v, v->learner[j], j) - v->bar[j];
  for (int j = 0; j < k; j++) {
    along += to[j] * (scaled(v, v->expert[j], j) - v->bar[j]);
    length += to[j] * to[j];
  }
  double step = length > 0 ? fmin(fmax(along / length, 0), 1) : 0;
  if (v->count->policies == 0) step = 1;
  for (int j = 0; j < k; j++) v->bar[j] += step * to[j];
}

static void begin_policy(loomInverse* v) {
  double squares = 0;
  for (int j = 0; j < v->k; j++) {
    v->w[j] = v->paid[j] = scaled(v, v->expert[j], j) - v->bar[j];
    squares += v->w[j] * v->w[j];
  }
  v->count->margin = sqrt(squares);
  v->count->phase = v->count->ended = 0;
  memset(v->phase, 0, (size_t)v->k * sizeof *v->phase);
}

static void close_policy(loomInverse* v) {
  counters* c = v->count;
  for (int j = 0; j < v->k; j++) v->learner[j] = v->phase[j] / c->ended;
  c->gap = apart(NULL, v, v->learner);

  // The first one learned by nothing, so that its weights are none.
  if (c->policies > 0 && c->gap < c->nearest) {
    c->nearest = c->gap;
    memcpy(v->chosen, v->w, (size_t)v->k * sizeof *v->w);
  }
  project(v);
  c->policies++;
  begin_policy(v);
}

static void move_projection(loomInverse* v) {
  counters* c = v->count;
  c->phase++;
  if (c->policies == 0 || (c->phase >= v->config.every && c->ended >= 1)) close_policy(v);
}

// ---- rounds

static int check_finite(const loomInverse* v, loomError* err) {
  char name[LOOM_NAME_MAX];
  for (int j = 0; j < v->k; j++) {
    bool sums = isfinite(v->learner[j]) && isfinite(v->expert[j]);
    if (sums && isfinite(v->w[j])) continue;
    loom_feature_name(name, &v->config.features, j);
    return loom_error_set(err, LOOM_ERR_FORMAT, "iteration %.0f: %s feature %d (%s) is no finite number",
                          v->count->rounds, sums ? "the weight of" : "what episodes sum up to in", j + 1,
                          name);
  }
  return LOOM_OK;
}

int loom_inverse_round(loomInverse* v, loomError* err) {
  v->count->rounds++;
  if (!v->count->scaled) {
    if (v->count->seen < v->config.first) return LOOM_OK;
    int code = refuse_collinear(v, err);
    if (code) return code;
    set_scale(v);
  }

  (is_projection(v) ? move_projection : move_maxent)(v);
  return check_finite(v, err);
}

// ---- told

// By scaled sums. Of projection before any policy is known, those it learns by.
static const double* result(const loomInverse* v) {
  if (!is_projection(v)) return v->mean;
  return isfinite(v->count->nearest) ? v->chosen : v->w;
}

void loom_inverse_weights(double* out, const loomInverse* v) {
  const double* w = result(v);
  double size = sqrt(loom_dot(w, w, v->k));
  for (int j = 0; j < v->k; j++) {
    bool varies = v->scale[j] > 0 && size > 0;
    out[j] = varies ? w[j] / size / v->scale[j] * v->expert_steps : 0;
  }
  loom_feature_basis_fold(out, &v->basis);
}

void loom_inverse_look(loomInverseLook* out, const loomInverse* v) {
  const counters* c = v->count;
  *out = (loomInverseLook){.k = v->k,
                           .rounds = (int)c->rounds,
                           .policies = (int)c->policies,
                           .gap = is_projection(v) && isfinite(c->nearest) ? c->nearest : c->gap,
                           .margin = c->margin,
                           .effective = c->effective,
                           .scaled = c->scaled > 0};
  memcpy(out->expert, v->expert, (size_t)v->k * sizeof *v->expert);
  memcpy(out->learner, v->learner, (size_t)v->k * sizeof *v->learner);
  loom_feature_basis_back(out->expert, &v->basis);
  loom_feature_basis_back(out->learner, &v->basis);
  memcpy(out->deviation, v->scale, (size_t)v->k * sizeof *v->scale);
  loom_inverse_weights(out->weight, v);
}

int loom_inverse_scalars(loomScalar* out, const loomInverse* v) {
  const counters* c = v->count;
  int n = 0;
  if (!c->scaled) return 0;
  out[n++] = (loomScalar){"irl/gap", c->gap};
  if (is_projection(v)) out[n++] = (loomScalar){"irl/margin", c->margin};
  if (is_projection(v)) out[n++] = (loomScalar){"irl/policies", c->policies};
  if (!is_projection(v)) out[n++] = (loomScalar){"irl/effective", c->effective};
  if (!is_projection(v)) out[n++] = (loomScalar){"irl/weights", sqrt(loom_dot(v->w, v->w, v->k))};
  return n;
}

int loom_inverse_tensors(loomSafeTensor* out, loomInverse* v) {
  out[0] = loom_learner_numbers("train.inverse", LOOM_SAFE_F64, v->block, v->numbers);
  return 1;
}
