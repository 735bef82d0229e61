#include "generators/run/record.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/source/segment.h"

enum { max_fields = 2 * LOOM_MAX_OBS + LOOM_MAX_OBJECTS + 32 };

const char* loom_version(void) {
  return "demoloom 0.1.0";
}

typedef struct fieldList {
  loomField field[max_fields];
  char path[max_fields][2 * LOOM_NAME_MAX];
  void* owned[max_fields];
  int n;
} fieldList;

static void add(fieldList* list, const char* path, loomType type, const void* data, int rank,
                const int64_t* shape) {
  if (list->n >= max_fields) return;
  snprintf(list->path[list->n], sizeof list->path[0], "%s", path);
  loomField* f = &list->field[list->n];
  *f = (loomField){list->path[list->n], type, rank, {1, 1, 1, 1}, data};
  for (int i = 0; i < rank; i++) f->shape[i] = shape[i];
  list->n++;
}

// obs/*, or one row on next_obs/*.
static int add_observations(fieldList* list, const char* group, int later, const loomTrace* t,
                            const loomEpisode* e, loomError* err) {
  for (int k = 0; k < e->obs_count; k++) {
    const loomObsKey* key = &e->obs[k];
    double* column = malloc(sizeof(double) * (size_t)t->rows * (size_t)key->dim);
    if (!column) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for observations");
    for (int r = 0; r < t->rows; r++) {
      memcpy(column + (size_t)r * (size_t)key->dim,
             t->obs + (size_t)(r + later) * (size_t)t->obs_dim + key->offset,
             sizeof(double) * (size_t)key->dim);
    }
    char path[2 * LOOM_NAME_MAX];
    snprintf(path, sizeof path, "%s/%s", group, key->name);
    list->owned[list->n] = column;
    add(list, path, LOOM_TYPE_F64, column, 2, (int64_t[]){t->rows, key->dim});
  }
  return 0;
}

static int add_signals(fieldList* list, const loomTrace* t, const loomTask* task, loomError* err) {
  for (int a = 0; a < t->arm_count; a++) {
    for (int k = 0; k + 1 < task->subtask_count[a]; k++) {
      int64_t* signal = calloc((size_t)t->rows, sizeof *signal);
      if (!signal) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for signals");
      for (int r = 0; r < t->rows; r++) {  // 1 from the subtask's last row on
        int next = r + 1 < t->rows ? r + 1 : r;
        signal[r] = t->subtask[next * t->arm_count + a] > k;
      }
      char path[2 * LOOM_NAME_MAX];
      loom_segment_signal(path, sizeof path, a, task->subtasks[a][k].name);
      list->owned[list->n] = signal;
      add(list, path, LOOM_TYPE_I64, signal, 1, (int64_t[]){t->rows});
    }
  }
  return 0;
}

static char* provenance(const loomAttemptResult* r, const loomSourceSet* sources, const loomEpisode* e,
                        const loomAttemptDef* def) {
  const loomTask* task = e->scene->task;
  cJSON* root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "version", loom_version());
  cJSON_AddStringToObject(root, "mujoco", mj_versionString());
  cJSON_AddStringToObject(root, "task", task->name);
  cJSON_AddStringToObject(root, "reset", task->resets[def->reset].name);
  cJSON_AddStringToObject(root, "outcome", loom_outcome_name(r->outcome));
  if (r->reason[0]) cJSON_AddStringToObject(root, "reason", r->reason);
  cJSON* segments = cJSON_AddArrayToObject(root, "segments");
  for (int a = 0; a < e->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      int source = r->source[a][k];
      if (source < 0) continue;
      cJSON* s = cJSON_CreateObject();
      cJSON_AddNumberToObject(s, "arm", a);
      cJSON_AddStringToObject(s, "subtask", task->subtasks[a][k].name);
      cJSON_AddStringToObject(s, "source", sources->replay[source].name);
      cJSON_AddNumberToObject(s, "source_start", loom_segment_start(&sources->replay[source], a, k));
      cJSON_AddNumberToObject(s, "source_end", sources->replay[source].end[a][k]);
      cJSON_AddNumberToObject(s, "row", r->begin[a][k]);
      cJSON_AddItemToArray(segments, s);
    }
  }
  cJSON* objects = cJSON_AddObjectToObject(root, "objects");
  for (int o = 0; o < task->object_count; o++) {
    cJSON* sizes = cJSON_AddObjectToObject(objects, task->objects[o].name);
    for (int v = 0; v < task->objects[o].variable_count; v++) {
      cJSON_AddNumberToObject(sizes, task->objects[o].variables[v].name, e->variables[o][v]);
    }
  }
  char* text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  return text;
}

