// What came of a start of a run that several processes share (engine/base/share.h), in a file of its own in
// OUT.parts, start-00000012, once its demo is there. A start is a pure function of its number and of the
// batches before it. Internal.
#ifndef LOOM_GENERATORS_RUN_MADE_H
#define LOOM_GENERATORS_RUN_MADE_H

#include "engine/base/columns.h"
#include "engine/base/share.h"
#include "generators/attempt/attempt.h"

#define LOOM_MADE_FILES "start-"     // and a number: what came of a start
#define LOOM_MADE_PATTERN "start-*"  // of these, and of leases on them

/// What came of a start.
typedef struct loomStartResult {
  int n;                       // tries that were made of it; 0: nothing is known
  loomAttemptResult* attempt;  // (tries that a start gets, n of them filled)
  double cpu_seconds;
  loomTimes times;
} loomStartResult;

/// Where such files lie, and what is in them.
typedef struct loomMade {
  loomShare* share;               // NULL: nobody else is at work, nor was
  const loomColumns* columns;     // of loomAttemptResult
  const loomAttemptDef* attempt;  // of the run
} loomMade;

/// What came of the start of attempt `number`, from that try on; out->n = 0 where nobody has made it yet.
int loom_made_read(loomStartResult* out, const loomMade* made, uint64_t number, loomError* err);
/// What a worker made of it, for all to see.
int loom_made_write(const loomMade* made, int worker, const loomStartResult* result, loomError* err);

/// Of a start, its lease and its file.
void loom_made_name(char out[32], uint64_t start);

#endif
