// Any lines to `demoloom teleop`, and to a dataset that its demos are added to. Errors are fine; crashes,
// leaks and endless work are not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fuzz/parts.h"
#include "tools/shared/commands.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
int fuzz_done(void);

static int saved;

int fuzz_done(void) {
  return saved;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static FILE *null, *told;
  char out[128], input[128];
  if (!null) {
    null = fopen("/dev/null", "w");
    told = stderr;
  }
  if (!null) abort();

  // Compiled models of strangers are not kept.
  setenv("DEMOLOOM_HOME", "/dev/null/none", 1);
  setenv("DEMOLOOM_SCENES", "tests/own", 1);
  write_own("lines", data, size);
  strcpy(out, own_path("out.hdf5"));
  strcpy(input, own_path("lines"));

  // What it says to a person is not looked at; a sanitizer writes past these streams.
  FILE* before = stdout;
  stdout = stderr = null;
  char* argv[] = {"teleop", "tests/own", "-o", out, "--input", input, "--echo", NULL};
  optind = 1;
  saved += cmd_teleop(7, argv) == 0;
  stdout = before;
  stderr = told;

  unlink(out);
  unlink(input);
  return 0;
}
