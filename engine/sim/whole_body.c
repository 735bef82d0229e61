#include "engine/sim/whole_body.h"

#include <math.h>
#include <string.h>

static const double turn_weight = 0.1;  // m per rad: how much turning counts against moving
static const double damping = 1e-4;     // of a joint's step within one iteration, per rad
static const double margin = 0.01;      // rad kept from joint limits
static const double pace = 0.9;         // share of a joint's speed limit that goals may ask for
enum { iterations = 4 };

// ---- binding

static int add_joints(loomWholeBody* body, const loomJointsDef* j, double weight, const mjModel* m,
                      loomError* err) {
  for (int i = 0; i < j->count; i++) {
    int joint = mj_name2id(m, mjOBJ_JOINT, j->joints[i]), k = 0;
    if (joint < 0)
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "the model has no joint '%s'; check the robot's file in scenes/robots",
                            j->joints[i]);
    int code = loom_actuator_joint(joint, m, err);
    if (code) return code;

    while (k < body->n && body->dof[k] != m->jnt_dofadr[joint]) k++;
    if (k < body->n) continue;  // a torso that another arm has brought

    if (k == LOOM_MAX_BODY)
      return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "WHOLE_BODY_IK takes at most %d joints",
                            LOOM_MAX_BODY);

    body->qpos[k] = m->jnt_qposadr[joint];
    body->dof[k] = m->jnt_dofadr[joint];
    code = loom_actuator_drive(&body->drive[k], j->actuators[i], joint, j->torque_limit[i],
                               body->control.type, m, err);
    if (code) return code;
    body->servos += body->drive[k].servo;

    bool limited = m->jnt_limited[joint];
    body->low[k] = limited ? m->jnt_range[2 * joint] + margin : -INFINITY;
    body->high[k] = limited ? m->jnt_range[2 * joint + 1] - margin : INFINITY;

    body->speed[k] = j->velocity_limit[i];
    body->torque[k] = j->torque_limit[i];
    body->posture[k] = j->init_qpos[i];
    body->weight[k] = weight;
    body->n++;
  }
  return 0;
}

int loom_whole_body_bind(loomWholeBody* body, const loomArm* arms, int n, const mjModel* m, loomError* err) {
  memset(body, 0, sizeof *body);
  body->arm_count = n;
  body->control = arms[0].control;

  // Torsos first: what both arms share counts once, and moves at its own price.
  int code = 0;
  for (int a = 0; !code && a < n; a++)
    code = add_joints(body, &arms[a].robot->torso, body->control.torso_weight, m, err);
  for (int a = 0; !code && a < n; a++) code = add_joints(body, &arms[a].robot->arm, 1, m, err);
  return code;
}

void loom_whole_body_reset(loomWholeBody* body, const mjData* d) {
  memset(&body->state, 0, sizeof body->state);
  for (int i = 0; i < body->n; i++) body->state.from[i] = body->state.goal[i] = d->qpos[body->qpos[i]];
}

// ---- the solver

/// min |J s - gap|^2 + sum weight (damping s^2 + posture (q + s - canonical)^2), low <= s <= high, as
/// min s'Hs/2 + g's.
typedef struct program {
  double h[LOOM_MAX_BODY * LOOM_MAX_BODY], g[LOOM_MAX_BODY], low[LOOM_MAX_BODY], high[LOOM_MAX_BODY];
  double step[LOOM_MAX_BODY], factor[LOOM_MAX_BODY * (LOOM_MAX_BODY + 7)];
  int index[LOOM_MAX_BODY];
} program;

// What is left of an arm's way to its goal: translation, then rotation vector, world frame.
static double arm_gap(double gap[6], const loomArm* arm, const mjData* d) {
  loomPose now = loom_arm_eef(arm, d);
  loomPose goal = loom_pose_from_mat(arm->state.goal_pos, arm->state.goal_mat);
  double inverse[4] = {now.quat[0], -now.quat[1], -now.quat[2], -now.quat[3]}, turn[4];

  mju_sub3(gap, goal.pos, now.pos);
  loom_quat_mul(turn, goal.quat, inverse);
  loom_quat_log(gap + 3, turn);
  return mju_norm3(gap) + 0.1 * mju_norm3(gap + 3);
}

// A far target is approached straight: the linear model holds for small steps only.
static void shorten(double v[3], double most) {
  double size = mju_norm3(v);
  if (size > most) mju_scl3(v, v, most / size);
}

// Geometric Jacobian of an arm's end effector: jac (n x 6), turning weighed; 0 where a joint does not move
// it.
static void body_jacobian(double* jac, const loomWholeBody* body, const loomArm* arm, const mjModel* m,
                          const mjData* d) {
  int site_body = m->site_bodyid[arm->site];
  double offset[3];
  mju_sub3(offset, d->site_xpos + 3 * arm->site, d->subtree_com + 3 * m->body_rootid[site_body]);

  memset(jac, 0, sizeof(double) * (size_t)(6 * body->n));
  for (int i = 0; i < body->n; i++) {
    // A joint moves the end effector if its body is among those above it.
    int above = site_body, mover = m->dof_bodyid[body->dof[i]];
    while (above > mover) above = m->body_parentid[above];
    if (above != mover) continue;

    const double* cdof = d->cdof + 6 * body->dof[i];
    mju_cross(jac + 6 * i, cdof, offset);
    mju_addTo3(jac + 6 * i, cdof + 3);
    mju_scl3(jac + 6 * i + 3, cdof, turn_weight);
  }
}

