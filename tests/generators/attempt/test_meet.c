// What an arm would run into: the nearest of all that counts, by the distances of boxes to boxes.
#include "tests/wall_fixture.h"

#include <math.h>

#include "engine/sim/ghost.h"
#include "engine/sim/part.h"
#include "generators/attempt/meet.h"

static const double far = 10;  // m

static loomMeetDef everything(int arm) {
  return (loomMeetDef){.arm = arm, .arms = ~0u, .within = far, .self = INFINITY, .hand = INFINITY};
}

// Arm 0 upright at a place, with a ghost to move it in.
static loomEpisode put_hand(walled* w, double x, double y, double z) {
  loomEpisode ghost;
  loom_ghost_begin(&ghost, w->e);
  double at[] = {x, y, z}, q[6] = {0};
  const double base[] = {0, -0.25, 0.32};  // the end effector's place where all joints are 0
  for (int i = 0; i < 3; i++) q[i] = at[i] - base[i];
  for (int i = 0; i < 6; i++) ghost.d->qpos[ghost.arms[0].qpos[i]] = q[i];
  mj_kinematics(ghost.m, ghost.d);
  return ghost;
}

// Between two upright boxes, along an axis.
static double gap(const walled* w, const loomEpisode* e, int axis, const char* one, const char* other) {
  int g = geom_of(w, one), h = geom_of(w, other);
  return fabs(e->d->geom_xpos[3 * g + axis] - e->d->geom_xpos[3 * h + axis]) - e->m->geom_size[3 * g + axis] -
         e->m->geom_size[3 * h + axis];
}

static void is_met(const walled* w, loomMeeting met, const char* one, const char* other, double distance) {
  assert_true(met.geom[0] >= 0);
  assert_string_equal(mj_id2name(w->e->m, mjOBJ_GEOM, met.geom[0]), one);
  assert_string_equal(mj_id2name(w->e->m, mjOBJ_GEOM, met.geom[1]), other);
  assert_true(fabs(met.distance - distance) < 1e-6);
}

static int open_walled(void** state) {
  static walled w;
  void* o = NULL;
  open_own(&o);
  w.o = o;
  build_wall(&w, 0.3);
  *state = &w;
  return 0;
}

static int close_walled(void** state) {
  walled* w = *state;
  take_wall_down(w);
  void* o = w->o;
  return close_own(&o);
}

static void the_nearest_is_met(void** state) {
  walled* w = *state;

  // Before the wall, behind it, and in it.
  const double places[] = {0.08, 0.19, 0.135};
  for (int i = 0; i < 3; i++) {
    loomEpisode e = put_hand(w, places[i], -0.25, 0.2);
    loomMeetDef def = everything(0);
    loomMeeting met = loom_meeting(&e, &def);
    double distance = gap(w, &e, 0, "lpad0", "wall");
    assert_true((distance < 0) == (i == 2));
    assert_true(met.geom[1] == geom_of(w, "wall") && fabs(met.distance - distance) < 1e-6);

    // No nearer than is asked for.
    def.within = distance - 1e-4;
    met = loom_meeting(&e, &def);
    assert_true(met.geom[0] < 0 && met.distance == def.within);
  }
}

static void what_may_be_touched_is_not_met(void** state) {
  walled* w = *state;
  loomEpisode e = put_hand(w, 0.27, -0.25, 0.2);
  loom_ghost_put(&e, 0, (loomPose){{0.27, -0.25, 0.1}, {1, 0, 0, 0}});
  mj_kinematics(e.m, e.d);
  loomMeetDef def = everything(0);

  loomMeeting met = loom_meeting(&e, &def);
  assert_int_equal(met.geom[1], geom_of(w, "box"));
  def.goal = 1;
  assert_int_equal(loom_meeting(&e, &def).geom[1], geom_of(w, "wall"));

  // In the hand it meets the floor, and not the hand.
  def.holds = 1;
  met = loom_meeting(&e, &def);
  is_met(w, met, "box", "floor", 0.1 - e.m->geom_size[3 * geom_of(w, "box") + 2]);
}

