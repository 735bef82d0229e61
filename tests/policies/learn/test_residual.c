// What is added to a policy's actions: nothing at first; deciding is done once a state whoever asks; a file
// has both; episodes as an environment are those of rollouts, go on from snapshots, and are the same on any
// number of threads.
#include "tests/own_fixture.h"

#include <math.h>

#include "engine/base/hash.h"
#include "engine/observe/framed.h"
#include "engine/run/vector.h"
#include "policies/agent/decide.h"
#include "policies/agent/residual_environment.h"
#include "policies/learn/direct.h"
#include "policies/learn/dppo.h"
#include "policies/learn/residual.h"
#include "policies/learn/residual_ppo.h"
#include "policies/network/mixture_actor.h"
#include "tests/policies/learn/learner_hash.h"

enum { KEYS = 2, STEPS = 40 };

static own* o;
static loomTrained policy;

static int open_all(void** state) {
  open_own(state);
  o = *state;
  return 0;
}

static void fill_normal(loomNormal* out, int dim, int kind) {
  loomError err = {0, ""};
  float row[LOOM_MAX_ACTION];
  must(loom_normal_create(out, dim, &err), &err);

  for (int side = -1; side <= 1; side += 2) {
    for (int i = 0; i < dim; i++) row[i] = (float)side;
    loom_normal_add(out, row, 1);
  }
  loom_normal_finish(out, (loomNormalKind)kind);
}

// A small diffusion policy that has learned nothing.
static void make_policy(loomTrained* t) {
  static const char* const keys[KEYS] = {"box@eef0", "rod@eef1"};
  loomError err = {0, ""};
  *t = (loomTrained){.config = loom_default_policy_config(LOOM_KIND_DIFFUSION_MLP),
                     .sense = loom_default_sense_def()};
  t->config.policy.layers = (loomSizes){1, {16}};
  t->config.policy.predicts = LOOM_PREDICT_SAMPLE;
  t->config.policy.denoise_steps = 2;
  t->config.data.key_count = KEYS;

  for (int i = 0; i < KEYS; i++) {
    snprintf(t->config.data.key[i], sizeof t->config.data.key[i], "%s", keys[i]);
    t->dim[i] = LOOM_FRAMED_DIM;
    t->shape[i][0] = 1;
    t->shape[i][1] = LOOM_FRAMED_DIM;
  }
  fill_normal(&t->obs, KEYS * LOOM_FRAMED_DIM, t->config.data.obs_normal);
  fill_normal(&t->actions, o->e->action_dim, t->config.data.action_normal);
  loomNetworkDef def =
      loom_network_def(&t->config.policy, &t->config.encoder, 1, 1, t->obs.dim, t->actions.dim);
  must(loom_network_create(&t->network, &def, 3, &err), &err);
}

static void add_residual(loomTrained* t, int hold) {
  loomError err = {0, ""};
  loomResidualSpace space;
  loomResidualConfig config = loom_default_residual_config();

  config.hold = hold;
  config.critics = 1;
  config.hidden = (loomSizes){1, {8}};
  loom_residual_space(&space, &config, o->e);

  assert_int_equal(space.n, 12);
  must(loom_residual_create(&t->residual, &config, t, space.n, &err), &err);
}

// Weights of something that has learned: offsets everywhere, and a gate that lets some pass.
static void stir(loomResidual* r, uint64_t number) {
  loomRandom random = loom_random(4, number, LOOM_PURPOSE_TEST);

  for (size_t i = 0; i < r->net.actor.total; i++)
    r->net.actor.value[i] = (loomReal)loom_random_range(&random, -1, 1);
}

static int open_policy(void** state) {
  (void)state;
  make_policy(&policy);
  return 0;
}

static int close_policy(void** state) {
  (void)state;
  loom_trained_destroy(&policy);
  return 0;
}

// The episode's last state after STEPS steps; `asks`: how often somebody asks for the decision before it is
// taken.
static uint64_t run(loomTrained* t, int asks) {
  loomError err = {0, ""};
  void* instance;
  loomPolicy acting;
  loomPolicyMaker maker = loom_trained_maker(t);
  double action[LOOM_MAX_ACTION], state[256];
  uint64_t hash = LOOM_HASH_SEED;
  assert_true(o->e->state_dim <= 256);

  must(maker.create(&instance, maker.self, o->e, &err), &err);
  must(loom_episode_reset(o->e, 0, 9, 1, &err), &err);
  must(maker.begin(&acting, instance, o->e, 9, 1, &err), &err);

  for (int k = 0; k < STEPS; k++) {
    for (int i = 0; i < asks; i++) must(loom_trained_decide(NULL, instance, o->e, &err), &err);
    must(acting.act(action, acting.self, o->e, &err), &err);
    hash = loom_hash(hash, action, (size_t)o->e->action_dim * sizeof *action);
    must(loom_episode_step(o->e, action, &err), &err);
  }
  loom_episode_state(state, o->e);
  maker.destroy(instance);
  return loom_hash(hash, state, (size_t)o->e->state_dim * sizeof *state);
}

