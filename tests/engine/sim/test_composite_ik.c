// WHOLE_BODY_IK as robosuite 1.5 has it: what it refuses of models, and that its pull to 0 moves no hand.
// (Its numbers are compared with robosuite's in test_robosuite15.c.)
#include <math.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sim/composite_ik.h"

// A chain of four joints with a hand at its end, and one half-way; before, beside or after it something else.
#define LINK(n, axis, more)                               \
  "<body pos='0.1 0 0.3'><joint name='" n "' axis='" axis \
  "' range='-2 2'/><geom size='0.05' "                    \
  "mass='1'/>" more
#define CHAIN(first)                                                                  \
  LINK(first, "0 0 1", LINK("b", "0 1 0", LINK("c", "1 0 0", "<site name='half'/>"))) \
  LINK("d", "0 1 0", "<site name='hand'/></body></body></body></body>")
#define MODEL(before, first, after)                                        \
  "<mujoco><compiler angle='radian' autolimits='true'/><worldbody>" before \
  "<body name='robot0_base' quat='0.7 0 0 0.7'>" CHAIN(first) "</body>" after "</worldbody></mujoco>"
#define BALL "<body><freejoint/><geom size='0.1'/></body>"
#define SLIDES                                                                                       \
  "<body><joint type='slide'/><joint type='slide'/><joint type='slide'/><joint type='slide'/><geom " \
  "size='0.1'/></body>"

static loomRobotDef robots[2] = {{.robot = "chain", .arm = {.count = 4, .joints = {"a", "b", "c", "d"}}},
                                 {.robot = "chain", .arm = {.count = 4, .joints = {"torso", "b", "c", "d"}}}};

static mjModel* compile(const char* xml) {
  char error[300] = "";
  mjSpec* spec = mj_parseXMLString(xml, NULL, error, sizeof error);
  mjModel* m = spec ? mj_compile(spec, NULL) : NULL;
  if (!m) fail_msg("%s", error);
  mj_deleteSpec(spec);
  return m;
}

static loomIkDef chain_def(const loomRobotDef* robot, int hands, double gain) {
  loomIkDef def = {
      .robot = robot, .hand_count = hands, .hand = {0, 1}, .damping = 1e-6, .dt = 0.1, .joint_count = 4};
  for (int i = 0; i < 4; i++) def.joint[i] = (loomIkJoint){.arm = 0, .part = -1, .index = i, .gain = gain};
  return def;
}

// ---- binding

static void mixed_up_models_are_refused(void** state) {
  (void)state;
  static const struct {
    const char* xml;
    int robot;
    const char *frame, *elsewhere, *why;
  } cases[] = {
      {MODEL("", "a", BALL), 0, "robot0_base", "nowhere", NULL},
      {MODEL("", "torso", ""), 1, "", "", NULL},
      {MODEL(SLIDES, "a", ""), 0, "", "", NULL},
      {MODEL(BALL, "a", ""), 0, "", "", "joint 'a' is number 1 .* position number 7"},
      {MODEL(SLIDES, "torso", ""), 1, "", "", "numbers 4 and on of the model, and .* moves 4"},
      {MODEL("", "x", ""), 0, "", "", "no joint 'a'"},
      {MODEL("", "a", ""), 0, "robot1_base", "", "no body 'robot1_base' .ik_input_ref_frame"},
      {MODEL("", "a", ""), 0, "", "half", "moves site 'half' .* none of the hands of robot 'chain'"}};

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mjModel* m = compile(cases[i].xml);
    loomArm arm = {.robot = &robots[cases[i].robot], .site = mj_name2id(m, mjOBJ_SITE, "hand")};
    loomIkDef def = chain_def(arm.robot, 1, 1);
    snprintf(def.frame, sizeof def.frame, "%s", cases[i].frame);
    snprintf(def.elsewhere[0], sizeof def.elsewhere[0], "%s", cases[i].elsewhere);
    def.elsewhere_count = cases[i].elsewhere[0] != 0;

    loomIk ik;
    loomError err = {0, ""};
    int code = loom_ik_bind(&ik, &def, &arm, NULL, 0, m, &err);
    if (!code != !cases[i].why) fail_msg("case %zu: %s", i, code ? err.message : "taken");
    regex_t pattern;
    assert_int_equal(regcomp(&pattern, code ? cases[i].why : "", REG_EXTENDED | REG_NOSUB), 0);
    if (code && regexec(&pattern, err.message, 0, NULL, 0)) fail_msg("case %zu says '%s'", i, err.message);
    regfree(&pattern);
    mj_deleteModel(m);
  }
}

// ---- the null space

// How fast joints go for one hand or two, to where these are.
static void plan(double speed[4], const mjModel* m, const mjData* d, int hands, double gain) {
  static const char* const sites[] = {"hand", "half"};
  double jacobian[6 * 4], action[14];
  loomArm arms[2] = {{.robot = &robots[0]}, {.robot = &robots[0]}};
  loomIkDef def = chain_def(&robots[0], hands, gain);
  def.quat = true;

  for (int h = 0; h < hands; h++) {
    arms[h].site = mj_name2id(m, mjOBJ_SITE, sites[h]);
    mju_copy3(action + 7 * h, d->site_xpos + 3 * arms[h].site);
    mju_mat2Quat(action + 7 * h + 3, d->site_xmat + 9 * arms[h].site);
  }

  loomIk ik;
  assert_int_equal(loom_ik_bind(&ik, &def, arms, NULL, 0, m, NULL), 0);
  loom_ik_plan(&ik, m, d, jacobian, action);
  for (int i = 0; i < 4; i++) speed[i] = (arms[0].state.goal_qpos[i] - d->qpos[i]) / def.dt;
}

static void the_pull_to_0_moves_no_hand(void** state) {
  (void)state;
  mjModel* m = compile(MODEL("", "a", ""));
  mjData* d = mj_makeData(m);
  for (int i = 0; i < 4; i++) d->qpos[i] = 0.3 + 0.2 * i;
  mj_step1(m, d);

  // Four joints have no way to leave six entries of a pose alone,
  double speed[4];
  plan(speed, m, d, 1, 5);
  for (int i = 0; i < 4; i++) assert_true(fabs(speed[i]) < 1e-9);
  plan(speed, m, d, 2, 5);
  for (int i = 0; i < 4; i++) assert_true(fabs(speed[i]) < 1e-9);

  // but where the second's axis and the fourth's are one they have: against each other.
  int hand = mj_name2id(m, mjOBJ_SITE, "hand"), body = m->site_bodyid[hand];
  d->qpos[1] = d->qpos[2] = 0;
  mju_zero3(m->body_pos + 3 * body);
  mju_zero3(m->body_pos + 3 * m->body_parentid[body]);
  mj_step1(m, d);
  plan(speed, m, d, 1, 5);
  double pull = 5 * d->qpos[3] / 2, wanted[4] = {0, pull, 0, -pull};
  for (int i = 0; i < 4; i++)
    if (!(fabs(speed[i] - wanted[i]) < 1e-9)) fail_msg("joint %d goes at %g, not %g", i, speed[i], wanted[i]);

  mj_deleteData(d);
  mj_deleteModel(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(mixed_up_models_are_refused),
                                     cmocka_unit_test(the_pull_to_0_moves_no_hand)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
