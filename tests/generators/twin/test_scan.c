// Files of scans: what is read of them, and that hostile ones do nothing.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/file.h"
#include "generators/twin/scan.h"
#include "tests/generators/twin/glb.h"

static const double low[3] = {-0.03, 0, -0.03}, high[3] = {0.03, 0.06, 0.03};

static char folder[] = "/tmp/loom-scan-XXXXXX";

static int make_folder(void** state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void** state) {
  char command[64];
  (void)state;
  snprintf(command, sizeof command, "rm -rf %s", folder);
  return system(command);
}

static loomScan* read_glb(const glbFile* glb, int wanted, const char* says) {
  loomScan* scan = calloc(1, sizeof *scan);
  loomError err = {0};
  assert_non_null(scan);
  int code = loom_scan_read_bytes(scan, glb->bytes, glb->n, "box.glb", NULL, &err);
  if (code != wanted || (says && !strstr(err.message, says))) fail_msg("%d: %s", code, err.message);
  assert_null(strchr(err.message, '\n'));
  if (code) assert_non_null(strstr(err.message, "box.glb"));

  return scan;
}

static void free_scan(loomScan* scan) {
  loom_scan_destroy(scan);
  free(scan);
}

static void a_textured_box(void** state) {
  loomMesh box = {0};
  float coord[16];
  loomImage image;
  char path[64], *png = NULL;
  size_t n = 0;
  glbFile glb;
  (void)state;
  add_box(&box, low, high);
  for (int i = 0; i < 16; i++) coord[i] = (float)i / 16;

  // Red above, blue below.
  assert_int_equal(loom_image_create(&image, 8, 4, NULL), 0);
  for (int i = 0; i < 32; i++) image.rgb[3 * i + (i < 16 ? 0 : 2)] = 255;
  snprintf(path, sizeof path, "%s/t.png", folder);
  assert_int_equal(loom_image_write_png(&image, path, NULL), 0);
  assert_int_equal(loom_read_text(&png, &n, path, 1 << 20, NULL), 0);
  mesh_to_glb(
      &glb, &box, coord, png, n, ",\"material\":0",
      ",\"materials\":[{\"pbrMetallicRoughness\":{\"baseColorTexture\":{\"index\":0},\"baseColorFactor\":"
      "[0.5,1,1,1]}}],\"textures\":[{\"source\":0}],\"images\":[{\"bufferView\":3,\"mimeType\":\"image/"
      "png\"}]");

  loomScan* scan = read_glb(&glb, 0, NULL);
  double a[3], b[3];
  loom_mesh_bounds(a, b, &scan->mesh);
  assert_int_equal(scan->mesh.nface, 12);
  for (int k = 0; k < 3; k++) assert_near(b[k] - a[k], 0.06, 1e-7);
  assert_non_null(scan->mesh.coord);
  assert_null(scan->mesh.color);

  // From the lower left corner, where glTF counts from the upper one.
  for (int v = 0; v < scan->mesh.nvert; v++) {
    int from = -1;
    for (int i = 0; i < 8; i++) {
      double away = 0;
      for (int k = 0; k < 3; k++) away += fabs(box.pos[3 * i + k] - scan->mesh.pos[3 * v + k]);
      if (away < 1e-6) from = i;
    }
    assert_true(from >= 0);
    assert_near(scan->mesh.coord[2 * v], coord[2 * from], 1e-6);
    assert_near(scan->mesh.coord[2 * v + 1], 1 - coord[2 * from + 1], 1e-6);
  }

  const loomScanMaterial* m = &scan->material[scan->mesh.material[0]];
  assert_int_equal(m->image.width, 8);
  assert_int_equal(m->image.height, 4);
  assert_memory_equal(m->image.rgb, image.rgb, 96);
  assert_near(m->rgba[0], 0.5, 1e-6);

  free_scan(scan);
  free(glb.bytes);
  free(png);
  loom_image_destroy(&image);
  loom_mesh_destroy(&box);
}

// ---- hostile

static void expect_glb(const char* primitive, const char* more, const char* from, const char* to, int wanted,
                       const char* says) {
  loomMesh box = {0};
  glbFile glb;
  add_box(&box, low, high);
  mesh_to_glb(&glb, &box, NULL, NULL, 0, primitive, more);

  // Something in the JSON is written over, of the same length.
  for (size_t i = 0; from && i + strlen(from) <= glb.n; i++)
    if (!memcmp(glb.bytes + i, from, strlen(from))) memcpy(glb.bytes + i, to, strlen(to));

  free_scan(read_glb(&glb, wanted, says));
  free(glb.bytes);
  loom_mesh_destroy(&box);
}

