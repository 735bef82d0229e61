// Floors and tables of scans made here, tilted and noisy as scans are.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "generators/twin/level.h"
#include "generators/twin/shape.h"
#include "tests/generators/twin/glb.h"

// A sheet of n x n squares about the middle at a height, seen from above, some mm of noise on it.
static void add_sheet(loomMesh* mesh, double half, double z, int n, double noise) {
  loomMesh more;
  loomRandom random = loom_random(7, 0, LOOM_PURPOSE_TEST);
  int across = n + 1, vertices = across * across;
  assert_int_equal(loom_mesh_create(&more, mesh->nvert + vertices, mesh->nface + 2 * n * n, 0, NULL), 0);
  if (mesh->nvert) memcpy(more.pos, mesh->pos, 3 * (size_t)mesh->nvert * sizeof *mesh->pos);
  if (mesh->nface) memcpy(more.face, mesh->face, 3 * (size_t)mesh->nface * sizeof *mesh->face);

  for (int v = 0; v < vertices; v++) {
    double* p = more.pos + 3 * (size_t)(mesh->nvert + v);
    p[0] = half * (2.0 * (v % across) / n - 1);
    p[1] = half * (2.0 * (v / across) / n - 1);
    p[2] = z + noise * loom_random_normal(&random);
  }
  for (int i = 0; i < n * n; i++) {
    int a = mesh->nvert + i / n * across + i % n,
        f[6] = {a, a + 1, a + across + 1, a, a + across + 1, a + across};
    memcpy(more.face + 3 * (size_t)(mesh->nface + 2 * i), f, sizeof f);
  }
  loom_mesh_destroy(mesh);
  *mesh = more;
}

static void turn_about_x(loomMesh* mesh, double angle) {
  double c = cos(angle), s = sin(angle);
  const double turn[9] = {1, 0, 0, 0, c, -s, 0, s, c}, shift[3] = {0.3, -0.2, 1.7};
  loom_mesh_transform(mesh, turn, shift);
}

static void a_tilted_floor(void** state) {
  const double low[3] = {-0.2, -0.15, 0}, high[3] = {0.2, 0.15, 0.6}, tilt = 0.03;
  loomMesh mesh = {0};
  loomFloor floor, again;
  (void)state;
  add_sheet(&mesh, 1, 0, 40, 0.003);
  add_box(&mesh, low, high);
  turn_about_x(&mesh, tilt);

  assert_int_equal(loom_floor_find(&floor, &mesh, NULL), 0);
  assert_int_equal(loom_floor_find(&again, &mesh, NULL), 0);
  assert_true(floor.found);
  assert_memory_equal(&floor, &again, sizeof floor);
  assert_near(floor.tilt, tilt, 0.001);
  assert_near(floor.rms, 0.002, 0.002);

  // Level, and all but the box goes with it.
  bool* keep = malloc((size_t)mesh.nface);
  assert_non_null(keep);
  for (int f = 0; f < mesh.nface; f++) keep[f] = true;
  loom_floor_level(&mesh, &floor);
  int n = loom_floor_mark(keep, &mesh, &floor);
  assert_true(n >= 3200 && n <= 3202);
  assert_int_equal(loom_mesh_keep(&mesh, keep, NULL), 0);
  double a[3], b[3];
  loom_mesh_bounds(a, b, &mesh);
  assert_near(b[2], 0.6, 0.003);
  free(keep);
  loom_mesh_destroy(&mesh);
}

static void what_has_an_underside_is_no_floor(void** state) {
  const double low[3] = {-0.1, -0.1, 0}, high[3] = {0.1, 0.1, 0.004};
  loomMesh plate = {0}, mug;
  loomFloor floor;
  (void)state;
  add_box(&plate, low, high);
  assert_int_equal(loom_floor_find(&floor, &plate, NULL), 0);
  assert_false(floor.found);

  make_cylinder(&mug, 0.04, 0.1, 40);
  assert_int_equal(loom_floor_find(&floor, &mug, NULL), 0);
  assert_false(floor.found);
  loom_mesh_destroy(&plate);
  loom_mesh_destroy(&mug);
}

static void tables_are_found_as_what_they_are(void** state) {
  const double low[3] = {1, -0.3, 0.68}, high[3] = {1.8, 0.3, 0.72}, legs[3] = {1.35, -0.05, 0},
               legs_high[3] = {1.45, 0.05, 0.68};
  const double same[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, away[3] = {-1, 0, 0.3};
  loomMesh room = {0}, round;
  loomTop top[LOOM_TOPS];
  int n = 0;
  (void)state;
  add_sheet(&room, 2, 0, 20, 0);
  add_box(&room, low, high);
  add_box(&room, legs, legs_high);
  make_cylinder(&round, 0.3, 0.4, 60);
  loom_mesh_transform(&round, same, away);
  loomMesh both;
  assert_int_equal(loom_mesh_create(&both, room.nvert + round.nvert, room.nface + round.nface, 0, NULL), 0);
  memcpy(both.pos, room.pos, 3 * (size_t)room.nvert * sizeof(double));
  memcpy(both.pos + 3 * (size_t)room.nvert, round.pos, 3 * (size_t)round.nvert * sizeof(double));
  memcpy(both.face, room.face, 3 * (size_t)room.nface * sizeof(int));
  for (int i = 0; i < 3 * round.nface; i++) both.face[3 * room.nface + i] = round.face[i] + room.nvert;

  bool* keep = malloc((size_t)both.nface);
  assert_non_null(keep);
  for (int f = 0; f < both.nface; f++) keep[f] = true;
  assert_int_equal(loom_tops_find(top, &n, keep, &both, 0.25, 1.4, 0.1, NULL), 0);
  assert_int_equal(n, 2);
  assert_near(top[0].z, 0.72, 1e-9);
  assert_near(top[0].area, 0.48, 1e-9);
  assert_near(top[1].z, 0.7, 1e-9);
  int marked = 0;
  for (int f = 0; f < both.nface; f++) marked += !keep[f];
  assert_int_equal(marked, 2 + 60);

  loomShape shape;
  assert_int_equal(loom_shape_prism(&shape, top[0].outline, top[0].n, 0.69, 0.72, NULL), 0);
  assert_int_equal(shape.type, LOOM_SHAPE_BOX);
  assert_near(shape.pos[0], 1.4, 1e-9);
  assert_near(loom_shape_volume(&shape), 0.48 * 0.03, 1e-9);
  assert_int_equal(loom_shape_prism(&shape, top[1].outline, top[1].n, 0.67, 0.7, NULL), 0);
  assert_int_equal(shape.type, LOOM_SHAPE_CYLINDER);
  assert_near(shape.size[0], 0.3, 0.002);

  free(keep);
  loom_tops_destroy(top, n);
  loom_mesh_destroy(&room);
  loom_mesh_destroy(&round);
  loom_mesh_destroy(&both);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_tilted_floor),
      cmocka_unit_test(what_has_an_underside_is_no_floor),
      cmocka_unit_test(tables_are_found_as_what_they_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
