// The scene of the twin's window: what is drawn over it, what is dragged in it and what is clicked.
#include <math.h>
#include <string.h>

#include "tools/view/twin.h"

// ---- the camera, as the last picture had it

typedef struct eye {
  double pos[3], forward[3], up[3], right[3];
  double near, width, middle, height,
      center;  // of the picture at the near plane: halves, and where its middle is
} eye;

static eye eye_of(const twinWindow* w) {
  const mjvGLCamera* c = w->app.scene.camera;
  const mjrRect* view = &w->app.view;
  eye e;
  for (int k = 0; k < 3; k++) {
    e.pos[k] = ((double)c[0].pos[k] + (double)c[1].pos[k]) / 2;
    e.forward[k] = (double)c[0].forward[k];
    e.up[k] = (double)c[0].up[k];
  }
  mju_cross(e.right, e.forward, e.up);

  e.near = (double)c[0].frustum_near;
  e.height = ((double)c[0].frustum_top - (double)c[0].frustum_bottom) / 2;
  e.center = ((double)c[0].frustum_top + (double)c[0].frustum_bottom) / 2;
  e.middle = ((double)c[0].frustum_center + (double)c[1].frustum_center) / 2;
  e.width =
      c[0].frustum_width > 0 ? (double)c[0].frustum_width : e.height * view->width / fmax(1, view->height);
  return e;
}

bool twin_project(const twinWindow* w, double out[2], const double point[3]) {
  const mjrRect* view = &w->app.view;
  eye e = eye_of(w);
  double d[3];
  mju_sub3(d, point, e.pos);

  double z = mju_dot3(d, e.forward);
  if (!(z > 1e-3) || !(e.width > 0) || !w->app.has_scene) return false;
  double x = (mju_dot3(d, e.right) * e.near / z - e.middle) / e.width,
         y = (mju_dot3(d, e.up) * e.near / z - e.center) / e.height;
  out[0] = view->left + (x + 1) / 2 * view->width;
  out[1] = w->app.height - view->bottom - (y + 1) / 2 * view->height;
  return true;
}

double twin_pixel(const twinWindow* w, const double point[3]) {
  eye e = eye_of(w);
  double d[3];
  mju_sub3(d, point, e.pos);
  double z = fmax(mju_dot3(d, e.forward), 1e-3);
  return e.near > 0 ? 2 * e.height * z / e.near / fmax(1, w->app.view.height) : 1e-3;
}

// From the camera through a pixel.
static void ray_at(double pos[3], double dir[3], const twinWindow* w, double px, double py) {
  const mjrRect* view = &w->app.view;
  eye e = eye_of(w);
  double x = 2 * (px - view->left) / fmax(1, view->width) - 1,
         y = 2 * (w->app.height - view->bottom - py) / fmax(1, view->height) - 1;

  mju_copy3(pos, e.pos);
  mju_scl3(dir, e.forward, e.near);
  mju_addToScl3(dir, e.right, x * e.width + e.middle);
  mju_addToScl3(dir, e.up, y * e.height + e.center);
  mju_normalize3(dir);
}

void twin_to_world(double out[3], const twinWindow* w, const twinBody* body, const double point[3]) {
  const mjData* d = w->shown.data;
  mju_mulMatVec3(out, d->xmat + 9 * body->id, point);
  mju_addTo3(out, d->xpos + 3 * body->id);
}

void twin_line(const twinWindow* w, const double a[3], const double b[3], guiRgba color, float thick) {
  double p[2], q[2];
  if (!twin_project(w, p, a) || !twin_project(w, q, b)) return;
  gui_draw_line((float)p[0], (float)p[1], (float)q[0], (float)q[1], thick, color);
}

// ---- grips

// Two directions across an axis.
static void across(double a[3], double b[3], const double axis[3]) {
  const double x[3] = {1, 0, 0}, y[3] = {0, 1, 0};
  mju_cross(a, fabs(axis[0]) < 0.9 ? x : y, axis);
  mju_normalize3(a);
  mju_cross(b, axis, a);
}

static void ring_point(double out[3], const twinGrip* g, double radius, double angle) {
  double a[3], b[3];
  across(a, b, g->axis);
  mju_copy3(out, g->at);
  mju_addToScl3(out, a, radius * cos(angle));
  mju_addToScl3(out, b, radius * sin(angle));
}

enum { RING = 48 };

static double length_of(const twinWindow* w, const twinGrip* g) {
  double pixels = g->size < 0 ? -g->size : 70;
  return g->size > 0 ? g->size : pixels * w->app.ui.scale * twin_pixel(w, g->at);
}

