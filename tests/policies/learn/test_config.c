// Training configurations: defaults by kind, every key read, what is written is read back the same, and
// mistakes named by file, line and key.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policies/learn/config.h"

static int config_parse(loomTrainConfig* c, const char* text, loomError* err) {
  return loom_train_config_parse(c, text, strlen(text), "run.yaml", err);
}

static loomTrainConfig good(const char* text) {
  loomTrainConfig c;
  loomError err = {0, ""};
  if (config_parse(&c, text, &err)) fail_msg("%s", err.message);
  return c;
}

#define DATA "data:\n  files: [{path: a.hdf5}]\n  keys: [object]\n"

static void defaults_by_kind(void** state) {
  (void)state;
  for (int kind = 0; kind < LOOM_KINDS; kind++) {
    char text[200];

    snprintf(text, sizeof text, DATA "policy: {kind: %s}\n", loom_policy_kind_name((loomPolicyKind)kind));
    loomTrainConfig c = good(text), want = loom_default_train_config((loomPolicyKind)kind);

    assert_int_equal(c.policy.kind, kind);
    assert_int_equal(c.data.file_count, 1);
    assert_string_equal(c.data.file[0].path, "a.hdf5");
    assert_string_equal(c.data.key[0], "object");

    assert_memory_equal(&c.policy, &want.policy, sizeof want.policy);
    assert_memory_equal(&c.optimizer, &want.optimizer, sizeof want.optimizer);
  }

  // What some kinds bring along.
  assert_int_equal(loom_default_train_config(LOOM_KIND_BC_RNN_GMM).data.length, 10);
  assert_true(loom_default_train_config(LOOM_KIND_BC_RNN_GMM).optimizer.rate == 5e-4);
  assert_int_equal(loom_default_train_config(LOOM_KIND_BC_GMM).optimizer.schedule, LOOM_SCHEDULE_COSINE);
  assert_true(loom_default_train_config(LOOM_KIND_BC_GMM).policy.min_std == 0.03);
  assert_true(loom_default_train_config(LOOM_KIND_DIFFUSION).optimizer.kind == LOOM_OPTIMIZER_ADAMW);
  assert_int_equal(loom_default_train_config(LOOM_KIND_DIFFUSION).policy.predicts, LOOM_PREDICT_SAMPLE);
}

static const char* const everything =
    "data:\n"
    "  files:\n"
    "    - {path: \"with \\\"quotes\\\" and \\\\.hdf5\", mask: train, weight: 0.7}\n"
    "    - {path: b.hdf5, weight: 1/3}\n"
    "  keys: [object, robot0_eef_pos, robot0_image]\n"
    "  cache: 0.25\n"
    "  obs_normal: standard\n"
    "  action_normal: range\n"
    "policy: {kind: diffusion, layers: [64, 128], observed: 3, predicted: 12, executed: 6, denoise_steps: "
    "8}\n"
    "optimizer: {kind: adam, rate: 3e-4, beta1: 0.9, clip: 10, schedule: step, warmup: 7, period: 55, ema: "
    "0}\n"
    "train: {epochs: 3, steps: 20, batch: 32, seed: 9, threads: 2}\n"
    "validate: {mask: valid, every: 2}\n"
    "checkpoint: {folder: out, every: 4, keep: 0, best: false}\n"
    "rollout: {task: threading, reset: D1, n: 11, every: 5, max_steps: 300, seed: 8, threads: 1}\n"
    "stop: {patience: 6, by: success}\n";

static void every_key(void** state) {
  (void)state;
  loomTrainConfig c = good(everything);

  // Data.
  assert_string_equal(c.data.file[0].path, "with \"quotes\" and \\.hdf5");
  assert_true(c.data.file[0].weight == 0.7 && c.data.file[1].weight == 1.0 / 3);
  assert_string_equal(c.data.file[0].mask, "train");
  assert_int_equal(c.data.key_count, 3);
  assert_true(c.data.cache == 0.25 && c.data.obs_normal == LOOM_NORMAL_STANDARD);
  assert_int_equal(c.data.action_normal, LOOM_NORMAL_RANGE);

  // Policy and optimizer.
  assert_int_equal(c.policy.layers.n, 2);
  assert_int_equal(c.policy.layers.size[1], 128);
  assert_true(c.policy.observed == 3 && c.policy.predicted == 12 && c.policy.executed == 6);
  assert_true(c.optimizer.kind == LOOM_OPTIMIZER_ADAM && c.optimizer.rate == 3e-4 &&
              c.optimizer.beta1 == 0.9);
  assert_true(c.optimizer.clip == 10 && c.optimizer.schedule == 2 && c.optimizer.period == 55);
  assert_true(c.optimizer.warmup == 7 && c.optimizer.ema == 0 && c.optimizer.beta2 == 0.999);

  // The rest.
  assert_true(c.train.epochs == 3 && c.train.steps == 20 && c.train.batch == 32 && c.train.seed == 9);
  assert_true(c.validate.every == 2 && !strcmp(c.validate.mask, "valid"));
  assert_true(c.checkpoint.every == 4 && !c.checkpoint.keep && !c.checkpoint.best);
  assert_true(!strcmp(c.rollout.reset, "D1") && c.rollout.n == 11 && c.rollout.max_steps == 300);
  assert_true(c.stop.patience == 6 && c.stop.by == 1);
}

