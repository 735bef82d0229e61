#include "generators/expert/guide.h"

#include <math.h>
#include <string.h>

#include "generators/attempt/regain.h"
#include "generators/source/segment.h"

// An arm that follows is never that much further from its target than the source's was (the controller lags
// 0.16 s; people point far ahead of the hand).
static const double leash = 0.1, leash_turn = 0.8;   // m, rad
static const double close_by = 0.02, turn_by = 0.2;  // of where the source's arm was at the row
static const double ahead = 0.05, turn_ahead = 0.4;  // of the target on the way to the segment
static const double radian = 0.1;                    // m that one rad counts when rows are compared
static const double stays_by = 0.005;                // m that another row must be nearer to be gone to
enum {
  AROUND = 2,     // rows before and after one at which the gripper command changes
  PATIENCE = 60,  // control steps to wait for the arm to be there
  BLOCKED = 10,   // and on the way to a segment, where it may be its partner that stands in the way
  MISSED = 25,    // to wait for fingers, and to be without what should be in the hand
  UNMET = 20,     // to wait for what a subtask expects, over its own `wait`
};

void loom_guide_begin(loomGuide* g, loomEpisode* e, const loomSourceSet* sources, uint64_t seed,
                      uint64_t number) {
  *g = (loomGuide){.def = loom_default_attempt_def(), .result = {.attempt = number}};

  g->def.seed = seed;
  g->def.noise_scale = 0;

  g->plan =
      (loomPlan){.sources = sources, .def = &g->def, .e = e, .task = e->scene->task, .result = &g->result};
}

static int reset(void* self, loomEpisode* e, loomError* err) {
  loomGuide* g = self;
  (void)err;
  loom_plan_start(&g->plan, e);
  return 0;
}

// ---- the source at a row

static bool closing(const loomReplay* r, int a, int row) {
  return r->grip[a][row] > 0;
}

// ---- where the plan goes on

// Among the rows around the arm's own with the same gripper command, the one whose pose is nearest to the
// arm.
static int nearest_row(const loomPlan* p, int a) {
  const loomArmPlan* arm = &p->arm[a];
  const loomReplay* r = &p->sources->replay[arm->source];
  loomPose eef = loom_episode_eef(p->e, a);
  int now = loom_plan_row(p, a), first = loom_segment_start(r, a, arm->subtask), best = now;

  // On both sides of the arm's own row, as far as the gripper command lasts.
  double least = INFINITY;  // where it stays, what is about as near is not nearer
  for (int side = -1; side <= 1; side += 2) {
    for (int t = now; t >= first && t < arm->end && closing(r, a, t) == closing(r, a, now); t += side) {
      loomPose there = loom_transform_apply(&arm->transform, r->eef[a][t]);

      double far = loom_pose_distance(there, eef) + radian * loom_quat_angle(there.quat, eef.quat);
      if (t == now) far -= stays_by;

      if (far < least - 1e-9) {
        least = far;
        best = t;
      }
    }
  }
  return best;
}

static bool further(loomPose a, loomPose b, double far, double turn) {
  return loom_pose_distance(a, b) > far || loom_quat_angle(a.quat, b.quat) > turn;
}

static bool strays(const loomPlan* p, int a) {
  const loomArmPlan* arm = &p->arm[a];
  const loomReplay* r = &p->sources->replay[arm->source];
  double lead = 0, lead_turn = 0;

  // On the way to the segment targets are the plan's own.
  if (arm->step > arm->lead_in) {
    int row = loom_plan_row(p, a);
    lead = loom_pose_distance(r->target[a][row], r->eef[a][row]);
    lead_turn = loom_quat_angle(r->target[a][row].quat, r->eef[a][row].quat);
  }
  return further(loom_episode_eef(p->e, a), arm->target, leash + lead, leash_turn + lead_turn);
}

