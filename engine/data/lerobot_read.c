#include <errno.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/data/demo_parts.h"
#include "engine/data/env_type.h"
#include "engine/data/lerobot_internal.h"
#include "engine/draw/film.h"

enum {
  INFO_BYTES = 64 << 20,
  FILM_BYTES = 1 << 30,
  EPISODES_MAX = 10000000,
  ROWS_MAX = 100000000,
  NAME_BYTES = 256,
};

static const char data_path[] = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet";
static const char video_path[] = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4";

typedef struct episode {
  int64_t index, rows;
  int64_t chunk, file;
  lerobotPlace* video;  // (features); file = chunk * LEROBOT_CHUNK + number
} episode;

/// A film whose bytes are at hand.
typedef struct reel {
  int64_t file;  // -1: none
  char* bytes;
  size_t n;
} reel;

typedef struct reading {
  const loomLerobotDef* def;
  const char *folder, *out;
  loomLerobotTold* told;
  double fps;
  char robot[NAME_BYTES];
  bool films;
  lerobotFeatures features;

  int n;
  episode* episode;  // (n)
  loomParquet tasks;
  loomParquet extra;  // without columns where there is no such file
  int64_t extra_at;   // its rows of the episode at hand begin here, or later

  // The data file at hand.
  int64_t chunk, file, row;
  loomParquet data;
  reel* reel;  // (features)

  loomRunFolder parts;
} reading;

static int out_of_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a dataset");
}

static int place(char out[LOOM_PATH_MAX], const reading* r, const char* name, loomError* err) {
  if ((size_t)snprintf(out, LOOM_PATH_MAX, "%s/%s", r->folder, name) < LOOM_PATH_MAX) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE, "%.200s: path too long", r->folder);
}

// ---- info.json

static int check_version(const cJSON* info, const char* path, loomError* err) {
  const cJSON* version = cJSON_GetObjectItemCaseSensitive(info, "codebase_version");
  if (!cJSON_IsString(version))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no codebase_version; is it LeRobot's?", path);
  if (!strncmp(version->valuestring, "v3.", 3)) return 0;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "%s: is of version %.20s; " LEROBOT_VERSION
                        " is read, which lerobot's own convert_dataset_v21_to_v30 makes of v2.1",
                        path, version->valuestring);
}

// Files elsewhere than LeRobot's own are not looked for.
static int check_path(const cJSON* info, const char* key, const char* pattern, const char* path,
                      loomError* err) {
  const cJSON* given = cJSON_GetObjectItemCaseSensitive(info, key);
  if (!given || cJSON_IsNull(given) || (cJSON_IsString(given) && !strcmp(given->valuestring, pattern)))
    return 0;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: %s is another than '%s'; move the files there", path,
                        key, pattern);
}

static int use_info(reading* r, const cJSON* info, const char* path, loomError* err) {
  const cJSON *fps = cJSON_GetObjectItemCaseSensitive(info, "fps"),
              *robot = cJSON_GetObjectItemCaseSensitive(info, "robot_type");
  int code = check_version(info, path, err);
  if (!code) code = check_path(info, "data_path", data_path, path, err);
  if (!code) code = check_path(info, "video_path", video_path, path, err);
  if (code) return code;

  r->fps = cJSON_IsNumber(fps) ? fps->valuedouble : 0;
  if (!(r->fps >= 0.01 && r->fps <= 1000))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: fps is no rate of 0.01 to 1000 Hz", path);
  snprintf(r->robot, sizeof r->robot, "%s", cJSON_IsString(robot) ? robot->valuestring : "unknown");
  code = lerobot_features_parse(&r->features, &r->told->left_out,
                                cJSON_GetObjectItemCaseSensitive(info, "features"), path, err);
  for (int i = 0; i < r->features.n; i++) r->films = r->films || r->features.feature[i].kind == LEROBOT_VIDEO;

  return code;
}