static void deciding_twice_is_deciding_once(void** state) {
  (void)state;
  assert_true(run(&policy, 0) == run(&policy, 3));
}

static void nothing_is_added_at_first(void** state) {
  (void)state;
  uint64_t alone = run(&policy, 0);
  add_residual(&policy, 0);

  assert_int_equal(policy.residual->config.hold, 8);
  assert_true(run(&policy, 0) == alone);

  // Then something is, unless the gate holds it back: critics that agree on nothing.
  bool added = false;

  for (uint64_t k = 0; !added && k < 8; k++) {
    stir(policy.residual, k);
    added = run(&policy, 0) != alone;
  }
  assert_true(added);
  memset(policy.residual->net.slow_critics.value, 0,
         policy.residual->net.slow_critics.total * sizeof(loomReal));
  assert_true(run(&policy, 0) == alone);
}

static void a_file_has_both(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomTrained again;
  char path[96];
  add_residual(&policy, 4);
  stir(policy.residual, 0);

  snprintf(path, sizeof path, "/tmp/loom_residual_%d.safetensors", (int)getpid());
  must(loom_trained_save(path, &policy, NULL, &err), &err);
  must(loom_trained_load(&again, path, &err), &err);
  assert_non_null(again.residual);

  assert_int_equal(again.residual->config.hold, 4);
  assert_true(run(&again, 0) == run(&policy, 0));

  loom_trained_destroy(&again);
  unlink(path);
}

// One that was learned without critics is always added.
static void no_critics_no_gate(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomResidualConfig config = {.position = 0.3, .hidden = {1, {8}}};
  uint64_t alone = run(&policy, 0);
  must(loom_residual_give(&policy, &config, o->scene, &err), &err);
  assert_int_equal(policy.residual->net.def.actions, 6);
  assert_true(run(&policy, 0) == alone);
  stir(policy.residual, 0);
  assert_true(run(&policy, 0) != alone);
}

static loomResidualTask make_task(int hold, int max_steps) {
  loomError err = {0, ""};
  add_residual(&policy, hold);
  loomResidualTask t = {.scene = o->scene, .policy = &policy, .max_steps = max_steps, .limits = true};
  must(loom_residual_task(&t, &err), &err);
  return t;
}

static void environment_is_a_rollout(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomEnvironment e;
  loomEnvironmentStep step = {0};
  double none[LOOM_MAX_ACTION] = {0};
  loomResidualTask t = make_task(8, 20);

  loomEnvironmentMaker maker = loom_residual_environment(&t);

  assert_int_equal(maker.actions, 12);

  assert_int_equal(maker.obs, KEYS * LOOM_FRAMED_DIM + 2 * o->e->action_dim);

  must(maker.create(&e, maker.source, &err), &err);
  must(e.reset(e.self, 9, 1, &err), &err);

  // 8, 8 and 4 control steps, and then it is out of time, not failed.
  static const int steps[] = {8, 8, 4};

  for (int k = 0; k < 3; k++) {
    must(e.step(&step, e.self, none, &err), &err);
    assert_int_equal(step.steps, steps[k]);
    assert_true(!step.terminated && step.truncated == (k == 2) && !step.success && step.reward == 0);
  }
  e.destroy(e.self);
}

