#include "tools/command/dataset_isaac.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/data/demo_parts.h"
#include "engine/data/env_type.h"
#include "engine/scene/compose.h"
#include "engine/scene/env_args.h"
#include "generators/source/isaac.h"
#include "generators/source/segment.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"

typedef struct turning {
  const datasetIsaac* def;
  const char* out;
  loomTask* task;
  loomDataset* dataset;
  bool theirs;  // it comes from Isaac Lab's layout
  loomIsaacMap map;
  char* env_args;  // of the file that is written
  loomScene* scene;
  loomRunFolder parts;
  loomNames left_out;
  int n;        // demos made so far
  int* number;  // (n) of each in the dataset
  int64_t rows, far_rows;
  int by_joints, annotated;
  double eef_error, object_error;
} turning;

// ---- names

static int read_text(char** out, const turning* w, const char* name, loomError* err) {
  *out = NULL;
  if (!loom_dataset_has_attr(w->dataset, "data", name)) return 0;
  return loom_dataset_attr_string(out, w->dataset, "data", name, err);
}

static int open_map(turning* w, loomError* err) {
  char *text = NULL, label[LOOM_PATH_MAX];
  int code = 0;
  if (w->def->map) return loom_isaac_map_load(&w->map, w->def->map, NULL, w->task, err);
  if (!w->theirs) {
    loom_isaac_map_default(&w->map, w->task);
    snprintf(w->map.path, sizeof w->map.path, "%s", loom_dataset_path(w->dataset));
    return 0;
  }

  // Files of ours bring theirs along.
  code = read_text(&text, w, LOOM_ISAAC_MAP, err);
  if (!code && !text)
    code = loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: give --map FILE.yaml, which says what its end effectors and objects are here",
                          loom_dataset_path(w->dataset));
  snprintf(label, sizeof label, "%.900s:data/@%s", loom_dataset_path(w->dataset), LOOM_ISAAC_MAP);
  if (!code) code = loom_isaac_map_load(&w->map, label, text, w->task, err);
  free(text);

  return code;
}

// robomimic's type of Gym's, which Isaac Lab's recorders give; the rest stays as it is.
static char* theirs_of(const char* env_args) {
  cJSON* root = loom_json_read(env_args);
  if (!cJSON_IsObject(root)) {
    cJSON_Delete(root);
    return NULL;
  }
  cJSON_DeleteItemFromObjectCaseSensitive(root, "type");
  cJSON_AddNumberToObject(root, "type", LOOM_ENV_GYM);
  char* text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);

  return text;
}

static int find_env_args(turning* w, loomError* err) {
  int code = 0;
  if (w->theirs) code = read_text(&w->env_args, w, LOOM_ISAAC_ENV_ARGS, err);
  if (!w->theirs && loom_dataset_has_env_args(w->dataset))
    code = loom_dataset_env_args(&w->env_args, w->dataset, err);
  if (!code && !w->env_args) w->env_args = loom_env_args(w->task);
  return code || w->env_args ? code : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for env_args");
}

// ---- one demo

static int write_part(turning* w, int i, const loomDemoRecord* record, loomError* err) {
  char path[LOOM_RUN_FILE_MAX], name[32];
  snprintf(name, sizeof name, "demo_%d", w->n);
  loom_demo_part_path(path, &w->parts, w->n);
  loomWriteDef write = loom_default_write_def();
  int code = loom_demo_record_write(path, record, name, &write, err);
  if (!code) w->number[w->n++] = i;

  return code;
}

static int turn_ours(turning* w, int i, loomError* err) {
  loomReplay replay = {0};
  loomDemo demo = {0};
  loomEpisode* e = NULL;
  loomDemoRecord record = {0};
  int code = loom_source_load(&replay, &w->scene, w->task, w->dataset, i, &w->def->roots, NULL, err);
  if (!code) code = loom_demo_load(&demo, w->dataset, i, err);
  if (!code) code = loom_episode_create(&e, w->scene, err);
  if (!code && !w->map.tree_count) code = loom_isaac_map_trees(&w->map, w->scene, err);

  if (!code) code = loom_isaac_write(&record, &w->map, e, &replay, &demo, w->dataset, &w->left_out, err);
  if (!code) code = write_part(w, i, &record, err);
  if (!code) w->rows += demo.rows;
  loom_demo_record_destroy(&record);
  loom_episode_destroy(e);
  loom_demo_destroy(&demo);
  loom_replay_destroy(&replay);

  return code;
}

