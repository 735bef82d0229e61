#include "policies/nn/optimizer.h"

loomAdamDef loom_default_adam_def(void) {
  return (loomAdamDef){.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
}

// Sum of squares.
LOOM_CLONES static double squares(const loomReal* x, size_t count) {
  enum { LANES = 8 };
  double lane[LANES] = {0}, sum = 0;
  size_t i = 0;

  // Sums in lanes of double, whatever the processor's registers.
  for (; i + LANES <= count; i += LANES)
    for (size_t k = 0; k < LANES; k++) lane[k] += (double)x[i + k] * (double)x[i + k];

  for (; i < count; i++) lane[0] += (double)x[i] * (double)x[i];
  for (size_t k = 0; k < LANES; k++) sum += lane[k];
  return sum;
}

double loom_norm(const loomReal* x, size_t count) {
  enum { PARTS = 256 };
  double part[PARTS] = {0}, sum = 0;
  size_t size = (count + PARTS - 1) / PARTS;

#pragma omp parallel for schedule(static) if (count >= LOOM_PARALLEL_MIN)
  for (size_t p = 0; p < PARTS; p++) {
    size_t begin = p * size < count ? p * size : count, end = begin + size < count ? begin + size : count;
    part[p] = squares(x + begin, end - begin);
  }

  for (size_t p = 0; p < PARTS; p++) sum += part[p];
  return sqrt(sum);
}

// The factors of one step, the same for all parameters.
typedef struct adamFactors {
  loomReal scale, beta1, beta2, rate, root, epsilon, coupled, keep;
} adamFactors;

LOOM_CLONES static void adam_range(loomReal* restrict value, const loomReal* restrict gradient,
                                   loomReal* restrict first, loomReal* restrict second, adamFactors f,
                                   size_t count) {
  // Kingma and Ba (2015), algorithm 1; the corrections of both moments are in rate and root.
#pragma omp simd
  for (size_t i = 0; i < count; i++) {
    loomReal g = gradient[i] * f.scale + f.coupled * value[i];
    loomReal m = f.beta1 * first[i] + (1 - f.beta1) * g;
    loomReal v = f.beta2 * second[i] + (1 - f.beta2) * g * g;

    first[i] = m;
    second[i] = v;
    value[i] = f.keep * value[i] - f.rate * m / (loom_real_sqrt(v) * f.root + f.epsilon);
  }
}

double loom_adam_step(loomParams* params, const loomAdamDef* def, double rate, uint64_t step) {
  enum { CHUNK = 8192 };

  double norm = loom_norm(params->gradient, params->total);
  if (!isfinite(norm)) return norm;

  // PyTorch's clip_grad_norm_ adds 1e-6 to the length.
  double scale = def->clip_norm > 0 && norm > def->clip_norm ? def->clip_norm / (norm + 1e-6) : 1;
  adamFactors f = {
      .scale = (loomReal)scale,
      .beta1 = (loomReal)def->beta1,
      .beta2 = (loomReal)def->beta2,
      .rate = (loomReal)(rate / (1 - pow(def->beta1, (double)step))),
      .root = (loomReal)(1 / sqrt(1 - pow(def->beta2, (double)step))),
      .epsilon = (loomReal)def->epsilon,
      .coupled = (loomReal)(def->decoupled ? 0 : def->weight_decay),
      .keep = (loomReal)(def->decoupled ? 1 - rate * def->weight_decay : 1),
  };

  size_t total = params->total;
#pragma omp parallel for schedule(static) if (total >= LOOM_PARALLEL_MIN)
  for (size_t i = 0; i < total; i += CHUNK)
    adam_range(params->value + i, params->gradient + i, params->first + i, params->second + i, f,
               total - i < CHUNK ? total - i : CHUNK);
  return norm;
}

loomScheduleDef loom_default_schedule_def(void) {
  return (loomScheduleDef){.kind = LOOM_SCHEDULE_CONSTANT, .rate = 1e-4, .decay = 1};
}

double loom_schedule_rate(const loomScheduleDef* def, uint64_t step) {
  if (step < def->warmup) return def->rate * (double)step / (double)def->warmup;

  switch (def->kind) {
    case LOOM_SCHEDULE_COSINE: {
      double length = def->steps > def->warmup ? (double)(def->steps - def->warmup) : 1;
      double done = fmin((double)(step - def->warmup) / length, 1);
      return def->rate * (def->floor + (1 - def->floor) * (1 + cos(3.14159265358979323846 * done)) / 2);
    }
    case LOOM_SCHEDULE_STEP: {
      uint64_t drops = def->period ? (step - def->warmup) / def->period : 0;
      return def->rate * pow(def->decay, (double)drops);
    }
    case LOOM_SCHEDULE_CONSTANT:
      break;
  }
  return def->rate;
}

void loom_ema_update(loomReal* average, const loomReal* value, double decay, size_t count) {
  loomReal keep = (loomReal)decay, take = (loomReal)(1 - decay);

#pragma omp parallel for simd schedule(static) if (count >= LOOM_PARALLEL_MIN)
  for (size_t i = 0; i < count; i++) average[i] = keep * average[i] + take * value[i];
}

double loom_ema_decay(uint64_t step, double power, double limit) {
  return fmin(1 - pow(1 + (double)step, -power), limit);
}
