#include "policies/agent/rollout.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/pool.h"
#include "engine/base/statistics.h"
#include "engine/run/jerk.h"

const char* loom_run_end_name(loomRunEnd end) {
  static const char* const names[] = {"success", "lost", "done", "timeout", "simulator", "breached"};
  return names[end];
}

loomRolloutDef loom_default_rollout_def(void) {
  return (loomRolloutDef){.n = 50};
}

// ---- workers

typedef struct worker {
  loomEpisode* episode;
  void* instance;
  loomTrace trace;
  loomPolicy policy;  // of the episode in hand
  loomJerk jerk;      // of it
  float* taken;       // where its decisions' seconds go
  int decisions;
  bool broken;  // its last episode ended in an error of MuJoCo's
} worker;

typedef struct rollouts {
  loomRolloutReport* report;
  const loomScene* scene;
  const loomPolicyMaker* maker;
  const loomRolloutDef* def;
  loomRunDef run;
  int worker_count;
  worker* workers;
  float* taken;    // (n x max_steps) s a decision
  int* decisions;  // (n)
} rollouts;

static int create_worker(worker* w, const rollouts* r, loomError* err) {
  int code = loom_episode_create(&w->episode, r->scene, err);
  if (!code) code = r->maker->create(&w->instance, r->maker->self, w->episode, err);
  if (!code && r->def->traces) code = loom_trace_create(&w->trace, w->episode, r->run.max_steps, err);
  return code;
}

static void destroy_worker(worker* w, const rollouts* r) {
  if (w->instance) r->maker->destroy(w->instance);
  loom_episode_destroy(w->episode);
  loom_trace_destroy(&w->trace);
  *w = (worker){0};
}

static int create_workers(rollouts* r, loomError* err) {
  r->worker_count = loom_pool_workers(r->def->threads, r->def->n);
  r->workers = calloc((size_t)r->worker_count, sizeof *r->workers);

  r->taken = calloc((size_t)r->def->n * (size_t)r->run.max_steps, sizeof *r->taken);
  r->decisions = calloc((size_t)r->def->n, sizeof *r->decisions);
  r->report->rollout = calloc((size_t)r->def->n, sizeof *r->report->rollout);

  if (!r->workers || !r->taken || !r->decisions || !r->report->rollout)
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d rollouts", r->def->n);

  int code = 0;
  for (int i = 0; !code && i < r->worker_count; i++) code = create_worker(&r->workers[i], r, err);
  return code;
}

static void destroy_workers(rollouts* r) {
  for (int i = 0; r->workers && i < r->worker_count; i++) destroy_worker(&r->workers[i], r);
  free(r->workers);
  free(r->taken);
  free(r->decisions);
}

// ---- one episode

static int timed_reset(void* self, loomEpisode* episode, loomError* err) {
  const worker* w = self;
  return w->policy.reset ? w->policy.reset(w->policy.self, episode, err) : 0;
}

static int timed_act(double* action, void* self, loomEpisode* episode, loomError* err) {
  worker* w = self;

  // Judged of the states that actions are chosen in, as limits are.
  loom_jerk_state(&w->jerk, episode);
  double start = loom_clock();
  int code = w->policy.act(action, w->policy.self, episode, err);
  w->taken[w->decisions++] = (float)(loom_clock() - start);
  return code;
}

static int run_episode(rollouts* r, worker* w, int i, loomError* err) {
  loomRollout* out = &r->report->rollout[i];
  loomRunResult run = {.end = LOOM_RUN_SIMULATOR, .first_success = -1};
  loomPolicy timed = {w, timed_reset, timed_act};
  loomError why = {0, ""};
  uint64_t number = r->def->first + (uint64_t)i, start = r->def->starts ? r->def->starts[i] : number;

  w->taken = r->taken + (size_t)i * (size_t)r->run.max_steps;
  w->decisions = w->trace.rows = 0;
  w->jerk = (loomJerk){0};

  // A reset that MuJoCo fails in is a failed episode; one that finds no place is an error.
  int code = loom_episode_reset(w->episode, r->def->reset, r->def->seed, start, &why);
  if (!code && r->def->disturb)
    code = loom_disturb_begin(w->episode, r->def->disturb, r->def->seed, number,
                              r->def->pins ? &r->def->pins[i] : NULL, &why);
  if (code == LOOM_ERR_SIM) {
    snprintf(run.message, sizeof run.message, "%.255s", why.message);
    code = 0;
  } else {
    if (!code) code = r->maker->begin(&w->policy, w->instance, w->episode, r->def->seed, number, &why);
    if (!code)
      code = loom_policy_run(&run, w->episode, &timed, &r->run, r->def->traces ? &w->trace : NULL, &why);
  }
  if (code) {
    if (err) *err = why;
    return loom_error_prefix(err, code, "episode %llu", (unsigned long long)number);
  }

  *out = (loomRollout){.number = number,
                       .start = start,
                       .end = run.end,
                       .steps = run.steps,
                       .first_success = run.first_success,
                       .within_limits = loom_judge_within_limits(&run),
                       .breach = run.breach,
                       .jerk = loom_jerk_mean(&w->jerk),
                       .physics_steps = run.physics_steps};
  snprintf(out->message, sizeof out->message, "%.159s", run.message);
  r->decisions[i] = w->decisions;
  return 0;
}

