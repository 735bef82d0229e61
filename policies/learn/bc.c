#include "policies/learn/bc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/pool.h"
#include "policies/data/cloud_noise.h"
#include "policies/learn/bc_internal.h"
#include "policies/learn/supervised.h"
#include "policies/report/curves.h"

enum { PROGRESS = sizeof(trainProgress) / sizeof(double) };

static void path_in(char out[LOOM_PATH_MAX + 64], const trainRun* r, const char* name) {
  snprintf(out, LOOM_PATH_MAX + 64, "%.*s/%.60s", LOOM_PATH_MAX - 1, r->config->checkpoint.folder, name);
}

// ---- weights in use

// The averaged weights act and are saved; the others learn.
static void swap_average(trainRun* r) {
  loomReal* value = r->trained.network.params.value;
  for (size_t i = 0; r->step.average && i < r->trained.network.params.total; i++) {
    loomReal kept = value[i];
    value[i] = r->step.average[i];
    r->step.average[i] = kept;
  }
}

// As model.* the weights that act: in value's place while the file is written.
static int save_file(trainRun* r, const char* name, int ntensor, const loomSafeTensor* tensor,
                     const char* training, loomError* err) {
  char path[LOOM_PATH_MAX + 64], steps[32];
  loomSafeMeta meta[] = {{"steps", steps}, {"training", training}};
  loomTrainedExtra extra = {ntensor, training ? 2 : 1, tensor, meta};

  path_in(path, r, name);
  snprintf(steps, sizeof steps, "%.0f", r->p.step);

  // What acts is what is kept; back again, for the other weights go on learning.
  swap_average(r);
  int code = loom_trained_save(path, &r->trained, &extra, err);
  swap_average(r);
  return code;
}

static int save_policy(trainRun* r, const char* name, loomError* err) {
  return save_file(r, name, 0, NULL, NULL, err);
}

// ---- checkpoints

static int64_t epoch_of(const trainRun* r) {
  return (int64_t)r->p.step / r->epoch_steps;
}

static loomSafeTensor float_block(const char* name, const loomReal* data, size_t count) {
  return (loomSafeTensor){
      .name = name, .type = LOOM_SAFE_F32, .rank = 1, .shape = {(int64_t)count}, .data = data};
}

static int save_checkpoint(trainRun* r, loomError* err) {
  const loomParams* params = &r->trained.network.params;

  // `save_file` swaps the average and the weights.
  loomSafeTensor more[] = {
      {.name = "train.progress", .type = LOOM_SAFE_F64, .rank = 1, .shape = {PROGRESS}, .data = &r->p},
      float_block("train.first", params->first, params->total),
      float_block("train.second", params->second, params->total),
      float_block("train.value", r->step.average, params->total),
  };

  char* training = loom_bc_text(r->config);
  if (!training) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a checkpoint");

  int code = save_file(r, "last.safetensors", r->step.average ? 4 : 3, more, training, err);
  free(training);
  return code;
}

static int read_block(void* out, const loomSafetensors* file, const char* name, loomSafeType type,
                      size_t count, const char* label, loomError* err) {
  const loomSafeTensor* found = loom_safetensors_find(file, name);

  // Absent, of another type or of another size: the file is a policy's, or of another version.
  if (!found || found->type != type || loom_safe_tensor_count(found) != (int64_t)count)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: '%s' is missing or of another size; it is no checkpoint",
                          label, name);

  memcpy(out, found->data, count * (size_t)loom_safe_type_size(type));
  return LOOM_OK;
}

static const char other_folder[] = "train into another folder";

// Everything that decides the weights must be the same; how long to train and what to report may change.
static int same_configuration(const loomTrainConfig* now, const loomTrainConfig* then, const char* label,
                              loomError* err) {
  loomTrainConfig a = *now, b = *then;

  // What may differ is made the same in both.
  a.train.epochs = b.train.epochs = 1;
  a.train.threads = b.train.threads = 0;
  a.data.cache = b.data.cache = 1;

  // Successes are compared over the whole run, so where both parts have rollouts they are of the same
  // episodes.
  bool both = a.rollout.task[0] && b.rollout.task[0];
  if (!both) a.rollout = b.rollout;
  a.rollout.every = b.rollout.every;
  a.rollout.threads = b.rollout.threads;
  a.checkpoint = b.checkpoint;
  a.stop = b.stop;

  char *x = loom_train_config_text(&a), *y = loom_train_config_text(&b);
  int code = x && y ? loom_settings_compare(label, y, x, other_folder, err)
                    : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  free(x);
  free(y);
  return code;
}

