// What an arm and a gripper are bound to: a table of faults of actuators, each refused by name or driven
// right.
#include <math.h>

#include "tests/own_fixture.h"

static loomTask* task;
static char *scene_xml, label[LOOM_PATH_MAX];

static int open_task(void** state) {
  loomError err = {0, ""};
  loomAssetRoots roots = {0};
  (void)state;
  must(loom_task_load(&task, "tests/own/task.yaml", "tests/own/robots", &err), &err);
  must(loom_task_model(&scene_xml, label, task, &roots, &err), &err);
  return 0;
}

static int close_task(void** state) {
  (void)state;
  free(scene_xml);
  loom_task_destroy(task);
  return 0;
}

// The scene's text with each of a list of pairs replaced once; malloc'ed.
static char* changed(const char* const pair[][2], int n) {
  char* text = strdup(scene_xml);
  for (int i = 0; i < n && pair[i][0]; i++) {
    char* at = strstr(text, pair[i][0]);
    if (!at) fail_msg("the scene has no %s", pair[i][0]);

    size_t before = (size_t)(at - text), old = strlen(pair[i][0]), more = strlen(pair[i][1]);
    char* out = calloc(1, strlen(text) + more + 1);
    memcpy(out, text, before);
    strcpy(out + before, pair[i][1]);
    strcpy(out + before + more, at + old);
    free(text);
    text = out;
  }
  return text;
}

static int open_changed(loomScene** scene, loomEpisode** e, const char* const pair[][2], int n,
                        loomError* err) {
  loomAssetRoots roots = {0};
  char* xml = changed(pair, n);
  *scene = NULL;
  *e = NULL;
  int code = loom_scene_create(scene, task, xml, "changed", NULL, &roots, err);
  if (!code) code = loom_episode_create(e, *scene, err);
  free(xml);
  return code;
}

#define MX0 "<motor name=\"mx0\" joint=\"x0\" ctrlrange=\"-80 80\"/>"
#define ML0 \
  "<position name=\"mleft0\" joint=\"left0\" ctrlrange=\"0 0.04\" kp=\"200\" forcerange=\"-20 20\"/>"

/// A scene with something wrong, and words that its refusal has.
typedef struct fault {
  const char* edit[3][2];
  const char* words[3];
} fault;

