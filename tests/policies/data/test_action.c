// Actions as networks learn them, there and back: as they are, with rotations of six numbers, as goals in the
// world's frame; and from files.
#include "tests/scene_fixture.h"

#include <math.h>

#include "policies/data/action.h"

static loomTask* task;
static loomScene* scene;
static loomAssetRoots roots;
static loomEpisode* episode;

static int open_scene(void** state) {
  (void)state;
  loomError err = {0, ""};

  // The threading scene, reset and at rest.
  add_assets(&roots, "robosuite-1.4.1");
  load_scene(&task, &scene, &roots, "scenes/threading/task.yaml");
  must(loom_episode_create(&episode, scene, &err), &err);
  must(loom_episode_reset(episode, 0, 1, 0, &err), &err);
  return 0;
}

static int close_scene(void** state) {
  (void)state;

  loom_episode_destroy(episode);
  loom_scene_destroy(scene);
  loom_task_destroy(task);
  loom_asset_roots_destroy(&roots);
  return 0;
}

enum { ARMS = 2, RAW = 14 };

static const double wanted[RAW] = {0.3, -0.5, 0.2, 0.1, -0.3, 0.6, 1, -0.4, 0.9, -0.1, -0.2, 0.05, 0.3, -1};

// Where `wanted` would send the hands, as datasets have it.
static void goals_of(double out[ARMS * 16]) {
  for (int a = 0; a < ARMS; a++) {
    // From where the hand is.
    loomPose eef = loom_episode_eef(episode, a);
    loom_pose_to_matrix(out + (ptrdiff_t)16 * a,
                        loom_arm_target(&episode->arms[a], eef, eef, wanted + (ptrdiff_t)7 * a));
  }
}

static void there_and_back(void** state) {
  (void)state;
  double goal[ARMS * 16];
  loomError err = {0, ""};

  goals_of(goal);
  for (int form = 0; form < 4; form++) {
    // Rotations of three numbers or of six, steps or goals.
    loomActionForm f = {form & 1, form & 2};
    int n = loom_action_dim(f, ARMS, RAW);

    float row[32] = {0};
    double action[RAW];
    assert_int_equal(n, f.columns ? 20 : 14);

    loom_action_encode(row, f, ARMS, RAW, wanted, f.absolute ? goal : NULL);
    must(loom_action_fits(f, episode, n, &err), &err);
    loom_action_decode(action, f, episode, row);

    // Float has seven digits.
    for (int i = 0; i < RAW; i++) assert_true(fabs(action[i] - wanted[i]) < 2e-5);

    // A goal is one in the world: arm 1's hand is far from its base's frame.
    if (f.absolute) assert_true(fabs((double)row[0] - goal[3]) < 1e-6);
  }
}

// What a network says is no exact rotation: the nearest one acts, and far goals are clipped.
static void any_numbers_act(void** state) {
  (void)state;
  float row[20];
  double action[RAW];

  for (int i = 0; i < 20; i++) row[i] = i % 3 ? -5 : 7;
  loom_action_decode(action, (loomActionForm){true, true}, episode, row);

  // Nothing is infinite, and a goal too far off moves as fast as is allowed.
  for (int i = 0; i < RAW; i++) assert_true(isfinite(action[i]));
  for (int i = 0; i < 6; i++) assert_true(fabs(action[i]) <= 1);
}

// Goals are gone for as they were in the demos: an arm that is fast is slowed down. Moves were recorded so
// and are done as they are, as is what the hand does.
static void goals_are_braked(void** state) {
  (void)state;
  double goal[ARMS * 16], action[RAW];
  float row[32] = {0};
  int fastest = 0;
  const loomArm* arm = &episode->arms[0];
  assert_true(task->brake > 0 && task->limit_joint_speed > 0);
  goals_of(goal);

  // Arm 0 halfway between where the brake begins and the limit; arm 1 at rest.
  episode->d->qvel[arm->dof[2]] = 0.1;
  double share = loom_arm_speed_share(&fastest, arm, episode->d);
  episode->d->qvel[arm->dof[2]] *= (task->brake + 1) / 2 * task->limit_joint_speed / share;

  for (int absolute = 0; absolute < 2; absolute++) {
    loomActionForm f = {absolute, true};
    loom_action_encode(row, f, ARMS, RAW, wanted, absolute ? goal : NULL);
    loom_action_decode(action, f, episode, row);
    for (int i = 0; i < RAW; i++)
      assert_true(fabs(action[i] - (absolute && i < 6 ? 0.5 : 1) * wanted[i]) < 2e-5);
  }
  episode->d->qvel[arm->dof[2]] = 0;
}

static void what_does_not_fit(void** state) {
  (void)state;
  loomError err = {0, ""};

  // Such forms need arms, and enough numbers for each of them.
  assert_int_equal(loom_action_dim((loomActionForm){true, false}, 0, RAW), 0);
  assert_int_equal(loom_action_dim((loomActionForm){false, true}, 3, RAW), 0);
  assert_int_equal(loom_action_dim((loomActionForm){false, true}, 4, RAW - 2), 0);
  assert_int_equal(loom_action_dim((loomActionForm){false, false}, 0, RAW), RAW);

  // A policy of another size.
  assert_int_equal(loom_action_fits((loomActionForm){true, true}, episode, RAW, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "20 numbers where the policy gives 14"));

  // Arms with different hands: a dataset's even shares are not theirs. As recorded they are not told apart.
  loomRobotDef hand = *episode->arms[1].robot;
  const loomRobotDef* kept = episode->arms[1].robot;
  hand.gripper_dim++;
  episode->arms[1].robot = &hand;

  assert_int_equal(loom_action_fits((loomActionForm){true, true}, episode, RAW + 6, &err),
                   LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "arm 1 takes 8 numbers and arm 0 7"));
  assert_int_equal(loom_action_fits((loomActionForm){false, false}, episode, RAW, &err), LOOM_OK);
  episode->arms[1].robot = kept;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(any_numbers_act),
                                     cmocka_unit_test(goals_are_braked), cmocka_unit_test(what_does_not_fit)};
  return cmocka_run_group_tests_name("action", tests, open_scene, close_scene);
}
