#include "policies/network/watcher_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = LOOM_PARAM_NAME + 8, KEY = 4, SIZES = 2 + LOOM_SIZES, EYES = 4 + LOOM_SIZES, OTHERS = 16 };

// ---- written

// What a file has besides weights and statistics.
typedef struct numbers {
  int32_t key[LOOM_WATCHED_KEYS][KEY];  // is it a picture; height, width, colors
  int32_t sizes[SIZES];                 // of an embedding; hidden layers
  double eyes[EYES];                    // features, keypoints, crop; channels
  char names[LOOM_WATCHED_KEYS * LOOM_NAME_MAX];
} numbers;

static void take_numbers(numbers* out, const loomWatcherDef* def) {
  size_t at = 0;
  *out = (numbers){.sizes = {def->out, def->hidden.n},
                   .eyes = {def->eyes.features, def->eyes.keypoints, def->eyes.crop, def->eyes.channels.n}};
  for (int i = 0; i < def->hidden.n; i++) out->sizes[2 + i] = def->hidden.size[i];
  for (int i = 0; i < def->eyes.channels.n; i++) out->eyes[4 + i] = def->eyes.channels.size[i];

  for (int k = 0; k < def->keys; k++) {
    const loomObsKey* key = &def->key[k];
    out->key[k][0] = k >= def->keys - def->pictures;
    for (int i = 0; out->key[k][0] && i < 3; i++) out->key[k][1 + i] = key->shape[i];
    at += (size_t)snprintf(out->names + at, sizeof out->names - at, "%s%s", k ? " " : "", key->name);
  }
}

static loomSafeTensor tensor_of(const char* name, loomSafeType type, const void* data, int rows,
                                int columns) {
  loomSafeTensor out = {.name = name, .type = type, .rank = columns ? 2 : 1, .data = data};
  out.shape[0] = rows;
  out.shape[1] = columns;
  return out;
}

static loomSafeTensor weight_tensor(char name[NAME], const loomParams* params, int i) {
  snprintf(name, NAME, "model.%s", params->list[i].name);
  return loom_safe_param(name, params, i);
}

int loom_watcher_save(const char* path, const loomWatcher* w, const char* sense, loomError* err) {
  const loomParams* params = &w->params;
  numbers values;
  loomNormal normal = w->normal;  // the tensors' names are written into it
  loomSafeTensor* tensor = calloc((size_t)params->count + OTHERS, sizeof *tensor);
  char(*name)[NAME] = calloc((size_t)params->count, sizeof *name);
  if (!tensor || !name) {
    free(tensor);
    free(name);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory to write", path);
  }

  int n = 0;
  for (; n < params->count; n++) tensor[n] = weight_tensor(name[n], params, n);
  if (w->def.low) {
    loom_normal_tensors(tensor + n, &normal, "normal");
    n += LOOM_NORMAL_TENSORS;
  }
  take_numbers(&values, &w->def);
  tensor[n++] = tensor_of("watch.keys", LOOM_SAFE_I32, values.key, w->def.keys, KEY);
  tensor[n++] = tensor_of("watch.sizes", LOOM_SAFE_I32, values.sizes, SIZES, 0);
  tensor[n++] = tensor_of("watch.eyes", LOOM_SAFE_F64, values.eyes, EYES, 0);
  tensor[n++] = tensor_of("watch.goal", LOOM_SAFE_F32, w->goal, w->def.out, 0);
  tensor[n++] = tensor_of("watch.scale", LOOM_SAFE_F64, &w->scale, 1, 0);

  const loomSafeMeta meta[] = {{"keys", values.names}, {"sense", sense}};
  int code = loom_safetensors_write(path, tensor, n, meta, sense ? 2 : 1, err);
  free(tensor);
  free(name);
  return code;
}

// ---- read

static int bad(loomError* err, const char* label, const char* what) {
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s is missing, or not as `demoloom observe` writes it",
                        label, what);
}

static bool whole(double x, int low, int high) {
  return x >= low && x <= high && x == floor(x);
}

static bool read_sizes(loomSizes* out, const double* from, double n, int low, int most) {
  if (!whole(n, low, LOOM_SIZES)) return false;

  out->n = (int)n;
  for (int i = 0; i < out->n; i++) {
    if (!whole(from[i], 1, most)) return false;
    out->size[i] = (int)from[i];
  }
  return true;
}

