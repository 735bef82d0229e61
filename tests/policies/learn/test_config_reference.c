// The reference of a training run: policies/README.md shows what the tables say, and every key is explained.
#include "policies/learn/config_reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policies/learn/config.h"
#include "tests/reference_fixture.h"

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
  page_shows("policies/README.md", "train", loom_train_config_reference);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_key_is_explained),
      cmocka_unit_test(the_page_is_what_the_program_prints),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
