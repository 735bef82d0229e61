// Episodes of a user's own task (tests/own): sizes of several objects, observations, policies, snapshots.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/strata.h"
#include "engine/run/policy.h"

typedef struct own {
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
} own;

static void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

static char* read_text(const char* path) {
  FILE* f = fopen(path, "rb");
  char* text = calloc(1, 1 << 16);
  assert_true(f && text && fread(text, 1, (1 << 16) - 1, f) > 0);
  fclose(f);
  return text;
}

static loomScene* make_scene(const loomTask* task, const char* xml) {
  loomAssetRoots roots = {0};
  loomScene* scene = NULL;
  loomError err = {0, ""};

  must(loom_scene_create(&scene, task, xml, "own", NULL, &roots, &err), &err);
  loom_asset_roots_destroy(&roots);
  return scene;
}

static int open_own(void** state) {
  static own o;
  loomError err = {0, ""};

  must(loom_task_load(&o.task, "tests/own/task.yaml", "tests/own/robots", &err), &err);
  char* xml = read_text("tests/own/scene.xml");
  o.scene = make_scene(o.task, xml);
  free(xml);
  must(loom_episode_create(&o.e, o.scene, &err), &err);
  *state = &o;
  return 0;
}

static int close_own(void** state) {
  own* o = *state;
  loom_episode_destroy(o->e);
  loom_scene_destroy(o->scene);
  loom_task_destroy(o->task);
  return 0;
}

static int stir(double* action, void* self, loomEpisode* e, loomError* err) {
  (void)err;
  int most = *(int*)self;
  if (e->steps >= most) return LOOM_POLICY_DONE;
  for (int i = 0; i < e->action_dim; i++) action[i] = 0.6 * sin(0.3 * e->steps + i);
  return 0;
}

// What a dataset keeps of an episode, its model's text, first state and actions, brings it back bit for bit
// though two objects were changed in place.
static void two_sizes_survive_the_text(void** state) {
  own* o = *state;
  loomError err = {0, ""};

  for (uint64_t attempt = 0; attempt < 3; attempt++) {
    loomTrace first, second;
    loomRunResult run;
    int most = 60;
    char* xml = NULL;
    must(loom_episode_reset(o->e, 0, 5, attempt, &err), &err);
    must(loom_trace_create(&first, o->e, o->task->max_steps, &err), &err);
    loomPolicy policy = {&most, NULL, stir};
    loomRunDef def = loom_default_run_def(o->task);
    must(loom_policy_run(&run, o->e, &policy, &def, &first, &err), &err);
    assert_int_equal(run.end, LOOM_RUN_DONE);
    assert_int_equal(run.steps, 60);
    assert_int_equal(first.rows, 60);
    must(loom_episode_xml(&xml, o->e, &err), &err);
    loomScene* again = make_scene(o->task, xml);
    assert_true(again->model->geom_size[3 * mj_name2id(again->model, mjOBJ_GEOM, "box")] ==
                o->e->variables[0][0]);
    assert_true(again->model->geom_size[3 * mj_name2id(again->model, mjOBJ_GEOM, "rod") + 1] ==
                o->e->variables[1][0]);
    loomEpisode* e = NULL;
    must(loom_episode_create(&e, again, &err), &err);
    must(loom_episode_start(e, first.states, &err), &err);
    must(loom_trace_create(&second, e, o->task->max_steps, &err), &err);
    must(loom_policy_run(&run, e, &policy, &def, &second, &err), &err);
    assert_memory_equal(first.states, second.states, sizeof(double) * 60 * (size_t)first.state_dim);
    assert_memory_equal(first.obs, second.obs, sizeof(double) * 60 * (size_t)first.obs_dim);
    loom_trace_destroy(&first);
    loom_trace_destroy(&second);
    loom_episode_destroy(e);
    loom_scene_destroy(again);
    free(xml);
  }
}

