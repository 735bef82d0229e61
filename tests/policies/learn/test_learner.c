// PPO, also of a network with a mixture of Gaussians and of one that takes noise away, and TD3, also as a
// residual of a policy that does nothing, come to a best policy that is known; the same bytes on any number
// of threads and from checkpoints.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policies/learn/ppo.h"
#include "policies/learn/td3.h"
#include "policies/network/diffusion_actor.h"
#include "policies/network/mixture_actor.h"
#include "tests/policies/learn/learner_hash.h"
#include "tests/policies/learn/toy_environment.h"

typedef enum method { PPO, MIXTURE, DENOISER, TD3, RESIDUAL, METHODS } method;

// A policy that is learned itself.
typedef struct policy {
  loomNetwork net;
  loomMixtureActor actor;
  loomDiffusionActor denoiser;  // or this
} policy;

static void release_policy(void* self) {
  policy* p = self;
  loom_mixture_actor_destroy(&p->actor);
  loom_diffusion_actor_destroy(&p->denoiser);
  loom_network_destroy(&p->net);
  free(p);
}

// Where it is not 0: the deviation of the noise that these two explore by, and the share of successes that it
// is to leave of nine in ten.
static double noise, keeps;

enum { CRITIC_FIRST = 2, ACTOR_EPOCHS = 4 };  // of PPO's 10

static int make_mixture(loomLearner* l, const loomPpoConfig* ppo, const loomEnvironmentMaker* maker,
                        uint64_t seed, int threads, loomError* err) {
  policy* p = calloc(1, sizeof *p);
  loomNetworkConfig config = loom_default_network_config(LOOM_KIND_BC_GMM);
  loomEncoderConfig encoder = {0};
  config.layers = (loomSizes){1, {16}};
  config.modes = 2;
  loomNetworkDef def = loom_network_def(&config, &encoder, 1, 1, 1, 1);

  int code = loom_network_create(&p->net, &def, 4, err);
  double std = noise > 0 ? noise : 0.1;
  if (!code) code = loom_mixture_actor_create(&p->actor, &p->net, std, false, loom_ppo_most_rows(ppo), err);
  if (code) return code;
  loomPpoGuide guide = {.actor = loom_mixture_actor(&p->actor),
                        .turns.critic_first = CRITIC_FIRST,
                        .turns.critic_rate = 3e-3,
                        .turns.adaptive = true,
                        .turns.keep = keeps};
  code = loom_ppo_create(l, ppo, &guide, maker, 80 * 256, seed, threads, err);
  l->owner = p;
  l->release = release_policy;
  return code;
}

static int make_denoiser(loomLearner* l, const loomPpoConfig* ppo, const loomEnvironmentMaker* maker,
                         uint64_t seed, int threads, loomError* err) {
  policy* p = calloc(1, sizeof *p);
  loomNetworkConfig config = loom_default_network_config(LOOM_KIND_DIFFUSION_MLP);
  loomEncoderConfig encoder = {0};
  config.layers = (loomSizes){1, {16}};
  config.observed = config.executed = 1;
  config.predicted = 2;
  config.step_width = 4;
  config.denoise_steps = 3;
  loomNetworkDef def = loom_network_def(&config, &encoder, 1, 1, 1, 1);
  loomDiffusionActorDef actor = {2, noise > 0 ? noise : 0.2, 0.5, 0.2, 0.99, 1, 0};

  int code = loom_network_create(&p->net, &def, 4, err);
  if (!code) code = loom_diffusion_actor_create(&p->denoiser, &p->net, &actor, loom_ppo_most_rows(ppo), err);
  if (code) return code;
  loomPpoGuide guide = {.actor = loom_diffusion_actor(&p->denoiser),
                        .turns.critic_first = CRITIC_FIRST,
                        .turns.critic_rate = 3e-3,
                        .turns.actor_epochs = ACTOR_EPOCHS,
                        .turns.keep = keeps};
  code = loom_ppo_create(l, ppo, &guide, maker, 80 * 256, seed, threads, err);
  l->owner = p;
  l->release = release_policy;
  return code;
}

static void drop(loomLearner* l) {
  l->destroy(l->self);
  if (l->release) l->release(l->owner);
}

static bool terminates;  // the toy's episodes, in place of being truncated
static bool anneals;     // TD3's rate, over 20,000 steps
static double ramp;      // share of those over which a residual comes to act

