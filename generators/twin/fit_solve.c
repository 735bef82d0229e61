// Least squares over rollouts: from several starts, by Levenberg and Marquardt's steps (Marquardt, "An
// algorithm for least-squares estimation of nonlinear parameters", 1963), derivatives by central differences.
// Unknown are the logarithms of the parameters.
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/fit_work.h"

enum { STEPS = 20, TRIES = 4, FOLLOWED = 2, FAR = 12, SWEEP = 8 };
static const double breadth = 0.1, told = 1.5;  // broad enough for contacts that come or go to be evened out

/// A point with its residuals, demo after demo.
typedef struct spot {
  double* x;         // (parameters)
  double* residual;  // (rows x width)
  double sum;        // of squares; infinite: it does not simulate
} spot;

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a fit");
}

static size_t cells(const loomFitWork* w) {
  return (size_t)w->rows * (size_t)w->width;
}

static size_t first_cell(const loomFitWork* w, int demo) {
  size_t rows = 0;
  for (int s = 0; s < demo; s++) rows += (size_t)w->demo[s].rows;
  return rows * (size_t)w->width;
}

static void free_spots(spot* list, int n) {
  for (int i = 0; list && i < n; i++) {
    free(list[i].x);
    free(list[i].residual);
  }
  free(list);
}

static spot* make_spots(const loomFitWork* w, int n) {
  spot* list = calloc((size_t)n, sizeof *list);
  bool ok = list != NULL;
  for (int i = 0; ok && i < n; i++) {
    list[i].x = calloc((size_t)w->out->n + 1, sizeof(double));
    list[i].residual = calloc(cells(w) + 1, sizeof(double));
    ok = list[i].x && list[i].residual;
  }
  if (ok) return list;
  free_spots(list, n);
  return NULL;
}

static void copy_spot(spot* to, const spot* from, const loomFitWork* w) {
  memcpy(to->x, from->x, (size_t)w->out->n * sizeof *to->x);
  memcpy(to->residual, from->residual, cells(w) * sizeof *to->residual);
  to->sum = from->sum;
}

static void clamp(double* x, const loomFitWork* w) {
  for (int i = 0; i < w->out->n; i++) {
    const loomFitParameter* p = &w->out->parameter[i];
    x[i] = fmin(fmax(x[i], log(p->bounds[0])), log(p->bounds[1]));
  }
}

static int tell(const loomFitWork* w, double sum, loomError* err) {
  double n = 0;
  for (int i = 0; i < w->ncolumns; i++) n += w->out->group[i].numbers;
  if (!w->def->step || !w->def->step(w->def->user, w->out->rollouts, sqrt(sum / fmax(n, 1)))) return 0;
  return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; nothing was written");
}

// All demos at n spots.
static int look_at(loomFitWork* w, spot* list, int n, loomError* err) {
  loomFitJob* job = malloc((size_t)n * (size_t)w->ndemo * sizeof *job);
  if (!job) return no_memory(err);
  for (int i = 0; i < n; i++)
    for (int s = 0; s < w->ndemo; s++)
      job[i * w->ndemo + s] = (loomFitJob){list[i].x, s, list[i].residual + first_cell(w, s), 0, 0};
  int code = loom_fit_run(w, job, n * w->ndemo, err);

  double best = INFINITY;
  for (int i = 0; i < n; i++) {
    list[i].sum = 0;
    for (int s = 0; s < w->ndemo; s++) list[i].sum += job[i * w->ndemo + s].sum;
    best = fmin(best, list[i].sum);
  }

  free(job);
  return code ? code : tell(w, best, err);
}

// ---- derivatives

