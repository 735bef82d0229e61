// Any bytes as a scan: GLB, OBJ, PLY or STL as they begin. Errors are fine; crashes of ours, leaks,
// messages of several lines and meshes whose indices lead nowhere are not. What crashes in the process
// aside is an error.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "generators/twin/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

static const char* kind_of(const uint8_t* data, size_t size) {
  if (size >= 4 && !memcmp(data, "glTF", 4)) return "fuzz.glb";
  if (size >= 3 && !memcmp(data, "ply", 3)) return "fuzz.ply";
  return size >= 5 && !memcmp(data, "solid", 5) ? "fuzz.stl" : "fuzz.obj";
}

static void check_mesh(loomMesh* mesh) {
  loomMeshReport report = {0};
  loomMesh welded = {0};
  for (size_t i = 0; i < 3 * (size_t)mesh->nface; i++)
    if (mesh->face[i] < 0 || mesh->face[i] >= mesh->nvert) abort();
  for (size_t i = 0; i < 3 * (size_t)mesh->nvert; i++)
    if (!isfinite(mesh->pos[i])) abort();

  // What is done to every scan.
  if (loom_mesh_join(mesh, NULL) || loom_mesh_clean(mesh, &report, NULL) ||
      loom_mesh_weld(&welded, mesh, NULL))
    return;
  int holes = 0;
  if (!loom_mesh_close(&welded, INFINITY, &holes, NULL)) loom_mesh_open_edges(&welded);
  loom_mesh_simplify(&welded, 8, 0.1, NULL);
  loom_mesh_destroy(&welded);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  loomScan* scan = calloc(1, sizeof *scan);
  loomScanDef def = loom_default_scan_def();
  loomError err = {0};
  if (!scan) return 0;
  def.max_faces = 100000;
  def.seconds = 2;

  int code = loom_scan_read_bytes(scan, data, size, kind_of(data, size), &def, &err);
  if (code > 0 || (code < 0 && (!err.message[0] || strchr(err.message, '\n')))) abort();
  if (!code) check_mesh(&scan->mesh);
  loom_scan_destroy(scan);
  free(scan);
  return 0;
}
