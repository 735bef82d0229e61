// task.yaml and scenes/robots/TYPE.yaml: everything but conditions and subtasks.
#include "engine/task/task.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/pose.h"
#include "engine/base/random.h"
#include "engine/task/task_parse.h"

static int read_file(char** out, size_t* n, const char* path, loomError* err) {
  FILE* f = fopen(path, "rb");
  *out = NULL;
  if (!f) return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be opened", path);
  enum { most = (1 << 20) + 2 };
  *out = malloc(most);
  *n = *out ? fread(*out, 1, most - 1, f) : 0;
  bool failed = ferror(f);
  fclose(f);
  if (*out && !failed) return 0;
  free(*out);
  *out = NULL;
  return loom_error_set(err, LOOM_ERR_IO, "%s: cannot be read", path);
}

static int load_yaml(loomYaml** y, uint64_t* digest, const char* path, loomError* err) {
  char* text;
  size_t n = 0;
  *y = NULL;
  int code = read_file(&text, &n, path, err);
  if (!code) *digest = loom_hash(LOOM_HASH_SEED, text, n);
  if (!code) code = loom_yaml_parse(y, text, n, path, err);
  free(text);
  return code;
}

// ---- robots

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

static int read_pose(double pos[3], double quat[4], const loomYaml* y, loomNode map, loomError* err) {
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
    if (!code) code = read_pose(part->pos, part->quat, y, map, err);
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
  int code = load_yaml(&y, &out->digest, path, err);
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
  FILE* f = NULL;
  snprintf(path, sizeof path, "%.900s/%s.yaml", robots_dir, type);
  if (!strchr(type, '/')) f = fopen(path, "rb");
  if (!f) return loom_yaml_error(p->y, list, "robots", p->err, "unknown robot '%s' (no %.300s)", type, path);
  fclose(f);
  loomYaml* y;
  uint64_t digest;
  loomName arms[LOOM_MAX_ARMS];
  int n = 0, code = load_yaml(&y, &digest, path, p->err);
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

static int parse_robots(taskParser* p, loomNode root, const char* robots_dir) {
  loomName types[LOOM_MAX_ARMS];
  int n, code = loom_yaml_read_texts(types[0], sizeof(loomName), LOOM_MAX_ARMS, &n, p->y, root, "robots",
                                     true, p->err);
  loomNode list = loom_yaml_get(p->y, root, "robots");
  if (!code && !n) code = loom_yaml_error(p->y, list, "robots", p->err, "no robots");
  for (int i = 0; !code && i < n; i++) code = add_robot(p, list, robots_dir, types[i], NULL, i);
  return code;
}

// ---- controllers

const char* const loom_controller_names[] = {"OSC_POSE", "JOINT_POSITION", "WHOLE_BODY_IK"};

int loom_controller_pose_dim(const loomControllerDef* c, const loomRobotDef* robot) {
  return c->type == LOOM_JOINT_POSITION ? robot->arm.count : 6;
}

static bool json_numbers(double* out, int n, const cJSON* node) {
  if (cJSON_IsNumber(node)) {
    for (int i = 0; i < n; i++) out[i] = node->valuedouble;
    return true;
  }
  if (!cJSON_IsArray(node) || cJSON_GetArraySize(node) != n) return false;
  for (int i = 0; i < n; i++) {
    const cJSON* item = cJSON_GetArrayItem(node, i);
    if (!cJSON_IsNumber(item)) return false;
    out[i] = item->valuedouble;
  }
  return true;
}

static const cJSON* find_config(const cJSON* root) {
  const cJSON* kwargs = cJSON_GetObjectItemCaseSensitive(root, "env_kwargs");
  const cJSON* config = cJSON_GetObjectItemCaseSensitive(kwargs ? kwargs : root, "controller_configs");
  if (!config) config = cJSON_GetObjectItemCaseSensitive(root, "type") ? root : NULL;
  return cJSON_IsArray(config) ? cJSON_GetArrayItem(config, 0) : config;
}

static int fill_controller(loomControllerDef* c, const cJSON* config, const char* label, loomError* err) {
  const cJSON* type = cJSON_GetObjectItemCaseSensitive(config, "type");
  const cJSON* mode = cJSON_GetObjectItemCaseSensitive(config, "impedance_mode");
  if (!cJSON_IsString(type))
    return loom_error_set(
        err, LOOM_ERR_UNSUPPORTED,
        "%s: controller_configs without a type (robosuite 1.5 composite controllers are not supported yet)",
        label);
  if (cJSON_IsString(mode) && strcmp(mode->valuestring, "fixed")) {
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: impedance_mode '%.60s'; only 'fixed' is supported",
                          label, mode->valuestring);
  }
  bool osc = !strcmp(type->valuestring, "OSC_POSE");
  if (!osc && strcmp(type->valuestring, "JOINT_POSITION")) {
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: controller '%.60s'; OSC_POSE and JOINT_POSITION are supported", label,
                          type->valuestring);
  }
  c->type = osc ? LOOM_OSC_POSE : LOOM_JOINT_POSITION;
  int n = osc ? 6 : 7;
  const cJSON* damping = cJSON_GetObjectItemCaseSensitive(config, "damping_ratio");
  if (!damping) damping = cJSON_GetObjectItemCaseSensitive(config, "damping");
  const struct {
    double* to;
    const cJSON* from;
    const char* name;
  } lists[] = {{c->input_min, cJSON_GetObjectItemCaseSensitive(config, "input_min"), "input_min"},
               {c->input_max, cJSON_GetObjectItemCaseSensitive(config, "input_max"), "input_max"},
               {c->output_min, cJSON_GetObjectItemCaseSensitive(config, "output_min"), "output_min"},
               {c->output_max, cJSON_GetObjectItemCaseSensitive(config, "output_max"), "output_max"},
               {c->kp, cJSON_GetObjectItemCaseSensitive(config, "kp"), "kp"},
               {c->damping_ratio, damping, "damping_ratio"}};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    if (!json_numbers(lists[i].to, n, lists[i].from)) {
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s: controller_configs: %s must be a number or %d numbers",
                            label, lists[i].name, n);
    }
  }
  const cJSON* delta = cJSON_GetObjectItemCaseSensitive(config, "control_delta");
  const cJSON* input = cJSON_GetObjectItemCaseSensitive(config, "input_type");
  const cJSON* apart = cJSON_GetObjectItemCaseSensitive(config, "uncouple_pos_ori");
  c->delta =
      delta ? cJSON_IsTrue(delta) : !(cJSON_IsString(input) && !strcmp(input->valuestring, "absolute"));
  c->uncouple_pos_ori = !apart || cJSON_IsTrue(apart);
  return 0;
}

