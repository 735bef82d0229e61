// Grasps and releases on demos made by hand: what counts as one and at which row.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/run/policy.h"
#include "generators/source/event.h"
#include "tests/task_fixture.h"

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
  assert_non_null(s->task);
  make_room(s->task);

  // 20 control steps a second, two arms, one object.
  s->task->control_freq = 20;
  s->task->arm_count = s->r.arm_count = 2;
  s->task->object_count = s->r.object_count = 1;
  s->r.rows = T;

  // Open hands a meter apart.
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

  // An object that rests, touched by nobody.
  s->r.object[0] = calloc(T, sizeof(loomPose));
  for (int t = 0; t < T; t++) s->r.object[0][t] = loom_pose_identity();
  s->r.touch = calloc(2 * T, 1);
  return s;
}

static void tear_down(stage* s) {
  free(s->event);
  loom_replay_destroy(&s->r);
  loom_task_destroy(s->task);
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

  // Closed and touched first, carried after.
  stage* s = set_up();
  close_hand(s, 0, 50, 150);
  touch(s, 0, 55, 152, both_fingers);
  carry(s, 0, 80, 100);  // 6 cm at row 85

  // The grasp counts once the object moved, the release when nobody touches it.
  find(s);
  assert_int_equal(s->n, 2);
  assert_event(s, 0, LOOM_EVENT_GRASP, 0, 85);
  assert_event(s, 1, LOOM_EVENT_RELEASE, 0, 152);
  tear_down(s);
}

static void turn(loomPose* pose, double angle) {
  double about[3] = {0, 0, angle};
  loom_quat_exp(pose->quat, about);
}

// A door's frame is on its hinge, a knob's in its middle: neither goes anywhere while the hand moves it.
static void what_turns_in_place_is_grasped(void** state) {
  (void)state;
  static const struct {
    const char* what;
    double reach;       // m from the axis to the hand
    bool turns, slips;  // the hand with it; the hand alone
    int row;            // of the grasp, -1 = none
  } all[] = {
      {"door, the wrist turns", 0.3, true, false, 90},
      {"door, the handle turns between the fingers", 0.3, false, false, 90},
      {"knob", 0, true, false, 105},
      {"knob, the hand slips round it", 0, true, true, -1},
      {"knob, the hand stays", 0, false, false, -1},
  };

  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    stage* s = set_up();
    close_hand(s, 0, 50, T);
    touch(s, 0, 55, T, both_fingers);

    // 0.02 rad a row from row 80 on, up to 1 rad.
    for (int t = 0; t < T; t++) {
      double angle = 0.02 * fmin(50, fmax(0, t - 79.5 + 0.01));
      loomPose* eef = &s->r.eef[0][t];
      eef->pos[0] = all[i].reach * cos(angle);
      eef->pos[1] = all[i].reach * sin(angle);
      if (all[i].turns) turn(eef, angle);
      if (!all[i].slips) turn(&s->r.object[0][t], angle);
    }

    find(s);
    int row = s->n && s->event[0].kind == LOOM_EVENT_GRASP ? s->event[0].row : -1;
    if (row != all[i].row) fail_msg("%s: row %d, not %d", all[i].what, row, all[i].row);
    tear_down(s);
  }
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

  // Neither the push, nor the fist, nor what others move.
  find(s);
  assert_int_equal(s->n, 0);
  tear_down(s);
}

static void flickering_contact_is_one_hold(void** state) {
  (void)state;
  stage* s = set_up();

  // Carried from row 60 to 180 by a closed hand.
  close_hand(s, 0, 50, 200);
  touch(s, 0, 55, 200, both_fingers);
  carry(s, 0, 60, 180);

  // Contact that comes and goes.
  touch(s, 0, 57, 59, 0);
  touch(s, 0, 90, 94, 1);
  touch(s, 0, 100, 115, 2);  // long, but the object stays in the hand

  // One grasp, one release when the last contact ends.
  find(s);
  assert_int_equal(s->n, 2);
  assert_event(s, 0, LOOM_EVENT_GRASP, 0, 65);
  assert_event(s, 1, LOOM_EVENT_RELEASE, 0, 200);
  tear_down(s);
}

