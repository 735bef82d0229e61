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

void loom_norm_part(size_t* begin, size_t* end, size_t count, int part) {
  size_t size = (count + LOOM_NORM_PARTS - 1) / LOOM_NORM_PARTS, at = (size_t)part * size;
  *begin = at < count ? at : count;
  *end = *begin + size < count ? *begin + size : count;
}

double loom_norm_squares(const loomReal* x, size_t begin, size_t end) {
  return squares(x + begin, end - begin);
}

double loom_norm(const loomReal* x, size_t count) {
  double part[LOOM_NORM_PARTS] = {0}, sum = 0;

#pragma omp parallel for schedule(static) if (count >= LOOM_PARALLEL_MIN)
  for (int p = 0; p < LOOM_NORM_PARTS; p++) {
    size_t begin, end;
    loom_norm_part(&begin, &end, count, p);
    part[p] = squares(x + begin, end - begin);
  }

  for (int p = 0; p < LOOM_NORM_PARTS; p++) sum += part[p];
  return sqrt(sum);
}

LOOM_CLONES static void adam_range(loomReal* restrict value, const loomReal* restrict gradient,
                                   loomReal* restrict first, loomReal* restrict second, loomAdamFactors f,
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

loomAdamFactors loom_adam_factors(const loomAdamDef* def, double norm, double rate, uint64_t step) {
  // PyTorch's clip_grad_norm_ adds 1e-6 to the length.
  double scale = def->clip_norm > 0 && norm > def->clip_norm ? def->clip_norm / (norm + 1e-6) : 1;
  return (loomAdamFactors){
      .scale = (loomReal)scale,
      .beta1 = (loomReal)def->beta1,
      .beta2 = (loomReal)def->beta2,
      .rate = (loomReal)(rate / (1 - pow(def->beta1, (double)step))),
      .root = (loomReal)(1 / sqrt(1 - pow(def->beta2, (double)step))),
      .epsilon = (loomReal)def->epsilon,
      .coupled = (loomReal)(def->decoupled ? 0 : def->weight_decay),
      .keep = (loomReal)(def->decoupled ? 1 - rate * def->weight_decay : 1),
  };
}

void loom_adam_range(loomParams* p, const loomAdamFactors* factors, size_t begin, size_t end) {
  adam_range(p->value + begin, p->gradient + begin, p->first + begin, p->second + begin, *factors,
             end - begin);
}

double loom_adam_step(loomParams* params, const loomAdamDef* def, double rate, uint64_t step) {
  enum { CHUNK = 8192 };

  double norm = loom_norm(params->gradient, params->total);
  if (!isfinite(norm)) return norm;
  loomAdamFactors f = loom_adam_factors(def, norm, rate, step);

  size_t total = params->total;
#pragma omp parallel for schedule(static) if (total >= LOOM_PARALLEL_MIN)
  for (size_t i = 0; i < total; i += CHUNK)
    loom_adam_range(params, &f, i, total - i < CHUNK ? total : i + CHUNK);
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

void loom_ema_range(loomReal* average, const loomReal* value, double decay, size_t count) {
  loomReal keep = (loomReal)decay, take = (loomReal)(1 - decay);

#pragma omp simd
  for (size_t i = 0; i < count; i++) average[i] = keep * average[i] + take * value[i];
}

void loom_ema_update(loomReal* average, const loomReal* value, double decay, size_t count) {
  enum { CHUNK = 8192 };

#pragma omp parallel for schedule(static) if (count >= LOOM_PARALLEL_MIN)
  for (size_t i = 0; i < count; i += CHUNK)
    loom_ema_range(average + i, value + i, decay, count - i < CHUNK ? count - i : CHUNK);
}

double loom_ema_decay(uint64_t step, double power, double limit) {
  return fmin(1 - pow(1 + (double)step, -power), limit);
}
