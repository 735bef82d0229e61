// Compiling models from outside: what they may read, what they may not, and that leaving visuals out changes
// nothing.
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/model/trap.h"
#include "tests/engine/model/model_fixture.h"

// ---- small helpers

typedef struct sandbox {
  char dir[256];     // a temporary folder with two inside
  char inside[300];  // the asset root
  loomAssetRoots roots;
} sandbox;

static void write_file(const char* dir, const char* name, const void* bytes, size_t n) {
  char path[600];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE* file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, n, file), n);
  fclose(file);
}

// A tetrahedron in MuJoCo's OBJ reader's format.
static const char tetrahedron[] = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n";

static sandbox open_sandbox(void) {
  sandbox box = {.dir = "/tmp/loom_test_model_XXXXXX"};
  assert_non_null(mkdtemp(box.dir));

  // The asset root, with a mesh in it and one beside it that may not be read.
  snprintf(box.inside, sizeof box.inside, "%s/inside", box.dir);
  assert_int_equal(mkdir(box.inside, 0700), 0);
  write_file(box.dir, "secret.obj", tetrahedron, sizeof tetrahedron - 1);
  write_file(box.inside, "part.obj", tetrahedron, sizeof tetrahedron - 1);

  // A link that leads out.
  char link[400], target[400];
  snprintf(link, sizeof link, "%s/escape.obj", box.inside);
  snprintf(target, sizeof target, "%s/secret.obj", box.dir);
  assert_int_equal(symlink(target, link), 0);

  // A root of the name `mine`.
  loomError err = {0};
  if (loom_asset_roots_add(&box.roots, "mine", box.inside, &err)) fail_msg("%s", err.message);
  return box;
}

static void close_sandbox(sandbox* box) {
  const char* names[] = {"inside/part.obj",
                         "inside/escape.obj",
                         "inside/pipe.obj",
                         "inside/empty.obj",
                         "inside",
                         "secret.obj",
                         ""};
  char path[600];

  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", box->dir, names[i]);
    remove(path);
  }
  loom_asset_roots_destroy(&box->roots);
}

static int try_compile(const char* xml, const loomAssetRoots* roots, bool visual, loomError* err) {
  loomModelDef def = loom_default_model_def();
  def.visual = visual;
  mjModel* m = NULL;
  *err = (loomError){0};
  int code = loom_model_compile(&m, xml, "demo.hdf5:data/demo_3", roots, &def, err);

  // A model, or an error: never both.
  assert_true((code == 0) == (m != NULL));
  mj_deleteModel(m);
  return code;
}

// One clear line that starts with the label and holds what.
static void expect_refusal(int code, const char* xml, const loomAssetRoots* roots, const char* what) {
  loomError err;

  // Code, label and reason, all in one line.
  int got = try_compile(xml, roots, true, &err);
  if (got != code) fail_msg("%d instead of %d: %s\n%.300s", got, code, err.message, xml);
  if (strncmp(err.message, "demo.hdf5:data/demo_3", 21) != 0) fail_msg("no label: %s", err.message);
  if (strchr(err.message, '\n') || !strstr(err.message, what)) fail_msg("not \"%s\": %s", what, err.message);
}

static const char* mesh_scene(const char* file) {
  static char xml[4096];
  snprintf(xml, sizeof xml,
           "<mujoco>\n<asset>\n<mesh name=\"m\" file=\"%s\"/>\n</asset>\n<worldbody>"
           "<geom type=\"mesh\" mesh=\"m\"/></worldbody></mujoco>",
           file);
  return xml;
}

// ---- real models

static void recorded_models_compile(void** state) {
  (void)state;
  for (int demo = 0; demo < FIXTURE_DEMOS; demo++) {
    char* xml = fixture_xml(demo);
    mjModel* m = fixture_compile(xml, demo == 0);
    assert_int_equal(m->nq, 25);

    // Two arms of 7 joints, two grippers of 2, one free hammer.
    assert_int_equal(m->nv, 24);
    mj_deleteModel(m);
    free(xml);
  }
}

