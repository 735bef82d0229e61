#include "policies/data/motion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { POSE = 7, SPEED = 6 };

// Rows around the action's that are seen. A gripper is sent by its speed: one that holds something lets go of
// it rows after it was told to.
static const int hand_rows[] = {-1, 0, 1, 2};
enum { HAND_ROWS = sizeof hand_rows / sizeof *hand_rows, GRIP_FIRST = -2, GRIP_LAST = 8 };

// Fingers that move less, as a share of half their range, stand still.
static const double still = 0.02;

// ---- rows

static int bind_joints(loomMotionArm* out, const loomArm* arm, const mjModel* m, loomError* err) {
  out->joints = arm->n;
  out->fingers = arm->hand_n;
  for (int i = 0; i < arm->n; i++) {
    out->qpos[i] = arm->qpos[i];
    out->dof[i] = arm->dof[i];
  }

  // A torso that several arms hang on moves the hand as well.
  const loomJointsDef* torso = &arm->robot->torso;
  for (int i = 0; i < torso->count; i++) {
    int id = mj_name2id(m, mjOBJ_JOINT, torso->joints[i]);
    if (id < 0)
      return loom_error_set(err, LOOM_ERR_FORMAT, "the model has no joint '%s' of the torso of robot '%s'",
                            torso->joints[i], arm->robot->robot);
    out->qpos[out->joints] = m->jnt_qposadr[id];
    out->dof[out->joints++] = m->jnt_dofadr[id];
  }
  return 0;
}

int loom_motion_bind(loomMotionLayout* out, const loomEpisode* e, loomError* err) {
  *out = (loomMotionLayout){.arm_count = e->arm_count};
  int code = 0;
  for (int a = 0; !code && a < e->arm_count; a++) {
    loomMotionArm* arm = &out->arm[a];
    code = bind_joints(arm, &e->arms[a], e->m, err);
    arm->at = out->dim;
    out->dim += POSE + SPEED + 2 * (arm->joints + arm->fingers);
  }

  return code;
}

int loom_motion_create(loomMotion* out, const loomMotionLayout* layout, int rows, int action_dim,
                       loomError* err) {
  *out = (loomMotion){.rows = rows, .dim = layout->dim, .action_dim = action_dim};
  out->row = calloc((size_t)rows * (size_t)layout->dim + 1, sizeof *out->row);
  if (action_dim) out->actions = calloc((size_t)rows * (size_t)action_dim + 1, sizeof *out->actions);
  if (out->row && (out->actions || !action_dim)) return 0;

  loom_motion_destroy(out);
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a motion of %d rows", rows);
}

void loom_motion_destroy(loomMotion* motion) {
  if (!motion) return;
  free(motion->row);
  free(motion->actions);
  *motion = (loomMotion){0};
}

// The site's velocity by its Jacobian, whose rows are as many as the model has degrees of freedom.
static void see_speed(double speed[SPEED], const loomEpisode* e, int site) {
  int nv = (int)e->m->nv;
  mj_jacSite(e->m, e->d, e->jacobian, e->jacobian + 3 * nv, site);
  for (int i = 0; i < SPEED; i++) speed[i] = mju_dot(e->jacobian + (ptrdiff_t)i * nv, e->d->qvel, nv);
}

void loom_motion_see(double* row, const loomMotionLayout* layout, const loomEpisode* e) {
  for (int a = 0; a < layout->arm_count; a++) {
    const loomMotionArm* l = &layout->arm[a];
    const loomArm* arm = &e->arms[a];
    loomPose eef = loom_episode_eef(e, a);
    mju_copy3(row, eef.pos);
    mju_copy4(row + 3, eef.quat);
    see_speed(row + POSE, e, arm->site);
    row += POSE + SPEED;

    for (int i = 0; i < l->joints; i++) {
      row[i] = e->d->qpos[l->qpos[i]];
      row[l->joints + i] = e->d->qvel[l->dof[i]];
    }
    row += 2 * l->joints;
    for (int i = 0; i < l->fingers; i++) {
      row[i] = e->d->qpos[arm->hand_qpos[i]];
      row[l->fingers + i] = e->d->qvel[arm->hand_dof[i]];
    }
    row += 2 * l->fingers;
  }
}

