// Gradients of PPO's and TD3's losses against central differences, in double.
#include <math.h>
#define LOOM_DOUBLE

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policies/network/actor_critic.h"
#include "policies/network/mixture_actor.h"
#include "policies/network/td3_network.h"
#include "policies/objective/gaussian.h"

enum { N = 12, OBS = 4, ACTIONS = 3, MOST = 1024 };

static void draw(loomReal* out, int n, double scale, uint64_t stream) {
  loomRandom random = loom_random(9, stream, LOOM_PURPOSE_TEST);
  for (int i = 0; i < n; i++) out[i] = (loomReal)(scale * loom_random_normal(&random));
}

// loss_of computes the loss and leaves its gradient in params.
static void compare(const char* name, loomParams* params, double (*loss_of)(void*), void* arg) {
  static loomReal analytic[MOST];
  const double step = 1e-6;
  assert_true(params->total <= MOST);
  loss_of(arg);
  memcpy(analytic, params->gradient, params->total * sizeof *analytic);

  for (size_t i = 0; i < params->total; i++) {
    loomReal kept = params->value[i];
    params->value[i] = kept + (loomReal)step;
    double above = loss_of(arg);
    params->value[i] = kept - (loomReal)step;
    double below = loss_of(arg);
    params->value[i] = kept;

    double slope = (above - below) / (2 * step);
    if (!(fabs(slope - (double)analytic[i]) < 1e-6 + 1e-5 * fabs(slope)))
      fail_msg("%s: parameter %zu has slope %g, not %g", name, i, slope, (double)analytic[i]);
  }
}

typedef struct ppoCase {
  loomActorCritic net;
  loomPpoRows rows;
  loomPpoLossDef def;
  loomReal scratch[4 * N];
} ppoCase;

static double ppo_loss(void* arg) {
  ppoCase* c = arg;
  loomPpoNetwork net = loom_actor_critic_network(&c->net);
  return loom_ppo_loss(&net, &c->rows, N, &c->def, c->scratch).loss;
}

static void ppo(void** state) {
  (void)state;
  static loomReal obs[N * OBS], action[N * ACTIONS], log_prob[N], value[N], advantage[N], returns[N];
  static const loomPpoLossDef defs[] = {
      {0.2, 0.2, 0.5, 0.01, true, false}, {0.1, 0, 1, 0, false, false}, {5, 5, 1, 0.1, true, false}};
  loomActorCriticDef def = {.obs = OBS,
                            .actions = ACTIONS,
                            .hidden = {2, {7, 6}},
                            .activation = LOOM_ACTIVATION_TANH,
                            .orthogonal = true,
                            .log_std = -0.3};
  loomError err = {0, ""};
  draw(obs, N * OBS, 1, 1);
  draw(value, N, 1, 3);
  draw(advantage, N, 1, 4);
  draw(returns, N, 1, 5);

  for (size_t k = 0; k < sizeof defs / sizeof *defs; k++) {
    static ppoCase c;
    c = (ppoCase){.rows = {obs, obs, action, log_prob, value, advantage, returns}, .def = defs[k]};
    assert_int_equal(loom_actor_critic_create(&c.net, &def, 1, N, &err), 0);

    // Actions near the means; ratios on both sides of the bounds, none at one.
    const loomReal* mean = loom_actor_critic_mean(&c.net, obs, N);
    draw(action, N * ACTIONS, 0.7, 2);
    for (int i = 0; i < N * ACTIONS; i++) action[i] += mean[i];
    loom_gaussian_log_prob(log_prob, mean, loom_actor_critic_log_std(&c.net), action, N, ACTIONS);
    for (int i = 0; i < N; i++) log_prob[i] += (loomReal)(0.37 * (i % 5 - 2) + 0.013);
    compare("ppo", &c.net.params, ppo_loss, &c);
    loom_actor_critic_destroy(&c.net);
  }
}

// ---- a trained network as the actor

typedef struct mixtureCase {
  loomNetwork net;
  loomMixtureActor actor;
  loomCritic critic;
  loomPpoRows rows;
  loomSamples demos;
} mixtureCase;

static const loomPpoLossDef mixture_loss_def = {0.2, 0.2, 0.5, 0.01, true, false};

static double mixture_loss(void* arg) {
  static loomReal scratch[4 * N];
  mixtureCase* c = arg;
  loomPpoNetwork net = {loom_mixture_actor(&c->actor), &c->critic.mlp, &c->critic.params};

  double loss = loom_ppo_loss(&net, &c->rows, N, &mixture_loss_def, scratch).loss;
  return loss + loom_mixture_actor_clone(&c->actor, &c->demos, 0.3);
}

enum { ROWS = 3, SEEN = 1 + ROWS * OBS };

