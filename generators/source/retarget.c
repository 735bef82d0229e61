#include "generators/source/retarget.h"

#include <stdio.h>
#include <string.h>

// ---- what becomes of what

static int at_line(const loomTask* to, loomError* err, const char* what) {
  const loomRetargetDef* def = to->retarget;
  if (!def->declared) return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s", to->path, what);
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: `retarget:`: %s", LOOM_TASK_AT(to, def->line), what);
}

static int plan_arms(loomRetarget* r, loomError* err) {
  const loomRetargetDef* def = r->to->retarget;
  char what[256];
  bool any = false;
  if (!def->has_arms && r->from->arm_count != r->to->arm_count) {
    snprintf(
        what, sizeof what,
        "the demos of '%s' have %d arms and this task has %d; `retarget: arms:` says which follows which",
        r->from->name, r->from->arm_count, r->to->arm_count);
    return at_line(r->to, err, what);
  }

  for (int a = 0; a < r->to->arm_count; a++) {
    r->arm[a] = def->arms[a];
    any = any || r->arm[a] >= 0;
    if (r->arm[a] < r->from->arm_count) continue;
    snprintf(what, sizeof what, "arm %d is to follow arm %d, but the demos of '%s' have %d", a, r->arm[a],
             r->from->name, r->from->arm_count);
    return at_line(r->to, err, what);
  }
  return any ? 0 : at_line(r->to, err, "no arm follows one of the demos'");
}

static loomPose grasp_of(const loomRobotDef* robot) {
  return loom_pose_from_quat(robot->grasp_pos, robot->grasp_quat);
}

static int plan_hand(loomRetarget* r, int a, loomError* err) {
  if (r->arm[a] < 0) return 0;
  const loomRobotDef *from = &r->from->robots[r->arm[a]], *to = &r->to->robots[a];
  const loomRobotDef* both[] = {from, to};
  r->alike[a] = from->gripper_dim == to->gripper_dim && from->gripper_absolute == to->gripper_absolute;

  // Of a plain gripper it is known how it holds; of a hand only where that is said.
  for (int i = 0; i < 2 && !r->alike[a]; i++) {
    if (both[i]->has_grasp || both[i]->gripper_dim == 1) continue;
    return loom_error_set(
        err, LOOM_ERR_FORMAT,
        "%s: arm %d: '%s' and '%s' have different hands, and the file of '%s' does not say how "
        "its hand holds things: `gripper: grasp:` there does (`demoloom help task`)",
        r->to->path, a, from->type, to->type, both[i]->type);
  }

  r->hand[a] = r->to->retarget->offset[a];
  if (!r->alike[a] || (from->has_grasp && to->has_grasp)) {
    loomPose turn = loom_pose_mul(grasp_of(from), loom_pose_inverse(grasp_of(to)));
    r->hand[a] = loom_pose_mul(turn, r->hand[a]);
  }
  return 0;
}

static int plan_objects(loomRetarget* r, loomError* err) {
  for (int o = 0; o < r->to->object_count; o++) {
    r->object[o] = loom_task_find_object(r->from, r->to->objects[o].name);
    if (r->object[o] >= 0) continue;
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: object '%s' is none of those of '%s', whose demos these are", r->to->path,
                          r->to->objects[o].name, r->from->name);
  }
  return 0;
}

// Arms that stay where they are have whatever subtasks they have: their ends are those of the task's first
// arm that moves, if they are as many.
static bool same_subtasks(const loomRetarget* r) {
  for (int a = 0; a < r->to->arm_count; a++) {
    int b = r->arm[a];
    if (b < 0 && r->to->subtask_count[a] > 1) return false;
    if (b < 0) continue;
    if (r->to->subtask_count[a] != r->from->subtask_count[b]) return false;
    for (int k = 0; k < r->to->subtask_count[a]; k++)
      if (strcmp(r->to->subtasks[a][k].name, r->from->subtasks[b][k].name)) return false;
  }
  return true;
}

int loom_retarget_plan(loomRetarget* r, const loomTask* from, const loomTask* to, loomError* err) {
  *r = (loomRetarget){.from = from, .to = to};
  int code = plan_arms(r, err);
  for (int a = 0; !code && a < to->arm_count; a++) code = plan_hand(r, a, err);
  if (!code) code = plan_objects(r, err);
  r->same_subtasks = !code && same_subtasks(r);
  return code;
}

// ---- poses

loomPose loom_retarget_place(const loomRetarget* r, loomPose pose) {
  const loomRetargetDef* def = r->to->retarget;

  // What is not scaled keeps its bits.
  for (int i = 0; i < 3 && def->scale != 1; i++)
    pose.pos[i] = def->center[i] + def->scale * (pose.pos[i] - def->center[i]);
  for (int i = 0; i < 3; i++) pose.pos[i] += def->shift[i];
  return pose;
}

loomPose loom_retarget_hand(const loomRetarget* r, int a, loomPose pose) {
  return loom_pose_mul(loom_retarget_place(r, pose), r->hand[a]);
}

// ---- grippers

// How far each side of a hand is told to close, and its thumb to oppose, -1 to 1; the number of sides.
// Which way a plain gripper goes counts as where it goes.
static int read_sides(double side[LOOM_MAX_FINGERS], double* oppose, const loomRobotDef* robot,
                      const double* hand) {
  int n = robot->side_count ? robot->side_count : 1, count[LOOM_MAX_FINGERS] = {0}, opposing = 0;
  memset(side, 0, LOOM_MAX_FINGERS * sizeof *side);
  *oppose = 0;
  for (int i = 0; i < robot->gripper_dim; i++) {
    int s = robot->side_entry[i];
    if (s < 0) *oppose += hand[i], opposing++;
    if (s >= 0) side[s] += hand[i], count[s]++;
  }

  for (int s = 0; s < n; s++) side[s] /= count[s] ? count[s] : 1;
  *oppose = opposing ? *oppose / opposing : 1;
  return n;
}

static double mean_of(const double* x, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += x[i];
  return sum / n;
}

void loom_retarget_grip(double* out, const loomRetarget* r, int a, const double* hand, const double* before) {
  const loomRobotDef *from = &r->from->robots[r->arm[a]], *to = &r->to->robots[a];
  if (r->alike[a]) {
    memmove(out, hand, sizeof *out * (size_t)to->gripper_dim);
    return;
  }

  double side[LOOM_MAX_FINGERS], oppose;
  int n = read_sides(side, &oppose, from, hand), wanted = to->side_count ? to->side_count : 1;
  double all = mean_of(side, n);
  for (int i = 0; i < to->gripper_dim; i++) {
    int s = to->side_entry[i];
    double close = n == wanted && s >= 0 ? side[s] : all;

    // A gripper knows two ways only; what tells it neither leaves it as it was.
    bool plain = from->gripper_dim == 1 || to->gripper_dim == 1;
    if (plain && close != 0) close = close > 0 ? 1 : -1;
    if (plain && close == 0) close = before[i];
    out[i] = s < 0 ? oppose : close;
  }
}