static void assets_folder_itself_is_a_root_too(void** state) {
  (void)state;

  // What robosuite's root lies above.
  char dir[1200];
  snprintf(dir, sizeof dir, "robosuite=%s/models/assets", fixture_robosuite());
  loomAssetRoots roots = {0};
  loomError err = {0};
  if (loom_asset_roots_add_option(&roots, dir, &err)) fail_msg("%s", err.message);

  char* xml = fixture_xml(0);
  if (try_compile(xml, &roots, false, &err)) fail_msg("%s", err.message);
  free(xml);
  loom_asset_roots_destroy(&roots);
}

static void cached_assets_give_the_same_model(void** state) {
  (void)state;
  char* xml = fixture_xml(0);

  // Read from disk, then from MuJoCo's cache.
  mj_clearCache(mj_getCache());
  mjModel* cold = fixture_compile(xml, false);
  mjModel* warm = fixture_compile(xml, false);

  char what[200];
  if (loom_model_compare(cold, warm, what, sizeof what)) fail_msg("%s", what);
  mj_deleteModel(cold);
  mj_deleteModel(warm);
  free(xml);
}

static void assert_bits(const char* what, const mjtNum* a, const mjtNum* b, int64_t n) {
  if (n > 0 && memcmp(a, b, (size_t)n * sizeof *a) != 0) fail_msg("%s differs", what);
}

static void assert_same_bodies(const mjModel* all, const mjModel* bare) {
  // The same tree.
  assert_int_equal(all->nq, bare->nq);
  assert_int_equal(all->nv, bare->nv);
  assert_int_equal(all->nu, bare->nu);
  assert_int_equal(all->nbody, bare->nbody);
  assert_int_equal(all->nsite, bare->nsite);

  // The same inertia, to the last bit.
  assert_bits("body_mass", all->body_mass, bare->body_mass, all->nbody);
  assert_bits("body_inertia", all->body_inertia, bare->body_inertia, 3 * all->nbody);
  assert_bits("body_ipos", all->body_ipos, bare->body_ipos, 3 * all->nbody);
  assert_bits("body_iquat", all->body_iquat, bare->body_iquat, 4 * all->nbody);
  assert_bits("body_pos", all->body_pos, bare->body_pos, 3 * all->nbody);
  assert_bits("body_invweight0", all->body_invweight0, bare->body_invweight0, 2 * all->nbody);

  // Each geom that collides is still there, as it was.
  int colliding = 0;
  for (ptrdiff_t i = 0; i < all->ngeom; i++) {
    if (!all->geom_contype[i] && !all->geom_conaffinity[i]) continue;
    colliding++;
    ptrdiff_t j = mj_name2id(bare, mjOBJ_GEOM, mj_id2name(all, mjOBJ_GEOM, (int)i));
    assert_true(j >= 0);
    assert_bits("geom_size", all->geom_size + 3 * i, bare->geom_size + 3 * j, 3);
    assert_bits("geom_pos", all->geom_pos + 3 * i, bare->geom_pos + 3 * j, 3);
  }

  // None of the others is.
  assert_int_equal(bare->ngeom, colliding);
  assert_true(bare->ngeom < all->ngeom);
  assert_int_equal(bare->ntex, 0);
}

// Drop the hammer onto the table while the arms fall under changing torques: contacts everywhere.
static void visuals_do_not_change_physics(void** state) {
  (void)state;
  for (int demo = 0; demo < FIXTURE_DEMOS; demo += 3) {
    char* xml = fixture_xml(demo);

    // The same bodies with and without visuals.
    mjModel *all = fixture_compile(xml, true), *bare = fixture_compile(xml, false);
    assert_same_bodies(all, bare);

    // The hammer above the table, in both.
    mjData *a = mj_makeData(all), *b = mj_makeData(bare);
    int hammer = all->jnt_qposadr[mj_name2id(all, mjOBJ_JOINT, "hammer_joint0")];
    for (int k = 0; k < 3; k++) a->qpos[hammer + k] = ((double[]){0.02, -0.45, 0.9})[k];
    memcpy(b->qpos, a->qpos, (size_t)all->nq * sizeof(mjtNum));

    // 200 steps of both.
    int contacts = 0;
    for (int step = 0; step < 200; step++) {
      for (int u = 0; u < all->nu; u++) a->ctrl[u] = b->ctrl[u] = 5 * sin(0.05 * step + u);

      mj_step(all, a);
      mj_step(bare, b);
      contacts += a->ncon;

      // To the last bit.
      assert_bits("qpos", a->qpos, b->qpos, all->nq);
      assert_bits("qvel", a->qvel, b->qvel, all->nv);
    }

    // Some of it was contact, or the test says nothing.
    assert_true(contacts > 0);
    mj_deleteData(a);
    mj_deleteData(b);
    mj_deleteModel(all);
    mj_deleteModel(bare);
    free(xml);
  }
}

