#include "policies/learn/dagger.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/pool.h"
#include "engine/base/run_folder.h"
#include "engine/base/text.h"
#include "engine/data/dataset.h"
#include "engine/observe/observer.h"
#include "engine/task/agree.h"
#include "policies/data/survey.h"
#include "policies/learn/dagger_together.h"

loomDaggerDef loom_default_dagger_def(void) {
  return (loomDaggerDef){.gate = LOOM_GATE_MIXTURE,
                         .rounds = 20,
                         .demos = 10,
                         .episodes = 20,
                         .beta = 0.9,
                         .safety = loom_default_safety_def(),
                         .members = 3,
                         .doubt = 0.2,
                         .final_steps = 8000,
                         .evaluations = 50,
                         .expert_successes = 1,
                         .evaluation_seed = 1000,
                         .heartbeat = 20};
}

void loom_dagger_report_destroy(loomDaggerReport* report) {
  free(report->round);
  *report = (loomDaggerReport){0};
}

typedef struct dagger {
  const loomDaggerDef* def;  // own
  loomDaggerDef own;
  loomDaggerReport* report;
  loomTrainConfig* config;  // of the round in hand
  int members;
  loomTrained member[LOOM_GATE_MEMBERS];  // the last round's novices
  loomSafety safety;
  int round;
  uint64_t data_digest;  // of the datasets to begin with; 0 = none
  loomRunFolder folder;
} dagger;

// ---- the folder

static const char settings_file[] = "settings.yaml";

enum { EXPERT_MAX = 1 << 30 };  // bytes of a policy

// What the run's own settings say, and what is in the files that they name. In runs without such files
// nothing.
static int describe_run(char** out, const dagger* g, loomError* err) {
  const loomDaggerDef* def = g->def;
  char *settings = loom_dagger_settings(def), *expert = NULL;
  size_t size = 0, n = 0;
  *out = NULL;
  FILE* f = settings ? open_memstream(out, &size) : NULL;
  int code = f ? LOOM_OK : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for settings");

  // An expert that is a policy is a file, too.
  if (!code && loom_is_file(def->expert_name))
    code = loom_read_text(&expert, &n, def->expert_name, EXPERT_MAX, err);
  if (!code) {
    fputs(settings, f);
    if (g->data_digest) fprintf(f, "data_content: %016llx\n", (unsigned long long)g->data_digest);
    if (expert)
      fprintf(f, "expert_content: %016llx\n", (unsigned long long)loom_hash(LOOM_HASH_SEED, expert, n));
  }

  if (f && fclose(f) && !code) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for settings");
  free(settings);
  free(expert);
  return code;
}

// The folder of a run, and whether it may be begun there: with `out`, it is locked, without it is only asked.
static int try_folder(loomRunFolder* out, const loomDaggerDef* d, loomError* err) {
  static const char* const own[] = {settings_file,
                                    "expert.csv",
                                    "rounds.csv",
                                    "rounds.png",
                                    "round_*.hdf5",
                                    "round_*.safetensors",
                                    "best.safetensors",
                                    "safety_*.safetensors",
                                    "collected_*.csv",
                                    "errors_*.csv",
                                    "final_*.csv",
                                    "final.safetensors",
                                    NULL};
  static const char* const folders[] = {"round_*",         "final_*", "member_*", LOOM_DAGGER_TOGETHER,
                                        LOOM_SHARE_LEASES, NULL};
  static const char* const inner[] = {LOOM_TRAIN_FILES,
                                      "[0-9]*_[0-9]*.hdf5*",
                                      LOOM_ROLLOUT_PATTERN,
                                      "done-*",
                                      "*-*.[0-9]*",
                                      LOOM_SHARE_NOW,
                                      NULL};

  // None of what is read may be among them.
  const loomTrainConfig* config = d->config;
  const char* input[LOOM_DATA_FILES + 1] = {d->expert_name};
  for (int i = 0; i < config->data.file_count; i++) input[i + 1] = config->data.file[i].path;

  loomRunFolderDef def = {.path = d->folder,
                          .parents = true,
                          .mode = loom_folder_mode(d->overwrite, d->resume || d->share),
                          .shared = d->share,
                          .mark = settings_file,
                          .own = own,
                          .folders = folders,
                          .inner = inner,
                          .ninput = config->data.file_count + 1,
                          .input = input,
                          .alternative = "take another folder"};
  return out ? loom_run_folder_open(out, &def, err) : loom_run_folder_check(&def, err);
}

