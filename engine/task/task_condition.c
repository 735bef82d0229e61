// Conditions in task.yaml.
#include "engine/task/task_condition.h"

#include <stdio.h>
#include <string.h>

#include "engine/task/task_parse.h"

int loom_task_parse_point(loomPoint* out, taskParser* p, loomNode map, const char* key) {
  static const char* const keys[] = {"object", "body", "geom", "site"};
  static const loomPointKind kinds[] = {LOOM_POINT_OBJECT, LOOM_POINT_BODY, LOOM_POINT_GEOM, LOOM_POINT_SITE};
  loomNode node = loom_yaml_get(p->y, map, key);
  const char* text = loom_yaml_text(p->y, node);
  if (!node) return loom_yaml_error(p->y, map, key, p->err, "missing");
  if (text && !strcmp(text, "world")) return 0;

  // A plain name is an object's.
  if (text) {
    if (loom_task_find_object(p->task, text) < 0)
      return loom_yaml_error(p->y, node, key, p->err, "no object '%.60s' in this task", text);
    out->kind = LOOM_POINT_OBJECT;
    return loom_yaml_copy(out->name, sizeof out->name, text, p->y, node, key, p->err);
  }

  int code = loom_task_only(p->y, node, "point", p->err);

  // Or it is a frame of the model.
  for (int i = 0; !code && i < 4; i++) {
    if (!loom_yaml_get(p->y, node, keys[i])) continue;
    out->kind = kinds[i];
    code = loom_yaml_read_text(out->name, sizeof out->name, p->y, node, keys[i], true, p->err);
    if (!code && i == 0 && loom_task_find_object(p->task, out->name) < 0) {
      code = loom_yaml_error(p->y, node, key, p->err, "no object '%s' in this task", out->name);
    }
  }

  // An arm's end effector, and a point off the frame's origin.
  if (!code && loom_yaml_get(p->y, node, "eef")) {
    out->kind = LOOM_POINT_EEF;
    code = loom_yaml_read_int(&out->arm, p->y, node, "eef", 0, p->task->arm_count - 1, true, p->err);
  }
  if (!code && loom_yaml_get(p->y, node, "at")) {
    code = loom_yaml_read_texts(out->at[0], LOOM_EXPR_MAX, 3, NULL, p->y, node, "at", true, p->err);
  }
  return code;
}

// `object: X`, `geoms: [...]`, or (for touching) a key whose value is either.
static int read_geoms(loomGeomList* out, taskParser* p, loomNode map, const char* object_key,
                      const char* geoms_key) {
  loomNode node = loom_yaml_get(p->y, map, object_key);
  const char* name = loom_yaml_text(p->y, node);
  if (name) {
    if (loom_task_find_object(p->task, name) < 0) {
      return loom_yaml_error(p->y, node, object_key, p->err, "no object '%.60s' in this task", name);
    }
    return loom_yaml_copy(out->object, sizeof out->object, name, p->y, node, object_key, p->err);
  }
  return loom_task_parse_texts((void**)&out->geoms, sizeof *out->geoms, &out->count, &p->task->heap, p->y,
                               map, geoms_key, p->err);
}

static int read_bounds(loomConditionDef* c, taskParser* p, loomNode map) {
  int code = loom_yaml_read_text(c->above, sizeof c->above, p->y, map, "above", false, p->err);
  if (!code) code = loom_yaml_read_text(c->below, sizeof c->below, p->y, map, "below", false, p->err);
  if (!code && !c->above[0] && !c->below[0])
    code = loom_yaml_error(p->y, map, "above", p->err, "`above`, `below` or both are needed");
  return code;
}

static int read_grasp(loomConditionDef* c, taskParser* p, loomNode map) {
  int code = loom_task_only(p->y, map, "condition: grasped, released", p->err);
  if (!code) code = loom_yaml_read_int(&c->arm, p->y, map, "arm", 0, p->task->arm_count - 1, true, p->err);
  if (!code) code = read_geoms(&c->geoms, p, map, "object", "geoms");

  // Labels are made up for reports; the file's own `label:` replaces them.
  snprintf(c->label, sizeof c->label, "%s by arm %d", c->kind == LOOM_COND_GRASPED ? "grasped" : "released",
           c->arm);
  return code;
}

static int read_touching(loomConditionDef* c, taskParser* p, loomNode map) {
  int code = loom_task_only(p->y, map, "condition: touching", p->err);
  if (!code) code = read_geoms(&c->geoms, p, map, "a", "a");
  if (!code && loom_yaml_get(p->y, map, "b")) code = read_geoms(&c->others, p, map, "b", "b");

  snprintf(c->label, sizeof c->label, "touching");
  return code;
}

static int read_distance(loomConditionDef* c, taskParser* p, loomNode map) {
  int code = loom_task_only(p->y, map, "condition: distance", p->err);
  if (!code) code = loom_task_parse_point(&c->a, p, map, "from");
  if (!code) code = loom_task_parse_point(&c->b, p, map, "to");
  if (!code) code = read_bounds(c, p, map);

  snprintf(c->label, sizeof c->label, "distance %s to %s", c->a.name, c->b.name);
  return code;
}

