// demoloom rollout of what was learned from scratch in a task of robots: episodes as the task's environments
// have them, rewarded by its own reward.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/dataset.h"
#include "engine/run/task_environment.h"
#include "engine/scene/library.h"
#include "generators/run/record.h"
#include "policies/agent/rollout.h"
#include "policies/learn/control_policy.h"
#include "tools/command/rollout_parts.h"
#include "tools/shared/damage.h"

typedef struct robotsRun {
  const rolloutControl* def;
  loomTask* task;
  loomScene* scene;
  loomTaskSource source;
  double* range;  // of actions
  loomEnvironmentMaker maker;
  loomEnvironment environment;
  loomControlPolicy policy;
  loomRunFolder folder;
  loomTrace trace;  // of the running episode, where they become demos
  double *obs, *action;
  int won, run;  // episodes
} robotsRun;

// ---- opened

static int choose_reset(robotsRun* r, loomError* err) {
  const char* name = r->def->reset ? r->def->reset : r->policy.config.residual.reset;
  r->source.reset = *name ? loom_task_find_reset(r->task, name) : 0;
  if (r->source.reset >= 0) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_USAGE, "%s has no reset distribution '%s'", r->task->path, name);
}

static int open_robots_folder(robotsRun* r, loomError* err) {
  int code = rollout_parts_open(&r->folder, r->def, err);
  return code ? code
              : loom_trace_create(&r->trace, loom_task_environment_episode(&r->environment),
                                  r->task->max_steps, err);
}

static int open_robots(robotsRun* r, const char* task, loomError* err) {
  int code = loom_task_find(&r->task, task, err);
  if (!code) code = tool_assets(r->def->roots, r->task, err);
  if (!code) code = loom_scene_of_task(&r->scene, r->task, r->def->roots, err);
  r->source.scene = r->scene;
  if (!code) code = loom_task_environment(&r->maker, &r->range, &r->source, err);
  if (!code) code = loom_control_policy_load(&r->policy, r->def->policy, &r->maker, err);
  if (!code) code = choose_reset(r, err);
  if (!code) code = r->maker.create(&r->environment, r->maker.source, err);
  if (code) return code;

  r->obs = calloc((size_t)r->maker.obs + 1, sizeof *r->obs);
  r->action = calloc((size_t)r->maker.actions + 1, sizeof *r->action);
  if (!r->obs || !r->action) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for an episode");
  return r->def->out ? open_robots_folder(r, err) : LOOM_OK;
}

static void close_robots(robotsRun* r) {
  loom_trace_destroy(&r->trace);
  if (r->environment.destroy) r->environment.destroy(r->environment.self);
  loom_control_policy_destroy(&r->policy);
  if (r->def->out) loom_run_folder_remove(&r->folder, NULL);
  loom_scene_destroy(r->scene);
  loom_task_destroy(r->task);
  free(r->range);
  free(r->obs);
  free(r->action);
}

// ---- episodes

// Nothing is kept of a broken simulation.
static int write_robots(robotsRun* r, uint64_t number, loomError* err) {
  const loomRunResult* run = loom_task_environment_run(&r->environment);
  loomEpisode* episode = loom_task_environment_episode(&r->environment);
  char path[LOOM_RUN_FILE_MAX];
  loomWriteDef write = loom_default_write_def();
  if (run->end == LOOM_RUN_SIMULATOR || !r->trace.rows) return LOOM_OK;

  loomDriven driven = {
      "rollout",          (int)number,  (uint64_t)r->def->seed, number, run->end == LOOM_RUN_SUCCESS,
      r->scene->env_args, r->def->roots};
  loom_trace_end(&r->trace, episode);
  rollout_part_path(path, &r->folder, number);
  return loom_record_driven(path, &r->trace, episode, &driven, &write, NULL, err);
}

static int run_episode(controlEpisode* out, robotsRun* r, uint64_t number, loomError* err) {
  loomEnvironment* e = &r->environment;
  loomEnvironmentStep step = {0};
  int code = e->reset(e->self, (uint64_t)r->def->seed, number, err);
  r->trace.rows = 0;

  while (!code && !step.terminated && !step.truncated) {
    e->observe(r->obs, e->self);
    loom_control_policy_act(r->action, &r->policy, r->obs);
    if (r->def->out) loom_trace_add(&r->trace, loom_task_environment_episode(e), r->action);
    code = e->step(&step, e->self, r->action, err);
    out->total += step.reward;
    out->steps++;
  }

  out->end = loom_run_end_name(loom_task_environment_run(e)->end);
  out->terms = r->task->reward.term_count;
  memcpy(out->term, step.term, sizeof out->term);
  return code;
}

static int run_one(controlEpisode* out, char note[ROLLOUT_NOTE], void* self, uint64_t number,
                   loomError* err) {
  robotsRun* r = self;
  int code = run_episode(out, r, number, err);
  if (!code && r->def->out) code = write_robots(r, number, err);

  r->won += loom_task_environment_run(&r->environment)->end == LOOM_RUN_SUCCESS;
  snprintf(note, ROLLOUT_NOTE, "episodes, %.0f %% succeed", 100.0 * r->won / ++r->run);
  return code;
}

int rollout_robots(controlEpisode* episode, const rolloutControl* def, const char* task, loomError* err) {
  robotsRun r = {.def = def};
  int code = open_robots(&r, task, err);

  tool_catch_signals();
  if (!code) code = rollout_each(episode, def, run_one, &r, err);
  tool_progress_end();
  if (!code && def->out) code = rollout_parts_assemble(def, &r.folder, r.scene->env_args, err);
  close_robots(&r);
  return code;
}
