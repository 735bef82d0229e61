// Keys and mouse. Camera, visual flags and perturbation are those of MuJoCo's simulate.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/view/view.h"

// ---- keys

static bool visual_key(viewApp* app, int key, int mods) {
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

static void typing_key(viewApp* app, int key) {
  size_t n = strlen(app->list.text);
  if (key == mjKEY_ENTER || key == mjKEY_ESCAPE) app->typing = false;

  if (key == mjKEY_ESCAPE) app->list.text[0] = '\0';
  if (key == mjKEY_BACKSPACE && n) app->list.text[n - 1] = '\0';

  view_relist(app);
  view_touched(app);
}

void view_char(viewApp* app, int letter) {
  size_t n = strlen(app->list.text);

  if (!app->typing || letter < ' ' || letter > '~' || n + 1 >= sizeof app->list.text) return;
  app->list.text[n] = (char)letter;
  app->list.text[n + 1] = '\0';

  view_relist(app);
  view_touched(app);
}

static bool menu_takes_keys(viewApp* app, int key, int mods) {
  if (!app->show_ui || !app->ui.editsect) return false;

  app->state.type = mjEVENT_KEY;
  app->state.key = key;
  app->state.control = mods & VIEW_CONTROL;
  app->state.shift = mods & VIEW_SHIFT;
  app->state.alt = 0;

  view_menu_event(app);
  return true;
}

void view_key(viewApp* app, int key, int mods) {
  // Whoever types gets all keys; then a menu's text field, then the arms while they are driven.
  if (app->typing) {
    typing_key(app, key);
    return;
  }

  if (menu_takes_keys(app, key, mods)) return;

  if (view_drive_key(app, key, mods)) {
    view_touched(app);
    return;
  }

  if (key == mjKEY_PAGE_DOWN || key == mjKEY_PAGE_UP) {
    int page = (app->height - VIEW_HEAD_HEIGHT) / VIEW_ROW_HEIGHT;

    view_move_in_list(app, key == mjKEY_PAGE_DOWN ? page : -page);
    view_touched(app);
    return;
  }

  // Back to the free camera.
  if (key == mjKEY_ESCAPE) {
    app->camera_choice = app->tracked = 0;
    view_touched(app);
    return;
  }

  if (view_command_key(app, key, mods)) return;

  if (!(mods & VIEW_CONTROL) && visual_key(app, key, mods)) view_touched(app);
}

// ---- mouse

static void state_mouse(viewApp* app, int type, double x, double y) {
  mjuiState* s = &app->state;

  // MuJoCo counts rows of pixels from the bottom, windows from the top.
  double up = app->height - y;
  s->type = type;
  s->dx = x - s->x;
  s->dy = up - s->y;
  s->x = x;
  s->y = up;

  // Which of MuJoCo's rectangles the mouse is over: 1 menu, 2 scene.
  s->mouserect = app->show_ui && view_inside(s->rect[1], app, x, y) ? 1
                 : view_inside(s->rect[2], app, x, y)               ? 2
                                                                    : 0;
}

static void state_buttons(viewApp* app, int button, bool down, bool twice) {
  mjuiState* s = &app->state;
  s->left = down && button == mjBUTTON_LEFT;
  s->right = down && button == mjBUTTON_RIGHT;
  s->middle = down && button == mjBUTTON_MIDDLE;
  s->button = button;

  s->doubleclick = twice;
  s->buttontime = app->clock;

  // Moves of the mouse go to where the button went down.
  s->dragrect = down ? s->mouserect : 0;
  s->dragbutton = down ? button : 0;
}

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

  double rx = (x - app->view.left) / app->view.width,
         ry = (app->height - y - app->view.bottom) / app->view.height;

  int body = mjv_select(e->m, e->d, &option, (double)app->view.width / app->view.height, rx, ry, &app->scene,
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

static void press_view(viewApp* app, int button, double x, double y, int mods, bool twice) {
  if (app->stage.entry < 0) return;

  // A double click selects; with the right button the camera goes there.
  if (twice) {
    select_body(app, x, y);
    if (button == mjBUTTON_RIGHT && app->perturb.select) look_at(app, mods & VIEW_CONTROL);
    return;
  }

  app->drag = app->drive.on && mods & VIEW_SHIFT ? VIEW_DRAG_ARM : VIEW_DRAG_CAMERA;

  if (app->drag == VIEW_DRAG_ARM) return;

  // Ctrl pushes what is selected, which needs a running simulation.
  if (!(mods & VIEW_CONTROL) || !app->perturb.select) return;
  if (!view_live_episode(app)) view_live_toggle(app);

  const loomEpisode* e = view_live_episode(app);
  if (!e) return;

  app->drag = VIEW_DRAG_FORCE;
  mjv_initPerturb(e->m, e->d, &app->scene, &app->perturb);
  app->perturb.active = button == mjBUTTON_LEFT ? mjPERT_ROTATE : mjPERT_TRANSLATE;
}

// The end of a subtask that is nearest on a lane comes to where the mouse is.
static void set_end(viewApp* app, int arm, double x) {
  int row = (int)lround(view_time_row(app, x)), nearest = -1;

  const int* end = app->stage.replay.end[arm];
  // The last subtask ends with the demo.
  for (int k = 0; k + 1 < app->task->subtask_count[arm]; k++) {
    if (nearest < 0 || abs(end[k] - row) < abs(end[nearest] - row)) nearest = k;
  }

  if (nearest >= 0) view_stage_move_end(app, arm, nearest, row);
}

static void press_timeline(viewApp* app, double x, double y, int mods, bool twice) {
  int lane = view_time_lane(app, x, y);

  if (mods & VIEW_CONTROL && lane >= 0) {
    set_end(app, lane, x);
    return;
  }

  if (view_time_boundary(app, x, y, &app->drag_arm, &app->drag_subtask)) {
    app->drag = VIEW_DRAG_BOUNDARY;
    return;
  }

  int segment = view_time_segment(app, x, y);
  view_stop(app);
  view_go(app, twice && segment >= 0 ? app->stage.segment[segment].first : view_time_row(app, x));
  app->drag = VIEW_DRAG_TIME;
}

void view_press(viewApp* app, int button, double x, double y, int mods, bool twice) {
  app->drag_x = x;
  app->drag_y = y;
  app->drag = VIEW_NO_DRAG;

  state_mouse(app, mjEVENT_PRESS, x, y);
  state_buttons(app, button, true, twice);

  if (app->state.mouserect == 1) {
    app->drag = VIEW_DRAG_UI;
    view_menu_event(app);
  } else if (app->show_list && view_inside(app->list_panel.rect, app, x, y)) {
    int entry = view_list_at(app, x, y);
    if (entry >= 0) {
      view_show(app, entry);
    } else if (y < VIEW_HEAD_HEIGHT) {
      view_command(app, y < VIEW_HEAD_HEIGHT / 2.0 ? "filter" : "sort");
    }
  } else if (app->show_timeline && view_inside(app->time_panel.rect, app, x, y)) {
    press_timeline(app, x, y, mods, twice);
  } else {
    press_view(app, button, x, y, mods, twice);
  }

  view_touched(app);
}

void view_release(viewApp* app, double x, double y) {
  state_mouse(app, mjEVENT_RELEASE, x, y);
  state_buttons(app, app->state.button, false, false);

  if (app->drag == VIEW_DRAG_UI) view_menu_event(app);

  app->drag = VIEW_NO_DRAG;
  app->perturb.active = 0;
  app->dirty = true;
}

static void drag_camera(viewApp* app, double dx, double dy, int mods) {
  // Buttons as in MuJoCo's viewer: left turns, right moves, else zoom; Shift in the horizontal plane.
  int action = app->state.right  ? (mods & VIEW_SHIFT ? mjMOUSE_MOVE_H : mjMOUSE_MOVE_V)
               : app->state.left ? (mods & VIEW_SHIFT ? mjMOUSE_ROTATE_H : mjMOUSE_ROTATE_V)
                                 : mjMOUSE_ZOOM;

  // Shares of the view's height, so that the size of the window does not matter.
  double share = 1.0 / (app->view.height > 0 ? app->view.height : 1);
  const loomEpisode* e = view_live_episode(app);

  if (app->drag == VIEW_DRAG_FORCE) {
    if (e) mjv_movePerturb(e->m, e->d, action, dx * share, dy * share, &app->scene, &app->perturb);
  } else {
    app->camera_choice = 0;
    mjv_moveCamera(app->stage.model, action, dx * share, dy * share, &app->camera);
  }
}

void view_move(viewApp* app, double x, double y, int mods) {
  double dx = x - app->drag_x, dy = y - app->drag_y;

  app->drag_x = x;
  app->drag_y = y;
  state_mouse(app, mjEVENT_MOVE, x, y);

  switch (app->drag) {
    case VIEW_DRAG_UI:
      view_menu_event(app);
      break;
    case VIEW_DRAG_TIME:
      view_go(app, view_time_row(app, x));
      break;
    case VIEW_DRAG_BOUNDARY:
      view_stage_move_end(app, app->drag_arm, app->drag_subtask, (int)lround(view_time_row(app, x)));
      view_go(app, app->stage.replay.end[app->drag_arm][app->drag_subtask] - 1);
      break;
    case VIEW_DRAG_ARM:
      view_drive_mouse(app, dx, dy, app->state.right);
      break;
    case VIEW_DRAG_CAMERA:
    case VIEW_DRAG_FORCE:
      if (app->stage.entry >= 0) drag_camera(app, dx, dy, mods);
      break;
    default:
      return;
  }

  app->dirty = app->time_panel.stale = true;
}

void view_scroll(viewApp* app, double x, double y, double amount) {
  state_mouse(app, mjEVENT_SCROLL, x, y);
  app->state.sy = amount;

  if (app->state.mouserect == 1) {
    view_menu_event(app);
  } else if (app->show_list && view_inside(app->list_panel.rect, app, x, y)) {
    int lines = (app->height - VIEW_HEAD_HEIGHT) / VIEW_ROW_HEIGHT, most = app->list.shown_count - lines;

    app->scroll -= (int)lround(3 * amount);
    if (app->scroll > most) app->scroll = most;
    if (app->scroll < 0) app->scroll = 0;

    app->list_panel.stale = app->thumb_fresh = true;
  } else if (app->stage.entry >= 0) {
    mjv_moveCamera(app->stage.model, mjMOUSE_ZOOM, 0, -0.05 * amount, &app->camera);
  }

  app->dirty = true;
}
