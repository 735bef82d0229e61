// What a policy's file says: a file of format 1, which had the whole training configuration, still loads, and
// what is written of it has what acting needs and no more.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policies/agent/trained.h"

static loomTrained load(const char* path) {
  loomTrained t;
  loomError err = {0, ""};
  if (loom_trained_load(&t, path, &err)) fail_msg("%s", err.message);
  return t;
}

// Written by the program of commit d6fd51c (tests/golden/README.md).
static void format_1(void** state) {
  (void)state;
  loomTrained t = load("tests/golden/policy_format_1.safetensors");

  assert_int_equal(t.config.policy.kind, LOOM_KIND_BC_RNN_GMM);
  assert_true(t.config.policy.hidden == 4 && t.config.policy.min_std == 0.03 && t.config.data.length == 10);
  assert_int_equal(t.config.data.key_count, 2);
  assert_string_equal(t.config.data.key[1], "robot0_eef_pos");
  assert_string_equal(t.config.task, "threading");

  assert_true(t.dim[0] == 26 && t.dim[1] == 3 && t.network.params.total == 1445);
  loom_trained_destroy(&t);
}

static void only_what_acting_needs(void** state) {
  (void)state;
  char path[64];
  loomError err = {0, ""};
  loomTrained t = load("tests/golden/policy_format_1.safetensors");

  snprintf(path, sizeof path, "/tmp/loom_policy_%d.safetensors", (int)getpid());
  assert_int_equal(loom_trained_save(path, &t, NULL, &err), 0);

  // What acts is told, how it was trained is not.
  loomSafetensors file;
  assert_int_equal(loom_safetensors_read(&file, path, &err), 0);
  const char* text = loom_safetensors_meta(&file, "config");
  assert_non_null(text);
  static const char* const there[] = {"keys: [", "action_normal: ", "length: 10", "hidden: 4",
                                      "task: \"threading\""};
  static const char* const gone[] = {"files", "d.hdf5", "cache", "optimizer", "epochs", "folder", "validate"};
  for (size_t i = 0; i < sizeof there / sizeof *there; i++)
    if (!strstr(text, there[i])) fail_msg("no '%s' in %s", there[i], text);
  for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
    if (strstr(text, gone[i])) fail_msg("'%s' in %s", gone[i], text);
  loom_safetensors_destroy(&file);

  // The same policy, held while acting as it was.
  loomTrained again = load(path);
  assert_true(t.even_bounds && again.even_bounds);
  unlink(path);
  char *once = loom_policy_config_text(&t.config), *twice = loom_policy_config_text(&again.config);
  assert_string_equal(once, twice);
  assert_memory_equal(t.network.params.value, again.network.params.value,
                      t.network.params.total * sizeof(loomReal));

  free(once);
  free(twice);
  loom_trained_destroy(&t);
  loom_trained_destroy(&again);
}

static void written_and_read_again(void** state) {
  (void)state;

  for (int kind = 0; kind < LOOM_KINDS; kind++) {
    loomError err = {0, ""};
    loomPolicyConfig c = loom_default_policy_config((loomPolicyKind)kind), again;

    c.data.key_count = 1;
    strcpy(c.data.key[0], "object");
    strcpy(c.reset, "D1");

    char* once = loom_policy_config_text(&c);
    assert_non_null(once);

    if (loom_policy_config_parse(&again, once, strlen(once), "policy", &err)) fail_msg("%s", err.message);
    assert_memory_equal(&again, &c, sizeof c);
    free(once);
  }
}

static void mistakes(void** state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } cases[] = {
      {"data: {keys: [o]}\n", "key 'policy': needs a kind"},
      {"data: {keys: [o]}\npolicy: {kind: bc_l2}\nnonsense: {}\n", "key 'nonsense': unknown"},
      {"data: {keys: [o], stak: 2}\npolicy: {kind: bc_l2}\n", "key 'stak': unknown; did you mean 'stack'?"},
      {"data: {}\npolicy: {kind: bc_l2}\n", "key 'keys': missing"},
      {"data: {keys: [o]}\npolicy: {kind: diffusion, kernel: 4}\n", "key 'kernel': expected an odd number"},
      {"data: {keys: [o]}\npolicy: {kind: bc_l2}\nrollout: {task: [a]}\n", "key 'task': expected a text"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomPolicyConfig c;
    loomError err = {0, ""};
    int code = loom_policy_config_parse(&c, cases[i].text, strlen(cases[i].text), "policy", &err);
    if (code != LOOM_ERR_FORMAT || !strstr(err.message, cases[i].says))
      fail_msg("%s: '%s' does not say '%s'", cases[i].text, err.message, cases[i].says);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(format_1),
      cmocka_unit_test(only_what_acting_needs),
      cmocka_unit_test(written_and_read_again),
      cmocka_unit_test(mistakes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
