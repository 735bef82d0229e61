#include "policies/agent/residual_environment.h"

#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/judge.h"
#include "engine/run/reward.h"
#include "policies/agent/decide.h"

static_assert((int)LOOM_MAX_TERMS == (int)LOOM_TERMS_TOLD, "all terms are told");

typedef struct residualEpisode {
  const loomResidualTask* task;
  loomEpisode* e;
  void* instance;  // of the policy
  loomReward* reward;
  loomRunResult run;
  bool broken;  // MuJoCo failed in it: it must be made anew
  uint64_t seed, attempt;
  loomStart start;
  // Where ranges widen: the set with those that it was drawn from, and the end that it tries.
  loomDisturbSet set;
  loomDisturbTerm terms[LOOM_DISTURB_TERM_MAX];
  int tries;  // 2 x the range of shared->adr + the end; -1 = none
  int decisions;
  double* added;    // (longest x numbers) at each decision of this episode
  loomReal* input;  // (inputs) where there is a residual as it was last observed
} residualEpisode;

static loomPolicyMaker maker_of(const loomResidualTask* task) {
  return loom_trained_maker(task->policy);
}

// ---- made

static void close_episode(residualEpisode* r) {
  if (r->instance) maker_of(r->task).destroy(r->instance);
  loom_reward_destroy(r->reward);
  loom_episode_destroy(r->e);
  r->instance = NULL;
  r->reward = NULL;
  r->e = NULL;
}

static const loomRewardDef* reward_of(const loomResidualTask* task) {
  return task->reward ? task->reward : &task->scene->task->reward;
}

static int open_episode(residualEpisode* r, loomError* err) {
  loomPolicyMaker maker = maker_of(r->task);
  int code = loom_episode_create(&r->e, r->task->scene, err);
  if (!code) code = maker.create(&r->instance, maker.self, r->e, err);
  if (!code) code = loom_reward_create(&r->reward, reward_of(r->task), r->e, err);
  r->broken = false;
  return code;
}

static void destroy_residual(void* self) {
  residualEpisode* r = self;
  close_episode(r);
  free(r->added);
  free(r->input);
  free(r);
}

static int create_plain(residualEpisode** out, const loomResidualTask* task, loomError* err) {
  residualEpisode* r = *out = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for an episode");

  r->task = task;
  r->tries = -1;
  if (task->widens) {
    r->set = *task->disturb;
    memcpy(r->terms, task->disturb->terms, (size_t)r->set.count * sizeof *r->terms);
    r->set.terms = r->terms;
  }
  r->added = calloc((size_t)task->longest * (size_t)task->numbers, sizeof *r->added);
  r->input = calloc((size_t)task->inputs, sizeof *r->input);
  int code = r->added && r->input ? open_episode(r, err)
                                  : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for an episode");
  if (code) {
    destroy_residual(r);
    *out = NULL;
  }
  return code;
}

// ---- episodes

// What the network is asked with; where it remembers, all that it was since it last forgot.
static void keep_seen(residualEpisode* r, const loomReal* seen) {
  const loomNetworkDef* net = &r->task->policy->network.def;
  size_t dim = (size_t)net->obs_dim, rows = (size_t)loom_network_seen(net);
  int since = r->decisions % net->action_rows;
  loomReal* end = r->input + r->task->inputs;

  if (net->type->begin && since) {
    memmove(r->input + 1, r->input + 1 + dim, (size_t)(net->obs_rows - 1) * dim * sizeof *seen);
    memcpy(end - dim, seen + (rows - 1) * dim, dim * sizeof *seen);
  } else {
    memset(r->input, 0, (size_t)r->task->inputs * sizeof *seen);
    memcpy(end - rows * dim, seen, rows * dim * sizeof *seen);
  }
  if (net->type->begin) r->input[0] = (loomReal)since;
}

// What the policy sees. What it is about to do is decided when somebody asks: prepare_residuals, `observe`,
// or the next step, which takes it.
static int look(residualEpisode* r, loomError* err) {
  const loomReal* seen;
  if (r->task->policy->residual) return loom_trained_ready(r->instance, r->e, err);

  int code = loom_trained_look(&seen, r->instance, r->e, err);
  if (!code) keep_seen(r, seen);
  return code;
}

// What the residual decides from, where the policy has looked.
static void fill_input(residualEpisode* r) {
  loomDecided decided;
  if (!loom_trained_decide(&decided, r->instance, r->e, NULL))
    loom_residual_see(r->input, r->task->policy, decided.seen, decided.actions, decided.n);
}

