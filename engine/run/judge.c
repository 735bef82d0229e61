#include "engine/run/judge.h"

loomRunDef loom_default_run_def(const loomTask* task) {
  return (loomRunDef){.max_steps = task->max_steps, .success_hold = task->success_hold, .stop_at_lost = true};
}

static bool end_run(loomRunResult* r, loomRunEnd end) {
  r->end = end;
  r->over = true;
  return false;
}

// The first breach is kept, with what it was then.
static void look_at_limits(loomRunResult* r, const loomEpisode* e) {
  loomBreach* b = &r->breach;
  loom_quality_state(&r->quality, e);
  if (b->limit != LOOM_LIMIT_NONE) return;

  b->limit = loom_quality_beyond(&r->quality, e->scene->task, b->reason, sizeof b->reason);
  b->step = r->steps;
  b->value = b->limit == LOOM_LIMIT_PENETRATION ? r->quality.penetration : r->quality.joint_speed;
}

void loom_judge_begin(loomRunResult* r, const loomEpisode* e) {
  *r = (loomRunResult){.end = LOOM_RUN_TIMEOUT, .first_success = -1};
  look_at_limits(r, e);
}

bool loom_judge_goes_on(loomRunResult* r, const loomRunDef* def) {
  if (r->over) return false;
  if (r->steps >= def->max_steps) return end_run(r, LOOM_RUN_TIMEOUT);
  if (def->stop_at_breach && r->breach.limit != LOOM_LIMIT_NONE) return end_run(r, LOOM_RUN_BREACHED);
  return true;
}

bool loom_judge_step(loomRunResult* r, const loomRunDef* def, const loomEpisode* e) {
  bool success = loom_episode_success(e);
  r->steps++;

  // What was to be reached, and what cannot come right any more.
  r->success_steps = success ? r->success_steps + 1 : 0;
  if (success && r->first_success < 0) r->first_success = r->steps;
  if (def->success_hold && r->success_steps >= def->success_hold) return end_run(r, LOOM_RUN_SUCCESS);
  if (def->stop_at_lost && loom_condition_true(e->conditions, e->scene->task->lost))
    return end_run(r, LOOM_RUN_LOST);

  // Then how rough the state is that the next action would be chosen in.
  if (r->steps < def->max_steps) look_at_limits(r, e);
  return loom_judge_goes_on(r, def);
}

bool loom_judge_within_limits(const loomRunResult* r) {
  return r->end == LOOM_RUN_SUCCESS && r->over && r->breach.limit == LOOM_LIMIT_NONE;
}
