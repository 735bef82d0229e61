#include "generators/attempt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/segment.h"
#include "generators/select.h"
#include "generators/stitch.h"

const char* loom_outcome_name(loomOutcome outcome) {
  static const char* const names[] = {"success",    "lost",    "stuck", "unmet",
                                      "unfinished", "timeout", "rough", "simulator"};
  return outcome >= 0 && outcome < LOOM_OUTCOME_COUNT ? names[outcome] : "unknown";
}

loomAttemptDef loom_default_attempt_def(void) {
  return (loomAttemptDef){.noise_scale = 1};
}

// -------------------------------------------------------------------------------------------------------
// plan

/// One arm on its way through its queue of subtasks.
typedef struct armPlan {
  int subtask;  // the current one; subtask_count when done
  bool running;
  int source;  // source demo of the current subtask
  loomFit fit;
  loomTransform transform;
  int start, end;  // rows of the segment in the source
  int lead_in;     // interpolation and hold steps before row `start`
  int hold;
  int step;                    // steps since the subtask began
  loomPose from;               // pose the interpolation leaves
  loomPose target;             // last target
  double grip;                 // last gripper action
  double hand[LOOM_MAX_HAND];  // last gripper or hand action
  int waited;                  // control steps since the segment ended without its effect
  int broken;                  // control steps in a row in which `during` did not hold
  int still;                   // control steps in a row it stood away from its target
  loomPose reached;            // end effector one control step ago
} armPlan;

typedef struct plan {
  const loomSourceSet* sources;
  const loomSourceStats* stats;
  const loomAttemptDef* def;
  loomEpisode* e;
  const loomTask* task;
  loomRandom select, noise, move;
  armPlan arm[LOOM_MAX_ARMS];
  int episode_source;  // shared choice; -1 = not made
  int arm_source[LOOM_MAX_ARMS];
  int object_symmetry[LOOM_MAX_OBJECTS];           // the equivalent pose taken; -1 = not chosen yet
  int object_source[LOOM_MAX_OBJECTS];             // relative to this source demo's
  int end_step[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];  // control step a subtask ended at; -1 = not yet
  loomAttemptResult* result;
  loomTrace* trace;
  int idle;  // control steps since every arm has run its subtasks
  loomQuality quality;
} plan;

static const loomSubtaskDef* current(const plan* p, int a) {
  return &p->task->subtasks[a][p->arm[a].subtask];
}
static bool done(const plan* p, int a) {
  return p->arm[a].subtask >= p->task->subtask_count[a];
}

// The partner of a coordinated subtask, or NULL.
static const loomRule* coordinated(const plan* p, int a, int k, int* other, int* other_k) {
  for (int i = 0; i < p->task->rule_count; i++) {
    const loomRule* r = &p->task->rules[i];
    if (r->kind != LOOM_RULE_COORDINATED) continue;
    if (r->arm_a == a && r->subtask_a == k) {
      *other = r->arm_b;
      *other_k = r->subtask_b;
      return r;
    }
    if (r->arm_b == a && r->subtask_b == k) {
      *other = r->arm_a;
      *other_k = r->subtask_a;
      return r;
    }
  }
  return NULL;
}

static bool order_allows(const plan* p, int a, int k) {
  if (p->def->no_ordering) return true;
  for (int i = 0; i < p->task->rule_count; i++) {
    const loomRule* r = &p->task->rules[i];
    if (r->kind != LOOM_RULE_SEQUENTIAL || r->arm_b != a || r->subtask_b != k) continue;
    int ended = p->end_step[r->arm_a][r->subtask_a];
    if (ended < 0 || p->e->steps < ended + r->lead) return false;
  }
  return true;
}

// May the arm's next subtask begin now? A coordinated one waits until its partner stands before it too.
static bool may_begin(const plan* p, int a) {
  int other, other_k, k = p->arm[a].subtask;
  if (done(p, a) || p->arm[a].running || !order_allows(p, a, k)) return false;
  if (!coordinated(p, a, k, &other, &other_k)) return true;
  return p->arm[other].subtask == other_k && !p->arm[other].running && order_allows(p, other, other_k);
}

static int choose_source(plan* p, int a, int k) {
  int other, other_k;
  if (coordinated(p, a, k, &other, &other_k) && p->result->source[other][other_k] >= 0) {
    return p->result->source[other][other_k];
  }
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
  if (slot && *slot >= 0) return *slot;
  int chosen = loom_select_source(p->e, p->sources, p->stats, a, k, &p->select);
  if (slot) *slot = chosen;
  return chosen;
}

