// FNV-1a (Fowler, Noll, Vo), 64 bits. To tell inputs apart, not to keep secrets. Internal.
#ifndef LOOM_ENGINE_BASE_HASH_H
#define LOOM_ENGINE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

/// The hash of nothing: begin with it.
#define LOOM_HASH_SEED 14695981039346656037ull

/// `hash` with n more bytes.
uint64_t loom_hash(uint64_t hash, const void* bytes, size_t n);
/// *hash with all bytes of a file; path NULL or "": as it is. LOOM_ERR_IO.
int loom_hash_file(uint64_t* hash, const char* path, loomError* err);

#endif
