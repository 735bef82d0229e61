// What an episode shows a policy of its state: robomimic's low-dimensional observations, as robosuite makes
// them.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/observe/observe_internal.h"
#include "engine/scene/point.h"

// ---- which there are

enum { ARM_KEYS = 8 };

static int add_key(loomStateObs* s, const char* prefix, const char* name, int dim, const loomTask* task,
                   loomError* err) {
  loomObsKey* key = &s->key[s->n++];
  *key = (loomObsKey){
      .kind = LOOM_OBS_STATE, .type = LOOM_TYPE_F64, .rank = 1, .shape = {dim}, .dim = dim, .offset = s->dim};
  s->dim += dim;

  int length = snprintf(key->name, sizeof key->name, "%s%s%s", prefix, *prefix ? "_" : "", name);
  if (length < (int)sizeof key->name) return 0;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: '%s_%s' is too long for the name of an observation",
                        task->path, prefix, name);
}

static int add_arm(loomStateObs* s, const loomArm* arm, const loomTask* task, loomError* err) {
  const struct {
    const char* name;
    int dim;
  } keys[ARM_KEYS] = {{"joint_pos", arm->n},
                      {"joint_pos_cos", arm->n},
                      {"joint_pos_sin", arm->n},
                      {"joint_vel", arm->n},
                      {"eef_pos", 3},
                      {"eef_quat", 4},
                      {"gripper_qpos", arm->hand_n},
                      {"gripper_qvel", arm->hand_n}};
  int code = 0;
  for (int i = 0; !code && i < ARM_KEYS; i++)
    code = add_key(s, arm->robot->prefix, keys[i].name, keys[i].dim, task, err);
  return code;
}

static int bind_eef_body(int* body, const loomTask* task, int arm, const mjModel* m, loomError* err) {
  const char* name = task->robots[arm].eef_body;
  *body = name[0] ? mj_name2id(m, mjOBJ_BODY, name) : -1;
  if (!name[0] || *body >= 0) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: robot %d: the model has no body '%s'", task->path, arm,
                        name);
}

static int bind_entry(int id[2], const loomObserveDef* o, const loomTask* task, const mjModel* m,
                      loomError* err) {
  if (o->kind != LOOM_OBSERVE_JOINT) {
    int code = loom_point_bind(&id[0], &o->of, task, o->line, m, err);
    return code ? code : loom_point_bind(&id[1], &o->from, task, o->line, m, err);
  }

  int joint = mj_name2id(m, mjOBJ_JOINT, o->of.name);
  if (joint < 0)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: the model has no joint '%s'",
                          LOOM_TASK_AT(task, o->line), o->of.name);
  id[0] = m->jnt_qposadr[joint];
  return 0;
}

static int entry_dim(const loomObserveDef* o) {
  return o->kind == LOOM_OBSERVE_QUAT ? 4 : o->kind == LOOM_OBSERVE_JOINT ? 1 : 3;
}

// What varies from start to start and can be measured, `hammer_size`: a handle's length is in no pose.
static int add_sizes(loomStateObs* s, const loomTask* task, const mjModel* m, loomError* err) {
  for (int o = 0; o < task->object_count; o++) {
    const loomObjectDef* object = &task->objects[o];
    int before = s->size_count;

    for (int v = 0; v < object->variable_count; v++) {
      const loomVariable* variable = &object->variables[v];
      int geom = variable->geom[0] ? mj_name2id(m, mjOBJ_GEOM, variable->geom) : -1;
      if (geom < 0) continue;
      s->size[s->size_count][0] = geom;
      s->size[s->size_count][1] = variable->index;
      s->size_factor[s->size_count++] = variable->scale;
    }

    int code =
        s->size_count > before ? add_key(s, object->name, "size", s->size_count - before, task, err) : 0;
    if (code) return code;
  }
  return 0;
}

