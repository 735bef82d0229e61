// Keys and mouse. Camera, visual flags and perturbation are those of MuJoCo's simulate.
#include <string.h>

#include "tools/view/view.h"

// ---- keys

bool view_visual_key(viewApp* app, int key, int mods) {
  // The flags and keys of MuJoCo's own viewer.
  for (int i = 0; i < mjNVISFLAG; i++) {
    if (mjVISSTRING[i][2][0] == key) {
      app->option.flags[i] = !app->option.flags[i];
      return true;
    }
  }

  for (int i = 0; i < mjNRNDFLAG; i++) {
    if (mjRNDSTRING[i][2][0] == key) {
      app->scene.flags[i] = !app->scene.flags[i];
      return true;
    }
  }

  // Digits switch groups of geoms, with Shift those of sites.
  if (key < '0' || key >= '0' + mjNGROUP) return false;
  mjtByte* group = mods & VIEW_SHIFT ? app->option.sitegroup : app->option.geomgroup;
  group[key - '0'] = !group[key - '0'];
  return true;
}

// A few frames of the widgets, until what the event did has settled.
static void note_event(viewApp* app) {
  if (app->ui.frames < 3) app->ui.frames = 3;
}

void view_key(viewApp* app, int key, int mods) {
  bool taken = gui_has_keys();

  note_event(app);
  gui_mods(mods);
  gui_key(key, true);

  // Whoever types gets all keys; then the arms while they are driven.
  if (taken) return;
  if (view_drive_key(app, key, mods) || view_command_key(app, key, mods)) {
    view_touched(app);
    return;
  }

  if (!(mods & VIEW_CONTROL) && view_visual_key(app, key, mods)) view_touched(app);
}

void view_key_up(viewApp* app, int key, int mods) {
  note_event(app);
  gui_mods(mods);
  gui_key(key, false);
  view_drive_release(app, key);
}

void view_char(viewApp* app, unsigned int letter) {
  note_event(app);
  gui_letter(letter);
}

// ---- mouse

// The widgets count left, right, middle.
static int button_number(int button) {
  return button == mjBUTTON_LEFT ? 0 : button == mjBUTTON_RIGHT ? 1 : 2;
}

void view_press(viewApp* app, int button, int mods) {
  note_event(app);
  gui_mods(mods);
  gui_mouse_button(button_number(button), true);
}

void view_release(viewApp* app, int button, int mods) {
  note_event(app);
  gui_mods(mods);
  gui_mouse_button(button_number(button), false);
}

void view_move(viewApp* app, double x, double y, int mods) {
  note_event(app);
  gui_mods(mods);
  gui_mouse_to(x, y);
}

void view_scroll(viewApp* app, double amount) {
  note_event(app);
  gui_mouse_wheel(amount);
}

// ---- the scene

// The episode whose bodies the mouse meets: it has what collides, and no visual meshes.
static loomEpisode* touched_episode(viewApp* app) {
  viewStage* s = &app->stage;
  loomEpisode* live = view_live_episode(app);
  if (live) return live;

  mju_copy(s->episode->d->qpos, s->data->qpos, (int)s->model->nq);
  mj_kinematics(s->episode->m, s->episode->d);
  return s->episode;
}

static void select_body(viewApp* app, double x, double y) {
  const loomEpisode* e = touched_episode(app);
  mjvOption option;
  int geom = -1, flex = -1, skin = -1;

  mjv_defaultOption(&option);
  // Hidden groups can be touched too: their shapes are what collides.
  memset(option.geomgroup, 1, sizeof option.geomgroup);

  mjrRect view = view_part(app, 0);
  double rx = (x - view.left) / view.width, ry = (app->height - y - view.bottom) / view.height;
  if (rx > 1) return;  // what is beside it is only looked at

  int body = mjv_select(e->m, e->d, &option, (double)view.width / view.height, rx, ry, &app->scene,
                        app->selected_at, &geom, &flex, &skin);

  app->perturb.select = body > 0 ? body : 0;
  app->perturb.active = 0;
  app->perturb.skinselect = app->perturb.flexselect = -1;

  if (body <= 0) return;

  // The force of the mouse acts where the body was touched, in the body's frame.
  mjtNum away[3];
  mju_sub3(away, app->selected_at, e->d->xpos + 3 * body);
  mju_mulMatTVec(app->perturb.localpos, e->d->xmat + 9 * body, away, 3, 3);

  const char* name = mj_id2name(e->m, mjOBJ_BODY, body);
  view_say(app, "selected: %s", name ? name : "a body without a name");
}

