// The report as one picture.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/statistics.h"
#include "engine/draw/chart.h"
#include "generators/attempt/start_map.h"
#include "generators/run/report.h"

enum { MARGIN = 30, MAX_DOTS = 1500 };

// 12345678 as "12,345,678".
static void group_digits(char out[32], double value) {
  char digits[32];
  int n = snprintf(digits, sizeof digits, "%.0f", value), k = 0;
  for (int i = 0; i < n && k < 30; i++) {
    if (i && (n - i) % 3 == 0 && digits[i - 1] != '-') out[k++] = ',';
    out[k++] = digits[i];
  }
  out[k] = 0;
}

// Title of a panel; returns what is left for its content.
static loomBox draw_panel(loomChart* chart, loomBox box, const char* title, const char* note) {
  loomTextDef text = loom_default_text_def();
  text.size = 15;
  text.bold = true;
  double width = loom_chart_text(chart, box.x, box.y + 15, &text, title);

  text = (loomTextDef){.size = 12, .color = loom_color_grey, .max_width = box.w - width - 12};
  if (note) loom_chart_text(chart, box.x + width + 12, box.y + 15, &text, note);

  return (loomBox){box.x, box.y + 34, box.w, box.h - 34};
}

static void draw_no_data(loomChart* chart, loomBox box) {
  loomTextDef text = {.size = 13, .color = loom_color_grey};
  loom_chart_text(chart, box.x, box.y + 20, &text, "none");
}

// ---- headline

static void draw_figure(loomChart* chart, double x, double y, double width, loomColor color,
                        const char* value, const char* caption) {
  loomTextDef big = {.size = 30, .bold = true, .color = color, .max_width = width},
              small = {.size = 13, .color = loom_color_grey, .max_width = width};

  loom_chart_text(chart, x, y + 30, &big, value);
  loom_chart_text(chart, x, y + 52, &small, caption);
}

static void draw_headline(loomChart* chart, const loomReport* r, int width) {
  char title[256], values[5][64], captions[5][96], one[32], two[32];
  loomTextDef text = {.size = 20, .bold = true, .color = loom_color_ink};
  double x = MARGIN, step = (width - 2 * MARGIN) / 5.0;

  snprintf(title, sizeof title, "Generated demos: %s", r->task->name);
  double w = loom_chart_text(chart, x, 40, &text, title);

  snprintf(title, sizeof title, "reset %s, seed %llu%s%s", r->task->resets[r->reset].name,
           (unsigned long long)r->seed, r->run->resumed ? ", resumed" : "",
           r->run->interrupted ? ", interrupted" : "");
  text = (loomTextDef){.size = 14, .color = loom_color_grey};
  loom_chart_text(chart, x + w + 16, 40, &text, title);

  snprintf(values[0], sizeof *values, "%.1f %%", 100 * r->rate);
  snprintf(captions[0], sizeof *captions, "succeed; 95 %% interval %.1f to %.1f", 100 * r->low,
           100 * r->high);

  group_digits(one, (double)r->all.successes);
  group_digits(two, (double)r->all.attempts);
  snprintf(values[1], sizeof *values, "%s demos", one);
  snprintf(captions[1], sizeof *captions, "from %s attempts; %.0f %% of steps lost", two,
           100 * r->doomed_share);

  group_digits(one, r->demos_per_hour);
  group_digits(two, r->attempts_per_hour);
  snprintf(values[2], sizeof *values, "%s / h", one);
  snprintf(captions[2], sizeof *captions, "demos an hour; %s attempts", two);

  snprintf(values[3], sizeof *values, "%.0f rows", r->lengths.mean);
  snprintf(captions[3], sizeof *captions, "a demo; %d to %d", r->lengths.shortest, r->lengths.longest);
  double fresh = fmax(1, (double)(r->run->result_count - r->run->resumed));
  snprintf(values[4], sizeof *values, "%.2f s", r->run->cpu_seconds / fresh);
  snprintf(captions[4], sizeof *captions, "CPU time an attempt; %.0f s wall clock", r->run->seconds);

  for (int i = 0; i < 5; i++)
    draw_figure(chart, x + i * step, 58, step - 20, i ? loom_color_ink : loom_color_good, values[i],
                captions[i]);
  loom_chart_segment(chart, MARGIN, 128, width - MARGIN, 128, 1, loom_color_pale);
}

// ---- lists of bars

