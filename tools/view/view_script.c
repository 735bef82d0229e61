// Events from a text file, one a line: the viewer's commands, keys and the mouse, and pictures to write.
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cjson/cJSON.h>

#include "engine/base/file.h"
#include "engine/base/names.h"
#include "engine/base/output.h"
#include "engine/draw/gl.h"
#include "tools/shared/common.h"
#include "tools/shared/file_kind.h"
#include "tools/shared/outputs.h"
#include "tools/view/view.h"

enum { SCRIPT_RATE = 30 };  // frames a second

struct viewScript {
  FILE* file;
  char path[LOOM_PATH_MAX];
  int line;
  bool live;          // comes through a pipe or from a terminal, as it is written
  loomNames written;  // pictures and films of this run, which may be written again
  loomOutput film;    // nobody else's until the script ends
};

// ---- pictures and films, which it writes

enum { LINE = 2048 };

// A line's own text: without what ends it, and NULL for an empty one or a comment.
static const char* trim_line(char text[LINE]) {
  text[strcspn(text, "\r\n")] = '\0';
  const char* at = text + strspn(text, " \t");
  return *at && *at != '#' ? at : NULL;
}

// May it be written? As any output, but for what the script itself has written.
static int open_picture(loomOutput* out, const viewScript* s, const viewApp* app, const char* path,
                        loomError* err) {
  const char* input[] = {app->path, app->args->policy, app->args->segments, s->path};
  bool own = loom_names_has(&s->written, path);
  loomOutputDef def = {.path = path,
                       .mode = tool_output_mode(app->args->overwrite || own),
                       .ninput = sizeof input / sizeof *input,
                       .input = input};
  int code = loom_output_open(out, &def, err);
  return code ? loom_error_prefix(err, code, "%s:%d", s->path, s->line) : 0;
}

// Told at the start, where the script is a file: what could not be written at its end.
static int try_pictures(viewScript* s, const viewApp* app, loomError* err) {
  char text[LINE], path[LOOM_PATH_MAX];
  int code = 0;
  if (s->live) return 0;

  for (s->line = 1; !code && fgets(text, sizeof text, s->file); s->line++) {
    const char* at = trim_line(text);
    loomOutput output = {0};
    if (!at || (sscanf(at, "shot %1023s", path) != 1 && sscanf(at, "film %1023s", path) != 1)) continue;
    code = open_picture(&output, s, app, path, err);
    loom_output_close(&output);
  }
  rewind(s->file);
  s->line = 0;
  return code;
}

int view_script_open(viewScript** out, const viewApp* app, const char* path, loomError* err) {
  struct stat st;
  FILE* file = strcmp(path, "-") ? fopen(path, "r") : stdin;
  if (!file) return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read (%s)", path, strerror(errno));

  viewScript* s = calloc(1, sizeof *s);
  if (!s) {
    fclose(file);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a script");
  }

  s->file = file;
  s->live = fstat(fileno(file), &st) || !S_ISREG(st.st_mode);
  if (s->live) setvbuf(file, NULL, _IONBF, 0);  // so that what has come can be asked of the pipe itself
  snprintf(s->path, sizeof s->path, "%.*s", LOOM_PATH_MAX - 1, path);
  int code = try_pictures(s, app, err);
  if (!code) *out = s;
  if (code) view_script_close(s);
  return code;
}

void view_script_close(viewScript* s) {
  if (!s) return;
  loom_output_close(&s->film);
  loom_names_destroy(&s->written);
  if (s->file != stdin) fclose(s->file);
  free(s);
}

static const struct {
  const char* name;
  int key;
} key_names[] = {{"space", VIEW_KEY_SPACE}, {"enter", mjKEY_ENTER},       {"escape", mjKEY_ESCAPE},
                 {"tab", mjKEY_TAB},        {"delete", mjKEY_DELETE},     {"backspace", mjKEY_BACKSPACE},
                 {"left", mjKEY_LEFT},      {"right", mjKEY_RIGHT},       {"up", mjKEY_UP},
                 {"down", mjKEY_DOWN},      {"home", mjKEY_HOME},         {"end", mjKEY_END},
                 {"pageup", mjKEY_PAGE_UP}, {"pagedown", mjKEY_PAGE_DOWN}};

