#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/data/lerobot_internal.h"
#include "engine/draw/video.h"

enum { FRAMES_AT_ONCE = 64, BYTES_A_NUMBER = 4, ROBOT_MAX = 256 };

loomLerobotDef loom_default_lerobot_def(void) {
  return (loomLerobotDef){0};
}

void loom_lerobot_told_destroy(loomLerobotTold* told) {
  loom_names_destroy(&told->left_out);
  *told = (loomLerobotTold){0};
}

bool loom_lerobot_is(const char* folder) {
  char path[LOOM_PATH_MAX + 32];
  snprintf(path, sizeof path, "%.*s/meta/info.json", LOOM_PATH_MAX, folder);
  return loom_is_file(path);
}

/// A film that grows, of one feature.
typedef struct film {
  loomVideo* video;
  int64_t file;
} film;

typedef struct writing {
  const loomLerobotDef* def;
  const loomDataset* dataset;
  loomLerobotTold* told;
  const char* path;
  lerobotFeatures features;

  double fps;
  char robot[ROBOT_MAX], env_name[ROBOT_MAX];
  char codec[32];
  loomNames tasks;

  loomParquetWriter* data;
  int64_t data_file;
  lerobotTable* table;
  lerobotExtraWriter* extra;

  // (features) of the episode at hand, and of all
  void** column;
  film* film;
  lerobotPlace* place;
  lerobotStats *one, *all;
} writing;

static int out_of_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a dataset");
}

// ---- the folder

static loomRunFolderDef folder_def(const char* path, const char* const* input, bool overwrite) {
  static const char *const own[] = {NULL}, *const folders[] = {"meta",
                                                               "data",
                                                               "videos",
                                                               "episodes",
                                                               "chunk-[0-9]*",
                                                               "observation.image*",
                                                               NULL},
                           *const inner[] = {"info.json",
                                             "stats.json",
                                             "tasks.parquet",
                                             "file-*.parquet",
                                             "file-[0-9]*.mp4",
                                             "demoloom.parquet",
                                             NULL};
  return (loomRunFolderDef){.path = path,
                            .parents = true,
                            .mode = overwrite ? LOOM_FOLDER_OVERWRITE : LOOM_FOLDER_NEW,
                            .mark = "meta/info.json",
                            .own = own,
                            .folders = folders,
                            .inner = inner,
                            .ninput = 1,
                            .input = input,
                            .alternative = "take another folder"};
}

int loom_lerobot_check(const char* folder, const char* input, bool overwrite, loomError* err) {
  loomRunFolderDef def = folder_def(folder, &input, overwrite);
  return loom_run_folder_check(&def, err);
}

// FOLDER/name, once the folders to it are there.
static int place_file(char out[LOOM_RUN_FILE_MAX], const writing* w, const char* name, loomError* err) {
  int n = snprintf(out, LOOM_RUN_FILE_MAX, "%s/%s", w->path, name);
  if (n >= LOOM_PATH_MAX) return loom_error_set(err, LOOM_ERR_USAGE, "%.200s: path too long", w->path);
  char* slash = strrchr(out, '/');
  *slash = '\0';
  int code = loom_make_folder(out, true, err);
  *slash = '/';
  return code;
}

// "data/chunk-000/file-003.parquet"
static int place_number(char out[LOOM_RUN_FILE_MAX], const writing* w, const char* folder, const char* sub,
                        int64_t file, const char* end, loomError* err) {
  char name[512];
  snprintf(name, sizeof name, "%s/%s%schunk-%03lld/file-%03lld.%s", folder, sub, *sub ? "/" : "",
           (long long)(file / LEROBOT_CHUNK), (long long)(file % LEROBOT_CHUNK), end);
  return place_file(out, w, name, err);
}

static int write_json(const writing* w, const char* name, cJSON* json, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  char* text = json ? cJSON_Print(json) : NULL;
  int code = text ? place_file(path, w, name, err) : out_of_memory(err);
  if (!code) code = loom_file_write_text(path, text, err);
  cJSON_free(text);
  cJSON_Delete(json);
  return code;
}

