#include "generators/expert/expert.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/sim/point.h"
#include "generators/source/replay.h"

static const double pi = 3.14159265358979323846;

// A teacher's tolerances. What it says must follow from where things are, for that is all a pupil sees: no
// long counting, no exact places.
static const double there = 0.012;                 // m: at a goal
static const double beside_way = 0.015;            // m: off the way to a goal, where it ends ...
static const double widening = 0.4;                // ... and m more for each m before that
static const double turn_at_end = 0.3;             // rad: turned from the goal, there ...
static const double turning = 3;                   // ... and rad more for each m before
static const double left_way = 2, on_way = 1;      // of that is off the way, and on it
static const double no_way = 1e-6;                 // m: goals in one place have no way between them
static const double m_per_rad = 0.05;              // how much of a distance one rad counts for
static const double command_lag = 0.16;            // s an arm lags behind where its stiffness is not known
static const double close_enough = 0.006;          // m: of a demonstrator, who waits this long for it:
enum { PATIENCE = 15 };                            // control steps
static const double slowest = 0.8, fastest = 1.2;  // paces of demonstrators
static const double pause_chance = 0.2;            // after a step; then so many control steps at most:
enum { PAUSE = 6 };
static const double shut = 0.9;                    // of a gripper's way, at which it has closed on nothing
static const double beside = 0.03;                 // near enough to one that cannot be reached better
static const double creeping = 0.1;                // of a step's speed: less is no coming nearer
enum { MISSED = 5, CLOSED = 4, GRASP_WAIT = 30 };  // control steps

static bool closes(const loomExpertStep* s) {
  double sum = s->grip;
  for (int i = 0; i < s->hand_count; i++) sum += s->hand[i];

  return sum > 0;
}

static bool opens(const loomExpertStep* s) {
  return (s->grip || s->hand_count) && !closes(s);
}

// The object a step's frame is: where the arm goes before it grasps that.
static int object_of(const loomTask* task, const loomExpertStep* s) {
  for (int o = 0; s->moves && s->to.kind == LOOM_POINT_OBJECT && o < task->object_count; o++)
    if (!strcmp(task->objects[o].name, s->to.name)) return o;
  return -1;
}

// From a step that closes the hand beside an object to the one that opens it again the object is held; the
// way back leads to the first of the moves before.
static void find_holds(loomExpert* x, const loomTask* task, int a) {
  int object = -1, approach = -1, held = -1, back = -1;
  for (int i = 0; i < task->expert_count[a]; i++) {
    const loomExpertStep* s = &task->expert[a][i];
    if (opens(s)) held = approach = object = -1;

    if (held < 0 && object_of(task, s) >= 0) {
      if (object != object_of(task, s)) approach = i;
      object = object_of(task, s);
    }

    if (closes(s) && object >= 0) {
      held = object;
      back = approach;
    }

    x->held[a][i] = held;
    x->back[a][i] = held >= 0 ? back : -1;
  }
}

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

    find_holds(x, task, a);
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

  // Where the frame is now, or where it was when the step began.
  bool follow = s->follow || (x->corrective && s->to.kind != LOOM_POINT_EEF);
  loomPose frame = follow ? frame_now(x, e, a, arm->step) : arm->frame;
  loomPose goal = loom_pose_from_quat(s->pos, s->quat);

  double about[3] = {0, 0, 2 * pi * turn / s->turns};
  loomPose turned = loom_pose_identity();
  loom_quat_exp(turned.quat, about);

  goal = loom_pose_mul(frame, loom_pose_mul(turned, goal));
  for (int i = 0; i < 3; i++) goal.pos[i] += arm->jitter[i];

  // What is carried is to be there, not the hand.
  return s->carried >= 0 ? loom_pose_mul(goal, loom_pose_inverse(arm->held)) : goal;
}

static loomPose goal_of(loomExpert* x, const loomEpisode* e, int a, int step) {
  int now = x->arm[a].step;
  x->arm[a].step = step;

  loomPose goal = goal_now(x, e, a, x->arm[a].turn);
  x->arm[a].step = now;
  return goal;
}

