// Targets are moved off what is fixed and off other arms by just as much as they lack; all others stay.
#include "tests/own_fixture.h"

#include <math.h>

#include "generators/attempt/clear.h"

static const double clearance = 0.003;

// The least distance of a hand's pads to the floor, were the hand at this pose: over its boxes' corners.
static double lowest(const loomEpisode* e, int a, const loomPose* pose, const double* normal) {
  const char* pads[2][2] = {{"lpad0", "rpad0"}, {"lpad1", "rpad1"}};
  loomPose move = loom_pose_mul(*pose, loom_pose_inverse(loom_episode_eef(e, a)));
  double least = HUGE_VAL;
  for (int i = 0; i < 2; i++) {
    int g = mj_name2id(e->m, mjOBJ_GEOM, pads[a][i]);
    for (int corner = 0; corner < 8; corner++) {
      double at[3], world[3];
      for (int k = 0; k < 3; k++) at[k] = (corner >> k & 1 ? 1 : -1) * e->m->geom_size[3 * g + k];
      mju_mulMatVec3(world, e->d->geom_xmat + 9 * g, at);
      mju_addTo3(world, e->d->geom_xpos + 3 * g);
      mju_rotVecQuat(at, world, move.quat);
      mju_addTo3(at, move.pos);
      least = fmin(least, mju_dot3(at, normal));
    }
  }
  return least;
}

static void start(own* o) {
  loomError err = {0, ""};
  must(loom_episode_reset(o->e, 0, 5, 1, &err), &err);
}

// A hand straight and at slants, above the floor and in it, on a floor that is level and one that is not.
static void hands_are_moved_by_what_they_lack(void** state) {
  own* o = *state;
  start(o);
  loomEpisode* e = o->e;
  int floor = mj_name2id(e->m, mjOBJ_GEOM, "floor");

  struct {
    double turn[3], down, slope;
  } rows[] = {
      {{0, 0, 0}, 0.02, 0},        {{0, 0, 0}, -0.001, 0},    {{0.4, 0, 0}, 0.01, 0},
      {{0, -0.7, 0.3}, 0.015, 0},  {{0.2, 0.3, -1}, 0.03, 0}, {{0, 0, 0}, 0.01, 0.3},
      {{0.5, 0.2, 0.1}, 0.02, -1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (int a = 0; a < 2; a++) {
      double slope[4], normal[3], up[3] = {0, 0, 1};
      mju_axisAngle2Quat(slope, (double[]){1, 0, 0}, rows[i].slope);
      mju_rotVecQuat(normal, up, slope);
      mju_quat2Mat(e->d->geom_xmat + 9 * floor, slope);

      // So deep in the floor that `down` is below it.
      loomPose target = loom_episode_eef(e, a), turn = loom_pose_identity();
      loom_quat_exp(turn.quat, rows[i].turn);
      target = loom_pose_mul(target, turn);
      mju_addToScl3(target.pos, normal, -lowest(e, a, &target, normal) - rows[i].down);

      loomPose moved = target;
      loom_stand_clear(&moved, e, a, clearance);
      assert_true(fabs(lowest(e, a, &moved, normal) - clearance) < 2e-4);

      // Along the floor's normal and no other way, and not turned.
      double way[3];
      mju_sub3(way, moved.pos, target.pos);
      assert_true(fabs(mju_dot3(way, normal) - mju_norm3(way)) < 1e-5);
      assert_memory_equal(moved.quat, target.quat, sizeof moved.quat);
    }
  }

  mj_kinematics(e->m, e->d);
}

static void what_is_clear_stays(void** state) {
  own* o = *state;
  start(o);
  const double up[3] = {0, 0, 1};
  for (int a = 0; a < 2; a++) {
    loomPose target = loom_episode_eef(o->e, a);
    for (int i = 0; i < 20; i++) {
      target.pos[2] += clearance + 1e-3 + 0.01 * i - lowest(o->e, a, &target, up);
      loomPose before = target;
      loom_stand_clear(&target, o->e, a, clearance);
      assert_memory_equal(&before, &target, sizeof target);
    }
  }
}

// Objects that can move, or are the task's, are there to be touched.
static void objects_are_no_hindrance(void** state) {
  own* o = *state;
  start(o);
  loomPose target = loom_episode_object(o->e, 0);
  target.pos[2] = 0.05;
  mju_copy4(target.quat, loom_episode_eef(o->e, 0).quat);
  loomPose before = target;
  loom_stand_clear(&target, o->e, 0, clearance);
  assert_memory_equal(&before, &target, sizeof target);
}

// The least distance of arm 0's pads to arm 1's, were arm 0's hand at this pose.
static double between_hands(const loomEpisode* e, const loomPose* pose) {
  const char* pads[2][2] = {{"lpad0", "rpad0"}, {"lpad1", "rpad1"}};
  loomPose move = loom_pose_mul(*pose, loom_pose_inverse(loom_episode_eef(e, 0)));
  double least = 1;
  for (int i = 0; i < 2; i++) {
    for (int k = 0; k < 2; k++) {
      // Arm 0's where it would be, arm 1's where it is.
      int mine = mj_name2id(e->m, mjOBJ_GEOM, pads[0][i]), other = mj_name2id(e->m, mjOBJ_GEOM, pads[1][k]);
      loomPose moved =
          loom_pose_mul(move, loom_pose_from_mat(e->d->geom_xpos + 3 * mine, e->d->geom_xmat + 9 * mine));

      mju_copy3(e->scratch->geom_xpos + 3 * mine, moved.pos);
      mju_quat2Mat(e->scratch->geom_xmat + 9 * mine, moved.quat);
      mju_copy3(e->scratch->geom_xpos + 3 * other, e->d->geom_xpos + 3 * other);
      mju_copy(e->scratch->geom_xmat + 9 * other, e->d->geom_xmat + 9 * other, 9);

      least = fmin(least, mj_geomDistance(e->m, e->scratch, mine, other, 1, NULL));
    }
  }
  return least;
}

// A hand that is sent to the side of the other arm's, touching it, in it, turned: it stays as far away as it
// is to, and no farther than that takes.
static void hands_keep_off_other_arms(void** state) {
  own* o = *state;
  start(o);
  const struct {
    double beside[3], turn[3];
  } rows[] = {
      {{0, -0.06, 0}, {0, 0, 0}}, {{0.021, 0, 0}, {0, 0, 0}},     {{0.018, 0.002, 0}, {0, 0, 0.1}},
      {{0.017, 0, 0}, {0, 0, 0}}, {{0, 0.004, 0.079}, {0, 0, 0}}, {{0.01, 0.03, 0.082}, {0, 0.1, 0}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    loomPose target = loom_episode_eef(o->e, 1), turn = loom_pose_identity();
    loom_quat_exp(turn.quat, rows[i].turn);
    target = loom_pose_mul(target, turn);
    mju_addTo3(target.pos, rows[i].beside);

    // As it is told to stand, and as it then does.
    double before = between_hands(o->e, &target);
    loomPose moved = target;
    loom_stand_clear(&moved, o->e, 0, clearance);

    double after = between_hands(o->e, &moved), way = loom_pose_distance(moved, target);
    assert_true(after > clearance - 2e-4);
    if (before >= clearance)
      assert_true(way == 0);
    else
      assert_true(way < clearance - before + 2e-3);
  }
}

// Sources press a hand into the floor, and an attempt does, or does not.
static void attempts_keep_off(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomAttemptDef def = loom_default_attempt_def();
  const double up[3] = {0, 0, 1};

  double deepest[2];
  for (int with = 0; with < 2; with++) {
    loomAttemptResult r;
    for (int k = 0; k < o->task->subtask_count[0]; k++)
      o->task->subtasks[0][k].clearance = with ? clearance : 0;
    for (int i = 0; i < o->sources.n; i++)
      for (int t = 0; t < o->sources.replay[i].rows; t++)
        o->sources.replay[i].target[0][t].pos[2] -= with ? 0 : 0.05;
    must(loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, 1, &err), &err);

    deepest[with] = HUGE_VAL;
    for (int row = r.begin[0][0]; row < o->trace.rows; row++) {
      loomPose target = loom_pose_from_matrix(o->trace.target + 16 * 2 * (size_t)row);
      deepest[with] = fmin(deepest[with], lowest(o->e, 0, &target, up));
    }
  }
  for (int i = 0; i < o->sources.n; i++)
    for (int t = 0; t < o->sources.replay[i].rows; t++) o->sources.replay[i].target[0][t].pos[2] += 0.05;
  for (int k = 0; k < o->task->subtask_count[0]; k++) o->task->subtasks[0][k].clearance = 0;

  assert_true(deepest[0] < -0.01);
  assert_true(deepest[1] > 0.5 * clearance);
}

// Arm 0's target at the row at which its hand closes (at[0]) and at the last row (at[1]).
static void find_targets(double at[2][3], own* o, double with_clearance) {
  loomError err = {0, ""};
  loomAttemptDef def = loom_default_attempt_def();
  loomAttemptResult r;
  o->task->subtasks[0][0].clearance = with_clearance;
  must(loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, 1, &err), &err);
  o->task->subtasks[0][0].clearance = 0;

  int row = r.begin[0][0];
  while (row < o->trace.rows && o->trace.grip[2 * row] <= 0) row++;
  assert_in_range(row, 1, o->trace.rows - 10);
  for (int i = 0; i < 2; i++)
    mju_copy3(at[i],
              loom_pose_from_matrix(o->trace.target + 16 * 2 * (size_t)(i ? o->trace.rows - 1 : row)).pos);
}

