// Controllers against robosuite 1.4.1's torques (tests/golden/README.md).
#include <math.h>

#include "tests/handover_fixture.h"

#include <cjson/cJSON.h>

#include "engine/task/controller_json.h"
#include "generators/source/replay.h"

static cJSON* golden;

static int open_all(void** state) {
  FILE* f = fopen("tests/golden/osc_torques.json", "rb");
  if (!f) return -1;

  // The golden torques, 4 MB of JSON at most.
  char* text = calloc(1, 4 << 20);
  size_t n = text ? fread(text, 1, (4 << 20) - 1, f) : 0;
  fclose(f);
  golden = n ? cJSON_Parse(text) : NULL;
  free(text);
  return golden ? handover_open(state) : -1;
}

static int close_all(void** state) {
  cJSON_Delete(golden);
  return handover_close(state);
}

static const cJSON* get(const cJSON* node, const char* key) {
  const cJSON* child = cJSON_GetObjectItemCaseSensitive(node, key);
  if (!child) fail_msg("golden file: no %s", key);
  return child;
}

// Numbers of a list, nested lists flattened; returns how many.
static int flatten(double* out, int max, const cJSON* node) {
  if (cJSON_IsNumber(node)) {
    assert_true(max > 0);
    *out = node->valuedouble;
    return 1;
  }
  int n = 0;

  for (const cJSON* child = node->child; child; child = child->next) n += flatten(out + n, max - n, child);
  return n;
}

typedef struct bench {
  int demo;
  loomDemo data;
  loomScene* scene;
  loomEpisode* episode;
} bench;

static void close_bench(bench* b) {
  loom_episode_destroy(b->episode);
  loom_scene_destroy(b->scene);
  if (b->demo >= 0) loom_demo_destroy(&b->data);
  *b = (bench){.demo = -1};
}

static void open_bench(bench* b, handover* h, int demo) {
  loomError err = {0, ""};
  if (b->demo == demo) return;
  close_bench(b);
  must(loom_demo_load(&b->data, h->dataset, demo, &err), &err);
  must(loom_replay_open(&b->scene, &b->episode, h->task, h->dataset, &b->data, &h->roots, &err), &err);
  b->demo = demo;
}

static void check_golden(bench* b, handover* h, const cJSON* g) {
  loomError err = {0, ""};
  loomControllerDef def = {0};
  const cJSON* c;

  cJSON_ArrayForEach(c, get(golden, "controllers")) {
    if (strcmp(get(c, "name")->valuestring, get(g, "controller")->valuestring)) continue;
    cJSON* config = cJSON_Duplicate(c, true);
    cJSON_DeleteItemFromObject(config, "name");
    must(loom_controller_read(&def, config, 7, false, NULL, "golden", &err), &err);
    cJSON_Delete(config);
  }

  double action[14], want[14], goal[32];
  bool osc = def.type == LOOM_OSC_POSE;
  int n = flatten(action, 14, get(g, "action")) / 2;
  assert_int_equal(flatten(want, 14, get(g, "torque")), 14);

  for (int a = 0; a < 2; a++) {
    loomArm arm;
    double padded[8] = {0}, torque[LOOM_MAX_JOINTS], error = 0, size = 0;
    must(loom_arm_bind(&arm, &h->task->robots[a], &def, b->episode->m, &err), &err);
    loom_arm_reset(&arm, b->episode->m, b->episode->d);
    memcpy(padded, action + n * a, sizeof(double) * (size_t)n);
    loom_arm_set_goal(&arm, b->episode->m, b->episode->d, padded);
    if (osc) {
      // The goal is ours to within robosuite's single precision; then torques are compared from robosuite's
      // own goal.
      assert_int_equal(flatten(goal, 32, get(g, "goal_pos")), 6);
      for (int i = 0; i < 3; i++) assert_true(fabs(arm.state.goal_pos[i] - goal[3 * a + i]) < 1e-9);
      memcpy(arm.state.goal_pos, goal + 3 * a, sizeof arm.state.goal_pos);
      assert_int_equal(flatten(goal, 32, get(g, "goal_mat")), 18);
      for (int i = 0; i < 9; i++) assert_true(fabs(arm.state.goal_mat[i] - goal[9 * a + i]) < 2e-6);
      memcpy(arm.state.goal_mat, goal + 9 * a, sizeof arm.state.goal_mat);
    }

    loom_arm_torques(torque, &arm, b->episode->m, b->episode->d);
    for (int i = 0; i < 7; i++) {
      error += (torque[i] - want[7 * a + i]) * (torque[i] - want[7 * a + i]);
      size += want[7 * a + i] * want[7 * a + i];
    }

    if (!(sqrt(error) <= 1e-6 * sqrt(size))) {
      fail_msg("demo %d, %s, arm %d: torque off by %g of %g N m", b->demo, get(g, "controller")->valuestring,
               a, sqrt(error), sqrt(size));
    }
  }
}

static void torques_are_robosuites(void** state) {
  handover* h = *state;
  bench b = {.demo = -1};
  const cJSON *row, *g;
  int checked = 0;

  cJSON_ArrayForEach(row, get(golden, "rows")) {
    loomError err = {0, ""};

    // The recorded state, shown; then every controller at it.
    double recorded[64];
    open_bench(&b, h, get(row, "demo")->valueint);
    assert_int_equal(flatten(recorded, 64, get(row, "state")), b.episode->state_dim);
    must(loom_episode_show(b.episode, recorded, NULL, &err), &err);
    cJSON_ArrayForEach(g, get(row, "goldens")) {
      check_golden(&b, h, g);
      checked++;
    }
  }
  close_bench(&b);
  assert_true(checked > 100);
}

