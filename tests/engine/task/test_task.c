// Task files: the handover's parses; mistakes are told with file, line and key.
#include "tests/handover_fixture.h"

#include <unistd.h>

#if !defined(__SANITIZE_ADDRESS__)
// The n-th calloc from now on fails; 0 = none does.
extern void* __libc_calloc(size_t n, size_t size);
static int fail_at;

void* calloc(size_t n, size_t size) {
  if (fail_at && !--fail_at) return NULL;
  return __libc_calloc(n, size);
}
#endif

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

// What no episode could ever bring about is told here, at its line, before hours of attempts.
static void the_impossible_is_told(void** state) {
  static const char box[] = "      x: [-0.1, 0.1]\n", lost[] = "lost: dropped";
  static const struct {
    const char *from, *to, *says;
  } cases[] = {
      {"success_hold: 20", "max_steps: 19\nsuccess_hold: 20", "longer than the 19 of max_steps"},
      {"success_hold: 20", "success_hold: 1501", "'success_hold': success would"},
      {"success_hold: 20", "max_steps: 0", "max_steps"},
      {"settle: 10", "settle: 10000", "nothing could ever succeed"},
      {"hold: 4", "hold: 9000", "more than the 1500 of max_steps"},
      {lost, "lost: {held: {steps: 9000, that: dropped}}", "held for 9000"},
      {lost, "lost: {height: {of: hammer, above: 0.5, below: 0.5}}", "no value is within its bounds"},
      {lost, "lost: {height: {of: hammer, above: 0.2 + 0.3, below: 0.1}}", "no value is within"},
      {lost, "lost: {distance: {from: hammer, to: world, below: 0}}", "no value is within"},
      {lost, "lost: {upright: {of: hammer, within: 0}}", "no value is within"},
      {lost, "lost: {inside: {point: hammer, low: [0, 0, 1], high: [1, 1, 0]}}", "no value is within"},
      {box, "      x: [0.1, -0.1]\n", "'x': nothing lies in the range from 0.1 to -0.1"},
      {"yaw: [-pi, pi]", "yaw: [pi, -pi]", "'yaw': nothing lies in the range"},
  };
  (void)state;

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_error(cases[i].from, cases[i].to, cases[i].says);

  // At the edge it is possible still.
  loomError err = {0, ""};
  assert_int_equal(load_changed(&err, box, "      x: [0.1, 0.1]\n"), 0);
  assert_int_equal(
      load_changed(&err, lost, "lost: {inside: {point: hammer, low: [0, 0, 1], high: [1, 1, 1]}}"), 0);
}

static void mirrors_are_checked(void** state) {
  (void)state;
  const char *plane = "  plane: [1, 0, 0]\n", *hammer = "    hammer: {plane: [0, 1, 0]}\n";
  loomError err = {0, ""};
  assert_int_equal(load_changed(&err, plane, "  plane: [2, 0, 0]\n  at: [0, 0.1, 0]\n  arms: [0, 1]\n"), 0);

  // A plane there must be, of the world and of each object; arms change in pairs, and only with one that does
  // the same.
  expect_error(plane, "", "'plane': missing");
  expect_error(plane, "  plane: [0, 0, 0]\n", "must not be zero");
  expect_error(plane, "  plane: [1, 0, 0]\n  arms: [0, 0]\n", "the arm that it changes with");
  expect_error(plane, "  plane: [1, 0, 0]\n  arms: [1, 0]\n", "arm 1 cannot do what arm 0 does");
  expect_error(hammer, "    {}\n", "object 'hammer' has no mirror image");
  expect_error(hammer, "    hamer: {plane: [0, 1, 0]}\n", "no object 'hamer'");
  expect_error(hammer, "    hammer: {plane: [0, 1, 0], as: world}\n", "expected an object");
}

static void rest_is_checked(void** state) {
  (void)state;
  const char* rest = "  rest: 0.05 ";
  loomError err = {0, ""};
  assert_int_equal(load_changed(&err, rest, "  rest: 0 "), 0);
  expect_error(rest, "  rest: -0.05 ", "expected a distance");
  expect_error("  settle: 10 ", "  settle: 0 ", "`settle`, which is needed too");
}

