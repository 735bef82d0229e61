// What PPO learns: an actor, whoever that is, and a critic. The core (policies/learn/ppo.h) knows of an actor
// only what is said here: that it decides, how likely that is, and how it follows from its parameters.
// So a Gaussian from scratch, a trained policy and a denoiser are learned by one core. Internal.
//
// A decision is one step of the environment: some numbers ("words") that the actor stores, from which its
// log-probabilities can be told again later. It has one of them, or several where it is made in parts that
// are drawn one after the other, each given the ones before: the steps of a denoiser, as in Ren et al.,
// "Diffusion policy policy optimization" (2024). Each has a ratio of its own in the loss.
#ifndef LOOM_POLICIES_NETWORK_PPO_NETWORK_H
#define LOOM_POLICIES_NETWORK_PPO_NETWORK_H

#include "engine/base/api.h"
#include "engine/base/random.h"
#include "policies/nn/mlp.h"
#include "policies/objective/policy_loss.h"

LOOM_C_BEGIN

typedef struct loomPpoActor {
  void* self;
  loomParams* params;  // that are learned, with their gradients; the critic's may be among them
  int words;           // numbers that a decision is stored as
  int ratios;          // log-probabilities of a decision, in the order in which its parts are drawn
  const double *advantage_share,  // (ratios) of the decision's advantage that counts for a part,
      *clip_share;                // and of the clip of its ratio; NULL = all 1
  double* deviation;  // of its noise, which may be changed between rollouts; NULL: it is not to be
  bool own_obs;  // it sees observations as the environment has them; false: as the critic does, normalized

  /// n decisions from seen (n x obs), each by a random stream of its own (n), drawn from as often
  /// as wanted: decision (n x words), log_prob (n x ratios), and action (n x actions), which is held to the
  /// environment's range.
  void (*draw)(double* action, loomReal* decision, loomReal* log_prob, void* self, const loomReal* seen,
               int n, loomRandom* random);
  /// log_prob (n x ratios) of decisions by the parameters as they are now. The mean entropy in nats; 0 where
  /// there is none to be told.
  double (*log_prob)(loomReal* log_prob, void* self, const loomReal* seen, const loomReal* decision, int n);
  /// After log_prob, with the same: what follows from dlog_prob (n x ratios), and from dentropy, the slope by
  /// the mean entropy, is added to params->gradient.
  void (*backward)(void* self, const loomReal* dlog_prob, double dentropy, const loomReal* seen,
                   const loomReal* decision, int n);
  /// The action (actions) without noise, of one row.
  void (*best)(double* action, void* self, const loomReal* seen);
  /// A further loss of the update of that number (a behavior cloning term), weighted, whose gradient is added
  /// to params->gradient. May be NULL: none.
  int (*further)(double* loss, void* further_self, uint64_t update, loomError* err);
  void* further_self;
} loomPpoActor;

typedef struct loomPpoNetwork {
  loomPpoActor actor;
  loomMlp* critic;
  loomParams* critic_params;  // may be the actor's own; then both learn at one rate
} loomPpoNetwork;

/// What a minibatch is judged by (n rows).
typedef struct loomPpoRows {
  const loomReal *obs, *seen;                   // (n x obs) of critic and actor
  const loomReal* decision;                     // (n x words)
  const loomReal* log_prob;                     // (n x ratios) when they were drawn
  const loomReal *value, *advantage, *returns;  // (n)
} loomPpoRows;

typedef struct loomPpoLossDef {
  double clip;        // of the ratio of probabilities
  double value_clip;  // of the value's move; 0 = none
  double value_weight, entropy_weight;
  bool normalize;    // advantages by the minibatch
  bool only_values;  // the actor stays as it is
} loomPpoLossDef;

typedef struct loomPpoLoss {
  double loss, policy, value, entropy, kl, clipped;
} loomPpoLoss;

/// Loss and, written over the gradients of actor and critic, its gradient, without a further one. scratch
/// (2 n + 2 n ratios).
loomPpoLoss loom_ppo_loss(const loomPpoNetwork* net, const loomPpoRows* rows, int n,
                          const loomPpoLossDef* def, loomReal* scratch);

/// A critic of its own: a perceptron with tanh whose weights begin orthogonal (gain sqrt 2, 1 at the end),
/// with room for n rows.
typedef struct loomCritic {
  loomParams params;
  loomMlp mlp;
  loomArena arena;
} loomCritic;
int loom_critic_create(loomCritic* out, int obs, const int* hidden, int layers, uint64_t seed, int n,
                       loomError* err);
void loom_critic_destroy(loomCritic* critic);
/// Orthogonal weights with that gain in the last layer, biases 0, as CleanRL's layer_init. False: no memory.
bool loom_ppo_init_layers(loomParams* params, const loomMlp* mlp, double last_gain, loomRandom* random);

LOOM_C_END

#endif
