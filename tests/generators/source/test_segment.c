// Segments: found by conditions, events and signals, given by a person, exported and read back; what must
// hold of them on every demo.
#include "tests/handover_fixture.h"

#include <math.h>
#include <unistd.h>

#include "generators/attempt/attempt.h"
#include "generators/attempt/select.h"
#include "generators/source/segment.h"
#include "tests/task_fixture.h"

enum { demos = 7 };

typedef struct fixture {
  handover* h;
  loomSourceSet sources;  // segmented by the task's conditions
  char dir[64];
} fixture;

static int open_all(void** state) {
  static fixture f;
  loomError err = {0, ""};
  void* h = NULL;

  handover_open(&h);
  f.h = h;
  must(loom_sources_load(&f.sources, f.h->task, f.h->source, &f.h->roots, &err), &err);

  snprintf(f.dir, sizeof f.dir, "/tmp/loom_segment_XXXXXX");
  *state = &f;
  return mkdtemp(f.dir) && f.sources.n == demos ? 0 : -1;
}

static int close_all(void** state) {
  fixture* f = *state;
  void* h = f->h;

  loom_sources_destroy(&f->sources);
  handover_close(&h);
  return rmdir(f->dir);
}

// The handover's task with each `until` other than `end` as `how` says, "%d" and "%s" being arm and subtask.
static loomTask* task_until(const fixture* f, const char* how) {
  char path[128], line[512], name[LOOM_NAME_MAX] = "";
  int arm = -1;
  loomTask* task = NULL;
  loomError err = {0, ""};

  // A copy of the task, changed.
  snprintf(path, sizeof path, "%s/task.yaml", f->dir);
  FILE *in = fopen("scenes/handover/task.yaml", "r"), *out = fopen(path, "w");
  assert_true(in && out);

  // Line by line, so that everything else stays.
  while (fgets(line, sizeof line, in)) {
    const char* until = strstr(line, "until: ");
    if (strstr(line, "- subtasks:")) arm++;
    if (strstr(line, "- name: ")) assert_int_equal(sscanf(strstr(line, "name: "), "name: %63s", name), 1);

    // Of this arm's subtask.
    if (until && strncmp(until, "until: end", 10)) {
      char signal[2 * LOOM_NAME_MAX];
      snprintf(signal, sizeof signal, "{signal: arm%d_%s}", arm, name);
      fprintf(out, "%.*suntil: %s\n", (int)(until - line), line, strcmp(how, "signal") ? how : signal);
    } else if (!strstr(line, "extra: ") || strcmp(how, "signal")) {
      fputs(line, out);
    }
  }

  fclose(in);
  fclose(out);
  must(loom_task_load(&task, path, "scenes/robots", &err), &err);

  unlink(path);
  return task;
}

typedef struct ends {
  int end[demos][LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];
} ends;

static void note_ends(ends* e, const loomSourceSet* s) {
  for (int i = 0; i < demos; i++) memcpy(e->end[i], s->replay[i].end, sizeof e->end[i]);
}

static void restore_ends(loomSourceSet* s, const ends* e) {
  for (int i = 0; i < demos; i++) memcpy(s->replay[i].end, e->end[i], sizeof e->end[i]);
}

static void assert_partition(const loomReplay* r, const loomTask* task) {
  // Each arm's subtasks follow each other from the first row to the last.
  for (int a = 0; a < task->arm_count; a++) {
    int at = 0;
    for (int k = 0; k < task->subtask_count[a]; k++) {
      assert_int_equal(loom_segment_start(r, a, k), at);
      assert_true(r->end[a][k] > at);
      at = r->end[a][k];
    }
    assert_int_equal(at, r->rows);
  }

  // Coordinated ones share their rows.
  for (int c = 0; c < task->rule_count; c++) {
    const loomRule* rule = &task->rules[c];
    if (rule->kind != LOOM_RULE_COORDINATED) continue;
    assert_int_equal(r->end[rule->arm_a][rule->subtask_a], r->end[rule->arm_b][rule->subtask_b]);
    assert_int_equal(loom_segment_start(r, rule->arm_a, rule->subtask_a),
                     loom_segment_start(r, rule->arm_b, rule->subtask_b));
  }
}

