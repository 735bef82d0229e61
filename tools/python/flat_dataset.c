// Datasets, read by the library's own reader.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/data/dataset.h"
#include "engine/data/lerobot.h"
#include "engine/scene/library.h"
#include "tools/python/flat_internal.h"

struct loomFlatDataset {
  loomDataset* set;
};

// ---- opened

// A folder of LeRobot's becomes a file that is gone as soon as it is open.
static int open_lerobot(loomDataset** out, const char* folder, loomError* err) {
  const char* home = getenv("TMPDIR");
  char dir[LOOM_PATH_MAX], path[LOOM_PATH_MAX + 16];
  snprintf(dir, sizeof dir, "%.900s/demoloom-XXXXXX", home && *home ? home : "/tmp");
  if (!mkdtemp(dir))
    return loom_error_set(err, LOOM_ERR_IO, "%s: no folder can be made for what is read; set TMPDIR", dir);
  snprintf(path, sizeof path, "%s/read.hdf5", dir);

  loomLerobotDef def = loom_default_lerobot_def();
  loomLerobotTold told;
  int code = loom_lerobot_read(&told, path, folder, &def, err);
  loom_lerobot_told_destroy(&told);
  if (!code) code = loom_dataset_open(out, path, err);

  unlink(path);
  rmdir(dir);
  return code;
}

int loom_flat_dataset_open(loomFlatDataset** out, const char* path, loomError* err) {
  *out = NULL;
  loomFlatDataset* d = calloc(1, sizeof *d);
  if (!d) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a dataset");

  int code = loom_lerobot_is(path) ? open_lerobot(&d->set, path, err) : loom_dataset_open(&d->set, path, err);
  if (code)
    free(d);
  else
    *out = d;
  return code;
}

void loom_flat_dataset_close(loomFlatDataset* d) {
  if (!d) return;
  loom_dataset_close(d->set);
  free(d);
}

// ---- described

static int add_attrs(cJSON* root, const loomDataset* set, const char* object, loomError* err) {
  cJSON* attrs = cJSON_AddObjectToObject(root, "attrs");
  loomNames names = {0};
  int code = loom_dataset_attr_names(&names, set, object, err);

  // Whole numbers first: they can be read as others too. What is none of the three is left out.
  for (int i = 0; !code && i < names.n; i++) {
    const char* name = names.name[i];
    int64_t integer;
    double real;
    char* text = NULL;
    if (!loom_dataset_attr_int(&integer, set, object, name, NULL))
      loom_flat_add_integer(attrs, name, (uint64_t)integer, integer < 0);
    else if (!loom_dataset_attr_double(&real, set, object, name, NULL))
      cJSON_AddNumberToObject(attrs, name, real);
    else if (!loom_dataset_attr_string(&text, set, object, name, NULL))
      cJSON_AddStringToObject(attrs, name, text);
    free(text);
  }
  loom_names_destroy(&names);
  return code;
}

static int add_masks(cJSON* root, const loomDataset* set, loomError* err) {
  cJSON* masks = cJSON_AddObjectToObject(root, "masks");
  loomNames names = {0};
  int code = loom_dataset_masks(&names, set, err);

  for (int i = 0; !code && i < names.n; i++) {
    loomNames demos = {0};
    cJSON* list = cJSON_AddArrayToObject(masks, names.name[i]);
    code = loom_dataset_mask(&demos, set, names.name[i], err);
    for (int k = 0; !code && k < demos.n; k++) cJSON_AddItemToArray(list, cJSON_CreateString(demos.name[k]));
    loom_names_destroy(&demos);
  }
  loom_names_destroy(&names);
  return code;
}

static int give(char** out, cJSON* root, int code, loomError* err) {
  *out = NULL;
  if (!code) return loom_flat_text(out, root, err);
  cJSON_Delete(root);
  return code;
}

