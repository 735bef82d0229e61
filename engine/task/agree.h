// The one place where what a dataset or a policy says of its environment (robomimic's env_args, JSON) meets
// the task that it is used with: the same control rate, robots and controllers, or a refusal that names what
// differs. Internal.
#ifndef LOOM_ENGINE_TASK_AGREE_H
#define LOOM_ENGINE_TASK_AGREE_H

#include "engine/base/api.h"
#include "engine/task/task.h"

LOOM_C_BEGIN

/// The controllers of the task's arms, control (arm_count): the task's own, or those that env_args (nullable)
/// say, one for all robots, one a robot or one an arm. What env_args do not say is taken to be the task's.
/// LOOM_ERR_FORMAT or LOOM_ERR_UNSUPPORTED, after `label`: the rate, the robots or a controller are not the
/// task's, or there is none that can be had. Composites that are not known, null and what has no type are the
/// task's where it has its own.
int loom_task_agrees(loomControllerDef control[LOOM_MAX_ARMS], const loomTask* task, const char* env_args,
                     const char* label, loomError* err);

/// Whether a policy that learned from data of these env_args (nullable) can act where control (arm_count)
/// drives the task's arms; by_goals: its actions are where hands are to be, which any controller may be told.
/// Errors as above.
int loom_task_agrees_policy(const loomTask* task, const loomControllerDef* control, const char* env_args,
                            bool by_goals, const char* label, loomError* err);

LOOM_C_END

#endif