// A held object's measured pose in the hand becomes the right factor, so that the object, not the hand, goes
// where the source's went. Where the object held is itself the reference, the hand carries on from where it
// is on it.
static void correct_for_held(plan* p, armPlan* arm, int a, const loomSubtaskDef* s,
                             const loomReplay* source) {
  loomPose eef_now = loom_episode_eef(p->e, a), eef_src = source->eef[a][arm->start];
  if (s->reference == s->carried) {
    loomTransform bare = arm->transform;
    bare.hand = loom_pose_identity();
    arm->transform.hand = loom_pose_mul(loom_pose_inverse(loom_transform_apply(&bare, eef_src)), eef_now);
    return;
  }
  loomPose symmetry = loom_symmetry(&p->task->objects[s->carried], arm->fit.object_symmetry);
  loomPose object_now = loom_pose_mul(loom_episode_object(p->e, s->carried), symmetry);
  loomPose held_now = loom_pose_mul(loom_pose_inverse(eef_now), object_now);
  loomPose held_src = loom_pose_mul(loom_pose_inverse(eef_src), source->object[s->carried][arm->start]);
  arm->transform.scale = 1;
  arm->transform.hand = loom_pose_mul(held_src, loom_pose_inverse(held_now));
}

static void add_noise(plan* p, armPlan* arm, const loomSubtaskDef* s) {
  double shift[6];
  for (int i = 0; i < 6; i++) {
    // No noise takes no draws, so that what else is drawn from this stream is as in a task without noise.
    double size = p->def->noise_scale * (i < 3 ? s->noise_position : s->noise_rotation);
    shift[i] = size > 0 ? size * loom_random_normal(&p->move) : 0;
  }
  loomPose noise = loom_pose_identity();
  loom_quat_exp(noise.quat, shift + 3);
  memcpy(noise.pos, shift, sizeof noise.pos);
  arm->transform.hand = loom_pose_mul(arm->transform.hand, noise);
}

static void plan_lead_in(plan* p, int a) {
  armPlan* arm = &p->arm[a];
  const loomReplay* source = &p->sources->replay[arm->source];
  int row = arm->start < source->rows ? arm->start : source->rows - 1;
  loomPose first = loom_transform_apply(&arm->transform, source->target[a][row]);
  arm->hold = current(p, a)->hold_steps;
  arm->lead_in = loom_stitch_steps(current(p, a), arm->from, first, p->task->control_freq) + arm->hold;
}

static void begin_subtask(plan* p, int a) {
  armPlan* arm = &p->arm[a];
  int k = arm->subtask;
  const loomSubtaskDef* s = current(p, a);
  arm->source = choose_source(p, a, k);
  const loomReplay* source = &p->sources->replay[arm->source];
  arm->running = true;
  arm->step = arm->waited = arm->broken = arm->still = 0;
  arm->reached = loom_episode_eef(p->e, a);
  arm->start = loom_segment_start(source, a, k);
  arm->end = source->end[a][k];
  int object = s->reference >= 0 ? s->reference : s->carried;
  if (object >= 0 && p->object_symmetry[object] >= 0 && p->object_source[object] == arm->source) {
    arm->fit.object_symmetry = p->object_symmetry[object];
  } else if (object >= 0) {
    arm->fit = loom_fit_source(p->e, source, a, k);
    p->object_symmetry[object] = arm->fit.object_symmetry;
    p->object_source[object] = arm->source;
  }
  int shift = s->offset[0];
  if (s->offset[1] > shift) shift += loom_random_index(&p->move, s->offset[1] - s->offset[0] + 1);
  arm->end = loom_stitch_end(arm->start, arm->end, shift, source->rows);
  arm->transform = loom_segment_transform(p->e, source, a, k, arm->fit,
                                          arm->start < source->rows ? arm->start : source->rows - 1);
  if (s->carried >= 0) correct_for_held(p, arm, a, s, source);
  add_noise(p, arm, s);
  arm->from = s->from_target && k ? arm->target : loom_episode_eef(p->e, a);
  plan_lead_in(p, a);
  p->result->source[a][k] = arm->source;
  p->result->begin[a][k] = p->e->steps;
}

