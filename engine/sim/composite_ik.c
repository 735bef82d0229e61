#include "engine/sim/composite_ik.h"

#include <math.h>
#include <string.h>

static const double pace = 0.95;       // share of the way that the speed found would take within dt
static const double smallest = 1e-14;  // of the Jacobian's largest row: what is below it is rounding
enum { ROWS = 6 * LOOM_IK_HANDS };

// ---- binding

// Numbers of joints, of their places in qpos and in qvel are the same to robosuite.
static int add_joint(loomIk* ik, const char* name, double* goal, const mjModel* m, loomError* err) {
  int id = mj_name2id(m, mjOBJ_JOINT, name);
  if (id < 0)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "the model has no joint '%s'; check the robot's file in scenes/robots", name);
  if (m->jnt_qposadr[id] != id || m->jnt_dofadr[id] != id)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "joint '%s' is number %d of the model and its position number %d (a free joint or "
                          "ball is before it), which WHOLE_BODY_IK of robosuite 1.5 mixes up: not done here",
                          name, id, m->jnt_qposadr[id]);

  // And it takes a torso joint's number in the model for one among those that it moves.
  if (strstr(name, "torso")) ik->torso[ik->torso_count++] = id;
  ik->joint[ik->n] = id;
  ik->goal[ik->n++] = goal;
  return 0;
}

static loomBodyPart* find_part(loomBodyPart* parts, int n, const loomBodyPartDef* def) {
  for (int i = 0; i < n; i++)
    if (parts[i].control->part == def) return &parts[i];
  return NULL;
}

static int add_joints(loomIk* ik, loomArm* arms, loomBodyPart* parts, int part_count, const mjModel* m,
                      loomError* err) {
  int code = 0;
  for (int i = 0; !code && i < ik->def->joint_count; i++) {
    const loomIkJoint* j = &ik->def->joint[i];
    if (j->arm >= 0) {
      loomArm* arm = &arms[j->arm];
      code = add_joint(ik, arm->robot->arm.joints[j->index], &arm->state.goal_qpos[j->index], m, err);
      continue;
    }
    const loomBodyPartDef* part = &ik->def->robot->body[j->part];
    loomBodyPart* bound = find_part(parts, part_count, part);
    code = bound ? add_joint(ik, part->joints[j->index], &bound->goal[j->index], m, err)
                 : loom_error_set(err, LOOM_ERR_FORMAT, "robot '%s' has no %s to move", ik->def->robot->robot,
                                  loom_body_part_names[part->kind]);
  }
  for (int i = 0; !code && i < ik->torso_count; i++)
    if (ik->torso[i] >= ik->n)
      code = loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                            "the torso's joints are numbers %d and on of the model, and WHOLE_BODY_IK of "
                            "robosuite 1.5 moves %d: it takes the former for numbers among the latter",
                            ik->torso[i], ik->n);
  return code;
}

int loom_ik_bind(loomIk* ik, const loomIkDef* def, loomArm* arms, loomBodyPart* parts, int part_count,
                 const mjModel* m, loomError* err) {
  memset(ik, 0, sizeof *ik);
  ik->def = def;
  for (int i = 0; i < def->hand_count; i++) ik->site[i] = arms[def->hand[i]].site;
  for (int i = 0; i < def->elsewhere_count; i++)
    if (mj_name2id(m, mjOBJ_SITE, def->elsewhere[i]) >= 0)
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                            "WHOLE_BODY_IK moves site '%s' (ref_name), which is none of the hands of robot "
                            "'%s': not done here",
                            def->elsewhere[i], def->robot->robot);

  // The frame's place in its parent, whatever that is: robosuite's bases are in the world.
  ik->frame[0] = 1;
  if (def->frame[0]) {
    int body = mj_name2id(m, mjOBJ_BODY, def->frame);
    if (body < 0)
      return loom_error_set(err, LOOM_ERR_FORMAT, "the model has no body '%s' (ik_input_ref_frame)",
                            def->frame);
    mju_copy4(ik->frame, m->body_quat + 4 * body);
  }
  return add_joints(ik, arms, parts, part_count, m, err);
}

// ---- planning

/// Speeds of joints that take the hands their way, while these are worked out.
typedef struct ikProgram {
  int rows;                             // 6 a hand
  double twist[ROWS];                   // m/s, rad/s, world frame
  double jac[ROWS][LOOM_IK_JOINTS];     // of it by joint
  double square[ROWS * ROWS], x[ROWS];  // of the damped pseudo-inverse
  double basis[ROWS][LOOM_IK_JOINTS];   // orthonormal, of the rows of jac
  double speed[LOOM_IK_JOINTS];
} ikProgram;

// Where a recorded action's entries turn a hand: robosuite has written a position in the world over the one
// in the frame by then, and a quaternion in the world, but leaves an axis times an angle as it was.
static void turn_of(double quat[4], const loomIk* ik, const double* entries) {
  if (ik->def->quat) {
    mju_copy4(quat, entries);
    mju_normalize4(quat);
    return;
  }
  double own[4];
  loom_quat_exp(own, entries);
  mju_mulQuat(quat, ik->frame, own);
}

