#include "generators/source/retarget_follow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sim/part.h"

static const double reach_tolerance = 0.01;  // m, and 0.1 m a rad: a grasp forgives that
static const double open_after = 0.2,
                    retreat_time = 0.5;  // s that fingers take to open, and a hand to draw back
static const double aside_speed = 0.12;  // m/s
static const double posture = 2e-5;      // of inverse kinematics, as whole-body control has it
static const double torso_weight = 10;
static const double limit_margin = 0.025;  // rad or m: so near its limit a joint stands at it
enum {
  FIRST_PLANS = 100,  // of four iterations of inverse kinematics each, from the canonical joints
  MAX_HOLDS = 64,     // of one arm in a demo; what comes after them is taken as it comes
  NEXT_PLANS = 20,    // from those of the row before
  CLOSING_STEPS =
      10,  // in which a hand of another kind closes within a control step, to stop at what it meets
};

/// What a hand of the demo has for a while, and the place that the target's hand has to have it in its
/// middle.
typedef struct retargetHold {
  int object;  // of the demo's task
  int first, held, open,
      end;       // rows: that it counts from; at which all sides first touch it; it is let go; one past
  double shift;  // of the hand along the x axis of its grasp, m
} retargetHold;

/// A demo on its way.
typedef struct follower {
  loomRetargeted* out;
  loomEpisode* e;
  const loomRetarget* r;
  const loomRetargetSource* s;
  loomWholeBody body;                           // inverse kinematics of all arms
  double grip[LOOM_MAX_ARMS][LOOM_MAX_JOINTS];  // how far each joint of a hand has closed, -1 to 1
  double hand[LOOM_MAX_ARMS][LOOM_MAX_HAND];    // the action at the row before
  bool holds[LOOM_MAX_ARMS];                    // all its sides touch something
  int hold_count[LOOM_MAX_ARMS];
  retargetHold hold[LOOM_MAX_ARMS][MAX_HOLDS];
  double aside[LOOM_MAX_ARMS][3];  // what holds add to the hand's position now, in its own frame, m
  double* state;                   // (S) of this row
  loomError* err;
} follower;

static const char* joint_name(const mjModel* m, int joint) {
  const char* name = mj_id2name(m, mjOBJ_JOINT, joint);
  return name ? name : "?";
}

// ---- what is no robot

// The arm and object of the recorded demo that are those of its mirror image.
static int recorded_arm(const follower* f, int a) {
  return f->s->replay->mirrored ? f->r->from->mirror.arms[a] : a;
}

static int recorded_object(const follower* f, int o) {
  return f->s->replay->mirrored ? f->r->from->mirror.as[o] : o;
}

static int object_of_joint(const loomScene* scene, int joint) {
  int body = scene->model->jnt_bodyid[joint];
  for (int o = 0; o < scene->task->object_count; o++)
    if (scene->object_body[o] == body) return o;
  return -1;
}

// The recorded demo's joint that a joint of an object, or of the scene, is; -1 = it stays as the model has
// it.
static int recorded_joint(const follower* f, int joint) {
  const mjModel* from = f->s->scene->model;
  int o = object_of_joint(f->e->scene, joint);
  if (o < 0) return f->s->replay->mirrored ? -1 : mj_name2id(from, mjOBJ_JOINT, joint_name(f->e->m, joint));

  int body = f->s->scene->object_body[recorded_object(f, f->r->object[o])];
  return from->body_jntnum[body] ? from->body_jntadr[body] : -1;
}

static bool is_robots(const follower* f, int body) {
  const mjModel* m = f->e->m;
  for (int a = 0; a < f->e->arm_count; a++)
    if (m->body_rootid[m->dof_bodyid[f->e->arms[a].dof[0]]] == m->body_rootid[body]) return true;
  return false;
}

