// The tools of the twin's window: each makes one kind of the script's commands, by fields and by grips.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/view/twin.h"

const char* const twin_tool_names[TWIN_TOOLS] = {"Move",      "Turn",   "Scale",  "Cut box",
                                                 "Cut plane", "Joint",  "Cavity", "Board",
                                                 "Handle",    "Weight", "Start",  "Remove"};

static const loomEditKind kinds[TWIN_TOOLS] = {
    LOOM_EDIT_PLACE,  LOOM_EDIT_TURN,  LOOM_EDIT_SCALE,  LOOM_EDIT_CUT,   LOOM_EDIT_CUT,   LOOM_EDIT_JOINT,
    LOOM_EDIT_CAVITY, LOOM_EDIT_PANEL, LOOM_EDIT_HANDLE, LOOM_EDIT_WEIGH, LOOM_EDIT_RESET, LOOM_EDIT_REMOVE};

static const char* const sides[] = {"-x", "+x", "-y", "+y", "-z", "+z"};
// How a joint lies, its first entry apart: along or about an axis of the body, or on an edge of it.
static const char* const axes[] = {"",         "along -x", "along +x", "along -y", "along +y",
                                   "along -z", "along +z", "edge -x",  "edge +x",  "edge -y",
                                   "edge +y",  "edge -z",  "edge +z"};
enum { FIRST_EDGE = 7, AXES = sizeof axes / sizeof *axes };
static const char* const joint_types[] = {"fixed", "slide", "hinge"};
static const double far = 100;

static guiRgba axis_color(int k) {
  static const double rgb[3][3] = {{0.95, 0.3, 0.3}, {0.35, 0.85, 0.35}, {0.35, 0.55, 1}};
  return gui_rgba(rgb[k][0], rgb[k][1], rgb[k][2], 1);
}

static void side_direction(double out[3], int side) {
  mju_zero3(out);
  out[side / 2] = side % 2 ? 1 : -1;
}

static bool on_slide(const twinWindow* w, const twinBody* b) {
  return b->joint >= 0 && w->shown.model->jnt_type[b->joint] == mjJNT_SLIDE;
}

bool twin_tool_fits(twinWindow* w, twinTool tool) {
  const twinBody* b = twin_chosen(w);
  if (!b) return false;
  bool object = b->robot < 0 && b->parent < 0, part = b->parent >= 0;

  switch (tool) {
    case TWIN_MOVE:
    case TWIN_TURN:
      return !part;
    case TWIN_SCALE:
      return object;
    case TWIN_JOINT:
    case TWIN_REMOVE:
      return part;
    case TWIN_RESET:
      return object || b->joint >= 0;
    default:
      return b->robot < 0;
  }
}

// ---- what a command would mostly be

static void middle_of(double out[3], const twinBody* b) {
  for (int k = 0; k < 3; k++) out[k] = (b->low[k] + b->high[k]) / 2;
}

// A name that no body has.
static void name_part(twinWindow* w) {
  snprintf(w->c.into, sizeof w->c.into, "part");
  for (int i = 2; twin_shown_find(&w->shown, w->c.into) >= 0; i++)
    snprintf(w->c.into, sizeof w->c.into, "part%d", i);
}

// Its upper half, and a little more on all sides.
static void begin_box(twinWindow* w, const twinBody* b) {
  for (int k = 0; k < 3; k++) {
    double more = 0.02 * (b->high[k] - b->low[k]) + 0.005;
    w->c.low[k] = b->low[k] - more;
    w->c.high[k] = b->high[k] + more;
  }
  w->c.low[2] = (b->low[2] + b->high[2]) / 2;
  w->c.given |= LOOM_GIVEN_BOX;
}

static void begin_plane(twinWindow* w, const twinBody* b) {
  middle_of(w->c.point, b);
  side_direction(w->c.normal, w->side = 5);
  w->c.given |= LOOM_GIVEN_PLANE;
}

