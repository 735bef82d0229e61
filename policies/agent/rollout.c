#include "policies/agent/rollout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/pool.h"
#include "engine/base/statistics.h"
#include "engine/run/jerk.h"
#include "policies/agent/rollout_share.h"

const char* loom_run_end_name(loomRunEnd end) {
  static const char* const names[] = {"success", "lost", "done", "timeout", "simulator", "breached"};
  return names[end];
}

loomRolloutDef loom_default_rollout_def(void) {
  return (loomRolloutDef){.n = 50};
}

// ---- workers

// An episode in hand, and who drives it.
typedef struct lane {
  loomEpisode* episode;
  void* instance;
  loomTrace trace;
  loomPolicy policy;  // of the episode in hand
  loomRunResult run;  // how it goes
  loomJerk jerk;      // of it
  int number;         // of it, 0 .. n - 1
  bool over, due;     // it ended as it began; it has to decide where it is
  bool elsewhere;     // another process runs it, or has
  double ahead;       // s that went into its next decision before it acts
  float* taken;       // where its decisions' seconds go
  int decisions;
  bool broken;  // its last episode ended in an error of MuJoCo's
} lane;

// Episodes of a worker side by side: after Ctrl-C one of them has to end.
enum { MOST_LANES = LOOM_ROLLOUT_LANES };

typedef struct worker {
  lane lane[MOST_LANES];
} worker;

typedef struct rollouts {
  loomRolloutReport* report;
  const loomScene* scene;
  const loomPolicyMaker* maker;
  const loomRolloutDef* def;
  loomRunDef run;
  int worker_count, lanes;
  worker* workers;
  float* taken;         // (n x max_steps) s a decision
  int* decisions;       // (n)
  loomShareRun pieces;  // what other processes run, where they do
} rollouts;

static int create_lane(lane* l, const rollouts* r, loomError* err) {
  l->number = -1;
  int code = loom_episode_create(&l->episode, r->scene, err);
  if (!code) code = r->maker->create(&l->instance, r->maker->self, l->episode, err);
  if (!code && r->def->traces) code = loom_trace_create(&l->trace, l->episode, r->run.max_steps, err);
  return code;
}

static void destroy_lane(lane* l, const rollouts* r) {
  if (l->instance) r->maker->destroy(l->instance);
  loom_episode_destroy(l->episode);
  loom_trace_destroy(&l->trace);
  *l = (lane){0};
}

// As many episodes side by side as leave every worker some.
static int count_lanes(const rollouts* r) {
  int lanes = r->def->n / r->worker_count, most = r->maker->together;
  if (most > MOST_LANES) most = MOST_LANES;
  if (lanes > most) lanes = most;
  return lanes > 1 ? lanes : 1;
}

static int create_workers(rollouts* r, loomError* err) {
  r->worker_count = loom_pool_workers(r->def->threads, r->def->n);
  r->lanes = count_lanes(r);
  r->workers = calloc((size_t)r->worker_count, sizeof *r->workers);

  r->taken = calloc((size_t)r->def->n * (size_t)r->run.max_steps, sizeof *r->taken);
  r->decisions = calloc((size_t)r->def->n, sizeof *r->decisions);
  r->report->rollout = calloc((size_t)r->def->n, sizeof *r->report->rollout);

  if (!r->workers || !r->taken || !r->decisions || !r->report->rollout)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d rollouts", r->def->n);

  int code = 0;
  for (int i = 0; i < r->worker_count; i++)
    for (int k = 0; !code && k < r->lanes; k++) code = create_lane(&r->workers[i].lane[k], r, err);
  return code;
}

static void destroy_workers(rollouts* r) {
  for (int i = 0; r->workers && i < r->worker_count; i++)
    for (int k = 0; k < r->lanes; k++) destroy_lane(&r->workers[i].lane[k], r);
  free(r->workers);
  free(r->taken);
  free(r->decisions);
}

// ---- one episode

static int timed_reset(void* self, loomEpisode* episode, loomError* err) {
  const lane* l = self;
  return l->policy.reset ? l->policy.reset(l->policy.self, episode, err) : 0;
}

static int timed_act(double* action, void* self, loomEpisode* episode, loomError* err) {
  lane* l = self;

  // Judged of the states that actions are chosen in, as limits are.
  loom_jerk_state(&l->jerk, episode);
  double start = loom_clock();
  int code = l->policy.act(action, l->policy.self, episode, err);
  l->taken[l->decisions++] = (float)(loom_clock() - start + l->ahead);
  l->ahead = 0;
  return code;
}

static loomPolicy timed_policy(lane* l) {
  return (loomPolicy){l, timed_reset, timed_act};
}

