// Lists of names, and natural order.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/names.h"

static void natural_order(void** state) {
  (void)state;
  static const struct {
    const char *a, *b;
    int order;
  } cases[] = {
      {"demo_2", "demo_10", -1},
      {"demo_10", "demo_10", 0},
      {"demo_1", "demo_01", 1},  // equal as numbers, yet two names
      {"demo", "demo_1", -1},
      {"a9999999999999999999999", "a10000000000000000000000", -1},  // longer than any integer type
      {"x2y10", "x2y9", 1},
      {"a0", "a00", -1},
      {"a007b", "a7c", -1},
      {"", "a", -1},
      {"", "", 0},
      {"1", "a", -1},
      {"b1", "a2", 1},
      {"\xc3\xa4", "z", 1},  // bytes above 127 come last, whatever a char's sign
  };

  // In both directions.
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_int_equal(loom_natural_compare(cases[i].a, cases[i].b), cases[i].order);
    assert_int_equal(loom_natural_compare(cases[i].b, cases[i].a), -cases[i].order);
  }
}

static void lists_grow_and_sort(void** state) {
  (void)state;
  enum { N = 1000 };
  loomNames names = {0};

  // Sorting an empty list is nothing.
  char name[32];
  loom_names_sort(&names);

  // Added in a scrambled order.
  for (int i = 0; i < N; i++) {
    snprintf(name, sizeof name, "demo_%d", (i * 7919) % N);  // 7919 is prime: every number once
    assert_int_equal(loom_names_add(&names, name), 0);
  }

  // As numbers, demo_2 before demo_10.
  loom_names_sort(&names);
  assert_int_equal(names.n, N);
  for (int i = 0; i < N; i++) {
    snprintf(name, sizeof name, "demo_%d", i);
    assert_string_equal(names.name[i], name);
  }

  // Destroyed twice, and never made.
  loom_names_destroy(&names);
  assert_true(!names.name && names.n == 0);
  loom_names_destroy(&names);
  loom_names_destroy(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(natural_order), cmocka_unit_test(lists_grow_and_sort)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
