#include "policies/learn/gate.h"

#include <math.h>
#include <stdlib.h>

// ---- names

const char* const loom_gate_names[LOOM_GATES + 1] = {[LOOM_GATE_EXPERT] = "expert",
                                                     [LOOM_GATE_NOVICE] = "novice",
                                                     [LOOM_GATE_MIXTURE] = "mixture",
                                                     [LOOM_GATE_SAFETY] = "safety",
                                                     [LOOM_GATE_ENSEMBLE] = "ensemble"};
const char* const loom_gate_titles[LOOM_GATES] = {[LOOM_GATE_EXPERT] = "expert",
                                                  [LOOM_GATE_NOVICE] = "novice",
                                                  [LOOM_GATE_MIXTURE] = "DAgger",
                                                  [LOOM_GATE_SAFETY] = "SafeDAgger",
                                                  [LOOM_GATE_ENSEMBLE] = "DAgger gated by an ensemble"};

// ---- room

int loom_gate_create(loomGate* g, const loomGateDef* def, const loomScene* scene, uint64_t first, int n,
                     int max_steps, loomError* err) {
  loomEpisode* e = NULL;
  int code = loom_episode_create(&e, scene, err);
  if (code) return code;

  // Widths are the scene's, which an episode knows.
  *g = (loomGate){.def = *def, .first = first, .n = n, .capacity = max_steps, .action_dim = e->action_dim};
  loom_episode_destroy(e);

  g->expert = def->expert;
  for (int k = 0; k < def->members; k++) g->novice[k] = loom_trained_maker(def->member[k]);

  // Room for the longest episodes that there can be; rows fill up as they are driven.
  size_t rows = (size_t)max_steps, dim = (size_t)g->action_dim;
  bool room = (g->episode = calloc((size_t)n, sizeof *g->episode)) != NULL;
  for (int i = 0; room && i < n; i++) {
    loomGateEpisode* one = &g->episode[i];
    one->label = malloc(rows * dim * sizeof *one->label);
    one->deviation = calloc(rows, sizeof *one->deviation);
    one->flags = calloc(rows, 1);
    room = one->label && one->deviation && one->flags;
  }

  if (room) return LOOM_OK;
  loom_gate_destroy(g);
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d episodes of %d steps", n, max_steps);
}

void loom_gate_destroy(loomGate* g) {
  for (int i = 0; g->episode && i < g->n; i++) {
    free(g->episode[i].label);
    free(g->episode[i].deviation);
    free(g->episode[i].flags);
  }

  free(g->episode);
  *g = (loomGate){0};
}

// ---- a worker's

typedef struct gateInstance {
  const loomGate* gate;
  int asked;  // members that are asked
  void *expert, *novice[LOOM_GATE_MEMBERS];
  loomPolicy teacher, pupil[LOOM_GATE_MEMBERS];  // of the episode in hand
  loomGateEpisode* rows;
  loomRandom random;
  double* said;  // (asked x A)
  loomActor safety;
  loomObserver* observer;  // of what the safety classifier sees
  float* obs;
} gateInstance;

static void destroy_gate(void* instance) {
  gateInstance* x = instance;

  // A worker whose making failed half-way has some of it only.
  if (x->expert) x->gate->expert.destroy(x->expert);
  for (int k = 0; k < x->asked; k++)
    if (x->novice[k]) x->gate->novice[k].destroy(x->novice[k]);

  loom_actor_destroy(&x->safety);
  free(x->said);
  free(x->obs);
  loom_observer_destroy(x->observer);
  free(x);
}

static int create_safety(gateInstance* x, loomEpisode* e, loomError* err) {
  const loomTrained* t = x->gate->def.member[0];
  loomObsKey key[LOOM_DATA_KEYS];

  // The classifier sees what the novice sees.
  for (int i = 0; i < t->config.data.key_count; i++) key[i] = loom_trained_key(t, i);
  int code = loom_observer_create(&x->observer, e, key, t->config.data.key_count, NULL, err);
  if (code) return code;

  x->obs = malloc((size_t)(loom_observer_dim(x->observer) + 1) * sizeof *x->obs);
  if (!x->obs) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a gate");
  return loom_actor_create(&x->safety, &x->gate->def.safety->network, err);
}

static int create_gate(void** instance, void* self, loomEpisode* e, loomError* err) {
  const loomGate* g = self;
  gateInstance* x = calloc(1, sizeof *x);
  if (!x) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a gate");

  // From here on the maker's `destroy` frees it, after an error too.
  *instance = x;
  x->gate = g;

  // Members beyond the first are asked for their disagreement alone.
  x->asked = g->def.kind == LOOM_GATE_ENSEMBLE || !g->def.members ? g->def.members : 1;
  x->said = calloc((size_t)(x->asked + 1) * (size_t)g->action_dim, sizeof *x->said);
  if (!x->said) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a gate");

  int code = g->expert.create(&x->expert, g->expert.self, e, err);
  for (int k = 0; !code && k < x->asked; k++)
    code = g->novice[k].create(&x->novice[k], g->novice[k].self, e, err);
  return !code && g->def.kind == LOOM_GATE_SAFETY ? create_safety(x, e, err) : code;
}

// ---- a step

double loom_gate_disagreement(const double* actions, int members, int dim) {
  double sum = 0;
  // The variance over members, summed over the action's entries.
  for (int i = 0; i < dim; i++) {
    double mean = 0;
    for (int k = 0; k < members; k++) mean += actions[k * dim + i] / members;
    for (int k = 0; k < members; k++)
      sum += (actions[k * dim + i] - mean) * (actions[k * dim + i] - mean) / members;
  }
  return sqrt(sum);
}

