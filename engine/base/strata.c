#include "engine/base/strata.h"

#include "engine/base/random.h"

int loom_stratum(uint64_t seed, uint64_t number, int dimension) {
  loomRandom random = loom_random(seed, number / LOOM_STRATA, LOOM_PURPOSE_STRATA);
  random.draw = (uint32_t)dimension * LOOM_STRATA;

  // The block's order (Fisher and Yates's shuffle).
  int order[LOOM_STRATA];
  for (int i = 0; i < LOOM_STRATA; i++) order[i] = i;
  for (int i = LOOM_STRATA - 1; i > 0; i--) {
    int other = loom_random_index(&random, i + 1), moved = order[i];
    order[i] = order[other];
    order[other] = moved;
  }
  return order[number % LOOM_STRATA];
}
