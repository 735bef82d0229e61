// Parameters before training, as PyTorch draws them by default (the same distributions, not the same
// numbers). Internal.
#ifndef LOOM_POLICIES_NN_INIT_H
#define LOOM_POLICIES_NN_INIT_H

#include <stdbool.h>

#include "engine/base/random.h"
#include "policies/nn/real.h"

void loom_init_uniform(loomReal* out, size_t count, double bound, loomRandom* random);  // in [-bound, bound)
void loom_init_normal(loomReal* out, size_t count, double deviation, loomRandom* random);
void loom_init_constant(loomReal* out, size_t count, double value);
/// Kaiming uniform with a = sqrt(5) for w (out x fan_in), which comes to 1 / sqrt(fan_in), and the same for
/// b (out, may be NULL). fan_in: inputs of a linear layer, channels times taps of a convolution (of its
/// output if transposed).
void loom_init_linear(loomReal* w, loomReal* b, int fan_in, int out, loomRandom* random);
/// w (out x in), rows or columns orthonormal times gain: the Q of a matrix of normal numbers, with the signs
/// that make it uniform (Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear
/// neural networks", 2014; PyTorch's orthogonal_). False: no memory.
bool loom_init_orthogonal(loomReal* w, int in, int out, double gain, loomRandom* random);

#endif
