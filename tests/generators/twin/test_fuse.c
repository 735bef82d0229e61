// Pictures with depth of a scene that is known, in both layouts, fused; and sequences that are damaged.
#include <math.h>
#include <png.h>
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
#include "engine/base/random.h"
#include "engine/draw/image.h"
#include "generators/twin/fuse.h"
#include "generators/twin/scan.h"

enum { WIDTH = 240, HEIGHT = 180, PICTURES = 24 };
static const loomPinhole camera = {210, 210, 119.5, 89.5};
static char folder[] = "/tmp/loom-fuse-XXXXXX";
static char tum[64], redwood[64];

static void must(int code, const loomError* err) {
  if (code) fail_msg("%s", err->message);
}

// ---- the scene: a floor, a box and a ball

static const double box_low[3] = {-0.15, -0.1, 0}, box_high[3] = {0.1, 0.1, 0.12},
                    ball[3] = {0.2, 0.15, 0.08}, radius = 0.08, floor_half = 0.45;

// Where a ray comes to it first, and of what color that is; infinite: nowhere.
static double cast(const double from[3], const double dir[3], unsigned char color[3]) {
  double best = INFINITY, t = -from[2] / dir[2];
  memset(color, 0, 3);
  if (t > 0 && fabs(from[0] + t * dir[0]) < floor_half && fabs(from[1] + t * dir[1]) < floor_half) {
    best = t;
    memcpy(color, (const unsigned char[]){200, 180, 160}, 3);
  }

  double enter = 0, leave = INFINITY;

  for (int k = 0; k < 3; k++) {
    double a = (box_low[k] - from[k]) / dir[k], b = (box_high[k] - from[k]) / dir[k];
    enter = fmax(enter, fmin(a, b));
    leave = fmin(leave, fmax(a, b));
  }
  if (enter < leave && enter < best) {
    best = enter;
    memcpy(color, (const unsigned char[]){200, 40, 40}, 3);
  }

  double to[3] = {from[0] - ball[0], from[1] - ball[1], from[2] - ball[2]}, aa = 0, bb = 0,
         cc = -radius * radius;
  for (int k = 0; k < 3; k++) {
    aa += dir[k] * dir[k];
    bb += to[k] * dir[k];
    cc += to[k] * to[k];
  }
  double root = bb * bb - aa * cc;
  if (root > 0 && (-bb - sqrt(root)) / aa < best && bb < 0) {
    best = (-bb - sqrt(root)) / aa;
    memcpy(color, (const unsigned char[]){40, 60, 200}, 3);
  }

  return best;
}

// How far a point is from its surface.
static double distance(const double p[3]) {
  double out[3], outside = 0, inside = -INFINITY, off = 0;
  for (int k = 0; k < 3; k++) {
    double d = fmax(box_low[k] - p[k], p[k] - box_high[k]);
    out[k] = fmax(d, 0);
    outside += out[k] * out[k];
    inside = fmax(inside, d);
    off += (p[k] - ball[k]) * (p[k] - ball[k]);
  }
  double best = fmin(outside > 0 ? sqrt(outside) : -inside, fabs(sqrt(off) - radius));

  return fmin(best, fabs(p[2]));
}

// ---- a sequence of it

static loomPose pose_of(int i) {
  double angle = 2 * 3.14159265358979 * i / PICTURES, height = i % 3 == 2 ? 0.75 : 0.4,
         away = i % 3 == 2 ? 0.35 : 0.75;
  const double at[3] = {away * cos(angle), away * sin(angle), height}, to[3] = {0, 0, 0.05};
  double z[3], x[3], y[3], length = 0, across;
  for (int k = 0; k < 3; k++) length += (to[k] - at[k]) * (to[k] - at[k]);
  for (int k = 0; k < 3; k++) z[k] = (to[k] - at[k]) / sqrt(length);
  across = sqrt(z[0] * z[0] + z[1] * z[1]);
  x[0] = z[1] / across;
  x[1] = -z[0] / across;
  x[2] = 0;
  y[0] = z[1] * x[2] - z[2] * x[1];
  y[1] = z[2] * x[0] - z[0] * x[2];
  y[2] = z[0] * x[1] - z[1] * x[0];
  const double mat[9] = {x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2]};

  return loom_pose_from_mat(at, mat);
}

