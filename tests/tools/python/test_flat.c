// The flat face, as a language without C's structs meets it: bad input, episodes that are the rollouts' to
// the bit, any number of threads, policies in environments and by themselves, datasets.
#include "tests/own_fixture.h"

#include <sys/stat.h>

#include "engine/base/hash.h"
#include "engine/base/random.h"
#include "generators/run/generate.h"
#include "policies/agent/rollout.h"
#include "policies/learn/bc.h"
#include "policies/learn/config_keys.h"
#include "tests/teacher_fixture.h"
#include "tools/python/flat.h"

enum { SEED = 77, MOST_STEPS = 200, ACTIONS = 14, ROOM = 256 };

static char scenes[64], generated[80];

// Demos with observations, to train on.
static void generate_some(const own* o) {
  loomError err = {0, ""};
  loomGenerateReport report;
  loomGenerateDef def = loom_default_generate_def();
  snprintf(generated, sizeof generated, "%s/generated.hdf5", scenes);
  def.out = generated;
  def.successes = 2;
  must(loom_generate(&report, o->scene, &o->sources, &def, &err), &err);
  loom_generate_report_destroy(&report);
}

static int open_all(void** state) {
  // Scenes of their own, of which one is there.
  char path[128], cwd[512];
  snprintf(scenes, sizeof scenes, "/tmp/loom_flat_%d", (int)getpid());
  assert_non_null(getcwd(cwd, sizeof cwd));
  assert_int_equal(mkdir(scenes, 0700), 0);
  for (int i = 0; i < 2; i++) {
    char to[640];
    snprintf(to, sizeof to, "%s/tests/own%s", cwd, i ? "/robots" : "");
    snprintf(path, sizeof path, "%s/%s", scenes, i ? "robots" : "own");
    assert_int_equal(symlink(to, path), 0);
  }

  setenv("DEMOLOOM_SCENES", scenes, 1);
  int code = open_own(state);
  generate_some(*state);
  return code;
}

static int close_all(void** state) {
  char command[200];
  snprintf(command, sizeof command, "rm -rf %s", scenes);
  assert_int_equal(system(command), 0);
  return close_own(state);
}

static loomFlatEnvs* open_envs(const char* keys, int n, int threads) {
  loomFlatEnvs* e;
  loomError err = {0, ""};
  must(loom_flat_envs_open(&e, "own", keys, n, threads, 0, &err), &err);
  return e;
}

// ---- what is refused

