// What a generation run came to, counted: rates with intervals, why and where attempts fail, which sources
// and which starts do well. Plain numbers here; as a picture in report_plot.c. Internal.
#ifndef LOOM_GENERATORS_RUN_REPORT_H
#define LOOM_GENERATORS_RUN_REPORT_H

#include "generators/run/diversity.h"

enum {
  LOOM_REPORT_GRID = 5,     // cells along x and along y
  LOOM_REPORT_YAWS = 12,    // bins of yaw
  LOOM_REPORT_LENGTHS = 24  // bins of length, at most
};

/// Attempts and successes of one group.
typedef struct loomTally {
  int64_t attempts, successes;
} loomTally;

/// Failures alike in arm, subtask, outcome and what failed, whatever figure was measured.
typedef struct loomFailure {
  int arm, subtask;  // -1: not in a subtask
  loomName where;    // the subtask's name, or "end"
  loomOutcome outcome;
  int condition, part[2];  // as in loomAttemptResult
  char reason[164];        // what failed, without figures
  int64_t count;
} loomFailure;

/// Where the first object started: a grid over the reset distribution's x and y, and bins of its yaw. A
/// start outside (objects settle first) counts in the nearest cell.
typedef struct loomRegions {
  double x[2], y[2], yaw[2];                           // m, m, rad
  loomTally cell[LOOM_REPORT_GRID][LOOM_REPORT_GRID];  // [y][x], from the low ends
  loomTally turn[LOOM_REPORT_YAWS];
  int64_t unknown;  // attempts that ended before the object had settled
} loomRegions;

/// Lengths of successful demos, control steps. Bin i holds lengths from first + i width up to the next.
typedef struct loomLengths {
  int shortest, longest;
  double mean;
  int first, width, bins;
  int64_t count[LOOM_REPORT_LENGTHS];
} loomLengths;

/// Attempts that were to recover from something; those of them to which it came; and their demos.
typedef struct loomRecoveries {
  int64_t tried, disturbed, kept;
} loomRecoveries;

typedef struct loomReport {
  loomTally all;
  double rate, low, high;  // success rate and its 95 % Wilson interval
  // Of all control steps that attempts made, the share in those that failed or that were gone back over; and
  // the latter alone. 0 where none was made.
  double doomed_share, rewound_share;
  int64_t around;                     // attempts with a way around something (detour.h)
  int64_t redrawn;                    // starts drawn again, since something fell off what it lay on
  const struct loomRecover* recover;  // what some were to recover from, borrowed; NULL = nothing
  const struct loomStartMap*
      where;  // where starts were wanted, borrowed; NULL = as the reset distribution has them
  loomRecoveries recovered[LOOM_DISTURB_TERM_MAX];  // by each of its ways
  double attempts_per_hour, demos_per_hour;         // of this run, without earlier ones that it resumed
  int failure_count;
  loomFailure* failures;  // (failure_count) the most frequent first
  int source_count;
  loomTally* sources;  // (source_count) by the source of arm 0's first subtask
  loomRegions regions;
  loomLengths lengths;
  loomDiversity diversity;
  // What it was counted from, borrowed.
  const loomGenerateReport* run;
  const loomTask* task;
  const loomSourceSet* source_set;
  int reset;      // reset distribution
  uint64_t seed;  // of the attempts
} loomReport;

/// Count a run's results. Free with loom_report_destroy.
int loom_report_make(loomReport* out, const loomGenerateReport* run, const loomTask* task,
                     const loomSourceSet* sources, const loomAttemptDef* def, loomError* err);
void loom_report_destroy(loomReport* report);

/// Draw it as one PNG of width x height pixels, 1400 x 900 at best and not below 1000 x 700, and two fifths
/// higher where there is a map of starts.
int loom_report_draw(const loomReport* report, const char* path, int width, int height, loomError* err);

#endif