// The model that the demo brings along, or else the task's own.
static int open_scene(turning* w, int i, loomError* err) {
  const char* demo = loom_dataset_demo_path(w->dataset, i);
  char *xml = NULL, label[LOOM_PATH_MAX];
  int code = 0;
  if (loom_dataset_has_attr(w->dataset, demo, "model_file")) {
    snprintf(label, sizeof label, "%.900s:%s", loom_dataset_path(w->dataset), demo);
    code = loom_dataset_attr_string(&xml, w->dataset, demo, "model_file", err);
  } else if (w->scene) {
    return 0;
  } else if (!w->task->model_file[0]) {
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: no `model: file`; demos without a model need a scene of the task's own",
                          w->task->path);
  } else {
    code = loom_task_model(&xml, label, w->task, &w->def->roots, err);
  }

  // Compiling takes longer than all the rest.
  if (!code && !(w->scene && !strcmp(w->scene->xml, xml))) {
    loom_scene_destroy(w->scene);
    w->scene = NULL;
    code = loom_scene_create(&w->scene, w->task, xml, label, w->env_args, &w->def->roots, err);
  }
  free(xml);

  return code;
}

static int turn_theirs(turning* w, int i, loomError* err) {
  loomEpisode* e = NULL;
  loomDemoRecord record = {0};
  loomIsaacTold told = {0};
  char origin[LOOM_PATH_MAX], *xml = NULL;
  int code = open_scene(w, i, err);
  if (!code) code = loom_episode_create(&e, w->scene, err);
  if (!code) code = loom_isaac_read(&record, &told, &w->map, e, w->dataset, i, err);

  // Its model as it is, and where it came from.
  if (!code) {
    snprintf(origin, sizeof origin, "%.60s of a dataset of Isaac Lab's layout",
             loom_dataset_demo_name(w->dataset, i));
    loom_demo_record_attr(&record, loom_attr_string("loom_origin", origin));
    loom_demo_record_attr(&record, loom_attr_string("model_file", w->scene->xml));
    code = write_part(w, i, &record, err);
  }
  if (!code) {
    w->rows += told.rows;
    w->far_rows += told.far_rows;
    w->by_joints += told.by_joints;
    w->annotated += told.annotated;
    w->eef_error = fmax(w->eef_error, told.eef_error);
    w->object_error = fmax(w->object_error, told.object_error);
  }
  free(xml);
  loom_demo_record_destroy(&record);
  loom_episode_destroy(e);

  return code;
}

static int turn_one(turning* w, int i, loomError* err) {
  loomError why = {0, ""};
  int code = w->theirs ? turn_theirs(w, i, &why) : turn_ours(w, i, &why);
  if (!code) return 0;
  bool odd = loom_source_is_odd(code, NULL);
  if (odd && w->def->skip) return loom_dataset_leave_out(w->dataset, i, why.message);
  if (odd) loom_source_is_odd(code, &why);

  return loom_error_set(err, code, "%s", why.message);
}

// ---- all of them

static int stopped(const turning* w, loomError* err) {
  return loom_error_set(err, LOOM_ERR_INTERRUPTED,
                        "interrupted after %d demos; nothing was written: run it again", w->n);
}

static int show_assembled(void* user, int done, int total) {
  tool_progress("assembled", done, total, loom_clock() - *(double*)user, "demos");
  return tool_stop;
}

static int assemble(turning* w, loomError* err) {
  char(*path)[LOOM_RUN_FILE_MAX] = calloc((size_t)w->n + 1, sizeof *path);
  loomSource* source = calloc((size_t)w->n + 1, sizeof *source);
  char *map = w->theirs ? NULL : loom_isaac_map_text(&w->map, w->task),
       *theirs = w->theirs ? NULL : theirs_of(w->env_args);
  bool ok = path && source && (w->theirs || (map && theirs));
  int code = ok ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a dataset");

  for (int i = 0; !code && i < w->n; i++) {
    loom_demo_part_path(path[i], &w->parts, i);
    source[i].path = path[i];
  }

  // Of files of ours what brings them back.
  double start = loom_clock();
  loomAttr ours[] = {loom_attr_string("env_args", w->env_args), loom_attr_int(LOOM_ANNOTATED, 1)},
           isaacs[] = {loom_attr_string("env_args", theirs),
                       loom_attr_string(LOOM_ISAAC_ENV_ARGS, w->env_args),
                       loom_attr_string(LOOM_ISAAC_MAP, map)};
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = w->theirs ? ours : isaacs;
  def.nattr = w->theirs ? 1 + (w->annotated > 0) : 3;
  def.keep_names = def.trusted = def.keep_all = true;
  def.valid = 0;
  def.progress = show_assembled;
  def.user = &start;
  if (!code) code = loom_dataset_assemble(w->out, source, w->n, &def, err);

  cJSON_free(theirs);
  free(map);
  free(source);
  free(path);

  return code;
}