static void refuses_what_cannot_be(void** state) {
  (void)state;
  static const struct {
    const char *task, *keys;
    int n, threads, code;
    const char* says;
  } wrong[] = {
      {"nowhere", NULL, 1, 1, LOOM_ERR_USAGE, "no scene 'nowhere'"},
      {"own", "elbow", 1, 1, LOOM_ERR_FORMAT, "no observation 'elbow'"},
      {"own", "object,,object", 1, 1, LOOM_ERR_FORMAT, "no observation ''"},
      {"own", NULL, 0, 1, LOOM_ERR_USAGE, "0 environments"},
      {"own", NULL, 1, -1, LOOM_ERR_USAGE, "-1 threads"},
      {"tests/gym/hopper.yaml", "object", 1, 1, LOOM_ERR_USAGE, "give no keys"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    loomFlatEnvs* e = (loomFlatEnvs*)&e;
    loomError err = {0, ""};
    int code = loom_flat_envs_open(&e, wrong[i].task, wrong[i].keys, wrong[i].n, wrong[i].threads, 0, &err);
    if (code != wrong[i].code || !strstr(err.message, wrong[i].says))
      fail_msg("%zu: %d %s", i, code, err.message);
    assert_null(e);
  }
}

static void expect_refusal(int code, int wanted, const loomError* err, const char* says) {
  if (code != wanted || !strstr(err->message, says)) fail_msg("%d %s; wanted %s", code, err->message, says);
}

static void refuses_in_its_place(void** state) {
  (void)state;
  loomFlatEnvs* e = open_envs(NULL, 2, 1);
  loomError err = {0, ""};
  double actions[2 * ACTIONS] = {0};
  unsigned char rgb[3], flags[2];
  char* text;

  // Before a reset nothing can be stepped or looked at.
  expect_refusal(loom_flat_envs_step(NULL, NULL, NULL, NULL, flags, e, actions, &err), LOOM_ERR_USAGE, &err,
                 "reset first");
  expect_refusal(loom_flat_envs_told(&text, e, 0, &err), LOOM_ERR_USAGE, &err, "reset first");
  expect_refusal(loom_flat_envs_reset(NULL, e, "D7", 1, 0, &err), LOOM_ERR_USAGE, &err, "it has D0, D1, D2");
  must(loom_flat_envs_reset(NULL, e, "D1", 1, 0, &err), &err);

  // An action that is no number moves neither environment.
  char before[200];
  must(loom_flat_envs_told(&text, e, 0, &err), &err);
  snprintf(before, sizeof before, "%s", text);
  loom_flat_free(text);
  actions[ACTIONS + 3] = NAN;
  expect_refusal(loom_flat_envs_step(NULL, NULL, NULL, NULL, flags, e, actions, &err), LOOM_ERR_FORMAT, &err,
                 "entry 3 of the action for environment 1");
  must(loom_flat_envs_told(&text, e, 0, &err), &err);
  assert_string_equal(text, before);
  loom_flat_free(text);

  expect_refusal(loom_flat_envs_told(&text, e, 2, &err), LOOM_ERR_USAGE, &err, "no environment 2");
  expect_refusal(loom_flat_envs_render(rgb, e, 0, 0, 1, NULL, 1, &err), LOOM_ERR_USAGE, &err, "0 x 1");
  expect_refusal(loom_flat_envs_render(rgb, e, 0, 1, 1, "nobodys", 1, &err), LOOM_ERR_USAGE, &err, "nobodys");
  loom_flat_envs_close(e);

  loomFlatPolicy* p = NULL;
  expect_refusal(loom_flat_policy_open(&p, "tests/own/task.yaml", &err), LOOM_ERR_FORMAT, &err, "task.yaml");
  assert_null(p);
  loom_flat_envs_close(NULL);
  loom_flat_policy_close(NULL);
  loom_flat_actor_close(NULL);
  loom_flat_dataset_close(NULL);
}

// ---- episodes

typedef struct told {
  int steps;
  bool success;
  double obs[MOST_STEPS + 1][ROOM];
  double action[MOST_STEPS][ACTIONS];
} told;

static int note_rollout(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  told* t = (told*)user + rollout->number;
  (void)episode;
  t->steps = rollout->steps;
  t->success = rollout->end == LOOM_RUN_SUCCESS;

  for (int k = 0; k <= trace->rows; k++)
    memcpy(t->obs[k], trace->obs + (ptrdiff_t)k * trace->obs_dim, (size_t)trace->obs_dim * sizeof(double));
  memcpy(t->action, trace->actions, (size_t)trace->rows * ACTIONS * sizeof(double));
  return 0;
}

// Rollouts' actions from the same (seed, number): the same numbers are seen, and the same judge ends it.
static void episodes_are_the_rollouts(void** state) {
  enum { N = 3 };
  const own* o = *state;
  loomError err = {0, ""};
  loomRolloutReport report;
  told* all = calloc(N, sizeof *all);
  loomRolloutDef def = loom_default_rollout_def();
  def.n = N;
  def.seed = SEED;
  def.traces = true;
  def.done = note_rollout;
  def.user = all;
  must(loom_rollout(&report, o->scene, &scripted, &def, &err), &err);
  loom_rollout_report_destroy(&report);

  loomFlatEnvs* e = open_envs(NULL, 1, 1);
  for (int i = 0; i < N; i++) {
    double obs[ROOM] = {0}, reward;
    size_t bytes = (size_t)o->trace.obs_dim * sizeof *obs;
    unsigned char terminated = 0, truncated = 0, flags = 0;
    must(loom_flat_envs_reset(obs, e, "D0", SEED, (uint64_t)i, &err), &err);

    assert_memory_equal(obs, all[i].obs[0], bytes);
    for (int k = 0; k < all[i].steps; k++) {
      assert_false(terminated || truncated);
      must(loom_flat_envs_step(obs, &reward, &terminated, &truncated, &flags, e, all[i].action[k], &err),
           &err);
      assert_memory_equal(obs, all[i].obs[k + 1], bytes);
    }
    assert_true(all[i].success && terminated && !truncated);
    assert_true(flags & LOOM_FLAT_SUCCESS && flags & LOOM_FLAT_WITHIN_LIMITS);
  }
  loom_flat_envs_close(e);
  free(all);
}

// Out of time is truncated; the step after it takes no action but begins the next episode: number n further.
static void begins_anew_by_itself(void** state) {
  (void)state;
  enum { N = 2, LIMIT = 4 };
  loomFlatEnvs *e, *single = open_envs("object,robot0_eef_pos", 1, 1);
  loomError err = {0, ""};
  double actions[N * ACTIONS] = {0}, obs[N * ROOM], fresh[ROOM];
  unsigned char truncated[N], flags[N];
  must(loom_flat_envs_open(&e, "own", "object,robot0_eef_pos", N, 2, LIMIT, &err), &err);
  must(loom_flat_envs_reset(obs, e, NULL, 5, 10, &err), &err);

  for (int k = 1; k <= LIMIT; k++) {
    must(loom_flat_envs_step(obs, NULL, NULL, truncated, flags, e, actions, &err), &err);
    for (int i = 0; i < N; i++) assert_int_equal(flags[i], k == LIMIT ? LOOM_FLAT_TRUNCATED : 0);
  }
  must(loom_flat_envs_step(obs, NULL, NULL, truncated, flags, e, actions, &err), &err);

  // The episodes that began are those of n numbers further.
  int dim = 0;
  char* about;
  must(loom_flat_envs_about(&about, e, &err), &err);
  for (const char* at = about; (at = strstr(at, "\"dim\":")); at += 6) dim += (int)strtol(at + 6, NULL, 10);
  loom_flat_free(about);
  for (int i = 0; i < N; i++) {
    assert_int_equal(flags[i], LOOM_FLAT_BEGAN);
    must(loom_flat_envs_reset(fresh, single, NULL, 5, 10 + N + (uint64_t)i, &err), &err);
    assert_memory_equal(fresh, obs + (ptrdiff_t)i * dim, (size_t)dim * sizeof *obs);
  }
  loom_flat_envs_close(e);
  loom_flat_envs_close(single);
}

static uint64_t hash_of_steps(const char* task, int actions, int obs, int threads) {
  enum { N = 5, STEPS = 30 };
  loomFlatEnvs* e;
  loomError err = {0, ""};
  double action[N * ACTIONS], seen[N * ROOM], reward[N];
  unsigned char flags[N];
  uint64_t hash = LOOM_HASH_SEED;
  must(loom_flat_envs_open(&e, task, NULL, N, threads, 12, &err), &err);
  must(loom_flat_envs_reset(seen, e, NULL, 3, 0, &err), &err);

  for (int k = 0; k < STEPS; k++) {
    loomRandom random = loom_random(9, (uint64_t)k, LOOM_PURPOSE_TEST);
    for (int i = 0; i < N * actions; i++) action[i] = loom_random_range(&random, -1, 1);
    must(loom_flat_envs_step(seen, reward, NULL, NULL, flags, e, action, &err), &err);
    hash = loom_hash(hash, seen, (size_t)(N * obs) * sizeof *seen);
    hash = loom_hash(loom_hash(hash, reward, sizeof reward), flags, sizeof flags);
  }
  loom_flat_envs_close(e);
  return hash;
}

static void threads_change_nothing(void** state) {
  const own* o = *state;
  uint64_t robots = hash_of_steps("own", ACTIONS, o->trace.obs_dim, 1),
           control = hash_of_steps("tests/gym/hopper.yaml", 3, 11, 1);
  assert_true(robots != control);
  for (int threads = 2; threads <= 3; threads++) {
    assert_true(hash_of_steps("own", ACTIONS, o->trace.obs_dim, threads) == robots);
    assert_true(hash_of_steps("tests/gym/hopper.yaml", 3, 11, threads) == control);
  }
}

static void actions_have_bounds(void** state) {
  (void)state;
  loomFlatEnvs* e = open_envs(NULL, 1, 1);
  double range[2 * ACTIONS];
  loom_flat_envs_range(range, e);
  for (int i = 0; i < ACTIONS; i++) assert_true(range[2 * i] == -1 && range[2 * i + 1] == 1);
  loom_flat_envs_close(e);
}

// ---- policies

// Trained for two steps: what it does is of no use, but the same whoever asks it.
static void train(char path[200], loomPolicyKind kind) {
  static loomTrainState state;
  static loomTrainDef def;
  loomError err = {0, ""};
  loomTrainConfig c = loom_default_train_config(kind);
  must(loom_config_use(&c, generated, &err), &err);
  c.policy.layers = (loomSizes){1, {16}};
  c.policy.hidden = 16;
  c.train.epochs = 1;
  c.train.steps = 2;
  c.train.batch = 8;
  c.train.threads = 1;
  c.rollout.n = 0;
  snprintf(c.checkpoint.folder, sizeof c.checkpoint.folder, "%s/run_%d", scenes, (int)kind);

  def.config = &c;
  must(loom_train(&state, &def, &err), &err);
  snprintf(path, 200, "%s/run_%d/last.safetensors", scenes, (int)kind);
}

typedef struct lengths {
  int steps[4];
  double last[4][ROOM];
} lengths;

static int note_end(void* user, const loomRollout* rollout, loomTrace* trace, loomEpisode* episode) {
  lengths* l = user;
  (void)episode;
  l->steps[rollout->number] = rollout->steps;
  memcpy(l->last[rollout->number], trace->obs + (ptrdiff_t)trace->rows * trace->obs_dim,
         (size_t)trace->obs_dim * sizeof(double));
  return 0;
}

static void acts_as_its_rollouts(void** state) {
  enum { N = 3, LIMIT = 25 };
  static const loomPolicyKind kinds[] = {LOOM_KIND_BC_RNN_GMM, LOOM_KIND_DIFFUSION_MLP, LOOM_KIND_BC_L2};
  const own* o = *state;
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    char path[200];
    loomError err = {0, ""};
    loomTrained trained;
    loomRolloutReport report;
    static lengths wanted;
    train(path, kinds[k]);
    must(loom_trained_load(&trained, path, &err), &err);

    loomPolicyMaker maker = loom_trained_maker(&trained);
    loomRolloutDef def = {.n = N,
                          .seed = SEED,
                          .max_steps = LIMIT,
                          .threads = 1,
                          .traces = true,
                          .done = note_end,
                          .user = &wanted};
    must(loom_rollout(&report, o->scene, &maker, &def, &err), &err);
    loom_rollout_report_destroy(&report);
    loom_trained_destroy(&trained);

    loomFlatPolicy* p;
    loomFlatEnvs* e;
    loomFlatActor* a;
    double actions[N * ACTIONS], obs[N * ROOM];
    must(loom_flat_policy_open(&p, path, &err), &err);
    must(loom_flat_envs_open(&e, "own", NULL, N, 2, LIMIT, &err), &err);
    must(loom_flat_actor_open(&a, p, e, &err), &err);

    // Twice from the same starts: what was before does not show.
    for (int turn = 0; turn < 2; turn++) {
      must(loom_flat_envs_reset(NULL, e, "D0", SEED, 0, &err), &err);
      for (int step = 0; step < LIMIT; step++) {
        must(loom_flat_actor_act(actions, a, &err), &err);
        must(loom_flat_envs_step(obs, NULL, NULL, NULL, NULL, e, actions, &err), &err);
      }
      for (int i = 0; i < N; i++) {
        assert_int_equal(wanted.steps[i], LIMIT);
        assert_memory_equal(obs + (ptrdiff_t)i * o->trace.obs_dim, wanted.last[i],
                            (size_t)o->trace.obs_dim * sizeof *obs);
      }
    }

    // Either may go first.
    if (k % 2) loom_flat_actor_close(a);
    loom_flat_envs_close(e);
    if (k % 2 == 0) loom_flat_actor_close(a);
    loom_flat_policy_close(p);
  }
}

