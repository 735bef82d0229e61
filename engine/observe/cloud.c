#include "engine/observe/cloud.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/random.h"
#include "engine/sim/part.h"

struct loomCloud {
  loomCloudDef def;
  loomCloudFault fault;
  int camera[LOOM_CLOUD_CAMERAS];
  int rays;        // of a camera
  double* aim;     // (rays x 3) in the world frame, those that meet the box
  double* meant;   // (rays x 3) what is believed of them
  double* reach;   // (rays) how far they went
  float *x, *far;  // (3 x most) coordinate by coordinate; (most)
  float* kept;     // (most x 3)
  int* chosen;     // (points)
};

loomCloudDef loom_default_cloud_def(void) {
  return (loomCloudDef){.points = 512, .width = 128, .height = 128};
}

// ---- the box

static const double margin = 0.25, above = 0.55, clearance = 0.005;  // m

static void take_in(double low[3], double high[3], const double at[3], const double half[3]) {
  for (int i = 0; i < 3; i++) {
    low[i] = fmin(low[i], at[i] - half[i]);
    high[i] = fmax(high[i], at[i] + half[i]);
  }
}

// The axis-aligned box of a geom's own, turned as the geom is.
static void take_in_geom(double low[3], double high[3], const mjModel* m, const mjData* d, int geom) {
  const double *box = m->geom_aabb + 6 * geom, *mat = d->geom_xmat + 9 * geom;

  double at[3], half[3];
  mju_mulMatVec3(at, mat, box);
  mju_addTo3(at, d->geom_xpos + 3 * geom);
  for (int i = 0; i < 3; i++)
    half[i] = fabs(mat[3 * i]) * box[3] + fabs(mat[3 * i + 1]) * box[4] + fabs(mat[3 * i + 2]) * box[5];

  take_in(low, high, at, half);
}

// All parts of an object: a door's handle too.
static void take_in_objects(double low[3], double high[3], const loomEpisode* e) {
  int count = e->scene->task->object_count;
  for (int g = 0; g < (int)e->m->ngeom; g++)
    if (loom_object_of_geom(e->m, e->scene->object_body, count, g) >= 0)
      take_in_geom(low, high, e->m, e->d, g);
}

void loom_cloud_objects(double low[3], double high[3], const loomEpisode* e) {
  for (int i = 0; i < 3; i++) {
    low[i] = DBL_MAX;
    high[i] = -DBL_MAX;
  }
  take_in_objects(low, high, e);
}

int loom_cloud_workspace(double low[3], double high[3], const loomScene* scene, loomError* err) {
  enum { DRAWS = 16 };
  loomEpisode* e;
  int code = loom_episode_create(&e, scene, err);
  if (code) return code;
  for (int i = 0; i < 3; i++) {
    low[i] = DBL_MAX;
    high[i] = -DBL_MAX;
  }

  // Every place that an object may start in shows up in so many draws, or nearly.
  for (int r = 0; !code && r < scene->task->reset_count; r++) {
    for (uint64_t draw = 0; !code && draw < DRAWS; draw++) {
      code = loom_episode_reset(e, r, 0, draw, err);
      if (!code) take_in_objects(low, high, e);
    }
  }

  if (!code && low[0] > high[0])
    code = loom_error_set(err, LOOM_ERR_USAGE, "%s: no objects tell where the workspace is; give a box",
                          scene->task->path);

  loom_episode_destroy(e);
  if (code) return code;

  // Wider than the objects, and as tall as they may be lifted; what they stand on is left out.
  for (int i = 0; i < 2; i++) {
    low[i] -= margin;
    high[i] += margin;
  }
  high[2] = low[2] + above > high[2] ? low[2] + above : high[2];
  low[2] += clearance;
  return 0;
}

// ---- rays

