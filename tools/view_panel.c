// The list of demos and the timeline: pictures by cairo, made anew when something changed.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/segment.h"
#include "tools/view.h"

enum { LANE_LEFT = 64, LANE_RIGHT = 14, LANE_TOP = 40, LANE_HEIGHT = 38, LANE_GAP = 12 };

static const loomColor arm_color[LOOM_MAX_ARMS] = {{0.337, 0.706, 0.914}, {0.902, 0.624, 0}};
static const loomColor white = {1, 1, 1}, keep_color = {0, 0.62, 0.451}, reject_color = {0.835, 0.369, 0},
                       chosen_color = {0.85, 0.93, 0.98};

bool view_inside(mjrRect r, const viewApp* app, double x, double y) {
  double up = app->height - y;
  return x >= r.left && x < r.left + r.width && up >= r.bottom && up < r.bottom + r.height;
}

// ------------------------------------------------------------------------------------------------------
// list

static loomColor outcome_color(const viewEntry* e) {
  if (!e->rows) return loom_color_ink;
  if (e->outcome < 0) return loom_color_pale;
  return e->outcome == LOOM_OUTCOME_SUCCESS ? loom_color_good : loom_color_bad;
}

static void draw_entry(loomChart* c, viewApp* app, int i, double y, double width) {
  const viewEntry* e = view_list_entry(&app->list, i);
  loomTextDef text = loom_default_text_def();
  char line[256];
  bool chosen = i == app->stage.entry;
  if (chosen) loom_chart_rect(c, (loomBox){0, y, width, VIEW_ROW_HEIGHT}, chosen_color);
  loom_chart_rect(c, (loomBox){0, y + 2, 4, VIEW_ROW_HEIGHT - 4}, outcome_color(e));
  pthread_mutex_lock(&app->list.lock);
  if (e->has_thumb) {
    loom_chart_image(c, 8, y + 4, &e->thumb);
  } else {
    loom_chart_rect(c, (loomBox){8, y + 4, VIEW_THUMB_WIDTH, VIEW_THUMB_HEIGHT}, loom_color_pale);
  }
  pthread_mutex_unlock(&app->list.lock);
  double left = 16 + VIEW_THUMB_WIDTH;
  text.max_width = width - left - 22;
  text.bold = chosen;
  snprintf(line, sizeof line, "%s   %d rows", e->name, e->rows);
  loom_chart_text(c, left, y + 17, &text, line);
  text.bold = false;
  text.size = 11;
  text.color = loom_color_grey;
  const char* outcome = !e->rows          ? "cannot be read"
                        : e->outcome >= 0 ? loom_outcome_name((loomOutcome)e->outcome)
                                          : "not known yet";
  snprintf(line, sizeof line, "%s%s%s", outcome, e->source[0] ? "   from " : "", e->source);
  loom_chart_text(c, left, y + 33, &text, line);
  loom_chart_text(c, left, y + 48, &text, e->reason);
  if (e->mark == VIEW_KEEP) {
    loom_chart_segment(c, width - 18, y + 14, width - 14, y + 18, 2.5, keep_color);
    loom_chart_segment(c, width - 14, y + 18, width - 7, y + 8, 2.5, keep_color);
  } else if (e->mark == VIEW_REJECT) {
    loom_chart_cross(c, width - 13, y + 13, 4.5, reject_color);
  }
  loom_chart_segment(c, 0, y + VIEW_ROW_HEIGHT, width, y + VIEW_ROW_HEIGHT, 1, loom_color_pale);
}

