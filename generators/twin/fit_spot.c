// Places where a fit has looked, with their residuals, and derivatives there.
#include "generators/twin/fit_spot.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a fit");
}

size_t loom_fit_cells(const loomFitWork* w) {
  return (size_t)w->rows * (size_t)w->width;
}

size_t loom_fit_first_cell(const loomFitWork* w, int demo) {
  size_t rows = 0;
  for (int s = 0; s < demo; s++) rows += (size_t)w->demo[s].rows;
  return rows * (size_t)w->width;
}

void loom_fit_free_spots(loomFitSpot* list, int n) {
  for (int i = 0; list && i < n; i++) {
    free(list[i].x);
    free(list[i].residual);
  }
  free(list);
}

loomFitSpot* loom_fit_make_spots(const loomFitWork* w, int n) {
  loomFitSpot* list = calloc((size_t)n, sizeof *list);
  bool ok = list != NULL;
  for (int i = 0; ok && i < n; i++) {
    list[i].x = calloc((size_t)w->out->n + 1, sizeof(double));
    list[i].residual = calloc(loom_fit_cells(w) + 1, sizeof(double));
    ok = list[i].x && list[i].residual;
  }
  if (ok) return list;
  loom_fit_free_spots(list, n);
  return NULL;
}

void loom_fit_copy_spot(loomFitSpot* to, const loomFitSpot* from, const loomFitWork* w) {
  memcpy(to->x, from->x, (size_t)w->out->n * sizeof *to->x);
  memcpy(to->residual, from->residual, loom_fit_cells(w) * sizeof *to->residual);
  to->sum = from->sum;
}

void loom_fit_clamp(double* x, const loomFitWork* w) {
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
int loom_fit_try(loomFitWork* w, loomFitSpot* list, int n, loomError* err) {
  loomFitJob* job = malloc((size_t)n * (size_t)w->ndemo * sizeof *job);
  if (!job) return no_memory(err);
  for (int i = 0; i < n; i++)
    for (int s = 0; s < w->ndemo; s++)
      job[i * w->ndemo + s] = (loomFitJob){list[i].x, s, list[i].residual + loom_fit_first_cell(w, s), 0, 0};

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
int loom_fit_differentiate(double* jacobian, loomFitWork* w, const loomFitSpot* at, double h, bool every,
                           loomError* err) {
  size_t all = loom_fit_cells(w), np = (size_t)w->out->n;
  int n = 0;
  loomFitJob* job = malloc(2 * np * (size_t)w->ndemo * sizeof *job);
  double *x = malloc(2 * np * np * sizeof *x), *below = calloc(np * all + 1, sizeof *below);
  int code = job && x && below ? 0 : no_memory(err);

  memset(jacobian, 0, np * all * sizeof *jacobian);
  for (size_t i = 0; !code && i < np; i++) {
    if (w->idle[i] && !every) continue;
    for (size_t side = 0; side < 2; side++) {
      double* to = x + (2 * i + side) * np;
      memcpy(to, at->x, np * sizeof *to);
      to[i] += side ? h : -h;
      for (int s = 0; s < w->ndemo; s++)
        job[n++] = (loomFitJob){to, s, (side ? jacobian : below) + i * all + loom_fit_first_cell(w, s), 0, 0};
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
void loom_fit_normal_equations(double* a, double* g, const loomFitWork* w, const double* jacobian,
                               const loomFitSpot* at) {
  size_t all = loom_fit_cells(w);

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

// ---- what is left, and what goes together

void loom_fit_measure_rms(double* rms, const loomFitWork* w, const loomFitSpot* at) {
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

// Values of one thing make up for each other: what is shoved goes as far where it is heavier and slides more
// easily. The k-th way in which another value goes with the i-th, along (n); false: there is none.
bool loom_fit_way_with(double* along, const loomFitWork* w, int i, int k) {
  const loomFitParameter* p = w->out->parameter;
  memset(along, 0, (size_t)w->out->n * sizeof *along);
  for (int j = 0; j < w->out->n; j++) {
    if (j == i || p[j].number != p[i].number) continue;
    if (k < 2) {
      along[j] = k ? 1 : -1;
      return true;
    }
    k -= 2;
  }

  return false;
}
