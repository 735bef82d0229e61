// What a stranger's model may ask for: modest elements whose sum is not, and attributes hidden in a
// namespace.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/text.h"
#include "engine/model/mjcf.h"

#define LEAF "<worldbody><body><geom size='1'/></body></worldbody>"

static const struct {
  const char *before, *part;
  int times;
  const char *after, *why;
} cases[] = {
    {"", LEAF, 1, "", NULL},
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
    {"<worldbody xmlns:a='b'>", "<replicate a:count='9'><body/></replicate>", 1, "</worldbody>", "namespace"},
    {"<asset xmlns:a='b'>", "<mesh a:file='/etc/passwd'/>", 1, "</asset>", "namespace"},
    {"", "<size xmlns:n='b' n:nuser_body='9'/>", 1, "", "namespace"},
    {"", "<size memory='1000G'/>", 1, "", "memory"},
    {"", "<size nconmax='1000000'/>", 1, "", "nconmax"},
    {"", "<option iterations='1000000000'/>", 1, "", "iterations"},
    {"", "<option noslip_iterations='1000'/>", 1, "", "noslip_iterations"},
    {"", "<visual><quality numslices='1000000'/></visual>", 1, "", "numslices"},
    {"<worldbody>", "<body><freejoint/></body>", 1000, "</worldbody>", NULL},
    {"<worldbody>", "<body><freejoint/></body>", 1001, "</worldbody>", "degrees of freedom"},
    {"<worldbody>", "<body><joint type='ball'/></body>", 2001, "</worldbody>", "degrees of freedom"},
    {"<worldbody><replicate count='1001'>", "<body><freejoint/></body>", 1, "</replicate></worldbody>",
     "degrees of freedom"},
    {"<worldbody>", "<flexcomp type='grid' count='10 10 10'/>", 2, "</worldbody>", NULL},
    {"<worldbody>", "<flexcomp type='grid' count='10 10 10'/>", 3, "</worldbody>", "degrees of freedom"},
    {"<worldbody>", "<flexcomp type='grid' count='10 10 10' rigid='true'/>", 9, "</worldbody>", NULL},
    {"<worldbody>", "<flexcomp count='4 4 4' cellcount='1000 1000 1000'/>", 1, "</worldbody>",
     "degrees of freedom"},
    {"<worldbody>", "<flexcomp count='4 4 4' cellcount='9 9 9' dof='quadratic'/>", 1, "</worldbody>",
     "degrees of freedom"},
    {"<actuator>", "<motor delay='0.1' nsample='10000000'/>", 1, "</actuator>", "nsample"},
    {"<actuator>", "<motor delay='0.1' nsample='1000'/>", 1001, "</actuator>", "nsample"},
    {"<actuator>", "<general actdim='100000000'/>", 1, "</actuator>", "actdim"},
    {"<sensor>", "<user dim='10000000'/>", 1, "</sensor>", "dim"},
    {"<sensor>", "<contact num='100000000'/>", 1, "</sensor>", "num"},
    {"<sensor>", "<clock delay='1' nsample='1000001'/>", 1, "</sensor>", "nsample"},
    {"<worldbody><camera resolution='2000 2000'/></worldbody><sensor>", "<rangefinder site='s'/>", 9,
     "</sensor>", NULL},
    {"<worldbody><camera resolution='2000 2000'/></worldbody><sensor>", "<rangefinder camera='c'/>", 1,
     "</sensor>", "rangefinder"},
    {"<asset>", "<mesh builtin='sphere' params='4'/>", 100, "</asset>", NULL},
    {"<asset>", "<mesh builtin='sphere' params='4'/>", 101, "</asset>", "vertices"},
    {"<asset>", "<mesh builtin='supersphere' params='9999 1 1'/>", 1, "</asset>", "vertices"},
    {"<asset>", "<mesh builtin='cone' params='10000 1'/>", 1, "</asset>", "vertices"},
    {"<asset>", "<mesh builtin='supertorus' params='99 0.5 1 1'/>", 300, "</asset>", "vertices"},
    {"<compiler><lengthrange inttotal='1e9'/></compiler><actuator>", "<muscle/>", 1, "</actuator>",
     "lengths"},
    {"<compiler><lengthrange timestep='1e-9'/></compiler><actuator>", "<muscle/>", 1, "</actuator>",
     "lengths"},
    {"<compiler><lengthrange mode='all'/></compiler><actuator>", "<motor/>", 501, "</actuator>", "lengths"},
    {"<actuator>", "<motor/>", 5000, "</actuator>", NULL},
    {"<actuator>", "<muscle/>", 500, "</actuator>", NULL},
    {"<size nuser_geom='100'/><worldbody>", "<geom/>", 1000, "</worldbody>", NULL},
    {"<size nuser_geom='1000'/><worldbody>", "<geom/>", 30000, "</worldbody>", "user data"},
    {"<size nuser_body='500' nuser_site='500'/><worldbody>", "<site/>", 30000, "</worldbody>", "user data"},
    {"<size nkey='10000'/><worldbody>", "<body><freejoint/></body>", 900, "</worldbody>", "keyframes"},
    {"<worldbody><replicate count='900'><body><freejoint/></body></replicate></worldbody><keyframe>",
     "<key/>", 2000, "</keyframe>", "keyframes"},
    {"", "<extension><plugin plugin='x'/></extension>", 1, "", "plugin"},
    {"<actuator>", "<plugin plugin='x' joint='j'/>", 1, "</actuator>", "plugin"},
    {"<sensor>", "<plugin instance='x'/>", 1, "</sensor>", "plugin"},
    {"<worldbody><body>", "<plugin plugin='x'/>", 1, "</body></worldbody>", "plugin"},
    {"<worldbody><geom type='sdf'>", "<plugin instance='x'/>", 1, "</geom></worldbody>", "plugin"},
    {"<asset><mesh name='m'>", "<plugin instance='x'/>", 1, "</mesh></asset>", "plugin"},
    {"<default><default class='a'>", "<plugin plugin='x'/>", 1, "</default></default>", "plugin"},
    {"<asset>", "<model file='x.xml'/>", 1, "</asset>", "model"},
    {"<worldbody>", "<attach model='x'/>", 1, "</worldbody>", "attach"},
    {"", "<include file='x.xml'/>", 1, "", "include"},
};

static void limits(void** state) {
  (void)state;
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
