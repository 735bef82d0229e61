// Point clouds of a batch as another camera, or a worse one, might have seen them: points that are missing,
// points that are off, and a whole cloud that is off (as PointNet's authors augment: Qi et al., CVPR 2017,
// section 5.1; RialTo does likewise from simulated to real clouds: Torne et al., RSS 2024). Internal.
#ifndef LOOM_POLICIES_DATA_CLOUD_NOISE_H
#define LOOM_POLICIES_DATA_CLOUD_NOISE_H

#include "policies/data/data_config.h"

/// Of all point clouds of a batch, in place and in meters, before anything is normalized. What is drawn
/// depends on seed and step alone. A point that is dropped lies where the first one that stays does, which
/// a maximum over points does not see; one stays at least. rows: of observations in a sample, in all of
/// which the shift is the same.
void loom_cloud_noise(loomBatch* batch, const loomDataInfo* info, int rows, const loomCloudNoise* noise,
                      uint64_t seed, int64_t step);

#endif
