#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/statistics.h"
#include "engine/draw/chart.h"
#include "tools/command/grid_report.h"

enum { WIDTH = 1200, MARGIN = 24, HEAD = 36, ROW = 24, MOST_ROWS = 40, SCOPE = 300 };

static const loomColor method_colors[] = {{0, 0.45, 0.70},    {0.90, 0.62, 0},    {0, 0.62, 0.45},
                                          {0.80, 0.47, 0.65}, {0.34, 0.71, 0.91}, {0.84, 0.37, 0}};
enum { METHOD_COLORS = sizeof method_colors / sizeof *method_colors };

// What was there before is grey.
static loomColor color_of(const comparison* c, int method) {
  return method == c->methods ? loom_color_grey : method_colors[method % METHOD_COLORS];
}

// ---- a bar a cell

// A path's last two names.
static const char* short_text(const char* text) {
  const char *last = strrchr(text, '/'), *at = last;
  while (at && at > text && at[-1] != '/') at--;
  return at ? at : text;
}

// The same of each text of a list, which labels are.
static void short_label(char out[256], const char* label) {
  size_t n = 0;
  *out = '\0';
  for (const char* at = label; *at && n < 255;) {
    char piece[256];
    const char* end = strstr(at, ", ");
    size_t length = end ? (size_t)(end - at) : strlen(at);
    snprintf(piece, sizeof piece, "%.*s", length < 255 ? (int)length : 255, at);

    n += (size_t)snprintf(out + n, 256 - n, "%s%s", n ? ", " : "", short_text(piece));
    at += length + (end ? 2 : 0);
  }
}

static void label_bar(char out[256], const comparison* c, const gridCell* cell) {
  size_t n = 0;
  *out = '\0';
  for (int k = 0; k < c->nkey && n < 255; k++) {
    const gridValue* value = grid_value(cell, c->key[k]);
    n += (size_t)snprintf(out + n, 256 - n, "%s%s", n ? ", " : "", value ? short_text(value->text) : "-");
  }
}

static loomBar bar_of(const comparison* c, const grid* g, const gridResult* r, int i) {
  loomBar bar = {.color = color_of(c, c->method[i])};
  label_bar(bar.label, c, &g->cell[i]);
  if (r->state != TOOL_CELL_DONE) {
    snprintf(bar.note, sizeof bar.note, "%s", r->state == TOOL_CELL_OPEN ? "open" : "failed or not run");
  } else if (r->after.n) {
    bar.value = (double)r->after.success / (double)r->after.n;
    loom_wilson(&bar.low, &bar.high, r->after.success, r->after.n);
    if (r->before.n)
      snprintf(bar.note, sizeof bar.note, "%.1f -> %.1f %%",
               100 * (double)r->before.success / (double)r->before.n, 100 * bar.value);
    else
      snprintf(bar.note, sizeof bar.note, "%.1f %%", 100 * bar.value);
  } else if (isfinite(r->value)) {
    bar.value = fmax(0, r->value);
    snprintf(bar.note, sizeof bar.note, "%.1f", r->value);
  }

  return bar;
}

// Tasks' returns are on scales of their own: the highest of a task is the whole of a bar there.
static double scale_of(const comparison* c, const gridResult* results, int n, int i) {
  double most = 0;
  if (results[i].after.n) return 1;
  for (int k = 0; k < n; k++)
    if (c->problem[k] == c->problem[i] && results[k].value > most) most = results[k].value;
  return most > 0 ? most : 1;
}

static int draw_cells(loomChart* chart, const comparison* c, const grid* g, const gridResult* results,
                      loomBox box, loomError* err) {
  loomBar* bars = calloc((size_t)g->n, sizeof *bars);
  loomBarsDef def = {.full = 1, .label_width = 460, .note_width = 120};
  if (!bars) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a chart");

  for (int i = 0; i < g->n; i++) {
    bars[i] = bar_of(c, g, &results[i], i);
    bars[i].value /= scale_of(c, results, g->n, i);
  }
  loom_chart_bars(chart, box, bars, g->n, &def);
  free(bars);

  return LOOM_OK;
}

// ---- a scope: IQM, profiles, improvement

static void draw_title(loomChart* chart, double x, double y, const char* text) {
  loomTextDef title = {.size = 13, .bold = true, .color = loom_color_ink, .max_width = WIDTH - 2 * MARGIN};
  loom_chart_text(chart, x, y, &title, text);
}

static void draw_interval(loomChart* chart, const loomAxes* axes, double y, double at, double low,
                          double high, loomColor color) {
  double x0 = loom_axes_x(axes, low), x1 = loom_axes_x(axes, high);
  loom_chart_segment(chart, x0, y, x1, y, 3, color);
  loom_chart_segment(chart, x0, y - 5, x0, y + 5, 2, color);
  loom_chart_segment(chart, x1, y - 5, x1, y + 5, 2, color);
  loom_chart_dot(chart, loom_axes_x(axes, at), y, 5, color);
}

