#include "generators/attempt/plan.h"

#include <math.h>
#include <string.h>

#include "engine/sim/brake.h"
#include "generators/attempt/clear.h"
#include "generators/attempt/grip.h"
#include "generators/attempt/stage.h"
#include "generators/attempt/stitch.h"
#include "generators/attempt/tries.h"
#include "generators/source/segment.h"

void loom_plan_start(loomPlan* p, loomEpisode* e) {
  loomAttemptResult* r = p->result;
  memset(r->source, -1, sizeof r->source);
  memset(r->begin, -1, sizeof r->begin);
  memset(p->end_step, -1, sizeof p->end_step);
  memset(p->object_symmetry, -1, sizeof p->object_symmetry);
  memset(p->arm_source, -1, sizeof p->arm_source);
  memset(p->stage_source, -1, sizeof p->stage_source);

  // No source is chosen yet, nor what arms and subtasks may share.
  p->episode_source = -1;

  // One stream a purpose: drawing more of one does not shift the others.
  p->select = loom_random(p->def->seed, r->attempt, LOOM_PURPOSE_SELECT);
  p->move = loom_random(p->def->seed, r->attempt, LOOM_PURPOSE_TRANSFORM);
  p->noise = loom_random(p->def->seed, r->attempt, LOOM_PURPOSE_ACTION_NOISE);

  // Arms stay where they are, hands open, until their first subtask.
  for (int a = 0; a < e->arm_count; a++) {
    p->arm[a] = (loomArmPlan){.source = -1, .target = loom_episode_eef(e, a), .grip = -1};
    p->arm[a].drift = loom_drift(p->def->seed, r->attempt, a);
    for (int i = 0; i < LOOM_MAX_HAND; i++) p->arm[a].hand[i] = -1;
  }
}

const loomSubtaskDef* loom_plan_current(const loomPlan* p, int a) {
  return &p->task->subtasks[a][p->arm[a].subtask];
}
bool loom_plan_done(const loomPlan* p, int a) {
  return p->arm[a].subtask >= p->task->subtask_count[a];
}

bool loom_plan_in_order(const loomPlan* p, int a, int k) {
  if (p->def->no_ordering) return true;

  // Every constraint on this subtask must be met.
  for (int i = 0; i < p->task->rule_count; i++) {
    const loomRule* r = &p->task->rules[i];
    if (r->kind != LOOM_RULE_SEQUENTIAL || r->arm_b != a || r->subtask_b != k) continue;

    int ended = p->end_step[r->arm_a][r->subtask_a];
    if (ended < 0 || p->e->steps < ended + r->lead) return false;
  }
  return true;
}

// May the arm's next subtask begin now? A coordinated one waits until its partner stands before it too.
static bool may_begin(const loomPlan* p, int a) {
  int other, other_k, k = p->arm[a].subtask;
  if (loom_plan_done(p, a) || p->arm[a].running || !loom_plan_in_order(p, a, k)) return false;

  if (!loom_task_partner(p->task, a, k, &other, &other_k)) return true;
  return p->arm[other].subtask == other_k && !p->arm[other].running && loom_plan_in_order(p, other, other_k);
}

// Where one choice is for more than a subtask, what bars a source anywhere bars it everywhere.
static bool shares_choice(const loomPlan* p, int a, int k, const loomBarred* b) {
  int other = -1, other_k = -1;
  if (loom_stage_count(p->task) > 1)
    return loom_stage_of(p->task, a, k) == loom_stage_of(p->task, b->arm, b->subtask);
  if (p->task->subtasks[a][k].select.share != LOOM_SHARE_SUBTASK) return true;
  loom_task_partner(p->task, a, k, &other, &other_k);
  return (b->arm == a && b->subtask == k) || (b->arm == other && b->subtask == other_k);
}

int loom_plan_barred(bool* out, const loomPlan* p, int a, int k) {
  int count = 0;
  memset(out, 0, sizeof *out * (size_t)p->sources->n);
  for (int i = 0; i < p->barred_count; i++) {
    if (!shares_choice(p, a, k, &p->barred[i]) || out[p->barred[i].source]) continue;
    out[p->barred[i].source] = true;
    count++;
  }
  return count;
}

