// Keypoints: the motion that brings points of one shape to those of another.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "generators/attempt/keypoint.h"

static void draw_points(double* out, int n, loomRandom* r) {
  for (int i = 0; i < 3 * n; i++) out[i] = loom_random_range(r, -0.3, 0.3);
}

static loomPose random_pose(loomRandom* r) {
  loomPose p;
  double turn[3];
  draw_points(p.pos, 1, r);
  for (int i = 0; i < 3; i++) turn[i] = loom_random_range(r, -1.7, 1.7);
  loom_quat_exp(p.quat, turn);
  return p;
}

static void move_points(double* out, const double* in, int n, loomPose by) {
  for (int i = 0; i < n; i++) {
    loom_quat_rotate(out + 3 * i, by.quat, in + 3 * i);
    for (int c = 0; c < 3; c++) out[3 * i + c] += by.pos[c];
  }
}

static double misfit(const double* to, const double* from, int n, loomPose by) {
  double moved[3 * 8], sum = 0;
  move_points(moved, from, n, by);
  for (int i = 0; i < 3 * n; i++) sum += (moved[i] - to[i]) * (moved[i] - to[i]);
  return sum;
}

static void rigid_motions_are_found(void** state) {
  (void)state;
  loomRandom r = loom_random(1, 1, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 100; i++) {
    double from[12], to[12];
    loomPose by = random_pose(&r);

    draw_points(from, 4, &r);
    move_points(to, from, 4, by);

    loomPose found = loom_keypoint_fit(to, from, 4);
    assert_true(loom_pose_distance(found, by) < 1e-6 && loom_quat_angle(found.quat, by.quat) < 1e-6);
  }
}

static void one_point_is_moved_and_a_line_turns_least(void** state) {
  (void)state;
  loomRandom r = loom_random(1, 2, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 100; i++) {
    double from[6], to[6];

    // One point.
    draw_points(from, 2, &r);
    draw_points(to, 2, &r);
    loomPose found = loom_keypoint_fit(to, from, 1);
    assert_true(loom_quat_angle(found.quat, loom_pose_identity().quat) < 1e-9 &&
                misfit(to, from, 1, found) < 1e-18);

    // Two points: by the angle between their lines, and no more.
    double a[3], b[3], dot = 0, aa = 0, bb = 0;
    for (int c = 0; c < 3; c++) {
      a[c] = from[3 + c] - from[c];
      b[c] = to[3 + c] - to[c];
      dot += a[c] * b[c];
      aa += a[c] * a[c];
      bb += b[c] * b[c];
    }
    double angle = acos(dot / sqrt(aa * bb));
    found = loom_keypoint_fit(to, from, 2);
    if (angle < 3) assert_true(fabs(loom_quat_angle(found.quat, loom_pose_identity().quat) - angle) < 1e-3);
  }

  // No points at all.
  double none[3] = {0, 0, 0};
  assert_true(loom_pose_distance(loom_keypoint_fit(none, none, 0), loom_pose_identity()) == 0);
}

static void no_other_motion_fits_better(void** state) {
  (void)state;
  loomRandom r = loom_random(1, 3, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 50; i++) {
    double from[15], to[15];
    draw_points(from, 5, &r);
    draw_points(to, 5, &r);

    // A little to either side of the best is worse.
    loomPose best = loom_keypoint_fit(to, from, 5);

    for (int k = 0; k < 20; k++) {
      loomPose other = random_pose(&r), little = loom_pose_interpolate(loom_pose_identity(), other, 0.02);
      assert_true(misfit(to, from, 5, best) <= misfit(to, from, 5, loom_pose_mul(best, little)) + 1e-9);
    }
  }
}

