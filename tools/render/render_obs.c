// demoloom render --obs: a dataset with pictures added to its observations. Each demo's pictures are a shard
// of their own until all are there, so that a run that was stopped goes on where it was.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/base/pool.h"
#include "engine/observe/glimpse.h"
#include "engine/observe/sense.h"
#include "engine/sim/disturb.h"
#include "tools/render/render_looks.h"
#include "tools/render/render_obs.h"
#include "tools/shared/common.h"

enum { KINDS = RENDER_MODES };

// ---- one demo

// What each key is in a file.
static loomField field_of(const obsRun* run, int k, int rows) {
  const loomObsKey* key = &run->key[k];
  loomField field = {
      .path = run->path[k], .type = key->type, .rank = 1 + key->rank, .shape = {rows, 1, 1, 1}};
  for (int i = 0; i < key->rank; i++) field.shape[1 + i] = key->shape[i];
  return field;
}

static size_t row_bytes(const loomField* f) {
  size_t bytes = (size_t)loom_type_size(f->type);
  for (int i = 1; i < f->rank; i++) bytes *= (size_t)f->shape[i];
  return bytes;
}

/// What a worker draws with, and why its last demo is left out (code 0: it is not).
typedef struct obsWorker {
  loomSense* sense;
  renderLooks looks;
  loomGlimpse glimpse;
  loomError left_out;
} obsWorker;

// A demo that was disturbed has the pictures that a policy was to see of it: late ones, too.
static const double* seen_row(obsWorker* w, const loomDemo* demo, int t) {
  const double* qpos = demo->states + (size_t)t * (size_t)demo->state_dim + 1;
  return w->looks.episode ? loom_glimpse_see(&w->glimpse, w->looks.episode, t, qpos) : qpos;
}

static int draw_rows(const loomField* field, void* const* data, obsWorker* w, obsRun* run,
                     const loomDemo* demo, loomError* err) {
  // Rows of the states are time, positions and velocities of the model they were recorded with.
  const mjModel* m = loom_sense_model_of(w->sense);
  if (demo->state_dim != 1 + m->nq + m->nv)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: states have %d columns, its model 1 + nq + nv = %d",
                          loom_dataset_path(run->dataset), demo->name, demo->state_dim,
                          (int)(1 + m->nq + m->nv));

  int code = 0;
  for (int t = 0; !code && t < demo->rows; t++) {
    void* out[RENDER_OBS_KEYS];

    // Each key's place of this row.
    if (tool_stop) return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted");
    for (int k = 0; k < run->keys; k++) out[k] = (char*)data[k] + (size_t)t * row_bytes(&field[k]);
    code = loom_sense_look(out, w->sense, seen_row(w, demo, t), err);

#pragma omp critical(obs_progress)
    {
      run->drawn += run->keys;
      if (tool_sharing_shows(&run->args->sharing))
        tool_progress("drawn", run->drawn, run->total, loom_clock() - run->begun, "pictures");
    }
  }
  return code;
}

// Demos of one model share what draws them; each looks in its own way.
static int open_looks(obsWorker* w, const obsRun* run, const loomDemo* demo, int item, loomError* err) {
  const loomAssetRoots* roots = &run->args->roots;
  char label[LOOM_PATH_MAX];
  snprintf(label, sizeof label, "%.800s:data/%.100s", loom_dataset_path(run->dataset), demo->name);

  int code = loom_sense_model(w->sense, demo->model_xml, label, roots, err);
  if (!code && !render_obs_context(run, item))
    code = render_looks_open(&w->looks, run->task, run->dataset, demo, roots, err);
  if (!code && render_obs_context(run, item)) {
    renderContext context = {run->args->context_set, (uint64_t)run->args->seed,
                             render_obs_context_number(run, item)};
    code = render_looks_context(&w->looks, run->task, run->dataset, demo, roots, &context, err);
  }
  if (!code) code = loom_sense_looks(w->sense, w->looks.episode, err);
  return !code && w->looks.episode ? loom_glimpse_begin(&w->glimpse, w->looks.episode, err) : code;
}

