// The viewer's actions: what keys, menus, buttons, the palette and lines of a script do.
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/view/view.h"

// A whole number from low to high, or the fallback where there is none.
static int whole_number(const char* text, int fallback, int low, int high) {
  char* end;
  long value = strtol(text, &end, 10);
  if (end == text) return fallback;
  return value < low ? low : value > high ? high : (int)value;
}

static double real_number(const char* text, double fallback) {
  char* end;
  double value = strtod(text, &end);
  return end == text ? fallback : value;
}

// What plays or runs stands still.
void view_stop(viewApp* app) {
  if (view_run_open(app) && app->playing) view_run_pause(app);
  app->playing = false;
}

static void do_play(viewApp* app, const char* arg) {
  (void)arg;

  // A run goes on or waits; a recorded demo plays, from its start again once it has reached the end.
  if (view_run_open(app)) {
    if (app->playing) {
      view_stop(app);
    } else {
      app->playing = true;
      if (app->other && view_run_open(app->other)) app->other->playing = true;
    }
    return;
  }

  if (!app->playing && view_row(app) + 1 >= app->stage.demo.rows) app->row = 0;
  app->playing = !app->playing;
}

static void do_step(viewApp* app, const char* arg) {
  view_stop(app);
  view_go(app, view_row(app) + whole_number(arg, 1, -1000000, 1000000));
}

static void do_back(viewApp* app, const char* arg) {
  view_stop(app);
  view_go(app, view_row(app) - whole_number(arg, 1, -1000000, 1000000));
}

static void do_row(viewApp* app, const char* arg) {
  view_stop(app);
  view_go(app, real_number(arg, 0));
}

static void do_end(viewApp* app, const char* arg) {
  (void)arg;
  view_go(app, app->stage.demo.rows - 1);
}

void view_move_in_list(viewApp* app, int by) {
  int place = view_list_place(&app->list, app->stage.entry) + by, last = app->list.shown_count - 1;
  if (last < 0) return;

  // Stay at the ends of the list.
  view_show(app, app->list.shown[place < 0 ? 0 : place > last ? last : place]);
}

// "page": as many as are in sight.
static int list_steps(const viewApp* app, const char* arg) {
  return !strcmp(arg, "page") ? (app->ui.page > 1 ? app->ui.page : 1)
                              : whole_number(arg, 1, -1000000, 1000000);
}

static void do_next(viewApp* app, const char* arg) {
  view_move_in_list(app, list_steps(app, arg));
}

static void do_previous(viewApp* app, const char* arg) {
  view_move_in_list(app, -list_steps(app, arg));
}

static void do_demo(viewApp* app, const char* arg) {
  int entry = view_list_find(&app->list, arg);
  if (entry < 0) {
    view_say(app, "no demo '%.60s'", arg);
  } else {
    view_show(app, entry);
  }
}

static void mark_shown(viewApp* app, viewMark kind) {
  if (app->stage.entry < 0) return;
  viewEntry* e = view_list_entry(&app->list, app->stage.entry);
  viewMark mark = e->mark == kind ? VIEW_UNMARKED : kind;
  if (mark == e->mark) return;

  view_edit_mark(app, app->stage.entry, mark);
  e->mark = mark;
  app->list.marks_changed = true;
  view_journal_note(app, app->stage.entry);
}

static void do_keep(viewApp* app, const char* arg) {
  (void)arg;
  mark_shown(app, VIEW_KEEP);
}

static void do_reject(viewApp* app, const char* arg) {
  (void)arg;
  mark_shown(app, VIEW_REJECT);
}

static void do_unmark(viewApp* app, const char* arg) {
  (void)arg;
  mark_shown(app, VIEW_UNMARKED);
}

// The next of `count` names, or the one of that name.
static int choose_name(const char* const names[], int count, int now, const char* arg) {
  for (int i = 0; *arg && i < count; i++) {
    if (!strcmp(names[i], arg)) return i;
  }
  return *arg ? now : (now + 1) % count;
}

