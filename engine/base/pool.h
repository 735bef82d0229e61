// Internal. A pool of workers that share out n items: attempts, episodes, demos to be drawn. The only place
// where the library makes threads, but for the kernels of networks.
//
//   loomPoolDef def = {.n = 100, .user = &run, .item = attempt_one};
//   int code = loom_pool_run(&def, err);
//
// Items are handed out in order of their number, so what depends on numbers alone, and writes to its own
// slot, is the same on any number of threads. Inside an item everything runs on one thread: matrix products
// shared out among several would differ in their last bits. A pool inside a pool's item therefore has one
// worker.
#ifndef LOOM_ENGINE_BASE_POOL_H
#define LOOM_ENGINE_BASE_POOL_H

#include <signal.h>
#include <stdbool.h>

#include "engine/base/error.h"

enum { LOOM_POOL_TOGETHER = 16 };  // items of a worker side by side, at most

/// The items that a worker has in hand.
typedef struct loomPoolHand {
  int n;
  int slot[LOOM_POOL_TOGETHER];         // (n) where they were begun
  bool over[LOOM_POOL_TOGETHER];        // (n) becomes true: it has ended,
  int code[LOOM_POOL_TOGETHER];         // (n) with 0 or an error,
  loomError error[LOOM_POOL_TOGETHER];  // (n) this one
} loomPoolHand;

typedef struct loomPoolDef {
  int n;        // items, numbered 0 .. n - 1
  int threads;  // workers; 0 = one a core. Never more than items
  void* user;   // given to each function below

  /// One item, by the worker of this number (0 .. workers - 1). A code other than 0 is an error: no further
  /// item begins, those in hand are finished, and the error of the lowest item number is that of the run.
  int (*item)(void* user, int worker, int i, loomError* err);

  /// In place of `item`, for what is cheaper together: a worker has up to `together` items in hand, each
  /// begun in a slot of its own (0 .. together - 1), where one that has ended makes room for the next.
  /// `advance` takes all of them some way on. Errors count as `item`'s; after LOOM_ERR_INTERRUPTED what is in
  /// hand is left as it is.
  int together;  // 0: one after the other, by `item`
  int (*begin)(void* user, int worker, int slot, int i, loomError* err);
  void (*advance)(void* user, int worker, loomPoolHand* hand);

  // All below may be NULL.

  /// In a worker's own thread, before its first item; its error is that item's. destroy undoes it, in the
  /// same thread, once there is nothing more to do; it is not called where create failed.
  int (*create)(void* user, int worker, loomError* err);
  void (*destroy)(void* user, int worker);

  /// After an item without an error, one at a time, in the order in which they end; nothing is handed out
  /// meanwhile. `prefix` items, 0 .. prefix - 1, are finished without a gap. Its error counts as the item's.
  int (*finished)(void* user, int worker, int i, int prefix, loomError* err);

  /// Asked before each item, one worker at a time and never beside `finished`: true, or *stop set by a
  /// signal, and no further item begins. That is no error.
  bool (*enough)(void* user);
  const volatile sig_atomic_t* stop;
} loomPoolDef;

/// Run the items; back when all workers are done. 0, also when stopped early, or the first error by item
/// number; LOOM_ERR_MEMORY when there is no room to keep count.
int loom_pool_run(const loomPoolDef* def, loomError* err);

/// How many workers: `wanted`, or one a core when that is 0; at most n (0 = no such limit), at least 1.
int loom_pool_workers(int wanted, int n);

/// Threads that the kernels of networks use from now on in this thread; 0 leaves them as they are. Returns
/// how many it were, to be given back later.
int loom_set_kernel_threads(int threads);

#endif