// As it was trained; in files of format 1 that was all in `config`.
static int same_training(const trainRun* r, const loomSafetensors* file, const char* path, loomError* err) {
  const char* text = loom_safetensors_meta(file, "training");
  loomTrainConfig* then = malloc(sizeof *then);

  if (!text) text = loom_safetensors_meta(file, "config");
  int code = then ? loom_train_config_parse(then, text, strlen(text), path, err)
                  : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);

  if (!code) code = same_configuration(r->config, then, path, err);
  free(then);
  return code;
}

static bool same_normal(const loomNormal* a, const loomNormal* b) {
  return a->dim == b->dim && !memcmp(a->mean, b->mean, 4 * (size_t)a->dim * sizeof *a->mean);
}

// A file of the same name may hold other demos by now: their statistics are others. Checkpoints of format 1
// may be of another machine's demos.
static int same_data(const trainRun* r, const loomTrained* then, const char* path, loomError* err) {
  const loomTrained* now = &r->trained;
  bool same = same_normal(&now->obs, &then->obs) && same_normal(&now->actions, &then->actions);
  if (same) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: was trained on other data than %s holds now; go on with those, or %s", path,
                        r->config->data.file[0].path, other_folder);
}

static int load_checkpoint(trainRun* r, const char* path, loomError* err) {
  loomSafetensors file;
  loomTrained old;
  loomParams* params = &r->trained.network.params;

  int code = loom_safetensors_read(&file, path, err);
  if (code) return code;
  code = loom_trained_read(&old, &file, path, err);

  // Another network cannot go on with these weights, even if its configuration reads the same.
  if (!code) {
    code = same_training(r, &file, path, err);
    if (!code && old.network.params.total != params->total)
      code = loom_error_set(err, LOOM_ERR_USAGE, "%s: has other observations or actions than the data", path);
    if (!code && loom_safetensors_meta(&file, "training")) code = same_data(r, &old, path, err);
    if (!code) memcpy(params->value, old.network.params.value, params->total * sizeof(loomReal));
    loom_trained_destroy(&old);
  }

  // How far it was, and Adam's two moments.
  if (!code) code = read_block(&r->p, &file, "train.progress", LOOM_SAFE_F64, PROGRESS, path, err);
  if (!code) code = read_block(params->first, &file, "train.first", LOOM_SAFE_F32, params->total, path, err);
  if (!code)
    code = read_block(params->second, &file, "train.second", LOOM_SAFE_F32, params->total, path, err);

  // What acted is in the place of the weights and what learned beside it: swapped, as when it was saved.
  if (!code && r->step.average) {
    code = read_block(r->step.average, &file, "train.value", LOOM_SAFE_F32, params->total, path, err);
    swap_average(r);
  }

  loom_safetensors_destroy(&file);
  return code;
}

// ---- one step

// Of the batch in hand, the number furthest from what is usual: where to look when the loss is none.
static void find_furthest(char out[400], double* most, const trainRun* r, const loomSamples* s) {
  const loomDataInfo* info = loom_data_info(r->data);
  const loomNetworkDef* def = &r->trained.network.def;
  int dim = r->trained.obs.dim, column = -1, sample = 0;
  double before = *most;

  for (ptrdiff_t i = 0; i < (ptrdiff_t)s->n * def->obs_rows * dim; i++) {
    if (!(fabs((double)s->obs[i]) > *most)) continue;
    *most = fabs((double)s->obs[i]);
    column = (int)(i % dim);
    sample = (int)(i / dim / def->obs_rows);
  }
  if (*most <= before && before >= 0) return;

  // Its observation by the column; where nothing is unusual, it has to be the actions.
  const char* key = "its actions";
  for (int k = 0; k < info->key_count; k++)
    if (info->key[k].offset >= 0 && column >= info->key[k].offset) key = info->key[k].name;

  int demo = r->batch.demo[sample];
  snprintf(out, 400, "%.150s, %.60s, row %d, has the batch's most unusual number (%.60s: %.3g normalized)",
           loom_data_demo_path(r->data, demo), loom_data_demo_name(r->data, demo), r->batch.row[sample], key,
           *most);
}