// A needle's tip, and the side of a cup that a mirrored source takes on the other side.
static void points_follow_the_shape(void** state) {
  (void)state;
  loomVariable variables[2] = {{.name = "a"}, {.name = "density"}};
  loomKeypoint points[2] = {{"tip", {"2*a", "0", "0"}}, {"side", {"0", "a", "0"}}};
  loomObjectDef object = {
      .variable_count = 2, .variables = variables, .keypoint_count = 2, .keypoints = points};
  loomTask task = {.object_count = 1, .objects = &object};
  loomReplay source = {.variables = {{0.1, NAN}}};
  task.mirror.object[0][1] = 1;
  const double longer[LOOM_MAX_VARIABLES] = {0.15, 300};
  const int tip = 0, side = 1, both[2] = {0, 1};

  // Each of the two, and the second mirrored.

  loomPose moved = loom_keypoint_reshape(&task, &source, longer, 0, &tip, 1);
  assert_true(fabs(moved.pos[0] - 0.1) < 1e-12 && moved.pos[1] == 0);
  moved = loom_keypoint_reshape(&task, &source, longer, 0, &side, 1);
  assert_true(fabs(moved.pos[1] - 0.05) < 1e-12);
  source.mirrored = true;
  moved = loom_keypoint_reshape(&task, &source, longer, 0, &side, 1);
  assert_true(fabs(moved.pos[1] + 0.05) < 1e-12);

  // The shape of the source, and no points at all.
  moved = loom_keypoint_reshape(&task, &source, source.variables[0], 0, both, 2);
  assert_true(loom_pose_distance(moved, loom_pose_identity()) < 1e-12);
  moved = loom_keypoint_reshape(&task, &source, longer, 0, NULL, 0);
  assert_true(loom_pose_distance(moved, loom_pose_identity()) == 0);
}

// A hand on a handle from tail to neck, as it is and mirrored, on it, beyond and beside.
static void a_point_is_brought_between_two(void** state) {
  (void)state;
  loomVariable variables[1] = {{.name = "L"}};
  loomKeypoint points[3] = {
      {"tail", {"0", "-L/2", "0"}}, {"neck", {"0", "L/2", "0"}}, {"nowhere", {"0", "missing", "0"}}};
  loomObjectDef object = {
      .variable_count = 1, .variables = variables, .keypoint_count = 3, .keypoints = points};
  loomTask task = {.object_count = 1, .objects = &object};
  loomReplay source = {0};
  task.mirror.object[0][1] = 1;
  const double now[LOOM_MAX_VARIABLES] = {0.2};

  struct {
    double at[3], moved;
  } rows[] = {{{0, 0, 0}, 0},
              {{0.3, 0.05, -0.1}, 0},
              {{0, 0.13, 0}, -0.03},
              {{0.02, -0.16, 0.01}, 0.06},
              {{0, 0.1, 0}, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (int mirrored = 0; mirrored < 2; mirrored++) {
      for (int turned = 0; turned < 2; turned++) {
        double at[3], shift[3];
        memcpy(at, rows[i].at, sizeof at);
        if (mirrored) at[1] = -at[1];
        source.mirrored = mirrored;
        loom_keypoint_bring_between(shift, at, &task, &source, now, 0, (int[]){turned, 1 - turned});
        assert_true(fabs(shift[1] - (mirrored ? -1 : 1) * rows[i].moved) < 1e-12);
        assert_true(shift[0] == 0 && shift[2] == 0);
      }
    }
  }

  // Points that cannot be told, and two in one place.
  double shift[3] = {1, 1, 1};
  loom_keypoint_bring_between(shift, rows[2].at, &task, &source, now, 0, (int[]){0, 2});
  assert_true(shift[0] == 0 && shift[1] == 0 && shift[2] == 0);
  const double flat[LOOM_MAX_VARIABLES] = {0};
  loom_keypoint_bring_between(shift, rows[2].at, &task, &source, flat, 0, (int[]){0, 1});
  assert_true(shift[0] == 0 && shift[1] == 0 && shift[2] == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rigid_motions_are_found), cmocka_unit_test(one_point_is_moved_and_a_line_turns_least),
      cmocka_unit_test(no_other_motion_fits_better), cmocka_unit_test(points_follow_the_shape),
      cmocka_unit_test(a_point_is_brought_between_two)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
