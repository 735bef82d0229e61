#include "policies/report/scatter.h"

#include "engine/draw/chart.h"

static double inside(double value, double extent) {
  return fmin(fmax(value, -extent), extent);
}

static void draw_marks(loomChart* chart, const loomAxes* axes, const loomScatter* s) {
  double pixels = s->radius * axes->box.w / (2 * s->extent);

  // Small ones are made out all the same.
  for (int i = 0; i < s->marks; i++)
    loom_chart_dot(chart, loom_axes_x(axes, s->mark[2 * i]), loom_axes_y(axes, s->mark[2 * i + 1]),
                   fmax(pixels, 9), loom_color_pale);
}

int loom_scatter_draw(const char* path, const loomScatter* s, loomError* err) {
  enum { SIDE = 560, LEFT = 60, TOP = 40 };
  loomChart* chart;
  loomAxes axes = {
      .box = {LEFT, TOP, SIDE, SIDE}, .x = {-s->extent, s->extent}, .y = {-s->extent, s->extent}};
  int code = loom_chart_create(&chart, LEFT + SIDE + 20, TOP + SIDE + 40, err);
  if (code) return code;

  loomTextDef title = {.size = 14, .bold = true, .color = loom_color_ink, .max_width = SIDE};
  loom_chart_text(chart, LEFT, TOP - 14, &title, s->title);
  draw_marks(chart, &axes, s);
  loom_axes_draw(chart, &axes, false);
  for (int i = 0; i < s->n; i++) {
    double x = (double)s->at[2 * i], y = (double)s->at[2 * i + 1];
    if (isfinite(x) && isfinite(y))
      loom_chart_dot(chart, loom_axes_x(&axes, inside(x, s->extent)),
                     loom_axes_y(&axes, inside(y, s->extent)), 1.5, loom_color_blue);
  }

  code = loom_chart_write_png(chart, path, err);
  loom_chart_destroy(chart);
  return code;
}
