#include "generators/attempt/recover.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/sim/disturb.h"

// ---- the usual ways

// How strong: a hand that was pushed so for long would come to stand so far off where it is sent, by its
// controller's stiffness. In a fifth of a second it comes two thirds of that way.
static const double push_off[2] = {0.04, 0.16}, push_time[2] = {0.1, 0.3};  // m, s
static const double nudge_off[2] = {0.02, 0.06};                            // m: beside what it is to grasp
static const double shift[2] = {-0.04, 0.04}, turn[2] = {-0.4, 0.4};        // m, rad
static const double strength_left[2] = {0, 0}, slip_time[2] = {0.2, 0.4};   // share, s

static loomDisturbTerm* add_term(loomRecover* r, loomDisturbKind kind, const double range[2],
                                 const double at[2]) {
  loomDisturbTerm* t = &r->term[r->count++];
  *t = (loomDisturbTerm){.kind = kind, .timed = true};
  memcpy(t->range, range, sizeof t->range);
  memcpy(t->at, at, sizeof t->at);
  return t;
}

static void let_last(loomDisturbTerm* t, const double last[2]) {
  t->ends = true;
  memcpy(t->last, last, sizeof t->last);
}

static bool has_free_object(const loomScene* scene) {
  const mjModel* m = scene->model;
  for (int o = 0; o < scene->task->object_count; o++) {
    int body = scene->object_body[o];
    if (m->body_jntnum[body] == 1 && m->jnt_type[m->body_jntadr[body]] == mjJNT_FREE) return true;
  }
  return false;
}

// The body that the end effector's site is on.
static int hand_body(const loomScene* scene, int a) {
  int site = mj_name2id(scene->model, mjOBJ_SITE, scene->task->robots[a].eef_site);
  return site < 0 ? -1 : scene->model->site_bodyid[site];
}

// The mass (kg) that a hand has for a horizontal push, where its arm begins: 1 / (J M^-1 J'), the mean over x
// and y. The controller takes it for 1 kg.
static int hand_mass(double* out, const loomScene* scene, int body, loomError* err) {
  const mjModel* m = scene->model;
  mjData* d = mj_makeData(m);
  double* jacobian = calloc(4 * (size_t)m->nv, sizeof *jacobian);
  *out = 0;
  if (!d || !jacobian) {
    mj_deleteData(d);
    free(jacobian);
    return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for what attempts recover from");
  }

  // All arms at their first joints.
  for (int a = 0; a < scene->task->arm_count; a++) {
    const loomJointsDef* arm = &scene->task->robots[a].arm;
    for (int i = 0; i < arm->count; i++) {
      int joint = mj_name2id(m, mjOBJ_JOINT, arm->joints[i]);
      if (joint >= 0) d->qpos[m->jnt_qposadr[joint]] = arm->init_qpos[i];
    }
  }
  mj_fwdPosition(m, d);
  mj_jacBodyCom(m, d, jacobian, NULL, body);
  for (int axis = 0; axis < 2; axis++) {
    const double* row = jacobian + (ptrdiff_t)axis * m->nv;
    double* moved = jacobian + (ptrdiff_t)3 * m->nv;
    mj_solveM(m, d, moved, row, 1);
    double inverse = mju_dot(row, moved, (int)m->nv);
    *out += inverse > 0 ? 0.5 / inverse : 0;
  }

  mj_deleteData(d);
  free(jacobian);
  return 0;
}

// At any time of an attempt, which is about as long as a source demo.
static void find_times(double at[2], const loomScene* scene, const loomSourceSet* sources) {
  const loomTask* task = scene->task;
  double freq = task->control_freq;
  int shortest = task->max_steps;

  for (int i = 0; i < sources->n; i++)
    if (sources->replay[i].rows < shortest) shortest = sources->replay[i].rows;

  at[0] = task->settle_steps / freq;
  at[1] = shortest > task->settle_steps ? shortest / freq : at[0];
}

// And before any hand has closed: what lies about is moved while it does.
static void find_early_times(double at[2], const loomScene* scene, const loomSourceSet* sources) {
  find_times(at, scene, sources);
  for (int i = 0; i < sources->n; i++) {
    const loomReplay* r = &sources->replay[i];
    for (int a = 0; a < r->arm_count; a++) {
      int closing = loom_replay_closing(r, a, 0, r->rows);
      if (closing >= 0) at[1] = fmin(at[1], (double)closing / scene->task->control_freq);
    }
  }
  at[1] = fmax(at[0], at[1]);
}

// And up to the last grasp of an arm, in the source where that is soonest. False: it grasps nothing.
static bool find_grasp_times(double at[2], const loomScene* scene, const loomSourceSet* sources, int a) {
  int soonest = INT_MAX;
  for (int i = 0; i < sources->n; i++) {
    const loomReplay* r = &sources->replay[i];
    int last = loom_replay_closing(r, a, 0, r->rows), next = last;
    while (next >= 0) last = next, next = loom_replay_closing(r, a, last + 1, r->rows);
    if (last >= 0 && last < soonest) soonest = last;
  }

  find_times(at, scene, sources);
  at[1] = fmax(at[0], soonest / scene->task->control_freq);
  return soonest < INT_MAX;
}