static void keypoints_are_checked(void** state) {
  (void)state;
  const char *tail = "      tail: [0, 0, 0.024 - L/2]\n", *grasp = "        symmetric: true\n";
  loomError err = {0, ""};
  assert_int_equal(load_changed(&err, tail, "      tail: [0, 0, -L/2]\n      top: [0, 0, L/2 + hh]\n"), 0);

  // Of what a source's model shows, and of what the subtask is about.
  expect_error(tail, "      tail: [0, 0]\n", "tail");
  expect_error(tail, "      tail: [0, 0, density]\n", "`geom` or `let`");
  expect_error(grasp, "        keypoints: {hammer: [head]}\n", "no keypoint 'head'");
  expect_error(grasp, "        keypoints: {table: [tail]}\n", "neither the subtask's `reference` nor");
  expect_error(grasp, "        keypoints: {hammer: tail}\n", "expected a list");

  // The part of it that is taken hold of, and the middle between the fingers.
  const char* between = "        between: [tail, neck]\n";
  expect_error(between, "        between: [tail, head]\n", "no keypoint 'head'");
  expect_error(between, "        between: [tail]\n", "between");
  expect_error(between, "        between: [tail, tail]\n", "not one twice");
  expect_error("      - name: ready\n", "      - name: ready\n        between: [tail, neck]\n",
               "needs an object");
  expect_error("      - name: ready\n", "      - name: ready\n        centered: true\n",
               "needs a `reference`");

  // Where two arms meet is this subtask's to say, and the other follows.
  expect_error("      - name: release\n", "      - name: release\n        midway: true\n",
               "`midway` goes with");
  expect_error("        track: true\n", "", "`midway` goes with");
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
  expect_error(box, "      places: []\n", "at least 1 place");
  expect_error(box, "      places: {x: [0, 0], y: [0, 0]}\n", "at least 1 place");

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
  expect_error("        hold: 4", "        hold: 4\n        pace: [1.3, 0.8]", "[LOW, HIGH]");
  expect_error("        hold: 4", "        hold: 4\n        pace: [0, 1]", "between 0.1 and 10");
  expect_error("        hold: 4", "        hold: 4\n        pace: 1.1", "pace");
  expect_error("        hold: 4", "        hold: 4\n        offset: [3, 2]", "[LOW, HIGH]");
  expect_error("        hold: 4", "        hold: 4\n        offset: [0.5, 2]", "whole control steps");
  expect_error("        hold: 4", "        hold: 4\n        offset: [-1e30, 1e30]", "whole control steps");
}

// ---- large tasks

// A task of scanned objects: so many of everything that no fixed number would do. The caller frees it.
static char* large_task(size_t* n, int objects, int shapes, int conditions, int observations) {
  char* text = NULL;
  FILE* f = open_memstream(&text, n);
  assert_non_null(f);
  fprintf(f, "task: large\nrobots: [gantry]\nobjects:\n");
  for (int o = 0; o < objects; o++) fprintf(f, "  thing%d: {body: thing%d}\n", o, o);
  fprintf(f, "  scan:\n    body: scan\n    variables: {s: {geom: piece0, size: 0}}\n    shape:\n");
  for (int g = 0; g < shapes; g++) fprintf(f, "      piece%d: {size: [s, s, %d*s]}\n", g, g + 1);

  // Each condition looks at all pieces, and success at all conditions.
  fprintf(f, "conditions:\n");
  for (int c = 0; c < conditions; c++) fprintf(f, "  high%d: {height: {of: scan, above: %d}}\n", c, c);
  fprintf(f, "  pieces: {touching: {a: [");
  for (int g = 0; g < shapes; g++) fprintf(f, "%spiece%d", g ? ", " : "", g);
  fprintf(f, "]}}\nsuccess:\n  all:\n    - pieces\n");
  for (int c = 0; c < conditions; c++) fprintf(f, "    - high%d\n", c);

  fprintf(f, "observe:\n");
  for (int i = 0; i < observations; i++) fprintf(f, "  - {name: seen%d, pos: scan}\n", i);
  fprintf(f, "reset:\n  D0:\n");
  for (int o = 0; o < objects; o++)
    fprintf(f, "    thing%d: {places: [{x: [%d, %d], y: [0, 0]}, {x: [0, 0], y: [1, 2]}], z: 1}\n", o, o, o);
  fprintf(f, "arms: [{subtasks: [{name: only, until: high%d}]}]\n", conditions - 1);
  fclose(f);
  return text;
}

static void tasks_have_no_ceilings(void** state) {
  (void)state;
  enum { objects = 40, shapes = 500, conditions = 300, observations = 200 };
  size_t n = 0;
  char* text = large_task(&n, objects, shapes, conditions, observations);
  loomTask* t = NULL;
  loomError err = {0, ""};
  int code = loom_task_parse(&t, text, n, "large/task.yaml", "tests/own/robots", &err);
  if (code) fail_msg("%s", err.message);

  assert_int_equal(t->object_count, objects + 1);
  assert_string_equal(t->objects[objects - 1].name, "thing39");
  assert_int_equal(t->objects[objects].shape_count, shapes);
  assert_string_equal(t->objects[objects].shapes[shapes - 1].geom, "piece499");
  assert_string_equal(t->objects[objects].shapes[shapes - 1].size[2], "500*s");
  assert_int_equal(t->observe_count, observations);
  assert_string_equal(t->observe[observations - 1].name, "seen199");
  assert_int_equal(t->resets[0].placement_count, objects);
  assert_true(t->resets[0].placements[7].place_x[0][1] == 7 && t->resets[0].placements[7].place_count == 2);

  // All conditions hang in success, in their order; the one named again is the same node.
  int node = t->conditions[t->success].first_child, count = 0;
  assert_int_equal(t->conditions[node].geoms.count, shapes);
  assert_string_equal(t->conditions[node].geoms.geoms[shapes - 1], "piece499");
  assert_string_equal(t->conditions[node].label, "pieces");
  while ((node = t->conditions[node].next) >= 0) {
    char name[32];
    snprintf(name, sizeof name, "high%d", count++);
    assert_string_equal(t->conditions[node].label, name);
  }
  assert_int_equal(count, conditions);
  assert_string_equal(t->conditions[t->subtasks[0][0].until_condition].label, "high299");

  // What is passed around is small.
  assert_true(sizeof(loomTask) <= 8192 && sizeof(loomConditionDef) <= 4096);
  loom_task_destroy(t);
  free(text);
}

