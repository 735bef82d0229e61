#ifndef LOOM_TOOLS_COMMAND_REPLAY_OBS_H
#define LOOM_TOOLS_COMMAND_REPLAY_OBS_H

#include "generators/source/replay.h"

/// Write the first n demos of a dataset to path, with obs/* as their states give them instead of
/// what they had.
int replay_obs(const char* path, const loomTask* task, const loomDataset* dataset,
               const loomAssetRoots* roots, int n, loomError* err);

#endif
