// Plots along the demo, by MuJoCo's figures: the selection line is the row shown.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/view/view.h"

typedef double (*plotValue)(const viewApp* app, int arm, int line, int row);

static double action_value(const viewApp* app, int arm, int line, int row) {
  const loomEpisode* e = app->stage.episode;
  // An action holds the arms' entries one after the other.
  int at = 0;
  for (int a = 0; a < arm; a++) at += loom_arm_action_dim(&e->arms[a]);

  return app->stage.demo.actions[row * app->stage.demo.action_dim + at + line];
}

static const double* state_at(const viewApp* app, int row) {
  return app->stage.demo.states + (size_t)row * (size_t)app->stage.demo.state_dim;
}

static double position_value(const viewApp* app, int arm, int line, int row) {
  return state_at(app, row)[1 + app->stage.episode->arms[arm].qpos[line]];
  // A state is time, positions, speeds.
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

static int one_line(const viewApp* app, int arm) {
  (void)app;
  (void)arm;
  return 1;
}

static int grip_lines(const viewApp* app, int arm) {
  return app->task->robots[arm].gripper_dim;
}

static const struct {
  const char* title;
  const char* names[3];  // of the lines; numbers without
  plotValue value;
  int (*lines)(const viewApp* app, int arm);
} pages[VIEW_PAGES] = {
    {"action", {0}, action_value, action_lines},
    {"joint position, rad", {0}, position_value, joint_lines},
    {"joint speed, rad/s", {0}, speed_value, joint_lines},
    {"behind its target", {"mm", "degrees"}, error_value, two_lines},
    {"contact force on the hand, N", {"N"}, force_value, one_line},
    {"gripper command", {0}, grip_value, grip_lines},
};

static void fill_figure(viewApp* app, mjvFigure* f, int page, int arm) {
  static const float colors[8][3] = {{0.34f, 0.71f, 0.91f}, {0.9f, 0.62f, 0},    {0, 0.62f, 0.45f},
                                     {0.94f, 0.89f, 0.26f}, {0.84f, 0.37f, 0},   {0.8f, 0.47f, 0.65f},
                                     {0.6f, 0.6f, 0.6f},    {0.25f, 0.45f, 0.7f}};

  // A figure has fewer points than a long demo rows: every step-th is drawn.
  int rows = app->stage.demo.rows, step = 1 + rows / (mjMAXLINEPNT - 1), lines = pages[page].lines(app, arm);

  mjv_defaultFigure(f);
  snprintf(f->title, sizeof f->title, "arm %d: %s", arm, pages[page].title);
  snprintf(f->xformat, sizeof f->xformat, "%%.0f");
  snprintf(f->yformat, sizeof f->yformat, "%%.3g");

  f->flg_extend = 1;
  f->flg_selection = 1;
  f->flg_legend = lines <= 2;
  f->flg_ticklabel[0] = f->flg_ticklabel[1] = 1;
  f->gridsize[0] = f->gridsize[1] = 4;
  f->linewidth = 1.5f;

  f->range[0][0] = 0;
  f->range[0][1] = (float)rows;
  f->figurergba[3] = 0.75f;

  for (int i = 0; i < lines && i < mjMAXLINE; i++) {
    int n = 0;

    memcpy(f->linergb[i], colors[i % 8], sizeof colors[0]);
    snprintf(f->linename[i], sizeof f->linename[i], "%s",
             i < 3 && pages[page].names[i] ? pages[page].names[i] : "");

    for (int t = 0; t < rows && n < mjMAXLINEPNT; t += step, n++) {
      f->linedata[i][2 * n] = (float)t;
      f->linedata[i][2 * n + 1] = (float)pages[page].value(app, arm, i, t);
    }

    f->linepnt[i] = n;
  }
}

void view_plot_page(viewApp* app, int page) {
  loomError err = {0, ""};

  app->plot_page = page;
  app->dirty = true;
  if (!page || app->stage.entry < 0) return;

  if (!app->figure) app->figure = calloc(LOOM_MAX_ARMS, sizeof *app->figure);
  if (!app->figure) return;

  // Forces are found by replaying the demo, once.
  if (pages[page - 1].value == force_value && view_stage_forces(app, &err)) view_say(app, "%s", err.message);

  for (int a = 0; a < app->task->arm_count; a++) fill_figure(app, &app->figure[a], page - 1, a);
}

void view_draw_plots(viewApp* app) {
  if (!app->plot_page || app->stage.entry < 0 || !app->figure) return;

  int arms = app->task->arm_count;
  int width = app->view.width * 2 / 5, height = app->view.height / (arms < 2 ? 3 : 2) - 6;
  if (height > 220) height = 220;

  // Stacked in the lower right corner, arm 0 on top.
  for (int a = 0; a < arms; a++) {
    mjrRect at = {app->view.left + app->view.width - width - 6,
                  app->view.bottom + 6 + (arms - 1 - a) * (height + 6), width, height};
    app->figure[a].selection = (float)view_row(app);
    mjr_figure(at, &app->figure[a], &app->context);
  }
}
