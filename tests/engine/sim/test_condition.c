// Each kind of condition true, false and just inside and outside its bound, on a small scene whose joints are
// put where a case wants them.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sim/condition.h"

// A cube of half 2 cm at (x, y, 1 + z) that turns about y; two hands of two pads of 0.5 cm that close on it
// along x and along y, each pad by a slide of its own, and touch it from 2.5 cm on; end effectors on slides
// along x; a tray that turns about z; a drawer. Nothing weighs anything, nothing moves by itself.
static const char scene[] =
    "<mujoco><option gravity='0 0 0'/><worldbody>"
    "<geom name='floor' type='plane' size='9 9 1'/>"
    "<body name='cube' pos='0 0 1'>"
    "<joint name='x' type='slide' axis='1 0 0'/><joint name='y' type='slide' axis='0 1 0'/>"
    "<joint name='z' type='slide' axis='0 0 1'/><joint name='turn' axis='0 1 0'/>"
    "<geom name='cube' type='box' size='0.02 0.02 0.02'/><site name='face' pos='0 0 0.02'/></body>"
    "<body pos='0 0 1'><joint name='left0' type='slide' axis='-1 0 0'/>"
    "<geom name='lpad0' type='box' size='0.005 0.01 0.01'/></body>"
    "<body pos='0 0 1'><joint name='right0' type='slide' axis='1 0 0'/>"
    "<geom name='rpad0' type='box' size='0.005 0.01 0.01'/></body>"
    "<body pos='0 0 1'><joint name='left1' type='slide' axis='0 -1 0'/>"
    "<geom name='lpad1' type='box' size='0.01 0.005 0.01'/></body>"
    "<body pos='0 0 1'><joint name='right1' type='slide' axis='0 1 0'/>"
    "<geom name='rpad1' type='box' size='0.01 0.005 0.01'/></body>"
    "<body pos='0 0 1'><joint name='hand0' type='slide' axis='1 0 0'/><site name='grip0'/>"
    "<geom size='0.01' contype='0' conaffinity='0'/></body>"
    "<body pos='0 0 1'><joint name='hand1' type='slide' axis='1 0 0'/><site name='grip1'/>"
    "<geom size='0.01' contype='0' conaffinity='0'/></body>"
    "<body name='tray' pos='0 0 1'><joint name='tray_yaw' axis='0 0 1'/>"
    "<geom type='box' size='0.1 0.05 0.01' contype='0' conaffinity='0'/></body>"
    "<body pos='0 3 1'><joint name='rail' type='slide' axis='1 0 0'/><geom name='drawer' size='0.1'/></body>"
    "</worldbody></mujoco>";

static const char task_head[] =
    "task: small\nmodel: {file: scene.xml}\nrobots: [gantry, gantry]\nsuccess_hold: 1\nmax_steps: 10\n"
    "controller: {type: OSC_POSE, input_max: 1, input_min: -1, output_max: [1, 1, 1, 1, 1, 1], "
    "output_min: [-1, -1, -1, -1, -1, -1], kp: 150, damping_ratio: 1, delta: true, uncouple_pos_ori: true}\n"
    "objects:\n  cube:\n    body: cube\n    variables:\n      s: {geom: cube, size: 0}\n"
    "reset:\n  D0:\n    cube: {x: [0, 0], y: [0, 0], z: 1}\n"
    "arms:\n  - subtasks:\n      - {name: hold, reference: cube, until: end}\n"
    "  - subtasks:\n      - {name: hold, reference: cube, until: end}\n";

enum { MOST_PLACES = 4 };

typedef struct place {
  const char* joint;
  double at;
} place;

// Hands are open, 10 cm from the cube, where a case says nothing else.
static const place resting[] = {{"left0", 0.1}, {"right0", 0.1}, {"left1", 0.1}, {"right1", 0.1}};

typedef struct bound {
  loomTask* task;
  mjModel* m;
  mjData* d;
  loomConditions* conditions;
} bound;

