#include "policies/learn/finetune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/pool.h"
#include "engine/base/run_folder.h"
#include "engine/run/reward.h"
#include "policies/learn/finetune_owner.h"
#include "policies/report/curves.h"
#include "policies/report/event_log.h"

// What a checkpoint has besides the learner's.
typedef struct progress {
  double step, evaluated;  // steps done, and of them at the last evaluation
  double evaluation, deviation, best, best_step;
} progress;

enum { PROGRESS = sizeof(progress) / sizeof(double) };

typedef struct run {
  const loomFinetuneDef* def;
  const loomFinetuneConfig* config;
  loomLearner learner;
  loomImitation* imitation;  // that rewards it; NULL = its environments do
  loomInverse* inverse;      // likewise
  loomEnvironment trial;     // evaluation's
  double *obs, *action;      // of it
  loomRunFolder folder;
  loomEventLog* log;
  progress p;
  loomFinetuneState state;
  double start, saved;
  int64_t first;
} run;

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");
}

// ---- checkpoints

// The configuration without what decides nothing of the weights, so that the same run gives the same file.
static char* training_text(const loomFinetuneConfig* config) {
  loomFinetuneConfig c = *config;
  c.finetune.threads = 0;
  c.finetune.checkpoint_every = 0;
  c.residual.test = 0;
  return loom_finetune_config_text(&c);
}

static int save_file(run* r, const char* name, bool whole, loomError* err) {
  char path[LOOM_RUN_FILE_MAX], steps[32], digest[32];
  loomSafeTensor tensor[LOOM_LEARNER_TENSORS + 1];
  int acting, n = r->learner.tensors(tensor, &acting, r->learner.self);
  char* training = training_text(r->config);
  if (!training) return no_memory(err);

  // What acts, or all that it goes on from.
  loomSafeMeta meta[] = {{"steps", steps}, {"task_digest", digest}, {"training", training}};
  snprintf(steps, sizeof steps, "%.0f", r->p.step);
  snprintf(digest, sizeof digest, "%016llx", (unsigned long long)r->def->digest);
  tensor[n] = (loomSafeTensor){
      .name = "train.progress", .type = LOOM_SAFE_F64, .rank = 1, .shape = {PROGRESS}, .data = &r->p};
  loom_run_folder_path(path, &r->folder, name);
  int code = !whole && r->learner.save
                 ? r->learner.save(path, r->learner.owner, meta, 3, err)
                 : loom_safetensors_write(path, tensor, whole ? n + 1 : acting, meta, 3, err);
  free(training);
  return code;
}

// The disturbances that it has come to cope with, as `--disturb FILE` takes them.
static int save_ranges(const run* r, loomError* err) {
  char path[LOOM_RUN_FILE_MAX], *text = NULL;
  size_t size;
  if (!r->learner.write_ranges) return LOOM_OK;

  FILE* out = open_memstream(&text, &size);
  if (!out) return no_memory(err);
  r->learner.write_ranges(out, r->learner.owner);
  bool lacks = ferror(out) != 0;
  lacks = fclose(out) || lacks;

  loom_run_folder_path(path, &r->folder, "disturb.yaml");
  int code = lacks ? no_memory(err) : loom_file_write_text(path, text, err);
  free(text);
  return code;
}

// Of an airl discriminator: the network, then a reward of it alone.
static int save_learned_reward(const run* r, loomError* err) {
  static const char text[] =
      "# Learned by demoloom gail --discriminator airl: what a step is worth, of which the policy that "
      "learned\n"
      "# beside it also got what is shaping. Others learn by it with `demoloom finetune --scratch "
      "--reward`.\n"
      "- {term: learned, file: " LOOM_STEP_REWARD_FILE "}\n";
  char path[LOOM_RUN_FILE_MAX];
  loomStepReward reward;
  int code = loom_imitation_reward(&reward, r->imitation, err);
  if (code) return code;

  loom_run_folder_path(path, &r->folder, LOOM_STEP_REWARD_FILE);
  code = loom_step_reward_write(path, &reward, err);
  loom_step_reward_destroy(&reward);
  loom_run_folder_path(path, &r->folder, "reward.yaml");
  return code ? code : loom_file_write_text(path, text, err);
}

