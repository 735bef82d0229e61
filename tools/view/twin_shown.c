// What the twin's window shows of a scene: its model, and the bodies and resets that can be touched.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/draw/render.h"
#include "tools/view/twin.h"

// ---- bodies

static int body_id(const mjModel* m, const char* name) {
  return mj_name2id(m, mjOBJ_BODY, name);
}

static bool is_object(const loomTask* task, const mjModel* m, int id) {
  for (int o = 0; o < task->object_count; o++)
    if (body_id(m, task->objects[o].body) == id) return true;
  return false;
}

// The bounds of what is seen of one, in its frame.
static void find_bounds(twinBody* b, const mjModel* m) {
  for (int k = 0; k < 3; k++) {
    b->low[k] = INFINITY;
    b->high[k] = -INFINITY;
  }
  for (int g = 0; g < m->ngeom; g++) {
    if (m->geom_bodyid[g] != b->id || m->geom_group[g] != 1) continue;
    int mesh = m->geom_type[g] == mjGEOM_MESH ? m->geom_dataid[g] : -1,
        n = mesh >= 0 ? m->mesh_vertnum[mesh] : 8;
    const mjtNum *box = m->geom_aabb + 6 * g, *quat = m->geom_quat + 4 * g, *pos = m->geom_pos + 3 * g;

    for (int v = 0; v < n; v++) {
      double p[3], q[3];
      for (int k = 0; k < 3; k++)
        p[k] = mesh >= 0 ? (double)m->mesh_vert[3 * (m->mesh_vertadr[mesh] + v) + k]
                         : box[k] + (v >> k & 1 ? 1 : -1) * box[3 + k];
      mju_rotVecQuat(q, p, quat);
      for (int k = 0; k < 3; k++) {
        b->low[k] = fmin(b->low[k], q[k] + pos[k]);
        b->high[k] = fmax(b->high[k], q[k] + pos[k]);
      }
    }
  }

  for (int k = 0; k < 3; k++)
    if (!(b->low[k] <= b->high[k])) b->low[k] = b->high[k] = 0;
}

static void add_body(twinShown* s, int id, int parent, int robot) {
  const mjModel* m = s->model;
  const char* name = mj_id2name(m, mjOBJ_BODY, id);
  if (s->n == TWIN_BODIES || !name) return;

  twinBody* b = &s->body[s->n];
  *b = (twinBody){.id = id, .parent = parent, .root = s->n, .robot = robot, .joint = -1, .shoulder = -1};
  snprintf(b->name, sizeof b->name, "%.60s", name);
  if (robot >= 0) snprintf(b->name, sizeof b->name, "robot %d", robot);
  if (parent >= 0) {
    b->root = s->body[parent].root;
    b->depth = s->body[parent].depth + 1;
  }
  for (int j = 0; j < m->body_jntnum[id] && robot < 0; j++) {
    int joint = m->body_jntadr[id] + j;
    if (m->jnt_type[joint] == mjJNT_SLIDE || m->jnt_type[joint] == mjJNT_HINGE) b->joint = joint;
  }
  mju_copy3(b->pos, m->body_pos + 3 * id);
  mju_copy4(b->quat, m->body_quat + 4 * id);
  mju_copy3(b->place, b->pos);
  find_bounds(b, m);
  s->n++;
}

// An object, then its parts, each with its own behind it.
static void add_tree(twinShown* s, int id, int parent) {
  int own = s->n;
  add_body(s, id, parent, -1);
  if (s->n == own) return;

  for (int child = id + 1; child < s->model->nbody; child++)
    if (s->model->body_parentid[child] == id) add_tree(s, child, own);
}

static void add_bodies(twinShown* s, const loomTask* task) {
  const mjModel* m = s->model;
  for (int id = 1; id < m->nbody; id++)
    if (m->body_parentid[id] == 0 && is_object(task, m, id)) add_tree(s, id, -1);

  for (int a = 0; a < task->arm_count; a++) {
    const loomRobotDef* robot = &task->robots[a];
    int id = robot->base_body[0] ? body_id(m, robot->base_body) : -1;
    bool there = false;
    while (id > 0 && m->body_parentid[id] > 0) id = m->body_parentid[id];
    for (int i = 0; i < s->n; i++) there = there || s->body[i].id == id;
    if (id <= 0 || there || !task->placed) continue;
    int n = s->n;
    const double* q = task->place_quat[a];
    add_body(s, id, -1, a);
    if (s->n == n) continue;
    mju_copy3(s->body[n].place, task->place_pos[a]);
    s->body[n].yaw = 2 * atan2(q[3], q[0]);

    s->body[n].reach = robot->reach;
    if (robot->arm.count > 1) s->body[n].shoulder = mj_name2id(m, mjOBJ_JOINT, robot->arm.joints[1]);
  }
}

