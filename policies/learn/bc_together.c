// How several processes work on the steps of one training: blocks of a batch, parts of the parameters and
// batches of validation are the items of a team's jobs.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/hash.h"
#include "policies/data/cloud_noise.h"
#include "policies/data/hand_noise.h"
#include "policies/learn/bc_internal.h"
#include "policies/learn/supervised.h"

// Kinds of jobs, behind those of a step.
enum { JOB_GRADIENT = LOOM_STEP_KINDS, JOB_VALIDATE };

// ---- the memory

static size_t lines(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

// Where everything lies; with base NULL, how much that is.
static size_t lay_out(trainRun* r, char* base, size_t text) {
  loomTeamStep* s = &r->step;
  size_t block = lines(r->trained.network.params.total * sizeof(loomReal)), at = lines(sizeof(trainShared));
  loomReal* place[5];

  // Values, gradient, two moments, and the average where there is one.
  for (int i = 0; i < 5; i++) {
    place[i] = base ? (loomReal*)(base + at) : NULL;
    if (i < 4 || r->config->optimizer.ema > 0) at += block;
  }

  s->blocks = r->config->train.blocks;
  s->slot = base ? (loomReal*)(base + at) : NULL;
  if (s->blocks > 1) at += lines((size_t)s->blocks * r->trained.network.params.total * sizeof(loomReal));

  // Losses of validation, and how many samples each is the mean of.
  int64_t batches = r->validation ? loom_data_info(r->validation)->batches : 0;
  r->held_out_loss = base ? (double*)(base + at) : NULL;
  at += lines(2 * (size_t)batches * sizeof(double));
  r->text = base ? base + at : NULL;
  if (!base) return at + text;

  loomParams* params = &r->trained.network.params;
  r->shared = (trainShared*)base;
  s->now = &r->shared->now;
  s->params = params;
  s->gradient = place[1];
  s->average = r->config->optimizer.ema > 0 ? place[4] : NULL;
  loom_params_move(params, place[0], place[1], place[2], place[3], !r->follows);
  return at + text;
}

static int items_of(const trainRun* r) {
  int items = loom_team_step_items(&r->trained.network.params);
  int64_t batches = r->validation ? loom_data_info(r->validation)->batches : 0;
  return batches > items ? (int)batches : items;
}

static uint64_t digest(uint64_t hash, const loomNormal* normal) {
  return loom_hash(hash, normal->mean, 4 * (size_t)normal->dim * sizeof *normal->mean);
}

static uint64_t digest_data(const trainRun* r) {
  return digest(digest(LOOM_HASH_SEED, &r->trained.obs), &r->trained.actions);
}

// ---- items

int loom_bc_block(loomSamples* out, trainRun* r, int64_t step, int block, loomError* err) {
  int blocks = r->step.blocks, member, members;
  int64_t number = step * blocks + block, next = number + 1;

  // What comes next here: the next of the blocks that this process finds first, or the first of them.
  loom_team_member(&member, &members, r->team);
  int first = blocks * member / members, end = blocks * (member + 1) / members;
  if (blocks > 1 && block + 1 >= end) next = (step + 1) * blocks + first;

  int code = loom_data_part(&r->batch, r->data, number, next, err);
  if (code) return code;

  // Clouds as they might have been seen, too, and hands where they might have been.
  const loomTrainConfig* c = r->config;
  const loomDataInfo* info = loom_data_info(r->data);
  int rows = r->trained.network.def.obs_rows;
  loom_cloud_noise(&r->batch, info, rows, &c->data.cloud, (uint64_t)c->train.seed, number);
  loomHandNoise hand = loom_data_config_hand(&c->data);
  loom_hand_noise(&r->batch, info, rows, &hand, (uint64_t)c->train.seed, number);
  *out = loom_trained_samples(&r->trained, &r->batch);
  return LOOM_OK;
}

// Forward, loss and backward, into the block's own place.
static int make_gradient(trainRun* r, int64_t step, int block, loomError* err) {
  loomNetwork* net = &r->trained.network;
  loomSamples samples;
  int code = loom_bc_block(&samples, r, step, block, err);
  if (code) return code;

  net->params.gradient = loom_team_step_slot(&r->step, block);
  r->shared->now.loss[block] =
      loom_supervised_loss(net, &r->objective, &samples, (uint64_t)r->config->train.seed,
                           (uint64_t)(step * r->step.blocks + block), true);
  r->shared->now.weight[block] = loom_objective_weight(&r->objective, samples.real, samples.n);
  net->params.gradient = r->step.gradient;
  return LOOM_OK;
}

static int make_validation(trainRun* r, int batch, loomError* err) {
  int code = loom_data_batch(&r->held_out, r->validation, batch, err);
  if (code) return code;

  loomSamples samples = loom_trained_samples(&r->trained, &r->held_out);
  r->held_out_loss[2 * batch] = loom_supervised_loss(&r->trained.network, &r->objective, &samples,
                                                     (uint64_t)r->config->train.seed, (uint64_t)batch, false);
  r->held_out_loss[2 * batch + 1] = samples.n;
  return LOOM_OK;
}

static void work(void* user, loomTeam* team, const loomTeamJob* job) {
  trainRun* r = user;
  if (job->kind < LOOM_STEP_KINDS) {
    loom_team_step_work(&r->step, team, job);
    return;
  }

  for (int i; (i = loom_team_claim(team)) >= 0;) {
    if (!r->failed)
      r->failed = job->kind == JOB_GRADIENT ? make_gradient(r, job->argument, i, &r->error)
                                            : make_validation(r, i, &r->error);
    loom_team_done(team, i, !r->failed);

    // Whoever leads finds out why.
    if (r->follows) r->failed = 0;
  }
}

static int run_job(trainRun* r, const loomTeamJob* job, loomError* err) {
  r->failed = 0;
  loom_team_run(r->team, job, work, r);
  if (r->failed && err) *err = r->error;
  return r->failed;
}

int loom_bc_gradient(double* loss, double* length, trainRun* r, int64_t step, loomError* err) {
  loomTeamJob job = {JOB_GRADIENT, r->step.blocks, step, false};
  int code = run_job(r, &job, err);
  if (!code) *loss = loom_team_step_add(length, &r->step, r->team);
  return code;
}

int loom_bc_validate(double* loss, trainRun* r, loomError* err) {
  loomTeamJob job = {JOB_VALIDATE, (int)loom_data_info(r->validation)->batches, 0, false};
  int code = run_job(r, &job, err);
  double sum = 0, count = 0;

  // Batches differ in size, so each counts by its samples.
  for (int i = 0; i < job.n; i++) {
    sum += r->held_out_loss[2 * i + 1] * r->held_out_loss[2 * i];
    count += r->held_out_loss[2 * i + 1];
  }
  *loss = sum / count;
  return code;
}

// ---- settings

// The configuration without what decides nothing of the weights, so that the same training gives the same
// file.
char* loom_bc_text(const loomTrainConfig* config) {
  loomTrainConfig* c = malloc(sizeof *c);
  if (!c) return NULL;

  *c = *config;
  c->train.threads = c->rollout.threads = 0;
  char* text = loom_train_config_text(c);
  free(c);
  return text;
}

// ---- whoever leads

static void path_of_team(char out[LOOM_RUN_FILE_MAX], const trainRun* r) {
  loomRunFolder folder = {.def = {.path = r->config->checkpoint.folder}};
  loom_run_folder_path(out, &folder, LOOM_TRAIN_TEAM);
}

// What must be the same in all processes: the folder may have other names.
static char* settings_text(const trainRun* r) {
  loomTrainConfig* c = malloc(sizeof *c);
  if (!c) return NULL;

  *c = *r->config;
  snprintf(c->checkpoint.folder, sizeof c->checkpoint.folder, "runs");
  char* text = loom_bc_text(c);
  free(c);
  return text;
}

int loom_bc_lead(trainRun* r, loomError* err) {
  char place[LOOM_RUN_FILE_MAX];
  void* memory;
  char* text = settings_text(r);
  if (!text) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");

  // What a killed run left leads nowhere.
  path_of_team(place, r);
  unlink(place);

  size_t length = strlen(text) + 1;
  int code = loom_team_begin(&r->team, r->def->share ? place : NULL, err);
  if (!code) code = loom_team_share(&memory, r->team, lay_out(r, NULL, length), items_of(r), err);
  if (!code) {
    lay_out(r, memory, length);
    r->shared->data = digest_data(r);
    r->shared->text = length;
    memcpy(r->text, text, length);

    // The average begins as what the weights are.
    if (r->step.average)
      memcpy(r->step.average, r->trained.network.params.value,
             r->trained.network.params.total * sizeof *r->step.average);
  }
  free(text);
  return code;
}

// ---- whoever follows

static int same_run(const trainRun* r, loomError* err) {
  static const char alternative[] = "train into another folder";
  char* text = settings_text(r);
  int code = text ? loom_settings_compare(r->config->checkpoint.folder, r->text, text, alternative, err)
                  : loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");
  free(text);
  if (code || r->shared->data == digest_data(r)) return code;
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: another process trains there on other data than %s holds now; %s",
                        r->config->checkpoint.folder, r->config->data.file[0].path, alternative);
}

