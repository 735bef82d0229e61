// demoloom dagger: a policy that learns from an expert in the states it gets into itself.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/observe/framed.h"
#include "policies/learn/dagger.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/options.h"
#include "tools/shared/teacher.h"

static const char help[] =
    "usage: demoloom dagger TASK --expert EXPERT -o DIR [options]\n\n"
    "DAgger: a policy is cloned from a few of the expert's demos, tried, and trained again on what the "
    "expert\n"
    "says in the states the policy came to; round after round.\n\n"
    "  -e, --expert EXPERT  generator (the task's source demos, transformed to the scene as it is), "
    "scripted\n"
    "                       (`expert:` of task.yaml), or POLICY.safetensors; default generator\n"
    "  -o, --output DIR     datasets, policies, rounds.csv, rounds.png; best.safetensors is the novice of "
    "most\n"
    "                       successes, final.safetensors the last one, of all rows\n"
    "      --gate GATE      who acts in a round: mixture (DAgger: the expert with probability beta^round a "
    "step),\n"
    "                       safety (SafeDAgger: it takes over where a classifier says that the novice is "
    "off),\n"
    "                       ensemble (where novices of several seeds disagree); default mixture\n"
    "      --beta B         default 0.9; 0 = the novice alone after round 0\n"
    "      --tau T          off is |a_novice - a_expert| > T, default 0.3\n"
    "      --threshold P    safety: probability of being off from which the expert acts, default 0.5\n"
    "      --members K, --doubt D   ensemble: default 3 novices, expert acts where they differ by more than "
    "0.2\n"
    "      --rounds N       after the first, default 20\n"
    "      --demos N        of the expert in round 0, default 10 (0 with --data)\n"
    "  -d, --data FILE      dataset to begin with; may be given several times\n"
    "  -n, --episodes N     of a round, default 20\n"
    "      --evaluations N  episodes a novice is measured on, the same for all; default 50\n"
    "      --evaluation-seed S   default 1000\n"
    "      --reset NAME     reset distribution (default: the task's first)\n"
    "      --max-steps N    control steps an episode (default: the task's)\n"
    "  -p, --policy KIND    default bc_l2; see `demoloom train --help`\n"
    "  -k, --key NAME       observation; several times (default: hands, grippers and objects)\n"
    "      --hidden N       units of each hidden layer, default 256\n"
    "      --steps N        of training in a round, each time anew; default 4000\n"
    "      --final-steps N  of training a last novice, on all rows of all rounds; default twice --steps, 0 = "
    "none\n"
    "      --batch N, --rate R   default 256 and 1e-3 (to 0, as a cosine)\n"
    "  -s, --seed S         default 1\n"
    "  -j, --threads N      of rollouts (default: as many as cores); the result does not depend on it\n"
    "      --resume         go on with a run that was stopped, or add rounds to one\n"
    "      --json           the rounds on stdout\n"
    "      --assets NAME=DIR\n\n"
    "examples:\n"
    "  demoloom dagger threading --expert scripted --demos 5 --rounds 8 -o runs/dagger\n"
    "  demoloom dagger threading --expert generator --gate safety -o runs/safedagger\n";

typedef struct daggerArgs {
  const char *task, *expert, *folder, *gate, *reset, *policy;
  int ndata, nkey;
  const char *data[LOOM_DATA_FILES], *key[LOOM_DATA_KEYS];
  int64_t rounds, demos, episodes, evaluations, evaluation_seed, max_steps, members, hidden, steps,
      final_steps, batch, seed, threads;
  double beta, tau, threshold, doubt, rate;
  bool resume, json;
  loomAssetRoots roots;
} daggerArgs;

