// A simpler visual set: the meshes of a model with fewer triangles, its textures with fewer pixels, for
// drawing on a CPU, where the cost of a picture is its triangles and not its own pixels. Internal.
#ifndef LOOM_ENGINE_MODEL_SIMPLIFY_H
#define LOOM_ENGINE_MODEL_SIMPLIFY_H

#include <mujoco/mujoco.h>

#include "engine/model/model.h"

/// Meshes that come from files, before their model is compiled: one at a time, so that no more than one of
/// them takes all its memory (quadric edge collapse, Garland and Heckbert 1997, by meshoptimizer). outline
/// tells what collides and has pictures on it (loomModelDef). done (outline->nmesh) becomes true for those
/// that are as they shall be; one that MuJoCo does not take is not: the model's compiler tells. Its errors
/// are the caller's to trap. LOOM_ERR_MEMORY.
int loom_simplify_files(bool* done, mjSpec* spec, const mjVFS* vfs, const mjModel* outline,
                        const loomSimplifyDef* def, loomError* err);

/// The rest, in place: meshes that are not done (NULL: none is), and textures, halved until they are small
/// enough. Rays no longer meet these meshes where they are seen. LOOM_ERR_MEMORY.
int loom_simplify_compiled(mjModel* m, const bool* done, const loomSimplifyDef* def, loomError* err);

#endif
