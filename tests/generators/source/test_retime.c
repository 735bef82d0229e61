// Times along paths of joints: known optima, limits kept on paths drawn at random, and how times scale with
// limits.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "generators/source/retime.h"

enum { N = 201, JOINTS = 7 };

static void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

static void fill(double* x, int n, double value) {
  for (int i = 0; i < n; i++) x[i] = value;
}

// One joint from 0 to 2 rad and back to rest: speed up, go on, slow down.
static void a_straight_way_takes_what_it_must(void** state) {
  static const struct {
    double velocity, acceleration, cap, seconds;
  } cases[] = {
      {1, 2, 1e4, 2 / 1.0 + 1 / 2.0},  // a trapezoid: way / v + v / a
      {10, 2, 1e4, 2 * 1.0},           // never at full speed: 2 sqrt(way / a)
      {10, 8, 1e4, 2 * 0.5},           // four times the acceleration takes half as long
      {10, 1e6, 100, 2.0},             // 200 points at 100 a second
  };
  (void)state;

  double q[N], cap[N], time[N], rate[N];
  for (int i = 0; i < N; i++) q[i] = 0.01 * i;

  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    loomError err = {0, ""};
    loomRetimeDef def = {1, &cases[k].velocity, &cases[k].acceleration};
    fill(cap, N, cases[k].cap);
    must(loom_retime(time, rate, q, cap, N, &def, &err), &err);
    assert_true(fabs(time[N - 1] / cases[k].seconds - 1) < 0.02);
    assert_true(time[0] == 0 && rate[0] == 0 && rate[N - 1] == 0);
  }
}

// Sums of a few slow waves, as hands move.
static void draw_path(double* q, loomRandom* random) {
  memset(q, 0, sizeof *q * N * JOINTS);
  for (int j = 0; j < JOINTS; j++) {
    for (int wave = 1; wave <= 4; wave++) {
      double size = loom_random_normal(random) / wave, turn = 6.28 * loom_random_uniform(random);
      for (int i = 0; i < N; i++) q[i * JOINTS + j] += size * sin(3.0 * wave * i / N + turn);
    }
  }
}

// At point i, by the differences that the path is known by: the largest share of a limit.
static double share_of_limits(const double* q, const double* rate, const double* cap,
                              const loomRetimeDef* def, int i) {
  double x = rate[i] * rate[i], u = (rate[i + 1] * rate[i + 1] - x) / 2, most = rate[i] / cap[i];
  for (int j = 0; j < JOINTS; j++) {
    int before = i ? i - 1 : i;
    double slope = (q[(i + 1) * JOINTS + j] - q[before * JOINTS + j]) / (i + 1 - before);
    double bend = i ? q[(i + 1) * JOINTS + j] - 2 * q[i * JOINTS + j] + q[(i - 1) * JOINTS + j] : 0;
    most = fmax(most, fabs(slope) * rate[i] / def->velocity[j]);
    most = fmax(most, fabs(slope * u + bend * x) / def->acceleration[j]);
  }
  return most;
}

static void no_limit_is_broken_and_one_is_always_reached(void** state) {
  static const double velocity[JOINTS] = {2.1, 2.1, 2.1, 2.1, 2.6, 2.6, 2.6};
  static const double acceleration[JOINTS] = {15, 7.5, 10, 12.5, 15, 20, 20};
  loomRetimeDef def = {JOINTS, velocity, acceleration};
  (void)state;

  static double q[N * JOINTS];
  double cap[N], time[N], rate[N];

  for (uint64_t seed = 0; seed < 40; seed++) {
    loomError err = {0, ""};
    loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_SELECT);
    draw_path(q, &random);
    fill(cap, N, seed % 2 ? 1e3 : 60);
    must(loom_retime(time, rate, q, cap, N, &def, &err), &err);

    int reached = 0;
    for (int i = 0; i + 1 < N; i++) {
      double share = share_of_limits(q, rate, cap, &def, i);
      assert_true(time[i + 1] > time[i]);
      assert_true(share < 1 + 1e-6);
      reached += share > 0.98;
    }

    // What is time-optimal stands at some limit nearly everywhere.
    assert_true(reached > N * 9 / 10);
  }
}

// Half the speeds and a quarter of the accelerations: the same motion in twice the time.
static void times_scale_with_limits(void** state) {
  double fast[2][JOINTS], slow[2][JOINTS], cap[N], time[2][N], rate[N];
  static double q[N * JOINTS];
  loomError err = {0, ""};
  loomRandom random = loom_random(5, 0, LOOM_PURPOSE_SELECT);
  (void)state;
  draw_path(q, &random);
  for (int j = 0; j < JOINTS; j++) {
    fast[0][j] = 2, fast[1][j] = 10;
    slow[0][j] = 1, slow[1][j] = 2.5;
  }

  fill(cap, N, 100);
  must(loom_retime(time[0], rate, q, cap, N, &(loomRetimeDef){JOINTS, fast[0], fast[1]}, &err), &err);
  fill(cap, N, 50);
  must(loom_retime(time[1], rate, q, cap, N, &(loomRetimeDef){JOINTS, slow[0], slow[1]}, &err), &err);
  for (int i = 0; i < N; i++) assert_true(fabs(time[1][i] - 2 * time[0][i]) < 1e-6);
}

static void a_pause_takes_next_to_no_time(void** state) {
  double q[N], cap[N], time[N], rate[N], limit = 2, bend = 10;
  loomError err = {0, ""};
  (void)state;

  // It stands still for half its points.
  for (int i = 0; i < N; i++) q[i] = 0.01 * (i < 50 ? i : i < 150 ? 50 : i - 100);
  fill(cap, N, 400);
  must(loom_retime(time, rate, q, cap, N, &(loomRetimeDef){1, &limit, &bend}, &err), &err);
  assert_true(time[149] - time[51] < 0.5);
  assert_true(time[N - 1] < 2.5);
}

static void senseless_paths_are_refused(void** state) {
  double q[3] = {0, 1, 2}, cap[3] = {1, 0, 1}, time[3], rate[3], limit = 1;
  loomRetimeDef def = {1, &limit, &limit};
  loomError err = {0, ""};
  (void)state;

  assert_int_equal(loom_retime(time, rate, q, cap, 3, &def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "point 1"));

  cap[1] = NAN;
  assert_int_equal(loom_retime(time, rate, q, cap, 3, &def, &err), LOOM_ERR_USAGE);
  assert_int_equal(loom_retime(time, rate, q, cap, 2, &def, &err), LOOM_ERR_USAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_straight_way_takes_what_it_must),
      cmocka_unit_test(no_limit_is_broken_and_one_is_always_reached),
      cmocka_unit_test(times_scale_with_limits),
      cmocka_unit_test(a_pause_takes_next_to_no_time),
      cmocka_unit_test(senseless_paths_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
