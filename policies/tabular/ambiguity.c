#include "policies/tabular/ambiguity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_WORK 4e9  // multiplications that are worth the answer
#define NOTHING 1e-9   // of the largest singular value
#define LOOSE 1e-6     // of a weight, of length 1

void loom_ambiguity_destroy(loomAmbiguity* ambiguity) {
  if (!ambiguity) return;
  loom_heap_destroy(&ambiguity->heap);
  *ambiguity = (loomAmbiguity){0};
}

// ---- triangles

// r (n x n, upper) becomes that of r with one row more, which is lost: Givens rotations.
static void add_row(double* r, double* row, int n) {
  for (int i = 0; i < n; i++) {
    if (row[i] == 0) continue;
    double* own = r + (size_t)i * (size_t)n;
    double length = hypot(own[i], row[i]), c = own[i] / length, s = row[i] / length;
    for (int k = i; k < n; k++) {
      double x = own[k], y = row[k];
      own[k] = c * x + s * y;
      row[k] = c * y - s * x;
    }
  }
}

// One rotation of columns i and k, here rows of a transposed matrix and of v; how far from upright they were.
static double turn_pair(double* a, double* v, int n, int i, int k) {
  double *x = a + (size_t)i * (size_t)n, *y = a + (size_t)k * (size_t)n, xx = 0, yy = 0, xy = 0;

  for (int j = 0; j < n; j++) {
    xx += x[j] * x[j];
    yy += y[j] * y[j];
    xy += x[j] * y[j];
  }
  if (fabs(xy) <= 1e-15 * sqrt(xx * yy) || xy == 0) return 0;

  double zeta = (yy - xx) / (2 * xy), t = (zeta < 0 ? -1 : 1) / (fabs(zeta) + sqrt(1 + zeta * zeta));
  double c = 1 / sqrt(1 + t * t), s = c * t;
  double *vx = v + (size_t)i * (size_t)n, *vy = v + (size_t)k * (size_t)n;
  for (int j = 0; j < n; j++) {
    double p = x[j], q = y[j], vp = vx[j], vq = vy[j];
    x[j] = c * p - s * q;
    y[j] = s * p + c * q;
    vx[j] = c * vp - s * vq;
    vy[j] = s * vp + c * vq;
  }

  return fabs(xy) / sqrt(xx * yy);
}

// Rank of r (n x n), and how much of each column its null space has: one-sided Jacobi (Hestenes 1958).
static int find_rank(loomAmbiguity* out, const double* r, loomError* err) {
  int n = out->columns;
  size_t all = (size_t)n * (size_t)n;
  double *a = calloc(2 * all + (size_t)n, sizeof *a), *v = a + all, *size = v + all, most = 0;

  if (!a) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  for (int i = 0; i < n; i++) {
    v[(size_t)i * (size_t)n + (size_t)i] = 1;
    for (int k = 0; k < n; k++) a[(size_t)k * (size_t)n + (size_t)i] = r[(size_t)i * (size_t)n + (size_t)k];
  }

  for (int sweep = 0; sweep < 40; sweep++) {
    double worst = 0;
    for (int i = 0; i < n; i++)
      for (int k = i + 1; k < n; k++) worst = fmax(worst, turn_pair(a, v, n, i, k));
    if (worst < 1e-14) break;
  }

  for (int i = 0; i < n; i++) {
    for (int k = 0; k < n; k++) size[i] += pow(a[(size_t)i * (size_t)n + (size_t)k], 2);
    size[i] = sqrt(size[i]);
    most = fmax(most, size[i]);
  }
  for (int i = 0; i < n; i++) {
    bool told = size[i] > NOTHING * most && most > 0;
    out->rank += told;
    for (int k = 0; k < n && !told; k++) out->loose[k] += pow(v[(size_t)i * (size_t)n + (size_t)k], 2);
  }
  for (int k = 0; k < n; k++) out->loose[k] = out->loose[k] > LOOSE * LOOSE ? sqrt(out->loose[k]) : 0;
  free(a);

  return 0;
}