static void caps_hold(void** state) {
  walled* w = *state;

  // A hand may be a little in the wall, its links may not.
  loomEpisode e = put_hand(w, 0.135, -0.25, 0.2);
  loomMeetDef def = everything(0);
  double deep = gap(w, &e, 0, "lpad0", "wall");
  def.within = 0;
  def.hand = deep - 1e-3;
  assert_int_equal(loom_meeting(&e, &def).geom[0], -1);
  def.hand = deep + 1e-3;
  assert_int_equal(loom_meeting(&e, &def).geom[1], geom_of(w, "wall"));

  // Its own links count only where they are closer than that: the elbow to what hangs below it.
  e = put_hand(w, -0.2, -0.25, 0.5);
  def = everything(0);
  def.within = 0.2;
  def.arms = 1;
  double squares = 0;
  for (int k = 0; k < 3; k++) squares += pow(fmax(0, gap(w, &e, k, "lpad0", "elbow")), 2);
  double apart = sqrt(squares);
  def.self = apart - 1e-3;
  assert_true(loom_meeting(&e, &def).geom[0] < 0);
  def.self = apart + 1e-3;
  loomMeeting met = loom_meeting(&e, &def);
  assert_true(met.geom[0] == geom_of(w, "elbow") && fabs(met.distance - apart) < 1e-6);
}

static void other_arms_are_met_where_asked(void** state) {
  walled* w = *state;
  loomEpisode e = put_hand(w, 0, 0.15, 0.4);
  loomMeetDef def = everything(0);
  def.self = -far;

  loomMeeting met = loom_meeting(&e, &def);
  int arm = loom_body_moves_with(e.m, e.m->geom_bodyid[met.geom[1]], e.m->dof_bodyid[e.arms[1].dof[0]]);
  assert_true(arm);

  // And by the other as well.
  loomMeetDef other = everything(1);
  other.self = -far;
  loomMeeting back = loom_meeting(&e, &other);
  assert_true(fabs(back.distance - met.distance) < 1e-6);
  assert_int_equal(back.geom[0], met.geom[1]);

  def.arms = 0;
  met = loom_meeting(&e, &def);
  assert_false(loom_body_moves_with(e.m, e.m->geom_bodyid[met.geom[1]], e.m->dof_bodyid[e.arms[1].dof[0]]));
}

static void what_meets_by_now_may_go_on(void** state) {
  walled* w = *state;
  loomEpisode e = put_hand(w, 0.135, -0.25, 0.2);
  loomMeetDef def = everything(0);
  def.within = 0;
  def.self = -far;
  assert_true(loom_meeting(&e, &def).geom[0] >= 0);
  loom_meeting_exempt(&def, &e);
  assert_int_equal(def.exempt_count, 2);  // both fingers
  assert_int_equal(loom_meeting(&e, &def).geom[0], -1);

  // But nothing else may begin.
  e = put_hand(w, 0, -0.25, 0.005);
  assert_int_equal(loom_meeting(&e, &def).geom[1], geom_of(w, "floor"));
}

static void points_are_so_far_from_objects(void** state) {
  walled* w = *state;
  loomEpisode e = put_hand(w, 0, -0.25, 0.3);
  loom_ghost_put(&e, 0, (loomPose){{0.2, 0.1, 0.3}, {1, 0, 0, 0}});
  double s = e.m->geom_size[3 * geom_of(w, "box")];

  const struct {
    double at[3], beyond[3];
  } rows[] = {{{0.2, 0.1, 0.3}, {0, 0, 0}},
              {{0.2 + s + 0.05, 0.1, 0.3}, {0.05, 0, 0}},
              {{0.2 - s - 0.03, 0.1, 0.3 + s + 0.04}, {0.03, 0, 0.04}}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_true(fabs(loom_object_gap(&e, 0, rows[i].at) - mju_norm3(rows[i].beyond)) < 1e-9);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_nearest_is_met),
      cmocka_unit_test(what_may_be_touched_is_not_met),
      cmocka_unit_test(caps_hold),
      cmocka_unit_test(other_arms_are_met_where_asked),
      cmocka_unit_test(what_meets_by_now_may_go_on),
      cmocka_unit_test(points_are_so_far_from_objects),
  };
  return cmocka_run_group_tests(tests, open_walled, close_walled);
}
