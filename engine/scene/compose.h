// Robots put into a scene: MJCF parts attached to one another through MuJoCo's mjSpec, and the result as one
// MJCF text, which then goes the way of every other model (engine/model/model.h). Internal.
#ifndef LOOM_ENGINE_SCENE_COMPOSE_H
#define LOOM_ENGINE_SCENE_COMPOSE_H

#include "engine/model/model.h"
#include "engine/task/task.h"

/// One part to attach.
typedef struct loomPart {
  const char* file;         // MJCF, looked up in the asset roots
  const char* prefix;       // put before all its names
  const char* to;           // body of what is there already that it is attached to; "" = the world
  double pos[3], quat[4];   // where, in that body's frame; quaternion w-x-y-z
  bool weld;                // without its free joint
  bool no_mass;             // its bodies weigh nothing, which only what is fixed to the world may
  bool no_geoms;            // its bodies touch nothing and are not seen
  int without_count;        // bodies, joints and geoms, by the file's names, that are left out
  const loomName* without;  // with all that hangs on them
} loomPart;

/// One joint that is given what the parts' MJCF leaves out.
typedef struct loomJointEdit {
  const loomJointsDef* def;
  int index;
} loomJointEdit;

/// Attach the parts, in order, to the scene `xml` (named `label` in messages; its assets are looked up in the
/// roots too). *out, malloc'ed, is MJCF with its assets under portable paths. Errors as loom_model_compile.
int loom_model_compose(char** out, const char* xml, const char* label, const loomPart* parts, int n,
                       const loomJointEdit* edits, int nedit, const loomAssetRoots* roots, loomError* err);

/// The MJCF a task with a `model: file` runs in, robots put at their places; malloc'ed. label takes its name
/// for messages (LOOM_PATH_MAX bytes).
int loom_task_model(char** out, char* label, const loomTask* task, const loomAssetRoots* roots,
                    loomError* err);

#endif