// What the network says, told from outside, leads to where the policy comes by itself; also from a snapshot.
static void the_policy_itself_is_an_environment(void** state) {
  (void)state;
  enum { DECISIONS = 3 };
  loomError err = {0, ""};
  loomResidualTask t = {.scene = o->scene, .policy = &policy, .max_steps = 60, .limits = true};
  must(loom_residual_task(&t, &err), &err);
  loomEnvironmentMaker maker = loom_residual_environment(&t);
  loomEnvironment e[2];
  loomEnvironmentStep step;
  loomActor actor;
  static loomReal seen[512], said[512];
  static double obs[2][512], action[512];
  double* snapshot = malloc(maker.snapshot_size);
  int executed = policy.config.policy.executed, rows = loom_network_seen(&policy.network.def);
  assert_true(snapshot && maker.obs == rows * policy.network.def.obs_dim && maker.obs <= 512);
  assert_true(maker.actions == executed * policy.actions.dim && maker.actions <= 512 && !maker.range);

  // The actor draws from the stream that the policy would have.
  loomRandom random = loom_random(9, 1, LOOM_PURPOSE_POLICY);
  must(loom_actor_create(&actor, &policy.network, &err), &err);
  for (int k = 0; k < 2; k++) must(maker.create(&e[k], maker.source, &err), &err);
  must(e[0].reset(e[0].self, 9, 1, &err), &err);

  for (int d = 0; d < DECISIONS; d++) {
    e[0].observe(obs[0], e[0].self);
    for (int i = 0; i < maker.obs; i++) seen[i] = (loomReal)obs[0][i];
    loom_actor_decide(said, &actor, seen, &random);
    for (int i = 0; i < maker.actions; i++) action[i] = (double)said[i];
    if (d == 2) e[0].snapshot(snapshot, e[0].self);
    if (d == 2) must(e[1].restore(e[1].self, snapshot, &err), &err);
    must(e[0].step(&step, e[0].self, action, &err), &err);
    if (d == 2) must(e[1].step(&step, e[1].self, action, &err), &err);
    assert_int_equal(step.steps, executed);
  }
  for (int k = 0; k < 2; k++) e[k].observe(obs[k], e[k].self);
  assert_memory_equal(obs[0], obs[1], (size_t)maker.obs * sizeof **obs);

  // By itself.
  loomPolicyMaker pm = loom_trained_maker(&policy);
  loomPolicy acting;
  loomDecided decided;
  void* instance;
  must(pm.create(&instance, pm.self, o->e, &err), &err);
  must(loom_episode_reset(o->e, 0, 9, 1, &err), &err);
  must(pm.begin(&acting, instance, o->e, 9, 1, &err), &err);
  for (int k = 0; k < DECISIONS * executed; k++) {
    must(acting.act(action, acting.self, o->e, &err), &err);
    must(loom_episode_step(o->e, action, &err), &err);
  }
  must(loom_trained_decide(&decided, instance, o->e, &err), &err);
  const double* newest = obs[0] + (rows - 1) * policy.network.def.obs_dim;
  for (int i = 0; i < policy.network.def.obs_dim; i++) assert_true(newest[i] == (double)decided.seen[i]);

  pm.destroy(instance);
  loom_actor_destroy(&actor);
  for (int k = 0; k < 2; k++) e[k].destroy(e[k].self);
  free(snapshot);
}

// Where the network remembers, what it is known by is all that it saw since it forgot, again and again.
static void memory_is_seen(void** state) {
  (void)state;
  enum { DECISIONS = 8 };
  loomError err = {0, ""};
  loomTrained t;
  loomMixtureActor actor;
  loomEnvironment e;
  loomEnvironmentStep step;
  static loomReal seen[512];
  static double obs[512];
  double action[LOOM_MAX_ACTION];
  make_policy(&t);
  loom_network_destroy(&t.network);
  t.config.policy = loom_default_network_config(LOOM_KIND_BC_RNN_GMM);
  t.config.policy.hidden = 16;
  loomNetworkDef def = loom_network_def(&t.config.policy, &t.config.encoder, 2, 3, t.obs.dim, t.actions.dim);
  must(loom_network_create(&t.network, &def, 3, &err), &err);
  must(loom_mixture_actor_create(&actor, &t.network, 0.1, false, 1, &err), &err);
  loomPpoActor ppo = loom_mixture_actor(&actor);

  loomResidualTask task = {.scene = o->scene, .policy = &t, .max_steps = 60};
  must(loom_residual_task(&task, &err), &err);
  loomEnvironmentMaker maker = loom_residual_environment(&task);
  assert_int_equal(maker.obs, 1 + 4 * def.obs_dim);
  assert_true(maker.obs <= 512 && maker.actions <= LOOM_MAX_ACTION);
  must(maker.create(&e, maker.source, &err), &err);
  must(e.reset(e.self, 9, 1, &err), &err);
  for (int d = 0; d < DECISIONS; d++) {
    e.observe(obs, e.self);
    assert_true(obs[0] == d % 3);
    for (int i = 0; i < maker.obs; i++) seen[i] = (loomReal)obs[i];
    ppo.best(action, ppo.self, seen);
    must(e.step(&step, e.self, action, &err), &err);
  }
  e.observe(obs, e.self);
  e.destroy(e.self);

  // By itself, as its likeliest mode says.
  loomPolicyMaker pm = loom_trained_maker(&t);
  loomPolicy acting;
  loomDecided decided;
  void* instance;
  t.network.likeliest = true;
  must(pm.create(&instance, pm.self, o->e, &err), &err);
  must(loom_episode_reset(o->e, 0, 9, 1, &err), &err);
  must(pm.begin(&acting, instance, o->e, 9, 1, &err), &err);
  for (int k = 0; k < DECISIONS; k++) {
    must(acting.act(action, acting.self, o->e, &err), &err);
    must(loom_episode_step(o->e, action, &err), &err);
  }
  must(loom_trained_decide(&decided, instance, o->e, &err), &err);
  const double* newest = obs + maker.obs - def.obs_dim;
  for (int i = 0; i < def.obs_dim; i++)
    if (!(fabs(newest[i] - (double)decided.seen[i]) < 1e-4))
      fail_msg("number %d: %g, not %g", i, newest[i], (double)decided.seen[i]);
  pm.destroy(instance);
  loom_mixture_actor_destroy(&actor);
  loom_trained_destroy(&t);
}