static void draw_list(viewApp* app, loomChart* c, double width, double height) {
  const viewList* list = &app->list;
  loomTextDef text = loom_default_text_def();
  char line[256];
  int lines = (int)ceil((height - VIEW_HEAD_HEIGHT) / VIEW_ROW_HEIGHT);
  for (int k = 0; k < lines && app->scroll + k < list->shown_count; k++)
    draw_entry(c, app, list->shown[app->scroll + k], VIEW_HEAD_HEIGHT + k * VIEW_ROW_HEIGHT, width);
  loom_chart_rect(c, (loomBox){0, 0, width, VIEW_HEAD_HEIGHT}, white);
  text.bold = true;
  snprintf(line, sizeof line, "%d of %d demos", list->shown_count, list->n);
  loom_chart_text(c, 8, 18, &text, line);
  text.bold = false;
  text.size = 11;
  text.max_width = width - 16;
  snprintf(line, sizeof line, "%s, by %s%s%s%s", view_filter_names[list->filter], view_sort_names[list->sort],
           list->text[0] || app->typing ? ", with \"" : "", list->text,
           app->typing     ? "_"
           : list->text[0] ? "\""
                           : "");
  loom_chart_text(c, 8, 38, &text, line);
  loom_chart_segment(c, 0, VIEW_HEAD_HEIGHT, width, VIEW_HEAD_HEIGHT, 1, loom_color_grey);
  double inner = height - VIEW_HEAD_HEIGHT, all = (double)list->shown_count * VIEW_ROW_HEIGHT;
  if (all > inner) {
    double bar = fmax(20, inner * inner / all);
    double at = (inner - bar) * app->scroll / fmax(1, list->shown_count - inner / VIEW_ROW_HEIGHT);
    loom_chart_rect(c, (loomBox){width - 4, VIEW_HEAD_HEIGHT + fmin(at, inner - bar), 4, bar},
                    loom_color_grey);
  }
}

int view_list_at(const viewApp* app, double x, double y) {
  if (!app->show_list || !view_inside(app->list_panel.rect, app, x, y) || y < VIEW_HEAD_HEIGHT) return -1;
  int k = app->scroll + (int)((y - VIEW_HEAD_HEIGHT) / VIEW_ROW_HEIGHT);
  return k < app->list.shown_count ? app->list.shown[k] : -1;
}

// ------------------------------------------------------------------------------------------------------
// timeline

static double lane_width(const viewApp* app) {
  return app->time_panel.rect.width - LANE_LEFT - LANE_RIGHT;
}

double view_time_x(const viewApp* app, double row) {
  int rows = app->stage.demo.rows > 0 ? app->stage.demo.rows : 1;
  return app->time_panel.rect.left + LANE_LEFT + row / rows * lane_width(app);
}

double view_time_row(const viewApp* app, double x) {
  int rows = app->stage.demo.rows > 0 ? app->stage.demo.rows : 1;
  return (x - app->time_panel.rect.left - LANE_LEFT) / lane_width(app) * rows;
}

static double lane_top(int arm) {
  return LANE_TOP + arm * (LANE_HEIGHT + LANE_GAP);
}

// Arm of the lane at a point of the window, or -1.
static int lane_at(const viewApp* app, double x, double y) {
  if (!app->show_timeline || app->stage.entry < 0 || !view_inside(app->time_panel.rect, app, x, y)) return -1;
  double down = y - (app->height - app->time_panel.rect.bottom - app->time_panel.rect.height);
  for (int a = 0; a < app->task->arm_count; a++) {
    if (down >= lane_top(a) && down < lane_top(a) + LANE_HEIGHT) return a;
  }
  return -1;
}

bool view_time_boundary(const viewApp* app, double x, double y, int* arm, int* subtask) {
  int a = lane_at(app, x, y);
  double nearest = 6;  // pixels
  bool found = false;
  for (int k = 0; a >= 0 && k + 1 < app->task->subtask_count[a]; k++) {
    double away = fabs(view_time_x(app, app->stage.replay.end[a][k]) - x);
    if (away > nearest) continue;
    nearest = away;
    *arm = a;
    *subtask = k;
    found = true;
  }
  return found;
}

int view_time_segment(const viewApp* app, double x, double y) {
  int a = lane_at(app, x, y);
  double row = view_time_row(app, x);
  for (int i = 0; a >= 0 && i < app->stage.segment_count; i++) {
    const viewSegment* g = &app->stage.segment[i];
    if (g->arm == a && row >= g->first && row < g->end) return i;
  }
  return -1;
}

static loomColor blend(loomColor a, double share) {
  return (loomColor){1 + (a.r - 1) * share, 1 + (a.g - 1) * share, 1 + (a.b - 1) * share};
}

// Rows before a segment's own motion: on the way to its first pose.
static int lead_in(const viewSegment* g) {
  int own = g->source_end - g->source_start, rows = g->end - g->first;
  return g->source_name[0] && own > 0 && own < rows ? rows - own : 0;
}

