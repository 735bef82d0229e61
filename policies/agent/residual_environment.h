// Episodes of a task driven by a policy, as an environment in which its residual learns: a step is as many
// control steps as the residual holds, an action is what is added meanwhile, an observation what the residual
// decides from (policies/agent/residual.h): what the policy sees and is about to do. The policy decides once
// a state, whoever asks.
//
// Where the policy has no residual it is itself what learns: a step is what its network decides at once, an
// action what that says (decided x dim, normalized, without bounds), an observation what it is asked with
// (rows x obs_dim, normalized). A network that remembers is known by all rows since it last forgot: how many
// decisions it took since comes first, then as many rows as there can be, the newest last, zeros before.
// Internal.
#ifndef LOOM_POLICIES_AGENT_RESIDUAL_ENVIRONMENT_H
#define LOOM_POLICIES_AGENT_RESIDUAL_ENVIRONMENT_H

#include "engine/run/adr.h"
#include "engine/run/environment.h"
#include "engine/run/starts.h"
#include "engine/sim/disturb.h"
#include "engine/task/task_reward.h"
#include "policies/agent/residual.h"

enum { LOOM_RESIDUAL_NUMBERS = 4096 };  // of an action, at most

/// What episodes teach those that come after them; a vector's snapshots hold it. One vector at a time.
typedef struct loomResidualShared {
  loomCurriculum curriculum;  // of starts
  loomAdr adr;                // ranges of disturbances that widen
} loomResidualShared;

/// Shared by all environments: read only.
typedef struct loomResidualTask {
  const loomScene* scene;
  loomTrained* policy;            // its residual's weights do not matter here, nor, without one, its own
  int reset;                      // reset distribution
  int max_steps;                  // control steps of an episode
  bool limits;                    // episodes that go beyond the task's limits end, as lost
  const loomRewardDef* reward;    // NULL = the task's own
  const loomStarts* starts;       // where episodes begin; NULL = all in the reset distribution
  const loomDisturbSet* disturb;  // what disturbs them; NULL = nothing
  bool widens;                    // its ranges are shared->adr's: half of the episodes try one's end
  loomResidualShared* shared;     // NULL: neither starts nor ranges that widen
  // Of these:
  loomResidualSpace space;  // with a residual
  int inputs, numbers;      // of an observation, and of an action
  int hold;                 // control steps of an action
  int longest;              // decisions of an episode at most
} loomResidualTask;

/// Fill in what follows of the rest. The policy's errors, of a policy that is not of this scene.
int loom_residual_task(loomResidualTask* task, loomError* err);
/// A step's reward is the sum of its control steps' (engine/run/reward.h). Success that has held, `lost` and,
/// where asked, breached limits end an episode. Snapshots hold where it began and what was added, from which
/// it is run again: so nothing need be known of the policy's memory.
loomEnvironmentMaker loom_residual_environment(const loomResidualTask* task);

/// The same of a demo that somebody else drove, of `rows` states (rows x S) and actions (rows x A): obs (n x
/// inputs) at each of its n decisions, as the policy has them there, action (n x space.n), the offset in
/// [-1, 1] that comes nearest to what was done until the next, and reward (n), the last as in the step with
/// which success has held. (seed, number): the policy's random stream.
int loom_residual_decisions(const loomResidualTask* task, int rows);
int loom_residual_demo(loomReal* obs, loomReal* action, loomReal* reward, const loomResidualTask* task,
                       const double* states, const double* actions, int rows, uint64_t seed, uint64_t number,
                       loomError* err);

#endif
