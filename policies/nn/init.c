#include "policies/nn/init.h"

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
