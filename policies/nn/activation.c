#include "policies/nn/activation.h"

// Each kind is its value, its slope and its curvature (the slope's slope) at x.
static inline loomReal none(loomReal x) {
  return x;
}
static inline loomReal none_slope(loomReal x) {
  (void)x;
  return 1;
}
static inline loomReal straight(loomReal x) {
  (void)x;
  return 0;
}

// Not x > 0 ? x : 0: a number that is none has to stay one, or a diverged network looks sound.
static inline loomReal relu(loomReal x) {
  return x < 0 ? 0 : x;
}
static inline loomReal relu_slope(loomReal x) {
  return x > 0 ? 1 : 0;
}

static inline loomReal tanh_slope(loomReal x) {
  loomReal y = loom_real_tanh(x);

  return 1 - y * y;
}
static inline loomReal tanh_curve(loomReal x) {
  loomReal y = loom_real_tanh(x);

  return -2 * y * (1 - y * y);
}

static inline loomReal sigmoid_slope(loomReal x) {
  loomReal y = loom_real_sigmoid(x);

  return y * (1 - y);
}
static inline loomReal sigmoid_curve(loomReal x) {
  loomReal y = loom_real_sigmoid(x);

  return y * (1 - y) * (1 - 2 * y);
}

#define SQRT_HALF ((loomReal)0.70710678118654752440)
#define INV_SQRT_2PI ((loomReal)0.39894228040143267794)

static inline loomReal gelu(loomReal x) {
  return x / 2 * (1 + loom_real_erf(x * SQRT_HALF));
}
static inline loomReal gelu_slope(loomReal x) {
  return (1 + loom_real_erf(x * SQRT_HALF)) / 2 + x * INV_SQRT_2PI * loom_real_exp(-x * x / 2);
}
static inline loomReal gelu_curve(loomReal x) {
  return (2 - x * x) * INV_SQRT_2PI * loom_real_exp(-x * x / 2);
}

#define SQRT_2_OVER_PI ((loomReal)0.79788456080286535588)
#define GELU_CUBIC ((loomReal)0.044715)

static inline loomReal gelu_tanh(loomReal x) {
  return x / 2 * (1 + loom_real_tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x)));
}
static inline loomReal gelu_tanh_slope(loomReal x) {
  loomReal t = loom_real_tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x));

  return (1 + t) / 2 + x / 2 * (1 - t * t) * SQRT_2_OVER_PI * (1 + 3 * GELU_CUBIC * x * x);
}
// y = x / 2 (1 + t), t = tanh u: y'' = t' + x / 2 t'' with t' = (1 - t^2) u' and
// t'' = (1 - t^2) (u'' - 2 t u'^2).
static inline loomReal gelu_tanh_curve(loomReal x) {
  loomReal t = loom_real_tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x));
  loomReal rise = SQRT_2_OVER_PI * (1 + 3 * GELU_CUBIC * x * x), bend = SQRT_2_OVER_PI * 6 * GELU_CUBIC * x;

  return (1 - t * t) * (rise + x / 2 * (bend - 2 * t * rise * rise));
}

static inline loomReal silu(loomReal x) {
  return x * loom_real_sigmoid(x);
}
static inline loomReal silu_slope(loomReal x) {
  loomReal s = loom_real_sigmoid(x);

  return s * (1 + x * (1 - s));
}
static inline loomReal silu_curve(loomReal x) {
  loomReal s = loom_real_sigmoid(x);

  return s * (1 - s) * (2 + x * (1 - 2 * s));
}

// tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2) for e = e^x; past 20 it is 1 to the last bit.
static inline loomReal mish_tanh(loomReal x) {
  loomReal e = loom_real_exp(x > 20 ? 20 : x), n = e * (e + 2);

  return n / (n + 2);
}
static inline loomReal mish(loomReal x) {
  return x * mish_tanh(x);
}
static inline loomReal mish_slope(loomReal x) {
  loomReal t = mish_tanh(x);

  return t + x * (1 - t * t) * loom_real_sigmoid(x);
}
// y = x t: y'' = 2 t' + x t'' with t' = (1 - t^2) s and t'' = t' (1 - s - 2 t s), s the softplus's slope.
static inline loomReal mish_curve(loomReal x) {
  loomReal t = mish_tanh(x), s = loom_real_sigmoid(x), rise = (1 - t * t) * s;

  return rise * (2 + x * (1 - s - 2 * t * s));
}

