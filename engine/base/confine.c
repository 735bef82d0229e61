#include "engine/base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

// What reading a file and computing need, libc's own ways included; sanitizers too. Anything else is answered
// with EPERM, so that a libc that asks for something newer can do without.
static const int harmless[] = {
    // Files that are open, and looking at others.
    SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv), SCMP_SYS(preadv), SCMP_SYS(lseek), SCMP_SYS(_llseek),
    SCMP_SYS(close), SCMP_SYS(flock), SCMP_SYS(fadvise64), SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat),
    SCMP_SYS(fstat64), SCMP_SYS(stat64), SCMP_SYS(lstat64), SCMP_SYS(newfstatat), SCMP_SYS(fstatat64),
    SCMP_SYS(statx), SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
    // Memory.
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    // Itself.
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
    SCMP_SYS(getegid), SCMP_SYS(getrusage), SCMP_SYS(getrlimit), SCMP_SYS(sysinfo), SCMP_SYS(uname),
    SCMP_SYS(getrandom), SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity), SCMP_SYS(futex), SCMP_SYS(rseq),
    SCMP_SYS(membarrier), SCMP_SYS(set_robust_list), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    // Time.
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(times)};

// What no reading of a file ever asks for: whoever does is ended.
static const int deadly[] = {SCMP_SYS(execve),     SCMP_SYS(execveat),       SCMP_SYS(socket),
                             SCMP_SYS(socketpair), SCMP_SYS(connect),        SCMP_SYS(bind),
                             SCMP_SYS(ptrace),     SCMP_SYS(io_uring_setup), SCMP_SYS(creat)};

typedef struct scmp_arg_cmp argument;

// `call` with flags in argument number `at`: for reading only; for writing it is deadly.
static void filter_open(scmp_filter_ctx filter, int call, unsigned at) {
  const argument reads = SCMP_CMP(at, SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
  const argument writes = SCMP_CMP(at, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY);
  const argument both = SCMP_CMP(at, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDWR);

  seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &reads);
  seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS, call, 1, &writes);
  seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS, call, 1, &both);
}

// A rule that cannot be added leaves a call forbidden, never allowed.
static void fill_filter(scmp_filter_ctx filter) {
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
    seccomp_rule_add(filter, SCMP_ACT_ALLOW, harmless[i], 0);
  for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
    seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
  filter_open(filter, SCMP_SYS(open), 1);
  filter_open(filter, SCMP_SYS(openat), 2);

  // Flags of open files.
  static const int commands[] = {F_GETFD, F_SETFD, F_GETFL};
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                     SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i]));
    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl64), 1,
                     SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i]));
  }

  // Memory that is no code: nothing can be loaded.
  const argument data = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, &data);
  seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap2), 1, &data);
  seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, &data);

  // Whatever a dying libc or a sanitizer has to say, to nobody.
  const argument told = SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO);
  seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, &told);
  seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(writev), 1, &told);
}

// Files that the parent has open are none of its business.
static void close_files(void) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int i = 0; i < 3; i++) dup2(null, i);

  // An older kernel has no such call; then each that there may be.
  if (!close_range(3, ~0u, 0)) return;
  long most = sysconf(_SC_OPEN_MAX);
  for (int i = 3; i < (most > 0 && most < 65536 ? most : 65536); i++) close(i);
}

bool loom_confine(void) {
  close_files();

  // The system call for filters, not the older way of prctl: programs that run this one as valgrind does know
  // of neither, and would be confined themselves by the latter.
  enum { HAS_THE_CALL = 2 };
  if (seccomp_api_get() < HAS_THE_CALL) return false;

  // Other architectures' calls are refused by the library's own default.
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (!filter) return false;
  fill_filter(filter);
  bool loaded = !seccomp_load(filter);
  seccomp_release(filter);
  return loaded;
}

// ---- limits

static void limit_memory(double memory_mb) {
#ifndef __SANITIZE_ADDRESS__
  char text[128] = "", *end = text;
  FILE* file = fopen("/proc/self/statm", "re");
  if (file && !fgets(text, sizeof text, file)) text[0] = 0;
  if (file) fclose(file);
  unsigned long pages = strtoul(text, &end, 10);
  if (end == text) return;

  rlim_t bytes = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (rlim_t)(memory_mb * 1048576);
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur <= bytes) return;
  limit.rlim_cur = limit.rlim_max < bytes ? limit.rlim_max : bytes;
  setrlimit(RLIMIT_AS, &limit);
#else
  (void)memory_mb;
#endif
}

void loom_limit_child(double seconds, double memory_mb, bool writes) {
  static const int ends[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) signal(ends[i], SIG_DFL);

  rlim_t most = (rlim_t)(seconds < 1 ? 1 : seconds);
  struct rlimit none = {0, 0}, cpu = {most, most + 1};
  setrlimit(RLIMIT_CORE, &none);
  if (!writes) setrlimit(RLIMIT_FSIZE, &none);
  setrlimit(RLIMIT_CPU, &cpu);
  limit_memory(memory_mb);
}