// TRANSFORM and TRANSLATE give both arms one rigid motion, that of the leader's object.
static void share_motion(plan* p, const loomRule* rule) {
  armPlan *x = &p->arm[rule->arm_a], *y = &p->arm[rule->arm_b];
  const armPlan* leader = p->task->subtasks[rule->arm_a][rule->subtask_a].reference >= 0 ? x : y;
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
static void match_partner(plan* p, int a) {
  int other, other_k, k = p->arm[a].subtask;
  const loomRule* rule = coordinated(p, a, k, &other, &other_k);
  if (!rule || !p->arm[other].running || p->arm[other].subtask != other_k) return;
  armPlan *x = &p->arm[rule->arm_a], *y = &p->arm[rule->arm_b];
  const loomReplay* source = &p->sources->replay[x->source];
  if (source->end[rule->arm_a][rule->subtask_a] == source->end[rule->arm_b][rule->subtask_b]) y->end = x->end;
  if (rule->scheme != LOOM_SCHEME_REPLAY) {
    share_motion(p, rule);
    plan_lead_in(p, a);
    plan_lead_in(p, other);
  }
  if (x->lead_in < y->lead_in) x->lead_in = y->lead_in;
  if (y->lead_in < x->lead_in) y->lead_in = x->lead_in;
}

// --------------------------------------------------------------------------------------------------------
// act

// Target of a tracked segment: the source's hand in its object's frame at that row, put on the object as it
// is now.
static loomPose tracked_target(const plan* p, const armPlan* arm, int a, const loomSubtaskDef* s,
                               const loomReplay* source, int row) {
  loomTransform t = arm->transform;
  loomPose symmetry = loom_symmetry(&p->task->objects[s->reference], arm->fit.object_symmetry);
  loomPose now = loom_pose_mul(loom_episode_object(p->e, s->reference), symmetry);
  t.source = source->object[s->reference][row];
  t.world = loom_transform_world(s->transform, now, t.source);
  return loom_transform_apply(&t, source->target[a][row]);
}

static bool still_tracking(const loomSubtaskDef* s, const loomReplay* source, const armPlan* arm, int a,
                           int row) {
  if (!s->track || s->reference < 0) return false;
  for (int t = arm->start; t <= row; t++) {
    if (source->grip[a][t] > 0 && (t == 0 || source->grip[a][t - 1] <= 0) && t < row) return false;
  }
  return true;
}

static bool finished(const armPlan* arm) {
  return arm->step >= arm->lead_in + arm->end - arm->start;
}

static void advance_target(plan* p, int a) {
  armPlan* arm = &p->arm[a];
  if (finished(arm)) return;  // it waits: target and gripper command stay
  const loomSubtaskDef* s = current(p, a);
  const loomReplay* source = &p->sources->replay[arm->source];
  int row = arm->start + (arm->step > arm->lead_in ? arm->step - arm->lead_in : 0);
  if (row >= source->rows) row = source->rows - 1;
  loomPose target;
  if (still_tracking(s, source, arm, a, row)) {
    target = tracked_target(p, arm, a, s, source, row);
    // Leave the transform where tracking last put it, for the rows after the gripper has closed.
    loomPose symmetry = loom_symmetry(&p->task->objects[s->reference], arm->fit.object_symmetry);
    arm->transform.source = source->object[s->reference][row];
    arm->transform.world =
        loom_transform_world(s->transform, loom_pose_mul(loom_episode_object(p->e, s->reference), symmetry),
                             arm->transform.source);
  } else {
    target = loom_transform_apply(&arm->transform, source->target[a][row]);
  }
  int moving = arm->lead_in - arm->hold;
  if (arm->step < moving) {
    target = loom_stitch_pose(s, arm->from, target, arm->step, moving);
  } else if (arm->step >= arm->lead_in) {
    arm->grip = source->grip[a][row];
    memcpy(arm->hand, source->hand[a] + (size_t)row * LOOM_MAX_HAND, sizeof arm->hand);
  }
  arm->target = target;
  arm->step++;
}

static void begin_subtasks(plan* p) {
  for (int a = 0; a < p->e->arm_count; a++) {
    if (!may_begin(p, a)) continue;
    int other, other_k;
    bool both = coordinated(p, a, p->arm[a].subtask, &other, &other_k) != NULL;
    begin_subtask(p, a);
    if (both) {
      begin_subtask(p, other);
      match_partner(p, a);
    }
  }
}

static void move_arms(plan* p, double* action) {
  for (int a = 0; a < p->e->arm_count; a++) {
    const loomArm* body = &p->e->arms[a];
    armPlan* arm = &p->arm[a];
    if (arm->running) advance_target(p, a);
    loom_arm_action_towards(action, body, loom_episode_eef(p->e, a), arm->target);
    if (arm->running && current(p, a)->noise_action > 0 &&
        (arm->step > arm->lead_in || current(p, a)->noise_on_interpolation)) {
      double size = p->def->noise_scale * current(p, a)->noise_action;
      for (int i = 0; i < body->pose_dim; i++) {
        action[i] = fmax(-1, fmin(1, action[i] + size * loom_random_normal(&p->noise)));
      }
    }
    for (int i = 0; i < body->robot->gripper_dim; i++) action[body->pose_dim + i] = arm->hand[i];
    action += loom_arm_action_dim(body);
  }
}

// -----------------------------------------------------------------------------------------------------
// outcome

static void fail(plan* p, loomOutcome outcome, int arm, int subtask, int condition) {
  loomAttemptResult* r = p->result;
  r->outcome = outcome;
  r->arm = arm;
  r->subtask = subtask;
  r->reason[0] = 0;
  if (condition >= 0) loom_condition_explain(p->e->conditions, condition, r->reason, sizeof r->reason);
  if (!r->reason[0] && condition >= 0)
    snprintf(r->reason, sizeof r->reason, "%s", p->task->conditions[condition].label);
}

// The arm's joint that stands at a limit, or -1.
static int joint_at_limit(const loomEpisode* e, int a) {
  const loomArm* arm = &e->arms[a];
  for (int i = 0; i < arm->n; i++) {
    int joint = e->m->dof_jntid[arm->dof[i]];
    double q = e->d->qpos[arm->qpos[i]];
    const double* range = e->m->jnt_range + 2 * joint;
    if (e->m->jnt_limited[joint] && (q < range[0] + 0.02 || q > range[1] - 0.02)) return i;
  }
  return -1;
}

// An arm that stands still away from its target will not get there, and the rest of its motion builds on
// that.
static bool stuck(plan* p, int a) {
  armPlan* arm = &p->arm[a];
  loomPose now = loom_episode_eef(p->e, a);
  double distance = loom_pose_distance(now, arm->target);
  double speed = loom_pose_distance(now, arm->reached) * p->task->control_freq;
  bool still = distance > p->task->stuck_distance && speed < p->task->stuck_speed;
  arm->reached = now;
  arm->still = still ? arm->still + 1 : 0;
  if (!p->task->stuck_steps || arm->still < p->task->stuck_steps) return false;
  fail(p, LOOM_OUTCOME_STUCK, a, arm->subtask, -1);
  int joint = joint_at_limit(p->e, a);
  char* reason = p->result->reason;
  size_t size = sizeof p->result->reason;
  int n = snprintf(reason, size, "arm %d stands %.3f m from its target", a, distance);
  if (joint >= 0) n += snprintf(reason + n, size - (size_t)n, ", joint %d at its limit", joint + 1);
  if (p->e->body.state.short_steps) {
    snprintf(reason + n, size - (size_t)n, ", inverse kinematics short for %d steps",
             p->e->body.state.short_steps);
  }
  return true;
}

// Has the arm's subtask run, and is its effect there? The effect may be waited for; when it does not come the
// attempt has failed and *lost is set.
static bool accomplished(plan* p, int a, bool* lost) {
  armPlan* arm = &p->arm[a];
  const loomSubtaskDef* s = current(p, a);
  if (!finished(arm)) return false;
  if (s->expect < 0 || loom_condition_true(p->e->conditions, s->expect)) return true;
  if (arm->waited++ < s->wait_steps) return false;
  fail(p, LOOM_OUTCOME_UNMET, a, arm->subtask, s->expect);
  *lost = true;
  return false;
}

// After a step: what must hold while a subtask runs, and subtasks that have ended; coordinated ones end
// together. False when the attempt is lost.
static bool follow_subtasks(plan* p) {
  bool ready[LOOM_MAX_ARMS] = {false}, lost = false;
  for (int a = 0; a < p->e->arm_count; a++) {
    armPlan* arm = &p->arm[a];
    if (!arm->running) continue;
    const loomSubtaskDef* s = current(p, a);
    bool holds = s->during < 0 || loom_condition_true(p->e->conditions, s->during);
    arm->broken = holds ? 0 : arm->broken + 1;
    if (arm->broken > s->during_slack) {
      fail(p, LOOM_OUTCOME_LOST, a, arm->subtask, s->during);
      return false;
    }
    if (stuck(p, a)) return false;
    ready[a] = accomplished(p, a, &lost);
    if (lost) return false;
  }
  for (int a = 0; a < p->e->arm_count; a++) {
    int other, k = p->arm[a].subtask, other_k;
    if (!ready[a] || (coordinated(p, a, k, &other, &other_k) && !ready[other])) continue;
    p->end_step[a][k] = p->e->steps;
  }
  for (int a = 0; a < p->e->arm_count; a++) {
    armPlan* arm = &p->arm[a];
    if (!arm->running || p->end_step[a][arm->subtask] < 0) continue;
    arm->running = false;
    arm->subtask++;
  }
  return true;
}

// ------------------------------------------------------------------------------------------------------
// the policy

static int start_plan(void* self, loomEpisode* e, loomError* err) {
  plan* p = self;
  loomAttemptResult* r = p->result;
  (void)err;
  memset(r->source, -1, sizeof r->source);
  memset(r->begin, -1, sizeof r->begin);
  memset(p->end_step, -1, sizeof p->end_step);
  memset(p->object_symmetry, -1, sizeof p->object_symmetry);
  memset(p->arm_source, -1, sizeof p->arm_source);
  p->episode_source = -1;
  p->select = loom_random(p->def->seed, r->attempt, LOOM_PURPOSE_SELECT);
  p->move = loom_random(p->def->seed, r->attempt, LOOM_PURPOSE_TRANSFORM);
  p->noise = loom_random(p->def->seed, r->attempt, LOOM_PURPOSE_ACTION_NOISE);
  for (int a = 0; a < e->arm_count; a++) {
    p->arm[a] = (armPlan){.source = -1, .target = loom_episode_eef(e, a), .grip = -1};
    for (int i = 0; i < LOOM_MAX_HAND; i++) p->arm[a].hand[i] = -1;
  }
  return 0;
}

static void note_start(plan* p) {
  if (!p->task->object_count) return;
  loomPose pose = loom_episode_object(p->e, 0);
  memcpy(p->result->object_start, pose.pos, sizeof pose.pos);
  memcpy(p->result->object_start + 3, pose.quat, sizeof pose.quat);
}

static void note_row(const plan* p) {
  loomTrace* t = p->trace;
  size_t row = (size_t)t->rows * (size_t)t->arm_count;
  for (int a = 0; a < t->arm_count; a++, row++) {
    const armPlan* arm = &p->arm[a];
    loom_pose_to_matrix(t->target + 16 * row, arm->target);
    t->grip[row] = arm->grip;
    t->subtask[row] = arm->subtask;
    t->source[row] = arm->source;
  }
}

// True when all subtasks have run and success had its time to come.
static bool overdue(plan* p) {
  bool all_done = true;
  for (int a = 0; a < p->e->arm_count; a++) all_done = all_done && done(p, a);
  p->idle = all_done ? p->idle + 1 : 0;
  if (p->idle <= p->task->success_hold + 10 || loom_episode_success(p->e)) return false;
  fail(p, LOOM_OUTCOME_UNFINISHED, -1, -1, p->task->success);
  return true;
}

// True when it has gone beyond the task's limits.
static bool too_rough(plan* p) {
  char reason[sizeof p->result->reason];
  loom_quality_state(&p->quality, p->e);
  if (!loom_quality_beyond(&p->quality, p->task, reason, sizeof reason)) return false;
  int a = p->arm[0].running || !p->arm[1].running ? 0 : 1;
  fail(p, LOOM_OUTCOME_ROUGH, p->arm[a].running ? a : -1, p->arm[a].subtask, -1);
  memcpy(p->result->reason, reason, sizeof reason);
  return true;
}

// A delta of nothing leaves the goal where it is, to the bit. Hands open: a gripper's 0 would hold it,
// but a policy that learns 0 gives a little more or less, and its sign closes the gripper.
static void keep_still(const loomEpisode* e, double* action) {
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    if (arm->control.delta) memset(action, 0, sizeof *action * (size_t)arm->pose_dim);
    action += loom_arm_action_dim(arm);
  }
}

