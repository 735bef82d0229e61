#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/source/isaac_model.h"
#include "generators/source/retarget_follow.h"
#include "generators/source/segment.h"

enum { PATH_SIZE = 4 * LOOM_NAME_MAX, ROWS_MAX = 1000000 };

static const double pose_tolerance = 0.01;   // m, and 0.1 m a rad: hands by their joints, from their poses
static const double rigid_tolerance = 1e-3;  // of rows and columns of a rotation

typedef struct reading {
  const loomIsaacMap* map;
  loomEpisode* e;
  const loomDataset* dataset;
  const char* demo;  // "data/demo_0"
  loomIsaacTold* told;
  loomError* err;

  int rows, theirs_dim;
  double* theirs;  // (T x theirs_dim) their actions
  loomReplay replay;
  double* base;              // (T x S) what is known of our states; hands and arms may be missing
  double *actions, *states;  // (T x A), (T x S)
  bool *known, *moving;      // (njnt) joint positions, velocities
} reading;

static int out_of_memory(const reading* r) {
  return loom_error_set(r->err, LOOM_ERR_MEMORY, "out of memory for a demo");
}

// ---- arrays

// (rows x width) finite numbers; whatever the axes are, they are as many.
static int read_numbers(double** out, const reading* r, int64_t rows, int64_t width, const char* format, ...)
    LOOM_PRINTF(5, 6);

static int read_numbers(double** out, const reading* r, int64_t rows, int64_t width, const char* format,
                        ...) {
  char name[PATH_SIZE];
  loomArray a;
  va_list args;
  va_start(args, format);
  vsnprintf(name, sizeof name, format, args);
  va_end(args);
  *out = NULL;

  // The shape first: nothing is read of an array that does not fit.
  int code = loom_dataset_describe(&a, r->dataset, r->demo, name, r->err);
  if (code) return code;
  const char* file = loom_dataset_path(r->dataset);
  if (a.count != rows * width || (a.type == LOOM_TYPE_STR))
    return loom_error_set(r->err, LOOM_ERR_FORMAT,
                          "%s: %s/%s: expected %lld rows of %lld numbers, and has %lld", file, r->demo, name,
                          (long long)rows, (long long)width, (long long)a.count);
  code = loom_dataset_doubles(&a, r->dataset, r->demo, name, r->err);
  if (code) return code;

  const double* x = a.data;
  for (int64_t i = 0; i < a.count; i++) {
    if (isfinite(x[i])) continue;
    loom_array_destroy(&a);
    return loom_error_set(r->err, LOOM_ERR_FORMAT, "%s: %s/%s: row %lld has a number that is not finite",
                          file, r->demo, name, (long long)(i / width));
  }
  *out = a.data;
  return *out ? 0 : out_of_memory(r);
}

static int read_actions(reading* r) {
  loomArray a;
  int code = loom_dataset_describe(&a, r->dataset, r->demo, "actions", r->err);
  if (code) return code;
  if (a.rank != 2 || a.shape[0] < 2 || a.shape[0] > ROWS_MAX || a.shape[1] < 1 || a.shape[1] > 100000)
    return loom_error_set(r->err, LOOM_ERR_FORMAT, "%s: %s/actions: expected (rows x entries), 2 to %d rows",
                          loom_dataset_path(r->dataset), r->demo, ROWS_MAX);
  r->rows = r->replay.rows = (int)a.shape[0];
  r->theirs_dim = (int)a.shape[1];
  if (r->map->same_actions && r->theirs_dim != r->e->action_dim)
    return loom_error_set(
        r->err, LOOM_ERR_FORMAT,
        "%s: %s/actions has %d entries and the task's actions have %d; they are not the same, "
        "as the mapping says",
        loom_dataset_path(r->dataset), r->demo, r->theirs_dim, r->e->action_dim);

  return read_numbers(&r->theirs, r, r->rows, r->theirs_dim, "actions");
}

// ---- poses