int twin_shown_find(const twinShown* s, const char* name) {
  for (int i = 0; i < s->n; i++)
    if (!strcmp(s->body[i].name, name)) return i;
  return -1;
}

// ---- where things begin

static void put_joint(twinShown* s, const char* name, double at) {
  int joint = mj_name2id(s->model, mjOBJ_JOINT, name);
  if (joint >= 0) s->start[s->model->jnt_qposadr[joint]] = at;
}

static void put_joints(twinShown* s, const loomJointsDef* def) {
  for (int j = 0; j < def->count; j++) put_joint(s, def->joints[j], def->init_qpos[j]);
}

static void pose_robots(twinShown* s, const loomTask* task) {
  for (int a = 0; a < task->arm_count; a++) {
    const loomRobotDef* robot = &task->robots[a];
    put_joints(s, &robot->arm);
    put_joints(s, &robot->torso);
    for (int j = 0; j < robot->gripper_joint_count; j++)
      put_joint(s, robot->gripper_joints[j], robot->gripper_init_qpos[j]);
  }
}

static void copy_range(double out[2], const double from[2]) {
  out[0] = from[0];
  out[1] = from[1];
}

static void add_reset(twinShown* s, const loomTask* task, const loomResetDef* in, const loomPlacement* p) {
  int body = -1;
  for (int i = 0; i < s->n; i++)
    if (s->body[i].id == body_id(s->model, task->objects[p->object].body)) body = i;
  if (s->nreset == TWIN_RESETS || body < 0) return;

  twinReset* r = &s->reset[s->nreset++];
  char *end = NULL, *radius_end = NULL;
  *r = (twinReset){.body = body, .on_joint = p->on_joint};
  snprintf(r->in, sizeof r->in, "%s", in->name);

  copy_range(r->joint, p->joint);
  copy_range(r->x, p->x);
  copy_range(r->y, p->y);
  copy_range(r->yaw, p->yaw);
  r->z = strtod(p->z, &end);
  r->radius = strtod(p->radius, &radius_end);
  r->plain =
      p->frame < 0 && !p->place_count && !p->orientation_count && !p->range_count && !*end && !*radius_end;
}

static void add_resets(twinShown* s, const loomTask* task) {
  for (int i = 0; i < task->reset_count; i++) {
    const loomResetDef* in = &task->resets[i];
    if (s->nname < 8) snprintf(s->name[s->nname++], LOOM_TWIN_NAME, "%s", in->name);
    for (int p = 0; p < in->placement_count; p++) add_reset(s, task, in, &in->placements[p]);
  }
}

// ---- all of it

int twin_shown_make(twinShown* out, const loomTwinSeen* seen, bool full, loomError* err) {
  const loomScene* scene = seen->scene;
  loomModelDef def = loom_default_model_def();
  loomSimplifyDef light = view_simplify();
  light.texture = 1024;
  def.simplify = full ? NULL : &light;
  *out = (twinShown){0};

  int code = loom_model_compile(&out->model, scene->xml, scene->label, &scene->roots, &def, err);
  if (code) return code;
  loom_model_show(out->model);
  out->data = mj_makeData(out->model);
  out->start = malloc((size_t)(out->model->nq + 1) * sizeof *out->start);
  if (!out->data || !out->start) {
    twin_shown_destroy(out);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a scene");
  }

  mju_copy(out->start, out->model->qpos0, (int)out->model->nq);
  pose_robots(out, seen->task);
  add_bodies(out, seen->task);
  add_resets(out, seen->task);
  return 0;
}

void twin_shown_destroy(twinShown* s) {
  mj_deleteData(s->data);
  mj_deleteModel(s->model);
  free(s->start);
  *s = (twinShown){0};
}
