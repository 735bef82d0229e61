#include "engine/run/reward.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/score.h"
#include "engine/scene/point.h"

/// What outlives a step.
typedef struct remembered {
  double before[LOOM_MAX_TERMS];   // values of potentials in the state before
  double action[LOOM_MAX_ACTION];  // the one before
  loomStages stages;
  int gained[LOOM_MAX_ARMS];  // stages that the step brought
  bool breached;
} remembered;

struct loomReward {
  const loomRewardDef* def;
  int from[LOOM_MAX_TERMS], to[LOOM_MAX_TERMS];  // ids of the terms' points
  void* scorer[LOOM_MAX_TERMS];                  // instances of the terms' scores
  remembered kept;
};

/// What a term's value is taken of.
typedef struct termView {
  const loomReward* reward;
  const loomEpisode* e;
  const loomRunResult* run;
  const loomTermDef* def;
  int index;
} termView;

// ---- values of terms

static bool ended(const loomRunResult* run) {
  return run && run->over && run->end != LOOM_RUN_TIMEOUT;
}

static double value_success(const termView* v) {
  return v->run && v->run->over && v->run->end == LOOM_RUN_SUCCESS;
}

static double value_lost(const termView* v) {
  return v->run && v->run->over && v->run->end == LOOM_RUN_LOST;
}

static double value_breach(const termView* v) {
  return v->run && v->run->breach.limit != LOOM_LIMIT_NONE && !v->reward->kept.breached;
}

static double value_time(const termView* v) {
  (void)v;
  return 1;
}

static double value_stage(const termView* v) {
  int n = 0;
  for (int a = 0; a < v->e->arm_count; a++)
    if (v->def->arm < 0 || v->def->arm == a) n += v->reward->kept.gained[a];
  return n;
}

static double value_condition(const termView* v) {
  return loom_condition_true(v->e->conditions, v->def->condition);
}

static double value_margin(const termView* v) {
  return loom_condition_nearness(v->e->conditions, v->def->condition, v->def->scale);
}

static double near(double value, double scale) {
  return scale > 0 ? 1 - tanh(value / scale) : value;
}

static void frames(double from[3], double from_mat[9], double to[3], double to_mat[9], const termView* v) {
  const loomReward* r = v->reward;
  loom_point_frame(from, from_mat, &v->def->from, r->from[v->index], v->e->d);
  loom_point_frame(to, to_mat, &v->def->to, r->to[v->index], v->e->d);
}

static double value_distance(const termView* v) {
  double a[3], b[3], mat_a[9], mat_b[9];
  frames(a, mat_a, b, mat_b, v);
  return near(mju_dist3(a, b), v->def->scale);
}

static double value_angle(const termView* v) {
  double a[3], b[3], mat_a[9], mat_b[9];
  frames(a, mat_a, b, mat_b, v);

  // The trace of mat_a' mat_b is 1 + 2 cos(angle).
  return near(acos(mju_clip((mju_dot(mat_a, mat_b, 9) - 1) / 2, -1, 1)), v->def->scale);
}

static double value_height(const termView* v) {
  double a[3], b[3], mat_a[9], mat_b[9];
  frames(a, mat_a, b, mat_b, v);
  return near(a[2] - b[2], v->def->scale);
}

// Entry i of an arm's action as a share of its limit, which the controller clips it to. Absolute poses have
// no limits and are as they are.
static double share(const loomArm* arm, int i, double value) {
  if (i >= arm->pose_dim) return mju_clip(value, -1, 1);
  if (!arm->control.delta) return value;

  double limit = value > 0 ? arm->control.input_max[i] : -arm->control.input_min[i];
  return limit > 0 ? mju_clip(value / limit, -1, 1) : value;
}

