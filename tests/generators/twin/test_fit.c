// Mass and friction of a box that one gantry pushes and lifts, and of a can that another lifts, from a log of
// their poses with noise. LOOM_FIT_CASES=N tries the first N of drawn values, and prints what was found; of
// LOOM_FIT_SECONDS=1.6 the box is only shoved.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/base/random.h"
#include "engine/data/dataset.h"
#include "engine/scene/compose.h"
#include "engine/sim/edit.h"
#include "generators/twin/edit_script.h"
#include "generators/twin/fit.h"

enum { ROWS = 100, BOX = 0, CAN = 1, LEAF = 2, OBJECTS = 3 };

static char folder[] = "/tmp/loom-fit-XXXXXX";
static char log_path[64];
static loomTask* task;
static loomScene* scene;

// ---- a scene of two gantries, of which tests/own has the model

static const char objects[] =
    "    <body name=\"box\" pos=\"0 -0.25 0.025\"><freejoint name=\"box_joint\"/>\n"
    "      <geom name=\"box\" type=\"box\" size=\"0.025 0.025 0.025\" mass=\"0.3\"/></body>\n"
    "    <body name=\"leaf\" pos=\"0.4 0.4 0.4\"><joint name=\"leaf_joint\" axis=\"0 1 0\" range=\"-3 3\" "
    "armature=\"0\" "
    "damping=\"0.01\" frictionloss=\"0.01\"/>\n"
    "      <geom type=\"box\" size=\"0.02 0.05 0.1\" pos=\"0 0 -0.1\" mass=\"0.2\"/></body>\n"
    "    <body name=\"can\" pos=\"0 0.25 0.04\"><freejoint name=\"can_joint\"/>\n"
    "      <geom name=\"can\" type=\"cylinder\" size=\"0.022 0.04\" mass=\"0.3\"/></body>\n";

static const char description[] =
    "task: bench\nmodel: {file: scene.xml}\nrobots: [gantry]\n"
    "controller: {type: OSC_POSE, input_max: 1, input_min: -1, output_max: [0.1, 0.1, 0.1, 0.5, 0.5, "
    "0.5], "
    "output_min: [-0.1, -0.1, -0.1, -0.5, -0.5, -0.5], kp: 150, damping_ratio: 1}\n"
    "max_steps: 200\nobjects: {box: {body: box}, can: {body: can}, leaf: {body: leaf}}\n"
    "success: {height: {of: box, above: 0.1}}\n"
    "reset: {D0: {box: {x: [0, 0], y: [-0.25, -0.25], z: 0.025}, can: {x: [0, 0], y: [0.25, 0.25], z: "
    "0.04}, leaf: {joint: [1.2, 1.2]}}}\n"
    "arms:\n  - subtasks: [{name: lift, reference: box, until: end}]\n";

static void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

// What lies between the places where two texts begin goes.
static void cut(char* text, const char* first, const char* last) {
  char *from = strstr(text, first), *to = from ? strstr(from, last) : NULL;
  if (!to) fail_msg("tests/own/scene.xml has no %s before %s", first, last);
  memmove(from, to, strlen(to) + 1);
}

static int make_scene(void** state) {
  char path[128], *xml = NULL, label[LOOM_PATH_MAX];
  loomError err = {0};
  loomAssetRoots none = {0};
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(log_path, sizeof log_path, "%s/log.hdf5", folder);

  // One of its gantries, and objects of one size.
  must(loom_read_text(&xml, NULL, "tests/own/scene.xml", 1 << 20, &err), &err);
  cut(xml, "    <body name=\"base1\"", "  </worldbody>");
  cut(xml, "    <motor name=\"mx1\"", "  </actuator>");
  *(strstr(xml, "timestep=\"0.002\"") + strlen("timestep=\"0.00")) = '4';
  char *text = malloc(strlen(xml) + sizeof objects), *end = strstr(xml, "  </worldbody>");
  assert_non_null(text);
  sprintf(text, "%.*s%s%s", (int)(end - xml), xml, objects, end);
  snprintf(path, sizeof path, "%s/scene.xml", folder);
  must(loom_file_write_text(path, text, &err), &err);

  free(text);
  free(xml);

  snprintf(path, sizeof path, "%s/task.yaml", folder);
  must(loom_file_write_text(path, description, &err), &err);
  must(loom_task_load(&task, path, "tests/own/robots", &err), &err);
  must(loom_task_model(&xml, label, task, &none, &err), &err);
  must(loom_scene_create(&scene, task, xml, label, NULL, &none, &err), &err);

  free(xml);
  return 0;
}

