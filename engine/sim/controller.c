#include "engine/sim/controller.h"

#include <math.h>
#include <string.h>

static const double nullspace_kp = 10;    // robosuite utils/control_utils.py, nullspace_torques
static const double limit_margin = 0.02;  // a joint so close to its limit stands at it, rad or m

// ---- binding

static int find(int* id, const mjModel* m, mjtObj type, const char* kind, const char* name, loomError* err) {
  *id = mj_name2id(m, type, name);
  if (*id >= 0) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "the model has no %s '%s'; check the robot's file in scenes/robots against the MJCF",
                        kind, name);
}

// One number a joint: controllers know neither balls nor free bodies.
static int find_joint(int* id, const mjModel* m, const char* name, loomError* err) {
  int code = find(id, m, mjOBJ_JOINT, "joint", name, err);
  return code ? code : loom_actuator_joint(*id, m, err);
}

static int bind_arm(loomArm* arm, const loomJointsDef* j, loomControllerType type, const mjModel* m,
                    loomError* err) {
  for (int i = 0; i < j->count; i++) {
    int id, code = find_joint(&id, m, j->joints[i], err);
    if (!code)
      code = loom_actuator_drive(&arm->drive[i], j->actuators[i], id, j->torque_limit[i], type, m, err);
    if (code) return code;

    arm->qpos[i] = m->jnt_qposadr[id];
    arm->dof[i] = m->jnt_dofadr[id];
  }
  return 0;
}

// A hand's action of -1 and 1 are the ends of its actuators' ranges.
static int bind_hand(loomArm* arm, const loomRobotDef* robot, const mjModel* m, loomError* err) {
  for (int i = 0; i < robot->gripper_joint_count; i++) {
    double range[2];
    int id, code = find_joint(&id, m, robot->gripper_joints[i], err);
    if (!code)
      code = loom_actuator_gripper(&arm->hand_actuator[i], range, robot->gripper_actuators[i], id, m, err);
    if (code) return code;

    arm->hand_qpos[i] = m->jnt_qposadr[id];
    arm->hand_dof[i] = m->jnt_dofadr[id];
    arm->hand_mid[i] = 0.5 * (range[0] + range[1]);
    arm->hand_half[i] = 0.5 * (range[1] - range[0]);
  }
  return 0;
}

// The frame that actions are in: where it stands still its pose is that of the bodies it is on.
static int bind_base(loomArm* arm, const loomRobotDef* robot, const mjModel* m, loomError* err) {
  if (!robot->base_body[0])
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "actions are in the base of robot '%s' (input_ref_frame), and its file in "
                          "scenes/robots names no `base_body`",
                          robot->robot);

  int body, code = find(&body, m, mjOBJ_BODY, "body", robot->base_body, err);
  if (code) return code;
  arm->base_body = body;
  arm->base_moves = arm->control.robosuite15 && m->body_weldid[body];
  if (m->body_weldid[body] && !arm->base_moves)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "actions are in the base of robot '%s' (input_ref_frame), and its `base_body` '%s' "
                          "moves; only robots that are fixed to the world can be driven so",
                          robot->robot, robot->base_body);

  arm->base = loom_pose_identity();
  for (; body > 0; body = m->body_parentid[body])
    arm->base =
        loom_pose_mul(loom_pose_from_quat(m->body_pos + 3 * body, m->body_quat + 4 * body), arm->base);
  return 0;
}

int loom_arm_bind(loomArm* arm, const loomRobotDef* robot, const loomControllerDef* control, const mjModel* m,
                  loomError* err) {
  memset(arm, 0, sizeof *arm);
  arm->robot = robot;
  arm->control = *control;
  arm->n = robot->arm.count;
  arm->hand_n = robot->gripper_joint_count;
  arm->pose_dim = loom_controller_pose_dim(control, robot);

  // What the robot's file promises is compared with what the model has.
  int code = bind_arm(arm, &robot->arm, control->type, m, err);
  if (!code) code = bind_hand(arm, robot, m, err);
  bool relative =
      control->in_base || (control->type == LOOM_OSC_POSE && control->robosuite15 && robot->base_body[0]);
  if (!code && relative) code = bind_base(arm, robot, m, err);
  return code ? code : find(&arm->site, m, mjOBJ_SITE, "site", robot->eef_site, err);
}

