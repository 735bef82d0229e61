// What stands before a policy's network where it sees images or point clouds: each row's vectors, with the
// features of its images and clouds behind them, are what the network then sees. Images go through a small
// residual network, clouds through DP3's point encoder, every key through one of its own.
#ifndef LOOM_POLICIES_NETWORK_ENCODER_H
#define LOOM_POLICIES_NETWORK_ENCODER_H

#include "engine/base/api.h"
#include "policies/data/data.h"
#include "policies/network/network_config.h"
#include "policies/nn/pointnet.h"
#include "policies/nn/resnet.h"

LOOM_C_BEGIN

/// A key that is no vector.
typedef struct loomVisualKey {
  loomName name;
  int rank;      // 3: image, channels x height x width of 0 .. 1; 2: cloud, points x numbers of a point
  int shape[3];  // of a row
} loomVisualKey;

/// Numbers of a row.
int loom_visual_dim(const loomVisualKey* key);

typedef struct loomEncoderDef {
  loomEncoderConfig config;
  int count;
  loomVisualKey key[LOOM_DATA_KEYS];
} loomEncoderDef;

/// LOOM_ERR_UNSUPPORTED names a key whose rows are no picture of 16 to 2048 pixels a side and up to 16
/// channels and no cloud of up to 65536 points of 3 to 16 numbers.
int loom_visual_check(const loomVisualKey* key, loomError* err);

typedef struct loomEncoderPart {
  loomVisualKey key;
  loomResnet resnet;      // images
  loomPointnet pointnet;  // clouds
  loomReal* picture;      // (chunk x channels x height x width) cropped, -1 .. 1
  int* corner;            // (rows x 2) of each row's crop: top, left
} loomEncoderPart;

typedef struct loomEncoder {
  int count, features;    // of a key
  int chunk;              // images that go through a network at once
  loomEncoderPart* part;  // (count)
} loomEncoder;

/// Parameters encoder.KEY.NAME. LOOM_ERR_MEMORY, and loom_visual_check's.
int loom_encoder_create(loomEncoder* out, loomParams* params, const loomEncoderDef* def, loomError* err);
/// The same parameters, activations of its own. LOOM_ERR_MEMORY.
int loom_encoder_copy(loomEncoder* out, const loomEncoder* from, loomError* err);
void loom_encoder_destroy(loomEncoder* encoder);
void loom_encoder_init(const loomEncoder* encoder, loomParams* params, loomRandom* random);
/// Room for n rows at most.
void loom_encoder_layout(loomEncoder* encoder, loomArena* arena, int n);

/// Features of n rows, key after key, from visual (one a key, (n x its numbers)) into out, `stride` numbers
/// from row to row. Crops are drawn from random, one a picture (as robomimic's CropRandomizer); NULL: the
/// middle.
void loom_encoder_forward(loomReal* out, int stride, loomEncoder* encoder, const loomParams* params,
                          const loomReal* const* visual, int n, loomRandom* random);
/// Gradients of the parameters from dout, laid out as out, after forward with the same rows. Images beyond a
/// chunk are encoded once more, so that memory does not grow with the batch.
void loom_encoder_backward(loomEncoder* encoder, loomParams* params, const loomReal* dout, int stride,
                           const loomReal* const* visual, int n);

LOOM_C_END

#endif
