// Convex pieces of an angle bracket; skipped where CoACD has not been fetched.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/cache.h"
#include "engine/base/file.h"
#include "generators/twin/decompose.h"
#include "tests/generators/twin/glb.h"

static char coacd[LOOM_PATH_MAX + 32];

// An L from above, 0.1 x 0.1 m, its legs 0.02 m thick, 0.05 m high.
static void make_bracket(loomMesh* out) {
  static const double corner[6][2] = {{0, 0}, {0.1, 0}, {0.1, 0.02}, {0.02, 0.02}, {0.02, 0.1}, {0, 0.1}};
  static const int top[4][3] = {{0, 1, 2}, {0, 2, 3}, {0, 3, 4}, {0, 4, 5}};
  assert_int_equal(loom_mesh_create(out, 12, 20, 0, NULL), 0);
  for (int v = 0; v < 12; v++) {
    const double p[3] = {corner[v % 6][0], corner[v % 6][1], v < 6 ? 0 : 0.05};
    memcpy(out->pos + 3 * (size_t)v, p, sizeof p);
  }
  for (int i = 0; i < 6; i++) {
    int j = (i + 1) % 6, f[6] = {i, j, 6 + j, i, 6 + j, 6 + i};
    memcpy(out->face + 6 * (size_t)i, f, sizeof f);
  }
  for (int i = 0; i < 4; i++) {
    const int f[6] = {6 + top[i][0], 6 + top[i][1], 6 + top[i][2], top[i][2], top[i][1], top[i][0]};
    memcpy(out->face + 36 + 6 * (size_t)i, f, sizeof f);
  }
}

static void what_is_not_there_is_named(void** state) {
  loomMesh bracket;
  loomDecomposed made;
  loomDecomposeDef def = loom_default_decompose_def();
  loomError err = {0};
  (void)state;
  make_bracket(&bracket);
  assert_near(loom_mesh_solid(&bracket).volume, 0.18 * 0.02 * 0.05, 1e-12);
  assert_int_equal(loom_mesh_open_edges(&bracket), 0);

  def.coacd = "/nowhere";
  def.threshold = 0.0312;  // kept from no other run
  assert_int_equal(loom_decompose(&made, &bracket, &def, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "tools/fetch.sh coacd"));

  loom_mesh_destroy(&bracket);
}

static void a_bracket_is_two_pieces(void** state) {
  loomMesh bracket;
  loomDecomposed made, again;
  loomDecomposeDef def = loom_default_decompose_def();
  loomError err = {0};
  (void)state;
  if (!*coacd) skip();
  make_bracket(&bracket);
  def.coacd = coacd;
  def.as_it_is = true;
  if (loom_decompose(&made, &bracket, &def, &err)) fail_msg("%s", err.message);

  assert_int_equal(made.n, 2);
  loomShapeError off = loom_shape_error(made.shape, made.n, &bracket, true);
  assert_near(off.volume, 0, 0.02);
  assert_near(off.concavity, 0, 0.001);
  assert_near(off.uncovered, 0, 0.001);

  // The second time they are there.
  assert_int_equal(loom_decompose(&again, &bracket, &def, &err), 0);
  assert_true(again.kept);
  assert_int_equal(again.n, made.n);
  for (int i = 0; i < made.n; i++) {
    assert_int_equal(again.shape[i].hull.nvert, made.shape[i].hull.nvert);
    assert_memory_equal(again.shape[i].hull.pos, made.shape[i].hull.pos,
                        3 * (size_t)made.shape[i].hull.nvert * sizeof(double));
  }

  loom_decomposed_destroy(&made);
  loom_decomposed_destroy(&again);
  loom_mesh_destroy(&bracket);
}

// One box for all of it: what it counts as too much is what the bracket lacks.
static void errors_are_what_they_are(void** state) {
  const double low[3] = {0, 0, 0}, high[3] = {0.1, 0.1, 0.05}, small[3] = {0.1, 0.02, 0.05};
  loomMesh bracket;
  loomShape box = {.type = LOOM_SHAPE_HULL}, leg = {.type = LOOM_SHAPE_HULL};
  (void)state;
  make_bracket(&bracket);
  add_box(&box.hull, low, high);
  add_box(&leg.hull, low, small);

  loomShapeError whole = loom_shape_error(&box, 1, &bracket, true),
                 part = loom_shape_error(&leg, 1, &bracket, true);
  assert_near(whole.volume, 1 / 0.36 - 1, 1e-9);
  assert_near(whole.concavity, 0.08, 0.03);  // at a corner, by the middles of triangles at least
  assert_near(whole.uncovered, 0, 1e-9);
  assert_near(part.concavity, 0, 1e-9);
  assert_near(part.uncovered, 0.08, 1e-9);

  loom_shape_destroy(&box);
  loom_shape_destroy(&leg);
  loom_mesh_destroy(&bracket);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_not_there_is_named),
      cmocka_unit_test(a_bracket_is_two_pieces),
      cmocka_unit_test(errors_are_what_they_are),
  };
  char home[LOOM_PATH_MAX];
  loom_home_dir(home);
  snprintf(coacd, sizeof coacd, "%s/coacd-1.0.14", home);
  if (!loom_is_folder(coacd)) *coacd = 0;

  return cmocka_run_group_tests(tests, NULL, NULL);
}
