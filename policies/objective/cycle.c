#include "policies/objective/cycle.h"

#include <stdbool.h>

loomCycleDef loom_default_cycle_def(void) {
  return (loomCycleDef){.temperature = 0.1, .variance = 0.001, .least = 1e-4};
}

// ---- soft nearest neighbors

static double squared_distance(const double* a, const loomReal* b, int dim) {
  double sum = 0;

  for (int d = 0; d < dim; d++) sum += (a[d] - (double)b[d]) * (a[d] - (double)b[d]);
  return sum;
}

// weight (n): softmax of -distance^2 * scale from `to` to each of n rows.
static void soft_weights(double* weight, const double* to, const loomReal* row, int n, int dim,
                         double scale) {
  double least = INFINITY, sum = 0;
  for (int k = 0; k < n; k++) {
    weight[k] = squared_distance(to, row + (ptrdiff_t)k * dim, dim) * scale;
    least = fmin(least, weight[k]);
  }

  for (int k = 0; k < n; k++) sum += weight[k] = exp(least - weight[k]);
  for (int k = 0; k < n; k++) weight[k] /= sum;
}

// Slopes by the weights become slopes by `to` (dim) and the rows, to which they are added.
static void soft_weights_back(double* dto, loomReal* drow, const double* dweight, const double* weight,
                              const double* to, const loomReal* row, int n, int dim, double scale) {
  double mean = 0;
  for (int k = 0; k < n; k++) mean += weight[k] * dweight[k];

  for (int k = 0; k < n; k++) {
    double pull = -2 * scale * weight[k] * (dweight[k] - mean);
    const loomReal* r = row + (ptrdiff_t)k * dim;
    loomReal* dr = drow + (ptrdiff_t)k * dim;
    for (int d = 0; d < dim; d++) {
      double slope = pull * (to[d] - (double)r[d]);
      dto[d] += slope;
      dr[d] -= (loomReal)slope;
    }
  }
}

// ---- there and back

// Of one row at a time.
typedef struct cycleWork {
  double *row, *drow;        // (dim) where it starts
  double *likeness, *dlike;  // (dim) its soft nearest neighbor
  double *there, *dthere;    // (m) weights on the way there
  double *back, *dback;      // (n) and back
} cycleWork;

size_t loom_cycle_work(int n, int m, int dim) {
  return 2 * ((size_t)n + (size_t)m + 2 * (size_t)dim);
}

static cycleWork lay_out(double* work, int n, int m, int dim) {
  cycleWork w = {.row = work};
  w.drow = w.row + dim;
  w.likeness = w.drow + dim;
  w.dlike = w.likeness + dim;
  w.there = w.dlike + dim;
  w.dthere = w.there + m;
  w.back = w.dthere + m;
  w.dback = w.back + n;
  return w;
}

// How far off the mean of times is by these weights (n) from `when`, as a share of their spread: the loss,
// and its slopes by the weights.
static double regress(double* dshare, const double* share, const loomReal* time, int n, double when,
                      const loomCycleDef* def, double weight) {
  double mean = 0, variance = def->least;
  for (int k = 0; k < n; k++) mean += share[k] * (double)time[k];
  for (int k = 0; k < n; k++) variance += share[k] * ((double)time[k] - mean) * ((double)time[k] - mean);

  // The variance's slope by the mean is 0.
  double off = when - mean;
  double by_mean = -2 * off / variance, by_variance = (def->variance - off * off / variance) / variance;
  for (int k = 0; k < n; k++) {
    double t = (double)time[k];
    dshare[k] = weight * (by_mean * t + by_variance * (t - mean) * (t - mean));
  }
  return weight * (off * off / variance + def->variance * log(variance));
}

// One row on its way, with no slopes yet; and what it got of them.
static void take_row(cycleWork* w, const loomCycleRows* u, int i, int dim) {
  for (int d = 0; d < dim; d++) {
    w->row[d] = (double)u->row[(ptrdiff_t)i * dim + d];
    w->likeness[d] = w->drow[d] = w->dlike[d] = 0;
  }
}

static void give_slopes(const cycleWork* w, const loomCycleRows* u, int i, int dim) {
  for (int d = 0; d < dim; d++) u->drow[(ptrdiff_t)i * dim + d] += (loomReal)w->drow[d];
}

typedef double rowLoss(cycleWork* w, const loomCycleRows* u, const loomCycleRows* v, int i, int dim,
                       const loomCycleDef* def, double weight);

static double mean_of_rows(rowLoss* of_row, const loomCycleRows* u, const loomCycleRows* v, int dim,
                           const loomCycleDef* def, double weight, double* work) {
  cycleWork w = lay_out(work, u->n, v->n, dim);
  double loss = 0;
  for (int i = 0; i < u->n; i++) loss += of_row(&w, u, v, i, dim, def, weight / u->n);
  return loss;
}

