#include "tools/command/finetune_run.h"

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
#include "engine/run/task_environment.h"
#include "engine/scene/library.h"
#include "policies/agent/learned_reward.h"
#include "policies/learn/finetune.h"
#include "tools/command/finetune_results.h"
#include "tools/shared/policy_task.h"

enum { SEEDS = FINETUNE_SEEDS };

int finetune_take_text(char* to, size_t room, const char* option, const char* text, loomError* err) {
  if (!text || snprintf(to, room, "%s", text) < (int)room) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s: longer than %zu bytes", option, room - 1);
}

void finetune_take_numbers(const finetuneNumber* number, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (number[i].from >= 0) *number[i].to = (int)number[i].from;
}

void finetune_take_given(loomFinetuneConfig* c, const finetuneGiven* given) {
  const finetuneNumber number[] = {{given->seed, &c->finetune.seed},
                                   {given->threads, &c->finetune.threads},
                                   {given->evaluate, &c->finetune.evaluate},
                                   {given->environments, &c->ppo.environments},
                                   {given->environments, &c->td3.environments},
                                   {given->test, &c->residual.test}};
  finetune_take_numbers(number, sizeof number / sizeof *number);
  if (given->steps > 0) c->finetune.steps = given->steps;
}

// What is learned in: a control task, or the scene of a policy or of robots that begin from scratch.
typedef struct place {
  loomControlTask* control;
  loomControlScene* control_scene;
  loomEnvironmentMaker maker;  // of what is learned from scratch
  loomLearnedSteps* steps;     // its terms that were learned, or NULL
  loomTask* task;
  loomScene* scene;
  const loomDisturbSet* disturb;  // of the task, or NULL
  loomTaskSource source;          // of robots from scratch, with
  double* range;                  // their actions' range,
  loomRewardDef* reward;          // the reward of a file, or NULL,
  loomLearnedReward* learned;     // and what of that was learned
  loomImitated expert;            // of a plain control task's demos, where a discriminator rewards
  loomRewardDef* features;        // of a scene, where a reward is looked for,
  int first_feature;              // and of a control task their first place among its terms
  loomFeatureSums demos;          // and what the expert's episodes sum up to in them
  uint64_t digest;
} place;

static void close_place(place* p) {
  loom_imitated_destroy(&p->expert);
  loom_feature_sums_destroy(&p->demos);
  loom_reward_def_destroy(p->features);
  loom_control_scene_destroy(p->control_scene);
  loom_control_task_destroy(p->control);
  loom_learned_steps_close(p->steps);
  loom_learned_reward_close(p->learned);
  loom_reward_def_destroy(p->reward);
  free(p->range);
  loom_scene_destroy(p->scene);
  loom_task_destroy(p->task);
}

// The same rows for all seeds of a run.
static loomImitatedPick pick_of(const loomFinetuneConfig* c) {
  return (loomImitatedPick){.demos = c->gail.demos, .every = c->gail.every};
}

// What the expert's demos sum up to, replayed in the place.
static int sum_demos(place* p, const loomFinetuneConfig* c, loomError* err) {
  const loomReplayPlace at = {.control = p->control_scene,
                              .first = p->first_feature,
                              .scene = p->scene,
                              .reward = p->features,
                              .features = c->inverse.features.n};
  loomReplays* replays;
  int code = loom_replays_create(&replays, c->inverse.data, &at, c->inverse.demos, err);
  if (code) return code;

  code = loom_replays_expert(&p->demos, replays, c->finetune.threads, err);
  loom_replays_destroy(replays);
  return code ? code : loom_hash_file(&p->digest, c->inverse.data, err);
}

// Terms of a file instead of the task's own; behind them features, whose weights are looked for.
static int change_reward(place* p, const loomFinetuneConfig* c, loomError* err) {
  const char* path = c->residual.reward;
  int code = path[0] ? loom_control_reward_load(p->control, path, err) : 0;
  if (!code && path[0]) code = loom_learned_steps_open(&p->steps, p->control, path, err);
  p->first_feature = p->control->reward_count;
  return code || !c->inverts ? code : loom_features_to_control(p->control, &c->inverse.features, err);
}

static int open_control(place* p, const loomFinetuneConfig* c, const finetuneRun* a, loomError* err) {
  const char* path = c->finetune.task;
  if (c->residual.contexts[0] || c->residual.reset[0])
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: is a plain control task, which has no contexts and one way to begin", path);

  int code = loom_control_task_load(&p->control, path, err);
  if (!code) code = tool_known_assets(a->roots, p->control->asset, path, err);
  if (!code) code = change_reward(p, c, err);
  if (!code) code = loom_control_scene_create(&p->control_scene, p->control, a->roots, err);
  if (!code) code = loom_learned_steps_check(p->steps, p->control_scene->obs, p->control_scene->actions, err);
  if (code) return code;

  p->maker = loom_control_environment(p->control_scene);
  p->digest = p->control->digest;
  if (c->inverts) return sum_demos(p, c, err);
  if (!c->imitates) return 0;

  const loomImitatedPick pick = pick_of(c);
  code = loom_imitated_of_control(&p->expert, c->gail.data, p->control_scene, &pick, err);
  return code ? code : loom_hash_file(&p->digest, c->gail.data, err);
}

