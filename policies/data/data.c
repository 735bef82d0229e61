// Opening a training set: which demos, and that all of them have the same shapes.
#include "policies/data/data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/env_same.h"
#include "engine/data/one_arm.h"
#include "engine/observe/sense.h"
#include "policies/data/data_internal.h"

loomDataDef loom_default_data_def(void) {
  return (loomDataDef){.action = "actions",
                       .obs = {0, 1},
                       .actions = {0, 1},
                       .pad_start = true,
                       .pad_end = true,
                       .batch = 100,
                       .shuffle = true,
                       .cache_bytes = (int64_t)2 << 30,
                       .prefetch = true};
}

void loom_data_sequence(loomDataDef* def, int stack, int length) {
  def->obs = def->actions = (loomWindow){stack - 1, stack - 1 + length};
}

void loom_data_chunk(loomDataDef* def, int seen, int chunk) {
  def->obs = (loomWindow){seen - 1, seen};
  def->actions = (loomWindow){seen - 1, chunk};
}

// ---- what is asked for

static bool bad_window(loomWindow w) {
  return w.before < 0 || w.length < 1 || w.before > 1 << 20 || w.length > 1 << 20;
}

static int check_weights(const loomDataDef* def, loomError* err) {
  int weighted = 0;
  for (int i = 0; i < def->file_count; i++) {
    double weight = def->file[i].weight;
    if (!(weight >= 0) || !isfinite(weight))
      return loom_error_set(err, LOOM_ERR_USAGE, "%s: a weight must be a positive number", def->file[i].path);
    weighted += weight > 0;
  }

  for (int i = 0; weighted && i < def->file_count; i++)
    if (def->file[i].weight == 0)
      return loom_error_set(err, LOOM_ERR_USAGE,
                            "%s: has no weight where other files have one; give it one or leave it out",
                            def->file[i].path);
  return 0;
}

static int check_def(const loomDataDef* def, loomError* err) {
  if (def->file_count < 1 || def->file_count > LOOM_DATA_FILES)
    return loom_error_set(err, LOOM_ERR_USAGE, "a training set has 1 to %d files, not %d", LOOM_DATA_FILES,
                          def->file_count);
  if (def->key_count < 1 || def->key_count > LOOM_DATA_KEYS)
    return loom_error_set(err, LOOM_ERR_USAGE, "a training set has 1 to %d observation keys, not %d",
                          LOOM_DATA_KEYS, def->key_count);

  if (def->batch < 1 || def->batch > 1 << 24 || bad_window(def->obs) || bad_window(def->actions))
    return loom_error_set(err, LOOM_ERR_USAGE, "batches and windows have at least one sample and row");

  for (int i = 0; i < def->key_count; i++)
    for (int k = 0; k < i; k++)
      if (!strcmp(def->key[i], def->key[k]))
        return loom_error_set(err, LOOM_ERR_USAGE, "observation key '%s' given twice", def->key[i]);
  return check_weights(def, err);
}

static int copy_names(loomData* data, const loomDataDef* def, loomError* err) {
  bool lacks = false;
  for (int k = 0; k < def->key_count; k++) {
    data->key_name[k] = strdup(def->key[k]);
    if (asprintf(&data->key_path[k], "obs/%s", def->key[k]) < 0) data->key_path[k] = NULL;
    lacks = lacks || !data->key_name[k] || !data->key_path[k];
  }

  data->action_path = strdup(def->action);
  if (lacks || !data->action_path) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  return 0;
}

// ---- which demos

static int all_demos(loomNames* out, const loomDataset* set, loomError* err) {
  for (int i = 0; i < loom_dataset_demo_count(set); i++)
    if (loom_names_add(out, loom_dataset_demo_name(set, i)))
      return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", loom_dataset_path(set));
  return 0;
}

static int list_demos(loomNames* out, const loomDataset* set, const char* mask, loomError* err) {
  *out = (loomNames){0};
  int code = mask ? loom_dataset_mask(out, set, mask, err) : all_demos(out, set, err);
  if (!code && !out->n)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s%s holds no demos", loom_dataset_path(set),
                          mask ? "mask/" : "the file", mask ? mask : "");
  return code;
}

// The first `use` of them.
static int add_demos(loomData* data, int file, const loomNames* names, int use, const char* mask,
                     loomError* err) {
  const loomDataset* set = data->file[file].set;

  int n = data->demo_count + use;
  dataDemo* more = realloc(data->demo, (size_t)n * sizeof *more);
  if (!more) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d demos", n);

  data->demo = more;
  data->file[file].first = data->demo_count;
  data->file[file].demos = use;

  // Demos of a mask must be the file's own.
  for (int i = 0; i < use; i++) {
    int index = loom_dataset_demo_index(set, names->name[i]);
    if (index < 0)
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: mask/%s names '%s', which is no demo of the file",
                            loom_dataset_path(set), mask ? mask : "", names->name[i]);
    data->demo[data->demo_count++] = (dataDemo){.file = file, .index = index, .older = -1, .newer = -1};
  }
  return 0;
}

