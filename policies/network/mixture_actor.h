// A trained network whose outputs are a Gaussian or a mixture of them, as PPO's actor: a decision is one
// action, normalized as the network has it. What it sees are the rows that it is asked with, normalized, the
// features of pictures and clouds included; encoders stay as they are. Internal.
#ifndef LOOM_POLICIES_NETWORK_MIXTURE_ACTOR_H
#define LOOM_POLICIES_NETWORK_MIXTURE_ACTOR_H

#include "policies/network/network.h"
#include "policies/network/ppo_network.h"

LOOM_C_BEGIN

typedef struct loomMixtureActor {
  loomNetwork* network;    // whose parameters learn
  loomMixtureDef mixture;  // that it explores by
  bool entropy;            // is wanted
  void* layers;            // the network's, with activations of its own
  loomArena layers_arena;
  loomReal *outputs, *doutputs, *dall, *dentropy;  // (n x width) each; (n x output_rows x width); (n)
  loomArena arena;
} loomMixtureActor;

/// least_std is added to deviations while it explores, instead of the network's own least one. Room for n
/// rows. LOOM_ERR_UNSUPPORTED: a network that remembers, or whose outputs are no mixture.
int loom_mixture_actor_create(loomMixtureActor* out, loomNetwork* network, double least_std, bool entropy,
                              int n, loomError* err);
void loom_mixture_actor_destroy(loomMixtureActor* actor);
loomPpoActor loom_mixture_actor(loomMixtureActor* actor);

/// Mean negative log likelihood of what was done, times weight, whose gradient is added: seen (n x rows x
/// obs_dim) and action (n x action_dim), normalized; rows count by real (n).
double loom_mixture_actor_clone(loomMixtureActor* actor, const loomReal* seen, const loomReal* action,
                                const loomReal* real, int n, double weight);

LOOM_C_END

#endif
