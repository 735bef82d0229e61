// demoloom dataset lerobot: a file of demos as a folder in LeRobot's layout, and back.
#ifndef LOOM_TOOLS_COMMAND_DATASET_LEROBOT_H
#define LOOM_TOOLS_COMMAND_DATASET_LEROBOT_H

#include "engine/data/lerobot.h"
#include "tools/shared/outputs.h"

/// `in` is a folder or a file, `out` what it becomes: the other. What was made is printed, as JSON where
/// `json`. The overwrite of def is the command's.
int dataset_lerobot(const char* in, const char* out, const loomLerobotDef* def, toolOutputs* outputs,
                    bool json, loomError* err);

#endif
