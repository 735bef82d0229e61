// The transport bar and the timeline: a ruler, and a lane an arm with its subtasks, their source demos,
// the gripper, the conditions that end subtasks and who waits for whom. It can be zoomed; plots above it
// show the same rows.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/view/view.h"

// Sizes in lines of text.
static const float lane_height = 2.3f, lane_gap = 0.75f, ruler_height = 1.5f, gutter = 4.2f, margin = 1;

static int row_count(const viewApp* app) {
  return app->stage.demo.rows > 1 ? app->stage.demo.rows : 1;
}

float view_time_height(const viewApp* app) {
  float em = gui_em();
  return floorf(em * (2.6f + ruler_height + (float)app->task->arm_count * (lane_height + lane_gap) + 0.3f));
}

float view_time_gutter(void) {
  return gutter * gui_em();
}

// ---- which rows are seen

void view_time_fit(viewApp* app) {
  app->ui.first = 0;
  app->ui.last = row_count(app);
}

// The rows seen stay within the demo, ten of them at least.
static void keep_within(viewApp* app, double first, double span) {
  double rows = row_count(app);

  span = fmin(rows, fmax(fmin(10, rows), span));
  app->ui.first = fmin(fmax(0, first), rows - span);
  app->ui.last = app->ui.first + span;
}

void view_time_zoom(viewApp* app, double factor, double around) {
  viewUi* u = &app->ui;
  double span = (u->last - u->first) / factor, share = (around - u->first) / fmax(1e-9, u->last - u->first);

  // A row that is not seen comes to the middle.
  if (share < 0 || share > 1) share = 0.5;
  keep_within(app, around - share * span, span);
  app->ui.frames = 3;
}

double view_time_x(const viewApp* app, double row) {
  const viewUi* u = &app->ui;
  return (double)u->lanes.x + (row - u->first) / fmax(1e-9, u->last - u->first) * (double)u->lanes.w;
}

double view_time_row(const viewApp* app, double x) {
  const viewUi* u = &app->ui;
  return u->first + (x - (double)u->lanes.x) / fmax(1, (double)u->lanes.w) * (u->last - u->first);
}

double view_time_y(const viewApp* app, int arm) {
  return (double)(app->ui.lane_top[arm] + app->ui.lane_height / 2);
}

static int lane_at(const viewApp* app, float y) {
  for (int a = 0; a < app->task->arm_count; a++)
    if (y >= app->ui.lane_top[a] && y < app->ui.lane_top[a] + app->ui.lane_height) return a;
  return -1;
}

static const annotationSegment* segment_at(const viewApp* app, float x, float y) {
  int lane = lane_at(app, y);
  double row = view_time_row(app, x);

  for (int i = 0; lane >= 0 && i < app->stage.segment_count; i++) {
    const annotationSegment* g = &app->stage.segment[i];
    if (g->arm == lane && row >= g->first && row < g->end) return g;
  }
  return NULL;
}

// The boundary under a point: true with its arm and subtask. Only what is drawn can be taken hold of.
static bool boundary_at(const viewApp* app, float x, float y, int* arm, int* subtask) {
  int a = app->stage.has_ends && view_time_known(app) ? lane_at(app, y) : -1;
  double nearest = 0.4 * (double)gui_em();
  bool found = false;

  for (int k = 0; a >= 0 && k + 1 < app->task->subtask_count[a]; k++) {
    double away = fabs(view_time_x(app, app->stage.replay.end[a][k]) - (double)x);
    if (away > nearest) continue;

    nearest = away;
    *arm = a;
    *subtask = k;
    found = true;
  }
  return found;
}

// ---- the transport bar

// Does the demo shown tell what happened? A simulation that goes its own way does not, nor a run that is
// not over, but for an attempt, which says where its subtasks began.
bool view_time_known(const viewApp* app) {
  bool runs = view_run_open(app) && app->stage.entry == app->run.entry && app->run.kind != VIEW_RUN_ATTEMPT;
  return !app->live && !app->drive.on && !runs;
}

