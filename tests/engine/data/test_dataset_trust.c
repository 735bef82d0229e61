// Files are read by a child before they are opened, but not again and again, and not those just written here.
#include "tests/engine/data/dataset_fixture.h"

#include <fcntl.h>

#include "engine/data/dataset_internal.h"

// Open, count the demos, close; gives how many children were made for it.
static int64_t forks_of_opening(const char* path, bool rest) {
  loomError err = {0, ""};
  loomDataset* set;
  int64_t before = loom_h5_probe_forks();
  int code = rest ? loom_dataset_open_rest(&set, path, &err) : loom_dataset_open(&set, path, &err);

  if (code) fail_msg("%s", err.message);

  // Waiting for each demo is what lets the children of loom_dataset_open_rest come to their end.
  for (int i = 0; i < loom_dataset_demo_count(set); i++)
    assert_true(loom_dataset_has(set, loom_dataset_demo_path(set, i), "actions"));

  // However slow the machine is: the test runner ends what hangs.
  while (set->probe && !loom_h5_probe_clean(set->probe)) usleep(1000);

  loom_dataset_close(set);
  return loom_h5_probe_forks() - before;
}

static void assemble_demos(const char* path) {
  loomError err = {0, ""};
  char shard[2][512];
  loomSource source[2];

  for (int i = 0; i < 2; i++) {
    snprintf(shard[i], sizeof shard[i], "%s/shard_%d.hdf5", folder, i);
    assert_int_equal(write_demo(shard[i], "demo_0", ROWS, (unsigned)i, &err), 0);
    source[i] = (loomSource){shard[i], NULL};
  }

  if (loom_dataset_assemble(path, source, 2, NULL, &err)) fail_msg("%s", err.message);
}

// One byte written where it lies, as a program outside may do: nothing but the time tells.
static void touch_byte(const char* path) {
  int file = open(path, O_RDWR | O_CLOEXEC);
  unsigned char byte;

  assert_int_equal(pread(file, &byte, 1, 100), 1);
  assert_int_equal(pwrite(file, &byte, 1, 100), 1);
  assert_int_equal(close(file), 0);
  usleep(20000);  // or the next reading could not tell a later change from this one, and would not trust it
}

static void a_file_just_written_is_trusted(void** state) {
  (void)state;
  const char* path = in_folder("own.hdf5");

  assemble_demos(path);
  for (int i = 0; i < 50; i++) assert_int_equal(forks_of_opening(path, false), 0);

  // Masks are written into a copy, which is ours as well.
  loomError err = {0, ""};
  loomMask mask = {"some", 1, (int[]){1}};
  int64_t before = loom_h5_probe_forks();

  if (loom_dataset_set_masks(path, &mask, 1, &err)) fail_msg("%s", err.message);
  assert_int_equal(loom_h5_probe_forks(), before);
  assert_int_equal(forks_of_opening(path, false), 0);
}

static void a_changed_file_is_tried_again(void** state) {
  (void)state;
  const char* path = in_folder("changed.hdf5");

  assemble_demos(path);
  touch_byte(path);
  assert_true(forks_of_opening(path, false) > 0);
  assert_int_equal(forks_of_opening(path, false), 0);
  touch_byte(path);
  assert_true(forks_of_opening(path, false) > 0);
}

// At once: still in the tick of the clock in which the file was finished, were it not waited for.
static void a_change_right_after_writing_shows(void** state) {
  (void)state;

  for (int i = 0; i < 20; i++) {
    const char* path = in_folder("at_once.hdf5");
    assemble_demos(path);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(file, "\x89", 1, 0), 1);
    assert_int_equal(close(file), 0);
    assert_true(forks_of_opening(path, false) > 0);
  }
}

static void a_foreign_file_is_tried_once(void** state) {
  (void)state;
  const char* path = in_folder("foreign.hdf5");
  size_t size;
  unsigned char* bytes = slurp(real_demos(), &size);

  spit(path, bytes, size);
  usleep(20000);
  assert_true(forks_of_opening(path, true) > 0);
  assert_int_equal(forks_of_opening(path, true), 0);
  assert_int_equal(forks_of_opening(path, false), 0);

  // Another file in its place, of the same size.
  unlink(path);
  spit(path, bytes, size);
  free(bytes);
  assert_true(forks_of_opening(path, false) > 0);
}

static void a_damaged_file_is_tried_each_time(void** state) {
  (void)state;
  const char* path = in_folder("damaged.hdf5");
  size_t size, found = 0, at = 0;
  unsigned char* bytes = slurp(real_demos(), &size);

  for (size_t i = 0; i + 32 < size && found < 3; i++)
    if (!memcmp(bytes + i, "GCOL", 4)) at = i, found++;
  memcpy(bytes + at + 24, (unsigned char[8]){255, 255, 255, 255, 255, 127}, 8);
  spit(path, bytes, size);
  free(bytes);
  usleep(20000);

  loomError err = {0, ""};
  for (int i = 0; i < 2; i++) {
    int64_t before = loom_h5_probe_forks();
    loomDataset* set;
    assert_int_equal(loom_dataset_open_shown(&set, path, &err), 0);
    assert_non_null(strstr(loom_dataset_warning(set), "damaged"));
    loom_dataset_close(set);
    assert_true(loom_h5_probe_forks() > before);
  }

  // Nor is a copy of it with other masks taken for our own work.
  loomMask mask = {"some", 1, (int[]){0}};
  assert_int_equal(loom_dataset_set_masks(path, &mask, 1, &err), LOOM_ERR_FORMAT);
  loom_dataset_on_damage(LOOM_DAMAGE_SKIP, NULL, NULL);
  if (loom_dataset_set_masks(path, &mask, 1, &err)) fail_msg("%s", err.message);
  usleep(20000);
  int64_t before = loom_h5_probe_forks();
  loomDataset* set;
  assert_int_equal(loom_dataset_open(&set, path, &err), 0);
  loom_dataset_on_damage(LOOM_DAMAGE_REFUSE, NULL, NULL);

  loom_dataset_close(set);
  assert_true(loom_h5_probe_forks() > before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_file_just_written_is_trusted),     cmocka_unit_test(a_changed_file_is_tried_again),
      cmocka_unit_test(a_change_right_after_writing_shows), cmocka_unit_test(a_foreign_file_is_tried_once),
      cmocka_unit_test(a_damaged_file_is_tried_each_time),
  };

  return cmocka_run_group_tests_name("dataset_trust", tests, make_folder, remove_folder);
}