// Row-major 4 x 4: a rotation, and 0 0 0 1 below.
static bool is_rigid(const double m[16]) {
  const double last[4] = {0, 0, 0, 1};
  double off = 0, cross[3], x[3], y[3], z[3];
  for (int i = 0; i < 4; i++) off = fmax(off, fabs(m[12 + i] - last[i]));
  for (int i = 0; i < 3; i++) x[i] = m[4 * i], y[i] = m[4 * i + 1], z[i] = m[4 * i + 2];
  off = fmax(off, fabs(mju_dot3(x, y)));
  off = fmax(off, fabs(mju_norm3(x) - 1));
  off = fmax(off, fabs(mju_norm3(y) - 1));
  mju_cross(cross, x, y);

  return off <= rigid_tolerance && mju_dist3(cross, z) <= 3 * rigid_tolerance;
}

static int read_poses(loomPose** out, const reading* r, loomPose frame, const char* group, const char* name) {
  double* matrix;
  int code = read_numbers(&matrix, r, r->rows, 16, "obs/datagen_info/%s/%s", group, name);
  if (code) return code;

  *out = malloc(sizeof **out * (size_t)r->rows);
  if (!*out) code = out_of_memory(r);

  for (int t = 0; !code && t < r->rows; t++) {
    const double* m = matrix + 16 * (size_t)t;
    if (!is_rigid(m)) {
      code = loom_error_set(r->err, LOOM_ERR_FORMAT, "%s: %s/obs/datagen_info/%s/%s: row %d is no pose",
                            loom_dataset_path(r->dataset), r->demo, group, name, t);
      break;
    }
    loomPose pose = loom_pose_from_matrix(m);
    mju_normalize4(pose.quat);
    (*out)[t] = isaac_ours(r->map, frame, pose);
  }

  free(matrix);

  return code;
}

static int read_hands(reading* r, int a) {
  const loomIsaacArm* arm = &r->map->arm[a];
  int dim = r->e->arms[a].robot->gripper_dim, first = 0;
  for (int b = 0; b < a; b++) first += loom_arm_action_dim(&r->e->arms[b]);
  r->replay.hand[a] = calloc((size_t)r->rows * LOOM_MAX_HAND, sizeof(double));
  r->replay.grip[a] = calloc((size_t)r->rows, sizeof(double));
  if (!r->replay.hand[a] || !r->replay.grip[a]) return out_of_memory(r);
  if (!r->map->same_actions && arm->gripper_count != dim)
    return loom_error_set(r->err, LOOM_ERR_FORMAT,
                          "%s: arm %d: `gripper:` must say which entries of actions work its hand (%d)",
                          r->map->path, a, dim);

  for (int i = 0; i < dim; i++) {
    int entry = r->map->same_actions ? first + r->e->arms[a].pose_dim + i : arm->gripper[i];
    if (entry >= r->theirs_dim)
      return loom_error_set(r->err, LOOM_ERR_FORMAT, "%s: arm %d: actions have %d entries, and no entry %d",
                            r->map->path, a, r->theirs_dim, entry);
    double sign = r->map->same_actions ? 1 : arm->close;
    for (int t = 0; t < r->rows; t++) {
      double told = sign * r->theirs[(size_t)t * (size_t)r->theirs_dim + (size_t)entry];
      r->replay.hand[a][(size_t)t * LOOM_MAX_HAND + (size_t)i] = told;
      r->replay.grip[a][t] += told / dim;
    }
  }

  return 0;
}

static int read_datagen_info(reading* r) {
  const loomScene* scene = r->e->scene;
  if (!loom_dataset_has(r->dataset, r->demo, "obs/datagen_info"))
    return loom_error_set(r->err, LOOM_ERR_FORMAT,
                          "%s: %s has no obs/datagen_info; Isaac Lab Mimic's annotate_demos.py writes it",
                          loom_dataset_path(r->dataset), r->demo);

  int code = 0;

  for (int a = 0; !code && a < r->e->arm_count; a++) {
    const loomIsaacArm* arm = &r->map->arm[a];
    code = read_poses(&r->replay.eef[a], r, arm->frame, "eef_pose", arm->eef);
    if (!code) code = read_poses(&r->replay.target[a], r, arm->frame, "target_eef_pose", arm->eef);
    if (!code) code = read_hands(r, a);
  }

  // What does not move of its own needs no pose.
  for (int o = 0; !code && o < scene->task->object_count; o++) {
    const loomIsaacObject* object = &r->map->object[o];
    if (scene->object_qpos[o] >= 0)
      code = read_poses(&r->replay.object[o], r, object->frame, "object_pose", object->name);
  }

  return code;
}

