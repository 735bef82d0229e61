#include "generators/expert/expert_correct.h"

#include <math.h>
#include <string.h>

#include "engine/scene/point.h"
#include "engine/sim/part.h"
#include "generators/expert/expert_step.h"
#include "generators/source/replay.h"

// A teacher's tolerances. What it says must follow from where things are, for that is all a pupil sees: no
// long counting, no exact places.
static const double there = 0.012;             // m: at a goal
static const double beside_way = 0.015;        // m: off the way to a goal, where it ends ...
static const double widening = 0.4;            // ... and m more for each m before that
static const double turn_at_end = 0.3;         // rad: turned from the goal, there ...
static const double turning = 3;               // ... and rad more for each m before
static const double left_way = 2, on_way = 1;  // of that is off the way, and on it
static const double no_way = 1e-6;             // m: goals in one place have no way between them
static const double command_lag = 0.16;        // s an arm lags behind where its stiffness is not known
static const double beside = 0.03;             // m: near enough to what cannot be reached better
static const double creeping = 0.1;            // of a step's speed: less is no coming nearer
static const double pushing = 0.3;             // of the lag, more for each step that it came no nearer
enum { PATIENCE = 15, MISSED = 5, GRASP_WAIT = 15, PASSING = 5 };  // control steps
enum { TRIES = 3 };                                                // of a hand that closes on nothing

// ---- what is to be held

// From a step that closes the hand beside an object to the one that opens it again the object is held; the
// way back leads to the first of the moves before.
void loom_expert_find_holds(loomExpert* x, const loomEpisode* e, int a) {
  const loomTask* task = e->scene->task;
  int object = -1, approach = -1, held = -1, back = -1;

  for (int i = 0; i < task->expert_count[a]; i++) {
    const loomExpertStep* s = &task->expert[a][i];

    // The object that the step's frame lies on: the arm goes there to grasp it, or has it in the hand.
    int body = s->moves ? loom_point_body(&s->to, x->point_id[a][i], e->m) : 0;
    int frame = loom_object_of_body(e->m, e->scene->object_body, task->object_count, body);
    x->in_hand[a][i] = frame >= 0 && (frame == held || frame == s->carried);

    if (loom_expert_opens(s)) held = approach = object = -1;

    if (held < 0 && frame >= 0) {
      if (object != frame) approach = i;
      object = frame;
    }

    if (loom_expert_closes(s) && object >= 0) {
      held = object;
      back = approach;
    }

    x->held[a][i] = held;
    x->back[a][i] = held >= 0 ? back : -1;
  }
}

static unsigned touching(const loomEpisode* e, int a, int object) {
  unsigned char touch[LOOM_MAX_ARMS * LOOM_MAX_OBJECTS];

  loom_find_touches(touch, e);
  return touch[a * e->scene->task->object_count + object];
}

static int step_of(const loomEpisode* e, const loomExpertArm* arm, int a) {
  int count = e->scene->task->expert_count[a];
  return arm->step < count ? arm->step : count - 1;
}

// What a demonstrator went on with is what can be had: with how many fingers, and of which part of the
// object.
void loom_expert_note_grasp(loomExpert* x, const loomEpisode* e, int a) {
  loomExpertArm* arm = &x->arm[a];
  int object = x->held[a][arm->step];
  if (object < 0 || !loom_expert_closes(loom_expert_step(e, a, arm->step))) return;

  arm->grasp = touching(e, a, object);
  arm->part = loom_pose_mul(loom_pose_inverse(loom_episode_object(e, object)), loom_episode_eef(e, a));
  arm->tries = 0;
}

// Does the hand still have what it closed on? The part of the object that was in it is there, or the same
// fingers touch it. A hand that closed on nothing, to push or to hook, has nothing to lose.
static bool still_holds(const loomExpertArm* arm, const loomEpisode* e, int a, int object) {
  loomPose part = loom_pose_mul(loom_episode_object(e, object), arm->part);
  bool slipped = loom_pose_distance(part, loom_episode_eef(e, a)) > beside;

  return !arm->grasp || !slipped || (touching(e, a, object) & arm->grasp) == arm->grasp;
}

static void go_back(loomExpert* x, const loomEpisode* e, int a, int step) {
  loomExpertArm* arm = &x->arm[a];
  arm->step = step;
  arm->begun = false;
  arm->lost = 0;
  arm->short_of = 0;
  loom_expert_hand_before(arm, e->scene->task, a, step);
}

