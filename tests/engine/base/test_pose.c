// Poses and random numbers: algebra, and Philox's published vectors.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/pose.h"
#include "engine/base/random.h"

static loomPose random_pose(loomRandom* r) {
  loomPose p;
  double turn[3];
  for (int i = 0; i < 3; i++) {
    p.pos[i] = loom_random_range(r, -2, 2);
    turn[i] = loom_random_range(r, -1.7, 1.7);
  }

  // A turn of less than a half about any axis.
  loom_quat_exp(p.quat, turn);
  return p;
}

static void assert_same(loomPose a, loomPose b, double tolerance) {
  assert_true(loom_pose_distance(a, b) < tolerance);
  assert_true(loom_quat_angle(a.quat, b.quat) < tolerance);
}

static void poses_compose_and_invert(void** state) {
  (void)state;
  loomRandom r = loom_random(1, 2, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 200; i++) {
    loomPose a = random_pose(&r), b = random_pose(&r), c = random_pose(&r);

    // Associative, and undone by the inverse.
    assert_same(loom_pose_mul(loom_pose_mul(a, b), c), loom_pose_mul(a, loom_pose_mul(b, c)), 1e-12);
    assert_same(loom_pose_mul(a, loom_pose_inverse(a)), loom_pose_identity(), 1e-12);

    // An interpolation ends where it should.
    assert_same(loom_pose_interpolate(a, b, 0), a, 1e-12);
    assert_same(loom_pose_interpolate(a, b, 1), b, 1e-12);
  }
}

static void rotation_vectors_go_there_and_back(void** state) {
  (void)state;
  loomRandom r = loom_random(3, 4, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 500; i++) {
    double v[3], back[3], q[4];
    for (int k = 0; k < 3; k++) v[k] = loom_random_range(&r, -1.8, 1.8);

    // Exp, then log.
    loom_quat_exp(q, v);
    loom_quat_log(back, q);
    for (int k = 0; k < 3; k++) assert_true(fabs(v[k] - back[k]) < 1e-12);
  }
}

static void yaw_of_a_turn_about_z(void** state) {
  (void)state;
  for (int i = -31; i <= 31; i++) {
    double v[3] = {0, 0, 0.1 * i}, q[4];
    loom_quat_exp(q, v);
    assert_true(fabs(loom_quat_yaw(q) - 0.1 * i) < 1e-12);
  }
}

// Known answers of philox4x32-10 from the authors' Random123 distribution (kat_vectors).
static void philox_known_answers(void** state) {
  (void)state;
  static const uint32_t zero[4] = {0}, ones[4] = {0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu};
  static const uint32_t want_zero[4] = {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u};
  static const uint32_t want_ones[4] = {0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu};
  uint32_t out[4];

  // All bits zero, then all bits one.
  loom_philox(out, zero, zero);
  assert_memory_equal(out, want_zero, sizeof out);
  loom_philox(out, ones, ones);
  assert_memory_equal(out, want_ones, sizeof out);
}

static void draws_have_their_moments(void** state) {
  (void)state;
  loomRandom r = loom_random(5, 6, LOOM_PURPOSE_TEST);
  double sum = 0, squares = 0, uniform = 0;
  enum { n = 20000 };

  // 20000 draws: the error of a mean is 0.007.
  for (int i = 0; i < n; i++) {
    double x = loom_random_normal(&r), u = loom_random_uniform(&r);
    sum += x;
    squares += x * x;
    uniform += u;
    assert_true(u >= 0 && u < 1);
  }

  // Mean 0 and variance 1 of the normal, mean 1/2 of the uniform draws.
  assert_true(fabs(sum / n) < 0.03);
  assert_true(fabs(squares / n - 1) < 0.05);
  assert_true(fabs(uniform / n - 0.5) < 0.01);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(poses_compose_and_invert), cmocka_unit_test(rotation_vectors_go_there_and_back),
      cmocka_unit_test(yaw_of_a_turn_about_z), cmocka_unit_test(philox_known_answers),
      cmocka_unit_test(draws_have_their_moments)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
