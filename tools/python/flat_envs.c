#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/scene/library.h"
#include "policies/agent/rollout.h"
#include "policies/learn/imitated.h"
#include "tools/python/flat_internal.h"

enum { ENVS_MOST = 1 << 16 };

// ---- opened

static int open_control(loomFlatEnvs* e, loomEnvironmentMaker* maker, const char* path, const char* keys,
                        int max_steps, loomError* err) {
  loomAssetRoots roots = {0};
  if (*keys)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%s: what a plain control task shows is said by its file; give no keys", path);

  int code = loom_control_task_load(&e->control, path, err);
  if (!code && max_steps > 0) e->control->max_steps = max_steps;
  if (!code) code = loom_known_assets(&roots, e->control->asset, path, NULL, err);
  if (!code) code = loom_control_scene_create(&e->control_scene, e->control, &roots, err);
  if (!code) *maker = loom_control_environment(e->control_scene);
  loom_asset_roots_destroy(&roots);
  return code;
}

// The names of a list with commas between, as keys of which no more is known.
static int list_keys(loomFlatEnvs* e, const char* keys, loomError* err) {
  int n = 1;
  for (const char* at = keys; *at; at++) n += *at == ',';

  e->key = calloc((size_t)n, sizeof *e->key);
  if (!e->key) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d keys", n);

  for (const char* at = keys; e->source.keys < n; at += strcspn(at, ",") + 1) {
    char name[LOOM_NAME_MAX + 2];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ","), at);
    e->key[e->source.keys++] = loom_obs_named(name);
  }
  e->source.key = e->key;
  return 0;
}

static int open_robots(loomFlatEnvs* e, loomEnvironmentMaker* maker, const char* task, const char* keys,
                       int max_steps, loomError* err) {
  int code = loom_scene_open(&e->scene, task, NULL, err);
  if (!code && *keys) code = list_keys(e, keys, err);
  if (code) return code;

  e->source.scene = e->scene;
  e->source.max_steps = max_steps;
  return loom_task_environment(maker, &e->range, &e->source, err);
}

static int open_envs(loomFlatEnvs* e, const char* task, const char* keys, int max_steps,
                     const loomVectorDef* def, loomError* err) {
  loomEnvironmentMaker maker;
  bool control = loom_is_control_task(task);

  int code = (control ? open_control : open_robots)(e, &maker, task, keys ? keys : "", max_steps, err);
  if (!code) code = loom_vector_create(&e->vector, &maker, def, err);
  if (!code && !(e->begins = calloc((size_t)def->n, sizeof *e->begins)))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d environments", def->n);
  return code;
}

int loom_flat_envs_open(loomFlatEnvs** out, const char* task, const char* keys, int n, int threads,
                        int max_steps, loomError* err) {
  *out = NULL;
  if (n < 1 || n > ENVS_MOST || threads < 0 || max_steps < 0)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "%d environments, %d threads, %d steps at most: no such numbers (1 to %d "
                          "environments, no negative ones)",
                          n, threads, max_steps, ENVS_MOST);

  loomFlatEnvs* e = calloc(1, sizeof *e);
  if (!e) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for environments");

  loomVectorDef def = {.n = n, .threads = threads};
  int code = open_envs(e, task, keys, max_steps, &def, err);
  if (code)
    loom_flat_envs_close(e);
  else
    *out = e;
  return code;
}

void loom_flat_envs_close(loomFlatEnvs* e) {
  if (!e) return;
  loom_flat_picture_close(e->picture);
  loom_vector_destroy(e->vector);
  loom_control_scene_destroy(e->control_scene);
  loom_control_task_destroy(e->control);
  loom_scene_destroy(e->scene);

  free(e->begins);
  free(e->range);
  free(e->key);
  free(e);
}

// ---- described

static void add_key(cJSON* list, const char* name, int dim) {
  cJSON* one = cJSON_CreateObject();
  cJSON_AddStringToObject(one, "name", name);
  cJSON_AddNumberToObject(one, "dim", dim);
  cJSON_AddItemToArray(list, one);
}

