// An environment is what a policy learns in by trying: reset, step, observation, reward, terminated (failed
// or succeeded: nothing follows) apart from truncated (out of time: much would have followed). Plain control
// tasks are one kind; episodes of a manipulation task are to be another behind the same functions.
#ifndef LOOM_ENGINE_RUN_ENVIRONMENT_H
#define LOOM_ENGINE_RUN_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/api.h"
#include "engine/sim/control_sim.h"

LOOM_C_BEGIN

/// Terms of a reward that are told one by one, at most.
enum { LOOM_TERMS_TOLD = 32 };

typedef struct loomEnvironmentStep {
  double reward;
  /// What it is made of, in the order of its terms, without their weights (plain control tasks) or with them
  /// (robots' tasks): the sum over the control steps.
  double term[LOOM_TERMS_TOLD];
  bool terminated, truncated;
  bool success;  // it ended so
  int steps;     // control steps that it took
} loomEnvironmentStep;

typedef struct loomEnvironment {
  void* self;
  /// Begin an episode, a pure function of (seed, attempt).
  int (*reset)(void* self, uint64_t seed, uint64_t attempt, loomError* err);
  /// One step with action (actions): a control step, or several where an action is held.
  int (*step)(loomEnvironmentStep* out, void* self, const double* action, loomError* err);
  /// obs (obs). What of the state's observation is costly may be left for here, where it cannot fail.
  void (*observe)(double* obs, void* self);
  /// Everything that further steps depend on, snapshot_size bytes aligned for doubles.
  void (*snapshot)(void* out, const void* self);
  int (*restore)(void* self, const void* snapshot, loomError* err);
  void (*destroy)(void* self);
  /// NULL, or told that an episode ended, in the environments' order and while none of them takes a step: so
  /// that `common` may change.
  void (*ended)(void* self, bool success);
  /// NULL, or whether the running episode began where those without noise that it is compared with do not.
  bool (*elsewhere)(const void* self);
} loomEnvironment;

/// Makes any number of environments of one kind.
typedef struct loomEnvironmentMaker {
  const void* source;
  int obs, actions;
  const double* range;  // (actions x 2) lowest and highest entry of an action; NULL = without bounds
  size_t snapshot_size;
  void* common;        // what they share and `ended` changes, without pointers; part of a vector's snapshots
  size_t common_size;  // bytes
  int (*create)(loomEnvironment* out, const void* source, loomError* err);
  /// NULL, or what n environments would do in `observe` each, done together: at a lower price, with the same
  /// result. Whoever steps several may call it between their steps and their observations.
  void (*prepare)(loomEnvironment* environment, int n);
} loomEnvironmentMaker;

/// Environments of a control task; the scene stays as it is meanwhile.
loomEnvironmentMaker loom_control_environment(const loomControlScene* scene);

LOOM_C_END

#endif
