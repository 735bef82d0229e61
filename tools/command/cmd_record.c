// demoloom record: source demos of a task by its scripted expert.
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/run_folder.h"
#include "engine/base/version.h"
#include "engine/scene/compose.h"
#include "engine/scene/env_args.h"
#include "generators/expert/expert.h"
#include "generators/run/record.h"
#include "generators/run/settings.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

typedef struct recordArgs {
  const char *task, *out, *reset, *disturb;
  int64_t successes, attempts, seed, max_failures;
  bool all, resume, overwrite, json;
  loomAssetRoots roots;
} recordArgs;

static const toolOption options[] = {
    TOOL_OPTION_AS("successes", 'n', "N", recordArgs, INT64, successes, .low = 1, .high = 100000,
                   .about = "demos to record"),
    TOOL_OPTION_AS("attempts", 'm', "N", recordArgs, INT64, attempts, .low = 1, .high = 1000000,
                   .about = "give up after so many attempts; 10 a demo unless given"),
    TOOL_OPTION_AS("max-failures", 0, "N", recordArgs, INT64, max_failures, .high = INT32_MAX,
                   .about = "give up after so many failures, 0 = never; when all of the first 200 attempts "
                            "fail unless given"),
    TOOL_OPTION_AS("output", 'o', "FILE.hdf5", recordArgs, STRING, out,
                   .about = "dataset to write; without it only what happened is told"),
    TOOL_OPTION_AS("seed", 's', "S", recordArgs, INT64, seed, .high = INT64_MAX,
                   .about = "of what is random"),
    TOOL_OPTION_AS("reset", 'r', "NAME", recordArgs, STRING, reset,
                   .about = "reset distribution; the task's first unless given"),
    TOOL_DISTURB_OPTION(recordArgs, disturb),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION('a', recordArgs, roots),
    TOOL_OPTION_AS("all", 0, NULL, recordArgs, BOOL, all,
                   .about = "keep those that fail too, to look at them"),
    TOOL_OPTION_AS("resume", 0, NULL, recordArgs, BOOL, resume,
                   .about = "go on with an unfinished run (starts one where there is none)"),
    TOOL_OVERWRITE_OPTION(recordArgs, overwrite),
    TOOL_OPTION(0, NULL, recordArgs, BOOL, json, .about = "what was recorded, on stdout"),
};

static const toolCommand command = {
    .before =
        "usage: demoloom record TASK -o OUT.hdf5 [options]\n"
        "\n"
        "Records source demos with the task's scripted expert (`expert:` in task.yaml), closed-loop in the "
        "simulator,\n"
        "with a person's variation of speed, pauses and places. Demos that do not succeed are left out and "
        "told,\n"
        "each with where the expert was and what is missing; in the end how many these are and how they "
        "ended.\n",
    .after =
        "Ctrl-C and a full disk leave the demos so far in OUT.hdf5.parts; --resume goes on from there.\n"
        "\n"
        "example:\n"
        "  demoloom record threading -n 10 -o scenes/threading/demo.hdf5\n"
        "  demoloom record drawer -n 15 --disturb real.yaml -o real.hdf5    real.yaml: `mass: 1.3`, ...\n",
    TOOL_OPTIONS(options),
};

static int read_record_options(recordArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;
  if (optind + 1 != argc) return tool_usage("record", "it takes one task");
  a->task = argv[optind];
  if (!a->out && (a->resume || a->overwrite)) return tool_usage("record", "--resume and --overwrite need -o");
  if (!a->attempts) a->attempts = 10 * a->successes;
  return tool_one_of_both("record", a->overwrite, a->resume);
}

// The last is none of loomRunEnd: a demo that succeeds, and that generation could do nothing with.
enum { UNSEGMENTED = LOOM_RUN_SIMULATOR + 1, END_COUNT };
static const char* const ends[END_COUNT] = {"success",     "lost",      "done without success",
                                            "out of time", "simulator", "success that cannot be segmented"};

