// `reset:` in task.yaml.
#include <math.h>
#include <string.h>

#include "engine/task/task_parse.h"

static int parse_ranges(loomPlacement* place, taskParser* p, loomNode map) {
  const loomObjectDef* o = &p->task->objects[place->object];
  int bad = loom_task_count_names(&place->range_count, p, map, "size", LOOM_MAX_VARIABLES);
  if (bad) return bad;
  for (int i = 0; i < place->range_count; i++) {
    const char* name = loom_yaml_key(p->y, map, i);
    bool known = false;
    for (int v = 0; v < o->variable_count; v++) known = known || !strcmp(o->variables[v].name, name);
    if (!known)
      return loom_yaml_error(p->y, loom_yaml_item(p->y, map, i), name, p->err,
                             "object '%s' has no such variable", o->name);
    strcpy(place->range_names[i], name);
    int code =
        loom_yaml_read_texts(place->ranges[i][0], LOOM_EXPR_MAX, 2, NULL, p->y, map, name, true, p->err);
    if (code) return code;
  }
  return 0;
}

// The frame a place is given in: an object this distribution has placed already.
static int parse_placement_frame(loomPlacement* place, const loomResetDef* r, taskParser* p, loomNode node) {
  loomName name = "";
  place->frame = -1;
  int code = loom_yaml_read_text(name, sizeof name, p->y, node, "frame", false, p->err);
  if (code || !name[0]) return code;
  for (int i = 0; i < r->placement_count; i++) {
    if (&r->placements[i] == place) break;
    if (!strcmp(p->task->objects[r->placements[i].object].name, name)) place->frame = r->placements[i].object;
  }
  if (place->frame >= 0) return 0;
  return loom_yaml_error(p->y, loom_yaml_get(p->y, node, "frame"), "frame", p->err,
                         "'%s' is no object placed before this one", name);
}

// `x:` and `y:`, or `places:` with several of them.
static int parse_boxes(loomPlacement* place, taskParser* p, loomNode node) {
  static const char* const box_keys[] = {"x", "y", NULL};
  loomNode list = loom_yaml_get(p->y, node, "places");
  if (!list) {
    int code = loom_yaml_read_numbers(place->x, 2, NULL, p->y, node, "x", true, p->err);
    return code ? code : loom_yaml_read_numbers(place->y, 2, NULL, p->y, node, "y", true, p->err);
  }
  place->place_count = loom_yaml_count(p->y, list);
  if (!loom_yaml_is_list(p->y, list) || place->place_count < 1 || place->place_count > LOOM_MAX_PLACES)
    return loom_yaml_error(p->y, list, "places", p->err, "expected 1 to %d places", LOOM_MAX_PLACES);
  if (loom_yaml_get(p->y, node, "x") || loom_yaml_get(p->y, node, "y"))
    return loom_yaml_error(p->y, list, "places", p->err, "each place has its own x and y");
  for (int i = 0; i < place->place_count; i++) {
    loomNode box = loom_yaml_item(p->y, list, i);
    double *x = place->place_x[i], *y = place->place_y[i];
    int code = loom_yaml_only(p->y, box, box_keys, p->err);
    if (!code) code = loom_yaml_read_numbers(x, 2, NULL, p->y, box, "x", true, p->err);
    if (!code) code = loom_yaml_read_numbers(y, 2, NULL, p->y, box, "y", true, p->err);
    if (code) return code;
    place->x[0] = i ? fmin(place->x[0], x[0]) : x[0];
    place->x[1] = i ? fmax(place->x[1], x[1]) : x[1];
    place->y[0] = i ? fmin(place->y[0], y[0]) : y[0];
    place->y[1] = i ? fmax(place->y[1], y[1]) : y[1];
  }
  return 0;
}

