// What LeRobot knows of episodes and tasks: the tables in its folder meta/.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/lerobot_internal.h"

enum { GROUP = 128, FIXED = 10, OF_VIDEO = 4 };

// ---- episodes

struct lerobotTable {
  const lerobotFeatures* features;
  loomParquetWriter* file;
  int n;                      // columns
  loomParquetColumn* column;  // (n) until the file is begun, with names of their own
  void** data;                // (n) of GROUP rows each
  int rows;                   // of the group at hand
};

static loomParquetColumn* add_column(lerobotTable* t, const char* name, loomType type, int64_t width,
                                     bool video) {
  loomParquetColumn* c = &t->column[t->n];
  *c = (loomParquetColumn){.name = strdup(name), .type = type, .rank = width ? 1 : 0, .shape = {width}};
  if (video) {
    c->rank = 3;
    c->shape[1] = c->shape[2] = 1;
  }

  t->data[t->n] = calloc((size_t)GROUP, (size_t)(loom_parquet_width(c) * loom_type_size(type)));
  if (!c->name || !t->data[t->n]) return NULL;
  t->n++;
  return c;
}

static bool add_columns_of(lerobotTable* t, const lerobotFeature* f) {
  char name[400];
  bool video = f->kind == LEROBOT_VIDEO, added = true;
  static const char* const places[] = {"chunk_index", "file_index", "from_timestamp", "to_timestamp"};
  for (int i = 0; video && i < OF_VIDEO; i++) {
    snprintf(name, sizeof name, "videos/%s/%s", f->name, places[i]);
    added = added && add_column(t, name, i < 2 ? LOOM_TYPE_I64 : LOOM_TYPE_F64, 0, false);
  }
  for (int m = 0; m < LEROBOT_MEASURES; m++) {
    snprintf(name, sizeof name, "stats/%s/%s", f->name, lerobot_measures[m]);
    added = added && add_column(t, name, LOOM_TYPE_F64, f->width, video);
  }
  snprintf(name, sizeof name, "stats/%s/count", f->name);

  return added && add_column(t, name, LOOM_TYPE_I64, 1, false);
}

// In the order in which lerobot_table_add fills them.
static bool add_columns(lerobotTable* t) {
  static const char* const fixed[FIXED] = {"episode_index",
                                           "length",
                                           "data/chunk_index",
                                           "data/file_index",
                                           "dataset_from_index",
                                           "dataset_to_index",
                                           "meta/episodes/chunk_index",
                                           "meta/episodes/file_index",
                                           NULL,
                                           NULL};
  bool added = true;
  for (int i = 0; fixed[i]; i++) added = added && add_column(t, fixed[i], LOOM_TYPE_I64, 0, false);
  added = added && add_column(t, "tasks", LOOM_TYPE_STR, 1, false);
  for (int i = 0; i < t->features->n; i++) added = added && add_columns_of(t, &t->features->feature[i]);

  return added;
}

static void free_table(lerobotTable* t) {
  for (int i = 0; i < t->n; i++) {
    // Texts are the table's own.
    for (int k = 0; t->column[i].type == LOOM_TYPE_STR && k < GROUP; k++) free(((char**)t->data[i])[k]);
    free((char*)t->column[i].name);
    free(t->data[i]);
  }
  free(t->column);
  free(t->data);
  free(t);
}

void lerobot_table_abort(lerobotTable* t) {
  if (!t) return;
  loom_parquet_abort(t->file);
  free_table(t);
}

int lerobot_table_create(lerobotTable** out, const char* path, const lerobotFeatures* features,
                         loomError* err) {
  size_t most = FIXED + (size_t)features->n * (OF_VIDEO + LEROBOT_MEASURES + 1);
  lerobotTable* t = *out = calloc(1, sizeof *t);
  if (t) {
    t->features = features;
    t->column = calloc(most, sizeof *t->column);
    t->data = calloc(most, sizeof *t->data);
  }

  bool made = t && t->column && t->data && add_columns(t);
  int code = made ? loom_parquet_create(&t->file, path, t->column, t->n, err)
                  : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  if (code && t) free_table(t);
  if (code) *out = NULL;

  return code;
}