static int remove_scene(void** state) {
  char line[128];
  (void)state;
  loom_scene_destroy(scene);
  loom_task_destroy(task);
  snprintf(line, sizeof line, "rm -rf %s", folder);

  return system(line);
}

// ---- a log

typedef struct values {
  double mass, friction;  // of the box, kg
  double noise;           // of positions, m; rotations 5 rad/m of that, joints a quarter
  double damping, drag;   // of the leaf's joint, N m s/rad and N m; 0 = as the scene has them
  bool states, gap;
} values;

static void put_values(loomEpisode* e, const values* v) {
  loomError err = {0};
  loom_edit_mass(e, BOX, v->mass / 0.3);
  for (int g = 0; g < e->m->ngeom; g++) {
    const char* name = mj_id2name(e->m, mjOBJ_GEOM, g);
    double* f = e->m->geom_friction + (ptrdiff_t)3 * g;
    if (name && (!strcmp(name, "box") || !strcmp(name, "floor"))) mju_scl3(f, f, v->friction);
  }
  int dof = e->m->jnt_dofadr[mj_name2id(e->m, mjOBJ_JOINT, "leaf_joint")];
  if (v->damping > 0) e->m->dof_damping[dof] = v->damping;
  if (v->drag > 0) e->m->dof_frictionloss[dof] = v->drag;
  must(loom_edit_constants(e, &err), &err);
}

/// A way of the hand: to a place beside the box as it was when the way, or one before it, began.
typedef struct leg {
  int steps;
  bool look;     // where the box is
  double at[3];  // m; z from the floor
  double grip;
} leg;

// A shove from behind; from above onto it, and up.
static const leg shove[] = {{14, true, {-0.1, 0, 0.03}, 1},
                            {10, false, {0.1, 0, 0.03}, 1},
                            {8, false, {0, 0, 0.2}, 1}},
                 lift[] = {{14, true, {0, 0, 0.12}, -1},
                           {12, false, {0, 0, 0.02}, -1},
                           {10, false, {0, 0, 0.02}, 1},
                           {40, false, {0.05, 0, 0.25}, 1}};
enum { SHOVES = 3, LIFTS = 4 };

static const leg* leg_at(int t, bool* begins) {
  int at = 0;
  for (int i = 0; i < SHOVES + LIFTS; i++) {
    const leg* l = i < SHOVES ? &shove[i] : &lift[i - SHOVES];
    *begins = t == at;
    at += l->steps;
    if (t < at) return l;
  }
  *begins = false;

  return &lift[LIFTS - 1];
}

static void drive(double* action, const loomEpisode* e, const leg* l, const double* anchor) {
  loomPose eef = loom_episode_eef(e, 0);
  for (int k = 0; k < 3; k++) {
    double to = (k < 2 ? anchor[k] : 0) + l->at[k];
    action[k] = fmin(fmax(3 * (to - eef.pos[k]) / 0.1, -1), 1);
  }
  action[6] = l->grip;
}

static void noisy(double* x, int n, double by, loomRandom* random) {
  for (int k = 0; k < n; k++) x[k] += by * loom_random_normal(random);
}

/// What was seen.
typedef struct sight {
  double joint[ROWS][6], hand[ROWS][2], pos[OBJECTS][ROWS][3], quat[OBJECTS][ROWS][4];
} sight;