static void sizes_and_places_are_in_range(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  double least = 1, most = 0;

  for (uint64_t attempt = 0; attempt < 200; attempt++) {
    must(loom_episode_reset(o->e, 1, 9, attempt, &err), &err);
    double s = o->e->variables[0][0], w = o->e->variables[1][0];
    const double *box = o->e->d->qpos + o->scene->object_qpos[0],
                 *rod = o->e->d->qpos + o->scene->object_qpos[1];
    assert_true(s >= 0.018 && s <= 0.025 && w >= 0.05 && w <= 0.08);
    assert_true(fabs(box[0]) <= 0.1 && box[1] >= -0.1 && box[1] <= 0 && box[2] == s);
    assert_true(hypot(box[0] - rod[0], box[1] - rod[1]) >= 2 * s + w + 0.02);
    least = fmin(least, s);
    most = fmax(most, s);
  }
  assert_true(least < 0.0185 && most > 0.0245);
}

// Of a block of stratified starts each number lies in each part of its range once.
static void stratified_starts_are_spread(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  int size[LOOM_STRATA] = {0}, place[LOOM_STRATA] = {0};
  double once[3] = {0}, again[3];

  for (uint64_t i = 0; i < LOOM_STRATA; i++) {
    must(loom_episode_reset_stratified(o->e, 0, 9, i, &err), &err);
    const double* box = o->e->d->qpos + o->scene->object_qpos[0];
    size[(int)(LOOM_STRATA * (o->e->variables[0][0] - 0.018) / 0.007)]++;
    place[(int)(LOOM_STRATA * (box[0] + 0.05) / 0.1)]++;
    if (i == 7) memcpy(once, box, sizeof once);
  }
  for (int i = 0; i < LOOM_STRATA; i++) assert_true(size[i] == 1 && place[i] == 1);

  // Each is its number's, whatever was drawn before, and none of those without.
  must(loom_episode_reset_stratified(o->e, 0, 9, 7, &err), &err);
  memcpy(again, o->e->d->qpos + o->scene->object_qpos[0], sizeof again);
  assert_memory_equal(once, again, sizeof once);
  must(loom_episode_reset(o->e, 0, 9, 7, &err), &err);
  memcpy(again, o->e->d->qpos + o->scene->object_qpos[0], sizeof again);
  assert_memory_not_equal(once, again, sizeof once);
}

// One of several places is drawn, each as likely; of those too near to what stands already, another.
static void places_are_drawn(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  int box_in[3] = {0}, rod_in[2] = {0};

  for (uint64_t attempt = 0; attempt < 300; attempt++) {
    must(loom_episode_reset(o->e, 2, 9, attempt, &err), &err);
    const double *box = o->e->d->qpos + o->scene->object_qpos[0],
                 *rod = o->e->d->qpos + o->scene->object_qpos[1];
    int i = box[1] < -0.1 ? 0 : box[1] < 0.1 ? 1 : 2, j = rod[1] > 0;
    box_in[i]++;
    rod_in[j]++;
    if (i == 0) assert_true(fabs(box[0]) <= 0.05 && box[1] >= -0.25 && box[1] <= -0.15);
    if (i == 1) assert_true(box[0] == 0.1 && box[1] >= 0 && box[1] <= 0.05);
    if (i == 2) assert_true(box[0] >= -0.1 && box[0] <= 0 && box[1] >= 0.15 && box[1] <= 0.25);
    if (j == 0) assert_true(fabs(rod[0]) <= 0.05 && rod[1] == -0.2);
    if (j == 1) assert_true(rod[0] == -0.05 && rod[1] == 0.2);
    if (i != 1) assert_true(j == (i == 0));  // side by side there is no room
  }

  for (int i = 0; i < 3; i++) assert_true(box_in[i] > 70 && box_in[i] < 130);
  for (int j = 0; j < 2; j++) assert_true(rod_in[j] > 110 && rod_in[j] < 190);
}

