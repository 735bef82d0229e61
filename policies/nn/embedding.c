#include "policies/nn/embedding.h"

void loom_sinusoid_embedding(loomReal* y, const loomReal* t, int n, int width) {
  int half = width / 2;

  // Sines, then cosines, of frequencies from 1 down to 1 / 10000 (Vaswani et al., 2017, 3.5).
  for (int j = 0; j < half; j++) {
    double frequency = exp(-log(10000) * j / (half - 1));

    for (int i = 0; i < n; i++) {
      double angle = (double)t[i] * frequency;
      y[(ptrdiff_t)i * width + j] = (loomReal)sin(angle);
      y[(ptrdiff_t)i * width + half + j] = (loomReal)cos(angle);
    }
  }
}
