// What a log tells of the values that were found in it, and what it does not: by slopes there, by how far
// rollouts spread, and by looking around.
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/fit_spot.h"

static const double told = 1.5;

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a fit");
}

// The values (n) and vectors (n x n, a row each) of a symmetric a (n x n), which is lost: Jacobi's rotations
// (Golub and Van Loan, "Matrix computations", 2013, 8.5).
static void eigenvalues(double* value, double* vector, double* a, int n) {
  for (int i = 0; i < n * n; i++) vector[i] = i % (n + 1) == 0;
  for (int round = 0; round < 60; round++) {
    double off = 0;
    for (int p = 0; p < n; p++)
      for (int q = p + 1; q < n; q++) {
        off += a[p * n + q] * a[p * n + q];
        if (a[p * n + q] == 0) continue;
        double turn = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
        double t = (turn < 0 ? -1 : 1) / (fabs(turn) + sqrt(1 + turn * turn)), c = 1 / sqrt(1 + t * t),
               s = t * c;
        for (int k = 0; k < n; k++) {
          double x = a[k * n + p], y = a[k * n + q];
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (int k = 0; k < n; k++) {
          double x = a[p * n + k], y = a[q * n + k], v = vector[p * n + k], u = vector[q * n + k];
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
          vector[p * n + k] = c * v - s * u;
          vector[q * n + k] = s * v + c * u;
        }
      }
    if (off < 1e-30) break;
  }
  for (int i = 0; i < n; i++) value[i] = a[i * n + i];
}

// covariance (n x n) = a^-1; along what hardly changes anything it is large, not infinite.
static int invert(double* covariance, const double* a, int n, loomError* err) {
  const double least = 1e-4;
  double *work = malloc(2 * (size_t)n * (size_t)n * sizeof *work), *value = malloc((size_t)n * sizeof *value);
  if (!work || !value) {
    free(work);
    free(value);
    return no_memory(err);
  }
  double* vector = work + n * n;
  mju_copy(work, a, n * n);
  eigenvalues(value, vector, work, n);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < n; k++) {
      double sum = 0;
      for (int v = 0; v < n; v++) sum += vector[v * n + i] * vector[v * n + k] / fmax(value[v], least);
      covariance[i * n + k] = sum;
    }

  free(work);
  free(value);
  return 0;
}

// Of a group's residuals: their squares, and each times the one a row later.
static void hang_together(double* square, double* product, const loomFitWork* w, const loomFitColumns* c,
                          const loomFitSpot* at) {
  *square = 1e-12;
  *product = 0;
  for (int s = 0, row = 0; s < w->ndemo; row += w->demo[s++].rows)
    for (int t = 0; t < w->demo[s].rows; t++) {
      const double* now = at->residual + (size_t)(row + t) * (size_t)w->width;
      for (int k = c->first; k < c->first + c->n; k++) {
        *square += now[k] * now[k];
        if (t) *product += now[k] * now[k - w->width];
      }
    }
}

// Less is known by residuals that are larger than their noise, and that hang together: by their correlation
// from row to row, as by (1 - c) / (1 + c) of the numbers. From here on sums are what chance makes of them.
void loom_fit_weigh_known(loomFitWork* w, const loomFitSpot* at) {
  double factor[LOOM_FIT_GROUPS];
  for (int i = 0; i < w->ncolumns; i++) {
    double square, product;
    hang_together(&square, &product, w, &w->columns[i], at);
    double like = fmin(fmax(product / square, 0), 0.95);
    factor[i] = sqrt(fmax(1, square / fmax(w->out->group[i].numbers, 1)) * (1 + like) / (1 - like));
  }

  for (int i = 0; i < w->ncolumns; i++) w->columns[i].sigma *= factor[i];
}

/// Logs as they might have been: what is hit goes one way or another, in the log as in each of the rollouts
/// that were averaged.
typedef struct echoes {
  int n;
  double* residual;  // (n x cells)
  double* least;     // (n) the sum of each where it fits best, of all places looked at; and:
  double* off;       // (n x parameters) how far from what was found that is
} echoes;

static void free_echoes(echoes* e) {
  free(e->residual);
  free(e->least);
  free(e->off);
}