// The free camera turns about the point selected, or follows its body.
static void look_at(viewApp* app, bool follow) {
  app->camera_choice = 0;
  app->tracked = follow ? app->perturb.select : 0;
  mju_copy3(app->camera.lookat, app->selected_at);
}

static void press_scene(viewApp* app, const guiCanvas* c) {
  // A double click selects; with the right button the camera goes there.
  if (c->twice) {
    select_body(app, c->x, c->y);
    if (c->pressed == 1 && app->perturb.select) look_at(app, c->mods & VIEW_CONTROL);
    app->drag = VIEW_NO_DRAG;
    return;
  }

  app->drag = app->drive.on && c->mods & VIEW_SHIFT ? VIEW_DRAG_ARM : VIEW_DRAG_CAMERA;
  app->drag_button = c->pressed;
  if (app->drag == VIEW_DRAG_ARM) return;

  // Ctrl pushes what is selected, which needs a running simulation.
  if (!(c->mods & VIEW_CONTROL) || !app->perturb.select) return;
  if (!view_live_episode(app)) view_live_toggle(app);

  const loomEpisode* e = view_live_episode(app);
  if (!e) return;

  app->drag = VIEW_DRAG_FORCE;
  mjv_initPerturb(e->m, e->d, &app->scene, &app->perturb);
  app->perturb.active = c->pressed == 0 ? mjPERT_ROTATE : mjPERT_TRANSLATE;
}

static void drag_scene(viewApp* app, const guiCanvas* c) {
  // Buttons as in MuJoCo's viewer: left turns, right moves, else zoom; Shift in the horizontal plane.
  int action = app->drag_button == 1   ? (c->mods & VIEW_SHIFT ? mjMOUSE_MOVE_H : mjMOUSE_MOVE_V)
               : app->drag_button == 0 ? (c->mods & VIEW_SHIFT ? mjMOUSE_ROTATE_H : mjMOUSE_ROTATE_V)
                                       : mjMOUSE_ZOOM;

  // Shares of the view's height, so that the size of the window does not matter.
  double share = 1.0 / (app->view.height > 0 ? app->view.height : 1);
  const loomEpisode* e = view_live_episode(app);

  if (app->drag == VIEW_DRAG_ARM) {
    view_drive_mouse(app, c->dx, c->dy, app->drag_button == 1);
  } else if (app->drag == VIEW_DRAG_FORCE) {
    if (e) mjv_movePerturb(e->m, e->d, action, c->dx * share, c->dy * share, &app->scene, &app->perturb);
  } else {
    app->camera_choice = 0;
    mjv_moveCamera(app->stage.model, action, c->dx * share, c->dy * share, &app->camera);
  }
}

void view_scene_input(viewApp* app, const guiCanvas* c) {
  bool ours = app->drag == VIEW_DRAG_CAMERA || app->drag == VIEW_DRAG_FORCE || app->drag == VIEW_DRAG_ARM;
  if (app->stage.entry < 0) return;

  if (c->pressed >= 0) {
    press_scene(app, c);
    view_touched(app);
  } else if (ours && (c->active || c->released) && (c->dx != 0 || c->dy != 0)) {
    drag_scene(app, c);
    view_touched(app);
  }

  if (ours && !c->active) {
    app->drag = VIEW_NO_DRAG;
    app->perturb.active = 0;
    view_touched(app);
  }

  if (c->wheel == 0) return;
  mjv_moveCamera(app->stage.model, mjMOUSE_ZOOM, 0, -0.05 * (double)c->wheel, &app->camera);
  view_touched(app);
}
