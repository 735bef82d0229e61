// demoloom weave: a handful of demos in, a policy out.
#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "policies/learn/bc.h"
#include "tools/command/weave.h"
#include "tools/shared/commands.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"
#include "tools/shared/tries.h"

static const toolOption options[] = {
    TOOL_OPTION_AS("hours", 0, "H", weaveArgs, REAL, hours, .least = 0.001, .most = 1000, .unit = "h",
                   .about = "that it may take, on as many cores as it has"),
    TOOL_OPTION_AS("output", 'o', "DIR", weaveArgs, STRING, folder, .about = "where all goes"),
    TOOL_OPTION_AS("source", 0, "FILE", weaveArgs, STRING, source,
                   .about = "other source demos than the task's"),
    TOOL_OPTION_AS("sources", 0, "K", weaveArgs, INT64, sources, .high = WEAVE_SOURCES, .unit = "demos",
                   .about =
                       "source demos that demos are made of, the best by a screening: the first, and the "
                       "others at starts where it fails; 0 = all, chosen as the task says"),
    TOOL_OPTION_AS("reset", 0, "NAME", weaveArgs, STRING, reset,
                   .about = "reset distribution of all of it; the task's first unless given"),
    TOOL_OPTION_AS("policy", 'p', "KIND", weaveArgs, CHOICE, policy, .choices = loom_policy_kind_names,
                   .about = "kind of all policies that are trained"),
    TOOL_OPTION_AS(
        "eval", 0, "N", weaveArgs, INT64, evaluations, .low = 1, .high = 1 << 20, .unit = "episodes",
        .about = "of each stage's policy, from the same starts, which nothing learns from or is chosen by"),
    TOOL_OPTION_AS(
        "plan", 0, "FILE", weaveArgs, STRING, plan,
        .about = "another run's plan.yaml: as much of everything as there, whatever the clock says"),
    TOOL_OPTION_AS("seed", 's', "S", weaveArgs, INT64, seed, .high = INT32_MAX / 16,
                   .about = "of all that is random"),
    TOOL_THREADS_OPTION(weaveArgs, INT64, threads),
    TOOL_OVERWRITE_OPTION(weaveArgs, overwrite),
    TOOL_OPTION_AS("resume", 0, NULL, weaveArgs, BOOL, resume, .about = "go on with a run that was stopped"),
    TOOL_OPTION_AS("json", 0, NULL, weaveArgs, BOOL, json,
                   .about = "the result as one line of JSON on stdout"),
    TOOL_ASSETS_OPTION(0, weaveArgs, roots),
};

static const toolCommand command = {
    .before =
        "usage: demoloom weave TASK -o DIR [--hours H] [options]\n"
        "\n"
        "From a task's handful of demos to a policy, in the time that there is. It finds out which source\n"
        "demo is made the most of and how fast things are here, generates demos and trains a first policy\n"
        "on them, generates more where that one fails, and trains anew on all; then either the same again\n"
        "or finetuning in simulation, whichever promises more successes a minute by what has come of the\n"
        "minutes so far; then a student of what was finetuned, for ONNX has no residuals. Each stage is a\n"
        "command of this program, which is told, and could be given by hand.\n"
        "\n"
        "Into the folder go demos.hdf5 and demos-2.hdf5 ..., policy.safetensors, policy.onnx, report.png,\n"
        "report.json, plan.yaml (how much of everything), stages (what each command said) and the folders\n"
        "of trainings. Ctrl-C keeps what is done; --resume goes on. How much of everything is decided by\n"
        "the clock: with --plan and another run's plan.yaml the same comes of it, byte for byte, on any\n"
        "number of threads.\n",
    .after =
        "examples:\n"
        "  demoloom weave handover -o runs/handover\n"
        "  demoloom weave threading --hours 3 --reset D1 --seed 2 -o runs/threading --json\n"
        "  demoloom weave my/task.yaml --source mine.hdf5 -o runs/mine\n"
        "  demoloom weave handover --plan runs/handover/plan.yaml -o runs/again\n",
    TOOL_OPTIONS(options),
};

static int read_weave_options(weaveArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;
  if (optind + 1 != argc) return tool_usage("weave", "it takes one task");
  a->task = argv[optind];
  if (!a->folder) return tool_usage("weave", "it takes -o, the folder where all goes");
  if (strlen(a->folder) >= LOOM_PATH_MAX - 128) return tool_usage("weave", "-o: a path that is too long");
  return tool_one_of_both("weave", a->overwrite, a->resume);
}

// ---- the folder

