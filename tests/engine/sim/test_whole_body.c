// Whole-body inverse kinematics, on GR-1 in the pouring scene: hands go where they are told, within joint and
// speed limits; what they cannot reach is counted; a snapshot brings a motion back.
#include "tests/scene_fixture.h"

#include "engine/run/policy.h"

typedef struct humanoid {
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
} humanoid;

static int open_humanoid(void** state) {
  static humanoid h;
  loomError err = {0, ""};
  loomAssetRoots roots = {0};

  add_assets(&roots, "robosuite-1.5.2");
  load_scene(&h.task, &h.scene, &roots, "scenes/pouring/task.yaml");
  must(loom_episode_create(&h.e, h.scene, &err), &err);

  loom_asset_roots_destroy(&roots);
  *state = &h;
  return 0;
}

static int close_humanoid(void** state) {
  humanoid* h = *state;
  loom_episode_destroy(h->e);
  loom_scene_destroy(h->scene);
  loom_task_destroy(h->task);
  return 0;
}

// Both hands open, each at its pose.
static void aim(double* action, const loomEpisode* e, const loomPose* target) {
  for (int a = 0; a < e->arm_count; a++) {
    loom_arm_action_towards(action, &e->arms[a], loom_episode_eef(e, a), target[a]);
    int n = loom_arm_action_dim(&e->arms[a]);
    for (int i = e->arms[a].pose_dim; i < n; i++) action[i] = -1;
    action += n;
  }
}

// Every joint within its range, and no goal further from the last than the joint's speed allows.
static void check_limits(const loomEpisode* e, double dt) {
  const loomWholeBody* body = &e->body;

  for (int i = 0; i < body->n; i++) {
    double goal = body->state.goal[i], moved = goal - body->state.from[i];
    assert_true(goal >= body->low[i] - 1e-9 && goal <= body->high[i] + 1e-9);
    if (body->speed[i] > 0) assert_true(fabs(moved) <= body->speed[i] * dt + 1e-9);
  }
}

static void hands_reach_what_is_within_reach(void** state) {
  humanoid* h = *state;
  static const double offsets[][3] = {{0, 0, 0.08}, {0.1, 0.03, 0.05}, {0.05, -0.05, 0.12}, {-0.02, 0.06, 0}};

  for (size_t k = 0; k < sizeof offsets / sizeof *offsets; k++) {
    loomError err = {0, ""};
    double action[LOOM_MAX_ACTION];
    must(loom_episode_reset(h->e, 0, 5, k, &err), &err);
    loomPose target[2] = {loom_episode_eef(h->e, 0), loom_episode_eef(h->e, 1)};
    for (int a = 0; a < 2; a++) {
      for (int i = 0; i < 3; i++) target[a].pos[i] += offsets[k][i] * (i == 1 && a ? -1 : 1);
    }
    for (int t = 0; t < 40; t++) {
      aim(action, h->e, target);
      must(loom_episode_step(h->e, action, &err), &err);
      check_limits(h->e, 1.0 / h->task->control_freq);
    }
    for (int a = 0; a < 2; a++) {
      loomPose now = loom_episode_eef(h->e, a);
      assert_true(h->e->body.state.rest[a] < 1e-3);
      assert_true(loom_pose_distance(now, target[a]) < 4e-3);
      assert_true(loom_quat_angle(now.quat, target[a].quat) < 0.03);
    }
    assert_int_equal(h->e->body.state.short_steps, 0);
  }
}

static void what_is_out_of_reach_is_counted(void** state) {
  humanoid* h = *state;
  loomError err = {0, ""};
  double action[LOOM_MAX_ACTION];
  must(loom_episode_reset(h->e, 0, 6, 0, &err), &err);
  loomPose target[2] = {loom_episode_eef(h->e, 0), loom_episode_eef(h->e, 1)};
  target[0].pos[1] -= 1.5;

  for (int t = 0; t < 80; t++) {
    aim(action, h->e, target);
    must(loom_episode_step(h->e, action, &err), &err);
    check_limits(h->e, 1.0 / h->task->control_freq);
  }
  assert_true(h->e->body.state.short_steps > 10);
  assert_true(h->e->body.state.rest[0] > 0.3);
  must(loom_episode_reset(h->e, 0, 6, 0, &err), &err);
  assert_int_equal(h->e->body.state.short_steps, 0);
}

static void a_snapshot_brings_the_motion_back(void** state) {
  humanoid* h = *state;
  loomError err = {0, ""};
  double action[LOOM_MAX_ACTION], one[1024], two[1024];
  assert_true(h->e->state_dim <= 1024);
  void* snapshot = malloc(loom_episode_snapshot_size(h->e));
  must(loom_episode_reset(h->e, 0, 7, 0, &err), &err);
  loomPose target[2] = {loom_episode_eef(h->e, 0), loom_episode_eef(h->e, 1)};
  target[0].pos[2] += 0.1;
  target[1].pos[0] += 0.1;
  aim(action, h->e, target);

  for (int t = 0; t < 20; t++) {
    if (t == 7) loom_episode_snapshot(snapshot, h->e);
    must(loom_episode_step(h->e, action, &err), &err);
  }
  loom_episode_state(one, h->e);
  must(loom_episode_restore(h->e, snapshot, &err), &err);

  for (int t = 7; t < 20; t++) must(loom_episode_step(h->e, action, &err), &err);
  loom_episode_state(two, h->e);
  assert_memory_equal(one, two, sizeof(double) * (size_t)h->e->state_dim);
  free(snapshot);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hands_reach_what_is_within_reach),
      cmocka_unit_test(what_is_out_of_reach_is_counted),
      cmocka_unit_test(a_snapshot_brings_the_motion_back),
  };

  return cmocka_run_group_tests(tests, open_humanoid, close_humanoid);
}