// ---- assets

static void visual_assets_may_be_absent_when_unseen(void** state) {
  (void)state;
  const char* xml =
      "<mujoco><asset><texture name=\"t\" type=\"2d\" file=\"/x/robosuite/models/assets/textures/gone.png\"/>"
      "<material name=\"paint\" texture=\"t\"/><mesh name=\"pretty\" file=\"gone.stl\"/>"
      "<mesh file=\"part.obj\"/></asset><worldbody><body><freejoint/><geom type=\"mesh\" mesh=\"part\"/>"
      "<geom type=\"mesh\" mesh=\"pretty\" material=\"paint\" contype=\"0\" conaffinity=\"0\" mass=\"0\"/>"
      "<inertial pos=\"0 0 0\" mass=\"1\" diaginertia=\"1 1 1\"/></body></worldbody></mujoco>";

  // Unseen, nobody misses them; to be seen, the texture is the first to be missed.
  sandbox box = open_sandbox();
  loomError err;
  if (try_compile(xml, &box.roots, false, &err)) fail_msg("%s", err.message);
  expect_refusal(LOOM_ERR_IO, xml, &box.roots, "gone.png");
  close_sandbox(&box);
}

static void inertia_of_what_is_only_seen_is_kept(void** state) {
  (void)state;
  const char* xml =
      "<mujoco><asset><mesh file=\"part.obj\"/></asset><worldbody><body><freejoint/><geom size=\"0.1\"/>"
      "<geom type=\"mesh\" mesh=\"part\" contype=\"0\" conaffinity=\"0\"/></body></worldbody></mujoco>";

  // With and without what is seen.
  sandbox box = open_sandbox();
  mjModel* m[2] = {0};
  loomError err = {0};
  for (int visual = 0; visual < 2; visual++) {
    loomModelDef def = loom_default_model_def();
    def.visual = visual;
    if (loom_model_compile(&m[visual], xml, "x", &box.roots, &def, &err)) fail_msg("%s", err.message);
    assert_int_equal(m[visual]->ngeom, visual + 1);
  }

  // The tetrahedron weighs 1/6 m3 * 1000 kg/m3.
  assert_true(fabs(m[0]->body_mass[1] - m[1]->body_mass[1]) < 1e-12 && m[0]->body_mass[1] > 100);
  mj_deleteModel(m[0]);
  mj_deleteModel(m[1]);
  close_sandbox(&box);
}

static void a_missing_asset_is_named(void** state) {
  (void)state;
  sandbox box = open_sandbox();

  // The message names the line, the mesh, the file as recorded, and what to do.
  const char* recorded = "/home/someone/robosuite/models/assets/robots/panda/meshes/link0.stl";
  expect_refusal(LOOM_ERR_IO, mesh_scene(recorded), &box.roots, ":3: mesh \"m\"");
  expect_refusal(LOOM_ERR_IO, mesh_scene(recorded), &box.roots, recorded);
  expect_refusal(LOOM_ERR_IO, mesh_scene(recorded), &box.roots, "--assets robosuite=DIR");

  // Without roots, and with roots that do not hold it.
  expect_refusal(LOOM_ERR_IO, mesh_scene(recorded), NULL, "none given");
  expect_refusal(LOOM_ERR_IO, mesh_scene("absent.obj"), &box.roots, box.inside);
  close_sandbox(&box);
}

