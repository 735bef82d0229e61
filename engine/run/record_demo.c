#include "engine/run/record_demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_SIZE = 2 * LOOM_NAME_MAX };

void loom_demo_record_destroy(loomDemoRecord* r) {
  for (int i = 0; i < r->nfield; i++) {
    free((char*)r->field[i].path);
    free(r->owned[i]);
  }
  free(r->field);
  free(r->owned);
  free(r->attr);
  *r = (loomDemoRecord){0};
}

// ---- arrays

// Room for one more in a list of n; a list grows whenever n is a power of two.
static bool grow(void* list, int n, size_t size) {
  if (n & (n - 1)) return true;

  void *old, *grown;
  memcpy(&old, list, sizeof old);
  grown = realloc(old, (n ? 2 * (size_t)n : 1) * size);
  if (grown) memcpy(list, &grown, sizeof grown);
  return grown != NULL;
}

// owned (nullable) becomes the record's, whether there is room or not.
static void add_field(loomDemoRecord* r, const char* path, loomType type, const void* data, void* owned,
                      int rank, const int64_t* shape) {
  char* name = r->out_of_memory ? NULL : strdup(path);
  if (!name || !grow(&r->field, r->nfield, sizeof *r->field) ||
      !grow(&r->owned, r->nfield, sizeof *r->owned)) {
    r->out_of_memory = true;
    free(name);
    free(owned);
    return;
  }

  loomField* field = &r->field[r->nfield];
  *field = (loomField){.path = name, .type = type, .rank = rank, .shape = {1, 1, 1, 1}, .data = data};
  for (int i = 0; i < rank; i++) field->shape[i] = shape[i];

  r->owned[r->nfield++] = owned;
}

void loom_demo_record_array(loomDemoRecord* r, const char* path, loomType type, const void* data, int rank,
                            const int64_t* shape) {
  add_field(r, path, type, data, NULL, rank, shape);
}

static size_t array_bytes(loomType type, int rank, const int64_t* shape) {
  size_t bytes = (size_t)loom_type_size(type);
  for (int i = 0; i < rank; i++) bytes *= (size_t)shape[i];
  return bytes;
}

void* loom_demo_record_room(loomDemoRecord* r, const char* path, loomType type, int rank,
                            const int64_t* shape) {
  void* data = calloc(1, array_bytes(type, rank, shape) + 1);
  if (!data) {
    r->out_of_memory = true;
    return NULL;
  }

  add_field(r, path, type, data, data, rank, shape);
  return r->out_of_memory ? NULL : data;
}

void loom_demo_record_remove(loomDemoRecord* r, int field) {
  free((char*)r->field[field].path);
  free(r->owned[field]);

  // The lists keep their room, which is that of one more.
  size_t behind = (size_t)(--r->nfield - field);
  memmove(r->field + field, r->field + field + 1, behind * sizeof *r->field);
  memmove(r->owned + field, r->owned + field + 1, behind * sizeof *r->owned);
}

void loom_demo_record_attr(loomDemoRecord* r, loomAttr attr) {
  if (r->out_of_memory || !grow(&r->attr, r->nattr, sizeof *r->attr))
    r->out_of_memory = true;
  else
    r->attr[r->nattr++] = attr;
}

void loom_demo_record_keep(loomDemoRecord* r) {
  for (int i = 0; i < r->nfield && !r->out_of_memory; i++) {
    loomField* field = &r->field[i];
    size_t bytes = array_bytes(field->type, field->rank, field->shape);
    if (r->owned[i]) continue;

    r->owned[i] = malloc(bytes + 1);
    r->out_of_memory = !r->owned[i];
    if (r->owned[i] && bytes) memcpy(r->owned[i], field->data, bytes);
    field->data = r->owned[i];
  }
}

// ---- a trace's arrays

// A trace has all keys of a row side by side, a dataset one array a key.
static void add_observations(loomDemoRecord* r, const char* group, const loomTrace* t, int first, int rows) {
  int keys = 0;
  const loomObsKey* key = loom_observer_keys(t->observer, &keys);
  for (int k = 0; k < keys; k++) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", group, key[k].name);
    size_t dim = (size_t)key[k].dim;
    double* column = loom_demo_record_room(r, path, LOOM_TYPE_F64, 2, (int64_t[]){rows, key[k].dim});

    for (int i = 0; column && i < rows; i++)
      memcpy(column + (size_t)i * dim, t->obs + (size_t)(first + i) * (size_t)t->obs_dim + key[k].offset,
             dim * sizeof *column);
  }
}

