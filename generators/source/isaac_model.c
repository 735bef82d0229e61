#include "generators/source/isaac_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- poses

loomPose isaac_theirs(const loomIsaacMap* map, loomPose frame, loomPose ours) {
  loomPose there = loom_pose_mul(loom_pose_inverse(map->world), ours);
  return loom_pose_mul(there, loom_pose_inverse(frame));
}

loomPose isaac_ours(const loomIsaacMap* map, loomPose frame, loomPose theirs) {
  return loom_pose_mul(loom_pose_mul(map->world, theirs), frame);
}

loomPose isaac_take_root(const loomIsaacMap* map, loomPose frame, const double p[7]) {
  const double quat[2][4] = {{p[3], p[4], p[5], p[6]}, {p[6], p[3], p[4], p[5]}};
  loomPose theirs = loom_pose_from_quat(p, quat[map->xyzw]);
  mju_normalize4(theirs.quat);
  return isaac_ours(map, frame, theirs);
}

// ---- roots

bool isaac_is_plain(const mjModel* m, int joint) {
  return m->jnt_type[joint] == mjJNT_HINGE || m->jnt_type[joint] == mjJNT_SLIDE;
}

bool isaac_is_robots(const loomEpisode* e, int body) {
  for (int a = 0; a < e->arm_count; a++)
    if (e->m->body_rootid[e->m->dof_bodyid[e->arms[a].dof[0]]] == e->m->body_rootid[body]) return true;
  return false;
}

static isaacRoot root_at(const mjModel* m, int body) {
  isaacRoot root = {"", m->body_rootid[body], -1};
  int first = m->body_jntadr[root.body];
  if (first >= 0 && m->jnt_type[first] == mjJNT_FREE) root.free_joint = first;
  return root;
}

int isaac_root_of_tree(isaacRoot* out, const loomIsaacMap* map, int tree, const mjModel* m, loomError* err) {
  const loomIsaacTree* t = &map->tree[tree];
  for (int k = 0; k < t->n; k++) {
    int joint = t->joint[k][0] ? mj_name2id(m, mjOBJ_JOINT, t->joint[k]) : -1;
    if (joint < 0) continue;
    *out = root_at(m, m->jnt_bodyid[joint]);
    memcpy(out->name, t->name, sizeof out->name);
    return 0;
  }
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: articulation '%s': the model has none of its joints",
                        map->path, t->name);
}

// Names of bodies may be anything; in a file a '/' would begin a group.
static void name_body(loomName out, const mjModel* m, int body) {
  const char* name = mj_id2name(m, mjOBJ_BODY, body);
  snprintf(out, LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1, name ? name : "");
  for (char* c = out; *c; c++)
    if (*c == '/') *c = '_';
  if (!loom_isaac_is_name(out)) snprintf(out, LOOM_NAME_MAX, "body_%d", body);
}

int isaac_free_roots(isaacRoot* out, int most, const loomIsaacMap* map, const loomScene* scene) {
  const mjModel* m = scene->model;
  int n = 0;
  for (int j = 0; j < m->njnt && n < most; j++) {
    if (m->jnt_type[j] != mjJNT_FREE) continue;
    isaacRoot root = root_at(m, m->jnt_bodyid[j]), other;
    bool listed = false;
    for (int i = 0; i < map->tree_count && !listed; i++)
      listed = !isaac_root_of_tree(&other, map, i, m, NULL) && other.body == root.body;
    if (listed) continue;

    name_body(root.name, m, root.body);
    for (int o = 0; o < scene->task->object_count; o++)
      if (scene->object_body[o] == root.body) memcpy(root.name, map->object[o].name, sizeof root.name);
    out[n++] = root;
  }

  return n;
}

// ---- states

// The center of mass of a root, from its origin, in the world's axes.
static void center_of(double out[3], const isaacRoot* root, const mjModel* m, const double quat[4]) {
  loom_quat_rotate(out, quat, m->body_ipos + 3 * root->body);
}

