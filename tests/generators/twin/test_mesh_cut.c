// Meshes cut by planes and boxes: nothing is lost, both halves are closed, textures stay where they were.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/generators/twin/glb.h"

static double volume_of(const loomMesh* mesh) {
  return loom_mesh_solid(mesh).volume;
}

// A ball, turned and off the middle, so that no vertex lies on a plane of a box.
static void make_ball(loomMesh* out, double radius, int n) {
  if (loom_mesh_create(out, n * (n - 1) + 2, 2 * n * (n - 1), 0, NULL)) abort();
  out->nface = 0;

  for (int j = 1; j < n; j++)
    for (int i = 0; i < n; i++) {
      double a = 2 * 3.14159265358979323846 * i / n + 0.1, b = 3.14159265358979323846 * j / n;
      const double p[3] = {radius * sin(b) * cos(a), radius * sin(b) * sin(a), radius * cos(b)};
      memcpy(out->pos + 3 * (size_t)((j - 1) * n + i), p, sizeof p);
    }
  int top = n * (n - 1), bottom = top + 1;
  out->pos[3 * (size_t)top + 2] = radius;
  out->pos[3 * (size_t)bottom + 2] = -radius;

  for (int i = 0; i < n; i++) {
    int k = (i + 1) % n;
    int* f = out->face + 3 * (size_t)out->nface;
    const int ends[6] = {top, i, k, bottom, (n - 2) * n + k, (n - 2) * n + i};
    memcpy(f, ends, sizeof ends);
    out->nface += 2;
    for (int j = 0; j + 2 < n; j++) {
      int a = j * n + i, b = j * n + k;
      const int quad[6] = {a, a + n, b, b, a + n, b + n};
      memcpy(out->face + 3 * (size_t)out->nface, quad, sizeof quad);
      out->nface += 2;
    }
  }
}

// A tube: a cylinder with a bore, whose sections have holes.
static void make_tube(loomMesh* out, double outer, double inner, double height, int n) {
  if (loom_mesh_create(out, 4 * n, 8 * n, 0, NULL)) abort();

  for (int i = 0; i < 4 * n; i++) {
    double a = 2 * 3.14159265358979323846 * (i % n) / n, r = i / n % 2 ? inner : outer;
    const double p[3] = {r * cos(a), r * sin(a), i / n / 2 ? height : 0};
    memcpy(out->pos + 3 * (size_t)i, p, sizeof p);
  }

  for (int i = 0; i < n; i++) {
    int k = (i + 1) % n, o = 0, b = n, O = 2 * n, B = 3 * n;
    const int f[24] = {o + i, o + k, O + k, o + i, O + k, O + i, b + k, b + i, B + i, b + k, B + i, B + k,
                       O + i, O + k, B + k, O + i, B + k, B + i, o + k, o + i, b + i, o + k, b + i, b + k};
    memcpy(out->face + 24 * (size_t)i, f, sizeof f);
  }
}

static void cut_and_look(const loomMesh* mesh, const loomPlane* plane) {
  loomMesh half[2];
  loomError err = {0};
  double whole = volume_of(mesh), sum = 0;

  if (loom_mesh_cut(&half[0], &half[1], mesh, plane, &err)) fail_msg("%s", err.message);

  for (int s = 0; s < 2; s++) {
    assert_int_equal(loom_mesh_open_edges(&half[s]), 0);
    assert_true(volume_of(&half[s]) >= -1e-12);
    sum += volume_of(&half[s]);
    for (int v = 0; v < half[s].nvert; v++) {
      const double* p = half[s].pos + 3 * (size_t)v;
      double away = plane->normal[0] * p[0] + plane->normal[1] * p[1] + plane->normal[2] * p[2] - plane->at;
      assert_true(s ? away >= -1e-9 : away <= 1e-9);
    }
    loom_mesh_destroy(&half[s]);
  }
  assert_near(sum, whole, 1e-6 * whole);
}

static loomPlane plane_of(double x, double y, double z, double at) {
  double n = sqrt(x * x + y * y + z * z);
  return (loomPlane){{x / n, y / n, z / n}, at};
}

static void halves_are_closed_and_nothing_is_lost(void** state) {
  const double low[3] = {-1, -1, -1}, high[3] = {1, 1, 1};
  loomMesh shape[4] = {{0}};
  (void)state;
  add_box(&shape[0], low, high);
  make_ball(&shape[1], 1, 24);
  make_tube(&shape[2], 1, 0.8, 1, 30);
  make_tube(&shape[3], 1, 0.5, 1, 5);

  // Slanted ones; through vertices and along faces; besides all of it.
  for (int i = 0; i < 4; i++) {
    for (int k = 0; k < 40; k++) {
      loomPlane p = plane_of(sin(k * 1.3), cos(k * 0.7), sin(k * 2.1 + 1), 0.3 * sin(k * 3.7));
      cut_and_look(&shape[i], &p);
    }
    const loomPlane odd[] = {{{0, 0, 1}, 0.5}, {{0, 0, 1}, 1}, {{0, 0, 1}, -1},
                             {{1, 0, 0}, 0},   {{0, 1, 0}, 0}, {{0, 0, 1}, 0},
                             {{0, 0, 1}, 5},   {{1, 0, 0}, 1}, {{1, 0, 0}, 0.75}};
    for (size_t k = 0; k < sizeof odd / sizeof *odd; k++) cut_and_look(&shape[i], &odd[k]);
    loom_mesh_destroy(&shape[i]);
  }
}