int loom_flat_dataset_about(char** out, const loomFlatDataset* d, loomError* err) {
  cJSON *root = cJSON_CreateObject(), *demos = cJSON_AddArrayToObject(root, "demos");
  const char* warning = loom_dataset_warning(d->set);
  if (warning) cJSON_AddStringToObject(root, "warning", warning);

  for (int i = 0; i < loom_dataset_demo_count(d->set); i++)
    cJSON_AddItemToArray(demos, cJSON_CreateString(loom_dataset_demo_name(d->set, i)));
  int code = add_attrs(root, d->set, "data", err);
  if (!code) code = add_masks(root, d->set, err);

  // Older recordings say what their environment is in other words.
  char* env_args = NULL;
  if (!code && loom_dataset_has_env_args(d->set)) code = loom_dataset_env_args(&env_args, d->set, err);
  if (env_args) cJSON_AddStringToObject(root, "env_args", env_args);
  free(env_args);

  // Which scene that is, where one here is.
  loomTask* task = NULL;
  if (!code && !loom_task_of_dataset(&task, d->set, NULL)) cJSON_AddStringToObject(root, "task", task->name);
  loom_task_destroy(task);
  return give(out, root, code, err);
}

static int check_demo(const loomFlatDataset* d, int demo, loomError* err) {
  int n = loom_dataset_demo_count(d->set);
  if (demo >= 0 && demo < n) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s: there is no demo number %d; there are %d",
                        loom_dataset_path(d->set), demo, n);
}

static int note_array(void* user, const char* name, const loomArray* array, int readable,
                      const loomError* why) {
  cJSON* one = cJSON_AddObjectToObject(user, name);
  if (readable) {
    cJSON_AddStringToObject(one, "error", why->message);
    return 0;
  }

  cJSON_AddStringToObject(one, "type", loom_type_name(array->type));
  cJSON* shape = cJSON_AddArrayToObject(one, "shape");
  for (int i = 0; i < array->rank; i++)
    cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)array->shape[i]));
  return 0;
}

int loom_flat_dataset_demo(char** out, const loomFlatDataset* d, int demo, loomError* err) {
  *out = NULL;
  int code = check_demo(d, demo, err);
  if (code) return code;

  cJSON *root = cJSON_CreateObject(), *arrays = cJSON_AddObjectToObject(root, "arrays");
  const char* object = loom_dataset_demo_path(d->set, demo);
  code = loom_dataset_visit(d->set, object, note_array, arrays, err);
  if (!code) code = add_attrs(root, d->set, object, err);
  return give(out, root, code, err);
}

// ---- read

static int read_array(loomArray* out, const loomFlatDataset* d, int demo, const char* name, loomError* err) {
  *out = (loomArray){0};
  int code = check_demo(d, demo, err);
  return code ? code : loom_dataset_array(out, d->set, loom_dataset_demo_path(d->set, demo), name, err);
}

int loom_flat_dataset_array(void* out, const loomFlatDataset* d, int demo, const char* name, size_t bytes,
                            loomError* err) {
  loomArray array;
  int code = read_array(&array, d, demo, name, err);
  if (code) return code;

  size_t has = (size_t)array.count * (size_t)loom_type_size(array.type);
  if (array.type == LOOM_TYPE_STR || has != bytes)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: %s has %zu bytes of %s where %zu were asked for",
                          loom_dataset_path(d->set), name, has, loom_type_name(array.type), bytes);
  if (!code && has) memcpy(out, array.data, has);
  loom_array_destroy(&array);
  return code;
}

int loom_flat_dataset_texts(char** out, const loomFlatDataset* d, int demo, const char* name,
                            loomError* err) {
  loomArray array;
  *out = NULL;
  int code = read_array(&array, d, demo, name, err);
  if (code) return code;

  cJSON* root = cJSON_CreateArray();
  char* const* text = array.data;
  if (array.type != LOOM_TYPE_STR)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: %s has no texts", loom_dataset_path(d->set), name);
  for (int64_t i = 0; !code && i < array.count; i++) cJSON_AddItemToArray(root, cJSON_CreateString(text[i]));

  loom_array_destroy(&array);
  return give(out, root, code, err);
}
