// demoloom irl: which reward does an expert follow? In tables, where that can be answered exactly; of tasks
// irl_task.c knows.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/text.h"
#include "policies/tabular/mdp_file.h"
#include "policies/tabular/measure.h"
#include "policies/tabular/worlds.h"
#include "tools/command/irl.h"
#include "tools/command/irl_task.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"

static const char* const methods[] = {"auto",       "causal",     "likelihood", "maxent",
                                      "projection", "max-margin", "mmp",        NULL};
static const char* const features[] = {"auto", "own", "states", "actions", NULL};
static const char* const experts[] = {"auto", "soft", "optimal", NULL};

static const toolOption options[] = {
    TOOL_OPTION('m', "NAME", irlArgs, CHOICE, method, .choices = methods,
                .about = "how; auto = causal where all of the expert is known, likelihood where demos are"),
    TOOL_OPTION(0, "NAME", irlArgs, CHOICE, features, .choices = features,
                .about =
                    "the reward is linear in these: the table's own, one a state, one a state and action; "
                    "auto = its own, where it has any, and of a cliff its states"),
    TOOL_OPTION(0, "G", irlArgs, REAL, gamma, .least = 1e-6, .most = 1,
                .about = "discount; the table's own unless given"),
    TOOL_OPTION(0, "N", irlArgs, INT64, horizon, .high = 1 << 20, .unit = "decisions",
                .about =
                    "how many there are, 0 = until a terminal state, or without end; the table's own unless "
                    "given"),
    TOOL_HEADING_LINE("the expert"),
    TOOL_OPTION(0, "NAME", irlArgs, CHOICE, expert, .choices = experts,
                .about =
                    "what it does of the true reward: the soft policy, or the best; auto = soft, but for "
                    "projection, max-margin and mmp the best"),
    TOOL_OPTION(0, "N|NAME", irlArgs, STRING, demos,
                .about =
                    "exact = all that its policy does; file = the demos of FILE.mdp; or so many trajectories "
                    "of it. exact unless given, where a reward is known"),
    TOOL_OPTION_AS("held-out", 0, "N", irlArgs, INT64, held_out, .high = 1 << 20, .unit = "trajectories",
                   .about = "more of them, not learned from, to measure likelihood on; of a file its last"),
    TOOL_OPTION(0, NULL, irlArgs, BOOL, linear,
                .about = "objectworld's reward is one that its features express"),
    TOOL_HEADING_LINE("how"),
    TOOL_OPTION(
        0, "N", irlArgs, INT64, iterations, .low = 1, .high = 1 << 20,
        .about = "at most; of projection and max-margin policies. 5000, and of these 500, unless given"),
    TOOL_OPTION(
        0, "X", irlArgs, REAL, l2, .most = 1e12,
        .about = "causal, likelihood, maxent: half of that times |w|^2 is added to what is minimized"),
    TOOL_OPTION(0, NULL, irlArgs, BOOL, approximate,
                .about = "maxent: also where chance decides what follows, which it does not get right"),
    TOOL_OPTION(
        0, "X", irlArgs, REAL, epsilon, .least = 1e-9, .most = 1,
        .about = "projection, max-margin: near enough to the expert's features, as a share of their norm"),
    TOOL_OPTION(0, "X", irlArgs, REAL, lambda, .least = 1e-9, .most = 1e9,
                .about = "mmp: half of that times |w|^2 is added to the margin that lacks"),
    TOOL_OPTION(0, NULL, irlArgs, BOOL, subgradient,
                .about =
                    "mmp: steps of 1 / (lambda t), as its authors have it, in place of planes, which come "
                    "to the optimum"),
    TOOL_OPTION('s', "S", irlArgs, INT64, seed, .high = INT32_MAX / 2,
                .about = "of what is random in a table, and of trajectories"),
    TOOL_OPTION(0, NULL, irlArgs, BOOL, json, .about = "all of it as JSON on stdout"),
};

