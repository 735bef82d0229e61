#include "policies/learn/residual.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/pool.h"
#include "engine/base/statistics.h"
#include "engine/data/dataset.h"
#include "engine/run/reward.h"
#include "policies/agent/residual.h"
#include "policies/learn/finetune_owner.h"

// ---- settings

#define ROW(type, member, ...) LOOM_FIELD(loomFinetuneSettings, type, member, __VA_ARGS__)
static const loomFieldDef field_rows[] = {
    ROW(TEXT, policy, .about = "file of the policy that is finetuned"),
    ROW(TEXT, data, .about = "dataset whose demos are learned from too"),
    ROW(TEXT, reward, .about = "file of what is rewarded; the task's own `reward:` unless given"),
    ROW(TEXT, reset, .about = "reset distribution; the policy's own unless given"),
    ROW(TEXT, disturb, .about = "set of disturbances of the task, or file of one, under which it learns"),
    ROW(REAL, widen, .least = 0, .most = 1,
        .about =
            "share of the episodes at an end of a range of `disturb` that must succeed for it to widen, up "
            "to its `limits`; below half of that it narrows; 0 = ranges stay"),
    ROW(INT, max_steps, .high = 1 << 20, .unit = "control steps",
        .about = "of an episode; 0 = twice the longest demo (of data, or else the task's)"),
    ROW(BOOL, limits, .about = "episodes that go beyond the task's limits end there, unrewarded"),
    ROW(INT, test, .high = 1 << 20,
        .about = "episodes of the policy before and after, from fresh starts; 0 = none"),
    LOOM_OFFSET_ROWS(loomFinetuneSettings),
    ROW(REAL, warmup_noise, .least = 0, .most = 10, .about = "deviation of offsets while it warms up"),
    ROW(INT, critics_first, .high = 1 << 28, .about = "updates of the critics before the actor's first"),
    ROW(REAL, free, .least = 0, .most = 1,
        .about = "share of the time for which offsets are tried whatever the critics expect of them"),
    ROW(REAL, keep, .least = 0, .most = 1,
        .about = "share of the successes without noise that exploring is to leave: noise and `free` shrink "
                 "and grow "
                 "with it, a quarter at first; 0 = they stay"),
    ROW(REAL, ramp, .least = 0, .most = 1,
        .about =
            "share of the run over which offsets come to be tried, for a growing share of the time, while "
            "critics learn from what the policy does alone; 0 = at once"),
    ROW(REAL, tether, .least = 0, .most = 1000,
        .about = "of offsets to 0: weight of their mean square against the critics' values"),
    ROW(REAL, margin, .least = 0, .most = 1e6,
        .about = "by which each critic has to expect more of an offset than of none for it to be added"),
    ROW(REAL, share, .least = 0, .most = 1, .about = "of each batch from demos and its own successes"),
    ROW(INT64, successes, .low = 1, .high = 1 << 28, .unit = "decisions",
        .about = "of demos and successes that are kept"),
};
const loomFields loom_finetune_settings_fields = LOOM_FIELDS(field_rows);

// Those up to `test` mean the same whatever learns.
enum { SHARED = 9 };
const loomFields loom_base_settings_fields = {field_rows, SHARED};

loomFinetuneSettings loom_default_finetune_settings(void) {
  return (loomFinetuneSettings){.limits = true,
                                .test = 200,
                                .position = 0.3,
                                .rotation = 0.3,
                                .warmup_noise = 0.08,
                                .critics_first = 1000,
                                .free = 0.25,
                                .tether = 0.03,
                                .share = 0.5,
                                .successes = 1 << 15};
}

loomTd3Config loom_default_residual_td3_config(void) {
  loomTd3Config c = loom_default_td3_config();
  c.environments = 8;
  c.buffer = 1 << 16;
  c.warmup = 1500;
  c.noise = 0.05;
  c.updates = 1;
  c.discount = 0.97;
  c.n_step = 3;
  c.critics = 3;
  return c;
}

// ---- a run

static loomResidualConfig config_of(const loomFinetuneSettings* s, const loomTd3Config* td3) {
  return (loomResidualConfig){.hold = s->hold,
                              .position = s->position,
                              .rotation = s->rotation,
                              .gripper = s->gripper,
                              .margin = s->margin,
                              .critics = td3->critics,
                              .hidden = td3->hidden};
}

