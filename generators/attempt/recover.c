#include "generators/attempt/recover.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/sim/disturb.h"

// ---- the usual ways

// How strong: an OSC-driven Panda is pushed some centimeters off by these forces, which a person's hand has.
static const double push_force[2] = {20, 90}, push_time[2] = {0.1, 0.3};   // N, s
static const double shift[2] = {-0.04, 0.04}, turn[2] = {-0.4, 0.4};       // m, rad
static const double strength_left[2] = {0, 0}, slip_time[2] = {0.2, 0.4};  // share, s

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

static void add_usual(loomRecover* r, const loomScene* scene, const loomSourceSet* sources) {
  double at[2];
  find_times(at, scene, sources);
  snprintf(r->name, sizeof r->name, "usual");

  // Each hand is pushed, and lets go.
  for (int a = 0; a < scene->task->arm_count; a++) {
    const char* name = mj_id2name(scene->model, mjOBJ_BODY, hand_body(scene, a));
    if (name) {
      loomDisturbTerm* push = add_term(r, LOOM_DISTURB_PUSH, push_force, at);
      snprintf(push->of, sizeof push->of, "%.63s", name);
      let_last(push, push_time);
    }
    loomDisturbTerm* slip = add_term(r, LOOM_DISTURB_SLIP, strength_left, at);
    snprintf(slip->of, sizeof slip->of, "%d", a);
    let_last(slip, slip_time);
  }

  // What lies about is moved.
  if (!has_free_object(scene)) return;
  find_early_times(at, scene, sources);
  add_term(r, LOOM_DISTURB_PLACE, shift, at);
  add_term(r, LOOM_DISTURB_YAW, turn, at);
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
  int code = 0;
  if (set)
    code = add_set(r, set, err);
  else
    add_usual(r, scene, sources);

  // A set each, so that one happens at a time.
  r->digest = LOOM_HASH_SEED;
  for (int i = 0; !code && i < r->count; i++) {
    loomDisturbSet* way = &r->way[i];
    *way = (loomDisturbSet){.label = set ? set->label : r->name, .count = 1, .terms = &r->term[i]};
    snprintf(way->name, sizeof way->name, "%s", r->name);
    way->digest = loom_disturb_digest(way);
    r->digest = loom_hash(r->digest, &way->digest, sizeof way->digest);
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
  snprintf(out, n, "%s%s%s%s", loom_disturb_kinds[t->kind].key, t->of[0] ? " of " : "",
           t->of[0] && arm ? "arm " : "", t->of);
}
