#include "policies/nn/dropout.h"

void loom_dropout(loomReal* y, const loomReal* x, double rate, loomRandom r, size_t count) {
  loomReal scale = (loomReal)(1 / (1 - rate));
  uint32_t below = (uint32_t)(rate * 4294967296.0);
  uint32_t key[2] = {(uint32_t)r.seed, (uint32_t)(r.seed >> 32)};

  // Four numbers a block of the generator; what is kept grows, so that the mean stays.
#pragma omp parallel for schedule(static) if (count >= LOOM_PARALLEL_MIN)
  for (size_t i = 0; i < count; i += 4) {
    uint32_t counter[4] = {(uint32_t)r.attempt, (uint32_t)(r.attempt >> 32), r.purpose,
                           r.draw + (uint32_t)(i / 4)};
    uint32_t bits[4];

    loom_philox(bits, counter, key);
    for (size_t k = 0; k < 4 && i + k < count; k++) y[i + k] = bits[k] < below ? 0 : x[i + k] * scale;
  }
}
