#include "engine/sim/disturb.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"
#include "engine/model/trap.h"
#include "engine/sim/edit.h"
#include "engine/sim/midway.h"

// Each term draws in numbers of its own, so that what one draws does not hang on the others.
enum { DRAWS_A_TERM = 1 << 16, DRAWS_A_STEP = 1 << 10 };

// ---- names

static int count_targets(const loomScene* scene, loomDisturbTargets targets) {
  const mjModel* m = scene->model;
  switch (targets) {
    case LOOM_DISTURB_OBJECTS:
      return scene->task->object_count;
    case LOOM_DISTURB_BODIES:
      return (int)(m->nbody + m->npair);
    case LOOM_DISTURB_JOINTS:
      return (int)m->nv;
    case LOOM_DISTURB_ARMS:
      return scene->task->arm_count;
    case LOOM_DISTURB_LIGHTS:
      return (int)m->nlight + 1;
    case LOOM_DISTURB_PAINTED:
      return (int)m->nbody;
    case LOOM_DISTURB_CAMERAS:
      return (int)m->ncam;
    default:
      return 1;
  }
}

static int joint_dofs(int* first, const mjModel* m, const char* name) {
  static const int dofs[] = {[mjJNT_FREE] = 6, [mjJNT_BALL] = 3, [mjJNT_SLIDE] = 1, [mjJNT_HINGE] = 1};
  int joint = mj_name2id(m, mjOBJ_JOINT, name);
  *first = joint < 0 ? -1 : m->jnt_dofadr[joint];
  return joint < 0 ? 0 : dofs[m->jnt_type[joint]];
}

// The headlight, which has no place of its own, comes last.
static int find_light(const mjModel* m, const char* name, loomDisturbKind kind) {
  bool headlight = !strcmp(name, "headlight") && kind == LOOM_DISTURB_LIGHT;
  return headlight ? (int)m->nlight : mj_name2id(m, mjOBJ_LIGHT, name);
}

static int find_arm(const loomScene* scene, const char* name) {
  char* end;
  long arm = strtol(name, &end, 10);
  return *end || end == name || arm < 0 || arm >= scene->task->arm_count ? -1 : (int)arm;
}

// Which targets a term has values for.
static int find_targets(loomDrawn* out, const loomDisturbTerm* t, const loomDisturbSet* set,
                        const loomScene* scene, loomError* err) {
  static const char* const what[] = {"",     "object", "body",  "joint", "arm",
                                     "body", "",       "light", "body",  "camera"};
  loomDisturbTargets targets = loom_disturb_kinds[t->kind].targets;
  const mjModel* m = scene->model;
  out->first = 0;
  out->n = count_targets(scene, targets);
  if (!t->of[0] || targets == LOOM_DISTURB_KEYS) return 0;

  // One of them.
  out->n = 1;
  if (targets == LOOM_DISTURB_OBJECTS) out->first = loom_task_find_object(scene->task, t->of);
  if (targets == LOOM_DISTURB_BODIES || targets == LOOM_DISTURB_BODY || targets == LOOM_DISTURB_PAINTED)
    out->first = mj_name2id(m, mjOBJ_BODY, t->of);
  if (targets == LOOM_DISTURB_JOINTS) out->n = joint_dofs(&out->first, m, t->of);
  if (targets == LOOM_DISTURB_LIGHTS) out->first = find_light(m, t->of, t->kind);
  if (targets == LOOM_DISTURB_CAMERAS) out->first = mj_name2id(m, mjOBJ_CAMERA, t->of);
  if (targets == LOOM_DISTURB_ARMS) out->first = find_arm(scene, t->of);

  if (out->first < 0)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: key 'of': %s has no %s '%s'", set->label, t->line,
                          scene->task->name, what[targets], t->of);
  if (t->kind == LOOM_DISTURB_HEIGHT && (!out->first || m->body_weldid[out->first]))
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: key 'of': '%s' is not fixed to the world", set->label,
                          t->line, t->of);
  return 0;
}

