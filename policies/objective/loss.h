// What training makes small. Each gives the loss and, where its first argument is not NULL, the gradient of
// the network's output. Rows may be weighted (weight (n), NULL: all 1): the loss is the weighted mean over
// rows.
#ifndef LOOM_POLICIES_OBJECTIVE_LOSS_H
#define LOOM_POLICIES_OBJECTIVE_LOSS_H

#include <stdbool.h>

#include "engine/base/random.h"
#include "policies/nn/real.h"

/// Mean of (y - target)^2 over rows and columns (n x width): L2 cloning, and the noise of a diffusion model.
double loom_l2_loss(loomReal* dy, const loomReal* y, const loomReal* target, const loomReal* weight, int n,
                    int width);

enum { LOOM_MIXTURE_MODES = 32 };

/// A mixture of Gaussians with diagonal covariance over actions, as robomimic's GMM policies have it. One
/// mode is a plain Gaussian policy. A row of the network's output is: means (modes x actions), raw deviations
/// (modes x actions), and with more than one mode their logits (modes). Deviation = softplus(raw) + min_std.
typedef struct loomMixtureDef {
  int actions, modes;  // modes <= LOOM_MIXTURE_MODES
  double min_std;
  double fixed_std;       // every deviation; 0: they are learned
  double evaluation_std;  // every deviation where one evaluates ("low-noise evaluation"); 0: those learned
  bool squash;            // means pass through tanh
} loomMixtureDef;

loomMixtureDef loom_default_mixture_def(int actions);  // 5 modes, 1e-4, 1e-4, squashed
int loom_mixture_width(const loomMixtureDef* def);     // columns of a row
/// Mean negative log likelihood of action (n x actions) under y (n x width). row_loss (n): each row's,
/// unweighted.
double loom_mixture_loss(loomReal* dy, loomReal* row_loss, const loomReal* y, const loomReal* action,
                         const loomReal* weight, int n, const loomMixtureDef* def);
/// One action (actions) of one row of y. Evaluating, deviations are evaluation_std. random NULL: the mean of
/// the likeliest mode.
void loom_mixture_sample(loomReal* action, const loomReal* y, const loomMixtureDef* def, bool evaluate,
                         loomRandom* random);

#endif
