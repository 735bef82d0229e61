// demoloom render --obs: a dataset with pictures added to its observations. Each demo's pictures are a shard
// of their own until all are there, so that a run that was stopped goes on where it was.
#include <dirent.h>
#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/random.h"
#include "tools/common.h"
#include "tools/render_run.h"

typedef struct obsRun {
  const renderArgs* args;
  const loomDataset* dataset;
  char dir[LOOM_PATH_MAX];  // OUT.images, of the shards
  uint64_t hash;            // of what decides the pictures but for the demo
  bool* bad;                // (demos) could not be drawn
  int64_t drawn, total;     // pictures
  int finished;             // demos
  double begun;
} obsRun;

// ------------------------------------------------------------------------------------------------------
// one demo

enum { KINDS = RENDER_MODES, PATH_SIZE = 2 * LOOM_NAME_MAX };

// Name of a camera's pictures of a kind: "obs/agentview_image".
static void field_path(char out[PATH_SIZE], const renderArgs* a, int camera, int kind) {
  snprintf(out, PATH_SIZE, "obs/%.60s_%s", render_camera_name(a, camera),
           kind ? render_mode_names[kind] : "image");
}

/// Pictures of one demo, by camera and kind.
typedef struct obsFields {
  int n;
  loomField field[RENDER_MAX_CAMERAS * KINDS];
  char path[RENDER_MAX_CAMERAS * KINDS][PATH_SIZE];
  void* data[RENDER_MAX_CAMERAS * KINDS];  // by camera * KINDS + kind; NULL = not asked for
} obsFields;

static bool wanted(const renderArgs* a, int kind) {
  return a->modes >> kind & 1;
}

static int make_fields(obsFields* f, const renderArgs* a, int rows, loomError* err) {
  static const loomType types[KINDS] = {LOOM_TYPE_U8, LOOM_TYPE_F32, LOOM_TYPE_I32};
  memset(f, 0, sizeof *f);
  for (int i = 0; i < a->camera_count * KINDS; i++) {
    int kind = i % KINDS;
    if (!wanted(a, kind)) continue;
    int64_t channels = kind ? 1 : 3;
    f->data[i] = malloc((size_t)(rows * channels * loom_type_size(types[kind])) * (size_t)a->def.width *
                        (size_t)a->def.height);
    if (!f->data[i]) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d pictures", rows);
    field_path(f->path[i], a, i / KINDS, kind);
    f->field[f->n++] = (loomField){.path = f->path[i],
                                   .type = types[kind],
                                   .rank = 4,
                                   .shape = {rows, a->def.height, a->def.width, channels},
                                   .data = f->data[i]};
  }
  return 0;
}

static void free_fields(obsFields* f) {
  for (int i = 0; i < RENDER_MAX_CAMERAS * KINDS; i++) free(f->data[i]);
}

static int draw_row(obsFields* f, renderModel* w, const renderArgs* a, int row, loomError* err) {
  size_t at = (size_t)row * (size_t)a->def.width * (size_t)a->def.height;
  for (int c = 0; c < a->camera_count; c++) {
    unsigned char* rgb = f->data[c * KINDS];
    float* depth = f->data[c * KINDS + 1];
    int32_t* geom = f->data[c * KINDS + 2];
    int code = loom_renderer_set_camera(w->renderer, a->cameras[c], err);
    if (!code && (rgb || depth))
      code = loom_renderer_pixels(w->renderer, w->data, rgb ? rgb + 3 * at : NULL, depth ? depth + at : NULL,
                                  err);
    if (!code && geom) code = loom_renderer_segments(w->renderer, w->data, geom + at, err);
    if (code) return code;
  }
  return 0;
}

static int draw_rows(obsFields* f, renderModel* w, obsRun* run, const loomDemo* demo, loomError* err) {
  int code = 0;
  for (int t = 0; !code && t < demo->rows; t++) {
    if (tool_stop) return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted");
    render_model_pose(w, demo, t);
    code = draw_row(f, w, run->args, t, err);
#pragma omp critical(obs_progress)
    {
      run->drawn += run->args->camera_count;
      tool_progress("drawn", run->drawn, run->total, loom_clock() - run->begun, "pictures");
    }
  }
  return code;
}

