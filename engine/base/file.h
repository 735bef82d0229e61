// Files that appear whole or not at all: written beside their place, then renamed to it.
#ifndef LOOM_ENGINE_BASE_FILE_H
#define LOOM_ENGINE_BASE_FILE_H

#include "engine/base/error.h"

/// malloc'ed "PATH.tmp", or NULL.
char* loom_temporary_name(const char* path);
/// fsync temporary, rename it to path and fsync the folder; on an error temporary is removed.
int loom_commit_file(const char* temporary, const char* path, loomError* err);

#endif
