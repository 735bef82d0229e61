// Work in a process of its own: what it hands over, and that nothing it does harms the one that waits.
#include <errno.h>
#include <seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/aside.h"

static int hand_over(void* user, loomShelf* shelf, void** result, loomError* err) {
  char** list = loom_shelf_take(shelf, 2 * sizeof *list);
  list[0] = loom_shelf_take(shelf, 16);
  list[1] = loom_shelf_take(shelf, (size_t)1 << 30);  // more than there is
  snprintf(list[0], 16, "%d", *(int*)user);
  *result = list;
  (void)err;

  return 0;
}

static int give_up(void* user, loomShelf* shelf, void** result, loomError* err) {
  (void)user;
  (void)shelf;
  (void)result;
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "no such thing");
}

static int crash(void* user, loomShelf* shelf, void** result, loomError* err) {
  (void)user;
  (void)shelf;
  (void)result;
  (void)err;
  abort();
}

static int never_end(void* user, loomShelf* shelf, void** result, loomError* err) {
  (void)shelf;
  (void)result;
  (void)err;
  for (volatile int* i = user; *i >= 0; *i = (*i + 1) & 1) {
  }

  return 0;
}

// What a reader has no business with.
static int open_for_writing(void* user, loomShelf* shelf, void** result, loomError* err) {
  (void)shelf;
  (void)result;
  (void)err;
  FILE* file = fopen(user, "w");

  return file ? 0 : -1;
}

static bool stop(void* user, double seconds) {
  (void)user;
  (void)seconds;
  return true;
}

static void expect_aside(int (*work)(void*, loomShelf*, void**, loomError*), void* user, bool confined,
                         bool stopped, int wanted, const char* says) {
  loomAsideDef def = loom_default_aside_def();
  loomAside out;
  loomError err = {0};
  def.what = "a.glb";
  def.work = work;
  def.user = user;
  def.confined = confined;
  def.seconds = 1;
  def.shelf_mb = 1;
  if (stopped) def.wait = stop;
  int code = loom_aside_run(&out, &def, &err);
  if (code != wanted || !strstr(err.message, says)) fail_msg("%d: %s", code, err.message);

  loom_aside_destroy(&out);
}

static void what_it_hands_over(void** state) {
  loomAsideDef def = loom_default_aside_def();
  loomAside out;
  int number = 42;
  (void)state;
  def.work = hand_over;
  def.user = &number;
  def.shelf_mb = 1;
  assert_int_equal(loom_aside_run(&out, &def, NULL), 0);
  char** list = out.result;
  assert_string_equal(list[0], "42");
  assert_null(list[1]);

  loom_aside_destroy(&out);
}

static void what_goes_wrong_there(void** state) {
  int count = 0;
  (void)state;
  expect_aside(give_up, NULL, false, false, LOOM_ERR_UNSUPPORTED, "no such thing");
  expect_aside(crash, NULL, false, false, LOOM_ERR_FORMAT, "a.glb: what reads it crashed");
  expect_aside(never_end, &count, false, false, LOOM_ERR_FORMAT, "a.glb: takes more than");
  expect_aside(never_end, &count, false, true, LOOM_ERR_INTERRUPTED, "interrupted");

  assert_int_equal(count, 0);
}

// Of four letters; then the file goes.
static void expect_text(const char* path, const char* wanted) {
  char text[8] = "";
  FILE* file = fopen(path, "r");
  assert_non_null(file);
  assert_int_equal(fread(text, 1, 7, file), 4);
  assert_string_equal(text, wanted);
  fclose(file);
  unlink(path);
}

static void it_cannot_write(void** state) {
  char path[] = "/tmp/loom-aside-XXXXXX";
  (void)state;
  int file = mkstemp(path);
  assert_true(file >= 0 && write(file, "kept", 4) == 4 && !close(file));
  expect_aside(open_for_writing, path, true, false, LOOM_ERR_FORMAT, "a.glb");
  expect_text(path, "kept");
}

static int write_kept(void* user, loomShelf* shelf, void** result, loomError* err) {
  (void)shelf;
  (void)result;
  (void)err;
  FILE* file = fopen(user, "w");
  int told = file ? fputs("made", file) : EOF;
  return file && told != EOF && !fclose(file) ? 0 : -1;
}

// Unless it is there to.
static void it_writes_where_it_may(void** state) {
  char path[] = "/tmp/loom-aside-XXXXXX";
  (void)state;
  int file = mkstemp(path);
  assert_true(file >= 0 && !close(file));
  expect_aside(write_kept, path, false, false, LOOM_ERR_FORMAT, "File size limit");

  loomAsideDef def = loom_default_aside_def();
  loomAside out;
  def.work = write_kept;
  def.user = path;
  def.shelf_mb = 0;
  def.writes = true;
  assert_int_equal(loom_aside_run(&out, &def, NULL), 0);
  loom_aside_destroy(&out);
  expect_text(path, "made");
}

// Where the system refuses filters a reader is not confined: it is told, once.
static void refused_filters_are_told(void** state) {
  (void)state;
  int status = -1, number = 7;
  if (seccomp_api_get() < 2) skip();  // there are none at all, as under valgrind

  pid_t child = fork();
  if (!child) {
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(seccomp), 0);
    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_SECCOMP));
    if (seccomp_load(filter)) _exit(77);

    loomAsideDef def = loom_default_aside_def();
    loomAside out;
    def.work = hand_over;
    def.user = &number;
    bool before = loom_aside_unconfined(), went = !loom_aside_run(&out, &def, NULL);
    bool free_one = loom_aside_unconfined();
    def.confined = true;
    went = went && !loom_aside_run(&out, &def, NULL);
    _exit(went && !before && !free_one && loom_aside_unconfined() && !loom_aside_unconfined() ? 0 : 1);
  }

  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) skip();
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_it_hands_over),       cmocka_unit_test(what_goes_wrong_there),
      cmocka_unit_test(it_cannot_write),          cmocka_unit_test(it_writes_where_it_may),
      cmocka_unit_test(refused_filters_are_told),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