// Events find what the conditions say, on recordings with bumps and long fumbling too.
static void auto_agrees_with_conditions(void** state) {
  fixture* f = *state;
  loomError err = {0, ""};

  // The same task with each `until` found by event.
  loomTask* task = task_until(f, "auto");
  ends by_condition;

  note_ends(&by_condition, &f->sources);
  for (int i = 0; i < demos; i++) {
    loomReplay* r = &f->sources.replay[i];

    // The segments are segments still.
    must(loom_segment(r, task, NULL, i, NULL, &err), &err);
    assert_partition(r, task);

    // A few rows to either side: events are not the conditions.
    for (int a = 0; a < 2; a++) {
      assert_in_range(r->end[a][0] + 6 - by_condition.end[i][a][0], 0, 6);  // up to 6 rows earlier
      assert_in_range(r->end[a][1] - by_condition.end[i][a][1], 0, 3);      // the grip firm, 3 later
    }
  }

  restore_ends(&f->sources, &by_condition);
  loom_task_destroy(task);
}

static void conditions_partition_each_demo(void** state) {
  fixture* f = *state;

  // Of each demo, the rows at which arm 0 has lifted the hammer and arm 1 told its gripper to close.
  static const int lifted[demos] = {322, 244, 92, 155, 109, 117, 250},
                   taken[demos] = {605, 494, 352, 281, 215, 210, 406};
  for (int i = 0; i < demos; i++) {
    const loomReplay* r = &f->sources.replay[i];
    assert_partition(r, f->h->task);

    // Within half a second of what a person would say.
    assert_true(abs(r->end[0][0] - lifted[i]) <= 12);
    assert_in_range(r->end[1][1] - taken[i], 10, 24);
  }
}

static void write_text(const char* path, const char* text) {
  FILE* out = fopen(path, "w");
  assert_non_null(out);

  fputs(text, out);
  assert_int_equal(fclose(out), 0);
}

static int load_given(loomSegmentFile* given, const fixture* f, const char* text, loomError* err) {
  char path[128];
  snprintf(path, sizeof path, "%s/given.yaml", f->dir);

  // As a person would save it.
  write_text(path, text);
  int code = loom_segment_file_load(given, path, f->h->task, f->h->dataset, err);

  unlink(path);
  return code;
}

// Exported, edited, given back: the edit shows, its coordinated partner follows, the rest is as it was.
static void ends_go_out_and_come_back(void** state) {
  fixture* f = *state;
  loomError err = {0, ""};
  char path[128], text[4096];
  loomSegmentFile given;
  ends before;

  // What the conditions say.
  note_ends(&before, &f->sources);
  snprintf(path, sizeof path, "%s/ends.yaml", f->dir);
  must(loom_segment_file_write(path, f->h->task, f->h->source, f->sources.replay, demos, &err), &err);

  // As text, the way a person gets it.
  FILE* in = fopen(path, "r");
  assert_non_null(in);
  text[fread(text, 1, sizeof text - 1, in)] = 0;
  fclose(in);
  unlink(path);

  // Read back it gives the very ends that it was written from.
  must(load_given(&given, f, text, &err), &err);
  assert_int_equal(given.n, demos * 4);
  for (int i = 0; i < demos; i++) {
    loomReplay* r = &f->sources.replay[i];
    memset(r->end, 0, sizeof r->end);
    must(loom_segment(r, f->h->task, NULL, i, &given, &err), &err);
    assert_memory_equal(r->end, before.end[i], sizeof r->end);
  }

  loom_segment_file_destroy(&given);

  // A person says that arm 0 of demo 4 has the hammer ten rows earlier.
  snprintf(text, sizeof text, "demo_4:\n  arm0: {grasp: %d}\n", before.end[4][0][0] - 10);
  must(load_given(&given, f, text, &err), &err);

  // Arm 1's coordinated subtask follows, its next one does not.
  for (int i = 0; i < demos; i++) {
    loomReplay* r = &f->sources.replay[i];
    must(loom_segment(r, f->h->task, NULL, i, &given, &err), &err);
    assert_partition(r, f->h->task);
    assert_int_equal(r->end[0][0], before.end[i][0][0] - (i == 4 ? 10 : 0));
    assert_int_equal(r->end[1][0], before.end[i][1][0] - (i == 4 ? 10 : 0));
    assert_int_equal(r->end[1][1], before.end[i][1][1]);
  }

  loom_segment_file_destroy(&given);
  restore_ends(&f->sources, &before);
}