static int read_info(reading* r, loomError* err) {
  char path[LOOM_PATH_MAX], *text = NULL;
  int code = place(path, r, "meta/info.json", err);
  if (!code) code = loom_read_text(&text, NULL, path, INFO_BYTES, err);
  if (code) return code;

  cJSON* info = loom_json_read(text);
  code = cJSON_IsObject(info) ? use_info(r, info, path, err)
                              : loom_error_set(err, LOOM_ERR_FORMAT, "%s: no JSON, or cut short", path);
  cJSON_Delete(info);
  free(text);
  return code;
}

static bool has_actions(const lerobotFeatures* features) {
  for (int i = 0; i < features->n; i++)
    for (int k = 0; k < features->feature[i].n; k++)
      if (!strcmp(features->feature[i].part[k].array, "actions")) return true;
  return false;
}

// ---- episodes and tasks

// A whole number of a column of one value a row; -1 where it is none.
static int64_t whole(const loomParquetValues* c, int64_t row, int64_t most) {
  double value = c && c->offset[row + 1] == c->offset[row] + 1 ? loom_parquet_number(c, c->offset[row]) : -1;
  return value >= 0 && value <= (double)most && value == floor(value) ? (int64_t)value : -1;
}

static double number(const loomParquetValues* c, int64_t row) {
  return c && c->offset[row + 1] == c->offset[row] + 1 ? loom_parquet_number(c, c->offset[row]) : NAN;
}

static const loomParquetValues* video_column(const loomParquet* table, const char* key, const char* what) {
  char name[NAME_BYTES + 64];
  snprintf(name, sizeof name, "videos/%.*s/%s", NAME_BYTES - 1, key, what);
  return loom_parquet_column(table, name);
}

static int use_videos(reading* r, episode* e, const loomParquet* table, int64_t row, const char* path,
                      loomError* err) {
  e->video = calloc((size_t)r->features.n + 1, sizeof *e->video);
  if (!e->video) return out_of_memory(err);
  for (int i = 0; i < r->features.n; i++) {
    const lerobotFeature* f = &r->features.feature[i];
    if (f->kind != LEROBOT_VIDEO) continue;
    int64_t chunk = whole(video_column(table, f->name, "chunk_index"), row, 999999),
            file = whole(video_column(table, f->name, "file_index"), row, LEROBOT_CHUNK * 1000);
    double from = number(video_column(table, f->name, "from_timestamp"), row);
    if (chunk < 0 || file < 0 || !(from >= 0 && from < 1e9))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: row %lld does not say where its film of '%.100s' is",
                            path, (long long)row, f->name);
    e->video[i] = (lerobotPlace){.file = chunk * 1000000 + file, .from = from};
  }

  return 0;
}

static int use_episodes(reading* r, const loomParquet* table, const char* path, loomError* err) {
  static const char* const names[] = {"episode_index", "length", "data/chunk_index", "data/file_index"};
  const loomParquetValues* c[4];
  for (int i = 0; i < 4; i++) {
    c[i] = loom_parquet_column(table, names[i]);
    if (!c[i]) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no column '%s'", path, names[i]);
  }
  if (table->rows > EPISODES_MAX - r->n)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: too many episodes", path);
  episode* more = realloc(r->episode, (size_t)(r->n + table->rows + 1) * sizeof *more);
  if (!more) return out_of_memory(err);
  r->episode = more;

  for (int64_t row = 0; row < table->rows; row++) {
    episode* e = &r->episode[r->n++];
    *e = (episode){whole(c[0], row, EPISODES_MAX), whole(c[1], row, ROWS_MAX), whole(c[2], row, 999999),
                   whole(c[3], row, 999999), NULL};
    if (e->index < 0 || e->rows < 1 || e->chunk < 0 || e->file < 0)
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: row %lld is no episode (%s, %s, ...)", path,
                            (long long)row, names[0], names[1]);
    int code = use_videos(r, e, table, row, path, err);
    if (code) return code;
  }

  return 0;
}

static int compare_episodes(const void* a, const void* b) {
  int64_t x = ((const episode*)a)->index, y = ((const episode*)b)->index;
  return (x > y) - (x < y);
}

