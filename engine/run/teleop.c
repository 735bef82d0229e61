#include "engine/run/teleop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int loom_teleop_frame(const char* name) {
  static const char* const names[] = {"world", "base", "eef"};
  for (int i = 0; i < 3; i++) {
    if (!strcmp(name, names[i])) return i;
  }
  return -1;
}

loomTeleopDef loom_default_teleop_def(void) {
  return (loomTeleopDef){.speed = 1, .leash = 0.1, .leash_turn = 0.6, .jump = 0.25, .jump_turn = 1.5};
}

// ---- one step's targets

void loom_teleop_axes(double quat[4], const loomTeleop* t, int a) {
  const loomArm* arm = &t->episode->arms[a];
  switch (t->input[a].frame) {
    case LOOM_TELEOP_BASE: {
      int first = t->episode->m->dof_bodyid[arm->dof[0]];
      memcpy(quat, t->episode->d->xquat + 4 * t->episode->m->body_parentid[first], 4 * sizeof *quat);
      return;
    }
    case LOOM_TELEOP_EEF:
      memcpy(quat, t->state.target[a].quat, 4 * sizeof *quat);
      return;
    default:
      memcpy(quat, (double[4]){1, 0, 0, 0}, 4 * sizeof *quat);
  }
}

// A target the hand cannot follow would be followed long after the device has stopped.
static void hold_leash(loomPose* target, loomPose hand, const loomTeleopDef* def) {
  double away[3], turn[3], difference[4];
  double inverse[4] = {hand.quat[0], -hand.quat[1], -hand.quat[2], -hand.quat[3]};
  mju_sub3(away, target->pos, hand.pos);

  // In space,
  double distance = mju_norm3(away);
  if (def->leash > 0 && distance > def->leash)
    for (int i = 0; i < 3; i++) target->pos[i] = hand.pos[i] + away[i] * def->leash / distance;

  // and in turning.
  loom_quat_mul(difference, target->quat, inverse);
  loom_quat_log(turn, difference);
  double angle = mju_norm3(turn);
  if (def->leash_turn <= 0 || angle <= def->leash_turn) return;

  mju_scl3(turn, turn, def->leash_turn / angle);
  loom_quat_exp(difference, turn);
  loom_quat_mul(target->quat, difference, hand.quat);
}

// How a device came from one pose to another, in the world of its own.
static void motion_between(double move[3], double turn[3], loomPose from, loomPose to) {
  double difference[4], inverse[4] = {from.quat[0], -from.quat[1], -from.quat[2], -from.quat[3]};
  loom_quat_mul(difference, to.quat, inverse);
  loom_quat_log(turn, difference);
  mju_sub3(move, to.pos, from.pos);
}

static bool is_jump(const loomTeleopDef* def, loomPose from, loomPose to) {
  double move[3], turn[3];
  motion_between(move, turn, from, to);
  return (def->jump > 0 && mju_norm3(move) > def->jump) ||
         (def->jump_turn > 0 && mju_norm3(turn) > def->jump_turn);
}

// A tracker that lost its way for a sample comes back; one that has found itself anew stays there, and goes
// on from there. Neither moves the hand.
static void hold_jump(loomTeleop* t, int a, loomPose device) {
  bool stays = t->jumped[a] && !is_jump(&t->def, t->away[a], device);
  if (stays) t->device[a] = device;
  t->away[a] = device;
  t->jumped[a] = !stays;
  t->jumps++;
}

// What the device did since the last step, while the clutch was held; without it, it can be brought to a
// better place.
static void follow_device(loomTeleop* t, int a) {
  loomTeleopArm* in = &t->input[a];
  loomPose before = t->device[a], device = in->device;
  bool held = t->held[a] && in->clutch;

  if (!in->has_device) return;
  mju_normalize4(device.quat);
  t->held[a] = in->clutch;
  if (held && is_jump(&t->def, before, device)) {
    hold_jump(t, a, device);
    return;
  }

  t->device[a] = device;
  t->jumped[a] = false;
  if (!held) return;

  double move[3], turn[3];
  motion_between(move, turn, before, device);
  for (int i = 0; i < 3; i++) {
    in->move[i] += move[i];
    in->turn[i] += turn[i];
  }
}

