// A run's settings as YAML: written and read again they are the same; files of tests/gym; what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policies/learn/finetune_config.h"

static void comes_back(void** state) {
  (void)state;

  // Each method from scratch, and of a policy.
  for (int k = 0; loom_finetune_methods[k / 2]; k++) {
    int m = k / 2;
    bool of_policy = k % 2;
    bool ppo = m == LOOM_FINETUNE_PPO, dppo = m == LOOM_FINETUNE_DPPO,
         residual_ppo = m == LOOM_FINETUNE_RESIDUAL_PPO;
    if (of_policy ? m == LOOM_FINETUNE_TD3 : loom_finetune_needs_policy((loomFinetuneMethod)m)) continue;
    loomFinetuneConfig c = loom_default_finetune_config((loomFinetuneMethod)m, of_policy), read;
    loomError err = {0, ""};

    c.finetune.steps = 123456789012;
    c.ppo.rate = 1.0 / 3;
    c.ppo.hidden = (loomSizes){3, {5, 6, 7}};
    c.td3.updates = 0.1;
    c.direct.bc = 0.1;
    c.dppo.std = 0.07;
    c.residual_ppo.std = 0.06;

    // What is for other methods is not written; a residual is learned by TD3.
    char* text = loom_finetune_config_text(&c);
    assert_non_null(text);
    assert_int_equal(strstr(text, "\nppo:") != NULL, ppo || dppo || residual_ppo);
    assert_int_equal(strstr(text, "\ntd3:") != NULL, !ppo && !dppo && !residual_ppo);
    assert_int_equal(strstr(text, "\nresidual:") != NULL, m == LOOM_FINETUNE_RESIDUAL);
    assert_int_equal(strstr(text, "\nbase:") != NULL, (ppo && of_policy) || dppo || residual_ppo);
    assert_int_equal(strstr(text, "\ndirect:") != NULL, ppo && of_policy);
    assert_int_equal(strstr(text, "\ndppo:") != NULL, dppo);
    assert_int_equal(strstr(text, "\nresidual_ppo:") != NULL, residual_ppo);
    read = loom_default_finetune_config(LOOM_FINETUNE_PPO, false);
    if (loom_finetune_config_parse(&read, text, strlen(text), "c.yaml", &err)) fail_msg("%s", err.message);

    char* again = loom_finetune_config_text(&read);
    assert_string_equal(text, again);
    assert_true(read.finetune.steps == c.finetune.steps && read.of_policy == of_policy);
    free(text);
    free(again);
  }
}

static void files_are_settings(void** state) {
  (void)state;
  loomFinetuneConfig c = loom_default_finetune_config(LOOM_FINETUNE_PPO, false);
  loomError err = {0, ""};

  if (loom_finetune_config_load(&c, "tests/gym/cleanrl.yaml", &err)) fail_msg("%s", err.message);
  assert_false(c.ppo.bootstrap);
  if (loom_finetune_config_load(&c, "tests/gym/rl_zoo.yaml", &err)) fail_msg("%s", err.message);
  assert_true(c.ppo.bootstrap && c.ppo.hidden.size[1] == 256 && c.ppo.log_std == -2 && !c.ppo.anneal);
  if (loom_finetune_config_load(&c, "tests/gym/td3.yaml", &err)) fail_msg("%s", err.message);
  assert_true(c.finetune.method == LOOM_FINETUNE_TD3 && c.td3.batch == 100 && c.td3.hidden.size[1] == 256);
}

