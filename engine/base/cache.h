// Results kept between runs: a blob under a key, in one file each below the home folder. A key is the text of
// all that the result depends on and is compared in full, so no hash can mislead. An entry that is damaged,
// cut short or of another version is as good as none, and a folder that cannot be written is no error.
// Internal.
#ifndef LOOM_ENGINE_BASE_CACHE_H
#define LOOM_ENGINE_BASE_CACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

/// Where fetched and computed things lie: $DEMOLOOM_HOME, else $XDG_CACHE_HOME/demoloom, else
/// ~/.cache/demoloom. It need not exist.
void loom_home_dir(char out[LOOM_PATH_MAX]);

/// What an entry holds. Zero-initialize; free with loom_cached_destroy.
typedef struct loomCached {
  const char* file;  // (n) the whole entry, mapped; what follows points into it
  size_t n;
  const char *inputs, *bytes;
  size_t ninputs, nbytes;
} loomCached;

/// What is kept, each in a folder of its own: a run over many models does not push out what took minutes.
typedef enum loomCacheRoom { LOOM_CACHE_MODELS, LOOM_CACHE_PIECES } loomCacheRoom;

/// The entry of a key (nkey bytes), which is then the newest; false when there is none that is whole.
bool loom_cache_load(loomCached* out, loomCacheRoom room, const char* key, size_t nkey);
void loom_cached_destroy(loomCached* cached);

/// Keep bytes under a key, with ninputs bytes that tell which files they were made from, for the caller to
/// compare. Entries beyond the newest of the room, 64 models or 512 pieces, are removed.
void loom_cache_store(loomCacheRoom room, const char* key, size_t nkey, const char* inputs, size_t ninputs,
                      const void* bytes, size_t nbytes);

#endif