// Wherever memory runs out, that is what is said, and nothing is leaked or handed out half-made.
static void memory_may_run_out(void** state) {
  (void)state;
#if defined(__SANITIZE_ADDRESS__)
  skip();
#else
  size_t n = 0;
  char* text = large_task(&n, 10, 100, 60, 40);
  loomTask* t = NULL;
  int code = LOOM_ERR_MEMORY, tries = 0;
  while (code) {
    loomError err = {0, ""};
    fail_at = ++tries;
    code = loom_task_parse(&t, text, n, "large/task.yaml", "tests/own/robots", &err);
    fail_at = 0;
    if (!code) break;
    assert_null(t);
    if (code != LOOM_ERR_MEMORY || err.code != LOOM_ERR_MEMORY || !strstr(err.message, "out of memory"))
      fail_msg("calloc %d: %d, '%s'", tries, code, err.message);
  }
  assert_true(tries > 10);
  loom_task_destroy(t);
  free(text);
#endif
}

static void limits_are_told(void** state) {
  (void)state;
  size_t n = 0;
  loomTask* t = NULL;
  loomError err = {0, ""};
  char* text = large_task(&n, LOOM_MAX_OBJECTS, 1, 1, 1);
  assert_int_equal(loom_task_parse(&t, text, n, "large/task.yaml", "tests/own/robots", &err),
                   LOOM_ERR_FORMAT);
  assert_string_equal(err.message,
                      "large/task.yaml:4: key 'objects': 65, but at most 64 objects of a task are possible");
  free(text);

  // Subtasks of one arm, and conditions that name each other.
  char deep[8192] = "conditions:\n  c0: dropped\n";
  expect_error(
      "arms:\n  - subtasks:\n",
      "arms:\n  - subtasks:\n      - {name: a}\n      - {name: b}\n"
      "      - {name: c}\n      - {name: d}\n      - {name: e}\n      - {name: f}\n      - {name: g}\n"
      "      - {name: h}\n      - {name: i}\n      - {name: j}\n      - {name: k}\n      - {name: l}\n"
      "      - {name: m}\n      - {name: n}\n",
      "1 to 16 subtasks");
  for (int i = 1; i < 2 * LOOM_MAX_DEPTH; i++)
    snprintf(deep + strlen(deep), sizeof deep - strlen(deep), "  c%d: {not: c%d}\n", i, i - 1);
  snprintf(deep + strlen(deep), sizeof deep - strlen(deep), "  lifted: c%d\n  was:\n",
           2 * LOOM_MAX_DEPTH - 1);
  expect_error("conditions:                  # named, to be used below\n  lifted:\n", deep,
               "more than 64 conditions within each other");
}

// A text that does not fit where it goes is an error at its line, never a part of it.
static void long_names_are_refused(void** state) {
  (void)state;
#define LONG "a_name_of_seventy_characters_is_longer_than_any_that_a_dataset_can_hold"
  expect_error("  hammer:\n    body", "  " LONG ":\n    body", "is longer than 63 characters");
  expect_error("      r: {geom", "      " LONG ": {geom", "key 'variables': 'a_name_of_seventy");
  expect_error("name: hammer_pos", "name: " LONG, "key 'name': 'a_name_of_seventy");
  expect_error("  D1: ", "  " LONG ": ", "key 'reset': 'a_name_of_seventy");
  expect_error("task: handover", "task: " LONG, "key 'task': 'a_name_of_seventy");
  expect_error("      - name: present", "      - name: " LONG, "key 'name': 'a_name_of_seventy");
  expect_error("geoms: [hammer_handle]}}\n        during", "geoms: [" LONG "]}}\n        during",
               "key 'geoms': 'a_name_of_seventy");
  expect_error("minus: r", "minus: " LONG "+" LONG, "is longer than 95 characters");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(handover_parses),        cmocka_unit_test(mistakes_are_located),
      cmocka_unit_test(the_impossible_is_told), cmocka_unit_test(mirrors_are_checked),
      cmocka_unit_test(keypoints_are_checked),  cmocka_unit_test(rest_is_checked),
      cmocka_unit_test(circles_are_rejected),   cmocka_unit_test(impossible_pairs_are_located),
      cmocka_unit_test(places_are_checked),     cmocka_unit_test(tasks_have_no_ceilings),
      cmocka_unit_test(memory_may_run_out),     cmocka_unit_test(limits_are_told),
      cmocka_unit_test(long_names_are_refused)};
  return cmocka_run_group_tests(tests, handover_open, handover_close);
}
