// The reference of a training run: policies/README.md shows what the tables say, and every key is explained.
#include "policies/learn/config_reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policies/learn/config.h"

static void every_key_is_explained(void** state) {
  (void)state;
  const char* section;
  size_t offset;
  int keys = 0;

  for (int s = 0; (section = loom_train_config_section(s, &offset)); s++) {
    const loomFields* fields = loom_train_config_fields(section);
    for (int i = 0; i < fields->n; i++, keys++)
      if (!fields->field[i].about || !*fields->field[i].about)
        fail_msg("%s: %s: not explained", section, fields->field[i].name);
  }

  // As many as there were when this was written, or more.
  assert_true(keys >= 70);
}

static void the_page_is_what_the_program_prints(void** state) {
  (void)state;
  char *page = calloc(1, 1 << 20), *table = NULL;
  size_t n = 0;
  FILE* file = fopen("policies/README.md", "rb");
  assert_non_null(page);
  assert_non_null(file);
  assert_true(fread(page, 1, (1 << 20) - 1, file) > 0);
  fclose(file);

  FILE* out = open_memstream(&table, &n);
  assert_non_null(out);
  loom_train_config_reference(out);
  fclose(out);

  // Between the two marks lies the text, and nothing else.
  const char mark[] = "<!-- demoloom help train -->\n";
  char* begin = strstr(page, mark);
  assert_non_null(begin);
  begin += sizeof mark - 1;
  char* end = strstr(begin, "<!-- end of demoloom help train -->");
  assert_non_null(end);
  *end = '\0';
  if (strcmp(begin, table))
    fail_msg("policies/README.md is not what `demoloom help train` prints; it says how");

  free(table);
  free(page);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_key_is_explained),
      cmocka_unit_test(the_page_is_what_the_program_prints),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
