// Meshes of known shape: cleaned, cut into parts, closed, weighed.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/generators/twin/glb.h"

static const double low[3] = {0.1, -0.2, 0.3}, high[3] = {0.4, 0.2, 0.8};  // 0.3 x 0.4 x 0.5 m

static loomMesh make_box(void) {
  loomMesh box = {0};
  add_box(&box, low, high);
  return box;
}

static void a_box_weighs_what_it_should(void** state) {
  loomMesh box = make_box();
  loomSolid s = loom_mesh_solid(&box);
  (void)state;

  assert_near(s.volume, 0.06, 1e-12);
  for (int k = 0; k < 3; k++) assert_near(s.center[k], (low[k] + high[k]) / 2, 1e-12);
  assert_near(s.inertia[0], 0.06 / 12 * (0.16 + 0.25), 1e-12);
  assert_near(s.inertia[4], 0.06 / 12 * (0.09 + 0.25), 1e-12);
  assert_near(s.inertia[8], 0.06 / 12 * (0.09 + 0.16), 1e-12);
  assert_near(s.inertia[1], 0, 1e-12);
  assert_near(loom_mesh_area(&box), 2 * (0.12 + 0.15 + 0.2), 1e-12);

  loom_mesh_destroy(&box);
}

static void two_halves_weigh_as_much_as_the_whole(void** state) {
  const double middle_high[3] = {0.25, 0.2, 0.8}, middle_low[3] = {0.25, -0.2, 0.3};
  loomMesh whole = make_box(), half[2] = {{0}, {0}};
  (void)state;
  add_box(&half[0], low, middle_high);
  add_box(&half[1], middle_low, high);

  loomSolid parts[2] = {loom_mesh_solid(&half[0]), loom_mesh_solid(&half[1])};
  loomSolid a = loom_mesh_solid(&whole), b = loom_solid_sum(parts, 2);
  assert_near(a.volume, b.volume, 1e-12);
  for (int k = 0; k < 3; k++) assert_near(a.center[k], b.center[k], 1e-12);
  for (int k = 0; k < 9; k++) assert_near(a.inertia[k], b.inertia[k], 1e-12);

  loom_mesh_destroy(&whole);
  for (int i = 0; i < 2; i++) loom_mesh_destroy(&half[i]);
}

static void turning_keeps_the_volume(void** state) {
  loomMesh box = make_box();
  const double turn[9] = {0, 0, 1, 1, 0, 0, 0, 1, 0}, shift[3] = {1, 2, 3};
  (void)state;
  loom_mesh_transform(&box, turn, shift);
  assert_near(loom_mesh_solid(&box).volume, 0.06, 1e-12);
  assert_int_equal(loom_mesh_open_edges(&box), 0);

  loom_mesh_destroy(&box);
}

static void what_is_no_triangle_goes(void** state) {
  loomMesh box = make_box(), more;
  loomMeshReport report = {0};
  (void)state;

  // A copy with its corners turned around, another one, one without area.
  assert_int_equal(loom_mesh_create(&more, box.nvert, box.nface + 3, 0, NULL), 0);
  memcpy(more.pos, box.pos, 24 * sizeof(double));
  memcpy(more.face, box.face, 36 * sizeof(int));
  const int* f = box.face;
  const int extra[9] = {f[1], f[2], f[0], f[0], f[1], f[2], 5, 5, 6};
  memcpy(more.face + 36, extra, sizeof extra);

  assert_int_equal(loom_mesh_clean(&more, &report, NULL), 0);
  assert_int_equal(report.duplicate, 2);
  assert_int_equal(report.degenerate, 1);
  assert_int_equal(more.nface, 12);
  assert_int_equal(loom_mesh_open_edges(&more), 0);

  loom_mesh_destroy(&box);
  loom_mesh_destroy(&more);
}

// Without some of its triangles.
static void drop_faces(loomMesh* mesh, int first, int n) {
  bool* keep = malloc((size_t)mesh->nface);
  assert_non_null(keep);
  for (int f = 0; f < mesh->nface; f++) keep[f] = f < first || f >= first + n;
  assert_int_equal(loom_mesh_keep(mesh, keep, NULL), 0);

  free(keep);
}

static void holes_are_closed(void** state) {
  (void)state;
  for (int n = 1; n <= 2; n++) {
    loomMesh box = make_box();
    int holes = 0;
    drop_faces(&box, 0, n);
    assert_int_equal(loom_mesh_open_edges(&box), n == 1 ? 3 : 4);

    assert_int_equal(loom_mesh_close(&box, 1e-9, &holes, NULL), 0);
    assert_int_equal(holes, 0);  // too large
    assert_int_equal(loom_mesh_open_edges(&box), n == 1 ? 3 : 4);
    assert_int_equal(loom_mesh_close(&box, 1, &holes, NULL), 0);
    assert_int_equal(holes, 1);
    assert_int_equal(loom_mesh_open_edges(&box), 0);
    assert_near(loom_mesh_solid(&box).volume, 0.06, 1e-12);
    loom_mesh_destroy(&box);
  }
}