static void gripper_commands_are_robosuites(void** state) {
  handover* h = *state;
  bench b = {.demo = -1};
  const cJSON* sequence;
  loomError err = {0, ""};
  open_bench(&b, h, 0);
  cJSON_ArrayForEach(sequence, get(golden, "grippers")) {
    double actions[1024], ctrl[2048];
    int n = flatten(actions, 1024, get(sequence, "actions"));
    assert_int_equal(flatten(ctrl, 2048, get(sequence, "ctrl")), 2 * n);

    must(loom_episode_start(b.episode, b.data.states, &err), &err);
    loomArm* arm = &b.episode->arms[0];
    for (int t = 0; t < n; t++) {
      arm->state.hand_action[0] = actions[t];
      loom_arm_apply(arm, b.episode->m, b.episode->d, b.episode->d);
      for (int i = 0; i < 2; i++)
        assert_true(fabs(b.episode->d->ctrl[arm->hand_actuator[i]] - ctrl[2 * t + i]) < 1e-12);
    }
  }
  close_bench(&b);
}

static void an_action_reaches_its_target(void** state) {
  handover* h = *state;
  bench b = {.demo = -1};
  loomError err = {0, ""};
  open_bench(&b, h, 4);
  must(loom_episode_start(b.episode, b.data.states, &err), &err);

  // The action of its own target is the action.
  const loomArm* arm = &b.episode->arms[0];
  loomPose eef = loom_episode_eef(b.episode, 0);

  double wanted[6] = {0.3, -0.9, 0.1, 0.2, 0.5, -0.7}, action[6];
  loom_arm_action_towards(action, arm, eef, loom_arm_target(arm, eef, eef, wanted));

  for (int i = 0; i < 6; i++) assert_true(fabs(action[i] - wanted[i]) < 1e-9);
  close_bench(&b);
}

// The goal that a move or pose along the base's axes gives is that of the same along the world's.
static void actions_in_the_base(void** state) {
  handover* h = *state;
  bench b = {.demo = -1};
  loomError err = {0, ""};
  open_bench(&b, h, 4);
  must(loom_episode_start(b.episode, b.data.states, &err), &err);
  const mjModel* m = b.episode->m;
  const mjData* d = b.episode->d;

  for (int a = 0; a < 2; a++) {
    for (int delta = 0; delta < 2; delta++) {
      loomControllerDef def = b.scene->control[a];
      loomArm world, base;
      def.delta = delta;
      must(loom_arm_bind(&world, &h->task->robots[a], &def, m, &err), &err);
      def.in_base = true;
      must(loom_arm_bind(&base, &h->task->robots[a], &def, m, &err), &err);

      // Where robosuite 1.5 has its frame, and both robots face each other.
      int body = mj_name2id(m, mjOBJ_BODY, a ? "robot1_link0" : "robot0_link0");
      loomPose link = loom_pose_from_quat(d->xpos + 3 * body, d->xquat + 4 * body);
      assert_true(loom_pose_distance(link, base.base) < 1e-9);

      // The same motion, as each says it.
      loomPose eef = loom_arm_eef(&world, d), target = eef;
      target.pos[0] += 0.02, target.pos[1] -= 0.01;
      loom_quat_mul(target.quat, (const double[]){0.99498743710662, 0.06, -0.08, 0}, eef.quat);
      double said[2][7] = {{0}};
      loom_arm_action_towards(said[0], &world, eef, target);
      loom_arm_action_towards(said[1], &base, eef, target);

      assert_true(fabs(said[0][0] - said[1][0]) > 0.01);
      loom_arm_set_goal(&world, m, d, said[0]);
      loom_arm_set_goal(&base, m, d, said[1]);
      loomPose where = loom_pose_from_mat(base.state.goal_pos, base.state.goal_mat);
      assert_true(loom_pose_distance(where, target) < 1e-6);
      for (int i = 0; i < 9; i++) assert_true(fabs(world.state.goal_mat[i] - base.state.goal_mat[i]) < 1e-9);
      assert_true(loom_pose_distance(loom_arm_target(&base, eef, eef, said[1]), where) < 1e-6);
    }
  }

  // A robot whose file does not say where its base is, and one whose base moves.
  static const char* const bodies[][2] = {
      {"", "names no `base_body`"}, {"robot0_link3", "moves"}, {"robot0_x", "no body"}};
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
    loomRobotDef robot = h->task->robots[0];
    loomControllerDef def = b.scene->control[0];
    loomArm arm;
    def.in_base = true;
    snprintf(robot.base_body, sizeof robot.base_body, "%s", bodies[i][0]);
    assert_true(loom_arm_bind(&arm, &robot, &def, m, &err) < 0);
    assert_non_null(strstr(err.message, bodies[i][1]));
  }
  close_bench(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(torques_are_robosuites), cmocka_unit_test(gripper_commands_are_robosuites),
      cmocka_unit_test(an_action_reaches_its_target), cmocka_unit_test(actions_in_the_base)};
  return cmocka_run_group_tests(tests, open_all, close_all);
}
