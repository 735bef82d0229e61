// Where a camera stood is found by points that it sees: to the digits where pixels are right, as near as
// is told where they are not, and not at all where they say nothing.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <mujoco/mujoco.h>

#include "engine/base/random.h"
#include "generators/twin/sight.h"

enum { ACROSS = 640, DOWN = 480 };

// Corners of a box on a table, and what lies about it.
static const double points[][3] = {{-0.4, -0.3, 0.8}, {0.4, -0.3, 0.8}, {0.4, 0.3, 0.8},   {-0.4, 0.3, 0.8},
                                   {0, 0.1, 0.8},     {0.1, -0.1, 1.0}, {-0.2, 0.1, 0.95}, {0.3, 0.2, 1.1}};
enum { POINTS = sizeof points / sizeof *points, ON_TABLE = 5 };

// A camera at `at` that looks at the table's middle, held with a roll.
static loomSight camera_at(const double at[3], double roll, double fovy) {
  loomSight s = {.fovy = fovy};
  double x[3], y[3], z[3] = {at[0], at[1], at[2] - 0.85}, mat[9], level[4], turn[4];
  const double up[3] = {0, 0, 1};
  mju_normalize3(z);
  mju_cross(x, up, z);
  mju_normalize3(x);
  mju_cross(y, z, x);
  for (int k = 0; k < 3; k++) {
    mat[3 * k] = x[k];
    mat[3 * k + 1] = y[k];
    mat[3 * k + 2] = z[k];
  }
  mju_mat2Quat(level, mat);
  mju_axisAngle2Quat(turn, up, roll);
  mju_mulQuat(s.quat, level, turn);
  mju_copy3(s.pos, at);

  return s;
}

// What it sees, each pixel off by noise.
static void look(loomSighting* out, const loomSight* s, int n, double noise) {
  loomRandom random = loom_random(7, 0, LOOM_PURPOSE_TEST);
  for (int i = 0; i < n; i++) {
    mju_copy3(out[i].point, points[i]);
    assert_true(loom_sight_see(out[i].pixel, s, points[i], ACROSS, DOWN));
    for (int k = 0; k < 2; k++) out[i].pixel[k] += noise * loom_random_normal(&random);
  }
}

static void it_is_found(void** state) {
  (void)state;
  static const struct {
    double at[3], roll, fovy;
    int n;
    bool known;  // the field of view
    double noise;
  } cases[] = {{{1.3, 0, 1.6}, 0, 50, POINTS, true, 0},
               {{1.3, 0, 1.6}, 0, 50, POINTS, false, 0},
               {{-0.9, 0.8, 1.4}, 0.3, 65, POINTS, false, 0},
               {{0.6, -1.1, 2.0}, 1.6, 40, POINTS, false, 0},
               {{0.9, -0.7, 1.5}, 3.0, 50, ON_TABLE, true, 0},
               {{0.2, 1.2, 1.3}, 0, 58, ON_TABLE, false, 0},
               {{0.8, 0.9, 0.4}, 0, 50, POINTS, true, 0},
               {{0.05, 0.02, 2.4}, 0.7, 45, POINTS, true, 0},
               {{1.3, 0, 1.6}, 0, 50, 4, true, 0},
               {{1.3, 0.4, 1.6}, 0, 50, POINTS, true, 1},
               {{-1, 0.8, 1.7}, 0.1, 60, POINTS, false, 1}};

  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    loomSighting seen[POINTS];
    loomSight is = camera_at(cases[c].at, cases[c].roll, cases[c].fovy), found;
    loomError err = {0, ""};
    look(seen, &is, cases[c].n, cases[c].noise);
    int code = loom_sight_find(&found, seen, cases[c].n, ACROSS, DOWN, cases[c].known ? is.fovy : 0, &err);
    if (code) fail_msg("case %d: %s", (int)c, err.message);

    // As far off as it says, at most a few times; never by more than 10 cm.
    double off = mju_dist3(found.pos, is.pos), same = fabs(mju_dot(found.quat, is.quat, 4));
    bool exact = cases[c].noise == 0;
    if (!(off < (exact ? 1e-6 : fmin(4 * found.unsure, 0.1))) || !(same > (exact ? 1 - 1e-9 : 0.999)))
      fail_msg("case %d: %g m off, sure to %g", (int)c, off, found.unsure);
    assert_true(fabs(found.fovy - is.fovy) < (exact ? 1e-5 : 4));
    assert_true(exact ? found.rms < 1e-6 : found.rms > 0.2 && found.rms < 2);
    assert_true(found.unsure > 0 && found.unsure < 0.2);
  }
}

// Four corners from far off are seen alike from two places, nearly.
static void two_places_are_told(void** state) {
  loomSighting seen[POINTS];
  loomError err = {0, ""};
  loomSight is = camera_at((const double[]){8, 0, 25}, 0, 3), found;
  (void)state;
  look(seen, &is, 4, 0.5);
  assert_int_equal(loom_sight_find(&found, seen, 4, ACROSS, DOWN, 3, &err), 0);
  assert_true(found.twofold);
  look(seen, &is, POINTS, 0.5);
  assert_int_equal(loom_sight_find(&found, seen, POINTS, ACROSS, DOWN, 3, &err), 0);
  assert_false(found.twofold);
}

static void what_says_nothing_is_refused(void** state) {
  loomSighting seen[POINTS];
  loomSight is = camera_at((const double[]){1.3, 0, 1.6}, 0, 50), found;
  loomError err = {0, ""};
  (void)state;
  look(seen, &is, POINTS, 0);
  assert_int_equal(loom_sight_find(&found, seen, 3, ACROSS, DOWN, 50, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "too few"));

  // One that is mistaken by half the picture.
  seen[2].pixel[0] += 300;
  assert_int_equal(loom_sight_find(&found, seen, POINTS, ACROSS, DOWN, 50, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "no place of a camera fits"));

  // On one line; and all at one place.
  for (int i = 0; i < 5; i++) {
    const double at[3] = {0.1 * i, 0.2 * i, 0.8};
    mju_copy3(seen[i].point, at);
    assert_true(loom_sight_see(seen[i].pixel, &is, at, ACROSS, DOWN));
  }
  assert_int_equal(loom_sight_find(&found, seen, 5, ACROSS, DOWN, 50, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "on one line"));

  for (int i = 0; i < 5; i++) seen[i] = seen[0];
  assert_int_equal(loom_sight_find(&found, seen, 5, ACROSS, DOWN, 50, &err), LOOM_ERR_USAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_found), cmocka_unit_test(two_places_are_told),
                                     cmocka_unit_test(what_says_nothing_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
