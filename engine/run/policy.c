#include "engine/run/policy.h"

#include <stdio.h>

#include "engine/base/clock.h"
#include "engine/sim/disturb.h"

loomRunDef loom_default_run_def(const loomTask* task) {
  return (loomRunDef){task->max_steps, task->success_hold, true};
}

// What the step just taken brought; false when the run is over.
static bool judge(loomRunResult* r, const loomEpisode* e, const loomRunDef* def, loomTrace* trace) {
  bool success = loom_episode_success(e);
  if (trace) trace->reward[trace->rows - 1] = success ? 1 : 0;
  if (success && r->first_success < 0) r->first_success = r->steps;

  r->success_steps = success ? r->success_steps + 1 : 0;
  if (def->success_hold && r->success_steps >= def->success_hold) {
    r->end = LOOM_RUN_SUCCESS;
    return false;
  }

  if (def->stop_at_lost && loom_condition_true(e->conditions, e->scene->task->lost)) {
    r->end = LOOM_RUN_LOST;
    return false;
  }
  return true;
}

int loom_run_begin(loomRunResult* r, loomEpisode* e, const loomPolicy* policy, loomTrace* trace,
                   loomError* err) {
  *r = (loomRunResult){.end = LOOM_RUN_TIMEOUT, .first_success = -1};
  if (trace) trace->rows = 0;
  return policy->reset ? policy->reset(policy->self, e, err) : 0;
}

int loom_run_step(loomRunResult* r, loomEpisode* e, const loomPolicy* policy, const loomRunDef* def,
                  loomTrace* trace, loomError* err) {
  double action[LOOM_MAX_ACTION], start = loom_clock();
  if (r->steps >= def->max_steps) return LOOM_RUN_OVER;

  // Thinking counts as planning, whoever thinks.
  int64_t physics = e->physics_steps;
  int code = policy->act(action, policy->self, e, err);
  e->times.plan += loom_clock() - start;
  if (code == LOOM_POLICY_DONE) {
    r->end = LOOM_RUN_DONE;
    return LOOM_RUN_OVER;
  }
  if (code) return code;

  // The row is what was so before the action, which is the one that is done.
  if (e->disturbance) loom_disturb_act(action, e);
  if (trace) loom_trace_add(trace, e, action);
  loomError why = {0, ""};
  if (e->disturbance) code = loom_disturb_step(e, &why);
  if (!code) code = loom_episode_step(e, action, &why);
  r->physics_steps += e->physics_steps - physics;

  // A simulation that fails is a result; everything else is the caller's error.
  if (code == LOOM_ERR_SIM) {
    r->end = LOOM_RUN_SIMULATOR;
    snprintf(r->message, sizeof r->message, "%.255s", why.message);
    return LOOM_RUN_OVER;
  }
  if (code && err) *err = why;
  if (code) return code;

  r->steps++;
  return judge(r, e, def, trace) ? 0 : LOOM_RUN_OVER;
}

int loom_policy_run(loomRunResult* r, loomEpisode* e, const loomPolicy* policy, const loomRunDef* def,
                    loomTrace* trace, loomError* err) {
  int code = loom_run_begin(r, e, policy, trace, err);
  while (!code) code = loom_run_step(r, e, policy, def, trace, err);
  if (code != LOOM_RUN_OVER) return code;

  if (trace) loom_trace_end(trace, e);
  return 0;
}
