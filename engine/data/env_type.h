// What kind of environment demos are of, as robomimic's env_args say it by a number. Internal.
#ifndef LOOM_ENGINE_DATA_ENV_TYPE_H
#define LOOM_ENGINE_DATA_ENV_TYPE_H

#include <stdbool.h>

/// robomimic's (robomimic/envs/env_base.py, 0.3.0). What is none of robosuite's it has no name for: such is
/// of Gym's, as Isaac Lab's recorders say it too.
typedef enum loomEnvType { LOOM_ENV_ROBOSUITE = 1, LOOM_ENV_GYM = 2 } loomEnvType;

/// Beside it, at env_args' top, data of this simulator say so.
#define LOOM_ENV_SIMULATOR "simulator"
#define LOOM_ENV_OURS "demoloom"

/// Has robosuite (1.4.1 or 1.5.2) an environment of that name?
bool loom_env_is_robosuites(const char* env_name);

/// env_args that claim robosuite's type for an environment which only this house has, as its files before
/// did, as they are to be: malloc'ed. NULL where nothing is to be mended, or out of memory.
char* loom_env_args_mended(const char* env_args);

#endif