// ---- what is known of states

static double* row_of(double* x, const reading* r, int t) {
  return x + (size_t)t * (size_t)r->e->state_dim;
}

// Isaac Lab's states are those after each action; ours the ones before. (T x width), malloc'ed.
static int read_shifted(double** out, const reading* r, int width, const char* kind, const char* name,
                        const char* what) {
  double *first = NULL, *later = NULL;
  int code = read_numbers(&first, r, 1, width, "initial_state/%s/%s/%s", kind, name, what);
  if (!code) code = read_numbers(&later, r, r->rows, width, "states/%s/%s/%s", kind, name, what);
  if (!code) {
    memmove(later + width, later, sizeof *later * (size_t)(r->rows - 1) * (size_t)width);
    memcpy(later, first, sizeof *later * (size_t)width);
    *out = later;
  }
  if (code) free(later);
  free(first);
  return code;
}

static int take_joints(reading* r, const loomIsaacTree* tree, const double* q, const double* v) {
  const mjModel* m = r->e->m;
  for (int k = 0; k < tree->n; k++) {
    int joint = tree->joint[k][0] ? mj_name2id(m, mjOBJ_JOINT, tree->joint[k]) : -1;
    if (!tree->joint[k][0]) continue;
    if (joint < 0 || !isaac_is_plain(m, joint))
      return loom_error_set(r->err, LOOM_ERR_FORMAT,
                            "%s: articulation '%s': the task's model has no joint '%s' of one number",
                            r->map->path, tree->name, tree->joint[k]);
    r->known[joint] = r->moving[joint] = true;
    for (int t = 0; t < r->rows; t++) {
      double* state = row_of(r->base, r, t) + 1;
      state[m->jnt_qposadr[joint]] = q[(size_t)t * (size_t)tree->n + (size_t)k];
      state[m->nq + m->jnt_dofadr[joint]] = v[(size_t)t * (size_t)tree->n + (size_t)k];
    }
  }

  return 0;
}

static int read_trees(reading* r) {
  int code = 0;
  for (int i = 0; !code && i < r->map->tree_count; i++) {
    const loomIsaacTree* tree = &r->map->tree[i];
    double *q = NULL, *v = NULL;
    code = read_shifted(&q, r, tree->n, "articulation", tree->name, "joint_position");
    if (!code) code = read_shifted(&v, r, tree->n, "articulation", tree->name, "joint_velocity");
    if (!code) code = take_joints(r, tree, q, v);
    free(q);
    free(v);
  }

  return code;
}

static int object_of_body(const reading* r, int body) {
  for (int o = 0; o < r->e->scene->task->object_count; o++)
    if (r->e->scene->object_body[o] == body) return o;
  return -1;
}

// A free body lies as object_pose says, or else its root; how fast it is its root says, if it is there.
static int read_root(reading* r, const isaacRoot* root, const char* kind) {
  const mjModel* m = r->e->m;
  int object = object_of_body(r, root->body);
  loomPose frame = object < 0 ? loom_pose_identity() : r->map->object[object].frame;
  double *pose = NULL, *velocity = NULL;
  char name[PATH_SIZE];
  snprintf(name, sizeof name, "states/%s/%s", kind, root->name);
  bool there = loom_dataset_has(r->dataset, r->demo, name);
  bool posed = object >= 0 && r->replay.object[object];
  if (!there && !posed) return 0;

  int code = !posed ? read_shifted(&pose, r, 7, kind, root->name, "root_pose") : 0;
  if (!code && there) code = read_shifted(&velocity, r, 6, kind, root->name, "root_velocity");

  for (int t = 0; !code && t < r->rows; t++) {
    double *state = row_of(r->base, r, t), *q = state + 1 + m->jnt_qposadr[root->free_joint];
    loomPose ours = pose ? isaac_take_root(r->map, frame, pose + 7 * (size_t)t) : r->replay.object[object][t];
    mju_copy3(q, ours.pos);
    mju_copy4(q + 3, ours.quat);
    if (velocity) isaac_take_velocity(state, r->map, root, m, velocity + 6 * (size_t)t);
  }
  r->known[root->free_joint] = true;
  r->moving[root->free_joint] = velocity != NULL;
  free(pose);
  free(velocity);

  return code;
}

