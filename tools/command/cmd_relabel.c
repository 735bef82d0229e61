// demoloom relabel: actions for demos that have none, inferred from what their states or observations show.
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/run/record_demo.h"
#include "engine/task/agree.h"
#include "tools/command/relabel.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

typedef enum relabelMethod { RELABEL_INVERSE, RELABEL_DIFFERENCES } relabelMethod;

static const char* const method_names[] = {
    [RELABEL_INVERSE] = "inverse", [RELABEL_DIFFERENCES] = "differences", NULL};

typedef struct relabelArgs {
  const char *in, *task, *out, *reset;
  int method, play;
  int64_t steps, length, seed, threads;
  loomDynamicsDef model;
  bool overwrite, json;
  loomAssetRoots roots;
} relabelArgs;

static const toolOption options[] = {
    TOOL_OPTION_AS("task", 't', "TASK", relabelArgs, STRING, task, .about = "task that the demos are of"),
    TOOL_OPTION_AS("output", 'o', "FILE.hdf5", relabelArgs, STRING, out,
                   .about = "the dataset with inferred actions; without it only errors are told"),
    TOOL_OPTION_AS("method", 'm', "NAME", relabelArgs, CHOICE, method, .choices = method_names,
                   .about = "inverse: a model of each arm, learned from self-play in the task's simulator "
                            "(BCO(0)); differences: the command that would take hand and fingers from a row "
                            "to the next, were it obeyed at once"),
    TOOL_OPTION(0, "NAME", relabelArgs, CHOICE, play, .choices = loom_self_play_names,
                .about = "self-play. chase: hands go after those of a demo, from its first state where there "
                         "are states, pushed off their ways; wander: to goals around where they began"),
    TOOL_OPTION(0, "N", relabelArgs, INT64, steps, .low = 256, .high = 1 << 24,
                .about = "control steps of self-play"),
    TOOL_OPTION(0, "N", relabelArgs, INT64, length, .low = 8, .high = 1 << 20,
                .about = "control steps of an episode of it; those that chase are as long as their demo"),
    TOOL_OPTION_AS("reset", 0, "NAME", relabelArgs, STRING, reset,
                   .about =
                       "reset distribution, where episodes do not begin as a demo; the task's first unless "
                       "given"),
    TOOL_OPTION_AS("hidden", 0, "A,B,...", relabelArgs, SIZES, model.hidden, .low = 1, .high = 4096,
                   .about = "units of the model's hidden layers"),
    TOOL_OPTION_AS("fit-steps", 0, "N", relabelArgs, INT, model.steps, .low = 1, .high = 1 << 24,
                   .about = "steps of its training"),
    TOOL_OPTION_AS("batch", 0, "N", relabelArgs, INT, model.batch, .low = 1, .high = 1 << 16,
                   .about = "rows of a step"),
    TOOL_OPTION_AS("rate", 0, "R", relabelArgs, REAL, model.rate, .least = 1e-12, .most = 10,
                   .about = "of learning (to 0, as a cosine)"),
    TOOL_OPTION_AS("seed", 's', "S", relabelArgs, INT64, seed, .high = INT32_MAX / 2,
                   .about = "of all that is random"),
    TOOL_OPTION_AS("threads", 'j', "N", relabelArgs, INT64, threads, .high = 1024,
                   .about = "0 = as many as cores; the result does not depend on it"),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION('a', relabelArgs, roots),
    TOOL_OVERWRITE_OPTION(relabelArgs, overwrite),
    TOOL_OPTION(0, NULL, relabelArgs, BOOL, json, .about = "counts and errors on stdout"),
};

static const toolCommand command = {
    .before =
        "usage: demoloom relabel IN.hdf5 --task TASK -o OUT.hdf5 [options]\n"
        "\n"
        "Gives demos without actions some that would have moved the arms as they moved, by an inverse "
        "dynamics "
        "model learned\n"
        "from self-play (Torabi, Warnell and Stone, \"Behavioral cloning from observation\", 2018). What is "
        "looked at are\n"
        "states, or else observations of joints and grippers. Actions that the demos have are never learned "
        "from, only\n"
        "compared with: as shares of the range that each number has in them. OUT is IN with these actions "
        "and "
        "the targets\n"
        "that follow from them, and says so (attributes loom_relabel_*).\n",
    .after =
        "examples:\n"
        "  demoloom relabel watched.hdf5 --task handover -o relabeled.hdf5 --json\n"
        "  demoloom relabel watched.hdf5 --task handover --method differences -o differences.hdf5\n"
        "  demoloom train --data relabeled.hdf5 -p diffusion_mlp -o runs/watched\n",
    TOOL_OPTIONS(options),
};

