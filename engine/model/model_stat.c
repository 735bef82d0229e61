#include "engine/model/model_stat.h"

#include <stddef.h>

typedef struct boundingBox {
  mjtNum low[3], high[3];
} boundingBox;

static const mjtNum* row(const mjtNum* rows, int i) {
  return rows + (ptrdiff_t)3 * i;
}

static void enclose(boundingBox* box, const mjtNum* center, mjtNum radius) {
  for (int k = 0; k < 3; k++) {
    box->low[k] = mju_min(box->low[k], center[k] - radius);
    box->high[k] = mju_max(box->high[k], center[k] + radius);
  }
}

// A plane has no radius of its own: a tenth of its rendered half-size, or 1 m where it is infinite.
static mjtNum geom_radius(const mjModel* m, int geom) {
  if (m->geom_rbound[geom] > 0) return m->geom_rbound[geom];
  if (m->geom_type[geom] != mjGEOM_PLANE) return 0;

  const mjtNum* size = row(m->geom_size, geom);
  mjtNum half = mju_max(size[0], size[1]);
  return half > 0 ? half * 0.1 : 1;
}

static boundingBox scene_box(const mjModel* m, const mjData* d) {
  boundingBox box = {{1e10, 1e10, 1e10}, {-1e10, -1e10, -1e10}};

  // The world's own frame, body 0, does not count.
  for (int i = 1; i < m->nbody; i++) {
    enclose(&box, row(d->xpos, i), 0);
    enclose(&box, row(d->xipos, i), 0);
  }

  for (int i = 0; i < m->njnt; i++) enclose(&box, row(d->xanchor, i), 0);
  for (int i = 0; i < m->nsite; i++) enclose(&box, row(d->site_xpos, i), 0);
  for (int i = 0; i < m->ngeom; i++) enclose(&box, row(d->geom_xpos, i), geom_radius(m, i));

  return box;
}

// How far a body reaches from its center of mass: to its joints, its children's, the far side of its geoms.
static mjtNum body_reach(const mjModel* m, const mjData* d, int body) {
  const mjtNum* com = row(d->xipos, body);
  mjtNum reach = 1e-5;

  for (int j = 0; j < m->njnt; j++) {
    int owner = m->jnt_bodyid[j];
    if (owner == body || m->body_parentid[owner] == body) {
      reach = mju_max(reach, mju_dist3(com, row(d->xanchor, j)));
    }
  }

  for (int i = 0; i < m->body_geomnum[body]; i++) {
    int geom = m->body_geomadr[body] + i;
    if (m->geom_rbound[geom] <= 0) continue;
    reach = mju_max(reach, m->geom_rbound[geom] + mju_dist3(com, row(d->geom_xpos, geom)));
  }

  return reach;
}

void loom_model_stat(mjStatistic* out, const mjModel* m, mjData* d) {
  *out = m->stat;
  if (m->nbody < 2) return;

  // Where things are in the reference pose.
  mju_copy(d->qpos, m->qpos0, (int)m->nq);
  mj_kinematics(m, d);
  boundingBox box = scene_box(m, d);

  // The scene's middle, and its longest side: at least 1e-5 m, as the compiler has it.
  mjtNum side = 1e-5;
  for (int k = 0; k < 3; k++) {
    out->center[k] = 0.5 * (box.low[k] + box.high[k]);
    side = mju_max(side, box.high[k] - box.low[k]);
  }

  // Means over bodies (the world left out) and over degrees of freedom (diagonal of the mass matrix).
  mjtNum bodies = (mjtNum)(m->nbody - 1), size = 0, mass = 0, inertia = 0;
  for (int i = 1; i < m->nbody; i++) {
    size += body_reach(m, d, i) / bodies;
    mass += m->body_mass[i];
  }
  for (int i = 0; i < m->nv; i++) inertia += m->dof_M0[i];

  out->meansize = size;
  out->extent = mju_max(side, 2 * size);
  out->meanmass = mass / bodies;
  if (m->nv > 0) out->meaninertia = inertia / (mjtNum)m->nv;
}