typedef struct recording {
  const recordArgs* a;
  loomTask* task;
  const loomDisturbSet* disturb;  // of the task, or NULL
  const loomAssetRoots* roots;
  loomScene* scene;
  loomEpisode* episode;
  loomTrace trace;
  int reset;
  int64_t attempts, kept, succeeded;
  int64_t ends[END_COUNT];       // attempts that ended so
  bool shared;                   // all demos have one model
  char (*paths)[LOOM_PATH_MAX];  // (successes) shards
  toolOutputs outputs;
  loomRunFolder parts;  // OUT.parts, where the shards lie
  char *settings, *limits;
  bool complete;  // the dataset is there already
  bool told;      // whether the disk has room for all
  bool kept_old;  // Ctrl-C: what was to be replaced is there still
} recording;

static int open_recording(recording* r, loomAssetRoots* roots, loomError* err) {
  char label[LOOM_PATH_MAX], *xml = NULL;
  int code = loom_task_find(&r->task, r->a->task, err);
  if (!code && r->a->disturb) code = loom_disturb_find(&r->disturb, r->task, r->a->disturb, err);
  if (!code) code = tool_outputs_check(&r->outputs, r->task->path, err);
  if (!code) code = tool_assets(roots, r->task, err);
  r->roots = roots;
  if (!code && !r->task->model_file[0])
    code = loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: no `model: file`; scripted demos need a scene of their own", r->task->path);

  // The scene has its own MJCF; the episode and its trace serve all attempts.
  if (!code) code = loom_task_model(&xml, label, r->task, roots, err);
  if (!code) code = loom_scene_create(&r->scene, r->task, xml, label, NULL, roots, err);
  free(xml);
  if (!code && r->disturb) code = loom_disturb_check(r->disturb, r->scene, err);
  if (!code) code = loom_episode_create(&r->episode, r->scene, err);
  if (!code) code = loom_arms_take_poses(r->episode->arms, r->episode->arm_count, r->task->path, err);
  if (!code) code = loom_trace_create(&r->trace, r->episode, r->task->max_steps, err);
  if (code) return code;

  // Objects of generated shapes make each demo's model another, which then goes with it.
  r->shared = true;
  for (int o = 0; o < r->task->object_count; o++) r->shared = r->shared && !r->task->objects[o].shape_count;

  r->reset = loom_task_find_reset(r->task, r->a->reset ? r->a->reset : r->task->resets[0].name);
  if (r->reset < 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", r->task->path,
                          r->a->reset);
  return 0;
}

// ---- what is kept until the dataset is made

// Whatever decides the demos, and what says when there are enough; a line each, which a difference names.
static int describe_recording(recording* r, loomError* err) {
  const recordArgs* a = r->a;
  cJSON* settings = loom_settings_begin("record", r->task, r->scene, r->reset, (uint64_t)a->seed);
  cJSON* limits = cJSON_CreateObject();

  cJSON_AddBoolToObject(settings, "keep_failed", a->all);
  if (r->disturb) {
    cJSON_AddStringToObject(settings, "disturb", r->disturb->name);
    loom_settings_add_digest(settings, "disturb_content", r->disturb->digest);
  }

  cJSON_AddNumberToObject(limits, "successes", (double)a->successes);
  cJSON_AddNumberToObject(limits, "attempts", (double)a->attempts);
  cJSON_AddNumberToObject(limits, "max_failures", (double)a->max_failures);
  r->settings = cJSON_Print(settings);
  r->limits = cJSON_Print(limits);
  cJSON_Delete(settings);
  cJSON_Delete(limits);
  return r->settings && r->limits ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for settings");
}

static const char anew[] = "use --overwrite to start anew, or another -o";

