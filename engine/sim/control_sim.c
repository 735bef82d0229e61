#include "engine/sim/control_sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/random.h"
#include "engine/model/own_model.h"
#include "engine/model/trap.h"

// ---- names and sizes

static int bind_place(int* id, const loomControlScene* s, const loomQuantityDef* q, const char* name,
                      loomError* err) {
  bool body = q->of == LOOM_QUANTITY_BODY;
  *id = mj_name2id(s->m, body ? mjOBJ_BODY : mjOBJ_SITE, name);
  if (*id >= 0) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s has no %s '%s'", s->task->path, s->task->model,
                        body ? "body" : "site", name);
}

// How many entries there are of a kind.
static int entries_of(const loomControlScene* s, int kind) {
  switch (kind) {
    case LOOM_QUANTITY_QPOS:
      return (int)s->m->nq;
    case LOOM_QUANTITY_QVEL:
    case LOOM_QUANTITY_QFRC_CONSTRAINT:
      return (int)s->m->nv;
    default:
      return 3;
  }
}

static int bind_range(int* count, const loomControlScene* s, int kind, int from, int wanted, loomError* err) {
  int all = entries_of(s, kind);
  *count = wanted ? wanted : all - from;
  if (*count > 0 && from + *count <= all) return 0;
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s has no entries %d to %d of %s, which are %d",
                        s->task->path, s->task->model, from, from + *count - 1, loom_quantity_names[kind],
                        all);
}

static int bind_quantity(loomQuantity* out, const loomControlScene* s, const loomQuantityDef* q,
                         loomError* err) {
  *out = (loomQuantity){.def = q};
  bool placed = q->of == LOOM_QUANTITY_BODY || q->of == LOOM_QUANTITY_SITE;
  int code = placed ? bind_place(&out->id, s, q, q->name, err) : 0;
  return code ? code : bind_range(&out->count, s, q->of, q->from, q->count, err);
}

static int bind_reward(loomControlScene* s, int i, loomError* err) {
  const loomRewardTerm* r = &s->task->reward[i];
  bool learned = r->term == LOOM_REWARD_LEARNED;
  bool none = learned || r->term == LOOM_REWARD_HEALTHY || r->term == LOOM_REWARD_ACTION;
  s->learned = s->learned || learned;
  if (learned && !r->score)
    return loom_error_set(err, LOOM_ERR_UNSUPPORTED,
                          "%s: nothing has opened %s, the file of `term: learned`: such rewards are learned "
                          "from by `demoloom finetune --scratch --reward FILE` alone",
                          s->task->path, r->file);
  int code = none ? 0 : bind_quantity(&s->reward[i], s, &r->quantity, err);

  if (!code && r->term == LOOM_REWARD_DISTANCE) code = bind_place(&s->to[i], s, &r->quantity, r->to, err);
  if (!code && r->term == LOOM_REWARD_VELOCITY && r->quantity.of != LOOM_QUANTITY_QPOS)
    code =
        loom_error_set(err, LOOM_ERR_FORMAT, "%s: a reward of `term: velocity` is `of: qpos`", s->task->path);
  return code;
}

static int bind_names(loomControlScene* s, loomError* err) {
  const loomControlTask* t = s->task;
  int code = 0, count;

  for (int i = 0; !code && i < t->observe_count; i++) {
    code = bind_quantity(&s->observe[i], s, &t->observe[i], err);
    s->obs += s->observe[i].count;
  }
  for (int i = 0; !code && i < t->healthy_count; i++)
    code = bind_quantity(&s->healthy[i], s, &t->healthy[i].quantity, err);
  for (int i = 0; !code && i < t->reward_count; i++) code = bind_reward(s, i, err);

  // Noise is only checked: it needs no names.
  for (int i = 0; !code && i < t->noise_count; i++)
    code = bind_range(&count, s, t->noise[i].of, t->noise[i].from, t->noise[i].count, err);
  return code;
}

// ---- the model

// What actuators without a range of their own are asked for is up to the policy: the usual unit.
static int read_ranges(loomControlScene* s, loomError* err) {
  s->range = calloc((size_t)s->actions + 1, 2 * sizeof *s->range);
  if (!s->range) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", s->task->path);

  for (int i = 0; i < s->actions; i++) {
    bool limited = s->m->actuator_ctrllimited[i];
    s->range[2 * i] = limited ? s->m->actuator_ctrlrange[2 * i] : -1;
    s->range[2 * i + 1] = limited ? s->m->actuator_ctrlrange[2 * i + 1] : 1;
  }
  return 0;
}

