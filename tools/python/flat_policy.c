// Policies: by themselves, on what they are shown, and in environments.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/pool.h"
#include "policies/agent/decide.h"
#include "policies/agent/rollout.h"
#include "policies/learn/control_policy.h"
#include "policies/learn/imitated.h"
#include "tools/python/flat_internal.h"

struct loomFlatPolicy {
  char path[LOOM_PATH_MAX];
  // What was trained on demos,
  loomTrained trained;
  loomPolicyMaker maker;
  void* alone;  // the instance that is shown what it sees
  bool begun;
  // or has learned a plain control task, with one environment of that.
  loomFlatEnvs* own;
  loomControlPolicy control;
};

static int open_control_policy(loomFlatPolicy* p, loomError* err) {
  char task[LOOM_PATH_MAX];
  int code = loom_control_policy_task(task, p->path, err);
  if (!code) code = loom_flat_envs_open(&p->own, task, NULL, 1, 1, 0, err);
  if (!code) code = loom_control_policy_load(&p->control, p->path, &p->own->vector->maker, err);
  return code ? loom_error_prefix(err, code, "%s", p->path) : 0;
}

int loom_flat_policy_open(loomFlatPolicy** out, const char* path, loomError* err) {
  *out = NULL;
  loomFlatPolicy* p = calloc(1, sizeof *p);
  if (!p) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");
  snprintf(p->path, sizeof p->path, "%s", path);

  int code;
  if (loom_is_control_policy(path)) {
    code = open_control_policy(p, err);
  } else {
    code = loom_trained_load(&p->trained, path, err);
    if (!code) p->maker = loom_trained_maker(&p->trained);
  }

  if (code)
    loom_flat_policy_close(p);
  else
    *out = p;
  return code;
}

void loom_flat_policy_close(loomFlatPolicy* p) {
  if (!p) return;
  if (p->alone) p->maker.destroy(p->alone);
  if (p->maker.self) loom_trained_destroy(&p->trained);
  loom_control_policy_destroy(&p->control);
  loom_flat_envs_close(p->own);
  free(p);
}

// ---- described

static void add_trained(cJSON* root, const loomTrained* t) {
  cJSON* obs = cJSON_AddArrayToObject(root, "obs");
  cJSON_AddStringToObject(root, "kind", loom_policy_kind_name((loomPolicyKind)t->config.policy.kind));
  cJSON_AddStringToObject(root, "task", t->config.task);
  cJSON_AddStringToObject(root, "reset", t->config.reset);
  cJSON_AddNumberToObject(root, "rows", loom_network_seen(&t->network.def));
  cJSON_AddNumberToObject(root, "decided", loom_network_decided(&t->network.def));
  cJSON_AddNumberToObject(root, "actions", t->actions.dim);
  cJSON_AddNumberToObject(root, "control_freq", loom_trained_rate(t));
  cJSON_AddStringToObject(root, "action_pose", t->config.data.pose ? "absolute" : "relative");
  cJSON_AddStringToObject(root, "action_rotation", t->config.data.rotation ? "6d" : "axis_angle");

  for (int i = 0; i < t->config.data.key_count; i++) {
    loomObsKey key = loom_trained_key(t, i);
    cJSON* one = cJSON_CreateObject();
    cJSON_AddStringToObject(one, "name", key.name);
    cJSON* shape = cJSON_AddArrayToObject(one, "shape");
    for (int k = 0; k < key.rank; k++) cJSON_AddItemToArray(shape, cJSON_CreateNumber(key.shape[k]));
    if (!key.rank) cJSON_AddItemToArray(shape, cJSON_CreateNumber(t->dim[i]));

    // As its rows are to be shown.
    bool visual = loom_trained_visual(t, i), bytes = t->shape[i][0] == 3 && t->shape[i][1] == 3;
    cJSON_AddBoolToObject(one, "visual", visual);
    cJSON_AddStringToObject(one, "type", bytes ? "uint8" : "float32");
    cJSON_AddItemToArray(obs, one);
  }
}

int loom_flat_policy_about(char** out, const loomFlatPolicy* p, loomError* err) {
  cJSON* root = cJSON_CreateObject();
  if (p->maker.self) {
    add_trained(root, &p->trained);
    return loom_flat_text(out, root, err);
  }

  // One row of all that its task shows.
  const loomEnvironmentMaker* maker = &p->own->vector->maker;
  cJSON *obs = cJSON_AddArrayToObject(root, "obs"), *one = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "kind", "control");
  cJSON_AddStringToObject(root, "task", p->own->control->path);
  cJSON_AddStringToObject(root, "reset", "");
  cJSON_AddNumberToObject(root, "rows", 1);
  cJSON_AddNumberToObject(root, "decided", 1);
  cJSON_AddNumberToObject(root, "actions", maker->actions);
  cJSON_AddNumberToObject(root, "control_freq", 1 / p->own->control_scene->dt);
  cJSON_AddStringToObject(one, "name", LOOM_CONTROL_KEY);
  cJSON_AddItemToArray(cJSON_AddArrayToObject(one, "shape"), cJSON_CreateNumber(maker->obs));
  cJSON_AddBoolToObject(one, "visual", false);
  cJSON_AddStringToObject(one, "type", "float32");
  cJSON_AddItemToArray(obs, one);
  return loom_flat_text(out, root, err);
}

// ---- by itself

int loom_flat_policy_begin(loomFlatPolicy* p, uint64_t seed, uint64_t number, loomError* err) {
  loomPolicy ignored;
  int code = 0;
  if (!p->maker.self) return 0;

  if (!p->alone) code = p->maker.create(&p->alone, p->maker.self, NULL, err);
  if (code) {
    if (p->alone) p->maker.destroy(p->alone);
    p->alone = NULL;
    return loom_error_prefix(err, code, "%s", p->path);
  }
  p->begun = true;
  return p->maker.begin(&ignored, p->alone, NULL, seed, number, err);
}

