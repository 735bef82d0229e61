// A discriminator in place of rewards: PPO and TD3 come to do what an expert does, also where the
// environment rewards something else, from actions or from next states alone; what follows an end counts;
// the same bytes on any number of threads and from checkpoints; what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policies/learn/ppo.h"
#include "policies/learn/td3.h"
#include "tests/policies/learn/learner_hash.h"
#include "tests/policies/learn/toy_environment.h"

enum { ROWS = 200, LENGTH = 5 };

// Someone who does slope * x, where the toy rewards x / 2. Episodes run out of time.
static loomImitated make_expert(double slope) {
  loomImitated e = {.obs = 1, .actions = 1, .horizon = LENGTH, .n = ROWS, .demos = ROWS / LENGTH};
  e.state = calloc(ROWS, sizeof *e.state);
  e.action = calloc(ROWS, sizeof *e.action);
  e.next = calloc(ROWS, sizeof *e.next);
  e.known = calloc(ROWS, sizeof *e.known);
  e.last = calloc(ROWS, sizeof *e.last);
  e.demo = calloc(ROWS, sizeof *e.demo);
  e.length = calloc((size_t)e.demos, sizeof *e.length);
  e.rows = calloc((size_t)e.demos, sizeof *e.rows);
  e.ended = calloc((size_t)e.demos, sizeof *e.ended);

  loomRandom random = loom_random(3, 0, LOOM_PURPOSE_TEST);
  for (int i = 0; i < ROWS; i++) {
    double x = loom_random_range(&random, -1, 1);
    e.state[i] = (loomReal)x;
    e.action[i] = (loomReal)(slope * x);
    e.next[i] = (loomReal)loom_random_range(&random, -1, 1);
    e.known[i] = true;
    e.last[i] = i % LENGTH == LENGTH - 1;
    e.demo[i] = i / LENGTH;
    e.length[i / LENGTH] = e.rows[i / LENGTH] = LENGTH;
  }
  return e;
}

typedef enum method { PPO, TD3, METHODS } method;

typedef struct learned {
  loomLearner learner;
  loomImitation* imitation;
} learned;

static loomPpoConfig ppo_config(void) {
  loomPpoConfig c = loom_default_ppo_config();
  c.environments = 4;
  c.steps = 64;
  c.discount = 0.5;
  c.minibatches = 4;
  c.rate = 3e-3;
  c.anneal = false;
  c.log_std = -1;
  c.hidden = (loomSizes){1, {16}};
  return c;
}

static loomTd3Config td3_config(void) {
  loomTd3Config c = loom_default_td3_config();
  c.environments = 4;
  c.buffer = 20000;
  c.warmup = 1000;
  c.batch = 128;
  c.updates = 0.25;
  c.discount = 0.5;
  c.rate = 3e-3;
  c.hidden = (loomSizes){1, {32}};
  return c;
}

static loomGailConfig gail_config(method m) {
  loomGailConfig c = loom_default_gail_config();
  c.rate = 3e-3;
  c.penalty = 1;
  c.batch = 64;
  c.hidden = (loomSizes){1, {32}};
  if (m == TD3) c.updates = 100;
  return c;
}

static learned make_learned(method m, const loomGailConfig* gail, double slope, uint64_t seed, int threads) {
  learned l = {0};
  loomError err = {0, ""};
  loomEnvironmentMaker maker = toy_maker();
  const loomPpoConfig ppo = ppo_config();
  const loomTd3Config td3 = td3_config();
  loomImitated expert = make_expert(slope);

  const loomImitationDef def = {.config = gail,
                                .expert = &expert,
                                .discount = 0.5,
                                .horizon = LENGTH,
                                .rows = m == PPO ? loom_ppo_rollout_rows(&ppo) : td3.batch,
                                .seed = seed};

  int code = m == PPO ? loom_ppo_create(&l.learner, &ppo, NULL, &maker, 1 << 20, seed, threads, &err)
                      : loom_td3_create(&l.learner, &td3, NULL, &maker, 0, seed, threads, &err);
  if (!code) code = loom_imitation_create(&l.imitation, &def, &err);
  if (!code)
    code = m == PPO ? loom_ppo_imitate(&l.learner, l.imitation, &err)
                    : loom_td3_imitate(&l.learner, l.imitation, &err);
  if (code) fail_msg("%s", err.message);
  loom_imitated_destroy(&expert);
  return l;
}

static void drop(learned* l) {
  l->learner.destroy(l->learner.self);
  loom_imitation_destroy(l->imitation);
}

static void iterate(learned* l, int n) {
  loomError err = {0, ""};
  for (int k = 0; k < n; k++)
    if (l->learner.iterate(l->learner.self, &err)) fail_msg("%s", err.message);
}

static loomGailConfig airl_config(void) {
  loomGailConfig c = gail_config(PPO);
  c.discriminator = LOOM_DISCRIMINATOR_AIRL;
  c.penalty = 0.01;
  return c;
}

// The mean distance from what the expert does.
static double error_of(learned* l, double slope) {
  double sum = 0;

  for (int k = 0; k < 41; k++) {
    double x = (k - 20) / 20.0, action;
    l->learner.act(&action, l->learner.self, &x);
    sum += fabs(action - slope * x) / 41;
  }
  return sum;
}

