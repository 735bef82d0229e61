#include "engine/run/policy.h"

#include <stdio.h>

#include "engine/base/clock.h"
#include "engine/sim/disturb.h"

int loom_run_begin(loomRunResult* r, loomEpisode* e, const loomPolicy* policy, loomTrace* trace,
                   loomError* err) {
  loom_judge_begin(r, e);
  if (trace) trace->rows = 0;
  return policy->reset ? policy->reset(policy->self, e, err) : 0;
}

// What no state tells: the policy has no more to do, the simulator failed.
static int end_run(loomRunResult* r, loomRunEnd end) {
  r->end = end;
  r->over = true;
  return LOOM_RUN_OVER;
}

int loom_run_step(loomRunResult* r, loomEpisode* e, const loomPolicy* policy, const loomRunDef* def,
                  loomTrace* trace, loomError* err) {
  double action[LOOM_MAX_ACTION], start = loom_clock();
  if (!loom_judge_goes_on(r, def)) return LOOM_RUN_OVER;

  // Thinking counts as planning, whoever thinks.
  int64_t physics = e->physics_steps;
  int code = policy->act(action, policy->self, e, err);
  e->times.plan += loom_clock() - start;
  if (code == LOOM_POLICY_DONE) return end_run(r, LOOM_RUN_DONE);
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
    snprintf(r->message, sizeof r->message, "%.255s", why.message);
    return end_run(r, LOOM_RUN_SIMULATOR);
  }
  if (code && err) *err = why;
  if (code) return code;

  bool more = loom_judge_step(r, def, e);
  if (trace) trace->reward[trace->rows - 1] = r->success_steps ? 1 : 0;
  return more ? 0 : LOOM_RUN_OVER;
}

int loom_policy_run(loomRunResult* r, loomEpisode* e, const loomPolicy* policy, const loomRunDef* def,
                    loomTrace* trace, loomError* err) {
  int code = loom_run_begin(r, e, policy, trace, err);
  while (!code) code = loom_run_step(r, e, policy, def, trace, err);
  if (code != LOOM_RUN_OVER) return code;

  if (trace) loom_trace_end(trace, e);
  return 0;
}
