// The mean squared jerk of hands: by hand where it is exact, as the paper has it for the reach that makes it
// least, and of episodes the same as of their end effectors.
#include "tests/own_fixture.h"

#include <math.h>

#include "engine/run/jerk.h"

// One arm along x, in steps of `step` s.
static double jerk_along(const double* x, int n, double step) {
  loomJerk jerk = {0};

  for (int k = 0; k < n; k++) {
    double position[3] = {x[k], 0, 0};
    loom_jerk_add(&jerk, position, 1, step);
  }
  return loom_jerk_mean(&jerk);
}

static void by_hand(void** state) {
  (void)state;
  static const struct {
    int n;
    double x[8], step, jerk;
  } cases[] = {
      {4, {0, 0, 0, 1}, 1, 1},
      {7, {0, 0, 0, 1, 0, 0, 0}, 1, 5},          // 1 9 9 1
      {4, {0, 0, 0, 1}, 0.5, 64},                // (1 / 0.5^3)^2
      {6, {0, 1, 4, 9, 16, 25}, 1, 0},           // constant acceleration
      {6, {0, 1, 8, 27, 64, 125}, 1, 36},        // x = t^3
      {6, {0, 1, 8, 27, 64, 125}, 0.5, 48 * 48}  // x = 8 t^3
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    double jerk = jerk_along(cases[i].x, cases[i].n, cases[i].step);
    if (jerk != cases[i].jerk) fail_msg("case %d: %.17g, not %g", (int)i, jerk, cases[i].jerk);
  }
  assert_true(isnan(jerk_along(cases[0].x, 3, 1)));
}

// Squares of all directions add up, arms are averaged.
static void arms_and_axes(void** state) {
  (void)state;
  loomJerk jerk = {0};
  for (int k = 0; k < 9; k++) {
    double cube = k * k * k;
    double position[6] = {cube, -2 * cube, 5, k, k * k, 0};
    loom_jerk_add(&jerk, position, 2, 1);
  }
  assert_int_equal(jerk.n, 2 * 6);
  assert_true(loom_jerk_mean(&jerk) == (36 + 4 * 36) / 2.0);
}

// Flash and Hogan's reach, d (10 s^3 - 15 s^4 + 6 s^5) with s = t / T: the mean of its squared jerk is 720
// d^2 / T^6.
static void least_jerk(void** state) {
  (void)state;
  enum { STEPS = 2000 };
  static double x[STEPS + 1];
  double d = 0.2, length = 0.8;
  for (int k = 0; k <= STEPS; k++) {
    double s = (double)k / STEPS;
    x[k] = d * s * s * s * (10 - 15 * s + 6 * s * s);
  }

  double exact = 720 * d * d / pow(length, 6), jerk = jerk_along(x, STEPS + 1, length / STEPS);
  if (!(fabs(jerk / exact - 1) < 0.01)) fail_msg("%g, not %g", jerk, exact);
}

static void of_an_episode(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomJerk jerk = {0}, same = {0};
  double action[LOOM_MAX_ACTION];
  must(loom_episode_reset(o->e, 0, 3, 0, &err), &err);

  for (int k = 0; k < 12; k++) {
    double position[3 * LOOM_MAX_ARMS];
    for (int a = 0; a < o->e->arm_count; a++) {
      loomPose pose = loom_episode_eef(o->e, a);
      memcpy(position + 3 * (ptrdiff_t)a, pose.pos, sizeof pose.pos);
    }
    loom_jerk_add(&same, position, o->e->arm_count, 0.05);
    loom_jerk_state(&jerk, o->e);

    for (int i = 0; i < o->e->action_dim; i++) action[i] = k % 2 ? 0.5 : -0.5;
    must(loom_episode_step(o->e, action, &err), &err);
  }
  assert_int_equal(jerk.n, 9 * o->e->arm_count);
  assert_true(loom_jerk_mean(&jerk) > 0);
  assert_true(fabs(loom_jerk_mean(&jerk) / loom_jerk_mean(&same) - 1) < 1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(by_hand), cmocka_unit_test(arms_and_axes),
                                     cmocka_unit_test(least_jerk), cmocka_unit_test(of_an_episode)};
  return cmocka_run_group_tests(tests, open_own, close_own);
}
