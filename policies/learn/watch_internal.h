// What the files of learning by watching share. Internal.
#ifndef LOOM_POLICIES_LEARN_WATCH_INTERNAL_H
#define LOOM_POLICIES_LEARN_WATCH_INTERNAL_H

#include "engine/base/random.h"
#include "engine/base/run_folder.h"
#include "policies/learn/watch.h"
#include "policies/nn/tensor.h"

typedef struct watchRun watchRun;

/// How something is learned, and what is made of it in the end.
typedef struct watchMethod {
  /// Networks, once the demos are read; run->self is its own.
  int (*create)(watchRun* run, loomError* err);
  loomParams* (*params)(watchRun* run);
  /// The gradient of one step, written over params'; gives the loss.
  double (*learn)(watchRun* run, loomRandom* random);
  /// After the last step: what it is worth, and its files.
  int (*finish)(watchRun* run, loomError* err);
  void (*destroy)(watchRun* run);
} watchMethod;

struct watchRun {
  const loomWatchDef* def;
  loomWatchConfig config;  // settled
  const watchMethod* method;
  loomWatched data;
  int held;  // demos from here on are kept aside
  int others;
  loomWatched other[LOOM_WATCH_OTHERS];  // (others) that are measured as well
  loomRunFolder folder;
  loomWatchState state;
  void* self;
};

/// After each part of what follows the last step; LOOM_ERR_INTERRUPTED where it is to stop.
static inline int loom_watch_measured(const watchRun* run, int done, int n, loomError* err) {
  if (run->def->measuring) run->def->measuring(run->def->user, done, n);
  if (!run->def->stop || !*run->def->stop) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_INTERRUPTED, "stopped after the last step");
}

extern const watchMethod loom_watch_embedding, loom_watch_translation;

#endif
