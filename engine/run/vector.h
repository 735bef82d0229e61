// N environments stepped side by side by the worker pool. Environment i has episodes of its own: the k-th is
// attempt first + k N + i of the vector's seed, so that all of it is the same on any number of threads.
// After an episode has ended the observation is its last one; the next step takes no action there but resets
// it ("next-step autoreset" of Gymnasium): so the state that a truncated episode ended in is seen, and its
// value can be told.
#ifndef LOOM_ENGINE_RUN_VECTOR_H
#define LOOM_ENGINE_RUN_VECTOR_H

#include "engine/base/api.h"
#include "engine/run/environment.h"

LOOM_C_BEGIN

enum { LOOM_VECTOR_RECENT = 100 };

typedef struct loomVectorDef {
  int n;           // environments
  int threads;     // 0 = one a core
  uint64_t seed;   // of their episodes
  uint64_t first;  // number of the first of them
} loomVectorDef;

/// What is seen, and what the last step gave.
typedef struct loomVector {
  loomVectorDef def;
  loomEnvironmentMaker maker;
  loomEnvironment* environment;       // (n)
  double* obs;                        // (n x obs) now
  double* reward;                     // (n) of the last step, 0 where it was a reset
  double* term;                       // (n x LOOM_TERMS_TOLD) what it is made of; not in snapshots
  bool *terminated, *truncated;       // (n) by the last step
  bool* success;                      // (n) it ended so in the last step
  bool* fresh;                        // (n) the last step was a reset: no action was taken
  int* steps;                         // (n) control steps of the last step
  int64_t* episode;                   // (n) how many episodes began before the running one
  double* total;                      // (n) rewards of the running episode, the last step's included
  int* length;                        // (n) its steps
  int64_t control_steps;              // of all environments, ever
  int64_t finished;                   // episodes that ended, of all environments
  double recent[LOOM_VECTOR_RECENT];  // their totals, the newest at (finished - 1) % LOOM_VECTOR_RECENT
  bool won[LOOM_VECTOR_RECENT];       // likewise whether they ended with success
} loomVector;

int loom_vector_create(loomVector** out, const loomEnvironmentMaker* maker, const loomVectorDef* def,
                       loomError* err);
void loom_vector_destroy(loomVector* vector);
/// The first episode of each; def's seed and first may have changed since the last.
int loom_vector_reset(loomVector* vector, loomError* err);
/// One control step with actions (n x actions); the first error by number of the environment.
int loom_vector_step(loomVector* vector, const double* actions, loomError* err);
/// Whether environment i's episode ended in the last step.
bool loom_vector_ended(const loomVector* vector, int i);

/// Mean total of the latest LOOM_VECTOR_RECENT episodes that ended; NAN before the first.
double loom_vector_return(const loomVector* vector);
/// The share of them that ended with success, which their totals do not tell where more is rewarded.
double loom_vector_success(const loomVector* vector);

/// Bytes of a snapshot, from which it goes on to the same bytes.
size_t loom_vector_snapshot_size(loomVector* vector);
void loom_vector_snapshot(void* out, loomVector* vector);
int loom_vector_restore(loomVector* vector, const void* snapshot, loomError* err);

LOOM_C_END

#endif
