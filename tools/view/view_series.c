// What is plotted of an arm along a demo, in the window and on pages.
#include <math.h>
#include <stdio.h>

#include "tools/view/view.h"

static double action_value(const viewApp* app, int arm, int line, int row) {
  const loomEpisode* e = app->stage.episode;
  // The arms' entries one after the other.
  int at = 0;
  for (int a = 0; a < arm; a++) at += loom_arm_action_dim(&e->arms[a]);

  double room[LOOM_MAX_ACTION];
  const double* action = app->stage.demo.actions + (size_t)row * (size_t)app->stage.demo.action_dim;
  return loom_episode_own(room, e, action)[at + line];
}

static const double* state_at(const viewApp* app, int row) {
  return app->stage.demo.states + (size_t)row * (size_t)app->stage.demo.state_dim;
}

// A state is time, positions, speeds.
static double position_value(const viewApp* app, int arm, int line, int row) {
  return state_at(app, row)[1 + app->stage.episode->arms[arm].qpos[line]];
}

static double speed_value(const viewApp* app, int arm, int line, int row) {
  return state_at(app, row)[1 + app->stage.model->nq + app->stage.episode->arms[arm].dof[line]];
}

// mm and degrees between where the hand was sent and where it is a control step later.
static double error_value(const viewApp* app, int arm, int line, int row) {
  const loomReplay* r = &app->stage.replay;
  int next = row + 1 < r->rows ? row + 1 : row;

  const loomPose *to = &r->target[arm][row], *at = &r->eef[arm][next];
  if (!line) return 1000 * mju_dist3(to->pos, at->pos);

  mjtNum turn[3];
  mju_subQuat(turn, to->quat, at->quat);
  return mju_norm3(turn) * 180 / mjPI;
}

static double place_value(const viewApp* app, int arm, int line, int row) {
  return app->stage.replay.eef[arm][row].pos[line];
}

static double force_value(const viewApp* app, int arm, int line, int row) {
  (void)line;
  return app->stage.force ? app->stage.force[row * app->task->arm_count + arm] : 0;
}

static double grip_value(const viewApp* app, int arm, int line, int row) {
  return app->stage.replay.hand[arm][row * LOOM_MAX_HAND + line];
}

static int action_lines(const viewApp* app, int arm) {
  return loom_arm_action_dim(&app->stage.episode->arms[arm]);
}

static int joint_lines(const viewApp* app, int arm) {
  return app->stage.episode->arms[arm].n;
}

static int two_lines(const viewApp* app, int arm) {
  (void)app;
  (void)arm;
  return 2;
}

static int three_lines(const viewApp* app, int arm) {
  (void)app;
  (void)arm;
  return 3;
}

static int one_line(const viewApp* app, int arm) {
  (void)app;
  (void)arm;
  return 1;
}

static int grip_lines(const viewApp* app, int arm) {
  return app->task->robots[arm].gripper_dim;
}

// ---- names of lines

static void name_action(char out[32], const viewApp* app, int arm, int line) {
  static const char* const pose[] = {"x", "y", "z", "turn x", "turn y", "turn z"};
  const loomArm* a = &app->stage.episode->arms[arm];
  int hand = line - a->pose_dim;

  if (hand >= 0) {
    snprintf(out, 32, action_lines(app, arm) - a->pose_dim > 1 ? "hand %d" : "gripper", hand);
  } else if (a->pose_dim == 6) {
    snprintf(out, 32, "%s", pose[line]);
  } else {
    snprintf(out, 32, "joint %d", line + 1);
  }
}

static void name_joint(char out[32], const viewApp* app, int arm, int line) {
  (void)app;
  (void)arm;
  snprintf(out, 32, "joint %d", line + 1);
}

static void name_error(char out[32], const viewApp* app, int arm, int line) {
  (void)app;
  (void)arm;
  snprintf(out, 32, "%s", line ? "angle, degrees" : "distance, mm");
}

static void name_place(char out[32], const viewApp* app, int arm, int line) {
  (void)app;
  (void)arm;
  snprintf(out, 32, "%c", "xyz"[line]);
}

static void name_force(char out[32], const viewApp* app, int arm, int line) {
  (void)app;
  (void)arm;
  (void)line;
  snprintf(out, 32, "force, N");
}

static void name_grip(char out[32], const viewApp* app, int arm, int line) {
  snprintf(out, 32, grip_lines(app, arm) > 1 ? "finger %d" : "gripper", line + 1);
}

static double reward_value(const viewApp* app, int arm, int line, int row) {
  (void)arm;

  // Nothing is plotted of a demo that could not be replayed.
  const double* reward = app->stage.reward;
  return reward ? reward[row * (1 + app->reward->term_count) + line] : 0;
}

static int reward_lines(const viewApp* app, int arm) {
  (void)arm;
  return 1 + app->reward->term_count;
}

const viewSeries view_series[VIEW_PAGES] = {
    {"action", "", false, NULL, action_value, action_lines, name_action},
    {"joint position", "rad", false, NULL, position_value, joint_lines, name_joint},
    {"joint speed", "rad/s", false, NULL, speed_value, joint_lines, name_joint},
    {"behind its target", "mm, degrees", false, NULL, error_value, two_lines, name_error},
    {"contact force", "N", false, view_stage_forces, force_value, one_line, name_force},
    {"gripper command", "", false, NULL, grip_value, grip_lines, name_grip},
    {"hand position", "m", false, NULL, place_value, three_lines, name_place},
    {"reward", "", true, view_stage_rewards, reward_value, reward_lines, view_reward_name},
};

void view_series_name(char out[160], int page, int arm) {
  if (view_series[page].whole)
    snprintf(out, 160, "%s", view_series[page].title);
  else
    snprintf(out, 160, "arm %d %s", arm, view_series[page].title);
}

int view_series_arms(const viewApp* app, int page) {
  return view_series[page].whole ? 1 : app->task->arm_count;
}