// Where other processes may write it too, each has a draft of its own.
static int write_shard(const obsRun* run, int worker, int item, const loomRecord* record, loomError* err) {
  char path[LOOM_PATH_MAX], draft[LOOM_PATH_MAX];
  render_obs_shard(path, run, item);
  if (!run->share) return loom_shard_write(path, record, 1, NULL, err);

  loom_share_draft(draft, run->share, worker, path);
  int code = loom_shard_write(draft, record, 1, NULL, err);
  return code ? code : loom_share_put(draft, path, err);
}

static int draw_obs_demo(obsWorker* w, obsRun* run, int worker, int item, loomError* err) {
  loomDemo demo;
  loomField field[RENDER_OBS_KEYS];
  void* data[RENDER_OBS_KEYS] = {NULL};
  char* drawn = NULL;
  int keys = run->keys, code = loom_demo_load(&demo, run->dataset, render_obs_demo(run, item), err);
  if (code) return code;

  code = open_looks(w, run, &demo, item, err);
  if (!code && render_obs_context(run, item)) code = loom_disturb_text(&drawn, w->looks.episode, err);

  // All rows of the demo are held: the shard is written at once.
  for (int k = 0; !code && k < keys; k++) {
    field[k] = field_of(run, k, demo.rows);
    field[k].data = data[k] = malloc((size_t)demo.rows * row_bytes(&field[k]));
    if (!data[k]) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d pictures", demo.rows);
  }

  if (!code) code = draw_rows(field, data, w, run, &demo, err);
  loomAttr attr[] = {loom_attr_int("num_samples", demo.rows),
                     loom_attr_string(RENDER_CONTEXT_ATTR, drawn ? drawn : "")};
  loomRecord record = {
      .name = demo.name, .nfield = keys, .field = field, .nattr = drawn ? 2 : 1, .attr = attr};
  if (!code) code = write_shard(run, worker, item, &record, err);
  free(drawn);

  for (int k = 0; k < keys; k++) free(data[k]);
  loom_demo_destroy(&demo);
  return code;
}

// ---- all

// A demo that cannot be drawn is told and left out; a full disk or Ctrl-C ends the run.
static bool ends_run(int code) {
  return code == LOOM_ERR_INTERRUPTED || code == LOOM_ERR_IO || code == LOOM_ERR_MEMORY ||
         code == LOOM_ERR_USAGE;
}

typedef struct obsDrawing {
  obsRun* run;
  obsWorker* worker;
} obsDrawing;

static void destroy_sense(void* user, int worker) {
  const obsDrawing* d = user;
  obsWorker* w = &d->worker[worker];
  loom_sense_destroy(w->sense);
  loom_glimpse_destroy(&w->glimpse);
  render_looks_close(&w->looks);
}

// The first demo's pictures tell how large all are: each a shard, then with a copy of the demos in the
// dataset.
static int check_disk(obsRun* run, const char* shard, loomError* err) {
  bool told;
#pragma omp atomic capture
  {
    told = run->told;
    run->told = true;
  }
  return told ? 0 : loom_check_room_like(run->args->obs, shard, 2 * (int64_t)run->items - 1, err);
}

// 0 also for a demo that is left out.
static int draw_item(obsWorker* w, obsRun* run, int worker, int i, loomError* err) {
  char path[LOOM_PATH_MAX];
  loomError why = {0, ""};
  int code = w->sense ? 0 : loom_sense_create(&w->sense, &run->sense, run->key, run->keys, &why);
  if (!code) code = draw_obs_demo(w, run, worker, i, &why);
  render_obs_shard(path, run, i);
  if (!code) return check_disk(run, path, err);

  // Whatever state its renderer is in: the next demo gets a new one.
  loom_sense_destroy(w->sense);
  w->sense = NULL;
  if (ends_run(code)) {
    if (err) *err = why;
    return code;
  }
  w->left_out = why;
  return run->share ? render_obs_leave_out(run, worker, i, why.message, err) : 0;
}

