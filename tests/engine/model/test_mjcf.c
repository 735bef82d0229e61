// What a stranger's model may ask for: modest elements whose sum is not, and attributes hidden in a namespace.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/text.h"
#include "engine/model/mjcf.h"

static void limits(void** state) {
  (void)state;
  static const char leaf[] = "<worldbody><body><geom size='1'/></body></worldbody>";
  static const struct {
    const char *before, *part;
    int times;
    const char *after, *why;
  } cases[] = {
      {"", leaf, 1, "", NULL},
      {"", "<asset><hfield nrow='1000' ncol='1000' size='1 1 1 1'/></asset>", 25, "", NULL},
      {"", "<asset><hfield nrow='1000' ncol='1000' size='1 1 1 1'/></asset>", 26, "", "heights"},
      {"", "<custom><numeric size='100000'/></custom>", 10, "", NULL},
      {"", "<custom><numeric size='100000'/></custom>", 11, "", "numbers"},
      {"", "<asset><texture type='2d' width='8192' height='8192'/></asset>", 1, "", NULL},
      {"", "<asset><texture type='2d' width='8192' height='8192'/></asset>", 2, "", "pixels"},
      {"", "<asset><texture type='cube' width='8192'/></asset>", 1, "", "pixels"},
      {"<worldbody><replicate count='100'>", "<replicate count='100'><body/></replicate>", 1,
       "</replicate></worldbody>", NULL},
      {"<worldbody><replicate count='1000'>", "<replicate count='1000'><body/></replicate>", 1,
       "</replicate></worldbody>", "made by"},
      {"<worldbody><replicate count='100'>", "<composite count='10 10 10'/>", 1, "</replicate></worldbody>",
       "composite"},
      {"<worldbody>", "<body/>", 310000, "</worldbody>", "elements"},
      {"<worldbody xmlns:a='b'>", "<replicate a:count='9'><body/></replicate>", 1, "</worldbody>",
       "namespace"},
      {"<asset xmlns:a='b'>", "<mesh a:file='/etc/passwd'/>", 1, "</asset>", "namespace"},
      {"", "<size xmlns:n='b' n:nuser_body='9'/>", 1, "", "namespace"},
      {"", "<size memory='1000G'/>", 1, "", "memory"},
      {"", "<size nconmax='1000000'/>", 1, "", "nconmax"},
      {"", "<option iterations='1000000000'/>", 1, "", "iterations"},
      {"", "<extension><plugin plugin='x'/></extension>", 1, "", "plugin"},
      {"", "<include file='x.xml'/>", 1, "", "include"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomText text = {0};
    loom_text_puts(&text, "<mujoco>");

    // The part as often as it takes.
    loom_text_puts(&text, cases[i].before);
    for (int k = 0; k < cases[i].times; k++) loom_text_puts(&text, cases[i].part);
    loom_text_puts(&text, cases[i].after);
    loom_text_puts(&text, "</mujoco>");

    // Well-formed all of them; refused with the reason where one is given.
    xmlDoc* doc = NULL;

    loomError err = {0, ""};
    assert_int_equal(loom_mjcf_parse(&doc, text.s, 16 << 20, "model", &err), 0);
    int code = loom_mjcf_check(doc, "model", &err);

    // The line says which total or attribute it was.
    const char* why = cases[i].why;
    if (!code != !why || (code && !strstr(err.message, why))) fail_msg("%zu: %d %s", i, code, err.message);

    xmlFreeDoc(doc);
    loom_text_destroy(&text);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(limits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
