// `reset:` in task.yaml.
#include "engine/task/task_reset.h"

#include <math.h>
#include <string.h>

#include "engine/base/expr.h"
#include "engine/task/task_parse.h"

// Of a range that something is drawn from, [LOW, HIGH].
static int check_range(double low, double high, taskParser* p, loomNode map, const char* key) {
  if (low <= high) return 0;
  return loom_yaml_error(p->y, loom_yaml_get(p->y, map, key), key, p->err,
                         "nothing lies in the range from %g to %g; its lower end comes first", low, high);
}

static int read_range(double range[2], taskParser* p, loomNode map, const char* key, bool required) {
  int code = loom_yaml_read_numbers(range, 2, NULL, p->y, map, key, required, p->err);
  return code ? code : check_range(range[0], range[1], p, map, key);
}

// Ends that are numbers are known here, expressions of variables are not.
static int read_drawn(loomExprText range[2], taskParser* p, loomNode map, const char* key) {
  double low, high;
  int code = loom_yaml_read_texts(range[0], LOOM_EXPR_MAX, 2, NULL, p->y, map, key, true, p->err);
  if (code) return code;

  bool known = !loom_expr_eval(&low, range[0], NULL, NULL, 0, NULL) &&
               !loom_expr_eval(&high, range[1], NULL, NULL, 0, NULL);
  return known ? check_range(low, high, p, map, key) : 0;
}

// `size:` how the object's variables are drawn.
static int read_ranges(loomPlacement* place, taskParser* p, loomNode map) {
  const loomObjectDef* o = &p->task->objects[place->object];
  int n, code = loom_task_count_names(&n, p, map, "size");
  if (code) return code;
  place->range_names = loom_task_take(p, n, sizeof *place->range_names);
  place->ranges = loom_task_take(p, n, sizeof *place->ranges);
  if (!place->range_names || !place->ranges) return LOOM_ERR_MEMORY;
  place->range_count = n;

  for (int i = 0; !code && i < n; i++) {
    const char* name = loom_yaml_key(p->y, map, i);
    bool known = false;
    for (int v = 0; v < o->variable_count; v++) known = known || !strcmp(o->variables[v].name, name);
    if (!known)
      return loom_yaml_error(p->y, loom_yaml_item(p->y, map, i), name, p->err,
                             "object '%s' has no such variable", o->name);
    strcpy(place->range_names[i], name);
    code = read_drawn(place->ranges[i], p, map, name);
  }
  return code;
}

