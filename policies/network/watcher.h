// What a state is to somebody who watches: a point near those of states that are as far in the task, whoever
// does it. Poses and pictures of a row become an embedding (a perceptron behind encoders of pictures), and
// its distance to the goal, the mean of where demos end, is what the state is worth. Internal.
#ifndef LOOM_POLICIES_NETWORK_WATCHER_H
#define LOOM_POLICIES_NETWORK_WATCHER_H

#include "engine/base/api.h"
#include "policies/data/normal.h"
#include "policies/data/watched.h"
#include "policies/network/encoder.h"
#include "policies/nn/mlp.h"

LOOM_C_BEGIN

enum { LOOM_WATCHER_OUT = 256 };

typedef struct loomWatcherDef {
  int keys, pictures, low;            // as loomWatched's
  loomObsKey key[LOOM_WATCHED_KEYS];  // name, shape and dim
  loomSizes hidden;                   // layers of the perceptron
  int out;                            // numbers of an embedding, 1..LOOM_WATCHER_OUT
  loomEncoderConfig eyes;             // of pictures
} loomWatcherDef;

typedef struct loomWatcher {
  loomWatcherDef def;
  loomNormal normal;  // of the poses
  loomParams params;
  loomEncoder eyes;
  loomMlp mlp;
  int rows, width;                       // at most; numbers of a row that the perceptron sees
  float* low;                            // (rows x low) as they were put
  loomReal* picture[LOOM_WATCHED_KEYS];  // (rows x 3 x height x width)
  loomReal *input, *dinput;              // (rows x width)
  loomReal goal[LOOM_WATCHER_OUT];
  double scale;  // what distances to it are multiplied by: demos begin at 1 (mean)
  loomArena arena;
} loomWatcher;

/// Free with loom_watcher_destroy. Weights are drawn by the seed; the poses' normal is the caller's to fill.
/// LOOM_ERR_USAGE: sizes that are none; loom_encoder_create's.
int loom_watcher_create(loomWatcher* out, const loomWatcherDef* def, uint64_t seed, int rows, loomError* err);
void loom_watcher_destroy(loomWatcher* watcher);

/// Row i of the next look: poses (low) and pictures (pictures, each height x width x 3).
void loom_watcher_put(loomWatcher* watcher, int i, const float* low, const unsigned char* const* picture);
/// Embeddings (n x out) of what was put; they stay until the next call. crops: where pictures are cropped;
/// NULL = the middle.
const loomReal* loom_watcher_look(loomWatcher* watcher, int n, loomRandom* crops);
/// Gradients of the parameters from those of the embeddings of the last look (n x out).
void loom_watcher_back(loomWatcher* watcher, const loomReal* dout, int n);

/// Minus the scaled distance of an embedding to the goal.
double loom_watcher_worth(const loomWatcher* watcher, const loomReal* embedding);

LOOM_C_END

#endif
