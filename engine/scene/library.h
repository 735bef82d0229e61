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
enum { LOOM_SCENES_MAX = 1024 };
/// Names of all scenes, sorted; returns how many were put into names (max).
int loom_scene_names(loomName* names, int max);
enum { LOOM_VARIANTS_MAX = 64 };
/// The same of a scene's variants, other task files in its folder that say what they are `like`:
/// "coffee/pandas".
int loom_scene_variants(loomName* names, int max, const char* scene);
/// A task by scene name ("handover"), by the path of a task.yaml or of its folder, or by the `task:` of a
/// listed scene whose folder is called otherwise. LOOM_ERR_USAGE when there is none, or several are called
/// so. Free with loom_task_destroy.
int loom_task_find(loomTask** out, const char* name, loomError* err);
/// The listed task that writes the dataset's environment: by its env_name or, without one, its name. Of
/// several the one whose folder is called so. LOOM_ERR_USAGE when there is none, or none of several is;
/// the message names those, and scenes that could not be read.
int loom_task_of_dataset(loomTask** out, const loomDataset* dataset, loomError* err);

/// Called with the name of a set of assets that is not on this machine ("robosuite"); returns 0 once it is.
typedef struct loomFetch {
  int (*run)(void* user, const char* set, loomError* err);
  void* user;
} loomFetch;

/// Add the roots a task needs that `roots` lacks. fetch (nullable) is called for what is not there; without
/// it that is LOOM_ERR_IO, whose message says what to do.
int loom_task_assets(loomAssetRoots* roots, const loomTask* task, const loomFetch* fetch, loomError* err);
/// The same for one set of assets by its name ("gymnasium"; "" is none), which the file `label` names.
int loom_known_assets(loomAssetRoots* roots, const char* set, const char* label, const loomFetch* fetch,
                      loomError* err);
/// Path of the task's source demos. LOOM_ERR_IO when they are not there; LOOM_ERR_FORMAT when the path, links
/// followed, leads out of the task's folder (or its asset root) and into no other root.
int loom_task_source(char out[LOOM_PATH_MAX], const loomTask* task, const loomAssetRoots* roots,
                     loomError* err);
/// Path of the same demos cleaned; LOOM_ERR_USAGE where the task names none.
int loom_task_cleaned_source(char out[LOOM_PATH_MAX], const loomTask* task, const loomAssetRoots* roots,
                             loomError* err);

LOOM_C_END

#endif