int loom_arm_action_dim(const loomArm* arm) {
  return arm->pose_dim + arm->robot->gripper_dim;
}

// ---- goals

// Of a point of a body: linear, then angular, world frame.
static void point_velocity(double velocity[6], int body, const double point[3], const mjModel* m,
                           const mjData* d) {
  const double* motion = d->cvel + 6 * body;  // rotation, then translation about the tree's center of mass
  double lever[3];
  mju_sub3(lever, point, d->subtree_com + 3 * m->body_rootid[body]);
  mju_cross(velocity, motion, lever);
  mju_addTo3(velocity, motion + 3);
  mju_copy3(velocity + 3, motion);
}

static loomPose goal_in_base(const struct loomArmState* s) {
  return loom_pose_from_mat(s->base_pos, s->base_mat);
}

void loom_arm_look(loomArm* arm, const mjModel* m, const mjData* d) {
  struct loomArmState* s = &arm->state;
  int body = arm->base_body;
  if (!arm->base_moves) return;

  arm->base = s->base = loom_pose_from_mat(d->xpos + 3 * body, d->xmat + 9 * body);
  point_velocity(arm->base_velocity, body, d->xpos + 3 * body, m, d);

  // A goal of the base's moves with it.
  if (!arm->control.in_base) return;
  loomPose goal = loom_pose_mul(arm->base, goal_in_base(s));
  mju_copy3(s->goal_pos, goal.pos);
  mju_quat2Mat(s->goal_mat, goal.quat);
}

void loom_arm_reset(loomArm* arm, const mjModel* m, const mjData* d) {
  memset(&arm->state, 0, sizeof arm->state);
  memcpy(arm->state.goal_pos, d->site_xpos + 3 * arm->site, sizeof arm->state.goal_pos);
  memcpy(arm->state.goal_mat, d->site_xmat + 9 * arm->site, sizeof arm->state.goal_mat);
  for (int i = 0; i < arm->n; i++) arm->state.goal_qpos[i] = d->qpos[arm->qpos[i]];

  // robosuite takes the pose in the world for one in the base, until there is an action.
  memcpy(arm->state.base_pos, d->site_xpos + 3 * arm->site, sizeof arm->state.base_pos);
  memcpy(arm->state.base_mat, d->site_xmat + 9 * arm->site, sizeof arm->state.base_mat);
  loom_arm_look(arm, m, d);
}

static double clip(double x, double low, double high) {
  return x < low ? low : x > high ? high : x;
}

static void scale_action(double* out, const loomArm* arm, const double* action) {
  const loomControllerDef* c = &arm->control;
  for (int i = 0; i < arm->pose_dim; i++) {
    double scale = fabs(c->output_max[i] - c->output_min[i]) / fabs(c->input_max[i] - c->input_min[i]);
    double a = clip(action[i], c->input_min[i], c->input_max[i]);
    out[i] =
        (a - (c->input_max[i] + c->input_min[i]) / 2) * scale + (c->output_max[i] + c->output_min[i]) / 2;
  }
}

// The inverse: what has to be asked for to be moved so.
static void unscale_action(double* action, const loomArm* arm, const double* move) {
  const loomControllerDef* c = &arm->control;
  for (int i = 0; i < arm->pose_dim; i++) {
    double scale = fabs(c->output_max[i] - c->output_min[i]) / fabs(c->input_max[i] - c->input_min[i]);
    double a = (move[i] - (c->output_max[i] + c->output_min[i]) / 2) / scale +
               (c->input_max[i] + c->input_min[i]) / 2;
    action[i] = clip(a, c->input_min[i], c->input_max[i]);
  }
}

// robosuite 1.4 compares with math.isclose(x, 0), which without an absolute tolerance means x == 0.
static bool turns(const loomArm* arm, const double* rotation) {
  return arm->control.robosuite15 || rotation[0] != 0 || rotation[1] != 0 || rotation[2] != 0;
}

