#include "engine/task/composite.h"

#include <string.h>

#include "engine/task/controller_json.h"

enum { SIDES = 2 };

static const char* const gripper_names[SIDES] = {"right_gripper", "left_gripper"};

/// One robot's part of an action while it is read.
typedef struct reader {
  loomComposite* out;
  const loomTask* task;
  const loomControllerDef* control;
  const char* label;
  loomError* err;
  const cJSON* config;   // a robot's composite
  int arm[SIDES], arms;  // the robot's: the right one and the left one
  bool found[LOOM_MAX_BODY_PARTS];
} reader;

// Where an arm's own entries begin among all arms' own.
static int own_of(const reader* r, int arm) {
  int at = 0;
  for (int a = 0; a < arm; a++)
    at += loom_controller_pose_dim(&r->control[a], &r->task->robots[a]) + r->task->robots[a].gripper_dim;
  return at;
}

static int take_entries(reader* r, int own, int n) {
  if (r->out->action_dim + n > LOOM_MAX_ACTION || own + n > LOOM_MAX_ACTION)
    return loom_error_set(r->err, LOOM_ERR_UNSUPPORTED, "%s: actions have more than %d entries", r->label,
                          LOOM_MAX_ACTION);
  for (int i = 0; own >= 0 && i < n; i++) r->out->own[own + i] = r->out->action_dim + i;
  r->out->action_dim += n;
  return 0;
}

// Where inverse kinematics say where the joints go, they are told just that.
static int check_moved(const reader* r, const loomControllerDef* control, const char* name) {
  if (control->type == LOOM_JOINT_POSITION && !control->delta) return 0;
  return loom_error_set(
      r->err, LOOM_ERR_UNSUPPORTED,
      "%s: controller_configs: WHOLE_BODY_IK moves '%s', whose controller is %s; only "
      "JOINT_POSITION with `input_type` 'absolute' is done here for it",
      r->label, name,
      control->type == LOOM_JOINT_POSITION ? "'delta'" : loom_controller_names[control->type]);
}

static int read_body_part(reader* r, const loomBodyPartDef* part, const cJSON* config) {
  loomComposite* out = r->out;
  loomBodyControl* c = &out->part[out->part_count];
  if (out->part_count == LOOM_MAX_BODY_PARTS)
    return loom_error_set(r->err, LOOM_ERR_UNSUPPORTED, "%s: robots have more than %d parts besides arms",
                          r->label, LOOM_MAX_BODY_PARTS);

  // robosuite drives bases by their velocities, what stands on them by joints.
  const char* wanted = part->kind == LOOM_BODY_BASE ? "JOINT_VELOCITY" : "JOINT_POSITION";
  const cJSON* type = loom_json_get(config, "type");
  if (!loom_json_says(type, wanted))
    return loom_error_set(
        r->err, LOOM_ERR_UNSUPPORTED, "%s: controller_configs: %s is '%.60s'; only %s is done here for it",
        r->label, config->string, cJSON_IsString(type) ? type->valuestring : "without a type", wanted);

  bool moved = loom_ik_moves(r->config, config->string);
  *c = (loomBodyControl){
      .part = part, .first = moved ? -1 : out->action_dim, .velocity = part->kind == LOOM_BODY_BASE};

  // Its controller turns them in place, before they are recorded; but WHOLE_BODY_IK hands it a copy.
  c->turns = c->velocity && loom_ik_is(r->config);
  int code =
      c->velocity ? 0 : loom_controller_read(&c->control, config, part->count, true, NULL, r->label, r->err);
  out->part_count++;
  if (!code && moved) return check_moved(r, &c->control, config->string);
  return code ? code : take_entries(r, -1, part->count);
}

// An arm's poses or joints, or a part of the body. What the robot does not have, robosuite leaves out.
static int read_part(reader* r, const cJSON* config) {
  for (int k = 0; k < r->arms && k < SIDES; k++) {
    int arm = r->arm[k];
    if (strcmp(config->string, k ? "left" : "right")) continue;
    if (loom_ik_moves(r->config, config->string)) return check_moved(r, &r->control[arm], config->string);
    return take_entries(r, own_of(r, arm), loom_controller_pose_dim(&r->control[arm], &r->task->robots[arm]));
  }

  const loomRobotDef* robot = &r->task->robots[r->arm[0]];
  for (int i = 0; i < robot->body_count; i++) {
    if (strcmp(config->string, loom_body_part_names[robot->body[i].kind])) continue;
    r->found[i] = true;
    return read_body_part(r, &robot->body[i], config);
  }
  return 0;
}

