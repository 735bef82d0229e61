// demoloom finetune: reinforcement learning in simulation, of a trained policy, or from scratch on plain
// control tasks. One run, several seeds, or a grid of runs (finetune_grid.c).
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/pool.h"
#include "engine/base/text.h"
#include "policies/learn/finetune.h"
#include "tools/command/finetune_filtered.h"
#include "tools/command/finetune_grid.h"
#include "tools/command/finetune_results.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"
#include "tools/shared/policy_task.h"

enum { SEEDS = FINETUNE_SEEDS, HEARTBEAT = 30 };

typedef struct finetuneArgs {
  const char* disturb;
  double widen;  // 0 = ranges stay
  const char *policy, *config, *task, *data, *reset, *reward, *folder;
  int method;  // -1 = as the configuration says
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
static const char* const methods[] = {
    [LOOM_FINETUNE_PPO] = "ppo",   [LOOM_FINETUNE_TD3] = "td3", [LOOM_FINETUNE_RESIDUAL] = "residual",
    [LOOM_FINETUNE_DPPO] = "dppo", [FILTERED] = "filtered",     NULL};

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
                 "the file of a plain control task (`gym:`), such as tests/gym/half_cheetah.yaml"),
    TOOL_OPTION_AS("scratch", 0, NULL, finetuneArgs, BOOL, scratch, .about = "begin with no policy"),
    TOOL_OPTION_AS(
        "method", 'm', "NAME", finetuneArgs, CHOICE, method, .choices = methods,
        .about = "residual unless given: what is added to a policy's actions, by TD3; ppo: the policy's "
                 "own network, where its outputs are a Gaussian or a mixture; dppo: likewise, of a diffusion "
                 "policy, by PPO through its denoising steps; filtered: its own successes within --steps are "
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
                   .about = "what is rewarded, as `reward:` in a task file; the task's own unless given"),
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
                   .about = "side by side, 8 unless given, ppo of a policy and dppo 16, from scratch 1"),
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
    TOOL_OPTION_AS("threads", 'j', "N", finetuneArgs, INT64, threads, .high = 1024,
                   .about = "as many as cores unless given, or 0"),
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
        "the policy stays as it was. With --scratch a plain control task is learned with no policy to\n"
        "begin with, by PPO or TD3.\n"
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
  if (a->scratch &&
      (a->data || a->reset || a->reward || a->test >= 0 || a->disturb || a->widen > 0 || starts))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "--data, --reset, --reward, --disturb, --widen, --eval, --start-demos, "
                          "--start-failures and --curriculum are for a policy that is finetuned");
  return 0;
}

static int copy_text(char* to, size_t room, const char* option, const char* text, loomError* err) {
  if (!text || snprintf(to, room, "%s", text) < (int)room) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s: longer than %zu bytes", option, room - 1);
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
  if (a->config && a->method >= 0 && a->method != c->finetune.method)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: has the settings of %s; leave --method out, or --config",
                          a->config, loom_finetune_methods[c->finetune.method]);
  code = check_method(c, a, err);
  if (code) return code;

  const struct {
    int64_t from;
    int* to;
  } number[] = {{a->seed, &c->finetune.seed},
                {a->threads, &c->finetune.threads},
                {a->evaluate, &c->finetune.evaluate},
                {a->environments, &c->ppo.environments},
                {a->environments, &c->td3.environments},
                {a->test, &c->residual.test},
                {a->curriculum, &c->starts.curriculum}};
  for (size_t i = 0; i < sizeof number / sizeof *number; i++)
    if (number[i].from >= 0) *number[i].to = (int)number[i].from;

  if (a->steps > 0) c->finetune.steps = a->steps;
  if (a->start_demos >= 0) c->starts.demos = a->start_demos;
  if (a->start_failures >= 0) c->starts.failures = a->start_failures;
  if (a->bc >= 0) c->direct.bc = a->bc;
  if (a->widen > 0) c->residual.widen = a->widen;
  code = copy_text(c->finetune.task, sizeof c->finetune.task, "--task", a->task, err);
  if (!code) code = copy_text(c->residual.policy, sizeof c->residual.policy, "the policy", a->policy, err);
  if (!code) code = copy_text(c->residual.data, sizeof c->residual.data, "--data", a->data, err);
  if (!code) code = copy_text(c->residual.reward, sizeof c->residual.reward, "--reward", a->reward, err);
  if (!code) code = copy_text(c->residual.reset, sizeof c->residual.reset, "--reset", a->reset, err);
  if (!code) code = copy_text(c->residual.disturb, sizeof c->residual.disturb, "--disturb", a->disturb, err);
  if (!code && a->scratch && !c->finetune.task[0])
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: names no task; give --task", a->config);
  if (!code && !a->scratch && !c->residual.policy[0])
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: names no policy; give one", a->config);
  return code;
}

