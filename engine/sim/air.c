#include "engine/sim/air.h"

#include <math.h>
#include <stdlib.h>

/// A body that moves and has mass.
typedef struct draggedBody {
  int body, last_dof;  // the last of the degrees of freedom that move it
  double viscous[2];   // N m and N for unit speed: turning, moving
  double drag[6];      // N m s^2 and N s^2 / m along the axes of its inertia: turning, then moving
} draggedBody;

struct loomAir {
  int count;
  draggedBody* bodies;
  bool left_out;  // of the model, for now
  double density, viscosity;
};

// ---- what is dragged

// The last degree of freedom on the way from the world to the body, or -1.
static int last_dof(const mjModel* m, int body) {
  while (body > 0 && !m->body_dofnum[body]) body = m->body_parentid[body];
  return body > 0 ? m->body_dofadr[body] + m->body_dofnum[body] - 1 : -1;
}

// Ellipsoids, wind, forces that come between and integrators that derive the drag are MuJoCo's alone.
static bool is_plain(const mjModel* m) {
  for (int g = 0; g < (int)m->ngeom; g++)
    if (m->geom_fluid[mjNFLUID * g] != 0) return false;
  for (int b = 0; b < (int)m->nbody; b++)
    if (m->body_gravcomp[b] != 0) return false;

  // Without springs and dampers there is no passive force at all.
  if (m->opt.disableflags & (mjDSBL_SPRING | mjDSBL_DAMPER)) return false;
  bool still = m->opt.wind[0] == 0 && m->opt.wind[1] == 0 && m->opt.wind[2] == 0;
  return still && !mjcb_passive && m->opt.integrator == mjINT_EULER && !m->nplugin && !m->nflex &&
         !m->opt.enableflags;
}

int loom_air_create(loomAir** out, const mjModel* m, loomError* err) {
  loomAir* air = calloc(1, sizeof *air);
  *out = air;
  if (!air) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for the air");
  if (!is_plain(m)) return LOOM_OK;

  air->bodies = calloc((size_t)m->nbody, sizeof *air->bodies);
  if (!air->bodies) {
    free(air);
    *out = NULL;
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for the air");
  }

  // In MuJoCo's order, since sums depend on it.
  for (int b = 1; b < (int)m->nbody; b++) {
    int last = last_dof(m, b);
    if (last >= 0) air->bodies[air->count++] = (draggedBody){.body = b, .last_dof = last};
  }
  return LOOM_OK;
}

void loom_air_destroy(loomAir* air) {
  if (!air) return;
  free(air->bodies);
  free(air);
}

// ---- coefficients

static double fourth(double x) {
  return x * (x * (x * x));
}

// The body as a box of the same mass and inertia, in air. MuJoCo documentation, Computation, "Fluid forces",
// inertia model; factors are in the order that gives the same bits.
static void find_coefficients(draggedBody* body, const mjModel* m, double density, double viscosity) {
  const double* inertia = m->body_inertia + 3 * body->body;
  double box[3], mass = m->body_mass[body->body];
  for (int i = 0; i < 3; i++) {
    double rest = inertia[(i + 1) % 3] + inertia[(i + 2) % 3] - inertia[i];
    box[i] = sqrt(fmax(mjMINVAL, rest) / mass * 6.0);
  }

  // A sphere's viscous resistance,
  double diameter = (box[0] + box[1] + box[2]) / 3.0;
  body->viscous[0] = -mjPI * diameter * diameter * diameter * viscosity;
  body->viscous[1] = -3.0 * mjPI * diameter * viscosity;

  // and a box's drag, along each axis and about it.
  for (int i = 0; i < 3; i++) {
    int j = (i + 1) % 3, k = (i + 2) % 3, low = j < k ? j : k, high = j < k ? k : j;
    body->drag[i] = density * box[i] * (fourth(box[low]) + fourth(box[high]));
    body->drag[3 + i] = 0.5 * density * box[low] * box[high];
  }
}

void loom_air_begin(loomAir* air, mjModel* m) {
  if (!air->count) return;
  air->left_out = true;
  air->density = m->opt.density;
  air->viscosity = m->opt.viscosity;
  m->opt.density = m->opt.viscosity = 0;

  for (int i = 0; i < air->count; i++) {
    draggedBody* body = &air->bodies[i];
    if (m->body_mass[body->body] >= mjMINVAL) find_coefficients(body, m, air->density, air->viscosity);
  }
}

void loom_air_end(loomAir* air, mjModel* m) {
  if (!air->left_out) return;
  air->left_out = false;
  m->opt.density = air->density;
  m->opt.viscosity = air->viscosity;
}

// ---- forces

// Torque and force (6) on a body, in the world's frame.
static void drag_on(double out[6], const loomAir* air, const draggedBody* body, const mjModel* m,
                    const mjData* d) {
  int b = body->body;
  const double *com = d->subtree_com + 3 * m->body_rootid[b], *mat = d->ximat + 9 * b;
  double speed[6], local[6] = {0};
  mju_transformSpatial(speed, d->cvel + 6 * b, 0, d->xipos + 3 * b, com, mat);

  for (int i = 0; i < 6; i++) {
    if (air->viscosity > 0) local[i] = speed[i] * body->viscous[i / 3];
    if (air->density > 0) {
      double drag = body->drag[i] * fabs(speed[i]) * speed[i];
      local[i] -= i < 3 ? drag / 64.0 : drag;
    }
  }

  mju_mulMatVec3(out, mat, local);
  mju_mulMatVec3(out + 3, mat, local + 3);
}

// Forces of the joints that hold a body which is pushed so: the body's Jacobian, along its own joints, times
// the force, then the torque. The cross product is written out: some hundred of them in a physics step.
static void push_joints(double* joints, const double push[6], int last, const double offset[3],
                        const mjModel* m, const mjData* d) {
  for (int i = last; i >= 0; i = m->dof_parentid[i]) {
    const double* cdof = d->cdof + 6 * i;
    double moved[3] = {cdof[1] * offset[2] - cdof[2] * offset[1], cdof[2] * offset[0] - cdof[0] * offset[2],
                       cdof[0] * offset[1] - cdof[1] * offset[0]};
    for (int k = 0; k < 3; k++) moved[k] += cdof[3 + k];

    joints[i] += moved[0] * push[3] + moved[1] * push[4] + moved[2] * push[5];
    joints[i] += cdof[0] * push[0] + cdof[1] * push[1] + cdof[2] * push[2];
  }
}

void loom_air_add(loomAir* air, const mjModel* m, mjData* d) {
  if (!air->left_out || !(air->density > 0 || air->viscosity > 0)) return;
  mju_zero(d->qfrc_fluid, (int)m->nv);

  for (int i = 0; i < air->count; i++) {
    const draggedBody* body = &air->bodies[i];
    if (m->body_mass[body->body] < mjMINVAL) continue;

    double push[6], offset[3];
    drag_on(push, air, body, m, d);
    mju_sub3(offset, d->xipos + 3 * body->body, d->subtree_com + 3 * m->body_rootid[body->body]);
    push_joints(d->qfrc_fluid, push, body->last_dof, offset, m, d);
  }
  mju_addTo(d->qfrc_passive, d->qfrc_fluid, (int)m->nv);
}