// All that is no robot's, as the demo has it at this row.
static void put_objects(follower* f, int t) {
  const mjModel *m = f->e->m, *from = f->s->scene->model;
  const double* state = f->s->demo->states + (size_t)t * (size_t)f->s->demo->state_dim + 1;

  for (int j = 0; j < m->njnt; j++) {
    double* q = f->e->d->qpos + m->jnt_qposadr[j];
    int o = object_of_joint(f->e->scene, j), source = recorded_joint(f, j);
    if (is_robots(f, m->jnt_bodyid[j]) || source < 0 || from->jnt_type[source] != m->jnt_type[j]) continue;

    const double* have = state + from->jnt_qposadr[source];
    if (m->jnt_type[j] != mjJNT_FREE) {
      mju_copy(q, have, m->jnt_type[j] == mjJNT_BALL ? 4 : 1);
      continue;
    }

    // A free body's frame is the object's.
    loomPose pose = o >= 0 ? f->s->replay->object[f->r->object[o]][t] : loom_pose_from_quat(have, have + 3);
    pose = loom_retarget_place(f->r, pose);
    mju_copy3(q, pose.pos);
    mju_copy4(q + 3, pose.quat);
  }
}

// ---- hands

// The joint angle that a command of -1 to 1 stands for.
static void put_grip(follower* f, int a) {
  const loomArm* arm = &f->e->arms[a];
  for (int i = 0; i < arm->hand_n; i++) {
    double q = arm->hand_mid[i] + arm->hand_half[i] * f->grip[a][i];
    const double* range = f->e->m->jnt_range + 2 * f->e->m->dof_jntid[arm->hand_dof[i]];
    if (f->e->m->jnt_limited[f->e->m->dof_jntid[arm->hand_dof[i]]]) q = mju_clip(q, range[0], range[1]);
    f->e->d->qpos[arm->hand_qpos[i]] = q;
  }
}

// A hand of the same kind has the recorded one's joints.
static bool put_recorded_hand(follower* f, int a, int t) {
  const loomArm* arm = &f->e->arms[a];
  const mjModel* from = f->s->scene->model;
  if (f->r->arm[a] < 0 || !f->r->alike[a] || f->s->no_hands) return false;

  const loomRobotDef* robot = &f->r->from->robots[recorded_arm(f, f->r->arm[a])];
  if (robot->gripper_joint_count != arm->hand_n) return false;

  const double* state = f->s->demo->states + (size_t)t * (size_t)f->s->demo->state_dim + 1;
  for (int i = 0; i < arm->hand_n; i++) {
    int joint = mj_name2id(from, mjOBJ_JOINT, robot->gripper_joints[i]);
    if (joint < 0) return false;
    f->e->d->qpos[arm->hand_qpos[i]] = state[from->jnt_qposadr[joint]];
  }
  return true;
}

// A share of a control step's way towards what the hand is told, as its actuators' commands go.
static void move_grip(follower* f, int a, const double* hand, double share) {
  const loomArm* arm = &f->e->arms[a];
  const loomRobotDef* robot = arm->robot;
  double most = share * loom_robot_grip_way(robot, f->e->scene->substeps);

  for (int i = 0; i < arm->hand_n; i++) {
    double told = hand[robot->gripper_entry[i]], sign = robot->gripper_sign[i];
    double step = sign * most * (told > 0 ? 1 : told < 0 ? -1 : 0);
    if (robot->gripper_absolute) step = mju_clip(sign * mju_clip(told, -1, 1) - f->grip[a][i], -most, most);
    f->grip[a][i] = mju_clip(f->grip[a][i] + step, -1, 1);
  }
}

static bool closes(const loomArm* arm, const double* hand) {
  double sum = 0;
  for (int i = 0; i < arm->robot->gripper_dim; i++) sum += hand[i];
  return sum > 0;
}

// Does a hand have something between all its sides, as everything stands now?
static bool has_hold(follower* f, int a) {
  unsigned char touch[LOOM_MAX_ARMS * LOOM_MAX_OBJECTS];
  int objects = f->e->scene->task->object_count, all = (1 << f->e->arms[a].robot->finger_count) - 1;
  loom_find_touches(touch, f->e);
  for (int o = 0; o < objects && all; o++)
    if (touch[a * objects + o] == all) return true;
  return false;
}

static int show(follower* f) {
  double grip[LOOM_MAX_ARMS] = {0};
  for (int a = 0; a < f->e->arm_count; a++) {
    for (int i = 0; i < f->e->arms[a].robot->gripper_dim; i++)
      grip[a] += f->hand[a][i] / f->e->arms[a].robot->gripper_dim;
  }
  loom_episode_state(f->state, f->e);
  return loom_episode_show(f->e, f->state, grip, f->err);
}