int loom_disturb_check(const loomDisturbSet* set, const loomScene* scene, loomError* err) {
  loomDrawn found;
  int code = 0;
  for (int i = 0; !code && i < set->count; i++) code = find_targets(&found, &set->terms[i], set, scene, err);
  return code;
}

// ---- room

int loom_disturb_room(loomDisturbance** out, loomEpisode* e, const loomDisturbSet* set, loomError* err) {
  loomDisturbance* d = e->disturbances;
  while (d && (d->set != set || d->digest != set->digest || d->recorded)) d = d->next;
  *out = d;
  if (d) return 0;

  // The first episode of the set: later ones use its room again.
  d = loom_heap_take(&e->heap, 1, sizeof *d);
  if (!d) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for disturbances");
  d->set = set;
  d->digest = set->digest;
  d->drawn = loom_heap_take(&e->heap, (size_t)set->count, sizeof *d->drawn);
  d->state = loom_heap_take(&e->heap, (size_t)e->state_dim, sizeof *d->state);
  d->late = loom_heap_take(&e->heap, (size_t)LOOM_DISTURB_LATE * (size_t)e->action_dim, sizeof *d->late);
  bool ok = d->drawn && d->state && d->late;

  int code = 0;
  for (int i = 0; !code && ok && i < set->count; i++) {
    loomDrawn* drawn = &d->drawn[i];
    code = find_targets(drawn, &set->terms[i], set, e->scene, err);
    size_t width = (size_t)loom_disturb_width(set->terms[i].kind);
    if (!code) drawn->value = loom_heap_take(&e->heap, width * (size_t)drawn->n, sizeof *drawn->value);
    ok = ok && (code || drawn->value);
  }

  if (code) return code;
  if (!ok) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for disturbances");
  d->next = e->disturbances;
  *out = e->disturbances = d;
  return 0;
}

// ---- drawing

static double draw_value(loomRandom* random, const loomDisturbTerm* t) {
  double low = t->range[0], high = t->range[1];
  if (loom_disturb_kinds[t->kind].bits & LOOM_DISTURB_WHOLE)
    return low + loom_random_index(random, (int)(high - low) + 1);
  if (!t->log) return loom_random_range(random, low, high);

  // Rounding must not lead out of the range.
  double x = exp(loom_random_range(random, log(low), log(high)));
  return x < low ? low : x > high ? high : x;
}

static void draw_term(loomDrawn* out, const loomDisturbTerm* t, loomRandom* random, const double* pinned) {
  for (int i = 0; i < out->n * loom_disturb_width(t->kind); i++) {
    double x = draw_value(random, t);
    out->value[i] = pinned ? *pinned : x;
  }

  // When, and which way; drawn whether it is said or not, so that the numbers stand in one order.
  double at = loom_random_range(random, t->at[0], t->at[1]);
  double last = loom_random_range(random, t->last[0], t->last[1]);
  double angle = loom_random_range(random, 0, 2 * mjPI);
  out->at = t->timed ? at : 0;
  out->last = t->ends ? last : INFINITY;

  if (t->directed)
    memcpy(out->direction, t->direction, sizeof out->direction);
  else
    memcpy(out->direction, (const double[]){cos(angle), sin(angle), 0}, sizeof out->direction);
}

static void draw_all(loomDisturbance* d, const loomDisturbPin* pin) {
  for (int i = 0; i < d->set->count; i++) {
    loomRandom random = loom_random(d->seed, d->number, LOOM_PURPOSE_DISTURB);
    random.draw = (uint32_t)i * DRAWS_A_TERM;
    draw_term(&d->drawn[i], &d->set->terms[i], &random, pin && pin->term == i ? &pin->value : NULL);
  }
}

// ---- time

// The control step at which a term begins.
static int first_step(const loomEpisode* e, const loomDrawn* d) {
  double step = floor(d->at * e->scene->task->control_freq + 0.5);
  return step < INT_MAX ? (int)step : INT_MAX;
}

// Something that ends lasts a control step at least.
static bool is_active_at(const loomEpisode* e, int step, const loomDrawn* d) {
  int first = first_step(e, d);
  if (step < first) return false;
  if (isinf(d->last)) return true;
  return step - first < fmax(1, floor(d->last * e->scene->task->control_freq + 0.5));
}

