#include "policies/learn/feature_sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/pool.h"
#include "engine/base/random.h"
#include "engine/run/judge.h"
#include "engine/run/reward.h"
#include "engine/task/agree.h"
#include "policies/learn/imitated.h"

// ---- sums

void loom_feature_sums_destroy(loomFeatureSums* s) {
  free(s->sum);
  free(s->gram);
  free(s->steps);
  free(s->ended);
  free(s->won);
  *s = (loomFeatureSums){0};
}

static int create_sums(loomFeatureSums* out, int n, int k, loomError* err) {
  size_t rows = (size_t)n, width = (size_t)k;
  *out = (loomFeatureSums){.n = n,
                           .k = k,
                           .sum = calloc(rows * width, sizeof *out->sum),
                           .gram = calloc(rows * width * width, sizeof *out->gram),
                           .steps = calloc(rows, sizeof *out->steps),
                           .ended = calloc(rows, sizeof *out->ended),
                           .won = calloc(rows, sizeof *out->won)};
  if (out->sum && out->gram && out->steps && out->ended && out->won) return LOOM_OK;
  loom_feature_sums_destroy(out);
  return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for features of %d trajectories", n);
}

void loom_feature_moments(double* mean, double* variance, const double* rows, int n, int k) {
  for (int j = 0; j < k; j++) {
    mean[j] = variance[j] = 0;
    for (ptrdiff_t i = 0; i < n; i++) mean[j] += rows[i * k + j] / n;
    for (ptrdiff_t i = 0; i < n; i++) variance[j] += pow(rows[i * k + j] - mean[j], 2) / n;
  }
}

void loom_feature_scales(double* scale, const double* mean_a, const double* variance_a, const double* mean_b,
                         const double* variance_b, int k) {
  for (int j = 0; j < k; j++) {
    double apart = (mean_a[j] - mean_b[j]) / 2, size = fabs(mean_a[j]) + fabs(mean_b[j]);
    double deviation = sqrt((variance_a[j] + variance_b[j]) / 2 + apart * apart);
    scale[j] = deviation > 1e-9 * size ? deviation : 0;
  }
}

void loom_feature_sums_gram(double* out, const loomFeatureSums* s) {
  double rows = 0;
  int count = s->k * s->k;
  for (int i = 0; i < s->n; i++) rows += s->steps[i];
  for (ptrdiff_t i = 0; i < s->n; i++)
    for (int j = 0; j < count; j++) out[j] += s->gram[i * count + j] / fmax(rows, 1);
}

static void add_step(loomFeatureSums* s, ptrdiff_t i, const double* phi) {
  double *sum = s->sum + i * s->k, *gram = s->gram + i * s->k * s->k;
  for (int a = 0; a < s->k; a++) {
    sum[a] += phi[a];
    for (int b = 0; b < s->k; b++) gram[a * s->k + b] += phi[a] * phi[b];
  }
  s->steps[i]++;
}

// ---- demos

typedef struct replayDemo {
  int rows;
  double* state;    // of its first row
  double* actions;  // (rows x action_dim)
  bool ended;       // as it was recorded
} replayDemo;

struct loomReplays {
  char path[LOOM_PATH_MAX];
  loomReplayPlace place;
  int demos, longest;
  int state_dim, action_dim;
  replayDemo* demo;
  loomStarts* starts;  // of a scene
};

static bool is_control(const loomReplays* r) {
  return r->place.control != NULL;
}

static int keep_demo(loomReplays* r, int d, const double* states, const double* actions, int rows,
                     loomError* err) {
  size_t numbers = (size_t)rows * (size_t)r->action_dim;
  replayDemo* to = &r->demo[d];

  to->rows = rows;
  to->state = malloc((size_t)r->state_dim * sizeof *to->state);
  to->actions = malloc((numbers + 1) * sizeof *to->actions);
  if (!to->state || !to->actions) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory", r->path);

  memcpy(to->state, states, (size_t)r->state_dim * sizeof *to->state);
  memcpy(to->actions, actions, numbers * sizeof *to->actions);
  if (rows > r->longest) r->longest = rows;
  return LOOM_OK;
}

static int create_demos(loomReplays* r, int demos, loomError* err) {
  r->demos = demos;
  r->demo = calloc((size_t)demos + 1, sizeof *r->demo);
  if (!r->demo) return loom_error_set(err, LOOM_ERR_MEMORY, "%s: no memory for demos", r->path);
  return demos ? LOOM_OK : loom_error_set(err, LOOM_ERR_FORMAT, "%s: has no demos", r->path);
}