static void open_condition(bound* b, const char* condition) {
  loomError err = {0, ""};
  char text[4096], message[300] = "";
  snprintf(text, sizeof text, "%ssuccess: %s\n", task_head, condition);
  if (loom_task_parse(&b->task, text, strlen(text), "small.yaml", "tests/own/robots", &err))
    fail_msg("%s: %s", condition, err.message);

  mjVFS vfs;
  mj_defaultVFS(&vfs);
  assert_int_equal(mj_addBufferVFS(&vfs, "scene.xml", scene, sizeof scene - 1), 0);
  b->m = mj_loadXML("scene.xml", &vfs, message, sizeof message);
  mj_deleteVFS(&vfs);
  if (!b->m) fail_msg("%s", message);

  b->d = mj_makeData(b->m);
  assert_non_null(b->d);
  if (loom_conditions_create(&b->conditions, b->task, b->m, &err)) fail_msg("%s: %s", condition, err.message);
}

static void close_condition(bound* b) {
  loom_conditions_destroy(b->conditions);
  mj_deleteData(b->d);
  mj_deleteModel(b->m);
  loom_task_destroy(b->task);
}

static void put(bound* b, const place* places, int n) {
  for (int i = 0; i < n && places[i].joint; i++) {
    int id = mj_name2id(b->m, mjOBJ_JOINT, places[i].joint);
    if (id < 0) fail_msg("no joint %s", places[i].joint);
    b->d->qpos[b->m->jnt_qposadr[id]] = places[i].at;
  }
}

// One control step with the joints there: is the task's success condition true?
static bool step(bound* b, const place places[MOST_PLACES], const double grip[2]) {
  put(b, resting, 4);
  put(b, places, MOST_PLACES);

  mj_forward(b->m, b->d);
  loom_conditions_update(b->conditions, b->m, b->d, grip);
  return loom_condition_true(b->conditions, b->task->success);
}

typedef struct conditionCase {
  const char* condition;
  bool truth;
  place places[MOST_PLACES];
  double grip[2];
  double value;  // what is measured, where it is not NaN
} conditionCase;

static void check_all(const conditionCase* cases, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const conditionCase* c = &cases[i];
    bound b;
    open_condition(&b, c->condition);

    bool truth = step(&b, c->places, c->grip);
    double value = loom_condition_value(b.conditions, b.task->success);
    if (truth != c->truth)
      fail_msg("case %d, %s: %s, with %g measured", (int)i, c->condition, truth ? "true" : "false", value);
    if (!isnan(c->value) && fabs(value - c->value) > 1e-9)
      fail_msg("case %d, %s: %.12g measured, not %.12g", (int)i, c->condition, value, c->value);

    close_condition(&b);
  }
}

#define CHECK(cases) check_all(cases, sizeof(cases) / sizeof *(cases))

static void contacts(void** state) {
  (void)state;
  // A pad touches from 25 mm on: 0.1 mm inside, 0.1 mm outside.
  static const conditionCase cases[] = {
      {"{grasped: {arm: 0, object: cube}}", true, {{"left0", 0.0249}, {"right0", 0.0249}}, {0}, 2},
      {"{grasped: {arm: 0, object: cube}}", false, {{"left0", 0.0249}, {"right0", 0.0251}}, {0}, 1},
      {"{grasped: {arm: 0, object: cube}}", false, {{"left0", 0.0251}, {"right0", 0.0251}}, {0}, 0},
      {"{grasped: {arm: 0, object: cube}}", false, {{"left1", 0.0249}, {"right1", 0.0249}}, {0}, 0},
      {"{grasped: {arm: 1, object: cube}}", true, {{"left1", 0.0249}, {"right1", 0.0249}}, {0}, 2},
      {"{grasped: {arm: 0, geoms: [drawer]}}", false, {{"left0", 0.0249}, {"right0", 0.0249}}, {0}, 0},
      {"{released: {arm: 0, object: cube}}", true, {{"left0", 0.0251}, {"right0", 0.0251}}, {0}, 0},
      {"{released: {arm: 0, object: cube}}", false, {{"left0", 0.0249}, {"right0", 0.0251}}, {0}, 1},
      {"{released: {arm: 0, object: cube}}", true, {{"left1", 0.0249}, {"right1", 0.0249}}, {0}, 0},
      {"{touching: {a: [lpad0], b: cube}}", true, {{"left0", 0.0249}}, {0}, 1},
      {"{touching: {a: [lpad0], b: cube}}", false, {{"left0", 0.0251}}, {0}, 0},
      {"{touching: {a: cube, b: [lpad0]}}", true, {{"left0", 0.0249}}, {0}, 1},
      {"{touching: {a: [lpad0], b: [floor]}}", false, {{"left0", 0.0249}}, {0}, 0},
      {"{touching: {a: cube}}", true, {{"z", -0.9801}}, {0}, 1},  // anything: the floor, 98 cm below
      {"{touching: {a: cube}}", false, {{"z", -0.9799}}, {0}, 0},
  };

  CHECK(cases);
}