// A move that the arm only passes on its way to the next one: both to the same frame, nothing in between.
static bool passes(const loomTask* task, int a, int step) {
  if (step < 0 || step + 1 >= task->expert_count[a]) return false;

  const loomExpertStep *s = &task->expert[a][step], *next = s + 1;
  return s->moves && next->moves && s->to.kind != LOOM_POINT_EEF && s->to.kind == next->to.kind &&
         !strcmp(s->to.name, next->to.name) && s->carried == next->carried && s->turns == next->turns &&
         s->upright == next->upright && !s->grip && !s->hand_count && s->until < 0 && next->after_arm < 0;
}

// How far the arm is from the way between that move's goal and the next, in units of what may be: much where
// that begins, little where it ends.
static double off_the_way(loomExpert* x, const loomEpisode* e, int a, int step) {
  loomPose from = goal_of(x, e, a, step), to = goal_of(x, e, a, step + 1), eef = loom_episode_eef(e, a);
  double way[3], at[3], long_way = loom_pose_distance(from, to), along = 0, far = 0;

  // Along the way from its end, and across it.
  if (long_way < no_way) return INFINITY;
  for (int i = 0; i < 3; i++) way[i] = (from.pos[i] - to.pos[i]) / long_way;
  for (int i = 0; i < 3; i++) at[i] = eef.pos[i] - to.pos[i];
  for (int i = 0; i < 3; i++) along += at[i] * way[i];
  for (int i = 0; i < 3; i++) far += (at[i] - along * way[i]) * (at[i] - along * way[i]);

  double ahead = fmax(0, along), over = fmax(0, along - long_way);
  double turn = loom_quat_angle(eef.quat, to.quat);
  return fmax((sqrt(far) + over) / (beside_way + widening * ahead), turn / (turn_at_end + turning * ahead));
}

// A teacher's arm that is on the way to the next move's goal need not go back to where that way begins; one
// that has left it must.
static void find_way(loomExpert* x, const loomEpisode* e, int a) {
  const loomTask* task = e->scene->task;
  loomExpertArm* arm = &x->arm[a];

  bool left = arm->begun && passes(task, a, arm->step - 1) && off_the_way(x, e, a, arm->step - 1) > left_way;
  bool past = arm->begun && passes(task, a, arm->step) && off_the_way(x, e, a, arm->step) < on_way;

  if (!left && !past) return;
  arm->step += past ? 1 : -1;
  arm->arrived = false;
  arm->since = arm->stalled = 0;
  arm->nearest = INFINITY;
}

static void begin_step(loomExpert* x, const loomEpisode* e, int a) {
  loomExpertArm* arm = &x->arm[a];
  const loomExpertStep* s = &e->scene->task->expert[a][arm->step];

  arm->begun = true;
  arm->arrived = !s->moves;
  arm->since = arm->stalled = 0;
  arm->nearest = INFINITY;

  // The frame, a person's inexactness, and how the object is held: once for the whole step.
  if (s->moves) arm->frame = frame_now(x, e, a, arm->step);
  for (int i = 0; !x->corrective && i < 3; i++) arm->jitter[i] = s->jitter * loom_random_normal(&x->random);
  if (s->carried >= 0)
    arm->held = loom_pose_mul(loom_pose_inverse(loom_episode_eef(e, a)), loom_episode_object(e, s->carried));

  // Of equal goals the one the hand turns least for.
  double nearest = INFINITY;
  for (int k = 0; s->moves && k < s->turns; k++) {
    double angle = loom_quat_angle(goal_now(x, e, a, k).quat, loom_episode_eef(e, a).quat);
    if (angle < nearest - 1e-9) {
      nearest = angle;
      arm->turn = k;
    }
  }
}

// s that an arm which follows a moving command lags behind it.
static double lag(const loomArm* arm) {
  const double* kp = arm->control.kp;
  return kp[0] > 0 ? 2 * arm->control.damping_ratio[0] / sqrt(kp[0]) : command_lag;
}