// What an action asks for, in the world's frame: a move along its axes, or a pose (position, axis times
// angle).
static void to_world(double move[6], const loomArm* arm) {
  if (!arm->control.in_base) return;
  if (arm->control.delta) {
    loom_quat_rotate(move, arm->base.quat, (const double[]){move[0], move[1], move[2]});
    loom_quat_rotate(move + 3, arm->base.quat, (const double[]){move[3], move[4], move[5]});
    return;
  }

  double quat[4];
  loom_quat_exp(quat, move + 3);
  loomPose pose = loom_pose_mul(arm->base, loom_pose_from_quat(move, quat));
  mju_copy3(move, pose.pos);
  loom_quat_log(move + 3, pose.quat);
}

static void take_hand_told(loomArm* arm, const double* told) {
  struct loomArmState* s = &arm->state;
  s->grip_action = 0;

  for (int i = 0; i < arm->robot->gripper_dim; i++) {
    s->hand_action[i] = told[i];
    s->grip_action += s->hand_action[i] / arm->robot->gripper_dim;
  }
}

static void take_hand(loomArm* arm, const double* action) {
  take_hand_told(arm, action + arm->pose_dim);
}

// A hand's command moves towards open or closed by a speed, or follows a position by that speed.
static void move_grip(loomArm* arm) {
  for (int i = 0; i < arm->hand_n; i++) {
    double a = arm->state.hand_action[arm->robot->gripper_entry[i]], speed = arm->robot->gripper_speed;
    if (arm->control.raw_hand && arm->robot->gripper_absolute) {
      arm->state.grip[i] = arm->robot->gripper_sign[i] * a;
      continue;
    }

    double step = arm->robot->gripper_sign[i] * speed * (a > 0 ? 1 : a < 0 ? -1 : 0);
    if (arm->robot->gripper_absolute)
      step = clip(arm->robot->gripper_sign[i] * clip(a, -1, 1) - arm->state.grip[i], -speed, speed);

    arm->state.grip[i] = clip(arm->state.grip[i] + step, -1, 1);
  }
}

void loom_arm_recall_hand(loomArm* arm, const double* action, int substeps) {
  arm->state.midway = true;
  take_hand(arm, action);
  for (int k = 0; k < (arm->robot->gripper_at_once ? 1 : substeps); k++) move_grip(arm);
}

void loom_arm_put_hand(loomArm* arm, const double* told, const double* command) {
  arm->state.midway = true;
  take_hand_told(arm, told);
  memcpy(arm->state.grip, command, sizeof *command * (size_t)arm->hand_n);
}

// The goal of an arm on a base that moves, in the frame that its actions are in; move is an action, scaled.
static void set_moving_goal(loomArm* arm, const mjData* d, const double move[6]) {
  struct loomArmState* s = &arm->state;
  bool in_base = arm->control.in_base;
  loomPose from = in_base ? goal_in_base(s) : loom_pose_from_mat(s->goal_pos, s->goal_mat), to;
  if (!arm->goes_on) {
    from = loom_arm_eef(arm, d);
    if (in_base) from = loom_pose_mul(loom_pose_inverse(arm->base), from);
  }

  double turn[4];
  loom_quat_exp(turn, move + 3);
  to = loom_pose_from_quat(move, turn);
  if (arm->control.delta) {
    mju_add3(to.pos, from.pos, move);
    loom_quat_mul(to.quat, turn, from.quat);
  }

  mju_copy3(in_base ? s->base_pos : s->goal_pos, to.pos);
  mju_quat2Mat(in_base ? s->base_mat : s->goal_mat, to.quat);
}

