// What an expert did, as transitions to be told from a policy's (policies/learn/imitation.h): of demos in
// robomimic's layout, seen and done as who learns sees and does. Internal.
#ifndef LOOM_POLICIES_LEARN_IMITATED_H
#define LOOM_POLICIES_LEARN_IMITATED_H

#include "engine/base/api.h"
#include "engine/sim/control_sim.h"
#include "policies/agent/trained.h"

LOOM_C_BEGIN

/// Under which plain control tasks' demos have what is seen.
#define LOOM_CONTROL_KEY "observation"

/// What of a file is taken.
typedef struct loomImitatedPick {
  int demos;  // the first ones; 0 = all
  int every;  // of so many rows one, from one of the first ones on, which the seed says; 1 = all
  uint64_t seed;
} loomImitatedPick;

/// Free with loom_imitated_destroy.
typedef struct loomImitated {
  int obs, actions;  // numbers of a state and of an action
  int horizon;       // steps of an episode at most; 0 = as the policy's environments say
  int n, demos;
  loomReal *state, *action, *next;  // (n x obs), (n x actions), (n x obs)
  bool* known;                      // (n) next is; else it is left 0
  bool* last;                       // (n) it is its demo's last step
  int* demo;                        // (n)
  // (demos) Steps; rows that were taken; nothing follows: success or failure, not that time ran out.
  int *length, *rows;
  bool* ended;
} loomImitated;

void loom_imitated_destroy(loomImitated* expert);

/// Demos of a plain control task, of one key, observation, in the task's units (`demoloom rollout -o`).
/// Actions are held to the task's range, as the simulator does. `dones` say how a demo ended; without them
/// the expert's last step was the end. LOOM_ERR_FORMAT names file, demo and array where keys, sizes, numbers
/// or the rate are not the task's.
int loom_imitated_of_control(loomImitated* out, const char* path, const loomControlScene* scene,
                             const loomImitatedPick* pick, loomError* err);
/// Demos as a trained policy sees and does them, normalized: a step is what its network decides at once. All
/// have succeeded, but where `dones` end with 0. LOOM_ERR_FORMAT, LOOM_ERR_UNSUPPORTED: keys, actions, rates
/// or controllers that are not the policy's and the scene's, pictures and clouds.
int loom_imitated_of_policy(loomImitated* out, const char* path, const loomTrained* policy,
                            const loomScene* scene, const loomImitatedPick* pick, loomError* err);

LOOM_C_END

#endif