static double square_between(const double* a, const double* b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

static int make_echoes(echoes* out, loomFitWork* w, const loomFitSpot* at, loomError* err) {
  int most = 1, code = 0;
  size_t all = loom_fit_cells(w);
  for (int s = 0; s < w->ndemo; s++) most = loom_fit_around(w, s) > most ? loom_fit_around(w, s) : most;
  *out = (echoes){most > 1 ? most : 0, malloc((size_t)most * all * sizeof(double) + 1),
                  malloc((size_t)most * sizeof(double)),
                  calloc((size_t)most * (size_t)w->out->n + 1, sizeof(double))};
  loomFitJob* job = malloc((size_t)w->ndemo * sizeof *job);
  if (!out->residual || !out->least || !out->off || !job) code = no_memory(err);

  for (int m = 0; !code && m < out->n; m++) {
    double* residual = out->residual + (size_t)m * all;
    for (int s = 0; s < w->ndemo; s++)
      job[s] = (loomFitJob){at->x, s, residual + loom_fit_first_cell(w, s), 0, 1 + m % loom_fit_around(w, s)};
    code = loom_fit_run(w, job, w->ndemo, err);
    out->least[m] = square_between(at->residual, residual, all);
  }

  free(job);
  return code;
}

// One more place, which may fit some of them better.
static void hear(echoes* e, const loomFitWork* w, const loomFitSpot* best, const loomFitSpot* spot) {
  size_t all = loom_fit_cells(w), n = (size_t)w->out->n;
  for (int m = 0; m < e->n && isfinite(spot->sum); m++) {
    double sum = square_between(spot->residual, e->residual + (size_t)m * all, all);
    if (sum >= e->least[m]) continue;

    e->least[m] = sum;
    mju_sub(e->off + (size_t)m * n, spot->x, best->x, (int)n);
  }
}

// rough (n): variance of the parameters because of that: by where each would have led, in one step of Gauss
// and Newton, or by the places looked at.
static int roughness(double* rough, const echoes* e, const loomFitWork* w, const double* jacobian,
                     const double* covariance, loomError* err) {
  int n = w->out->n;
  size_t all = loom_fit_cells(w);
  double *sum = calloc(5 * (size_t)n, sizeof *sum), *g = sum + 3 * n, *step = sum + 4 * n;
  if (!sum) return no_memory(err);

  for (int m = 0; m < e->n; m++) {
    const double* residual = e->residual + (size_t)m * all;
    for (int i = 0; i < n; i++) g[i] = mju_dot(jacobian + (size_t)i * all, residual, (int)all);
    mju_mulMatVec(step, covariance, g, n, n);
    for (int i = 0; i < n; i++) {
      sum[i] += step[i];
      sum[n + i] += step[i] * step[i];
      sum[2 * n + i] += pow(e->off[m * n + i], 2);
    }
  }
  for (int i = 0; i < n && e->n; i++)
    rough[i] =
        fmax(fmax(0, sum[n + i] - sum[i] * sum[i] / e->n), sum[2 * n + i]) / (e->n - 1) * (1 + 1.0 / e->n);

  free(sum);
  return 0;
}

/// Of one parameter: how far below and above it (logarithms) sums are no larger than chance makes them.
typedef struct span {
  double low, high;
} span;

// As Student's t for the few rollouts that are averaged.
static double sure_by(const loomFitWork* w) {
  return 1.96 * (1 + 1.5 / fmax(w->def->around - 1, 1));
}

// Values on both sides of one that was found, the others as `along` has them go with it (n); what fits as
// well is in the span.
static int look_around(span* out, echoes* e, loomFitSpot* best, bool* better, int i, const double* along,
                       loomFitWork* w, const loomFitTools* t, loomError* err) {
  static const double off[LOOM_FIT_SWEEP] = {-1.6, -0.8, -0.4, -0.2, 0.2, 0.4, 0.8, 1.6};
  for (int k = 0; k < LOOM_FIT_SWEEP; k++) {
    for (int j = 0; j < w->out->n; j++)
      t->swept[k].x[j] = best->x[j] + (j == i ? off[k] : fmin(fmax(off[k] * along[j], -2), 2));
    loom_fit_clamp(t->swept[k].x, w);
  }
  int code = loom_fit_try(w, t->swept, LOOM_FIT_SWEEP, err), least = 0;
  double limit = best->sum + pow(sure_by(w), 2);

  for (int k = 0; !code && k < LOOM_FIT_SWEEP; k++) {
    double by = t->swept[k].x[i] - best->x[i];
    if (t->swept[k].sum < t->swept[least].sum) least = k;
    hear(e, w, best, &t->swept[k]);
    if (t->swept[k].sum > limit) continue;
    out->low = fmax(out->low, -by);
    out->high = fmax(out->high, by);
  }

  *better = !code && t->swept[least].sum < best->sum;
  if (*better) loom_fit_copy_spot(best, &t->swept[least], w);
  return code;
}

// A slope at one place tells nothing of a valley that is winding, or rough: each parameter by itself, and
// with the others as they make up for it there or elsewhere.
static int profile(span* alone, span* together, echoes* e, bool* better, loomFitSpot* best,
                   const double* covariance, loomFitWork* w, const loomFitTools* t, loomError* err) {
  int n = w->out->n, code = 0;
  double along[LOOM_FIT_PARAMETERS] = {0};
  *better = false;
  for (int i = 0; !code && !*better && i < n; i++) {
    memset(along, 0, sizeof along);
    code = look_around(&alone[i], e, best, better, i, along, w, t, err);
    together[i] = alone[i];

    for (int j = 0; j < n; j++) along[j] = covariance[i * n + j] / (covariance[i * n + i] + 1e-30);
    if (!code && !*better && n > 1) code = look_around(&together[i], e, best, better, i, along, w, t, err);
    for (int k = 0; !code && !*better && loom_fit_way_with(along, w, i, k); k++)
      code = look_around(&together[i], e, best, better, i, along, w, t, err);
  }

  return code;
}

// The parameter that makes up most for the i-th.
static int most_like(int i, const double* covariance, int n) {
  int with = -1;
  double most = 0;
  for (int k = 0; k < n; k++) {
    double like = fabs(covariance[i * n + k]) / sqrt(covariance[i * n + i] * covariance[k * n + k]);
    if (k == i || like <= most) continue;
    most = like;
    with = k;
  }

  return with;
}

static void judge(loomFitWork* w, const loomFitSpot* at, const double* a, const double* covariance,
                  const double* rough, const span* alone, const span* together) {
  int n = w->out->n;

  for (int i = 0; i < n; i++) {
    loomFitParameter* p = &w->out->parameter[i];
    double slope = sqrt(pow(1.96, 2) * covariance[i * n + i] + pow(sure_by(w), 2) * rough[i]),
           low = fmin(fmax(slope, together[i].low), 50), high = fmin(fmax(slope, together[i].high), 50),
           by_itself = fmax(1.96 / sqrt(a[i * n + i] + 1e-12), fmax(alone[i].low, alone[i].high));
    p->value = exp(at->x[i]);
    p->low = p->value * exp(-low);
    p->high = p->value * exp(high);

    p->known = LOOM_FIT_TOLD;
    if (fmax(low, high) > log(told)) p->known = by_itself > log(told) ? LOOM_FIT_UNMOVED : LOOM_FIT_COUPLED;
    bool bound = fmin(fabs(at->x[i] - log(p->bounds[0])), fabs(at->x[i] - log(p->bounds[1]))) < 1e-6;
    if (p->known == LOOM_FIT_TOLD && bound) p->known = LOOM_FIT_AT_BOUND;
    if (p->known == LOOM_FIT_COUPLED) p->with = most_like(i, covariance, n);
    if (p->known == LOOM_FIT_COUPLED && p->with < 0) p->known = LOOM_FIT_UNMOVED;
  }
}

// Derivatives from two widths (Richardson's extrapolation); a (n x n) = J J^T less what the difference of
// both may make up: unknowns that only together change nothing would look known by the errors of their
// derivatives.
static int last_derivatives(double* a, loomFitWork* w, const loomFitTools* t, const loomFitSpot* best,
                            loomError* err) {
  size_t n = (size_t)w->out->n, all = loom_fit_cells(w);
  double* half = malloc(n * all * sizeof *half + 1);
  int code =
      half ? loom_fit_differentiate(t->jacobian, w, best, LOOM_FIT_BREADTH, true, err) : no_memory(err);
  if (!code) code = loom_fit_differentiate(half, w, best, LOOM_FIT_BREADTH / 2, true, err);
  for (size_t k = 0; !code && k < n * all; k++) {
    double difference = half[k] - t->jacobian[k];
    t->jacobian[k] = half[k] + difference / 3;
    half[k] = difference / 3;
  }
  if (!code) {
    loom_fit_normal_equations(t->a, t->g, w, half, best);
    mju_copy(a, t->a, (int)(n * n));
    loom_fit_normal_equations(t->a, t->g, w, t->jacobian, best);
    mju_sub(a, t->a, a, (int)(n * n));
  }

  free(half);
  return code;
}

// What is known of what was found; *better: looking around it has found what fits better,
// which the last round takes as it is.
int loom_fit_conclude(loomFitSpot* best, bool* better, bool last, loomFitWork* w, const loomFitTools* t,
                      loomError* err) {
  size_t n = (size_t)w->out->n;
  double *sure = malloc(n * n * sizeof *sure), *covariance = calloc(n * n, sizeof *covariance),
         *rough = calloc(n, sizeof *rough), rms[LOOM_FIT_GROUPS];
  echoes e = {0};
  span alone[LOOM_FIT_PARAMETERS] = {{0, 0}}, together[LOOM_FIT_PARAMETERS] = {{0, 0}};
  int code = sure && covariance && rough ? last_derivatives(sure, w, t, best, err) : no_memory(err);
  if (!code) code = invert(covariance, sure, w->out->n, err);
  if (!code) code = make_echoes(&e, w, best, err);
  if (!code) code = profile(alone, together, &e, better, best, covariance, w, t, err);
  *better = *better && !last;
  if (!code && !*better) code = roughness(rough, &e, w, t->jacobian, covariance, err);

  if (!code && !*better) {
    judge(w, best, t->a, covariance, rough, alone, together);
    loom_fit_measure_rms(rms, w, best);
    for (int i = 0; i < w->ncolumns; i++) w->out->group[i].after = rms[i];
  }

  free_echoes(&e);
  free(sure);
  free(covariance);
  free(rough);
  return code;
}