// jacobian (parameters x cells) of residuals. What is idle is passed over, unless `every` one is asked for.
static int differentiate(double* jacobian, loomFitWork* w, const spot* at, double h, bool every,
                         loomError* err) {
  size_t all = cells(w), np = (size_t)w->out->n;
  int n = 0;
  loomFitJob* job = malloc(2 * np * (size_t)w->ndemo * sizeof *job);
  double *x = malloc(2 * np * np * sizeof *x), *below = malloc(np * all * sizeof *below + 1);
  int code = job && x && below ? 0 : no_memory(err);

  memset(jacobian, 0, np * all * sizeof *jacobian);
  for (size_t i = 0; !code && i < np; i++) {
    if (w->idle[i] && !every) continue;
    for (size_t side = 0; side < 2; side++) {
      double* to = x + (2 * i + side) * np;
      memcpy(to, at->x, np * sizeof *to);
      to[i] += side ? h : -h;
      for (int s = 0; s < w->ndemo; s++)
        job[n++] = (loomFitJob){to, s, (side ? jacobian : below) + i * all + first_cell(w, s), 0, 0};
    }
  }
  if (!code) code = loom_fit_run(w, job, n, err);
  if (!code) code = tell(w, at->sum, err);

  for (size_t i = 0; !code && i < np; i++)
    for (size_t k = i * all; (every || !w->idle[i]) && k < (i + 1) * all; k++)
      jacobian[k] = (jacobian[k] - below[k]) / (2 * h);

  free(job);
  free(x);
  free(below);
  return code;
}

// a (n x n) = J J^T, and g (n) = J r.
static void normal_equations(double* a, double* g, const loomFitWork* w, const double* jacobian,
                             const spot* at) {
  size_t all = cells(w);
  for (int i = 0; i < w->out->n; i++) {
    const double* row = jacobian + (size_t)i * all;
    for (int k = 0; k <= i; k++) {
      const double* other = jacobian + (size_t)k * all;
      double sum = 0;
      for (size_t c = 0; c < all; c++) sum += row[c] * other[c];
      a[i * w->out->n + k] = a[k * w->out->n + i] = sum;
    }
    g[i] = 0;
    for (size_t c = 0; c < all; c++) g[i] += row[c] * at->residual[c];
  }
}

// ---- from one start

static int try_steps(spot* tried, const spot* at, loomFitWork* w, const double* a, const double* g,
                     double lambda, loomError* err) {
  static const double times[TRIES] = {0.01, 1, 100, 1e4};
  double *damped = malloc((size_t)w->out->n * (size_t)w->out->n * sizeof *damped),
         *step = malloc((size_t)w->out->n * sizeof *step);
  int code = damped && step ? 0 : no_memory(err);
  for (int i = 0; !code && i < TRIES; i++) {
    mju_copy(damped, a, w->out->n * w->out->n);
    for (int k = 0; k < w->out->n; k++)
      damped[k * w->out->n + k] += lambda * times[i] * a[k * w->out->n + k] + 1e-9;
    mju_cholFactor(damped, w->out->n, 1e-12);
    mju_cholSolve(step, damped, g, w->out->n);

    // No value more than some three times as large in one step.
    double most = 1;
    for (int k = 0; k < w->out->n; k++) most = fmax(most, fabs(step[k]));
    for (int k = 0; k < w->out->n; k++) tried[i].x[k] = at->x[k] - step[k] / most;
    clamp(tried[i].x, w);
  }
  if (!code) code = look_at(w, tried, TRIES, err);

  free(damped);
  free(step);
  return code;
}

/// What a fit works with: room for derivatives, tries and sweeps.
typedef struct tools {
  double *jacobian, *a, *g;
  spot *tried, *swept;  // (TRIES), (SWEEP)
} tools;

