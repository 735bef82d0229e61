// Controller configurations from task.yaml.
#include "engine/task/controller_def.h"

#include <math.h>
#include <string.h>

#include "engine/task/task_parse.h"

const char* const loom_controller_names[] = {"OSC_POSE", "JOINT_POSITION", "WHOLE_BODY_IK"};

int loom_controller_pose_dim(const loomControllerDef* c, const loomRobotDef* robot) {
  return c->type == LOOM_JOINT_POSITION ? robot->arm.count : 6;
}

// What no controller can work with: divisions by an empty range, roots of what is negative.
const char* loom_controller_wrong(const loomControllerDef* c, int n) {
  bool scaled = c->delta || c->type == LOOM_JOINT_POSITION;
  int gains = c->type == LOOM_WHOLE_BODY_IK ? 1 : n;
  for (int i = 0; i < n; i++) {
    if (!isfinite(c->input_min[i]) || !isfinite(c->input_max[i]) || !isfinite(c->output_min[i]) ||
        !isfinite(c->output_max[i]))
      return "its ranges must be finite numbers";
    if (scaled && !(c->input_max[i] > c->input_min[i])) return "input_max must be above input_min";
  }

  for (int i = 0; i < gains; i++) {
    if (!(c->kp[i] >= 0) || !isfinite(c->kp[i])) return "kp must not be negative";
    if (!(c->damping_ratio[i] >= 0) || !isfinite(c->damping_ratio[i]))
      return "damping_ratio must not be negative";
  }
  return NULL;
}

// A list of n numbers, or one number for all of them.
static int yaml_spread(double out[LOOM_MAX_JOINTS], int n, taskParser* p, loomNode map, const char* key,
                       double otherwise) {
  loomNode node = loom_yaml_get(p->y, map, key);
  for (int i = 0; i < LOOM_MAX_JOINTS; i++) out[i] = otherwise;

  // A list is of one length: it says nothing to an arm of another number of joints.
  if (node && loom_yaml_is_list(p->y, node)) {
    for (int a = 0; a < p->task->arm_count; a++)
      if (loom_controller_pose_dim(&p->task->controller, &p->task->robots[a]) != n)
        return loom_yaml_error(p->y, node, key, p->err,
                               "the arms have %d and %d joints; give one number for all", n,
                               p->task->robots[a].arm.count);
    return loom_yaml_read_numbers(out, n, NULL, p->y, map, key, true, p->err);
  }

  int code = node ? loom_yaml_number(&out[0], p->y, node, key, p->err) : 0;
  for (int i = 1; i < LOOM_MAX_JOINTS; i++) out[i] = out[0];
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

  double version = 1.4;
  if (!code) code = loom_yaml_read_number(&version, p->y, map, "robosuite", false, p->err);
  if (!code && version != 1.4 && version != 1.5)
    return loom_yaml_error(p->y, map, "robosuite", p->err, "1.4 or 1.5, not %g", version);
  c->robosuite15 = version == 1.5;

  // Whose axes an action is along.
  loomName frame = "world";
  if (!code) code = loom_yaml_read_text(frame, sizeof frame, p->y, map, "input_ref_frame", false, p->err);
  c->in_base = !strcmp(frame, "base");
  if (!code && !c->in_base && strcmp(frame, "world"))
    return loom_yaml_error(p->y, map, "input_ref_frame", p->err, "world or base, not '%s'", frame);
  if (!code && c->in_base && c->type != LOOM_OSC_POSE)
    return loom_yaml_error(p->y, map, "input_ref_frame", p->err, "base is for OSC_POSE");

  const char* wrong = code ? NULL : loom_controller_wrong(c, n);
  if (wrong) return loom_yaml_error(p->y, map, "controller", p->err, "%s", wrong);
  p->task->has_controller = true;
  return code;
}
