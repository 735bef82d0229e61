// How a source's hand took hold: when, how far to one side, and where on the object.
#include "tests/own_fixture.h"

#include <math.h>

#include "generators/attempt/grip.h"
#include "generators/source/segment.h"

enum { T = 20, BEGAN = 8, HELD = 12 };

// A hand that stands turned in the world, and an object that lies turned in it. The hand closes from BEGAN on
// and holds the object from HELD on.
typedef struct grasp {
  loomPose eef[T], object[T];
  double grip[T], pads[3 * T];
  unsigned char touch[T];
  loomReplay r;
} grasp;

static void lay_out(grasp* g, double pushed, double closed_beside) {
  memset(g, 0, sizeof *g);
  g->r = (loomReplay){.rows = T, .arm_count = 1, .object_count = 1, .touch = g->touch};
  g->r.eef[0] = g->eef;
  g->r.object[0] = g->object;
  g->r.grip[0] = g->grip;
  g->r.pads[0] = g->pads;

  for (int t = 0; t < T; t++) {
    g->eef[t] = (loomPose){{0.1 + 0.01 * t, -0.2, 0.5}, {1, 0, 0, 0}};
    loom_quat_exp(g->eef[t].quat, (double[]){0.3, -0.1 * t, 1});

    // 5 cm along the handle, its y axis, and pushed along the hand's x axis while it closes.
    double share = fmax(0, fmin(1, (double)(t - BEGAN) / (HELD - BEGAN)));
    loomPose in_hand = {{pushed * share, 0, 0.02}, {1, 0, 0, 0}};
    loom_quat_exp(in_hand.quat, (double[]){0, 0, 0.2});
    in_hand = loom_pose_mul(in_hand, (loomPose){{0, 0.05, 0}, {1, 0, 0, 0}});
    g->object[t] = loom_pose_mul(g->eef[t], in_hand);
    g->grip[t] = t < BEGAN ? -1 : 1;
    g->touch[t] = t < HELD - 2 ? 0 : t < HELD ? 1 : 3;
    g->pads[3 * t] = closed_beside * share;
  }
}

static void a_grasp_is_when_all_fingers_touch(void** state) {
  (void)state;
  grasp s;
  loomGrip g;
  lay_out(&s, 0, 0);
  assert_true(loom_grip_find(&g, &s.r, 0, 0, 2, 0, T));
  assert_int_equal(g.began, BEGAN);
  assert_int_equal(g.held, HELD);

  // Not before the segment begins, nor once it has ended; nor of a hand whose third finger never comes.
  assert_true(loom_grip_find(&g, &s.r, 0, 0, 2, BEGAN + 2, T) && g.began == BEGAN + 2);
  assert_false(loom_grip_find(&g, &s.r, 0, 0, 2, 0, HELD));
  assert_false(loom_grip_find(&g, &s.r, 0, 0, 3, 0, T));
  assert_false(loom_grip_find(&g, &s.r, 0, 0, 0, 0, T));

  // Fingers that touch as they open hold nothing.
  for (int t = 0; t < T; t++) s.grip[t] = -1;
  assert_false(loom_grip_find(&g, &s.r, 0, 0, 2, 0, T));
}

static void what_was_pushed_was_off_center(void** state) {
  (void)state;
  const double x[3] = {1, 0, 0}, y[3] = {0, 1, 0}, back[3] = {-1, 0, 0};
  struct {
    double pushed, beside;
  } rows[] = {{0, 0}, {0.012, 0}, {-0.02, 0}, {0, 0.015}, {0.004, -0.01}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    grasp s;
    loomGrip g;
    lay_out(&s, rows[i].pushed, rows[i].beside);
    assert_true(loom_grip_find(&g, &s.r, 0, 0, 2, 0, T));

    // The hand was to be where the object was before: against the push, and beside as its fingers closed.
    double off = rows[i].beside - rows[i].pushed;
    assert_true(fabs(loom_grip_off_center(&g, &s.r, 0, 0, x) - off) < 1e-12);
    assert_true(fabs(loom_grip_off_center(&g, &s.r, 0, 0, back) + off) < 1e-12);
    assert_true(fabs(loom_grip_off_center(&g, &s.r, 0, 0, y)) < 1e-12);
  }
}

