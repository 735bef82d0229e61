// task.yaml as a whole: its head, its limits, where robots stand, and the order its parts are read in.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/task/task_parse.h"

static int parse_stuck(taskParser* p, loomNode map) {
  static const char* const keys[] = {"distance", "speed", "steps", NULL};
  loomTask* t = p->task;
  if (!map) return 0;
  int code = loom_yaml_only(p->y, map, keys, p->err);
  if (!code) code = loom_yaml_read_number(&t->stuck_distance, p->y, map, "distance", false, p->err);
  if (!code) code = loom_yaml_read_number(&t->stuck_speed, p->y, map, "speed", false, p->err);
  if (!code) code = loom_yaml_read_int(&t->stuck_steps, p->y, map, "steps", 0, 10000, false, p->err);
  return code;
}

static int parse_limits(taskParser* p, loomNode map) {
  static const char* const keys[] = {"penetration", "joint_speed", NULL};
  loomTask* t = p->task;
  if (!map) return 0;
  int code = loom_yaml_only(p->y, map, keys, p->err);
  if (!code) code = loom_yaml_read_number(&t->limit_penetration, p->y, map, "penetration", false, p->err);
  if (!code) code = loom_yaml_read_number(&t->limit_joint_speed, p->y, map, "joint_speed", false, p->err);
  return code;
}

static int parse_head(taskParser* p, loomNode root) {
  static const char* const keys[] = {
      "task",    "about",      "env_name", "source",       "model", "control_freq", "robots", "controller",
      "objects", "conditions", "success",  "success_hold", "lost",  "stuck",        "limits", "max_steps",
      "reset",   "expert",     "observe",  "defaults",     "arms",  "coordination", NULL};
  static const char* const source_keys[] = {"asset", "file", NULL};
  static const char* const model_keys[] = {"demo", "file", "place", NULL};
  loomTask* t = p->task;
  const loomYaml* y = p->y;
  t->control_freq = 20;
  t->success_hold = 10;
  t->max_steps = 1500;
  t->lost = -1;
  t->stuck_distance = 0.08;
  t->stuck_speed = 0.04;
  t->stuck_steps = 30;
  int code = loom_yaml_only(y, root, keys, p->err);
  if (!code) code = loom_yaml_read_text(t->name, sizeof t->name, y, root, "task", true, p->err);
  if (!code) code = loom_yaml_read_text(t->about, sizeof t->about, y, root, "about", false, p->err);
  if (!code) code = loom_yaml_read_text(t->env_name, sizeof t->env_name, y, root, "env_name", false, p->err);
  if (!code) code = loom_yaml_read_int(&t->control_freq, y, root, "control_freq", 1, 1000, false, p->err);
  if (!code) code = loom_yaml_read_int(&t->success_hold, y, root, "success_hold", 1, 10000, false, p->err);
  if (!code) code = loom_yaml_read_int(&t->max_steps, y, root, "max_steps", 1, 100000, false, p->err);
  if (!code) code = parse_stuck(p, loom_yaml_get(y, root, "stuck"));
  if (!code) code = parse_limits(p, loom_yaml_get(y, root, "limits"));
  loomNode source = loom_yaml_get(y, root, "source"), model = loom_yaml_get(y, root, "model");
  if (!code && source) {
    code = loom_yaml_only(y, source, source_keys, p->err);
    if (!code)
      code = loom_yaml_read_text(t->source_asset, sizeof t->source_asset, y, source, "asset", false, p->err);
    if (!code)
      code = loom_yaml_read_text(t->source_file, sizeof t->source_file, y, source, "file", true, p->err);
  }
  if (!code && model) {
    code = loom_yaml_only(y, model, model_keys, p->err);
    if (!code) code = loom_yaml_read_int(&t->model_demo, y, model, "demo", 0, 1000000, false, p->err);
    if (!code)
      code = loom_yaml_read_text(t->model_file, sizeof t->model_file, y, model, "file", false, p->err);
  }
  return code;
}