// Only the columns that are needed: statistics are most of such a file.
static int read_episode_file(reading* r, const char* path, loomError* err) {
  static const char* const whats[] = {"chunk_index", "file_index", "from_timestamp"};
  loomNames names = {0, NULL};
  loomParquet table;
  int code = loom_names_add(&names, "episode_index");
  if (!code) code = loom_names_add(&names, "length");
  if (!code) code = loom_names_add(&names, "data/chunk_index");
  if (!code) code = loom_names_add(&names, "data/file_index");
  for (int i = 0; i < r->features.n; i++)
    for (int k = 0; !code && r->features.feature[i].kind == LEROBOT_VIDEO && k < 3; k++) {
      char name[NAME_BYTES + 64];
      snprintf(name, sizeof name, "videos/%.*s/%s", NAME_BYTES - 1, r->features.feature[i].name, whats[k]);
      code = loom_names_add(&names, name);
    }

  code = code ? out_of_memory(err)
              : loom_parquet_read(&table, path, (const char* const*)names.name, names.n, err);
  loom_names_destroy(&names);
  if (code) return code;
  code = use_episodes(r, &table, path, err);
  loom_parquet_destroy(&table);

  return code;
}

static int read_episodes(reading* r, loomError* err) {
  char pattern[LOOM_PATH_MAX];
  glob_t found = {0};
  int code = place(pattern, r, "meta/episodes/chunk-*/file-*.parquet", err);
  if (code) return code;
  int status = glob(pattern, 0, NULL, &found);
  if (status || !found.gl_pathc)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: is not there; copy the whole dataset", pattern);
  for (size_t i = 0; !code && i < found.gl_pathc; i++) code = read_episode_file(r, found.gl_pathv[i], err);
  globfree(&found);
  if (code) return code;

  if (!r->n) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no episodes", r->folder);
  qsort(r->episode, (size_t)r->n, sizeof *r->episode, compare_episodes);
  for (int i = 1; i < r->n; i++)
    if (r->episode[i].index == r->episode[i - 1].index)
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: meta/episodes tells of episode %lld twice", r->folder,
                            (long long)r->episode[i].index);

  return 0;
}

static int read_tasks(reading* r, loomError* err) {
  char path[LOOM_PATH_MAX];
  int code = place(path, r, "meta/tasks.parquet", err);
  return code ? code : loom_parquet_read(&r->tasks, path, NULL, 0, err);
}

// pandas calls a row's name "task", or nothing. NULL: none.
static const char* task_text(const reading* r, int64_t task) {
  const loomParquetValues *index = loom_parquet_column(&r->tasks, "task_index"), *text = NULL;
  for (int i = 0; i < r->tasks.n && !text; i++)
    if (r->tasks.column[i].type == LOOM_TYPE_STR) text = &r->tasks.column[i];
  for (int64_t i = 0; index && text && i < r->tasks.rows; i++)
    if (whole(index, i, INT32_MAX) == task && text->offset[i + 1] > text->offset[i])
      return loom_parquet_text(text, text->offset[i]);
  return NULL;
}

// ---- a data file

static int open_data(reading* r, const episode* e, loomError* err) {
  char name[128], path[LOOM_PATH_MAX];
  if (r->chunk == e->chunk && r->file == e->file) return 0;
  loom_parquet_destroy(&r->data);
  r->chunk = r->file = -1;

  const char** names = calloc((size_t)r->features.n + 3, sizeof *names);
  if (!names) return out_of_memory(err);
  int n = 0;
  for (int i = 0; i < r->features.n; i++)
    if (r->features.feature[i].kind == LEROBOT_COLUMN) names[n++] = r->features.feature[i].name;
  names[n++] = "episode_index";
  names[n++] = "task_index";

  snprintf(name, sizeof name, "data/chunk-%03lld/file-%03lld.parquet", (long long)e->chunk,
           (long long)e->file);
  int code = place(path, r, name, err);
  if (!code) code = loom_parquet_read(&r->data, path, names, n, err);
  free(names);
  if (code) return code;
  r->chunk = e->chunk;
  r->file = e->file;
  r->row = 0;
  return 0;
}

