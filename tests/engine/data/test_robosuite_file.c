// What robosuite 1.4.1's playback script wants: env_info that robosuite.make takes, and its names of geoms.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/data/robosuite_file.h"

static void env_info_is_what_make_takes(void** state) {
  (void)state;
  static const struct {
    const char* env_args;
    int code;
    const char* says;  // env_info, or part of the error
  } rows[] = {
      {"{\"type\":1,\"env_name\":\"TwoArmHandover\",\"env_kwargs\":{\"robots\":[\"Panda\",\"Panda\"],"
       "\"has_renderer\":false,\"has_offscreen_renderer\":false,\"ignore_done\":true,\"use_camera_obs\":"
       "false,"
       "\"reward_shaping\":false,\"control_freq\":20,\"env_configuration\":\"single-arm-opposed\"}}",
       0,
       "{\"robots\":[\"Panda\",\"Panda\"],\"env_configuration\":\"single-arm-opposed\","
       "\"env_name\":\"TwoArmHandover\"}"},
      {"{\"env_name\":\"Lift\"}", 0, "{\"env_name\":\"Lift\"}"},
      {"{\"env_name\":\"DemoloomDrawer\"}", LOOM_ERR_UNSUPPORTED, "no environment 'DemoloomDrawer'"},
      {"{\"env_name\":\"Lift\",\"env_kwargs\":{\"control_freq\":10}}", LOOM_ERR_UNSUPPORTED, "10 Hz"},
      {"{\"env_name\":7}", LOOM_ERR_FORMAT, "no env_name"},
      {"{\"env_na", LOOM_ERR_FORMAT, "no JSON"},
      {"", LOOM_ERR_FORMAT, "no JSON"},
      {"[]", LOOM_ERR_FORMAT, "no env_name"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char *env, *info;
    loomError err = {0, ""};
    int code = loom_robosuite_env_info(&env, &info, rows[i].env_args, "x.hdf5", &err);

    assert_int_equal(code, rows[i].code);
    if (code) {
      assert_true(!env && !info && strstr(err.message, rows[i].says) && strstr(err.message, "x.hdf5"));
      continue;
    }
    assert_string_equal(info, rows[i].says);

    free(env);
    free(info);
  }
}

static int count(const char* text, const char* what) {
  int n = 0;
  for (const char* at = text; (at = strstr(at, what)); at++) n++;
  return n;
}

static void links_get_all_their_names(void** state) {
  (void)state;
  static const struct {
    const char* xml;
    int geoms;  // in what comes of it
    const char *has, *lacks;
  } rows[] = {
      // One mesh of link 1, which has one name; of link 3, which has four, in either form of an element.
      {"<body><geom name=\"robot0_link1_visual\" type=\"mesh\"/></body>", 1,
       "<geom name=\"robot0_g12_vis\" type=\"mesh\"/></body>", "_visual"},
      {"<body><geom type=\"mesh\" name=\"robot1_link3_visual\" group=\"1\"/><geom/></body>", 5,
       "<geom type=\"mesh\" name=\"robot1_g14_vis\" group=\"1\"/><geom name=\"robot1_g15_vis\"", "_visual"},
      {"<body><geom name=\"robot0_link3_visual\"></geom></body>", 4, "</geom><geom name=\"robot0_g15_vis\"",
       "_visual"},

      // Named already, or others' models, or cut short: as they are.
      {"<geom name=\"robot0_g12_vis\"/><geom name=\"robot0_link1_visual\"/>", 2, "robot0_link1_visual",
       "g13"},
      {"<geom name=\"gripper0_hand_visual\"/>", 1, "gripper0_hand_visual", "_vis\""},
      {"<geom name=\"robot0_link1_visual\"", 1, "robot0_link1_visual", "g12"},
      {"<geom name=\"robot0_link1_visual\"><other/></geom>", 1, "robot0_link1_visual", "g12"},
      {"", 0, "", "g"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char *out = loom_robosuite_model(rows[i].xml), *again;
    assert_non_null(out);

    assert_int_equal(count(out, "<geom"), rows[i].geoms);
    assert_non_null(strstr(out, rows[i].has));
    assert_null(strstr(out, rows[i].lacks));

    // Once is enough.
    again = loom_robosuite_model(out);
    assert_string_equal(again, out);

    free(again);
    free(out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(env_info_is_what_make_takes),
      cmocka_unit_test(links_get_all_their_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
