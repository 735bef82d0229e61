// The viewer's window: the only file that knows GLFW. Events go to view_input.c, pictures
// come from view_draw.c.
#define GLFW_INCLUDE_NONE
#include <GLFW/glfw3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/view/view.h"

typedef struct viewWindow {
  GLFWwindow* window;
  viewApp* app;
  GLFWcursor* cursor[GUI_MOVE + 1];
  guiPointer pointer;
  double mouse[2];  // where the last event said that it is, pixels
  bool titled_unsaved;
} viewWindow;

// GLFW calls this without the window's pointer.
static char last_error[256];

static void on_error(int code, const char* text) {
  (void)code;
  snprintf(last_error, sizeof last_error, "%s", text);
}

static viewWindow* window_of(GLFWwindow* window) {
  return glfwGetWindowUserPointer(window);
}

static int mods_of(int mods) {
  return (mods & GLFW_MOD_SHIFT ? VIEW_SHIFT : 0) | (mods & GLFW_MOD_CONTROL ? VIEW_CONTROL : 0) |
         (mods & GLFW_MOD_ALT ? VIEW_ALT : 0);
}

static int mods_now(GLFWwindow* w) {
  bool shift = glfwGetKey(w, GLFW_KEY_LEFT_SHIFT) || glfwGetKey(w, GLFW_KEY_RIGHT_SHIFT);
  bool control = glfwGetKey(w, GLFW_KEY_LEFT_CONTROL) || glfwGetKey(w, GLFW_KEY_RIGHT_CONTROL);
  return (shift ? VIEW_SHIFT : 0) | (control ? VIEW_CONTROL : 0);
}

// MuJoCo's key codes are GLFW's.
static void on_key(GLFWwindow* w, int key, int scancode, int action, int mods) {
  (void)scancode;
  if (action != GLFW_RELEASE) view_key(window_of(w)->app, key, mods_of(mods));
  if (action == GLFW_RELEASE) view_key_up(window_of(w)->app, key, mods_of(mods));
}

static void on_char(GLFWwindow* w, unsigned int letter) {
  view_char(window_of(w)->app, letter);
}

// The mouse in pixels of the framebuffer, which on some screens are finer than the window's.
static void in_pixels(GLFWwindow* w, double* x, double* y) {
  int width, height;

  glfwGetWindowSize(w, &width, &height);
  if (width > 0) *x *= (double)window_of(w)->app->width / width;
  if (height > 0) *y *= (double)window_of(w)->app->height / height;
}

static void on_button(GLFWwindow* w, int button, int action, int mods) {
  static const int buttons[] = {mjBUTTON_LEFT, mjBUTTON_RIGHT, mjBUTTON_MIDDLE};
  viewApp* app = window_of(w)->app;

  // Where it was when the button went down: asked now, the mouse may be further on than a slow picture.
  const double* at = window_of(w)->mouse;
  if (button > 2) return;

  view_move(app, at[0], at[1], mods_of(mods));
  if (action == GLFW_RELEASE) {
    view_release(app, buttons[button], mods_of(mods));
  } else {
    view_press(app, buttons[button], mods_of(mods));
  }
}

static void on_move(GLFWwindow* w, double x, double y) {
  in_pixels(w, &x, &y);
  window_of(w)->mouse[0] = x;
  window_of(w)->mouse[1] = y;
  view_move(window_of(w)->app, x, y, mods_now(w));
}

static void on_scroll(GLFWwindow* w, double dx, double dy) {
  (void)dx;
  view_scroll(window_of(w)->app, dy);
}

static void on_size(GLFWwindow* w, int width, int height) {
  if (width > 0 && height > 0) view_resize(window_of(w)->app, width, height);
}

// The window came to another monitor.
static void on_content_scale(GLFWwindow* w, float x, float y) {
  viewApp* app = window_of(w)->app;
  (void)y;
  if (app->args->scale > 0) return;

  app->ui.scale = (double)x;
  gui_look(app->ui.scale, app->ui.dark);
  app->dirty = true;
}

static void on_refresh(GLFWwindow* w) {
  window_of(w)->app->dirty = true;
}

static const char* read_clipboard(void* self) {
  const char* text = glfwGetClipboardString(self);
  return text ? text : "";
}