static void lengths(void** state) {
  (void)state;
  static const conditionCase cases[] = {
      {"{distance: {from: {eef: 0}, to: cube, above: 0.1, below: 0.2}}", true, {{"hand0", 0.15}}, {0}, 0.15},
      {"{distance: {from: {eef: 0}, to: cube, above: 0.1, below: 0.2}}", true, {{"hand0", -0.15}}, {0}, 0.15},
      {"{distance: {from: {eef: 0}, to: cube, above: 0.1, below: 0.2}}",
       true,
       {{"hand0", 0.100001}},
       {0},
       NAN},
      {"{distance: {from: {eef: 0}, to: cube, above: 0.1, below: 0.2}}",
       false,
       {{"hand0", 0.099999}},
       {0},
       NAN},
      {"{distance: {from: {eef: 0}, to: cube, above: 0.1, below: 0.2}}",
       true,
       {{"hand0", 0.199999}},
       {0},
       NAN},
      {"{distance: {from: {eef: 0}, to: cube, above: 0.1, below: 0.2}}",
       false,
       {{"hand0", 0.200001}},
       {0},
       NAN},
      {"{distance: {from: {eef: 1}, to: cube, below: 0.2}}", true, {{"hand0", 1}}, {0}, 0},
      {"{distance: {from: {eef: 0}, to: {eef: 1}, above: 0.3}}",
       true,
       {{"hand0", 0.2}, {"hand1", -0.2}},
       {0},
       0.4},
      {"{distance: {from: cube, to: {object: cube, at: [0, 0, 2 * s]}, above: 0}}",
       true,
       {{"turn", 1}},
       {0},
       0.04},

      {"{height: {of: cube, above: 1.2}}", true, {{"z", 0.200001}}, {0}, 1.200001},
      {"{height: {of: cube, above: 1.2}}", false, {{"z", 0.199999}}, {0}, 1.199999},
      {"{height: {of: cube, below: 1.2}}", true, {{"z", 0.199999}}, {0}, NAN},
      {"{height: {of: cube, below: 1.2}}", false, {{"z", 0.200001}}, {0}, NAN},
      {"{height: {of: cube, over: {eef: 0}, minus: s, above: 0}}", true, {{"z", 0.020001}}, {0}, 0.000001},
      {"{height: {of: cube, over: {eef: 0}, minus: s, above: 0}}", false, {{"z", 0.019999}}, {0}, -0.000001},
      {"{height: {of: {site: face}, above: 1.02}}", true, {{"z", 0.000001}}, {0}, NAN},
      {"{height: {of: {site: face}, above: 1.02}}", false, {{"turn", 0.1}}, {0}, NAN},

      {"{joint: {name: rail, above: 0.1, below: 0.3}}", true, {{"rail", 0.2}}, {0}, 0.2},
      {"{joint: {name: rail, above: 0.1, below: 0.3}}", true, {{"rail", 0.100001}}, {0}, NAN},
      {"{joint: {name: rail, above: 0.1, below: 0.3}}", false, {{"rail", 0.099999}}, {0}, NAN},
      {"{joint: {name: rail, above: 0.1, below: 0.3}}", false, {{"rail", 0.300001}}, {0}, NAN},
      {"{joint: {name: rail, above: 0.1, below: 0.3}}", false, {{"rail", -0.2}}, {0}, -0.2},
  };

  CHECK(cases);
}

