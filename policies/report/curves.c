#include "policies/report/curves.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/draw/chart.h"

// ---- what was logged

typedef struct point {
  double step, value;
} point;

typedef struct curve {
  int n, room;
  point* at;  // (n) by step
} curve;

enum {
  LOSS,
  VALIDATION,
  SUCCESS,
  SUCCESS_LOW,
  SUCCESS_HIGH,
  GRADIENT,
  RATE,
  RETURN,
  EVALUATION,
  EXPLORING,  // success of a policy that is finetuned, with the noise that it learns with
  GATE,
  MODES,  // of several that a generator draws samples of
  QUALITY,
  REVERSE_KL,
  CURVES
};

static const char* const tags[CURVES] = {
    "train/loss",     "validate/loss",   "rollout/success", "rollout/success_low", "rollout/success_high",
    "train/gradient", "train/rate",      "train/return",    "evaluate/return",     "train/success",
    "train/gate",     "modes/recovered", "modes/quality",   "modes/reverse_kl"};

static bool add_point(curve* c, double step, double value) {
  // A resumed run logs steps again from its checkpoint on: the later values count.
  while (c->n && c->at[c->n - 1].step >= step) c->n--;

  if (c->n == c->room) {
    int room = c->room ? 2 * c->room : 256;
    point* more = realloc(c->at, (size_t)room * sizeof *more);
    if (!more) return false;
    c->at = more;
    c->room = room;
  }

  c->at[c->n++] = (point){step, value};
  return true;
}

// "step,tag,value,seconds"; the first line names the columns. A last line cut short counts for nothing.
static bool read_line(curve curves[CURVES], char* line) {
  char *tag = strchr(line, ','), *value = tag ? strchr(tag + 1, ',') : NULL;

  if (!value || !strchr(value + 1, ',')) return true;
  *value = '\0';

  for (int i = 0; i < CURVES; i++)
    if (!strcmp(tag + 1, tags[i])) return add_point(&curves[i], strtod(line, NULL), strtod(value + 1, NULL));
  return true;
}

static int read_curves(curve curves[CURVES], const char* folder, loomError* err) {
  char path[LOOM_PATH_MAX + 32], line[512];

  snprintf(path, sizeof path, "%s/scalars.csv", folder);
  FILE* file = fopen(path, "rb");
  if (!file) return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be opened (%s)", path, strerror(errno));

  bool room = true;
  while (room && fgets(line, sizeof line, file)) room = read_line(curves, line);

  int code = room ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", path);
  if (ferror(file)) code = loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read", path);

  fclose(file);
  return code;
}

// ---- panels

// The smallest and largest value, but for the first tenth: losses begin so high that nothing else shows.
static void take_in(double range[2], const curve* c) {
  for (int i = c->n / 10; i < c->n; i++) {
    if (!isfinite(c->at[i].value)) continue;
    range[0] = fmin(range[0], c->at[i].value);
    range[1] = fmax(range[1], c->at[i].value);
  }
}

static loomAxes axes_of(loomBox box, const curve* a, const curve* b, double steps) {
  loomAxes axes = {.box = box, .x = {0, steps}, .y = {INFINITY, -INFINITY}, .x_label = "steps"};

  take_in(axes.y, a);
  if (b) take_in(axes.y, b);

  // Nothing yet.
  if (!(axes.y[0] <= axes.y[1])) {
    axes.y[0] = 0;
    axes.y[1] = 1;
  }

  double margin = fmax(0.05 * (axes.y[1] - axes.y[0]), 1e-9 + 0.01 * fabs(axes.y[1]));
  axes.y[0] -= margin;
  axes.y[1] += margin;
  return axes;
}

static double inside(double value, const double range[2]) {
  return fmin(fmax(value, range[0]), range[1]);
}

static void draw_curve(loomChart* chart, const loomAxes* axes, const curve* c, loomColor color) {
  for (int i = 0; i < c->n; i++) {
    double x = loom_axes_x(axes, c->at[i].step), y = loom_axes_y(axes, inside(c->at[i].value, axes->y));
    if (!isfinite(y)) continue;

    if (i && isfinite(c->at[i - 1].value))
      loom_chart_segment(chart, loom_axes_x(axes, c->at[i - 1].step),
                         loom_axes_y(axes, inside(c->at[i - 1].value, axes->y)), x, y, 1.5, color);

    // Few points are marked: rollouts and validations.
    if (c->n <= 60) loom_chart_dot(chart, x, y, 3, color);
  }
}

static void title(loomChart* chart, loomBox box, double x, const char* text, loomColor color) {
  loomTextDef def = {.size = 14, .bold = true, .color = color};
  loom_chart_text(chart, box.x + x, box.y - 10, &def, text);
}

