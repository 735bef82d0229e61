#include "generators/source/perturb.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/random.h"
#include "engine/model/trap.h"
#include "engine/run/policy.h"
#include "engine/sim/part.h"

loomPerturbDef loom_default_perturb_def(void) {
  return (loomPerturbDef){
      .friction = 0.05, .mass = 0.05, .damping = 0.05, .solref = 0.05, .place = 0.001, .yaw = 0.02};
}

uint64_t loom_perturb_number(const loomDemo* demo, int replay) {
  size_t actions = (size_t)demo->rows * (size_t)demo->action_dim;
  uint64_t h = loom_hash(LOOM_HASH_SEED, demo->actions, sizeof(double) * actions);
  h = loom_hash(h, demo->states, sizeof(double) * (size_t)demo->state_dim);
  return loom_hash(h, &replay, sizeof replay);
}

// ---- physics

/// One world on its way. Draws come in a fixed order, so that each is a function of the world's number alone.
typedef struct world {
  loomEpisode* e;
  const loomPerturbDef* def;
  loomRandom random;
} world;

static double factor(world* w, double share) {
  return loom_random_range(&w->random, 1 - share, 1 + share);
}

static void scale(double* x, int n, double by) {
  for (int i = 0; i < n; i++) x[i] *= by;
}

static int object_of_body(const loomEpisode* e, int body) {
  return loom_object_of_body(e->m, e->scene->object_body, e->scene->task->object_count, body);
}

static void perturb_masses(world* w) {
  mjModel* m = w->e->m;
  double by[LOOM_MAX_OBJECTS];
  for (int o = 0; o < w->e->scene->task->object_count; o++) by[o] = factor(w, w->def->mass);

  // Another density: mass and inertia together.
  for (int b = 1; b < m->nbody; b++) {
    int o = object_of_body(w->e, b);
    if (o < 0) continue;
    m->body_mass[b] *= by[o];
    scale(m->body_inertia + 3 * b, 3, by[o]);
  }
}

static void perturb_contacts(world* w) {
  mjModel* m = w->e->m;

  // Of a pair of geoms MuJoCo takes one's numbers, or a mean: each body has its own factor. Of solref only
  // the time constant (or, where it is negative, the stiffness) is changed.
  for (int b = 0; b < m->nbody; b++) {
    double slide = factor(w, w->def->friction), time = factor(w, w->def->solref);
    for (int g = m->body_geomadr[b]; g < m->body_geomadr[b] + m->body_geomnum[b]; g++) {
      scale(m->geom_friction + (ptrdiff_t)3 * g, 3, slide);
      m->geom_solref[(ptrdiff_t)mjNREF * g] *= time;
    }
  }

  // Pairs that the model lists have numbers of their own.
  for (int p = 0; p < m->npair; p++) {
    scale(m->pair_friction + (ptrdiff_t)5 * p, 5, factor(w, w->def->friction));
    m->pair_solref[(ptrdiff_t)mjNREF * p] *= factor(w, w->def->solref);
  }
}

static void perturb_damping(world* w) {
  for (int i = 0; i < w->e->m->nv; i++) w->e->m->dof_damping[i] *= factor(w, w->def->damping);
}

// What follows from masses: weights of constraints. The solver's yardsticks (statistics) stay.
static int set_constants(void* arg) {
  loomEpisode* e = arg;
  mjStatistic stat = e->m->stat;
  mj_resetData(e->m, e->scratch);
  mj_setConst(e->m, e->scratch);
  e->m->stat = stat;
  return 0;
}

// ---- the start

/// Objects that touch at the start, as one.
typedef struct heap {
  int of[LOOM_MAX_OBJECTS];  // the lowest number of those that the object touches, through others too
  bool
      held[LOOM_MAX_OBJECTS];  // by a robot, or not free to be placed; of the whole heap at its lowest number
} heap;

// A body that some joint can move, be it far down the tree.
static bool can_move(const mjModel* m, int body) {
  return m->body_weldid[body] != 0;
}

static void join(heap* h, int n, int a, int b) {
  int low = h->of[a] < h->of[b] ? h->of[a] : h->of[b], high = h->of[a] < h->of[b] ? h->of[b] : h->of[a];
  for (int o = 0; o < n; o++)
    if (h->of[o] == high) h->of[o] = low;
  h->held[low] = h->held[low] || h->held[high];
}

static bool is_free(const loomEpisode* e, int object) {
  int body = e->scene->object_body[object];
  return e->m->body_jntnum[body] == 1 && e->m->jnt_type[e->m->body_jntadr[body]] == mjJNT_FREE;
}

static void find_heaps(heap* h, const loomEpisode* e) {
  int n = e->scene->task->object_count;
  for (int o = 0; o < n; o++) {
    h->of[o] = o;
    h->held[o] = !is_free(e, o);
  }

  // The contacts are those of the recorded start.
  for (int c = 0; c < e->d->ncon; c++) {
    const int* geom = e->d->contact[c].geom;
    if (geom[0] < 0 || geom[1] < 0) continue;

    int body[2] = {e->m->geom_bodyid[geom[0]], e->m->geom_bodyid[geom[1]]};
    int object[2] = {object_of_body(e, body[0]), object_of_body(e, body[1])};
    if (object[0] >= 0 && object[1] >= 0) {
      join(h, n, object[0], object[1]);
    } else {
      int side = object[0] >= 0 ? 0 : 1;
      if (object[side] >= 0 && can_move(e->m, body[1 - side])) h->held[h->of[object[side]]] = true;
    }
  }
}

