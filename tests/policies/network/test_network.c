// Policies' networks as wholes: what they decide is a function of the random stream, and the same alone or
// beside others; each learns a small set by heart.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "policies/network/actor.h"
#include "policies/nn/optimizer.h"
#include "tests/policies/network/network_fixture.h"

static void decisions(void** state) {
  (void)state;
  loomError err = {0, ""};
  for (int k = 0; k < LOOM_KINDS; k++) {
    netCase* c = test_calloc(1, sizeof *c);
    loomTrainConfig config = small_config((loomPolicyKind)k, 16);
    make(c, &config);

    loomActor actor[2];
    loomReal out[2][8 * ACTIONS];

    // The second after having decided other things.
    int count = loom_network_decided(&c->net.def) * ACTIONS;
    for (int i = 0; i < 2; i++) {
      if (loom_actor_create(&actor[i], &c->net, &err)) fail_msg("%s", err.message);

      // What came before must not show.
      loomRandom other = loom_random(9, 1, LOOM_PURPOSE_TEST), same = loom_random(9, 2, LOOM_PURPOSE_TEST);
      loom_actor_begin(&actor[i]);
      for (int t = 0; t < 3 * i; t++) loom_actor_decide(out[i], &actor[i], c->obs + 7, &other);
      loom_actor_begin(&actor[i]);
      loom_actor_decide(out[i], &actor[i], c->obs, &same);
    }

    assert_memory_equal(out[0], out[1], (size_t)count * sizeof **out);

    loom_actor_destroy(&actor[0]);
    loom_actor_destroy(&actor[1]);
    unmake(c);
    test_free(c);
  }
}

// n decisions at once, each from what it sees and a stream of its own; then the streams are where they were.
static void decide_beside_others(const netCase* c, loomActor* actor, int n) {
  enum { MOST = 8 * ACTIONS };
  loomDecision decision[LOOM_TOGETHER];
  loomRandom random[2][LOOM_TOGETHER];
  loomReal out[2][LOOM_TOGETHER][MOST];
  const loomNetworkDef* def = &c->net.def;
  size_t count = (size_t)(loom_network_decided(def) * ACTIONS);
  assert_true(count <= MOST);

  for (int i = 0; i < n; i++) {
    const loomReal* obs = c->obs + i * loom_network_seen(def) * OBS;
    random[0][i] = random[1][i] = loom_random(9, (uint64_t)i, LOOM_PURPOSE_TEST);
    loom_actor_decide(out[0][i], actor, obs, &random[0][i]);
    decision[i] = (loomDecision){out[1][i], obs, &random[1][i]};
  }

  loom_actor_decide_together(decision, actor, n);
  for (int i = 0; i < n; i++) {
    assert_memory_equal(out[0][i], out[1][i], count * sizeof(loomReal));
    assert_true(loom_random_uniform(&random[0][i]) == loom_random_uniform(&random[1][i]));
  }
}

// All networks can whose rows know nothing of each other.
static void decisions_together(void** state) {
  (void)state;
  static const bool able[LOOM_KINDS] = {[LOOM_KIND_BC_L2] = true,
                                        [LOOM_KIND_BC_GAUSSIAN] = true,
                                        [LOOM_KIND_BC_GMM] = true,
                                        [LOOM_KIND_DIFFUSION_MLP] = true};
  static const int widths[] = {16, 21, 300};
  loomError err = {0, ""};

  for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
    for (int k = 0; k < LOOM_KINDS; k++) {
      if (!able[k] && w) continue;
      netCase* c = test_calloc(1, sizeof *c);
      loomTrainConfig config = small_config((loomPolicyKind)k, widths[w]);
      loomActor actor;
      make(c, &config);
      if (loom_actor_create(&actor, &c->net, &err)) fail_msg("%s", err.message);

      assert_int_equal(loom_network_together(&c->net.def), able[k]);
      for (int n = 1; n <= (able[k] ? LOOM_TOGETHER : 0); n++) decide_beside_others(c, &actor, n);

      loom_actor_destroy(&actor);
      unmake(c);
      test_free(c);
    }
  }
}

// Of a network that knows nothing yet: how far its actions are apart. Low-noise evaluation leaves the mode's
// choice, a mixture of one has none.
static double spread(double evaluation_std, double fixed_std) {
  enum { TRIES = 400 };
  loomError err = {0, ""};
  netCase* c = test_calloc(1, sizeof *c);
  loomTrainConfig config = small_config(LOOM_KIND_BC_GAUSSIAN, 16);
  loomActor actor;
  loomReal out[ACTIONS];
  loomRandom r = loom_random(6, 0, LOOM_PURPOSE_TEST);

  config.policy.evaluation_std = evaluation_std;
  config.policy.fixed_std = fixed_std;
  make(c, &config);
  if (loom_actor_create(&actor, &c->net, &err)) fail_msg("%s", err.message);

  // 400 decisions: a standard deviation is known within 4 %.
  double sum = 0, square = 0;
  for (int i = 0; i < TRIES; i++) {
    loom_actor_decide(out, &actor, c->obs, &r);
    sum += (double)out[0];
    square += (double)(out[0] * out[0]);
  }

  loom_actor_destroy(&actor);
  unmake(c);
  test_free(c);

  // Sqrt(E[x^2] - E[x]^2).
  return sqrt(fmax(0, square / TRIES - sum / TRIES * sum / TRIES));
}