loomPose loom_motion_eef(const loomMotionLayout* layout, int arm, const double* row) {
  row += layout->arm[arm].at;
  return loom_pose_from_quat(row, row + 3);
}

const double* loom_motion_joints(const loomMotionLayout* layout, int arm, const double* row) {
  return row + layout->arm[arm].at + POSE + SPEED;
}

const double* loom_motion_fingers(const loomMotionLayout* layout, int arm, const double* row) {
  return loom_motion_joints(layout, arm, row) + 2 * layout->arm[arm].joints;
}

// ---- what a model sees

int loom_motion_input_dim(const loomMotionLayout* layout, int arm) {
  const loomMotionArm* l = &layout->arm[arm];
  int others = layout->arm_count - 1;
  return SPEED * (2 * HAND_ROWS - 1) + 9 + 3 * l->joints + (GRIP_LAST - GRIP_FIRST + 3) * l->fingers +
         (3 + 2 * SPEED) * others;
}

static const double* row_near(const loomMotion* motion, int t, int last) {
  t = t < 0 ? 0 : t > last ? last : t;
  return motion->row + (ptrdiff_t)t * motion->dim;
}

static float* put(float* out, const double* x, int n) {
  for (int i = 0; i < n; i++) out[i] = (float)x[i];
  return out + n;
}

// From one pose to another: m and rad, world frame.
static void pose_difference(double out[SPEED], loomPose from, loomPose to) {
  double inverse[4] = {from.quat[0], -from.quat[1], -from.quat[2], -from.quat[3]}, turn[4];
  mju_sub3(out, to.pos, from.pos);
  loom_quat_mul(turn, to.quat, inverse);
  loom_quat_log(out + 3, turn);
}

void loom_motion_inputs(float* out, const loomMotionLayout* layout, int a, const loomMotion* motion, int t,
                        int last) {
  const loomMotionArm* l = &layout->arm[a];
  const double* now = row_near(motion, t, last);
  loomPose eef = loom_motion_eef(layout, a, now);

  // How the hand moved around this row.
  for (int i = 0; i < HAND_ROWS; i++) {
    const double* row = row_near(motion, t + hand_rows[i], last);
    double apart[SPEED];
    out = put(out, row + l->at + POSE, SPEED);
    pose_difference(apart, eef, loom_motion_eef(layout, a, row));
    if (hand_rows[i]) out = put(out, apart, SPEED);
  }

  // Where it was, and how the arm stood: arms answer otherwise where they are stretched out.
  double mat[9];
  mju_quat2Mat(mat, eef.quat);
  out = put(out, eef.pos, 3);
  out = put(out, mat, 6);
  out = put(out, loom_motion_joints(layout, a, now), 2 * l->joints);
  out = put(out, loom_motion_joints(layout, a, row_near(motion, t + 1, last)) + l->joints, l->joints);

  // The fingers, for longer.
  for (int i = GRIP_FIRST; i <= GRIP_LAST; i++)
    out = put(out, loom_motion_fingers(layout, a, row_near(motion, t + i, last)), l->fingers);
  for (int i = 0; i < 2; i++)
    out = put(out, loom_motion_fingers(layout, a, row_near(motion, t + i, last)) + l->fingers, l->fingers);

  // Where the other hands are, and how they move: they may hold the same thing.
  for (int b = 0; b < layout->arm_count; b++) {
    if (b == a) continue;
    double apart[3];
    mju_sub3(apart, now + layout->arm[b].at, eef.pos);
    out = put(out, apart, 3);
    for (int i = 0; i < 2; i++)
      out = put(out, row_near(motion, t + i, last) + layout->arm[b].at + POSE, SPEED);
  }
}

// ---- what it answers

int loom_motion_answer_dim(const loomArm* arm) {
  return loom_arm_action_dim(arm);
}

static bool by_joints(const loomArm* arm) {
  return arm->control.type == LOOM_JOINT_POSITION;
}

