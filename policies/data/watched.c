#include "policies/data/watched.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/observe/framed.h"
#include "engine/observe/sense.h"
#include "policies/data/film_list.h"
#include "policies/data/watched_films.h"

void loom_watched_destroy(loomWatched* w) {
  for (int d = 0; w->demo && d < w->demos; d++) {
    free(w->demo[d].low);
    for (int k = 0; k < w->pictures; k++) free(w->demo[d].picture[k]);
  }
  free(w->demo);
  free(w->sense);
  *w = (loomWatched){0};
}

// ---- what is looked at

typedef struct keyList {
  int n;
  loomName name[LOOM_WATCHED_KEYS];
  bool full;
} keyList;

static void add_key(keyList* list, const char* of, const char* in) {
  list->full = list->full || list->n == LOOM_WATCHED_KEYS;
  if (list->full) return;
  snprintf(list->name[list->n++], LOOM_NAME_MAX, in ? "%.31s@%.31s" : "%.63s", of, in);
}

static int note_object(void* user, const char* name, const loomArray* array, int unreadable,
                       const loomError* why) {
  keyList* objects = user;
  (void)why;
  if (!unreadable && array->rank == 3) add_key(objects, name, NULL);
  return 0;
}

static int note_picture(void* user, const char* name, const loomArray* a, int unreadable,
                        const loomError* why) {
  (void)why;
  if (!unreadable && a->rank == 4 && a->type == LOOM_TYPE_U8 && a->shape[3] == 3) add_key(user, name, NULL);
  return 0;
}

// Poses of objects, in the world and seen from those before them.
static void pair_objects(keyList* out, const keyList* objects) {
  for (int i = 0; i < objects->n; i++) {
    add_key(out, objects->name[i], "world");
    for (int j = 0; j < i; j++) add_key(out, objects->name[i], objects->name[j]);
  }
}

static int find_keys(keyList* out, const loomWatchedDef* def, const loomDataset* set, loomError* err) {
  char group[512];
  keyList found = {0};
  const char* object = loom_dataset_demo_path(set, 0);
  const char* part = def->pictures ? "obs" : "datagen_info/object_poses";
  for (int i = 0; i < def->keys; i++) add_key(out, def->key[i], NULL);
  if (def->keys) return LOOM_OK;

  snprintf(group, sizeof group, "%.400s/%s", object, part);
  int code = loom_dataset_has(set, group, "")
                 ? loom_dataset_visit(set, group, def->pictures ? note_picture : note_object, &found, err)
                 : LOOM_OK;
  if (code) return code;

  if (def->pictures)
    *out = found;
  else
    pair_objects(out, &found);
  out->full = out->full || found.full;
  if (out->full)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: more than %d keys; name some (--keys)",
                          def->path[0], LOOM_WATCHED_KEYS);
  if (out->n) return LOOM_OK;
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      def->pictures ? "%s: %s: %s holds no pictures; `demoloom render %s --obs FILE.hdf5` makes such"
                    : "%s: %s: %s holds no poses of objects, as `demoloom generate`, `teleop` and "
                      "`replay -o` write; (%s) name other keys (--keys), or watch pictures (--method tcc)",
      def->path[0], loom_dataset_demo_name(set, 0), part, def->path[0]);
}

// As the first demo has them.
static int describe_keys(loomWatched* w, const keyList* list, const loomDataset* set, loomError* err) {
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < list->n; i++) {
      loomObsKey key;
      int64_t rows;
      int code = loom_obs_describe(&key, &rows, list->name[i], set, 0, err);
      if (code) return code;

      bool picture = key.kind == LOOM_OBS_IMAGE && key.type == LOOM_TYPE_U8;
      if (!picture && key.kind != LOOM_OBS_FRAMED)
        return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                              "%s: '%s' is neither a pose (hammer@world) nor a picture of three colors",
                              loom_dataset_path(set), key.name);
      if (picture != (pass > 0)) continue;

      w->key[w->keys++] = key;
      w->pictures += picture;
      if (!picture) w->low += key.dim;
    }
  return LOOM_OK;
}

// ---- rows

static void read_text(loomName out, const loomDataset* set, const char* object, const char* name) {
  char* text = NULL;
  int64_t number;
  if (!loom_dataset_has_attr(set, object, name)) return;
  if (!loom_dataset_attr_string(&text, set, object, name, NULL))
    snprintf(out, LOOM_NAME_MAX, "%s", text);
  else if (!loom_dataset_attr_int(&number, set, object, name, NULL))
    snprintf(out, LOOM_NAME_MAX, "%lld", (long long)number);
  free(text);
}

static int check_key(int* rows, const loomWatched* w, int k, const loomDataset* set, int d, loomError* err) {
  const char *path = loom_dataset_path(set), *demo = loom_dataset_demo_name(set, d);
  const loomObsKey* first = &w->key[k];
  loomObsKey key;
  int64_t n;
  int code = loom_obs_describe(&key, &n, first->name, set, d, err);
  if (code) return code;

  bool same = key.rank == first->rank && key.type == first->type;
  for (int i = 0; same && i < key.rank; i++) same = key.shape[i] == first->shape[i];
  if (!same && key.rank == 3 && first->rank == 3)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: '%s' is %d x %d, where %s has %d x %d", path, demo,
                          key.name, key.shape[1], key.shape[0], loom_dataset_demo_name(set, 0),
                          first->shape[1], first->shape[0]);
  if (!same)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: '%s' has another shape than in %s", path, demo,
                          key.name, loom_dataset_demo_name(set, 0));

  if (n < 2)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: '%s' has a single row, which has no course", path,
                          demo, key.name);
  if ((*rows && n != *rows) || n > INT32_MAX)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: '%s' has %lld rows, where others have %d", path,
                          demo, key.name, (long long)n, *rows);
  *rows = (int)n;
  return LOOM_OK;
}

