// A process killed before any one of its writes, renames and removals: the system calls that files are kept
// with pass here and are counted. For one file of a test program.
#ifndef LOOM_TESTS_KILL_FIXTURE_H
#define LOOM_TESTS_KILL_FIXTURE_H

// cmocka.h wants these before it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/error.h"

/// Shared with the children.
typedef struct ledger {
  pid_t victim;
  int calls;   // so far in this child
  int deadly;  // the call before which the victim is killed; 0 = none
} ledger;

static ledger* books;

/// Before the first child: 0, or -1 where there is no memory to share.
static inline int open_books(void) {
  books = mmap(NULL, sizeof *books, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return books == MAP_FAILED ? -1 : 0;
}

/// `work` in a process beside this one, which nobody kills; its exit status is the error's.
static inline pid_t begun_beside(int (*work)(void* user, loomError* err), void* user) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child) return child;

  loomError err = {0, ""};
  books = NULL;
  int code = work(user, &err);
  if (code) fprintf(stderr, "%s\n", err.message);
  _exit(-code);
}

/// Once it has ended; 256 where it was killed.
static inline int status_of(pid_t child) {
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

/// The exit status of `work` in its own process: the error's, or 256 when it was killed.
static inline int killed_apart(int (*work)(void* user, loomError* err), void* user, int deadly) {
  int status = 0;
  *books = (ledger){.deadly = deadly};

  // It inherits the counter, and whatever `user` has.
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    loomError err = {0, ""};
    books->victim = getpid();
    int code = work(user, &err);
    if (code && !deadly) fprintf(stderr, "%s\n", err.message);
    _exit(-code);
  }

  // As the shell would tell it.
  assert_int_equal(waitpid(child, &status, 0), child);
  books->deadly = 0;
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 256 : WEXITSTATUS(status);
}

// Others count too: a child of the victim's that tries a file first.
static inline void count_call(void) {
  if (!books || __atomic_add_fetch(&books->calls, 1, __ATOMIC_SEQ_CST) != books->deadly) return;
  kill(books->victim, SIGKILL);
  if (getpid() != books->victim) _exit(1);
}

// A write that dies has written half.
static inline bool dies_next(void) {
  return books && books->calls + 1 == books->deadly;
}

int unlink(const char* path) {
  count_call();
  return unlinkat(AT_FDCWD, path, 0);
}
int rmdir(const char* path) {
  count_call();
  return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}
int rename(const char* from, const char* to) {
  count_call();
  return renameat(AT_FDCWD, from, AT_FDCWD, to);
}
int mkdir(const char* path, mode_t mode) {
  count_call();
  return mkdirat(AT_FDCWD, path, mode);
}
int fsync(int fd) {
  count_call();
  return (int)syscall(SYS_fsync, fd);
}
ssize_t write(int fd, const void* bytes, size_t n) {
  if (dies_next()) syscall(SYS_write, fd, bytes, n / 2);
  count_call();
  return syscall(SYS_write, fd, bytes, n);
}

#endif
