// mjModel.stat, which scales drawing and mouse forces and is found by MuJoCo's compiler alone: found again
// here after a compiled model was changed, by the same operations in the same order, so to the bit. Internal.
#ifndef LOOM_ENGINE_MODEL_MODEL_STAT_H
#define LOOM_ENGINE_MODEL_MODEL_STAT_H

#include <mujoco/mujoco.h>

/// The statistics of m in its reference pose. d is a mjData of m; its kinematics are overwritten with that
/// pose's. Deformable bodies (flexes) are not counted: callers leave stat as it is for models that have some.
void loom_model_stat(mjStatistic* out, const mjModel* m, mjData* d);

#endif