static int draw_one(void* user, int worker, int i, loomError* err) {
  const obsDrawing* d = user;
  obsRun* run = d->run;
  char path[LOOM_PATH_MAX];
  bool mine = true;
  d->worker[worker].left_out.code = 0;

  // Drawn by an earlier run, or in another process's hands.
  int code = run->share ? loom_share_begin(&mine, &run->pieces, worker, i, err) : 0;
  if (code || !mine) return code;
  render_obs_shard(path, run, i);
  if (!run->share && loom_is_file(path)) return check_disk(run, path, err);

  code = draw_item(&d->worker[worker], run, worker, i, err);
  if (run->share) loom_share_end(&run->pieces, worker, i, !code);
  return code;
}

static int note_left_out(void* user, int worker, int i, int prefix, loomError* err) {
  const obsDrawing* d = user;
  const loomError* why = &d->worker[worker].left_out;
  (void)prefix, (void)err;
  if (!why->code) return 0;
  d->run->bad[i] = true;
  tool_progress_end();
  fprintf(stderr, "%s is left out: %s\n", loom_dataset_demo_name(d->run->dataset, render_obs_demo(d->run, i)),
          why->message);
  return 0;
}

static int draw_pool(void* user, loomError* err) {
  obsRun* run = user;
  int workers = loom_pool_workers((int)run->args->threads, run->items);

  // A renderer belongs to one thread, so each worker has its own.
  obsDrawing d = {run, calloc((size_t)workers, sizeof *d.worker)};
  if (!d.worker) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d threads", workers);

  const loomPoolDef pool = {.n = run->items,
                            .threads = workers,
                            .user = &d,
                            .item = draw_one,
                            .destroy = destroy_sense,
                            .finished = note_left_out,
                            .stop = &tool_stop};
  int code = loom_pool_run(&pool, err);
  free(d.worker);
  return code;
}

static int draw_all(obsRun* run, loomError* err) {
  int code = run->share ? loom_share_rounds(&run->pieces, draw_pool, err) : draw_pool(run, err);
  tool_progress_end();
  if (!tool_stop) return code;
  return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted: what is drawn lies in %s; %s", run->dir,
                        render_obs_goes_on(run));
}

static int count_pictures(obsRun* run, loomError* err) {
  for (int i = 0; i < run->items; i++) {
    loomArray actions;
    char path[LOOM_PATH_MAX];
    render_obs_shard(path, run, i);
    if (loom_is_file(path)) continue;

    const char* object = loom_dataset_demo_path(run->dataset, render_obs_demo(run, i));
    int code = loom_dataset_describe(&actions, run->dataset, object, "actions", err);
    if (code) return code;
    run->pictures[i] = actions.shape[0] * run->keys;
    run->total += run->pictures[i];
  }
  return 0;
}

