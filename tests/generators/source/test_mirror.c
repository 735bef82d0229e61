// Mirrored demos: twice mirrored is the demo itself, turns stay turns, and the hand keeps to its object.
#include <math.h>

#include "engine/base/random.h"
#include "generators/source/mirror.h"
#include "tests/own_fixture.h"

static void draw(double out[3], loomRandom* r, bool unit) {
  double length = 0;
  for (int c = 0; c < 3; c++) out[c] = loom_random_range(r, -1, 1);
  for (int c = 0; c < 3; c++) length += out[c] * out[c];
  for (int c = 0; unit && c < 3; c++) out[c] /= sqrt(length);
}

static loomPose random_pose(loomRandom* r) {
  loomPose p;
  double turn[3];
  draw(p.pos, r, false);
  draw(turn, r, false);
  loom_quat_exp(p.quat, turn);
  return p;
}

static void assert_same(loomPose a, loomPose b) {
  assert_true(loom_pose_distance(a, b) < 1e-9);
  assert_true(loom_quat_angle(a.quat, b.quat) < 1e-7);
}

// The determinant and columns of what it does to a frame.
static void assert_turn(loomPose p) {
  double m[16], det;
  loom_pose_to_matrix(m, p);
  det = m[0] * (m[5] * m[10] - m[6] * m[9]) - m[1] * (m[4] * m[10] - m[6] * m[8]) +
        m[2] * (m[4] * m[9] - m[5] * m[8]);
  assert_true(fabs(det - 1) < 1e-9);
}

static void poses_mirror_as_points_do(void** state) {
  (void)state;
  loomRandom r = loom_random(1, 1, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 50; i++) {
    double plane[3], at[3], frame[3], point[3], inner[3];
    draw(plane, &r, true);
    draw(at, &r, false);
    draw(frame, &r, true);
    draw(point, &r, false);
    loomPose pose = random_pose(&r), mirrored = loom_mirror_pose(pose, plane, at, frame);

    assert_turn(mirrored);
    assert_same(loom_mirror_pose(mirrored, plane, at, frame), pose);

    // A point of the shape, and its mirror image in the shape's own plane, are each other's in the world's.
    double along = 2 * (point[0] * frame[0] + point[1] * frame[1] + point[2] * frame[2]), off = 0, a[3], b[3];
    for (int c = 0; c < 3; c++) inner[c] = point[c] - along * frame[c];
    loom_quat_rotate(a, pose.quat, point);
    loom_quat_rotate(b, mirrored.quat, inner);
    for (int c = 0; c < 3; c++) off += plane[c] * (a[c] + pose.pos[c] - at[c]);
    for (int c = 0; c < 3; c++)
      assert_true(fabs(a[c] + pose.pos[c] - 2 * off * plane[c] - b[c] - mirrored.pos[c]) < 1e-9);
  }
}

static void the_relation_to_the_object_is_mirrored(void** state) {
  (void)state;
  const double none[3] = {0, 0, 0};
  loomRandom r = loom_random(1, 2, LOOM_PURPOSE_TEST);
  for (int i = 0; i < 50; i++) {
    double plane[3], at[3], hand[3], shape[3];
    draw(plane, &r, true);
    draw(at, &r, false);
    draw(hand, &r, true);
    draw(shape, &r, true);
    loomPose eef = random_pose(&r), object = random_pose(&r);
    loomPose eef_m = loom_mirror_pose(eef, plane, at, hand),
             object_m = loom_mirror_pose(object, plane, at, shape);

    // Wherever the mirror stands.
    assert_same(loom_pose_mul(loom_pose_inverse(object_m), eef_m),
                loom_mirror_pose(loom_pose_mul(loom_pose_inverse(object), eef), shape, none, hand));
  }
}

static void load(loomSourceSet* out, const own* o, loomMirrored mirrored, int expected) {
  loomError err = {0};
  const loomAssetRoots roots = {0};
  const loomSourceDef def = {.mirrored = mirrored};
  int code = loom_sources_load_with(out, o->task, o->path, &roots, &def, &err);
  if (code != expected) fail_msg("%d: %s", code, err.message);
}

