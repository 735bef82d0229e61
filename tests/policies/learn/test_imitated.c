// An expert's rows of a plain control task: which are taken, how a demo ends, and each mistake by its name.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/data/dataset.h"
#include "engine/run/record_demo.h"
#include "policies/learn/imitated.h"

enum { ROWS = 12, OBS = 2, ACTIONS = 1 };

// A file of one demo, with something wrong.
typedef struct made {
  const char* args;     // env_args
  const char* obs;      // the key
  int64_t rows, width;  // of actions
  int at;               // row whose number becomes `now`; -1 = none
  double now;
  bool in_action, no_dones, ended;
} made;

static const made sound = {.args = "{\"env_name\": \"toy\", \"env_kwargs\": {\"control_freq\": 20}}",
                           .obs = "obs/observation",
                           .rows = ROWS,
                           .width = ACTIONS,
                           .at = -1};

static void write_file(const char* path, const made* m) {
  static double obs[ROWS * OBS], action[ROWS * 2], state[ROWS];
  const int64_t seen[2] = {ROWS, OBS}, done[2] = {m->rows, m->width}, states[2] = {ROWS, 1}, rows = ROWS;
  int64_t dones[ROWS] = {0};
  loomDemoRecord record = {0};
  loomWriteDef write = loom_default_write_def();
  loomError err = {0, ""};
  for (int i = 0; i < ROWS * OBS; i++) obs[i] = 0.1 * i;
  for (int i = 0; i < ROWS * 2; i++) action[i] = -0.3 + 0.1 * i;

  if (m->at >= 0) *(m->in_action ? action + m->at : obs + (ptrdiff_t)m->at * OBS) = m->now;
  dones[ROWS - 1] = m->ended;

  loom_demo_record_array(&record, "actions", LOOM_TYPE_F64, action, 2, done);
  loom_demo_record_array(&record, "states", LOOM_TYPE_F64, state, 2, states);
  loom_demo_record_array(&record, m->obs, LOOM_TYPE_F64, obs, 2, seen);
  if (!m->no_dones) loom_demo_record_array(&record, "dones", LOOM_TYPE_I64, dones, 1, &rows);

  char part[300];
  snprintf(part, sizeof part, "%s.part", path);
  if (loom_demo_record_write(part, &record, "demo_0", &write, &err)) fail_msg("%s", err.message);
  loom_demo_record_destroy(&record);

  // As somebody else's file: nothing says that it is as it was written.
  loomSource source = {part, NULL};
  loomAssembleDef def = loom_default_assemble_def();
  loomAttr attr = loom_attr_string("env_args", m->args);
  def.attr = &attr;
  def.nattr = 1;
  def.trusted = true;
  def.valid = 0;
  unlink(path);
  if (loom_dataset_assemble(path, &source, 1, &def, &err)) fail_msg("%s", err.message);
  unlink(part);
}

static int read_file(loomImitated* out, const char* path, int every, loomError* err) {
  static loomControlTask task = {.name = "toy", .path = "toy.yaml", .max_steps = 50};
  static double range[2] = {-0.25, 0.5};
  const loomControlScene scene = {.task = &task, .obs = OBS, .actions = ACTIONS, .dt = 0.05, .range = range};
  const loomImitatedPick pick = {.every = every};
  return loom_imitated_of_control(out, path, &scene, &pick, err);
}

static void made_path(char path[64]) {
  strcpy(path, "/tmp/test_imitated.XXXXXX");
  int file = mkstemp(path);
  assert_true(file >= 0);
  close(file);
}

static void takes_rows(void** state) {
  (void)state;
  char path[64];
  made_path(path);
  for (int kind = 0; kind < 3; kind++) {
    made m = sound;
    m.no_dones = kind == 1;
    m.ended = kind == 2;
    loomImitated e;
    loomError err = {0, ""};
    write_file(path, &m);
    if (read_file(&e, path, 1, &err)) fail_msg("%s", err.message);

    // Time ran out where `dones` say that something followed.
    assert_true(e.n == ROWS && e.demos == 1 && e.length[0] == ROWS && e.ended[0] == (kind > 0));
    for (int i = 0; i < ROWS; i++) assert_true(e.last[i] == (i == ROWS - 1) && e.known[i] == (i < ROWS - 1));

    // -0.3, -0.2 ... 0.8 held to the range.
    assert_true(e.action[0] == (loomReal)-0.25 && e.action[1] == (loomReal)-0.2);
    assert_true(e.action[ROWS - 1] == (loomReal)0.5);
    assert_true(e.next[0] == e.state[OBS]);
    loom_imitated_destroy(&e);

    if (read_file(&e, path, 5, &err)) fail_msg("%s", err.message);
    assert_true(e.n == 2 || e.n == 3);
    assert_int_equal(e.rows[0], e.n);
    loom_imitated_destroy(&e);
  }
  unlink(path);
}

static void mistakes(void** state) {
  (void)state;
  char path[64];
  made_path(path);
  struct {
    made file;
    const char* told;
  } rows[9];
  for (int i = 0; i < 9; i++) rows[i].file = sound;
  rows[0].file.args = "{\"env_name\": \"other\"}";
  rows[0].told = "is of the task other, not of toy";
  rows[1].file.args = "{\"env_name\": \"toy\", \"env_kwargs\": {\"control_freq\": 10}}";
  rows[1].told = "has 10 control steps a second, where toy.yaml has 20";
  rows[2].file.obs = "obs/object";
  rows[2].told = "has no obs/observation";
  rows[3].file.rows = ROWS - 2;
  rows[3].told = "actions has 10 rows, where obs/observation has 12";
  rows[4].file.width = 2;
  rows[4].told = "actions has 12 rows of 2 numbers, where toy has 1 a row";
  const struct {
    double now;
    bool in_action;
  } wrong[] = {{(double)NAN, false}, {(double)INFINITY, true}, {1e300, false}, {-1e39, true}};
  for (int i = 0; i < 4; i++) {
    rows[5 + i].file.at = 7;
    rows[5 + i].file.now = wrong[i].now;
    rows[5 + i].file.in_action = wrong[i].in_action;
    rows[5 + i].told = "row 7 has a number that is not finite, or too large";
  }

  for (int i = 0; i < 9; i++) {
    loomImitated e;
    loomError err = {0, ""};
    write_file(path, &rows[i].file);
    assert_int_equal(read_file(&e, path, 1, &err), LOOM_ERR_FORMAT);
    if (!strstr(err.message, path) || !strstr(err.message, rows[i].told))
      fail_msg("case %d: '%s' does not tell '%s'", i, err.message, rows[i].told);
  }
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(takes_rows), cmocka_unit_test(mistakes)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
