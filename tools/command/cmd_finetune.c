// demoloom finetune: reinforcement learning in simulation, of a trained policy, or from scratch on plain
// control tasks. One run, several seeds, or a grid of runs (finetune_grid.c).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "policies/learn/finetune.h"
#include "tools/command/finetune_filtered.h"
#include "tools/command/finetune_grid.h"
#include "tools/command/finetune_results.h"
#include "tools/command/finetune_run.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

enum { SEEDS = FINETUNE_SEEDS, HEARTBEAT = 30 };

typedef struct finetuneArgs {
  const char* disturb;
  double widen;  // 0 = ranges stay
  const char *policy, *config, *task, *data, *reset, *reward, *contexts, *folder;
  int method;             // -1 = as the configuration says
  int64_t context_count;  // likewise
  int64_t steps, seed, threads, environments, evaluate, test, rounds, tries;  // -1 likewise
  double bc;                                                                  // likewise
  int nseed;
  int64_t seeds[SEEDS];
  bool scratch, resume, overwrite, json;
  const char* grid;                    // GRID.yaml
  int64_t cells;                       // of a grid
  double heartbeat;                    // s
  double start_demos, start_failures;  // -1 = as the configuration says
  int curriculum;                      // likewise
  bool dry_run, retry;
  loomAssetRoots roots;
} finetuneArgs;

// What learns by reward, and beside these what only learns from its successes (finetune_filtered.c).
enum { FILTERED = LOOM_FINETUNE_METHODS };
static const char* const methods[] = {[LOOM_FINETUNE_PPO] = "ppo",
                                      [LOOM_FINETUNE_TD3] = "td3",
                                      [LOOM_FINETUNE_RESIDUAL] = "residual",
                                      [LOOM_FINETUNE_DPPO] = "dppo",
                                      [LOOM_FINETUNE_RESIDUAL_PPO] = "residual_ppo",
                                      [FILTERED] = "filtered",
                                      NULL};

static int take_seeds(void* args, const char* text) {
  finetuneArgs* a = args;
  return tool_int_list(&a->nseed, a->seeds, SEEDS, "finetune", "--seeds", text, 0, INT32_MAX) ? 0
                                                                                              : EXIT_USAGE;
}