// The cameras that are there of those robosuite's users expect; our own scenes have a front in agentview's
// place. Of them a cloud takes the first, which stands still.
static int usual_cameras(renderArgs* a, const loomDataset* dataset, loomError* err) {
  static const char* const usual[] = {"agentview", "front", "robot0_eye_in_hand", "robot1_eye_in_hand"};
  enum { STILL = 2 };

  // What was named stays; what was not is chosen.
  bool pictures = !a->camera_count && !a->cloud.points, cloud = a->cloud.points && !a->cloud.camera_count;
  loomDemo demo;
  mjModel* model = NULL;
  if (!pictures && !cloud) return 0;

  // The first demo's model stands for all.
  int code = loom_demo_load(&demo, dataset, a->demos[0], err);
  if (code) return code;
  code = loom_model_compile(&model, demo.model_xml, demo.name, &a->roots, NULL, err);

  for (size_t i = 0; !code && i < sizeof usual / sizeof *usual; i++) {
    if (mj_name2id(model, mjOBJ_CAMERA, usual[i]) < 0) continue;
    if (pictures) a->cameras[a->camera_count++] = usual[i];
    if (cloud && !a->cloud.camera_count && i < STILL)
      snprintf(a->cloud.camera[a->cloud.camera_count++], LOOM_NAME_MAX, "%s", usual[i]);
  }

  // Without any of them there is the table's camera; a cloud has to be told its own.
  if (!code && pictures && !a->camera_count) a->cameras[a->camera_count++] = NULL;
  if (!code && cloud && !a->cloud.camera_count)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: name the camera of the clouds with --cloud-camera",
                          loom_dataset_path(dataset));

  mj_deleteModel(model);
  loom_demo_destroy(&demo);
  return code;
}

// The task's workspace where no box is given.
static int set_box(renderArgs* a, const loomTask* task, loomError* err) {
  loomScene* scene = NULL;
  if (!a->cloud.points || a->cloud.low[0] < a->cloud.high[0]) return 0;

  int code = loom_scene_of_task(&scene, task, &a->roots, err);
  if (!code) code = loom_cloud_workspace(a->cloud.low, a->cloud.high, scene, err);
  loom_scene_destroy(scene);
  return code;
}

static void add_key(obsRun* run, const loomObsKey* like, const char* camera, const char* end) {
  loomObsKey* key = &run->key[run->keys];
  *key = *like;

  snprintf(key->camera, sizeof key->camera, "%.60s", camera);
  snprintf(run->path[run->keys++], RENDER_OBS_PATH, "obs/%.60s%s", camera, end);
}

static int set_keys(obsRun* run, loomError* err) {
  static const char* const names[KINDS] = {"_image", "_depth", "_segmentation"};
  const renderArgs* a = run->args;

  // Rows of the file, as robomimic reads them: height x width x channels.
  const int height = a->def.height, width = a->def.width;
  const loomObsKey pictures[KINDS] = {
      {.kind = LOOM_OBS_IMAGE, .type = LOOM_TYPE_U8, .rank = 3, .shape = {height, width, 3}},
      {.kind = LOOM_OBS_DEPTH, .type = LOOM_TYPE_F32, .rank = 3, .shape = {height, width, 1}},
      {.kind = LOOM_OBS_SEGMENTATION, .type = LOOM_TYPE_I32, .rank = 3, .shape = {height, width, 1}}};
  const loomObsKey cloud = {
      .kind = LOOM_OBS_CLOUD, .type = LOOM_TYPE_F32, .rank = 2, .shape = {a->cloud.points, 3}};

  run->sense = (loomSenseDef){a->full, a->def.shadows, a->def.collision, a->cloud};

  // Each camera's pictures, then the cloud.
  for (int i = 0; i < a->camera_count * KINDS; i++)
    if (a->modes >> i % KINDS & 1)
      add_key(run, &pictures[i % KINDS], render_camera_name(a, i / KINDS), names[i % KINDS]);
  if (a->cloud.points) add_key(run, &cloud, "", "pointcloud");

  // A dataset that has one of them already keeps it.
  const char* object = loom_dataset_demo_path(run->dataset, a->demos[0]);
  for (int k = 0; k < run->keys; k++)
    if (loom_dataset_has(run->dataset, object, run->path[k]))
      return loom_error_set(err, LOOM_ERR_USAGE, "%s: it has %s already%s", loom_dataset_path(run->dataset),
                            run->path[k], run->key[k].kind == LOOM_OBS_CLOUD ? "" : "; choose other cameras");
  return 0;
}

