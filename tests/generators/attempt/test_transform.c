// Transforms: what they keep and how they compose.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "generators/attempt/transform.h"

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

static void assert_same(loomPose a, loomPose b) {
  assert_true(loom_pose_distance(a, b) < 1e-9);
  assert_true(loom_quat_angle(a.quat, b.quat) < 1e-7);
}

static void identity_changes_nothing(void** state) {
  (void)state;
  loomRandom r = loom_random(1, 1, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 50; i++) {
    loomPose target = random_pose(&r), object = random_pose(&r);

    loomTransform t = loom_transform_identity();
    assert_same(loom_transform_apply(&t, target), target);

    // An object that has not moved.
    t.world = loom_transform_world(LOOM_TRANSFORM_OBJECT, object, object);
    assert_same(loom_transform_apply(&t, target), target);
    t.world = loom_transform_world(LOOM_TRANSFORM_PLANAR, object, object);
    assert_same(loom_transform_apply(&t, target), target);
  }
}

static void the_pose_in_the_objects_frame_is_kept(void** state) {
  (void)state;
  loomRandom r = loom_random(1, 2, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 50; i++) {
    loomPose target = random_pose(&r), source = random_pose(&r), now = random_pose(&r);

    loomTransform t = loom_transform_identity();
    t.source = source;
    t.world = loom_transform_world(LOOM_TRANSFORM_OBJECT, now, source);

    assert_same(loom_pose_mul(loom_pose_inverse(now), loom_transform_apply(&t, target)),
                loom_pose_mul(loom_pose_inverse(source), target));
  }
}

static void transforms_compose(void** state) {
  (void)state;
  loomRandom r = loom_random(1, 3, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 50; i++) {
    loomPose a = random_pose(&r), b = random_pose(&r), c = random_pose(&r);

    loomPose ab = loom_transform_world(LOOM_TRANSFORM_OBJECT, b, a),
             bc = loom_transform_world(LOOM_TRANSFORM_OBJECT, c, b);

    assert_same(loom_pose_mul(bc, ab), loom_transform_world(LOOM_TRANSFORM_OBJECT, c, a));
  }
}

static void planar_never_tilts(void** state) {
  (void)state;
  loomRandom r = loom_random(1, 4, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 50; i++) {
    loomPose source = random_pose(&r), now = random_pose(&r),
             world = loom_transform_world(LOOM_TRANSFORM_PLANAR, now, source);

    // Level, and over the object all the same.
    assert_true(loom_transform_tilt(world) < 1e-7);
    assert_true(loom_pose_distance(loom_pose_mul(world, source), now) < 1e-9);
  }
}

static void stretching_keeps_fractions(void** state) {
  (void)state;
  loomRandom r = loom_random(1, 5, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 50; i++) {
    loomPose source = random_pose(&r), target = random_pose(&r);
    loomTransform t = loom_transform_identity();
    t.source = source;
    t.scale = loom_random_range(&r, 0.4, 2.5);

    loomPose before = loom_pose_mul(loom_pose_inverse(source), target);
    loomPose after = loom_pose_mul(loom_pose_inverse(source), loom_transform_apply(&t, target));

    // Along the object's z alone.
    assert_true(fabs(after.pos[2] - t.scale * before.pos[2]) < 1e-9);
    assert_true(fabs(after.pos[0] - before.pos[0]) < 1e-9 && fabs(after.pos[1] - before.pos[1]) < 1e-9);
  }
}

static void symmetries_form_a_group(void** state) {
  (void)state;
  loomSymmetry square = {{0, 0, 1}, 4};
  loomObjectDef object = {.symmetry_count = 1, .symmetries = &square};

  assert_int_equal(loom_symmetry_count(&object), 4);

  // One turn after another is the turn of their sum.
  for (int i = 0; i < 4; i++) {
    for (int j = 0; j < 4; j++)
      assert_same(loom_pose_mul(loom_symmetry(&object, i), loom_symmetry(&object, j)),
                  loom_symmetry(&object, (i + j) % 4));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(identity_changes_nothing),   cmocka_unit_test(the_pose_in_the_objects_frame_is_kept),
      cmocka_unit_test(transforms_compose),         cmocka_unit_test(planar_never_tilts),
      cmocka_unit_test(stretching_keeps_fractions), cmocka_unit_test(symmetries_form_a_group)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
