// Joints of a twin's parts, and where they are grasped.
#include <math.h>
#include <mujoco/mujoco.h>
#include <string.h>

#include "engine/model/mjcf.h"
#include "generators/twin/edit_command.h"

static int no_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
}

static void middle_of(double out[3], const double low[3], const double high[3]) {
  for (int k = 0; k < 3; k++) out[k] = (low[k] + high[k]) / 2;
}

static int longest(const double v[3]) {
  int best = 0;
  for (int k = 1; k < 3; k++)
    if (fabs(v[k]) > fabs(v[best])) best = k;
  return best;
}

// Which way a part comes out: across the cut that parted it, or from the middle of what it hangs on.
static int way_out(double out[3], loomEdit* e, const loomEditBody* part, loomError* err) {
  mju_copy3(out, part->seam);
  if (mju_norm3(out) > 0.5) return 0;

  loomEditBody* whole = NULL;
  char* name = loom_mjcf_get(loom_edit_parent(part), "name");
  int code = name ? loom_edit_find(&whole, e, name, err) : no_memory(err);
  if (!code) code = loom_edit_load(e, whole, err);
  xmlFree(name);
  if (code) return code;
  double low[3], high[3], a[3], b[3], off[3];
  loom_edit_bounds(low, high, part, 0);
  middle_of(a, low, high);
  loom_edit_bounds(low, high, whole, 0);
  middle_of(b, low, high);
  mju_sub3(off, a, b);
  int k = longest(off);
  mju_zero3(out);
  out[k] = off[k] < 0 ? -1 : 1;

  return 0;
}

// The site that marks where a part is grasped; false: there is none.
static bool handle_of(double out[3], const loomEditBody* body) {
  char name[LOOM_TWIN_NAME + 16];
  snprintf(name, sizeof name, "%s_handle", body->name);
  for (xmlNode* s = loom_mjcf_child(body->node, "site"); s; s = loom_mjcf_sibling(s, "site")) {
    if (loom_mjcf_has(s, "name", name) && loom_edit_get_numbers(out, 3, s, "pos") == 3) return true;
  }

  return false;
}

static const char* const sides[] = {"-x", "+x", "-y", "+y", "-z", "+z"};

// A door turns about an edge of its bounds that is across its thinnest side: the one named, or that which is
// furthest from its handle. It opens the way that it comes out.
static int guess_hinge(loomEditCommand* joint, loomEdit* e, const loomEditBody* part, loomError* err) {
  double low[3], high[3], size[3], out[3], grasp[3], middle[3];
  int code = way_out(out, e, part, err), thin = 0;
  if (code) return code;
  loom_edit_bounds(low, high, part, 0);
  middle_of(middle, low, high);
  mju_sub3(size, high, low);
  for (int k = 1; k < 3; k++)
    if (size[k] < size[thin]) thin = k;

  bool held = handle_of(grasp, part);
  if (!(joint->given & LOOM_GIVEN_EDGE)) {
    int k = thin == 2 ? (size[0] < size[1] ? 0 : 1) : 1 - thin;  // doors turn about what stands
    if (!held)
      return loom_error_set(
          err, LOOM_ERR_USAGE,
          "where '%s' turns is not known: give its edge (-x, +x, ...), its handle before, or axis "
          "and at",
          part->name);
    joint->edge = 2 * k + (grasp[k] < middle[k]);
  }
  int edge = joint->edge / 2, along = 3 - edge - thin;
  if (edge == thin)
    return loom_error_set(err, LOOM_ERR_USAGE, "'%s' is thinnest along %s: its hinge is on another side",
                          part->name, sides[joint->edge] + 1);

  mju_copy3(joint->at, middle);
  joint->at[edge] = joint->edge % 2 ? high[edge] : low[edge];
  if (fabs(out[thin]) > 0.7) joint->at[thin] = out[thin] < 0 ? high[thin] : low[thin];
  mju_zero3(joint->axis);
  joint->axis[along] = 1;

  double arm[3], moved[3];
  mju_sub3(arm, middle, joint->at);
  mju_cross(moved, joint->axis, arm);
  if (mju_dot3(moved, out) < 0) joint->axis[along] = -1;
  return loom_edit_note(e, err, "%s turns about [%.3g, %.3g, %.3g], along [%g, %g, %g]", part->name,
                        joint->at[0], joint->at[1], joint->at[2], joint->axis[0], joint->axis[1],
                        joint->axis[2]);
}

static int find_axis(loomEditCommand* joint, loomEdit* e, loomEditBody* part, loomError* err) {
  int code = 0;
  if (joint->given & LOOM_GIVEN_AXIS) {
    mju_normalize3(joint->axis);
    if (joint->type == LOOM_EDIT_SLIDE || (joint->given & LOOM_GIVEN_AT)) return 0;
    return loom_error_set(err, LOOM_ERR_USAGE, "an axis that '%s' turns about needs a point on it: at",
                          part->name);
  }

  // Guessed from its shape.
  code = loom_edit_load(e, part, err);
  if (code) return code;
  if (joint->type == LOOM_EDIT_HINGE) return guess_hinge(joint, e, part, err);
  code = way_out(joint->axis, e, part, err);
  return code ? code
              : loom_edit_note(e, err, "%s slides along [%.3g, %.3g, %.3g]", part->name, joint->axis[0],
                               joint->axis[1], joint->axis[2]);
}