static void regions_and_turns(void** state) {
  (void)state;
#define IN_TRAY "{inside: {point: cube, frame: {body: tray}, low: [-0.1, -0.05, 0], high: [0.1, 0.05, 0.03]}}"
  static const conditionCase cases[] = {
      {IN_TRAY, true, {{"z", 0.01}}, {0}, 0},
      {IN_TRAY, true, {{"x", 0.099999}, {"z", 0.01}}, {0}, 0},
      {IN_TRAY, false, {{"x", 0.100001}, {"z", 0.01}}, {0}, 0.000001},
      {IN_TRAY, false, {{"x", -0.12}, {"z", 0.01}}, {0}, 0.02},
      {IN_TRAY, false, {{"y", 0.08}, {"z", 0.01}}, {0}, 0.03},
      {IN_TRAY, true, {{"z", 0.000001}}, {0}, 0},
      {IN_TRAY, false, {{"z", -0.000001}}, {0}, 0.000001},
      {IN_TRAY, false, {{"z", 0.04}}, {0}, 0.01},
      // A quarter turn of the tray: its long side lies along y.
      {IN_TRAY, true, {{"y", 0.08}, {"z", 0.01}, {"tray_yaw", M_PI / 2}}, {0}, 0},
      {IN_TRAY, false, {{"x", 0.08}, {"z", 0.01}, {"tray_yaw", M_PI / 2}}, {0}, 0.03},
      // A bound left out is none.
      {"{inside: {point: cube, frame: world, low: [0, 0, s], high: [1, 1, 9]}}",
       true,
       {{"x", 0.5}, {"y", 0.5}},
       {0},
       0},

      {"{upright: {of: cube, axis: [0, 0, 1], within: 0.3}}", true, {{"turn", 0.299999}}, {0}, 0.299999},
      {"{upright: {of: cube, axis: [0, 0, 1], within: 0.3}}", true, {{"turn", -0.299999}}, {0}, 0.299999},
      {"{upright: {of: cube, axis: [0, 0, 1], within: 0.3}}", false, {{"turn", 0.300001}}, {0}, 0.300001},
      {"{upright: {of: cube, axis: [0, 0, 1], within: 0.3}}", false, {{"turn", M_PI}}, {0}, M_PI},
      {"{upright: {of: cube, axis: [0, 0, -2], within: 0.3}}", true, {{"turn", M_PI}}, {0}, 0},
      {"{upright: {of: cube, axis: [1, 0, 0], within: 0.3}}", false, {{"turn", 0}}, {0}, M_PI / 2},
      {"{upright: {of: cube, axis: [1, 0, 0], within: 0.3}}", true, {{"turn", -M_PI / 2}}, {0}, NAN},
  };

  CHECK(cases);
}

static void grippers(void** state) {
  (void)state;
  static const conditionCase cases[] = {
      {"{gripper: {arm: 0, command: close}}", true, {{0}}, {1e-9, -1}, 1e-9},
      {"{gripper: {arm: 0, command: close}}", false, {{0}}, {0, 1}, 0},
      {"{gripper: {arm: 0, command: close}}", false, {{0}}, {-1e-9, 1}, -1e-9},
      {"{gripper: {arm: 0, command: open}}", true, {{0}}, {-1e-9, 1}, -1e-9},
      {"{gripper: {arm: 0, command: open}}", false, {{0}}, {0, -1}, 0},
      {"{gripper: {arm: 1, command: close}}", true, {{0}}, {-1, 1}, 1},
      {"{gripper: {arm: 1, command: open}}", false, {{0}}, {-1, 1}, 1},
  };

  CHECK(cases);
}