// A failing simulation is a failed episode; all else is an error.
static int break_off(residualEpisode* r, int code, const loomError* why, loomError* err) {
  r->broken = code == LOOM_ERR_SIM;
  if (r->broken) return LOOM_OK;
  if (code && err) *err = *why;
  return code;
}

// Ranges as they are by now, and what of them the episode tries.
static void draw_ranges(residualEpisode* r, uint64_t seed, uint64_t attempt) {
  int range;
  loomAdrEnd end;
  loom_adr_apply(r->terms, &r->task->shared->adr);
  r->tries = loom_adr_try(&range, &end, &r->task->shared->adr, seed, attempt) ? 2 * range + (int)end : -1;
}

// The term whose end it tries.
static loomDisturbTerm* tried_term(residualEpisode* r, int* term) {
  *term = r->task->shared->adr.range[r->tries / 2].term;
  return &r->terms[*term];
}

static int disturb(residualEpisode* r, loomError* err) {
  const loomResidualTask* t = r->task;
  if (!t->widens) return loom_disturb_begin(r->e, t->disturb, r->seed, r->attempt, NULL, err);

  loomDisturbPin pin = {0};
  if (r->tries >= 0) pin.value = tried_term(r, &pin.term)->range[r->tries % 2];
  return loom_disturb_begin(r->e, &r->set, r->seed, r->attempt, r->tries < 0 ? NULL : &pin, err);
}

// What came of an end that is still there.
static void note_end(residualEpisode* r, bool success) {
  loomAdr* adr = &r->task->shared->adr;
  int term, end = r->tries % 2;
  if (r->tries < 0) return;

  double tried = tried_term(r, &term)->range[end];
  if (tried == adr->range[r->tries / 2].end[end])
    loom_adr_note(NULL, adr, r->tries / 2, (loomAdrEnd)end, success);
  r->tries = -1;
}

static int begin_at_start(residualEpisode* r, loomError* err) {
  const loomResidualTask* t = r->task;
  int code = t->starts ? loom_start_begin(r->e, t->starts, &r->start, r->seed, err)
                       : loom_episode_reset(r->e, t->reset, r->seed, r->attempt, err);
  return !code && t->disturb ? disturb(r, err) : code;
}

static const loomStages* stages_of(const residualEpisode* r) {
  return r->task->starts ? loom_start_stages(r->task->starts, &r->start) : NULL;
}

// Episode number `attempt` from r->start.
static int begin_residual(residualEpisode* r, uint64_t seed, uint64_t attempt, loomError* err) {
  const loomPolicyMaker maker = maker_of(r->task);
  loomPolicy policy;
  loomError why = {0, ""};
  int code = LOOM_OK;
  if (r->broken) {
    close_episode(r);
    code = open_episode(r, err);
    if (code) return code;
  }

  r->seed = seed;
  r->attempt = attempt;
  r->decisions = 0;
  code = begin_at_start(r, &why);
  if (!code) code = maker.begin(&policy, r->instance, r->e, seed, attempt, &why);
  if (!code) loom_judge_begin(&r->run, r->e);
  if (!code) loom_reward_begin(r->reward, r->e, stages_of(r));
  if (!code) code = look(r, &why);
  if (code) memset(r->input, 0, (size_t)r->task->inputs * sizeof *r->input);
  return break_off(r, code, &why, err);
}

static int reset_residual(void* self, uint64_t seed, uint64_t attempt, loomError* err) {
  residualEpisode* r = self;
  if (r->task->starts)
    loom_start_draw(&r->start, r->task->starts, &r->task->shared->curriculum, seed, attempt);
  if (r->task->widens) draw_ranges(r, seed, attempt);
  return begin_residual(r, seed, attempt, err);
}

// In the order of the environments: what others draw next depends on it.
static void end_residual(void* self, bool success) {
  residualEpisode* r = self;
  if (r->task->starts)
    loom_curriculum_note(&r->task->shared->curriculum, r->task->starts, &r->start, success);
  if (r->task->widens) note_end(r, success);
}

static bool begins_elsewhere(const void* self) {
  const residualEpisode* r = self;
  return (r->task->starts && r->start.kind != LOOM_START_RESET) || (r->task->widens && r->tries >= 0);
}

static int horizon_of(const residualEpisode* r) {
  const loomResidualTask* t = r->task;
  return t->starts ? loom_start_horizon(t->starts, &r->start, t->max_steps) : t->max_steps;
}

