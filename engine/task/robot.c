// scenes/robots/TYPE.yaml, and the robots of a task.
#include "engine/task/robot.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/pose.h"
#include "engine/task/task_parse.h"

/// A robot's file while it is read.
typedef struct robotFile {
  const loomYaml* y;
  loomHeap* heap;
  int index;  // stands for "{i}" in names
  loomError* err;
} robotFile;

// ---- names

// A text in which every "{i}" is the robot's index.
static int put_index(char* name, size_t n, const robotFile* f, loomNode node, const char* key) {
  char out[4 * LOOM_PATH_MAX];
  size_t at = 0;
  for (const char* c = name; *c;) {
    if (!strncmp(c, "{i}", 3)) {
      at += (size_t)snprintf(out + at, sizeof out - at, "%d", f->index);
      c += 3;
    } else {
      out[at++] = *c++;
    }
  }
  out[at] = 0;

  return loom_yaml_copy(name, n, out, f->y, node, key, f->err);
}

static int read_name(char* out, size_t n, const robotFile* f, loomNode map, const char* key, bool required) {
  int code = loom_yaml_read_text(out, n, f->y, map, key, required, f->err);
  return code ? code : put_index(out, n, f, loom_yaml_get(f->y, map, key), key);
}

static int read_names(loomName* names, int n, int* count, const robotFile* f, loomNode map, const char* key) {
  int code = loom_yaml_read_texts(names[0], sizeof(loomName), n, count, f->y, map, key, true, f->err);
  int have = count ? *count : n;
  for (int i = 0; !code && i < have; i++)
    code = put_index(names[i], sizeof(loomName), f, loom_yaml_get(f->y, map, key), key);
  return code;
}

// ---- joints

static int read_joints(loomJointsDef* j, const robotFile* f, loomNode map) {
  int code = read_names(j->joints, LOOM_MAX_JOINTS, &j->count, f, map, "joints"), n = j->count;
  if (!code) code = read_names(j->actuators, n, NULL, f, map, "actuators");
  if (!code) code = loom_yaml_read_number(&j->init_noise, f->y, map, "init_noise", false, f->err);

  // One number a joint. Limits come in pairs, and a placed robot's friction with its armature.
  j->has_armature = loom_yaml_get(f->y, map, "armature") != 0;
  j->has_range = loom_yaml_get(f->y, map, "low") != 0;
  const struct {
    const char* key;
    double* to;
    bool required;
  } lists[] = {{"torque_limit", j->torque_limit, true},
               {"init_qpos", j->init_qpos, true},
               {"velocity_limit", j->velocity_limit, false},
               {"acceleration_limit", j->acceleration_limit, false},
               {"low", j->low, false},
               {"high", j->high, j->has_range},
               {"armature", j->armature, false},
               {"damping", j->damping, j->has_armature},
               {"frictionloss", j->friction, j->has_armature}};
  for (size_t i = 0; !code && i < sizeof lists / sizeof *lists; i++)
    code = loom_yaml_read_numbers(lists[i].to, n, NULL, f->y, map, lists[i].key, lists[i].required, f->err);
  return code;
}

static int read_arm(loomRobotDef* r, const robotFile* f, loomNode root) {
  loomNode arm = loom_yaml_get(f->y, root, "arm"), torso = loom_yaml_get(f->y, root, "torso");
  if (!arm) return loom_yaml_error(f->y, root, "arm", f->err, "missing");

  int code = loom_task_only(f->y, arm, "robot: arm", f->err);
  if (!code) code = read_joints(&r->arm, f, arm);
  if (!code) code = loom_yaml_read_number(&r->reach, f->y, arm, "reach", false, f->err);

  // Joints that this arm shares with the others of its robot.
  if (!code && torso) code = loom_task_only(f->y, torso, "robot: torso", f->err);
  if (!code && torso) code = read_joints(&r->torso, f, torso);
  return code;
}

// ---- grippers and hands