// What decides the pictures: the file as it is now, and how it is looked at.
static uint64_t hash_of(const obsRun* run) {
  struct stat st = {0};
  char text[LOOM_PATH_MAX + 256];
  const char* path = loom_dataset_path(run->dataset);
  char* sense = loom_sense_text(&run->sense);

  if (stat(path, &st)) st.st_size = 0;
  int n =
      snprintf(text, sizeof text, "%lld %lld.%ld %dx%d", (long long)st.st_size, (long long)st.st_mtim.tv_sec,
               st.st_mtim.tv_nsec, run->args->def.width, run->args->def.height);

  // The order counts: each key goes in by its name, the 0 at its end included.
  uint64_t h = loom_hash(LOOM_HASH_SEED, text, (size_t)n);
  for (int k = 0; k < run->keys; k++) h = loom_hash(h, run->path[k], strlen(run->path[k]) + 1);
  if (sense) h = loom_hash(h, sense, strlen(sense));
  free(sense);

  // What contexts are drawn from, and by.
  const renderArgs* a = run->args;
  if (!a->context_set) return h;
  h = loom_hash(h, &a->context_set->digest, sizeof a->context_set->digest);
  return loom_hash(h, &a->seed, sizeof a->seed);
}

// The dataset is a copy of all its demos, before any picture.
static int check_copy(const obsRun* run, loomError* err) {
  const char* in = loom_dataset_path(run->dataset);
  bool all = run->args->demo_count == loom_dataset_demo_count(run->dataset);
  return all ? loom_check_room_like(run->args->obs, in, run->per, err) : 0;
}

// env_args as an environment that observes these pictures would have them.
static char* env_args_with_cameras(const renderArgs* a, const loomDataset* dataset) {
  char* text = NULL;
  if (loom_dataset_env_args(&text, dataset, NULL)) return NULL;
  cJSON* root = loom_json_read(text);
  free(text);

  // What is no object cannot be added to.
  if (!cJSON_IsObject(root)) {
    cJSON_Delete(root);
    return NULL;
  }

  // What it says of other cameras goes.
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
  cJSON_AddBoolToObject(kwargs, "camera_depths", (a->modes & RENDER_DEPTH) != 0);
  cJSON_AddBoolToObject(kwargs, "use_camera_obs", true);
  cJSON_AddBoolToObject(kwargs, "has_offscreen_renderer", true);

  text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  return text;
}

static int show_assembly(void* user, int done, int total) {
  const obsRun* run = user;
  if (tool_sharing_shows(&run->args->sharing))
    tool_progress("written", done, total, loom_clock() - run->begun, "demos");
  return tool_stop;
}

// A demo of the dataset that is written: which, and what is told of its context.
typedef struct obsWritten {
  char path[LOOM_PATH_MAX];  // of its shard
  char context[32], pair_of[LOOM_DEMO_NAME];
  char* drawn;  // NULL = the source's context
  loomAttr attr[4];
} obsWritten;

// What was drawn lies with the pictures, so that a run that goes on has it.
static int read_context(obsWritten* to, const obsRun* run, int item, int number, int source, loomError* err) {
  loomDataset* shard;
  bool other = render_obs_context(run, item) > 0;
  snprintf(to->context, sizeof to->context, "source");
  snprintf(to->pair_of, sizeof to->pair_of, "demo_%d", other ? source : number);

  int code = other ? loom_dataset_open_trusted(&shard, to->path, err) : 0;
  if (other && !code) {
    snprintf(to->context, sizeof to->context, "%llu",
             (unsigned long long)render_obs_context_number(run, item));
    code = loom_dataset_attr_string(&to->drawn, shard, loom_dataset_demo_path(shard, 0), RENDER_CONTEXT_ATTR,
                                    err);
    loom_dataset_close(shard);
  }

  to->attr[0] = loom_attr_string("context", to->context);
  to->attr[1] = loom_attr_string("pair_of", to->pair_of);
  to->attr[2] =
      loom_attr_string("loom_context_of", loom_dataset_demo_name(run->dataset, render_obs_demo(run, item)));
  to->attr[3] = loom_attr_string(RENDER_CONTEXT_ATTR, to->drawn ? to->drawn : "{}");
  return code;
}

