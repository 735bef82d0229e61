// The viewer's commands: what keys, buttons of the menu and lines of a script do.
#include <math.h>
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

static void do_next(viewApp* app, const char* arg) {
  view_move_in_list(app, whole_number(arg, 1, -1000000, 1000000));
}

static void do_previous(viewApp* app, const char* arg) {
  view_move_in_list(app, -whole_number(arg, 1, -1000000, 1000000));
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
  e->mark = e->mark == kind ? VIEW_UNMARKED : kind;

  // The list and the timeline show marks.
  app->list.marks_changed = app->list_panel.stale = app->time_panel.stale = true;
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
  app->thumb_fresh = true;
  app->list_panel.stale = true;
}

static void do_filter(viewApp* app, const char* arg) {
  app->list.filter =
      (viewFilter)choose_name(view_filter_names, VIEW_FILTER_COUNT, (int)app->list.filter, arg);
  view_relist(app);
}

static void do_sort(viewApp* app, const char* arg) {
  app->list.sort = (viewSort)choose_name(view_sort_names, VIEW_SORT_COUNT, (int)app->list.sort, arg);
  view_relist(app);
}

static void do_find(viewApp* app, const char* arg) {
  snprintf(app->list.text, sizeof app->list.text, "%.63s", arg);
  app->typing = !*arg;
  view_relist(app);
}