static void add_hand(ikProgram* p, const loomIk* ik, int hand, const mjModel* m, const mjData* d,
                     double* jacobian, const double* entries) {
  int site = ik->site[hand];
  double target[4], now[4], back[4], turn[4], *twist = p->twist + p->rows;
  turn_of(target, ik, entries + 3);

  mju_sub3(twist, entries, d->site_xpos + 3 * site);
  mju_mat2Quat(now, d->site_xmat + 9 * site);
  mju_negQuat(back, now);
  mju_mulQuat(turn, target, back);
  mju_quat2Vel(twist + 3, turn, 1);
  mju_scl(twist, twist, pace / ik->def->dt, 6);

  // Columns of its joints alone.
  int nv = (int)m->nv;
  mj_jacSite(m, d, jacobian, jacobian + 3 * nv, site);
  for (int r = 0; r < 6; r++)
    for (int i = 0; i < ik->n; i++) p->jac[p->rows + r][i] = jacobian[r * nv + ik->joint[i]];
  p->rows += 6;
}

// speed = J' inv(J J' + damping^2) twist. (C. Wampler, "Manipulator inverse kinematic solutions based on
// vector formulations and damped least-squares methods", 1986.)
static void damped_speeds(ikProgram* p, const loomIk* ik) {
  int rows = p->rows;
  for (int a = 0; a < rows; a++)
    for (int b = 0; b < rows; b++)
      p->square[a * rows + b] =
          mju_dot(p->jac[a], p->jac[b], ik->n) + (a == b ? ik->def->damping * ik->def->damping : 0);

  mju_cholFactor(p->square, rows, 0);
  mju_cholSolve(p->x, p->square, p->twist, rows);
  mju_zero(p->speed, ik->n);
  for (int a = 0; a < rows; a++) mju_addToScl(p->speed, p->jac[a], p->x[a], ik->n);
}

static void take_out(double* v, const double* direction, int n) {
  mju_addToScl(v, direction, -mju_dot(v, direction, n), n);
}

// An orthonormal basis of the Jacobian's rows, the largest that is left first (Gram-Schmidt, each twice).
// Returns of how many.
static int find_basis(ikProgram* p, int n) {
  double largest = 0;
  memcpy(p->basis, p->jac, sizeof p->basis);

  for (int k = 0; k < p->rows; k++) {
    int best = k;
    double size = 0, other[LOOM_IK_JOINTS];
    for (int r = k; r < p->rows; r++) {
      double left = mju_norm(p->basis[r], n);
      if (left > size) size = left, best = r;
    }
    if (k == 0) largest = size;
    if (k == n || size <= smallest * largest) return k;

    mju_copy(other, p->basis[k], n);
    mju_scl(p->basis[k], p->basis[best], 1 / size, n);
    if (best != k) mju_copy(p->basis[best], other, n);
    for (int r = 0; r < k; r++) take_out(p->basis[k], p->basis[r], n);
    mju_scl(p->basis[k], p->basis[k], 1 / mju_norm(p->basis[k], n), n);
    for (int r = k + 1; r < p->rows; r++) take_out(p->basis[r], p->basis[k], n);
  }
  return p->rows;
}

// Joints are drawn to 0, as far as that moves no hand: by the null space's part of gain (0 - q).
static void add_posture(ikProgram* p, const loomIk* ik, const mjData* d) {
  double pull[LOOM_IK_JOINTS];
  for (int i = 0; i < ik->n; i++) pull[i] = -ik->def->joint[i].gain * d->qpos[ik->joint[i]];

  int rank = find_basis(p, ik->n);
  for (int k = 0; k < rank; k++) take_out(pull, p->basis[k], ik->n);
  mju_addTo(p->speed, pull, ik->n);
}

// As fast as its fastest joint may be, all in proportion: those of a list, or all of them.
static void slow_down(double* speed, const int* list, int n, double most) {
  double fastest = 0;
  for (int i = 0; i < n; i++) fastest = fmax(fastest, fabs(speed[list ? list[i] : i]));
  if (!(most > 0) || fastest <= most) return;
  for (int i = 0; i < n; i++) speed[list ? list[i] : i] *= most / fastest;
}

void loom_ik_plan(const loomIk* ik, const mjModel* m, const mjData* d, double* jacobian,
                  const double* action) {
  ikProgram p = {0};
  const double* entries = action + ik->def->first;
  for (int h = 0; h < ik->def->hand_count; h++, entries += loom_ik_pose_dim(ik->def))
    add_hand(&p, ik, h, m, d, jacobian, entries);

  damped_speeds(&p, ik);
  add_posture(&p, ik, d);
  slow_down(p.speed, NULL, ik->n, ik->def->max_speed);
  slow_down(p.speed, ik->torso, ik->torso_count, ik->def->max_torso_speed);

  // robosuite takes joints without limits for such that stay at 0.
  for (int i = 0; i < ik->n; i++) {
    const double* range = m->jnt_range + 2 * (ptrdiff_t)ik->joint[i];
    double q = d->qpos[ik->joint[i]] + p.speed[i] * ik->def->dt;
    *ik->goal[i] = fmin(fmax(q, range[0]), range[1]);
  }
}
