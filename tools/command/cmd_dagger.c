// demoloom dagger: a policy that learns from an expert in the states it gets into itself.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/statistics.h"
#include "engine/observe/framed.h"
#include "policies/learn/dagger.h"
#include "tools/shared/commands.h"
#include "tools/shared/common.h"
#include "tools/shared/damage.h"
#include "tools/shared/options.h"
#include "tools/shared/outputs.h"
#include "tools/shared/sharing.h"
#include "tools/shared/teacher.h"

typedef struct daggerArgs {
  const char *task, *expert, *folder, *reset;
  int gate, policy;  // loomGateKind less LOOM_GATE_MIXTURE; loomPolicyKind
  int ndata, nkey;
  const char *data[LOOM_DATA_FILES], *key[LOOM_DATA_KEYS];
  const char* picked[LOOM_MAX_SOURCES];
  int npicked;
  char expert_name[LOOM_PATH_MAX];  // with the source demos that it follows, where they are named
  int64_t rounds, demos, episodes, evaluations, evaluation_seed, expert_episodes, expert_successes, max_steps,
      members, hidden, steps, final_steps, batch, seed, threads;
  double beta, tau, threshold, doubt, rate;
  bool resume, overwrite, json, skip;
  loomAssetRoots roots;
  toolSharing sharing;
} daggerArgs;

