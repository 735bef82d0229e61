// Object size variation: patched models against compiled ones.
#include <math.h>
#include <time.h>

#include "engine/model/variation.h"
#include "tests/engine/model/model_fixture.h"

typedef struct hammer {
  double r, length, hh, density, friction;
} hammer;

static void geom(loomGeomEdit* edits, int* n, const char* part, const double size[3], const double pos[3],
                 double density, const double* friction) {
  const char* endings[] = {"", "_vis"};
  for (int twin = 0; twin < 2; twin++) {
    loomGeomEdit* edit = &edits[(*n)++];
    *edit = (loomGeomEdit){.has_size = true, .has_pos = pos != NULL, .has_density = twin == 0};
    snprintf(edit->geom, sizeof edit->geom, "hammer_%s%s", part, endings[twin]);
    memcpy(edit->size, size, sizeof edit->size);
    if (pos) memcpy(edit->pos, pos, sizeof edit->pos);

    // Densities and friction belong to what collides, not to its visual twin.
    edit->density = density;
    edit->has_friction = friction && twin == 0;
    if (edit->has_friction) memcpy(edit->friction, friction, sizeof edit->friction);
  }
}

// robosuite's hammer of these measures. Returns the number of edits.
static int hammer_edits(loomGeomEdit edits[10], hammer h) {
  int n = 0;
  double z = h.length / 2 + h.hh, hh = h.hh, heavy = 2 * h.density;

  // After robosuite's HammerObject: the head's parts are twice as dense, and measured by hh.
  geom(edits, &n, "handle", (double[3]){h.r, h.r, h.length / 2}, NULL, h.density,
       (double[3]){h.friction, 0.005, 1e-4});

  geom(edits, &n, "head", (double[3]){2 * hh, hh, hh}, (double[3]){0, 0, z}, heavy, NULL);
  geom(edits, &n, "neck", (double[3]){0.8 * hh, 0.2 * hh, 0}, (double[3]){2.2 * hh, 0, z}, heavy, NULL);
  geom(edits, &n, "face", (double[3]){hh, 0.4 * hh, 0}, (double[3]){2.8 * hh, 0, z}, heavy, NULL);
  geom(edits, &n, "claw", (double[3]){0.7072 * hh, 0.95 * hh, 0.7072 * hh}, (double[3]){-2 * hh, 0, z}, heavy,
       NULL);
  return n;
}

static hammer random_hammer(uint64_t* state) {
  hammer h = {.r = fixture_uniform(state, 0.015, 0.02),
              .length = fixture_uniform(state, 0.10, 0.25),
              .density = fixture_uniform(state, 100, 250),
              .friction = fixture_uniform(state, 3, 5)};
  h.hh = h.r * fixture_uniform(state, 1.0, 1.2);

  return h;
}

static loomVariation* bind(const char* xml) {
  loomVariation* v = NULL;
  loomError err = {0};
  if (loom_variation_bind(&v, xml, "fixture", "hammer_root", &err)) fail_msg("%s", err.message);
  return v;
}

static void* save(const mjModel* m, mjtSize* size) {
  *size = mj_sizeModel(m);

  void* bytes = malloc((size_t)*size);
  assert_non_null(bytes);
  mj_saveModel(m, NULL, bytes, *size);
  return bytes;
}

static void assert_same(const mjModel* a, const mjModel* b) {
  char what[200];
  if (loom_model_compare(a, b, what, sizeof what)) fail_msg("models differ: %s", what);

  // To the last byte.
  mjtSize size_a, size_b;
  void *bytes_a = save(a, &size_a), *bytes_b = save(b, &size_b);
  assert_int_equal(size_a, size_b);
  assert_memory_equal(bytes_a, bytes_b, (size_t)size_a);
  free(bytes_a);
  free(bytes_b);
}

// Patch one model over and over and compile each text beside it.
static void check_patches(bool visual, int rounds) {
  char* xml = fixture_xml(0);
  loomVariation* v = bind(xml);
  mjModel* m = fixture_compile(xml, visual);
  mjData* scratch = mj_makeData(m);
  uint64_t state = visual ? 11 : 7;

  // A random hammer, patched and compiled.
  for (int i = 0; i < rounds; i++) {
    loomGeomEdit edits[10];
    int n = hammer_edits(edits, random_hammer(&state));
    char* varied = NULL;
    loomError err = {0};
    if (loom_variation_apply(v, edits, n, m, scratch, &varied, &err)) fail_msg("%s", err.message);

    mjModel* fresh = fixture_compile(varied, visual);
    assert_same(fresh, m);
    mj_deleteModel(fresh);
    free(varied);
  }

  mj_deleteData(scratch);
  mj_deleteModel(m);
  loom_variation_destroy(v);
  free(xml);
}