// ---- what the file says of itself

// Robots' names one after the other, "PandaDexRH+PandaDexLH".
static void name_robots(char out[ROBOT_MAX], const cJSON* robots) {
  const cJSON* one;
  if (cJSON_IsString(robots)) snprintf(out, ROBOT_MAX, "%s", robots->valuestring);
  cJSON_ArrayForEach(one, robots) {
    size_t n = strlen(out);
    if (cJSON_IsString(one)) snprintf(out + n, ROBOT_MAX - n, "%s%s", n ? "+" : "", one->valuestring);
  }
}

static int read_env(writing* w, loomError* err) {
  char* text = NULL;
  if (loom_dataset_has_env_args(w->dataset)) {
    int code = loom_dataset_env_args(&text, w->dataset, err);
    if (code) return code;
  }

  cJSON* env = text ? loom_json_read(text) : NULL;
  const cJSON *kwargs = cJSON_GetObjectItemCaseSensitive(env, "env_kwargs"),
              *name = cJSON_GetObjectItemCaseSensitive(env, "env_name"),
              *rate = cJSON_GetObjectItemCaseSensitive(kwargs, "control_freq");
  name_robots(w->robot, cJSON_GetObjectItemCaseSensitive(kwargs, "robots"));
  if (cJSON_IsString(name)) snprintf(w->env_name, sizeof w->env_name, "%s", name->valuestring);
  w->fps = w->def->fps > 0 ? w->def->fps : cJSON_IsNumber(rate) ? rate->valuedouble : 0;
  cJSON_Delete(env);
  free(text);
  if (w->fps >= 0.01 && w->fps <= 1000) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: its env_args say no control_freq (0.01 to 1000 Hz); give --fps",
                        loom_dataset_path(w->dataset));
}

// What is done in a demo, malloc'ed.
static char* instruction_of(const writing* w, const char* demo) {
  char* text = NULL;
  if (w->def->instruction) return strdup(w->def->instruction);
  if (loom_dataset_has_attr(w->dataset, demo, LEROBOT_INSTRUCTION) &&
      !loom_dataset_attr_string(&text, w->dataset, demo, LEROBOT_INSTRUCTION, NULL))
    return text;

  // robosuite's and robocasa's recordings keep it in ep_meta.
  if (loom_dataset_has_attr(w->dataset, demo, "ep_meta"))
    loom_dataset_attr_string(&text, w->dataset, demo, "ep_meta", NULL);
  cJSON* meta = text ? loom_json_read(text) : NULL;
  const cJSON* lang = cJSON_GetObjectItemCaseSensitive(meta, "lang");
  char* said = strdup(cJSON_IsString(lang) && *lang->valuestring ? lang->valuestring
                      : *w->env_name                             ? w->env_name
                                                                 : "demonstration");
  cJSON_Delete(meta);
  free(text);

  return said;
}

static int task_of(writing* w, const char* instruction) {
  for (int i = 0; i < w->tasks.n; i++)
    if (!strcmp(w->tasks.name[i], instruction)) return i;
  return loom_names_add(&w->tasks, instruction) ? -1 : w->tasks.n - 1;
}

// ---- rows

static double number_of(const loomArray* a, int64_t i) {
  return loom_parquet_number(&(loomParquetValues){.type = a->type, .data = a->data}, i);
}

// Bytes among features are yes or no.
static void put_number(void* to, loomType type, int64_t at, const loomArray* from, int64_t i) {
  const loomParquetValues values = {.type = from->type, .data = from->data};
  if (type == LOOM_TYPE_U8)
    ((uint8_t*)to)[at] = number_of(from, i) != 0;
  else
    lerobot_put_number(to, type, at, &values, i);
}