// ---- of plain control tasks

static int load_control_demo(loomReplays* r, const loomDataset* set, int d, loomError* err) {
  const char* object = loom_dataset_demo_path(set, d);
  loomArray states = {0}, actions = {0};

  if (!loom_dataset_has(set, object, "states"))
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s: %s has no states, of which features are taken (demoloom rollout POLICY -o "
                          "FILE records them)",
                          r->path, object);

  int code = loom_dataset_doubles(&states, set, object, "states", err);
  if (!code) code = loom_dataset_doubles(&actions, set, object, "actions", err);
  bool fits = !code && states.rank == 2 && actions.rank == 2 && states.shape[0] == actions.shape[0] &&
              states.shape[0] > 0 && states.shape[1] == r->state_dim && actions.shape[1] == r->action_dim;
  if (!code && !fits)
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: its states have %lld numbers, where %s has %d",
                          r->path, object, (long long)(states.rank > 1 ? states.shape[1] : 1),
                          r->place.control->task->name, r->state_dim);

  for (int64_t i = 0; !code && i < r->state_dim; i++)
    if (!isfinite(((const double*)states.data)[i]))
      code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s/states: row 0 has a number that is not finite",
                            r->path, object);
  if (!code) code = keep_demo(r, d, states.data, actions.data, (int)actions.shape[0], err);
  loom_array_destroy(&states);
  loom_array_destroy(&actions);
  return code;
}

// Keys, sizes and the rate are checked as imitation does.
static int load_control(loomReplays* r, const char* path, int demos, loomError* err) {
  const loomControlScene* s = r->place.control;
  const loomImitatedPick pick = {.demos = demos, .every = 1};
  loomImitated seen;
  loomDataset* set;
  int code = loom_imitated_of_control(&seen, path, s, &pick, err);
  if (code) return code;

  r->state_dim = 1 + (int)s->m->nq + (int)s->m->nv;
  r->action_dim = s->actions;
  code = loom_dataset_open(&set, path, err);
  if (!code) code = create_demos(r, seen.demos, err);
  for (int d = 0; !code && d < r->demos; d++) {
    r->demo[d].ended = seen.ended[d];
    code = load_control_demo(r, set, d, err);
  }
  loom_dataset_close(set);
  loom_imitated_destroy(&seen);
  return code;
}

// ---- of robots' tasks

static int check_rates(const loomReplays* r, const loomDataset* set, loomError* err) {
  loomControllerDef control[LOOM_MAX_ARMS];
  char* text = NULL;
  int code = LOOM_OK;

  if (loom_dataset_has_env_args(set)) code = loom_dataset_env_args(&text, set, err);
  if (!code) code = loom_task_agrees(control, r->place.scene->task, text, r->path, err);
  free(text);
  return code;
}

static int load_scene_demos(loomReplays* r, const loomDataset* set, int demos, loomError* err) {
  int all = loom_starts_demo_count(r->starts), n = demos && demos < all ? demos : all;
  int code = create_demos(r, n, err);

  for (int d = 0; !code && d < n; d++) {
    loomDemo demo;
    code = loom_demo_load(&demo, set, d, err);
    if (code) break;

    r->state_dim = demo.state_dim;
    r->action_dim = demo.action_dim;
    r->demo[d].ended = true;
    code = keep_demo(r, d, demo.states, demo.actions, demo.rows, err);
    loom_demo_destroy(&demo);
  }
  return code;
}

static int load_scene(loomReplays* r, const char* path, int demos, loomError* err) {
  loomStartsDef def = loom_default_starts_def();
  loomDataset* set;
  def.demos = 1;
  snprintf(def.dataset, sizeof def.dataset, "%s", path);
  int code = loom_dataset_open(&set, path, err);
  if (code) return code;

  code = check_rates(r, set, err);
  if (!code) code = loom_starts_create(&r->starts, &def, r->place.scene, 0, err);
  if (!code) code = load_scene_demos(r, set, demos, err);
  loom_dataset_close(set);
  return code;
}

// ---- opened and closed