// The reward that was found, as `--reward FILE` takes it.
static int save_reward(const run* r, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  double weights[LOOM_FEATURES];
  if (r->imitation && loom_imitation_asks_policy(r->imitation)) return save_learned_reward(r, err);
  if (!r->inverse) return LOOM_OK;

  loom_inverse_weights(weights, r->inverse);
  loom_run_folder_path(path, &r->folder, "reward.yaml");
  char* text = loom_features_reward(&r->config->inverse.features, weights);
  int code = text ? loom_file_write_text(path, text, err) : no_memory(err);
  free(text);
  return code;
}

static int save_checkpoint(run* r, loomError* err) {
  r->learner.freeze(r->learner.self);
  int code = save_file(r, "last.safetensors", true, err);
  if (!code) code = save_ranges(r, err);
  if (!code) code = save_reward(r, err);
  r->saved = r->p.step;
  return code ? code : loom_curves_draw(r->def->folder, err);
}

static int same_run(const run* r, const loomSafetensors* file, const char* path, loomError* err) {
  const char *then = loom_safetensors_meta(file, "training"),
             *of = loom_safetensors_meta(file, "task_digest");
  char digest[32], *now = training_text(r->config);
  if (!now) return no_memory(err);

  snprintf(digest, sizeof digest, "%016llx", (unsigned long long)r->def->digest);
  int code = then && of ? loom_settings_compare(path, then, now, "learn in another folder", err)
                        : loom_error_set(err, LOOM_ERR_FORMAT, "%s: is no checkpoint", path);
  if (!code && strcmp(of, digest) != 0)
    code = loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: its task was another than %s says now; undo that, or learn in another folder",
                          path, r->config->finetune.task);
  free(now);
  return code;
}

static int load_checkpoint(run* r, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loomSafetensors file;
  loomSafeTensor tensor[LOOM_LEARNER_TENSORS];
  int acting, n = r->learner.tensors(tensor, &acting, r->learner.self);
  loom_run_folder_path(path, &r->folder, "last.safetensors");
  int code = loom_safetensors_read(&file, path, err);
  if (code) return code;

  code = same_run(r, &file, path, err);
  for (int i = 0; !code && i < n; i++) code = loom_learner_read(&tensor[i], &file, path, err);
  const loomSafeTensor own = {
      .name = "train.progress", .type = LOOM_SAFE_F64, .rank = 1, .shape = {PROGRESS}, .data = &r->p};
  if (!code) code = loom_learner_read(&own, &file, path, err);

  loom_safetensors_destroy(&file);
  r->saved = r->p.step;
  return code ? code : r->learner.thaw(r->learner.self, err);
}

// ---- evaluation

static bool stopped(const run* r) {
  return r->def->stop && *r->def->stop;
}

// Starts that training has not: of another seed.
static uint64_t evaluation_seed(const run* r) {
  return (uint64_t)r->config->finetune.seed + ((uint64_t)1 << 40);
}

static int run_episode(double* total, run* r, int episode, loomError* err) {
  loomEnvironment* e = &r->trial;
  loomEnvironmentStep step = {0};

  int code = e->reset(e->self, evaluation_seed(r), (uint64_t)episode, err);
  for (*total = 0; !code && !step.terminated && !step.truncated; *total += code ? 0 : step.reward) {
    e->observe(r->obs, e->self);
    r->learner.act(r->action, r->learner.self, r->obs);
    code = e->step(&step, e->self, r->action, err);
  }
  return code;
}

static int run_episodes(double* mean, double* deviation, run* r, int n, loomError* err) {
  int code = LOOM_OK;
  double* total = calloc((size_t)n, sizeof *total);
  if (!total) return no_memory(err);

  for (int i = 0; !code && i < n; i++) code = run_episode(&total[i], r, i, err);
  double squares = 0;
  *mean = 0;
  for (int i = 0; i < n; i++) *mean += total[i] / n;
  for (int i = 0; i < n; i++) squares += (total[i] - *mean) * (total[i] - *mean);
  *deviation = sqrt(squares / (n > 1 ? n - 1 : 1));
  free(total);
  return code;
}

