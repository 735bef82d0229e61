// Teleoperation in the viewer: keys, the mouse, a gamepad or a 3-D mouse drive the arms of a task in real
// time, and what succeeds is recorded as a source demo.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/view/view.h"

enum { LATEST = 4 };  // control steps taken at once at most: a slow picture slows the simulation too

static viewDrive* drive_of(viewApp* app) {
  return &app->drive;
}

// The session's episode as a demo of one row, so that it has a model to be drawn with.
static void show_driven(viewApp* app) {
  viewDrive* v = drive_of(app);
  view_live_show_start(app, v->session.episode, "drive");

  v->entry = app->stage.entry;
  v->on = app->playing = v->entry >= 0;

  // Nothing is held or closed in a new attempt.
  v->owed = 0;
  memset(v->held, 0, sizeof v->held);
  for (int a = 0; a < LOOM_MAX_ARMS; a++) v->closed[a] = false;
}

static bool restart_driven(viewApp* app, uint64_t attempt) {
  loomError err = {0, ""};

  int code = teleop_restart(&drive_of(app)->session, attempt, &err);
  if (code) view_say(app, "%s", err.message);
  if (!code) show_driven(app);

  return !code;
}

void view_drive_toggle(viewApp* app) {
  viewDrive* v = drive_of(app);

  loomError err = {0, ""};

  if (v->on) {
    v->on = app->playing = false;
    return;
  }
  // The episode and the output are opened once and kept for the next attempts.
  if (!v->open) {
    snprintf(v->out, sizeof v->out, "%s-teleop.hdf5", app->task->name);
    int code =
        teleop_open(&v->session, app->task, &app->args->roots, app->args->record ? app->args->record : v->out,
                    app->task->resets[app->reset_choice].name, (uint64_t)app->seed, 0, &err);
    if (code) view_say(app, "%s", err.message);
    if (code) return;
    v->open = true;
    // Or begun anew, as the menu says now.
  } else {
    v->session.reset = app->reset_choice;
    v->session.seed = (uint64_t)app->seed;
    if (teleop_restart(&v->session, v->session.attempt, &err)) {
      view_say(app, "%s", err.message);
      return;
    }
  }

  show_driven(app);
  view_say(app, "driving; Enter saves to %s, Backspace undoes, Delete discards, Ctrl J ends", v->session.out);
}

void view_drive_close(viewApp* app) {
  if (drive_of(app)->open) teleop_close(&drive_of(app)->session);
  drive_of(app)->open = drive_of(app)->on = false;
}

static bool drives_arm(const viewDrive* v, int arm) {
  return v->arm == arm || v->arm >= v->session.episode->arm_count;
}

static void set_inputs(viewApp* app) {
  viewDrive* v = drive_of(app);
  double dt = 1.0 / app->task->control_freq;

  for (int a = 0; a < v->session.episode->arm_count; a++) {
    // A gripper stays as it is until it is told otherwise, whichever arm is driven.
    loomTeleopArm* in = &v->session.teleop.input[a];
    *in = (loomTeleopArm){.frame = v->frame, .hand_count = 1, .hand = {v->closed[a] ? 1 : -1}};

    if (!drives_arm(v, a)) continue;

    // Keys, stick and mouse add up; sticks and keys are speeds, the mouse is a way.
    loomTeleopArm stick = *in;
    teleop_keys(in, v->held, app->camera.azimuth, dt);
    teleop_axes(&stick, v->axis, app->camera.azimuth, dt);
    for (int i = 0; i < 3; i++) {
      in->move[i] += stick.move[i] + v->mouse_move[i];
      in->turn[i] += stick.turn[i] + v->mouse_turn[i];
    }
  }

  // The mouse has been listened to.
  memset(v->mouse_move, 0, sizeof v->mouse_move);
  memset(v->mouse_turn, 0, sizeof v->mouse_turn);
}

void view_drive_advance(viewApp* app, double seconds) {
  viewDrive* v = drive_of(app);
  loomError err = {0, ""};

  v->owed = fmin(v->owed + seconds * app->task->control_freq, LATEST);

  while (v->owed >= 1 && v->on) {
    v->owed--;
    set_inputs(app);
    if (!loom_teleop_step(&v->session.teleop, &err)) continue;
    view_say(app, "%s", err.message);
    v->owed = 0;
    return;
  }
}

static void save_driven(viewApp* app) {
  viewDrive* v = drive_of(app);
  loomError err = {0, ""};

  if (teleop_save(&v->session, false, &err)) {
    view_say(app, "%s", err.message);
    return;
  }

  show_driven(app);
  view_say(app, "demo %d saved to %s%s%s", v->session.saved, v->session.out,
           v->session.not_annotated.code ? ", without subtasks: " : "",
           v->session.not_annotated.code ? v->session.not_annotated.message : "");
}

static void undo_driven(viewApp* app) {
  loomError err = {0, ""};

  viewDrive* v = drive_of(app);

  // Five seconds back, grippers too.
  if (loom_teleop_undo(&v->session.teleop, 5 * app->task->control_freq, &err))
    view_say(app, "%s", err.message);

  for (int a = 0; a < v->session.episode->arm_count; a++)
    v->closed[a] = v->session.teleop.state.hand[a][0] > 0;
}

void view_drive_grip(viewApp* app) {
  viewDrive* v = drive_of(app);
  for (int a = 0; a < v->session.episode->arm_count; a++)
    if (drives_arm(v, a)) v->closed[a] = !v->closed[a];
}

void view_drive_next_arm(viewApp* app) {
  viewDrive* v = drive_of(app);
  v->arm = (v->arm + 1) % (v->session.episode->arm_count + 1);  // the last choice is all at once
}

