// demoloom irl TASK: a reward of a task's features from demos, that `finetune --reward` learns by.
#include "tools/command/irl_task.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/run_folder.h"
#include "policies/learn/relent_run.h"
#include "tools/command/finetune_results.h"
#include "tools/command/finetune_run.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"

enum { SEEDS = FINETUNE_SEEDS };

enum { IRL_RELENT, IRL_MAXENT, IRL_PROJECTION };  // the latter two as loomInverseMethod + IRL_MAXENT
static const char* const methods[] = {
    [IRL_RELENT] = "relent", [IRL_MAXENT] = "maxent", [IRL_PROJECTION] = "projection", NULL};

typedef struct irlTask {
  const char *task, *policy, *config, *data, *reset, *folder;
  const char* feature[LOOM_FEATURES];
  int features, method;  // -1 = as the configuration says
  int64_t demos, samples, horizon, first, keep, every, steps, seed, threads, environments, evaluate,
      test;                // likewise
  double noise, l2, rate;  // likewise
  int nseed;
  int64_t seeds[SEEDS];
  bool resume, overwrite, json;
  loomAssetRoots roots;
} irlTask;

static int take_seeds(void* args, const char* text) {
  irlTask* a = args;
  return tool_int_list(&a->nseed, a->seeds, SEEDS, "irl", "--seeds", text, 0, INT32_MAX) ? 0 : EXIT_USAGE;
}

static const toolOption options[] = {
    TOOL_OPTION_AS("data", 'd', "FILE.hdf5", irlTask, STRING, data, .about = "demos of the expert"),
    TOOL_OPTION_AS("demos", 0, "N", irlTask, INT64, demos, .low = 1, .high = INT32_MAX,
                   .about = "the first N of them; all unless given"),
    TOOL_OPTION_AS("method", 'm', "NAME", irlTask, CHOICE, method, .choices = methods,
                   .about =
                       "relent: relative entropy, of the demos' own actions with noise, no policy learns; "
                       "maxent: maximum entropy, and projection: Abbeel and Ng's, with PPO inside. maxent "
                       "unless given, of robots' tasks without --policy relent"),
    TOOL_LIST("feature", 0, "TERM", irlTask, feature, features, .unit = "features",
              .about = "a term that the reward is a sum of, in a reward file's words without its weight, "
                       "several times: '{term: margin, condition: success}'. Unless given: what the task has "
                       "besides its reward, which is never looked at"),
    TOOL_OPTION_AS("policy", 'p', "FILE", irlTask, STRING, policy,
                   .about =
                       "of robots' tasks, maxent and projection: a trained policy whose outputs are a "
                       "Gaussian or a mixture, which learns inside; relent: any of the task's, which acts "
                       "with noise from where demos began, in place of their own actions"),
    TOOL_OPTION_AS("config", 'c', "FILE", irlTask, STRING, config,
                   .about =
                       "settings as YAML, such as another run's config.yaml; options replace what it says; "
                       "`demoloom help finetune` has all"),
    TOOL_HEADING_LINE("relent"),
    TOOL_OPTION_AS("samples", 0, "N", irlTask, INT64, samples, .low = 8, .high = 1 << 20,
                   .about = "trajectories of the baseline; 400 unless given"),
    TOOL_OPTION_AS("noise", 0, "X", irlTask, REAL, noise, .least = 1e-6, .most = 100,
                   .about = "on their actions, up to so many times half of their range, another in each; 0.3 "
                            "unless given"),
    TOOL_OPTION_AS("horizon", 0, "N", irlTask, INT64, horizon, .low = 1, .high = 1 << 20,
                   .unit = "control steps",
                   .about = "of a trajectory; unless given the task's, of robots twice the longest demo"),
    TOOL_HEADING_LINE("weights"),
    TOOL_OPTION_AS("l2", 0, "X", irlTask, REAL, l2, .least = 0, .most = 1e6,
                   .about = "half of that times |w|^2 is taken off; 0.1 unless given; projection has none"),
    TOOL_OPTION_AS("rate", 0, "X", irlTask, REAL, rate, .least = 1e-9, .most = 1e3,
                   .about = "maxent: how far they move in an iteration of PPO; 0.1 unless given"),
    TOOL_OPTION_AS("keep", 0, "N", irlTask, INT64, keep, .low = 2, .high = 4096, .unit = "episodes",
                   .about = "maxent: of this policy and earlier ones that are learned from; 32 unless given"),
    TOOL_OPTION_AS("every", 0, "N", irlTask, INT64, every, .low = 2, .high = 1 << 20,
                   .unit = "iterations of PPO", .about = "projection: of a policy; 20 unless given"),
    TOOL_OPTION_AS("first", 0, "N", irlTask, INT64, first, .low = 2, .high = 4096, .unit = "episodes",
                   .about = "maxent, projection: before the first weights, by which features are scaled; 16 "
                            "unless given"),
    TOOL_HEADING_LINE("the run"),
    TOOL_OPTION_AS("reset", 0, "NAME", irlTask, STRING, reset,
                   .about = "of a policy: reset distribution; its own unless given"),
    TOOL_OPTION_AS("steps", 'n', "N", irlTask, INT64, steps, .low = 1, .high = INT64_MAX / 4,
                   .about = "control steps of all environments together, 500000 unless given, from scratch "
                            "1000000"),
    TOOL_OPTION_AS("seed", 's', "S", irlTask, INT64, seed, .high = INT32_MAX, .about = "1 unless given"),
    TOOL_CALLS_OPTION("seeds", "A,B,...", take_seeds,
                      "maxent, projection: one run for each seed, in DIR/seed-SEED"),
    TOOL_OPTION_AS("environments", 0, "N", irlTask, INT64, environments, .low = 1, .high = 4096,
                   .about = "side by side, 8 unless given, of a policy 16"),
    TOOL_OPTION_AS("evaluate", 0, "N", irlTask, INT64, evaluate, .high = 1 << 20, .unit = "episodes",
                   .about =
                       "without noise, now and then and at the end, by the task's own return or success, "
                       "which no weight is learned from; 10 unless given, of a policy 200; 0 = none"),
    TOOL_OPTION_AS("eval", 0, "N", irlTask, INT64, test, .high = 1 << 20, .unit = "episodes",
                   .about = "of the policy before and after, in the end; 200 unless given; 0 = none"),
    TOOL_OPTION_AS("output", 'o', "DIR", irlTask, STRING, folder, .about = "where all goes"),
    TOOL_THREADS_OPTION(irlTask, INT64, threads),
    TOOL_OVERWRITE_OPTION(irlTask, overwrite),
    TOOL_OPTION_AS("resume", 0, NULL, irlTask, BOOL, resume,
                   .about = "maxent, projection: go on where the folder's checkpoint is"),
    TOOL_OPTION_AS("json", 0, NULL, irlTask, BOOL, json, .about = "the result as one line of JSON on stdout"),
    TOOL_ASSETS_OPTION(0, irlTask, roots),
};

