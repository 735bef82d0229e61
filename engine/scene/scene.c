#include "engine/scene/scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/data/dataset.h"
#include "engine/model/made_from.h"
#include "engine/scene/apart.h"
#include "engine/scene/compose.h"
#include "engine/scene/env_args.h"
#include "engine/scene/library.h"
#include "engine/scene/possible.h"
#include "engine/task/agree.h"
#include "engine/task/composite.h"

// ---- a model bound to its task

static int bind_objects(loomScene* s, loomError* err) {
  const loomTask* task = s->task;
  for (int o = 0; o < task->object_count; o++) {
    const loomObjectDef* object = &task->objects[o];
    int body = mj_name2id(s->model, mjOBJ_BODY, object->body);
    if (body < 0) {
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: object '%s': the model has no body '%s'", task->path,
                            object->name, object->body);
    }

    s->object_body[o] = body;
    s->object_qpos[o] = s->model->body_jntnum[body] ? s->model->jnt_qposadr[s->model->body_jntadr[body]] : -1;

    // Only objects whose sizes are drawn need their part of the text at hand.
    if (object->shape_count) {
      int code = loom_variation_bind(&s->variations[o], s->xml, s->label, object->body, err);
      if (code) return loom_error_prefix(err, code, "%s: object '%s'", task->path, object->name);
    }
  }
  return 0;
}

// What a reset places is free to be placed; what it slides or turns has one joint to do so.
static int check_placements(const loomScene* s, loomError* err) {
  const loomTask* task = s->task;
  for (int r = 0; r < task->reset_count; r++) {
    for (int i = 0; i < task->resets[r].placement_count; i++) {
      const loomPlacement* place = &task->resets[r].placements[i];
      int body = s->object_body[place->object], joint = s->model->body_jntadr[body];
      mjtJoint type = joint >= 0 ? (mjtJoint)s->model->jnt_type[joint] : mjJNT_BALL;
      bool ok = place->on_joint ? type == mjJNT_HINGE || type == mjJNT_SLIDE : type == mjJNT_FREE;
      if (ok && s->model->body_jntnum[body] == 1) continue;
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: reset %s: object '%s': body '%s' has no %s",
                            task->path, task->resets[r].name, task->objects[place->object].name,
                            task->objects[place->object].body,
                            place->on_joint ? "single hinge or slide joint" : "free joint");
    }
  }
  return 0;
}

// Names of bodies, in pairs, that the robots' files know to be apart whatever their joints do.
static int list_apart(const char* const** out, int* count, const loomTask* task, loomError* err) {
  int n = 0;
  for (int a = 0; a < task->arm_count; a++) n += task->robots[a].apart_count;
  const char** list = malloc(sizeof *list * 2 * (size_t)n + 1);
  if (!list) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a scene");

  *count = 0;
  for (int a = 0; a < task->arm_count; a++) {
    for (int i = 0; i < 2 * task->robots[a].apart_count; i++)
      list[2 * *count + i] = task->robots[a].apart[i / 2][i % 2];
    *count += task->robots[a].apart_count;
  }

  *out = list;
  return 0;
}

// As many whole physics steps as fit into a control step, as robosuite does it: 12 of 2 ms at 40 Hz.
static int set_substeps(loomScene* s, loomError* err) {
  const loomTask* task = s->task;
  enum { MOST = 10000 };
  double timestep = s->model->opt.timestep, fit = 1.0 / task->control_freq / timestep;
  if (!(fit <= MOST))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: the timestep of %g s makes more than %d physics steps of a control step at %d "
                          "Hz; make it longer",
                          s->label, timestep, MOST, task->control_freq);
  s->substeps = (int)floor(fit + 1e-9);
  if (s->substeps >= 1) return 0;
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "%s: control_freq %d Hz is faster than the physics of %s, whose timestep is %g s; make that "
      "%g s or less",
      task->path, task->control_freq, s->label, timestep, 1.0 / task->control_freq);
}

// Whether the compiled model is kept below the home folder, and a child process compiles it.
typedef enum keeping { KEEP_NOTHING, KEEP, KEEP_ASIDE } keeping;

// How 1.5's recordings have an action's entries, where that is another way than one arm's after the other's.
static int read_composite(loomScene* s, const char* env_args, const char* label, loomError* err) {
  cJSON* root = env_args ? loom_json_read(env_args) : NULL;
  if (!root) return 0;

  s->composite = malloc(sizeof *s->composite);
  int code = s->composite ? loom_composite_read(s->composite, s->task, s->control, root, label, err)
                          : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a scene");
  cJSON_Delete(root);
  if (code || s->composite->used) return code;

  free(s->composite);
  s->composite = NULL;
  return 0;
}