// After a step: what has gone wrong, and subtasks whose rows are done and whose effect is there.
static bool follow(loomGuide* g, int a) {
  loomPlan* p = &g->plan;
  loomArmPlan* arm = &p->arm[a];
  const loomSubtaskDef* s = loom_plan_current(p, a);

  // Without what it should hold, it grasps again; away from its target, it goes on from the nearest row.
  g->missed[a] = loom_grasp_differs(p, a) > 0 ? g->missed[a] + 1 : 0;
  if (g->missed[a] > MISSED) {
    g->missed[a] = g->waited[a] = 0;
    loom_grasp_again(p, a);
    return false;
  }

  if (strays(p, a)) {
    loom_plan_begin_again(p, a, nearest_row(p, a));
    return false;
  }

  // Its rows are done: wait for what they bring about, then try the segment again.
  if (!loom_plan_finished(arm)) return false;
  if (s->expect < 0 || loom_condition_true(p->e->conditions, s->expect)) return true;

  if (arm->waited++ > s->wait_steps + UNMET)
    loom_plan_begin_again(p, a, loom_segment_start(&p->sources->replay[arm->source], a, arm->subtask));
  return false;
}

static void end_subtasks(loomGuide* g) {
  loomPlan* p = &g->plan;
  bool ready[LOOM_MAX_ARMS] = {false};

  for (int a = 0; a < p->e->arm_count; a++) ready[a] = p->arm[a].running && follow(g, a);
  loom_plan_end(p, ready);
}

// An arm that has come further along its way than the row goes on from there.
static void catch_up(loomGuide* g, int a) {
  loomArmPlan* arm = &g->plan.arm[a];
  if (!arm->running || arm->step <= arm->lead_in || loom_plan_finished(arm)) return;

  int now = loom_plan_row(&g->plan, a), there = nearest_row(&g->plan, a);
  if (there > now) arm->step += there - now;
}

// Does the arm's row wait for the arm, or for its fingers? So the row depends on where the arm is, not on
// when.
static bool waits(loomGuide* g, int a) {
  const loomPlan* p = &g->plan;
  const loomArmPlan* arm = &p->arm[a];
  if (!arm->running || !arm->step || loom_plan_finished(arm)) return false;

  const loomReplay* r = &p->sources->replay[arm->source];
  loomPose eef = loom_episode_eef(p->e, a);

  // On the way to the segment the target may lead; in it the arm is where the source's was.
  bool on_way = arm->step <= arm->lead_in;
  bool wait = on_way ? further(eef, arm->target, ahead, turn_ahead)
                     : further(eef, loom_transform_apply(&arm->transform, r->eef[a][loom_plan_row(p, a)]),
                               close_by, turn_by) ||
                           loom_grasp_differs(p, a);

  g->waited[a] = wait ? g->waited[a] + 1 : 0;
  return wait && g->waited[a] < (on_way ? BLOCKED : PATIENCE);
}

// Partners of coordinated subtasks wait for each other.
static void hold_rows(loomGuide* g) {
  loomPlan* p = &g->plan;
  bool hold[LOOM_MAX_ARMS] = {false};

  for (int a = 0; a < p->e->arm_count; a++) {
    catch_up(g, a);
    hold[a] = waits(g, a);
  }

  for (int a = 0; a < p->e->arm_count; a++) {
    int other, other_k;
    bool both = p->arm[a].running && loom_task_partner(p->task, a, p->arm[a].subtask, &other, &other_k) &&
                p->arm[other].running;

    if (p->arm[a].running && p->arm[a].step > 0 && !loom_plan_finished(&p->arm[a]) &&
        (hold[a] || (both && hold[other])))
      p->arm[a].step--;
  }
}

static int guide_act(double* action, void* self, loomEpisode* e, loomError* err) {
  loomGuide* g = self;
  (void)err;

  if (e->steps > e->scene->task->settle_steps) end_subtasks(g);
  if (e->steps >= e->scene->task->settle_steps) {
    loom_plan_begin(&g->plan);
    hold_rows(g);
  }

  loom_plan_move(action, &g->plan);
  if (e->steps < e->scene->task->settle_steps) loom_episode_keep_still(action, e);
  return 0;
}

loomPolicy loom_guide_policy(loomGuide* g) {
  return (loomPolicy){g, reset, guide_act};
}