// The same through everything that generation reads.
static void given_ends_reach_the_sources(void** state) {
  fixture* f = *state;
  loomError err = {0, ""};
  loomSourceSet sources;
  char path[128];

  snprintf(path, sizeof path, "%s/given.yaml", f->dir);
  write_text(path, "demo_5: {arm1: {take: 230}}\n");

  // That end and its partner's, and no other.
  must(loom_sources_load_with(&sources, f->h->task, f->h->source, &f->h->roots,
                              &(loomSourceDef){.segments = path}, &err),
       &err);
  assert_int_equal(sources.replay[5].end[1][1], 230);
  assert_int_equal(sources.replay[5].end[0][1], 230);
  assert_int_equal(sources.replay[4].end[1][1], f->sources.replay[4].end[1][1]);

  loom_sources_destroy(&sources);
  unlink(path);

  // A file that is not there.
  assert_int_equal(loom_sources_load_with(&sources, f->h->task, f->h->source, &f->h->roots,
                                          &(loomSourceDef){.segments = path}, &err),
                   LOOM_ERR_IO);
}

static void wrong_ends_are_told(void** state) {
  fixture* f = *state;
  static const struct {
    const char *text, *said;
  } bad[] = {
      {"demo_9: {arm0: {grasp: 3}}", "given.yaml:1: key 'demo_9'"},
      {"demo_1: {arm2: {grasp: 3}}", "given.yaml:1: key 'arm2': demo_1"},
      {"demo_1:\n  arm1: {grasp: 3}", "given.yaml:2: key 'grasp': demo_1: arm 1"},
      {"demo_1: {arm0: {grasp: 3.5}}", "demo_1, arm 0: expected"},
      {"demo_1: {arm0: {grasp: 0}}", "demo_1, arm 0: expected"},
      {"demo_1: {arm0: {grasp: [1]}}", "demo_1, arm 0: expected"},
      {"demo_1: 5", "key 'demo_1': expected"},
      {"- 5", "expected DEMO"},
      {"demo_1: {arm0: {grasp: 522}}", "given.yaml:1: demo_1: arm 0, subtask 'grasp'"},
      {"demo_1: {arm0: {release: 100}}", "arm 0, subtask 'release'"},
      {"demo_1:\n  arm0:\n    present: 200", "given.yaml:3: demo_1: arm 0, subtask 'present'"},
      {"demo_1: {arm0: {grasp: 9}, arm1: {ready: 8}}", "coordinated"},
  };

  ends before;
  note_ends(&before, &f->sources);

  // When read, or when used on demo 1.
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    loomError err = {0, ""};
    loomSegmentFile given;
    int code = load_given(&given, f, bad[i].text, &err);
    if (!code) code = loom_segment(&f->sources.replay[1], f->h->task, NULL, 1, &given, &err);

    if (code != LOOM_ERR_FORMAT || !strstr(err.message, bad[i].said))
      fail_msg("%s: code %d, said: %s", bad[i].text, code, err.message);
    loom_segment_file_destroy(&given);
  }

  restore_ends(&f->sources, &before);
}

