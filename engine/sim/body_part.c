#include "engine/sim/body_part.h"

#include <math.h>
#include <string.h>

#include "engine/sim/actuator.h"

static int find_joint(int* id, const mjModel* m, const char* name, loomError* err) {
  *id = mj_name2id(m, mjOBJ_JOINT, name);
  if (*id >= 0) return loom_actuator_joint(*id, m, err);
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "the model has no joint '%s'; check `body:` of the robot's file in scenes/robots",
                        name);
}

int loom_body_part_bind(loomBodyPart* part, const loomBodyControl* control, const mjModel* m,
                        loomError* err) {
  memset(part, 0, sizeof *part);
  part->control = control;

  for (int i = 0; i < control->part->count; i++) {
    int joint, code = find_joint(&joint, m, control->part->joints[i], err);
    if (!code)
      code = loom_actuator_part(&part->actuator[i], control->part->actuators[i], joint, control->velocity, m,
                                err);
    if (code) return code;

    part->qpos[i] = m->jnt_qposadr[joint];
    part->dof[i] = m->jnt_dofadr[joint];
  }
  return 0;
}

void loom_body_part_reset(loomBodyPart* part, const mjData* d) {
  for (int i = 0; i < part->control->part->count; i++)
    part->goal[i] = part->control->velocity ? 0 : d->qpos[part->qpos[i]];
}

// From a base's axes to those that it first had.
static void turn_back(loomBodyPart* part, const mjModel* m, const mjData* d) {
  double angle = 0;
  for (int i = 0; i < part->control->part->count; i++) {
    int joint = m->dof_jntid[part->dof[i]];
    if (m->jnt_type[joint] == mjJNT_HINGE)
      angle += m->jnt_axis[3 * joint + 2] * (d->qpos[part->qpos[i]] - part->control->part->init_qpos[i]);
  }

  double x = part->goal[0], y = part->goal[1];
  part->goal[0] = x * cos(angle) + y * sin(angle);
  part->goal[1] = y * cos(angle) - x * sin(angle);
}

void loom_body_part_set_goal(loomBodyPart* part, const mjModel* m, const mjData* d, const mjData* seen,
                             const double* action) {
  const loomControllerDef* c = &part->control->control;
  if (part->control->first < 0) return;
  action += part->control->first;

  for (int i = 0; i < part->control->part->count; i++) {
    part->goal[i] = action[i];
    if (part->control->velocity || !c->delta) continue;

    double scale = (c->output_max[i] - c->output_min[i]) / (c->input_max[i] - c->input_min[i]);
    double a = fmin(fmax(action[i], c->input_min[i]), c->input_max[i]);
    part->goal[i] = seen->qpos[part->qpos[i]] + (a - (c->input_max[i] + c->input_min[i]) / 2) * fabs(scale) +
                    (c->output_max[i] + c->output_min[i]) / 2;
  }
  if (part->control->turns && part->control->part->count > 1) turn_back(part, m, d);
}

// An entry of the joint-space inertia.
static double inertia(const mjModel* m, const mjData* d, int i, int j) {
  int row = i > j ? i : j, column = i > j ? j : i;
  for (int k = m->M_rowadr[row]; k < m->M_rowadr[row] + m->M_rownnz[row]; k++)
    if (m->M_colind[k] == column) return d->M[k];
  return 0;
}

void loom_body_part_apply(const loomBodyPart* part, const mjModel* m, mjData* d, const mjData* seen) {
  const loomControllerDef* c = &part->control->control;
  int n = part->control->part->count;
  double acceleration[LOOM_MAX_BODY_JOINTS];

  for (int i = 0; !part->control->velocity && i < n; i++) {
    double kd = 2 * sqrt(c->kp[i]) * c->damping_ratio[i];
    acceleration[i] = c->kp[i] * (part->goal[i] - seen->qpos[part->qpos[i]]) - kd * seen->qvel[part->dof[i]];
  }

  for (int i = 0; i < n; i++) {
    const double* range = m->actuator_ctrlrange + 2 * (ptrdiff_t)part->actuator[i];
    double ctrl = 0.5 * (range[1] + range[0]) + 0.5 * (range[1] - range[0]) * part->goal[i];
    if (!part->control->velocity) {
      ctrl = d->qfrc_bias[part->dof[i]];
      for (int j = 0; j < n; j++) ctrl += inertia(m, seen, part->dof[i], part->dof[j]) * acceleration[j];
    }
    d->ctrl[part->actuator[i]] = fmin(fmax(ctrl, range[0]), range[1]);
  }
}
