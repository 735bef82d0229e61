// A task's scene, without the robots that are placed in it, for other simulators: URDF, and USD as text with
// its physics. Internal.
#ifndef LOOM_GENERATORS_TWIN_EXPORT_H
#define LOOM_GENERATORS_TWIN_EXPORT_H

#include "engine/base/names.h"
#include "engine/scene/scene.h"

typedef enum loomExportKind { LOOM_EXPORT_URDF, LOOM_EXPORT_USD } loomExportKind;

typedef struct loomExported {
  int bodies, joints, shapes, meshes;
  double mass;                 // kg, of all that can move
  char folder[LOOM_PATH_MAX];  // of meshes; "" = they are in the file
  loomNames warnings;          // what the format cannot say
} loomExported;

/// Write it to path. URDF's meshes go, as OBJ, to a folder beside it, NAME_meshes; USD has them in the file.
/// LOOM_ERR_UNSUPPORTED: a body on several joints, or on a ball joint; LOOM_ERR_IO; errors of models.
int loom_twin_export(loomExported* out, loomExportKind kind, const loomTask* task,
                     const loomAssetRoots* roots, const char* path, loomError* err);
void loom_exported_destroy(loomExported* exported);

#endif