static int act(double* action, void* self, loomEpisode* e, loomError* err) {
  plan* p = self;
  (void)err;
  if (too_rough(p) || (e->steps && (!follow_subtasks(p) || overdue(p)))) return LOOM_POLICY_DONE;
  if (e->steps == p->task->settle_steps) note_start(p);
  if (e->steps >= p->task->settle_steps) begin_subtasks(p);
  move_arms(p, action);
  if (e->steps < p->task->settle_steps) keep_still(e, action);
  note_row(p);
  return 0;
}

static void conclude(plan* p, const loomRunResult* run) {
  loomAttemptResult* r = p->result;
  switch (run->end) {
    case LOOM_RUN_SUCCESS:
      r->outcome = LOOM_OUTCOME_SUCCESS;
      break;
    case LOOM_RUN_LOST: {
      int a = p->task->arm_count > 1 && p->arm[0].subtask > 0 ? 1 : 0;
      fail(p, LOOM_OUTCOME_LOST, a, p->arm[a].subtask, -1);
      snprintf(r->reason, sizeof r->reason, "%s", p->task->conditions[p->task->lost].label);
      break;
    }
    case LOOM_RUN_DONE:  // act has said why
      break;
    case LOOM_RUN_TIMEOUT:
      fail(p, LOOM_OUTCOME_TIMEOUT, 0, p->arm[0].subtask, p->task->success);
      break;
    case LOOM_RUN_SIMULATOR:
      r->outcome = LOOM_OUTCOME_SIMULATOR;
      snprintf(r->reason, sizeof r->reason, "%.150s", run->message);
      break;
  }
  r->steps = p->trace->rows;
  r->physics_steps = run->physics_steps;
}

