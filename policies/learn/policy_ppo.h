// What all share by which PPO learns a policy's own network (direct.c, dppo.c) or what is added to its
// actions (residual_ppo.c): its actor differs.
// Beside it a critic learns, a first while alone, since a random one would spoil a good policy. Internal.
#ifndef LOOM_POLICIES_LEARN_POLICY_PPO_H
#define LOOM_POLICIES_LEARN_POLICY_PPO_H

#include "policies/learn/finetune_owner.h"
#include "policies/learn/ppo.h"

/// Rows of settings that have `turns` (loomPpoTurns).
#define LOOM_CRITIC_ROWS(type)                                                                        \
  LOOM_FIELD_AS("critic_first", type, INT, turns.critic_first, .high = 1 << 20, .unit = "iterations", \
                .about = "in which only the critic learns; the policy stays as it is"),               \
      LOOM_FIELD_AS("critic_rate", type, REAL, turns.critic_rate, .least = 1e-12, .most = 10,         \
                    .about = "the critic's learning rate"),                                           \
      LOOM_FIELD_AS("actor_epochs", type, INT, turns.actor_epochs, .high = 1000,                      \
                    .about =                                                                          \
                        "of ppo's epochs, the first ones, in which the policy learns "                \
                        "too; the critic in all; 0 = all"),                                           \
      LOOM_FIELD_AS("adaptive", type, BOOL, turns.adaptive,                                           \
                    .about =                                                                          \
                        "the policy's rate follows, so that an iteration moves it by ppo's "          \
                        "target_kl"),                                                                 \
      LOOM_FIELD_AS("keep", type, REAL, turns.keep, .least = 0, .most = 1,                            \
                    .about =                                                                          \
                        "share of the successes without noise that the noise by which it "            \
                        "explores is to leave: its deviation is what is said here or less; "          \
                        "0 = it is what is said")

typedef struct loomPolicyPpoDef {
  const loomFinetuneSettings* settings;
  const loomPpoConfig* ppo;
  const loomFinetuneBase* base;
  int64_t steps;  // of the run
  uint64_t seed;
  int threads;

  size_t size;         // bytes of the actor and what goes with it
  const void* method;  // settings of the method's own
  /// Make the actor in `self` (size, zeroed) for `most` rows at a time, and say how it is guided.
  int (*create)(loomPpoGuide* guide, void* self, const struct loomPolicyPpoDef* def, int most,
                loomError* err);
  /// NULL, or the network that the policy's residual is to act by, where that learns.
  const loomTd3Network* (*residual)(const void* self);
  void (*destroy)(void* self);  // what create has made, after an error too
} loomPolicyPpoDef;

/// Errors: as loom_residual_learner, and create's.
int loom_policy_ppo(loomLearner* out, const loomPolicyPpoDef* def, loomError* err);

#endif
