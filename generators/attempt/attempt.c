#include "generators/attempt/attempt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sim/ghost.h"
#include "generators/attempt/failure.h"
#include "generators/attempt/regain.h"
#include "generators/attempt/rewind.h"
#include "generators/attempt/start_map.h"
#include "generators/attempt/tries.h"
#include "generators/attempt/upset.h"

// Control steps after the last subtask in which success may still come about, over what it must hold.
enum { LATE_SUCCESS = 10 };

const char* loom_outcome_name(loomOutcome outcome) {
  static const char* const names[] = {"success", "lost",  "stuck",     "unmet", "unfinished",
                                      "timeout", "rough", "simulator", "no way"};
  return outcome >= 0 && outcome < LOOM_OUTCOME_COUNT ? names[outcome] : "unknown";
}

loomAttemptDef loom_default_attempt_def(void) {
  return (loomAttemptDef){.noise_scale = 1, .tries = 1};
}

// ---- following

// Has the arm's subtask run, and is its effect there? The effect may be waited for; when it does not come
// the attempt has failed and *lost is set.
static bool accomplished(loomPlan* p, int a, bool* lost) {
  loomArmPlan* arm = &p->arm[a];
  const loomSubtaskDef* s = loom_plan_current(p, a);
  if (!loom_plan_finished(arm)) return false;

  // Its rows are done: the effect is there, may still come, or does not come.
  if (s->expect < 0 || loom_condition_true(p->e->conditions, s->expect)) return true;

  if (arm->waited++ < s->wait_steps || loom_grasp_retry(p, a)) return false;
  loom_fail_subtask(p, LOOM_OUTCOME_UNMET, a, s->expect);
  *lost = true;
  return false;
}

// After a step: what must hold while a subtask runs, and subtasks that have ended; coordinated ones end
// together. False when the attempt is lost.
static bool follow_subtasks(loomPlan* p) {
  bool ready[LOOM_MAX_ARMS] = {false}, lost = false;

  // What each running subtask needs while it runs, and whether it is done.
  for (int a = 0; a < p->e->arm_count; a++) {
    loomArmPlan* arm = &p->arm[a];
    if (!arm->running) continue;

    const loomSubtaskDef* s = loom_plan_current(p, a);
    bool holds = s->during < 0 || loom_condition_true(p->e->conditions, s->during);
    arm->broken = holds ? 0 : arm->broken + 1;
    if (arm->broken > s->during_slack) {
      loom_fail_subtask(p, LOOM_OUTCOME_LOST, a, s->during);
      return false;
    }

    double distance;
    if (loom_plan_stuck(p, a, &distance)) {
      loom_fail_stuck(p, a, distance);
      return false;
    }
    ready[a] = accomplished(p, a, &lost);
    if (lost) return false;
  }

  loom_plan_end(p, ready);
  return true;
}

// ---- the policy

static int start(void* self, loomEpisode* e, loomError* err) {
  (void)err;
  loom_plan_start(self, e);
  return 0;
}

// The first object as the reset has drawn it, before anything moves.
static void note_drawn(loomPlan* p) {
  if (!p->task->object_count) return;
  loomPose pose = loom_episode_object(p->e, 0);
  double* drawn = p->result->drawn;
  drawn[0] = pose.pos[0];
  drawn[1] = pose.pos[1];
  drawn[2] = loom_quat_yaw(pose.quat);

  for (int v = 0; v < p->task->objects[0].variable_count; v++) drawn[LOOM_DRAWN + v] = p->e->variables[0][v];
}

static void note_start(loomPlan* p) {
  if (!p->task->object_count) return;
  loomPose pose = loom_episode_object(p->e, 0);
  memcpy(p->result->object_start, pose.pos, sizeof pose.pos);
  memcpy(p->result->object_start + 3, pose.quat, sizeof pose.quat);
}

static void note_row(loomPlan* p) {
  loomTrace* t = p->trace;
  size_t row = (size_t)t->rows * (size_t)t->arm_count;

  // The way gone since the row before.
  for (int a = 0; a < t->arm_count; a++) {
    loomPose now = loom_episode_eef(p->e, a);
    if (t->rows) p->result->path[a] += loom_pose_distance(now, p->gone[a]);
    p->gone[a] = now;
  }

  for (int a = 0; a < t->arm_count; a++, row++) {
    const loomArmPlan* arm = &p->arm[a];
    loom_pose_to_matrix(t->target + 16 * row, arm->target);
    t->grip[row] = arm->grip;
    t->subtask[row] = arm->subtask;
    t->source[row] = arm->source < 0 ? -1 : p->sources->replay[arm->source].number;
  }
}

