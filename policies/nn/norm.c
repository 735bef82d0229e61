#include "policies/nn/norm.h"

// Two passes: mean of squares less square of mean would cancel.
LOOM_CLONES static void moments(loomReal* mean, loomReal* inverse, const loomReal* x, int count) {
  loomReal sum = 0, square = 0;

#pragma omp simd reduction(+ : sum)
  for (int i = 0; i < count; i++) sum += x[i];
  loomReal m = sum / (loomReal)count;

#pragma omp simd reduction(+ : square)
  for (int i = 0; i < count; i++) square += (x[i] - m) * (x[i] - m);

  *mean = m;
  *inverse = 1 / loom_real_sqrt(square / (loomReal)count + LOOM_NORM_EPSILON);
}

// One row of (x - mean) / deviation * gain + bias.
LOOM_CLONES static void layer_row(loomReal* out, loomReal m, loomReal r, const loomReal* in,
                                  const loomReal* gain, const loomReal* bias, int width) {
#pragma omp simd
  for (int j = 0; j < width; j++) out[j] = (in[j] - m) * r * gain[j] + bias[j];
}

void loom_layer_norm_forward(loomReal* y, loomReal* mean, loomReal* inverse, const loomReal* x,
                             const loomReal* gain, const loomReal* bias, int n, int width) {
#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * width >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < n; i++) {
    const loomReal* in = x + (ptrdiff_t)i * width;
    moments(&mean[i], &inverse[i], in, width);
    layer_row(y + (ptrdiff_t)i * width, mean[i], inverse[i], in, gain, bias, width);
  }
}

// Rows in blocks, so that rounding does not grow with n (loom_column_sum does likewise).
static void layer_parameters(loomReal* dgain, loomReal* dbias, const loomReal* dy, const loomReal* x,
                             const loomReal* mean, const loomReal* inverse, int n, int width) {
  enum { STRIP = 64, BLOCK = 256 };

#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * width >= LOOM_PARALLEL_MIN)
  for (int first = 0; first < width; first += STRIP) {
    int columns = width - first < STRIP ? width - first : STRIP;

    for (int begin = 0; begin < n; begin += BLOCK) {
      loomReal gain[STRIP] = {0}, bias[STRIP] = {0};

      for (int i = begin; i < n && i < begin + BLOCK; i++) {
        const loomReal *d = dy + (ptrdiff_t)i * width + first, *in = x + (ptrdiff_t)i * width + first;
        loomReal m = mean[i], r = inverse[i];
#pragma omp simd

        for (int j = 0; j < columns; j++) {
          gain[j] += d[j] * (in[j] - m) * r;
          bias[j] += d[j];
        }
      }

      for (int j = 0; j < columns; j++) {
        dgain[first + j] += gain[j];
        dbias[first + j] += bias[j];
      }
    }
  }
}

// With u = gain * dy and h the normalized x: dx = (u - mean(u) - h mean(u h)) / sqrt(variance + epsilon).
void loom_layer_norm_backward(loomReal* dx, loomReal* dgain, loomReal* dbias, const loomReal* dy,
                              const loomReal* x, const loomReal* mean, const loomReal* inverse,
                              const loomReal* gain, int n, int width) {
  if (dgain) layer_parameters(dgain, dbias, dy, x, mean, inverse, n, width);

#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * width >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < n; i++) {
    const loomReal *in = x + (ptrdiff_t)i * width, *d = dy + (ptrdiff_t)i * width;
    loomReal* out = dx + (ptrdiff_t)i * width;
    loomReal m = mean[i], r = inverse[i], u = 0, uh = 0;

#pragma omp simd reduction(+ : u, uh)
    for (int j = 0; j < width; j++) {
      u += gain[j] * d[j];
      uh += gain[j] * d[j] * (in[j] - m) * r;
    }

    u /= (loomReal)width;
    uh /= (loomReal)width;

#pragma omp simd
    for (int j = 0; j < width; j++) out[j] = (gain[j] * d[j] - u - (in[j] - m) * r * uh) * r;
  }
}

void loom_group_norm_forward(loomReal* y, loomReal* mean, loomReal* inverse, const loomReal* x,
                             const loomReal* gain, const loomReal* bias, int n, int channels, int length,
                             int groups) {
  int each = channels / groups;

#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * channels * length >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < n * groups; i++) {
    ptrdiff_t begin = (ptrdiff_t)i * each * length;

    moments(&mean[i], &inverse[i], x + begin, each * length);
    for (int c = 0; c < each; c++) {
      int channel = i % groups * each + c;
      loomReal scale = inverse[i] * gain[channel], shift = bias[channel] - mean[i] * scale;
      const loomReal* in = x + begin + (ptrdiff_t)c * length;
      loomReal* out = y + begin + (ptrdiff_t)c * length;
#pragma omp simd
      for (int l = 0; l < length; l++) out[l] = in[l] * scale + shift;
    }
  }
}

static void group_parameters(loomReal* dgain, loomReal* dbias, const loomReal* dy, const loomReal* x,
                             const loomReal* mean, const loomReal* inverse, int n, int channels, int length,
                             int groups) {
#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * channels * length >= LOOM_PARALLEL_MIN)
  for (int c = 0; c < channels; c++) {
    loomReal gain = 0, bias = 0;

    for (int i = 0; i < n; i++) {
      const loomReal *in = x + ((ptrdiff_t)i * channels + c) * length,
                     *d = dy + ((ptrdiff_t)i * channels + c) * length;
      int g = i * groups + c / (channels / groups);
      loomReal s = 0, sh = 0;

#pragma omp simd reduction(+ : s, sh)
      for (int l = 0; l < length; l++) {
        s += d[l];
        sh += d[l] * (in[l] - mean[g]) * inverse[g];
      }

      gain += sh;
      bias += s;
    }

    dgain[c] += gain;
    dbias[c] += bias;
  }
}

void loom_group_norm_backward(loomReal* dx, loomReal* dgain, loomReal* dbias, const loomReal* dy,
                              const loomReal* x, const loomReal* mean, const loomReal* inverse,
                              const loomReal* gain, int n, int channels, int length, int groups) {
  int each = channels / groups;

  if (dgain) group_parameters(dgain, dbias, dy, x, mean, inverse, n, channels, length, groups);

#pragma omp parallel for schedule(static) if ((ptrdiff_t)n * channels * length >= LOOM_PARALLEL_MIN)
  for (int i = 0; i < n * groups; i++) {
    const loomReal *in = x + (ptrdiff_t)i * each * length, *d = dy + (ptrdiff_t)i * each * length;
    const loomReal* g = gain + (ptrdiff_t)(i % groups) * each;
    loomReal* out = dx + (ptrdiff_t)i * each * length;
    loomReal m = mean[i], r = inverse[i], u = 0, uh = 0;

    // As layer norm's, but a channel has one gain for all its places.
    for (int c = 0; c < each; c++) {
      loomReal s = 0, sh = 0;
#pragma omp simd reduction(+ : s, sh)
      for (int l = c * length; l < (c + 1) * length; l++) {
        s += d[l];
        sh += d[l] * (in[l] - m) * r;
      }
      u += g[c] * s;
      uh += g[c] * sh;
    }

    u /= (loomReal)(each * length);
    uh /= (loomReal)(each * length);

    for (int c = 0; c < each; c++) {
#pragma omp simd
      for (int l = c * length; l < (c + 1) * length; l++)
        out[l] = (g[c] * d[l] - u - (in[l] - m) * r * uh) * r;
    }
  }
}