void loom_arm_set_goal(loomArm* arm, const mjModel* m, const mjData* d, const double* action) {
  (void)m;
  struct loomArmState* s = &arm->state;
  take_hand(arm, action);
  if (arm->robot->gripper_at_once) move_grip(arm);

  double scaled[LOOM_MAX_JOINTS] = {0};
  scale_action(scaled, arm, action);
  if (arm->control.type == LOOM_JOINT_POSITION) {
    for (int i = 0; i < arm->n; i++)
      s->goal_qpos[i] = arm->control.delta ? d->qpos[arm->qpos[i]] + scaled[i] : action[i];
    return;
  }

  // robosuite: set_goal of its operational space controller.
  double move[6], quat[4], mat[9];
  memcpy(move, arm->control.delta ? scaled : action, sizeof move);
  if (arm->base_moves || arm->goes_on) {
    set_moving_goal(arm, d, move);
    return;
  }
  to_world(move, arm);
  loom_quat_exp(quat, move + 3);
  mju_quat2Mat(mat, quat);

  if (arm->control.delta) {
    mju_add3(s->goal_pos, d->site_xpos + 3 * arm->site, move);
    if (turns(arm, move + 3)) mju_mulMatMat(s->goal_mat, mat, d->site_xmat + 9 * arm->site, 3, 3, 3);
  } else {
    mju_copy3(s->goal_pos, move);
    memcpy(s->goal_mat, mat, sizeof mat);
  }
}

loomPose loom_arm_target(const loomArm* arm, loomPose eef, loomPose previous, const double* action) {
  double move[LOOM_MAX_JOINTS] = {0}, quat[4];
  if (arm->control.type == LOOM_JOINT_POSITION) return eef;
  if (arm->control.delta) {
    scale_action(move, arm, action);
  } else {
    memcpy(move, action, 6 * sizeof *move);
  }

  to_world(move, arm);
  loom_quat_exp(quat, move + 3);
  loomPose out = previous;
  if (!arm->control.delta) return loom_pose_from_quat(move, quat);

  mju_add3(out.pos, eef.pos, move);
  if (turns(arm, move + 3)) loom_quat_mul(out.quat, quat, eef.quat);
  return out;
}

int loom_arms_take_poses(const loomArm* arms, int n, const char* label, loomError* err) {
  for (int a = 0; a < n; a++) {
    if (arms[a].control.type != LOOM_JOINT_POSITION) continue;
    return loom_error_set(
        err, LOOM_ERR_UNSUPPORTED,
        "%s: arm %d's controller takes joint angles (JOINT_POSITION), not poses; OSC_POSE and "
        "WHOLE_BODY_IK take these",
        label, a);
  }
  return LOOM_OK;
}

void loom_arm_action_towards(double* action, const loomArm* arm, loomPose eef, loomPose target) {
  const loomControllerDef* c = &arm->control;
  double move[6];
  if (!c->delta) {
    if (c->in_base) target = loom_pose_mul(loom_pose_inverse(arm->base), target);
    mju_copy3(action, target.pos);
    loom_quat_log(action + 3, target.quat);
    return;
  }

  double inverse[4] = {eef.quat[0], -eef.quat[1], -eef.quat[2], -eef.quat[3]}, turn[4];
  mju_sub3(move, target.pos, eef.pos);
  loom_quat_mul(turn, target.quat, inverse);
  loom_quat_log(move + 3, turn);
  if (c->in_base) {
    loomPose world_base = loom_pose_inverse(arm->base);
    loom_quat_rotate(move, world_base.quat, (const double[]){move[0], move[1], move[2]});
    loom_quat_rotate(move + 3, world_base.quat, (const double[]){move[3], move[4], move[5]});
  }

  unscale_action(action, arm, move);
}

void loom_arm_action_to_joints(double* action, const loomArm* arm, const double* from, const double* to) {
  double move[LOOM_MAX_JOINTS];
  mju_sub(move, to, from, arm->pose_dim);
  if (arm->control.delta)
    unscale_action(action, arm, move);
  else
    mju_copy(action, to, arm->pose_dim);
}

loomPose loom_arm_eef(const loomArm* arm, const mjData* d) {
  return loom_pose_from_mat(d->site_xpos + 3 * arm->site, d->site_xmat + 9 * arm->site);
}

// ---- small matrices

// Lower Cholesky factor in place, of the lower triangle of a (n x n). A pivot is kept above a floor that only
// a singular matrix reaches, where robosuite's pseudo-inverse would drop the direction.
static void cholesky(double* a, int n) {
  double largest = 0;
  for (int i = 0; i < n; i++)
    if (a[i * n + i] > largest) largest = a[i * n + i];

  double least = fmax(largest * 1e-14, 1e-300);
  for (int j = 0; j < n; j++) {
    double pivot = a[j * n + j];
    for (int k = 0; k < j; k++) pivot -= a[j * n + k] * a[j * n + k];
    pivot = sqrt(pivot > least ? pivot : least);

    a[j * n + j] = pivot;
    for (int i = j + 1; i < n; i++) {
      double x = a[i * n + j];
      for (int k = 0; k < j; k++) x -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = x / pivot;
    }
  }
}

