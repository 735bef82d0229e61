#include "engine/sim/ghost.h"

#include <math.h>
#include <string.h>

bool loom_ghost_possible(const loomEpisode* e) {
  for (int a = 0; a < e->arm_count; a++)
    if (e->arms[a].control.type != LOOM_OSC_POSE) return false;
  return true;
}

enum { substeps = 5 };  // of a control step

// All that poses and torques need of the joints.
static void update(loomEpisode* ghost) {
  mj_kinematics(ghost->m, ghost->d);
  mj_comPos(ghost->m, ghost->d);
  mj_makeM(ghost->m, ghost->d);
}

void loom_ghost_begin(loomEpisode* ghost, const loomEpisode* e) {
  *ghost = *e;
  ghost->d = e->ghost;
  mju_copy(ghost->d->qpos, e->d->qpos, (int)e->m->nq);
  mju_copy(ghost->d->qvel, e->d->qvel, (int)e->m->nv);
  mju_zero(ghost->d->qfrc_bias, (int)e->m->nv);
  update(ghost);
}

// Faster first, then further (semi-implicit Euler). A joint at its limit stands.
static void move_arm(loomEpisode* ghost, const loomArm* arm, const double* acceleration, double dt) {
  const mjModel* m = ghost->m;
  for (int i = 0; i < arm->n; i++) {
    int id = m->dof_jntid[arm->dof[i]];
    double *q = &ghost->d->qpos[arm->qpos[i]], *v = &ghost->d->qvel[arm->dof[i]];
    *v += acceleration[i] * dt;
    *q += *v * dt;

    const double* range = m->jnt_range + 2 * id;
    if (!m->jnt_limited[id] || (*q >= range[0] && *q <= range[1])) continue;
    *q = mju_clip(*q, range[0], range[1]);
    *v = 0;
  }
}

static loomGhostSpeed fastest_joint(const loomEpisode* ghost) {
  loomGhostSpeed fastest = {0, 0, 0};
  for (int a = 0; a < ghost->arm_count; a++) {
    int joint = 0;
    double share = loom_arm_speed_share(&joint, &ghost->arms[a], ghost->d);
    if (share > fastest.share) fastest = (loomGhostSpeed){share, a, joint};
  }
  return fastest;
}

loomGhostSpeed loom_ghost_move(loomEpisode* ghost, const loomPose* targets, const double* share) {
  double dt = 1.0 / ghost->scene->task->control_freq / substeps;
  double action[LOOM_MAX_ACTION], acceleration[LOOM_MAX_ARMS][LOOM_MAX_JOINTS];

  // Goals as an attempt sets them,
  for (int a = 0; a < ghost->arm_count; a++) {
    loomArm* arm = &ghost->arms[a];
    memset(action, 0, sizeof action);
    loom_arm_action_towards(action, arm, loom_arm_eef(arm, ghost->d), targets[a]);
    for (int i = 0; i < arm->pose_dim; i++) action[i] *= share[a];
    loom_arm_set_goal(arm, ghost->m, ghost->d, action);
  }

  // then all arms from the same moment, whatever their order.
  for (int k = 0; k < substeps; k++) {
    for (int a = 0; a < ghost->arm_count; a++)
      loom_arm_acceleration(acceleration[a], &ghost->arms[a], ghost->m, ghost->d, dt);
    for (int a = 0; a < ghost->arm_count; a++) move_arm(ghost, &ghost->arms[a], acceleration[a], dt);
    update(ghost);
  }

  ghost->steps++;
  return fastest_joint(ghost);
}

void loom_ghost_put(loomEpisode* ghost, int object, loomPose pose) {
  const mjModel* m = ghost->m;
  int body = ghost->scene->object_body[object];
  if (!m->body_jntnum[body] || m->jnt_type[m->body_jntadr[body]] != mjJNT_FREE) return;

  double* q = ghost->d->qpos + m->jnt_qposadr[m->body_jntadr[body]];
  mju_copy3(q, pose.pos);
  mju_copy4(q + 3, pose.quat);
  update(ghost);
}