// Every demo has what the first has.
static int check_shape(const writing* w, const char* demo, const lerobotPart* p, const loomArray* a,
                       int64_t rows, loomError* err) {
  bool same = a->rank == p->rank + 1 && a->shape[0] == rows && a->type == p->type;
  for (int d = 0; same && d < p->rank; d++)
    same = a->shape[d + 1] == p->shape[d] || (p->rank == 3 && (a->shape[d + 1] & ~1) == p->shape[d]);
  if (same) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: %s/%s has another shape or type than that of the first demo, or not a row for "
                        "each action; take demos that agree (`demoloom dataset filter`)",
                        loom_dataset_path(w->dataset), demo, p->array);
}

static int fill_column(writing* w, void* to, const lerobotFeature* f, const char* demo, int64_t rows,
                       loomError* err) {
  int64_t offset = 0;
  for (int k = 0; k < f->n; k++) {
    const lerobotPart* p = &f->part[k];
    loomArray a;
    int code = loom_dataset_array(&a, w->dataset, demo, p->array, err);
    if (code) return code;

    code = check_shape(w, demo, p, &a, rows, err);
    for (int64_t t = 0; !code && t < rows; t++)
      for (int64_t i = 0; i < p->width; i++)
        put_number(to, f->type, t * f->width + offset + i, &a, t * p->width + i);
    loom_array_destroy(&a);
    if (code) return code;
    offset += p->width;
  }

  return 0;
}

static void fill_counter(const writing* w, void* to, lerobotKind kind, int64_t rows, int64_t episode,
                         int64_t task) {
  for (int64_t t = 0; t < rows; t++) {
    if (kind == LEROBOT_TIME) {
      ((float*)to)[t] = (float)((double)t / w->fps);
      continue;
    }
    ((int64_t*)to)[t] = kind == LEROBOT_FRAME     ? t
                        : kind == LEROBOT_EPISODE ? episode
                        : kind == LEROBOT_INDEX   ? w->told->rows + t
                                                  : task;
  }
}

static int begin_data(writing* w, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  if (w->data && loom_parquet_bytes(w->data) < LEROBOT_DATA_MB * 1e6) return 0;
  int code = 0;
  if (w->data) {
    loomParquetWriter* full = w->data;
    w->data = NULL;
    w->data_file++;
    code = loom_parquet_finish(full, err);
  }
  if (!code) code = place_number(path, w, "data", "", w->data_file, "parquet", err);
  if (code) return code;

  loomParquetColumn* column = calloc((size_t)w->features.n + 1, sizeof *column);
  int n = 0;
  for (int i = 0; column && i < w->features.n; i++) {
    const lerobotFeature* f = &w->features.feature[i];
    if (f->kind == LEROBOT_VIDEO) continue;
    column[n++] = (loomParquetColumn){
        .name = f->name, .type = f->type, .rank = f->width > 1 ? 1 : 0, .shape = {f->width}};
  }
  code = column ? loom_parquet_create(&w->data, path, column, n, err) : out_of_memory(err);
  free(column);

  return code;
}

static int write_rows(writing* w, const char* demo, int64_t rows, int64_t episode, int64_t task,
                      loomError* err) {
  const void** data = calloc((size_t)w->features.n + 1, sizeof *data);
  int n = 0, code = data ? begin_data(w, err) : out_of_memory(err);
  for (int i = 0; !code && i < w->features.n; i++) {
    const lerobotFeature* f = &w->features.feature[i];
    if (f->kind == LEROBOT_VIDEO) continue;
    free(w->column[i]);
    w->column[i] = malloc((size_t)(rows * f->width + 1) * (size_t)loom_type_size(f->type));
    if (!w->column[i]) code = out_of_memory(err);

    if (!code && f->kind == LEROBOT_COLUMN) code = fill_column(w, w->column[i], f, demo, rows, err);
    if (!code && f->kind > LEROBOT_VIDEO) fill_counter(w, w->column[i], f->kind, rows, episode, task);
    if (!code) code = lerobot_stats_rows(&w->one[i], w->column[i], f->type, rows, err);
    data[n++] = w->column[i];
  }

  if (!code) code = loom_parquet_rows(w->data, data, rows, err);
  free(data);
  return code;
}