// Before anything is recorded: may it be kept, and is there something to go on with?
static int open_parts(recording* r, loomError* err) {
  static const char* const own[] = {"demo-*.hdf5", "run.json", LOOM_REPLACES_FILE, NULL};
  const recordArgs* a = r->a;
  char path[LOOM_PATH_MAX];
  if (!a->out) return 0;

  // A finished dataset must be this very run's.
  snprintf(path, sizeof path, "%.*s.parts", LOOM_PATH_MAX - 32, a->out);
  r->complete = a->resume && !a->overwrite && loom_is_file(a->out) && !loom_is_folder(path);
  if (r->complete) return loom_dataset_check_run(a->out, r->settings, r->limits, anew, err);

  loomRunFolderDef def = {.path = path,
                          .mode = loom_folder_mode(a->overwrite, a->resume),
                          .mark = "run.json",
                          .own = own,
                          .alternative = anew};
  int code = loom_run_folder_open(&r->parts, &def, err);
  if (code) return code;

  // Whose dataset it is that the new one will replace.
  if (a->overwrite) code = loom_dataset_note_replaced(path, a->out, err);
  if (!a->overwrite) code = loom_dataset_check_replaced(path, a->out, r->settings, anew, err);
  return code ? code : loom_run_folder_settings(&r->parts, def.mark, r->settings, err);
}

// The shard of an attempt is there once it is whole.
static void shard_path(char out[LOOM_PATH_MAX], const recording* r, int64_t attempt) {
  snprintf(out, LOOM_PATH_MAX, "%.*s/demo-%08lld.hdf5", LOOM_PATH_MAX - 64, r->parts.def.path,
           (long long)attempt);
}

// Recorded by an earlier part of this run?
static bool take_recorded(recording* r) {
  if (!r->a->out) return false;
  shard_path(r->paths[r->kept], r, r->attempts);
  if (!loom_is_file(r->paths[r->kept])) return false;
  r->attempts++;
  r->kept++;
  r->succeeded += !r->a->all;
  return true;
}

// ---- attempts

static int record_one(recording* r, loomError* err) {
  loomExpert expert;
  loomRunResult run;
  char where[256], reason[200] = "";
  if (take_recorded(r)) return 0;
  uint64_t seed = (uint64_t)r->a->seed, attempt = (uint64_t)r->attempts++;

  // The same start, disturbed alike, and the same expert's noise, for the same attempt.
  int code = loom_episode_reset(r->episode, r->reset, seed, attempt, err);
  if (!code && r->disturb) code = loom_disturb_begin(r->episode, r->disturb, seed, attempt, NULL, err);
  if (!code) code = loom_expert_create(&expert, r->episode, seed, attempt, &r->trace, err);
  if (code) return code;

  // The expert as a policy, for as long as the task allows.
  loomPolicy policy = loom_expert_policy(&expert);
  loomRunDef def = loom_default_run_def(r->task);
  code = loom_policy_run(&run, r->episode, &policy, &def, &r->trace, err);
  if (code) return code;

  // What success looks like at its end need not fit the task's subtasks.
  loomError odd = {0, ""};
  bool unsegmented =
      run.end == LOOM_RUN_SUCCESS && loom_record_check(&r->trace, r->episode, attempt, r->roots, &odd);
  r->ends[unsegmented ? (int)UNSEGMENTED : (int)run.end]++;
  r->succeeded += run.end == LOOM_RUN_SUCCESS && !unsegmented;

  // An attempt that fails tells where the expert was and what is missing; with --all it is kept too.
  if (run.end != LOOM_RUN_SUCCESS) {
    loom_expert_where(where, sizeof where, &expert, r->task);
    loom_condition_explain(r->episode->conditions, r->task->success, reason, sizeof reason);
    fprintf(stderr, "attempt %lld: %s after %d steps: %s; %s\n", (long long)attempt, ends[run.end], run.steps,
            where, run.end == LOOM_RUN_SIMULATOR ? run.message : reason);
    if (!r->a->all) return 0;
  } else if (unsegmented) {
    fprintf(stderr, "attempt %lld: success after %d steps, but it cannot be segmented, so it is %s: %s\n",
            (long long)attempt, run.steps, r->a->all ? "no source demo" : "left out", odd.message);
    if (!r->a->all) return 0;
  } else {
    fprintf(stderr, "attempt %lld: success after %d steps\n", (long long)attempt, run.steps);
  }

  loomWriteDef write = loom_default_write_def();
  write.gzip = 9;
  // Without -o the attempts are made only to be counted.
  if (r->a->out) {
    shard_path(r->paths[r->kept], r, (int64_t)attempt);
    code = loom_record_scripted(r->paths[r->kept], &r->trace, r->episode, seed, attempt, !r->shared, &write,
                                err);
  }

  if (!code) r->kept++;
  if (code || !r->a->out || r->told) return code;

  // The first one tells how large the others will be: each a shard, then all of them in the dataset.
  r->told = true;
  return loom_check_room_like(r->a->out, r->paths[r->kept - 1], 2 * r->a->successes - r->kept, err);
}

