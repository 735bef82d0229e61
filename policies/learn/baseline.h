// Episodes of who takes no trouble, on starts that a learner is evaluated by: of behavioral cloning of the
// expert's rows (policies/learn/cloned.h), and of actions drawn at random. What a discriminator's learner
// comes to means little without them. Internal.
#ifndef LOOM_POLICIES_LEARN_BASELINE_H
#define LOOM_POLICIES_LEARN_BASELINE_H

#include <signal.h>

#include "policies/agent/rollout.h"
#include "policies/learn/cloned.h"

LOOM_C_BEGIN

typedef struct loomBaselineDef {
  const loomEnvironmentMaker* maker;  // the expert's state is what the last numbers of an observation say
  const loomImitated* expert;
  loomSizes hidden;                   // layers of the clone
  int n;                              // episodes of each
  uint64_t starts;                    // their seed, as an evaluation has it
  uint64_t seed;                      // of the clone's weights, and of random actions
  bool success;                       // told is the share that succeeds, not the mean return
  loomTrialLook look;                 // at each episode, of both 2 n; an answer that is not 0 stops
  const volatile sig_atomic_t* stop;  // so does this, where it is not 0; may be NULL
} loomBaselineDef;

typedef struct loomBaselines {
  int n;                  // episodes of each; 0: not measured
  double cloned, random;  // mean return, or share that succeeds; random: evenly in the actions' range
} loomBaselines;

/// LOOM_ERR_INTERRUPTED where something stops it.
int loom_baselines(loomBaselines* out, const loomBaselineDef* def, loomError* err);

LOOM_C_END

#endif
