#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/yaml.h"
#include "generators/source/isaac.h"

static int out_of_memory(loomError* err) {
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a mapping");
}

bool loom_isaac_is_name(const char* name) {
  for (const char* c = name; *c; c++)
    if ((unsigned char)*c < ' ') return false;
  return *name && !strchr(name, '/') && strcmp(name, ".") && strcmp(name, "..");
}

void loom_isaac_map_default(loomIsaacMap* out, const loomTask* task) {
  *out = (loomIsaacMap){
      .world = loom_pose_identity(), .arm_count = task->arm_count, .object_count = task->object_count};
  for (int a = 0; a < task->arm_count; a++) {
    out->arm[a] = (loomIsaacArm){.frame = loom_pose_identity(), .close = 1};
    snprintf(out->arm[a].eef, LOOM_NAME_MAX, "arm%d", a);
  }
  for (int o = 0; o < task->object_count; o++) {
    out->object[o].frame = loom_pose_identity();
    snprintf(out->object[o].name, LOOM_NAME_MAX, "%s", task->objects[o].name);
  }
}

void loom_isaac_map_destroy(loomIsaacMap* map) {
  for (int i = 0; i < map->tree_count; i++) free(map->tree[i].joint);
  free(map->tree);
  *map = (loomIsaacMap){0};
}

// ---- read

/// Where a reader stands, for its messages.
typedef struct reader {
  loomIsaacMap* map;
  const loomYaml* y;
  const loomTask* task;
  loomError* err;
} reader;

static int check_name(const reader* r, loomNode node, const char* key, const char* name) {
  if (loom_isaac_is_name(name)) return 0;
  return loom_yaml_error(r->y, node, key, r->err, "'%.40s' is no name in a group: it is empty, or a path",
                         name);
}

static int read_name(const reader* r, loomName out, loomNode map, const char* key, bool required) {
  loomNode node = loom_yaml_get(r->y, map, key);
  int code = loom_yaml_read_text(out, LOOM_NAME_MAX, r->y, map, key, required, r->err);
  return code || !node ? code : check_name(r, node, key, out);
}

// {pos: [x, y, z], quat: [w, x, y, z]}, either left out.
static int read_pose(const reader* r, loomPose* out, loomNode map, const char* key) {
  static const char* const known[] = {"pos", "quat", NULL};
  loomNode node = loom_yaml_get(r->y, map, key);
  if (!node) return 0;
  if (!loom_yaml_is_map(r->y, node))
    return loom_yaml_error(r->y, node, key, r->err, "expected {pos: [x, y, z], quat: [w, x, y, z]}");

  *out = loom_pose_identity();
  int code = loom_yaml_only(r->y, node, known, r->err);
  if (!code) code = loom_yaml_read_numbers(out->pos, 3, NULL, r->y, node, "pos", false, r->err);
  if (!code) code = loom_yaml_read_numbers(out->quat, 4, NULL, r->y, node, "quat", false, r->err);
  if (code) return code;

  // Any length but none, and nothing that is not finite.
  double sum = 0, size = mju_norm(out->quat, 4);

  for (int i = 0; i < 3; i++) sum += out->pos[i];
  if (!isfinite(sum) || !(size > 1e-6) || !isfinite(size))
    return loom_yaml_error(r->y, node, key, r->err, "is no pose: numbers must be finite, quat not zero");
  mju_normalize4(out->quat);

  return 0;
}

