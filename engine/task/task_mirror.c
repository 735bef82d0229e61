// `mirror:` in task.yaml.
#include "engine/task/task_mirror.h"

#include <math.h>
#include <string.h>

#include "engine/task/task_parse.h"

int loom_task_read_direction(double out[3], const loomYaml* y, loomNode map, const char* key, bool required,
                             loomError* err) {
  loomNode node = loom_yaml_get(y, map, key);
  int code = loom_yaml_read_numbers(out, 3, NULL, y, map, key, required, err);
  if (code || !node) return code;

  double length = sqrt(out[0] * out[0] + out[1] * out[1] + out[2] * out[2]);
  if (!(length > 0)) return loom_yaml_error(y, node, key, err, "must not be zero");
  for (int c = 0; c < 3; c++) out[c] /= length;
  return 0;
}

// Which arm does what each arm did. Without it, its own.
static int read_arms(loomMirrorDef* m, taskParser* p, loomNode map) {
  double arms[LOOM_MAX_ARMS] = {0, 1, 2, 3};
  int n = p->task->arm_count, code;
  code = loom_yaml_read_numbers(arms, n, NULL, p->y, map, "arms", false, p->err);

  for (int a = 0; !code && a < n; a++) {
    if (arms[a] != floor(arms[a]) || arms[a] < 0 || arms[a] >= n || arms[(int)arms[a]] != a)
      return loom_yaml_error(p->y, map, "arms", p->err,
                             "expected, for each of the %d arms, the arm that it changes with", n);
    m->arms[a] = (int)arms[a];
  }
  return code;
}

static int read_objects(loomMirrorDef* m, taskParser* p, loomNode map) {
  const loomTask* t = p->task;
  loomNode list = loom_yaml_get(p->y, map, "objects");
  int n, code = loom_task_count_names(&n, p, list, "objects");
  for (int i = 0; !code && i < n; i++) {
    loomNode entry = loom_yaml_item(p->y, list, i);
    int o = loom_task_find_object(t, loom_yaml_key(p->y, list, i)), as = o;
    if (o < 0)
      return loom_yaml_error(p->y, entry, "objects", p->err, "no object '%.60s' in this task",
                             loom_yaml_key(p->y, list, i));

    code = loom_task_only(p->y, entry, "mirror: object", p->err);
    if (!code) code = loom_task_read_direction(m->object[o], p->y, entry, "plane", true, p->err);
    if (!code && loom_yaml_get(p->y, entry, "as")) code = loom_task_parse_object_name(&as, p, entry, "as");
    if (!code && as < 0) return loom_yaml_error(p->y, entry, "as", p->err, "expected an object");

    // A pair is said once.
    m->as[o] = as;
    m->as[as] = o;
    memcpy(m->object[as], m->object[o], sizeof m->object[o]);
  }

  for (int o = 0; !code && o < t->object_count; o++) {
    if (m->as[o] >= 0 && m->as[m->as[o]] == o) continue;
    return loom_yaml_error(p->y, list ? list : map, "objects", p->err,
                           "object '%s' has no mirror image here: say the plane of its frame in which its "
                           "shape is mirrored",
                           t->objects[o].name);
  }
  return code;
}

// Arms that change must do alike, with objects that are each other's mirror images.
static int check_subtasks(const loomMirrorDef* m, taskParser* p, loomNode map) {
  const loomTask* t = p->task;
  for (int a = 0; a < t->arm_count; a++) {
    int b = m->arms[a];
    bool alike = t->subtask_count[a] == t->subtask_count[b];
    for (int k = 0; alike && k < t->subtask_count[a]; k++) {
      const loomSubtaskDef *x = &t->subtasks[a][k], *y = &t->subtasks[b][k];
      alike = (x->reference < 0 ? -1 : m->as[x->reference]) == y->reference &&
              (x->carried < 0 ? -1 : m->as[x->carried]) == y->carried;
    }

    if (!alike)
      return loom_yaml_error(p->y, map, "arms", p->err,
                             "arm %d cannot do what arm %d does: their subtasks must be as many, with "
                             "`reference` and `carried` each other's mirror images",
                             b, a);
    if (!t->robots[a].has_mirror || t->robots[a].gripper_dim != t->robots[b].gripper_dim)
      return loom_yaml_error(p->y, map, "mirror", p->err,
                             "the hand of robot '%s' does not say how it is mirrored: `gripper: mirror:` in "
                             "its file",
                             t->robots[a].type);
  }
  return 0;
}

int loom_task_parse_mirror(taskParser* p, loomNode root) {
  loomMirrorDef* m = &p->task->mirror;
  loomNode map = loom_yaml_get(p->y, root, "mirror");
  if (!map) {
    if (!p->task->source_mirrored) return 0;
    return loom_yaml_error(p->y, loom_yaml_get(p->y, root, "source"), "mirrored", p->err,
                           "needs `mirror:`, which says how");
  }

  m->declared = true;
  m->line = loom_yaml_place(p->y, map);
  memset(m->as, -1, sizeof m->as);

  int code = loom_task_only(p->y, map, "mirror", p->err);
  if (!code) code = loom_task_read_direction(m->plane, p->y, map, "plane", true, p->err);
  if (!code) code = loom_yaml_read_numbers(m->at, 3, NULL, p->y, map, "at", false, p->err);
  if (!code) code = read_arms(m, p, map);
  if (!code) code = read_objects(m, p, map);
  return code ? code : check_subtasks(m, p, map);
}