static void arms_change(void** state) {
  own* o = *state;
  loomMirrorDef* m = &o->task->mirror;
  const loomMirrorDef kept = *m;
  const loomReplay* x = &o->sources.replay[1];
  loomReplay y, again;
  loomError err = {0};

  // In the plane between the two.
  m->arms[0] = 1;
  m->arms[1] = 0;
  memcpy(m->plane, (double[3]){0, 1, 0}, sizeof m->plane);
  must(loom_mirror_replay(&y, x, o->task, &err), &err);
  must(loom_mirror_replay(&again, &y, o->task, &err), &err);
  assert_string_equal(y.name, "demo_1 mirrored");
  assert_true(y.mirrored && !again.mirrored && y.number == x->number && y.rows == x->rows);
  assert_true(y.end[0][0] == x->end[1][0] && y.success_end == x->success_end);

  // What one arm did the other does, on the other side; and back.
  for (int t = 0; t < x->rows; t++) {
    for (int a = 0; a < 2; a++) {
      assert_true(fabs(x->target[a][t].pos[1] + y.target[1 - a][t].pos[1]) < 1e-12);
      assert_true(x->grip[a][t] == y.grip[1 - a][t]);
      assert_same(again.eef[a][t], x->eef[a][t]);
      assert_same(again.target[a][t], x->target[a][t]);
      for (int k = 0; k < 2; k++)
        assert_int_equal(x->touch[(t * 2 + a) * 2 + k], y.touch[(t * 2 + 1 - a) * 2 + k]);
    }
    for (int k = 0; k < 2; k++) assert_same(again.object[k][t], x->object[k][t]);
  }

  loom_replay_destroy(&y);
  loom_replay_destroy(&again);
  *m = kept;
}

static void mirrored_demos_are_sources(void** state) {
  own* o = *state;
  loomSourceSet set;

  // Behind the demos, or in their place.
  load(&set, o, LOOM_MIRRORED_ON, 0);
  assert_true(set.n == 2 * SOURCES && !set.replay[SOURCES - 1].mirrored && set.replay[SOURCES].mirrored);
  loom_sources_destroy(&set);
  load(&set, o, LOOM_MIRRORED_ONLY, 0);
  assert_int_equal(set.n, SOURCES);

  // Attempts come right from them alone.
  loomAttemptDef def = loom_default_attempt_def();
  int wins = 0;
  for (uint64_t i = 0; i < 6; i++) {
    loomAttemptResult r;
    loomError err = {0};
    must(loom_attempt_run(&r, &o->trace, o->e, &set, NULL, &def, i, &err), &err);
    wins += r.outcome == LOOM_OUTCOME_SUCCESS;
  }
  assert_true(wins >= 5);
  loom_sources_destroy(&set);
}

static void what_is_not_so_is_refused(void** state) {
  own* o = *state;
  loomTask* t = o->task;
  loomMirrorDef* m = &t->mirror;
  const loomMirrorDef kept = *m;
  loomSourceSet set;
  loomError err = {0};
  must(loom_mirror_check(o->scene, &err), &err);

  // A plane that the rod is not mirrored in, and places that robots do not stand alike at.
  m->object[1][1] = m->object[1][2] = sqrt(0.5);
  load(&set, o, LOOM_MIRRORED_ON, LOOM_ERR_FORMAT);
  *m = kept;
  t->placed = true;
  t->place_pos[1][0] = 0.1;
  assert_int_equal(loom_mirror_check(o->scene, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "the place of arm 1"));
  t->placed = false;

  // Nothing said.
  m->declared = false;
  load(&set, o, LOOM_MIRRORED_ONLY, LOOM_ERR_USAGE);
  load(&set, o, LOOM_MIRRORED_TASK, 0);
  assert_int_equal(set.n, SOURCES);
  loom_sources_destroy(&set);
  *m = kept;
}

// The gantries and what they lift are alike on both sides of the plane that both stand in.
static int open_mirrored(void** state) {
  int code = open_own(state);
  const double x[3] = {1, 0, 0}, y[3] = {0, 1, 0};
  loomTask* t = ((own*)*state)->task;
  t->mirror = (loomMirrorDef){.declared = true, .arms = {0, 1}, .as = {0, 1}};
  memcpy(t->mirror.plane, x, sizeof x);

  for (int i = 0; i < 2; i++) {
    memcpy(t->mirror.object[i], y, sizeof y);
    memcpy(t->robots[i].mirror, y, sizeof y);
    t->robots[i].has_mirror = true;
  }
  return code;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(poses_mirror_as_points_do), cmocka_unit_test(the_relation_to_the_object_is_mirrored),
      cmocka_unit_test(arms_change), cmocka_unit_test(mirrored_demos_are_sources),
      cmocka_unit_test(what_is_not_so_is_refused)};
  return cmocka_run_group_tests(tests, open_mirrored, close_own);
}
