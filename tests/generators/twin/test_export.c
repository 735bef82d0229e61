// A cabinet with a drawer and a door, and a mug, as URDF, which MuJoCo reads back, and as USD.
#include <math.h>
#include <mujoco/mujoco.h>
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
#include "generators/twin/export.h"

static char folder[] = "/tmp/loom-export-XXXXXX";
static char urdf[96], usd[96];
static loomTask task;

// Joints whose zero is not where the scene shows them; frames that are turned; a mesh off its middle.
static const char scene[] =
    "<mujoco model=\"kitchen\"><compiler angle=\"radian\" autolimits=\"true\" meshdir=\"meshes\"/>"
    "<asset><mesh name=\"cup\" file=\"cup.obj\"/></asset><worldbody>"
    "<geom name=\"floor\" type=\"plane\" size=\"3 3 0.1\"/>"
    "<body name=\"cabinet\" pos=\"0.3 0.1 0.2\" euler=\"0.1 0.2 0.5\">"
    "<geom type=\"box\" size=\"0.2 0.15 0.2\" mass=\"9\"/><geom type=\"sphere\" size=\"0.03\" pos=\"0 0 "
    "0.3\" contype=\"0\" "
    "conaffinity=\"0\"/>"
    "<body name=\"drawer\" pos=\"0 -0.2 0.05\" euler=\"0 0 0.3\"><joint name=\"drawer_joint\" type=\"slide\" "
    "axis=\"0.1 -1 0\" "
    "range=\"0 0.3\" ref=\"0.12\" damping=\"4\" frictionloss=\"1.5\"/>"
    "<inertial pos=\"0.01 0.02 0.03\" mass=\"0.61\" fullinertia=\"0.004 0.005 0.006 0.0003 -0.0002 0.0001\"/>"
    "<geom type=\"box\" size=\"0.15 0.1 0.04\"/>"
    "<body name=\"knob\" pos=\"0 -0.12 0\"><geom type=\"cylinder\" size=\"0.01 0.02\" "
    "mass=\"0.02\"/></body></body>"
    "<body name=\"door\" pos=\"0.1 0.2 0\" euler=\"0.2 0 0\"><joint name=\"door_joint\" axis=\"0 0.1 1\" "
    "pos=\"0.15 0.01 0\" "
    "range=\"-0.2 1.5\" ref=\"0.4\" damping=\"0.3\"/><geom type=\"box\" size=\"0.15 0.01 0.2\" mass=\"0.9\"/>"
    "<body name=\"latch\" pos=\"-0.1 0.02 0\"><joint name=\"latch_joint\" axis=\"1 0 0\" range=\"-1 1\"/>"
    "<geom type=\"capsule\" size=\"0.005 0.02\" mass=\"0.03\"/></body></body></body>"
    "<body name=\"mug\" pos=\"-0.3 0 0.1\" euler=\"0.3 0 0\"><freejoint/><geom type=\"mesh\" mesh=\"cup\" "
    "mass=\"0.31\"/></body>"
    "</worldbody></mujoco>";
static const char cup[] = "v 0 0 0\nv 0.1 0 0\nv 0 0.08 0\nv 0 0 0.12\nf 1 3 2\nf 1 2 4\nf 2 3 4\nf 1 4 3\n";

static int make(void** state) {
  char path[96];
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(path, sizeof path, "%s/meshes", folder);

  int code = loom_make_folder(path, false, NULL);
  snprintf(path, sizeof path, "%s/meshes/cup.obj", folder);
  if (!code) code = loom_file_write_text(path, cup, NULL);
  snprintf(path, sizeof path, "%s/scene.xml", folder);
  if (!code) code = loom_file_write_text(path, scene, NULL);
  snprintf(urdf, sizeof urdf, "%s/out.urdf", folder);
  snprintf(usd, sizeof usd, "%s/out.usda", folder);
  snprintf(task.dir, sizeof task.dir, "%s", folder);
  snprintf(task.model_file, sizeof task.model_file, "scene.xml");
  snprintf(task.name, sizeof task.name, "kitchen");

  return code;
}

static int remove_all(void** state) {
  char line[96];
  (void)state;
  snprintf(line, sizeof line, "rm -rf %s", folder);
  return system(line);
}

static void export_to(loomExported* out, loomExportKind kind, const char* path) {
  loomError err = {0};
  loomAssetRoots roots = {0};
  if (loom_asset_roots_add(&roots, "task", folder, &err) ||
      loom_twin_export(out, kind, &task, &roots, path, &err))
    fail_msg("%s", err.message);
  loom_asset_roots_destroy(&roots);
}