static int assemble_recorded(const recording* r, loomError* err) {
  char* xml = NULL;
  loomSource* sources = calloc((size_t)r->kept + 1, sizeof *sources);
  char* env_args = loom_env_args(r->task);
  int code = sources && env_args ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a dataset");

  // One model for all where it is the same.
  if (!code && r->shared) code = loom_episode_xml(&xml, r->episode, err);
  for (int64_t i = 0; !code && i < r->kept; i++) sources[i].path = r->paths[i];
  if (!code) {
    loomAttr attrs[6] = {loom_attr_string("env_args", env_args),
                         loom_attr_string("loom_version", loom_version()),
                         loom_attr_string("loom_origin", "scripted expert")};
    int n = 3 + loom_run_attrs(attrs + 3, r->settings, tool_stop ? NULL : r->limits);
    if (xml) attrs[n++] = loom_attr_string("model_file", xml);

    loomAssembleDef def = loom_default_assemble_def();
    def.attr = attrs;
    def.nattr = n;
    def.valid = 0;
    code = loom_dataset_assemble(r->a->out, sources, (int)r->kept, &def, err);
  }

  free(sources);
  cJSON_free(env_args);
  free(xml);
  return code;
}

static bool gives_up(const recording* r) {
  int64_t most = r->a->max_failures;
  return loom_gives_up(r->attempts, r->succeeded, most < 0 ? 0 : most, most < 0 ? LOOM_HOPELESS : 0);
}

static void tell_giving_up(const recording* r) {
  int often = LOOM_RUN_LOST;
  for (int i = LOOM_RUN_LOST; i < END_COUNT; i++)
    if (r->ends[i] > r->ends[often]) often = i;

  fprintf(
      stderr,
      "demoloom record: gave up: %lld of %lld attempts failed, most often (%lld) %s; --all keeps them to be "
      "looked at with `demoloom view`; --max-failures 0 goes on\n",
      (long long)(r->attempts - r->succeeded), (long long)r->attempts, (long long)r->ends[often],
      ends[often]);
}

// How many attempts failed, and how they ended, each kind by itself.
static void tell_failures(const recording* r) {
  int64_t tried = 0, failed = 0;
  for (int i = 0; i < END_COUNT; i++) tried += r->ends[i];
  failed = tried - r->ends[LOOM_RUN_SUCCESS];
  if (!failed) return;

  const char* before = ": ";
  fprintf(stderr, "%lld of %lld attempts failed (%.1f %%)", (long long)failed, (long long)tried,
          100.0 * (double)failed / (double)tried);
  for (int i = LOOM_RUN_LOST; i < END_COUNT; i++) {
    if (!r->ends[i]) continue;
    fprintf(stderr, "%s%lld %s", before, (long long)r->ends[i], ends[i]);
    before = ", ";
  }
  fputc('\n', stderr);
}

// The dataset of all shards; those of a run that is not over stay for the next part of it.
static int finish_recording(recording* r, loomError* err) {
  r->kept_old = tool_stop && loom_dataset_replaces(r->parts.def.path, r->a->out);
  int code = r->kept && !r->kept_old ? assemble_recorded(r, err) : 0;
  if (code || tool_stop) return code;
  loom_run_folder_remove(&r->parts, NULL);
  return 0;
}