static void draw_loss(loomChart* chart, loomBox box, const curve* curves, double steps) {
  loomAxes axes = axes_of(box, &curves[LOSS], &curves[VALIDATION], steps);

  title(chart, box, 0, "loss", loom_color_blue);
  if (curves[VALIDATION].n) title(chart, box, 50, "validation", loom_color_bad);
  loom_axes_draw(chart, &axes, true);

  draw_curve(chart, &axes, &curves[LOSS], loom_color_blue);
  draw_curve(chart, &axes, &curves[VALIDATION], loom_color_bad);
}

static void draw_success(loomChart* chart, loomBox box, const curve* curves, double steps) {
  const curve *low = &curves[SUCCESS_LOW], *high = &curves[SUCCESS_HIGH];

  loomAxes axes = {.box = box, .x = {0, steps}, .y = {0, 1}, .x_label = "steps", .y_step = 0.2};
  bool any = curves[SUCCESS].n > 0;

  title(chart, box, 0, any ? "share of rollouts that succeed, 95 % interval" : "no rollouts",
        any ? loom_color_good : loom_color_grey);
  loom_axes_draw(chart, &axes, true);

  for (int i = 0; i < low->n && i < high->n; i++)
    loom_axes_interval(chart, &axes, low->at[i].step, low->at[i].value, high->at[i].value);
  draw_curve(chart, &axes, &curves[SUCCESS], loom_color_good);
}

// What reinforcement has come to, with the noise that it learns with, and without; `evaluate/return` is a
// rate where a policy is finetuned.
static void draw_return(loomChart* chart, loomBox box, const curve* curves, double steps) {
  bool rate = curves[EXPLORING].n > 0;
  const curve* c = &curves[rate ? EXPLORING : RETURN];
  loomAxes axes = axes_of(box, c, &curves[EVALUATION], steps);

  title(chart, box, 0, rate ? "share that succeeds, exploring" : "return", loom_color_blue);
  if (curves[EVALUATION].n) title(chart, box, rate ? 255 : 60, "without noise", loom_color_good);
  loom_axes_draw(chart, &axes, true);

  draw_curve(chart, &axes, c, loom_color_blue);
  draw_curve(chart, &axes, &curves[EVALUATION], loom_color_good);
}

static void draw_one(loomChart* chart, loomBox box, const curve* c, double steps, const char* name) {
  loomAxes axes = axes_of(box, c, NULL, steps);

  axes.y[0] = 0;  // neither is ever below

  title(chart, box, 0, name, loom_color_ink);
  loom_axes_draw(chart, &axes, true);
  draw_curve(chart, &axes, c, loom_color_blue);
}

static int draw_curves(const char* folder, const curve curves[CURVES], loomError* err) {
  enum { WIDTH = 1200, HEIGHT = 760, LEFT = 70, TOP = 40, PANEL_WIDTH = 510, PANEL_HEIGHT = 280 };

  char path[LOOM_PATH_MAX + 32];
  loomChart* chart;
  double steps = curves[LOSS].n ? curves[LOSS].at[curves[LOSS].n - 1].step : 1;
  loomBox box[4];

  for (int i = 0; i < 4; i++) {
    int column = i % 2, row = i / 2;
    box[i] = (loomBox){LEFT + column * WIDTH / 2.0, TOP + row * HEIGHT / 2.0, PANEL_WIDTH, PANEL_HEIGHT};
  }

  int code = loom_chart_create(&chart, WIDTH, HEIGHT, err);
  if (code) return code;

  draw_loss(chart, box[0], curves, steps);
  if (curves[MODES].n)
    draw_one(chart, box[1], &curves[MODES], steps, "modes that samples come to");
  else if (curves[RETURN].n)
    draw_return(chart, box[1], curves, steps);
  else
    draw_success(chart, box[1], curves, steps);

  // What is nowhere logged has no panel.
  if (curves[GRADIENT].n)
    draw_one(chart, box[2], &curves[GRADIENT], steps, "length of the gradient, before clipping");
  else if (curves[GATE].n)
    draw_one(chart, box[2], &curves[GATE], steps, "share of decisions in which something is added");
  else if (curves[QUALITY].n)
    draw_one(chart, box[2], &curves[QUALITY], steps, "share of samples that are at one");
  if (curves[REVERSE_KL].n)
    draw_one(chart, box[3], &curves[REVERSE_KL], steps, "reverse KL from all modes alike");
  else
    draw_one(chart, box[3], &curves[RATE], steps, "learning rate");

  snprintf(path, sizeof path, "%s/curves.png", folder);
  code = loom_chart_write_png(chart, path, err);
  loom_chart_destroy(chart);
  return code;
}

int loom_curves_draw(const char* folder, loomError* err) {
  curve curves[CURVES] = {{0}};
  int code = read_curves(curves, folder, err);

  if (!code) code = draw_curves(folder, curves, err);

  for (int i = 0; i < CURVES; i++) free(curves[i].at);
  return code;
}