static bool is_active(const loomEpisode* e, const loomDrawn* d) {
  return is_active_at(e, e->steps, d);
}

static unsigned bits_of(const loomDisturbance* d, int i) {
  return loom_disturb_kinds[d->set->terms[i].kind].bits;
}

bool loom_disturb_does(const loomDisturbSet* set, unsigned bits) {
  bool does = false;
  for (int i = 0; i < set->count; i++) does = does || (loom_disturb_kinds[set->terms[i].kind].bits & bits);
  return does;
}

static uint32_t edits_now(const loomEpisode* e, const loomDisturbance* d) {
  uint32_t edits = 0;
  for (int i = 0; i < d->set->count; i++)
    if ((bits_of(d, i) & LOOM_DISTURB_EDITS) && is_active(e, &d->drawn[i])) edits |= 1U << i;
  return edits;
}

// ---- the model

static void edit_target(loomEpisode* e, loomDisturbKind kind, int target, double x) {
  mjModel* m = e->m;
  int pair = target - (int)m->nbody;
  if (kind == LOOM_DISTURB_MASS) loom_edit_mass(e, target, x);
  if (kind == LOOM_DISTURB_FRICTION && pair < 0) loom_edit_friction(m, target, x);
  if (kind == LOOM_DISTURB_FRICTION && pair >= 0) loom_edit_pair_friction(m, pair, x);
  if (kind == LOOM_DISTURB_SOLREF && pair < 0) loom_edit_solref(m, target, x);
  if (kind == LOOM_DISTURB_SOLREF && pair >= 0) loom_edit_pair_solref(m, pair, x);
  if (kind == LOOM_DISTURB_DAMPING) m->dof_damping[target] *= x;
  if (kind == LOOM_DISTURB_GAINS) loom_edit_gains(e, target, x);
  if (kind == LOOM_DISTURB_SLIP) loom_edit_grip(e, target, x);
  if (kind == LOOM_DISTURB_HEIGHT) m->body_pos[3 * target + 2] += x;
}

// The model with the edits of these terms and no others.
static int edit_model(loomEpisode* e, loomDisturbance* d, uint32_t edits, loomError* err) {
  bool derived = false;
  for (int a = 0; a < e->arm_count; a++) e->arms[a].control = e->scene->control[a];

  for (int i = 0; i < d->set->count; i++) {
    loomDisturbKind kind = d->set->terms[i].kind;
    const loomDrawn* drawn = &d->drawn[i];
    if (!(edits & 1U << i)) continue;

    for (int k = 0; k < drawn->n; k++) edit_target(e, kind, drawn->first + k, drawn->value[k]);
    derived = derived || kind == LOOM_DISTURB_MASS || kind == LOOM_DISTURB_HEIGHT;
  }

  d->edits = edits;
  return derived ? loom_edit_constants(e, err) : 0;
}

// Whether the model is edited otherwise at some time than at the start.
static bool edits_change(const loomDisturbance* d) {
  for (int i = 0; i < d->set->count; i++)
    if ((bits_of(d, i) & LOOM_DISTURB_EDITS) && d->set->terms[i].timed) return true;
  return false;
}

// What later edits start from, and the edits of the start.
static int edit_start(loomEpisode* e, loomDisturbance* d, loomError* err) {
  if (edits_change(d)) {
    e->undisturbed = mj_copyModel(e->undisturbed, e->m);
    if (!e->undisturbed) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
  }
  return edit_model(e, d, edits_now(e, d), err);
}

static int run_step1(void* arg) {
  loomEpisode* e = arg;
  mj_step1(e->m, e->d);
  return 0;
}

static int edit_again(loomEpisode* e, loomDisturbance* d, uint32_t edits, loomError* err) {
  if (!mj_copyModel(e->m, e->undisturbed))
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a model");
  int code = edit_model(e, d, edits, err);
  return code ? code : loom_trap_run(run_step1, e, err);
}

// ---- objects

