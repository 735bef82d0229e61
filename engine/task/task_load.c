// task.yaml as a whole: its head, its limits, where robots stand, and the order its parts are read in.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/task/task_parse.h"

// ---- the head

static int read_stuck(taskParser* p, loomNode map) {
  loomTask* t = p->task;
  t->stuck_distance = 0.08;
  t->stuck_speed = 0.04;
  t->stuck_steps = 30;
  if (!map) return 0;

  int code = loom_task_only(p->y, map, "stuck", p->err);
  if (!code) code = loom_yaml_read_number(&t->stuck_distance, p->y, map, "distance", false, p->err);
  if (!code) code = loom_yaml_read_number(&t->stuck_speed, p->y, map, "speed", false, p->err);
  if (!code) code = loom_yaml_read_int(&t->stuck_steps, p->y, map, "steps", 0, 10000, false, p->err);
  return code;
}

static int read_limits(taskParser* p, loomNode map) {
  loomTask* t = p->task;
  if (!map) return 0;

  int code = loom_task_only(p->y, map, "limits", p->err);
  if (!code) code = loom_yaml_read_number(&t->limit_penetration, p->y, map, "penetration", false, p->err);
  if (!code) code = loom_yaml_read_number(&t->limit_joint_speed, p->y, map, "joint_speed", false, p->err);
  if (!code) code = loom_yaml_read_number(&t->brake, p->y, map, "brake", false, p->err);
  if (!code) code = loom_yaml_read_int(&t->rewind, p->y, map, "rewind", 0, 1000, false, p->err);
  if (!code && !(t->brake >= 0 && t->brake < 1))
    code = loom_yaml_error(p->y, map, "brake", p->err, "expected a share of `joint_speed` under 1");
  return code;
}

static int read_source(taskParser* p, loomNode map) {
  loomTask* t = p->task;

  // Demos of other robots are none of this task's.
  if (!map || loom_yaml_is_below(p->y, map)) return 0;

  int code = loom_task_only(p->y, map, "source", p->err);
  if (!code)
    code = loom_yaml_read_text(t->source_asset, sizeof t->source_asset, p->y, map, "asset", false, p->err);
  if (!code)
    code = loom_yaml_read_text(t->source_file, sizeof t->source_file, p->y, map, "file", true, p->err);
  if (!code)
    code =
        loom_yaml_read_text(t->source_cleaned, sizeof t->source_cleaned, p->y, map, "cleaned", false, p->err);
  if (!code) code = loom_yaml_read_bool(&t->source_mirrored, p->y, map, "mirrored", p->err);
  return code;
}

static int read_model(taskParser* p, loomNode map) {
  loomTask* t = p->task;
  if (!map) return 0;

  int code = loom_task_only(p->y, map, "model", p->err);
  if (!code) code = loom_yaml_read_int(&t->model_demo, p->y, map, "demo", 0, 1000000, false, p->err);
  if (!code)
    code = loom_yaml_read_text(t->model_file, sizeof t->model_file, p->y, map, "file", false, p->err);
  if (!code)
    code = loom_yaml_read_text(t->model_asset, sizeof t->model_asset, p->y, map, "asset", false, p->err);
  if (!code && t->model_asset[0] && !t->model_file[0])
    code = loom_yaml_error(p->y, map, "asset", p->err, "needs a `file`");
  return code;
}

