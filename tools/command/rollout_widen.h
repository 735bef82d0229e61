// demoloom rollout --widen: how far the ranges of disturbances grow before a policy fails.
#ifndef LOOM_TOOLS_COMMAND_ROLLOUT_WIDEN_H
#define LOOM_TOOLS_COMMAND_ROLLOUT_WIDEN_H

#include <cjson/cJSON.h>

#include "policies/agent/widen.h"

/// The ranges of the set that were found, as YAML for `--disturb FILE`, with where each comes from as
/// comments.
void print_widened(const char* policy, const loomWidened* w, const loomDisturbSet* set, double share);
/// {"policy", "share", "rounds", "episodes", "ranges": [{"term", "of", "low", "high", "at_limit",
/// "hopeless"}]}
cJSON* widened_json(const char* policy, const loomWidened* w, const loomDisturbSet* set, double share);

#endif
