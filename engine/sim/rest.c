#include "engine/sim/rest.h"

#include "engine/model/trap.h"

static const double metres_a_radian = 0.1;  // as inverse kinematics weighs a turn

// So slow a thing, as a share of what is allowed, lies still: what tips over doubles its speed in a tenth of
// a second or so, and would not come to what is allowed in the time that is left.
static const double still = 1e-3;

static void hold_arms(loomEpisode* e) {
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    for (int i = 0; i < arm->n; i++) {
      e->ghost->qpos[arm->qpos[i]] = e->d->qpos[arm->qpos[i]];
      e->ghost->qvel[arm->dof[i]] = 0;
    }
  }
}

typedef struct search {
  loomEpisode* e;
  const loomResetDef* def;
  bool stays, still;
} search;

// One object, from where it was placed: m that it has moved and moves a second, a turn counted with it.
// Parts on joints are held by these.
static void measure(double* moved, double* speed, const loomEpisode* e, int object) {
  int body = e->scene->object_body[object], joint = e->m->body_jntadr[body];
  *moved = *speed = 0;
  if (joint < 0 || e->m->jnt_type[joint] != mjJNT_FREE) return;

  const mjData* d = e->ghost;
  loomPose put = loom_episode_object(e, object);
  loomPose now = loom_pose_from_quat(d->xpos + 3 * body, d->xquat + 4 * body);
  *moved = loom_pose_distance(now, put) + metres_a_radian * loom_quat_angle(now.quat, put.quat);

  // A free joint's velocities: linear, then angular.
  const double* v = d->qvel + e->m->jnt_dofadr[joint];
  *speed = mju_norm3(v) + metres_a_radian * mju_norm3(v + 3);
}

// Where everything is after a control step; how fast counts at the end alone.
static void look(search* s, bool end) {
  double rest = s->e->scene->task->rest, moved, speed;
  s->still = true;
  mj_kinematics(s->e->m, s->e->ghost);
  for (int i = 0; i < s->def->placement_count; i++) {
    measure(&moved, &speed, s->e, s->def->placements[i].object);
    if (moved > rest || (end && speed > rest)) s->stays = false;
    if (speed > still * rest) s->still = false;
  }
}

static int settle(void* arg) {
  search* s = arg;
  loomEpisode* e = s->e;
  mj_resetData(e->m, e->ghost);
  mju_copy(e->ghost->qpos, e->d->qpos, (int)e->m->nq);

  int steps = e->scene->task->settle_steps;
  for (int t = 0; t < steps && s->stays && !s->still; t++) {
    for (int k = 0; k < e->scene->substeps; k++) {
      hold_arms(e);
      mj_step(e->m, e->ghost);
    }
    look(s, t + 1 == steps);
  }
  return 0;
}

int loom_rest_check(bool* out, loomEpisode* e, const loomResetDef* def, loomError* err) {
  search s = {e, def, .stays = true};
  mj_kinematics(e->m, e->d);
  int code = loom_trap_run(settle, &s, err);
  *out = s.stays;
  if (!code) mj_resetData(e->m, e->ghost);  // as previews find it
  return code;
}