static const char settings_file[] = "weave.yaml";
static const char* const own[] = {settings_file, "plan.yaml",  "demos*.hdf5",  "demos*.lock",
                                  "pilot.hdf5*", "pilot.yaml", "policy.onnx",  "policy.safetensors",
                                  "report.json", "report.png", "student.yaml", "finetune.yaml",
                                  "reward.yaml", NULL};
static const char* const folders[] = {"stages",       "pilot-*", "train-*",  "finetune",
                                      "distill",      "*.parts", "episodes", "eval_teacher",
                                      "eval_student", "student", "*.images", NULL};
static const char* const inner[] = {
    LOOM_TRAIN_FILES, TOOL_TRIES_FILES, "*.json",        "*.out",      "*.spent",
    "evaluation.csv", "settings.yaml",  "demos.hdf5*",   "seen.hdf5*", "*.safetensors",
    "[0-9]*.hdf5*",   "journal*",       "attempts*.csv", NULL};

static int write_settings(weaveRun* run, loomError* err) {
  const weaveArgs* a = run->args;
  char text[3 * LOOM_PATH_MAX];
  uint64_t source = LOOM_HASH_SEED, plan = LOOM_HASH_SEED;
  int code = a->source ? loom_hash_file(&source, a->source, err) : 0;
  if (!code && a->plan) code = loom_hash_file(&plan, a->plan, err);
  if (code) return code;

  snprintf(text, sizeof text,
           "task: %.1000s\npolicy: %s\nhours: %g\nreset: %.100s\nsource: %.1000s  # %016llx\nsources: %lld\n"
           "plan: %016llx\nseed: %lld\neval: %lld\n",
           a->task, loom_policy_kind_names[a->policy], a->hours, a->reset ? a->reset : "~",
           a->source ? a->source : "~", (unsigned long long)source, (long long)a->sources,
           (unsigned long long)plan, (long long)a->seed, (long long)a->evaluations);
  return loom_run_folder_settings(&run->folder, settings_file, text, err);
}

static int open_folder(weaveRun* run, loomError* err) {
  const weaveArgs* a = run->args;
  char path[LOOM_RUN_FILE_MAX];
  const char* const input[] = {a->source, a->plan};
  loomRunFolderDef def = {.path = a->folder,
                          .parents = true,
                          .mode = loom_folder_mode(a->overwrite, a->resume),
                          .mark = settings_file,
                          .own = own,
                          .folders = folders,
                          .inner = inner,
                          .ninput = 2,
                          .input = input,
                          .alternative = "take another folder"};
  int code = loom_run_folder_open(&run->folder, &def, err);
  if (!code) code = write_settings(run, err);
  loom_run_folder_path(path, &run->folder, "stages");
  if (!code) code = loom_make_folder(path, false, err);

  // What is decided already: by an earlier part of this run, or by another.
  loom_run_folder_path(path, &run->folder, "plan.yaml");
  if (!code && loom_is_file(path)) return weave_plan_read(&run->plan, path, err);
  if (!code && a->plan) code = weave_plan_read(&run->plan, a->plan, err);
  return code;
}

// ---- the run

static int report(const weaveRun* run, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  cJSON* result = weave_report_json(run);
  loom_run_folder_path(path, &run->folder, "report.json");
  int code = tool_write_json(path, result, err);
  if (!code) code = weave_report_draw(run, err);
  if (!code && run->args->json) {
    char* text = cJSON_PrintUnformatted(result);
    puts(text ? text : "{}");
    cJSON_free(text);
  } else if (!code) {
    weave_report_print(run);
  }
  cJSON_Delete(result);
  return code;
}

int cmd_weave(int argc, char** argv) {
  weaveArgs a = {.hours = 1, .policy = LOOM_KIND_DIFFUSION_MLP, .evaluations = 300, .sources = 1, .seed = 1};
  weaveRun run = {.args = &a};
  loomError err = {0, ""};
  int code = read_weave_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  // A task that is misspelled is told before anything is made.
  loomTask* task = NULL;
  code = loom_task_find(&task, a.task, &err);
  if (!code && a.reset && loom_task_find_reset(task, a.reset) < 0)
    code = loom_error_set(&err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", task->path, a.reset);
  if (!code) code = open_folder(&run, &err);
  loom_task_destroy(task);

  tool_catch_signals();
  if (!code) code = weave_run(&run, &err);
  if (!code) code = report(&run, &err);
  if (code) tool_go_on(&err, code, a.folder, settings_file);

  int status = code ? tool_fail(&err) : EXIT_DONE;

  for (int i = 0; i < run.n; i++) cJSON_Delete(run.stage[i].result);
  loom_run_folder_close(&run.folder);
  loom_asset_roots_destroy(&a.roots);
  return status;
}
