// demoloom weave: a handful of demos in, a policy out.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "policies/agent/trained.h"
#include "policies/learn/bc.h"
#include "tools/command/weave.h"
#include "tools/shared/commands.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"
#include "tools/shared/tries.h"

static const toolOption options[] = {
    TOOL_OPTION_AS("hours", 0, "H", weaveArgs, REAL, hours, .least = 0.01, .most = 1000, .unit = "h",
                   .about = "that it may take, on as many cores as it has"),
    TOOL_OPTION_AS("output", 'o', "DIR", weaveArgs, STRING, folder, .about = "where all goes"),
    TOOL_OPTION_AS("source", 0, "FILE", weaveArgs, STRING, source,
                   .about = "other source demos than the task's"),
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
    TOOL_OPTION_AS("threads", 'j', "N", weaveArgs, INT64, threads, .high = 1024,
                   .about = "0 = as many as cores"),
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
        "From a task's handful of demos to a policy, in the time that there is. It finds out how fast things "
        "are\n"
        "here, generates demos and trains a first policy on them, generates more where that one fails, and "
        "trains\n"
        "anew on all; then either the same again or finetuning in simulation, whichever promises more "
        "successes a\n"
        "minute by what has come of the minutes so far; then a student of what was finetuned, for ONNX has "
        "no\n"
        "residuals. Each stage is a command of this program, which is told, and could be given by hand.\n"
        "\n"
        "Into the folder go demos.hdf5 and demos-2.hdf5 ..., policy.safetensors, policy.onnx, report.png,\n"
        "report.json, plan.yaml (how much of everything), stages (what each command said) and the folders "
        "of\n"
        "trainings. Ctrl-C keeps what is done; --resume goes on. How much of everything is decided by the "
        "clock: with\n"
        "--plan and another run's plan.yaml the same comes of it, byte for byte, on any number of threads.\n",
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
           "task: %.1000s\npolicy: %s\nhours: %g\nreset: %.100s\nsource: %.1000s  # %016llx\nplan: "
           "%016llx\nseed: %lld\neval: "
           "%lld\n",
           a->task, loom_policy_kind_names[a->policy], a->hours, a->reset ? a->reset : "~",
           a->source ? a->source : "~", (unsigned long long)source, (unsigned long long)plan,
           (long long)a->seed, (long long)a->evaluations);
  return loom_run_folder_settings(&run->folder, settings_file, text, err);
}

