// To be preloaded: before the KILL_AT-th of the calls that files are kept with the program is killed, as by
// kill -9: nothing is tidied, and what stdio still has in its buffers is lost. KILL_COUNT names a file that
// gets the number of calls in the end. Children are left alone. Before ctrl_c.so where both are preloaded.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int at, count;
static pid_t parent;

__attribute__((constructor)) static void begin_counting(void) {
  const char* wanted = getenv("KILL_AT");
  at = wanted ? atoi(wanted) : 0;

  parent = getpid();
}

__attribute__((destructor)) static void put_count(void) {
  const char* path = getenv("KILL_COUNT");
  FILE* file = path && getpid() == parent ? fopen(path, "w") : NULL;
  if (!file) return;

  fprintf(file, "%d\n", count);
  parent = 0;
  fclose(file);
}

static void tick(void) {
  if (parent && getpid() == parent && __atomic_add_fetch(&count, 1, __ATOMIC_SEQ_CST) == at)
    kill(parent, SIGKILL);
}

// The function of that name behind this one.
#define PASS_ON(type, name, parameters, arguments)       \
  type name parameters {                                 \
    static type(*next) parameters;                       \
    if (!next) *(void**)&next = dlsym(RTLD_NEXT, #name); \
    tick();                                              \
    return next arguments;                               \
  }

PASS_ON(int, fflush, (FILE * file), (file))
PASS_ON(int, fclose, (FILE * file), (file))
PASS_ON(int, fsync, (int fd), (fd))
PASS_ON(int, rename, (const char* from, const char* to), (from, to))
PASS_ON(int, unlink, (const char* path), (path))
PASS_ON(int, mkdir, (const char* path, mode_t mode), (path, mode))
PASS_ON(ssize_t, write, (int fd, const void* from, size_t n), (fd, from, n))
PASS_ON(ssize_t, pwrite, (int fd, const void* from, size_t n, off_t offset), (fd, from, n, offset))
PASS_ON(ssize_t, pwrite64, (int fd, const void* from, size_t n, off_t offset), (fd, from, n, offset))