static loomLearner make_learner(method m, uint64_t seed, int threads) {
  loomLearner l;
  loomError err = {0, ""};
  loomEnvironmentMaker maker = toy_maker();
  if (terminates) maker.source = &terminates;
  loomPpoConfig ppo = loom_default_ppo_config();
  loomTd3Config td3 = loom_default_td3_config();

  // Small and quick.
  ppo.environments = 4;
  ppo.steps = 64;
  ppo.discount = 0.5;
  ppo.minibatches = 4;
  ppo.rate = 3e-3;
  ppo.log_std = -1;
  ppo.hidden = (loomSizes){1, {16}};
  td3.environments = 4;
  td3.buffer = 20000;
  td3.warmup = 1000;
  td3.batch = 128;
  td3.updates = 0.25;
  td3.discount = 0.5;
  td3.n_step = 2;
  td3.rate = 3e-3;
  td3.anneal = anneals;
  td3.hidden = (loomSizes){1, {32}};
  if (noise > 0) td3.noise = noise;

  const loomTd3Guide guide = {.normalized = true,
                              .gated = true,
                              .warmup_noise = noise > 0 ? noise : 0.5,
                              .keep = keeps,
                              .critics_first = 100,
                              .free = 0.25,
                              .ramp = ramp,
                              .tether = 0.001,
                              .share = 0.5,
                              .successes = 1000,
                              .longest = 5,
                              .iteration = 250};
  if (m == RESIDUAL) td3.batch = 64;
  if (m == RESIDUAL) td3.warmup = 500;

  // A rate far too large for the mixture, which follows how far it moves.
  if (m == MIXTURE) ppo.target_kl = 0.003;
  if (m == MIXTURE) ppo.rate = 0.1;
  if (m == MIXTURE) ppo.anneal = false;
  int code;
  if (m == PPO)
    code = loom_ppo_create(&l, &ppo, NULL, &maker, 80 * 256, seed, threads, &err);
  else if (m == MIXTURE)
    code = make_mixture(&l, &ppo, &maker, seed, threads, &err);
  else if (m == DENOISER)
    code = make_denoiser(&l, &ppo, &maker, seed, threads, &err);
  else
    code = loom_td3_create(&l, &td3, m == RESIDUAL ? &guide : NULL, &maker, 20000, seed, threads, &err);
  if (code) fail_msg("%s", err.message);
  if (keeps > 0 && l.evaluated) l.evaluated(l.self, 0.9);
  return l;
}

static void iterate(loomLearner* l, int n) {
  loomError err = {0, ""};

  for (int k = 0; k < n; k++)
    if (l->iterate(l->self, &err)) fail_msg("%s", err.message);
}

// The mean distance from the best action.
static double error_of(loomLearner* l) {
  double sum = 0;

  for (int k = 0; k < 41; k++) {
    double x = (k - 20) / 20.0, action;
    l->act(&action, l->self, &x);
    sum += fabs(action - x / 2) / 41;
  }
  return sum;
}

static void finds_the_best(void** state) {
  (void)state;

  for (int m = 0; m < RESIDUAL; m++) {
    for (uint64_t seed = 1; seed <= (m == PPO ? 2 : 1); seed++) {
      loomLearner l = make_learner((method)m, seed, 1);
      double before = error_of(&l);
      iterate(&l, m == TD3 ? 8 : 80);
      double after = error_of(&l);
      if (!(before > 0.15 && after < 0.06))
        fail_msg("method %d, seed %d: from %g to %g", m, (int)seed, before, after);
      drop(&l);
    }
  }
}

// A critic that knows nothing yet spoils no policy: it learns alone at first.
static void critic_learns_first(void** state) {
  (void)state;
  loomLearner l = make_learner(MIXTURE, 1, 1);
  const policy* p = l.owner;
  size_t bytes = p->net.params.total * sizeof(loomReal);
  loomReal* before = malloc(bytes);
  assert_non_null(before);
  memcpy(before, p->net.params.value, bytes);

  iterate(&l, CRITIC_FIRST);
  assert_memory_equal(p->net.params.value, before, bytes);
  iterate(&l, 1);
  assert_true(memcmp(p->net.params.value, before, bytes) != 0);
  free(before);
  drop(&l);
}

static void read_numbers(double* out, loomLearner* l, const char* name, int count) {
  loomSafeTensor all[LOOM_LEARNER_TENSORS];
  int acting, n = l->tensors(all, &acting, l->self);

  for (int i = 0; i < n; i++)
    if (!strcmp(all[i].name, name)) memcpy(out, all[i].data, (size_t)count * sizeof *out);
}