// A hand of another kind closes until all its sides touch something, where it stays until it is told to
// open.
static int work_grip(follower* f, int a, const double* hand) {
  bool closing = closes(&f->e->arms[a], hand);
  if (!closing) f->holds[a] = false;

  int code = 0;
  for (int k = 0; !code && k < CLOSING_STEPS && !f->holds[a]; k++) {
    move_grip(f, a, hand, 1.0 / CLOSING_STEPS);
    put_grip(f, a);
    if (!closing) continue;
    code = show(f);
    f->holds[a] = !code && has_hold(f, a);
  }
  return code;
}

// ---- arms

// All arms and their torsos at once, joints near their canonical ones where that is free, as whole-body
// control has it. Speeds are looked at afterwards: a step may be as long as it likes.
static bool solve_arms(follower* f, const loomPose* want, int t) {
  loomWholeBody* body = &f->body;
  for (int a = 0; a < f->e->arm_count; a++) {
    struct loomArmState* s = &f->e->arms[a].state;
    mju_copy3(s->goal_pos, want[a].pos);
    mju_quat2Mat(s->goal_mat, want[a].quat);
  }

  // Until it comes no closer.
  const double still = 1e-7, any_speed = 100;
  double before = INFINITY;
  bool ok = true;
  for (int k = 0; ok && k < (t ? NEXT_PLANS : FIRST_PLANS); k++) {
    ok = loom_whole_body_plan(body, f->e->arms, f->e->m, f->e->d, f->e->scratch, any_speed);
    double rest = 0;
    for (int a = 0; a < f->e->arm_count; a++) rest += body->state.rest[a];
    if (fabs(before - rest) < still) break;
    before = rest;
  }
  for (int i = 0; i < body->n; i++) f->e->d->qpos[body->qpos[i]] = body->state.goal[i];
  return ok;
}

static void note_reach(follower* f, int a, int t, double rest) {
  if (rest <= f->out->reach) return;
  f->out->reach = rest;
  f->out->reach_arm = a;
  f->out->reach_row = t;
}

static double gap(loomPose a, loomPose b) {
  return loom_pose_distance(a, b) + 0.1 * loom_quat_angle(a.quat, b.quat);
}

// Inverse kinematics keep a little from the limits.
static void note_limits(follower* f) {
  const mjModel* m = f->e->m;
  bool any = false;
  for (int a = 0; a < f->e->arm_count; a++) {
    const loomArm* arm = &f->e->arms[a];
    for (int i = 0; i < arm->n && f->r->arm[a] >= 0; i++) {
      int joint = m->dof_jntid[arm->dof[i]];
      double q = f->e->d->qpos[arm->qpos[i]], *range = m->jnt_range + 2 * joint;
      if (!m->jnt_limited[joint] || (q > range[0] + limit_margin && q < range[1] - limit_margin)) continue;
      snprintf(f->out->limit_joint, LOOM_NAME_MAX, "%.60s", joint_name(m, joint));
      any = true;
    }
  }
  f->out->limit_rows += any;
}

// ---- contacts

// The arm whose hand (with its last link) a geom is of; -1 = none.
static int hand_of_geom(const follower* f, int geom) {
  const mjModel* m = f->e->m;
  for (int a = 0; a < f->e->arm_count; a++) {
    const loomArm* arm = &f->e->arms[a];
    if (loom_body_moves_with(m, m->geom_bodyid[geom], m->dof_bodyid[arm->dof[arm->n - 1]])) return a;
  }
  return -1;
}

// Hands are there to touch things, and their fingers each other.
static bool may_touch(const follower* f, const int geom[2]) {
  const loomScene* scene = f->e->scene;
  for (int i = 0; i < 2; i++) {
    int hand = hand_of_geom(f, geom[i]);
    if (hand < 0) continue;
    if (hand == hand_of_geom(f, geom[1 - i])) return true;
    if (loom_object_of_geom(f->e->m, scene->object_body, scene->task->object_count, geom[1 - i]) >= 0)
      return true;
  }
  return false;
}