static int read_fingers(loomRobotDef* r, const robotFile* f, loomNode list) {
  int n = loom_yaml_count(f->y, list);
  if (n > LOOM_MAX_FINGERS)
    return loom_yaml_error(f->y, list, "fingers", f->err, "at most %d fingers", LOOM_MAX_FINGERS);

  for (int i = 0; i < n; i++) {
    loomNode geoms = loom_yaml_item(f->y, list, i);
    int count = loom_yaml_count(f->y, geoms);
    if (!loom_yaml_is_list(f->y, geoms))
      return loom_yaml_error(f->y, geoms, "fingers", f->err, "a finger is a list of geoms");
    loomName* names = loom_heap_take(f->heap, (size_t)count, sizeof *names);
    if (!names) return loom_task_no_memory(f->y, geoms, f->err);

    for (int g = 0; g < count; g++) {
      const char* name = loom_yaml_text(f->y, loom_yaml_item(f->y, geoms, g));
      if (!name) return loom_yaml_error(f->y, geoms, "fingers", f->err, "expected a geom's name");
      int code = loom_yaml_copy(names[g], sizeof *names, name, f->y, geoms, "fingers", f->err);
      if (!code) code = put_index(names[g], sizeof *names, f, geoms, "fingers");
      if (code) return code;
    }
    r->finger_geoms[i] = names;
    r->finger_geom_count[i] = count;
  }

  r->finger_count = n;
  return 0;
}

// Which action entry drives each joint; the highest one tells how many entries the hand has.
static int read_entries(loomRobotDef* r, const robotFile* f, loomNode hand) {
  double entries[LOOM_MAX_JOINTS] = {0};
  int n = r->gripper_joint_count;
  int code = loom_yaml_read_numbers(entries, n, NULL, f->y, hand, "entries", false, f->err);
  r->gripper_dim = n ? 1 : 0;

  for (int i = 0; !code && i < n; i++) {
    if (entries[i] < 0 || entries[i] >= LOOM_MAX_HAND || entries[i] != (int)entries[i])
      return loom_yaml_error(f->y, hand, "entries", f->err, "expected whole numbers from 0 to %d",
                             LOOM_MAX_HAND - 1);
    r->gripper_entry[i] = (int)entries[i];
    if (r->gripper_entry[i] >= r->gripper_dim) r->gripper_dim = r->gripper_entry[i] + 1;
  }
  return code;
}

// Which action entries close each side of a hand; what is left opposes the thumb.
static int read_sides(loomRobotDef* r, const robotFile* f, loomNode map) {
  loomNode list = loom_yaml_get(f->y, map, "sides");
  int n = loom_yaml_count(f->y, list);
  for (int i = 0; i < LOOM_MAX_HAND; i++) r->side_entry[i] = list ? -1 : 0;
  if (list && (!loom_yaml_is_list(f->y, list) || n > LOOM_MAX_FINGERS))
    return loom_yaml_error(f->y, list, "sides", f->err,
                           "expected a list of at most %d lists of action entries", LOOM_MAX_FINGERS);

  for (int s = 0; s < n; s++) {
    loomNode entries = loom_yaml_item(f->y, list, s);
    for (int i = 0; i < loom_yaml_count(f->y, entries); i++) {
      double entry = -1;
      int code = loom_yaml_number(&entry, f->y, loom_yaml_item(f->y, entries, i), "sides", f->err);
      if (code) return code;
      if (entry != (int)entry || entry < 0 || entry >= r->gripper_dim || r->side_entry[(int)entry] >= 0)
        return loom_yaml_error(f->y, entries, "sides", f->err,
                               "expected action entries from 0 to %d, none twice", r->gripper_dim - 1);
      r->side_entry[(int)entry] = s;
    }
    if (!loom_yaml_count(f->y, entries))
      return loom_yaml_error(f->y, list, "sides", f->err, "a side is a list of action entries, [0, 1]");
  }
  r->side_count = n;
  return 0;
}

// How the hand holds things, which tells other hands' grasps to it.
static int read_grasp(loomRobotDef* r, const robotFile* f, loomNode map) {
  r->has_grasp = map != 0;
  loom_quat_from_rpy(r->grasp_quat, (const double[]){0, 0, 0});
  int code = map ? loom_task_only(f->y, map, "robot: grasp", f->err) : 0;
  if (!code && map) code = loom_task_parse_pose(r->grasp_pos, r->grasp_quat, f->y, map, f->err);
  return code ? code : read_sides(r, f, map);
}

