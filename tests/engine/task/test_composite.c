// Where robosuite 1.5's composite controllers have an action's entries, and what of them is refused by name.
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/json.h"
#include "engine/task/composite.h"

#define OSC "{\"type\":\"OSC_POSE\"}"
#define JOINTS "{\"type\":\"JOINT_POSITION\",\"interpolation\":\"null\",\"kp\":2000}"
#define BASE "{\"type\":\"JOINT_VELOCITY\",\"interpolation\":\"null\"}"
#define CONFIG(type, parts, more) "{\"type\":\"" type "\",\"body_parts\":{" parts "}" more "}"
#define MOVED "{\"type\":\"JOINT_POSITION\",\"input_type\":\"absolute\",\"kp\":1000,\"kd\":200}"
#define IK(parts, hands, moved, more)                                          \
  ENV(CONFIG("WHOLE_BODY_IK", parts,                                           \
             ",\"composite_controller_specific_configs\":{\"ref_name\":" hands \
             ",\"actuation_part_names\":" moved ",\"nullspace_joint_weights\":{\"j1\":4}" more "}"))
#define BOTH "\"right\":" MOVED ",\"left\":" MOVED
#define HANDS "[\"rs\",\"ls\"]"
#define SIDES "[\"right\",\"left\"]"
#define IK_BOTH(more) IK(BOTH, HANDS, SIDES, more)
#define ENV(configs) "{\"env_version\":\"1.5.2\",\"env_kwargs\":{\"controller_configs\":" configs "}}"

// One robot of two arms; two robots of one; one on a base.
static loomRobotDef two_arms[2] = {{.robot = "gr", .arm = {.count = 7}, .gripper_dim = 2, .eef_site = "rs"},
                                   {.robot = "gr", .arm = {.count = 7}, .gripper_dim = 2, .eef_site = "ls"}};
static loomRobotDef two_robots[2] = {{.robot = "p", .arm = {.count = 7}, .gripper_dim = 1},
                                     {.robot = "p", .arm = {.count = 7}, .gripper_dim = 1, .index = 1}};
static loomRobotDef mobile[1] = {
    {.robot = "mobile",
     .arm = {.count = 7, .joints = {"j0", "j1"}},
     .gripper_dim = 1,
     .eef_site = "rs",
     .body_count = 2,
     .body = {{.kind = LOOM_BODY_TORSO, .count = 1}, {.kind = LOOM_BODY_BASE, .count = 3}}}};

enum { NONE = -1, END = -2 };

