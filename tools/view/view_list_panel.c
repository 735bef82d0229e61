// The list of demos: a table of which only the rows in sight are made, with a field to find and filters
// above.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/view/view.h"

enum { COLUMN_DEMO, COLUMN_ROWS, COLUMN_RESULT, COLUMN_SOURCE, COLUMN_START, COLUMN_REASON, COLUMN_COUNT };

// What a column is sorted by.
static const viewSort column_sort[COLUMN_COUNT] = {VIEW_BY_NUMBER, VIEW_BY_LENGTH, VIEW_BY_OUTCOME,
                                                   VIEW_BY_SOURCE, VIEW_BY_REGION, VIEW_BY_REASON};

static guiColor outcome_color(const viewEntry* e) {
  if (!e->rows) return GUI_WARN;
  return e->outcome < 0 ? GUI_LINE : e->outcome == LOOM_OUTCOME_SUCCESS ? GUI_GOOD : GUI_BAD;
}

static const char* outcome_text(const viewEntry* e) {
  if (!e->read && e->demo >= 0) return "...";
  if (!e->rows) return "unreadable";
  return e->outcome >= 0 ? loom_outcome_name((loomOutcome)e->outcome) : e->demo < 0 ? "" : "...";
}

// ---- above the table

static void list_head(viewApp* app) {
  viewList* list = &app->list;
  char line[96];

  snprintf(line, sizeof line, "%d of %d demos", list->shown_count, list->n);
  if (list->shown_count == list->n)
    snprintf(line, sizeof line, "%d demo%s", list->n, list->n == 1 ? "" : "s");
  gui_bold();
  gui_text(GUI_INK, "%s", line);
  gui_font_end();

  // What is known of those listed.
  if (list->succeeded + list->failed) {
    gui_same_line();
    gui_text(GUI_DIM, "%d succeed, %d fail", list->succeeded, list->failed);
    gui_tip("Of the demos listed whose outcome is known");
  }

  if (gui_field("##find", "Find: words, rows>300, x<0.1, source=demo_1", list->text, (int)sizeof list->text,
                gui_room(), app->ui.find))
    view_relist(app);
  bool left = gui_field_left_by(mjKEY_ENTER) || gui_field_left_by(mjKEY_DOWN);
  gui_tip(view_action("find")->tip);

  // Who has typed goes on to what was found.
  if (left && list->shown_count) view_want(app, list->shown[0]);
  app->ui.find = false;
  if (gui_field_done() && gui_key_pressed(mjKEY_ESCAPE)) {
    list->text[0] = '\0';
    view_relist(app);
  }
}

static void list_filters(viewApp* app) {
  float end = gui_x() + gui_room(), used = 0;

  for (int i = 0; i < VIEW_FILTER_COUNT; i++) {
    char line[32];
    float width = gui_text_width(view_filter_names[i]) + 2 * gui_em();

    // As many in a line as there is room for.
    if (i && used + width < end) gui_same_line();
    used = gui_x() + width;
    if (gui_chip(view_filter_names[i], app->list.filter == (viewFilter)i)) {
      app->list.filter = (viewFilter)i;
      view_relist(app);
    }
    snprintf(line, sizeof line, "filter %s", view_filter_names[i]);
    gui_tip(view_action(line)->tip);
  }
}

// ---- the table

static unsigned int entry_picture(viewApp* app, viewEntry* e) {
  // The thumbnails' thread may be putting the picture there.
  pthread_mutex_lock(&app->list.lock);
  if (e->has_thumb && !e->picture) e->picture = gui_texture(e->thumb.rgb, e->thumb.width, e->thumb.height);
  pthread_mutex_unlock(&app->list.lock);
  return e->picture;
}

static float row_height(const viewApp* app) {
  float picture = roundf((float)VIEW_THUMB_HEIGHT * gui_em() / 15);
  return app->show_pictures ? picture + roundf(gui_em() * 0.55f) : roundf(gui_em() * 1.7f);
}

static void draw_mark(const viewEntry* e, float x, float y) {
  float r = gui_em() * 0.3f, thick = 2;

  if (e->mark == VIEW_KEEP) {
    gui_draw_line(x - r, y, x - r * 0.2f, y + r * 0.8f, thick, gui_color(GUI_GOOD));
    gui_draw_line(x - r * 0.2f, y + r * 0.8f, x + r, y - r * 0.8f, thick, gui_color(GUI_GOOD));
  } else if (e->mark == VIEW_REJECT) {
    gui_draw_line(x - r, y - r, x + r, y + r, thick, gui_color(GUI_BAD));
    gui_draw_line(x - r, y + r, x + r, y - r, thick, gui_color(GUI_BAD));
  }
}