static const toolOption options[] = {
    TOOL_OPTION_AS("expert", 'e', "EXPERT", daggerArgs, STRING, expert,
                   .about = "generator (the task's source demos, transformed to the scene as it is), "
                            "scripted (`expert:` of task.yaml), or POLICY.safetensors"),
    TOOL_LIST("source-demo", 0, "NAME", daggerArgs, picked, npicked, .unit = "demos",
              .about = "generator: it follows only this source demo; may be given several times"),
    TOOL_OPTION_AS("output", 'o', "DIR", daggerArgs, STRING, folder,
                   .about = "datasets, policies, rounds.csv, rounds.png; best.safetensors is the novice of "
                            "most successes, final.safetensors the last one, of all rows"),
    TOOL_OPTION_AS("gate", 0, "GATE", daggerArgs, CHOICE, gate,
                   .choices = loom_gate_names + LOOM_GATE_MIXTURE,
                   .about = "who acts in a round. mixture (DAgger): the expert with probability beta^round a "
                            "step; safety (SafeDAgger): it takes over where a classifier says that the "
                            "novice is off; ensemble: where novices of several seeds disagree"),
    TOOL_OPTION_AS("beta", 0, "B", daggerArgs, REAL, beta, .most = 1,
                   .about = "mixture: 0 = the novice alone after round 0"),
    TOOL_OPTION_AS("tau", 0, "T", daggerArgs, REAL, tau, .most = 1e6,
                   .about = "off is |a_novice - a_expert| > T"),
    TOOL_OPTION_AS("threshold", 0, "P", daggerArgs, REAL, threshold, .most = 1,
                   .about = "safety: probability of being off from which the expert acts"),
    TOOL_OPTION_AS("members", 0, "K", daggerArgs, INT64, members, .low = 2, .high = LOOM_GATE_MEMBERS,
                   .about = "ensemble: novices"),
    TOOL_OPTION_AS("doubt", 0, "D", daggerArgs, REAL, doubt, .most = 1e6,
                   .about = "ensemble: the expert acts where they differ by more than that"),
    TOOL_OPTION_AS("rounds", 0, "N", daggerArgs, INT64, rounds, .high = LOOM_DATA_FILES - 1,
                   .about = "after the first"),
    TOOL_OPTION_AS("demos", 0, "N", daggerArgs, INT64, demos, .high = 1 << 20,
                   .about = "of the expert in round 0; 10 unless given, 0 with --data"),
    TOOL_LIST("data", 'd', "FILE", daggerArgs, data, ndata, .unit = "files",
              .about = "dataset to begin with; may be given several times"),
    TOOL_OPTION_AS("episodes", 'n', "N", daggerArgs, INT64, episodes, .low = 1, .high = 1 << 20,
                   .about = "of a round"),
    TOOL_OPTION_AS("evaluations", 0, "N", daggerArgs, INT64, evaluations, .low = 1, .high = 1 << 20,
                   .about = "episodes a novice is measured on, the same for all"),
    TOOL_OPTION_AS("expert-episodes", 0, "N", daggerArgs, INT64, expert_episodes, .low = 1, .high = 1 << 20,
                   .about = "of these the expert is measured on, before the first round; all unless given"),
    TOOL_OPTION_AS("expert-successes", 0, "N", daggerArgs, INT64, expert_successes, .high = 1 << 20,
                   .about = "of the expert at least, or nothing is learned; 0 = go on however bad it is"),
    TOOL_OPTION_AS("evaluation-seed", 0, "S", daggerArgs, INT64, evaluation_seed, .high = INT64_MAX,
                   .about = "of their starts"),
    TOOL_OPTION_AS("reset", 0, "NAME", daggerArgs, STRING, reset,
                   .about = "reset distribution; the task's first unless given"),
    TOOL_OPTION_AS("max-steps", 0, "N", daggerArgs, INT64, max_steps, .low = 1, .high = 1 << 20,
                   .about = "control steps of an episode; the task's unless given"),
    TOOL_OPTION_AS("policy", 'p', "KIND", daggerArgs, CHOICE, policy, .choices = loom_policy_kind_names,
                   .about = "kind of the novices"),
    TOOL_LIST("key", 'k', "NAME", daggerArgs, key, nkey, .unit = "keys",
              .about = "observation; several times. Hands, grippers, objects and their sizes unless given"),
    TOOL_OPTION_AS("hidden", 0, "N", daggerArgs, INT64, hidden, .low = 1, .high = 65536,
                   .about = "units of each hidden layer"),
    TOOL_OPTION_AS("steps", 0, "N", daggerArgs, INT64, steps, .low = 1, .high = 500000000,
                   .about = "of training in a round, each time anew"),
    TOOL_OPTION_AS(
        "final-steps", 0, "N", daggerArgs, INT64, final_steps, .high = 1000000000,
        .about =
            "of training a last novice, on all rows of all rounds; twice --steps unless given, 0 = none"),
    TOOL_OPTION_AS("batch", 0, "N", daggerArgs, INT64, batch, .low = 1, .high = 1 << 20,
                   .about = "samples of a step"),
    TOOL_OPTION_AS("rate", 0, "R", daggerArgs, REAL, rate, .least = 1e-12, .most = 10,
                   .about = "of learning (to 0, as a cosine)"),
    TOOL_OPTION_AS("seed", 's', "S", daggerArgs, INT64, seed, .high = INT32_MAX / 2,
                   .about = "of all that is random"),
    TOOL_THREADS_OPTION(daggerArgs, INT64, threads),
    TOOL_OPTION_AS("resume", 0, NULL, daggerArgs, BOOL, resume,
                   .about = "go on with a run that was stopped, or add rounds to one"),
    TOOL_OVERWRITE_OPTION(daggerArgs, overwrite),
    TOOL_SHARE_OPTION(daggerArgs, sharing.given, "DIR"),
    TOOL_HEARTBEAT_OPTION(daggerArgs, sharing.heartbeat),
    TOOL_OPTION_AS("json", 0, NULL, daggerArgs, BOOL, json, .about = "the rounds on stdout"),
    TOOL_SKIP_OPTION(daggerArgs, skip),
    TOOL_SKIP_DAMAGED_OPTION,
    TOOL_ASSETS_OPTION(0, daggerArgs, roots),
};

static const toolCommand command = {
    .before =
        "usage: demoloom dagger TASK --expert EXPERT -o DIR [options]\n"
        "\n"
        "DAgger: a policy is cloned from a few of the expert's demos, tried, and trained again on what the\n"
        "expert says in the states the policy came to; round after round. The expert itself is measured "
        "first:\n"
        "one that never succeeds ends the run. A scripted one is, as long as it acts, the demonstrator of\n"
        "`record` with that seed.\n",
    .after =
        "examples:\n"
        "  demoloom dagger threading --expert scripted --demos 5 --rounds 8 -o runs/dagger\n"
        "  demoloom dagger threading --expert generator --gate safety -o runs/safedagger\n"
        "  mpirun -n 4 demoloom dagger threading --expert scripted --demos 5 -o runs/dagger    by four "
        "processes\n",
    TOOL_OPTIONS(options),
};