static int read_gripper(loomRobotDef* r, const robotFile* f, loomNode hand) {
  const loomYaml* y = f->y;
  r->symmetry_turns = 1;
  if (!hand) return 0;

  int code = loom_task_only(y, hand, "robot: gripper", f->err);
  if (!code)
    code = read_names(r->gripper_joints, LOOM_MAX_JOINTS, &r->gripper_joint_count, f, hand, "joints");
  int n = r->gripper_joint_count;
  if (!code) code = loom_yaml_read_bool(&r->gripper_absolute, y, hand, "absolute", f->err);
  if (!code) code = loom_yaml_read_bool(&r->gripper_at_once, y, hand, "at_once", f->err);
  if (!code) code = read_entries(r, f, hand);

  // One of each a joint.
  if (!code) code = read_names(r->gripper_actuators, n, NULL, f, hand, "actuators");
  if (!code) code = loom_yaml_read_numbers(r->gripper_init_qpos, n, NULL, y, hand, "init_qpos", true, f->err);
  if (!code) code = loom_yaml_read_numbers(r->gripper_sign, n, NULL, y, hand, "closing_sign", true, f->err);
  for (int i = 0; !code && i < n; i++)
    if (r->gripper_sign[i] == 0)
      code = loom_yaml_error(y, hand, "closing_sign", f->err, "0 closes nothing; write 1 or -1");

  // And of the hand as a whole.
  if (!code) code = loom_yaml_read_number(&r->gripper_speed, y, hand, "speed", true, f->err);
  if (!code) code = loom_yaml_read_int(&r->symmetry_turns, y, hand, "symmetry_turns", 1, 64, false, f->err);
  r->has_mirror = loom_yaml_get(y, hand, "mirror") != 0;
  if (!code) code = loom_task_read_direction(r->mirror, y, hand, "mirror", false, f->err);
  if (!code) code = read_fingers(r, f, loom_yaml_get(y, hand, "fingers"));
  if (!code) code = read_grasp(r, f, loom_yaml_get(y, hand, "grasp"));
  return code;
}

double loom_robot_grip_way(const loomRobotDef* robot, int substeps) {
  return robot->gripper_speed * (robot->gripper_at_once ? 1 : substeps);
}

// ---- torso, head, base

const char* const loom_body_part_names[] = {"torso", "head", "base"};

static int read_body_part(loomBodyPartDef* part, const robotFile* f, loomNode map) {
  loomName kind = "";
  int code = loom_task_only(f->y, map, "robot: body", f->err), k = 0;
  if (!code) code = loom_yaml_read_text(kind, sizeof kind, f->y, map, "part", true, f->err);
  while (k < LOOM_BODY_KINDS && strcmp(kind, loom_body_part_names[k])) k++;
  if (!code && k == LOOM_BODY_KINDS)
    return loom_yaml_error(f->y, map, "part", f->err, "torso, head or base, not '%s'", kind);

  part->kind = (loomBodyKind)k;
  if (!code) code = read_names(part->joints, LOOM_MAX_BODY_JOINTS, &part->count, f, map, "joints");
  if (!code) code = read_names(part->actuators, part->count, NULL, f, map, "actuators");
  return code ? code
              : loom_yaml_read_numbers(part->init_qpos, part->count, NULL, f->y, map, "init_qpos", false,
                                       f->err);
}

static int read_body(loomRobotDef* r, const robotFile* f, loomNode list) {
  int n = loom_yaml_count(f->y, list), code = 0;
  if (list && (!loom_yaml_is_list(f->y, list) || n > LOOM_BODY_KINDS))
    return loom_yaml_error(f->y, list, "body", f->err, "a list of at most %d parts", LOOM_BODY_KINDS);

  for (int i = 0; !code && i < n; i++) code = read_body_part(&r->body[i], f, loom_yaml_item(f->y, list, i));
  r->body_count = n;
  return code;
}

// ---- parts

int loom_task_parse_pose(double pos[3], double quat[4], const loomYaml* y, loomNode map, loomError* err) {
  double rpy[3] = {0, 0, 0};
  int code = loom_yaml_read_numbers(pos, 3, NULL, y, map, "pos", false, err);
  if (!code) code = loom_yaml_read_number(&rpy[2], y, map, "yaw", false, err);
  if (!code) code = loom_yaml_read_numbers(rpy, 3, NULL, y, map, "rpy", false, err);
  loom_quat_from_rpy(quat, rpy);
  return code;
}