static void write_depth(const char* path, const uint16_t* depth, int width) {
  png_image image = {.version = PNG_IMAGE_VERSION,
                     .width = (png_uint_32)width,
                     .height = HEIGHT,
                     .format = PNG_FORMAT_LINEAR_Y};
  assert_true(png_image_write_to_file(&image, path, 0, depth, 0, NULL));
}

static void draw_picture(int i, double noise, double scale, const char* color_path, const char* depth_path) {
  static uint16_t depth[WIDTH * HEIGHT];
  loomError err = {0};
  loomImage image;
  loomPose pose = pose_of(i);
  loomRandom random = loom_random(1, (uint64_t)i, LOOM_PURPOSE_TEST);
  must(loom_image_create(&image, WIDTH, HEIGHT, &err), &err);
  for (int v = 0; v < HEIGHT; v++)
    for (int u = 0; u < WIDTH; u++) {
      const double ray[3] = {(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, 1};
      double dir[3];
      loom_quat_rotate(dir, pose.quat, ray);
      double z = cast(pose.pos, dir, image.rgb + 3 * (v * WIDTH + u));
      if (noise > 0) z *= 1 + noise * loom_random_normal(&random);
      depth[v * WIDTH + u] = isfinite(z) ? (uint16_t)(z * scale + 0.5) : 0;
    }
  write_depth(depth_path, depth, WIDTH);
  must(loom_image_write_png(&image, color_path, &err), &err);
  loom_image_destroy(&image);
}

static void make_folders(const char* where) {
  char path[128];
  loomError err = {0};
  static const char* const parts[] = {"", "/color", "/depth", "/rgb"};
  for (int k = 0; k < 4; k++) {
    snprintf(path, sizeof path, "%s%s", where, parts[k]);
    must(loom_make_folder(path, false, &err), &err);
  }
}

static FILE* open_in(const char* where, const char* name) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", where, name);
  FILE* out = fopen(path, "w");
  assert_non_null(out);

  return out;
}

// Poses between the pictures' times, too.
static void make_tum(double noise) {
  char color[128], depth[128];
  make_folders(tum);
  FILE *rgb = open_in(tum, "rgb.txt"), *depths = open_in(tum, "depth.txt"),
       *poses = open_in(tum, "groundtruth.txt");
  fputs("# timestamp filename\n", rgb);
  for (int i = 0; i < PICTURES; i++) {
    snprintf(color, sizeof color, "%s/rgb/%02d.png", tum, i);
    snprintf(depth, sizeof depth, "%s/depth/%02d.png", tum, i);
    draw_picture(i, noise, 5000, color, depth);
    loomPose p = pose_of(i);
    fprintf(rgb, "%.4f rgb/%02d.png\n", 100 + 0.033 * i, i);
    fprintf(depths, "%.4f depth/%02d.png\n", 100 + 0.033 * i + 0.004, i);
    fprintf(poses, "%.4f %.9f %.9f %.9f %.9f %.9f %.9f %.9f\n", 100 + 0.033 * i, p.pos[0], p.pos[1], p.pos[2],
            p.quat[1], p.quat[2], p.quat[3], p.quat[0]);
  }
  fputs("103.0 rgb/none.png\n", rgb);
  fclose(rgb);
  fclose(depths);
  fclose(poses);
}