static int begin(loomAmbiguity* out, double** r, const loomMdp* m, double rows, loomError* err) {
  double n = m->features;
  *out = (loomAmbiguity){.columns = m->features};
  if (rows * n * n + 20 * n * n * n > MOST_WORK)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%d weights in %.0f rows are too many for ranks",
                          m->features, rows);
  out->loose = loom_heap_take(&out->heap, (size_t)m->features, sizeof(double));
  *r = loom_heap_take(&out->heap, (size_t)m->features * (size_t)m->features, sizeof(double));
  return out->loose && *r ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
}

int loom_ambiguity_of_features(loomAmbiguity* out, const loomMdp* m, loomError* err) {
  int rows = m->states * m->actions, code;
  double* r = NULL;

  code = begin(out, &r, m, rows, err);
  double* row = code ? NULL : loom_heap_take(&out->heap, (size_t)m->features, sizeof *row);
  if (!code && !row) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  for (int i = 0; i < rows && !code; i++) {
    if (!m->open[i]) continue;
    memset(row, 0, (size_t)m->features * sizeof *row);
    for (int k = m->feature_row[i]; k < m->feature_row[i + 1]; k++) row[m->feature[k]] = m->value[k];
    add_row(r, row, m->features);
  }
  if (!code) code = find_rank(out, r, err);
  if (code) loom_ambiguity_destroy(out);
  return code;
}

// ---- of a policy

// out (K) = d Q / d weights of a row, from d V / d weights of the states after it, (S x K).
static void row_slope(double* out, const loomMdp* m, int row, const double* later) {
  size_t n = (size_t)m->features;
  memset(out, 0, n * sizeof *out);
  for (int k = m->feature_row[row]; k < m->feature_row[row + 1]; k++) out[m->feature[k]] = m->value[k];
  for (int k = m->row[row]; k < m->row[row + 1] && later; k++) {
    const double* v = later + (size_t)m->next[k] * n;
    double share = m->gamma * m->p[k];
    for (size_t i = 0; i < n; i++) out[i] += share * v[i];
  }
}

// now (S x K) from later; largest change to what was there. q (K) is room.
static double value_slope(double* now, double* q, const loomMdp* m, const double* pi, const double* later) {
  size_t n = (size_t)m->features;
  double change = 0;

  for (int s = 0; s < m->states; s++) {
    double *v = now + (size_t)s * n, *sum = q + n;
    memset(sum, 0, n * sizeof *sum);
    for (int row = s * m->actions; row < (s + 1) * m->actions; row++) {
      if (pi[row] == 0) continue;
      row_slope(q, m, row, later);
      for (size_t i = 0; i < n; i++) sum[i] += pi[row] * q[i];
    }
    for (size_t i = 0; i < n; i++) change = fmax(change, fabs(sum[i] - v[i]));
    memcpy(v, sum, n * sizeof *v);
  }

  return change;
}

// d log pi = d Q - d V, row by row into the triangle.
static void add_policy_rows(double* r, double* q, const loomMdp* m, const double* now, const double* later) {
  size_t n = (size_t)m->features;

  for (int row = 0; row < m->states * m->actions; row++) {
    if (!m->open[row]) continue;
    row_slope(q, m, row, later);
    const double* v = now + (size_t)(row / m->actions) * n;
    for (size_t i = 0; i < n; i++) q[i] -= v[i];

    // What is nothing but rounding is nothing.
    for (size_t i = 0; i < n; i++)
      if (fabs(q[i]) < 1e-13 * (1 + fabs(v[i]))) q[i] = 0;
    add_row(r, q, m->features);
  }
}