static int find_folder(char out[LOOM_PATH_MAX], const loomControlTask* task, const loomAssetRoots* roots,
                       loomError* err) {
  snprintf(out, LOOM_PATH_MAX, "%s", task->dir);
  if (!task->asset[0]) return 0;

  for (int i = 0; roots && i < roots->n; i++) {
    if (strcmp(roots->root[i].name, task->asset) != 0) continue;
    snprintf(out, LOOM_PATH_MAX, "%s", roots->root[i].path);
    return 0;
  }
  return loom_error_set(err, LOOM_ERR_USAGE,
                        "%s: no folder for its assets '%s'; give it with --assets %s=DIR", task->path,
                        task->asset, task->asset);
}

int loom_control_scene_create(loomControlScene** out, const loomControlTask* task,
                              const loomAssetRoots* roots, loomError* err) {
  char dir[LOOM_PATH_MAX], label[2 * LOOM_PATH_MAX], *xml = NULL;
  loomAssetRoots found = {0};
  *out = NULL;
  loomControlScene* s = calloc(1, sizeof *s);
  if (!s) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: out of memory", task->path);
  s->task = task;

  // The model as text, with what it includes, and then compiled.
  int code = find_folder(dir, task, roots, err);
  snprintf(label, sizeof label, "%.*s/%.*s", 900, code ? "" : dir, 900, task->model);
  if (!code) code = loom_own_model_read(&xml, dir, task->model, roots, &found, err);
  if (!code) code = loom_asset_roots_add(&found, "task-folder", dir, err);
  if (!code) code = loom_model_compile(&s->m, xml, label, &found, NULL, err);

  if (!code) {
    s->actions = (int)s->m->nu;
    s->dt = s->m->opt.timestep * task->frame_skip;
    code = bind_names(s, err);
  }
  if (!code) code = read_ranges(s, err);
  if (!code && !s->actions)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s has no actuators", task->path, task->model);

  free(xml);
  loom_asset_roots_destroy(&found);
  if (code)
    loom_control_scene_destroy(s);
  else
    *out = s;
  return code;
}

void loom_control_scene_destroy(loomControlScene* s) {
  if (!s) return;
  mj_deleteModel(s->m);
  free(s->range);
  free(s);
}

// ---- reading

static double entry_of(const mjData* d, const loomQuantity* q, int i) {
  const loomQuantityDef* def = q->def;
  const double* all = NULL;

  switch (def->of) {
    case LOOM_QUANTITY_QPOS:
      all = d->qpos;
      break;
    case LOOM_QUANTITY_QVEL:
      all = d->qvel;
      break;
    case LOOM_QUANTITY_QFRC_CONSTRAINT:
      all = d->qfrc_constraint;
      break;
    case LOOM_QUANTITY_BODY:
      all = d->xpos + 3 * (ptrdiff_t)q->id;
      break;
    default:
      all = d->site_xpos + 3 * (ptrdiff_t)q->id;
      break;
  }

  double x = all[def->from + i];
  if (def->function) x = def->function == LOOM_FUNCTION_SIN ? sin(x) : cos(x);
  return def->clip > 0 ? fmin(fmax(x, -def->clip), def->clip) : x;
}

void loom_control_sim_observe(double* obs, const loomControlSim* sim) {
  const loomControlScene* s = sim->scene;

  for (int k = 0; k < s->task->observe_count; k++)
    for (int i = 0; i < s->observe[k].count; i++) *obs++ = entry_of(sim->d, &s->observe[k], i);
}

// A number that is none lies between no bounds.
static bool is_healthy(const loomControlSim* sim) {
  const loomControlScene* s = sim->scene;

  for (int k = 0; k < s->task->healthy_count; k++) {
    const loomHealthyDef* h = &s->task->healthy[k];
    for (int i = 0; i < s->healthy[k].count; i++) {
      double x = entry_of(sim->d, &s->healthy[k], i);
      if (!(x > h->above && x < h->below)) return false;
    }
  }
  return true;
}

// ---- rewards: one function a term

/// The state before, the action, and the state after.
typedef struct transition {
  const loomControlSim* sim;
  const double* action;
  bool healthy;
} transition;

static double healthy_term(const transition* t, int i) {
  (void)i;
  return t->healthy ? 1 : 0;
}

static double velocity_term(const transition* t, int i) {
  const loomControlScene* s = t->sim->scene;
  const loomQuantity* q = &s->reward[i];
  double sum = 0;

  for (int k = q->def->from; k < q->def->from + q->count; k++)
    sum += (t->sim->d->qpos[k] - t->sim->before[k]) / s->dt;
  return sum;
}