static void add_arm(program* p, const loomWholeBody* body, const loomArm* arm, const mjModel* m,
                    const mjData* d) {
  double jac[6 * LOOM_MAX_BODY], gap[6];
  int n = body->n;
  body_jacobian(jac, body, arm, m, d);

  arm_gap(gap, arm, d);
  shorten(gap, 0.1);
  shorten(gap + 3, 0.5);
  mju_scl3(gap + 3, gap + 3, turn_weight);

  // Gauss-Newton: H = J'J, g = -J'gap.
  for (int i = 0; i < n; i++) {
    p->g[i] -= mju_dot(jac + 6 * i, gap, 6);
    for (int j = 0; j < n; j++) p->h[i * n + j] += mju_dot(jac + 6 * i, jac + 6 * j, 6);
  }
}

static void pose_program(program* p, const loomWholeBody* body, const loomArm* arms, const mjModel* m,
                         const mjData* d, double dt) {
  int n = body->n;
  memset(p->h, 0, sizeof(double) * (size_t)(n * n));
  memset(p->g, 0, sizeof p->g);
  for (int a = 0; a < body->arm_count; a++) add_arm(p, body, &arms[a], m, d);

  for (int i = 0; i < n; i++) {
    double q = d->qpos[body->qpos[i]], posture = body->weight[i] * body->control.posture;
    double reach = body->speed[i] > 0 ? pace * body->speed[i] * dt : 10;

    p->h[i * n + i] += body->weight[i] * damping + posture;
    p->g[i] += posture * (q - body->posture[i]);

    // The goal of a control step stays within reach of the one before and of the joint's range.
    double from = body->state.from[i];
    p->low[i] = fmin(fmax(body->low[i], from - reach) - q, 0);
    p->high[i] = fmax(fmin(body->high[i], from + reach) - q, 0);
  }
}

bool loom_whole_body_plan(loomWholeBody* body, const loomArm* arms, const mjModel* m, const mjData* d,
                          mjData* scratch, double dt) {
  struct loomWholeBodyState* s = &body->state;
  program p;
  double gap[6], before = 0, after = 0;  // of what is left of all arms' ways
  bool ok = true;

  // From where the last goal left the joints, not from where they are: goals do not sag.
  memcpy(s->from, s->goal, sizeof s->from);
  mju_copy(scratch->qpos, d->qpos, (int)m->nq);
  for (int i = 0; i < body->n; i++) scratch->qpos[body->qpos[i]] = s->from[i];

  for (int k = 0; ok; k++) {
    mj_kinematics(m, scratch);
    after = 0;
    for (int a = 0; a < body->arm_count; a++) after += s->rest[a] = arm_gap(gap, &arms[a], scratch);

    if (k == 0) before = after;
    if (k == iterations) break;

    mj_comPos(m, scratch);
    memset(p.step, 0, sizeof p.step);
    pose_program(&p, body, arms, m, scratch, dt);
    ok = mju_boxQP(p.step, p.factor, p.index, p.h, p.g, body->n, p.low, p.high) >= 0;
    for (int i = 0; ok && i < body->n; i++) scratch->qpos[body->qpos[i]] += p.step[i];
  }

  for (int i = 0; ok && i < body->n; i++) s->goal[i] = scratch->qpos[body->qpos[i]];

  // Short of the target and hardly closer to it than before: a joint that hurries there gets closer.
  bool fell_short = !ok || (after > 0.01 && after > 0.95 * before);
  s->short_steps += fell_short;
  return ok;
}

// ---- the torques

// As the joint goals of a JOINT_POSITION action: an episode's goals are such actions to the bit.
static void tell_servos(const loomWholeBody* body, mjData* d) {
  for (int i = 0; i < body->n; i++)
    if (body->drive[i].servo) d->ctrl[body->drive[i].actuator] = body->drive[i].gear * body->state.goal[i];
}

void loom_whole_body_apply(const loomWholeBody* body, const mjModel* m, mjData* d, double phase, double dt) {
  const struct loomWholeBodyState* s = &body->state;
  double kp = body->control.kp[0], kd = 2 * sqrt(kp) * body->control.damping_ratio[0];
  double acceleration[LOOM_MAX_BODY], torque[LOOM_MAX_BODY];
  tell_servos(body, d);
  if (body->servos == body->n) return;

  // A joint follows the straight line from one goal to the next, with its speed.
  for (int i = 0; i < body->n; i++) {
    double way = s->goal[i] - s->from[i];
    acceleration[i] =
        kp * (s->from[i] + phase * way - d->qpos[body->qpos[i]]) + kd * (way / dt - d->qvel[body->dof[i]]);
    torque[i] = d->qfrc_bias[body->dof[i]];
  }

  for (int i = 0; i < body->n; i++) {
    // Row i of the joint-space inertia, lower triangle.
    int start = m->M_rowadr[body->dof[i]], end = start + m->M_rownnz[body->dof[i]];
    for (int k = start; k < end; k++) {
      for (int j = 0; j < body->n; j++) {
        if (m->M_colind[k] != body->dof[j]) continue;
        torque[i] += d->M[k] * acceleration[j];
        if (i != j) torque[j] += d->M[k] * acceleration[i];
      }
    }
  }

  for (int i = 0; i < body->n; i++) {
    const loomDrive* drive = &body->drive[i];
    double clipped = fmax(-body->torque[i], fmin(body->torque[i], torque[i]));
    if (!drive->servo) d->ctrl[drive->actuator] = clipped / drive->gear;
  }
}