static void place_tips(twinWindow* w) {
  for (int i = 0; i < w->ngrip; i++) {
    twinGrip* g = &w->grip[i];
    double tip[3];
    mju_copy3(tip, g->at);
    if (g->turns) ring_point(tip, g, length_of(w, g), 0.6);
    if (!g->turns) mju_addToScl3(tip, g->axis, length_of(w, g));
    g->seen = twin_project(w, g->tip, tip);
  }
}

static double off_segment(const double p[2], const double a[2], const double b[2]) {
  double dx = b[0] - a[0], dy = b[1] - a[1], l = dx * dx + dy * dy;
  double t = l > 0 ? ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / l : 0;
  t = fmin(fmax(t, 0), 1);
  return hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
}

// Pixels from the mouse.
static double off_grip(const twinWindow* w, const twinGrip* g, const double mouse[2]) {
  double best = hypot(mouse[0] - g->tip[0], mouse[1] - g->tip[1]) - 4, a[2], b[2], p[3];
  if (!g->turns) {
    if (twin_project(w, a, g->at)) best = fmin(best, off_segment(mouse, a, g->tip) + 2);
    return best;
  }

  for (int i = 0; i < RING; i++) {
    ring_point(p, g, length_of(w, g), 6.2832 * i / RING);
    if (!twin_project(w, a, p)) continue;
    ring_point(p, g, length_of(w, g), 6.2832 * (i + 1) / RING);
    if (twin_project(w, b, p)) best = fmin(best, off_segment(mouse, a, b) + 2);
  }
  return best;
}

static void draw_grip(const twinWindow* w, const twinGrip* g, bool bold) {
  float thick = bold ? 4 : 2.5f, dot = (bold ? 7.0f : 5.5f) * (float)w->app.ui.scale;
  double p[3], q[3], at[2];
  if (!g->seen) return;

  if (g->turns) {
    for (int i = 0; i < RING; i++) {
      ring_point(p, g, length_of(w, g), 6.2832 * i / RING);
      ring_point(q, g, length_of(w, g), 6.2832 * (i + 1) / RING);
      twin_line(w, p, q, g->color, thick);
    }
  } else if (twin_project(w, at, g->at)) {
    gui_draw_line((float)at[0], (float)at[1], (float)g->tip[0], (float)g->tip[1], thick, g->color);
  }
  gui_draw_dot((float)g->tip[0], (float)g->tip[1], dot + 1.5f, gui_rgba(0, 0, 0, 0.6));
  gui_draw_dot((float)g->tip[0], (float)g->tip[1], dot, g->color);
}

// Where along its axis, or at which angle about it, a pixel is.
static double place_on(const twinWindow* w, const twinGrip* g, double x, double y) {
  double o[3], v[3], off[3], a[3], b[3];
  ray_at(o, v, w, x, y);
  mju_sub3(off, g->at, o);
  if (!g->turns) {
    double b1 = mju_dot3(g->axis, v), d = mju_dot3(g->axis, off), e = mju_dot3(v, off);
    return 1 - b1 * b1 < 1e-6 ? 0 : (b1 * e - d) / (1 - b1 * b1);
  }

  double down = mju_dot3(v, g->axis);
  if (fabs(down) < 1e-6) return 0;
  double t = mju_dot3(off, g->axis) / down, p[3];
  mju_scl3(p, v, t);
  mju_subFrom3(p, off);
  across(a, b, g->axis);
  return atan2(mju_dot3(p, b), mju_dot3(p, a));
}

static void take_grip(twinWindow* w, int which) {
  twinGrip* g = &w->grip[which];
  w->held = which;
  w->from = place_on(w, g, w->press[0], w->press[1]);
  for (int k = 0; k < g->n; k++) w->value[k] = g->value[k];
}

// The grip as it was when it was taken, so that what it moves does not move it away from the mouse.
static void drag_grip(twinWindow* w, const twinGrip* taken, double x, double y) {
  double by = place_on(w, taken, x, y) - w->from;

  if (taken->turns) by = remainder(by, 2 * 3.14159265358979323846);
  for (int k = 0; k < taken->n; k++) {
    double to = w->value[k] + taken->way[k] * by;
    if (taken->low < taken->high) to = fmin(fmax(to, taken->low), taken->high);
    if (taken->box) twin_turn_box(&w->c, to);
    taken->value[k] = to;
  }
  w->app.dirty = true;
}

// ---- what is under the mouse

// The body of the list that one of the model belongs to.
static int listed(const twinShown* s, int id) {
  for (; id > 0; id = s->model->body_parentid[id])
    for (int i = 0; i < s->n; i++)
      if (s->body[i].id == id) return i;
  return -1;
}

