// A twin's folder made of boxes and cans, and what letting them fall says of it.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/scene/library.h"
#include "generators/twin/check.h"
#include "generators/twin/twin.h"
#include "tests/generators/twin/glb.h"

static char folder[] = "/tmp/loom-twin-XXXXXX";
static char block[64], can[64], dir[64];

static int make_folder(void** state) {
  const double low[3] = {-0.02, -0.03, 0}, high[3] = {0.02, 0.03, 0.05};
  loomMesh box = {0}, round;
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(block, sizeof block, "%s/A Block.obj", folder);
  snprintf(can, sizeof can, "%s/can.obj", folder);
  snprintf(dir, sizeof dir, "%s/made", folder);

  add_box(&box, low, high);
  make_cylinder(&round, 0.03, 0.08, 40);
  int code = loom_mesh_write_obj(&box, block, false, NULL) || loom_mesh_write_obj(&round, can, false, NULL);

  loom_mesh_destroy(&box);
  loom_mesh_destroy(&round);
  return code;
}

static int remove_folder(void** state) {
  char command[64];
  (void)state;
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static loomTwinDef def_of(const char* a, const char* b) {
  loomTwinDef def = loom_default_twin_def();
  def.folder = dir;
  def.overwrite = true;
  def.up = 'z';
  def.nobject = b ? 2 : 1;
  def.object[0] = a;
  def.object[1] = b;

  return def;
}

static void make_twin(loomTwin* out, const loomTwinDef* def) {
  loomError err = {0};
  if (loom_twin_new(out, def, &err)) fail_msg("%s", err.message);
}

static void refuse(const loomTwinDef* def, int wanted, const char* says) {
  loomTwin twin;
  loomError err = {0};
  int code = loom_twin_new(&twin, def, &err);
  if (code != wanted || !strstr(err.message, says)) fail_msg("%d: %s", code, err.message);
}

static void what_is_made(void** state) {
  loomTwin twin;
  loomTwinDef def = def_of(block, can);
  (void)state;
  def.mass[def.nmass++] = "can=0.5";
  make_twin(&twin, &def);

  assert_int_equal(twin.n, 2);
  assert_string_equal(twin.scan[0].name, "a_block");
  assert_string_equal(twin.scan[1].name, "can");
  for (int i = 0; i < 2; i++) {
    assert_int_equal(twin.scan[i].open_edges, 0);
    assert_int_equal(twin.scan[i].pieces, 1);
    assert_int_equal(twin.scan[i].primitives, 1);
  }
  assert_near(twin.scan[0].volume, 0.04 * 0.06 * 0.05, 1e-9);
  assert_near(twin.scan[0].mass, 400 * twin.scan[0].volume, 1e-12);
  assert_near(twin.scan[1].mass, 0.5, 1e-12);
  loom_twin_destroy(&twin);

  // Everything by a path within the folder.
  char path[128], *xml = NULL;
  snprintf(path, sizeof path, "%s/scene.xml", dir);
  assert_int_equal(loom_read_text(&xml, NULL, path, 1 << 20, NULL), 0);
  assert_null(strstr(xml, folder));
  assert_null(strstr(xml, "=\"/"));
  assert_null(strstr(xml, ".."));

  free(xml);
}

static void what_is_refused(void** state) {
  loomTwinDef def = def_of(block, NULL);
  loomTwin twin;
  (void)state;
  def.scale = 1000;
  refuse(&def, LOOM_ERR_FORMAT, "With --scale 1 it would be");
  def = def_of(block, NULL);
  def.nobject = 0;
  refuse(&def, LOOM_ERR_USAGE, "give --scene FILE");
  def = def_of(block, NULL);
  def.mass[def.nmass++] = "cup=1";
  refuse(&def, LOOM_ERR_USAGE, "no object is called so");

  // A folder in which there is one already stays as it is.
  def = def_of(can, NULL);
  make_twin(&twin, &def);
  loom_twin_destroy(&twin);
  def.overwrite = false;
  refuse(&def, LOOM_ERR_USAGE, "made");
}

static void check_scene(loomTwinCheck* out, const char* path, int wanted) {
  loomScene* scene = NULL;
  loomError err = {0};
  if (loom_scene_open(&scene, path, NULL, &err)) fail_msg("%s", err.message);
  int code = loom_twin_check(out, scene, NULL, &err);
  if (code != wanted) fail_msg("%d: %s", code, err.message);

  loom_scene_destroy(scene);
}

static void what_is_sound_comes_to_rest(void** state) {
  loomTwin twin;
  loomTwinDef def = def_of(block, can);
  loomTwinCheck check;
  (void)state;
  make_twin(&twin, &def);
  loom_twin_destroy(&twin);
  check_scene(&check, dir, 0);

  assert_true(check.ok);
  assert_int_equal(check.n, 2);
  assert_int_equal(check.pieces, 2);
  assert_true(check.rest_seconds < 1 && check.rest_seconds > 0.03);  // it falls 1 cm, 45 ms
  assert_true(check.deepest < 0.002 && check.deepest > 0);
  assert_true(check.steps_per_second > 0 && check.steps_per_second_hand > 0);

  loom_twin_check_destroy(&check);
}

// A text in the task's file, or the scene's, becomes another.
static void change(const char* name, const char* from, const char* to) {
  char path[128], *text = NULL;
  size_t n = 0;
  snprintf(path, sizeof path, "%s/%s", dir, name);
  assert_int_equal(loom_read_text(&text, &n, path, 1 << 20, NULL), 0);
  char* at = strstr(text, from);
  assert_non_null(at);
  FILE* file = fopen(path, "w");
  assert_non_null(file);
  fprintf(file, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
  assert_int_equal(fclose(file), 0);

  free(text);
}

static void what_is_not_is_told(void** state) {
  loomTwin twin;
  loomTwinDef def = def_of(block, NULL);
  loomTwinCheck check;
  (void)state;

  // Off the table's edge.
  make_twin(&twin, &def);
  loom_twin_destroy(&twin);
  change("task.yaml", "a_block: {x: [",
         "a_block: {x: [0.43, 0.44], y: [0, 0], z: 0.81, radius: 0.3}\n  E0:\n    a_block: {x: [");
  check_scene(&check, dir, 0);
  assert_false(check.ok);
  assert_true(check.fell[0].fall > 0.05);
  loom_twin_check_destroy(&check);

  // So soft that it sinks in.
  make_twin(&twin, &def);
  loom_twin_destroy(&twin);
  change("scene.xml", "solref=\"0.005 1\"", "solref=\"0.2 1\"");
  check_scene(&check, dir, 0);
  assert_false(check.ok);
  assert_true(check.deepest > 0.002);

  loom_twin_check_destroy(&check);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_made),
      cmocka_unit_test(what_is_refused),
      cmocka_unit_test(what_is_sound_comes_to_rest),
      cmocka_unit_test(what_is_not_is_told),
  };

  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
