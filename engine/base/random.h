// Counter-based random numbers: Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011). A stream is named by (seed, attempt, purpose); draw n of it is a pure function of these, so
// threads, order and resumption change nothing.
#ifndef LOOM_ENGINE_BASE_RANDOM_H
#define LOOM_ENGINE_BASE_RANDOM_H

#include <stdint.h>

#include "engine/base/api.h"

LOOM_C_BEGIN

/// What a stream is for. Append only: the numbers are part of what makes a dataset reproducible.
typedef enum loomPurpose {
  LOOM_PURPOSE_RESET = 0,
  LOOM_PURPOSE_SELECT = 1,
  LOOM_PURPOSE_TRANSFORM = 2,
  LOOM_PURPOSE_ACTION_NOISE = 3,
  LOOM_PURPOSE_TEST = 4,
  LOOM_PURPOSE_EXPERT = 5,
  LOOM_PURPOSE_WEIGHTS = 6,  // a network before training
  LOOM_PURPOSE_DROPOUT = 7,
  LOOM_PURPOSE_SHUFFLE = 8,     // order of a training set
  LOOM_PURPOSE_POLICY = 9,      // what a policy draws while it acts
  LOOM_PURPOSE_GATE = 10,       // whether the expert or the novice acts
  LOOM_PURPOSE_CROP = 11,       // where images are cropped in training
  LOOM_PURPOSE_PERTURB = 12,    // physics that are a few percent off
  LOOM_PURPOSE_EXPLORE = 13,    // the noise of a policy that learns while it acts
  LOOM_PURPOSE_REPLAY = 14,     // which rows of a replay buffer a batch has
  LOOM_PURPOSE_TARGET = 15,     // the noise on target actions of critics
  LOOM_PURPOSE_STRATA = 16,     // the order of Latin hypercubes
  LOOM_PURPOSE_DISTURB = 17,    // which disturbances an episode meets
  LOOM_PURPOSE_BLUR = 18,       // their noise on what is seen
  LOOM_PURPOSE_SHAKE = 19,      // and on what is done
  LOOM_PURPOSE_ADR = 20,        // which end of a range an episode tries
  LOOM_PURPOSE_START = 21,      // which kind of start an episode has, and which demo's state
  LOOM_PURPOSE_BOOTSTRAP = 22,  // which runs a bootstrap sample of a comparison has
  LOOM_PURPOSE_UNGATED = 23,    // when a policy that learns acts without its gate
  LOOM_PURPOSE_CLOUD = 24,      // what point clouds lack, and how far they are off, in training
  LOOM_PURPOSE_GLIMPSE = 25,    // which pictures of a disturbed episode are not seen
  LOOM_PURPOSE_WORLD = 26,      // how a table of a random kind is made
  LOOM_PURPOSE_DEMO = 27,       // what is drawn along a trajectory in a table
  LOOM_PURPOSE_PACK = 28,       // which rows a discriminator sees side by side, where its slope is held
  LOOM_PURPOSE_LATENT = 29,     // what a generator makes its rows of
  LOOM_PURPOSE_DETOUR = 30,     // where a way around is looked for
  LOOM_PURPOSE_SELF_PLAY = 31,  // what is tried in a simulator to learn how arms answer
  LOOM_PURPOSE_CONTEXT = 32,    // what a scene looks like, and from where
  LOOM_PURPOSE_WATCH = 36,      // which demos and rows are watched together
  LOOM_PURPOSE_RECOVER = 40,    // which attempts recover, and from what
  LOOM_PURPOSE_WHERE = 41,      // which starts are kept of those that a map is asked about
  LOOM_PURPOSE_SCAN = 42,       // through which of its triangles planes of a scan are laid
  LOOM_PURPOSE_PATTERN = 43,    // what a texture shows instead of its picture
  LOOM_PURPOSE_HAZE = 44,       // the noise of a disturbed episode's point clouds, and what they lack
  LOOM_PURPOSE_DRIFT = 45,      // how far an attempt's arms are off their ways
  LOOM_PURPOSE_HAND = 46,       // how far hands are from where they are, in training
} loomPurpose;

typedef struct loomRandom {
  uint64_t seed, attempt;
  uint32_t purpose;
  uint32_t draw;  // number of the next draw
} loomRandom;

loomRandom loom_random(uint64_t seed, uint64_t attempt, loomPurpose purpose);
/// The cipher itself: out (4) from counter (4) and key (2).
void loom_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);
double loom_random_uniform(loomRandom* random);  // in [0, 1), 53 bits
double loom_random_range(loomRandom* random, double low, double high);
double loom_random_normal(loomRandom* random);     // mean 0, standard deviation 1
int loom_random_index(loomRandom* random, int n);  // in [0, n)
/// Index drawn in proportion to weight (n), all >= 0; uniform when they sum to 0.
int loom_random_weighted(loomRandom* random, const double* weight, int n);

LOOM_C_END

#endif
