// Ghosts go where the arms themselves would, and leave the episode as it is.
#include "tests/scene_fixture.h"

#include <math.h>

#include "engine/sim/ghost.h"

typedef struct own {
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
} own;

static const double whole[LOOM_MAX_ARMS] = {1, 1, 1, 1};  // no arm brakes

static void open_own(own* o) {
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  char label[LOOM_PATH_MAX], *xml = NULL;
  must(loom_task_load(&o->task, "tests/own/task.yaml", "tests/own/robots", &err), &err);
  must(loom_task_model(&xml, label, o->task, &roots, &err), &err);

  must(loom_scene_create(&o->scene, o->task, xml, label, NULL, &roots, &err), &err);
  must(loom_episode_create(&o->e, o->scene, &err), &err);
  must(loom_episode_reset(o->e, 0, 5, 1, &err), &err);
  free(xml);
}

static void close_all(own* o) {
  loom_episode_destroy(o->e);
  loom_scene_destroy(o->scene);
  loom_task_destroy(o->task);
}

// Where both hands are sent at a step: up and to the side, turning.
static void find_targets(loomPose* targets, const loomPose* start, int step) {
  for (int a = 0; a < 2; a++) {
    double turn[3] = {0, 0, 0.01 * step};
    targets[a] = start[a];

    loom_quat_exp(targets[a].quat, turn);
    loom_quat_mul(targets[a].quat, targets[a].quat, start[a].quat);
    targets[a].pos[1] += (a ? 0.003 : -0.003) * step;
    targets[a].pos[2] += 0.002 * step;
  }
}

static void a_ghost_goes_where_the_arms_go(void** state) {
  (void)state;
  own o;
  loomEpisode ghost;
  loomPose start[LOOM_MAX_ARMS], targets[LOOM_MAX_ARMS];
  loomError err = {0, ""};
  open_own(&o);
  assert_true(loom_ghost_possible(o.e));

  // One step still: the first is like no other (robosuite's canonical joints).
  double still[LOOM_MAX_ACTION] = {0}, action[LOOM_MAX_ACTION] = {0};
  must(loom_episode_step(o.e, still, &err), &err);
  for (int a = 0; a < 2; a++) start[a] = loom_episode_eef(o.e, a);
  loom_ghost_begin(&ghost, o.e);

  // The ghost first, all the way: the episode does not notice.
  loomPose seen[2][40];
  double speed[40];
  int nq = (int)o.e->m->nq;
  double* q = malloc(sizeof *q * (size_t)nq);
  assert_non_null(q);
  memcpy(q, o.e->d->qpos, sizeof *q * (size_t)nq);
  for (int k = 0; k < 40; k++) {
    find_targets(targets, start, k);
    speed[k] = loom_ghost_move(&ghost, targets, whole).share;
    for (int a = 0; a < 2; a++) seen[a][k] = loom_episode_eef(&ghost, a);
  }
  assert_memory_equal(q, o.e->d->qpos, sizeof *q * (size_t)nq);
  assert_int_equal(ghost.steps, o.e->steps + 40);
  free(q);

  // Then the arms: within some millimeters, and about as fast; the gantry's joints have friction.
  for (int k = 0; k < 40; k++) {
    find_targets(targets, start, k);
    double* at = action;
    for (int a = 0; a < 2; a++) {
      loom_arm_action_towards(at, &o.e->arms[a], loom_episode_eef(o.e, a), targets[a]);
      at += loom_arm_action_dim(&o.e->arms[a]);
    }
    must(loom_episode_step(o.e, action, &err), &err);

    double fastest = 0;
    for (int a = 0; a < 2; a++) {
      const loomArm* arm = &o.e->arms[a];
      assert_true(loom_pose_distance(seen[a][k], loom_episode_eef(o.e, a)) < 0.003);
      for (int i = 0; i < arm->n; i++)
        fastest = fmax(fastest, fabs(o.e->d->qvel[arm->dof[i]]) / arm->robot->arm.velocity_limit[i]);
    }
    if (k > 3) assert_true(fabs(speed[k] - fastest) < 0.25 * fastest);
  }
  close_all(&o);
}

static void joints_end_at_their_limits(void** state) {
  (void)state;
  own o;
  loomEpisode ghost;
  loomPose targets[LOOM_MAX_ARMS];
  open_own(&o);

  // No slide is so long.
  loom_ghost_begin(&ghost, o.e);
  for (int a = 0; a < 2; a++) targets[a] = loom_episode_eef(o.e, a);
  targets[0].pos[0] += 5;
  assert_int_equal(loom_arm_at_limit(&ghost.arms[0], ghost.m, ghost.d), -1);

  for (int k = 0; k < 200; k++) loom_ghost_move(&ghost, targets, whole);
  assert_true(loom_pose_distance(loom_episode_eef(&ghost, 0), targets[0]) > 1);
  assert_int_equal(loom_arm_at_limit(&ghost.arms[0], ghost.m, ghost.d), 0);
  close_all(&o);
}

static void objects_are_put(void** state) {
  (void)state;
  own o;
  loomEpisode ghost;
  open_own(&o);
  loom_ghost_begin(&ghost, o.e);

  loomPose before = loom_episode_object(o.e, 0), there = before;
  there.pos[2] += 0.3;

  loom_ghost_put(&ghost, 0, there);
  assert_true(loom_pose_distance(loom_episode_object(&ghost, 0), there) < 1e-12);
  assert_true(loom_pose_distance(loom_episode_object(o.e, 0), before) < 1e-12);
  close_all(&o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_ghost_goes_where_the_arms_go),
      cmocka_unit_test(joints_end_at_their_limits),
      cmocka_unit_test(objects_are_put),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