// ---- films

static int begin_film(writing* w, int i, loomError* err) {
  const lerobotFeature* f = &w->features.feature[i];
  film* m = &w->film[i];
  char path[LOOM_RUN_FILE_MAX];
  int code = 0;
  if (m->video && loom_video_bytes(m->video) < LEROBOT_VIDEO_MB * 1e6) return 0;
  if (m->video) {
    code = loom_video_finish(m->video, err);
    loom_video_destroy(m->video);
    m->video = NULL;
    m->file++;
  }

  loomVideoDef def = {(int)f->part[0].shape[1], (int)f->part[0].shape[0], w->fps, LEROBOT_GOP};
  if (!code) code = place_number(path, w, "videos", f->name, m->file, "mp4", err);
  if (!code) code = loom_video_create(&m->video, path, &def, err);
  if (code) return code;

  // LeRobot's names are ffmpeg's for the format, not for what wrote it.
  snprintf(w->codec, sizeof w->codec, "%s", strcmp(loom_video_encoder(m->video), "mpeg4") ? "h264" : "mpeg4");
  w->told->videos++;
  return 0;
}

static void count_bytes(int64_t seen[3][256], const unsigned char* rgb, int64_t pixels) {
  for (int64_t i = 0; i < pixels; i++)
    for (int k = 0; k < 3; k++) seen[k][rgb[3 * i + k]]++;
}

// Pictures first .. last-1, cut to the film's size in place.
static int add_frames(loomVideoPart* part, int64_t seen[3][256], const loomArray* a, const lerobotPart* p,
                      loomError* err) {
  int64_t height = p->shape[0], width = p->shape[1], row = 3 * a->shape[2], code = 0;
  for (int64_t t = 0; !code && t < a->shape[0]; t++) {
    unsigned char* rgb = (unsigned char*)a->data + t * a->shape[1] * row;
    for (int64_t y = 1; y < height && row != 3 * width; y++)
      memmove(rgb + y * 3 * width, rgb + y * row, (size_t)(3 * width));
    count_bytes(seen, rgb, width * height);
    code = loom_video_part_add(part, &(loomImage){(int)width, (int)height, rgb}, err);
  }

  return (int)code;
}

static int write_film(writing* w, int i, const char* demo, int64_t rows, loomError* err) {
  const lerobotFeature* f = &w->features.feature[i];
  const lerobotPart* p = &f->part[0];
  int64_t seen[3][256] = {{0}};
  loomVideoPart* part = NULL;
  loomArray a;
  int code = begin_film(w, i, err);
  if (!code) code = loom_dataset_describe(&a, w->dataset, demo, p->array, err);
  if (!code) code = check_shape(w, demo, p, &a, rows, err);
  if (!code) code = loom_video_part_create(&part, w->film[i].video, err);

  for (int64_t t = 0; !code && t < rows; t += FRAMES_AT_ONCE) {
    int64_t last = t + FRAMES_AT_ONCE < rows ? t + FRAMES_AT_ONCE : rows;
    code = loom_dataset_rows(&a, w->dataset, demo, p->array, t, last, err);
    if (code) break;
    code = add_frames(part, seen, &a, p, err);
    loom_array_destroy(&a);
  }

  // Each episode begins with a key frame, behind the one before it.
  if (!code) code = loom_video_part_end(part, err);
  lerobotPlace* place = &w->place[i];
  if (!code)
    *place =
        (lerobotPlace){.file = w->film[i].file, .from = (double)loom_video_frames(w->film[i].video) / w->fps};
  if (!code) code = loom_video_append(w->film[i].video, part, err);
  if (!code) place->until = (double)loom_video_frames(w->film[i].video) / w->fps;
  if (!code) lerobot_stats_bytes(&w->one[i], seen, rows);
  loom_video_part_destroy(part);

  return code;
}

