// demoloom retarget: demos of other robots as source demos of a task.
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/run/record_demo.h"
#include "engine/scene/compose.h"
#include "engine/scene/env_args.h"
#include "generators/source/mirror.h"
#include "generators/source/retarget_follow.h"
#include "generators/source/segment.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

// loomMirrored without the first: what the task says is no question here.
static const char* const mirrored_choices[] = {"off", "on", "only", NULL};

typedef struct retargetArgs {
  const char *in, *task, *from, *out;
  int mirrored;
  bool skip, overwrite, json;
  loomAssetRoots roots;
} retargetArgs;

static const toolOption options[] = {
    TOOL_OPTION_AS("task", 't', "TASK", retargetArgs, STRING, task,
                   .about = "whose source demos they become"),
    TOOL_OPTION_AS("output", 'o', "FILE.hdf5", retargetArgs, STRING, out,
                   .about = "dataset to write; without it only what would become of them is told"),
    TOOL_OPTION_AS(
        "from", 0, "TASK", retargetArgs, STRING, from,
        .about = "task that the demos are of; what `retarget: from:` of TASK says, else the scene whose "
                 "environment the file names"),
    TOOL_OPTION_AS("mirrored", 0, "WHICH", retargetArgs, CHOICE, mirrored, .choices = mirrored_choices,
                   .about = "left and right exchanged too, as `mirror:` of their task says, or so alone"),
    TOOL_SKIP_OPTION(retargetArgs, skip),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION('a', retargetArgs, roots),
    TOOL_OVERWRITE_OPTION(retargetArgs, overwrite),
    TOOL_OPTION(0, NULL, retargetArgs, BOOL, json, .about = "what became of each demo, on stdout"),
};

static const toolCommand command = {
    .before =
        "usage: demoloom retarget IN.hdf5 --task TASK -o OUT.hdf5 [options]\n"
        "\n"
        "Turns demos of other robots into source demos of a task: hands go where those of the demo went, "
        "each "
        "by its own\n"
        "inverse kinematics, and do what these did (`retarget:` of the task, `gripper: grasp:` of robots). "
        "Demos with poses out\n"
        "of reach, or robots in each other or in the scene, are left out; each is told with reach, joints at "
        "their limits and\n"
        "speeds. Nothing is simulated: `demoloom generate TASK --source OUT.hdf5` shows what comes of "
        "them.\n",
    .after =
        "example:\n"
        "  demoloom retarget scenes/coffee/demo.hdf5 --task coffee/pandas -o pandas.hdf5\n"
        "  demoloom generate coffee/pandas --source pandas.hdf5 -n 100 -o coffee_pandas.hdf5\n",
    TOOL_OPTIONS(options),
};

static int read_retarget_options(retargetArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;
  if (optind + 1 != argc) return tool_usage("retarget", "it takes one dataset");
  a->in = argv[optind];
  if (!a->task) return tool_usage("retarget", "it takes --task, whose source demos they become");
  if (!a->out && a->overwrite) return tool_usage("retarget", "--overwrite needs -o");
  return 0;
}

/// A demo, or its mirror image, in the target's robots' hands.
typedef struct retargetDemo {
  char name[LOOM_NAME_MAX];  // as it was recorded
  char origin[2 * LOOM_NAME_MAX + 32];
  loomRetargeted made;
  loomDemoRecord record;
  char* xml;  // its model; NULL = it was left out
} retargetDemo;

typedef struct retargeting {
  const retargetArgs* a;
  loomTask *from, *to;
  loomDataset* dataset;
  loomRetarget plan;
  loomScene *scene, *recorded;  // of the target; the demo's
  loomEpisode* episode;
  int n, kept, left_out;
  retargetDemo* demo;  // (n), room for two a demo
  toolOutputs outputs;
} retargeting;

// ---- opening

// A file beside the target's task, a scene, or nothing: then the dataset says.
static const char* task_from(const retargeting* r, char path[LOOM_PATH_MAX]) {
  const char* from = r->to->retarget->from;
  if (r->a->from) return r->a->from;
  if (!from[0]) return NULL;
  snprintf(path, LOOM_PATH_MAX, "%.700s/%.255s", r->to->dir, from);
  return loom_is_file(path) ? path : from;
}