static double cycle_row(cycleWork* w, const loomCycleRows* u, const loomCycleRows* v, int i, int dim,
                        const loomCycleDef* def, double weight) {
  double scale = 1 / (def->temperature * dim);
  take_row(w, u, i, dim);

  soft_weights(w->there, w->row, v->row, v->n, dim, scale);
  for (int k = 0; k < v->n; k++)
    for (int d = 0; d < dim; d++) w->likeness[d] += w->there[k] * (double)v->row[(ptrdiff_t)k * dim + d];
  soft_weights(w->back, w->likeness, u->row, u->n, dim, scale);
  double loss = regress(w->dback, w->back, u->time, u->n, (double)u->time[i], def, weight);

  // The same way in reverse.
  soft_weights_back(w->dlike, u->drow, w->dback, w->back, w->likeness, u->row, u->n, dim, scale);
  for (int k = 0; k < v->n; k++) {
    w->dthere[k] = 0;
    for (int d = 0; d < dim; d++) {
      w->dthere[k] += w->dlike[d] * (double)v->row[(ptrdiff_t)k * dim + d];
      v->drow[(ptrdiff_t)k * dim + d] += (loomReal)(w->there[k] * w->dlike[d]);
    }
  }
  soft_weights_back(w->drow, v->drow, w->dthere, w->there, w->row, v->row, v->n, dim, scale);
  give_slopes(w, u, i, dim);
  return loss;
}

double loom_cycle_loss(const loomCycleRows* u, const loomCycleRows* v, int dim, const loomCycleDef* def,
                       double weight, double* work) {
  return mean_of_rows(cycle_row, u, v, dim, def, weight, work);
}

// ---- one moment, seen twice

static double moment_row(cycleWork* w, const loomCycleRows* u, const loomCycleRows* v, int i, int dim,
                         const loomCycleDef* def, double weight) {
  double scale = 1 / (def->temperature * dim);
  take_row(w, u, i, dim);

  soft_weights(w->there, w->row, v->row, v->n, dim, scale);
  double loss = regress(w->dthere, w->there, v->time, v->n, (double)u->time[i], def, weight);
  soft_weights_back(w->drow, v->drow, w->dthere, w->there, w->row, v->row, v->n, dim, scale);
  give_slopes(w, u, i, dim);
  return loss;
}

double loom_moment_loss(const loomCycleRows* u, const loomCycleRows* v, int dim, const loomCycleDef* def,
                        double weight, double* work) {
  return mean_of_rows(moment_row, u, v, dim, def, weight, work);
}

// ---- distances

double loom_distance_loss(const loomCycleRows* u, int dim, double reach, double weight) {
  const loomReal* last = u->row + (ptrdiff_t)(u->n - 1) * dim;
  loomReal* dlast = u->drow + (ptrdiff_t)(u->n - 1) * dim;
  double loss = 0;

  for (int i = 0; i < u->n - 1; i++) {
    const loomReal* row = u->row + (ptrdiff_t)i * dim;
    loomReal* drow = u->drow + (ptrdiff_t)i * dim;
    double square = 0;
    for (int d = 0; d < dim; d++) square += (double)((row[d] - last[d]) * (row[d] - last[d]));

    // At the last row itself there is no direction away from it.
    double length = sqrt(square), off = length - reach * (1 - (double)u->time[i]);
    double pull = 2 * weight * off / (u->n - 1) / fmax(length, 1e-9);
    loss += weight * off * off / (u->n - 1);
    for (int d = 0; d < dim; d++) {
      loomReal slope = (loomReal)(pull * (double)(row[d] - last[d]));
      drow[d] += slope;
      dlast[d] -= slope;
    }
  }

  return loss;
}

// ---- triplets

double loom_triplet_loss(loomReal* da, loomReal* dp, loomReal* dq, const loomReal* a, const loomReal* p,
                         const loomReal* q, int n, int dim, double margin) {
  double loss = 0;
  for (int i = 0; i < n; i++, a += dim, p += dim, q += dim, da += dim, dp += dim, dq += dim) {
    double near = 0, far = 0;
    for (int d = 0; d < dim; d++) {
      near += (double)((a[d] - p[d]) * (a[d] - p[d]));
      far += (double)((a[d] - q[d]) * (a[d] - q[d]));
    }

    // Those that are far enough apart already teach nothing.
    bool taught = near - far + margin > 0;
    loomReal pull = taught ? (loomReal)2 / (loomReal)n : 0;
    if (taught) loss += (near - far + margin) / n;
    for (int d = 0; d < dim; d++) {
      da[d] = pull * (q[d] - p[d]);
      dp[d] = pull * (p[d] - a[d]);
      dq[d] = pull * (a[d] - q[d]);
    }
  }
  return loss;
}