void view_relist(viewApp* app) {
  loomError err = {0, ""};

  if (view_list_update(&app->list, &err)) view_say(app, "%s", err.message);

  // From the top, with pictures of what is listed now.
  app->scroll = 0;
  app->ui.reveal = app->stage.entry;
  app->thumb_fresh = true;
  app->dirty = true;
}

static void do_filter(viewApp* app, const char* arg) {
  app->list.filter =
      (viewFilter)choose_name(view_filter_names, VIEW_FILTER_COUNT, (int)app->list.filter, arg);
  view_relist(app);
}

static void do_sort(viewApp* app, const char* arg) {
  app->list.sort = (viewSort)choose_name(view_sort_names, VIEW_SORT_COUNT, (int)app->list.sort, arg);
  app->list.falls = view_sort_falls(app->list.sort);
  app->ui.ordered = true;
  view_relist(app);
}

static void do_find(viewApp* app, const char* arg) {
  snprintf(app->list.text, sizeof app->list.text, "%.63s", arg);
  app->ui.find = !*arg;
  if (!*arg) app->show_list = true;
  view_relist(app);
}

static void do_save(viewApp* app, const char* arg) {
  (void)arg;
  view_save(app);
}

static void do_restore(viewApp* app, const char* arg) {
  (void)arg;
  view_journal_restore(app);
}

static void do_forget(viewApp* app, const char* arg) {
  (void)arg;
  view_journal_forget(app);
}

static void do_speed(viewApp* app, const char* arg) {
  double speed = real_number(arg, 1);
  app->speed = fmin(8, fmax(0.1, speed));
}

static void do_faster(viewApp* app, const char* arg) {
  (void)arg;
  app->speed = fmin(8, app->speed * sqrt(2));
}

static void do_slower(viewApp* app, const char* arg) {
  (void)arg;
  app->speed = fmax(0.1, app->speed / sqrt(2));
}

static void do_loop(viewApp* app, const char* arg) {
  (void)arg;
  app->loop = !app->loop;
}

static void do_plot(viewApp* app, const char* arg) {
  // The page after the one that is open.
  int open = app->track_count ? app->track[0].page + 1 : 0;
  view_plot_page(app, whole_number(arg, (open + 1) % (VIEW_PAGES + 1), 0, VIEW_PAGES));
}

static void do_pin(viewApp* app, const char* arg) {
  (void)arg;
  view_plot_pin(app);
}

static void do_differ(viewApp* app, const char* arg) {
  view_compare_go(app, real_number(arg, 0));
}

static void do_export(viewApp* app, const char* arg) {
  view_export(app, *arg ? arg : "csv");
}

static void do_free(viewApp* app, const char* arg) {
  (void)arg;
  app->camera_choice = app->tracked = 0;
}

static void do_camera(viewApp* app, const char* arg) {
  int n = app->stage.entry >= 0 ? (int)app->stage.model->ncam : 0;
  app->camera_choice = whole_number(arg, app->camera_choice + 1, 0, 1000);
  if (app->camera_choice > n || app->camera_choice < 0) app->camera_choice = 0;
}

// Segments in order of time, whichever arm's.
static void jump_segment(viewApp* app, int way) {
  int now = view_row(app), best = -1;

  for (int i = 0; i < app->stage.segment_count; i++) {
    int t = app->stage.segment[i].first;
    if (way > 0 ? t > now && (best < 0 || t < best) : t < now && t > best) best = t;
  }

  if (best >= 0) view_go(app, best);
}

static void do_segment(viewApp* app, const char* arg) {
  if (view_run_open(app) && *arg != '-') {
    view_run_to_subtask(app);
    return;
  }
  jump_segment(app, *arg == '-' ? -1 : 1);
}