static int find_reset(int* out, const loomFinetuneSettings* s, const loomFinetuneBase* base, loomError* err) {
  const char* name = s->reset[0] ? s->reset : base->policy->config.reset;
  *out = name[0] ? loom_task_find_reset(base->scene->task, name) : 0;
  if (*out >= 0) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", base->scene->task->path,
                        name);
}

// ---- demos

enum { DEMO_BLOCK = 32 };  // demos in hand at once

// One demo's decisions as transitions that end in success.
typedef struct demoRows {
  loomDemo demo;
  int n;
  loomReal* obs;     // (n + 1 x inputs)
  loomReal* action;  // (n x entries)
  loomReal* reward;  // (n)
} demoRows;

typedef struct demoBlock {
  loomFinetuneOwner* o;
  loomExperience* to;
  uint64_t seed;
  int first, n, count;  // of `count` in all
  demoRows rows[DEMO_BLOCK];
} demoBlock;

static int ask_policy(void* user, int worker, int i, loomError* err) {
  demoBlock* b = user;
  demoRows* r = &b->rows[i];
  const loomDemo* demo = &r->demo;
  size_t inputs = (size_t)b->to->def.obs, entries = (size_t)b->to->def.actions;
  (void)worker;

  r->n = loom_residual_decisions(&b->o->task, demo->rows);
  r->obs = calloc((size_t)(r->n + 1) * inputs, sizeof *r->obs);
  r->action = calloc((size_t)r->n * entries, sizeof *r->action);
  r->reward = calloc((size_t)r->n, sizeof *r->reward);
  if (!r->obs || !r->action || !r->reward) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for demos");
  return loom_residual_demo(r->obs, r->action, r->reward, &b->o->task, demo->states, demo->actions,
                            demo->rows, b->seed, (uint64_t)(b->first + i), err);
}

static int show_reading(void* user, int worker, int i, int prefix, loomError* err) {
  const demoBlock* b = user;
  loomTrialLook look = b->o->base.reading;
  (void)worker;
  (void)i;
  return look.tried && look.tried(look.user, b->first + prefix, b->count)
             ? loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted before the first step")
             : LOOM_OK;
}

static void push_demo(loomExperience* to, const demoRows* r) {
  int inputs = to->def.obs, entries = to->def.actions;
  for (int k = 0; k < r->n; k++)
    loom_experience_push(to, 0, r->obs + (ptrdiff_t)k * inputs, r->action + (ptrdiff_t)k * entries,
                         r->reward[k], r->obs + (ptrdiff_t)(k + 1) * inputs, k + 1 == r->n, false);
}

static void free_block(demoBlock* b) {
  for (int i = 0; i < b->n; i++) {
    loom_demo_destroy(&b->rows[i].demo);
    free(b->rows[i].obs);
    free(b->rows[i].action);
    free(b->rows[i].reward);
  }
}

static int check_demo(const loomDemo* demo, const loomDataset* set, const loomFinetuneOwner* o,
                      loomError* err) {
  loomEpisode* e;
  int code = loom_episode_create(&e, o->base.scene, err);
  if (code) return code;
  if (demo->state_dim != e->state_dim || demo->action_dim != e->action_dim)
    code = loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: %s: its states have %d numbers and its actions %d, where %s has %d and %d",
                          loom_dataset_path(set), demo->name, demo->state_dim, demo->action_dim,
                          o->base.scene->task->name, e->state_dim, e->action_dim);
  loom_episode_destroy(e);
  return code;
}

// What the policy does in them is asked side by side; they are learned from in their order.
static int learn_block(demoBlock* b, const loomDataset* set, loomError* err) {
  int code = LOOM_OK;
  while (!code && b->n < DEMO_BLOCK && b->first + b->n < b->count) {
    code = loom_demo_load(&b->rows[b->n].demo, set, b->first + b->n, err);
    if (!code) b->n++;
  }

  loomPoolDef pool = {
      .n = b->n, .threads = b->o->threads, .user = b, .item = ask_policy, .finished = show_reading};
  if (!code) code = loom_pool_run(&pool, err);
  for (int i = 0; !code && i < b->n; i++) push_demo(b->to, &b->rows[i]);
  return code;
}

static int open_demos(loomDataset** set, const char* path, loomError* err) {
  int code = loom_dataset_open(set, path, err);
  if (code || loom_dataset_demo_count(*set)) return code;

  loom_dataset_close(*set);
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demos to learn from", path);
}

