// Dropout (Srivastava et al., 2014) whose mask is a pure function of a random stream: backward draws it
// again. Internal.
#ifndef LOOM_POLICIES_NN_DROPOUT_H
#define LOOM_POLICIES_NN_DROPOUT_H

#include "engine/base/random.h"
#include "policies/nn/real.h"

/// y (count) = x / (1 - rate), or 0 with probability `rate` in [0, 1); y may be x. Backward is the same call
/// on the gradient with the same stream. `random` names seed, attempt (the training step),
/// LOOM_PURPOSE_DROPOUT; layers of one network begin at draws of their own, (count + 3) / 4 apart at least.
void loom_dropout(loomReal* y, const loomReal* x, double rate, loomRandom random, size_t count);

#endif