static int read_roots(reading* r) {
  int most = (int)r->e->m->njnt, code = 0;
  isaacRoot *root = calloc((size_t)most + 1, sizeof *root), base;
  if (!root) return out_of_memory(r);

  // Articulations may lie free too.
  for (int i = 0; !code && i < r->map->tree_count; i++)
    if (!isaac_root_of_tree(&base, r->map, i, r->e->m, NULL) && base.free_joint >= 0)
      code = read_root(r, &base, "articulation");

  int n = isaac_free_roots(root, most, r->map, r->e->scene);

  for (int i = 0; !code && i < n; i++) code = read_root(r, &root[i], "rigid_object");
  free(root);

  return code;
}

// An object that slides or turns in the scene stands where its pose is nearest to what it was.
static void solve_object(reading* r, int o, int t) {
  const mjModel* m = r->e->m;
  mjData* d = r->e->d;
  int body = r->e->scene->object_body[o], joint = m->body_jntadr[body];
  if (m->body_jntnum[body] != 1 || !isaac_is_plain(m, joint) || r->known[joint] || !r->replay.object[o])
    return;

  double* state = row_of(r->base, r, t) + 1;
  loomPose want = r->replay.object[o][t];
  state[m->jnt_qposadr[joint]] = m->qpos0[m->jnt_qposadr[joint]];
  mju_copy(d->qpos, state, (int)m->nq);
  mj_kinematics(m, d);

  const double *axis = d->xaxis + 3 * joint, *from = d->xquat + 4 * body;
  double way[3], turn[4], back[4] = {from[0], -from[1], -from[2], -from[3]};
  mju_sub3(way, want.pos, d->xpos + 3 * body);
  if (m->jnt_type[joint] == mjJNT_HINGE) {
    loom_quat_mul(turn, want.quat, back);
    loom_quat_log(way, turn);
  }
  state[m->jnt_qposadr[joint]] += mju_dot3(way, axis);
}

static int find_base(reading* r) {
  const mjModel* m = r->e->m;
  size_t dim = (size_t)r->e->state_dim;
  r->base = calloc((size_t)r->rows * dim, sizeof *r->base);
  r->known = calloc((size_t)m->njnt + 1, sizeof *r->known);
  r->moving = calloc((size_t)m->njnt + 1, sizeof *r->moving);
  if (!r->base || !r->known || !r->moving) return out_of_memory(r);

  for (int t = 0; t < r->rows; t++) {
    row_of(r->base, r, t)[0] = (double)t / r->e->scene->task->control_freq;
    mju_copy(row_of(r->base, r, t) + 1, m->qpos0, (int)m->nq);
  }

  int code = read_trees(r);
  if (!code) code = read_roots(r);

  for (int t = 0; !code && t < r->rows; t++)
    for (int o = 0; o < r->e->scene->task->object_count; o++) solve_object(r, o, t);

  return code;
}

// ---- our states

static bool robots_known(const reading* r) {
  for (int j = 0; j < r->e->m->njnt; j++)
    if (!r->known[j] && isaac_is_robots(r->e, r->e->m->jnt_bodyid[j])) return false;
  return true;
}

static bool hands_known(const reading* r) {
  for (int a = 0; a < r->e->arm_count; a++)
    for (int i = 0; i < r->e->arms[a].hand_n; i++)
      if (!r->known[r->e->m->dof_jntid[r->e->arms[a].hand_dof[i]]]) return false;
  return true;
}