static int follow(spot* at, loomFitWork* w, const tools* t, loomError* err) {
  static const double times[TRIES] = {0.01, 1, 100, 1e4};
  double lambda = 0.01;
  int code = 0;
  for (int it = 0; !code && it < STEPS; it++) {
    code = differentiate(t->jacobian, w, at, breadth, !it, err);
    if (code) break;
    normal_equations(t->a, t->g, w, t->jacobian, at);

    // What moves the sum by less than the noise of one number is left alone.
    for (int i = 0; !it && i < w->out->n; i++) w->idle[i] = t->a[i * w->out->n + i] < 1;
    code = try_steps(t->tried, at, w, t->a, t->g, lambda, err);

    int best = 0;
    for (int i = 1; i < TRIES; i++)
      if (t->tried[i].sum < t->tried[best].sum) best = i;
    double before = at->sum, gain = before - t->tried[best].sum;
    if (code || !(gain > 0)) break;
    copy_spot(at, &t->tried[best], w);
    lambda = fmin(fmax(lambda * times[best], 1e-7), 1e3);
    if (gain < 3e-4 * before) break;
  }

  return code;
}

// ---- from several

// Radical inverse, as starts have it (fit_rollout.c).
static double halton(int i, int base) {
  double out = 0, digit = 1;
  for (; i > 0; i /= base) {
    digit /= base;
    out += digit * (i % base);
  }

  return out;
}

static void spread(spot* list, int n, const loomFitWork* w) {
  static const int primes[LOOM_FIT_PARAMETERS] = {2,  3,  5,  7,  11, 13, 17, 19, 23, 29, 31, 37,
                                                  41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89};
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < w->out->n; k++) {
      const loomFitParameter* p = &w->out->parameter[k];
      double low = log(fmax(p->bounds[0], p->value / FAR)), high = log(fmin(p->bounds[1], p->value * FAR));
      list[i].x[k] = i ? low + halton(i, primes[k]) * (high - low) : log(p->value);
    }
  }
}

static int by_sum(const void* a, const void* b) {
  double x = ((const spot*)a)->sum, y = ((const spot*)b)->sum;
  return (x > y) - (x < y);
}

static void measure_rms(double* rms, const loomFitWork* w, const spot* at) {
  for (int i = 0; i < w->ncolumns; i++) {
    const loomFitColumns* c = &w->columns[i];
    double sum = 0;
    for (int t = 0; t < w->rows; t++)
      for (int k = 0; k < c->n; k++) {
        double r = at->residual[(size_t)t * (size_t)w->width + (size_t)(c->first + k)];
        sum += r * r * c->sigma * c->sigma;
      }
    int n = w->out->group[i].numbers * (c->kind == LOOM_FIT_ROTATION ? 3 : 4) / 4;
    rms[i] = n ? sqrt(sum / n) : 0;
  }
}

// What fits worse than its noise counts for less: the simulator is not the real thing.
static bool weigh_again(loomFitWork* w, const spot* at) {
  double rms[LOOM_FIT_GROUPS];
  bool changed = false;
  measure_rms(rms, w, at);
  for (int i = 0; i < w->ncolumns; i++) {
    if (!(rms[i] > 1.2 * w->columns[i].sigma)) continue;
    w->columns[i].sigma = rms[i];
    changed = true;
  }

  return changed;
}

// One unknown over SWEEP values from low to high, the others held. *better: one of them was.
static int sweep_one(spot* at, bool* better, int i, double low, double high, loomFitWork* w, const tools* t,
                     loomError* err) {
  for (int k = 0; k < SWEEP; k++) {
    memcpy(t->swept[k].x, at->x, (size_t)w->out->n * sizeof(double));
    t->swept[k].x[i] = low + (high - low) * (k + 0.5) / SWEEP;
    clamp(t->swept[k].x, w);
  }
  int code = look_at(w, t->swept, SWEEP, err), best = 0;
  for (int k = 1; k < SWEEP; k++)
    if (t->swept[k].sum < t->swept[best].sum) best = k;
  if (code || !(t->swept[best].sum < at->sum)) return code;
  copy_spot(at, &t->swept[best], w);
  *better = true;

  return 0;
}