static mjModel* load(const char* path) {
  char why[500] = "";
  mjModel* m = mj_loadXML(path, NULL, why, sizeof why);
  if (!m) fail_msg("%s: %s", path, why);
  return m;
}

static int named(const mjModel* m, mjtObj kind, const char* name) {
  int id = mj_name2id(m, kind, name);
  if (id < 0) fail_msg("no %s", name);
  return id;
}

static void near(const double* a, const double* b, int n, const char* what) {
  for (int i = 0; i < n; i++)
    if (!(fabs(a[i] - b[i]) < 1e-6)) fail_msg("%s: %.9g, not %.9g", what, a[i], b[i]);
}

static void put_joints(const mjModel* m, mjData* d, double share) {
  static const char* const names[] = {"drawer_joint", "door_joint", "latch_joint"};
  for (int i = 0; i < 3; i++) {
    int j = named(m, mjOBJ_JOINT, names[i]);
    d->qpos[m->jnt_qposadr[j]] =
        m->jnt_range[2 * j] + share * (m->jnt_range[2 * j + 1] - m->jnt_range[2 * j]);
  }
  mj_forward(m, d);
}

// Inertia about the center of mass along the world's axes.
static void world_inertia(double out[9], const mjModel* m, const mjData* d, int b) {
  const double *r = d->ximat + 9 * b, *i = m->body_inertia + 3 * b;
  for (int k = 0; k < 9; k++) out[k] = 0;
  for (int a = 0; a < 3; a++)
    for (int c = 0; c < 3; c++)
      for (int k = 0; k < 3; k++) out[3 * a + c] += r[3 * a + k] * i[k] * r[3 * c + k];
}

static void test_urdf(void** state) {
  static const char* const bodies[] = {"cabinet", "drawer", "knob", "door", "latch", "mug"};
  static const char* const joints[] = {"drawer_joint", "door_joint", "latch_joint"};
  char path[96];
  loomExported out;
  (void)state;
  export_to(&out, LOOM_EXPORT_URDF, urdf);
  assert_int_equal(out.bodies, 6);
  assert_int_equal(out.joints, 3);
  assert_int_equal(out.meshes, 1);
  assert_true(fabs(out.mass - (0.61 + 0.02 + 0.9 + 0.03 + 0.31)) < 1e-9);
  assert_int_equal(out.warnings.n, 1);  // of the capsule
  loom_exported_destroy(&out);

  snprintf(path, sizeof path, "%s/scene.xml", folder);
  mjModel *a = load(path), *b = load(urdf);
  mjData *d = mj_makeData(a), *e = mj_makeData(b);

  for (int i = 0; i < 3; i++) {
    int j = named(a, mjOBJ_JOINT, joints[i]), k = named(b, mjOBJ_JOINT, joints[i]);
    assert_int_equal(a->jnt_type[j], b->jnt_type[k]);
    near(a->jnt_range + 2 * j, b->jnt_range + 2 * k, 2, joints[i]);
    near(a->dof_damping + a->jnt_dofadr[j], b->dof_damping + b->jnt_dofadr[k], 1, "damping");
    near(a->dof_frictionloss + a->jnt_dofadr[j], b->dof_frictionloss + b->jnt_dofadr[k], 1, "friction");
  }

  // Wherever the joints are, axes, masses and inertias lie where they do in the scene.
  for (int at = 0; at < 4; at++) {
    put_joints(a, d, at / 3.0);
    put_joints(b, e, at / 3.0);
    for (int i = 0; i < 3; i++) {
      int j = named(a, mjOBJ_JOINT, joints[i]), k = named(b, mjOBJ_JOINT, joints[i]);
      near(d->xaxis + 3 * j, e->xaxis + 3 * k, 3, joints[i]);
      if (a->jnt_type[j] == mjJNT_HINGE) near(d->xanchor + 3 * j, e->xanchor + 3 * k, 3, joints[i]);
    }
    for (int i = 0; i < 6; i++) {
      int p = named(a, mjOBJ_BODY, bodies[i]), q = named(b, mjOBJ_BODY, bodies[i]);
      double from[9], to[9];
      near(a->body_mass + p, b->body_mass + q, 1, bodies[i]);
      near(d->xipos + 3 * p, e->xipos + 3 * q, 3, bodies[i]);
      world_inertia(from, a, d, p);
      world_inertia(to, b, e, q);
      near(from, to, 9, bodies[i]);
    }
  }

  // Shapes too: what collides is as large and where it was.
  int p = named(a, mjOBJ_BODY, "mug"), q = named(b, mjOBJ_BODY, "mug");
  near(d->geom_xpos + 3 * a->body_geomadr[p], e->geom_xpos + 3 * b->body_geomadr[q], 3, "the mug's mesh");
  assert_int_equal(b->body_geomnum[named(b, mjOBJ_BODY, "cabinet")], 1);
  mj_deleteData(d);
  mj_deleteData(e);
  mj_deleteModel(a);
  mj_deleteModel(b);
}