static void draw_failures(loomChart* chart, loomBox box, const loomReport* r) {
  char note[64];
  long long failed = (long long)(r->all.attempts - r->all.successes);
  snprintf(note, sizeof note, "%lld attempts, by subtask, outcome and condition", failed);

  loomBox inner = draw_panel(chart, box, "Failures", note);
  loomBar* bars = calloc((size_t)r->failure_count + 1, sizeof *bars);
  if (!bars || !r->failure_count) {
    draw_no_data(chart, inner);
    free(bars);
    return;
  }

  for (int i = 0; i < r->failure_count; i++) {
    const loomFailure* f = &r->failures[i];
    bars[i] = (loomBar){.value = (double)f->count, .color = loom_color_bad};

    char arm[16] = "";
    if (f->arm >= 0) snprintf(arm, sizeof arm, "arm %d ", f->arm);
    snprintf(bars[i].label, sizeof bars[i].label, "%s%s, %s: %.150s", arm, f->where,
             loom_outcome_name(f->outcome), f->reason);
    snprintf(bars[i].note, sizeof bars[i].note, "%lld  (%.0f %%)", (long long)f->count,
             100.0 * (double)f->count / (double)failed);
  }

  loom_chart_bars(chart, inner, bars, r->failure_count,
                  &(loomBarsDef){(double)r->failures[0].count, 0.66 * inner.w, 80});
  free(bars);
}

static void draw_sources(loomChart* chart, loomBox box, const loomReport* r) {
  char note[128];
  int left_out = r->source_set->left_out.n;
  int n = snprintf(note, sizeof note, "%.1f effective; 95 %% interval", r->diversity.effective_sources);
  if (left_out) snprintf(note + n, sizeof note - (size_t)n, "; %d left out", left_out);

  loomBox inner = draw_panel(chart, box, "By source demo", note);
  loomBar* bars = calloc((size_t)r->source_count + 1, sizeof *bars);

  for (int s = 0; bars && s < r->source_count; s++) {
    loomTally t = r->sources[s];
    loomBar* b = &bars[s];
    *b = (loomBar){.color = loom_color_blue};

    snprintf(b->label, sizeof b->label, "%s", r->source_set->replay[s].name);
    snprintf(b->note, sizeof b->note, "%lld / %lld", (long long)t.successes, (long long)t.attempts);

    // A source that was never tried has no rate.
    if (!t.attempts) continue;
    b->value = (double)t.successes / (double)t.attempts;
    loom_wilson(&b->low, &b->high, t.successes, t.attempts);
  }

  if (bars) loom_chart_bars(chart, inner, bars, r->source_count, &(loomBarsDef){1, 100, 80});
  free(bars);
}

static void draw_times(loomChart* chart, loomBox box, const loomReport* r) {
  const loomTimes* t = &r->run->times;
  const struct {
    const char* name;
    double seconds;
  } parts[] = {{"physics", t->physics}, {"control", t->control}, {"observe", t->observe},
               {"plan", t->plan},       {"reset", t->reset},     {"write", t->write}};
  enum { PARTS = sizeof parts / sizeof *parts };

  loomBar bars[PARTS];
  double sum = 0;
  for (int i = 0; i < PARTS; i++) sum += parts[i].seconds;

  loomBox inner = draw_panel(chart, box, "Time by part", "all workers together, wall clock");
  if (!(sum > 0)) {
    draw_no_data(chart, inner);
    return;
  }

  for (int i = 0; i < PARTS; i++) {
    bars[i] = (loomBar){.value = parts[i].seconds / sum, .color = loom_color_blue};
    snprintf(bars[i].label, sizeof bars[i].label, "%s", parts[i].name);
    snprintf(bars[i].note, sizeof bars[i].note, "%.1f s  (%.1f %%)", parts[i].seconds,
             100 * parts[i].seconds / sum);
  }

  loom_chart_bars(chart, inner, bars, PARTS, &(loomBarsDef){1, 60, 120});
}

// How far the starts of kept demos are from those asked for, variable by variable.
static void draw_asked(loomChart* chart, loomBox box, const loomReport* r) {
  const loomDiversity* d = &r->diversity;
  const double full = 0.5;
  loomBar bars[LOOM_MAX_ASKED];

  loomBox inner = draw_panel(chart, box, "Kept starts", "off asked, quarter furthest off");
  if (!d->asked_count || !r->all.successes) {
    draw_no_data(chart, inner);
    return;
  }

  for (int i = 0; i < d->asked_count; i++) {
    const loomAsked* a = &d->asked[i];
    bars[i] =
        (loomBar){.value = fmin(a->worst, full), .color = a->p < 0.01 ? loom_color_bad : loom_color_blue};
    snprintf(bars[i].label, sizeof bars[i].label, "%s", a->name);
    snprintf(bars[i].note, sizeof bars[i].note, "%.0f %%  (p %.2g)", 100 * a->worst, a->p);
  }
  loom_chart_bars(chart, inner, bars, d->asked_count, &(loomBarsDef){full, 60, 120});
}