int loom_cloud_create(loomCloud** out, const loomCloudDef* def, const mjModel* model, loomError* err) {
  *out = NULL;
  loomCloud* c = calloc(1, sizeof *c);
  if (!c) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a point cloud");
  c->def = *def;
  c->rays = def->width * def->height;

  size_t rays = (size_t)c->rays, most = rays * (size_t)def->camera_count + 1;

  c->aim = malloc(3 * rays * sizeof *c->aim);
  c->meant = malloc(3 * rays * sizeof *c->meant);
  c->reach = malloc(rays * sizeof *c->reach);
  c->x = malloc(3 * most * sizeof *c->x);
  c->far = malloc(most * sizeof *c->far);
  c->kept = malloc(3 * most * sizeof *c->kept);
  c->chosen = malloc((size_t)def->points * sizeof *c->chosen);

  int code = c->aim && c->meant && c->reach && c->x && c->far && c->kept && c->chosen
                 ? 0
                 : loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a point cloud");

  for (int i = 0; !code && i < def->camera_count; i++) {
    c->camera[i] = mj_name2id(model, mjOBJ_CAMERA, def->camera[i]);
    if (c->camera[i] < 0)
      code = loom_error_set(err, LOOM_ERR_FORMAT, "the model has no camera '%s' for point clouds",
                            def->camera[i]);
  }
  if (code)
    loom_cloud_destroy(c);
  else
    *out = c;
  return code;
}

void loom_cloud_destroy(loomCloud* c) {
  if (!c) return;
  free(c->aim);
  free(c->meant);
  free(c->reach);
  free(c->x);
  free(c->far);
  free(c->kept);
  free(c->chosen);
  free(c);
}

// Whether a ray from `from` meets the box (slabs; Kay and Kajiya, 1986).
static bool meets(const loomCloudDef* def, const double from[3], const double aim[3]) {
  double first = 0, last = DBL_MAX;
  for (int i = 0; i < 3; i++) {
    double a = (def->low[i] - from[i]) / aim[i], b = (def->high[i] - from[i]) / aim[i];
    first = fmax(first, fmin(a, b));
    last = fmin(last, fmax(a, b));
  }
  return first <= last;
}

void loom_cloud_set_fault(loomCloud* c, const loomCloudFault* fault) {
  c->fault = *fault;
}

// Where a camera is taken to be: at (3), mat (9).
static void believe(double at[3], double mat[9], const loomCloud* c, const mjModel* m, const mjData* d,
                    int camera) {
  mju_copy3(at, d->cam_xpos + 3 * (ptrdiff_t)camera);
  mju_copy(mat, d->cam_xmat + 9 * (ptrdiff_t)camera, 9);
  if (!c->fault.believed || m->cam_mode[camera] != mjCAMLIGHT_FIXED) return;

  // As the scene has it on its body.
  const double* place = c->fault.believed + 7 * (ptrdiff_t)camera;
  int body = m->cam_bodyid[camera];
  double quat[4], from[3];
  mju_rotVecQuat(from, place, d->xquat + 4 * (ptrdiff_t)body);
  mju_add3(at, from, d->xpos + 3 * (ptrdiff_t)body);
  mju_mulQuat(quat, d->xquat + 4 * (ptrdiff_t)body, place + 3);
  mju_quat2Mat(mat, quat);
}

// Rays through the pixels' middles that are believed to meet the box; gives how many.
static int aim_camera(loomCloud* c, const mjModel* m, const mjData* d, int camera, const double from[3],
                      const double mat[9]) {
  const loomCloudDef* def = &c->def;
  double tall = tan(m->cam_fovy[camera] * M_PI / 360), across = tall * def->width / def->height;

  // A pinhole: half the height of the picture at distance 1 is tan(fovy / 2).
  int n = 0;
  for (int y = 0; y < def->height; y++) {
    for (int x = 0; x < def->width; x++) {
      double through[3] = {across * (2 * (x + 0.5) / def->width - 1),
                           tall * (1 - 2 * (y + 0.5) / def->height), -1};
      mju_normalize3(through);
      mju_mulMatVec3(c->aim + 3 * (ptrdiff_t)n, d->cam_xmat + 9 * (ptrdiff_t)camera, through);
      mju_mulMatVec3(c->meant + 3 * (ptrdiff_t)n, mat, through);
      n += meets(def, from, c->meant + 3 * (ptrdiff_t)n);
    }
  }
  return n;
}