// Where the policy does not decide ahead of its acts it is never due.
static int look_ahead(const rollouts* r, lane* l, loomError* err) {
  if (r->lanes == 1) return 0;
  double start = loom_clock();
  int code = r->maker->look(&l->due, l->instance, l->episode, err);

  double seconds = loom_clock() - start;
  l->ahead += seconds;
  l->episode->times.plan += seconds;
  return code;
}

static uint64_t start_of(const rollouts* r, int i) {
  return r->def->starts ? r->def->starts[i] : r->def->first + (uint64_t)i;
}

// A reset that MuJoCo fails in is a failed episode; one that finds no place is an error.
static int reset_episode(const rollouts* r, lane* l, loomError* err) {
  uint64_t number = r->def->first + (uint64_t)l->number;
  loomError why = {0, ""};
  int code = loom_episode_reset(l->episode, r->def->reset, r->def->seed, start_of(r, l->number), &why);
  if (!code && r->def->disturb)
    code = loom_disturb_begin(l->episode, r->def->disturb, r->def->seed, number,
                              r->def->pins ? &r->def->pins[l->number] : NULL, &why);

  if (code == LOOM_ERR_SIM) {
    l->run = (loomRunResult){.end = LOOM_RUN_SIMULATOR, .first_success = -1};
    snprintf(l->run.message, sizeof l->run.message, "%.255s", why.message);
    l->over = true;
    return 0;
  }
  if (code && err) *err = why;
  return code;
}

static int start_policy(const rollouts* r, lane* l, loomError* err) {
  loomPolicy timed = timed_policy(l);
  int code = r->maker->begin(&l->policy, l->instance, l->episode, r->def->seed,
                             r->def->first + (uint64_t)l->number, err);
  if (!code) code = loom_run_begin(&l->run, l->episode, &timed, r->def->traces ? &l->trace : NULL, err);
  return code ? code : look_ahead(r, l, err);
}

static int tell_episode(const rollouts* r, int i, int code, loomError* err) {
  return code
             ? loom_error_prefix(err, code, "episode %llu", (unsigned long long)(r->def->first + (uint64_t)i))
             : 0;
}

// ---- episodes of other processes

static loomRolloutPiece piece_of(rollouts* r, int i) {
  return (loomRolloutPiece){&r->report->rollout[i], r->taken + (size_t)i * (size_t)r->run.max_steps,
                            &r->decisions[i], r->run.max_steps};
}

static int look_elsewhere(bool* known, void* user, int i, loomError* err) {
  rollouts* r = user;
  const loomRolloutShare* s = r->def->share;

  // Of a part, others are no concern.
  *known = (s->shards && i % s->shards != s->shard) || (s->is_over && s->is_over(s->user));
  if (*known) return LOOM_OK;
  loomRolloutPiece piece = piece_of(r, i);
  piece.rollout->number = r->def->first + (uint64_t)i;
  piece.rollout->start = start_of(r, i);
  return loom_rollout_read_piece(known, &piece, s, i, err);
}

static int holder_of(int number_of_worker, int slot) {
  return number_of_worker * MOST_LANES + slot;
}

// ---- an episode of this one

static int begin_episode(void* user, int number_of_worker, int slot, int i, loomError* err) {
  rollouts* r = user;
  lane* l = &r->workers[number_of_worker].lane[slot];
  bool mine = true;
  int held =
      r->def->share ? loom_share_begin(&mine, &r->pieces, holder_of(number_of_worker, slot), i, err) : 0;
  if (held) return held;

  // Nothing is to be done for it.
  l->elsewhere = !mine;
  if (l->elsewhere) {
    l->number = i;
    l->due = false;
    return 0;
  }

  // After MuJoCo raised an error the simulation is in an unknown state.
  if (l->broken) {
    destroy_lane(l, r);
    int code = create_lane(l, r, err);
    if (code) return code;
  }

  l->number = i;
  l->over = l->due = l->broken = false;
  l->ahead = 0;
  l->taken = r->taken + (size_t)i * (size_t)r->run.max_steps;
  l->decisions = l->trace.rows = 0;
  l->jerk = (loomJerk){0};

  int code = reset_episode(r, l, err);
  if (!code && !l->over) code = start_policy(r, l, err);
  return tell_episode(r, i, code, err);
}

static void keep_result(rollouts* r, lane* l) {
  const loomRunResult* run = &l->run;
  loomRollout* out = &r->report->rollout[l->number];

  *out = (loomRollout){.number = r->def->first + (uint64_t)l->number,
                       .start = start_of(r, l->number),
                       .end = run->end,
                       .steps = run->steps,
                       .first_success = run->first_success,
                       .within_limits = loom_judge_within_limits(run),
                       .breach = run->breach,
                       .jerk = loom_jerk_mean(&l->jerk),
                       .physics_steps = run->physics_steps};
  snprintf(out->message, sizeof out->message, "%.159s", run->message);
  r->decisions[l->number] = l->decisions;
  l->broken = run->end == LOOM_RUN_SIMULATOR;
}