// Each parameter over all its range: objects hardly depend on each other's, and a step that follows the slope
// does not get over a hill.
static int sweep(spot* at, bool* better, loomFitWork* w, const tools* t, loomError* err) {
  int code = 0;
  *better = false;
  for (int i = 0; !code && i < w->out->n; i++) {
    const loomFitParameter* p = &w->out->parameter[i];
    double low = log(fmax(p->bounds[0], p->own / FAR)),
           high = log(fmin(p->bounds[1], fmax(p->own, p->value) * FAR));
    code = sweep_one(at, better, i, low, high, w, t, err);
  }

  return code;
}

// Near the end contacts that come or go make the sum rough: each unknown a little around where it is, closer
// and closer.
static int polish(spot* at, loomFitWork* w, const tools* t, loomError* err) {
  static const double width[] = {0.2, 0.05};
  bool better = false;
  int code = 0;
  for (size_t s = 0; !code && s < sizeof width / sizeof *width; s++)
    for (int i = 0; !code && i < w->out->n; i++) {
      double by = width[s];
      if (w->idle[i]) continue;
      code = sweep_one(at, &better, i, at->x[i] - by, at->x[i] + by, w, t, err);
    }

  return code;
}

// Until no sweep finds better, or twice.
static int descend(spot* at, loomFitWork* w, const tools* t, loomError* err) {
  bool better = true;
  int code = 0;
  for (int i = 0; !code && i < 2 && better; i++) {
    code = sweep(at, &better, w, t, err);
    if (!code && (better || !i)) code = follow(at, w, t, err);
  }

  return code;
}

// From the scene's own values, and from the best of some others.
static int search(spot* best, loomFitWork* w, const tools* t, loomError* err) {
  int n = w->def->starts + 1, followed = n < FOLLOWED ? n : FOLLOWED;
  spot* list = make_spots(w, n);
  if (!list) return no_memory(err);
  spread(list, n, w);
  int code = look_at(w, list, n, err);
  double rms[LOOM_FIT_GROUPS];
  if (!code) measure_rms(rms, w, &list[0]);
  for (int i = 0; !code && i < w->ncolumns; i++) w->out->group[i].before = rms[i];
  if (!code && isinf(list[0].sum))
    code = loom_error_set(err, LOOM_ERR_SIM, "%s: the log's actions do not simulate", w->scene->task->path);

  if (!code) qsort(list + 1, (size_t)n - 1, sizeof *list, by_sum);
  while (followed > 1 && isinf(list[followed - 1].sum)) followed--;
  for (int i = 0; !code && i < followed; i++) code = descend(&list[i], w, t, err);
  if (!code) qsort(list, (size_t)followed, sizeof *list, by_sum);
  if (!code) copy_spot(best, &list[0], w);

  w->out->followed = followed;
  for (int i = 0; !code && i < followed; i++) w->out->agreed += list[i].sum < 1.02 * list[0].sum + 1;
  free_spots(list, n);
  return code;
}

// ---- what is known then

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

// How much less is known than from residuals that do not hang on each other: by their correlation from row to
// row, (1 + c) / (1 - c) of the variance.
static double dependence(const loomFitWork* w, const spot* at) {
  double square = 1e-12, product = 0;
  for (int s = 0; s < w->ndemo; s++)
    for (size_t k = first_cell(w, s) + (size_t)w->width; k < first_cell(w, s + 1); k++) {
      product += at->residual[k] * at->residual[k - (size_t)w->width];
      square += at->residual[k] * at->residual[k];
    }
  double like = fmin(fmax(product / square, 0), 0.95);

  return sqrt((1 + like) / (1 - like));
}