static const toolOption options[] = {
    TOOL_OPTION_AS(
        "config", 'c', "FILE", finetuneArgs, STRING, config,
        .about = "settings as YAML, such as another run's config.yaml; options replace what it says"),
    TOOL_OPTION_AS(
        "task", 't', "TASK", finetuneArgs, STRING, task,
        .about = "scene's name or task file; what the policy's rollouts were of unless given. With --scratch "
                 "also the file of a plain control task (`gym:`), such as tests/gym/half_cheetah.yaml"),
    TOOL_OPTION_AS("scratch", 0, NULL, finetuneArgs, BOOL, scratch, .about = "begin with no policy"),
    TOOL_OPTION_AS(
        "method", 'm', "NAME", finetuneArgs, CHOICE, method, .choices = methods,
        .about = "residual unless given: what is added to a policy's actions, by TD3; ppo: the policy's "
                 "own network, where its outputs are a Gaussian or a mixture; dppo: likewise, of a diffusion "
                 "policy, by PPO through its denoising steps; residual_ppo: what is added, by PPO; filtered: "
                 "its own successes within --steps are "
                 "added to --data, and a policy like it is trained on both (--config is train's then); with "
                 "--scratch ppo or td3, ppo unless given"),
    TOOL_OPTION_AS("data", 'd', "FILE.hdf5", finetuneArgs, STRING, data,
                   .about = "demos that half of what a residual learns from is of, together with its own "
                            "successes, or those of --bc"),
    TOOL_OPTION_AS("bc", 0, "W", finetuneArgs, REAL, bc, .least = 0, .most = 1e6,
                   .about =
                       "ppo of a policy: weight of the demos' negative log likelihood in its loss, such as "
                       "0.1; 0 unless given"),
    TOOL_OPTION_AS("reset", 0, "NAME", finetuneArgs, STRING, reset,
                   .about = "reset distribution; the policy's own unless given"),
    TOOL_OPTION_AS("reward", 0, "FILE", finetuneArgs, STRING, reward,
                   .about =
                       "what is rewarded, as `reward:` in a task file, such as what `demoloom irl` finds; "
                       "the task's own unless given"),
    TOOL_OPTION_AS("contexts", 0, "NAME|FILE", finetuneArgs, STRING, contexts,
                   .about = "with --scratch, of a robots' task: what episodes look like to a reward by "
                            "pictures, as of `render --contexts`; each has another unless "
                            "--context-count says so"),
    TOOL_OPTION_AS("context-count", 0, "N", finetuneArgs, INT64, context_count, .low = 1, .high = 1 << 20,
                   .about = "so many contexts, which episodes have in turn"),
    TOOL_OPTION_AS(
        "disturb", 0, "NAME", finetuneArgs, STRING, disturb,
        .about = "learn in disturbed episodes: by a set of the task's `randomize:`, or a file of one. In "
                 "the end both are tested disturbed and undisturbed"),
    TOOL_OPTION_AS(
        "widen", 0, "SHARE", finetuneArgs, REAL, widen, .least = 0.01, .most = 1,
        .about =
            "widen the ranges of --disturb that have `limits` while it learns: an end moves out where at "
            "least this share of 20 episodes there succeed, and in below half of it. DIR/disturb.yaml has "
            "them as they are then. In the end both are tested in the ranges as they were"),
    TOOL_OPTION_AS("start-demos", 0, "SHARE", finetuneArgs, REAL, start_demos, .least = 0, .most = 1,
                   .about = "of the episodes it learns from begin at states of the demos (of --data, or else "
                            "the task's); 0 unless given"),
    TOOL_OPTION_AS(
        "curriculum", 0, "NAME", finetuneArgs, CHOICE, curriculum, .choices = loom_curriculum_names,
        .about = "which states of a demo: any, none unless given, or from its end to its beginning"),
    TOOL_OPTION_AS("start-failures", 0, "SHARE", finetuneArgs, REAL, start_failures, .least = 0, .most = 1,
                   .about = "of them begin where an earlier one has failed; 0 unless given"),
    TOOL_OPTION_AS("steps", 'n', "N", finetuneArgs, INT64, steps, .low = 1, .high = INT64_MAX / 4,
                   .about = "control steps of all environments together, 500000 unless given, from scratch "
                            "1000000"),
    TOOL_OPTION_AS("seed", 's', "S", finetuneArgs, INT64, seed, .high = INT32_MAX, .about = "1 unless given"),
    TOOL_CALLS_OPTION(
        "seeds", "A,B,...", take_seeds,
        "one run for each seed, in DIR/seed-SEED; then their mean. Runs that are whole are not made "
        "again with --resume"),
    TOOL_OPTION_AS("environments", 0, "N", finetuneArgs, INT64, environments, .low = 1, .high = 4096,
                   .about = "side by side, 8 unless given, ppo of a policy and dppo 32, from scratch 1"),
    TOOL_OPTION_AS("evaluate", 0, "N", finetuneArgs, INT64, evaluate, .high = 1 << 20, .unit = "episodes",
                   .about =
                       "without noise, now and then and at the end, by which the best is known; 200 unless "
                       "given, from scratch 10; 0 = none"),
    TOOL_OPTION_AS("eval", 0, "N", finetuneArgs, INT64, test, .high = 1 << 20, .unit = "episodes",
                   .about =
                       "of the policy before and after, in the end, from the same fresh starts; 200 unless "
                       "given; 0 = none"),
    TOOL_OPTION(0, "N", finetuneArgs, INT64, rounds, .low = 1, .high = LOOM_DATA_FILES / 2,
                .about = "filtered: of collecting successes and training, each with its part of --steps; the "
                         "policy that was trained last collects the next; 1 unless given"),
    TOOL_OPTION(0, "N", finetuneArgs, INT64, tries, .low = 1, .high = 1000,
                .about = "filtered: of a start until the policy succeeds from it; 1 unless given"),
    TOOL_OPTION_AS("output", 'o', "DIR", finetuneArgs, STRING, folder, .about = "where all goes"),
    TOOL_THREADS_OPTION(finetuneArgs, INT64, threads),
    TOOL_OVERWRITE_OPTION(finetuneArgs, overwrite),
    TOOL_OPTION_AS("resume", 0, NULL, finetuneArgs, BOOL, resume,
                   .about = "go on where the folder's checkpoint is"),
    TOOL_OPTION_AS("json", 0, NULL, finetuneArgs, BOOL, json,
                   .about = "the result as one line of JSON on stdout"),
    TOOL_ASSETS_OPTION(0, finetuneArgs, roots),
    TOOL_HEADING_LINE("a grid of runs"),
    TOOL_OPTION_AS("dry-run", 0, NULL, finetuneArgs, BOOL, dry_run,
                   .about = "its cells, and how many core-hours they will take by those that are done"),
    TOOL_OPTION_AS("cells", 0, "N", finetuneArgs, INT64, cells, .low = 1, .high = INT32_MAX,
                   .about = "this process does N cells and ends, then or once none is left"),
    TOOL_OPTION_AS("retry", 0, NULL, finetuneArgs, BOOL, retry, .about = "do cells that failed again"),
    TOOL_OPTION_AS("heartbeat", 0, "S", finetuneArgs, REAL, heartbeat, .least = 0.05, .most = 86400,
                   .unit = "s", .about = "a worker that is not heard of for 1.25 of them has lost its cells"),
};