// Its rows lie together: *first.
static int find_rows(reading* r, int64_t* first, const episode* e, loomError* err) {
  const loomParquetValues* c = loom_parquet_column(&r->data, "episode_index");
  int64_t rows = r->data.rows, at = r->row, n = 0;
  if (at >= rows || whole(c, at, EPISODES_MAX) != e->index)
    for (at = 0; at < rows && whole(c, at, EPISODES_MAX) != e->index;) at++;
  while (at + n < rows && whole(c, at + n, EPISODES_MAX) == e->index) n++;

  *first = at;
  r->row = at + n;
  if (n == e->rows) return 0;
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "%s/data/chunk-%03lld/file-%03lld.parquet: has %lld rows of episode %lld, meta/episodes "
      "says %lld",
      r->folder, (long long)e->chunk, (long long)e->file, (long long)n, (long long)e->index,
      (long long)e->rows);
}

// ---- arrays of a demo

typedef struct making {
  int n;
  loomField* field;  // data malloc'ed
  int nattr;
  loomAttr* attr;
} making;

static void clear_making(making* m) {
  for (int i = 0; i < m->n; i++) free((void*)m->field[i].data);
  free(m->field);
  free(m->attr);
  *m = (making){0};
}

// Room for an array of so many rows; that of an earlier feature is taken over.
static void* add_array(making* m, const lerobotPart* p, int64_t rows) {
  int i = 0;
  void* data = calloc((size_t)(rows * p->width + 1), (size_t)loom_type_size(p->type));
  while (i < m->n && strcmp(m->field[i].path, p->array)) i++;
  if (i == m->n) {
    loomField* more = realloc(m->field, (size_t)(m->n + 1) * sizeof *more);
    if (!more || !data) {
      if (more) m->field = more;
      free(data);
      return NULL;
    }
    m->field = more;
    m->field[m->n++] = (loomField){0};
  }
  if (!data) return NULL;

  free((void*)m->field[i].data);
  m->field[i] =
      (loomField){.path = p->array, .type = p->type, .rank = p->rank + 1, .shape = {rows}, .data = data};
  for (int d = 0; d < p->rank; d++) m->field[i].shape[d + 1] = p->shape[d];

  return data;
}

static int check_width(const reading* r, const lerobotFeature* f, const loomParquetValues* c, int64_t first,
                       int64_t rows, loomError* err) {
  char file[LOOM_PATH_MAX];
  snprintf(file, sizeof file, "%.900s/data/chunk-%03lld/file-%03lld.parquet", r->folder, (long long)r->chunk,
           (long long)r->file);
  if (!c) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no column '%s'", file, f->name);
  if (c->type == LOOM_TYPE_STR)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: column '%s' holds texts, not numbers", file, f->name);
  for (int64_t i = first; i < first + rows; i++)
    if (c->offset[i + 1] - c->offset[i] != f->width)
      return loom_error_set(
          err, LOOM_ERR_FORMAT, "%s: row %lld of '%s' has %lld numbers, meta/info.json says %lld", file,
          (long long)i, f->name, (long long)(c->offset[i + 1] - c->offset[i]), (long long)f->width);

  // Whoever acts needs to know how.
  bool acts = !strcmp(f->name, "action");
  for (int64_t i = c->offset[first]; acts && i < c->offset[first + rows]; i++)
    if (!isfinite(loom_parquet_number(c, i)))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: row %lld of '%s' has no finite number at %lld", file,
                            (long long)(first + (i - c->offset[first]) / f->width), f->name,
                            (long long)((i - c->offset[first]) % f->width));

  return 0;
}

