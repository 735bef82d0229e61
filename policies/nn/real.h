// The number that networks compute with: float to train, double where tests compare gradients with central
// differences (they define LOOM_DOUBLE, and the Makefile links them with these sources compiled likewise).
// Exponentials are our own, branch-free, so that loops over them vectorize and give the same bits whatever
// the C library.
#ifndef LOOM_POLICIES_NN_REAL_H
#define LOOM_POLICIES_NN_REAL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "engine/base/api.h"

LOOM_C_BEGIN

/// Before a function whose loops are worth wider registers than the oldest x86-64 has: compiled for three
/// kinds of processor, chosen when the program starts. (Without contraction to fused operations all give the
/// same bits but for the order of sums.)
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#define LOOM_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LOOM_CLONES
#endif

/// Element counts below which a loop is not worth a team of threads.
#define LOOM_PARALLEL_MIN 16384

#ifdef LOOM_DOUBLE

typedef double loomReal;
static inline double loom_real_exp(double x) {
  return exp(x);
}
static inline double loom_real_tanh(double x) {
  return tanh(x);
}
static inline double loom_real_sqrt(double x) {
  return sqrt(x);
}
static inline double loom_real_log(double x) {
  return log(x);
}
static inline double loom_real_log1p(double x) {
  return log1p(x);
}
static inline double loom_real_erf(double x) {
  return erf(x);
}

#else

typedef float loomReal;

/// e^x within 2 units in the last place, x held to [-87.3, 88.3]; not a number stays one. x = n ln 2 + r
/// with ln 2 in two parts (Cody and Waite, 1980), |r| <= 0.35, Taylor to r^7 (what is left out is under
/// 6e-9), then 2^n written into the exponent.
static inline float loom_real_exp(float x) {
  const float round = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  x = x < -87.3f ? -87.3f : x;
  x = x > 88.3f ? 88.3f : x;
  float shifted = x * 1.44269504f + round, n = shifted - round;
  float r = x - n * 0.693359375f + n * 2.12194440e-4f;
  float p = 1.0f / 720 + r * (1.0f / 5040);
  p = 1.0f / 120 + r * p;
  p = 1.0f / 24 + r * p;
  p = 1.0f / 6 + r * p;
  p = 0.5f + r * p;
  p = 1 + r * (1 + r * p);
  uint32_t bits;
  float power;
  memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + (127u << 23);
  memcpy(&power, &bits, sizeof power);
  return p * power;
}

/// tanh x within 5e-7 of its value: from e^2x, and by its series where that would cancel.
static inline float loom_real_tanh(float x) {
  float square = x * x;
  float near = x * (1 + square * (-1.0f / 3 + square * (2.0f / 15 + square * (-17.0f / 315))));
  float far = 1 - 2 / (1 + loom_real_exp(2 * x));
  return square < 0.04f ? near : far;
}
static inline float loom_real_sqrt(float x) {
  return sqrtf(x);
}

/// ln x within 2 units in the last place for normal x > 0, infinity and what is no number; of 0 and less it
/// makes no sense. x = 2^n m with m in [sqrt(1/2), sqrt(2)), ln m = 2 atanh s for s = (m - 1) / (m + 1), its
/// series to s^9 (|s| < 0.1716: what is left out is under 1e-9).
static inline float loom_real_log(float x) {
  const uint32_t root_half = 0x3f3504f3u;  // sqrt(1/2)
  uint32_t bits;
  float m;
  memcpy(&bits, &x, sizeof bits);
  uint32_t shifted = bits - root_half;
  float n = (float)((int32_t)shifted >> 23);
  bits = (shifted & 0x007fffffu) + root_half;
  memcpy(&m, &bits, sizeof m);
  float s = (m - 1) / (m + 1), square = s * s;
  float series = square * (2.0f / 3 + square * (2.0f / 5 + square * (2.0f / 7 + square * (2.0f / 9))));
  float y = n * 0.693359375f + (n * -2.12194440e-4f + (2 * s + s * series));
  return x <= 3.402823466e38f ? y : x;
}

/// ln(1 + x) for finite x >= 0: the rounding of 1 + x is made good by the ratio (Kahan).
static inline float loom_real_log1p(float x) {
  float above = 1 + x, step = above - 1;
  float y = loom_real_log(above) * (x / (step > 0 ? step : 1));
  return step > 0 ? y : x;
}
static inline float loom_real_erf(float x) {
  return erff(x);
}

#endif

static inline loomReal loom_real_sigmoid(loomReal x) {
  return 1 / (1 + loom_real_exp(-x));
}

/// log(1 + e^x), safe for any x.
static inline loomReal loom_real_softplus(loomReal x) {
  loomReal above = x > 0 ? x : 0, size = x > 0 ? x : -x;
  return above + loom_real_log1p(loom_real_exp(-size));
}

LOOM_C_END

#endif