static int open_target(retargeting* r, loomAssetRoots* roots, loomError* err) {
  char label[LOOM_PATH_MAX], *xml = NULL;
  int code = tool_assets(roots, r->to, err);
  if (!code && !r->to->model_file[0])
    code = loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: no `model: file`; demos of other robots need a scene of the task's own",
                          r->to->path);
  if (!code) code = loom_task_model(&xml, label, r->to, roots, err);
  if (!code) code = loom_scene_create(&r->scene, r->to, xml, label, NULL, roots, err);
  free(xml);

  if (!code) code = loom_episode_create(&r->episode, r->scene, err);
  return code ? code : loom_arms_take_poses(r->episode->arms, r->episode->arm_count, r->to->path, err);
}

static int open_retargeting(retargeting* r, loomAssetRoots* roots, loomError* err) {
  char path[LOOM_PATH_MAX];
  int code = loom_task_find(&r->to, r->a->task, err);
  if (!code) code = tool_open(&r->from, &r->dataset, roots, r->a->in, task_from(r, path), false, err);
  if (!code) code = tool_outputs_check(&r->outputs, loom_dataset_path(r->dataset), err);
  if (!code && r->a->mirrored && !r->from->mirror.declared)
    code =
        loom_error_set(err, LOOM_ERR_USAGE,
                       "%s does not say how its demos are mirrored: `mirror:` does; see `demoloom help task`",
                       r->from->path);

  // What cannot be mapped is told before anything is compiled.
  if (!code) code = loom_retarget_plan(&r->plan, r->from, r->to, err);
  if (!code) code = open_target(r, roots, err);
  if (code) return code;

  int n = loom_dataset_demo_count(r->dataset);
  r->demo = calloc(2 * (size_t)n + 1, sizeof *r->demo);
  if (!r->demo) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d demos", n);
  return n ? 0 : loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demos", r->a->in);
}

// ---- one demo

// Where its segments end, as `generate` reads it, so that what tells an end need not be in the states.
static void add_signals(loomDemoRecord* record, const loomRetargeted* made, const loomTask* task) {
  for (int a = 0; a < task->arm_count; a++) {
    for (int k = 0; k + 1 < task->subtask_count[a]; k++) {
      char path[2 * LOOM_NAME_MAX];
      loom_segment_signal(path, sizeof path, a, task->subtasks[a][k].name);
      int64_t* signal = loom_demo_record_room(record, path, LOOM_TYPE_I64, 1, (int64_t[]){made->rows});
      for (int t = made->end[a][k] - 1; signal && t < made->rows; t++) signal[t] = 1;
    }
  }
}

static int keep_demo(retargetDemo* d, retargeting* r, loomError* err) {
  loomDemoRecord* record = &d->record;
  const loomRetargeted* made = &d->made;
  int code = loom_episode_xml(&d->xml, r->episode, err);
  if (code) return code;

  loom_demo_record_array(record, "actions", LOOM_TYPE_F64, made->actions, 2,
                         (int64_t[]){made->rows, r->episode->action_dim});
  loom_demo_record_array(record, "states", LOOM_TYPE_F64, made->states, 2,
                         (int64_t[]){made->rows, r->episode->state_dim});
  if (r->plan.same_subtasks) add_signals(record, made, r->to);

  loom_demo_record_attr(record, loom_attr_int("num_samples", made->rows));
  loom_demo_record_attr(record, loom_attr_string("loom_origin", d->origin));
  loom_demo_record_attr(record, loom_attr_string("model_file", d->xml));
  return 0;
}

// Objects of the demo's own sizes, where sizes differ from demo to demo.
static int take_sizes(loomShapes** shapes, retargeting* r, const loomDemo* demo, loomError* err) {
  bool any = false;
  *shapes = NULL;
  for (int o = 0; o < r->to->object_count; o++) any = any || r->to->objects[o].shape_count;

  double* state = calloc((size_t)r->episode->state_dim, sizeof *state);
  int code = state ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a state");
  if (!code && any) code = loom_shapes_create(shapes, r->scene, demo->model_xml, demo->name, err);
  if (!code) mju_copy(state + 1, r->episode->m->qpos0, (int)r->episode->m->nq);
  if (!code) code = loom_episode_start_as(r->episode, *shapes, state, err);
  free(state);
  return code;
}