// boundary ARM SUBTASK ROW
static void do_boundary(viewApp* app, const char* arg) {
  char name[LOOM_NAME_MAX];
  char first[16], last[16];
  int a = -1, k = -1;
  if (sscanf(arg, "%15s %63s %15s", first, name, last) == 3) a = whole_number(first, -1, -1, LOOM_MAX_ARMS);

  if (a >= 0 && a < app->task->arm_count) k = loom_task_find_subtask(app->task, a, name);

  if (k < 0 || app->stage.entry < 0) {
    view_say(app, "boundary takes ARM SUBTASK ROW, not '%.60s'", arg);
  } else {
    view_stage_move_end(app, a, k, whole_number(last, 0, 0, 1000000000));
  }
}

// What is shown, by the switch of the action itself.
static void do_switch(viewApp* app, const char* arg) {
  (void)app;
  (void)arg;
}

static void do_ghost(viewApp* app, const char* arg) {
  (void)arg;
  // The ghost is the source demo, which is loaded when it is first asked for.
  view_live_sources(app);
}

static void do_palette(viewApp* app, const char* arg) {
  (void)arg;
  app->ui.palette_text[0] = '\0';
  app->ui.palette_at = 0;
  app->ui.focus = true;
  gui_dialog_open("palette");
}

static void do_help(viewApp* app, const char* arg) {
  (void)arg;
  app->ui.help_text[0] = '\0';
  app->ui.focus = true;
  gui_dialog_open("help");
}

static void do_theme(viewApp* app, const char* arg) {
  (void)arg;
  gui_look(app->ui.scale, app->ui.dark);
}

static void do_scale(viewApp* app, const char* arg) {
  double by = real_number(arg, 0);
  app->ui.scale = fmin(4, fmax(0.5, by ? app->ui.scale * by : 1));
  gui_look(app->ui.scale, app->ui.dark);
}

static void do_zoom(viewApp* app, const char* arg) {
  double by = real_number(arg, 0);
  if (by) view_time_zoom(app, by, app->row);
  if (!by) view_time_fit(app);
}

static void do_attempt(viewApp* app, const char* arg) {
  view_run_start(app, VIEW_RUN_ATTEMPT, whole_number(arg, -1, 0, 1000000000));
}

static void do_expert(viewApp* app, const char* arg) {
  view_run_start(app, VIEW_RUN_EXPERT, whole_number(arg, -1, 0, 1000000000));
}

static void do_policy(viewApp* app, const char* arg) {
  view_run_start(app, VIEW_RUN_POLICY, whole_number(arg, -1, 0, 1000000000));
}

static void do_subtask(viewApp* app, const char* arg) {
  (void)arg;
  if (view_run_open(app)) view_run_to_subtask(app);
}

static void do_finish(viewApp* app, const char* arg) {
  (void)arg;
  view_run_finish(app);
}

static void do_forces(viewApp* app, const char* arg) {
  (void)arg;

  bool on = !app->option.flags[mjVIS_CONTACTFORCE];
  app->option.flags[mjVIS_CONTACTPOINT] = app->option.flags[mjVIS_CONTACTFORCE] = on;
}

static void do_mark_frames(viewApp* app, const char* arg) {
  app->option.frame = whole_number(arg, (app->option.frame + 1) % mjNFRAME, 0, mjNFRAME - 1);
}

static void do_labels(viewApp* app, const char* arg) {
  app->option.label = whole_number(arg, (app->option.label + 1) % mjNLABEL, 0, mjNLABEL - 1);
}

static void do_undo(viewApp* app, const char* arg) {
  (void)arg;
  view_edit_step(app, -1);
}

static void do_redo(viewApp* app, const char* arg) {
  (void)arg;
  view_edit_step(app, 1);
}

static void do_reset(viewApp* app, const char* arg) {
  int r = *arg ? loom_task_find_reset(app->task, arg) : app->reset_choice;
  if (r >= 0) app->reset_choice = r;

  view_live_reset(app);
}

static void do_seed(viewApp* app, const char* arg) {
  app->seed = whole_number(arg, app->seed, 0, 1000000000);
}