static int parse_dagger_options(daggerArgs* a, int argc, char** argv) {
  const toolOption options[] = {
      option_text("expert", 'e', &a->expert),
      option_text("output", 'o', &a->folder),
      option_text("gate", 0, &a->gate),
      option_double("beta", 0, &a->beta, 0, 1),
      option_double("tau", 0, &a->tau, 0, 1e6),
      option_double("threshold", 0, &a->threshold, 0, 1),
      option_int64("members", 0, &a->members, 2, LOOM_GATE_MEMBERS),
      option_double("doubt", 0, &a->doubt, 0, 1e6),
      option_int64("rounds", 0, &a->rounds, 0, LOOM_DATA_FILES - 1),
      option_int64("demos", 0, &a->demos, 0, 1 << 20),
      option_list("data", 'd', a->data, &a->ndata, LOOM_DATA_FILES, "files"),
      option_int64("episodes", 'n', &a->episodes, 1, 1 << 20),
      option_int64("evaluations", 0, &a->evaluations, 1, 1 << 20),
      option_int64("evaluation-seed", 0, &a->evaluation_seed, 0, INT64_MAX),
      option_text("reset", 0, &a->reset),
      option_int64("max-steps", 0, &a->max_steps, 1, 1 << 20),
      option_text("policy", 'p', &a->policy),
      option_list("key", 'k', a->key, &a->nkey, LOOM_DATA_KEYS, "keys"),
      option_int64("hidden", 0, &a->hidden, 1, 65536),
      option_int64("steps", 0, &a->steps, 1, 500000000),
      option_int64("final-steps", 0, &a->final_steps, 0, 1000000000),
      option_int64("batch", 0, &a->batch, 1, 1 << 20),
      option_double("rate", 0, &a->rate, 1e-12, 10),
      option_int64("seed", 's', &a->seed, 0, INT32_MAX / 2),
      option_int64("threads", 'j', &a->threads, 0, 1024),
      option_flag("resume", 0, &a->resume),
      option_flag("json", 0, &a->json),
      option_assets(0, &a->roots),
  };
  int code = tool_options(argc, argv, help, options, sizeof options / sizeof *options);
  if (code) return code;
  if (optind + 1 != argc) return tool_usage("dagger", "it takes one task");
  if (!a->folder) return tool_usage("dagger", "name a folder with -o");
  if (a->ndata + a->rounds >= LOOM_DATA_FILES)
    return tool_usage("dagger", "at most %d datasets and rounds", LOOM_DATA_FILES);
  a->task = argv[optind];
  if (a->demos < 0) a->demos = a->ndata ? 0 : 10;
  return 0;
}

// ---- what is learnt, and how

static int choose_keys(loomDataConfig* data, const daggerArgs* a, const loomScene* scene, loomError* err) {
  const loomTask* task = scene->task;
  loomName object[LOOM_MAX_OBJECTS], gripper[LOOM_MAX_ARMS];
  loomEpisode* e = NULL;
  int grippers = 0;
  for (int i = 0; i < a->nkey; i++)
    snprintf(data->key[data->key_count++], LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1, a->key[i]);
  if (a->nkey) return 0;
  loomObserver* observer = NULL;
  int code = loom_episode_create(&e, scene, err), keys = 0;
  if (!code) code = loom_observer_create_all(&observer, e, err);
  if (code) {
    loom_episode_destroy(e);
    return code;
  }
  const loomObsKey* key = loom_observer_keys(observer, &keys);
  for (int k = 0; k < task->object_count; k++)
    snprintf(object[k], LOOM_NAME_MAX, "%s", task->objects[k].name);
  for (int i = 0; i < keys && grippers < LOOM_MAX_ARMS; i++)
    if (strstr(key[i].name, "gripper_qpos")) snprintf(gripper[grippers++], LOOM_NAME_MAX, "%s", key[i].name);
  data->key_count = loom_framed_keys(data->key, LOOM_DATA_KEYS, e->arm_count, gripper, grippers, object,
                                     task->object_count);
  loom_observer_destroy(observer);
  loom_episode_destroy(e);
  return data->key_count
             ? 0
             : loom_error_set(err, LOOM_ERR_USAGE, "%s: name what is seen with --key", task->path);
}

static int configure(loomTrainConfig* c, const daggerArgs* a, const loomScene* scene, loomError* err) {
  enum { EPOCHS = 10 };
  loomPolicyKind kind;
  int code = loom_policy_kind_find(&kind, a->policy, err);
  if (code) return code;
  *c = loom_default_train_config(kind);
  for (int i = 0; i < a->ndata; i++) snprintf(c->data.file[i].path, LOOM_PATH_MAX, "%s", a->data[i]);
  c->data.file_count = a->ndata;
  c->policy.hidden = (int)a->hidden;
  for (int i = 0; i < c->policy.layers.n; i++) c->policy.layers.size[i] = (int)a->hidden;
  c->optimizer.rate = a->rate;
  c->optimizer.schedule = 1;
  c->train.epochs = a->steps % EPOCHS ? 1 : EPOCHS;
  c->train.steps = (int)a->steps / c->train.epochs;
  c->train.batch = (int)a->batch;
  c->train.seed = (int)a->seed;
  c->train.threads = 1;  // so that nothing depends on how many there are; the networks are small
  snprintf(c->rollout.task, sizeof c->rollout.task, "%s", a->task);
  if (a->reset) snprintf(c->rollout.reset, sizeof c->rollout.reset, "%.*s", LOOM_NAME_MAX - 1, a->reset);
  return choose_keys(&c->data, a, scene, err);
}