// Whatever its environment rewards: what the expert does is a mean distance of half away from that.
static void does_as_the_expert(void** state) {
  (void)state;

  // Sanitizers see the same steps in the tests below, of which a few are enough for them.
  if (getenv("LOOM_QUICK")) skip();
  const int kinds[] = {LOOM_DISCRIMINATOR_BCE, LOOM_DISCRIMINATOR_WGAN, LOOM_DISCRIMINATOR_AIRL};
  for (int m = 0; m < METHODS; m++) {
    for (int k = 0; k < (m == PPO ? 3 : 2); k++) {
      int kind = kinds[k];
      loomGailConfig gail = kind == LOOM_DISCRIMINATOR_AIRL ? airl_config() : gail_config((method)m);
      gail.discriminator = kind;
      learned l = make_learned((method)m, &gail, -0.5, 1, 1);

      double before = error_of(&l, -0.5);
      iterate(&l, m == PPO ? 150 : 12);
      double after = error_of(&l, -0.5);
      if (!(before > 0.15 && after < 0.1))
        fail_msg("method %d, kind %d: from %g to %g", m, kind, before, after);
      drop(&l);
    }
  }
}

static double scalar_of(const loomImitation* im, const char* tag) {
  loomScalar all[LOOM_LEARNER_SCALARS];
  int n = loom_imitation_scalars(all, im);
  for (int i = 0; i < n; i++)
    if (!strcmp(all[i].tag, tag)) return all[i].value;
  return NAN;
}

// ---- what follows an end

enum { STEPS = 4 };

// One environment: a step, the same step again as the episode's last, a reset, and that step once more.
static void ask(double reward[STEPS], loomImitation* im) {
  const double obs[STEPS + 1] = {0.2, 0.2, 0.7, 0.2, 0.2}, action[STEPS] = {0.1, 0.1, 0, 0.1};
  const bool terminated[STEPS] = {false, true, false, false}, fresh[STEPS] = {false, false, true, false};
  const int episode[STEPS] = {0, 0, 1, 1}, length[STEPS] = {1, 2, 0, 1};

  const loomImitationRollout rollout = {STEPS, 1, obs, action, terminated, fresh, episode, length};
  loom_imitation_round(reward, im, &rollout);
}

static void end_is_worth_its_tail(void** state) {
  (void)state;
  for (int absorbing = 0; absorbing < 2; absorbing++) {
    loomImitation* im;
    loomError err = {0, ""};
    double reward[STEPS];
    loomImitated expert = make_expert(0.5);
    loomGailConfig gail = gail_config(PPO);
    gail.absorbing = absorbing;
    const loomImitationDef def = {&gail, &expert, 0.9, LENGTH, STEPS, 7};

    if (loom_imitation_create(&im, &def, &err)) fail_msg("%s", err.message);
    ask(reward, im);

    // 0.9 / (1 - 0.9) of what the absorbing state is worth, which the expert never came to.
    double tail = scalar_of(im, "discriminator/absorbing");
    assert_true(reward[0] == reward[3] && reward[2] == 0);
    if (absorbing)
      assert_true(fabs(reward[1] - reward[0] - 9 * tail) < 1e-5 && tail != 0);
    else
      assert_true(reward[1] == reward[0] && isnan(tail));

    for (int k = 0; k < 50; k++) ask(reward, im);
    if (absorbing) assert_true(scalar_of(im, "discriminator/absorbing") < -0.5);
    loom_imitation_destroy(im);
    loom_imitated_destroy(&expert);
  }
}

// Of airl, whose rows end with how likely the policy is to do so: the last step leads to the absorbing
// state, and its reward is the network's on scaled rows, told as a difference to that state's.
static void tell_half(loomReal* rows, void* self, int n, int width) {
  (void)self;
  for (int i = 0; i < n; i++) rows[(i + 1) * width - 1] = (loomReal)log(0.5);
}

static void airl_ends_in_the_absorbing_state(void** state) {
  (void)state;
  loomImitation* im;
  loomError err = {0, ""};
  double reward[STEPS];
  loomImitated expert = make_expert(0.5);
  const loomGailConfig gail = airl_config();
  const loomImitationDef def = {&gail, &expert, 0.9, LENGTH, STEPS, 7};
  if (loom_imitation_create(&im, &def, &err)) fail_msg("%s", err.message);
  loom_imitation_meet(im, &(loomImitationPolicy){NULL, tell_half});

  // The tail, and a step into another state than the same one before it.
  for (int k = 0; k < 50; k++) ask(reward, im);
  double tail = scalar_of(im, "discriminator/absorbing");
  assert_true(tail < -0.5 && reward[2] == 0 && fabs(reward[1] - reward[0] - 9 * tail) > 1e-3);

  // What is learned, alone: finite, and by what was seen and done.
  loomStepReward found;
  void* instance;
  assert_int_equal(loom_imitation_reward(&found, im, &err), 0);
  const loomStepScore score = loom_step_reward_score(&found);
  assert_int_equal(score.create(&instance, score.self, &err), 0);
  double seen = 0.2, good = 0.1, bad = -0.5;
  double one = score.value(instance, &(loomScoredStep){.obs = &seen, .action = &good}),
         other = score.value(instance, &(loomScoredStep){.obs = &seen, .action = &bad});
  assert_true(isfinite(one) && one > 0 && one != other);
  score.destroy(instance);
  loom_step_reward_destroy(&found);
  loom_imitation_destroy(im);
  loom_imitated_destroy(&expert);
}

