#include "generators/twin/level.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"
#include "generators/twin/shape.h"

enum { TRIES = 200, REFINED = 3, BINS = 1024 };

// A triangle by its middle, its normal and its area.
typedef struct facet {
  double middle[3], normal[3], area;
} facet;

static facet* list_facets(const loomMesh* mesh) {
  facet* list = malloc(((size_t)mesh->nface + 1) * sizeof *list);
  for (int f = 0; list && f < mesh->nface; f++) {
    const int* i = mesh->face + 3 * (size_t)f;
    facet* to = &list[f];
    loom_face_cross(to->normal, mesh, f);
    double length = mju_normalize3(to->normal);
    to->area = length / 2;
    for (int k = 0; k < 3; k++)
      to->middle[k] = (mesh->pos[3 * (size_t)i[0] + (size_t)k] + mesh->pos[3 * (size_t)i[1] + (size_t)k] +
                       mesh->pos[3 * (size_t)i[2] + (size_t)k]) /
                      3;
  }
  return list;
}

// ---- the floor

static bool in_floor(const loomFloor* floor, const facet* f) {
  return mju_dot3(f->normal, floor->normal) > 0.94 &&  // 20 degrees
         fabs(mju_dot3(f->middle, floor->normal) - floor->offset) < floor->within;
}

// The plane through three middles of triangles that face up; false where it does not.
static bool draw_plane(loomFloor* floor, const facet* list, const int* up, int n, loomRandom* random) {
  const facet* at[3];
  double a[3], b[3];
  for (int k = 0; k < 3; k++) at[k] = &list[up[loom_random_index(random, n)]];

  mju_sub3(a, at[1]->middle, at[0]->middle);
  mju_sub3(b, at[2]->middle, at[0]->middle);
  mju_cross(floor->normal, a, b);
  if (mju_normalize3(floor->normal) < 1e-12) return false;
  if (floor->normal[2] < 0) mju_scl3(floor->normal, floor->normal, -1);
  floor->offset = mju_dot3(floor->normal, at[0]->middle);
  return floor->normal[2] > 0.9;
}

// Its area, or 0 where it is no floor: something hangs below it, or it has an underside.
static double floor_area(const loomFloor* floor, const facet* list, int n, double all) {
  double in = 0, below = 0, under = 0;
  for (int i = 0; i < n; i++) {
    double off = mju_dot3(list[i].middle, floor->normal) - floor->offset;
    bool down = mju_dot3(list[i].normal, floor->normal) < -0.94;
    if (in_floor(floor, &list[i])) in += list[i].area;
    if (off < -2 * floor->within) below += list[i].area;
    if (down && off < 0 && off > -2 * floor->within) under += list[i].area;
  }
  return below > 0.02 * all || under > 0.2 * in ? 0 : in;
}

// The plane of least squares through the triangles that are in it, by their areas.
static void refine_plane(loomFloor* floor, const facet* list, int n) {
  double middle[3] = {0}, spread[9] = {0}, weight = 0, values[3], axes[9], quat[4];
  for (int i = 0; i < n; i++) {
    if (!in_floor(floor, &list[i])) continue;
    weight += list[i].area;
    mju_addToScl3(middle, list[i].middle, list[i].area);
  }
  if (!(weight > 0)) return;
  mju_scl3(middle, middle, 1 / weight);

  for (int i = 0; i < n; i++) {
    if (!in_floor(floor, &list[i])) continue;
    double off[3];
    mju_sub3(off, list[i].middle, middle);
    for (int k = 0; k < 9; k++) spread[k] += list[i].area / weight * off[k / 3] * off[k % 3];
  }

  // Eigenvalues fall: the last axis is the one across the plane.
  mju_eig3(values, axes, quat, spread);
  for (int k = 0; k < 3; k++) floor->normal[k] = axes[3 * k + 2];
  if (floor->normal[2] < 0) mju_scl3(floor->normal, floor->normal, -1);
  floor->offset = mju_dot3(floor->normal, middle);
  floor->area = weight;
  floor->rms = sqrt(fmax(values[2], 0));
  floor->tilt = acos(fmin(floor->normal[2], 1));
}

int loom_floor_find(loomFloor* out, const loomMesh* mesh, loomError* err) {
  double low[3], high[3], up_area = 0, all = 0, best = 0;
  *out = (loomFloor){.normal = {0, 0, 1}};
  facet* list = list_facets(mesh);
  int *up = malloc(((size_t)mesh->nface + 1) * sizeof *up), n = 0;
  if (!list || !up) {
    free(list);
    free(up);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a floor");
  }

  for (int f = 0; f < mesh->nface; f++) {
    all += list[f].area;
    if (list[f].normal[2] < 0.9) continue;
    up[n++] = f;
    up_area += list[f].area;
  }

  // 1 % of its size, from 2 to 15 mm.
  loom_mesh_bounds(low, high, mesh);
  double size = hypot(hypot(high[0] - low[0], high[1] - low[1]), high[2] - low[2]);
  loomFloor tried = {.within = fmin(fmax(0.01 * size, 0.002), 0.015)};
  loomRandom random = loom_random(0, 0, LOOM_PURPOSE_SCAN);
  for (int i = 0; n && i < TRIES; i++) {
    double area = draw_plane(&tried, list, up, n, &random) ? floor_area(&tried, list, mesh->nface, all) : 0;
    if (area <= best) continue;
    best = area;
    *out = tried;
  }

  // A floor is much of what is seen from above; a shelf's bottom is not.
  out->found = best > 0.1 * up_area && best > 0;
  for (int i = 0; out->found && i < REFINED; i++) refine_plane(out, list, mesh->nface);
  free(list);
  free(up);
  return 0;
}

