// Indexes: demos that lie in files beside it are read as if they were copied, and a stranger's links reach
// nothing else.
#include "tests/engine/data/dataset_fixture.h"

#include <hdf5.h>
#include <sys/stat.h>

static const char env_args[] = "{\"env_name\": \"X\", \"env_kwargs\": {}}";

// Two files of three and two demos, with masks; of seed and the number of the demo.
static void write_part(const char* name, int n, unsigned seed) {
  loomError err = {0, ""};
  loomSource source[4];
  static char shard[4][512];
  for (int i = 0; i < n; i++) {
    snprintf(shard[i], sizeof shard[i], "%s", in_folder("shard"));
    snprintf(shard[i] + strlen(shard[i]), 16, "%u", seed + (unsigned)i);
    assert_int_equal(write_demo(shard[i], "demo_0", ROWS - i, seed + (unsigned)i, &err), 0);
    source[i] = (loomSource){shard[i], NULL};
  }

  loomAttr attr = loom_attr_string("env_args", env_args);
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = &attr;
  def.nattr = 1;
  def.valid = 0.4;
  assert_int_equal(loom_dataset_assemble(in_folder(name), source, n, &def, &err), 0);
}

static int assemble(const char* out, const char* const* in, int n, bool index, loomError* err) {
  loomSource source[4];
  for (int i = 0; i < n; i++) source[i] = (loomSource){in[i], NULL};
  loomAssembleDef def = loom_default_assemble_def();
  def.index = index;
  return loom_dataset_assemble(out, source, n, &def, err);
}

static void make_parts(void) {
  loomError err = {0, ""};
  write_part("a.hdf5", 3, 1);
  write_part("b.hdf5", 2, 10);
  const char* in[2] = {in_folder("a.hdf5"), in_folder("b.hdf5")};
  assert_int_equal(assemble(in_folder("index.hdf5"), in, 2, true, &err), 0);
  assert_int_equal(assemble(in_folder("copy.hdf5"), in, 2, false, &err), 0);
}

static void read_as_a_copy(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomDataset *index, *copy;
  make_parts();
  assert_int_equal(loom_dataset_open(&index, in_folder("index.hdf5"), &err), 0);
  assert_int_equal(loom_dataset_open(&copy, in_folder("copy.hdf5"), &err), 0);
  assert_int_equal(loom_dataset_demo_count(index), 5);
  assert_null(loom_dataset_warning(index));

  for (int i = 0; i < 5; i++) {
    const char *demo = loom_dataset_demo_path(index, i), *names[] = {"actions", "states", "obs/object"};
    int64_t number[2];
    loomDigestCheck check;
    assert_string_equal(demo, loom_dataset_demo_path(copy, i));
    for (int k = 0; k < 3; k++) {
      loomArray a, b;
      assert_int_equal(loom_dataset_array(&a, index, demo, names[k], &err), 0);
      assert_int_equal(loom_dataset_array(&b, copy, demo, names[k], &err), 0);
      assert_int_equal(a.count, b.count);
      assert_memory_equal(a.data, b.data, (size_t)a.count * sizeof(double));
      loom_array_destroy(&a);
      loom_array_destroy(&b);
    }

    // What is in a group of a demo, and its digests, which know its name where it lies.
    assert_int_equal(loom_dataset_attr_int(&number[0], index, demo, "loom_attempt", &err), 0);
    assert_int_equal(loom_dataset_attr_int(&number[1], copy, demo, "loom_attempt", &err), 0);
    assert_int_equal(number[0], number[1]);
    assert_int_equal(loom_dataset_check_demo(&check, index, i, &err), 0);
    assert_true(check.carried && !check.differ.n);
    loom_digest_check_destroy(&check);
  }

  loomNames mask[2];
  assert_int_equal(loom_dataset_mask(&mask[0], index, "valid", &err), 0);
  assert_int_equal(loom_dataset_mask(&mask[1], copy, "valid", &err), 0);
  assert_int_equal(mask[0].n, mask[1].n);
  for (int i = 0; i < mask[0].n; i++) assert_string_equal(mask[0].name[i], mask[1].name[i]);
  loom_names_destroy(&mask[0]);
  loom_names_destroy(&mask[1]);
  loom_dataset_close(index);
  loom_dataset_close(copy);

  // A copy of the index is the copy, to the byte; and an index of an index is one of its files.
  const char* in = in_folder("index.hdf5");
  assert_int_equal(assemble(in_folder("back.hdf5"), &in, 1, false, &err), 0);
  assert_int_equal(hash_file(in_folder("back.hdf5")), hash_file(in_folder("copy.hdf5")));
  assert_int_equal(assemble(in_folder("again.hdf5"), &in, 1, true, &err), 0);
  assert_int_equal(hash_file(in_folder("again.hdf5")), hash_file(in_folder("index.hdf5")));
}