static int slope_of_policy(double* r, loomHeap* heap, const loomMdp* m, const loomPlan* plan,
                           loomError* err) {
  size_t n = (size_t)m->features, all = (size_t)m->states * n;
  double *now = loom_heap_take(heap, all, sizeof *now), *later = loom_heap_take(heap, all, sizeof *later);
  double *q = loom_heap_take(heap, 2 * n, sizeof *q), change = INFINITY, most = 0;
  if (!now || !later || !q) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  for (int t = m->horizon - 1; t >= 0; t--) {
    value_slope(now, q, m, plan->policy + (size_t)t * plan->rows, t < m->horizon - 1 ? later : NULL);
    add_policy_rows(r, q, m, now, t < m->horizon - 1 ? later : NULL);
    memcpy(later, now, all * sizeof *later);
  }
  if (m->horizon) return 0;

  // In place: newer values are as good.
  for (int i = 0; i < 100000 && change > 1e-15 * (1 + most); i++) {
    change = value_slope(now, q, m, plan->policy, now);
    for (size_t k = 0; k < all && i % 64 == 0; k++) most = fmax(most, fabs(now[k]));
  }
  add_policy_rows(r, q, m, now, now);
  return 0;
}

int loom_ambiguity_of_policy(loomAmbiguity* out, const loomMdp* m, const double* weights, loomError* err) {
  loomPlan plan = {0};
  double* r = NULL;
  double rows = (double)m->states * m->actions * (m->horizon ? m->horizon : 1);
  double sweeps = m->horizon ? m->horizon : m->gamma < 1 ? 35 / (1 - m->gamma) : 1e4;
  int code = begin(out, &r, m, fmax(rows, 0), err);

  if (!code && sweeps * m->features * (m->row[m->states * m->actions] + rows) > MOST_WORK)
    code = loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%d states and %d weights are too many for ranks",
                          m->states, m->features);
  if (!code) code = loom_plan_create(&plan, m, err);
  double* reward = code ? NULL : loom_heap_take(&plan.heap, plan.rows, sizeof *reward);
  if (!code && !reward) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  if (!code) {
    loom_mdp_reward(reward, m, weights);
    code = loom_plan_soft(&plan, m, reward, err);
  }
  if (!code) code = slope_of_policy(r, &plan.heap, m, &plan, err);
  if (!code) code = find_rank(out, r, err);
  loom_plan_destroy(&plan);
  if (code) loom_ambiguity_destroy(out);
  return code;
}

// ---- distances of rewards

// What is left of a reward once potentials are out of it: u (S x A), r less the state's mean, and v (S), the
// state's mean less that of all. Canonically shaped it is u(s, a) + gamma v(s') with both parts of mean 0, s'
// being covered apart from (s, a); so products of two rewards are those of the parts.
static void shape(double* u, double* v, const loomMdp* m, const double* r) {
  double mean = 0;

  for (int s = 0; s < m->states; s++) {
    int count = 0;
    v[s] = 0;
    for (int row = s * m->actions; row < (s + 1) * m->actions; row++) {
      if (!m->open[row]) continue;
      v[s] += r[row];
      count++;
    }
    v[s] /= count;
    for (int row = s * m->actions; row < (s + 1) * m->actions; row++)
      u[row] = m->open[row] ? r[row] - v[s] : 0;
    mean += v[s] / m->states;
  }
  for (int s = 0; s < m->states; s++) v[s] -= mean;
}

static double product(const loomMdp* m, const double* u, const double* v, const double* x, const double* y) {
  double rows = 0, states = 0;

  for (int s = 0; s < m->states; s++) {
    int count = 0;
    double sum = 0;
    for (int row = s * m->actions; row < (s + 1) * m->actions; row++) {
      sum += u[row] * x[row];
      count += m->open[row];
    }
    rows += sum / count;
    states += v[s] * y[s];
  }

  return (rows + m->gamma * m->gamma * states) / m->states;
}

double loom_epic(const loomMdp* m, const double* a, const double* b) {
  size_t rows = (size_t)m->states * (size_t)m->actions, s = (size_t)m->states;
  double *u = calloc(2 * (rows + s), sizeof *u), *v = u + rows, *x = v + s, *y = x + rows;

  if (!u) return NAN;
  shape(u, v, m, a);
  shape(x, y, m, b);

  double aa = product(m, u, v, u, v), bb = product(m, x, y, x, y), ab = product(m, u, v, x, y);
  free(u);
  if (aa < 1e-24 || bb < 1e-24) return aa < 1e-24 && bb < 1e-24 ? 0 : sqrt(0.5);
  return sqrt(fmax(0, 0.5 - 0.5 * ab / sqrt(aa * bb)));
}
