// Least squares over rollouts: from several starts, by Levenberg and Marquardt's steps (Marquardt, "An
// algorithm for least-squares estimation of nonlinear parameters", 1963), derivatives by central differences.
// Unknown are the logarithms of the parameters.
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/fit_spot.h"

enum { STEPS = 20, FOLLOWED = 2, FAR = 12, ROUNDS = 6 };

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a fit");
}

// ---- from one start

static int try_steps(loomFitSpot* tried, const loomFitSpot* at, loomFitWork* w, const double* a,
                     const double* g, double lambda, loomError* err) {
  static const double times[LOOM_FIT_TRIES] = {0.01, 1, 100, 1e4};
  double *damped = malloc((size_t)w->out->n * (size_t)w->out->n * sizeof *damped),
         *step = malloc((size_t)w->out->n * sizeof *step);
  int code = damped && step ? 0 : no_memory(err);
  for (int i = 0; !code && i < LOOM_FIT_TRIES; i++) {
    mju_copy(damped, a, w->out->n * w->out->n);
    for (int k = 0; k < w->out->n; k++)
      damped[k * w->out->n + k] += lambda * times[i] * a[k * w->out->n + k] + 1e-9;
    mju_cholFactor(damped, w->out->n, 1e-12);
    mju_cholSolve(step, damped, g, w->out->n);

    // No value more than some three times as large in one step.
    double most = 1;
    for (int k = 0; k < w->out->n; k++) most = fmax(most, fabs(step[k]));
    for (int k = 0; k < w->out->n; k++) tried[i].x[k] = at->x[k] - step[k] / most;
    loom_fit_clamp(tried[i].x, w);
  }
  if (!code) code = loom_fit_try(w, tried, LOOM_FIT_TRIES, err);

  free(damped);
  free(step);
  return code;
}