// Steps until it has to decide again, or is over: LOOM_RUN_OVER then, or an error.
static int run_lane(rollouts* r, lane* l, loomError* err) {
  if (l->elsewhere) return LOOM_RUN_OVER;
  loomPolicy timed = timed_policy(l);
  loomTrace* trace = r->def->traces ? &l->trace : NULL;
  int code = l->over ? LOOM_RUN_OVER : 0;

  l->due = false;
  while (!code && !l->due) {
    code = loom_run_step(&l->run, l->episode, &timed, &r->run, trace, err);
    if (!code) code = look_ahead(r, l, err);
  }
  if (code != LOOM_RUN_OVER) return code;

  if (trace && !l->over) loom_trace_end(trace, l->episode);
  keep_result(r, l);
  return code;
}

static void decide_together(rollouts* r, lane* const* lanes, int n) {
  void* due[MOST_LANES];
  int count = 0;
  for (int k = 0; k < n; k++)
    if (lanes[k]->due) due[count++] = lanes[k]->instance;
  if (!count) return;

  double start = loom_clock();
  r->maker->decide(due, count);
  double seconds = (loom_clock() - start) / count;

  for (int k = 0; k < n; k++) {
    if (!lanes[k]->due) continue;
    lanes[k]->ahead += seconds;
    lanes[k]->episode->times.plan += seconds;
  }
}

static void advance(void* user, int number_of_worker, loomPoolHand* hand) {
  rollouts* r = user;
  lane* lanes[MOST_LANES];
  int n = hand->n;
  for (int k = 0; k < n; k++) lanes[k] = &r->workers[number_of_worker].lane[hand->slot[k]];

  decide_together(r, lanes, n);
  for (int k = 0; k < n; k++) {
    int code = run_lane(r, lanes[k], &hand->error[k]);
    hand->over[k] = code != 0;
    hand->code[k] = code == LOOM_RUN_OVER ? 0 : tell_episode(r, lanes[k]->number, code, &hand->error[k]);
  }
}

// What came of it is written once all else is.
static int leave_for_others(rollouts* r, int number_of_worker, int slot, int i, bool stopped,
                            loomError* err) {
  loomRolloutPiece piece = piece_of(r, i);
  int holder = holder_of(number_of_worker, slot);
  int code = stopped ? 0 : loom_rollout_write_piece(&piece, r->def->share, holder, i, err);
  loom_share_end(&r->pieces, holder, i, !code && !stopped);
  return code;
}

static int tell_done(void* user, int number_of_worker, int i, int prefix, loomError* err) {
  rollouts* r = user;
  worker* w = &r->workers[number_of_worker];
  int k = 0, stop = 0, code = 0;
  (void)prefix;

  while (w->lane[k].number != i) k++;
  lane* l = &w->lane[k];
  l->number = -1;
  if (l->elsewhere) return 0;
  if (r->def->done)
    stop = r->def->done(r->def->user, &r->report->rollout[i], r->def->traces ? &l->trace : NULL, l->episode);
  if (r->def->share) code = leave_for_others(r, number_of_worker, k, i, stop != 0, err);
  return stop ? loom_error_set(err, LOOM_ERR_INTERRUPTED, "stopped") : code;
}

static int run_pool(void* user, loomError* err) {
  rollouts* r = user;
  const loomPoolDef pool = {.n = r->def->n,
                            .threads = r->worker_count,
                            .user = r,
                            .together = r->lanes,
                            .begin = begin_episode,
                            .advance = advance,
                            .finished = r->def->done || r->def->share ? tell_done : NULL,
                            .stop = r->def->share ? r->def->share->stop : NULL};
  return loom_pool_run(&pool, err);
}

static int run_all(rollouts* r, loomError* err) {
  const loomRolloutShare* s = r->def->share;
  if (!s) return run_pool(r, err);

  r->pieces = (loomShareRun){
      .share = s->share, .name = s->name, .n = r->def->n, .user = r, .look = look_elsewhere, .stop = s->stop};
  int code = loom_share_rounds(&r->pieces, run_pool, err);
  return !code && r->pieces.missing ? loom_error_set(err, LOOM_ERR_INTERRUPTED, "stopped") : code;
}

// ---- the report

static int by_size(const void* a, const void* b) {
  float x = *(const float*)a, y = *(const float*)b;
  return (x > y) - (x < y);
}

