// What is added to another policy's actions, as PPO's actor: a Gaussian of fixed deviation around what a
// residual's actor says (policies/network/td3_network.h, without critics), which begins at 0. Internal.
#ifndef LOOM_POLICIES_NETWORK_RESIDUAL_ACTOR_H
#define LOOM_POLICIES_NETWORK_RESIDUAL_ACTOR_H

#include "policies/network/ppo_network.h"
#include "policies/network/td3_network.h"

LOOM_C_BEGIN

typedef struct loomResidualActor {
  loomTd3Network net;  // whose actor learns
  double std;          // of what it adds to offsets in [-1, 1], to explore
} loomResidualActor;

/// obs: numbers that it decides from; room for n rows.
int loom_residual_actor_create(loomResidualActor* out, int obs, int actions, const loomSizes* hidden,
                               double std, uint64_t seed, int n, loomError* err);
void loom_residual_actor_destroy(loomResidualActor* actor);
loomPpoActor loom_residual_actor(loomResidualActor* actor);

LOOM_C_END

#endif
