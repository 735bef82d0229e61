// Menus, the palette and the help: all of them made of the one table of actions.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/view/view.h"

static const char* const menus[] = {"Edit", "Demos", "Play", "Show", "Live", "Window", "Help"};
enum { MENU_COUNT = sizeof menus / sizeof *menus };

// ---- keys

void view_key_name(char out[32], int key, int mods) {
  static const struct {
    int key;
    const char* name;
  } names[] = {{VIEW_KEY_SPACE, "Space"}, {mjKEY_RIGHT, "Right"},     {mjKEY_LEFT, "Left"},
               {mjKEY_UP, "Up"},          {mjKEY_DOWN, "Down"},       {mjKEY_HOME, "Home"},
               {mjKEY_END, "End"},        {mjKEY_PAGE_UP, "Page up"}, {mjKEY_PAGE_DOWN, "Page down"},
               {mjKEY_ENTER, "Enter"},    {mjKEY_DELETE, "Delete"},   {mjKEY_BACKSPACE, "Backspace"},
               {mjKEY_TAB, "Tab"},        {mjKEY_ESCAPE, "Esc"}};
  char one[16] = "";

  if (key >= mjKEY_F1 && key <= mjKEY_F12) snprintf(one, sizeof one, "F%d", key - mjKEY_F1 + 1);
  if (key > ' ' && key < 127) snprintf(one, sizeof one, "%c", key);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].key == key) snprintf(one, sizeof one, "%s", names[i].name);

  snprintf(out, 32, "%s%s%s", key && mods & VIEW_CONTROL ? "Ctrl+" : "",
           key && mods & VIEW_SHIFT ? "Shift+" : "", one);
}

// Its tooltip, with its key.
static void tell_action(const viewAction* a) {
  char key[32], text[256];
  view_key_name(key, a->key, a->mods);
  snprintf(text, sizeof text, "%s%s%s%s", a->tip, *key ? "  (" : "", key, *key ? ")" : "");
  gui_tip(text);
}

// ---- widgets of actions

void view_ui_button(viewApp* app, const char* line, float width) {
  const viewAction* a = view_action(line);
  if (gui_button(a->label, width)) view_command(app, line);
  tell_action(a);
}

void view_ui_icon(viewApp* app, const char* line, guiIcon icon, bool on) {
  const viewAction* a = view_action(line);
  if (gui_icon(a->label, icon, on)) view_command(app, line);
  tell_action(a);
}

void view_ui_switch(viewApp* app, const char* line) {
  const viewAction* a = view_action(line);
  bool on = view_action_on(app, a);
  if (gui_check(a->label, &on)) view_do(app, a);
  tell_action(a);
}

static bool can_do(const viewApp* app, const viewAction* a) {
  if (!strcmp(a->name, "undo")) return app->edit_at > 0;
  if (!strcmp(a->name, "redo")) return app->edit_at < app->edit_count;
  if (!strcmp(a->name, "restore")) return app->journal.found > 0;
  if (!strcmp(a->name, "save")) return view_edit_unsaved(app) && !app->save.on;
  return true;
}

void view_ui_menus(viewApp* app) {
  char key[32];
  if (!gui_menu_bar()) return;

  for (int m = 0; m < MENU_COUNT; m++) {
    if (!gui_menu(menus[m])) continue;
    for (int i = 0; i < view_action_count; i++) {
      const viewAction* a = &view_actions[i];
      if (!a->label || strcmp(a->menu, menus[m])) continue;

      view_key_name(key, a->key, a->mods);
      if (gui_menu_item(a->label, key, view_action_on(app, a), can_do(app, a))) view_do(app, a);
      gui_tip(a->tip);
    }
    gui_menu_end();
  }

  // What is open, and whether it is as it was saved.
  const char* slash = strrchr(app->path, '/');
  char title[LOOM_PATH_MAX + 32];
  snprintf(title, sizeof title, "%s%s", slash ? slash + 1 : app->path,
           view_edit_unsaved(app) ? "  \xe2\x80\xa2 not saved" : "");
  float width = gui_text_width(title);
  gui_same_line();
  float room = gui_room();
  if (width + gui_em() < room) gui_move_to(gui_x() + room - width - gui_em() / 2);
  gui_text_cut(view_edit_unsaved(app) ? GUI_WARN : GUI_DIM, gui_room(), title);
  gui_tip(view_edit_unsaved(app) ? "Marks or ends of subtasks have changed: Ctrl+S saves them, Ctrl+Z undoes"
                                 : app->path);
  gui_menu_bar_end();
}

// ---- the palette

