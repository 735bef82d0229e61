// Internal. Hands' poses are (T x arms x 4 x 4) here; MimicGen's files have one arm and no axis of arms.
#ifndef LOOM_ENGINE_DATA_ONE_ARM_H
#define LOOM_ENGINE_DATA_ONE_ARM_H

#include "engine/data/dataset.h"

/// The same numbers as (T x 1 x 4 x 4) where they are (T x 4 x 4); nothing else changes.
static inline void loom_array_with_arms(loomArray* poses) {
  if (poses->rank != 3 || poses->shape[1] != 4 || poses->shape[2] != 4) return;
  poses->rank = 4;
  poses->shape[3] = 4;
  poses->shape[1] = 1;
}

#endif
