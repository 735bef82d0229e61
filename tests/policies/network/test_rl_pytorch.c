// Losses of PPO and TD3, their gradients and a step against PyTorch (tests/golden/make_rl_golden.py), in
// float.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "engine/base/file.h"
#include "policies/network/actor_critic.h"
#include "policies/network/td3_network.h"
#include "policies/nn/optimizer.h"

enum { N = 24, OBS = 5, ACTIONS = 3, HIDDEN = 8, MOST = 1024 };

// Errors are shares of the largest number of their array.
static const double tolerance = 1e-5;

static cJSON* golden;

static int setup(void** state) {
  char* text;
  (void)state;
  if (loom_read_text(&text, NULL, "tests/golden/rl_cases.json", 1 << 22, NULL)) return -1;

  golden = cJSON_Parse(text);
  free(text);
  return golden ? 0 : -1;
}

static int teardown(void** state) {
  (void)state;
  cJSON_Delete(golden);
  return 0;
}

static const cJSON* array(const char* name, const char* key, size_t count) {
  const cJSON* a = cJSON_GetObjectItem(cJSON_GetObjectItem(golden, name), key);

  if (!a || (size_t)cJSON_GetArraySize(a) != count)
    fail_msg("%s: %s is missing or not %zu long", name, key, count);
  return a;
}

static void take(loomReal* out, const char* name, const char* key, size_t count) {
  for (const cJSON* v = array(name, key, count)->child; v; v = v->next) *out++ = (loomReal)v->valuedouble;
}

static void expect(const char* name, const char* key, const loomReal* values, size_t count) {
  double error = 0, size = 0;

  for (const cJSON* v = array(name, key, count)->child; v; v = v->next, values++) {
    error = fmax(error, isfinite(*values) ? fabs((double)*values - v->valuedouble) : INFINITY);
    size = fmax(size, fabs(v->valuedouble));
  }
  if (!(error <= tolerance * size)) fail_msg("%s: %s is off by %g of %g", name, key, error, size);
}

static void expect_number(const char* name, const char* key, double value) {
  loomReal one = (loomReal)value;
  expect(name, key, &one, 1);
}

static void ppo_of(const char* name, const loomPpoLossDef* loss_def) {
  static loomReal obs[N * OBS], action[N * ACTIONS], rows[4][N], scratch[4 * N];
  loomActorCriticDef def = {
      .obs = OBS, .actions = ACTIONS, .hidden = {2, {HIDDEN, HIDDEN}}, .activation = LOOM_ACTIVATION_TANH};
  loomActorCritic net;
  loomError err = {0, ""};
  assert_int_equal(loom_actor_critic_create(&net, &def, 1, N, &err), 0);

  // Weights and rows as PyTorch had them.
  take(net.params.value, name, "value", net.params.total);
  take(obs, name, "obs", N * OBS);
  take(action, name, "action", N * ACTIONS);
  take(rows[0], name, "old_log_prob", N);
  take(rows[1], name, "old_value", N);
  take(rows[2], name, "advantage", N);
  take(rows[3], name, "returns", N);
  loomPpoRows batch = {obs, obs, action, rows[0], rows[1], rows[2], rows[3]};
  loomPpoNetwork nets = loom_actor_critic_network(&net);
  loomPpoLoss loss = loom_ppo_loss(&nets, &batch, N, loss_def, scratch);

  expect_number(name, "loss", loss.loss);
  expect_number(name, "policy", loss.policy);
  expect_number(name, "value_loss", loss.value);
  expect_number(name, "entropy", loss.entropy);
  expect_number(name, "kl", loss.kl);
  expect_number(name, "clipped", loss.clipped);
  expect(name, "dvalue", net.params.gradient, net.params.total);

  loomAdamDef adam = loom_default_adam_def();
  adam.epsilon = 1e-5;
  adam.clip_norm = 0.5;
  loom_adam_step(&net.params, &adam, 3e-4, 1);
  expect(name, "stepped", net.params.value, net.params.total);
  loom_actor_critic_destroy(&net);
}

static void ppo(void** state) {
  (void)state;
  ppo_of("ppo", &(loomPpoLossDef){0.2, 0.2, 0.5, 0, true, false});
  ppo_of("ppo_plain", &(loomPpoLossDef){0.1, 0, 0.58, 0.01, false, false});
}

static void td3(void** state) {
  (void)state;
  static loomReal obs[N * OBS], action[N * ACTIONS], next[N * OBS], reward[N], discount[N],
      noise[N * ACTIONS], target[N];
  loomTd3Def def = {.obs = OBS, .actions = ACTIONS, .hidden = {2, {HIDDEN, HIDDEN}}, .critics = 2};
  loomTd3Network net;
  loomError err = {0, ""};
  assert_int_equal(loom_td3_network_create(&net, &def, 1, N, &err), 0);

  take(net.actor.value, "td3", "actor", net.actor.total);
  take(net.slow_actor.value, "td3", "slow_actor", net.actor.total);
  take(net.critics.value, "td3", "critics", net.critics.total);
  take(net.slow_critics.value, "td3", "slow_critics", net.critics.total);
  take(obs, "td3", "obs", N * OBS);
  take(action, "td3", "action", N * ACTIONS);
  take(next, "td3", "next", N * OBS);
  take(reward, "td3", "reward", N);
  take(discount, "td3", "discount", N);
  take(noise, "td3", "noise", N * ACTIONS);

  // Targets, critics, the actor, and what follows it.
  loom_td3_network_target(target, &net, reward, discount, next, noise, N);
  expect("td3", "target", target, N);
  expect_number("td3", "critic_loss", loom_td3_network_critic_loss(&net, obs, action, target, N));
  expect("td3", "dcritics", net.critics.gradient, net.critics.total);
  expect_number("td3", "actor_loss", loom_td3_network_actor_loss(&net, obs, N));
  expect("td3", "dactor", net.actor.gradient, net.actor.total);
  loom_td3_network_follow(&net, 0.005);
  expect("td3", "followed", net.slow_actor.value, net.actor.total);
  loom_td3_network_destroy(&net);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(ppo), cmocka_unit_test(td3)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
