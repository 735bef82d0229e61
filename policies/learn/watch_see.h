// What an embedding, or what is seen as it is, says of demos: how well it tells how far they have come.
// Internal.
#ifndef LOOM_POLICIES_LEARN_WATCH_SEE_H
#define LOOM_POLICIES_LEARN_WATCH_SEE_H

#include "policies/learn/watch_internal.h"
#include "policies/network/watcher.h"
#include "policies/report/alignment.h"

enum { LOOM_WATCH_MEASURED = 200 };  // rows of a demo, evenly along it, that measures are taken of

/// A demo as one camera shows it, or of poses alone.
typedef struct watchSequence {
  const loomWatchedDemo* demo;
  int picture;   // -1: none
  double* time;  // (rows) of each, from 0 to 1
  int last;      // the row of time 1
} watchSequence;

/// Demo after demo, each camera by itself.
typedef struct watchSequences {
  int n;
  watchSequence* at;  // (n)
} watchSequences;

/// Free with loom_watch_sequences_destroy, whatever comes back. LOOM_ERR_MEMORY.
int loom_watch_sequences(watchSequences* out, const loomWatched* data, const loomWatchConfig* config,
                         loomError* err);
void loom_watch_sequences_destroy(watchSequences* sequences);

/// Row number i of the watcher's next look.
void loom_watch_put_row(loomWatcher* watcher, int i, const watchSequence* sequence, int row);

typedef struct watchSeen {
  const watchRun* run;
  loomWatcher* watcher;
  bool plain;  // what is seen as it is, in place of embeddings
  int dim;
  const watchSequence *learned, *shown;  // from whose ends the goal follows; that are measured
  int learns, shows;
  loomReal** row;         // (shows) (n x dim)
  loomAlignedDemo* demo;  // (shows)
  loomReal* goal;         // (dim)
  double scale;
} watchSeen;

/// Of the first `learns` sequences the goal is made, the others are measured. LOOM_ERR_MEMORY,
/// LOOM_ERR_INTERRUPTED.
int loom_watch_see(watchSeen* see, loomError* err);
void loom_watch_forget(watchSeen* see);
/// Scaled distance to the goal along a sequence that is shown (its demo.n).
void loom_watch_distances(double* out, const watchSeen* see, int i);
int loom_watch_measure(loomWatchLook* out, const watchSeen* see, loomError* err);

#endif
