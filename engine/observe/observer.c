#include "engine/observe/observer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/observe/blur.h"
#include "engine/observe/framed.h"
#include "engine/observe/glimpse.h"
#include "engine/observe/observe_internal.h"
#include "engine/observe/sense.h"

// ---- an observer

struct loomObserver {
  int n, dim;
  loomObsKey* key;  // (n)
  loomStateObs states;
  bool sees_states;
  int* from;         // (n) a state's place in `row`
  int (*frame)[2];   // (n) of framed ones
  double* row;       // (states.dim) all states as they are now
  double* vectors;   // (dim)
  loomSense* sense;  // of pictures and clouds; NULL: none
  // Of episodes that are disturbed:
  loomBlur blur;
  loomGlimpse glimpse;
};

void loom_observer_destroy(loomObserver* o) {
  if (!o) return;
  loom_sense_destroy(o->sense);
  loom_blur_destroy(&o->blur);
  loom_glimpse_destroy(&o->glimpse);
  loom_state_obs_destroy(&o->states);
  free(o->key);
  free(o->from);
  free(o->frame);
  free(o->row);
  free(o->vectors);
  free(o);
}

static int find_state(loomObserver* o, int i, const loomTask* task, loomError* err) {
  loomObsList there = {""};
  for (int k = 0; k < o->states.n; k++) {
    const loomObsKey* state = &o->states.key[k];
    loom_obs_list_add(&there, state->name);
    if (strcmp(state->name, o->key[i].name) != 0) continue;

    o->key[i] = *state;
    o->from[i] = state->offset;
    o->sees_states = true;
    return 0;
  }
  return loom_obs_unknown(err, task->path, o->key[i].name, NULL, there.text, "");
}

// Vectors get their place side by side; pictures and clouds have none.
static int bind_key(loomObserver* o, int i, const loomObsKey* want, const loomSenseDef* sense,
                    const loomEpisode* e, loomError* err) {
  loomObsKey* key = &o->key[i];
  loomFramed framed;
  int code = 0;
  *key = *want;
  if (want->rank >= 2) return loom_sense_key(key, sense, want->name, want->rank, want->shape, err);

  if (loom_framed_parse(&framed, want->name)) {
    *key = loom_obs_named(want->name);
    key->kind = LOOM_OBS_FRAMED;
    key->rank = 1;
    key->dim = key->shape[0] = LOOM_FRAMED_DIM;
    code = loom_framed_bind(o->frame[i], &framed, e, err);
  } else {
    code = find_state(o, i, e->scene->task, err);
  }

  if (!code && want->dim && want->dim != key->dim)
    code = loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: observation '%s' has %d numbers where the policy was trained with %d",
                          e->scene->task->path, key->name, key->dim, want->dim);

  key->offset = o->dim;
  o->dim += key->dim;
  return code;
}

// Room for n keys, and all that the task's episodes can show of states.
static int start(loomObserver** out, const loomEpisode* e, loomError* err) {
  loomObserver* o = *out = calloc(1, sizeof *o);
  if (!o) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for observations");
  return loom_state_obs_bind(&o->states, e, err);
}

static int make_room(loomObserver* o, int n, loomError* err) {
  size_t room = (size_t)n + 1;
  o->n = n;
  o->key = calloc(room, sizeof *o->key);
  o->from = calloc(room, sizeof *o->from);
  o->frame = calloc(room, sizeof *o->frame);
  o->row = calloc((size_t)o->states.dim + 1, sizeof *o->row);
  if (o->key && o->from && o->frame && o->row) return 0;
  return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for observations");
}

// All pictures and clouds are made together.
static int open_sense(loomObserver* o, const loomSenseDef* def, loomError* err) {
  loomObsKey* visual = calloc((size_t)o->n + 1, sizeof *visual);
  int n = 0;
  for (int i = 0; visual && i < o->n; i++)
    if (o->key[i].offset < 0) visual[n++] = o->key[i];

  int code = visual ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for observations");
  if (n) code = loom_sense_create(&o->sense, def, visual, n, err);
  free(visual);
  return code;
}

