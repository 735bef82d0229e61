#include "policies/nn/init.h"

#include <stdlib.h>

void loom_init_uniform(loomReal* out, size_t count, double bound, loomRandom* random) {
  for (size_t i = 0; i < count; i++) out[i] = (loomReal)loom_random_range(random, -bound, bound);
}

void loom_init_normal(loomReal* out, size_t count, double deviation, loomRandom* random) {
  for (size_t i = 0; i < count; i++) out[i] = (loomReal)(deviation * loom_random_normal(random));
}

void loom_init_constant(loomReal* out, size_t count, double value) {
  for (size_t i = 0; i < count; i++) out[i] = (loomReal)value;
}

void loom_init_linear(loomReal* w, loomReal* b, int fan_in, int out, loomRandom* random) {
  // PyTorch's default: both uniform within 1 / sqrt(inputs).
  double bound = 1 / sqrt(fan_in);

  loom_init_uniform(w, (size_t)out * (size_t)fan_in, bound, random);
  if (b) loom_init_uniform(b, (size_t)out, bound, random);
}

// Row i of q (rows x size) without its parts along the rows before it, and of length 1. Twice, since what is
// left after once is orthogonal only to rounding of what was there before.
static void orthonormalize_row(double* q, int i, int size) {
  double* row = q + (ptrdiff_t)i * size;

  for (int pass = 0; pass < 2; pass++) {
    for (int k = 0; k < i; k++) {
      const double* other = q + (ptrdiff_t)k * size;
      double along = 0;
      for (int j = 0; j < size; j++) along += row[j] * other[j];
      for (int j = 0; j < size; j++) row[j] -= along * other[j];
    }
  }

  double squares = 0;
  for (int j = 0; j < size; j++) squares += row[j] * row[j];
  for (int j = 0; j < size; j++) row[j] /= sqrt(squares);
}

bool loom_init_orthogonal(loomReal* w, int in, int out, double gain, loomRandom* random) {
  bool upright = out > in;  // then columns are orthonormal, else rows
  int rows = upright ? in : out, size = upright ? out : in;
  double* q = malloc((size_t)rows * (size_t)size * sizeof *q);
  if (!q) return false;

  // Gram and Schmidt give the Q whose R has a positive diagonal.
  for (ptrdiff_t i = 0; i < (ptrdiff_t)rows * size; i++) q[i] = loom_random_normal(random);
  for (int i = 0; i < rows; i++) orthonormalize_row(q, i, size);

  for (int i = 0; i < rows; i++)
    for (int j = 0; j < size; j++)
      w[upright ? (ptrdiff_t)j * in + i : (ptrdiff_t)i * in + j] =
          (loomReal)(gain * q[(ptrdiff_t)i * size + j]);
  free(q);
  return true;
}
