// demoloom weave: its stages, one after the other.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/data/dataset.h"
#include "policies/agent/trained.h"
#include "tools/command/weave.h"
#include "tools/shared/commands.h"

// ---- command lines

// Each stage draws from a seed of its own.
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
enum { ROUNDS = 4, NAME = 64 };

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

// Where it all happens, for commands to which the task is an option.
static void add_task(weaveLine* line, const weaveRun* run) {
  weave_option(line, "--task", run->args->task);
  weave_option(line, "--reset", run->args->reset);
}

// What goes on where it was stopped, and says what came of it.
static void add_output(weaveLine* line, const weaveRun* run, const char* name) {
  weave_file(line, "-o", run, name);
  weave_word(line, "--resume");
  weave_word(line, "--json");
}

// Rounds are counted from 0, their names from 1: "train-1".
static void name_round(char out[NAME], const char* what, int64_t round, const char* end) {
  snprintf(out, NAME, "%s-%d%s", what, (int)round + 1, end);
}

static void name_demos(char out[NAME], int64_t round) {
  name_round(out, "demos", round, ".hdf5");
  if (!round) snprintf(out, NAME, "demos.hdf5");
}

static int write_text(const weaveRun* run, const char* name, const char* text, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loom_run_folder_path(path, &run->folder, name);
  return loom_file_write_text(path, text, err);
}

// ---- demos and policies

// What demos are made of, and where.
static void add_sources(weaveLine* line, const weaveRun* run) {
  weave_word(line, run->args->task);
  weave_option(line, "--source", run->args->source);
  weave_option(line, "--reset", run->args->reset);
}

static int generate(weaveRun* run, const char* stage, int seed, int64_t n, int64_t attempts,
                    const char* where, const char* out, loomError* err) {
  weaveLine line = begin(run, "generate", seed);
  add_sources(&line, run);
  weave_number(&line, "-n", n);

  // Few sources fail at some starts, which are to be in the demos all the same.
  enum { TRIES = 3 };
  const weavePlan* plan = &run->plan;
  for (int i = 0; i < plan->source_count; i++) weave_option(&line, "--source-demo", plan->source[i]);
  if (plan->source_count > 1) weave_option(&line, "--select", "ordered");
  if (plan->source_count)
    weave_number(&line, "--tries", plan->source_count > TRIES ? plan->source_count : TRIES);

  if (attempts) weave_number(&line, "--attempts", attempts);
  if (where) weave_file(&line, "--where", run, where);
  if (where) weave_number(&line, "--where-episodes", run->plan.looks);
  add_output(&line, run, out);
  return weave_stage(run, stage, cmd_generate, &line, err);
}

// On the demos of so many files; into the folder of the stage's name.
static int train(weaveRun* run, const char* stage, int seed, const char* const* data, int n, int64_t steps,
                 loomError* err) {
  enum { EPOCHS = 10 };
  weaveLine line = begin(run, "train", seed);
  for (int i = 0; i < n; i++) weave_file(&line, "--data", run, data[i]);
  weave_option(&line, "-p", loom_policy_kind_names[run->args->policy]);

  weave_number(&line, "--epochs", EPOCHS);
  weave_number(&line, "--steps", (steps + EPOCHS - 1) / EPOCHS);
  weave_number(&line, "--rollouts", 0);
  add_output(&line, run, stage);
  return weave_stage(run, stage, cmd_train, &line, err);
}

// A stage's policy, from starts that nothing learns from; they are told, or decide what is done next.
static int test(weaveRun* run, const char* stage, const char* policy, int seed, int64_t n, loomError* err) {
  char name[NAME];
  weaveLine line = begin(run, "rollout", seed);
  weave_file(&line, NULL, run, policy);
  add_task(&line, run);
  weave_number(&line, "-n", n);
  weave_number(&line, "--max-steps", run->plan.max_steps);
  weave_word(&line, "--json");

  snprintf(name, sizeof name, "%s-%.40s", seed == SEED_TEST ? "test" : "choose", stage);
  return weave_stage(run, name, cmd_rollout, &line, err);
}