// The section of a tube is a ring: what closes it leaves the bore open.
static void caps_leave_holes_open(void** state) {
  loomMesh tube, half[2];
  loomPlane plane = {{0, 0, 1}, 0.5};
  (void)state;
  make_tube(&tube, 1, 0.8, 1, 60);
  assert_int_equal(loom_mesh_cut(&half[0], &half[1], &tube, &plane, NULL), 0);
  double area = 0, ring = 30 * sin(2 * 3.14159265358979323846 / 60) * (1 - 0.64);

  for (int f = 0; f < half[0].nface; f++) {
    double cross[3], z = 0;
    for (int k = 0; k < 3; k++) z += half[0].pos[3 * (size_t)half[0].face[3 * f + k] + 2];
    loom_face_cross(cross, &half[0], f);
    if (fabs(z - 1.5) > 1e-9) continue;
    assert_true(cross[2] >= 0);
    area += cross[2] / 2;
  }
  assert_near(area, ring, 1e-9);
  for (int s = 0; s < 2; s++) loom_mesh_destroy(&half[s]);
  loom_mesh_destroy(&tube);
}

// A square in the x-y plane whose texture coordinates are its own: so they stay, wherever it is cut.
static void textures_stay(void** state) {
  loomMesh sheet, half[2];
  const double corner[4][2] = {{0, 0}, {1, 0}, {1, 1}, {0, 1}};
  (void)state;
  assert_int_equal(
      loom_mesh_create(&sheet, 4, 2, LOOM_MESH_COORDS | LOOM_MESH_COLORS | LOOM_MESH_MATERIALS, NULL), 0);
  for (int v = 0; v < 4; v++) {
    for (int k = 0; k < 2; k++) {
      sheet.pos[3 * v + k] = corner[v][k];
      sheet.coord[2 * v + k] = (float)(0.25 + 0.5 * corner[v][k]);
    }
    sheet.color[3 * v] = (unsigned char)(200 * corner[v][0]);
  }
  const int face[6] = {0, 1, 2, 0, 2, 3};
  memcpy(sheet.face, face, sizeof face);
  sheet.material[0] = 3;
  sheet.material[1] = 7;

  loomPlane plane = plane_of(2, 1, 0, 1.1);
  assert_int_equal(loom_mesh_cut(&half[0], &half[1], &sheet, &plane, NULL), 0);
  double area[8] = {0};

  for (int s = 0; s < 2; s++) {
    for (int v = 0; v < half[s].nvert; v++) {
      for (int k = 0; k < 2; k++)
        assert_near(half[s].coord[2 * v + k], 0.25 + 0.5 * half[s].pos[3 * v + k], 1e-7);
      assert_near(half[s].color[3 * v], 200 * half[s].pos[3 * v], 0.51);
    }
    for (int f = 0; f < half[s].nface; f++) {
      double cross[3];
      loom_face_cross(cross, &half[s], f);
      assert_in_range(half[s].material[f], 3, 7);
      area[half[s].material[f]] += cross[2] / 2;
    }
    loom_mesh_destroy(&half[s]);
  }
  assert_near(area[3], 0.5, 1e-12);
  assert_near(area[7], 0.5, 1e-12);
  loom_mesh_destroy(&sheet);
}

static void boxes_take_out_what_is_in_them(void** state) {
  loomMesh ball, in, off[LOOM_BOX_SIDES];
  const loomCutBox box = {{-0.3, -2, 0.1}, {0.4, 0.2, 0.5}, 0.3};
  (void)state;
  make_ball(&ball, 1, 32);
  assert_int_equal(loom_mesh_cut_box(&in, off, &ball, &box, NULL), 0);
  double sum = volume_of(&in);
  assert_int_equal(loom_mesh_open_edges(&in), 0);

  // Each piece lies before the plane that cuts it off.
  for (int s = 0; s < LOOM_BOX_SIDES; s++) {
    loomPlane p = loom_cut_box_side(&box, s);
    assert_int_equal(loom_mesh_open_edges(&off[s]), 0);
    sum += volume_of(&off[s]);
    for (int v = 0; v < off[s].nvert; v++) {
      const double* at = off[s].pos + 3 * (size_t)v;
      assert_true(p.normal[0] * at[0] + p.normal[1] * at[1] + p.normal[2] * at[2] >= p.at - 1e-12);
    }
    loom_mesh_destroy(&off[s]);
  }
  assert_near(sum, volume_of(&ball), 1e-6 * volume_of(&ball));
  assert_true(volume_of(&in) > 0.2);
  loom_mesh_destroy(&in);
  loom_mesh_destroy(&ball);
}

// Cut again and again, as scripts do.
static void cuts_of_cuts_are_closed(void** state) {
  loomMesh mesh, half[2];
  (void)state;
  make_tube(&mesh, 1, 0.6, 1, 24);
  double whole = volume_of(&mesh), gone = 0;

  for (int k = 0; k < 12; k++) {
    loomPlane p = plane_of(sin(k * 1.9), cos(k * 2.3), sin(k * 0.9 + 1), 0.75);
    assert_int_equal(loom_mesh_cut(&half[0], &half[1], &mesh, &p, NULL), 0);
    assert_int_equal(loom_mesh_open_edges(&half[0]), 0);
    gone += volume_of(&half[1]);
    loom_mesh_destroy(&half[1]);
    loom_mesh_destroy(&mesh);
    mesh = half[0];
  }
  assert_near(volume_of(&mesh) + gone, whole, 1e-6 * whole);
  loom_mesh_destroy(&mesh);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(halves_are_closed_and_nothing_is_lost),
      cmocka_unit_test(caps_leave_holes_open),
      cmocka_unit_test(textures_stay),
      cmocka_unit_test(boxes_take_out_what_is_in_them),
      cmocka_unit_test(cuts_of_cuts_are_closed),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