static int read_relabel_options(relabelArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);

  if (code) return code;
  if (optind + 1 != argc) return tool_usage("relabel", "it takes one dataset");
  a->in = argv[optind];
  if (!a->task) return tool_usage("relabel", "it takes --task, which the demos are of");
  if (!a->out && a->overwrite) return tool_usage("relabel", "--overwrite needs -o");
  if (a->model.hidden.n >= LOOM_MLP_LAYERS)
    return tool_usage("relabel", "--hidden: at most %d layers", LOOM_MLP_LAYERS - 1);
  return 0;
}

typedef struct relabeling {
  const relabelArgs* a;
  loomTask* task;
  loomDataset* dataset;
  loomScene* scene;
  loomEpisode* episode;
  loomMotionLayout layout;
  int reset, n;
  relabelDemo* demo;  // (n)
  int64_t rows;
  loomSelfPlay play;
  loomDynamicsArms models;
  uint64_t digest;  // of the models
  relabelErrors errors;
  double start, play_seconds, fit_seconds;  // the last two of CPU time
  toolOutputs outputs;
} relabeling;

// ---- opening

// The scene is that of the demos' own model where they bring it: states are its.
static int open_scene(relabeling* r, loomAssetRoots* roots, loomError* err) {
  char label[LOOM_PATH_MAX], *xml = NULL, *env_args = NULL;
  const char* object = loom_dataset_demo_path(r->dataset, 0);
  loomControllerDef control[LOOM_MAX_ARMS];
  int code = tool_assets(roots, r->task, err);
  if (!code && loom_dataset_has_attr(r->dataset, "data", "env_args"))
    code = loom_dataset_attr_string(&env_args, r->dataset, "data", "env_args", err);

  if (!code && loom_dataset_has_attr(r->dataset, object, "model_file")) {
    snprintf(label, sizeof label, "%.900s:%.100s", loom_dataset_path(r->dataset), object);
    code = loom_dataset_attr_string(&xml, r->dataset, object, "model_file", err);
    if (!code) code = loom_scene_create(&r->scene, r->task, xml, label, env_args, roots, err);
  } else if (!code) {
    code = loom_scene_of_task(&r->scene, r->task, roots, err);
    if (!code && env_args)
      code = loom_task_agrees(control, r->task, env_args, loom_dataset_path(r->dataset), err);
  }
  free(xml);
  free(env_args);

  // Whose demos do not go with the task.
  const char* path = loom_dataset_path(r->dataset);
  bool named = !err || !strncmp(err->message, path, strlen(path));
  return code && !named ? loom_error_prefix(err, code, "%s", path) : code;
}