static void move_target(loomTeleop* t, int a) {
  const loomTeleopArm* in = &t->input[a];
  loomPose* target = &t->state.target[a];

  follow_device(t, a);
  if (in->has_pose) {
    *target = in->pose;
    mju_normalize4(target->quat);
    return;
  }

  // Moves of the device or of keys, along the axes that were chosen.
  double axes[4], move[3], turn[3], rotation[4];
  if (mju_norm3(in->move) == 0 && mju_norm3(in->turn) == 0) return;
  loom_teleop_axes(axes, t, a);
  loom_quat_rotate(move, axes, in->move);
  loom_quat_rotate(turn, axes, in->turn);

  mju_addToScl3(target->pos, move, t->def.speed);
  mju_scl3(turn, turn, t->def.speed);
  loom_quat_exp(rotation, turn);
  loom_quat_mul(target->quat, rotation, target->quat);
  mju_normalize4(target->quat);

  hold_leash(target, loom_episode_eef(t->episode, a), &t->def);
}

static void move_hand(loomTeleop* t, int a) {
  const loomTeleopArm* in = &t->input[a];
  for (int i = 0; i < LOOM_MAX_HAND && in->hand_count; i++) {
    double value = in->hand_count == 1 ? in->hand[0] : i < in->hand_count ? in->hand[i] : t->state.hand[a][i];
    t->state.hand[a][i] = fmax(-1, fmin(1, value));
  }
}

// ---- the policy

static int teleop_act(double* action, void* self, loomEpisode* e, loomError* err) {
  loomTeleop* t = self;
  loomTrace* trace = t->trace;
  (void)err;
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    size_t row = (size_t)trace->rows * (size_t)trace->arm_count + (size_t)a;
    move_target(t, a);
    move_hand(t, a);

    loom_arm_action_towards(action, arm, loom_episode_eef(e, a), t->state.target[a]);

    double sum = 0;
    for (int i = 0; i < arm->robot->gripper_dim; i++) {
      action[arm->pose_dim + i] = t->state.hand[a][i];
      sum += t->state.hand[a][i];
    }

    // What was meant, for the demo; which subtask it was is found later.
    loom_pose_to_matrix(trace->target + 16 * row, t->state.target[a]);
    trace->grip[row] = arm->robot->gripper_dim ? sum / arm->robot->gripper_dim : 0;
    trace->subtask[row] = trace->source[row] = -1;

    action += loom_arm_action_dim(arm);
  }
  return 0;
}

static loomPolicy policy_of(loomTeleop* t) {
  return (loomPolicy){t, NULL, teleop_act};
}

int loom_teleop_create(loomTeleop* t, loomEpisode* e, loomTrace* trace, const loomTeleopDef* def,
                       loomError* err) {
  *t = (loomTeleop){.def = def ? *def : loom_default_teleop_def(), .episode = e, .trace = trace};
  int code = loom_arms_take_poses(e->arms, e->arm_count, e->scene->task->path, err);
  if (code) return code;

  // Any number of steps can be undone: a snapshot for each.
  t->snapshot_size = loom_episode_snapshot_size(e);
  t->snapshot = malloc(t->snapshot_size * (size_t)trace->capacity + 1);
  t->states = malloc(sizeof *t->states * (size_t)trace->capacity + 1);
  if (!t->snapshot || !t->states) {
    loom_teleop_destroy(t);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory to drive %d steps", trace->capacity);
  }
  return loom_teleop_begin(t, err);
}

void loom_teleop_destroy(loomTeleop* t) {
  free(t->snapshot);
  free(t->states);
  memset(t, 0, sizeof *t);
}