// A place in another object's frame moves with it; what an arm cannot reach is not drawn.
static void places_follow_frames_and_reach(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomTask* task = o->task;
  loomPlacement* rod = &task->resets[0].placements[1];
  loomPlacement kept = *rod;

  assert_int_equal(kept.frame, -1);
  rod->frame = 0;
  rod->x[0] = rod->x[1] = 0.1;
  rod->y[0] = rod->y[1] = rod->yaw[0] = rod->yaw[1] = 0;
  strcpy(rod->z, "0.05");

  for (uint64_t attempt = 0; attempt < 50; attempt++) {
    must(loom_episode_reset(o->e, 0, 12, attempt, &err), &err);
    const double *box = o->e->d->qpos + o->scene->object_qpos[0],
                 *at = o->e->d->qpos + o->scene->object_qpos[1];
    loomPose pose = loom_pose_from_quat(box, box + 3);
    loomPose local = loom_pose_mul(loom_pose_inverse(pose), loom_pose_from_quat(at, at + 3));
    // The episode has settled a little since.
    assert_true(fabs(local.pos[0] - 0.1) < 0.02 && fabs(local.pos[1]) < 0.02);
  }

  // Inside the box, there is no place.
  rod->x[0] = rod->x[1] = 0;
  strcpy(rod->z, "0");
  assert_int_equal(loom_episode_reset(o->e, 0, 12, 0, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "overlap"));
  *rod = kept;

  // Within reach of either arm's second joint, or else no place is found.
  double reach[2] = {task->robots[0].reach, task->robots[1].reach};
  task->robots[0].reach = task->robots[1].reach = 0.05;
  assert_int_equal(loom_episode_reset(o->e, 0, 12, 1, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "beyond every arm's reach; change its range, move a robot"));
  task->robots[0].reach = task->robots[1].reach = 2;
  must(loom_episode_reset(o->e, 0, 12, 1, &err), &err);
  task->robots[0].reach = reach[0];
  task->robots[1].reach = reach[1];
}

// Without `observe:` the object observation is each object's pose and its place from each end effector. Sizes
// come behind it.
static void observations_are_what_they_say(void** state) {
  own* o = *state;
  loomError err = {0, ""};

  must(loom_episode_reset(o->e, 0, 3, 0, &err), &err);
  double obs[512];
  loomObserver* observer;
  int keys;
  must(loom_observer_create_all(&observer, o->e, &err), &err);
  assert_true(loom_observer_dim(observer) <= 512);
  loom_observer_see_doubles(obs, observer, o->e);
  const loomObsKey *key = loom_observer_keys(observer, &keys), *object = &key[keys - 3];
  assert_string_equal(object->name, "object");
  assert_int_equal(object->dim, 2 * (3 + 4 + 2 * 3));
  loomPose rod = loom_episode_object(o->e, 1), eef = loom_episode_eef(o->e, 1);
  const double* at = obs + object->offset + 13;

  for (int i = 0; i < 3; i++) {
    assert_true(at[i] == rod.pos[i]);
    assert_true(at[3 + i] == rod.quat[1 + i]);
    assert_true(at[10 + i] == rod.pos[i] - eef.pos[i]);
  }
  assert_true(at[6] == rod.quat[0]);

  for (int k = 0; k < keys; k++) {
    if (!strcmp(key[k].name, "robot1_eef_pos"))
      assert_memory_equal(obs + key[k].offset, eef.pos, sizeof eef.pos);
  }

  loom_observer_destroy(observer);
}

static void a_snapshot_brings_everything_back(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  double action[LOOM_MAX_ACTION], one[256], two[256];

  assert_true(o->e->state_dim <= 256);
  must(loom_episode_reset(o->e, 0, 3, 1, &err), &err);
  int most = 1000;
  void* snapshot = malloc(loom_episode_snapshot_size(o->e));

  for (int t = 0; t < 30; t++) {
    if (t == 11) loom_episode_snapshot(snapshot, o->e);
    stir(action, &most, o->e, NULL);
    must(loom_episode_step(o->e, action, &err), &err);
  }
  loom_episode_state(one, o->e);
  must(loom_episode_restore(o->e, snapshot, &err), &err);
  assert_int_equal(o->e->steps, 11);

  for (int t = 11; t < 30; t++) {
    stir(action, &most, o->e, NULL);
    must(loom_episode_step(o->e, action, &err), &err);
  }
  loom_episode_state(two, o->e);
  assert_memory_equal(one, two, sizeof(double) * (size_t)o->e->state_dim);
  free(snapshot);
}