static const char* state_name(const viewApp* app) {
  return view_run_open(app) && app->playing ? "running"
         : view_run_open(app)               ? "run paused"
         : app->drive.on                    ? "driving"
         : app->live                        ? "simulating"
         : app->playing                     ? "playing"
                                            : "";
}

static void choose_speed(viewApp* app) {
  static const double speeds[] = {0.1, 0.25, 0.5, 1, 2, 4, 8};
  char shown[16], label[16];

  snprintf(shown, sizeof shown, "%.3gx", app->speed);
  if (!gui_choice_open("##speed", shown, 4.6f * gui_em())) {
    gui_tip("Speed; - and = change it by steps, Ctrl+0 is that of reality");
    return;
  }
  for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
    snprintf(label, sizeof label, "%gx", speeds[i]);
    if (gui_option(label, speeds[i] == app->speed)) app->speed = speeds[i];
  }
  gui_choice_end();
}

static void zoom_buttons(viewApp* app) {
  float width = 6.8f * gui_em();
  gui_same_line();
  if (gui_room() < width + gui_em()) return;

  gui_move_to(gui_x() + gui_room() - width - gui_em() / 2);
  view_ui_icon(app, "zoom 0.5", GUI_ICON_MINUS, false);
  gui_same_line();
  view_ui_icon(app, "zoom 2", GUI_ICON_PLUS, false);
  gui_same_line();
  view_ui_icon(app, "zoom fit", GUI_ICON_FIT, false);
}

static void transport(viewApp* app, int row) {
  const viewEntry* e = view_list_entry(&app->list, app->stage.entry);
  const struct {
    const char* line;
    guiIcon icon;
  } icons[] = {{"start", GUI_ICON_START}, {"segment -", GUI_ICON_PREVIOUS},
               {"back", GUI_ICON_BACK},   {"play", app->playing ? GUI_ICON_PAUSE : GUI_ICON_PLAY},
               {"step", GUI_ICON_STEP},   {"segment", GUI_ICON_NEXT},
               {"end", GUI_ICON_END}};

  for (size_t i = 0; i < sizeof icons / sizeof *icons; i++) {
    if (i) gui_same_line();
    view_ui_icon(app, icons[i].line, icons[i].icon, false);
  }
  gui_same_line();
  view_ui_icon(app, "loop", GUI_ICON_LOOP, app->loop);
  gui_same_line();
  choose_speed(app);

  // A run is longer than what there is of it yet: nobody knows its end.
  char at[64];
  if (view_run_open(app) || app->drive.on || app->live) {
    snprintf(at, sizeof at, "row %d", row);
  } else {
    snprintf(at, sizeof at, "row %d of %d", row, e->rows);
  }
  gui_same_line();
  gui_text(GUI_INK, "%s", at);
  gui_same_line();
  gui_text(GUI_DIM, "%.2f s   %s", (double)row / app->task->control_freq, state_name(app));
  zoom_buttons(app);
}

// ---- drawing

static guiRgba arm_color(int arm, double alpha) {
  loomColor c = annotation_arm_color[arm];
  return gui_rgba(c.r, c.g, c.b, alpha);
}

static void draw_ruler(const viewApp* app, float top) {
  static const int steps[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000};
  const viewUi* u = &app->ui;
  float em = gui_em();
  size_t k = 0;

  // The finest steps whose numbers do not touch.
  while (k + 1 < sizeof steps / sizeof *steps &&
         view_time_x(app, steps[k]) - view_time_x(app, 0) < 3.5 * (double)em)
    k++;

  for (int row = (int)(ceil(u->first / steps[k])) * steps[k]; row <= u->last; row += steps[k]) {
    char line[16];
    snprintf(line, sizeof line, "%d", row);
    float x = (float)view_time_x(app, row), half = gui_text_width(line) / 2;
    gui_draw_text(x - half, top + ruler_height * em / 2, 0, gui_color(GUI_DIM), false, line);
    gui_draw_line(x, top + ruler_height * em - 3, x, top + ruler_height * em, 1, gui_color(GUI_LINE));
  }
}