static void counts_beyond_the_file(void** state) {
  (void)state;
  expect_glb("", "", "\"count\":36", "\"count\":99", LOOM_ERR_FORMAT, "cannot be read");
  expect_glb("", "", "\"bufferView\":1", "\"bufferView\":9", LOOM_ERR_FORMAT, NULL);
}

static void paths_out_of_the_folder(void** state) {
  (void)state;
  const char* more =
      ",\"materials\":[{\"pbrMetallicRoughness\":{\"baseColorTexture\":{\"index\":0}}}],"
      "\"textures\":[{\"source\":0}],\"images\":[{\"uri\":\"%s\"}]";
  static const char* const paths[] = {"../../../../../../../etc/passwd", "/etc/passwd",
                                      "a/../../../etc/passwd"};
  for (size_t i = 0; i < 3; i++) {
    char text[512];
    loomMesh box = {0};
    glbFile glb;
    snprintf(text, sizeof text, more, paths[i]);
    add_box(&box, low, high);
    mesh_to_glb(&glb, &box, NULL, NULL, 0, ",\"material\":0", text);

    // The mesh is read, the picture is not.
    loomScan* scan = read_glb(&glb, 0, NULL);
    assert_null(scan->material[0].image.rgb);
    assert_non_null(strstr(scan->material[0].why, "leads out of the folder"));
    free_scan(scan);
    free(glb.bytes);
    loom_mesh_destroy(&box);
  }
}

static void cut_short_anywhere(void** state) {
  loomMesh box = {0};
  glbFile glb;
  (void)state;
  add_box(&box, low, high);
  mesh_to_glb(&glb, &box, NULL, NULL, 0, "", "");
  for (size_t n = 0; n < glb.n; n += 97) {
    const glbFile part = {glb.bytes, n};
    free_scan(read_glb(&part, LOOM_ERR_FORMAT, NULL));
  }

  free(glb.bytes);
  loom_mesh_destroy(&box);
}

static void vertices_that_are_no_numbers(void** state) {
  loomMesh box = {0};
  glbFile glb;
  (void)state;
  add_box(&box, low, high);
  box.pos[3] = NAN;
  mesh_to_glb(&glb, &box, NULL, NULL, 0, "", "");
  free_scan(
      read_glb(&glb, LOOM_ERR_FORMAT, "1 of its 8 vertices (number 1 is the first) are no finite numbers"));

  free(glb.bytes);
  loom_mesh_destroy(&box);
}

// ---- other kinds

static void expect_text(const char* name, const char* text, int wanted, const char* says, int faces) {
  loomScan* scan = calloc(1, sizeof *scan);
  loomError err = {0};
  assert_non_null(scan);
  int code = loom_scan_read_bytes(scan, text, strlen(text), name, NULL, &err);
  if (code != wanted || (says && !strstr(err.message, says))) fail_msg("%s: %d: %s", name, code, err.message);
  assert_int_equal(scan->mesh.nface, faces);

  free_scan(scan);
}

static void other_kinds(void** state) {
  (void)state;
  expect_text("a.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", 0, NULL, 1);
  expect_text("a.stl",
              "solid a\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\nendloop\n"
              "endfacet\nendsolid a\n",
              0, NULL, 1);
  expect_text("a.obj", "v 0 0 0\n", LOOM_ERR_FORMAT, NULL, 0);
  expect_text("a.obj", "", LOOM_ERR_FORMAT, "it is empty", 0);
  expect_text("a.fbx", "x", LOOM_ERR_UNSUPPORTED, "a scan is a .glb", 0);
  expect_text("a.ply", "ply\nformat ascii 1.0\nelement vertex 4000000000\nproperty float x\nend_header\n",
              LOOM_ERR_FORMAT, NULL, 0);
}

static void colors_of_vertices(void** state) {
  static const char ply[] =
      "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
      "property uchar red\nproperty uchar green\nproperty uchar blue\nelement face 1\n"
      "property list uchar int vertex_indices\nend_header\n0 0 0 255 0 0\n1 0 0 0 255 0\n0 1 0 0 0 255\n3 0 "
      "1 2\n";
  loomScan* scan = calloc(1, sizeof *scan);
  const unsigned char wanted[9] = {255, 0, 0, 0, 255, 0, 0, 0, 255};
  (void)state;
  assert_non_null(scan);
  assert_int_equal(loom_scan_read_bytes(scan, ply, sizeof ply - 1, "a.ply", NULL, NULL), 0);
  assert_non_null(scan->mesh.color);
  assert_memory_equal(scan->mesh.color, wanted, 9);

  free_scan(scan);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_textured_box),
      cmocka_unit_test(counts_beyond_the_file),
      cmocka_unit_test(paths_out_of_the_folder),
      cmocka_unit_test(cut_short_anywhere),
      cmocka_unit_test(vertices_that_are_no_numbers),
      cmocka_unit_test(other_kinds),
      cmocka_unit_test(colors_of_vertices),
  };

  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