static int refuse_divergence(trainRun* r, int64_t step, loomError* err) {
  char where[400] = "";
  double most = -1;

  // Who had which block is of no matter: all are looked at.
  for (int b = 0; b < r->step.blocks; b++) {
    loomSamples samples;
    int code = loom_bc_block(&samples, r, step, b, err);
    if (code) return code;
    find_furthest(where, &most, r, &samples);
  }
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "step %lld: the loss or its gradient is no finite number; the last checkpoint stays; "
                        "take a smaller learning rate, or clip gradients; %s",
                        (long long)step + 1, where);
}

static int train_step(trainRun* r, loomError* err) {
  int64_t i = (int64_t)r->p.step;
  double loss, length;
  int code = loom_bc_gradient(&loss, &length, r, i, err);
  if (code) return code;

  // Weights move only if both the loss and the gradient are finite; the average follows them, faster at
  // first (its decay rises with the step).
  r->state.rate = loom_schedule_rate(&r->schedule, (uint64_t)i);
  if (!isfinite(loss) || !isfinite(length)) return refuse_divergence(r, i, err);
  double decay = loom_ema_decay((uint64_t)i, r->config->optimizer.ema_power, r->config->optimizer.ema);
  if (!loom_team_step_move(&r->step, r->team, &r->adam, length, r->state.rate, (uint64_t)i + 1, decay))
    return LOOM_TRAIN_AGAIN;

  // Sums from which the epoch's means are told.
  r->p.step++;
  r->p.loss_sum += loss;
  r->p.gradient_sum += length;
  r->p.steps_summed++;
  return LOOM_OK;
}

static void set_state(trainRun* r) {
  loomTrainState* s = &r->state;

  // Where it is in the whole run.
  s->step = (int64_t)r->p.step;
  s->steps = r->steps;
  s->first = r->first_step;
  s->epoch = (int)epoch_of(r);
  s->epochs = r->config->train.epochs;

  // Means of the epoch so far; there are none before its first step.
  s->loss = r->p.steps_summed > 0 ? r->p.loss_sum / r->p.steps_summed : NAN;
  s->gradient = r->p.steps_summed > 0 ? r->p.gradient_sum / r->p.steps_summed : NAN;

  // What was last measured, and the best so far.
  s->validation = r->p.validation;
  s->success = r->p.success;
  s->success_low = r->p.success_low;
  s->success_high = r->p.success_high;
  s->best_validation = r->p.best_validation;
  s->best_success = r->p.best_success;
  s->best_epoch = (int)r->p.best_epoch;

  s->seconds = loom_clock() - r->start;
  s->samples_per_second = (double)((s->step - r->first_step) * r->config->train.batch) / s->seconds;
}

static void tell_progress(trainRun* r, bool epoch_done) {
  set_state(r);
  if (r->def->progress) r->def->progress(r->def->user, &r->state, epoch_done);
}

// ---- at the end of an epoch

static int validate_epoch(trainRun* r, bool* better, loomError* err) {
  // The weights that act are the ones to judge.
  swap_average(r);
  int code = loom_bc_validate(&r->p.validation, r, err);
  swap_average(r);
  if (code) return code;

  if (isnan(r->p.best_validation) || r->p.validation < r->p.best_validation) {
    r->p.best_validation = r->p.validation;
    *better = true;
  }
  return LOOM_OK;
}

static int stop_rollouts(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  (void)rollout;
  (void)trace;
  (void)episode;
  const trainRun* r = user;
  return r->def->stop && *r->def->stop;
}

// The scene's starts are the same each time, so that successes can be compared.
static loomRolloutDef rollouts_of(trainRun* r) {
  loomRolloutDef def = loom_default_rollout_def();
  const char* reset = r->config->rollout.reset;

  def.n = r->config->rollout.n;
  def.reset = *reset ? loom_task_find_reset(r->def->scene->task, reset) : 0;
  def.seed = (uint64_t)r->config->rollout.seed;
  def.max_steps = r->config->rollout.max_steps;
  def.threads = r->config->rollout.threads;
  def.done = stop_rollouts;
  def.user = r;
  return def;
}

