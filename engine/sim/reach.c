#include "engine/sim/reach.h"

static const double m_per_rad = 0.1;      // how much of a distance one rad counts for, m
static const double close_enough = 1e-3;  // where iterations end, m
static const double damping = 1e-4;       // of the least squares: near singular poses steps stay small
static const double longest_step = 0.3;   // of a joint in one iteration, rad or m
static const double limit_margin = 0.02;  // kept from a joint's limits, rad or m
static const double least_pivot = 1e-10;  // of the Cholesky factor

// How far the end effector is from its target: (3) m, then (3) rotation vector in the world frame, rad.
static double pose_gap(double gap[6], const loomArm* arm, const mjData* d, loomPose target) {
  loomPose now = loom_arm_eef(arm, d);
  double inverse[4] = {now.quat[0], -now.quat[1], -now.quat[2], -now.quat[3]}, turn[4];
  mju_sub3(gap, target.pos, now.pos);

  // The rotation that is missing is target * inverse(now).
  loom_quat_mul(turn, target.quat, inverse);
  loom_quat_log(gap + 3, turn);
  return mju_norm3(gap) + m_per_rad * mju_norm3(gap + 3);
}

// Entry of the arm's Jacobian: row 0 to 2 position, 3 to 5 rotation; column c is the arm's c-th joint.
static double entry(const loomEpisode* e, const loomArm* arm, int row, int c) {
  return e->jacobian[(size_t)row * (size_t)e->m->nv + (size_t)arm->dof[c]];
}

// x = inverse(J J' + damping I) gap: the joints' step is then J' x. S. Buss, "Introduction to inverse
// kinematics with Jacobian transpose, pseudoinverse and damped least squares methods", 2004, equation 11.
static void solve_step(double x[6], const double gap[6], const loomEpisode* e, const loomArm* arm) {
  double normal[36];
  for (int i = 0; i < 6; i++) {
    x[i] = gap[i];
    for (int j = 0; j < 6; j++) {
      double sum = i == j ? damping : 0;
      for (int c = 0; c < arm->n; c++) sum += entry(e, arm, i, c) * entry(e, arm, j, c);
      normal[6 * i + j] = sum;
    }
  }

  mju_cholFactor(normal, 6, least_pivot);
  mju_cholSolve(x, normal, x, 6);
}

static void move_joints(mjData* d, const double x[6], const loomEpisode* e, const loomArm* arm) {
  for (int c = 0; c < arm->n; c++) {
    double step = 0;
    for (int i = 0; i < 6; i++) step += entry(e, arm, i, c) * x[i];

    int id = e->m->dof_jntid[arm->dof[c]];
    const double* range = e->m->jnt_range + 2 * id;
    double* joint = &d->qpos[arm->qpos[c]];
    *joint += mju_clip(step, -longest_step, longest_step);
    if (e->m->jnt_limited[id]) *joint = mju_clip(*joint, range[0] + limit_margin, range[1] - limit_margin);
  }
}

double loom_episode_reach(double* q, loomEpisode* e, int a, const double* q_start, loomPose target,
                          int iterations) {
  const loomArm* arm = &e->arms[a];
  mjData* d = e->scratch;
  double gap[6], x[6], rest = 0;

  // All joints as they are now: a torso or a moving base under the arm is not where scratch was last.
  mju_copy(d->qpos, e->d->qpos, (int)e->m->nq);
  for (int i = 0; i < arm->n; i++) d->qpos[arm->qpos[i]] = q_start[i];

  for (int k = 0;; k++) {
    mj_kinematics(e->m, d);
    rest = pose_gap(gap, arm, d, target);
    if (k == iterations || rest < close_enough) break;

    mj_comPos(e->m, d);
    mj_jacSite(e->m, d, e->jacobian, e->jacobian + 3 * (size_t)e->m->nv, arm->site);
    solve_step(x, gap, e, arm);
    move_joints(d, x, e, arm);
  }

  for (int i = 0; i < arm->n; i++) q[i] = d->qpos[arm->qpos[i]];
  return rest;
}