static int hang_on(loomEdit* e, loomEditBody* body, const char* name, loomError* err) {
  loomEditBody* parent;
  int code = loom_edit_find(&parent, e, name, err);
  if (code) return code;
  bool below = false;
  for (xmlNode* up = parent->node; up && loom_mjcf_is(up, "body"); up = up->parent)
    below = below || up == body->node;
  if (below || loom_edit_root(parent) != loom_edit_root(body))
    return loom_error_set(err, LOOM_ERR_USAGE, "'%s' is no part of the same object that '%s' can move on",
                          name, body->name);
  xmlUnlinkNode(body->node);

  return xmlAddChild(parent->node, body->node) ? 0 : no_memory(err);
}

static void drop_joints(xmlNode* body) {
  static const char* const kinds[] = {"joint", "freejoint"};
  for (int i = 0; i < 2; i++)
    for (xmlNode* j; (j = loom_mjcf_child(body, kinds[i]));) {
      xmlUnlinkNode(j);
      xmlFreeNode(j);
    }
}

static int write_joint(loomEditBody* body, const loomEditCommand* joint, loomError* err) {
  bool slide = joint->type == LOOM_EDIT_SLIDE;
  double damping = joint->damping < 0 ? (slide ? 1 : 0.1) : joint->damping,
         friction = joint->friction < 0 ? (slide ? 0.5 : 0.05) : joint->friction;
  char name[LOOM_TWIN_NAME + 16];
  snprintf(name, sizeof name, "%s_joint", body->name);
  xmlNode *node = xmlNewNode(NULL, (const xmlChar*)"joint"), *first = xmlFirstElementChild(body->node);
  if (!node) return no_memory(err);
  if (first)
    xmlAddPrevSibling(first, node);
  else
    xmlAddChild(body->node, node);

  bool bad = loom_mjcf_set(node, "name", name) || loom_mjcf_set(node, "type", slide ? "slide" : "hinge") ||
             loom_edit_set_numbers(node, "axis", joint->axis, 3) ||
             loom_edit_set_numbers(node, "range", joint->range, 2) ||
             loom_edit_set_numbers(node, "ref", &joint->now, 1) ||
             loom_edit_set_numbers(node, "damping", &damping, 1) ||
             loom_edit_set_numbers(node, "frictionloss", &friction, 1);

  // Friction that holds: MuJoCo's usual one gives way by centimeters a second under a part's own weight.
  static const double firm[3] = {0.999, 0.9999, 0.001};
  bad = bad || loom_edit_set_numbers(node, "solimpfriction", firm, 3);
  if (!bad && !slide) bad = loom_edit_set_numbers(node, "pos", joint->at, 3);
  return bad ? no_memory(err) : 0;
}

int loom_edit_joint(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  loomEditCommand joint = *c;
  if (!loom_edit_parent(body) && c->type != LOOM_EDIT_FIXED)
    return loom_error_set(err, LOOM_ERR_USAGE,
                          "'%s' stands by itself: a joint is between a part and what it was cut from",
                          body->name);
  int code = c->parent[0] ? hang_on(e, body, c->parent, err) : 0;
  if (!code && c->type != LOOM_EDIT_FIXED) code = find_axis(&joint, e, body, err);
  if (code) return code;

  drop_joints(body->node);
  body->joint = joint;

  // What is fixed no reset can move: to what it hangs on, or to the world.
  if (c->type == LOOM_EDIT_FIXED) return loom_edit_task_reset(&e->task, "", body->name, NULL, err);
  code = write_joint(body, &joint, err);
  return code ? code : loom_edit_task_object(&e->task, body->name, err);
}

int loom_edit_handle(loomEdit* e, loomEditBody* body, const loomEditCommand* c, loomError* err) {
  char name[LOOM_TWIN_NAME + 16];
  double at[3], size = 0.005, out[3], low[3], high[3];
  static const double rgba[4] = {1, 0.5, 0, 0.6};
  snprintf(name, sizeof name, "%s_handle", body->name);
  for (xmlNode *s = loom_mjcf_child(body->node, "site"), *next; s; s = next) {
    next = loom_mjcf_sibling(s, "site");
    if (!loom_mjcf_has(s, "name", name)) continue;
    xmlUnlinkNode(s);
    xmlFreeNode(s);
  }

  // Without a place: the middle of the side that comes out first.
  mju_copy3(at, c->at);
  int code = 0;
  if (!(c->given & LOOM_GIVEN_AT)) {
    code = loom_edit_parent(body) ? loom_edit_load(e, body, err)
                                  : loom_error_set(err, LOOM_ERR_USAGE, "say where: `at`, m in its frame");
    if (!code) code = way_out(out, e, body, err);
    if (code) return code;
    loom_edit_bounds(low, high, body, 0);
    middle_of(at, low, high);
    int k = longest(out);
    at[k] = out[k] < 0 ? low[k] : high[k];
    code = loom_edit_note(e, err, "%s has its handle at [%.3g, %.3g, %.3g]", body->name, at[0], at[1], at[2]);
  }
  xmlNode* node = code ? NULL : loom_edit_add_node(body->node, "site");
  if (code) return code;
  if (!node || loom_mjcf_set(node, "name", name) || loom_edit_set_numbers(node, "pos", at, 3) ||
      loom_edit_set_numbers(node, "size", &size, 1) || loom_edit_set_numbers(node, "rgba", rgba, 4))
    return no_memory(err);
  return 0;
}
