// scenes/robots/TYPE.yaml, and the robots of a task.
#include "engine/task/robot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/pose.h"
#include "engine/task/task_parse.h"

// Replace every "{i}" by the robot's index.
static int put_index(char* name, size_t n, int index, const loomYaml* y, loomNode node, loomError* err) {
  char out[4 * LOOM_NAME_MAX];
  size_t at = 0;
  for (const char* c = name; *c && at < sizeof out - 16;) {
    if (!strncmp(c, "{i}", 3)) {
      at += (size_t)snprintf(out + at, sizeof out - at, "%d", index);
      c += 3;
    } else {
      out[at++] = *c++;
    }
  }
  out[at] = 0;
  if (at >= n) return loom_yaml_error(y, node, "", err, "the name '%.80s' is too long", out);
  memcpy(name, out, at + 1);
  return 0;
}

static int read_names(loomName* names, int n, int* count, int index, const loomYaml* y, loomNode map,
                      const char* key, bool required, loomError* err) {
  int code = loom_yaml_read_texts(names[0], sizeof(loomName), n, count, y, map, key, required, err);
  int have = count ? *count : n;
  for (int i = 0; !code && i < have; i++) code = put_index(names[i], sizeof(loomName), index, y, map, err);
  return code;
}

static int read_joints(loomJointsDef* j, int index, const loomYaml* y, loomNode map, loomError* err) {
  int code = read_names(j->joints, LOOM_MAX_JOINTS, &j->count, index, y, map, "joints", true, err),
      n = j->count;
  if (!code) code = read_names(j->actuators, n, NULL, index, y, map, "actuators", true, err);
  if (!code) code = loom_yaml_read_number(&j->init_noise, y, map, "init_noise", false, err);
  j->has_armature = loom_yaml_get(y, map, "armature") != 0;
  j->has_range = loom_yaml_get(y, map, "low") != 0;
  const struct {
    const char* key;
    double* to;
    bool required;
  } lists[] = {{"torque_limit", j->torque_limit, true},
               {"init_qpos", j->init_qpos, true},
               {"velocity_limit", j->velocity_limit, false},
               {"low", j->low, false},
               {"high", j->high, j->has_range},
               {"armature", j->armature, false},
               {"damping", j->damping, j->has_armature},
               {"frictionloss", j->friction, j->has_armature}};
  for (size_t i = 0; !code && i < sizeof lists / sizeof *lists; i++)
    code = loom_yaml_read_numbers(lists[i].to, n, NULL, y, map, lists[i].key, lists[i].required, err);
  return code;
}

static int read_arm(loomRobotDef* r, int index, const loomYaml* y, loomNode root, loomError* err) {
  static const char* const keys[] = {"joints",     "actuators", "torque_limit", "velocity_limit",
                                     "init_qpos",  "armature",  "damping",      "frictionloss",
                                     "init_noise", "reach",     "low",          "high",
                                     NULL};
  loomNode arm = loom_yaml_get(y, root, "arm"), torso = loom_yaml_get(y, root, "torso");
  if (!arm) return loom_yaml_error(y, root, "arm", err, "missing");
  int code = loom_yaml_only(y, arm, keys, err);
  if (!code) code = read_joints(&r->arm, index, y, arm, err);
  if (!code) code = loom_yaml_read_number(&r->reach, y, arm, "reach", false, err);
  if (!code && torso) code = loom_yaml_only(y, torso, keys, err);
  if (!code && torso) code = read_joints(&r->torso, index, y, torso, err);
  return code;
}

static int read_fingers(loomRobotDef* r, int index, const loomYaml* y, loomNode list, loomError* err) {
  r->finger_count = loom_yaml_count(y, list);
  if (r->finger_count > 4) return loom_yaml_error(y, list, "fingers", err, "at most 4 fingers");
  for (int f = 0; f < r->finger_count; f++) {
    loomNode geoms = loom_yaml_item(y, list, f);
    r->finger_geom_count[f] = loom_yaml_count(y, geoms);
    if (!loom_yaml_is_list(y, geoms) || r->finger_geom_count[f] > 4) {
      return loom_yaml_error(y, geoms, "fingers", err, "a finger is a list of up to 4 geoms");
    }
    for (int g = 0; g < r->finger_geom_count[f]; g++) {
      const char* name = loom_yaml_text(y, loom_yaml_item(y, geoms, g));
      if (!name || strlen(name) >= LOOM_NAME_MAX)
        return loom_yaml_error(y, geoms, "fingers", err, "expected a geom's name");
      strcpy(r->finger_geoms[f][g], name);
      int code = put_index(r->finger_geoms[f][g], LOOM_NAME_MAX, index, y, geoms, err);
      if (code) return code;
    }
  }
  return 0;
}

