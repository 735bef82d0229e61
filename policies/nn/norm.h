// Layer and group normalization. Internal.
#ifndef LOOM_POLICIES_NN_NORM_H
#define LOOM_POLICIES_NN_NORM_H

#include "policies/nn/real.h"

/// PyTorch's.
#define LOOM_NORM_EPSILON ((loomReal)1e-5)

/// y (n x width) = gain * (x - mean) * inverse + bias, with each row's mean and inverse = 1 / sqrt(variance
/// + epsilon) kept (n each) for backward; gain and bias (width). y may be x where no backward follows.
void loom_layer_norm_forward(loomReal* y, loomReal* mean, loomReal* inverse, const loomReal* x,
                             const loomReal* gain, const loomReal* bias, int n, int width);
/// dx (n x width) may be dy; dgain and dbias (width) may be NULL, both together.
void loom_layer_norm_backward(loomReal* dx, loomReal* dgain, loomReal* dbias, const loomReal* dy,
                              const loomReal* x, const loomReal* mean, const loomReal* inverse,
                              const loomReal* gain, int n, int width);

/// x, y (n x channels x length): mean and inverse (n x groups) over each group's channels and length; gain
/// and bias (channels). channels is a multiple of groups.
void loom_group_norm_forward(loomReal* y, loomReal* mean, loomReal* inverse, const loomReal* x,
                             const loomReal* gain, const loomReal* bias, int n, int channels, int length,
                             int groups);
void loom_group_norm_backward(loomReal* dx, loomReal* dgain, loomReal* dbias, const loomReal* dy,
                              const loomReal* x, const loomReal* mean, const loomReal* inverse,
                              const loomReal* gain, int n, int channels, int length, int groups);

#endif
