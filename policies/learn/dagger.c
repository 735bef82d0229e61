#include "policies/learn/dagger.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/columns.h"
#include "engine/base/file.h"
#include "engine/base/pool.h"
#include "engine/base/run_folder.h"
#include "engine/data/dataset.h"
#include "policies/learn/dagger_internal.h"

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
                         .evaluation_seed = 1000};
}

void loom_dagger_report_destroy(loomDaggerReport* report) {
  free(report->round);
  *report = (loomDaggerReport){0};
}

typedef struct dagger {
  const loomDaggerDef* def;
  loomDaggerReport* report;
  loomTrainConfig* config;  // of the round in hand
  int members;
  loomTrained member[LOOM_GATE_MEMBERS];  // the last round's novices
  loomSafety safety;
  int round;
  loomRunFolder folder;
} dagger;

// ---- the folder

// What decides the results; how many rounds may change.
static char* settings_text(const loomDaggerDef* def) {
  char* text = NULL;
  size_t size = 0;
  loomTrainConfig* config = malloc(sizeof *config);
  FILE* f = config ? open_memstream(&text, &size) : NULL;
  const loomTask* task = def->scene->task;
  if (f) {
    *config = *def->config;
    snprintf(config->checkpoint.folder, sizeof config->checkpoint.folder, "runs");
    char* training = loom_train_config_text(config);
    fprintf(f, "task: %s  # %016llx\nexpert: %s\n", task->name, (unsigned long long)task->digest,
            def->expert_name);
    fprintf(f, "reset: %s\nmax_steps: %d\nseed: %llu\ndemos: %d\nepisodes: %d\n",
            task->resets[def->reset].name, loom_dagger_max_steps(def), (unsigned long long)def->seed,
            def->demos, def->episodes);
    fprintf(f, "evaluations: %d\nevaluation_seed: %llu\ntau: %.17g\n", def->evaluations,
            (unsigned long long)def->evaluation_seed, def->safety.tau);
    if (def->gate == LOOM_GATE_MIXTURE) fprintf(f, "gate: mixture\nbeta: %.17g\n", def->beta);
    if (def->gate == LOOM_GATE_SAFETY)
      fprintf(f, "gate: safety\nthreshold: %.17g\nsafety_hidden: %d\nsafety_steps: %d\n",
              def->safety.threshold, def->safety.hidden, def->safety.steps);
    if (def->gate == LOOM_GATE_ENSEMBLE)
      fprintf(f, "gate: ensemble\nmembers: %d\ndoubt: %.17g\n", def->members, def->doubt);
    fprintf(f, "final_steps: %d\n", def->final_steps);
    fprintf(f, "---\n%s", training ? training : "");
    if (fclose(f) || !training) free(text), text = NULL;
    free(training);
  }
  free(config);
  return text;
}

// Lock the folder; a run that is there must have the same settings.
static int open_folder(dagger* g, loomError* err) {
  loomRunFolderDef def = {.path = g->def->folder,
                          .parents = true,
                          .mode = g->def->resume ? LOOM_FOLDER_RESUME : LOOM_FOLDER_NEW,
                          .mark = "settings.yaml",
                          .alternative = "take another folder"};
  int code = loom_run_folder_open(&g->folder, &def, err);
  if (code) return code;

  char* text = settings_text(g->def);
  code = text ? loom_run_folder_settings(&g->folder, def.mark, text, err)
              : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for settings");
  free(text);
  return code;
}

// ---- the expert itself

// What expert.csv says.
static bool read_expert(loomDaggerReport* report, const char* path) {
  char line[80];
  double value[2];
  FILE* f = fopen(path, "rb");
  if (!f) return false;
  bool read = false;  // the first line has names
  while (!read && fgets(line, sizeof line, f)) read = loom_read_numbers(value, 2, line);
  fclose(f);
  if (!read) return false;
  report->evaluated = (int)value[0];
  report->succeeded = (int)value[1];
  return true;
}