static void note_contacts(follower* f, int t) {
  const mjModel* m = f->e->m;
  loomRetargeted* out = f->out;
  for (int c = 0; c < f->e->d->ncon; c++) {
    const mjContact* contact = &f->e->d->contact[c];
    const int* geom = contact->geom;
    if (geom[0] < 0 || geom[1] < 0 || -contact->dist <= out->penetration) continue;
    if ((!is_robots(f, m->geom_bodyid[geom[0]]) && !is_robots(f, m->geom_bodyid[geom[1]])) ||
        may_touch(f, geom))
      continue;

    const char* name[2] = {mj_id2name(m, mjOBJ_GEOM, geom[0]), mj_id2name(m, mjOBJ_GEOM, geom[1])};
    out->penetration = -contact->dist;
    out->penetration_row = t;
    snprintf(out->penetrating, sizeof out->penetrating, "%.60s, %.60s", name[0] ? name[0] : "?",
             name[1] ? name[1] : "?");
  }
}

// ---- a beginning

// Everything as the models and robots' files have it.
static int begin(follower* f) {
  const mjModel* m = f->e->m;
  int code = loom_whole_body_bind(&f->body, f->e->arms, f->e->arm_count, m, f->err);
  if (code) return code;
  if (f->e->arms[0].control.type != LOOM_WHOLE_BODY_IK) {
    f->body.control.posture = posture;
    f->body.control.torso_weight = torso_weight;
  }
  mj_resetData(m, f->e->d);
  for (int a = 0; a < f->e->arm_count; a++) {
    const loomArm* arm = &f->e->arms[a];
    const loomJointsDef* torso = &arm->robot->torso;
    for (int i = 0; i < arm->n; i++) f->e->d->qpos[arm->qpos[i]] = arm->robot->arm.init_qpos[i];
    for (int i = 0; i < torso->count; i++) {
      int joint = mj_name2id(m, mjOBJ_JOINT, torso->joints[i]);
      if (joint >= 0) f->e->d->qpos[m->jnt_qposadr[joint]] = torso->init_qpos[i];
    }

    // Hands begin open.
    for (int i = 0; i < LOOM_MAX_HAND; i++) f->hand[a][i] = -1;
    for (int i = 0; i < arm->hand_n; i++) {
      double half = arm->hand_half[i];
      f->e->d->qpos[arm->hand_qpos[i]] = arm->robot->gripper_init_qpos[i];
      f->grip[a][i] =
          half > 0 ? mju_clip((arm->robot->gripper_init_qpos[i] - arm->hand_mid[i]) / half, -1, 1) : 0;
    }
  }
  loom_whole_body_reset(&f->body, f->e->d);
  return 0;
}

// ---- holds

// Hands of different kinds have things of different thickness at different places between their sides.
static void find_holds(follower* f, int a) {
  const loomReplay* r = f->s->replay;
  int b = f->r->arm[a], first = 0;
  if (b < 0 || f->r->alike[a]) return;

  int all = (1 << f->r->from->robots[b].finger_count) - 1;
  for (int t = 0; t < r->rows && all && f->hold_count[a] < MAX_HOLDS; t++) {
    for (int o = 0; o < r->object_count; o++) {
      if (r->touch[(t * r->arm_count + b) * r->object_count + o] != all || r->grip[b][t] <= 0) continue;
      int open = t;
      while (open < r->rows && r->grip[b][open] > 0) open++;
      int end = open;

      // It counts until the subtask ends in which it is let go, so that no subtask is taken apart.
      for (int k = 0; k < f->r->from->subtask_count[b]; k++) {
        if (r->end[b][k] < end) continue;
        end = r->end[b][k];
        break;
      }
      f->hold[a][f->hold_count[a]++] = (retargetHold){o, first, t, open, end, 0};
      first = t = end;
      break;
    }
  }
}

// The least distance of a side of a hand from an object, m.
static double side_distance(const follower* f, int a, int side, int object) {
  const mjModel* m = f->e->m;
  const loomScene* scene = f->e->scene;
  const loomRobotDef* robot = f->e->arms[a].robot;
  double least = 1;
  for (int g = 0; g < robot->finger_geom_count[side]; g++) {
    int finger = mj_name2id(m, mjOBJ_GEOM, robot->finger_geoms[side][g]);
    for (int i = 0; i < m->ngeom && finger >= 0; i++) {
      bool touches = m->geom_contype[i] || m->geom_conaffinity[i];
      if (!touches || loom_object_of_geom(m, scene->object_body, scene->task->object_count, i) != object)
        continue;
      least = fmin(least, mj_geomDistance(m, f->e->d, finger, i, least, NULL));
    }
  }
  return least;
}

static int target_object(const follower* f, int object) {
  for (int o = 0; o < f->e->scene->task->object_count; o++)
    if (f->r->object[o] == object) return o;
  return -1;
}

