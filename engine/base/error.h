// Errors are values: every fallible function returns 0 or a negative loomStatus, and fills a loomError unless
// it is given NULL.
#ifndef LOOM_ENGINE_BASE_ERROR_H
#define LOOM_ENGINE_BASE_ERROR_H

#include "engine/base/api.h"

LOOM_C_BEGIN

typedef enum loomStatus {
  LOOM_OK = 0,
  LOOM_ERR_USAGE = -1,   // the caller asked for something that makes no sense (wrong option, unknown name)
  LOOM_ERR_IO = -2,      // the operating system refused: missing file, full or read-only disk
  LOOM_ERR_FORMAT = -3,  // a file is there but its content is wrong: YAML, HDF5, MJCF, NaN, shapes
  LOOM_ERR_MEMORY = -4,  // an allocation failed
  LOOM_ERR_SIM = -5,     // MuJoCo failed or warned: diverged, out of arena
  LOOM_ERR_UNSUPPORTED = -6,  // well-formed, but not something this build can do
  LOOM_ERR_INTERRUPTED = -7,  // the user stopped it (Ctrl-C)
} loomStatus;

enum { LOOM_PATH_MAX = 1024 };  // bytes of a path, the final 0 included

/// What went wrong, where, and what to do about it. One line of text, no trailing newline.
typedef struct loomError {
  int code;            // loomStatus
  char message[1024];  // "FILE:LINE: what is wrong; what to do"
} loomError;

#if defined(__GNUC__)
#define LOOM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define LOOM_PRINTF(fmt, args)
#endif

/// Fill err (may be NULL) and return code, so that `return loom_error_set(err, LOOM_ERR_IO, ...)` reads well.
int loom_error_set(loomError* err, int code, const char* format, ...) LOOM_PRINTF(3, 4);

/// Put "prefix: " before the message already in err and return err's code, or `code` when err is NULL.
int loom_error_prefix(loomError* err, int code, const char* format, ...) LOOM_PRINTF(3, 4);

/// Put more behind the message already in err, "; what is kept, and how to go on"; else the same.
int loom_error_suffix(loomError* err, int code, const char* format, ...) LOOM_PRINTF(3, 4);

// Tells clang's analyzer, which sees one file at a time, that these give back `code`.
// NOLINTBEGIN(readability-identifier-naming)
#ifdef __clang_analyzer__
#define loom_error_set(err, code, ...) (loom_error_set(err, code, __VA_ARGS__), (code))
#define loom_error_prefix(err, code, ...) (loom_error_prefix(err, code, __VA_ARGS__), (code))
#define loom_error_suffix(err, code, ...) (loom_error_suffix(err, code, __VA_ARGS__), (code))
#endif
// NOLINTEND(readability-identifier-naming)

LOOM_C_END

#endif