// x = inv(L) x for the six columns of x (n x 6) at once: they do not wait for each other.
static void forward_solve_six(double* x, const double* l, int n) {
  for (int i = 0; i < n; i++) {
    double row[6];
    memcpy(row, x + 6 * i, sizeof row);
    for (int k = 0; k < i; k++)
      for (int c = 0; c < 6; c++) row[c] -= l[i * n + k] * x[6 * k + c];
    for (int c = 0; c < 6; c++) x[6 * i + c] = row[c] / l[i * n + i];
  }
}

// x = inv(L L^T) x
static void cholesky_solve(double* x, const double* l, int n) {
  for (int i = 0; i < n; i++) {
    double sum = x[i];
    for (int k = 0; k < i; k++) sum -= l[i * n + k] * x[k];
    x[i] = sum / l[i * n + i];
  }
  for (int i = n - 1; i >= 0; i--) {
    double sum = x[i];
    for (int k = i + 1; k < n; k++) sum -= l[k * n + i] * x[k];
    x[i] = sum / l[i * n + i];
  }
}

// ---- dynamics

// The arm's own block (n x n, both triangles) of the joint-space inertia.
static void arm_inertia(double* out, const loomArm* arm, const mjModel* m, const mjData* d) {
  int n = arm->n;
  memset(out, 0, sizeof(double) * (size_t)(n * n));
  for (int i = 0; i < n; i++) {
    int row = arm->dof[i], start = m->M_rowadr[row], end = start + m->M_rownnz[row];

    // Columns come in the joints' order as a rule: the one after the last is looked at first.
    for (int k = start, j = 0; k < end; k++) {
      for (int tried = 1; tried < n && arm->dof[j] != m->M_colind[k]; tried++) j = j + 1 < n ? j + 1 : 0;
      if (arm->dof[j] == m->M_colind[k]) out[i * n + j] = out[j * n + i] = d->M[k];
    }
  }
}

// Geometric Jacobian of the end effector: jac (n x 6), one row a joint: linear then angular velocity for unit
// speed.
static void arm_jacobian(double* jac, const loomArm* arm, const mjModel* m, const mjData* d) {
  const double* point = d->site_xpos + 3 * arm->site;
  int body = m->site_bodyid[arm->site];
  const double* com = d->subtree_com + 3 * m->body_rootid[body];

  double offset[3];
  mju_sub3(offset, point, com);

  for (int i = 0; i < arm->n; i++) {
    const double* cdof =
        d->cdof + 6 * arm->dof[i];  // rotation, then translation about the tree's center of mass
    double* row = jac + 6 * i;

    // The speed of a point: that about the center of mass, and the turn times the lever.
    mju_cross(row, cdof, offset);
    mju_addTo3(row, cdof + 3);
    mju_copy3(row + 3, cdof);
  }
}

static void pose_errors(double force[6], const loomArm* arm, const mjData* d, const double velocity[6]) {
  const loomControllerDef* c = &arm->control;
  const double* mat = d->site_xmat + 9 * arm->site;
  const double* goal = arm->state.goal_mat;
  double error[6];
  mju_sub3(error, arm->state.goal_pos, d->site_xpos + 3 * arm->site);

  // Half the sum of the cross products of the axes: sin(angle) times the axis.
  mju_zero3(error + 3);
  for (int k = 0; k < 3; k++) {
    double now[3] = {mat[k], mat[3 + k], mat[6 + k]}, want[3] = {goal[k], goal[3 + k], goal[6 + k]}, cross[3];
    mju_cross(cross, now, want);
    mju_addToScl3(error + 3, cross, 0.5);
  }

  // A spring with its damper, critical where the ratio is 1.
  for (int i = 0; i < 6; i++) {
    double kd = 2 * sqrt(c->kp[i]) * c->damping_ratio[i];
    force[i] = c->kp[i] * error[i] - kd * velocity[i];
  }
}