static int record_all(recording* r, loomError* err) {
  const recordArgs* a = r->a;
  int code = 0;

  // Attempt after attempt, each demo a shard of its own.
  r->paths = calloc((size_t)a->successes + 1, sizeof *r->paths);
  if (!r->paths) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a list of demos");
  while (!code && !tool_stop && r->kept < a->successes && r->attempts < a->attempts && !gives_up(r))
    code = record_one(r, err);
  if (!code && a->out) code = finish_recording(r, err);

  // Whatever went wrong, what was recorded is there.
  if (code && a->out && r->kept)
    return loom_error_suffix(err, code, "; the %lld demos so far lie in %s: --resume goes on",
                             (long long)r->kept, r->parts.def.path);
  if (code || !tool_stop) return code;
  return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted after %lld demos from %lld attempts%s%s%s",
                        (long long)r->kept, (long long)r->attempts, a->out ? "; " : "", a->out ? a->out : "",
                        !a->out       ? ""
                        : r->kept_old ? " is as it was: --resume goes on"
                        : r->kept     ? " has them: --resume goes on"
                                      : " was not written: --resume goes on");
}

static void print_recorded(const recording* r) {
  const char* file = r->a->out;
  if (!r->a->json) {
    if (r->complete) fprintf(stderr, "%s is complete already\n", file);
    if (!r->complete) printf("%lld demos from %lld attempts\n", (long long)r->kept, (long long)r->attempts);
    return;
  }

  // A file that was complete already tells no attempts.
  cJSON* out = cJSON_CreateObject();
  if (file) cJSON_AddStringToObject(out, "file", file);
  cJSON_AddBoolToObject(out, "complete", r->complete || r->kept == r->a->successes);
  if (!r->complete) {
    cJSON_AddNumberToObject(out, "demos", (double)r->kept);
    cJSON_AddNumberToObject(out, "attempts", (double)r->attempts);
    cJSON_AddNumberToObject(out, "successes", (double)r->succeeded);
    cJSON_AddNumberToObject(out, "seed", (double)r->a->seed);
    cJSON* ended = cJSON_AddObjectToObject(out, "ends");
    for (int i = 0; i < END_COUNT; i++) cJSON_AddNumberToObject(ended, ends[i], (double)r->ends[i]);
  }
  tool_print_json(out);
  cJSON_Delete(out);
}

int cmd_record(int argc, char** argv) {
  recordArgs a = {.successes = 10, .max_failures = -1};
  recording r = {.a = &a};
  loomError err = {0, ""};
  int code = read_record_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  // First what costs nothing: may the dataset be written?
  const char* inputs[2] = {a.task, a.disturb};
  bool replace = a.overwrite || a.resume;
  tool_catch_signals();
  code = tool_output(&r.outputs, a.out, tool_output_mode(replace), inputs, 2, &err);
  if (!code) code = open_recording(&r, &a.roots, &err);
  if (!code) code = describe_recording(&r, &err);
  if (!code) code = open_parts(&r, &err);
  if (!code && !r.complete) code = record_all(&r, &err);

  int status = code ? tool_fail(&err) : r.complete || r.kept == a.successes ? EXIT_DONE : EXIT_FAILED;
  if (!code && !r.complete && r.kept < a.successes && gives_up(&r)) tell_giving_up(&r);
  if (!r.complete) tell_failures(&r);
  if (!code) print_recorded(&r);

  free(r.paths);
  cJSON_free(r.settings);
  cJSON_free(r.limits);
  loom_run_folder_close(&r.parts);
  tool_outputs_close(&r.outputs);
  loom_trace_destroy(&r.trace);
  loom_episode_destroy(r.episode);
  loom_scene_destroy(r.scene);
  loom_task_destroy(r.task);
  loom_asset_roots_destroy(&a.roots);
  return status;
}