static void it_is_held_where_the_hand_is(void** state) {
  (void)state;
  grasp s;
  loomGrip g;
  double at[3];
  lay_out(&s, 0.01, 0);
  assert_true(loom_grip_find(&g, &s.r, 0, 0, 2, 0, T));
  loom_grip_point(at, &g, &s.r, 0, 0);

  // The hand, in the frame of what lies turned by 0.2 and 5 cm along its y axis from (1, 0, 2) cm.
  assert_true(fabs(at[0] + 0.01 * cos(0.2)) < 1e-12);
  assert_true(fabs(at[1] + 0.05 - 0.01 * sin(0.2)) < 1e-12 && fabs(at[2] + 0.02) < 1e-12);
}

// The grippers of tests/own: pads to either side, whichever way the hand is turned.
static void the_axis_is_the_line_between_the_fingers(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  must(loom_episode_reset(o->e, 0, 5, 1, &err), &err);
  const char* pads[2][2] = {{"lpad0", "rpad0"}, {"lpad1", "rpad1"}};
  for (int a = 0; a < 2; a++) {
    double axis[3], world[3], line[3];
    assert_true(loom_grip_axis(axis, o->e, a));
    loom_quat_rotate(world, loom_episode_eef(o->e, a).quat, axis);
    mju_sub3(line, o->e->d->geom_xpos + 3 * mj_name2id(o->e->m, mjOBJ_GEOM, pads[a][0]),
             o->e->d->geom_xpos + 3 * mj_name2id(o->e->m, mjOBJ_GEOM, pads[a][1]));
    mju_normalize3(line);
    assert_true(fabs(fabs(mju_dot3(world, line)) - 1) < 1e-9);
  }
}

// The target of arm 0 at the row where an attempt's gripper first closes.
static loomPose closing_target(own* o) {
  loomError err = {0, ""};
  loomAttemptDef def = loom_default_attempt_def();
  loomAttemptResult r;
  must(loom_attempt_run(&r, &o->trace, o->e, &o->sources, NULL, &def, 3, &err), &err);

  int row = r.begin[0][0];
  while (row < o->trace.rows && o->trace.grip[2 * row] <= 0) row++;
  assert_true(row < o->trace.rows);
  return loom_pose_from_matrix(o->trace.target + 16 * 2 * (size_t)row);
}

// Sources whose fingers closed 6 mm beside where they were in the middle: a centered hand goes there, by just
// that along the line between its fingers; any other does what the source's did.
static void attempts_center_the_hand(void** state) {
  own* o = *state;
  const double beside = 0.006;  // m
  loomPose target[2][2];
  double axis[3], world[3], way[3];

  for (int with = 0; with < 2; with++) {
    o->task->subtasks[0][0].centered = with;
    target[with][0] = closing_target(o);
    assert_true(loom_grip_axis(axis, o->e, 0));
    for (int sign = 1; sign >= -1; sign -= 2) {
      for (int i = 0; i < o->sources.n; i++) {
        loomReplay* r = &o->sources.replay[i];
        loomGrip g;
        assert_true(loom_grip_find(&g, r, 0, o->task->subtasks[0][0].reference, 2,
                                   loom_segment_start(r, 0, 0), r->end[0][0]));
        mju_addToScl3(r->pads[0] + 3 * g.held, axis, sign * beside);
      }
      if (sign > 0) target[with][1] = closing_target(o);
    }
  }
  o->task->subtasks[0][0].centered = false;

  assert_memory_equal(&target[0][0], &target[0][1], sizeof target[0][0]);
  loom_quat_rotate(world, target[1][0].quat, axis);
  mju_sub3(way, target[1][1].pos, target[1][0].pos);
  assert_true(fabs(mju_dot3(way, world) - beside) < 1e-4 && fabs(mju_norm3(way) - beside) < 1e-4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_grasp_is_when_all_fingers_touch),
      cmocka_unit_test(what_was_pushed_was_off_center),
      cmocka_unit_test(it_is_held_where_the_hand_is),
      cmocka_unit_test(the_axis_is_the_line_between_the_fingers),
      cmocka_unit_test(attempts_center_the_hand),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
