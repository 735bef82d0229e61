// Whole files in, and files that appear whole or not at all: written beside their place, then renamed to it.
#ifndef LOOM_ENGINE_BASE_FILE_H
#define LOOM_ENGINE_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

bool loom_is_file(const char* path);  // a regular file
bool loom_is_folder(const char* path);
bool loom_same_file(const char* a, const char* b);  // two paths that lead to one file

/// All of a file, or of a pipe, malloc'ed; a NUL stands behind its last byte. *n (nullable) is its size
/// without that. LOOM_ERR_IO: absent, no permission, neither a file nor a pipe, failing disk; LOOM_ERR_FORMAT:
/// more than `most` bytes; LOOM_ERR_MEMORY. *out is NULL after an error.
int loom_read_text(char** out, size_t* n, const char* path, size_t most, loomError* err);

/// malloc'ed "PATH.tmp", or NULL.
char* loom_temporary_name(const char* path);
/// fsync temporary, rename it to path and fsync the folder; on an error temporary is removed.
int loom_commit_file(const char* temporary, const char* path, loomError* err);

#endif