// After MuJoCo raised an error the simulation is in an unknown state.
static int renew(worker* w, const rollouts* r, loomError* err) {
  destroy_worker(w, r);
  return create_worker(w, r, err);
}

static int attempt_episode(void* user, int number_of_worker, int i, loomError* err) {
  rollouts* r = user;
  worker* w = &r->workers[number_of_worker];
  if (w->broken) {
    int code = renew(w, r, err);
    if (code) return code;
  }

  int code = run_episode(r, w, i, err);
  w->broken = !code && r->report->rollout[i].end == LOOM_RUN_SIMULATOR;
  return code;
}

static int tell_done(void* user, int number_of_worker, int i, int prefix, loomError* err) {
  rollouts* r = user;
  worker* w = &r->workers[number_of_worker];
  (void)prefix;
  int stop =
      r->def->done(r->def->user, &r->report->rollout[i], r->def->traces ? &w->trace : NULL, w->episode);
  return stop ? loom_error_set(err, LOOM_ERR_INTERRUPTED, "stopped") : 0;
}

static int run_all(rollouts* r, loomError* err) {
  const loomPoolDef pool = {.n = r->def->n,
                            .threads = r->worker_count,
                            .user = r,
                            .item = attempt_episode,
                            .finished = r->def->done ? tell_done : NULL};
  return loom_pool_run(&pool, err);
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
  if (!code) make_report(&r);
  out->seconds = loom_clock() - start;

  destroy_workers(&r);
  if (code) loom_rollout_report_destroy(out);
  return code;
}

// One reset and one decision, of which nothing is kept.
static int try_worker(worker* w, const rollouts* r, loomError* err) {
  double action[LOOM_MAX_ACTION];
  loomPolicy policy;
  int code = create_worker(w, r, err);
  if (!code) code = loom_episode_reset(w->episode, r->def->reset, r->def->seed, r->def->first, err);
  if (!code && r->def->disturb)
    code = loom_disturb_begin(w->episode, r->def->disturb, r->def->seed, r->def->first, NULL, err);
  if (!code) code = r->maker->begin(&policy, w->instance, w->episode, r->def->seed, r->def->first, err);
  if (!code && policy.reset) code = policy.reset(policy.self, w->episode, err);
  if (!code) code = policy.act(action, policy.self, w->episode, err);
  return code == LOOM_POLICY_DONE ? 0 : code;
}

int loom_rollout_try(const loomScene* scene, const loomPolicyMaker* maker, const loomRolloutDef* def,
                     loomError* err) {
  const loomRolloutDef once = {
      .n = 1, .reset = def->reset, .seed = def->seed, .first = def->first, .disturb = def->disturb};
  rollouts r = {.scene = scene, .maker = maker, .def = &once, .run = loom_default_run_def(scene->task)};
  loomError why = {0, ""};
  worker w = {0};
  if (def->max_steps && def->max_steps < scene->task->success_hold)
    return loom_error_set(
        err, LOOM_ERR_USAGE,
        "rollouts of %s can never succeed: their max_steps, %d, is below its success_hold, %d",
        scene->task->name, def->max_steps, scene->task->success_hold);

  // An episode whose simulation fails is a result of rollouts, no error.
  int code = try_worker(&w, &r, &why);
  destroy_worker(&w, &r);
  if (!code || code == LOOM_ERR_SIM) return 0;

  if (err) *err = why;
  return loom_error_prefix(err, code, "rollouts of %s cannot be made", scene->task->name);
}

void loom_rollout_report_destroy(loomRolloutReport* report) {
  free(report->rollout);
  *report = (loomRolloutReport){0};
}
