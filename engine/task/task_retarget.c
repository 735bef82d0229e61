// `retarget:` in task.yaml.
#include "engine/task/task_retarget.h"

#include "engine/task/task_parse.h"

// How many arms the demos have is known once they are there.
static int read_arms(loomRetargetDef* r, taskParser* p, loomNode map) {
  double arms[LOOM_MAX_ARMS];
  int n = p->task->arm_count;
  r->has_arms = loom_yaml_get(p->y, map, "arms") != 0;
  if (!r->has_arms) return 0;

  int code = loom_yaml_read_numbers(arms, n, NULL, p->y, map, "arms", true, p->err);
  for (int a = 0; !code && a < n; a++) {
    if (arms[a] != (int)arms[a] || arms[a] < -1 || arms[a] >= LOOM_MAX_ARMS)
      return loom_yaml_error(p->y, loom_yaml_get(p->y, map, "arms"), "arms", p->err,
                             "expected, for each of the %d arms, an arm of the demos, or -1", n);
    r->arms[a] = (int)arms[a];
  }
  return code;
}

static int read_offsets(loomRetargetDef* r, taskParser* p, loomNode map) {
  loomNode list = loom_yaml_get(p->y, map, "offset");
  int n = p->task->arm_count, code = 0;
  if (!list) return 0;
  if (!loom_yaml_is_list(p->y, list) || loom_yaml_count(p->y, list) != n)
    return loom_yaml_error(p->y, list, "offset", p->err, "expected one entry for each of the %d arms", n);

  for (int a = 0; !code && a < n; a++) {
    loomNode entry = loom_yaml_item(p->y, list, a);
    code = loom_task_only(p->y, entry, "retarget: offset", p->err);
    if (!code) code = loom_task_parse_pose(r->offset[a].pos, r->offset[a].quat, p->y, entry, p->err);
  }
  return code;
}

int loom_task_parse_retarget(taskParser* p, loomNode root) {
  loomRetargetDef* r = p->task->retarget = loom_task_take(p, 1, sizeof *r);
  loomNode map = loom_yaml_get(p->y, root, "retarget");
  if (!r) return LOOM_ERR_MEMORY;
  r->scale = 1;
  for (int a = 0; a < LOOM_MAX_ARMS; a++) {
    r->arms[a] = a;
    r->offset[a] = loom_pose_identity();
  }
  if (!map) return 0;

  r->declared = true;
  r->line = loom_yaml_place(p->y, map);
  int code = loom_task_only(p->y, map, "retarget", p->err);
  if (!code) code = loom_yaml_read_text(r->from, sizeof r->from, p->y, map, "from", false, p->err);
  if (!code) code = read_arms(r, p, map);
  if (!code) code = loom_yaml_read_numbers(r->shift, 3, NULL, p->y, map, "shift", false, p->err);
  if (!code) code = loom_yaml_read_numbers(r->center, 3, NULL, p->y, map, "center", false, p->err);
  if (!code) code = loom_yaml_read_number(&r->scale, p->y, map, "scale", false, p->err);
  if (!code) code = loom_yaml_read_number(&r->retreat, p->y, map, "retreat", false, p->err);
  if (!code && !(r->scale > 0))
    code = loom_yaml_error(p->y, loom_yaml_get(p->y, map, "scale"), "scale", p->err, "expected more than 0");
  return code ? code : read_offsets(r, p, map);
}