static int read_sharing(daggerArgs* a) {
  int code = tool_sharing(&a->sharing, "dagger");
  if (code || !a->sharing.on) return code;
  if (a->overwrite)
    return tool_usage("dagger",
                      "%s, it cannot --overwrite: one that comes later would throw away what the others have "
                      "made; remove %s first",
                      tool_sharing_why(&a->sharing), a->folder);
  a->threads = tool_sharing_threads(&a->sharing, a->threads);
  return 0;
}

static int read_dagger_options(daggerArgs* a, int argc, char** argv) {
  int code = tool_options(a, argc, argv, &command);
  if (code) return code;

  // What to learn, and where the results go.
  if (optind + 1 != argc) return tool_usage("dagger", "it takes one task");
  if (!a->folder) return tool_usage("dagger", "name a folder with -o");
  if (a->npicked && strcmp(a->expert, "generator"))
    return tool_usage("dagger", "--source-demo is for --expert generator, not %s", a->expert);
  if (a->ndata + a->rounds >= LOOM_DATA_FILES)
    return tool_usage("dagger", "at most %d datasets and rounds", LOOM_DATA_FILES);

  // Round 0 learns from demos: the expert's, unless datasets are given.
  a->task = argv[optind];
  if (a->demos < 0) a->demos = a->ndata ? 0 : 10;
  code = tool_one_of_both("dagger", a->overwrite, a->resume);
  return code ? code : read_sharing(a);
}

// ---- what is learned, and how

static int choose_keys(loomDataConfig* data, const daggerArgs* a, const loomScene* scene, loomError* err) {
  const loomTask* task = scene->task;
  loomFramedParts parts = {.objects = task->object_count};
  loomEpisode* e = NULL;

  // Keys that were named are the keys.
  for (int i = 0; i < a->nkey; i++)
    snprintf(data->key[data->key_count++], LOOM_NAME_MAX, "%.*s", LOOM_NAME_MAX - 1, a->key[i]);
  if (a->nkey) return 0;

  // Otherwise a trial episode tells what can be observed: grippers by their name, objects by the task.
  loomObserver* observer = NULL;
  int code = loom_episode_create(&e, scene, err), keys = 0;
  if (!code) code = loom_observer_create_all(&observer, e, err);
  if (code) {
    loom_episode_destroy(e);
    return code;
  }
  const loomObsKey* key = loom_observer_keys(observer, &keys);

  for (int k = 0; k < task->object_count; k++)
    snprintf(parts.object[k], LOOM_NAME_MAX, "%s", task->objects[k].name);
  for (int i = 0; i < keys; i++) loom_framed_add(&parts, key[i].name);

  // Each hand with its gripper, the objects as each hand sees them, and their sizes.
  parts.arms = e->arm_count;
  data->key_count = loom_framed_keys(data->key, LOOM_DATA_KEYS, &parts);
  loom_observer_destroy(observer);
  loom_episode_destroy(e);
  return data->key_count
             ? 0
             : loom_error_set(err, LOOM_ERR_USAGE, "%s: name what is seen with --key", task->path);
}

static int configure_dagger(loomTrainConfig* c, const daggerArgs* a, const loomScene* scene, loomError* err) {
  enum { EPOCHS = 10 };
  *c = loom_default_train_config((loomPolicyKind)a->policy);

  // The data, and networks small enough to train anew in each round.
  for (int i = 0; i < a->ndata; i++) snprintf(c->data.file[i].path, LOOM_PATH_MAX, "%s", a->data[i]);
  c->data.file_count = a->ndata;
  c->policy.hidden = (int)a->hidden;
  for (int i = 0; i < c->policy.layers.n; i++) c->policy.layers.size[i] = (int)a->hidden;

  // A rate that falls to 0 as a cosine; epochs only divide the steps.
  c->optimizer.rate = a->rate;
  c->optimizer.schedule = 1;
  c->train.epochs = a->steps % EPOCHS ? 1 : EPOCHS;
  c->train.steps = (int)a->steps / c->train.epochs;
  c->train.batch = (int)a->batch;
  c->train.seed = (int)a->seed;
  c->train.threads = 1;  // the networks are small: more would only wait for each other

  // Closed loop on the task that is learned.
  snprintf(c->rollout.task, sizeof c->rollout.task, "%s", a->task);
  if (a->reset) snprintf(c->rollout.reset, sizeof c->rollout.reset, "%.*s", LOOM_NAME_MAX - 1, a->reset);
  return choose_keys(&c->data, a, scene, err);
}