int loom_dagger_check_folder(const loomDaggerDef* def, loomError* err) {
  return try_folder(NULL, def, err);
}

// Lock the folder; a run that is there must have the same settings, or is to be removed.
static int open_folder(dagger* g, loomError* err) {
  int code = try_folder(&g->folder, g->def, err);
  if (code) return code;

  // A folder without settings gets these; in one that has some they must be the same.
  char* text = NULL;
  code = describe_run(&text, g, err);
  if (!code) code = loom_run_folder_settings(&g->folder, settings_file, text, err);
  free(text);
  return code || !g->def->share ? code : loom_dagger_join(&g->own.together, g->def, &g->folder, err);
}

// ---- a round's novices

static bool has_mask(const char* path, const char* mask) {
  loomDataset* set = NULL;
  bool has = !loom_dataset_open(&set, path, NULL) && loom_dataset_has(set, "mask", mask);
  loom_dataset_close(set);
  return has;
}

// The files of all rounds so far, after what is there already; of their demos those of a mask ("": all).
// Rounds without it are left out.
static int add_rounds(dagger* g, const char* mask, loomError* err) {
  loomDataConfig* data = &g->config->data;
  for (int i = 0; i <= g->round; i++) {
    char path[LOOM_DAGGER_PATH];
    loom_dagger_path(path, g->def, "round_%d.hdf5", i);

    // A round at which nobody was asked has no file.
    if (access(path, F_OK) || (*mask && !has_mask(path, mask))) continue;
    if (data->file_count == LOOM_DATA_FILES)
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: at most %d datasets and rounds", g->def->folder,
                            LOOM_DATA_FILES);

    // Weight 0 is that of any other row, so that all rounds' rows count alike.
    loomDataConfigFile* file = &data->file[data->file_count++];
    *file = (loomDataConfigFile){.weight = 0};
    snprintf(file->path, sizeof file->path, "%.*s", LOOM_PATH_MAX - 1, path);
    snprintf(file->mask, sizeof file->mask, "%s", mask);
  }
  return LOOM_OK;
}

static void tell_training(void* user, const loomTrainState* state, bool epoch_done) {
  const dagger* g = user;
  if (epoch_done && g->def->progress)
    g->def->progress(g->def->user, g->round, "trains", state->step, state->steps);
}

static void member_path(char out[LOOM_DAGGER_PATH], const dagger* g, int round, int k) {
  char name[48];
  snprintf(name, sizeof name, k ? "round_%%d/member_%d" : "round_%%d", k);
  loom_dagger_path(out, g->def, name, round);
}

// Anew, in a folder, as g->config says but for its data: all rounds' demos of that mask.
static int train_in(dagger* g, const char* folder, const char* mask, loomError* err) {
  loomTrainState state;
  loomTrainConfig* c = g->config;
  int code = add_rounds(g, mask, err);
  if (!code && !c->data.file_count)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: there is nothing to learn from: no demos, no data",
                          g->def->folder);
  if (code) return code;

  // One checkpoint, at the end: it is a round's only result.
  snprintf(c->checkpoint.folder, sizeof c->checkpoint.folder, "%.*s", LOOM_PATH_MAX - 1, folder);
  c->checkpoint.every = c->train.epochs;
  c->checkpoint.keep = 1;
  c->checkpoint.best = false;

  loomTrainDef def = {
      .config = c, .resume = true, .stop = g->def->stop, .progress = tell_training, .user = g};
  return loom_train(&state, &def, err);
}

