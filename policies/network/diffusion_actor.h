// A trained denoiser as PPO's actor (Ren et al., "Diffusion policy policy optimization", 2024): each of the
// last steps by which it takes noise away is a decision of its own, a Gaussian around what the sampler would
// do. The sampler is the one it acts with (actor.h, DDIM), so with deviation 0 it decides as it always does.
// Steps before these are drawn with the weights as they are, and nothing is learned from them; the paper
// keeps the weights of before for them, which a policy of one network cannot. What it sees are the rows that
// it is asked with, normalized, the features of pictures and clouds included; encoders stay as they are.
// Internal.
#ifndef LOOM_POLICIES_NETWORK_DIFFUSION_ACTOR_H
#define LOOM_POLICIES_NETWORK_DIFFUSION_ACTOR_H

#include "policies/network/network.h"
#include "policies/network/ppo_network.h"

LOOM_C_BEGIN

typedef struct loomDiffusionActorDef {
  int steps;      // that learn, the last ones; 0, or more than the policy has: all
  double std;     // of what each of them adds, in normalized actions, which is how it explores
  double shared;  // share of its variance that all rows of a chunk have in common, in [0, 1); the paper's: 0
  double likelihood_std;           // the least deviation that decisions are judged by
  double discount;                 // of the advantage, for each step that follows (the paper's gamma_denoise)
  double clip_least, clip_growth;  // the first step's share of the ratio's clip, and the exponential rate at
                                   // which it grows to 1 until the last
} loomDiffusionActorDef;

typedef struct loomDiffusionActor {
  loomDiffusionActorDef def;  // steps: those there are
  loomNetwork* network;       // whose parameters learn
  loomDiffusion diffusion;
  bool predicts_targets;
  void* layers;  // the network's, with activations of its own
  loomArena layers_arena;
  double advantage_share[LOOM_DIFFUSION_STEPS], clip_share[LOOM_DIFFUSION_STEPS];  // (steps)
  loomReal* obs;                              // (n x steps x what is seen)
  loomReal *noisy, *clean, *mean, *doutputs;  // (n x steps x output_width)
  int* noise_step;                            // (n x steps)
  loomArena arena;
} loomDiffusionActor;

/// Room for n rows. LOOM_ERR_UNSUPPORTED: a network that takes no noise away.
int loom_diffusion_actor_create(loomDiffusionActor* out, loomNetwork* network,
                                const loomDiffusionActorDef* def, int n, loomError* err);
void loom_diffusion_actor_destroy(loomDiffusionActor* actor);

/// A decision is the chunk before the first of the steps that learn and after each of them ((steps + 1) x
/// output_width). A step's log-probability is that of all of its chunk, but after the last step only of those
/// rows that are executed. (The authors' code, github.com/irom-princeton/dppo, divides it by the number of
/// entries, of which they have few, and clips ratios at 1 +- 0.01. Of 320 numbers that is no bound at all.)
loomPpoActor loom_diffusion_actor(loomDiffusionActor* actor);

LOOM_C_END

#endif