// What comes after `start`, or NULL where the text does not start so.
static const char* behind(const char* text, const char* start) {
  size_t n = strlen(start);
  return strncmp(text, start, n) ? NULL : text + n;
}

static int read_mods(const char* text) {
  return (strstr(text, "shift") ? VIEW_SHIFT : 0) | (strstr(text, "ctrl") ? VIEW_CONTROL : 0) |
         (strstr(text, "alt") ? VIEW_ALT : 0);
}

static int read_button(const char* text) {
  return strstr(text, "right") ? mjBUTTON_RIGHT : strstr(text, "middle") ? mjBUTTON_MIDDLE : mjBUTTON_LEFT;
}

// A key of a script goes down and, unless it is held, up again. GLFW's keys of letters are capitals.
static void tap_key(viewApp* app, int key, int mods) {
  view_key(app, key, mods);
  gui_key(key, false);
  gui_mods(0);
  view_digest(app);
}

static bool press_key(viewApp* app, const char* text) {
  char name[32];
  if (sscanf(text, "%31s", name) != 1) return false;

  const char* mods = text + strlen(name);

  // Keys with a name, F1 to F12, else the character itself.
  for (size_t i = 0; i < sizeof key_names / sizeof *key_names; i++) {
    if (strcmp(name, key_names[i].name)) continue;
    tap_key(app, key_names[i].key, read_mods(mods));
    return true;
  }

  int key = (unsigned char)name[0];
  const char* number = name + 1;
  int64_t n;
  if (name[0] == 'f' && tool_read_int(&n, &number, 1, 12) && !*number) {
    key = mjKEY_F1 + (int)n - 1;
  } else if (name[1]) {
    return false;
  }

  tap_key(app, key >= 'a' && key <= 'z' ? key - 'a' + 'A' : key, read_mods(mods));
  return true;
}

// Everything that a gesture asks for has happened before the next line.
static void go_to(viewApp* app, double x, double y, int mods) {
  view_move(app, x, y, mods);
  view_digest(app);
}

static void press_at(viewApp* app, int button, double x, double y, int mods) {
  go_to(app, x, y, mods);
  view_press(app, button, mods);
  view_digest(app);
}

static void let_go(viewApp* app, int button, int mods) {
  view_release(app, button, mods);
  gui_mods(0);
  view_digest(app);
}

// Half a second later, so that two clicks are not a double one.
static void pause_mouse(viewApp* app) {
  app->ui.seconds = 0.5;
  view_ui(app);
}

static void mouse_drag(viewApp* app, double x0, double y0, double x1, double y1, const char* rest) {
  int mods = read_mods(rest), button = read_button(rest);

  // Four moves on the way, since a drag may look at each of them.
  press_at(app, button, x0, y0, mods);
  for (int i = 1; i <= 4; i++) go_to(app, x0 + (x1 - x0) * i / 4, y0 + (y1 - y0) * i / 4, mods);
  let_go(app, button, mods);
}

// With the mouse, where the boundary is seen.
static bool drag_boundary(viewApp* app, const char* text) {
  char name[LOOM_NAME_MAX];
  int64_t number, row;
  int length = 0;

  if (app->stage.entry < 0 || !tool_read_int(&number, &text, 0, app->task->arm_count - 1) ||
      sscanf(text, "%63s%n", name, &length) != 1)
    return false;

  text += length;

  int arm = (int)number, k = loom_task_find_subtask(app->task, arm, name);
  if (k < 0 || !tool_read_int(&row, &text, 0, INT_MAX)) return false;

  view_digest(app);
  double y = view_time_y(app, arm);
  mouse_drag(app, view_time_x(app, app->stage.replay.end[arm][k]), y, view_time_x(app, (double)row), y, "");
  return true;
}