static const toolCommand command = {
    .before =
        "usage: demoloom irl TASK --data FILE.hdf5 -o DIR [options]\n"
        "       demoloom irl TASK --policy POLICY.safetensors --data FILE.hdf5 -o DIR [options]\n"
        "\n"
        "What does the expert want? Finds weights of features by which the demos are better than what else\n"
        "is tried, and writes them as DIR/reward.yaml, from which `demoloom finetune --reward` trains a\n"
        "fresh policy. Features are terms of rewards: what they sum up to over an episode, not discounted,\n"
        "is compared; what follows an end is 0. TASK is the file of a plain control task (`gym:`), or a\n"
        "scene's name or task file. The task's own reward is only told, and by it the best policy is known.\n"
        "maxent and projection leave what `demoloom finetune` does too: config.yaml, last.safetensors,\n"
        "best.safetensors, scalars.csv, curves.png; --resume goes on, bit for bit. Rewards in tables:\n"
        "`demoloom irl --help`.\n",
    .after =
        "examples:\n"
        "  demoloom rollout runs/expert/best.safetensors -n 10 -o expert.hdf5\n"
        "  demoloom irl tests/gym/hopper.yaml --data expert.hdf5 -o runs/irl\n"
        "  demoloom finetune --scratch -t tests/gym/hopper.yaml --reward runs/irl/reward.yaml -o runs/fresh\n"
        "  demoloom irl tests/gym/hopper.yaml --data expert.hdf5 -m projection --feature '{term: healthy}' "
        "--feature '{term: velocity, of: qpos, count: 1}' -o runs/projection\n"
        "  demoloom irl handover --data demos.hdf5 -m relent -o runs/relent\n"
        "  demoloom finetune runs/bc/best_success.safetensors -m ppo --reward runs/relent/reward.yaml -o "
        "runs/by-relent\n",
    TOOL_OPTIONS(options),
};

