// A simpler visual set: the meshes of a model with fewer triangles, its textures with fewer pixels, for
// drawing on a CPU, where the cost of a picture is its triangles and not its own pixels. Internal.
#ifndef LOOM_ENGINE_MODEL_SIMPLIFY_H
#define LOOM_ENGINE_MODEL_SIMPLIFY_H

#include <mujoco/mujoco.h>

#include "engine/base/error.h"

typedef struct loomSimplifyDef {
  double error;   // largest deviation, as a share of a mesh's extent; default 0.004
  double most;    // nor more than this, m: of large meshes thin parts would go, and their ends float; 0 = any
  int min_faces;  // meshes with fewer triangles stay as they are; default 200
  int texture;    // textures are halved until they are at most so many pixels across; default 512
} loomSimplifyDef;

loomSimplifyDef loom_default_simplify_def(void);

/// Simplify, in place, the meshes that nothing collides with (quadric edge collapse, Garland and Heckbert
/// 1997, by meshoptimizer), and make large textures smaller. For drawing only: rays no longer meet these
/// meshes where they are seen. LOOM_ERR_MEMORY (meshes done before that stay simplified).
int loom_model_simplify(mjModel* model, const loomSimplifyDef* def, loomError* err);

#endif
