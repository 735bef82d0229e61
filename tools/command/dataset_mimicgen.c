#include "tools/command/dataset_mimicgen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/data/demo_parts.h"
#include "generators/source/mimicgen.h"
#include "tools/shared/common.h"

typedef struct copying {
  datasetMimicgen* def;
  const char* out;
  loomTask* task;
  loomDataset* dataset;
  loomScene* scene;
  loomRunFolder parts;
  int n;        // demos so far
  int* number;  // (n) of each in the dataset
} copying;

static int make_info(copying* c, int i, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loomReplay replay = {0};
  loomDemoRecord record = {0};
  int code = loom_source_load(&replay, &c->scene, c->task, c->dataset, i, &c->def->roots, NULL, err);
  if (!code) code = loom_mimicgen_info(&record, c->task, &replay, err);

  loom_demo_part_path(path, &c->parts, c->n);
  loom_demo_record_attr(&record, loom_attr_int("num_samples", replay.rows));
  if (!code) code = loom_demo_record_write(path, &record, "demo_0", NULL, err);
  if (!code) c->number[c->n++] = i;
  loom_demo_record_destroy(&record);
  loom_replay_destroy(&replay);

  return code;
}

static int make_one(copying* c, int i, loomError* err) {
  loomError why = {0, ""};
  int code = make_info(c, i, &why);
  if (!code) return 0;
  bool odd = code != LOOM_ERR_UNSUPPORTED && loom_source_is_odd(code, NULL);
  if (odd && c->def->skip) return loom_dataset_leave_out(c->dataset, i, why.message);
  if (odd) loom_source_is_odd(code, &why);

  return loom_error_set(err, code, "%s", why.message);
}

static int make_all(copying* c, loomError* err) {
  int n = loom_dataset_demo_count(c->dataset), code = 0;
  double start = loom_clock();
  c->number = calloc((size_t)n + 1, sizeof *c->number);
  if (!c->number) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d demos", n);

  for (int i = 0; !code && i < n && !tool_stop; i++) {
    code = make_one(c, i, err);
    tool_progress("demos", i + 1, n, loom_clock() - start, "");
  }
  tool_progress_end();

  if (!code && tool_stop)
    return loom_error_set(err, LOOM_ERR_INTERRUPTED,
                          "interrupted after %d demos; nothing was written: run it again", c->n);
  if (!code && !c->n)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demo is left", loom_dataset_path(c->dataset));

  return code;
}

// ---- the file

// The demos as they are, with what was found out beside them.
static int assemble(copying* c, loomError* err) {
  size_t room = (size_t)c->n + 1;
  char(*path)[LOOM_RUN_FILE_MAX] = calloc(room, sizeof *path), name[2 * LOOM_NAME_MAX];
  loomSource *source = calloc(room, sizeof *source), *beside = calloc(room, sizeof *beside);
  loomRecord* extra = calloc(room, sizeof *extra);
  loomNames left_out = {0, NULL};
  bool ok = path && source && beside && extra;
  int code = ok ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a dataset");

  snprintf(name, sizeof name, "MG_%s", c->task->env_name);
  loomAttr attr[] = {loom_attr_string(LOOM_MIMICGEN_NAME, c->def->interface ? c->def->interface : name),
                     loom_attr_string(LOOM_MIMICGEN_TYPE, c->def->type ? c->def->type : "robosuite")};
  for (int i = 0; !code && i < c->n; i++) {
    loom_demo_part_path(path[i], &c->parts, i);
    source[i] = (loomSource){loom_dataset_path(c->dataset), loom_dataset_demo_name(c->dataset, c->number[i])};
    beside[i] = (loomSource){path[i], NULL};
    extra[i] = (loomRecord){.nattr = 2, .attr = attr};
  }

  double start = loom_clock();
  loomAssembleDef def = loom_default_assemble_def();
  def.keep_names = true;
  def.valid = 0;
  def.leave_out = "datagen_info";
  def.extra = extra;
  def.beside = beside;
  def.left_out = &left_out;
  def.progress = tool_show_copied;
  def.user = &start;
  if (!code) code = loom_dataset_assemble(c->out, source, c->n, &def, err);
  tool_progress_end();
  tool_tell_left_out(&left_out, !code);

  free(extra);
  free(beside);
  free(source);
  free(path);

  return code;
}

static int open_all(copying* c, const char* in, toolOutputs* outputs, loomError* err) {
  datasetMimicgen* def = c->def;
  int code = tool_output_dataset(outputs, c->out, tool_output_mode(def->overwrite), &in, 1, err);
  if (!code) code = tool_open(&c->task, &c->dataset, &def->roots, in, def->task, false, err);
  if (!code) code = tool_outputs_check(outputs, loom_dataset_path(c->dataset), err);
  if (!code && c->task->arm_count != 1)
    code = loom_error_set(err, LOOM_ERR_UNSUPPORTED, "'%s' has %d arms, and MimicGen's layout has one",
                          c->task->name, c->task->arm_count);

  return code ? code : loom_demo_parts_open(&c->parts, c->out, err);
}

int dataset_mimicgen(const char* in, const char* out, datasetMimicgen* def, toolOutputs* outputs,
                     loomError* err) {
  copying c = {.def = def, .out = out};
  tool_catch_signals();
  int code = open_all(&c, in, outputs, err);
  if (!code) code = make_all(&c, err);
  if (!code) code = assemble(&c, err);

  if (c.parts.def.path) loom_run_folder_remove(&c.parts, NULL);
  free(c.number);
  loom_scene_destroy(c.scene);
  loom_dataset_close(c.dataset);
  loom_task_destroy(c.task);
  return code;
}
