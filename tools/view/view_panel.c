// The list of demos and the timeline: pictures by cairo, made anew when something changed.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/shared/timeline.h"
#include "tools/view/view.h"

static const loomColor white = {1, 1, 1}, keep_color = {0, 0.62, 0.451}, reject_color = {0.835, 0.369, 0},
                       chosen_color = {0.85, 0.93, 0.98};

bool view_inside(mjrRect r, const viewApp* app, double x, double y) {
  double up = app->height - y;
  return x >= r.left && x < r.left + r.width && up >= r.bottom && up < r.bottom + r.height;
}

// ---- list

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

  // The thumbnails' thread may be putting the picture there.
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

  // A check or a cross at the right.
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

  // The head lies over the first row, which may be scrolled half away.
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
  // A bar as long as the share of the list in sight.
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

// ---- timeline

// What the timeline shows, in the panel's pixels.
static timeline timeline_of(const viewApp* app) {
  const viewEntry* e = app->stage.entry >= 0 ? &app->list.entry[app->stage.entry] : NULL;

  bool failed = e && e->outcome > LOOM_OUTCOME_SUCCESS;

  // A failed demo shows the arm that failed; without a result, arm 0.
  return (timeline){.annotation = view_annotation(app),
                    .row = view_row(app),
                    .width = app->time_panel.rect.width,
                    .scale = 1,
                    .only_lanes = app->live,
                    .failed_arm = !failed                                 ? -1
                                  : e->trial && e->trial->result.arm >= 0 ? e->trial->result.arm
                                                                          : 0};
}

double view_time_x(const viewApp* app, double row) {
  timeline t = timeline_of(app);
  return app->time_panel.rect.left + timeline_x(&t, row);
}

double view_time_row(const viewApp* app, double x) {
  timeline t = timeline_of(app);
  return timeline_row(&t, x - app->time_panel.rect.left);
}

int view_time_lane(const viewApp* app, double x, double y) {
  if (!app->show_timeline || app->stage.entry < 0 || !view_inside(app->time_panel.rect, app, x, y)) return -1;
  timeline t = timeline_of(app);
  return timeline_lane(&t, y - (app->height - app->time_panel.rect.bottom - app->time_panel.rect.height));
}

bool view_time_boundary(const viewApp* app, double x, double y, int* arm, int* subtask) {
  // Only what is drawn can be taken hold of.
  int a = app->stage.has_ends && !app->live ? view_time_lane(app, x, y) : -1;

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
  int a = view_time_lane(app, x, y);

  double row = view_time_row(app, x);

  for (int i = 0; a >= 0 && i < app->stage.segment_count; i++) {
    const annotationSegment* g = &app->stage.segment[i];
    if (g->arm == a && row >= g->first && row < g->end) return i;
  }
  return -1;
}

static void draw_timeline(viewApp* app, loomChart* c, double width) {
  loomTextDef text = loom_default_text_def();

  char line[640];
  loom_chart_segment(c, 0, 0, width, 0, 1, loom_color_grey);

  if (app->stage.entry < 0) return;
  const viewEntry* e = view_list_entry(&app->list, app->stage.entry);
  int row = view_row(app);

  // A run is ahead of what is shown of it.
  if (view_run_open(app) && app->playing) row = app->run.trace.rows - 1;

  snprintf(line, sizeof line, "%s  row %d of %d  %.2f s  %s %gx%s%s", e->name, row,
           row < e->rows ? e->rows : row + 1, (double)row / app->task->control_freq,
           view_run_open(app) && app->playing ? "running"
           : view_run_open(app)               ? "run paused"
           : app->live                        ? "live"
           : app->playing                     ? "playing"
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
                  : app->live                     ? "simulated: no demo, so no subtasks"
                  : app->stage.has_ends           ? e->reason
                                                  : app->stage.why);

  timeline t = timeline_of(app);
  timeline_draw(c, &t);
  timeline_cursor(c, &t, row);
}

static void refresh_panel(viewApp* app, viewPanel* p, bool list) {
  loomChart* chart = NULL;

  // Pictures are made only when something changed, and with some size.
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

static void show_panel(viewApp* app, viewPanel* p, bool list) {
  refresh_panel(app, p, list);

  if (p->image.rgb && p->image.width == p->rect.width && p->image.height == p->rect.height)
    mjr_drawPixels(p->image.rgb, NULL, p->rect, &app->context);
}

void view_draw_panels(viewApp* app) {
  if (app->show_list) show_panel(app, &app->list_panel, true);
  if (app->show_timeline) show_panel(app, &app->time_panel, false);
}
