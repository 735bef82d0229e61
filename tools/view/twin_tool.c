// The tools of the twin's window: each makes one kind of the script's commands, by fields and by grips.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/view/twin_tool.h"

const char* const twin_tool_names[TWIN_TOOLS] = {"Move",  "Turn",   "Scale", "Cut box", "Cut plane",
                                                 "Joint", "Cavity", "Board", "Handle",  "Weight",
                                                 "Start", "Remove", "Stand"};

const char* const twin_tool_tips[TWIN_TOOLS] = {
    "Drag an arrow, or say where it stands",
    "Drag the ring, or say by how much",
    "Drag the arrow, or say by what",
    "What lies in the box becomes a part: drag its sides",
    "What lies before the plane becomes a part: drag it",
    "How the part moves on what it was cut from",
    "Take out what the part slides through, or a box: else it jams",
    "A board along a side that the scan has left open",
    "Click where the part is grasped",
    "What it weighs",
    "The range that it begins in, of each reset distribution",
    "Throw away a part that was cut off",
    "Click where the robot is to stand: what it reaches from there is shown"};

static const loomEditKind kinds[TWIN_TOOLS] = {
    LOOM_EDIT_PLACE, LOOM_EDIT_TURN,   LOOM_EDIT_SCALE, LOOM_EDIT_CUT,    LOOM_EDIT_CUT,
    LOOM_EDIT_JOINT, LOOM_EDIT_CAVITY, LOOM_EDIT_PANEL, LOOM_EDIT_HANDLE, LOOM_EDIT_WEIGH,
    LOOM_EDIT_RESET, LOOM_EDIT_REMOVE, LOOM_EDIT_STAND};

void twin_side_direction(double out[3], int side) {
  mju_zero3(out);
  out[side / 2] = side % 2 ? 1 : -1;
}

bool twin_slides(const twinWindow* w, const twinBody* b) {
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
    case TWIN_STAND:
      return b->robot >= 0;
    default:
      return b->robot < 0;
  }
}

// ---- what a command would mostly be

void twin_middle(double out[3], const twinBody* b) {
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
  twin_middle(w->c.point, b);
  twin_side_direction(w->c.normal, w->side = 5);
  w->c.given |= LOOM_GIVEN_PLANE;
}

// What it is without being said.
void twin_usual_drag(loomEditCommand* c) {
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

  twin_usual_drag(&w->c);
  twin_middle(w->c.at, b);
  if (j < 0) return;

  w->c.type = twin_slides(w, b) ? LOOM_EDIT_SLIDE : LOOM_EDIT_HINGE;
  w->axis_choice = -1;
  mju_copy3(w->c.axis, m->jnt_axis + 3 * j);
  if (!twin_slides(w, b)) mju_copy3(w->c.at, m->jnt_pos + 3 * j);
  mju_copy(w->c.range, m->jnt_range + 2 * j, 2);
  w->c.now = m->qpos0[m->jnt_qposadr[j]];
  w->c.damping = m->dof_damping[m->jnt_dofadr[j]];
  w->c.friction = m->dof_frictionloss[m->jnt_dofadr[j]];

  w->c.given |= LOOM_GIVEN_AXIS | LOOM_GIVEN_DAMPING | LOOM_GIVEN_FRICTION |
                (twin_slides(w, b) ? 0 : (unsigned)LOOM_GIVEN_AT);
}

// For a part what it slides through, in what it hangs on; else a box.
static void begin_cavity(twinWindow* w, const twinBody* b) {
  if (b->parent >= 0 && twin_slides(w, b)) {
    snprintf(w->c.body, sizeof w->c.body, "%s", w->shown.body[b->parent].name);
    snprintf(w->c.part, sizeof w->c.part, "%s", b->name);
  } else {
    begin_box(w, b);
  }
}

const twinReset* twin_reset_of(const twinWindow* w, const twinBody* b) {
  const twinShown* s = &w->shown;
  for (int i = 0; i < s->nreset; i++)
    if (&s->body[s->reset[i].body] == b && (!w->in || !strcmp(s->reset[i].in, s->name[w->in - 1])))
      return &s->reset[i];
  return NULL;
}

static void begin_reset(twinWindow* w, const twinBody* b) {
  const twinReset* r = twin_reset_of(w, b);
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
    case TWIN_STAND:
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
      twin_middle(c->at, b);
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

// Where the axis of a joint leads, in the body's frame; false: it is not said.
bool twin_joint_axis(double out[3], const twinWindow* w) {
  if (w->axis_choice == 0 || w->axis_choice >= TWIN_FIRST_EDGE) return false;
  double axis[3];
  mju_copy3(axis, w->c.axis);
  if (w->axis_choice > 0) twin_side_direction(axis, w->axis_choice - 1);
  out[0] = cos(w->axis_yaw) * axis[0] - sin(w->axis_yaw) * axis[1];
  out[1] = sin(w->axis_yaw) * axis[0] + cos(w->axis_yaw) * axis[1];
  out[2] = axis[2];

  return mju_norm3(out) > 1e-6;
}

// ---- done

// A robot stands as high as before: its mount reaches down as far as it did.
void twin_tool_point(twinWindow* w, const double point[3]) {
  mju_copy(w->c.at, point, w->tool == TWIN_STAND ? 2 : 3);
  w->app.dirty = true;
  w->c.given |= LOOM_GIVEN_AT;
}

void twin_turn_box(loomEditCommand* c, double yaw) {
  double middle[2], cosine = cos(c->yaw - yaw), sine = sin(c->yaw - yaw);
  for (int k = 0; k < 2; k++) middle[k] = (c->low[k] + c->high[k]) / 2;
  const double there[2] = {cosine * middle[0] - sine * middle[1], sine * middle[0] + cosine * middle[1]};

  // Its corners are told in the turned frame, where the middle has to be another.
  for (int k = 0; k < 2; k++) {
    c->low[k] += there[k] - middle[k];
    c->high[k] += there[k] - middle[k];
  }
  c->yaw = yaw;
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
  } else if (w->tool == TWIN_JOINT && w->axis_choice >= TWIN_FIRST_EDGE) {
    c.edge = w->axis_choice - TWIN_FIRST_EDGE;
    c.given = (c.given | LOOM_GIVEN_EDGE) & ~(unsigned)(LOOM_GIVEN_AXIS | LOOM_GIVEN_AT);
  } else if (w->tool == TWIN_JOINT && twin_joint_axis(axis, w)) {
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
