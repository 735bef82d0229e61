// Are bodies that robots' files call apart so in this model? Names are trusted there, and contacts that are
// left out by mistake would be missed without a word. Internal.
#ifndef LOOM_ENGINE_SCENE_APART_H
#define LOOM_ENGINE_SCENE_APART_H

#include <mujoco/mujoco.h>

#include "engine/base/api.h"
#include "engine/base/error.h"
#include "engine/task/task.h"

/// Looks at each pair at the model's own joint positions, at the robot's initial ones and at some drawn
/// within joints' limits (a sample, no proof). LOOM_ERR_FORMAT names the first pair that touches, or that no
/// limited joints hold to each other.
int loom_scene_check_apart(const loomTask* task, const mjModel* model, loomError* err);

#endif
