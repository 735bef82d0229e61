// A discriminator in the place of an environment's rewards (Ho and Ermon, "Generative adversarial imitation
// learning", 2016): it learns to tell what an expert did from what a policy does, and what is taken for the
// expert's is rewarded. PPO asks it about each rollout, TD3 about each batch of its replay buffer (Kostrikov
// et al., "Discriminator-actor-critic", ICLR 2019).
//
// A row is a state and an action, or a state and the next (Torabi et al., "Generative adversarial imitation
// from observation", 2018), scaled by mean and deviation of the expert's rows and the policy's, each class
// counting half. With absorbing states (policies/objective/absorbing.h) an indicator is added, and an
// episode that ended has rows of it too: as many as its time was left, at most as many as it has others, so
// that neither class is ever more than half of them. An airl discriminator (policies/network/shaped.h) sees
// state, action and next state, and how likely the policy as it is now would do that; it gives the expert's
// reward to others too. With absorbing states the state after the last step is the absorbing one. Internal.
#ifndef LOOM_POLICIES_LEARN_IMITATION_H
#define LOOM_POLICIES_LEARN_IMITATION_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/learn/imitated.h"
#include "policies/learn/learner.h"
#include "policies/network/step_reward.h"

LOOM_C_BEGIN

typedef enum loomImitationSight { LOOM_SEE_ACTION, LOOM_SEE_NEXT } loomImitationSight;
extern const char* const loom_imitation_sights[];   // "state,action", "state,next"; NULL-terminated
extern const char* const loom_imitation_rewards[];  // "auto", then loom_reward_form_names; NULL-terminated

typedef struct loomGailConfig {
  char data[LOOM_PATH_MAX];  // the expert's demos
  int demos, every;          // loomImitatedPick
  int discriminator;         // loomDiscriminatorKind
  int see;                   // loomImitationSight
  int reward;                // 0 = airl, of critics wgan; else 1 + loomRewardForm
  bool absorbing;
  int pack, packs;  // loomDiscriminatorDef, loomDiscriminatorReward
  int updates;      // steps of the discriminator an iteration of PPO, or 1,000 steps of TD3's environments
  int batch;        // packs of each class in one
  int replay;       // of PPO: iterations whose rows it learns from
  double rate, penalty;
  bool spectral;
  loomSizes hidden;
} loomGailConfig;

extern const loomFields loom_gail_fields;
loomGailConfig loom_default_gail_config(void);

typedef struct loomImitationDef {
  const loomGailConfig* config;
  const loomImitated* expert;  // read only, and no longer than it is made
  double discount;
  int horizon;  // steps of an episode at most
  int rows;     // of a rollout, or of a batch, at most
  uint64_t seed;
} loomImitationDef;

typedef struct loomImitation loomImitation;

/// Errors: those of loom_discriminator_create; LOOM_ERR_USAGE: absorbing states with a discount of 1.
int loom_imitation_create(loomImitation** out, const loomImitationDef* def, loomError* err);
void loom_imitation_destroy(loomImitation* imitation);
/// Numbers of a state and of an action; rows of a pack; updates, as its configuration has them.
int loom_imitation_obs(const loomImitation* imitation);
int loom_imitation_actions(const loomImitation* imitation);
int loom_imitation_pack(const loomImitation* imitation);
int loom_imitation_updates(const loomImitation* imitation);

/// A policy that can tell how likely its actions are, which airl asks.
typedef struct loomImitationPolicy {
  void* self;
  /// Rows (n x width) begin with a state and an action; the last number of each becomes log pi(a|s).
  void (*log_prob)(loomReal* rows, void* self, int n, int width);
} loomImitationPolicy;
bool loom_imitation_asks_policy(const loomImitation* imitation);  // it is an airl discriminator's
void loom_imitation_meet(loomImitation* imitation, const loomImitationPolicy* policy);

/// A rollout of n environments side by side (next-step autoreset, engine/run/vector.h).
typedef struct loomImitationRollout {
  int steps, n;
  const double* obs;               // ((steps + 1) x n x obs) before each step, and after the last
  const double* action;            // (steps x n x actions) as it was taken
  const bool *terminated, *fresh;  // (steps x n) the step ended the episode; it was a reset
  const int *episode, *length;     // (steps x n) which one the step was of, and its steps so far
} loomImitationRollout;

/// Learn from it, then tell what each step is worth: reward (steps x n), 0 where it was a reset.
void loom_imitation_round(double* reward, loomImitation* imitation, const loomImitationRollout* rollout);

/// Transitions that somebody stores: n rows of a replay buffer.
typedef struct loomImitationBatch {
  int n;
  const loomReal *obs, *action, *next;  // (n x obs), (n x actions), (n x obs)
  const bool* terminated;               // (n)
} loomImitationBatch;
/// An episode ended for good after so many steps, of as many as have been taken so far (`steps`, of all).
void loom_imitation_note(loomImitation* imitation, int length);
void loom_imitation_count(loomImitation* imitation, int steps);
/// A step of the discriminator on rows of both classes; then what others are worth: reward (n).
void loom_imitation_learn(loomImitation* imitation, const loomImitationBatch* batch);
void loom_imitation_judge(loomReal* reward, loomImitation* imitation, const loomImitationBatch* batch);
/// TD3's iteration is over: what is told of it is from here on the next one's.
void loom_imitation_close_round(loomImitation* imitation);

/// The reward that airl has learned so far, whose state's numbers and action's are those of rows. Free with
/// loom_step_reward_destroy.
int loom_imitation_reward(loomStepReward* out, loomImitation* imitation, loomError* err);

/// Rounds after which the discriminator had won for LOOM_WIN_ROUNDS in a row; 0 = it never has.
int64_t loom_imitation_won(const loomImitation* imitation);
/// As a learner's: of the last round, and where its state lies; thaw after that was read.
int loom_imitation_scalars(loomScalar* out, const loomImitation* imitation);
int loom_imitation_tensors(loomSafeTensor* out, loomImitation* imitation);
void loom_imitation_thaw(loomImitation* imitation);

LOOM_C_END

#endif