static int test_stage(weaveRun* run, const char* stage, const char* policy, loomError* err) {
  return test(run, stage, policy, SEED_TEST, run->args->evaluations, err);
}

// Demos of a round, where the policy of the one before fails, and a policy of all of them.
static int do_round(weaveRun* run, int64_t round, loomError* err) {
  const weavePlan* plan = &run->plan;
  char stage[NAME], policy[NAME], name[ROUNDS + 1][NAME];
  const char* data[ROUNDS + 1];
  for (int64_t i = 0; i <= round; i++) {
    name_demos(name[i], i);
    data[i] = name[i];
  }

  name_round(stage, "generate", round, "");
  name_round(policy, "train", round - 1, "/last.safetensors");
  int code = generate(run, stage, SEED_DEMOS + (int)round, (plan->demos + 1) / 2, 0, round ? policy : NULL,
                      name[round], err);

  name_round(stage, "train", round, "");
  name_round(policy, "train", round, "/last.safetensors");
  int64_t steps = round ? plan->steps : plan->first_steps;
  if (!code) code = train(run, stage, SEED_TRAIN + (int)round, data, (int)round + 1, steps, err);
  if (!code) code = test_stage(run, stage, policy, err);

  // What the next step is decided by; the map of the first policy's failures is that for it.
  return code || !round ? code : test(run, stage, policy, SEED_CHOICE, plan->looks, err);
}

static double seconds_of(const weaveRun* run, int64_t round) {
  char demos[NAME], policy[NAME];
  name_round(demos, "generate", round, "");
  name_round(policy, "train", round, "");
  return weave_find(run, demos)->seconds + weave_find(run, policy)->seconds;
}

static double seconds_left(const weaveRun* run) {
  return 3600 * run->args->hours - weave_seconds(run);
}

// What the last round tells of them: they are known better from it than from the pilot.
static void learn_costs(const weaveRun* run, weaveCosts* costs, int64_t round) {
  char trained[NAME], choice[NAME];
  name_round(trained, "train", round, "");
  name_round(choice, "choose-train", round, "");
  costs->episode = weave_find(run, choice)->seconds / fmax(1, weave_value(run, choice, "n"));
  costs->step = weave_find(run, trained)->seconds / (double)run->plan.steps;
}

// Before it by the map that its demos were drawn by.
static bool wants_another(const weaveRun* run, weaveCosts* costs, int64_t round) {
  char map[NAME], choice[NAME];
  double all = 0;
  for (int64_t i = 0; i <= round; i++) all += seconds_of(run, i);

  name_round(map, "generate", round, "");
  name_round(choice, "choose-train", round, "");
  double before =
      1 - weave_value(run, map, "where.failures") / fmax(1, weave_value(run, map, "where.episodes"));
  double now = weave_value(run, choice, "success"), left = seconds_left(run);

  // Would there be finetuning?
  weavePlan rest = run->plan;
  learn_costs(run, costs, round);
  weave_plan_rest(&rest, costs, left, now, run->args->evaluations);
  return weave_more_demos(before, now, all, seconds_of(run, round), left, rest.finetune > 0);
}

// Until finetuning promises more.
static int learn_from_demos(weaveRun* run, weaveCosts* costs, loomError* err) {
  weavePlan* plan = &run->plan;
  weave_plan_data(plan, costs, 3600 * run->args->hours);
  int code = weave_plan_keep(run, err);

  // What a step takes is known better from the first policy than from the pilot.
  if (!code) code = do_round(run, 0, err);
  if (!code) costs->step = weave_find(run, "train-1")->seconds / (double)plan->first_steps;
  weave_plan_training(plan, costs, 3600 * run->args->hours);
  if (!code) code = weave_plan_keep(run, err);

  for (int64_t round = 1; !code && round <= plan->rounds; round++) {
    code = do_round(run, round, err);
    if (code || plan->finetune || round < plan->rounds || round == ROUNDS ||
        !wants_another(run, costs, round))
      continue;
    plan->rounds++;
    code = weave_plan_keep(run, err);
  }
  return code;
}

// ---- how fast is this machine at this task?

