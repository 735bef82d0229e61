// What tests of reference pages share: between two marks a page holds just what `demoloom help NAME` prints.
#ifndef LOOM_TESTS_REFERENCE_FIXTURE_H
#define LOOM_TESTS_REFERENCE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline void page_shows(const char* path, const char* name, void (*print)(FILE*)) {
  char *page = calloc(1, 1 << 20), *printed = NULL, mark[80];
  size_t n = 0;
  FILE* file = fopen(path, "rb");
  assert_non_null(page);
  assert_non_null(file);
  assert_true(fread(page, 1, (1 << 20) - 1, file) > 0);
  fclose(file);

  // What the program prints.
  FILE* out = open_memstream(&printed, &n);
  assert_non_null(out);
  print(out);
  fclose(out);

  // And what stands between the marks.
  snprintf(mark, sizeof mark, "<!-- demoloom help %s -->\n", name);
  char* begin = strstr(page, mark);
  assert_non_null(begin);
  begin += strlen(mark);
  snprintf(mark, sizeof mark, "<!-- end of demoloom help %s -->", name);
  char* end = strstr(begin, mark);
  assert_non_null(end);
  *end = '\0';
  if (strcmp(begin, printed)) fail_msg("%s is not what `demoloom help %s` prints; it says how", path, name);

  free(printed);
  free(page);
}

#endif
