// Grasps and releases on demos made by hand: what counts as one and at which row.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "generators/event.h"

enum { T = 300, both_fingers = 3 };

/// Two hands and one object in plain arrays; 20 control steps a second.
typedef struct stage {
  loomTask* task;
  loomReplay r;
  loomEvent* event;
  int n;
} stage;

static stage* set_up(void) {
  stage* s = calloc(1, sizeof *s);
  assert_non_null(s);
  s->task = calloc(1, sizeof *s->task);
  s->task->control_freq = 20;
  s->task->arm_count = s->r.arm_count = 2;
  s->task->object_count = s->r.object_count = 1;
  s->r.rows = T;
  for (int a = 0; a < 2; a++) {
    s->task->robots[a].gripper_dim = 1;
    s->task->robots[a].finger_count = 2;
    s->r.eef[a] = calloc(T, sizeof(loomPose));
    s->r.grip[a] = calloc(T, sizeof(double));
    for (int t = 0; t < T; t++) {
      s->r.eef[a][t] = loom_pose_identity();
      s->r.eef[a][t].pos[1] = a;
      s->r.grip[a][t] = -1;
    }
  }
  s->r.object[0] = calloc(T, sizeof(loomPose));
  for (int t = 0; t < T; t++) s->r.object[0][t] = loom_pose_identity();
  s->r.touch = calloc(2 * T, 1);
  return s;
}

static void tear_down(stage* s) {
  free(s->event);
  loom_replay_destroy(&s->r);
  free(s->task);
  free(s);
}

static void close_hand(stage* s, int arm, int first, int last) {
  for (int t = first; t < last; t++) s->r.grip[arm][t] = 1;
}

static void touch(stage* s, int arm, int first, int last, unsigned char fingers) {
  for (int t = first; t < last; t++) s->r.touch[2 * (size_t)t + (size_t)arm] = fingers;
}

// From row `first` on the object rises 1 cm a row until row `last`, and the hand with it.
static void carry(stage* s, int arm, int first, int last) {
  for (int t = first; t < T; t++) {
    int rows = (t < last ? t : last - 1) - first + 1;
    s->r.object[0][t].pos[2] += 0.01 * rows;
    if (arm >= 0) s->r.eef[arm][t].pos[2] += 0.01 * rows;
  }
}

static void find(stage* s) {
  loomError err = {0, ""};
  assert_int_equal(loom_events_find(&s->event, &s->n, &s->r, s->task, &err), 0);
}

static void assert_event(const stage* s, int i, loomEventKind kind, int arm, int row) {
  assert_true(i < s->n);
  assert_int_equal(s->event[i].kind, kind);
  assert_int_equal(s->event[i].arm, arm);
  assert_int_equal(s->event[i].row, row);
}

static void a_grasp_is_proved_by_motion(void** state) {
  (void)state;
  stage* s = set_up();
  close_hand(s, 0, 50, 150);
  touch(s, 0, 55, 152, both_fingers);
  carry(s, 0, 80, 100);  // 6 cm at row 85
  find(s);
  assert_int_equal(s->n, 2);
  assert_event(s, 0, LOOM_EVENT_GRASP, 0, 85);
  assert_event(s, 1, LOOM_EVENT_RELEASE, 0, 152);
  tear_down(s);
}

static void bumps_are_none(void** state) {
  (void)state;
  stage* s = set_up();
  touch(s, 0, 20, 40, both_fingers);  // the open hand pushes the object along
  carry(s, 0, 22, 40);
  close_hand(s, 0, 60, 100);  // the closed fist pushes it with one finger
  touch(s, 0, 70, 90, 1);
  carry(s, 0, 70, 90);
  close_hand(s, 1, 120, 160);  // closed around it, but nothing moves
  touch(s, 1, 125, 160, both_fingers);
  close_hand(s, 1, 200, 240);  // it goes while the hand stays: somebody else's doing
  touch(s, 1, 200, 240, both_fingers);
  carry(s, -1, 205, 230);
  find(s);
  assert_int_equal(s->n, 0);
  tear_down(s);
}

