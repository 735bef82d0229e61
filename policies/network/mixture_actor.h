// A trained network whose outputs are a Gaussian or a mixture of them, as PPO's actor: a decision is one
// action, normalized as the network has it. What it sees are the rows that it is asked with, normalized, the
// features of pictures and clouds included; encoders stay as they are. Where the network remembers, an LSTM,
// these are all rows since it last forgot, as policies/agent/residual_environment.h has them: so its
// likelihood and its gradient, through as many rows as it was trained on, are exact. Internal.
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
  int inputs;                    // numbers that it sees
  loomReal *outputs, *doutputs;  // (n x width) of decisions
  loomReal *dall, *dentropy;     // (n x output_rows x width) of all rows; (n x output_rows)
  loomReal* window;              // (n x obs_rows x obs_dim) where it remembers: the rows, oldest first
  loomArena arena;
} loomMixtureActor;

/// least_std is added to deviations while it explores, instead of the network's own least one. Room for n
/// rows. LOOM_ERR_UNSUPPORTED: a network whose outputs are no mixture.
int loom_mixture_actor_create(loomMixtureActor* out, loomNetwork* network, double least_std, bool entropy,
                              int n, loomError* err);
void loom_mixture_actor_destroy(loomMixtureActor* actor);
loomPpoActor loom_mixture_actor(loomMixtureActor* actor);

/// Mean negative log likelihood of samples that it was trained on, times weight, whose gradient is added.
double loom_mixture_actor_clone(loomMixtureActor* actor, const loomSamples* samples, double weight);

LOOM_C_END

#endif
