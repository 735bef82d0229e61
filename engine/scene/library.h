// Where things are on this machine: scenes, robots, assets and source demos. Looking is all that is done
// here: nothing is fetched and no script is run unless the caller hands over a loomFetch.
#ifndef LOOM_ENGINE_SCENE_LIBRARY_H
#define LOOM_ENGINE_SCENE_LIBRARY_H

#include "engine/base/api.h"
#include "engine/data/dataset.h"
#include "engine/model/model.h"
#include "engine/task/task.h"

LOOM_C_BEGIN

/// The scenes folder: $DEMOLOOM_SCENES, else ../scenes or ../share/demoloom/scenes seen from the folder of
/// libdemoloom.so or of the program, else ./scenes. LOOM_ERR_USAGE when the variable names no folder,
/// LOOM_ERR_IO when there is none.
int loom_scenes_dir(char out[LOOM_PATH_MAX], loomError* err);
/// Names of all scenes, sorted; returns how many were put into names (max).
int loom_scene_names(loomName* names, int max);
/// A task by scene name ("handover"), or by the path of a task.yaml or of its folder. LOOM_ERR_USAGE when
/// there is none. Free with loom_task_destroy.
int loom_task_find(loomTask** out, const char* name, loomError* err);
/// The task whose env_name is that of the dataset's env_args. LOOM_ERR_USAGE when no scene's is.
int loom_task_of_dataset(loomTask** out, const loomDataset* dataset, loomError* err);

/// Called with the name of a set of assets that is not on this machine ("robosuite"); returns 0 once it is.
typedef struct loomFetch {
  int (*run)(void* user, const char* set, loomError* err);
  void* user;
} loomFetch;

/// Add the roots a task needs that `roots` lacks. fetch (nullable) is called for what is not there; without
/// it that is LOOM_ERR_IO, whose message says what to do.
int loom_task_assets(loomAssetRoots* roots, const loomTask* task, const loomFetch* fetch, loomError* err);
/// Path of the task's source demos. LOOM_ERR_IO when they are not there.
int loom_task_source(char out[LOOM_PATH_MAX], const loomTask* task, const loomAssetRoots* roots,
                     loomError* err);

LOOM_C_END

#endif