static void written_and_read_again(void** state) {
  (void)state;
  for (int kind = -1; kind < LOOM_KINDS; kind++) {
    char text[200];

    snprintf(text, sizeof text, DATA "policy: {kind: %s}\n",
             loom_policy_kind_name(kind < 0 ? LOOM_KIND_BC_L2 : (loomPolicyKind)kind));
    loomTrainConfig c = good(kind < 0 ? everything : text);

    // Written.
    char* once = loom_train_config_text(&c);
    assert_non_null(once);
    loomTrainConfig again = good(once);

    // Written again.
    char* twice = loom_train_config_text(&again);
    assert_string_equal(once, twice);

    assert_memory_equal(&c.policy, &again.policy, sizeof c.policy);
    assert_memory_equal(&c.train, &again.train, sizeof c.train);
    assert_true(c.data.file[1].weight == again.data.file[1].weight);
    free(once);
    free(twice);
  }
}

static void mistakes(void** state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } cases[] = {
      {DATA "policy: {kind: bc_l2}\noptimiser: {rate: 1}\n",
       "run.yaml:5: key 'optimiser': unknown; did you mean"},
      {DATA "policy: {kind: bc_l2}\noptimizer: {rat: 1}\n",
       "run.yaml:5: key 'rat': unknown; did you mean 'rate'"},
      {DATA "policy:\n  kind: bc_gnn\n",
       "run.yaml:5: key 'kind': expected one of bc_l2, bc_gaussian, bc_gmm"},
      {DATA "train: {epochs: 2}\n", "key 'policy': needs a kind"},
      {DATA "policy: {}\n", "run.yaml:4: key 'policy': needs a kind"},
      {"policy: {kind: bc_l2}\n", "key 'data': missing"},
      {"data: {keys: [object]}\npolicy: {kind: bc_l2}\n", "key 'files': expected a list"},
      {"data: {files: [], keys: [object]}\npolicy: {kind: bc_l2}\n", "key 'files': expected a list of 1"},
      {"data: {files: [a.hdf5], keys: [object]}\npolicy: {kind: bc_l2}\n", "expected keys and values"},
      {"data: {files: [{mask: x}], keys: [object]}\npolicy: {kind: bc_l2}\n", "key 'path': missing"},
      {"data: {files: [{path: a, weight: -1}], keys: [o]}\npolicy: {kind: bc_l2}\n",
       "'weight': expected a number"},
      {"data: {files: [{path: a, weight: 1}, {path: b}], keys: [o]}\npolicy: {kind: bc_l2}\n", "or none"},
      {"data: {files: [{path: a}], keys: []}\npolicy: {kind: bc_l2}\n", "'keys': names no observation"},
      {"data: {files: [{path: a}]}\npolicy: {kind: bc_l2}\n", "'keys': missing"},
      {"data: {files: [{path: a}], keys: [o], hand_noise: 0.01}\npolicy: {kind: bc_l2}\n",
       "'hand_noise': is for actions that say where hands are to be"},
      {"data: {files: [{path: a}], keys: [o], hand_turn: 0.1}\npolicy: {kind: bc_l2}\n",
       "'hand_turn': is for actions that say"},
      {DATA "policy: {kind: bc_l2, modes: 3}\n", "'modes': means nothing for policies of kind bc_l2"},
      {DATA "policy: {kind: bc_gmm, fixed_std: 0.1}\n",
       "'fixed_std': means nothing for policies of kind bc_gmm"},
      {DATA "policy: {kind: diffusion}\ntrain: {batch: 0}\n", "'batch': expected a whole number from 1"},
      {DATA "policy: {kind: bc_gmm}\noptimizer:\n  rate: -1\n",
       "run.yaml:6: key 'rate': expected a number from"},
      {DATA "policy: {kind: bc_gmm, layers: [3, 0.5]}\n", "'layers': expected whole numbers from 1"},
      {DATA "policy: {kind: bc_gmm, layers: [1,1,1,1,1,1,1,1,1]}\n", "at most 8 entries"},
      {DATA "policy: {kind: bc_transformer, width: 100, heads: 8}\n",
       "'width': 100 is no multiple of 8 heads"},
      {DATA "policy: {kind: diffusion, executed: 16}\n", "'executed': 16 actions cannot be executed"},
      {DATA "policy: {kind: diffusion, layers: []}\n", "'layers': names no level"},
      {DATA "policy: {kind: diffusion, layers: [64, 100]}\n", "'layers': 100 channels are no multiple of 8"},
      {DATA "policy: {kind: diffusion, predicted: 18}\n", "'predicted': 18 rows cannot be halved 2 times"},
      {DATA "policy:\n  kind: diffusion\n  kernel: 4\n", "run.yaml:6: key 'kernel': expected an odd number"},
      {DATA "policy: {kind: diffusion, step_width: 7}\n", "'step_width': expected an even number"},
      {DATA "policy: {kind: diffusion_mlp, step_width: 7}\n", "'step_width': expected an even number"},
      {DATA "policy: {kind: diffusion, denoise_steps: 101}\n", "'denoise_steps': more than the 100"},
      {DATA "policy: {kind: bc_l2}\nstop: {patience: 3}\n", "needs a validate mask"},
      {DATA "policy: {kind: bc_l2}\nstop: {patience: 3, by: success}\n", "give a rollout task"},
      {DATA "policy: {kind: bc_l2}\ncheckpoint: {best: yes}\n", "'best': expected true or false"},
      {"", "empty"},
      {"- a\n", "expected keys and values"},
  };

  // File and key, in one line.
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    loomTrainConfig c;
    loomError err = {0, ""};
    int code = config_parse(&c, cases[i].text, &err);
    if (code != LOOM_ERR_FORMAT || !strstr(err.message, cases[i].says) ||
        strncmp(err.message, "run.yaml:", 9) != 0)
      fail_msg("%s'%s' does not say '%s'", cases[i].text, err.message, cases[i].says);
  }

  // A file that is not there.
  loomTrainConfig c;
  loomError err = {0, ""};
  assert_int_equal(loom_train_config_load(&c, "/no/such/file.yaml", &err), LOOM_ERR_IO);
}