int loom_controller_from_json(loomControllerDef* out, const char* json, const char* label, loomError* err) {
  memset(out, 0, sizeof *out);
  cJSON* root = json ? cJSON_Parse(json) : NULL;
  if (!root)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: env_args is not JSON; give the task file a `controller:`", label);
  const cJSON* config = find_config(root);
  int code =
      config ? fill_controller(out, config, label, err)
             : loom_error_set(err, LOOM_ERR_FORMAT,
                              "%s: env_args has no controller_configs; give the task file a `controller:`",
                              label);
  cJSON_Delete(root);
  return code;
}

static int yaml_spread(double* out, int n, taskParser* p, loomNode map, const char* key, double otherwise) {
  loomNode node = loom_yaml_get(p->y, map, key);
  for (int i = 0; i < n; i++) out[i] = otherwise;
  if (node && loom_yaml_is_list(p->y, node))
    return loom_yaml_read_numbers(out, n, NULL, p->y, map, key, true, p->err);
  int code = node ? loom_yaml_number(&out[0], p->y, node, key, p->err) : 0;
  for (int i = 1; i < n; i++) out[i] = out[0];
  return code;
}

static int parse_controller(taskParser* p, loomNode root) {
  static const char* const keys[] = {
      "type",          "input_min", "input_max",        "output_min", "output_max",   "kp",
      "damping_ratio", "delta",     "uncouple_pos_ori", "posture",    "torso_weight", NULL};
  loomNode map = loom_yaml_get(p->y, root, "controller");
  if (!map) return 0;
  loomControllerDef* c = &p->task->controller;
  loomName type = "OSC_POSE";
  int code = loom_yaml_only(p->y, map, keys, p->err);
  if (!code) code = loom_yaml_read_text(type, sizeof type, p->y, map, "type", true, p->err);
  int kind = 0;
  while (kind < 3 && strcmp(type, loom_controller_names[kind])) kind++;
  if (!code && kind == 3)
    return loom_yaml_error(p->y, map, "type", p->err, "OSC_POSE, JOINT_POSITION or WHOLE_BODY_IK, not '%s'",
                           type);
  c->type = (loomControllerType)kind;
  int n = loom_controller_pose_dim(c, &p->task->robots[0]);
  if (!code) code = yaml_spread(c->input_min, n, p, map, "input_min", -1);
  if (!code) code = yaml_spread(c->input_max, n, p, map, "input_max", 1);
  if (!code) code = yaml_spread(c->output_min, n, p, map, "output_min", -0.05);
  if (!code) code = yaml_spread(c->output_max, n, p, map, "output_max", 0.05);
  static const double stiffness[] = {150, 50, 400};
  if (!code) code = yaml_spread(c->kp, n, p, map, "kp", stiffness[c->type]);
  if (!code) code = yaml_spread(c->damping_ratio, n, p, map, "damping_ratio", 1);
  c->delta = c->uncouple_pos_ori = true;
  c->posture = 2e-5;
  c->torso_weight = 10;
  if (!code) code = loom_yaml_read_number(&c->posture, p->y, map, "posture", false, p->err);
  if (!code) code = loom_yaml_read_number(&c->torso_weight, p->y, map, "torso_weight", false, p->err);
  if (!code) code = loom_yaml_read_bool(&c->delta, p->y, map, "delta", p->err);
  if (!code) code = loom_yaml_read_bool(&c->uncouple_pos_ori, p->y, map, "uncouple_pos_ori", p->err);
  p->task->has_controller = true;
  return code;
}