static int read_height(loomConditionDef* c, taskParser* p, loomNode map) {
  int code = loom_task_only(p->y, map, "condition: height", p->err);
  if (!code) code = loom_task_parse_point(&c->a, p, map, "of");
  if (!code && loom_yaml_get(p->y, map, "over")) code = loom_task_parse_point(&c->b, p, map, "over");
  if (!code) code = loom_yaml_read_text(c->minus, sizeof c->minus, p->y, map, "minus", false, p->err);
  if (!code) code = read_bounds(c, p, map);

  snprintf(c->label, sizeof c->label, "height of %s", c->a.name);
  return code;
}

static int read_inside(loomConditionDef* c, taskParser* p, loomNode map) {
  int code = loom_task_only(p->y, map, "condition: inside", p->err);
  if (!code) code = loom_task_parse_point(&c->a, p, map, "point");
  if (!code && loom_yaml_get(p->y, map, "frame")) code = loom_task_parse_point(&c->b, p, map, "frame");
  if (!code) code = loom_yaml_read_texts(c->low[0], LOOM_EXPR_MAX, 3, NULL, p->y, map, "low", true, p->err);
  if (!code) code = loom_yaml_read_texts(c->high[0], LOOM_EXPR_MAX, 3, NULL, p->y, map, "high", true, p->err);

  snprintf(c->label, sizeof c->label, "%s inside", c->a.name);
  return code;
}

static int read_upright(loomConditionDef* c, taskParser* p, loomNode map) {
  c->axis[2] = 1;
  int code = loom_task_only(p->y, map, "condition: upright", p->err);
  if (!code) code = loom_task_parse_point(&c->a, p, map, "of");
  if (!code) code = loom_yaml_read_numbers(c->axis, 3, NULL, p->y, map, "axis", false, p->err);
  if (!code) code = loom_yaml_read_text(c->below, sizeof c->below, p->y, map, "within", true, p->err);

  snprintf(c->label, sizeof c->label, "%s upright", c->a.name);
  return code;
}

static int read_joint(loomConditionDef* c, taskParser* p, loomNode map) {
  int code = loom_task_only(p->y, map, "condition: joint", p->err);
  if (!code) code = loom_yaml_read_text(c->joint, sizeof c->joint, p->y, map, "name", true, p->err);
  if (!code) code = read_bounds(c, p, map);
  snprintf(c->label, sizeof c->label, "joint %s", c->joint);
  return code;
}

static int read_gripper(loomConditionDef* c, taskParser* p, loomNode map) {
  loomName command = "";
  int code = loom_task_only(p->y, map, "condition: gripper", p->err);
  if (!code) code = loom_yaml_read_int(&c->arm, p->y, map, "arm", 0, p->task->arm_count - 1, true, p->err);
  if (!code) code = loom_yaml_read_text(command, sizeof command, p->y, map, "command", true, p->err);
  if (!code && strcmp(command, "open") && strcmp(command, "close")) {
    code = loom_yaml_error(p->y, map, "command", p->err, "open or close, not '%s'", command);
  }

  c->gripper_sign = strcmp(command, "open") ? 1 : -1;
  snprintf(c->label, sizeof c->label, "gripper %d told to %.20s", c->arm, command);
  return code;
}

// Room for one condition more; what pointed into the list before may point elsewhere.
static int add_node(int* index, taskParser* p, loomNode node) {
  loomTask* t = p->task;
  loomConditionDef* grown =
      loom_heap_grow(&t->heap, t->conditions, t->condition_count, &p->condition_room, sizeof *grown);
  if (!grown) return loom_task_no_memory(p->y, node, p->err);
  t->conditions = grown;
  *index = t->condition_count++;
  return 0;
}

static int add_child(int parent, int* last, taskParser* p, loomNode node) {
  int child = -1;
  int code = loom_task_parse_condition(&child, p, node);
  if (code) return code;

  // A named condition may already hang elsewhere: give this place a copy of its top node.
  if (p->task->conditions[child].next >= 0 || child < parent) {
    int copy = -1;
    code = add_node(&copy, p, node);
    if (code) return code;
    p->task->conditions[copy] = p->task->conditions[child];
    p->task->conditions[copy].next = -1;
    child = copy;
  }

  // Behind its siblings.
  loomConditionDef* c = p->task->conditions;
  if (*last < 0) {
    c[parent].first_child = child;
  } else {
    c[*last].next = child;
  }
  *last = child;
  return 0;
}

