// Task files of plain control tasks: the five of tests/gym, defaults, and what is refused with its line and
// key.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/task/control_task.h"

static void reads_the_tasks(void** state) {
  (void)state;
  static const char* const files[] = {"half_cheetah", "hopper", "walker2d", "inverted_double_pendulum",
                                      "pusher"};

  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char path[128];
    loomControlTask* task;
    loomError err = {0, ""};
    snprintf(path, sizeof path, "tests/gym/%s.yaml", files[i]);

    assert_true(loom_is_control_task(path));
    if (loom_control_task_load(&task, path, &err)) fail_msg("%s", err.message);
    assert_string_equal(task->name, files[i]);
    assert_string_equal(task->dir, "tests/gym");
    loom_control_task_destroy(task);
  }
  assert_false(loom_is_control_task("tests/own/task.yaml"));
  assert_false(loom_is_control_task("tests/gym/none.yaml"));
}

static void has_defaults(void** state) {
  (void)state;
  static const char text[] =
      "{task: t, gym: {model: m.xml, observe: [{of: qvel}], reward: [{term: action}], healthy: [{of: "
      "qpos}]}}";
  loomControlTask* t;
  loomError err = {0, ""};

  if (loom_control_task_parse(&t, text, strlen(text), "a/b.yaml", &err)) fail_msg("%s", err.message);
  assert_true(t->frame_skip == 1 && t->max_steps == 1000 && !t->asset[0] && !t->noise_count);
  assert_true(t->observe[0].of == LOOM_QUANTITY_QVEL && !t->observe[0].count && t->observe[0].clip == 0);
  assert_true(t->reward[0].weight == 1 && t->healthy[0].above == -INFINITY &&
              t->healthy[0].below == INFINITY);
  assert_string_equal(t->dir, "a");
  loom_control_task_destroy(t);
}

#define GYM(settings) "task: t\ngym:\n  model: m.xml\n  " settings "\n"
#define SOUND "observe: [{of: qpos}]\n  reward: [{term: action}]\n  "

static void refuses(void** state) {
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"task: t\n", "t.yaml:1: key 'gym'"},
      {"task: t\ngym: 3\n", "expected a map"},
      {"task: t\ngym: {}\n", "'model'"},
      {GYM("observe: [{of: qpos}]"), "'reward': missing"},
      {GYM("reward: [{term: action}]"), "'observe': missing"},
      {GYM(SOUND "frame_skip: 0"), "t.yaml:6: key 'frame_skip'"},
      {GYM(SOUND "max_step: 9"), "max_steps"},
      {GYM("observe: [{of: speed}]"), "qpos, qvel"},
      {GYM("observe: [{of: body}]"), "has to be named"},
      {GYM("observe: [{of: qpos, name: x}]"), "only bodies and sites"},
      {GYM("observe: {of: qpos}"), "a list of maps"},
      {GYM("observe: [7]"), "expected a map"},
      {GYM("observe: [{of: qpos, from: -1}]"), "'from'"},
      {GYM("observe: [{of: qpos}]\n  reward: [{weight: 1}]"), "'term': missing"},
      {GYM("observe: [{of: qpos}]\n  reward: [{term: praise}]"), "healthy, velocity"},
      {GYM("observe: [{of: qpos}]\n  reward: [{term: action, weight: .nan}]"), "'weight'"},
      {GYM("observe: [{of: qpos}]\n  reward: [{term: distance, of: body, name: a}]"), "'to'"},
      {GYM("observe: [{of: qpos}]\n  reward: [{term: learned}]"), "'file'"},
      {GYM("observe: [{of: qpos}]\n  reward: [{term: action, file: a}]"), "'file'"},
      {GYM("observe: [{of: qpos}]\n  reward: [{term: action, shaped: true}]"), "'shaped': only a learned"},
      {GYM(SOUND "healthy: [{of: qpos, above: high}]"), "'above'"},
      {GYM(SOUND "reset: [{of: body, scale: 1}]"), "a reset sets qpos and qvel"},
      {GYM(SOUND "reset: [{of: qpos}]"), "'scale'"},
      {GYM(SOUND "reset: [{of: qpos, noise: loud, scale: 1}]"), "uniform, normal, box"},
      {GYM(SOUND "reset: [{of: qpos, noise: box, low: [0, 1], high: [1]}]"), "an entry each"},
      {GYM(SOUND "reset: [{of: qpos, noise: box, low: [0], high: [1], away: 2}]"), "'away'"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomControlTask* t;
    loomError err = {0, ""};

    assert_int_equal(loom_control_task_parse(&t, cases[i].text, strlen(cases[i].text), "t.yaml", &err),
                     LOOM_ERR_FORMAT);
    assert_null(t);
    if (!strstr(err.message, cases[i].message))
      fail_msg("'%s' does not tell %s", err.message, cases[i].message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_the_tasks),
      cmocka_unit_test(has_defaults),
      cmocka_unit_test(refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