static void nothing_outside_the_roots_is_read(void** state) {
  (void)state;
  sandbox box = open_sandbox();
  loomError err;

  // Within the root by relative paths, through the root's name, and from other systems.
  const char* good[] = {"part.obj", "./sub/../part.obj", "/elsewhere/mine/part.obj",
                        "C:\\data\\mine\\part.obj", "/x/models/assets/part.obj"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    if (try_compile(mesh_scene(good[i]), &box.roots, true, &err)) fail_msg("%s: %s", good[i], err.message);
  }

  // An absolute path into the root is fine.
  char secret[300], inner[400];
  snprintf(secret, sizeof secret, "%s/secret.obj", box.dir);
  snprintf(inner, sizeof inner, "%s/part.obj", box.inside);
  if (try_compile(mesh_scene(inner), &box.roots, true, &err)) fail_msg("%s", err.message);

  // Absolute paths and dots that lead out, links too.
  expect_refusal(LOOM_ERR_FORMAT, mesh_scene(secret), &box.roots, "outside the asset roots");
  expect_refusal(LOOM_ERR_FORMAT, mesh_scene("/etc/passwd"), &box.roots, "/etc/passwd");
  expect_refusal(LOOM_ERR_FORMAT, mesh_scene("../secret.obj"), &box.roots, "outside the asset roots");
  expect_refusal(LOOM_ERR_FORMAT, mesh_scene("sub/../../secret.obj"), &box.roots, "outside the asset roots");
  expect_refusal(LOOM_ERR_FORMAT, mesh_scene("/x/mine/../../../etc/passwd"), &box.roots, "outside");
  expect_refusal(LOOM_ERR_IO, mesh_scene("escape.obj"), &box.roots, "escape.obj");

  // No schemes.
  expect_refusal(LOOM_ERR_IO, mesh_scene("http://host/a.obj"), &box.roots, "no asset root");
  expect_refusal(LOOM_ERR_IO, mesh_scene("loom:part.obj"), &box.roots, "no asset root");
  close_sandbox(&box);
}

static void odd_files_are_refused(void** state) {
  (void)state;
  sandbox box = open_sandbox();

  // A pipe would wait forever.
  char pipe_path[400];
  snprintf(pipe_path, sizeof pipe_path, "%s/pipe.obj", box.inside);
  assert_int_equal(mkfifo(pipe_path, 0600), 0);
  write_file(box.inside, "empty.obj", "", 0);

  // By what each is.
  expect_refusal(LOOM_ERR_IO, mesh_scene("pipe.obj"), &box.roots, "not a regular file");
  expect_refusal(LOOM_ERR_FORMAT, mesh_scene("."), &box.roots, "names \".\"");
  expect_refusal(LOOM_ERR_FORMAT, mesh_scene("empty.obj"), &box.roots, "empty");

  // A limit on the size of an asset.
  loomModelDef def = loom_default_model_def();
  def.max_asset_bytes = 10;
  mjModel* m = NULL;
  loomError err = {0};
  int code = loom_model_compile(&m, mesh_scene("part.obj"), "x", &box.roots, &def, &err);
  assert_int_equal(code, LOOM_ERR_FORMAT);
  close_sandbox(&box);
}

static void every_kind_of_reference_is_seen(void** state) {
  (void)state;
  sandbox box = open_sandbox();

  // Textures name up to six files, and folders of their own.
  const char* format[] = {
      "<mujoco><asset><texture name=\"t\" type=\"cube\" %s=\"/etc/passwd\"/></asset></mujoco>",
      "<mujoco><compiler texturedir=\"/etc\"/><asset><texture name=\"t\" type=\"cube\" "
      "%s=\"passwd\"/></asset></mujoco>",
      "<mujoco><compiler assetdir=\"../..\"/><asset><texture name=\"t\" type=\"cube\" "
      "%s=\"x\"/></asset></mujoco>",
  };
  const char* attributes[] = {"file", "fileright", "fileleft", "fileup", "filedown", "filefront", "fileback"};

  char xml[600];
  for (size_t i = 0; i < sizeof format / sizeof *format; i++) {
    for (size_t k = 0; k < sizeof attributes / sizeof *attributes; k++) {
      snprintf(xml, sizeof xml, format[i], attributes[k]);
      expect_refusal(LOOM_ERR_FORMAT, xml, &box.roots, "outside the asset roots");
    }
  }

  // Each other element that names a file.
  const char* others[] = {
      "<mujoco><asset><hfield name=\"h\" file=\"/etc/passwd\" size=\"1 1 1 1\"/></asset></mujoco>",
      "<mujoco><asset><skin name=\"s\" file=\"/etc/passwd\"/></asset></mujoco>",
      "<mujoco><deformable><skin name=\"s\" file=\"/etc/passwd\"/></deformable></mujoco>",
      "<mujoco><worldbody><flexcomp name=\"f\" type=\"mesh\" file=\"/etc/passwd\"/></worldbody></mujoco>",
      "<mujoco><compiler meshdir=\"/etc\"/><asset><mesh name=\"m\" file=\"passwd\"/></asset></mujoco>",
  };
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    expect_refusal(LOOM_ERR_FORMAT, others[i], &box.roots, "outside the asset roots");
  }
  close_sandbox(&box);
}