static bool read_keys(loomWatcherDef* def, const loomSafetensors* file) {
  const loomSafeTensor* t = loom_safetensors_find(file, "watch.keys");
  const char* names = loom_safetensors_meta(file, "keys");
  if (!t || !names || t->type != LOOM_SAFE_I32 || t->rank != 2 || t->shape[1] != KEY || t->shape[0] < 1 ||
      t->shape[0] > LOOM_WATCHED_KEYS)
    return false;

  def->keys = (int)t->shape[0];
  for (int k = 0; k < def->keys; k++) {
    const int32_t* from = (const int32_t*)t->data + (ptrdiff_t)k * KEY;
    size_t length = strcspn(names, " ");
    char name[LOOM_NAME_MAX];
    if (!length || length >= sizeof name || (from[0] != 0 && from[0] != 1)) return false;
    memcpy(name, names, length);
    name[length] = '\0';
    names += length + (names[length] == ' ');

    // Poses come first.
    loomObsKey* key = &def->key[k];
    *key = loom_obs_named(name);
    if (!from[0]) {
      if (def->pictures) return false;
      def->low += key->dim = key->shape[0] = 9;
      key->rank = 1;
      continue;
    }
    def->pictures++;
    key->rank = 3;
    for (int i = 0; i < 3; i++) key->shape[i] = from[1 + i];
    if (!whole(from[1], 16, 2048) || !whole(from[2], 16, 2048) || from[3] != 3) return false;
    key->dim = from[1] * from[2] * from[3];
  }
  return !*names;
}

static bool read_def(loomWatcherDef* def, const loomSafetensors* file) {
  const int32_t* sizes = loom_safetensors_data(file, "watch.sizes", LOOM_SAFE_I32, SIZES);
  const double* eyes = loom_safetensors_data(file, "watch.eyes", LOOM_SAFE_F64, EYES);
  double hidden[LOOM_SIZES];
  *def = (loomWatcherDef){0};
  if (!sizes || !eyes || !read_keys(def, file)) return false;

  def->out = sizes[0];
  for (int i = 0; i < LOOM_SIZES; i++) hidden[i] = sizes[2 + i];
  def->eyes = loom_default_encoder_config();
  if (!whole(sizes[0], 1, LOOM_WATCHER_OUT) || !whole(sizes[1], 0, LOOM_MLP_LAYERS - 1) ||
      !read_sizes(&def->hidden, hidden, sizes[1], 0, 65536))
    return false;
  if (!def->pictures) return true;

  def->eyes.features = whole(eyes[0], 1, 65536) ? (int)eyes[0] : 0;
  def->eyes.keypoints = whole(eyes[1], 1, 4096) ? (int)eyes[1] : 0;
  def->eyes.crop = eyes[2];
  return def->eyes.features && def->eyes.keypoints && eyes[2] >= 0.1 && eyes[2] <= 1 &&
         read_sizes(&def->eyes.channels, eyes + 4, eyes[3], 1, 4096);
}

static int read_weights(loomWatcher* w, const loomSafetensors* file, const char* label, loomError* err) {
  const loomParams* params = &w->params;
  for (int i = 0; i < params->count; i++) {
    char name[NAME];
    loomSafeTensor wanted = weight_tensor(name, params, i);
    const loomSafeTensor* found = loom_safetensors_find(file, name);
    bool fits = found && found->type == LOOM_SAFE_F32 && found->rank == wanted.rank;
    for (int k = 0; fits && k < wanted.rank; k++) fits = found->shape[k] == wanted.shape[k];
    if (!fits) return bad(err, label, name);
    memcpy(params->value + params->list[i].offset, found->data, params->list[i].count * sizeof(loomReal));
  }
  return LOOM_OK;
}

// The goal, and statistics in place of the empty ones that it was made with.
static int read_rest(loomWatcher* w, const loomSafetensors* file, const char* label, loomError* err) {
  const float* goal = loom_safetensors_data(file, "watch.goal", LOOM_SAFE_F32, w->def.out);
  const double* scale = loom_safetensors_data(file, "watch.scale", LOOM_SAFE_F64, 1);
  if (!goal || !scale || !(*scale > 0 && isfinite(*scale))) return bad(err, label, "the goal");

  for (int i = 0; i < w->def.out; i++) {
    if (!isfinite(goal[i])) return bad(err, label, "watch.goal");
    w->goal[i] = (loomReal)goal[i];
  }
  w->scale = *scale;
  if (!w->def.low) return LOOM_OK;
  loom_normal_destroy(&w->normal);
  return loom_normal_read(&w->normal, file, "normal", w->def.low, LOOM_NORMAL_STANDARD, err);
}

int loom_watcher_read(loomWatcher* out, const loomSafetensors* file, const char* label, int rows,
                      loomError* err) {
  loomWatcherDef def;
  *out = (loomWatcher){0};
  if (!read_def(&def, file)) return bad(err, label, "what is watched");
  int code = loom_watcher_create(out, &def, 0, rows, err);
  if (code) return loom_error_prefix(err, code, "%s", label);

  code = read_weights(out, file, label, err);
  if (!code) code = read_rest(out, file, label, err);
  if (code) loom_watcher_destroy(out);
  return code;
}
