// Conditions that no episode of a model can change, told when the scene is opened. Internal.
#ifndef LOOM_ENGINE_SCENE_POSSIBLE_H
#define LOOM_ENGINE_SCENE_POSSIBLE_H

#include <mujoco/mujoco.h>

#include "engine/task/task.h"

/// LOOM_ERR_FORMAT, with its line, for a condition of things that never move, or of a joint that its range
/// keeps away. Names that the model has not are left to those who bind them.
int loom_scene_check_possible(const loomTask* task, const mjModel* model, loomError* err);

#endif