static void go_on(const loomDisturbSet* disturb, double* last) {
  loomError err = {0, ""};
  loomEnvironment a, b;
  loomEnvironmentStep step;
  double action[12], seen[2][256];
  loomResidualTask t = make_task(3, 60);
  t.disturb = disturb;

  loomEnvironmentMaker maker = loom_residual_environment(&t);
  loomRandom random = loom_random(5, 0, LOOM_PURPOSE_TEST);
  double* snapshot = malloc(maker.snapshot_size);
  assert_true(snapshot && maker.obs <= 256);

  must(maker.create(&a, maker.source, &err), &err);

  must(maker.create(&b, maker.source, &err), &err);
  must(a.reset(a.self, 9, 2, &err), &err);

  for (int k = 0; k < 6; k++) {
    for (int i = 0; i < 12; i++) action[i] = loom_random_range(&random, -0.1, 0.1);
    if (k == 3) a.snapshot(snapshot, a.self);
    if (k == 3) must(b.restore(b.self, snapshot, &err), &err);
    must(a.step(&step, a.self, action, &err), &err);
    if (k >= 3) must(b.step(&step, b.self, action, &err), &err);
  }
  a.observe(seen[0], a.self);
  b.observe(seen[1], b.self);
  assert_memory_equal(seen[0], seen[1], (size_t)maker.obs * sizeof **seen);
  memcpy(last, seen[0], (size_t)maker.obs * sizeof *last);
  a.destroy(a.self);
  b.destroy(b.self);
  free(snapshot);
}

// Disturbed episodes too, which are others.
static void snapshots_go_on(void** state) {
  (void)state;
  loomError err = {0, ""};
  const loomDisturbSet* rough;
  double calm[256] = {0}, disturbed[256] = {0};
  go_on(NULL, calm);
  loom_residual_destroy(policy.residual);
  policy.residual = NULL;
  must(loom_disturb_find(&rough, o->task, "rough", &err), &err);
  go_on(rough, disturbed);
  assert_memory_not_equal(calm, disturbed, sizeof calm);
}

enum { SIDE = LOOM_TOGETHER + 3, DRIVEN = 9 };

static loomVector* make_vector(const loomEnvironmentMaker* maker, int threads) {
  loomError err = {0, ""};
  loomVector* v;
  must(loom_vector_create(&v, maker, &(loomVectorDef){.n = SIDE, .threads = threads, .seed = 9}, &err), &err);
  must(loom_vector_reset(v, &err), &err);
  return v;
}

static void drive(loomVector* v, int t) {
  loomError err = {0, ""};
  static double actions[SIDE * 12];
  for (int i = 0; i < SIDE * 12; i++) {
    loomRandom random = loom_random(5, (uint64_t)(t * SIDE * 12 + i), LOOM_PURPOSE_TEST);
    actions[i] = loom_random_range(&random, -0.1, 0.1);
  }
  must(loom_vector_step(v, actions, &err), &err);
}

// So hard that the simulation of some episodes fails.
static loomDisturbTerm violent_terms[] = {{.kind = LOOM_DISTURB_PUSH,
                                           .of = "box",
                                           .range = {1, 1e18},
                                           .log = true,
                                           .timed = true,
                                           .at = {0, 1},
                                           .ends = true,
                                           .last = {0.1, 0.1}}};
static const loomDisturbSet violent_set = {.label = "made", .count = 1, .terms = violent_terms};