// ---- starts

static void draw_start(loomChart* chart, double x, double y, double radius, bool failed) {
  if (failed)
    loom_chart_cross(chart, x, y, radius - 0.5, loom_color_bad);
  else
    loom_chart_dot(chart, x, y, radius, loom_color_good);
}

static void draw_cells(loomChart* chart, const loomAxes* axes, const loomRegions* g) {
  const loomColor none = {0.93, 0.93, 0.93}, white = {1, 1, 1};
  double dx = (g->x[1] - g->x[0]) / LOOM_REPORT_GRID, dy = (g->y[1] - g->y[0]) / LOOM_REPORT_GRID;

  for (int j = 0; j < LOOM_REPORT_GRID; j++) {
    for (int i = 0; i < LOOM_REPORT_GRID; i++) {
      loomTally t = g->cell[j][i];
      loomBox b = loom_axes_box(axes, g->x[0] + i * dx, g->y[0] + j * dy, g->x[0] + (i + 1) * dx,
                                g->y[0] + (j + 1) * dy);

      // A white frame keeps neighbors of one color apart.
      loom_chart_rect(chart, b, white);
      loom_chart_rect(chart, (loomBox){b.x + 1, b.y + 1, b.w - 2, b.h - 2},
                      t.attempts ? loom_color_heat((double)t.successes / (double)t.attempts) : none);
    }
  }
}

static void draw_cell_counts(loomChart* chart, const loomAxes* axes, const loomRegions* g) {
  loomTextDef text = {.size = 11, .bold = true, .halo = true, .color = loom_color_ink};

  for (int j = 0; j < LOOM_REPORT_GRID; j++) {
    for (int i = 0; i < LOOM_REPORT_GRID; i++) {
      char label[48];
      loomTally t = g->cell[j][i];
      double x = g->x[0] + (g->x[1] - g->x[0]) * i / LOOM_REPORT_GRID,
             y = g->y[0] + (g->y[1] - g->y[0]) * (j + 1) / LOOM_REPORT_GRID;

      snprintf(label, sizeof label, "%lld/%lld", (long long)t.successes, (long long)t.attempts);
      if (!t.attempts) continue;
      loom_chart_text(chart, loom_axes_x(axes, x) + 4, loom_axes_y(axes, y) + 13, &text, label);
    }
  }
}

static void draw_starts(loomChart* chart, const loomAxes* axes, const loomReport* r) {
  int64_t n = r->run->result_count, every = n / MAX_DOTS + 1;
  double radius = n > 600 ? 2 : n > 150 ? 3 : 4;

  for (int fail = 0; fail < 2; fail++) {  // failures are rarer: they come on top
    for (int64_t i = 0; i < n; i += every) {
      const loomAttemptResult* a = &r->run->results[i];
      const double *p = a->object_start, *q = p + 3;
      if ((a->outcome != LOOM_OUTCOME_SUCCESS) != fail || (q[0] == 0 && q[1] == 0 && q[2] == 0 && q[3] == 0))
        continue;

      // A start outside of the grid is drawn at its border.
      double x = loom_axes_x(axes, fmin(fmax(p[0], axes->x[0]), axes->x[1]));
      double y = loom_axes_y(axes, fmin(fmax(p[1], axes->y[0]), axes->y[1]));
      draw_start(chart, x, y, radius, fail);
    }
  }
}

static void draw_ramp(loomChart* chart, loomBox box) {
  loomTextDef text = {.size = 11, .color = loom_color_grey};
  for (int i = 0; i < (int)box.h; i++)
    loom_chart_rect(chart, (loomBox){box.x, box.y + i, box.w, 1}, loom_color_heat(1 - i / (box.h - 1)));

  loom_chart_text(chart, box.x + box.w + 5, box.y + 9, &text, "100 %");
  loom_chart_text(chart, box.x + box.w + 5, box.y + box.h / 2 + 4, &text, "50 %");
  loom_chart_text(chart, box.x + box.w + 5, box.y + box.h, &text, "0 %");
}