static int read_head(taskParser* p, loomNode root) {
  loomTask* t = p->task;
  const loomYaml* y = p->y;
  t->control_freq = 20;
  t->success_hold = 10;
  t->max_steps = 1500;
  t->lost = -1;

  // What it is called, here and by robosuite.
  int code = loom_task_only(y, root, "task", p->err);
  if (!code) code = loom_yaml_read_text(t->name, sizeof t->name, y, root, "task", true, p->err);
  if (!code) code = loom_yaml_read_text(t->about, sizeof t->about, y, root, "about", false, p->err);
  if (!code) code = loom_yaml_read_text(t->env_name, sizeof t->env_name, y, root, "env_name", false, p->err);

  // Its times, in control steps.
  if (!code) code = loom_yaml_read_int(&t->control_freq, y, root, "control_freq", 1, 1000, false, p->err);
  if (!code) code = loom_yaml_read_int(&t->success_hold, y, root, "success_hold", 1, 10000, false, p->err);
  if (!code) code = loom_yaml_read_int(&t->max_steps, y, root, "max_steps", 1, 100000, false, p->err);

  if (!code) code = read_stuck(p, loom_yaml_get(y, root, "stuck"));
  if (!code) code = read_limits(p, loom_yaml_get(y, root, "limits"));
  if (!code) code = read_source(p, loom_yaml_get(y, root, "source"));
  if (!code) code = read_model(p, loom_yaml_get(y, root, "model"));
  return code;
}

// Canonical joints that suit the place, in place of the robot's own.
static int read_place_joints(taskParser* p, loomNode map, int a) {
  loomTask* t = p->task;
  loomNode node = loom_yaml_get(p->y, map, "joints");
  if (!node) return 0;
  for (int b = 0; b < t->arm_count; b++) {
    if (b == a || t->robots[b].index != t->robots[a].index) continue;
    return loom_yaml_error(p->y, node, "joints", p->err, "robot '%s' has several arms", t->robots[a].robot);
  }
  loomJointsDef* arm = &t->robots[a].arm;
  return loom_yaml_read_numbers(arm->init_qpos, arm->count, NULL, p->y, map, "joints", true, p->err);
}

// Where each robot stands: one entry a robot, which all its arms share.
static int read_places(taskParser* p, loomNode root) {
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
    code = loom_task_only(p->y, map, "model: place", p->err);
    if (!code) code = loom_task_parse_pose(t->place_pos[a], t->place_quat[a], p->y, map, p->err);
    if (!code) code = read_place_joints(p, map, a);
    if (!code && !t->robots[a].part_count)
      code = loom_yaml_error(p->y, map, "place", p->err, "robot '%s' has no `parts`", t->robots[a].type);
  }
  return code;
}

// ---- the whole

// `conditions:` are read when something names them, so that each may name others wherever these stand.
static int read_conditions(taskParser* p, loomNode root) {
  loomNode success = loom_yaml_get(p->y, root, "success"), lost = loom_yaml_get(p->y, root, "lost");
  int n, code;
  p->named = loom_yaml_get(p->y, root, "conditions");
  code = loom_task_count_names(&n, p, p->named, "conditions");
  if (code) return code;
  p->named_index = loom_task_take(p, n, sizeof *p->named_index);
  if (!p->named_index) return LOOM_ERR_MEMORY;
  for (int i = 0; i < n; i++) p->named_index[i] = -1;

  if (!success) return loom_yaml_error(p->y, root, "success", p->err, "missing");
  code = loom_task_parse_condition(&p->task->success, p, success);
  if (!code && lost) code = loom_task_parse_condition(&p->task->lost, p, lost);
  return code;
}

// Those that nothing in the task has named may be named by a reward file.
static int read_named_conditions(taskParser* p) {
  loomTask* t = p->task;
  int n = loom_yaml_count(p->y, p->named), code = 0;
  t->named = loom_task_take(p, n, sizeof *t->named);
  if (!t->named) return LOOM_ERR_MEMORY;

  for (int i = 0; !code && i < n; i++) {
    const char* name = loom_yaml_key(p->y, p->named, i);
    code = loom_yaml_copy(t->named[i].name, sizeof t->named[i].name, name, p->y,
                          loom_yaml_item(p->y, p->named, i), "conditions", p->err);
    if (!code) code = loom_task_parse_named(&t->named[i].condition, p, i);
  }
  t->named_count = code ? 0 : n;
  return code;
}