// What it is without being said.
static void usual_drag(loomEditCommand* c) {
  c->damping = c->type == LOOM_EDIT_SLIDE ? 1 : 0.1;
  c->friction = c->type == LOOM_EDIT_SLIDE ? 0.5 : 0.05;
  c->given &= ~(unsigned)(LOOM_GIVEN_DAMPING | LOOM_GIVEN_FRICTION);
}

// The one that it has, or a drawer's.
static void begin_joint(twinWindow* w, const twinBody* b) {
  const mjModel* m = w->shown.model;
  int j = b->joint;
  w->axis_choice = 0;
  w->axis_yaw = 0;
  w->c.type = LOOM_EDIT_SLIDE;
  w->c.range[1] = 0.2;
  w->c.given |= LOOM_GIVEN_RANGE;
  usual_drag(&w->c);
  middle_of(w->c.at, b);
  if (j < 0) return;

  w->c.type = on_slide(w, b) ? LOOM_EDIT_SLIDE : LOOM_EDIT_HINGE;
  w->axis_choice = -1;
  mju_copy3(w->c.axis, m->jnt_axis + 3 * j);
  if (!on_slide(w, b)) mju_copy3(w->c.at, m->jnt_pos + 3 * j);
  mju_copy(w->c.range, m->jnt_range + 2 * j, 2);
  w->c.now = m->qpos0[m->jnt_qposadr[j]];
  w->c.damping = m->dof_damping[m->jnt_dofadr[j]];
  w->c.friction = m->dof_frictionloss[m->jnt_dofadr[j]];
  w->c.given |= LOOM_GIVEN_AXIS | LOOM_GIVEN_DAMPING | LOOM_GIVEN_FRICTION |
                (on_slide(w, b) ? 0 : (unsigned)LOOM_GIVEN_AT);
}

// For a part what it slides through, in what it hangs on; else a box.
static void begin_cavity(twinWindow* w, const twinBody* b) {
  if (b->parent >= 0 && on_slide(w, b)) {
    snprintf(w->c.body, sizeof w->c.body, "%s", w->shown.body[b->parent].name);
    snprintf(w->c.part, sizeof w->c.part, "%s", b->name);
  } else {
    begin_box(w, b);
  }
}

static const twinReset* reset_of(const twinWindow* w, const twinBody* b) {
  const twinShown* s = &w->shown;
  for (int i = 0; i < s->nreset; i++)
    if (&s->body[s->reset[i].body] == b && (!w->in || !strcmp(s->reset[i].in, s->name[w->in - 1])))
      return &s->reset[i];
  return NULL;
}

static void begin_reset(twinWindow* w, const twinBody* b) {
  const twinReset* r = reset_of(w, b);
  loomEditCommand* c = &w->c;
  if (w->in) snprintf(c->in, sizeof c->in, "%s", w->shown.name[w->in - 1]);
  if (b->joint >= 0) {
    c->given |= LOOM_GIVEN_JOINT;
    if (r && r->on_joint) mju_copy(c->joint, r->joint, 2);
    return;
  }

  c->given |= LOOM_GIVEN_XY | LOOM_GIVEN_Z;
  for (int k = 0; k < 2; k++) {
    double by = k ? 0.03 : -0.03;
    c->x[k] = r ? r->x[k] : b->pos[0] + by;
    c->y[k] = r ? r->y[k] : b->pos[1] + by;
    c->yaw_range[k] = r ? r->yaw[k] : 0;
  }
  c->z = r ? r->z : b->pos[2] + 0.001;
  c->radius = r ? r->radius : 0;
  if (c->radius > 0) c->given |= LOOM_GIVEN_RADIUS;
}

