// A causal transformer over rows, as robomimic's BC-Transformer has it (after Karpathy's minGPT): each row
// projected and given a learned place, normed; blocks of self-attention and a perceptron, each behind a norm
// and beside a shortcut; a norm at the end. Dropout on the embedded rows, the attention's weights and what
// each half of a block adds. Internal.
#ifndef LOOM_POLICIES_NN_TRANSFORMER_H
#define LOOM_POLICIES_NN_TRANSFORMER_H

#include "policies/nn/attention.h"
#include "policies/nn/tensor.h"

enum { LOOM_TRANSFORMER_BLOCKS = 64 };

typedef struct loomTransformerDef {
  int input, length;  // numbers of a row, rows
  int width, blocks, heads;
  double dropout;
} loomTransformerDef;

typedef struct loomTransformerNorm {
  size_t gain, shift;        // offsets into the parameter blocks
  loomReal *mean, *inverse;  // (rows)
  loomReal* y;               // (rows x width)
} loomTransformerNorm;

typedef struct loomTransformerBlock {
  loomTransformerNorm norm[2];
  size_t qkv_weight, out_weight, out_bias;               // attention
  size_t up_weight, up_bias, down_weight, down_bias;     // perceptron, four times as up
  const loomReal* x;                                     // the last input
  loomReal *qkv, *weight, *dropped, *attended, *middle;  // (rows x width), but for the first three
  loomReal *up, *active, *y;                             // (rows x 4 width) twice; (rows x width)
  loomRandom random[3];                                  // streams of dropout
} loomTransformerBlock;

typedef struct loomTransformer {
  loomTransformerDef def;
  size_t weight, bias, place;
  loomTransformerNorm first, last;
  loomTransformerBlock block[LOOM_TRANSFORMER_BLOCKS];
  loomReal *embedded, *begun;  // (rows x width): before the first norm, after dropout
  loomRandom random;
  bool dropping;  // in the last forward
  loomReal *d, *branch, *other, *dup, *dqkv, *dweight;
} loomTransformer;

/// Parameters PREFIXembed.weight, PREFIXplace, PREFIX0.qkv.weight, ...
void loom_transformer_declare(loomTransformer* t, loomParams* params, const loomTransformerDef* def,
                              const char* prefix);
void loom_transformer_init(const loomTransformer* t, loomParams* params, loomRandom* random);
/// For n sequences at most; `train`: dropout and backward too.
void loom_transformer_layout(loomTransformer* t, loomArena* arena, int n, bool train);
/// y (n x length x width) from x (n x length x input), until the next call. Dropout takes its draws from
/// `random`; NULL: none is done.
const loomReal* loom_transformer_forward(loomTransformer* t, const loomParams* params, const loomReal* x,
                                         int n, loomRandom* random);
/// Gradients of the last forward's parameters, and dx (as x, may be NULL), from dy and the same x.
void loom_transformer_backward(loomReal* dx, loomTransformer* t, loomParams* params, const loomReal* dy,
                               const loomReal* x, int n);

#endif