/// All of them, as the assembler takes them.
typedef struct obsAssembly {
  int n;
  loomSource *source, *beside;  // (n)
  loomRecord* extra;            // (n)
  obsWritten* written;          // (n)
} obsAssembly;

static void destroy_assembly(obsAssembly* s) {
  for (int i = 0; s->written && i < s->n; i++) free(s->written[i].drawn);
  free(s->source);
  free(s->beside);
  free(s->extra);
  free(s->written);
}

// Demos that could not be drawn are left out, of the copy and of the shards beside it; without its pictures
// in the source's context a demo has no pairs.
static int list_written(obsAssembly* s, const obsRun* run, loomError* err) {
  size_t n = (size_t)run->items + 1;
  int code = 0, source = 0;
  s->source = calloc(n, sizeof *s->source);
  s->beside = calloc(n, sizeof *s->beside);
  s->extra = calloc(n, sizeof *s->extra);
  s->written = calloc(n, sizeof *s->written);
  if (!s->source || !s->beside || !s->extra || !s->written)
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");

  for (int i = 0; !code && i < run->items; i++) {
    if (run->bad[i] || run->bad[i - render_obs_context(run, i)]) continue;
    obsWritten* to = &s->written[s->n];
    if (!render_obs_context(run, i)) source = s->n;

    render_obs_shard(to->path, run, i);
    s->source[s->n] = (loomSource){loom_dataset_path(run->dataset),
                                   loom_dataset_demo_name(run->dataset, render_obs_demo(run, i))};
    s->beside[s->n] = (loomSource){to->path, NULL};
    code = run->per > 1 ? read_context(to, run, i, s->n, source, err) : 0;
    s->extra[s->n] = (loomRecord){.nattr = 4, .attr = to->attr};
    s->n++;
  }
  return code;
}

static int assemble_obs(void* user, loomError* err) {
  obsRun* run = user;
  const renderArgs* a = run->args;
  obsAssembly all = {0};
  int code = list_written(&all, run, err);

  char* env_args = a->camera_count ? env_args_with_cameras(a, run->dataset) : NULL;
  char* sense = loom_sense_text(&run->sense);
  loomAttr attr[4] = {loom_attr_string(LOOM_SENSE_ATTR, sense ? sense : "")};
  int attrs = 1 + loom_run_attrs(attr + 1, run->settings, NULL);
  if (env_args) attr[attrs++] = loom_attr_string("env_args", env_args);

  // The source's demos, each with its pictures; several of one demo are numbered anew.
  loomAssembleDef def = loom_default_assemble_def();
  def.beside = all.beside;
  def.extra = run->per > 1 ? all.extra : NULL;
  def.keep_names = run->per == 1;
  def.attr = attr;
  def.nattr = attrs;
  def.progress = show_assembly;
  def.user = run;

  loomNames left_out = {0, NULL};
  def.left_out = &left_out;

  if (!code && !sense) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
  if (!code && !all.n) code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demo could be drawn", a->target);
  if (!code) code = loom_dataset_assemble(a->obs, all.source, all.n, &def, err);

  tool_progress_end();
  tool_tell_left_out(&left_out, !code);

  cJSON_free(env_args);
  free(sense);
  destroy_assembly(&all);
  return code;
}

// Whether the first demo's scene has what contexts name; for all demos, whose scenes are alike.
static int check_contexts(const obsRun* run, loomError* err) {
  loomDemo demo;
  renderLooks looks = {0};
  if (!run->args->context_set) return 0;
  int code = loom_demo_load(&demo, run->dataset, run->args->demos[0], err);
  if (code) return code;

  code =
      loom_replay_open(&looks.scene, &looks.episode, run->task, run->dataset, &demo, &run->args->roots, err);
  if (!code) code = loom_disturb_check(run->args->context_set, looks.scene, err);
  render_looks_close(&looks);
  loom_demo_destroy(&demo);
  return code;
}

