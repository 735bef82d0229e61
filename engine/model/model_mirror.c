#include "engine/model/model_mirror.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static bool touches(const mjModel* m, int geom) {
  return m->geom_contype[geom] || m->geom_conaffinity[geom];
}

// How far a geom reaches in a direction of its body's frame, m.
static double reach_of(const mjModel* m, int geom, const double direction[3]) {
  const double* size = m->geom_size + 3 * geom;
  double back[4], d[3];
  mju_negQuat(back, m->geom_quat + 4 * geom);
  mju_rotVecQuat(d, direction, back);

  double center = mju_dot3(m->geom_pos + 3 * geom, direction), across = hypot(d[0], d[1]);
  switch (m->geom_type[geom]) {
    case mjGEOM_SPHERE:
      return center + size[0];
    case mjGEOM_CAPSULE:
      return center + size[0] + size[1] * fabs(d[2]);
    case mjGEOM_CYLINDER:
      return center + size[0] * across + size[1] * fabs(d[2]);
    case mjGEOM_ELLIPSOID:
      return center + hypot(hypot(size[0] * d[0], size[1] * d[1]), size[2] * d[2]);
    case mjGEOM_BOX:
      return center + size[0] * fabs(d[0]) + size[1] * fabs(d[1]) + size[2] * fabs(d[2]);
    default:
      break;
  }

  // A mesh: its furthest vertex.
  int mesh = m->geom_dataid[geom];
  double most = -INFINITY;
  for (int v = 0; m->geom_type[geom] == mjGEOM_MESH && v < m->mesh_vertnum[mesh]; v++) {
    const float* at = m->mesh_vert + 3 * (m->mesh_vertadr[mesh] + v);
    most = fmax(most, (double)at[0] * d[0] + (double)at[1] * d[1] + (double)at[2] * d[2]);
  }
  return center + most;
}

// The furthest that two geoms differ in any direction, one of them mirrored.
static double geom_error(const mjModel* m, int a, int b, const double plane[3]) {
  double worst = 0;
  for (int i = 0; i < 27; i++) {
    double d[3] = {i % 3 - 1, i / 3 % 3 - 1, i / 9 - 1}, mirrored[3];
    if (!(mju_normalize3(d) > 0) || i == 13) continue;

    double across = 2 * mju_dot3(d, plane);
    for (int c = 0; c < 3; c++) mirrored[c] = d[c] - across * plane[c];
    worst = fmax(worst, fabs(reach_of(m, a, d) - reach_of(m, b, mirrored)));
  }
  return worst;
}

static int count_touching(const mjModel* m, int body) {
  int n = 0;
  for (int i = 0; i < m->body_geomnum[body]; i++) n += touches(m, m->body_geomadr[body] + i);
  return n;
}

double loom_model_mirror_error(const mjModel* m, int a, int b, const double plane[3]) {
  if (count_touching(m, a) != count_touching(m, b)) return INFINITY;

  double worst = 0;
  for (int i = 0; i < m->body_geomnum[a]; i++) {
    int geom = m->body_geomadr[a] + i;
    double nearest = INFINITY;
    for (int j = 0; touches(m, geom) && j < m->body_geomnum[b]; j++) {
      int other = m->body_geomadr[b] + j;
      if (touches(m, other)) nearest = fmin(nearest, geom_error(m, geom, other, plane));
    }
    if (touches(m, geom)) worst = fmax(worst, nearest);
  }
  return worst;
}
