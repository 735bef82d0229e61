// Attributes and masks, which LeRobot has no place for: a table of ours in its folder meta/.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/data/lerobot_internal.h"

enum { COLUMNS = 4 };

static const loomParquetColumn columns[COLUMNS] = {{.name = "episode_index", .type = LOOM_TYPE_I64},
                                                   {.name = "kind", .type = LOOM_TYPE_STR},
                                                   {.name = "name", .type = LOOM_TYPE_STR},
                                                   {.name = "value", .type = LOOM_TYPE_STR}};

struct lerobotExtraWriter {
  loomParquetWriter* file;
  const loomDataset* dataset;
  loomNames masks;
  loomNames* masked;  // (masks.n) demos of each

  // The rows at hand.
  int n, room;
  int64_t* episode;
  loomNames kind, name, value;
};

static void clear(lerobotExtraWriter* w) {
  loom_names_destroy(&w->kind);
  loom_names_destroy(&w->name);
  loom_names_destroy(&w->value);
  w->n = 0;
}

static void free_writer(lerobotExtraWriter* w) {
  clear(w);
  for (int i = 0; w->masked && i < w->masks.n; i++) loom_names_destroy(&w->masked[i]);
  loom_names_destroy(&w->masks);
  free(w->masked);
  free(w->episode);
  free(w);
}

void lerobot_extra_abort(lerobotExtraWriter* w) {
  if (!w) return;
  loom_parquet_abort(w->file);
  free_writer(w);
}

static int put(lerobotExtraWriter* w, int64_t episode, const char* kind, const char* name, const char* value,
               loomError* err) {
  if (w->n == w->room) {
    int room = 2 * w->room + 16;
    int64_t* more = realloc(w->episode, (size_t)room * sizeof *more);
    if (!more) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for attributes");
    w->episode = more;
    w->room = room;
  }
  w->episode[w->n++] = episode;
  if (loom_names_add(&w->kind, kind) || loom_names_add(&w->name, name) || loom_names_add(&w->value, value))
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for attributes");

  return 0;
}

static int flush(lerobotExtraWriter* w, loomError* err) {
  const void* data[COLUMNS] = {w->episode, w->kind.name, w->name.name, w->value.name};
  int code = w->n ? loom_parquet_rows(w->file, data, w->n, err) : 0;
  clear(w);
  return code;
}

// An attribute is a whole number, a number, or else a text.
static int put_attr(lerobotExtraWriter* w, int64_t episode, const char* object, const char* name,
                    loomError* err) {
  char number[40];
  char *text = NULL, *clean = NULL;
  int64_t whole;
  double real;
  if (!loom_dataset_attr_int(&whole, w->dataset, object, name, NULL)) {
    snprintf(number, sizeof number, "%" PRId64, whole);
    return put(w, episode, "int", name, number, err);
  }
  if (!loom_dataset_attr_double(&real, w->dataset, object, name, NULL)) {
    snprintf(number, sizeof number, "%.17g", real);
    return put(w, episode, "float", name, number, err);
  }

  int code = loom_dataset_attr_string(&text, w->dataset, object, name, err);
  if (!code) clean = loom_private_text(text);
  if (!code && !clean) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for attributes");
  if (!code) code = put(w, episode, "string", name, clean, err);
  free(text);
  free(clean);

  return code;
}

bool lerobot_extra_keeps(const char* name) {
  static const char* const anew[] = {"total", "num_samples", "loom_digest"};
  for (size_t i = 0; i < sizeof anew / sizeof *anew; i++)
    if (!strcmp(name, anew[i])) return false;
  return loom_private_keeps_attr(name) && !loom_is_run_attr(name);
}

static int put_attrs(lerobotExtraWriter* w, int64_t episode, const char* object, loomError* err) {
  loomNames names = {0, NULL};
  int code = loom_dataset_attr_names(&names, w->dataset, object, err);
  for (int i = 0; !code && i < names.n; i++)
    if (lerobot_extra_keeps(names.name[i])) code = put_attr(w, episode, object, names.name[i], err);
  loom_names_destroy(&names);
  return code;
}

// Of a recording of robosuite's, which has no such attribute.
static int put_env_args(lerobotExtraWriter* w, loomError* err) {
  char* text = NULL;
  int code = loom_dataset_has_env_args(w->dataset) ? loom_dataset_env_args(&text, w->dataset, err) : 0;
  if (!code && text) code = put(w, -1, "string", "env_args", text, err);
  free(text);
  return code;
}

int lerobot_extra_create(lerobotExtraWriter** out, const char* path, const loomDataset* dataset,
                         loomError* err) {
  lerobotExtraWriter* w = *out = calloc(1, sizeof *w);
  if (!w) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  w->dataset = dataset;
  int code = loom_dataset_masks(&w->masks, dataset, err);
  if (!code) w->masked = calloc((size_t)w->masks.n + 1, sizeof *w->masked);
  if (!code && !w->masked) code = loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  for (int i = 0; !code && i < w->masks.n; i++)
    code = loom_dataset_mask(&w->masked[i], dataset, w->masks.name[i], err);

  if (!code) code = loom_parquet_create(&w->file, path, columns, COLUMNS, err);
  if (!code) code = put_attrs(w, -1, "data", err);
  if (!code && !loom_dataset_has_attr(dataset, "data", "env_args")) code = put_env_args(w, err);
  if (!code) code = flush(w, err);
  if (code) {
    lerobot_extra_abort(w);
    *out = NULL;
  }

  return code;
}

int lerobot_extra_demo(lerobotExtraWriter* w, int demo, loomError* err) {
  const char* name = loom_dataset_demo_name(w->dataset, demo);
  int code = put_attrs(w, demo, loom_dataset_demo_path(w->dataset, demo), err);
  for (int i = 0; !code && i < w->masks.n; i++)
    if (loom_names_has(&w->masked[i], name)) code = put(w, demo, "mask", w->masks.name[i], "", err);
  return code ? code : flush(w, err);
}

int lerobot_extra_finish(lerobotExtraWriter* w, loomError* err) {
  int code = loom_parquet_finish(w->file, err);
  free_writer(w);
  return code;
}

// ---- read

int lerobot_extra_read(loomParquet* out, const char* path, loomError* err) {
  *out = (loomParquet){0};
  const char* names[COLUMNS];
  if (access(path, F_OK)) return 0;

  for (int i = 0; i < COLUMNS; i++) names[i] = columns[i].name;
  int code = loom_parquet_read(out, path, names, COLUMNS, err);
  if (code) return code;
  for (int i = 0; i < COLUMNS; i++) {
    const loomParquetValues* c = loom_parquet_column(out, columns[i].name);
    if (c && c->count == out->rows && c->type == columns[i].type) continue;
    loom_parquet_destroy(out);
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: damaged: wants a column '%s'; without this file the rest can be read", path,
                          columns[i].name);
  }

  return 0;
}

lerobotExtra lerobot_extra_row(const loomParquet* table, int64_t i) {
  const char* text[COLUMNS];
  for (int k = 1; k < COLUMNS; k++)
    text[k] = loom_parquet_text(loom_parquet_column(table, columns[k].name), i);
  return (lerobotExtra){(int64_t)loom_parquet_number(loom_parquet_column(table, columns[0].name), i), text[1],
                        text[2], text[3]};
}