// A closing hand waits for all its fingers, but not for ever: then a grasp with some of them is one too, and
// after some tries an empty hand, for it may be meant so.
bool loom_expert_holds(loomExpert* x, const loomEpisode* e, int a) {
  loomExpertArm* arm = &x->arm[a];
  int at = step_of(e, arm, a), object = x->held[a][at];
  if (object < 0) {
    arm->lost = 0;
    return true;
  }

  const loomExpertStep* s = loom_expert_step(e, a, at);
  bool closing = loom_expert_closes(s) && at == arm->step, ready = true, missed = false;
  if (closing) {
    unsigned touch = touching(e, a, object);
    bool all = touch == (1U << e->scene->task->robots[a].finger_count) - 1;
    bool waited = arm->begun && arm->arrived && arm->since > s->stay + GRASP_WAIT;

    // The arm may have been led away from where the hand is to close.
    bool away = loom_pose_distance(loom_episode_eef(e, a), arm->command) > beside + arm->short_of;
    bool empty = waited && !touch && arm->tries < TRIES;
    ready = all || (waited && !empty);
    missed = !all && (away || empty);
    if (empty && arm->lost == MISSED) arm->tries++;
  } else {
    missed = !still_holds(arm, e, a, object);
  }

  // Back when that has been so for a while.
  arm->lost = missed ? arm->lost + 1 : 0;
  if (arm->lost <= MISSED) return ready;
  go_back(x, e, a, x->back[a][at]);
  return true;
}

// ---- the way

static loomPose place_of(const loomExpertStep* s) {
  return loom_pose_from_quat(s->pos, s->quat);
}

// There and back: such a move is made for its own sake, as to pour or to wipe.
static bool turns_back(const loomExpertStep* before, const loomExpertStep* s, const loomExpertStep* next) {
  return loom_expert_same_frame(before, s) &&
         loom_expert_left(place_of(before), place_of(next)) < loom_expert_left(place_of(s), place_of(next));
}

// The hand turns on the way, more than one that is said to be on it may.
static bool turns_over(const loomExpertStep* s, const loomExpertStep* next) {
  double ahead = loom_pose_distance(place_of(s), place_of(next));
  return loom_quat_angle(s->quat, next->quat) > on_way * (turn_at_end + turning * ahead);
}

// A move that the arm only passes on its way to the next one: both to the same frame, nothing in between.
static bool passes(const loomTask* task, int a, int step) {
  if (step < 0 || step + 1 >= task->expert_count[a]) return false;

  const loomExpertStep *s = &task->expert[a][step], *next = s + 1;
  return loom_expert_same_frame(s, next) && !s->grip && !s->hand_count && s->until < 0 &&
         s->stay <= PASSING && next->after_arm < 0 && !turns_over(s, next) &&
         !(step && turns_back(s - 1, s, next));
}

// How far the arm is from the way between that move's goal and the next, in units of what may be: much where
// that begins, little where it ends. Of the distance `spare` (m) is not counted.
static double off_the_way(const loomExpert* x, const loomEpisode* e, int a, int step, double spare) {
  loomPose from = loom_expert_goal(x, e, a, step), to = loom_expert_goal(x, e, a, step + 1),
           eef = loom_episode_eef(e, a);
  double way[3], at[3], long_way = loom_pose_distance(from, to), along = 0, far = 0;

  // Along the way from its end, and across it.
  if (long_way < no_way) return INFINITY;
  for (int i = 0; i < 3; i++) way[i] = (from.pos[i] - to.pos[i]) / long_way;
  for (int i = 0; i < 3; i++) at[i] = eef.pos[i] - to.pos[i];
  for (int i = 0; i < 3; i++) along += at[i] * way[i];
  for (int i = 0; i < 3; i++) far += (at[i] - along * way[i]) * (at[i] - along * way[i]);

  double ahead = fmax(0, along), off = sqrt(far) + fmax(0, along - long_way) - spare;
  double turn = loom_quat_angle(eef.quat, to.quat) - spare / loom_expert_m_per_rad;
  return fmax(off / (beside_way + widening * ahead), turn / (turn_at_end + turning * ahead));
}

// What an arm could not reach of its last goal it need not reach on the way from there either.
void loom_expert_find_way(loomExpert* x, const loomEpisode* e, int a) {
  const loomTask* task = e->scene->task;
  loomExpertArm* arm = &x->arm[a];
  if (!arm->begun) return;

  bool left = passes(task, a, arm->step - 1) && off_the_way(x, e, a, arm->step - 1, arm->short_of) > left_way;
  bool past = passes(task, a, arm->step) && off_the_way(x, e, a, arm->step, 0) < on_way;

  if (!left && !past) return;
  arm->step += past ? 1 : -1;
  arm->arrived = false;
  arm->since = arm->stalled = arm->push = 0;
  arm->nearest = INFINITY;
}

