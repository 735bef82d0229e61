#include "generators/expert.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/point.h"

static const double pi = 3.14159265358979323846;

int loom_expert_create(loomExpert* x, const loomEpisode* e, uint64_t seed, uint64_t attempt, loomTrace* trace,
                       loomError* err) {
  const loomTask* task = e->scene->task;
  memset(x, 0, sizeof *x);
  x->seed = seed;
  x->attempt = attempt;
  x->trace = trace;
  for (int a = 0; a < task->arm_count; a++) {
    if (!task->expert_count[a])
      return loom_error_set(err, LOOM_ERR_USAGE, "%s: no `expert:`, so there is nothing to record",
                            task->path);
    for (int i = 0; i < task->expert_count[a]; i++) {
      const loomExpertStep* s = &task->expert[a][i];
      int code = s->moves ? loom_point_bind(&x->point_id[a][i], &s->to, task, s->line, e->m, err) : 0;
      if (code) return code;
    }
  }
  return 0;
}

static loomPose frame_now(const loomExpert* x, const loomEpisode* e, int a, int i) {
  const loomExpertStep* s = &e->scene->task->expert[a][i];
  double pos[3], mat[9];
  loom_point_frame(pos, mat, &s->to, x->point_id[a][i], e->d);
  loomPose frame = loom_pose_from_mat(pos, mat);
  if (s->upright) {
    double turn[3] = {0, 0, loom_quat_yaw(frame.quat)};
    loom_quat_exp(frame.quat, turn);
  }
  return frame;
}

// Where the end effector is to be for the step's goal, with its turn-th equivalent.
static loomPose goal_now(const loomExpert* x, const loomEpisode* e, int a, int turn) {
  const loomExpertArm* arm = &x->arm[a];
  const loomExpertStep* s = &e->scene->task->expert[a][arm->step];
  loomPose frame = s->follow ? frame_now(x, e, a, arm->step) : arm->frame;
  loomPose goal = loom_pose_from_quat(s->pos, s->quat);
  double about[3] = {0, 0, 2 * pi * turn / s->turns};
  loomPose turned = loom_pose_identity();
  loom_quat_exp(turned.quat, about);
  goal = loom_pose_mul(frame, loom_pose_mul(turned, goal));
  for (int i = 0; i < 3; i++) goal.pos[i] += arm->jitter[i];
  return s->carried >= 0 ? loom_pose_mul(goal, loom_pose_inverse(arm->held)) : goal;
}

static void begin_step(loomExpert* x, const loomEpisode* e, int a) {
  loomExpertArm* arm = &x->arm[a];
  const loomExpertStep* s = &e->scene->task->expert[a][arm->step];
  arm->begun = true;
  arm->arrived = !s->moves;
  arm->since = 0;
  if (s->moves) arm->frame = frame_now(x, e, a, arm->step);
  for (int i = 0; i < 3; i++) arm->jitter[i] = s->jitter * loom_random_normal(&x->random);
  if (s->carried >= 0)
    arm->held = loom_pose_mul(loom_pose_inverse(loom_episode_eef(e, a)), loom_episode_object(e, s->carried));
  double nearest = INFINITY;
  for (int k = 0; s->moves && k < s->turns; k++) {
    double angle = loom_quat_angle(goal_now(x, e, a, k).quat, loom_episode_eef(e, a).quat);
    if (angle < nearest - 1e-9) {
      nearest = angle;
      arm->turn = k;
    }
  }
}

// One control step of the command towards the goal, no faster than the step's speeds; eased at the end.
static void approach(loomExpert* x, const loomEpisode* e, int a) {
  loomExpertArm* arm = &x->arm[a];
  const loomExpertStep* s = &e->scene->task->expert[a][arm->step];
  loomPose goal = goal_now(x, e, a, arm->turn), eef = loom_episode_eef(e, a);
  double dt = 1.0 / e->scene->task->control_freq;
  double far = loom_pose_distance(arm->command, goal), turn = loom_quat_angle(arm->command.quat, goal.quat);
  double steps = fmax(far / (s->speed * x->pace * dt), turn / (s->spin * x->pace * dt));
  arm->command = steps <= 1 ? goal : loom_pose_interpolate(arm->command, goal, 1 / steps);
  // Arrived when the command is there and the arm has come close or stopped coming closer.
  double left = loom_pose_distance(eef, goal) + 0.05 * loom_quat_angle(eef.quat, goal.quat);
  arm->since = steps <= 1 ? arm->since + 1 : 0;
  if (arm->since && (left < 0.006 || arm->since > 15)) {
    arm->arrived = true;
    arm->since = 0;
  }
}

