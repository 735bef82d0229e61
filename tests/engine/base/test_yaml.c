// YAML from strangers: whatever its length, depth and number of entries, the answer comes soon and in one
// line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/expr.h"
#include "engine/base/text.h"
#include "engine/base/yaml.h"

// Far above what any of these takes; a square of their sizes takes minutes.
enum { SOON = 100 };

static char* repeat(const char* before, const char* part, int times, const char* between, const char* after,
                    int afters, const char* end) {
  loomText text = {0};
  loom_text_puts(&text, before);
  for (int i = 0; i < times; i++) {
    char numbered[64];
    snprintf(numbered, sizeof numbered, part, i);
    loom_text_puts(&text, numbered);
  }

  loom_text_puts(&text, between);
  for (int i = 0; i < afters; i++) loom_text_puts(&text, after);
  loom_text_puts(&text, end);
  assert_false(text.failed);
  return text.s;
}

static void large_documents(void** state) {
  (void)state;
  static const struct {
    const char *before, *part;
    int times;
    const char *between, *after;
    int afters;
    const char *end, *why;
  } cases[] = {
      {"x: ", "[", 100000, "", "]", 100000, "\n", "nested too deeply"},
      {"x: ", "{a: ", 100000, "1", "}", 100000, "\n", "nested too deeply"},
      {"", "- ", 400000, "1", "", 0, "\n", "nested too deeply"},
      {"", "? ", 400000, "1", "", 0, "\n", "nested too deeply"},
      {"x: ", "[", 64, "1", "]", 64, "\n", "nested too deeply"},
      {"x: ", "[", 60, "1", "]", 60, "\n", NULL},
      {"x: [", "&a%d 1,", 80000, "", "", 0, "]\n", "anchors"},
      {"x: [", "*a,", 300000, "", "", 0, "]\n", "aliases"},
      {"a: &a [x, x]\nb: [", "*a,", 9, "", "", 0, "]\n", "anchors"},
      {"", "%%TAG !a%d! b\n", 50000, "---\nx: 1\n", "", 0, "", "%TAG"},
      {"", "k%d: 1\n", 80000, "", "", 0, "", NULL},
      {"", "k%d: 1\n", 80000, "k5: 1\n", "", 0, "", "given twice"},
      {"x: [", "1,", 300000, "", "", 0, "]\n", "too many entries"},
      {"x: [", "[],", 340000, "", "", 0, "]\n", "too many entries"},
      {"x: \"", "y", 1000000, "", "", 0, "\"\n", NULL},
      {"x: \"", "y", 1000000, "", "", 0, "\n", "not YAML"},
      {"", "x", 1000000, ": 1\n", "", 0, "", "not YAML"},
      {"x: |\n", " y\n", 300000, "", "", 0, "", NULL},
      {"", "# %d\n", 100000, "x: 1\n", "", 0, "", NULL},
      {"x: !", "y", 1000000, " 1\n", "", 0, "", NULL},
      {"x: ", "y", 1100000, "\n", "", 0, "", "larger than 1 MB"},
      {"", "---\nx: 1\n", 90000, "", "", 0, "", "too many entries"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char* text = repeat(cases[i].before, cases[i].part, cases[i].times, cases[i].between, cases[i].after,
                        cases[i].afters, cases[i].end);
    loomYaml* y = NULL;
    loomError err = {0, ""};

    alarm(SOON);
    int code = loom_yaml_parse(&y, text, strlen(text), "large.yaml", &err);
    alarm(0);

    // Taken, or refused with the reason.
    if ((code == 0) != !cases[i].why || (code && !strstr(err.message, cases[i].why)))
      fail_msg("%zu: %d %s", i, code, err.message);
    assert_int_equal(!code, y != NULL);
    loom_yaml_destroy(y);
    free(text);
  }
}

// A "number" of any length and kind is refused in a line of text, or is a number.
static void long_numbers(void** state) {
  (void)state;
  static const struct {
    const char* part;
    int times;
    bool number;
  } cases[] = {{"x", 200, false},   {"x", 1900, false},   {"x", 3000, false}, {"x", 900000, false},
               {"(", 255, false},   {"(", 100000, false}, {"1+", 100, true},  {"1+", 100000, false},
               {"-", 250, false},   {"-", 100000, false}, {"0", 250, true},   {"0", 100000, false},
               {"sin(", 60, false}, {"1?", 120, false},   {"1?2:", 60, true}, {"!", 250, false},
               {"\\", 3000, false}, {"min(", 60, false},  {"1,", 120, false}, {"pi*", 80, true}};

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char* text = repeat("x: ", cases[i].part, cases[i].times, "1", "", 0, "\n");
    loomYaml* y = NULL;
    loomError err = {0, ""};
    double value = 0;
    assert_int_equal(loom_yaml_parse(&y, text, strlen(text), "long.yaml", &err), 0);

    // As a setting's value, and as an expression with names of its own.
    int code = loom_yaml_read_number(&value, y, loom_yaml_root(y), "x", true, &err);
    const char* name = "radius";
    double radius = 1;
    text[strlen(text) - 1] = 0;
    int again = loom_expr_eval(&value, text + 3, &name, &radius, 1, code ? NULL : &err);
    if (!code != cases[i].number || !again != cases[i].number)
      fail_msg("%s, %d times: %d %d %s", cases[i].part, cases[i].times, code, again, err.message);
    if (code) assert_true(strlen(err.message) < 200 && !strchr(err.message, '\n'));

    loom_yaml_destroy(y);
    free(text);
  }
}

// Names that muParser would quote in a message.
static void long_names(void** state) {
  (void)state;
  char name[5001];
  const char* names[] = {name, "a b", "", "pi", "sin", "1"};
  double values[] = {1, 2, 3, 4, 5, 6}, value;
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = 0;

  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    loomError err = {0, ""};
    loom_expr_eval(&value, "1 + unknown", &names[i], &values[i], 1, &err);
    assert_true(strlen(err.message) > 0);
  }

  // And the parser of this thread is as good as before.
  assert_int_equal(loom_expr_eval(&value, "2 * pi", NULL, NULL, 0, NULL), 0);
  assert_true(value > 6.28 && value < 6.29);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(large_documents),
      cmocka_unit_test(long_numbers),
      cmocka_unit_test(long_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