static int choose_source(loomPlan* p, int a, int k) {
  int other, other_k;
  if (p->result->source[a][k] >= 0) return p->result->source[a][k];  // begun before
  if (loom_task_partner(p->task, a, k, &other, &other_k) && p->result->source[other][other_k] >= 0) {
    return p->result->source[other][other_k];
  }

  // The choice may be shared by the whole episode, by the arm's subtasks, or by none.
  int* slot = NULL;
  switch (p->task->subtasks[a][k].select.share) {
    case LOOM_SHARE_EPISODE:
      slot = &p->episode_source;
      break;
    case LOOM_SHARE_ARM:
      slot = &p->arm_source[a];
      break;
    case LOOM_SHARE_SUBTASK:
      break;
  }
  if (loom_stage_count(p->task) > 1) {
    slot = &p->stage_source[loom_stage_of(p->task, a, k)];

    // What is carried decides whose motion fits.
    bool pair = loom_task_partner(p->task, a, k, &other, &other_k) != NULL;
    if (pair && p->task->subtasks[a][k].carried < 0 && p->task->subtasks[other][other_k].carried >= 0)
      a = other, k = other_k;
  }

  if (slot && *slot >= 0) return *slot;
  bool barred[LOOM_MAX_SOURCES];
  bool any = loom_plan_barred(barred, p, a, k) > 0;
  int chosen = loom_select_source(p->e, p->sources, p->stats, any ? barred : NULL, a, k, &p->select);
  if (slot) *slot = chosen;
  return chosen;
}

// Shifted along the line between its fingers: in the source's hand, before that is turned to an equivalent
// pose.
static void center(loomPlan* p, int a) {
  loomArmPlan* arm = &p->arm[a];
  const loomReplay* source = &p->sources->replay[arm->source];
  int object = loom_plan_current(p, a)->reference, fingers = p->task->robots[a].finger_count;
  loomGrip grip;
  double axis[3];
  if (!loom_grip_axis(axis, p->e, a)) return;
  if (!loom_grip_find(&grip, source, a, object, fingers, loom_segment_start(source, a, arm->subtask),
                      arm->end))
    return;

  loomPose shift = loom_pose_identity();
  mju_scl3(shift.pos, axis, loom_grip_off_center(&grip, source, a, object, axis));
  arm->transform.hand = loom_pose_mul(shift, arm->transform.hand);
}

// Drawn back along the hand's own axis, whatever it is turned by.
static void stand_off(loomArmPlan* arm, const loomSubtaskDef* s) {
  loomPose back = loom_pose_identity();
  back.pos[2] = -s->standoff;
  arm->transform.hand = loom_pose_mul(arm->transform.hand, back);
}

// Standard deviations of where a hand that goes for an object is shifted in later tries at a start:
// without, the same source would do the same again. m, rad.
static const double retry_position = 0.003, retry_rotation = 0.03;

static void add_noise(loomPlan* p, loomArmPlan* arm, const loomSubtaskDef* s) {
  double shift[6];
  bool again = loom_attempt_try(p->def, p->result->attempt) && s->reference >= 0 && s->carried < 0;
  for (int i = 0; i < 6; i++) {
    // No noise takes no draws, so that what else is drawn from this stream is as in a task without noise.
    double size = p->def->noise_scale * (i < 3 ? s->noise_position : s->noise_rotation);
    if (again) size = fmax(size, i < 3 ? retry_position : retry_rotation);
    shift[i] = size > 0 ? size * loom_random_normal(&p->move) : 0;
  }

  loomPose noise = loom_pose_identity();
  loom_quat_exp(noise.quat, shift + 3);
  memcpy(noise.pos, shift, sizeof noise.pos);
  arm->transform.hand = loom_pose_mul(arm->transform.hand, noise);
}

loomDetour* loom_plan_detour(loomPlan* p, int a, int k) {
  for (int i = 0; i < p->detour_count; i++)
    if (p->detour[i].arm == a && p->detour[i].subtask == k) return &p->detour[i];
  return NULL;
}

static void plan_lead_in(loomPlan* p, int a) {
  loomArmPlan* arm = &p->arm[a];
  const loomReplay* source = &p->sources->replay[arm->source];
  const loomSubtaskDef* s = loom_plan_current(p, a);

  int row = arm->start < source->rows ? arm->start : source->rows - 1;
  loomPose first = loom_transform_apply(&arm->transform, source->target[a][row]);
  const loomWay* way = arm->around ? &loom_plan_detour(p, a, arm->subtask)->way : NULL;

  // As many steps as the speed limits ask for, or as joints were found to need,
  int steps = loom_stitch_steps(s, arm->from, first, p->task->control_freq);
  if (way) steps = loom_stitch_way_steps(s, arm->from, way, first, p->task->control_freq);
  double slower = p->slower[a][arm->subtask];
  if (slower > 1) steps = (int)ceil(slower * steps);

  // and then those at the first target.
  arm->hold = s->hold_steps;
  arm->lead_in = steps + arm->hold;
}