// A file that names no method leaves the caller's, and with it that a policy is finetuned.
static void leaves_the_method_open(void** state) {
  (void)state;
  static const struct {
    loomFinetuneMethod given;
    bool of_policy;
    const char* text;
    int method;
    bool then_of_policy;
  } cases[] = {
      {LOOM_FINETUNE_RESIDUAL, true, "finetune: {evaluate: 7}", LOOM_FINETUNE_RESIDUAL, true},
      {LOOM_FINETUNE_PPO, true, "finetune: {evaluate: 7}", LOOM_FINETUNE_PPO, true},
      {LOOM_FINETUNE_PPO, false, "finetune: {evaluate: 7}", LOOM_FINETUNE_PPO, false},
      {LOOM_FINETUNE_RESIDUAL, true, "finetune: {method: ppo}", LOOM_FINETUNE_PPO, true},
      {LOOM_FINETUNE_RESIDUAL, true, "finetune: {method: td3}", LOOM_FINETUNE_TD3, false},
      {LOOM_FINETUNE_PPO, false, "base: {policy: p}", LOOM_FINETUNE_PPO, true},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomFinetuneConfig c = loom_default_finetune_config(cases[i].given, cases[i].of_policy);
    loomError err = {0, ""};
    if (loom_finetune_config_parse(&c, cases[i].text, strlen(cases[i].text), "c.yaml", &err))
      fail_msg("%s", err.message);
    if (c.finetune.method != cases[i].method || c.of_policy != cases[i].then_of_policy)
      fail_msg("%s: method %d, of a policy: %d", cases[i].text, c.finetune.method, c.of_policy);
  }
}

// From scratch CleanRL's, of a policy few of its network; where rewards move, those that were measured.
static void epochs_suit_the_method(void** state) {
  (void)state;
  loomFinetuneConfig scratch = loom_default_finetune_config(LOOM_FINETUNE_PPO, false),
                     ppo = loom_default_finetune_config(LOOM_FINETUNE_PPO, true),
                     dppo = loom_default_finetune_config(LOOM_FINETUNE_DPPO, true),
                     gail = loom_default_imitation_config(LOOM_FINETUNE_PPO, true),
                     irl = loom_default_inversion_config(true);

  assert_int_equal(scratch.ppo.epochs, 10);
  assert_true(scratch.ppo.environments == 1 && scratch.ppo.steps == 2048 && scratch.ppo.rate == 3e-4);
  assert_int_equal(ppo.direct.turns.actor_epochs, 4);
  assert_int_equal(dppo.dppo.turns.actor_epochs, 2);
  assert_true(dppo.ppo.rate < ppo.ppo.rate);
  assert_true(!gail.direct.turns.actor_epochs && gail.ppo.epochs == 10 && gail.ppo.environments == 16 &&
              gail.ppo.rate == 3e-6);
  assert_true(!irl.direct.turns.actor_epochs && irl.ppo.epochs == 10 && irl.ppo.environments == 16 &&
              irl.ppo.rate == 3e-6);
}

static void refuses(void** state) {
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"finetune: {method: sac}", "ppo, td3"},
      {"finetune: {step: 1}", "steps"},
      {"finetune: {steps: 0}", "'steps'"},
      {"ppo: {environments: 0}", "'environments'"},
      {"ppo: {rate: -1}", "'rate'"},
      {"ppo: {hidden: [0]}", "'hidden'"},
      {"td3: {tau: 0.1}", "means nothing for `method: ppo`"},
      {"sac: {}", "'sac'"},
      {"finetune: {method: td3}\nbase: {policy: p}", "means nothing for `method: td3`"},
      {"finetune: {method: dppo}\ndppo: {discount: 2}", "'discount'"},
      {"finetune: {method: residual}\ndirect: {bc: 1}", "means nothing for `method: residual`"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomFinetuneConfig c = loom_default_finetune_config(LOOM_FINETUNE_PPO, false);
    loomError err = {0, ""};
    int code = loom_finetune_config_parse(&c, cases[i].text, strlen(cases[i].text), "c.yaml", &err);
    assert_int_equal(code, LOOM_ERR_FORMAT);
    if (!strstr(err.message, cases[i].message))
      fail_msg("'%s' does not tell %s", err.message, cases[i].message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(comes_back),
      cmocka_unit_test(files_are_settings),
      cmocka_unit_test(leaves_the_method_open),
      cmocka_unit_test(epochs_suit_the_method),
      cmocka_unit_test(refuses),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
