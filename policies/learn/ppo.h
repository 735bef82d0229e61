// Proximal policy optimization (Schulman et al., 2017), of a Gaussian actor from scratch or of any other that
// acts already (policies/network/ppo_network.h). From scratch, with the settings it has by default, it does
// what CleanRL's ppo_continuous_action does (github.com/vwxyzjn/cleanrl; Huang et al., "The 37 implementation
// details of proximal policy optimization", 2022), but that an episode which is out of time is credited with
// the value of its last state (`bootstrap`).
#ifndef LOOM_POLICIES_LEARN_PPO_H
#define LOOM_POLICIES_LEARN_PPO_H

#include "engine/base/api.h"
#include "engine/base/fields.h"
#include "policies/learn/imitation.h"
#include "policies/learn/inverse.h"
#include "policies/learn/learner.h"
#include "policies/network/ppo_network.h"

LOOM_C_BEGIN

typedef struct loomPpoConfig {
  int environments;  // side by side
  int steps;         // of each between updates
  int epochs;        // over these
  int minibatches;   // of an epoch
  double discount, lambda;
  bool bootstrap;       // truncated episodes
  double rate;          // of learning
  bool anneal;          // it falls in a line to 0
  double epsilon;       // Adam's
  double max_gradient;  // longer ones are shortened; 0 = never
  double clip;          // of the ratio
  bool clip_value;      // the value's move by the same
  double value_weight, entropy_weight;
  double target_kl;  // no further epoch once it moved further; 0 = none
  bool normalize_obs, normalize_rewards, normalize_advantages;
  loomSizes hidden;
  int activation;  // 0 tanh, 1 relu
  bool orthogonal;
  double log_std;
} loomPpoConfig;

extern const loomFields loom_ppo_fields;
loomPpoConfig loom_default_ppo_config(void);

/// Rows that an actor or a critic is asked about at once, at most.
int loom_ppo_most_rows(const loomPpoConfig* config);

/// How actor and critic take turns where the actor acts well already.
typedef struct loomPpoTurns {
  int critic_first;    // iterations in which only the critic learns, so that a random one spoils no actor
  double critic_rate;  // of learning
  int actor_epochs;    // in which it learns, the first ones; then the critic goes on alone; 0 = all
  /// The actor rests as soon as minibatches find it twice target_kl away, and its rate follows,
  /// so that the last ones find it target_kl away. Who acts well has narrow distributions, and how narrow
  /// decides on the rate.
  bool adaptive;
  double keep;  // share of the successes without noise that the noise it explores by leaves; 0: it stays
} loomPpoTurns;

/// What it has besides where the actor is somebody's who acts already. Steps of a run are the control steps
/// of its environments then, those of the settings above decisions.
typedef struct loomPpoGuide {
  loomPpoActor actor;  // with room for loom_ppo_most_rows
  int critic_obs;      // so many of an observation's last numbers are the critic's; 0 = all
  loomPpoTurns turns;
} loomPpoGuide;

/// For `steps` steps in all (which the learning rate falls over), from its first episode on. guide NULL: from
/// scratch.
int loom_ppo_create(loomLearner* out, const loomPpoConfig* config, const loomPpoGuide* guide,
                    const loomEnvironmentMaker* maker, int64_t steps, uint64_t seed, int threads,
                    loomError* err);
/// From now on rewarded by a discriminator instead of its environments; before its first iteration. A state
/// is what the last numbers of an observation say. The learner does not free it. LOOM_ERR_UNSUPPORTED: an
/// airl discriminator, of any but a Gaussian from scratch.
int loom_ppo_imitate(loomLearner* learner, loomImitation* imitation, loomError* err);
/// From now on rewarded by weights of its steps' features instead, which move after each iteration; before
/// its first. The learner does not free it.
int loom_ppo_invert(loomLearner* learner, loomInverse* inverse, loomError* err);
/// Rows of a rollout.
int loom_ppo_rollout_rows(const loomPpoConfig* config);

LOOM_C_END

#endif
