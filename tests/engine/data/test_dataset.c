// Round trips of every type, determinism of the bytes, and the real recordings.
#include <hdf5.h>
#include <math.h>

#include "tests/engine/data/dataset_fixture.h"

static void every_type_round_trips(void** state) {
  (void)state;
  static const double f64[] = {0.1, -0.0, 1e-310, 1.7976931348623157e308, 3, 4};
  static const float f32[] = {0.1f, -2.5f, 1e-44f};
  static const int64_t i64[] = {INT64_MIN, -1, INT64_MAX};
  static const int32_t i32[] = {INT32_MIN, 0, INT32_MAX, 5};
  static unsigned char u8[2 * 3 * 4 * 5];
  static const char* const text[] = {"a", "", "longer \xc3\xa9"};
  static double big[1000 * 7];

  for (size_t i = 0; i < sizeof u8; i++) u8[i] = (unsigned char)(i * 3);
  for (int i = 0; i < 7000; i++) big[i] = sin(i);
  loomField field[] = {
      {"f64", LOOM_TYPE_F64, 2, {2, 3}, f64},    {"obs/f32", LOOM_TYPE_F32, 1, {3}, f32},
      {"i64", LOOM_TYPE_I64, 1, {3}, i64},       {"obs/deep/i32", LOOM_TYPE_I32, 2, {1, 4}, i32},
      {"u8", LOOM_TYPE_U8, 4, {2, 3, 4, 5}, u8}, {"text", LOOM_TYPE_STR, 1, {3}, text},
      {"big", LOOM_TYPE_F64, 2, {1000, 7}, big}, {"none", LOOM_TYPE_F64, 2, {0, 3}, NULL},
      {"one", LOOM_TYPE_F64, 0, {0}, f64},
  };
  loomAttr attr[] = {loom_attr_string("s", "h\xc3\xa9 \"x\""), loom_attr_int("i", -5),
                     loom_attr_double("d", 0.1), loom_attr_string("empty", "")};
  loomRecord record = {.name = "demo_0", .nfield = 9, .field = field, .nattr = 4, .attr = attr};
  loomError err = {0};

  for (int gzip = 0; gzip < 2; gzip++) {
    loomWriteDef def = {gzip, true};
    const char* path = in_folder("types.hdf5");
    assert_int_equal(loom_shard_write(path, &record, 1, &def, &err), 0);
    loomDataset* ds;
    assert_int_equal(loom_dataset_open(&ds, path, &err), 0);
    for (int i = 0; i < record.nfield; i++) {
      const loomField* f = &field[i];
      loomArray a;
      if (loom_dataset_array(&a, ds, "data/demo_0", f->path, &err)) fail_msg("%s", err.message);
      assert_int_equal(a.type, f->type);
      assert_int_equal(a.rank, f->rank);
      for (int k = 0; k < f->rank; k++) assert_int_equal(a.shape[k], f->shape[k]);
      if (f->type == LOOM_TYPE_STR)
        for (int k = 0; k < 3; k++) assert_string_equal(((char**)a.data)[k], text[k]);
      else if (a.count)
        assert_memory_equal(a.data, f->data, (size_t)(a.count * loom_type_size(a.type)));
      loom_array_destroy(&a);
    }
    loomArray rows;
    assert_int_equal(loom_dataset_rows(&rows, ds, "data/demo_0", "big", 500, 510, &err), 0);
    assert_int_equal(rows.shape[0], 10);
    assert_memory_equal(rows.data, big + 3500, 70 * sizeof(double));
    loom_array_destroy(&rows);
    assert_int_equal(loom_dataset_rows(&rows, ds, "data/demo_0", "big", 995, 1001, &err), LOOM_ERR_USAGE);
    assert_int_equal(loom_dataset_rows(&rows, ds, "data/demo_0", "big", 3, -1, &err), LOOM_ERR_USAGE);
    assert_int_equal(loom_dataset_doubles(&rows, ds, "data/demo_0", "u8", &err), 0);
    assert_true(((double*)rows.data)[5] == 15);
    loom_array_destroy(&rows);
    assert_int_equal(loom_dataset_doubles(&rows, ds, "data/demo_0", "text", &err), LOOM_ERR_FORMAT);

    char* s;
    int64_t n;
    double d;
    assert_int_equal(loom_dataset_attr_string(&s, ds, "data/demo_0", "s", &err), 0);
    assert_string_equal(s, attr[0].text);
    free(s);
    assert_int_equal(loom_dataset_attr_string(&s, ds, "data/demo_0", "empty", &err), 0);
    assert_string_equal(s, "");
    free(s);
    assert_int_equal(loom_dataset_attr_int(&n, ds, "data/demo_0", "i", &err), 0);
    assert_int_equal(n, -5);
    assert_int_equal(loom_dataset_attr_double(&d, ds, "data/demo_0", "d", &err), 0);
    assert_true(d == 0.1);
    assert_int_equal(loom_dataset_attr_double(&d, ds, "data/demo_0", "i", &err), 0);
    assert_true(d == -5);
    assert_int_equal(loom_dataset_attr_int(&n, ds, "data/demo_0", "s", &err), LOOM_ERR_FORMAT);
    assert_int_equal(loom_dataset_attr_string(&s, ds, "data/demo_0", "d", &err), LOOM_ERR_FORMAT);
    assert_int_equal(loom_dataset_attr_int(&n, ds, "data/demo_0", "absent", &err), LOOM_ERR_FORMAT);
    assert_non_null(strstr(err.message, "absent"));
    assert_true(loom_dataset_has(ds, "data/demo_0", "obs/deep/i32"));
    assert_false(loom_dataset_has(ds, "data/demo_0", "obs/deep/i33"));
    loom_dataset_close(ds);
  }
}