static int retarget_one(retargeting* r, const loomReplay* replay, const loomDemo* demo, loomError* err) {
  retargetDemo* d = &r->demo[r->n++];
  loomRetargetSource source = {replay, demo, r->recorded, false};
  loomShapes* shapes = NULL;
  snprintf(d->name, sizeof d->name, "%s", replay->name);
  snprintf(d->origin, sizeof d->origin, "retargeted from %s of %s", replay->name, r->from->name);

  int code = take_sizes(&shapes, r, demo, err);
  if (!code) code = loom_retarget_follow(&d->made, r->episode, &r->plan, &source, err);
  if (!code && d->made.kept && r->a->out) code = keep_demo(d, r, err);
  r->kept += !code && d->made.kept;
  if (!code && shapes) code = loom_episode_restore_sizes(r->episode, err);
  loom_shapes_destroy(shapes);
  return code ? loom_error_prefix(err, code, "%s", d->name) : 0;
}

static int retarget_number(retargeting* r, int i, loomError* err) {
  loomReplay replay = {0}, mirrored = {0};
  loomDemo demo = {0};
  loomError why = {0, ""};
  int code = loom_source_load(&replay, &r->recorded, r->from, r->dataset, i, &r->a->roots, NULL, &why);
  if (code && r->a->skip && loom_source_is_odd(code, NULL)) {
    loom_replay_destroy(&replay);
    r->left_out++;
    return loom_dataset_leave_out(r->dataset, i, why.message);
  }
  if (code) {
    loom_source_is_odd(code, &why);
    code = loom_error_set(err, code, "%s", why.message);
  }

  // It, its mirror image, or both.
  if (!code) code = loom_demo_load(&demo, r->dataset, i, err);
  if (!code && r->a->mirrored < 2) code = retarget_one(r, &replay, &demo, err);
  if (!code && r->a->mirrored) code = loom_mirror_check(r->recorded, err);
  if (!code && r->a->mirrored) code = loom_mirror_replay(&mirrored, &replay, r->from, err);
  if (!code && r->a->mirrored) code = retarget_one(r, &mirrored, &demo, err);

  loom_replay_destroy(&replay);
  loom_replay_destroy(&mirrored);
  loom_demo_destroy(&demo);
  return code;
}

// ---- told

static void print_demo(const retargetDemo* d) {
  const loomRetargeted* m = &d->made;
  printf(
      "%-12s %5d rows  reach %5.1f mm  at limits %3d rows  joint speed %4.0f %%  in each other %4.1f mm  "
      "%s%s\n",
      d->name, m->rows, 1e3 * m->reach, m->limit_rows, 100 * m->joint_speed, 1e3 * m->penetration,
      m->kept ? "kept" : "left out: ", m->reason);
}

static cJSON* demo_json(const retargetDemo* d) {
  const loomRetargeted* m = &d->made;
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "name", d->name);
  cJSON_AddBoolToObject(out, "kept", m->kept);
  if (!m->kept) cJSON_AddStringToObject(out, "reason", m->reason);
  cJSON_AddNumberToObject(out, "rows", m->rows);
  cJSON_AddNumberToObject(out, "reach", m->reach);
  cJSON_AddNumberToObject(out, "reach_arm", m->reach_arm);
  cJSON_AddNumberToObject(out, "reach_row", m->reach_row);
  cJSON_AddNumberToObject(out, "limit_rows", m->limit_rows);
  cJSON_AddStringToObject(out, "limit_joint", m->limit_joint);
  cJSON_AddNumberToObject(out, "joint_speed", m->joint_speed);
  cJSON_AddStringToObject(out, "fastest", m->fastest);
  cJSON_AddNumberToObject(out, "penetration", m->penetration);
  cJSON_AddStringToObject(out, "penetrating", m->penetrating);
  cJSON_AddNumberToObject(out, "penetration_row", m->penetration_row);
  cJSON_AddBoolToObject(out, "success", m->success);
  return out;
}

