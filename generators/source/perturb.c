#include "generators/source/perturb.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/random.h"
#include "engine/run/policy.h"
#include "engine/sim/disturb.h"
#include "engine/sim/edit.h"

loomPerturbDef loom_default_perturb_def(void) {
  return (loomPerturbDef){.friction = 0.05,
                          .mass = 0.05,
                          .damping = 0.05,
                          .solref = 0.05,
                          .place = 0.001,
                          .yaw = 0.02,
                          .libccd = true};
}

uint64_t loom_perturb_number(const loomDemo* demo, int replay) {
  size_t actions = (size_t)demo->rows * (size_t)demo->action_dim;
  uint64_t h = loom_hash(LOOM_HASH_SEED, demo->actions, sizeof(double) * actions);
  h = loom_hash(h, demo->states, sizeof(double) * (size_t)demo->state_dim);
  return loom_hash(h, &replay, sizeof replay);
}

// ---- the world

/// One world on its way. Draws come in a fixed order, so that each is a function of the world's number alone.
typedef struct world {
  loomEpisode* e;
  const loomPerturbDef* def;
  loomRandom random;
} world;

static double factor(world* w, double share) {
  return loom_random_range(&w->random, 1 - share, 1 + share);
}

static int perturb_physics(world* w, loomError* err) {
  mjModel* m = w->e->m;
  for (int o = 0; o < w->e->scene->task->object_count; o++) loom_edit_mass(w->e, o, factor(w, w->def->mass));

  // Each body has its own factors, and so have pairs that the model lists.
  for (int b = 0; b < m->nbody; b++) {
    loom_edit_friction(m, b, factor(w, w->def->friction));
    loom_edit_solref(m, b, factor(w, w->def->solref));
  }
  for (int p = 0; p < m->npair; p++) {
    loom_edit_pair_friction(m, p, factor(w, w->def->friction));
    loom_edit_pair_solref(m, p, factor(w, w->def->solref));
  }

  for (int i = 0; i < m->nv; i++) m->dof_damping[i] *= factor(w, w->def->damping);

  // Engines differ most in where hands' meshes touch, and how deep: this one's own way is what was recorded.
  if (w->def->libccd) m->opt.disableflags |= mjDSBL_NATIVECCD;
  return loom_edit_constants(w->e, err);
}

// state (S): the recorded start, which the episode shows; its free objects are moved a little.
static void perturb_start(world* w, double* state) {
  loomNudge nudge[LOOM_MAX_OBJECTS];
  const loomPerturbDef* d = w->def;
  for (int o = 0; o < w->e->scene->task->object_count; o++) {
    nudge[o].x = loom_random_range(&w->random, -d->place, d->place);
    nudge[o].y = loom_random_range(&w->random, -d->place, d->place);
    nudge[o].yaw = loom_random_range(&w->random, -d->yaw, d->yaw);
  }
  loom_edit_place(state, w->e, nudge);
}

// ---- the replay

/// A recorded demo as a policy.
typedef struct recordedDemo {
  const loomDemo* demo;
  loomPerturbed* found;
  double* state;  // (S) scratch
  int held;       // control steps in a row that success has held
} recordedDemo;

static int act_recorded(double* action, void* self, loomEpisode* e, loomError* err) {
  recordedDemo* r = self;
  const loomDemo* demo = r->demo;
  const int hold = e->scene->task->success_hold, row = e->steps < demo->rows ? e->steps : demo->rows - 1;
  (void)err;

  memcpy(action, demo->actions + (ptrdiff_t)row * demo->action_dim,
         sizeof(double) * (size_t)demo->action_dim);
  r->held = loom_episode_success(e) ? r->held + 1 : 0;

  // A demo ends when success has held for as long as it must. Where it came a step later there is no row left
  // for that: arms stand still.
  if (e->steps >= demo->rows) {
    loom_episode_keep_still(action, e);
    return r->held >= hold || e->steps >= demo->rows + hold ? LOOM_POLICY_DONE : 0;
  }

  // How far the replay has come away from the recording.
  const double* recorded = demo->states + (ptrdiff_t)e->steps * demo->state_dim;
  loom_episode_state(r->state, e);
  for (int i = 0; i < demo->state_dim; i++)
    r->found->state_error = fmax(r->found->state_error, fabs(r->state[i] - recorded[i]));
  return 0;
}

// The demo's first state in the perturbed world, with its objects a little elsewhere.
static int begin_perturbed(world* w, const loomDemo* demo, double* state, loomError* err) {
  int code = loom_demo_start(w->e, demo, err);
  if (!code) code = perturb_physics(w, err);

  // Which objects touch is seen at the recorded start.
  if (!code) code = loom_episode_again(w->e, demo->states, err);
  if (code) return code;
  memcpy(state, demo->states, sizeof(double) * (size_t)demo->state_dim);
  perturb_start(w, state);
  return loom_episode_again(w->e, state, err);
}

static int check_columns(const loomEpisode* e, const loomDemo* demo, loomError* err) {
  if (demo->action_dim == e->action_dim && demo->state_dim == e->state_dim && demo->rows > 0) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: its actions or states are not those of this scene",
                        demo->name);
}

int loom_replay_perturbed(loomPerturbed* out, const loomScene* scene, const loomDemo* demo, uint64_t number,
                          const loomPerturbDef* def, loomError* err) {
  world w = {.def = def, .random = loom_random(def->seed, number, LOOM_PURPOSE_PERTURB)};
  recordedDemo recorded = {demo, out, NULL, 0};
  loomError why = {0, ""};
  loomRunResult run = {0};
  *out = (loomPerturbed){0};

  // In an episode whose model is its own, and goes with it.
  int code = loom_episode_create(&w.e, scene, err);
  if (code) return code;
  code = check_columns(w.e, demo, &why);
  if (!code && !(recorded.state = malloc(sizeof(double) * (size_t)demo->state_dim)))
    code = loom_error_set(&why, LOOM_ERR_MEMORY, "out of memory for a state");

  // The recorded actions, to the last of them and as much longer as success may be late.
  loomPolicy policy = {&recorded, NULL, act_recorded};
  loomRunDef run_def = {.max_steps = demo->rows + scene->task->success_hold};
  if (!code) code = begin_perturbed(&w, demo, recorded.state, &why);
  if (!code) code = loom_policy_run(&run, w.e, &policy, &run_def, NULL, &why);
  if (!code) out->success = run.end != LOOM_RUN_SIMULATOR && run.success_steps >= scene->task->success_hold;

  // A start at which the simulator gives up is a replay that fails.
  free(recorded.state);
  loom_episode_destroy(w.e);
  return code && code != LOOM_ERR_SIM ? loom_error_set(err, code, "%s", why.message) : 0;
}
