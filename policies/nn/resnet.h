// A small residual network (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016) that looks
// at pictures for a policy: a stem, blocks of two convolutions, each but the last of half the height and
// width; group norms instead of batch norms, as Diffusion Policy has them (Chi et al., 2023); a spatial
// softmax that says where keypoints are (Finn et al., 2016), as in robomimic; a linear layer.
#ifndef LOOM_POLICIES_NN_RESNET_H
#define LOOM_POLICIES_NN_RESNET_H

#include "engine/base/api.h"
#include "engine/base/random.h"
#include "policies/nn/conv.h"
#include "policies/nn/tensor.h"

LOOM_C_BEGIN

enum { LOOM_RESNET_BLOCKS = 7 };

typedef struct loomResnetDef {
  int channels, height, width;        // of a picture
  int blocks;                         // 1..LOOM_RESNET_BLOCKS
  int sizes[LOOM_RESNET_BLOCKS + 1];  // channels after the stem, then after each block
  int keypoints, out;                 // out: features of a picture
} loomResnetDef;

/// A convolution and its group norm.
typedef struct loomResnetUnit {
  loomConv conv;  // out = 0: there is none
  int groups;
  size_t weight, gain, shift;            // offsets into the parameter blocks
  loomReal *sum, *mean, *inverse, *out;  // of the convolution; of the norm (and then of what follows it)
} loomResnetUnit;

typedef struct loomResnetBlock {
  loomResnetUnit unit[2], shortcut;  // shortcut: where the block changes the shape
} loomResnetBlock;

typedef struct loomResnet {
  loomResnetDef def;
  loomResnetUnit stem;
  loomResnetBlock block[LOOM_RESNET_BLOCKS];
  loomConv maps;  // 1 x 1, to the keypoints' maps
  size_t map_weight, map_bias, weight, bias;
  loomReal *map, *heat, *place, *y;  // the maps, their softmax, (n x keypoints x 2), (n x out)
  loomReal *dplace, *gradient[4], *scratch;
} loomResnet;

/// Parameters PREFIXstem.conv.weight, PREFIXstem.norm.weight, PREFIXblock0.0.conv.weight, ...,
/// PREFIXblock0.shortcut.conv.weight, PREFIXkeypoints.weight, PREFIXlinear.weight and so on.
void loom_resnet_declare(loomResnet* net, loomParams* params, const loomResnetDef* def, const char* prefix);
void loom_resnet_init(const loomResnet* net, loomParams* params, loomRandom* random);
/// Room for n pictures at most.
void loom_resnet_layout(loomResnet* net, loomArena* arena, int n);
/// Features (n x out) of x (n x channels x height x width), which stay until the next call.
const loomReal* loom_resnet_forward(loomResnet* net, const loomParams* params, const loomReal* x, int n);
/// Gradients of the parameters from dy (n x out) after forward with the same x. Pictures get none.
void loom_resnet_backward(loomResnet* net, loomParams* params, const loomReal* dy, const loomReal* x, int n);

LOOM_C_END

#endif
