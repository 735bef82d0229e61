// Multi-head self-attention (Vaswani et al., 2017) between its two projections, which are linear layers.
// Internal.
#ifndef LOOM_POLICIES_NN_ATTENTION_H
#define LOOM_POLICIES_NN_ATTENTION_H

#include <stdbool.h>

#include "engine/base/random.h"
#include "policies/nn/real.h"

typedef struct loomAttention {
  int n, length, width,
      heads;          // sequences, steps of each, features of a step, heads; width is a multiple of heads
  bool causal;        // step t sees steps 0..t only
  double dropout;     // of the weights; 0 = none
  loomRandom random;  // its stream, of which each head takes (length^2 + 3) / 4 draws
} loomAttention;

/// y (n x length x width) from qkv (n x length x 3 width: queries, keys, values). weight
/// (n x heads x length x length) is kept for backward, 0 where a step may not look; so is `dropped` (as
/// weight), what dropout leaves of it (NULL where there is none).
void loom_attention_forward(loomReal* y, loomReal* weight, loomReal* dropped, const loomReal* qkv,
                            const loomAttention* shape);
/// dqkv (as qkv) from dy; dweight (as weight) is scratch.
void loom_attention_backward(loomReal* dqkv, loomReal* dweight, const loomReal* dy, const loomReal* weight,
                             const loomReal* dropped, const loomReal* qkv, const loomAttention* shape);

#endif
