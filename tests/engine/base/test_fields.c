// Tables of fields: each type read from YAML and set from a text, written and read again the same, and what
// is out of range, unknown or of the wrong type named by what was wanted.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "engine/base/fields.h"

typedef struct thing {
  char name[8];
  int n;
} thing;

typedef struct settings {
  bool quiet;
  int epochs;
  int64_t seed;
  double rate;
  int color;
  char mask[8];
  const char* file;
  loomSizes layers;
  char key[3][6];
  int keys;
  thing thing[2];
  int things;
  int hidden;  // of some kinds only
} settings;

enum { ROUND = 1, SQUARE = 2 };

static const loomFieldDef thing_rows[] = {LOOM_FIELD(thing, TEXT, name, .about = "its name"),
                                          LOOM_FIELD(thing, INT, n, .high = 9)};
static const loomFields thing_fields = LOOM_FIELDS(thing_rows);
static const char* const colors[] = {"red", "green", NULL};

static const loomFieldDef rows[] = {
    LOOM_FIELD(settings, BOOL, quiet, .about = "says nothing"),
    LOOM_FIELD(settings, INT, epochs, .low = 1, .high = 10, .unit = "passes", .about = "over the data"),
    LOOM_FIELD(settings, INT64, seed, .high = INT64_MAX, .about = "of what is random"),
    LOOM_FIELD(settings, REAL, rate, .least = 0.5, .most = 2, .about = "of learning"),
    LOOM_FIELD(settings, CHOICE, color, .choices = colors, .about = "of the curve"),
    LOOM_FIELD(settings, TEXT, mask, .about = "only its demos"),
    LOOM_FIELD(settings, STRING, file, .about = "to read"),
    LOOM_FIELD(settings, SIZES, layers, .low = 1, .high = 64, .about = "units"),
    LOOM_FIELD_AS("keys", settings, NAMES, key, .size = 6, .count = offsetof(settings, keys),
                  .about = "seen"),
    LOOM_FIELD_AS("things", settings, MAPS, thing, .size = sizeof(thing), .count = offsetof(settings, things),
                  .items = &thing_fields),
    LOOM_FIELD(settings, INT, hidden, .low = 1, .high = 8, .when = SQUARE),
};
static const loomFields fields = LOOM_FIELDS(rows);

static int read_yaml(settings* s, const char* text, unsigned now, loomError* err) {
  loomYaml* y;
  *s = (settings){.epochs = 3, .rate = 1, .color = 1};

  int code = loom_yaml_parse(&y, text, strlen(text), "set.yaml", err);
  if (code) return code;

  code = loom_fields_read(s, &fields, y, loom_yaml_root(y), now, "round ones", err);
  loom_yaml_destroy(y);
  return code;
}

static settings good(const char* text) {
  settings s;

  loomError err = {0, ""};
  if (read_yaml(&s, text, SQUARE, &err)) fail_msg("%s: %s", text, err.message);
  return s;
}

static const char* const everything =
    "quiet: true\nepochs: 10\nseed: 9223372036854775807\nrate: 2/3\ncolor: red\nmask: \"a \\\"b\\\"\\\\\"\n"
    "layers: [64, 1]\nkeys: [a, bcdef]\nthings: [{name: x, n: 4}, {name: y}]\nhidden: 2*4\n";

static void everything_is(const settings* s) {
  assert_true(s->quiet && s->epochs == 10 && s->seed == INT64_MAX && s->rate == 2.0 / 3 && s->color == 0);
  assert_string_equal(s->mask, "a \"b\"\\");
  assert_true(s->layers.n == 2 && s->layers.size[0] == 64 && s->layers.size[1] == 1);
  assert_true(s->keys == 2 && !strcmp(s->key[0], "a") && !strcmp(s->key[1], "bcdef"));
  assert_true(s->things == 2 && s->thing[0].n == 4 && s->thing[1].n == 0 && !strcmp(s->thing[1].name, "y"));
  assert_int_equal(s->hidden, 8);
}

static void from_yaml(void** state) {
  (void)state;

  // Everything, then nothing.
  settings s = good(everything);
  everything_is(&s);
  s = good("{}");
  assert_true(!s.quiet && s.epochs == 3 && s.rate == 1 && s.color == 1 && !s.keys);
}

static void to_yaml_and_back(void** state) {
  (void)state;

  settings s = good(everything);
  char* text = NULL;
  size_t size = 0;

  FILE* out = open_memstream(&text, &size);
  assert_non_null(out);
  loom_fields_write(out, &s, &fields, SQUARE);
  fclose(out);

  settings again = good(text);
  everything_is(&again);
  free(text);
}

// JSON is YAML too.
static void to_json_and_back(void** state) {
  (void)state;

  settings s = good(everything);
  s.seed = (int64_t)1 << 40;  // numbers of JSON are doubles

  cJSON* out = cJSON_CreateObject();
  loom_fields_json(out, &s, &fields, SQUARE);
  char* text = cJSON_Print(out);

  // Lists of maps are no part of it.
  settings again = good(text);
  assert_true(again.seed == s.seed && again.things == 0);
  again.seed = INT64_MAX;
  memcpy(again.thing, s.thing, sizeof s.thing);
  again.things = s.things;
  everything_is(&again);

  cJSON_free(text);
  cJSON_Delete(out);

  // What is for others, or no number, is left out.
  s.rate = NAN;
  out = cJSON_CreateObject();
  loom_fields_json(out, &s, &fields, ROUND);
  assert_true(cJSON_HasObjectItem(out, "epochs") && !cJSON_HasObjectItem(out, "rate"));
  assert_false(cJSON_HasObjectItem(out, "hidden"));
  cJSON_Delete(out);
}

