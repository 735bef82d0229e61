// The program itself, for tests of what it says and does.
#ifndef LOOM_TESTS_TOOLS_PROGRAM_FIXTURE_H
#define LOOM_TESTS_TOOLS_PROGRAM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>

static inline const char* program(void) {
  const char* named = getenv("LOOM_PROGRAM");
  return named ? named : "build/demoloom";
}

/// Exit status of a command of the program with the scenes of tests/own, 128 and more where a signal ended
/// it. What it said on stdout and stderr is left in said (size), cut where it is longer.
static inline int run_program(char* said, size_t size, const char* arguments) {
  char command[2048];
  snprintf(command, sizeof command, "DEMOLOOM_SCENES=tests/own timeout 900 %s %s 2>&1 </dev/null", program(),
           arguments);
  FILE* pipe = popen(command, "r");
  assert_non_null(pipe);

  size_t n = fread(said, 1, size - 1, pipe);
  said[n] = '\0';
  while (!feof(pipe)) fgetc(pipe);  // the rest, or it could not end
  int status = pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