static int train_member(dagger* g, int k, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  member_path(path, g, g->round, k);

  // Members differ in their seeds alone.
  *g->config = *g->def->config;
  g->config->train.seed += k;

  // What trains the classifier of safety is kept from the novice.
  return train_in(g, path, g->def->gate == LOOM_GATE_SAFETY ? "train" : "", err);
}

// What was trained in a folder, as a member.
static int load_novice(dagger* g, const char* folder, int k, loomError* err) {
  char file[LOOM_DAGGER_PATH + 32];
  snprintf(file, sizeof file, "%s/last.safetensors", folder);

  loom_trained_destroy(&g->member[k]);
  return loom_trained_load(&g->member[k], file, err);
}

static int load_member(dagger* g, int round, int k, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  member_path(path, g, round, k);
  return load_novice(g, path, k, err);
}

static int save_novice(const dagger* g, const char* name, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  loom_dagger_path(path, g->def, name, g->round);
  return loom_trained_save(path, &g->member[0], NULL, err);
}

// On the rows kept from the novice; where there are none yet there is no classifier.
static int train_safety(dagger* g, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  loomConfigDataDef* data_def = malloc(sizeof *data_def);
  loomData* data = NULL;
  loomSafetyFit fit;
  loomSafetyDef def = g->def->safety;

  def.seed = (uint64_t)g->def->config->train.seed;
  *g->config = *g->def->config;
  g->config->data.file_count = 0;
  loom_safety_destroy(&g->safety);

  int code =
      data_def ? add_rounds(g, "safe", err) : loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");

  // Until a novice has acted there may be no such rows.
  if (!code && g->config->data.file_count) {
    loom_config_data_def(data_def, g->config, false);
    code = loom_data_open(&data, &data_def->def, err);
    if (!code) code = loom_safety_train(&g->safety, &fit, &g->member[0], data, &def, err);

    loom_dagger_path(path, g->def, "safety_%d.safetensors", g->round);
    if (!code) code = loom_safety_save(path, &g->safety, err);
  }

  loom_data_close(data);
  free(data_def);
  return code;
}

// Rounds before there was anything to learn from have no classifier.
static int load_safety(dagger* g, int round, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  loom_dagger_path(path, g->def, "safety_%d.safetensors", round);
  loom_safety_destroy(&g->safety);
  return access(path, F_OK) ? LOOM_OK : loom_safety_load(&g->safety, path, err);
}

// The state a finished round leaves: its novices, and what judges them.
static int resume_round(dagger* g, int round, loomError* err) {
  int code = LOOM_OK;
  for (int k = 0; !code && k < g->members; k++) code = load_member(g, round, k, err);
  return code || g->def->gate != LOOM_GATE_SAFETY ? code : load_safety(g, round, err);
}

// ---- a round

// Until the safety classifier has something to learn from, the expert shows more demos.
static loomGateDef gate_of(dagger* g) {
  const loomDaggerDef* def = g->def;
  bool demos = !g->round || (def->gate == LOOM_GATE_SAFETY && !g->safety.network.layers);

  // The paper's beta_i = beta^i.
  loomGateDef gate = {.kind = demos ? LOOM_GATE_EXPERT : def->gate,
                      .expert = *def->expert,
                      .members = g->round ? g->members : 0,
                      .safety = &g->safety,
                      .beta = pow(def->beta, g->round),
                      .doubt = def->doubt};

  for (int k = 0; k < g->members; k++) gate.member[k] = &g->member[k];
  return gate;
}

// Kept beside the dataset, for a run that is stopped while it trains.
static int collect_round(dagger* g, loomDaggerRound* r, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  loom_dagger_path(path, g->def, "collected_%d.csv", g->round);
  r->round = g->round;
  r->beta = g->def->gate == LOOM_GATE_MIXTURE ? pow(g->def->beta, g->round) : NAN;

  // What an earlier part of the run collected is there already; without demos round 0 collects nothing.
  if (access(path, F_OK) && (g->round || g->def->demos)) {
    loomGateDef gate = gate_of(g);
    int code = loom_dagger_collect(r, g->def, &gate, err);
    if (code) return code;
  }
  return loom_dagger_read_round(r, path, err);
}

