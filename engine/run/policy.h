// Whoever drives an episode is a policy: a generation attempt, a trained network, a scripted expert, a
// recorded demo, a teleoperator. One loop runs them all, so what was generated is what a policy meets.
#ifndef LOOM_ENGINE_RUN_POLICY_H
#define LOOM_ENGINE_RUN_POLICY_H

#include "engine/base/api.h"
#include "engine/run/judge.h"
#include "engine/run/trace.h"

LOOM_C_BEGIN

/// What `act` may give back besides an error: it has no more to do, no action was given.
enum { LOOM_POLICY_DONE = 1 };

typedef struct loomPolicy {
  void* self;
  /// Called once the episode has started, before the first act; may be NULL. 0 or an error.
  int (*reset)(void* self, loomEpisode* episode, loomError* err);
  /// The action (A) for the episode as it is now: 0, LOOM_POLICY_DONE or an error.
  int (*act)(double* action, void* self, loomEpisode* episode, loomError* err);
} loomPolicy;

/// Run a policy in an episode that has just been reset or started. `trace` (nullable) is emptied and takes
/// every row; it must have room for max_steps. Errors are the policy's, or LOOM_ERR_FORMAT for an action that
/// is not finite; a simulation that fails is a result.
int loom_policy_run(loomRunResult* out, loomEpisode* episode, const loomPolicy* policy, const loomRunDef* def,
                    loomTrace* trace, loomError* err);

/// The same a control step at a time, for what is driven by hand: begin once, then step until it gives
/// LOOM_RUN_OVER or an error.
enum { LOOM_RUN_OVER = 2 };
int loom_run_begin(loomRunResult* out, loomEpisode* episode, const loomPolicy* policy, loomTrace* trace,
                   loomError* err);
int loom_run_step(loomRunResult* run, loomEpisode* episode, const loomPolicy* policy, const loomRunDef* def,
                  loomTrace* trace, loomError* err);

LOOM_C_END

#endif