// What is learned in: a control task, or the scene of a policy.
typedef struct place {
  loomControlTask* control;
  loomControlScene* control_scene;
  loomEnvironmentMaker maker;  // of it
  loomTask* task;
  loomScene* scene;
  const loomDisturbSet* disturb;  // of the task, or NULL
  uint64_t digest;
} place;

static void close_place(place* p) {
  loom_control_scene_destroy(p->control_scene);
  loom_control_task_destroy(p->control);
  loom_scene_destroy(p->scene);
  loom_task_destroy(p->task);
}

static int open_control(place* p, const loomFinetuneConfig* c, finetuneArgs* a, loomError* err) {
  const char* path = c->finetune.task;
  if (loom_is_file(path) && !loom_is_control_task(path))
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: has no `gym:`; only plain control tasks can be learned from scratch yet",
                          path);

  int code = loom_control_task_load(&p->control, path, err);
  if (!code) code = tool_known_assets(&a->roots, p->control->asset, path, err);
  if (!code) code = loom_control_scene_create(&p->control_scene, p->control, &a->roots, err);
  if (code) return code;

  p->maker = loom_control_environment(p->control_scene);
  p->digest = p->control->digest;
  return 0;
}

static int open_scene(place* p, loomFinetuneConfig* c, finetuneArgs* a, loomError* err) {
  loomTrained trained;
  const char* path = c->residual.policy;
  if (c->finetune.task[0] && loom_is_file(c->finetune.task) && loom_is_control_task(c->finetune.task))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: is a plain control task, which no policy of demos is for; it "
                          "is learned with --scratch",
                          c->finetune.task);
  int code = loom_trained_load(&trained, path, err);
  if (code) return code;

  code = tool_policy_task(&p->task, &trained, path, c->finetune.task, err);
  if (!c->finetune.task[0]) snprintf(c->finetune.task, sizeof c->finetune.task, "%s", trained.config.task);
  loom_trained_destroy(&trained);

  if (!code) code = tool_assets(&a->roots, p->task, err);
  if (!code) code = loom_scene_of_task(&p->scene, p->task, &a->roots, err);
  if (!code && c->residual.disturb[0])
    code = loom_disturb_find(&p->disturb, p->task, c->residual.disturb, err);
  if (!code && p->disturb) code = loom_disturb_check(p->disturb, p->scene, err);
  if (!code) p->digest = p->task->digest;
  if (!code && p->disturb) p->digest = loom_hash(p->digest, &p->disturb->digest, sizeof p->disturb->digest);

  // What files hold, so that nobody goes on with others.
  if (!code) code = loom_hash_file(&p->digest, path, err);
  if (!code) code = loom_hash_file(&p->digest, c->residual.reward, err);
  if (!code) code = loom_hash_file(&p->digest, c->starts.dataset, err);
  return code ? code : loom_hash_file(&p->digest, c->residual.data, err);
}

static int open_place(place* p, loomFinetuneConfig* c, finetuneArgs* a, loomError* err) {
  return c->of_policy ? open_scene(p, c, a, err) : open_control(p, c, a, err);
}

// ---- runs

// One run, or one a seed side by side.
typedef struct runs {
  const finetuneArgs* args;
  const loomFinetuneConfig* config;
  const loomFinetuneDef* def;
  const place* place;
  int n;
  loomFinetuneState state[SEEDS];
  loomFinetuneTest test[SEEDS];
  loomFinetuneTest disturbed[SEEDS];  // of --disturb
  double start;
  atomic_flag showing;
} runs;

typedef struct seedRun {
  runs* all;
  int i;
  double start;  // of its test, or of its evaluation
} seedRun;