static const fault faults[] = {
    // An arm's motor that is something else, drives something else, or is too weak.
    {{{MX0, "<position name=\"mx0\" joint=\"x0\" kp=\"800\" ctrlrange=\"-3 3\"/>"}},
     {"'mx0'", "position servo", "<motor"}},
    {{{MX0, "<position name=\"mx0\" joint=\"x0\" kp=\"800\" ctrlrange=\"-3 3\"/>"}},
     {"OSC_POSE", "WHOLE_BODY_IK", "JOINT_POSITION"}},
    {{{MX0, "<position joint=\"x0\" kp=\"800\" ctrlrange=\"-3 3\"/>"}},
     {"'mx0'", "no actuator", "scenes/robots"}},
    {{{MX0, "<velocity name=\"mx0\" joint=\"x0\" kv=\"80\" ctrlrange=\"-3 3\"/>"}},
     {"'mx0'", "velocity servo", "<motor"}},
    {{{MX0, "<intvelocity name=\"mx0\" joint=\"x0\" kp=\"80\" actrange=\"-3 3\"/>"}},
     {"'mx0'", "integrates", "<motor"}},
    {{{MX0, "<damper name=\"mx0\" joint=\"x0\" kv=\"80\" ctrlrange=\"0 1\"/>"}},
     {"'mx0'", "damper", "<motor"}},
    {{{MX0,
       "<muscle name=\"mx0\" joint=\"x0\" lengthrange=\"0 1\" ctrllimited=\"true\" ctrlrange=\"0 1\"/>"}},
     {"'mx0'", "muscle", "<motor"}},
    {{{MX0, "<general name=\"mx0\" joint=\"x0\" dyntype=\"filter\" dynprm=\"0.1\" ctrlrange=\"-80 80\"/>"}},
     {"'mx0'", "dynamics", "<motor"}},
    {{{MX0,
       "<general name=\"mx0\" joint=\"x0\" biastype=\"affine\" biasprm=\"3 0 0\" ctrlrange=\"-80 80\"/>"}},
     {"'mx0'", "bias", "<motor"}},
    {{{MX0, "<motor name=\"mx0\" site=\"grip0\" ctrlrange=\"-80 80\"/>"}}, {"'mx0'", "a site", "<motor"}},
    {{{MX0, "<motor name=\"mx0\" tendon=\"t\" ctrlrange=\"-80 80\"/>"},
      {"<actuator>",
       "<tendon><fixed name=\"t\"><joint joint=\"x0\" coef=\"1\"/></fixed></tendon><actuator>"}},
     {"'mx0'", "a tendon", "<motor"}},
    {{{MX0, "<motor name=\"mx0\" joint=\"y0\" ctrlrange=\"-80 80\"/>"}}, {"'mx0'", "'y0'", "order"}},
    {{{MX0, "<motor name=\"mx0\" joint=\"x0\" gear=\"0\" ctrlrange=\"-80 80\"/>"}}, {"'mx0'", "gear", "0"}},
    {{{MX0, "<motor name=\"mx0\" joint=\"x0\" ctrlrange=\"-8 8\"/>"}},
     {"'mx0'", "torque_limit", "ctrlrange"}},
    {{{MX0, "<motor name=\"mx0\" joint=\"x0\" forcerange=\"-8 8\"/>"}},
     {"'mx0'", "torque_limit", "forcerange"}},
    {{{MX0, "<motor name=\"mx0\" joint=\"x0\" ctrlrange=\"0 80\"/>"}},
     {"'mx0'", "torque_limit", "ctrlrange"}},
    {{{"name=\"x0\" type=\"slide\"", "name=\"x0\" actuatorfrcrange=\"-8 8\" type=\"slide\""}},
     {"'mx0'", "torque_limit", "actuatorfrcrange"}},
    {{{"name=\"mx0\"", "name=\"other\""}}, {"'mx0'", "no actuator", "scenes/robots"}},

    // Switched off, or held by another.
    {{{MX0, "<motor name=\"mx0\" joint=\"x0\" group=\"3\" ctrlrange=\"-80 80\"/>"},
      {"<option ", "<option actuatorgroupdisable=\"3\" "}},
     {"'mx0'", "switched off", "group 3"}},
    {{{"<option timestep=\"0.002\" integrator=\"implicitfast\" cone=\"elliptic\" impratio=\"20\"/>",
       "<option timestep=\"0.002\"><flag actuation=\"disable\"/></option>"}},
     {"'mx0'", "switched off", "actuation"}},
    {{{MX0, MX0 "<position name=\"extra\" joint=\"x0\" kp=\"100\"/>"}},
     {"'x0'", "'extra'", "position servo"}},

    // Joints that no number describes.
    {{{"<joint name=\"c0\" axis=\"1 0 0\" range=\"-1.5 1.5\"/>", "<joint name=\"c0\" type=\"ball\"/>"},
      {"<motor name=\"mc0\" joint=\"c0\" ctrlrange=\"-12 12\"/>",
       "<motor name=\"mc0\" joint=\"c0\" ctrlrange=\"-12 12\"/>"}},
     {"'c0'", "ball", "hinges"}},

    // Grippers that could never move.
    {{{ML0, "<position name=\"mleft0\" joint=\"left0\" kp=\"200\"/>"}, {"range=\"0 0.04\"", ""}},
     {"'mleft0'", "ctrlrange", "never move"}},
    {{{ML0, "<motor name=\"mleft0\" joint=\"left0\"/>"}}, {"'mleft0'", "ctrlrange", "never move"}},
    {{{ML0, "<velocity name=\"mleft0\" joint=\"left0\" kv=\"10\"/>"}},
     {"'mleft0'", "ctrlrange", "never move"}},
    {{{ML0, "<position name=\"mleft0\" joint=\"left0\" ctrlrange=\"0 0.04\" kp=\"0\"/>"}},
     {"'mleft0'", "no force", "gain"}},
    {{{ML0, "<position name=\"mleft0\" joint=\"left0\" group=\"2\" ctrlrange=\"0 0.04\" kp=\"200\"/>"},
      {"<option ", "<option actuatorgroupdisable=\"2\" "}},
     {"'mleft0'", "switched off", "group 2"}},
    {{{"<position name=\"mleft0\" joint=\"left0\"", "<position name=\"mleft0\" joint=\"left1\""}},
     {"'mleft0'", "'left1', not 'left0'", "order"}},
    {{{ML0, "<position name=\"mleft0\" joint=\"left0\" ctrlrange=\"0 0.04\" kp=\"200\" gear=\"0\"/>"}},
     {"'mleft0'", "no force", "gear"}},
};