static int parse_placement(loomPlacement* place, const loomResetDef* r, taskParser* p, loomNode node) {
  static const char* const keys[] = {"size",         "x",      "y",   "places", "z",     "yaw",
                                     "orientations", "radius", "gap", "joint",  "frame", NULL};
  static const char* const joint_keys[] = {"joint", NULL};
  place->on_joint = loom_yaml_get(p->y, node, "joint") != 0;
  int code = loom_yaml_only(p->y, node, place->on_joint ? joint_keys : keys, p->err);
  if (!code && place->on_joint)
    return loom_yaml_read_numbers(place->joint, 2, NULL, p->y, node, "joint", true, p->err);
  if (!code) code = parse_placement_frame(place, r, p, node);
  if (!code) code = parse_ranges(place, p, loom_yaml_get(p->y, node, "size"));
  if (!code) code = parse_boxes(place, p, node);
  if (!code) code = loom_yaml_read_text(place->z, sizeof place->z, p->y, node, "z", true, p->err);
  if (!code) code = loom_yaml_read_numbers(place->yaw, 2, NULL, p->y, node, "yaw", false, p->err);
  if (!code)
    code = loom_yaml_read_text(place->radius, sizeof place->radius, p->y, node, "radius", false, p->err);
  if (!code) code = loom_yaml_read_number(&place->gap, p->y, node, "gap", false, p->err);
  loomNode list = loom_yaml_get(p->y, node, "orientations");
  place->orientation_count = loom_yaml_count(p->y, list);
  if (place->orientation_count > 8) return loom_yaml_error(p->y, list, "orientations", p->err, "at most 8");
  for (int i = 0; !code && i < place->orientation_count; i++) {
    loomNode quat = loom_yaml_item(p->y, list, i);
    if (loom_yaml_count(p->y, quat) != 4)
      return loom_yaml_error(p->y, quat, "orientations", p->err, "expected a quaternion [w, x, y, z]");
    double norm = 0;
    for (int c = 0; !code && c < 4; c++) {
      code = loom_yaml_number(&place->orientations[i][c], p->y, loom_yaml_item(p->y, quat, c), "orientations",
                              p->err);
      norm += place->orientations[i][c] * place->orientations[i][c];
    }
    if (!code && !(norm > 1e-12))
      return loom_yaml_error(p->y, quat, "orientations", p->err, "a quaternion of length 0");
  }
  return code;
}

int loom_task_parse_reset(taskParser* p, loomNode root) {
  loomTask* t = p->task;
  loomNode map = loom_yaml_get(p->y, root, "reset");
  if (!loom_yaml_is_map(p->y, map)) return loom_yaml_error(p->y, root, "reset", p->err, "missing");
  int code = loom_yaml_read_int(&t->settle_steps, p->y, map, "settle", 0, 10000, false, p->err);
  for (int i = 0; !code && i < loom_yaml_count(p->y, map); i++) {
    const char* name = loom_yaml_key(p->y, map, i);
    loomNode objects = loom_yaml_item(p->y, map, i);
    if (!strcmp(name, "settle")) continue;
    if (t->reset_count >= LOOM_MAX_RESETS || strlen(name) >= LOOM_NAME_MAX ||
        !loom_yaml_is_map(p->y, objects)) {
      return loom_yaml_error(p->y, objects, name, p->err, "expected a reset distribution (at most %d)",
                             LOOM_MAX_RESETS);
    }
    loomResetDef* r = &t->resets[t->reset_count++];
    strcpy(r->name, name);
    for (int o = 0; !code && o < loom_yaml_count(p->y, objects); o++) {
      const char* object = loom_yaml_key(p->y, objects, o);
      loomPlacement* place = &r->placements[r->placement_count++];
      place->object = loom_task_find_object(t, object);
      if (place->object < 0 || r->placement_count > LOOM_MAX_OBJECTS - 1) {
        return loom_yaml_error(p->y, loom_yaml_item(p->y, objects, o), object, p->err,
                               "no such object in this task");
      }
      code = parse_placement(place, r, p, loom_yaml_item(p->y, objects, o));
    }
  }
  if (!code && !t->reset_count)
    code = loom_yaml_error(p->y, map, "reset", p->err, "no distribution; give at least D0");
  return code;
}