static const toolCommand command = {
    .before =
        "usage: demoloom finetune POLICY.safetensors [--task TASK] -o DIR [options]\n"
        "       demoloom finetune --scratch --task FILE -o DIR [options]\n"
        "       demoloom finetune GRID.yaml -o DIR [-j N] [--dry-run] [--retry] [--json]\n"
        "\n"
        "Learns by trying, in simulation. A trained policy of any kind stays as it is, and what is added\n"
        "to its actions is learned; best.safetensors has both and is a policy as any other. With --method\n"
        "ppo or dppo its network itself learns, and best.safetensors is one of the same kind. In the end\n"
        "it is compared with the policy as it was, on starts that neither has met; where it is not better\n"
        "the policy stays as it was. With --scratch a task, of robots or a plain control task, is learned\n"
        "with no policy to begin with, by PPO or TD3: of robots from all that they observe but pictures.\n"
        "Into the folder go config.yaml (all settings), last.safetensors (checkpoint), best.safetensors\n"
        "(what acts, of the best evaluation), scalars.csv, curves.png, TensorBoard event files and, of a\n"
        "policy, evaluation.csv (each fresh start, before and after). Ctrl-C writes a checkpoint;\n"
        "--resume goes on, bit for bit.\n"
        "\n"
        "A grid is every combination of values of these options, one cell each, in DIR/cells/HASH:\n"
        "\n"
        "  grid:\n"
        "    task: [tests/gym/hopper.yaml, tests/gym/walker2d.yaml]\n"
        "    method: [ppo, td3]\n"
        "    seed: [1, 2, 3]\n"
        "  set: {scratch: true, steps: 100000}     # the same in all cells\n"
        "  report: {reach: 1000, range: [0, 3000]}\n"
        "\n"
        "The same command, by any number of processes on any number of machines, drains one shared\n"
        "folder: each takes cells that nobody has (-j N: so many at a time), those of a worker that is\n"
        "gone too, and the one that ends last finds all done. DIR/report.txt, .json, .csv and .png are\n"
        "the same bytes whoever did what.\n",
    .after =
        "examples:\n"
        "  demoloom finetune runs/handover/best_success.safetensors --data handover.hdf5 -o runs/finetuned\n"
        "  demoloom finetune runs/handover/best_success.safetensors --data handover.hdf5 --start-demos 0.5 "
        "--curriculum reverse -o runs/back\n"
        "  demoloom rollout runs/handover/best_success.safetensors runs/finetuned/best.safetensors -n 300\n"
        "  demoloom finetune runs/gmm/best_success.safetensors --method ppo --bc 0.1 --data handover.hdf5 -o "
        "runs/ppo\n"
        "  demoloom finetune runs/handover/best_success.safetensors --method dppo --data handover.hdf5 -o "
        "runs/dppo\n"
        "  demoloom finetune runs/handover/best_success.safetensors -m filtered --data handover.hdf5 -o "
        "runs/filtered\n"
        "  demoloom finetune --task tests/gym/half_cheetah.yaml --scratch --method ppo -o runs/cheetah\n"
        "  demoloom finetune --task tests/push/task.yaml --scratch --method td3 --reward "
        "runs/watched/reward.yaml "
        "-o runs/pusher\n"
        "  demoloom finetune -c runs/cheetah/config.yaml --scratch --seeds 1,2,3 -o runs/cheetahs --json\n"
        "  demoloom finetune tests/gym/grid.yaml -o runs/grid --dry-run\n"
        "  srun -n 16 demoloom finetune tests/gym/grid.yaml -o /shared/grid -j 1\n",
    TOOL_OPTIONS(options),
};

static const finetuneArgs no_args = {.method = -1,
                                     .start_demos = -1,
                                     .start_failures = -1,
                                     .curriculum = -1,
                                     .steps = -1,
                                     .seed = -1,
                                     .context_count = -1,
                                     .threads = -1,
                                     .environments = -1,
                                     .evaluate = -1,
                                     .test = -1,
                                     .rounds = -1,
                                     .tries = -1,
                                     .bc = -1,
                                     .heartbeat = HEARTBEAT};