int loom_teleop_begin(loomTeleop* t, loomError* err) {
  // What has no room is an error of the caller's, told before.
  t->run_def = (loomRunDef){.max_steps = t->trace->capacity + 1};
  for (int a = 0; a < t->episode->arm_count; a++) {
    t->input[a] = (loomTeleopArm){0};
    t->held[a] = t->jumped[a] = false;
    t->state.target[a] = loom_episode_eef(t->episode, a);
    for (int i = 0; i < LOOM_MAX_HAND; i++) t->state.hand[a][i] = -1;
  }

  loomPolicy policy = policy_of(t);
  return loom_run_begin(&t->run, t->episode, &policy, t->trace, err);
}

static int check_input(const loomTeleop* t, loomError* err) {
  for (int a = 0; a < t->episode->arm_count; a++) {
    const loomTeleopArm* in = &t->input[a];
    double sum = 0;

    // A sum is finite only if all its numbers are.
    for (int i = 0; i < 3; i++) sum += in->move[i] + in->turn[i] + (in->has_pose ? in->pose.pos[i] : 0);
    for (int i = 0; i < 4 && in->has_pose; i++) sum += in->pose.quat[i];
    for (int i = 0; i < 3 && in->has_device; i++) sum += in->device.pos[i];
    for (int i = 0; i < 4 && in->has_device; i++) sum += in->device.quat[i];
    for (int i = 0; i < in->hand_count; i++) sum += in->hand[i];

    if (!isfinite(sum)) return loom_error_set(err, LOOM_ERR_USAGE, "arm %d: a number is not finite", a);
    if (in->has_pose && mju_norm(in->pose.quat, 4) < 0.5)
      return loom_error_set(err, LOOM_ERR_USAGE, "arm %d: the quaternion is not of length 1", a);
    if (in->hand_count > 1 && in->hand_count != t->episode->arms[a].robot->gripper_dim)
      return loom_error_set(err, LOOM_ERR_USAGE, "arm %d: its hand has %d entries, not %d", a,
                            t->episode->arms[a].robot->gripper_dim, in->hand_count);
  }
  return 0;
}

int loom_teleop_step(loomTeleop* t, loomError* err) {
  int code = check_input(t, err), row = t->trace->rows;
  if (code) return code;

  if (row >= t->trace->capacity)
    return loom_error_set(err, LOOM_ERR_USAGE, "the demo is %d steps long, there is no room for more", row);

  loom_episode_snapshot(t->snapshot + t->snapshot_size * (size_t)row, t->episode);
  t->states[row] = t->state;

  loomPolicy policy = policy_of(t);
  code = loom_run_step(&t->run, t->episode, &policy, &t->run_def, t->trace, err);

  // What was asked for is done; the axes stay chosen.
  for (int a = 0; a < t->episode->arm_count; a++) {
    loomTeleopFrame frame = t->input[a].frame;
    t->input[a] = (loomTeleopArm){.frame = frame};
  }

  if (code == LOOM_RUN_OVER)
    return loom_error_set(err, LOOM_ERR_SIM, "the simulation failed (%s); undo or begin anew",
                          t->run.message);
  return code;
}

int loom_teleop_undo(loomTeleop* t, int steps, loomError* err) {
  int row = t->trace->rows - steps;
  if (row < 0) row = 0;
  if (row >= t->trace->rows) return 0;

  int code = loom_episode_restore(t->episode, t->snapshot + t->snapshot_size * (size_t)row, err);
  if (code) return code;
  t->state = t->states[row];
  memset(t->held, 0, sizeof t->held);
  memset(t->jumped, 0, sizeof t->jumped);

  // As if the steps had never been: rows, and how long success has held.
  t->trace->rows = t->run.steps = row;
  t->run.end = LOOM_RUN_TIMEOUT;
  t->run.over = false;
  t->run.success_steps = 0;

  while (t->run.success_steps < row && t->trace->reward[row - 1 - t->run.success_steps] > 0)
    t->run.success_steps++;
  if (t->run.first_success >= row) t->run.first_success = -1;
  return 0;
}

bool loom_teleop_success(const loomTeleop* t) {
  return t->run.success_steps >= t->episode->scene->task->success_hold;
}