// Where each robot stands.
static int parse_place(taskParser* p, loomNode root) {
  static const char* const keys[] = {"pos", "yaw", "rpy", NULL};
  loomTask* t = p->task;
  loomNode list = loom_yaml_get(p->y, loom_yaml_get(p->y, root, "model"), "place");
  if (!list) return 0;
  if (!t->model_file[0]) return loom_yaml_error(p->y, list, "place", p->err, "needs a `file`");
  int code = 0, robots = t->robots[t->arm_count - 1].index + 1;
  if (!loom_yaml_is_list(p->y, list) || loom_yaml_count(p->y, list) != robots)
    return loom_yaml_error(p->y, list, "place", p->err, "expected one entry for each of the %d robots",
                           robots);
  t->placed = true;
  for (int a = 0; !code && a < t->arm_count; a++) {
    loomNode map = loom_yaml_item(p->y, list, t->robots[a].index);
    code = loom_yaml_only(p->y, map, keys, p->err);
    if (!code) code = loom_task_parse_pose(t->place_pos[a], t->place_quat[a], p->y, map, p->err);
    if (!code && !t->robots[a].part_count)
      code = loom_yaml_error(p->y, map, "place", p->err, "robot '%s' has no `parts`", t->robots[a].type);
  }
  return code;
}

static int parse_task(taskParser* p, const char* robots_dir) {
  loomNode root = loom_yaml_root(p->y);
  int code = parse_head(p, root);
  if (!code) code = loom_task_parse_robots(p, root, robots_dir);
  if (!code) code = parse_place(p, root);
  if (!code) code = loom_task_parse_controller(p, root);
  if (!code) code = loom_task_parse_objects(p, root);
  loomNode success = loom_yaml_get(p->y, root, "success"), lost = loom_yaml_get(p->y, root, "lost");
  p->named = loom_yaml_get(p->y, root, "conditions");
  memset(p->named_index, -1, sizeof p->named_index);
  int names = 0;
  if (!code) code = loom_task_count_names(&names, p, p->named, "conditions", LOOM_MAX_CONDITIONS);
  if (!code && !success) code = loom_yaml_error(p->y, root, "success", p->err, "missing");
  if (!code) code = loom_task_parse_condition(&p->task->success, p, success);
  if (!code && lost) code = loom_task_parse_condition(&p->task->lost, p, lost);
  if (!code) code = loom_task_parse_observe(p, root);
  if (!code) code = loom_task_parse_reset(p, root);
  if (!code) code = loom_task_parse_subtasks(p, root);
  if (!code) code = loom_task_parse_rules(p, root);
  if (!code) code = loom_task_parse_expert(p, root);
  return code;
}

int loom_task_parse(loomTask** out, const char* text, size_t n, const char* label, const char* robots_dir,
                    loomError* err) {
  loomYaml* y = NULL;
  *out = NULL;
  int code = loom_yaml_parse(&y, text, n, label, err);
  if (code) return code;
  loomTask* t = calloc(1, sizeof *t);
  if (!t) {
    loom_yaml_destroy(y);
    return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);
  }
  snprintf(t->path, sizeof t->path, "%.*s", LOOM_PATH_MAX - 1, label);
  snprintf(t->dir, sizeof t->dir, "%s", t->path);
  char* slash = strrchr(t->dir, '/');
  if (slash) {
    *slash = 0;
  } else {
    strcpy(t->dir, ".");
  }
  taskParser p = {.y = y, .task = t, .err = err};
  code = parse_task(&p, robots_dir);
  t->digest = loom_hash(LOOM_HASH_SEED, text, n);
  for (int a = 0; a < t->arm_count; a++)
    t->digest = loom_hash(t->digest, &t->robots[a].digest, sizeof t->robots[a].digest);
  loom_yaml_destroy(y);
  if (code) {
    free(t);
    return code;
  }
  *out = t;
  return 0;
}

int loom_task_load(loomTask** out, const char* path, const char* robots_dir, loomError* err) {
  char* text;
  size_t n = 0;
  *out = NULL;
  int code = loom_read_text(&text, &n, path, LOOM_YAML_MAX, err);
  if (!code) code = loom_task_parse(out, text, n, path, robots_dir, err);
  free(text);
  return code;
}
