// A demo put together from a trace: which arrays, which rows, under which names; what is borrowed and kept.
#include "tests/own_fixture.h"

#include "engine/run/record_demo.h"

static own* o;

static int open_fixture(void** state) {
  int code = open_own(state);
  o = *state;
  return code;
}

static const loomField* field_of(const loomDemoRecord* r, const char* path) {
  for (int i = 0; i < r->nfield; i++)
    if (!strcmp(r->field[i].path, path)) return &r->field[i];
  fail_msg("no array %s", path);
  return NULL;
}

static double number_at(const loomField* field, int64_t i) {
  return ((const double*)field->data)[i];
}

static void rows_of_a_trace(void** state) {
  (void)state;
  enum { FIRST = 5, ROWS = 7 };
  const loomTrace* t = &o->trace;
  loomDemoRecord r = {0};
  unsigned arrays = LOOM_DEMO_ACTIONS | LOOM_DEMO_STATES | LOOM_DEMO_REWARDS | LOOM_DEMO_OBS |
                    LOOM_DEMO_NEXT_OBS | LOOM_DEMO_EEF_POSES | LOOM_DEMO_OBJECT_POSES;

  loom_demo_record_rows(&r, arrays, t, o->e, FIRST, ROWS);
  assert_false(r.out_of_memory);

  const loomField* actions = field_of(&r, "actions");
  assert_int_equal(actions->shape[0], ROWS);
  assert_int_equal(actions->shape[1], t->action_dim);
  assert_true(actions->data == t->actions + (ptrdiff_t)FIRST * t->action_dim);
  assert_true(field_of(&r, "states")->data == t->states + (ptrdiff_t)FIRST * t->state_dim);

  // The last row of a piece is its end, whether the episode goes on or not.
  const int64_t* dones = field_of(&r, "dones")->data;
  for (int i = 0; i < ROWS; i++) assert_int_equal(dones[i], i == ROWS - 1);

  // next_obs is the same a row later.
  const loomField *now = field_of(&r, "obs/robot0_eef_pos"), *next = field_of(&r, "next_obs/robot0_eef_pos");
  assert_int_equal(now->shape[1], 3);

  for (int i = 0; i < 3 * (ROWS - 1); i++) assert_true(number_at(next, i) == number_at(now, i + 3));

  // The end effector is where it was seen, and objects are those of the row.
  const loomField* eef = field_of(&r, "datagen_info/eef_pose");
  for (int i = 0; i < ROWS; i++)
    for (int k = 0; k < 3; k++)
      assert_true(number_at(eef, (ptrdiff_t)16 * i * t->arm_count + 4 * k + 3) == number_at(now, 3 * i + k));
  const loomField* rod = field_of(&r, "datagen_info/object_poses/rod");
  assert_true(rod->data == t->object + (ptrdiff_t)16 * (t->capacity + FIRST));

  loom_demo_record_destroy(&r);
  assert_int_equal(r.nfield, 0);
}

static void kept_arrays_outlive_the_trace(void** state) {
  (void)state;
  double borrowed[4] = {1, 2, 3, 4};
  char path[] = "some/array";
  loomDemoRecord r = {0};

  loom_demo_record_array(&r, path, LOOM_TYPE_F64, borrowed, 2, (int64_t[]){2, 2});
  int64_t* own_rows = loom_demo_record_room(&r, "own", LOOM_TYPE_I64, 1, (int64_t[]){3});
  assert_int_equal(own_rows[0] + own_rows[1] + own_rows[2], 0);
  own_rows[2] = 7;
  loom_demo_record_array(&r, "gone", LOOM_TYPE_F64, borrowed, 1, (int64_t[]){4});
  loom_demo_record_remove(&r, 2);
  loom_demo_record_keep(&r);
  memset(borrowed, 0, sizeof borrowed);
  memset(path, 'x', 4);

  assert_int_equal(r.nfield, 2);
  assert_true(number_at(field_of(&r, "some/array"), 3) == 4);
  assert_int_equal(((const int64_t*)field_of(&r, "own")->data)[2], 7);

  loom_demo_record_destroy(&r);
}

static void written_and_read(void** state) {
  (void)state;
  char path[96];
  loomError err = {0, ""};
  loomDemoRecord r = {0};
  loomWriteDef write = loom_default_write_def();

  snprintf(path, sizeof path, "%s.record", o->path);
  loom_demo_record_rows(&r, LOOM_DEMO_ACTIONS | LOOM_DEMO_STATES, &o->trace, o->e, 0, o->trace.rows);
  for (int i = 0; i < 9; i++) loom_demo_record_attr(&r, loom_attr_int(i % 2 ? "odd" : "even", i));
  loom_demo_record_attr(&r, loom_attr_string("model_file", "<mujoco/>"));
  must(loom_demo_record_write(path, &r, "demo_3", &write, &err), &err);

  loom_demo_record_destroy(&r);

  loomDataset* set;
  loomDemo demo;
  must(loom_dataset_open(&set, path, &err), &err);
  assert_string_equal(loom_dataset_demo_name(set, 0), "demo_3");
  must(loom_demo_load(&demo, set, 0, &err), &err);
  assert_int_equal(demo.rows, o->trace.rows);
  assert_memory_equal(demo.actions, o->trace.actions, sizeof(double) * (size_t)(demo.rows * demo.action_dim));
  assert_memory_equal(demo.states, o->trace.states, sizeof(double) * (size_t)(demo.rows * demo.state_dim));
  assert_string_equal(demo.model_xml, "<mujoco/>");
  int64_t even = 0;
  must(loom_dataset_attr_int(&even, set, "data/demo_3", "even", &err), &err);
  assert_int_equal(even, 8);

  loom_demo_destroy(&demo);
  loom_dataset_close(set);
  unlink(path);
}

static void out_of_memory_is_told_at_the_end(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomRecord out;
  loomDemoRecord r = {.out_of_memory = true};

  loom_demo_record_rows(&r, LOOM_DEMO_ACTIONS | LOOM_DEMO_OBS, &o->trace, o->e, 0, 3);
  loom_demo_record_attr(&r, loom_attr_int("n", 1));
  assert_int_equal(r.nfield + r.nattr, 0);
  assert_int_equal(loom_demo_record_finish(&out, &r, "demo_0", &err), LOOM_ERR_MEMORY);

  loom_demo_record_destroy(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_of_a_trace),
      cmocka_unit_test(kept_arrays_outlive_the_trace),
      cmocka_unit_test(written_and_read),
      cmocka_unit_test(out_of_memory_is_told_at_the_end),
  };

  return cmocka_run_group_tests_name("record_demo", tests, open_fixture, close_own);
}
