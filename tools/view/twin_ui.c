// The widgets of the twin's window: objects and commands at the left, tools at the right, the scene between.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/text.h"
#include "tools/view/twin.h"

// ---- the left

static void objects_list(twinWindow* w) {
  const twinShown* s = &w->shown;

  for (int i = 0; i < s->n; i++) {
    const twinBody* b = &s->body[i];
    char label[LOOM_TWIN_NAME + 64];
    const char* on = b->joint < 0 ? "" : s->model->jnt_type[b->joint] == mjJNT_SLIDE ? "slides" : "turns";
    snprintf(label, sizeof label, "%*s%s%s%s##body %s", 4 * b->depth, "", b->name, *on ? ", " : "", on,
             b->name);
    if (gui_line(label, !strcmp(b->name, w->chosen), 0)) twin_choose(w, b->name);
  }

  if (!s->n) gui_text(GUI_DIM, s->model ? "There are no objects." : "Loading ...");
}

static void commands_list(twinWindow* w) {
  const loomTwinList* list = &w->list;

  for (int i = 0; i < list->n; i++) {
    char line[400];
    snprintf(line, sizeof line, "%.*s", (int)strcspn(list->command[i] + 2, "\n"), list->command[i] + 2);
    gui_text_cut(i < list->at ? GUI_INK : GUI_DIM, gui_room(), line);
  }
  if (!list->n) gui_text_wrapped(GUI_DIM, "Nothing was done yet. Whatever is done is a command of a script.");
}

static void save_script(twinWindow* w) {
  loomError err = {0, ""};
  loomText text = {0};

  for (int i = 0; i < w->list.at; i++) loom_text_puts(&text, w->list.command[i]);
  int code =
      !text.s || text.failed ? loom_error_set(&err, LOOM_ERR_USAGE, "there are no commands to be saved") : 0;
  if (!code && loom_is_file(w->save))
    code = loom_error_set(&err, LOOM_ERR_USAGE, "%s is there already: take another name", w->save);
  if (!code) code = loom_file_write_text(w->save, text.s, &err);
  if (code) twin_wrong(w, &err);
  if (!code) view_say(&w->app, "saved: %s", w->save);

  loom_text_destroy(&text);
}

// Any command, as a script has it.
static void typed_command(twinWindow* w) {
  gui_field("##Command", "drag: {body: drawer, damping: 4}", w->typed, sizeof w->typed,
            gui_room() - 3.5f * gui_em(), false);
  bool entered = gui_field_left_by(mjKEY_ENTER);
  gui_same_line();
  gui_disable(!*w->typed || w->version != w->shown_version);
  entered = gui_button("Do", gui_room()) || entered;
  gui_tip("Any command, as a script has it; `demoloom twin edit --help` tells all");
  gui_disable_end();
  if (!entered || !*w->typed || w->version != w->shown_version) return;

  char line[sizeof w->typed + 8];
  snprintf(line, sizeof line, "%s%s\n", strncmp(w->typed, "- ", 2) ? "- " : "", w->typed);
  w->typed[0] = '\0';
  twin_add(w, line);
}

static void left_ui(twinWindow* w, guiBox box) {
  gui_panel("##left", box, GUI_PADDED);
  float half = gui_room() / 2 - 4;
  gui_disable(!w->list.at);
  if (gui_button("Undo", half)) twin_step(w, -1);
  gui_tip("Take the last command back (Ctrl+Z)");
  gui_disable_end();
  gui_same_line();
  gui_disable(w->list.at == w->list.n);
  if (gui_button("Redo", half)) twin_step(w, 1);
  gui_tip("Do the next one again (Ctrl+Y)");
  gui_disable_end();

  float down = gui_room_down();
  if (gui_section("Objects", true)) {
    gui_scroll("##objects", 0, floorf(0.45f * down));
    objects_list(w);
    gui_scroll_end();
  }
  if (gui_section("Commands", true)) {
    gui_scroll("##commands", 0, fmaxf(3 * gui_em(), gui_room_down() - 5 * gui_em()));
    gui_tight();
    commands_list(w);
    gui_tight_end();
    gui_scroll_end();
  }
  typed_command(w);
  gui_field("##script", "script.yaml", w->save, sizeof w->save, gui_room() - 7 * gui_em(), false);
  gui_same_line();
  if (gui_button("Save script", gui_room())) save_script(w);
  gui_panel_end();
}