static void draw_segment(loomChart* c, viewApp* app, const viewSegment* g, double origin) {
  double top = lane_top(g->arm), x0 = view_time_x(app, g->first) - origin,
         x1 = view_time_x(app, g->end) - origin;
  double own = view_time_x(app, g->first + lead_in(g)) - origin;
  loomTextDef text = loom_default_text_def();
  bool now = view_row(app) >= g->first && view_row(app) < g->end;
  loomColor color = blend(arm_color[g->arm], now ? 0.9 : 0.55);
  char line[2 * LOOM_NAME_MAX];
  loom_chart_rect(c, (loomBox){x0, top, x1 - x0, LANE_HEIGHT}, blend(arm_color[g->arm], 0.2));
  loom_chart_rect(c, (loomBox){own, top, x1 - own, LANE_HEIGHT}, color);
  loom_chart_segment(c, x1, top - 3, x1, top + LANE_HEIGHT + 3, 2, loom_color_ink);
  text.max_width = x1 - x0 - 8;
  text.size = 12;
  text.bold = now;
  if (text.max_width > 14)
    loom_chart_text(c, x0 + 4, top + 14, &text, app->task->subtasks[g->arm][g->subtask].name);
  snprintf(line, sizeof line, "%s", g->source_name);
  text.size = 10;
  text.bold = false;
  text.color = loom_color_grey;
  if (text.max_width > 24 && line[0]) loom_chart_text(c, x0 + 4, top + 26, &text, line);
}

// Gripper commands at the foot of a lane: a line, up where the gripper closes.
static void draw_grip(loomChart* c, viewApp* app, int arm, double origin) {
  const loomReplay* r = &app->stage.replay;
  double foot = lane_top(arm) + LANE_HEIGHT - 2;
  int step = 1 + r->rows / 1000;
  for (int t = step; t < r->rows; t += step) {
    double a = fmin(1, fmax(-1, r->grip[arm][t - step])), b = fmin(1, fmax(-1, r->grip[arm][t]));
    loom_chart_segment(c, view_time_x(app, t - step) - origin, foot - 4 * (a + 1),
                       view_time_x(app, t) - origin, foot - 4 * (b + 1), 1.2, loom_color_ink);
  }
}

// Where one arm waits for the other (sequential) or both go together (coordinated).
static void draw_rules(loomChart* c, viewApp* app, double origin) {
  for (int i = 0; i < app->task->rule_count; i++) {
    const loomRule* rule = &app->task->rules[i];
    const loomReplay* r = &app->stage.replay;
    bool together = rule->kind == LOOM_RULE_COORDINATED;
    double from = lane_top(rule->arm_a) + LANE_HEIGHT / 2.0, to = lane_top(rule->arm_b) + LANE_HEIGHT / 2.0;
    int row_a =
        together ? loom_segment_start(r, rule->arm_a, rule->subtask_a) : r->end[rule->arm_a][rule->subtask_a];
    int row_b = loom_segment_start(r, rule->arm_b, rule->subtask_b);
    double x0 = view_time_x(app, row_a) - origin, x1 = view_time_x(app, row_b) - origin;
    loom_chart_segment(c, x0, from, x1, to, together ? 3 : 1.5, together ? loom_color_good : loom_color_grey);
    loom_chart_dot(c, x1, to, 4, together ? loom_color_good : loom_color_grey);
    if (!together) continue;
    x0 = view_time_x(app, r->end[rule->arm_a][rule->subtask_a]) - origin;
    loom_chart_segment(c, x0, from, x0, to, 3, loom_color_good);
  }
}

// Conditions that end subtasks, a thin bar each above the lanes where they hold.
static void draw_conditions(loomChart* c, viewApp* app, double origin) {
  const loomReplay* r = &app->stage.replay;
  const loomTask* task = app->task;
  for (int a = 0; a < task->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      const loomSubtaskDef* s = &task->subtasks[a][k];
      int condition = s->until == LOOM_UNTIL_CONDITION ? s->until_condition : s->expect;
      if (condition < 0) continue;
      for (int t = 0, from = -1; t <= r->rows; t++) {
        bool holds = t < r->rows && r->condition[(size_t)t * (size_t)r->condition_count + (size_t)condition];
        if (holds && from < 0) from = t;
        if (holds || from < 0) continue;
        double x0 = view_time_x(app, from) - origin, x1 = view_time_x(app, t) - origin;
        loom_chart_rect(c, (loomBox){x0, lane_top(a) - 5 - 3 * (k % 2), fmax(1, x1 - x0), 2},
                        loom_color_good);
        from = -1;
      }
    }
  }
}