static int read_gripper(loomRobotDef* r, int index, const loomYaml* y, loomNode hand, loomError* err) {
  static const char* const keys[] = {"joints",  "actuators",      "init_qpos", "closing_sign", "speed",
                                     "fingers", "symmetry_turns", "entries",   "absolute",     NULL};
  r->symmetry_turns = 1;
  if (!hand) return 0;
  int code = loom_yaml_only(y, hand, keys, err);
  if (!code)
    code = read_names(r->gripper_joints, LOOM_MAX_JOINTS, &r->gripper_joint_count, index, y, hand, "joints",
                      true, err);
  int n = r->gripper_joint_count;
  r->gripper_dim = n ? 1 : 0;
  double entries[LOOM_MAX_JOINTS] = {0};
  if (!code) code = loom_yaml_read_bool(&r->gripper_absolute, y, hand, "absolute", err);
  if (!code) code = loom_yaml_read_numbers(entries, n, NULL, y, hand, "entries", false, err);
  for (int i = 0; !code && i < n; i++) {
    if (entries[i] < 0 || entries[i] >= LOOM_MAX_HAND || entries[i] != (int)entries[i])
      return loom_yaml_error(y, hand, "entries", err, "expected whole numbers from 0 to %d",
                             LOOM_MAX_HAND - 1);
    r->gripper_entry[i] = (int)entries[i];
    if (r->gripper_entry[i] >= r->gripper_dim) r->gripper_dim = r->gripper_entry[i] + 1;
  }
  if (!code) code = read_names(r->gripper_actuators, n, NULL, index, y, hand, "actuators", true, err);
  if (!code) code = loom_yaml_read_numbers(r->gripper_init_qpos, n, NULL, y, hand, "init_qpos", true, err);
  if (!code) code = loom_yaml_read_numbers(r->gripper_sign, n, NULL, y, hand, "closing_sign", true, err);
  if (!code) code = loom_yaml_read_number(&r->gripper_speed, y, hand, "speed", true, err);
  if (!code) code = loom_yaml_read_int(&r->symmetry_turns, y, hand, "symmetry_turns", 1, 64, false, err);
  if (!code) code = read_fingers(r, index, y, loom_yaml_get(y, hand, "fingers"), err);
  return code;
}

int loom_task_parse_pose(double pos[3], double quat[4], const loomYaml* y, loomNode map, loomError* err) {
  double rpy[3] = {0, 0, 0};
  int code = loom_yaml_read_numbers(pos, 3, NULL, y, map, "pos", false, err);
  if (!code) code = loom_yaml_read_number(&rpy[2], y, map, "yaw", false, err);
  if (!code) code = loom_yaml_read_numbers(rpy, 3, NULL, y, map, "rpy", false, err);
  loom_quat_from_rpy(quat, rpy);
  return code;
}

static int read_parts(loomRobotDef* r, int index, const loomYaml* y, loomNode list, loomError* err) {
  static const char* const keys[] = {"file", "prefix", "to", "pos", "yaw", "rpy", "weld", "without", NULL};
  int n = loom_yaml_count(y, list), code = 0;
  if (n > LOOM_MAX_PARTS) return loom_yaml_error(y, list, "parts", err, "at most %d", LOOM_MAX_PARTS);
  for (int i = 0; !code && i < n; i++) {
    loomNode map = loom_yaml_item(y, list, i);
    loomPartDef* part = &r->parts[r->part_count++];
    code = loom_yaml_only(y, map, keys, err);
    if (!code) code = loom_yaml_read_text(part->file, sizeof part->file, y, map, "file", true, err);
    if (!code) code = loom_yaml_read_text(part->prefix, sizeof part->prefix, y, map, "prefix", true, err);
    if (!code) code = loom_yaml_read_text(part->to, sizeof part->to, y, map, "to", false, err);
    if (!code) code = put_index(part->prefix, sizeof part->prefix, index, y, map, err);
    if (!code) code = put_index(part->to, sizeof part->to, index, y, map, err);
    if (!code) code = loom_task_parse_pose(part->pos, part->quat, y, map, err);
    if (!code) code = loom_yaml_read_bool(&part->weld, y, map, "weld", err);
    if (!code && loom_yaml_get(y, map, "without"))
      code = loom_yaml_read_texts(part->without[0], sizeof(loomName), LOOM_MAX_WITHOUT, &part->without_count,
                                  y, map, "without", true, err);
  }
  return code;
}

