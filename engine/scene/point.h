// A task's named points bound to a model: object, body, geom, site, end effector or the world. Internal.
#ifndef LOOM_ENGINE_SCENE_POINT_H
#define LOOM_ENGINE_SCENE_POINT_H

#include <mujoco/mujoco.h>

#include "engine/base/error.h"
#include "engine/task/task.h"

/// Look the point's body, geom or site up. LOOM_ERR_FORMAT names the task file's `line` and what is missing.
int loom_point_bind(int* id, const loomPoint* point, const loomTask* task, int line, const mjModel* m,
                    loomError* err);

/// The frame a bound point is given in, world frame; `at` is not applied. pos (3), mat (3 x 3).
void loom_point_frame(double* pos, double* mat, const loomPoint* point, int id, const mjData* d);

/// The body that a bound point lies on; 0 = the world.
int loom_point_body(const loomPoint* point, int id, const mjModel* m);

#endif