// stack and length: as training sets have them.
static void mixture_of(loomPolicyKind kind, int stack, int length) {
  static loomReal seen[N * SEEN], obs[N * OBS], demo_seen[N * SEEN], demo_action[N * ROWS * ACTIONS],
      real[N * ROWS], action[N * ACTIONS], log_prob[N], now[N], value[N], advantage[N], returns[N];
  static double given[N * ACTIONS];
  static mixtureCase c;
  loomRandom random[N];
  loomError err = {0, ""};
  loomNetworkConfig policy = loom_default_network_config(kind);
  loomEncoderConfig encoder = {0};
  policy.layers = (loomSizes){1, {6}};
  policy.width = policy.hidden = 4;
  policy.blocks = policy.heads = policy.rnn_layers = 1;
  policy.dropout = 0;
  policy.modes = 2;
  loomNetworkDef def = loom_network_def(&policy, &encoder, stack, length, OBS, ACTIONS);
  c = (mixtureCase){.rows = {obs, seen, action, log_prob, value, advantage, returns},
                    .demos = {.n = N, .obs = demo_seen, .actions = demo_action, .real = real}};
  assert_int_equal(loom_network_create(&c.net, &def, 1, &err), 0);
  assert_int_equal(loom_mixture_actor_create(&c.actor, &c.net, 0.2, true, N, &err), 0);
  assert_int_equal(loom_critic_create(&c.critic, OBS, (int[]){5}, 1, 1, N, &err), 0);
  draw(c.net.params.value, (int)c.net.params.total, 0.5, 9);

  draw(seen, N * SEEN, 1, 1);
  draw(obs, N * OBS, 1, 2);
  draw(demo_seen, N * SEEN, 1, 3);
  draw(demo_action, N * ROWS * ACTIONS, 0.5, 4);
  draw(value, N, 1, 5);
  draw(advantage, N, 1, 6);
  draw(returns, N, 1, 7);
  for (int i = 0; i < N * ROWS; i++) real[i] = i % 4 != 3;
  for (int i = 0; kind == LOOM_KIND_BC_RNN_GMM && i < N; i++) seen[i * c.actor.inputs] = i % length;

  // Actions as it draws them have the log-probabilities that it tells.
  loomPpoActor actor = loom_mixture_actor(&c.actor);
  for (int i = 0; i < N; i++) random[i] = loom_random(3, (uint64_t)i, LOOM_PURPOSE_EXPLORE);
  actor.draw(given, action, log_prob, actor.self, seen, N, random);
  actor.log_prob(now, actor.self, seen, action, N);
  for (int i = 0; i < N; i++) assert_true(now[i] == log_prob[i]);
  for (int i = 0; i < N * ACTIONS; i++) assert_true(given[i] == action[i]);

  for (int i = 0; i < N; i++) log_prob[i] += 0.37 * (i % 5 - 2) + 0.013;
  compare(loom_policy_kind_name(kind), &c.net.params, mixture_loss, &c);
  compare("its critic", &c.critic.params, mixture_loss, &c);
  loom_mixture_actor_destroy(&c.actor);
  loom_critic_destroy(&c.critic);
  loom_network_destroy(&c.net);
}

static void mixtures(void** state) {
  (void)state;
  mixture_of(LOOM_KIND_BC_GAUSSIAN, 1, 1);
  mixture_of(LOOM_KIND_BC_GMM, 2, 1);
  mixture_of(LOOM_KIND_BC_TRANSFORMER, 1, 2);
  mixture_of(LOOM_KIND_BC_RNN_GMM, 1, 3);
}

// Several ratios a decision: each as a decision of its own with its share of advantage and clip.
static void several_ratios(void** state) {
  (void)state;
  enum { RATIOS = 3 };
  static const double share[RATIOS] = {1, 0.5, 0.25}, clips[RATIOS] = {0.5, 1, 2};
  loomReal now[N * RATIOS], then[N * RATIOS], advantage[N], slope[N * RATIOS];
  double loss = 0;
  draw(now, N * RATIOS, 0.3, 1);
  draw(then, N * RATIOS, 0.3, 2);
  draw(advantage, N, 1, 3);
  loomPolicyLoss all =
      loom_policy_loss(slope, now, then, advantage, N, &(loomPolicyLossDef){0.2, RATIOS, share, clips});

  for (int i = 0; i < N * RATIOS; i++) {
    int k = i % RATIOS;
    loomReal one, part = advantage[i / RATIOS] * share[k];
    loss += loom_policy_loss(&one, now + i, then + i, &part, 1,
                             &(loomPolicyLossDef){0.2 * clips[k], 1, NULL, NULL})
                .loss /
            (N * RATIOS);
    assert_true(fabs(one / (N * RATIOS) - slope[i]) < 1e-14);
  }
  assert_true(fabs(all.loss - loss) < 1e-12);
}

typedef struct td3Case {
  loomTd3Network net;
  loomReal obs[N * OBS], action[N * ACTIONS], target[N];
} td3Case;

