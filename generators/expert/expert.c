#include "generators/expert/expert.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/scene/point.h"
#include "engine/sim/controller.h"
#include "generators/expert/expert_correct.h"
#include "generators/expert/expert_step.h"

static const double close_enough = 0.006;          // m: of a goal; a demonstrator waits this long for it:
enum { PATIENCE = 15 };                            // control steps
static const double missed = 0.02;                 // m: this far off a goal is told
static const double slowest = 0.8, fastest = 1.2;  // paces of demonstrators
static const double pause_chance = 0.2;            // after a step; then so many control steps at most:
enum { PAUSE = 6 };
enum { CLOSED = 4 };  // control steps for which a teacher's hand has closed on something

int loom_expert_create(loomExpert* x, const loomEpisode* e, uint64_t seed, uint64_t attempt, loomTrace* trace,
                       loomError* err) {
  const loomTask* task = e->scene->task;
  memset(x, 0, sizeof *x);

  x->seed = seed;
  x->attempt = attempt;
  x->trace = trace;

  int driven = loom_arms_take_poses(e->arms, e->arm_count, task->path, err);
  if (driven) return driven;

  for (int a = 0; a < task->arm_count; a++) {
    if (!task->expert_count[a])
      return loom_error_set(err, LOOM_ERR_USAGE, "%s: no `expert:`, so there is nothing to record",
                            task->path);

    for (int i = 0; i < task->expert_count[a]; i++) {
      const loomExpertStep* s = &task->expert[a][i];
      int code = s->moves ? loom_point_bind(&x->point_id[a][i], &s->to, task, s->line, e->m, err) : 0;
      if (code) return code;
    }

    loom_expert_find_holds(x, e, a);
  }
  return 0;
}

// Where the arm was to be and could not come to is what a failure may be about.
static void note_miss(loomExpertArm* arm, const loomEpisode* e, int a, loomPose eef, loomPose goal) {
  double by = loom_pose_distance(eef, goal);
  if (by <= missed || by <= arm->missed_by) return;

  arm->missed = arm->step;
  arm->missed_by = by;
  arm->limit = loom_arm_at_limit(&e->arms[a], e->m, e->d);
}

// One control step of the command towards the goal, no faster than the step's speeds at this demo's pace.
static void approach(loomExpert* x, const loomEpisode* e, int a) {
  loomExpertArm* arm = &x->arm[a];
  const loomExpertStep* s = loom_expert_step(e, a, arm->step);
  loomPose goal = loom_expert_goal(x, e, a, arm->step), eef = loom_episode_eef(e, a);

  // As many steps as both speeds ask for; one of them now.
  double far = loom_pose_distance(arm->command, goal), turn = loom_quat_angle(arm->command.quat, goal.quat);
  double ahead = x->pace * (1.0 / e->scene->task->control_freq);
  double steps = fmax(far / (s->speed * ahead), turn / (s->spin * ahead));
  arm->command = steps <= 1 ? goal : loom_pose_interpolate(arm->command, goal, 1 / steps);

  // Arrived when the command is there and the arm has come close or stopped coming closer.
  double left = loom_expert_left(eef, goal);
  arm->since = steps <= 1 ? arm->since + 1 : 0;
  if (!arm->since || (left >= close_enough && arm->since <= PATIENCE)) return;

  arm->arrived = true;
  arm->since = 0;
  arm->short_of = left;
  note_miss(arm, e, a, eef, goal);
}

static bool may_go(const loomExpert* x, const loomTask* task, int a) {
  const loomExpertStep* s = &task->expert[a][x->arm[a].step];
  return s->after_arm < 0 || x->arm[s->after_arm].step > s->after_step;
}

// A teacher that has done its steps holds on to the last goal.
static void stay_there(loomExpert* x, const loomEpisode* e, int a) {
  x->arm[a].step--;

  if (loom_expert_step(e, a, x->arm[a].step)->moves) loom_expert_lead(x, e, a);
  x->arm[a].step++;
}