static int read_finetune_options(finetuneArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  // A method may be a configuration's; this one is not.
  if (a->method != FILTERED && (a->rounds >= 0 || a->tries >= 0))
    return tool_usage("finetune", "--rounds and --tries are of --method filtered");

  // A file of settings is a grid, and says all else.
  a->grid = optind + 1 == argc && loom_ends_with(argv[optind], ".yaml") ? argv[optind] : NULL;
  if (a->grid && !a->folder) return tool_usage("finetune", "it takes -o, the folder where all goes");
  if (a->grid) return 0;
  if (a->dry_run || a->retry || a->cells || a->heartbeat != HEARTBEAT)
    return tool_usage("finetune", "--dry-run, --cells, --retry and --heartbeat are of a grid: GRID.yaml");

  a->policy = optind < argc ? argv[optind++] : NULL;
  if (optind < argc) return tool_usage("finetune", "it takes one policy");
  if (a->scratch && a->policy) return tool_usage("finetune", "a policy to begin with or --scratch, not both");
  if (!a->scratch && !a->policy && !a->config)
    return tool_usage("finetune", "which policy? It takes one, or --scratch");
  if (a->scratch && !a->task && !a->config)
    return tool_usage("finetune", "which task? It takes --task, or --config");
  if (!a->folder) return tool_usage("finetune", "it takes -o, the folder where all goes");
  if (a->seed >= 0 && a->nseed) return tool_usage("finetune", "--seed or --seeds, not both");
  return tool_one_of_both("finetune", a->overwrite, a->resume);
}

// ---- the configuration

// A residual is for a policy, TD3 begins with none, PPO is for both.
static int check_method(const loomFinetuneConfig* c, const finetuneArgs* a, loomError* err) {
  const char* name = loom_finetune_methods[c->finetune.method];
  bool direct = c->of_policy && c->finetune.method == LOOM_FINETUNE_PPO;
  if (a->scratch && c->of_policy)
    return loom_error_set(err, LOOM_ERR_USAGE, "--method %s changes a policy: name one instead of --scratch",
                          name);
  if (!a->scratch && !c->of_policy)
    return loom_error_set(err, LOOM_ERR_USAGE, "--method %s begins with no policy yet: it takes --scratch",
                          name);
  if (a->bc >= 0 && !direct)
    return loom_error_set(err, LOOM_ERR_USAGE, "--bc is for a policy that is finetuned with --method ppo");
  bool starts = a->start_demos >= 0 || a->start_failures >= 0 || a->curriculum >= 0;
  if (!a->scratch && (a->contexts || a->context_count >= 0))
    return loom_error_set(err, LOOM_ERR_USAGE, "--contexts and --context-count go with --scratch");
  if (a->scratch && (a->data || a->test >= 0 || a->disturb || a->widen > 0 || starts))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "--data, --disturb, --widen, --eval, --start-demos, "
                          "--start-failures and --curriculum are for a policy that is finetuned");
  return 0;
}

