// `demoloom teleop` from end to end: lines of target poses, with false starts that are undone, become a demo
// that replays bit for bit and that new demos are generated from; and what is wrong in a line is told.
#include "tests/tools/program_fixture.h"

#include <string.h>

#include <math.h>
#include <mujoco/mujoco.h>
#include <unistd.h>

#include "engine/base/pose.h"
#include "engine/data/dataset.h"

static char dir[] = "/tmp/loom_teleop_XXXXXX";
// Where it makes no difference which scene it is, one that takes no time.
static const char own_task[] = "tests/own/task.yaml";

// Exit status; what it said lies in DIR/out and DIR/err.
static int run(const char* format, ...) {
  char arguments[1600], command[4096];

  va_list list;
  va_start(list, format);
  vsnprintf(arguments, sizeof arguments, format, list);
  va_end(list);

  snprintf(command, sizeof command, "timeout 1800 %s %s >%s/out 2>%s/err", program(), arguments, dir, dir);
  int status = system(command);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static bool said(const char* file, const char* what) {
  static char text[1 << 20];

  char path[300];
  snprintf(path, sizeof path, "%s/%s", dir, file);
  FILE* f = fopen(path, "r");
  size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
  if (f) fclose(f);
  text[n] = '\0';

  if (strstr(text, what)) return true;
  print_message("not said: '%s'; but:\n%.2000s\n", what, text);
  return false;
}

typedef struct driven {
  loomArray target;   // (T x arms x 4 x 4)
  loomArray grip;     // (T x arms)
  loomArray actions;  // (T x A)
  int64_t attempt;
} driven;

static void load(driven* d, const char* path) {
  loomDataset* dataset;
  loomError err = {0, ""};
  if (loom_dataset_open(&dataset, path, &err)) fail_msg("%s", err.message);

  // Targets and gripper commands, and which reset it was.
  const char* demo = loom_dataset_demo_path(dataset, 0);
  int code = loom_dataset_doubles(&d->target, dataset, demo, "datagen_info/target_pose", &err);
  if (!code) code = loom_dataset_doubles(&d->grip, dataset, demo, "datagen_info/gripper_action", &err);
  if (!code) code = loom_dataset_doubles(&d->actions, dataset, demo, "actions", &err);
  if (!code) code = loom_dataset_attr_int(&d->attempt, dataset, demo, "loom_attempt", &err);

  if (code) fail_msg("%s", err.message);
  loom_dataset_close(dataset);
}

static void unload(driven* d) {
  loom_array_destroy(&d->target);
  loom_array_destroy(&d->grip);
  loom_array_destroy(&d->actions);
}

static void put_line(FILE* f, const driven* d, int64_t row) {
  fputs("{\"arms\": [", f);
  for (int a = 0; a < 2; a++) {
    // Pose of a 4 x 4 matrix, as position and quaternion.
    const double* m = (const double*)d->target.data + 16 * (2 * row + a);
    double mat[9] = {m[0], m[1], m[2], m[4], m[5], m[6], m[8], m[9], m[10]}, q[4];
    mju_mat2Quat(q, mat);
    fprintf(f, "%s{\"pose\": [%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g], \"hand\": %.17g}", a ? ", " : "",
            m[3], m[7], m[11], q[0], q[1], q[2], q[3], ((const double*)d->grip.data)[2 * row + a]);
  }
  fputs("]}\n", f);
}

// The way of a generated demo as lines; with false starts, the same but for what is undone.
static void write_lines(const driven* d, const char* path, bool false_starts) {
  FILE* f = fopen(path, "w");
  assert_non_null(f);

  fputs("# the way of a generated demo\n\n", f);
  for (int64_t row = 0; row < d->target.shape[0]; row++) {
    put_line(f, d, row);

    // An arm led away and the second taken back.
    if (!false_starts || row % 60 != 40) continue;
    fputs(
        "{\"arm\": 0, \"move\": [0.02, 0, -0.01], \"turn\": [0, 0, 0.2], \"frame\": \"eef\", \"hand\": 1, "
        "\"steps\": 20}\n{\"do\": \"undo\", \"seconds\": 1}\n",
        f);
  }

  for (int i = 0; i < 30; i++) put_line(f, d, d->target.shape[0] - 1);  // until success has held
  fputs("{\"do\": \"save\"}\n", f);
  fclose(f);
}

static void same_actions(const char* one, const char* other) {
  driven a, b;
  load(&a, one);
  load(&b, other);

  assert_int_equal(a.actions.count, b.actions.count);
  assert_memory_equal(a.actions.data, b.actions.data, sizeof(double) * (size_t)a.actions.count);

  unload(&a);
  unload(&b);
}

// A drive of `task` along a generated demo's way is a demo, and a source of others.
static void record(const char* task, const char* seed) {
  char path[256];

  // A demo to follow, whose arms went where it says they were to be.
  driven d;
  assert_int_equal(run("generate %s -n 1 --noise 0 --seed %s -o %s/%s-way.hdf5", task, seed, dir, task), 0);
  snprintf(path, sizeof path, "%s/%s-way.hdf5", dir, task);
  load(&d, path);

  // Driven as it is.
  snprintf(path, sizeof path, "%s/lines", dir);
  write_lines(&d, path, false);
  assert_int_equal(run("teleop %s --seed %s --attempt %d --input %s/lines -o %s/%s.hdf5", task, seed,
                       (int)d.attempt, dir, dir, task),
                   0);

  // Driven with false starts, telling how it goes.
  write_lines(&d, path, true);
  assert_int_equal(run("teleop %s --seed %s --attempt %d --input %s/lines --echo -o %s/%s-undone.hdf5", task,
                       seed, (int)d.attempt, dir, dir, task),
                   0);

  assert_true(said("out", "\"success\":true"));
  unload(&d);

  // Which leave no trace.
  char one[256], other[256];
  snprintf(one, sizeof one, "%s/%s.hdf5", dir, task);
  snprintf(other, sizeof other, "%s/%s-undone.hdf5", dir, task);
  same_actions(one, other);

  // What was driven and undone comes out bit for bit from its first state.
  assert_int_equal(run("verify %s", other), 0);
  assert_true(said("out", "1 demos: 1 succeed, 1 identical bit for bit"));

  assert_int_equal(run("generate %s --source %s --attempts 20 -n 1 --seed 3", task, other), 0);
  assert_true(said("out", "1 demos from"));
}

static void threading_is_driven(void** state) {
  (void)state;
  record("threading", "5");
}

static void handover_is_driven(void** state) {
  (void)state;
  if (getenv("LOOM_QUICK")) return;
  record("handover", "1");
}

static void demos_are_added(void** state) {
  (void)state;
  char path[256];
  driven d;

  // The way that was driven above.
  snprintf(path, sizeof path, "%s/threading-way.hdf5", dir);
  load(&d, path);

  snprintf(path, sizeof path, "%s/lines", dir);
  write_lines(&d, path, false);

  // Twice into one file.
  for (int i = 0; i < 2; i++)
    assert_int_equal(run("teleop threading --seed 5 --attempt %d --input - --json -o %s/two.hdf5 <%s/lines",
                         (int)d.attempt, dir, dir),
                     0);

  assert_true(said("out", "{\"saved\": 1, \"ignored\": 0}"));
  unload(&d);

  // With the same fields that generated demos have.
  assert_int_equal(run("info %s/two.hdf5", dir), 0);
  assert_true(said("out", "demo_1"));
  assert_true(said("out", "subtask_term_signals/arm0_"));
  assert_int_equal(run("verify %s/two.hdf5", dir), 0);
}

// Height of arm 0's hand, as the last line said by --echo has it.
static double last_height(void) {
  char path[256], line[4096];
  double z = 0;

  snprintf(path, sizeof path, "%s/out", dir);
  FILE* f = fopen(path, "r");
  assert_non_null(f);
  while (fgets(line, sizeof line, f)) {
    static const char start[] = "\"eef\":[[";
    char* at = strstr(line, start);
    if (at) at += sizeof start - 1;
    for (int i = 0; at && i < 3; i++, at++) z = strtod(at, &at);
  }

  fclose(f);
  return z;
}

static double height_after(const char* lines) {
  char path[256];
  snprintf(path, sizeof path, "%s/device", dir);
  FILE* f = fopen(path, "w");
  assert_non_null(f);
  fputs(lines, f);
  fclose(f);

  run("teleop %s --input %s/device --echo -o %s/none.hdf5", own_task, dir, dir);
  return last_height();
}

// A device half a world away: only what it does with the clutch held moves the hand.
static void a_clutch_lets_go(void** state) {
  (void)state;
#define AT(z, clutch) "{\"device\": [5, 5, " z ", 1, 0, 0, 0], \"clutch\": " clutch ", \"steps\": 12}\n"

  // Not held, once up by 4 cm, and twice up with the way back in between.
  double still =
             height_after(AT("1.00", "false") AT("1.00", "false") AT("1.00", "false") AT("1.00", "false")),
         up = height_after(AT("1.00", "true") AT("1.04", "true") AT("1.04", "false") AT("1.00", "false")),
         twice = height_after(AT("1.00", "true") AT("1.04", "true") AT("1.00", "false") AT("1.00", "true")
                                  AT("1.04", "true"));

  if (fabs(up - still - 0.04) > 0.01) fail_msg("up by %g", up - still);
  if (fabs(twice - still - 0.08) > 0.015) fail_msg("twice up by %g", twice - still);
#undef AT
}

// A tracker that loses its way for a moment, or finds itself elsewhere, does not take the hand along.
static void a_jump_moves_nothing(void** state) {
  (void)state;
#define HELD(x, z, quat) "{\"device\": [" x ", 5, " z ", " quat "], \"clutch\": true, \"steps\": 12}\n"
#define SAME "1, 0, 0, 0"
  static const struct {
    const char* lines;
    double up;
    int ignored;
  } ways[] = {
      {HELD("5", "1.00", SAME) HELD("5", "1.04", SAME), 0.04, 0},
      {HELD("5", "1.00", SAME) "{\"device\": [0, 0, 0, 1, 0, 0, 0], \"clutch\": true}\n" HELD("5", "1.04",
                                                                                              SAME),
       0.04, 1},
      {HELD("5", "1.00", SAME) "{\"device\": [5, 5, 1, 0, 0, 1, 0], \"clutch\": true}\n" HELD("5", "1.04",
                                                                                              SAME),
       0.04, 1},
      {HELD("5", "1.00", SAME) HELD("0", "3.00", SAME) HELD("0", "3.04", SAME), 0.04, 2},
  };
#undef HELD
#undef SAME

  double still = height_after("{\"steps\": 12}\n");
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    char ignored[64];
    double up = height_after(ways[i].lines) - still;
    if (fabs(up - ways[i].up) > 0.01) fail_msg("%d: up by %g, not %g", (int)i, up, ways[i].up);

    snprintf(ignored, sizeof ignored, "\"ignored\":%d,", ways[i].ignored);
    assert_true(said("out", ignored));
  }
}