static int read_gripper(const reader* r, int a, loomNode map) {
  loomIsaacArm* arm = &r->map->arm[a];
  double column[LOOM_MAX_HAND];
  loomNode node = loom_yaml_get(r->y, map, "gripper"), close = loom_yaml_get(r->y, map, "close");
  int code =
      loom_yaml_read_numbers(column, LOOM_MAX_HAND, &arm->gripper_count, r->y, map, "gripper", false, r->err);
  if (!code) code = loom_yaml_read_number(&arm->close, r->y, map, "close", false, r->err);
  if (code) return code;

  if (fabs(arm->close) != 1)
    return loom_yaml_error(r->y, close, "close", r->err, "expected 1 or -1, what closes the hand there");
  if (node && arm->gripper_count != r->task->robots[a].gripper_dim)
    return loom_yaml_error(r->y, node, "gripper", r->err,
                           "arm %d's hand takes %d numbers, and %d entries of actions are given", a,
                           r->task->robots[a].gripper_dim, arm->gripper_count);
  for (int i = 0; i < arm->gripper_count; i++) {
    if (!(column[i] >= 0 && column[i] < 1e6) || column[i] != floor(column[i]))
      return loom_yaml_error(r->y, node, "gripper", r->err, "expected entries of actions, 0 and up");
    arm->gripper[i] = (int)column[i];
  }

  return 0;
}

static int read_signals(const reader* r, int a, loomNode map) {
  loomNode node = loom_yaml_get(r->y, map, "signals");
  if (!node) return 0;
  if (!loom_yaml_is_map(r->y, node))
    return loom_yaml_error(r->y, node, "signals", r->err, "expected {SUBTASK: NAME, ...}");

  for (int i = 0; i < loom_yaml_count(r->y, node); i++) {
    const char* key = loom_yaml_key(r->y, node, i);
    int k = loom_task_find_subtask(r->task, a, key);
    if (k < 0) return loom_yaml_error(r->y, node, "signals", r->err, "arm %d has no subtask '%.60s'", a, key);
    int code = read_name(r, r->map->arm[a].signal[k], node, key, true);
    if (code) return code;
  }

  return 0;
}

static int read_arms(const reader* r, loomNode root) {
  static const char* const known[] = {"eef", "frame", "gripper", "close", "signals", NULL};
  loomNode list = loom_yaml_get(r->y, root, "arms");
  if (!list) return 0;
  if (!loom_yaml_is_list(r->y, list) || loom_yaml_count(r->y, list) != r->task->arm_count)
    return loom_yaml_error(r->y, list, "arms", r->err, "expected a list of %d, one for each arm of '%s'",
                           r->task->arm_count, r->task->name);

  int code = 0;

  for (int a = 0; !code && a < r->task->arm_count; a++) {
    loomNode map = loom_yaml_item(r->y, list, a);
    if (!loom_yaml_is_map(r->y, map))
      return loom_yaml_error(r->y, map, "arms", r->err, "expected {eef: NAME, ...}");
    code = loom_yaml_only(r->y, map, known, r->err);
    if (!code) code = read_name(r, r->map->arm[a].eef, map, "eef", true);
    if (!code) code = read_pose(r, &r->map->arm[a].frame, map, "frame");
    if (!code) code = read_gripper(r, a, map);
    if (!code) code = read_signals(r, a, map);
  }

  return code;
}

static int read_objects(const reader* r, loomNode root) {
  static const char* const known[] = {"name", "frame", NULL};
  loomNode list = loom_yaml_get(r->y, root, "objects");
  if (!list) return 0;
  if (!loom_yaml_is_map(r->y, list))
    return loom_yaml_error(r->y, list, "objects", r->err, "expected {OBJECT: NAME, ...}");

  for (int i = 0; i < loom_yaml_count(r->y, list); i++) {
    const char* key = loom_yaml_key(r->y, list, i);
    loomNode node = loom_yaml_item(r->y, list, i);
    int o = loom_task_find_object(r->task, key), code = 0;
    if (o < 0)
      return loom_yaml_error(r->y, list, "objects", r->err, "'%s' has no object '%.60s'", r->task->name, key);

    // Its name there, or that and how its frame lies.
    if (loom_yaml_is_scalar(r->y, node)) {
      code = read_name(r, r->map->object[o].name, list, key, true);
    } else if (loom_yaml_is_map(r->y, node)) {
      code = loom_yaml_only(r->y, node, known, r->err);
      if (!code) code = read_name(r, r->map->object[o].name, node, "name", false);
      if (!code) code = read_pose(r, &r->map->object[o].frame, node, "frame");
    } else {
      code = loom_yaml_error(r->y, node, "objects", r->err, "expected a name, or {name: , frame: }");
    }
    if (code) return code;
  }

  return 0;
}