static void patched_equals_compiled(void** state) {
  (void)state;
  check_patches(false, 30);
}

static void patched_equals_compiled_with_visuals(void** state) {
  (void)state;
  check_patches(true, 5);
}

// A needle: its rod is given by its ends, and a site marks its tip.
static void ends_and_sites_move(void** state) {
  (void)state;
  const char xml[] =
      "<mujoco><worldbody><body name=\"needle\" pos=\"0 0 1\"><freejoint/>"
      "<geom name=\"handle\" type=\"box\" size=\"0.04 0.01 0.01\"/>"
      "<geom name=\"rod\" type=\"capsule\" size=\"0.004\" fromto=\"0.04 0 0 0.2 0 0\" density=\"800\"/>"
      "<site name=\"tip\" pos=\"0.2 0 0\"/></body></worldbody></mujoco>";
  loomVariation* v = NULL;
  loomError err = {0};
  if (loom_variation_bind(&v, xml, "fixture", "needle", &err)) fail_msg("%s", err.message);
  mjModel* m = fixture_compile(xml, false);
  mjData* scratch = mj_makeData(m);

  // Longer: it is what its text compiles to, and lies along x still.
  const loomGeomEdit edits[] = {
      {.geom = "rod", .has_size = true, .size = {0.004, 0.12}, .has_pos = true, .pos = {0.16, 0, 0}},
      {.geom = "tip", .has_pos = true, .pos = {0.28, 0, 0}}};
  char* varied = NULL;
  if (loom_variation_apply(v, edits, 2, m, scratch, &varied, &err)) fail_msg("%s", err.message);
  mjModel* fresh = fixture_compile(varied, false);
  assert_same(fresh, m);
  assert_true(m->site_pos[0] == 0.28 && m->geom_size[4] == 0.12);
  double along[3];
  mju_rotVecQuat(along, (double[3]){0, 0, 1}, m->geom_quat + 4);
  assert_true(fabs(fabs(along[0]) - 1) < 1e-9);

  // A site has a place alone, and what is neither is told.
  const loomGeomEdit large = {.geom = "tip", .has_size = true, .size = {0.1}};
  const loomGeomEdit nobody = {.geom = "top", .has_pos = true};
  assert_int_equal(loom_variation_apply(v, &large, 1, m, scratch, NULL, &err), LOOM_ERR_USAGE);
  assert_int_equal(loom_variation_apply(v, &nobody, 1, m, scratch, NULL, &err), LOOM_ERR_USAGE);

  free(varied);
  mj_deleteModel(fresh);
  mj_deleteData(scratch);
  mj_deleteModel(m);
  loom_variation_destroy(v);
}

static void no_edit_is_the_recorded_model(void** state) {
  (void)state;
  for (int demo = 0; demo < FIXTURE_DEMOS; demo++) {
    char* xml = fixture_xml(demo);

    loomVariation* v = bind(xml);
    mjModel *m = fixture_compile(xml, false), *recorded = fixture_compile(xml, false);
    mjData* scratch = mj_makeData(m);
    loomError err = {0};
    uint64_t random = 3;
    loomGeomEdit edits[10];

    // Patched, it is another.
    int n = hammer_edits(edits, random_hammer(&random));
    assert_int_equal(loom_variation_apply(v, edits, n, m, scratch, NULL, &err), 0);
    assert_int_equal(loom_model_compare(m, recorded, NULL, 0), 1);

    // Patched back, it is the recorded one.
    assert_int_equal(loom_variation_apply(v, NULL, 0, m, scratch, NULL, &err), 0);
    assert_same(recorded, m);

    mj_deleteData(scratch);
    mj_deleteModel(m);
    mj_deleteModel(recorded);
    loom_variation_destroy(v);
    free(xml);
  }
}

