// Asset files of a model from outside: where one may be, and its bytes. Only what lies inside an asset root
// once all symbolic links are resolved is ever opened. Internal.
#ifndef LOOM_ENGINE_MODEL_ASSET_H
#define LOOM_ENGINE_MODEL_ASSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/model/model.h"

/// dir/file (file alone when it is absolute; dir may be NULL) with "." and ".." taken out and backslashes
/// turned. Returns 0, LOOM_ERR_FORMAT when it climbs above where it starts, or when it is empty or too long.
int loom_asset_normalize(char out[LOOM_PATH_MAX], const char* dir, const char* file);

/// The part of a normalized path after its last component `name`, or NULL: ("/a/b/c/d", "b") gives "c/d".
const char* loom_asset_after(const char* path, const char* name);

/// The part after the last "models/assets/", or NULL.
const char* loom_asset_tail(const char* path);

/// The real path of a file by its normalized path, malloc'ed, or NULL: in no root, or out of memory.
char* loom_asset_find(const loomAssetRoots* roots, const char* path);

/// Find a file by its normalized path and read it. what names it in messages ("demo.hdf5:data/demo_3:31: mesh
/// \"link0\""). *bytes is malloc'ed. Errors: LOOM_ERR_IO (in no root, unreadable), LOOM_ERR_FORMAT (outside
/// the roots; larger than max_bytes), LOOM_ERR_MEMORY.
int loom_asset_read(void** bytes, int64_t* size, const loomAssetRoots* roots, const char* path,
                    int64_t max_bytes, const char* what, loomError* err);

#endif
