// demoloom replay -o: a copy of a dataset with the observations that its states give, as robomimic's
// dataset_states_to_obs makes them, and with the poses that policies of targets and framed observations learn
// from. So that recordings of states and actions alone can train policies.
#include "tools/command/replay_obs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/shared/common.h"

enum { POSES = 2 + LOOM_MAX_OBJECTS };

typedef struct demoObs {
  loomField field[LOOM_MAX_OBS + POSES];
  char path[LOOM_MAX_OBS + POSES][LOOM_NAME_MAX + 40];
  double* data;         // all observations', one after the other
  double* pose[POSES];  // targets and end effectors (rows x arms x 4 x 4), objects (rows x 4 x 4)
} demoObs;

typedef struct observing {
  const loomTask* task;
  const loomDataset* dataset;
  const loomAssetRoots* roots;
  int n;
  demoObs* demo;       // (n)
  loomRecord* record;  // (n)
  double start;
} observing;

// A row of poses: where the action sends the arms, where they are, and where the objects are.
static void put_poses(demoObs* out, loomPose target[LOOM_MAX_ARMS], const loomEpisode* e, int row,
                      const double* action) {
  ptrdiff_t arms = e->arm_count;
  for (int a = 0; a < e->arm_count; a++) {
    loomPose eef = loom_episode_eef(e, a);
    target[a] = loom_arm_target(&e->arms[a], eef, row ? target[a] : eef, action);
    loom_pose_to_matrix(out->pose[0] + 16 * (row * arms + a), target[a]);
    loom_pose_to_matrix(out->pose[1] + 16 * (row * arms + a), eef);
    action += loom_arm_action_dim(&e->arms[a]);
  }
  for (int k = 0; k < e->scene->task->object_count; k++)
    loom_pose_to_matrix(out->pose[2 + k] + (ptrdiff_t)16 * row, loom_episode_object(e, k));
}

static int observe_rows(demoObs* out, loomEpisode* e, const loomDemo* demo, double* row, loomError* err) {
  loomPose target[LOOM_MAX_ARMS];
  int code = 0;
  for (int r = 0; !code && r < demo->rows; r++) {
    code = loom_episode_start(e, demo->states + (ptrdiff_t)r * demo->state_dim, err);
    if (code) return code;
    loom_episode_observe(row, e);
    put_poses(out, target, e, r, demo->actions + (ptrdiff_t)r * demo->action_dim);
    ptrdiff_t at = 0;
    for (int k = 0; k < e->obs_count; k++) {
      memcpy(out->data + at + (ptrdiff_t)r * e->obs[k].dim, row + e->obs[k].offset,
             (size_t)e->obs[k].dim * sizeof *row);
      at += (ptrdiff_t)demo->rows * e->obs[k].dim;
    }
  }
  return code;
}

static int make_room(demoObs* out, double** row, const loomEpisode* e, int rows, loomError* err) {
  bool room = true;
  *row = calloc((size_t)e->obs_dim + 1, sizeof **row);
  out->data = calloc((size_t)rows * (size_t)e->obs_dim + 1, sizeof *out->data);
  for (int i = 0; i < 2 + e->scene->task->object_count; i++) {
    size_t each = i < 2 ? (size_t)e->arm_count : 1;
    out->pose[i] = calloc((size_t)rows * each * 16 + 1, sizeof **out->pose);
    room = room && out->pose[i];
  }
  return *row && out->data && room ? 0
                                   : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for observations");
}

// What the dataset has of poses already stays as it is.
static void add_poses(demoObs* out, int* n, const observing* o, int i, const loomEpisode* e, int rows) {
  const loomTask* task = o->task;
  for (int k = 0; k < 2 + task->object_count; k++) {
    bool arms = k < 2;
    char* path = out->path[*n];
    snprintf(path, sizeof *out->path, "datagen_info/%s%s",
             k == 0   ? "target_pose"
             : k == 1 ? "eef_pose"
                      : "object_poses/",
             arms ? "" : task->objects[k - 2].name);
    if (loom_dataset_has(o->dataset, loom_dataset_demo_path(o->dataset, i), path)) continue;
    loomField* field = &out->field[(*n)++];
    *field = (loomField){.path = path,
                         .type = LOOM_TYPE_F64,
                         .rank = arms ? 4 : 3,
                         .shape = {rows, arms ? e->arm_count : 4, 4, 4},
                         .data = out->pose[k]};
  }
}

static void add_observations(demoObs* out, int* n, const loomEpisode* e, int rows) {
  double* at = out->data;
  for (int k = 0; k < e->obs_count; k++, (*n)++) {
    snprintf(out->path[*n], sizeof out->path[*n], "obs/%s", e->obs[k].name);
    out->field[*n] = (loomField){
        .path = out->path[*n], .type = LOOM_TYPE_F64, .rank = 2, .shape = {rows, e->obs[k].dim}, .data = at};
    at += (ptrdiff_t)rows * e->obs[k].dim;
  }
}

static int observe(observing* o, int i, loomError* err) {
  demoObs* out = &o->demo[i];
  loomDemo demo;
  loomScene* scene = NULL;
  loomEpisode* e = NULL;
  double* row = NULL;
  int n = 0, code = loom_demo_load(&demo, o->dataset, i, err);
  if (code) return code;
  code = loom_replay_open(&scene, &e, o->task, o->dataset, &demo, o->roots, err);
  if (!code) code = make_room(out, &row, e, demo.rows, err);
  if (!code) code = observe_rows(out, e, &demo, row, err);
  if (!code) {
    add_observations(out, &n, e, demo.rows);
    add_poses(out, &n, o, i, e, demo.rows);
    o->record[i] = (loomRecord){.nfield = n, .field = out->field};
  }
  free(row);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_demo_destroy(&demo);
  return code;
}

static int assemble(observing* o, const char* path, loomError* err) {
  loomSource* source = calloc((size_t)o->n + 1, sizeof *source);
  if (!source) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  for (int i = 0; i < o->n; i++)
    source[i] = (loomSource){loom_dataset_path(o->dataset), loom_dataset_demo_name(o->dataset, i)};
  loomAssembleDef def = loom_default_assemble_def();
  def.extra = o->record;
  def.leave_out = "obs";
  def.keep_names = true;
  int code = loom_dataset_assemble(path, source, o->n, &def, err);
  free(source);
  return code;
}

int replay_obs(const char* path, const loomTask* task, const loomDataset* dataset,
               const loomAssetRoots* roots, int n, loomError* err) {
  observing o = {.task = task, .dataset = dataset, .roots = roots, .n = n, .start = loom_clock()};
  if (tool_same_file(path, loom_dataset_path(dataset)))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: is what is replayed; name another file", path);
  o.demo = calloc((size_t)n + 1, sizeof *o.demo);
  o.record = calloc((size_t)n + 1, sizeof *o.record);
  int code = o.demo && o.record ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  for (int i = 0; !code && i < n; i++) {
    code = observe(&o, i, err);
    tool_progress("observed", i + 1, n, loom_clock() - o.start, "demos");
  }
  tool_progress_end();
  if (!code) code = assemble(&o, path, err);
  for (int i = 0; o.demo && i < n; i++) {
    free(o.demo[i].data);
    for (int k = 0; k < POSES; k++) free(o.demo[i].pose[k]);
  }
  free(o.demo);
  free(o.record);
  return code;
}