static const toolCommand command = {
    .before =
        "usage: demoloom irl MDP [options]\n"
        "       demoloom irl TASK --data FILE.hdf5 -o DIR [options]\n"
        "\n"
        "On a task, from demos: `demoloom irl TASK --data FILE.hdf5 --help` has its options. In tables:\n"
        "\n"
        "Finds weights of a reward, linear in features, that explain what an expert does, and the policy "
        "that comes\n"
        "of them, and tells what the weights leave open. MDP is a table of states and actions:\n"
        "  cliff:WIDTHxHEIGHT      seals' CliffWorld: wind, a cliff, a goal\n"
        "  grid:SIDE/CELL          Abbeel and Ng's grid with macrocells of CELL x CELL\n"
        "  objectworld:SIDE        Levine's objects of two colors\n"
        "  random:STATESxACTIONSxFEATURES[/TERMINALS]\n"
        "  FILE.mdp                one of your own: policies/tabular/README.md has the format\n"
        "Methods: causal (maximum causal entropy), likelihood (of the expert's actions), maxent (of paths), "
        "projection\n"
        "and max-margin (mixtures of policies), mmp (maximum margin planning).\n",
    .after =
        "examples:\n"
        "  demoloom irl cliff:7x4 --method causal --horizon 9 --gamma 0.9\n"
        "  demoloom irl cliff:7x4 --method mmp --gamma 0.9 --lambda 0.01\n"
        "  demoloom irl grid:32/4 --method max-margin --gamma 0.99 --seed 1\n"
        "  demoloom irl objectworld:16 --linear --demos 64 --seed 2 --json\n"
        "  demoloom irl house.mdp --demos file\n"
        "  demoloom irl tests/gym/hopper.yaml --data expert.hdf5 -o runs/irl\n"
        "  demoloom irl handover --data demos.hdf5 --method relent -o runs/relent\n",
    TOOL_OPTIONS(options),
};

static int read_irl_options(irlArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;
  if (optind + 1 != argc) return tool_usage("irl", "it takes one table: cliff:7x4, grid:16/4, FILE.mdp ...");
  a->mdp = argv[optind];

  // A number of trajectories, or one of two words.
  int64_t n;
  if (!a->demos || !strcmp(a->demos, "exact") || !strcmp(a->demos, "file")) return 0;
  return tool_int(&n, "irl", "--demos", a->demos, 1, 1 << 20) ? 0 : EXIT_USAGE;
}

// ---- the table

static int use_features(irlRun* run, loomError* err) {
  int which = run->args->features;
  if (which == IRL_FEATURES_AUTO)
    which =
        run->mdp.features && strncmp(run->args->mdp, "cliff:", 6) ? IRL_FEATURES_OWN : IRL_FEATURES_STATES;
  if (which == IRL_FEATURES_OWN && !run->mdp.features)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s has no features of its own; take --features states",
                          run->args->mdp);
  return which == IRL_FEATURES_OWN ? 0
                                   : loom_mdp_use_indicators(&run->mdp, which == IRL_FEATURES_ACTIONS, err);
}

static int open_mdp(irlRun* run, loomError* err) {
  const irlArgs* a = run->args;
  bool built_in = loom_world_is(a->mdp);
  loomWorldDef world = {.spec = a->mdp, .seed = (uint64_t)a->seed, .linear = a->linear};
  int code = built_in ? loom_world_make(&run->mdp, &world, err) : loom_mdp_read(&run->mdp, a->mdp, err);
  if (code) return code;

  // The cliff has no discount of its own.
  if (built_in && strncmp(a->mdp, "cliff:", 6)) run->mdp.gamma = 0.9;
  if (!strncmp(a->mdp, "grid:", 5)) run->mdp.gamma = 0.99;
  if (a->gamma > 0) run->mdp.gamma = a->gamma;
  if (a->horizon >= 0) run->mdp.horizon = (int)a->horizon;
  code = loom_mdp_check(&run->mdp, err);
  return code ? code : use_features(run, err);
}

// ---- the expert

// The last of a file's demos are kept aside.
static int split_demos(irlRun* run, loomError* err) {
  loomDemos all = run->mdp.demos;
  int kept = all.n - (int)run->args->held_out;
  if (!all.n)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s has no demos, and --demos file asks for them",
                          run->args->mdp);
  if (kept < 1)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s has %d demos: --held-out %lld leaves none to learn from",
                          run->args->mdp, all.n, (long long)run->args->held_out);

  run->demos = all;
  run->demos.n = run->sampled = kept;
  run->held_demos = all;
  run->held_demos.n = all.n - kept;
  run->held_demos.begin += kept;
  return 0;
}

static int sample_demos(irlRun* run, int64_t n, loomError* err) {
  uint64_t seed = (uint64_t)run->args->seed;
  loomDemos all;
  int code = loom_demos_sample(&all, &run->heap, &run->mdp, run->expert_policy,
                               (int)(n + run->args->held_out), seed, err);
  run->sampled = (int)n;
  run->demos = run->held_demos = all;
  run->demos.n = (int)n;
  run->held_demos.n = (int)run->args->held_out;
  if (!code) run->held_demos.begin += n;
  return code;
}

