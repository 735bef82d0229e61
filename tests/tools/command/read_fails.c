// To be preloaded: the READ_FAILS_AT-th read of a regular file fails as on a broken disk (EIO).
// READ_FAILS_COUNT names a file that gets the number of reads in the end. Children read as they like.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fail_at, count;
static pid_t parent;

__attribute__((constructor)) static void begin_counting(void) {
  const char* at = getenv("READ_FAILS_AT");
  fail_at = at ? atoi(at) : 0;
  parent = getpid();
}

__attribute__((destructor)) static void put_count(void) {
  const char* path = getenv("READ_FAILS_COUNT");
  if (!path || getpid() != parent) return;

  FILE* file = fopen(path, "w");
  if (!file) _exit(3);
  fprintf(file, "%d\n", count);
  fclose(file);
}

static int fails(int fd) {
  struct stat st;
  if (!parent || getpid() != parent || fstat(fd, &st) || !S_ISREG(st.st_mode)) return 0;
  if (__atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST) != fail_at) return 0;

  errno = EIO;
  return 1;
}

ssize_t read(int fd, void* to, size_t n) {
  return fails(fd) ? -1 : syscall(SYS_read, fd, to, n);
}

ssize_t pread(int fd, void* to, size_t n, off_t at) {
  return fails(fd) ? -1 : syscall(SYS_pread64, fd, to, n, at);
}

ssize_t pread64(int fd, void* to, size_t n, off_t at) {
  return fails(fd) ? -1 : syscall(SYS_pread64, fd, to, n, at);
}
