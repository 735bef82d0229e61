#include "generators/twin/shape.h"

#include <float.h>
#include <math.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

void loom_shape_destroy(loomShape* shape) {
  if (shape) loom_mesh_destroy(&shape->hull);
}

double loom_shape_volume(const loomShape* shape) {
  const double* s = shape->size;
  if (shape->type == LOOM_SHAPE_BOX) return 8 * s[0] * s[1] * s[2];
  if (shape->type == LOOM_SHAPE_CYLINDER) return 2 * mjPI * s[0] * s[0] * s[1];
  return loom_mesh_solid(&shape->hull).volume;
}

loomSolid loom_shape_solid(const loomShape* shape) {
  if (shape->type == LOOM_SHAPE_HULL) return loom_mesh_solid(&shape->hull);
  const double* s = shape->size;
  loomSolid out = {.volume = loom_shape_volume(shape)};
  memcpy(out.center, shape->pos, sizeof out.center);

  // In its own axes, then in the object's.
  double v = out.volume, r = s[0], l = s[1], own[9] = {0}, turn[9], half[9];
  if (shape->type == LOOM_SHAPE_BOX) {
    own[0] = v / 3 * (s[1] * s[1] + s[2] * s[2]);
    own[4] = v / 3 * (s[0] * s[0] + s[2] * s[2]);
    own[8] = v / 3 * (s[0] * s[0] + s[1] * s[1]);
  } else {
    own[0] = own[4] = v * (r * r / 4 + l * l / 3);
    own[8] = v * r * r / 2;
  }
  mju_quat2Mat(turn, shape->quat);
  mju_mulMatMat(half, turn, own, 3, 3, 3);
  mju_mulMatMatT(out.inertia, half, turn, 3, 3, 3);
  return out;
}

// ---- how far outside

static double outside_hull(const loomMesh* hull, const double point[3]) {
  double most = -DBL_MAX;
  for (int f = 0; f < hull->nface; f++) {
    double normal[3], off[3];
    loom_face_cross(normal, hull, f);
    if (mju_normalize3(normal) == 0) continue;
    mju_sub3(off, point, hull->pos + 3 * (size_t)hull->face[3 * (size_t)f]);
    most = fmax(most, mju_dot3(normal, off));
  }

  return most > 0 ? loom_mesh_distance(hull, point) : most;
}

// Of something whose excess over the sides is d (n).
static double outside_sides(const double* d, int n) {
  double most = -DBL_MAX, sum = 0;
  for (int i = 0; i < n; i++) {
    most = fmax(most, d[i]);
    if (d[i] > 0) sum += d[i] * d[i];
  }

  return most > 0 ? sqrt(sum) : most;
}

double loom_shape_outside(const loomShape* shape, const double point[3]) {
  double off[3], in[3], back[4];
  if (shape->type == LOOM_SHAPE_HULL) return outside_hull(&shape->hull, point);

  mju_sub3(off, point, shape->pos);
  mju_negQuat(back, shape->quat);
  mju_rotVecQuat(in, off, back);
  if (shape->type == LOOM_SHAPE_CYLINDER) {
    double d[2] = {hypot(in[0], in[1]) - shape->size[0], fabs(in[2]) - shape->size[1]};
    return outside_sides(d, 2);
  }

  double d[3];
  for (int k = 0; k < 3; k++) d[k] = fabs(in[k]) - shape->size[k];

  return outside_sides(d, 3);
}

// ---- outlines

static int compare_points(const void* a, const void* b) {
  const double *x = a, *y = b;
  for (int k = 0; k < 2; k++)
    if (x[k] != y[k]) return x[k] < y[k] ? -1 : 1;
  return 0;
}