static void mouse_click(viewApp* app, const double* at, const char* rest) {
  press_at(app, read_button(rest), at[0], at[1], read_mods(rest));
  let_go(app, read_button(rest), read_mods(rest));
  pause_mouse(app);
}

static void double_click(viewApp* app, const double* at, const char* rest) {
  for (int i = 0; i < 2; i++) {
    press_at(app, read_button(rest), at[0], at[1], read_mods(rest));
    let_go(app, read_button(rest), read_mods(rest));
  }
  pause_mouse(app);
}

static void drag_over(viewApp* app, const double* at, const char* rest) {
  mouse_drag(app, at[0], at[1], at[2], at[3], rest);
}

// A drag that is not let go.
static void mouse_hold(viewApp* app, const double* at, const char* rest) {
  press_at(app, read_button(rest), at[0], at[1], read_mods(rest));
  go_to(app, at[2], at[3], read_mods(rest));
}

static void mouse_release(viewApp* app, const double* at, const char* rest) {
  go_to(app, at[0], at[1], read_mods(rest));
  let_go(app, read_button(rest), read_mods(rest));
}

static void mouse_scroll(viewApp* app, const double* at, const char* rest) {
  go_to(app, at[0], at[1], read_mods(rest));
  view_scroll(app, at[2]);
  view_digest(app);
}

static void mouse_point(viewApp* app, const double* at, const char* rest) {
  go_to(app, at[0], at[1], read_mods(rest));
}

// On a widget, by what is written on it.
static bool on_widget(viewApp* app, const char* label, bool click) {
  double at[2];

  view_digest(app);
  if (!gui_find(label, &at[0], &at[1])) return false;
  if (click) mouse_click(app, at, "");
  if (!click) mouse_point(app, at, "");
  return true;
}

// Where a widget is, or a row on an arm's lane ("row 40 0"), as JSON: for whoever moves a real mouse there.
static bool tell_where(viewApp* app, const char* what) {
  const char* number = behind(what, "row ");
  double at[2];
  int64_t row, arm;

  view_digest(app);
  if (app->guest && app->guest->where(app, what, at)) {
    printf("{\"x\":%.0f,\"y\":%.0f}\n", at[0], at[1]);
    return !fflush(stdout);
  }
  if (number) {
    if (app->stage.entry < 0 || !tool_read_int(&row, &number, 0, INT_MAX) ||
        !tool_read_int(&arm, &number, 0, app->task->arm_count - 1))
      return false;
    at[0] = view_time_x(app, (double)row);
    at[1] = view_time_y(app, (int)arm);
  } else if (!gui_find(what, &at[0], &at[1])) {
    printf("{\"x\":-1,\"y\":-1}\n");  // not in sight, which a test may wait for
    return !fflush(stdout);
  }

  printf("{\"x\":%.0f,\"y\":%.0f}\n", at[0], at[1]);
  return !fflush(stdout);
}

// A name, places in pixels, then button and modifiers.
static bool mouse_gesture(viewApp* app, const char* text) {
  static const struct {
    const char* name;
    int numbers;
    void (*run)(viewApp* app, const double* at, const char* rest);
  } gestures[] = {{"click ", 2, mouse_click}, {"double ", 2, double_click},   {"drag ", 4, drag_over},
                  {"hold ", 4, mouse_hold},   {"release ", 2, mouse_release}, {"scroll ", 3, mouse_scroll},
                  {"point ", 2, mouse_point}};

  for (size_t i = 0; i < sizeof gestures / sizeof *gestures; i++) {
    double at[4];
    const char* rest = behind(text, gestures[i].name);

    if (!rest) continue;

    for (int k = 0; k < gestures[i].numbers; k++)
      if (!tool_read_double(&at[k], &rest)) return false;
    gestures[i].run(app, at, rest);
    return true;
  }
  return false;
}