static int open_file(loomData* data, int file, const loomDataFile* from, loomError* err) {
  dataFile* f = &data->file[file];
  loomNames names = {0};

  int code = loom_dataset_open(&f->set, from->path, err);
  if (code) return code;

  data->file_count = file + 1;

  code = list_demos(&names, f->set, from->mask, err);
  if (!code && from->first > names.n)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: has %d demos%s%s, not the first %d that are asked for",
                          from->path, names.n, from->mask ? " in mask/" : "", from->mask ? from->mask : "",
                          from->first);

  int use = from->first > 0 ? from->first : names.n;
  if (!code) code = add_demos(data, file, &names, use, from->mask, err);
  loom_names_destroy(&names);
  return code;
}

// ---- shapes

static int describe(loomArray* out, const loomDataset* set, int demo, const char* path, loomError* err) {
  const char* object = loom_dataset_demo_path(set, demo);
  int code = loom_dataset_describe(out, set, object, path, err);

  if (!code && (out->type == LOOM_TYPE_STR || out->rank < 1 || out->count < 1))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s is no array of numbers with rows",
                          loom_dataset_path(set), loom_dataset_demo_name(set, demo), path);
  return code;
}

// "84 x 84 x 3" of a row.
static const char* row_text(char out[80], const loomArray* a) {
  size_t used = 0;
  snprintf(out, 80, "one number");
  for (int i = 1; i < a->rank; i++)
    used += (size_t)snprintf(out + used, 80 - used, "%s%lld", i > 1 ? " x " : "", (long long)a->shape[i]);
  return out;
}

static bool same_rows(const loomArray* a, const loomArray* b) {
  bool same = a->rank == b->rank;
  for (int i = 1; i < a->rank; i++) same = same && a->shape[i] == b->shape[i];
  return same && (a->rank < 3 || (a->type == LOOM_TYPE_U8) == (b->type == LOOM_TYPE_U8));
}

// `first` is what the first demo has, `rows` what this demo's actions have (0: these are the actions).
static int check_shape(const loomArray* a, const loomArray* first, const loomData* data, int demo, int rows,
                       const char* path, loomError* err) {
  char here[80], there[80];

  if (!same_rows(a, first))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: %s: %s has rows of %s (%s) where %s, %s has %s (%s); leave one of them out",
                          loom_data_demo_path(data, demo), loom_data_demo_name(data, demo), path,
                          row_text(here, a), loom_type_name(a->type), loom_data_demo_path(data, 0),
                          loom_data_demo_name(data, 0), row_text(there, first), loom_type_name(first->type));

  if (rows && a->shape[0] != rows)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s has %lld rows where %s has %d",
                          loom_data_demo_path(data, demo), loom_data_demo_name(data, demo), path,
                          (long long)a->shape[0], data->action_path, rows);
  return 0;
}

// Keys whose rows have two or more axes keep blocks of their own; the others go side by side.
static void set_key(loomData* data, int k, const loomArray* a) {
  loomDataKey* key = &data->info.key[k];
  *key = (loomDataKey){.name = data->key_name[k], .rank = a->rank - 1, .offset = -1};
  key->dim = data->seen[k].dim;

  for (int i = 0; i < key->rank; i++) key->shape[i] = a->shape[1 + i];
  key->bytes = key->rank >= 2 && a->type == LOOM_TYPE_U8;
  // Files hold height, width, colors; networks want colors, height, width.
  if (key->rank == 3) {
    key->shape[0] = a->shape[3];
    key->shape[1] = a->shape[1];
    key->shape[2] = a->shape[2];
  }

  if (key->rank < 2) {
    key->offset = data->info.low_dim;
    data->info.low_dim += key->dim;
  }
}

// An observation, described as an array is: framed ones are none in the file.
static int describe_key(loomArray* out, loomObsKey* key, const loomData* data, int demo, int k,
                        loomError* err) {
  const dataDemo* d = &data->demo[demo];
  int64_t rows = 0;

  int code = loom_obs_describe(key, &rows, data->key_name[k], data->file[d->file].set, d->index, err);

  *out = (loomArray){.type = key->type, .rank = 1 + key->rank, .shape = {rows, 1, 1, 1}};

  for (int i = 0; i < key->rank; i++) out->shape[1 + i] = key->shape[i];
  out->count = rows * key->dim;
  return code;
}

