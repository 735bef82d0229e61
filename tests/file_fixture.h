// What tests that compare files share.
#ifndef LOOM_TESTS_FILE_FIXTURE_H
#define LOOM_TESTS_FILE_FIXTURE_H

// cmocka.h wants these before it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/// The n bytes of a file, malloc'ed; fails the test where there is none.
static inline char* read_whole(const char* path, size_t* n) {
  struct stat s;
  FILE* f = fopen(path, "rb");
  if (!f) fail_msg("%s is not there", path);
  assert_int_equal(fstat(fileno(f), &s), 0);

  char* bytes = malloc((size_t)s.st_size + 1);
  assert_non_null(bytes);

  *n = fread(bytes, 1, (size_t)s.st_size, f);
  fclose(f);
  return bytes;
}

#endif
