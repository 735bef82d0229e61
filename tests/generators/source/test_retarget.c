// Retargeted demos: onto the same robots they are the same, what one hand holds lies in the other as it did,
// and grippers and hands say the same to each other.
#include <math.h>

#include "generators/source/mirror.h"
#include "generators/source/retarget_follow.h"
#include "tests/own_fixture.h"

static void assert_same(loomPose a, loomPose b, double tolerance) {
  assert_true(loom_pose_distance(a, b) <= tolerance);
  assert_true(loom_quat_angle(a.quat, b.quat) <= 10 * tolerance + 1e-7);
}

static loomPose some_pose(int i) {
  loomPose p = {{0.1 * i, -0.2 + 0.03 * i, 0.9 + 0.01 * i}, {1, 0, 0, 0}};
  loom_quat_exp(p.quat, (const double[]){0.3 * i, -0.2 * i, 1 - 0.1 * i});
  return p;
}

// A task with arms of a hand with so many entries each, without anything else.
static loomTask* made_up(int arms, int entries) {
  loomTask* t = calloc(1, sizeof *t);
  assert_non_null(t);
  make_room(t);
  snprintf(t->path, sizeof t->path, "made_up.yaml");
  t->arm_count = arms;
  t->retarget = more_room(t, NULL, 0, 1, sizeof *t->retarget);
  t->retarget->scale = 1;
  for (int a = 0; a < LOOM_MAX_ARMS; a++) {
    loomRobotDef* robot = &t->robots[a];
    t->retarget->arms[a] = a;
    t->retarget->offset[a] = loom_pose_identity();
    robot->gripper_dim = entries;
    loom_quat_from_rpy(robot->grasp_quat, (const double[]){0, 0, 0});
    snprintf(robot->type, sizeof robot->type, entries == 1 ? "gripper" : "hand");
    if (entries == 1) continue;

    // Four fingers against a thumb, which turns.
    robot->gripper_absolute = robot->has_grasp = true;
    robot->side_count = 2;
    for (int i = 0; i < entries; i++) robot->side_entry[i] = i < 4 ? 0 : i < 5 ? 1 : -1;
    robot->grasp_pos[1] = -0.1;
    loom_quat_from_rpy(robot->grasp_quat, (const double[]){1.2, 0.4, -0.3});
  }
  return t;
}

static void onto_itself_nothing_changes(void** state) {
  (void)state;
  loomTask* t = made_up(2, 6);
  loomRetarget r;
  loomError err = {0, ""};
  must(loom_retarget_plan(&r, t, t, &err), &err);
  assert_true(r.same_subtasks);

  const double hand[] = {-1, 0, 0.5, 0.5, 0.7, 1};
  double told[LOOM_MAX_HAND], before[LOOM_MAX_HAND] = {0};
  for (int i = 0; i < 10; i++) {
    loomPose pose = some_pose(i), out = loom_retarget_hand(&r, i % 2, pose);
    assert_same(out, pose, 1e-12);
    loom_retarget_grip(told, &r, i % 2, hand, before);
    assert_memory_equal(told, hand, sizeof hand);
  }
  loom_task_destroy(t);
}

static void what_one_holds_lies_in_the_other(void** state) {
  (void)state;
  loomTask *from = made_up(2, 6), *to = made_up(2, 1);
  loomRetargetDef* def = to->retarget;
  loomRetarget r;
  loomError err = {0, ""};
  def->scale = 0.5;
  def->shift[0] = 0.3;
  def->center[2] = 0.8;
  must(loom_retarget_plan(&r, from, to, &err), &err);

  for (int i = 0; i < 10; i++) {
    loomPose eef = some_pose(i), there = loom_retarget_hand(&r, 0, eef),
             placed = loom_retarget_place(&r, eef);
    const loomRobotDef *x = &from->robots[0], *y = &to->robots[0];
    assert_same(loom_pose_mul(there, loom_pose_from_quat(y->grasp_pos, y->grasp_quat)),
                loom_pose_mul(placed, loom_pose_from_quat(x->grasp_pos, x->grasp_quat)), 1e-12);

    // Scaled about the center, then shifted, and not turned.
    assert_true(fabs(placed.pos[0] - 0.5 * eef.pos[0] - 0.3) < 1e-12);
    assert_true(fabs(placed.pos[2] - 0.8 - 0.5 * (eef.pos[2] - 0.8)) < 1e-12);
    assert_memory_equal(placed.quat, eef.quat, sizeof eef.quat);
  }
  loom_task_destroy(from);
  loom_task_destroy(to);
}