// ---- the right

static void check_ui(const twinWindow* w) {
  const loomTwinCheck* c = &w->check;
  gui_text(c->ok ? GUI_GOOD : GUI_BAD, c->ok ? "It simulates." : "It does not simulate as it should.");
  for (int o = 0; o < c->n; o++) {
    const loomTwinFell* f = &c->fell[o];
    char rest[64] = "does not come to rest";
    if (isfinite(f->rest_seconds)) snprintf(rest, sizeof rest, "at rest after %.2f s", f->rest_seconds);
    gui_text(f->ok ? GUI_INK : GUI_BAD, "%s: %s", f->name, rest);
    gui_text(GUI_DIM, "   %.2f mm deep, %d pieces%s", 1000 * f->deepest, f->pieces,
             f->fall > 0.05 ? ", falls off" : "");
  }

  for (int j = 0; j < c->nmoved; j++) {
    const loomTwinMoved* v = &c->moved[j];
    gui_text(v->ok ? GUI_INK : GUI_BAD, "%s: %s, %s", v->name, v->opens ? "opens" : "does not open",
             v->closes ? "closes" : "does not close");
    gui_text(GUI_DIM, "   %.3g to %.3g of %.3g to %.3g%s", v->low, v->high, v->range[0], v->range[1],
             v->still ? "" : ", not still");
  }
  gui_text(GUI_DIM, "%.0f physics steps/s", c->steps_per_second);
}

static void state_ui(twinWindow* w) {
  char step[sizeof w->job.step + 32] = "";
  pthread_mutex_lock(&w->job.lock);
  if (w->job.kind) snprintf(step, sizeof step, "%s", w->job.step);
  pthread_mutex_unlock(&w->job.lock);

  if (w->job.kind == TWIN_DO)
    gui_text(GUI_WARN, "Convex pieces are being made:");
  else if (w->job.kind == TWIN_CHECK)
    gui_text(GUI_WARN, "Being checked:");
  else if (w->job.kind)
    gui_text(GUI_WARN, "Being done:");
  else
    gui_text(w->failed ? GUI_BAD : GUI_GOOD, w->failed ? "Not saved." : "Saved.");
  gui_text_cut(GUI_DIM, gui_room(), *step ? step : " ");
}

static void tools_ui(twinWindow* w) {
  float edge = gui_x() + gui_room();

  for (int t = 0; t < TWIN_TOOLS; t++) {
    if (!twin_tool_fits(w, (twinTool)t)) continue;
    if (gui_chip(twin_tool_names[t], (int)w->tool == t)) twin_tool_begin(w, (twinTool)t);
    gui_tip(twin_tool_tips[t]);
    gui_same_line();
    if (gui_x() + gui_text_width("Cut plane") + 2 * gui_em() > edge) gui_space(0);
  }

  gui_space(2);
}