// ---- objects

// Entries of a map of names, at most `most`; 0 when it is absent.
static int count_names(int* n, taskParser* p, loomNode map, const char* key, int most) {
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
  int bad = count_names(&o->variable_count, p, map, "variables", LOOM_MAX_VARIABLES);
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
  int bad = count_names(&o->shape_count, p, map, "shape", LOOM_MAX_GEOMS);
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

static int parse_objects(taskParser* p, loomNode root) {
  static const char* const keys[] = {"body", "variables", "shape", "symmetries", NULL};
  loomNode map = loom_yaml_get(p->y, root, "objects");
  loomTask* t = p->task;
  int bad = count_names(&t->object_count, p, map, "objects", LOOM_MAX_OBJECTS);
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

// ---- reset

static int parse_ranges(loomPlacement* place, taskParser* p, loomNode map) {
  const loomObjectDef* o = &p->task->objects[place->object];
  int bad = count_names(&place->range_count, p, map, "size", LOOM_MAX_VARIABLES);
  if (bad) return bad;
  for (int i = 0; i < place->range_count; i++) {
    const char* name = loom_yaml_key(p->y, map, i);
    bool known = false;
    for (int v = 0; v < o->variable_count; v++) known = known || !strcmp(o->variables[v].name, name);
    if (!known)
      return loom_yaml_error(p->y, loom_yaml_item(p->y, map, i), name, p->err,
                             "object '%s' has no such variable", o->name);
    strcpy(place->range_names[i], name);
    int code =
        loom_yaml_read_texts(place->ranges[i][0], LOOM_EXPR_MAX, 2, NULL, p->y, map, name, true, p->err);
    if (code) return code;
  }
  return 0;
}

// The frame a place is given in: an object this distribution has placed already.
static int parse_placement_frame(loomPlacement* place, const loomResetDef* r, taskParser* p, loomNode node) {
  loomName name = "";
  place->frame = -1;
  int code = loom_yaml_read_text(name, sizeof name, p->y, node, "frame", false, p->err);
  if (code || !name[0]) return code;
  for (int i = 0; i < r->placement_count; i++) {
    if (&r->placements[i] == place) break;
    if (!strcmp(p->task->objects[r->placements[i].object].name, name)) place->frame = r->placements[i].object;
  }
  if (place->frame >= 0) return 0;
  return loom_yaml_error(p->y, loom_yaml_get(p->y, node, "frame"), "frame", p->err,
                         "'%s' is no object placed before this one", name);
}

// `x:` and `y:`, or `places:` with several of them.
static int parse_boxes(loomPlacement* place, taskParser* p, loomNode node) {
  static const char* const box_keys[] = {"x", "y", NULL};
  loomNode list = loom_yaml_get(p->y, node, "places");
  if (!list) {
    int code = loom_yaml_read_numbers(place->x, 2, NULL, p->y, node, "x", true, p->err);
    return code ? code : loom_yaml_read_numbers(place->y, 2, NULL, p->y, node, "y", true, p->err);
  }
  place->place_count = loom_yaml_count(p->y, list);
  if (!loom_yaml_is_list(p->y, list) || place->place_count < 1 || place->place_count > LOOM_MAX_PLACES)
    return loom_yaml_error(p->y, list, "places", p->err, "expected 1 to %d places", LOOM_MAX_PLACES);
  if (loom_yaml_get(p->y, node, "x") || loom_yaml_get(p->y, node, "y"))
    return loom_yaml_error(p->y, list, "places", p->err, "each place has its own x and y");
  for (int i = 0; i < place->place_count; i++) {
    loomNode box = loom_yaml_item(p->y, list, i);
    double *x = place->place_x[i], *y = place->place_y[i];
    int code = loom_yaml_only(p->y, box, box_keys, p->err);
    if (!code) code = loom_yaml_read_numbers(x, 2, NULL, p->y, box, "x", true, p->err);
    if (!code) code = loom_yaml_read_numbers(y, 2, NULL, p->y, box, "y", true, p->err);
    if (code) return code;
    place->x[0] = i ? fmin(place->x[0], x[0]) : x[0];
    place->x[1] = i ? fmax(place->x[1], x[1]) : x[1];
    place->y[0] = i ? fmin(place->y[0], y[0]) : y[0];
    place->y[1] = i ? fmax(place->y[1], y[1]) : y[1];
  }
  return 0;
}

static int parse_placement(loomPlacement* place, const loomResetDef* r, taskParser* p, loomNode node) {
  static const char* const keys[] = {"size",         "x",      "y",   "places", "z",     "yaw",
                                     "orientations", "radius", "gap", "joint",  "frame", NULL};
  static const char* const joint_keys[] = {"joint", NULL};
  place->on_joint = loom_yaml_get(p->y, node, "joint") != 0;
  int code = loom_yaml_only(p->y, node, place->on_joint ? joint_keys : keys, p->err);
  if (!code && place->on_joint)
    return loom_yaml_read_numbers(place->joint, 2, NULL, p->y, node, "joint", true, p->err);
  if (!code) code = parse_placement_frame(place, r, p, node);
  if (!code) code = parse_ranges(place, p, loom_yaml_get(p->y, node, "size"));
  if (!code) code = parse_boxes(place, p, node);
  if (!code) code = loom_yaml_read_text(place->z, sizeof place->z, p->y, node, "z", true, p->err);
  if (!code) code = loom_yaml_read_numbers(place->yaw, 2, NULL, p->y, node, "yaw", false, p->err);
  if (!code)
    code = loom_yaml_read_text(place->radius, sizeof place->radius, p->y, node, "radius", false, p->err);
  if (!code) code = loom_yaml_read_number(&place->gap, p->y, node, "gap", false, p->err);
  loomNode list = loom_yaml_get(p->y, node, "orientations");
  place->orientation_count = loom_yaml_count(p->y, list);
  if (place->orientation_count > 8) return loom_yaml_error(p->y, list, "orientations", p->err, "at most 8");
  for (int i = 0; !code && i < place->orientation_count; i++) {
    loomNode quat = loom_yaml_item(p->y, list, i);
    if (loom_yaml_count(p->y, quat) != 4)
      return loom_yaml_error(p->y, quat, "orientations", p->err, "expected a quaternion [w, x, y, z]");
    double norm = 0;
    for (int c = 0; !code && c < 4; c++) {
      code = loom_yaml_number(&place->orientations[i][c], p->y, loom_yaml_item(p->y, quat, c), "orientations",
                              p->err);
      norm += place->orientations[i][c] * place->orientations[i][c];
    }
    if (!code && !(norm > 1e-12))
      return loom_yaml_error(p->y, quat, "orientations", p->err, "a quaternion of length 0");
  }
  return code;
}

static int parse_reset(taskParser* p, loomNode root) {
  loomTask* t = p->task;
  loomNode map = loom_yaml_get(p->y, root, "reset");
  if (!loom_yaml_is_map(p->y, map)) return loom_yaml_error(p->y, root, "reset", p->err, "missing");
  int code = loom_yaml_read_int(&t->settle_steps, p->y, map, "settle", 0, 10000, false, p->err);
  for (int i = 0; !code && i < loom_yaml_count(p->y, map); i++) {
    const char* name = loom_yaml_key(p->y, map, i);
    loomNode objects = loom_yaml_item(p->y, map, i);
    if (!strcmp(name, "settle")) continue;
    if (t->reset_count >= LOOM_MAX_RESETS || strlen(name) >= LOOM_NAME_MAX ||
        !loom_yaml_is_map(p->y, objects)) {
      return loom_yaml_error(p->y, objects, name, p->err, "expected a reset distribution (at most %d)",
                             LOOM_MAX_RESETS);
    }
    loomResetDef* r = &t->resets[t->reset_count++];
    strcpy(r->name, name);
    for (int o = 0; !code && o < loom_yaml_count(p->y, objects); o++) {
      const char* object = loom_yaml_key(p->y, objects, o);
      loomPlacement* place = &r->placements[r->placement_count++];
      place->object = loom_task_find_object(t, object);
      if (place->object < 0 || r->placement_count > LOOM_MAX_OBJECTS - 1) {
        return loom_yaml_error(p->y, loom_yaml_item(p->y, objects, o), object, p->err,
                               "no such object in this task");
      }
      code = parse_placement(place, r, p, loom_yaml_item(p->y, objects, o));
    }
  }
  if (!code && !t->reset_count)
    code = loom_yaml_error(p->y, map, "reset", p->err, "no distribution; give at least D0");
  return code;
}

// ---- observations

static int add_observe(taskParser* p, loomNode node, const char* name, loomObserveDef def) {
  loomTask* t = p->task;
  if (t->observe_count >= LOOM_MAX_OBSERVE)
    return loom_yaml_error(p->y, node, "observe", p->err, "at most %d entries", LOOM_MAX_OBSERVE);
  def.line = loom_yaml_line(p->y, node);
  snprintf(def.name, sizeof def.name, "%.63s", name);
  t->observe[t->observe_count++] = def;
  return 0;
}

static int parse_one_observe(taskParser* p, loomNode node) {
  static const char* const keys[] = {"name", "pos", "from", "quat", "joint", NULL};
  loomObserveDef def = {.kind = LOOM_OBSERVE_POS};
  int code = loom_yaml_only(p->y, node, keys, p->err), given = 0;
  for (int i = 0; i < 3; i++)
    given += loom_yaml_get(p->y, node, (const char*[]){"pos", "quat", "joint"}[i]) != 0;
  if (!code) code = loom_yaml_read_text(def.name, sizeof def.name, p->y, node, "name", true, p->err);
  if (!code && given != 1) code = loom_yaml_error(p->y, node, "", p->err, "expected one of pos, quat, joint");
  if (!code && loom_yaml_get(p->y, node, "joint")) {
    def.kind = LOOM_OBSERVE_JOINT;
    code = loom_yaml_read_text(def.of.name, sizeof def.of.name, p->y, node, "joint", true, p->err);
  } else if (!code && loom_yaml_get(p->y, node, "quat")) {
    def.kind = LOOM_OBSERVE_QUAT;
    code = loom_task_parse_point(&def.of, p, node, "quat");
  } else if (!code) {
    code = loom_task_parse_point(&def.of, p, node, "pos");
  }
  if (!code && loom_yaml_get(p->y, node, "from")) code = loom_task_parse_point(&def.from, p, node, "from");
  if (!code && (def.of.at[0][0] || def.from.at[0][0]))
    code = loom_yaml_error(p->y, node, "at", p->err, "observations take no `at`");
  char name[LOOM_NAME_MAX];
  memcpy(name, def.name, sizeof name);
  return code ? code : add_observe(p, node, name, def);
}

// Without `observe:` every object's pose and its place seen from each end effector.
static int default_observe(taskParser* p, loomNode root) {
  loomTask* t = p->task;
  int code = 0;
  for (int o = 0; !code && o < t->object_count; o++) {
    char name[2 * LOOM_NAME_MAX];
    loomObserveDef def = {.of = {.kind = LOOM_POINT_OBJECT}};
    strcpy(def.of.name, t->objects[o].name);
    snprintf(name, sizeof name, "%s_pos", t->objects[o].name);
    code = add_observe(p, root, name, def);
    def.kind = LOOM_OBSERVE_QUAT;
    snprintf(name, sizeof name, "%s_quat", t->objects[o].name);
    if (!code) code = add_observe(p, root, name, def);
    def.kind = LOOM_OBSERVE_POS;
    for (int a = 0; !code && a < t->arm_count; a++) {
      def.from = (loomPoint){.kind = LOOM_POINT_EEF, .arm = a};
      snprintf(name, sizeof name, "%.40s_eef_to_%.40s", t->robots[a].prefix, t->objects[o].name);
      code = add_observe(p, root, name, def);
    }
  }
  return code;
}

static int parse_observe(taskParser* p, loomNode root) {
  loomNode list = loom_yaml_get(p->y, root, "observe");
  int code = 0;
  if (!list) return default_observe(p, root);
  if (!loom_yaml_is_list(p->y, list))
    return loom_yaml_error(p->y, list, "observe", p->err, "expected a list");
  for (int i = 0; !code && i < loom_yaml_count(p->y, list); i++)
    code = parse_one_observe(p, loom_yaml_item(p->y, list, i));
  return code;
}

// ---- task

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
    if (!code) code = read_pose(t->place_pos[a], t->place_quat[a], p->y, map, p->err);
    if (!code && !t->robots[a].part_count)
      code = loom_yaml_error(p->y, map, "place", p->err, "robot '%s' has no `parts`", t->robots[a].type);
  }
  return code;
}

