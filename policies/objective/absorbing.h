// Absorbing states (Kostrikov et al., "Discriminator-actor-critic", ICLR 2019, section 4.1): an episode that
// terminates goes on for ever in one state more, which the discriminator sees too. Without it the end is
// worth 0, so that rewards above 0 teach a policy never to finish, and those below 0 to finish at any price.
// What was cut off by time is no end: its value is bootstrapped (policies/objective/advantage.h). Internal.
#ifndef LOOM_POLICIES_OBJECTIVE_ABSORBING_H
#define LOOM_POLICIES_OBJECTIVE_ABSORBING_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

/// out (n x (features + 1)) of row (n x features): an indicator, 0, behind each.
void loom_absorbing_widen(loomReal* out, const loomReal* row, int n, int features);
/// The absorbing state's row (features + 1): zeros, and the indicator 1.
void loom_absorbing_row(loomReal* out, int features);

/// What follows a step that terminated: discount / (1 - discount) times tail, the reward of the absorbing
/// state's row. discount in [0, 1).
double loom_absorbing_worth(double tail, double discount);
/// Adds it to each of n rewards whose step terminated.
void loom_absorbing_tail(loomReal* reward, const bool* terminated, int n, double tail, double discount);

LOOM_C_END

#endif
