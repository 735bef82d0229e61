#include "policies/learn/relent.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "policies/tabular/minimize.h"
#include "policies/tabular/simplex.h"

// ---- the dual

double loom_effective_share(const double* p, int n) {
  double squares = 0;
  for (int i = 0; i < n; i++) squares += p[i] * p[i];
  return squares > 0 ? 1 / squares / n : 0;
}

double loom_relent_dual(double* gradient, double* p, const loomRelentDef* def, const double* w) {
  double most = -INFINITY, sum = 0;
  int n = def->n, k = def->k;

  // Twice, so that the largest exponent is known before any is taken.
  for (int i = 0; i < n; i++) {
    double x = loom_dot(w, def->f + (ptrdiff_t)i * k, k);
    most = fmax(most, x);
    if (p) p[i] = x;
  }
  if (gradient) memset(gradient, 0, (size_t)k * sizeof *gradient);
  for (int i = 0; i < n; i++) {
    const double* f = def->f + (ptrdiff_t)i * k;
    double x = p ? p[i] : loom_dot(w, f, k);
    double e = exp(x - most);
    sum += e;
    if (p) p[i] = e;
    for (int j = 0; gradient && j < k; j++) gradient[j] += e * f[j];
  }

  for (int i = 0; p && i < n; i++) p[i] /= sum;
  for (int j = 0; gradient && j < k; j++) gradient[j] = gradient[j] / sum - def->expert[j] + def->l2 * w[j];
  return most + log(sum / n) - loom_dot(w, def->expert, k) + def->l2 / 2 * loom_dot(w, w, k);
}

static int objective(double* value, double* gradient, const double* w, void* data, loomError* err) {
  (void)err;
  *value = loom_relent_dual(gradient, NULL, data, w);
  return LOOM_OK;
}

int loom_relent_solve(loomRelent* out, double* w, const loomRelentDef* def, loomError* err) {
  loomRelentDef own = *def;
  loomMinimum minimum;
  const loomMinimizeDef minimize = {.n = def->k,
                                    .iterations = def->iterations,
                                    .tolerance = def->tolerance,
                                    .objective = objective,
                                    .data = &own};
  double* p = malloc(((size_t)def->n + 1) * sizeof *p);
  if (!p) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d trajectories", def->n);

  int code = loom_minimize(&minimum, w, &minimize, err);
  if (!code) {
    loom_relent_dual(NULL, p, def, w);
    *out = (loomRelent){.value = minimum.value,
                        .slope = minimum.slope,
                        .effective = loom_effective_share(p, def->n),
                        .iterations = minimum.iterations,
                        .converged = minimum.converged};
  }
  free(p);
  return code;
}

// ---- what can be reached

int loom_relent_reach(double* distance, const loomRelentDef* def, loomError* err) {
  enum { MOST = 512 };
  int n = def->n < MOST ? def->n : MOST, k = def->k, code = LOOM_OK;
  loomSimplex hull = {0};
  double* off = malloc(((size_t)n * (size_t)k + 1) * sizeof *off);
  double product[MOST];
  if (!off) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d trajectories", n);

  // The point of least norm in the hull of what each lacks.
  for (int i = 0; i < n * k; i++) off[i] = def->f[i] - def->expert[i % k];
  for (int i = 0; !code && i < n; i++) {
    for (int j = 0; j <= i; j++)
      product[j] = loom_dot(off + (ptrdiff_t)i * k, off + (ptrdiff_t)j * k, k) + (i == j ? 1e-12 : 0);
    code = loom_simplex_add(&hull, product, 0, err);
  }
  if (!code) code = loom_simplex_solve(&hull, err);
  if (!code) *distance = sqrt(fmax(2 * loom_simplex_value(&hull), 0));
  loom_simplex_destroy(&hull);
  free(off);
  return code;
}

// ---- collinear features

int loom_collinear(double* share, const double* g, int k) {
  enum { MOST = 64 };
  // Cholesky's factor of the scaled products, and of each feature what those before it make of it.
  double l[MOST][MOST] = {{0}}, scale[MOST];
  const double least = 1e-10;
  if (k > MOST) return -1;

  for (int a = 0; a < k; a++) scale[a] = g[a * k + a] > 0 ? 1 / sqrt(g[a * k + a]) : 0;
  for (int a = 0; a < k; a++) {
    double left = scale[a] > 0 ? 1 : 0;
    for (int b = 0; b < a; b++) {
      double x = g[a * k + b] * scale[a] * scale[b];
      for (int c = 0; c < b; c++) x -= l[a][c] * l[b][c];
      l[a][b] = l[b][b] > 0 ? x / l[b][b] : 0;
      left -= l[a][b] * l[a][b];
    }
    l[a][a] = left > least ? sqrt(left) : 0;
    if (scale[a] <= 0 || left > least) continue;

    // By the others' factor, backward.
    for (int b = a - 1; b >= 0; b--) {
      double x = l[a][b];
      for (int c = b + 1; c < a; c++) x -= l[c][b] * share[c];
      share[b] = l[b][b] > 0 ? x / l[b][b] : 0;
    }
    for (int b = a; b < k; b++) share[b] = 0;
    return a;
  }
  return -1;
}