static const char* const bad_samples[] = {
    "{\"arm\": 0, \"pose\": [NaN, 0, 1, 1, 0, 0, 0]}",
    "{\"arm\": 0, \"pose\": [null, 0, 1, 1, 0, 0, 0]}",
    "{\"arm\": 0, \"pose\": [1e999, 0, 1, 1, 0, 0, 0]}",
    "{\"arm\": 0, \"pose\": [1e9, 0, 1, 1, 0, 0, 0]}",
    "{\"arm\": 1, \"pose\": [0, 0, 1, 0, 0, 0, 0]}",
    "{\"arm\": 1, \"pose\": [0, 0, 1, 2, 0, 0, 0]}",
    "{\"arm\": 1, \"pose\": [0, 0, 1, 1, 0, 0]}",
    "{\"arm\": 1, \"pose\": null}",
    "{\"arms\": [{\"move\": [0, 0.01, 0]}, {\"device\": [0, 0, 1, 1, 0, 0, NaN], \"clutch\": true}]}",
    "{\"arm\": 0, \"move\": [0.01, 0], \"hand\": 1}",
    "{\"arm\": 0, \"hand\": [null]}",
    "{\"arm\": 0, \"po",
    "se\": [0, 0, 1, 1, 0, 0, 0]}",
    "\x01\xff\xfe",
};
enum { BAD_SAMPLES = sizeof bad_samples / sizeof *bad_samples };