// ---- hostile XML

static void hostile_xml_is_refused(void** state) {
  (void)state;

  // Not MJCF at all.
  expect_refusal(LOOM_ERR_FORMAT, "", NULL, "empty");
  expect_refusal(LOOM_ERR_FORMAT, "<mujoco>\n<asset>\n</mujoco>", NULL, ":3:");
  expect_refusal(LOOM_ERR_FORMAT, "<robot name=\"urdf\"/>", NULL, "<robot>");
  expect_refusal(LOOM_ERR_FORMAT, "<mujoco>\xff\xfe</mujoco>", NULL, "XML");
  expect_refusal(LOOM_ERR_FORMAT, "<mujoco model=\"&nothing;\"/>", NULL, "XML");
  expect_refusal(LOOM_ERR_FORMAT, "<mujoco>\n<wrong/>\n</mujoco>", NULL, ":2:");

  // Entities, which can grow without bounds or read files.
  expect_refusal(LOOM_ERR_FORMAT,
                 "<!DOCTYPE m [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>"
                 "<mujoco model=\"&b;\"/>",
                 NULL, "DOCTYPE");
  expect_refusal(
      LOOM_ERR_FORMAT,
      "<!DOCTYPE m [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><mujoco><worldbody>&x;</worldbody></mujoco>",
      NULL, "DOCTYPE");

  // What reads other files, runs code or fills the memory.
  expect_refusal(LOOM_ERR_UNSUPPORTED, "<mujoco>\n<include file=\"/etc/passwd\"/></mujoco>", NULL,
                 ":2: <include>");
  expect_refusal(LOOM_ERR_UNSUPPORTED,
                 "<mujoco><extension><plugin plugin=\"mujoco.pid\"/></extension></mujoco>", NULL, "<plugin>");
  expect_refusal(LOOM_ERR_UNSUPPORTED, "<mujoco><asset><model name=\"a\" file=\"b.xml\"/></asset></mujoco>",
                 NULL, "<model>");
  expect_refusal(LOOM_ERR_UNSUPPORTED,
                 "<mujoco><worldbody><replicate count=\"2000000000\"><geom "
                 "size=\"1\"/></replicate></worldbody></mujoco>",
                 NULL, "count");
  expect_refusal(LOOM_ERR_UNSUPPORTED, "<mujoco><size memory=\"900G\"/></mujoco>", NULL, "memory");

  // A mistake of MuJoCo's own is told with its line.
  expect_refusal(LOOM_ERR_FORMAT,
                 "<mujoco><worldbody><body><joint/>\n<geom size=\"0\"/></body></worldbody></mujoco>", NULL,
                 ":2:");

  // Numbers that are none, or too large.
  const char* wrong[] = {"inf", "nan", "-1e300"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char numbers[200];
    snprintf(numbers, sizeof numbers, "<mujoco><worldbody><body pos=\"0 %s 0\"/></worldbody></mujoco>",
             wrong[i]);
    expect_refusal(LOOM_ERR_FORMAT, numbers, NULL, "");
  }

  // 100000 bodies inside each other would overflow the parser's stack.
  size_t deep = 100000;
  char* xml = malloc(8 * deep + 100);
  assert_non_null(xml);
  snprintf(xml, 100, "<mujoco><worldbody>");
  for (size_t i = 0; i < deep; i++) memcpy(xml + 19 + 6 * i, "<body>", 7);
  expect_refusal(LOOM_ERR_FORMAT, xml, NULL, "XML");
  free(xml);
}

// ---- portable paths

static char* portable(const char* xml) {
  char* out = NULL;
  loomError err = {0};
  if (loom_mjcf_portable(&out, xml, "x", &err)) fail_msg("%s", err.message);
  return out;
}