// What the control step just taken brought: success, failure, or no more time.
static void judge(loomEnvironmentStep* out, residualEpisode* r) {
  loomRunDef def = loom_reward_run_def(reward_of(r->task), r->e->scene->task, horizon_of(r));
  def.stop_at_breach = def.stop_at_breach || r->task->limits;
  if (loom_judge_step(&r->run, &def, r->e)) return;

  out->success = r->run.end == LOOM_RUN_SUCCESS;
  out->truncated = r->run.end == LOOM_RUN_TIMEOUT;
  out->terminated = !out->truncated;
}

static int step_once(loomEnvironmentStep* out, residualEpisode* r, const double* offset, loomError* err) {
  double action[LOOM_MAX_ACTION];
  int code = loom_trained_decide(NULL, r->instance, r->e, err);
  if (code) return code;

  loom_trained_take(action, r->instance, r->e);
  if (r->task->policy->residual) loom_residual_add(action, &r->task->space, offset);
  if (r->e->disturbance) loom_disturb_act(action, r->e);
  if (r->e->disturbance) code = loom_disturb_step(r->e, err);
  if (!code) code = loom_episode_step(r->e, action, err);
  if (code) return code;

  double reward, term[LOOM_MAX_TERMS] = {0};
  judge(out, r);
  code = loom_reward_step(&reward, term, r->reward, r->e, &r->run, err);
  out->reward += reward;
  for (int k = 0; k < LOOM_MAX_TERMS; k++) out->term[k] += term[k];
  return code;
}

// What is done from now on: the action is in the range of the space, offsets are in [-1, 1]; or it is what
// the network says.
static void take_action(residualEpisode* r, double* to, const double* action) {
  const loomResidualTask* t = r->task;
  for (int k = 0; k < t->numbers; k++)
    to[k] = t->policy->residual ? action[k] / t->space.range[k][1] : action[k];
  if (t->policy->residual) return;

  loomReal said[LOOM_RESIDUAL_NUMBERS];
  for (int k = 0; k < t->numbers; k++) said[k] = (loomReal)action[k];
  loom_trained_tell(r->instance, said);
}

static int step_residual(loomEnvironmentStep* out, void* self, const double* action, loomError* err) {
  residualEpisode* r = self;
  double* offset = r->added + (ptrdiff_t)r->decisions * r->task->numbers;
  loomError why = {0, ""};
  int code = LOOM_OK;
  *out = (loomEnvironmentStep){0};
  take_action(r, offset, action);

  r->decisions++;
  for (int t = 0; !r->broken && !code && t < r->task->hold; t++) {
    code = break_off(r, step_once(out, r, offset, &why), &why, err);
    out->steps++;
    if (out->terminated || out->truncated) break;
  }
  if (!code && !r->broken) code = break_off(r, look(r, &why), &why, err);

  // A broken simulation has failed, whatever it seemed to be.
  if (r->broken) {
    *out = (loomEnvironmentStep){.terminated = true, .steps = out->steps};
    memset(r->input, 0, (size_t)r->task->inputs * sizeof *r->input);
  }
  return code;
}

static void observe_residual(double* obs, void* self) {
  residualEpisode* r = self;
  if (r->task->policy->residual && !r->broken) fill_input(r);
  for (int i = 0; i < r->task->inputs; i++) obs[i] = (double)r->input[i];
}

// What falls due in several episodes at once is decided with one way through the network's parameters.
static void prepare_residuals(loomEnvironment* environment, int n) {
  void* due[LOOM_TOGETHER];
  int count = 0;

  for (int i = 0; i < n; i++) {
    const residualEpisode* r = environment[i].self;
    if (!r->broken && loom_trained_is_due(r->instance)) due[count++] = r->instance;
    if (!count || (count < LOOM_TOGETHER && i < n - 1)) continue;
    loom_trained_decide_together(due, count);
    count = 0;
  }
}

// ---- snapshots

enum { HEAD = 3, START = 5 };  // seed, attempt, decisions, then where starts are drawn, the start

// Numbers before what was added, in places of doubles.
static size_t head_of(const loomResidualTask* t) {
  return t->starts ? HEAD + START : HEAD;
}

// What it tries, and each range that it was drawn from.
static size_t ranges_of(const loomResidualTask* t) {
  return t->widens ? 1 + 2 * (size_t)t->shared->adr.count : 0;
}

