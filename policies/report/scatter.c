#include "policies/report/scatter.h"

#include <stdbool.h>

#include "engine/draw/chart.h"

static double inside(double value, double extent) {
  return fmin(fmax(value, -extent), extent);
}

static void draw_panel(loomChart* chart, loomBox box, const loomScatter* s, bool large) {
  loomAxes axes = {.box = box, .x = {-s->extent, s->extent}, .y = {-s->extent, s->extent}};
  loomTextDef title = {
      .size = large ? 14 : 11, .bold = true, .color = loom_color_ink, .max_width = box.w + 40};
  double pixels = s->radius * box.w / (2 * s->extent);
  loom_chart_text(chart, box.x, box.y - 8, &title, s->title);

  // Small places are made out all the same.
  for (int i = 0; i < s->marks; i++)
    loom_chart_dot(chart, loom_axes_x(&axes, s->mark[2 * i]), loom_axes_y(&axes, s->mark[2 * i + 1]),
                   fmax(pixels, large ? 9 : 5), loom_color_pale);
  loom_axes_draw(chart, &axes, false);

  for (int i = 0; i < s->n; i++) {
    double x = (double)s->at[2 * i], y = (double)s->at[2 * i + 1];
    if (isfinite(x) && isfinite(y))
      loom_chart_dot(chart, loom_axes_x(&axes, inside(x, s->extent)),
                     loom_axes_y(&axes, inside(y, s->extent)), large ? 1.6 : 1.3, loom_color_ink);
  }
}

int loom_scatter_draw(const char* path, const loomScatter* scatter, int n, loomError* err) {
  enum { COLUMNS = 5, LEFT = 50, TOP = 30 };
  bool large = n == 1;
  int columns = n < COLUMNS ? n : COLUMNS, rows = (n + columns - 1) / columns, side = large ? 560 : 200;
  int width = LEFT + side + 25, height = TOP + side + 35;
  loomChart* chart;
  int code = loom_chart_create(&chart, columns * width, rows * height, err);
  if (code) return code;

  for (int i = 0; i < n; i++) {
    int x = LEFT + i % columns * width, y = TOP + i / columns * height;
    draw_panel(chart, (loomBox){x, y, side, side}, &scatter[i], large);
  }
  code = loom_chart_write_png(chart, path, err);
  loom_chart_destroy(chart);
  return code;
}