// Two triangles of a face that has four meet in its middle only.
static void holes_that_touch_are_closed_each(void** state) {
  loomMesh box = make_box(), more;
  int holes = 0;
  (void)state;
  assert_int_equal(loom_mesh_create(&more, 9, 14, 0, NULL), 0);
  memcpy(more.pos, box.pos, 24 * sizeof(double));
  const double middle[3] = {0.25, 0, 0.3};
  memcpy(more.pos + 24, middle, sizeof middle);
  memcpy(more.face, box.face + 6, 30 * sizeof(int));
  const int fan[12] = {8, 0, 2, 8, 3, 1, 8, 2, 3, 8, 1, 0};  // the first two stay open
  memcpy(more.face + 30, fan + 6, 6 * sizeof(int));
  more.nface = 12;

  assert_int_equal(loom_mesh_open_edges(&more), 6);
  assert_int_equal(loom_mesh_close(&more, 1, &holes, NULL), 0);
  assert_int_equal(holes, 2);
  assert_int_equal(loom_mesh_open_edges(&more), 0);
  assert_near(loom_mesh_solid(&more).volume, 0.06, 1e-12);

  loom_mesh_destroy(&box);
  loom_mesh_destroy(&more);
}

static void parts_are_numbered_by_area(void** state) {
  const double far_low[3] = {2, 2, 2}, far_high[3] = {3, 3, 3};
  loomMesh mesh = make_box();
  double* area = NULL;
  int n = 0;
  (void)state;
  add_box(&mesh, far_low, far_high);

  int* part = loom_mesh_parts(&n, &area, &mesh);
  assert_non_null(part);
  assert_int_equal(n, 2);
  assert_near(area[0], 6, 1e-12);
  for (int f = 0; f < 24; f++) assert_int_equal(part[f], f < 12);

  free(part);
  free(area);
  loom_mesh_destroy(&mesh);
}

// Each triangle with corners of its own, as STL files have them.
static void corners_apart_are_joined(void** state) {
  loomMesh box = make_box(), apart, welded;
  (void)state;
  assert_int_equal(loom_mesh_create(&apart, 36, 12, 0, NULL), 0);
  for (int i = 0; i < 36; i++) {
    memcpy(apart.pos + 3 * i, box.pos + 3 * box.face[i], 3 * sizeof(double));
    apart.face[i] = i;
  }

  int parts = 0, *part = loom_mesh_parts(&parts, NULL, &apart);
  assert_int_equal(parts, 1);
  assert_int_equal(loom_mesh_weld(&welded, &apart, NULL), 0);
  assert_int_equal(welded.nvert, 8);
  assert_int_equal(loom_mesh_join(&apart, NULL), 0);
  assert_int_equal(apart.nvert, 8);
  assert_int_equal(loom_mesh_open_edges(&apart), 0);

  free(part);
  loom_mesh_destroy(&box);
  loom_mesh_destroy(&apart);
  loom_mesh_destroy(&welded);
}

static void simpler_is_much_the_same(void** state) {
  loomMesh can;
  (void)state;
  make_cylinder(&can, 0.04, 0.1, 720);
  double volume = loom_mesh_solid(&can).volume;
  assert_int_equal(loom_mesh_simplify(&can, 300, 0.02, NULL), 0);
  assert_true(can.nface <= 320 && can.nface > 100);
  assert_near(loom_mesh_solid(&can).volume / volume, 1, 0.01);
  assert_int_equal(loom_mesh_open_edges(&can), 0);

  loom_mesh_destroy(&can);
}

static void distances_and_inside(void** state) {
  loomMesh box = make_box();
  const double inside[3] = {0.25, 0, 0.5}, side[3] = {0.5, 0, 0.5},
               corner[3] = {0.4 + 0.03, 0.2 + 0.04, 0.8 + 0.12};
  (void)state;
  assert_near(loom_mesh_distance(&box, inside), 0.15, 1e-12);
  assert_near(loom_mesh_distance(&box, side), 0.1, 1e-12);
  assert_near(loom_mesh_distance(&box, corner), 0.13, 1e-12);
  assert_near(loom_mesh_winding(&box, inside), 1, 1e-9);
  assert_near(loom_mesh_winding(&box, side), 0, 1e-9);

  loom_mesh_destroy(&box);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_box_weighs_what_it_should),
      cmocka_unit_test(two_halves_weigh_as_much_as_the_whole),
      cmocka_unit_test(turning_keeps_the_volume),
      cmocka_unit_test(what_is_no_triangle_goes),
      cmocka_unit_test(holes_are_closed),
      cmocka_unit_test(holes_that_touch_are_closed_each),
      cmocka_unit_test(parts_are_numbered_by_area),
      cmocka_unit_test(corners_apart_are_joined),
      cmocka_unit_test(simpler_is_much_the_same),
      cmocka_unit_test(distances_and_inside),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
