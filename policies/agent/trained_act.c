// A trained policy in an episode: it looks, remembers as many rows as it decides from, decides, and does as
// many actions as it decided before it decides again. What a residual adds is decided anew after as many
// steps as it holds.
#include <stdlib.h>

#include "policies/agent/decide.h"
#include "policies/agent/residual.h"

/// A key that is seen, and a row of it.
typedef struct visualView {
  int key;     // of config.data.key
  void* raw;   // as the eyes give it
  float* row;  // as the network wants it
} visualView;

typedef struct actorInstance {
  const loomTrained* trained;
  loomActor actor;
  loomObserver* observer;
  int views;  // pictures and clouds; 0: it sees vectors only
  visualView view[LOOM_DATA_KEYS];
  loomRandom random;
  float* seen;          // (seen x the network's obs_dim) oldest first, normalized, features included
  float* queue;         // (decided x actions.dim)
  int rows, seen_rows;  // of a history; how many there are yet
  int queued, next;
  bool ready;  // it has looked in this state
  // What is added.
  loomResidualSpace space;
  loomTd3Network residual;
  loomReal *input, *offset;       // (what it decides from), (space.n)
  double added[LOOM_MAX_ACTION];  // (space.n) as long as it holds
  int steps;                      // of this episode
} actorInstance;

static void destroy_instance(void* instance) {
  actorInstance* a = instance;
  loom_actor_destroy(&a->actor);
  loom_observer_destroy(a->observer);
  for (int i = 0; i < a->views; i++) {
    free(a->view[i].raw);
    free(a->view[i].row);
  }
  if (a->input) loom_td3_network_destroy(&a->residual);
  free(a->input);
  free(a->offset);
  free(a->seen);
  free(a->queue);
  free(a);
}

// Room for pictures and clouds.
static int make_views(actorInstance* a, loomError* err) {
  const loomTrained* t = a->trained;
  for (int i = 0; i < t->config.data.key_count; i++) {
    if (!loom_trained_visual(t, i)) continue;

    visualView* view = &a->view[a->views++];
    *view = (visualView){.key = i,
                         .raw = malloc((size_t)t->dim[i] * sizeof(float)),
                         .row = malloc((size_t)t->dim[i] * sizeof(float))};
    if (!view->raw || !view->row)
      return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for observation '%s'", t->config.data.key[i]);
  }
  return 0;
}

// An observer of the keys that the policy was trained on, and that room.
static int open_eyes(actorInstance* a, const loomEpisode* episode, loomError* err) {
  const loomTrained* t = a->trained;
  loomObsKey key[LOOM_DATA_KEYS];
  int n = t->config.data.key_count;
  for (int i = 0; i < n; i++) key[i] = loom_trained_key(t, i);

  int code = make_views(a, err);
  if (code) return code;
  return loom_observer_create(&a->observer, episode, key, n, &t->sense, err);
}

static int open_residual(actorInstance* a, const loomEpisode* episode, loomError* err) {
  const loomResidual* r = a->trained->residual;
  loom_residual_space(&a->space, &r->config, episode);
  if (a->space.n != r->net.def.actions)
    return loom_error_set(err, LOOM_ERR_FORMAT, "%s: its arms take %d offsets where the residual gives %d",
                          episode->scene->task->path, a->space.n, r->net.def.actions);

  a->offset = calloc((size_t)a->space.n, sizeof *a->offset);
  loomReal* input = calloc((size_t)r->net.def.obs, sizeof *input);
  if (!a->offset || !input) {
    free(input);
    return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");
  }

  int code = loom_residual_copy(&a->residual, r, err);
  if (code)
    free(input);
  else
    a->input = input;
  return code;
}

// Without an episode there are rooms for pictures and clouds alone.
static int meet_nobody(actorInstance* a, loomError* err) {
  if (a->trained->residual)
    return loom_error_set(
        err, LOOM_ERR_UNSUPPORTED,
        "what finetuning adds to the policy's actions is told by its task's arms; let it act "
        "in an environment");

  int code = make_views(a, err);
  return code ? code : loom_actor_create(&a->actor, &a->trained->network, err);
}