static int measure_expert(const dagger* g, loomError* err) {
  const loomDaggerDef* def = g->def;
  char path[LOOM_DAGGER_PATH], text[80];
  loom_dagger_path(path, def, "expert.csv", 0);
  if (read_expert(g->report, path)) return LOOM_OK;
  loomDaggerRound alone = {0};
  loomGateDef gate = {.kind = LOOM_GATE_EXPERT, .expert = *def->expert};
  int code = loom_dagger_measure(&alone, def, &gate, 0, NULL, err);
  if (code) return code;
  g->report->evaluated = alone.evaluated;
  g->report->succeeded = alone.succeeded;
  snprintf(text, sizeof text, "evaluated,succeeded\n%d,%d\n", alone.evaluated, alone.succeeded);
  return loom_file_write_text(path, text, err);
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
    if (access(path, F_OK) || (*mask && !has_mask(path, mask))) continue;
    if (data->file_count == LOOM_DATA_FILES)
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: at most %d datasets and rounds", g->def->folder,
                            LOOM_DATA_FILES);
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
static int train(dagger* g, const char* folder, const char* mask, loomError* err) {
  loomTrainState state;
  loomTrainConfig* c = g->config;
  int code = add_rounds(g, mask, err);
  if (!code && !c->data.file_count)
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: there is nothing to learn from: no demos, no data",
                          g->def->folder);
  if (code) return code;
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
  *g->config = *g->def->config;
  g->config->train.seed += k;
  return train(g, path, g->def->gate == LOOM_GATE_SAFETY ? "train" : "", err);
}

// What was trained in a folder, as a member.
static int load(dagger* g, const char* folder, int k, loomError* err) {
  char file[LOOM_DAGGER_PATH + 32];
  snprintf(file, sizeof file, "%s/last.safetensors", folder);
  loom_trained_destroy(&g->member[k]);
  return loom_trained_load(&g->member[k], file, err);
}

static int load_member(dagger* g, int round, int k, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  member_path(path, g, round, k);
  return load(g, path, k, err);
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

// The state a finished round leaves: its novices, and what judges them.
static int resume_round(dagger* g, int round, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  int code = LOOM_OK;
  for (int k = 0; !code && k < g->members; k++) code = load_member(g, round, k, err);
  loom_dagger_path(path, g->def, "safety_%d.safetensors", round);
  if (!code && g->def->gate == LOOM_GATE_SAFETY && !access(path, F_OK))
    code = loom_safety_load(&g->safety, path, err);
  return code;
}

// ---- a round

// Until the safety classifier has something to learn from, the expert shows more demos.
static loomGateDef gate_of(dagger* g) {
  const loomDaggerDef* def = g->def;
  bool demos = !g->round || (def->gate == LOOM_GATE_SAFETY && !g->safety.network.layers);
  loomGateDef gate = {.kind = demos ? LOOM_GATE_EXPERT : def->gate,
                      .expert = *def->expert,
                      .members = g->round ? g->members : 0,
                      .safety = &g->safety,
                      .beta = pow(def->beta, g->round),
                      .doubt = def->doubt};
  for (int k = 0; k < g->members; k++) gate.member[k] = &g->member[k];
  return gate;
}

// The one round that a file has; *out stays as it is where there is no file.
static int read_round(loomDaggerRound* out, const char* path, loomError* err) {
  loomDaggerReport kept = {0};
  int code = loom_dagger_read_rounds(&kept, path, err);
  if (!code && kept.n == 1) *out = kept.round[0];
  loom_dagger_report_destroy(&kept);
  return code;
}

// Kept beside the dataset, for a run that is stopped while it trains.
static int collect(dagger* g, loomDaggerRound* r, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  loom_dagger_path(path, g->def, "collected_%d.csv", g->round);
  int code = LOOM_OK;
  r->round = g->round;
  r->beta = g->def->gate == LOOM_GATE_MIXTURE ? pow(g->def->beta, g->round) : NAN;
  if (!access(path, F_OK)) {
    code = read_round(r, path, err);
  } else if (g->round || g->def->demos) {
    loomGateDef gate = gate_of(g);
    code = loom_dagger_collect(r, g->def, &gate, g->round, err);
    loomDaggerReport kept = {.n = 1, .round = r};
    if (!code) code = loom_dagger_write_rounds(path, &kept, err);
  }
  return code;
}

static void find_best(loomDaggerReport* report) {
  report->best = 0;
  for (int i = 0; i < report->n; i++)
    if (report->round[i].succeeded >= report->round[report->best].succeeded) report->best = i;
}

static int finish(dagger* g, const loomDaggerRound* r, loomError* err) {
  loomDaggerReport* report = g->report;
  char path[LOOM_DAGGER_PATH];
  loomDaggerRound* grown = realloc(report->round, (size_t)(report->n + 1) * sizeof *grown);
  if (!grown) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a round");
  report->round = grown;
  report->round[report->n++] = *r;
  find_best(report);
  int code = save_novice(g, "round_%d.safetensors", err);
  if (!code && report->best == g->round) code = save_novice(g, "best.safetensors", err);
  if (!code) code = loom_dagger_draw(report, g->def, err);
  loom_dagger_path(path, g->def, "rounds.csv", 0);
  if (!code) code = loom_dagger_write_rounds(path, report, err);
  if (!code && g->def->finished) g->def->finished(g->def->user, r, false);
  return code;
}

// The novice alone.
static int measure(loomDaggerRound* out, dagger* g, const char* errors, loomError* err) {
  loomGateDef alone = {.kind = LOOM_GATE_NOVICE, .expert = *g->def->expert, .members = 1};
  alone.member[0] = &g->member[0];
  return loom_dagger_measure(out, g->def, &alone, g->round, errors, err);
}

static int one_round(dagger* g, loomError* err) {
  loomDaggerRound r = {0};
  double start = loom_clock();
  int code = collect(g, &r, err);
  for (int k = 0; !code && k < g->members; k++) code = train_member(g, k, err);
  for (int k = 0; !code && k < g->members; k++) code = load_member(g, g->round, k, err);
  if (!code && g->def->gate == LOOM_GATE_SAFETY) code = train_safety(g, err);
  if (code) return code;
  code = measure(&r, g, "errors_%d.csv", err);
  r.seconds = loom_clock() - start;
  return code ? code : finish(g, &r, err);
}

// ---- the end

// Nobody has to be judged any more: a novice of all rows, those kept for the safety classifier too.
static int train_final(dagger* g, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  loomTrainConfig* c = g->config;
  const loomDaggerDef* def = g->def;
  *c = *def->config;
  if (def->final_steps % c->train.epochs) c->train.epochs = 1;
  c->train.steps = def->final_steps / c->train.epochs;
  loom_dagger_path(path, def, "final_%d", g->round);
  int code = train(g, path, "", err);
  return code ? code : load(g, path, 0, err);
}

static int finish_all(dagger* g, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  loomDaggerRound* r = &g->report->final;
  loomDaggerReport one = {.n = 1, .round = r};
  double start = loom_clock();
  g->round = g->report->n - 1;
  if (!g->def->final_steps || g->round < 0) return LOOM_OK;
  loom_dagger_path(path, g->def, "final_%d.csv", g->round);
  int code = read_round(r, path, err);
  if (code || r->evaluated) return code;
  r->round = g->round;
  r->beta = NAN;
  code = train_final(g, err);
  if (!code) code = measure(r, g, "errors_final_%d.csv", err);
  r->seconds = loom_clock() - start;
  if (!code) code = save_novice(g, "final.safetensors", err);
  if (!code && r->succeeded >= g->report->round[g->report->best].succeeded)
    code = save_novice(g, "best.safetensors", err);
  if (!code) code = loom_dagger_draw(g->report, g->def, err);
  if (!code) code = loom_dagger_write_rounds(path, &one, err);
  if (!code && g->def->finished) g->def->finished(g->def->user, r, true);
  return code;
}

static int check(const loomDaggerDef* def, loomError* err) {
  bool ensemble = def->gate == LOOM_GATE_ENSEMBLE;
  if (def->gate < LOOM_GATE_MIXTURE || def->gate >= LOOM_GATES || def->rounds < 0 || def->demos < 0 ||
      def->episodes < 1 || def->evaluations < 1 || def->final_steps < 0 ||
      !(def->beta >= 0 && def->beta <= 1) ||
      (ensemble && (def->members < 2 || def->members > LOOM_GATE_MEMBERS)))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "DAgger needs episodes, a beta from 0 to 1, and 2 to %d members of an ensemble",
                          LOOM_GATE_MEMBERS);
  return LOOM_OK;
}

