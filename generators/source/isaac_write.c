#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/source/isaac_model.h"

enum { PATH_SIZE = 4 * LOOM_NAME_MAX };

typedef struct writing {
  loomDemoRecord* out;
  const loomIsaacMap* map;
  loomEpisode* e;
  const loomReplay* replay;
  const loomDemo* demo;
  const loomDataset* dataset;
  loomNames* left_out;
  double* after;  // (S) the state after the last action
  loomError* err;
} writing;

static int out_of_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo");
}

// Room for floats under a name that is put together.
static float* room(writing* w, int rank, const int64_t* shape, const char* format, ...) LOOM_PRINTF(4, 5);

static float* room(writing* w, int rank, const int64_t* shape, const char* format, ...) {
  char path[PATH_SIZE];
  va_list args;
  va_start(args, format);
  vsnprintf(path, sizeof path, format, args);
  va_end(args);
  return loom_demo_record_room(w->out, path, LOOM_TYPE_F32, rank, shape);
}

static void put_floats(float* to, const double* from, size_t n) {
  for (size_t i = 0; to && i < n; i++) to[i] = (float)from[i];
}

// ---- poses and signals

static void put_poses(writing* w, const loomPose* pose, loomPose frame, const char* group, const char* name) {
  int rows = w->replay->rows;
  double matrix[16];
  float* to = room(w, 3, (int64_t[]){rows, 4, 4}, "obs/datagen_info/%s/%s", group, name);
  for (int t = 0; to && t < rows; t++) {
    loom_pose_to_matrix(matrix, isaac_theirs(w->map, frame, pose[t]));
    put_floats(to + 16 * (size_t)t, matrix, 16);
  }
}

static void put_signals(writing* w, int a) {
  const loomTask* task = w->e->scene->task;
  int rows = w->replay->rows;
  for (int k = 0; k + 1 < task->subtask_count[a]; k++) {
    const char* name = w->map->arm[a].signal[k];
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "obs/datagen_info/subtask_term_signals/%s", name);
    if (!*name)
      snprintf(path, sizeof path, "obs/datagen_info/subtask_term_signals/arm%d_%s", a,
               task->subtasks[a][k].name);
    unsigned char* signal = loom_demo_record_room(w->out, path, LOOM_TYPE_U8, 1, (int64_t[]){rows});
    for (int t = w->replay->end[a][k] - 1; signal && t < rows; t++) signal[t] = 1;
  }
}

static void put_datagen_info(writing* w) {
  for (int a = 0; a < w->replay->arm_count; a++) {
    const loomIsaacArm* arm = &w->map->arm[a];
    put_poses(w, w->replay->eef[a], arm->frame, "eef_pose", arm->eef);
    put_poses(w, w->replay->target[a], arm->frame, "target_eef_pose", arm->eef);
    put_signals(w, a);
  }
  for (int o = 0; o < w->replay->object_count; o++)
    put_poses(w, w->replay->object[o], w->map->object[o].frame, "object_pose", w->map->object[o].name);
}

// ---- states

// Isaac Lab records a state after its action, ours is the one before. The last one is a step further.
static int find_after(writing* w) {
  const loomDemo* d = w->demo;
  const double *state = d->states + (size_t)(d->rows - 1) * (size_t)d->state_dim,
               *action = d->actions + (size_t)(d->rows - 1) * (size_t)d->action_dim;
  w->after = malloc(sizeof *w->after * (size_t)d->state_dim);
  if (!w->after) return out_of_memory(w->err);

  // Where the simulator cannot go on, it stays.
  memcpy(w->after, state, sizeof *w->after * (size_t)d->state_dim);
  int code = loom_episode_start(w->e, state, w->err);
  if (code) return code;
  code = loom_episode_step(w->e, action, w->err);
  if (!code) loom_episode_state(w->after, w->e);

  return code == LOOM_ERR_SIM ? 0 : code;
}

// State number t of what is recorded as `initial_state` (first) or `states`.
static const double* state_of(const writing* w, bool first, int t) {
  int row = first ? 0 : t + 1;
  return row == w->demo->rows ? w->after : w->demo->states + (size_t)row * (size_t)w->demo->state_dim;
}

static void put_root(writing* w, bool first, const isaacRoot* root, loomPose frame, const char* kind) {
  int rows = first ? 1 : w->demo->rows;
  const char* group = first ? "initial_state" : "states";
  double pose[7], velocity[6];
  float* p = room(w, 2, (int64_t[]){rows, 7}, "%s/%s/%s/root_pose", group, kind, root->name);
  float* v = room(w, 2, (int64_t[]){rows, 6}, "%s/%s/%s/root_velocity", group, kind, root->name);

  for (int t = 0; p && v && t < rows; t++) {
    isaac_put_root(pose, velocity, w->map, frame, root, w->e->m, state_of(w, first, t));
    put_floats(p + 7 * (size_t)t, pose, 7);
    put_floats(v + 6 * (size_t)t, velocity, 6);
  }
}

static loomPose frame_of(const writing* w, int body) {
  const loomScene* scene = w->e->scene;
  for (int o = 0; o < scene->task->object_count; o++)
    if (scene->object_body[o] == body) return w->map->object[o].frame;
  return loom_pose_identity();
}