static void joint_torques(double* torque, const loomArm* arm, const mjData* d, const double* inertia) {
  const loomControllerDef* c = &arm->control;
  double acceleration[LOOM_MAX_JOINTS];
  for (int i = 0; i < arm->n; i++) {
    double kd = 2 * sqrt(c->kp[i]) * c->damping_ratio[i];
    acceleration[i] =
        c->kp[i] * (arm->state.goal_qpos[i] - d->qpos[arm->qpos[i]]) - kd * d->qvel[arm->dof[i]];
  }
  mju_mulMatVec(torque, inertia, acceleration, arm->n, arm->n);
}

// wrench (6) = lambda * force, with lambda = inv(J inv(M) J^T): whole, or its linear and angular blocks
// apart.
static void operational_wrench(double wrench[6], const double* lambda_inv, const double force[6],
                               bool uncouple) {
  memcpy(wrench, force, 6 * sizeof *wrench);

  if (!uncouple) {
    double full[36];
    memcpy(full, lambda_inv, sizeof full);
    cholesky(full, 6);
    cholesky_solve(wrench, full, 6);
    return;
  }

  for (int block = 0; block < 6; block += 3) {
    double part[9];
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) part[3 * i + j] = lambda_inv[6 * (block + i) + block + j];
    }

    cholesky(part, 3);
    cholesky_solve(wrench + block, part, 3);
  }
}

static void osc_torques(double* torque, const loomArm* arm, const mjModel* m, const mjData* d,
                        const double* inertia) {
  int n = arm->n;
  double jac[6 * LOOM_MAX_JOINTS], factor[LOOM_MAX_JOINTS * LOOM_MAX_JOINTS], solved[6 * LOOM_MAX_JOINTS],
      half[6][LOOM_MAX_JOINTS];
  double velocity[6] = {0}, force[6], lambda_inv[36], wrench[6], posture[LOOM_MAX_JOINTS];

  arm_jacobian(jac, arm, m, d);
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < 6; k++) velocity[k] += jac[6 * i + k] * d->qvel[arm->dof[i]];
  }
  if (arm->base_moves) {
    point_velocity(velocity, m->site_bodyid[arm->site], d->site_xpos + 3 * arm->site, m, d);
    mju_subFrom(velocity, arm->base_velocity, 6);
  }

  // With M = L L^T and B = inv(L) J^T, inv(lambda) = B^T B.
  memcpy(factor, inertia, sizeof(double) * (size_t)(n * n));
  cholesky(factor, n);
  memcpy(solved, jac, sizeof(double) * (size_t)(6 * n));
  forward_solve_six(solved, factor, n);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < 6; k++) half[k][i] = solved[6 * i + k];

  for (int a = 0; a < 6; a++) {
    for (int b = 0; b <= a; b++) lambda_inv[6 * a + b] = lambda_inv[6 * b + a] = mju_dot(half[a], half[b], n);
  }

  pose_errors(force, arm, d, velocity);
  operational_wrench(wrench, lambda_inv, force, arm->control.uncouple_pos_ori);

  // Nullspace: N^T M a = M a - J^T lambda J a, for the posture acceleration a.
  double task[6] = {0}, kv = 2 * sqrt(nullspace_kp);
  for (int i = 0; i < n; i++) {
    posture[i] =
        nullspace_kp * (arm->robot->arm.init_qpos[i] - d->qpos[arm->qpos[i]]) - kv * d->qvel[arm->dof[i]];
    for (int k = 0; k < 6; k++) task[k] += jac[6 * i + k] * posture[i];
  }

  cholesky(lambda_inv, 6);
  cholesky_solve(task, lambda_inv, 6);

  mju_mulMatVec(torque, inertia, posture, n, n);
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < 6; k++) torque[i] += jac[6 * i + k] * (wrench[k] - task[k]);
  }
}