static void only_masks_are_written(void** state) {
  (void)state;
  loomError err = {0, ""};
  make_parts();
  const char* path = in_folder("index.hdf5");
  uint64_t part = hash_file(in_folder("a.hdf5"));

  const loomMask mask = {"marked", 2, (int[]){1, 4}};
  assert_int_equal(loom_dataset_set_masks(path, &mask, 1, &err), 0);
  loomDataset* index;
  loomNames demos;
  assert_int_equal(loom_dataset_open(&index, path, &err), 0);
  assert_int_equal(loom_dataset_mask(&demos, index, "marked", &err), 0);
  assert_int_equal(demos.n, 2);
  loom_names_destroy(&demos);
  loom_dataset_close(index);

  // Through a link HDF5 would write to its file.
  const loomAttr attr = loom_attr_double(LOOM_TRUST_ATTR, 0.5);
  const loomDemoAttrs demo = {"demo_0", 1, &attr};
  assert_int_equal(loom_dataset_set_demo_attrs(path, &demo, 1, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "is an index, whose demos lie in the files beside it"));
  const loomAddDef def = {env_args, ACTIONS, STATES};
  char name[LOOM_DEMO_NAME];
  assert_int_equal(loom_dataset_add(name, path, in_folder("shard1"), &def, &err), LOOM_ERR_USAGE);
  assert_int_equal(hash_file(in_folder("a.hdf5")), part);
}

// What is not beside it is no part of an index.
static void only_what_lies_beside_it(void** state) {
  (void)state;
  loomError err = {0, ""};
  make_parts();
  assert_int_equal(mkdir(in_folder("sub"), 0777), 0);
  assert_int_equal(symlink("a.hdf5", in_folder("linked.hdf5")), 0);

  const char *in[2] = {in_folder("a.hdf5"), in_folder("linked.hdf5")}, *out[2] = {"sub/i.hdf5", "i.hdf5"};
  for (int i = 0; i < 2; i++) {
    assert_int_equal(assemble(in_folder(out[i]), &in[i], 1, true, &err), LOOM_ERR_USAGE);
    assert_non_null(strstr(err.message, "plain files of its own folder"));
    assert_int_equal(access(in_folder(out[i]), F_OK), -1);
  }
}

static void strangers_links(void** state) {
  (void)state;
  static const struct {
    const char *file, *target, *says;
    bool soft, unmarked;
  } table[] = {
      {"b.hdf5", "/data/demo_1", NULL, false, false},
      {"b.hdf5", "/data/demo_1", "is an external link to '/data/demo_1' of the file 'b.hdf5'", false, true},
      {"../a.hdf5", "/data/demo_0", "is an external link", false, false},
      {"/etc/passwd", "/data/demo_0", "is an external link", false, false},
      {"sub/a.hdf5", "/data/demo_0", "is an external link", false, false},
      {"..", "/data/demo_0", "is an external link", false, false},
      {"b.hdf5", "/mask/train", "is an external link", false, false},
      {"b.hdf5", "/data/demo_0/obs", "is an external link", false, false},
      {"b.hdf5", "/data/..", "is an external link", false, false},
      {"b.hdf5", "/data/demo_7", "which has no such demo", false, false},
      {"linked.hdf5", "/data/demo_0", "is no plain file", false, false},
      {"sub", "/data/demo_0", "is no plain file", false, false},
      {"gone.hdf5", "/data/demo_0", "gone.hdf5: cannot be opened", false, false},
      {"odd.hdf5", "/data/demo_0", "is an index too", false, false},
      {"text", "/data/demo_0", "text: ", false, false},
      {"", "/data/demo_0", "is a soft link", true, false},
  };
  make_parts();
  spit(in_folder("text"), "no dataset", 10);

  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    size_t size;
    unsigned char* bytes = slurp(in_folder("index.hdf5"), &size);
    spit(in_folder("odd.hdf5"), bytes, size);
    free(bytes);

    // The last demo leads elsewhere.
    hid_t file = H5Fopen(in_folder("odd.hdf5"), H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t data = H5Gopen2(file, "data", H5P_DEFAULT);
    assert_true(H5Ldelete(data, "demo_4", H5P_DEFAULT) >= 0);
    if (table[i].soft)
      assert_true(H5Lcreate_soft(table[i].target, data, "demo_4", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    else
      assert_true(
          H5Lcreate_external(table[i].file, table[i].target, data, "demo_4", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    if (table[i].unmarked) assert_true(H5Adelete(data, "loom_index") >= 0);
    H5Gclose(data);
    H5Fclose(file);

    loomDataset* ds;
    loomArray actions;
    loomError err = {0, ""};
    int code = loom_dataset_open(&ds, in_folder("odd.hdf5"), &err);
    if (!code) {
      code = loom_dataset_array(&actions, ds, "data/demo_4", "actions", &err);
      if (!code) loom_array_destroy(&actions);
      loom_dataset_close(ds);
    }
    if (!code != !table[i].says || (code && !strstr(err.message, table[i].says)))
      fail_msg("%s of %s: code %d, '%s'", table[i].target, table[i].file, code, err.message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(read_as_a_copy),
      cmocka_unit_test(only_masks_are_written),
      cmocka_unit_test(only_what_lies_beside_it),
      cmocka_unit_test(strangers_links),
  };
  return cmocka_run_group_tests_name("engine/data/dataset_index", tests, make_folder, remove_folder);
}