static int parse_task(taskParser* p, const char* robots_dir) {
  loomNode root = loom_yaml_root(p->y);
  int code = parse_head(p, root);
  if (!code) code = parse_robots(p, root, robots_dir);
  if (!code) code = parse_place(p, root);
  if (!code) code = parse_controller(p, root);
  if (!code) code = parse_objects(p, root);
  loomNode success = loom_yaml_get(p->y, root, "success"), lost = loom_yaml_get(p->y, root, "lost");
  p->named = loom_yaml_get(p->y, root, "conditions");
  memset(p->named_index, -1, sizeof p->named_index);
  int names = 0;
  if (!code) code = count_names(&names, p, p->named, "conditions", LOOM_MAX_CONDITIONS);
  if (!code && !success) code = loom_yaml_error(p->y, root, "success", p->err, "missing");
  if (!code) code = loom_task_parse_condition(&p->task->success, p, success);
  if (!code && lost) code = loom_task_parse_condition(&p->task->lost, p, lost);
  if (!code) code = parse_observe(p, root);
  if (!code) code = parse_reset(p, root);
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
  int code = read_file(&text, &n, path, err);
  if (!code) code = loom_task_parse(out, text, n, path, robots_dir, err);
  free(text);
  return code;
}

void loom_task_destroy(loomTask* task) {
  free(task);
}

int loom_task_find_reset(const loomTask* t, const char* name) {
  for (int i = 0; i < t->reset_count; i++) {
    if (!strcmp(t->resets[i].name, name)) return i;
  }
  return -1;
}

int loom_task_find_object(const loomTask* t, const char* name) {
  for (int i = 0; i < t->object_count; i++) {
    if (!strcmp(t->objects[i].name, name)) return i;
  }
  return -1;
}

int loom_task_find_subtask(const loomTask* t, int arm, const char* name) {
  for (int k = 0; k < t->subtask_count[arm]; k++) {
    if (!strcmp(t->subtasks[arm][k].name, name)) return k;
  }
  return -1;
}