static double action_term(const transition* t, int i) {
  double sum = 0;
  (void)i;

  for (int k = 0; k < t->sim->scene->actions; k++) sum += t->action[k] * t->action[k];
  return sum;
}

static double square_term(const transition* t, int i) {
  const loomControlScene* s = t->sim->scene;
  double sum = 0;

  for (int k = 0; k < s->reward[i].count; k++) {
    double off = entry_of(t->sim->d, &s->reward[i], k) - s->task->reward[i].target;
    sum += off * off;
  }
  return sum;
}

static double distance_term(const transition* t, int i) {
  const loomQuantity* q = &t->sim->scene->reward[i];
  const mjData* d = t->sim->d;
  const double* all = q->def->of == LOOM_QUANTITY_BODY ? d->xpos : d->site_xpos;
  return mju_dist3(all + 3 * (ptrdiff_t)q->id, all + 3 * (ptrdiff_t)t->sim->scene->to[i]);
}

static double learned_term(const transition* t, int i) {
  const loomControlSim* sim = t->sim;
  const loomRewardTerm* term = &sim->scene->task->reward[i];
  return term->score->value(sim->scorer[i], &(loomScoredStep){.obs = sim->seen,
                                                              .action = t->action,
                                                              .next = sim->next,
                                                              .ended = !t->healthy,
                                                              .shaped = term->shaped});
}

static double (*const terms[LOOM_REWARDS_KNOWN])(const transition* t, int i) = {
    [LOOM_REWARD_HEALTHY] = healthy_term,   [LOOM_REWARD_VELOCITY] = velocity_term,
    [LOOM_REWARD_ACTION] = action_term,     [LOOM_REWARD_SQUARE] = square_term,
    [LOOM_REWARD_DISTANCE] = distance_term, [LOOM_REWARD_LEARNED] = learned_term,
};

// ---- episodes

static int create_scorers(loomControlSim* sim, loomError* err) {
  const loomControlTask* task = sim->scene->task;
  int code = 0;
  for (int i = 0; !code && i < task->reward_count; i++) {
    const loomStepScore* score = task->reward[i].score;
    if (score) code = score->create(&sim->scorer[i], score->self, err);
  }
  return code;
}

// Kept, for positions of bodies after a restored snapshot are not those that were seen.
static void see_now(loomControlSim* sim) {
  if (sim->scene->learned) loom_control_sim_observe(sim->seen, sim);
}

int loom_control_sim_create(loomControlSim** out, const loomControlScene* scene, loomError* err) {
  loomControlSim* sim = calloc(1, sizeof *sim);
  *out = sim;

  // No names and no sharing: each simulation has data of its own.
  if (sim) {
    sim->scene = scene;
    sim->before = calloc((size_t)(scene->m->nq + scene->m->nv), sizeof *sim->before);
    sim->seen = calloc(2 * (size_t)scene->obs + 1, sizeof *sim->seen);
    sim->next = sim->seen ? sim->seen + scene->obs : NULL;
    sim->d = mj_makeData(scene->m);
  }
  int code = sim && sim->before && sim->seen && sim->d
                 ? create_scorers(sim, err)
                 : loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory for a simulation", scene->task->path);
  if (!code) return 0;

  loom_control_sim_destroy(sim);
  *out = NULL;
  return code;
}

void loom_control_sim_destroy(loomControlSim* sim) {
  if (!sim) return;
  for (int i = 0; i < LOOM_REWARD_TERMS; i++)
    if (sim->scorer[i]) sim->scene->task->reward[i].score->destroy(sim->scorer[i]);
  mj_deleteData(sim->d);
  free(sim->before);
  free(sim->seen);
  free(sim);
}

static int run_forward(void* arg) {
  loomControlSim* sim = arg;
  mj_forward(sim->scene->m, sim->d);
  return 0;
}

static int begin_episode(loomControlSim* sim, loomError* err) {
  sim->steps = 0;
  int code = loom_trap_run(run_forward, sim, err);
  if (!code) see_now(sim);
  return code;
}

int loom_control_sim_start(loomControlSim* sim, const double* qpos, const double* qvel, loomError* err) {
  const mjModel* m = sim->scene->m;
  mj_resetData(m, sim->d);

  mju_copy(sim->d->qpos, qpos, (int)m->nq);
  mju_copy(sim->d->qvel, qvel, (int)m->nv);
  return begin_episode(sim, err);
}

