// Drift: as large as the way that is gone, nothing where nothing moves, smooth, and drawn for each arm.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "generators/attempt/drift.h"

enum { freq = 20, steps = 40000 };
static const double speed = 0.2, spin = 0.5, share = 0.1;  // m/s, rad/s

// Along x, turning about z.
static loomPose on_the_way(int t) {
  loomPose p = {.pos = {speed * t / freq, 0.1, 0.2}};
  loom_quat_exp(p.quat, (double[3]){0, 0, remainder(spin * t / freq, 2 * acos(-1))});
  return p;
}

// Over any half a second the standard deviation along each axis is the share of what is gone then, and the
// path has no corners: its steps are small beside it.
static void grows_with_the_way(void** state) {
  (void)state;
  loomDrift d = loom_drift(3, 1, 0);
  double square[6] = {0}, step[3] = {0}, last[3] = {0};

  for (int t = 0; t < steps; t++) {
    loomPose way = on_the_way(t), to = loom_drift_step(&d, way, share, freq);
    double turn[3], by[4];
    double back[4] = {way.quat[0], -way.quat[1], -way.quat[2], -way.quat[3]};
    loom_quat_mul(by, to.quat, back);
    loom_quat_log(turn, by);

    for (int i = 0; i < 3; i++) {
      double off = to.pos[i] - way.pos[i];
      square[i] += off * off / steps;
      square[3 + i] += turn[i] * turn[i] / steps;
      step[i] += (off - last[i]) * (off - last[i]) / steps;
      last[i] = off;
    }
  }

  // 2,000 s hold some 1,000 independent values.
  for (int i = 0; i < 6; i++) {
    double wanted = share * 0.5 * (i < 3 ? speed : spin);
    assert_true(sqrt(square[i]) > 0.9 * wanted && sqrt(square[i]) < 1.1 * wanted);
    if (i < 3) assert_true(step[i] < 0.02 * square[i]);
  }
}

static void stands_where_it_should(void** state) {
  (void)state;
  loomDrift d = loom_drift(3, 1, 0);
  loomPose home = on_the_way(0);

  // Not off at all before anything moves, and next to nothing five seconds after.
  for (int t = 0; t < 10; t++)
    assert_memory_equal(&home, (loomPose[]){loom_drift_step(&d, home, share, freq)}, sizeof home.pos);
  for (int t = 0; t < 40; t++) loom_drift_step(&d, on_the_way(t), share, freq);
  loomPose end = on_the_way(39);
  assert_true(loom_pose_distance(loom_drift_step(&d, end, share, freq), end) > 1e-3);
  for (int t = 0; t < 100; t++) loom_drift_step(&d, end, share, freq);
  assert_true(loom_pose_distance(loom_drift_step(&d, end, share, freq), end) < 1e-4);
}

static void is_drawn_for_each(void** state) {
  (void)state;
  const struct {
    uint64_t attempt;
    int arm;
  } other[] = {{1, 0}, {1, 1}, {2, 0}};

  for (int k = 0; k < 3; k++) {
    loomDrift d = loom_drift(3, 1, 0), e = loom_drift(3, other[k].attempt, other[k].arm), none = d;
    for (int t = 0; t < 20; t++) {
      loomPose way = on_the_way(t), a = loom_drift_step(&d, way, share, freq),
               b = loom_drift_step(&e, way, share, freq);
      assert_true(t == 0 || (a.pos[0] == b.pos[0]) == (k == 0));

      loomPose same = loom_drift_step(&none, way, 0, freq);
      assert_memory_equal(&same, &way, sizeof way);
    }
  }
}

// A hand goes 5 cm a row along x and closes in the fourth: there and at its end it is where it is to be, in
// the scene that the segment was moved to.
static void has_no_room_where_hands_do_something(void** state) {
  (void)state;
  enum { rows = 6, closes = 3 };
  const double room[rows] = {1, 1, 0.5, 0, 0.5, 0};
  loomPose way[rows];
  double hand[rows][LOOM_MAX_HAND];

  loomTransform moved = loom_transform_identity();
  moved.world.pos[2] = 3;
  for (int t = 0; t < rows; t++) {
    way[t] = loom_pose_identity();
    way[t].pos[0] = 0.05 * t;
    for (int i = 0; i < LOOM_MAX_HAND; i++) hand[t][i] = t < closes ? -1 : 1;
  }

  loomReplay source = {.rows = rows, .target = {way}, .hand = {hand[0]}};
  for (int t = 0; t < rows; t++) {
    loomPose target = loom_transform_apply(&moved, way[t]);
    assert_true(fabs(loom_drift_room(target, &moved, &source, 0, 0, rows) - room[t]) < 1e-9);
  }

  // Turned by half a radian it is as good as 5 cm away.
  loomPose turned = loom_transform_apply(&moved, way[closes]);
  loom_quat_exp(turned.quat, (double[3]){0, 0.5, 0});
  assert_true(fabs(loom_drift_room(turned, &moved, &source, 0, 0, rows) - 0.5) < 1e-9);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grows_with_the_way),
      cmocka_unit_test(stands_where_it_should),
      cmocka_unit_test(is_drawn_for_each),
      cmocka_unit_test(has_no_room_where_hands_do_something),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
