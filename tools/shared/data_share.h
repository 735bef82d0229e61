// A dataset that is trained on, as a command line names it: FILE, or FILE=SHARE of each batch.
#ifndef LOOM_TOOLS_SHARED_DATA_SHARE_H
#define LOOM_TOOLS_SHARED_DATA_SHARE_H

#include "policies/data/data_config.h"

/// A file that is called FILE=SHARE comes first. 0, or the exit status once it is told what is wrong.
int tool_data_share(loomDataConfigFile* out, const char* command, const char* text);

#endif