struct loomAttempt {
  plan plan;
  loomAttemptDef def;
  loomPolicy policy;
  loomRunDef run_def;
  loomRunResult run;
};

// 0, LOOM_RUN_OVER when the simulator failed at the reset already, or an error.
static int begin(loomAttempt* a, loomError* err) {
  plan* p = &a->plan;
  loomError why = {0, ""};
  p->trace->rows = 0;
  a->run = (loomRunResult){.end = LOOM_RUN_SIMULATOR};
  int code = loom_episode_reset(p->e, p->def->reset, p->def->seed, p->result->attempt, &why);
  if (code == LOOM_ERR_SIM) {
    snprintf(a->run.message, sizeof a->run.message, "%.250s", why.message);
    return LOOM_RUN_OVER;
  }
  if (!code) return loom_run_begin(&a->run, p->e, &a->policy, p->trace, err);
  if (err) *err = why;
  return code;
}

static void set_up(loomAttempt* a, loomAttemptResult* result, loomTrace* trace, loomEpisode* e,
                   const loomSourceSet* sources, const loomSourceStats* stats, const loomAttemptDef* def,
                   uint64_t attempt) {
  *a = (loomAttempt){.def = *def, .run_def = loom_default_run_def(e->scene->task)};
  a->plan = (plan){.sources = sources,
                   .stats = stats,
                   .def = &a->def,
                   .e = e,
                   .task = e->scene->task,
                   .result = result,
                   .trace = trace};
  a->policy = (loomPolicy){&a->plan, start_plan, act};
  *result = (loomAttemptResult){.attempt = attempt, .arm = -1, .subtask = -1};
}