static bool may_go(const loomExpert* x, const loomTask* task, int a) {
  const loomExpertStep* s = &task->expert[a][x->arm[a].step];
  return s->after_arm < 0 || x->arm[s->after_arm].step > s->after_step;
}

static void set_hand(loomExpertArm* arm, const loomExpertStep* s, int dim) {
  arm->grip = 0;
  for (int i = 0; i < dim; i++) {
    arm->hand[i] = s->hand_count ? (i < s->hand_count ? s->hand[i] : arm->hand[i]) : s->grip;
    arm->grip += arm->hand[i] / dim;
  }
}

static void advance(loomExpert* x, const loomEpisode* e, int a) {
  const loomTask* task = e->scene->task;
  loomExpertArm* arm = &x->arm[a];
  if (arm->step >= task->expert_count[a] || !may_go(x, task, a)) return;
  if (arm->pause > 0) {
    arm->pause--;
    return;
  }
  const loomExpertStep* s = &task->expert[a][arm->step];
  if (!arm->begun) begin_step(x, e, a);
  if (!arm->arrived) approach(x, e, a);
  if (!arm->arrived) return;
  if (s->grip || s->hand_count) set_hand(arm, s, e->arms[a].robot->gripper_dim);
  if (arm->since++ < s->stay || (s->until >= 0 && !loom_condition_true(e->conditions, s->until))) return;
  arm->step++;
  arm->begun = false;
  arm->pause = loom_random_uniform(&x->random) < 0.2 ? loom_random_index(&x->random, 6) : 0;
}

static int reset(void* self, loomEpisode* e, loomError* err) {
  loomExpert* x = self;
  (void)err;
  x->random = loom_random(x->seed, x->attempt, LOOM_PURPOSE_EXPERT);
  x->pace = loom_random_range(&x->random, 0.8, 1.2);
  for (int a = 0; a < e->arm_count; a++)
    x->arm[a] = (loomExpertArm){.command = loom_episode_eef(e, a), .grip = -1};
  for (int a = 0; a < e->arm_count; a++) {
    for (int i = 0; i < LOOM_MAX_HAND; i++) x->arm[a].hand[i] = -1;
  }
  return 0;
}

static void note(const loomExpert* x, const loomEpisode* e) {
  if (!x->trace) return;
  size_t row = (size_t)x->trace->rows * (size_t)e->arm_count;
  for (int a = 0; a < e->arm_count; a++, row++) {
    loom_pose_to_matrix(x->trace->target + 16 * row, x->arm[a].command);
    x->trace->grip[row] = x->arm[a].grip;
  }
}

static int act(double* action, void* self, loomEpisode* e, loomError* err) {
  loomExpert* x = self;
  (void)err;
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* body = &e->arms[a];
    if (e->steps >= e->scene->task->settle_steps) advance(x, e, a);
    loom_arm_action_towards(action, body, loom_episode_eef(e, a), x->arm[a].command);
    for (int i = 0; i < body->robot->gripper_dim; i++) action[body->pose_dim + i] = x->arm[a].hand[i];
    action += loom_arm_action_dim(body);
  }
  note(x, e);
  return 0;
}

loomPolicy loom_expert_policy(loomExpert* x) {
  return (loomPolicy){x, reset, act};
}

void loom_expert_where(char* out, size_t n, const loomExpert* x, const loomTask* task) {
  size_t at = 0;
  out[0] = 0;
  for (int a = 0; a < task->arm_count && at < n; a++) {
    int i = x->arm[a].step;
    bool done = i >= task->expert_count[a];
    int wrote = snprintf(out + at, n - at, "%sarm %d %s%s", a ? ", " : "", a, done ? "done" : "at step ",
                         done ? "" : task->expert[a][i].name);
    if (wrote > 0 && !done && !task->expert[a][i].name[0] && at + (size_t)wrote < n)
      wrote += snprintf(out + at + wrote, n - at - (size_t)wrote, "%d", i + 1);
    at += wrote > 0 ? (size_t)wrote : 0;
  }
}