static void there_and_back_is_where_it_was(void** state) {
  (void)state;
  loomTask *hand = made_up(1, 6), *gripper = made_up(1, 1);
  loomRetarget there, back;
  loomError err = {0, ""};
  must(loom_retarget_plan(&there, hand, gripper, &err), &err);
  must(loom_retarget_plan(&back, gripper, hand, &err), &err);
  const double plane[3] = {0, 1, 0}, at[3] = {0, 0.1, 0}, frame[3] = {1, 0, 0};
  for (int i = 0; i < 10; i++) {
    loomPose pose = some_pose(i), mirrored = loom_mirror_pose(pose, plane, at, frame);
    assert_same(loom_retarget_hand(&back, 0, loom_retarget_hand(&there, 0, pose)), pose, 1e-12);

    // Mirrored twice on the way, too.
    loomPose twice = loom_mirror_pose(mirrored, plane, at, frame);
    assert_same(loom_retarget_hand(&there, 0, twice), loom_retarget_hand(&there, 0, pose), 1e-12);
  }
  loom_task_destroy(hand);
  loom_task_destroy(gripper);
}

static void a_gripper_closes_where_both_sides_do(void** state) {
  (void)state;
  loomTask *hand = made_up(1, 6), *gripper = made_up(1, 1);
  loomRetarget r;
  loomError err = {0, ""};
  must(loom_retarget_plan(&r, hand, gripper, &err), &err);

  static const struct {
    double hand[6], before, wanted;
  } rows[] = {{{-1, -1, -1, -1, -1, 1}, -1, -1},  // the thumb turned, nothing closed
              {{1, 1, 1, 1, -1, 0}, -1, -1},      // fingers alone: as it was
              {{1, 1, 1, 1, -1, 0}, 1, 1},        {{1, 1, 1, 1, 1, 0}, -1, 1},
              {{-1, 0, 0.5, 0.5, 0.5, 1}, -1, 1},  // a light grasp
              {{-1, -1, -1, -1, -1, -1}, 1, -1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double out[LOOM_MAX_HAND];
    loom_retarget_grip(out, &r, 0, rows[i].hand, &rows[i].before);
    assert_true(out[0] == rows[i].wanted);
  }

  // And back: all fingers do as the gripper, the thumb opposed to them.
  must(loom_retarget_plan(&r, gripper, hand, &err), &err);
  double out[LOOM_MAX_HAND], before[LOOM_MAX_HAND] = {-1, -1, -1, -1, -1, -1};
  for (double told = -1; told <= 1; told += 1) {
    loom_retarget_grip(out, &r, 0, &told, before);
    for (int i = 0; i < 5; i++) assert_true(out[i] == (told > 0 ? 1 : -1));
    assert_true(out[5] == 1);
  }
  loom_task_destroy(hand);
  loom_task_destroy(gripper);
}

static void refuse(const loomTask* from, const loomTask* to, const char* why) {
  loomRetarget r;
  loomError err = {0, ""};
  assert_int_equal(loom_retarget_plan(&r, from, to, &err), LOOM_ERR_FORMAT);
  if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
}

static void what_cannot_be_mapped_is_named(void** state) {
  own* o = *state;
  loomTask *one = made_up(1, 1), *two = made_up(2, 1), *hands = made_up(2, 6);
  refuse(one, two, "have 1 arms and this task has 2");
  refuse(one, o->task, "have 1 arms and this task has 2");
  refuse(two, o->task, "object 'box' is none of those");

  hands->robots[1].has_grasp = false;
  refuse(two, hands, "'hand' does not say how its hand holds things: `gripper: grasp:`");
  refuse(hands, two, "'hand' does not say how its hand holds things");

  *two->retarget =
      (loomRetargetDef){.declared = true, .line = 7, .has_arms = true, .arms = {0, 1}, .scale = 1};
  refuse(one, two, "made_up.yaml:7: `retarget:`: arm 1 is to follow arm 1, but the demos of '' have 1");
  two->retarget->arms[0] = two->retarget->arms[1] = -1;
  refuse(one, two, "no arm follows");

  // One arm of two may stay where it is.
  loomRetarget r;
  loomError err = {0, ""};
  two->retarget->arms[0] = 0;
  must(loom_retarget_plan(&r, one, two, &err), &err);
  loom_task_destroy(one);
  loom_task_destroy(two);
  loom_task_destroy(hands);
}

// ---- with a model

static void the_same_robots_do_the_same(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomRetarget r;
  loomDataset* dataset;
  loomDemo demo;
  must(loom_retarget_plan(&r, o->task, o->task, &err), &err);
  must(loom_dataset_open(&dataset, o->path, &err), &err);

  for (int i = 0; i < 2; i++) {
    loomRetargeted made;
    const loomReplay* replay = &o->sources.replay[i];
    must(loom_demo_load(&demo, dataset, replay->number, &err), &err);
    loomRetargetSource source = {replay, &demo, o->scene, false};
    must(loom_retarget_follow(&made, o->e, &r, &source, &err), &err);
    if (!made.kept) fail_msg("%s", made.reason);
    assert_int_equal(made.rows, replay->rows);
    assert_true(made.reach < 1e-3);
    assert_memory_equal(made.end, replay->end, sizeof made.end);

    for (int t = 0; t < made.rows; t++) {
      double* row = made.states + (size_t)t * (size_t)o->e->state_dim;
      const double grip[LOOM_MAX_ARMS] = {0};
      must(loom_episode_show(o->e, row, grip, &err), &err);
      for (int a = 0; a < 2; a++) {
        assert_same(loom_episode_eef(o->e, a), replay->eef[a][t], 1e-3);

        // Grippers do the same, and actions aim at the same.
        const double* action = made.actions + (size_t)t * (size_t)o->e->action_dim + 7 * a;
        assert_true(action[6] == replay->hand[a][t * LOOM_MAX_HAND]);
        loomPose target =
            loom_arm_target(&o->e->arms[a], loom_episode_eef(o->e, a), replay->target[a][t], action);
        assert_true(loom_pose_distance(target, replay->target[a][t]) < 2e-3);
      }
      for (int k = 0; k < o->task->object_count; k++)
        assert_same(loom_episode_object(o->e, k), replay->object[k][t], 1e-9);
    }
    loom_retargeted_destroy(&made);
    loom_demo_destroy(&demo);
  }
  loom_dataset_close(dataset);
}

static void out_of_reach_is_told(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomRetarget r;
  loomDataset* dataset;
  loomDemo demo;
  loomRetargeted made;
  o->task->retarget->shift[0] = 3;
  must(loom_retarget_plan(&r, o->task, o->task, &err), &err);
  must(loom_dataset_open(&dataset, o->path, &err), &err);
  must(loom_demo_load(&demo, dataset, 0, &err), &err);
  loomRetargetSource source = {&o->sources.replay[0], &demo, o->scene, false};
  must(loom_retarget_follow(&made, o->e, &r, &source, &err), &err);

  // It is 3 m away, and a slide of half a meter stands at its end.
  assert_false(made.kept);
  assert_true(made.reach > 2 && made.limit_rows == made.rows);
  assert_non_null(strstr(made.reason, "out of reach: arm "));
  assert_non_null(strstr(made.reason, "at a limit: x"));
  o->task->retarget->shift[0] = 0;
  loom_retargeted_destroy(&made);
  loom_demo_destroy(&demo);
  loom_dataset_close(dataset);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(onto_itself_nothing_changes),
      cmocka_unit_test(what_one_holds_lies_in_the_other),
      cmocka_unit_test(there_and_back_is_where_it_was),
      cmocka_unit_test(a_gripper_closes_where_both_sides_do),
      cmocka_unit_test(what_cannot_be_mapped_is_named),
      cmocka_unit_test(the_same_robots_do_the_same),
      cmocka_unit_test(out_of_reach_is_told),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