static void flickering_contact_is_one_hold(void** state) {
  (void)state;
  stage* s = set_up();
  close_hand(s, 0, 50, 200);
  touch(s, 0, 55, 200, both_fingers);
  carry(s, 0, 60, 120);
  touch(s, 0, 57, 59, 0);
  touch(s, 0, 90, 94, 1);
  touch(s, 0, 100, 115, 2);  // long, but the object stays in the hand
  find(s);
  assert_int_equal(s->n, 2);
  assert_event(s, 0, LOOM_EVENT_GRASP, 0, 65);
  assert_event(s, 1, LOOM_EVENT_RELEASE, 0, 200);
  tear_down(s);
}

static void a_failed_try_is_none(void** state) {
  (void)state;
  stage* s = set_up();
  close_hand(s, 0, 50, 250);
  touch(s, 0, 50, 70, both_fingers);
  carry(s, 0, 55, 65);
  for (int t = 70; t < T; t++) s->r.object[0][t].pos[2] = 0;  // it falls
  touch(s, 0, 90, 250, both_fingers);                         // and is taken up again 1 s later
  carry(s, 0, 100, 120);
  find(s);
  assert_int_equal(s->n, 2);
  assert_event(s, 0, LOOM_EVENT_GRASP, 0, 105);
  assert_event(s, 1, LOOM_EVENT_RELEASE, 0, 250);
  tear_down(s);
}

static void two_picks_are_two(void** state) {
  (void)state;
  stage* s = set_up();
  for (int i = 0; i < 2; i++) {
    close_hand(s, 0, 20 + 120 * i, 80 + 120 * i);
    touch(s, 0, 20 + 120 * i, 80 + 120 * i, both_fingers);
    carry(s, 0, 30 + 120 * i, 50 + 120 * i);
    for (int t = 80 + 120 * i; t < T; t++) s->r.object[0][t].pos[2] = 0;
  }
  find(s);
  assert_int_equal(s->n, 4);
  assert_event(s, 0, LOOM_EVENT_GRASP, 0, 35);
  assert_event(s, 1, LOOM_EVENT_RELEASE, 0, 80);
  assert_event(s, 2, LOOM_EVENT_GRASP, 0, 155);
  assert_event(s, 3, LOOM_EVENT_RELEASE, 0, 200);
  tear_down(s);
}

// Nothing moves while two hands hold: the second grasp counts once the grip is firm, if the first lets go.
static void an_object_is_handed_over(void** state) {
  (void)state;
  for (int lets_go = 0; lets_go < 2; lets_go++) {
    stage* s = set_up();
    int last = lets_go ? 170 : T;
    close_hand(s, 0, 50, last);
    touch(s, 0, 50, last, both_fingers);
    carry(s, 0, 60, 90);
    close_hand(s, 1, 140, lets_go ? T : 160);
    touch(s, 1, 150, lets_go ? T : 160, both_fingers);
    find(s);
    assert_int_equal(s->n, lets_go ? 3 : 1);
    assert_event(s, 0, LOOM_EVENT_GRASP, 0, 65);
    if (lets_go) {
      assert_event(s, 1, LOOM_EVENT_GRASP, 1, 153);
      assert_event(s, 2, LOOM_EVENT_RELEASE, 0, 170);
    }
    tear_down(s);
  }
}

static void arms_without_grippers_have_none(void** state) {
  (void)state;
  stage* s = set_up();
  s->task->robots[0].gripper_dim = 0;
  close_hand(s, 0, 50, 150);
  touch(s, 0, 50, 150, both_fingers);
  carry(s, 0, 60, 100);
  find(s);
  assert_int_equal(s->n, 0);
  tear_down(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_grasp_is_proved_by_motion),
      cmocka_unit_test(bumps_are_none),
      cmocka_unit_test(flickering_contact_is_one_hold),
      cmocka_unit_test(a_failed_try_is_none),
      cmocka_unit_test(two_picks_are_two),
      cmocka_unit_test(an_object_is_handed_over),
      cmocka_unit_test(arms_without_grippers_have_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
