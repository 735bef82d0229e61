// Plots along the demo, above the timeline and of the same rows: the viewer's own pages, or any array of
// the file that has a value a row. Names, values at the row under the mouse (or else the one shown) and
// switches of the lines are at the right.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/names.h"
#include "tools/view/view.h"

// Of an array: what robomimic's names tell.
static void name_column(char out[32], const char* key, int line, int lines) {
  static const char letters[] = "xyzw";
  size_t n = strlen(key);
  bool pos = n > 4 && !strcmp(key + n - 4, "_pos"), quat = n > 5 && !strcmp(key + n - 5, "_quat");

  if ((pos && lines == 3) || (quat && lines == 4)) {
    snprintf(out, 32, "%c", letters[line]);
  } else {
    snprintf(out, 32, "%d", line);
  }
}

// ---- values

static void free_track(viewTrack* t) {
  free(t->value);
  t->value = NULL;
  t->lines = t->rows = 0;
}

static void fill_page(viewApp* app, viewTrack* t) {
  loomError err = {0, ""};
  int rows = app->stage.demo.rows, lines = view_series[t->page].lines(app, t->arm);
  if (lines > VIEW_TRACK_LINES) lines = VIEW_TRACK_LINES;

  // Forces and rewards are found by replaying the demo, once.
  if (view_series[t->page].replay && view_series[t->page].replay(app, &err)) view_say(app, "%s", err.message);

  t->value = malloc(sizeof(double) * (size_t)lines * (size_t)rows + 1);
  if (!t->value) return;
  t->lines = lines;
  t->rows = rows;
  for (int i = 0; i < lines; i++) {
    view_series[t->page].name(t->line[i], app, t->arm, i);
    for (int r = 0; r < rows; r++)
      t->value[(size_t)i * (size_t)rows + (size_t)r] = view_series[t->page].value(app, t->arm, i, r);
  }
}

// An array's columns as lines.
static void fill_array(viewApp* app, viewTrack* t) {
  const viewEntry* e = view_list_entry(&app->list, app->stage.entry);
  loomArray a;

  if (e->demo < 0 ||
      loom_dataset_doubles(&a, app->dataset, loom_dataset_demo_path(app->dataset, e->demo), t->key, NULL))
    return;

  int rows = a.rank ? (int)a.shape[0] : 0, columns = rows ? (int)(a.count / rows) : 0;
  t->lines = columns < VIEW_TRACK_LINES ? columns : VIEW_TRACK_LINES;
  t->value = malloc(sizeof(double) * (size_t)t->lines * (size_t)rows + 1);
  t->rows = t->value ? rows : 0;
  if (!t->value) t->lines = 0;

  for (int i = 0; i < t->lines; i++) {
    name_column(t->line[i], t->key, i, columns);
    for (int r = 0; r < rows; r++)
      t->value[(size_t)i * (size_t)rows + (size_t)r] =
          ((const double*)a.data)[(size_t)r * (size_t)columns + (size_t)i];
  }
  loom_array_destroy(&a);
}

static void unpin(viewTrack* t) {
  free(t->pinned);
  t->pinned = NULL;
  t->pinned_rows = 0;
}

// The lines of the demo beside it.
static void fill_other(viewApp* app, viewTrack* t) {
  viewTrack other = {.page = t->page, .arm = t->arm};
  unpin(t);
  if (!view_compare_shown(app)) return;

  snprintf(other.key, sizeof other.key, "%s", t->key);
  if (t->page >= 0) fill_page(app->other, &other);
  if (t->page < 0) fill_array(app->other, &other);
  if (other.lines != t->lines) free_track(&other);
  t->pinned = other.value;
  t->pinned_rows = other.rows;
}

static void fill_track(viewApp* app, viewTrack* t) {
  free_track(t);
  if (app->stage.entry < 0) return;
  if (t->page >= 0) fill_page(app, t);
  if (t->page < 0) fill_array(app, t);
  if (app->other) fill_other(app, t);
}

static int note_key(void* user, const char* name, const loomArray* array, int readable,
                    const loomError* err) {
  viewApp* app = user;
  (void)err;

  // One or two dimensions, a row each control step; pictures are not lines.
  if (readable == 0 && array->type != LOOM_TYPE_STR && array->rank >= 1 && array->rank <= 2 &&
      array->shape[0] == app->stage.demo.rows)
    loom_names_add(&app->keys, name);
  return 0;
}

// Whose the paler lines are.
static void name_other(viewApp* app) {
  char name[2 * LOOM_NAME_MAX + 64];
  view_compare_name(name, app->other);
  snprintf(app->pinned, sizeof app->pinned, "%.*s", LOOM_NAME_MAX - 1,
           app->track_count && view_compare_shown(app) ? name : "");
}

void view_plot_refresh(viewApp* app) {
  loom_names_destroy(&app->keys);
  app->keys = (loomNames){0};
  for (int i = 0; i < app->track_count; i++) free_track(&app->track[i]);
  if (app->stage.entry < 0) return;

  const viewEntry* e = view_list_entry(&app->list, app->stage.entry);
  if (e->demo >= 0 && app->track_count)
    loom_dataset_visit(app->dataset, loom_dataset_demo_path(app->dataset, e->demo), note_key, app, NULL);
  for (int i = 0; i < app->track_count; i++) fill_track(app, &app->track[i]);
  if (app->other) name_other(app);
}

