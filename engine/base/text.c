#include "engine/base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// Room for `more` bytes and the final NUL; doubling keeps the cost of n appends linear.
static bool text_reserve(loomText* text, size_t more) {
  if (text->failed) return false;

  // Far below what would overflow when doubled.
  if (more >= SIZE_MAX / 4 - text->n) {
    text->failed = true;
    return false;
  }

  size_t need = text->n + more + 1;
  if (need <= text->capacity) return true;
  size_t capacity = text->capacity ? text->capacity : 1024;
  while (capacity < need) capacity *= 2;

  char* s = realloc(text->s, capacity);
  if (!s) {
    text->failed = true;
    return false;
  }
  text->s = s;
  text->capacity = capacity;
  return true;
}

void loom_text_add(loomText* text, const char* s, size_t n) {
  if (!text_reserve(text, n)) return;
  memcpy(text->s + text->n, s, n);
  text->n += n;
  text->s[text->n] = '\0';
}

void loom_text_puts(loomText* text, const char* s) {
  loom_text_add(text, s, strlen(s));
}

void loom_text_destroy(loomText* text) {
  free(text->s);
  *text = (loomText){0};
}

bool loom_ends_with(const char* text, const char* end) {
  size_t n = strlen(text), m = strlen(end);

  // A name is more than its ending.
  return n > m && !strcmp(text + n - m, end);
}
