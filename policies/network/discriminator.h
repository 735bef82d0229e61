// A perceptron that tells an expert's rows from a policy's, by losses of policies/objective/adversarial.h,
// and what rows are worth by it: the reward that PPO or TD3 are given in place of a task's.
//
//   loom_discriminator_create(&d, &def, seed, 256, err);
//   loom_discriminator_pack(d.expert, &d, &demos, 256, &random);   // each update
//   loom_discriminator_pack(d.policy, &d, &rollout, 256, &random);
//   look = loom_discriminator_step(&d, &random);
//   loom_discriminator_reward(reward, &d, &rollout, &(loomDiscriminatorReward){form, 4}, &random);
//
// With `pack` m its input are m rows of independent episodes side by side, all of one class (PacGAN: Lin et
// al., 2018); a row's reward is then a mean over packs that it is put into.
#ifndef LOOM_POLICIES_NETWORK_DISCRIMINATOR_H
#define LOOM_POLICIES_NETWORK_DISCRIMINATOR_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/network/shaped.h"
#include "policies/nn/mlp_slope.h"
#include "policies/nn/optimizer.h"
#include "policies/objective/adversarial.h"

LOOM_C_BEGIN

enum { LOOM_PACK_MOST = 16 };

typedef enum loomDiscriminatorKind {
  LOOM_DISCRIMINATOR_BCE,   // logits, by cross-entropy
  LOOM_DISCRIMINATOR_WGAN,  // a critic whose slope is held near 1 by `penalty`, or below it by `spectral`
  // The linear critic of length 1 that tells a batch apart best, which needs no steps of an optimizer: along
  // the mean of the expert's rows less that of the policy's (feature matching: Abbeel and Ng, 2004; Ho, Gupta
  // and Ermon, "Model-free imitation learning with policy optimization", 2016).
  LOOM_DISCRIMINATOR_LINEAR,
  // Logits by cross-entropy, but that a logit is f - log pi(a|s), of a reward and its shaping
  // (policies/network/shaped.h, which says what a row is). Rows are not packed; a penalty holds slopes near
  // 0.
  LOOM_DISCRIMINATOR_AIRL,
  LOOM_DISCRIMINATOR_KINDS,
} loomDiscriminatorKind;

extern const char* const loom_discriminator_kind_names[];  // NULL-terminated
/// Its outputs are a critic's values, not logits.
bool loom_discriminator_is_critic(loomDiscriminatorKind kind);

typedef struct loomDiscriminatorDef {
  int kind;        // loomDiscriminatorKind
  int features;    // numbers of a row
  int pack;        // rows side by side, 1..LOOM_PACK_MOST
  int activation;  // loomActivation
  loomSizes hidden;
  bool spectral;   // weights divided by their largest singular value
  double penalty;  // weight of the gradient penalty, between the classes' rows; 0 = none
  double rate;     // of learning
  loomAdamDef adam;
  loomShapedDef shaped;  // airl: what `features` numbers are
} loomDiscriminatorDef;

/// WGAN with a penalty of 10, or BCE with none, of one row at a time; features is to be said.
loomDiscriminatorDef loom_default_discriminator_def(loomDiscriminatorKind kind);

typedef struct loomDiscriminator {
  loomDiscriminatorDef def;
  int batch;                     // packs of each class that a step is of
  int width;                     // numbers of a pack
  loomParams params;             // what learns
  loomParams normed;             // spectral: by what it acts; value and gradient only
  double norm[LOOM_MLP_LAYERS];  // by which they were divided
  loomReal *left[LOOM_MLP_LAYERS], *right[LOOM_MLP_LAYERS];  // singular vectors
  size_t singular;                                           // numbers of all of them, from left[0] on
  loomMlp mlp;
  loomMlpSlope slope;
  loomShaped shaped;          // airl's, which has no mlp and no slope
  loomReal *expert, *policy;  // (batch x width) packs of the next step; one behind the other
  loomReal *dvalue, *between, *dbetween, *packs, *worth;  // work space
  double steps;                                           // taken
  loomArena arena;
} loomDiscriminator;

/// Free with loom_discriminator_destroy. LOOM_ERR_USAGE: sizes that are none, a critic that nothing holds, a
/// linear one with layers. Weights are drawn by `seed`.
int loom_discriminator_create(loomDiscriminator* out, const loomDiscriminatorDef* def, uint64_t seed,
                              int batch, loomError* err);
void loom_discriminator_destroy(loomDiscriminator* d);

/// Rows of one class to draw from. What they are made of (state and action, state and next state ...) is the
/// caller's.
typedef struct loomDiscriminatorRows {
  const loomReal* row;  // (n x features)
  const int* episode;   // (n) which one each is of; NULL = each is an episode of its own
  int n;
} loomDiscriminatorRows;

/// n packs (n x width) drawn from rows.
void loom_discriminator_pack(loomReal* packs, const loomDiscriminator* d, const loomDiscriminatorRows* rows,
                             int n, loomRandom* random);

/// The loss of d->expert and d->policy, whose gradient is written over params.gradient. random says where
/// between them the penalty is taken. (A linear one has no gradient: all that it learns is done here.)
loomDiscriminatorLook loom_discriminator_loss(loomDiscriminator* d, loomRandom* random);
/// The same, then a step of the optimizer.
loomDiscriminatorLook loom_discriminator_step(loomDiscriminator* d, loomRandom* random);

/// Outputs (n) of n packs (n x width), at most 2 x batch; they stay until the next call.
const loomReal* loom_discriminator_value(loomDiscriminator* d, const loomReal* packs, int n);
/// After that, of the same n, of all kinds but airl: dpacks (n x width) from the outputs' gradient (n), for
/// who makes the rows.
void loom_discriminator_back(loomReal* dpacks, loomDiscriminator* d, const loomReal* dvalue, int n);

typedef struct loomDiscriminatorReward {
  loomRewardForm form;
  int packs;  // that a row is put into, in each at another place as long as there are; without packing 1
} loomDiscriminatorReward;

/// reward (rows->n) of the policy's rows, as many as wanted: each is put into `packs` packs beside rows of
/// other episodes among these, and its reward is the mean over them.
void loom_discriminator_reward(loomReal* reward, loomDiscriminator* d, const loomDiscriminatorRows* rows,
                               const loomDiscriminatorReward* def, loomRandom* random);

/// airl: the learned reward g of n rows (n), at most 2 x batch, without shaping; likewise.
const loomReal* loom_discriminator_learned(loomDiscriminator* d, const loomReal* rows, int n);
/// And its shaping h of their states.
const loomReal* loom_discriminator_shape(loomDiscriminator* d, const loomReal* rows, int n);

/// After params.value was written from outside (a checkpoint).
void loom_discriminator_refresh(loomDiscriminator* d);

LOOM_C_END

#endif
