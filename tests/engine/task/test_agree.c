// What env_args say of rate, robots and controllers is used, or refused by name.
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/task/agree.h"

#define RANGES "\"input_min\":-1,\"input_max\":1,\"output_min\":-0.05,\"output_max\":0.05,"
#define GAINS(...) RANGES "\"kp\":" #__VA_ARGS__ ",\"damping_ratio\":1"
#define OSC(...) "{\"type\":\"OSC_POSE\"," GAINS(__VA_ARGS__) "}"
#define OSC_WITH(kp, more) "{\"type\":\"OSC_POSE\"," GAINS(kp) "," more "}"
#define JOINTS(...) "{\"type\":\"JOINT_POSITION\"," GAINS(__VA_ARGS__) "}"
#define BASIC(parts) "{\"type\":\"BASIC\",\"body_parts\":{" parts "}}"
#define ENV(kwargs) "{\"env_name\":\"Two\",\"env_kwargs\":{" kwargs "}}"
#define ENV_15(kwargs) "{\"env_name\":\"Two\",\"env_version\":\"1.5.1\",\"env_kwargs\":{" kwargs "}}"
#define CONFIGS "\"controller_configs\":"

// Two robots of one arm each, of six and seven joints; one robot of two arms.
static loomRobotDef two_robots[2] = {
    {.type = "left6", .robot = "ur", .robosuite = "UR5e", .arm = {.count = 6}},
    {.type = "panda", .robot = "panda", .robosuite = "Panda", .arm = {.count = 7}, .index = 1}};
static loomRobotDef one_robot[2] = {{.type = "r", .robot = "gr", .robosuite = "GR1", .arm = {.count = 7}},
                                    {.type = "l", .robot = "gr", .robosuite = "GR1", .arm = {.count = 7}}};
static loomRobotDef two_sixes[2] = {{.type = "a", .robot = "ur", .arm = {.count = 6}},
                                    {.type = "a", .robot = "ur", .arm = {.count = 6}, .index = 1}};

static loomTask task_of(loomRobotDef* robots) {
  return (loomTask){.control_freq = 20, .arm_count = 2, .robots = robots, .path = "task.yaml"};
}

// why NULL: code is 0; else a message of d.hdf5's that matches it.
static void check_message(int code, const loomError* err, const char* why, const char* env_args) {
  regex_t pattern;
  if (!why && code) fail_msg("%s: refused: %s", env_args, err->message);
  if (!why) return;

  if (!code) fail_msg("%s: taken, wanted '%s'", env_args, why);
  assert_int_equal(regcomp(&pattern, why, REG_EXTENDED | REG_NOSUB), 0);
  if (regexec(&pattern, err->message, 0, NULL, 0) || strncmp(err->message, "d.hdf5: ", 8))
    fail_msg("%s: says '%s', wanted '%s'", env_args, err->message, why);
  regfree(&pattern);
}

// ---- what data say, and the task does not