// How many arms an action is of, and its numbers as batches have them.
static int set_actions(loomData* data, const loomArray* actions, loomError* err) {
  const loomDataset* set = data->file[0].set;
  loomActionForm form = data->def.form;
  loomArray goal = {0};
  int demo = data->demo[0].index, code = 0;
  bool converted = form.absolute || form.columns;

  bool known = loom_dataset_has(set, loom_dataset_demo_path(set, demo), LOOM_DATA_GOALS);

  data->raw_dim = (int)actions->shape[1];
  data->goals = form.absolute && !strcmp(data->action_path, "actions");
  data->arms = data->def.arms;

  // Goals of the hands are matrices; where they are there they also tell how many arms an action is of.
  if (converted && (data->goals || (known && !data->arms))) {
    code = describe(&goal, set, demo, LOOM_DATA_GOALS, err);
    if (!code) loom_array_with_arms(&goal);
    if (!code && (goal.rank != 4 || goal.shape[1] < 1 || goal.shape[2] != 4 || goal.shape[3] != 4))
      code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s is not rows of matrices, one an arm",
                            loom_data_demo_path(data, 0), loom_data_demo_name(data, 0), LOOM_DATA_GOALS);
    if (!code) data->arms = (int)goal.shape[1];
  }

  if (code) return code;

  data->info.arms = data->arms;
  data->info.action_dim = loom_action_dim(form, data->arms, data->raw_dim);
  if (!data->info.action_dim)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: %s: %s has %d numbers a row, which are no poses of %d arms; say how many "
                          "(data: arms), or take actions as they are",
                          loom_data_demo_path(data, 0), loom_data_demo_name(data, 0), data->action_path,
                          data->raw_dim, data->arms);
  return 0;
}

// The first demo says what all must be like; first[key_count] is of its actions.
static int set_shapes(loomData* data, loomArray* first, loomError* err) {
  const loomDataset* set = data->file[0].set;

  int n = data->info.key_count, code = describe(&first[n], set, data->demo[0].index, data->action_path, err);

  if (!code && first[n].rank != 2)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s has rows of %d axes; one is expected",
                          loom_data_demo_path(data, 0), loom_data_demo_name(data, 0), data->action_path,
                          first[n].rank - 1);

  if (!code && first[n].shape[1] > 1 << 20)
    code = loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: actions of %lld numbers",
                          loom_data_demo_path(data, 0), (long long)first[n].shape[1]);

  if (!code) code = set_actions(data, &first[n], err);
  for (int k = 0; !code && k < n; k++) {
    code = describe_key(&first[k], &data->seen[k], data, 0, k, err);
    if (!code) set_key(data, k, &first[k]);
  }
  return code;
}

static int larger(int a, int b) {
  return a > b ? a : b;
}

static int set_demo(loomData* data, int demo, int64_t rows, loomError* err) {
  dataDemo* d = &data->demo[demo];

  loomWindow obs = data->def.obs, actions = data->def.actions;

  if (rows > 1 << 28)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: %s: %lld rows are too many",
                          loom_data_demo_path(data, demo), loom_data_demo_name(data, demo), (long long)rows);

  d->rows = (int)rows;
  d->bytes = rows * loom_data_row_bytes(data);

  if (d->bytes > data->cache.limit)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: %s takes %lld bytes of memory and the cache has %lld; make the cache larger",
                          loom_data_demo_path(data, demo), loom_data_demo_name(data, demo),
                          (long long)d->bytes, (long long)data->cache.limit);

  // A sample's windows lie within the demo, but for the ends that are padded.
  d->first = data->def.pad_start ? 0 : larger(obs.before, actions.before);
  int after =
      data->def.pad_end ? 1 : larger(1, larger(obs.length - obs.before, actions.length - actions.before));
  d->samples = larger(0, d->rows - after + 1 - d->first);

  data->file[d->file].samples += d->samples;
  data->info.samples += d->samples;
  data->info.rows += rows;
  data->info.bytes += d->bytes;
  return 0;
}

static int check_demo(loomData* data, int demo, const loomArray* first, loomError* err) {
  const dataDemo* d = &data->demo[demo];
  const loomDataset* set = data->file[d->file].set;
  int n = data->info.key_count;

  loomArray a = {0};

  int code = describe(&a, set, d->index, data->action_path, err);
  if (!code) code = check_shape(&a, &first[n], data, demo, 0, data->action_path, err);
  if (!code) code = set_demo(data, demo, a.shape[0], err);

  for (int k = 0; !code && k < n; k++) {
    loomObsKey key;
    code = describe_key(&a, &key, data, demo, k, err);
    if (!code) code = check_shape(&a, &first[k], data, demo, d->rows, data->key_path[k], err);
  }

  if (!code && data->goals) code = describe(&a, set, d->index, LOOM_DATA_GOALS, err);
  if (!code && data->goals && a.count != (int64_t)d->rows * data->arms * 16)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s has not one matrix a row for each of %d arms",
                          loom_data_demo_path(data, demo), loom_data_demo_name(data, demo), LOOM_DATA_GOALS,
                          data->arms);
  return code;
}

