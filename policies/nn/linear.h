// Affine layers. In all layers gradients of parameters add to what is there, gradients of inputs are written
// over it, and a gradient that nobody needs is NULL. Internal.
#ifndef LOOM_POLICIES_NN_LINEAR_H
#define LOOM_POLICIES_NN_LINEAR_H

#include "policies/nn/real.h"

/// y (n x out) = x (n x in) w^T + b; w (out x in) as PyTorch keeps it, b (out) may be NULL.
void loom_linear_forward(loomReal* y, const loomReal* x, const loomReal* w, const loomReal* b, int n, int in,
                         int out);
/// The same on the caller's thread alone: for callers that share out rows among threads themselves.
void loom_linear_forward_whole(loomReal* y, const loomReal* x, const loomReal* w, const loomReal* b, int n,
                               int in, int out);
/// The same of a few rows, each to the last bit what it is alone (loom_product_apart).
void loom_linear_forward_apart(loomReal* y, const loomReal* x, const loomReal* w, const loomReal* b, int n,
                               int in, int out);
/// dx (n x in, may be NULL), dw (out x in, may be NULL), db (out, may be NULL) from dy (n x out).
void loom_linear_backward(loomReal* dx, loomReal* dw, loomReal* db, const loomReal* dy, const loomReal* x,
                          const loomReal* w, int n, int in, int out);

#endif