// What a row adds to its entries (count); a box is drawn until it is far enough away.
static void draw_noise(double* out, const loomNoiseDef* n, int count, loomRandom* random) {
  double squares;
  do {
    squares = 0;
    for (int i = 0; i < count; i++) {
      out[i] = n->noise == LOOM_NOISE_NORMAL    ? n->scale * loom_random_normal(random)
               : n->noise == LOOM_NOISE_UNIFORM ? loom_random_range(random, -n->scale, n->scale)
                                                : loom_random_range(random, n->low[i], n->high[i]);
      squares += out[i] * out[i];
    }
  } while (n->away > 0 && sqrt(squares) <= n->away);
}

int loom_control_sim_reset(loomControlSim* sim, uint64_t seed, uint64_t attempt, loomError* err) {
  const loomControlScene* s = sim->scene;
  loomRandom random = loom_random(seed, attempt, LOOM_PURPOSE_RESET);
  mj_resetData(s->m, sim->d);

  // Drawn in the task's order, added to the model's initial state.
  for (int k = 0; k < s->task->noise_count; k++) {
    const loomNoiseDef* n = &s->task->noise[k];
    bool position = n->of == LOOM_QUANTITY_QPOS;
    int all = (int)(position ? s->m->nq : s->m->nv), count = n->count ? n->count : all - n->from;

    draw_noise(sim->before, n, count, &random);
    mju_addTo((position ? sim->d->qpos : sim->d->qvel) + n->from, sim->before, count);
  }

  return begin_episode(sim, err);
}

static int run_steps(void* arg) {
  loomControlSim* sim = arg;
  for (int k = 0; k < sim->scene->task->frame_skip; k++) mj_step(sim->scene->m, sim->d);
  return 0;
}

int loom_control_sim_step(loomControlStep* out, loomControlSim* sim, const double* action, loomError* err) {
  const loomControlScene* s = sim->scene;
  for (int i = 0; i < s->actions; i++)
    if (!isfinite(action[i]))
      return loom_error_set(err, LOOM_ERR_FORMAT, "action[%d] at control step %d is not a finite number", i,
                            sim->steps);

  mju_copy(sim->before, sim->d->qpos, (int)s->m->nq);
  mju_copy(sim->d->ctrl, action, s->actions);
  int code = loom_trap_run(run_steps, sim, err);
  if (code) return code;
  sim->steps++;

  // MuJoCo starts anew from a state that exploded: that is no healthy one, whatever it looks like now.
  const mjWarningStat* w = sim->d->warning;
  bool exploded = w[mjWARN_BADQPOS].number || w[mjWARN_BADQVEL].number || w[mjWARN_BADQACC].number;
  *out = (loomControlStep){.healthy = !exploded && is_healthy(sim)};

  if (s->learned) loom_control_sim_observe(sim->next, sim);
  transition t = {sim, action, out->healthy};
  for (int i = 0; i < s->task->reward_count; i++) {
    const loomRewardTerm* r = &s->task->reward[i];
    out->value[i] = terms[r->term](&t, i);
    out->term[i] = r->weight * out->value[i];
    out->reward += out->term[i];
  }
  mju_copy(sim->seen, sim->next, s->learned ? s->obs : 0);
  return 0;
}

// ---- snapshots

// Positions of bodies lag behind and are not part of it: nothing that a further step does depends on them.
enum { SNAPSHOT_STATE = mjSTATE_INTEGRATION };

int loom_control_sim_snapshot_size(const loomControlScene* s) {
  return 1 + mj_stateSize(s->m, SNAPSHOT_STATE) + (s->learned ? s->obs : 0);
}

void loom_control_sim_snapshot(double* out, const loomControlSim* sim) {
  out[0] = sim->steps;
  mj_getState(sim->scene->m, sim->d, out + 1, SNAPSHOT_STATE);
  if (sim->scene->learned)
    mju_copy(out + 1 + mj_stateSize(sim->scene->m, SNAPSHOT_STATE), sim->seen, sim->scene->obs);
}

void loom_control_sim_restore(loomControlSim* sim, const double* snapshot) {
  mj_resetData(sim->scene->m, sim->d);
  sim->steps = (int)snapshot[0];
  mj_setState(sim->scene->m, sim->d, snapshot + 1, SNAPSHOT_STATE);
  if (sim->scene->learned)
    mju_copy(sim->seen, snapshot + 1 + mj_stateSize(sim->scene->m, SNAPSHOT_STATE), sim->scene->obs);
}
