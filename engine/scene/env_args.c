#include "engine/scene/env_args.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "engine/data/env_type.h"

// A list of n numbers; n = 0: the one number that they all are.
static cJSON* spread(const double* numbers, int n) {
  return n ? cJSON_CreateDoubleArray(numbers, n) : cJSON_CreateNumber(numbers[0]);
}

// Entries of a pose, or one a joint. Arms of several numbers of joints have one number for all
// (controller_def.c), which is read for each.
static int entry_count(const loomTask* task) {
  int n = loom_controller_pose_dim(&task->controller, &task->robots[0]);
  for (int a = 1; a < task->arm_count; a++)
    if (loom_controller_pose_dim(&task->controller, &task->robots[a]) != n) return 0;
  return n;
}

// One controller as robosuite's controller_configs give it; n entries, 0 where one number is for all.
static cJSON* controller_json(const loomControllerDef* c, int n) {
  cJSON* root = cJSON_CreateObject();
  cJSON_AddStringToObject(root, "type", loom_controller_names[c->type]);
  cJSON_AddItemToObject(root, "input_max", spread(c->input_max, n));
  cJSON_AddItemToObject(root, "input_min", spread(c->input_min, n));
  cJSON_AddItemToObject(root, "output_max", spread(c->output_max, n));
  cJSON_AddItemToObject(root, "output_min", spread(c->output_min, n));
  cJSON_AddItemToObject(root, "kp", spread(c->kp, n));
  cJSON_AddItemToObject(root, "damping_ratio", spread(c->damping_ratio, n));

  // robosuite reads these too; ours are always so.
  cJSON_AddStringToObject(root, "impedance_mode", "fixed");
  cJSON_AddBoolToObject(root, "uncouple_pos_ori", c->uncouple_pos_ori);
  cJSON_AddBoolToObject(root, "control_delta", c->delta);
  if (c->robosuite15) cJSON_AddNumberToObject(root, "robosuite", 1.5);
  if (c->in_base) cJSON_AddStringToObject(root, "input_ref_frame", "base");
  return root;
}

char* loom_env_args(const loomTask* task) {
  cJSON* root = cJSON_CreateObject();
  const char* name = task->env_name[0] ? task->env_name : task->name;
  bool robosuites = loom_env_is_robosuites(name);
  cJSON_AddStringToObject(root, "env_name", name);
  cJSON_AddNumberToObject(root, "type", robosuites ? LOOM_ENV_ROBOSUITE : LOOM_ENV_GYM);
  if (!robosuites) cJSON_AddStringToObject(root, LOOM_ENV_SIMULATOR, LOOM_ENV_OURS);
  cJSON* kwargs = cJSON_AddObjectToObject(root, "env_kwargs");

  // Each robot once, though it may have two arms.
  cJSON* robots = cJSON_AddArrayToObject(kwargs, "robots");
  for (int a = 0; a < task->arm_count; a++) {
    if (a && task->robots[a].index == task->robots[a - 1].index) continue;
    cJSON_AddItemToArray(robots, cJSON_CreateString(task->robots[a].robot));
  }

  cJSON_AddNumberToObject(kwargs, "control_freq", task->control_freq);
  cJSON_AddItemToObject(kwargs, "controller_configs", controller_json(&task->controller, entry_count(task)));

  char* text = cJSON_PrintUnformatted(root);
  cJSON_Delete(root);
  return text;
}
