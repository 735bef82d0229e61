// Which of a task's objects a body or geom belongs to: what "in the hand" and "touching" mean for doors,
// drawers, lids and other parts that move on something else. Internal.
#ifndef LOOM_ENGINE_SIM_PART_H
#define LOOM_ENGINE_SIM_PART_H

#include <mujoco/mujoco.h>
#include <stdbool.h>

#include "engine/task/task.h"

/// Ids of the bodies of the task's objects (object_count), -1 where the model has none of that name.
void loom_object_bodies(int* body, const loomTask* task, const mjModel* m);

/// The object that a body is a part of: the nearest one up its tree. So a handle fixed to a door is the
/// door's; of a cabinet and a drawer that are both objects each has what moves with it alone; a latch that is
/// no object itself belongs to the door it turns on. A body that is fixed to an object's, by having no joint
/// or by a weld of `equality`, is that object's too. object_body (count), as loom_object_bodies gives them;
/// -1 = no object's.
int loom_object_of_body(const mjModel* m, const int* object_body, int count, int body);
int loom_object_of_geom(const mjModel* m, const int* object_body, int count, int geom);

/// Does a body go along when `carrier` is placed: is it that body, or does it hang on it?
bool loom_body_moves_with(const mjModel* m, int body, int carrier);

#endif