// Rows before a segment's own motion: on the way to its first pose.
static int lead_in(const annotationSegment* g) {
  int own = g->source_end - g->source_start, rows = g->end - g->first;
  return g->source_name[0] && own > 0 && own < rows ? rows - own : 0;
}

static void draw_segment(const viewApp* app, const annotationSegment* g, int row) {
  float em = gui_em(), top = app->ui.lane_top[g->arm], height = app->ui.lane_height;
  float x0 = (float)view_time_x(app, g->first), x1 = (float)view_time_x(app, g->end),
        own = (float)view_time_x(app, g->first + lead_in(g));
  bool now = row >= g->first && row < g->end;
  guiRgba ink = gui_rgba(0.07, 0.09, 0.11, 1);

  // The way to the segment's first pose is paler than its own motion.
  gui_draw_box((guiBox){x0, top, x1 - x0 - 1, height}, arm_color(g->arm, 0.6), 2);
  gui_draw_box((guiBox){own, top, x1 - own - 1, height}, arm_color(g->arm, now ? 1 : 0.82), 2);

  // Names begin where the segment comes into sight, and are left out where there is no room for them.
  float from = fmaxf(x0, app->ui.lanes.x) + em * 0.35f,
        room = fminf(x1, app->ui.lanes.x + app->ui.lanes.w) - from - em * 0.3f;
  const char* name = app->task->subtasks[g->arm][g->subtask].name;
  bool two = g->source_name[0] && room > 2.5f * em;
  if (room > 1.2f * em) gui_draw_text(from, top + height * (two ? 0.3f : 0.42f), room, ink, now, name);
  if (two)
    gui_draw_text(from, top + height * 0.72f, room, gui_rgba(0.07, 0.09, 0.11, 0.9), false, g->source_name);
}

// A handle where a subtask ends that can be dragged.
static void draw_boundaries(const viewApp* app, int hot_arm, int hot_subtask) {
  float em = gui_em();

  for (int a = 0; a < app->task->arm_count; a++) {
    float top = app->ui.lane_top[a], foot = top + app->ui.lane_height;
    for (int k = 0; k + 1 < app->task->subtask_count[a]; k++) {
      float x = (float)view_time_x(app, app->stage.replay.end[a][k]);
      bool hot = a == hot_arm && k == hot_subtask;
      gui_draw_line(x, top - 0.15f * em, x, foot + 0.15f * em, hot ? 4 : 2,
                    gui_color(hot ? GUI_ACCENT : GUI_INK));
    }
  }
}

// Gripper commands at the foot of a lane: a line, up where the gripper closes.
static void draw_grip(const viewApp* app, int arm) {
  const loomReplay* r = &app->stage.replay;
  float em = gui_em(), foot = app->ui.lane_top[arm] + app->ui.lane_height - 0.12f * em, x0 = 0, y0 = 0;
  double span = app->ui.last - app->ui.first;
  int step = 1 + (int)(span / 1000);
  guiRgba ink = gui_rgba(0.07, 0.09, 0.11, 0.9);

  for (int row = (int)fmax(0, app->ui.first); row < r->rows && row <= app->ui.last + step; row += step) {
    float grip = fminf(1, fmaxf(-1, (float)r->grip[arm][row]));
    float x = (float)view_time_x(app, row), y = foot - 0.2f * em * (grip + 1);
    if (x0 > 0 && y != y0) gui_draw_line(x, y0, x, y, 1.5f, ink);
    if (x0 > 0) gui_draw_line(x0, y0, x, y0, 1.5f, ink);
    x0 = x;
    y0 = y;
  }
}

