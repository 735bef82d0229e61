// What reading and writing of safetensors share. Internal.
#ifndef LOOM_POLICIES_NN_SAFETENSORS_INTERNAL_H
#define LOOM_POLICIES_NN_SAFETENSORS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

bool loom_safe_is_utf8(const char* text, size_t n);

#endif