void isaac_put_root(double pose[7], double velocity[6], const loomIsaacMap* map, loomPose frame,
                    const isaacRoot* root, const mjModel* m, const double* state) {
  int j = root->free_joint;
  const double* q = j < 0 ? NULL : state + 1 + m->jnt_qposadr[j];
  loomPose ours = q ? loom_pose_from_quat(q, q + 3)
                    : loom_pose_from_quat(m->body_pos + 3 * root->body, m->body_quat + 4 * root->body);
  loomPose theirs = isaac_theirs(map, frame, ours);
  mju_copy3(pose, theirs.pos);
  for (int i = 0; i < 4; i++) pose[3 + i] = theirs.quat[map->xyzw ? (i + 1) % 4 : i];

  mju_zero(velocity, 6);
  if (!q) return;

  // MuJoCo's: of the origin in the world's axes, turning in the body's own.
  const double* v = state + 1 + m->nq + m->jnt_dofadr[j];
  double turn[3], center[3], move[3];
  loomPose back = loom_pose_inverse(map->world);
  loom_quat_rotate(turn, ours.quat, v + 3);
  center_of(center, root, m, ours.quat);
  mju_cross(move, turn, center);
  mju_addTo3(move, v);
  loom_quat_rotate(velocity, back.quat, move);
  loom_quat_rotate(velocity + 3, back.quat, turn);
}

void isaac_take_velocity(double* state, const loomIsaacMap* map, const isaacRoot* root, const mjModel* m,
                         const double velocity[6]) {
  const double* q = state + 1 + m->jnt_qposadr[root->free_joint];
  double* v = state + 1 + m->nq + m->jnt_dofadr[root->free_joint];
  double turn[3], center[3], move[3], back[4] = {q[3], -q[4], -q[5], -q[6]};

  loom_quat_rotate(v, map->world.quat, velocity);
  loom_quat_rotate(turn, map->world.quat, velocity + 3);
  center_of(center, root, m, q + 3);
  mju_cross(move, turn, center);
  mju_subFrom3(v, move);
  loom_quat_rotate(v + 3, back, turn);
}

// ---- articulations of a scene

static int add_joint(loomIsaacTree* tree, const mjModel* m, int joint) {
  const char* name = mj_id2name(m, mjOBJ_JOINT, joint);
  if (tree->n == LOOM_ISAAC_JOINTS || !name || strlen(name) >= LOOM_NAME_MAX) return LOOM_ERR_UNSUPPORTED;
  snprintf(tree->joint[tree->n++], LOOM_NAME_MAX, "%s", name);
  return 0;
}

static void name_tree(loomIsaacMap* map, const loomScene* scene, loomIsaacTree* tree, int root) {
  const mjModel* m = scene->model;
  name_body(tree->name, m, root);

  // A robot is called so by the first of its arms.
  for (int a = scene->task->arm_count - 1; a >= 0; a--) {
    int joint = mj_name2id(m, mjOBJ_JOINT, scene->task->robots[a].arm.joints[0]);
    if (joint >= 0 && m->body_rootid[m->jnt_bodyid[joint]] == root)
      snprintf(tree->name, LOOM_NAME_MAX, "robot%d", a);
  }
  for (int i = 0; &map->tree[i] < tree; i++)
    if (!strcmp(map->tree[i].name, tree->name)) snprintf(tree->name, LOOM_NAME_MAX, "body_%d", root);
}

int loom_isaac_map_trees(loomIsaacMap* map, const loomScene* scene, loomError* err) {
  const mjModel* m = scene->model;
  int at[LOOM_ISAAC_TREES] = {0};
  map->tree = calloc(LOOM_ISAAC_TREES, sizeof *map->tree);
  if (!map->tree) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a mapping");

  for (int j = 0; j < m->njnt; j++) {
    int root = m->body_rootid[m->jnt_bodyid[j]], i = 0;
    if (m->jnt_type[j] == mjJNT_FREE) continue;
    while (i < map->tree_count && at[i] != root) i++;
    bool fits = i < LOOM_ISAAC_TREES && isaac_is_plain(m, j);
    if (fits && i == map->tree_count) {
      map->tree[i].joint = calloc(LOOM_ISAAC_JOINTS, sizeof *map->tree[i].joint);
      if (!map->tree[i].joint) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a mapping");
      at[map->tree_count++] = root;
      name_tree(map, scene, &map->tree[i], root);
    }
    if (!fits || add_joint(&map->tree[i], m, j))
      return loom_error_set(
          err, LOOM_ERR_UNSUPPORTED,
          "%s: joint %d has no name, turns every way, or is one too many; Isaac Lab's layout "
          "has no place for it",
          scene->label, j);
  }

  return 0;
}
