#include "generators/attempt/upset.h"

#include <math.h>
#include <string.h>

#include "engine/sim/disturb.h"
#include "engine/sim/part.h"
#include "generators/attempt/recover.h"
#include "generators/attempt/regain.h"
#include "generators/attempt/tries.h"

// Whatever moves objects at once leaves them this long to come to rest, control steps.
enum { REST = 2 };

static const double before_grasp = 1;  // s

static loomDrawn* drawn_of(const loomPlan* p) {
  return &p->e->disturbance->drawn[0];
}

int loom_upset_begin(loomUpset* u, loomPlan* p, loomError* err) {
  const loomRecover* r = p->def->recover;
  *u = (loomUpset){.stage = LOOM_UPSET_NONE};
  if (!r || !r->count) return 0;

  // By the number of the start: all tries at one are disturbed alike.
  uint64_t number = loom_attempt_start(p->def, p->result->attempt);
  loomRandom random = loom_random(p->def->seed, number, LOOM_PURPOSE_RECOVER);
  bool recovers = loom_random_uniform(&random) < r->share;
  int way = loom_random_index(&random, r->count);
  double before = before_grasp * p->task->control_freq * loom_random_uniform(&random);
  if (!recovers) return 0;

  int code = loom_disturb_begin(p->e, &r->way[way], p->def->seed, number, NULL, err);
  if (code) return code;

  // It waits from the time that was drawn on.
  p->result->recover = way;
  u->stage = LOOM_UPSET_AHEAD;
  u->due = (int)fmin(floor(drawn_of(p)->at * p->task->control_freq + 0.5), 1e9);
  u->before = (int)before;
  drawn_of(p)->at = INFINITY;
  return 0;
}

// ---- does it mean anything now?

static unsigned all_fingers(const loomPlan* p, int a) {
  return (1u << p->task->robots[a].finger_count) - 1;
}

// Does an object touch anything that is fixed to the world?
static bool stands(const loomPlan* p, int object) {
  const loomEpisode* e = p->e;
  for (int c = 0; c < e->d->ncon; c++) {
    for (int side = 0; side < 2; side++) {
      int geom = e->d->contact[c].geom[side], other = e->d->contact[c].geom[1 - side];
      if (geom < 0 || other < 0 || e->m->body_weldid[e->m->geom_bodyid[other]]) continue;
      if (loom_object_of_geom(e->m, e->scene->object_body, p->task->object_count, geom) == object)
        return true;
    }
  }
  return false;
}

// A hand of those that the term is of holds something up, and is to.
static bool holds(const loomPlan* p, const unsigned char* touch) {
  const loomDrawn* d = drawn_of(p);
  for (int a = d->first; a < d->first + d->n; a++)
    for (int o = 0; p->arm[a].grip > 0 && o < p->task->object_count; o++)
      if (touch[a * p->task->object_count + o] == all_fingers(p, a) && !stands(p, o)) return true;
  return false;
}

// An object of those that the term is of is what a hand is after, and no finger touches it yet.
static bool lies(const loomPlan* p, const unsigned char* touch) {
  const loomDrawn* d = drawn_of(p);
  for (int a = 0; a < p->e->arm_count; a++) {
    int o = p->arm[a].running ? loom_plan_current(p, a)->reference : -1;
    if (o < d->first || o >= d->first + d->n) continue;

    bool touched = false;
    for (int b = 0; b < p->e->arm_count; b++) touched = touched || touch[b * p->task->object_count + o];
    if (!touched) return true;
  }
  return false;
}

// The hand that the term is of is so many rows of its source, or fewer, before one at which it begins to
// close.
static bool about_to_grasp(const loomPlan* p, int before) {
  int body = drawn_of(p)->first;
  for (int a = 0; a < p->e->arm_count; a++) {
    const loomArmPlan* arm = &p->arm[a];
    if (!arm->running || p->e->m->site_bodyid[p->e->arms[a].site] != body) continue;

    int row = loom_plan_row(p, a),
        closing = loom_replay_closing(&p->sources->replay[arm->source], a, arm->start, arm->end);
    if (row <= closing && row + before >= closing) return true;
  }
  return false;
}

static bool means_something(const loomPlan* p, const loomUpset* u) {
  unsigned char touch[LOOM_MAX_ARMS * LOOM_MAX_OBJECTS];
  loomDisturbKind kind = p->e->disturbance->set->terms[0].kind;
  bool any = false;
  for (int a = 0; a < p->e->arm_count; a++) any = any || p->arm[a].running;
  if (any && p->def->recover->grasps[p->result->recover]) return about_to_grasp(p, u->before);
  if (!any || kind == LOOM_DISTURB_PUSH) return any;

  loom_find_touches(touch, p->e);
  return kind == LOOM_DISTURB_SLIP ? holds(p, touch) : lies(p, touch);
}

// ---- anew

static int later(int step, int by) {
  return step < 0 ? step : step > by ? step - by : 0;
}

// Control steps are counted from here; what was found for the way up to here is of no use.
static void count_anew(loomPlan* p) {
  int by = p->e->steps;
  for (int a = 0; a < p->e->arm_count; a++) {
    for (int k = 0; k < p->task->subtask_count[a]; k++) {
      p->end_step[a][k] = later(p->end_step[a][k], by);
      p->result->begin[a][k] = later(p->result->begin[a][k], by);
    }
    p->arm[a].still = p->arm[a].broken = 0;
    p->result->path[a] = 0;
  }
  p->detour_count = p->idle = p->slow_until = 0;
  memset(p->yield, 0, sizeof p->yield);
}

// From the state that the disturbance has left, as a demo that is recorded there: to the bit what a replay of
// its actions will come to.
static int begin_anew(loomPlan* p, loomRunResult* run, loomError* err) {
  int64_t physics_steps = run->physics_steps;
  p->result->recover_step = p->e->steps;
  count_anew(p);

  int code = loom_disturb_end(&p->e->hands, p->e, err);
  if (code) return code;
  p->trace->rows = 0;
  p->midway = true;
  loom_judge_begin(run, p->e);
  run->physics_steps = physics_steps;
  loom_regain(p);
  return 1;
}

int loom_upset_step(loomUpset* u, loomPlan* p, loomRunResult* run, loomError* err) {
  int now = p->e->steps;
  if (u->stage == LOOM_UPSET_AHEAD && now >= u->due && means_something(p, u)) {
    drawn_of(p)->at = (double)now / p->task->control_freq;
    u->stage = LOOM_UPSET_ACTS;
  }
  if (u->stage != LOOM_UPSET_ACTS) return 0;

  int rest = p->e->disturbance->set->terms[0].ends ? 0 : REST;
  if (now < loom_disturb_over(p->e, 0) + rest) return 0;
  u->stage = LOOM_UPSET_PAST;
  return begin_anew(p, run, err);
}

void loom_upset_end(loomUpset* u, loomPlan* p) {
  if (u->stage == LOOM_UPSET_AHEAD) p->e->disturbance = NULL;
}
