// Task files: the handover's parses; mistakes are told with file, line and key.
#include "tests/handover_fixture.h"

#include <unistd.h>

static void handover_parses(void** state) {
  const handover* h = *state;

  // Two Pandas by name and joint.
  assert_string_equal(h->task->name, "handover");
  assert_int_equal(h->task->arm_count, 2);
  assert_string_equal(h->task->robots[1].arm.joints[6], "robot1_joint7");
  assert_true(h->task->robots[0].arm.init_qpos[3] < -2.6 && h->task->robots[0].arm.init_qpos[3] > -2.62);

  // One hammer of ten shapes, and the distribution it starts from.
  assert_int_equal(h->task->objects[0].shape_count, 10);
  assert_int_equal(loom_task_find_reset(h->task, "D0"), 0);
  assert_true(h->task->success >= 0 && h->task->lost >= 0);
}

// The handover's task file with one text replaced by another.
static int load_changed(loomError* err, const char* from, const char* to) {
  char path[] = "/tmp/loom_task_XXXXXX", *text = calloc(1, 1 << 16), *changed = calloc(1, 1 << 17);

  FILE* f = fopen("scenes/handover/task.yaml", "rb");
  assert_true(f && text && changed);
  assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
  fclose(f);

  // One place in it, replaced.
  char* at = strstr(text, from);
  if (!at) fail_msg("the task file has no '%s'", from);
  memcpy(changed, text, (size_t)(at - text));
  strcat(changed, to);
  strcat(changed, at + strlen(from));

  int fd = mkstemp(path);
  assert_true(fd >= 0 && write(fd, changed, strlen(changed)) == (ssize_t)strlen(changed));
  close(fd);

  // Loaded, or refused.
  loomTask* task = NULL;
  int code = loom_task_load(&task, path, "scenes/robots", err);
  loom_task_destroy(task);

  unlink(path);
  free(text);
  free(changed);
  return code;
}

static void expect_error(const char* from, const char* to, const char* says) {
  loomError err = {0, ""};

  // Where and what, in one line.
  assert_int_equal(load_changed(&err, from, to), LOOM_ERR_FORMAT);
  if (!strstr(err.message, says) || !strstr(err.message, "loom_task_"))
    fail_msg("'%s' does not say '%s'", err.message, says);
  assert_null(strchr(err.message, '\n'));
}

// The line of the handover's task file that a text begins on.
static int line_of(const char* text) {
  char line[512];
  int n = 0, found = 0;
  FILE* f = fopen("scenes/handover/task.yaml", "rb");
  assert_non_null(f);

  while (!found && fgets(line, sizeof line, f)) {
    n++;
    if (strstr(line, text)) found = n;
  }
  fclose(f);
  if (!found) fail_msg("the task file has no '%s'", text);
  return found;
}

static void mistakes_are_located(void** state) {
  (void)state;

  // Keys.
  expect_error("control_freq: 20", "control_frq: 20", "did you mean 'control_freq'");
  expect_error("control_freq: 20", "control_freq: fast", "expected a number");
  expect_error("control_freq: 20", "control_freq: 20\ncontrol_freq: 10", "given twice");

  // Names that nothing bears.
  expect_error("robots: [panda, panda]", "robots: [panda, pando]", "unknown robot 'pando'");
  expect_error("robots: [panda, panda]", "robots: [panda, ../panda]", "unknown robot");
  expect_error("success: handed_over", "success: handed_ovr", "no condition is named");
  expect_error("reference: hammer", "reference: hamer", "no object 'hamer'");

  // Values of the wrong shape.
  expect_error("lost: dropped", "lost: {height: {of: hammer}}", "`above`, `below` or both");

  expect_error("task: handover", "task: [handover", "not YAML");
  expect_error("settle: 10", "settle: 1.5", "whole number");
}