static void portable_paths(void** state) {
  (void)state;
  const char* cases[][2] = {
      {"/home/a/libs/robosuite/robosuite/models/assets/arenas/../textures/x.png",
       "\"robosuite/models/assets/textures/x.png\""},
      {"/home/a/fork/models/assets/x.stl", "\"robosuite/models/assets/x.stl\""},
      {"/opt/mimicgen/mimicgen/models/robosuite/assets/y.stl", "\"mimicgen/models/robosuite/assets/y.stl\""},
      {"/home/alice/scene/z.stl", "\"scene/z.stl\""},
      {"C:\\Users\\bob\\robosuite\\models\\assets\\x.stl", "\"robosuite/models/assets/x.stl\""},
      {"meshes/plain.stl", "\"meshes/plain.stl\""},
  };

  // What remains is the path from the package's folder on.
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char* out = portable(mesh_scene(cases[i][0]));
    if (!strstr(out, cases[i][1])) fail_msg("%s became %s", cases[i][0], out);
    free(out);
  }

  // The compiler's folder goes into each file's path.
  char* out = portable(
      "<mujoco><compiler meshdir=\"/home/alice/robosuite/models/assets\"/>"
      "<asset><mesh file=\"a.stl\"/></asset></mujoco>");
  assert_null(strstr(out, "alice"));
  assert_non_null(strstr(out, "\"robosuite/models/assets/a.stl\""));
  free(out);
}

static void portable_models_are_the_same(void** state) {
  (void)state;
  char* xml = fixture_xml(4);

  // Made portable once, the text stays as it is.
  char *once = portable(xml), *twice = portable(once);
  assert_string_equal(once, twice);
  assert_null(strstr(once, "/home/"));

  // And compiles to the same model.
  mjModel *a = fixture_compile(xml, true), *b = fixture_compile(once, true);

  char what[200];
  if (loom_model_compare(a, b, what, sizeof what)) fail_msg("%s", what);
  mj_deleteModel(a);
  mj_deleteModel(b);
  free(xml);
  free(once);
  free(twice);
}

// ---- roots, the trap

static void bad_roots(void** state) {
  (void)state;
  loomAssetRoots roots = {0};

  // Names that are no names.
  assert_int_equal(loom_asset_roots_add(&roots, "a/b", "/tmp", NULL), LOOM_ERR_USAGE);
  assert_int_equal(loom_asset_roots_add(&roots, "", "/tmp", NULL), LOOM_ERR_USAGE);
  assert_int_equal(loom_asset_roots_add(&roots, "..", "/tmp", NULL), LOOM_ERR_USAGE);

  // Folders that are none.
  assert_int_equal(loom_asset_roots_add(&roots, "a", "/nonexistent", NULL), LOOM_ERR_IO);
  assert_int_equal(loom_asset_roots_add(&roots, "a", "/dev/null", NULL), LOOM_ERR_IO);

  // Options without a folder.
  assert_int_equal(loom_asset_roots_add_option(&roots, "robosuite", NULL), LOOM_ERR_USAGE);
  assert_int_equal(loom_asset_roots_add_option(&roots, "robosuite=", NULL), LOOM_ERR_USAGE);

  assert_int_equal(roots.n, 0);
  loom_asset_roots_destroy(&roots);
}

static int raise_error(void* arg) {
  mju_error("it broke at %d", *(int*)arg);
  return 0;
}

static int raise_inside_a_trap(void* arg) {
  loomError inner = {0};

  // The inner error ends the inner trap only.
  assert_int_equal(loom_trap_run(raise_error, arg, &inner), LOOM_ERR_SIM);
  assert_non_null(strstr(inner.message, "broke at 7"));

  mju_warning("mind the %s", "gap");
  *(int*)arg = 8;
  mju_error("outer");
  return 0;
}

static int plain_code(void* arg) {
  return *(int*)arg;
}

