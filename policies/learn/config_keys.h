// What a training run takes from its dataset where the configuration leaves it open.
#ifndef LOOM_POLICIES_LEARN_CONFIG_KEYS_H
#define LOOM_POLICIES_LEARN_CONFIG_KEYS_H

#include "engine/base/api.h"
#include "engine/data/dataset.h"
#include "policies/learn/config.h"

LOOM_C_BEGIN

/// The observations to train on, from those of the dataset's first demo: where it knows the poses of hands
/// and objects those in each other's frames (engine/observe/framed.h), and with `goals` absolute actions
/// then; else hands, grippers and the object; else every vector. LOOM_ERR_FORMAT when there are none.
int loom_config_keys(loomTrainConfig* config, const loomDataset* dataset, bool goals, loomError* err);
/// With images as small a batch as robomimic's and Diffusion Policy's configurations for images have.
void loom_config_batch(loomTrainConfig* config, const loomDataset* dataset);

/// Train on this one file, with the keys and the batch that suit it. Errors as loom_dataset_open's.
int loom_config_use(loomTrainConfig* config, const char* path, loomError* err);

LOOM_C_END

#endif
