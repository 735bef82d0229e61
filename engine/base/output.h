// Open for output: whether a file may be written is asked before any work is done for it, in one way by
// whoever writes one, and until it is written nobody else may begin to. Internal.
#ifndef LOOM_ENGINE_BASE_OUTPUT_H
#define LOOM_ENGINE_BASE_OUTPUT_H

#include <stdbool.h>

#include "engine/base/error.h"

typedef enum loomOutputMode {
  LOOM_OUTPUT_NEW,      // refuse a file that is there
  LOOM_OUTPUT_REPLACE,  // it will be replaced: --overwrite
  LOOM_OUTPUT_CHANGE,   // it will be changed or added to, and what is in it stays
} loomOutputMode;

typedef struct loomOutputDef {
  const char* path;
  loomOutputMode mode;
  bool shared;  // by several processes, which agree among themselves on who writes it
  int ninput;
  const char* const* input;  // (ninput) files that are read meanwhile, none of which it may be; NULL is none
} loomOutputDef;

/// A file that will be written by this process. Zeroed: none.
typedef struct loomOutput {
  char* lock_path;  // PATH.lock, there until it is closed
  int lock;         // file descriptor
  bool shared;
} loomOutput;

/// LOOM_ERR_USAGE when what is to be written is what is read, or has it in its PATH.parts; for inputs that
/// are known only later, too. input may be NULL.
int loom_output_check_input(const char* path, const char* input, loomError* err);

/// Nothing is written yet. LOOM_ERR_USAGE: it is there and mode is LOOM_OUTPUT_NEW, it is one of the inputs,
/// another run is at work on it, another program has it open for writing; LOOM_ERR_IO: there is a folder or a
/// device of that name, it is write-protected, its folder is not there or cannot be written to. *out is
/// zeroed on an error.
int loom_output_open(loomOutput* out, const loomOutputDef* def, loomError* err);
/// Let others write it. Takes a zeroed one.
void loom_output_close(loomOutput* output);

#endif