static void faults_are_named(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    loomError err = {0, ""};
    loomScene* scene;
    loomEpisode* e;
    int code = open_changed(&scene, &e, faults[i].edit, 3, &err);
    if (code != LOOM_ERR_FORMAT) fail_msg("row %zu: code %d: %s", i, code, err.message);
    for (int w = 0; w < 3; w++)
      if (!strstr(err.message, faults[i].words[w]))
        fail_msg("row %zu: '%s' is not in: %s", i, faults[i].words[w], err.message);

    loom_episode_destroy(e);
    loom_scene_destroy(scene);
  }
}

// Torsos and bases want motors of gear 1 and servos that hold a speed.
static void parts_are_told_apart(void** state) {
  (void)state;
  static const struct {
    const char *actuator, *motor, *speed;  // what is said of it as either; NULL: taken
  } rows[] = {
      {"<motor name='p' joint='j' ctrlrange='-9 9'/>", NULL, "'p' (a motor, a joint) is no velocity servo"},
      {"<velocity name='p' joint='j' kv='7' ctrlrange='-9 9'/>", "(a velocity servo, a joint) is no motor",
       NULL},
      {"<velocity name='p' joint='j' kv='7'/>", "is no motor", "is no velocity servo with a ctrlrange"},
      {"<position name='p' joint='j' kp='7' ctrlrange='-9 9'/>", "(a position servo", "(a position servo"},
      {"<damper name='p' joint='j' kv='7' ctrlrange='0 9'/>", "(a damper", "(a damper"},
      {"<motor name='p' joint='j' gear='2' ctrlrange='-9 9'/>", "is no motor of gear 1",
       "is no velocity servo"},
      {"<motor name='p' joint='k' ctrlrange='-9 9'/>", "on joint 'j'", "on joint 'j'"},
      {"<motor name='q' joint='k' ctrlrange='-9 9'/>", "no actuator 'p'", "no actuator 'p'"}};

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[600], error[200] = "";
    snprintf(
        text, sizeof text,
        "<mujoco><compiler autolimits='true'/><worldbody><body><joint name='j'/><geom size='1'/>"
        "<body><joint name='k'/><geom size='1'/></body></body></worldbody><actuator>%s</actuator></mujoco>",
        rows[i].actuator);
    mjSpec* spec = mj_parseXMLString(text, NULL, error, sizeof error);
    mjModel* m = spec ? mj_compile(spec, NULL) : NULL;
    if (!m) fail_msg("row %zu: %s", i, error);

    // As a part that is to go somewhere, and as one that is to have a speed.
    for (int speed = 0; speed < 2; speed++) {
      loomError err = {0, ""};
      int found;
      const char* why = speed ? rows[i].speed : rows[i].motor;

      int code = loom_actuator_part(&found, "p", 0, speed, m, &err);
      if (!code != !why || (why && !strstr(err.message, why)))
        fail_msg("row %zu, %d: %s", i, speed, code ? err.message : "taken");
    }
    mj_deleteModel(m);
    mj_deleteSpec(spec);
  }
}