static const struct {
  const char* env_args;
  loomRobotDef* robots;
  int arms;
  const char* why;  // NULL: read, with
  int action_dim;   // these; 0: as if there were no composite
  int own[24];
  int parts, mode;
} cases[] = {
    // Nothing of the kind, and composites that change nothing.
    {ENV(OSC), two_arms, 2, NULL, 0, {END}, 0, -1},
    {ENV(CONFIG("BASIC", "\"right\":" OSC, "")), two_robots, 2, NULL, 0, {END}, 0, -1},
    {ENV("[" CONFIG("BASIC", "\"arms\":{\"right\":" OSC ",\"left\":" OSC "},\"torso\":" JOINTS,
                    "") "," CONFIG("BASIC", "\"right\":" OSC, "") "]"),
     two_robots,
     2,
     NULL,
     0,
     {END},
     0,
     -1},

    // Arms first, grippers last; arms in the configuration's order, grippers in their own.
    {ENV(CONFIG("BASIC", "\"right\":" OSC ",\"left\":" OSC, "")),
     two_arms,
     2,
     NULL,
     16,
     {0, 1, 2, 3, 4, 5, 12, 13, 6, 7, 8, 9, 10, 11, 14, 15, END},
     0,
     -1},
    {ENV(CONFIG("BASIC", "\"arms\":{\"left\":" OSC ",\"right\":" OSC "}", "")),
     two_arms,
     2,
     NULL,
     16,
     {6, 7, 8, 9, 10, 11, 12, 13, 0, 1, 2, 3, 4, 5, 14, 15, END},
     0,
     -1},

    // Torso and base between them, what goals are added to at the end.
    {ENV(CONFIG("HYBRID_MOBILE_BASE",
                "\"right\":" OSC ",\"torso\":" JOINTS ",\"base\":" BASE ",\"legs\":" JOINTS, "")),
     mobile,
     1,
     NULL,
     12,
     {0, 1, 2, 3, 4, 5, 10, END},
     2,
     11},
    {ENV(CONFIG("BASIC", "\"right\":" OSC ",\"base\":" BASE ",\"torso\":" JOINTS, "")),
     mobile,
     1,
     NULL,
     11,
     {0, 1, 2, 3, 4, 5, 10, END},
     2,
     -1},

    // Hands' poses first, in their own order; parts that do not move for them, and grippers.
    {IK_BOTH(",\"ik_verbose\":true,\"max_dq\":4,\"ik_input_type\":\"absolute\""),
     two_arms,
     2,
     NULL,
     16,
     {NONE, NONE, NONE, NONE, NONE, NONE, NONE, 12, 13, NONE, NONE, NONE, NONE, NONE, NONE, NONE, 14, 15,
      END},
     0,
     -1},
    {IK(BOTH ",\"legs\":" JOINTS, "[\"ls\",\"no site\"]", "[\"left\",\"legs\",\"right\",\"head\"]",
        ",\"ik_input_rotation_repr\":\"quat_wxyz\",\"ik_input_ref_frame\":\"base\""),
     two_arms,
     2,
     NULL,
     11,
     {NONE, NONE, NONE, NONE, NONE, NONE, NONE, 7, 8, NONE, NONE, NONE, NONE, NONE, NONE, NONE, 9, 10, END},
     0,
     -1},
    {IK("\"right\":" MOVED ",\"base\":" BASE ",\"torso\":" MOVED, "[\"rs\"]", "[\"torso\",\"right\"]", ""),
     mobile,
     1,
     NULL,
     10,
     {NONE, NONE, NONE, NONE, NONE, NONE, NONE, 9, END},
     2,
     -1},

    // Others, under the task's own controller: states are seen, parts are driven by nothing.
    {ENV(CONFIG("WHOLE_BODY_MINK_IK", "\"right\":" MOVED ",\"torso\":" MOVED, "")),
     mobile,
     1,
     NULL,
     0,
     {END},
     0,
     -1},

    // Of it, too, what is not done.
    {ENV(CONFIG("WHOLE_BODY_IK", BOTH, "")), two_arms, 2, "no list ref_name", 0, {END}, 0, 0},
    {IK(BOTH, "\"rs\"", SIDES, ""), two_arms, 2, "no list ref_name", 0, {END}, 0, 0},
    {IK(BOTH, "[\"x\"]", SIDES, ""), two_arms, 2, "ref_name has none of the hands", 0, {END}, 0, 0},
    {IK(BOTH, "[\"rs\",\"rs\"]", SIDES, ""), two_arms, 2, "'rs' twice in ref_name", 0, {END}, 0, 0},
    {IK(BOTH, HANDS, "[1]", ""), two_arms, 2, "no list actuation_part_names", 0, {END}, 0, 0},
    {IK(BOTH, HANDS, "[\"left\"]", ""), two_arms, 2, "does not move the right arm", 0, {END}, 0, 0},
    {IK(BOTH, HANDS, "[\"left\",\"left\"]", ""), two_arms, 2, "'left' twice in actuation", 0, {END}, 0, 0},
    {IK(BOTH, HANDS, "[\"right_gripper\"]", ""), two_arms, 2, "moves 'right_gripper'", 0, {END}, 0, 0},
    {IK("\"right\":" MOVED ",\"base\":" BASE ",\"torso\":" MOVED, "[\"rs\"]", "[\"right\",\"base\"]", ""),
     mobile,
     1,
     "moves 'base'",
     0,
     {END},
     0,
     0},
    {IK("\"right\":" MOVED ",\"base\":" BASE ",\"torso\":" JOINTS, "[\"rs\"]", "[\"right\",\"torso\"]", ""),
     mobile,
     1,
     "moves 'torso', whose controller is 'delta'",
     0,
     {END},
     0,
     0},
    {IK("\"right\":" OSC ",\"left\":" MOVED, HANDS, SIDES, ""),
     two_arms,
     2,
     "moves 'right', whose controller is OSC_POSE",
     0,
     {END},
     0,
     0},
    {IK_BOTH(",\"skip_wbc_action\":true"), two_arms, 2, "skip_wbc_action of.* is true", 0, {END}, 0, 0},
    {IK_BOTH(",\"ik_input_type\":\"pkl\""), two_arms, 2, "ik_input_type of.* is \"pkl\"", 0, {END}, 0, 0},
    {IK_BOTH(",\"ik_input_rotation_repr\":\"mat\""), two_arms, 2, "neither 'axis_angle'", 0, {END}, 0, 0},
    {IK_BOTH(",\"ik_input_ref_frame\":7"), two_arms, 2, "no body's name", 0, {END}, 0, 0},
    {IK_BOTH(",\"ik_integration_dt\":0"), two_arms, 2, "ik_integration_dt of.* not above 0", 0, {END}, 0, 0},
    {IK_BOTH(",\"ik_max_dq\":\"4\""), two_arms, 2, "ik_max_dq of.* no number", 0, {END}, 0, 0},
    {IK_BOTH(",\"body_part_ordering\":[\"right\"]"), two_arms, 2, "body_part_ordering", 0, {END}, 0, 0},

    // What is not done.
    {ENV(OSC), mobile, 1, "has parts besides its arm", 0, {END}, 0, 0},
    {ENV(CONFIG("BASIC", "\"right\":" OSC ",\"torso\":" JOINTS, "")),
     mobile,
     1,
     "nothing of the base of robot 'mobile'",
     0,
     {END},
     0,
     0},
    {ENV(CONFIG("BASIC", "\"right\":" OSC ",\"base\":" JOINTS ",\"torso\":" JOINTS, "")),
     mobile,
     1,
     "base is 'JOINT_POSITION'; only JOINT_VELOCITY",
     0,
     {END},
     0,
     0},
    {ENV(CONFIG("BASIC", "\"right\":" OSC ",\"base\":" BASE ",\"torso\":" BASE, "")),
     mobile,
     1,
     "torso is 'JOINT_VELOCITY'; only JOINT_POSITION",
     0,
     {END},
     0,
     0},
    {ENV(CONFIG("BASIC", "\"right\":" OSC ",\"right_gripper\":" JOINTS, "")),
     two_robots,
     2,
     "right_gripper alone",
     0,
     {END},
     0,
     0},
    {ENV(CONFIG("BASIC", "\"right\":" OSC,
                ",\"composite_controller_specific_configs\":{\"body_part_ordering\":[\"right\"]}")),
     two_robots,
     2,
     "body_part_ordering",
     0,
     {END},
     0,
     0},
};

