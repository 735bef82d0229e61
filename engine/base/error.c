#include "engine/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef loom_error_set  // what the analyzer is told about them
#undef loom_error_prefix
#undef loom_error_suffix

int loom_error_set(loomError* err, int code, const char* format, ...) {
  if (!err) return code;
  err->code = code;

  va_list args;
  va_start(args, format);
  vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);

  // One line each: a library's own message may carry newlines.
  for (char* c = err->message; *c; c++) {
    if (*c == '\n' || *c == '\r') *c = ' ';
  }

  return code;
}

int loom_error_prefix(loomError* err, int code, const char* format, ...) {
  if (!err) return code;

  // The old message goes behind the new one, as far as there is room.
  char old[sizeof err->message];
  memcpy(old, err->message, sizeof old);

  va_list args;
  va_start(args, format);
  int n = vsnprintf(err->message, sizeof err->message, format, args);
  va_end(args);

  if (n >= 0 && (size_t)n < sizeof err->message) {
    snprintf(err->message + n, sizeof err->message - (size_t)n, ": %.1000s", old);
  }

  // The first error's code stays: only its message grows.
  return err->code ? err->code : code;
}

int loom_error_suffix(loomError* err, int code, const char* format, ...) {
  if (!err) return code;
  size_t n = strlen(err->message);

  va_list args;
  va_start(args, format);
  vsnprintf(err->message + n, sizeof err->message - n, format, args);
  va_end(args);
  return err->code ? err->code : code;
}