void view_plot_pin(viewApp* app) {
  bool pins = !app->pinned[0] && app->stage.entry >= 0;
  if (app->other) {
    view_say(app, "the paler lines are those of what is at the right");
    return;
  }

  for (int i = 0; i < app->track_count; i++) {
    viewTrack* t = &app->track[i];
    size_t size = sizeof(double) * (size_t)t->lines * (size_t)t->rows;

    unpin(t);
    if (pins && t->value) t->pinned = malloc(size + 1);
    if (!t->pinned) continue;
    memcpy(t->pinned, t->value, size);
    t->pinned_rows = t->rows;
  }

  snprintf(app->pinned, sizeof app->pinned, "%s",
           pins && app->track_count ? app->list.entry[app->stage.entry].name : "");
  if (pins && !app->track_count) view_say(app, "there is no plot whose lines could stay");
}

void view_plot_close(viewApp* app) {
  for (int i = 0; i < app->track_count; i++) {
    free_track(&app->track[i]);
    unpin(&app->track[i]);
  }
  app->pinned[0] = '\0';
  app->track_count = 0;
  loom_names_destroy(&app->keys);
}

void view_plot_add(viewApp* app, int page, int arm, const char* key) {
  bool first = !app->track_count;
  if (app->track_count == VIEW_MAX_TRACKS) {
    view_say(app, "no more than %d plots fit", VIEW_MAX_TRACKS);
    return;
  }

  viewTrack* t = &app->track[app->track_count++];
  *t = (viewTrack){.page = page, .arm = arm};
  snprintf(t->key, sizeof t->key, "%s", key ? key : "");
  if (first) {
    view_plot_refresh(app);
  } else {
    fill_track(app, t);
  }
  app->dirty = true;
}

void view_plot_page(viewApp* app, int page) {
  view_plot_close(app);
  app->keys = (loomNames){0};
  for (int a = 0; page && a < view_series_arms(app, page - 1); a++) view_plot_add(app, page - 1, a, NULL);
  app->dirty = true;
}

// ---- drawing

static guiRgba line_color(int line) {
  static const double colors[10][3] = {
      {0.24, 0.6, 0.95}, {0.95, 0.6, 0.1}, {0.1, 0.72, 0.5},  {0.85, 0.35, 0.7},  {0.9, 0.33, 0.25},
      {0.55, 0.5, 0.95}, {0.5, 0.7, 0.2},  {0.2, 0.72, 0.78}, {0.75, 0.55, 0.35}, {0.55, 0.58, 0.62}};
  const double* c = colors[line % 10];
  return gui_rgba(c[0], c[1], c[2], 1);
}

// Of the demo that was pinned: thinner and paler.
static void draw_pinned(const viewTrack* t, int line) {
  char name[48];
  snprintf(name, sizeof name, "##pinned%d", line);
  gui_plot_line(name, t->pinned + (size_t)line * (size_t)t->pinned_rows, t->pinned_rows,
                gui_faded(line_color(line), 0.45), 1);
}

void view_plot_title(char out[160], const viewTrack* t) {
  if (t->page < 0) {
    snprintf(out, 160, "%s", t->key);
  } else {
    char name[160];
    const char* unit = view_series[t->page].unit;
    view_series_name(name, t->page, t->arm);
    snprintf(out, 160, "%.100s%s%s", name, *unit ? ", " : "", unit);
  }
}

// What is at the right: title, lines with their values, a button that closes it. True = it was closed.
static bool draw_legend(viewTrack* t, int row, float height) {
  char title[160], name[32];
  bool closed;

  gui_scroll("##legend", 0, height);
  gui_tight();
  view_plot_title(title, t);
  gui_bold();
  gui_text_cut(GUI_INK, gui_room() - 2 * gui_em(), title);
  gui_font_end();
  gui_same_line();
  gui_move_to(gui_x() + gui_room() - 1.6f * gui_em());
  closed = gui_icon("Close this plot", GUI_ICON_CLOSE, false);
  gui_tip("Close this plot");

  if (!t->lines) gui_text_wrapped(GUI_DIM, "This demo has none.");
  for (int i = 0; i < t->lines; i++) {
    float em = gui_em(), x = gui_x(), y = gui_y(), end = x + gui_room();

    snprintf(name, sizeof name, "##line%d", i);
    if (gui_line(name, false, em)) t->hidden[i] = !t->hidden[i];
    gui_tip("Click: show or hide this line");
    gui_draw_box((guiBox){x, y + em * 0.25f, em * 0.6f, em * 0.6f},
                 t->hidden[i] ? gui_color(GUI_LINE) : line_color(i), 2);
    gui_draw_text(x + em, y + em * 0.55f, end - x - 5 * em, gui_color(t->hidden[i] ? GUI_DIM : GUI_INK),
                  false, t->line[i]);

    char value[24];
    snprintf(value, sizeof value, "%.4g",
             row >= 0 && row < t->rows ? t->value[(size_t)i * (size_t)t->rows + (size_t)row] : NAN);
    gui_draw_text(end - gui_text_width(value) - em * 0.2f, y + em * 0.55f, 0, gui_color(GUI_DIM), false,
                  value);
  }
  gui_tight_end();
  gui_scroll_end();
  return closed;
}

