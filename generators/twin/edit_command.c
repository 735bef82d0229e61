#include "generators/twin/edit_command.h"

#include <math.h>
#include <mujoco/mujoco.h>
#include <stdio.h>
#include <string.h>

#include "engine/model/mjcf.h"

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
}

// ---- where objects stand

static int by_itself(const loomEditBody* body, loomError* err) {
  if (!loom_edit_parent(body)) return 0;
  return loom_error_set(err, LOOM_ERR_USAGE, "'%s' is a part: it goes where the object goes that it is on",
                        body->name);
}

static int place_body(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  double old[3] = {0}, by[3];
  int code = by_itself(body, err);
  if (code) return code;
  loom_edit_get_numbers(old, 3, body->node, "pos");
  mju_sub3(by, c->at, old);
  if (loom_edit_set_numbers(body->node, "pos", c->at, 3)) return no_memory(err);
  return loom_edit_task_move(&e->task, body->name, by, 0, err);
}

static int turn_body(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  static const char* const others[] = {"euler", "axisangle", "xyaxes", "zaxis"};
  double old[4] = {1, 0, 0, 0}, turn[4] = {cos(c->yaw / 2), 0, 0, sin(c->yaw / 2)}, quat[4];
  const double still[3] = {0, 0, 0};
  int code = by_itself(body, err);
  for (size_t i = 0; !code && i < sizeof others / sizeof *others; i++)
    if (xmlHasProp(body->node, (const xmlChar*)others[i]))
      code = loom_error_set(err, LOOM_ERR_USAGE,
                            "scene.xml turns '%s' by `%s`: write it as quat, or turn it there", body->name,
                            others[i]);
  if (code) return code;

  loom_edit_get_numbers(old, 4, body->node, "quat");
  mju_mulQuat(quat, turn, old);
  if (loom_edit_set_numbers(body->node, "quat", quat, 4)) return no_memory(err);

  return loom_edit_task_move(&e->task, body->name, still, c->yaw, err);
}

// ---- how large and heavy they are

static int scale_numbers(xmlNode* node, const char* name, int n, double by, loomError* err) {
  double number[3] = {0};
  if (!xmlHasProp(node, (const xmlChar*)name)) return 0;
  loom_edit_get_numbers(number, n, node, name);
  for (int i = 0; i < n; i++) number[i] *= by;
  return loom_edit_set_numbers(node, name, number, n) ? no_memory(err) : 0;
}

// What hangs on a body: sites, joints, boards, and the places of other bodies.
static int scale_nodes(xmlNode* body, double by, loomError* err) {
  int code = 0;
  for (xmlNode* n = xmlFirstElementChild(body); !code && n; n = xmlNextElementSibling(n)) {
    bool slide = loom_mjcf_is(n, "joint") && loom_mjcf_has(n, "type", "slide"),
         geom = loom_mjcf_is(n, "geom");
    if (loom_mjcf_is(n, "inertial") || (geom && loom_mjcf_has(n, "type", "mesh"))) continue;
    code = scale_numbers(n, "pos", 3, by, err);
    if (!code && geom) code = scale_numbers(n, "size", 3, by, err);
    if (!code && slide) code = scale_numbers(n, "range", 2, by, err);
    if (!code && slide) code = scale_numbers(n, "ref", 1, by, err);
  }

  return code;
}

static int scale_one(loomEdit* e, loomEditBody* body, double by, loomError* err) {
  const double matrix[9] = {by, 0, 0, 0, by, 0, 0, 0, by}, none[3] = {0, 0, 0};
  int code = loom_edit_load(e, body, err);
  if (code) return code;
  loom_mesh_transform(&body->look, matrix, none);
  for (int s = 0; s < body->nsolid; s++) {
    loom_mesh_transform(&body->solid[s].mesh, matrix, none);
    for (int p = 0; p < body->solid[s].nplane; p++) body->solid[s].plane[p].at *= by;
  }
  loomEditCommand* j = &body->joint;
  mju_scl3(j->at, j->at, by);
  for (int k = 0; k < 2 && j->type == LOOM_EDIT_SLIDE; k++) j->range[k] *= by;
  if (j->type == LOOM_EDIT_SLIDE) j->now *= by;
  body->changed = true;

  return scale_nodes(body->node, by, err);
}

static int scale_body(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  int code = by_itself(body, err);
  for (xmlNode* n = body->node; !code && n; n = loom_mjcf_walk(body->node, n)) {
    char* name = loom_mjcf_is(n, "body") ? loom_mjcf_get(n, "name") : NULL;
    loomEditBody* one = NULL;
    if (!name) continue;
    code = loom_edit_find(&one, e, name, err);
    if (!code) code = scale_one(e, one, c->by, err);
    xmlFree(name);
  }

  return code;
}

static int weigh_body(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  (void)e;
  if (!loom_mjcf_child(body->node, "inertial") && !body->fresh)
    return loom_error_set(err, LOOM_ERR_USAGE, "'%s' is no object of a scan: it says no mass of its own",
                          body->name);
  body->mass = c->mass;
  return 0;
}

// ---- how it rubs

