#include "tools/command/rollout_control.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/dataset.h"
#include "engine/run/record_demo.h"
#include "policies/learn/control_policy.h"
#include "policies/learn/imitated.h"
#include "tools/command/rollout_parts.h"
#include "tools/shared/damage.h"

static const char terminated[] = "terminated", timeout[] = "timeout";

typedef struct controlRun {
  const rolloutControl* def;
  loomControlTask* task;
  loomControlScene* scene;
  loomControlSim* sim;
  loomControlPolicy policy;
  loomRunFolder folder;
  controlEpisode* episode;  // (n)
  // Of the running episode, with room for the task's steps: one row more of what is seen.
  double *obs, *action, *reward, *state;
  double sum;   // of returns,
  int64_t run;  // of so many episodes
} controlRun;

bool rollout_is_control(const char* policy, const char* task) {
  return (task && loom_is_control_task(task)) || loom_is_control_policy(policy);
}

// ---- opened

static int open_control_task(controlRun* r, const char* path, loomError* err) {
  const rolloutControl* def = r->def;
  int code = loom_control_task_load(&r->task, path, err);
  if (!code) code = tool_known_assets(def->roots, r->task->asset, path, err);
  if (!code) code = loom_control_scene_create(&r->scene, r->task, def->roots, err);
  if (!code) code = loom_control_sim_create(&r->sim, r->scene, err);
  if (code) return code;

  loomEnvironmentMaker maker = loom_control_environment(r->scene);
  return loom_control_policy_load(&r->policy, def->policy, &maker, err);
}

static int make_room(controlRun* r, loomError* err) {
  size_t rows = (size_t)r->task->max_steps, state = (size_t)(1 + r->scene->m->nq + r->scene->m->nv);
  r->obs = calloc((rows + 1) * (size_t)r->scene->obs, sizeof *r->obs);
  r->action = calloc(rows * (size_t)r->scene->actions, sizeof *r->action);
  r->reward = calloc(rows, sizeof *r->reward);
  r->state = calloc(rows * state, sizeof *r->state);
  return r->obs && r->action && r->reward && r->state
             ? LOOM_OK
             : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for episodes of %d steps", r->task->max_steps);
}

static void close_run(controlRun* r) {
  loom_control_policy_destroy(&r->policy);
  loom_control_sim_destroy(r->sim);
  loom_control_scene_destroy(r->scene);
  loom_control_task_destroy(r->task);
  if (r->def->out) loom_run_folder_remove(&r->folder, NULL);
  free(r->episode);
  free(r->obs);
  free(r->action);
  free(r->reward);
  free(r->state);
}

// ---- episodes

static void keep_state(controlRun* r, int t) {
  const mjModel* m = r->scene->m;
  double* to = r->state + (ptrdiff_t)t * (1 + m->nq + m->nv);
  to[0] = r->sim->d->time;
  memcpy(to + 1, r->sim->d->qpos, (size_t)m->nq * sizeof *to);
  memcpy(to + 1 + m->nq, r->sim->d->qvel, (size_t)m->nv * sizeof *to);
}

static int run_episode(controlEpisode* out, controlRun* r, uint64_t number, loomError* err) {
  const rolloutControl* def = r->def;
  int obs = r->scene->obs, actions = r->scene->actions;
  int code = loom_control_sim_reset(r->sim, (uint64_t)def->seed, number, err);
  if (!code) loom_control_sim_observe(r->obs, r->sim);

  bool healthy = true;
  for (int t = 0; !code && t < r->task->max_steps && healthy; t++) {
    loomControlStep step;
    double* action = r->action + (ptrdiff_t)t * actions;
    keep_state(r, t);
    loom_control_policy_act(action, &r->policy, r->obs + (ptrdiff_t)t * obs);
    code = loom_control_sim_step(&step, r->sim, action, err);
    if (code) break;

    loom_control_sim_observe(r->obs + (ptrdiff_t)(t + 1) * obs, r->sim);
    r->reward[t] = step.reward;
    out->total += step.reward;
    healthy = step.healthy;
    out->steps++;
  }
  out->end = healthy ? timeout : terminated;
  return code;
}

// Robomimic's arrays. What is seen lies under one key; `dones` are 1 where nothing followed, so that an
// episode which ran out of time is known by its zeros.
static int write_episode(const controlRun* r, const controlEpisode* e, uint64_t number, loomError* err) {
  char path[LOOM_RUN_FILE_MAX], name[LOOM_NAME_MAX];
  loomWriteDef write = loom_default_write_def();
  loomDemoRecord record = {0};
  int64_t rows = e->steps, dim = r->scene->obs;
  int64_t seen[2] = {rows, dim}, done[2] = {rows, r->scene->actions},
          states[2] = {rows, 1 + r->scene->m->nq + r->scene->m->nv};
  snprintf(name, sizeof name, "demo_%llu", (unsigned long long)number);

  loom_demo_record_array(&record, "actions", LOOM_TYPE_F64, r->action, 2, done);
  loom_demo_record_array(&record, "states", LOOM_TYPE_F64, r->state, 2, states);
  loom_demo_record_array(&record, "rewards", LOOM_TYPE_F64, r->reward, 1, &rows);
  int64_t* dones = loom_demo_record_room(&record, "dones", LOOM_TYPE_I64, 1, &rows);
  if (dones) dones[rows - 1] = e->end == terminated;
  loom_demo_record_array(&record, "obs/" LOOM_CONTROL_KEY, LOOM_TYPE_F64, r->obs, 2, seen);
  loom_demo_record_array(&record, "next_obs/" LOOM_CONTROL_KEY, LOOM_TYPE_F64, r->obs + dim, 2, seen);
  loom_demo_record_attr(&record, loom_attr_double("loom_return", e->total));

  rollout_part_path(path, &r->folder, number);
  int code = loom_demo_record_write(path, &record, name, &write, err);
  loom_demo_record_destroy(&record);
  return code;
}

