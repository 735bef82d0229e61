// Who acts by a network: outputs become actions by what the objective says that they are. A regression's are
// the actions; a likelihood's are sampled from; a denoiser is asked again and again until no noise is left.
#ifndef LOOM_POLICIES_NETWORK_ACTOR_H
#define LOOM_POLICIES_NETWORK_ACTOR_H

#include "engine/base/api.h"
#include "policies/network/network.h"

LOOM_C_BEGIN

/// One that acts, with the network's parameters as they are at each decision.
typedef struct loomActor {
  const loomNetwork* network;
  loomObjectiveDef objective;
  void* layers;
  loomArena arena;
  loomEncoder encoder;
  loomArena encoder_arena;
  loomDiffusion diffusion;  // of denoisers, as what follows
  // Of as many as it decides for at once:
  loomReal* seen;           // (seen x obs_dim) each
  loomReal *chunk, *clean;  // (output_width) each: the actions while noise is taken away; the guess at a step
  loomArena scratch;
} loomActor;

/// What is to be decided.
typedef struct loomDecision {
  loomReal* actions;    // (decided x action_dim) becomes what was decided
  const loomReal* obs;  // (seen x obs_dim)
  loomRandom* random;   // NULL, where outputs are a Gaussian or a mixture: the mean of the likeliest
} loomDecision;

/// LOOM_ERR_MEMORY.
int loom_actor_create(loomActor* out, const loomNetwork* network, loomError* err);
void loom_actor_destroy(loomActor* actor);
/// Forget what came before: a new episode.
void loom_actor_begin(loomActor* actor);
/// A row (obs_dim) whose first low_dim numbers are set: the features of visual (one row of each of the
/// encoder's keys) behind them.
void loom_actor_see(loomReal* row, loomActor* actor, const loomReal* const* visual);
/// actions (decided x action_dim) from obs (seen x obs_dim), as a loomDecision has them.
void loom_actor_decide(loomReal* actions, loomActor* actor, const loomReal* obs, loomRandom* random);
/// n decisions, each to the last bit as if it were made alone, at the price of reading the parameters once. n
/// is at most LOOM_TOGETHER, and 1 unless loom_network_together.
void loom_actor_decide_together(const loomDecision* decision, loomActor* actor, int n);
/// The outputs (output_width) themselves, of networks that are asked once; valid until the next call.
const loomReal* loom_actor_outputs(loomActor* actor, const loomReal* obs);

LOOM_C_END

#endif
