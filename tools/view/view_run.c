// Runs in the window: a generation attempt, the task's scripted expert or a trained policy, a control step
// after the other in real time. What has been run is a demo of the list; it grows with the run.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/view/view.h"

enum { LATEST = 4 };  // control steps taken at once at most: a slow picture slows the simulation too

static const char* const kind_names[] = {"", "attempt", "expert", "policy"};

bool view_run_open(const viewApp* app) {
  return app->run.kind != VIEW_RUN_NONE;
}

// ---- beginning

static int begin_attempt(viewApp* app, uint64_t number, loomError* err) {
  viewRun* r = &app->run;
  loomAttemptDef def = loom_default_attempt_def();

  def.reset = app->reset_choice;
  def.seed = (uint64_t)app->seed;

  return loom_attempt_begin(&r->attempt, &r->result, &r->trace, app->trial_episode, &app->tried, NULL, &def,
                            number, err);
}

static int begin_expert(viewApp* app, uint64_t number, loomError* err) {
  viewRun* r = &app->run;

  int code = loom_expert_create(&r->expert, app->trial_episode, (uint64_t)app->seed, number, &r->trace, err);

  r->policy = loom_expert_policy(&r->expert);
  return code;
}

static int begin_policy(viewApp* app, uint64_t number, loomError* err) {
  viewRun* r = &app->run;

  if (!app->args->policy)
    return loom_error_set(err, LOOM_ERR_USAGE, "no policy to run: name its file with --policy");

  // The weights are read once; each run has its own memory of what was seen.
  int code = r->has_trained ? 0 : loom_trained_load(&r->trained, app->args->policy, err);
  if (code) return code;
  r->has_trained = true;

  loomPolicyMaker maker = loom_trained_maker(&r->trained);
  code = maker.create(&r->instance, maker.self, app->trial_episode, err);

  if (!code)
    code = maker.begin(&r->policy, r->instance, app->trial_episode, (uint64_t)app->seed, number, err);
  return code;
}

static int begin_run(viewApp* app, viewRunKind kind, uint64_t number, loomError* err) {
  static int (*const begins[])(viewApp*, uint64_t, loomError*) = {NULL, begin_attempt, begin_expert,
                                                                  begin_policy};
  viewRun* r = &app->run;

  loomEpisode* e = app->trial_episode;

  int code = loom_trace_create(&r->trace, e, app->task->max_steps + 1, err);

  // An attempt resets the episode itself, since it plans from where things lie.
  if (!code && kind != VIEW_RUN_ATTEMPT)
    code = loom_episode_reset(e, app->reset_choice, (uint64_t)app->seed, number, err);

  if (!code) code = begins[kind](app, number, err);
  if (!code && kind != VIEW_RUN_ATTEMPT) code = loom_run_begin(&r->run, e, &r->policy, &r->trace, err);
  return code;
}

// What one run holds; the policy's weights stay.
static void free_run(viewRun* r) {
  loom_attempt_destroy(r->attempt);
  if (r->instance) loom_trained_maker(&r->trained).destroy(r->instance);
  loom_trace_destroy(&r->trace);

  r->attempt = NULL;
  r->instance = NULL;
  r->kind = VIEW_RUN_NONE;
}

void view_run_start(viewApp* app, viewRunKind kind, int number) {
  loomError err = {0, ""};
  viewRun* r = &app->run;

  view_run_end(app);
  if (!view_live_ready(app)) return;

  if (number >= 0) app->trial_count = number;
  number = app->trial_count;

  int code = begin_run(app, kind, (uint64_t)app->trial_count, &err);
  if (code) {
    free_run(r);
    view_say(app, "%s", code == LOOM_RUN_OVER ? "the simulator failed at the reset" : err.message);
    return;
  }

  view_live_show_start(app, app->trial_episode, kind_names[kind]);

  // The entry's number is known only now that the run's first row is a demo of the list.
  r->entry = app->stage.entry;
  r->kind = kind;
  r->to_subtask = false;
  r->owed = 0;
  r->published = 1;

  // Where it could not be added there is nothing to show a run on.
  if (r->entry < 0) free_run(r);
  app->playing = view_run_open(app);
  if (kind == VIEW_RUN_POLICY) view_compare_run(app, number);
}

// ---- going on

static loomOutcome outcome_of(const loomRunResult* run) {
  switch (run->end) {
    case LOOM_RUN_SUCCESS:
      return LOOM_OUTCOME_SUCCESS;
    case LOOM_RUN_LOST:
      return LOOM_OUTCOME_LOST;
    case LOOM_RUN_TIMEOUT:
      return LOOM_OUTCOME_TIMEOUT;
    case LOOM_RUN_SIMULATOR:
      return LOOM_OUTCOME_SIMULATOR;
    default:
      return LOOM_OUTCOME_UNFINISHED;
  }
}

