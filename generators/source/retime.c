#include "generators/source/retime.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// Bisections of a feasible interval: each halves it, and doubles have 53 bits.
enum { HALVINGS = 50 };

/// A path between its points: joints as a function of the point's number s, which goes up by 1.
typedef struct path {
  const loomRetimeDef* def;
  const double *q, *cap;
  int points;
} path;

// dq/ds at point i: central, one-sided at the ends.
static double slope_at(const path* p, int i, int joint) {
  int n = p->def->joints, before = i > 0 ? i - 1 : i, after = i + 1 < p->points ? i + 1 : i;
  return (p->q[after * n + joint] - p->q[before * n + joint]) / (after - before);
}

// d2q/ds2 at point i; 0 at the ends, where the path is at rest.
static double bend_at(const path* p, int i, int joint) {
  int n = p->def->joints;
  if (i == 0 || i + 1 == p->points) return 0;
  return p->q[(i + 1) * n + joint] - 2 * p->q[i * n + joint] + p->q[(i - 1) * n + joint];
}

// The largest squared rate that the joints' speeds and the cap allow.
static double fastest(const path* p, int i) {
  double most = p->cap[i] * p->cap[i];
  for (int j = 0; j < p->def->joints; j++) {
    double slope = fabs(slope_at(p, i, j)), limit = p->def->velocity[j];
    if (limit > 0 && slope > 0) most = fmin(most, limit / slope * (limit / slope));
  }
  return most;
}

// Accelerations u that the joints allow at point i for a squared rate x, and that lead to a squared rate in
// [0, next] at the next point (x + 2 u, points being 1 apart). False when there are none.
static bool allowed(double u[2], const path* p, int i, double x, double next) {
  u[0] = -x / 2;
  u[1] = (next - x) / 2;

  for (int j = 0; j < p->def->joints; j++) {
    double a = slope_at(p, i, j), b = bend_at(p, i, j) * x, limit = p->def->acceleration[j];
    if (limit <= 0) continue;

    // -limit <= a u + b x <= limit
    if (fabs(a) < 1e-12) {
      if (fabs(b) > limit) return false;
      continue;
    }
    double low = (-limit - b) / a, high = (limit - b) / a;
    u[0] = fmax(u[0], fmin(low, high));
    u[1] = fmin(u[1], fmax(low, high));
  }
  return u[0] <= u[1];
}

// The largest controllable squared rate at point i. Standing still is always one, and they are an interval
// (the set of (u, x) is convex): so it is found by halving.
static double controllable(const path* p, int i, double next) {
  double u[2], low = 0, high = fastest(p, i);
  if (allowed(u, p, i, high, next)) return high;

  for (int k = 0; k < HALVINGS; k++) {
    double middle = (low + high) / 2;
    if (allowed(u, p, i, middle, next)) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

static int check_caps(const path* p, loomError* err) {
  if (p->points < 3) return loom_error_set(err, LOOM_ERR_USAGE, "a path of %d points has no way", p->points);
  for (int i = 0; i < p->points; i++) {
    if (!(p->cap[i] > 0) || !isfinite(p->cap[i]))
      return loom_error_set(err, LOOM_ERR_USAGE, "the highest rate at point %d is %g, not a positive number",
                            i, p->cap[i]);
  }
  return 0;
}

int loom_retime(double* time, double* rate, const double* q, const double* cap, int points,
                const loomRetimeDef* def, loomError* err) {
  path p = {def, q, cap, points};
  int code = check_caps(&p, err);
  if (code) return code;
  double* most = malloc(sizeof(double) * (size_t)points);
  if (!most) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a path");

  // Backwards: from which squared rates the end can be reached, at rest.
  most[points - 1] = 0;
  for (int i = points - 2; i >= 0; i--) most[i] = controllable(&p, i, most[i + 1]);

  // Forwards: as fast as that allows.
  double x = 0;
  time[0] = rate[0] = 0;
  for (int i = 0; i + 1 < points; i++) {
    double u[2] = {0, 0};
    bool any = allowed(u, &p, i, x, most[i + 1]);
    double next = any ? fmin(x + 2 * u[1], most[i + 1]) : most[i + 1];

    // Between two points at rest there is no way but a creep, which the limits leave room for.
    next = i + 2 < points ? fmax(next, 1e-9) : 0;
    rate[i + 1] = sqrt(next);
    time[i + 1] = time[i] + 2 / (sqrt(x) + rate[i + 1]);
    x = next;
  }

  free(most);
  return 0;
}
