// Any files as a sequence of pictures with depth: lists, poses, intrinsics and PNGs as parts `==== NAME`, in
// TUM's layout or, where there is a trajectory.log, Redwood's. Errors are fine; crashes, leaks and meshes
// whose indices lead nowhere are not.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "generators/twin/fuse.h"
#include "tests/fuzz/parts.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// What parts may be, and where they lie.
static const char* const files[][2] = {{"rgb.txt", "rgb.txt"},           {"depth.txt", "depth.txt"},
                                       {"poses.txt", "groundtruth.txt"}, {"log", "trajectory.log"},
                                       {"camera.json", "camera.json"},   {"a.png", "color/a.png"},
                                       {"b.png", "depth/b.png"}};
enum { FILES = sizeof files / sizeof *files };

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static bool made;
  Part part[MAX_PARTS];
  loomFused out;
  loomError err = {0};
  if (!made &&
      (loom_make_folder(own_path("color"), false, NULL) || loom_make_folder(own_path("depth"), false, NULL)))
    abort();
  made = true;

  int n = split_parts(part, data, size);
  for (int f = 0; f < FILES; f++) {
    unlink(own_path(files[f][1]));
    for (int p = 0; p < n; p++)
      if (!strcmp(part[p].name, files[f][0])) write_own(files[f][1], part[p].text, part[p].size);
  }

  loomFuseDef def = loom_default_fuse_def();
  def.folder = own_folder();
  def.voxel = 0.05;
  def.memory_mb = 8;
  def.threads = 1;
  int code = loom_fuse(&out, &def, &err);
  check_error(code, &err);
  for (int i = 0; !code && i < 3 * out.mesh.nface; i++)
    if (out.mesh.face[i] < 0 || out.mesh.face[i] >= out.mesh.nvert) abort();
  if (!code) loom_fused_destroy(&out);
  return 0;
}
