#include "engine/task/agree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/task/controller_json.h"

static const cJSON* kwargs_of(const cJSON* root) {
  const cJSON* kwargs = loom_json_get(root, "env_kwargs");
  return cJSON_IsObject(kwargs) ? kwargs : root;
}

static int robot_count(const loomTask* task) {
  return task->robots[task->arm_count - 1].index + 1;
}

// ---- rate

static int check_rate(const loomTask* task, const cJSON* kwargs, const char* label, loomError* err) {
  const cJSON* rate = loom_json_get(kwargs, "control_freq");
  if (!rate) return 0;
  if (!cJSON_IsNumber(rate) || !(rate->valuedouble > 0))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: control_freq of its env_args is no rate in Hz", label);

  // A task's times are in control steps, so another rate is another task.
  if (fabs(rate->valuedouble - task->control_freq) <= 1e-6 * task->control_freq) return 0;
  return loom_error_set(
      err, LOOM_ERR_FORMAT,
      "%s: its control_freq is %g Hz and the task's %d Hz, so its actions would be stepped at another "
      "rate than they were made at; write `control_freq: %g` in %s (its times are in control steps), "
      "or use a task of that rate",
      label, rate->valuedouble, task->control_freq, rate->valuedouble, task->path);
}

// ---- robots

static bool is_robot(const char* name, const loomRobotDef* robot) {
  return !strcasecmp(name, robot->robot) || !strcasecmp(name, robot->type) ||
         (robot->robosuite[0] && !strcasecmp(name, robot->robosuite));
}

static int check_robots(const loomTask* task, const cJSON* kwargs, const char* label, loomError* err) {
  const cJSON* robots = loom_json_get(kwargs, "robots");
  if (!robots) return 0;

  // As many as the task has: a single robot's data are not two robots'.
  int n = cJSON_IsArray(robots) ? cJSON_GetArraySize(robots) : 1, count = robot_count(task);
  if (n != count)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: its env_args have %d robot%s and the task has %d", label,
                          n, n == 1 ? "" : "s", count);

  // By what this house or robosuite calls them; a robot's file need not know robosuite's name.
  for (int a = 0; a < task->arm_count; a++) {
    const loomRobotDef* robot = &task->robots[a];
    const cJSON* name = cJSON_IsArray(robots) ? cJSON_GetArrayItem(robots, robot->index) : robots;
    if (!cJSON_IsString(name) || is_robot(name->valuestring, robot)) continue;
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: robot %d of its env_args is '%.60s' and the task's is '%s'; if they are one, write "
        "`robosuite: %.60s` in the robot's file",
        label, robot->index, name->valuestring, robot->robot, name->valuestring);
  }
  return 0;
}

// ---- controllers

static bool is_15(const cJSON* root) {
  const cJSON* version = loom_json_get(root, "env_version");
  return cJSON_IsString(version) && strtod(version->valuestring, NULL) >= 1.5;
}

// Which of a list: one a robot, or one an arm.
static const cJSON* entry_of(const cJSON* configs, const loomTask* task, int arm, bool* by_arm,
                             const char* label, loomError* err) {
  int n = cJSON_GetArraySize(configs), robots = robot_count(task);
  *by_arm = false;

  // One for all goes without a list or in one of its own.
  if (!cJSON_IsArray(configs)) return configs;
  if (n == 1) return configs->child;
  if (n == robots) return cJSON_GetArrayItem(configs, task->robots[arm].index);
  *by_arm = true;
  if (n == task->arm_count) return cJSON_GetArrayItem(configs, arm);

  loom_error_set(err, LOOM_ERR_FORMAT,
                 "%s: controller_configs is a list of %d where the task has %d robots and %d arms", label, n,
                 robots, task->arm_count);
  return NULL;
}

// How many arms a robot has, and which of them this one is.
static int arms_of(int* which, const loomTask* task, int arm) {
  int n = 0;
  for (int a = 0; a < task->arm_count; a++) {
    if (task->robots[a].index != task->robots[arm].index) continue;
    if (a == arm) *which = n;
    n++;
  }
  return n;
}