static void shard_path(char path[LOOM_PATH_MAX + 64], const obsRun* run, int demo) {
  const char* name = loom_dataset_demo_name(run->dataset, demo);
  uint64_t hash = loom_hash(run->hash, name, strlen(name));
  snprintf(path, LOOM_PATH_MAX + 64, "%s/demo-%d-%016llx.hdf5", run->dir, demo, (unsigned long long)hash);
}

static int draw_demo(renderModel* w, obsRun* run, int number, loomError* err) {
  loomDemo demo;
  obsFields fields = {0};
  char path[LOOM_PATH_MAX + 64];
  int code = loom_demo_load(&demo, run->dataset, number, err);
  if (code) return code;
  int opened = render_model_open(w, run->args, run->dataset, &demo, err);
  code = opened < 0 ? opened : make_fields(&fields, run->args, demo.rows, err);
  if (!code) code = draw_rows(&fields, w, run, &demo, err);
  shard_path(path, run, number);
  loomAttr samples = loom_attr_int("num_samples", demo.rows);
  loomRecord record = {
      .name = demo.name, .nfield = fields.n, .field = fields.field, .nattr = 1, .attr = &samples};
  if (!code) code = loom_shard_write(path, &record, 1, NULL, err);
  if (code) render_model_close(w);  // whatever state its renderer is in
  free_fields(&fields);
  loom_demo_destroy(&demo);
  return code;
}

// ------------------------------------------------------------------------------------------------------
// all

// A demo that cannot be drawn is told and left out; a full disk or Ctrl-C ends the run.
static bool ends_run(int code) {
  return code == LOOM_ERR_INTERRUPTED || code == LOOM_ERR_IO || code == LOOM_ERR_MEMORY ||
         code == LOOM_ERR_USAGE;
}

static int draw_all(obsRun* run, loomError* err) {
  int code = 0, threads = run->args->threads ? (int)run->args->threads : omp_get_max_threads();
#pragma omp parallel num_threads(threads)
  {
    renderModel w = {0};
#pragma omp for schedule(dynamic, 1)
    for (int i = 0; i < run->args->demo_count; i++) {
      char path[LOOM_PATH_MAX + 64];
      loomError why = {0, ""};
      bool skip;
      int number = run->args->demos[i];
      shard_path(path, run, number);
#pragma omp critical(obs_code)
      skip = code || tool_stop;
      if (skip || tool_is_file(path)) continue;
      int bad = draw_demo(&w, run, number, &why);
      if (!bad) continue;
#pragma omp critical(obs_code)
      {
        run->bad[number] = true;
        if (!ends_run(bad)) {
          tool_progress_end();
          fprintf(stderr, "%s is left out: %s\n", loom_dataset_demo_name(run->dataset, number), why.message);
        } else if (!code) {
          code = bad;
          *err = why;
        }
      }
    }
    render_model_close(&w);
  }
  tool_progress_end();
  if (tool_stop)
    code = loom_error_set(err, LOOM_ERR_INTERRUPTED,
                          "interrupted: what is drawn lies in %s; --resume goes on", run->dir);
  return code;
}

static int count_pictures(obsRun* run, loomError* err) {
  for (int i = 0; i < run->args->demo_count; i++) {
    loomArray actions;
    char path[LOOM_PATH_MAX + 64];
    int number = run->args->demos[i];
    shard_path(path, run, number);
    if (tool_is_file(path)) continue;
    const char* object = loom_dataset_demo_path(run->dataset, number);
    int code = loom_dataset_describe(&actions, run->dataset, object, "actions", err);
    if (code) return code;
    run->total += actions.shape[0] * run->args->camera_count;
  }
  return 0;
}

// The cameras that are there of those robosuite's users expect; our own scenes have a front in agentview's
// place.
static int usual_cameras(renderArgs* a, const loomDataset* dataset, loomError* err) {
  static const char* const usual[] = {"agentview", "front", "robot0_eye_in_hand", "robot1_eye_in_hand"};
  loomDemo demo;
  mjModel* model = NULL;
  int code = loom_demo_load(&demo, dataset, a->demos[0], err);
  if (code) return code;
  code = loom_model_compile(&model, demo.model_xml, demo.name, &a->roots, NULL, err);
  for (size_t i = 0; !code && i < sizeof usual / sizeof *usual; i++) {
    if (mj_name2id(model, mjOBJ_CAMERA, usual[i]) >= 0) a->cameras[a->camera_count++] = usual[i];
  }
  if (!code && !a->camera_count) a->cameras[a->camera_count++] = NULL;
  mj_deleteModel(model);
  loom_demo_destroy(&demo);
  return code;
}