static void want_poses(loomPose* eef, loomPose* target, const follower* f, int t);

// With the hand open where the demo's has the object, as far from the one side as from the other.
static int center_hold(follower* f, int a, retargetHold* h) {
  loomPose eef[LOOM_MAX_ARMS], target[LOOM_MAX_ARMS];
  int object = target_object(f, h->object), code = begin(f);
  if (code || object < 0 || f->e->arms[a].robot->finger_count != 2) return code;

  mj_kinematics(f->e->m, f->e->d);
  want_poses(eef, target, f, h->held);
  put_objects(f, h->held);
  if (!solve_arms(f, eef, 0)) return 0;

  code = show(f);
  h->shift = 0.5 * (side_distance(f, a, 0, object) - side_distance(f, a, 1, object));
  return code;
}

// How far a hand that has let go has drawn back the way it came, m: once its fingers are open.
static double drawn_back(const follower* f, const retargetHold* h, int t) {
  double s = (double)(t - h->open) / f->e->scene->task->control_freq;
  return f->r->to->retarget->retreat * mju_clip((s - open_after) / retreat_time, 0, 1);
}

// What the hold at a row adds to the hand's pose, in its own frame.
static void find_aside(double out[3], const follower* f, int a, int t) {
  mju_zero3(out);
  for (int i = 0; i < f->hold_count[a]; i++) {
    const retargetHold* h = &f->hold[a][i];
    if (t < h->first || t >= h->end) continue;
    loom_quat_rotate(out, f->e->arms[a].robot->grasp_quat,
                     (const double[]){h->shift, 0, -drawn_back(f, h, t)});
  }
}

// From one hold to the next without haste.
static void step_aside(follower* f, int t) {
  for (int a = 0; a < f->e->arm_count; a++) {
    double to[3], way[3], most = aside_speed / f->e->scene->task->control_freq;
    find_aside(to, f, a, t);
    mju_sub3(way, to, f->aside[a]);
    double size = mju_norm3(way);
    mju_addToScl3(f->aside[a], way, t && size > most ? most / size : 1);
  }
}

// ---- rows

// The pose of each hand at the row, and where it is sent; arms that follow none stay.
static void want_poses(loomPose* eef, loomPose* target, const follower* f, int t) {
  for (int a = 0; a < f->e->arm_count; a++) {
    int b = f->r->arm[a];
    if (b < 0) {
      eef[a] = target[a] = loom_episode_eef(f->e, a);
      continue;
    }
    loomPose more = loom_pose_identity();
    mju_copy3(more.pos, f->aside[a]);
    eef[a] = loom_pose_mul(loom_retarget_hand(f->r, a, f->s->replay->eef[b][t]), more);
    target[a] = loom_pose_mul(loom_retarget_hand(f->r, a, f->s->replay->target[b][t]), more);
  }
}

static void put_action(double* action, const follower* f, const loomPose* target) {
  for (int a = 0; a < f->e->arm_count; a++) {
    const loomArm* arm = &f->e->arms[a];
    loom_arm_action_towards(action, arm, loom_episode_eef(f->e, a), target[a]);
    memcpy(action + arm->pose_dim, f->hand[a], sizeof *action * (size_t)arm->robot->gripper_dim);
    action += loom_arm_action_dim(arm);
  }
}

static int follow_row(follower* f, int t) {
  loomPose eef[LOOM_MAX_ARMS], target[LOOM_MAX_ARMS];
  int code = 0;

  // Objects and arms.
  if (!t) mj_kinematics(f->e->m, f->e->d);
  step_aside(f, t);
  want_poses(eef, target, f, t);
  put_objects(f, t);
  if (!solve_arms(f, eef, t))
    return loom_error_set(f->err, LOOM_ERR_SIM, "no inverse kinematics at row %d", t);

  // Hands, with objects and arms where they are.
  for (int a = 0; !code && a < f->e->arm_count; a++) {
    double told[LOOM_MAX_HAND];
    int b = f->r->arm[a];
    memcpy(told, f->hand[a], sizeof told);
    if (b >= 0)
      loom_retarget_grip(told, f->r, a, f->s->replay->hand[b] + (size_t)t * LOOM_MAX_HAND, f->hand[a]);
    if (!put_recorded_hand(f, a, t)) code = work_grip(f, a, told);
    memcpy(f->hand[a], told, sizeof told);
  }

  // All of it together, as it is stored.
  f->e->d->time = (double)t / f->e->scene->task->control_freq;
  if (!code) code = show(f);
  if (code) return code;

  // How well that goes.
  for (int a = 0; a < f->e->arm_count; a++)
    if (f->r->arm[a] >= 0) note_reach(f, a, t, gap(loom_episode_eef(f->e, a), eef[a]));
  note_limits(f);
  note_contacts(f, t);
  f->out->success = loom_episode_success(f->e);

  put_action(f->out->actions + (size_t)t * (size_t)f->e->action_dim, f, target);
  return 0;
}

