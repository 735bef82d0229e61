// Internal. Weights divided by their largest singular value, so that a layer never stretches (Miyato et al.,
// "Spectral normalization for generative adversarial networks", 2018, algorithm 1). u and v, the singular
// vectors, are kept from step to step: one round of the power method each is enough.
#ifndef LOOM_POLICIES_NN_SPECTRAL_H
#define LOOM_POLICIES_NN_SPECTRAL_H

#include "policies/nn/real.h"

/// Rounds of the power method on w (out x in), from u (out) on; gives u' w v, the largest singular value once
/// they have converged.
double loom_spectral_norm(loomReal* u, loomReal* v, const loomReal* w, int in, int out, int rounds);
/// dw (out x in) += the gradient by w, from that by normed = w / norm, of u' w v = norm.
void loom_spectral_backward(loomReal* dw, const loomReal* dnormed, const loomReal* normed, const loomReal* u,
                            const loomReal* v, double norm, int in, int out);

#endif