// Objects and hand as they are now.
static void aim(loomPlan* p, int a) {
  loomArmPlan* arm = &p->arm[a];
  const loomReplay* source = &p->sources->replay[arm->source];

  arm->transform = loom_segment_transform(p->e, source, a, arm->subtask, arm->fit,
                                          arm->start < source->rows ? arm->start : source->rows - 1);
  if (loom_plan_current(p, a)->centered) center(p, a);
  stand_off(arm, loom_plan_current(p, a));
}

// How an object is turned that a hand holds by another source's grasp: as this source's hand would hold it,
// so that both arms of a pair take it to be turned alike. -1 = no hand holds it.
static int turn_in_hand(const loomPlan* p, int a, int object) {
  int k = p->arm[a].subtask, other, other_k;
  const loomReplay* source = &p->sources->replay[p->arm[a].source];
  if (p->task->subtasks[a][k].carried == object)
    return loom_held_turn(p->e, source, a, object, loom_segment_start(source, a, k));

  // The partner's hand.
  if (!loom_task_partner(p->task, a, k, &other, &other_k) ||
      p->task->subtasks[other][other_k].carried != object)
    return -1;
  return loom_held_turn(p->e, source, other, object, loom_segment_start(source, other, other_k));
}

// The equivalent poses of the reference object and the hand. A subtask that is not `symmetric` goes on with
// those chosen before, as long as the source stays: an object must not turn over from one subtask to the
// next.
static void choose_turn(loomPlan* p, int a) {
  loomArmPlan* arm = &p->arm[a];
  const loomSubtaskDef* s = loom_plan_current(p, a);
  int object = s->reference;
  if (object < 0) return;

  bool chosen = p->object_symmetry[object] >= 0 && p->object_source[object] == arm->source;
  int turn = chosen ? p->object_symmetry[object] : turn_in_hand(p, a, object);
  if (turn >= 0 && !s->symmetric) {
    arm->fit.object_symmetry = turn;
    arm->fit.reshape = loom_reference_reshape(p->e, &p->sources->replay[arm->source], a, arm->subtask);
  } else {
    // The hand that holds the object itself goes on from where it is on it, in whichever orientation.
    if (!chosen || s->carried != object) turn = -1;
    arm->fit = loom_fit_source(p->e, &p->sources->replay[arm->source], a, arm->subtask, turn);
  }
  p->object_symmetry[object] = arm->fit.object_symmetry;
  p->object_source[object] = arm->source;
}

// A range of one value takes no draw.
static double draw_pace(loomPlan* p, const loomSubtaskDef* s) {
  return s->pace[1] > s->pace[0] ? loom_random_range(&p->move, s->pace[0], s->pace[1]) : s->pace[0];
}

static void begin_subtask(loomPlan* p, int a) {
  loomArmPlan* arm = &p->arm[a];
  int k = arm->subtask;
  const loomSubtaskDef* s = loom_plan_current(p, a);

  arm->source = choose_source(p, a, k);
  const loomReplay* source = &p->sources->replay[arm->source];

  // From where the arm is, with nothing counted yet.
  arm->running = true;
  arm->took = false;
  arm->step = arm->waited = arm->retried = arm->broken = arm->still = 0;
  arm->reached = loom_episode_eef(p->e, a);
  arm->start = loom_segment_start(source, a, k);
  arm->end = source->end[a][k];

  choose_turn(p, a);

  // Around what is in the way it joins the segment later.
  const loomDetour* detour = loom_plan_detour(p, a, k);
  arm->around = detour != NULL;
  if (detour) arm->start = detour->row;

  // Where the segment ends: shifted at random, but inside the demo.
  int shift = s->offset[0];
  if (s->offset[1] > shift) shift += loom_random_index(&p->move, s->offset[1] - s->offset[0] + 1);
  arm->end = loom_stitch_end(arm->start, arm->end, shift, source->rows);

  arm->pace = draw_pace(p, s);

  // Where it goes, and the way there.
  aim(p, a);
  add_noise(p, arm, s);
  arm->from = s->from_target && k ? arm->target : loom_episode_eef(p->e, a);
  plan_lead_in(p, a);

  p->result->source[a][k] = arm->source;
  p->result->begin[a][k] = p->e->steps;
}