// ---- what is told

typedef struct stage {
  int round;
  const char* what;
  double start;
  const daggerArgs* a;
} stage;

static void show_dagger_progress(void* user, int round, const char* what, int64_t done, int64_t total) {
  stage* at = user;
  if (!tool_sharing_shows(&at->a->sharing)) return;
  char name[64] = "the expert is measured:";

  // Another stage begins: it has its own rate.
  if (round != at->round || what != at->what) {
    tool_progress_end();
    *at = (stage){round, what, loom_clock(), at->a};
  }
  if (round >= 0) snprintf(name, sizeof name, "round %d %s:", round, what);
  tool_progress(name, done, total, loom_clock() - at->start, "");
}

static bool is_weak(int evaluated, int succeeded) {
  return succeeded < LOOM_DAGGER_WEAK * evaluated;
}

// What all that follows rests on. Where the expert is weak, what may be done about it.
static void show_expert(void* user, int evaluated, int succeeded) {
  const daggerArgs* a = ((stage*)user)->a;
  double low, high;
  if (!tool_sharing_shows(&a->sharing)) return;
  tool_progress_end();

  loom_wilson(&low, &high, succeeded, evaluated);
  fprintf(stderr, "expert %s: %d of %d succeed (%.1f %%, 95 %% interval %.1f to %.1f)\n", a->expert,
          succeeded, evaluated, 100.0 * succeeded / evaluated, 100 * low, 100 * high);
  if (!is_weak(evaluated, succeeded)) return;

  // Where too few succeed the run stops by itself.
  if (succeeded >= a->expert_successes)
    fprintf(stderr,
            "demoloom dagger: the expert is weak (fewer than %.0f %% succeed), and a policy can hardly do "
            "better; Ctrl-C stops here.\n",
            100 * LOOM_DAGGER_WEAK);
  if (!strcmp(a->expert, "scripted"))
    fprintf(
        stderr,
        "  Why it fails: demoloom record %s -n %d -m %d --seed %lld%s%s; then mend `expert:` of the task, or "
        "try --max-steps or --expert generator\n",
        a->task, evaluated, evaluated, (long long)a->evaluation_seed, a->reset ? " --reset " : "",
        a->reset ? a->reset : "");
  else
    fprintf(stderr,
            "  Longer episodes (--max-steps), easier starts (--reset)%s or another --expert may help\n",
            strcmp(a->expert, "generator") ? "" : ", one source demo for all (--source-demo)");
}

static void show_round(void* user, const loomDaggerRound* r, bool final) {
  (void)user;
  tool_progress_end();

  // The last novice is of no round.
  if (final)
    fputs("final novice", stderr);
  else
    fprintf(stderr, "round %d", r->round);
  fprintf(stderr, ": %d of %d succeed, %.2f off the expert", r->succeeded, r->evaluated, r->error);
  if (!final) fprintf(stderr, ", which was asked %lld times", (long long)r->queries);
  fprintf(stderr, "  (%.0f s)\n", r->seconds);
}

#define ROUND(kind, name, member) LOOM_FIELD_AS(name, loomDaggerRound, kind, member, .about = "")
static const loomFieldDef round_rows[] = {
    ROUND(INT, "round", round),         ROUND(REAL, "beta", beta),
    ROUND(INT64, "episodes", episodes), ROUND(INT64, "successes", successes),
    ROUND(INT64, "steps", steps),       ROUND(INT64, "expert_steps", expert_steps),
    ROUND(INT64, "queries", queries),   ROUND(INT64, "off", off),
    ROUND(INT64, "caught", caught),     ROUND(REAL, "deviation", deviation),
    ROUND(INT, "evaluated", evaluated), ROUND(INT, "succeeded", succeeded),
    ROUND(REAL, "success", rate),       ROUND(REAL, "success_low", low),
    ROUND(REAL, "success_high", high),  ROUND(REAL, "success_within_limits", within_rate),
    ROUND(REAL, "error", error),        ROUND(REAL, "seconds", seconds),
};
static const loomFields round_fields = LOOM_FIELDS(round_rows);