// ---- the same bytes

static void threads_change_nothing(void** state) {
  (void)state;
  for (int k = 0; k <= METHODS; k++) {
    uint64_t first = 0;
    int m = k < METHODS ? k : PPO;
    const loomGailConfig gail = k < METHODS ? gail_config((method)m) : airl_config();

    for (int threads = 1; threads <= 3; threads++) {
      learned l = make_learned((method)m, &gail, 0.5, 5, threads);
      iterate(&l, 2);
      uint64_t hash = hash_learner(&l.learner);
      if (threads == 1) first = hash;
      assert_true(hash == first);
      drop(&l);
    }

    learned other = make_learned((method)m, &gail, 0.4, 5, 1);
    iterate(&other, 2);
    assert_true(hash_learner(&other.learner) != first);
    drop(&other);
  }
}

static void goes_on_from_tensors(void** state) {
  (void)state;
  for (int k = 0; k <= METHODS; k++) {
    bool airl = k == METHODS;
    int m = airl ? PPO : k;
    loomGailConfig gail = airl ? airl_config() : gail_config((method)m);
    gail.see = m == PPO ? LOOM_SEE_NEXT : LOOM_SEE_ACTION;
    gail.pack = m == PPO && !airl ? 2 : 1;
    gail.spectral = !airl;
    learned a = make_learned((method)m, &gail, 0.5, 5, 1), b = make_learned((method)m, &gail, 0.5, 5, 1);
    loomSafeTensor from[LOOM_LEARNER_TENSORS], to[LOOM_LEARNER_TENSORS];
    loomError err = {0, ""};
    int acting;
    iterate(&a, 5);
    a.learner.freeze(a.learner.self);

    // Copied into one that has done nothing yet.
    int n = a.learner.tensors(from, &acting, a.learner.self);
    assert_int_equal(b.learner.tensors(to, &acting, b.learner.self), n);
    for (int i = 0; i < n; i++) {
      assert_string_equal(from[i].name, to[i].name);
      memcpy((void*)(uintptr_t)to[i].data, from[i].data,
             (size_t)loom_safe_tensor_count(&from[i]) * (size_t)loom_safe_type_size(from[i].type));
    }
    assert_int_equal(b.learner.thaw(b.learner.self, &err), 0);

    iterate(&a, 2);
    iterate(&b, 2);
    assert_true(hash_learner(&a.learner) == hash_learner(&b.learner));
    drop(&a);
    drop(&b);
  }
}

// ---- refused

static void refuses(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomEnvironmentMaker maker = toy_maker();
  loomImitation* im;
  loomLearner l;
  loomImitated expert = make_expert(0.5);
  loomGailConfig gail = gail_config(PPO);
  loomImitationDef def = {&gail, &expert, 1, LENGTH, 256, 7};
  loomTd3Config td3 = td3_config();

  // An end that lasts for ever is worth nothing finite.
  assert_int_equal(loom_imitation_create(&im, &def, &err), LOOM_ERR_USAGE);
  assert_non_null(strstr(err.message, "--absorbing off"));
  assert_null(im);

  // What TD3 keeps of the past has to stay right.
  def.discount = 0.5;
  gail.pack = 2;
  assert_int_equal(loom_imitation_create(&im, &def, &err), 0);
  assert_int_equal(loom_td3_create(&l, &td3, NULL, &maker, 0, 1, 1, &err), 0);
  assert_int_equal(loom_td3_imitate(&l, im, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "a pack of 1"));
  l.destroy(l.self);
  loom_imitation_destroy(im);

  // How likely what it does is, TD3 cannot tell.
  const loomGailConfig airl = airl_config();
  def.config = &airl;
  assert_int_equal(loom_imitation_create(&im, &def, &err), 0);
  assert_int_equal(loom_td3_create(&l, &td3, NULL, &maker, 0, 1, 1, &err), 0);
  assert_int_equal(loom_td3_imitate(&l, im, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "take ppo"));
  l.destroy(l.self);
  loom_imitation_destroy(im);
  def.config = &gail;

  // Next states that nobody recorded.
  gail.see = LOOM_SEE_NEXT;
  memset(expert.known, 0, ROWS * sizeof *expert.known);
  assert_int_equal(loom_imitation_create(&im, &def, &err), LOOM_ERR_FORMAT);
  loom_imitated_destroy(&expert);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(does_as_the_expert),
      cmocka_unit_test(end_is_worth_its_tail),
      cmocka_unit_test(airl_ends_in_the_absorbing_state),
      cmocka_unit_test(threads_change_nothing),
      cmocka_unit_test(goes_on_from_tensors),
      cmocka_unit_test(refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
