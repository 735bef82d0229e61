// The networks of PPO from scratch: an actor whose output is the mean of a Gaussian over actions, with
// deviations that depend on no state, and a critic, both perceptrons; as CleanRL's ppo_continuous_action,
// whose names they have. Internal.
#ifndef LOOM_POLICIES_NETWORK_ACTOR_CRITIC_H
#define LOOM_POLICIES_NETWORK_ACTOR_CRITIC_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/network/ppo_network.h"

LOOM_C_BEGIN

typedef struct loomActorCriticDef {
  int obs, actions;
  loomSizes hidden;  // units of the hidden layers, of both
  int activation;    // loomActivation
  bool orthogonal;   // weights begin orthogonal (gain sqrt 2, 0.01 for means, 1 for values), biases 0
  double log_std;    // deviations begin as e^this
} loomActorCriticDef;

typedef struct loomActorCritic {
  loomActorCriticDef def;
  loomParams params;
  loomMlp actor, critic;
  size_t log_std;   // offset in the blocks
  loomReal* dmean;  // (n x actions)
  loomArena arena;
} loomActorCritic;

/// Weights drawn by the seed, room for n rows at most.
int loom_actor_critic_create(loomActorCritic* out, const loomActorCriticDef* def, uint64_t seed, int n,
                             loomError* err);
void loom_actor_critic_destroy(loomActorCritic* net);
/// Declared but not allocated: for tests that lay out parameters themselves.
void loom_actor_critic_declare(loomActorCritic* out, const loomActorCriticDef* def);

const loomReal* loom_actor_critic_log_std(const loomActorCritic* net);
/// Means (n x actions) and values (n) of obs (n x obs), which stay until the next call.
const loomReal* loom_actor_critic_mean(loomActorCritic* net, const loomReal* obs, int n);
const loomReal* loom_actor_critic_value(loomActorCritic* net, const loomReal* obs, int n);

/// The same as PPO has it. A decision is the action itself.
loomPpoNetwork loom_actor_critic_network(loomActorCritic* net);

LOOM_C_END

#endif