int loom_replays_create(loomReplays** out, const char* path, const loomReplayPlace* place, int demos,
                        loomError* err) {
  loomReplays* r = *out = calloc(1, sizeof *r);
  if (!r) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for demos");
  r->place = *place;
  snprintf(r->path, sizeof r->path, "%s", path);

  int code = (is_control(r) ? load_control : load_scene)(r, path, demos, err);
  if (!code) return LOOM_OK;
  loom_replays_destroy(r);
  *out = NULL;
  return code;
}

void loom_replays_destroy(loomReplays* r) {
  if (!r) return;
  for (int d = 0; r->demo && d < r->demos; d++) {
    free(r->demo[d].state);
    free(r->demo[d].actions);
  }
  free(r->demo);
  loom_starts_destroy(r->starts);
  free(r);
}

int loom_replays_longest(const loomReplays* r) {
  return r->longest;
}

const loomControlScene* loom_replays_control(const loomReplays* r) {
  return r->place.control;
}

// ---- noise on actions

typedef struct noise {
  loomRandom random;
  double scale, bias[LOOM_MAX_ACTION];
} noise;

static noise draw_noise(const loomReplayDef* def, int trajectory, int actions) {
  noise out = {.random = loom_random(def->seed, (uint64_t)trajectory, LOOM_PURPOSE_ACTION_NOISE)};
  out.scale = def->noise * (1 - loom_random_uniform(&out.random));
  for (int i = 0; i < actions; i++) out.bias[i] = loom_random_normal(&out.random);
  return out;
}

static double next_noise(noise* n, int entry) {
  return n->scale > 0 ? n->scale * M_SQRT1_2 * (n->bias[entry] + loom_random_normal(&n->random)) : 0;
}

// ---- replayed

typedef struct replayRun {
  const loomReplays* replays;
  const loomReplayDef* def;
  bool to_end;  // of the demo, and no further
  loomFeatureSums* sums;
  loomControlSim** sim;  // (workers)
  double* obs;           // (workers x obs) of a plain control task
  loomEpisode** episode;
  loomReward** reward;
  void** instance;  // of who acts, where that is somebody
  int done;
} replayRun;

static int create_worker(void* user, int worker, loomError* err) {
  replayRun* run = user;
  const loomReplayPlace* place = &run->replays->place;
  const loomReplayDef* def = run->def;
  int code;
  if (place->control) {
    code = loom_control_sim_create(&run->sim[worker], place->control, err);
    return code || !def->driver ? code : def->driver->create(&run->instance[worker], def->driver->self, err);
  }

  code = loom_episode_create(&run->episode[worker], place->scene, err);
  if (!code && def->maker)
    code = def->maker->create(&run->instance[worker], def->maker->self, run->episode[worker], err);
  if (!code) code = loom_reward_create(&run->reward[worker], place->reward, run->episode[worker], err);
  return code;
}

static void destroy_worker(void* user, int worker) {
  replayRun* run = user;
  const loomReplayDef* def = run->def;

  if (run->instance[worker])
    (def->driver ? def->driver->destroy : def->maker->destroy)(run->instance[worker]);
  run->instance[worker] = NULL;
  loom_control_sim_destroy(run->sim[worker]);
  loom_reward_destroy(run->reward[worker]);
  loom_episode_destroy(run->episode[worker]);
}

// A demo's action t, after its end the last one.
static const double* action_of(const loomReplays* r, const replayDemo* demo, int t) {
  return demo->actions + (ptrdiff_t)(t < demo->rows ? t : demo->rows - 1) * r->action_dim;
}

static int steps_of(const replayRun* run, const replayDemo* demo) {
  return run->to_end && demo->rows < run->def->horizon ? demo->rows : run->def->horizon;
}

static int replay_control(replayRun* run, int worker, int i, loomError* err) {
  const loomReplays* r = run->replays;
  const loomControlScene* s = r->place.control;
  const replayDemo* demo = &r->demo[i % r->demos];
  loomControlSim* sim = run->sim[worker];
  noise n = draw_noise(run->def, i, s->actions);
  double action[LOOM_MAX_ACTION];

  int code = loom_control_sim_start(sim, demo->state + 1, demo->state + 1 + s->m->nq, err);

  for (int t = 0; !code && t < steps_of(run, demo) && !run->sums->ended[i]; t++) {
    loomControlStep step;
    if (run->instance[worker]) {
      loom_control_sim_observe(run->obs + (ptrdiff_t)worker * s->obs, sim);
      run->def->driver->act(action, run->instance[worker], run->obs + (ptrdiff_t)worker * s->obs);
    } else {
      memcpy(action, action_of(r, demo, t), (size_t)s->actions * sizeof *action);
    }

    for (int a = 0; a < s->actions; a++) {
      double low = s->range[2 * a], high = s->range[2 * a + 1];
      double wanted = action[a] + next_noise(&n, a) * (high - low) / 2;
      action[a] = n.scale > 0 ? fmin(fmax(wanted, low), high) : wanted;
    }

    code = loom_control_sim_step(&step, sim, action, err);
    if (code) break;
    add_step(run->sums, i, step.value + r->place.first);
    run->sums->ended[i] = !step.healthy;
  }
  run->sums->won[i] = !run->sums->ended[i];
  return code;
}