static void same_demo_same_bytes(void** state) {
  (void)state;
  loomError err;

  assert_int_equal(write_demo(in_folder("a.hdf5"), "demo_0", ROWS, 3, &err), 0);
  sleep(2);  // a time stamp of seconds would show
  assert_int_equal(write_demo(in_folder("b.hdf5"), "demo_0", ROWS, 3, &err), 0);
  assert_true(hash_file(in_folder("a.hdf5")) == hash_file(in_folder("b.hdf5")));
  assert_int_equal(write_demo(in_folder("b.hdf5"), "demo_0", ROWS, 4, &err), 0);
  assert_true(hash_file(in_folder("a.hdf5")) != hash_file(in_folder("b.hdf5")));
}

static void real_demos_load(void** state) {
  (void)state;
  static const int rows[] = {641, 522, 376, 307, 253, 247, 429};
  loomError err = {0};
  loomDataset* ds = NULL;

  if (loom_dataset_open(&ds, real_demos(), &err)) fail_msg("%s", err.message);
  assert_int_equal(loom_dataset_demo_count(ds), 7);
  assert_null(loom_dataset_warning(ds));

  for (int i = 0; i < 7; i++) {
    loomDemo demo;
    char name[32];
    if (loom_demo_load(&demo, ds, i, &err)) fail_msg("%s", err.message);
    snprintf(name, sizeof name, "demo_%d", i);
    assert_string_equal(demo.name, name);
    assert_int_equal(loom_dataset_demo_index(ds, name), i);
    assert_int_equal(demo.rows, rows[i]);
    assert_int_equal(demo.action_dim, 14);
    assert_int_equal(demo.state_dim, 50);
    assert_memory_equal(demo.model_xml, "<mujoco model=\"base\">", 21);
    loom_demo_destroy(&demo);
  }
  assert_int_equal(loom_dataset_demo_index(ds, "demo_7"), -1);
  loomArray flags;
  assert_int_equal(loom_dataset_array(&flags, ds, "data/demo_0", "user_acting", &err), 0);
  assert_int_equal(flags.type, LOOM_TYPE_U8);  // h5py's booleans are an enum of bytes
  loom_array_destroy(&flags);
  loomDemo none;
  assert_int_equal(loom_demo_load(&none, ds, 7, &err), LOOM_ERR_USAGE);

  loom_dataset_close(ds);
}

