#include "engine/base/hash.h"

uint64_t loom_hash(uint64_t hash, const void* bytes, size_t n) {
  const unsigned char* c = bytes;

  // FNV-1a: xor each byte in, then multiply by the 64-bit prime.
  for (size_t i = 0; i < n; i++) hash = (hash ^ c[i]) * 1099511628211ull;

  return hash;
}