static void right_ui(twinWindow* w, guiBox box) {
  const twinBody* b = twin_chosen(w);
  gui_panel("##right", box, GUI_PADDED);
  float down = gui_room_down();
  gui_scroll("##tools", 0, floorf(fmaxf(0.62f * down, down - 15 * gui_em())));
  if (w->camera.open) {
    // Clicks are its points' now.
  } else if (b) {
    gui_bold();
    gui_text(GUI_INK, "%s", b->name);
    gui_font_end();
    if (b->robot < 0)
      gui_text(GUI_DIM, "%.3f x %.3f x %.3f m, %.3g kg", b->high[0] - b->low[0], b->high[1] - b->low[1],
               b->high[2] - b->low[2], w->shown.model->body_mass[b->id]);
    tools_ui(w);
    if (twin_tool_fits(w, w->tool)) twin_tool_ui(w);
  } else {
    gui_text_wrapped(
        GUI_DIM,
        "Click an object in the scene or in the list. The left button turns the camera, the right "
        "one moves it, the wheel goes nearer.");
  }
  twin_camera_ui(w);
  gui_scroll_end();

  if (gui_section("The task", true)) {
    gui_scroll("##task", 0, 0);
    state_ui(w);
    gui_disable(!w->shown.model || w->wants_check || w->failed);
    if (gui_button("Check", gui_room())) w->wants_check = true;
    gui_tip("Let everything fall, push every joint: does it simulate? (C)");
    gui_disable_end();
    if (w->checked) check_ui(w);
    gui_scroll_end();
  }
  gui_panel_end();
}

// ---- the window

static void menus_ui(twinWindow* w) {
  if (!gui_menu_bar()) return;
  if (gui_menu("File")) {
    if (gui_menu_item("Quit", "Q", false, true)) view_command(&w->app, "quit ask");
    gui_menu_end();
  }
  if (gui_menu("Edit")) {
    if (gui_menu_item("Undo##menu", "Ctrl+Z", false, w->list.at > 0)) twin_step(w, -1);
    if (gui_menu_item("Redo##menu", "Ctrl+Y", false, w->list.at < w->list.n)) twin_step(w, 1);
    gui_menu_end();
  }
  if (gui_menu("Show")) {
    if (gui_menu_item("What collides", "W", w->shows_solids, true)) view_command(&w->app, "solids");
    if (gui_menu_item("Go to what is chosen", "F", false, *w->chosen)) view_command(&w->app, "look");
    if (gui_menu_item(w->app.ui.dark ? "Light theme" : "Dark theme", "", false, true))
      view_command(&w->app, w->app.ui.dark ? "light" : "dark");
    gui_menu_end();
  }

  gui_menu_bar_end();
}

static void notes_ui(twinWindow* w, guiBox scene) {
  float pad = gui_em() / 2;
  bool says = w->app.clock < w->app.message_until, loads = !w->shown.model && !*w->error;

  if (w->shown.draft && w->shown.model) {
    gui_note("##draft", scene.x + pad, scene.y + pad, scene.w - 2 * pad, false);
    gui_text(GUI_DIM, "A draft: what was cut collides as it will once its convex pieces are made.");
    gui_note_end();
  }
  if (!*w->error && !says && !loads) return;
  gui_note("##message", scene.x + pad, scene.y + scene.h - pad, scene.w - 2 * pad, true);
  gui_text_wrapped(*w->error ? GUI_BAD : GUI_INK, *w->error ? w->error
                                                  : loads   ? "Loading ..."
                                                            : w->app.message);

  gui_note_end();
}

void twin_ui(viewApp* app) {
  twinWindow* w = twin_of(app);
  menus_ui(w);
  float top = gui_menu_height(), em = gui_em(), height = (float)app->height - top;
  float side = floorf(fminf(18 * em, (float)app->width / 3.5f));
  guiBox left = {0, top, side, height}, right = {(float)app->width - side, top, side, height},
         scene = {side, top, (float)app->width - 2 * side, height};
  mjrRect before = app->view;

  // The scene first: what is dragged there is told by the fields.
  twin_scene_ui(w, scene);
  left_ui(w, left);
  right_ui(w, right);
  notes_ui(w, scene);
  app->view = (mjrRect){(int)scene.x, app->height - (int)(scene.y + scene.h), (int)scene.w, (int)scene.h};
  if (memcmp(&before, &app->view, sizeof before)) app->dirty = true;
}