static double turn_of(const double* a, const double* b, const double* c) {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

// Convex hull of n sorted points (Andrew's monotone chain, 1979), counterclockwise, into out (2n x 2).
static int chain(double* out, const double* point, int n) {
  int k = 0;
  for (int pass = 0; pass < 2; pass++) {
    int from = k;
    for (int i = 0; i < n; i++) {
      const double* p = point + 2 * (size_t)(pass ? n - 1 - i : i);
      while (k >= from + 2 && turn_of(out + 2 * (size_t)(k - 2), out + 2 * (size_t)(k - 1), p) <= 0) k--;
      memcpy(out + 2 * (size_t)k++, p, 2 * sizeof *p);
    }
    k--;  // the next pass begins with it
  }

  return k;
}

int loom_outline_of(double** outline, int* n, const loomMesh* mesh, const int* part, int which,
                    loomError* err) {
  size_t most = 3 * (size_t)mesh->nface + 1, count = 0;
  double *point = malloc(2 * most * sizeof *point), *out = malloc(4 * most * sizeof *out);
  *outline = NULL;
  *n = 0;
  if (!point || !out) {
    free(point);
    free(out);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an outline");
  }

  for (size_t i = 0; i < 3 * (size_t)mesh->nface; i++) {
    if (part && part[i / 3] != which) continue;
    memcpy(point + 2 * count++, mesh->pos + 3 * (size_t)mesh->face[i], 2 * sizeof *point);
  }
  qsort(point, count, 2 * sizeof *point, compare_points);
  *n = count > 2 ? chain(out, point, (int)count) : 0;
  free(point);
  *outline = out;

  return 0;
}

double loom_outline_area(const double* outline, int n) {
  double area = 0;
  for (int i = 0; i < n; i++) {
    const double *a = outline + 2 * (size_t)i, *b = outline + 2 * (size_t)((i + 1) % n);
    area += (a[0] * b[1] - a[1] * b[0]) / 2;
  }

  return area;
}

// ---- boxes and cylinders on outlines

// The smallest rectangle around it has a side along one of its edges.
static double smallest_rectangle(double center[2], double half[2], double* yaw, const double* outline,
                                 int n) {
  double best = DBL_MAX;
  for (int e = 0; e < n; e++) {
    const double *a = outline + 2 * (size_t)e, *b = outline + 2 * (size_t)((e + 1) % n);
    double angle = atan2(b[1] - a[1], b[0] - a[0]), c = cos(angle), s = sin(angle);
    double low[2] = {DBL_MAX, DBL_MAX}, high[2] = {-DBL_MAX, -DBL_MAX};

    for (int i = 0; i < n; i++) {
      const double* p = outline + 2 * (size_t)i;
      double at[2] = {c * p[0] + s * p[1], -s * p[0] + c * p[1]};
      for (int k = 0; k < 2; k++) {
        low[k] = fmin(low[k], at[k]);
        high[k] = fmax(high[k], at[k]);
      }
    }

    double area = (high[0] - low[0]) * (high[1] - low[1]);
    if (area >= best) continue;
    best = area;
    *yaw = angle;
    double mid[2] = {(low[0] + high[0]) / 2, (low[1] + high[1]) / 2};
    center[0] = c * mid[0] - s * mid[1];
    center[1] = s * mid[0] + c * mid[1];
    for (int k = 0; k < 2; k++) half[k] = (high[k] - low[k]) / 2;
  }

  return best;
}

// A circle of its area about its centroid, and how much its corners are off that, as a share of the radius.
static double circle_of(double center[2], double* radius, const double* outline, int n) {
  double area = loom_outline_area(outline, n), off = 0;
  center[0] = center[1] = 0;
  for (int i = 0; i < n; i++) {
    const double *a = outline + 2 * (size_t)i, *b = outline + 2 * (size_t)((i + 1) % n);
    double cross = a[0] * b[1] - a[1] * b[0];
    for (int k = 0; k < 2; k++) center[k] += (a[k] + b[k]) * cross / (6 * area);
  }

  *radius = sqrt(area / mjPI);
  for (int i = 0; i < n; i++)
    off = fmax(off, fabs(hypot(outline[2 * (size_t)i] - center[0], outline[2 * (size_t)i + 1] - center[1]) -
                         *radius));

  return off / *radius;
}

static void fit_box(loomShape* out, const double* outline, int n, double low, double high) {
  double yaw = 0;
  *out = (loomShape){.type = LOOM_SHAPE_BOX};
  smallest_rectangle(out->pos, out->size, &yaw, outline, n);
  out->quat[0] = cos(yaw / 2);
  out->quat[3] = sin(yaw / 2);
  out->pos[2] = (low + high) / 2;
  out->size[2] = (high - low) / 2;
}

static double fit_cylinder(loomShape* out, const double* outline, int n, double low, double high) {
  *out = (loomShape){.type = LOOM_SHAPE_CYLINDER, .quat = {1, 0, 0, 0}};
  double off = circle_of(out->pos, &out->size[0], outline, n);
  out->pos[2] = (low + high) / 2;
  out->size[1] = (high - low) / 2;

  return off;
}

static int make_prism(loomMesh* out, const double* outline, int n, double low, double high, loomError* err) {
  int code = loom_mesh_create(out, 2 * n, 4 * n - 4, 0, err), f = 0;
  if (code) return code;

  for (int i = 0; i < 2 * n; i++) {
    memcpy(out->pos + 3 * (size_t)i, outline + 2 * (size_t)(i % n), 2 * sizeof(double));
    out->pos[3 * (size_t)i + 2] = i < n ? low : high;
  }

  // Sides, then both ends as fans.
  for (int i = 0; i < n; i++) {
    int j = (i + 1) % n, side[6] = {i, j, n + j, i, n + j, n + i};
    memcpy(out->face + 3 * (size_t)f, side, sizeof side);
    f += 2;
  }
  for (int i = 1; i + 1 < n; i++) {
    int ends[6] = {0, i + 1, i, n, n + i, n + i + 1};
    memcpy(out->face + 3 * (size_t)f, ends, sizeof ends);
    f += 2;
  }

  return 0;
}

int loom_shape_prism(loomShape* out, const double* outline, int n, double low, double high, loomError* err) {
  double area = loom_outline_area(outline, n);
  if (fit_cylinder(out, outline, n, low, high) < 0.06) return 0;
  fit_box(out, outline, n, low, high);
  if (area > 0.92 * 4 * out->size[0] * out->size[1]) return 0;

  *out = (loomShape){.type = LOOM_SHAPE_HULL, .quat = {1, 0, 0, 0}};

  return make_prism(&out->hull, outline, n, low, high, err);
}

// ---- fitted

// Is the mesh's surface the shape's?
static bool agrees(const loomShape* shape, const loomMesh* mesh, double volume, double share, double away) {
  if (fabs(loom_shape_volume(shape) - volume) > share * volume) return false;
  for (int v = 0; v < mesh->nvert; v++)
    if (fabs(loom_shape_outside(shape, mesh->pos + 3 * (size_t)v)) > away) return false;
  return true;
}

int loom_shape_fit(loomShape* out, bool* fits, const loomMesh* mesh, double share, double away,
                   loomError* err) {
  double low[3], high[3], *outline, volume = loom_mesh_solid(mesh).volume;
  int n, code = loom_outline_of(&outline, &n, mesh, NULL, 0, err);
  *fits = false;
  if (code || n < 3 || !(volume > 0)) {
    free(outline);
    return code;
  }

  loom_mesh_bounds(low, high, mesh);
  fit_box(out, outline, n, low[2], high[2]);
  *fits = agrees(out, mesh, volume, share, away);
  if (!*fits) {
    fit_cylinder(out, outline, n, low[2], high[2]);
    *fits = agrees(out, mesh, volume, share, away);
  }

  free(outline);
  return 0;
}