// rough (n): variance of the parameters because things that are hit go one way or another, in the log as in
// rollouts: by where each of those that were averaged would have led alone, in one step of Gauss and Newton.
static int roughness(double* rough, loomFitWork* w, const spot* at, const double* jacobian,
                     const double* covariance, loomError* err) {
  int n = w->out->n, most = 1;
  size_t all = cells(w);
  for (int s = 0; s < w->ndemo; s++) most = loom_fit_around(w, s) > most ? loom_fit_around(w, s) : most;
  loomFitJob* job = malloc((size_t)w->ndemo * sizeof *job);
  double *residual = malloc(all * sizeof *residual + 1), *sum = calloc(4 * (size_t)n, sizeof *sum),
         *g = sum + 2 * n, *step = sum + 3 * n;
  int code = job && residual && sum ? 0 : no_memory(err);
  for (int m = 0; !code && most > 1 && m < most; m++) {
    for (int s = 0; s < w->ndemo; s++)
      job[s] = (loomFitJob){at->x, s, residual + first_cell(w, s), 0, 1 + m % loom_fit_around(w, s)};
    code = loom_fit_run(w, job, w->ndemo, err);
    for (int i = 0; !code && i < n; i++) g[i] = mju_dot(jacobian + (size_t)i * all, residual, (int)all);
    mju_mulMatVec(step, covariance, g, n, n);
    for (int i = 0; i < n; i++) {
      sum[i] += step[i];
      sum[n + i] += step[i] * step[i];
    }
  }
  for (int i = 0; !code && i < n; i++)
    rough[i] = most > 1 ? fmax(0, sum[n + i] - sum[i] * sum[i] / most) / (most - 1) * (1 + 1.0 / most) : 0;

  free(job);
  free(residual);
  free(sum);
  return code;
}

static void judge(loomFitWork* w, const spot* at, const double* a, const double* covariance,
                  const double* rough) {
  double numbers = 0, few = 1.96 * (1 + 1.5 / fmax(w->def->around - 1, 1));  // as t of so few
  for (int i = 0; i < w->ncolumns; i++) numbers += w->out->group[i].numbers;

  double scale = sqrt(fmax(1, at->sum / fmax(numbers, 1))) * dependence(w, at);

  for (int i = 0; i < w->out->n; i++) {
    loomFitParameter* p = &w->out->parameter[i];
    double off = sqrt(pow(1.96 * scale, 2) * covariance[i * w->out->n + i] + pow(few, 2) * rough[i]),
           alone = 1.96 * scale / sqrt(a[i * w->out->n + i] + 1e-12);
    p->value = exp(at->x[i]);
    p->low = p->value * exp(-fmin(off, 50));
    p->high = p->value * exp(fmin(off, 50));
    p->known = LOOM_FIT_TOLD;
    if (off > log(told)) p->known = alone > log(told) ? LOOM_FIT_UNMOVED : LOOM_FIT_COUPLED;
    bool bound = fmin(fabs(at->x[i] - log(p->bounds[0])), fabs(at->x[i] - log(p->bounds[1]))) < 1e-6;
    if (p->known == LOOM_FIT_TOLD && bound) p->known = LOOM_FIT_AT_BOUND;

    double most = 0;
    for (int k = 0; p->known == LOOM_FIT_COUPLED && k < w->out->n; k++) {
      double like = fabs(covariance[i * w->out->n + k]) /
                    sqrt(covariance[i * w->out->n + i] * covariance[k * w->out->n + k]);
      if (k == i || like <= most) continue;
      most = like;
      p->with = k;
    }
    if (p->known == LOOM_FIT_COUPLED && p->with < 0) p->known = LOOM_FIT_UNMOVED;
  }
}

// Derivatives from two widths (Richardson's extrapolation); a (n x n) = J J^T less what the difference of
// both may make up: unknowns that only together change nothing would look known by the errors of their
// derivatives.
static int last_derivatives(double* a, loomFitWork* w, const tools* t, const spot* best, loomError* err) {
  size_t n = (size_t)w->out->n, all = cells(w);
  double* half = malloc(n * all * sizeof *half + 1);
  int code = half ? differentiate(t->jacobian, w, best, breadth, true, err) : no_memory(err);
  if (!code) code = differentiate(half, w, best, breadth / 2, true, err);
  for (size_t k = 0; !code && k < n * all; k++) {
    double difference = half[k] - t->jacobian[k];
    t->jacobian[k] = half[k] + difference / 3;
    half[k] = difference / 3;
  }
  if (!code) {
    normal_equations(t->a, t->g, w, half, best);
    mju_copy(a, t->a, (int)(n * n));
    normal_equations(t->a, t->g, w, t->jacobian, best);
    mju_sub(a, t->a, a, (int)(n * n));
  }

  free(half);
  return code;
}

