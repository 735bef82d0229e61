// Which rows of a demo may be changed, and what smoothing does to them.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/random.h"
#include "generators/source/smooth.h"
#include "tests/task_fixture.h"

enum { T = 400, CLOSES = 150, CARRIED = 165, OPENS = 250, GONE = 256, FREQ = 20 };

/// One hand that takes an object up and puts it down, and another far off.
typedef struct stage {
  loomTask* task;
  loomReplay r;
  loomEvent event[2];
} stage;

static stage* set_up(void) {
  stage* s = calloc(1, sizeof *s);
  assert_non_null(s);
  s->task = calloc(1, sizeof *s->task);
  assert_non_null(s->task);
  make_room(s->task);
  s->task->control_freq = FREQ;
  s->task->arm_count = s->r.arm_count = 2;
  s->task->object_count = s->r.object_count = 1;
  s->r.rows = T;

  s->r.object[0] = calloc(T, sizeof(loomPose));
  for (int a = 0; a < 2; a++) s->r.grip[a] = calloc(T, sizeof(double));
  for (int t = 0; t < T; t++) {
    s->r.grip[0][t] = t >= CLOSES && t < OPENS ? 1 : -1;
    s->r.grip[1][t] = -1;
    s->r.object[0][t] = loom_pose_identity();
    s->r.object[0][t].pos[0] = t < CLOSES ? 0 : t < OPENS ? 0.005 * (t - CLOSES) : 0.5;
  }
  s->event[0] = (loomEvent){LOOM_EVENT_GRASP, 0, 0, CARRIED};
  s->event[1] = (loomEvent){LOOM_EVENT_RELEASE, 0, 0, GONE};
  return s;
}

static void tear_down(stage* s) {
  loom_replay_destroy(&s->r);
  loom_task_destroy(s->task);
  free(s);
}

static void grasps_and_ends_have_no_slack(void** state) {
  double slack[T];
  stage* s = set_up();
  (void)state;
  loom_smooth_slack(slack, &s->r, s->task, s->event, 2);

  // Where it closes and where it opens, the start and the end; a second on it is as free as can be.
  assert_true(slack[0] == 0 && slack[T - 1] == 0);
  for (int t = CLOSES - 10; t < CLOSES + 10; t++) assert_true(slack[t] == 0);
  for (int t = OPENS - 5; t < OPENS + 10; t++) assert_true(slack[t] == 0);
  assert_true(slack[70] == 1 && slack[CLOSES + 60] == 1 && slack[330] == 1);

  // It never jumps.
  for (int t = 1; t < T; t++) assert_true(fabs(slack[t] - slack[t - 1]) <= 1.0 / FREQ + 1e-12);
  tear_down(s);
}

static void pushes_count_and_bumps_do_not(void** state) {
  static const struct {
    double moved;
    bool counts;
  } cases[] = {{0.01, false}, {0.05, true}};
  (void)state;

  for (size_t k = 0; k < 2; k++) {
    double slack[T];
    stage* s = set_up();
    for (int t = 60; t < T; t++) s->r.object[0][t].pos[1] = cases[k].moved * (t < 70 ? (t - 60) / 10.0 : 1);
    loom_smooth_slack(slack, &s->r, s->task, s->event, 2);
    assert_int_equal(slack[65] == 0, cases[k].counts);
    tear_down(s);
  }
}

static void two_hands_on_an_object_have_no_slack(void** state) {
  double slack[T];
  stage* s = set_up();
  loomEvent event[3] = {s->event[0], {LOOM_EVENT_GRASP, 1, 0, 205}, s->event[1]};
  (void)state;
  for (int t = 200; t < T; t++) s->r.grip[1][t] = 1;
  loom_smooth_slack(slack, &s->r, s->task, event, 3);
  for (int t = 200; t < GONE; t++) assert_true(slack[t] == 0);
  tear_down(s);
}

static void a_hand_that_closes_on_nothing_is_told(void** state) {
  bool vain[T];
  stage* s = set_up();
  (void)state;
  for (int t = 60; t < 80; t++) s->r.grip[0][t] = s->r.grip[1][t] = 1;
  for (int t = 380; t < T; t++) s->r.grip[1][t] = 1;

  // Before it grasps; never where it goes on to the end.
  loom_smooth_vain(vain, &s->r, 0, s->event, 2);
  for (int t = 0; t < T; t++) assert_int_equal(vain[t], t >= 60 && t < 80);
  loom_smooth_vain(vain, &s->r, 1, s->event, 2);
  for (int t = 0; t < T; t++) assert_int_equal(vain[t], t >= 60 && t < 80);
  tear_down(s);
}

static void smoothing_keeps_lines_and_calms_noise(void** state) {
  static double x[T * 3], out[T * 3], slack[T];
  loomRandom random = loom_random(3, 0, LOOM_PURPOSE_SELECT);
  double before = 0, after = 0;
  (void)state;
  for (int t = 0; t < T; t++) {
    slack[t] = t < 100 ? 0 : 1;
    x[3 * t] = 7;
    x[3 * t + 1] = 0.1 * t;
    x[3 * t + 2] = loom_random_normal(&random);
  }

  loom_smooth_rows(out, x, T, 3, slack, 6);
  assert_memory_equal(out, x, sizeof(double) * 3 * 100);
  for (int t = 0; t < T; t++) assert_true(fabs(out[3 * t] - 7) < 1e-12);
  for (int t = 100; t < T - 20; t++) assert_true(fabs(out[3 * t + 1] - 0.1 * t) < 1e-9);

  // White noise keeps 1 / (2 sigma sqrt(pi)) of its variance.
  for (int t = 120; t < T - 20; t++) {
    before += x[3 * t + 2] * x[3 * t + 2];
    after += out[3 * t + 2] * out[3 * t + 2];
  }
  assert_true(after < before * 0.1 && after > before * 0.02);
}

static void shares_are_never_raised(void** state) {
  double share[T], kept[T], scratch[T];
  loomRandom random = loom_random(4, 0, LOOM_PURPOSE_SELECT);
  (void)state;
  for (int t = 0; t < T; t++) kept[t] = share[t] = loom_random_uniform(&random) < 0.05 ? 0.1 : 1;
  loom_smooth_share(share, scratch, T, 10);
  for (int t = 0; t < T; t++) assert_true(share[t] <= kept[t] + 1e-12 && share[t] >= 0.1 - 1e-12);
  for (int t = 1; t < T; t++) assert_true(fabs(share[t] - share[t - 1]) < 0.1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(grasps_and_ends_have_no_slack),
      cmocka_unit_test(pushes_count_and_bumps_do_not),
      cmocka_unit_test(two_hands_on_an_object_have_no_slack),
      cmocka_unit_test(a_hand_that_closes_on_nothing_is_told),
      cmocka_unit_test(smoothing_keeps_lines_and_calms_noise),
      cmocka_unit_test(shares_are_never_raised),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