// robosuite made each recorded hammer from one density in [100, 250], the head's parts twice as dense: the
// density that gives the recorded mass must give the recorded centre and moments too (six printed digits).
static void recorded_inertia_comes_from_a_density(void** state) {
  (void)state;
  const char* parts[] = {"hammer_handle", "hammer_head", "hammer_neck", "hammer_face", "hammer_claw"};
  const double ratio[] = {1, 2, 2, 2, 2};
  for (int demo = 0; demo < FIXTURE_DEMOS; demo++) {
    char* xml = fixture_xml(demo);

    // The density that gives the recorded mass.
    loomVariation* v = bind(xml);
    double density = 0;
    loomError err = {0};
    if (loom_variation_density(&density, v, parts, ratio, 5, &err)) fail_msg("%s", err.message);
    assert_true(density > 100 && density < 250);

    mjModel *m = fixture_compile(xml, false), *recorded = fixture_compile(xml, false);
    mjData* scratch = mj_makeData(m);

    // The hammer made of that density.
    loomGeomEdit edits[5] = {0};
    for (int i = 0; i < 5; i++) {
      snprintf(edits[i].geom, sizeof edits[i].geom, "%s", parts[i]);
      edits[i].has_density = true;
      edits[i].density = density * ratio[i];
    }
    if (loom_variation_apply(v, edits, 5, m, scratch, NULL, &err)) fail_msg("%s", err.message);

    // Its moments within the recorded digits.
    int body = mj_name2id(m, mjOBJ_BODY, "hammer_root");
    print_message("demo %d: density %.3f, mass off by %.1e", demo, density,
                  m->body_mass[body] / recorded->body_mass[body] - 1);
    double worst = 0;

    for (int k = 0; k < 3; k++) {
      worst = fmax(worst, fabs(m->body_inertia[3 * body + k] / recorded->body_inertia[3 * body + k] - 1));
      assert_true(fabs(m->body_ipos[3 * body + k] - recorded->body_ipos[3 * body + k]) < 1e-6);
    }
    print_message(", moments by %.1e\n", worst);
    assert_true(worst < 2e-5);

    mj_deleteData(scratch);
    mj_deleteModel(m);
    mj_deleteModel(recorded);
    loom_variation_destroy(v);
    free(xml);
  }
}

// One bound variation, several workers with models of their own.
static void threads_share_a_variation(void** state) {
  (void)state;
  char* xml = fixture_xml(3);

  loomVariation* v = bind(xml);
  enum { WORKERS = 3, ROUNDS = 20 };
  mjModel* m[WORKERS];
  mjData* scratch[WORKERS];

  for (int i = 0; i < WORKERS; i++) {
    m[i] = fixture_compile(xml, false);
    scratch[i] = mj_makeData(m[i]);
  }

  // Each applies the same edits in the same order.
  int failures = 0;
#pragma omp parallel for num_threads(WORKERS) reduction(+ : failures)
  for (int i = 0; i < WORKERS; i++) {
    uint64_t random = 9;
    for (int k = 0; k < ROUNDS; k++) {
      loomGeomEdit edits[10];
      int n = hammer_edits(edits, random_hammer(&random));
      failures += loom_variation_apply(v, edits, n, m[i], scratch[i], NULL, NULL) != 0;
    }
  }

  assert_int_equal(failures, 0);
  for (int i = 0; i < WORKERS; i++) {
    assert_same(m[0], m[i]);

    mj_deleteData(scratch[i]);
  }
  for (int i = 0; i < WORKERS; i++) mj_deleteModel(m[i]);
  loom_variation_destroy(v);
  free(xml);
}

static void bad_edits_change_nothing(void** state) {
  (void)state;
  char* xml = fixture_xml(2);
  loomVariation* v = bind(xml);
  mjModel *m = fixture_compile(xml, false), *recorded = fixture_compile(xml, false);
  mjData* scratch = mj_makeData(m);

  // No such geom, sizes that are none, no density for the others, negative friction.
  const loomGeomEdit bad[] = {
      {.geom = "nothing", .has_size = true, .size = {1, 1, 1}},
      {.geom = "hammer_handle", .has_size = true, .size = {0.01, 0.01, 0}},
      {.geom = "hammer_handle", .has_size = true, .size = {0.01, NAN, 0.1}},
      {.geom = "hammer_head", .has_pos = true, .pos = {INFINITY, 0, 0}},
      {.geom = "hammer_head", .has_density = true, .density = -1},
      {.geom = "hammer_head", .has_density = true, .density = 100},  // the other parts have none
      {.geom = "hammer_head", .has_friction = true, .friction = {-1, 0, 0}},
  };

  // Each is told in one line.
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    loomError err = {0};
    char* varied = NULL;
    assert_int_equal(loom_variation_apply(v, &bad[i], 1, m, scratch, &varied, &err), LOOM_ERR_USAGE);
    assert_null(varied);
    assert_true(err.message[0] && !strchr(err.message, '\n'));
  }

  // And the model is as it was.
  assert_same(recorded, m);
  mj_deleteData(scratch);
  mj_deleteModel(m);
  mj_deleteModel(recorded);
  loom_variation_destroy(v);
  free(xml);
}