static int open_folder(weaveRun* run, loomError* err) {
  const weaveArgs* a = run->args;
  char path[LOOM_RUN_FILE_MAX];
  const char* const input[] = {a->source, a->plan};
  loomRunFolderDef def = {.path = a->folder,
                          .parents = true,
                          .mode = a->overwrite ? LOOM_FOLDER_OVERWRITE
                                  : a->resume  ? LOOM_FOLDER_RESUME
                                               : LOOM_FOLDER_NEW,
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

// ---- command lines

// Each draws from a seed of its own.
enum {
  SEED_PILOT,
  SEED_DEMOS,
  SEED_TRAIN = 6,
  SEED_FINETUNE = 11,
  SEED_STUDENT,
  SEED_TEST,
  SEED_CHOICE,
  SEEDS = 16
};

static weaveLine begin(const weaveRun* run, const char* name, int seed) {
  weaveLine line = {0};
  weave_word(&line, name);
  weave_number(&line, "--seed", run->args->seed * SEEDS + seed);
  if (run->args->threads) weave_number(&line, "-j", run->args->threads);
  for (int i = 0; i < run->args->roots.n; i++) {
    const loomAssetRoot* at = &run->args->roots.root[i];
    char root[2 * LOOM_PATH_MAX];
    snprintf(root, sizeof root, "%s=%s", at->name, at->path);
    weave_option(&line, "--assets", root);
  }
  return line;
}

static weaveLine begin_generate(const weaveRun* run, int seed) {
  weaveLine line = begin(run, "generate", seed);
  weave_word(&line, run->args->task);
  weave_option(&line, "--source", run->args->source);
  weave_option(&line, "--reset", run->args->reset);
  weave_word(&line, "--resume");
  weave_word(&line, "--json");
  return line;
}

// demos.hdf5, demos-2.hdf5, ...: of the first round and of those after it.
static void demos_name(char out[32], int64_t round) {
  if (round)
    snprintf(out, 32, "demos-%lld.hdf5", (long long)round + 1);
  else
    snprintf(out, 32, "demos.hdf5");
}

static weaveLine begin_train(const weaveRun* run, int64_t round, int64_t steps, const char* folder) {
  enum { EPOCHS = 10 };
  weaveLine line = begin(run, "train", SEED_TRAIN + (int)round);
  char name[40];
  for (int64_t i = 0; i <= round; i++) {
    demos_name(name, i);
    weave_file(&line, "--data", run, name);
  }
  weave_option(&line, "-p", loom_policy_kind_names[run->args->policy]);
  weave_number(&line, "--epochs", EPOCHS);
  weave_number(&line, "--steps", (steps + EPOCHS - 1) / EPOCHS);
  weave_number(&line, "--rollouts", 0);
  weave_file(&line, "-o", run, folder);
  weave_word(&line, "--resume");
  weave_word(&line, "--json");
  return line;
}

// From starts that nothing learns from; which are told, or which decide what is done next.
static int test(weaveRun* run, const char* stage, const char* policy, int seed, int64_t n, loomError* err) {
  weaveLine line = begin(run, "rollout", seed);
  char name[40];
  snprintf(name, sizeof name, "%s-%.20s", seed == SEED_TEST ? "test" : "choose", stage);
  weave_file(&line, NULL, run, policy);
  weave_option(&line, "--task", run->args->task);
  weave_option(&line, "--reset", run->args->reset);
  weave_number(&line, "-n", n);
  weave_word(&line, "--json");
  return weave_stage(run, name, cmd_rollout, &line, err);
}

// ---- stages

static int write_text(const weaveRun* run, const char* name, const char* text, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, &run->folder, name);
  return loom_file_write_text(path, text, err);
}

// How fast is this machine at this task?
static int find_costs(weaveRun* run, weaveCosts* out, loomError* err) {
  enum { DEMOS = 6, ATTEMPTS = 200, STEPS = 40, CONTROL_STEPS = 2000 };
  weaveLine line = begin_generate(run, SEED_PILOT);
  weave_number(&line, "-n", DEMOS);
  weave_number(&line, "--attempts", ATTEMPTS);
  weave_file(&line, "-o", run, "pilot.hdf5");
  int code = weave_stage(run, "pilot-generate", cmd_generate, &line, err);
  double demos = weave_value(run, "pilot-generate", "successes");
  if (!code && demos < 1)
    code = loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s: none of %d attempts succeeded, so there is nothing to learn from; `demoloom generate "
        "%s --attempts 100` says why they fail",
        run->args->task, ATTEMPTS, run->args->task);

  line = begin(run, "train", SEED_PILOT);
  weave_file(&line, "--data", run, "pilot.hdf5");
  weave_option(&line, "-p", loom_policy_kind_names[run->args->policy]);
  weave_number(&line, "--epochs", 1);
  weave_number(&line, "--steps", STEPS);
  weave_number(&line, "--rollouts", 0);
  weave_file(&line, "-o", run, "pilot-train");
  weave_word(&line, "--resume");
  weave_word(&line, "--json");
  if (!code) code = weave_stage(run, "pilot-train", cmd_train, &line, err);

  // Without the time for which it only collects.
  if (!code) code = write_text(run, "pilot.yaml", "td3: {warmup: 50}\nresidual: {critics_first: 0}\n", err);
  line = begin(run, "finetune", SEED_PILOT);
  weave_file(&line, NULL, run, "pilot-train/last.safetensors");
  weave_file(&line, "-c", run, "pilot.yaml");
  weave_option(&line, "--task", run->args->task);
  weave_option(&line, "--reset", run->args->reset);
  weave_file(&line, "--data", run, "pilot.hdf5");
  weave_number(&line, "--steps", CONTROL_STEPS);
  weave_number(&line, "--evaluate", 0);
  weave_number(&line, "--eval", 0);
  weave_file(&line, "-o", run, "pilot-finetune");
  weave_word(&line, "--resume");
  weave_word(&line, "--json");
  if (!code) code = weave_stage(run, "pilot-finetune", cmd_finetune, &line, err);
  if (code) return code;

  const double rows = weave_value(run, "pilot-generate", "mean_rows");
  *out = (weaveCosts){.demo = weave_value(run, "pilot-generate", "seconds") / demos,
                      .step = weave_value(run, "pilot-train", "seconds") / STEPS,
                      .control_step = weave_find(run, "pilot-finetune")->seconds / CONTROL_STEPS};
  out->episode = 0.5 * rows * out->control_step;
  return 0;
}

