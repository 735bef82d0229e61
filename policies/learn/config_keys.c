#include "policies/learn/config_keys.h"

#include <stdio.h>
#include <string.h>

#include "engine/data/one_arm.h"
#include "engine/observe/framed.h"

// ---- keys

typedef struct keyList {
  loomDataConfig* data;
  bool all;
} keyList;

// Hands, grippers and the object; or, with `all`, every vector.
static int add_key(void* user, const char* name, const loomArray* array, int unreadable,
                   const loomError* why) {
  (void)why;
  keyList* list = user;
  bool real = array->type == LOOM_TYPE_F64 || array->type == LOOM_TYPE_F32;
  if (unreadable || !real || array->rank != 2 || strncmp(name, "obs/", 4) ||
      list->data->key_count == LOOM_DATA_KEYS)
    return 0;

  name += 4;
  if (list->all || !strcmp(name, "object") || strstr(name, "eef_pos") || strstr(name, "eef_quat") ||
      strstr(name, "gripper_qpos"))
    snprintf(list->data->key[list->data->key_count++], LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1, name);
  return 0;
}

// What framed observations (engine/observe/framed.h) can be made of.
typedef struct frameList {
  loomFramedParts parts;
  bool goals;
} frameList;

static int find_frames(void* user, const char* name, const loomArray* array, int unreadable,
                       const loomError* why) {
  static const char objects[] = "datagen_info/object_poses/";
  (void)why;
  frameList* list = user;
  loomFramedParts* parts = &list->parts;
  if (unreadable) return 0;

  // Poses of hands, and the poses that they were sent to.
  loomArray hands = *array;
  loom_array_with_arms(&hands);
  if (!strcmp(name, "datagen_info/eef_pose") && hands.rank == 4) parts->arms = (int)hands.shape[1];
  if (!strcmp(name, "datagen_info/target_pose") && hands.rank == 4) list->goals = true;

  // Objects, grippers and sizes by name, as many as there is room for.
  if (!strncmp(name, objects, sizeof objects - 1) && array->rank == 3 && parts->objects < LOOM_MAX_OBJECTS)
    snprintf(parts->object[parts->objects++], LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1,
             name + sizeof objects - 1);
  if (!strncmp(name, "obs/", 4) && array->rank == 2) loom_framed_add(parts, name + 4);
  return 0;
}

// Where a dataset knows the poses of hands and objects: those, and actions as goals.
static int framed_keys(loomTrainConfig* c, const loomDataset* dataset, bool goals, loomError* err) {
  frameList list = {0};
  int code = loom_dataset_visit(dataset, loom_dataset_demo_path(dataset, 0), find_frames, &list, err);
  if (code) return code;

  c->data.key_count = loom_framed_keys(c->data.key, LOOM_DATA_KEYS, &list.parts);
  if (c->data.key_count && goals && list.goals) c->data.pose = c->data.rotation = 1;
  return 0;
}

// With images as many samples as robomimic's and Diffusion Policy's configurations for images have.
void loom_config_batch(loomTrainConfig* c, const loomDataset* dataset) {
  if (!loom_dataset_demo_count(dataset)) return;

  for (int i = 0; i < c->data.key_count; i++) {
    char path[LOOM_NAME_MAX + 8];
    loomArray array;
    snprintf(path, sizeof path, "obs/%s", c->data.key[i]);
    if (!loom_dataset_describe(&array, dataset, loom_dataset_demo_path(dataset, 0), path, NULL) &&
        array.rank == 4)
      c->train.batch = loom_policy_denoises(c->policy.kind) ? 64 : 16;
  }
}

int loom_config_keys(loomTrainConfig* c, const loomDataset* dataset, bool goals, loomError* err) {
  const char* path = loom_dataset_path(dataset);
  keyList list = {&c->data, false};
  if (!loom_dataset_demo_count(dataset))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demos", path);

  // Framed observations where it has them, else those that are known to serve, else all.
  int code = framed_keys(c, dataset, goals, err);
  for (int i = 0; !code && i < 2 && !c->data.key_count; i++) {
    list.all = i > 0;
    code = loom_dataset_visit(dataset, loom_dataset_demo_path(dataset, 0), add_key, &list, err);
  }

  if (!code && !c->data.key_count)
    code =
        loom_error_set(err, LOOM_ERR_FORMAT,
                       "%s: its demos have no observations; `demoloom replay FILE -o NEW` adds them", path);
  return code;
}

int loom_config_use(loomTrainConfig* c, const char* path, loomError* err) {
  loomDataset* dataset;
  int code = loom_dataset_open(&dataset, path, err);
  if (code) return code;

  c->data.file_count = 1;
  c->data.file[0] = (loomDataConfigFile){0};
  snprintf(c->data.file[0].path, sizeof c->data.file[0].path, "%s", path);
  c->data.key_count = 0;
  code = loom_config_keys(c, dataset, true, err);
  loom_config_batch(c, dataset);

  loom_dataset_close(dataset);
  return code;
}