static int bind_keys(loomObserver* o, const loomObsKey* key, int n, const loomSenseDef* sense,
                     const loomEpisode* e, loomError* err) {
  loomSenseDef standard = loom_default_sense_def();

  int code = make_room(o, n, err);
  for (int i = 0; !code && i < n; i++) code = bind_key(o, i, &key[i], sense ? sense : &standard, e, err);

  if (!code) code = open_sense(o, sense ? sense : &standard, err);
  if (!code && !(o->vectors = calloc((size_t)o->dim + 1, sizeof *o->vectors)))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for observations");
  return code;
}

int loom_observer_create(loomObserver** out, const loomEpisode* e, const loomObsKey* key, int n,
                         const loomSenseDef* sense, loomError* err) {
  int code = start(out, e, err);
  if (!code) code = bind_keys(*out, key, n, sense, e, err);
  if (!code) return 0;
  loom_observer_destroy(*out);
  *out = NULL;
  return code;
}

int loom_observer_create_all(loomObserver** out, const loomEpisode* e, loomError* err) {
  int code = start(out, e, err);
  if (!code) code = bind_keys(*out, (*out)->states.key, (*out)->states.n, NULL, e, err);
  if (!code) return 0;
  loom_observer_destroy(*out);
  *out = NULL;
  return code;
}

const loomObsKey* loom_observer_keys(const loomObserver* o, int* n) {
  *n = o->n;
  return o->key;
}

int loom_observer_dim(const loomObserver* o) {
  return o->dim;
}

// ---- looking

void loom_observer_see_doubles(double* out, loomObserver* o, loomEpisode* e) {
  double start_time = loom_clock();

  // All states at once, though some may not be wanted: they are cheap.
  if (o->sees_states) loom_state_obs_see(o->row, &o->states, e);

  for (int i = 0; i < o->n; i++) {
    const loomObsKey* key = &o->key[i];
    if (key->kind == LOOM_OBS_STATE) {
      memcpy(out + key->offset, o->row + o->from[i], (size_t)key->dim * sizeof *out);
    } else if (key->kind == LOOM_OBS_FRAMED) {
      float pose[LOOM_FRAMED_DIM];
      loom_framed_observe(pose, o->frame[i], e);
      for (int k = 0; k < LOOM_FRAMED_DIM; k++) out[key->offset + k] = (double)pose[k];
    }
  }
  e->times.observe += loom_clock() - start_time;
}

void loom_observer_see(float* out, loomObserver* o, loomEpisode* e) {
  loom_observer_see_doubles(o->vectors, o, e);
  if (e->disturbance) loom_blur_see(o->vectors, &o->blur, o->key, o->n, e);
  for (int i = 0; i < o->dim; i++) out[i] = (float)o->vectors[i];
}

int loom_observer_begin(loomObserver* o, loomEpisode* e, loomError* err) {
  char* xml = NULL;
  int code = e->disturbance ? loom_blur_begin(&o->blur, o->key, o->n, o->dim, e, err) : 0;
  if (code || !o->sense) return code;

  code = loom_glimpse_begin(&o->glimpse, e, err);
  if (!code) code = loom_episode_xml(&xml, e, err);
  if (!code) code = loom_sense_model(o->sense, xml, e->scene->label, &e->scene->roots, err);
  if (!code) code = loom_sense_looks(o->sense, e, err);
  free(xml);
  return code;
}

bool loom_observer_must_look(const loomEpisode* e) {
  return e->disturbance && loom_disturb_does(e->disturbance->set, LOOM_DISTURB_PAST);
}

void loom_observer_pass(loomObserver* o, loomEpisode* e) {
  loom_observer_see_doubles(o->vectors, o, e);
  if (e->disturbance) loom_blur_see(o->vectors, &o->blur, o->key, o->n, e);
  if (o->sense) loom_glimpse_see(&o->glimpse, e, e->steps, e->d->qpos);
}

int loom_observer_look(void* const* out, loomObserver* o, const loomEpisode* e, loomError* err) {
  if (!o->sense) return 0;
  return loom_sense_look(out, o->sense, loom_glimpse_see(&o->glimpse, e, e->steps, e->d->qpos), err);
}