// Each part names only what those before it have brought.
static int read_task(taskParser* p, const char* robots_dir) {
  loomNode root = loom_yaml_root(p->y);
  int code = read_head(p, root);
  if (!code) code = loom_task_parse_robots(p, root, robots_dir);
  if (!code) code = read_places(p, root);
  if (!code) code = loom_task_parse_controller(p, root);
  if (!code) code = loom_task_parse_objects(p, root);
  if (!code) code = read_conditions(p, root);
  if (!code) code = loom_task_parse_observe(p, root);
  if (!code) code = loom_task_parse_reset(p, root);
  if (!code) code = loom_task_parse_subtasks(p, root);
  if (!code) code = loom_task_parse_rules(p, root);
  if (!code) code = loom_task_parse_mirror(p, root);
  if (!code) code = loom_task_parse_retarget(p, root);
  if (!code) code = loom_task_parse_expert(p, root);
  if (!code) code = loom_task_parse_disturb(p, root);
  if (!code) code = read_named_conditions(p);
  if (!code) code = loom_task_parse_reward(p, root);
  if (!code) code = loom_task_check_possible(p, root);
  return code;
}

// The file and its folder.
static int set_path(loomTask* t, const char* label, loomError* err) {
  size_t length = strlen(label);
  if (length >= sizeof t->path)
    return loom_error_set(err, LOOM_ERR_USAGE, "%.200s...: a path longer than %zu bytes", label,
                          sizeof t->path - 1);
  memcpy(t->path, label, length + 1);
  memcpy(t->dir, label, length + 1);

  char* slash = strrchr(t->dir, '/');
  if (slash) {
    *slash = 0;
  } else {
    strcpy(t->dir, ".");
  }
  return 0;
}

// The task that this one is like, whose keys it has where it has none of its own.
static int read_like(loomYaml* y, loomTask* t, loomError* err) {
  loomNode root = loom_yaml_root(y), node = loom_yaml_get(y, root, "like");
  loomName file;
  loomYaml* below = NULL;
  int code = loom_yaml_read_text(file, sizeof file, y, root, "like", false, err);
  if (code || !node) return code;
  if (strchr(file, '/'))
    return loom_yaml_error(y, node, "like", err, "expected the name of a file in the same folder");

  size_t size = strlen(t->dir) + strlen(file) + 2;
  t->like = loom_heap_take(&t->heap, size, 1);
  if (!t->like) return loom_task_no_memory(y, node, err);
  snprintf(t->like, size, "%s/%s", t->dir, file);
  if (!loom_is_file(t->like))
    return loom_yaml_error(y, node, "like", err, "there is no file %.400s", t->like);
  code = loom_yaml_load(&below, &t->digest, t->like, err);
  if (!code) code = loom_task_only(below, loom_yaml_root(below), "task", err);
  if (!code && loom_yaml_get(below, loom_yaml_root(below), "like"))
    code = loom_yaml_error(y, node, "like", err, "%s is like another itself; name that one", file);

  if (!code) loom_yaml_lay_over(y, below);
  if (code) loom_yaml_destroy(below);
  return code;
}

int loom_task_parse(loomTask** out, const char* text, size_t n, const char* label, const char* robots_dir,
                    loomError* err) {
  loomYaml* y = NULL;
  *out = NULL;
  loomTask* t = calloc(1, sizeof *t);
  if (!t) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", label);

  int code = set_path(t, label, err);
  if (!code) code = loom_yaml_parse(&y, text, n, label, err);
  if (!code) code = read_like(y, t, err);
  taskParser p = {.y = y, .task = t, .err = err};
  if (!code) code = read_task(&p, robots_dir);
  loom_yaml_destroy(y);

  // Two tasks with the same digest are the same task: its own text, that of the one it is like, and those of
  // its robots.
  t->digest = loom_hash(t->like ? t->digest : LOOM_HASH_SEED, text, n);
  for (int a = 0; a < t->arm_count; a++)
    t->digest = loom_hash(t->digest, &t->robots[a].digest, sizeof t->robots[a].digest);

  if (code) {
    loom_task_destroy(t);
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