static int check_demos(loomData* data, loomError* err) {
  loomArray first[LOOM_DATA_KEYS + 1] = {{0}};

  int code = set_shapes(data, first, err);
  for (int i = 0; !code && i < data->demo_count; i++) code = check_demo(data, i, first, err);

  for (int i = 0; !code && i < data->file_count; i++)
    if (!data->file[i].samples)
      code = loom_error_set(err, LOOM_ERR_USAGE,
                            "%s: all demos are shorter than the window; pad them (pad_start, pad_end)",
                            loom_dataset_path(data->file[i].set));
  return code;
}

// ---- how robots were driven

char* loom_data_driven(const loomData* data, int file) {
  const loomDataset* set = data->file[file].set;
  char* text = NULL;

  if (!loom_dataset_has_env_args(set)) return NULL;
  if (loom_dataset_env_args(&text, set, NULL)) return NULL;
  char* driven = loom_env_args_driven(text);
  free(text);
  return driven;
}

// Actions of two rates or controllers cannot be learned as one: the first file that says is what all must be
// like.
static int check_driven(const loomData* data, loomError* err) {
  char *first = NULL, why[400];
  int code = 0, of = 0;
  for (int i = 0; !code && i < data->file_count; i++) {
    char* here = loom_data_driven(data, i);
    if (first && here && !loom_env_args_driven_same(first, here, why, sizeof why))
      code = loom_error_set(
          err, LOOM_ERR_FORMAT,
          "%s: its actions are of another rate, robot or controller than those of %s: %s (the one is "
          "the latter); train on files that agree",
          loom_data_file_path(data, i), loom_data_file_path(data, of), why);
    if (!first && here)
      first = here, of = i;
    else
      free(here);
  }

  free(first);
  return code;
}

// ---- open and close

int loom_data_open(loomData** out, const loomDataDef* def, loomError* err) {
  *out = NULL;

  int code = check_def(def, err);
  if (code) return code;

  loomData* data = calloc(1, sizeof *data);
  if (!data) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");

  data->def = *def;
  data->def.key = NULL;
  data->def.file = NULL;
  data->info.key_count = def->key_count;
  data->cache = (dataCache){.limit = def->cache_bytes, .oldest = -1, .newest = -1};

  code = copy_names(data, def, err);
  for (int i = 0; !code && i < def->file_count; i++) {
    data->file[i].weight = def->file[i].weight;
    code = open_file(data, i, &def->file[i], err);
  }

  if (!code) code = check_driven(data, err);
  if (!code) code = check_demos(data, err);
  data->info.files = data->file_count;
  data->info.demos = data->demo_count;
  if (!code) code = loom_data_order_create(data, err);
  if (!code && !(data->sample = calloc((size_t)def->batch, sizeof *data->sample)))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a batch of %d samples", def->batch);

  if (!code && def->prefetch) code = loom_data_thread_create(data, err);

  if (code)
    loom_data_close(data);
  else
    *out = data;
  return code;
}

void loom_data_close(loomData* data) {
  if (!data) return;
  loom_data_thread_destroy(data);
  loom_data_cache_clear(data);
  loom_data_order_destroy(data);

  for (int i = 0; i < data->file_count; i++) loom_dataset_close(data->file[i].set);
  for (int k = 0; k < LOOM_DATA_KEYS; k++) {
    free(data->key_name[k]);
    free(data->key_path[k]);
  }
  free(data->action_path);
  free(data->sample);
  free(data->demo);
  free(data);
}

const loomDataInfo* loom_data_info(const loomData* data) {
  return &data->info;
}

char* loom_data_sense(const loomData* data, int file) {
  const loomDataset* set = data->file[file].set;

  char* text = NULL;

  if (!loom_dataset_has_attr(set, "data", LOOM_SENSE_ATTR)) return NULL;
  return loom_dataset_attr_string(&text, set, "data", LOOM_SENSE_ATTR, NULL) ? NULL : text;
}

int loom_data_part(loomBatch* out, loomData* data, int64_t number, int64_t next, loomError* err) {
  if (number < 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "there is no batch number %lld", (long long)number);
  if (data->thread) return loom_data_thread_batch(out, data, number, next, err);
  return loom_data_fill(out, data->sample, data, number, err);
}

int loom_data_batch(loomBatch* out, loomData* data, int64_t step, loomError* err) {
  return loom_data_part(out, data, step, step + 1, err);
}

int loom_data_rows(loomDataRows* out, loomData* data, int demo, loomError* err) {
  loom_data_thread_wait(data);

  int code = loom_data_cache_get(data, demo, err);
  if (!code) *out = loom_data_view(data, demo);
  return code;
}

loomDataUse loom_data_use(loomData* data) {
  loom_data_thread_wait(data);
  return data->cache.use;
}