static int fill_scene(loomScene* s, const char* xml, const char* label, const char* env_args,
                      const loomAssetRoots* roots, keeping keep, loomError* err) {
  const loomTask* task = s->task;
  loomModelDef def = loom_default_model_def();
  int code = 0;

  // A task without a controller is driven by those its demos were recorded with.
  code = loom_task_agrees(s->control, task, env_args, label, err);
  if (!code) code = read_composite(s, env_args, label, err);

  // Copies, so that the scene needs nothing of the caller's but the task.
  snprintf(s->label, sizeof s->label, "%s", label);
  s->xml = strdup(xml);
  s->env_args = env_args ? strdup(env_args) : NULL;
  if (!code && (!s->xml || (env_args && !s->env_args)))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model's text");
  if (!code) code = loom_asset_roots_copy(&s->roots, roots, err);

  // Nothing here draws: without what is only seen the physics is the same bit for bit.
  def.visual = false;
  def.keep = keep != KEEP_NOTHING;
  def.aside = keep == KEEP_ASIDE;
  if (!code) code = list_apart(&def.apart, &def.apart_count, task, err);
  if (!code) code = loom_model_compile(&s->model, xml, label, roots, &def, err);
  free((void*)def.apart);

  // Nor does anything read sensors: 4 % of a step, and the states are the same bit for bit.
  if (!code) s->model->opt.disableflags |= mjDSBL_SENSOR;
  if (!code) code = bind_objects(s, err);
  if (!code) code = check_placements(s, err);
  if (!code) code = loom_scene_check_possible(task, s->model, err);
  if (!code) code = loom_scene_check_apart(task, s->model, err);
  return code ? code : set_substeps(s, err);
}

static int create_scene(loomScene** out, const loomTask* task, const char* xml, const char* label,
                        const char* env_args, const loomAssetRoots* roots, keeping keep, loomError* err) {
  *out = NULL;
  loomScene* s = calloc(1, sizeof *s);
  if (!s) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a scene");
  s->task = task;
  s->owners = 1;

  int code = fill_scene(s, xml, label, env_args, roots, keep, err);
  if (code)
    loom_scene_destroy(s);
  else
    *out = s;
  return code;
}

int loom_scene_create(loomScene** out, const loomTask* task, const char* xml, const char* label,
                      const char* env_args, const loomAssetRoots* roots, loomError* err) {
  return create_scene(out, task, xml, label, env_args, roots, KEEP_NOTHING, err);
}

int loom_scene_create_kept(loomScene** out, const loomTask* task, const char* xml, const char* label,
                           const char* env_args, const loomAssetRoots* roots, loomError* err) {
  return create_scene(out, task, xml, label, env_args, roots, KEEP_ASIDE, err);
}

loomScene* loom_scene_share(loomScene* s) {
  if (s) __atomic_add_fetch(&s->owners, 1, __ATOMIC_RELAXED);
  return s;
}

void loom_scene_destroy(loomScene* s) {
  if (!s || __atomic_sub_fetch(&s->owners, 1, __ATOMIC_ACQ_REL) > 0) return;

  for (int o = 0; o < LOOM_MAX_OBJECTS; o++) loom_variation_destroy(s->variations[o]);
  mj_deleteModel(s->model);
  loom_asset_roots_destroy(&s->roots);
  free(s->xml);
  free(s->env_args);
  free(s->composite);

  loom_task_destroy(s->own_task);
  free(s);
}

int loom_scene_period(const loomScene* s, const double* states, int rows, int dim, const char* label,
                      loomError* err) {
  double timestep = s->model->opt.timestep, step = s->substeps * timestep;
  if (rows < 3 || dim < 1) return 0;

  // The first rows of a recording may be of one time, and a pause is no rate.
  double apart = states[2 * (size_t)dim] - states[dim];
  for (int t = 2; t < rows; t++) {
    double here = states[(size_t)t * (size_t)dim] - states[(size_t)(t - 1) * (size_t)dim];
    if (!(fabs(here - apart) <= 1e-6)) return 0;
  }
  if (!(apart > 0) || fabs(apart - step) <= 0.5 * timestep) return 0;
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "%s: its rows are %g s apart (%.4g Hz) and the task's control steps take %g s (%d physics steps "
      "of %g s); write the data's rate as control_freq in %s",
      label, apart, 1 / apart, step, s->substeps, timestep, s->task->path);
}

// ---- a task's model

