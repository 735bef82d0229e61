// Controller configurations, from task.yaml and from the env_args of robosuite's datasets.
#include "engine/task/controller_def.h"

#include <string.h>

#include "engine/base/json.h"
#include "engine/task/task_parse.h"

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

  // Six entries of a pose, or one a joint of a Panda; 1.5 calls the damping ratio `damping`.
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

  // robosuite 1.4 says `control_delta`, later versions `input_type`.
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
  cJSON* root = json ? loom_json_read(json) : NULL;
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

// A list of n numbers, or one number for all of them.
static int yaml_spread(double* out, int n, taskParser* p, loomNode map, const char* key, double otherwise) {
  loomNode node = loom_yaml_get(p->y, map, key);
  for (int i = 0; i < n; i++) out[i] = otherwise;

  if (node && loom_yaml_is_list(p->y, node))
    return loom_yaml_read_numbers(out, n, NULL, p->y, map, key, true, p->err);
  int code = node ? loom_yaml_number(&out[0], p->y, node, key, p->err) : 0;
  for (int i = 1; i < n; i++) out[i] = out[0];
  return code;
}

int loom_task_parse_controller(taskParser* p, loomNode root) {
  loomNode map = loom_yaml_get(p->y, root, "controller");
  if (!map) return 0;

  // Which controller: the number of its entries depends on it.
  loomControllerDef* c = &p->task->controller;
  loomName type = "OSC_POSE";
  int code = loom_task_only(p->y, map, "controller", p->err);
  if (!code) code = loom_yaml_read_text(type, sizeof type, p->y, map, "type", true, p->err);
  int kind = 0;
  while (kind < 3 && strcmp(type, loom_controller_names[kind])) kind++;
  if (!code && kind == 3)
    return loom_yaml_error(p->y, map, "type", p->err, "OSC_POSE, JOINT_POSITION or WHOLE_BODY_IK, not '%s'",
                           type);
  c->type = (loomControllerType)kind;

  // What an action means: clipped to the input range, scaled to the output range (m, rad).
  int n = loom_controller_pose_dim(c, &p->task->robots[0]);
  if (!code) code = yaml_spread(c->input_min, n, p, map, "input_min", -1);
  if (!code) code = yaml_spread(c->input_max, n, p, map, "input_max", 1);
  if (!code) code = yaml_spread(c->output_min, n, p, map, "output_min", -0.05);
  if (!code) code = yaml_spread(c->output_max, n, p, map, "output_max", 0.05);

  // Its stiffness, by type: N/m and N m/rad of the end effector, N m/rad of a joint, 1/s of the whole body.
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
