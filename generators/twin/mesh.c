#include "generators/twin/mesh.h"

#include <float.h>
#include <math.h>
#include <meshoptimizer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"

// ---- made and thrown away

int loom_mesh_create(loomMesh* out, int nvert, int nface, int has, loomError* err) {
  size_t v = (size_t)nvert + 1, f = (size_t)nface + 1;
  *out = (loomMesh){.nvert = nvert, .nface = nface};
  out->pos = calloc(3 * v, sizeof *out->pos);
  out->face = calloc(3 * f, sizeof *out->face);
  bool room = out->pos && out->face;

  if (has & LOOM_MESH_COORDS) room = (out->coord = calloc(2 * v, sizeof *out->coord)) && room;
  if (has & LOOM_MESH_COLORS) room = (out->color = calloc(3 * v, sizeof *out->color)) && room;
  if (has & LOOM_MESH_MATERIALS) room = (out->material = calloc(f, sizeof *out->material)) && room;
  if (room) return 0;

  loom_mesh_destroy(out);
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a mesh of %d triangles", nface);
}

int loom_mesh_copy(loomMesh* out, const loomMesh* mesh, loomError* err) {
  int has = (mesh->coord ? LOOM_MESH_COORDS : 0) | (mesh->color ? LOOM_MESH_COLORS : 0) |
            (mesh->material ? LOOM_MESH_MATERIALS : 0);
  int code = loom_mesh_create(out, mesh->nvert, mesh->nface, has, err);
  if (code) return code;
  size_t v = (size_t)mesh->nvert, f = (size_t)mesh->nface;

  memcpy(out->pos, mesh->pos, 3 * v * sizeof *out->pos);
  memcpy(out->face, mesh->face, 3 * f * sizeof *out->face);
  if (mesh->coord) memcpy(out->coord, mesh->coord, 2 * v * sizeof *out->coord);
  if (mesh->color) memcpy(out->color, mesh->color, 3 * v);
  if (mesh->material) memcpy(out->material, mesh->material, f * sizeof *out->material);
  return 0;
}

void loom_mesh_destroy(loomMesh* mesh) {
  if (!mesh) return;
  free(mesh->pos);
  free(mesh->coord);
  free(mesh->color);
  free(mesh->face);
  free(mesh->material);
  *mesh = (loomMesh){0};
}

void loom_mesh_transform(loomMesh* mesh, const double matrix[9], const double shift[3]) {
  for (int v = 0; v < mesh->nvert; v++) {
    double* p = mesh->pos + 3 * (size_t)v;
    double x = p[0], y = p[1], z = p[2];
    for (int k = 0; k < 3; k++)
      p[k] = matrix[3 * k] * x + matrix[3 * k + 1] * y + matrix[3 * k + 2] * z + shift[k];
  }
}

void loom_mesh_bounds(double low[3], double high[3], const loomMesh* mesh) {
  for (int k = 0; k < 3; k++) {
    low[k] = mesh->nvert ? DBL_MAX : 0;
    high[k] = mesh->nvert ? -DBL_MAX : 0;
  }

  for (size_t i = 0; i < 3 * (size_t)mesh->nvert; i++) {
    low[i % 3] = fmin(low[i % 3], mesh->pos[i]);
    high[i % 3] = fmax(high[i % 3], mesh->pos[i]);
  }
}

// ---- measured

void loom_face_cross(double out[3], const loomMesh* mesh, int face) {
  const int* f = mesh->face + 3 * (size_t)face;
  const double *p = mesh->pos + 3 * (size_t)f[0], *q = mesh->pos + 3 * (size_t)f[1],
               *r = mesh->pos + 3 * (size_t)f[2];
  double a[3] = {q[0] - p[0], q[1] - p[1], q[2] - p[2]}, b[3] = {r[0] - p[0], r[1] - p[1], r[2] - p[2]};

  out[0] = a[1] * b[2] - a[2] * b[1];
  out[1] = a[2] * b[0] - a[0] * b[2];
  out[2] = a[0] * b[1] - a[1] * b[0];
}

