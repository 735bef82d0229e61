// Recordings' controllers against robosuite 1.5.2's: torques, grippers' commands and where the arms get to
// (tests/golden/README.md).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "engine/sim/episode.h"

static const char task_text[] =
    "task: arms\nmodel: {file: scene.xml}\nrobots: [%s]\nsuccess_hold: 1\nmax_steps: 10\n"
    "objects:\n  box:\n    body: box\n"
    "reset:\n  D0:\n    box: {x: [0, 0], y: [0, 0], z: 1}\n"
    "arms:\n  - subtasks:\n      - {name: hold, reference: box, until: end}\n"
    "  - subtasks:\n      - {name: hold, reference: box, until: end}\n"
    "success: {height: {of: box, above: 100}}\n";

// robosuite turns rotation vectors into matrices in single precision: so far a case's torques may be off,
// relatively, and its joints, rad.
static const double torque_share = 2e-6, joint_error = 1e-6;

enum { MOST = 128 };

// A golden model's robots, how many, and how many torques each has before what else it is told.
static const struct modelCase {
  const char *name, *robots;
  int count, torques;
} models[] = {{"arms", "panda15, panda15", 2, 7},
              {"mobile", "panda_omron, panda_omron", 2, 7},
              {"humanoid", "gr1_fourier", 1, 20}};

static cJSON* golden;

static void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

static const cJSON* get(const cJSON* node, const char* key) {
  const cJSON* child = cJSON_GetObjectItemCaseSensitive(node, key);
  if (!child) fail_msg("golden file: no %s", key);
  return child;
}

static int numbers(double* out, const cJSON* list) {
  int n = 0;
  const cJSON* item;
  cJSON_ArrayForEach(item, list) {
    assert_true(n < MOST);
    out[n++] = item->valuedouble;
  }
  return n;
}

static int open_golden(void** state) {
  (void)state;
  FILE* f = fopen("tests/golden/osc15.json", "rb");
  if (!f) return -1;

  char* text = calloc(1, 1 << 20);
  size_t n = text ? fread(text, 1, (1 << 20) - 1, f) : 0;
  fclose(f);
  golden = n ? cJSON_Parse(text) : NULL;
  free(text);
  return golden ? 0 : -1;
}

static int close_golden(void** state) {
  (void)state;
  cJSON_Delete(golden);
  return 0;
}

static const struct modelCase* model_of(const cJSON* c) {
  const char* name = get(c, "model")->valuestring;
  size_t i = 0;
  while (i + 1 < sizeof models / sizeof *models && strcmp(models[i].name, name)) i++;
  return &models[i];
}

// The case as a dataset of robosuite 1.5.2's would tell it.
static void open_case(loomTask** task, loomScene** scene, loomEpisode** e, const cJSON* c) {
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  const struct modelCase* model = model_of(c);
  char text[sizeof task_text + 64];
  snprintf(text, sizeof text, task_text, model->robots);
  char* config = cJSON_PrintUnformatted(get(c, "controller_configs"));
  size_t size = strlen(config) + 200;
  char* env_args = malloc(size);
  snprintf(env_args, size,
           "{\"env_name\":\"Arms\",\"env_version\":\"1.5.2\",\"type\":1,\"env_kwargs\":{\"control_freq\":20,"
           "\"controller_configs\":%s}}",
           config);

  must(loom_task_parse(task, text, strlen(text), "arms.yaml", "scenes/robots", &err), &err);
  must(loom_scene_create(scene, *task, get(get(golden, "models"), model->name)->valuestring, "golden",
                         env_args, &roots, &err),
       &err);
  must(loom_episode_create(e, *scene, &err), &err);
  free(env_args);
  cJSON_free(config);
}

// Torques, and what fingers and bases are told, in a physics step: those of a robot's joints, then of its
// grippers, base and torso.
static void check_controls(const double* ours, const double* theirs, int n, const cJSON* c, int step) {
  const struct modelCase* model = model_of(c);
  const char* name = get(c, "name")->valuestring;
  for (int a = 0; a < model->count; a++) {
    double error = 0, size = 0;
    int first = n / model->count * a, rest = first + model->torques, end = first + n / model->count;
    for (int i = first; i < rest; i++) {
      error += (ours[i] - theirs[i]) * (ours[i] - theirs[i]);
      size += theirs[i] * theirs[i];
    }
    if (!(sqrt(error) <= torque_share * sqrt(size)))
      fail_msg("%s, physics step %d, robot %d: torque off by %g of %g N m", name, step, a, sqrt(error),
               sqrt(size));

    for (int i = rest; i < end; i++)
      if (!(fabs(ours[i] - theirs[i]) <= torque_share * fabs(theirs[i])))
        fail_msg("%s, physics step %d, robot %d: actuator %d is told %g, not %g", name, step, a, i, ours[i],
                 theirs[i]);
  }
}

