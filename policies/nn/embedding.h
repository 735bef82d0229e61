// Numbers as features. Internal.
#ifndef LOOM_POLICIES_NN_EMBEDDING_H
#define LOOM_POLICIES_NN_EMBEDDING_H

#include "policies/nn/real.h"

/// y (n x width): sines, then cosines, of t (n) at width / 2 frequencies from 1 to 1/10000 (Ho et al., 2020,
/// as Diffusion Policy has it). width is even and at least 4.
void loom_sinusoid_embedding(loomReal* y, const loomReal* t, int n, int width);

#endif