// Shown what it would see in an episode it decides the same: perceptrons whose actions are moves.
static void acts_on_what_it_is_shown(void** state) {
  enum { STEPS = 12 };
  (void)state;
  char path[200], *about;
  loomError err = {0, ""};
  loomFlatPolicy* p;
  loomFlatActor* a;
  train(path, LOOM_KIND_BC_GMM);
  must(loom_flat_policy_open(&p, path, &err), &err);
  must(loom_flat_policy_about(&about, p, &err), &err);

  // Its keys, as the environment is to show them.
  char keys[2000] = "";
  for (const char* at = about; (at = strstr(at, "{\"name\":\"")); at += 9)
    snprintf(keys + strlen(keys), sizeof keys - strlen(keys), "%s%.*s", *keys ? "," : "",
             (int)strcspn(at + 9, "\""), at + 9);
  bool relative = strstr(about, "\"relative\"") != NULL;
  loom_flat_free(about);

  loomFlatEnvs* e = open_envs(keys, 1, 1);
  must(loom_flat_actor_open(&a, p, e, &err), &err);
  double obs[ROOM], own_action[ACTIONS], shown[64];
  float seen[ROOM];

  expect_refusal(loom_flat_policy_act(shown, p, seen, NULL, &err), LOOM_ERR_USAGE, &err, "reset first");
  must(loom_flat_envs_reset(obs, e, NULL, SEED, 1, &err), &err);
  must(loom_flat_policy_begin(p, SEED, 1, &err), &err);
  for (int k = 0; k < STEPS; k++) {
    for (int i = 0; i < ROOM; i++) seen[i] = (float)obs[i];
    must(loom_flat_policy_act(shown, p, seen, NULL, &err), &err);
    must(loom_flat_actor_act(own_action, a, &err), &err);

    // The hands' entries are the same in every form.
    if (relative)
      assert_memory_equal(shown, own_action, sizeof own_action);
    else
      assert_true(shown[9] == own_action[6] && shown[19] == own_action[13]);
    must(loom_flat_envs_step(obs, NULL, NULL, NULL, NULL, e, own_action, &err), &err);
  }
  loom_flat_actor_close(a);
  loom_flat_envs_close(e);

  // It is of a robots' task.
  must(loom_flat_envs_open(&e, "tests/gym/hopper.yaml", NULL, 1, 1, 0, &err), &err);
  expect_refusal(loom_flat_actor_open(&a, p, e, &err), LOOM_ERR_USAGE, &err, "cannot act in a plain control");
  loom_flat_envs_close(e);
  loom_flat_policy_close(p);
}