// robomimic's are integers, 1 at the end of a demo.
static void add_dones(loomDemoRecord* r, int rows) {
  int64_t* done = loom_demo_record_room(r, "dones", LOOM_TYPE_I64, 1, (int64_t[]){rows});
  if (done && rows) done[rows - 1] = 1;
}

// A trace has objects one after the other, each with its capacity of rows.
static void add_object_poses(loomDemoRecord* r, const loomTrace* t, const loomEpisode* e, int first,
                             int rows) {
  const loomTask* task = e->scene->task;
  for (int o = 0; o < t->object_count; o++) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "datagen_info/object_poses/%s", task->objects[o].name);
    const double* poses = t->object + 16 * ((size_t)o * (size_t)t->capacity + (size_t)first);
    loom_demo_record_array(r, path, LOOM_TYPE_F64, poses, 3, (int64_t[]){rows, 4, 4});
  }
}

void loom_demo_record_rows(loomDemoRecord* r, unsigned arrays, const loomTrace* t, const loomEpisode* e,
                           int first, int rows) {
  size_t from = (size_t)first, arms = (size_t)t->arm_count;
  const int64_t actions[2] = {rows, t->action_dim}, states[2] = {rows, t->state_dim};
  const int64_t an_arm[2] = {rows, t->arm_count}, poses[4] = {rows, t->arm_count, 4, 4};

  // What robomimic trains on.
  if (arrays & LOOM_DEMO_ACTIONS)
    loom_demo_record_array(r, "actions", LOOM_TYPE_F64, t->actions + from * (size_t)t->action_dim, 2,
                           actions);
  if (arrays & LOOM_DEMO_STATES)
    loom_demo_record_array(r, "states", LOOM_TYPE_F64, t->states + from * (size_t)t->state_dim, 2, states);
  if (arrays & LOOM_DEMO_REWARDS) {
    loom_demo_record_array(r, "rewards", LOOM_TYPE_F64, t->reward + from, 1, actions);
    add_dones(r, rows);
  }
  if (arrays & LOOM_DEMO_OBS) add_observations(r, "obs", t, first, rows);
  if (arrays & LOOM_DEMO_NEXT_OBS) add_observations(r, "next_obs", t, first + 1, rows);

  // What MimicGen, segmenting and framed observations want besides.
  if (arrays & LOOM_DEMO_EEF_POSES)
    loom_demo_record_array(r, "datagen_info/eef_pose", LOOM_TYPE_F64, t->eef + from * arms * 16, 4, poses);
  if (arrays & LOOM_DEMO_TARGETS)
    loom_demo_record_array(r, "datagen_info/target_pose", LOOM_TYPE_F64, t->target + from * arms * 16, 4,
                           poses);
  if (arrays & LOOM_DEMO_GRIPPERS)
    loom_demo_record_array(r, "datagen_info/gripper_action", LOOM_TYPE_F64, t->grip + from * arms, 2, an_arm);
  if (arrays & LOOM_DEMO_OBJECT_POSES) add_object_poses(r, t, e, first, rows);
  if (arrays & LOOM_DEMO_SUBTASKS)
    loom_demo_record_array(r, "datagen_info/subtask", LOOM_TYPE_I64, t->subtask + from * arms, 2, an_arm);
  if (arrays & LOOM_DEMO_SOURCES)
    loom_demo_record_array(r, "src_demo_labels", LOOM_TYPE_I64, t->source + from * arms, 2, an_arm);
}

// ---- the demo

int loom_demo_record_finish(loomRecord* out, const loomDemoRecord* r, const char* name, loomError* err) {
  *out =
      (loomRecord){.name = name, .nfield = r->nfield, .field = r->field, .nattr = r->nattr, .attr = r->attr};
  return r->out_of_memory ? loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo") : 0;
}

int loom_demo_record_write(const char* path, const loomDemoRecord* r, const char* name,
                           const loomWriteDef* write, loomError* err) {
  loomRecord record;
  int code = loom_demo_record_finish(&record, r, name, err);
  return code ? code : loom_shard_write(path, &record, 1, write, err);
}