static int read_trees(const reader* r, loomNode root) {
  loomNode list = loom_yaml_get(r->y, root, "articulations");
  int n = list ? loom_yaml_count(r->y, list) : 0;
  if (!list) return 0;
  if (!loom_yaml_is_map(r->y, list) || n > LOOM_ISAAC_TREES)
    return loom_yaml_error(r->y, list, "articulations", r->err,
                           "expected {NAME: [JOINT, ...], ...}, %d at most", LOOM_ISAAC_TREES);
  r->map->tree = calloc((size_t)n + 1, sizeof *r->map->tree);
  if (!r->map->tree) return out_of_memory(r->err);

  for (int i = 0; i < n; i++) {
    loomIsaacTree* tree = &r->map->tree[r->map->tree_count++];
    const char* key = loom_yaml_key(r->y, list, i);
    int code = loom_yaml_copy(tree->name, sizeof tree->name, key, r->y, list, "articulations", r->err);
    if (!code) code = check_name(r, list, "articulations", key);
    if (code) return code;
    tree->joint = calloc(LOOM_ISAAC_JOINTS, sizeof *tree->joint);
    if (!tree->joint) return out_of_memory(r->err);
    code = loom_yaml_read_texts(tree->joint[0], sizeof tree->joint[0], LOOM_ISAAC_JOINTS, &tree->n, r->y,
                                list, key, true, r->err);
    if (!code && !tree->n) code = loom_yaml_error(r->y, list, key, r->err, "expected joints, one a column");
    if (code) return code;
  }

  return 0;
}

static int read_choice(const reader* r, bool* second, loomNode root, const char* key, const char* first_name,
                       const char* second_name) {
  loomName text = "";
  loomNode node = loom_yaml_get(r->y, root, key);
  int code = loom_yaml_read_text(text, sizeof text, r->y, root, key, false, r->err);
  if (code || !node) return code;
  *second = !strcmp(text, second_name);
  if (*second || !strcmp(text, first_name)) return 0;
  return loom_yaml_error(r->y, node, key, r->err, "expected %s or %s", first_name, second_name);
}

// Two of ours that are one of theirs would be a slip.
static int check_distinct(const reader* r) {
  const loomIsaacMap* m = r->map;
  for (int a = 0; a < m->arm_count; a++)
    for (int b = 0; b < a; b++)
      if (!strcmp(m->arm[a].eef, m->arm[b].eef))
        return loom_error_set(r->err, LOOM_ERR_FORMAT, "%s: arms %d and %d are both called '%s'", m->path, b,
                              a, m->arm[a].eef);
  for (int o = 0; o < m->object_count; o++)
    for (int p = 0; p < o; p++)
      if (!strcmp(m->object[o].name, m->object[p].name))
        return loom_error_set(r->err, LOOM_ERR_FORMAT, "%s: objects '%s' and '%s' are both called '%s'",
                              m->path, r->task->objects[p].name, r->task->objects[o].name, m->object[o].name);

  return 0;
}

static int read_map(const reader* r) {
  static const char* const known[] = {"quaternion", "actions",       "world", "arms",
                                      "objects",    "articulations", NULL};
  loomNode root = loom_yaml_root(r->y);
  if (!loom_yaml_is_map(r->y, root))
    return loom_yaml_error(r->y, root, "", r->err, "expected keys such as `arms:` and `objects:`");

  int code = loom_yaml_only(r->y, root, known, r->err);
  if (!code) code = read_choice(r, &r->map->xyzw, root, "quaternion", "wxyz", "xyzw");
  if (!code) code = read_choice(r, &r->map->same_actions, root, "actions", "poses", "same");
  if (!code) code = read_pose(r, &r->map->world, root, "world");
  if (!code) code = read_arms(r, root);
  if (!code) code = read_objects(r, root);
  if (!code) code = read_trees(r, root);

  return code ? code : check_distinct(r);
}

