#include "generators/twin/scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/file.h"
#include "generators/twin/scan_decode.h"

loomScanDef loom_default_scan_def(void) {
  return (loomScanDef){.max_faces = 20000000, .texture = 2048, .seconds = 120};
}

char loom_scan_up(const char* path) {
  static const struct {
    const char* end;
    char up;
  } kinds[] = {{".glb", 'y'}, {".gltf", 'y'}, {".obj", 'y'}, {".ply", 'z'}, {".stl", 'z'}};
  const char* dot = strrchr(path, '.');

  for (size_t i = 0; dot && i < sizeof kinds / sizeof *kinds; i++)
    if (!strcasecmp(dot, kinds[i].end)) return kinds[i].up;
  return 0;
}

static int prepare(void* user, loomError* err) {
  return loom_scan_library_open(&((loomScanDecode*)user)->library, err);
}

// From the shelf to memory of its own.
static int keep_scan(loomScan* out, const loomScan* from, loomError* err) {
  *out = *from;
  for (int i = 0; i < out->nmaterial; i++) out->material[i].image.rgb = NULL;

  int code = loom_mesh_copy(&out->mesh, &from->mesh, err);
  for (int i = 0; !code && i < out->nmaterial; i++) {
    const loomImage* image = &from->material[i].image;
    if (!image->rgb) continue;
    code = loom_image_create(&out->material[i].image, image->width, image->height, err);
    if (!code)
      memcpy(out->material[i].image.rgb, image->rgb, 3 * (size_t)image->width * (size_t)image->height);
  }
  if (code) loom_scan_destroy(out);
  return code;
}

static int check_numbers(const loomScan* scan, loomError* err) {
  const loomMesh* mesh = &scan->mesh;
  int bad = 0, first = -1;
  for (int v = 0; v < mesh->nvert; v++) {
    bool finite = true;
    for (int k = 0; k < 3; k++) finite = finite && fabs(mesh->pos[3 * (size_t)v + (size_t)k]) < 1e9;
    if (!finite && first < 0) first = v;
    bad += !finite;
  }

  if (!bad) return 0;
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "%d of its %d vertices (number %d is the first) are no finite numbers (NaN); export it "
      "again, or delete them (MeshLab: Remove Unreferenced, or Repair)",
      bad, mesh->nvert, first);
}

int loom_scan_read_bytes(loomScan* out, const void* bytes, size_t n, const char* path, const loomScanDef* def,
                         loomError* err) {
  loomScanDef usual = loom_default_scan_def();
  loomScanDecode scan = {bytes, n, path, def ? def : &usual, {0}};
  *out = (loomScan){0};
  if (!loom_scan_up(path))
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: a scan is a .glb, .gltf, .obj, .ply or .stl file",
                          path);
  if (!n) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: it is empty; export it again", path);

  loomAsideDef aside = loom_default_aside_def();
  aside.what = path;
  aside.work = loom_scan_decode;
  aside.prepare = prepare;
  aside.user = &scan;
  aside.confined = true;

  // By what honest files need: a few references can stand for any number of nodes.
  double mb = (double)n / 1048576;
  aside.seconds = fmin(10 + mb / 3, scan.def->seconds);
  aside.shelf_mb = 3072;
  aside.memory_mb = 1024 + 30 * mb;
  aside.wait = scan.def->wait;
  aside.wait_user = scan.def->wait_user;

  // What went wrong inside has no name yet; what happened to the process has.
  loomAside done;
  loomError why = {0};
  int code = loom_aside_run(&done, &aside, &why);
  if (!code) code = keep_scan(out, done.result, &why);
  if (!code) {
    loom_aside_destroy(&done);
    code = check_numbers(out, &why);
  }
  if (!code) return 0;

  bool named = !strncmp(why.message, path, strlen(path));
  loom_scan_destroy(out);
  return loom_error_set(err, code, "%s%s%s", named ? "" : path, named ? "" : ": ", why.message);
}

int loom_scan_read(loomScan* out, const char* path, const loomScanDef* def, loomError* err) {
  static const size_t most = (size_t)2 << 30;
  char* bytes = NULL;
  size_t n = 0;
  *out = (loomScan){0};
  if (!loom_scan_up(path)) return loom_scan_read_bytes(out, "", 0, path, def, err);

  int code = loom_read_text(&bytes, &n, path, most, err);
  if (!code) code = loom_scan_read_bytes(out, bytes, n, path, def, err);
  free(bytes);
  return code;
}

void loom_scan_destroy(loomScan* scan) {
  if (!scan) return;
  loom_mesh_destroy(&scan->mesh);
  for (int i = 0; i < LOOM_SCAN_MATERIALS; i++) loom_image_destroy(&scan->material[i].image);
  *scan = (loomScan){0};
}