// What a demo tells the arms, which keep still after its end.
static void tell_arms(double* action, const loomReplays* r, const replayDemo* demo, const loomEpisode* e,
                      int t) {
  memcpy(action, action_of(r, demo, t), (size_t)r->action_dim * sizeof *action);
  if (t >= demo->rows) loom_episode_keep_still(action, e);
}

static void add_noise(double* action, const loomEpisode* e, noise* n) {
  // Moves and hands have ranges; absolute poses stay as they are told.
  double* to = action;
  int entry = 0;
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    for (int i = 0; i < loom_arm_action_dim(arm); i++, entry++, to++) {
      bool moves = i < arm->pose_dim && arm->control.delta;
      double high = moves ? arm->control.input_max[i] : 1, low = moves ? arm->control.input_min[i] : -1;
      bool bounded = moves || i >= arm->pose_dim;
      double by = next_noise(n, entry);
      if (n->scale > 0 && bounded) *to = fmin(fmax(*to + by * (high - low) / 2, low), high);
    }
  }
}

// A simulation that fails is an episode that ended; it is made anew.
static int break_off(replayRun* run, int worker, int i, int code, const loomError* why, loomError* err) {
  if (code != LOOM_ERR_SIM) {
    if (code && err) *err = *why;
    return code;
  }

  run->sums->ended[i] = true;
  destroy_worker(run, worker);
  run->sim[worker] = NULL;
  run->reward[worker] = NULL;
  run->episode[worker] = NULL;
  return create_worker(run, worker, err);
}

static int replay_scene(replayRun* run, int worker, int i, loomError* err) {
  const loomReplays* r = run->replays;
  const replayDemo* demo = &r->demo[i % r->demos];
  loomEpisode* e = run->episode[worker];
  loomReward* reward = run->reward[worker];
  const loomPolicyMaker* maker = run->def->maker;
  loomPolicy policy;
  const loomStart start = {.kind = LOOM_START_DEMO, .demo = i % r->demos};
  noise n = draw_noise(run->def, i, r->action_dim);
  loomRunResult judged;
  loomError why = {0, ""};
  double action[LOOM_MAX_ACTION], phi[LOOM_TERMS_TOLD];
  loomRunDef def = loom_reward_run_def(r->place.reward, r->place.scene->task, steps_of(run, demo));
  int code = loom_start_begin(e, r->starts, &start, run->def->seed, &why);
  if (!code && maker)
    code = maker->begin(&policy, run->instance[worker], e, run->def->seed, (uint64_t)i, &why);
  if (!code && maker && policy.reset) code = policy.reset(policy.self, e, &why);
  if (!code) loom_judge_begin(&judged, e);
  if (!code) loom_reward_begin(reward, e, NULL);

  for (bool on = true; !code && on;) {
    double sum;

    if (!maker) tell_arms(action, r, demo, e, judged.steps);
    if (maker) code = policy.act(action, policy.self, e, &why);
    if (code) break;

    add_noise(action, e, &n);
    code = loom_episode_step(e, action, &why);
    if (code) break;
    on = loom_judge_step(&judged, &def, e);
    code = loom_reward_step(&sum, phi, reward, e, &judged, &why);
    if (!code) add_step(run->sums, i, phi);
  }
  if (code == LOOM_POLICY_DONE) code = LOOM_OK;
  if (!code) run->sums->won[i] = judged.end == LOOM_RUN_SUCCESS;
  if (!code) run->sums->ended[i] = judged.end != LOOM_RUN_TIMEOUT;
  return break_off(run, worker, i, code, &why, err);
}

static int replay_item(void* user, int worker, int i, loomError* err) {
  replayRun* run = user;
  return (is_control(run->replays) ? replay_control : replay_scene)(run, worker, i, err);
}