static int read_arm(loomControllerDef* out, const cJSON* root, const cJSON* configs, const loomTask* task,
                    int arm, const loomControllerDef* otherwise, const char* label, loomError* err) {
  bool by_arm, composite = false;
  int which = 0, arms = arms_of(&which, task, arm);

  // The robot's entry, then the arm's part of it.
  const cJSON* config = entry_of(configs, task, arm, &by_arm, label, err);
  if (config && !cJSON_IsObject(config)) {
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: controller_configs is no object; give the task file a `controller:`", label);
  }

  if (config)
    config = loom_controller_of_arm(config, by_arm ? 0 : which, by_arm ? 1 : arms, &composite, label, err);
  if (!config) return err && err->code ? err->code : LOOM_ERR_FORMAT;
  return loom_controller_read(out, config, task->robots[arm].arm.count, composite || is_15(root), otherwise,
                              label, err);
}

// What they leave out is as in wanted (arm_count, nullable).
static int read_controllers(loomControllerDef* out, const cJSON* root, const loomTask* task,
                            const loomControllerDef* wanted, const char* label, loomError* err) {
  const cJSON *kwargs = kwargs_of(root),
              *configs = cJSON_GetObjectItemCaseSensitive(kwargs, "controller_configs");

  // A configuration alone is taken as one, too.
  if (!configs && loom_json_get(root, "type") && !loom_json_get(root, "env_kwargs")) configs = root;
  if (!configs)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: env_args has no controller_configs; give the task file a `controller:`",
                          label);
  if (cJSON_IsNull(configs))
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: controller_configs is null, which leaves the controller to robosuite's defaults for its "
        "robots; give the task file a `controller:`",
        label);

  int code = 0;
  for (int a = 0; !code && a < task->arm_count; a++)
    code = read_arm(&out[a], root, configs, task, a, wanted ? &wanted[a] : NULL, label, err);
  for (int a = 1; !code && a < task->arm_count; a++)
    if ((out[a].type == LOOM_WHOLE_BODY_IK) != (out[0].type == LOOM_WHOLE_BODY_IK))
      code = loom_error_set(err, LOOM_ERR_UNSUPPORTED, "%s: WHOLE_BODY_IK drives all arms together, or none",
                            label);
  return code;
}

static bool close_to(double a, double b) {
  return fabs(a - b) <= 1e-9 * fmax(1, fmax(fabs(a), fabs(b)));
}

// The first key in which two controllers differ, or NULL; the numbers are told where they are numbers.
static const char* first_difference(double numbers[2], const loomControllerDef* data,
                                    const loomControllerDef* task, int n) {
  bool scaled = task->delta || task->type == LOOM_JOINT_POSITION, whole = task->type == LOOM_WHOLE_BODY_IK;
  numbers[0] = numbers[1] = NAN;

  if (data->type != task->type) return "type";
  if (data->delta != task->delta) return "delta";
  if (task->type == LOOM_OSC_POSE && data->uncouple_pos_ori != task->uncouple_pos_ori)
    return "uncouple_pos_ori";
  if (data->raw_hand != task->raw_hand) return "use_action_scaling";
  if (task->type == LOOM_OSC_POSE && data->in_base != task->in_base) return "input_ref_frame";
  if (task->type == LOOM_OSC_POSE && data->robosuite15 != task->robosuite15) return "robosuite";

  const struct {
    const char* name;
    const double *data, *task;
    int n;
  } lists[] = {{"input_min", data->input_min, task->input_min, scaled ? n : 0},
               {"input_max", data->input_max, task->input_max, scaled ? n : 0},
               {"output_min", data->output_min, task->output_min, scaled ? n : 0},
               {"output_max", data->output_max, task->output_max, scaled ? n : 0},
               {"kp", data->kp, task->kp, whole ? 1 : n},
               {"damping_ratio", data->damping_ratio, task->damping_ratio, whole ? 1 : n},
               {"posture", &data->posture, &task->posture, whole},
               {"torso_weight", &data->torso_weight, &task->torso_weight, whole}};

  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    for (int k = 0; k < lists[i].n; k++) {
      numbers[0] = lists[i].data[k];
      numbers[1] = lists[i].task[k];
      if (!close_to(numbers[0], numbers[1])) return lists[i].name;
    }
  }
  return NULL;
}

