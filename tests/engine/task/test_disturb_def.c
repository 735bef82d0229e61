// Sets of disturbances: what files may say, what they may not, and that what is written is read again.
#include "engine/task/disturb_def.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/task/task.h"

static loomTask* task;
static char path[64];

static int open_task(void** state) {
  loomError err = {0, ""};
  (void)state;
  snprintf(path, sizeof path, "/tmp/loom_set_%d.yaml", (int)getpid());
  return loom_task_load(&task, "tests/own/task.yaml", "tests/own/robots", &err);
}

static int close_task(void** state) {
  (void)state;
  unlink(path);
  loom_task_destroy(task);
  return 0;
}

static int load(const loomDisturbSet** out, const char* text, loomError* err) {
  FILE* f = fopen(path, "w");

  assert_non_null(f);
  fputs(text, f);
  fclose(f);
  return loom_disturb_find(out, task, path, err);
}

static void terms_are_numbers_ranges_or_maps(void** state) {
  (void)state;
  loomError err = {0, ""};
  const loomDisturbSet* set;

  assert_int_equal(load(&set,
                        "action_noise: 0.05\n"
                        "mass: {of: box, range: [0.5, 2], scale: log, limits: [0.1, 30]}\n"
                        "push:\n"
                        "  - {of: rod, range: [1, 5], at: [0.5, 3], direction: [0, 0, -2]}\n"
                        "  - {of: box, range: 3, at: 1, for: [0.1, 0.2]}\n",
                        &err),
                   0);
  assert_int_equal(set->count, 4);
  const loomDisturbTerm *noise = &set->terms[0], *mass = &set->terms[1], *push = &set->terms[2];

  assert_true(noise->kind == LOOM_DISTURB_ACTION_NOISE && noise->range[0] == 0.05 && noise->range[1] == 0.05);
  assert_true(mass->log && mass->limited && mass->limits[1] == 30 && !mass->timed);
  assert_string_equal(mass->of, "box");

  // What must end does, though nobody says when.
  assert_true(push[0].timed && push[0].ends && push[0].last[0] == 0.1 && push[0].directed);
  assert_true(push[0].direction[2] == -1 && !push[1].directed && push[1].last[1] == 0.2);
}

static void what_is_written_is_read_again(void** state) {
  (void)state;
  loomError err = {0, ""};
  const loomDisturbSet *set, *again;
  char* text = NULL;
  size_t n = 0;

  assert_int_equal(
      load(&set,
           "slip: {of: 1, range: [0, 0.3], at: [1, 2]}\n"
           "gains: [0.8, 1.2]\n"
           "push: [{of: rod, range: [1, 5], at: 1, direction: [0, -3, 0]}, {of: box, range: 3, at: 1}]\n"
           "friction: {of: box, range: [0.5, 2], scale: log, limits: [0.1, 30], at: 2, for: 1}\n",
           &err),
      0);

  FILE* f = open_memstream(&text, &n);
  loom_disturb_write(f, set);
  fclose(f);

  assert_int_equal(load(&again, text, &err), 0);
  free(text);

  // Terms are in the order of the table now.
  assert_int_equal(again->count, set->count);
  assert_string_equal(again->terms[4].of, "1");
  for (int i = 0; i < set->count; i++) {
    int found = 0;
    for (int k = 0; k < set->count; k++) {
      loomDisturbTerm a = set->terms[i], b = again->terms[k];
      a.line = b.line = 0;
      found += !memcmp(&a, &b, sizeof a);
    }
    assert_int_equal(found, 1);
  }
}

// Each names file, line and key.
static void mistakes_are_told_with_their_line(void** state) {
  static const struct {
    const char *text, *wanted;
  } cases[] = {
      {"mass: [1, 2]\nmas: 2\n", ":2: key 'mas': unknown; did you mean 'mass'?"},
      {"mass: [2, 0.5]\n", ":1: key 'mass': 2 is above 0.5: the lower end comes first"},
      {"mass: -1\n", ":1: key 'mass': -1 is not from 1e-06 to 1e+06"},
      {"mass: .nan\n", ":1: key 'mass': "},
      {"mass: [1, 0/0]\n", ":1: key 'mass': "},
      {"mass: [1, 2, 3]\n", ":1: key 'mass': expected a number, or a list [LOW, HIGH]"},
      {"action_delay: 1.5\n", ":1: key 'action_delay': 1.5 is no whole number"},
      {"\npush: 3\n", ":2: key 'push': expected a map that says `of` what body"},
      {"push: {of: box, range: 3}\n", ":1: key 'at': missing"},
      {"push: {of: box, range: 3, at: -1}\n", ":1: key 'at': expected times"},
      {"slip: {range: 0}\n", ":1: key 'at': missing"},
      {"mass: {range: 2, for: 1}\n", ":1: key 'for': needs `at`"},
      {"place: {range: 0.1, at: 1, for: 1}\n", ":1: key 'for': `place` is done at once"},
      {"height: {of: box, range: 0.1, at: 1}\n", ":1: key 'at': `height` is of the start only"},
      {"mass: {range: 2, direction: [0, 0, 1]}\n", ":1: key 'direction': only a `push` has one"},
      {"mass: {range: [1, 2], limits: [1.5, 3]}\n", ":1: key 'limits': the range [1, 2] is not within them"},
      {"place: {range: [-1, 1], scale: log}\n", ":1: key 'scale': logarithms are of values above 0"},
      {"mass: {range: 1, scale: lin}\n", ":1: key 'scale': expected uniform or log"},
      {"action_delay: {of: 1, range: 1}\n", ":1: key 'of': `action_delay` is of nothing in particular"},
      {"3\n", "expected a map of disturbances"},
  };
  (void)state;

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const loomDisturbSet* set;
    loomError err = {0, ""};
    assert_int_equal(load(&set, cases[i].text, &err), LOOM_ERR_FORMAT);
    assert_null(set);
    if (!strstr(err.message, cases[i].wanted) || strncmp(err.message, path, strlen(path)) != 0)
      fail_msg("%s\n  wanted %s\n  got %s", cases[i].text, cases[i].wanted, err.message);
  }
}

static void a_name_that_is_no_set_is_told(void** state) {
  (void)state;
  const loomDisturbSet* set;
  loomError err = {0, ""};

  assert_int_equal(loom_disturb_find(&set, task, "rugh", &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "no disturbances 'rugh'"));
  assert_int_equal(loom_disturb_find(&set, task, "rough", &err), 0);
  assert_string_equal(set->name, "rough");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(terms_are_numbers_ranges_or_maps),
      cmocka_unit_test(what_is_written_is_read_again),
      cmocka_unit_test(mistakes_are_told_with_their_line),
      cmocka_unit_test(a_name_that_is_no_set_is_told),
  };
  return cmocka_run_group_tests(tests, open_task, close_task);
}