static void add_robots(cJSON* root, const loomFlatEnvs* e) {
  const loomTask* task = e->scene->task;
  const loomEpisode* episode = loom_task_environment_episode(e->vector->environment);
  cJSON *resets = cJSON_AddArrayToObject(root, "resets"), *obs = cJSON_AddArrayToObject(root, "obs"),
        *arms = cJSON_AddArrayToObject(root, "arms");
  int n;
  const loomObsKey* key = loom_task_environment_keys(e->vector->environment, &n);

  for (int i = 0; i < task->reset_count; i++)
    cJSON_AddItemToArray(resets, cJSON_CreateString(task->resets[i].name));
  for (int i = 0; i < n; i++) add_key(obs, key[i].name, key[i].dim);

  // An action is the arms' entries one after the other, each pose before its gripper.
  for (int a = 0; a < episode->arm_count; a++) {
    const loomArm* arm = &episode->arms[a];
    cJSON* one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "name", arm->robot->prefix);
    cJSON_AddStringToObject(one, "controller", loom_controller_names[arm->control.type]);
    cJSON_AddBoolToObject(one, "delta", arm->control.delta);
    cJSON_AddNumberToObject(one, "pose", arm->pose_dim);
    cJSON_AddNumberToObject(one, "gripper", arm->robot->gripper_dim);
    cJSON_AddItemToArray(arms, one);
  }
  cJSON_AddNumberToObject(root, "state", episode->state_dim);
}

int loom_flat_envs_about(char** out, const loomFlatEnvs* e, loomError* err) {
  const loomControlTask* c = e->control;
  const loomTask* t = c ? NULL : e->scene->task;
  int own = c ? c->max_steps : t->max_steps;
  cJSON* root = cJSON_CreateObject();

  cJSON_AddStringToObject(root, "task", c ? c->name : t->name);
  cJSON_AddStringToObject(root, "path", c ? c->path : t->path);
  cJSON_AddStringToObject(root, "kind", c ? "control" : "robots");
  cJSON_AddNumberToObject(root, "control_freq", c ? 1 / e->control_scene->dt : t->control_freq);
  cJSON_AddNumberToObject(root, "max_steps", e->source.max_steps ? e->source.max_steps : own);
  cJSON_AddNumberToObject(root, "actions", e->vector->maker.actions);
  if (t) {
    add_robots(root, e);
  } else {
    const mjModel* m = e->control_scene->m;
    cJSON_AddArrayToObject(root, "resets");
    cJSON_AddArrayToObject(root, "arms");
    add_key(cJSON_AddArrayToObject(root, "obs"), LOOM_CONTROL_KEY, e->vector->maker.obs);
    cJSON_AddNumberToObject(root, "state", (double)(1 + m->nq + m->nv));
  }
  return loom_flat_text(out, root, err);
}

void loom_flat_envs_range(double* out, const loomFlatEnvs* e) {
  const loomEnvironmentMaker* maker = &e->vector->maker;
  for (int i = 0; i < 2 * maker->actions; i++)
    out[i] = maker->range ? maker->range[i] : i % 2 ? INFINITY : -INFINITY;
}

// ---- episodes

static int choose_reset(loomFlatEnvs* e, const char* name, loomError* err) {
  if (!name || !*name) return 0;
  int reset = e->scene ? loom_task_find_reset(e->scene->task, name) : -1;
  if (reset >= 0) {
    e->source.reset = reset;
    return 0;
  }

  char there[200] = "";
  size_t used = 0;
  for (int i = 0; e->scene && i < e->scene->task->reset_count && used < sizeof there - 1; i++)
    used += (size_t)snprintf(there + used, sizeof there - used, "%s%s", i ? ", " : "",
                             e->scene->task->resets[i].name);
  return loom_error_set(err, LOOM_ERR_USAGE, "%s: no reset distribution '%s'; it has %s",
                        e->scene ? e->scene->task->path : e->control->path, name, *there ? there : "none");
}

int loom_flat_envs_reset(double* obs, loomFlatEnvs* e, const char* reset, uint64_t seed, uint64_t first,
                         loomError* err) {
  loomVector* v = e->vector;
  int code = choose_reset(e, reset, err);
  if (code) return code;

  v->def.seed = seed;
  v->def.first = first;
  e->begun = false;
  code = loom_vector_reset(v, err);
  if (code) return code;

  e->begun = true;
  for (int i = 0; i < v->def.n; i++) e->begins[i]++;
  if (obs) memcpy(obs, v->obs, (size_t)v->def.n * (size_t)v->maker.obs * sizeof *obs);
  return 0;
}

