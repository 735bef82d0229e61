// JSON from strangers is refused before much is made of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/base/text.h"

static void bounded(void** state) {
  (void)state;
  static const struct {
    const char *before, *part;
    int times;
    const char* after;
    int afters;
    bool taken;
  } cases[] = {
      {"", "[", 64, "]", 64, true},
      {"", "[", 65, "]", 65, false},
      {"", "{\"a\":", 1000, "1}", 1, false},
      {"", "[", 1000000, "", 0, false},
      {"[1", ",1", 999998, "]", 1, true},
      {"[1", ",1", 2000000, "]", 1, false},
      {"{\"a\": 1", ",\"a\": 1", 1500000, "}", 1, false},
      {"\"", "[[,,", 1000000, "\"", 1, true},  // brackets in a text are text
      {"\"", "\\\"[", 1000000, "\"", 1, true},
      {"\"\\\\\", ", "[", 100, "", 0, false},  // a backslash that is text itself
      {"[] ", "]", 100, "[", 100000, true},    // behind the value nothing counts
      {"\"", "x", 5000000, "\"", 1, true},
      {"", "9", 100000, "", 0, true},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomText text = {0};
    loom_text_puts(&text, cases[i].before);
    for (int k = 0; k < cases[i].times; k++) loom_text_puts(&text, cases[i].part);
    for (int k = 0; k < cases[i].afters; k++) loom_text_puts(&text, cases[i].after);

    // Within its bounds, or nothing at all.
    cJSON* json = loom_json_read(text.s);
    if (!json != !cases[i].taken) fail_msg("%zu: %s", i, json ? "taken" : "refused");
    cJSON_Delete(json);
    loom_text_destroy(&text);
  }
}

// No byte behind the length is read, and *end tells where the value ends.
static void length(void** state) {
  (void)state;
  static const char text[] = {'{', '"', 'a', '"', ':', '[', '1', ']', '}', ' ', 'x'};

  for (size_t n = 0; n <= sizeof text; n++) {
    // A block of just that size, for the sanitizers.
    char* exact = malloc(n + 1);
    assert_non_null(exact);
    memcpy(exact, text, n);
    char* shrunk = realloc(exact, n ? n : 1);

    const char* end = NULL;
    cJSON* json = loom_json_parse(shrunk, n, &end);
    assert_int_equal(json != NULL, n >= 9);
    if (json) assert_int_equal(end - shrunk, 9);
    cJSON_Delete(json);
    free(shrunk);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(bounded), cmocka_unit_test(length)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