static const struct {
  const char* env_args;
  loomRobotDef* robots;
  const char* why;  // NULL: taken, with
  double kp[2];     // these
  bool in_base;
} forms[] = {
    // One controller for all, with and without env_kwargs; alone; in a list of one.
    {ENV(CONFIGS OSC(150)), two_robots, NULL, {150, 150}, false},
    {"{" CONFIGS OSC(150) "}", two_robots, NULL, {150, 150}, false},
    {OSC(150), two_robots, NULL, {150, 150}, false},
    {ENV(CONFIGS "[" OSC(150) "]"), two_robots, NULL, {150, 150}, false},

    // One a robot, one an arm, one a side.
    {ENV(CONFIGS "[" OSC(150) "," OSC(30) "]"), two_robots, NULL, {150, 30}, false},
    {ENV(CONFIGS "[" OSC(150) "," OSC(30) "]"), one_robot, NULL, {150, 30}, false},
    {ENV(CONFIGS "{\"right\":" OSC(150) ",\"left\":" OSC(30) "}"), one_robot, NULL, {150, 30}, false},
    {ENV(CONFIGS "[{\"left\":" OSC(30) ",\"right\":" OSC(150) "}]"), one_robot, NULL, {150, 30}, false},
    {ENV(CONFIGS "[" OSC(1) "," OSC(2) "," OSC(3) "]"),
     two_robots,
     "a list of 3 where the task has 2 robots",
     {0},
     false},
    {ENV(CONFIGS "{\"right\":" OSC(150) "}"), one_robot, "no controller for the left arm", {0}, false},

    // 1.5's composites: BASIC, with arms in a group or not; others are told for what they are.
    {ENV_15(CONFIGS BASIC("\"right\":" OSC(150) ",\"left\":" OSC(30))), one_robot, NULL, {150, 30}, true},
    {ENV_15(CONFIGS BASIC("\"arms\":{\"right\":" OSC(150) ",\"left\":" OSC(30) "}")),
     one_robot,
     NULL,
     {150, 30},
     true},
    {ENV_15(CONFIGS "[" BASIC("\"right\":" OSC(150)) "," BASIC("\"right\":" OSC(30)) "]"),
     two_robots,
     NULL,
     {150, 30},
     true},
    {ENV_15(CONFIGS BASIC(
         "\"right\":" OSC_WITH(150, "\"input_ref_frame\":\"world\",\"gripper\":{\"type\":\"GRIP\"}"))),
     two_robots,
     NULL,
     {150, 150},
     false},
    {ENV_15(CONFIGS "{\"type\":\"WHOLE_BODY_MINK_IK\",\"body_parts\":{\"right\":" OSC(1) "}}"),
     two_robots,
     "composite controller 'WHOLE_BODY_MINK_IK'.*`controller:`",
     {0},
     false},
    {ENV_15(CONFIGS "{\"type\":\"BASIC\"}"), two_robots, "BASIC without body_parts", {0}, false},

    // The frame: the world's in 1.4, the robot's base's in 1.5, or as it says.
    {ENV(CONFIGS OSC_WITH(150, "\"input_ref_frame\":\"base\"")), two_robots, NULL, {150, 150}, true},
    {ENV_15(CONFIGS OSC(150)), two_robots, NULL, {150, 150}, true},
    {ENV_15(CONFIGS OSC_WITH(150, "\"input_ref_frame\":\"world\"")), two_robots, NULL, {150, 150}, false},
    {ENV_15(CONFIGS OSC_WITH(150, "\"input_ref_frame\":\"eef\"")),
     two_robots,
     "input_ref_frame is \"eef\"",
     {0},
     false},

    // Nothing, null, and what is no controller.
    {"{not json", two_robots, "is not JSON", {0}, false},
    {ENV(""), two_robots, "no controller_configs", {0}, false},
    {ENV(CONFIGS "null"), two_robots, "controller_configs is null.*`controller:`", {0}, false},
    {ENV(CONFIGS "7"), two_robots, "is no object", {0}, false},
    {ENV(CONFIGS "[]"), two_robots, "a list of 0", {0}, false},
    {ENV(CONFIGS "{\"kp\":150}"), two_robots, "no controller for the right arm", {0}, false},
    {ENV(CONFIGS "{\"type\":\"IK_POSE\"}"), two_robots, "'IK_POSE'", {0}, false},
    {ENV(CONFIGS "{\"type\":\"OSC_POSE\"," RANGES "\"damping_ratio\":1}"),
     two_robots,
     "kp must be a number or 6",
     {0},
     false},

    // As many numbers as the arm has joints, or a pose entries.
    {ENV(CONFIGS JOINTS(50)), two_robots, NULL, {50, 50}, false},
    {ENV(CONFIGS JOINTS([ 1, 2, 3, 4, 5, 6 ])), two_sixes, NULL, {1, 1}, false},
    {ENV(CONFIGS "[" JOINTS([ 1, 2, 3, 4, 5, 6 ]) "," JOINTS([ 2, 2, 3, 4, 5, 6, 7 ]) "]"),
     two_robots,
     NULL,
     {1, 2},
     false},
    {ENV(CONFIGS JOINTS([ 1, 2, 3, 4, 5, 6, 7 ])),
     two_sixes,
     "kp must be a number or 6 numbers, one a joint",
     {0},
     false},
    {ENV(CONFIGS OSC([ 1, 2, 3, 4, 5, 6, 7 ])),
     two_robots,
     "kp must be a number or 6 numbers, one an entry of a pose",
     {0},
     false},
    {ENV(CONFIGS OSC(-1)), two_robots, "kp must not be negative", {0}, false},

    // What changes an action's meaning and is not done here.
    {ENV(CONFIGS OSC_WITH(150, "\"impedance_mode\":\"variable\"")),
     two_robots,
     "impedance_mode is \"variable\"",
     {0},
     false},
    {ENV(CONFIGS OSC_WITH(150, "\"interpolation\":\"linear\"")),
     two_robots,
     "interpolation is \"linear\"",
     {0},
     false},
    {ENV(CONFIGS OSC_WITH(150, "\"position_limits\":[[0,0,0],[1,1,1]]")),
     two_robots,
     "position_limits",
     {0},
     false},
    {ENV(CONFIGS OSC_WITH(150, "\"goal_update_mode\":\"desired\"")),
     two_robots,
     "goal_update_mode",
     {0},
     false},
    {ENV(CONFIGS OSC_WITH(150, "\"control_ori\":false")),
     two_robots,
     "control_ori|no orientation",
     {150, 150},
     false},
    {ENV(CONFIGS OSC_WITH(150, "\"position_limits\":null,\"interpolation\":null,\"ramp_ratio\":0.2")),
     two_robots,
     NULL,
     {150, 150},
     false},

    // Rate and robots, by either name.
    {ENV("\"control_freq\":40," CONFIGS OSC(150)),
     two_robots,
     "control_freq is 40 Hz and the task's 20 Hz",
     {0},
     false},
    {ENV("\"control_freq\":20.0," CONFIGS OSC(150)), two_robots, NULL, {150, 150}, false},
    {ENV("\"control_freq\":\"fast\"," CONFIGS OSC(150)), two_robots, "is no rate", {0}, false},
    {ENV("\"robots\":[\"UR5e\",\"panda\"]," CONFIGS OSC(150)), two_robots, NULL, {150, 150}, false},
    {ENV("\"robots\":[\"Panda\",\"UR5e\"]," CONFIGS OSC(150)),
     two_robots,
     "robot 0 of its env_args is 'Panda' and the task's is 'ur'",
     {0},
     false},
    {ENV("\"robots\":[\"UR5e\"]," CONFIGS OSC(150)),
     two_robots,
     "have 1 robot and the task has 2",
     {0},
     false},
    {ENV("\"robots\":\"GR1\"," CONFIGS OSC(150)), one_robot, NULL, {150, 150}, false},
};