static int read_task_options(irlTask* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  a->task = optind < argc ? argv[optind++] : NULL;
  if (optind < argc) return tool_usage("irl", "it takes one task");
  if (!a->task && !a->config) return tool_usage("irl", "which task? It takes one");
  if (!a->data && !a->config) return tool_usage("irl", "it takes --data, the expert's demos");
  if (!a->folder) return tool_usage("irl", "it takes -o, the folder where all goes");
  if (a->seed >= 0 && a->nseed) return tool_usage("irl", "--seed or --seeds, not both");
  return tool_one_of_both("irl", a->overwrite, a->resume);
}

// ---- the place

typedef struct place {
  loomControlTask* control;
  loomControlScene* control_scene;
  loomTask* task;
  loomScene* scene;
  loomRewardDef* reward;
} place;

static void close_place(place* p) {
  loom_control_scene_destroy(p->control_scene);
  loom_control_task_destroy(p->control);
  loom_reward_def_destroy(p->reward);
  loom_scene_destroy(p->scene);
  loom_task_destroy(p->task);
}

// The task, and of a plain control one its model, which says what there is to be looked at.
static int open_task(place* p, irlTask* a, const char* name, loomError* err) {
  if (!loom_is_control_task(name)) {
    int code = loom_task_find(&p->task, name, err);
    return code ? code : tool_assets(&a->roots, p->task, err);
  }
  int code = loom_control_task_load(&p->control, name, err);
  if (!code) code = tool_known_assets(&a->roots, p->control->asset, name, err);
  return code ? code : loom_control_scene_create(&p->control_scene, p->control, &a->roots, err);
}

static int choose_features(loomFeatures* out, const irlTask* a, const place* p, loomError* err) {
  int code = LOOM_OK;
  if (!a->features)
    return p->control ? loom_features_of_control(out, p->control_scene, err)
                      : loom_features_of_task(out, p->task, err);

  *out = (loomFeatures){0};
  for (int i = 0; !code && i < a->features; i++) code = loom_features_add(out, a->feature[i], err);
  return code;
}

// ---- relent

static int show_samples(void* user, int done, int n) {
  const double* start = user;
  tool_progress("replayed", done, n, loom_clock() - *start, "trajectories of the baseline");
  return 0;
}

static int bind_features(place* p, loomReplayPlace* at, const irlTask* a, const loomFeatures* features,
                         loomError* err) {
  int code;
  *at = (loomReplayPlace){.features = features->n};

  // A control task has them behind its own terms, so that its scene is made anew.
  if (p->control) {
    at->first = p->control->reward_count;
    loom_control_scene_destroy(p->control_scene);
    p->control_scene = NULL;
    code = loom_features_to_control(p->control, features, err);
    if (!code) code = loom_control_scene_create(&p->control_scene, p->control, &a->roots, err);
    at->control = p->control_scene;
    return code;
  }

  code = loom_features_to_reward(&p->reward, p->task, features, err);
  if (!code) code = loom_scene_of_task(&p->scene, p->task, &a->roots, err);
  at->scene = p->scene;
  at->reward = p->reward;
  return code;
}

static void print_relent_json(const loomRelentFound* f, const loomFeatures* features, const irlTask* a) {
  cJSON *out = cJSON_CreateObject(), *list = cJSON_CreateArray();

  cJSON_AddStringToObject(out, "task", a->task);
  cJSON_AddStringToObject(out, "by", "relent");
  cJSON_AddStringToObject(out, "data", a->data);
  cJSON_AddNumberToObject(out, "demos", f->demos);
  cJSON_AddNumberToObject(out, "samples", f->samples);
  cJSON_AddNumberToObject(out, "effective", f->effective);
  cJSON_AddNumberToObject(out, "reach", f->reach);
  for (int j = 0; j < f->k; j++)
    cJSON_AddItemToArray(list,
                         finetune_feature_json(features->text[j], f->expert[j], f->learned[j], f->weight[j]));
  cJSON_AddItemToObject(out, "features", list);

  char* text = cJSON_PrintUnformatted(out);
  puts(text ? text : "{}");
  cJSON_free(text);
  cJSON_Delete(out);
}