static void see(sight* s, int t, const loomEpisode* e, const values* v, loomRandom* random) {
  for (int o = 0; o < OBJECTS; o++) {
    loomPose pose = loom_episode_object(e, o);
    double turn[3] = {0}, by[4], turned[4];
    memcpy(s->pos[o][t], pose.pos, sizeof pose.pos);
    noisy(s->pos[o][t], 3, v->noise, random);
    noisy(turn, 3, 5 * v->noise, random);
    loom_quat_exp(by, turn);
    loom_quat_mul(turned, by, pose.quat);
    for (int k = 0; k < 4; k++) s->quat[o][t][k] = turned[(k + 1) % 4];
    if (v->gap && t % 5 == 3) s->pos[o][t][0] = s->quat[o][t][2] = NAN;
  }

  for (int k = 0; k < 6; k++) s->joint[t][k] = e->d->qpos[e->arms[0].qpos[k]];

  for (int k = 0; k < 2; k++) s->hand[t][k] = e->d->qpos[e->arms[0].hand_qpos[k]];
  noisy(s->joint[t], 6, v->noise / 4, random);
  noisy(s->hand[t], 2, v->noise / 4, random);
}

// One demo: what was done, and either states or what was seen, with noise.
static void make_log(const values* v, uint64_t seed) {
  static sight s;
  static double action[ROWS][7], states[ROWS][64];
  loomError err = {0};
  loomEpisode* e = NULL;
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_TEST);
  double start[64], anchor[3] = {0};
  must(loom_episode_create(&e, scene, &err), &err);
  must(loom_episode_reset(e, 0, seed, 0, &err), &err);
  int size = e->state_dim;
  assert_true(e->action_dim == 7 && size <= 64);
  put_values(e, v);
  loom_episode_state(start, e);
  must(loom_episode_again(e, start, &err), &err);

  for (int t = 0; t < ROWS; t++) {
    bool begins;
    const leg* l = leg_at(t, &begins);
    loom_episode_state(&states[0][0] + t * size, e);
    see(&s, t, e, v, &random);
    if (begins && l->look) mju_copy3(anchor, loom_episode_object(e, BOX).pos);
    memset(action[t], 0, sizeof action[t]);
    drive(action[t], e, l, anchor);
    must(loom_episode_step(e, action[t], &err), &err);
  }
  if (getenv("LOOM_FIT_CASES"))
    printf("the box ends at %.3f, %.3f m\n", loom_episode_object(e, BOX).pos[0],
           loom_episode_object(e, BOX).pos[2]);

  const loomField seen[] = {
      {"actions", LOOM_TYPE_F64, 2, {ROWS, 7}, action},
      {"obs/robot0_joint_pos", LOOM_TYPE_F64, 2, {ROWS, 6}, s.joint},
      {"obs/robot0_gripper_qpos", LOOM_TYPE_F64, 2, {ROWS, 2}, s.hand},
      {"obs/box_pos", LOOM_TYPE_F64, 2, {ROWS, 3}, s.pos[0]},
      {"obs/box_quat", LOOM_TYPE_F64, 2, {ROWS, 4}, s.quat[0]},
      {"obs/can_pos", LOOM_TYPE_F64, 2, {ROWS, 3}, s.pos[1]},
      {"obs/can_quat", LOOM_TYPE_F64, 2, {ROWS, 4}, s.quat[1]},
      {"obs/leaf_pos", LOOM_TYPE_F64, 2, {ROWS, 3}, s.pos[2]},
      {"obs/leaf_quat", LOOM_TYPE_F64, 2, {ROWS, 4}, s.quat[2]},
  };
  const loomField exact[] = {seen[0], {"states", LOOM_TYPE_F64, 2, {ROWS, size}, states}};
  const loomRecord record = {
      .name = "demo_0", .nfield = v->states ? 2 : 9, .field = v->states ? exact : seen};
  const loomWriteDef write = loom_default_write_def();
  must(loom_shard_write(log_path, &record, 1, &write, &err), &err);
  loom_episode_destroy(e);
}

// ---- fitted

static const loomFitParameter* find(const loomTwinFit* fit, loomFitKind kind, const char* object) {
  for (int i = 0; i < fit->n; i++)
    if (fit->parameter[i].kind == kind && !strcmp(fit->parameter[i].object, object))
      return &fit->parameter[i];
  fail_msg("no such parameter");

  return NULL;
}