static int read_part(loomPartDef* part, const robotFile* f, loomNode map) {
  bool mass = true, geoms = true;
  int code = loom_task_only(f->y, map, "robot: part", f->err);
  if (!code) code = loom_yaml_read_text(part->file, sizeof part->file, f->y, map, "file", true, f->err);
  if (!code) code = read_name(part->prefix, sizeof part->prefix, f, map, "prefix", true);
  if (!code) code = read_name(part->to, sizeof part->to, f, map, "to", false);
  if (!code) code = loom_task_parse_pose(part->pos, part->quat, f->y, map, f->err);
  if (!code) code = loom_yaml_read_bool(&part->weld, f->y, map, "weld", f->err);

  // What is left out.
  if (!code) code = loom_yaml_read_bool(&mass, f->y, map, "mass", f->err);
  if (!code) code = loom_yaml_read_bool(&geoms, f->y, map, "geoms", f->err);
  if (!code && loom_yaml_get(f->y, map, "without"))
    code = loom_task_parse_texts((void**)&part->without, sizeof(loomName), &part->without_count, f->heap,
                                 f->y, map, "without", f->err);
  part->no_mass = !mass;
  part->no_geoms = !geoms;
  return code;
}

static int read_parts(loomRobotDef* r, const robotFile* f, loomNode list) {
  int n = loom_yaml_count(f->y, list), code = 0;
  r->parts = loom_heap_take(f->heap, (size_t)n, sizeof *r->parts);
  if (!r->parts) return loom_task_no_memory(f->y, list, f->err);

  for (int i = 0; !code && i < n; i++) code = read_part(&r->parts[i], f, loom_yaml_item(f->y, list, i));
  r->part_count = n;
  return code;
}

// ---- bodies that never meet

static int read_apart(loomRobotDef* r, const robotFile* f, loomNode list) {
  int n = loom_yaml_count(f->y, list), code = 0;
  r->apart = loom_heap_take(f->heap, (size_t)n, sizeof *r->apart);
  if (!r->apart) return loom_task_no_memory(f->y, list, f->err);

  for (int i = 0; !code && i < n; i++) {
    loomNode pair = loom_yaml_item(f->y, list, i);
    if (!loom_yaml_is_list(f->y, pair) || loom_yaml_count(f->y, pair) != 2)
      return loom_yaml_error(f->y, pair, "apart", f->err, "expected pairs of bodies, [[link0, link2]]");

    for (int k = 0; !code && k < 2; k++) {
      const char* name = loom_yaml_text(f->y, loom_yaml_item(f->y, pair, k));
      if (!name) return loom_yaml_error(f->y, pair, "apart", f->err, "expected a body's name");
      code = loom_yaml_copy(r->apart[i][k], sizeof(loomName), name, f->y, pair, "apart", f->err);
      if (!code) code = put_index(r->apart[i][k], sizeof(loomName), f, pair, "apart");
    }
  }

  r->apart_count = n;
  return code;
}

// ---- a file

static int read_robot(loomRobotDef* r, const robotFile* f) {
  loomNode root = loom_yaml_root(f->y);
  int code = loom_task_only(f->y, root, "robot", f->err);
  if (!code) code = loom_yaml_read_text(r->type, sizeof r->type, f->y, root, "robot", true, f->err);
  if (!code) code = loom_yaml_read_text(r->asset, sizeof r->asset, f->y, root, "asset", false, f->err);
  if (!code)
    code = loom_yaml_read_text(r->robosuite, sizeof r->robosuite, f->y, root, "robosuite", false, f->err);

  if (!code) code = read_name(r->prefix, sizeof r->prefix, f, root, "prefix", true);
  if (!code) code = read_name(r->eef_site, sizeof r->eef_site, f, root, "eef_site", true);
  if (!code) code = read_name(r->eef_body, sizeof r->eef_body, f, root, "eef_body", false);
  if (!code) code = read_name(r->base_body, sizeof r->base_body, f, root, "base_body", false);

  if (!code) code = read_arm(r, f, root);
  if (!code) code = read_gripper(r, f, loom_yaml_get(f->y, root, "gripper"));
  if (!code) code = read_body(r, f, loom_yaml_get(f->y, root, "body"));
  if (!code) code = read_parts(r, f, loom_yaml_get(f->y, root, "parts"));
  if (!code) code = read_apart(r, f, loom_yaml_get(f->y, root, "apart"));
  return code;
}

int loom_robot_load(loomRobotDef* out, loomHeap* heap, const char* path, int index, loomError* err) {
  loomYaml* y;
  memset(out, 0, sizeof *out);
  int code = loom_yaml_load(&y, &out->digest, path, err);
  if (code) return code;

  robotFile f = {y, heap, index, err};
  code = read_robot(out, &f);
  loom_yaml_destroy(y);
  return code;
}

