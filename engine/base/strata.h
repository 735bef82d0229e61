// Latin hypercube sampling (McKay, Beckman and Conover, "A comparison of three methods for selecting values
// of input variables", 1979): in each block of LOOM_STRATA samples every number is once in each of so many
// equal parts of its range, in an order of its own. One sample alone is drawn as without. Internal.
#ifndef LOOM_ENGINE_BASE_STRATA_H
#define LOOM_ENGINE_BASE_STRATA_H

#include <stdint.h>

#include "engine/base/api.h"

LOOM_C_BEGIN

enum { LOOM_STRATA = 64 };

/// The part, in [0, LOOM_STRATA), that sample `number`'s number `dimension` (from 0) is to lie in: a pure
/// function of these and the seed.
int loom_stratum(uint64_t seed, uint64_t number, int dimension);

LOOM_C_END

#endif