// ---- episodes

static int write_episode(writing* w, int demo, loomError* err) {
  const char* path = loom_dataset_demo_path(w->dataset, demo);
  loomArray actions;
  int code = loom_dataset_describe(&actions, w->dataset, path, "actions", err);
  if (code) return code;

  int64_t rows = actions.shape[0];
  char* instruction = instruction_of(w, path);
  int task = instruction ? task_of(w, instruction) : -1;
  if (task < 0) code = out_of_memory(err);
  if (!code) code = write_rows(w, path, rows, demo, task, err);
  for (int i = 0; !code && i < w->features.n; i++)
    if (w->features.feature[i].kind == LEROBOT_VIDEO) code = write_film(w, i, path, rows, err);
  if (!code && w->extra) code = lerobot_extra_demo(w->extra, demo, err);

  lerobotEpisode e = {.index = demo,
                      .first = w->told->rows,
                      .rows = rows,
                      .instruction = instruction,
                      .data = {.file = w->data_file},
                      .video = w->place,
                      .stats = w->one};
  if (!code) code = lerobot_table_add(w->table, &e, err);
  for (int i = 0; !code && i < w->features.n; i++) lerobot_stats_merge(&w->all[i], &w->one[i]);
  free(instruction);
  w->told->rows += rows;
  w->told->episodes++;

  return code;
}

static int write_episodes(writing* w, loomError* err) {
  int code = 0, n = loom_dataset_demo_count(w->dataset);
  for (int i = 0; !code && i < n; i++) {
    code = write_episode(w, i, err);
    if (!code && w->def->progress && w->def->progress(w->def->user, i + 1, n))
      code = loom_error_set(err, LOOM_ERR_INTERRUPTED,
                            "interrupted after %d episodes; nothing was written: run it again", i + 1);
  }
  return code;
}

// ---- all of it

static cJSON* info_json(const writing* w) {
  char split[32];
  bool films = w->told->videos > 0;
  cJSON* root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "codebase_version", LEROBOT_VERSION);
  cJSON_AddStringToObject(root, "robot_type", *w->robot ? w->robot : "unknown");
  cJSON_AddNumberToObject(root, "total_episodes", w->told->episodes);
  cJSON_AddNumberToObject(root, "total_frames", (double)w->told->rows);
  cJSON_AddNumberToObject(root, "total_tasks", w->tasks.n);
  cJSON_AddNumberToObject(root, "chunks_size", LEROBOT_CHUNK);
  cJSON_AddNumberToObject(root, "data_files_size_in_mb", LEROBOT_DATA_MB);
  cJSON_AddNumberToObject(root, "video_files_size_in_mb", LEROBOT_VIDEO_MB);
  cJSON_AddNumberToObject(root, "fps", w->fps);

  snprintf(split, sizeof split, "0:%d", w->told->episodes);
  cJSON_AddStringToObject(cJSON_AddObjectToObject(root, "splits"), "train", split);
  cJSON_AddStringToObject(root, "data_path", "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet");
  cJSON_AddItemToObject(
      root, "video_path",
      films ? cJSON_CreateString("videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4")
            : cJSON_CreateNull());
  cJSON_AddItemToObject(root, "features", lerobot_features_json(&w->features, w->fps, w->codec));

  return root;
}

static int begin(writing* w, loomError* err) {
  size_t n = (size_t)w->features.n + 1;
  char path[LOOM_RUN_FILE_MAX];
  w->column = calloc(n, sizeof *w->column);
  w->film = calloc(n, sizeof *w->film);
  w->place = calloc(n, sizeof *w->place);
  w->one = calloc(n, sizeof *w->one);
  w->all = calloc(n, sizeof *w->all);
  int code = w->column && w->film && w->place && w->one && w->all ? 0 : out_of_memory(err);
  for (int i = 0; !code && i < w->features.n; i++) {
    code = lerobot_stats_create(&w->one[i], w->features.feature[i].width, err);
    if (!code) code = lerobot_stats_create(&w->all[i], w->features.feature[i].width, err);
  }

  if (!code) code = place_number(path, w, "meta", "episodes", 0, "parquet", err);
  if (!code) code = lerobot_table_create(&w->table, path, &w->features, err);
  if (!code && !w->def->lean) code = place_file(path, w, LEROBOT_EXTRA, err);
  if (!code && !w->def->lean) code = lerobot_extra_create(&w->extra, path, w->dataset, err);

  return code;
}

