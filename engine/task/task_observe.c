// `observe:` in task.yaml.
#include "engine/task/task_observe.h"

#include <stdio.h>
#include <string.h>

#include "engine/task/task_parse.h"

static int add_observation(taskParser* p, loomNode node, const char* name, loomObserveDef def) {
  loomTask* t = p->task;
  int code = loom_yaml_copy(def.name, sizeof def.name, name, p->y, node, "observe", p->err);
  if (code) return code;

  loomObserveDef* grown =
      loom_heap_grow(&t->heap, t->observe, t->observe_count, &p->observe_room, sizeof *grown);
  if (!grown) return loom_task_no_memory(p->y, node, p->err);
  t->observe = grown;
  def.line = loom_yaml_place(p->y, node);
  t->observe[t->observe_count++] = def;
  return 0;
}

static int read_observation(taskParser* p, loomNode node) {
  static const char* const kinds[] = {"pos", "quat", "joint"};
  loomObserveDef def = {.kind = LOOM_OBSERVE_POS};
  loomName name = "";
  int code = loom_task_only(p->y, node, "observe", p->err), given = 0;
  for (int i = 0; i < 3; i++) given += loom_yaml_get(p->y, node, kinds[i]) != 0;
  if (!code) code = loom_yaml_read_text(name, sizeof name, p->y, node, "name", true, p->err);
  if (!code && given != 1) code = loom_yaml_error(p->y, node, "", p->err, "expected one of pos, quat, joint");

  // What is seen.
  if (!code && loom_yaml_get(p->y, node, "joint")) {
    def.kind = LOOM_OBSERVE_JOINT;
    code = loom_yaml_read_text(def.of.name, sizeof def.of.name, p->y, node, "joint", true, p->err);
  } else if (!code && loom_yaml_get(p->y, node, "quat")) {
    def.kind = LOOM_OBSERVE_QUAT;
    code = loom_task_parse_point(&def.of, p, node, "quat");
  } else if (!code) {
    code = loom_task_parse_point(&def.of, p, node, "pos");
  }

  // And from where.
  if (!code && loom_yaml_get(p->y, node, "from")) code = loom_task_parse_point(&def.from, p, node, "from");
  if (!code && (def.of.at[0][0] || def.from.at[0][0]))
    code = loom_yaml_error(p->y, node, "at", p->err, "observations take no `at`");
  return code ? code : add_observation(p, node, name, def);
}

// Without `observe:` every object's pose and its place seen from each end effector.
static int observe_objects(taskParser* p, loomNode root) {
  loomTask* t = p->task;
  int code = 0;
  for (int o = 0; !code && o < t->object_count; o++) {
    char name[3 * LOOM_NAME_MAX];
    loomObserveDef def = {.of = {.kind = LOOM_POINT_OBJECT}};
    strcpy(def.of.name, t->objects[o].name);

    snprintf(name, sizeof name, "%s_pos", t->objects[o].name);
    code = add_observation(p, root, name, def);

    def.kind = LOOM_OBSERVE_QUAT;
    snprintf(name, sizeof name, "%s_quat", t->objects[o].name);
    if (!code) code = add_observation(p, root, name, def);

    def.kind = LOOM_OBSERVE_POS;
    for (int a = 0; !code && a < t->arm_count; a++) {
      def.from = (loomPoint){.kind = LOOM_POINT_EEF, .arm = a};
      snprintf(name, sizeof name, "%s_eef_to_%s", t->robots[a].prefix, t->objects[o].name);
      code = add_observation(p, root, name, def);
    }
  }
  return code;
}

int loom_task_parse_observe(taskParser* p, loomNode root) {
  loomNode list = loom_yaml_get(p->y, root, "observe");
  int code = 0;
  if (!list) return observe_objects(p, root);
  if (!loom_yaml_is_list(p->y, list))
    return loom_yaml_error(p->y, list, "observe", p->err, "expected a list");

  for (int i = 0; !code && i < loom_yaml_count(p->y, list); i++)
    code = read_observation(p, loom_yaml_item(p->y, list, i));
  return code;
}