static double length3(const double v[3]) {
  return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

double loom_mesh_area(const loomMesh* mesh) {
  double area = 0, cross[3];
  for (int f = 0; f < mesh->nface; f++) {
    loom_face_cross(cross, mesh, f);
    area += length3(cross) / 2;
  }
  return area;
}

// ---- places

int* loom_mesh_places(int* places, const loomMesh* mesh) {
  size_t n = (size_t)mesh->nvert;
  unsigned int* remap = malloc((n + 1) * sizeof *remap);
  if (!remap) return NULL;

  // meshoptimizer compares bytes: a zero has no sign here.
  for (size_t i = 0; i < 3 * n; i++) mesh->pos[i] += 0.0;
  size_t count = meshopt_generateVertexRemap(remap, NULL, n, mesh->pos, n, 3 * sizeof(double));
  if (places) *places = (int)count;
  return (int*)remap;
}

int loom_mesh_weld(loomMesh* out, const loomMesh* mesh, loomError* err) {
  int count = 0, *place = loom_mesh_places(&count, mesh);
  if (!place) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a mesh");

  int code = loom_mesh_create(out, count, mesh->nface, 0, err);
  for (int v = 0; !code && v < mesh->nvert; v++)
    memcpy(out->pos + 3 * (size_t)place[v], mesh->pos + 3 * (size_t)v, 3 * sizeof(double));
  for (size_t i = 0; !code && i < 3 * (size_t)mesh->nface; i++) out->face[i] = place[mesh->face[i]];
  free(place);
  return code;
}

int loom_mesh_join(loomMesh* mesh, loomError* err) {
  size_t n = (size_t)mesh->nvert, streams = 1;
  unsigned int* remap = malloc((n + 1) * sizeof *remap);
  if (!remap) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a mesh");

  struct meshopt_Stream stream[3] = {{mesh->pos, 3 * sizeof *mesh->pos, 3 * sizeof *mesh->pos}};
  if (mesh->coord)
    stream[streams++] =
        (struct meshopt_Stream){mesh->coord, 2 * sizeof *mesh->coord, 2 * sizeof *mesh->coord};
  if (mesh->color) stream[streams++] = (struct meshopt_Stream){mesh->color, 3, 3};
  for (size_t i = 0; i < 3 * n; i++) mesh->pos[i] += 0.0;
  size_t left = meshopt_generateVertexRemapMulti(remap, (const unsigned int*)mesh->face,
                                                 3 * (size_t)mesh->nface, n, stream, streams);

  meshopt_remapVertexBuffer(mesh->pos, mesh->pos, n, 3 * sizeof *mesh->pos, remap);
  if (mesh->coord) meshopt_remapVertexBuffer(mesh->coord, mesh->coord, n, 2 * sizeof *mesh->coord, remap);
  if (mesh->color) meshopt_remapVertexBuffer(mesh->color, mesh->color, n, 3, remap);
  for (size_t i = 0; i < 3 * (size_t)mesh->nface; i++) mesh->face[i] = (int)remap[mesh->face[i]];
  mesh->nvert = (int)left;
  free(remap);
  return 0;
}

// ---- thinned out

static int drop_unused(loomMesh* mesh, loomError* err) {
  int *to = malloc(((size_t)mesh->nvert + 1) * sizeof *to), n = 0;
  if (!to) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a mesh");

  for (int v = 0; v < mesh->nvert; v++) to[v] = -1;
  for (size_t i = 0; i < 3 * (size_t)mesh->nface; i++) to[mesh->face[i]] = 0;

  // Each moves forward, none past its old place.
  for (int v = 0; v < mesh->nvert; v++) {
    if (to[v] < 0) continue;
    memmove(mesh->pos + 3 * (size_t)n, mesh->pos + 3 * (size_t)v, 3 * sizeof(double));
    if (mesh->coord) memmove(mesh->coord + 2 * (size_t)n, mesh->coord + 2 * (size_t)v, 2 * sizeof(float));
    if (mesh->color) memmove(mesh->color + 3 * (size_t)n, mesh->color + 3 * (size_t)v, 3);
    to[v] = n++;
  }

  for (size_t i = 0; i < 3 * (size_t)mesh->nface; i++) mesh->face[i] = to[mesh->face[i]];
  mesh->nvert = n;
  free(to);
  return 0;
}

int loom_mesh_keep(loomMesh* mesh, const bool* keep, loomError* err) {
  int n = 0;
  for (int f = 0; f < mesh->nface; f++) {
    if (!keep[f]) continue;
    memmove(mesh->face + 3 * (size_t)n, mesh->face + 3 * (size_t)f, 3 * sizeof(int));
    if (mesh->material) mesh->material[n] = mesh->material[f];
    n++;
  }

  mesh->nface = n;
  return drop_unused(mesh, err);
}

// A triangle by its three places in rising order.
typedef struct corners {
  int place[3], face;
} corners;

static int compare_corners(const void* a, const void* b) {
  const corners *x = a, *y = b;
  for (int k = 0; k < 3; k++)
    if (x->place[k] != y->place[k]) return x->place[k] < y->place[k] ? -1 : 1;
  return x->face < y->face ? -1 : x->face > y->face;
}

static void swap_if(int* a, int* b) {
  if (*a <= *b) return;
  int kept = *a;
  *a = *b;
  *b = kept;
}

static bool degenerate(const loomMesh* mesh, int face, const int place[3]) {
  double cross[3];
  if (place[0] == place[1] || place[1] == place[2] || place[0] == place[2]) return true;
  loom_face_cross(cross, mesh, face);
  return !(length3(cross) > 0);
}

int loom_mesh_clean(loomMesh* mesh, loomMeshReport* report, loomError* err) {
  int *place = loom_mesh_places(NULL, mesh), n = 0, code = 0;
  corners* all = malloc(((size_t)mesh->nface + 1) * sizeof *all);
  bool* keep = calloc((size_t)mesh->nface + 1, sizeof *keep);
  if (!place || !all || !keep) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a mesh");

  for (int f = 0; !code && f < mesh->nface; f++) {
    corners c = {.face = f};
    for (int k = 0; k < 3; k++) c.place[k] = place[mesh->face[3 * (size_t)f + (size_t)k]];
    keep[f] = !degenerate(mesh, f, c.place);
    report->degenerate += !keep[f];

    swap_if(&c.place[0], &c.place[1]);
    swap_if(&c.place[1], &c.place[2]);
    swap_if(&c.place[0], &c.place[1]);
    if (keep[f]) all[n++] = c;
  }

  // Alike ones stand side by side; the first of the mesh stays.
  if (!code) qsort(all, (size_t)n, sizeof *all, compare_corners);
  for (int i = 1; !code && i < n; i++) {
    if (memcmp(all[i].place, all[i - 1].place, sizeof all[i].place) != 0) continue;
    keep[all[i].face] = false;
    report->duplicate++;
  }

  if (!code) code = loom_mesh_keep(mesh, keep, err);
  free(place);
  free(all);
  free(keep);
  return code;
}

int loom_mesh_simplify(loomMesh* mesh, int faces, double error, loomError* err) {
  size_t count = 3 * (size_t)mesh->nface, n = 0;
  if (mesh->nface <= faces) return 0;

  float* pos = malloc(3 * (size_t)mesh->nvert * sizeof *pos + 1);
  unsigned int* index = malloc(count * sizeof *index);
  if (pos && index) {
    for (size_t i = 0; i < 3 * (size_t)mesh->nvert; i++) pos[i] = (float)mesh->pos[i];
    for (size_t i = 0; i < count; i++) index[i] = (unsigned int)mesh->face[i];
    n = meshopt_simplify(index, index, count, pos, (size_t)mesh->nvert, 3 * sizeof(float), 3 * (size_t)faces,
                         (float)error, 0, NULL);
    for (size_t i = 0; i < n; i++) mesh->face[i] = (int)index[i];
  }

  bool room = pos && index;
  free(pos);
  free(index);
  if (!room) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a simpler mesh");
  mesh->nface = (int)(n / 3);
  return drop_unused(mesh, err);
}

// ---- distance

static double dot3(const double a[3], const double b[3]) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static double clamp01(double x) {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}

// From w, seen from one end of an edge e, to the nearest point of the edge, squared.
static double edge_distance2(const double w[3], const double e[3]) {
  double along = dot3(e, e), t = along > 0 ? clamp01(dot3(w, e) / along) : 0, sum = 0;
  for (int k = 0; k < 3; k++) sum += (w[k] - t * e[k]) * (w[k] - t * e[k]);
  return sum;
}

// Inside the triangle's prism its plane is nearest, else one of its edges.
static double face_distance2(const loomMesh* mesh, int face, const double point[3]) {
  const int* f = mesh->face + 3 * (size_t)face;
  double normal[3], best = DBL_MAX;
  bool inside = true;
  loom_face_cross(normal, mesh, face);

  for (int k = 0; k < 3; k++) {
    const double *p = mesh->pos + 3 * (size_t)f[k], *q = mesh->pos + 3 * (size_t)f[(k + 1) % 3];
    double w[3], e[3];
    for (int i = 0; i < 3; i++) {
      w[i] = point[i] - p[i];
      e[i] = q[i] - p[i];
    }

    double side[3] = {normal[1] * e[2] - normal[2] * e[1], normal[2] * e[0] - normal[0] * e[2],
                      normal[0] * e[1] - normal[1] * e[0]};
    inside = inside && dot3(side, w) >= 0;
    best = fmin(best, edge_distance2(w, e));
    if (k == 2 && inside) best = dot3(normal, w) * dot3(normal, w) / dot3(normal, normal);
  }
  return best;
}

double loom_mesh_distance(const loomMesh* mesh, const double point[3]) {
  double best = DBL_MAX;
  for (int f = 0; f < mesh->nface; f++) best = fmin(best, face_distance2(mesh, f, point));
  return sqrt(best);
}

// The solid angle of a triangle (Van Oosterom and Strackee, 1983).
static double solid_angle(const loomMesh* mesh, int face, const double point[3]) {
  double p[3][3], length[3];
  for (int k = 0; k < 3; k++) {
    const double* at = mesh->pos + 3 * (size_t)mesh->face[3 * (size_t)face + (size_t)k];
    for (int i = 0; i < 3; i++) p[k][i] = at[i] - point[i];
    length[k] = length3(p[k]);
  }

  double det = p[0][0] * (p[1][1] * p[2][2] - p[1][2] * p[2][1]) -
               p[0][1] * (p[1][0] * p[2][2] - p[1][2] * p[2][0]) +
               p[0][2] * (p[1][0] * p[2][1] - p[1][1] * p[2][0]);
  double below = length[0] * length[1] * length[2] + dot3(p[0], p[1]) * length[2] +
                 dot3(p[1], p[2]) * length[0] + dot3(p[2], p[0]) * length[1];
  return 2 * atan2(det, below);
}

double loom_mesh_winding(const loomMesh* mesh, const double point[3]) {
  double sum = 0;
  for (int f = 0; f < mesh->nface; f++) sum += solid_angle(mesh, f, point);
  return sum / (4 * 3.14159265358979323846);
}

// ---- written

int loom_mesh_write_obj(const loomMesh* mesh, const char* path, bool exact, loomError* err) {
  loomFile file;
  int code = loom_file_begin(&file, path, err);
  if (code) return code;

  for (int v = 0; v < mesh->nvert; v++) {
    const double* p = mesh->pos + 3 * (size_t)v;
    fprintf(file.stream, exact ? "v %.17g %.17g %.17g\n" : "v %.7g %.7g %.7g\n", p[0], p[1], p[2]);
  }
  for (int v = 0; mesh->coord && v < mesh->nvert; v++) {
    const float* c = mesh->coord + 2 * (size_t)v;
    fprintf(file.stream, "vt %.6g %.6g\n", (double)c[0], (double)c[1]);
  }

  // Counted from 1.
  for (int f = 0; f < mesh->nface; f++) {
    const int* i = mesh->face + 3 * (size_t)f;
    if (mesh->coord)
      fprintf(file.stream, "f %d/%d %d/%d %d/%d\n", i[0] + 1, i[0] + 1, i[1] + 1, i[1] + 1, i[2] + 1,
              i[2] + 1);
    else
      fprintf(file.stream, "f %d %d %d\n", i[0] + 1, i[1] + 1, i[2] + 1);
  }
  return loom_file_commit(&file, err);
}