static loomTwinFitDef quick_def(const char* object, unsigned kinds) {
  loomTwinFitDef def = loom_default_twin_fit_def();
  def.log = log_path;
  def.nobject = 1;
  def.object[0] = object;
  def.kinds = kinds;
  def.starts = 0;
  def.around = 2;

  return def;
}

static void must_fit(loomTwinFit* fit, const loomTwinFitDef* def) {
  loomError err = {0};
  must(loom_twin_fit(fit, scene, def, &err), &err);
}

enum { MASS = 1 << LOOM_FIT_MASS, FRICTION = 1 << LOOM_FIT_FRICTION, DAMPING = 1 << LOOM_FIT_DAMPING };

static void is_near(const loomFitParameter* p, double truth, double share) {
  if (p->known != LOOM_FIT_TOLD || fabs(p->value / truth - 1) > share)
    fail_msg("%d of %s: %g (%g to %g, %d), not %g", p->kind, p->object, p->value, p->low, p->high, p->known,
             truth);
}

// `twin edit` reads it.
static void read_script(const char* text, int commands) {
  char path[128];
  loomError err = {0};
  loomEditScript script;
  snprintf(path, sizeof path, "%s/script.yaml", folder);
  must(loom_file_write_text(path, text, &err), &err);
  must(loom_edit_script_read(&script, path, NULL, &err), &err);
  assert_int_equal(script.n, commands);
  loom_edit_script_destroy(&script);
}

// Noise of 2 mm and 0.6 degrees, every fifth pose not seen, nothing known of the start but what was seen.
static void test_noise(void** state) {
  static loomTwinFit fit;
  const values v = {.mass = 0.42, .friction = 0.35, .noise = 2e-3, .gap = true};
  (void)state;
  if (getenv("LOOM_QUICK")) skip();
  make_log(&v, 3);
  const loomTwinFitDef def = quick_def("box", MASS | FRICTION);
  must_fit(&fit, &def);
  is_near(find(&fit, LOOM_FIT_MASS, "box"), v.mass, 0.1);
  is_near(find(&fit, LOOM_FIT_FRICTION, "box"), v.friction, 0.1);
  assert_false(fit.states);
  assert_int_equal(fit.rows, ROWS);

  // What the box lay on has its friction too; the script says so.
  char* script = loom_fit_script(&fit, scene, "bench", "log.hdf5");
  assert_non_null(script);
  assert_non_null(strstr(script, "- weigh: {body: box, mass: 0.4"));
  assert_non_null(strstr(script, "- rub: {body: box, friction: [0.3"));
  assert_non_null(strstr(script, "- rub: {body: world, friction: [0.3"));
  read_script(script, 3);

  free(script);

  // And the residual is what the noise is.
  for (int g = 0; g < fit.ngroup; g++)
    if (!strcmp(fit.group[g].name, "box position"))
      assert_true(fit.group[g].before > 8e-3 && fit.group[g].after < 3e-3 &&
                  fabs(fit.group[g].noise - 2e-3) < 5e-4);
}

// What is only shoved goes as far where it is heavier and slides more easily: both are looked for together.
static void test_shoved(void** state) {
  static loomTwinFit fit;
  const values v = {.mass = 0.3026, .friction = 0.2824, .noise = 2e-3};
  (void)state;
  if (getenv("LOOM_QUICK")) skip();
  make_log(&v, 100);
  loomTwinFitDef def = quick_def("box", MASS | FRICTION);
  def.seconds = 1.6;
  def.around = 6;
  must_fit(&fit, &def);

  // It may be that it cannot be told, and then neither is it wrong.
  const loomFitParameter* p = find(&fit, LOOM_FIT_MASS, "box");
  if (p->low > v.mass || p->high < v.mass || (!p->known && fabs(p->value / v.mass - 1) > 0.3))
    fail_msg("mass %g (%g to %g), not %g", p->value, p->low, p->high, v.mass);
}