// Hands go where they were by inverse kinematics, as those of a retargeted demo do; from the task to itself.
static int follow_poses(reading* r) {
  loomRetargetDef plain = {.scale = 1};
  loomTask* task = malloc(sizeof *task);
  if (!task) return out_of_memory(r);
  memcpy(task, r->e->scene->task, sizeof *task);
  task->retarget = &plain;
  loomRetarget plan = {.from = task, .to = task};

  for (int a = 0; a < LOOM_MAX_ARMS; a++) {
    plan.arm[a] = a;
    plan.alike[a] = true;
    plan.hand[a] = plain.offset[a] = loom_pose_identity();
  }
  for (int o = 0; o < task->object_count; o++) plan.object[o] = o;

  // Objects that need no pose of their own are not asked for one.
  loomDemo demo = {.rows = r->rows, .state_dim = r->e->state_dim, .states = r->base};
  loomRetargetSource source = {&r->replay, &demo, r->e->scene, !hands_known(r)};
  loomRetargeted made;
  int code = loom_retarget_follow(&made, r->e, &plan, &source, r->err);
  if (!code && !made.kept)
    code = loom_error_set(r->err, LOOM_ERR_FORMAT, "%s: %s: %s; check `world` and `frame` of the mapping",
                          loom_dataset_path(r->dataset), r->demo, made.reason);
  if (!code) memcpy(r->states, made.states, sizeof *made.states * (size_t)r->rows * (size_t)r->e->state_dim);
  loom_retargeted_destroy(&made);
  free(task);

  return code;
}

// Where nothing tells them, velocities are those from each row to the next.
static void put_speeds(reading* r) {
  const mjModel* m = r->e->m;
  double dt = 1.0 / r->e->scene->task->control_freq;
  for (int t = 0; t < r->rows; t++) {
    double *state = row_of(r->states, r, t), *v = state + 1 + m->nq;
    const double* told = row_of(r->base, r, t) + 1 + m->nq;
    if (t + 1 < r->rows) mj_differentiatePos(m, v, dt, state + 1, row_of(r->states, r, t + 1) + 1);
    for (int i = 0; i < m->nv; i++)
      if (r->moving[m->dof_jntid[i]]) v[i] = told[i];
  }
}

static int find_states(reading* r) {
  size_t size = (size_t)r->rows * (size_t)r->e->state_dim;
  r->states = calloc(size, sizeof *r->states);
  if (!r->states) return out_of_memory(r);
  r->told->by_joints = robots_known(r);
  int code = 0;
  if (r->told->by_joints)
    memcpy(r->states, r->base, sizeof *r->states * size);
  else
    code = follow_poses(r);
  if (!code) put_speeds(r);

  return code;
}

/// The largest of some.
typedef struct poseGap {
  double gap;  // m, and 0.1 m a rad
  int number, row;
} poseGap;

static void note_gap(poseGap* most, loomPose is, loomPose want, int number, int row) {
  double gap = loom_pose_distance(is, want) + 0.1 * loom_quat_angle(is.quat, want.quat);
  if (gap > most->gap) *most = (poseGap){gap, number, row};
}

static int apart(const reading* r, const poseGap* most, const char* group, const char* name) {
  return loom_error_set(
      r->err, LOOM_ERR_FORMAT,
      "%s: %s: by its joints it is %.3f m (0.1 m a rad) from %s/%s at row %d; check `frame`, "
      "`world` and `articulations` of the mapping",
      loom_dataset_path(r->dataset), r->demo, most->gap, group, name, most->row);
}