static void print_relent(const loomRelentFound* f, const loomFeatures* features, const irlTask* a) {
  if (a->json) {
    print_relent_json(f, features, a);
    return;
  }

  printf("%d demos against %d trajectories with noise, of which %.0f %% %s; effective sample size %.1f %%\n",
         f->demos, f->samples, 100 * f->won, loom_is_control_task(a->task) ? "last to the end" : "succeed",
         100 * f->effective);
  if (f->reach > 1e-3)
    printf("the expert's features lie outside what these reach, by %.3g deviations\n", f->reach);
  finetune_print_features(f->k, features, f->expert, f->learned, f->weight);
  printf("wrote %s/reward.yaml\n", a->folder);
}

static int write_reward(const loomRunFolder* folder, const loomFeatures* features, const double* weight,
                        loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  char* text = loom_features_reward(features, weight);

  loom_run_folder_path(path, folder, "reward.yaml");
  int code = text ? loom_file_write_text(path, text, err)
                  : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  free(text);
  return code;
}

static loomRelentSettings settings_of(const irlTask* a, const place* p, const loomReplays* replays,
                                      double* start) {
  int horizon = p->control ? p->control->max_steps : 2 * loom_replays_longest(replays);
  return (loomRelentSettings){.samples = a->samples > 0 ? (int)a->samples : 400,
                              .policy = a->policy,
                              .noise = a->noise > 0 ? a->noise : 0.3,
                              .l2 = a->l2 >= 0 ? a->l2 : 0.1,
                              .replay = {.horizon = a->horizon > 0 ? (int)a->horizon : horizon,
                                         .seed = (uint64_t)(a->seed >= 0 ? a->seed : 1),
                                         .threads = a->threads > 0 ? (int)a->threads : 0,
                                         .stop = &tool_stop,
                                         .look = {show_samples, start}}};
}

static int run_relent(irlTask* a, loomError* err) {
  static const char* const own[] = {"reward.yaml", NULL};
  const loomRunFolderDef def = {.path = a->folder,
                                .parents = true,
                                .mode = a->overwrite ? LOOM_FOLDER_OVERWRITE : LOOM_FOLDER_NEW,
                                .mark = "reward.yaml",
                                .own = own,
                                .alternative = "take another folder, or --overwrite"};
  place p = {0};
  loomReplayPlace at;
  loomReplays* replays = NULL;
  loomFeatures features;
  loomRelentFound found;
  loomRunFolder folder = {0};
  double start = loom_clock();

  int code = loom_run_folder_check(&def, err);
  if (!code) code = open_task(&p, a, a->task, err);
  if (!code) code = choose_features(&features, a, &p, err);
  if (!code) code = bind_features(&p, &at, a, &features, err);
  if (!code) code = loom_replays_create(&replays, a->data, &at, a->demos > 0 ? (int)a->demos : 0, err);

  tool_catch_signals();
  if (!code) {
    loomRelentSettings settings = settings_of(a, &p, replays, &start);
    code = loom_relent_run(&found, replays, &features, &settings, err);
    tool_progress_end();
  }
  if (!code) code = loom_run_folder_open(&folder, &def, err);
  if (!code) code = write_reward(&folder, &features, found.weight, err);
  if (!code) print_relent(&found, &features, a);
  loom_run_folder_close(&folder);
  loom_replays_destroy(replays);
  close_place(&p);
  return code;
}

// ---- with PPO inside

static int begin_with(loomFinetuneConfig* c, const irlTask* a, loomError* err) {
  *c = loom_default_inversion_config(a->policy != NULL);
  if (a->config) c->inverts = c->of_policy = false;  // as the file says
  int code = a->config ? loom_finetune_config_load(c, a->config, err) : 0;
  if (code || c->inverts) return code;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s: looks for no reward (`irl:`)", a->config);
}

static void put_numbers(loomFinetuneConfig* c, const irlTask* a) {
  finetune_take_given(c, &(finetuneGiven){.seed = a->seed,
                                          .threads = a->threads,
                                          .evaluate = a->evaluate,
                                          .environments = a->environments,
                                          .test = a->test,
                                          .steps = a->steps});

  const finetuneNumber number[] = {{a->demos, &c->inverse.demos},
                                   {a->first, &c->inverse.first},
                                   {a->keep, &c->inverse.keep},
                                   {a->every, &c->inverse.every}};
  finetune_take_numbers(number, sizeof number / sizeof *number);

  if (a->method >= IRL_MAXENT) c->inverse.method = a->method - IRL_MAXENT;
  if (a->l2 >= 0) c->inverse.l2 = a->l2;
  if (a->rate > 0) c->inverse.rate = a->rate;
}