// n numbers behind a key in a prim's own lines.
static void numbers_of(double* out, int n, const char* text, const char* prim, const char* key) {
  const char *from = strstr(text, prim), *at = from ? strstr(from, key) : NULL;
  if (!at) fail_msg("no %s in %s", key, prim);
  at = strchr(at, '=') + 1;

  for (int i = 0; i < n; i++) {
    char* end;
    at += strspn(at, " (,[");
    out[i] = strtod(at, &end);
    if (end == at) fail_msg("%s in %s is no number", key, prim);
    at = end;
  }
}

static void test_usd(void** state) {
  char* text = NULL;
  double x[4];
  int depth = 0, deepest = 0;
  loomError err = {0};
  loomExported out;
  (void)state;
  export_to(&out, LOOM_EXPORT_USD, usd);
  loom_exported_destroy(&out);
  if (loom_read_text(&text, NULL, usd, 1 << 22, &err)) fail_msg("%s", err.message);
  assert_int_equal(strncmp(text, "#usda 1.0\n", 10), 0);

  for (const char* c = text; *c; c++) {
    depth += (*c == '{') - (*c == '}');
    deepest = depth > deepest ? depth : deepest;
    assert_true(depth >= 0);
  }
  assert_true(depth == 0 && deepest == 3);

  numbers_of(x, 1, text, "def Xform \"drawer\"", "physics:mass");
  near(x, (const double[]){0.61}, 1, "mass");
  numbers_of(x, 3, text, "def Xform \"drawer\"", "physics:centerOfMass");
  near(x, (const double[]){0.01, 0.02, 0.03}, 3, "center");
  numbers_of(x, 1, text, "def PhysicsPrismaticJoint \"drawer_joint\"", "physics:upperLimit");
  near(x, (const double[]){0.3}, 1, "range");
  numbers_of(x, 1, text, "def PhysicsRevoluteJoint \"door_joint\"", "physics:lowerLimit");
  near(x, (const double[]){-0.2 * 180 / mjPI}, 1, "range in degrees");
  numbers_of(x, 3, text, "def PhysicsRevoluteJoint \"door_joint\"", "physics:localPos1");
  near(x, (const double[]){0.15, 0.01, 0}, 3, "anchor");

  // The joint's x axis is the door's axis.
  double q[4], axis[3];
  const double along[3] = {1, 0, 0}, length = sqrt(1.01);
  numbers_of(q, 4, text, "def PhysicsRevoluteJoint \"door_joint\"", "physics:localRot1");
  mju_rotVecQuat(axis, along, q);
  near(axis, (const double[]){0, 0.1 / length, 1 / length}, 3, "axis");

  free(text);
}

static void test_refused(void** state) {
  loomError err = {0};
  loomAssetRoots none = {0};
  loomExported out;
  loomTask other = task;
  char path[96];
  (void)state;
  snprintf(path, sizeof path, "%s/two.xml", folder);
  snprintf(other.model_file, sizeof other.model_file, "two.xml");
  loom_file_write_text(path,
                       "<mujoco><worldbody><body name=\"b\"><joint type=\"slide\"/><joint axis=\"1 0 0\"/>"
                       "<geom size=\"0.1\"/></body></worldbody></mujoco>",
                       NULL);
  assert_int_equal(loom_twin_export(&out, LOOM_EXPORT_URDF, &other, &none, urdf, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "body 'b' is on several joints"));
  other.model_file[0] = 0;
  assert_int_equal(loom_twin_export(&out, LOOM_EXPORT_USD, &other, &none, usd, &err), LOOM_ERR_USAGE);
  assert_int_equal(loom_twin_export(&out, LOOM_EXPORT_USD, &task, &none, "/nowhere/x.usda", &err),
                   LOOM_ERR_IO);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_urdf),
      cmocka_unit_test(test_usd),
      cmocka_unit_test(test_refused),
  };

  return cmocka_run_group_tests(tests, make, remove_all);
}