static int put_tree(writing* w, bool first, int i) {
  const mjModel* m = w->e->m;
  const loomIsaacTree* tree = &w->map->tree[i];
  const char* group = first ? "initial_state" : "states";
  isaacRoot root;
  size_t n = (size_t)tree->n;
  int rows = first ? 1 : w->demo->rows, code = isaac_root_of_tree(&root, w->map, i, m, w->err);
  if (code) return code;

  put_root(w, first, &root, frame_of(w, root.body), "articulation");
  float* q = room(w, 2, (int64_t[]){rows, tree->n}, "%s/articulation/%s/joint_position", group, tree->name);
  float* v = room(w, 2, (int64_t[]){rows, tree->n}, "%s/articulation/%s/joint_velocity", group, tree->name);

  for (size_t k = 0; q && v && k < n; k++) {
    int joint = mj_name2id(m, mjOBJ_JOINT, tree->joint[k]);
    if (joint < 0 || !isaac_is_plain(m, joint))
      return loom_error_set(w->err, LOOM_ERR_FORMAT, "%s: articulation '%s': the model has no joint '%s'",
                            w->map->path, tree->name, tree->joint[k]);
    for (int t = 0; t < rows; t++) {
      const double* state = state_of(w, first, t);
      q[(size_t)t * n + k] = (float)state[1 + m->jnt_qposadr[joint]];
      v[(size_t)t * n + k] = (float)state[1 + m->nq + m->jnt_dofadr[joint]];
    }
  }

  return 0;
}

static int put_states(writing* w, bool first) {
  const loomScene* scene = w->e->scene;
  int most = (int)w->e->m->njnt, code = 0;
  isaacRoot* root = calloc((size_t)most + 1, sizeof *root);
  if (!root) return out_of_memory(w->err);

  for (int i = 0; !code && i < w->map->tree_count; i++) code = put_tree(w, first, i);
  int n = isaac_free_roots(root, most, w->map, scene);

  for (int i = 0; !code && i < n; i++)
    put_root(w, first, &root[i], frame_of(w, root[i].body), "rigid_object");
  free(root);

  return code;
}

// ---- what else a demo has

static int leave_out(writing* w, const char* name, const char* why) {
  char line[PATH_SIZE + 128];
  snprintf(line, sizeof line, "%.*s: %s", PATH_SIZE, name, why);
  if (loom_names_has(w->left_out, line)) return 0;
  return loom_names_add(w->left_out, line) ? out_of_memory(w->err) : 0;
}

static int put_observation(writing* w, const char* name, const loomArray* shape) {
  const char* demo = loom_dataset_demo_path(w->dataset, w->replay->number);
  bool bytes = shape->type == LOOM_TYPE_U8;
  loomArray a;
  int code = bytes ? loom_dataset_array(&a, w->dataset, demo, name, w->err)
                   : loom_dataset_doubles(&a, w->dataset, demo, name, w->err);
  if (code) return code;

  void* to = loom_demo_record_room(w->out, name, bytes ? LOOM_TYPE_U8 : LOOM_TYPE_F32, a.rank, a.shape);
  if (to && bytes) memcpy(to, a.data, (size_t)a.count);
  if (!bytes) put_floats(to, a.data, (size_t)a.count);
  loom_array_destroy(&a);

  return 0;
}

static int visit_array(void* user, const char* name, const loomArray* array, int readable,
                       const loomError* why) {
  writing* w = user;
  if (!strcmp(name, "actions") || !strcmp(name, "states") || !strncmp(name, "datagen_info/", 13)) return 0;
  if (readable) return leave_out(w, name, why->message);

  bool rows = array->rank && array->shape[0] == w->replay->rows && array->type != LOOM_TYPE_STR;
  if (!strncmp(name, "obs/", 4) && rows && strncmp(name, "obs/datagen_info", 16))
    return put_observation(w, name, array);
  return leave_out(w, name, "Isaac Lab's layout has no place for it");
}

int loom_isaac_write(loomDemoRecord* out, const loomIsaacMap* map, loomEpisode* e, const loomReplay* replay,
                     const loomDemo* demo, const loomDataset* dataset, loomNames* left_out, loomError* err) {
  writing w = {out, map, e, replay, demo, dataset, left_out, NULL, err};
  size_t n = (size_t)demo->rows * (size_t)demo->action_dim;
  put_floats(room(&w, 2, (int64_t[]){demo->rows, demo->action_dim}, "actions"), demo->actions, n);
  put_datagen_info(&w);

  // States, and what policies see.
  int code = find_after(&w);
  if (!code) code = put_states(&w, true);
  if (!code) code = put_states(&w, false);
  if (!code) {
    const char* path = loom_dataset_demo_path(dataset, replay->number);
    code = loom_dataset_visit(dataset, path, visit_array, &w, err);
  }
  free(w.after);

  loom_demo_record_attr(out, loom_attr_int("num_samples", demo->rows));
  loom_demo_record_attr(out, loom_attr_int("success", replay->success_end));
  loom_demo_record_attr(out, loom_attr_string("model_file", demo->model_xml));
  return code ? code : out->out_of_memory ? out_of_memory(err) : 0;
}