// TRANSFORM and TRANSLATE give both arms one rigid motion, that of the leader's object.
static void share_motion(loomPlan* p, const loomRule* rule) {
  loomArmPlan *x = &p->arm[rule->arm_a], *y = &p->arm[rule->arm_b];
  const loomArmPlan* leader = p->task->subtasks[rule->arm_a][rule->subtask_a].reference >= 0 ? x : y;

  loomPose world = leader->transform.world;
  if (rule->scheme == LOOM_SCHEME_TRANSLATE) {
    loomPose moved = loom_pose_mul(world, leader->transform.source);
    world = loom_pose_identity();
    for (int i = 0; i < 3; i++) world.pos[i] = moved.pos[i] - leader->transform.source.pos[i];
  }

  x->transform.world = y->transform.world = world;
}

// Coordinated partners begin in the same step and take as long: the longer lead-in counts for both, and a
// shifted end is shifted for both.
static void match_partner(loomPlan* p, int a) {
  int other, other_k, k = p->arm[a].subtask;
  const loomRule* rule = loom_task_partner(p->task, a, k, &other, &other_k);
  if (!rule || !p->arm[other].running || p->arm[other].subtask != other_k) return;

  // Shifted ends are the first arm's for both, where the source's own agree.
  loomArmPlan *x = &p->arm[rule->arm_a], *y = &p->arm[rule->arm_b];
  const loomReplay* source = &p->sources->replay[x->source];
  if (source->end[rule->arm_a][rule->subtask_a] == source->end[rule->arm_b][rule->subtask_b]) y->end = x->end;
  y->pace = x->pace;

  // A shared motion changes where the lead-ins go, and so how long they take.
  if (rule->scheme != LOOM_SCHEME_REPLAY) {
    share_motion(p, rule);
    plan_lead_in(p, a);
    plan_lead_in(p, other);
  }

  if (x->lead_in < y->lead_in) x->lead_in = y->lead_in;
  if (y->lead_in < x->lead_in) y->lead_in = x->lead_in;
}

static void begin_at(loomPlan* p, int a, int row) {
  loomArmPlan* arm = &p->arm[a];
  const loomReplay* source = &p->sources->replay[arm->source];

  arm->start = row;
  arm->around = false;
  arm->step = arm->waited = 0;
  arm->from = arm->target = loom_episode_eef(p->e, a);
  arm->grip = source->grip[a][row];
  memcpy(arm->hand, source->hand[a] + (size_t)row * LOOM_MAX_HAND, sizeof arm->hand);

  // Objects may have moved since the subtask began.
  aim(p, a);
  plan_lead_in(p, a);
}

void loom_plan_begin_again(loomPlan* p, int a, int row) {
  int other, other_k;
  bool both = loom_task_partner(p->task, a, p->arm[a].subtask, &other, &other_k) != NULL;

  begin_at(p, a, row);

  // The partner goes back with it: to the same row of a shared source, else to its own.
  if (!both || !p->arm[other].running || p->arm[other].subtask != other_k) return;
  begin_at(p, other, p->arm[other].source == p->arm[a].source ? row : loom_plan_row(p, other));
  match_partner(p, a);
}

// ---- act

// The row of the source, and how far on the way to the next one, that a step of the subtask stands for.
static double row_at(const loomArmPlan* arm, int step) {
  return arm->start + (step > arm->lead_in ? loom_stitch_row(step - arm->lead_in, arm->pace) : 0);
}

int loom_plan_row(const loomPlan* p, int a) {
  const loomArmPlan* arm = &p->arm[a];
  int row = (int)row_at(arm, arm->step - 1);

  int rows = p->sources->replay[arm->source].rows;
  return row < rows ? row : rows - 1;
}

// Of a tracked segment: the source's object at this row, put onto the object as it is now.
static void track(loomTransform* t, const loomPlan* p, const loomArmPlan* arm, const loomSubtaskDef* s,
                  const loomReplay* source, int row) {
  t->source = source->object[s->reference][row];
  t->world = loom_transform_world(s->transform, loom_reference_pose(p->e, s, arm->fit), t->source);
}

// Until the row after that at which the gripper first closes.
static bool still_tracking(const loomSubtaskDef* s, const loomReplay* source, const loomArmPlan* arm, int a,
                           int row) {
  if (!s->track || s->reference < 0) return false;
  int closing = loom_replay_closing(source, a, arm->start, arm->end);
  return closing < 0 || row <= closing;
}