static void circles_are_rejected(void** state) {
  (void)state;

  // Two sequential rules against each other, also through an order within an arm.
  expect_error("  - sequential: [[1, take], [0, release]]", "  - sequential: [[1, keep], [1, take]]",
               "waits for itself");
  expect_error("  - sequential: [[1, take], [0, release]]",
               "  - sequential: [[0, release], [1, take]]\n  - sequential: [[1, take], [0, release]]",
               "waits for itself");
  expect_error("  - sequential: [[1, take], [0, release]]", "  - sequential: [[0, present], [1, take]]",
               "waits for itself");

  // Coordinated subtasks begin together, so one arm cannot have both.
  expect_error("  - sequential: [[1, take], [0, release]]", "  - coordinated: [[0, grasp], [0, release]]",
               "different arms");
}

static void places_are_checked(void** state) {
  (void)state;
  const char* box = "      x: [-0.1, 0.1]\n      y: [-0.5, -0.4]\n";

  // One box may be a list of boxes.
  loomError err = {0, ""};
  assert_int_equal(load_changed(&err, box, "      places: [{x: [-0.1, 0.1], y: [-0.5, -0.4]}]\n"), 0);

  // Not both, not neither, not some other shape.
  expect_error(box, "      x: [-0.1, 0.1]\n", "'y': missing");
  expect_error(box, "      x: [-0.1, 0.1]\n      places: [{x: [0, 0], y: [0, 0]}]\n", "its own x and y");
  expect_error(box, "      places: []\n", "1 to 8 places");
  expect_error(box, "      places: {x: [0, 0], y: [0, 0]}\n", "1 to 8 places");

  expect_error(box, "      places: [{x: [0, 0]}]\n", "'y'");
  expect_error(box, "      places: [{x: [0, 0], y: [0, 0], z: 1}]\n", "'z'");
}

// The line is that of the constraint which cannot be kept, though each alone could.
static void impossible_pairs_are_located(void** state) {
  (void)state;

  // Rules in the place of the task's own, each against the coordinated pair below it.
  const char* rule = "  - sequential: [[1, take], [0, release]]\n    lead: 2";
  char here[16], next[16], partner[64];

  int line = line_of("  - sequential: [[1, take], [0, release]]");
  snprintf(here, sizeof here, ":%d: ", line);
  snprintf(next, sizeof next, ":%d: ", line + 1);
  snprintf(partner, sizeof partner, "one partner only, see line %d", line_of("  - coordinated:"));

  // One subtask of two partners.
  expect_error(rule, "  - coordinated: [[0, grasp], [1, take]]", here);
  expect_error(rule, "  - coordinated: [[0, grasp], [1, take]]", partner);
  expect_error(rule, "  - coordinated: [[1, take], [0, present]]", partner);

  // Rules that wait for each other.
  expect_error(rule, "  - coordinated: [[0, release], [1, ready]]", "waits for itself");
  expect_error(rule, "  - sequential: [[1, ready], [0, grasp]]\n  - sequential: [[0, grasp], [1, ready]]",
               next);
  expect_error(rule, "  - sequential: [[1, ready], [0, grasp]]\n  - sequential: [[0, present], [1, ready]]",
               "waits for itself");

  // Keys of the other kind of rule.
  expect_error(rule, "  - sequential: [[1, take], [0, release]]\n    scheme: replay", "not for `sequential`");
  expect_error("    scheme: replay", "    scheme: replay\n    lead: 3", "not for `coordinated`");

  // Schemes.
  expect_error("    scheme: replay", "    scheme: transform", "only `replay`");
  expect_error("    scheme: replay", "    scheme: mirror", "expected one of transform, translate, replay");

  // Arms and subtasks.
  expect_error("[[0, present], [1, take]]", "[[0, present], [2, take]]", "there is no arm 2");
  expect_error("[[0, present], [1, take]]", "[[0, present], [1, tak]]", "arm 1 has no subtask 'tak'");

  // Delays in control steps.
  expect_error("        hold: 15", "        hold: 15\n        offset: [3, 2]", "[LOW, HIGH]");
  expect_error("        hold: 15", "        hold: 15\n        offset: [0.5, 2]", "whole control steps");
  expect_error("        hold: 15", "        hold: 15\n        offset: [-1e30, 1e30]", "whole control steps");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(handover_parses), cmocka_unit_test(mistakes_are_located),
      cmocka_unit_test(circles_are_rejected), cmocka_unit_test(impossible_pairs_are_located),
      cmocka_unit_test(places_are_checked)};
  return cmocka_run_group_tests(tests, handover_open, handover_close);
}
