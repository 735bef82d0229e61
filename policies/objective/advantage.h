// Advantages and returns of what was tried. Rows are time by environment (steps x n). An episode that ends is
// either terminated, and nothing follows, or truncated, and the value of the state it ended in stands for
// what would have followed. The row after an end is a reset (next-step autoreset, engine/run/vector.h): its
// state is the ended episode's last one, no action was taken there, and it has no advantage. Internal.
#ifndef LOOM_POLICIES_OBJECTIVE_ADVANTAGE_H
#define LOOM_POLICIES_OBJECTIVE_ADVANTAGE_H

#include <stdbool.h>

#include "engine/base/api.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

typedef struct loomTried {
  int steps, n;
  const loomReal* reward;              // (steps x n)
  const bool *terminated, *truncated;  // (steps x n) the step ended the episode
  const bool* fresh;                   // (steps x n) the step was a reset
  const loomReal* value;               // (steps + 1 x n) of the state before each step, and after the last
} loomTried;

/// Generalized advantage estimation (Schulman et al., 2016, eq. 16): advantage and returns = advantage +
/// value (steps x n each). bootstrap false: truncated counts as terminated, as CleanRL has it.
void loom_gae(loomReal* advantage, loomReal* returns, const loomTried* tried, double discount, double lambda,
              bool bootstrap);

/// What a state-action is worth by its next rewards: their discounted sum, how many they are, and the factor
/// on the value of the state after them.
typedef struct loomNStep {
  double reward, discount;
  int steps;
} loomNStep;

/// Over at most n of the rows (available >= 1) of one environment from the action on; an end ends the sum.
loomNStep loom_n_step(const loomReal* reward, const bool* terminated, const bool* truncated, int available,
                      int n, double discount);

LOOM_C_END

#endif