void twin_tool_begin(twinWindow* w, twinTool tool) {
  const twinBody* b = twin_chosen(w);
  w->tool = tool;
  w->held = -1;
  w->c = loom_edit_default_command(kinds[tool]);
  w->app.dirty = true;
  if (!b) return;

  loomEditCommand* c = &w->c;
  snprintf(c->body, sizeof c->body, "%s", b->name);
  if (b->robot >= 0) {
    c->kind = LOOM_EDIT_STAND;
    c->robot = b->robot;
    c->yaw = b->yaw;
  }
  switch (tool) {
    case TWIN_MOVE:
    case TWIN_TURN:
      mju_copy3(c->at, b->place);
      break;
    case TWIN_SCALE:
      c->by = 1;
      break;
    case TWIN_CUT:
      begin_box(w, b);
      name_part(w);
      break;
    case TWIN_PLANE:
      begin_plane(w, b);
      name_part(w);
      break;
    case TWIN_JOINT:
      begin_joint(w, b);
      break;
    case TWIN_CAVITY:
      begin_cavity(w, b);
      break;
    case TWIN_PANEL:
      c->side = 4;
      c->given |= LOOM_GIVEN_SIDE;
      break;
    case TWIN_HANDLE:
      middle_of(c->at, b);
      break;
    case TWIN_WEIGH:
      c->mass = w->shown.model->body_mass[b->id];
      break;
    case TWIN_RESET:
      begin_reset(w, b);
      break;
    default:
      break;
  }
}

// ---- grips

static twinGrip* add_grip(twinWindow* w, const char* name, const double at[3], const double axis[3],
                          double* value, int n, const double* way) {
  if (w->ngrip == TWIN_GRIPS) return &w->grip[TWIN_GRIPS - 1];
  twinGrip* g = &w->grip[w->ngrip++];
  *g = (twinGrip){
      .name = name, .value = value, .n = n, .low = -far, .high = far, .color = gui_color(GUI_WARN)};
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
}

static void grips_of_plane(twinWindow* w, const twinBody* b) {
  double at[3], axis[3];
  twin_to_world(at, w, b, w->c.point);
  mju_mulMatVec3(axis, w->shown.data->xmat + 9 * b->id, w->c.normal);
  add_grip(w, "plane", at, axis, w->c.point, 3, w->c.normal)->color = axis_color(w->side / 2);
}

// Where the axis of a joint leads, in the body's frame; false: it is not said.
static bool joint_axis(double out[3], const twinWindow* w) {
  if (w->axis_choice == 0 || w->axis_choice >= FIRST_EDGE) return false;
  double axis[3];
  mju_copy3(axis, w->c.axis);
  if (w->axis_choice > 0) side_direction(axis, w->axis_choice - 1);
  out[0] = cos(w->axis_yaw) * axis[0] - sin(w->axis_yaw) * axis[1];
  out[1] = sin(w->axis_yaw) * axis[0] + cos(w->axis_yaw) * axis[1];
  out[2] = axis[2];
  return mju_norm3(out) > 1e-6;
}