// Mean square over the entries of the arms, of the action itself or of its change.
static double mean_square(const termView* v, bool change) {
  const double *now = v->e->action, *before = v->reward->kept.action;
  double sum = 0;
  int n = 0;

  for (int a = 0; a < v->e->arm_count; a++) {
    const loomArm* arm = &v->e->arms[a];
    int dim = loom_arm_action_dim(arm);

    for (int i = 0; i < dim && (v->def->arm < 0 || v->def->arm == a); i++, n++) {
      bool absolute = i < arm->pose_dim && !arm->control.delta;
      double x = absolute && !change ? 0 : share(arm, i, now[i]) - (change ? share(arm, i, before[i]) : 0);
      sum += x * x;
    }
    now += dim;
    before += dim;
  }
  return n ? sum / n : 0;
}

static double value_action_size(const termView* v) {
  return mean_square(v, false);
}

static double value_action_change(const termView* v) {
  return v->run && v->run->steps > 1 ? mean_square(v, true) : 0;
}

// Of a score that is never above 0, an end that is no success would be the best there is. What follows counts
// as if it stayed as it is (policies/objective/absorbing.h).
static double value_embedding(const termView* v) {
  enum { STEPS = 1000 };
  double discount = v->reward->def->discount;
  double value = v->def->score->value(v->reward->scorer[v->index], v->e);
  bool bad = ended(v->run) && v->run->end != LOOM_RUN_SUCCESS && !v->def->potential;
  return bad ? value * fmin(1 / (1 - fmin(discount, 1 - 1e-9)), STEPS) : value;
}

#define TERM_VALUE(KIND, name, value, given, words, about, example) value_##value,
static double (*const term_value[])(const termView* v) = {LOOM_TERMS(TERM_VALUE)};

static double value_of(const loomReward* r, int k, const loomEpisode* e, const loomRunResult* run) {
  const loomTermDef* def = &r->def->terms[k];
  termView v = {r, e, run, def, k};
  return term_value[def->term](&v);
}

// ---- stages

// How many of the arm's subtasks end by a condition, up to `reached` of them; the next one's condition.
static int next_stage(const loomTask* task, int arm, int reached) {
  for (int s = 0; s < task->subtask_count[arm]; s++) {
    const loomSubtaskDef* subtask = &task->subtasks[arm][s];
    if (subtask->until == LOOM_UNTIL_CONDITION && reached-- == 0) return subtask->until_condition;
  }
  return -1;
}

// How often a term can be 1 in an episode; -1: it is no event.
static int times_of(const loomTermDef* t, const loomTask* task) {
  int n = 0;
  if (t->potential) return -1;
  if (t->term == LOOM_TERM_SUCCESS || t->term == LOOM_TERM_LOST || t->term == LOOM_TERM_BREACH) return 1;
  if (t->term != LOOM_TERM_STAGE) return -1;

  for (int a = 0; a < LOOM_MAX_ARMS; a++)
    for (int reached = 0; (t->arm < 0 || t->arm == a) && next_stage(task, a, reached) >= 0; reached++) n++;
  return n;
}

bool loom_reward_range(double range[2], const loomRewardDef* def, const loomTask* task) {
  range[0] = range[1] = 0;

  for (int k = 0; k < def->term_count; k++) {
    int times = times_of(&def->terms[k], task);
    if (times < 0) {
      range[0] = -INFINITY;
      range[1] = INFINITY;
      return false;
    }
    range[def->terms[k].weight > 0] += times * def->terms[k].weight;
  }
  return true;
}

int loom_stages_advance(loomStages* stages, const loomEpisode* e, int arm) {
  int gained = 0;
  for (int a = 0; a < e->arm_count; a++) {
    if (arm >= 0 && arm != a) continue;

    // Each takes a step at least, as a segment has a row.
    int condition = next_stage(e->scene->task, a, stages->reached[a]);
    if (!loom_condition_true(e->conditions, condition)) continue;
    stages->reached[a]++;
    gained++;
  }
  return gained;
}

// ---- an episode's reward

static int bind_points(loomReward* r, const loomEpisode* e, loomError* err) {
  loomTask* view = malloc(sizeof *view);
  if (!view) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a reward");

  // Messages name the file that the terms stand in.
  int code = 0;
  *view = *e->scene->task;
  snprintf(view->path, sizeof view->path, "%s", r->def->path);
  for (int k = 0; !code && k < r->def->term_count; k++) {
    const loomTermDef* t = &r->def->terms[k];
    code = loom_point_bind(&r->from[k], &t->from, view, t->line, e->m, err);
    if (!code) code = loom_point_bind(&r->to[k], &t->to, view, t->line, e->m, err);
  }
  free(view);
  return code;
}