static void find_best(loomDaggerReport* report) {
  report->best = 0;
  for (int i = 0; i < report->n; i++)
    if (report->round[i].succeeded >= report->round[report->best].succeeded) report->best = i;
}

// What learn_round has in hand.
typedef struct learning {
  dagger* g;
  loomDaggerRound* r;
  double start;
} learning;

static int finish_round(void* user, loomError* err) {
  const learning* l = user;
  dagger* g = l->g;
  loomDaggerReport* report = g->report;
  char path[LOOM_DAGGER_PATH];
  l->r->seconds = loom_clock() - l->start;
  loomDaggerRound* grown = realloc(report->round, (size_t)(report->n + 1) * sizeof *grown);
  if (!grown) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a round");

  // The report grows by a round, which may be the best one so far.
  report->round = grown;
  report->round[report->n++] = *l->r;
  find_best(report);

  // Its files, and last the table: a round that is in it is done.
  int code = save_novice(g, "round_%d.safetensors", err);
  if (!code && report->best == g->round) code = save_novice(g, "best.safetensors", err);
  if (!code) code = loom_dagger_draw(report, g->def, err);

  loom_dagger_path(path, g->def, "rounds.csv", 0);
  if (!code) code = loom_dagger_write_rounds(path, report, err);
  if (!code && g->def->finished) g->def->finished(g->def->user, l->r, false);
  return code;
}

// Of another process, where that has finished the round.
static int read_table(dagger* g, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  loom_dagger_path(path, g->def, "rounds.csv", 0);

  int evaluated = g->report->evaluated, succeeded = g->report->succeeded;
  loom_dagger_report_destroy(g->report);
  int code = loom_dagger_read_rounds(g->report, path, err);
  g->report->evaluated = evaluated;
  g->report->succeeded = succeeded;
  find_best(g->report);
  return code;
}

// The novice alone.
static int measure_novice(loomDaggerRound* out, dagger* g, const loomDaggerTrial* trial, loomError* err) {
  loomGateDef alone = {.kind = LOOM_GATE_NOVICE, .expert = *g->def->expert, .members = 1};

  alone.member[0] = &g->member[0];
  return loom_dagger_measure(out, g->def, &alone, trial, err);
}

static int train_one(void* user, int k, loomError* err) {
  return train_member(user, k, err);
}

static int train_judge(void* user, int i, loomError* err) {
  (void)i;
  return train_safety(user, err);
}

// Each of them by one process; all have it then.
static int train_round(dagger* g, loomError* err) {
  char name[32];
  snprintf(name, sizeof name, "trained-%d", g->round);
  int code = loom_dagger_each(g->def, name, g->members, train_one, g, err);
  for (int k = 0; !code && k < g->members; k++) code = load_member(g, g->round, k, err);

  // What will judge that novice in the next round.
  if (code || g->def->gate != LOOM_GATE_SAFETY) return code;
  snprintf(name, sizeof name, "judge-%d", g->round);
  code = loom_dagger_each(g->def, name, 1, train_judge, g, err);
  return code || !g->def->together ? code : load_safety(g, g->round, err);
}

static int learn_round(dagger* g, loomError* err) {
  loomDaggerRound r = {0};
  char name[32];
  learning l = {g, &r, loom_clock()};

  // The expert and the last novice act, and a novice is trained on all that was ever asked.
  int code = collect_round(g, &r, err);
  if (!code) code = train_round(g, err);
  if (code) return code;

  snprintf(name, sizeof name, "measured-%d", g->round);
  const loomDaggerTrial trial = {name, g->round, "errors_%d.csv", finish_round, &l};
  code = measure_novice(&r, g, &trial, err);
  return code || !g->def->together ? code : read_table(g, err);
}

