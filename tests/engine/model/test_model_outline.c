// Outlines: one demo's model brought to another's sizes is the model compiled for it.
#include "engine/model/model_outline.h"

#include <math.h>

#include "tests/engine/model/model_fixture.h"

static mjModel* outline(const char* xml) {
  loomAssetRoots roots = fixture_roots();
  loomModelDef def = loom_default_model_def();
  def.outline = true;
  mjModel* m = NULL;
  loomError err = {0};

  if (loom_model_compile(&m, xml, "fixture", &roots, &def, &err)) fail_msg("%s", err.message);
  loom_asset_roots_destroy(&roots);
  return m;
}

static void assert_close(const char* name, const mjtNum* a, const mjtNum* b, mjtSize n) {
  for (mjtSize i = 0; i < n; i++) {
    if (fabs(a[i] - b[i]) > 1e-12) fail_msg("%s[%d]: %g, not %g", name, (int)i, a[i], b[i]);
  }
}

static void an_adapted_model_is_the_compiled_one(void** state) {
  (void)state;

  // Two demos' models, and the outlines of both.
  char* xml[2] = {fixture_xml(0), fixture_xml(5)};
  mjModel *m = fixture_compile(xml[0], true), *wanted = fixture_compile(xml[1], true);
  mjModel *before = outline(xml[0]), *after = outline(xml[1]);

  // Outlines have the same geoms and next to none of the vertices.
  assert_int_equal(before->ngeom, m->ngeom);
  assert_true(before->nmeshvert < m->nmeshvert / 100);

  // The hammers differ, or this test says nothing.
  assert_memory_not_equal(m->geom_size, wanted->geom_size, (size_t)m->ngeom * 3 * sizeof(mjtNum));

  // One brought to the other's sizes.
  assert_true(loom_model_adapt(m, before, xml[0], after, xml[1]));

  // Poses and masses.
  assert_close("body_pos", m->body_pos, wanted->body_pos, 3 * m->nbody);
  assert_close("body_mass", m->body_mass, wanted->body_mass, m->nbody);

  // Geoms and sites.
  assert_close("geom_size", m->geom_size, wanted->geom_size, 3 * m->ngeom);
  assert_close("geom_pos", m->geom_pos, wanted->geom_pos, 3 * m->ngeom);
  assert_close("geom_quat", m->geom_quat, wanted->geom_quat, 4 * m->ngeom);
  assert_close("geom_rbound", m->geom_rbound, wanted->geom_rbound, m->ngeom);
  assert_close("site_pos", m->site_pos, wanted->site_pos, 3 * m->nsite);
  assert_close("site_size", m->site_size, wanted->site_size, 3 * m->nsite);

  // The rest is the same anyway.
  assert_close("qpos0", m->qpos0, wanted->qpos0, m->nq);
  assert_memory_equal(m->geom_rgba, wanted->geom_rgba, (size_t)m->ngeom * 4 * sizeof(float));
  assert_int_equal(m->nmeshvert, wanted->nmeshvert);

  mj_deleteModel(m);
  mj_deleteModel(wanted);
  mj_deleteModel(before);
  mj_deleteModel(after);
  free(xml[0]);
  free(xml[1]);
}

#define SCENE(asset, pos, more)                                                 \
  "<mujoco><asset><mesh name='a' file='" asset                                  \
  "'/></asset><worldbody><body><geom type='mesh' mesh='a' pos='" pos "'/>" more \
  "<inertial pos='0 0 0' mass='1' diaginertia='1 1 1'/></body></worldbody></mujoco>"

static void what_differs_in_more_is_refused(void** state) {
  (void)state;
  const char* base = SCENE("x.stl", "0 0 0", "<geom size='.1'/>");
  const char* others[] = {SCENE("y.stl", "0 0 0", "<geom size='.1'/>"),
                          SCENE("x.stl", "0 0 1", "<geom size='.1'/>"),
                          SCENE("x.stl", "0 0 0", "<geom size='.1'/><geom size='.2'/>"),
                          SCENE("x.stl", "0 0 0", "<geom name='g' size='.1'/>")};

  // Another mesh, a moved mesh, one geom more, another name.
  mjModel *m = outline(base), *before = outline(base);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    mjModel* after = outline(others[i]);
    if (loom_model_adapt(m, before, base, after, others[i])) fail_msg("%s", others[i]);
    mj_deleteModel(after);
  }

  // A size alone is taken.
  const char* larger = SCENE("x.stl", "0 0 0", "<geom size='.3'/>");
  mjModel* after = outline(larger);
  assert_true(loom_model_adapt(m, before, base, after, larger));
  assert_true(m->geom_size[3] == 0.3);

  mj_deleteModel(after);
  mj_deleteModel(before);
  mj_deleteModel(m);
}

static void every_stand_in_is_taken(void** state) {
  (void)state;
  mjModel* m = outline(
      "<mujoco><asset><texture name='t' type='2d' file='t.png'/><texture name='c' type='cube' file='c.png'/>"
      "<material name='m' texture='t'/><mesh name='a' file='a.stl' scale='.001 .001 .001'/><mesh name='b' "
      "file='b.OBJ'/></asset><worldbody><geom type='mesh' mesh='a' material='m'/><geom type='mesh' "
      "mesh='b'/></worldbody></mujoco>");
  assert_int_equal(m->nmesh, 2);
  assert_int_equal(m->ntex, 2);
  mj_deleteModel(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(an_adapted_model_is_the_compiled_one),
                                     cmocka_unit_test(what_differs_in_more_is_refused),
                                     cmocka_unit_test(every_stand_in_is_taken)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
