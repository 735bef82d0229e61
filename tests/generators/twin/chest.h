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

// A hand on three slides and three hinges stands in for the twin's Pandas, whose meshes would be read for
// every script: as tests/own has it.
static const char robot[] =
    "robot: panda\nprefix: \"robot{i}\"\n"
    "arm:\n  joints: [\"robot{i}_x\", \"robot{i}_y\", \"robot{i}_z\", \"robot{i}_a\", \"robot{i}_b\", "
    "\"robot{i}_c\"]\n"
    "  actuators: [\"robot{i}_mx\", \"robot{i}_my\", \"robot{i}_mz\", \"robot{i}_ma\", \"robot{i}_mb\", "
    "\"robot{i}_mc\"]\n"
    "  torque_limit: [80, 80, 80, 12, 12, 12]\n  velocity_limit: [2, 2, 2, 5, 5, 5]\n  init_qpos: [0, 0, 0, "
    "0, 0, 0]\n"
    "eef_site: \"robot{i}_grip\"\nbase_body: \"robot{i}_base\"\n"
    "gripper:\n  joints: [\"robot{i}_left\"]\n  actuators: [\"robot{i}_mleft\"]\n  init_qpos: [0.03]\n"
    "  closing_sign: [-1]\n  speed: 0.01\n  fingers: [[\"robot{i}_lpad\"], [\"robot{i}_rpad\"]]\n"
    "parts:\n  - {file: hand.xml, prefix: \"robot{i}_\"}\n";
static const char hand[] =
    "<mujoco><compiler angle=\"radian\" autolimits=\"true\"/><default><joint damping=\"2\" "
    "armature=\"0.01\"/>"
    "</default><worldbody><body name=\"base\"><body name=\"by\" pos=\"0.3 0 0.2\">"
    "<joint name=\"x\" type=\"slide\" axis=\"1 0 0\" range=\"-0.5 0.5\"/>"
    "<joint name=\"y\" type=\"slide\" axis=\"0 1 0\" range=\"-0.5 0.5\"/>"
    "<joint name=\"z\" type=\"slide\" axis=\"0 0 1\" range=\"-0.45 0.3\"/>"
    "<joint name=\"a\" axis=\"0 0 1\" range=\"-3 3\"/><joint name=\"b\" axis=\"0 1 0\" range=\"-1.5 1.5\"/>"
    "<joint name=\"c\" axis=\"1 0 0\" range=\"-1.5 1.5\"/>"
    "<geom type=\"box\" size=\"0.02 0.05 0.02\" contype=\"0\" conaffinity=\"0\" mass=\"0.7\"/>"
    "<site name=\"grip\" pos=\"0 0 -0.08\" quat=\"0 1 0 0\"/>"
    "<geom name=\"rpad\" type=\"box\" size=\"0.01 0.005 0.04\" pos=\"0 -0.005 -0.05\" mass=\"0.05\"/>"
    "<body pos=\"0 0 -0.05\"><joint name=\"left\" type=\"slide\" axis=\"0 1 0\" range=\"0 0.04\"/>"
    "<geom name=\"lpad\" type=\"box\" size=\"0.01 0.005 0.04\" pos=\"0 0.005 0\" mass=\"0.05\"/></body>"
    "</body></body></worldbody><actuator><motor name=\"mx\" joint=\"x\"/><motor name=\"my\" joint=\"y\"/>"
    "<motor name=\"mz\" joint=\"z\"/><motor name=\"ma\" joint=\"a\"/><motor name=\"mb\" joint=\"b\"/>"
    "<motor name=\"mc\" joint=\"c\"/><position name=\"mleft\" joint=\"left\" ctrlrange=\"0 0.04\" "
    "kp=\"200\"/>"
    "</actuator></mujoco>";

static inline int make_robot(void) {
  char path[128];
  snprintf(path, sizeof path, "%s/robots", folder);
  int code = loom_make_folder(path, false, NULL);
  snprintf(path, sizeof path, "%s/robots/panda.yaml", folder);
  if (!code) code = loom_file_write_text(path, robot, NULL);
  snprintf(path, sizeof path, "%s/robots/hand.xml", folder);
  return code ? code : loom_file_write_text(path, hand, NULL);
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