static int learn_demos(loomFinetuneOwner* o, loomExperience* to, const char* path, uint64_t seed,
                       loomError* err) {
  loomDataset* set;
  int code = open_demos(&set, path, err);
  if (code) return code;

  int count = loom_dataset_demo_count(set);
  for (int first = 0; !code && first < count; first += DEMO_BLOCK) {
    demoBlock b = {.o = o, .to = to, .seed = seed, .first = first, .count = count};
    code = learn_block(&b, set, err);
    free_block(&b);
  }
  loom_dataset_close(set);
  return code;
}

// Of the first whether it is of this task, of the others how many rows they have.
static int look_at_demos(int* longest, const loomFinetuneOwner* o, const char* path, loomError* err) {
  loomDataset* set;
  loomDemo demo;
  int code = open_demos(&set, path, err);
  if (code) return code;

  code = loom_demo_load(&demo, set, 0, err);
  if (!code) {
    code = check_demo(&demo, set, o, err);
    loom_demo_destroy(&demo);
  }

  *longest = 0;
  for (int d = 0; !code && d < loom_dataset_demo_count(set); d++) {
    loomArray actions;
    code = loom_dataset_describe(&actions, set, loom_dataset_demo_path(set, d), "actions", err);
    if (!code && actions.shape[0] > *longest) *longest = (int)fmin((double)actions.shape[0], INT_MAX / 4);
  }
  loom_dataset_close(set);
  return code;
}

// ---- starts

static int open_starts(loomFinetuneOwner* o, const char* data, loomError* err) {
  const loomStartsDef* given = o->base.starts;
  if (given && given->curriculum != LOOM_CURRICULUM_NONE && !(given->demos > 0))
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "starts: a curriculum is of demos' states, from which no episode begins; say which "
                          "share does (demos: 0.5; --start-demos 0.5)");
  if (!given || (!(given->demos > 0) && !(given->failures > 0))) return LOOM_OK;

  // The demos that are learned from, unless others are named.
  loomStartsDef def = *given;
  if (!def.dataset[0]) snprintf(def.dataset, sizeof def.dataset, "%s", data);
  int code = loom_starts_create(&o->starts, &def, o->base.scene, o->task.reset, err);
  if (code) return code;

  loom_curriculum_begin(&o->shared.curriculum, o->starts);
  o->task.starts = o->starts;
  o->task.shared = &o->shared;
  return LOOM_OK;
}

// ---- disturbances that widen

static int open_ranges(loomFinetuneOwner* o, double widen, loomError* err) {
  loomAdrDef def = loom_default_adr_def();
  if (widen <= 0) return LOOM_OK;
  if (!o->base.disturb)
    return loom_error_set(err, LOOM_ERR_USAGE, "there are no ranges to widen; name disturbances (--disturb)");

  def.widen = widen;
  def.narrow = widen / 2;
  o->task.widens = true;
  o->task.shared = &o->shared;
  return loom_adr_begin(&o->shared.adr, o->base.disturb, &def, err);
}

static double widened_so_far(const void* self) {
  const loomFinetuneOwner* o = self;
  return loom_adr_width(&o->shared.adr);
}

static void write_ranges(FILE* out, const void* self) {
  const loomFinetuneOwner* o = self;
  loomDisturbTerm terms[LOOM_DISTURB_TERM_MAX];
  loomDisturbSet set = *o->base.disturb;
  memcpy(terms, set.terms, (size_t)set.count * sizeof *terms);
  set.terms = terms;
  loom_adr_apply(terms, &o->shared.adr);
  loom_disturb_write(out, &set);
}

static double opened_so_far(const void* self) {
  const loomFinetuneOwner* o = self;
  return loom_curriculum_progress(&o->shared.curriculum, o->starts);
}

// ---- episodes without noise

typedef struct trial {
  int done, n;
  loomTrialLook look;
} trial;

static int note_trial(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  trial* t = user;
  (void)rollout;
  (void)trace;
  (void)episode;

  t->done++;
  return t->look.tried ? t->look.tried(t->look.user, t->done, t->n) : 0;
}

// ---- what a run asks of it

// Starts that nothing is learned from: of another seed.
static loomRolloutDef trial_def(const loomFinetuneOwner* o, int n, uint64_t seed) {
  loomRolloutDef def = loom_default_rollout_def();
  def.n = n;
  def.seed = seed;
  def.reset = o->task.reset;
  def.max_steps = o->task.max_steps;
  def.threads = o->threads;
  def.disturb = o->base.disturb;
  return def;
}