// Where one arm waits for the other (sequential) or both go together (coordinated).
static void draw_rules(const viewApp* app) {
  const loomReplay* r = &app->stage.replay;
  float em = gui_em();

  for (int i = 0; i < app->task->rule_count; i++) {
    const loomRule* rule = &app->task->rules[i];
    bool together = rule->kind == LOOM_RULE_COORDINATED;
    guiRgba color = gui_color(together ? GUI_GOOD : GUI_DIM);
    float from = (float)view_time_y(app, rule->arm_a), to = (float)view_time_y(app, rule->arm_b);

    // From the middle of one arm's lane to the middle of the other's.
    int end = r->end[rule->arm_a][rule->subtask_a];
    int start = together ? loom_segment_start(r, rule->arm_a, rule->subtask_a) : end;
    float x0 = (float)view_time_x(app, start),
          x1 = (float)view_time_x(app, loom_segment_start(r, rule->arm_b, rule->subtask_b));
    gui_draw_line(x0, from, x1, to, together ? 3 : 1.5f, color);
    gui_draw_dot(x1, to, 0.25f * em, color);

    // Both ends of what is done together.
    if (!together) continue;
    x0 = (float)view_time_x(app, end);
    gui_draw_line(x0, from, x0, to, 3, color);
  }
}

// A thin bar above a lane where a condition that ends one of its subtasks holds.
static void draw_condition(const viewApp* app, int condition, float y) {
  const loomReplay* r = &app->stage.replay;

  for (int row = 0, from = -1; row <= r->rows; row++) {
    bool holds = row < r->rows && r->condition[(size_t)row * (size_t)r->condition_count + (size_t)condition];
    if (holds && from < 0) from = row;
    if (holds || from < 0) continue;

    // It held until here.
    float x0 = (float)view_time_x(app, from), x1 = (float)view_time_x(app, row);
    gui_draw_box((guiBox){x0, y, fmaxf(1, x1 - x0), fmaxf(2, 0.13f * gui_em())}, gui_color(GUI_GOOD), 0);
    from = -1;
  }
}

static void draw_conditions(const viewApp* app) {
  const loomTask* task = app->task;

  for (int a = 0; a < task->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      const loomSubtaskDef* s = &task->subtasks[a][k];
      int condition = s->until == LOOM_UNTIL_CONDITION ? s->until_condition : s->expect;
      if (condition >= 0)
        draw_condition(app, condition, app->ui.lane_top[a] - gui_em() * (0.3f + 0.2f * (float)(k % 2)));
    }
  }
}

// A failed demo ends with a cross on the arm that failed; without a result, arm 0.
static void draw_failure(const viewApp* app) {
  const viewEntry* e = &app->list.entry[app->stage.entry];
  if (e->outcome <= LOOM_OUTCOME_SUCCESS || view_run_open(app)) return;

  int arm = e->trial && e->trial->result.arm >= 0 ? e->trial->result.arm : 0;
  float x = (float)view_time_x(app, app->stage.replay.rows), y = (float)view_time_y(app, arm),
        r = 0.45f * gui_em();
  gui_draw_line(x - r, y - r, x + r, y + r, 2.5f, gui_color(GUI_BAD));
  gui_draw_line(x - r, y + r, x + r, y - r, 2.5f, gui_color(GUI_BAD));
}

// Where two that are compared part.
static void draw_difference(const viewApp* app, guiBox box) {
  int row = view_compare_row(app);
  if (row < 0) return;

  float x = (float)view_time_x(app, row), em = gui_em(), top = box.y + ruler_height * em;
  gui_draw_line(x, top, x, box.y + box.h, 2, gui_color(GUI_WARN));
  gui_draw_triangle(x - 0.3f * em, top, x + 0.3f * em, top, x, top + 0.4f * em, gui_color(GUI_WARN));
}