static double* write_ranges(double* out, const residualEpisode* r) {
  if (!r->task->widens) return out;
  *out++ = r->tries;
  for (int i = 0; i < r->task->shared->adr.count; i++, out += 2)
    memcpy(out, r->terms[r->task->shared->adr.range[i].term].range, 2 * sizeof *out);
  return out;
}

static const double* read_ranges(residualEpisode* r, const double* from) {
  if (!r->task->widens) return from;
  r->tries = (int)*from++;
  for (int i = 0; i < r->task->shared->adr.count; i++, from += 2)
    memcpy(r->terms[r->task->shared->adr.range[i].term].range, from, 2 * sizeof *from);
  return from;
}

static void snapshot_residual(void* out, const void* self) {
  const residualEpisode* r = self;
  const loomStart* s = &r->start;
  uint64_t head[HEAD + START] = {r->seed,    r->attempt,        (uint64_t)r->decisions, s->kind,
                                 s->attempt, (uint64_t)s->demo, (uint64_t)s->row,       s->frontier};
  size_t n = (size_t)r->task->longest * (size_t)r->task->numbers;

  // What earlier episodes left behind is nobody's.
  memcpy(out, head, head_of(r->task) * sizeof *head);
  double* added = write_ranges((double*)((char*)out + head_of(r->task) * sizeof *head), r);
  memset(added, 0, n * sizeof *added);
  memcpy(added, r->added, (size_t)r->decisions * (size_t)r->task->numbers * sizeof *added);
}

static int restore_residual(void* self, const void* snapshot, loomError* err) {
  residualEpisode* r = self;
  const loomResidualTask* t = r->task;
  const double* added =
      read_ranges(r, (const double*)((const char*)snapshot + head_of(r->task) * sizeof(uint64_t)));
  uint64_t head[HEAD + START] = {0};
  memcpy(head, snapshot, head_of(r->task) * sizeof *head);

  // Where it began was drawn when the curriculum was not yet what it is.
  r->start = (loomStart){.kind = (loomStartKind)head[3],
                         .attempt = head[4],
                         .demo = (int)head[5],
                         .row = (int)head[6],
                         .frontier = head[7] != 0};
  int code = begin_residual(r, head[0], head[1], err);

  for (int d = 0; !code && d < (int)head[2] && d < t->longest; d++, added += t->numbers) {
    loomEnvironmentStep step;
    double action[LOOM_RESIDUAL_NUMBERS] = {0};
    for (int k = 0; k < t->numbers; k++)
      action[k] = added[k] * (t->policy->residual ? t->space.range[k][1] : 1);
    code = step_residual(&step, r, action, err);
  }
  return code;
}

static int create_residual(loomEnvironment* out, const void* source, loomError* err) {
  residualEpisode* r;
  int code = create_plain(&r, source, err);
  if (code) return code;

  *out = (loomEnvironment){.self = r,
                           .reset = reset_residual,
                           .step = step_residual,
                           .observe = observe_residual,
                           .snapshot = snapshot_residual,
                           .restore = restore_residual,
                           .destroy = destroy_residual,
                           .ended = end_residual,
                           .elsewhere = begins_elsewhere};
  return LOOM_OK;
}

// ---- the task

int loom_residual_task(loomResidualTask* t, loomError* err) {
  loomEpisode* e;
  void* instance = NULL;
  loomPolicyMaker maker = maker_of(t);
  const loomNetworkDef* net = &t->policy->network.def;
  t->hold = t->policy->residual ? t->policy->residual->config.hold : loom_network_decided(net);
  t->longest = (t->max_steps + t->hold - 1) / t->hold;

  // An instance is made once, so that a policy that does not fit is known now.
  int code = loom_episode_create(&e, t->scene, err);
  if (code) return code;
  if (t->policy->residual) {
    loom_residual_space(&t->space, &t->policy->residual->config, e);
    t->numbers = t->space.n;
    t->inputs = loom_residual_inputs(t->policy);
  } else {
    t->numbers = t->hold * t->policy->actions.dim;
    t->inputs = net->type->begin ? 1 + net->obs_rows * net->obs_dim : loom_network_seen(net) * net->obs_dim;
  }
  if (t->numbers > LOOM_RESIDUAL_NUMBERS)
    code = loom_error_set(err, LOOM_ERR_UNSUPPORTED, "a policy that decides %d numbers at once; at most %d",
                          t->numbers, LOOM_RESIDUAL_NUMBERS);
  if (!code) code = maker.create(&instance, maker.self, e, err);
  if (instance) maker.destroy(instance);
  loom_episode_destroy(e);
  return code;
}