static int add_push(loomRecover* r, const loomScene* scene, int a, const double off[2], const double at[2],
                    loomError* err) {
  double mass, force[2];
  int body = hand_body(scene, a);
  const char* name = body < 0 ? NULL : mj_id2name(scene->model, mjOBJ_BODY, body);
  if (!name) return 0;

  int code = hand_mass(&mass, scene, body, err);
  if (code) return code;
  for (int i = 0; i < 2; i++) force[i] = off[i] * scene->control[a].kp[0] * mass;

  loomDisturbTerm* push = add_term(r, LOOM_DISTURB_PUSH, force, at);
  snprintf(push->of, sizeof push->of, "%.63s", name);
  let_last(push, push_time);
  return 0;
}

static int add_usual(loomRecover* r, const loomScene* scene, const loomSourceSet* sources, loomError* err) {
  double at[2];
  find_times(at, scene, sources);
  snprintf(r->name, sizeof r->name, "usual");

  // Each hand is pushed, and lets go.
  for (int a = 0; a < scene->task->arm_count; a++) {
    int code = add_push(r, scene, a, push_off, at, err);
    if (code) return code;

    // The hand beside what it is to grasp, or in its way.
    double grasps[2];
    int before = r->count;
    if (find_grasp_times(grasps, scene, sources, a)) code = add_push(r, scene, a, nudge_off, grasps, err);
    if (code) return code;
    r->grasps[before] = r->count > before;

    loomDisturbTerm* slip = add_term(r, LOOM_DISTURB_SLIP, strength_left, at);
    snprintf(slip->of, sizeof slip->of, "%d", a);
    let_last(slip, slip_time);
  }

  // What lies about is moved.
  if (!has_free_object(scene)) return 0;
  find_early_times(at, scene, sources);
  add_term(r, LOOM_DISTURB_PLACE, shift, at);
  add_term(r, LOOM_DISTURB_YAW, turn, at);
  return 0;
}

// ---- ways of a set

// What begins in the course of an attempt, and passes: afterwards everything is as it would have been, but
// for where it is.
static bool passes(const loomDisturbTerm* t) {
  return t->timed && (t->kind == LOOM_DISTURB_PUSH || t->kind == LOOM_DISTURB_SLIP ||
                      (loom_disturb_kinds[t->kind].bits & LOOM_DISTURB_MOVES));
}

static int add_set(loomRecover* r, const loomDisturbSet* set, loomError* err) {
  snprintf(r->name, sizeof r->name, "%s", set->name);

  for (int i = 0; i < set->count; i++) {
    const loomDisturbTerm* t = &set->terms[i];
    if (!passes(t))
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s:%d: `%s`%s: attempts recover from what begins at some time and passes: "
                            "`push` and `slip`, `place` and `yaw` with `at`",
                            set->label, t->line, loom_disturb_kinds[t->kind].key,
                            loom_disturb_kinds[t->kind].bits & LOOM_DISTURB_MOVES ? " without `at`" : "");
    r->term[r->count++] = *t;
  }
  return 0;
}

int loom_recover_create(loomRecover** out, const loomScene* scene, const loomSourceSet* sources,
                        const loomDisturbSet* set, double share, loomError* err) {
  loomRecover* r = calloc(1, sizeof *r);
  *out = r;
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for what attempts recover from");

  r->share = share;
  int code = set ? add_set(r, set, err) : add_usual(r, scene, sources, err);

  // A set each, so that one happens at a time.
  r->digest = LOOM_HASH_SEED;
  for (int i = 0; !code && i < r->count; i++) {
    loomDisturbSet* way = &r->way[i];
    *way = (loomDisturbSet){.label = set ? set->label : r->name, .count = 1, .terms = &r->term[i]};
    snprintf(way->name, sizeof way->name, "%s", r->name);
    way->digest = loom_disturb_digest(way);
    r->digest = loom_hash(r->digest, &way->digest, sizeof way->digest);
    r->digest = loom_hash(r->digest, &r->grasps[i], sizeof r->grasps[i]);
    code = loom_disturb_check(way, scene, err);
  }
  if (!code) return 0;

  loom_recover_destroy(r);
  *out = NULL;
  return code;
}

void loom_recover_destroy(loomRecover* r) {
  free(r);
}

void loom_recover_words(char* out, size_t n, const loomRecover* r, int way) {
  const loomDisturbTerm* t = &r->term[way];
  bool arm = loom_disturb_kinds[t->kind].targets == LOOM_DISTURB_ARMS;
  snprintf(out, n, "%s%s%s%s%s", loom_disturb_kinds[t->kind].key, t->of[0] ? " of " : "",
           t->of[0] && arm ? "arm " : "", t->of, r->grasps[way] ? " before it grasps" : "");
}
