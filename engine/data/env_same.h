// Are two env_args (what robomimic's datasets say about their environment, as JSON) the same in meaning?
// Internal.
#ifndef LOOM_ENGINE_DATA_ENV_SAME_H
#define LOOM_ENGINE_DATA_ENV_SAME_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/api.h"

LOOM_C_BEGIN

/// The order of keys, spaces, 20 for 20.0, null for a key that is not there, ["Panda"] for "Panda", a list of
/// equal controllers for one of them, keys that change no physics (windows, cameras, ignore_done, ...; see
/// env_same.c), and whose environment it is (`type`, a number, and `simulator`) make no difference. Where
/// they differ, *why (of `size` bytes; may be NULL with 0) names the first key that does and both its values,
/// as "env_kwargs.control_freq is 20 in one and 40 in the other". Text that is not JSON is compared as it is.
bool loom_env_args_same(const char* a, const char* b, char* why, size_t size);

/// What of env_args says how the robots are driven, as such JSON: rate, controllers, robots and robosuite's
/// version; malloc'ed. NULL: it says none of these, is no JSON, or out of memory.
char* loom_env_args_driven(const char* env_args);
/// The same as loom_env_args_same for these alone, where both say them: actions of the one are actions of the
/// other.
bool loom_env_args_driven_same(const char* a, const char* b, char* why, size_t size);

LOOM_C_END

#endif
