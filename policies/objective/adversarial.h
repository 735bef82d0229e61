// What a discriminator minimizes that tells an expert's rows from a policy's, and what its outputs are worth
// to the policy. Its output y of a row is a logit, D = sigmoid(y) the probability that the row is the
// expert's (Ho and Ermon, "Generative adversarial imitation learning", 2016, have it the other way round), or
// a critic's value, which is higher for the expert (Arjovsky et al., "Wasserstein GAN", 2017).
//
// Outputs of a batch (2 x n): the expert's rows first, then as many of the policy's.
#ifndef LOOM_POLICIES_OBJECTIVE_ADVERSARIAL_H
#define LOOM_POLICIES_OBJECTIVE_ADVERSARIAL_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

/// Mean over both classes of the cross-entropy of logits y (2 x n); its slope in dy.
double loom_adversarial_bce(loomReal* dy, const loomReal* y, int n);
/// Mean of the policy's values less that of the expert's; its slope in dy.
double loom_adversarial_wgan(loomReal* dy, const loomReal* y, int n);
/// weight times the mean over n rows of (length of the row's slope - 1)^2 (Gulrajani et al., 2017, eq. 3) of
/// slopes (n x width); dslope likewise.
double loom_gradient_penalty(loomReal* dslope, const loomReal* slope, int n, int width, double weight);

/// What a row is worth to the policy, made of y.
typedef enum loomRewardForm {
  LOOM_REWARD_GAIL,  // -log(1 - D): never below 0, so that longer episodes earn more
  LOOM_REWARD_AIRL,  // log D - log(1 - D) = y (Fu et al., "Learning robust rewards with adversarial inverse
                     // reinforcement learning", 2018, eq. 4)
  LOOM_REWARD_LOGD,  // log D: never above 0, so that shorter episodes earn more
  LOOM_REWARD_WGAN,  // y, of a critic
  LOOM_REWARD_FORMS,
} loomRewardForm;

extern const char* const loom_reward_form_names[];  // NULL-terminated

/// reward (n) of y (n), and slope (n, may be NULL) of each reward by its y. reward may be y.
void loom_adversarial_reward(loomReal* reward, loomReal* slope, const loomReal* y, int n,
                             loomRewardForm form);

/// How far a discriminator tells the classes apart.
typedef struct loomDiscriminatorLook {
  double loss;             // with penalty
  double penalty;          // its part of the loss
  double gradient;         // length of the loss's gradient; 0 where there was no step
  double expert_accuracy;  // share of the expert's rows that it takes for the expert's
  double policy_accuracy;  // and of the policy's for the policy's
  double entropy;          // of D, nats, mean over rows; log 2 where it does not know. NAN of a critic
  double wasserstein;      // mean of the expert's outputs less that of the policy's
} loomDiscriminatorLook;

/// The last four, of outputs y (2 x n). A logit's border is 0, a critic's the middle between both means.
void loom_discriminator_look(loomDiscriminatorLook* look, const loomReal* y, int n, bool critic);

/// A discriminator that is right about nearly all rows of both classes has won: its logits say no longer
/// which way is better. Of critics this is not so, however well they tell classes apart.
typedef struct loomWinWatch {
  int rounds;  // in a row that it has won
} loomWinWatch;

enum { LOOM_WIN_ROUNDS = 20 };
/// One more round; true in the one in which it has won LOOM_WIN_ROUNDS in a row, and again after as many
/// more.
bool loom_win_watch(loomWinWatch* watch, const loomDiscriminatorLook* look);

LOOM_C_END

#endif
