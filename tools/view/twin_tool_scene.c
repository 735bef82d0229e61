// The tools of the twin's window in the scene: their grips and lines.
#include <math.h>
#include <string.h>

#include "tools/view/twin_tool.h"

static const double far = 100;

static guiRgba axis_color(int k) {
  static const double rgb[3][3] = {{0.95, 0.3, 0.3}, {0.35, 0.85, 0.35}, {0.35, 0.55, 1}};
  return gui_rgba(rgb[k][0], rgb[k][1], rgb[k][2], 1);
}

// ---- grips

static twinGrip* add_grip(twinWindow* w, const char* name, const double at[3], const double axis[3],
                          double* value, int n, const double* way) {
  if (w->ngrip == TWIN_GRIPS) return &w->grip[TWIN_GRIPS - 1];
  twinGrip* g = &w->grip[w->ngrip++];
  *g = (twinGrip){.name = name, .n = n, .low = -far, .high = far, .color = gui_color(GUI_WARN)};
  g->value = value;
  mju_copy3(g->at, at);
  mju_copy3(g->axis, axis);
  for (int k = 0; k < n; k++) g->way[k] = way ? way[k] : 1;

  return g;
}

// A direction of the chosen body's frame, turned about its z.
static void direction(double out[3], const twinWindow* w, const twinBody* b, int k, double yaw) {
  const double turned[3][3] = {{cos(yaw), sin(yaw), 0}, {-sin(yaw), cos(yaw), 0}, {0, 0, 1}};
  mju_mulMatVec3(out, w->shown.data->xmat + 9 * b->id, turned[k]);
}