static void type_text(viewApp* app, const char* text) {
  view_digest(app);
  for (const char* c = text; *c; c++) view_char(app, (unsigned char)*c);
  view_digest(app);
}

static void print_state(cJSON* o) {
  char* text = cJSON_PrintUnformatted(o);
  if (text) puts(text);
  fflush(stdout);
  cJSON_free(text);
  cJSON_Delete(o);
}

// What a test wants to know, as one line of JSON on stdout.
static void tell_state(viewApp* app) {
  const viewStage* s = &app->stage;
  cJSON* o = cJSON_CreateObject();
  if (app->guest) {
    app->guest->tell(app, o);
    print_state(o);
    return;
  }

  const viewEntry* e = s->entry >= 0 ? view_list_entry(&app->list, s->entry) : NULL;

  // The demo shown and what is known of it.
  cJSON_AddStringToObject(o, "demo", e ? e->name : "");
  cJSON_AddNumberToObject(o, "row", view_row(app));
  cJSON_AddNumberToObject(o, "rows", e ? e->rows : 0);
  cJSON_AddStringToObject(o, "outcome",
                          e && e->outcome >= 0 ? loom_outcome_name((loomOutcome)e->outcome) : "");
  cJSON_AddStringToObject(o, "mark", !e || !e->mark ? "" : e->mark == VIEW_KEEP ? "keep" : "reject");

  // The list.
  cJSON_AddNumberToObject(o, "listed", app->list.shown_count);
  cJSON_AddNumberToObject(o, "demos", app->list.n);
  cJSON_AddStringToObject(o, "first", app->list.shown_count ? app->list.entry[app->list.shown[0]].name : "");

  // What is known of all that are listed.
  viewSummary all;
  view_summarize(&all, &app->list);
  cJSON_AddNumberToObject(o, "succeed", all.good);
  cJSON_AddNumberToObject(o, "median_rows", all.middle);
  cJSON_AddNumberToObject(o, "longest_rows", all.longest);
  cJSON_AddNumberToObject(o, "sources", all.source_count);
  cJSON_AddNumberToObject(o, "start_cells", all.cells);

  // What happens.
  cJSON_AddBoolToObject(o, "playing", app->playing);
  cJSON_AddBoolToObject(o, "live", app->live);
  cJSON_AddNumberToObject(o, "speed", app->speed);

  // The picture, and what OpenGL complained of.
  cJSON_AddNumberToObject(o, "geoms", app->scene.ngeom);
  cJSON_AddNumberToObject(o, "selected", app->perturb.select);
  cJSON_AddNumberToObject(o, "gl_error", app->has_context ? mjr_getError() : 0);

  cJSON_AddBoolToObject(o, "running", view_run_open(app));

  // The widgets.
  cJSON_AddStringToObject(o, "pinned", app->pinned);
  cJSON_AddBoolToObject(o, "unsaved", view_edit_unsaved(app));
  cJSON_AddNumberToObject(o, "found", app->journal.found);
  cJSON_AddNumberToObject(o, "plots", app->track_count);
  cJSON_AddNumberToObject(o, "seen_rows", floor(app->ui.last - app->ui.first + 0.5));

  // What it cost; the counters of frames begin anew.
  cJSON_AddNumberToObject(o, "listed_s", app->listed > 0 ? app->listed - app->began : 0);
  cJSON_AddNumberToObject(o, "listed_cpu_s", app->listed_cpu);
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  cJSON_AddNumberToObject(o, "peak_mb", (double)use.ru_maxrss / 1024);
  cJSON_AddNumberToObject(o, "frame_cpu_ms", app->frames ? 1000 * app->frame_cpu / app->frames : 0);
  cJSON_AddNumberToObject(o, "frame_wall_ms", app->frames ? 1000 * app->frame_wall / app->frames : 0);
  app->frame_cpu = app->frame_wall = app->frames = 0;

  cJSON_AddBoolToObject(o, "driving", app->drive.on);

  if (app->drive.on) {
    loomPose hand = loom_episode_eef(app->drive.session.episode, 0);
    cJSON_AddNumberToObject(o, "driven", app->drive.session.trace.rows);
    cJSON_AddItemToObject(o, "hand", cJSON_CreateDoubleArray(hand.pos, 3));
    cJSON_AddBoolToObject(o, "closed", app->drive.closed[0]);
    cJSON_AddNumberToObject(o, "driven_arm", app->drive.arm);
  }

  cJSON* ends = cJSON_AddArrayToObject(o, "ends");
  for (int a = 0; e && s->has_ends && a < app->task->arm_count; a++)
    cJSON_AddItemToArray(ends, cJSON_CreateIntArray(s->replay.end[a], app->task->subtask_count[a]));

  cJSON_AddStringToObject(o, "message", app->message);
  print_state(o);
}

