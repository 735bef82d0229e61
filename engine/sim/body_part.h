// A robot's torso, head or base under robosuite 1.5's composite controllers. Internal.
#ifndef LOOM_ENGINE_SIM_BODY_PART_H
#define LOOM_ENGINE_SIM_BODY_PART_H

#include <mujoco/mujoco.h>

#include "engine/task/composite.h"

/// Bound to a model.
typedef struct loomBodyPart {
  const loomBodyControl* control;
  int qpos[LOOM_MAX_BODY_JOINTS], dof[LOOM_MAX_BODY_JOINTS], actuator[LOOM_MAX_BODY_JOINTS];
  double goal[LOOM_MAX_BODY_JOINTS];  // joints, or shares of the actuators' ranges: all that a snapshot keeps
} loomBodyPart;

/// Errors name what the model lacks, and actuators that are not what the part wants.
int loom_body_part_bind(loomBodyPart* part, const loomBodyControl* control, const mjModel* m, loomError* err);
/// Its goal is where it is, or to stand still.
void loom_body_part_reset(loomBodyPart* part, const mjData* d);
/// Take its entries of an action (a whole one), if it has any. The controller sees `seen`, a base looks where
/// it stands in d.
void loom_body_part_set_goal(loomBodyPart* part, const mjModel* m, const mjData* d, const mjData* seen,
                             const double* action);
/// Write d->ctrl for this physics step; as loom_arm_apply's, the controller sees `seen`.
void loom_body_part_apply(const loomBodyPart* part, const mjModel* m, mjData* d, const mjData* seen);

#endif
