#include "tools/shared/child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/shared/common.h"

static bool redirect(int to, const char* path) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool done = file >= 0 && dup2(file, to) >= 0;
  if (file >= 0) close(file);
  return done;
}

void tool_child_begin(pid_t parent, const char* out, const char* log) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);

  if (getppid() != parent || !redirect(STDOUT_FILENO, out) || (log && !redirect(STDERR_FILENO, log)))
    _exit(EXIT_FAILED);
}

int tool_child_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

double tool_child_seconds(const struct rusage* use) {
  return (double)use->ru_utime.tv_sec + (double)use->ru_stime.tv_sec +
         1e-6 * (double)(use->ru_utime.tv_usec + use->ru_stime.tv_usec);
}

double tool_add_seconds(const char* path, double seconds) {
  char line[64];
  double sum = 0;
  FILE* file = fopen(path, "a+b");
  if (!file) return seconds;
  fprintf(file, "%.3f\n", seconds);
  fflush(file);

  rewind(file);
  while (fgets(line, sizeof line, file)) sum += strtod(line, NULL);
  fclose(file);
  return sum;
}
