// What reading and writing of safetensors share. Internal.
#ifndef LOOM_POLICIES_NN_SAFETENSORS_INTERNAL_H
#define LOOM_POLICIES_NN_SAFETENSORS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

bool loom_safe_is_utf8(const char* text, size_t n);

/// Bytes of a file's head, its length and its header, from its first 8 bytes.
uint64_t loom_safe_head_bytes(const void* bytes, uint64_t size);
/// What loom_safetensors_parse would say of a file of `size` bytes, from its head alone.
int loom_safe_check_head(const void* head, uint64_t size, const char* label, loomError* err);

#endif