static int count_arrays(void* user, const char* name, const loomArray* array, int readable,
                        const loomError* why) {
  (void)why;
  assert_int_equal(readable, 0);
  assert_true(strlen(name) > 0 && array->count > 0 && !array->data);
  ++*(int*)user;
  return 0;
}

static void visit_finds_every_array(void** state) {
  (void)state;
  loomError err;
  loomDataset* ds;
  int n = 0;

  assert_int_equal(loom_dataset_open(&ds, real_demos(), &err), 0);
  assert_int_equal(loom_dataset_visit(ds, "data/demo_0", count_arrays, &n, &err), 0);
  assert_int_equal(n, 50);

  loom_dataset_close(ds);
}

// HDF5 itself dies of demo_1 in such a file: an object of its global heap says that it is longer than the
// file.
static const char* deadly_file(void) {
  const char* path = in_folder("deadly.hdf5");
  size_t size, found = 0, at = 0;
  unsigned char* bytes = slurp(real_demos(), &size);

  for (size_t i = 0; i + 32 < size && found < 3; i++) {
    if (!memcmp(bytes + i, "GCOL", 4)) at = i, found++;
  }
  assert_int_equal(found, 3);

  for (int k = 0; k < 8; k++)
    bytes[at + 24 + (size_t)k] = (unsigned char[8]){255, 255, 255, 255, 255, 127}[k];
  FILE* file = fopen(path, "wb");
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
  free(bytes);
  return path;
}

static void demos_are_read_ahead_of_who_wants_them(void** state) {
  (void)state;
  loomError err = {0};
  loomDataset* ds;

  if (loom_dataset_open_rest(&ds, deadly_file(), &err)) fail_msg("%s", err.message);
  assert_int_equal(loom_dataset_demo_count(ds), 7);
  for (int i = 6; i >= 0; i--) {  // the last first, which is waited for
    loomDemo demo;
    int code = loom_demo_load(&demo, ds, i, &err);
    assert_int_equal(code, i == 1 ? LOOM_ERR_FORMAT : 0);
    assert_true(loom_dataset_ready(ds, i));
    if (!code) loom_demo_destroy(&demo);
  }
  assert_non_null(strstr(err.message, "demo_1"));
  assert_non_null(strstr(err.message, "HDF5 itself fails"));

  loom_dataset_close(ds);

  // Left at once: the children go too.
  if (loom_dataset_open_rest(&ds, real_demos(), &err)) fail_msg("%s", err.message);
  loom_dataset_close(ds);
}

// An array beside the demos is none of them, unless it is called as they are: then it is one that is damaged.
static void what_lies_beside_demos(void** state) {
  (void)state;
  const char* shard = in_folder("beside.hdf5");
  static const struct {
    const char* name;
    bool listed;
  } rows[] = {{"total", false}, {"demo_", false}, {"demo_7x", false}, {"demo_7", true}};
  loomError err = {0};

  for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
    remove(shard);
    assert_int_equal(write_demo(shard, "demo_0", 10, 3, &err), 0);
    hid_t file = H5Fopen(shard, H5F_ACC_RDWR, H5P_DEFAULT), data = H5Gopen2(file, "data", H5P_DEFAULT);
    hid_t space = H5Screate(H5S_SCALAR);
    H5Dclose(H5Dcreate2(data, rows[r].name, H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
    H5Gclose(data);
    H5Fclose(file);

    loomDataset* ds;
    assert_int_equal(loom_dataset_open(&ds, shard, &err), 0);
    assert_int_equal(loom_dataset_demo_count(ds), rows[r].listed ? 2 : 1);
    loom_dataset_close(ds);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_type_round_trips),  cmocka_unit_test(same_demo_same_bytes),
      cmocka_unit_test(real_demos_load),         cmocka_unit_test(what_lies_beside_demos),
      cmocka_unit_test(visit_finds_every_array), cmocka_unit_test(demos_are_read_ahead_of_who_wants_them),
  };

  return cmocka_run_group_tests_name("dataset", tests, make_folder, remove_folder);
}
