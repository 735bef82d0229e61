// Mirrored demos: twice mirrored is the demo itself, turns stay turns, and the hand keeps to its object.
#include <math.h>

#include "engine/base/random.h"
#include "generators/source/mirror.h"
#include "tests/scene_fixture.h"

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
    double plane[3], at[3], own[3], point[3], inner[3];
    draw(plane, &r, true);
    draw(at, &r, false);
    draw(own, &r, true);
    draw(point, &r, false);
    loomPose pose = random_pose(&r), mirrored = loom_mirror_pose(pose, plane, at, own);

    assert_turn(mirrored);
    assert_same(loom_mirror_pose(mirrored, plane, at, own), pose);

    // A point of the shape, and its mirror image in the shape's own plane, are each other's in the world's.
    double along = 2 * (point[0] * own[0] + point[1] * own[1] + point[2] * own[2]), off = 0, a[3], b[3];
    for (int c = 0; c < 3; c++) inner[c] = point[c] - along * own[c];
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

typedef struct scenery {
  loomAssetRoots roots;
  loomTask* task;
} scenery;

static void load(loomSourceSet* out, const scenery* s, loomMirrored mirrored, int expected) {
  const char* names[] = {"demo_1"};
  loomError err = {0};
  const loomSourceDef def = {.demos = names, .demo_count = 1, .mirrored = mirrored};
  int code = loom_sources_load_with(out, s->task, "scenes/tray/demo.hdf5", &s->roots, &def, &err);
  if (code != expected) fail_msg("%d: %s", code, err.message);
}

static void hands_of_the_tray_change(void** state) {
  const scenery* s = *state;
  loomSourceSet set;
  loomReplay again;
  loomError err = {0};
  load(&set, s, LOOM_MIRRORED_ON, 0);

  // Behind the demo, of the same number, by name another.
  assert_int_equal(set.n, 2);
  const loomReplay *x = &set.replay[0], *y = &set.replay[1];
  assert_string_equal(y->name, "demo_1 mirrored");
  assert_true(y->mirrored && !x->mirrored && y->number == x->number && y->rows == x->rows);
  assert_true(y->end[0][0] == x->end[1][0] && y->success_end == x->success_end);

  // What one arm did the other does, on the other side, from where it starts: robots stand alike.
  must(loom_mirror_replay(&again, y, s->task, &err), &err);
  for (int t = 0; t < x->rows; t++) {
    for (int a = 0; a < 2; a++) {
      assert_true(fabs(x->target[a][t].pos[1] + y->target[1 - a][t].pos[1]) < 1e-12);
      assert_true(x->grip[a][t] == y->grip[1 - a][t]);
      assert_same(again.eef[a][t], x->eef[a][t]);
      assert_same(again.target[a][t], x->target[a][t]);
      for (int o = 0; o < 2; o++)
        assert_int_equal(x->touch[(t * 2 + a) * 2 + o], y->touch[(t * 2 + 1 - a) * 2 + o]);
    }
    for (int o = 0; o < 2; o++) assert_same(again.object[o][t], x->object[o][t]);
  }
  assert_true(loom_pose_distance(x->eef[0][0], y->eef[0][0]) < 0.05);
  assert_true(loom_quat_angle(x->eef[0][0].quat, y->eef[0][0].quat) < 0.2);

  loom_replay_destroy(&again);
  loom_sources_destroy(&set);

  load(&set, s, LOOM_MIRRORED_ONLY, 0);
  assert_true(set.n == 1 && set.replay[0].mirrored);
  loom_sources_destroy(&set);
}

static void what_is_not_so_is_refused(void** state) {
  const scenery* s = *state;
  loomMirrorDef* m = &s->task->mirror;
  const loomMirrorDef kept = *m;
  loomSourceSet set;

  // A plane that the shape is not mirrored in, one that robots do not stand alike in, none at all.
  m->object[1][1] = m->object[1][2] = sqrt(0.5);
  load(&set, s, LOOM_MIRRORED_ON, LOOM_ERR_FORMAT);
  *m = kept;
  m->at[1] = 0.1;
  load(&set, s, LOOM_MIRRORED_ON, LOOM_ERR_FORMAT);
  m->declared = false;
  load(&set, s, LOOM_MIRRORED_ONLY, LOOM_ERR_USAGE);
  load(&set, s, LOOM_MIRRORED_TASK, 0);
  assert_int_equal(set.n, 1);
  loom_sources_destroy(&set);
  *m = kept;
}

static int open_tray(void** state) {
  static scenery s;
  loomError err = {0};
  add_assets(&s.roots, "robosuite-1.5.2");
  must(loom_task_load(&s.task, "scenes/tray/task.yaml", "scenes/robots", &err), &err);
  *state = &s;
  return 0;
}

static int close_tray(void** state) {
  scenery* s = *state;
  loom_task_destroy(s->task);
  loom_asset_roots_destroy(&s->roots);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(poses_mirror_as_points_do), cmocka_unit_test(the_relation_to_the_object_is_mirrored),
      cmocka_unit_test(hands_of_the_tray_change), cmocka_unit_test(what_is_not_so_is_refused)};
  return cmocka_run_group_tests(tests, open_tray, close_tray);
}