static int open_relabeling(relabeling* r, loomAssetRoots* roots, loomError* err) {
  const relabelArgs* a = r->a;
  int code = tool_open(&r->task, &r->dataset, roots, a->in, a->task, false, err);
  if (!code) code = tool_outputs_check(&r->outputs, loom_dataset_path(r->dataset), err);
  if (code) return code;

  r->n = loom_dataset_demo_count(r->dataset);
  if (!r->n) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: no demos", a->in);
  r->reset = a->reset ? loom_task_find_reset(r->task, a->reset) : 0;
  if (r->reset < 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: no reset distribution '%s'", r->task->path, a->reset);

  r->demo = calloc((size_t)r->n, sizeof *r->demo);
  if (!r->demo) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for %d demos", r->n);
  code = open_scene(r, roots, err);
  if (!code) code = loom_episode_create(&r->episode, r->scene, err);
  return code ? code : loom_motion_bind(&r->layout, r->episode, err);
}

static int stopped(loomError* err) {
  return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; nothing was written: run it again");
}

static int read_demos(relabeling* r, loomError* err) {
  int code = 0;

  for (int i = 0; !code && i < r->n && !tool_stop; i++) {
    code = relabel_read(&r->demo[i], r->dataset, i, &r->layout, r->episode, err);
    r->rows += r->demo[i].rows;
    tool_progress("read", i + 1, r->n, loom_clock() - r->start, "demos");
  }
  tool_progress_end();
  return !code && tool_stop ? stopped(err) : code;
}

// ---- inferring

static void tell_play(void* user, int64_t steps, int64_t all) {
  const relabeling* r = user;
  tool_progress("self-play", steps, all, loom_clock() - r->start, "control steps");
}

static void tell_fit(void* user, int step, int steps) {
  const relabeling* r = user;
  tool_progress("learned", step, steps, loom_clock() - r->start, "steps");
}

static int play(relabeling* r, loomError* err) {
  const relabelArgs* a = r->a;
  loomPlayed* played = calloc((size_t)r->n, sizeof *played);
  if (!played) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for demos");
  for (int i = 0; i < r->n; i++) played[i] = (loomPlayed){&r->demo[i].motion, r->demo[i].state};

  loomSelfPlayDef def = {.kind = a->play,
                         .steps = a->steps,
                         .length = (int)a->length,
                         .reset = r->reset,
                         .seed = (uint64_t)a->seed,
                         .threads = (int)a->threads,
                         .n = r->n,
                         .demo = played,
                         .stop = &tool_stop,
                         .progress = tell_play,
                         .user = r};
  double cpu = loom_process_cpu();
  int code = loom_self_play(&r->play, r->scene, &r->layout, &def, err);
  r->play_seconds = loom_process_cpu() - cpu;
  tool_progress_end();
  free(played);
  return code == LOOM_ERR_INTERRUPTED ? stopped(err) : code;
}

static int learn(relabeling* r, loomError* err) {
  const relabelArgs* a = r->a;
  loomDynamicsArmsDef def = {.model = a->model,
                             .n = r->play.n,
                             .motion = r->play.episode,
                             .seed = (uint64_t)a->seed,
                             .threads = (int)a->threads,
                             .stop = &tool_stop,
                             .progress = tell_fit,
                             .user = r};
  double cpu = loom_process_cpu();

  r->start = loom_clock();
  int code = loom_dynamics_arms_fit(&r->models, &r->layout, r->episode, &def, err);
  r->fit_seconds = loom_process_cpu() - cpu;
  tool_progress_end();
  if (!code) r->digest = loom_dynamics_arms_digest(&r->models);
  return code && tool_stop ? stopped(err) : code;
}

static int infer(relabeling* r, loomError* err) {
  bool inverse = r->a->method == RELABEL_INVERSE;

  r->start = loom_clock();
  int code = inverse ? play(r, err) : 0;
  if (!code && inverse) code = learn(r, err);
  for (int i = 0; !code && i < r->n; i++) {
    relabelDemo* d = &r->demo[i];
    if (inverse)
      code = loom_dynamics_arms_act(d->actions, &r->models, &d->motion, err);
    else
      loom_motion_differences(d->actions, &r->layout, r->episode, &d->motion);
  }
  return code ? code : relabel_compare(&r->errors, r->demo, r->n, r->episode, err);
}

// ---- written

// What follows from actions: where they send the hands, and what grippers do. Names as generated demos have
// them.
static void add_targets(loomDemoRecord* record, const relabeling* r, const relabelDemo* d) {
  int arms = r->layout.arm_count;
  double* target = loom_demo_record_room(record, "datagen_info/target_pose", LOOM_TYPE_F64, 4,
                                         (int64_t[]){d->rows, arms, 4, 4});
  double* grip = loom_demo_record_room(record, "datagen_info/gripper_action", LOOM_TYPE_F64, 2,
                                       (int64_t[]){d->rows, arms});
  loomPose last[LOOM_MAX_ARMS];
  const double* action = d->actions;

  for (int t = 0; target && grip && t < d->rows; t++) {
    for (int a = 0; a < arms; a++) {
      const loomArm* arm = &r->episode->arms[a];
      loomPose eef = loom_motion_eef(&r->layout, a, d->motion.row + (ptrdiff_t)t * r->layout.dim);
      last[a] = loom_arm_target(arm, eef, t ? last[a] : eef, action);
      loom_pose_to_matrix(target + (ptrdiff_t)16 * (t * arms + a), last[a]);
      for (int k = 0; k < arm->robot->gripper_dim; k++)
        grip[t * arms + a] += action[arm->pose_dim + k] / arm->robot->gripper_dim;
      action += loom_arm_action_dim(arm);
    }
  }
}

static int list_attrs(loomAttr attr[8], char text[256], const relabeling* r) {
  const relabelArgs* a = r->a;
  int n = 0, at = 0;
  attr[n++] = loom_attr_string("loom_relabel_method", method_names[a->method]);
  attr[n++] = loom_attr_string("loom_relabel_task", r->task->name);
  if (a->method != RELABEL_INVERSE) return n;

  at = snprintf(text, 256, "perceptron of each arm, hidden");
  for (int i = 0; i < a->model.hidden.n; i++)
    at += snprintf(text + at, 256 - (size_t)at, " %d", a->model.hidden.size[i]);
  snprintf(text + at, 256 - (size_t)at, ", %d steps of %d rows, digest %016llx", a->model.steps,
           a->model.batch, (unsigned long long)r->digest);
  attr[n++] = loom_attr_string("loom_relabel_model", text);
  attr[n++] = loom_attr_string("loom_relabel_play", loom_self_play_names[a->play]);
  attr[n++] = loom_attr_int("loom_relabel_steps", r->play.steps);
  attr[n++] = loom_attr_int("loom_relabel_seed", a->seed);
  return n;
}

static int assemble(relabeling* r, loomDemoRecord* record, loomRecord* extra, loomSource* source,
                    loomError* err) {
  char text[256];
  loomAttr attr[8];
  int code = 0;
  for (int i = 0; !code && i < r->n; i++) {
    const relabelDemo* d = &r->demo[i];
    loom_demo_record_array(&record[i], "actions", LOOM_TYPE_F64, d->actions, 2,
                           (int64_t[]){d->rows, r->episode->action_dim});
    add_targets(&record[i], r, d);
    code = loom_demo_record_finish(&extra[i], &record[i], NULL, err);
    source[i] = (loomSource){loom_dataset_path(r->dataset), loom_dataset_demo_name(r->dataset, i)};
  }
  if (code) return code;

  // Actions in other forms are no longer true either.
  loomNames left_out = {0, NULL};
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = attr;
  def.nattr = list_attrs(attr, text, r);
  def.extra = extra;
  def.leave_out = "action_dict";
  def.keep_names = true;
  def.left_out = &left_out;
  code = loom_dataset_assemble(r->a->out, source, r->n, &def, err);
  tool_tell_left_out(&left_out, !code);
  return code;
}

static int write_relabeled(relabeling* r, loomError* err) {
  size_t n = (size_t)r->n;
  loomDemoRecord* record = calloc(n, sizeof *record);
  loomRecord* extra = calloc(n, sizeof *extra);
  loomSource* source = calloc(n, sizeof *source);
  int code = record && extra && source ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for demos");

  if (!code) code = assemble(r, record, extra, source, err);
  for (size_t i = 0; record && i < n; i++) loom_demo_record_destroy(&record[i]);
  free(record);
  free(extra);
  free(source);
  return code;
}

// ---- told

static void print_json(const relabeling* r) {
  const relabelArgs* a = r->a;
  cJSON* out = cJSON_CreateObject();

  if (a->out) cJSON_AddStringToObject(out, "file", a->out);
  cJSON_AddStringToObject(out, "task", r->task->name);
  cJSON_AddStringToObject(out, "method", method_names[a->method]);
  cJSON_AddNumberToObject(out, "demos", r->n);
  cJSON_AddNumberToObject(out, "rows", (double)r->rows);
  cJSON_AddNumberToObject(out, "steps", (double)r->play.steps);
  if (a->method == RELABEL_INVERSE) {
    cJSON_AddStringToObject(out, "play", loom_self_play_names[a->play]);
    cJSON_AddNumberToObject(out, "seed", (double)a->seed);
    cJSON_AddNumberToObject(out, "play_cpu", r->play_seconds);
    cJSON_AddNumberToObject(out, "fit_cpu", r->fit_seconds);
  }
  if (r->errors.known) relabel_errors_json(out, &r->errors);
  tool_print_report_line(out);
  cJSON_Delete(out);
}

static void print_relabeled(const relabeling* r) {
  if (r->a->json) {
    print_json(r);
    return;
  }
  printf("%d demos, %lld rows, by %s\n", r->n, (long long)r->rows, method_names[r->a->method]);
  if (r->a->method == RELABEL_INVERSE)
    printf("%lld control steps of self-play, %.0f s of CPU time, and %.0f s to learn from them\n",
           (long long)r->play.steps, r->play_seconds, r->fit_seconds);
  if (r->errors.known) relabel_errors_print(&r->errors);

  if (r->a->out) printf("wrote %s\n", r->a->out);
  tool_print_left_out();
}

static void close_relabeling(relabeling* r, loomAssetRoots* roots) {
  for (int i = 0; r->demo && i < r->n; i++) relabel_demo_destroy(&r->demo[i]);
  free(r->demo);
  loom_self_play_destroy(&r->play);
  loom_dynamics_arms_destroy(&r->models);
  tool_outputs_close(&r->outputs);
  loom_episode_destroy(r->episode);
  loom_scene_destroy(r->scene);
  loom_dataset_close(r->dataset);
  loom_task_destroy(r->task);
  loom_asset_roots_destroy(roots);
}

int cmd_relabel(int argc, char** argv) {
  relabelArgs a = {.steps = 50000, .length = 200, .seed = 1, .model = loom_default_dynamics_def()};
  relabeling r = {.a = &a};
  loomError err = {0, ""};
  int code = read_relabel_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  tool_catch_signals();
  r.start = loom_clock();
  const char* inputs[] = {a.in, a.task};
  code = tool_output(&r.outputs, a.out, tool_output_mode(a.overwrite), inputs, 2, &err);
  if (!code) code = open_relabeling(&r, &a.roots, &err);
  if (!code) code = read_demos(&r, &err);
  if (!code) code = infer(&r, &err);
  if (!code && a.out) code = write_relabeled(&r, &err);

  if (!code) print_relabeled(&r);
  int status = code ? tool_fail(&err) : EXIT_DONE;
  close_relabeling(&r, &a.roots);
  return status;
}
