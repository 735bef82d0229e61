// FNV-1a (Fowler, Noll, Vo), 64 bits. To tell inputs apart, not to keep secrets. Internal.
#ifndef LOOM_ENGINE_BASE_HASH_H
#define LOOM_ENGINE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/// The hash of nothing: begin with it.
#define LOOM_HASH_SEED 14695981039346656037ull

/// `hash` with n more bytes.
uint64_t loom_hash(uint64_t hash, const void* bytes, size_t n);

#endif