static void check_forms(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
    loomTask task = task_of(forms[i].robots);
    loomControllerDef control[LOOM_MAX_ARMS];
    loomError err = {0, ""};
    int code = loom_task_agrees(control, &task, forms[i].env_args, "d.hdf5", &err);

    check_message(code, &err, forms[i].why, forms[i].env_args);
    if (code) continue;

    // Each arm has its own.
    for (int a = 0; a < 2; a++)
      if (control[a].kp[0] != forms[i].kp[a] || control[a].in_base != forms[i].in_base)
        fail_msg("%s: arm %d has kp %g%s", forms[i].env_args, a, control[a].kp[0],
                 control[a].in_base ? ", in its base" : "");
  }
}

// ---- what both say

static const struct {
  const char *env_args, *why,
      *of_goals;  // of_goals: the same for a policy whose actions are where hands are to be
} against[] = {
    {ENV(CONFIGS OSC(150)), NULL, NULL},
    {ENV(CONFIGS OSC([ 150, 150, 150, 150, 150, 150 ])), NULL, NULL},
    {ENV(""), NULL, NULL},
    {ENV(CONFIGS "null"), NULL, NULL},
    {ENV(CONFIGS "{\"type\":\"OSC_POSE\"}"), NULL, NULL},

    // One arm's is enough to differ.
    {ENV(CONFIGS OSC(30)), "arm 0's controller has another kp than the task's \\(30, and 150\\)", NULL},
    {ENV(CONFIGS "[" OSC(150) "," OSC(30) "]"), "arm 1's controller has another kp", NULL},
    {ENV(CONFIGS "[" OSC(150) "," JOINTS(50) "]"), "arm 1's controller has another type", NULL},
    {ENV(CONFIGS "{\"type\":\"OSC_POSE\",\"kp\":30}"), "another kp", NULL},
    {ENV(CONFIGS "{\"type\":\"OSC_POSE\",\"output_max\":0.1}"),
     "another output_max than the task's \\(0.1, and 0.05\\)", NULL},
    {ENV(CONFIGS "{\"type\":\"OSC_POSE\",\"input_min\":-10}"), "another input_min", NULL},
    {ENV(CONFIGS OSC_WITH(150, "\"control_delta\":false")), "another delta", NULL},
    {ENV(CONFIGS OSC_WITH(150, "\"input_type\":\"absolute\"")), "another delta", NULL},
    {ENV(CONFIGS OSC_WITH(150, "\"uncouple_pos_ori\":false")), "another uncouple_pos_ori", NULL},
    {ENV(CONFIGS OSC_WITH(150, "\"input_ref_frame\":\"base\"")), "another input_ref_frame", NULL},
    {ENV_15(CONFIGS OSC(150)), "another input_ref_frame", NULL},
    {ENV(CONFIGS OSC_WITH(150, "\"gripper\":{\"use_action_scaling\":false}")), "another use_action_scaling",
     NULL},
    {ENV(CONFIGS JOINTS(50)), "another type than the task's \\(JOINT_POSITION, and OSC_POSE\\)", NULL},
    {ENV(CONFIGS "{\"type\":\"IK_POSE\"}"), "'IK_POSE' and the task's is OSC_POSE", NULL},

    // The task's does not do these, so it does not stand in for them.
    {ENV(CONFIGS OSC_WITH(150, "\"interpolation\":\"linear\"")), "interpolation is \"linear\"", NULL},
    {ENV(CONFIGS OSC_WITH(150, "\"impedance_mode\":\"variable_kp\"")), "impedance_mode", NULL},

    // It does for what cannot be read.
    {ENV_15(CONFIGS "{\"type\":\"WHOLE_BODY_MINK_IK\",\"body_parts\":{\"right\":" OSC(30) "}}"), NULL, NULL},

    {ENV("\"control_freq\":40," CONFIGS OSC(150)), "40 Hz and the task's 20 Hz", "40 Hz"},
    {ENV("\"robots\":[\"Panda\",\"Panda\"]"), "robot 0", "robot 0"},
};

static void check_both(void** state) {
  (void)state;
  loomTask task = task_of(two_robots);
  loomControllerDef control[LOOM_MAX_ARMS];
  loomError err = {0, ""};
  assert_int_equal(loom_task_agrees(control, &task, ENV(CONFIGS OSC(150)), "first", &err), 0);
  task.has_controller = true;
  task.controller = control[0];

  for (size_t i = 0; i < sizeof against / sizeof *against; i++) {
    const char* env_args = against[i].env_args;
    loomControllerDef out[LOOM_MAX_ARMS];
    err = (loomError){0, ""};
    int code = loom_task_agrees(out, &task, env_args, "d.hdf5", &err);
    check_message(code, &err, against[i].why, env_args);
    if (!code) assert_memory_equal(&out[1], &control[0], sizeof *out);

    // So it is for a policy; where hands are to be may be told to any controller.
    for (int goals = 0; goals < 2; goals++) {
      err = (loomError){0, ""};
      check_message(loom_task_agrees_policy(&task, control, env_args, goals, "d.hdf5", &err), &err,
                    goals ? against[i].of_goals : against[i].why, env_args);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(check_forms), cmocka_unit_test(check_both)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