static int train(weaveRun* run, int64_t round, int64_t steps, loomError* err) {
  char name[40], policy[64];
  snprintf(name, sizeof name, "train-%lld", (long long)round + 1);
  snprintf(policy, sizeof policy, "%s/last.safetensors", name);
  weaveLine line = begin_train(run, round, steps, name);
  int code = weave_stage(run, name, cmd_train, &line, err);
  return code ? code : test(run, name, policy, SEED_TEST, run->args->evaluations, err);
}

static int generate(weaveRun* run, int64_t round, int64_t n, loomError* err) {
  char name[40], file[32], policy[64];
  snprintf(name, sizeof name, "generate-%lld", (long long)round + 1);
  demos_name(file, round);
  weaveLine line = begin_generate(run, SEED_DEMOS + (int)round);
  weave_number(&line, "-n", n);
  snprintf(policy, sizeof policy, "train-%lld/last.safetensors", (long long)round);
  if (round) weave_file(&line, "--where", run, policy);
  if (round) weave_number(&line, "--where-episodes", run->plan.looks);
  weave_file(&line, "-o", run, file);
  return weave_stage(run, name, cmd_generate, &line, err);
}

static double seconds_of(const weaveRun* run, const char* what, int64_t round) {
  char name[40];
  snprintf(name, sizeof name, "%s-%lld", what, (long long)round + 1);
  const weaveStage* stage = weave_find(run, name);
  return stage ? stage->seconds : 0;
}

// By the map that this round's demos were drawn by.
static double success_before(const weaveRun* run, int64_t round) {
  char name[40];
  snprintf(name, sizeof name, "generate-%lld", (long long)round + 1);
  return 1 - weave_value(run, name, "where.failures") / fmax(1, weave_value(run, name, "where.episodes"));
}

static double success_of(const weaveRun* run, int64_t round) {
  char name[40];
  snprintf(name, sizeof name, "choose-train-%lld", (long long)round + 1);
  return weave_value(run, name, "success");
}

static int choose(weaveRun* run, int64_t round, loomError* err) {
  char name[40], policy[64];
  snprintf(name, sizeof name, "train-%lld", (long long)round + 1);
  snprintf(policy, sizeof policy, "%s/last.safetensors", name);
  return test(run, name, policy, SEED_CHOICE, run->plan.looks, err);
}

static double seconds_left(const weaveRun* run) {
  return 3600 * run->args->hours - weave_seconds(run);
}