static void from_texts(void** state) {
  (void)state;
  static const struct {
    const char *field, *text;
    bool right;
  } cases[] = {
      {"quiet", "true", true},
      {"quiet", "yes", false},
      {"epochs", "10", true},
      {"epochs", "1e1", true},
      {"epochs", "0", false},
      {"epochs", "11", false},
      {"epochs", "1.5", false},
      {"epochs", "1x", false},
      {"epochs", "", false},
      {"seed", "9223372036854775807", true},
      {"seed", "9223372036854775808", false},
      {"seed", "-1", false},
      {"rate", "0.5", true},
      {"rate", "1/2", true},
      {"rate", "2.01", false},
      {"rate", "nan", false},
      {"rate", "inf", false},
      {"color", "green", true},
      {"color", "gree", false},
      {"mask", "1234567", true},
      {"mask", "12345678", false},
      {"file", "anything", true},
      {"layers", "1,2,3,4,5,6,7,8", true},
      {"layers", "1,2,3,4,5,6,7,8,9", false},
      {"layers", "1,,2", false},
      {"layers", "65", false},
      {"layers", "", true},
      {"keys", "abcde", true},
      {"keys", "abcdef", false},
      {"things", "x", false},
  };

  // Set, or left alone.
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    settings s = {.epochs = 3, .rate = 1, .color = 1}, before = s;
    const loomFieldDef* f = loom_fields_find(&fields, cases[i].field);
    assert_non_null(f);
    if (loom_field_set(&s, f, cases[i].text) != cases[i].right)
      fail_msg("%s: '%s' is %s", cases[i].field, cases[i].text, cases[i].right ? "right" : "wrong");
    if (!cases[i].right) assert_memory_equal(&s, &before, sizeof s);
  }

  assert_null(loom_fields_find(&fields, "epoch"));

  // One more name at a time, as long as there is room.
  settings s = {0};
  const loomFieldDef* keys = loom_fields_find(&fields, "keys");
  for (int i = 0; i < 3; i++) assert_true(loom_field_set(&s, keys, "k"));
  assert_false(loom_field_set(&s, keys, "k"));
  assert_int_equal(s.keys, 3);
}

static void mistakes(void** state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"quiet: yes", "set.yaml:1: key 'quiet': expected true or false, found 'yes'"},
      {"rate: 1\nepochs: 0", "set.yaml:2: key 'epochs': expected a whole number from 1 to 10, found '0'"},
      {"epochs: [1]", "key 'epochs': expected a whole number from 1 to 10"},
      {"rate: 3", "key 'rate': expected a number from 0.5 to 2, found '3'"},
      {"rate: fast", "expected a number from 0.5 to 2, found 'fast'"},
      {"color: blue", "key 'color': expected one of red, green, found 'blue'"},
      {"mask: abcdefgh", "key 'mask': expected a text of at most 7 characters, found 'abcdefgh'"},
      {"layers: 3", "key 'layers': expected whole numbers from 1 to 64, found '3'"},
      {"layers: [3, 0.5]", "expected whole numbers from 1 to 64, found '0.5'"},
      {"layers: [1,1,1,1,1,1,1,1,1]", "key 'layers': at most 8 entries, found 9"},
      {"keys: [a, b, c, d]", "key 'keys': at most 3 entries, found 4"},
      {"keys: [abcdef]", "at most 3 texts of at most 5 characters, found 'abcdef'"},
      {"things: x", "key 'things': expected a list of 1 to 2 things"},
      {"things: [{name: x, n: 10}]", "key 'n': expected a whole number from 0 to 9"},
      {"things: [{nam: x}]", "key 'nam': unknown; did you mean 'name'?"},
      {"epoch: 1", "key 'epoch': unknown; did you mean 'epochs'?"},
      {"hidden: 2", "key 'hidden': means nothing for round ones"},
      {"[1]", "expected keys and values"},
  };

  // By line, key and what was found.
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    settings s;
    loomError err = {0, ""};
    int code = read_yaml(&s, cases[i].text, ROUND, &err);
    if (code != LOOM_ERR_FORMAT || !strstr(err.message, cases[i].says))
      fail_msg("%s: '%s' does not say '%s'", cases[i].text, err.message, cases[i].says);
  }
}

static void help_lines(void** state) {
  (void)state;
  static const struct {
    const char *field, *lead, *says;
  } cases[] = {
      {"epochs", "  -n, --epochs N", "  -n, --epochs N       over the data (passes), default 3\n"},
      {"color", "      --color NAME", "      --color NAME     of the curve (red, green), default green\n"},
      {"rate", "      --rate R", "      --rate R         of learning, default 1\n"},
      {"hidden", "      --hidden N", "      --hidden N       \n"},
      {"quiet", "      --a-very-long-option",
       "      --a-very-long-option\n                       says nothing\n"},
  };

  settings s = {.epochs = 3, .rate = 1, .color = 1};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char* text = NULL;
    size_t size = 0;
    FILE* out = open_memstream(&text, &size);
    assert_non_null(out);

    loom_field_help(out, cases[i].lead, loom_fields_find(&fields, cases[i].field), &s);
    fclose(out);
    assert_string_equal(text, cases[i].says);
    free(text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(from_yaml),  cmocka_unit_test(to_yaml_and_back), cmocka_unit_test(to_json_and_back),
      cmocka_unit_test(from_texts), cmocka_unit_test(mistakes),         cmocka_unit_test(help_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
