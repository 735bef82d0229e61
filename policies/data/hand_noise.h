// Hands of a batch as if they were beside where they are, while all else, and what they are to do, stays: a
// policy learns where to go from what lies about, and not from the way on which demos brought a hand there
// (causal confusion in imitation: de Haan et al., NeurIPS 2019). Internal.
#ifndef LOOM_POLICIES_DATA_HAND_NOISE_H
#define LOOM_POLICIES_DATA_HAND_NOISE_H

#include "policies/data/data_config.h"

/// Of all keys of a batch that have a hand's pose (`eef0@world`, `mug@eef1`), in place, before anything is
/// normalized. A sample's rows are moved alike, so that speeds stay. Hands that are closed stay where they
/// are: how what they hold lies in them says where they have to go, to the millimeter. What is drawn depends
/// on seed and step alone.
void loom_hand_noise(loomBatch* batch, const loomDataInfo* info, int rows, const loomHandNoise* noise,
                     uint64_t seed, int64_t step);

#endif