// A demonstrator closes its hand for as long as the step says; a teacher sees when it holds.
static bool has_stayed(const loomExpert* x, int a, const loomExpertStep* s) {
  const loomExpertArm* arm = &x->arm[a];
  bool grasps = x->corrects && x->held[a][arm->step] >= 0 && loom_expert_closes(s);

  return arm->since >= (grasps && s->stay > CLOSED ? CLOSED : s->stay);
}

static void go_on(loomExpert* x, const loomEpisode* e, int a) {
  loomExpertArm* arm = &x->arm[a];
  if (x->corrective) loom_expert_note_grasp(x, e, a);
  arm->step++;
  arm->begun = false;

  // A person stops now and then.
  bool pauses = !x->corrects && loom_random_uniform(&x->random) < pause_chance;
  arm->pause = pauses ? loom_random_index(&x->random, PAUSE) : 0;
}

static void advance(loomExpert* x, const loomEpisode* e, int a) {
  const loomTask* task = e->scene->task;
  loomExpertArm* arm = &x->arm[a];
  bool held = !x->corrects || loom_expert_holds(x, e, a);

  if (x->corrects && arm->step == task->expert_count[a]) stay_there(x, e, a);
  if (arm->step >= task->expert_count[a] || !may_go(x, task, a)) return;

  if (arm->pause > 0) {
    arm->pause--;
    return;
  }

  if (!arm->begun) loom_expert_begin_step(x, e, a);
  if (x->corrects) loom_expert_find_way(x, e, a);
  const loomExpertStep* s = loom_expert_step(e, a, arm->step);

  // There first; then the hand; then its time, what it holds and what it waits for.
  if (x->corrects && s->moves) loom_expert_lead(x, e, a);
  if (!x->corrects && !arm->arrived) approach(x, e, a);
  if (!arm->arrived) return;

  if (s->grip || s->hand_count) loom_expert_set_hand(arm, s, e->arms[a].robot->gripper_dim);
  bool done = has_stayed(x, a, s);
  arm->since++;

  if (!done || !held) return;
  if (s->until >= 0 && !loom_condition_true(e->conditions, s->until)) return;
  go_on(x, e, a);
}

static int reset(void* self, loomEpisode* e, loomError* err) {
  loomExpert* x = self;
  (void)err;

  x->random = loom_random(x->seed, x->attempt, LOOM_PURPOSE_EXPERT);
  x->pace = loom_random_range(&x->random, slowest, fastest);
  x->corrects = false;

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
  if (x->corrective) loom_expert_watch(x, e);

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

// A step as messages have it: by its name, or its number.
static void step_name(char out[80], const loomTask* task, int a, int i) {
  const char* name = task->expert[a][i].name;
  if (name[0])
    snprintf(out, 80, "%s", name);
  else
    snprintf(out, 80, "%d", i + 1);
}

void loom_expert_where(char* out, size_t n, const loomExpert* x, const loomTask* task) {
  size_t at = 0;
  out[0] = 0;
  for (int a = 0; a < task->arm_count && at < n; a++) {
    const loomExpertArm* arm = &x->arm[a];
    bool done = arm->step >= task->expert_count[a];
    char step[80] = "", miss[160] = "", limit[40] = "";
    if (!done) step_name(step, task, a, arm->step);

    if (arm->missed_by > 0) {
      char of[80];
      step_name(of, task, a, arm->missed);
      if (arm->limit >= 0) snprintf(limit, sizeof limit, ", joint %d at its limit", arm->limit + 1);
      snprintf(miss, sizeof miss, " (%.0f mm short of step %s%s)", 1000 * arm->missed_by, of, limit);
    }
    int wrote = snprintf(out + at, n - at, "%sarm %d %s%s%s", a ? ", " : "", a, done ? "done" : "at step ",
                         step, miss);
    at += wrote > 0 ? (size_t)wrote : 0;
  }
}
