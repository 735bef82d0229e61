// Files appear whole or not at all: a write that fails half-way, a process that dies, a full disk leave what
// was there, and nothing else.
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"

static char dir[64];

static const char* in_dir(const char* name) {
  static char path[400];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  return path;
}

static int files_in(const char* path) {
  int n = 0;
  DIR* d = opendir(path);
  assert_non_null(d);
  for (struct dirent* entry; (entry = readdir(d));) n += entry->d_name[0] != '.';
  closedir(d);
  return n;
}

static void expect_text(const char* path, const char* text) {
  char found[256] = "";
  FILE* f = fopen(path, "rb");
  if (!f) fail_msg("%s is not there", path);
  size_t n = fread(found, 1, sizeof found - 1, f);
  fclose(f);
  assert_int_equal(n, strlen(text));
  assert_string_equal(found, text);
}

static int make_dir(void** state) {
  (void)state;
  strcpy(dir, "/tmp/loom_atomic_XXXXXX");
  return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void** state) {
  (void)state;
  DIR* d = opendir(dir);
  if (!d) return -1;
  for (struct dirent* entry; (entry = readdir(d));) unlink(in_dir(entry->d_name));
  closedir(d);
  return rmdir(dir);
}

// ---- whole

static void what_is_there_stays_until_the_end(void** state) {
  (void)state;
  loomFile file;
  loomError err = {0, ""};

  // A file begun shows nothing of itself at its own path.
  const char* path = in_dir("a.txt");
  assert_int_equal(loom_file_write_text(path, "before\n", &err), 0);
  assert_int_equal(loom_file_begin(&file, path, &err), 0);
  assert_string_equal(file.path, path);
  fputs("after\n", file.stream);
  fflush(file.stream);
  expect_text(path, "before\n");
  expect_text(file.temporary, "after\n");
  assert_int_equal(files_in(dir), 2);

  // Once committed it takes the old one's place.
  assert_int_equal(loom_file_commit(&file, &err), 0);
  expect_text(path, "after\n");
  assert_int_equal(files_in(dir), 1);

  // Once given up it leaves no trace.
  assert_int_equal(loom_file_begin(&file, path, &err), 0);
  fputs("never\n", file.stream);
  loom_file_abort(&file);
  loom_file_abort(&file);  // a second time is nothing
  expect_text(path, "after\n");
  assert_int_equal(files_in(dir), 1);
}

// Libraries that open files themselves write by name.
static void a_library_writes_by_name(void** state) {
  (void)state;
  loomFile file;
  loomError err = {0, ""};
  assert_int_equal(loom_file_begin(&file, in_dir("a.txt"), &err), 0);
  FILE* other = fopen(file.temporary, "wb");
  assert_non_null(other);

  // Another writer's stream, closed before the commit.
  fputs("by name\n", other);
  fclose(other);
  assert_int_equal(loom_file_commit(&file, &err), 0);
  expect_text(in_dir("a.txt"), "by name\n");
}

static void an_empty_file_and_zeros(void** state) {
  (void)state;
  char zeros[3] = {0, 'x', 0};
  struct stat st;

  // Nothing at all is a file of no bytes.
  assert_int_equal(loom_file_write(in_dir("a.txt"), NULL, 0, NULL), 0);
  assert_int_equal(stat(in_dir("a.txt"), &st), 0);
  assert_int_equal(st.st_size, 0);

  // Zeros inside are bytes like others.
  assert_int_equal(loom_file_write(in_dir("a.txt"), zeros, 3, NULL), 0);
  assert_int_equal(stat(in_dir("a.txt"), &st), 0);
  assert_int_equal(st.st_size, 3);
}

// ---- what is in the way

static void leftovers_are_replaced_and_links_not_followed(void** state) {
  (void)state;
  loomError err = {0, ""};

  // A link lies where the temporary file will be.
  char victim[400];
  snprintf(victim, sizeof victim, "%s", in_dir("victim"));
  assert_int_equal(loom_file_write_text(victim, "mine\n", &err), 0);
  char temporary[400];
  snprintf(temporary, sizeof temporary, "%s", in_dir("a.txt.tmp"));
  assert_int_equal(symlink(victim, temporary), 0);

  // It is replaced, and the file that it leads to is not touched.
  assert_int_equal(loom_file_write_text(in_dir("a.txt"), "new\n", &err), 0);
  expect_text(victim, "mine\n");
  expect_text(in_dir("a.txt"), "new\n");
  assert_int_equal(files_in(dir), 2);
}

static void a_folder_or_a_device_is_not_replaced(void** state) {
  (void)state;
  loomError err = {0, ""};
  assert_int_equal(loom_file_write_text(dir, "text", &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "a folder of that name"));

  // Nor a device, which stays one.
  assert_int_equal(loom_file_write_text("/dev/null", "text", &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "/dev/null: cannot be written"));
  struct stat st;
  assert_int_equal(stat("/dev/null", &st), 0);
  assert_true(S_ISCHR(st.st_mode));
}

static void no_such_folder(void** state) {
  (void)state;
  loomFile file;
  loomError err = {0, ""};
  assert_int_equal(loom_file_begin(&file, in_dir("none/a.txt"), &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "none/a.txt: cannot be written (No such file or directory)"));
  loom_file_abort(&file);  // zeroed
}