// The frame a place is given in: an object this distribution has placed already.
static int read_placement_frame(loomPlacement* place, const loomResetDef* r, taskParser* p, loomNode node) {
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

static int read_box(double x[2], double y[2], taskParser* p, loomNode map) {
  int code = read_range(x, p, map, "x", true);
  return code ? code : read_range(y, p, map, "y", true);
}

// `x:` and `y:`, or `places:` with several of them.
static int read_boxes(loomPlacement* place, taskParser* p, loomNode node) {
  loomNode list = loom_yaml_get(p->y, node, "places");
  if (!list) return read_box(place->x, place->y, p, node);

  int n = loom_yaml_count(p->y, list);
  if (!loom_yaml_is_list(p->y, list) || n < 1)
    return loom_yaml_error(p->y, list, "places", p->err, "expected a list of at least 1 place");
  if (loom_yaml_get(p->y, node, "x") || loom_yaml_get(p->y, node, "y"))
    return loom_yaml_error(p->y, list, "places", p->err, "each place has its own x and y");

  place->place_x = loom_task_take(p, n, sizeof *place->place_x);
  place->place_y = loom_task_take(p, n, sizeof *place->place_y);
  if (!place->place_x || !place->place_y) return LOOM_ERR_MEMORY;
  place->place_count = n;

  for (int i = 0; i < n; i++) {
    loomNode box = loom_yaml_item(p->y, list, i);
    double *x = place->place_x[i], *y = place->place_y[i];
    int code = loom_task_only(p->y, box, "reset: place", p->err);
    if (!code) code = read_box(x, y, p, box);
    if (code) return code;

    // Around all places, for those who ask where the object may be.
    place->x[0] = i ? fmin(place->x[0], x[0]) : x[0];
    place->x[1] = i ? fmax(place->x[1], x[1]) : x[1];
    place->y[0] = i ? fmin(place->y[0], y[0]) : y[0];
    place->y[1] = i ? fmax(place->y[1], y[1]) : y[1];
  }
  return 0;
}

static int read_orientations(loomPlacement* place, taskParser* p, loomNode list) {
  int n = loom_yaml_count(p->y, list);
  place->orientations = loom_task_take(p, n, sizeof *place->orientations);
  if (!place->orientations) return LOOM_ERR_MEMORY;
  place->orientation_count = n;

  for (int i = 0; i < n; i++) {
    loomNode quat = loom_yaml_item(p->y, list, i);
    double* to = place->orientations[i];
    if (loom_yaml_count(p->y, quat) != 4)
      return loom_yaml_error(p->y, quat, "orientations", p->err, "expected a quaternion [w, x, y, z]");
    int code = 0;
    for (int c = 0; !code && c < 4; c++)
      code = loom_yaml_number(&to[c], p->y, loom_yaml_item(p->y, quat, c), "orientations", p->err);
    if (code) return code;

    double square = to[0] * to[0] + to[1] * to[1] + to[2] * to[2] + to[3] * to[3];
    if (!(square > 1e-12))
      return loom_yaml_error(p->y, quat, "orientations", p->err, "a quaternion of length 0");
  }
  return 0;
}

static int read_placement(loomPlacement* place, const loomResetDef* r, taskParser* p, loomNode node) {
  // A part that slides or turns has a range of its joint and nothing else.
  place->on_joint = loom_yaml_get(p->y, node, "joint") != 0;
  const char* section = place->on_joint ? "reset: object on a joint" : "reset: object";
  int code = loom_task_only(p->y, node, section, p->err);
  if (!code && place->on_joint) return read_range(place->joint, p, node, "joint", true);

  // Where it may be, and how it may be turned.
  if (!code) code = read_placement_frame(place, r, p, node);
  if (!code) code = read_ranges(place, p, loom_yaml_get(p->y, node, "size"));
  if (!code) code = read_boxes(place, p, node);
  if (!code) code = loom_yaml_read_text(place->z, sizeof place->z, p->y, node, "z", true, p->err);
  if (!code) code = read_range(place->yaw, p, node, "yaw", false);
  if (!code) code = read_orientations(place, p, loom_yaml_get(p->y, node, "orientations"));

  // And how far from the others.
  if (!code)
    code = loom_yaml_read_text(place->radius, sizeof place->radius, p->y, node, "radius", false, p->err);
  if (!code) code = loom_yaml_read_number(&place->gap, p->y, node, "gap", false, p->err);
  return code;
}

static int read_distribution(loomResetDef* r, taskParser* p, loomNode objects) {
  int n = loom_yaml_count(p->y, objects), code = 0;
  r->placements = loom_task_take(p, n, sizeof *r->placements);
  if (!r->placements) return LOOM_ERR_MEMORY;

  for (int o = 0; !code && o < n; o++) {
    const char* object = loom_yaml_key(p->y, objects, o);
    loomPlacement* place = &r->placements[r->placement_count++];
    place->object = loom_task_find_object(p->task, object);
    if (place->object < 0)
      return loom_yaml_error(p->y, loom_yaml_item(p->y, objects, o), object, p->err,
                             "no such object in this task");
    code = read_placement(place, r, p, loom_yaml_item(p->y, objects, o));
  }
  return code;
}

int loom_task_parse_reset(taskParser* p, loomNode root) {
  loomTask* t = p->task;
  loomNode map = loom_yaml_get(p->y, root, "reset");
  if (!loom_yaml_is_map(p->y, map)) return loom_yaml_error(p->y, root, "reset", p->err, "missing");
  int n = loom_yaml_count(p->y, map);
  int code = loom_yaml_read_int(&t->settle_steps, p->y, map, "settle", 0, 10000, false, p->err);
  if (!code) code = loom_yaml_read_number(&t->rest, p->y, map, "rest", false, p->err);
  if (code) return code;
  if (t->rest < 0 || (t->rest > 0 && !t->settle_steps))
    return loom_yaml_error(p->y, loom_yaml_get(p->y, map, "rest"), "rest", p->err,
                           "expected a distance in m that objects may move in the control steps of `settle`, "
                           "which is needed too");
  t->resets = loom_task_take(p, n, sizeof *t->resets);
  if (!t->resets) return LOOM_ERR_MEMORY;

  // Every other key is the name of a distribution.
  for (int i = 0; !code && i < n; i++) {
    const char* name = loom_yaml_key(p->y, map, i);
    loomNode objects = loom_yaml_item(p->y, map, i);
    if (!strcmp(name, "settle") || !strcmp(name, "rest")) continue;
    if (!loom_yaml_is_map(p->y, objects))
      return loom_yaml_error(p->y, objects, name, p->err, "expected a reset distribution");

    loomResetDef* r = &t->resets[t->reset_count++];
    code = loom_yaml_copy(r->name, sizeof r->name, name, p->y, objects, "reset", p->err);
    if (!code) code = read_distribution(r, p, objects);
  }

  if (!code && !t->reset_count)
    code = loom_yaml_error(p->y, map, "reset", p->err, "no distribution; give at least D0");
  return code;
}