bool view_drive_key(viewApp* app, int key, int mods) {
  viewDrive* v = drive_of(app);

  if (!v->on || mods & VIEW_CONTROL) return false;

  double* speed = &v->session.teleop.def.speed;

  switch (key) {
    case VIEW_KEY_SPACE:
      view_drive_grip(app);
      return true;
    case mjKEY_TAB:
      view_drive_next_arm(app);
      return true;
    case 'B':
      v->frame = (loomTeleopFrame)((v->frame + 1) % 3);
      return true;
    case '=':
      *speed = fmin(4, *speed * sqrt(2));
      return true;
    case '-':
      *speed = fmax(0.1, *speed / sqrt(2));
      return true;
    case mjKEY_BACKSPACE:
      undo_driven(app);
      return true;
    case mjKEY_DELETE:
      restart_driven(app, v->session.attempt + 1);
      return true;
    case mjKEY_ENTER:
      save_driven(app);
      return true;
    // Keys that move the hand count as long as they are held.
    default:
      if (key <= 0 || key >= 128 || !strchr("WSADRFZXTGCV", key)) return false;
      v->held[key] = true;
      return true;
  }
}

void view_drive_release(viewApp* app, int key) {
  if (key > 0 && key < 128) drive_of(app)->held[key] = false;
}

void view_drive_mouse(viewApp* app, double dx, double dy, bool turn) {
  viewDrive* v = drive_of(app);

  double a = app->camera.azimuth * mjPI / 180, height = app->view.height > 0 ? app->view.height : 1;

  // The camera's directions on the table: what is right and forward for who looks.
  double right[3] = {sin(a), -cos(a), 0}, forward[3] = {cos(a), sin(a), 0};

  if (turn) {
    v->mouse_turn[2] += 3 * dx / height;
    for (int i = 0; i < 3; i++) v->mouse_turn[i] += 3 * dy / height * right[i];
    return;
  }

  double scale = app->camera.distance / height;
  for (int i = 0; i < 3; i++) v->mouse_move[i] += scale * (dx * right[i] - dy * forward[i]);
}

// Where each key moves the hands that are driven, as arrows with the key's letter; those held stand out.
void view_drive_draw(viewApp* app) {
  static const char keys[] = "WSADRF";
  static const float free[4] = {0.95f, 0.95f, 0.95f, 1}, held[4] = {0.24f, 0.55f, 1, 1};
  viewDrive* v = drive_of(app);
  double length = 0.09 * app->camera.distance;

  for (int a = 0; a < v->session.episode->arm_count; a++) {
    loomPose hand = loom_episode_eef(v->session.episode, a);
    double axes[4];
    if (!drives_arm(v, a)) continue;

    v->session.teleop.input[a].frame = v->frame;
    loom_teleop_axes(axes, &v->session.teleop, a);
    for (const char* key = keys; *key; key++) {
      bool one[128] = {false};
      loomTeleopArm in = {.frame = v->frame};
      mjtNum way[3], from[3], to[3];

      // As the key itself would move it.
      one[(int)*key] = true;
      teleop_keys(&in, one, app->camera.azimuth, 1);
      mju_rotVecQuat(way, in.move, axes);
      mju_normalize3(way);
      for (int k = 0; k < 3; k++) {
        from[k] = hand.pos[k] + 0.4 * length * way[k];
        to[k] = hand.pos[k] + length * way[k];
      }
      overlay_arrow(&app->scene, from, to, 0.035 * length, v->held[(int)*key] ? held : free, (char[2]){*key});
    }
  }
}

static void tell_keys(const char* keys, const char* words) {
  float left = gui_x();
  gui_text(GUI_INK, "%s", keys);
  gui_same_line();
  gui_move_to(left + 7 * gui_em());
  gui_text(GUI_DIM, "%s", words);
}

void view_drive_tell(const viewApp* app) {
  static const char* const frames[] = {"world", "base", "hand"};
  const viewDrive* v = &app->drive;
  const loomRunResult* run = &v->session.teleop.run;
  char arm[16] = "both arms";
  if (v->arm < v->session.episode->arm_count) snprintf(arm, sizeof arm, "arm %d", v->arm);

  // How things stand.
  bool success = loom_teleop_success(&v->session.teleop);
  gui_bold();
  gui_text(GUI_INK, "Driving %s, %s frame, speed %.2g", arm, frames[v->frame], v->session.teleop.def.speed);
  gui_font_end();
  gui_text(success ? GUI_GOOD : GUI_DIM, "%.1f s, success: %s (%d of %d steps), %d demos saved",
           (double)v->session.trace.rows / app->task->control_freq, success ? "yes" : "not yet",
           run->success_steps, app->task->success_hold, v->session.saved);
}

void view_drive_section(const viewApp* app) {
  static const char* const keys[][2] = {{"W, S", "away, nearer"},
                                        {"A, D", "left, right"},
                                        {"R, F", "up, down"},
                                        {"Z X, T G, C V", "turn"},
                                        {"Space", "open, close the hand"},
                                        {"Tab", "the other arm, both"},
                                        {"B", "frame: world, base, hand"},
                                        {"- =", "slower, faster"},
                                        {"Shift drag", "move; right button: turn"},
                                        {"Enter", "save what succeeded"},
                                        {"Backspace", "back 5 s"},
                                        {"Delete", "discard, begin anew"},
                                        {"Ctrl+J", "end"}};
  if (!app->drive.on || !gui_section("Driving", true)) return;

  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) tell_keys(keys[i][0], keys[i][1]);
}
