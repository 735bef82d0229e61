// How policies did side by side, as JSON and as text: of all commands that test what they made.
#ifndef LOOM_TOOLS_SHARED_TESTED_H
#define LOOM_TOOLS_SHARED_TESTED_H

#include <cjson/cJSON.h>

#include "policies/agent/tested.h"

/// Successes with Wilson's interval, those within the limits, breaches by limit and the mean squared jerk, as
/// out's entry `key`.
void tool_add_tested(cJSON* out, const char* key, const loomTested* tested);
/// Of what is rougher than before by more than LOOM_ROUGHER, the names, as out's entry "rougher".
void tool_add_rougher(cJSON* out, const loomTested* before, const loomTested* after);

/// Lines on stdout: both policies' successes, those within the limits, breaches by limit, mean squared jerk;
/// what has become rougher is said so.
void tool_print_tested(const loomTested* before, const loomTested* after);

#endif