static void write_clipboard(void* self, const char* text) {
  glfwSetClipboardString(self, text);
}

static guiFunction find_function(void* self, const char* name) {
  (void)self;
  return (guiFunction)glfwGetProcAddress(name);
}

static void make_cursors(viewWindow* v) {
  static const int shapes[] = {GLFW_ARROW_CURSOR,   GLFW_HAND_CURSOR,    GLFW_IBEAM_CURSOR,
                               GLFW_HRESIZE_CURSOR, GLFW_VRESIZE_CURSOR, GLFW_CROSSHAIR_CURSOR};
  for (int i = 0; i <= GUI_MOVE; i++) v->cursor[i] = glfwCreateStandardCursor(shapes[i]);
}

// What the window itself shows of the widgets: the pointer, and in the title whether something is not
// saved.
static void dress_window(viewWindow* v) {
  guiPointer pointer = gui_pointer();
  bool unsaved = view_edit_unsaved(v->app);

  if (pointer != v->pointer) glfwSetCursor(v->window, v->cursor[pointer]);
  v->pointer = pointer;

  if (unsaved == v->titled_unsaved) return;
  char title[LOOM_PATH_MAX + 32];
  snprintf(title, sizeof title, "%s%s - demoloom", unsaved ? "* " : "", v->app->path);
  glfwSetWindowTitle(v->window, title);
  v->titled_unsaved = unsaved;
}

static int open_window(viewWindow* v, loomError* err) {
  viewApp* app = v->app;

  char title[LOOM_PATH_MAX + 32];
  last_error[0] = '\0';

  glfwSetErrorCallback(on_error);
  if (!glfwInit())
    return loom_error_set(
        err, LOOM_ERR_UNSUPPORTED,
        "no window can be opened here (%s); `demoloom render` draws without one, and `demoloom view "
        "--headless --script FILE` does all a window does",
        last_error);

  glfwWindowHint(GLFW_SAMPLES, app->args->full ? 4 : 0);
  snprintf(title, sizeof title, "%s - demoloom", app->path);
  v->window = glfwCreateWindow(app->args->width, app->args->height, title, NULL, NULL);

  if (!v->window)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "no window with OpenGL can be opened here (%s); use `demoloom render`", last_error);

  glfwMakeContextCurrent(v->window);
  glfwSwapInterval(1);

  glfwSetWindowUserPointer(v->window, v);
  glfwSetKeyCallback(v->window, on_key);
  glfwSetCharCallback(v->window, on_char);
  glfwSetMouseButtonCallback(v->window, on_button);
  glfwSetCursorPosCallback(v->window, on_move);
  glfwSetScrollCallback(v->window, on_scroll);
  glfwSetFramebufferSizeCallback(v->window, on_size);
  glfwSetWindowRefreshCallback(v->window, on_refresh);
  glfwSetWindowContentScaleCallback(v->window, on_content_scale);
  gui_clipboard(read_clipboard, write_clipboard, v->window);
  make_cursors(v);

  int width, height;
  float scale = 1, same = 1;
  glfwGetFramebufferSize(v->window, &width, &height);
  glfwGetWindowContentScale(v->window, &scale, &same);
  view_resize(app, width, height);
  on_content_scale(v->window, scale, same);
  return view_connect(find_function, NULL, err);
}

// The first gamepad, or else the first joystick with six axes, drives; its buttons close the hand and
// choose the arm.
static void read_devices(viewApp* app) {
  GLFWgamepadstate pad;

  unsigned int buttons = 0;
  memset(app->drive.axis, 0, sizeof app->drive.axis);

  for (int id = GLFW_JOYSTICK_1; id <= GLFW_JOYSTICK_LAST; id++) {
    // GLFW knows how a gamepad's axes lie; a 3-D mouse has six raw ones.
    int n = 0, count = 0;
    if (glfwGetGamepadState(id, &pad)) {
      teleop_gamepad(app->drive.axis, pad.axes);
      buttons =
          (unsigned)(pad.buttons[GLFW_GAMEPAD_BUTTON_A] | pad.buttons[GLFW_GAMEPAD_BUTTON_RIGHT_BUMPER] << 1);
      break;
    }

    const float* raw = glfwGetJoystickAxes(id, &n);
    const unsigned char* pressed = glfwGetJoystickButtons(id, &count);

    if (!raw || n < 6) continue;

    teleop_spacemouse(app->drive.axis, raw, n);
    for (int i = 0; i < 2 && i < count; i++) buttons |= (unsigned int)(pressed[i] == GLFW_PRESS) << i;
    break;
  }

  // Only what has just been pressed: a button held does it once.
  unsigned int fresh = buttons & ~app->drive.buttons;
  app->drive.buttons = buttons;

  if (fresh & 1) view_drive_grip(app);
  if (fresh & 2) view_drive_next_arm(app);
}

