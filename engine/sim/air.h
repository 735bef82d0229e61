// The drag of the air on all moving bodies, MuJoCo's inertia model of it, worked out along each
// body's own joints. MuJoCo multiplies with Jacobians of all joints, for bodies too that never move: a
// seventh of a physics step of two arms. Forces are MuJoCo's to the bit. Internal.
#ifndef LOOM_ENGINE_SIM_AIR_H
#define LOOM_ENGINE_SIM_AIR_H

#include <mujoco/mujoco.h>
#include <stdbool.h>

#include "engine/base/error.h"

typedef struct loomAir loomAir;

/// For one model, of which bodies and joints stay; masses may change between steps.
int loom_air_create(loomAir** out, const mjModel* m, loomError* err);
void loom_air_destroy(loomAir* air);
/// Before physics steps: from here on until loom_air_end MuJoCo leaves the model's air out.
void loom_air_begin(loomAir* air, mjModel* m);
/// After each mj_step1 in between: adds the drag to d->qfrc_passive, and is found in d->qfrc_fluid.
void loom_air_add(loomAir* air, const mjModel* m, mjData* d);
/// The model has its air again, also after an error in between.
void loom_air_end(loomAir* air, mjModel* m);

#endif