static int make_room(loomWatched* w, loomWatchedDemo* demo, loomError* err) {
  double bytes = 4.0 * w->low;
  for (int k = 0; k < w->pictures; k++) bytes += w->key[w->keys - w->pictures + k].dim;
  w->bytes += bytes * demo->rows;
  if (w->bytes > LOOM_WATCHED_BYTES)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "more than %.0f GB of rows; take fewer demos (--demos) or smaller pictures",
                          LOOM_WATCHED_BYTES / 1e9);

  demo->low = calloc((size_t)demo->rows * (size_t)w->low + 1, sizeof *demo->low);
  bool made = demo->low != NULL;
  for (int k = 0; k < w->pictures; k++) {
    size_t dim = (size_t)w->key[w->keys - w->pictures + k].dim;
    demo->picture[k] = malloc((size_t)demo->rows * dim);
    made = made && demo->picture[k];
  }
  return made ? LOOM_OK : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for demos");
}

// Largest change of any of the numbers: metres, and entries of rotation matrices, which are about radians.
static bool has_moved(const float* a, const float* b, int low, double still) {
  for (int i = 0; i < low; i++)
    if (fabs((double)a[i] - (double)b[i]) >= still) return true;
  return false;
}

// What only stands still says nothing of how far the task has come, to somebody who watches it alone.
static void drop_still_rows(loomWatchedDemo* demo, int low, double still) {
  int n = 1;
  for (int i = 1; i < demo->rows; i++) {
    float *to = demo->low + (ptrdiff_t)n * low, *last = to - low;
    const float* from = demo->low + (ptrdiff_t)i * low;
    if (!has_moved(from, last, low, still)) continue;
    memmove(to, from, (size_t)low * sizeof *to);
    n++;
  }
  demo->rows = n;
}

static int read_demo(loomWatched* w, const loomDataset* set, int d, double still, loomError* err) {
  loomWatchedDemo* demo = &w->demo[d];
  const char* object = loom_dataset_demo_path(set, d);
  snprintf(demo->name, sizeof demo->name, "%s", loom_dataset_demo_name(set, d));
  read_text(demo->context, set, object, "context");
  read_text(demo->pair, set, object, "pair_of");

  int code = LOOM_OK, poses = w->keys - w->pictures;
  for (int k = 0; !code && k < w->keys; k++) code = check_key(&demo->rows, w, k, set, d, err);
  if (!code) code = make_room(w, demo, err);
  for (int k = 0, at = 0; !code && k < poses; at += w->key[k++].dim)
    code = loom_obs_read(demo->low + at, w->low, &w->key[k], set, d, demo->rows, err);
  for (int k = 0; !code && k < w->pictures; k++)
    code = loom_obs_read_bytes(demo->picture[k], &w->key[poses + k], set, d, demo->rows, err);
  if (code) return code;

  w->all += demo->rows;
  if (still > 0 && !w->pictures) drop_still_rows(demo, w->low, still);
  w->kept += demo->rows;
  if (demo->rows > 1) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: nothing that is watched moves in it",
                        loom_dataset_path(set), demo->name);
}

static int read_dataset(loomWatched* out, const loomWatchedDef* def, loomError* err) {
  loomDataset* set;
  keyList list = {0};
  int code = loom_hash_file(&out->digest, def->path[0], err);
  if (!code) code = loom_dataset_open(&set, def->path[0], err);
  if (code) return code;

  int all = loom_dataset_demo_count(set);
  int n = def->demos && def->demos < all ? def->demos : all;
  if (n < 1) code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demos", def->path[0]);
  if (!code && loom_dataset_has_attr(set, "data", LOOM_SENSE_ATTR))
    code = loom_dataset_attr_string(&out->sense, set, "data", LOOM_SENSE_ATTR, err);
  if (!code) code = find_keys(&list, def, set, err);
  if (!code) code = describe_keys(out, &list, set, err);
  if (!code) out->demo = calloc((size_t)n, sizeof *out->demo);
  if (!code && !out->demo) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for demos");

  while (!code && out->demos < n) {
    code = read_demo(out, set, out->demos++, def->still, err);
    if (!code && def->told && def->told(def->user, out->demos, n))
      code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; nothing was learned yet");
  }
  loom_dataset_close(set);
  return code;
}

int loom_watched_read(loomWatched* out, const loomWatchedDef* def, loomError* err) {
  bool films = def->paths > 1 || loom_film_is(def->path[0]);
  *out = (loomWatched){.digest = LOOM_HASH_SEED};
  int code = (films ? loom_watched_read_films : read_dataset)(out, def, err);
  if (code) loom_watched_destroy(out);
  return code;
}

int loom_watched_check_pictures(const loomWatched* w, const char* path, loomError* err) {
  if (w->pictures != w->keys)
    return loom_error_set(err, LOOM_ERR_USAGE, "this method watches pictures alone; name no poses (--keys)");

  const loomObsKey* first = &w->key[0];
  for (int k = 1; k < w->keys; k++) {
    const loomObsKey* key = &w->key[k];
    if (key->shape[0] == first->shape[0] && key->shape[1] == first->shape[1]) continue;
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: '%s' is %d x %d, where '%s' is %d x %d", path, key->name,
                          key->shape[1], key->shape[0], first->name, first->shape[1], first->shape[0]);
  }
  return LOOM_OK;
}
