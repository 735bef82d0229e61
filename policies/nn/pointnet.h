// The point-cloud encoder of DP3 (Ze et al., 2024): every point through the same small perceptron with layer
// norms, the maximum over points, a projection. A channel's gradient reaches one point only, its winner, so
// backward goes through winners alone, and forward keeps nothing of the others: points pass through in
// pieces that fit the cache.
#ifndef LOOM_POLICIES_NN_POINTNET_H
#define LOOM_POLICIES_NN_POINTNET_H

#include "engine/base/api.h"
#include "engine/base/random.h"
#include "policies/nn/tensor.h"

LOOM_C_BEGIN

enum { LOOM_POINTNET_LAYERS = 4 };

typedef struct loomPointnetDef {
  int points;                           // of a cloud
  int layers;                           // 1..LOOM_POINTNET_LAYERS
  int sizes[LOOM_POINTNET_LAYERS + 1];  // numbers of a point (x y z, maybe r g b), then each layer's
  int out;                              // features of a cloud
} loomPointnetDef;

/// 1024 points, x y z to 64, 128 and 256; 64 features.
loomPointnetDef loom_default_pointnet_def(void);

typedef struct loomPointnet {
  loomPointnetDef def;
  size_t weight[LOOM_POINTNET_LAYERS + 1],
      bias[LOOM_POINTNET_LAYERS + 1];  // linear; the last is the projection
  size_t gain[LOOM_POINTNET_LAYERS + 1], shift[LOOM_POINTNET_LAYERS + 1];  // layer norms
  int workers, widest, pieces,
      capacity;  // threads; columns; pieces of a cloud; winners that backward takes at once
  loomReal *forward, *piece_top, *pooled, *projected, *moments, *y;
  loomReal *dprojected, *dpooled;
  int *piece_winner, *winner;  // point that gave each channel its maximum
  int *slot, *rows;            // backward: a point's place among the winners, or -1
  loomReal *input, *sum[LOOM_POINTNET_LAYERS], *norm[LOOM_POINTNET_LAYERS], *active[LOOM_POINTNET_LAYERS];
  loomReal *mean[LOOM_POINTNET_LAYERS], *inverse[LOOM_POINTNET_LAYERS], *gradient[2];
} loomPointnet;

/// Parameters PREFIXmlp.0.weight, .bias, PREFIXnorm.0.weight, .bias, ..., PREFIXprojection.weight and so on.
void loom_pointnet_declare(loomPointnet* net, loomParams* params, const loomPointnetDef* def,
                           const char* prefix);
void loom_pointnet_init(const loomPointnet* net, loomParams* params, loomRandom* random);
/// Room for n clouds at most and that many threads; results do not depend on the threads.
void loom_pointnet_layout(loomPointnet* net, loomArena* arena, int n, int workers);
/// Features (n x out) of x (n x points x numbers), which stay until the next call.
const loomReal* loom_pointnet_forward(loomPointnet* net, const loomParams* params, const loomReal* x, int n);
/// Gradients of the parameters from dy (n x out) after forward with the same x. Points get none: they are
/// data.
void loom_pointnet_backward(loomPointnet* net, loomParams* params, const loomReal* dy, const loomReal* x,
                            int n);

LOOM_C_END

#endif
