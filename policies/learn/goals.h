// A point on a plane with 8 goals around it, and an expert who goes to any of them: whether a policy that is
// given numbers to tell its episodes apart by (a latent policy, as InfoGAIL's: Li, Song and Ermon, 2017) goes
// to all goals as well, or forgets some. A discriminator that sees rows of several episodes side by side
// (PacGAN: Lin et al., 2018) notices. Internal.
#ifndef LOOM_POLICIES_LEARN_GOALS_H
#define LOOM_POLICIES_LEARN_GOALS_H

#include <signal.h>

#include "engine/base/api.h"
#include "policies/learn/imitation.h"
#include "policies/learn/modes.h"
#include "policies/learn/ppo.h"

LOOM_C_BEGIN

enum {
  LOOM_GOALS_STEPS = 8,   // of an episode
  LOOM_GOALS_LATENT = 2,  // normal numbers of an episode that the policy sees, and nobody else
};

typedef struct loomGoalsDef {
  int64_t steps;  // of all episodes together
  int demos;      // of the expert, each to a goal drawn evenly
  int looked;     // episodes without noise by which the goals are counted in the end
  loomPpoConfig ppo;
  loomGailConfig gail;
  uint64_t seed;
  int threads;                        // 0 = as many as cores
  const volatile sig_atomic_t* stop;  // non-zero: LOOM_ERR_INTERRUPTED; may be NULL
  void (*progress)(void* user, double share);
  void* user;
} loomGoalsDef;
loomGoalsDef loom_default_goals_def(void);

/// Where episodes are to end: 8 goals on a circle of radius 1, each within 0.15.
loomModes loom_goals(void);

/// The goals that its episodes end at, and where they end (looked x 2; may be NULL). The same numbers on any
/// number of threads.
int loom_goals_learn(loomModeLook* out, loomReal* ends, const loomGoalsDef* def, loomError* err);

LOOM_C_END

#endif