// Told before any environment moves: so that none has taken a step that others have not.
static int check_actions(const loomFlatEnvs* e, const double* actions, loomError* err) {
  const loomVector* v = e->vector;
  ptrdiff_t n = (ptrdiff_t)v->def.n * v->maker.actions;
  if (!e->begun) return loom_error_set(err, LOOM_ERR_USAGE, "no episode has begun; reset first");

  for (ptrdiff_t k = 0; k < n; k++)
    if (!isfinite(actions[k]))
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "entry %d of the action for environment %d is not a finite number",
                            (int)(k % v->maker.actions), (int)(k / v->maker.actions));
  return 0;
}

static unsigned char flags_of(const loomFlatEnvs* e, int i) {
  const loomVector* v = e->vector;
  int flags = (v->terminated[i] ? LOOM_FLAT_TERMINATED : 0) | (v->truncated[i] ? LOOM_FLAT_TRUNCATED : 0) |
              (v->success[i] ? LOOM_FLAT_SUCCESS : 0) | (v->fresh[i] ? LOOM_FLAT_BEGAN : 0);
  if (v->success[i] && e->scene && loom_judge_within_limits(loom_task_environment_run(&v->environment[i])))
    flags |= LOOM_FLAT_WITHIN_LIMITS;
  return (unsigned char)flags;
}

int loom_flat_envs_step(double* obs, double* reward, unsigned char* terminated, unsigned char* truncated,
                        unsigned char* flags, loomFlatEnvs* e, const double* actions, loomError* err) {
  loomVector* v = e->vector;
  int code = check_actions(e, actions, err);
  if (code) return code;

  // An error in the midst of it leaves some a step further than others: begin anew.
  e->begun = false;
  code = loom_vector_step(v, actions, err);
  if (code) return code;
  e->begun = true;

  size_t n = (size_t)v->def.n;
  if (obs) memcpy(obs, v->obs, n * (size_t)v->maker.obs * sizeof *obs);
  if (reward) memcpy(reward, v->reward, n * sizeof *reward);
  for (int i = 0; i < v->def.n; i++) {
    e->begins[i] += v->fresh[i];
    if (terminated) terminated[i] = v->terminated[i];
    if (truncated) truncated[i] = v->truncated[i];
    if (flags) flags[i] = flags_of(e, i);
  }
  return 0;
}

int loom_flat_envs_told(char** out, const loomFlatEnvs* e, int i, loomError* err) {
  const loomVector* v = e->vector;
  int code = loom_flat_check(e, i, err);
  if (code) return code;

  cJSON* root = cJSON_CreateObject();
  uint64_t attempt = v->def.first + (uint64_t)v->episode[i] * (uint64_t)v->def.n + (uint64_t)i;
  loom_flat_add_integer(root, "attempt", attempt, false);
  cJSON_AddNumberToObject(root, "steps", v->length[i]);
  if (e->control) return loom_flat_text(out, root, err);

  // Of robots' tasks the judge knows more.
  const loomRunResult* run = loom_task_environment_run(&v->environment[i]);
  if (run->over) cJSON_AddStringToObject(root, "end", loom_run_end_name(run->end));
  cJSON_AddNumberToObject(root, "first_success", run->first_success);
  if (run->breach.limit != LOOM_LIMIT_NONE) cJSON_AddStringToObject(root, "breach", run->breach.reason);
  if (run->message[0]) cJSON_AddStringToObject(root, "message", run->message);
  return loom_flat_text(out, root, err);
}

int loom_flat_envs_state(double* out, const loomFlatEnvs* e, int i, loomError* err) {
  int code = loom_flat_check(e, i, err);
  if (code) return code;
  if (e->scene) {
    loom_episode_state(out, loom_task_environment_episode(&e->vector->environment[i]));
    return 0;
  }

  const loomControlSim* sim = e->vector->environment[i].self;
  const mjModel* m = e->control_scene->m;
  out[0] = sim->d->time;
  memcpy(out + 1, sim->d->qpos, (size_t)m->nq * sizeof *out);
  memcpy(out + 1 + m->nq, sim->d->qvel, (size_t)m->nv * sizeof *out);
  return 0;
}
