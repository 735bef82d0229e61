// `objects:` in task.yaml.
#include "engine/task/task_object.h"

#include <math.h>
#include <string.h>

#include "engine/base/expr.h"
#include "engine/task/task_parse.h"

// How the object's size is measured, drawn or derived.
static int read_variables(loomObjectDef* o, taskParser* p, loomNode map) {
  int code = loom_task_count_names(&o->variable_count, p, map, "variables");
  if (!code)
    code = loom_task_limit(p, map, "variables", o->variable_count, LOOM_MAX_VARIABLES,
                           "size variables of one object");
  if (code) return code;
  o->variables = loom_task_take(p, o->variable_count, sizeof *o->variables);
  if (!o->variables) return LOOM_ERR_MEMORY;

  for (int i = 0; !code && i < o->variable_count; i++) {
    loomVariable* v = &o->variables[i];
    loomNode node = loom_yaml_item(p->y, map, i);
    strcpy(v->name, loom_yaml_key(p->y, map, i));
    v->scale = 1;
    code = loom_task_only(p->y, node, "objects: variable", p->err);
    if (!code) code = loom_yaml_read_text(v->geom, sizeof v->geom, p->y, node, "geom", false, p->err);
    if (!code) code = loom_yaml_read_int(&v->index, p->y, node, "size", 0, 2, v->geom[0] != 0, p->err);
    if (!code) code = loom_yaml_read_number(&v->scale, p->y, node, "scale", false, p->err);
    if (!code) code = loom_yaml_read_text(v->let, sizeof v->let, p->y, node, "let", false, p->err);
  }
  return code;
}

static int read_shape(loomGeomShape* s, taskParser* p, loomNode node) {
  int code = loom_task_only(p->y, node, "objects: shape", p->err);
  if (!code)
    code =
        loom_yaml_read_texts(s->size[0], LOOM_EXPR_MAX, 3, &s->size_count, p->y, node, "size", false, p->err);

  s->has_pos = loom_yaml_get(p->y, node, "pos") != 0;
  s->has_friction = loom_yaml_get(p->y, node, "friction") != 0;
  if (!code && s->has_pos)
    code = loom_yaml_read_texts(s->pos[0], LOOM_EXPR_MAX, 3, NULL, p->y, node, "pos", true, p->err);
  if (!code) code = loom_yaml_read_text(s->density, sizeof s->density, p->y, node, "density", false, p->err);
  if (!code && s->has_friction)
    code = loom_yaml_read_texts(s->friction[0], LOOM_EXPR_MAX, 3, NULL, p->y, node, "friction", true, p->err);
  return code;
}

// How the variables shape the geoms, of which a scanned object has hundreds.
static int read_shapes(loomObjectDef* o, taskParser* p, loomNode map) {
  int code = loom_task_count_names(&o->shape_count, p, map, "shape");
  if (code) return code;
  o->shapes = loom_task_take(p, o->shape_count, sizeof *o->shapes);
  if (!o->shapes) return LOOM_ERR_MEMORY;

  for (int i = 0; !code && i < o->shape_count; i++) {
    strcpy(o->shapes[i].geom, loom_yaml_key(p->y, map, i));
    code = read_shape(&o->shapes[i], p, loom_yaml_item(p->y, map, i));
  }
  return code;
}

static int read_symmetries(loomObjectDef* o, taskParser* p, loomNode list) {
  int n = loom_yaml_count(p->y, list);
  o->symmetries = loom_task_take(p, n, sizeof *o->symmetries);
  if (!o->symmetries) return LOOM_ERR_MEMORY;
  o->symmetry_count = n;

  for (int i = 0; i < n; i++) {
    loomSymmetry* s = &o->symmetries[i];
    loomNode node = loom_yaml_item(p->y, list, i);
    int code = loom_task_only(p->y, node, "objects: symmetry", p->err);
    if (!code) code = loom_yaml_read_numbers(s->axis, 3, NULL, p->y, node, "axis", true, p->err);
    if (!code) code = loom_yaml_read_int(&s->turns, p->y, node, "turns", 0, 64, false, p->err);
    if (code) return code;

    double length = sqrt(s->axis[0] * s->axis[0] + s->axis[1] * s->axis[1] + s->axis[2] * s->axis[2]);
    if (!(length > 0)) return loom_yaml_error(p->y, node, "axis", p->err, "must not be zero");
    for (int c = 0; c < 3; c++) s->axis[c] /= length;
  }
  return 0;
}