static int read_children(int index, taskParser* p, loomNode node) {
  loomConditionDef* c = &p->task->conditions[index];
  int last = -1, code = 0;
  if (c->kind == LOOM_COND_ALL || c->kind == LOOM_COND_ANY) {
    snprintf(c->label, sizeof c->label, "%s of", c->kind == LOOM_COND_ALL ? "all" : "any");
    if (!loom_yaml_is_list(p->y, node) || !loom_yaml_count(p->y, node))
      return loom_yaml_error(p->y, node, "", p->err, "expected a list of conditions");
    for (int i = 0; !code && i < loom_yaml_count(p->y, node); i++)
      code = add_child(index, &last, p, loom_yaml_item(p->y, node, i));
    return code;
  }

  if (c->kind == LOOM_COND_NOT) {
    snprintf(c->label, sizeof c->label, "not");
    return add_child(index, &last, p, node);
  }

  snprintf(c->label, sizeof c->label, "held");
  code = loom_task_only(p->y, node, "condition: held", p->err);
  if (!code) code = loom_yaml_read_int(&c->steps, p->y, node, "steps", 1, 100000, true, p->err);
  if (!code && !loom_yaml_get(p->y, node, "that"))
    code = loom_yaml_error(p->y, node, "that", p->err, "missing");
  return code ? code : add_child(index, &last, p, loom_yaml_get(p->y, node, "that"));
}

// Entry i of `conditions:`, which is read once, when it is first named; others share the node.
static int read_entry(int* index, taskParser* p, loomNode node, int i) {
  const char* name = loom_yaml_key(p->y, p->named, i);
  if (p->named_index[i] == -2)
    return loom_yaml_error(p->y, node, name, p->err, "this condition is defined by itself");

  if (p->named_index[i] < 0) {
    int read = -1;
    p->named_index[i] = -2;
    int code = loom_task_parse_condition(&read, p, loom_yaml_item(p->y, p->named, i));
    if (code) return code;
    p->named_index[i] = *index = read;

    // Reports call it by its name.
    loomConditionDef* c = &p->task->conditions[read];
    code = loom_yaml_copy(c->label, sizeof c->label, name, p->y, node, "conditions", p->err);
    if (code) return code;
  }
  *index = p->named_index[i];
  return 0;
}

int loom_task_parse_named(int* index, taskParser* p, int i) {
  return read_entry(index, p, loom_yaml_item(p->y, p->named, i), i);
}

static int read_named(int* index, taskParser* p, loomNode node, const char* name) {
  for (int i = 0; i < loom_yaml_count(p->y, p->named); i++)
    if (!strcmp(loom_yaml_key(p->y, p->named, i), name)) return read_entry(index, p, node, i);
  return loom_yaml_error(p->y, node, "", p->err, "no condition is named '%.60s'", name);
}

static int read_kind(int* index, taskParser* p, loomNode node) {
  static const struct {
    const char* key;
    loomConditionKind kind;
    int (*read)(loomConditionDef*, taskParser*, loomNode);
  } kinds[] = {{"all", LOOM_COND_ALL, NULL},
               {"any", LOOM_COND_ANY, NULL},
               {"not", LOOM_COND_NOT, NULL},
               {"held", LOOM_COND_HELD, NULL},
               {"grasped", LOOM_COND_GRASPED, read_grasp},
               {"released", LOOM_COND_RELEASED, read_grasp},
               {"touching", LOOM_COND_TOUCHING, read_touching},
               {"distance", LOOM_COND_DISTANCE, read_distance},
               {"height", LOOM_COND_HEIGHT, read_height},
               {"inside", LOOM_COND_INSIDE, read_inside},
               {"upright", LOOM_COND_UPRIGHT, read_upright},
               {"joint", LOOM_COND_JOINT, read_joint},
               {"gripper", LOOM_COND_GRIPPER, read_gripper}};

  if (!loom_yaml_is_map(p->y, node)) return loom_yaml_error(p->y, node, "", p->err, "expected a condition");
  if (loom_yaml_count(p->y, node) != 1)
    return loom_yaml_error(p->y, node, "", p->err, "a condition has one key; join several with `all: [...]`");
  int bad = loom_task_only(p->y, node, "condition", p->err);
  if (bad) return bad;

  const char* key = loom_yaml_key(p->y, node, 0);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(key, kinds[i].key)) continue;
    int code = add_node(index, p, node);
    if (code) return code;
    loomConditionDef* c = &p->task->conditions[*index];
    *c = (loomConditionDef){
        .kind = kinds[i].kind, .line = loom_yaml_place(p->y, node), .first_child = -1, .next = -1};

    // Those that hold others grow the list; the rest may have a label of their own.
    loomNode value = loom_yaml_item(p->y, node, 0);
    code = kinds[i].read ? kinds[i].read(c, p, value) : read_children(*index, p, value);
    if (!code && kinds[i].read)
      code = loom_yaml_read_text(c->label, sizeof c->label, p->y, value, "label", false, p->err);
    return code;
  }
  return loom_yaml_error(p->y, loom_yaml_item(p->y, node, 0), key, p->err, "not a condition");
}

int loom_task_parse_condition(int* index, taskParser* p, loomNode node) {
  const char* name = loom_yaml_text(p->y, node);
  if (p->depth == LOOM_MAX_DEPTH)
    return loom_yaml_error(p->y, node, "", p->err, "more than %d conditions within each other",
                           LOOM_MAX_DEPTH);

  p->depth++;
  int code = name ? read_named(index, p, node, name) : read_kind(index, p, node);
  p->depth--;
  return code;
}