static int tell_replay(void* user, int worker, int i, int prefix, loomError* err) {
  replayRun* run = user;
  (void)worker;
  (void)i;
  (void)prefix;
  (void)err;
  if (run->def->look.tried) run->def->look.tried(run->def->look.user, ++run->done, run->def->n);
  return LOOM_OK;
}

static int check_finite(const loomFeatureSums* s, const char* path, loomError* err) {
  for (ptrdiff_t i = 0; i < (ptrdiff_t)s->n * s->k; i++)
    if (!isfinite(s->sum[i]))
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s: feature %d of trajectory %d (a replay of a demo) is not a finite number",
                            path, (int)(i % s->k) + 1, (int)(i / s->k) + 1);
  return LOOM_OK;
}

static int run_replays(loomFeatureSums* out, const loomReplays* r, const loomReplayDef* def, bool to_end,
                       loomError* err) {
  size_t workers = (size_t)loom_pool_workers(def->threads, def->n);
  size_t obs = is_control(r) ? (size_t)r->place.control->obs : 1;
  replayRun run = {.replays = r,
                   .def = def,
                   .to_end = to_end,
                   .sums = out,
                   .sim = calloc(workers, sizeof *run.sim),
                   .episode = calloc(workers, sizeof *run.episode),
                   .reward = calloc(workers, sizeof *run.reward),
                   .instance = calloc(workers, sizeof *run.instance),
                   .obs = calloc(workers * obs, sizeof *run.obs)};
  int code = create_sums(out, def->n, r->place.features, err);
  if (!code && (!run.sim || !run.episode || !run.reward || !run.instance || !run.obs))
    code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for replays");

  if (!code)
    code = loom_pool_run(&(loomPoolDef){.n = def->n,
                                        .threads = def->threads,
                                        .user = &run,
                                        .item = replay_item,
                                        .create = create_worker,
                                        .destroy = destroy_worker,
                                        .finished = tell_replay,
                                        .stop = def->stop},
                         err);
  if (!code && def->stop && *def->stop)
    code = loom_error_set(err, LOOM_ERR_INTERRUPTED, "interrupted after %d of %d trajectories", run.done,
                          def->n);
  if (!code) code = check_finite(out, r->path, err);
  free(run.sim);
  free(run.episode);
  free(run.reward);
  free(run.instance);
  free(run.obs);
  if (code) loom_feature_sums_destroy(out);
  return code;
}

// A demo's sums are a whole episode's only where it went on to its end.
static int check_ends(const loomFeatureSums* s, const loomReplays* r, loomError* err) {
  const loomControlScene* control = r->place.control;

  for (int d = 0; d < s->n; d++) {
    const replayDemo* demo = &r->demo[d];
    if (!control && !s->won[d])
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s: demo %d of %d does not succeed where its actions are done again from its "
                            "first state; leave it out, or replay the file (demoloom replay)",
                            r->path, d + 1, r->demos);
    if (control && (s->ended[d] != demo->ended || s->steps[d] != demo->rows))
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s: demo %d of %d %s after %d steps, where its actions done again from its "
                            "first state %s after %d: it is of another task, model or rate",
                            r->path, d + 1, r->demos, demo->ended ? "ended" : "was out of time", demo->rows,
                            s->ended[d] ? "end" : "are out of time", s->steps[d]);
    if (control && !s->ended[d] && s->steps[d] < control->task->max_steps)
      return loom_error_set(err, LOOM_ERR_FORMAT,
                            "%s: demo %d of %d was cut off after %d of %d steps, so its features do not sum "
                            "up to an episode's; leave it out",
                            r->path, d + 1, r->demos, s->steps[d], control->task->max_steps);
  }
  return LOOM_OK;
}

int loom_replays_expert(loomFeatureSums* out, const loomReplays* r, int threads, loomError* err) {
  // Success may have to be held for longer than the demo goes on.
  int more = is_control(r) ? 0 : r->place.scene->task->success_hold;
  const loomReplayDef def = {.n = r->demos, .horizon = r->longest + more, .threads = threads};
  int code = run_replays(out, r, &def, is_control(r), err);
  if (!code) code = check_ends(out, r, err);
  if (code) loom_feature_sums_destroy(out);
  return code;
}

int loom_replays_noisy(loomFeatureSums* out, const loomReplays* r, const loomReplayDef* def, loomError* err) {
  return run_replays(out, r, def, false, err);
}