// Episodes whose last step ended in a state that nothing is known of.
static int count_broken(const loomVector* v) {
  int count = 0;
  for (int i = 0; i < SIDE; i++) {
    const double* obs = v->obs + i * v->maker.obs;
    bool none = v->terminated[i];
    for (int k = 0; k < v->maker.obs; k++) none = none && obs[k] == 0;
    count += none;
  }
  return count;
}

// Episodes side by side decide together what each would alone, at every step or at some, across resets and
// episodes that break off, on any number of threads, and go on from a snapshot.
static void deciding_together_is_deciding_alone(void** state) {
  (void)state;
  loomError err = {0, ""};
  for (int hold = 4; hold <= 8; hold += 4) {
    loomResidualTask t = make_task(hold, 5 * hold - 1);
    if (hold == 8) t.disturb = &violent_set;
    int broken = 0;
    loomEnvironmentMaker together = loom_residual_environment(&t), alone = together;
    assert_non_null(together.prepare);
    alone.prepare = NULL;

    loomVector* v[] = {make_vector(&alone, 1), make_vector(&together, 1), make_vector(&together, 2),
                       make_vector(&together, 1)};
    size_t bytes = loom_vector_snapshot_size(v[0]);
    char *one = malloc(bytes), *other = malloc(bytes);
    assert_true(one && other);
    for (int k = 0; k < DRIVEN; k++) {
      for (int i = 0; i < 3; i++) drive(v[i], k);
      broken += count_broken(v[1]);

      // The last begins where the others are by then, in the middle of an episode.
      loom_vector_snapshot(one, v[0]);
      if (k == 2) must(loom_vector_restore(v[3], one, &err), &err);
      if (k > 2) drive(v[3], k);
      for (int i = 1; i < (k < 2 ? 3 : 4); i++) {
        loom_vector_snapshot(other, v[i]);
        assert_memory_equal(one, other, bytes);
      }
    }
    assert_true(v[0]->finished >= SIDE);
    assert_true(hold == 4 ? !broken : broken > 1 && broken < v[0]->finished);

    // Where some have been asked already it is for the others.
    loomEnvironment* e = v[1]->environment;
    double obs[2][256];
    for (int i = 0; i < SIDE; i++) must(e[i].reset(e[i].self, 9, 77, &err), &err);
    e[2].observe(obs[0], e[2].self);
    together.prepare(e, SIDE);
    for (int i = 0; i < SIDE; i++) {
      e[i].observe(obs[1], e[i].self);
      assert_memory_equal(obs[0], obs[1], (size_t)together.obs * sizeof **obs);
    }

    for (int i = 0; i < 4; i++) loom_vector_destroy(v[i]);
    free(one);
    free(other);
    loom_residual_destroy(policy.residual);
    policy.residual = NULL;
  }
}

// A demo that is the policy's own doing has no offsets; its observations are those of the environment.
static void demos_are_seen_alike(void** state) {
  (void)state;
  enum { ROWS = 16 };
  loomError err = {0, ""};
  loomResidualTask t = make_task(8, 40);

  loomEnvironmentMaker maker = loom_residual_environment(&t);
  loomPolicyMaker pm = loom_trained_maker(&policy);
  loomPolicy acting;
  void* instance;
  double states[ROWS * 256], actions[ROWS * LOOM_MAX_ACTION], seen[256];
  loomReal obs[3 * 256], off[3 * 12];

  must(pm.create(&instance, pm.self, o->e, &err), &err);
  must(loom_episode_reset(o->e, 0, 9, 1, &err), &err);
  must(pm.begin(&acting, instance, o->e, 9, 1, &err), &err);

  for (int k = 0; k < ROWS; k++) {
    loom_episode_state(states + k * o->e->state_dim, o->e);
    must(acting.act(actions + k * o->e->action_dim, acting.self, o->e, &err), &err);
    must(loom_episode_step(o->e, actions + k * o->e->action_dim, &err), &err);
  }
  pm.destroy(instance);

  loomReal reward[2];
  assert_int_equal(loom_residual_decisions(&t, ROWS), 2);
  must(loom_residual_demo(obs, off, reward, &t, states, actions, ROWS, 9, 1, &err), &err);
  assert_true(reward[0] == 0 && reward[1] == 1);  // success, with which a demo ends
  loomEnvironment e;
  loomEnvironmentStep step;
  double none[LOOM_MAX_ACTION] = {0};

  must(maker.create(&e, maker.source, &err), &err);
  must(e.reset(e.self, 9, 1, &err), &err);

  for (int d = 0; d < 2; d++) {
    e.observe(seen, e.self);
    for (int i = 0; i < maker.obs; i++)
      if (!(fabs(seen[i] - (double)obs[d * maker.obs + i]) < 1e-4))
        fail_msg("decision %d, number %d: %g, not %g", d, i, (double)obs[d * maker.obs + i], seen[i]);
    for (int i = 0; i < 12; i++) assert_true(fabs((double)off[d * 12 + i]) < 1e-3);
    must(e.step(&step, e.self, none, &err), &err);
  }
  e.destroy(e.self);
}

