// A watcher's file, in safetensors: weights (model.*), the poses' statistics (normal.*), the goal and how it
// is made (watch.*); metadata `keys` (names of what it looks at) and, of pictures, `sense` (how they are
// made, engine/observe/sense.h). Internal.
#ifndef LOOM_POLICIES_NETWORK_WATCHER_FILE_H
#define LOOM_POLICIES_NETWORK_WATCHER_FILE_H

#include "policies/network/watcher.h"

/// Atomic. sense may be NULL.
int loom_watcher_save(const char* path, const loomWatcher* watcher, const char* sense, loomError* err);
/// From a file that has been read, named label in messages, for so many rows at a time. Files may come from
/// strangers: LOOM_ERR_FORMAT where something is missing or has not the shape that the rest says.
int loom_watcher_read(loomWatcher* out, const loomSafetensors* file, const char* label, int rows,
                      loomError* err);

#endif