static void do_live(viewApp* app, const char* arg) {
  (void)arg;
  view_live_toggle(app);
}

static void do_drive(viewApp* app, const char* arg) {
  (void)arg;
  view_drive_toggle(app);
}

static void do_quit(viewApp* app, const char* arg) {
  if (!strcmp(arg, "ask") && view_edit_unsaved(app)) {
    gui_dialog_open("unsaved");
  } else {
    app->quit = true;
  }
}

#define SWITCH(field) offsetof(viewApp, field)
#define CTRL VIEW_CONTROL
#define SHIFT VIEW_SHIFT

/// All of them. A script's line is found by the first name that fits, so those without an argument come
/// first.
const viewAction view_actions[] = {
    {"play", NULL, "Play", "Play or pause", "Play the demo, or let it stand still; a run goes on", do_play,
     VIEW_KEY_SPACE, 0, 0},
    {"step", NULL, "Play", "One row on", "One control step further", do_step, mjKEY_RIGHT, 0, 0},
    {"back", NULL, "Play", "One row back", "One control step back", do_back, mjKEY_LEFT, 0, 0},
    {"start", NULL, "Play", "To the start", "The demo's first row", do_row, mjKEY_HOME, 0, 0},
    {"end", NULL, "Play", "To the end", "The demo's last row", do_end, mjKEY_END, 0, 0},
    {"segment", NULL, "Play", "Next subtask", "To where the next subtask begins", do_segment, mjKEY_RIGHT,
     CTRL, 0},
    {"segment", "-", "Play", "Previous subtask", "To where this subtask began, or the one before", do_segment,
     mjKEY_LEFT, CTRL, 0},
    {"loop", NULL, "Play", "Loop", "Begin again at the end", do_loop, 'L', CTRL, 0},
    {"faster", NULL, "Play", "Faster", "By two steps twice as fast; up to 8 times reality", do_faster, '=', 0,
     0},
    {"slower", NULL, "Play", "Slower", "By two steps half as fast", do_slower, '-', 0, 0},
    {"speed", NULL, "Play", "Speed of reality", "As fast as it was", do_speed, '0', CTRL, 0},
    {"zoom", "2", "Play", "Zoom into the time",
     "See half as much of the time, around the row shown (mouse wheel over the timeline)", do_zoom, 0, 0, 0},
    {"zoom", "0.5", "Play", "Zoom out of the time", "See twice as much of the time", do_zoom, 0, 0, 0},
    {"zoom", "fit", "Play", "See all of the time", "The timeline from the demo's start to its end", do_zoom,
     0, 0, 0},
    {"differ", NULL, "Play", "To the first difference",
     "Where two that are compared part: the first row where a position differs by more than 1 mm or mrad",
     do_differ, 0, 0, 0},
    {"row", NULL, NULL, NULL, NULL, do_row, 0, 0, 0},

    {"next", NULL, "Demos", "Next demo", "The next one of the list", do_next, mjKEY_DOWN, 0, 0},
    {"previous", NULL, "Demos", "Previous demo", "The one before in the list", do_previous, mjKEY_UP, 0, 0},
    {"next", "page", "Demos", "A page on", "As many down the list as are in sight", do_next, mjKEY_PAGE_DOWN,
     0, 0},
    {"previous", "page", "Demos", "A page back", "As many up the list as are in sight", do_previous,
     mjKEY_PAGE_UP, 0, 0},
    {"keep", NULL, "Demos", "Keep", "Mark the demo to be kept, or take the mark away", do_keep, mjKEY_ENTER,
     0, 0},
    {"reject", NULL, "Demos", "Reject", "Mark the demo to be left out, or take the mark away", do_reject,
     mjKEY_DELETE, 0, 0},
    {"unmark", NULL, "Demos", "No mark", "Take the demo's mark away", do_unmark, mjKEY_BACKSPACE, 0, 0},
    {"find", NULL, "Demos", "Find",
     "Words in a demo's name, source or reason; rows>300, rows<N, x<0.1, y>N, source=demo_1, reason=TEXT",
     do_find, 'N', CTRL, 0},
    {"filter", NULL, "Demos", "Next filter", "All, succeeded, failed, kept, rejected, unmarked", do_filter,
     'F', CTRL, 0},
    {"filter", "all", "Demos", "List all", "No filter", do_filter, 0, 0, 0},
    {"filter", "succeeded", "Demos", "List those that succeeded", "Only demos that succeeded", do_filter, 0,
     0, 0},
    {"filter", "failed", "Demos", "List those that failed", "Only demos that failed or cannot be read",
     do_filter, 0, 0, 0},
    {"filter", "kept", "Demos", "List those kept", "Only demos marked to be kept", do_filter, 0, 0, 0},
    {"filter", "rejected", "Demos", "List those rejected", "Only demos marked to be left out", do_filter, 0,
     0, 0},
    {"filter", "unmarked", "Demos", "List those without a mark", "Only demos without a mark", do_filter, 0, 0,
     0},
    {"sort", NULL, "Demos", "Next order",
     "Number, outcome, length, source, region, reason; or click a column's head", do_sort, 'O', CTRL, 0},
    {"sort", "number", "Demos", "Sort by number", "As the file has them", do_sort, 0, 0, 0},
    {"sort", "outcome", "Demos", "Sort by outcome", "Failures first", do_sort, 0, 0, 0},
    {"sort", "length", "Demos", "Sort by length", "Long ones first", do_sort, 0, 0, 0},
    {"sort", "source", "Demos", "Sort by source", "By the demo that the first subtask was taken from",
     do_sort, 0, 0, 0},
    {"sort", "region", "Demos", "Sort by region", "By where the first object began, in cells of 10 cm",
     do_sort, 0, 0, 0},
    {"sort", "reason", "Demos", "Sort by reason", "By what is told of the failure", do_sort, 0, 0, 0},
    {"demo", NULL, NULL, NULL, NULL, do_demo, 0, 0, 0},

    {"undo", NULL, "Edit", "Undo", "Take the last mark or end of a subtask back", do_undo, 'Z', CTRL, 0},
    {"redo", NULL, "Edit", "Redo", "Do what was undone again", do_redo, 'Z', CTRL | SHIFT, 0},
    {"save", NULL, "Edit", "Save",
     "Marks as masks of the file, ends of subtasks in the annotated copy (or the file of --segments)",
     do_save, 'S', CTRL, 0},
    {"restore", NULL, "Edit", "Restore edits",
     "Those of a session that ended early, which are offered at the start", do_restore, 0, 0, 0},
    {"forget", NULL, NULL, NULL, NULL, do_forget, 0, 0, 0},
    {"boundary", NULL, NULL, NULL, NULL, do_boundary, 0, 0, 0},

    {"paths", NULL, "Show", "Paths", "Where each hand goes", do_switch, 'T', CTRL, SWITCH(show_paths)},
    {"targets", NULL, "Show", "Targets", "Where each hand was sent, and how far off it is", do_switch, 'Y',
     CTRL, SWITCH(show_targets)},
    {"frames", NULL, "Show", "Frames", "Axes of hands and of the objects their subtasks are about", do_switch,
     'B', CTRL, SWITCH(show_frame)},
    {"ghost", NULL, "Show", "Source ghost",
     "The source demo's robots and objects at the row this one was made from", do_ghost, 'H', CTRL,
     SWITCH(show_ghost)},
    {"coverage", NULL, "Show", "Coverage", "Where the demos of the list began, and where they fail",
     do_switch, 'D', CTRL, SWITCH(show_coverage)},
    {"forces", NULL, "Show", "Contact forces", "Contact points and forces", do_forces, 'V', CTRL, 0},
    {"plot", NULL, "Show", "Next plots",
     "Action, joint position, joint speed, behind the target, contact force, gripper, hand, reward, none",
     do_plot, 'P', CTRL, 0},
    {"plot", "1", "Show", "Plot actions", "What each arm was told", do_plot, 0, 0, 0},
    {"plot", "2", "Show", "Plot joint positions", "Of each arm, rad", do_plot, 0, 0, 0},
    {"plot", "3", "Show", "Plot joint speeds", "Of each arm, rad/s", do_plot, 0, 0, 0},
    {"plot", "4", "Show", "Plot distances from targets",
     "How far each hand is behind its target, mm and degrees", do_plot, 0, 0, 0},
    {"plot", "5", "Show", "Plot contact forces", "On each hand, N; found by replaying the demo", do_plot, 0,
     0, 0},
    {"plot", "6", "Show", "Plot gripper commands", "Of each hand", do_plot, 0, 0, 0},
    {"plot", "7", "Show", "Plot hand positions", "Of each arm, m", do_plot, 0, 0, 0},
    {"plot", "8", "Show", "Plot rewards",
     "Of each control step, and each term's part: the task's, or --reward's; found by replaying the demo",
     do_plot, 0, 0, 0},
    {"plot", "0", "Show", "No plots", "Close all plots", do_plot, 0, 0, 0},
    {"pin", NULL, "Show", "Pin lines",
     "The lines of this demo stay in the plots, paler, to compare others with it; or go again", do_pin, 0, 0,
     0},
    {"export", "csv", "Show", "Write plots as CSV",
     "Time and a column a line that is shown, in FILE-DEMO-plots.csv of this folder; no file is replaced",
     do_export, 0, 0, 0},
    {"export", "png", "Show", "Write plots as PNG",
     "The plots as they are seen, in FILE-DEMO-plots.png of this folder; no file is replaced", do_export, 0,
     0, 0},
    {"camera", NULL, "Show", "Next camera", "The free camera, then the model's", do_camera, ']', 0, 0},
    {"camera", "0", "Show", "Free camera", "Turned and moved by the mouse", do_free, mjKEY_ESCAPE, 0, 0},
    {"frame", NULL, "Show", "MuJoCo's frames", "Of bodies, geoms, sites, ...", do_mark_frames, mjKEY_F6, 0,
     0},
    {"label", NULL, "Show", "MuJoCo's labels", "Of bodies, joints, geoms, ...", do_labels, mjKEY_F7, 0, 0},

    {"attempt", NULL, "Live", "Attempt", "Generate a demo from the source demos, in the window", do_attempt,
     'G', CTRL, 0},
    {"expert", NULL, "Live", "Expert", "The task's scripted expert", do_expert, 'E', CTRL, 0},
    {"policy", NULL, "Live", "Policy", "The trained policy of --policy", do_policy, 'E', CTRL | SHIFT, 0},
    {"subtask", NULL, "Live", "To next subtask", "The run goes on until a subtask begins", do_subtask, 0, 0,
     0},
    {"finish", NULL, "Live", "Finish run", "All that is left of the run, at once", do_finish, 'U', CTRL, 0},
    {"reset", NULL, "Live", "Reset", "A start of the distribution chosen below", do_reset, 'R', CTRL, 0},
    {"live", NULL, "Live", "Simulate from here",
     "The simulator goes on from the row shown; Ctrl drag pushes what is selected", do_live, 'I', CTRL, 0},
    {"drive", NULL, "Live", "Drive the arms",
     "Teleoperation by keys, mouse, gamepad or 3-D mouse; the keys are told on the hand and beside it; what "
     "succeeds can be saved as a source demo",
     do_drive, 'J', CTRL, 0},
    {"seed", NULL, NULL, NULL, NULL, do_seed, 0, 0, 0},

    {"list", NULL, "Window", "List", "The list of demos", do_switch, mjKEY_F2, 0, SWITCH(show_list)},
    {"timeline", NULL, "Window", "Timeline", "Each arm's subtasks", do_switch, mjKEY_F3, 0,
     SWITCH(show_timeline)},
    {"menu", NULL, "Window", "Panel at the right", "What is known of the demo, what is shown, runs",
     do_switch, mjKEY_TAB, 0, SWITCH(show_ui)},
    {"pictures", NULL, "Window", "Pictures in the list", "How each demo ends", do_switch, 0, 0,
     SWITCH(show_pictures)},
    {"dark", NULL, "Window", "Dark theme", "Or the light one", do_theme, 0, 0, SWITCH(ui.dark)},
    {"scale", "1.1", "Window", "Larger text", "Everything a tenth larger", do_scale, '=', CTRL, 0},
    {"scale", "0.9091", "Window", "Smaller text", "Everything a tenth smaller", do_scale, '-', CTRL, 0},
    {"palette", NULL, "Help", "All actions", "Find an action by a part of its name", do_palette, 'K', CTRL,
     0},
    {"help", NULL, "Help", "Keys and the mouse", "Everything that can be done, and how", do_help, mjKEY_F1, 0,
     0},
    {"quit", "ask", "Window", "Quit", "Close the window; asks first where something is not saved", do_quit,
     'Q', CTRL, 0},
    {"quit", NULL, NULL, NULL, NULL, do_quit, 0, 0, 0},
};
const int view_action_count = sizeof view_actions / sizeof *view_actions;