static void draw_regions(loomChart* chart, loomBox box, const loomReport* r) {
  const loomRegions* g = &r->regions;
  char title[LOOM_NAME_MAX + 32];
  snprintf(title, sizeof title, "By start of %s", r->task->objects[0].name);
  loomBox inner = draw_panel(chart, box, title, NULL);

  // The legend, right of the title.
  loomTextDef text = {.size = 12, .color = loom_color_grey};
  double right = box.x + box.w - 150;
  loom_chart_dot(chart, right, box.y + 10.5, 4, loom_color_good);
  loom_chart_text(chart, right + 9, box.y + 15, &text, "success");
  loom_chart_cross(chart, right + 80, box.y + 10.5, 3.5, loom_color_bad);
  loom_chart_text(chart, right + 89, box.y + 15, &text, "failure");

  loomAxes axes = {.box = {inner.x + 58, inner.y, inner.w - 58 - 66, inner.h - 42},
                   .x = {g->x[0], g->x[1]},
                   .y = {g->y[0], g->y[1]},
                   .x_label = "x, m",
                   .y_label = "y, m"};

  draw_cells(chart, &axes, g);
  draw_starts(chart, &axes, r);
  draw_cell_counts(chart, &axes, g);
  loom_axes_draw(chart, &axes, false);
  draw_ramp(chart, (loomBox){axes.box.x + axes.box.w + 14, axes.box.y, 12, axes.box.h});
}

static void draw_yaw(loomChart* chart, loomBox box, const loomReport* r) {
  const loomRegions* g = &r->regions;
  const double degrees = 180 / M_PI;
  char title[LOOM_NAME_MAX + 32];
  snprintf(title, sizeof title, "By yaw of %s", r->task->objects[0].name);
  loomBox inner = draw_panel(chart, box, title, "success rate, 95 % interval; attempts above");

  loomAxes axes = {.box = {inner.x + 54, inner.y + 14, inner.w - 60, inner.h - 56},
                   .x = {degrees * g->yaw[0], degrees * g->yaw[1]},
                   .y = {0, 100},
                   .y_step = 25,
                   .x_label = "yaw, degrees",
                   .y_label = "success, %"};

  if (axes.x[1] - axes.x[0] > 270) axes.x_step = 45;
  loom_axes_draw(chart, &axes, true);

  double step = (axes.x[1] - axes.x[0]) / LOOM_REPORT_YAWS;
  loomTextDef text = {.size = 11, .align = LOOM_ALIGN_CENTER, .color = loom_color_grey};
  for (int i = 0; i < LOOM_REPORT_YAWS; i++) {
    loomTally t = g->turn[i];
    double low, high, x = axes.x[0] + i * step;
    char label[32];

    snprintf(label, sizeof label, "%lld", (long long)t.attempts);
    loom_chart_text(chart, loom_axes_x(&axes, x + step / 2), axes.box.y - 5, &text, label);
    if (!t.attempts) continue;

    loom_chart_rect(chart,
                    loom_axes_box(&axes, x + 0.1 * step, 0, x + 0.9 * step,
                                  100.0 * (double)t.successes / (double)t.attempts),
                    loom_color_blue);

    loom_wilson(&low, &high, t.successes, t.attempts);
    loom_axes_interval(chart, &axes, x + step / 2, 100 * low, 100 * high);
  }

  loom_chart_segment(chart, axes.box.x, axes.box.y + axes.box.h, axes.box.x + axes.box.w,
                     axes.box.y + axes.box.h, 1, loom_color_grey);
}

static void draw_lengths(loomChart* chart, loomBox box, const loomReport* r) {
  const loomLengths* h = &r->lengths;
  char note[64];
  snprintf(note, sizeof note, "spread %.1f %%", 100 * r->diversity.rows_cv);
  loomBox inner = draw_panel(chart, box, "Lengths of the demos", h->bins ? note : NULL);
  if (!h->bins) {
    draw_no_data(chart, inner);
    return;
  }

  int64_t most = 1;
  for (int i = 0; i < h->bins; i++) most = h->count[i] > most ? h->count[i] : most;

  loomAxes axes = {.box = {inner.x + 54, inner.y + 14, inner.w - 60, inner.h - 56},
                   .x = {h->first, h->first + h->bins * h->width},
                   .y = {0, 1.05 * (double)most},
                   .y_step = most < 5 ? 1 : 0,
                   .x_label = "rows (control steps)",
                   .y_label = "demos"};

  loom_axes_draw(chart, &axes, true);
  for (int i = 0; i < h->bins; i++) {
    double x = h->first + i * h->width;
    loomBox bar = loom_axes_box(&axes, x, 0, x + h->width, (double)h->count[i]);
    loom_chart_rect(chart, (loomBox){bar.x + 1, bar.y, fmax(1, bar.w - 2), bar.h}, loom_color_blue);
  }
}

