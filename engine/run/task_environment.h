// Episodes of a manipulation task as environments, driven directly: an action is what the arms' controllers
// take, an observation the task's low-dimensional keys side by side, as datasets have them. Episode number n
// of a seed starts as attempt n of the reset distribution, to the bit as rollouts do, and the same judge ends
// it (engine/run/judge.h).
#ifndef LOOM_ENGINE_RUN_TASK_ENVIRONMENT_H
#define LOOM_ENGINE_RUN_TASK_ENVIRONMENT_H

#include "engine/base/api.h"
#include "engine/observe/observer.h"
#include "engine/run/environment.h"
#include "engine/run/judge.h"
#include "engine/sim/disturb.h"

LOOM_C_BEGIN

/// Shared by all environments, and read only while they step; `reset` may change before they begin anew.
typedef struct loomTaskSource {
  const loomScene* scene;
  int reset;              // reset distribution
  int max_steps;          // control steps of an episode; 0 = the task's
  const loomObsKey* key;  // (keys) vectors that are seen; NULL = all of the task
  int keys;
  const loomRewardDef* reward;    // what is rewarded; NULL = the task's own
  const loomDisturbSet* context;  // what episodes look like (loom_disturb_context); NULL = as the scene does
  int contexts;                   // so many of them in turn, those of context_seed; 0 = each episode has its
  uint64_t context_seed;          // own, by its seed and number
} loomTaskSource;

/// Environments of source->scene; source and scene stay as they are meanwhile. An episode is made once, for
/// the numbers of observations, actions and snapshots. *range gets (actions x 2) the bounds of an action's
/// entries, infinite where the controller takes poses as they are; the caller frees it once the environments
/// are gone. Errors as loom_episode_create's and loom_observer_create's.
///
/// A simulation that fails ends its episode as terminated, with a last
/// observation of zeros; LOOM_ERR_FORMAT: an action that is not finite.
int loom_task_environment(loomEnvironmentMaker* out, double** range, const loomTaskSource* source,
                          loomError* err);

/// Of one of them: its episode, how that goes, and how its keys lie in an observation. The episode is another
/// one after a simulation failed.
loomEpisode* loom_task_environment_episode(const loomEnvironment* environment);
const loomRunResult* loom_task_environment_run(const loomEnvironment* environment);
const loomObsKey* loom_task_environment_keys(const loomEnvironment* environment, int* n);

LOOM_C_END

#endif