static void make_redwood(double noise) {
  char color[128], depth[128];
  make_folders(redwood);
  FILE *log = open_in(redwood, "trajectory.log"), *json = open_in(redwood, "camera_intrinsic.json");
  fprintf(json, "{\"width\": %d, \"height\": %d, \"intrinsic_matrix\": [%g, 0, 0, 0, %g, 0, %g, %g, 1]}\n",
          WIDTH, HEIGHT, camera.fx, camera.fy, camera.cx, camera.cy);
  for (int i = 0; i < PICTURES; i++) {
    snprintf(color, sizeof color, "%s/color/%05d.png", redwood, i);
    snprintf(depth, sizeof depth, "%s/depth/%05d.png", redwood, i);
    draw_picture(i, noise, 1000, color, depth);
    double m[16];
    loom_pose_to_matrix(m, pose_of(i));
    fprintf(log, "%d %d %d\n", i, i, i + 1);
    for (int k = 0; k < 4; k++)
      fprintf(log, "%.9f %.9f %.9f %.9f\n", m[4 * k], m[4 * k + 1], m[4 * k + 2], m[4 * k + 3]);
  }
  fclose(log);
  fclose(json);
}

static int make(void** state) {
  (void)state;
  if (!mkdtemp(folder)) return -1;
  snprintf(tum, sizeof tum, "%s/tum", folder);
  snprintf(redwood, sizeof redwood, "%s/redwood", folder);
  make_tum(0);
  make_redwood(0.01);

  return 0;
}

static int remove_all(void** state) {
  char line[128];
  (void)state;
  snprintf(line, sizeof line, "rm -rf %s", folder);
  return system(line);
}

// ---- fused

static loomFuseDef def_of(const char* where) {
  loomFuseDef def = loom_default_fuse_def();
  def.folder = where;
  if (where == tum) def.camera = camera;
  def.faces = 0;
  if (getenv("LOOM_QUICK")) def.voxel = 0.012;

  return def;
}

