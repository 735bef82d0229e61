// Memory that grows block by block and is given back all at once: for data that is read in once, in pieces
// whose number only the file knows, and then lives and dies together (a task).
#ifndef LOOM_ENGINE_BASE_HEAP_H
#define LOOM_ENGINE_BASE_HEAP_H

#include <stddef.h>

#include "engine/base/api.h"

LOOM_C_BEGIN

/// `loomHeap heap = {0};` is an empty one. Not for several threads at once.
typedef struct loomHeap {
  struct loomHeapBlock* last;  // the block that is being filled; the others hang behind it
  size_t used, room;           // bytes of it
  size_t total;                // bytes of all blocks
  size_t most;                 // bytes that all blocks together may have; 0 = as many as the machine gives
} loomHeap;

/// count things of `size` bytes each, zeroed and aligned for anything; NULL when memory is short. They stay
/// where they are until the heap is destroyed. No things at all are a pointer too, to nothing.
void* loom_heap_take(loomHeap* heap, size_t count, size_t size);

/// Room for one thing more behind `count` of them at `old` (nullable): `old` itself while *room suffices,
/// else twice as many elsewhere, with the old ones copied there. NULL when memory is short; `old` is still
/// good.
void* loom_heap_grow(loomHeap* heap, void* old, int count, int* room, size_t size);

/// All of it; the heap is empty afterwards.
void loom_heap_destroy(loomHeap* heap);

LOOM_C_END

#endif