// Where the actor learns in the first epochs only, and where it has moved far enough, the critic goes on.
static void critic_goes_on(void** state) {
  (void)state;
  enum { MINIBATCHES = 4, EPOCHS = 10, ITERATIONS = 5 };

  for (method m = MIXTURE; m <= DENOISER; m++) {
    loomLearner l = make_learner(m, 1, 1);
    double all[2], own[2];
    iterate(&l, ITERATIONS);
    read_numbers(all, &l, "train.counters", 2);
    read_numbers(own, &l, "train.actor_counters", 2);

    int most = (ITERATIONS - CRITIC_FIRST) * (m == MIXTURE ? EPOCHS : ACTOR_EPOCHS) * MINIBATCHES;
    assert_int_equal((int)all[1], ITERATIONS * EPOCHS * MINIBATCHES);
    if (m == MIXTURE) assert_true(own[0] > 0 && own[0] < most);
    if (m == DENOISER) assert_int_equal((int)own[0], most);
    drop(&l);
  }
}

static double scalar_of(loomLearner* l, const char* tag) {
  loomScalar all[LOOM_LEARNER_SCALARS];
  int n = l->scalars(all, l->self);

  for (int i = 0; i < n; i++)
    if (!strcmp(all[i].tag, tag)) return all[i].value;
  return NAN;
}

static const double* deviation_of(const loomLearner* l, method m) {
  const policy* p = l->owner;
  return m == MIXTURE ? &p->actor.mixture.min_std : &p->denoiser.def.std;
}

// Noise that fails every episode shrinks until about as many succeed as are wanted; noise that fails none
// grows to what it may be, and no further.
static void noise_follows_success(void** state) {
  (void)state;
  const struct {
    double noise, low, high;  // at most, and where it ends
  } all[] = {{40, 0.15, 1.3}, {0.02, 0.02, 0.02}};

  for (method m = MIXTURE; m <= DENOISER; m++)
    for (size_t c = 0; c < sizeof all / sizeof *all; c++) {
      noise = all[c].noise;
      keeps = 0.5;
      loomLearner l = make_learner(m, 1, 1);
      double first = *deviation_of(&l, m);
      if (!(fabs(first - noise / 4) < 1e-12))
        fail_msg("method %d: %g at first, not %g", (int)m, first, noise / 4);

      iterate(&l, 16);
      double last = *deviation_of(&l, m), told = scalar_of(&l, "train/deviation");
      if (!(last >= all[c].low && last <= all[c].high && told == last))
        fail_msg("method %d: noise of %g at most became %g", (int)m, noise, last);
      drop(&l);
      noise = keeps = 0;
    }
}

// The same of what is added to a policy's actions, of which the settings' noise is a share.
static void noise_of_offsets_follows_success(void** state) {
  (void)state;
  const struct {
    double noise, low, high;  // as said, and what is left of it
  } all[] = {{40, 0.002, 0.05}, {0.02, 1, 1}};
  keeps = 0.5;

  for (size_t c = 0; c < sizeof all / sizeof *all; c++) {
    noise = all[c].noise;
    loomLearner l = make_learner(RESIDUAL, 1, 1);
    assert_true(scalar_of(&l, "train/noise") == 0.25);

    iterate(&l, 16);
    double left = scalar_of(&l, "train/noise");
    if (!(left >= all[c].low && left <= all[c].high))
      fail_msg("of a noise of %g a share of %g is left", noise, left);
    drop(&l);
  }
  noise = keeps = 0;
}

// At first nothing is added to a policy's actions, then more and more often, at last always.
static void offsets_come_gradually(void** state) {
  (void)state;
  const int iterations[] = {2, 4, 16};  // of 1,000 steps of 20,000
  const double low[] = {0.75, 0.55, 0}, high[] = {1, 0.85, 0};
  ramp = 0.5;
  loomLearner l = make_learner(RESIDUAL, 1, 1);

  for (int c = 0, done = 0; c < 3; done = iterations[c++]) {
    iterate(&l, iterations[c] - done);
    double alone = scalar_of(&l, "train/alone");
    if (!(alone >= low[c] && alone <= high[c])) fail_msg("after %d: alone %g", iterations[c], alone);
  }

  // It has learned as one that acts at once.
  assert_true(error_of(&l) < 0.1);
  drop(&l);
  ramp = 0;
}

// What is not wanted is left alone, and so is what nobody has measured.
static void noise_stays(void** state) {
  (void)state;
  noise = 40;
  loomLearner l = make_learner(MIXTURE, 1, 1);
  iterate(&l, 4);
  assert_true(*deviation_of(&l, MIXTURE) == noise);
  assert_true(isnan(scalar_of(&l, "train/deviation")));
  drop(&l);
  noise = 0;
}