// True when all subtasks have run and success had its time to come.
static bool overdue(loomPlan* p) {
  bool all_done = true;
  for (int a = 0; a < p->e->arm_count; a++) all_done = all_done && loom_plan_done(p, a);

  p->idle = all_done ? p->idle + 1 : 0;

  // Success must hold for a while, and things may need a moment to come to rest first.
  if (p->idle <= p->task->success_hold + LATE_SUCCESS || loom_episode_success(p->e)) return false;
  loom_fail_success(p, LOOM_OUTCOME_UNFINISHED);
  return true;
}

// Sources whose plan the arms could not follow are left out. False when none remains.
static bool has_way(loomPlan* p) {
  loomPreview first;
  if (p->def->no_preview || !loom_ghost_possible(p->e)) return true;

  bool found = loom_preview_choose(&first, p);
  p->result->detours = p->detour_count;
  if (found) return true;
  loom_fail_no_way(p, &first);
  return false;
}

static int attempt_act(double* action, void* self, loomEpisode* e, loomError* err) {
  loomPlan* p = self;
  bool settled = p->midway || e->steps >= p->task->settle_steps;
  (void)err;

  // First what the step before this one brought.
  if (e->steps && !p->upset && (!follow_subtasks(p) || overdue(p))) return LOOM_POLICY_DONE;

  // Objects settle before anything is planned around them.
  if (e->steps == p->task->settle_steps && !p->midway) {
    note_start(p);
    if (!has_way(p)) return LOOM_POLICY_DONE;
  }
  if (settled) loom_plan_begin(p);

  // While they settle hands are open: a gripper's 0 would hold it, but a policy that learns 0 gives a little
  // more or less, and its sign closes the gripper.
  loom_plan_move(action, p);
  if (!settled) loom_episode_keep_still(action, e);

  note_row(p);
  return 0;
}

static void conclude(loomPlan* p, const loomRunResult* run) {
  loomAttemptResult* r = p->result;
  switch (run->end) {
    case LOOM_RUN_SUCCESS:
      r->outcome = LOOM_OUTCOME_SUCCESS;
      break;
    case LOOM_RUN_LOST:
      loom_fail_lost(p);
      break;
    case LOOM_RUN_BREACHED:
      loom_fail_rough(p, run);
      break;
    case LOOM_RUN_DONE:  // act has said why
    case LOOM_RUN_ENDS:
      break;
    case LOOM_RUN_TIMEOUT:
      loom_fail_success(p, LOOM_OUTCOME_TIMEOUT);
      break;
    case LOOM_RUN_SIMULATOR:
      r->outcome = LOOM_OUTCOME_SIMULATOR;
      snprintf(r->reason, sizeof r->reason, "%.150s", run->message);
      memcpy(r->subject, r->reason, sizeof r->subject);
      break;
  }

  r->steps = p->trace->rows;
  r->physics_steps = run->physics_steps;
}

struct loomAttempt {
  loomPlan plan;
  loomAttemptDef def;
  loomPolicy policy;
  loomRunDef run_def;
  loomRunResult run;
  loomRewind* rewind;  // NULL = it never goes back
  loomUpset upset;
};

static int reset_start(loomPlan* p, uint64_t number, loomError* err) {
  const loomAttemptDef* def = p->def;
  if (def->where) return loom_start_map_reset(p->e, def->where, def->reset, def->seed, number, err);
  return (def->stratified ? loom_episode_reset_stratified : loom_episode_reset)(p->e, def->reset, def->seed,
                                                                                number, err);
}

// 0, LOOM_RUN_OVER when the simulator failed at the reset already, or an error.
static int begin(loomAttempt* a, loomError* err) {
  loomPlan* p = &a->plan;
  loomError why = {0, ""};

  p->trace->rows = 0;
  a->run = (loomRunResult){.end = LOOM_RUN_SIMULATOR};

  int made = loom_arms_take_poses(p->e->arms, p->e->arm_count, p->task->path, err);
  if (!made) made = loom_rewind_create(&a->rewind, p, err);
  if (made) return made;

  // A reset at which MuJoCo fails is this attempt's outcome, no error of the run.
  uint64_t number = loom_attempt_start(p->def, p->result->attempt);
  int code = reset_start(p, number, &why);
  if (!code && p->def->disturb)
    code = loom_disturb_begin(p->e, p->def->disturb, p->def->seed, number, NULL, &why);
  if (!code) code = loom_upset_begin(&a->upset, p, &why);
  if (code == LOOM_ERR_SIM) {
    snprintf(a->run.message, sizeof a->run.message, "%.250s", why.message);
    return LOOM_RUN_OVER;
  }

  p->result->redrawn = p->e->redrawn;
  if (!code) note_drawn(p);
  if (!code) return loom_run_begin(&a->run, p->e, &a->policy, p->trace, err);
  if (err) *err = why;
  return code;
}