static int create_instance(void** instance, void* self, loomEpisode* episode, loomError* err) {
  const loomTrained* t = self;
  actorInstance* a = calloc(1, sizeof *a);
  if (!a) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");
  *instance = a;

  a->trained = t;
  a->rows = loom_network_seen(&t->network.def);
  a->seen = calloc((size_t)a->rows * (size_t)t->network.def.obs_dim + 1, sizeof *a->seen);
  a->queue = calloc((size_t)loom_network_decided(&t->network.def) * (size_t)t->actions.dim, sizeof *a->queue);
  if (!a->seen || !a->queue) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");

  // Whoever is shown rows needs no eyes.
  if (!episode) return meet_nobody(a, err);

  // What it is shown and gives has the shapes it learned, and means the same.
  int code = loom_action_fits(loom_data_config_form(&t->config.data), episode, t->actions.dim, err);
  if (!code) code = open_eyes(a, episode, err);
  if (!code) code = loom_trained_agrees(t, episode->scene, err);
  if (!code && t->residual) code = open_residual(a, episode, err);
  return code ? code : loom_actor_create(&a->actor, &t->network, err);
}

// What the views have, behind the vectors of row, as batches have it in training.
static void see(float* row, actorInstance* a) {
  const loomTrained* t = a->trained;
  const loomReal* visual[LOOM_DATA_KEYS];

  for (int i = 0; i < a->views; i++) {
    const visualView* view = &a->view[i];
    const int* shape = t->shape[view->key];
    visual[i] = view->row;
    if (shape[0] == 3) {
      loom_data_picture(view->row, view->raw, shape[1] == 3, shape[1], (int64_t)shape[2] * shape[3]);
    } else {
      memcpy(view->row, view->raw, (size_t)t->dim[view->key] * sizeof *view->row);
      loom_normal_apply(view->row, shape[1], &t->cloud[view->key]);
    }
  }

  loom_actor_see(row, &a->actor, visual);
}

// The oldest row out; the newest, whose vectors are to be filled in.
static float* make_place(actorInstance* a) {
  size_t dim = (size_t)a->trained->network.def.obs_dim, before = (size_t)(a->rows - 1) * dim;
  memmove(a->seen, a->seen + dim, before * sizeof *a->seen);
  return a->seen + before;
}

// Before the first there are copies of it, as at the start of demos.
static void keep_row(actorInstance* a, float* newest) {
  size_t dim = (size_t)a->trained->network.def.obs_dim;
  loom_normal_apply(newest, 1, &a->trained->obs);
  if (a->views) see(newest, a);

  for (int i = 0; !a->seen_rows && i < a->rows - 1; i++)
    memcpy(a->seen + (size_t)i * dim, newest, dim * sizeof *newest);
  a->seen_rows++;
}

static int look(actorInstance* a, loomEpisode* episode, loomError* err) {
  void* raw[LOOM_DATA_KEYS];
  float* newest = make_place(a);
  loom_observer_see(newest, a->observer, episode);

  for (int i = 0; i < a->views; i++) raw[i] = a->view[i].raw;
  int code = a->views ? loom_observer_look(raw, a->observer, episode, err) : 0;
  if (!code) keep_row(a, newest);
  return code;
}

void loom_trained_show(void* instance, const float* vectors, const void* const* visual) {
  actorInstance* a = instance;
  float* newest = make_place(a);
  memcpy(newest, vectors, (size_t)a->trained->obs.dim * sizeof *newest);

  for (int i = 0; i < a->views; i++) {
    const loomTrained* t = a->trained;
    bool picture = t->shape[a->view[i].key][0] == 3 && t->shape[a->view[i].key][1] == 3;
    memcpy(a->view[i].raw, visual[i], (size_t)t->dim[a->view[i].key] * (picture ? 1 : sizeof(float)));
  }
  keep_row(a, newest);
  a->ready = true;
}

int loom_trained_ready(void* instance, loomEpisode* episode, loomError* err) {
  actorInstance* a = instance;
  if (a->ready) return 0;

  // Of the rows between two decisions only the last are seen by the second, and those that an offset is
  // decided from.
  bool looks = a->queued - a->next < a->rows ||
               (a->trained->residual && !(a->steps % a->trained->residual->config.hold));
  int code = looks ? look(a, episode, err) : 0;
  if (!looks && loom_observer_must_look(episode)) loom_observer_pass(a->observer, episode);

  a->ready = !code;
  return code;
}

// All that was decided is done.
bool loom_trained_is_due(const void* instance) {
  const actorInstance* a = instance;
  return a->ready && a->next == a->queued;
}

