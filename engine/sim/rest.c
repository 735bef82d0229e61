#include "engine/sim/rest.h"

#include "engine/model/trap.h"

static const double metres_a_radian = 0.1;  // as inverse kinematics weighs a turn

static void hold_arms(loomEpisode* e) {
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    for (int i = 0; i < arm->n; i++) {
      e->ghost->qpos[arm->qpos[i]] = e->d->qpos[arm->qpos[i]];
      e->ghost->qvel[arm->dof[i]] = 0;
    }
  }
}

static int settle(void* arg) {
  loomEpisode* e = arg;
  mj_resetData(e->m, e->ghost);
  mju_copy(e->ghost->qpos, e->d->qpos, (int)e->m->nq);

  int steps = e->scene->task->settle_steps * e->scene->substeps;
  for (int i = 0; i < steps; i++) {
    hold_arms(e);
    mj_step(e->m, e->ghost);
  }

  // Bodies where the joints are now.
  mj_kinematics(e->m, e->ghost);
  return 0;
}

// One object, from where it was placed. Parts on joints are held by these.
static bool is_at_rest(const loomEpisode* e, int object) {
  int body = e->scene->object_body[object], joint = e->m->body_jntadr[body];
  if (joint < 0 || e->m->jnt_type[joint] != mjJNT_FREE) return true;

  const mjData* d = e->ghost;
  loomPose put = loom_episode_object(e, object);
  loomPose now = loom_pose_from_quat(d->xpos + 3 * body, d->xquat + 4 * body);
  double moved = loom_pose_distance(now, put) + metres_a_radian * loom_quat_angle(now.quat, put.quat);

  // A free joint's velocities: linear, then angular.
  const double* v = d->qvel + e->m->jnt_dofadr[joint];
  double speed = mju_norm3(v) + metres_a_radian * mju_norm3(v + 3);
  return moved < e->scene->task->rest && speed < e->scene->task->rest;
}

int loom_rest_check(bool* out, loomEpisode* e, const loomResetDef* def, loomError* err) {
  *out = true;
  mj_kinematics(e->m, e->d);
  int code = loom_trap_run(settle, e, err);
  if (code) return code;

  for (int i = 0; i < def->placement_count; i++) *out = *out && is_at_rest(e, def->placements[i].object);
  mj_resetData(e->m, e->ghost);  // as previews find it
  return 0;
}
