// Work done aside, in a process of its own: what other people's code makes of a stranger's file may crash it,
// loop for ever or take all memory, and harms nobody then. Internal.
#ifndef LOOM_ENGINE_BASE_ASIDE_H
#define LOOM_ENGINE_BASE_ASIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

/// Memory that the child and its parent share: what the child takes of it is what it hands over, pointers
/// included, since it lies at the same address in both.
typedef struct loomShelf {
  unsigned char* bytes;
  size_t used, room;
} loomShelf;

/// n bytes, zeroed; NULL once the shelf is full. What follows begins loom_shelf_round(n) bytes further on.
void* loom_shelf_take(loomShelf* shelf, size_t n);
size_t loom_shelf_round(size_t n);

typedef struct loomAsideDef {
  const char* what;  // for messages: "scan.glb"
  /// In the child. Returns 0, with *result on the shelf, or an error. It must not print, and ends there.
  int (*work)(void* user, loomShelf* shelf, void** result, loomError* err);
  void* user;
  bool writes;    // it may write files
  bool confined;  // once `prepare` has run it may read files and compute, and nothing else
  /// In the child, before it is confined: loads libraries. Nullable.
  int (*prepare)(void* user, loomError* err);
  double shelf_mb;   // what the result may take
  double memory_mb;  // what the child may take beyond that and what its parent has
  double seconds;    // of CPU
  /// Asked several times a second; true ends it: LOOM_ERR_INTERRUPTED. Nullable.
  bool (*wait)(void* user, double seconds);
  void* wait_user;
} loomAsideDef;

/// 512 MB of result, 4 GB of memory, 600 s.
loomAsideDef loom_default_aside_def(void);

/// What the work has left on the shelf; free with loom_aside_destroy.
typedef struct loomAside {
  void* result;
  unsigned char* mapped;
  size_t size;
} loomAside;

/// Do the work and wait for it. Errors are its own; LOOM_ERR_FORMAT where it crashed or took too long or too
/// much; LOOM_ERR_MEMORY when there is no room for a child.
int loom_aside_run(loomAside* out, const loomAsideDef* def, loomError* err);
void loom_aside_destroy(loomAside* aside);

/// Whether, since this was last asked, a child that was to be confined was not: the system refuses it.
bool loom_aside_unconfined(void);

#endif