// ---- learning

// Where episodes have starts of their own their disturbances widen as well.
static loomDisturbTerm loose_terms[] = {
    {.kind = LOOM_DISTURB_MASS, .range = {1, 1}, .log = true, .limited = true, .limits = {0.25, 4}},
    {.kind = LOOM_DISTURB_OBSERVATION_DELAY, .range = {0, 0}, .limited = true, .limits = {0, 3}}};
static const loomDisturbSet loose_set = {.label = "made", .count = 2, .terms = loose_terms};

static void make_learner(loomLearner* l, loomTrained* t, const loomStartsDef* starts, int threads) {
  loomError err = {0, ""};
  loomFinetuneSettings s = loom_default_finetune_settings();
  loomTd3Config td3 = loom_default_residual_td3_config();
  make_policy(t);
  s.hold = 1;
  s.max_steps = 30;
  s.critics_first = 5;
  snprintf(s.data, sizeof s.data, "%s", o->path);
  td3.environments = 2;
  td3.warmup = 700;
  td3.batch = 16;
  td3.buffer = s.successes = 1000;
  td3.hidden = (loomSizes){1, {16}};
  s.widen = starts ? 0.5 : 0;
  loomFinetuneBase base = {
      .policy = t, .scene = o->scene, .starts = starts, .disturb = starts ? &loose_set : NULL};
  must(loom_residual_learner(l, &s, &td3, &base, 4000, 6, threads, &err), &err);
}

static void drop_learner(loomLearner* l, loomTrained* t) {
  l->destroy(l->self);
  l->release(l->owner);
  loom_trained_destroy(t);
}

// One that goes on from another's tensors, on more threads and in the middle of episodes, learns what that
// does; what a curriculum has learned of its episodes is part of it.
static void learning_goes_on_the_same(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomTrained t[2];
  loomLearner l[2];
  static loomSafeTensor from[LOOM_LEARNER_TENSORS], to[LOOM_LEARNER_TENSORS];
  loomStartsDef starts = loom_default_starts_def();
  int acting;
  starts.demos = 0.5;
  starts.failures = 0.3;
  starts.curriculum = LOOM_CURRICULUM_REVERSE;
  starts.window = 1;
  for (int k = 0; k < 2; k++) make_learner(&l[k], &t[k], &starts, k + 1);

  // Four demos of the scripted expert are what has succeeded.
  assert_true(loom_experience_count(loom_td3_successes_of(&l[0])) > 4 * 60);
  must(l[0].iterate(l[0].self, &err), &err);
  assert_true(l[0].size(l[0].self) > 700);
  assert_true(hash_learner(&l[0]) != hash_learner(&l[1]));

  int n = l[0].tensors(from, &acting, l[0].self);
  assert_int_equal(l[1].tensors(to, &acting, l[1].self), n);
  for (int i = 0; i < n; i++)
    memcpy((void*)(uintptr_t)to[i].data, from[i].data,
           (size_t)loom_safe_tensor_count(&from[i]) * (size_t)loom_safe_type_size(from[i].type));
  must(l[1].thaw(l[1].self, &err), &err);

  for (int k = 0; k < 2; k++) must(l[k].iterate(l[k].self, &err), &err);
  assert_true(hash_learner(&l[0]) == hash_learner(&l[1]));
  assert_true(l[0].opened(l[0].owner) > 0 && l[0].opened(l[0].owner) < 1);
  assert_true(l[0].widened && l[0].write_ranges);
  for (int k = 0; k < 2; k++) drop_learner(&l[k], &t[k]);

  // Without a curriculum there is nothing of one to tell, nor of ranges that widen here.
  make_learner(&l[0], &t[0], NULL, 1);
  assert_true(!l[0].opened && !l[0].widened && !l[0].write_ranges);
  drop_learner(&l[0], &t[0]);
}