// What rollouts need (cameras, keys, the action's size) is tried before an epoch is trained.
static int try_rollouts(trainRun* r, loomError* err) {
  if (!r->def->scene) return LOOM_OK;

  loomRolloutDef def = rollouts_of(r);
  loomPolicyMaker maker = loom_trained_maker(&r->trained);
  if (def.reset < 0)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", r->def->scene->task->path,
                          r->config->rollout.reset);
  return loom_rollout_try(r->def->scene, &maker, &def, err);
}

static int roll_out(trainRun* r, bool* better, loomError* err) {
  loomRolloutDef def = rollouts_of(r);
  loomRolloutReport report;
  loomPolicyMaker maker = loom_trained_maker(&r->trained);

  swap_average(r);
  int code = loom_rollout(&report, r->def->scene, &maker, &def, err);
  swap_average(r);
  if (code) return code;

  r->p.success = report.rate;
  r->p.success_low = report.low;
  r->p.success_high = report.high;

  if (isnan(r->p.best_success) || report.rate > r->p.best_success) {
    r->p.best_success = report.rate;
    *better = true;
  }

  loom_rollout_report_destroy(&report);
  return LOOM_OK;
}

static int log_epoch(trainRun* r, bool validated, bool rolled_out, loomError* err) {
  const loomTrainState* s = &r->state;
  const struct {
    const char* tag;
    double value;
    bool known;
  } scalar[] = {{"train/loss", s->loss, true},
                {"train/gradient", s->gradient, true},
                {"train/rate", s->rate, true},
                {"train/samples_per_second", s->samples_per_second, true},
                {"validate/loss", r->p.validation, validated},
                {"rollout/success", r->p.success, rolled_out},
                {"rollout/success_low", r->p.success_low, rolled_out},
                {"rollout/success_high", r->p.success_high, rolled_out}};

  // Only what this epoch has measured; the others would repeat an earlier value.
  int code = LOOM_OK;
  for (size_t i = 0; !code && i < sizeof scalar / sizeof *scalar; i++)
    if (scalar[i].known) code = loom_event_log_scalar(r->log, scalar[i].tag, s->step, scalar[i].value, err);
  return code ? code : loom_event_log_flush(r->log, err);
}

static int keep_policies(trainRun* r, int epoch, loomError* err) {
  char name[48], path[LOOM_PATH_MAX + 64];

  // The new one in, and out with the one that is `keep` before it.
  snprintf(name, sizeof name, "epoch_%d.safetensors", epoch);
  int code = save_policy(r, name, err), every = r->config->checkpoint.every;

  int old = epoch - every * r->config->checkpoint.keep;
  if (code || !r->config->checkpoint.keep || old < every) return code;

  snprintf(name, sizeof name, "epoch_%d.safetensors", old / every * every);
  path_in(path, r, name);
  unlink(path);
  return LOOM_OK;
}

static bool seen_enough(const trainRun* r) {
  return r->config->stop.patience && r->p.stale >= r->config->stop.patience;
}

static int end_epoch(trainRun* r, bool* enough, loomError* err) {
  const loomTrainConfig* c = r->config;

  // The last epoch has everything, whatever its number.
  int epoch = (int)epoch_of(r), code = LOOM_OK;
  bool last = (int64_t)r->p.step == r->steps, lower = false, higher = false;
  bool validated = r->validation && (epoch % c->validate.every == 0 || last);
  bool rolled_out = r->def->scene && (epoch % c->rollout.every == 0 || last);

  if (validated) code = validate_epoch(r, &lower, err);
  if (!code && rolled_out) code = roll_out(r, &higher, err);
  if (code) return code;

  // An epoch is the best by success where that is tried, else by the loss of validation.
  if (higher || (lower && !r->def->scene)) r->p.best_epoch = epoch;
  r->p.stale = (c->stop.by ? higher : lower) ? 0 : r->p.stale + 1;
  *enough = seen_enough(r);

  tell_progress(r, true);
  if (lower && c->checkpoint.best) code = save_policy(r, "best_loss.safetensors", err);
  if (!code && higher && c->checkpoint.best) code = save_policy(r, "best_success.safetensors", err);
  if (!code) code = log_epoch(r, validated, rolled_out, err);

  // The next epoch's means begin anew.
  r->p.loss_sum = r->p.gradient_sum = r->p.steps_summed = 0;
  if (code || (epoch % c->checkpoint.every && !last && !*enough)) return code;

  // Where the run is over, or once in `every` epochs: the policy as it is, and what to go on from.
  code = keep_policies(r, epoch, err);
  if (!code) code = loom_curves_draw(c->checkpoint.folder, err);

  // Last: where a run is killed before it, all of this is done again.
  return code ? code : save_checkpoint(r, err);
}