static double critic_loss(void* arg) {
  td3Case* c = arg;
  return loom_td3_network_critic_loss(&c->net, c->obs, c->action, c->target, N);
}

static double actor_loss(void* arg) {
  td3Case* c = arg;
  return loom_td3_network_actor_loss(&c->net, c->obs, N);
}

static void td3(void** state) {
  (void)state;
  static td3Case c;
  loomError err = {0, ""};

  // Plain ones, and those of a residual.
  for (int residual = 0; residual < 2; residual++) {
    loomTd3Def def = {.obs = OBS,
                      .actions = ACTIONS,
                      .hidden = {2, {7, 6}},
                      .critics = 3,
                      .normalized = residual,
                      .gated = residual,
                      .tether = residual ? 0.3 : 0};
    assert_int_equal(loom_td3_network_create(&c.net, &def, 1, N, &err), 0);
    draw(c.obs, N * OBS, 1, 1);
    draw(c.action, N * ACTIONS, 1, 2);
    draw(c.target, N, 1, 3);

    // A residual begins with nothing.
    const loomReal* first = loom_td3_network_act(&c.net, c.obs, N, false);
    for (int i = 0; residual && i < N * ACTIONS; i++) assert_true(first[i] == 0);
    draw(c.net.actor.value, (int)c.net.actor.total, 0.5, 4);
    compare("critics", &c.net.critics, critic_loss, &c);
    compare("actor", &c.net.actor, actor_loss, &c);
    loom_td3_network_destroy(&c.net);
  }
}

// Rows pass where every critic by itself says so; targets follow what passes.
static void gate(void** state) {
  (void)state;
  loomTd3Network net;
  loomTd3Def def = {
      .obs = OBS, .actions = ACTIONS, .hidden = {1, {8}}, .critics = 3, .normalized = true, .gated = true};
  loomError err = {0, ""};
  static loomReal obs[N * OBS], action[N * ACTIONS], kept[N * ACTIONS], noise[N * ACTIONS], reward[N],
      discount[N], target[N], still[N * 3], moved[N * 3];
  assert_int_equal(loom_td3_network_create(&net, &def, 1, N, &err), 0);
  draw(obs, N * OBS, 1, 1);
  draw(action, N * ACTIONS, 0.5, 2);
  for (int i = 0; i < N; i++) discount[i] = 1;
  for (int i = 0; i < N * ACTIONS; i++) action[i] = fmax(fmin(action[i], 1), -1);

  // Each critic by itself.
  for (int k = 0; k < 3; k++) {
    loomReal input[OBS + ACTIONS];
    for (int i = 0; i < N; i++) {
      memcpy(input, obs + i * OBS, OBS * sizeof *obs);
      memcpy(input + OBS, action + i * ACTIONS, ACTIONS * sizeof *obs);
      moved[k * N + i] = *loom_mlp_forward(&net.critic_mlp[k], &net.slow_critics, input, 1);
      memset(input + OBS, 0, ACTIONS * sizeof *obs);
      still[k * N + i] = *loom_mlp_forward(&net.critic_mlp[k], &net.slow_critics, input, 1);
    }
  }

  // The actor says 0, so the noise is the whole action of the target.
  memcpy(kept, action, sizeof kept);
  memcpy(noise, action, sizeof noise);
  int passed = loom_td3_network_gate(kept, &net, obs, N), expected = 0;
  loom_td3_network_target(target, &net, reward, discount, obs, noise, N);
  for (int i = 0; i < N; i++) {
    bool better = true;
    loomReal low[2] = {INFINITY, INFINITY};
    for (int k = 0; k < 3; k++) {
      better = better && moved[k * N + i] > still[k * N + i];
      low[0] = fmin(low[0], still[k * N + i]);
      low[1] = fmin(low[1], moved[k * N + i]);
    }
    expected += better;
    for (int j = 0; j < ACTIONS; j++)
      assert_true(kept[i * ACTIONS + j] == (better ? action[i * ACTIONS + j] : 0));
    assert_true(fabs(target[i] - low[better]) < 1e-12);
  }
  assert_int_equal(passed, expected);
  assert_true(passed > 0 && passed < N);

  // No more and no less than can be had.
  int cut = 0;
  memcpy(still, target, sizeof target);
  net.def.least = -0.01;
  net.def.most = 0.02;
  loom_td3_network_target(target, &net, reward, discount, obs, noise, N);
  for (int i = 0; i < N; i++) {
    assert_true(target[i] == fmin(fmax(still[i], (loomReal)-0.01), (loomReal)0.02));
    cut += target[i] != still[i];
  }
  assert_true(cut > 0);
  loom_td3_network_destroy(&net);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(ppo), cmocka_unit_test(mixtures),
                                     cmocka_unit_test(several_ratios), cmocka_unit_test(td3),
                                     cmocka_unit_test(gate)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
