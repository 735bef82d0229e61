// Which environments are one and the same, and what is said of those that are not.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/data/env_same.h"
#include "engine/data/env_type.h"

#define ENV(kwargs) "{\"env_name\":\"Lift\",\"type\":1,\"env_kwargs\":{" kwargs "}}"

static const struct {
  const char *a, *b, *why;  // why NULL: the same
} table[] = {
    {"{}", " { } ", NULL},
    {"plain", "plain", NULL},
    {ENV("\"control_freq\":20"), ENV("\"control_freq\": 20.0"), NULL},
    {ENV("\"control_freq\":20"), ENV("\"control_freq\":2e1"), NULL},
    {ENV("\"kp\":0.1"), ENV("\"kp\":0.10000000000000001"), NULL},
    {ENV("\"a\":1,\"b\":2"), "{\"env_kwargs\":{\"b\":2,\"a\":1},\"type\":1,\"env_name\":\"Lift\"}", NULL},
    {ENV("\"a\":1"), ENV("\"a\":1,\"has_renderer\":true"), NULL},
    {ENV("\"has_renderer\":false,\"render_camera\":null"), ENV("\"has_renderer\":true"), NULL},
    {ENV("\"ignore_done\":true,\"horizon\":500"), ENV("\"ignore_done\":false,\"horizon\":1000"), NULL},
    {ENV("\"use_camera_obs\":true,\"camera_names\":[\"agentview\"],\"camera_heights\":84"), ENV(""), NULL},
    {ENV("\"gripper_types\":null"), ENV(""), NULL},
    {ENV("\"robots\":[\"Panda\"]"), ENV("\"robots\":\"Panda\""), NULL},
    {ENV("\"controller_configs\":{\"kp\":150}"), ENV("\"controller_configs\":[{\"kp\":150},{\"kp\":150.0}]"),
     NULL},
    // Whose environment it is: ours have not always said so.
    {ENV("\"a\":1"), "{\"env_name\":\"Lift\",\"type\":2,\"simulator\":\"demoloom\",\"env_kwargs\":{\"a\":1}}",
     NULL},
    {"{\"type\":\"OSC_POSE\"}", "{\"type\":\"JOINT_POSITION\"}",
     "type is \"OSC_POSE\" in one and \"JOINT_POSITION\" in the other"},
    {ENV("\"c\":{\"type\":1}"), ENV("\"c\":{\"type\":2}"), "env_kwargs.c.type is 1 in one and 2"},
    // Keys of one name on other levels are other keys, and come in any order.
    {ENV("\"x\":{\"lang\":\"en\",\"z\":[1,{\"y\":2}]}"), ENV("\"x\":{\"z\":[1.0,{\"y\":2}]}"), NULL},

    {ENV("\"control_freq\":20"), ENV("\"control_freq\":40"),
     "env_kwargs.control_freq is 20 in one and 40 in the other"},
    {ENV("\"control_freq\":20"), ENV(""), "env_kwargs.control_freq is 20 in one and missing in the other"},
    {ENV(""), ENV("\"control_freq\":20"), "env_kwargs.control_freq is missing in one and 20 in the other"},
    {ENV(""), "{\"env_name\":\"Door\",\"type\":1,\"env_kwargs\":{}}",
     "env_name is \"Lift\" in one and \"Door\" in the other"},
    {ENV("\"robots\":[\"Panda\",\"Panda\"]"), ENV("\"robots\":[\"Panda\",\"Sawyer\"]"),
     "env_kwargs.robots[1] is \"Panda\" in one and \"Sawyer\" in the other"},
    {ENV("\"robots\":[\"Panda\",\"Panda\"]"), ENV("\"robots\":\"Panda\""), "env_kwargs.robots is "},
    {ENV("\"robots\":\"Panda\""), ENV("\"robots\":[]"), "env_kwargs.robots is \"Panda\" in one and []"},
    {ENV("\"controller_configs\":{\"kp\":150}"), ENV("\"controller_configs\":[{\"kp\":150},{\"kp\":10}]"),
     "env_kwargs.controller_configs[1].kp is 150 in one and 10 in the other"},
    {ENV("\"a\":1"), ENV("\"a\":\"1\""), "env_kwargs.a is 1 in one and \"1\" in the other"},
    {ENV("\"a\":true"), ENV("\"a\":false"), "env_kwargs.a is true in one and false in the other"},
    {ENV("\"kp\":0.1"), ENV("\"kp\":0.1000001"), "env_kwargs.kp is 0.1 in one"},
    {"{not json", "{}", "not JSON"},
    {"{not json", "{nor this", "not JSON"},
    {"[1]", "{}", "[0] is 1 in one and {} in the other"},
};