static int follow(loomFitSpot* at, loomFitWork* w, const loomFitTools* t, loomError* err) {
  static const double times[LOOM_FIT_TRIES] = {0.01, 1, 100, 1e4};
  double lambda = 0.01;
  int code = 0;
  for (int it = 0; !code && it < STEPS; it++) {
    code = loom_fit_differentiate(t->jacobian, w, at, LOOM_FIT_BREADTH, !it, err);
    if (code) break;
    loom_fit_normal_equations(t->a, t->g, w, t->jacobian, at);

    // What moves the sum by less than the noise of one number is left alone.
    for (int i = 0; !it && i < w->out->n; i++) w->idle[i] = t->a[i * w->out->n + i] < 1;
    code = try_steps(t->tried, at, w, t->a, t->g, lambda, err);

    int best = 0;
    for (int i = 1; i < LOOM_FIT_TRIES; i++)
      if (t->tried[i].sum < t->tried[best].sum) best = i;
    double before = at->sum, gain = before - t->tried[best].sum;
    if (code || !(gain > 0)) break;
    loom_fit_copy_spot(at, &t->tried[best], w);
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

static void spread(loomFitSpot* list, int n, const loomFitWork* w) {
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
  double x = ((const loomFitSpot*)a)->sum, y = ((const loomFitSpot*)b)->sum;
  return (x > y) - (x < y);
}

// What fits worse than its noise counts for less: the simulator is not the real thing.
static bool weigh_again(loomFitWork* w, const loomFitSpot* at) {
  double rms[LOOM_FIT_GROUPS];
  bool changed = false;
  loom_fit_measure_rms(rms, w, at);
  for (int i = 0; i < w->ncolumns; i++) {
    if (!(rms[i] > 1.2 * w->columns[i].sigma)) continue;
    w->columns[i].sigma = rms[i];
    changed = true;
  }

  return changed;
}

// Places along a line from low to high of its i-th unknown, the others by `along` (n) as much for each of it,
// or held (NULL). *better: one of them was.
static int sweep_one(loomFitSpot* at, bool* better, int i, const double* along, double low, double high,
                     loomFitWork* w, const loomFitTools* t, loomError* err) {
  for (int k = 0; k < LOOM_FIT_SWEEP; k++) {
    double to = low + (high - low) * (k + 0.5) / LOOM_FIT_SWEEP, by = to - at->x[i];
    for (int j = 0; j < w->out->n; j++)
      t->swept[k].x[j] = j == i ? to : at->x[j] + (along ? along[j] * by : 0);
    loom_fit_clamp(t->swept[k].x, w);
  }
  int code = loom_fit_try(w, t->swept, LOOM_FIT_SWEEP, err), best = 0;
  for (int k = 1; k < LOOM_FIT_SWEEP; k++)
    if (t->swept[k].sum < t->swept[best].sum) best = k;
  if (code || !(t->swept[best].sum < at->sum)) return code;
  loom_fit_copy_spot(at, &t->swept[best], w);
  *better = true;

  return 0;
}

// Each parameter over all its range: objects hardly depend on each other's, and a step that follows the slope
// does not get over a hill.
static int sweep(loomFitSpot* at, bool* better, loomFitWork* w, const loomFitTools* t, loomError* err) {
  double along[LOOM_FIT_PARAMETERS];
  int code = 0;
  *better = false;
  for (int i = 0; !code && i < w->out->n; i++) {
    const loomFitParameter* p = &w->out->parameter[i];
    double low = log(fmax(p->bounds[0], p->own / FAR)),
           high = log(fmin(p->bounds[1], fmax(p->own, p->value) * FAR));
    code = sweep_one(at, better, i, NULL, low, high, w, t, err);
    for (int k = 0; !code && loom_fit_way_with(along, w, i, k); k++)
      code = sweep_one(at, better, i, along, low, high, w, t, err);
  }

  return code;
}

// Near the end contacts that come or go make the sum rough: each unknown a little around where it is, closer
// and closer.
static int polish(loomFitSpot* at, loomFitWork* w, const loomFitTools* t, loomError* err) {
  static const double width[] = {0.2, 0.05};
  bool better = false;
  int code = 0;
  for (size_t s = 0; !code && s < sizeof width / sizeof *width; s++)
    for (int i = 0; !code && i < w->out->n; i++) {
      double by = width[s];
      if (w->idle[i]) continue;
      code = sweep_one(at, &better, i, NULL, at->x[i] - by, at->x[i] + by, w, t, err);
    }

  return code;
}

// Until no sweep finds better, or twice.
static int descend(loomFitSpot* at, loomFitWork* w, const loomFitTools* t, loomError* err) {
  bool better = true;
  int code = 0;
  for (int i = 0; !code && i < 2 && better; i++) {
    code = sweep(at, &better, w, t, err);
    if (!code && (better || !i)) code = follow(at, w, t, err);
  }

  return code;
}

// From the scene's own values, and from the best of some others.
static int search(loomFitSpot* best, loomFitWork* w, const loomFitTools* t, loomError* err) {
  int n = w->def->starts + 1, followed = n < FOLLOWED ? n : FOLLOWED;
  loomFitSpot* list = loom_fit_make_spots(w, n);
  if (!list) return no_memory(err);
  spread(list, n, w);
  int code = loom_fit_try(w, list, n, err);
  double rms[LOOM_FIT_GROUPS];
  if (!code) loom_fit_measure_rms(rms, w, &list[0]);
  for (int i = 0; !code && i < w->ncolumns; i++) w->out->group[i].before = rms[i];
  if (!code && isinf(list[0].sum))
    code = loom_error_set(err, LOOM_ERR_SIM, "%s: the log's actions do not simulate", w->scene->task->path);

  if (!code) qsort(list + 1, (size_t)n - 1, sizeof *list, by_sum);
  while (followed > 1 && isinf(list[followed - 1].sum)) followed--;
  for (int i = 0; !code && i < followed; i++) code = descend(&list[i], w, t, err);
  if (!code) qsort(list, (size_t)followed, sizeof *list, by_sum);
  if (!code) loom_fit_copy_spot(best, &list[0], w);

  w->out->followed = followed;
  for (int i = 0; !code && i < followed; i++) w->out->agreed += list[i].sum < 1.02 * list[0].sum + 1;
  loom_fit_free_spots(list, n);
  return code;
}

// What the objects lay on in the best rollout has their friction, too.
static int find_surfaces(const loomFitSpot* best, loomFitWork* w, loomError* err) {
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
  loomFitTools t = {malloc(n * loom_fit_cells(w) * sizeof(double) + 1), malloc(n * n * sizeof(double)),
                    malloc(n * sizeof(double)), loom_fit_make_spots(w, LOOM_FIT_TRIES),
                    loom_fit_make_spots(w, LOOM_FIT_SWEEP)};
  loomFitSpot* best = loom_fit_make_spots(w, 1);
  int code = t.jacobian && t.a && t.g && t.tried && t.swept && best ? 0 : no_memory(err);
  if (!code) code = search(best, w, &t, err);
  for (int i = 0; !code && i < 2 && (weigh_again(w, best) || !i); i++) {
    code = loom_fit_try(w, best, 1, err);
    if (!code) code = polish(best, w, &t, err);
    if (!code) code = follow(best, w, &t, err);
  }
  if (!code) loom_fit_weigh_known(w, best);
  if (!code) code = loom_fit_try(w, best, 1, err);
  bool better = true;
  for (int i = 0; !code && better && i < ROUNDS; i++) {
    if (i) code = follow(best, w, &t, err);
    if (!code) code = loom_fit_conclude(best, &better, i + 1 == ROUNDS, w, &t, err);
  }
  if (!code) code = find_surfaces(best, w, err);

  free(t.jacobian);
  free(t.a);
  free(t.g);
  loom_fit_free_spots(t.tried, LOOM_FIT_TRIES);
  loom_fit_free_spots(t.swept, LOOM_FIT_SWEEP);
  loom_fit_free_spots(best, 1);
  return code;
}