// The nudges of the terms that move objects now. False where none does.
static bool add_nudges(loomNudge nudge[LOOM_MAX_OBJECTS], const loomEpisode* e, const loomDisturbance* d,
                       bool timed) {
  bool any = false;
  memset(nudge, 0, LOOM_MAX_OBJECTS * sizeof *nudge);

  for (int i = 0; i < d->set->count; i++) {
    const loomDisturbTerm* t = &d->set->terms[i];
    const loomDrawn* drawn = &d->drawn[i];
    if (!(bits_of(d, i) & LOOM_DISTURB_MOVES) || t->timed != timed) continue;
    if (timed && first_step(e, drawn) != e->steps) continue;

    any = true;
    for (int k = 0; k < drawn->n; k++) {
      loomNudge* one = &nudge[drawn->first + k];
      bool place = t->kind == LOOM_DISTURB_PLACE;
      one->x += place ? drawn->value[2 * k] : 0;
      one->y += place ? drawn->value[2 * k + 1] : 0;
      one->yaw += place ? 0 : drawn->value[k];
    }
  }
  return any;
}

static void place_start(loomEpisode* e, loomDisturbance* d) {
  loomNudge nudge[LOOM_MAX_OBJECTS];
  for (int i = 0; i < d->set->count; i++)
    if (d->set->terms[i].kind == LOOM_DISTURB_HEIGHT) loom_edit_raise(d->state, e, d->drawn[i].value[0]);
  if (add_nudges(nudge, e, d, false)) loom_edit_place(d->state, e, nudge);
}

static int nudge_now(loomEpisode* e, loomDisturbance* d, loomError* err) {
  loomNudge nudge[LOOM_MAX_OBJECTS];
  if (!add_nudges(nudge, e, d, true)) return 0;

  loom_episode_state(d->state, e);
  loom_edit_place(d->state, e, nudge);
  memcpy(e->d->qpos, d->state + 1, sizeof(double) * (size_t)e->m->nq);
  return loom_trap_run(run_step1, e, err);
}

// ---- an episode

int loom_disturb_resume(loomEpisode* e, loomDisturbance* d, loomError* err) {
  e->disturbance = d;
  loom_episode_state(d->state, e);
  int code = edit_start(e, d, err);
  return code ? code : loom_episode_again(e, d->state, err);
}

int loom_disturb_begin(loomEpisode* e, const loomDisturbSet* set, uint64_t seed, uint64_t number,
                       const loomDisturbPin* pin, loomError* err) {
  loomDisturbance* d;
  int code = loom_disturb_room(&d, e, set, err);
  if (code) return code;

  d->seed = seed;
  d->number = number;
  draw_all(d, pin);

  // Which objects touch is seen at the start as it was drawn.
  e->disturbance = d;
  loom_episode_state(d->state, e);
  code = edit_start(e, d, err);
  if (code) return code;
  place_start(e, d);
  return loom_episode_again(e, d->state, err);
}

static void push_bodies(loomEpisode* e, const loomDisturbance* d) {
  for (int i = 0; i < d->set->count; i++)
    if (d->set->terms[i].kind == LOOM_DISTURB_PUSH) mju_zero(e->d->xfrc_applied + 6 * d->drawn[i].first, 6);

  for (int i = 0; i < d->set->count; i++) {
    const loomDrawn* drawn = &d->drawn[i];
    if (d->set->terms[i].kind == LOOM_DISTURB_PUSH && is_active(e, drawn))
      mju_addToScl3(e->d->xfrc_applied + 6 * drawn->first, drawn->direction, drawn->value[0]);
  }
}

int loom_disturb_step(loomEpisode* e, loomError* err) {
  loomDisturbance* d = e->disturbance;
  uint32_t edits = edits_now(e, d);

  int code = edits == d->edits ? 0 : edit_again(e, d, edits, err);
  if (!code) code = nudge_now(e, d, err);
  push_bodies(e, d);
  return code;
}