// ---- the whole

static int open_data(trainRun* r, loomError* err) {
  loomConfigDataDef def;

  loom_config_data_def(&def, r->config, false);
  def.def.parts = r->config->train.blocks;
  int code = loom_data_open(&r->data, &def.def, err);
  if (!code) code = loom_batch_create(&r->batch, r->data, err);

  if (code || !r->config->validate.mask[0]) return code;
  loom_config_data_def(&def, r->config, true);
  code = loom_data_open(&r->validation, &def.def, err);
  return code ? code : loom_batch_create(&r->held_out, r->validation, err);
}

static int create_run(trainRun* r, loomError* err) {
  const loomTrainConfig* c = r->config;
  loomPolicyConfig policy = loom_train_config_policy(c);
  int code = open_data(r, err);

  // The network is made for the data's sizes.
  if (!code) code = loom_trained_create(&r->trained, &policy, (uint64_t)c->train.seed, r->data, err);
  if (!code) code = loom_network_layout(&r->trained.network, c->train.batch, err);
  if (code) return code;

  loomObjectiveDef objective = loom_network_objective(&r->trained.network.def);
  code = loom_objective_create(&r->objective, &objective, c->train.batch, err);
  if (code) return code;

  r->epoch_steps = c->train.steps ? c->train.steps : loom_data_info(r->data)->batches;
  r->steps = r->epoch_steps * c->train.epochs;
  r->adam = loom_optimizer_config_adam(&c->optimizer);
  r->schedule = loom_optimizer_config_schedule(&c->optimizer, r->steps);
  return LOOM_OK;
}

static int write_config(const trainRun* r, loomError* err) {
  char path[LOOM_PATH_MAX + 64];
  path_in(path, r, "config.yaml");

  char* text = loom_train_config_text(r->config);
  int code = text ? loom_file_write_text(path, text, err)
                  : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  free(text);
  return code;
}

// The checkpoint and the best policies, of which one at a time is there twice.
static int check_room(const trainRun* r, loomError* err) {
  double block = (double)r->trained.network.params.total * sizeof(loomReal);
  int blocks = r->config->optimizer.ema > 0 ? 4 : 3;
  return loom_folder_check_place(r->config->checkpoint.folder, (2 * blocks + 2) * block, err);
}

static loomRunFolderDef folder_def(const trainRun* r) {
  static const char* const own[] = {LOOM_TRAIN_FILES, NULL};
  return (loomRunFolderDef){.path = r->config->checkpoint.folder,
                            .parents = true,
                            .mode = loom_folder_mode(r->def->overwrite, r->def->resume || r->def->share),
                            .mark = "last.safetensors",
                            .own = own,
                            .alternative = other_folder};
}

// Go on from the checkpoint of the folder, which is locked, if there is one.
static int resume_run(trainRun* r, loomError* err) {
  int code = LOOM_OK;
  char path[LOOM_PATH_MAX + 64];
  path_in(path, r, r->folder.def.mark);
  if (r->folder.resumed) code = load_checkpoint(r, path, err);

  // What may change from one part of a run to the next (epochs, rollouts) is kept as of the last.
  if (!code) code = write_config(r, err);
  return code ? code : loom_event_log_open(&r->log, r->config->checkpoint.folder, err);
}