static int gate_of(loomGateKind* gate, const char* name, loomError* err) {
  static const char* const names[LOOM_GATES] = {
      [LOOM_GATE_MIXTURE] = "mixture", [LOOM_GATE_SAFETY] = "safety", [LOOM_GATE_ENSEMBLE] = "ensemble"};
  for (int i = 0; i < LOOM_GATES; i++) {
    *gate = (loomGateKind)i;
    if (names[i] && !strcmp(name, names[i])) return 0;
  }
  return loom_error_set(err, LOOM_ERR_USAGE, "no gate is '%s': mixture, safety or ensemble", name);
}

// ---- what is told

typedef struct stage {
  int round;
  const char* what;
  double start;
} stage;

static void show(void* user, int round, const char* what, int64_t done, int64_t total) {
  stage* at = user;
  char name[64];
  if (round != at->round || what != at->what) {
    tool_progress_end();
    *at = (stage){round, what, loom_clock()};
  }
  snprintf(name, sizeof name, "round %d %s:", round, what);
  tool_progress(name, done, total, loom_clock() - at->start, "");
}

static void show_round(void* user, const loomDaggerRound* r, bool final) {
  (void)user;
  tool_progress_end();
  if (final)
    fputs("final novice", stderr);
  else
    fprintf(stderr, "round %d", r->round);
  fprintf(stderr, ": %d of %d succeed, %.2f off the expert", r->succeeded, r->evaluated, r->error);
  if (!final) fprintf(stderr, ", which was asked %lld times", (long long)r->queries);
  fprintf(stderr, "  (%.0f s)\n", r->seconds);
}

static cJSON* round_json(const loomDaggerRound* x) {
  const struct {
    const char* name;
    double value;
  } field[] = {{"round", x->round},
               {"beta", x->beta},
               {"episodes", (double)x->episodes},
               {"successes", (double)x->successes},
               {"steps", (double)x->steps},
               {"expert_steps", (double)x->expert_steps},
               {"queries", (double)x->queries},
               {"off", (double)x->off},
               {"caught", (double)x->caught},
               {"deviation", x->deviation},
               {"evaluated", x->evaluated},
               {"succeeded", x->succeeded},
               {"success", x->rate},
               {"success_low", x->low},
               {"success_high", x->high},
               {"error", x->error},
               {"seconds", x->seconds}};
  cJSON* one = cJSON_CreateObject();
  for (size_t k = 0; k < sizeof field / sizeof *field; k++)
    if (isfinite(field[k].value)) cJSON_AddNumberToObject(one, field[k].name, field[k].value);
  return one;
}

static void print_json(const loomDaggerReport* r) {
  cJSON *out = cJSON_CreateObject(), *expert = cJSON_AddObjectToObject(out, "expert"),
        *list = cJSON_AddArrayToObject(out, "rounds");
  cJSON_AddNumberToObject(expert, "evaluated", r->evaluated);
  cJSON_AddNumberToObject(expert, "succeeded", r->succeeded);
  cJSON_AddNumberToObject(out, "best", r->best);
  for (int i = 0; i < r->n; i++) cJSON_AddItemToArray(list, round_json(&r->round[i]));
  if (r->final.evaluated) cJSON_AddItemToObject(out, "final", round_json(&r->final));
  tool_print_json(out);
  cJSON_Delete(out);
}