static int compare_controllers(const loomControllerDef* data, const loomControllerDef* wanted,
                               const loomTask* task, const char* label, loomError* err) {
  for (int a = 0; a < task->arm_count; a++) {
    double numbers[2];
    const char* key = first_difference(numbers, &data[a], &wanted[a],
                                       loom_controller_pose_dim(&wanted[a], &task->robots[a]));
    if (!key) continue;

    // Both values, where they can be told.
    char values[80] = "";
    if (!strcmp(key, "type"))
      snprintf(values, sizeof values, " (%s, and %s)", loom_controller_names[data[a].type],
               loom_controller_names[wanted[a].type]);
    else if (isfinite(numbers[0]))
      snprintf(values, sizeof values, " (%g, and %g)", numbers[0], numbers[1]);

    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: arm %d's controller has another %s than the task's%s, so its actions mean something else; "
        "make the `controller:` of %s the same, or for data take it out to use theirs",
        label, a, key, values, task->path);
  }
  return 0;
}

// A controller of a type that cannot be read is another than the task's all the same. *told: all say the
// task's type.
static int compare_types(bool* told, const cJSON* root, const loomControllerDef* wanted, const loomTask* task,
                         const char* label, loomError* err) {
  const cJSON* configs = loom_json_get(kwargs_of(root), "controller_configs");
  *told = configs != NULL;

  for (int a = 0; configs && a < task->arm_count; a++) {
    bool by_arm, composite;
    int which = 0, arms = arms_of(&which, task, a);

    const cJSON* config = entry_of(configs, task, a, &by_arm, label, err);
    if (!config) return LOOM_ERR_FORMAT;
    *told = *told && cJSON_IsObject(config);
    if (!*told) return 0;

    config = loom_controller_of_arm(config, by_arm ? 0 : which, by_arm ? 1 : arms, &composite, label, NULL);
    const cJSON* type = loom_json_get(config, "type");
    *told = cJSON_IsString(type);

    if (cJSON_IsString(type) && strcmp(type->valuestring, loom_controller_names[wanted[a].type]))
      return loom_error_set(
          err, LOOM_ERR_FORMAT,
          "%s: arm %d's controller is '%.60s' and the task's is %s, so its actions mean something else",
          label, a, type->valuestring, loom_controller_names[wanted[a].type]);
  }
  return 0;
}

// Where data say what drove them it is `wanted`. For controllers without a type, null and unknown composites
// the task's stands in; not for one of its own type that does something else.
static int check_wanted(const cJSON* root, const loomControllerDef* wanted, const loomTask* task,
                        const char* label, loomError* err) {
  loomControllerDef said[LOOM_MAX_ARMS];
  loomError why = {0};
  int code = read_controllers(said, root, task, wanted, label, &why);
  if (!code) return compare_controllers(said, wanted, task, label, err);

  bool told;
  int other = compare_types(&told, root, wanted, task, label, err);
  if (other || !told) return other;
  if (err) *err = why;
  return code;
}

// ---- the whole

static int agree(loomControllerDef* control, const loomTask* task, const cJSON* root, const char* label,
                 loomError* err) {
  int code = root ? check_rate(task, kwargs_of(root), label, err) : 0;
  if (!code && root) code = check_robots(task, kwargs_of(root), label, err);

  if (code) return code;

  // What a task says of its controller goes for data that say nothing that can be read.
  if (task->has_controller) {
    for (int a = 0; a < task->arm_count; a++) control[a] = task->controller;
    return root ? check_wanted(root, control, task, label, err) : 0;
  }

  if (!root)
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: env_args is not JSON; give the task file a `controller:`", label);
  return read_controllers(control, root, task, NULL, label, err);
}

int loom_task_agrees(loomControllerDef control[LOOM_MAX_ARMS], const loomTask* task, const char* env_args,
                     const char* label, loomError* err) {
  memset(control, 0, LOOM_MAX_ARMS * sizeof *control);
  cJSON* root = env_args ? loom_json_read(env_args) : NULL;

  int code = agree(control, task, root, label, err);
  cJSON_Delete(root);
  return code;
}

int loom_task_agrees_policy(const loomTask* task, const loomControllerDef* control, const char* env_args,
                            bool by_goals, const char* label, loomError* err) {
  cJSON* root = env_args ? loom_json_read(env_args) : NULL;
  if (!root) return 0;  // older policies do not say

  int code = check_rate(task, kwargs_of(root), label, err);
  if (!code) code = check_robots(task, kwargs_of(root), label, err);
  if (!code && !by_goals) code = check_wanted(root, control, task, label, err);
  cJSON_Delete(root);
  return code;
}