static void noise_of_decisions(void** state) {
  (void)state;

  // As told for evaluation, as learned, and as fixed.
  assert_true(spread(1e-4, 0) < 1e-3);
  assert_true(fabs(spread(0.3, 0) - 0.3) < 0.04);
  assert_true(spread(0, 0) > 0.5);  // softplus(0) = 0.69
  assert_true(fabs(spread(0, 0.2) - 0.2) < 0.03);
}

// Off its data a denoiser sees what lies at the data's edge, and no action leaves theirs, unless neither is
// held. Every number has bounds of its own.
static void decisions_are_held(void** state) {
  (void)state;
  static const struct {
    bool obs, actions;
  } held[] = {{true, true}, {true, false}, {false, false}};
  static const float least[OBS] = {-1.2f, -3, 0.25f, -0.5f, 0}, most[OBS] = {1.2f, -1, 0.25f, 8, 1};
  loomError err = {0, ""};

  for (int kind = LOOM_KIND_DIFFUSION; kind <= LOOM_KIND_DIFFUSION_MLP; kind++) {
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
      netCase* c = test_calloc(1, sizeof *c);
      loomTrainConfig config = small_config((loomPolicyKind)kind, 16);
      make(c, &config);
      if (held[i].obs) c->net.def.obs_bounds = (loomBounds){least, most};
      if (held[i].actions) c->net.def.action_bounds = (loomBounds){least, most};
      for (size_t j = 0; j < c->net.params.total; j++) c->net.params.value[j] *= 20;  // says more than it may

      loomActor actor;
      if (loom_actor_create(&actor, &c->net, &err)) fail_msg("%s", err.message);
      size_t seen = (size_t)loom_network_seen(&c->net.def) * (size_t)c->net.def.obs_dim,
             decided = (size_t)config.policy.executed * ACTIONS;
      loomReal* obs = test_malloc(seen * sizeof *obs);
      loomReal* out[2];
      bool bounded = true;

      // Far off, and at the bounds.
      for (int far = 0; far < 2; far++) {
        loomRandom random = loom_random(6, 0, LOOM_PURPOSE_TEST);
        out[far] = test_malloc(decided * sizeof **out);
        for (size_t j = 0; j < seen; j++) {
          bool down = j % 2;
          obs[j] = (loomReal)(down ? least[j % OBS] : most[j % OBS]) + (loomReal)(far ? (down ? -9 : 9) : 0);
        }

        loom_actor_decide(out[far], &actor, obs, &random);
        for (size_t j = 0; j < decided; j++) {
          bounded = bounded && out[far][j] >= (loomReal)least[j % ACTIONS];
          bounded = bounded && out[far][j] <= (loomReal)most[j % ACTIONS];
        }
      }
      assert_int_equal(!memcmp(out[0], out[1], decided * sizeof **out), held[i].obs);
      assert_int_equal(bounded, held[i].actions);

      for (int far = 0; far < 2; far++) test_free(out[far]);
      test_free(obs);
      loom_actor_destroy(&actor);
      unmake(c);
      test_free(c);
    }
  }
}

static void learned_by_heart(void** state) {
  (void)state;
  loomError err = {0, ""};
  for (int k = 0; k < (getenv("LOOM_QUICK") ? 1 : LOOM_KINDS); k++) {
    netCase* c = test_calloc(1, sizeof *c);

    loomTrainConfig config = small_config((loomPolicyKind)k, k == LOOM_KIND_DIFFUSION_MLP ? 128 : 48);
    if (k == LOOM_KIND_DIFFUSION) config.policy.layers = (loomSizes){2, {16, 32}};
    make(c, &config);
    loomAdamDef adam = loom_default_adam_def();

    // Each step shows a denoiser only one noise of each sample.
    uint64_t steps = loom_policy_denoises(k) ? 4000 : 1200;
    loomScheduleDef schedule = {.kind = LOOM_SCHEDULE_COSINE, .rate = 3e-3, .steps = steps};
    for (uint64_t step = 1; step <= steps; step++) {
      loom_supervised_loss(&c->net, &c->objective, &c->samples, 1, step, true);
      loom_adam_step(&c->net.params, &adam, loom_schedule_rate(&schedule, step - 1), step);
    }

    // Decided with as many steps of denoising as the policy takes.
    loomActor actor;
    if (loom_actor_create(&actor, &c->net, &err)) fail_msg("%s", err.message);

    const loomNetworkDef* def = &c->net.def;
    double worst = 0;
    for (int i = 0; i < N; i++) {
      loomReal out[8 * ACTIONS];
      loomRandom r = loom_random(4, (uint64_t)i, LOOM_PURPOSE_TEST);
      loom_actor_begin(&actor);
      loom_actor_decide(out, &actor, c->obs + i * def->obs_rows * OBS, &r);

      // Of the newest row seen.

      int row = loom_network_seen(def) - 1 - (loom_policy_denoises(k) ? 0 : def->obs_rows - def->action_rows);
      const loomReal* wanted = c->actions + (i * def->action_rows + row) * ACTIONS;
      for (int a = 0; a < ACTIONS; a++) worst = fmax(worst, fabs((double)(out[a] - wanted[a])));
    }

    if (!(worst < 0.1)) fail_msg("%s: decides %g beside", loom_policy_kind_name((loomPolicyKind)k), worst);
    loom_actor_destroy(&actor);
    unmake(c);
    test_free(c);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decisions), cmocka_unit_test(decisions_together), cmocka_unit_test(noise_of_decisions),
      cmocka_unit_test(decisions_are_held), cmocka_unit_test(learned_by_heart)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