static void set_up(loomAttempt* a, loomAttemptResult* result, loomTrace* trace, loomEpisode* e,
                   const loomSourceSet* sources, const loomSourceStats* stats, const loomAttemptDef* def,
                   uint64_t attempt) {
  *a = (loomAttempt){.def = *def, .run_def = loom_default_run_def(e->scene->task)};
  a->run_def.stop_at_breach = true;

  a->plan = (loomPlan){.sources = sources,
                       .stats = stats,
                       .def = &a->def,
                       .e = e,
                       .task = e->scene->task,
                       .result = result,
                       .trace = trace};

  a->policy = (loomPolicy){&a->plan, start, attempt_act};
  *result = (loomAttemptResult){
      .attempt = attempt, .arm = -1, .subtask = -1, .condition = -1, .part = {-1, -1}, .recover = -1};
  for (int i = 0; i < LOOM_DRAWN + LOOM_MAX_VARIABLES; i++) result->drawn[i] = NAN;
}

// While something disturbs the attempt neither success nor a limit counts: these rows are thrown away.
static int upset(loomAttempt* a, loomError* err) {
  loomPlan* p = &a->plan;
  loomError why = {0, ""};
  int anew = loom_upset_step(&a->upset, p, &a->run, &why);
  if (anew == LOOM_ERR_SIM) {
    a->run.end = LOOM_RUN_SIMULATOR;
    snprintf(a->run.message, sizeof a->run.message, "%.250s", why.message);
    return LOOM_RUN_OVER;
  }
  if (anew < 0 && err) *err = why;
  if (anew < 0) return anew;
  if (anew) loom_rewind_forget(a->rewind);

  bool counts = a->upset.stage != LOOM_UPSET_ACTS;
  p->upset = !counts;
  a->run_def.stop_at_breach = a->run_def.stop_at_lost = counts;
  a->run_def.success_hold = counts ? p->task->success_hold : 0;
  return 0;
}

int loom_attempt_step(loomAttempt* a, loomError* err) {
  loomPlan* p = &a->plan;
  int code = upset(a, err);
  if (code == LOOM_RUN_OVER) conclude(p, &a->run);
  if (code) return code;
  if (!p->upset) loom_rewind_keep(a->rewind, p, &a->run);
  code = loom_run_step(&a->run, p->e, &a->policy, &a->run_def, p->trace, err);
  if (code != LOOM_RUN_OVER) return code;

  // Beyond a limit it may go back.
  int back = loom_rewind_back(a->rewind, p, &a->run, err);
  if (back) return back < 0 ? back : 0;

  loom_upset_end(&a->upset, p);
  loom_trace_end(p->trace, p->e);
  conclude(p, &a->run);
  return code;
}

int loom_attempt_begin(loomAttempt** out, loomAttemptResult* result, loomTrace* trace, loomEpisode* e,
                       const loomSourceSet* sources, const loomSourceStats* stats, const loomAttemptDef* def,
                       uint64_t attempt, loomError* err) {
  loomAttempt* a = malloc(sizeof *a);
  *out = a;
  if (!a) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an attempt");

  set_up(a, result, trace, e, sources, stats, def, attempt);

  // The run may be over before its first step.
  int code = begin(a, err);
  if (code == LOOM_RUN_OVER) conclude(&a->plan, &a->run);
  return code;
}

void loom_attempt_destroy(loomAttempt* a) {
  if (a) loom_rewind_destroy(a->rewind);
  free(a);
}

int loom_attempt_run(loomAttemptResult* result, loomTrace* trace, loomEpisode* e,
                     const loomSourceSet* sources, const loomSourceStats* stats, const loomAttemptDef* def,
                     uint64_t attempt, loomError* err) {
  loomAttempt a;
  set_up(&a, result, trace, e, sources, stats, def, attempt);

  int code = begin(&a, err);
  if (code == LOOM_RUN_OVER) conclude(&a.plan, &a.run);

  while (!code) code = loom_attempt_step(&a, err);
  loom_rewind_destroy(a.rewind);
  return code == LOOM_RUN_OVER ? 0 : code;
}