// A dataset with signals, and a task that reads them, give the same segments back; nothing else of the demos
// is lost on the way.
static void signals_go_out_and_come_back(void** state) {
  fixture* f = *state;
  loomError err = {0, ""};
  char path[2][128];

  ends before;
  note_ends(&before, &f->sources);
  loomTask* task = task_until(f, "signal");
  const char* source = f->h->source;
  for (int round = 0; round < 2; round++) {  // the second time signals that are there already are replaced

    // Each round into a file of its own, from the last one.
    snprintf(path[round], sizeof path[round], "%s/signals%d.hdf5", f->dir, round);
    if (round) f->sources.replay[3].end[0][0] = f->sources.replay[3].end[1][0] -= 7;
    must(loom_segment_dataset_write(path[round], f->h->task, source, f->sources.replay, demos, NULL, &err),
         &err);
    source = path[round];

    // Read back with a task whose subtasks end by those signals.
    loomDataset* dataset;
    must(loom_dataset_open(&dataset, source, &err), &err);
    assert_int_equal(loom_dataset_demo_count(dataset), demos);

    for (int i = 0; i < demos; i++) {
      loomDemo demo, old;
      loomReplay* r = &f->sources.replay[i];
      memset(r->end, 0, sizeof r->end);

      // The ends of the signals are the ends that were written.
      must(loom_segment(r, task, dataset, i, NULL, &err), &err);
      for (int a = 0; a < 2; a++) {
        int moved = round && i == 3 ? 7 : 0;
        assert_int_equal(r->end[a][0], before.end[i][a][0] - moved);
        assert_int_equal(r->end[a][1], before.end[i][a][1]);
      }

      // States and actions are those of the source.
      must(loom_demo_load(&demo, dataset, i, &err), &err);
      must(loom_demo_load(&old, f->h->dataset, i, &err), &err);

      // And nothing else is lost.
      size_t bytes = sizeof(double) * (size_t)old.rows;
      assert_int_equal(demo.rows, old.rows);
      assert_memory_equal(demo.states, old.states, bytes * (size_t)old.state_dim);
      assert_memory_equal(demo.actions, old.actions, bytes * (size_t)old.action_dim);

      loom_demo_destroy(&demo);
      loom_demo_destroy(&old);
    }

    loom_dataset_close(dataset);
  }

  for (int round = 0; round < 2; round++) unlink(path[round]);
  loom_task_destroy(task);
  restore_ends(&f->sources, &before);
}

// ---- one arm's signals

enum { few = 20 };

// One arm with two subtasks, the first ending by signal.
static int segment_with(int* end, const fixture* f, const int64_t* signal, int rows, loomError* err) {
  char path[128];
  double actions[few] = {0};
  loomDataset* dataset = NULL;
  loomTask* task = calloc(1, sizeof *task);
  loomReplay* r = calloc(1, sizeof *r);

  // A task of one arm and one signal.
  assert_true(task && r);
  make_room(task);

  // Made up as far as segments need it.
  task->arm_count = r->arm_count = 1;
  task->subtask_count[0] = 2;
  task->subtasks[0][0].until = LOOM_UNTIL_SIGNAL;
  snprintf(task->subtasks[0][0].name, LOOM_NAME_MAX, "pick");
  snprintf(task->subtasks[0][0].until_signal, LOOM_NAME_MAX, "picked");
  snprintf(r->name, sizeof r->name, "demo_0");

  r->rows = few;

  // A dataset of one demo with that signal.
  snprintf(path, sizeof path, "%s/own.hdf5", f->dir);
  loomField field[] = {
      {"actions", LOOM_TYPE_F64, 2, {few, 1, 1, 1}, actions},
      {"datagen_info/subtask_term_signals/picked", LOOM_TYPE_I64, 1, {rows, 1, 1, 1}, signal}};

  // A record with the signal, or without.
  loomRecord record = {.name = "demo_0", .nfield = signal ? 2 : 1, .field = field};
  must(loom_shard_write(path, &record, 1, NULL, err), err);
  must(loom_dataset_open(&dataset, path, err), err);

  // The end as found.
  int code = loom_segment(r, task, dataset, 0, NULL, err);
  *end = r->end[0][0];
  if (!code) assert_int_equal(r->end[0][1], few);

  loom_dataset_close(dataset);
  unlink(path);
  loom_task_destroy(task);
  free(r);
  return code;
}