static int act_in_control(double* action, loomFlatPolicy* p, const float* vectors, loomError* err) {
  int obs = p->own->vector->maker.obs;
  double* seen = malloc((size_t)obs * sizeof *seen);
  if (!seen) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for an observation");

  for (int i = 0; i < obs; i++) seen[i] = (double)vectors[i];
  loom_control_policy_act(action, &p->control, seen);
  free(seen);
  return 0;
}

int loom_flat_policy_act(double* action, loomFlatPolicy* p, const float* vectors, const void* const* visual,
                         loomError* err) {
  if (!p->maker.self) return act_in_control(action, p, vectors, err);
  if (!p->begun) return loom_error_set(err, LOOM_ERR_USAGE, "%s: no episode has begun; reset first", p->path);

  loom_trained_show(p->alone, vectors, visual);
  int code = loom_trained_decide(NULL, p->alone, NULL, err);
  if (!code) loom_trained_take(action, p->alone, NULL);
  return code;
}

// ---- in environments

typedef struct flatLane {
  void* instance;
  loomPolicy policy;
  uint64_t begins;  // which episode it follows
} flatLane;

struct loomFlatActor {
  loomFlatPolicy* policy;
  loomFlatEnvs* envs;
  double* actions;  // (n x actions) of the call
  int n;            // lanes: environments may be gone before it
  flatLane* lane;   // (n); NULL for plain control tasks
};

static int check_pair(const loomFlatPolicy* p, const loomFlatEnvs* e, loomError* err) {
  if (!p->maker.self != !e->scene)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s: a policy of a %s cannot act in a %s", p->path,
                          p->maker.self ? "robots' task" : "plain control task",
                          p->maker.self ? "plain control task" : "robots' task");
  if (p->maker.self) return 0;

  const loomEnvironmentMaker *own = &p->own->vector->maker, *there = &e->vector->maker;
  if (own->obs == there->obs && own->actions == there->actions) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: sees %d numbers and gives %d where the task has %d and %d",
                        p->path, own->obs, own->actions, there->obs, there->actions);
}

int loom_flat_actor_open(loomFlatActor** out, loomFlatPolicy* policy, loomFlatEnvs* envs, loomError* err) {
  *out = NULL;
  int code = check_pair(policy, envs, err);
  if (code) return code;

  loomFlatActor* a = calloc(1, sizeof *a);
  if (a && policy->maker.self) a->lane = calloc((size_t)envs->vector->def.n, sizeof *a->lane);
  if (!a || (policy->maker.self && !a->lane)) {
    free(a);
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");
  }
  a->policy = policy;
  a->envs = envs;
  a->n = envs->vector->def.n;

  // What does not fit is told now.
  loomEpisode* episode = a->lane ? loom_task_environment_episode(envs->vector->environment) : NULL;
  if (a->lane) code = policy->maker.create(&a->lane->instance, policy->maker.self, episode, err);
  if (code)
    loom_flat_actor_close(a);
  else
    *out = a;
  return code;
}

void loom_flat_actor_close(loomFlatActor* a) {
  if (!a) return;
  for (int i = 0; a->lane && i < a->n; i++)
    if (a->lane[i].instance) a->policy->maker.destroy(a->lane[i].instance);
  free(a->lane);
  free(a);
}

// Nothing is done where the next step begins an episode, or the simulation has failed.
static bool is_over(const loomFlatEnvs* e, int i) {
  return loom_vector_ended(e->vector, i) || loom_task_environment_run(&e->vector->environment[i])->over;
}

static int act_lane(void* user, int worker, int i, loomError* err) {
  loomFlatActor* a = user;
  const loomVector* v = a->envs->vector;
  const loomPolicyMaker* maker = &a->policy->maker;
  flatLane* lane = &a->lane[i];
  double* action = a->actions + (ptrdiff_t)i * v->maker.actions;
  (void)worker;

  memset(action, 0, (size_t)v->maker.actions * sizeof *action);
  if (is_over(a->envs, i)) return 0;

  loomEpisode* episode = loom_task_environment_episode(&v->environment[i]);
  int code = lane->instance ? 0 : maker->create(&lane->instance, maker->self, episode, err);
  if (!code && lane->begins != a->envs->begins[i]) {
    uint64_t number = v->def.first + (uint64_t)v->episode[i] * (uint64_t)v->def.n + (uint64_t)i;
    code = maker->begin(&lane->policy, lane->instance, episode, v->def.seed, number, err);
    if (!code && lane->policy.reset) code = lane->policy.reset(lane->policy.self, episode, err);
    if (!code) lane->begins = a->envs->begins[i];
  }

  if (!code) code = lane->policy.act(action, lane->policy.self, episode, err);
  return code == LOOM_POLICY_DONE ? 0 : code;
}

int loom_flat_actor_act(double* actions, loomFlatActor* a, loomError* err) {
  const loomVector* v = a->envs->vector;
  int code = loom_flat_check(a->envs, 0, err);
  if (code) return code;

  for (int i = 0; !a->lane && i < v->def.n; i++)
    loom_control_policy_act(actions + (ptrdiff_t)i * v->maker.actions, &a->policy->control,
                            v->obs + (ptrdiff_t)i * v->maker.obs);
  if (!a->lane) return 0;

  a->actions = actions;
  if (loom_pool_workers(v->def.threads, v->def.n) == 1) {
    for (int i = 0; !code && i < v->def.n; i++) code = act_lane(a, 0, i, err);
    return code;
  }
  return loom_pool_run(&(loomPoolDef){.n = v->def.n, .threads = v->def.threads, .user = a, .item = act_lane},
                       err);
}