static void grips_of_joint(twinWindow* w, const twinBody* b) {
  static const double up[3] = {0, 0, 1};
  double axis[3], at[3], z[3];
  if (w->c.type == LOOM_EDIT_FIXED || !joint_axis(axis, w)) return;
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
  middle_of(middle, b);
  twin_to_world(at, w, b, middle);

  if (w->tool == TWIN_MOVE) grips_of_point(w, b, w->c.at, true);
  if (w->tool == TWIN_TURN) {
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
  if (w->c.type == LOOM_EDIT_FIXED || !joint_axis(axis, w)) return;
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

  if (w->tool == TWIN_CUT || (w->tool == TWIN_CAVITY && !w->c.part[0])) draw_box(w, b, &w->c, color);
  if (w->tool == TWIN_SCALE) draw_scaled(w, b);
  if (w->tool == TWIN_PLANE) draw_plane(w, b, color);
  if (w->tool == TWIN_JOINT) draw_joint(w, b);
  if (w->tool == TWIN_RESET) draw_resets(w);
}

// ---- fields

// A name at the left; where its value begins, and how broad each of n is.
static float name_line(const char* label, int n) {
  float edge = gui_x() + gui_room(),
        share = n > 2   ? 0.32f
                : n > 1 ? 0.4f
                        : 0.5f,
        from = edge - (1 - share) * gui_room();
  gui_label(label);
  gui_move_to(from);
  return (edge - from) / (float)n - 8 * (float)(n - 1) / (float)n;
}

// Numbers in a line; their names are told to scripts.
static bool numbers(const char* label, double* value, int n) {
  static const char* const of[] = {"x", "y", "z"};
  bool used = false;
  float width = name_line(label, n);
  for (int k = 0; k < n; k++) {
    char name[64];
    snprintf(name, sizeof name, "##%s%s%s", label, n > 1 ? " " : "", n > 1 ? of[k] : "");
    used = gui_real(name, &value[k], width) || used;
    if (k + 1 < n) gui_same_line();
  }
  return used;
}

// Its entries can be found by what is written on them.
static bool choice(const char* label, int* chosen, const char* const* names, int n) {
  bool used = false;
  float width = name_line(label, 1);
  char hidden[64];
  snprintf(hidden, sizeof hidden, "##%s", label);
  if (!gui_choice_open(hidden, names[*chosen], width)) return false;
  for (int i = 0; i < n; i++) {
    if (!gui_option(names[i], i == *chosen)) continue;
    used = i != *chosen;
    *chosen = i;
  }
  gui_choice_end();
  return used;
}

static void range_field(const char* label, double range[2]) {
  static const char* const of[] = {"from", "to"};
  float width = name_line(label, 2);
  for (int k = 0; k < 2; k++) {
    char name[64];
    snprintf(name, sizeof name, "##%s %s", label, of[k]);
    gui_real(name, &range[k], width);
    if (!k) gui_same_line();
  }
}

static void box_fields(twinWindow* w) {
  numbers("Low, m", w->c.low, 3);
  numbers("High, m", w->c.high, 3);
  numbers("Turned by, rad", &w->c.yaw, 1);
}

static void name_field(twinWindow* w) {
  float width = name_line("Name of the part", 1);
  gui_field("##Name of the part", "name", w->c.into, sizeof w->c.into, width, false);
}

static void plane_fields(twinWindow* w) {
  if (choice("What lies to", &w->side, sides, 6)) side_direction(w->c.normal, w->side);
  numbers("Point, m", w->c.point, 3);
  numbers("Normal", w->c.normal, 3);
  name_field(w);
}

// A slider that moves the part on the joint that it has.
static void try_field(twinWindow* w, const twinBody* b) {
  int i = (int)(b - w->shown.body);
  const mjModel* m = w->shown.model;
  if (b->joint < 0) return;
  if (!w->tries[i]) w->try[i] = m->qpos0[m->jnt_qposadr[b->joint]];
  const double* range = m->jnt_range + 2 * b->joint;
  gui_space(4);
  gui_text(GUI_INK, "Try it");
  if (gui_slider("##Try it", &w->try[i], range[0], range[1], gui_room())) {
    w->tries[i] = true;
    w->app.dirty = true;
  }
}

static void joint_fields(twinWindow* w) {
  loomEditCommand* c = &w->c;
  int before = c->type;
  static const int order[] = {LOOM_EDIT_SLIDE, LOOM_EDIT_HINGE, LOOM_EDIT_FIXED};
  for (int i = 0; i < 3; i++) {
    if (gui_chip(joint_types[order[i]], c->type == order[i])) c->type = order[i];
    if (i < 2) gui_same_line();
  }
  if (before != c->type && c->type == LOOM_EDIT_HINGE) c->range[1] = 1.5708;
  if (before != c->type && c->type == LOOM_EDIT_SLIDE) c->range[1] = 0.2;
  if (before != c->type) c->range[0] = c->now = w->axis_choice = 0;
  if (before != c->type) usual_drag(c);
  if (c->type == LOOM_EDIT_FIXED) return;

  const char* first = w->axis_choice < 0           ? "as it is"
                      : c->type == LOOM_EDIT_SLIDE ? "as it was cut"
                                                   : "far from its handle";
  float width = name_line(c->type == LOOM_EDIT_SLIDE ? "Slides" : "Turns about", 1);
  if (gui_choice_open("##axis", w->axis_choice > 0 ? axes[w->axis_choice] : first, width)) {
    for (int i = 0; i < (c->type == LOOM_EDIT_SLIDE ? FIRST_EDGE : AXES); i++) {
      if (!gui_option(i ? axes[i] : first, i == w->axis_choice)) continue;
      if (i || w->axis_choice > 0) w->axis_choice = i;
      w->axis_yaw = 0;
    }
    gui_choice_end();
  }
  double axis[3];
  bool said = joint_axis(axis, w);
  if (said) numbers("Turned by, rad", &w->axis_yaw, 1);
  if (said && c->type == LOOM_EDIT_HINGE) numbers("Point, m", c->at, 3);
  range_field(c->type == LOOM_EDIT_SLIDE ? "Way, m" : "Way, rad", c->range);
  numbers("The scan has it at", &c->now, 1);
  if (numbers("Damping", &c->damping, 1)) c->given |= LOOM_GIVEN_DAMPING;
  if (numbers("Friction", &c->friction, 1)) c->given |= LOOM_GIVEN_FRICTION;
}

static void cavity_fields(twinWindow* w) {
  if (!w->c.part[0]) {
    box_fields(w);
    return;
  }
  char text[200];
  snprintf(text, sizeof text, "What %s passes through on its joint is taken out of %s.", w->c.part,
           w->c.body);
  gui_text_wrapped(GUI_INK, text);
  numbers("Clearance, m", &w->c.clearance, 1);
  numbers("Turned by, rad", &w->c.yaw, 1);
}

static void panel_fields(twinWindow* w) {
  choice("Along the side", &w->c.side, sides, 6);
  numbers("Thickness, m", &w->c.thickness, 1);
  numbers("Turned by, rad", &w->c.yaw, 1);
}

static void handle_fields(twinWindow* w) {
  bool given = w->c.given & LOOM_GIVEN_AT;
  gui_text_wrapped(GUI_DIM, given ? "Click elsewhere on it, or drag the point."
                                  : "Click on it where it is grasped, or leave it to its front.");
  if (given) numbers("At, m", w->c.at, 3);
}

static void reset_fields(twinWindow* w, const twinBody* b) {
  const char* names[9] = {"all"};
  for (int i = 0; i < w->shown.nname; i++) names[i + 1] = w->shown.name[i];
  if (choice("Distribution", &w->in, names, w->shown.nname + 1)) twin_tool_begin(w, TWIN_RESET);

  loomEditCommand* c = &w->c;
  if (c->given & LOOM_GIVEN_JOINT) {
    range_field(on_slide(w, b) ? "Joint, m" : "Joint, rad", c->joint);
    return;
  }
  const twinReset* r = reset_of(w, b);
  if (r && !r->plain)
    gui_text_wrapped(GUI_WARN, "It begins in a way that ranges do not say: task.yaml has it.");
  range_field("x, m", c->x);
  range_field("y, m", c->y);
  range_field("Turned, rad", c->yaw_range);
  numbers("Height, m", &c->z, 1);
  if (numbers("Radius kept free, m", &c->radius, 1)) c->given |= LOOM_GIVEN_RADIUS;
}

static const char* const buttons[TWIN_TOOLS] = {"Place it",    "Turn it",  "Scale it",   "Cut it off",
                                                "Cut it off",  "Hang it",  "Carve it",   "Add board",
                                                "Mark handle", "Weigh it", "Begin here", "Throw it away"};

void twin_tool_ui(twinWindow* w) {
  const twinBody* b = twin_chosen(w);
  if (!b) return;
  if (w->tool == TWIN_MOVE) numbers("At, m", w->c.at, 3);
  if (w->tool == TWIN_TURN) numbers(b->robot < 0 ? "Turned by, rad" : "Yaw, rad", &w->c.yaw, 1);
  if (w->tool == TWIN_SCALE) numbers("By the factor", &w->c.by, 1);
  if (w->tool == TWIN_CUT) {
    box_fields(w);
    name_field(w);
  }
  if (w->tool == TWIN_PLANE) plane_fields(w);
  if (w->tool == TWIN_JOINT) joint_fields(w);
  if (w->tool == TWIN_CAVITY) cavity_fields(w);
  if (w->tool == TWIN_PANEL) panel_fields(w);
  if (w->tool == TWIN_HANDLE) handle_fields(w);
  if (w->tool == TWIN_WEIGH) numbers("Mass, kg", &w->c.mass, 1);
  if (w->tool == TWIN_RESET) reset_fields(w, b);

  // One after the other: what the last one has made is seen first.
  gui_space(4);
  gui_disable(w->version != w->shown_version);
  bool pressed = gui_button(buttons[w->tool], gui_room());
  gui_disable_end();
  try_field(w, b);
  w->app.dirty = w->app.dirty || w->tool == TWIN_MOVE || w->tool == TWIN_TURN;
  if (pressed) twin_tool_do(w);
}

// ---- done

void twin_tool_point(twinWindow* w, const double point[3]) {
  mju_copy3(w->c.at, point);
  w->c.given |= LOOM_GIVEN_AT;
}

void twin_tool_let_go(twinWindow* w) {
  bool at_once = w->tool == TWIN_MOVE || w->tool == TWIN_TURN || w->tool == TWIN_SCALE;
  if (at_once && w->version == w->shown_version) twin_tool_do(w);
}

void twin_tool_do(twinWindow* w) {
  loomEditCommand c = w->c;
  loomError err = {0, ""};
  char* text = NULL;
  double axis[3];
  if (!twin_chosen(w) || !twin_tool_fits(w, w->tool)) return;

  if (w->tool == TWIN_JOINT && c.type == LOOM_EDIT_FIXED) {
    c = loom_edit_default_command(LOOM_EDIT_JOINT);
    snprintf(c.body, sizeof c.body, "%s", w->c.body);
  } else if (w->tool == TWIN_JOINT && w->axis_choice >= FIRST_EDGE) {
    c.edge = w->axis_choice - FIRST_EDGE;
    c.given = (c.given | LOOM_GIVEN_EDGE) & ~(unsigned)(LOOM_GIVEN_AXIS | LOOM_GIVEN_AT);
  } else if (w->tool == TWIN_JOINT && joint_axis(axis, w)) {
    mju_copy3(c.axis, axis);
    c.given |= LOOM_GIVEN_AXIS;
    if (c.type == LOOM_EDIT_HINGE) c.given |= LOOM_GIVEN_AT;
    if (c.type == LOOM_EDIT_SLIDE) c.given &= ~(unsigned)LOOM_GIVEN_AT;
  } else if (w->tool == TWIN_JOINT) {
    c.given &= ~(unsigned)(LOOM_GIVEN_AXIS | LOOM_GIVEN_AT);
  }
  if (loom_edit_command_text(&text, &c, &err)) {
    twin_wrong(w, &err);
    return;
  }
  twin_add(w, text);
  free(text);

  // A part that is cut off is hung next, and what slides goes into a cavity.
  if (c.kind == LOOM_EDIT_CUT) snprintf(w->next, sizeof w->next, "%s", c.into);
  w->next_tool = TWIN_JOINT;
  if (c.kind != LOOM_EDIT_JOINT || c.type != LOOM_EDIT_SLIDE) return;
  snprintf(w->next, sizeof w->next, "%s", c.body);
  w->next_tool = TWIN_CAVITY;
}