// ---- datasets

static void datasets_are_read(void** state) {
  const own* o = *state;
  loomError err = {0, ""};
  loomFlatDataset* d;
  loomDataset* set;
  loomDemo demo;
  char *about, *one;
  must(loom_flat_dataset_open(&d, o->path, &err), &err);
  must(loom_flat_dataset_about(&about, d, &err), &err);
  must(loom_flat_dataset_demo(&one, d, 2, &err), &err);
  assert_true(strstr(about, "\"demo_0\",\"demo_1\",\"demo_2\",\"demo_3\"") &&
              strstr(about, "\"task\":\"own\""));
  assert_true(strstr(one, "\"loom_seed\":77") && strstr(one, "\"actions\":{\"type\":\"float64\""));

  must(loom_dataset_open(&set, o->path, &err), &err);
  must(loom_demo_load(&demo, set, 2, &err), &err);
  size_t bytes = (size_t)demo.rows * (size_t)demo.action_dim * sizeof(double);
  double* actions = malloc(bytes);
  must(loom_flat_dataset_array(actions, d, 2, "actions", bytes, &err), &err);
  assert_memory_equal(actions, demo.actions, bytes);

  // Not a byte more or less than there is room for.
  expect_refusal(loom_flat_dataset_array(actions, d, 2, "actions", bytes - 8, &err), LOOM_ERR_USAGE, &err,
                 "were asked for");
  expect_refusal(loom_flat_dataset_array(actions, d, 2, "nothing", bytes, &err), LOOM_ERR_FORMAT, &err,
                 "nothing");
  expect_refusal(loom_flat_dataset_array(actions, d, 4, "actions", bytes, &err), LOOM_ERR_USAGE, &err,
                 "no demo number 4");

  char* text;
  expect_refusal(loom_flat_dataset_texts(&text, d, 2, "actions", &err), LOOM_ERR_USAGE, &err, "no texts");
  loom_flat_free(about);
  loom_flat_free(one);
  free(actions);
  loom_demo_destroy(&demo);
  loom_dataset_close(set);
  loom_flat_dataset_close(d);

  expect_refusal(loom_flat_dataset_open(&d, "/nowhere.hdf5", &err), LOOM_ERR_IO, &err, "/nowhere.hdf5");
  assert_null(d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refuses_what_cannot_be),    cmocka_unit_test(refuses_in_its_place),
      cmocka_unit_test(episodes_are_the_rollouts), cmocka_unit_test(begins_anew_by_itself),
      cmocka_unit_test(threads_change_nothing),    cmocka_unit_test(actions_have_bounds),
      cmocka_unit_test(acts_as_its_rollouts),      cmocka_unit_test(acts_on_what_it_is_shown),
      cmocka_unit_test(datasets_are_read),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}