static void errors_are_trapped_and_nest(void** state) {
  (void)state;
  loom_trap_warnings_clear();
  int value = 7;
  loomError err = {0};

  // What happened inside the inner trap stayed there.
  assert_int_equal(loom_trap_run(raise_inside_a_trap, &value, &err), LOOM_ERR_SIM);
  assert_non_null(strstr(err.message, "outer"));
  assert_int_equal(value, 8);

  // Warnings are kept, and counted.
  const char* last = NULL;
  assert_int_equal(loom_trap_warnings(&last), 1);
  assert_string_equal(last, "mind the gap");
  loom_trap_warnings_clear();
  assert_int_equal(loom_trap_warnings(NULL), 0);

  // A code that is returned passes through.
  value = LOOM_ERR_IO;
  assert_int_equal(loom_trap_run(plain_code, &value, &err), LOOM_ERR_IO);

  // MuJoCo's own log is never written.
  assert_int_not_equal(access("MUJOCO_LOG.TXT", F_OK), 0);
}

static void traps_are_per_thread(void** state) {
  (void)state;

  // Each thread's message is its own.
  int wrong = 0;
#pragma omp parallel for num_threads(4) reduction(+ : wrong)
  for (int i = 0; i < 400; i++) {
    loomError err = {0};
    int value = i;
    char expected[64];
    snprintf(expected, sizeof expected, "it broke at %d", i);

    if (loom_trap_run(raise_error, &value, &err) != LOOM_ERR_SIM || !strstr(err.message, expected)) wrong++;
  }
  assert_int_equal(wrong, 0);
}

// Room for all the contacts that an older model allows at once is not set aside; what is asked for is.
static void memory_is_bounded(void** state) {
  (void)state;
  static const struct {
    const char* size;
    long long least, most;  // MB
  } rows[] = {{"<size njmax=\"5000\" nconmax=\"5000\"/>", 128, 128},
              {"<size nconmax=\"5000\"/>", 128, 128},
              {"<size memory=\"256M\"/>", 256, 256},
              {"<size njmax=\"100\" nconmax=\"100\"/>", 0, 127},
              {"", 0, 127}};

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char xml[256];
    loomError err = {0, ""};
    loomAssetRoots roots = {0};
    loomModelDef def = loom_default_model_def();
    mjModel* m = NULL;

    snprintf(xml, sizeof xml, "<mujoco>%s<worldbody><geom size=\"1\"/></worldbody></mujoco>", rows[i].size);
    if (loom_model_compile(&m, xml, "sized", &roots, &def, &err)) fail_msg("%s", err.message);
    assert_in_range(m->narena >> 20, rows[i].least, rows[i].most);
    mj_deleteModel(m);
  }
}

static void models_compile_side_by_side(void** state) {
  (void)state;
  char* xml = fixture_xml(5);
  mjModel* m[4] = {0};
  loomAssetRoots roots = fixture_roots();
  loomModelDef def = loom_default_model_def();
  def.visual = false;

// four threads, one text
#pragma omp parallel for num_threads(4)
  for (int i = 0; i < 4; i++) loom_model_compile(&m[i], xml, "side", &roots, &def, NULL);

  // Each a model, and all the same one.
  for (int i = 0; i < 4; i++) {
    assert_non_null(m[i]);
    assert_int_equal(loom_model_compare(m[0], m[i], NULL, 0), 0);
  }

  for (int i = 0; i < 4; i++) mj_deleteModel(m[i]);
  loom_asset_roots_destroy(&roots);
  free(xml);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(recorded_models_compile),
      cmocka_unit_test(assets_folder_itself_is_a_root_too),
      cmocka_unit_test(cached_assets_give_the_same_model),
      cmocka_unit_test(visuals_do_not_change_physics),
      cmocka_unit_test(visual_assets_may_be_absent_when_unseen),
      cmocka_unit_test(inertia_of_what_is_only_seen_is_kept),
      cmocka_unit_test(a_missing_asset_is_named),
      cmocka_unit_test(nothing_outside_the_roots_is_read),
      cmocka_unit_test(odd_files_are_refused),
      cmocka_unit_test(every_kind_of_reference_is_seen),
      cmocka_unit_test(hostile_xml_is_refused),
      cmocka_unit_test(portable_paths),
      cmocka_unit_test(portable_models_are_the_same),
      cmocka_unit_test(bad_roots),
      cmocka_unit_test(errors_are_trapped_and_nest),
      cmocka_unit_test(traps_are_per_thread),
      cmocka_unit_test(models_compile_side_by_side),
      cmocka_unit_test(memory_is_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