// Was the arm's part of the last action what was said? Then where the arm is is where that led.
static bool was_obeyed(const loomExpert* x, const loomEpisode* e, int a) {
  int at = 0;
  for (int i = 0; i < a; i++) at += loom_arm_action_dim(&e->arms[i]);

  // Who hands the action on may hold it to its range.
  for (int i = at; i < at + loom_arm_action_dim(&e->arms[a]); i++) {
    double said = mju_clip(x->said[i], -1, 1), done = mju_clip(e->action[i], -1, 1);
    if (fabs(said - done) > 1e-9) return false;
  }
  return e->steps > 0;
}

// A joint at its limit, or something in the way, may keep an arm from its goal for ever: a demonstrator goes on
// after a while, and so does a teacher whose word was followed all that while. An arm that somebody else holds
// back is not stuck.
static bool is_stuck(loomExpert* x, const loomEpisode* e, int a, double left) {
  loomExpertArm* arm = &x->arm[a];
  const loomExpertStep* s = &e->scene->task->expert[a][arm->step];
  double least = creeping * fmin(s->speed, m_per_rad * s->spin) / e->scene->task->control_freq;

  // Nearer than ever, or led away: it begins to count anew.
  if (left < arm->nearest - least || left > arm->nearest + beside) {
    arm->nearest = left;
    arm->stalled = 0;
  } else if (was_obeyed(x, e, a)) {
    arm->stalled++;
  }
  return arm->stalled > PATIENCE;
}