static int evaluate(run* r, loomError* err) {
  const loomLearner* l = &r->learner;
  double mean, deviation, rewarded = NAN;
  int n = r->config->finetune.evaluate;

  int code = l->evaluate ? l->evaluate(&mean, &deviation, &rewarded, l->owner, n, evaluation_seed(r),
                                       r->def->evaluating, err)
                         : run_episodes(&mean, &deviation, r, n, err);
  if (code) return code;
  if (l->evaluated && !isnan(rewarded)) l->evaluated(l->self, rewarded);

  r->p.evaluated = r->p.step;
  r->p.evaluation = mean;
  r->p.deviation = deviation;
  if (!isnan(r->p.best) && !(mean > r->p.best)) return LOOM_OK;
  r->p.best = mean;
  r->p.best_step = r->p.step;
  return save_file(r, "best.safetensors", false, err);
}

// ---- iterations

static void set_state(run* r) {
  r->state = (loomFinetuneState){.step = (int64_t)r->p.step,
                                 .steps = r->config->finetune.steps,
                                 .first = r->first,
                                 .episodes = r->learner.vector->finished,
                                 .training_success = loom_vector_success(r->learner.vector),
                                 .training_return = loom_vector_return(r->learner.vector),
                                 .evaluation = r->p.evaluation,
                                 .deviation = r->p.deviation,
                                 .best = r->p.best,
                                 .best_step = (int64_t)r->p.best_step,
                                 .won = r->imitation ? loom_imitation_won(r->imitation) : 0,
                                 .seconds = loom_clock() - r->start};
  r->state.steps_per_second = (double)(r->state.step - r->first) / r->state.seconds;
}

static int log_iteration(run* r, bool evaluated, loomError* err) {
  loomScalar all[LOOM_LEARNER_SCALARS];
  int n = r->learner.scalars(all, r->learner.self);
  int64_t step = r->state.step;
  int code = LOOM_OK;

  for (int i = 0; !code && i < n; i++)
    code = loom_event_log_scalar(r->log, all[i].tag, step, all[i].value, err);
  if (!code && r->state.episodes)
    code = loom_event_log_scalar(r->log, "train/return", step, r->state.training_return, err);
  if (!code && r->state.episodes && r->learner.evaluate)
    code = loom_event_log_scalar(r->log, "train/success", step, r->state.training_success, err);
  if (!code)
    code = loom_event_log_scalar(r->log, "train/steps_per_second", step, r->state.steps_per_second, err);
  if (!code && r->learner.opened)
    code = loom_event_log_scalar(r->log, "train/opened", step, r->learner.opened(r->learner.owner), err);
  if (!code && r->learner.widened)
    code = loom_event_log_scalar(r->log, "train/widened", step, r->learner.widened(r->learner.owner), err);
  if (!code && evaluated) code = loom_event_log_scalar(r->log, "evaluate/return", step, r->p.evaluation, err);
  return code ? code : loom_event_log_flush(r->log, err);
}

// Whether a multiple of `every` steps was passed since.
static bool is_due(int64_t every, double since, double step) {
  return every && (int64_t)step / every > (int64_t)since / every;
}

static int run_iteration(run* r, loomError* err) {
  const struct loomConfigFinetune* c = &r->config->finetune;
  int code = r->learner.iterate(r->learner.self, err);
  if (code) return code;

  r->p.step += (double)r->learner.size(r->learner.self);
  bool last = r->p.step >= (double)c->steps;
  bool evaluated = c->evaluate && (last || is_due(c->evaluate_every, r->p.evaluated, r->p.step));
  if (evaluated) code = evaluate(r, err);
  if (code) return code;

  set_state(r);
  if (r->def->progress) r->def->progress(r->def->user, &r->state, evaluated);
  code = log_iteration(r, evaluated, err);
  if (!code && (last || is_due(c->checkpoint_every, r->saved, r->p.step))) code = save_checkpoint(r, err);
  return code;
}

// A file's reward may be of what happens long before success.
static bool pays_steps(const run* r) {
  const loomFinetuneOwner* owner = r->learner.owner;
  double range[2];
  return owner && owner->reward && !loom_reward_range(range, owner->reward, owner->base.scene->task);
}

// How often the policy succeeds as it is, with nothing added: what all later ones are measured by.
static int evaluate_base(run* r, loomError* err) {
  int code = evaluate(r, err);
  if (code) return code;

  set_state(r);
  if (r->def->progress) r->def->progress(r->def->user, &r->state, true);
  if (r->p.best > 0 || r->imitation || r->inverse || pays_steps(r))
    return loom_event_log_scalar(r->log, "evaluate/return", 0, r->p.evaluation, err);
  return loom_error_set(
      err, LOOM_ERR_USAGE,
      "%s: succeeds in none of %d episodes, so there is nothing to reinforce; train it on more "
      "demos, or finetune it where it succeeds now and then (another reset distribution)",
      r->config->residual.policy, r->config->finetune.evaluate);
}