// Marks are masks of the file; a task's own source demos are left as they are, and their marks go into the
// annotated copy.
static void do_save(viewApp* app, const char* arg) {
  loomError err = {0, ""};
  const char* copy = app->args->segments ? app->args->segments : app->args->annotated;
  const char* marks = app->is_source ? app->args->annotated : app->path;
  int code = 0;
  (void)arg;

  if (app->ends_changed || (app->is_source && app->list.marks_changed)) {
    code = view_stage_save(app, &err);
    if (!code) view_say(app, "annotations saved in %s", copy);
  }

  if (!code && app->list.marks_changed && app->is_source && app->args->segments) {
    view_say(app, "marks of a task's own demos are kept in a copy: save them without --segments");
  } else if (!code && app->list.marks_changed) {
    code = view_list_save(&app->list, marks, &err);
    if (!code) view_say(app, "marks saved as masks `keep` and `reject` of %s", marks);
  }

  if (code) view_say(app, "%s", err.message);
  app->time_panel.stale = true;
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
  view_plot_page(app, whole_number(arg, (app->plot_page + 1) % (VIEW_PAGES + 1), 0, VIEW_PAGES));
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

static void toggle_flag(viewApp* app, int* flag) {
  *flag = !*flag;
  view_layout(app, app->width, app->height);
}

static void do_list(viewApp* app, const char* arg) {
  (void)arg;
  toggle_flag(app, &app->show_list);
}

static void do_timeline(viewApp* app, const char* arg) {
  (void)arg;
  toggle_flag(app, &app->show_timeline);
}

static void do_menu(viewApp* app, const char* arg) {
  (void)arg;
  toggle_flag(app, &app->show_ui);
}

static void do_help(viewApp* app, const char* arg) {
  (void)arg;
  toggle_flag(app, &app->show_help);
}

static void do_paths(viewApp* app, const char* arg) {
  (void)arg;
  toggle_flag(app, &app->show_paths);
}

static void do_targets(viewApp* app, const char* arg) {
  (void)arg;
  toggle_flag(app, &app->show_targets);
}

static void do_frames(viewApp* app, const char* arg) {
  (void)arg;
  toggle_flag(app, &app->show_frame);
}

static void do_ghost(viewApp* app, const char* arg) {
  (void)arg;
  // The ghost is the source demo, which is loaded when it is first asked for.
  view_live_sources(app);
  toggle_flag(app, &app->show_ghost);
}

static void do_coverage(viewApp* app, const char* arg) {
  (void)arg;
  toggle_flag(app, &app->show_coverage);
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
  (void)arg;
  app->quit = true;
}

/// Commands, their keys and what the help says of them.
static const struct {
  const char* name;
  void (*run)(viewApp* app, const char* arg);
  int key, mods;
} commands[] = {
    {"play", do_play, VIEW_KEY_SPACE, 0},
    {"step", do_step, mjKEY_RIGHT, 0},
    {"back", do_back, mjKEY_LEFT, 0},
    {"row", do_row, 0, 0},
    {"start", do_row, mjKEY_HOME, 0},
    {"end", do_end, mjKEY_END, 0},
    {"next", do_next, mjKEY_DOWN, 0},
    {"previous", do_previous, mjKEY_UP, 0},
    {"demo", do_demo, 0, 0},
    {"keep", do_keep, mjKEY_ENTER, 0},
    {"reject", do_reject, mjKEY_DELETE, 0},
    {"unmark", do_unmark, mjKEY_BACKSPACE, 0},
    {"filter", do_filter, 'F', VIEW_CONTROL},
    {"sort", do_sort, 'O', VIEW_CONTROL},
    {"find", do_find, 'N', VIEW_CONTROL},
    {"save", do_save, 'S', VIEW_CONTROL},
    {"speed", do_speed, '0', VIEW_CONTROL},
    {"faster", do_faster, '=', 0},
    {"slower", do_slower, '-', 0},
    {"loop", do_loop, 'L', VIEW_CONTROL},
    {"plot", do_plot, 'P', VIEW_CONTROL},
    {"camera", do_camera, ']', 0},
    {"segment", do_segment, mjKEY_RIGHT, VIEW_CONTROL},
    {"segment -", do_segment, mjKEY_LEFT, VIEW_CONTROL},
    {"boundary", do_boundary, 0, 0},
    {"list", do_list, mjKEY_F2, 0},
    {"timeline", do_timeline, mjKEY_F3, 0},
    {"menu", do_menu, mjKEY_TAB, 0},
    {"help", do_help, mjKEY_F1, 0},
    {"paths", do_paths, 'T', VIEW_CONTROL},
    {"targets", do_targets, 'Y', VIEW_CONTROL},
    {"frames", do_frames, 'B', VIEW_CONTROL},
    {"ghost", do_ghost, 'H', VIEW_CONTROL},
    {"coverage", do_coverage, 'D', VIEW_CONTROL},
    {"attempt", do_attempt, 'G', VIEW_CONTROL},
    {"expert", do_expert, 'E', VIEW_CONTROL},
    {"policy", do_policy, 'K', VIEW_CONTROL},
    {"reset", do_reset, 'R', VIEW_CONTROL},
    {"subtask", do_subtask, 0, 0},
    {"finish", do_finish, 'U', VIEW_CONTROL},
    {"forces", do_forces, 'V', VIEW_CONTROL},
    {"frame", do_mark_frames, mjKEY_F6, 0},
    {"label", do_labels, mjKEY_F7, 0},
    {"seed", do_seed, 0, 0},
    {"live", do_live, 'I', VIEW_CONTROL},
    {"drive", do_drive, 'J', VIEW_CONTROL},
    {"quit", do_quit, 'Q', VIEW_CONTROL},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

const char view_help_keys[] =
    "Space\nLeft, Right\nCtrl Left, Right\nHome, End\n- =\nCtrl 0\nCtrl L\nUp, Down, PgUp, "
    "PgDn\nEnter\nDelete\nCtrl F\n"
    "Ctrl O\nCtrl N\nCtrl S\nCtrl click\nCtrl P\nCtrl T, Y, B\nCtrl H\nCtrl D\nCtrl V\nCtrl G, E, K\n"
    "Ctrl U\nCtrl R\nCtrl I\nCtrl drag\n]\nEsc\nright double\nTab, F2, F3\nF6, F7\n"
    "letters, digits\nCtrl J\nCtrl Q";
const char view_help_words[] =
    "play, pause\none step\nprevious, next subtask\nstart, end\nslower, faster\nspeed 1\nloop\nother "
    "demo\nkeep\nreject\n"
    "filter\nsort\nfind by words, rows>N, x<M\nsave marks and annotations\non a lane: a subtask ends here\n"
    "plots\npaths, targets, frames\nghost of the source demo\nwhere demos start\ncontact points and forces\n"
    "live: attempt, expert, policy\nrun it to its end\nlive: reset\nsimulate from here\n"
    "push what is selected\nnext camera\nfree camera\nlook at that point (Ctrl: follow it)\n"
    "menu, list, timeline\nframes, labels\nMuJoCo's visual flags and groups\ndrive the arms and record\nquit";

void view_touched(viewApp* app) {
  app->dirty = app->time_panel.stale = true;
  view_menu_sync(app);
}

bool view_command(viewApp* app, const char* text) {
  for (int i = 0; i < COMMAND_COUNT; i++) {
    size_t n = strlen(commands[i].name);
    // Whole words only: "step" is not "steps".
    if (strncmp(text, commands[i].name, n) || (text[n] && text[n] != ' ')) continue;

    commands[i].run(app, text[n] ? text + n + 1 : "");

    view_touched(app);
    return true;
  }
  return false;
}

bool view_command_key(viewApp* app, int key, int mods) {
  for (int i = 0; i < COMMAND_COUNT; i++) {
    if (commands[i].key != key || commands[i].mods != (mods & VIEW_CONTROL)) continue;
    return view_command(app, commands[i].name);
  }
  return false;
}