int loom_attempt_step(loomAttempt* a, loomError* err) {
  plan* p = &a->plan;
  int code = loom_run_step(&a->run, p->e, &a->policy, &a->run_def, p->trace, err);
  if (code != LOOM_RUN_OVER) return code;
  loom_trace_end(p->trace, p->e);
  conclude(p, &a->run);
  return code;
}

int loom_attempt_begin(loomAttempt** out, loomAttemptResult* result, loomTrace* trace, loomEpisode* e,
                       const loomSourceSet* sources, const loomSourceStats* stats, const loomAttemptDef* def,
                       uint64_t attempt, loomError* err) {
  loomAttempt* a = malloc(sizeof *a);
  *out = a;
  if (!a) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for an attempt");
  set_up(a, result, trace, e, sources, stats, def, attempt);
  int code = begin(a, err);
  if (code == LOOM_RUN_OVER) conclude(&a->plan, &a->run);
  return code;
}

void loom_attempt_destroy(loomAttempt* a) {
  free(a);
}

int loom_attempt_run(loomAttemptResult* result, loomTrace* trace, loomEpisode* e,
                     const loomSourceSet* sources, const loomSourceStats* stats, const loomAttemptDef* def,
                     uint64_t attempt, loomError* err) {
  loomAttempt a;
  set_up(&a, result, trace, e, sources, stats, def, attempt);
  int code = begin(&a, err);
  if (code == LOOM_RUN_OVER) conclude(&a.plan, &a.run);
  while (!code) code = loom_attempt_step(&a, err);
  return code == LOOM_RUN_OVER ? 0 : code;
}
