#include "engine/run/task_environment.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/reward.h"

static_assert((int)LOOM_MAX_TERMS == (int)LOOM_TERMS_TOLD, "all terms are told");

typedef struct taskEpisode {
  const loomTaskSource* source;
  loomEpisode* e;
  loomObserver* observer;
  loomReward* reward;
  loomRunDef def;
  loomRunResult run;
  int reset;  // how the episode began: distribution,
  uint64_t seed, attempt;
} taskEpisode;

static const loomRewardDef* reward_of(const loomTaskSource* source) {
  return source->reward ? source->reward : &source->scene->task->reward;
}

// ---- made

static void close_task_episode(taskEpisode* t) {
  loom_reward_destroy(t->reward);
  loom_observer_destroy(t->observer);
  loom_episode_destroy(t->e);
  t->reward = NULL;
  t->observer = NULL;
  t->e = NULL;
}

static int open_task_episode(taskEpisode* t, loomError* err) {
  const loomTaskSource* s = t->source;
  int code = loom_episode_create(&t->e, s->scene, err);
  if (!code && s->key) code = loom_observer_create(&t->observer, t->e, s->key, s->keys, NULL, err);
  if (!code && !s->key) code = loom_observer_create_all(&t->observer, t->e, err);
  if (!code) code = loom_reward_create(&t->reward, reward_of(s), t->e, err);
  return code;
}

static void destroy_task(void* self) {
  close_task_episode(self);
  free(self);
}

static int create_plain(taskEpisode** out, const loomTaskSource* source, loomError* err) {
  taskEpisode* t = *out = calloc(1, sizeof *t);
  if (!t) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for an episode");

  t->source = source;
  t->def = loom_default_run_def(source->scene->task);
  if (source->max_steps > 0) t->def.max_steps = source->max_steps;

  int code = open_task_episode(t, err);
  if (!code) return 0;
  destroy_task(t);
  *out = NULL;
  return code;
}

// ---- episodes

// After MuJoCo raised an error the simulation is in an unknown state.
static bool is_broken(const taskEpisode* t) {
  return t->run.over && t->run.end == LOOM_RUN_SIMULATOR;
}

static void break_off(taskEpisode* t, const loomError* why) {
  t->run.over = true;
  t->run.end = LOOM_RUN_SIMULATOR;
  snprintf(t->run.message, sizeof t->run.message, "%.255s", why->message);
}

static int put_in_context(taskEpisode* t, loomError* err) {
  const loomTaskSource* s = t->source;
  uint64_t n = (uint64_t)s->contexts;
  if (!s->context) return LOOM_OK;
  return loom_disturb_begin(t->e, s->context, n ? s->context_seed : t->seed, n ? t->attempt % n : t->attempt,
                            NULL, err);
}

static int begin_at(taskEpisode* t, loomError* err) {
  int code = LOOM_OK;
  if (is_broken(t) || !t->e) {
    close_task_episode(t);
    t->run = (loomRunResult){0};
    code = open_task_episode(t, err);
    if (code) close_task_episode(t);
  }
  if (!code) code = loom_episode_reset(t->e, t->reset, t->seed, t->attempt, err);
  if (!code) code = put_in_context(t, err);
  if (code) return code;

  loom_judge_begin(&t->run, t->e);
  loom_reward_begin(t->reward, t->e, NULL);
  return 0;
}

static int reset_task(void* self, uint64_t seed, uint64_t attempt, loomError* err) {
  taskEpisode* t = self;
  loomError why = {0, ""};
  t->reset = t->source->reset;
  t->seed = seed;
  t->attempt = attempt;

  // As in rollouts: a start at which MuJoCo fails is a failed episode, which the first step tells.
  int code = begin_at(t, &why);
  if (code == LOOM_ERR_SIM) {
    t->run = (loomRunResult){.first_success = -1};
    break_off(t, &why);
    return 0;
  }
  if (code && err) *err = why;
  return code;
}

static int step_task(loomEnvironmentStep* out, void* self, const double* action, loomError* err) {
  taskEpisode* t = self;
  loomError why = {0, ""};
  *out = (loomEnvironmentStep){.steps = 1};

  int code = is_broken(t) ? LOOM_ERR_SIM : loom_episode_step(t->e, action, &why);
  if (code == LOOM_ERR_SIM) {
    if (!is_broken(t)) break_off(t, &why);
    out->terminated = true;
    return 0;
  }
  if (code && err) *err = why;
  if (code) return code;

  // Out of time is no failure: much might have followed.
  if (!loom_judge_step(&t->run, &t->def, t->e)) {
    out->success = t->run.end == LOOM_RUN_SUCCESS;
    out->truncated = t->run.end == LOOM_RUN_TIMEOUT;
    out->terminated = !out->truncated;
  }
  return loom_reward_step(&out->reward, out->term, t->reward, t->e, &t->run, err);
}