static int run(dagger* g, loomError* err) {
  char path[LOOM_DAGGER_PATH];
  int code = open_folder(g, err);
  loom_dagger_path(path, g->def, "rounds.csv", 0);
  if (!code) code = loom_dagger_read_rounds(g->report, path, err);
  if (!code) code = measure_expert(g, err);
  find_best(g->report);
  g->round = g->report->n;
  if (!code && g->round && g->round <= g->def->rounds) code = resume_round(g, g->round - 1, err);
  for (; !code && g->round <= g->def->rounds; g->round++) code = one_round(g, err);
  return code ? code : finish_all(g, err);
}

int loom_dagger(loomDaggerReport* out, const loomDaggerDef* def, loomError* err) {
  *out = (loomDaggerReport){0};
  int code = check(def, err);
  if (code) return code;
  dagger* g = calloc(1, sizeof *g);
  loomTrainConfig* config = malloc(sizeof *config);
  int threads = loom_set_kernel_threads(def->config->train.threads);
  if (g && config) {
    *g = (dagger){.def = def,
                  .report = out,
                  .config = config,
                  .members = def->gate == LOOM_GATE_ENSEMBLE ? def->members : 1};
    code = run(g, err);
    for (int k = 0; k < g->members; k++) loom_trained_destroy(&g->member[k]);
    loom_safety_destroy(&g->safety);
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
