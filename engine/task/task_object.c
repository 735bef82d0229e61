// `objects:` in task.yaml.
#include <math.h>
#include <string.h>

#include "engine/task/task_parse.h"

// Entries of a map of names, at most `most`; 0 when it is absent.
int loom_task_count_names(int* n, taskParser* p, loomNode map, const char* key, int most) {
  *n = loom_yaml_count(p->y, map);
  if (map && !loom_yaml_is_map(p->y, map))
    return loom_yaml_error(p->y, map, key, p->err, "expected a map: a name and what it stands for");
  if (*n > most) return loom_yaml_error(p->y, map, key, p->err, "at most %d", most);
  for (int i = 0; i < *n; i++) {
    if (strlen(loom_yaml_key(p->y, map, i)) >= LOOM_NAME_MAX)
      return loom_yaml_error(p->y, loom_yaml_item(p->y, map, i), key, p->err, "name too long");
  }
  return 0;
}

static int parse_variables(loomObjectDef* o, taskParser* p, loomNode map) {
  static const char* const keys[] = {"geom", "size", "scale", "let", NULL};
  int bad = loom_task_count_names(&o->variable_count, p, map, "variables", LOOM_MAX_VARIABLES);
  if (bad) return bad;
  for (int i = 0; i < o->variable_count; i++) {
    loomVariable* v = &o->variables[i];
    loomNode node = loom_yaml_item(p->y, map, i);
    strcpy(v->name, loom_yaml_key(p->y, map, i));
    v->scale = 1;
    int code = loom_yaml_only(p->y, node, keys, p->err);
    if (!code) code = loom_yaml_read_text(v->geom, sizeof v->geom, p->y, node, "geom", false, p->err);
    if (!code) code = loom_yaml_read_int(&v->index, p->y, node, "size", 0, 2, v->geom[0] != 0, p->err);
    if (!code) code = loom_yaml_read_number(&v->scale, p->y, node, "scale", false, p->err);
    if (!code) code = loom_yaml_read_text(v->let, sizeof v->let, p->y, node, "let", false, p->err);
    if (code) return code;
  }
  return 0;
}

static int parse_shapes(loomObjectDef* o, taskParser* p, loomNode map) {
  static const char* const keys[] = {"size", "pos", "density", "friction", NULL};
  int bad = loom_task_count_names(&o->shape_count, p, map, "shape", LOOM_MAX_GEOMS);
  if (bad) return bad;
  for (int i = 0; i < o->shape_count; i++) {
    loomGeomShape* s = &o->shapes[i];
    loomNode node = loom_yaml_item(p->y, map, i);
    strcpy(s->geom, loom_yaml_key(p->y, map, i));
    int code = loom_yaml_only(p->y, node, keys, p->err);
    if (!code)
      code = loom_yaml_read_texts(s->size[0], LOOM_EXPR_MAX, 3, &s->size_count, p->y, node, "size", false,
                                  p->err);
    s->has_pos = loom_yaml_get(p->y, node, "pos") != 0;
    s->has_friction = loom_yaml_get(p->y, node, "friction") != 0;
    if (!code && s->has_pos)
      code = loom_yaml_read_texts(s->pos[0], LOOM_EXPR_MAX, 3, NULL, p->y, node, "pos", true, p->err);
    if (!code)
      code = loom_yaml_read_text(s->density, sizeof s->density, p->y, node, "density", false, p->err);
    if (!code && s->has_friction)
      code =
          loom_yaml_read_texts(s->friction[0], LOOM_EXPR_MAX, 3, NULL, p->y, node, "friction", true, p->err);
    if (code) return code;
  }
  return 0;
}

static int parse_symmetries(loomObjectDef* o, taskParser* p, loomNode list) {
  static const char* const keys[] = {"axis", "turns", NULL};
  o->symmetry_count = loom_yaml_count(p->y, list);
  if (o->symmetry_count > LOOM_MAX_SYMMETRIES)
    return loom_yaml_error(p->y, list, "symmetries", p->err, "at most %d", LOOM_MAX_SYMMETRIES);
  for (int i = 0; i < o->symmetry_count; i++) {
    loomSymmetry* s = &o->symmetries[i];
    loomNode node = loom_yaml_item(p->y, list, i);
    int code = loom_yaml_only(p->y, node, keys, p->err);
    if (!code) code = loom_yaml_read_numbers(s->axis, 3, NULL, p->y, node, "axis", true, p->err);
    if (!code) code = loom_yaml_read_int(&s->turns, p->y, node, "turns", 0, 64, false, p->err);
    if (code) return code;
    double n = sqrt(s->axis[0] * s->axis[0] + s->axis[1] * s->axis[1] + s->axis[2] * s->axis[2]);
    if (!(n > 0)) return loom_yaml_error(p->y, node, "axis", p->err, "must not be zero");
    for (int c = 0; c < 3; c++) s->axis[c] /= n;
  }
  return 0;
}

int loom_task_parse_objects(taskParser* p, loomNode root) {
  static const char* const keys[] = {"body", "variables", "shape", "symmetries", NULL};
  loomNode map = loom_yaml_get(p->y, root, "objects");
  loomTask* t = p->task;
  int bad = loom_task_count_names(&t->object_count, p, map, "objects", LOOM_MAX_OBJECTS);
  if (bad) return bad;
  for (int i = 0; i < t->object_count; i++) {
    loomObjectDef* o = &t->objects[i];
    loomNode node = loom_yaml_item(p->y, map, i);
    strcpy(o->name, loom_yaml_key(p->y, map, i));
    int code = loom_yaml_only(p->y, node, keys, p->err);
    if (!code) code = loom_yaml_read_text(o->body, sizeof o->body, p->y, node, "body", true, p->err);
    if (!code) code = parse_variables(o, p, loom_yaml_get(p->y, node, "variables"));
    if (!code) code = parse_shapes(o, p, loom_yaml_get(p->y, node, "shape"));
    if (!code) code = parse_symmetries(o, p, loom_yaml_get(p->y, node, "symmetries"));
    if (code) return code;
  }
  return 0;
}

int loom_task_parse_object_name(int* object, taskParser* p, loomNode map, const char* key) {
  loomNode node = loom_yaml_get(p->y, map, key);
  const char* name = loom_yaml_text(p->y, node);
  *object = -1;
  if (!node || (name && !strcmp(name, "world"))) return 0;
  *object = name ? loom_task_find_object(p->task, name) : -1;
  return *object >= 0
             ? 0
             : loom_yaml_error(p->y, node, key, p->err, "no object '%.60s' in this task", name ? name : "");
}