void view_touched(viewApp* app) {
  app->dirty = true;
}

// The rest of the text behind a name; NULL where it is another. Whole words only: "step" is not "steps".
static const char* behind_name(const char* text, const char* name) {
  size_t n = strlen(name);
  if (strncmp(text, name, n) || (text[n] && text[n] != ' ')) return NULL;
  return text[n] ? text + n + 1 : "";
}

const viewAction* view_action(const char* line) {
  const viewAction* found = NULL;

  // The one with just this argument, else the first of the name.
  for (int i = 0; i < view_action_count; i++) {
    const viewAction* a = &view_actions[i];
    const char* arg = behind_name(line, a->name);
    if (!arg) continue;
    if (!strcmp(arg, a->arg ? a->arg : "")) return a;
    if (!found) found = a;
  }
  return found;
}

static void do_action(viewApp* app, const viewAction* a, const char* arg) {
  int* flag = a->flag ? (int*)((char*)app + a->flag) : NULL;
  if (flag) *flag = !*flag;
  a->run(app, arg);
  view_touched(app);
}

void view_do(viewApp* app, const viewAction* a) {
  do_action(app, a, a->arg ? a->arg : "");
}

bool view_action_on(const viewApp* app, const viewAction* a) {
  if (a->run == do_loop) return app->loop;
  if (a->run == do_pin) return app->pinned[0];
  if (a->run == do_forces) return app->option.flags[mjVIS_CONTACTFORCE];
  if (a->run == do_live) return app->live;
  if (a->run == do_drive) return app->drive.on;
  if (a->run == do_filter) return a->arg && !strcmp(view_filter_names[app->list.filter], a->arg);
  if (a->run == do_sort) return a->arg && !strcmp(view_sort_names[app->list.sort], a->arg);
  return a->flag && *(const int*)((const char*)app + a->flag);
}

bool view_command(viewApp* app, const char* line) {
  if (app->guest) return app->guest->command(app, line);
  const viewAction* a = view_action(line);
  if (a) do_action(app, a, behind_name(line, a->name));
  return a != NULL;
}

bool view_command_key(viewApp* app, int key, int mods) {
  if (app->guest) return app->guest->key(app, key, mods);

  // Shift counts beside Ctrl alone: it is part of some keyboards' + and ].
  int known = mods & VIEW_CONTROL ? mods & (VIEW_CONTROL | VIEW_SHIFT) : 0;

  for (int i = 0; i < view_action_count; i++) {
    if (view_actions[i].key != key || view_actions[i].mods != known) continue;
    view_do(app, &view_actions[i]);
    return true;
  }
  return false;
}
