// One try at generating a demo: plan from source segments, run closed-loop in the simulator, say how it
// ended. An attempt is a pure function of (task, sources, options, seed, attempt number, source statistics).
#ifndef LOOM_GENERATORS_ATTEMPT_H
#define LOOM_GENERATORS_ATTEMPT_H

#include "engine/episode.h"
#include "engine/random.h"
#include "generators/replay.h"
#include "generators/transform.h"

typedef enum loomOutcome {
  LOOM_OUTCOME_SUCCESS,
  LOOM_OUTCOME_LOST,        // the task's `lost` condition: it can no longer come right
  LOOM_OUTCOME_UNMET,       // a subtask ended without what it `expect`s
  LOOM_OUTCOME_UNFINISHED,  // all subtasks ran, success did not hold
  LOOM_OUTCOME_TIMEOUT,     // max_steps
  LOOM_OUTCOME_SIMULATOR,   // MuJoCo failed; counted apart
  LOOM_OUTCOME_COUNT,
} loomOutcome;

const char* loom_outcome_name(loomOutcome outcome);

/// How each source did so far, for weighted selection; a snapshot taken between batches.
typedef struct loomSourceStats {
  int n;                 // sources
  const int* tries;      // (n)
  const int* successes;  // (n)
} loomSourceStats;

/// What became of an attempt. Plain data, written to the journal and the dataset.
typedef struct loomAttemptResult {
  uint64_t attempt;
  loomOutcome outcome;
  int arm, subtask;  // where it failed; -1 = not in a subtask
  char reason[160];  // which condition, how far off
  int steps;         // control steps, = rows of the demo
  int64_t physics_steps;
  int source[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];  // source demo of each subtask; -1 = not begun
  int begin[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];   // row at which each subtask began; -1 = not begun
  double object_start[7];  // settled pose of the first object, x y z then quaternion w-x-y-z
} loomAttemptResult;

/// The rows of an attempt, as a dataset stores them. Allocated once a worker, max_steps rows.
typedef struct loomTrace {
  int capacity, rows;
  int action_dim, state_dim, obs_dim, arm_count, object_count;
  double* actions;   // (rows x action_dim)
  double* states;    // (rows x state_dim), before the action
  double* obs;       // (rows x obs_dim), before the action
  double* eef;       // (rows x arms x 4 x 4)
  double* target;    // (rows x arms x 4 x 4)
  double* grip;      // (rows x arms)
  double* object;    // (objects x rows x 4 x 4)
  double* reward;    // (rows), 1 where success holds after the action
  int64_t* subtask;  // (rows x arms)
  int64_t* source;   // (rows x arms) source demo each row comes from
} loomTrace;

int loom_trace_create(loomTrace* trace, const loomEpisode* episode, int capacity, loomError* err);
void loom_trace_destroy(loomTrace* trace);

/// Options that change what attempts do, over the task file's.
typedef struct loomAttemptDef {
  int reset;  // reset distribution
  uint64_t seed;
  bool no_ordering;    // ablation: drop sequential constraints
  double noise_scale;  // factor on all noise of the task file; default 1
} loomAttemptDef;

loomAttemptDef loom_default_attempt_def(void);

/// Run attempt number `attempt`. A failed attempt is a result, not an error; errors are out of memory and the
/// like.
int loom_attempt_run(loomAttemptResult* result, loomTrace* trace, loomEpisode* episode,
                     const loomSourceSet* sources, const loomSourceStats* stats, const loomAttemptDef* def,
                     uint64_t attempt, loomError* err);

#endif