/// What is recorded with a task's source demos: two attributes, no demo is replayed for them.
typedef struct recordedScene {
  char label[LOOM_PATH_MAX];  // where it came from
  char *xml, *env_args;       // malloc'ed
} recordedScene;

static int read_recorded(recordedScene* r, const char* path, const loomTask* task, loomError* err) {
  loomDataset* dataset = NULL;
  int code = loom_dataset_open(&dataset, path, err);
  if (code) return code;

  // The task says which demo's model it runs in.
  if (task->model_demo >= loom_dataset_demo_count(dataset))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: model demo %d is not among the %d source demos",
                          task->path, task->model_demo, loom_dataset_demo_count(dataset));
  if (!code) {
    const char* demo = loom_dataset_demo_path(dataset, task->model_demo);
    snprintf(r->label, sizeof r->label, "%.900s:%.100s", path, demo);
    code = loom_dataset_attr_string(&r->xml, dataset, demo, "model_file", err);
  }
  if (!code) code = loom_dataset_env_args(&r->env_args, dataset, err);

  loom_dataset_close(dataset);
  return code;
}

// Three texts, one after the other, each with its NUL.
static bool unpack_recorded(recordedScene* r, const loomCached* cached) {
  const char *at = cached->bytes, *end = at + cached->nbytes, *text[3];
  for (int i = 0; i < 3; i++) {
    text[i] = at;
    const char* nul = memchr(at, 0, (size_t)(end - at));
    if (!nul) return false;
    at = nul + 1;
  }

  snprintf(r->label, sizeof r->label, "%s", text[0]);
  r->xml = strdup(text[1]);
  r->env_args = strdup(text[2]);
  return r->xml && r->env_args;
}

// Kept between runs while the file stays as it is: a file of strangers must be read by a child first, which
// takes longer than all else that opening a scene does.
static int find_recorded(recordedScene* r, const loomTask* task, const loomAssetRoots* roots,
                         loomError* err) {
  char path[LOOM_PATH_MAX], asked[LOOM_PATH_MAX + 32];
  loomMadeFrom from = {.roots = roots};
  loomText key = {0}, packed = {0};
  loomCached cached = {0};
  int code = loom_task_source(path, task, roots, err);
  if (code) return code;

  snprintf(asked, sizeof asked, "%d %s", task->model_demo, path);
  loom_cache_key(&key, "recorded", NULL);
  loom_text_puts(&key, asked);
  bool found = loom_cache_find(&cached, &key, roots) && unpack_recorded(r, &cached);

  // Noted before it is read: what changes while it is read must not pass for what was read.
  if (!found) {
    snprintf(asked, sizeof asked, "=%s", path);
    loom_made_from_add(&from, asked);
    code = read_recorded(r, path, task, err);
    const char* text[] = {r->label, r->xml, r->env_args};
    for (int i = 0; !code && i < 3; i++) loom_text_add(&packed, text[i], strlen(text[i]) + 1);
    if (!code && !packed.failed) loom_cache_keep(&key, &from, packed.s, packed.n);
  }

  loom_cached_destroy(&cached);
  loom_made_from_destroy(&from);
  loom_text_destroy(&packed);
  loom_text_destroy(&key);
  return code;
}

int loom_scene_of_task(loomScene** out, const loomTask* task, const loomAssetRoots* roots, loomError* err) {
  recordedScene r = {0};
  int code;
  *out = NULL;

  // A model of its own beside the task file, or the one that its source demos were recorded in.
  if (task->model_file[0]) {
    code = loom_task_model(&r.xml, r.label, task, roots, err);
    r.env_args = loom_env_args(task);
    if (!code && !r.env_args) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a scene");
  } else {
    code = find_recorded(&r, task, roots, err);
  }

  if (!code) code = create_scene(out, task, r.xml, r.label, r.env_args, roots, KEEP, err);
  free(r.xml);
  free(r.env_args);
  return code;
}

int loom_scene_open(loomScene** out, const char* name, const loomAssetRoots* roots, loomError* err) {
  loomAssetRoots all = {0};
  loomTask* task = NULL;
  *out = NULL;

  int code = loom_task_find(&task, name, err);
  if (!code) code = loom_asset_roots_copy(&all, roots, err);
  if (!code) code = loom_task_assets(&all, task, NULL, err);
  if (!code) code = loom_scene_of_task(out, task, &all, err);

  // From here on the scene keeps its task, and copies of the roots.
  if (code)
    loom_task_destroy(task);
  else
    (*out)->own_task = task;
  loom_asset_roots_destroy(&all);
  return code;
}