static int conclude(const spot* best, loomFitWork* w, const tools* t, loomError* err) {
  size_t n = (size_t)w->out->n;
  double *sure = malloc(n * n * sizeof *sure), *covariance = malloc(n * n * sizeof *covariance),
         *rough = calloc(n, sizeof *rough), rms[LOOM_FIT_GROUPS];
  int code = sure && covariance && rough ? last_derivatives(sure, w, t, best, err) : no_memory(err);
  if (!code) code = invert(covariance, sure, w->out->n, err);
  if (!code) code = roughness(rough, w, best, t->jacobian, covariance, err);
  if (!code) {
    judge(w, best, t->a, covariance, rough);
    measure_rms(rms, w, best);
    for (int i = 0; i < w->ncolumns; i++) w->out->group[i].after = rms[i];
  }

  free(sure);
  free(covariance);
  free(rough);
  return code;
}

// What the objects lay on in the best rollout has their friction, too.
static int find_surfaces(const spot* best, loomFitWork* w, loomError* err) {
  const mjModel* m = w->scene->model;
  bool* marks = calloc((size_t)m->nbody + 1, sizeof *marks);
  int code = marks ? 0 : no_memory(err);
  for (int s = 0; !code && s < w->ndemo; s++) code = loom_fit_touched(marks, w, best->x, s, err);
  for (int i = 0; !code && i < w->out->n; i++) {
    const loomFitParameter* p = &w->out->parameter[i];
    for (int b = 0; p->kind == LOOM_FIT_FRICTION && !p->on_joint && b < m->nbody; b++)
      marks[b] = marks[b] || loom_fit_is_part(w->scene, p->number, b);
  }

  // As the model that was rolled out has them.
  const mjModel* now = code ? NULL : w->episode[0]->m;
  for (int b = 0; !code && b < m->nbody && w->out->nsurface < LOOM_FIT_SURFACES; b++) {
    const char* name = mj_id2name(m, mjOBJ_BODY, b);
    for (int g = m->body_geomadr[b];
         marks[b] && name && g >= 0 && g < m->body_geomadr[b] + m->body_geomnum[b]; g++) {
      if (!m->geom_contype[g] && !m->geom_conaffinity[g]) continue;
      loomFitSurface* s = &w->out->surface[w->out->nsurface++];
      *s = (loomFitSurface){{0}, {0}};
      strncpy(s->body, name, sizeof s->body - 1);
      mju_copy3(s->friction, now->geom_friction + (ptrdiff_t)3 * g);
      break;
    }
  }

  free(marks);
  return code;
}

int loom_fit_solve(loomFitWork* w, loomError* err) {
  size_t n = (size_t)w->out->n;
  tools t = {malloc(n * cells(w) * sizeof(double) + 1), malloc(n * n * sizeof(double)),
             malloc(n * sizeof(double)), make_spots(w, TRIES), make_spots(w, SWEEP)};
  spot* best = make_spots(w, 1);
  int code = t.jacobian && t.a && t.g && t.tried && t.swept && best ? 0 : no_memory(err);
  if (!code) code = search(best, w, &t, err);
  for (int i = 0; !code && i < 2 && (weigh_again(w, best) || !i); i++) {
    code = look_at(w, best, 1, err);
    if (!code) code = polish(best, w, &t, err);
    if (!code) code = follow(best, w, &t, err);
  }
  if (!code) code = conclude(best, w, &t, err);
  if (!code) code = find_surfaces(best, w, err);

  free(t.jacobian);
  free(t.a);
  free(t.g);
  free_spots(t.tried, TRIES);
  free_spots(t.swept, SWEEP);
  free_spots(best, 1);
  return code;
}