// ---- the end

// Nobody has to be judged any more: a novice of all rows, those kept for the safety classifier too.
static int train_final(void* user, int i, loomError* err) {
  dagger* g = user;
  char path[LOOM_DAGGER_PATH];
  loomTrainConfig* c = g->config;
  const loomDaggerDef* def = g->def;
  *c = *def->config;

  // As many epochs as a round has, where that divides its steps.
  if (def->final_steps % c->train.epochs) c->train.epochs = 1;
  c->train.steps = def->final_steps / c->train.epochs;

  (void)i;
  loom_dagger_path(path, def, "final_%d", g->round);
  return train_in(g, path, "", err);
}

static int finish_final(void* user, loomError* err) {
  const learning* l = user;
  dagger* g = l->g;
  loomDaggerRound* r = l->r;
  char path[LOOM_DAGGER_PATH];
  loomDaggerReport one = {.n = 1, .round = r};
  r->seconds = loom_clock() - l->start;

  // Of equals the latest is the best, and it is the latest of all.
  int code = save_novice(g, "final.safetensors", err);
  if (!code && r->succeeded >= g->report->round[g->report->best].succeeded)
    code = save_novice(g, "best.safetensors", err);

  // Its own table comes last: once it is there, all is done.
  loom_dagger_path(path, g->def, "final_%d.csv", g->round);
  if (!code) code = loom_dagger_draw(g->report, g->def, err);
  if (!code) code = loom_dagger_write_rounds(path, &one, err);
  if (!code && g->def->finished) g->def->finished(g->def->user, r, true);
  return code;
}

static int finish_run(dagger* g, loomError* err) {
  char path[LOOM_DAGGER_PATH], folder[LOOM_DAGGER_PATH], name[48];
  loomDaggerRound* r = &g->report->final;
  learning l = {g, r, loom_clock()};

  // There is a final novice of the last round, unless none is wanted.
  g->round = g->report->n - 1;
  if (!g->def->final_steps || g->round < 0) return LOOM_OK;

  // An earlier part of the run may have measured it.
  loom_dagger_path(path, g->def, "final_%d.csv", g->round);
  int code = loom_dagger_read_round(r, path, err);
  if (code || r->evaluated) return code;

  r->round = g->round;
  r->beta = NAN;
  snprintf(name, sizeof name, "trained-final-%d", g->round);
  loom_dagger_path(folder, g->def, "final_%d", g->round);
  code = loom_dagger_each(g->def, name, 1, train_final, g, err);
  if (!code) code = load_novice(g, folder, 0, err);

  snprintf(name, sizeof name, "measured-final-%d", g->round);
  const loomDaggerTrial trial = {name, g->round, "errors_final_%d.csv", finish_final, &l};
  if (!code) code = measure_novice(r, g, &trial, err);
  return code || !g->def->together ? code : loom_dagger_read_round(r, path, err);
}

// ---- what every round needs

// By its name, which is all that is known of it: a point cloud, or a camera's picture.
static bool is_seen(const char* key) {
  return !strcmp(key, "pointcloud") || loom_ends_with(key, "_image");
}

// Keys that novices are to see: episodes show them, so the rows that are collected have them.
static int try_keys(const dagger* g, loomError* err) {
  const loomDataConfig* data = &g->def->config->data;
  loomObsKey key[LOOM_DATA_KEYS];
  loomObserver* observer = NULL;
  loomEpisode* e = NULL;

  // What is put into a round's rows afterwards, episodes need not show.
  int n = 0;
  for (int i = 0; i < data->key_count; i++)
    if (!g->def->collected || !is_seen(data->key[i])) key[n++] = loom_obs_named(data->key[i]);
  int code = loom_episode_create(&e, g->def->scene, err);
  if (!code) code = loom_observer_create(&observer, e, key, n, NULL, err);

  loom_observer_destroy(observer);
  loom_episode_destroy(e);
  return code ? loom_error_prefix(err, code, "DAgger's episodes") : LOOM_OK;
}