// The hand keeps clear of what it is not to touch. What it takes hold of farther off, it then moves as much
// farther off: by a source that pressed on a table, and rose by that before it went sideways, it would drag
// what it holds along the table.
static void keep_clear(loomPose* target, const loomPlan* p, loomArmPlan* arm, int a, int row) {
  const loomReplay* source = &p->sources->replay[arm->source];
  double clearance = loom_plan_current(p, a)->clearance;
  int closing = arm->took ? -1 : loom_replay_closing(source, a, arm->start, arm->end);

  // Against where the source's hand was, not where it was sent.
  if (closing >= 0 && row >= closing) {
    loomPose there = loom_transform_apply(&arm->transform, source->eef[a][closing]), clear = there;
    loom_stand_clear(&clear, p->e, a, clearance);
    mju_sub3(arm->moved, clear.pos, there.pos);
    arm->took = true;
  }
  if (arm->took) mju_addTo3(target->pos, arm->moved);
  loom_stand_clear(target, p->e, a, clearance);
}

// An arm that is no further off goes on as if nothing had been.
static const double not_off = 0.01;  // m

int loom_plan_row_back(const loomPlan* p, int a, int row, int first, double way) {
  const loomReplay* r = &p->sources->replay[p->arm[a].source];
  bool closed = r->grip[a][row] > 0;
  for (double gone = 0; gone < way && row > first && (r->grip[a][row - 1] > 0) == closed; row--)
    gone += loom_pose_distance(r->eef[a][row], r->eef[a][row - 1]);
  return row;
}

void loom_plan_rejoin(loomPlan* p, int a) {
  loomArmPlan* arm = &p->arm[a];
  const loomReplay* source = &p->sources->replay[arm->source];
  int start = arm->start, now = loom_plan_row(p, a);
  if (arm->step <= arm->lead_in) {
    loom_plan_begin_again(p, a, now);
    return;
  }

  // Against where the source's arm was at the row, put onto the object as it is now.
  loomTransform before = arm->transform;
  arm->start = now;
  aim(p, a);
  loomPose there = loom_transform_apply(&arm->transform, source->eef[a][now]);
  double off = loom_pose_distance(there, loom_episode_eef(p->e, a));
  arm->start = start;
  arm->transform = before;

  // It comes back to the path before the row, not across what the path leads around.
  if (off >= not_off) loom_plan_begin_again(p, a, loom_plan_row_back(p, a, now, start, off));
}

bool loom_plan_finished(const loomArmPlan* arm) {
  return arm->step >= arm->lead_in + loom_stitch_length(arm->end - arm->start, arm->pace);
}

static void advance_target(loomPlan* p, int a) {
  loomArmPlan* arm = &p->arm[a];
  if (loom_plan_finished(arm)) return;  // it waits: target and gripper command stay

  const loomSubtaskDef* s = loom_plan_current(p, a);
  const loomReplay* source = &p->sources->replay[arm->source];
  double at = row_at(arm, arm->step);
  int row = (int)at < source->rows ? (int)at : source->rows - 1;

  // The transform stays where tracking last put it, for the rows after the gripper has closed.
  bool tracking = still_tracking(s, source, arm, a, row);
  if (tracking) track(&arm->transform, p, arm, s, source, row);
  loomPose target = loom_transform_apply(&arm->transform, source->target[a][row]);

  // On the way to the next row, at another pace than the source's. The segment's last row is the last target.
  int next = row + 1;
  if (at > row && next < arm->end && next < source->rows) {
    loomTransform to = arm->transform;
    if (tracking) track(&to, p, arm, s, source, next);
    target = loom_pose_interpolate(target, loom_transform_apply(&to, source->target[a][next]), at - row);
  }

  // On the way to the segment the target is interpolated and the hand stays as it is.
  int moving = arm->lead_in - arm->hold;
  if (arm->step < moving) {
    const loomWay* way = arm->around ? &loom_plan_detour(p, a, arm->subtask)->way : NULL;
    target = way ? loom_stitch_way_pose(s, arm->from, way, target, arm->step, moving)
                 : loom_stitch_pose(s, arm->from, target, arm->step, moving);
  } else if (arm->step >= arm->lead_in) {
    arm->grip = source->grip[a][row];
    memcpy(arm->hand, source->hand[a] + (size_t)row * LOOM_MAX_HAND, sizeof arm->hand);
  }

  for (int i = 0; i < 3; i++) target.pos[i] += p->yield[a][arm->subtask][i];
  if (s->clearance > 0) keep_clear(&target, p, arm, a, row);
  arm->target = target;
  arm->step++;
}