static int configure(loomFinetuneConfig* c, const finetuneArgs* a, loomError* err) {
  int method = a->method >= 0 ? a->method : a->scratch ? LOOM_FINETUNE_PPO : LOOM_FINETUNE_RESIDUAL;
  *c = loom_default_finetune_config(
      (loomFinetuneMethod)method,
      loom_finetune_needs_policy((loomFinetuneMethod)method) || (method == LOOM_FINETUNE_PPO && a->policy));
  if (a->config) c->of_policy = a->policy != NULL;
  int code = a->config ? loom_finetune_config_load(c, a->config, err) : 0;
  if (code) return code;

  // A file's settings are those of its own method.
  if (c->inverts)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: looks for a reward (irl:): demoloom irl learns by it",
                          a->config);
  if (c->imitates)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: has a discriminator (gail:): demoloom gail learns by it",
                          a->config);
  if (a->config && a->method >= 0 && a->method != c->finetune.method)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: has the settings of %s; leave --method out, or --config",
                          a->config, loom_finetune_methods[c->finetune.method]);
  code = check_method(c, a, err);
  if (code) return code;

  finetune_take_given(c, &(finetuneGiven){.seed = a->seed,
                                          .threads = a->threads,
                                          .evaluate = a->evaluate,
                                          .environments = a->environments,
                                          .test = a->test,
                                          .steps = a->steps});

  if (a->curriculum >= 0) c->starts.curriculum = a->curriculum;
  if (a->start_demos >= 0) c->starts.demos = a->start_demos;
  if (a->start_failures >= 0) c->starts.failures = a->start_failures;
  if (a->bc >= 0) c->direct.bc = a->bc;
  if (a->widen > 0) c->residual.widen = a->widen;

  code = finetune_take_text(c->finetune.task, sizeof c->finetune.task, "--task", a->task, err);
  if (!code)
    code = finetune_take_text(c->residual.policy, sizeof c->residual.policy, "the policy", a->policy, err);
  if (!code) code = finetune_take_text(c->residual.data, sizeof c->residual.data, "--data", a->data, err);
  if (!code)
    code = finetune_take_text(c->residual.reward, sizeof c->residual.reward, "--reward", a->reward, err);
  if (!code) code = finetune_take_text(c->residual.reset, sizeof c->residual.reset, "--reset", a->reset, err);
  if (!code)
    code = finetune_take_text(c->residual.disturb, sizeof c->residual.disturb, "--disturb", a->disturb, err);
  if (!code)
    code =
        finetune_take_text(c->residual.contexts, sizeof c->residual.contexts, "--contexts", a->contexts, err);
  if (a->context_count >= 0) c->residual.context_count = (int)a->context_count;
  if (!code && a->context_count >= 0 && !c->residual.contexts[0])
    return loom_error_set(err, LOOM_ERR_USAGE, "--context-count goes with --contexts");
  if (!code && a->scratch && !c->finetune.task[0])
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: names no task; give --task", a->config);
  if (!code && !a->scratch && !c->residual.policy[0])
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: names no policy; give one", a->config);
  return code;
}

// It has no configuration of its own: --config is its training's.
static int run_filtered(const finetuneArgs* given) {
  finetuneArgs a = *given;
  bool other = a.scratch || a.reward || a.contexts || a.context_count >= 0 || a.nseed ||
               a.environments >= 0 || a.evaluate >= 0 || a.bc >= 0 || a.start_demos >= 0 ||
               a.start_failures >= 0 || a.curriculum >= 0 || a.disturb || a.widen > 0;
  int status = other || !a.policy
                   ? tool_usage("finetune",
                                "--method filtered takes a policy, --data, --config (of its training), "
                                "--steps, --rounds, --tries, --seed, --eval and --reset, nothing else")
                   : finetune_filtered(&(finetuneFiltered){.policy = a.policy,
                                                           .config = a.config,
                                                           .task = a.task,
                                                           .data = a.data,
                                                           .reset = a.reset,
                                                           .folder = a.folder,
                                                           .steps = a.steps,
                                                           .seed = a.seed,
                                                           .threads = a.threads,
                                                           .test = a.test,
                                                           .rounds = a.rounds,
                                                           .tries = a.tries,
                                                           .resume = a.resume,
                                                           .overwrite = a.overwrite,
                                                           .json = a.json,
                                                           .roots = &a.roots});
  loom_asset_roots_destroy(&a.roots);
  return status;
}

static int finetune_one(const finetuneArgs* given) {
  if (given->method == FILTERED) return run_filtered(given);

  finetuneArgs a = *given;
  loomFinetuneConfig config;
  loomError err = {0, ""};

  int code = configure(&config, &a, &err);
  if (!code)
    code = finetune_run(&(finetuneRun){.config = &config,
                                       .folder = a.folder,
                                       .nseed = a.nseed,
                                       .seeds = a.seeds,
                                       .overwrite = a.overwrite,
                                       .resume = a.resume,
                                       .json = a.json,
                                       .roots = &a.roots},
                        &err);

  loom_asset_roots_destroy(&a.roots);
  return code ? tool_fail(&err) : EXIT_DONE;
}

static int finetune_cell(int argc, char** argv) {
  finetuneArgs a = no_args;
  int code = read_finetune_options(&a, argc, argv);
  return code ? code : finetune_one(&a);
}

int cmd_finetune(int argc, char** argv) {
  finetuneArgs a = no_args;
  int code = read_finetune_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;
  if (!a.grid) return finetune_one(&a);

  loom_asset_roots_destroy(&a.roots);
  return finetune_grid(&(finetuneGrid){.path = a.grid,
                                       .folder = a.folder,
                                       .workers = a.threads,
                                       .most = a.cells,
                                       .heartbeat = a.heartbeat,
                                       .dry_run = a.dry_run,
                                       .retry = a.retry,
                                       .json = a.json,
                                       .argc = argc,
                                       .argv = argv,
                                       .command = &command,
                                       .run = finetune_cell});
}