static void click_scene(twinWindow* w, double x, double y) {
  const twinShown* s = &w->shown;
  const mjrRect* view = &w->app.view;
  int geom = -1, flex = -1, skin = -1;
  double at[3], local[3];
  int id = mjv_select(s->model, s->data, &w->app.option, (double)view->width / view->height,
                      (x - view->left) / view->width, (w->app.height - y - view->bottom) / view->height,
                      &w->app.scene, at, &geom, &flex, &skin);

  int which = id > 0 ? listed(s, id) : -1;
  twinBody* chosen = twin_chosen(w);
  if (id >= 0 && twin_camera_takes(w, at)) return;
  if (id >= 0 && chosen && w->tool == TWIN_STAND && (which < 0 || &s->body[which] != chosen)) {
    twin_tool_point(w, at);
    return;
  }
  if (which < 0) return;
  if (!chosen || strcmp(s->body[which].name, chosen->name) != 0 || w->tool != TWIN_HANDLE) {
    twin_choose(w, s->body[which].name);
    return;
  }
  mju_sub3(at, at, s->data->xpos + 3 * chosen->id);
  mju_mulMatTVec3(local, s->data->xmat + 9 * chosen->id, at);
  twin_tool_point(w, local);
}

// ---- a frame

static void use_mouse(twinWindow* w, const guiCanvas* c) {
  const double mouse[2] = {(double)c->x, (double)c->y};
  w->over = -1;
  double best = 9 * w->app.ui.scale;
  for (int i = 0; i < w->ngrip && c->hovered && w->held < 0; i++) {
    double off = w->grip[i].seen ? off_grip(w, &w->grip[i], mouse) : INFINITY;
    if (off > best) continue;
    best = off;
    w->over = i;
  }
  if (w->over >= 0 || w->held >= 0) gui_point_with(GUI_HAND);

  if (c->pressed >= 0) {
    mju_copy(w->press, mouse, 2);
    w->moved = false;
    if (c->pressed == 0 && w->over >= 0) {
      w->taken = w->grip[w->over];
      take_grip(w, w->over);
    }
  }
  w->moved = w->moved || hypot(mouse[0] - w->press[0], mouse[1] - w->press[1]) > 4;
  if (w->held >= 0) {
    if (c->active || c->released) drag_grip(w, &w->taken, mouse[0], mouse[1]);
    if (c->active) return;
    w->held = -1;
    if (w->moved) twin_tool_let_go(w);
    return;
  }
  if (c->released && !w->moved) click_scene(w, mouse[0], mouse[1]);

  guiCanvas camera = *c;
  camera.twice = false;
  view_scene_input(&w->app, &camera);
}

static void draw_bounds(const twinWindow* w, const twinBody* b, guiRgba color) {
  double corner[8][3];

  for (int v = 0; v < 8; v++) {
    const double p[3] = {v & 1 ? b->high[0] : b->low[0], v & 2 ? b->high[1] : b->low[1],
                         v & 4 ? b->high[2] : b->low[2]};
    twin_to_world(corner[v], w, b, p);
  }

  for (int v = 0; v < 8; v++)
    for (int k = 1; k < 8; k *= 2)
      if (!(v & k)) twin_line(w, corner[v], corner[v | k], color, 1);
}

// Where parts are grasped.
static void draw_handles(const twinWindow* w) {
  const mjModel* m = w->shown.model;

  for (int s = 0; s < m->nsite; s++) {
    const char* name = mj_id2name(m, mjOBJ_SITE, s);
    size_t n = name ? strlen(name) : 0;
    double at[2];
    if (n < 7 || strcmp(name + n - 7, "_handle") || listed(&w->shown, m->site_bodyid[s]) < 0) continue;
    if (twin_project(w, at, w->shown.data->site_xpos + 3 * s))
      gui_draw_dot((float)at[0], (float)at[1], 5 * (float)w->app.ui.scale, gui_rgba(1, 0.5, 0, 1));
  }
}

void twin_scene_ui(twinWindow* w, guiBox box) {
  guiCanvas canvas;
  gui_panel("##scene", box, GUI_CLEAR);
  gui_canvas(&canvas, "##canvas", box);

  if (w->shown.model && w->app.has_scene) {
    w->ngrip = 0;
    if (!w->camera.open) twin_tool_grips(w);
    place_tips(w);
    use_mouse(w, &canvas);
    gui_draw_clip(box);
    const twinBody* b = twin_chosen(w);
    if (b) draw_bounds(w, b, gui_faded(gui_color(GUI_ACCENT), 0.8));
    draw_handles(w);
    if (!w->camera.open) twin_tool_draw(w);
    twin_camera_draw(w);
    for (int i = 0; i < w->ngrip; i++) draw_grip(w, &w->grip[i], i == w->over || i == w->held);
    gui_draw_clip_end();
  }
  gui_panel_end();
}