static void print_text(const loomDaggerReport* r, const char* folder) {
  int64_t steps = 0, acted = 0, asked = 0;
  printf("round  steps  expert's  queries  off, of these caught  success alone          off the expert by\n");
  for (int i = 0; i < r->n; i++) {
    const loomDaggerRound* x = &r->round[i];
    steps += x->steps;
    acted += x->expert_steps;
    asked += x->queries;
    printf("%5d  %5lld  %8lld  %7lld  %6lld  %12lld  %5.1f %% (%.1f to %.1f)  %9.3f\n", x->round,
           (long long)x->steps, (long long)x->expert_steps, (long long)x->queries, (long long)x->off,
           (long long)x->caught, 100 * x->rate, 100 * x->low, 100 * x->high, x->error);
  }
  printf(
      "expert: %d of %d succeed (%.1f %%); it acted at %lld of %lld steps (%.1f %%) and was asked %lld "
      "times\n",
      r->succeeded, r->evaluated, 100.0 * r->succeeded / r->evaluated, (long long)acted, (long long)steps,
      steps ? 100.0 * (double)acted / (double)steps : 0, (long long)asked);
  printf("best round: %d, %d of %d\n", r->best, r->round[r->best].succeeded, r->round[r->best].evaluated);
  if (r->final.evaluated)
    printf("final, of all rows: %d of %d (%.1f %%, 95 %% interval %.1f to %.1f)\n", r->final.succeeded,
           r->final.evaluated, 100 * r->final.rate, 100 * r->final.low, 100 * r->final.high);
  printf("wrote %s\n", folder);
}

// ---- the whole

static int run(daggerArgs* a, loomDaggerReport* report, const loomScene* scene, loomError* err) {
  loomDaggerDef def = loom_default_dagger_def();
  loomTeacher teacher = {0};
  stage at = {.round = -1};
  loomTrainConfig* config = calloc(1, sizeof *config);
  int code = config ? configure(config, a, scene, err) : loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  if (!code) code = gate_of(&def.gate, a->gate, err);
  def.reset = a->reset ? loom_task_find_reset(scene->task, a->reset) : 0;
  if (!code && def.reset < 0)
    code =
        loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", scene->task->path, a->reset);
  if (!code) code = tool_teacher_open(&teacher, a->expert, scene->task, &a->roots, err);
  if (!code) {
    def.config = config;
    def.scene = scene;
    def.expert = &teacher.maker;
    def.expert_name = a->expert;
    def.env_args = scene->env_args;
    def.folder = a->folder;
    def.rounds = (int)a->rounds;
    def.demos = (int)a->demos;
    def.episodes = (int)a->episodes;
    def.max_steps = (int)a->max_steps;
    def.seed = (uint64_t)a->seed;
    def.beta = a->beta;
    def.safety.tau = a->tau;
    def.safety.threshold = a->threshold;
    def.members = (int)a->members;
    def.doubt = a->doubt;
    def.evaluations = (int)a->evaluations;
    def.evaluation_seed = (uint64_t)a->evaluation_seed;
    def.threads = (int)a->threads;
    def.final_steps = (int)(a->final_steps < 0 ? 2 * a->steps : a->final_steps);
    def.resume = a->resume;
    def.stop = &tool_stop;
    def.progress = show;
    def.finished = show_round;
    def.user = &at;
    tool_catch_signals();
    code = loom_dagger(report, &def, err);
    tool_progress_end();
  }
  tool_teacher_close(&teacher);
  free(config);
  return code;
}

int cmd_dagger(int argc, char** argv) {
  daggerArgs a = {.expert = "generator",
                  .gate = "mixture",
                  .policy = "bc_l2",
                  .rounds = 20,
                  .demos = -1,
                  .episodes = 20,
                  .evaluations = 50,
                  .evaluation_seed = 1000,
                  .members = 3,
                  .hidden = 256,
                  .steps = 4000,
                  .final_steps = -1,
                  .batch = 256,
                  .seed = 1,
                  .beta = 0.9,
                  .tau = 0.3,
                  .threshold = 0.5,
                  .doubt = 0.2,
                  .rate = 1e-3};
  loomDaggerReport report = {0};
  loomTask* task = NULL;
  loomScene* scene = NULL;
  loomError err = {0, ""};
  int code = parse_dagger_options(&a, argc, argv);
  if (code) return code < 0 ? EXIT_DONE : code;
  code = loom_task_find(&task, a.task, &err);
  if (!code) code = tool_assets(&a.roots, task, &err);
  if (!code) code = loom_scene_of_task(&scene, task, &a.roots, &err);
  if (!code) code = run(&a, &report, scene, &err);
  if (!code && a.json) print_json(&report);
  if (!code && !a.json) print_text(&report, a.folder);
  int status = code ? tool_fail(&err) : EXIT_DONE;
  loom_dagger_report_destroy(&report);
  loom_scene_destroy(scene);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  return status;
}
