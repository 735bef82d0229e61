// Segmentation: by conditions, by itself, by annotation; what always holds of segments and transforms.
#include "tests/handover_fixture.h"

#include <math.h>
#include <unistd.h>

#include "generators/segment.h"
#include "generators/transform.h"

typedef struct sources {
  handover* h;
  loomSourceSet set;
} sources;

static int open_sources(void** state) {
  static sources s;
  loomError err = {0, ""};
  if (handover_open(state)) return -1;
  s.h = *state;
  must(loom_sources_load(&s.set, s.h->task, s.h->source, &s.h->roots, &err), &err);
  *state = &s;
  return 0;
}

static int close_sources(void** state) {
  sources* s = *state;
  loom_sources_destroy(&s->set);
  void* h = s->h;
  return handover_close(&h);
}

static void check_partition(const loomReplay* r, const loomTask* task) {
  for (int a = 0; a < task->arm_count; a++) {
    int from = 0;
    for (int k = 0; k < task->subtask_count[a]; k++) {
      assert_int_equal(loom_segment_start(r, a, k), from);
      assert_true(r->end[a][k] >= from);
      from = r->end[a][k];
    }
    assert_int_equal(from, r->rows);
  }
  for (int i = 0; i < task->rule_count; i++) {
    const loomRule* rule = &task->rules[i];
    if (rule->kind != LOOM_RULE_COORDINATED) continue;
    assert_int_equal(loom_segment_start(r, rule->arm_a, rule->subtask_a),
                     loom_segment_start(r, rule->arm_b, rule->subtask_b));
    assert_int_equal(r->end[rule->arm_a][rule->subtask_a], r->end[rule->arm_b][rule->subtask_b]);
  }
}

static void segments_partition_each_demo(void** state) {
  const sources* s = *state;
  assert_int_equal(s->set.n, 7);
  for (int i = 0; i < s->set.n; i++) check_partition(&s->set.replay[i], s->h->task);
}

// When each thing happens, read off the recordings (control steps).
static const struct {
  int close0, lift, close1, open0;
} events[7] = {{297, 322, 605, 633}, {219, 244, 494, 513}, {66, 92, 352, 368},  {123, 155, 281, 298},
               {82, 109, 215, 245},  {88, 117, 210, 238},  {216, 250, 406, 420}};

static void conditions_find_the_events(void** state) {
  const sources* s = *state;
  for (int i = 0; i < 7; i++) {
    const loomReplay* r = &s->set.replay[i];
    assert_true(abs(r->end[0][0] - events[i].lift) <= 12);
    assert_true(r->end[1][1] >= events[i].close1 && r->end[1][1] <= events[i].open0 + 10);
  }
}

// The same file with other ways of finding the ends.
static loomTask* changed_task(const handover* h, loomUntilKind kind) {
  loomTask* task = malloc(sizeof *task);
  assert_non_null(task);
  *task = *h->task;
  for (int a = 0; a < task->arm_count; a++) {
    for (int k = 0; k + 1 < task->subtask_count[a]; k++) {
      task->subtasks[a][k].until = kind;
      task->subtasks[a][k].until_extra = 0;
      snprintf(task->subtasks[a][k].until_signal, LOOM_NAME_MAX, "arm%d_%.40s", a, task->subtasks[a][k].name);
    }
  }
  return task;
}

static void automatic_ends_agree(void** state) {
  const sources* s = *state;
  loomTask* task = changed_task(s->h, LOOM_UNTIL_AUTO);
  for (int i = 0; i < 7; i++) {
    loomReplay* r = &s->set.replay[i];
    int kept[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];
    loomError err = {0, ""};
    memcpy(kept, r->end, sizeof kept);
    must(loom_segment(r, task, NULL, i, &err), &err);
    check_partition(r, task);
    print_message("demo %d: grasp %d (conditions %d, closes %d), take %d (conditions %d, closes %d)\n", i,
                  r->end[0][0], kept[0][0], events[i].close0, r->end[1][1], kept[1][1], events[i].close1);
    assert_true(r->end[0][0] > events[i].close0 && r->end[0][0] <= events[i].lift + 15);
    assert_true(r->end[1][1] > events[i].close1 && r->end[1][1] <= events[i].open0 + 5);
    memcpy(r->end, kept, sizeof kept);
  }
  free(task);
}