static void draw_iqm(loomChart* chart, const comparison* c, const compareScope* s, loomBox box) {
  loomAxes axes = {.box = box, .x = {INFINITY, -INFINITY}, .y = {0.5, 1}, .y_step = 2, .x_label = "IQM"};
  loomTextDef name = {.size = 12, .color = loom_color_ink, .max_width = box.w - 8, .halo = true};
  int methods = c->methods + c->has_before, n = 0;
  for (int m = 0; m < methods; m++) {
    if (!s->method[m].runs) continue;
    axes.x[0] = fmin(axes.x[0], s->method[m].low);
    axes.x[1] = fmax(axes.x[1], s->method[m].high);
    n++;
  }
  if (!n) return;

  double margin = fmax(0.06 * (axes.x[1] - axes.x[0]), 1e-6 + 0.02 * fabs(axes.x[1]));
  axes.x[0] -= margin;
  axes.x[1] += margin;
  loom_axes_draw(chart, &axes, false);
  for (int m = 0, row = 0; m < methods; m++) {
    const compareMethod* x = &s->method[m];
    if (!x->runs) continue;
    double y = box.y + box.h * (row++ + 0.65) / n;
    draw_interval(chart, &axes, y, x->iqm, x->low, x->high, color_of(c, m));
    char text[256];
    short_label(text, c->label[m]);
    loom_chart_text(chart, box.x + 6, y - 9, &name, text);
  }
}

static void draw_curve(loomChart* chart, const loomAxes* axes, const compareScope* s, const double* share,
                       double width, loomColor color) {
  for (int k = 1; k < COMPARE_POINTS; k++)
    loom_chart_segment(chart, loom_axes_x(axes, s->score[k - 1]), loom_axes_y(axes, share[k - 1]),
                       loom_axes_x(axes, s->score[k]), loom_axes_y(axes, share[k]), width, color);
}

static void draw_profiles(loomChart* chart, const comparison* c, const compareScope* s, loomBox box) {
  loomAxes axes = {.box = box,
                   .x = {s->score[0], s->score[COMPARE_POINTS - 1]},
                   .y = {0, 1.02},
                   .y_step = 0.5,
                   .x_label = "score",
                   .y_label = "share of runs above"};
  loom_axes_draw(chart, &axes, true);

  // Thin lines are the interval.
  for (int m = c->methods + c->has_before - 1; m >= 0; m--) {
    if (!s->method[m].runs) continue;
    draw_curve(chart, &axes, s, s->method[m].share_low, 0.7, color_of(c, m));
    draw_curve(chart, &axes, s, s->method[m].share_high, 0.7, color_of(c, m));
    draw_curve(chart, &axes, s, s->method[m].share, 2.5, color_of(c, m));
  }
}

static void draw_pairs(loomChart* chart, const comparison* c, const compareScope* s, loomBox box) {
  loomAxes axes = {.box = box,
                   .x = {0, 1},
                   .y = {0.5, 1},
                   .x_step = 0.5,
                   .y_step = 2,
                   .x_label = "probability of improvement"};
  loomTextDef name = {.size = 12, .color = loom_color_ink, .max_width = box.w - 8, .halo = true};
  char text[2 * 256 + 16], x[256], y_label[256];
  int n = s->pairs < 8 ? s->pairs : 8;
  if (!n) return;

  loom_axes_draw(chart, &axes, false);
  double middle = loom_axes_x(&axes, 0.5);
  loom_chart_segment(chart, middle, box.y, middle, box.y + box.h, 1, loom_color_pale);
  for (int i = 0; i < n; i++) {
    const comparePair* p = &s->pair[i];
    double y = box.y + box.h * (i + 0.65) / n;
    draw_interval(chart, &axes, y, p->p, p->low, p->high, color_of(c, p->x));
    short_label(x, c->label[p->x]);
    short_label(y_label, c->label[p->y]);
    snprintf(text, sizeof text, "%s over %s", x, y_label);
    loom_chart_text(chart, box.x + 6, y - 9, &name, text);
  }
}

static void draw_scope(loomChart* chart, const comparison* c, const compareScope* s, double y) {
  char text[256 + 80], label[256];
  double h = SCOPE - HEAD - 60, w = (WIDTH - 2.0 * MARGIN - 120) / 3;
  short_label(label, s->label);
  snprintf(text, sizeof text, "%s%s%s, 95 %% stratified bootstrap intervals", label, *label ? ": " : "",
           comparison_over(s));
  draw_title(chart, MARGIN, y + 16, text);

  // Side by side.
  draw_iqm(chart, c, s, (loomBox){MARGIN, y + HEAD, w, h});
  draw_profiles(chart, c, s, (loomBox){MARGIN + w + 70, y + HEAD, w, h});
  draw_pairs(chart, c, s, (loomBox){MARGIN + 2 * w + 110, y + HEAD, w, h});
}

int grid_draw(const comparison* c, const grid* g, const gridResult* results, const char* path,
              loomError* err) {
  int rows = g->n < MOST_ROWS ? g->n : MOST_ROWS, scopes = c->scopes < 8 ? c->scopes : 8;
  int cells = HEAD + rows * ROW + MARGIN;
  loomChart* chart;
  int code = loom_chart_create(&chart, WIDTH, cells + scopes * SCOPE + MARGIN, err);
  if (code) return code;

  bool rates = false;
  for (int i = 0; i < g->n; i++) rates = rates || results[i].after.n;
  draw_title(chart, MARGIN, 22,
             rates ? "each cell: success before -> after, 95 % Wilson intervals"
                   : "each cell: return, against the best of its task");
  code =
      draw_cells(chart, c, g, results, (loomBox){MARGIN, HEAD, WIDTH - 2 * MARGIN, rows * (double)ROW}, err);
  for (int i = 0; i < scopes; i++) draw_scope(chart, c, &c->scope[i], cells + (double)i * SCOPE);
  if (!code) code = loom_chart_write_png(chart, path, err);
  loom_chart_destroy(chart);

  return code;
}
