#include "tools/shared/teleop.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/version.h"
#include "generators/run/record.h"
#include "tools/shared/common.h"

enum { ROOM = 4 };  // a demo may take so many times the task's max_steps

static loomAddDef addition(const teleopSession* s) {
  return (loomAddDef){s->scene->env_args, s->trace.action_dim, s->trace.state_dim};
}

// Where a demo is until it is in the dataset, and stays when that has no room for it.
static void demo_path(char out[LOOM_PATH_MAX], const teleopSession* s) {
  snprintf(out, LOOM_PATH_MAX, "%.*s.demo", LOOM_PATH_MAX - 8, s->out);
}

// Told before anything is driven, not when a demo is to be saved.
static int check_output(teleopSession* s, loomError* err) {
  loomAddDef add = addition(s);
  char demo[LOOM_PATH_MAX];
  demo_path(demo, s);

  // It would be written over by the next one.
  if (loom_is_file(demo))
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s: a demo that an earlier session could not add to %s; `demoloom dataset merge` puts "
        "both together, or remove it",
        demo, s->out);
  return loom_is_file(s->out) ? loom_dataset_check_add(s->out, &add, err) : 0;
}

int teleop_open(teleopSession* s, const loomTask* task, const loomAssetRoots* roots, const char* out,
                const char* reset, uint64_t seed, uint64_t attempt, loomError* err) {
  *s = (teleopSession){.task = task, .roots = roots, .out = out, .seed = seed, .attempt = attempt};

  s->reset = loom_task_find_reset(task, reset ? reset : task->resets[0].name);
  if (s->reset < 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", task->path, reset);

  // One episode and one trace serve all demos of the session.
  int code = tool_output(&s->outputs, out, LOOM_OUTPUT_CHANGE, NULL, 0, err);
  if (!code) code = loom_scene_of_task(&s->scene, task, roots, err);
  if (!code) code = loom_episode_create(&s->episode, s->scene, err);
  if (!code) code = loom_trace_create(&s->trace, s->episode, ROOM * task->max_steps, err);
  if (!code) code = check_output(s, err);
  if (!code) code = loom_episode_reset(s->episode, s->reset, seed, attempt, err);
  if (!code) code = loom_teleop_create(&s->teleop, s->episode, &s->trace, NULL, err);

  if (code) teleop_close(s);
  return code;
}

void teleop_close(teleopSession* s) {
  tool_outputs_close(&s->outputs);
  loom_teleop_destroy(&s->teleop);
  loom_trace_destroy(&s->trace);
  loom_episode_destroy(s->episode);
  loom_scene_destroy(s->scene);
  memset(s, 0, sizeof *s);
}

int teleop_restart(teleopSession* s, uint64_t attempt, loomError* err) {
  s->attempt = attempt;

  int code = loom_episode_reset(s->episode, s->reset, s->seed, attempt, err);
  return code ? code : loom_teleop_begin(&s->teleop, err);
}

// The dataset as it is with one demo more, or a new one, which says where its demos come from.
static int add_demo(teleopSession* s, const char* shard, loomError* err) {
  loomSource source = {shard, NULL};
  loomAddDef add = addition(s);
  if (loom_is_file(s->out)) return loom_dataset_add(s->name, s->out, shard, &add, err);

  loomAttr attrs[] = {loom_attr_string("env_args", s->scene->env_args),
                      loom_attr_string("loom_version", loom_version()),
                      loom_attr_string("loom_origin", "teleoperated")};

  loomAssembleDef def = loom_default_assemble_def();
  def.attr = attrs;
  def.nattr = (int)(sizeof attrs / sizeof *attrs);
  def.valid = 0;
  snprintf(s->name, sizeof s->name, "demo_0");
  return loom_dataset_assemble(s->out, &source, 1, &def, err);
}

int teleop_save(teleopSession* s, bool anyhow, loomError* err) {
  char shard[LOOM_PATH_MAX], reason[200];
  bool success = loom_teleop_success(&s->teleop);

  if (!s->trace.rows) return loom_error_set(err, LOOM_ERR_USAGE, "nothing has been driven yet");

  // What is missing is told by the task's own condition.
  if (!success && !anyhow) {
    loom_condition_explain(s->episode->conditions, s->task->success, reason, sizeof reason);
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "not saved: it does not succeed yet, for %d steps (%s, %d steps so far)",
                          s->task->success_hold, reason, s->teleop.run.success_steps);
  }

  loom_trace_end(&s->trace, s->episode);

  // The demo is written beside the dataset first, so that a failure leaves that as it was.
  demo_path(shard, s);
  loomDriven driven = {"teleoperated", s->saved, s->seed, s->attempt, success, s->scene->env_args, s->roots};
  loomWriteDef write = loom_default_write_def();

  // Without annotation it is a demo all the same, of one piece.
  s->not_annotated = (loomError){0, ""};
  int code = loom_record_driven(shard, &s->trace, s->episode, &driven, &write, &s->not_annotated, err);
  bool written = !code;
  if (!code) code = add_demo(s, shard, err);

  // A demo that was driven is not thrown away because its dataset has no room.
  if (code && written)
    return loom_error_suffix(err, code,
                             "; the demo is kept in %s: `demoloom dataset merge` puts both together", shard);
  unlink(shard);
  if (code) return code;

  s->saved++;
  return teleop_restart(s, s->attempt + 1, err);
}