static int read_robot(reader* r, const cJSON* config) {
  const cJSON *parts = loom_json_get(config, "body_parts"), *part, *arm;
  const loomRobotDef* robot = &r->task->robots[r->arm[0]];
  int code = 0;

  if (loom_json_get(loom_json_get(config, "composite_controller_specific_configs"), "body_part_ordering"))
    return loom_error_set(r->err, LOOM_ERR_UNSUPPORTED,
                          "%s: controller_configs: body_part_ordering is not done here", r->label);

  // Poses of hands that several parts are moved for come first,
  r->config = config;
  if (loom_ik_is(config)) {
    loomIkDef* ik = &r->out->ik[r->out->ik_count++];
    ik->first = r->out->action_dim;
    code = loom_ik_read(ik, config, r->task, r->arm, r->arms, r->label, r->err);
    if (!code) code = take_entries(r, -1, ik->hand_count * loom_ik_pose_dim(ik));
    if (code) return code;
  }

  // parts in the configuration's order, arms in their group or not; then the grippers.
  memset(r->found, 0, sizeof r->found);
  cJSON_ArrayForEach(part, parts) {
    if (code) break;
    if (strcmp(part->string, "arms")) code = read_part(r, part);
    if (strcmp(part->string, "arms")) continue;
    cJSON_ArrayForEach(arm, part) if (!code) code = read_part(r, arm);
  }

  for (int i = 0; !code && i < robot->body_count; i++)
    if (!r->found[i])
      code = loom_error_set(r->err, LOOM_ERR_UNSUPPORTED,
                            "%s: controller_configs says nothing of the %s of robot '%s'", r->label,
                            loom_body_part_names[robot->body[i].kind], robot->robot);

  for (int k = 0; !code && k < r->arms && k < SIDES; k++) {
    int a = r->arm[k], own = own_of(r, a) + loom_controller_pose_dim(&r->control[a], &r->task->robots[a]);
    if (loom_json_get(parts, gripper_names[k]))
      code = loom_error_set(r->err, LOOM_ERR_UNSUPPORTED,
                            "%s: controller_configs: a controller for %s alone is not done here", r->label,
                            gripper_names[k]);
    else
      code = take_entries(r, own, r->task->robots[a].gripper_dim);
  }

  // Whether goals go on from goals is the last entry.
  bool mode = loom_json_says(loom_json_get(config, "type"), "HYBRID_MOBILE_BASE");
  for (int k = 0; k < r->arms && k < SIDES; k++) r->out->mode[r->arm[k]] = mode ? r->out->action_dim : -1;
  return code || !mode ? code : take_entries(r, -1, 1);
}

int loom_composite_read(loomComposite* out, const loomTask* task, const loomControllerDef* control,
                        const cJSON* root, const char* label, loomError* err) {
  reader r = {.out = out, .task = task, .control = control, .label = label, .err = err};
  memset(out, 0, sizeof *out);
  for (int a = 0; a < LOOM_MAX_ARMS; a++) out->mode[a] = -1;
  for (int i = 0; i < LOOM_MAX_ACTION; i++) out->own[i] = -1;

  const cJSON *kwargs = loom_json_get(root, "env_kwargs"),
              *configs = loom_json_get(kwargs ? kwargs : root, "controller_configs");
  int robots = task->robots[task->arm_count - 1].index + 1, code = 0;
  bool listed = cJSON_IsArray(configs) && cJSON_GetArraySize(configs) == robots;
  if (cJSON_IsArray(configs) && cJSON_GetArraySize(configs) == 1) configs = configs->child;

  // Robot after robot; what no composite drives has its arms' entries one after the other.
  for (int a = 0, robot = 0; !code && a < task->arm_count; robot++, a += r.arms) {
    const cJSON* config = listed && robots > 1 ? cJSON_GetArrayItem(configs, robot) : configs;
    for (r.arms = 0; a + r.arms < task->arm_count && task->robots[a + r.arms].index == task->robots[a].index;
         r.arms++) {
      if (r.arms < SIDES) r.arm[r.arms] = a + r.arms;
    }

    if (loom_controller_composite(config) && r.arms <= SIDES) {
      code = read_robot(&r, config);
      continue;
    }
    for (int k = 0; !code && k < r.arms; k++)
      code = take_entries(
          &r, own_of(&r, a + k),
          loom_controller_pose_dim(&control[a + k], &task->robots[a + k]) + task->robots[a + k].gripper_dim);

    // Under the task's own controller states of other composites are seen; nothing drives these parts.
    bool seen = task->has_controller && loom_json_get(config, "body_parts");
    if (!code && task->robots[a].body_count && !seen)
      code = loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                            "%s: robot '%s' has parts besides its arm (`body:`), which only robosuite 1.5's "
                            "composite controllers drive, and controller_configs is none",
                            label, task->robots[a].robot);
  }

  // Nothing but the arms' own, in their order: as if there were no composite.
  int own = own_of(&r, task->arm_count);
  out->used = own != out->action_dim;
  for (int i = 0; i < own; i++) out->used = out->used || out->own[i] != i;
  return code;
}