// ---- half-way

// A limit on the size of files stands for a full disk.
static void limit_files(rlim_t bytes) {
  struct rlimit limit;

  // Past the limit, writing returns an error and sends no signal.
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes ? bytes : limit.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_write_that_fails_keeps_the_old_file(void** state) {
  (void)state;
  loomFile file;
  loomError err = {0, ""};

  // A megabyte, over a file that is there already.
  char* much = calloc(1, 1 << 20);
  assert_non_null(much);
  const char* path = in_dir("a.txt");
  assert_int_equal(loom_file_write_text(path, "before\n", &err), 0);

  // Three ways to meet the limit: at once, in a stream, and as late as the commit.
  limit_files(5000);
  int whole = loom_file_write(path, much, 1 << 20, &err);
  assert_int_equal(loom_file_begin(&file, path, NULL), 0);
  fwrite(much, 1, 1 << 20, file.stream);  // nobody looks
  loomError unseen = {0, ""};
  int stream = loom_file_commit(&file, &unseen);
  assert_int_equal(loom_file_begin(&file, path, NULL), 0);
  fwrite(much, 1, 6000, file.stream);  // not more than what is kept in memory, perhaps
  loomError late = {0, ""};
  int flushed = loom_file_commit(&file, &late);
  limit_files(0);

  // Each is told, and the old file is still whole.
  assert_int_equal(whole, LOOM_ERR_IO);
  assert_int_equal(stream, LOOM_ERR_IO);
  assert_int_equal(flushed, LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "a.txt: cannot be written (File too large)"));
  assert_non_null(strstr(unseen.message, "a.txt: cannot be written"));
  assert_non_null(strstr(late.message, "a.txt: cannot be written (File too large)"));
  expect_text(path, "before\n");
  assert_int_equal(files_in(dir), 1);
  free(much);
}

static void a_full_disk_is_told(void** state) {
  (void)state;
  static const char before[] = "before\n";
  loomError err = {0, ""};

  // A disk of 64 kB.
  char* much = calloc(1, 1 << 20);
  char path[400];
  assert_non_null(much);
  if (mount("tmpfs", dir, "tmpfs", 0, "size=64k")) {  // only the superuser may
    free(much);
    skip();
  }

  // A small file fits, a large one does not; look before the disk goes away.
  snprintf(path, sizeof path, "%s", in_dir("a.txt"));
  int small = loom_file_write_text(path, before, &err);
  int large = loom_file_write(path, much, 1 << 20, &err);
  char kept[16] = "";
  FILE* f = fopen(path, "rb");
  if (f && !fread(kept, 1, sizeof before - 1, f)) kept[0] = '\0';
  if (f) fclose(f);
  int left = files_in(dir);
  umount2(dir, MNT_DETACH);
  free(much);

  assert_int_equal(small, 0);
  assert_int_equal(large, LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "a.txt: cannot be written (No space left on device)"));
  assert_string_equal(kept, before);
  assert_int_equal(left, 1);
}

static void a_process_that_dies_harms_nothing(void** state) {
  (void)state;
  loomError err = {0, ""};
  const char* path = in_dir("a.txt");
  assert_int_equal(loom_file_write_text(path, "before\n", &err), 0);

  // A child is killed between begin and commit.
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    loomFile file;
    if (!loom_file_begin(&file, path, NULL)) fputs("half of", file.stream), fflush(file.stream);
    kill(getpid(), SIGKILL);
  }
  assert_int_equal(waitpid(child, NULL, 0), child);
  expect_text(path, "before\n");
  assert_int_equal(files_in(dir), 2);

  // The next one takes its place.
  assert_int_equal(loom_file_write_text(path, "after\n", &err), 0);
  expect_text(path, "after\n");
  assert_int_equal(files_in(dir), 1);
}

static void a_reason_is_told_or_none_is_known(void** state) {
  (void)state;
  loomFile file;
  loomError err = {0, ""};

  // With the system's reason.
  assert_int_equal(loom_file_begin(&file, in_dir("a.txt"), &err), 0);
  assert_int_equal(loom_file_fail(&file, ENOSPC, &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "a.txt: cannot be written (No space left on device)"));

  // Without one.
  assert_int_equal(loom_file_begin(&file, in_dir("a.txt"), &err), 0);
  assert_int_equal(loom_file_fail(&file, 0, &err), LOOM_ERR_IO);
  assert_non_null(strstr(err.message, "a.txt: cannot be written (Input/output error)"));
  assert_int_equal(files_in(dir), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_is_there_stays_until_the_end, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(a_library_writes_by_name, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(an_empty_file_and_zeros, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(leftovers_are_replaced_and_links_not_followed, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(a_folder_or_a_device_is_not_replaced, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(no_such_folder, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(a_write_that_fails_keeps_the_old_file, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(a_full_disk_is_told, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(a_process_that_dies_harms_nothing, make_dir, remove_dir),
      cmocka_unit_test_setup_teardown(a_reason_is_told_or_none_is_known, make_dir, remove_dir),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