// All decisions are moved to the front of r->taken and sorted.
static void count_latency(rollouts* r) {
  loomRolloutReport* out = r->report;
  double sum = 0;
  for (int i = 0; i < out->n; i++) {
    const float* from = r->taken + (size_t)i * (size_t)r->run.max_steps;
    memmove(r->taken + out->decisions, from, (size_t)r->decisions[i] * sizeof *from);
    out->decisions += r->decisions[i];
  }

  if (!out->decisions) return;
  qsort(r->taken, (size_t)out->decisions, sizeof *r->taken, by_size);

  for (int64_t i = 0; i < out->decisions; i++) sum += r->taken[i];
  out->decision_mean = sum / (double)out->decisions;
  out->decision_p99 = r->taken[(out->decisions - 1) * 99 / 100];
}

static void make_report(rollouts* r) {
  loomRolloutReport* out = r->report;
  int64_t steps = 0;
  int moved = 0;
  out->n = r->def->n;
  for (int i = 0; i < out->n; i++) {
    const loomRollout* one = &out->rollout[i];
    out->ends[one->end]++;
    out->within += one->within_limits;
    out->breaches[one->breach.limit]++;
    if (one->end == LOOM_RUN_SUCCESS) steps += one->steps;
    if (isnan(one->jerk)) continue;
    out->jerk += one->jerk;
    moved++;
  }

  int successes = out->ends[LOOM_RUN_SUCCESS];
  out->rate = (double)successes / out->n;
  loom_wilson(&out->low, &out->high, successes, out->n);
  out->within_rate = (double)out->within / out->n;
  loom_wilson(&out->within_low, &out->within_high, out->within, out->n);
  if (successes) out->success_steps = (double)steps / successes;
  out->jerk = moved ? out->jerk / moved : NAN;
  count_latency(r);
}

int loom_rollout(loomRolloutReport* out, const loomScene* scene, const loomPolicyMaker* maker,
                 const loomRolloutDef* def, loomError* err) {
  *out = (loomRolloutReport){0};
  if (def->n < 1 || def->n > 1 << 24 || def->reset < 0 || def->reset >= scene->task->reset_count)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: %d rollouts from reset distribution %d cannot be run",
                          scene->task->path, def->n, def->reset);
  rollouts r = {.report = out, .scene = scene, .maker = maker, .def = def};

  r.run = loom_default_run_def(scene->task);
  if (def->max_steps > 0) r.run.max_steps = def->max_steps;
  r.run.stop_at_breach = def->end_at_limits;

  double start = loom_clock();
  int code = create_workers(&r, err);
  if (!code) code = run_all(&r, err);
  if (!code && !(def->share && def->share->shards)) make_report(&r);
  out->seconds = loom_clock() - start;

  destroy_workers(&r);
  if (code) loom_rollout_report_destroy(out);
  return code;
}

// One reset and one decision, of which nothing is kept.
static int try_lane(lane* l, const rollouts* r, loomError* err) {
  double action[LOOM_MAX_ACTION];
  loomPolicy policy;
  int code = create_lane(l, r, err);
  if (!code) code = loom_episode_reset(l->episode, r->def->reset, r->def->seed, r->def->first, err);
  if (!code && r->def->disturb)
    code = loom_disturb_begin(l->episode, r->def->disturb, r->def->seed, r->def->first, NULL, err);
  if (!code) code = r->maker->begin(&policy, l->instance, l->episode, r->def->seed, r->def->first, err);
  if (!code && policy.reset) code = policy.reset(policy.self, l->episode, err);
  if (!code) code = policy.act(action, policy.self, l->episode, err);
  return code == LOOM_POLICY_DONE ? 0 : code;
}

int loom_rollout_try(const loomScene* scene, const loomPolicyMaker* maker, const loomRolloutDef* def,
                     loomError* err) {
  const loomRolloutDef once = {
      .n = 1, .reset = def->reset, .seed = def->seed, .first = def->first, .disturb = def->disturb};
  rollouts r = {.scene = scene, .maker = maker, .def = &once, .run = loom_default_run_def(scene->task)};
  loomError why = {0, ""};
  lane l = {0};
  if (def->max_steps && def->max_steps < scene->task->success_hold)
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "rollouts of %s can never succeed: their max_steps, %d, is below its success_hold, %d",
        scene->task->name, def->max_steps, scene->task->success_hold);

  // An episode whose simulation fails is a result of rollouts, no error.
  int code = try_lane(&l, &r, &why);
  destroy_lane(&l, &r);
  if (!code || code == LOOM_ERR_SIM) return 0;

  if (err) *err = why;
  return loom_error_prefix(err, code, "rollouts of %s cannot be made", scene->task->name);
}

void loom_rollout_report_destroy(loomRolloutReport* report) {
  free(report->rollout);
  *report = (loomRolloutReport){0};
}
