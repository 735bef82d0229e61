// Stitching: how many steps a way takes, where it goes, and which rows of a segment run.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "generators/attempt/stitch.h"

enum { freq = 20 };

static loomPose random_pose(loomRandom* r) {
  loomPose p;
  double turn[3];

  // A turn of less than a half.
  for (int i = 0; i < 3; i++) {
    p.pos[i] = loom_random_range(r, -1, 1);
    turn[i] = loom_random_range(r, -1.5, 1.5);
  }
  loom_quat_exp(p.quat, turn);
  return p;
}

static void fixed_steps_are_equal_parts(void** state) {
  (void)state;
  loomRandom r = loom_random(2, 1, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 20; i++) {
    loomPose from = random_pose(&r), to = random_pose(&r), before = from;
    loomSubtaskDef s = {.interpolate_steps = 1 + i};

    // As many steps as asked for.
    int n = loom_stitch_steps(&s, from, to, freq);
    assert_int_equal(n, 1 + i);

    // Each an equal part of the shift and of the turn.
    for (int k = 0; k < n; k++) {
      loomPose now = loom_stitch_pose(&s, from, to, k, n);
      assert_true(fabs(loom_pose_distance(before, now) - loom_pose_distance(from, to) / n) < 1e-9);
      assert_true(fabs(loom_quat_angle(before.quat, now.quat) - loom_quat_angle(from.quat, to.quat) / n) <
                  1e-6);
      before = now;
    }

    // The last one gets there.
    assert_true(loom_pose_distance(before, to) < 1e-12 && loom_quat_angle(before.quat, to.quat) < 1e-7);
  }
}

// No step is faster than the limits, smooth or not, and no more steps are taken than that asks for.
static void speeds_are_limits(void** state) {
  (void)state;
  loomRandom r = loom_random(2, 2, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 60; i++) {
    loomPose from = random_pose(&r), to = random_pose(&r), before = from;
    loomSubtaskDef s = {.interpolate_steps = 2, .smooth = i % 2};

    // One limit, or the other, or both.
    if (i % 3 != 0) s.speed_linear = loom_random_range(&r, 0.05, 1);
    if (i % 3 != 1) s.speed_angular = loom_random_range(&r, 0.1, 2);

    // The fastest step.
    double linear = 0, angular = 0;
    int n = loom_stitch_steps(&s, from, to, freq);
    for (int k = 0; k < n; k++) {
      loomPose now = loom_stitch_pose(&s, from, to, k, n);
      linear = fmax(linear, loom_pose_distance(before, now) * freq);
      angular = fmax(angular, loom_quat_angle(before.quat, now.quat) * freq);
      before = now;
    }

    // As a fraction of its limit; one step fewer would be too fast.
    double use = fmax(s.speed_linear > 0 ? linear / s.speed_linear : 0,
                      s.speed_angular > 0 ? angular / s.speed_angular : 0);
    assert_true(use < 1 + 1e-6);
    assert_true(n == 2 || use > (n - 2.0) / n);
  }
}

static void standing_still_and_creeping(void** state) {
  (void)state;
  loomRandom r = loom_random(2, 3, LOOM_PURPOSE_TEST);
  loomPose from = random_pose(&r), to = random_pose(&r);
  loomSubtaskDef s = {.speed_linear = 1, .speed_angular = 1};

  // Nowhere to go: no more than the steps asked for.
  assert_int_equal(loom_stitch_steps(&s, from, from, freq), 0);
  s.interpolate_steps = 3;
  assert_int_equal(loom_stitch_steps(&s, from, from, freq), 3);

  // Nearly no speed: many steps, yet a finite number.
  s.speed_linear = s.speed_angular = 1e-300;
  assert_in_range(loom_stitch_steps(&s, from, to, freq), 1000, 1000000);
}

static void smooth_starts_and_ends_at_rest(void** state) {
  (void)state;
  loomPose from = loom_pose_identity(), to = from;
  to.pos[0] = 1;

  loomSubtaskDef s = {.interpolate_steps = 100, .smooth = true};
  double x[101] = {0};
  for (int k = 0; k < 100; k++) x[k + 1] = loom_stitch_pose(&s, from, to, k, 100).pos[0];

  // Slow at both ends, half-way in the middle.
  assert_true(x[1] < 1e-4 && x[99] > 1 - 1e-4 && fabs(x[50] - 0.5) < 1e-12 && fabs(x[100] - 1) < 1e-12);

  // Always forward, and the same from both ends.
  for (int k = 0; k < 100; k++) {
    assert_true(x[k + 1] > x[k]);
    assert_true(fabs(x[k] + x[100 - k] - 1) < 1e-12);
  }

  // Not smooth: equal parts from the first step on.
  s.smooth = false;
  assert_true(fabs(loom_stitch_pose(&s, from, to, 0, 100).pos[0] - 0.01) < 1e-12);
}

static void segments_never_leave_the_demo(void** state) {
  (void)state;

  // Shifted within the demo.
  assert_int_equal(loom_stitch_end(10, 20, 0, 100), 20);
  assert_int_equal(loom_stitch_end(10, 20, 5, 100), 25);
  assert_int_equal(loom_stitch_end(10, 20, -5, 100), 15);

  // No further back than its first row.
  assert_int_equal(loom_stitch_end(10, 20, -10, 100), 11);  // one row is left
  assert_int_equal(loom_stitch_end(10, 20, -50, 100), 11);

  // No further on than the demo's last.
  assert_int_equal(loom_stitch_end(10, 20, 90, 100), 100);
  assert_int_equal(loom_stitch_end(10, 20, INT32_MAX, 100), 100);
  assert_int_equal(loom_stitch_end(10, 20, INT32_MIN, 100), 11);

  // At the very end.
  assert_int_equal(loom_stitch_end(99, 100, -3, 100), 100);
  assert_int_equal(loom_stitch_end(100, 100, 0, 100), 100);  // an empty segment at the end stays empty
}

// At any pace the first row is the first, rows go up evenly, and the last one is passed in no step too many.
static void retiming_runs_through_all_rows(void** state) {
  (void)state;
  loomRandom r = loom_random(2, 9, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 200; i++) {
    int rows = 1 + loom_random_index(&r, 400);
    double pace = i ? loom_random_range(&r, 0.1, 10) : 1;
    int n = loom_stitch_length(rows, pace);
    assert_true(loom_stitch_row(0, pace) == 0);
    assert_true(loom_stitch_row(n - 1, pace) >= rows - 1 - 1e-9);
    assert_true(n == 1 || loom_stitch_row(n - 2, pace) < rows - 1);

    // Nothing changes at the source's own.
    assert_int_equal(loom_stitch_length(rows, 1), rows);
    assert_true(loom_stitch_row(rows - 1, 1) == rows - 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(retiming_runs_through_all_rows),
                                     cmocka_unit_test(fixed_steps_are_equal_parts),
                                     cmocka_unit_test(speeds_are_limits),
                                     cmocka_unit_test(standing_still_and_creeping),
                                     cmocka_unit_test(smooth_starts_and_ends_at_rest),
                                     cmocka_unit_test(segments_never_leave_the_demo)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