static int fill_fields(fieldList* list, const loomTrace* t, const loomEpisode* e, const int64_t* dones,
                       const int64_t* sources, int source_count, bool next_obs, loomError* err) {
  const loomTask* task = e->scene->task;
  int64_t rows = t->rows, arms = t->arm_count;
  add(list, "actions", LOOM_TYPE_F64, t->actions, 2, (int64_t[]){rows, t->action_dim});
  add(list, "states", LOOM_TYPE_F64, t->states, 2, (int64_t[]){rows, t->state_dim});
  add(list, "rewards", LOOM_TYPE_F64, t->reward, 1, (int64_t[]){rows});
  add(list, "dones", LOOM_TYPE_I64, dones, 1, (int64_t[]){rows});
  bool annotated = rows && t->subtask[0] >= 0;
  int code = add_observations(list, "obs", 0, t, e, err);
  if (!code && next_obs) code = add_observations(list, "next_obs", 1, t, e, err);
  if (!code && annotated) code = add_signals(list, t, task, err);
  add(list, "datagen_info/eef_pose", LOOM_TYPE_F64, t->eef, 4, (int64_t[]){rows, arms, 4, 4});
  add(list, "datagen_info/target_pose", LOOM_TYPE_F64, t->target, 4, (int64_t[]){rows, arms, 4, 4});
  add(list, "datagen_info/gripper_action", LOOM_TYPE_F64, t->grip, 2, (int64_t[]){rows, arms});
  for (int o = 0; o < t->object_count; o++) {
    char path[2 * LOOM_NAME_MAX];
    snprintf(path, sizeof path, "datagen_info/object_poses/%.60s", task->objects[o].name);
    add(list, path, LOOM_TYPE_F64, t->object + 16 * (size_t)o * (size_t)t->capacity, 3,
        (int64_t[]){rows, 4, 4});
  }
  if (annotated) add(list, "datagen_info/subtask", LOOM_TYPE_I64, t->subtask, 2, (int64_t[]){rows, arms});
  if (!source_count) return code;
  add(list, "src_demo_inds", LOOM_TYPE_I64, sources, 1, (int64_t[]){source_count});
  add(list, "src_demo_labels", LOOM_TYPE_I64, t->source, 2, (int64_t[]){rows, arms});
  return code;
}

int loom_record_write(const char* path, const loomAttemptResult* r, const loomTrace* t, loomEpisode* e,
                      const loomSourceSet* sources, const loomAttemptDef* def, const loomWriteDef* write,
                      bool next_obs, loomError* err) {
  double start = loom_clock();
  char name[LOOM_NAME_MAX], *xml = NULL;
  int64_t used[LOOM_MAX_ARMS * LOOM_MAX_SUBTASKS];
  int n = 0;
  for (int a = 0; a < e->arm_count; a++) {
    for (int k = 0; k < e->scene->task->subtask_count[a]; k++) used[n++] = r->source[a][k];
  }
  fieldList* list = calloc(1, sizeof *list);
  int64_t* dones = calloc((size_t)t->rows + 1, sizeof *dones);
  char* origin = provenance(r, sources, e, def);
  int code = list && dones && origin ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo");
  if (!code) code = loom_episode_xml(&xml, e, err);
  if (!code && t->rows) dones[t->rows - 1] = 1;
  if (!code) code = fill_fields(list, t, e, dones, used, n, next_obs, err);
  if (!code) {
    snprintf(name, sizeof name, "demo_%llu", (unsigned long long)r->attempt);
    loomAttr attrs[] = {loom_attr_string("model_file", xml),
                        loom_attr_int("num_samples", t->rows),
                        loom_attr_int("loom_seed", (int64_t)def->seed),
                        loom_attr_int("loom_attempt", (int64_t)r->attempt),
                        loom_attr_int("loom_success", r->outcome == LOOM_OUTCOME_SUCCESS),
                        loom_attr_string("loom_provenance", origin)};
    loomRecord record = {.name = name,
                         .nfield = list->n,
                         .field = list->field,
                         .nattr = (int)(sizeof attrs / sizeof *attrs),
                         .attr = attrs};
    code = loom_shard_write(path, &record, 1, write, err);
  }
  for (int i = 0; list && i < list->n; i++) free(list->owned[i]);
  free(list);
  free(dones);
  free(xml);
  cJSON_free(origin);
  e->times.write += loom_clock() - start;
  return code;
}

// ---- demos driven by hand

// Each row's subtask, as the task's conditions find it in what was recorded, in the demo's own model. Where
// they do not, the demo goes without.
static int annotate(loomTrace* t, const loomTask* task, const char* name, const char* xml,
                    const loomDriven* driven, loomError* why) {
  loomReplay replay = {0};
  loomScene* scene = NULL;
  loomEpisode* e = NULL;
  loomDemo demo = {.name = (char*)name,
                   .rows = t->rows,
                   .action_dim = t->action_dim,
                   .state_dim = t->state_dim,
                   .actions = t->actions,
                   .states = t->states};
  for (int r = 0; r < t->rows * t->arm_count; r++) t->subtask[r] = -1;
  int code = loom_scene_create(&scene, task, xml, name, driven->env_args, driven->roots, why);
  if (!code) code = loom_episode_create(&e, scene, why);
  if (!code) code = loom_replay_states(&replay, e, &demo, why);
  if (!code) code = loom_segment(&replay, task, NULL, 0, NULL, why);
  for (int a = 0; !code && a < t->arm_count; a++) {
    for (int r = 0, k = 0; r < t->rows; r++) {
      while (k + 1 < task->subtask_count[a] && r >= replay.end[a][k]) k++;
      t->subtask[r * t->arm_count + a] = k;
    }
  }
  loom_replay_destroy(&replay);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  return code;
}