// Of the reward's file, and of what its terms name.
static int hash_reward(uint64_t* digest, const char* path, const loomTask* task, loomError* err) {
  loomRewardDef* def;
  if (!path[0]) return 0;
  int code = loom_hash_file(digest, path, err);
  if (!code) code = loom_reward_def_load(&def, task, path, err);
  if (code) return code;
  code = loom_learned_reward_hash(digest, def, err);
  loom_reward_def_destroy(def);
  return code;
}

// Of robots from scratch: what is rewarded, and what their episodes look like.
static int set_source(place* p, const loomFinetuneConfig* c, loomError* err) {
  const loomFinetuneSettings* s = &c->residual;
  loomTaskSource* source = &p->source;
  int code = s->reward[0] ? loom_reward_def_load(&p->reward, p->task, s->reward, err) : 0;
  if (!code && p->reward) code = loom_learned_reward_open(&p->learned, p->reward, err);
  if (!code && s->contexts[0]) code = loom_context_find(&source->context, p->task, s->contexts, err);
  if (!code && source->context) code = loom_disturb_check(source->context, p->scene, err);
  if (code) return code;

  source->scene = p->scene;
  source->reward = p->reward ? p->reward : &p->task->reward;
  source->max_steps = source->reward->horizon;
  source->contexts = s->context_count;
  source->context_seed =
      (uint64_t)c->finetune.seed + ((uint64_t)3 << 40);  // not those of pictures by the same
  source->reset = s->reset[0] ? loom_task_find_reset(p->task, s->reset) : 0;
  return source->reset >= 0 ? 0
                            : loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'",
                                             p->task->path, s->reset);
}

static int open_robots(place* p, const loomFinetuneConfig* c, const finetuneRun* a, loomError* err) {
  const char* name = c->finetune.task;
  if (c->imitates || c->inverts)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: has no `gym:`; only plain control tasks can be learned from scratch by demos "
                          "yet",
                          name);

  int code = loom_task_find(&p->task, name, err);
  if (!code) code = tool_assets(a->roots, p->task, err);
  if (!code) code = loom_scene_of_task(&p->scene, p->task, a->roots, err);
  if (!code) code = set_source(p, c, err);
  if (!code) code = loom_task_environment(&p->maker, &p->range, &p->source, err);
  if (code) return code;

  for (int i = 0; i < 2 * p->maker.actions; i++)
    if (!isfinite(p->range[i]))
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                            "%s: its controller takes poses as they are, of any size; from scratch it is "
                            "to take moves (`delta: true`)",
                            p->task->path);

  p->digest = p->task->digest;
  const loomDisturbSet* context = p->source.context;
  if (context) p->digest = loom_hash(p->digest, &context->digest, sizeof context->digest);
  return hash_reward(&p->digest, c->residual.reward, p->task, err);
}

static int open_scratch(place* p, const loomFinetuneConfig* c, const finetuneRun* a, loomError* err) {
  return (loom_is_control_task(c->finetune.task) ? open_control : open_robots)(p, c, a, err);
}

static int open_scene(place* p, loomFinetuneConfig* c, const finetuneRun* a, loomError* err) {
  loomTrained trained;
  const char* path = c->residual.policy;
  if (loom_is_control_task(c->finetune.task))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: is a plain control task, which no policy of demos is for; it "
                          "is learned with --scratch",
                          c->finetune.task);
  int code = loom_trained_load(&trained, path, err);
  if (code) return code;

  code = tool_policy_task(&p->task, &trained, path, c->finetune.task, err);
  if (!c->finetune.task[0]) snprintf(c->finetune.task, sizeof c->finetune.task, "%s", trained.config.task);
  loom_trained_destroy(&trained);

  if (!code) code = tool_assets(a->roots, p->task, err);
  if (!code) code = loom_scene_of_task(&p->scene, p->task, a->roots, err);
  if (!code && c->residual.disturb[0])
    code = loom_disturb_find(&p->disturb, p->task, c->residual.disturb, err);
  if (!code && p->disturb) code = loom_disturb_check(p->disturb, p->scene, err);
  if (!code) p->digest = p->task->digest;
  if (!code && p->disturb) p->digest = loom_hash(p->digest, &p->disturb->digest, sizeof p->disturb->digest);

  // What files hold, so that nobody goes on with others.
  if (!code) code = loom_hash_file(&p->digest, path, err);
  if (!code) code = hash_reward(&p->digest, c->residual.reward, p->task, err);
  if (!code) code = loom_hash_file(&p->digest, c->starts.dataset, err);
  if (!code && c->imitates) code = loom_hash_file(&p->digest, c->gail.data, err);
  if (!code && c->inverts) {
    code = loom_features_to_reward(&p->features, p->task, &c->inverse.features, err);
    if (!code) code = sum_demos(p, c, err);
  }
  return code ? code : loom_hash_file(&p->digest, c->residual.data, err);
}

