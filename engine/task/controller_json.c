#include "engine/task/controller_json.h"

#include <math.h>
#include <string.h>

// What to do about data whose controller cannot be read.
#define WAY_OUT "give the task file a `controller:` that does the same"
#define NO_EFFECT "take it out of env_args if it had no effect on these data"

// ---- numbers

static bool json_numbers(double* out, int n, const cJSON* node) {
  if (cJSON_IsNumber(node)) {
    for (int i = 0; i < n; i++) out[i] = node->valuedouble;
    return true;
  }

  if (!cJSON_IsArray(node) || cJSON_GetArraySize(node) != n) return false;
  const cJSON* item;
  cJSON_ArrayForEach(item, node) {
    if (!cJSON_IsNumber(item)) return false;
    *out++ = item->valuedouble;
  }
  return true;
}

// ---- keys

// Read below, or without effect under fixed impedance.
static const char* const known[] = {"type",
                                    "input_min",
                                    "input_max",
                                    "output_min",
                                    "output_max",
                                    "kp",
                                    "damping_ratio",
                                    "damping",
                                    "kp_limits",
                                    "damping_limits",
                                    "damping_ratio_limits",
                                    "impedance_mode",
                                    "control_delta",
                                    "input_type",
                                    "uncouple_pos_ori",
                                    "control_ori",
                                    "input_ref_frame",
                                    "goal_update_mode",
                                    "interpolation",
                                    "ramp_ratio",
                                    "gripper",
                                    "robosuite",
                                    "posture",
                                    "torso_weight",
                                    "policy_freq",
                                    "ndim",
                                    "lite_physics",
                                    "part_name",
                                    "naming_prefix",
                                    "ref_name",
                                    "robot_name",
                                    "eef_name"};

// robosuite 1.5's JOINT_POSITION has its damper in N m s/rad, and takes no notice of the others.
static const char* const known15[] = {"kd", "kv", "velocity_limits", "use_torque_compensation"};

static bool is_known(const char* key, bool joints15) {
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(known[i], key)) return true;
  for (size_t i = 0; joints15 && i < sizeof known15 / sizeof *known15; i++)
    if (!strcmp(known15[i], key)) return true;
  return false;
}

static int refuse(const char* label, const cJSON* node, const char* why, loomError* err) {
  char* text = cJSON_PrintUnformatted(node);
  int code = loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: controller_configs: %s is %.60s%s%s; " NO_EFFECT,
                            label, node->string, text ? text : "something", why[0] ? ", " : "", why);
  cJSON_free(text);
  return code;
}

// Keys that have another value than what is done here.
static int check_keys(const cJSON* config, bool joints15, const char* label, loomError* err) {
  const cJSON* node;

  // Limits of goals and the like: nothing that is set may be passed over.
  cJSON_ArrayForEach(node, config) {
    bool off = cJSON_IsNull(node) || cJSON_IsFalse(node) || (cJSON_IsArray(node) && !node->child);
    if (!off && !is_known(node->string, joints15)) return refuse(label, node, "which is not done here", err);
  }

  const struct {
    const char *key, *only, *why;
  } fixed[] = {{"impedance_mode", "fixed", "and only 'fixed' is supported"},
               {"goal_update_mode", "achieved", "and goals here start from where the arm is ('achieved')"}};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
    node = loom_json_get(config, fixed[i].key);
    if (node && !loom_json_says(node, fixed[i].only)) return refuse(label, node, fixed[i].why, err);
  }

  // Goals are taken at once; a ramp belongs to the interpolation.
  node = loom_json_get(config, "interpolation");
  if (node && !cJSON_IsFalse(node) && !loom_json_says(node, "null"))
    return refuse(label, node, "and goals are not interpolated here", err);

  node = loom_json_get(config, "use_torque_compensation");
  if (node && cJSON_IsFalse(node)) return refuse(label, node, "and gravity is held against here", err);

  node = loom_json_get(config, "control_ori");
  if (node && !cJSON_IsTrue(node)) return refuse(label, node, "and poses have an orientation here", err);

  node = loom_json_get(config, "input_type");
  if (node && !loom_json_says(node, "delta") && !loom_json_says(node, "absolute"))
    return refuse(label, node, "which is neither 'delta' nor 'absolute'", err);

  node = loom_json_get(loom_json_get(config, "gripper"), "type");
  if (node && !loom_json_says(node, "GRIP"))
    return refuse(label, node, "and grippers are driven as GRIP here", err);

  node = loom_json_get(config, "input_ref_frame");
  if (node && !loom_json_says(node, "world") && !loom_json_says(node, "base"))
    return refuse(label, node, "which is neither 'world' nor 'base'", err);
  return 0;
}