static void check_message(const char* message, const char* why, const char* env_args) {
  regex_t pattern;
  assert_int_equal(regcomp(&pattern, why, REG_EXTENDED | REG_NOSUB), 0);
  if (regexec(&pattern, message, 0, NULL, 0) || strncmp(message, "d.hdf5: ", 8))
    fail_msg("%s: says '%s', wanted '%s'", env_args, message, why);
  regfree(&pattern);
}

static void entries_are_found(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomTask task = {.arm_count = cases[i].arms, .robots = cases[i].robots, .path = "task.yaml"};
    task.has_controller = strstr(cases[i].env_args, "MINK") != NULL;
    loomControllerDef control[2] = {{.type = LOOM_OSC_POSE}, {.type = LOOM_OSC_POSE}};
    bool joints = strstr(cases[i].env_args, "WHOLE_BODY_IK") && !strstr(cases[i].env_args, OSC);
    if (joints) control[0].type = control[1].type = LOOM_JOINT_POSITION;
    loomComposite out;
    loomError err = {0, ""};
    cJSON* root = loom_json_read(cases[i].env_args);
    assert_non_null(root);

    int code = loom_composite_read(&out, &task, control, root, "d.hdf5", &err);
    if (!code != !cases[i].why) fail_msg("%s: %s", cases[i].env_args, code ? err.message : "taken");
    if (code) check_message(err.message, cases[i].why, cases[i].env_args);
    cJSON_Delete(root);
    if (code) continue;

    if (out.used != (cases[i].action_dim > 0)) fail_msg("%s: used %d", cases[i].env_args, out.used);
    if (out.used) assert_int_equal(out.action_dim, cases[i].action_dim);
    assert_int_equal(out.part_count, cases[i].parts);
    assert_int_equal(out.mode[0], cases[i].mode);
    for (int k = 0; cases[i].own[k] != END; k++)
      if (out.own[k] != cases[i].own[k]) fail_msg("%s: entry %d is at %d", cases[i].env_args, k, out.own[k]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(entries_are_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