double loom_arm_speed_share(int* fastest, const loomArm* arm, const mjData* d) {
  double most = 0;

  // Shares of the limits, so that fast and slow joints compare; a robot file may leave limits out (0).
  for (int i = 0; i < arm->n; i++) {
    double limit = arm->robot->arm.velocity_limit[i];
    double share = limit > 0 ? fabs(d->qvel[arm->dof[i]]) / limit : 0;
    if (share <= most) continue;

    most = share;
    *fastest = i;
  }
  return most;
}

int loom_arm_at_limit(const loomArm* arm, const mjModel* m, const mjData* d) {
  for (int i = 0; i < arm->n; i++) {
    int joint = m->dof_jntid[arm->dof[i]];

    double q = d->qpos[arm->qpos[i]];
    const double* range = m->jnt_range + 2 * joint;
    if (m->jnt_limited[joint] && (q < range[0] + limit_margin || q > range[1] - limit_margin)) return i;
  }
  return -1;
}

void loom_arm_torques(double* torque, const loomArm* arm, const mjModel* m, const mjData* d) {
  double inertia[LOOM_MAX_JOINTS * LOOM_MAX_JOINTS];
  arm_inertia(inertia, arm, m, d);
  if (arm->control.type == LOOM_OSC_POSE) {
    osc_torques(torque, arm, m, d, inertia);
  } else {
    joint_torques(torque, arm, d, inertia);
  }

  // Gravity, Coriolis and centrifugal forces are held against.
  for (int i = 0; i < arm->n; i++) torque[i] += d->qfrc_bias[arm->dof[i]];
}

void loom_arm_acceleration(double* out, const loomArm* arm, const mjModel* m, const mjData* d, double dt) {
  double inertia[LOOM_MAX_JOINTS * LOOM_MAX_JOINTS];
  loom_arm_torques(out, arm, m, d);
  for (int i = 0; i < arm->n; i++) {
    double limit = arm->robot->arm.torque_limit[i];
    out[i] = clip(out[i], -limit, limit) - m->dof_damping[arm->dof[i]] * d->qvel[arm->dof[i]];
  }

  // Damping at the step's end, which is stable however light the joint (implicit Euler).
  arm_inertia(inertia, arm, m, d);
  for (int i = 0; i < arm->n; i++) inertia[i * arm->n + i] += dt * m->dof_damping[arm->dof[i]];
  cholesky(inertia, arm->n);
  cholesky_solve(out, inertia, arm->n);
}

// Position servos are told where the joints are to go, and make the torques themselves. Returns how many.
static int apply_goals(const loomArm* arm, mjData* d) {
  int n = 0;
  for (int i = 0; i < arm->n; i++) {
    const loomDrive* drive = &arm->drive[i];
    if (!drive->servo) continue;
    d->ctrl[drive->actuator] = drive->gear * arm->state.goal_qpos[i];
    n++;
  }
  return n;
}

static void apply_torques(const loomArm* arm, const mjModel* m, mjData* d, const mjData* seen) {
  double torque[LOOM_MAX_JOINTS];
  if (apply_goals(arm, d) == arm->n) return;
  loom_arm_torques(torque, arm, m, seen);

  // Planned on another state, but what is held against is this one's.
  for (int i = 0; seen != d && i < arm->n; i++)
    torque[i] += d->qfrc_bias[arm->dof[i]] - seen->qfrc_bias[arm->dof[i]];
  for (int i = 0; i < arm->n; i++) {
    const loomDrive* drive = &arm->drive[i];
    double limit = arm->robot->arm.torque_limit[i];
    if (!drive->servo) d->ctrl[drive->actuator] = clip(torque[i], -limit, limit) / drive->gear;
  }
}

void loom_arm_apply(loomArm* arm, const mjModel* m, mjData* d, const mjData* seen) {
  loom_arm_look(arm, m, d);
  if (arm->control.type != LOOM_WHOLE_BODY_IK) apply_torques(arm, m, d, seen);

  if (!arm->robot->gripper_at_once) move_grip(arm);
  for (int i = 0; i < arm->hand_n; i++) {
    double mid = arm->hand_mid[i], half = arm->hand_half[i], told = arm->state.grip[i];
    told = arm->control.raw_hand ? clip(told, mid - half, mid + half) : mid + half * told;
    d->ctrl[arm->hand_actuator[i]] = told;
  }
}