// Values of the true reward, and what the expert does by it.
static int plan_expert(irlRun* run, loomError* err) {
  const loomMdp* m = &run->mdp;
  loomPlan plan;
  loomExpert soft = {0};
  bool margin = run->def.method >= LOOM_IRL_PROJECTION;
  bool best = run->args->expert ? run->args->expert == IRL_EXPERT_OPTIMAL : margin;
  int code = loom_plan_create(&plan, m, err);
  if (code) return code;
  size_t all = plan.rows * (size_t)plan.periods;
  double* kept = loom_heap_take(&run->heap, all, sizeof *kept);
  if (!kept) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  // The soft one first, whose numbers are told in any case.
  if (!code) code = loom_plan_soft(&plan, m, m->reward, err);
  if (!code) run->soft_value = plan.start_value;
  if (!code) code = loom_expert_of_policy(&soft, m, plan.policy, err);
  if (!code) run->expected_reward = loom_plan_sum(m, soft.d, m->reward);
  loom_expert_destroy(&soft);
  if (!code && !best) memcpy(kept, plan.policy, all * sizeof *kept);

  if (!code) code = loom_plan_hard(&plan, m, m->reward, err);
  if (!code) run->optimal_value = plan.start_value;
  if (!code && best) memcpy(kept, plan.policy, all * sizeof *kept);
  loom_plan_destroy(&plan);

  run->expert_policy = kept;
  if (!code) code = loom_expert_of_policy(&run->whole, m, kept, err);
  return code;
}

static int meet_expert(irlRun* run, loomError* err) {
  const irlArgs* a = run->args;
  loomMdp* m = &run->mdp;
  bool file = a->demos ? !strcmp(a->demos, "file") : !m->reward;
  bool exact = a->demos ? !strcmp(a->demos, "exact") : !file;
  if (!file && !m->reward)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s has no reward, so no expert to learn from but its demos: "
                          "--demos file",
                          a->mdp);

  // Without a method, the one that suits what is known.
  run->def = loom_default_irl_def();
  run->def.method = a->method ? (loomIrlMethod)(a->method - IRL_METHODS_FROM)
                    : exact   ? LOOM_IRL_CAUSAL
                              : LOOM_IRL_LIKELIHOOD;
  int code = m->reward ? plan_expert(run, err) : 0;
  if (code) return code;

  if (file)
    code = split_demos(run, err);
  else if (!exact || a->held_out)
    code = sample_demos(run, exact ? 0 : strtoll(a->demos, NULL, 10), err);
  if (!code && exact) code = loom_expert_of_policy(&run->learned, m, run->expert_policy, err);
  if (!code && !exact) code = loom_expert_of_demos(&run->learned, m, &run->demos, err);
  if (!code && run->held_demos.n) code = loom_expert_of_demos(&run->held, m, &run->held_demos, err);
  return code;
}

// ---- the run

static bool tell_progress(void* data, int iteration, double value, double left) {
  const irlRun* run = data;
  char note[96];
  snprintf(note, sizeof note, "objective %.6g, left %.3g", value, left);
  tool_progress(methods[(int)run->def.method + IRL_METHODS_FROM], iteration, run->def.iterations,
                loom_clock() - run->start, note);
  return tool_stop;
}

// Entropy is largest among policies that have the expert's features: there has to be one.
static int check_reach(irlRun* run, loomError* err) {
  double size = 0;
  for (int k = 0; k < run->mdp.features; k++) size += pow(run->learned.features[k], 2);
  size = sqrt(size);
  int code = loom_expert_reach(&run->least_reach, &run->most_reach, &run->mdp, &run->learned, err);
  if (code || run->least_reach <= 1e-6 * size || run->args->l2 > 0) return code;
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "the expert's features lie outside what any policy can have, by %.6g (%.3g %% of their "
      "norm), so no weights meet them; take --method likelihood, or --l2 for the nearest",
      run->least_reach, 100 * run->least_reach / size);
}

static int learn_reward(irlRun* run, loomError* err) {
  const irlArgs* a = run->args;
  loomIrlDef* def = &run->def;
  bool mixture = def->method == LOOM_IRL_PROJECTION || def->method == LOOM_IRL_MAX_MARGIN;
  bool soft = def->method < LOOM_IRL_PROJECTION;
  double most = 1;
  for (int k = 0; k < run->mdp.features; k++) most = fmax(most, fabs(run->learned.features[k]));
  def->iterations = a->iterations ? (int)a->iterations : mixture ? 500 : 5000;
  def->tolerance = soft ? fmax(1e-9, 1e-10 * most) : 1e-8;
  def->l2 = a->l2;
  def->lambda = a->lambda;
  def->epsilon = a->epsilon;
  def->approximate = a->approximate;
  def->subgradient = a->subgradient;
  def->after = tell_progress;
  def->data = run;

  bool demands = def->method == LOOM_IRL_CAUSAL || def->method == LOOM_IRL_MAXENT;
  int code = demands && run->sampled ? check_reach(run, err) : 0;
  run->start = loom_clock();
  if (!code) code = loom_irl_run(&run->result, &run->mdp, &run->learned, def, err);
  tool_progress_end();
  if (!code && tool_stop)
    code =
        loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted after %d iterations", run->result.iterations);
  return code;
}