static int make_column(reading* r, making* m, const lerobotFeature* f, int64_t first, int64_t rows,
                       loomError* err) {
  const loomParquetValues* c = loom_parquet_column(&r->data, f->name);
  int64_t offset = 0;
  int code = check_width(r, f, c, first, rows, err);
  for (int k = 0; !code && k < f->n; k++) {
    const lerobotPart* p = &f->part[k];
    void* data = add_array(m, p, rows);
    if (!data) return out_of_memory(err);
    for (int64_t t = 0; t < rows; t++)
      for (int64_t i = 0; i < p->width; i++)
        lerobot_put_number(data, p->type, t * p->width + i, c, c->offset[first + t] + offset + i);
    offset += p->width;
  }

  return code;
}

static int make_film(reading* r, making* m, int i, const episode* e, loomError* err) {
  const lerobotFeature* f = &r->features.feature[i];
  const lerobotPart* p = &f->part[0];
  char name[NAME_BYTES + 96], path[LOOM_PATH_MAX];
  snprintf(name, sizeof name, "videos/%.*s/chunk-%03lld/file-%03lld.mp4", NAME_BYTES - 1, f->name,
           (long long)(e->video[i].file / 1000000), (long long)(e->video[i].file % 1000000));
  int code = place(path, r, name, err);

  // Its bytes are read once for all episodes in it.
  reel* film = &r->reel[i];
  if (!code && film->file != e->video[i].file) {
    free(film->bytes);
    *film = (reel){.file = -1};
    code = loom_read_text(&film->bytes, &film->n, path, FILM_BYTES, err);
    if (!code) film->file = e->video[i].file;
    if (!code) r->told->videos++;
  }
  if (code) return code;

  loomFilmFile file = {path, film->bytes, film->n};
  loomFilmDef def = {.what = path,
                     .width = (int)p->shape[1],
                     .height = (int)p->shape[0],
                     .begin = e->video[i].from,
                     .frames = (int)e->rows};
  loomFilm shown;
  code = loom_film_read(&shown, &file, 1, &def, err);
  if (code) return code;

  void* data = shown.frames == e->rows && shown.width == def.width && shown.height == def.height
                   ? add_array(m, p, e->rows)
                   : NULL;
  if (data) memcpy(data, shown.rgb, (size_t)(e->rows * p->width));
  if (!data)
    code =
        loom_error_set(err, LOOM_ERR_FORMAT,
                       "%s: has %d x %d pixels and %d frames for episode %lld; meta/ says %d x %d and %lld",
                       path, shown.width, shown.height, shown.frames, (long long)e->index, def.width,
                       def.height, (long long)e->rows);
  loom_film_destroy(&shown);

  return code;
}

// ---- attributes

static int add_attr(making* m, loomAttr attr) {
  loomAttr* more = realloc(m->attr, (size_t)(m->nattr + 1) * sizeof *more);
  if (!more) return LOOM_ERR_MEMORY;
  m->attr = more;
  m->attr[m->nattr++] = attr;
  return 0;
}

// Of a demo, or of `data` (-1), which stand in the order of the episodes. Texts are the table's.
static int add_extra(reading* r, making* m, int64_t index, loomError* err) {
  int64_t rows = r->extra.n ? r->extra.rows : 0;
  if (index < 0) r->extra_at = 0;
  for (; r->extra_at < rows; r->extra_at++) {
    lerobotExtra x = lerobot_extra_row(&r->extra, r->extra_at);
    if (x.episode > index) break;
    if (x.episode < index || !strcmp(x.kind, "mask") || !lerobot_extra_keeps(x.name)) continue;

    loomAttr attr = !strcmp(x.kind, "int")     ? loom_attr_int(x.name, strtoll(x.value, NULL, 10))
                    : !strcmp(x.kind, "float") ? loom_attr_double(x.name, strtod(x.value, NULL))
                                               : loom_attr_string(x.name, x.value);
    if (add_attr(m, attr)) return out_of_memory(err);
  }

  return 0;
}

static bool has_attr(const making* m, const char* name) {
  for (int i = 0; i < m->nattr; i++)
    if (!strcmp(m->attr[i].name, name)) return true;
  return false;
}