// A script's next step, once the frames it waited for have gone by. 1 = it has ended.
static int script_step(viewWindow* v, viewScript* script, int* wait, loomError* err) {
  char shot[LOOM_PATH_MAX];

  int width = v->app->width, height = v->app->height;
  if (v->app->script_waits && (v->app->save.on || (v->app->guest && v->app->guest->busy(v->app)))) return 0;
  v->app->script_waits = false;

  // One frame less to wait for.
  if (*wait > 0) {
    v->app->dirty = true;
    return --*wait, 0;
  }

  int code = view_script_next(script, v->app, wait, shot, err);

  // A script may ask for another size of window.
  if (v->app->width != width || v->app->height != height)
    glfwSetWindowSize(v->window, v->app->width, v->app->height);

  if (*wait < 0) *wait = 60;
  if (code || !*shot) return code;

  view_advance(v->app, 0);
  code = view_draw(v->app, err);
  return code ? code : view_script_shot(script, v->app, shot, err);
}

// Is there anything to draw?
static bool wants_frame(const viewApp* app) {
  return app->dirty || app->ui.frames > 0 || (app->stage.entry >= 0 && !app->ui.has_scene);
}

static int draw_frame(viewWindow* v, loomError* err) {
  int code = view_draw(v->app, err);
  glfwSwapBuffers(v->window);
  dress_window(v);
  return code;
}

// 60 frames a second while something moves, fewer while a tooltip or a blinking cursor waits, else asleep
// until an event comes.
static void wait_for_events(const viewApp* app, bool script, double began) {
  bool busy = app->playing || app->save.on || (app->other && app->other->playing) || script ||
              app->list.read < app->list.demo_count || wants_frame(app) ||
              (app->guest && app->guest->busy(app));
  double left = 1.0 / 60 - (glfwGetTime() - began);

  if (!busy) {
    glfwWaitEventsTimeout(gui_restless() ? 0.05 : 0.1);
    return;
  }
  glfwPollEvents();
  if (left > 0) glfwWaitEventsTimeout(left);
}

static int run_window(viewWindow* v, viewScript* script, loomError* err) {
  viewApp* app = v->app;
  double last = glfwGetTime();
  int code = draw_frame(v, err), wait = 1;  // the list, while the first demo's model is compiled

  view_show_first(app);

  while (!code && !app->quit && !tool_stop) {
    double now = glfwGetTime();

    // The window's own button asks, too, where something is not saved.
    if (glfwWindowShouldClose(v->window)) view_command(app, "quit ask");
    glfwSetWindowShouldClose(v->window, GLFW_FALSE);

    if (app->drive.on) read_devices(app);
    view_advance(app, now - last);
    last = now;

    if (gui_restless() && app->ui.frames < 1) app->ui.frames = 1;
    if (wants_frame(app)) code = draw_frame(v, err);
    view_show_wanted(app);

    if (!code && script) code = script_step(v, script, &wait, err);
    wait_for_events(app, script, now);
  }
  if (code >= 0 && tool_stop) return loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted");
  return code < 0 ? code : 0;
}

int view_run_window(viewApp* app, loomError* err) {
  viewWindow v = {.app = app};
  viewScript* script = NULL;

  app->framebuffer = mjFB_WINDOW;

  int code = app->args->script ? view_script_open(&script, app, app->args->script, err) : 0;
  if (!code) code = open_window(&v, err);
  if (!code) code = run_window(&v, script, err);

  view_thumb_stop(app);
  if (v.window) view_free_gl(app);
  glfwTerminate();
  view_script_close(script);
  return code;
}