static int count_written(const obsRun* run) {
  int n = 0;
  for (int i = 0; i < run->items; i++) n += !run->bad[i] && !run->bad[i - render_obs_context(run, i)];
  return n;
}

// What is drawn, of which cameras.
static int choose_pictures(obsRun* run, renderArgs* a, loomError* err) {
  int code = usual_cameras(a, run->dataset, err);
  if (!code) code = set_box(a, run->task, err);
  if (!code) code = set_keys(run, err);
  if (!code) code = check_contexts(run, err);
  if (!code && a->demo_count > INT32_MAX / run->per)
    code =
        loom_error_set(err, LOOM_ERR_USAGE, "%d contexts of %d demos are too many", run->per, a->demo_count);
  run->items = a->demo_count * run->per;
  run->hash = hash_of(run);
  return code ? code : check_copy(run, err);
}

static int make_room(obsRun* run, loomError* err) {
  size_t n = (size_t)run->items + 1;
  run->bad = calloc(n, sizeof *run->bad);
  run->pictures = calloc(n, sizeof *run->pictures);
  return run->bad && run->pictures ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory");
}

// Pictures first, all of them; only then the dataset.
static int draw_and_write(obsRun* run, loomError* err) {
  int code = make_room(run, err);
  if (!code) code = count_pictures(run, err);

  run->begun = loom_clock();
  if (!code) code = draw_all(run, err);
  run->seconds = loom_clock() - run->begun;
  run->finished = code ? 0 : count_written(run);

  run->begun = loom_clock();
  return code ? code : render_obs_finish(run, assemble_obs, err);
}

static void tell_pictures(cJSON* out, const obsRun* run) {
  const renderArgs* a = run->args;
  double rate = run->seconds > 0 ? (double)run->drawn / run->seconds : 0;

  cJSON_AddStringToObject(out, "dataset", a->obs);
  cJSON_AddNumberToObject(out, "written", run->finished);
  cJSON_AddNumberToObject(out, "pictures", (double)run->drawn);
  cJSON_AddNumberToObject(out, "seconds", run->seconds);
  cJSON_AddNumberToObject(out, "pictures_per_second", rate);

  if (!a->json && !a->silent)
    printf("wrote %s: %d demos, %lld pictures of %dx%d, %.0f a second\n", a->obs, run->finished,
           (long long)run->drawn, a->def.width, a->def.height, rate);
}

int render_obs(cJSON* out, renderArgs* a, const loomTask* task, const loomDataset* dataset, loomError* err) {
  obsRun run = {.args = a, .task = task, .dataset = dataset};
  run.per = a->context_set ? 1 + (int)a->per_demo : 1;

  if (!a->demo_count) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: it has no demos", a->target);

  // What is drawn, and where the shards go.
  tool_draw_side_by_side();
  int code = choose_pictures(&run, a, err);
  if (!code) code = render_obs_open(&run, err);
  if (code || run.complete) {
    a->silent = true;
    render_obs_leave(&run);
    return code;
  }

  code = draw_and_write(&run, err);
  a->silent = !tool_sharing_tells(&a->sharing, run.made);

  // Whatever went wrong, the pictures are there.
  if (code == LOOM_ERR_IO || (code && tool_stop && run.finished))
    loom_error_suffix(err, code, "; what is drawn lies in %s: %s", run.dir, render_obs_goes_on(&run));
  render_obs_leave(&run);
  if (code) return code;

  // What was written, also where some demos were left out.
  tell_pictures(out, &run);
  if (run.finished == run.items) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%d of %d demos could not be drawn", run.items - run.finished,
                        run.items);
}