static int give_nan(double* action, void* self, loomEpisode* e, loomError* err) {
  (void)self;
  (void)err;
  for (int i = 0; i < e->action_dim; i++) action[i] = e->steps == 3 && i == 2 ? NAN : 0;
  return 0;
}

static void bad_actions_are_told(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomRunResult run;

  must(loom_episode_reset(o->e, 0, 3, 1, &err), &err);
  loomPolicy policy = {NULL, NULL, give_nan};
  loomRunDef def = loom_default_run_def(o->task);
  assert_int_equal(loom_policy_run(&run, o->e, &policy, &def, NULL, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "action[2]"));
  assert_int_equal(run.steps, 3);
}

// A policy that lifts nothing runs out of time; the arms, unmoved, stay where they are.
static void time_runs_out(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomRunResult run;

  must(loom_episode_reset(o->e, 0, 3, 2, &err), &err);
  loomPose before = loom_episode_eef(o->e, 0);
  int most = 1 << 30;
  loomPolicy policy = {&most, NULL, stir};
  loomRunDef def = loom_default_run_def(o->task);
  def.max_steps = 25;
  must(loom_policy_run(&run, o->e, &policy, &def, NULL, &err), &err);
  assert_int_equal(run.end, LOOM_RUN_TIMEOUT);
  assert_int_equal(run.steps, 25);
  assert_int_equal(run.first_success, -1);
  assert_int_equal(run.physics_steps, 25 * o->scene->substeps);
  assert_true(loom_pose_distance(before, loom_episode_eef(o->e, 0)) > 0.01);
}

// A hand: its entries say where the joints go, at most so fast, and joints may share one.
static void hands_go_where_they_are_told(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomTask* task = o->task;
  loomRobotDef kept = task->robots[0];
  loomEpisode* e = NULL;

  task->robots[0].gripper_absolute = true;
  task->robots[0].gripper_dim = 2;
  task->robots[0].gripper_entry[1] = 1;
  task->robots[0].gripper_sign[0] = task->robots[0].gripper_sign[1] = 1;
  must(loom_episode_create(&e, o->scene, &err), &err);
  assert_int_equal(e->action_dim, 8 + 7);
  must(loom_episode_reset(e, 0, 3, 1, &err), &err);
  double action[LOOM_MAX_ACTION] = {0};
  action[6] = 0.5;
  action[7] = -1;
  must(loom_episode_step(e, action, &err), &err);
  double moved = task->robots[0].gripper_speed * o->scene->substeps;  // from 0, half of the range either way
  assert_true(fabs(e->arms[0].state.grip[0] - fmin(0.5, moved)) < 1e-12);
  assert_true(fabs(e->arms[0].state.grip[1] + fmin(1, moved)) < 1e-12);

  for (int t = 0; t < 10; t++) must(loom_episode_step(e, action, &err), &err);
  assert_true(fabs(e->arms[0].state.grip[0] - 0.5) < 1e-12 && e->arms[0].state.grip[1] == -1);
  loom_episode_destroy(e);
  task->robots[0] = kept;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_sizes_survive_the_text),     cmocka_unit_test(sizes_and_places_are_in_range),
      cmocka_unit_test(observations_are_what_they_say), cmocka_unit_test(a_snapshot_brings_everything_back),
      cmocka_unit_test(bad_actions_are_told),           cmocka_unit_test(time_runs_out),
      cmocka_unit_test(hands_go_where_they_are_told),   cmocka_unit_test(places_are_drawn),
      cmocka_unit_test(places_follow_frames_and_reach), cmocka_unit_test(stratified_starts_are_spread),
  };

  return cmocka_run_group_tests(tests, open_own, close_own);
}