// The first physics step's controls, from where the arms are, without a step.
static void check_first(const loomEpisode* e, const double* action, const double* theirs, const cJSON* c,
                        int step) {
  mjData* d = mj_copyData(NULL, e->m, e->d);
  for (int a = 0; a < 2; action += loom_arm_action_dim(&e->arms[a++])) {
    loomArm arm = e->arms[a];
    loom_arm_set_goal(&arm, e->m, d, action);
    loom_arm_apply(&arm, e->m, d, d);
  }
  check_controls(d->ctrl, theirs, (int)e->m->nu, c, step);
  mj_deleteData(d);
}

static void check_case(const cJSON* c) {
  loomError err = {0, ""};
  loomTask* task = NULL;
  loomScene* scene = NULL;
  loomEpisode* e = NULL;
  const char* name = get(c, "name")->valuestring;
  open_case(&task, &scene, &e, c);

  double state[MOST], action[MOST], ctrl[MOST], want[MOST];
  assert_int_equal(numbers(state, get(c, "state")), e->state_dim);
  must(loom_episode_start(e, state, &err), &err);
  const cJSON *actions = get(c, "actions"), *ctrls = get(c, "ctrl"), *states = get(c, "states");
  int steps = cJSON_GetArraySize(actions), kept = cJSON_GetArraySize(get(golden, "kept"));
  assert_true(steps > 3);

  for (int t = 0; t < steps; t++) {
    assert_int_equal(numbers(action, cJSON_GetArrayItem(actions, t)), e->action_dim);
    assert_int_equal(numbers(ctrl, cJSON_GetArrayItem(ctrls, kept * t)), e->m->nu);
    if (t && !scene->composite) check_first(e, action, ctrl, c, 25 * t);

    // From a snapshot the same step is the same to the bit, whatever was done in between.
    double other[MOST] = {0}, first[MOST], second[MOST];
    size_t size = loom_episode_snapshot_size(e);
    void* snapshot = malloc(size);
    assert_non_null(snapshot);
    if (t) {
      loom_episode_snapshot(snapshot, e);
      must(loom_episode_step(e, action, &err), &err);
      loom_episode_state(first, e);
      for (int k = 0; k < 3; k++) must(loom_episode_step(e, other, &err), &err);
      must(loom_episode_restore(e, snapshot, &err), &err);
    }

    must(loom_episode_step(e, action, &err), &err);
    loom_episode_state(second, e);
    if (t && memcmp(first, second, sizeof *first * (size_t)e->state_dim))
      fail_msg("%s, control step %d: another one from a snapshot", name, t);
    free(snapshot);
    numbers(ctrl, cJSON_GetArrayItem(ctrls, kept * t + kept - 1));
    check_controls(e->d->ctrl, ctrl, (int)e->m->nu, c, 25 * t + 24);

    assert_int_equal(numbers(want, cJSON_GetArrayItem(states, t)), e->state_dim);
    loom_episode_state(state, e);
    for (int i = 0; i < e->m->nu; i++)
      if (!(fabs(state[1 + i] - want[1 + i]) < joint_error))
        fail_msg("%s, control step %d: joint %d is off by %g", name, t, i, state[1 + i] - want[1 + i]);
  }

  // Where entries lie otherwise no episode is drawn.
  int code = loom_episode_reset(e, 0, 1, 0, &err);
  assert_int_equal(code, scene->composite ? LOOM_ERR_UNSUPPORTED : 0);
  assert_int_equal(scene->composite != NULL, e->part_count > 0 || !strncmp(name, "ik", 2));

  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_task_destroy(task);
}

static void actions_do_what_they_did(void** state) {
  (void)state;
  int checked = 0;
  const cJSON* c;
  cJSON_ArrayForEach(c, get(golden, "cases")) {
    check_case(c);
    checked++;
  }
  assert_true(checked == 19);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(actions_do_what_they_did)};
  return cmocka_run_group_tests(tests, open_golden, close_golden);
}