// The same from states, by one thread and by three: the same numbers.
static void test_threads(void** state) {
  static loomTwinFit fit[2];
  const values v = {.mass = 0.3, .friction = 0.6, .noise = 0, .states = true};
  (void)state;
  make_log(&v, 5);
  loomTwinFitDef def = quick_def("box", FRICTION);
  def.seconds = getenv("LOOM_QUICK") ? 0.8 : 1.4;
  def.starts = getenv("LOOM_QUICK") ? 0 : 2;
  for (int i = 0; i < 2; i++) {
    def.threads = i ? 3 : 1;
    must_fit(&fit[i], &def);
  }
  assert_memory_equal(&fit[0], &fit[1], sizeof fit[0]);
  assert_true(fit[0].states);
  if (!getenv("LOOM_QUICK")) is_near(find(&fit[0], LOOM_FIT_FRICTION, "box"), v.friction, 0.03);
}

// A leaf that swings shows damping and friction of its joint, for a mass that is known; all three may be as
// many times larger and it swings the same.
static void test_joint(void** state) {
  static loomTwinFit fit;
  const values v = {.mass = 0.3, .friction = 1, .noise = 1e-3, .damping = 0.004, .drag = 0.02};
  (void)state;
  make_log(&v, 6);
  loomTwinFitDef def = quick_def("leaf", FRICTION | DAMPING);
  def.seconds = getenv("LOOM_QUICK") ? 0.5 : 2.5;
  must_fit(&fit, &def);
  if (getenv("LOOM_QUICK")) return;
  is_near(find(&fit, LOOM_FIT_DAMPING, "leaf"), v.damping, 0.1);
  is_near(find(&fit, LOOM_FIT_FRICTION, "leaf"), v.drag, 0.1);
  char* script = loom_fit_script(&fit, scene, "bench", "log.hdf5");
  assert_non_null(script);
  assert_non_null(strstr(script, "- drag: {body: leaf, damping: 0.00"));
  read_script(script, 2);

  free(script);

  def.kinds = MASS | FRICTION | DAMPING;
  def.seconds = 1;
  must_fit(&fit, &def);
  const loomFitParameter* mass = find(&fit, LOOM_FIT_MASS, "leaf");
  assert_int_equal(mass->known, LOOM_FIT_COUPLED);
  assert_true(mass->with == 1 || mass->with == 2);
}

static void test_unmoved(void** state) {
  static loomTwinFit fit;
  const values v = {.mass = 0.3, .friction = 0.5, .noise = 1e-3};
  (void)state;
  make_log(&v, 4);
  loomTwinFitDef def = quick_def("can", MASS | FRICTION);
  def.seconds = 0.5;
  must_fit(&fit, &def);
  for (int i = 0; i < fit.n; i++) assert_int_equal(fit.parameter[i].known, LOOM_FIT_UNMOVED);
  char* script = loom_fit_script(&fit, scene, "bench", "log.hdf5");
  assert_non_null(script);
  assert_non_null(
      strstr(script, "# mass of can cannot be told from this log: its motion hardly depends on it"));
  assert_null(strstr(script, "\n- "));

  free(script);
}

static void refuses(const loomTwinFitDef* def, int code, const char* words) {
  static loomTwinFit fit;
  loomError err = {0};
  assert_int_equal(loom_twin_fit(&fit, scene, def, &err), code);
  if (!strstr(err.message, words)) fail_msg("'%s' does not say '%s'", err.message, words);
}

// One array in place of the log.
static void write_array(const char* name, int columns, double value) {
  static double numbers[ROWS * 64];
  loomError err = {0};
  for (int i = 0; i < ROWS * 64; i++) numbers[i] = value;
  const loomField fields[] = {{"actions", LOOM_TYPE_F64, 2, {ROWS, columns}, numbers},
                              {name, LOOM_TYPE_F64, 2, {ROWS, columns}, numbers}};
  const loomRecord record = {.name = "demo_0", .nfield = 2, .field = fields};
  const loomWriteDef write = loom_default_write_def();
  must(loom_shard_write(log_path, &record, 1, &write, &err), &err);
}

