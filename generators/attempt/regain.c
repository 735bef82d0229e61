#include "generators/attempt/regain.h"

#include <string.h>

#include "generators/source/segment.h"

enum { STEADY = 3 };  // rows in a row over which a touch of the source counts

static bool closing(const loomReplay* r, int a, int row) {
  return r->grip[a][row] > 0;
}

static unsigned fingers(const loomPlan* p, int a) {
  return (1u << p->task->robots[a].finger_count) - 1;
}

// ---- what is in the hand

// Does the source hold the object at this row and those around it; or touch it at none of them?
static bool held_there(const loomPlan* p, const loomReplay* r, int a, int object, int row, bool held) {
  for (int t = row - STEADY; t <= row + STEADY; t++) {
    if (t < 0 || t >= r->rows) continue;

    unsigned touch = r->touch[(t * r->arm_count + a) * r->object_count + object];
    if (held ? touch != fingers(p, a) : touch != 0) return false;
  }
  return true;
}

int loom_grasp_differs(const loomPlan* p, int a) {
  unsigned char touch[LOOM_MAX_ARMS * LOOM_MAX_OBJECTS];
  const loomReplay* r = &p->sources->replay[p->arm[a].source];

  int row = loom_plan_row(p, a);
  loom_find_touches(touch, p->e);

  for (int o = 0; o < p->task->object_count; o++) {
    unsigned now = touch[a * p->task->object_count + o];
    if (closing(r, a, row) && now != fingers(p, a) && held_there(p, r, a, o, row, true)) return 1;
    if (!closing(r, a, row) && now == fingers(p, a) && held_there(p, r, a, o, row, false)) return -1;
  }
  return 0;
}

static bool grasps_in(const loomReplay* r, int a, int subtask) {
  return loom_replay_closing(r, a, loom_segment_start(r, a, subtask), r->end[a][subtask]) >= 0;
}

void loom_grasp_again(loomPlan* p, int a) {
  loomArmPlan* arm = &p->arm[a];
  int k = arm->subtask, other, other_k;

  while (k > 0 && !grasps_in(&p->sources->replay[p->result->source[a][k]], a, k)) k--;

  if (loom_task_partner(p->task, a, arm->subtask, &other, &other_k) && p->arm[other].subtask == other_k)
    p->arm[other].running = false;
  for (int i = k; i < p->task->subtask_count[a]; i++) p->end_step[a][i] = -1;

  // From where the arm is, with the hand as the segment begins.
  const loomReplay* r = &p->sources->replay[p->result->source[a][k]];
  int start = loom_segment_start(r, a, k);
  arm->subtask = k;
  arm->running = false;

  arm->target = loom_episode_eef(p->e, a);
  arm->grip = r->grip[a][start];
  memcpy(arm->hand, r->hand[a] + (size_t)start * LOOM_MAX_HAND, sizeof arm->hand);
}

static const double back_by = 0.06;  // m

bool loom_grasp_retry(loomPlan* p, int a) {
  loomArmPlan* arm = &p->arm[a];
  const loomReplay* r = &p->sources->replay[arm->source];
  int start = loom_segment_start(r, a, arm->subtask);
  int row = loom_replay_closing(r, a, start, arm->end);
  if (arm->retried >= loom_plan_current(p, a)->retries || row <= start) return false;

  // The hand is open in the rows before.
  arm->retried++;
  arm->took = false;
  loom_plan_begin_again(p, a, loom_plan_row_back(p, a, row - 1, start, back_by));
  return true;
}

// ---- after a disturbance

// Without what it should hold: by its source's row, or, between two subtasks, by what the next one carries.
static bool has_lost(const loomPlan* p, int a) {
  const loomArmPlan* arm = &p->arm[a];
  if (loom_plan_done(p, a) || arm->source < 0) return false;
  if (arm->running) return arm->step > arm->lead_in && loom_grasp_differs(p, a) > 0;

  unsigned char touch[LOOM_MAX_ARMS * LOOM_MAX_OBJECTS];
  int object = loom_plan_current(p, a)->carried;
  if (object < 0 || p->result->source[a][arm->subtask] < 0) return false;
  loom_find_touches(touch, p->e);
  return touch[a * p->task->object_count + object] != fingers(p, a);
}

// What an arm goes back to may be what another waits for: it waits again.
static void wait_again(loomPlan* p) {
  for (int a = 0; a < p->e->arm_count; a++) {
    loomArmPlan* arm = &p->arm[a];
    if (!arm->running || loom_plan_in_order(p, a, arm->subtask)) continue;
    arm->running = false;
    arm->target = loom_episode_eef(p->e, a);
  }
}

void loom_regain(loomPlan* p) {
  for (int a = 0; a < p->e->arm_count; a++)
    if (has_lost(p, a)) loom_grasp_again(p, a);
  wait_again(p);

  // Partners go back together, and those that have just begun are on their way already.
  for (int a = 0; a < p->e->arm_count; a++)
    if (p->arm[a].running && p->arm[a].step) loom_plan_rejoin(p, a);
}