// Demos and policies in rounds, until finetuning promises more.
static int learn_from_demos(weaveRun* run, weaveCosts* costs, loomError* err) {
  weavePlan* plan = &run->plan;
  weave_plan_data(plan, costs, 3600 * run->args->hours);
  int code = weave_plan_keep(run, err);
  if (!code) code = generate(run, 0, (plan->demos + 1) / 2, err);
  if (!code) code = train(run, 0, plan->first_steps, err);

  for (int64_t round = 1; !code && round <= plan->rounds; round++) {
    code = generate(run, round, (plan->demos + 1) / 2, err);
    if (!code) code = train(run, round, plan->steps, err);
    if (!code) code = choose(run, round, err);
    if (code || plan->finetune || round < plan->rounds || round == 4) continue;

    double spent = seconds_of(run, "generate", round) + seconds_of(run, "train", round);
    double all = spent;
    for (int64_t i = 0; i < round; i++) all += seconds_of(run, "generate", i) + seconds_of(run, "train", i);
    if (!weave_more_demos(success_before(run, round), success_of(run, round), all, spent, seconds_left(run)))
      continue;
    plan->rounds++;
    code = weave_plan_keep(run, err);
  }
  return code;
}

// What a policy that often succeeds is best served by: a breach costs, and the episode goes on; offsets are added where
// critics expect clearly more of them; rates fall to 0; it goes back to where it failed. And smaller offsets where there
// is little time (policies/README.md).
static int write_finetuning(const weaveRun* run, loomError* err) {
  enum { SHORT = 150000 };
  static const char* const offsets[] = {"", "position: 0.1, rotation: 0.1, warmup_noise: 0.15"};
  static const char* const noise[] = {"", "noise: 0.1"};
  bool gentle = run->plan.gentle, small = run->plan.finetune < SHORT;
  char text[512];
  snprintf(
      text, sizeof text,
      "finetune: {evaluate: %lld, evaluate_every: 100000}\nresidual: {%s%s%s}\ntd3: {%s%s%s}\nstarts: {%s}\n",
      (long long)run->plan.looks, gentle ? "limits: false, margin: 0.03" : "", gentle && small ? ", " : "",
      offsets[small], gentle ? "anneal: true" : "", gentle && small ? ", " : "", noise[small],
      gentle ? "failures: 0.25" : "");
  int code = write_text(run, "finetune.yaml", text, err);
  if (code || !gentle) return code;
  return write_text(run, "reward.yaml", "- {term: success}\n- {term: breach, weight: -0.3}\n", err);
}

static int finetune(weaveRun* run, const char* base, loomError* err) {
  int code = write_finetuning(run, err);
  weaveLine line = begin(run, "finetune", SEED_FINETUNE);
  weave_file(&line, NULL, run, base);
  weave_option(&line, "--task", run->args->task);
  weave_option(&line, "--reset", run->args->reset);
  weave_file(&line, "--data", run, "demos.hdf5");
  weave_file(&line, "-c", run, "finetune.yaml");
  if (run->plan.gentle) weave_file(&line, "--reward", run, "reward.yaml");
  weave_number(&line, "--steps", run->plan.finetune);
  weave_number(&line, "--eval", 2 * run->plan.looks);
  weave_file(&line, "-o", run, "finetune");
  weave_word(&line, "--resume");
  weave_word(&line, "--json");
  if (!code) code = weave_stage(run, "finetune", cmd_finetune, &line, err);
  return code ? code
              : test(run, "finetune", "finetune/best.safetensors", SEED_TEST, run->args->evaluations, err);
}