static void a_signal_ends_its_subtask(void** state) {
  fixture* f = *state;
  loomError err = {0, ""};

  int end;
  int64_t rises[few] = {0}, blinks[few] = {0}, never[few] = {0}, always[few], late[few] = {0};

  // From row 12 on; twice; never; throughout; in the last row only.
  for (int t = 0; t < few; t++) {
    rises[t] = t >= 12;
    blinks[t] = t == 5 || t > 9;
    always[t] = 1;
  }
  late[few - 1] = 1;

  // The first rise counts.
  must(segment_with(&end, f, rises, few, &err), &err);
  assert_int_equal(end, 13);  // row 12 is the subtask's last
  must(segment_with(&end, f, blinks, few, &err), &err);
  assert_int_equal(end, 6);

  // None that ends anything.
  const struct {
    const int64_t* signal;
    int rows;
    const char* said;
  } bad[] = {{never, few, "never goes from 0 to 1"},
             {always, few, "never goes from 0 to 1"},
             {late, few, "no row is left"},
             {rises, few - 1, "19 numbers where the demo has 20 rows"},
             {NULL, 0, "subtask_term_signals/picked"}};

  // In one line each.
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_int_equal(segment_with(&end, f, bad[i].signal, bad[i].rows, &err), LOOM_ERR_FORMAT);
    if (!strstr(err.message, bad[i].said)) fail_msg("said: %s", err.message);
  }
}

// Coordinated widening pushes later ends on until everything agrees, and what cannot be is told.
static void alignment_comes_to_rest(void** state) {
  (void)state;

  loomError err = {0, ""};
  unsigned char conditions[few * 4] = {0};

  static const int holds_at[4] = {3, 5, 8, 4};  // condition i from this row on
  for (int t = 0; t < few; t++) {
    for (int i = 0; i < 4; i++) conditions[4 * t + i] = t >= holds_at[i];
  }

  // Two arms of three subtasks, each ending by a condition of its own.
  loomTask* task = calloc(1, sizeof *task);
  loomReplay* r = calloc(1, sizeof *r);
  assert_true(task && r);
  make_room(task);

  // As many rows, each condition from a row of its own on.
  task->arm_count = r->arm_count = 2;
  r->rows = few;
  r->condition_count = 4;
  r->condition = conditions;

  for (int a = 0; a < 2; a++) {
    task->subtask_count[a] = 3;
    for (int k = 0; k < 2; k++) {
      task->subtasks[a][k].until = LOOM_UNTIL_CONDITION;
      task->subtasks[a][k].until_condition = 2 * a + k;
    }
  }

  // Alone: arm 0 ends at 4 and 6, arm 1 at 9 and 10.
  task->rule_count = 1;
  task->rules[0] = (loomRule){.kind = LOOM_RULE_COORDINATED, .arm_b = 1, .subtask_a = 1, .subtask_b = 1};
  must(loom_segment(r, task, NULL, 0, NULL, &err), &err);
  assert_partition(r, task);
  assert_int_equal(r->end[0][0], 9);
  assert_int_equal(r->end[0][1], 10);

  // Extra rows leave one for what follows.
  task->subtasks[1][1].until_extra = few;
  must(loom_segment(r, task, NULL, 0, NULL, &err), &err);
  assert_partition(r, task);
  assert_int_equal(r->end[1][1], few - 1);
  task->subtasks[1][1].until_extra = 0;

  // Only one of the two is its arm's first: they can never start together.
  task->rules[0].subtask_a = 0;
  assert_int_equal(loom_segment(r, task, NULL, 0, NULL, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "start together"));

  // Both first: arm 0's second subtask would end before it starts, so no row is left for it.
  task->rules[0].subtask_b = 0;
  assert_int_equal(loom_segment(r, task, NULL, 0, NULL, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "no row is left"));

  loom_task_destroy(task);
  free(r);
}