static int turn_all(turning* w, loomError* err) {
  int n = loom_dataset_demo_count(w->dataset), code = 0;
  double start = loom_clock();
  w->number = calloc((size_t)n + 1, sizeof *w->number);
  if (!w->number) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d demos", n);
  for (int i = 0; !code && i < n && !tool_stop; i++) {
    code = turn_one(w, i, err);
    tool_progress("demos", i + 1, n, loom_clock() - start, "");
  }
  tool_progress_end();
  if (!code && tool_stop) code = stopped(w, err);

  // Signals of some demos only would leave the others without ends.
  if (!code && !w->n)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demo is left", loom_dataset_path(w->dataset));
  if (!code && w->annotated && w->annotated < w->n)
    code = loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: only %d of %d demos have obs/datagen_info/subtask_term_signals; annotate all",
                          loom_dataset_path(w->dataset), w->annotated, w->n);
  if (!code) code = assemble(w, err);
  tool_progress_end();

  return code;
}

// ---- told

static void tell_rest(turning* w) {
  loomNames masks = {0, NULL};
  if (w->theirs && loom_dataset_has(w->dataset, loom_dataset_demo_path(w->dataset, 0), "obs"))
    loom_names_add(&w->left_out, "obs: policies here see other things, which `demoloom replay -o` makes");
  if (!loom_dataset_masks(&masks, w->dataset, NULL) && masks.n)
    loom_names_add(&w->left_out, "mask: `demoloom dataset split` writes new ones");
  loom_names_destroy(&masks);
}

static void print_text(const turning* w) {
  printf("wrote %s: %d demos, %lld rows\n", w->out, w->n, (long long)w->rows);
  if (!w->theirs) return;
  printf("hands within %.2g mm of their poses, objects within %.2g; joints known in %d of %d demos\n",
         1e3 * w->eef_error, 1e3 * w->object_error, w->by_joints, w->n);
  if (w->far_rows)
    printf("%lld rows: a target lies further than one action reaches\n", (long long)w->far_rows);
  if (!w->annotated) printf("no subtask_term_signals: the task says where subtasks end\n");
}

static void print_told(const turning* w, bool json) {
  if (!json) {
    print_text(w);
    return;
  }
  cJSON* root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "file", w->out);
  cJSON_AddStringToObject(root, "task", w->task->name);
  cJSON_AddStringToObject(root, "layout", w->theirs ? "demoloom" : "isaac");
  cJSON_AddNumberToObject(root, "demos", w->n);
  cJSON_AddNumberToObject(root, "rows", (double)w->rows);
  if (w->theirs) {
    cJSON_AddNumberToObject(root, "hand_error", w->eef_error);
    cJSON_AddNumberToObject(root, "object_error", w->object_error);
    cJSON_AddNumberToObject(root, "by_joints", w->by_joints);
    cJSON_AddNumberToObject(root, "far_rows", (double)w->far_rows);
    cJSON_AddBoolToObject(root, "annotated", w->annotated > 0);
  }
  cJSON* list = cJSON_AddArrayToObject(root, "not_taken");

  for (int i = 0; i < w->left_out.n; i++) cJSON_AddItemToArray(list, cJSON_CreateString(w->left_out.name[i]));
  tool_print_report(root);
  cJSON_Delete(root);
}

// ---- opening

static int open_all(turning* w, const char* in, datasetIsaac* def, toolOutputs* outputs, loomError* err) {
  const char* inputs[] = {in, def->map};
  int code = tool_output_dataset(outputs, w->out, tool_output_mode(def->overwrite), inputs,
                                 1 + (def->map != NULL), err);
  if (!code) code = tool_open(&w->task, &w->dataset, &def->roots, in, def->task, false, err);
  if (!code) code = tool_outputs_check(outputs, loom_dataset_path(w->dataset), err);
  if (!code && !loom_dataset_demo_count(w->dataset))
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demos", loom_dataset_path(w->dataset));
  if (code) return code;

  w->theirs = loom_isaac_is(w->dataset);
  code = open_map(w, err);
  if (!code) code = find_env_args(w, err);
  if (!code && !w->theirs) w->map.same_actions = true;

  return code ? code : loom_demo_parts_open(&w->parts, w->out, err);
}

int dataset_isaac(const char* in, const char* out, datasetIsaac* def, toolOutputs* outputs, bool json,
                  loomError* err) {
  turning w = {.def = def, .out = out};
  tool_catch_signals();
  int code = open_all(&w, in, def, outputs, err);
  if (!code) code = turn_all(&w, err);
  if (!code) tell_rest(&w);
  if (!code) print_told(&w, json);
  for (int i = 0; !code && !json && i < w.left_out.n; i++)
    fprintf(stderr, "left out of the copy: %s\n", w.left_out.name[i]);

  if (w.parts.def.path) loom_run_folder_remove(&w.parts, NULL);
  loom_names_destroy(&w.left_out);
  loom_isaac_map_destroy(&w.map);
  free(w.number);
  free(w.env_args);
  loom_scene_destroy(w.scene);
  loom_dataset_close(w.dataset);
  loom_task_destroy(w.task);
  return code;
}
