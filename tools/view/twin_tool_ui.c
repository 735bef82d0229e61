// The fields and buttons of the tools of the twin's window.
#include <stdio.h>
#include <string.h>

#include "tools/view/twin_tool.h"

static const char* const sides[] = {"-x", "+x", "-y", "+y", "-z", "+z"};
static const char* const joint_types[] = {"fixed", "slide", "hinge"};
// How a joint lies, its first entry apart: along or about an axis of the body, or on an edge of it.
static const char* const axes[] = {"",         "along -x", "along +x", "along -y", "along +y",
                                   "along -z", "along +z", "edge -x",  "edge +x",  "edge -y",
                                   "edge +y",  "edge -z",  "edge +z"};

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
  if (choice("What lies to", &w->side, sides, 6)) twin_side_direction(w->c.normal, w->side);
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
  if (before != c->type) twin_usual_drag(c);
  if (c->type == LOOM_EDIT_FIXED) return;

  const char* first = w->axis_choice < 0           ? "as it is"
                      : c->type == LOOM_EDIT_SLIDE ? "as it was cut"
                                                   : "far from its handle";
  float width = name_line(c->type == LOOM_EDIT_SLIDE ? "Slides" : "Turns about", 1);
  if (gui_choice_open("##axis", w->axis_choice > 0 ? axes[w->axis_choice] : first, width)) {
    for (int i = 0; i < (c->type == LOOM_EDIT_SLIDE ? TWIN_FIRST_EDGE : TWIN_AXES); i++) {
      if (!gui_option(i ? axes[i] : first, i == w->axis_choice)) continue;
      if (i || w->axis_choice > 0) w->axis_choice = i;
      w->axis_yaw = 0;
    }
    gui_choice_end();
  }
  double axis[3];
  bool said = twin_joint_axis(axis, w);
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
    range_field(twin_slides(w, b) ? "Joint, m" : "Joint, rad", c->joint);
    return;
  }
  const twinReset* r = twin_reset_of(w, b);
  if (r && !r->plain)
    gui_text_wrapped(GUI_WARN, "It begins in a way that ranges do not say: task.yaml has it.");
  range_field("x, m", c->x);
  range_field("y, m", c->y);
  range_field("Turned, rad", c->yaw_range);
  numbers("Height, m", &c->z, 1);
  if (numbers("Radius kept free, m", &c->radius, 1)) c->given |= LOOM_GIVEN_RADIUS;
}

static const char* const buttons[TWIN_TOOLS] = {
    "Place it",  "Turn it",     "Scale it", "Cut it off", "Cut it off",    "Hang it",   "Carve it",
    "Add board", "Mark handle", "Weigh it", "Begin here", "Throw it away", "Stand here"};

void twin_tool_ui(twinWindow* w) {
  const twinBody* b = twin_chosen(w);
  if (!b) return;
  if (w->tool == TWIN_MOVE) numbers("At, m", w->c.at, 3);
  if (w->tool == TWIN_TURN) numbers(b->robot < 0 ? "Turned by, rad" : "Yaw, rad", &w->c.yaw, 1);
  if (w->tool == TWIN_STAND) {
    gui_text_wrapped(GUI_DIM, "Click where it is to stand. Green is in its reach, red is not.");
    numbers("At, m", w->c.at, 3);
    numbers("Yaw, rad", &w->c.yaw, 1);
  }
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
  w->app.dirty = w->app.dirty || w->tool == TWIN_MOVE || w->tool == TWIN_TURN || w->tool == TWIN_STAND;
  if (pressed) twin_tool_do(w);
}