static int open_place(place* p, loomFinetuneConfig* c, const finetuneRun* a, loomError* err) {
  return c->of_policy ? open_scene(p, c, a, err) : open_scratch(p, c, a, err);
}

// ---- runs

// One run, or one a seed side by side.
typedef struct runs {
  const finetuneRun* run;
  const loomFinetuneConfig* config;
  const loomFinetuneDef* def;
  const place* place;
  int n;
  loomFinetuneState state[SEEDS];
  loomFinetuneTest test[SEEDS];
  loomFinetuneTest disturbed[SEEDS];  // of --disturb
  loomInverseLook found[SEEDS];       // where a reward is looked for
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

  // The last look at a run may come after more steps than it was to have. The rate is this process's, of one
  // run without what it read before.
  if (steps < step) steps = step;
  double seconds = all->n == 1 ? s->seconds : loom_clock() - all->start;
  tool_progress_from("learned", first, step, steps, seconds, note);
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
  const loomImitatedPick pick = pick_of(c);
  loomImitated expert = {0};
  loomTrained policy;
  int code = loom_trained_load(&policy, c->residual.policy, err);
  if (code) return code;

  // Demos as this very policy sees them.
  if (c->imitates)
    code = loom_imitated_of_policy(&expert, c->gail.data, &policy, all->place->scene, &pick, err);
  loomFinetuneBase base = {.policy = &policy,
                           .scene = all->place->scene,
                           .disturb = all->place->disturb,
                           .reward = all->place->features,
                           .reading = {show_reading, self}};
  def->base = &base;
  def->expert = &expert;
  if (!code) code = loom_finetune(&all->state[self->i], def, err);
  if (!code) code = test_policy(self, c, &base, def->folder, err);
  loom_imitated_destroy(&expert);
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
  snprintf(folder, sizeof folder, "%s", all->run->folder);
  if (all->run->nseed) {
    config.finetune.seed = (int)all->run->seeds[i];
    if (all->n > 1) config.finetune.threads = 1;
    snprintf(folder, sizeof folder, "%s/seed-%d", all->run->folder, config.finetune.seed);
  }

  def.config = &config;
  def.found = &all->found[i];
  def.folder = folder;
  def.progress = show_iteration;
  def.evaluating = (loomTrialLook){show_evaluation, &self};
  def.user = &self;
  int code = config.of_policy ? run_policy(&self, &def, err) : loom_finetune(&all->state[i], &def, err);
  return code ? tool_go_on(err, code, folder, "last.safetensors") : 0;
}

static int run_all(runs* all, loomError* err) {
  if (strlen(all->run->folder) >= LOOM_PATH_MAX - 32)
    return loom_error_set(err, LOOM_ERR_USAGE, "-o: a path longer than %d bytes", LOOM_PATH_MAX - 33);

  // A single one has the threads for itself.
  all->n = all->run->nseed ? all->run->nseed : 1;
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
                       .found = all->found,
                       .core_seconds = core_seconds,
                       .seconds = loom_clock() - all->start};

  for (int i = 0; i < all->n; i++) {
    r.evaluation[i] = all->state[i].evaluation;
    r.training[i] = all->state[i].training_return;
    r.won[i] = all->state[i].won;
    r.baselines[i] = all->state[i].baselines;
    r.steps += all->state[i].step;
  }
  return r;
}

// A discriminator that is always right says no longer which way is better.
static void warn_of_winner(const runs* all) {
  for (int i = 0; i < all->n; i++)
    if (all->state[i].won)
      fprintf(
          stderr,
          "demoloom: warning: run %d: after iteration %lld the discriminator had been right about 99 %% of "
          "both classes for %d iterations; fewer `updates`, a lower `rate`, a higher `penalty` or "
          "--discriminator wgan help\n",
          i + 1, (long long)all->state[i].won, LOOM_WIN_ROUNDS);
}

static void print_all(runs* all, double cpu) {
  finetuneResults r = results_of(all, loom_process_cpu() - cpu);
  warn_of_winner(all);
  if (all->run->json)
    finetune_print_json(all->config, &r);
  else
    finetune_print_results(all->config, &r, all->run->folder);
}

int finetune_run(const finetuneRun* run, loomError* err) {
  place at = {0};
  double cpu = loom_process_cpu();
  runs all = {.run = run, .config = run->config, .place = &at, .showing = ATOMIC_FLAG_INIT};
  int code = loom_folder_check_place(run->folder, 0, err);
  if (!code) code = open_place(&at, run->config, run, err);

  if (!code) {
    tool_catch_signals();
    loomFinetuneDef def = {.maker = &at.maker,
                           .expert = &at.expert,
                           .demos = &at.demos,
                           .first_feature = at.first_feature,
                           .baselines = run->baselines,
                           .digest = at.digest,
                           .overwrite = run->overwrite,
                           .resume = run->resume,
                           .stop = &tool_stop};
    all.def = &def;
    code = run_all(&all, err);
  }
  if (!code) print_all(&all, cpu);

  for (int i = 0; i < SEEDS; i++) {
    loom_finetune_test_destroy(&all.test[i]);
    loom_finetune_test_destroy(&all.disturbed[i]);
  }
  close_place(&at);
  return code;
}
