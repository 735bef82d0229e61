// What an episode shows a policy: robomimic's low-dimensional observations, as robosuite makes them.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/sim/episode.h"
#include "engine/sim/point.h"

static int add_key(loomEpisode* e, const char* prefix, const char* name, int dim, loomError* err) {
  if (e->obs_count >= LOOM_MAX_OBS)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "more than %d observation keys", LOOM_MAX_OBS);
  loomObsKey* key = &e->obs[e->obs_count++];
  snprintf(key->name, sizeof key->name, "%.40s%s%.20s", prefix, *prefix ? "_" : "", name);
  key->offset = e->obs_dim;
  key->dim = dim;
  e->obs_dim += dim;
  return 0;
}

static int add_arm(loomEpisode* e, const loomArm* arm, loomError* err) {
  const struct {
    const char* name;
    int dim;
  } keys[] = {{"joint_pos", arm->n},
              {"joint_pos_cos", arm->n},
              {"joint_pos_sin", arm->n},
              {"joint_vel", arm->n},
              {"eef_pos", 3},
              {"eef_quat", 4},
              {"gripper_qpos", arm->hand_n},
              {"gripper_qvel", arm->hand_n}};
  int code = 0;
  for (size_t i = 0; !code && i < sizeof keys / sizeof *keys; i++)
    code = add_key(e, arm->robot->prefix, keys[i].name, keys[i].dim, err);
  return code;
}

static int observed_dim(const loomObserveDef* o) {
  return o->kind == LOOM_OBSERVE_QUAT ? 4 : o->kind == LOOM_OBSERVE_JOINT ? 1 : 3;
}

int loom_observe_bind(loomEpisode* e, loomError* err) {
  const loomTask* task = e->scene->task;
  int code = 0, dim = 0;
  for (int a = 0; !code && a < e->arm_count; a++) {
    const char* body = task->robots[a].eef_body;
    code = add_arm(e, &e->arms[a], err);
    e->eef_body[a] = body[0] ? mj_name2id(e->m, mjOBJ_BODY, body) : -1;
    if (!code && body[0] && e->eef_body[a] < 0)
      code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: robot %d: the model has no body '%s'", task->path, a,
                            body);
  }
  for (int i = 0; !code && i < task->observe_count; i++) {
    const loomObserveDef* o = &task->observe[i];
    if (o->kind == LOOM_OBSERVE_JOINT) {
      int joint = mj_name2id(e->m, mjOBJ_JOINT, o->of.name);
      if (joint < 0) {
        code = loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: the model has no joint '%s'", task->path, o->line,
                              o->of.name);
      } else {
        e->observe_id[i][0] = e->m->jnt_qposadr[joint];
      }
    } else {
      code = loom_point_bind(&e->observe_id[i][0], &o->of, task, o->line, e->m, err);
      if (!code) code = loom_point_bind(&e->observe_id[i][1], &o->from, task, o->line, e->m, err);
    }
    dim += observed_dim(o);
  }
  if (!code && dim) code = add_key(e, "", "object", dim, err);
  return code;
}

// robosuite's observations have x-y-z-w quaternions.
static void put_quat(double* out, const double* quat) {
  memcpy(out, quat + 1, 3 * sizeof *out);
  out[3] = quat[0];
}

static double* observe_arm(double* out, const loomEpisode* e, int a) {
  const loomArm* arm = &e->arms[a];
  const mjData* d = e->d;
  for (int i = 0; i < arm->n; i++) {
    double q = d->qpos[arm->qpos[i]];
    out[i] = q;
    out[arm->n + i] = cos(q);
    out[2 * arm->n + i] = sin(q);
    out[3 * arm->n + i] = d->qvel[arm->dof[i]];
  }
  out += 4 * arm->n;
  loomPose eef = loom_arm_eef(arm, d);
  memcpy(out, eef.pos, sizeof eef.pos);
  put_quat(out + 3, e->eef_body[a] >= 0 ? d->xquat + 4 * e->eef_body[a] : eef.quat);
  out += 7;
  for (int i = 0; i < arm->hand_n; i++) {
    out[i] = d->qpos[arm->hand_qpos[i]];
    out[arm->hand_n + i] = d->qvel[arm->hand_dof[i]];
  }
  return out + 2 * arm->hand_n;
}

static double* observe_object(double* out, const loomEpisode* e, int i) {
  const loomObserveDef* o = &e->scene->task->observe[i];
  double pos[3], mat[9], from[3], ignored[9], quat[4];
  if (o->kind == LOOM_OBSERVE_JOINT) {
    out[0] = e->d->qpos[e->observe_id[i][0]];
    return out + 1;
  }
  loom_point_frame(pos, mat, &o->of, e->observe_id[i][0], e->d);
  if (o->kind == LOOM_OBSERVE_POS) {
    loom_point_frame(from, ignored, &o->from, e->observe_id[i][1], e->d);
    mju_sub3(out, pos, from);
  } else if (o->of.kind == LOOM_POINT_OBJECT || o->of.kind == LOOM_POINT_BODY) {
    put_quat(out, e->d->xquat + 4 * e->observe_id[i][0]);
  } else {
    mju_mat2Quat(quat, mat);
    put_quat(out, quat);
  }
  return out + observed_dim(o);
}

void loom_episode_observe(double* out, loomEpisode* e) {
  double start = loom_clock();
  for (int a = 0; a < e->arm_count; a++) out = observe_arm(out, e, a);
  for (int i = 0; i < e->scene->task->observe_count; i++) out = observe_object(out, e, i);
  e->times.observe += loom_clock() - start;
}