int loom_state_obs_bind(loomStateObs* s, const loomEpisode* e, loomError* err) {
  const loomTask* task = e->scene->task;
  int code = 0, dim = 0;
  *s = (loomStateObs){0};
  size_t objects = (size_t)task->object_count, sizes = objects * LOOM_MAX_VARIABLES + 1;
  s->key = calloc((size_t)e->arm_count * ARM_KEYS + 1 + objects, sizeof *s->key);
  s->entry = calloc((size_t)task->observe_count + 1, sizeof *s->entry);
  s->size = calloc(sizes, sizeof *s->size);
  s->size_factor = calloc(sizes, sizeof *s->size_factor);
  if (!s->key || !s->entry || !s->size || !s->size_factor)
    code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for observations");

  for (int a = 0; !code && a < e->arm_count; a++) {
    code = add_arm(s, &e->arms[a], task, err);
    if (!code) code = bind_eef_body(&s->eef_body[a], task, a, e->m, err);
  }

  // All of the task's entries are one observation, `object`, as robosuite's are.
  for (int i = 0; !code && i < task->observe_count; i++) {
    code = bind_entry(s->entry[i], &task->observe[i], task, e->m, err);
    dim += entry_dim(&task->observe[i]);
  }
  if (!code && dim) code = add_key(s, "", "object", dim, task, err);
  if (!code) code = add_sizes(s, task, e->m, err);
  if (code) loom_state_obs_destroy(s);
  return code;
}

void loom_state_obs_destroy(loomStateObs* s) {
  free(s->key);
  free(s->entry);
  free(s->size);
  free(s->size_factor);
  *s = (loomStateObs){0};
}

// ---- what they show

// robosuite's observations have x-y-z-w quaternions.
static void put_quat(double* out, const double* quat) {
  memcpy(out, quat + 1, 3 * sizeof *out);
  out[3] = quat[0];
}

static double* see_arm(double* out, const loomStateObs* s, const loomEpisode* e, int a) {
  const loomArm* arm = &e->arms[a];
  const mjData* d = e->d;

  // Joints: positions, their cosines and sines, velocities.
  for (int i = 0; i < arm->n; i++) {
    double q = d->qpos[arm->qpos[i]];
    out[i] = q;
    out[arm->n + i] = cos(q);
    out[2 * arm->n + i] = sin(q);
    out[3 * arm->n + i] = d->qvel[arm->dof[i]];
  }
  out += 4 * arm->n;

  // The end effector's site, turned as the body that robosuite observes.
  loomPose eef = loom_arm_eef(arm, d);
  memcpy(out, eef.pos, sizeof eef.pos);
  put_quat(out + 3, s->eef_body[a] >= 0 ? d->xquat + 4 * s->eef_body[a] : eef.quat);
  out += 7;

  for (int i = 0; i < arm->hand_n; i++) {
    out[i] = d->qpos[arm->hand_qpos[i]];
    out[arm->hand_n + i] = d->qvel[arm->hand_dof[i]];
  }
  return out + 2 * arm->hand_n;
}

static double* see_entry(double* out, const loomStateObs* s, const loomEpisode* e, int i) {
  const loomObserveDef* o = &e->scene->task->observe[i];
  const int* id = s->entry[i];
  double pos[3], mat[9], from[3], ignored[9], quat[4];
  if (o->kind == LOOM_OBSERVE_JOINT) {
    out[0] = e->d->qpos[id[0]];
    return out + 1;
  }

  loom_point_frame(pos, mat, &o->of, id[0], e->d);
  if (o->kind == LOOM_OBSERVE_POS) {
    loom_point_frame(from, ignored, &o->from, id[1], e->d);
    mju_sub3(out, pos, from);
  } else if (o->of.kind == LOOM_POINT_OBJECT || o->of.kind == LOOM_POINT_BODY) {
    put_quat(out, e->d->xquat + 4 * id[0]);
  } else {
    mju_mat2Quat(quat, mat);
    put_quat(out, quat);
  }
  return out + entry_dim(o);
}

void loom_state_obs_see(double* out, const loomStateObs* s, const loomEpisode* e) {
  for (int a = 0; a < e->arm_count; a++) out = see_arm(out, s, e, a);
  for (int i = 0; i < e->scene->task->observe_count; i++) out = see_entry(out, s, e, i);
  for (int i = 0; i < s->size_count; i++)
    *out++ = s->size_factor[i] * e->m->geom_size[3 * s->size[i][0] + s->size[i][1]];
}