int loom_disturb_over(const loomEpisode* e, int term) {
  const loomDrawn* d = &e->disturbance->drawn[term];
  int step = first_step(e, d);
  if (step == INT_MAX) return INT_MAX;

  // What is done at once is done in one control step.
  step++;
  while (step < INT_MAX && !isinf(d->last) && is_active_at(e, step, d)) step++;
  return step;
}

int loom_disturb_end(loomHands* hands, loomEpisode* e, loomError* err) {
  loomDisturbance* d = e->disturbance;
  loom_midway_take(hands, e);
  loom_episode_state(d->state, e);

  // The model as it was before its course was changed.
  int code = d->edits ? edit_again(e, d, 0, err) : 0;
  e->disturbance = NULL;
  if (!code) code = loom_episode_again(e, d->state, err);
  if (!code) loom_midway_put(e, hands);
  return code;
}

// ---- actions

double loom_disturb_now(const loomEpisode* e, loomDisturbKind kind, const char* of) {
  return loom_disturb_at(e, e->steps, kind, of);
}

double loom_disturb_at(const loomEpisode* e, int step, loomDisturbKind kind, const char* of) {
  const loomDisturbance* d = e->disturbance;
  double most = 0;
  for (int i = 0; i < d->set->count; i++) {
    const loomDisturbTerm* t = &d->set->terms[i];
    const loomDrawn* drawn = &d->drawn[i];
    if (t->kind != kind || !is_active_at(e, step, drawn)) continue;
    if (loom_disturb_kinds[kind].targets == LOOM_DISTURB_KEYS && t->of[0] && strcmp(t->of, of) != 0) continue;

    // Arms by their number.
    bool arms = loom_disturb_kinds[kind].targets == LOOM_DISTURB_ARMS;
    int k = arms ? atoi(of) - drawn->first : 0;
    if (k >= 0 && k < drawn->n) most = fmax(most, drawn->value[k]);
  }
  return most;
}

// An arm's action that leaves it where it is.
static void stay(double* action, const loomEpisode* e, int arm) {
  const loomArm* a = &e->arms[arm];
  if (a->control.type != LOOM_JOINT_POSITION) {
    loomPose eef = loom_episode_eef(e, arm);
    loom_arm_action_towards(action, a, eef, eef);
    return;
  }
  for (int i = 0; i < a->pose_dim; i++) {
    double middle = (a->control.input_max[i] + a->control.input_min[i]) / 2;
    action[i] = a->control.delta ? middle : e->d->qpos[a->qpos[i]];
  }
}

// The action of `late` control steps ago; before the first one all arms stay, with its grippers.
static void delay_action(double* action, const loomEpisode* e, loomDisturbance* d, int late) {
  size_t row = sizeof(double) * (size_t)e->action_dim;
  double* now = d->late + (ptrdiff_t)(e->steps % LOOM_DISTURB_LATE) * e->action_dim;
  memcpy(now, action, row);
  if (!late) return;

  int from = e->steps > late ? e->steps - late : 0;
  memcpy(action, d->late + (ptrdiff_t)(from % LOOM_DISTURB_LATE) * e->action_dim, row);
  for (int a = 0; e->steps < late && a < e->arm_count; a++) {
    stay(action, e, a);
    action += loom_arm_action_dim(&e->arms[a]);
  }
}

void loom_disturb_act(double* action, loomEpisode* e) {
  loomDisturbance* d = e->disturbance;
  if (d->recorded) return;
  delay_action(action, e, d, (int)loom_disturb_now(e, LOOM_DISTURB_ACTION_DELAY, ""));

  loomRandom random = loom_random(d->seed, d->number, LOOM_PURPOSE_SHAKE);
  random.draw = (uint32_t)e->steps * DRAWS_A_STEP;
  for (int a = 0; a < e->arm_count; a++) {
    const char of[2] = {(char)('0' + a), 0};
    double noise = loom_disturb_now(e, LOOM_DISTURB_ACTION_NOISE, of);
    for (int i = 0; noise > 0 && i < e->arms[a].pose_dim; i++)
      action[i] += noise * loom_random_normal(&random);
    action += loom_arm_action_dim(&e->arms[a]);
  }
}
