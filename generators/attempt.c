#include "generators/attempt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/segment.h"
#include "generators/select.h"

const char* loom_outcome_name(loomOutcome outcome) {
  static const char* const names[] = {"success", "lost", "unmet", "unfinished", "timeout", "simulator"};
  return outcome >= 0 && outcome < LOOM_OUTCOME_COUNT ? names[outcome] : "unknown";
}

loomAttemptDef loom_default_attempt_def(void) {
  return (loomAttemptDef){.noise_scale = 1};
}

// ------------------------------------------------------------------------------------------------------
// trace

int loom_trace_create(loomTrace* t, const loomEpisode* e, int capacity, loomError* err) {
  memset(t, 0, sizeof *t);
  size_t rows = (size_t)capacity, arms = (size_t)e->arm_count, objects = (size_t)e->scene->task->object_count;
  t->capacity = capacity;
  t->action_dim = e->action_dim;
  t->state_dim = e->state_dim;
  t->obs_dim = e->obs_dim;
  t->arm_count = e->arm_count;
  t->object_count = e->scene->task->object_count;
  t->actions = calloc(rows * (size_t)e->action_dim, sizeof(double));
  t->states = calloc(rows * (size_t)e->state_dim, sizeof(double));
  t->obs = calloc(rows * (size_t)e->obs_dim, sizeof(double));
  t->eef = calloc(rows * arms * 16, sizeof(double));
  t->target = calloc(rows * arms * 16, sizeof(double));
  t->grip = calloc(rows * arms, sizeof(double));
  t->object = calloc(rows * (objects + 1) * 16, sizeof(double));
  t->reward = calloc(rows, sizeof(double));
  t->subtask = calloc(rows * arms, sizeof(int64_t));
  t->source = calloc(rows * arms, sizeof(int64_t));
  if (t->actions && t->states && t->obs && t->eef && t->target && t->grip && t->object && t->reward &&
      t->subtask && t->source) {
    return 0;
  }
  loom_trace_destroy(t);
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a trace of %d rows", capacity);
}

void loom_trace_destroy(loomTrace* t) {
  if (!t) return;
  free(t->actions);
  free(t->states);
  free(t->obs);
  free(t->eef);
  free(t->target);
  free(t->grip);
  free(t->object);
  free(t->reward);
  free(t->subtask);
  free(t->source);
  memset(t, 0, sizeof *t);
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
  int step;         // steps since the subtask began
  loomPose from;    // pose the interpolation leaves
  loomPose target;  // last target
  double grip;      // last gripper action
  int ended_at;     // control step at which the last subtask ended
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
  int end_step[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];  // control step a subtask ended at; -1 = not yet
  loomAttemptResult* result;
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

// A held object's measured pose in the hand, or (with a reference) the hand's own pose, becomes the right
// factor, so that the segment carries on from where the hand is instead of jumping to where the source's was.
static void correct_for_held(plan* p, armPlan* arm, int a, const loomSubtaskDef* s,
                             const loomReplay* source) {
  loomPose eef_now = loom_episode_eef(p->e, a), eef_src = source->eef[a][arm->start];
  if (s->reference >= 0) {
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
    double size = i < 3 ? s->noise_position : s->noise_rotation;
    shift[i] = size > 0 ? p->def->noise_scale * size * loom_random_normal(&p->move) : 0;
  }
  loomPose noise = loom_pose_identity();
  loom_quat_exp(noise.quat, shift + 3);
  memcpy(noise.pos, shift, sizeof noise.pos);
  arm->transform.hand = loom_pose_mul(arm->transform.hand, noise);
}

static int lead_in_steps(const plan* p, const armPlan* arm, const loomSubtaskDef* s, loomPose first) {
  int steps = s->interpolate_steps;
  double freq = p->task->control_freq;
  if (s->speed_linear > 0) {
    int n = (int)ceil(loom_pose_distance(arm->from, first) / s->speed_linear * freq);
    if (n > steps) steps = n;
  }
  if (s->speed_angular > 0) {
    int n = (int)ceil(loom_quat_angle(arm->from.quat, first.quat) / s->speed_angular * freq);
    if (n > steps) steps = n;
  }
  return steps;
}

static void begin_subtask(plan* p, int a) {
  armPlan* arm = &p->arm[a];
  int k = arm->subtask;
  const loomSubtaskDef* s = current(p, a);
  arm->source = choose_source(p, a, k);
  const loomReplay* source = &p->sources->replay[arm->source];
  arm->running = true;
  arm->step = 0;
  arm->start = loom_segment_start(source, a, k);
  arm->end = source->end[a][k];
  int object = s->reference >= 0 ? s->reference : s->carried;
  if (object >= 0 && p->object_symmetry[object] >= 0) {
    arm->fit.object_symmetry = p->object_symmetry[object];
  } else if (object >= 0) {
    arm->fit = loom_fit_source(p->e, source, a, k);
    p->object_symmetry[object] = arm->fit.object_symmetry;
  }
  if (s->offset[1] > s->offset[0]) {
    arm->end += s->offset[0] + loom_random_index(&p->move, s->offset[1] - s->offset[0] + 1);
  } else {
    arm->end += s->offset[0];
  }
  if (arm->end > source->rows) arm->end = source->rows;
  if (arm->end <= arm->start) arm->end = arm->start + 1 < source->rows ? arm->start + 1 : source->rows;
  arm->transform = loom_segment_transform(p->e, source, a, k, arm->fit,
                                          arm->start < source->rows ? arm->start : source->rows - 1);
  if (s->carried >= 0) correct_for_held(p, arm, a, s, source);
  add_noise(p, arm, s);
  arm->from = s->from_target && k ? arm->target : loom_episode_eef(p->e, a);
  loomPose first = loom_transform_apply(
      &arm->transform, source->target[a][arm->start < source->rows ? arm->start : source->rows - 1]);
  arm->hold = s->hold_steps;
  arm->lead_in = lead_in_steps(p, arm, s, first) + s->hold_steps;
  p->result->source[a][k] = arm->source;
  p->result->begin[a][k] = p->e->steps;
}

// Coordinated partners begin in the same step and take as long: the longer lead-in counts for both, and a
// translated or replayed scheme gives both the same rigid motion.
static void match_partner(plan* p, int a) {
  int other, other_k, k = p->arm[a].subtask;
  const loomRule* rule = coordinated(p, a, k, &other, &other_k);
  if (!rule || !p->arm[other].running || p->arm[other].subtask != other_k) return;
  armPlan *x = &p->arm[a], *y = &p->arm[other];
  if (x->lead_in < y->lead_in) x->lead_in = y->lead_in;
  if (y->lead_in < x->lead_in) y->lead_in = x->lead_in;
  if (rule->scheme == LOOM_SCHEME_REPLAY) return;
  const armPlan* leader = p->task->subtasks[rule->arm_a][rule->subtask_a].reference >= 0
                              ? &p->arm[rule->arm_a]
                              : &p->arm[rule->arm_b];
  loomPose world = leader->transform.world;
  if (rule->scheme == LOOM_SCHEME_TRANSLATE) {
    loomPose moved = loom_pose_mul(world, leader->transform.source);
    world = loom_pose_identity();
    for (int i = 0; i < 3; i++) world.pos[i] = moved.pos[i] - leader->transform.source.pos[i];
  }
  x->transform.world = y->transform.world = world;
}

// --------------------------------------------------------------------------------------------------------
// act

static double minimum_jerk(double t) {
  return t * t * t * (10 + t * (6 * t - 15));
}

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

static void advance_target(plan* p, int a) {
  armPlan* arm = &p->arm[a];
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
    double t = (arm->step + 1.0) / moving;
    target = loom_pose_interpolate(arm->from, target, s->smooth ? minimum_jerk(t) : t);
  } else if (arm->step >= arm->lead_in) {
    arm->grip = source->grip[a][row];
  }
  arm->target = target;
  arm->step++;
}