// A dataset with MimicGen's signals, written by our writer, cuts where they say.
static void annotations_are_followed(void** state) {
  const sources* s = *state;
  loomReplay* r = &s->set.replay[4];
  loomTask* task = changed_task(s->h, LOOM_UNTIL_SIGNAL);
  loomError err = {0, ""};
  enum { ROWS = 253 };
  assert_int_equal(r->rows, ROWS);
  static int64_t signal[2][2][ROWS];
  static double actions[ROWS][14];
  const int at[2][2] = {{101, 222}, {101, 222}};
  loomField fields[5] = {{"actions", LOOM_TYPE_F64, 2, {ROWS, 14}, actions}};
  static const char* const names[2][2] = {
      {"datagen_info/subtask_term_signals/arm0_grasp", "datagen_info/subtask_term_signals/arm0_present"},
      {"datagen_info/subtask_term_signals/arm1_ready", "datagen_info/subtask_term_signals/arm1_take"}};
  for (int a = 0; a < 2; a++) {
    for (int k = 0; k < 2; k++) {
      for (int t = at[a][k]; t < ROWS; t++) signal[a][k][t] = 1;
      fields[1 + 2 * a + k] = (loomField){names[a][k], LOOM_TYPE_I64, 1, {ROWS}, signal[a][k]};
    }
  }
  char path[] = "/tmp/loom_signals_XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  loomRecord record = {"demo_0", 5, fields, 0, NULL};
  loomWriteDef write = loom_default_write_def();
  must(loom_shard_write(path, &record, 1, &write, &err), &err);
  loomDataset* dataset = NULL;
  must(loom_dataset_open(&dataset, path, &err), &err);
  int kept[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];
  memcpy(kept, r->end, sizeof kept);
  must(loom_segment(r, task, dataset, 0, &err), &err);
  check_partition(r, task);
  for (int a = 0; a < 2; a++) {
    for (int k = 0; k < 2; k++) assert_true(abs(r->end[a][k] - at[a][k]) <= 1);
  }
  strcpy(task->subtasks[1][0].until_signal, "nothing");
  assert_int_equal(loom_segment(r, task, dataset, 0, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "nothing"));
  memcpy(r->end, kept, sizeof kept);
  loom_dataset_close(dataset);
  unlink(path);
  free(task);
}

// T(object then) to T(object now) keeps the hand where it was, seen from the object; the identity changes
// nothing.
static void transforms_keep_the_hand_in_the_object(void** state) {
  const sources* s = *state;
  for (int i = 0; i < 7; i++) {
    const loomReplay* r = &s->set.replay[i];
    loomPose now = loom_pose_identity();
    double turn[3] = {0.3, -0.2, 1.1 + i};
    loom_quat_exp(now.quat, turn);
    now.pos[0] = 0.1;
    now.pos[2] = 0.9;
    for (int t = 0; t < r->rows; t += 37) {
      loomTransform move = loom_transform_identity();
      loomPose same = loom_transform_apply(&move, r->target[0][t]);
      assert_true(loom_pose_distance(same, r->target[0][t]) < 1e-12);
      assert_true(loom_quat_angle(same.quat, r->target[0][t].quat) < 1e-6);
      move.source = r->object[0][t];
      move.world = loom_transform_world(LOOM_TRANSFORM_OBJECT, now, move.source);
      loomPose before = loom_pose_mul(loom_pose_inverse(r->object[0][t]), r->target[0][t]);
      loomPose after = loom_pose_mul(loom_pose_inverse(now), loom_transform_apply(&move, r->target[0][t]));
      assert_true(loom_pose_distance(before, after) < 1e-9);
      assert_true(loom_quat_angle(before.quat, after.quat) < 1e-6);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(segments_partition_each_demo),
      cmocka_unit_test(conditions_find_the_events),
      cmocka_unit_test(automatic_ends_agree),
      cmocka_unit_test(annotations_are_followed),
      cmocka_unit_test(transforms_keep_the_hand_in_the_object),
  };
  return cmocka_run_group_tests(tests, open_sources, close_sources);
}