static void equal_in_meaning(void** state) {
  (void)state;

  // Whichever comes first: the same answer, with the values the other way round.
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    char why[512] = "", back[512] = "";
    bool same = loom_env_args_same(table[i].a, table[i].b, why, sizeof why);
    bool other = loom_env_args_same(table[i].b, table[i].a, back, sizeof back);
    if (same != !table[i].why || other != same || (table[i].why && !strstr(why, table[i].why)))
      fail_msg("row %zu: %d %d, '%s'", i, same, other, why);
    assert_int_equal(!why[0], same);
    assert_int_equal(!back[0], same);
  }
}

static void ours_say_so(void** state) {
  (void)state;
  static const struct {
    const char *was, *is;
  } all[] = {
      {"{\"env_name\":\"DemoloomBox\",\"type\":1,\"env_kwargs\":{\"type\":1}}",
       "{\"env_name\":\"DemoloomBox\",\"type\":2,\"env_kwargs\":{\"type\":1},\"simulator\":\"demoloom\"}"},
      {"{\"env_name\":\"DemoloomBox\",\"type\":2,\"env_kwargs\":{}}", NULL},
      {"{\"env_name\":\"TwoArmHandover\",\"type\":1,\"env_kwargs\":{}}", NULL},
      {"{\"env_name\":\"Coffee_D0\",\"type\":1}", NULL},
      {"not JSON", NULL},
      {"[1]", NULL},
  };

  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    char* text = loom_env_args_mended(all[i].was);
    assert_int_equal(!text, !all[i].is);
    if (text) assert_string_equal(text, all[i].is);
    if (text) assert_null(loom_env_args_mended(text));
    free(text);
  }

  assert_true(loom_env_is_robosuites("TwoArmHandover") && loom_env_is_robosuites("Wipe"));
  assert_false(loom_env_is_robosuites("DemoloomBox") || loom_env_is_robosuites("") ||
               loom_env_is_robosuites("lift"));
}

// What is told fits where it is wanted, however long keys and values are; nobody need want it.
static void long_ones(void** state) {
  (void)state;
  enum { LONG = 4000 };
  char *a = malloc(2 * LONG + 64), *b = malloc(2 * LONG + 64), key[LONG + 1], why[60];
  assert_non_null(a);
  assert_non_null(b);
  memset(key, 'k', LONG);
  key[LONG] = '\0';

  snprintf(a, 2 * LONG + 64, "{\"%s\":\"%s\"}", key, key);
  snprintf(b, 2 * LONG + 64, "{\"%s\":\"%sx\"}", key, key);
  assert_false(loom_env_args_same(a, b, why, sizeof why));
  assert_int_equal(strlen(why), sizeof why - 1);
  assert_false(loom_env_args_same(a, b, NULL, 0));

  free(a);
  free(b);

  // Many keys, backwards: not the square of their number.
  enum { MANY = 200000 };
  char *x = malloc(16 * MANY), *y = malloc(16 * MANY), *to_x = x, *to_y = y;
  assert_non_null(x);
  assert_non_null(y);

  for (int i = 0; i < MANY; i++) {
    to_x += sprintf(to_x, "%c\"%d\":1", i ? ',' : '{', i);
    to_y += sprintf(to_y, "%c\"%d\":1", i ? ',' : '{', MANY - 1 - i);
  }
  strcpy(to_x, "}");
  strcpy(to_y, "}");
  assert_true(loom_env_args_same(x, y, why, sizeof why));

  free(x);
  free(y);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_in_meaning),
      cmocka_unit_test(ours_say_so),
      cmocka_unit_test(long_ones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