// The demo is the one without them, and they are counted.
static void bad_samples_are_ignored(void** state) {
  (void)state;
  char lines[256], with[256], line[4096], one[256], other[256];
  snprintf(lines, sizeof lines, "%s/lines", dir);
  snprintf(with, sizeof with, "%s/with", dir);
  FILE *in = fopen(lines, "r"), *out = fopen(with, "w");
  assert_true(in && out);

  // One as the very first, then one after every fifth line.
  int bad = 0;
  for (int n = 0; fgets(line, sizeof line, in); n++) {
    if (n % 5 == 0 && bad < BAD_SAMPLES) fprintf(out, "%s\n", bad_samples[bad++]);
    fputs(line, out);
  }
  fclose(in);
  fclose(out);
  assert_int_equal(bad, BAD_SAMPLES);

  snprintf(one, sizeof one, "%s/without.hdf5", dir);
  snprintf(other, sizeof other, "%s/with.hdf5", dir);
  assert_int_equal(run("teleop threading --seed 5 --input %s -o %s", lines, one), 0);
  assert_int_equal(run("teleop threading --seed 5 --input %s --json -o %s", with, other), 0);
  snprintf(line, sizeof line, "{\"saved\": 1, \"ignored\": %d}", BAD_SAMPLES);
  assert_true(said("out", line));
  assert_true(said("err", "with:1: "));
  same_actions(one, other);
}

