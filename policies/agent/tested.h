// How policies did in episodes that they were tested in, side by side on the same starts: success, breaches
// of the task's limits, and how jerkily the hands moved.
#ifndef LOOM_POLICIES_AGENT_TESTED_H
#define LOOM_POLICIES_AGENT_TESTED_H

#include "policies/agent/rollout.h"

LOOM_C_BEGIN

/// What is kept of one episode.
typedef struct loomTry {
  int64_t number, start;  // the attempt that it starts as
  int end;                // loomRunEnd
  int within;             // it is a success within the task's limits
  int breach;             // loomLimit that was breached first
  int steps;
  double jerk;  // as loomRollout's
} loomTry;

loomTry loom_try(const loomRollout* rollout);

/// Counts of some episodes. Zero to begin with.
typedef struct loomTested {
  int64_t n, successes, within, steps;
  int64_t breaches[LOOM_LIMITS];  // episodes by the limit that they breached first
  int64_t moved;                  // episodes that have a mean squared jerk
  double jerk;                    // sum of theirs, m^2/s^6
} loomTested;

void loom_tested_add(loomTested* tested, const loomTry* one);
/// All episodes of another as well.
void loom_tested_join(loomTested* tested, const loomTested* other);
/// Episodes beyond any limit.
int64_t loom_tested_breaches(const loomTested* tested);
/// Mean of the episodes' mean squared jerks, m^2/s^6; NAN where none has any.
double loom_tested_jerk(const loomTested* tested);

/// A policy that was made better at succeeding may breach limits and jerk this many times as much as before,
/// and no more.
#define LOOM_ROUGHER 1.2
bool loom_is_rougher(double before, double after);

/// Of n starts a line each: success of both policies (called `name`), whether within the limits, the limit
/// that was breached first, and mean squared jerk. LOOM_ERR_IO.
int loom_tested_write(const char* path, const char* const name[2], const loomTry* first,
                      const loomTry* second, int64_t n, loomError* err);

LOOM_C_END

#endif