// Speeds are those from each row to the next.
static void put_speeds(follower* f) {
  const mjModel* m = f->e->m;
  double dt = 1.0 / f->e->scene->task->control_freq;
  size_t dim = (size_t)f->e->state_dim, nq = (size_t)m->nq;
  for (int t = 0; t + 1 < f->out->rows; t++) {
    double* state = f->out->states + (size_t)t * dim;
    mj_differentiatePos(m, state + 1 + nq, dt, state + 1, state + dim + 1);

    for (int a = 0; a < f->e->arm_count; a++) {
      const loomArm* arm = &f->e->arms[a];
      for (int i = 0; i < arm->n; i++) {
        double limit = arm->robot->arm.velocity_limit[i];
        double share = limit > 0 ? fabs(state[1 + nq + (size_t)arm->dof[i]]) / limit : 0;
        if (share <= f->out->joint_speed) continue;
        f->out->joint_speed = share;
        snprintf(f->out->fastest, LOOM_NAME_MAX, "%.60s", joint_name(m, m->dof_jntid[arm->dof[i]]));
      }
    }
  }
}

static void put_ends(follower* f) {
  if (!f->r->same_subtasks) return;
  for (int a = 0; a < f->e->arm_count; a++) {
    int b = f->r->arm[a];
    if (b >= 0) memcpy(f->out->end[a], f->s->replay->end[b], sizeof f->out->end[a]);
    if (b < 0) f->out->end[a][0] = f->out->rows;
  }
}

static void judge(follower* f) {
  loomRetargeted* out = f->out;
  const loomTask* task = f->e->scene->task;
  double most = task->limit_penetration > 0 ? task->limit_penetration : LOOM_PENETRATION_LIMIT;

  out->kept = out->reach <= reach_tolerance && out->penetration <= most;
  if (out->reach > reach_tolerance)
    snprintf(out->reason, sizeof out->reason,
             "out of reach: arm %d stays %.3f m from where its hand is to be at row %d, may be %.3f%s%s",
             out->reach_arm, out->reach, out->reach_row, reach_tolerance,
             out->limit_rows ? "; at a limit: " : "", out->limit_joint);
  else if (out->penetration > most)
    snprintf(out->reason, sizeof out->reason, "%s %.4f m deep in each other at row %d, may be %.4f",
             out->penetrating, out->penetration, out->penetration_row, most);
}

int loom_retarget_follow(loomRetargeted* out, loomEpisode* e, const loomRetarget* r,
                         const loomRetargetSource* source, loomError* err) {
  follower f = {.out = out, .e = e, .r = r, .s = source, .err = err};
  size_t rows = (size_t)source->replay->rows;
  *out = (loomRetargeted){.rows = source->replay->rows};
  out->actions = calloc(rows, sizeof(double) * (size_t)e->action_dim);
  out->states = calloc(rows, sizeof(double) * (size_t)e->state_dim);
  if (!out->actions || !out->states)
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a retargeted demo");

  f.state = out->states;
  int code = 0;
  for (int a = 0; a < e->arm_count; a++) {
    find_holds(&f, a);
    for (int i = 0; !code && i < f.hold_count[a]; i++) code = center_hold(&f, a, &f.hold[a][i]);
  }

  if (!code) code = begin(&f);
  for (int t = 0; !code && t < out->rows; t++) {
    f.state = out->states + (size_t)t * (size_t)e->state_dim;
    code = follow_row(&f, t);
  }
  if (code) return code;

  put_speeds(&f);
  put_ends(&f);
  judge(&f);
  return 0;
}

void loom_retargeted_destroy(loomRetargeted* out) {
  free(out->actions);
  free(out->states);
  *out = (loomRetargeted){0};
}