static int run_one(controlEpisode* out, char note[ROLLOUT_NOTE], void* self, uint64_t number,
                   loomError* err) {
  controlRun* r = self;
  int code = run_episode(out, r, number, err);
  if (!code && r->def->out) code = write_episode(r, out, number, err);

  r->sum += out->total;
  snprintf(note, ROLLOUT_NOTE, "episodes, return %.1f", r->sum / (double)++r->run);
  return code;
}

// ---- the dataset

// As robomimic's for Gymnasium's environments.
static char* env_args_of(const controlRun* r) {
  cJSON* root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "env_name", r->task->name);
  cJSON_AddNumberToObject(root, "type", 2);
  cJSON* kwargs = cJSON_AddObjectToObject(root, "env_kwargs");
  cJSON_AddNumberToObject(kwargs, "control_freq", 1 / r->scene->dt);

  char* text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  return text;
}

static int assemble(const controlRun* r, loomError* err) {
  char* env_args = env_args_of(r);
  int code = rollout_parts_assemble(r->def, &r->folder, env_args, err);
  cJSON_free(env_args);
  return code;
}

// ---- results

static void returns_of(double* mean, double* deviation, const controlRun* r) {
  int64_t n = r->def->n;
  double squares = 0;
  *mean = 0;
  for (int64_t i = 0; i < n; i++) *mean += r->episode[i].total / (double)n;
  for (int64_t i = 0; i < n; i++) squares += (r->episode[i].total - *mean) * (r->episode[i].total - *mean);
  *deviation = sqrt(squares / (double)(n > 1 ? n - 1 : 1));
}

static void print_json(const controlRun* r) {
  double mean, deviation;
  cJSON* out = cJSON_CreateObject();
  returns_of(&mean, &deviation, r);

  cJSON_AddStringToObject(out, "policy", r->def->policy);
  if (r->def->out) cJSON_AddStringToObject(out, "file", r->def->out);
  cJSON_AddNumberToObject(out, "seed", (double)r->def->seed);
  cJSON_AddNumberToObject(out, "n", (double)r->def->n);
  cJSON_AddNumberToObject(out, "return", mean);
  cJSON_AddNumberToObject(out, "deviation", deviation);
  cJSON* list = cJSON_AddArrayToObject(out, "episodes");
  for (int64_t i = 0; i < r->def->n; i++) {
    const controlEpisode* e = &r->episode[i];
    cJSON* one = cJSON_CreateObject();
    cJSON_AddNumberToObject(one, "number", (double)(r->def->first + i));
    cJSON_AddStringToObject(one, "end", e->end);
    cJSON_AddNumberToObject(one, "steps", e->steps);
    cJSON_AddNumberToObject(one, "return", e->total);
    cJSON* last = e->terms ? cJSON_AddArrayToObject(one, "last") : NULL;
    for (int k = 0; k < e->terms; k++) cJSON_AddItemToArray(last, cJSON_CreateNumber(e->term[k]));
    cJSON_AddItemToArray(list, one);
  }
  tool_print_report(out);
  cJSON_Delete(out);
}

static void print_text(const controlRun* r) {
  double mean, deviation, steps = 0;
  int64_t n = r->def->n;
  returns_of(&mean, &deviation, r);

  for (int64_t i = 0; i < n; i++) steps += (double)r->episode[i].steps / (double)n;
  printf("return %.1f (deviation %.1f) over %lld episodes of %.0f steps\n", mean, deviation, (long long)n,
         steps);
  if (r->def->out) printf("wrote %s\n", r->def->out);
}

static int run_control(controlRun* r, const char* task, loomError* err) {
  if (r->def->reset)
    return loom_error_set(err, LOOM_ERR_USAGE, "--reset: %s is a plain control task, which begins in one way",
                          task);
  int code = open_control_task(r, task, err);
  if (!code) code = make_room(r, err);
  if (!code) code = rollout_parts_open(&r->folder, r->def, err);

  tool_catch_signals();
  if (!code) code = rollout_each(r->episode, r->def, run_one, r, err);
  tool_progress_end();
  return !code && r->def->out ? assemble(r, err) : code;
}

int rollout_control(const rolloutControl* def, loomError* err) {
  controlRun r = {.def = def, .episode = calloc((size_t)def->n, sizeof *r.episode)};
  char own[LOOM_PATH_MAX];
  const char* task = def->task ? def->task : own;
  int code = r.episode ? LOOM_OK : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for episodes");
  if (!code && !def->task) code = loom_control_policy_task(own, def->policy, err);
  if (!code)
    code =
        loom_is_control_task(task) ? run_control(&r, task, err) : rollout_robots(r.episode, def, task, err);
  if (!code) (def->json ? print_json : print_text)(&r);
  close_run(&r);
  return code;
}
