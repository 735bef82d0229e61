#include "generators/twin/check_joints.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/model/trap.h"
#include "engine/sim/part.h"

static const double near_end = 0.02;                // of the range
static const double slow = 0.01, slow_turn = 0.05;  // m/s, rad/s

typedef struct push {
  mjModel* m;
  mjData* d;
  const loomTwinCheckDef* def;
  loomTwinMoved* out;
  int joint;
  double held;  // force or torque that it takes
} push;

// Robots are in nobody's way, and parts touch what they hang on, as they would were that fixed to the world.
static void prepare(mjModel* m, const int* body, int n) {
  for (int g = 0; g < m->ngeom; g++) {
    int b = m->geom_bodyid[g];
    if (loom_object_of_body(m, body, n, b) >= 0 || !m->body_weldid[b]) continue;
    m->geom_contype[g] = m->geom_conaffinity[g] = 0;
  }
  m->opt.disableflags |= mjDSBL_FILTERPARENT;
}

// The force is a hand's: of a hinge it pulls at the part's far side, twice as far out as its middle.
static double strength(const push* p) {
  const mjModel* m = p->m;
  int j = p->joint, b = m->jnt_bodyid[j];
  double off[3], arm[3];
  if (m->jnt_type[j] == mjJNT_SLIDE) return p->def->force;
  mju_sub3(off, p->d->subtree_com + 3 * b, p->d->xanchor + 3 * j);
  mju_cross(arm, p->d->xaxis + 3 * j, off);
  return p->def->force * fmax(2 * mju_norm3(arm), 0.02);
}

static void note_contacts(push* p) {
  int moved = p->m->jnt_bodyid[p->joint];

  for (int i = 0; i < p->d->ncon; i++) {
    const mjContact* con = &p->d->contact[i];
    if (con->geom[0] < 0 || con->geom[1] < 0) continue;
    bool on[2];
    for (int k = 0; k < 2; k++) on[k] = loom_body_moves_with(p->m, p->m->geom_bodyid[con->geom[k]], moved);
    if (on[0] == on[1]) continue;
    p->out->deepest = fmax(p->out->deepest, -con->dist);
  }
}

// As a hand does: as hard as it takes, and may, to move the part at a pace that takes `brisk` over the
// range. Gains are those at which a step of the simulation does not overshoot what the joint moves.
static double pushing(push* p, int way, double most) {
  const double brisk = 1.5;  // s
  const mjModel* m = p->m;
  int dof = m->jnt_dofadr[p->joint];
  const double* range = m->jnt_range + 2 * p->joint;
  double behind = way * (range[1] - range[0]) / brisk - p->d->qvel[dof],
         gain = m->dof_M0[dof] / m->opt.timestep;

  p->held = fmin(fmax(p->held + 0.02 * gain * behind, -most), most);

  return fmin(fmax(p->held + 0.3 * gain * behind, -most), most);
}

// Towards an end for so long at most; true: it got there.
static bool push_to(push* p, int way) {
  const mjModel* m = p->m;
  const double* range = m->jnt_range + 2 * p->joint;
  double* q = p->d->qpos + m->jnt_qposadr[p->joint];
  double close = near_end * (range[1] - range[0]), force = strength(p);
  int steps = (int)(p->def->push_seconds / m->opt.timestep);
  p->held = 0;
  for (int i = 0; i < steps; i++) {
    if (way > 0 ? *q >= range[1] - close : *q <= range[0] + close) return true;
    p->d->qfrc_applied[m->jnt_dofadr[p->joint]] = pushing(p, way, force);
    mj_step(m, p->d);
    note_contacts(p);
  }

  return false;
}

// Let go: it comes to rest, wherever that is, and stays.
static void let_go(push* p) {
  const mjModel* m = p->m;
  int dof = m->jnt_dofadr[p->joint], steps = (int)(p->def->still_seconds / m->opt.timestep);
  double most = m->jnt_type[p->joint] == mjJNT_SLIDE ? slow : slow_turn;
  p->d->qfrc_applied[dof] = 0;
  p->out->still = true;
  for (int i = 0; i < steps; i++) {
    mj_step(m, p->d);
    note_contacts(p);
    if (2 * i > steps && fabs(p->d->qvel[dof]) > most) p->out->still = false;
  }
}

static int move_joint(void* arg) {
  push* p = arg;
  loomTwinMoved* out = p->out;
  double* q = p->d->qpos + p->m->jnt_qposadr[p->joint];
  out->opens = push_to(p, 1);
  out->high = *q;
  let_go(p);
  bool still = out->still;
  out->closes = push_to(p, -1);
  out->low = *q;
  let_go(p);
  out->still = out->still && still;
  out->ok = out->opens && out->closes && out->still && out->deepest <= p->def->deepest;

  return 0;
}

static bool pushed(const mjModel* m, const int* body, int n, int joint) {
  bool kind = m->jnt_type[joint] == mjJNT_SLIDE || m->jnt_type[joint] == mjJNT_HINGE;
  return kind && m->jnt_limited[joint] && loom_object_of_body(m, body, n, m->jnt_bodyid[joint]) >= 0;
}

int loom_check_joints(loomTwinCheck* out, mjModel* m, mjData* d, const int* body, int n,
                      const loomTwinCheckDef* def, loomError* err) {
  int size = (int)mj_stateSize(m, mjSTATE_INTEGRATION), code = 0;
  mjtNum* state = malloc(((size_t)size + 1) * sizeof *state);
  if (!state) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a state");
  mj_getState(m, d, state, mjSTATE_INTEGRATION);
  prepare(m, body, n);

  for (int j = 0; !code && j < m->njnt && out->nmoved < LOOM_TWIN_JOINTS; j++) {
    if (!pushed(m, body, n, j)) continue;
    loomTwinMoved* moved = &out->moved[out->nmoved++];
    const char* name = mj_id2name(m, mjOBJ_JOINT, j);
    *moved = (loomTwinMoved){.range = {m->jnt_range[2 * j], m->jnt_range[2 * j + 1]},
                             .turns = m->jnt_type[j] == mjJNT_HINGE};
    snprintf(moved->name, sizeof moved->name, "%.60s", name ? name : "");
    push p = {.m = m, .d = d, .def = def, .out = moved, .joint = j};
    mj_setState(m, d, state, mjSTATE_INTEGRATION);
    mj_forward(m, d);
    code = loom_trap_run(move_joint, &p, err);
    out->ok = out->ok && moved->ok;
    out->deepest = fmax(out->deepest, moved->deepest);
  }
  if (!code) mj_setState(m, d, state, mjSTATE_INTEGRATION);
  free(state);
  return code;
}
