// The rows of one episode, as a dataset stores them. Row t is what was so when action t was taken.
#ifndef LOOM_ENGINE_RUN_TRACE_H
#define LOOM_ENGINE_RUN_TRACE_H

#include "engine/base/api.h"
#include "engine/observe/observer.h"

LOOM_C_BEGIN

/// Allocated once a worker, `capacity` rows.
typedef struct loomTrace {
  int capacity, rows;
  int action_dim, state_dim, obs_dim, arm_count, object_count;
  loomObserver* observer;  // all low-dimensional keys of the task: what `obs` has side by side
  double* actions;         // (rows x action_dim)
  double* states;          // (rows x state_dim), before the action
  double* obs;             // (rows + 1 x obs_dim), before each action and after the last
  double* eef;             // (rows x arms x 4 x 4), world frame
  double* object;          // (objects x capacity x 4 x 4), world frame
  double* reward;          // (rows), 1 where success holds after the action
  // What the driver of the episode meant, written by it before the row is taken; left as they are by others.
  double* target;    // (rows x arms x 4 x 4) target poses, world frame
  double* grip;      // (rows x arms) gripper actions
  int64_t* subtask;  // (rows x arms)
  int64_t* source;   // (rows x arms) source demo each row comes from
} loomTrace;

/// Room for `capacity` control steps of an episode. LOOM_ERR_MEMORY.
int loom_trace_create(loomTrace* trace, const loomEpisode* episode, int capacity, loomError* err);
void loom_trace_destroy(loomTrace* trace);

/// Take one row: the episode as it is now and the action (A) about to be taken. There must be room.
void loom_trace_add(loomTrace* trace, loomEpisode* episode, const double* action);
/// Take what is seen after the last action.
void loom_trace_end(loomTrace* trace, loomEpisode* episode);
/// Where the driver did not say what grippers do: of each row's action the mean of a gripper's entries.
void loom_trace_put_grippers(loomTrace* trace, const loomEpisode* episode);

LOOM_C_END

#endif