int view_script_shot(viewScript* s, viewApp* app, const char* path, loomError* err) {
  loomOutput output = {0};
  int code = open_picture(&output, s, app, path, err);
  if (!code) code = view_write_png(app, path, err);
  if (!code) code = loom_names_add(&s->written, path);
  loom_output_close(&output);
  return code;
}

// Later frames go into it; the one before ends here.
static int begin_film(viewScript* s, viewApp* app, const char* path, loomError* err) {
  if (!app->args->headless)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s:%d: a film is made without a window: --headless", s->path,
                          s->line);

  int code = app->film ? loom_video_finish(app->film, err) : 0;
  loom_video_destroy(app->film);
  app->film = NULL;
  loom_output_close(&s->film);
  if (!code) code = open_picture(&s->film, s, app, path, err);
  if (!code) code = loom_names_add(&s->written, path);
  if (!code) snprintf(app->film_path, sizeof app->film_path, "%s", path);
  return code;
}

// A line is one of the script's own words, a gesture of the mouse or a command of the viewer.
static bool run_line(viewApp* app, const char* text, int* wait, char shot[LOOM_PATH_MAX],
                     char film[LOOM_PATH_MAX]) {
  const char *key = behind(text, "key "), *up = behind(text, "up "), *typed = behind(text, "type "),
             *clicked = behind(text, "click-on "), *pointed = behind(text, "point-at "),
             *boundary = behind(text, "drag-boundary "), *waits = behind(text, "wait "),
             *size = behind(text, "size "), *where = behind(text, "where ");
  int64_t w, h;

  if (waits && tool_read_int(&w, &waits, INT_MIN, INT_MAX)) {
    *wait = (int)w;
    return true;
  }

  // Pictures and films are of one kind each.
  if (sscanf(text, "shot %1023s", shot) == 1) return !tool_other_kind(shot, "FILE.png");
  if (sscanf(text, "film %1023s", film) == 1) return !tool_other_kind(film, "FILE.mp4");

  if (size && tool_read_int(&w, &size, 64, 8192) && tool_read_int(&h, &size, 64, 8192)) {
    view_resize(app, (int)w, (int)h);
    return true;
  }

  if (key) return press_key(app, key);
  if (up) {
    view_key_up(app, toupper((unsigned char)*up), 0);
    return true;
  }

  if (boundary) return drag_boundary(app, boundary);
  if (where) return tell_where(app, where);
  if (clicked) return on_widget(app, clicked, true);
  if (pointed) return on_widget(app, pointed, false);
  if (typed) {
    type_text(app, typed);
    return true;
  }

  if (!strcmp(text, "tell")) {
    tell_state(app);
    return true;
  }

  if (!strcmp(text, "saved")) {
    app->script_waits = true;
    *wait = app->guest && app->args->headless ? -1 : 1;
    return true;
  }

  if (!strcmp(text, "thumbs")) {
    *wait = -1;
    return true;
  }

  if (mouse_gesture(app, text)) return true;
  if (!view_command(app, text)) return false;
  view_digest(app);
  return true;
}

// Is there a line to be read, or the end of all? A window goes on while nobody writes any.
static bool has_line(const viewScript* s) {
  struct pollfd input = {.fd = fileno(s->file), .events = POLLIN};
  return !s->live || poll(&input, 1, 0) != 0;
}