static void print_retargeted(const retargeting* r) {
  if (!r->a->json) {
    for (int i = 0; i < r->n; i++) print_demo(&r->demo[i]);
    printf("%d of %d demos kept%s%s\n", r->kept, r->n, r->a->out && r->kept ? ": " : "",
           r->a->out && r->kept ? r->a->out : "");
    return;
  }

  cJSON* out = cJSON_CreateObject();
  if (r->a->out && r->kept) cJSON_AddStringToObject(out, "file", r->a->out);
  cJSON_AddStringToObject(out, "from", r->from->name);
  cJSON_AddStringToObject(out, "task", r->to->name);
  cJSON_AddNumberToObject(out, "demos", r->n);
  cJSON_AddNumberToObject(out, "kept", r->kept);
  cJSON* list = cJSON_AddArrayToObject(out, "each");
  for (int i = 0; i < r->n; i++) cJSON_AddItemToArray(list, demo_json(&r->demo[i]));
  tool_print_report(out);
  cJSON_Delete(out);
}

// ---- written

static int write_shard(const char* path, retargeting* r, loomError* err) {
  char(*name)[LOOM_NAME_MAX] = calloc((size_t)r->kept + 1, sizeof *name);
  loomRecord* record = calloc((size_t)r->kept + 1, sizeof *record);
  int n = 0, code = name && record ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for demos");
  for (int i = 0; !code && i < r->n; i++) {
    if (!r->demo[i].xml) continue;
    snprintf(name[n], sizeof name[n], "demo_%d", n);
    code = loom_demo_record_finish(&record[n], &r->demo[i].record, name[n], err);
    n++;
  }

  loomWriteDef write = loom_default_write_def();
  write.gzip = 9;
  if (!code) code = loom_shard_write(path, record, n, &write, err);
  free(record);
  free(name);
  return code;
}

static int write_retargeted(retargeting* r, loomError* err) {
  char part[LOOM_PATH_MAX + 16];
  char* env_args = loom_env_args(r->to);
  if (!env_args) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for env_args");
  snprintf(part, sizeof part, "%.*s.part", LOOM_PATH_MAX - 1, r->a->out);

  loomAttr attrs[] = {loom_attr_string("env_args", env_args), loom_attr_int(LOOM_ANNOTATED, 1)};
  loomSource source = {part, NULL};
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = attrs;
  def.nattr = r->plan.same_subtasks ? 2 : 1;
  def.valid = 0;
  int code = write_shard(part, r, err);
  if (!code) code = loom_dataset_assemble(r->a->out, &source, 1, &def, err);
  unlink(part);
  cJSON_free(env_args);
  return code;
}

// ---- all of it

static int retarget_all(retargeting* r, loomError* err) {
  int n = loom_dataset_demo_count(r->dataset), code = 0;
  double start = loom_clock();
  for (int i = 0; !code && i < n && !tool_stop; i++) {
    code = retarget_number(r, i, err);
    tool_progress("demos", i + 1, n, loom_clock() - start, "");
  }
  tool_progress_end();

  if (!code && tool_stop)
    code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted after %d demos; nothing was written", r->n);
  if (!code && r->kept && r->a->out) code = write_retargeted(r, err);
  return code;
}

static void close_retargeting(retargeting* r, loomAssetRoots* roots) {
  for (int i = 0; r->demo && i < r->n; i++) {
    loom_demo_record_destroy(&r->demo[i].record);
    loom_retargeted_destroy(&r->demo[i].made);
    free(r->demo[i].xml);
  }
  free(r->demo);
  tool_outputs_close(&r->outputs);
  loom_episode_destroy(r->episode);
  loom_scene_destroy(r->scene);
  loom_scene_destroy(r->recorded);
  loom_dataset_close(r->dataset);
  loom_task_destroy(r->from);
  loom_task_destroy(r->to);
  loom_asset_roots_destroy(roots);
}

int cmd_retarget(int argc, char** argv) {
  retargetArgs a = {0};
  retargeting r = {.a = &a};
  loomError err = {0, ""};
  int code = read_retarget_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  tool_catch_signals();
  const char* inputs[] = {a.in, a.task};
  code = tool_output(&r.outputs, a.out, tool_output_mode(a.overwrite), inputs, 2, &err);
  if (!code) code = open_retargeting(&r, &a.roots, &err);
  if (!code) code = retarget_all(&r, &err);

  if (!code) print_retargeted(&r);
  int status = code ? tool_fail(&err) : r.kept ? EXIT_DONE : EXIT_FAILED;
  if (!code && !r.kept)
    fprintf(stderr, "demoloom retarget: none of the %d demos can be followed by these robots%s\n", r.n,
            a.out ? "; nothing was written" : "");
  close_retargeting(&r, &a.roots);
  return status;
}