// ---- one configuration

static int read_type(loomControllerType* out, const cJSON* config, const char* label, loomError* err) {
  const cJSON* type = loom_json_get(config, "type");
  if (!cJSON_IsString(type))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: controller_configs has no type; " WAY_OUT, label);

  for (int i = 0; i < 3; i++) {
    *out = (loomControllerType)i;
    if (loom_json_says(type, loom_controller_names[i])) return 0;
  }
  return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                        "%s: controller '%.60s'; OSC_POSE and JOINT_POSITION are supported; " WAY_OUT, label,
                        type->valuestring);
}

// A joint's damper of its own stands for its ratio.
static int read_dampers(loomControllerDef* out, const cJSON* kd, int n, const char* label, loomError* err) {
  double damper[LOOM_MAX_JOINTS];
  if (!kd) return 0;

  bool ok = json_numbers(damper, n, kd);
  for (int i = 0; ok && i < n; i++) {
    ok = out->kp[i] > 0 || damper[i] == 0;
    out->damping_ratio[i] = out->kp[i] > 0 ? damper[i] / (2 * sqrt(out->kp[i])) : 0;
  }
  return ok ? 0
            : loom_error_set(err, LOOM_ERR_FORMAT,
                             "%s: controller_configs: kd must be a number or %d numbers, one a joint of the "
                             "arm, each beside a kp above 0",
                             label, n);
}

int loom_controller_read(loomControllerDef* out, const cJSON* config, int joints, bool robosuite15,
                         const loomControllerDef* otherwise, const char* label, loomError* err) {
  static const loomControllerDef none;
  *out = otherwise ? *otherwise : none;
  int code = read_type(&out->type, config, label, err);
  bool by_joint = out->type == LOOM_JOINT_POSITION;
  if (!code) code = check_keys(config, by_joint && robosuite15, label, err);
  if (code) return code;

  // Six entries of a pose, or one a joint; 1.5 calls the damping ratio `damping`, too.
  int n = by_joint ? joints : 6;
  const cJSON* damping = loom_json_get(config, "damping_ratio");
  const struct {
    double* to;
    const cJSON* from;
    const char* name;
    double otherwise;  // robosuite 1.5's JOINT_POSITION
  } lists[] = {
      {out->input_min, loom_json_get(config, "input_min"), "input_min", -1},
      {out->input_max, loom_json_get(config, "input_max"), "input_max", 1},
      {out->output_min, loom_json_get(config, "output_min"), "output_min", -0.05},
      {out->output_max, loom_json_get(config, "output_max"), "output_max", 0.05},
      {out->kp, loom_json_get(config, "kp"), "kp", 50},
      {out->damping_ratio, damping ? damping : loom_json_get(config, "damping"), "damping_ratio", 1}};

  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    if (!lists[i].from && otherwise) continue;
    if (!lists[i].from && by_joint && robosuite15) {
      for (int k = 0; k < n; k++) lists[i].to[k] = lists[i].otherwise;
      continue;
    }
    if (lists[i].from && json_numbers(lists[i].to, n, lists[i].from)) continue;
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: controller_configs: %s must be a number or %d numbers, one %s", label,
                          lists[i].name, n, by_joint ? "a joint of the arm" : "an entry of a pose");
  }

  if (by_joint && robosuite15) code = read_dampers(out, loom_json_get(config, "kd"), n, label, err);
  if (code) return code;

  // robosuite 1.4 says `control_delta`, later versions `input_type`.
  const cJSON *delta = loom_json_get(config, "control_delta"),
              *apart = loom_json_get(config, "uncouple_pos_ori");
  out->delta = delta ? cJSON_IsTrue(delta) : !loom_json_says(loom_json_get(config, "input_type"), "absolute");
  out->uncouple_pos_ori = !apart || cJSON_IsTrue(apart);

  // Whose axes poses are along; 1.5's own are the robot's base's.
  const cJSON *frame = loom_json_get(config, "input_ref_frame"),
              *version = loom_json_get(config, "robosuite");
  bool of15 = cJSON_IsNumber(version) ? version->valuedouble >= 1.5 : robosuite15;
  out->robosuite15 = out->type != LOOM_WHOLE_BODY_IK && of15;
  out->in_base = out->type == LOOM_OSC_POSE && (frame ? loom_json_says(frame, "base") : robosuite15);

  // Whether fingers are told shares of their actuators' ranges.
  out->raw_hand = cJSON_IsFalse(loom_json_get(loom_json_get(config, "gripper"), "use_action_scaling"));

  // Ours alone, with the defaults of task files.
  const cJSON *posture = loom_json_get(config, "posture"), *torso = loom_json_get(config, "torso_weight");
  out->posture = cJSON_IsNumber(posture) ? posture->valuedouble : otherwise ? otherwise->posture : 2e-5;
  out->torso_weight = cJSON_IsNumber(torso) ? torso->valuedouble : otherwise ? otherwise->torso_weight : 10;

  const char* wrong = loom_controller_wrong(out, n);
  return wrong ? loom_error_set(err, LOOM_ERR_FORMAT, "%s: controller_configs: %s", label, wrong) : 0;
}

