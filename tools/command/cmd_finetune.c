// demoloom finetune: reinforcement learning in simulation; from scratch on plain control tasks so far.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/pool.h"
#include "policies/learn/finetune.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

enum { SEEDS = 64 };

typedef struct finetuneArgs {
  const char *config, *task, *folder;
  int method;                                            // -1 = as the configuration says
  int64_t steps, seed, threads, environments, evaluate;  // -1 likewise
  int nseed;
  int64_t seeds[SEEDS];
  bool scratch, resume, overwrite, json;
  loomAssetRoots roots;
} finetuneArgs;

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
        "task", 't', "FILE", finetuneArgs, STRING, task,
        .about = "task file of a plain control task (`gym:`), such as tests/gym/half_cheetah.yaml"),
    TOOL_OPTION_AS("scratch", 0, NULL, finetuneArgs, BOOL, scratch, .about = "begin with no policy"),
    TOOL_OPTION_AS("method", 'm', "NAME", finetuneArgs, CHOICE, method, .choices = loom_finetune_methods,
                   .about = "ppo unless given"),
    TOOL_OPTION_AS("steps", 'n', "N", finetuneArgs, INT64, steps, .low = 1, .high = INT64_MAX / 4,
                   .about = "control steps of all environments together, 1000000 unless given"),
    TOOL_OPTION_AS("seed", 's', "S", finetuneArgs, INT64, seed, .high = INT32_MAX, .about = "1 unless given"),
    TOOL_CALLS_OPTION(
        "seeds", "A,B,...", take_seeds,
        "one run for each seed, in DIR/seed-SEED; then their mean. Runs that are whole are not made "
        "again with --resume"),
    TOOL_OPTION_AS("environments", 0, "N", finetuneArgs, INT64, environments, .low = 1, .high = 4096,
                   .about = "side by side, 1 unless given"),
    TOOL_OPTION_AS("evaluate", 0, "N", finetuneArgs, INT64, evaluate, .high = 1 << 20, .unit = "episodes",
                   .about = "without noise, every 100,000 steps and at the end; 10 unless given; 0 = none"),
    TOOL_OPTION_AS("output", 'o', "DIR", finetuneArgs, STRING, folder, .about = "where all goes"),
    TOOL_OPTION_AS("threads", 'j', "N", finetuneArgs, INT64, threads, .high = 1024,
                   .about = "as many as cores unless given, or 0"),
    TOOL_OVERWRITE_OPTION(finetuneArgs, overwrite),
    TOOL_OPTION_AS("resume", 0, NULL, finetuneArgs, BOOL, resume,
                   .about = "go on where the folder's checkpoint is"),
    TOOL_OPTION_AS("json", 0, NULL, finetuneArgs, BOOL, json,
                   .about = "the result as one line of JSON on stdout"),
    TOOL_ASSETS_OPTION(0, finetuneArgs, roots),
};

static const toolCommand command = {
    .before =
        "usage: demoloom finetune --task FILE --scratch -o DIR [options]\n"
        "\n"
        "Learns a plain control task by trying, with PPO or TD3. Into the folder go config.yaml (all "
        "settings),\n"
        "last.safetensors (checkpoint), best.safetensors (what acts, of the best evaluation), scalars.csv, "
        "curves.png\n"
        "and TensorBoard event files. Ctrl-C writes a checkpoint; --resume goes on, bit for bit.\n",
    .after =
        "examples:\n"
        "  demoloom finetune --task tests/gym/half_cheetah.yaml --scratch --method ppo -o runs/cheetah\n"
        "  demoloom finetune -c runs/cheetah/config.yaml --scratch --seeds 1,2,3 -o runs/cheetahs --json\n",
    TOOL_OPTIONS(options),
};