// A plot and its legend; true = it was closed.
static bool draw_track(viewApp* app, int i, guiBox box, float legend, float panel) {
  viewUi* u = &app->ui;
  viewTrack* t = &app->track[i];
  bool hovered = false, clicked = false;
  double at = -1, rows = app->stage.demo.rows;

  // The axes begin where the lanes do without plots, or further right where their numbers are long.
  float shift = fmaxf(0, view_time_gutter() - u->plot_numbers);

  gui_id(i);
  gui_move_to(box.x + shift);
  if (gui_plot("##plot", box.w - legend - shift, box.h, &u->first, &u->last, false, false)) {
    for (int k = 0; k < t->lines; k++) {
      char name[48];
      snprintf(name, sizeof name, "%s##%d", t->line[k], k);
      if (!t->hidden[k] && t->pinned) draw_pinned(t, k);
      if (!t->hidden[k])
        gui_plot_line(name, t->value + (size_t)k * (size_t)t->rows, t->rows, line_color(k), 1.5f);
    }
    if (u->hovered >= 0) gui_plot_upright(u->hovered, gui_color(GUI_DIM), 1);
    gui_plot_upright(view_row(app), gui_color(GUI_CURSOR), 1.5f);

    guiBox axes;
    gui_plot_end(&axes, &hovered, &at, &clicked);
    u->lanes = (guiBox){axes.x, 0, axes.w, 0};
    u->plot_numbers = axes.x - box.x - shift + (box.x - panel);
  }

  // Panning and zooming stay within the demo.
  double span = fmin(rows, fmax(fmin(10, rows), u->last - u->first));
  u->first = fmin(fmax(0, u->first), rows - span);
  u->last = u->first + span;

  if (hovered && at >= 0 && at < rows) u->hovering = floor(at);
  if (clicked && at >= 0 && at < rows) {
    view_stop(app);
    view_go(app, at);
  }

  gui_same_line();
  bool closed = draw_legend(t, u->hovered >= 0 ? (int)u->hovered : view_row(app), box.h);
  gui_id_end();
  return closed;
}

// Everything that can be plotted; the keys of a dataset by their names.
static void choose_plot(viewApp* app) {
  char label[160];

  if (!gui_choice_open("##add", "Add a plot", 9 * gui_em())) {
    gui_tip("Another of the viewer's plots, or any array of the file that has a value a row");
    return;
  }
  for (int p = 0; p < VIEW_PAGES; p++) {
    for (int a = 0; a < view_series_arms(app, p); a++) {
      view_series_name(label, p, a);
      if (gui_option(label, false)) view_plot_add(app, p, a, NULL);
    }
  }
  for (int i = 0; i < app->keys.n; i++)
    if (gui_option(app->keys.name[i], false)) view_plot_add(app, -1, 0, app->keys.name[i]);
  gui_choice_end();
}

static void close_track(viewApp* app, int i) {
  free_track(&app->track[i]);
  unpin(&app->track[i]);
  memmove(&app->track[i], &app->track[i + 1], sizeof *app->track * (size_t)(app->track_count - i - 1));
  app->track_count--;
  if (!app->track_count) app->pinned[0] = '\0';
  app->dirty = true;
}

void view_ui_plots(viewApp* app, guiBox box) {
  viewUi* u = &app->ui;
  float em = gui_em(), legend = fminf(13 * em, box.w / 3);
  int closed = -1;

  if (u->last <= u->first) view_time_fit(app);
  gui_panel("##plots", box, GUI_PADDED);
  choose_plot(app);
  gui_same_line();
  view_ui_button(app, "plot 0", 0);
  gui_same_line();
  double row = u->hovered >= 0 ? u->hovered : view_row(app);
  view_ui_button(app, "pin", 0);
  gui_same_line();
  gui_text(GUI_DIM, "row %.0f   %.2f s", row, row / app->task->control_freq);
  if (app->pinned[0]) {
    char text[LOOM_NAME_MAX + 16];
    snprintf(text, sizeof text, "paler: %s", app->pinned);
    gui_same_line();
    gui_text_cut(GUI_DIM, gui_room(), text);
  }

  // As many as there are share the height; below some lines each, they scroll.
  gui_scroll("##tracks", 0, 0);
  float each = fmaxf(6 * em, gui_room_down() / (float)app->track_count - 0.45f * em);
  gui_plots();
  for (int i = 0; i < app->track_count; i++)
    if (draw_track(app, i, (guiBox){gui_x(), gui_y(), gui_room(), each}, legend, box.x)) closed = i;
  gui_plots_end();
  gui_scroll_end();
  gui_panel_end();

  if (closed >= 0) close_track(app, closed);
}