void loom_trained_decide_together(void* const* instance, int n) {
  loomDecision decision[LOOM_TOGETHER] = {{0}};
  actorInstance* first = instance[0];
  for (int i = 0; i < n; i++) {
    actorInstance* a = instance[i];
    decision[i] = (loomDecision){a->queue, a->seen, &a->random};
  }

  // Networks that decide for several keep nothing from one decision to the next: any one's actor will do.
  loom_actor_decide_together(decision, &first->actor, n);

  for (int i = 0; i < n; i++) {
    actorInstance* a = instance[i];
    a->queued = loom_network_decided(&a->trained->network.def);
    a->next = 0;
    loom_normal_undo(a->queue, a->queued, &a->trained->actions);
  }
}

int loom_trained_decide(loomDecided* out, void* instance, loomEpisode* episode, loomError* err) {
  actorInstance* a = instance;
  size_t dim = (size_t)a->trained->network.def.obs_dim;
  int code = loom_trained_ready(a, episode, err);
  if (code) return code;

  if (loom_trained_is_due(a)) loom_trained_decide_together(&instance, 1);
  if (out) *out = (loomDecided){a->seen + (size_t)(a->rows - 1) * dim, a->queue, a->queued, a->next};
  return 0;
}

int loom_trained_look(const loomReal** seen, void* instance, loomEpisode* episode, loomError* err) {
  actorInstance* a = instance;
  *seen = a->seen;
  return look(a, episode, err);
}

void loom_trained_tell(void* instance, const loomReal* actions) {
  actorInstance* a = instance;
  const loomNormal* normal = &a->trained->actions;
  a->queued = loom_network_decided(&a->trained->network.def);
  a->next = 0;

  memcpy(a->queue, actions, (size_t)a->queued * (size_t)normal->dim * sizeof *actions);
  loom_normal_undo(a->queue, a->queued, normal);
  a->ready = true;
}

void loom_trained_take(double* action, void* instance, const loomEpisode* episode) {
  actorInstance* a = instance;
  const float* next = a->queue + (ptrdiff_t)a->next * a->trained->actions.dim;
  for (int i = 0; !episode && i < a->trained->actions.dim; i++) action[i] = (double)next[i];
  if (episode) loom_action_decode(action, loom_data_config_form(&a->trained->config.data), episode, next);
  a->next++;
  a->steps++;
  a->ready = false;
}

// What is added to the actions from now on, once that is due.
static void decide_offset(actorInstance* a, const loomDecided* d) {
  loom_residual_see(a->input, a->trained, d->seen, d->actions, d->n);
  loom_residual_decide(a->offset, &a->residual, a->input);
  for (int i = 0; i < a->space.n; i++) a->added[i] = (double)a->offset[i];
}

static int trained_act(double* action, void* self, loomEpisode* episode, loomError* err) {
  actorInstance* a = self;
  const loomResidual* residual = a->trained->residual;
  loomDecided decided;
  int code = loom_trained_decide(&decided, a, episode, err);
  if (code) return code;

  if (residual && !(a->steps % residual->config.hold)) decide_offset(a, &decided);
  loom_trained_take(action, a, episode);
  if (residual) loom_residual_add(action, &a->space, a->added);
  return 0;
}

static int begin_instance(loomPolicy* out, void* instance, loomEpisode* episode, uint64_t seed,
                          uint64_t number, loomError* err) {
  actorInstance* a = instance;
  int code = a->observer ? loom_observer_begin(a->observer, episode, err) : 0;
  if (code) return code;
  a->random = loom_random(seed, number, LOOM_PURPOSE_POLICY);
  a->queued = a->next = a->seen_rows = a->steps = 0;
  a->ready = false;
  loom_actor_begin(&a->actor);
  *out = (loomPolicy){a, NULL, trained_act};
  return 0;
}

static int look_in_time(bool* due, void* instance, loomEpisode* episode, loomError* err) {
  int code = loom_trained_ready(instance, episode, err);
  *due = !code && loom_trained_is_due(instance);
  return code;
}

// Who sees pictures has a renderer of its own, too much to have several of.
static bool sees(const loomTrained* t) {
  for (int k = 0; k < t->config.data.key_count; k++)
    if (loom_trained_visual(t, k)) return true;
  return false;
}

loomPolicyMaker loom_trained_maker(loomTrained* t) {
  bool together = loom_network_together(&t->network.def) && !sees(t);
  return (loomPolicyMaker){.self = t,
                           .create = create_instance,
                           .begin = begin_instance,
                           .destroy = destroy_instance,
                           .together = together ? LOOM_TOGETHER : 1,
                           .look = together ? look_in_time : NULL,
                           .decide = together ? loom_trained_decide_together : NULL};
}