static int finetune_pilot(weaveRun* run, int64_t steps, loomError* err) {
  // Without the time for which it only collects. A policy that has learned nothing goes beyond limits at
  // once: if that ended its episodes, each decision would be of a step, and a step cost what a decision does.
  const char* pilot = "td3: {warmup: 50}\nresidual: {critics_first: 0, limits: false}\n";
  int code = write_text(run, "pilot.yaml", pilot, err);
  weaveLine line = begin(run, "finetune", SEED_PILOT);
  weave_file(&line, NULL, run, "pilot-train/last.safetensors");
  weave_file(&line, "-c", run, "pilot.yaml");
  add_task(&line, run);

  weave_file(&line, "--data", run, "pilot.hdf5");
  weave_number(&line, "--steps", steps);
  weave_number(&line, "--evaluate", 0);
  weave_number(&line, "--eval", 0);
  add_output(&line, run, "pilot-finetune");
  if (!code) return weave_stage(run, "pilot-finetune", cmd_finetune, &line, err);
  weave_line_free(&line);
  return code;
}

static int count_sources(int* out, const weaveRun* run, loomError* err) {
  const char *source = run->args->source, *name = run->args->task;
  loomTask* task = NULL;
  loomDataset* demos = NULL;
  loomAssetRoots roots = {0};
  int code = loom_asset_roots_copy(&roots, &run->args->roots, err);
  if (!code)
    code = tool_open(&task, &demos, &roots, source ? source : name, source ? name : NULL, false, err);
  if (!code) *out = loom_dataset_demo_count(demos);

  loom_dataset_close(demos);
  loom_asset_roots_destroy(&roots);
  loom_task_destroy(task);
  return code;
}

// People do a thing in ways of their own, and a policy learns one of them sooner than all. Others are for
// starts where that one fails.
static int choose_sources(weaveRun* run, loomError* err) {
  weavePlan* plan = &run->plan;
  int there = 0;
  if (!run->args->sources || plan->source_count) return 0;

  int code = count_sources(&there, run, err);
  if (code) return code;

  weaveLine line = begin(run, "generate", SEED_PILOT);
  add_sources(&line, run);
  weave_number(&line, "--sources", run->args->sources < there ? run->args->sources : there);
  weave_number(&line, "--attempts", 1);
  weave_word(&line, "--json");
  code = weave_stage(run, "pilot-sources", cmd_generate, &line, err);
  if (!code) plan->source_count = weave_kept_sources(plan->source, run, "pilot-sources");
  return code;
}

static int find_costs(weaveRun* run, weaveCosts* out, loomError* err) {
  enum { DEMOS = 6, ATTEMPTS = 200, STEPS = 40 };
  const char* const data = "pilot.hdf5";
  int code = choose_sources(run, err);
  if (!code) code = generate(run, "pilot-generate", SEED_PILOT, DEMOS, ATTEMPTS, NULL, data, err);
  double demos = weave_value(run, "pilot-generate", "successes");
  if (!code && demos < 1)
    code = loom_error_set(
        err, LOOM_ERR_USAGE,
        "%s: none of %d attempts succeeded, so there is nothing to learn from; `demoloom generate %s "
        "--attempts 100` says why they fail",
        run->args->task, ATTEMPTS, run->args->task);
  if (!code) code = train(run, "pilot-train", SEED_PILOT, &data, 1, STEPS, err);

  // Some hundredths of the time at most.
  double seconds = 3600 * run->args->hours;
  int64_t control_steps = seconds < 120 ? 200 : seconds < 1200 ? (int64_t)(seconds / 0.6) : 2000;
  if (!code) code = finetune_pilot(run, control_steps, err);
  if (code) return code;

  // An episode is of about as many steps as a demo, and does not learn.
  *out = (weaveCosts){.demo = weave_value(run, "pilot-generate", "seconds") / demos,
                      .step = weave_value(run, "pilot-train", "seconds") / STEPS,
                      .control_step = weave_find(run, "pilot-finetune")->seconds / (double)control_steps,
                      .rows = weave_value(run, "pilot-generate", "mean_rows")};
  out->episode = 0.5 * out->rows * out->control_step;
  return 0;
}

// ---- finetuning, and a student of it

