// Starts of a run that several processes share, in OUT.parts: whoever holds a start's lease
// (engine/base/lease.h, in OUT.parts/leases) tries it, and leaves what came of it in a file of its own,
// start-00000012, once its demo is there. A start is a pure function of its number and of the batches before
// it, so whoever makes it makes the same, and one that is made twice does no harm. Files are put in place by
// a rename and survive kill -9 and power cuts; one that is damaged is told, and its start made again.
// Internal.
#ifndef LOOM_GENERATORS_RUN_SHARE_H
#define LOOM_GENERATORS_RUN_SHARE_H

#include "engine/base/columns.h"
#include "generators/attempt/attempt.h"

#define LOOM_SHARE_LEASES "leases"    // the folder
#define LOOM_SHARE_RESULTS "start-"   // and a number: what came of a start
#define LOOM_SHARE_PATTERN "start-*"  // of these, and of leases on them
#define LOOM_SHARE_END "end"          // the lease on putting it all together: end.1, ...

typedef struct loomShare loomShare;

typedef struct loomShareDef {
  const char* folder;             // OUT.parts
  bool alone;                     // nobody else is at work: no leases
  double beat;                    // s (loomLeaseDef)
  int workers;                    // of this process
  const loomColumns* columns;     // of loomAttemptResult
  const loomAttemptDef* attempt;  // of the run
} loomShareDef;

/// What came of a start.
typedef struct loomStartResult {
  int n;                       // tries that were made of it; 0: nothing is known
  loomAttemptResult* attempt;  // (tries that a start gets, n of them filled)
  double cpu_seconds;
  loomTimes times;
} loomStartResult;

/// Errors: LOOM_ERR_MEMORY, LOOM_ERR_IO.
int loom_share_open(loomShare** out, const loomShareDef* def, loomError* err);
/// Leases that are held go back. Takes NULL.
void loom_share_close(loomShare* share);
/// Is there anything that a shared run has left?
bool loom_share_left(const char* folder);

/// What came of the start of attempt `number`, from that try on; out->n = 0 where nobody has made it yet.
int loom_share_read(loomStartResult* out, const loomShare* share, uint64_t number, loomError* err);
/// Does somebody seem to be at it? A quick look; he may be gone.
bool loom_share_seems_taken(const loomShare* share, uint64_t start);
/// Take the start for a worker (0 .. workers - 1) that has none. Others may have made it since it was looked
/// for.
int loom_share_take(bool* taken, loomShare* share, int worker, uint64_t start, loomError* err);
/// What the worker made of it, for all to see.
int loom_share_write(const loomShare* share, int worker, const loomStartResult* result, loomError* err);
/// The worker lets go of what it has: `done`, or for others to make.
void loom_share_give(loomShare* share, int worker, bool done);

/// The same of putting the dataset together, which one process does.
int loom_share_take_end(bool* taken, loomShare* share, loomError* err);

/// Where a worker writes what is to lie at `place`, and that it has been written.
void loom_share_draft(char path[LOOM_PATH_MAX], const loomShare* share, int worker, const char* place);
int loom_share_put(const char* draft, const char* place, loomError* err);

#endif
