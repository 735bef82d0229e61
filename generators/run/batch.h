// A run of loom_generate while it is at work, and a batch of its starts. Internal.
#ifndef LOOM_GENERATORS_RUN_BATCH_H
#define LOOM_GENERATORS_RUN_BATCH_H

#include "generators/run/generate.h"
#include "generators/run/journal.h"
#include "generators/run/made.h"

enum { LOOM_BATCH_STARTS = 64 };   // at most, where an attempt depends on the batches before its own
enum { LOOM_BATCH_AHEAD = 1024 };  // where it does not, and processes share the run: hundreds at work at once

typedef struct loomGenerateWorker {
  loomEpisode* episode;
  loomTrace trace;
  int* failed;  // (best) at the start in hand
  double cpu;
} loomGenerateWorker;

typedef struct loomGenerateRun {
  loomGenerateReport* report;
  const loomScene* scene;
  const loomSourceSet* sources;
  loomSourceSet best;  // the sources that attempts use: all, or those that a screening has kept
  const loomGenerateDef* def;
  loomJournal* journal;
  loomGenerateWorker* workers;
  int worker_count;
  int *tries, *wins;  // (best) as of the last finished batch
  int stages;
  int *stage_tries, *stage_wins;  // (stages x best) likewise, where sources are mixed
  double* kept;                   // (best) rows of kept demos, in demos
  double *share, *share_room;     // (stages x best) of the batch's attempts, and room to find them
  double begun;
  uint64_t first;          // attempt number of the batch's first: seldom a later try, where a run was cut off
  int most_tries;          // that a start gets
  int count, room;         // starts of the batch, and for how many there is room
  loomStartResult* start;  // (room) what came of them, in `batch`
  bool* known;             // (room) that it has been made
  bool* earlier;           // (room) by an earlier run
  bool* elsewhere;         // (room) by another process of this run
  bool* ended;             // (room) no worker has it in hand any more, in this round
  int handed;              // starts that workers have been given in this round: the first ones
  loomAttemptResult* batch;   // (room x tries) of these starts
  loomAttemptResult* prefix;  // (room x tries) those that count: finished without a gap, and asked for
  int starts, attempts;       // of which so many starts, and attempts
  int64_t prefix_successes;   // successes up to there, earlier batches included
  loomMade others;            // starts that other processes make or have made
  bool behind;                // what it has found so far was there before it began
  double seen;                // when others' starts were last looked for
  double looked;              // when leases that others have were last asked for
  bool ask_next;              // the next round asks for them
  bool ask_all;               // this round asks for them
  int found;                  // starts of this round that are there now
} loomGenerateRun;

/// Make `count` starts of the batch that begins with attempt `first`, or as many as are enough: run->prefix.
int loom_batch_run(loomGenerateRun* run, uint64_t first, int count, loomError* err);

/// One attempt, by a worker that knows which sources have failed at its start (loom_batch_find_failed).
int loom_batch_attempt(loomGenerateRun* run, loomGenerateWorker* worker, loomAttemptResult* result,
                       uint64_t number, loomError* err);
/// What earlier tries at the start of an attempt used, of the first n results.
void loom_batch_find_failed(int* failed, const loomGenerateRun* run, uint64_t number, int64_t n);

/// Whether what sources did in earlier batches has a say in which one an attempt takes.
bool loom_batch_looks_back(const loomGenerateRun* run);

/// The number in `sources` of one of those that attempts use.
int loom_batch_source(const loomGenerateRun* run, int best);
/// Whether an attempt took segments from a source.
bool loom_batch_uses(const loomAttemptResult* result, int source);
bool loom_batch_time_is_up(const loomGenerateRun* run);
bool loom_batch_gives_up(const loomGenerateDef* def, int64_t attempts, int64_t successes);

#endif