// s that an arm which follows a moving command lags behind it.
static double lag(const loomArm* arm) {
  const double* kp = arm->control.kp;
  return kp[0] > 0 ? 2 * arm->control.damping_ratio[0] / sqrt(kp[0]) : command_lag;
}

// Was the arm's part of the last action what was said? Then where the arm is is where that led.
static bool was_obeyed(const loomExpert* x, const loomEpisode* e, int a) {
  int at = 0, pose = e->arms[a].pose_dim;
  for (int i = 0; i < a; i++) at += loom_arm_action_dim(&e->arms[i]);

  // Who hands an action on may hold a hand's to its range, as the hand does.
  for (int i = 0; i < loom_arm_action_dim(&e->arms[a]); i++) {
    double said = x->said[at + i], done = e->action[at + i];
    if (i >= pose) said = mju_clip(said, -1, 1), done = mju_clip(done, -1, 1);
    if (fabs(said - done) > 1e-9) return false;
  }
  return true;
}

// A joint at its limit, or something in the way, may keep an arm from its goal for ever: a demonstrator's
// command goes on without the arm, pulls harder so, and is at the goal in the end; and then the demonstrator
// goes on. So does a teacher whose word was followed all that while. An arm that somebody else holds back is
// not stuck.
static bool is_stuck(loomExpert* x, const loomEpisode* e, int a, double left) {
  loomExpertArm* arm = &x->arm[a];
  const loomExpertStep* s = loom_expert_step(e, a, arm->step);
  double least = creeping * fmin(s->speed, loom_expert_m_per_rad * s->spin) / e->scene->task->control_freq;

  // Nearer than ever, or led away: it begins to count anew.
  if (left < arm->nearest - least || left > arm->nearest + beside + arm->short_of) {
    arm->nearest = left;
    arm->stalled = 0;
  } else if (was_obeyed(x, e, a)) {
    arm->stalled++;
    arm->push++;
  }
  return arm->stalled > PATIENCE;
}

// Where the command is depends on where the arm is alone: ahead of it by what it lags behind at the step's
// speed, and by more where that is not enough to move it.
void loom_expert_lead(loomExpert* x, const loomEpisode* e, int a) {
  loomExpertArm* arm = &x->arm[a];
  const loomExpertStep* s = loom_expert_step(e, a, arm->step);
  loomPose goal = loom_expert_goal(x, e, a, arm->step), eef = loom_episode_eef(e, a);

  double left = loom_expert_left(eef, goal);
  bool stuck = is_stuck(x, e, a, left);

  double ahead = lag(&e->arms[a]) * (1 + pushing * arm->push);
  double steps = fmax(loom_pose_distance(eef, goal) / (s->speed * ahead),
                      loom_quat_angle(eef.quat, goal.quat) / (s->spin * ahead));
  arm->command = steps <= 1 ? goal : loom_pose_interpolate(eef, goal, 1 / steps);

  // An arm that has arrived is held there.
  if (arm->arrived && (left < 2 * beside + arm->short_of || stuck)) return;
  if (arm->arrived) arm->arrived = false, arm->since = 0;

  // Arrived when the command is there and the arm has come close or stopped coming closer.
  arm->since = steps <= 1 ? arm->since + 1 : 0;
  bool near = left < there || (arm->since > PATIENCE && left < beside);
  if ((!arm->since || !near) && !stuck) return;

  arm->arrived = true;
  arm->since = 0;
  arm->short_of = left < there ? 0 : left;
}

// ---- from demonstrator to teacher

void loom_expert_watch(loomExpert* x, const loomEpisode* e) {
  bool obeyed = true;
  for (int a = 0; a < e->arm_count; a++) obeyed = obeyed && (e->steps == 0 || was_obeyed(x, e, a));
  if (x->corrects || obeyed) return;

  // From now on nothing depends on the draw: no pauses, no inexact places.
  x->corrects = true;
  for (int a = 0; a < e->arm_count; a++) {
    loomExpertArm* arm = &x->arm[a];
    arm->pause = 0;
    memset(arm->jitter, 0, sizeof arm->jitter);
    arm->nearest = INFINITY;
    arm->stalled = arm->push = 0;
  }
}
