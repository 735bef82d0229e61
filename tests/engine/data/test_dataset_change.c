// Changing a dataset: killed before any one of the calls that write to it, it is as it was or as it was to
// be, and the next change finds nothing in its way.
#include "tests/engine/data/dataset_fixture.h"

#include <dirent.h>

#include "tests/kill_fixture.h"

// Of HDF5's own writes.
ssize_t pwrite(int fd, const void* bytes, size_t n, off_t at) {
  if (dies_next()) syscall(SYS_pwrite64, fd, bytes, n / 2, at);
  count_call();
  return syscall(SYS_pwrite64, fd, bytes, n, at);
}

// ---- the changes

static const char env_args[] = "{\"env_name\": \"X\", \"env_kwargs\": {}}";
static char shard[2][512];

// Two demos, with a mask.
static int assemble(const char* path, loomError* err) {
  const loomSource source[2] = {{shard[0], NULL}, {shard[1], NULL}};
  loomAttr attr = loom_attr_string("env_args", env_args);

  // The same each time, but for the shards.
  loomAssembleDef def = loom_default_assemble_def();
  def.attr = &attr;
  def.nattr = 1;
  return loom_dataset_assemble(path, source, 2, &def, err);
}

static int merge(const char* path, loomError* err) {
  return assemble(path, err);
}

static int set_masks(const char* path, loomError* err) {
  const loomMask mask = {"marked", 1, (int[]){1}};
  return loom_dataset_set_masks(path, &mask, 1, err);
}

static int add(const char* path, loomError* err) {
  const loomAddDef def = {env_args, ACTIONS, STATES};
  char name[LOOM_DEMO_NAME];
  return loom_dataset_add(name, path, shard[1], &def, err);
}

static int set_attrs(const char* path, loomError* err) {
  const loomAttr attr[2] = {loom_attr_double(LOOM_TRUST_ATTR, 0.5),
                            loom_attr_int(LOOM_TRUST_REPLAYS_ATTR, 6)};
  const loomDemoAttrs demo[2] = {{"demo_0", 2, attr}, {"demo_1", 1, attr}};
  return loom_dataset_set_demo_attrs(path, demo, 2, err);
}

typedef int changeFunction(const char* path, loomError* err);

typedef struct changing {
  changeFunction* change;
  const char* path;
} changing;

static int change_file(void* user, loomError* err) {
  const changing* c = user;
  return c->change(c->path, err);
}

static int change_apart(changeFunction* change, const char* path, int deadly) {
  changing c = {change, path};
  return killed_apart(change_file, &c, deadly);
}

static int files_in_folder(void) {
  DIR* dir = opendir(folder);
  int n = 0;
  assert_non_null(dir);
  for (struct dirent* entry; (entry = readdir(dir));) n += entry->d_name[0] != '.';
  closedir(dir);
  return n;
}

static void killed_anywhere(changeFunction* change) {
  const char *before = in_folder("before.hdf5"), *after = in_folder("after.hdf5"),
             *path = in_folder("d.hdf5");
  loomError err = {0, ""};
  size_t n;
  snprintf(shard[0], sizeof shard[0], "%s/one.hdf5", folder);
  snprintf(shard[1], sizeof shard[1], "%s/two.hdf5", folder);

  // What is there, and what it is to become.
  for (unsigned i = 0; i < 2; i++) assert_int_equal(write_demo(shard[i], "demo_0", ROWS, 5 - i, &err), 0);
  if (assemble(before, &err)) fail_msg("%s", err.message);
  unsigned char* bytes = slurp(before, &n);
  for (unsigned i = 0; i < 2; i++) assert_int_equal(write_demo(shard[i], "demo_0", 10, 7 + i, &err), 0);
  spit(after, bytes, n);
  assert_int_equal(change_apart(change, after, 0), 0);

  // How many calls there are to die before.
  int calls = books->calls, step = getenv("LOOM_QUICK") ? 5 : 1;
  uint64_t was = hash_file(before), is = hash_file(after);
  assert_true(was != is);
  assert_true(calls > 5);

  for (int deadly = 1; deadly <= calls; deadly += step) {
    // Killed by itself, on what is there.
    spit(path, bytes, n);
    int files = files_in_folder();
    assert_int_equal(change_apart(change, path, deadly), 256);

    // All of the one or all of the other.
    uint64_t found = hash_file(path);
    if (found != was && found != is) fail_msg("killed at call %d of %d: half changed", deadly, calls);

    // Once more, on what it was: nothing of the killed change is in its way, or stays.
    if (found == is) spit(path, bytes, n);
    assert_int_equal(change_apart(change, path, 0), 0);
    if (hash_file(path) != is) fail_msg("killed at call %d of %d: changed otherwise", deadly, calls);
    assert_int_equal(files_in_folder(), files);
  }

  free(bytes);
}

static void killed_anywhere_while_merging(void** state) {
  (void)state;
  killed_anywhere(merge);
}

static void killed_anywhere_while_masks_are_set(void** state) {
  (void)state;
  killed_anywhere(set_masks);
}

static void killed_anywhere_while_a_demo_is_added(void** state) {
  (void)state;
  killed_anywhere(add);
}

static void killed_anywhere_while_attributes_are_set(void** state) {
  (void)state;
  killed_anywhere(set_attrs);
}

int main(void) {
  if (open_books()) return 1;

  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(killed_anywhere_while_merging, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(killed_anywhere_while_masks_are_set, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(killed_anywhere_while_a_demo_is_added, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(killed_anywhere_while_attributes_are_set, make_folder, remove_folder)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