// By the steps that an iteration begins after, of those in all.
static void rate_falls(void** state) {
  (void)state;
  anneals = true;
  for (method m = TD3; m <= RESIDUAL; m++) {
    loomLearner l = make_learner(m, 1, 1);

    for (int k = 0; k < 8; k++) {
      double left = 1 - (double)l.vector->control_steps / 20000;

      iterate(&l, 1);
      assert_true(fabs(scalar_of(&l, "train/rate") - 3e-3 * fmax(left, 0)) < 1e-12);
    }

    if (m == TD3) assert_true(scalar_of(&l, "train/rate") == 0);
    drop(&l);
  }

  anneals = false;
}

// It comes to the best from a policy that does nothing; where that is far off, the gate lets the residual
// pass; batches are of its successes too.
static void gate_opens(void** state) {
  (void)state;
  loomLearner l = make_learner(RESIDUAL, 1, 1);
  loomTd3Network* net = (loomTd3Network*)(uintptr_t)loom_td3_network_of(&l);
  loomReal obs[2] = {(loomReal)-0.9, (loomReal)0.9}, action[2] = {0};
  assert_int_equal(loom_td3_network_gate(action, NULL, net, obs, 2), 0);

  double before = error_of(&l);
  iterate(&l, 12);
  double after = error_of(&l);
  if (!(before > 0.15 && after < 0.08)) fail_msg("from %g to %g", before, after);
  memcpy(action, loom_td3_network_act(net, obs, 2, false), sizeof action);
  assert_int_equal(loom_td3_network_gate(action, NULL, net, obs, 2), 2);
  assert_int_equal(loom_experience_count(loom_td3_successes_of(&l)), 1000);
  drop(&l);
}

// What critics expect is told beside what follows: first nothing, as nobody asks them while it warms up; in
// the end both are alike.
static void expected_is_followed(void** state) {
  (void)state;
  terminates = true;
  loomLearner l = make_learner(RESIDUAL, 1, 1);
  terminates = false;
  assert_true(isnan(scalar_of(&l, "train/expected")));

  iterate(&l, 12);
  double expected = scalar_of(&l, "train/expected"), followed = scalar_of(&l, "train/followed");
  // 1 + 1/2 + ... of each of 5 steps is 1.61 on average, less what noise costs.
  if (!(followed > 1.3 && followed < 1.62 && fabs(expected - followed) < 0.25))
    fail_msg("%g expected, %g followed", expected, followed);
  drop(&l);
}

static void threads_change_nothing(void** state) {
  (void)state;
  keeps = ramp = 0.5;
  for (int m = 0; m < METHODS; m++) {
    uint64_t first = 0;
    for (int threads = 1; threads <= 3; threads++) {
      loomLearner l = make_learner((method)m, 5, threads);
      iterate(&l, 2);
      uint64_t hash = hash_learner(&l);
      if (threads == 1) first = hash;
      assert_true(hash == first);
      drop(&l);
    }

    loomLearner other = make_learner((method)m, 6, 1);
    iterate(&other, 2);
    assert_true(hash_learner(&other) != first);
    drop(&other);
  }

  keeps = ramp = 0;
}

static void goes_on_from_tensors(void** state) {
  (void)state;
  noise = 40;
  keeps = ramp = 0.5;
  for (int m = 0; m < METHODS; m++) {
    loomLearner a = make_learner((method)m, 5, 1), b = make_learner((method)m, 5, 1);
    loomSafeTensor from[LOOM_LEARNER_TENSORS], to[LOOM_LEARNER_TENSORS];
    loomError err = {0, ""};
    int acting;
    iterate(&a, 3);
    a.freeze(a.self);

    // Copied into one that has done nothing yet.
    int n = a.tensors(from, &acting, a.self);
    assert_int_equal(b.tensors(to, &acting, b.self), n);
    for (int i = 0; i < n; i++) {
      assert_string_equal(from[i].name, to[i].name);
      memcpy((void*)(uintptr_t)to[i].data, from[i].data,
             (size_t)loom_safe_tensor_count(&from[i]) * (size_t)loom_safe_type_size(from[i].type));
    }
    assert_int_equal(b.thaw(b.self, &err), 0);

    iterate(&a, 2);
    iterate(&b, 2);
    assert_true(hash_learner(&a) == hash_learner(&b));
    drop(&a);
    drop(&b);
  }

  noise = keeps = ramp = 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_the_best),
      cmocka_unit_test(critic_learns_first),
      cmocka_unit_test(critic_goes_on),
      cmocka_unit_test(noise_follows_success),
      cmocka_unit_test(noise_of_offsets_follows_success),
      cmocka_unit_test(offsets_come_gradually),
      cmocka_unit_test(noise_stays),
      cmocka_unit_test(rate_falls),
      cmocka_unit_test(gate_opens),
      cmocka_unit_test(expected_is_followed),
      cmocka_unit_test(threads_change_nothing),
      cmocka_unit_test(goes_on_from_tensors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
