// Observations of a dataset's demos.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/observe/framed.h"
#include "engine/observe/observe_internal.h"

enum { PATH_SIZE = LOOM_NAME_MAX + 8, WHERE_SIZE = LOOM_PATH_MAX + 256, ROW_MAX = 1 << 26 };

static void array_path(char out[PATH_SIZE], const loomObsKey* key) {
  snprintf(out, PATH_SIZE, "obs/%s", key->name);
}

// ---- what there is

static int list_key(void* user, const char* name, const loomArray* array, int unreadable,
                    const loomError* why) {
  (void)array;
  (void)why;
  if (!unreadable) loom_obs_list_add(user, name);
  return 0;
}

static int no_such_key(const char* name, const loomDataset* set, int demo, loomError* err) {
  char object[512], where[WHERE_SIZE];
  loomObsList there = {""};
  snprintf(object, sizeof object, "%s/obs", loom_dataset_demo_path(set, demo));
  snprintf(where, sizeof where, "%s: %s", loom_dataset_path(set), loom_dataset_demo_name(set, demo));

  if (loom_dataset_has(set, object, "")) (void)loom_dataset_visit(set, object, list_key, &there, NULL);
  return loom_obs_unknown(err, where, name, NULL, there.text, "");
}

static int describe_framed(loomObsKey* out, int64_t* rows, const loomFramed* framed, const loomDataset* set,
                           int demo, loomError* err) {
  out->kind = LOOM_OBS_FRAMED;
  out->rank = 1;
  out->dim = out->shape[0] = LOOM_FRAMED_DIM;
  *rows = 0;
  return loom_framed_read(NULL, 0, rows, framed, set, loom_dataset_demo_path(set, demo), err);
}

static int set_shape(loomObsKey* out, const loomArray* a, const loomDataset* set, int demo, loomError* err) {
  int64_t dim = a->count / a->shape[0];
  if (dim > ROW_MAX)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: %s: obs/%s: %lld numbers a row are too many",
                          loom_dataset_path(set), loom_dataset_demo_name(set, demo), out->name,
                          (long long)dim);

  out->type = a->type;
  out->rank = a->rank - 1;
  out->dim = (int)dim;
  for (int i = 0; i < out->rank; i++) out->shape[i] = (int)a->shape[1 + i];
  out->kind = loom_obs_kind(out->camera, out->name, out->rank, out->shape);
  if (out->rank >= 2) out->offset = -1;
  return 0;
}

int loom_obs_describe(loomObsKey* out, int64_t* rows, const char* name, const loomDataset* set, int demo,
                      loomError* err) {
  const char* object = loom_dataset_demo_path(set, demo);
  char path[PATH_SIZE];
  loomFramed framed;
  loomArray a;
  *out = loom_obs_named(name);
  if (loom_framed_parse(&framed, name)) return describe_framed(out, rows, &framed, set, demo, err);

  array_path(path, out);
  if (strcmp(name, out->name) != 0 || !loom_dataset_has(set, object, path))
    return no_such_key(name, set, demo, err);
  int code = loom_dataset_describe(&a, set, object, path, err);
  if (code) return code;
  if (a.type == LOOM_TYPE_STR || a.rank < 1 || a.count < 1)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s is no array of numbers with rows",
                          loom_dataset_path(set), loom_dataset_demo_name(set, demo), path);

  *rows = a.shape[0];
  return set_shape(out, &a, set, demo, err);
}

// ---- rows

static int changed_error(const char* path, const loomDataset* set, int demo, loomError* err) {
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s changed while it was read", loom_dataset_path(set),
                        loom_dataset_demo_name(set, demo), path);
}

static int not_finite(const char* path, int64_t row, int64_t column, const loomDataset* set, int demo,
                      loomError* err) {
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "%s: %s: %s: row %lld, entry %lld is no finite number; leave the demo out by a mask, or "
      "make the dataset anew",
      loom_dataset_path(set), loom_dataset_demo_name(set, demo), path, (long long)row, (long long)column);
}

int loom_obs_numbers(loomArray* out, const char* path, int dim, const loomDataset* set, int demo,
                     int64_t rows, loomError* err) {
  *out = (loomArray){0};
  int code = loom_dataset_doubles(out, set, loom_dataset_demo_path(set, demo), path, err);
  if (!code && out->count != rows * dim) code = changed_error(path, set, demo, err);

  // As floats, since that is what they are trained on.
  const double* from = out->data;
  for (int64_t i = 0; !code && i < out->count; i++)
    if (!isfinite((float)from[i])) code = not_finite(path, i / dim, i % dim, set, demo, err);
  if (code) loom_array_destroy(out);
  return code;
}

static int read_framed(float* out, int stride, const loomObsKey* key, const loomDataset* set, int demo,
                       int64_t rows, loomError* err) {
  loomFramed framed;
  loom_framed_parse(&framed, key->name);
  int code = loom_framed_read(out, stride, &rows, &framed, set, loom_dataset_demo_path(set, demo), err);
  for (int64_t i = 0; !code && i < rows * LOOM_FRAMED_DIM; i++) {
    int64_t row = i / LOOM_FRAMED_DIM, column = i % LOOM_FRAMED_DIM;
    if (!isfinite(out[row * stride + column])) code = not_finite(key->name, row, column, set, demo, err);
  }
  return code;
}

int loom_obs_read(float* out, int stride, const loomObsKey* key, const loomDataset* set, int demo,
                  int64_t rows, loomError* err) {
  char path[PATH_SIZE];
  loomArray a;
  if (key->kind == LOOM_OBS_FRAMED) return read_framed(out, stride, key, set, demo, rows, err);

  array_path(path, key);
  int code = loom_obs_numbers(&a, path, key->dim, set, demo, rows, err);
  if (code) return code;

  const double* from = a.data;
  for (int64_t i = 0; i < a.count; i++) out[i / key->dim * stride + i % key->dim] = (float)from[i];
  loom_array_destroy(&a);
  return 0;
}

int loom_obs_read_bytes(unsigned char* out, const loomObsKey* key, const loomDataset* set, int demo,
                        int64_t rows, loomError* err) {
  char path[PATH_SIZE];
  loomArray a;
  array_path(path, key);
  int code = loom_dataset_array(&a, set, loom_dataset_demo_path(set, demo), path, err);
  if (code) return code;
  if (a.type != LOOM_TYPE_U8 || a.count != rows * key->dim) code = changed_error(path, set, demo, err);

  if (!code && a.count > 0) memcpy(out, a.data, (size_t)a.count);
  loom_array_destroy(&a);
  return code;
}
