// demoloom dataset robosuite: a copy that robosuite 1.4.1's own playback script plays.
#ifndef LOOM_TOOLS_COMMAND_DATASET_ROBOSUITE_H
#define LOOM_TOOLS_COMMAND_DATASET_ROBOSUITE_H

#include "tools/shared/outputs.h"

int dataset_robosuite(const char* in, const char* out, bool overwrite, toolOutputs* outputs, loomError* err);

#endif