static int evaluate_policy(double* mean, double* deviation, double* rewarded, void* self, int n,
                           uint64_t seed, loomTrialLook look, loomError* err) {
  loomFinetuneOwner* o = self;
  loomRolloutReport report;
  loomRolloutDef def = trial_def(o, n, seed);
  loomPolicyMaker maker = loom_trained_maker(o->base.policy);

  trial t = {.n = n, .look = look};
  def.done = note_trial;
  def.user = &t;
  if (o->learned) loom_residual_set(o->base.policy->residual, o->learned);
  int code = loom_rollout(&report, o->base.scene, &maker, &def, err);
  if (code) return code;

  *mean = report.rate;
  *deviation = sqrt(report.rate * (1 - report.rate));
  *rewarded = o->task.limits || o->task.reward->end_at_limits ? report.within_rate : report.rate;
  loom_rollout_report_destroy(&report);
  return LOOM_OK;
}

static int save_policy(const char* path, void* self, const loomSafeMeta* meta, int nmeta, loomError* err) {
  loomFinetuneOwner* o = self;
  loomTrainedExtra extra = {.nmeta = nmeta, .meta = meta};

  if (o->learned) loom_residual_set(o->base.policy->residual, o->learned);
  return loom_trained_save(path, o->base.policy, &extra, err);
}

int loom_finetune_prepare(loomFinetuneOwner* o, const loomFinetuneSettings* s, loomError* err) {
  int longest = 0;
  int code = find_reset(&o->task.reset, s, &o->base, err);
  if (!code && s->reward[0]) code = loom_reward_def_load(&o->reward, o->base.scene->task, s->reward, err);
  if (!code && o->reward) code = loom_learned_reward_open(&o->learned_reward, o->reward, err);
  if (!code && s->data[0]) code = look_at_demos(&longest, o, s->data, err);
  if (!code) code = open_starts(o, s->data, err);
  if (!code) code = open_ranges(o, s->widen, err);
  if (code) return code;

  // Episodes are no longer than they need be.
  o->task.reward = o->base.reward ? o->base.reward : o->reward ? o->reward : &o->base.scene->task->reward;
  o->task.max_steps = s->max_steps;
  if (!s->max_steps) code = loom_reward_horizon(&o->task.max_steps, o->task.reward, o->base.scene, err);
  if (!s->max_steps && !o->task.reward->horizon && longest) o->task.max_steps = 2 * longest;
  return code ? code : loom_residual_task(&o->task, err);
}

static int create_learner(loomLearner* out, loomFinetuneOwner* o, const loomFinetuneSettings* s,
                          const loomTd3Config* td3, int64_t steps, uint64_t seed, loomError* err) {
  int code = find_reset(&o->task.reset, s, &o->base, err);
  loomResidualConfig config = config_of(s, td3);
  if (!code) code = loom_residual_give(o->base.policy, &config, o->base.scene, err);
  if (!code) code = loom_finetune_prepare(o, s, err);
  if (code) return code;

  enum { LOOK = 800 };  // decisions from one look at the run to the next
  loomTd3Guide guide = {.normalized = true,
                        .gated = true,
                        .warmup_noise = s->warmup_noise,
                        .critics_first = s->critics_first,
                        .free = s->free,
                        .keep = s->keep,
                        .ramp = s->ramp,
                        .tether = s->tether,
                        .margin = s->margin,
                        .share = s->share,
                        .successes = s->successes,
                        .longest = o->task.longest,
                        .iteration = (LOOK + td3->environments - 1) / td3->environments};
  double range[2];
  if (loom_reward_range(range, o->task.reward, o->base.scene->task)) {
    guide.least = range[0];
    guide.most = range[1];
  }
  loomEnvironmentMaker maker = loom_residual_environment(&o->task);
  code = loom_td3_create(out, td3, &guide, &maker, steps, seed, o->threads, err);
  if (!code && s->data[0]) code = learn_demos(o, loom_td3_successes_of(out), s->data, seed, err);
  return code;
}

static void release_owner(void* self) {
  loomFinetuneOwner* o = self;
  loom_starts_destroy(o->starts);
  loom_learned_reward_close(o->learned_reward);
  loom_reward_def_destroy(o->reward);
  if (o->release) o->release(o->self);
  free(o);
}

