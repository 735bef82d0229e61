// One try at generating a demo: plan from source segments, run closed-loop in the simulator, say how it
// ended. An attempt is a pure function of (task, sources, options, seed, attempt number, source statistics).
#ifndef LOOM_GENERATORS_ATTEMPT_ATTEMPT_H
#define LOOM_GENERATORS_ATTEMPT_ATTEMPT_H

#include "engine/base/api.h"
#include "engine/base/random.h"
#include "engine/run/policy.h"
#include "engine/sim/disturb.h"
#include "generators/attempt/transform.h"
#include "generators/source/replay.h"

LOOM_C_BEGIN

typedef enum loomOutcome {
  LOOM_OUTCOME_SUCCESS,
  LOOM_OUTCOME_LOST,   // it can no longer come right: the task's `lost` holds, a subtask's `during` does not
  LOOM_OUTCOME_STUCK,  // an arm stands away from its target: out of reach, at a joint limit, blocked
  LOOM_OUTCOME_UNMET,  // a subtask ended without what it `expect`s
  LOOM_OUTCOME_UNFINISHED,  // all subtasks ran, success did not hold
  LOOM_OUTCOME_TIMEOUT,     // max_steps
  LOOM_OUTCOME_ROUGH,       // it went beyond the task's `limits`
  LOOM_OUTCOME_SIMULATOR,   // MuJoCo failed; counted apart
  LOOM_OUTCOME_NO_WAY,      // no source whose plan the arms can follow, seen before anything was moved
  LOOM_OUTCOME_COUNT,
} loomOutcome;

const char* loom_outcome_name(loomOutcome outcome);

/// How each source did so far, for weighted selection; a snapshot taken between batches.
typedef struct loomSourceStats {
  int n;                 // sources
  const int* tries;      // (n)
  const int* successes;  // (n)
  const int* failed;     // (n) at this very start already, in earlier tries; NULL = none
  const double* share;   // (stages x n) balanced selection's of the next attempts (quota.h); NULL = all alike
} loomSourceStats;

enum { LOOM_DRAWN = 3, LOOM_MAX_TRIES = 32 };

/// What became of an attempt. Plain data, written to the journal and the dataset.
typedef struct loomAttemptResult {
  uint64_t attempt;
  loomOutcome outcome;
  // Where it failed: the arm that the failing condition or limit names, or that holds or is after the object
  // it names; -1 = none, or not one alone. Its subtask then; -1 = not in one.
  int arm, subtask;
  // What failed. Failures alike in these (with arm, subtask and outcome) are counted as one.
  int condition;  // index into the task's conditions of the one that decided; -1 = none did
  int part[2];    // of the model: ROUGH's two geoms, its joint or STUCK's at its limit; -1 = none
  // What was measured of it: the condition's value; STUCK: m from the target; ROUGH: m deep, or the share of
  // the joint's speed limit.
  double value;
  char subject[164];  // what failed in words, without figures
  char reason[160];   // the same with how far off
  int steps;          // control steps, = rows of the demo
  // What it was to recover from, by its place in loomRecover; -1 = from nothing. And the control steps that
  // went before it had passed, which are in no row; 0 = it did not come to it.
  int recover, recover_step;
  int64_t physics_steps;
  int64_t rewound;  // control steps that it went back over, and are in no row (rewind.h)
  int64_t detours;  // ways to segments that went around something (detour.h)
  int64_t redrawn;  // starts drawn before this one at which something fell off what it lay on
  int source[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];  // source demo of each subtask; -1 = not begun
  int begin[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];   // row at which each subtask began; -1 = not begun
  // Of the first object as drawn: x, y, yaw and then its variables. Not a number where nothing was drawn.
  double drawn[LOOM_DRAWN + LOOM_MAX_VARIABLES];
  double path[LOOM_MAX_ARMS];  // m that each end effector has gone
  double object_start[7];      // settled pose of the first object, x y z then quaternion w-x-y-z
} loomAttemptResult;

struct loomRecover;   // recover.h
struct loomStartMap;  // start_map.h

/// Options that change what attempts do, over the task file's.
typedef struct loomAttemptDef {
  int reset;  // reset distribution
  uint64_t seed;
  bool no_ordering;    // ablation: drop sequential constraints
  bool no_preview;     // ablation: plans are run without looking ahead
  double noise_scale;  // factor on all noise of the task file; default 1
  // Tries that a start gets until one succeeds; default 1. The start of attempt n is number n / tries.
  int tries;
  bool stratified;                // starts are those of a Latin hypercube (loom_episode_reset_stratified)
  const loomDisturbSet* disturb;  // what disturbs attempts, drawn by the number of their start; default NULL
  /// What some of them recover from; default NULL. Not with `disturb`.
  const struct loomRecover* recover;
  const struct loomStartMap* where;  // where starts are wanted; default NULL. Not with `stratified`.
} loomAttemptDef;

loomAttemptDef loom_default_attempt_def(void);

/// Run attempt number `attempt`. A failed attempt is a result, not an error; errors are out of memory and
/// the like.
int loom_attempt_run(loomAttemptResult* result, loomTrace* trace, loomEpisode* episode,
                     const loomSourceSet* sources, const loomSourceStats* stats, const loomAttemptDef* def,
                     uint64_t attempt, loomError* err);

/// The same a control step at a time, to be looked at meanwhile. Everything given must outlive it,
/// unchanged; the episode is reset.
typedef struct loomAttempt loomAttempt;
int loom_attempt_begin(loomAttempt** out, loomAttemptResult* result, loomTrace* trace, loomEpisode* episode,
                       const loomSourceSet* sources, const loomSourceStats* stats, const loomAttemptDef* def,
                       uint64_t attempt, loomError* err);
/// 0, LOOM_RUN_OVER (result says how it ended) or an error. Until then result has the subtasks begun so far.
int loom_attempt_step(loomAttempt* attempt, loomError* err);
void loom_attempt_destroy(loomAttempt* attempt);

LOOM_C_END

#endif
