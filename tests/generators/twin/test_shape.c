// Boxes, cylinders and hulls: where they stand in, and how far off a point is.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "generators/twin/shape.h"
#include "tests/generators/twin/glb.h"

static const double low[3] = {-0.1, -0.2, 0}, high[3] = {0.1, 0.2, 0.5};

static void a_turned_box_is_a_box(void** state) {
  const double c = cos(0.4), s = sin(0.4), turn[9] = {c, -s, 0, s, c, 0, 0, 0, 1}, shift[3] = {1, 2, 3};
  loomMesh box = {0};
  loomShape shape;
  bool fits = false;
  (void)state;
  add_box(&box, low, high);
  loom_mesh_transform(&box, turn, shift);

  assert_int_equal(loom_shape_fit(&shape, &fits, &box, 0.05, 0.001, NULL), 0);
  assert_true(fits);
  assert_int_equal(shape.type, LOOM_SHAPE_BOX);
  assert_near(loom_shape_volume(&shape), 0.04, 1e-9);
  for (int v = 0; v < box.nvert; v++)
    assert_near(loom_shape_outside(&shape, box.pos + 3 * (size_t)v), 0, 1e-9);

  loom_mesh_destroy(&box);
}

static void a_can_is_a_cylinder(void** state) {
  loomMesh can;
  loomShape shape;
  bool fits = false;
  (void)state;
  make_cylinder(&can, 0.04, 0.1, 60);
  assert_int_equal(loom_shape_fit(&shape, &fits, &can, 0.05, 0.001, NULL), 0);
  assert_true(fits);
  assert_int_equal(shape.type, LOOM_SHAPE_CYLINDER);
  assert_near(shape.size[0], 0.04, 1e-4);
  assert_near(shape.size[1], 0.05, 1e-12);

  const double above[3] = {0, 0, 0.13}, beside[3] = {0.07, 0, 0.05},
               corner[3] = {shape.size[0] + 0.03, 0, 0.14};
  assert_near(loom_shape_outside(&shape, above), 0.03, 1e-9);
  assert_near(loom_shape_outside(&shape, beside), 0.07 - shape.size[0], 1e-9);
  assert_near(loom_shape_outside(&shape, corner), 0.05, 1e-9);

  loom_mesh_destroy(&can);
}

// As large as the box around both, and as little as its convex hull is.
static void two_boxes_are_neither(void** state) {
  const double foot_low[3] = {0.1, -0.2, 0}, foot_high[3] = {0.4, 0.2, 0.1};
  loomMesh both = {0};
  loomShape shape;
  bool fits = true;
  (void)state;
  add_box(&both, low, high);
  add_box(&both, foot_low, foot_high);
  assert_int_equal(loom_shape_fit(&shape, &fits, &both, 0.05, 0.001, NULL), 0);
  assert_false(fits);

  loom_mesh_destroy(&both);
}

static void a_hull_is_as_far_off_as_its_box(void** state) {
  loomShape hull = {.type = LOOM_SHAPE_HULL},
            box = {
                .type = LOOM_SHAPE_BOX, .pos = {0, 0, 0.25}, .quat = {1, 0, 0, 0}, .size = {0.1, 0.2, 0.25}};
  (void)state;
  add_box(&hull.hull, low, high);
  for (int i = 0; i < 125; i++) {
    const double p[3] = {0.1 * (i % 5 - 2), 0.15 * (i / 5 % 5 - 2), 0.2 * (i / 25) - 0.1};
    assert_near(loom_shape_outside(&hull, p), loom_shape_outside(&box, p), 1e-9);
  }
  assert_near(loom_shape_volume(&hull), loom_shape_volume(&box), 1e-12);

  loom_shape_destroy(&hull);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_turned_box_is_a_box),
      cmocka_unit_test(a_can_is_a_cylinder),
      cmocka_unit_test(two_boxes_are_neither),
      cmocka_unit_test(a_hull_is_as_far_off_as_its_box),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