static int train_run(trainRun* r, loomError* err) {
  bool enough = seen_enough(r);  // a run that stopped early and goes on

  int code = LOOM_OK;
  while (!code && !enough && (int64_t)r->p.step < r->steps) {
    if (r->def->stop && *r->def->stop) {
      // Asked to stop: what is trained so far is kept.
      code = save_checkpoint(r, err);
      return code ? code
                  : loom_error_set(err, LOOM_ERR_INTERRUPTED, "%s: stopped; --resume goes on",
                                   r->config->checkpoint.folder);
    }

    code = train_step(r, err);
    if (!code && (int64_t)r->p.step % r->epoch_steps == 0)
      code = end_epoch(r, &enough, err);
    else if (!code)
      tell_progress(r, false);
  }
  return code;
}

// In the locked folder: everything from the weights to the last file.
static int lead_run(trainRun* r, loomError* err) {
  int code = loom_bc_lead(r, err);
  if (!code && r->def->share) code = try_rollouts(r, err);
  if (!code) code = resume_run(r, err);

  r->first_step = (int64_t)r->p.step;
  r->start = loom_clock();
  if (!code) set_state(r);
  if (!code) loom_team_admit(r->team);
  if (!code) code = train_run(r, err);

  // An event log that could not be written to its end is an error only where nothing worse happened.
  loomError unlogged = {0, ""};
  if (loom_event_log_close(r->log, &unlogged) && !code) {
    code = unlogged.code;
    if (err) *err = unlogged;
  }
  return code;
}

static void tell_others(trainRun* r, int code, const loomError* err) {
  r->state.led = true;
  if (r->shared) r->shared->state = r->state;

  // Whoever is stopped leaves the rest to the others.
  bool leaves = code == LOOM_TRAIN_AGAIN || code == LOOM_ERR_INTERRUPTED;
  loom_team_end(r->team,
                !code    ? LOOM_TEAM_OVER
                : leaves ? LOOM_TEAM_AGAIN
                         : LOOM_TEAM_FAILED,
                code ? err : NULL);
  r->team = NULL;
}

// Lead, or follow whoever leads until he has done it, or is gone.
static int lead_or_follow(trainRun* r, loomError* err) {
  loomRunFolderDef folder = folder_def(r);
  bool over = false;

  if (!r->def->share) {
    int code = loom_run_folder_open(&r->folder, &folder, err);
    if (!code) code = lead_run(r, err);
    tell_others(r, code, err);
    return code;
  }

  for (loomTrainWait wait = {0};;) {
    int code = loom_bc_follow(&over, r, err);
    if (code || over) return code;

    // Nobody to follow: either nobody leads, or he cannot be reached from here, or is about to begin.
    code = loom_run_folder_open(&r->folder, &folder, err);
    if (!code) {
      code = lead_run(r, err);
      tell_others(r, code, err);
      return code;
    }
    code = loom_bc_wait(&wait, r, code, err);
    if (code) return code;
  }
}

static int train_once(loomTrainState* out, const loomTrainDef* def, loomError* err) {
  trainRun* r = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to train");
  *r = (trainRun){.def = def, .config = def->config, .start = loom_clock()};

  // Nothing is known yet.
  r->p.best_validation = r->p.best_success = r->p.validation = r->p.success = NAN;
  r->p.success_low = r->p.success_high = NAN;

  // The folder first: statistics of the data take long.
  loomRunFolderDef folder = folder_def(r);
  int code = def->share ? LOOM_OK : loom_run_folder_check(&folder, err);
  if (!code) code = create_run(r, err);
  if (!code) code = check_room(r, err);
  if (!code && !def->share) code = try_rollouts(r, err);
  if (!code) code = lead_or_follow(r, err);
  *out = r->state;

  loom_trained_destroy(&r->trained);
  loom_objective_destroy(&r->objective);
  loom_batch_destroy(&r->batch);
  loom_batch_destroy(&r->held_out);
  loom_data_close(r->data);
  loom_data_close(r->validation);
  loom_run_folder_close(&r->folder);
  free(r);
  return code;
}

int loom_train(loomTrainState* out, const loomTrainDef* def, loomError* err) {
  int threads = loom_set_kernel_threads(def->threads ? def->threads : def->config->train.threads), code;

  do code = train_once(out, def, err);
  while (code == LOOM_TRAIN_AGAIN);

  loom_set_kernel_threads(threads);
  return code;
}
