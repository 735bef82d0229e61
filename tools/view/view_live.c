// What lives in the viewer: trials (runs and resets as demos), and the simulation with a hand in it.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/view/view.h"

bool view_live_sources(viewApp* app) {
  loomError err = {0, ""};
  char path[LOOM_PATH_MAX];

  if (app->sources.n) return true;

  int code = overlay_source_path(path, app->task, app->dataset, &app->args->roots, &err);
  // Those that cannot be used are told on stderr; runs are made of the others.
  if (!code) code = overlay_load_sources(&app->sources, app->task, path, &app->args->roots, &err);
  if (!code) code = loom_dataset_open(&app->source_dataset, path, &err);

  // Runs are made of mirrored ones only where the task's own are.
  app->tried = app->sources;
  while (!app->task->source_mirrored && app->tried.n && app->tried.replay[app->tried.n - 1].mirrored)
    app->tried.n--;

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

viewTrial* view_live_trial(const loomTrace* t, loomEpisode* e, loomError* err) {
  size_t actions = sizeof(double) * (size_t)t->rows * (size_t)t->action_dim,
         states = sizeof(double) * (size_t)t->rows * (size_t)t->state_dim;
  viewTrial* trial = calloc(1, sizeof *trial);

  // A demo as if read from a file, but that it has no sources and no subtask has begun.
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

int view_live_grow(viewTrial* trial, const loomTrace* t, loomError* err) {
  loomDemo* d = &trial->demo;
  size_t actions = sizeof(double) * (size_t)t->rows * (size_t)t->action_dim,
         states = sizeof(double) * (size_t)t->rows * (size_t)t->state_dim;
  double *more_actions = realloc(d->actions, actions + 1), *more_states = realloc(d->states, states + 1);

  if (more_actions) d->actions = more_actions;
  if (more_states) d->states = more_states;
  if (!more_actions || !more_states) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a demo");

  memcpy(d->actions, t->actions, actions);
  memcpy(d->states, t->states, states);
  d->rows = t->rows;
  return 0;
}

void view_live_add(viewApp* app, const loomEpisode* e, viewTrial* trial, const char* what, loomError* err) {
  char name[LOOM_NAME_MAX];

  // A reset or an expert's run has no result of its own: it began where the object is now.
  if (trial && app->task->object_count && trial->result.begin[0][0] < 0) {
    loomPose at = loom_episode_object(e, 0);
    memcpy(trial->result.object_start, at.pos, sizeof at.pos);
  }

  snprintf(name, sizeof name, "%s %d (seed %d)", what, app->trial_count++, app->seed);
  if (!trial || view_list_add(&app->list, trial, name, app->task, err)) {
    view_say(app, "%s", err->message);
    return;
  }

  view_show(app, app->list.n - 1);
}

bool view_live_ready(viewApp* app) {
  loomError err = {0, ""};
  if (!view_live_sources(app)) return false;

  int code = open_trials(app, &err);
  if (code) view_say(app, "%s", err.message);
  return !code;
}

void view_live_show_start(viewApp* app, loomEpisode* e, const char* what) {
  loomError err = {0, ""};
  loomTrace trace = {0};

  // One row of an action that moves nothing, so that a reset can be looked at like a demo.
  double* still = calloc((size_t)e->action_dim, sizeof *still);
  int code = still ? loom_trace_create(&trace, e, 1, &err)
                   : loom_error_set(&err, LOOM_ERR_MEMORY, "out of memory for an action");
  if (!code) loom_trace_add(&trace, e, still);

  viewTrial* trial = code ? NULL : view_live_trial(&trace, e, &err);
  if (trial) trial->result.outcome = LOOM_OUTCOME_UNFINISHED;

  view_live_add(app, e, trial, what, &err);

  // A start is no attempt: nothing has failed.
  if (app->stage.entry >= 0 && app->list.entry[app->stage.entry].trial == trial)
    app->list.entry[app->stage.entry].outcome = -1;
  view_list_count(&app->list);
  free(still);
  loom_trace_destroy(&trace);
}

void view_live_reset(viewApp* app) {
  loomError err = {0, ""};

  view_run_end(app);
  if (!view_live_ready(app)) return;

  int code = loom_episode_reset(app->trial_episode, app->reset_choice, (uint64_t)app->seed,
                                (uint64_t)app->trial_count, &err);
  if (code) {
    view_say(app, "%s", err.message);
    return;
  }
  view_live_show_start(app, app->trial_episode, "reset");
}

// ---- simulation

loomEpisode* view_live_episode(const viewApp* app) {
  if (app->live) return app->stage.episode;
  return view_run_open(app) && app->playing ? app->trial_episode : NULL;
}

void view_live_toggle(viewApp* app) {
  loomError err = {0, ""};
  viewStage* s = &app->stage;

  // Whatever runs has ended: there is one simulation at a time.
  if (s->entry < 0) return;
  view_run_end(app);

  app->live = !app->live;
  app->playing = app->live;
  if (!app->live) return;

  // It goes on from the row that is shown.
  const double* state = s->demo.states + (size_t)view_row(app) * (size_t)s->demo.state_dim;
  if (loom_episode_start(s->episode, state, &err)) {
    view_say(app, "%s", err.message);
    app->live = app->playing = false;
  }
}

// The recorded action, or, where the demo has ended, staying there.
static void live_action(double* action, const viewApp* app) {
  const loomDemo* demo = &app->stage.demo;
  int row = view_row(app);

  memcpy(action, demo->actions + (size_t)row * (size_t)demo->action_dim,
         sizeof(double) * (size_t)demo->action_dim);

  // Moves of zero; an absolute target stays the last one.
  if (row + 1 >= demo->rows) loom_episode_keep_still(action, app->stage.episode);
}

void view_live_step(viewApp* app) {
  loomError err = {0, ""};
  loomEpisode* e = app->stage.episode;
  double* action = malloc(sizeof(double) * (size_t)e->action_dim);

  if (!action) return;

  live_action(action, app);

  // The pull of the mouse, for this step alone.
  mju_zero(e->d->xfrc_applied, 6 * (int)e->m->nbody);
  if (app->perturb.active) mjv_applyPerturbForce(e->m, e->d, &app->perturb);

  if (loom_episode_step(e, action, &err)) {
    view_say(app, "%s", err.message);
    app->live = app->playing = false;
  }

  free(action);
  app->row = fmin(app->row + 1, app->stage.demo.rows - 1);
}
