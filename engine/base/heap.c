#include "engine/base/heap.h"

#include <limits.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 14, FEWEST = 8 };  // bytes of a block; things that a growing array begins with

struct loomHeapBlock {
  struct loomHeapBlock* next;
  alignas(max_align_t) unsigned char bytes[];
};

// A block of its own for what is larger than a usual one, so that no room is wasted on guesses.
static int add_block(loomHeap* h, size_t bytes) {
  size_t room = bytes > BLOCK ? bytes : BLOCK;
  if (h->most && (h->total > h->most || room > h->most - h->total)) return -1;

  struct loomHeapBlock* block = calloc(1, sizeof *block + room);
  if (!block) return -1;
  block->next = h->last;
  h->last = block;
  h->used = 0;
  h->room = room;
  h->total += room;
  return 0;
}

void* loom_heap_take(loomHeap* h, size_t count, size_t size) {
  const size_t align = alignof(max_align_t);
  if (size && count > (SIZE_MAX / 2) / size) return NULL;

  // Rounded up, so that what comes next is aligned as well.
  size_t bytes = (count * size + align - 1) / align * align;
  if (!bytes) bytes = align;
  if (bytes > h->room - h->used && add_block(h, bytes)) return NULL;

  void* out = h->last->bytes + h->used;
  h->used += bytes;
  return out;
}

void* loom_heap_grow(loomHeap* h, void* old, int count, int* room, size_t size) {
  if (old && count < *room) return old;
  if (count > INT_MAX / 2) return NULL;

  int more = count < FEWEST ? FEWEST : 2 * count;
  void* grown = loom_heap_take(h, (size_t)more, size);
  if (!grown) return NULL;
  if (count) memcpy(grown, old, (size_t)count * size);
  *room = more;
  return grown;
}

void loom_heap_destroy(loomHeap* h) {
  for (struct loomHeapBlock *block = h->last, *next; block; block = next) {
    next = block->next;
    free(block);
  }
  *h = (loomHeap){.most = h->most};
}