// ---- where starts were wanted

// The lowest and highest of a map's numbers k, k + step, ..; false where they are one value.
static bool find_map_range(double range[2], const loomStartMap* map, int k) {
  range[0] = INFINITY, range[1] = -INFINITY;
  for (int i = 0; i < map->n; i++) {
    double v = map->at[(ptrdiff_t)i * map->dims + k];
    range[0] = fmin(range[0], v);
    range[1] = fmax(range[1], v);
  }
  return map->width[k] > 0;
}

// Over an object's x and y, whose numbers begin at k, the failure rate by these two alone, and the episodes.
static void draw_map_place(loomChart* chart, loomBox box, const loomStartMap* map, int k,
                           const char* object) {
  enum { CELLS = 24 };
  char title[LOOM_NAME_MAX + 32];
  snprintf(title, sizeof title, "By start of %s", object);
  loomBox inner = draw_panel(chart, box, title, NULL);
  loomAxes axes = {
      .box = {inner.x + 58, inner.y, inner.w - 58 - 66, inner.h - 42}, .x_label = "x, m", .y_label = "y, m"};
  if (!find_map_range(axes.x, map, k)) axes.x[0] -= 0.01, axes.x[1] += 0.01;
  if (!find_map_range(axes.y, map, k + 1)) axes.y[0] -= 0.01, axes.y[1] += 0.01;

  double point[LOOM_MAX_OBJECTS * (LOOM_START_POSE + LOOM_MAX_VARIABLES)] = {0};
  double dx = (axes.x[1] - axes.x[0]) / CELLS, dy = (axes.y[1] - axes.y[0]) / CELLS;
  for (int j = 0; j < CELLS; j++) {
    for (int i = 0; i < CELLS; i++) {
      double x = axes.x[0] + i * dx, y = axes.y[0] + j * dy;
      point[k] = x + dx / 2, point[k + 1] = y + dy / 2;
      loom_chart_rect(chart, loom_axes_box(&axes, x, y, x + dx, y + dy),
                      loom_color_heat(loom_start_map_rate_by(map, point, k, 2)));
    }
  }

  for (int i = 0; i < map->n; i++) {
    const double* at = map->at + (ptrdiff_t)i * map->dims + k;
    draw_start(chart, loom_axes_x(&axes, at[0]), loom_axes_y(&axes, at[1]), map->n > 150 ? 3 : 4,
               map->failed[i]);
  }
  loom_axes_draw(chart, &axes, false);
  draw_ramp(chart, (loomBox){axes.box.x + axes.box.w + 14, axes.box.y, 12, axes.box.h});
}

// Over its yaw, whose sine is number k.
static void draw_map_yaw(loomChart* chart, loomBox box, const loomStartMap* map, int k, const char* object) {
  enum { STEPS = 90 };
  const double degrees = 180 / M_PI;
  char title[LOOM_NAME_MAX + 32];
  snprintf(title, sizeof title, "By yaw of %s", object);
  loomBox inner = draw_panel(chart, box, title, NULL);
  loomAxes axes = {.box = {inner.x + 54, inner.y, inner.w - 74, inner.h - 42},
                   .x = {180, -180},
                   .y = {0, 100},
                   .y_step = 25,
                   .x_label = "yaw, degrees",
                   .y_label = "failures, %"};

  // All turns, where the object is turned by nearly all; else those that it has.
  for (int i = 0; i < map->n; i++) {
    const double* at = map->at + (ptrdiff_t)i * map->dims + k;
    axes.x[0] = fmin(axes.x[0], degrees * atan2(at[0], at[1]));
    axes.x[1] = fmax(axes.x[1], degrees * atan2(at[0], at[1]));
  }
  if (axes.x[1] - axes.x[0] > 270) axes.x[0] = -180, axes.x[1] = 180, axes.x_step = 90;
  loom_axes_draw(chart, &axes, true);

  double point[LOOM_MAX_OBJECTS * (LOOM_START_POSE + LOOM_MAX_VARIABLES)] = {0}, x0 = 0, y0 = 0;
  for (int i = 0; i <= STEPS; i++) {
    double yaw = axes.x[0] + (axes.x[1] - axes.x[0]) * i / STEPS;
    point[k] = sin(yaw / degrees), point[k + 1] = cos(yaw / degrees);
    double x = loom_axes_x(&axes, yaw),
           y = loom_axes_y(&axes, 100 * loom_start_map_rate_by(map, point, k, 2));
    if (i) loom_chart_segment(chart, x0, y0, x, y, 2, loom_color_blue);
    x0 = x, y0 = y;
  }

  // Failures along the top, successes along the bottom.
  for (int i = 0; i < map->n; i++) {
    const double* at = map->at + (ptrdiff_t)i * map->dims + k;
    draw_start(chart, loom_axes_x(&axes, degrees * atan2(at[0], at[1])),
               loom_axes_y(&axes, map->failed[i] ? 97 : 3), 3, map->failed[i]);
  }
}