// Every word of what was typed is in the text.
static bool fits_words(const char* words, const char* text) {
  char copy[64], *rest = NULL;
  snprintf(copy, sizeof copy, "%s", words);
  for (const char* word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
    if (!strcasestr(text, word)) return false;
  return true;
}

// An entry of the palette or the help: an action, or one of MuJoCo's flags.
typedef struct paletteEntry {
  const viewAction* action;
  int flag;
} paletteEntry;

static void describe_entry(char text[256], char key[32], const paletteEntry* e) {
  if (e->action) {
    view_key_name(key, e->action->key, e->action->mods);
    snprintf(text, 256, "%s: %s", e->action->menu, e->action->label);
    return;
  }

  const char* const* flag = e->flag < mjNVISFLAG ? mjVISSTRING[e->flag] : mjRNDSTRING[e->flag - mjNVISFLAG];
  snprintf(key, 32, "%s", flag[2]);
  snprintf(text, 256, "Rendering: %s", flag[0]);
}

static int find_entries(paletteEntry* out, int most, const char* words) {
  char text[256], key[32];
  int n = 0;

  for (int i = 0; i < view_action_count + mjNVISFLAG + mjNRNDFLAG && n < most; i++) {
    paletteEntry e = {i < view_action_count ? &view_actions[i] : NULL, i - view_action_count};
    if (e.action && !e.action->label) continue;
    describe_entry(text, key, &e);
    if (fits_words(words, text) || (e.action && fits_words(words, e.action->tip))) out[n++] = e;
  }
  return n;
}

static void do_entry(viewApp* app, const paletteEntry* e) {
  if (e->action) {
    view_do(app, e->action);
    return;
  }

  mjtByte* flag =
      e->flag < mjNVISFLAG ? &app->option.flags[e->flag] : &app->scene.flags[e->flag - mjNVISFLAG];
  *flag = !*flag;
  view_touched(app);
}

static void choose_entry(viewApp* app, const paletteEntry* found, int n) {
  viewUi* u = &app->ui;

  // A line of a script does too: "row 120", "demo demo_7".
  gui_dialog_close();
  if (u->palette_at < n) {
    do_entry(app, &found[u->palette_at]);
  } else if (!view_command(app, u->palette_text)) {
    view_say(app, "no action '%.60s'", u->palette_text);
  }
}

static void palette_lines(viewApp* app, const paletteEntry* found, int n, bool moved) {
  viewUi* u = &app->ui;

  for (int i = 0; i < n; i++) {
    char text[256], key[32], label[288];
    describe_entry(text, key, &found[i]);
    snprintf(label, sizeof label, "%s##%d", text, i);

    float end = gui_x() + gui_room();
    if (gui_line(label, i == u->palette_at, 0)) {
      u->palette_at = i;
      choose_entry(app, found, n);
    }
    if (found[i].action) gui_tip(found[i].action->tip);
    if (moved && i == u->palette_at) gui_scroll_to_here();
    gui_same_line();
    gui_move_to(end - gui_text_width(key) - gui_em() / 2);
    gui_text(GUI_DIM, "%s", key);
  }
  if (!n)
    gui_text_wrapped(
        GUI_DIM, "Nothing has this name. Enter does it as a line of a script: row 120, demo demo_7, seed 3.");
}

static void palette_dialog(viewApp* app) {
  enum { MOST = 200 };
  static paletteEntry found[MOST];
  viewUi* u = &app->ui;
  int n = find_entries(found, MOST, u->palette_text);
  float width = fminf((float)app->width * 0.9f, 34 * gui_em()), lines = 3.2f + 1.42f * (float)(n ? n : 2),
        height = fminf((float)app->height * 0.7f, fminf(26, lines) * gui_em());

  if (!gui_dialog("palette",
                  (guiBox){((float)app->width - width) / 2, (float)app->height * 0.12f, width, height}))
    return;

  if (gui_field("##palette", "Find an action ...", u->palette_text, (int)sizeof u->palette_text, gui_room(),
                u->focus))
    u->palette_at = 0;
  u->focus = false;

  bool down = gui_key_pressed(mjKEY_DOWN), up = gui_key_pressed(mjKEY_UP);
  if (down && u->palette_at + 1 < n) u->palette_at++;
  if (up && u->palette_at > 0) u->palette_at--;

  gui_scroll("##found", 0, 0);
  palette_lines(app, found, n, down || up);
  gui_scroll_end();

  if (gui_key_pressed(mjKEY_ENTER)) choose_entry(app, found, n);
  gui_dialog_end();
}

// ---- help

// What the mouse does, and keys that are not of an action.
static const struct {
  const char *keys, *words;
} gestures[] = {
    {"drag in the scene", "turn the camera; right button: move it; middle button or wheel: nearer, further"},
    {"Shift drag",
     "the same in the horizontal plane; while the arms are driven: move the hand, right button: turn it"},
    {"double click", "select a body; right button: look at that point, with Ctrl: follow the body"},
    {"Ctrl drag", "push or turn what is selected, in a simulation"},
    {"click on a lane", "go to that row; drag: through the demo"},
    {"double click on a lane", "go to where the subtask begins"},
    {"drag a boundary", "a subtask ends there; coordinated ones follow"},
    {"Ctrl click on a lane", "the nearest end comes here"},
    {"wheel on the timeline", "zoom; right drag: move along; the same in a plot"},
    {"click in a plot", "go to that row"},
    {"double click in a plot", "see all of the time"},
    {"right click on a column's head", "choose the columns of the list"},
    {"0 - 5, Shift 0 - 5", "groups of geoms, of sites"},
};

static void help_line(const char* keys, const char* words) {
  float left = gui_x(), second = fminf(13 * gui_em(), 0.35f * gui_room());

  gui_text_cut(GUI_INK, second - gui_em() / 2, keys);
  gui_same_line();
  gui_move_to(left + second);
  gui_text_wrapped(GUI_DIM, words);
}

static void help_actions(const char* menu, const char* words) {
  char key[32], line[512];
  bool titled = false;

  for (int i = 0; i < view_action_count; i++) {
    const viewAction* a = &view_actions[i];
    if (!a->label || strcmp(a->menu, menu)) continue;

    view_key_name(key, a->key, a->mods);
    snprintf(line, sizeof line, "%s: %s", a->label, a->tip);
    if (!fits_words(words, line) && !fits_words(words, key)) continue;

    if (!titled) gui_section(menu, true);
    titled = true;
    help_line(key, line);
  }
}

static void help_rest(const char* words) {
  for (size_t i = 0, titled = 0; i < sizeof gestures / sizeof *gestures; i++) {
    if (!fits_words(words, gestures[i].keys) && !fits_words(words, gestures[i].words)) continue;
    if (!titled++) gui_section("Mouse", true);
    help_line(gestures[i].keys, gestures[i].words);
  }

  // MuJoCo's own letters.
  for (int i = 0, titled = 0; i < mjNVISFLAG + mjNRNDFLAG; i++) {
    const char* const* text = i < mjNVISFLAG ? mjVISSTRING[i] : mjRNDSTRING[i - mjNVISFLAG];
    if (!text[2][0] || (!fits_words(words, text[0]) && !fits_words(words, text[2]))) continue;
    if (!titled++) gui_section("MuJoCo's visual flags", true);
    help_line(text[2], text[0]);
  }
}

static void help_dialog(viewApp* app) {
  viewUi* u = &app->ui;
  float width = fminf((float)app->width * 0.94f, 52 * gui_em()), height = (float)app->height * 0.86f;

  if (!gui_dialog("help", (guiBox){((float)app->width - width) / 2, ((float)app->height - height) / 2, width,
                                   height}))
    return;

  gui_field("##help", "Search the help ...", u->help_text, (int)sizeof u->help_text,
            gui_room() - 5 * gui_em(), u->focus);
  u->focus = false;
  gui_same_line();
  if (gui_button("Close", gui_room())) gui_dialog_close();

  gui_scroll("##lines", 0, 0);
  for (int m = 0; m < MENU_COUNT; m++) help_actions(menus[m], u->help_text);
  help_rest(u->help_text);
  gui_scroll_end();

  if (gui_key_pressed(mjKEY_F1)) gui_dialog_close();
  gui_dialog_end();
}

// What is not saved would be lost.
static void unsaved_dialog(viewApp* app) {
  float width = fminf((float)app->width * 0.9f, 30 * gui_em()), height = 5 * gui_em();
  if (!gui_dialog("unsaved",
                  (guiBox){((float)app->width - width) / 2, (float)app->height * 0.3f, width, height}))
    return;

  gui_text_wrapped(GUI_INK, "Marks or ends of subtasks have changed and are not saved.");
  gui_space(gui_em() / 2);
  if (gui_button("Save and quit", 0)) {
    app->quits = true;
    view_command(app, "save");
    gui_dialog_close();
  }
  gui_same_line();
  if (gui_button("Quit without saving", 0)) app->quit = true;
  gui_same_line();
  if (gui_button("Stay", 0)) gui_dialog_close();
  gui_dialog_end();
}

// What a session that ended early left.
static void found_dialog(viewApp* app) {
  float width = fminf((float)app->width * 0.9f, 30 * gui_em()), height = 6.5f * gui_em();
  char text[160];
  if (!gui_dialog("found",
                  (guiBox){((float)app->width - width) / 2, (float)app->height * 0.3f, width, height}))
    return;

  snprintf(text, sizeof text,
           "The last session with this file ended before it saved: %d edit%s of marks and ends "
           "of subtasks are still there.",
           app->journal.found, app->journal.found == 1 ? "" : "s");
  gui_text_wrapped(GUI_INK, text);
  gui_space(gui_em() / 2);
  if (gui_button("Restore them", 0)) {
    view_journal_restore(app);
    gui_dialog_close();
  }
  gui_same_line();
  if (gui_button("Forget them", 0)) {
    view_journal_forget(app);
    gui_dialog_close();
  }
  gui_same_line();
  if (gui_button("Ask me later", 0)) gui_dialog_close();
  gui_dialog_end();
}

void view_ui_dialogs(viewApp* app) {
  found_dialog(app);
  unsaved_dialog(app);
  palette_dialog(app);
  help_dialog(app);
}