// Of all runs together, by one of them at a time.
static void show_progress(runs* all) {
  char note[200] = "steps";
  const loomFinetuneState* s = all->state;
  bool of_policy = all->config->of_policy;
  int64_t step = 0, steps = 0, first = 0;
  if (atomic_flag_test_and_set(&all->showing)) return;

  for (int i = 0; i < all->n; i++) {
    step += all->state[i].step;
    first += all->state[i].first;
    steps += all->config->finetune.steps;
  }

  size_t n = strlen(note);
  if (of_policy && s->episodes)
    snprintf(note + n, sizeof note - n, ", %.0f %% of the latest 100 episodes succeed",
             100 * s->training_success);
  else if (s->episodes)
    snprintf(note + n, sizeof note - n, ", return %.1f", s->training_return);
  n = strlen(note);
  if (!isnan(s->evaluation))
    snprintf(note + n, sizeof note - n, of_policy ? ", %.1f %% without noise" : ", %.1f without noise",
             of_policy ? 100 * s->evaluation : s->evaluation);

  // The last look at a run may come after more steps than it was to have. The rate is this process's.
  if (steps < step) steps = step;
  double seconds = loom_clock() - all->start;
  if (step > first)
    tool_progress("learned", step, steps, seconds * (double)step / (double)(step - first), note);
  atomic_flag_clear(&all->showing);
}

static void show_iteration(void* user, const loomFinetuneState* s, bool evaluated) {
  const seedRun* run = user;
  (void)evaluated;

  run->all->state[run->i] = *s;
  show_progress(run->all);
}

// What the policy itself would do at each decision of the demos takes a while where there are many.
static int show_reading(void* user, int done, int n) {
  seedRun* run = user;
  if (done == 1) run->start = loom_clock();
  if (run->all->n == 1)
    tool_progress("read", done, n, loom_clock() - run->start, "demos, and what the policy does in them");
  return tool_stop != 0;
}

// Of a single run: one line tells of several. Its checkpoint is of before or after, so nothing stops it.
static int show_evaluation(void* user, int done, int n) {
  seedRun* run = user;
  if (done == 1) run->start = loom_clock();
  if (run->all->n == 1)
    tool_progress("evaluated", done, n, loom_clock() - run->start, "episodes, without noise");
  return 0;
}

static int show_test(void* user, int done, int n) {
  const seedRun* run = user;
  (void)n;
  if (run->all->n == 1)
    tool_progress("tested", done, n, loom_clock() - run->start, "episodes, before and after");
  return tool_stop != 0;
}

// What learned under disturbances has to be better under them, and not clearly worse without.
static int test_disturbed(seedRun* self, const loomFinetuneConfig* c, const loomFinetuneBase* before,
                          loomTrained* best, uint64_t seed, loomError* err) {
  enum { CLEARLY = 20 };  // one in as many by chance
  runs* all = self->all;
  loomFinetuneTest *calm = &all->test[self->i], *rough = &all->disturbed[self->i];
  loomFinetuneBase base = *before;
  base.disturb = all->place->disturb;

  int code = loom_finetune_test(rough, &c->residual, &base, best, seed, c->finetune.threads,
                                (loomTrialLook){show_test, self}, err);
  bool worse = calm->lost > calm->won && calm->p * CLEARLY < 1;
  calm->kept = rough->kept = rough->kept && !worse;
  return code;
}

// The policy as it was against the best; where that is not better it is what the run gives.
static int test_policy(seedRun* self, const loomFinetuneConfig* c, const loomFinetuneBase* base,
                       const char* folder, loomError* err) {
  loomFinetuneTest* out = &self->all->test[self->i];
  char path[LOOM_PATH_MAX + 64];
  loomTrained before, best;
  if (!c->residual.test || !c->finetune.evaluate) return 0;
  snprintf(path, sizeof path, "%s/best.safetensors", folder);
  int code = loom_trained_load(&before, c->residual.policy, err);
  if (code) return code;
  code = loom_trained_load(&best, path, err);
  if (code) {
    loom_trained_destroy(&before);
    return code;
  }

  // Starts of another seed than those that it learned from, and that the best was known by.
  self->start = loom_clock();
  uint64_t seed = (uint64_t)c->finetune.seed + ((uint64_t)2 << 40);
  loomFinetuneBase as_before = {.policy = &before, .scene = base->scene};
  code = loom_finetune_test(out, &c->residual, &as_before, &best, seed, c->finetune.threads,
                            (loomTrialLook){show_test, self}, err);
  if (!code && base->disturb) code = test_disturbed(self, c, &as_before, &best, seed, err);
  if (!code && !out->kept) code = loom_trained_save(path, &before, NULL, err);
  snprintf(path, sizeof path, "%s/evaluation.csv", folder);
  if (!code) code = loom_finetune_test_write(path, out, err);
  loom_trained_destroy(&before);
  loom_trained_destroy(&best);
  return code;
}