// Ends move out where episodes succeed, in where they fail, and never past their limits; an episode goes on
// from a snapshot in the ranges that it was drawn from, and tells nothing of an end that has moved meanwhile.
static void ranges_follow_what_succeeds(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomEnvironment e[2];
  loomEnvironmentStep step;
  loomResidualShared shared = {0};
  double none[LOOM_MAX_ACTION] = {0}, seen[2][256];
  loomAdrDef def = {.episodes = 1, .widen = 0.5, .narrow = 0.5, .steps = 4};
  loomResidualTask t = make_task(8, 40);
  must(loom_adr_begin(&shared.adr, &loose_set, &def, &err), &err);
  t.disturb = &loose_set;
  t.widens = true;
  t.shared = &shared;

  loomEnvironmentMaker maker = loom_residual_environment(&t);
  void* snapshot = malloc(maker.snapshot_size);
  assert_true(snapshot && maker.obs <= 256 && maker.common_size == sizeof shared);
  for (int k = 0; k < 2; k++) must(maker.create(&e[k], maker.source, &err), &err);

  // All succeed: they reach their limits.
  for (uint64_t k = 0; k < 90; k++) {
    double before = loom_adr_width(&shared.adr);
    must(e[0].reset(e[0].self, 9, k, &err), &err);
    e[0].ended(e[0].self, true);
    assert_true(loom_adr_width(&shared.adr) >= before);
  }
  assert_true(shared.adr.range[0].end[0] == 0.25 && shared.adr.range[0].end[1] == 4);
  assert_true(shared.adr.range[1].end[0] == 0 && shared.adr.range[1].end[1] == 3);

  // In the middle of an episode the ranges are others: it is what it was.
  uint64_t number = 91;
  int range;
  loomAdrEnd end;
  while (!loom_adr_try(&range, &end, &shared.adr, 9, number)) number++;
  must(e[0].reset(e[0].self, 9, number, &err), &err);
  must(e[0].step(&step, e[0].self, none, &err), &err);
  e[0].snapshot(snapshot, e[0].self);
  for (uint64_t k = 200; k < 240; k++) {
    must(e[1].reset(e[1].self, 9, k, &err), &err);
    e[1].ended(e[1].self, false);
  }
  assert_true(loom_adr_width(&shared.adr) < 0.5);
  must(e[1].restore(e[1].self, snapshot, &err), &err);
  for (int k = 0; k < 2; k++) e[k].observe(seen[k], e[k].self);
  assert_memory_equal(seen[0], seen[1], (size_t)maker.obs * sizeof **seen);

  loomAdr now = shared.adr;
  for (int k = 0; k < 2; k++) e[k].ended(e[k].self, true);
  assert_memory_equal(&now, &shared.adr, sizeof now);

  for (int k = 0; k < 2; k++) e[k].destroy(e[k].self);
  free(snapshot);
}

// An episode begins at a demo's state, is no longer than it need be, and goes on from a snapshot wherever the
// curriculum is by then.
static void episodes_begin_in_demos(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomEnvironment e[2];
  loomEnvironmentStep step = {0};
  loomStartsDef def = loom_default_starts_def();
  loomStarts* starts;
  loomResidualShared shared = {0};
  double none[LOOM_MAX_ACTION] = {0}, seen[2][256];
  loomResidualTask t = make_task(8, 1000);
  def.demos = 1;
  def.curriculum = LOOM_CURRICULUM_REVERSE;
  def.window = 1;
  def.enough = 0;
  snprintf(def.dataset, sizeof def.dataset, "%s", o->path);
  must(loom_starts_create(&starts, &def, o->scene, 0, &err), &err);
  loom_curriculum_begin(&shared.curriculum, starts);
  t.starts = starts;
  t.shared = &shared;

  loomEnvironmentMaker maker = loom_residual_environment(&t);
  void* snapshot = malloc(maker.snapshot_size);
  assert_true(snapshot && maker.obs <= 256 && maker.common == &shared);
  for (int k = 0; k < 2; k++) must(maker.create(&e[k], maker.source, &err), &err);

  // Ends that are noted move the frontier of one demo or another back.
  double opened = loom_curriculum_progress(&shared.curriculum, starts), first = opened;
  for (uint64_t k = 0; k < 40; k++) {
    must(e[0].reset(e[0].self, 9, k, &err), &err);
    e[0].ended(e[0].self, true);
    double now = loom_curriculum_progress(&shared.curriculum, starts);
    assert_true(now >= opened);
    opened = now;
  }
  assert_true(opened > first);

  // Out of time after twice what is left of the demo at most; elsewhere it goes on alike.
  int steps = 0;
  must(e[0].reset(e[0].self, 9, 41, &err), &err);
  must(e[0].step(&step, e[0].self, none, &err), &err);
  e[0].snapshot(snapshot, e[0].self);
  e[0].ended(e[0].self, true);
  must(e[1].restore(e[1].self, snapshot, &err), &err);
  for (int k = 0; k < 2; k++) e[k].observe(seen[k], e[k].self);
  assert_memory_equal(seen[0], seen[1], (size_t)maker.obs * sizeof **seen);
  for (steps = step.steps; !step.terminated && !step.truncated; steps += step.steps)
    must(e[0].step(&step, e[0].self, none, &err), &err);
  assert_true(steps < 2 * (loom_starts_longest(starts) + o->scene->task->success_hold));

  for (int k = 0; k < 2; k++) e[k].destroy(e[k].self);
  loom_starts_destroy(starts);
  free(snapshot);
}

