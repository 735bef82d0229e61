#include "policies/nn/film.h"

// Where channel i of all samples' has its scale; its shift lies `channels` further.
static ptrdiff_t scale_at(int i, int channels) {
  return (ptrdiff_t)(i / channels) * 2 * channels + i % channels;
}

void loom_film_forward(loomReal* y, const loomReal* x, const loomReal* film, int n, int channels,
                       int length) {
#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * channels * length >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < n * channels; i++) {
    const loomReal* f = film + scale_at(i, channels);
    loomReal scale = f[0], shift = f[channels];

#pragma omp simd
    for (ptrdiff_t l = (ptrdiff_t)i * length; l < (ptrdiff_t)(i + 1) * length; l++)
      y[l] = x[l] * scale + shift;
  }
}

void loom_film_backward(loomReal* dx, loomReal* dfilm, const loomReal* dy, const loomReal* x,
                        const loomReal* film, int n, int channels, int length) {
#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * channels * length >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < n * channels; i++) {
    ptrdiff_t at = scale_at(i, channels), end = (ptrdiff_t)(i + 1) * length;
    loomReal scale = film[at], dscale = 0, dshift = 0;

    // The scale's gradient before dx is written: dx may lie where dy does.
#pragma omp simd reduction(+ : dscale, dshift)
    for (ptrdiff_t l = (ptrdiff_t)i * length; l < end; l++) {
      dscale += dy[l] * x[l];
      dshift += dy[l];
    }

#pragma omp simd
    for (ptrdiff_t l = (ptrdiff_t)i * length; l < end; l++) dx[l] = dy[l] * scale;

    dfilm[at] = dscale;
    dfilm[at + channels] = dshift;
  }
}