int view_script_next(viewScript* s, viewApp* app, int* wait, char shot[LOOM_PATH_MAX], loomError* err) {
  char text[LINE], film[LOOM_PATH_MAX] = "";

  *wait = 0;
  shot[0] = '\0';

  // Lines follow each other until one asks for frames or a picture.
  while (!*wait && !*shot && !app->quit && !tool_stop) {
    if (!app->args->headless && !has_line(s)) return 0;
    if (!fgets(text, sizeof text, s->file)) return 1;
    s->line++;

    const char* at = trim_line(text);
    if (!at) continue;

    film[0] = '\0';
    if (!run_line(app, at, wait, shot, film))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: no such command, or not so: '%.100s'", s->path,
                            s->line, at);
    int code = *film ? begin_film(s, app, film, err) : 0;
    if (code) return code;
  }

  return app->quit ? 1 : 0;
}

// ---- without a window

static bool thumbs_missing(viewApp* app) {
  if (app->guest) return app->guest->busy(app);
  pthread_mutex_lock(&app->list.lock);
  bool missing = app->has_thumb_thread && app->thumb_done < app->thumb_asked;
  pthread_mutex_unlock(&app->list.lock);
  return missing;
}

// The frame just drawn becomes one of the film's, which begins with the first.
static int film_frame(viewApp* app, loomError* err) {
  loomImage image;

  loomVideoDef def = {app->width, app->height, SCRIPT_RATE, 0};

  int code = app->film ? 0 : loom_video_create(&app->film, app->film_path, &def, err);
  if (!code) code = view_read(app, &image, err);
  if (code) return code;

  code = loom_video_add(app->film, &image, err);
  loom_image_destroy(&image);
  return code;
}

static int run_frames(viewApp* app, int frames, loomError* err) {
  int code = 0;
  for (int i = 0; !code && !tool_stop && (frames < 0 ? thumbs_missing(app) : i < frames); i++) {
    view_advance(app, 1.0 / SCRIPT_RATE);
    // Waiting for thumbnails needs no pictures of the window.
    if (frames < 0) loom_sleep(0.005);

    if (frames >= 0) code = view_draw(app, err);
    if (!code && frames >= 0 && app->film_path[0]) code = film_frame(app, err);
  }
  return code;
}

static guiFunction find_function(void* self, const char* name) {
  return loom_gl_function(self, name);
}

int view_run_headless(viewApp* app, loomError* err) {
  viewScript* script = NULL;
  loomGl* gl = NULL;
  char shot[LOOM_PATH_MAX];
  int wait = 0;

  app->framebuffer = mjFB_OFFSCREEN;

  int code = view_script_open(&script, app, app->args->script, err);
  if (!code) code = loom_gl_create(&gl, err);
  if (!code) code = view_connect(find_function, gl, err);
  if (!code) code = view_draw(app, err);  // the list, as in a window
  if (!code) view_show_first(app);
  if (!code) code = view_draw(app, err);

  while (!code) {
    code = view_script_next(script, app, &wait, shot, err);

    if (!code && wait) code = run_frames(app, wait, err);

    if (!code && *shot) {
      view_advance(app, 0);
      code = view_draw(app, err);
      if (!code) code = view_script_shot(script, app, shot, err);
    }
    if (!code && tool_stop)
      code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted; run it again for the rest");
  }

  // A film is whole even where the script ended it early; an interrupted one replaces none.
  if (code >= 0 && app->film) code = loom_video_finish(app->film, err);
  if (code == LOOM_ERR_INTERRUPTED && app->film && !loom_is_file(app->film_path))
    loom_video_finish(app->film, NULL);

  loom_video_destroy(app->film);
  view_thumb_stop(app);
  if (gl) view_free_gl(app);
  loom_gl_destroy(gl);
  view_script_close(script);

  return code < 0 ? code : 0;
}