// Three loops per kind: the compiler then inlines and vectorizes them.
#define LOOPS(name, value, slope, curve)                                                                    \
  LOOM_CLONES static void name##_forward(loomReal* y, const loomReal* x, size_t count) {                    \
    _Pragma("omp simd") for (size_t i = 0; i < count; i++) y[i] = value(x[i]);                              \
  }                                                                                                         \
  LOOM_CLONES static void name##_backward(loomReal* dx, const loomReal* dy, const loomReal* x,              \
                                          size_t count) {                                                   \
    _Pragma("omp simd") for (size_t i = 0; i < count; i++) dx[i] = dy[i] * slope(x[i]);                     \
  }                                                                                                         \
  LOOM_CLONES static void name##_twice(loomReal* dx, const loomReal* dy, const loomReal* x, size_t count) { \
    _Pragma("omp simd") for (size_t i = 0; i < count; i++) dx[i] = dy[i] * curve(x[i]);                     \
  }
LOOPS(none, none, none_slope, straight)
LOOPS(relu, relu, relu_slope, straight)
LOOPS(tanh, loom_real_tanh, tanh_slope, tanh_curve)
LOOPS(sigmoid, loom_real_sigmoid, sigmoid_slope, sigmoid_curve)
LOOPS(gelu, gelu, gelu_slope, gelu_curve)
LOOPS(gelu_tanh, gelu_tanh, gelu_tanh_slope, gelu_tanh_curve)
LOOPS(silu, silu, silu_slope, silu_curve)
LOOPS(mish, mish, mish_slope, mish_curve)

typedef struct kindLoops {
  void (*forward)(loomReal*, const loomReal*, size_t);
  void (*backward)(loomReal*, const loomReal*, const loomReal*, size_t);
  void (*twice)(loomReal*, const loomReal*, const loomReal*, size_t);
} kindLoops;

#define KIND(name) \
  { name##_forward, name##_backward, name##_twice }
static const kindLoops loops[LOOM_ACTIVATIONS] = {
    [LOOM_ACTIVATION_NONE] = KIND(none), [LOOM_ACTIVATION_RELU] = KIND(relu),
    [LOOM_ACTIVATION_TANH] = KIND(tanh), [LOOM_ACTIVATION_SIGMOID] = KIND(sigmoid),
    [LOOM_ACTIVATION_GELU] = KIND(gelu), [LOOM_ACTIVATION_GELU_TANH] = KIND(gelu_tanh),
    [LOOM_ACTIVATION_SILU] = KIND(silu), [LOOM_ACTIVATION_MISH] = KIND(mish),
};

enum { ACTIVATION_CHUNK = 4096 };

static size_t chunk_size(size_t begin, size_t count) {
  return count - begin < ACTIVATION_CHUNK ? count - begin : ACTIVATION_CHUNK;
}

void loom_activation_forward(loomReal* y, const loomReal* x, loomActivation kind, size_t count) {
  // Even a team of one costs something.
  if (count < LOOM_PARALLEL_MIN) {
    loops[kind].forward(y, x, count);
    return;
  }

#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < count; i += ACTIVATION_CHUNK)
    loops[kind].forward(y + i, x + i, chunk_size(i, count));
}

// dx = dy times what a loop makes of x, shared out among threads where that pays.
static void back(loomReal* dx, const loomReal* dy, const loomReal* x, size_t count,
                 void (*loop)(loomReal*, const loomReal*, const loomReal*, size_t)) {
  if (count < LOOM_PARALLEL_MIN) {
    loop(dx, dy, x, count);
    return;
  }

#pragma omp parallel for schedule(static)
  for (size_t i = 0; i < count; i += ACTIVATION_CHUNK) loop(dx + i, dy + i, x + i, chunk_size(i, count));
}

void loom_activation_backward(loomReal* dx, const loomReal* dy, const loomReal* x, loomActivation kind,
                              size_t count) {
  back(dx, dy, x, count, loops[kind].backward);
}

void loom_activation_twice(loomReal* dx, const loomReal* dy, const loomReal* x, loomActivation kind,
                           size_t count) {
  back(dx, dy, x, count, loops[kind].twice);
}

LOOM_CLONES static void tanh_backward_of(loomReal* dx, const loomReal* dy, const loomReal* y, size_t count) {
#pragma omp simd
  for (size_t i = 0; i < count; i++) dx[i] = dy[i] * (1 - y[i] * y[i]);
}

void loom_activation_backward_of(loomReal* dx, const loomReal* dy, const loomReal* x, const loomReal* y,
                                 loomActivation kind, size_t count) {
  if (kind == LOOM_ACTIVATION_TANH)
    tanh_backward_of(dx, dy, y, count);
  else
    loom_activation_backward(dx, dy, x, kind, count);
}