static int run_iterations(run* r, loomError* err) {
  bool measured = !r->learner.evaluate || !r->config->finetune.evaluate || !isnan(r->p.best);
  int code = measured ? LOOM_OK : evaluate_base(r, err);

  while (!code && r->p.step < (double)r->config->finetune.steps) {
    if (stopped(r)) {
      // Asked to stop: what is learned so far is kept.
      code = save_checkpoint(r, err);
      return code
                 ? code
                 : loom_error_set(err, LOOM_ERR_INTERRUPTED, "%s: stopped; --resume goes on", r->def->folder);
    }
    code = run_iteration(r, err);
  }
  return code;
}

// ---- beside it

// As its starts are without demos' states and disturbances that change.
static int run_baselines(run* r, loomError* err) {
  const loomFinetuneOwner* owner = r->learner.owner;
  int n = r->def->baselines < r->config->finetune.evaluate ? r->def->baselines : r->config->finetune.evaluate;
  loomResidualTask task;
  loomEnvironmentMaker maker;
  if (!r->imitation || n < 1) return LOOM_OK;
  if (owner) {
    task = owner->task;
    task.starts = NULL;
    task.widens = false;
    task.shared = NULL;
    maker = loom_residual_environment(&task);
  }

  const loomBaselineDef def = {.maker = owner ? &maker : r->def->maker,
                               .expert = r->def->expert,
                               .hidden = {2, {64, 64}},
                               .n = n,
                               .starts = evaluation_seed(r),
                               .seed = (uint64_t)r->config->finetune.seed,
                               .success = owner != NULL,
                               .look = r->def->evaluating,
                               .stop = r->def->stop};
  return loom_baselines(&r->state.baselines, &def, err);
}

// ---- the whole

static int create_learner(run* r, loomError* err) {
  const loomFinetuneConfig* c = r->config;
  const loomEnvironmentMaker* maker = r->def->maker;
  uint64_t seed = (uint64_t)c->finetune.seed;
  int threads = c->finetune.threads;

  switch ((loomFinetuneMethod)c->finetune.method) {
    case LOOM_FINETUNE_RESIDUAL:
      return loom_residual_learner(&r->learner, &c->residual, &c->td3, r->def->base, c->finetune.steps, seed,
                                   threads, err);
    case LOOM_FINETUNE_DPPO:
      return loom_dppo_learner(&r->learner, &c->residual, &c->ppo, &c->dppo, r->def->base, c->finetune.steps,
                               seed, threads, err);
    case LOOM_FINETUNE_RESIDUAL_PPO:
      return loom_residual_ppo_learner(&r->learner, &c->residual, &c->ppo, &c->residual_ppo, r->def->base,
                                       c->finetune.steps, seed, threads, err);
    case LOOM_FINETUNE_TD3:
      return loom_td3_create(&r->learner, &c->td3, NULL, maker, c->finetune.steps, seed, threads, err);
    case LOOM_FINETUNE_PPO:
    case LOOM_FINETUNE_METHODS:
      break;
  }
  if (c->of_policy)
    return loom_direct_learner(&r->learner, &c->residual, &c->ppo, &c->direct, r->def->base,
                               c->finetune.steps, seed, threads, err);
  return loom_ppo_create(&r->learner, &c->ppo, NULL, maker, c->finetune.steps, seed, threads, err);
}

// Decisions of an episode at most.
static int horizon_of(const run* r) {
  const loomFinetuneOwner* owner = r->learner.owner;
  return owner ? owner->task.longest : r->def->expert->horizon;
}

// What rewards it in its environments' place.
static int create_imitation(run* r, loomError* err) {
  const loomFinetuneConfig* c = r->config;
  bool ppo = c->finetune.method == LOOM_FINETUNE_PPO;
  if (!c->imitates) return LOOM_OK;

  const loomImitationDef def = {.config = &c->gail,
                                .expert = r->def->expert,
                                .discount = ppo ? c->ppo.discount : c->td3.discount,
                                .horizon = horizon_of(r),
                                .rows = ppo ? loom_ppo_rollout_rows(&c->ppo) : c->td3.batch,
                                .seed = (uint64_t)c->finetune.seed};
  int code = loom_imitation_create(&r->imitation, &def, err);
  if (code) return code;
  return ppo ? loom_ppo_imitate(&r->learner, r->imitation, err)
             : loom_td3_imitate(&r->learner, r->imitation, err);
}