void loom_floor_level(loomMesh* mesh, const loomFloor* floor) {
  const double up[3] = {0, 0, 1};
  double axis[3], turn[9], quat[4] = {1, 0, 0, 0}, shift[3] = {0, 0, -floor->offset};

  mju_cross(axis, floor->normal, up);
  double sine = mju_normalize3(axis);
  if (sine > 1e-12) mju_axisAngle2Quat(quat, axis, atan2(sine, floor->normal[2]));
  mju_quat2Mat(turn, quat);
  loom_mesh_transform(mesh, turn, shift);
}

int loom_floor_mark(bool* keep, const loomMesh* mesh, const loomFloor* floor) {
  int n = 0;
  for (int f = 0; floor->found && f < mesh->nface; f++) {
    bool low = true;
    for (int k = 0; k < 3; k++) {
      double z = mesh->pos[3 * (size_t)mesh->face[3 * (size_t)f + (size_t)k] + 2];
      low = low && z < floor->within;
    }
    if (low) keep[f] = false;
    n += low;
  }
  return n;
}

// ---- tops

typedef struct search {
  const loomMesh* mesh;
  const facet* list;
  double low, high, area;
  double bins[BINS];  // level area by height
} search;

static const double near_top = 0.015;  // m: a scanned table is not as level as that

static bool is_level(const facet* f) {
  return f->normal[2] > 0.94;
}

static int bin_of(const search* t, double z) {
  int i = (int)((z - t->low) / (t->high - t->low) * BINS);
  return i < 0 || i >= BINS ? -1 : i;
}

static void fill_bins(search* t, const bool* keep) {
  memset(t->bins, 0, sizeof t->bins);
  for (int f = 0; f < t->mesh->nface; f++) {
    int i = keep[f] && is_level(&t->list[f]) ? bin_of(t, t->list[f].middle[2]) : -1;
    if (i >= 0) t->bins[i] += t->list[f].area;
  }
}

// The height around which there is most level area, and how much that is.
static double highest_peak(const search* t, double* area) {
  int half = (int)ceil(near_top / (t->high - t->low) * BINS), best = 0;
  *area = 0;
  for (int i = 0; i < BINS; i++) {
    double sum = 0;
    for (int j = i - half; j <= i + half; j++) sum += j >= 0 && j < BINS ? t->bins[j] : 0;
    if (sum <= *area) continue;
    *area = sum;
    best = i;
  }

  // The mean of what is there: all of it may lie to one side.
  double mean = 0;
  for (int j = best - half; j <= best + half; j++)
    if (j >= 0 && j < BINS) mean += t->bins[j] * (t->low + (j + 0.5) * (t->high - t->low) / BINS);
  return *area > 0 ? mean / *area : t->low;
}

// The surfaces at one height: connected parts of what is level there.
static int take_height(loomTop* out, int* n, bool* keep, bool* used, const search* t, double z,
                       loomError* err) {
  size_t faces = (size_t)t->mesh->nface + 1;
  int *from = malloc(faces * sizeof *from), parts = 0, count = 0;
  bool* here = calloc(faces, sizeof *here);
  loomMesh level = {0};
  double* area = NULL;
  int code = from && here ? loom_mesh_copy(&level, t->mesh, err)
                          : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a table");

  for (int f = 0; !code && f < t->mesh->nface; f++) {
    here[f] = used[f] && is_level(&t->list[f]) && fabs(t->list[f].middle[2] - z) < near_top;
    if (here[f]) from[count++] = f;
    if (here[f]) used[f] = false;
  }
  if (!code) code = loom_mesh_keep(&level, here, err);
  int* part = code ? NULL : loom_mesh_parts(&parts, &area, &level);
  if (!code && !part) code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a table");

  for (int p = 0; !code && p < parts && area[p] >= t->area && *n < LOOM_TOPS; p++) {
    loomTop top = {.area = area[p]};
    double weight = 0;
    for (int f = 0; f < count; f++) {
      if (part[f] != p) continue;
      top.z += t->list[from[f]].area * t->list[from[f]].middle[2];
      weight += t->list[from[f]].area;
    }
    top.z /= weight;

    code = loom_outline_of(&top.outline, &top.n, &level, part, p, err);
    if (code || top.area < 0.7 * loom_outline_area(top.outline, top.n)) {
      free(top.outline);
      continue;
    }
    for (int f = 0; f < count; f++)
      if (part[f] == p) keep[from[f]] = false;
    out[(*n)++] = top;
  }

  free(part);
  free(area);
  free(from);
  free(here);
  loom_mesh_destroy(&level);
  return code;
}

static int compare_tops(const void* a, const void* b) {
  const loomTop *x = a, *y = b;
  return x->area < y->area ? 1 : x->area > y->area ? -1 : 0;
}

int loom_tops_find(loomTop* out, int* n, bool* keep, const loomMesh* mesh, double low, double high,
                   double area, loomError* err) {
  facet* list = list_facets(mesh);
  bool* used = malloc((size_t)mesh->nface + 1);
  search t = {.mesh = mesh, .list = list, .low = low, .high = high, .area = area};
  int code = list && used ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for tables");
  *n = 0;

  // The highest peak, then what is left, until no height has so much.
  if (!code) memcpy(used, keep, (size_t)mesh->nface);
  for (int i = 0; !code && i < LOOM_TOPS; i++) {
    double there;
    fill_bins(&t, used);
    double z = highest_peak(&t, &there);
    if (there < area) break;
    code = take_height(out, n, keep, used, &t, z, err);
  }

  if (!code) qsort(out, (size_t)*n, sizeof *out, compare_tops);
  if (code) loom_tops_destroy(out, *n);
  free(list);
  free(used);
  return code;
}

void loom_tops_destroy(loomTop* tops, int n) {
  for (int i = 0; i < n; i++) free(tops[i].outline);
}