// What is done in it, unless it is only what the environment is called.
static int add_instruction(reading* r, making* m, int64_t first, loomError* err) {
  const loomParquetValues* c = loom_parquet_column(&r->data, "task_index");
  const char* text = r->extra.n ? NULL : task_text(r, whole(c, first, INT32_MAX));
  if (!text || has_attr(m, LEROBOT_INSTRUCTION)) return 0;
  return add_attr(m, loom_attr_string(LEROBOT_INSTRUCTION, text)) ? out_of_memory(err) : 0;
}

// ---- demos

// Exact ones last: they replace what their arrays are in float32.
static int make_features(reading* r, making* m, const episode* e, int64_t first, bool exact, loomError* err) {
  int code = 0;
  for (int i = 0; !code && i < r->features.n; i++) {
    const lerobotFeature* f = &r->features.feature[i];
    if (exact != !strncmp(f->name, "demoloom.", strlen("demoloom."))) continue;
    if (f->kind == LEROBOT_COLUMN) code = make_column(r, m, f, first, e->rows, err);
    if (f->kind == LEROBOT_VIDEO) code = make_film(r, m, i, e, err);
  }
  return code;
}

static int read_demo(reading* r, int i, loomError* err) {
  const episode* e = &r->episode[i];
  making m = {0};
  int64_t first = 0;
  int code = open_data(r, e, err);
  if (!code) code = find_rows(r, &first, e, err);
  if (!code) code = make_features(r, &m, e, first, false, err);
  if (!code) code = make_features(r, &m, e, first, true, err);
  if (!code) code = add_extra(r, &m, e->index, err);
  if (!code) code = add_instruction(r, &m, first, err);

  char name[32], path[LOOM_RUN_FILE_MAX];
  snprintf(name, sizeof name, "demo_%d", i);
  loomRecord record = {.name = name, .nfield = m.n, .field = m.field, .nattr = m.nattr, .attr = m.attr};
  loom_demo_part_path(path, &r->parts, i);
  if (!code) code = loom_shard_write(path, &record, 1, NULL, err);
  clear_making(&m);
  r->told->rows += e->rows;
  r->told->episodes++;

  return code;
}

static int read_demos(reading* r, loomError* err) {
  int code = 0;
  for (int i = 0; !code && i < r->n; i++) {
    code = read_demo(r, i, err);
    if (!code && r->def->progress && r->def->progress(r->def->user, i + 1, r->n))
      code = loom_error_set(err, LOOM_ERR_INTERRUPTED,
                            "interrupted after %d episodes; nothing was written: run it again", i + 1);
  }
  return code;
}

// ---- the file

// env_args of data that no simulator made, malloc'ed.
static char* make_env_args(const reading* r) {
  cJSON *root = cJSON_CreateObject(), *kwargs = NULL;
  cJSON_AddStringToObject(root, "env_name", "LeRobot");
  cJSON_AddNumberToObject(root, "type", LOOM_ENV_GYM);
  kwargs = cJSON_AddObjectToObject(root, "env_kwargs");
  cJSON_AddItemToArray(cJSON_AddArrayToObject(kwargs, "robots"), cJSON_CreateString(r->robot));
  cJSON_AddNumberToObject(kwargs, "control_freq", r->fps);
  char* text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);

  return text;
}

/// Masks while they are put together.
typedef struct masking {
  int n;
  loomMask* mask;
} masking;

static int mark(masking* m, const char* name, int demo, int most) {
  int i = 0;
  while (i < m->n && strcmp(m->mask[i].name, name)) i++;
  if (i == m->n) {
    loomMask* more = realloc(m->mask, (size_t)(m->n + 1) * sizeof *more);
    if (!more) return LOOM_ERR_MEMORY;
    m->mask = more;
    int* demos = calloc((size_t)most + 1, sizeof *demos);
    if (!demos) return LOOM_ERR_MEMORY;
    m->mask[m->n++] = (loomMask){name, 0, demos};
  }
  if (m->mask[i].n < most) ((int*)m->mask[i].demo)[m->mask[i].n++] = demo;

  return 0;
}