// Geoms of its own that collide: its boards and pieces, or whatever a model of one's own has.
static int rub_geoms(const xmlNode* body, const loomEditCommand* c, loomError* err) {
  int n = 0;
  for (xmlNode* g = loom_mjcf_child(body, "geom"); g; g = loom_mjcf_sibling(g, "geom")) {
    if (loom_mjcf_has(g, "class", "look")) continue;
    if (loom_edit_set_numbers(g, "friction", c->rub, 3)) return no_memory(err);
    n++;
  }
  return n ? 0 : loom_error_set(err, LOOM_ERR_USAGE, "nothing of '%s' collides", c->body);
}

// Pieces that it is yet to be cut into, too.
static int rub_body(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  (void)e;
  body->nrub = 3;
  memcpy(body->rub, c->rub, sizeof body->rub);
  return body->changed ? 0 : rub_geoms(body->node, c, err);
}

static int rub_world(loomEdit* e, const loomEditCommand* c, loomError* err) {
  const xmlNode* world = loom_mjcf_child(xmlDocGetRootElement(e->doc), "worldbody");
  return world ? rub_geoms(world, c, err) : loom_error_set(err, LOOM_ERR_USAGE, "the model has no worldbody");
}

static int drag_joint(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  (void)e;
  xmlNode* joint = loom_mjcf_child(body->node, "joint");
  if (!joint)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "'%s' has no joint yet; `joint` gives it one, with damping and friction", c->body);
  if (((c->given & LOOM_GIVEN_DAMPING) && loom_edit_set_numbers(joint, "damping", &c->damping, 1)) ||
      ((c->given & LOOM_GIVEN_FRICTION) && loom_edit_set_numbers(joint, "frictionloss", &c->friction, 1)))
    return no_memory(err);
  return 0;
}

// ---- the rest

static int remove_body(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  (void)c;
  if (!body->fresh)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "'%s' was not cut off in this script: only such parts are removed", body->name);
  if (loom_mjcf_child(body->node, "body"))
    return loom_error_set(err, LOOM_ERR_USAGE, "'%s' has parts of its own: remove these first", body->name);
  if (body->joint.kind == LOOM_EDIT_JOINT)
    return loom_error_set(err, LOOM_ERR_USAGE, "'%s' has a joint already: take that line out, too",
                          body->name);
  loom_edit_remove_body(e, body);

  return 0;
}

static int reset_body(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  char value[400];
  bool on_joint = c->given & LOOM_GIVEN_JOINT;
  if (on_joint && !loom_mjcf_child(body->node, "joint"))
    return loom_error_set(err, LOOM_ERR_USAGE, "'%s' has no joint", body->name);
  int code = on_joint ? 0 : by_itself(body, err);
  if (code) return code;

  int n = on_joint
              ? snprintf(value, sizeof value, "{joint: [%.6g, %.6g]}", c->joint[0], c->joint[1])
              : snprintf(value, sizeof value, "{x: [%.6g, %.6g], y: [%.6g, %.6g], z: %.6g, yaw: [%.6g, %.6g]",
                         c->x[0], c->x[1], c->y[0], c->y[1], c->z, c->yaw_range[0], c->yaw_range[1]);
  if (!on_joint && (c->given & LOOM_GIVEN_RADIUS))
    n += snprintf(value + n, sizeof value - (size_t)n, ", radius: %.6g", c->radius);
  if (!on_joint) snprintf(value + n, sizeof value - (size_t)n, "}");

  return loom_edit_task_reset(&e->task, c->in, body->name, value, err);
}

int loom_edit_do(loomEdit* e, const loomEditCommand* c, loomError* err) {
  static loomEditCall* const calls[LOOM_EDIT_KINDS] = {[LOOM_EDIT_PLACE] = place_body,
                                                       [LOOM_EDIT_TURN] = turn_body,
                                                       [LOOM_EDIT_SCALE] = scale_body,
                                                       [LOOM_EDIT_WEIGH] = weigh_body,
                                                       [LOOM_EDIT_RUB] = rub_body,
                                                       [LOOM_EDIT_DRAG] = drag_joint,

                                                       [LOOM_EDIT_CUT] = loom_edit_cut,
                                                       [LOOM_EDIT_REMOVE] = remove_body,
                                                       [LOOM_EDIT_CAVITY] = loom_edit_cavity,
                                                       [LOOM_EDIT_PANEL] = loom_edit_panel,
                                                       [LOOM_EDIT_JOINT] = loom_edit_joint,
                                                       [LOOM_EDIT_HANDLE] = loom_edit_handle,
                                                       [LOOM_EDIT_RESET] = reset_body};
  loomEditBody* body;
  if (c->kind == LOOM_EDIT_RUB && !strcmp(c->body, "world")) return rub_world(e, c, err);
  if (c->kind == LOOM_EDIT_TASK) return loom_edit_task_fill(e, c->text, c->text_line, err);
  if (c->kind == LOOM_EDIT_CAMERA) return loom_edit_camera(e, c, err);
  if (c->kind == LOOM_EDIT_STAND) return loom_edit_task_stand(e, c, err);
  int code = loom_edit_find(&body, e, c->body, err);

  return code ? code : calls[c->kind](e, body, c, err);
}