static void combinations(void** state) {
  (void)state;
#define HIGH "{height: {of: cube, above: 1.2}}"
#define FAR "{joint: {name: rail, above: 0.1}}"
  static const conditionCase cases[] = {
      {"{all: [" HIGH ", " FAR "]}", true, {{"z", 0.3}, {"rail", 0.2}}, {0}, 1},
      {"{all: [" HIGH ", " FAR "]}", false, {{"z", 0.3}, {"rail", 0.1}}, {0}, 0},
      {"{all: [" HIGH ", " FAR "]}", false, {{"z", 0.2}, {"rail", 0.2}}, {0}, 0},
      {"{any: [" HIGH ", " FAR "]}", true, {{"z", 0.3}, {"rail", 0.1}}, {0}, 1},
      {"{any: [" HIGH ", " FAR "]}", true, {{"z", 0.1}, {"rail", 0.2}}, {0}, 1},
      {"{any: [" HIGH ", " FAR "]}", false, {{"z", 0.1}, {"rail", 0.1}}, {0}, 0},
      {"{not: " HIGH "}", true, {{"z", 0.199999}}, {0}, 1},
      {"{not: " HIGH "}", false, {{"z", 0.200001}}, {0}, 0},
      {"{not: {all: [{not: " HIGH "}, {any: [" FAR "]}]}}", false, {{"rail", 0.2}}, {0}, 0},
      {"{not: {all: [{not: " HIGH "}, {any: [" FAR "]}]}}", true, {{"rail", 0.2}, {"z", 0.3}}, {0}, 1},
  };

  CHECK(cases);
}

static void held_counts_steps_in_a_row(void** state) {
  (void)state;
  bound b;
  open_condition(&b, "{held: {steps: 3, that: " HIGH "}}");

  static const place high[MOST_PLACES] = {{"z", 0.3}}, low[MOST_PLACES] = {{"z", 0.1}};
  const double grip[2] = {0};

  // True from the third step on, and from the third again after a break.
  static const int up[] = {1, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1}, truth[] = {0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1};
  for (int t = 0; t < 11; t++) {
    assert_int_equal(step(&b, up[t] ? high : low, grip), truth[t]);
    if (!up[t]) assert_true(loom_condition_value(b.conditions, b.task->success) == 0);
  }
  assert_true(loom_condition_value(b.conditions, b.task->success) == 3);

  // A snapshot has the count, a reset forgets it.
  size_t size = loom_conditions_state_size(b.conditions);
  void* kept = malloc(size);
  assert_non_null(kept);
  loom_conditions_get_state(b.conditions, kept);

  loom_conditions_reset(b.conditions);
  assert_false(loom_condition_true(b.conditions, b.task->success));
  assert_false(step(&b, high, grip));
  loom_conditions_set_state(b.conditions, kept);
  assert_true(step(&b, high, grip));
  assert_true(loom_condition_value(b.conditions, b.task->success) == 4);

  free(kept);
  close_condition(&b);
}