static void draw_ruler(loomChart* c, viewApp* app, double origin) {
  static const int steps[] = {10, 20, 50, 100, 200, 500, 1000, 2000, 5000};
  loomTextDef text = loom_default_text_def();
  text.size = 10;
  text.color = loom_color_grey;
  text.align = LOOM_ALIGN_CENTER;
  int rows = app->stage.demo.rows, k = 0;
  while (k < 8 && lane_width(app) * steps[k] / rows < 45) k++;
  for (int t = 0; t <= rows; t += steps[k]) {
    char line[16];
    snprintf(line, sizeof line, "%d", t);
    loom_chart_text(c, view_time_x(app, t) - origin, 29, &text, line);
  }
}

static void draw_timeline(viewApp* app, loomChart* c, double width) {
  loomTextDef text = loom_default_text_def();
  double origin = app->time_panel.rect.left;
  char line[640];
  loom_chart_segment(c, 0, 0, width, 0, 1, loom_color_grey);
  if (app->stage.entry < 0) return;
  const viewEntry* e = view_list_entry(&app->list, app->stage.entry);
  int row = view_row(app);
  snprintf(line, sizeof line, "%s  row %d of %d  %.2f s  %s %gx%s%s", e->name, row, e->rows,
           (double)row / app->task->control_freq,
           app->live      ? "live"
           : app->playing ? "playing"
                          : "paused",
           app->speed, app->loop ? ", loop" : "",
           app->ends_changed || app->list.marks_changed ? ", not saved (Ctrl-S)" : "");
  text.bold = true;
  text.max_width = width * 0.6;
  double used = loom_chart_text(c, 10, 15, &text, line);
  text.bold = false;
  text.color = app->clock < app->message_until ? loom_color_bad : loom_color_grey;
  text.max_width = width - used - 40;
  loom_chart_text(c, used + 28, 15, &text,
                  app->clock < app->message_until ? app->message
                  : app->stage.has_ends           ? e->reason
                                                  : app->stage.why);
  draw_ruler(c, app, origin);
  text = loom_default_text_def();
  text.size = 12;
  for (int a = 0; a < app->task->arm_count; a++) {
    snprintf(line, sizeof line, "arm %d", a);
    loom_chart_text(c, 10, lane_top(a) + 22, &text, line);
    loom_chart_rect(c, (loomBox){LANE_LEFT, lane_top(a), lane_width(app), LANE_HEIGHT}, loom_color_pale);
  }
  for (int i = 0; i < app->stage.segment_count; i++) draw_segment(c, app, &app->stage.segment[i], origin);
  for (int a = 0; a < app->task->arm_count; a++) draw_grip(c, app, a, origin);
  draw_conditions(c, app, origin);
  if (app->stage.has_ends) draw_rules(c, app, origin);
  if (e->outcome > LOOM_OUTCOME_SUCCESS) {
    int arm = e->trial && e->trial->result.arm >= 0 ? e->trial->result.arm : 0;
    loom_chart_cross(c, view_time_x(app, e->rows) - origin, lane_top(arm) + LANE_HEIGHT / 2.0, 7,
                     loom_color_bad);
  }
  double x = view_time_x(app, row) - origin;
  loom_chart_segment(c, x, 20, x, lane_top(app->task->arm_count) - LANE_GAP + 4, 1.5, loom_color_bad);
}

// ------------------------------------------------------------------------------------------------------

static void refresh(viewApp* app, viewPanel* p, bool list) {
  loomChart* chart = NULL;
  if (!p->stale || p->rect.width < 1 || p->rect.height < 1) return;
  if (loom_chart_create(&chart, p->rect.width, p->rect.height, NULL)) return;
  if (list) {
    draw_list(app, chart, p->rect.width, p->rect.height);
  } else {
    draw_timeline(app, chart, p->rect.width);
  }
  loom_image_destroy(&p->image);
  if (!loom_chart_read(&p->image, chart, NULL)) loom_image_turn(&p->image);
  loom_chart_destroy(chart);
  p->stale = false;
}

static void show(viewApp* app, viewPanel* p, bool list) {
  refresh(app, p, list);
  if (p->image.rgb && p->image.width == p->rect.width && p->image.height == p->rect.height)
    mjr_drawPixels(p->image.rgb, NULL, p->rect, &app->context);
}

void view_draw_panels(viewApp* app) {
  if (app->show_list) show(app, &app->list_panel, true);
  if (app->show_timeline) show(app, &app->time_panel, false);
}
