// env_args: what robomimic's datasets say about the environment their demos were made in. Internal.
#ifndef LOOM_ENGINE_SCENE_ENV_ARGS_H
#define LOOM_ENGINE_SCENE_ENV_ARGS_H

#include "engine/base/api.h"
#include "engine/task/task.h"

LOOM_C_BEGIN

/// env_args of a task's own demos (JSON, malloc'ed): environment, control frequency, controllers. NULL when
/// out of memory.
char* loom_env_args(const loomTask* task);

LOOM_C_END

#endif