// Everything as it is to be shown: how far hands are off, and where objects are of which nothing was told.
static int show_states(reading* r) {
  const loomTask* task = r->e->scene->task;
  bool without[LOOM_MAX_OBJECTS];
  for (int o = 0; o < task->object_count; o++) {
    without[o] = !r->replay.object[o];
    if (without[o]) r->replay.object[o] = calloc((size_t)r->rows, sizeof(loomPose));
    if (!r->replay.object[o]) return out_of_memory(r);
  }

  int code = 0;
  poseGap hand = {0}, object = {0};

  for (int t = 0; !code && t < r->rows; t++) {
    double grip[LOOM_MAX_ARMS] = {0};
    for (int a = 0; a < r->e->arm_count; a++) grip[a] = r->replay.grip[a][t];
    code = loom_episode_show(r->e, row_of(r->states, r, t), grip, r->err);
    for (int a = 0; !code && a < r->e->arm_count; a++)
      note_gap(&hand, loom_episode_eef(r->e, a), r->replay.eef[a][t], a, t);
    for (int o = 0; !code && o < task->object_count; o++) {
      if (without[o]) r->replay.object[o][t] = loom_episode_object(r->e, o);
      note_gap(&object, loom_episode_object(r->e, o), r->replay.object[o][t], o, t);
    }
  }
  if (code) return code;

  // Names and frames that are mixed up show here, not in attempts that fail.
  r->told->eef_error = hand.gap;
  r->told->object_error = object.gap;
  if (hand.gap > pose_tolerance) return apart(r, &hand, "eef_pose", r->map->arm[hand.number].eef);
  if (object.gap > pose_tolerance)
    return apart(r, &object, "object_pose", r->map->object[object.number].name);

  return 0;
}

// ---- our actions

static int find_actions(reading* r) {
  size_t dim = (size_t)r->e->action_dim;
  r->actions = calloc((size_t)r->rows * dim, sizeof *r->actions);
  if (!r->actions) return out_of_memory(r);
  if (r->map->same_actions) {
    memcpy(r->actions, r->theirs, sizeof *r->actions * (size_t)r->rows * dim);
    return 0;
  }

  for (int t = 0; t < r->rows; t++) {
    double* action = r->actions + (size_t)t * dim;
    bool far = false;
    for (int a = 0; a < r->e->arm_count; a++) {
      const loomArm* arm = &r->e->arms[a];
      loomPose eef = r->replay.eef[a][t], target = r->replay.target[a][t];
      loom_arm_action_towards(action, arm, eef, target);
      memcpy(action + arm->pose_dim, r->replay.hand[a] + (size_t)t * LOOM_MAX_HAND,
             sizeof *action * (size_t)arm->robot->gripper_dim);
      loomPose got = loom_arm_target(arm, eef, eef, action);
      far = far || loom_pose_distance(got, target) + 0.1 * loom_quat_angle(got.quat, target.quat) > 1e-4;
      action += loom_arm_action_dim(arm);
    }
    r->told->far_rows += far;
  }

  return 0;
}

// ---- the demo

static int put_poses(loomDemoRecord* out, const reading* r, loomPose* const* pose, const char* name) {
  int arms = r->e->arm_count;
  double* to = loom_demo_record_room(out, name, LOOM_TYPE_F64, 4, (int64_t[]){r->rows, arms, 4, 4});
  for (int t = 0; to && t < r->rows; t++)
    for (int a = 0; a < arms; a++)
      loom_pose_to_matrix(to + 16 * ((size_t)t * (size_t)arms + (size_t)a), pose[a][t]);
  return to ? 0 : out_of_memory(r);
}

