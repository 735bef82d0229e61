// Losses of outputs against targets. Each gives the loss and, where its first argument is not NULL, writes
// the gradient of the network's output. Rows may be weighted (weight (n), NULL: all 1; 0 leaves out
// padding): the loss is the weighted mean over rows.
#ifndef LOOM_POLICIES_OBJECTIVE_LOSS_H
#define LOOM_POLICIES_OBJECTIVE_LOSS_H

#include "engine/base/api.h"
#include "policies/objective/distribution.h"

LOOM_C_BEGIN

/// Mean of ((y - target) / unit)^2 over rows and columns (n x width): L2 cloning, and a denoiser's guess.
/// unit (width) may be NULL: 1.
double loom_l2_loss(loomReal* dy, const loomReal* y, const loomReal* target, const loomReal* weight,
                    const float* unit, int n, int width);

/// Mean negative log likelihood of action (n x actions) under y (n x width). row_loss (n): each row's,
/// unweighted.
double loom_mixture_loss(loomReal* dy, loomReal* row_loss, const loomReal* y, const loomReal* action,
                         const loomReal* weight, int n, const loomMixtureDef* def);

/// Mean binary cross-entropy of logits y (n) against labels (n), 0 or 1: -log sigmoid(y) of a 1, -log(1 -
/// sigmoid(y)) of a 0, each times its class's weight. Class weights of 1 / (2 share of the class) make both
/// classes count the same however rare one is.
double loom_binary_loss(loomReal* dy, const loomReal* y, const loomReal* label, const loomReal* weight, int n,
                        const double class_weight[2]);

LOOM_C_END

#endif
