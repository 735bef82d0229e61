#include "generators/expert/expert_step.h"

#include <math.h>
#include <string.h>

#include "engine/scene/point.h"

static const double pi = 3.14159265358979323846;
const double loom_expert_m_per_rad = 0.05;

bool loom_expert_closes(const loomExpertStep* s) {
  double sum = s->grip;
  for (int i = 0; i < s->hand_count; i++) sum += s->hand[i];

  return sum > 0;
}

bool loom_expert_opens(const loomExpertStep* s) {
  return (s->grip || s->hand_count) && !loom_expert_closes(s);
}

bool loom_expert_same_frame(const loomExpertStep* a, const loomExpertStep* b) {
  return a->moves && b->moves && a->to.kind != LOOM_POINT_EEF && a->to.kind == b->to.kind &&
         !strcmp(a->to.name, b->to.name) && a->carried == b->carried && a->turns == b->turns &&
         a->upright == b->upright;
}

// ---- where it leads

static loomPose frame_now(const loomExpert* x, const loomEpisode* e, int a, int i) {
  const loomExpertStep* s = loom_expert_step(e, a, i);
  double pos[3], mat[9];

  loom_point_frame(pos, mat, &s->to, x->point_id[a][i], e->d);
  loomPose frame = loom_pose_from_mat(pos, mat);

  if (s->upright) {
    double turn[3] = {0, 0, loom_quat_yaw(frame.quat)};
    loom_quat_exp(frame.quat, turn);
  }
  return frame;
}

// With its turn-th equivalent.
static loomPose goal_turned(const loomExpert* x, const loomEpisode* e, int a, int i, int turn) {
  const loomExpertArm* arm = &x->arm[a];
  const loomExpertStep* s = loom_expert_step(e, a, i);

  // Where the frame is now, or where it was when the step began: of what is in the hand the goal would run
  // away.
  bool follow = s->follow || (x->corrects && s->to.kind != LOOM_POINT_EEF && !x->in_hand[a][i]);
  loomPose frame = follow ? frame_now(x, e, a, i) : arm->frame;
  loomPose goal = loom_pose_from_quat(s->pos, s->quat);

  double about[3] = {0, 0, 2 * pi * turn / s->turns};
  loomPose turned = loom_pose_identity();
  loom_quat_exp(turned.quat, about);

  goal = loom_pose_mul(frame, loom_pose_mul(turned, goal));
  for (int k = 0; k < 3; k++) goal.pos[k] += arm->jitter[k];

  // What is carried is to be there, not the hand.
  return s->carried >= 0 ? loom_pose_mul(goal, loom_pose_inverse(arm->held)) : goal;
}

loomPose loom_expert_goal(const loomExpert* x, const loomEpisode* e, int a, int step) {
  return goal_turned(x, e, a, step, x->arm[a].turn);
}

double loom_expert_left(loomPose from, loomPose to) {
  return loom_pose_distance(from, to) + loom_expert_m_per_rad * loom_quat_angle(from.quat, to.quat);
}

// ---- how it begins

void loom_expert_begin_step(loomExpert* x, const loomEpisode* e, int a) {
  loomExpertArm* arm = &x->arm[a];
  const loomExpertStep* s = loom_expert_step(e, a, arm->step);

  arm->begun = true;
  arm->arrived = !s->moves;
  arm->since = arm->stalled = arm->push = 0;
  arm->nearest = INFINITY;

  // The frame, a person's inexactness, and how the object is held: once for the whole step.
  if (s->moves) arm->frame = frame_now(x, e, a, arm->step);
  for (int i = 0; !x->corrects && i < 3; i++) arm->jitter[i] = s->jitter * loom_random_normal(&x->random);
  if (s->carried >= 0)
    arm->held = loom_pose_mul(loom_pose_inverse(loom_episode_eef(e, a)), loom_episode_object(e, s->carried));

  // Of equal goals the one the hand turns least for.
  double nearest = INFINITY;
  for (int k = 0; s->moves && k < s->turns; k++) {
    double angle = loom_quat_angle(goal_turned(x, e, a, arm->step, k).quat, loom_episode_eef(e, a).quat);
    if (angle < nearest - 1e-9) {
      nearest = angle;
      arm->turn = k;
    }
  }
}

// ---- the hand

void loom_expert_set_hand(loomExpertArm* arm, const loomExpertStep* s, int dim) {
  arm->grip = 0;

  for (int i = 0; i < dim; i++) {
    arm->hand[i] = s->hand_count ? (i < s->hand_count ? s->hand[i] : arm->hand[i]) : s->grip;
    arm->grip += arm->hand[i] / dim;
  }
}

void loom_expert_hand_before(loomExpertArm* arm, const loomTask* task, int a, int step) {
  int dim = task->robots[a].gripper_dim;
  arm->grip = -1;
  for (int i = 0; i < LOOM_MAX_HAND; i++) arm->hand[i] = -1;

  for (int i = 0; i < step; i++) {
    const loomExpertStep* s = &task->expert[a][i];
    if (s->grip || s->hand_count) loom_expert_set_hand(arm, s, dim);
  }
}
