// A frame of the window's widgets: the menus, the list at the left, a panel at the right, the scene between
// them, plots and the timeline at the foot.
#include <math.h>
#include <string.h>

#include "tools/view/view.h"

static float clamp_size(float value, float low, float high) {
  return value < low ? low : value > high ? high : value;
}

// ---- the scene

static void describe_wanted(const viewApp* app) {
  if (app->wanted_entry < 0) {
    gui_text(GUI_DIM, app->list.n ? "No demo is shown." : "There are no demos.");
    return;
  }
  gui_text(GUI_INK, "Loading %s ...", app->list.entry[app->wanted_entry].name);
}

static void tell_message(const viewApp* app, guiBox box) {
  float pad = gui_em() / 2;
  if (app->save.on) {
    gui_note("##saving", box.x + pad, box.y + box.h - pad, box.w - 2 * pad, true);
    view_save_tell(app);
    gui_note_end();
    return;
  }
  if (app->clock >= app->message_until) return;

  gui_note("##message", box.x + pad, box.y + box.h - pad, box.w - 2 * pad, true);
  gui_text_wrapped(GUI_INK, app->message);
  gui_note_end();
}

// Which is which of two.
static void name_sides(viewApp* app, guiBox box) {
  float pad = gui_em() / 2;
  char name[2 * LOOM_NAME_MAX + 64];

  for (int side = 0; side < 2; side++) {
    const viewApp* shown = side ? app->other : app;
    mjrRect part = view_part(app, side);
    view_compare_name(name, shown);
    gui_note(side ? "##right" : "##left", (float)part.left + pad, box.y + pad, (float)part.width - 2 * pad,
             false);
    gui_text_wrapped(GUI_INK, name);
    gui_note_end();
  }
}

static void tell_over_scene(viewApp* app, guiBox box) {
  float pad = gui_em() / 2;

  if (app->wanted_entry >= 0 || app->stage.entry < 0) {
    gui_note("##loading", box.x + pad, box.y + pad, box.w - 2 * pad, false);
    describe_wanted(app);
    gui_note_end();
  } else if (app->drive.on) {
    gui_note("##driving", box.x + pad, box.y + pad, box.w - 2 * pad, false);
    view_drive_tell(app);
    if (!app->show_ui) view_drive_section(app);  // nothing else tells the keys
    gui_note_end();
  } else if (view_compare_shown(app)) {
    name_sides(app, box);
  }
  tell_message(app, box);
}

static void scene_panel(viewApp* app, guiBox box) {
  guiCanvas canvas;
  mjrRect before = app->view;

  gui_panel("##scene", box, GUI_CLEAR);
  gui_canvas(&canvas, "##canvas", box);
  view_scene_input(app, &canvas);
  gui_panel_end();

  // MuJoCo counts rows of pixels from the bottom.
  app->view = (mjrRect){(int)box.x, app->height - (int)(box.y + box.h), (int)box.w, (int)box.h};
  if (memcmp(&before, &app->view, sizeof before)) app->dirty = true;
}

// ---- where the parts are

static void splitters(viewApp* app, guiBox list, guiBox side, guiBox plots) {
  viewUi* u = &app->ui;
  float em = gui_em();

  if (list.w > 0) u->list_width += gui_splitter("##split-list", true, list.x + list.w, list.y, list.h) / em;
  if (side.w > 0) u->side_width -= gui_splitter("##split-side", true, side.x, side.y, side.h) / em;
  if (plots.h > 0) u->plot_height -= gui_splitter("##split-plots", false, plots.x, plots.y, plots.w) / em;
}

// Whole pixels: MuJoCo's picture has no others.
static guiBox whole(float x, float y, float w, float h) {
  return (guiBox){floorf(x), floorf(y), floorf(fmaxf(0, w)), floorf(fmaxf(0, h))};
}

static void lay_out(viewApp* app, float top) {
  viewUi* u = &app->ui;
  float em = gui_em(), width = (float)app->width, height = (float)app->height;

  // The parts at the sides leave the scene a third of the window.
  u->list_width = clamp_size(u->list_width, 12, fmaxf(12, width / em / 3));
  u->side_width = clamp_size(u->side_width, 12, fmaxf(12, width / em / 3));
  float left = app->show_list ? u->list_width * em : 0, right = app->show_ui ? u->side_width * em : 0;
  float foot = app->show_timeline ? view_time_height(app) : 0;

  u->plot_height = clamp_size(u->plot_height, 6, fmaxf(6, (height - top - foot) / em - 8));
  float plot = app->track_count && app->stage.entry >= 0 ? u->plot_height * em : 0;

  guiBox list = whole(0, top, left, height - top), side = whole(width - right, top, right, height - top);
  float middle = side.x - list.w;
  guiBox time = whole(list.w, height - foot, middle, foot),
         plots = whole(list.w, height - foot - plot, middle, plot),
         scene = whole(list.w, top, middle, plots.y - top);

  scene_panel(app, scene);
  if (list.w > 0) view_ui_list(app, list);
  if (side.w > 0) view_ui_side(app, side);

  u->hovered = u->hovering;
  u->hovering = -1;
  u->plots = plots;
  if (plots.h > 0) view_ui_plots(app, plots);
  if (time.h > 0) view_ui_time(app, time);
  splitters(app, list, side, plots);
  tell_over_scene(app, scene);
}

// ---- a frame

void view_ui(viewApp* app) {
  gui_begin(app->width, app->height, app->ui.seconds);
  app->ui.seconds = 0;

  if (app->guest) {
    app->guest->ui(app);
  } else {
    view_ui_menus(app);
    lay_out(app, gui_menu_height());
    view_ui_dialogs(app);
  }

  // Nothing in the scene has changed: its last picture is shown again.
  if (app->dirty) app->ui.has_scene = false;
  app->dirty = false;
  if (app->ui.has_scene && app->stage.entry >= 0)
    gui_draw_behind(app->ui.scene, (guiBox){(float)app->view.left,
                                            (float)(app->height - app->view.bottom - app->view.height),
                                            (float)app->view.width, (float)app->view.height});
  gui_end();

  if (app->wanted_entry >= 0) app->told_wanted = true;
}

void view_digest(viewApp* app) {
  // Each event a frame, then some until what they ask for is there: a field takes the keys two frames
  // later.
  for (int i = 0, quiet = 0; quiet < 4 && i < 200; i++) {
    quiet = gui_settled() && app->wanted_entry < 0 ? quiet + 1 : 0;
    app->ui.seconds = 1.0 / 60;
    view_ui(app);
    view_show_wanted(app);
  }
}
