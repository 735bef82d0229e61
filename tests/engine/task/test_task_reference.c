// The reference of task and robot YAML: one table, which the parser accepts keys by and scenes/README.md
// shows.
#include "engine/task/task_reference.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/reference_fixture.h"

// All of a file; of several, one after the other. The caller frees it.
static char* read_files(const char* pattern, const char* but) {
  glob_t found;
  assert_int_equal(glob(pattern, GLOB_BRACE, NULL, &found), 0);
  char* text = calloc(1, 1 << 22);
  assert_non_null(text);
  size_t n = 0;

  for (size_t i = 0; i < found.gl_pathc; i++) {
    if (but && strstr(found.gl_pathv[i], but)) continue;
    FILE* f = fopen(found.gl_pathv[i], "rb");
    assert_non_null(f);
    n += fread(text + n, 1, (1 << 22) - 1 - n, f);
    fclose(f);
  }
  globfree(&found);
  return text;
}

static void every_key_is_explained_once(void** state) {
  (void)state;
  for (int i = 0; i < loom_task_reference_count; i++) {
    const loomReferenceKey* k = &loom_task_reference[i];
    assert_true(k->section[0] && k->about[0]);
    if (k->key[0] && (!k->type[0] || !k->example[0]))
      fail_msg("%s: %s: no type or example", k->section, k->key);

    // A bar would break the table's row.
    assert_null(strchr(k->about, '|'));
    for (int j = 0; j < i; j++) {
      const loomReferenceKey* other = &loom_task_reference[j];
      if (!strcmp(k->section, other->section) && !strcmp(k->key, other->key))
        fail_msg("%s: %s: twice", k->section, k->key);
    }

    // A section's keys stand together, below its heading.
    if (k->key[0]) assert_string_equal(k->section, loom_task_reference[i - 1].section);
  }
}

// A key that the table has and nobody reads would be accepted and do nothing.
static void every_key_is_read(void** state) {
  (void)state;
  char* source = read_files("engine/task/*.[ch]", "task_reference.c");
  for (int i = 0; i < loom_task_reference_count; i++) {
    const loomReferenceKey* k = &loom_task_reference[i];
    char quoted[128];
    snprintf(quoted, sizeof quoted, "\"%s\"", k->key[0] ? k->key : k->section);

    // For people only; points are named where they stand; a table of values is no map.
    if (!strcmp(k->key, "robosuite") || (!k->key[0] && !strcmp(k->section, "reward: terms"))) continue;
    if (!strstr(source, quoted)) fail_msg("nothing reads %s of section %s", quoted, k->section);
  }
  free(source);
}

// A map whose section the table does not have would refuse every key.
static void every_section_is_known(void** state) {
  (void)state;
  char* source = read_files("engine/task/*.c", "task_reference.c");
  int calls = 0;
  for (const char* at = source; (at = strstr(at, "loom_task_only(")); at++) {
    const char* begin = strchr(at, '"');
    const char* end = strpbrk(at, ");");
    if (!begin || begin > end) continue;

    char section[128];
    snprintf(section, sizeof section, "%.*s", (int)(strchr(begin + 1, '"') - begin - 1), begin + 1);

    bool known = false;
    for (int i = 0; i < loom_task_reference_count; i++)
      known = known || !strcmp(loom_task_reference[i].section, section);
    if (!known) fail_msg("the table has no section '%s'", section);
    calls++;
  }
  assert_true(calls > 20);
  free(source);
}

static void unknown_keys_are_refused(void** state) {
  (void)state;
  const char text[] = "pos: [0, 0, 0]\nyew: 1\n";
  loomYaml* y = NULL;
  loomError err = {0, ""};

  assert_int_equal(loom_yaml_parse(&y, text, sizeof text - 1, "made.yaml", &err), 0);
  assert_int_equal(loom_task_only(y, loom_yaml_root(y), "model: place", &err), LOOM_ERR_FORMAT);
  assert_string_equal(err.message, "made.yaml:2: key 'yew': unknown; did you mean 'yaw'?");
  loom_yaml_destroy(y);
}

static void the_page_shows_the_table(void** state) {
  (void)state;
  page_shows("scenes/README.md", "task", loom_task_reference_print);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_key_is_explained_once), cmocka_unit_test(every_key_is_read),
      cmocka_unit_test(every_section_is_known), cmocka_unit_test(unknown_keys_are_refused),
      cmocka_unit_test(the_page_shows_the_table)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
