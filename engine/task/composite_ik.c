#include "engine/task/composite_ik.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char* const sides[LOOM_IK_HANDS] = {"right", "left"};

// What is read below, and what robosuite 1.5.2 takes no notice of.
static const char* const known[] = {"ref_name",
                                    "actuation_part_names",
                                    "nullspace_joint_weights",
                                    "ik_pseudo_inverse_damping",
                                    "ik_integration_dt",
                                    "ik_max_dq",
                                    "ik_max_dq_torso",
                                    "ik_input_type",
                                    "ik_input_ref_frame",
                                    "ik_input_rotation_repr",
                                    "max_dq",
                                    "interpolation",
                                    "verbose",
                                    "ik_verbose"};

typedef struct ikReader {
  loomIkDef* out;
  const cJSON* config;  // composite_controller_specific_configs
  const loomTask* task;
  const int* arm;
  int arms;
  const char* label;
  loomError* err;
} ikReader;

bool loom_ik_is(const cJSON* composite) {
  return loom_json_says(loom_json_get(composite, "type"), "WHOLE_BODY_IK");
}

static const cJSON* specific(const cJSON* composite) {
  return loom_json_get(composite, "composite_controller_specific_configs");
}

bool loom_ik_moves(const cJSON* composite, const char* part) {
  const cJSON* name;
  if (!loom_ik_is(composite)) return false;

  cJSON_ArrayForEach(name, loom_json_get(specific(composite), "actuation_part_names")) {
    if (loom_json_says(name, part)) return true;
  }
  return false;
}

int loom_ik_pose_dim(const loomIkDef* ik) {
  return ik->quat ? 7 : 6;
}

// ---- settings

static int refuse(const ikReader* r, const cJSON* node, const char* why) {
  char* text = cJSON_PrintUnformatted(node);
  int code = loom_error_set(r->err, LOOM_ERR_UNSUPPORTED,
                            "%s: controller_configs: %s of WHOLE_BODY_IK is %.60s, %s; take it out of "
                            "env_args if it had no effect on these data",
                            r->label, node->string, text ? text : "something", why);
  cJSON_free(text);
  return code;
}

static int check_keys(const ikReader* r) {
  const cJSON* node;
  cJSON_ArrayForEach(node, r->config) {
    bool found = cJSON_IsNull(node) || cJSON_IsFalse(node);
    for (size_t i = 0; !found && i < sizeof known / sizeof *known; i++)
      found = !strcmp(known[i], node->string);
    if (!found) return refuse(r, node, "which is not done here");
  }

  // It reads this one for nothing but a file of poses in place of actions: poses are absolute.
  node = loom_json_get(r->config, "ik_input_type");
  if (node && !loom_json_says(node, "absolute"))
    return refuse(r, node, "and poses are absolute ('absolute')");
  return 0;
}

static int read_numbers(const ikReader* r) {
  loomIkDef* out = r->out;
  const struct {
    const char* name;
    double* to;
    double otherwise;
    bool positive;
  } numbers[] = {{"ik_pseudo_inverse_damping", &out->damping, 0.05, true},
                 {"ik_integration_dt", &out->dt, 0.1, true},
                 {"ik_max_dq", &out->max_speed, 4, false},
                 {"ik_max_dq_torso", &out->max_torso_speed, 0.2, false}};

  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    const cJSON* node = loom_json_get(r->config, numbers[i].name);
    *numbers[i].to = node ? node->valuedouble : numbers[i].otherwise;
    if (!node) continue;
    if (!cJSON_IsNumber(node) || !isfinite(node->valuedouble)) return refuse(r, node, "which is no number");
    if (numbers[i].positive && !(node->valuedouble > 0)) return refuse(r, node, "which is not above 0");
  }
  return 0;
}

static int read_words(const ikReader* r) {
  const cJSON *turn = loom_json_get(r->config, "ik_input_rotation_repr"),
              *frame = loom_json_get(r->config, "ik_input_ref_frame");
  r->out->quat = loom_json_says(turn, "quat_wxyz");
  if (turn && !r->out->quat && !loom_json_says(turn, "axis_angle"))
    return refuse(r, turn, "which is neither 'axis_angle' nor 'quat_wxyz'");

  // "base" is the first robot's, whichever robot's the controller is.
  if (!frame || loom_json_says(frame, "world")) return 0;
  if (!cJSON_IsString(frame) || strlen(frame->valuestring) >= LOOM_NAME_MAX)
    return refuse(r, frame, "which is no body's name");
  snprintf(r->out->frame, sizeof r->out->frame, "%s",
           loom_json_says(frame, "base") ? "robot0_base" : frame->valuestring);
  return 0;
}

// ---- hands and joints

static const cJSON* list_of(const ikReader* r, const char* key, int* code) {
  const cJSON *list = loom_json_get(r->config, key), *item;
  bool texts = cJSON_IsArray(list);

  cJSON_ArrayForEach(item, list) texts = texts && cJSON_IsString(item);
  if (!texts)
    *code = loom_error_set(r->err, LOOM_ERR_FORMAT,
                           "%s: controller_configs: WHOLE_BODY_IK has no list %s of names", r->label, key);
  return texts ? list : NULL;
}