// ---- transforms

static void assert_same_pose(loomPose a, loomPose b) {
  assert_true(loom_pose_distance(a, b) < 1e-9);
  assert_true(loom_quat_angle(a.quat, b.quat) < 1e-6);
}

// In the scene it was recorded in, at the row a segment starts, the segment's transform changes nothing; in
// any other, targets of an `object` transform stay where they were in the object's frame.
static void transforms_keep_what_they_must(void** state) {
  fixture* f = *state;
  loomError err = {0, ""};
  loomTask* task = f->h->task;
  loomRandom random = loom_random(1, 1, LOOM_PURPOSE_TEST);

  // A person who holds a short handle next to the head is corrected, and arms that meet where one of them has
  // to stretch; here all is to stay.
  loomSubtaskDef kept[2][LOOM_MAX_SUBTASKS];
  for (int a = 0; a < 2; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      loomSubtaskDef* s = &task->subtasks[a][k];
      kept[a][k] = *s;
      memset(s->between, 0, sizeof s->between);
      s->midway = false;
    }
  }

  for (int i = getenv("LOOM_QUICK") ? 5 : 0; i < demos; i++) {
    const loomReplay* r = &f->sources.replay[i];
    loomDemo demo;
    loomScene* scene = NULL;
    loomEpisode* e;
    double grip[LOOM_MAX_ARMS] = {0};

    // The recorded scene.
    must(loom_demo_load(&demo, f->h->dataset, i, &err), &err);
    must(loom_replay_open(&scene, &e, task, f->h->dataset, &demo, &f->h->roots, &err), &err);
    must(loom_episode_start(e, demo.states, &err), &err);

    // Each segment of each arm.
    for (int a = 0; a < 2; a++) {
      for (int k = 0; k < task->subtask_count[a]; k++) {
        // As it was when the segment began.
        int start = loom_segment_start(r, a, k);
        must(loom_episode_show(e, demo.states + (size_t)start * (size_t)demo.state_dim, grip, &err), &err);
        loomTransform t = loom_segment_transform(e, r, a, k, (loomFit){0}, start);

        // Targets stay where they were recorded.
        for (int row = start; row < r->end[a][k]; row++)
          assert_same_pose(loom_transform_apply(&t, r->target[a][row]), r->target[a][row]);

        // The object somewhere else.
        if (task->subtasks[a][k].transform != LOOM_TRANSFORM_OBJECT) continue;
        loomPose now = loom_pose_identity(), src = r->object[task->subtasks[a][k].reference][start];
        double turn[3];
        for (int c = 0; c < 3; c++) {
          now.pos[c] = loom_random_range(&random, -1, 1);
          turn[c] = loom_random_range(&random, -1.5, 1.5);
        }

        // The object's own motion.
        loom_quat_exp(now.quat, turn);

        // In its frame the targets are where they were.
        t.world = loom_transform_world(LOOM_TRANSFORM_OBJECT, now, src);
        for (int row = start; row < r->end[a][k]; row++) {
          assert_same_pose(loom_pose_mul(loom_pose_inverse(now), loom_transform_apply(&t, r->target[a][row])),
                           loom_pose_mul(loom_pose_inverse(src), r->target[a][row]));
        }
      }
    }

    loom_episode_destroy(e);
    loom_scene_destroy(scene);
    loom_demo_destroy(&demo);
  }

  for (int a = 0; a < 2; a++)
    for (int k = 0; k < task->subtask_count[a]; k++) task->subtasks[a][k] = kept[a][k];
}

static int first_closing(const double* grip, int stride, int from, int to) {
  for (int t = from; t < to; t++) {
    if (grip[(ptrdiff_t)t * stride] > 0) return t;
  }
  return -1;
}

