#include "engine/base/hash.h"

uint64_t loom_hash(uint64_t hash, const void* bytes, size_t n) {
  const unsigned char* c = bytes;
  for (size_t i = 0; i < n; i++) hash = (hash ^ c[i]) * 1099511628211ull;  // FNV's 64-bit prime
  return hash;
}