void loom_plan_begin(loomPlan* p) {
  for (int a = 0; a < p->e->arm_count; a++) {
    if (!may_begin(p, a)) continue;

    int other, other_k;
    bool both = loom_task_partner(p->task, a, p->arm[a].subtask, &other, &other_k) != NULL;

    begin_subtask(p, a);
    if (both) {
      begin_subtask(p, other);
      match_partner(p, a);
    }
  }
}

// An arm that stands still away from its target will not get there, and the rest of its motion builds on
// that.
bool loom_plan_stuck(loomPlan* p, int a, double* distance) {
  loomArmPlan* arm = &p->arm[a];
  loomPose now = loom_episode_eef(p->e, a);

  *distance = loom_pose_distance(now, arm->target);
  double speed = loom_pose_distance(now, arm->reached) * p->task->control_freq;
  bool still = *distance > p->task->stuck_distance && speed < p->task->stuck_speed;

  // How long it has been so, in a row.
  arm->reached = now;
  arm->still = still ? arm->still + 1 : 0;
  return p->task->stuck_steps && arm->still >= p->task->stuck_steps;
}

void loom_plan_end(loomPlan* p, const bool* ready) {
  // Coordinated subtasks end in the same step: who is ready first waits.
  for (int a = 0; a < p->e->arm_count; a++) {
    int other, k = p->arm[a].subtask, other_k;
    if (!ready[a] || (loom_task_partner(p->task, a, k, &other, &other_k) && !ready[other])) continue;
    p->end_step[a][k] = p->e->steps;
  }

  // Only now does any arm go on to its next one, so that the order of the arms does not matter.
  for (int a = 0; a < p->e->arm_count; a++) {
    loomArmPlan* arm = &p->arm[a];
    if (!arm->running || p->end_step[a][arm->subtask] < 0) continue;
    arm->running = false;
    arm->subtask++;
  }
}

void loom_plan_advance(loomPlan* p) {
  for (int a = 0; a < p->e->arm_count; a++)
    if (p->arm[a].running) advance_target(p, a);
}

void loom_plan_move(double* action, loomPlan* p) {
  double scale[LOOM_MAX_ARMS];
  // Slowly: targets go on now and then only, and actions shrink, so that arms follow as far behind.
  bool slow = p->e->steps < p->slow_until, waits = slow && (p->slow_until - p->e->steps) % p->slow;
  if (!loom_brakes(scale, p->e) && !waits) loom_plan_advance(p);
  for (int a = 0; slow && a < p->e->arm_count; a++)
    if (p->e->arms[a].control.delta) scale[a] /= p->slow;

  for (int a = 0; a < p->e->arm_count; a++) {
    const loomArm* body = &p->e->arms[a];
    loomArmPlan* arm = &p->arm[a];

    // What is recorded as its target is where it was to be, wherever it is sent.
    double share = arm->running ? p->def->noise_scale * loom_plan_current(p, a)->noise_drift : 0;
    if (share > 0)
      share *= loom_drift_room(arm->target, &arm->transform, &p->sources->replay[arm->source], a, arm->start,
                               arm->end);
    loomPose to = loom_drift_step(&arm->drift, arm->target, share, p->task->control_freq);

    loom_arm_action_towards(action, body, loom_episode_eef(p->e, a), to);
    for (int i = 0; scale[a] < 1 && i < body->pose_dim; i++) action[i] *= scale[a];

    // Noise on the arm's entries, never on the gripper: a flicker of it would drop what it holds.
    if (arm->running && loom_plan_current(p, a)->noise_action > 0 &&
        (arm->step > arm->lead_in || loom_plan_current(p, a)->noise_on_interpolation)) {
      double size = p->def->noise_scale * loom_plan_current(p, a)->noise_action;
      for (int i = 0; i < body->pose_dim; i++) {
        action[i] = fmax(-1, fmin(1, action[i] + size * loom_random_normal(&p->noise)));
      }
    }

    for (int i = 0; i < body->robot->gripper_dim; i++) action[body->pose_dim + i] = arm->hand[i];
    action += loom_arm_action_dim(body);
  }
}
