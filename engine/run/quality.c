#include "engine/run/quality.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char* name_of(const mjModel* m, int type, int id) {
  const char* name = mj_id2name(m, type, id);
  return name && name[0] ? name : "?";
}

static int root_of(const mjModel* m, int geom) {
  return m->body_rootid[m->geom_bodyid[geom]];
}

static bool is_fixed(const mjModel* m, int geom) {
  return m->body_weldid[m->geom_bodyid[geom]] == 0;
}

// Which trees a robot pushes, itself or through what it touches: e->marks, by their root. Things pass a push
// on, what is fixed to the world does not.
static void follow_pushes(const loomEpisode* e) {
  const mjModel* m = e->m;
  bool* pushed = e->marks;
  memset(pushed, 0, (size_t)m->nbody);
  for (int a = 0; a < e->arm_count; a++) {
    for (int i = 0; i < e->arms[a].n; i++) pushed[m->body_rootid[m->dof_bodyid[e->arms[a].dof[i]]]] = true;
  }

  // From thing to thing, until none is added.
  for (bool more = true; more;) {
    more = false;
    for (int c = 0; c < e->d->ncon; c++) {
      const int* geom = e->d->contact[c].geom;
      if (geom[0] < 0 || geom[1] < 0 || is_fixed(m, geom[0]) || is_fixed(m, geom[1])) continue;

      int a = root_of(m, geom[0]), b = root_of(m, geom[1]);
      if (pushed[a] == pushed[b]) continue;
      pushed[a] = pushed[b] = true;
      more = true;
    }
  }
}

// A lid that fell, a bin that something drops into, are not a robot's doing. After follow_pushes.
static bool is_pressed(const loomEpisode* e, const mjContact* contact) {
  for (int i = 0; i < 2; i++) {
    int geom = contact->geom[i];
    if (geom >= 0 && !is_fixed(e->m, geom) && e->marks[root_of(e->m, geom)]) return true;
  }
  return false;
}

static void look_at_contacts(loomQuality* q, const loomEpisode* e) {
  bool followed = false;
  for (int c = 0; c < e->d->ncon; c++) {
    const mjContact* contact = &e->d->contact[c];
    if (-contact->dist <= q->penetration) continue;

    // Mostly none is deeper than those before, and nothing is followed.
    if (!followed) follow_pushes(e);
    followed = true;
    if (!is_pressed(e, contact)) continue;

    q->penetration = -contact->dist;
    memcpy(q->contact, contact->geom, sizeof q->contact);
    snprintf(q->penetrating, sizeof q->penetrating, "%.60s, %.60s",
             name_of(e->m, mjOBJ_GEOM, contact->geom[0]), name_of(e->m, mjOBJ_GEOM, contact->geom[1]));
  }
}

void loom_quality_state(loomQuality* q, const loomEpisode* e) {
  // Before that, objects drop into place: how they are put down is the scene's doing.
  if (e->steps > e->scene->task->settle_steps) look_at_contacts(q, e);

  for (int a = 0; a < e->arm_count; a++) {
    int i = 0;
    double share = loom_arm_speed_share(&i, &e->arms[a], e->d);
    if (share <= q->joint_speed) continue;

    q->joint_speed = share;
    q->fastest_arm = a;
    q->fastest_joint = e->m->dof_jntid[e->arms[a].dof[i]];
    snprintf(q->fastest, sizeof q->fastest, "%.60s", name_of(e->m, mjOBJ_JOINT, q->fastest_joint));
  }
}

void loom_quality_action(loomQuality* q, const loomEpisode* e, const double* action) {
  double room[LOOM_MAX_ACTION];
  action = loom_episode_own(room, e, action);

  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];

    // Absolute targets have no range to keep to.
    for (int i = 0; i < arm->pose_dim && arm->control.delta; i++) {
      double limit = action[i] > 0 ? arm->control.input_max[i] : -arm->control.input_min[i];
      if (limit > 0) q->action_size = fmax(q->action_size, fabs(action[i]) / limit);
    }

    action += loom_arm_action_dim(arm);
  }
}

static const double rounding = 1e-9;  // of an action at its limit

bool loom_quality_good(const loomQuality* q) {
  return q->penetration <= LOOM_PENETRATION_LIMIT && q->action_size <= 1 + rounding &&
         q->joint_speed <= LOOM_JOINT_SPEED_LIMIT;
}

const char* loom_limit_name(loomLimit limit) {
  static const char* const names[] = {"none", "penetration", "joint_speed"};
  return names[limit];
}

loomLimit loom_quality_beyond(const loomQuality* q, const loomTask* task, char* reason, size_t size) {
  if (task->limit_penetration > 0 && q->penetration > task->limit_penetration) {
    snprintf(reason, size, "contact of %s %.4f m deep, may be %.4f", q->penetrating, q->penetration,
             task->limit_penetration);
    return LOOM_LIMIT_PENETRATION;
  }

  if (task->limit_joint_speed > 0 && q->joint_speed > task->limit_joint_speed) {
    snprintf(reason, size, "speed of %s %.3f of its limit, may be %.3f", q->fastest, q->joint_speed,
             task->limit_joint_speed);
    return LOOM_LIMIT_JOINT_SPEED;
  }

  return LOOM_LIMIT_NONE;
}