// ---- which configuration

bool loom_controller_composite(const cJSON* config) {
  static const char* const types[] = {"BASIC", "HYBRID_MOBILE_BASE", "WHOLE_BODY_IK"};
  for (size_t i = 0; loom_json_get(config, "body_parts") && i < sizeof types / sizeof *types; i++)
    if (loom_json_says(loom_json_get(config, "type"), types[i])) return true;
  return false;
}

const cJSON* loom_controller_of_arm(const cJSON* config, int which, int arms, bool* composite,
                                    const char* label, loomError* err) {
  static const char* const sides[] = {"right", "left"};
  const cJSON *parts = loom_json_get(config, "body_parts"), *type = loom_json_get(config, "type");
  *composite = parts != NULL;

  // 1.5's composites say how all of a robot's parts go together.
  if (parts && !loom_controller_composite(config)) {
    loom_error_set(
        err, LOOM_ERR_UNSUPPORTED,
        "%s: controller_configs is the composite controller '%.60s' of robosuite 1.5; of these BASIC, "
        "HYBRID_MOBILE_BASE and WHOLE_BODY_IK are supported (of others, states replay under any "
        "`controller:`); " WAY_OUT,
        label, cJSON_IsString(type) ? type->valuestring : "without a type");
    return NULL;
  }
  if (!parts && (loom_json_says(type, "BASIC") || loom_json_says(type, "HYBRID_MOBILE_BASE"))) {
    loom_error_set(err, LOOM_ERR_FORMAT,
                   "%s: controller_configs is robosuite 1.5's composite %s without body_parts; " WAY_OUT,
                   label, type->valuestring);
    return NULL;
  }

  // 1.4's robots of two arms may have one configuration for both, or one a side.
  const cJSON* by_side = parts ? parts : config;
  if (loom_json_get(by_side, "arms")) by_side = loom_json_get(by_side, "arms");
  if (!parts && type) return config;
  const cJSON* arm = loom_json_get(by_side, sides[which & 1]);
  if (!arm && arms == 1) arm = loom_json_get(by_side, "left");
  if (arm) return arm;

  loom_error_set(err, LOOM_ERR_FORMAT, "%s: controller_configs has no controller for the %s arm; " WAY_OUT,
                 label, sides[which & 1]);
  return NULL;
}