// The list's entry becomes what has been run so far, and is shown.
static void publish_run(viewApp* app, bool over) {
  viewRun* r = &app->run;

  loomError err = {0, ""};
  viewEntry* entry = &app->list.entry[r->entry];
  loomAttemptResult* result = &entry->trial->result;

  if (r->trace.rows < 1) return;
  if (view_live_grow(entry->trial, &r->trace, &err)) view_say(app, "%s", err.message);

  if (r->kind == VIEW_RUN_ATTEMPT) {
    *result = r->result;
  } else if (over) {
    result->outcome = outcome_of(&r->run);
    snprintf(result->reason, sizeof result->reason, "%.150s", r->run.message);
  }

  entry->rows = entry->trial->demo.rows;
  entry->outcome = over ? (int)result->outcome : -1;
  snprintf(entry->reason, sizeof entry->reason, "%s", result->reason);

  view_list_count(&app->list);
  r->published = r->trace.rows;
  if (app->stage.entry == r->entry) view_reshow(app, r->trace.rows - 1);
}

// So many subtasks, or steps of the expert, have begun.
static int begun_subtasks(const viewApp* app) {
  const viewRun* r = &app->run;

  int n = 0;

  for (int a = 0; a < app->task->arm_count; a++) {
    if (r->kind == VIEW_RUN_EXPERT) n += r->expert.arm[a].step;
    for (int k = 0; r->kind == VIEW_RUN_ATTEMPT && k < app->task->subtask_count[a]; k++)
      n += r->result.begin[a][k] >= 0;
  }

  return n;
}

// Push what the mouse pulls at.
static void perturb_run(viewApp* app) {
  loomEpisode* e = app->trial_episode;

  mju_zero(e->d->xfrc_applied, 6 * (int)e->m->nbody);
  if (app->perturb.active) mjv_applyPerturbForce(e->m, e->d, &app->perturb);
}

static void conclude_run(viewApp* app) {
  viewRun* r = &app->run;

  publish_run(app, true);
  const viewEntry* e = &app->list.entry[r->entry];

  view_say(app, "%s: %s%s%s, %d steps", e->name, loom_outcome_name((loomOutcome)e->outcome),
           e->reason[0] ? ", " : "", e->reason, e->rows);

  if (e->outcome == LOOM_OUTCOME_SIMULATOR) {  // its state cannot be trusted
    loom_episode_destroy(app->trial_episode);
    app->trial_episode = NULL;
  }

  free_run(r);
  app->playing = false;
}

// One control step; false when the run is over, or has met an error.
static bool step_run(viewApp* app) {
  viewRun* r = &app->run;
  loomError err = {0, ""};
  loomRunDef def = loom_default_run_def(app->task);

  int before = begun_subtasks(app);

  perturb_run(app);

  int code = r->kind == VIEW_RUN_ATTEMPT
                 ? loom_attempt_step(r->attempt, &err)
                 : loom_run_step(&r->run, app->trial_episode, &r->policy, &def, &r->trace, &err);

  if (code && code != LOOM_RUN_OVER) {
    view_run_end(app);
    view_say(app, "%s", err.message);
    return false;
  }

  if (code) conclude_run(app);
  if (!code && r->to_subtask && begun_subtasks(app) > before) view_run_pause(app);
  return !code;
}

void view_run_advance(viewApp* app, double seconds) {
  viewRun* r = &app->run;

  // Steps that the clock owes; at most some, so that a slow picture does not pile them up.
  double rate = app->speed * app->task->control_freq;
  r->owed = fmin(r->owed + seconds * rate, fmax(1, LATEST * app->speed));

  while (view_run_open(app) && app->playing && r->owed >= 1) {
    r->owed--;
    if (!step_run(app)) return;
  }
  // The timeline grows once a second of the simulation.
  if (view_run_open(app) && r->trace.rows >= r->published + app->task->control_freq) publish_run(app, false);
}

void view_run_to_subtask(viewApp* app) {
  app->run.to_subtask = app->playing = true;
}

void view_run_pause(viewApp* app) {
  app->playing = app->run.to_subtask = false;
  publish_run(app, false);
  if (app->other && view_run_open(app->other)) view_run_pause(app->other);
}

void view_run_finish(viewApp* app) {
  app->run.to_subtask = false;
  while (view_run_open(app) && step_run(app)) continue;
  if (app->other) view_run_finish(app->other);
}

void view_run_end(viewApp* app) {
  if (app->other) view_run_end(app->other);
  if (!view_run_open(app)) return;

  if (app->run.trace.rows > app->run.published) publish_run(app, false);

  free_run(&app->run);
  app->playing = false;
}

void view_run_close(viewApp* app) {
  free_run(&app->run);
  if (app->run.has_trained) loom_trained_destroy(&app->run.trained);
  app->run.has_trained = false;
}