// info.json last: without it there is no dataset.
static int end(writing* w, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loomParquetWriter* data = w->data;
  lerobotTable* table = w->table;
  lerobotExtraWriter* extra = w->extra;
  w->data = NULL;
  int code = data ? loom_parquet_finish(data, err) : 0;
  for (int i = 0; !code && i < w->features.n; i++)
    if (w->film[i].video) code = loom_video_finish(w->film[i].video, err);
  if (!code) {
    w->table = NULL;
    code = lerobot_table_finish(table, err);
  }
  if (!code && extra) {
    w->extra = NULL;
    code = lerobot_extra_finish(extra, err);
  }
  if (!code) code = place_file(path, w, "meta/tasks.parquet", err);
  if (!code) code = lerobot_tasks_write(path, &w->tasks, err);
  if (!code) code = write_json(w, "meta/stats.json", lerobot_stats_json(&w->features, w->all), err);

  return code ? code : write_json(w, "meta/info.json", info_json(w), err);
}

static void free_writing(writing* w) {
  loom_parquet_abort(w->data);
  lerobot_table_abort(w->table);
  lerobot_extra_abort(w->extra);
  for (int i = 0; i < w->features.n; i++) {
    if (w->column) free(w->column[i]);
    if (w->film) loom_video_destroy(w->film[i].video);
    if (w->one) lerobot_stats_destroy(&w->one[i]);
    if (w->all) lerobot_stats_destroy(&w->all[i]);
  }
  free(w->column);
  free(w->film);
  free(w->place);
  free(w->one);
  free(w->all);
  loom_names_destroy(&w->tasks);
  lerobot_features_destroy(&w->features);
}

// Bytes that it takes at least: half of its numbers as float32; films are small.
static double least_bytes(const writing* w) {
  double row = 0, rows = 0;
  for (int i = 0; i < w->features.n; i++)
    if (w->features.feature[i].kind != LEROBOT_VIDEO)
      row += BYTES_A_NUMBER * (double)w->features.feature[i].width;
  for (int i = 0; i < loom_dataset_demo_count(w->dataset); i++) {
    loomArray a;
    if (!loom_dataset_describe(&a, w->dataset, loom_dataset_demo_path(w->dataset, i), "actions", NULL))
      rows += (double)a.shape[0];
  }

  return row * rows / 2;
}

int loom_lerobot_write(loomLerobotTold* told, const char* folder, const loomDataset* dataset,
                       const loomLerobotDef* def, loomError* err) {
  *told = (loomLerobotTold){0};
  writing w = {.def = def, .dataset = dataset, .told = told, .path = folder};
  const char* input = loom_dataset_path(dataset);
  loomRunFolderDef place = folder_def(folder, &input, def->overwrite);
  loomRunFolder held = {0};

  // Nothing is made before all is known to fit.
  int code = loom_run_folder_check(&place, err);
  if (!code) code = read_env(&w, err);
  if (!code) code = lerobot_features_make(&w.features, &told->left_out, dataset, def, err);
  if (!code) code = loom_folder_check_place(folder, least_bytes(&w), err);
  if (!code) code = loom_run_folder_open(&held, &place, err);
  bool opened = !code;

  if (!code) code = begin(&w, err);
  if (!code) code = write_episodes(&w, err);
  if (!code) code = end(&w, err);
  free_writing(&w);
  if (opened && code) loom_run_folder_remove(&held, NULL);
  if (opened && !code) loom_run_folder_close(&held);
  return code;
}