static int create_scorers(loomReward* r, const loomEpisode* e, loomError* err) {
  int code = 0;
  for (int k = 0; !code && k < r->def->term_count; k++) {
    const loomTermDef* t = &r->def->terms[k];
    if (t->term != LOOM_TERM_EMBEDDING) continue;
    code = t->score ? t->score->create(&r->scorer[k], t->score->self, e, err)
                    : loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                                     "%s:%d: '%s' is for reward files (demoloom finetune --reward) only",
                                     r->def->path, t->line, loom_term_names[t->term]);
  }
  return code;
}

int loom_reward_create(loomReward** out, const loomRewardDef* def, const loomEpisode* e, loomError* err) {
  *out = NULL;
  loomReward* r = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a reward");

  r->def = def;
  int code = bind_points(r, e, err);
  if (!code) code = create_scorers(r, e, err);
  if (code)
    loom_reward_destroy(r);
  else
    *out = r;
  return code;
}

void loom_reward_destroy(loomReward* r) {
  for (int k = 0; r && k < r->def->term_count; k++)
    if (r->scorer[k]) r->def->terms[k].score->destroy(r->scorer[k]);
  free(r);
}

static void keep_potentials(loomReward* r, const loomEpisode* e) {
  for (int k = 0; k < r->def->term_count; k++)
    if (r->def->terms[k].potential) r->kept.before[k] = value_of(r, k, e, NULL);
}

void loom_reward_begin(loomReward* r, loomEpisode* e, const loomStages* stages) {
  memset(&r->kept, 0, sizeof r->kept);
  if (stages) r->kept.stages = *stages;
  for (int k = 0; k < r->def->term_count; k++)
    if (r->scorer[k] && r->def->terms[k].score->begin) r->def->terms[k].score->begin(r->scorer[k], e);
  keep_potentials(r, e);
}

int loom_reward_step(double* out, double* terms, loomReward* r, const loomEpisode* e,
                     const loomRunResult* run, loomError* err) {
  *out = 0;
  for (int a = 0; a < e->arm_count; a++) r->kept.gained[a] = loom_stages_advance(&r->kept.stages, e, a);

  // In the terms' order, so that sums are the same to the bit.
  for (int k = 0; k < r->def->term_count; k++) {
    const loomTermDef* t = &r->def->terms[k];
    double value = value_of(r, k, e, run), after = ended(run) ? 0 : value;
    double step = t->weight * (t->potential ? r->def->discount * after - r->kept.before[k] : value);
    if (!isfinite(step))
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s:%d: the reward's term '%s' is not a finite number at control step %d",
                            r->def->path, t->line, loom_term_names[t->term], run->steps);

    r->kept.before[k] = value;
    if (terms) terms[k] = step;
    *out += step;
  }

  // Large weights may only be too large together.
  if (!isfinite(*out))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: the reward's terms add up to no finite number at control step %d",
                          r->def->path, run->steps);

  memcpy(r->kept.action, e->action, sizeof(double) * (size_t)e->action_dim);
  r->kept.breached = run->breach.limit != LOOM_LIMIT_NONE;
  return 0;
}

size_t loom_reward_snapshot_size(const loomReward* r) {
  return sizeof r->kept;
}

void loom_reward_snapshot(void* out, const loomReward* r) {
  memcpy(out, &r->kept, sizeof r->kept);
}

void loom_reward_restore(loomReward* r, const void* snapshot) {
  memcpy(&r->kept, snapshot, sizeof r->kept);
}

loomRunDef loom_reward_run_def(const loomRewardDef* def, const loomTask* task, int horizon) {
  loomRunDef run = loom_default_run_def(task);
  run.max_steps = horizon;
  run.stop_at_breach = def->end_at_limits;
  return run;
}