static int read_hand(const ikReader* r, const char* site) {
  loomIkDef* out = r->out;

  for (int k = 0; k < r->arms && k < LOOM_IK_HANDS; k++) {
    if (strcmp(r->task->robots[r->arm[k]].eef_site, site)) continue;
    for (int i = 0; i < out->hand_count; i++)
      if (out->hand[i] == r->arm[k])
        return loom_error_set(r->err, LOOM_ERR_UNSUPPORTED,
                              "%s: controller_configs: WHOLE_BODY_IK has '%.60s' twice in ref_name", r->label,
                              site);
    out->hand[out->hand_count++] = r->arm[k];
    return 0;
  }

  if (out->elsewhere_count == LOOM_IK_ELSEWHERE || strlen(site) >= LOOM_NAME_MAX)
    return loom_error_set(r->err, LOOM_ERR_UNSUPPORTED,
                          "%s: controller_configs: WHOLE_BODY_IK has '%.60s' in ref_name, which is none of "
                          "the robot's hands",
                          r->label, site);
  snprintf(out->elsewhere[out->elsewhere_count++], LOOM_NAME_MAX, "%s", site);
  return 0;
}

static int read_hands(const ikReader* r) {
  int code = 0;
  const cJSON *names = list_of(r, "ref_name", &code), *name;
  cJSON_ArrayForEach(name, names) if (!code) code = read_hand(r, name->valuestring);
  if (code || r->out->hand_count) return code;
  return loom_error_set(
      r->err, LOOM_ERR_FORMAT,
      "%s: controller_configs: WHOLE_BODY_IK's ref_name has none of the hands of robot '%s'", r->label,
      r->out->robot->robot);
}

// A part's joints, each with what draws it to 0.
static int add_joints(const ikReader* r, const cJSON* part, int arm, int body, const loomName* joints,
                      int n) {
  const cJSON* gains = loom_json_get(r->config, "nullspace_joint_weights");
  for (int i = 0; i < r->out->joint_count; i++) {
    const loomIkJoint* had = &r->out->joint[i];
    if (had->arm == arm && (arm >= 0 || had->part == body))
      return loom_error_set(r->err, LOOM_ERR_UNSUPPORTED,
                            "%s: controller_configs: WHOLE_BODY_IK has '%.60s' twice in actuation_part_names",
                            r->label, part->valuestring);
  }

  for (int i = 0; i < n; i++) {
    const cJSON* gain = loom_json_get(gains, joints[i]);
    if (gain && (!cJSON_IsNumber(gain) || !isfinite(gain->valuedouble)))
      return refuse(r, gain, "which is no number");
    r->out->joint[r->out->joint_count++] =
        (loomIkJoint){.arm = arm, .part = body, .index = i, .gain = gain ? gain->valuedouble : 1};
  }
  return 0;
}

static int read_part(const ikReader* r, const cJSON* part) {
  const char* name = part->valuestring;

  for (int k = 0; k < r->arms && k < LOOM_IK_HANDS; k++) {
    const loomJointsDef* arm = &r->task->robots[r->arm[k]].arm;
    if (!strcmp(name, sides[k])) return add_joints(r, part, r->arm[k], -1, arm->joints, arm->count);
  }

  // Bases know speeds, grippers are no robot's joints. What the robot does not have, robosuite leaves out.
  const char* end = strstr(name, "_gripper");
  bool gripper = end && !strcmp(end, "_gripper");
  for (int i = 0; i < r->out->robot->body_count; i++) {
    const loomBodyPartDef* body = &r->out->robot->body[i];
    if (strcmp(name, loom_body_part_names[body->kind])) continue;
    if (body->kind != LOOM_BODY_BASE) return add_joints(r, part, -1, i, body->joints, body->count);
    gripper = true;
  }
  if (!gripper) return 0;
  return loom_error_set(
      r->err, LOOM_ERR_UNSUPPORTED,
      "%s: controller_configs: WHOLE_BODY_IK moves '%.60s' (actuation_part_names), which is "
      "not done here",
      r->label, name);
}

static int read_joints(const ikReader* r, const cJSON* composite) {
  int code = 0;
  const cJSON *parts = list_of(r, "actuation_part_names", &code), *part;
  if (!code && !cJSON_IsObject(loom_json_get(r->config, "nullspace_joint_weights")))
    code =
        loom_error_set(r->err, LOOM_ERR_FORMAT,
                       "%s: controller_configs: WHOLE_BODY_IK has no map nullspace_joint_weights", r->label);
  cJSON_ArrayForEach(part, parts) if (!code) code = read_part(r, part);

  // An arm by itself beside the others has entries of its own.
  for (int k = 0; !code && k < r->arms && k < LOOM_IK_HANDS; k++)
    if (!loom_ik_moves(composite, sides[k]))
      code = loom_error_set(r->err, LOOM_ERR_UNSUPPORTED,
                            "%s: controller_configs: WHOLE_BODY_IK does not move the %s arm "
                            "(actuation_part_names), which is not done here",
                            r->label, sides[k]);
  return code;
}

int loom_ik_read(loomIkDef* out, const cJSON* composite, const loomTask* task, const int* arm, int arms,
                 const char* label, loomError* err) {
  int first = out->first;
  memset(out, 0, sizeof *out);
  out->first = first;
  out->robot = &task->robots[arm[0]];

  ikReader r = {out, specific(composite), task, arm, arms, label, err};
  int code = check_keys(&r);
  if (!code) code = read_numbers(&r);
  if (!code) code = read_words(&r);
  if (!code) code = read_hands(&r);
  return code ? code : read_joints(&r, composite);
}