static int distill(weaveRun* run, loomError* err) {
  char text[256], data[WEAVE_PATH + 8];
  snprintf(text, sizeof text,
           "policy: {kind: %s}\ntrain: {epochs: 10, steps: %lld}\nrollout: {every: 1000000}\n",
           loom_policy_kind_names[run->args->policy], (long long)(run->plan.student_steps + 9) / 10);
  int code = write_text(run, "student.yaml", text, err);

  // Demos keep it from forgetting what the teacher's few successes do not show.
  weaveLine line = begin(run, "distill", SEED_STUDENT);
  weave_file(&line, NULL, run, "finetune/best.safetensors");
  weave_option(&line, "--task", run->args->task);
  weave_option(&line, "--reset", run->args->reset);
  weave_number(&line, "--demos", run->plan.taught);
  snprintf(data, sizeof data, "%s/demos.hdf5=0.5", run->args->folder);
  weave_option(&line, "--data", data);
  weave_file(&line, "-c", run, "student.yaml");
  weave_number(&line, "--eval", 0);
  weave_file(&line, "-o", run, "distill");
  weave_word(&line, "--resume");
  weave_word(&line, "--json");
  if (!code) code = weave_stage(run, "distill", cmd_distill, &line, err);
  return code ? code
              : test(run, "distill", "distill/student.safetensors", SEED_TEST, run->args->evaluations, err);
}

static int keep_policy(const weaveRun* run, const char* name, loomError* err) {
  char from[LOOM_RUN_FILE_MAX], to[LOOM_RUN_FILE_MAX];
  loomTrained policy;
  loom_run_folder_path(from, &run->folder, name);
  loom_run_folder_path(to, &run->folder, "policy.safetensors");
  int code = loom_trained_load(&policy, from, err);
  if (code) return code;
  code = loom_trained_save(to, &policy, NULL, err);
  loom_trained_destroy(&policy);
  return code;
}

static int export_policy(weaveRun* run, const char* name, loomError* err) {
  weaveLine line = {0};
  weave_word(&line, "export");
  weave_file(&line, NULL, run, name);
  weave_option(&line, "--task", run->args->task);
  weave_file(&line, "-o", run, "policy.onnx");
  weave_word(&line, "--overwrite");
  weave_word(&line, "--json");
  return weave_stage(run, "export", cmd_export, &line, err);
}

// The policy of the last round, finetuned where that gains; what of it is exported.
static int finish(weaveRun* run, weaveCosts* costs, loomError* err) {
  char base[64], last[64];
  snprintf(last, sizeof last, "choose-train-%lld", (long long)run->plan.rounds + 1);
  snprintf(base, sizeof base, "train-%lld/last.safetensors", (long long)run->plan.rounds + 1);
  costs->episode = weave_find(run, last)->seconds / fmax(1, weave_value(run, last, "n"));
  costs->step = seconds_of(run, "train", run->plan.rounds) / (double)run->plan.steps;
  weave_plan_rest(&run->plan, costs, seconds_left(run), weave_value(run, last, "success"),
                  run->args->evaluations);
  int code = weave_plan_keep(run, err);

  bool finetuned = false;
  if (!code && run->plan.finetune > 0) {
    code = finetune(run, base, err);
    finetuned =
        weave_value(run, "finetune", "after.successes") > weave_value(run, "finetune", "before.successes");
  }
  if (!code && finetuned) code = distill(run, err);
  if (!code) code = keep_policy(run, finetuned ? "finetune/best.safetensors" : base, err);
  return code ? code : export_policy(run, finetuned ? "distill/student.safetensors" : base, err);
}

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
  weaveArgs a = {.hours = 1, .policy = LOOM_KIND_DIFFUSION_MLP, .evaluations = 300, .seed = 1};
  weaveRun run = {.args = &a};
  weaveCosts costs = {0};
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
  if (!code && !weave_plan_is_whole(&run.plan)) code = find_costs(&run, &costs, &err);
  if (!code) code = learn_from_demos(&run, &costs, &err);
  if (!code) code = finish(&run, &costs, &err);
  if (!code) code = report(&run, &err);
  if (code) tool_go_on(&err, code, a.folder, settings_file);

  int status = code ? tool_fail(&err) : EXIT_DONE;
  for (int i = 0; i < run.n; i++) cJSON_Delete(run.stage[i].result);
  loom_run_folder_close(&run.folder);
  loom_asset_roots_destroy(&a.roots);
  return status;
}