static int read_finetune_options(finetuneArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  if (optind < argc || !a->scratch)
    return tool_usage("finetune", "a policy to begin with cannot be given yet: it takes --scratch");
  if (!a->task && !a->config) return tool_usage("finetune", "which task? It takes --task, or --config");
  if (!a->folder) return tool_usage("finetune", "it takes -o, the folder where all goes");
  if (a->seed >= 0 && a->nseed) return tool_usage("finetune", "--seed or --seeds, not both");
  return tool_one_of_both("finetune", a->overwrite, a->resume);
}

// ---- the configuration

static int configure(loomFinetuneConfig* c, const finetuneArgs* a, loomError* err) {
  *c = loom_default_finetune_config(a->method >= 0 ? (loomFinetuneMethod)a->method : LOOM_FINETUNE_PPO);
  int code = a->config ? loom_finetune_config_load(c, a->config, err) : 0;
  if (code) return code;

  // A file's settings are those of its own method.
  if (a->config && a->method >= 0 && a->method != c->finetune.method)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: has the settings of %s; leave --method out, or --config",
                          a->config, loom_finetune_methods[c->finetune.method]);

  const struct {
    int64_t from;
    int* to;
  } number[] = {{a->seed, &c->finetune.seed},
                {a->threads, &c->finetune.threads},
                {a->evaluate, &c->finetune.evaluate},
                {a->environments, &c->ppo.environments},
                {a->environments, &c->td3.environments}};
  for (size_t i = 0; i < sizeof number / sizeof *number; i++)
    if (number[i].from >= 0) *number[i].to = (int)number[i].from;

  if (a->steps > 0) c->finetune.steps = a->steps;
  if (a->task && snprintf(c->finetune.task, sizeof c->finetune.task, "%s", a->task) >= LOOM_PATH_MAX)
    return loom_error_set(err, LOOM_ERR_USAGE, "--task: a path longer than %d bytes", LOOM_PATH_MAX - 1);
  if (!c->finetune.task[0])
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: names no task; give --task", a->config);
  return 0;
}

static int open_task(loomControlTask** task, loomControlScene** scene, const loomFinetuneConfig* c,
                     finetuneArgs* a, loomError* err) {
  const char* path = c->finetune.task;
  if (loom_is_file(path) && !loom_is_control_task(path))
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: has no `gym:`; only plain control tasks can be learned from scratch yet",
                          path);

  int code = loom_control_task_load(task, path, err);
  if (!code) code = tool_known_assets(&a->roots, (*task)->asset, path, err);
  return code ? code : loom_control_scene_create(scene, *task, &a->roots, err);
}

// ---- runs

// One run, or one a seed side by side.
typedef struct runs {
  const finetuneArgs* args;
  const loomFinetuneConfig* config;
  const loomFinetuneDef* def;
  int n;
  loomFinetuneState state[SEEDS];
  double start;
  atomic_flag showing;
} runs;

typedef struct seedRun {
  runs* all;
  int i;
} seedRun;