static void what_does_not_fit_is_told(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomLearner l;
  loomFinetuneSettings s = loom_default_finetune_settings();
  loomTd3Config td3 = loom_default_residual_td3_config();
  loomFinetuneBase base = {.policy = &policy, .scene = o->scene};

  s.position = s.rotation = 0;

  assert_int_equal(loom_residual_learner(&l, &s, &td3, &base, 1000, 1, 1, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "nothing to learn"));

  // Given back: the policy has its residual by then.
  s = loom_default_finetune_settings();
  loomStartsDef starts = loom_default_starts_def();
  starts.curriculum = LOOM_CURRICULUM_REVERSE;
  base.starts = &starts;
  assert_int_equal(loom_residual_learner(&l, &s, &td3, &base, 1000, 1, 1, &err), LOOM_ERR_USAGE);
  base.starts = NULL;
  assert_non_null(strstr(err.message, "--start-demos"));
  loom_residual_destroy(policy.residual);
  policy.residual = NULL;

  s = loom_default_finetune_settings();
  snprintf(s.reset, sizeof s.reset, "D9");

  assert_int_equal(loom_residual_learner(&l, &s, &td3, &base, 1000, 1, 1, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "D9"));

  // By PPO as well.
  loomPpoConfig residual_ppo = loom_default_residual_ppo_config();
  loomResidualPpoSettings r = loom_default_residual_ppo_settings();
  r.position = r.rotation = 0;
  s = loom_default_finetune_settings();
  assert_int_equal(loom_residual_ppo_learner(&l, &s, &residual_ppo, &r, &base, 1000, 1, 1, &err),
                   LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "nothing to learn"));

  // PPO needs outputs that have a likelihood, and demos for a term of theirs.
  loomPpoConfig ppo = loom_default_direct_ppo_config();
  loomDirectSettings direct = loom_default_direct_settings();
  s = loom_default_finetune_settings();
  assert_int_equal(loom_direct_learner(&l, &s, &ppo, &direct, &base, 1000, 1, 1, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "bc_gaussian, bc_gmm, bc_rnn_gmm and bc_transformer"));
  direct.bc = 0.1;
  assert_int_equal(loom_direct_learner(&l, &s, &ppo, &direct, &base, 1000, 1, 1, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "--data"));

  // Denoising steps are learned of policies that have them.
  loomDppoSettings dppo = loom_default_dppo_settings();
  s = loom_default_finetune_settings();
  loomNetworkDef* def = &policy.network.def;
  int kind = def->policy.kind;
  def->policy.kind = LOOM_KIND_BC_GMM;
  assert_int_equal(loom_dppo_learner(&l, &s, &ppo, &dppo, &base, 1000, 1, 1, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "diffusion and diffusion_mlp do"));
  def->policy.kind = kind;

  s = loom_default_finetune_settings();
  add_residual(&policy, 0);

  assert_int_equal(loom_residual_learner(&l, &s, &td3, &base, 1000, 1, 1, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "finetuned already"));
}

#define POLICY_TEST(f) cmocka_unit_test_setup_teardown(f, open_policy, close_policy)

int main(void) {
  const struct CMUnitTest tests[] = {
      POLICY_TEST(deciding_twice_is_deciding_once),
      POLICY_TEST(nothing_is_added_at_first),
      POLICY_TEST(a_file_has_both),
      POLICY_TEST(no_critics_no_gate),
      POLICY_TEST(environment_is_a_rollout),
      POLICY_TEST(the_policy_itself_is_an_environment),
      POLICY_TEST(memory_is_seen),
      POLICY_TEST(snapshots_go_on),
      POLICY_TEST(deciding_together_is_deciding_alone),
      POLICY_TEST(demos_are_seen_alike),
      POLICY_TEST(what_does_not_fit_is_told),
      POLICY_TEST(episodes_begin_in_demos),
      cmocka_unit_test(learning_goes_on_the_same),
      POLICY_TEST(ranges_follow_what_succeeds),
  };
  return cmocka_run_group_tests(tests, open_all, close_own);
}
