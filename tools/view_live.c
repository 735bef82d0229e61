// What is run in the viewer: attempts, the scripted expert, resets; and the simulation, with a hand in it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/expert.h"
#include "tools/view.h"

bool view_live_sources(viewApp* app) {
  loomError err = {0, ""};
  char path[LOOM_PATH_MAX];
  if (app->sources.n) return true;
  int code = tool_source_path(path, app->task, &app->args->roots, &err);
  if (!code) code = loom_sources_load(&app->sources, app->task, path, &app->args->roots, &err);
  if (!code) code = loom_dataset_open(&app->source_dataset, path, &err);
  if (code) view_say(app, "%s", err.message);
  return !code;
}

static int open_trials(viewApp* app, loomError* err) {
  if (app->trial_episode) return 0;
  loom_scene_destroy(app->trial_scene);
  app->trial_scene = NULL;
  int code = loom_scene_create(&app->trial_scene, app->task, app->sources.model_xml, app->sources.model_label,
                               app->sources.env_args, &app->args->roots, err);
  return code ? code : loom_episode_create(&app->trial_episode, app->trial_scene, err);
}

static viewTrial* new_trial(const loomTrace* t, loomEpisode* e, loomError* err) {
  size_t actions = sizeof(double) * (size_t)t->rows * (size_t)t->action_dim,
         states = sizeof(double) * (size_t)t->rows * (size_t)t->state_dim;
  viewTrial* trial = calloc(1, sizeof *trial);
  if (trial) {
    trial->demo = (loomDemo){.name = strdup("trial"),
                             .rows = t->rows,
                             .action_dim = t->action_dim,
                             .state_dim = t->state_dim,
                             .actions = malloc(actions + 1),
                             .states = malloc(states + 1)};
    memset(trial->result.source, -1, sizeof trial->result.source);
    memset(trial->result.begin, -1, sizeof trial->result.begin);
    trial->result.arm = -1;
  }
  if (!trial || !trial->demo.name || !trial->demo.actions || !trial->demo.states) {
    loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo");
  } else if (!loom_episode_xml(&trial->demo.model_xml, e, err)) {
    memcpy(trial->demo.actions, t->actions, actions);
    memcpy(trial->demo.states, t->states, states);
    return trial;
  }
  if (trial) loom_demo_destroy(&trial->demo);
  free(trial);
  return NULL;
}

static void add_trial(viewApp* app, viewTrial* trial, const char* what, loomError* err) {
  char name[LOOM_NAME_MAX];
  if (trial && app->task->object_count && trial->result.begin[0][0] < 0) {
    loomPose at = loom_episode_object(app->trial_episode, 0);
    memcpy(trial->result.object_start, at.pos, sizeof at.pos);
  }
  snprintf(name, sizeof name, "%s %d (seed %d)", what, app->trial_count++, app->seed);
  if (!trial || view_list_add(&app->list, trial, name, app->task, err)) {
    view_say(app, "%s", err->message);
    return;
  }
  app->list_panel.stale = true;
  view_show(app, app->list.n - 1);
}

// Ready to run: sources, scene, and room for an episode's rows.
static bool begin(viewApp* app, loomTrace* trace, loomError* err) {
  if (!view_live_sources(app)) return false;
  int code = open_trials(app, err);
  if (!code) code = loom_trace_create(trace, app->trial_episode, app->task->max_steps, err);
  if (code) view_say(app, "%s", err->message);
  return !code;
}

void view_live_attempt(viewApp* app) {
  loomError err = {0, ""};
  loomTrace trace;
  loomAttemptResult result;
  loomAttemptDef def = loom_default_attempt_def();
  if (!begin(app, &trace, &err)) return;
  def.reset = app->reset_choice;
  def.seed = (uint64_t)app->seed;
  int code = loom_attempt_run(&result, &trace, app->trial_episode, &app->sources, NULL, &def,
                              (uint64_t)app->trial_count, &err);
  viewTrial* trial = code || !trace.rows ? NULL : new_trial(&trace, app->trial_episode, &err);
  if (trial) trial->result = result;
  add_trial(app, trial, "attempt", &err);
  if (trial && result.outcome != LOOM_OUTCOME_SUCCESS)
    view_say(app, "%s: %s", loom_outcome_name(result.outcome), result.reason);
  loom_trace_destroy(&trace);
}

