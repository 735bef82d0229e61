#include "engine/base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

uint64_t loom_hash(uint64_t hash, const void* bytes, size_t n) {
  const unsigned char* c = bytes;

  // FNV-1a: xor each byte in, then multiply by the 64-bit prime.
  for (size_t i = 0; i < n; i++) hash = (hash ^ c[i]) * 1099511628211ull;

  return hash;
}

int loom_hash_file(uint64_t* hash, const char* path, loomError* err) {
  char block[1 << 14];
  FILE* file = path && path[0] ? fopen(path, "rb") : NULL;
  if (!path || !path[0]) return LOOM_OK;
  if (!file) return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read: %s", path, strerror(errno));

  for (size_t n; (n = fread(block, 1, sizeof block, file)) > 0;) *hash = loom_hash(*hash, block, n);

  // A folder opens, and a disk fails, but neither is read.
  int why = ferror(file) ? errno : 0;
  fclose(file);
  return why ? loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read: %s", path, strerror(why)) : LOOM_OK;
}