static int create_inverse(run* r, loomError* err) {
  const loomInverseDef def = {.config = &r->config->inverse,
                              .expert = r->def->demos,
                              .n = r->config->ppo.environments,
                              .first = r->def->first_feature};
  if (!r->config->inverts) return LOOM_OK;
  int code = loom_inverse_create(&r->inverse, &def, err);
  return code ? code : loom_ppo_invert(&r->learner, r->inverse, err);
}

// For evaluations, where the learner has no better way.
static int create_trial(run* r, loomError* err) {
  const loomEnvironmentMaker* maker = r->def->maker;
  if (r->learner.evaluate) return LOOM_OK;

  int code = maker->create(&r->trial, maker->source, err);
  if (code) return code;
  r->obs = calloc((size_t)maker->obs, sizeof *r->obs);
  r->action = calloc((size_t)maker->actions, sizeof *r->action);
  return r->obs && r->action ? LOOM_OK : no_memory(err);
}

static loomRunFolderDef folder_def(const run* r) {
  static const char* const own[] = {LOOM_FINETUNE_FILES, NULL};
  return (loomRunFolderDef){.path = r->def->folder,
                            .parents = true,
                            .mode = loom_folder_mode(r->def->overwrite, r->def->resume),
                            .mark = "last.safetensors",
                            .own = own,
                            .alternative = "learn in another folder"};
}

static int open_folder(run* r, loomError* err) {
  char path[LOOM_RUN_FILE_MAX];
  loomRunFolderDef def = folder_def(r);
  int code = loom_run_folder_open(&r->folder, &def, err);
  if (!code && r->folder.resumed) code = load_checkpoint(r, err);
  if (code) return code;

  char* text = loom_finetune_config_text(r->config);
  loom_run_folder_path(path, &r->folder, "config.yaml");
  code = text ? loom_file_write_text(path, text, err) : no_memory(err);
  free(text);
  return code ? code : loom_event_log_open(&r->log, r->def->folder, err);
}

static void close_run(run* r) {
  if (r->learner.destroy) r->learner.destroy(r->learner.self);
  if (r->learner.release) r->learner.release(r->learner.owner);
  loom_imitation_destroy(r->imitation);
  loom_inverse_destroy(r->inverse);
  if (r->trial.destroy) r->trial.destroy(r->trial.self);
  free(r->obs);
  free(r->action);
  loom_run_folder_close(&r->folder);
  free(r);
}

int loom_finetune(loomFinetuneState* out, const loomFinetuneDef* def, loomError* err) {
  run* r = calloc(1, sizeof *r);
  if (!r) return no_memory(err);
  loomFinetuneDef own = *def;
  loomFinetuneBase base;
  *r = (run){.def = &own, .config = def->config, .start = loom_clock()};

  // Where episodes begin is a setting like any other.
  if (def->base) {
    base = *def->base;
    base.starts = &def->config->starts;
    own.base = &base;
  }
  r->p.evaluation = r->p.deviation = r->p.best = NAN;
  int threads = loom_set_kernel_threads(def->config->finetune.threads);

  // The folder is looked at before anything is made.
  loomRunFolderDef folder = folder_def(r);
  int code = loom_run_folder_check(&folder, err);
  if (!code) code = create_learner(r, err);
  if (!code) code = create_imitation(r, err);
  if (!code) code = create_inverse(r, err);
  if (!code) code = create_trial(r, err);
  if (!code) code = open_folder(r, err);

  r->first = (int64_t)r->p.step;
  r->start = loom_clock();
  if (!code) set_state(r);
  if (!code) code = run_iterations(r, err);
  if (!code) code = run_baselines(r, err);
  *out = r->state;
  if (r->inverse && def->found) loom_inverse_look(def->found, r->inverse);

  // An event log that could not be written to its end is an error only where nothing worse happened.
  loomError unlogged = {0, ""};
  if (loom_event_log_close(r->log, &unlogged) && !code) {
    code = unlogged.code;
    if (err) *err = unlogged;
  }
  close_run(r);
  loom_set_kernel_threads(threads);
  return code;
}
