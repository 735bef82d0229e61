#include "policies/data/running.h"

#include <math.h>
#include <stdlib.h>

int loom_running_create(loomRunning* out, int dim, loomError* err) {
  *out = (loomRunning){.dim = dim, .moments = calloc(1 + 2 * (size_t)dim, sizeof *out->moments)};
  if (!out->moments) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d running means", dim);

  // As if very little had been seen, of mean 0 and variance 1.
  out->moments[0] = 1e-4;
  out->mean = out->moments + 1;
  out->variance = out->mean + dim;
  for (int j = 0; j < dim; j++) out->variance[j] = 1;
  return LOOM_OK;
}

void loom_running_destroy(loomRunning* running) {
  free(running->moments);
  *running = (loomRunning){0};
}

void loom_running_update(loomRunning* r, const double* x, int n) {
  double before = r->moments[0], all = before + n;

  for (int j = 0; j < r->dim; j++) {
    // Of the new rows by themselves,
    double mean = 0, squares = 0;
    for (int i = 0; i < n; i++) mean += x[(ptrdiff_t)i * r->dim + j] / n;
    for (int i = 0; i < n; i++) {
      double off = x[(ptrdiff_t)i * r->dim + j] - mean;
      squares += off * off;
    }

    // then both together.
    double apart = mean - r->mean[j];
    r->variance[j] = (r->variance[j] * before + squares + apart * apart * before * n / all) / all;
    r->mean[j] += apart * n / all;
  }
  r->moments[0] = all;
}

void loom_running_normalize(loomReal* out, const loomRunning* r, const double* x, double clip) {
  for (int j = 0; j < r->dim; j++) {
    double y = (x[j] - r->mean[j]) / sqrt(r->variance[j] + 1e-8);
    out[j] = (loomReal)fmin(fmax(y, -clip), clip);
  }
}
