// The 1-D U-Net of Diffusion Policy (Chi et al., 2023, after Janner et al., "Planning with Diffusion for
// Flexible Behavior Synthesis", ICML 2022): predicts the noise in a chunk of actions from the chunk, the step
// of the diffusion and what is observed. Convolutions over time; each level but the last halves the rows. A
// residual block is twice convolution, group norm, Mish, with the condition's scale and shift between them
// (FiLM). As there, the first level's output is kept for no shortcut. Internal.
#ifndef LOOM_POLICIES_NN_UNET_H
#define LOOM_POLICIES_NN_UNET_H

#include "policies/nn/conv.h"
#include "policies/nn/mlp.h"

enum { LOOM_UNET_LEVELS = 8 };

typedef struct loomUnetDef {
  int channels, length;                // numbers of a row, rows; length is a multiple of 2^(levels - 1)
  int seen;                            // numbers observed
  int levels, size[LOOM_UNET_LEVELS];  // channels of each, multiples of groups
  int step_width;                      // of the diffusion step's embedding
  int kernel;                          // odd
  int groups;
} loomUnetDef;

/// Convolution, group norm, Mish; `size_t` are offsets into the parameter blocks.
typedef struct loomUnetConv {
  loomConv conv;
  size_t weight, bias, gain, shift;
  loomReal *sum, *normed, *out;  // (n x out x length) each
  loomReal *mean, *inverse;      // (n x groups)
} loomUnetConv;

/// A residual block, with a shortcut through a convolution of kernel 1 where channels change.
typedef struct loomUnetBlock {
  loomUnetConv part[2];
  loomConv shortcut;  // kernel 1; in = out: none
  size_t film_weight, film_bias, shortcut_weight, shortcut_bias;
  const loomReal* x;       // the last input
  loomReal *film, *mixed;  // (n x 2 out); (n x out x length)
  loomReal* y;             // (n x out x length)
} loomUnetBlock;

/// Between levels: a strided convolution down, a transposed one up.
typedef struct loomUnetStride {
  loomConv conv;
  size_t weight, bias;
  loomReal* y;
} loomUnetStride;

typedef struct loomUnet {
  loomUnetDef def;
  loomMlp step;
  loomUnetBlock block[4 * LOOM_UNET_LEVELS];  // two for each level down, two at the bottom, two for each up
  loomUnetStride down[LOOM_UNET_LEVELS], up[LOOM_UNET_LEVELS];  // (levels - 1) each
  loomUnetConv last;
  loomConv output;  // kernel 1
  size_t output_weight, output_bias;
  const loomReal* embedding;           // the last input
  loomReal *condition, *activated;     // (n x step_width + seen), before and after Mish
  loomReal* joined[LOOM_UNET_LEVELS];  // inputs of the blocks that a shortcut reaches
  loomReal *x, *noise, *y;             // (n x channels x length) twice; (n x length x channels)
  loomReal* scratch;                   // of convolutions
  loomReal* d[4];                      // (n x the largest of any input or output)
  loomReal* dshortcut[LOOM_UNET_LEVELS];
  loomReal *dcondition, *dfilm, *dstep;
} loomUnet;

/// Parameters PREFIXdown.0.0.0.weight (level, block, convolution), ...film.weight, ...shortcut.weight,
/// PREFIXup. ..., PREFIXstep.0.weight, ...
void loom_unet_declare(loomUnet* unet, loomParams* params, const loomUnetDef* def, const char* prefix);
void loom_unet_init(const loomUnet* unet, loomParams* params, loomRandom* random);
/// For n samples at most; `train`: backward too.
void loom_unet_layout(loomUnet* unet, loomArena* arena, int n, bool train);
/// The noise (n x length x channels) in noisy (likewise), by the step's embedding (n x step_width) and what
/// is seen (n x seen). It stays until the next call, and so must the embedding until backward.
const loomReal* loom_unet_forward(loomUnet* unet, const loomParams* params, const loomReal* noisy,
                                  const loomReal* embedding, const loomReal* seen, int n);
/// Gradients of the last forward's parameters, and dseen (as seen, may be NULL), from dy (as noisy).
void loom_unet_backward(loomReal* dseen, loomUnet* unet, loomParams* params, const loomReal* dy, int n);

#endif
