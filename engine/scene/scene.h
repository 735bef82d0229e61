// A scene: a task with the compiled model that its episodes run in.
#ifndef LOOM_ENGINE_SCENE_SCENE_H
#define LOOM_ENGINE_SCENE_SCENE_H

#include <mujoco/mujoco.h>

#include "engine/base/api.h"
#include "engine/model/model.h"
#include "engine/model/variation.h"
#include "engine/task/task.h"

struct loomComposite;

LOOM_C_BEGIN

/// Read-only once created, shared by all workers.
typedef struct loomScene {
  const loomTask* task;
  loomControllerDef control[LOOM_MAX_ARMS];     // of each arm
  struct loomComposite* composite;              // NULL: an action is the arms' entries one after the other
  char* xml;                                    // MJCF the model was compiled from
  char label[LOOM_PATH_MAX];                    // where it came from, for messages
  char* env_args;                               // JSON, for datasets made here; NULL if created without
  loomAssetRoots roots;                         // where its files are
  mjModel* model;                               // without visuals, its sensors off
  loomVariation* variations[LOOM_MAX_OBJECTS];  // NULL for objects of fixed size
  int object_body[LOOM_MAX_OBJECTS];
  int object_qpos[LOOM_MAX_OBJECTS];  // of its free joint, or of the joint it slides or turns on; -1 = none
  int substeps;                       // physics steps a control step
  loomTask* own_task;                 // what loom_scene_open has loaded; NULL: the task is the caller's
  int owners;                         // that have yet to destroy it
} loomScene;

/// Open a scene by its name ("handover") or by the path of a task.yaml: its task, its assets and its model,
/// all found by engine/scene/library.h. roots (nullable) are asset folders to look in first. *out is NULL on
/// error: LOOM_ERR_USAGE (no such scene), LOOM_ERR_IO (its assets are not on this machine; says what to do),
/// or what the task file and the model say. Free with loom_scene_destroy, the task included.
int loom_scene_open(loomScene** out, const char* name, const loomAssetRoots* roots, loomError* err);

/// The scene of a loaded task, which must outlive it: the task's own model, or the one recorded with its
/// source demos. roots must have the task's assets (loom_task_assets). Errors as loom_scene_open's.
int loom_scene_of_task(loomScene** out, const loomTask* task, const loomAssetRoots* roots, loomError* err);

/// Compile `xml` (named `label` in messages) for the task. env_args (nullable) is the dataset's that xml
/// comes from, which must agree with the task (loom_task_agrees) and whose controller_configs are used when
/// the task gives none.
int loom_scene_create(loomScene** out, const loomTask* task, const char* xml, const char* label,
                      const char* env_args, const loomAssetRoots* roots, loomError* err);
/// The same; its compiled model is kept below the home folder, and taken from there next time; a child
/// process compiles it (loomModelDef.aside: only where no other thread works).
int loom_scene_create_kept(loomScene** out, const loomTask* task, const char* xml, const char* label,
                           const char* env_args, const loomAssetRoots* roots, loomError* err);
/// The same scene for one more owner, in any thread; each destroys it.
loomScene* loom_scene_share(loomScene* scene);
void loom_scene_destroy(loomScene* scene);

/// LOOM_ERR_FORMAT, after `label`: the rows of states (rows x dim, each beginning with its time) are further
/// apart or closer together than the scene's control steps. Times that do not go up evenly tell nothing.
int loom_scene_period(const loomScene* scene, const double* states, int rows, int dim, const char* label,
                      loomError* err);

LOOM_C_END

#endif
