// Which files a cached result was made from, and whether they are still the same. Internal.
#ifndef LOOM_ENGINE_MODEL_MADE_FROM_H
#define LOOM_ENGINE_MODEL_MADE_FROM_H

#include <stdbool.h>

#include "engine/base/cache.h"
#include "engine/base/text.h"
#include "engine/model/model.h"

/// Where files are looked for, and a text of two lines a file: how it was asked for; what it is now (path,
/// size, inode and times). Zero-initialize but for the roots; free with loom_made_from_destroy.
typedef struct loomMadeFrom {
  const loomAssetRoots* roots;
  loomText text;
  bool unsure;  // a file changed so lately that its times may not tell the next change: nothing is kept
} loomMadeFrom;

/// Note a file that was read: the normalized path of an asset, or with a '=' before it any other file's.
void loom_made_from_add(loomMadeFrom* from, const char* asked);
void loom_made_from_destroy(loomMadeFrom* from);

/// The beginning of a key: what is kept, made by which versions, from files in which roots.
void loom_cache_key(loomText* key, const char* kind, const loomAssetRoots* roots);
/// loom_cache_load, and every file it was made from is still there as it was.
bool loom_cache_find(loomCached* out, const loomText* key, const loomAssetRoots* roots);
/// loom_cache_store, unless it is unsure.
void loom_cache_keep(const loomText* key, const loomMadeFrom* from, const void* bytes, size_t n);

#endif