static void observe_task(double* obs, void* self) {
  taskEpisode* t = self;
  if (is_broken(t))
    memset(obs, 0, (size_t)loom_observer_dim(t->observer) * sizeof *obs);
  else
    loom_observer_see_doubles(obs, t->observer, t->e);
}

// ---- snapshots

// What objects are like follows from how the episode began; the rest is as it stands.
typedef struct began {
  uint64_t seed, attempt;
  int64_t reset;
  loomRunResult run;
} began;

// To a multiple of a double's.
static size_t whole(size_t bytes) {
  return (bytes + sizeof(double) - 1) / sizeof(double) * sizeof(double);
}

static size_t snapshot_size(const taskEpisode* t) {
  return whole(loom_episode_snapshot_size(t->e)) + whole(loom_reward_snapshot_size(t->reward)) +
         whole(sizeof(began));
}

static void snapshot_task(void* out, const void* self) {
  const taskEpisode* t = self;
  char* at = out;
  began b = {.seed = t->seed, .attempt = t->attempt, .reset = t->reset, .run = t->run};
  memset(out, 0, snapshot_size(t));

  loom_episode_snapshot(at, t->e);
  at += whole(loom_episode_snapshot_size(t->e));
  loom_reward_snapshot(at, t->reward);
  memcpy(at + whole(loom_reward_snapshot_size(t->reward)), &b, sizeof b);
}

static int restore_task(void* self, const void* snapshot, loomError* err) {
  taskEpisode* t = self;
  const char *at = snapshot, *reward = at + whole(loom_episode_snapshot_size(t->e));
  began b;
  memcpy(&b, reward + whole(loom_reward_snapshot_size(t->reward)), sizeof b);

  t->seed = b.seed;
  t->attempt = b.attempt;
  t->reset = (int)b.reset;
  int code = begin_at(t, err);
  if (!code) code = loom_episode_restore(t->e, at, err);
  if (code) return code;

  loom_reward_restore(t->reward, reward);
  t->run = b.run;
  return 0;
}

// ---- the maker

static int create_task(loomEnvironment* out, const void* source, loomError* err) {
  taskEpisode* t;
  int code = create_plain(&t, source, err);
  if (code) return code;

  *out = (loomEnvironment){.self = t,
                           .reset = reset_task,
                           .step = step_task,
                           .observe = observe_task,
                           .snapshot = snapshot_task,
                           .restore = restore_task,
                           .destroy = destroy_task};
  return 0;
}

// Moves are clipped to the controller's inputs; joints that are told where to go have ranges; poses that are
// told as they are, none.
static void pose_range(double* range, const loomArm* arm, const mjModel* m) {
  for (int i = 0; i < arm->pose_dim; i++) {
    bool joint = arm->control.type == LOOM_JOINT_POSITION;
    const double* limit = joint ? m->jnt_range + (ptrdiff_t)2 * m->dof_jntid[arm->dof[i]] : NULL;
    range[2 * i] = arm->control.delta ? arm->control.input_min[i] : limit ? limit[0] : -INFINITY;
    range[2 * i + 1] = arm->control.delta ? arm->control.input_max[i] : limit ? limit[1] : INFINITY;
  }
}

static void action_range(double* range, const loomEpisode* e) {
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    pose_range(range, arm, e->m);

    for (int i = arm->pose_dim; i < loom_arm_action_dim(arm); i++) {
      range[2 * i] = -1;
      range[2 * i + 1] = 1;
    }
    range += (ptrdiff_t)2 * loom_arm_action_dim(arm);
  }
}

int loom_task_environment(loomEnvironmentMaker* out, double** range, const loomTaskSource* source,
                          loomError* err) {
  taskEpisode* t;
  *range = NULL;
  int code = create_plain(&t, source, err);
  if (code) return code;

  *range = calloc((size_t)t->e->action_dim * 2 + 1, sizeof **range);
  if (!*range) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d actions", t->e->action_dim);
  if (!code) action_range(*range, t->e);

  *out = (loomEnvironmentMaker){.source = source,
                                .obs = loom_observer_dim(t->observer),
                                .actions = t->e->action_dim,
                                .range = *range,
                                .snapshot_size = snapshot_size(t),
                                .create = create_task};
  destroy_task(t);
  return code;
}

// ---- one of them

loomEpisode* loom_task_environment_episode(const loomEnvironment* environment) {
  return ((taskEpisode*)environment->self)->e;
}

const loomRunResult* loom_task_environment_run(const loomEnvironment* environment) {
  return &((taskEpisode*)environment->self)->run;
}

const loomObsKey* loom_task_environment_keys(const loomEnvironment* environment, int* n) {
  return loom_observer_keys(((taskEpisode*)environment->self)->observer, n);
}