static int check_names(const renderArgs* a, const loomDataset* dataset, loomError* err) {
  const char* object = loom_dataset_demo_path(dataset, a->demos[0]);
  for (int i = 0; i < a->camera_count * KINDS; i++) {
    char name[PATH_SIZE];
    field_path(name, a, i / KINDS, i % KINDS);
    if (wanted(a, i % KINDS) && loom_dataset_has(dataset, object, name))
      return loom_error_set(err, LOOM_ERR_USAGE, "%s: it has %s already; choose other cameras",
                            loom_dataset_path(dataset), name);
  }
  return 0;
}

// What decides the pictures: the file as it is now, and how it is looked at.
static uint64_t hash_of(const renderArgs* a, const loomDataset* dataset) {
  struct stat st = {0};
  char text[LOOM_PATH_MAX + 256];
  const char* path = loom_dataset_path(dataset);
  if (stat(path, &st)) st.st_size = 0;
  int n = snprintf(text, sizeof text, "%lld %lld.%ld %dx%d %u %d%d%d", (long long)st.st_size,
                   (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, a->def.width, a->def.height, a->modes,
                   a->full, a->def.shadows, a->def.collision);
  uint64_t h = loom_hash(LOOM_HASH_SEED, text, (size_t)n);
  for (int c = 0; c < a->camera_count; c++) {
    const char* camera = render_camera_name(a, c);
    h = loom_hash(h, camera, strlen(camera) + 1);
  }
  return h;
}

static bool is_shard(const char* name) {
  return !strncmp(name, "demo-", 5);
}

static void remove_shards(const char* dir) {
  DIR* d = opendir(dir);
  if (!d) return;
  char path[LOOM_PATH_MAX + 300];
  for (struct dirent* entry; (entry = readdir(d));) {
    if (!is_shard(entry->d_name)) continue;
    snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
    unlink(path);
  }
  closedir(d);
  rmdir(dir);
}

static int open_shards(const obsRun* run, loomError* err) {
  const renderArgs* a = run->args;
  if (tool_is_file(a->obs) && !a->overwrite)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s is there already; --overwrite replaces it", a->obs);
  if (a->overwrite) remove_shards(run->dir);
  if (!mkdir(run->dir, 0777)) return 0;
  if (errno != EEXIST)
    return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be made (%s)", run->dir, strerror(errno));
  return a->resume ? 0
                   : loom_error_set(err, LOOM_ERR_USAGE,
                                    "%s is there from an earlier run; --resume goes on with it, --overwrite "
                                    "throws it away",
                                    run->dir);
}

// env_args as an environment that observes these pictures would have them.
static char* env_args_with_cameras(const renderArgs* a, const loomDataset* dataset) {
  char* text = NULL;
  if (loom_dataset_attr_string(&text, dataset, "data", "env_args", NULL)) return NULL;
  cJSON* root = cJSON_Parse(text);
  free(text);
  if (!cJSON_IsObject(root)) {
    cJSON_Delete(root);
    return NULL;
  }
  cJSON* kwargs = cJSON_GetObjectItemCaseSensitive(root, "env_kwargs");
  if (!kwargs) kwargs = cJSON_AddObjectToObject(root, "env_kwargs");
  static const char* const keys[] = {"camera_names",  "camera_heights", "camera_widths",
                                     "camera_depths", "use_camera_obs", "has_offscreen_renderer"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) cJSON_DeleteItemFromObject(kwargs, keys[i]);
  cJSON* names = cJSON_AddArrayToObject(kwargs, "camera_names");
  for (int c = 0; c < a->camera_count; c++)
    cJSON_AddItemToArray(names, cJSON_CreateString(render_camera_name(a, c)));
  cJSON_AddNumberToObject(kwargs, "camera_heights", a->def.height);
  cJSON_AddNumberToObject(kwargs, "camera_widths", a->def.width);
  cJSON_AddBoolToObject(kwargs, "camera_depths", wanted(a, 1));
  cJSON_AddBoolToObject(kwargs, "use_camera_obs", true);
  cJSON_AddBoolToObject(kwargs, "has_offscreen_renderer", true);
  text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  return text;
}

static int show_assembly(void* user, int done, int total) {
  const obsRun* run = user;
  tool_progress("written", done, total, loom_clock() - run->begun, "demos");
  return tool_stop;
}

static int assemble(obsRun* run, loomError* err) {
  const renderArgs* a = run->args;
  size_t n = (size_t)a->demo_count + 1;
  loomSource *source = calloc(n, sizeof *source), *beside = calloc(n, sizeof *beside);
  char(*path)[LOOM_PATH_MAX + 64] = calloc(n, sizeof *path);
  int count = 0;
  for (int i = 0; source && beside && path && i < a->demo_count; i++) {
    if (run->bad[a->demos[i]]) continue;
    shard_path(path[count], run, a->demos[i]);
    source[count] =
        (loomSource){loom_dataset_path(run->dataset), loom_dataset_demo_name(run->dataset, a->demos[i])};
    beside[count] = (loomSource){path[count], NULL};
    count++;
  }
  char* env_args = env_args_with_cameras(a, run->dataset);
  loomAttr attr = loom_attr_string("env_args", env_args ? env_args : "{}");
  loomAssembleDef def = loom_default_assemble_def();
  def.beside = beside;
  def.keep_names = true;
  def.attr = &attr;
  def.nattr = env_args ? 1 : 0;
  def.progress = show_assembly;
  def.user = run;
  int code = source && beside && path ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  if (!code && !count) code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demo could be drawn", a->target);
  if (!code) code = loom_dataset_assemble(a->obs, source, count, &def, err);
  tool_progress_end();
  run->finished = count;
  cJSON_free(env_args);
  free(source);
  free(beside);
  free(path);
  return code;
}

int render_obs(cJSON* out, renderArgs* a, const loomDataset* dataset, loomError* err) {
  obsRun run = {.args = a, .dataset = dataset};
  if (tool_is_file(a->obs) && tool_same_file(a->obs, loom_dataset_path(dataset)))
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: that is what is read; write another file", a->obs);
  if (!a->demo_count) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: it has no demos", a->target);
  // Each worker draws alone; threads of the driver's own would only get in their way.
  setenv("LP_NUM_THREADS", "0", 0);
  int code = a->camera_count ? 0 : usual_cameras(a, dataset, err);
  if (!code) code = check_names(a, dataset, err);
  run.hash = hash_of(a, dataset);
  snprintf(run.dir, sizeof run.dir, "%.*s.images", LOOM_PATH_MAX - 16, a->obs);
  if (!code) code = open_shards(&run, err);
  if (code) return code;
  run.bad = calloc((size_t)loom_dataset_demo_count(dataset) + 1, sizeof *run.bad);
  if (!run.bad) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  if (!code) code = count_pictures(&run, err);
  run.begun = loom_clock();
  if (!code) code = draw_all(&run, err);
  double seconds = loom_clock() - run.begun;
  run.begun = loom_clock();
  if (!code) code = assemble(&run, err);
  if (!code) remove_shards(run.dir);
  free(run.bad);
  if (code) return code;
  cJSON_AddStringToObject(out, "dataset", a->obs);
  cJSON_AddNumberToObject(out, "written", run.finished);
  cJSON_AddNumberToObject(out, "pictures", (double)run.drawn);
  cJSON_AddNumberToObject(out, "seconds", seconds);
  cJSON_AddNumberToObject(out, "pictures_per_second", seconds > 0 ? (double)run.drawn / seconds : 0);
  if (!a->json)
    printf("wrote %s: %d demos, %lld pictures of %dx%d, %.0f a second\n", a->obs, run.finished,
           (long long)run.drawn, a->def.width, a->def.height, seconds > 0 ? (double)run.drawn / seconds : 0);
  if (run.finished == a->demo_count) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%d of %d demos could not be drawn",
                        a->demo_count - run.finished, a->demo_count);
}