static int find_masks(masking* m, const reading* r, loomError* err) {
  int at = 0;
  for (int64_t i = 0; r->extra.n && i < r->extra.rows; i++) {
    lerobotExtra x = lerobot_extra_row(&r->extra, i);
    while (at < r->n && r->episode[at].index < x.episode) at++;
    if (strcmp(x.kind, "mask") || at == r->n || r->episode[at].index != x.episode || !*x.name) continue;
    if (strchr(x.name, '/') || mark(m, x.name, at, r->n)) return out_of_memory(err);
  }
  return 0;
}

static int show_assembled(void* user, int done, int total) {
  const reading* r = user;
  return r->def->progress && r->def->progress(r->def->user, done, total);
}

static int assemble(reading* r, loomError* err) {
  making data = {0};
  masking masks = {0};
  char(*path)[LOOM_RUN_FILE_MAX] = calloc((size_t)r->n, sizeof *path);
  loomSource* source = calloc((size_t)r->n, sizeof *source);
  char* env_args = make_env_args(r);
  int code = path && source && env_args ? 0 : out_of_memory(err);
  if (!code) code = add_extra(r, &data, -1, err);
  if (!code && !has_attr(&data, "env_args") && add_attr(&data, loom_attr_string("env_args", env_args)))
    code = out_of_memory(err);
  if (!code) code = find_masks(&masks, r, err);

  loomAssembleDef def = loom_default_assemble_def();
  def.attr = data.attr;
  def.nattr = data.nattr;
  def.mask = masks.mask;
  def.nmask = masks.n;
  def.keep_names = true;
  def.trusted = true;
  def.progress = show_assembled;
  def.user = r;
  def.valid = 0;
  for (int i = 0; !code && i < r->n; i++) {
    loom_demo_part_path(path[i], &r->parts, i);
    source[i].path = path[i];
  }
  if (!code) code = loom_dataset_assemble(r->out, source, r->n, &def, err);

  for (int i = 0; i < masks.n; i++) free((int*)masks.mask[i].demo);
  free(masks.mask);
  clear_making(&data);
  cJSON_free(env_args);
  free(source);
  free(path);

  return code;
}

static void free_reading(reading* r) {
  for (int i = 0; i < r->n; i++) free(r->episode[i].video);
  for (int i = 0; r->reel && i < r->features.n; i++) free(r->reel[i].bytes);
  free(r->episode);
  free(r->reel);
  loom_parquet_destroy(&r->tasks);
  loom_parquet_destroy(&r->extra);
  loom_parquet_destroy(&r->data);
  lerobot_features_destroy(&r->features);
}

int loom_lerobot_read(loomLerobotTold* told, const char* path, const char* folder, const loomLerobotDef* def,
                      loomError* err) {
  *told = (loomLerobotTold){0};
  reading r = {.def = def, .folder = folder, .out = path, .told = told, .chunk = -1, .file = -1};
  char extra[LOOM_PATH_MAX];
  int code = read_info(&r, err);
  if (!code && !has_actions(&r.features))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s/meta/info.json: has no feature 'action'", folder);
  if (!code) code = read_episodes(&r, err);
  if (!code) code = read_tasks(&r, err);
  if (!code) code = place(extra, &r, LEROBOT_EXTRA, err);
  if (!code) code = lerobot_extra_read(&r.extra, extra, err);

  r.reel = calloc((size_t)r.features.n + 1, sizeof *r.reel);
  if (!code && !r.reel) code = out_of_memory(err);
  for (int i = 0; r.reel && i < r.features.n; i++) r.reel[i].file = -1;

  // Demos go to files of their own, which are then put together.
  if (!code) code = loom_demo_parts_open(&r.parts, r.out, err);
  bool opened = r.parts.def.path != NULL;
  if (!code) code = read_demos(&r, err);
  if (!code) code = assemble(&r, err);
  if (opened) loom_run_folder_remove(&r.parts, NULL);
  free_reading(&r);
  return code;
}