// ---- how good it is

static int measure_values(irlRun* run, loomError* err) {
  const loomMdp* m = &run->mdp;
  loomPlan plan;
  int code = loom_plan_create(&plan, m, err);
  if (code) return code;
  double* r = loom_heap_take(&plan.heap, 2 * plan.rows, sizeof *r);
  if (!r) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  // What the weights alone are worth: the best policy for them, paid by the true reward.
  if (!code) {
    loom_mdp_reward(r, m, run->result.weights);
    run->epic = loom_epic(m, r, m->reward);
    code = loom_plan_hard(&plan, m, r, err);
  }
  if (!code) code = loom_plan_occupancy(r + plan.rows, NULL, m, plan.policy, err);
  if (!code) {
    run->learned_value = loom_plan_sum(m, r + plan.rows, m->reward);
    run->value = loom_plan_sum(m, run->result.occupancy, m->reward);
    run->expert_value = loom_plan_sum(m, run->whole.d, m->reward);
    run->expert_nll = loom_policy_nll(m, &run->whole, run->expert_policy);
  }
  loom_plan_destroy(&plan);
  return code;
}

static int measure_all(irlRun* run, loomError* err) {
  const loomMdp* m = &run->mdp;
  const loomExpert* expert = run->whole.d ? &run->whole : &run->learned;
  run->occupancy_error = loom_occupancy_distance(m, run->result.occupancy, expert->d);
  run->nll = loom_policy_nll(m, expert, run->result.policy);
  if (run->held.d) run->held_nll = loom_policy_nll(m, &run->held, run->result.policy);
  int code = m->reward ? measure_values(run, err) : 0;
  if (!code && run->sampled)
    code = loom_feature_gap(&run->gap, &run->gap_low, &run->gap_high, m, &run->demos, run->result.features,
                            1000, (uint64_t)run->args->seed, err);
  if (code) return code;

  // Too large for ranks is no failure: they are then not told.
  loomError large = {0, ""};
  code = loom_ambiguity_of_features(&run->features, m, &large);
  if (!code) code = loom_ambiguity_of_policy(&run->policy, m, run->result.weights, &large);
  if (!code || code == LOOM_ERR_UNSUPPORTED) return 0;
  *err = large;
  return code;
}

static void close_run(irlRun* run) {
  loom_irl_destroy(&run->result);
  loom_expert_destroy(&run->learned);
  loom_expert_destroy(&run->whole);
  loom_expert_destroy(&run->held);
  loom_ambiguity_destroy(&run->features);
  loom_ambiguity_destroy(&run->policy);
  loom_heap_destroy(&run->heap);
  loom_mdp_destroy(&run->mdp);
}

// Whether an argument is that option: alone, with its value behind "=", or of a letter right behind it.
static bool is_option(const char* arg, const char* option) {
  size_t n = strlen(option);
  return !strncmp(arg, option, n) && (!arg[n] || arg[n] == '=' || option[1] != '-');
}

// What only tasks have: demos in a file, settings, a folder for what is found. Tables are no YAML.
static bool is_of_task(int argc, char** argv) {
  static const char* const options_of_tasks[] = {"--data",   "-d", "--config",  "-c",
                                                 "--output", "-o", "--feature", "--policy"};
  bool of_task = false;

  for (int i = 1; i < argc; i++) {
    of_task = of_task || loom_ends_with(argv[i], ".yaml");
    for (size_t k = 0; k < sizeof options_of_tasks / sizeof *options_of_tasks; k++)
      of_task = of_task || is_option(argv[i], options_of_tasks[k]);
  }
  return of_task;
}

int cmd_irl(int argc, char** argv) {
  if (is_of_task(argc, argv)) return irl_task(argc, argv);

  irlArgs a = {.horizon = -1, .epsilon = 0.01, .lambda = 1, .seed = 1};
  loomError err = {0, ""};
  int code = read_irl_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  irlRun run = {.args = &a};
  double* const unknown[] = {&run.soft_value,   &run.expected_reward, &run.optimal_value,
                             &run.expert_value, &run.value,           &run.learned_value,
                             &run.epic,         &run.expert_nll,      &run.held_nll,
                             &run.gap,          &run.gap_low,         &run.gap_high,
                             &run.least_reach,  &run.most_reach};
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) *unknown[i] = NAN;

  tool_catch_signals();
  code = open_mdp(&run, &err);
  if (!code) code = meet_expert(&run, &err);
  if (!code) code = learn_reward(&run, &err);
  if (!code) code = measure_all(&run, &err);
  if (!code) (a.json ? irl_print_json : irl_print_text)(&run);

  close_run(&run);
  return code ? tool_fail(&err) : EXIT_DONE;
}