// ---- the robots of a task

// A robot of several arms lists their files; n is 0 for a file that is an arm itself.
static int read_arm_list(loomName arms[LOOM_MAX_ARMS], int* n, const char* path, loomError* err) {
  loomYaml* y;
  *n = 0;
  int code = loom_yaml_load(&y, NULL, path, err);
  if (code) return code;

  loomNode root = loom_yaml_root(y);
  if (loom_yaml_get(y, root, "arms")) {
    code = loom_task_only(y, root, "robot of several arms", err);
    if (!code)
      code = loom_yaml_read_texts(arms[0], sizeof(loomName), LOOM_MAX_ARMS, n, y, root, "arms", true, err);
  }
  loom_yaml_destroy(y);
  return code;
}

static int add_arm(taskParser* p, loomNode list, const char* path, const char* robot, int index) {
  loomTask* t = p->task;
  if (t->arm_count == LOOM_MAX_ARMS)
    return loom_yaml_error(p->y, list, "robots", p->err, "at most %d arms", LOOM_MAX_ARMS);

  loomRobotDef* def = &t->robots[t->arm_count];
  int code = loom_robot_load(def, &t->heap, path, index, p->err);
  memcpy(def->robot, robot ? robot : def->type, strlen(robot ? robot : def->type) + 1);
  def->index = index;
  t->arm_count++;
  return code;
}

// The user's own, beside the task or beside its folder, come before those that all tasks share.
static int find_robot(char path[LOOM_PATH_MAX], const taskParser* p, loomNode list, const char* robots_dir,
                      const char* type) {
  static const char* const beside[] = {"robots/", "", "../robots/"};
  char own[LOOM_PATH_MAX];
  bool plain = !strchr(type, '/');

  if (snprintf(path, LOOM_PATH_MAX, "%s/%s.yaml", robots_dir, type) >= LOOM_PATH_MAX)
    return loom_yaml_error(p->y, list, "robots", p->err, "the path of '%s' is longer than %d bytes", type,
                           LOOM_PATH_MAX - 1);

  // For a listed task the last of them is the folder that all share, which keeps its own name.
  for (size_t i = 0; plain && i < sizeof beside / sizeof *beside; i++) {
    snprintf(own, sizeof own, "%.500s/%s%.100s.yaml", p->task->dir, beside[i], type);
    if (!loom_is_file(own)) continue;
    if (!loom_same_file(own, path)) snprintf(path, LOOM_PATH_MAX, "%s", own);
    return 0;
  }

  if (plain && loom_is_file(path)) return 0;
  return loom_yaml_error(p->y, list, "robots", p->err,
                         "unknown robot '%s' (no %.300s, nor one beside the task, in robots or ../robots)",
                         type, path);
}

// The file of an arm, or of a robot whose `arms:` are files of their own; `robot` is that robot's type while
// its arms are read.
static int add_robot(taskParser* p, loomNode list, const char* robots_dir, const char* type,
                     const char* robot, int index) {
  char path[LOOM_PATH_MAX];
  int missing = find_robot(path, p, list, robots_dir, type);
  if (missing) return missing;

  loomName arms[LOOM_MAX_ARMS];
  int n = 0, code = robot ? 0 : read_arm_list(arms, &n, path, p->err);
  if (!code && !n) return add_arm(p, list, path, robot, index);
  for (int i = 0; !code && i < n; i++) code = add_robot(p, list, robots_dir, arms[i], type, index);
  return code;
}

int loom_task_parse_robots(taskParser* p, loomNode root, const char* robots_dir) {
  loomName types[LOOM_MAX_ARMS];
  loomNode list = loom_yaml_get(p->y, root, "robots");
  int n, code = loom_yaml_read_texts(types[0], sizeof(loomName), LOOM_MAX_ARMS, &n, p->y, root, "robots",
                                     true, p->err);
  if (!code && !n) code = loom_yaml_error(p->y, list, "robots", p->err, "no robots");
  if (code) return code;

  p->task->robots = loom_task_take(p, LOOM_MAX_ARMS, sizeof *p->task->robots);
  if (!p->task->robots) return LOOM_ERR_MEMORY;
  for (int i = 0; !code && i < n; i++) code = add_robot(p, list, robots_dir, types[i], NULL, i);
  return code;
}