static void draw_lanes(const viewApp* app, float left, int row, const guiCanvas* c) {
  const viewUi* u = &app->ui;
  int hot_arm = app->drag == VIEW_DRAG_BOUNDARY ? app->drag_arm : -1, hot = app->drag_subtask;
  if (app->drag == VIEW_NO_DRAG && c->hovered) boundary_at(app, c->x, c->y, &hot_arm, &hot);

  for (int a = 0; a < app->task->arm_count; a++) {
    char line[32];
    snprintf(line, sizeof line, "arm %d", a);
    gui_draw_text(left + gui_em() * 0.7f, (float)view_time_y(app, a), 0, gui_color(GUI_DIM), false, line);
    gui_draw_box((guiBox){u->lanes.x, u->lane_top[a], u->lanes.w, u->lane_height}, gui_color(GUI_LANE), 2);
  }

  guiBox clip = {u->lanes.x - 2, c->box.y, u->lanes.w + 4, c->box.h};
  gui_draw_clip(clip);
  if (view_time_known(app)) {
    for (int i = 0; i < app->stage.segment_count; i++) draw_segment(app, &app->stage.segment[i], row);
    for (int a = 0; a < app->task->arm_count; a++) draw_grip(app, a);
    draw_conditions(app);
    if (app->stage.has_ends) draw_rules(app);
    if (app->stage.has_ends) draw_boundaries(app, hot_arm, hot);
    draw_failure(app);
  }
  draw_difference(app, c->box);

  // The row shown, and the one under the mouse.
  float top = c->box.y + gui_em() * 0.2f, foot = c->box.y + c->box.h, x = (float)view_time_x(app, row);
  if (u->hovered >= 0)
    gui_draw_line((float)view_time_x(app, u->hovered), top, (float)view_time_x(app, u->hovered), foot, 1,
                  gui_color(GUI_DIM));
  gui_draw_line(x, top, x, foot, 2, gui_color(GUI_CURSOR));
  gui_draw_triangle(x - 0.33f * gui_em(), top, x + 0.33f * gui_em(), top, x, top + 0.47f * gui_em(),
                    gui_color(GUI_CURSOR));
  gui_draw_clip_end();
}

// ---- the mouse

// The end of a subtask that is nearest on a lane comes to where the mouse is.
static void set_end(viewApp* app, int arm, float x) {
  int row = (int)lround(view_time_row(app, x)), nearest = -1;
  const int* end = app->stage.replay.end[arm];

  // The last subtask ends with the demo.
  for (int k = 0; k + 1 < app->task->subtask_count[arm]; k++) {
    if (nearest < 0 || abs(end[k] - row) < abs(end[nearest] - row)) nearest = k;
  }
  if (nearest >= 0) view_stage_move_end(app, arm, nearest, row);
}

static void press_time(viewApp* app, const guiCanvas* c) {
  const annotationSegment* segment = segment_at(app, c->x, c->y);
  int lane = lane_at(app, c->y);

  app->edit_open = false;
  if (c->pressed != 0) {
    app->drag = VIEW_DRAG_SPAN;
  } else if (c->mods & VIEW_CONTROL && lane >= 0) {
    set_end(app, lane, c->x);
  } else if (boundary_at(app, c->x, c->y, &app->drag_arm, &app->drag_subtask)) {
    app->drag = VIEW_DRAG_BOUNDARY;
  } else {
    view_stop(app);
    view_go(app, c->twice && segment ? segment->first : view_time_row(app, c->x));
    app->drag = VIEW_DRAG_TIME;
  }
}

