// A growing string. Internal.
#ifndef LOOM_ENGINE_BASE_TEXT_H
#define LOOM_ENGINE_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/// Zero-initialize; an allocation that fails sets `failed` and everything after is dropped, so that only the
/// end has to be checked. Free with loom_text_destroy.
typedef struct loomText {
  char* s;  // NUL-terminated; NULL while empty
  size_t n, capacity;
  bool failed;
} loomText;

void loom_text_add(loomText* text, const char* s, size_t n);  // n bytes
void loom_text_puts(loomText* text, const char* s);
void loom_text_destroy(loomText* text);

/// Whether text has `end` behind something else, as "a.hdf5" has ".hdf5".
bool loom_ends_with(const char* text, const char* end);

#endif
