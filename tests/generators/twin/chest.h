// A twin of a chest, of a scan that is written here, with a hand that takes no time in place of its Pandas.
#ifndef LOOM_TESTS_GENERATORS_TWIN_CHEST_H
#define LOOM_TESTS_GENERATORS_TWIN_CHEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "generators/twin/twin.h"
#include "tests/generators/twin/glb.h"

static char folder[] = "/tmp/loom-edit-XXXXXX";
static char chest[64], dir[64], other[64], script[64];

// A hand stands in for the twin's Pandas, whose meshes would be read for every script.
static inline int make_robot(void) {
  char command[96];
  snprintf(command, sizeof command, "cp -r tests/twin/robots %s", folder);
  return system(command);
}

static inline int make_folder(void** state) {
  const double low[3] = {-0.1, -0.1, 0}, high[3] = {0.1, 0.1, 0.2};
  loomMesh box = {0};
  (void)state;

  if (!mkdtemp(folder)) return -1;
  snprintf(chest, sizeof chest, "%s/chest.obj", folder);
  snprintf(dir, sizeof dir, "%s/made", folder);
  snprintf(other, sizeof other, "%s/other", folder);
  snprintf(script, sizeof script, "%s/script.yaml", folder);
  add_box(&box, low, high);
  int code = loom_mesh_write_obj(&box, chest, false, NULL);
  loom_mesh_destroy(&box);

  return code ? code : make_robot();
}

static inline int remove_folder(void** state) {
  char command[64];
  (void)state;
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

// Its boxes need no CoACD.
static inline void make_chest(const char* where) {
  loomTwin twin;
  loomError err = {0};
  loomTwinDef def = loom_default_twin_def();
  def.folder = where;
  def.overwrite = true;
  def.up = 'z';
  def.nobject = 1;
  def.object[0] = chest;

  if (loom_twin_new(&twin, &def, &err)) fail_msg("%s", err.message);
  loom_twin_destroy(&twin);
}

#endif