/// A scene whose actuators are made in another way and do the same.
static const struct {
  const char* edit[3][2];
  bool same_bits;
} ways[] = {
    {{{NULL, NULL}}, true},
    {{{MX0, "<motor name=\"mx0\" joint=\"x0\" gear=\"4\" ctrlrange=\"-20 20\"/>"}}, true},
    {{{MX0, "<motor name=\"mx0\" joint=\"x0\" gear=\"-1\" ctrlrange=\"-80 80\"/>"}}, true},
    {{{MX0, "<general name=\"mx0\" joint=\"x0\" gainprm=\"0.5\" ctrlrange=\"-160 160\"/>"}}, true},
    {{{MX0, "<motor name=\"mx0\" joint=\"x0\"/>"}}, true},
    {{{MX0, MX0 "<motor name=\"unused\" joint=\"x0\"/>"}}, true},
    {{{ML0, "<position name=\"mleft0\" joint=\"left0\" kp=\"200\" forcerange=\"-20 20\"/>"}}, true},
    {{{ML0, "<position name=\"mleft0\" tendon=\"t\" ctrlrange=\"0 0.04\" kp=\"200\" forcerange=\"-20 20\"/>"},
      {"<actuator>",
       "<tendon><fixed name=\"t\"><joint joint=\"left0\" coef=\"1\"/></fixed></tendon><actuator>"}},
     false},
    {{{ML0, "<position name=\"mleft0\" tendon=\"t\" kp=\"200\" forcerange=\"-20 20\"/>"},
      {"<actuator>",
       "<tendon><fixed name=\"t\" range=\"0 0.04\"><joint joint=\"left0\" "
       "coef=\"1\"/></fixed></tendon><actuator>"}},
     false},
};

// Both hands told to go up and close, for two seconds.
static void drive(double out[8], double* first, loomEpisode* e) {
  loomError err = {0, ""};
  double action[14] = {0};
  action[2] = action[9] = 0.5;
  action[6] = action[13] = 1;
  must(loom_episode_reset(e, 0, 5, 0, &err), &err);
  *first = e->d->qpos[e->arms[0].hand_qpos[0]];
  for (int t = 0; t < 40; t++) must(loom_episode_step(e, action, &err), &err);

  memcpy(out, e->d->site_xpos + 3 * e->arms[0].site, 3 * sizeof *out);
  memcpy(out + 3, e->d->site_xpos + 3 * e->arms[1].site, 3 * sizeof *out);
  out[6] = e->d->qpos[e->arms[0].hand_qpos[0]];
  out[7] = e->d->qpos[e->arms[0].hand_qpos[1]];
}

static void other_ways_do_the_same(void** state) {
  (void)state;
  double plain[8], here[8], open;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    loomError err = {0, ""};
    loomScene* scene;
    loomEpisode* e;
    if (open_changed(&scene, &e, ways[i].edit, 3, &err)) fail_msg("row %zu: %s", i, err.message);

    // A reversed gear, a halved gain, a range taken from the joint: the same to the bit; a tendon nearly so.
    drive(i ? here : plain, &open, e);
    for (int k = 0; i && k < 8; k++)
      if (ways[i].same_bits ? here[k] != plain[k] : fabs(here[k] - plain[k]) > 1e-3)
        fail_msg("row %zu: number %d is %.17g, plainly %.17g", i, k, here[k], plain[k]);
    assert_true(plain[6] < open - 0.01);

    loom_episode_destroy(e);
    loom_scene_destroy(scene);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(faults_are_named),
      cmocka_unit_test(parts_are_told_apart),
      cmocka_unit_test(other_ways_do_the_same),
  };
  return cmocka_run_group_tests(tests, open_task, close_task);
}
