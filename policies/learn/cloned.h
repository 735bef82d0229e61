// What a discriminator's learner is measured by, on the same starts: behavioral cloning of the very rows
// that the discriminator is given, and actions drawn at random. As Ho and Ermon ("Generative adversarial
// imitation learning", 2016, section 6 and appendix B) have it: 70 % of the rows are learned from, the rest
// says when to stop. Internal.
#ifndef LOOM_POLICIES_LEARN_CLONED_H
#define LOOM_POLICIES_LEARN_CLONED_H

#include "engine/run/environment.h"
#include "policies/learn/imitated.h"
#include "policies/network/actor_critic.h"

LOOM_C_BEGIN

typedef struct loomCloned {
  loomActorCritic net;  // of which only the means act
  double* mean;         // (obs) and, behind them, deviations: by which what is seen is scaled
  loomReal* seen;       // (obs)
  double error;         // mean squared error of an action's entry, of the rows that were held out
} loomCloned;

/// A perceptron of such layers, by least squares. Free with loom_cloned_destroy. The same seed gives the
/// same weights.
int loom_cloned_create(loomCloned* out, const loomImitated* expert, const loomSizes* hidden, uint64_t seed,
                       loomError* err);
void loom_cloned_destroy(loomCloned* cloned);
/// What the expert would do (actions) at obs (obs).
void loom_cloned_act(double* action, loomCloned* cloned, const double* obs);

LOOM_C_END

#endif