static bool inside(const loomCloudDef* def, const double at[3]) {
  bool in = true;
  for (int i = 0; i < 3; i++) in = in && at[i] >= def->low[i] && at[i] <= def->high[i];
  return in;
}

// Points that a camera sees in the box, behind the n there are.
static int see(loomCloud* c, const mjModel* m, mjData* d, int camera, int n, loomRandom* random) {
  const loomCloudFault* fault = &c->fault;
  double from[3], mat[9];
  believe(from, mat, c, m, d, camera);
  int rays = aim_camera(c, m, d, camera, from, mat);
  if (!rays) return n;

  // NULL and 1: geoms of every group, static ones too; -1: of every body.
  mj_multiRay(m, d, d->cam_xpos + 3 * (ptrdiff_t)camera, c->aim, NULL, 1, -1, NULL, c->reach, NULL, rays,
              mjMAXVAL);
  for (int i = 0; i < rays; i++) {
    double at[3];
    if (c->reach[i] < 0 || (fault->dropout > 0 && loom_random_uniform(random) < fault->dropout)) continue;
    mju_addScl3(at, from, c->meant + 3 * (ptrdiff_t)i, c->reach[i]);
    for (int k = 0; fault->noise > 0 && k < 3; k++) at[k] += fault->noise * loom_random_normal(random);
    if (!inside(&c->def, at)) continue;
    for (int k = 0; k < 3; k++) c->kept[3 * (ptrdiff_t)n + k] = (float)at[k];
    n++;
  }
  return n;
}

// ---- sampling

void loom_farthest_points(int* chosen, int want, const float* x, int n, float* far) {
  const float *y = x + n, *z = y + n;

  int newest = 0;
  for (int i = 0; i < n; i++) far[i] = FLT_MAX;
  for (int k = 0; k < want; k++) {
    chosen[k] = newest;

    float at[3] = {x[newest], y[newest], z[newest]};
#pragma omp simd
    for (int i = 0; i < n; i++) {
      float dx = x[i] - at[0], dy = y[i] - at[1], dz = z[i] - at[2], gap = dx * dx + dy * dy + dz * dz;
      far[i] = gap < far[i] ? gap : far[i];
    }

    for (int i = newest = 0; i < n; i++)
      if (far[i] > far[newest]) newest = i;
  }
}

void loom_cloud_look(float* out, loomCloud* c, const mjModel* m, mjData* d) {
  const loomCloudDef* def = &c->def;
  int n = 0;

  // By what there is to be seen, not by when: a picture that comes late has the noise of then.
  uint64_t view = loom_hash(LOOM_HASH_SEED, d->qpos, sizeof *d->qpos * (size_t)m->nq);
  loomRandom random = loom_random(c->fault.seed ^ view, c->fault.number, LOOM_PURPOSE_HAZE);
  for (int i = 0; i < def->camera_count; i++) n = see(c, m, d, c->camera[i], n, &random);

  // A camera that sees nothing in the box still gives points, all in its middle.
  if (!n) {
    for (int k = 0; k < 3; k++) c->kept[k] = (float)(0.5 * (def->low[k] + def->high[k]));
    n = 1;
  }

  // Coordinate by coordinate, for the sampling's inner loop.
  for (int i = 0; i < n; i++)
    for (int k = 0; k < 3; k++) c->x[(ptrdiff_t)k * n + i] = c->kept[3 * (ptrdiff_t)i + k];
  int want = n < def->points ? n : def->points;
  loom_farthest_points(c->chosen, want, c->x, n, c->far);
  for (int i = 0; i < def->points; i++)
    memcpy(out + 3 * (ptrdiff_t)i, c->kept + 3 * (ptrdiff_t)c->chosen[i % want], 3 * sizeof *out);
}