static int put_texts(loomFinetuneConfig* c, const irlTask* a, loomError* err) {
  int code = finetune_take_text(c->finetune.task, sizeof c->finetune.task, "the task", a->task, err);
  if (!code)
    code = finetune_take_text(c->residual.policy, sizeof c->residual.policy, "--policy", a->policy, err);
  if (!code) code = finetune_take_text(c->inverse.data, sizeof c->inverse.data, "--data", a->data, err);
  if (!code) code = finetune_take_text(c->residual.reset, sizeof c->residual.reset, "--reset", a->reset, err);

  // The same demos say how long episodes are.
  if (!code && c->of_policy && a->data) memcpy(c->residual.data, c->inverse.data, sizeof c->residual.data);
  return code;
}

static int check_task(const loomFinetuneConfig* c, const irlTask* a, loomError* err) {
  bool control = loom_is_control_task(c->finetune.task);

  if (!c->inverse.data[0])
    return loom_error_set(err, LOOM_ERR_USAGE, "whose demos? They are named by --data FILE.hdf5");
  if (control && c->of_policy)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: is a plain control task, which is learned from scratch: leave --policy out",
                          c->finetune.task);
  if (!control && !c->of_policy)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: is no plain control task (`gym:`): a policy has to be there to learn; name it "
                          "with --policy (demoloom train makes one), or take --method relent",
                          c->finetune.task);
  if (!c->of_policy && (a->reset || a->test >= 0))
    return loom_error_set(err, LOOM_ERR_USAGE, "--reset and --eval are of a policy: --policy FILE");
  if (a->samples > 0 || a->noise > 0 || a->horizon > 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "--samples, --noise and --horizon are of --method relent");
  return 0;
}

static int put_features(loomFinetuneConfig* c, irlTask* a, loomError* err) {
  place p = {0};
  if (c->inverse.features.n && !a->features) return LOOM_OK;

  int code = open_task(&p, a, c->finetune.task, err);
  if (!code) code = choose_features(&c->inverse.features, a, &p, err);
  close_place(&p);
  return code;
}

static int run_inside(irlTask* a, loomError* err) {
  loomFinetuneConfig config;
  int code = begin_with(&config, a, err);
  if (code) return code;

  put_numbers(&config, a);
  code = put_texts(&config, a, err);
  if (!code) code = check_task(&config, a, err);
  if (!code) code = put_features(&config, a, err);
  return code ? code
              : finetune_run(&(finetuneRun){.config = &config,
                                            .folder = a->folder,
                                            .nseed = a->nseed,
                                            .seeds = a->seeds,
                                            .overwrite = a->overwrite,
                                            .resume = a->resume,
                                            .json = a->json,
                                            .roots = &a->roots},
                             err);
}

static bool is_relent(const irlTask* a) {
  if (a->method >= 0) return a->method == IRL_RELENT;
  return !a->config && !a->policy && !loom_is_control_task(a->task);
}

static int check_relent(const irlTask* a, loomError* err) {
  bool other = a->config || a->steps > 0 || a->nseed || a->rate > 0 || a->keep > 0 || a->every > 0 ||
               a->first > 0 || a->environments > 0 || a->evaluate >= 0 || a->test >= 0 || a->reset ||
               a->resume;
  if (!other) return LOOM_OK;
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "--method relent takes --data, --demos, --feature, --policy, --samples, --noise, --horizon, "
      "--l2, --seed, --threads and -o, nothing else: no policy learns in it");
}

int irl_task(int argc, char** argv) {
  irlTask a = {.method = -1,
               .demos = -1,
               .samples = -1,
               .horizon = -1,
               .first = -1,
               .keep = -1,
               .every = -1,
               .steps = -1,
               .seed = -1,
               .threads = -1,
               .environments = -1,
               .evaluate = -1,
               .test = -1,
               .noise = -1,
               .l2 = -1,
               .rate = -1};
  loomError err = {0, ""};
  int code = read_task_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;

  if (is_relent(&a)) code = check_relent(&a, &err);
  code = code ? code : (is_relent(&a) ? run_relent : run_inside)(&a, &err);
  loom_asset_roots_destroy(&a.roots);
  return code ? tool_fail(&err) : EXIT_DONE;
}