int loom_robot_load(loomRobotDef* out, const char* path, int index, loomError* err) {
  static const char* const keys[] = {"robot",    "robosuite", "prefix", "arm",   "torso", "eef_site",
                                     "eef_body", "gripper",   "asset",  "parts", NULL};
  loomYaml* y;
  memset(out, 0, sizeof *out);
  int code = loom_yaml_load(&y, &out->digest, path, err);
  if (code) return code;
  loomNode root = loom_yaml_root(y);
  code = loom_yaml_only(y, root, keys, err);
  if (!code) code = loom_yaml_read_text(out->type, sizeof out->type, y, root, "robot", true, err);
  if (!code) code = loom_yaml_read_text(out->prefix, sizeof out->prefix, y, root, "prefix", true, err);
  if (!code) code = loom_yaml_read_text(out->eef_site, sizeof out->eef_site, y, root, "eef_site", true, err);
  if (!code) code = loom_yaml_read_text(out->eef_body, sizeof out->eef_body, y, root, "eef_body", false, err);
  if (!code) code = put_index(out->prefix, sizeof out->prefix, index, y, root, err);
  if (!code) code = put_index(out->eef_site, sizeof out->eef_site, index, y, root, err);
  if (!code) code = put_index(out->eef_body, sizeof out->eef_body, index, y, root, err);
  if (!code) code = read_arm(out, index, y, root, err);
  if (!code) code = read_gripper(out, index, y, loom_yaml_get(y, root, "gripper"), err);
  if (!code) code = loom_yaml_read_text(out->asset, sizeof out->asset, y, root, "asset", false, err);
  if (!code) code = read_parts(out, index, y, loom_yaml_get(y, root, "parts"), err);
  loom_yaml_destroy(y);
  return code;
}

// The file of an arm, or of a robot whose `arms:` are files of their own.
static int add_robot(taskParser* p, loomNode list, const char* robots_dir, const char* type,
                     const char* robot, int index) {
  static const char* const keys[] = {"robot", "arms", NULL};
  loomTask* t = p->task;
  char path[LOOM_PATH_MAX];
  snprintf(path, sizeof path, "%.900s/%s.yaml", robots_dir, type);
  if (strchr(type, '/') || !loom_is_file(path))
    return loom_yaml_error(p->y, list, "robots", p->err, "unknown robot '%s' (no %.300s)", type, path);
  loomYaml* y;
  uint64_t digest;
  loomName arms[LOOM_MAX_ARMS];
  int n = 0, code = loom_yaml_load(&y, &digest, path, p->err);
  if (code) return code;
  loomNode root = loom_yaml_root(y);
  bool several = !robot && loom_yaml_get(y, root, "arms");
  if (several) {
    code = loom_yaml_only(y, root, keys, p->err);
    if (!code)
      code =
          loom_yaml_read_texts(arms[0], sizeof(loomName), LOOM_MAX_ARMS, &n, y, root, "arms", true, p->err);
  }
  loom_yaml_destroy(y);
  for (int i = 0; !code && i < n; i++) code = add_robot(p, list, robots_dir, arms[i], type, index);
  if (code || several) return code;
  if (t->arm_count == LOOM_MAX_ARMS)
    return loom_yaml_error(p->y, list, "robots", p->err, "at most %d arms", LOOM_MAX_ARMS);
  loomRobotDef* def = &t->robots[t->arm_count];
  code = loom_robot_load(def, path, index, p->err);
  strcpy(def->robot, robot ? robot : def->type);
  def->index = index;
  t->arm_count++;
  return code;
}

int loom_task_parse_robots(taskParser* p, loomNode root, const char* robots_dir) {
  loomName types[LOOM_MAX_ARMS];
  int n, code = loom_yaml_read_texts(types[0], sizeof(loomName), LOOM_MAX_ARMS, &n, p->y, root, "robots",
                                     true, p->err);
  loomNode list = loom_yaml_get(p->y, root, "robots");
  if (!code && !n) code = loom_yaml_error(p->y, list, "robots", p->err, "no robots");
  for (int i = 0; !code && i < n; i++) code = add_robot(p, list, robots_dir, types[i], NULL, i);
  return code;
}
