// Whether the shapes of two bodies are each other's mirror images. Internal.
#ifndef LOOM_ENGINE_MODEL_MODEL_MIRROR_H
#define LOOM_ENGINE_MODEL_MODEL_MIRROR_H

#include <mujoco/mujoco.h>

/// How far body b is from being the mirror image of body a, m: in the plane through a's origin with unit
/// normal `plane`, each frame seen from itself. Of each geom of a that has contacts, the nearest one of b;
/// what is compared is how far both reach in 26 directions, which settles it for the convex shapes that
/// MuJoCo touches with. INFINITY where they have not as many geoms.
double loom_model_mirror_error(const mjModel* m, int a, int b, const double plane[3]);

#endif