static int flush(lerobotTable* t, loomError* err) {
  int rows = t->rows;
  t->rows = 0;
  if (!rows) return 0;

  int code = loom_parquet_rows(t->file, (const void* const*)t->data, rows, err);
  for (int i = 0; i < t->n; i++)
    for (int k = 0; t->column[i].type == LOOM_TYPE_STR && k < rows; k++) {
      free(((char**)t->data[i])[k]);
      ((char**)t->data[i])[k] = NULL;
    }
  return code;
}

static void put_int(lerobotTable* t, int* at, int64_t value) {
  ((int64_t*)t->data[(*at)++])[t->rows] = value;
}

static void put_feature(lerobotTable* t, int* at, const lerobotFeature* f, const lerobotPlace* video,
                        const lerobotStats* stats) {
  int64_t width = stats->width;
  if (f->kind == LEROBOT_VIDEO) {
    put_int(t, at, video->file / LEROBOT_CHUNK);
    put_int(t, at, video->file % LEROBOT_CHUNK);
    ((double*)t->data[(*at)++])[t->rows] = video->from;
    ((double*)t->data[(*at)++])[t->rows] = video->until;
  }
  for (int m = 0; m < LEROBOT_MEASURES; m++)
    memcpy((double*)t->data[(*at)++] + t->rows * width, stats->number + m * width,
           (size_t)width * sizeof(double));
  put_int(t, at, (int64_t)stats->count);
}

int lerobot_table_add(lerobotTable* t, const lerobotEpisode* e, loomError* err) {
  int at = 0;
  put_int(t, &at, e->index);
  put_int(t, &at, e->rows);
  put_int(t, &at, e->data.file / LEROBOT_CHUNK);
  put_int(t, &at, e->data.file % LEROBOT_CHUNK);
  put_int(t, &at, e->first);
  put_int(t, &at, e->first + e->rows);
  put_int(t, &at, 0);
  put_int(t, &at, 0);

  char* instruction = strdup(e->instruction);
  if (!instruction) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an episode");
  ((char**)t->data[at++])[t->rows] = instruction;
  for (int i = 0; i < t->features->n; i++)
    put_feature(t, &at, &t->features->feature[i], &e->video[i], &e->stats[i]);

  return ++t->rows == GROUP ? flush(t, err) : 0;
}

int lerobot_table_finish(lerobotTable* t, loomError* err) {
  int code = flush(t, err);
  if (code) {
    lerobot_table_abort(t);
    return code;
  }
  code = loom_parquet_finish(t->file, err);
  free_table(t);
  return code;
}

// ---- tasks

// pandas takes the texts for the rows' names: LeRobot looks a task up by its number's row.
static const char pandas[] =
    "{\"index_columns\": [\"task\"], \"column_indexes\": [{\"name\": null, \"field_name\": null, "
    "\"pandas_type\": \"unicode\", \"numpy_type\": \"object\", \"metadata\": null}], \"columns\": "
    "[{\"name\": "
    "\"task_index\", \"field_name\": \"task_index\", \"pandas_type\": \"int64\", \"numpy_type\": \"int64\", "
    "\"metadata\": null}, {\"name\": \"task\", \"field_name\": \"task\", \"pandas_type\": \"unicode\", "
    "\"numpy_type\": \"object\", \"metadata\": null}], \"creator\": {\"library\": \"demoloom\", \"version\": "
    "\"1\"}, \"pandas_version\": \"2.2.0\"}";

int lerobot_tasks_write(const char* path, const loomNames* tasks, loomError* err) {
  static const loomParquetColumn columns[] = {{.name = "task_index", .type = LOOM_TYPE_I64},
                                              {.name = "task", .type = LOOM_TYPE_STR}};
  loomParquetWriter* file;
  int64_t* number = calloc((size_t)tasks->n + 1, sizeof *number);
  if (!number) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  for (int i = 0; i < tasks->n; i++) number[i] = i;

  const void* data[] = {number, tasks->name};
  int code = loom_parquet_create(&file, path, columns, 2, err);
  if (code) {
    free(number);
    return code;
  }
  code = loom_parquet_note(file, "pandas", pandas, err);
  if (!code) code = loom_parquet_rows(file, data, tasks->n, err);
  if (code) {
    loom_parquet_abort(file);
  } else {
    code = loom_parquet_finish(file, err);
  }
  free(number);

  return code;
}