static cJSON* round_json(const loomDaggerRound* round) {
  cJSON* out = cJSON_CreateObject();
  loom_fields_json(out, round, &round_fields, ~0U);
  return out;
}

static void print_dagger_json(const loomDaggerReport* r) {
  cJSON *out = cJSON_CreateObject(), *expert = cJSON_AddObjectToObject(out, "expert"),
        *list = cJSON_AddArrayToObject(out, "rounds");
  double low, high;

  cJSON_AddNumberToObject(expert, "evaluated", r->evaluated);
  cJSON_AddNumberToObject(expert, "succeeded", r->succeeded);
  cJSON_AddNumberToObject(expert, "success", r->evaluated ? (double)r->succeeded / r->evaluated : 0);
  loom_wilson(&low, &high, r->succeeded, r->evaluated);
  cJSON_AddNumberToObject(expert, "success_low", low);
  cJSON_AddNumberToObject(expert, "success_high", high);
  cJSON_AddBoolToObject(expert, "weak", is_weak(r->evaluated, r->succeeded));
  cJSON_AddNumberToObject(out, "best", r->best);

  // The rounds, and the novice of all rows where one was trained.
  for (int i = 0; i < r->n; i++) cJSON_AddItemToArray(list, round_json(&r->round[i]));
  if (r->final.evaluated) cJSON_AddItemToObject(out, "final", round_json(&r->final));

  tool_print_report(out);
  cJSON_Delete(out);
}

static void print_dagger_text(const loomDaggerReport* r, const char* folder) {
  int64_t steps = 0, acted = 0, asked = 0;
  printf(
      "round  steps  expert's  queries  off, of these caught  success alone          within limits  off the "
      "expert by\n");

  // A line a round, and what the expert did in all of them.
  for (int i = 0; i < r->n; i++) {
    const loomDaggerRound* x = &r->round[i];
    steps += x->steps;
    acted += x->expert_steps;
    asked += x->queries;
    printf("%5d  %5lld  %8lld  %7lld  %6lld  %12lld  %5.1f %% (%.1f to %.1f)  %11.1f %%  %9.3f\n", x->round,
           (long long)x->steps, (long long)x->expert_steps, (long long)x->queries, (long long)x->off,
           (long long)x->caught, 100 * x->rate, 100 * x->low, 100 * x->high, 100 * x->within_rate, x->error);
  }

  printf(
      "expert: %d of %d succeed (%.1f %%); it acted at %lld of %lld steps (%.1f %%) and was asked %lld "
      "times\n",
      r->succeeded, r->evaluated, 100.0 * r->succeeded / r->evaluated, (long long)acted, (long long)steps,
      steps ? 100.0 * (double)acted / (double)steps : 0, (long long)asked);

  // The policies: the best round's, and the one of all rows.
  printf("best round: %d, %d of %d\n", r->best, r->round[r->best].succeeded, r->round[r->best].evaluated);
  if (r->final.evaluated)
    printf(
        "final, of all rows: %d of %d (%.1f %%, 95 %% interval %.1f to %.1f; within the task's limits %.1f "
        "%%)\n",
        r->final.succeeded, r->final.evaluated, 100 * r->final.rate, 100 * r->final.low, 100 * r->final.high,
        100 * r->final.within_rate);
  printf("wrote %s\n", folder);
}

// ---- the whole

// Runs of other source demos are other runs.
static const char* name_expert(daggerArgs* a) {
  size_t n = (size_t)snprintf(a->expert_name, sizeof a->expert_name, "%s", a->expert);
  for (int i = 0; i < a->npicked && n < sizeof a->expert_name; i++)
    n += (size_t)snprintf(a->expert_name + n, sizeof a->expert_name - n, "%s%s", i ? ", " : " of ",
                          a->picked[i]);
  return a->npicked ? a->expert_name : a->expert;  // a policy's path may be longer
}