static loomPose traced_target(const loomTrace* t, int row, int arm) {
  const double* m = t->target + 16 * ((size_t)row * (size_t)t->arm_count + (size_t)arm);

  double mat[9], pos[3];
  for (int i = 0; i < 3; i++) {
    pos[i] = m[4 * i + 3];
    for (int j = 0; j < 3; j++) mat[3 * i + j] = m[4 * i + j];
  }
  return loom_pose_from_mat(pos, mat);
}

// A generated gripper closes at the same pose of the segment as the recorded one: targets around it lie as
// far from the closing one as they did, which does not fit one row off.
static void gripper_commands_stay_with_their_poses(void** state) {
  fixture* f = *state;
  loomError err = {0, ""};
  loomScene* scene;
  loomEpisode* e;
  loomTrace trace;
  loomAttemptDef def = loom_default_attempt_def();

  // The handover, and a trace to read targets from.
  const int around = 12;
  must(loom_scene_create(&scene, f->h->task, f->sources.model_xml, "model", f->sources.env_args, &f->h->roots,
                         &err),
       &err);
  must(loom_episode_create(&e, scene, &err), &err);
  must(loom_trace_create(&trace, e, f->h->task->max_steps, &err), &err);

  // A hand that keeps off table or handle keeps its orientation, not the distances of its targets.
  loomSubtaskDef* grasp = &f->h->task->subtasks[0][0];
  loomSubtaskDef as_it_is = *grasp;
  grasp->clearance = grasp->standoff = 0;
  grasp->centered = false;

  int wanted = getenv("LOOM_QUICK") ? 1 : 4;
  for (uint64_t attempt = 0; wanted > 0 && attempt < 10; attempt++) {
    loomAttemptResult result;

    // An attempt that got as far as closing the gripper.
    trace.rows = 0;
    must(loom_attempt_run(&result, &trace, e, &f->sources, NULL, &def, attempt, &err), &err);

    // Where the recorded and the generated gripper close.
    const loomReplay* r = &f->sources.replay[result.source[0][0]];
    int row = first_closing(trace.grip, 2, result.begin[0][0], trace.rows);
    int src = first_closing(r->grip[0], 1, 0, r->end[0][0]);

    // Too soon or too late for the rows around it: not this attempt's fault.
    bool lost_before = result.outcome != LOOM_OUTCOME_SUCCESS && (row < 0 || row + around >= trace.rows);
    if (lost_before) continue;

    assert_true(row > around && src > around && row + around < trace.rows);
    wanted--;

    double off[3] = {0, 0, 0};  // with the source one row early, in place, one row late
    for (int lag = -1; lag <= 1; lag++) {
      for (int d = -around; d <= around; d++) {
        double now = loom_pose_distance(traced_target(&trace, row + d, 0), traced_target(&trace, row, 0));
        double then = loom_pose_distance(r->target[0][src + lag + d], r->target[0][src + lag]);
        off[lag + 1] = fmax(off[lag + 1], fabs(now - then));
      }
    }

    // It fits in place, by no less than 1 mm better than a row off.
    assert_true(off[1] < 1e-9 && off[0] > 1e-3 && off[2] > 1e-3);
  }

  assert_int_equal(wanted, 0);
  *grasp = as_it_is;
  loom_trace_destroy(&trace);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(auto_agrees_with_conditions),
      cmocka_unit_test(conditions_partition_each_demo),
      cmocka_unit_test(ends_go_out_and_come_back),
      cmocka_unit_test(given_ends_reach_the_sources),
      cmocka_unit_test(wrong_ends_are_told),
      cmocka_unit_test(signals_go_out_and_come_back),
      cmocka_unit_test(a_signal_ends_its_subtask),
      cmocka_unit_test(alignment_comes_to_rest),
      cmocka_unit_test(transforms_keep_what_they_must),
      cmocka_unit_test(gripper_commands_stay_with_their_poses),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