static void lower_sources(own* o, double by) {
  for (int i = 0; i < o->sources.n; i++) {
    loomReplay* r = &o->sources.replay[i];
    for (int t = 0; t < r->rows; t++) r->eef[0][t].pos[2] -= by, r->target[0][t].pos[2] -= by;
  }
}

// A hand that has to take hold higher up than the source's did lifts as much higher, though nothing is in its
// way there; one that does not have to goes where it went.
static void what_is_taken_higher_is_lifted_higher(void** state) {
  own* o = *state;
  double plain[2][3], clear[2][3], way[2][3];
  find_targets(plain, o, 0);
  find_targets(clear, o, 0.001);
  assert_memory_equal(plain, clear, sizeof plain);

  // Of sources that went 15 mm lower, which is too low.
  lower_sources(o, 0.015);
  find_targets(plain, o, 0);
  find_targets(clear, o, 0.02);
  lower_sources(o, -0.015);

  for (int i = 0; i < 2; i++) {
    mju_sub3(way[i], clear[i], plain[i]);
    assert_true(fabs(way[i][0]) < 1e-3 && fabs(way[i][1]) < 1e-3);
  }
  assert_true(way[0][2] > 0.005 && fabs(way[1][2] - way[0][2]) < 0.003);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hands_are_moved_by_what_they_lack),
      cmocka_unit_test(what_is_clear_stays),
      cmocka_unit_test(objects_are_no_hindrance),
      cmocka_unit_test(hands_keep_off_other_arms),
      cmocka_unit_test(attempts_keep_off),
      cmocka_unit_test(what_is_taken_higher_is_lifted_higher),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