// A source demo's shape is measured, so that a point may depend on nothing that is not.
static int check_keypoint(const loomKeypoint* k, const loomObjectDef* o, taskParser* p, loomNode map) {
  const char* names[LOOM_MAX_VARIABLES];
  double ones[LOOM_MAX_VARIABLES], value;
  int n = 0;
  for (int v = 0; v < o->variable_count; v++) {
    if (!o->variables[v].geom[0] && !o->variables[v].let[0]) continue;
    names[n] = o->variables[v].name;
    ones[n++] = 1;
  }

  for (int c = 0; c < 3; c++) {
    loomError why = {0};
    if (loom_expr_eval(&value, k->at[c], names, ones, n, &why))
      return loom_yaml_error(p->y, map, k->name, p->err, "%s; it may use variables with `geom` or `let`",
                             why.message);
  }
  return 0;
}

static int read_keypoints(loomObjectDef* o, taskParser* p, loomNode map) {
  int code = loom_task_count_names(&o->keypoint_count, p, map, "keypoints");
  if (code) return code;
  o->keypoints = loom_task_take(p, o->keypoint_count, sizeof *o->keypoints);
  if (!o->keypoints) return LOOM_ERR_MEMORY;

  for (int i = 0; !code && i < o->keypoint_count; i++) {
    loomKeypoint* k = &o->keypoints[i];
    strcpy(k->name, loom_yaml_key(p->y, map, i));
    code = loom_yaml_read_texts(k->at[0], LOOM_EXPR_MAX, 3, NULL, p->y, map, k->name, true, p->err);
    if (!code) code = check_keypoint(k, o, p, map);
  }
  return code;
}

int loom_task_parse_objects(taskParser* p, loomNode root) {
  loomNode map = loom_yaml_get(p->y, root, "objects");
  loomTask* t = p->task;
  int n, code = loom_task_count_names(&n, p, map, "objects");
  if (!code) code = loom_task_limit(p, map, "objects", n, LOOM_MAX_OBJECTS, "objects of a task");
  if (code) return code;
  t->objects = loom_task_take(p, n, sizeof *t->objects);
  if (!t->objects) return LOOM_ERR_MEMORY;
  t->object_count = n;

  for (int i = 0; !code && i < n; i++) {
    loomObjectDef* o = &t->objects[i];
    loomNode node = loom_yaml_item(p->y, map, i);
    strcpy(o->name, loom_yaml_key(p->y, map, i));
    code = loom_task_only(p->y, node, "objects", p->err);
    if (!code) code = loom_yaml_read_text(o->body, sizeof o->body, p->y, node, "body", true, p->err);
    if (!code) code = read_variables(o, p, loom_yaml_get(p->y, node, "variables"));
    if (!code) code = read_shapes(o, p, loom_yaml_get(p->y, node, "shape"));
    if (!code) code = read_symmetries(o, p, loom_yaml_get(p->y, node, "symmetries"));
    if (!code) code = read_keypoints(o, p, loom_yaml_get(p->y, node, "keypoints"));
  }
  return code;
}

int loom_task_parse_object_name(int* object, taskParser* p, loomNode map, const char* key) {
  loomNode node = loom_yaml_get(p->y, map, key);
  const char* name = loom_yaml_text(p->y, node);
  *object = -1;
  if (!node || (name && !strcmp(name, "world"))) return 0;

  *object = name ? loom_task_find_object(p->task, name) : -1;
  if (*object >= 0) return 0;
  return loom_yaml_error(p->y, node, key, p->err, "no object '%.60s' in this task", name ? name : "");
}
