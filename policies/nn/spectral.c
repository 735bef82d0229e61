#include "policies/nn/spectral.h"

#include "policies/nn/blas.h"

// Length 1; a vector of zeros stays one.
static void normalize(loomReal* x, int n) {
  double squares = 0;
  for (int i = 0; i < n; i++) squares += (double)x[i] * (double)x[i];

  double scale = 1 / (sqrt(squares) + 1e-12);
  for (int i = 0; i < n; i++) x[i] = (loomReal)(scale * (double)x[i]);
}

double loom_spectral_norm(loomReal* u, loomReal* v, const loomReal* w, int in, int out, int rounds) {
  for (int i = 0; i < rounds; i++) {
    loom_product(v, in, (loomMatrix){u, out, false}, (loomMatrix){w, in, false}, 1, in, out, 1, 0);
    normalize(v, in);
    loom_product(u, out, (loomMatrix){v, in, false}, (loomMatrix){w, in, true}, 1, out, in, 1, 0);
    normalize(u, out);
  }

  double norm = 0;
  for (int i = 0; i < out; i++)
    for (int j = 0; j < in; j++) norm += (double)u[i] * (double)w[(ptrdiff_t)i * in + j] * (double)v[j];
  return norm;
}

// d(w / norm) = dw / norm - w d(norm) / norm^2, and d(norm) = u' dw v.
void loom_spectral_backward(loomReal* dw, const loomReal* dnormed, const loomReal* normed, const loomReal* u,
                            const loomReal* v, double norm, int in, int out) {
  double along = 0;
  ptrdiff_t count = (ptrdiff_t)out * in;
  for (ptrdiff_t k = 0; k < count; k++) along += (double)dnormed[k] * (double)normed[k];

  for (int i = 0; i < out; i++)
    for (int j = 0; j < in; j++) {
      ptrdiff_t k = (ptrdiff_t)i * in + j;
      dw[k] += (loomReal)(((double)dnormed[k] - along * (double)u[i] * (double)v[j]) / norm);
    }
}