static int by_size(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

// The error that 95 of 100 vertices are below, m.
static double error_of(const loomMesh* mesh) {
  double* off = malloc((size_t)mesh->nvert * sizeof *off);
  assert_non_null(off);
  for (int v = 0; v < mesh->nvert; v++) off[v] = distance(mesh->pos + 3 * (size_t)v);
  qsort(off, (size_t)mesh->nvert, sizeof *off, by_size);
  double out = off[(int)(0.95 * mesh->nvert)];

  free(off);
  return out;
}

// And the share of the scene, of what is seen from above, that a mesh has within 5 mm.
static double covered(const loomMesh* mesh) {
  enum { N = 40 };
  static char has[N][N];
  memset(has, 0, sizeof has);
  int n = 0, all = 0;
  for (int v = 0; v < mesh->nvert; v++) {
    const double* p = mesh->pos + 3 * (size_t)v;
    int x = (int)((p[0] + 0.4) / 0.8 * N), y = (int)((p[1] + 0.4) / 0.8 * N);
    if (x >= 0 && y >= 0 && x < N && y < N && distance(p) < 0.005) has[x][y] = 1;
  }
  for (int i = 0; i < N * N; i++, all++) n += has[i / N][i % N];

  return (double)n / all;
}

static void test_exact(void** state) {
  loomError err = {0};
  loomFused out;
  const loomFuseDef def = def_of(tum);
  (void)state;
  must(loom_fuse(&out, &def, &err), &err);
  assert_string_equal(out.layout, "TUM");
  assert_int_equal(out.pictures, PICTURES);
  assert_int_equal(out.left_out, 1);
  assert_int_equal(out.warnings.n, 1);
  assert_non_null(strstr(out.warnings.name[0],
                         "of 25 pictures 1 have no depth within 0.02 s and 0 no pose; the first is line 26"));
  double off = error_of(&out.mesh), share = covered(&out.mesh);
  if (getenv("LOOM_FUSE_TELL"))
    printf("TUM: %.2f mm, %.3f covered, %d triangles, %d blocks, %.1f MB\n", 1000 * off, share, out.triangles,
           out.blocks, out.memory_mb);
  assert_true(off < (getenv("LOOM_QUICK") ? 0.012 : 0.005));
  assert_true(share > (getenv("LOOM_QUICK") ? 0.6 : 0.98));

  // Its colors, and outward: the ball's top is blue and looks up.
  int blue = 0;

  for (int f = 0; f < out.mesh.nface; f++) {
    const int* v = out.mesh.face + 3 * (size_t)f;
    const double* p = out.mesh.pos + 3 * (size_t)v[0];
    double cross[3];
    if (hypot(p[0] - ball[0], p[1] - ball[1]) > 0.02 || p[2] < 0.13) continue;
    loom_face_cross(cross, &out.mesh, f);
    assert_true(cross[2] >= 0);
    assert_true(out.mesh.color[3 * v[0] + 2] > 150 && out.mesh.color[3 * v[0]] < 80);
    blue++;
  }
  assert_true(blue > 5);
  loom_fused_destroy(&out);
}

static void test_noise(void** state) {
  loomError err = {0};
  loomFused out;
  const loomFuseDef def = def_of(redwood);
  (void)state;
  must(loom_fuse(&out, &def, &err), &err);
  assert_string_equal(out.layout, "Redwood");
  assert_true(out.camera.fx == camera.fx && out.camera.cy == camera.cy);
  double off = error_of(&out.mesh), share = covered(&out.mesh);
  if (getenv("LOOM_FUSE_TELL")) printf("Redwood, 1 %% noise: %.2f mm, %.3f covered\n", 1000 * off, share);
  assert_true(off < (getenv("LOOM_QUICK") ? 0.02 : 0.01));
  assert_true(share > (getenv("LOOM_QUICK") ? 0.4 : 0.95));
  loom_fused_destroy(&out);
}

// The same bytes on any number of threads, in both kinds of files, which are read as scans.
static void test_files(void** state) {
  char path[2][128], *bytes[2];
  size_t n[2];
  loomError err = {0};
  loomFused out;
  loomFuseDef def = def_of(tum);
  (void)state;
  def.voxel = 0.012;

  for (int kind = 0; kind < 2; kind++) {
    for (int i = 0; i < 2; i++) {
      def.threads = i ? 3 : 1;
      must(loom_fuse(&out, &def, &err), &err);
      snprintf(path[i], sizeof path[i], "%s/mesh%d.%s", folder, i, kind ? "glb" : "ply");
      must(loom_mesh_write_colored(&out.mesh, path[i], &err), &err);
      must(loom_read_text(&bytes[i], &n[i], path[i], 1 << 28, &err), &err);
      if (!i) loom_fused_destroy(&out);
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
    free(bytes[0]);
    free(bytes[1]);

    loomScan scan;
    must(loom_scan_read(&scan, path[0], NULL, &err), &err);
    assert_int_equal(scan.mesh.nface, out.mesh.nface);
    double low[3], high[3];
    loom_mesh_bounds(low, high, &scan.mesh);
    int up = kind ? 1 : 2;
    assert_true(fabs(high[up] - out.high[2]) < 1e-4 && fabs(low[up] - out.low[2]) < 1e-4);
    assert_true(scan.mesh.color || scan.nmaterial > 0);
    loom_scan_destroy(&scan);
    loom_fused_destroy(&out);
  }
  assert_int_equal(loom_mesh_write_colored(&out.mesh, "x.stl", &err), LOOM_ERR_USAGE);
}

// ---- damaged

static void refuses(const loomFuseDef* def, int code, const char* words) {
  loomFused out;
  loomError err = {0};
  assert_int_equal(loom_fuse(&out, def, &err), code);
  if (!strstr(err.message, words)) fail_msg("'%s' does not say '%s'", err.message, words);
}

// A file in place of one of the sequence, and that again.
static void with_file(const char* where, const char* name, const void* bytes, size_t n, int code,
                      const char* words) {
  char path[160], *kept;
  size_t size;
  loomError err = {0};
  loomFuseDef def = def_of(where);
  def.voxel = 0.02;
  snprintf(path, sizeof path, "%s/%s", where, name);
  must(loom_read_text(&kept, &size, path, 1 << 26, &err), &err);
  if (bytes)
    must(loom_file_write(path, bytes, n, &err), &err);
  else
    unlink(path);
  refuses(&def, code, words);
  must(loom_file_write(path, kept, size, &err), &err);

  free(kept);
}

static void with_text(const char* where, const char* name, const char* text, int code, const char* words) {
  with_file(where, name, text, text ? strlen(text) : 0, code, words);
}

static void test_damaged(void** state) {
  char path[160], *bytes;
  size_t n;
  loomError err = {0};
  (void)state;
  loomFuseDef def = def_of(tum);
  def.camera.fx = 0;
  refuses(&def, LOOM_ERR_USAGE, "give --camera FX,FY,CX,CY");
  def = def_of("/nowhere");
  refuses(&def, LOOM_ERR_USAGE, "/nowhere: no such folder");
  def = def_of(folder);
  refuses(&def, LOOM_ERR_USAGE, "neither TUM's layout");
  def = def_of(tum);
  def.memory_mb = 1;
  refuses(&def, LOOM_ERR_MEMORY, "give a larger --voxel");
  def = def_of(tum);
  def.depth_scale = 1e6;
  refuses(&def, LOOM_ERR_FORMAT, "is the depth scale right");

  with_text(tum, "rgb/00.png", NULL, LOOM_ERR_IO, "rgb/00.png");
  with_text(tum, "depth/00.png", NULL, LOOM_ERR_IO, "depth/00.png");
  with_text(tum, "depth/00.png", "no picture", LOOM_ERR_FORMAT, "depth/00.png: it is no PNG");
  with_text(tum, "depth.txt", NULL, LOOM_ERR_IO, "depth.txt");
  with_text(tum, "depth.txt", "# nothing\n", LOOM_ERR_FORMAT, "depth.txt: it lists nothing");
  with_text(tum, "rgb.txt", "100 ../../etc/x.png\n", LOOM_ERR_FORMAT,
            "rgb.txt:1: a file outside of the folder");
  with_text(tum, "rgb.txt", "101 rgb/00.png\n100 rgb/01.png\n", LOOM_ERR_FORMAT,
            "rgb.txt:2: its time is before");
  with_text(tum, "rgb.txt", "900 rgb/00.png\n", LOOM_ERR_FORMAT, "no picture has a depth and a pose");
  with_text(tum, "groundtruth.txt", "# t\n100 0 0 nan 0 0 0 1\n", LOOM_ERR_FORMAT,
            "groundtruth.txt:2: expected a time");
  with_text(tum, "groundtruth.txt", "100 0 0 0 0 0 0 0\n", LOOM_ERR_FORMAT, "a unit quaternion");
  with_text(redwood, "trajectory.log", "0 0 1\n1 0 0 nan\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", LOOM_ERR_FORMAT,
            "trajectory.log: pose number 0");
  with_text(redwood, "camera_intrinsic.json", "{\"intrinsic_matrix\": [1, 2]}", LOOM_ERR_FORMAT,
            "expected intrinsic_matrix");
  with_text(redwood, "color/00003.png", NULL, LOOM_ERR_FORMAT, "23 pictures in color and 24 in depth");

  // Cut short; of another size; colors where depths should be.
  snprintf(path, sizeof path, "%s/depth/01.png", tum);
  must(loom_read_text(&bytes, &n, path, 1 << 26, &err), &err);
  with_file(tum, "depth/01.png", bytes, n / 2, LOOM_ERR_FORMAT, "depth/01.png: it is cut short");

  free(bytes);
  uint16_t* few = calloc(100 * HEIGHT, sizeof *few);
  snprintf(path, sizeof path, "%s/few.png", folder);
  write_depth(path, few, 100);

  free(few);
  must(loom_read_text(&bytes, &n, path, 1 << 26, &err), &err);
  with_file(tum, "depth/02.png", bytes, n, LOOM_ERR_FORMAT, "but ");

  free(bytes);
  snprintf(path, sizeof path, "%s/rgb/02.png", tum);
  must(loom_read_text(&bytes, &n, path, 1 << 26, &err), &err);
  with_file(tum, "depth/02.png", bytes, n, LOOM_ERR_FORMAT, "depths are gray pictures of 16 bits");

  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_exact),
      cmocka_unit_test(test_noise),
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_damaged),
  };

  return cmocka_run_group_tests(tests, make, remove_all);
}