void view_live_expert(viewApp* app) {
  loomError err = {0, ""};
  loomTrace trace;
  loomExpert expert;
  loomRunResult run;
  loomRunDef def = loom_default_run_def(app->task);
  if (!begin(app, &trace, &err)) return;
  loomEpisode* e = app->trial_episode;
  uint64_t seed = (uint64_t)app->seed, number = (uint64_t)app->trial_count;
  int code = loom_episode_reset(e, app->reset_choice, seed, number, &err);
  if (!code) code = loom_expert_create(&expert, e, seed, number, &trace, &err);
  loomPolicy policy = loom_expert_policy(&expert);
  if (!code) code = loom_policy_run(&run, e, &policy, &def, &trace, &err);
  viewTrial* trial = code || !trace.rows ? NULL : new_trial(&trace, e, &err);
  if (trial)
    trial->result.outcome = run.end == LOOM_RUN_SUCCESS ? LOOM_OUTCOME_SUCCESS
                            : run.end == LOOM_RUN_LOST  ? LOOM_OUTCOME_LOST
                                                        : LOOM_OUTCOME_UNFINISHED;
  add_trial(app, trial, "expert", &err);
  loom_trace_destroy(&trace);
}

void view_live_reset(viewApp* app) {
  loomError err = {0, ""};
  loomTrace trace;
  if (!begin(app, &trace, &err)) return;
  double* still = calloc((size_t)app->trial_episode->action_dim, sizeof *still);
  int code = still ? loom_episode_reset(app->trial_episode, app->reset_choice, (uint64_t)app->seed,
                                        (uint64_t)app->trial_count, &err)
                   : loom_error_set(&err, LOOM_ERR_MEMORY, "out of memory for an action");
  if (!code) loom_trace_add(&trace, app->trial_episode, still);
  viewTrial* trial = code ? NULL : new_trial(&trace, app->trial_episode, &err);
  if (trial) trial->result.outcome = LOOM_OUTCOME_UNFINISHED;
  add_trial(app, trial, "reset", &err);
  free(still);
  loom_trace_destroy(&trace);
}

// ------------------------------------------------------------------------------------------------------
// simulation

void view_live_toggle(viewApp* app) {
  loomError err = {0, ""};
  viewStage* s = &app->stage;
  if (s->entry < 0) return;
  app->live = !app->live;
  app->playing = app->live;
  if (!app->live) return;
  const double* state = s->demo.states + (size_t)view_row(app) * (size_t)s->demo.state_dim;
  if (loom_episode_start(s->episode, state, &err)) {
    view_say(app, "%s", err.message);
    app->live = app->playing = false;
  }
}

// The recorded action, or, where the demo has ended, staying there.
static void live_action(double* action, const viewApp* app) {
  const loomDemo* demo = &app->stage.demo;
  const loomEpisode* e = app->stage.episode;
  int row = view_row(app);
  memcpy(action, demo->actions + (size_t)row * (size_t)demo->action_dim,
         sizeof(double) * (size_t)demo->action_dim);
  if (row + 1 < demo->rows) return;
  for (int a = 0, at = 0; a < e->arm_count; at += loom_arm_action_dim(&e->arms[a]), a++) {
    if (!e->arms[a].control.delta) continue;
    for (int i = 0; i < e->arms[a].pose_dim; i++) action[at + i] = 0;
  }
}

void view_live_step(viewApp* app) {
  loomError err = {0, ""};
  loomEpisode* e = app->stage.episode;
  double* action = malloc(sizeof(double) * (size_t)e->action_dim);
  if (!action) return;
  live_action(action, app);
  mju_zero(e->d->xfrc_applied, 6 * (int)e->m->nbody);
  if (app->perturb.active) mjv_applyPerturbForce(e->m, e->d, &app->perturb);
  if (loom_episode_step(e, action, &err)) {
    view_say(app, "%s", err.message);
    app->live = app->playing = false;
  }
  free(action);
  app->row = fmin(app->row + 1, app->stage.demo.rows - 1);
}