// Turned about the vertical through a center, then moved.
static void move_pose(double* qpos, const double center[2], double dx, double dy, double yaw) {
  double x = qpos[0] - center[0], y = qpos[1] - center[1], turned[4];
  double turn[4] = {cos(yaw / 2), 0, 0, sin(yaw / 2)};
  qpos[0] += cos(yaw) * x - sin(yaw) * y - x + dx;
  qpos[1] += sin(yaw) * x + cos(yaw) * y - y + dy;

  if (yaw == 0) return;
  mju_mulQuat(turned, turn, qpos + 3);
  mju_normalize4(turned);
  memcpy(qpos + 3, turned, sizeof turned);
}

// state (S): the recorded start, which the episode shows; its free objects are moved a little.
static void perturb_start(world* w, double* state) {
  const loomEpisode* e = w->e;
  heap h;
  int n = e->scene->task->object_count;
  find_heaps(&h, e);

  for (int o = 0; o < n; o++) {
    double dx = loom_random_range(&w->random, -w->def->place, w->def->place);
    double dy = loom_random_range(&w->random, -w->def->place, w->def->place);
    double yaw = loom_random_range(&w->random, -w->def->yaw, w->def->yaw);
    if (h.of[o] != o || h.held[o]) continue;

    // All that touch the first one go with it.
    double center[2] = {e->d->qpos[e->scene->object_qpos[o]], e->d->qpos[e->scene->object_qpos[o] + 1]};
    for (int i = o; i < n; i++)
      if (h.of[i] == o) move_pose(state + 1 + e->scene->object_qpos[i], center, dx, dy, yaw);
  }
}

// ---- the replay

/// A recorded demo as a policy.
typedef struct recordedDemo {
  const loomDemo* demo;
  loomPerturbed* found;
  double* state;  // (S) scratch
} recordedDemo;

static int act_recorded(double* action, void* self, loomEpisode* e, loomError* err) {
  const recordedDemo* r = self;
  const loomDemo* demo = r->demo;
  (void)err;
  if (e->steps >= demo->rows) return LOOM_POLICY_DONE;

  // How far the replay has come away from the recording.
  const double* recorded = demo->states + (ptrdiff_t)e->steps * demo->state_dim;
  loom_episode_state(r->state, e);
  for (int i = 0; i < demo->state_dim; i++)
    r->found->state_error = fmax(r->found->state_error, fabs(r->state[i] - recorded[i]));

  memcpy(action, demo->actions + (ptrdiff_t)e->steps * demo->action_dim,
         sizeof(double) * (size_t)demo->action_dim);
  return 0;
}

// The demo's first state in the perturbed world, with its objects a little elsewhere.
static int begin_perturbed(world* w, const loomDemo* demo, double* state, loomError* err) {
  perturb_masses(w);
  perturb_contacts(w);
  perturb_damping(w);
  int code = loom_trap_run(set_constants, w->e, err);

  // Which objects touch is seen at the recorded start.
  if (!code) code = loom_episode_start(w->e, demo->states, err);
  if (code) return code;
  memcpy(state, demo->states, sizeof(double) * (size_t)demo->state_dim);
  perturb_start(w, state);
  return loom_episode_start(w->e, state, err);
}

static int check_columns(const loomEpisode* e, const loomDemo* demo, loomError* err) {
  if (demo->action_dim == e->action_dim && demo->state_dim == e->state_dim && demo->rows > 0) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: its actions or states are not those of this scene",
                        demo->name);
}

int loom_replay_perturbed(loomPerturbed* out, const loomScene* scene, const loomDemo* demo, uint64_t number,
                          const loomPerturbDef* def, loomError* err) {
  world w = {.def = def, .random = loom_random(def->seed, number, LOOM_PURPOSE_PERTURB)};
  recordedDemo recorded = {demo, out, NULL};
  loomError why = {0, ""};
  loomRunResult run = {0};
  *out = (loomPerturbed){0};

  // In an episode whose model is its own, and goes with it.
  int code = loom_episode_create(&w.e, scene, err);
  if (code) return code;
  code = check_columns(w.e, demo, &why);
  if (!code && !(recorded.state = malloc(sizeof(double) * (size_t)demo->state_dim)))
    code = loom_error_set(&why, LOOM_ERR_MEMORY, "out of memory for a state");

  // The recorded actions, to the last of them.
  loomPolicy policy = {&recorded, NULL, act_recorded};
  loomRunDef run_def = {.max_steps = demo->rows};
  if (!code) code = begin_perturbed(&w, demo, recorded.state, &why);
  if (!code) code = loom_policy_run(&run, w.e, &policy, &run_def, NULL, &why);
  if (!code) out->success = run.end != LOOM_RUN_SIMULATOR && run.success_steps >= scene->task->success_hold;

  // A start at which the simulator gives up is a replay that fails.
  free(recorded.state);
  loom_episode_destroy(w.e);
  return code && code != LOOM_ERR_SIM ? loom_error_set(err, code, "%s", why.message) : 0;
}