static int run_policy(seedRun* self, loomFinetuneDef* def, loomError* err) {
  runs* all = self->all;
  const loomFinetuneConfig* c = def->config;
  loomTrained policy;
  int code = loom_trained_load(&policy, c->residual.policy, err);
  if (code) return code;

  loomFinetuneBase base = {.policy = &policy,
                           .scene = all->place->scene,
                           .disturb = all->place->disturb,
                           .reading = {show_reading, self}};
  def->base = &base;
  code = loom_finetune(&all->state[self->i], def, err);
  if (!code) code = test_policy(self, c, &base, def->folder, err);
  loom_trained_destroy(&policy);
  return code;
}

static int run_one(void* user, int worker, int i, loomError* err) {
  runs* all = user;
  seedRun self = {.all = all, .i = i};
  loomFinetuneConfig config = *all->config;
  loomFinetuneDef def = *all->def;
  char folder[LOOM_PATH_MAX + 32];
  (void)worker;

  // Several stand each in a folder of its own.
  snprintf(folder, sizeof folder, "%s", all->args->folder);
  if (all->args->nseed) {
    config.finetune.seed = (int)all->args->seeds[i];
    if (all->n > 1) config.finetune.threads = 1;
    snprintf(folder, sizeof folder, "%s/seed-%d", all->args->folder, config.finetune.seed);
  }

  def.config = &config;
  def.folder = folder;
  def.progress = show_iteration;
  def.evaluating = (loomTrialLook){show_evaluation, &self};
  def.user = &self;
  int code = config.of_policy ? run_policy(&self, &def, err) : loom_finetune(&all->state[i], &def, err);
  return code ? tool_go_on(err, code, folder, "last.safetensors") : 0;
}

static int run_all(runs* all, loomError* err) {
  if (strlen(all->args->folder) >= LOOM_PATH_MAX - 32)
    return loom_error_set(err, LOOM_ERR_USAGE, "-o: a path longer than %d bytes", LOOM_PATH_MAX - 33);

  // A single one has the threads for itself.
  all->n = all->args->nseed ? all->args->nseed : 1;
  all->start = loom_clock();
  for (int i = 0; i < all->n; i++)
    all->state[i] = (loomFinetuneState){.evaluation = NAN, .training_return = NAN};

  int code = all->n == 1 ? run_one(all, 0, 0, err)
                         : loom_pool_run(&(loomPoolDef){.n = all->n,
                                                        .threads = all->config->finetune.threads,
                                                        .user = all,
                                                        .item = run_one,
                                                        .stop = &tool_stop},
                                         err);
  tool_progress_end();
  if (!code && tool_stop) code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; --resume goes on");
  return code;
}

// ---- results

static finetuneResults results_of(const runs* all, double core_seconds) {
  finetuneResults r = {.n = all->n,
                       .test = all->test,
                       .disturbed = all->disturbed,
                       .core_seconds = core_seconds,
                       .seconds = loom_clock() - all->start};

  for (int i = 0; i < all->n; i++) {
    r.evaluation[i] = all->state[i].evaluation;
    r.training[i] = all->state[i].training_return;
    r.steps += all->state[i].step;
  }
  return r;
}

// It has no configuration of its own: --config is its training's.
static int run_filtered(const finetuneArgs* given) {
  finetuneArgs a = *given;
  bool other = a.scratch || a.reward || a.nseed || a.environments >= 0 || a.evaluate >= 0 || a.bc >= 0 ||
               a.start_demos >= 0 || a.start_failures >= 0 || a.curriculum >= 0 || a.disturb || a.widen > 0;
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
  place at = {0};
  loomFinetuneConfig config;
  loomError err = {0, ""};
  double cpu = loom_process_cpu();
  runs all = {.args = &a, .config = &config, .place = &at, .showing = ATOMIC_FLAG_INIT};
  finetuneResults r = {0};

  int code = configure(&config, &a, &err);
  if (!code) code = loom_folder_check_place(a.folder, 0, &err);
  if (!code) code = open_place(&at, &config, &a, &err);

  if (!code) {
    tool_catch_signals();
    loomFinetuneDef def = {.maker = &at.maker,
                           .digest = at.digest,
                           .overwrite = a.overwrite,
                           .resume = a.resume,
                           .stop = &tool_stop};
    all.def = &def;
    code = run_all(&all, &err);
    r = results_of(&all, loom_process_cpu() - cpu);
  }
  if (!code && a.json) finetune_print_json(&config, &r);
  if (!code && !a.json) finetune_print_results(&config, &r, a.folder);

  int status = code ? tool_fail(&err) : EXIT_DONE;
  for (int i = 0; i < SEEDS; i++) {
    loom_finetune_test_destroy(&all.test[i]);
    loom_finetune_test_destroy(&all.disturbed[i]);
  }
  close_place(&at);
  loom_asset_roots_destroy(&a.roots);
  return status;
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