static bool finished(const armPlan* arm) {
  return arm->step >= arm->lead_in + arm->end - arm->start;
}

static void act(plan* p, double* action) {
  for (int a = 0; a < p->e->arm_count; a++) {
    if (may_begin(p, a)) {
      int other, other_k;
      bool both = coordinated(p, a, p->arm[a].subtask, &other, &other_k) != NULL;
      begin_subtask(p, a);
      if (both) {
        begin_subtask(p, other);
        match_partner(p, a);
      }
    }
  }
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
    if (body->robot->gripper_dim) action[body->pose_dim] = arm->grip;
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

// After a step: subtasks that have ended, and whether their effect is there. False when the attempt is lost.
static bool close_subtasks(plan* p) {
  for (int a = 0; a < p->e->arm_count; a++) {
    armPlan* arm = &p->arm[a];
    if (!arm->running || !finished(arm)) continue;
    int k = arm->subtask, expect = p->task->subtasks[a][k].expect;
    if (expect >= 0 && !loom_condition_true(p->e->conditions, expect)) {
      fail(p, LOOM_OUTCOME_UNMET, a, k, expect);
      return false;
    }
    arm->running = false;
    arm->ended_at = p->end_step[a][k] = p->e->steps;
    arm->subtask++;
  }
  return true;
}

static void record(loomTrace* t, const plan* p, const double* action) {
  loomEpisode* e = p->e;
  size_t row = (size_t)t->rows++, arms = (size_t)t->arm_count;
  memcpy(t->actions + row * (size_t)t->action_dim, action, sizeof(double) * (size_t)t->action_dim);
  loom_episode_state(t->states + row * (size_t)t->state_dim, e);
  loom_episode_observe(t->obs + row * (size_t)t->obs_dim, e);
  for (size_t a = 0; a < arms; a++) {
    const armPlan* arm = &p->arm[a];
    loom_pose_to_matrix(t->eef + 16 * (row * arms + a), loom_episode_eef(e, (int)a));
    loom_pose_to_matrix(t->target + 16 * (row * arms + a), arm->target);
    t->grip[row * arms + a] = arm->grip;
    t->subtask[row * arms + a] = arm->subtask;
    t->source[row * arms + a] = arm->source;
  }
  for (int o = 0; o < t->object_count; o++) {
    loom_pose_to_matrix(t->object + 16 * ((size_t)o * (size_t)t->capacity + row), loom_episode_object(e, o));
  }
}

static void start_plan(plan* p, uint64_t attempt) {
  loomAttemptResult* r = p->result;
  *r = (loomAttemptResult){.attempt = attempt, .outcome = LOOM_OUTCOME_TIMEOUT, .arm = -1, .subtask = -1};
  memset(r->source, -1, sizeof r->source);
  memset(r->begin, -1, sizeof r->begin);
  memset(p->end_step, -1, sizeof p->end_step);
  memset(p->object_symmetry, -1, sizeof p->object_symmetry);
  memset(p->arm_source, -1, sizeof p->arm_source);
  p->episode_source = -1;
  p->select = loom_random(p->def->seed, attempt, LOOM_PURPOSE_SELECT);
  p->move = loom_random(p->def->seed, attempt, LOOM_PURPOSE_TRANSFORM);
  p->noise = loom_random(p->def->seed, attempt, LOOM_PURPOSE_ACTION_NOISE);
  for (int a = 0; a < p->e->arm_count; a++) {
    p->arm[a] = (armPlan){.source = -1, .target = loom_episode_eef(p->e, a), .grip = -1};
  }
}

static void note_start(plan* p) {
  if (!p->task->object_count) return;
  loomPose pose = loom_episode_object(p->e, 0);
  memcpy(p->result->object_start, pose.pos, sizeof pose.pos);
  memcpy(p->result->object_start + 3, pose.quat, sizeof pose.quat);
}

// One control step; false when the attempt has ended.
static bool step(plan* p, loomTrace* trace, int* success_steps, int* idle, loomError* why) {
  double action[LOOM_MAX_ARMS * (LOOM_MAX_JOINTS + 1)];
  double start = loom_clock();
  if (p->e->steps >= p->task->settle_steps) {
    if (p->e->steps == p->task->settle_steps) note_start(p);
    act(p, action);
  } else {
    memset(action, 0, sizeof action);
    if (!p->e->arms[0].control.delta) act(p, action);
  }
  p->e->times.plan += loom_clock() - start;
  record(trace, p, action);
  if (loom_episode_step(p->e, action, why)) {
    p->result->outcome = LOOM_OUTCOME_SIMULATOR;
    snprintf(p->result->reason, sizeof p->result->reason, "%.150s", why->message);
    return false;
  }
  bool success = loom_episode_success(p->e), all_done = true;
  trace->reward[trace->rows - 1] = success ? 1 : 0;
  *success_steps = success ? *success_steps + 1 : 0;
  if (*success_steps >= p->task->success_hold) {
    p->result->outcome = LOOM_OUTCOME_SUCCESS;
    return false;
  }
  if (p->task->lost >= 0 && loom_condition_true(p->e->conditions, p->task->lost)) {
    int a = p->task->arm_count > 1 && p->arm[0].subtask > 0 ? 1 : 0;
    fail(p, LOOM_OUTCOME_LOST, a, p->arm[a].subtask, -1);
    snprintf(p->result->reason, sizeof p->result->reason, "%s", p->task->conditions[p->task->lost].label);
    return false;
  }
  if (!close_subtasks(p)) return false;
  for (int a = 0; a < p->e->arm_count; a++) all_done = all_done && done(p, a);
  *idle = all_done ? *idle + 1 : 0;
  if (*idle > p->task->success_hold + 10 && !success) {
    fail(p, LOOM_OUTCOME_UNFINISHED, -1, -1, p->task->success);
    return false;
  }
  return true;
}

int loom_attempt_run(loomAttemptResult* result, loomTrace* trace, loomEpisode* e,
                     const loomSourceSet* sources, const loomSourceStats* stats, const loomAttemptDef* def,
                     uint64_t attempt, loomError* err) {
  plan p = {.sources = sources, .stats = stats, .def = def, .e = e, .task = e->scene->task, .result = result};
  loomError why = {0, ""};
  int64_t physics = e->physics_steps;
  int success_steps = 0, idle = 0;
  trace->rows = 0;
  int code = loom_episode_reset(e, def->reset, def->seed, attempt, &why);
  start_plan(&p, attempt);
  if (code == LOOM_ERR_SIM) {
    result->outcome = LOOM_OUTCOME_SIMULATOR;
    snprintf(result->reason, sizeof result->reason, "%.150s", why.message);
    return 0;
  }
  if (code) {
    if (err) *err = why;
    return code;
  }
  while (trace->rows < trace->capacity && step(&p, trace, &success_steps, &idle, &why)) {
  }
  if (result->outcome == LOOM_OUTCOME_TIMEOUT)
    fail(&p, LOOM_OUTCOME_TIMEOUT, 0, p.arm[0].subtask, p.task->success);
  result->steps = trace->rows;
  result->physics_steps = e->physics_steps - physics;
  return 0;
}