// One control step of the command towards the goal, no faster than the step's speeds; eased at the end. A
// teacher's depends on where the arm is alone: ahead of it by what it lags behind at the step's speed.
static void approach(loomExpert* x, const loomEpisode* e, int a) {
  loomExpertArm* arm = &x->arm[a];
  const loomExpertStep* s = &e->scene->task->expert[a][arm->step];

  loomPose goal = goal_now(x, e, a, arm->turn), eef = loom_episode_eef(e, a);
  double dt = 1.0 / e->scene->task->control_freq;

  if (x->corrective) arm->command = eef;

  // As many steps as both speeds ask for; one of them now.
  double far = loom_pose_distance(arm->command, goal), turn = loom_quat_angle(arm->command.quat, goal.quat);
  double ahead = x->corrective ? lag(&e->arms[a]) : x->pace * dt;
  double steps = fmax(far / (s->speed * ahead), turn / (s->spin * ahead));

  arm->command = steps <= 1 ? goal : loom_pose_interpolate(arm->command, goal, 1 / steps);

  double left = loom_pose_distance(eef, goal) + m_per_rad * loom_quat_angle(eef.quat, goal.quat);
  bool stuck = x->corrective && is_stuck(x, e, a, left);
  if (arm->arrived && (left < 2 * beside || stuck)) return;  // a teacher's arm that is held there
  if (arm->arrived) arm->arrived = false, arm->since = 0;
  // Arrived when the command is there and the arm has come close or stopped coming closer.
  arm->since = steps <= 1 ? arm->since + 1 : 0;
  bool near = x->corrective ? left < there || (arm->since > PATIENCE && left < beside)
                            : left < close_enough || arm->since > PATIENCE;

  if ((arm->since && near) || stuck) {
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

static bool in_hand(const loomEpisode* e, int a, int object) {
  unsigned char touch[LOOM_MAX_ARMS * LOOM_MAX_OBJECTS];

  loom_find_touches(touch, e);
  return touch[a * e->scene->task->object_count + object] ==
         (1 << e->scene->task->robots[a].finger_count) - 1;
}

// What the hand did up to a step.
static void hand_before(loomExpertArm* arm, const loomTask* task, int a, int step) {
  int dim = task->robots[a].gripper_dim;
  arm->grip = -1;
  for (int i = 0; i < LOOM_MAX_HAND; i++) arm->hand[i] = -1;

  for (int i = 0; i < step; i++) {
    const loomExpertStep* s = &task->expert[a][i];
    if (s->grip || s->hand_count) set_hand(arm, s, dim);
  }
}

// Back to before the grasp when the object has not been in the hand for a while; while the hand closes, when
// the arm is not where it should. False while a grasp has still to come about.
static bool grasp_holds(loomExpert* x, const loomEpisode* e, int a) {
  const loomTask* task = e->scene->task;
  loomExpertArm* arm = &x->arm[a];
  int at = arm->step < task->expert_count[a] ? arm->step : task->expert_count[a] - 1;

  if (x->held[a][at] < 0) {
    arm->lost = 0;
    return true;
  }

  // Gone is what the hand should have had by now, or cannot get from where it is.
  const loomExpertStep* s = &task->expert[a][at];
  bool holds = in_hand(e, a, x->held[a][at]), closing = closes(s);
  bool away = loom_pose_distance(loom_episode_eef(e, a), arm->command) > beside;
  bool empty = arm->since > s->stay + GRASP_WAIT && e->arms[a].state.grip[0] > shut;
  bool missed = !holds && (!closing || away || empty);

  arm->lost = missed ? arm->lost + 1 : 0;
  if (arm->lost > MISSED) {
    arm->step = x->back[a][at];
    arm->begun = false;
    arm->lost = 0;
    hand_before(arm, task, a, arm->step);
    return true;
  }

  return !closing || holds;
}

// A teacher that has done its steps holds on to the last goal.
static void stay_there(loomExpert* x, const loomEpisode* e, int a) {
  x->arm[a].step--;

  if (e->scene->task->expert[a][x->arm[a].step].moves) approach(x, e, a);
  x->arm[a].step++;
}

static void advance(loomExpert* x, const loomEpisode* e, int a) {
  const loomTask* task = e->scene->task;
  loomExpertArm* arm = &x->arm[a];
  bool held = !x->corrective || grasp_holds(x, e, a);

  if (x->corrective && arm->step == task->expert_count[a]) stay_there(x, e, a);
  if (arm->step >= task->expert_count[a] || !may_go(x, task, a)) return;

  if (arm->pause > 0) {
    arm->pause--;
    return;
  }

  const loomExpertStep* s = &task->expert[a][arm->step];
  if (!arm->begun) begin_step(x, e, a);
  if (x->corrective) {
    find_way(x, e, a);
    s = &task->expert[a][arm->step];
  }

  // There first; then the hand; then its time, what it holds and what it waits for.
  if (!arm->arrived || (x->corrective && s->moves)) approach(x, e, a);
  if (!arm->arrived) return;

  if (s->grip || s->hand_count) set_hand(arm, s, e->arms[a].robot->gripper_dim);
  int stay = x->corrective && x->held[a][arm->step] >= 0 && closes(s) && s->stay > CLOSED ? CLOSED : s->stay;
  bool done = arm->since++ >= stay;

  if (!done || !held) return;
  if (s->until >= 0 && !loom_condition_true(e->conditions, s->until)) return;

  // A person stops now and then.
  arm->step++;
  arm->begun = false;
  bool pauses = !x->corrective && loom_random_uniform(&x->random) < pause_chance;
  arm->pause = pauses ? loom_random_index(&x->random, PAUSE) : 0;
}

static int reset(void* self, loomEpisode* e, loomError* err) {
  loomExpert* x = self;
  (void)err;

  x->random = loom_random(x->seed, x->attempt, LOOM_PURPOSE_EXPERT);
  x->pace = x->corrective ? 1 : loom_random_range(&x->random, slowest, fastest);

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

static int expert_act(double* action, void* self, loomEpisode* e, loomError* err) {
  loomExpert* x = self;
  double* first = action;
  (void)err;
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* body = &e->arms[a];

    if (e->steps >= e->scene->task->settle_steps) advance(x, e, a);
    loom_arm_action_towards(action, body, loom_episode_eef(e, a), x->arm[a].command);
    for (int i = 0; i < body->robot->gripper_dim; i++) action[body->pose_dim + i] = x->arm[a].hand[i];

    action += loom_arm_action_dim(body);
  }
  memcpy(x->said, first, sizeof *first * (size_t)e->action_dim);
  note(x, e);
  return 0;
}

loomPolicy loom_expert_policy(loomExpert* x) {
  return (loomPolicy){x, reset, expert_act};
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