// A point is moved along three axes.
static void grips_of_point(twinWindow* w, const twinBody* b, double* value, bool world) {
  static const char* const names[] = {"x", "y", "z"};
  static const double unit[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  double at[3], axis[3];

  mju_copy3(at, value);
  if (!world) twin_to_world(at, w, b, value);

  for (int k = 0; k < 3; k++) {
    mju_copy3(axis, unit[k]);
    if (!world) direction(axis, w, b, k, 0);
    add_grip(w, names[k], at, axis, value, 3, unit[k])->color = axis_color(k);
  }
}

// A point of a box that is turned about the z axis of its frame.
static void box_point(double out[3], const twinWindow* w, const twinBody* b, const loomEditCommand* c,
                      const double share[3]) {
  double p[3], q[3];
  for (int k = 0; k < 3; k++) p[k] = c->low[k] + share[k] * (c->high[k] - c->low[k]);
  q[0] = cos(c->yaw) * p[0] - sin(c->yaw) * p[1];
  q[1] = sin(c->yaw) * p[0] + cos(c->yaw) * p[1];
  q[2] = p[2];
  twin_to_world(out, w, b, q);
}

static void grips_of_box(twinWindow* w, const twinBody* b) {
  static const char* const names[] = {"-x", "+x", "-y", "+y", "-z", "+z"};
  double at[3], axis[3];

  for (int side = 0; side < 6; side++) {
    int k = side / 2;
    double share[3] = {0.5, 0.5, 0.5};
    share[k] = side % 2;
    box_point(at, w, b, &w->c, share);
    double way = side % 2 ? 1 : -1;
    direction(axis, w, b, k, w->c.yaw);
    mju_scl3(axis, axis, way);
    twinGrip* g = add_grip(w, names[side], at, axis, side % 2 ? &w->c.high[k] : &w->c.low[k], 1, &way);
    g->color = axis_color(k);
    g->size = -30;
    if (side % 2) g->low = w->c.low[k] + 1e-3;
    if (side % 2 == 0) g->high = w->c.high[k] - 1e-3;
  }

  // And a ring around its corners.
  const double middle[3] = {0.5, 0.5, 0.5};
  box_point(at, w, b, &w->c, middle);
  direction(axis, w, b, 2, 0);
  twinGrip* g = add_grip(w, "turn", at, axis, &w->c.yaw, 1, NULL);
  g->turns = g->box = true;
  g->color = axis_color(2);
  g->size = 0.55 * hypot(w->c.high[0] - w->c.low[0], w->c.high[1] - w->c.low[1]);
}

static void grips_of_plane(twinWindow* w, const twinBody* b) {
  double at[3], axis[3];
  twin_to_world(at, w, b, w->c.point);
  mju_mulMatVec3(axis, w->shown.data->xmat + 9 * b->id, w->c.normal);
  add_grip(w, "plane", at, axis, w->c.point, 3, w->c.normal)->color = axis_color(w->side / 2);
}

static void grips_of_joint(twinWindow* w, const twinBody* b) {
  static const double up[3] = {0, 0, 1};
  double axis[3], at[3], z[3];
  if (w->c.type == LOOM_EDIT_FIXED || !twin_joint_axis(axis, w)) return;
  twin_to_world(at, w, b, w->c.at);
  mju_mulMatVec3(z, w->shown.data->xmat + 9 * b->id, up);
  if (fabs(axis[2]) < 0.9) add_grip(w, "turn", at, z, &w->axis_yaw, 1, NULL)->turns = true;
  if (w->c.type == LOOM_EDIT_HINGE) grips_of_point(w, b, w->c.at, false);

  // Both ends of a slide, from where the part stands now.
  if (w->c.type != LOOM_EDIT_SLIDE) return;
  static const char* const names[] = {"from", "to"};
  mju_mulMatVec3(z, w->shown.data->xmat + 9 * b->id, axis);
  for (int i = 0; i < 2; i++) {
    double end[3];
    mju_addScl3(end, at, z, w->c.range[i] - w->c.now);
    twinGrip* g = add_grip(w, names[i], end, z, &w->c.range[i], 1, NULL);
    g->size = -1;
    if (i) g->low = w->c.now;
    if (!i) g->high = w->c.now;
  }
}

// The sides of where it begins, in the world.
static void grips_of_reset(twinWindow* w) {
  static const char* const names[] = {"-x", "+x", "-y", "+y"};
  static const double axes_of[2][3] = {{1, 0, 0}, {0, 1, 0}};
  loomEditCommand* c = &w->c;

  if (!(c->given & LOOM_GIVEN_XY)) return;

  for (int side = 0; side < 4; side++) {
    int k = side / 2, end = side % 2;
    double* range = k ? c->y : c->x;
    double at[3] = {(c->x[0] + c->x[1]) / 2, (c->y[0] + c->y[1]) / 2, c->z};
    at[k] = range[end];
    double way = end ? 1 : -1, axis[3];
    mju_scl3(axis, axes_of[k], way);
    twinGrip* g = add_grip(w, names[side], at, axis, &range[end], 1, &way);
    g->color = axis_color(k);
    g->size = -20;
    if (end) g->low = range[0];
    if (!end) g->high = range[1];
  }
}

void twin_tool_grips(twinWindow* w) {
  static const double up[3] = {0, 0, 1};
  const twinBody* b = twin_chosen(w);
  if (!b || !twin_tool_fits(w, w->tool)) return;
  double at[3], middle[3];
  twin_middle(middle, b);
  twin_to_world(at, w, b, middle);

  if (w->tool == TWIN_MOVE) grips_of_point(w, b, w->c.at, true);
  if (w->tool == TWIN_TURN || w->tool == TWIN_STAND) {
    twinGrip* g = add_grip(w, "turn", w->c.at, up, &w->c.yaw, 1, NULL);
    g->turns = true;
    g->color = axis_color(2);
    g->size = b->robot < 0 ? 0.6 * hypot(b->high[0] - b->low[0], b->high[1] - b->low[1]) : 0;
  }
  if (w->tool == TWIN_SCALE) {
    double size = fmax(b->high[2] - b->low[2], 0.01), way = 1 / size;
    twinGrip* g = add_grip(w, "scale", at, up, &w->c.by, 1, &way);
    g->low = 0.01;
  }
  if (w->tool == TWIN_CUT || (w->tool == TWIN_CAVITY && !w->c.part[0])) grips_of_box(w, b);
  if (w->tool == TWIN_PLANE) grips_of_plane(w, b);
  if (w->tool == TWIN_JOINT) grips_of_joint(w, b);
  if (w->tool == TWIN_HANDLE && w->c.given & LOOM_GIVEN_AT) grips_of_point(w, b, w->c.at, false);
  if (w->tool == TWIN_RESET) grips_of_reset(w);
}

// ---- lines

static void draw_box(const twinWindow* w, const twinBody* b, const loomEditCommand* c, guiRgba color) {
  double p[8][3];

  for (int v = 0; v < 8; v++) {
    const double share[3] = {v & 1, v >> 1 & 1, v >> 2 & 1};
    box_point(p[v], w, b, c, share);
  }

  for (int v = 0; v < 8; v++)
    for (int k = 1; k < 8; k *= 2)
      if (!(v & k)) twin_line(w, p[v], p[v | k], color, 2);
}

// A square as large as the body.
static void draw_plane(const twinWindow* w, const twinBody* b, guiRgba color) {
  double a[3], c[3], corner[4][3],
      half = 0.6 * fmax(fmax(b->high[0] - b->low[0], b->high[1] - b->low[1]), b->high[2] - b->low[2]);
  const double other[3] = {w->c.normal[2], w->c.normal[0], w->c.normal[1]};

  mju_cross(a, other, w->c.normal);
  mju_normalize3(a);
  mju_cross(c, w->c.normal, a);
  for (int v = 0; v < 4; v++) {
    double p[3];
    mju_addScl3(p, w->c.point, a, v == 0 || v == 3 ? half : -half);
    mju_addToScl3(p, c, v < 2 ? half : -half);
    twin_to_world(corner[v], w, b, p);
  }
  for (int v = 0; v < 4; v++) twin_line(w, corner[v], corner[(v + 1) % 4], color, 2);
  twin_line(w, corner[0], corner[2], gui_faded(color, 0.5), 1);

  twin_line(w, corner[1], corner[3], gui_faded(color, 0.5), 1);
}

static void draw_axis(const twinWindow* w, const twinBody* b, const double at[3], const double axis[3],
                      guiRgba color) {
  double p[3], q[3], size = 0.7 * mju_dist3(b->low, b->high);
  mju_addScl3(p, at, axis, -size);
  mju_addScl3(q, at, axis, size);
  twin_to_world(p, w, b, p);
  twin_to_world(q, w, b, q);
  twin_line(w, p, q, color, 3);
}

static void draw_joint(const twinWindow* w, const twinBody* b) {
  double axis[3], from[3], to[3], at[3];

  if (w->c.type == LOOM_EDIT_FIXED || !twin_joint_axis(axis, w)) return;
  mju_normalize3(axis);
  if (w->c.type == LOOM_EDIT_HINGE) draw_axis(w, b, w->c.at, axis, gui_color(GUI_WARN));
  if (w->c.type != LOOM_EDIT_SLIDE) return;
  mju_copy3(at, w->c.at);
  mju_addScl3(from, at, axis, w->c.range[0] - w->c.now);
  mju_addScl3(to, at, axis, w->c.range[1] - w->c.now);
  twin_to_world(from, w, b, from);
  twin_to_world(to, w, b, to);

  twin_line(w, from, to, gui_color(GUI_WARN), 3);
}

static void draw_range(const twinWindow* w, const twinReset* r, guiRgba color, float thick) {
  double p[4][3];

  for (int v = 0; v < 4; v++) {
    p[v][0] = r->x[v == 1 || v == 2];
    p[v][1] = r->y[v > 1];
    p[v][2] = r->z;
  }
  for (int v = 0; v < 4; v++) twin_line(w, p[v], p[(v + 1) % 4], color, thick);
}

// Where everything begins in one distribution, and what is made of the chosen one's.
static void draw_resets(const twinWindow* w) {
  const twinShown* s = &w->shown;
  const char* in = w->in ? s->name[w->in - 1] : s->nname ? s->name[0] : "";

  for (int i = 0; i < s->nreset; i++) {
    const twinReset* r = &s->reset[i];
    bool own = !strcmp(s->body[r->body].name, w->chosen);
    if (!r->on_joint && !strcmp(r->in, in) && !own) draw_range(w, r, gui_color(GUI_DIM), 1.5f);
  }
  if (!(w->c.given & LOOM_GIVEN_XY)) return;
  twinReset now = {.z = w->c.z};
  mju_copy(now.x, w->c.x, 2);
  mju_copy(now.y, w->c.y, 2);

  draw_range(w, &now, gui_color(GUI_WARN), 3);
}

// What a robot comes to, at the height on which the first object stands.
static void draw_reach(const twinWindow* w, const twinBody* b) {
  enum { STEPS = 72 };
  const twinShown* s = &w->shown;
  if (b->shoulder < 0 || !s->n || s->body[0].robot >= 0) return;
  const double *from = s->data->xanchor + 3 * b->shoulder, z = s->data->xpos[3 * s->body[0].id + 2];
  double across = b->reach * b->reach - (z - from[2]) * (z - from[2]), last[3];
  if (!(across > 0)) return;

  for (int i = 0; i <= STEPS; i++) {
    double angle = 2 * 3.14159265358979323846 * i / STEPS;
    const double p[3] = {from[0] + sqrt(across) * cos(angle), from[1] + sqrt(across) * sin(angle), z};
    if (i) twin_line(w, last, p, gui_color(GUI_ACCENT), 2);
    mju_copy3(last, p);
  }

  // Each object: does it come to its middle?
  for (int i = 0; i < s->n; i++) {
    const twinBody* o = &s->body[i];
    double middle[3], at[3], seen[2];
    if (o->robot >= 0 || o->parent >= 0) continue;
    twin_middle(middle, o);
    twin_to_world(at, w, o, middle);
    bool near = mju_dist3(at, from) <= b->reach;
    if (twin_project(w, seen, at))
      gui_draw_dot((float)seen[0], (float)seen[1], 6 * (float)w->app.ui.scale,
                   gui_color(near ? GUI_GOOD : GUI_BAD));
  }
}

static void draw_scaled(const twinWindow* w, const twinBody* b) {
  loomEditCommand box = {.yaw = 0};
  for (int k = 0; k < 3; k++) {
    box.low[k] = b->low[k] * w->c.by;
    box.high[k] = b->high[k] * w->c.by;
  }
  draw_box(w, b, &box, gui_color(GUI_WARN));
}

void twin_tool_draw(twinWindow* w) {
  const twinBody* b = twin_chosen(w);
  if (!b || !twin_tool_fits(w, w->tool)) return;
  guiRgba color = gui_color(GUI_WARN);

  if (b->robot >= 0) draw_reach(w, b);
  if (w->tool == TWIN_CUT || (w->tool == TWIN_CAVITY && !w->c.part[0])) draw_box(w, b, &w->c, color);
  if (w->tool == TWIN_SCALE) draw_scaled(w, b);
  if (w->tool == TWIN_PLANE) draw_plane(w, b, color);
  if (w->tool == TWIN_JOINT) draw_joint(w, b);
  if (w->tool == TWIN_RESET) draw_resets(w);
}
