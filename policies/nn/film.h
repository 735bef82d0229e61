// Feature-wise linear modulation (Perez et al., 2018): a condition scales and shifts channels. Internal.
#ifndef LOOM_POLICIES_NN_FILM_H
#define LOOM_POLICIES_NN_FILM_H

#include "policies/nn/real.h"

/// y (n x channels x length) = scale * x + shift, with film (n x 2 channels): each sample's scales, then its
/// shifts.
void loom_film_forward(loomReal* y, const loomReal* x, const loomReal* film, int n, int channels, int length);
/// dx (as x, may be dy) and dfilm (as film).
void loom_film_backward(loomReal* dx, loomReal* dfilm, const loomReal* dy, const loomReal* x,
                        const loomReal* film, int n, int channels, int length);

#endif