void loom_motion_answer(float* out, const loomMotionLayout* layout, int a, const loomArm* arm,
                        const double* row, const double* action) {
  double move[LOOM_MAX_JOINTS];

  if (by_joints(arm)) {
    // As the action has it: goals as they are, or moves.
    const double* q = loom_motion_joints(layout, a, row);
    for (int i = 0; i < arm->pose_dim; i++) move[i] = arm->control.delta ? action[i] : action[i] - q[i];
  } else {
    loomPose eef = loom_motion_eef(layout, a, row);
    pose_difference(move, eef, loom_arm_target(arm, eef, eef, action));
  }
  out = put(out, move, arm->pose_dim);
  put(out, action + arm->pose_dim, arm->robot->gripper_dim);
}

// What works a gripper by its speed is an entry's sign alone.
static double as_command(const loomArm* arm, double x) {
  if (arm->robot->gripper_absolute) return x < -1 ? -1 : x > 1 ? 1 : x;
  return x < 0 ? -1 : 1;
}

void loom_motion_action(double* out, const loomMotionLayout* layout, int a, const loomArm* arm,
                        const double* row, const float* answer) {
  double move[LOOM_MAX_JOINTS];
  for (int i = 0; i < arm->pose_dim; i++) move[i] = (double)answer[i];

  if (by_joints(arm)) {
    const double* q = loom_motion_joints(layout, a, row);
    const loomControllerDef* c = &arm->control;
    for (int i = 0; i < arm->pose_dim; i++)
      out[i] = c->delta ? fmin(fmax(move[i], c->input_min[i]), c->input_max[i]) : move[i] + q[i];
  } else {
    loomPose eef = loom_motion_eef(layout, a, row), target = eef;
    double turn[4];
    mju_addTo3(target.pos, move);
    loom_quat_exp(turn, move + 3);
    loom_quat_mul(target.quat, turn, eef.quat);
    loom_arm_action_towards(out, arm, eef, target);
  }
  for (int i = 0; i < arm->robot->gripper_dim; i++)
    out[arm->pose_dim + i] = as_command(arm, (double)answer[arm->pose_dim + i]);
}

// ---- without a model

// How far closed a finger is, -1 .. 1.
static double closed(const loomArm* arm, int i, const double* fingers) {
  double half = arm->hand_half[i] > 0 ? arm->hand_half[i] : 1;
  return arm->robot->gripper_sign[i] * (fingers[i] - arm->hand_mid[i]) / half;
}

void loom_motion_grip(double* grip, const loomMotionLayout* layout, int a, const loomArm* arm,
                      const double* from, const double* to) {
  const double *before = loom_motion_fingers(layout, a, from), *after = loom_motion_fingers(layout, a, to);
  double moved[LOOM_MAX_HAND] = {0}, goal[LOOM_MAX_HAND] = {0};
  int n[LOOM_MAX_HAND] = {0};
  for (int i = 0; i < arm->hand_n; i++) {
    int entry = arm->robot->gripper_entry[i];
    moved[entry] += closed(arm, i, after) - closed(arm, i, before);
    goal[entry] += closed(arm, i, after);
    n[entry]++;
  }

  for (int k = 0; k < arm->robot->gripper_dim; k++) {
    if (!n[k]) continue;
    if (arm->robot->gripper_absolute)
      grip[k] = as_command(arm, goal[k] / n[k]);
    else if (fabs(moved[k] / n[k]) > still)
      grip[k] = moved[k] > 0 ? 1 : -1;
  }
}

void loom_motion_difference(double* action, const loomMotionLayout* layout, int a, const loomArm* arm,
                            const double* from, const double* to) {
  if (by_joints(arm))
    loom_arm_action_to_joints(action, arm, loom_motion_joints(layout, a, from),
                              loom_motion_joints(layout, a, to));
  else
    loom_arm_action_towards(action, arm, loom_motion_eef(layout, a, from), loom_motion_eef(layout, a, to));
  loom_motion_grip(action + arm->pose_dim, layout, a, arm, from, to);
}