// Where each action sent the hands: nobody has said what was meant.
static void put_targets(loomTrace* t, const loomEpisode* e) {
  const double* action = t->actions;
  for (int r = 0; r < t->rows; r++) {
    for (int a = 0; a < t->arm_count; a++) {
      ptrdiff_t at = 16 * ((ptrdiff_t)r * t->arm_count + a);
      loomPose eef = loom_pose_from_matrix(t->eef + at);
      loomPose before = r ? loom_pose_from_matrix(t->target + at - (ptrdiff_t)16 * t->arm_count) : eef;
      loom_pose_to_matrix(t->target + at, loom_arm_target(&e->arms[a], eef, before, action));
      action += loom_arm_action_dim(&e->arms[a]);
    }
  }
}

int loom_record_driven(const char* path, loomTrace* t, loomEpisode* e, const loomDriven* driven,
                       const loomWriteDef* write, loomError* why, loomError* err) {
  char name[LOOM_NAME_MAX], *xml = NULL;
  fieldList* list = calloc(1, sizeof *list);
  int64_t* dones = calloc((size_t)t->rows + 1, sizeof *dones);
  int code = list && dones ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo");
  snprintf(name, sizeof name, "demo_%d", driven->number);
  if (!code) code = loom_episode_xml(&xml, e, err);
  if (!code) annotate(t, e->scene->task, name, xml, driven, why);
  if (!code) put_targets(t, e);
  if (!code && t->rows) dones[t->rows - 1] = 1;
  if (!code) code = fill_fields(list, t, e, dones, NULL, 0, false, err);
  if (!code) {
    loomAttr attrs[] = {loom_attr_string("model_file", xml),
                        loom_attr_int("num_samples", t->rows),
                        loom_attr_int("loom_seed", (int64_t)driven->seed),
                        loom_attr_int("loom_attempt", (int64_t)driven->attempt),
                        loom_attr_int("loom_success", driven->success),
                        loom_attr_string("loom_origin", driven->origin)};
    loomRecord record = {.name = name,
                         .nfield = list->n,
                         .field = list->field,
                         .nattr = (int)(sizeof attrs / sizeof *attrs),
                         .attr = attrs};
    code = loom_shard_write(path, &record, 1, write, err);
  }
  for (int i = 0; list && i < list->n; i++) free(list->owned[i]);
  free(list);
  free(dones);
  free(xml);
  return code;
}

// ---- scripted demos

int loom_record_scripted(const char* path, const loomTrace* t, loomEpisode* e, uint64_t seed,
                         uint64_t attempt, bool with_model, const loomWriteDef* write, loomError* err) {
  char name[LOOM_NAME_MAX], *xml = NULL;
  size_t numbers = (size_t)t->rows * (size_t)t->state_dim;
  double* states = malloc(sizeof(double) * (numbers + 1));
  fieldList* list = calloc(1, sizeof *list);
  int64_t* dones = calloc((size_t)t->rows + 1, sizeof *dones);
  int code = list && dones && states ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo");
  if (!code && with_model) code = loom_episode_xml(&xml, e, err);
  if (!code) {
    if (t->rows) dones[t->rows - 1] = 1;
    // Only the first state must be exact. The others are looked at: in millionths they take little room.
    for (size_t n = 0; n < numbers; n++)
      states[n] = n < (size_t)t->state_dim ? t->states[n] : round(t->states[n] * 1048576) / 1048576;
    add(list, "actions", LOOM_TYPE_F64, t->actions, 2, (int64_t[]){t->rows, t->action_dim});
    add(list, "states", LOOM_TYPE_F64, states, 2, (int64_t[]){t->rows, t->state_dim});
    add(list, "rewards", LOOM_TYPE_F64, t->reward, 1, (int64_t[]){t->rows});
    add(list, "dones", LOOM_TYPE_I64, dones, 1, (int64_t[]){t->rows});
    snprintf(name, sizeof name, "demo_%llu", (unsigned long long)attempt);
    loomAttr attrs[] = {loom_attr_int("num_samples", t->rows), loom_attr_int("loom_seed", (int64_t)seed),
                        loom_attr_int("loom_attempt", (int64_t)attempt),
                        loom_attr_string("loom_origin", "scripted expert"),
                        loom_attr_string("model_file", xml)};
    int n = (int)(sizeof attrs / sizeof *attrs) - !with_model;
    loomRecord record = {.name = name, .nfield = list->n, .field = list->field, .nattr = n, .attr = attrs};
    code = loom_shard_write(path, &record, 1, write, err);
  }
  free(list);
  free(states);
  free(dones);
  free(xml);
  return code;
}