static void from_a_file(void** state) {
  (void)state;
  char path[64];
  loomTrainConfig c;
  loomError err = {0, ""};

  snprintf(path, sizeof path, "/tmp/loom_config_%d.yaml", (int)getpid());
  FILE* f = fopen(path, "w");
  assert_non_null(f);
  fputs(everything, f);
  fclose(f);

  int code = loom_train_config_load(&c, path, &err);
  unlink(path);
  if (code) fail_msg("%s", err.message);

  assert_int_equal(c.rollout.n, 11);
}

// What makes clouds worse and moves hands is written where there is any of it: older runs' texts stay as they
// are.
static void noise_of_what_is_seen(void** state) {
  (void)state;
  static const char* const noises[][2] = {{"cloud_", "cloud_dropout: 0.5"}, {"hand_", "hand_turn: 0.5"}};
  loomTrainConfig plain = good(DATA "policy: {kind: bc_l2}\n");
  char* without = loom_train_config_text(&plain);
  assert_non_null(without);

  for (size_t i = 0; i < sizeof noises / sizeof *noises; i++) {
    char text[256];
    snprintf(text, sizeof text,
             "data: {files: [{path: a.hdf5}], keys: [o], pose: absolute, %s}\n"
             "policy: {kind: bc_l2}\n",
             noises[i][1]);
    loomTrainConfig noisy = good(text);
    char* with = loom_train_config_text(&noisy);
    assert_true(with && !strstr(without, noises[i][0]) && strstr(with, noises[i][1]));
    loomDataConfig back = good(with).data;
    assert_true(i == 0 ? back.cloud.dropout == 0.5 && back.cloud.shift == 0
                       : back.hand.rotation == 0.5 && back.hand.position == 0);

    // A policy that acts sees what there is.
    loomPolicyConfig policy = loom_train_config_policy(&noisy);
    char* acts = loom_policy_config_text(&policy);
    assert_true(acts && !strstr(acts, noises[i][0]));
    free(with);
    free(acts);
  }
  free(without);
}

static void as_a_training_set(void** state) {
  (void)state;
  loomTrainConfig c = good(everything);

  // Of one configuration, data to learn from and data to validate with.
  loomConfigDataDef train, valid;
  loom_config_data_def(&train, &c, false);
  loom_config_data_def(&valid, &c, true);
  assert_true(train.def.shuffle && !valid.def.shuffle);

  // The mask of validation is the same for each file.
  assert_string_equal(train.def.file[0].mask, "train");
  assert_null(train.def.file[1].mask);
  assert_string_equal(valid.def.file[1].mask, "valid");

  // Three rows seen, of which the last is the present.
  assert_true(train.def.obs.before == 2 && train.def.obs.length == 3 && train.def.actions.length == 12);
  assert_true(train.def.cache_bytes == (int64_t)1 << 28 && train.def.batch == 32);
  assert_string_equal(train.def.key[2], "robot0_image");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(defaults_by_kind),
      cmocka_unit_test(every_key),
      cmocka_unit_test(written_and_read_again),
      cmocka_unit_test(mistakes),
      cmocka_unit_test(from_a_file),
      cmocka_unit_test(as_a_training_set),
      cmocka_unit_test(noise_of_what_is_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
