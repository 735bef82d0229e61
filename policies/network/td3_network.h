// The networks of TD3 (Fujimoto et al., 2018): a deterministic actor whose actions pass through tanh, critics
// of state and action, and slow copies of all of them. Perceptrons with ReLU.
//
// Where actions are added to another policy's, 0 is the action that leaves that policy alone: the actor
// begins with it, and a gate chooses between it and what the actor says, by what the critics expect of both
// (IBRL: Hu et al., "Imitation bootstrapped reinforcement learning", 2023).
#ifndef LOOM_POLICIES_NETWORK_TD3_NETWORK_H
#define LOOM_POLICIES_NETWORK_TD3_NETWORK_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/nn/mlp.h"

LOOM_C_BEGIN

enum { LOOM_TD3_CRITICS = 5 };

typedef struct loomTd3Def {
  int obs, actions;
  loomSizes hidden;  // units of the hidden layers, of all
  int critics;       // 1..LOOM_TD3_CRITICS
  bool normalized;   // layer normalization in all of them
  bool gated;        // 0 leaves another policy alone
  // Where it is gated:
  double tether;  // weight of the mean square of actions in the actor's loss: they stay near 0 where critics
                  // hardly tell them apart
  double margin;  // by how much an action has to be worth more than 0
  double least, most;  // that an episode can return: targets stay between; both 0 = not known
} loomTd3Def;

typedef struct loomTd3Network {
  loomTd3Def def;
  int rows;                             // at most
  loomParams actor, critics;            // what learns
  loomParams slow_actor, slow_critics;  // what follows them: values only
  loomMlp actor_mlp, critic_mlp[LOOM_TD3_CRITICS];
  loomReal *action, *input, *dinput, *value, *dvalue, *next, *still;  // work space of so many rows
  loomArena arena;
} loomTd3Network;

int loom_td3_network_create(loomTd3Network* out, const loomTd3Def* def, uint64_t seed, int rows,
                            loomError* err);
void loom_td3_network_destroy(loomTd3Network* net);

/// Actions in [-1, 1] (n x actions) of obs (n x obs), which stay until the next call; by the slow actor if
/// `slow`.
const loomReal* loom_td3_network_act(loomTd3Network* net, const loomReal* obs, int n, bool slow);
/// The gate: rows of action (n x actions) become 0 unless each of the slow critics alone expects more of them
/// than of 0, by the margin. How many rows stay as they are. value (n), unless NULL: what the slow critics
/// expect, on average, of what is left.
int loom_td3_network_gate(loomReal* action, loomReal* value, loomTd3Network* net, const loomReal* obs, int n);
/// target (n) = reward + discount x the least of the slow critics at next (n x obs) and the slow actor's
/// action plus noise (n x actions), within [-1, 1], and gated and bounded.
void loom_td3_network_target(loomReal* target, loomTd3Network* net, const loomReal* reward,
                             const loomReal* discount, const loomReal* next, const loomReal* noise, int n);
/// Sum over the critics of the mean square of value - target (n); the gradient is written over
/// critics.gradient.
double loom_td3_network_critic_loss(loomTd3Network* net, const loomReal* obs, const loomReal* action,
                                    const loomReal* target, int n);
/// - mean of the first critic's values of the actor's actions, or where it is gated of all critics' values,
/// and what the tether adds; the gradient is written over actor.gradient.
double loom_td3_network_actor_loss(loomTd3Network* net, const loomReal* obs, int n);
/// slow += rate (fast - slow), of all.
void loom_td3_network_follow(loomTd3Network* net, double rate);

LOOM_C_END

#endif