// The leaf that decides, its figure, and words: with them and without.
static void causes_are_named(void** state) {
  (void)state;
  static const struct {
    const char* condition;
    place places[MOST_PLACES];
    loomConditionKind kind;
    bool wanted;
    double value;
    const char *subject, *reason;
  } cases[] = {
      {"{all: [" HIGH ", " FAR "]}",
       {{"z", 0.3}, {"rail", 0.05}},
       LOOM_COND_JOINT,
       true,
       0.05,
       "rail",
       "0.050, needs > 0.100"},
      {"{all: [" HIGH ", " FAR "]}",
       {{"z", 0.1}, {"rail", 0.05}},
       LOOM_COND_HEIGHT,
       true,
       1.1,
       "height of cube",
       "1.100, needs > 1.200"},
      {"{not: {any: [" HIGH ", " FAR "]}}",
       {{"rail", 0.2}},
       LOOM_COND_JOINT,
       false,
       0.2,
       "must not be",
       "must not be"},
      {"{held: {steps: 3, that: " HIGH "}}", {{"z", 0.3}}, LOOM_COND_HELD, true, 1, "held", "not held"},
      {"{grasped: {arm: 0, object: cube}}",
       {{"left0", 0.0249}},
       LOOM_COND_GRASPED,
       true,
       1,
       "grasped by arm 0",
       ": 1 of 2 fingers touch"},
      {IN_TRAY, {{"y", 0.08}, {"z", 0.01}}, LOOM_COND_INSIDE, true, 0.03, "cube", "0.030 m outside"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bound b;
    char text[200];

    open_condition(&b, cases[i].condition);
    assert_false(step(&b, cases[i].places, (double[2]){0}));

    loomConditionCause cause = loom_condition_cause(b.conditions, b.task->success, true);
    assert_true(cause.node >= 0);
    assert_int_equal(b.task->conditions[cause.node].kind, cases[i].kind);
    assert_int_equal(cause.wanted, cases[i].wanted);
    assert_true(fabs(cause.value - cases[i].value) < 1e-9);

    loom_condition_subject(text, sizeof text, b.conditions, cause);
    if (!strstr(text, cases[i].subject)) fail_msg("case %d: '%s'", (int)i, text);
    assert_int_equal(loom_condition_explain(b.conditions, b.task->success, text, sizeof text), cause.node);
    if (!strstr(text, cases[i].reason)) fail_msg("case %d: '%s'", (int)i, text);

    // As it is wanted, there is nothing to explain.
    assert_int_equal(loom_condition_cause(b.conditions, b.task->success, false).node, -1);
    close_condition(&b);
  }
}

static void unknown_nodes_are_false(void** state) {
  (void)state;
  bound b;
  char text[8] = "before";

  open_condition(&b, HIGH);
  step(&b, (place[MOST_PLACES]){{"z", 0.3}}, (double[2]){0});
  for (int i = -1; i < 1000; i += 1000) {
    assert_false(loom_condition_true(b.conditions, i));
    assert_true(loom_condition_value(b.conditions, i) == 0);
    assert_int_equal(loom_condition_explain(b.conditions, i, text, sizeof text), -1);
    assert_string_equal(text, "");
  }
  close_condition(&b);
}

static void names_must_be_in_the_model(void** state) {
  (void)state;
  static const char* const wrong[] = {"{height: {of: {geom: nose}, above: 1}}",
                                      "{joint: {name: nose, above: 1}}", "{touching: {a: [nose]}}",
                                      "{distance: {from: {site: nose}, to: cube, below: 1}}"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    bound b;
    loomError err = {0, ""};
    char text[4096];

    open_condition(&b, HIGH);

    // Another condition on the same model.
    loom_task_destroy(b.task);
    loom_conditions_destroy(b.conditions);
    snprintf(text, sizeof text, "%ssuccess: %s\n", task_head, wrong[i]);
    assert_int_equal(loom_task_parse(&b.task, text, strlen(text), "small.yaml", "tests/own/robots", &err), 0);

    assert_int_equal(loom_conditions_create(&b.conditions, b.task, b.m, &err), LOOM_ERR_FORMAT);
    assert_null(b.conditions);
    assert_non_null(strstr(err.message, "nose"));
    assert_non_null(strstr(err.message, "small.yaml:"));
    close_condition(&b);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(contacts),
      cmocka_unit_test(lengths),
      cmocka_unit_test(regions_and_turns),
      cmocka_unit_test(grippers),
      cmocka_unit_test(combinations),
      cmocka_unit_test(held_counts_steps_in_a_row),
      cmocka_unit_test(causes_are_named),
      cmocka_unit_test(unknown_nodes_are_false),
      cmocka_unit_test(names_must_be_in_the_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