int loom_isaac_map_load(loomIsaacMap* out, const char* path, const char* text, const loomTask* task,
                        loomError* err) {
  loomYaml* y = NULL;
  loom_isaac_map_default(out, task);
  snprintf(out->path, sizeof out->path, "%.*s", LOOM_PATH_MAX - 1, path);
  int code = text ? loom_yaml_parse(&y, text, strlen(text), path, err) : loom_yaml_load(&y, NULL, path, err);
  if (!code) code = read_map(&(reader){out, y, task, err});
  loom_yaml_destroy(y);
  if (code) loom_isaac_map_destroy(out);
  return code;
}

// ---- written

static void put_text(FILE* f, const char* text) {
  putc('"', f);
  for (const char* c = text; *c; c++) {
    if (*c == '"' || *c == '\\') putc('\\', f);
    if ((unsigned char)*c >= ' ') putc(*c, f);
  }
  putc('"', f);
}

static void put_pose(FILE* f, const char* key, loomPose p) {
  fprintf(f, "%s: {pos: [%.17g, %.17g, %.17g], quat: [%.17g, %.17g, %.17g, %.17g]}", key, p.pos[0], p.pos[1],
          p.pos[2], p.quat[0], p.quat[1], p.quat[2], p.quat[3]);
}

static void put_arm(FILE* f, const loomIsaacArm* arm, const loomTask* task, int a) {
  fputs("  - {eef: ", f);
  put_text(f, arm->eef);
  fputs(", ", f);
  put_pose(f, "frame", arm->frame);
  for (int i = 0; i < arm->gripper_count; i++)
    fprintf(f, "%s%d%s", i ? ", " : ", gripper: [", arm->gripper[i], i + 1 == arm->gripper_count ? "]" : "");
  fprintf(f, ", close: %.0f, signals: {", arm->close);

  bool any = false;

  for (int k = 0; k < task->subtask_count[a]; k++) {
    if (!arm->signal[k][0]) continue;
    fputs(any ? ", " : "", f);
    put_text(f, task->subtasks[a][k].name);
    fputs(": ", f);
    put_text(f, arm->signal[k]);
    any = true;
  }
  fputs("}}\n", f);
}

static void put_map(FILE* f, const loomIsaacMap* map, const loomTask* task) {
  fprintf(f, "quaternion: %s\nactions: %s\n", map->xyzw ? "xyzw" : "wxyz",
          map->same_actions ? "same" : "poses");
  put_pose(f, "world", map->world);
  fputs("\narms:\n", f);
  for (int a = 0; a < map->arm_count; a++) put_arm(f, &map->arm[a], task, a);

  if (map->object_count) fputs("objects:\n", f);

  for (int o = 0; o < map->object_count; o++) {
    fputs("  ", f);
    put_text(f, task->objects[o].name);
    fputs(": {name: ", f);
    put_text(f, map->object[o].name);
    fputs(", ", f);
    put_pose(f, "frame", map->object[o].frame);
    fputs("}\n", f);
  }

  if (map->tree_count) fputs("articulations:\n", f);

  for (int i = 0; i < map->tree_count; i++) {
    fputs("  ", f);
    put_text(f, map->tree[i].name);
    fputs(": [", f);
    for (int k = 0; k < map->tree[i].n; k++) {
      fputs(k ? ", " : "", f);
      put_text(f, map->tree[i].joint[k]);
    }
    fputs("]\n", f);
  }
}

char* loom_isaac_map_text(const loomIsaacMap* map, const loomTask* task) {
  char* text = NULL;
  size_t n = 0;
  FILE* f = open_memstream(&text, &n);
  if (!f) return NULL;
  put_map(f, map, task);
  bool failed = ferror(f) != 0;
  if (fclose(f) || failed) {
    free(text);
    return NULL;
  }

  return text;
}