int loom_bc_follow(bool* over, trainRun* r, loomError* err) {
  char place[LOOM_RUN_FILE_MAX];
  loomTeam* team;
  void* memory;
  size_t bytes;

  *over = false;
  path_of_team(place, r);
  int code = loom_team_join(&team, &memory, &bytes, place, r->def->stop, err);
  if (code || !team) return code;

  // Other settings have other sizes: their text is looked at before anything that lies by them.
  r->team = team;
  r->follows = true;
  trainShared* shared = memory;
  r->shared = shared;
  r->text = (char*)memory + bytes - shared->text;
  code = same_run(r, err);
  if (!code) {
    lay_out(r, memory, shared->text);
    switch (loom_team_serve(team, work, r, r->def->stop, err)) {
      case LOOM_TEAM_OVER:
        r->state = shared->state;
        r->state.led = false;
        break;
      case LOOM_TEAM_FAILED:
        code = err ? err->code : LOOM_ERR_IO;
        break;
      case LOOM_TEAM_AGAIN:
        code = LOOM_TRAIN_AGAIN;
        break;
      case LOOM_TEAM_STOPPED:
        code =
            loom_error_set(err, LOOM_ERR_INTERRUPTED, "%s: stopped; others go on, or the same command does",
                           r->config->checkpoint.folder);
        break;
    }
  }
  *over = true;
  loom_team_leave(team);
  r->team = NULL;
  r->shared = NULL;
  return code;
}

int loom_bc_wait(loomTrainWait* wait, const trainRun* r, int why, loomError* err) {
  static const double often = 0.05, patience = 5;
  char place[LOOM_RUN_FILE_MAX];
  path_of_team(place, r);

  if (r->def->stop && *r->def->stop)
    return loom_error_set(err, LOOM_ERR_INTERRUPTED, "%s: stopped; others go on, or the same command does",
                          r->config->checkpoint.folder);

  // Where others share it, somebody is at it, elsewhere or only just gone.
  double now = loom_clock();
  if (!access(place, F_OK) || !wait->begun) wait->begun = now;
  if (now - wait->begun > patience) return why;
  loom_sleep(often);
  return LOOM_OK;
}
