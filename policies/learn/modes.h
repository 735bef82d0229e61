// Distributions of several narrow modes in the plane, and how many of them samples come to: the 2D ring and
// the 2D grid of PacGAN's experiments (Lin et al., "PacGAN: The power of two samples in generative
// adversarial networks", 2018, section 4.1), with the numbers of its authors' code
// (github.com/fjxmlzn/PacGAN, synthetic_data_experiments: config.py, and MetricLogger in extensions.py).
// Internal.
#ifndef LOOM_POLICIES_LEARN_MODES_H
#define LOOM_POLICIES_LEARN_MODES_H

#include "engine/base/api.h"
#include "engine/base/random.h"
#include "policies/nn/real.h"

LOOM_C_BEGIN

enum { LOOM_MODES_MOST = 25 };

typedef enum loomToy {
  LOOM_TOY_RING,  // 8 modes on a circle of radius 1, deviation 0.01
  LOOM_TOY_GRID,  // 5 x 5 modes, 2 apart, deviation 0.05
  LOOM_TOYS,
} loomToy;

extern const char* const loom_toy_names[];  // NULL-terminated

typedef struct loomModes {
  int n;
  double center[LOOM_MODES_MOST][2];
  double deviation;  // of both coordinates
  double extent;     // pictures show [-extent, extent] of both
} loomModes;

loomModes loom_toy_modes(loomToy toy);
/// out (n x 2), each from a mode drawn evenly.
void loom_modes_draw(loomReal* out, const loomModes* modes, int n, loomRandom* random);

typedef struct loomModeLook {
  int recovered;      // modes that a sample is within 3 deviations of
  double quality;     // share of the samples that are so near one
  double reverse_kl;  // nats: of their distribution over modes from the even one; log n of none at all
  int count[LOOM_MODES_MOST];  // of those near each
} loomModeLook;

/// Of samples (n x 2).
void loom_modes_look(loomModeLook* look, const loomModes* modes, const loomReal* samples, int n);

LOOM_C_END

#endif