static void expect(const char* line, const char* what) {
  char path[256];
  snprintf(path, sizeof path, "%s/bad", dir);
  FILE* f = fopen(path, "w");
  assert_non_null(f);
  fprintf(f, "# one\n%s\n", line);
  fclose(f);

  // Where, and no file.
  int status = run("teleop %s --input %s/bad -o %s/none.hdf5", own_task, dir, dir);
  if (status != 1) fail_msg("%s: status %d", line, status);
  assert_true(said("err", what));
  snprintf(path, sizeof path, "%s/none.hdf5", dir);
  assert_int_not_equal(access(path, F_OK), 0);
}

static void wrong_lines_are_told(void** state) {
  (void)state;

  // Wrong values, by line.
  expect("{\"arm\": 0, \"move\": [1, 2]}", "bad:2: 'move' and 'turn' take three numbers");
  expect("{\"arm\": 7}", "bad:2: 'arm' is a whole number from 0 to 1");
  expect("{\"hand\": \"shut\"}", "bad:2: 'hand' takes a number");
  expect("{\"pose\": [0, 0, 1, 0, 0, 0, 0]}", "bad:2: the quaternion is of length 0, not 1");
  expect("{\"move\": [1e999, 0, 0]}", "bad:2: 'move': a number is not finite");
  expect("{\"device\": [0, 0, 1]}", "bad:2: 'device' takes seven numbers");
  expect("{\"frame\": \"sky\"}", "bad:2: 'frame' is world, base or eef");

  // Wrong commands.
  expect("{\"do\": \"dance\"}", "bad:2: no such command 'dance'");
  expect("{\"do\": \"save\"}", "bad:2: nothing has been driven yet");

  expect("{\"move\": [0, 0, 0.01", "bad:2: not a JSON object");
  expect("{\"steps\": 0}", "bad:2: 'steps' is a whole number from 1");

  // Nothing to keep.
  expect("{\"move\": [0, 0, 0.01], \"steps\": 30}", "do not succeed and are dropped");

  // No such device, and no input or output at all.
  assert_int_equal(run("teleop %s --input %s/nowhere -o %s/x.hdf5", own_task, dir, dir), 1);
  assert_true(said("err", "nowhere: cannot be opened"));
  assert_int_equal(run("teleop threading --input -"), 2);
  assert_int_equal(run("teleop threading -o %s/x.hdf5", dir), 2);
}

static int make_dir(void** state) {
  (void)state;
  return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void** state) {
  (void)state;

  char command[300];
  snprintf(command, sizeof command, "rm -rf %s", dir);
  return getenv("KEEP") ? 0 : system(command);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threading_is_driven),  cmocka_unit_test(handover_is_driven),
      cmocka_unit_test(demos_are_added),      cmocka_unit_test(a_clutch_lets_go),
      cmocka_unit_test(a_jump_moves_nothing), cmocka_unit_test(bad_samples_are_ignored),
      cmocka_unit_test(wrong_lines_are_told)};
  return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