static int put_rows(loomDemoRecord* out, const reading* r) {
  int arms = r->e->arm_count;
  double* x = loom_demo_record_room(out, "actions", LOOM_TYPE_F64, 2, (int64_t[]){r->rows, r->e->action_dim});
  if (x) memcpy(x, r->actions, sizeof *x * (size_t)r->rows * (size_t)r->e->action_dim);
  x = loom_demo_record_room(out, "states", LOOM_TYPE_F64, 2, (int64_t[]){r->rows, r->e->state_dim});
  if (x) memcpy(x, r->states, sizeof *x * (size_t)r->rows * (size_t)r->e->state_dim);
  x = loom_demo_record_room(out, "datagen_info/gripper_action", LOOM_TYPE_F64, 2, (int64_t[]){r->rows, arms});

  for (int t = 0; x && t < r->rows; t++)
    for (int a = 0; a < arms; a++) x[t * arms + a] = r->replay.grip[a][t];

  for (int o = 0; o < r->e->scene->task->object_count; o++) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "datagen_info/object_poses/%s", r->e->scene->task->objects[o].name);
    x = loom_demo_record_room(out, path, LOOM_TYPE_F64, 3, (int64_t[]){r->rows, 4, 4});
    for (int t = 0; x && t < r->rows; t++) loom_pose_to_matrix(x + 16 * (size_t)t, r->replay.object[o][t]);
  }

  int code = put_poses(out, r, r->replay.eef, "datagen_info/eef_pose");

  return code ? code : put_poses(out, r, r->replay.target, "datagen_info/target_pose");
}

// All of them, or none where the mapping asks for none: then the task says where segments end.
static int put_signals(loomDemoRecord* out, reading* r) {
  static const char group[] = "obs/datagen_info/subtask_term_signals";
  const loomTask* task = r->e->scene->task;
  bool there = loom_dataset_has(r->dataset, r->demo, group);
  for (int a = 0; a < task->arm_count; a++)
    for (int k = 0; k + 1 < task->subtask_count[a]; k++) there = there || r->map->arm[a].signal[k][0];
  r->told->annotated = there;

  for (int a = 0; there && a < task->arm_count; a++) {
    for (int k = 0; k + 1 < task->subtask_count[a]; k++) {
      char name[PATH_SIZE];
      const char* said = r->map->arm[a].signal[k];
      snprintf(name, sizeof name, "arm%d_%s", a, task->subtasks[a][k].name);
      double* signal = NULL;
      int code = read_numbers(&signal, r, r->rows, 1, "%s/%s", group, *said ? said : name);
      if (code || !signal) return code;

      loom_segment_signal(name, sizeof name, a, task->subtasks[a][k].name);
      int64_t* to = loom_demo_record_room(out, name, LOOM_TYPE_I64, 1, (int64_t[]){r->rows});
      for (int t = 0; to && t < r->rows; t++) to[t] = signal[t] > 0.5;
      free(signal);
    }
  }

  return 0;
}

static void close_reading(reading* r) {
  loom_replay_destroy(&r->replay);
  free(r->theirs);
  free(r->base);
  free(r->known);
  free(r->moving);
  free(r->actions);
  free(r->states);
}

int loom_isaac_read(loomDemoRecord* out, loomIsaacTold* told, const loomIsaacMap* map, loomEpisode* e,
                    const loomDataset* dataset, int demo, loomError* err) {
  *told = (loomIsaacTold){0};
  reading r = {.map = map,
               .e = e,
               .dataset = dataset,
               .demo = loom_dataset_demo_path(dataset, demo),
               .told = told,
               .err = err};
  r.replay.arm_count = e->arm_count;
  r.replay.object_count = e->scene->task->object_count;

  int code = loom_arms_take_poses(e->arms, e->arm_count, e->scene->label, err);
  if (!code) code = read_actions(&r);
  if (!code && !r.theirs) code = out_of_memory(&r);
  if (!code) code = read_datagen_info(&r);
  if (!code) code = find_base(&r);
  if (!code) code = find_states(&r);
  if (!code) code = show_states(&r);
  if (!code) code = find_actions(&r);
  if (!code) code = put_rows(out, &r);
  if (!code) code = put_signals(out, &r);
  if (!code) loom_demo_record_attr(out, loom_attr_int("num_samples", r.rows));
  told->rows = r.rows;
  close_reading(&r);
  return code ? code : out->out_of_memory ? out_of_memory(&r) : 0;
}

bool loom_isaac_is(const loomDataset* dataset) {
  if (!loom_dataset_demo_count(dataset)) return false;
  const char* demo = loom_dataset_demo_path(dataset, 0);
  return loom_dataset_has(dataset, demo, "initial_state") ||
         loom_dataset_has(dataset, demo, "obs/datagen_info");
}