// To what the controllers take: a change of the pose is held to their range, a pose itself may be anything.
static void hold_to_range(double* action, const loomEpisode* e) {
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    const loomControllerDef* c = &arm->control;

    for (int i = 0; c->delta && i < arm->pose_dim; i++)
      action[i] = fmax(c->input_min[i], fmin(c->input_max[i], action[i]));
    for (int i = arm->pose_dim; i < loom_arm_action_dim(arm); i++) action[i] = fmax(-1, fmin(1, action[i]));
    action += loom_arm_action_dim(arm);
  }
}

// Asked before it is held to a range, in which what is no number would look like one.
static int check_said(const double* action, int dim, const char* who, const loomEpisode* e, loomError* err) {
  for (int i = 0; i < dim; i++)
    if (!isfinite(action[i]))
      return loom_error_set(err, LOOM_ERR_FORMAT, "%s's action[%d] at control step %d is not a finite number",
                            who, i, e->steps);
  return LOOM_OK;
}

static double action_distance(const double* a, const double* b, int dim) {
  double sum = 0;
  for (int i = 0; i < dim; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt(sum);
}

static bool is_novice_off(gateInstance* x, loomEpisode* e) {
  // As the classifier was trained: on what the novice sees, normalized as for it.
  loom_observer_see(x->obs, x->observer, e);
  loom_normal_apply(x->obs, 1, &x->gate->def.member[0]->obs);

  const loomSafety* safety = x->gate->def.safety;
  return loom_safety_probability(&x->safety, x->obs) > safety->threshold;
}

static unsigned char decide_who_acts(gateInstance* x, loomEpisode* e) {
  const loomGateDef* def = &x->gate->def;
  const unsigned char both = LOOM_ROW_EXPERT | LOOM_ROW_ASKED;

  switch (def->kind) {
    case LOOM_GATE_EXPERT:
      return both;
    case LOOM_GATE_MIXTURE:
      return loom_random_uniform(&x->random) < def->beta ? both : LOOM_ROW_ASKED;
    case LOOM_GATE_SAFETY:
      return is_novice_off(x, e) ? both : 0;
    case LOOM_GATE_ENSEMBLE:
      return loom_gate_disagreement(x->said, x->asked, x->gate->action_dim) > def->doubt ? both : 0;
    case LOOM_GATE_NOVICE:
    case LOOM_GATES:
      break;
  }
  return 0;
}

// Both are called at every step, for they follow what happens; whether the expert's answer is used is another
// matter.
static int gate_act(double* action, void* self, loomEpisode* e, loomError* err) {
  gateInstance* x = self;
  loomGateEpisode* rows = x->rows;
  int dim = x->gate->action_dim;
  double* label = rows->label + (size_t)rows->rows * (size_t)dim;

  // Rows beyond the room cannot be kept, so the episode ends.
  if (rows->rows == x->gate->capacity) return LOOM_POLICY_DONE;

  // Everybody says what they would do; first the expert, whose answer is the row's label.
  int code = x->teacher.act(label, x->teacher.self, e, err);
  if (!code) code = check_said(label, dim, "the expert", e, err);
  for (int k = 0; !code && k < x->asked; k++) {
    double* said = x->said + k * dim;
    code = x->pupil[k].act(said, x->pupil[k].self, e, err);
    if (!code) code = check_said(said, dim, "the novice", e, err);
    if (!code) hold_to_range(said, e);
  }

  if (code) return code;

  hold_to_range(label, e);
  if (x->asked) rows->deviation[rows->rows] = action_distance(x->said, label, dim);

  // One of them does it.
  unsigned char flags = decide_who_acts(x, e);
  rows->flags[rows->rows++] = flags;
  memcpy(action, flags & LOOM_ROW_EXPERT ? label : x->said, (size_t)dim * sizeof *action);
  return 0;
}

static int reset_gate(void* self, loomEpisode* e, loomError* err) {
  gateInstance* x = self;
  int code = x->teacher.reset ? x->teacher.reset(x->teacher.self, e, err) : 0;

  // Those who keep a history forget it.
  for (int k = 0; !code && k < x->asked; k++)
    if (x->pupil[k].reset) code = x->pupil[k].reset(x->pupil[k].self, e, err);
  return code;
}

static int begin_gate(loomPolicy* out, void* instance, loomEpisode* e, uint64_t seed, uint64_t number,
                      loomError* err) {
  gateInstance* x = instance;
  const loomGate* g = x->gate;

  // The rows go where the episode's number says, whichever worker drives it.
  x->rows = &g->episode[number - g->first];
  x->rows->rows = 0;

  // Draws of its own for each episode: nothing depends on the order of episodes.
  x->random = loom_random(seed, number, LOOM_PURPOSE_GATE);

  int code = g->expert.begin(&x->teacher, x->expert, e, seed, number, err);
  for (int k = 0; !code && k < x->asked; k++)
    code = g->novice[k].begin(&x->pupil[k], x->novice[k], e, seed, number, err);

  *out = (loomPolicy){x, reset_gate, gate_act};
  return code;
}

loomPolicyMaker loom_gate_maker(loomGate* gate) {
  return (loomPolicyMaker){.self = gate, .create = create_gate, .begin = begin_gate, .destroy = destroy_gate};
}