// Of all runs together, by one of them at a time.
static void show_progress(runs* all) {
  char note[200] = "steps";
  const loomFinetuneState* s = all->state;
  int64_t step = 0, steps = 0, first = 0;
  if (atomic_flag_test_and_set(&all->showing)) return;

  for (int i = 0; i < all->n; i++) {
    step += all->state[i].step;
    first += all->state[i].first;
    steps += all->config->finetune.steps;
  }

  size_t n = strlen(note);
  if (s->episodes) snprintf(note + n, sizeof note - n, ", return %.1f", s->training_return);
  n = strlen(note);
  if (!isnan(s->evaluation)) snprintf(note + n, sizeof note - n, ", %.1f without noise", s->evaluation);

  // The rate is this process's.
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

static int run_one(void* user, int worker, int i, loomError* err) {
  runs* all = user;
  seedRun self = {all, i};
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
  def.user = &self;
  int code = loom_finetune(&all->state[i], &def, err);
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

static double mean_of(const double* x, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += x[i] / n;
  return sum;
}

// What is compared over seeds: the last evaluation, or without one what training had.
static void add_returns(cJSON* out, const char* key, const double* of_each_seed, int n) {
  cJSON* map = cJSON_AddObjectToObject(out, key);
  double mean = mean_of(of_each_seed, n);
  if (isfinite(mean)) cJSON_AddNumberToObject(map, "mean", mean);
  cJSON* list = cJSON_AddArrayToObject(map, "of_each_seed");
  for (int i = 0; i < n; i++)
    cJSON_AddItemToArray(
        list, isfinite(of_each_seed[i]) ? cJSON_CreateNumber(of_each_seed[i]) : cJSON_CreateNull());
}

typedef struct results {
  int n;
  double evaluation[SEEDS], training[SEEDS];
  int64_t steps;
  double core_seconds, seconds;
} results;

static results results_of(const runs* all, double core_seconds) {
  results r = {.n = all->n, .core_seconds = core_seconds, .seconds = loom_clock() - all->start};

  for (int i = 0; i < all->n; i++) {
    r.evaluation[i] = all->state[i].evaluation;
    r.training[i] = all->state[i].training_return;
    r.steps += all->state[i].step;
  }
  return r;
}

static void print_json(const loomFinetuneConfig* c, const results* r) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "task", c->finetune.task);
  cJSON_AddStringToObject(out, "method", loom_finetune_methods[c->finetune.method]);

  add_returns(out, "return", c->finetune.evaluate ? r->evaluation : r->training, r->n);
  add_returns(out, "training_return", r->training, r->n);
  cJSON_AddNumberToObject(out, "episodes", c->finetune.evaluate);
  cJSON_AddNumberToObject(out, "steps", (double)r->steps);
  cJSON_AddNumberToObject(out, "core_seconds", r->core_seconds);

  char* text = cJSON_PrintUnformatted(out);
  puts(text ? text : "{}");
  cJSON_free(text);
  cJSON_Delete(out);
}

static void print_results(const loomFinetuneConfig* c, const results* r, const char* folder) {
  if (c->finetune.evaluate)
    printf("return %.1f (mean of %d seed%s, %d episodes each, without noise)\n", mean_of(r->evaluation, r->n),
           r->n, r->n == 1 ? "" : "s", c->finetune.evaluate);
  printf("return of the latest 100 episodes of training: %.1f\n", mean_of(r->training, r->n));
  printf("%lld steps, %.1f s, %.1f core seconds\nwrote %s\n", (long long)r->steps, r->seconds,
         r->core_seconds, folder);
}

int cmd_finetune(int argc, char** argv) {
  finetuneArgs a = {.method = -1, .steps = -1, .seed = -1, .threads = -1, .environments = -1, .evaluate = -1};
  loomControlTask* task = NULL;
  loomControlScene* scene = NULL;
  loomFinetuneConfig config;
  loomError err = {0, ""};
  double cpu = loom_process_cpu();
  results r = {0};
  int code = read_finetune_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  code = configure(&config, &a, &err);
  if (!code) code = loom_folder_check_place(a.folder, 0, &err);
  if (!code) code = open_task(&task, &scene, &config, &a, &err);

  if (!code) {
    tool_catch_signals();
    loomEnvironmentMaker maker = loom_control_environment(scene);
    loomFinetuneDef def = {.maker = &maker,
                           .digest = task->digest,
                           .overwrite = a.overwrite,
                           .resume = a.resume,
                           .stop = &tool_stop};
    runs all = {.args = &a, .config = &config, .def = &def, .showing = ATOMIC_FLAG_INIT};
    code = run_all(&all, &err);
    r = results_of(&all, loom_process_cpu() - cpu);
  }
  if (!code && a.json) print_json(&config, &r);
  if (!code && !a.json) print_results(&config, &r, a.folder);

  int status = code ? tool_fail(&err) : EXIT_DONE;
  loom_control_scene_destroy(scene);
  loom_control_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  return status;
}
