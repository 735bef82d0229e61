#include "policies/tabular/minimize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 30, TRIES = 50 };

typedef struct minimizer {
  const loomMinimizeDef* def;
  size_t n;
  double *x, *gradient, *direction, *try_x, *try_gradient;
  double *step, *turn, *scale;  // (MEMORY x n), (MEMORY x n), (MEMORY): what past steps told
  int known, last;
  double value;
} minimizer;

double loom_dot(const double* a, const double* b, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

static double steepest(const double* g, size_t n) {
  double most = 0;
  for (size_t i = 0; i < n; i++) most = fmax(most, fabs(g[i]));
  return most;
}

// direction = - H gradient, H from the steps that are known: the two loops.
static void choose_direction(minimizer* m) {
  double along[MEMORY], *q = m->direction;
  for (size_t i = 0; i < m->n; i++) q[i] = -m->gradient[i];

  for (int k = 0; k < m->known; k++) {
    size_t j = (size_t)((m->last - k + MEMORY) % MEMORY);
    along[j] = m->scale[j] * loom_dot(m->step + j * m->n, q, m->def->n);
    for (size_t i = 0; i < m->n; i++) q[i] -= along[j] * m->turn[j * m->n + i];
  }

  if (m->known) {
    const double* y = m->turn + (size_t)m->last * m->n;
    double shrink = 1 / (m->scale[m->last] * loom_dot(y, y, m->def->n));
    for (size_t i = 0; i < m->n; i++) q[i] *= shrink;
  }

  for (int k = m->known - 1; k >= 0; k--) {
    size_t j = (size_t)((m->last - k + MEMORY) % MEMORY);
    double back = m->scale[j] * loom_dot(m->turn + j * m->n, q, m->def->n);
    for (size_t i = 0; i < m->n; i++) q[i] += (along[j] - back) * m->step[j * m->n + i];
  }
}

// A step along the direction that meets Wolfe's conditions, or near the end of what doubles can tell the
// approximate ones of Hager and Zhang (2005), which need slopes only. False: there is none.
static bool search_line(double* value, minimizer* m, double first) {
  double slope = loom_dot(m->gradient, m->direction, m->def->n), low = 0, high = INFINITY, t = first;
  double low_slope = slope, high_slope = NAN, blur = 1e-10 * (1 + fabs(m->value));
  if (!(slope < 0)) return false;

  for (int i = 0; i < TRIES && t > 1e-20 && t < 1e20; i++) {
    loomError ignored;
    for (size_t k = 0; k < m->n; k++) m->try_x[k] = m->x[k] + t * m->direction[k];
    int code = m->def->objective(value, m->try_gradient, m->try_x, m->def->data, &ignored);
    double here = code ? NAN : loom_dot(m->try_gradient, m->direction, m->def->n);
    bool number = !code && isfinite(*value) && isfinite(here);
    bool falls = number && (*value <= m->value + 1e-4 * t * slope ||
                            (*value <= m->value + blur && here <= -0.9998 * slope));

    if (falls && here >= 0.9 * slope && here <= -0.9 * slope) return true;
    if (falls && here < 0) {
      low = t;
      low_slope = here;
    } else {
      high = t;
      high_slope = number ? here : NAN;
    }

    // Where the slope would be 0 if it were straight, but not too near either end.
    double guess = 0.5;
    if (high_slope > 0) guess = fmin(0.9, fmax(0.1, -low_slope / (high_slope - low_slope)));
    t = isfinite(high) ? low + guess * (high - low) : 2 * t;
  }
  return false;
}

// What the step told of the curvature, unless it told nothing.
static void learn(minimizer* m) {
  int at = m->known ? (m->last + 1) % MEMORY : 0;
  double *s = m->step + (size_t)at * m->n, *y = m->turn + (size_t)at * m->n;
  for (size_t i = 0; i < m->n; i++) {
    s[i] = m->try_x[i] - m->x[i];
    y[i] = m->try_gradient[i] - m->gradient[i];
  }

  double bend = loom_dot(s, y, m->def->n);
  memcpy(m->x, m->try_x, m->n * sizeof(double));
  memcpy(m->gradient, m->try_gradient, m->n * sizeof(double));
  if (!(bend > 1e-16 * loom_dot(y, y, m->def->n))) return;
  m->scale[at] = 1 / bend;
  m->last = at;
  if (m->known < MEMORY) m->known++;
}

static int run(loomMinimum* out, minimizer* m, loomError* err) {
  const loomMinimizeDef* def = m->def;
  int code = def->objective(&m->value, m->gradient, m->x, def->data, err);
  if (!code && !isfinite(m->value))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "nothing to minimize: the first value is no number");

  for (int i = 0; !code; i++) {
    *out = (loomMinimum){m->value, steepest(m->gradient, m->n), i, false};
    out->converged = out->slope <= def->tolerance;
    if (out->converged || i == def->iterations) break;
    if (i && def->after && def->after(def->data, i, out->value, out->slope)) break;

    // What is remembered may mislead: then downhill once more, before it is over.
    double value;
    choose_direction(m);
    bool found =
        search_line(&value, m, m->known ? 1 : 1 / (1 + sqrt(loom_dot(m->gradient, m->gradient, m->def->n))));
    if (!found && m->known) {
      m->known = 0;
      choose_direction(m);
      found = search_line(&value, m, 1 / (1 + sqrt(loom_dot(m->gradient, m->gradient, m->def->n))));
    }
    if (!found) break;
    m->value = value;
    learn(m);
  }
  return code;
}

// NOLINTNEXTLINE(readability-non-const-parameter): it is moved, by way of m
int loom_minimize(loomMinimum* out, double* x, const loomMinimizeDef* def, loomError* err) {
  size_t n = (size_t)def->n;
  double* room = calloc(4 * n + 2 * MEMORY * n + MEMORY, sizeof *room);
  if (!room) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  minimizer m = {.def = def, .n = n, .x = x, .gradient = room, .direction = room + n};
  m.try_x = room + 2 * n;
  m.try_gradient = room + 3 * n;
  m.step = room + 4 * n;
  m.turn = m.step + MEMORY * n;
  m.scale = m.turn + MEMORY * n;

  *out = (loomMinimum){0};
  int code = run(out, &m, err);
  free(room);
  return code;
}
