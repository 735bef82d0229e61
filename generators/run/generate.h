// Many attempts until there are enough demos: workers, journal, shards, resumption, report.
#ifndef LOOM_GENERATORS_RUN_GENERATE_H
#define LOOM_GENERATORS_RUN_GENERATE_H

#include <signal.h>

#include "engine/base/api.h"
#include "engine/base/clock.h"
#include "engine/data/dataset.h"
#include "generators/attempt/attempt.h"

LOOM_C_BEGIN

typedef struct loomGenerateDef {
  const char* out;       // the dataset to make; work in progress lies in OUT.parts
  const char* failed;    // dataset of failed attempts, or NULL
  int64_t successes;     // stop after this many; 0 = no limit
  int64_t attempts;      // stop after this many; 0 = no limit
  double seconds;        // stop after this time; 0 = no limit
  int64_t max_failures;  // give up after this many; 0 = no limit
  int64_t hopeless;      // give up when the first so many attempts all fail; default 200, 0 = never
  int best_sources;      // only so many of the sources, the best by a screening; 0 = all
  int threads;           // 0 = all cores
  bool resume;           // go on with OUT.parts
  bool share;            // make `out` together with other processes that are given the same: each joins the
                         // run in OUT.parts, or begins it. Without `seconds` and `overwrite`
  double heartbeat;      // s: what a process of another machine that does not beat has taken is another's
                         // after 1.25 of it; default 20
  int shard, shards;     // of a shared run: make starts of the shard-th (0, 1, ...) of so many parts of the
                         // first `attempts` starts, and put nothing together; 0 shards = all there is
  bool overwrite;        // throw an earlier OUT and OUT.parts away
  loomAttemptDef attempt;
  loomWriteDef write;
  bool next_obs;  // write next_obs/* too
  bool cleaned;   // the source demos are the task's cleaned ones: told in the dataset
  volatile sig_atomic_t*
      stop;  // set by a signal handler: finish the attempts in hand, then leave a valid file
  /// Called now and then by one thread.
  void (*progress)(void* user, int64_t attempts, int64_t successes, double seconds);
  void* user;
} loomGenerateDef;

loomGenerateDef loom_default_generate_def(void);

/// Attempts of each source alone, before a run of the best: what it took to find them.
typedef struct loomScreening {
  int n;              // sources; 0 = there was no screening
  int *tries, *wins;  // (n)
  int64_t attempts,
      successes;  // of all sources; they are not attempts of the run, and their demos are not kept
  int64_t physics_steps;
  double cpu_seconds;
  loomTimes times;
  int kept_count;
  int* kept;     // (kept_count) sources of the run, ascending
  bool stopped;  // before it knew
} loomScreening;

/// What a run came to. Free with loom_generate_report_destroy.
typedef struct loomGenerateReport {
  int64_t attempts, successes, physics_steps, rows;
  int64_t resumed;     // attempts taken over from earlier runs
  double seconds;      // wall clock of this run, without earlier ones that it resumed
  double cpu_seconds;  // of all workers in attempts
  loomTimes times;     // of all workers, seconds
  bool interrupted, already_complete;
  bool kept_old;   // interrupted: what was to be replaced is there still, what was made waits for --resume
  bool assembled;  // this process has written the dataset; of a shared run one does
  bool gave_up;    // after max_failures, or as hopeless; work in progress stays for a resumed run
  loomScreening screening;  // with best_sources
  int64_t result_count;
  loomAttemptResult* results;  // (result_count) in order of attempt number
} loomGenerateReport;

void loom_generate_report_destroy(loomGenerateReport* report);

/// Could the demos of that run be kept? Whoever loads scene and sources asks first: LOOM_ERR_USAGE when
/// another run's lie in their place. Nothing is made; loom_generate asks again.
int loom_generate_check(const loomTask* task, const loomGenerateDef* def, loomError* err);
int loom_generate(loomGenerateReport* report, const loomScene* scene, const loomSourceSet* sources,
                  const loomGenerateDef* def, loomError* err);

LOOM_C_END

#endif