// All that the command line says, as the learner takes it.
static loomDaggerDef define_run(daggerArgs* a) {
  loomDaggerDef def = loom_default_dagger_def();

  // Who learns from whom, for how long.
  def.expert_name = name_expert(a);
  def.folder = a->folder;
  def.rounds = (int)a->rounds;
  def.demos = (int)a->demos;
  def.episodes = (int)a->episodes;
  def.max_steps = (int)a->max_steps;
  def.seed = (uint64_t)a->seed;
  def.final_steps = (int)(a->final_steps < 0 ? 2 * a->steps : a->final_steps);

  // What the gates take: each knows its own.
  def.gate = (loomGateKind)(LOOM_GATE_MIXTURE + a->gate);
  def.beta = a->beta;
  def.safety.tau = a->tau;
  def.safety.threshold = a->threshold;
  def.members = (int)a->members;
  def.doubt = a->doubt;

  // How all are measured.
  def.evaluations = (int)a->evaluations;
  def.evaluation_seed = (uint64_t)a->evaluation_seed;
  def.expert_episodes = (int)a->expert_episodes;
  def.expert_successes = (int)a->expert_successes;
  def.threads = (int)a->threads;
  def.resume = a->resume;
  def.overwrite = a->overwrite;
  def.share = a->sharing.on;
  def.heartbeat = a->sharing.heartbeat;

  // Ctrl-C stops it, --resume goes on.
  def.stop = &tool_stop;
  def.expert_measured = show_expert;
  def.progress = show_dagger_progress;
  def.finished = show_round;
  return def;
}

static int run_dagger(daggerArgs* a, loomDaggerReport* report, const loomScene* scene, loomError* err) {
  loomDaggerDef def = define_run(a);
  loomTeacher teacher = {0};
  stage at = {.round = -2, .a = a};
  loomTrainConfig* config = calloc(1, sizeof *config);
  int code =
      config ? configure_dagger(config, a, scene, err) : loom_error_set(err, LOOM_ERR_MEMORY, "no memory");

  // The starts are of one reset distribution.
  def.reset = a->reset ? loom_task_find_reset(scene->task, a->reset) : 0;
  if (!code && def.reset < 0)
    code =
        loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", scene->task->path, a->reset);

  // Where it goes first: an expert takes long to load.
  def.config = config;
  if (!code) code = loom_dagger_check_folder(&def, err);

  // The expert may be another policy, which is loaded here.
  loomSourceDef from = {.demos = a->picked, .demo_count = a->npicked, .skip = a->skip};
  if (!code) code = tool_teacher_open(&teacher, a->expert, scene->task, &a->roots, &from, err);

  if (!code) {
    def.scene = scene;
    def.expert = &teacher.maker;
    def.env_args = scene->env_args;
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
                  .policy = LOOM_KIND_BC_L2,
                  .rounds = 20,
                  .demos = -1,
                  .episodes = 20,
                  .evaluations = 50,
                  .expert_successes = 1,
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
                  .rate = 1e-3,
                  .sharing = TOOL_SHARING};
  loomDaggerReport report = {0};
  loomTask* task = NULL;
  loomScene* scene = NULL;
  loomError err = {0, ""};
  int code = read_dagger_options(&a, argc, argv);

  if (code) return code < 0 ? EXIT_DONE : code;
  code = loom_folder_check_place(a.folder, 0, &err);
  if (!code) code = loom_task_find(&task, a.task, &err);
  if (!code) code = tool_assets(&a.roots, task, &err);
  if (!code) code = loom_scene_of_task(&scene, task, &a.roots, &err);
  if (!code) code = run_dagger(&a, &report, scene, &err);

  // The rounds as a table, or as JSON.
  bool tells = tool_sharing_shows(&a.sharing);
  if (!code && a.json && tells) print_dagger_json(&report);
  if (!code && !a.json && tells) print_dagger_text(&report, a.folder);

  if (code == LOOM_ERR_INTERRUPTED && a.sharing.on)
    loom_error_suffix(&err, code, "; the other processes go on, and so does the same command");
  if (code && !a.sharing.on) tool_go_on(&err, code, a.folder, "settings.yaml");
  int status = code ? tool_fail(&err) : EXIT_DONE;
  loom_dagger_report_destroy(&report);
  loom_scene_destroy(scene);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&a.roots);
  return status;
}