// A panel for each place and each yaw that differs between starts: as many as can be read side by side.
static void draw_map(loomChart* chart, loomBox box, const loomStartMap* map, const loomTask* task) {
  enum { MOST = 5 };
  struct {
    int object, k;
    bool yaw;
  } panels[2 * LOOM_MAX_OBJECTS];

  int n = 0, most = 0;
  for (int o = 0, k = 0; o < task->object_count; k += LOOM_START_POSE + task->objects[o++].variable_count) {
    if (map->width[k] > 0 || map->width[k + 1] > 0)
      panels[n].object = o, panels[n].k = k, panels[n++].yaw = false;
    if (map->width[k + 2] > 0 || map->width[k + 3] > 0)
      panels[n].object = o, panels[n].k = k + 2, panels[n++].yaw = true;
  }
  most = n < MOST ? n : MOST;

  char note[160];
  snprintf(note, sizeof note, "%d of %d episodes fail; starts are drawn by the rates below, multiplied%s",
           map->failures, map->n, most < n ? " with those of more objects" : "");
  loomBox inner = draw_panel(chart, box, "Where the policy fails", note);

  for (int i = 0; i < most; i++) {
    double w = inner.w / (most < 3 ? 3 : most);
    const char* object = task->objects[panels[i].object].name;
    loomBox panel = {inner.x + i * w, inner.y, w - 10, inner.h};
    (panels[i].yaw ? draw_map_yaw : draw_map_place)(chart, panel, map, panels[i].k, object);
  }
}

int loom_report_draw(const loomReport* r, const char* path, int width, int height, loomError* err) {
  loomChart* chart;
  if (width < 1000 || height < 700)
    return loom_error_set(err, LOOM_ERR_USAGE, "a report of %d x %d pixels; 1000 x 700 at least", width,
                          height);
  double map = r->where ? 0.4 * height : 0;
  int code = loom_chart_create(&chart, width, height + (int)map, err);
  if (code) return code;

  // Two rows of three panels below the headline, in shares of the width.
  double w = width - 2 * MARGIN, top = 148, half = (height - top - MARGIN) / 2, gap = 30;
  double second = top + half + 14, rest = height - MARGIN / 2.0 - second;

  draw_headline(chart, r, width);
  draw_failures(chart, (loomBox){MARGIN, top, 0.40 * w - gap, half - 10}, r);
  draw_regions(chart, (loomBox){MARGIN + 0.40 * w, top, 0.34 * w - gap, half - 10}, r);
  draw_sources(chart, (loomBox){MARGIN + 0.74 * w, top, 0.26 * w, half - 10}, r);
  draw_yaw(chart, (loomBox){MARGIN, second, 0.36 * w - gap, rest}, r);
  draw_lengths(chart, (loomBox){MARGIN + 0.36 * w, second, 0.34 * w - gap, rest}, r);
  draw_times(chart, (loomBox){MARGIN + 0.70 * w, second, 0.30 * w, 0.44 * rest}, r);
  draw_asked(chart, (loomBox){MARGIN + 0.70 * w, second + 0.46 * rest, 0.30 * w, 0.54 * rest}, r);
  if (r->where) draw_map(chart, (loomBox){MARGIN, height, w, map - MARGIN / 2.0}, r->where, r->task);

  code = loom_chart_write_png(chart, path, err);
  loom_chart_destroy(chart);
  return code;
}