// A user's own object: no recorded inertial, defaults, a site and a camera, statistics set by hand.
static const char own_scene[] =
    "<mujoco><compiler angle=\"radian\"/><statistic extent=\"3\" meaninertia=\"0.5\"/>\n"
    "<default><default class=\"part\"><geom friction=\"0.7 0.01 0.001\" "
    "density=\"300\"/></default></default>\n"
    "<worldbody><geom type=\"plane\" size=\"1 1 0.1\"/><body name=\"post\"><joint type=\"hinge\"/>"
    "<geom size=\"0.1\"/></body>\n"
    "<body name=\"mug\" pos=\"0 0 1\" childclass=\"part\"><freejoint name=\"mug_joint\"/>\n"
    "<geom name=\"cup\" type=\"cylinder\" size=\"0.04 0.05\" quat=\"0.9 0.1 0.2 0.3\"/>\n"
    "<geom name=\"ear\" type=\"capsule\" size=\"0.01 0.02\" pos=\"0.05 0 0\"/>\n"
    "<site name=\"rim\" pos=\"0 0 0.05\" size=\"0.01\"/><camera name=\"eye\" pos=\"0 0 1\"/></body>\n"
    "<body name=\"last\" pos=\"1 0 1\"><freejoint/><geom type=\"box\" size=\"0.1 0.2 "
    "0.3\"/></body></worldbody>\n"
    "<sensor><framepos objtype=\"site\" objname=\"rim\"/></sensor></mujoco>";

static void own_object_with_and_without_density(void** state) {
  (void)state;
  loomVariation* v = NULL;
  loomError err = {0};
  if (loom_variation_bind(&v, own_scene, "own", "mug", &err)) fail_msg("%s", err.message);
  mjModel* m = fixture_compile(own_scene, true);

  mjData* scratch = mj_makeData(m);
  for (int densities = 0; densities < 2; densities++) {
    // With densities of their own, then with the text's.
    bool on = densities;
    const loomGeomEdit edits[] = {
        {.geom = "cup", .has_size = true, .size = {0.06, 0.03}, .has_density = on, .density = 500},
        {.geom = "ear", .has_pos = true, .pos = {0.07, 0.01, 0}, .has_density = on, .density = 80}};
    char* varied = NULL;
    if (loom_variation_apply(v, edits, 2, m, scratch, &varied, &err)) fail_msg("%s", err.message);

    // A cylinder 60 mm in radius and height, a capsule 10 mm in radius with 40 mm between its ends.
    double expected = 3.14159265358979 * 0.06 * 0.06 * 0.06 * (on ? 500 : 300);
    double ear = (3.14159265358979 * 1e-4 * 0.04 + 4.0 / 3 * 3.14159265358979 * 1e-6) * (on ? 80 : 300);
    assert_true(fabs(m->body_mass[mj_name2id(m, mjOBJ_BODY, "mug")] - expected - ear) < 1e-9);

    mjModel* fresh = fixture_compile(varied, true);
    assert_same(fresh, m);
    mj_deleteModel(fresh);
    free(varied);
  }

  mj_deleteData(scratch);
  mj_deleteModel(m);
  loom_variation_destroy(v);
}

static void expect_bind(int code, const char* xml, const char* body) {
  loomVariation* v = NULL;
  loomError err = {0};
  assert_int_equal(loom_variation_bind(&v, xml, "own", body, &err), code);
  assert_null(v);
  assert_true(err.message[0] && !strchr(err.message, '\n'));
}

static void what_has_no_variation_is_refused(void** state) {
  (void)state;

  // No such body, one that does not move, text that ends too soon.
  expect_bind(LOOM_ERR_USAGE, own_scene, "absent");
  expect_bind(LOOM_ERR_UNSUPPORTED, own_scene, "post");
  expect_bind(LOOM_ERR_FORMAT, "<mujoco><worldbody>", "mug");

  // A mesh, a body with another in it, inertia computed for all.
  expect_bind(LOOM_ERR_UNSUPPORTED,
              "<mujoco><worldbody><body name=\"a\"><freejoint/><geom type=\"mesh\" "
              "mesh=\"x\"/></body></worldbody></mujoco>",
              "a");
  expect_bind(
      LOOM_ERR_UNSUPPORTED,
      "<mujoco><worldbody><body name=\"a\"><freejoint/><geom size=\"1\"/><body/></body></worldbody></mujoco>",
      "a");
  expect_bind(
      LOOM_ERR_UNSUPPORTED,
      "<mujoco><compiler inertiafromgeom=\"true\"/><worldbody><body name=\"a\"><freejoint/><geom size=\"1\"/>"
      "</body></worldbody></mujoco>",
      "a");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(patched_equals_compiled),
      cmocka_unit_test(patched_equals_compiled_with_visuals),
      cmocka_unit_test(ends_and_sites_move),
      cmocka_unit_test(no_edit_is_the_recorded_model),
      cmocka_unit_test(recorded_inertia_comes_from_a_density),
      cmocka_unit_test(threads_share_a_variation),
      cmocka_unit_test(bad_edits_change_nothing),
      cmocka_unit_test(own_object_with_and_without_density),
      cmocka_unit_test(what_has_no_variation_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