int loom_finetune_own(loomFinetuneOwner** out, loomLearner* learner, const loomFinetuneSettings* s,
                      const loomFinetuneBase* base, int threads, loomError* err) {
  *learner = (loomLearner){0};
  *out = NULL;
  if (base->policy->residual)
    return loom_error_set(
        err, LOOM_ERR_UNSUPPORTED,
        "%s: has been finetuned already; finetune the policy that it was made of, for longer", s->policy);

  loomFinetuneOwner* o = *out = calloc(1, sizeof *o);
  if (!o) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to learn");
  *o = (loomFinetuneOwner){.base = *base, .threads = threads};
  o->task = (loomResidualTask){
      .scene = base->scene, .policy = base->policy, .limits = s->limits, .disturb = base->disturb};
  return LOOM_OK;
}

int loom_finetune_hand_over(loomLearner* learner, loomFinetuneOwner* o, int code) {
  if (code) {
    if (learner->destroy) learner->destroy(learner->self);
    *learner = (loomLearner){0};
    if (o) release_owner(o);
    return code;
  }

  learner->owner = o;
  learner->evaluate = evaluate_policy;
  learner->save = save_policy;
  learner->release = release_owner;
  if (o->starts) learner->opened = opened_so_far;
  if (o->task.widens) learner->widened = widened_so_far;
  if (o->task.widens) learner->write_ranges = write_ranges;
  return LOOM_OK;
}

int loom_residual_learner(loomLearner* out, const loomFinetuneSettings* s, const loomTd3Config* td3,
                          const loomFinetuneBase* base, int64_t steps, uint64_t seed, int threads,
                          loomError* err) {
  loomFinetuneOwner* o;
  int code = loom_finetune_own(&o, out, s, base, threads, err);
  if (!code) code = create_learner(out, o, s, td3, steps, seed, err);
  if (!code) o->learned = loom_td3_network_of(out);
  return loom_finetune_hand_over(out, o, code);
}

// ---- before and after

int loom_finetune_test(loomFinetuneTest* out, const loomFinetuneSettings* s, const loomFinetuneBase* base,
                       loomTrained* best, uint64_t seed, int threads, loomTrialLook look, loomError* err) {
  loomTrained* both[2] = {base->policy, best};
  loomRolloutReport report[2] = {{0}};
  trial t = {.n = 2 * s->test, .look = look};
  loomRolloutDef def = loom_default_rollout_def();
  *out = (loomFinetuneTest){.tries = calloc(2 * (size_t)s->test + 1, sizeof *out->tries)};
  int code = out->tries ? find_reset(&def.reset, s, base, err)
                        : loom_error_set(err, LOOM_ERR_MEMORY, "no memory to test");

  // As the task has it, whatever it was learned with.
  def.n = s->test;
  def.seed = seed;
  def.threads = threads;
  def.disturb = base->disturb;
  def.done = note_trial;
  def.user = &t;
  for (int k = 0; !code && k < 2; k++) {
    loomPolicyMaker maker = loom_trained_maker(both[k]);
    code = loom_rollout(&report[k], base->scene, &maker, &def, err);
  }

  loomTry *then = out->tries, *now = then + s->test;
  for (int i = 0; !code && i < s->test; i++) {
    then[i] = loom_try(&report[0].rollout[i]);
    now[i] = loom_try(&report[1].rollout[i]);
    loom_tested_add(&out->before, &then[i]);
    loom_tested_add(&out->after, &now[i]);

    bool before = then[i].end == LOOM_RUN_SUCCESS, after = now[i].end == LOOM_RUN_SUCCESS;
    out->won += after && !before;
    out->lost += before && !after;
  }
  out->p = loom_mcnemar(out->won, out->lost);
  out->kept = out->won > out->lost;
  for (int k = 0; k < 2; k++) loom_rollout_report_destroy(&report[k]);
  if (code) loom_finetune_test_destroy(out);
  return code;
}

void loom_finetune_test_destroy(loomFinetuneTest* test) {
  free(test->tries);
  *test = (loomFinetuneTest){0};
}

int loom_finetune_test_write(const char* path, const loomFinetuneTest* test, loomError* err) {
  static const char* const names[2] = {"before", "after"};
  int64_t n = test->before.n;

  // What a run gives is the policy as it was where that is no worse.
  return loom_tested_write(path, names, test->tries, test->tries + (test->kept ? n : 0), n, err);
}