static void drag_time(viewApp* app, const guiCanvas* c) {
  double per_pixel = (app->ui.last - app->ui.first) / fmax(1, (double)app->ui.lanes.w);

  if (app->drag == VIEW_DRAG_TIME) view_go(app, view_time_row(app, c->x));
  if (app->drag == VIEW_DRAG_SPAN)
    keep_within(app, app->ui.first - (double)c->dx * per_pixel, app->ui.last - app->ui.first);
  if (app->drag != VIEW_DRAG_BOUNDARY) return;

  view_stage_move_end(app, app->drag_arm, app->drag_subtask, (int)lround(view_time_row(app, c->x)));
  view_go(app, app->stage.replay.end[app->drag_arm][app->drag_subtask] - 1);
}

static void tell_under_mouse(viewApp* app, const guiCanvas* c) {
  const annotationSegment* g = segment_at(app, c->x, c->y);
  char text[256];
  int arm, subtask;

  if (app->drag != VIEW_NO_DRAG || !view_time_known(app)) return;
  if (boundary_at(app, c->x, c->y, &arm, &subtask)) {
    snprintf(text, sizeof text, "%s ends at row %d. Drag it; what is coordinated follows.",
             app->task->subtasks[arm][subtask].name, app->stage.replay.end[arm][subtask]);
    gui_tip(text);
    gui_point_with(GUI_LEFT_RIGHT);
  } else if (g) {
    snprintf(text, sizeof text, "%s: rows %d to %d%s%s%s", app->task->subtasks[g->arm][g->subtask].name,
             g->first, g->end - 1, g->source_name[0] ? ", from " : "", g->source_name,
             lead_in(g) ? "; paler: the way to its first pose" : "");
    gui_tip(text);
  } else {
    gui_tip("Click or drag to go to a row, wheel to zoom, right drag to move along");
  }
}

static void time_input(viewApp* app, const guiCanvas* c) {
  bool ours = app->drag == VIEW_DRAG_TIME || app->drag == VIEW_DRAG_SPAN || app->drag == VIEW_DRAG_BOUNDARY;

  if (c->pressed >= 0) {
    press_time(app, c);
    view_touched(app);
  } else if (ours && (c->active || c->released) && c->dx != 0) {  // a slow picture has both at once
    drag_time(app, c);
    view_touched(app);
  }
  if (ours && !c->active) {
    app->drag = VIEW_NO_DRAG;
    app->edit_open = false;
  }

  if (c->wheel != 0) view_time_zoom(app, pow(1.25, (double)c->wheel), view_time_row(app, c->x));
  if (!c->hovered) return;
  tell_under_mouse(app, c);
  double row = floor(view_time_row(app, c->x));
  if (row >= 0 && row < row_count(app)) app->ui.hovering = row;
}

// ---- the whole

void view_ui_time(viewApp* app, guiBox box) {
  viewUi* u = &app->ui;
  float em = gui_em();
  guiCanvas canvas;

  gui_panel("##time", box, GUI_PADDED);
  if (app->stage.entry < 0) {
    gui_text(GUI_DIM, "No demo is shown.");
    gui_panel_end();
    return;
  }

  // A run is ahead of what is shown of it, and its time grows.
  bool runs = view_run_open(app) && app->playing;
  int row = runs ? app->run.trace.rows - 1 : app->drive.on ? app->drive.session.trace.rows : view_row(app);
  if (u->last <= u->first || runs || app->drive.on) view_time_fit(app);
  if (row >= u->last) u->last = row + 1;
  transport(app, row);

  // Plots, where there are any, say where the time lies.
  if (!app->track_count) u->lanes = (guiBox){box.x + gutter * em, 0, box.w - (gutter + margin) * em, 0};
  float top = box.y + 2.6f * em;
  u->lane_height = lane_height * em;
  for (int a = 0; a < app->task->arm_count; a++)
    u->lane_top[a] = top + em * (ruler_height + lane_gap * 0.8f + (float)a * (lane_height + lane_gap));

  gui_canvas(&canvas, "##lanes", (guiBox){box.x, top, box.w, box.y + box.h - top});
  time_input(app, &canvas);
  draw_ruler(app, top);
  draw_lanes(app, box.x, row, &canvas);
  gui_panel_end();
}