static void a_failed_try_is_none(void** state) {
  (void)state;
  stage* s = set_up();

  // Dropped at once.
  close_hand(s, 0, 50, 250);
  touch(s, 0, 50, 70, both_fingers);
  carry(s, 0, 55, 65);
  for (int t = 70; t < T; t++) s->r.object[0][t].pos[2] = 0;  // it falls
  touch(s, 0, 90, 250, both_fingers);                         // and is taken up again 1 s later
  carry(s, 0, 100, 120);

  // Only the second try is one.
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

  // Both are found, one after the other.
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

    // The first hand carries it there.
    close_hand(s, 0, 50, last);
    touch(s, 0, 50, last, both_fingers);
    carry(s, 0, 60, 90);

    // The other hand closes on it, and stays or not.
    close_hand(s, 1, 140, lets_go ? T : 160);
    touch(s, 1, 150, lets_go ? T : 160, both_fingers);

    // Taken once the grip is firm, if the first lets go.
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

// The second finger of the taker comes to touch only as the giver lets go.
static void a_late_finger_still_takes(void** state) {
  (void)state;
  stage* s = set_up();

  // The giver.
  close_hand(s, 0, 50, 170);
  touch(s, 0, 50, 173, both_fingers);
  carry(s, 0, 60, 90);

  // The taker, with one finger first.
  close_hand(s, 1, 140, T);
  touch(s, 1, 145, 175, 2);
  touch(s, 1, 175, T, both_fingers);

  // Released by one, taken by the other.
  find(s);
  assert_int_equal(s->n, 3);
  assert_event(s, 1, LOOM_EVENT_RELEASE, 0, 173);
  assert_event(s, 2, LOOM_EVENT_GRASP, 1, 178);
  tear_down(s);
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

// ---- simulated

enum { LAG = 30, MOST = 170 };  // arm 1 does the same as arm 0, so many rows later

/// Scripted pick and place of tests/own's two gantries, each with its own object.
typedef struct picker {
  loomPose home[2], object[2];  // hands and objects as they were at first
} picker;

static int pick(double* action, void* self, loomEpisode* e, loomError* err) {
  static const double heights[] = {0.12, 0.12, 0.004, 0.004, 0.2, 0.2, 0.01, 0.01, 0.2, 0.2};
  static const int ends[] = {0, 25, 45, 60, 80, 90, 110, 115, 130, MOST};
  const picker* p = self;
  (void)err;
  if (e->steps >= MOST) return LOOM_POLICY_DONE;

  // Arm 1 does the same later; the way within the current of nine stages.
  for (int a = 0; a < 2; a++) {
    int t = e->steps - LAG * a, k = 1;
    if (t < 0) t = 0;
    while (t >= ends[k] && k < 9) k++;

    // Over its own object, at that stage's height.
    double part = (double)(t - ends[k - 1]) / (ends[k] - ends[k - 1]);
    loomPose target = p->home[a];
    memcpy(target.pos, p->object[a].pos, sizeof target.pos);
    target.pos[2] += heights[k - 1] + part * (heights[k] - heights[k - 1]);
    loom_arm_action_towards(action, &e->arms[a], loom_episode_eef(e, a), target);

    // Closed from the descent until it is put down.
    action[6] = t >= 45 && t < 112 ? 1 : -1;
    action += loom_arm_action_dim(&e->arms[a]);
  }
  return 0;
}

static char* read_text(const char* path) {
  FILE* f = fopen(path, "rb");
  char* text = calloc(1, 1 << 16);

  assert_true(f && text && fread(text, 1, (1 << 16) - 1, f) > 0);
  fclose(f);
  return text;
}

// The same from contacts that MuJoCo finds: each arm grasps its object while it lifts it and lets go of it.
static void simulated_picks_are_found(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  loomTask* task;
  loomScene* scene;
  loomEpisode* e;
  loomTrace trace;
  loomRunResult run;
  loomReplay r;
  loomEvent* event;
  int n;

  // The task, its scene, an episode and a trace to record it.
  char* xml = read_text("tests/own/scene.xml");
  assert_int_equal(loom_task_load(&task, "tests/own/task.yaml", "tests/own/robots", &err), 0);
  assert_int_equal(loom_scene_create(&scene, task, xml, "own", NULL, &roots, &err), 0);
  assert_int_equal(loom_episode_create(&e, scene, &err), 0);
  assert_int_equal(loom_episode_reset(e, 0, 4, 0, &err), 0);
  assert_int_equal(loom_trace_create(&trace, e, MOST, &err), 0);

  // Where hands and objects are at first.
  picker p;
  for (int a = 0; a < 2; a++) {
    p.home[a] = loom_episode_eef(e, a);
    p.object[a] = loom_episode_object(e, a);
  }

  // The recording's model is the scene's own, so the objects keep its sizes.
  double start[256];
  loom_episode_state(start, e);

  // From that state on.
  assert_int_equal(loom_episode_start(e, start, &err), 0);

  // The picks, recorded as a demo.
  loomPolicy policy = {&p, NULL, pick};
  loomRunDef def = {.max_steps = MOST};
  assert_int_equal(loom_policy_run(&run, e, &policy, &def, &trace, &err), 0);
  assert_int_equal(trace.rows, MOST);

  // That demo, replayed by state.
  loomDemo demo = {.name = "demo_0",
                   .rows = trace.rows,
                   .action_dim = trace.action_dim,
                   .state_dim = trace.state_dim,
                   .actions = trace.actions,
                   .states = trace.states,
                   .model_xml = xml};
  assert_int_equal(loom_replay_states(&r, e, &demo, &err), 0);
  assert_int_equal(loom_events_find(&event, &n, &r, task, &err), 0);

  // Each of the two objects is grasped and let go of.
  assert_int_equal(n, 4);
  for (int i = 0; i < n; i++) {
    // Lifted by 6 cm somewhat after row 63. Arm 0 puts its box down from row 112 on; the rod slips out of arm
    // 1's closed hand earlier.
    int a = event[i].arm, row = event[i].row, gone;
    assert_int_equal(event[i].object, a);
    if (event[i].kind == LOOM_EVENT_GRASP) {
      assert_in_range(row, 63 + LAG * a, 73 + LAG * a);

      continue;
    }

    // Let go of is where the hand and the object come apart by 3 cm.
    double held = loom_pose_distance(r.eef[a][90 + 20 * a], r.object[a][90 + 20 * a]);
    for (gone = 90 + 20 * a; gone < MOST - 1; gone++) {
      if (fabs(loom_pose_distance(r.eef[a][gone], r.object[a][gone]) - held) > 0.03) break;
    }

    assert_true(gone < MOST - 1 && abs(row - gone) <= 4);
  }

  free(event);
  loom_replay_destroy(&r);
  loom_trace_destroy(&trace);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  loom_task_destroy(task);
  free(xml);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_grasp_is_proved_by_motion),
      cmocka_unit_test(what_turns_in_place_is_grasped),
      cmocka_unit_test(bumps_are_none),
      cmocka_unit_test(flickering_contact_is_one_hold),
      cmocka_unit_test(a_failed_try_is_none),
      cmocka_unit_test(two_picks_are_two),
      cmocka_unit_test(an_object_is_handed_over),
      cmocka_unit_test(a_late_finger_still_takes),
      cmocka_unit_test(arms_without_grippers_have_none),
      cmocka_unit_test(simulated_picks_are_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