// Picture, name, and below it where the demo comes from or why it failed.
static void draw_name(viewApp* app, viewEntry* e, float x, float y, float width, bool chosen) {
  float em = gui_em(), scale = em / 15, left = x + em * 0.5f, height = row_height(app), right = x + width;
  char second[LOOM_NAME_MAX + 16] = "";

  gui_draw_box((guiBox){x, y + 1, em * 0.22f, height - em * 0.5f}, gui_color(outcome_color(e)), 1);

  // A narrow list has no room for them.
  bool picture_fits = app->show_pictures && width > 9 * em;
  if (picture_fits) {
    guiBox box = {left, y, roundf((float)VIEW_THUMB_WIDTH * scale), roundf((float)VIEW_THUMB_HEIGHT * scale)};
    unsigned int picture = gui_ready() ? entry_picture(app, e) : 0;
    if (picture) gui_draw_image(picture, box, false);
    if (!picture) gui_draw_box(box, gui_color(GUI_LANE), 2 * scale);
    left += box.w + em * 0.6f;
  }

  if (e->mark) right -= em * 1.2f;
  float middle = y + (height - em * 0.35f) / 2, line = em * 1.3f;
  const char* below = e->reason;
  if (!*below && e->source[0]) {
    snprintf(second, sizeof second, "from %s", e->source);
    below = second;
  }
  bool two = app->show_pictures && *below;
  gui_draw_text(left, two ? middle - line / 2 : middle, right - left, gui_color(GUI_INK), chosen, e->name);
  if (two) gui_draw_text(left, middle + line / 2, right - left, gui_color(GUI_DIM), false, below);
  draw_mark(e, right + em * 0.6f, two ? middle - line / 2 : middle);
}

static void draw_row(viewApp* app, int i) {
  viewEntry* e = view_list_entry(&app->list, i);
  bool chosen = i == app->stage.entry || i == app->wanted_entry;
  float height = row_height(app), pad = gui_em() * 0.35f;
  char label[LOOM_NAME_MAX + 16];

  gui_row(height);
  gui_id(i);
  if (gui_cell()) {
    float x = gui_x(), y = gui_y(), width = gui_room();

    snprintf(label, sizeof label, "##%s", e->name);
    if (gui_line(label, chosen, height - pad)) view_want(app, i);
    if (e->reason[0]) gui_tip(e->reason);
    draw_name(app, e, x, y, width, chosen);
  }

  float middle = (height - pad - gui_em()) / 2 - 1;
  char start[32] = "";
  if (!isnan(e->start[0])) snprintf(start, sizeof start, "%.2f, %.2f", e->start[0], e->start[1]);
  char rows[16] = "";
  if (e->rows) snprintf(rows, sizeof rows, "%d", e->rows);
  const char* cells[] = {rows, outcome_text(e), e->source, start, e->reason};
  for (int k = 0; k < COLUMN_COUNT - 1; k++) {
    if (!gui_cell()) continue;
    gui_down(middle);
    gui_text_cut(k == 1 && e->outcome > LOOM_OUTCOME_SUCCESS ? GUI_BAD
                 : k                                         ? GUI_DIM
                                                             : GUI_INK,
                 gui_room(), cells[k]);
    if (k == 1 && e->outcome < 0 && e->rows)
      gui_tip("The file does not say: it is being found in the demo's states");
  }
  gui_id_end();
}

static void sort_by_head(viewApp* app) {
  viewList* list = &app->list;
  int column = 0;
  bool falls = false;

  // A command has set the order: the head says so. Else a click on it sets it.
  if (app->ui.ordered) {
    for (int i = 0; i < COLUMN_COUNT; i++)
      if (column_sort[i] == list->sort) gui_table_set_order(i, list->falls);
    app->ui.ordered = false;
    gui_table_order(&column, &falls);
  } else if (gui_table_order(&column, &falls)) {
    if (column_sort[column] == list->sort && falls == list->falls) return;
    list->sort = column_sort[column];
    list->falls = falls;
    view_relist(app);
  }
}

static void draw_rows(viewApp* app) {
  float height = row_height(app);
  int first = 0, last = 0, place = app->ui.reveal >= 0 ? view_list_place(&app->list, app->ui.reveal) : -1;

  if (place >= 0) gui_rows_reveal(place, height);
  app->ui.reveal = -1;
  app->ui.page = (int)(gui_rows_seen() / height);

  int top = gui_rows_first(height);
  if (top != app->scroll) app->thumb_fresh = true;
  app->scroll = top;

  gui_rows(app->list.shown_count, height);
  while (gui_rows_next(&first, &last))
    for (int k = first; k < last && k < app->list.shown_count; k++) draw_row(app, app->list.shown[k]);
}

void view_ui_list(viewApp* app, guiBox box) {
  float em = gui_em();

  gui_panel("##list", box, GUI_PADDED);
  list_head(app);
  list_filters(app);

  if (gui_table("##demos", COLUMN_COUNT, true)) {
    gui_column("Demo", GUI_COLUMN_STRETCH, 0, COLUMN_DEMO, false);
    gui_column("Rows", GUI_COLUMN_FIXED, 3.2f * em, COLUMN_ROWS, true);
    gui_column("Result", GUI_COLUMN_FIXED, 4.6f * em, COLUMN_RESULT, true);
    gui_column("Source", GUI_COLUMN_HIDDEN, 5 * em, COLUMN_SOURCE, false);
    gui_column("Start x, y", GUI_COLUMN_HIDDEN, 6 * em, COLUMN_START, true);
    gui_column("Reason", GUI_COLUMN_HIDDEN, 10 * em, COLUMN_REASON, true);
    gui_table_head();
    sort_by_head(app);
    draw_rows(app);
    gui_table_end();
  }
  gui_panel_end();
}
