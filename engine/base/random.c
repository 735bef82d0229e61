#include "engine/base/random.h"

#include <math.h>

loomRandom loom_random(uint64_t seed, uint64_t attempt, loomPurpose purpose) {
  return (loomRandom){seed, attempt, (uint32_t)purpose, 0};
}

// Multipliers and Weyl increments are the paper's.
void loom_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];

  // A round: multiply two words, and let high halves, other words and key mix.
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * c0;
    uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
    uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    uint32_t n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;

    c0 = n0;
    c1 = (uint32_t)p1;
    c2 = n2;
    c3 = (uint32_t)p0;

    // The key moves on by a Weyl sequence.
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }

  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

double loom_random_uniform(loomRandom* r) {
  // The counter names the draw, the key the seed.
  uint32_t counter[4] = {(uint32_t)r->attempt, (uint32_t)(r->attempt >> 32), r->purpose, r->draw++};
  uint32_t key[2] = {(uint32_t)r->seed, (uint32_t)(r->seed >> 32)}, out[4];

  loom_philox(out, counter, key);

  // The upper 53 bits, as many as a double holds: [0, 1) in steps of 2^-53.
  uint64_t bits = ((uint64_t)out[0] << 32 | out[1]) >> 11;
  return (double)bits * 0x1p-53;
}

double loom_random_range(loomRandom* r, double low, double high) {
  return low + (high - low) * loom_random_uniform(r);
}

double loom_random_normal(loomRandom* r) {
  // Box-Muller, the cosine of the pair only, so that a normal number always takes two draws.
  double u = 1 - loom_random_uniform(r);  // (0, 1], so the logarithm is finite
  double v = loom_random_uniform(r);

  return sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
}

int loom_random_index(loomRandom* r, int n) {
  int i = (int)(loom_random_uniform(r) * n);

  // The product may be rounded up to n.
  return i < n ? i : n - 1;
}

int loom_random_weighted(loomRandom* r, const double* weight, int n) {
  double sum = 0, at = 0;
  for (int i = 0; i < n; i++) sum += weight[i];

  // Nothing to go by: all alike.
  if (!(sum > 0)) return loom_random_index(r, n);

  // The first index at which the running sum passes a point drawn in [0, sum).
  double u = loom_random_uniform(r) * sum;
  for (int i = 0; i < n; i++) {
    at += weight[i];
    if (u < at) return i;
  }

  // Only rounding comes here.
  return n - 1;
}