// Each file's actions mean here what they meant there.
static int try_driven(const dagger* g, const loomData* data, loomError* err) {
  const loomScene* scene = g->def->scene;
  bool by_goals = loom_data_config_form(&g->def->config->data).absolute;
  int code = LOOM_OK;

  for (int i = 0; !code && i < g->def->config->data.file_count; i++) {
    char* driven = loom_data_driven(data, i);
    code = loom_task_agrees_policy(scene->task, scene->control, driven, by_goals,
                                   loom_data_file_path(data, i), err);
    free(driven);
  }
  return code;
}

// Datasets to begin with have those keys too, and what they hold is part of the settings.
static int try_data(dagger* g, loomError* err) {
  if (!g->def->config->data.file_count) return LOOM_OK;

  loomConfigDataDef* def = malloc(sizeof *def);
  loomData* data = NULL;
  if (!def) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");

  loom_config_data_def(def, g->def->config, false);
  def->def.prefetch = false;
  int code = loom_data_open(&data, &def->def, err);
  if (!code) code = try_driven(g, data, err);
  if (!code) code = loom_survey_digest(&g->data_digest, data, err);

  loom_data_close(data);
  free(def);
  return code;
}

// Before anything is collected or written: keys, datasets, and an expert that acts in the scene.
static int try_needs(dagger* g, loomError* err) {
  const loomDaggerDef* def = g->def;
  const loomRolloutDef roll = {
      .n = 1, .reset = def->reset, .seed = def->evaluation_seed, .max_steps = def->max_steps};

  int code = try_keys(g, err);
  if (!code) code = try_data(g, err);
  if (code) return code;

  code = loom_rollout_try(def->scene, def->expert, &roll, err);
  return code ? loom_error_prefix(err, code, "expert %s", def->expert_name) : LOOM_OK;
}

static int run_rounds(dagger* g, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  int code = loom_dagger_check_folder(g->def, err);
  if (!code) code = try_needs(g, err);
  if (!code) code = open_folder(g, err);

  // Rounds that are in the table are done.
  loom_dagger_path(path, g->def, "rounds.csv", 0);
  if (!code) code = loom_dagger_read_rounds(g->report, path, err);
  if (!code) code = loom_dagger_measure_expert(g->report, g->def, err);

  find_best(g->report);
  g->round = g->report->n;

  // The next round's driver is the last round's novice.
  if (!code && g->round && g->round <= g->def->rounds) code = resume_round(g, g->round - 1, err);
  for (; !code && g->round <= g->def->rounds; g->round++) code = learn_round(g, err);
  return code ? code : finish_run(g, err);
}

int loom_dagger(loomDaggerReport* out, const loomDaggerDef* def, loomError* err) {
  *out = (loomDaggerReport){0};
  int code = loom_dagger_check(def, err);
  if (code) return code;

  // Threads of kernels are set for the process: they go back to what they were.
  dagger* g = calloc(1, sizeof *g);
  loomTrainConfig* config = malloc(sizeof *config);
  int threads = loom_set_kernel_threads(def->config->train.threads);

  if (g && config) {
    *g = (dagger){.def = &g->own,
                  .own = *def,
                  .report = out,
                  .config = config,
                  .members = def->gate == LOOM_GATE_ENSEMBLE ? def->members : 1};
    code = run_rounds(g, err);

    for (int k = 0; k < g->members; k++) loom_trained_destroy(&g->member[k]);
    loom_safety_destroy(&g->safety);
    loom_dagger_leave(g->own.together, &g->folder, !code);
    loom_run_folder_close(&g->folder);
  } else {
    code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for DAgger");
  }

  loom_set_kernel_threads(threads);
  free(g);
  free(config);
  if (code) loom_dagger_report_destroy(out);
  return code;
}
