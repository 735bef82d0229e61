// One layer of a long short-term memory (Hochreiter and Schmidhuber, 1997), with PyTorch's equations and
// weights. Internal.
#ifndef LOOM_POLICIES_NN_LSTM_H
#define LOOM_POLICIES_NN_LSTM_H

#include "policies/nn/real.h"

typedef struct loomLstmShape {
  int steps, n, in, hidden;
} loomLstmShape;

/// Gates in the order input, forget, cell, output, as PyTorch's weight_ih_l0 and so on.
typedef struct loomLstmWeights {
  const loomReal *wi, *wh;  // (4 hidden x in), (4 hidden x hidden)
  const loomReal *bi, *bh;  // (4 hidden)
} loomLstmWeights;

typedef struct loomLstmGradients {
  loomReal *wi, *wh, *bi, *bh;
} loomLstmGradients;

/// What forward leaves for backward. Time is the outermost index, so that a step is one matrix.
typedef struct loomLstmState {
  loomReal* gates;  // (steps x n x 4 hidden) after their nonlinearities
  loomReal*
      c;  // ((steps + 1) x n x hidden): the caller sets the first (cells at the start), forward the rest
  loomReal* h;  // ((steps + 1) x n x hidden): likewise; h + n hidden is the layer's output
} loomLstmState;

/// x (steps x n x in).
void loom_lstm_forward(loomLstmState* state, const loomReal* x, const loomLstmWeights* w,
                       const loomLstmShape* shape);
/// dx (steps x n x in, may be NULL) from dh (steps x n x hidden), the gradient of every output. Overwrites
/// dh. dc (n x hidden) and dgates (steps x n x 4 hidden) are scratch; at the end dc is the gradient of the
/// cells at the start and dh0 (n x hidden, may be NULL) that of the outputs at the start.
void loom_lstm_backward(loomReal* dx, loomReal* dh0, loomReal* dc, loomReal* dgates, loomReal* dh,
                        const loomLstmGradients* dw, const loomLstmState* state, const loomReal* x,
                        const loomLstmWeights* w, const loomLstmShape* shape);

#endif