static void test_bad(void** state) {
  const values v = {.mass = 0.3, .friction = 0.5, .noise = 1e-3};
  (void)state;
  make_log(&v, 4);
  loomTwinFitDef def = quick_def("mug", MASS);
  refuses(&def, LOOM_ERR_USAGE, "has no object 'mug', but box, can, leaf");
  def = quick_def("box", DAMPING);
  refuses(&def, LOOM_ERR_USAGE, "damping is that of joints");
  def = quick_def("box", MASS);
  def.ndemo = 1;
  def.demo[0] = "demo_7";
  refuses(&def, LOOM_ERR_USAGE, "has no demo 'demo_7'");
  def.ndemo = 0;
  def.log = "/nowhere/log.hdf5";
  refuses(&def, LOOM_ERR_IO, "/nowhere/log.hdf5");

  def.log = log_path;
  write_array("obs/odd", 7, 0);
  refuses(&def, LOOM_ERR_FORMAT, "where 'box' is is not known");
  write_array("obs/box_pos", 7, 0);
  refuses(&def, LOOM_ERR_FORMAT, "demo_0/obs/box_pos: expected 100 rows of 3 numbers");
  write_array("obs/odd", 9, 0);
  refuses(&def, LOOM_ERR_FORMAT, "expected 8 or more rows of 7 numbers");
  write_array("obs/odd", 7, NAN);
  refuses(&def, LOOM_ERR_FORMAT, "actions: row 0 is not finite");
}

// Drawn from 0.1 to 0.8 kg and a friction of 0.15 to 0.9; as a user has it.
static void test_cases(void** state) {
  static loomTwinFit fit;
  const char *cases = getenv("LOOM_FIT_CASES"), *seed = getenv("LOOM_FIT_SEED"),
             *around = getenv("LOOM_FIT_AROUND"), *seconds = getenv("LOOM_FIT_SECONDS");
  (void)state;

  for (int i = 0; cases && i < atoi(cases); i++) {
    loomRandom random = loom_random(seed ? (uint64_t)atoi(seed) : 2024, (uint64_t)i, LOOM_PURPOSE_TEST);
    values v = {.noise = 2e-3, .gap = i % 2};
    v.mass = 0.1 * pow(8, loom_random_uniform(&random));
    v.friction = 0.15 * pow(6, loom_random_uniform(&random));
    make_log(&v, 100 + (uint64_t)i);
    loomTwinFitDef def = quick_def("box", MASS | FRICTION);
    def.starts = loom_default_twin_fit_def().starts;
    def.around = around ? atoi(around) : loom_default_twin_fit_def().around;
    if (seconds) def.seconds = atof(seconds);
    must_fit(&fit, &def);
    const loomFitParameter* p[] = {find(&fit, LOOM_FIT_MASS, "box"), find(&fit, LOOM_FIT_FRICTION, "box")};
    const double truth[] = {v.mass, v.friction};
    for (int k = 0; k < 2; k++)
      printf("case %d: %s %.4f found %.4f (%+.1f %%), %.4f to %.4f%s\n", i, k ? "friction" : "mass", truth[k],
             p[k]->value, 100 * (p[k]->value / truth[k] - 1), p[k]->low, p[k]->high,
             p[k]->known ? " NOT TOLD" : "");
    printf("    %d rollouts, %d of %d agree;", fit.rollouts, fit.agreed, fit.followed);
    for (int g = 0; g < fit.ngroup; g++)
      if (!strncmp(fit.group[g].name, "box", 3) || !strncmp(fit.group[g].name, "robot", 5))
        printf(" %s %.3g %.3g %.3g,", fit.group[g].name, fit.group[g].noise, fit.group[g].before,
               fit.group[g].after);
    putchar('\n');
    fflush(stdout);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_noise), cmocka_unit_test(test_shoved),  cmocka_unit_test(test_threads),
      cmocka_unit_test(test_joint), cmocka_unit_test(test_unmoved), cmocka_unit_test(test_bad),
      cmocka_unit_test(test_cases),
  };

  return cmocka_run_group_tests(tests, make_scene, remove_scene);
}