loomEnvironmentMaker loom_residual_environment(const loomResidualTask* t) {
  bool together = t->policy->residual && loom_network_together(&t->policy->network.def);
  return (loomEnvironmentMaker){.source = t,
                                .obs = t->inputs,
                                .actions = t->numbers,
                                .range = t->policy->residual ? t->space.range[0] : NULL,
                                .common = t->starts || t->widens ? t->shared : NULL,
                                .common_size = t->widens   ? sizeof *t->shared
                                               : t->starts ? sizeof t->shared->curriculum
                                                           : 0,
                                .snapshot_size = head_of(t) * sizeof(uint64_t) +
                                                 ranges_of(t) * sizeof(double) +
                                                 (size_t)t->longest * (size_t)t->numbers * sizeof(double),
                                .create = create_residual,
                                .prepare = together ? prepare_residuals : NULL};
}

// ---- demos

int loom_residual_decisions(const loomResidualTask* t, int rows) {
  return (rows + t->hold - 1) / t->hold;
}

// Row t of the demo as the policy meets it, and how far off what was done is from what it would have done.
static int compare_row(double* off, residualEpisode* r, const double* done, loomError* err) {
  const loomResidualSpace* space = &r->task->space;
  double action[LOOM_MAX_ACTION];
  int code = loom_trained_decide(NULL, r->instance, r->e, err);
  if (code) return code;

  loom_trained_take(action, r->instance, r->e);
  for (int k = 0; k < space->n; k++)
    off[k] += (done[space->entry[k]] - fmin(fmax(action[space->entry[k]], space->low[k]), space->high[k])) /
              space->range[k][1];
  return LOOM_OK;
}

// What the control step that led to the present state was rewarded; the last one brought success.
static int reward_row(loomReal* out, residualEpisode* r, const double* done, bool last, loomError* err) {
  const loomRunDef def = {.max_steps = INT_MAX};
  double reward;
  memcpy(r->e->action, done, sizeof *done * (size_t)r->e->action_dim);

  // Demos end when success has held, and at nothing else.
  loom_judge_step(&r->run, &def, r->e);
  if (last) {
    r->run.end = LOOM_RUN_SUCCESS;
    r->run.over = true;
  }

  int code = loom_reward_step(&reward, NULL, r->reward, r->e, &r->run, err);
  *out += (loomReal)reward;
  return code;
}

int loom_residual_demo(loomReal* obs, loomReal* action, loomReal* reward, const loomResidualTask* t,
                       const double* states, const double* actions, int rows, uint64_t seed, uint64_t number,
                       loomError* err) {
  const loomPolicyMaker maker = maker_of(t);
  residualEpisode* r;
  loomPolicy policy;
  int n = t->space.n, hold = t->hold, inputs = t->inputs;
  int code = create_plain(&r, t, err);
  if (code) return code;

  memset(reward, 0, (size_t)loom_residual_decisions(t, rows) * sizeof *reward);
  for (int row = 0; !code && row < rows;) {
    double off[LOOM_MAX_ACTION] = {0};
    int first = row;
    for (; !code && row < rows && row < first + hold; row++) {
      code = loom_episode_show(r->e, states + (ptrdiff_t)row * r->e->state_dim, NULL, err);
      if (!code && row)
        code = reward_row(reward + (row - 1) / hold, r, actions + (ptrdiff_t)(row - 1) * r->e->action_dim,
                          false, err);
      if (!code && !row) loom_judge_begin(&r->run, r->e);
      if (!code && !row) loom_reward_begin(r->reward, r->e, NULL);
      if (!code && !row) code = maker.begin(&policy, r->instance, r->e, seed, number, err);
      if (!code && row == first) code = look(r, err);
      if (!code && row == first) fill_input(r);
      if (!code) code = compare_row(off, r, actions + (ptrdiff_t)row * r->e->action_dim, err);
    }
    memcpy(obs + (ptrdiff_t)(first / hold) * inputs, r->input, (size_t)inputs * sizeof *obs);
    for (int k = 0; k < n; k++)
      action[first / hold * n + k] = (loomReal)fmin(fmax(off[k] / (row - first), -1), 1);
  }

  // The state that the last action led to is not in a demo: it is taken for the one before.
  if (!code)
    code = reward_row(reward + (rows - 1) / hold, r, actions + (ptrdiff_t)(rows - 1) * r->e->action_dim, true,
                      err);
  destroy_residual(r);
  return code;
}