// What a policy that often succeeds is best served by: a breach costs, and the episode goes on; offsets are
// added where critics expect clearly more of them; rates fall to 0; it goes back to where it failed. And
// smaller offsets where there is little time (policies/README.md).
static int write_finetuning(const weaveRun* run, loomError* err) {
  enum { SHORT = 150000 };
  static const char* const offsets[] = {"", "position: 0.1, rotation: 0.1, warmup_noise: 0.15"};
  static const char* const noise[] = {"", "noise: 0.1"};
  bool gentle = run->plan.gentle, small = run->plan.finetune < SHORT;
  const char* comma = gentle && small ? ", " : "";
  char text[512];

  snprintf(
      text, sizeof text,
      "finetune: {evaluate: %d, evaluate_every: 100000}\nresidual: {%s%s%s}\ntd3: {%s%s%s}\nstarts: {%s}\n",
      (int)run->plan.looks, gentle ? "limits: false, margin: 0.03" : "", comma, offsets[small],
      gentle ? "anneal: true" : "", comma, noise[small], gentle ? "failures: 0.25" : "");
  int code = write_text(run, "finetune.yaml", text, err);
  if (code || !gentle) return code;
  return write_text(run, "reward.yaml", "- {term: success}\n- {term: breach, weight: -0.3}\n", err);
}

static int finetune(weaveRun* run, const char* base, loomError* err) {
  int code = write_finetuning(run, err);
  if (code) return code;

  weaveLine line = begin(run, "finetune", SEED_FINETUNE);
  weave_file(&line, NULL, run, base);
  add_task(&line, run);
  weave_file(&line, "--data", run, "demos.hdf5");
  weave_file(&line, "-c", run, "finetune.yaml");
  if (run->plan.gentle) weave_file(&line, "--reward", run, "reward.yaml");

  weave_number(&line, "--steps", run->plan.finetune);
  weave_number(&line, "--eval", 2 * run->plan.looks);
  add_output(&line, run, "finetune");
  code = weave_stage(run, "finetune", cmd_finetune, &line, err);
  return code ? code : test_stage(run, "finetune", "finetune/best.safetensors", err);
}

static int distill(weaveRun* run, loomError* err) {
  enum { EPOCHS = 10 };
  char text[256], data[WEAVE_PATH];
  snprintf(text, sizeof text,
           "policy: {kind: %s}\ntrain: {epochs: %d, steps: %d}\nrollout: {every: 1000000}\n",
           loom_policy_kind_names[run->args->policy], EPOCHS,
           (int)(run->plan.student_steps + EPOCHS - 1) / EPOCHS);
  int code = write_text(run, "student.yaml", text, err);
  if (code) return code;

  weaveLine line = begin(run, "distill", SEED_STUDENT);
  weave_file(&line, NULL, run, "finetune/best.safetensors");
  add_task(&line, run);
  weave_number(&line, "--demos", run->plan.taught);

  // Demos keep it from forgetting what the teacher's few successes do not show.
  snprintf(data, sizeof data, "%.*s/demos.hdf5=0.5", LOOM_PATH_MAX - 1, run->args->folder);
  weave_option(&line, "--data", data);
  weave_file(&line, "-c", run, "student.yaml");
  weave_number(&line, "--eval", 0);
  add_output(&line, run, "distill");
  code = weave_stage(run, "distill", cmd_distill, &line, err);
  return code ? code : test_stage(run, "distill", "distill/student.safetensors", err);
}

// ---- what comes of it

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
  char base[NAME], choice[NAME];
  name_round(base, "train", run->plan.rounds, "/last.safetensors");
  name_round(choice, "choose-train", run->plan.rounds, "");
  learn_costs(run, costs, run->plan.rounds);
  weave_plan_rest(&run->plan, costs, seconds_left(run), weave_value(run, choice, "success"),
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

int weave_run(weaveRun* run, loomError* err) {
  weaveCosts costs = {0};
  int code = weave_plan_is_whole(&run->plan) ? 0 : find_costs(run, &costs, err);
  if (!code) code = learn_from_demos(run, &costs, err);
  return code ? code : finish(run, &costs, err);
}
