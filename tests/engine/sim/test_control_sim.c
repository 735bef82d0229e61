// Plain control tasks against Gymnasium's own numbers (tests/golden/make_gym_golden.py), and what resets
// draw.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "engine/base/file.h"
#include "engine/sim/control_sim.h"
#include "tests/gym_fixture.h"

static const char* const tasks[] = {"half_cheetah", "hopper", "walker2d", "inverted_double_pendulum",
                                    "pusher"};
enum { TASKS = sizeof tasks / sizeof *tasks, MOST = 64 };

// ---- Gymnasium's numbers

static void numbers(double* out, int n, const cJSON* list) {
  assert_int_equal(cJSON_GetArraySize(list), n);
  for (const cJSON* v = list->child; v; v = v->next) *out++ = v->valuedouble;
}

static void expect_same(const double* now, int n, const cJSON* list, const char* task, const char* what,
                        int row) {
  double wanted[MOST];
  numbers(wanted, n, list);
  for (int i = 0; i < n; i++)
    if (!(fabs(now[i] - wanted[i]) <= 1e-9 * fmax(1, fabs(wanted[i]))))
      fail_msg("%s: %s[%d] after action %d is %.17g, not %.17g", task, what, i, row, now[i], wanted[i]);
}

static void replay(const gymFixture* gym, const cJSON* episode, const char* task) {
  const mjModel* m = gym->scene->m;
  double qpos[MOST], qvel[MOST], obs[MOST], action[MOST];
  loomControlStep step;
  loomError err = {0, ""};

  // The same start, and what is seen there.
  numbers(qpos, (int)m->nq, cJSON_GetObjectItem(episode, "qpos"));
  numbers(qvel, (int)m->nv, cJSON_GetObjectItem(episode, "qvel"));
  assert_int_equal(loom_control_sim_start(gym->sim, qpos, qvel, &err), 0);
  loom_control_sim_observe(obs, gym->sim);
  expect_same(obs, gym->scene->obs, cJSON_GetObjectItem(episode, "first"), task, "obs", -1);

  // Then row by row.
  const cJSON* rewards = cJSON_GetObjectItem(episode, "reward");
  int rows = cJSON_GetArraySize(rewards);
  assert_true(rows > 5);
  for (int t = 0; t < rows; t++) {
    numbers(action, gym->scene->actions, cJSON_GetArrayItem(cJSON_GetObjectItem(episode, "action"), t));
    assert_int_equal(loom_control_sim_step(&step, gym->sim, action, &err), 0);
    loom_control_sim_observe(obs, gym->sim);

    expect_same(obs, gym->scene->obs, cJSON_GetArrayItem(cJSON_GetObjectItem(episode, "obs"), t), task, "obs",
                t);
    double wanted = cJSON_GetArrayItem(rewards, t)->valuedouble;
    if (!(fabs(step.reward - wanted) <= 1e-9))
      fail_msg("%s: reward of action %d is %.17g, not %.17g", task, t, step.reward, wanted);
    int ended = cJSON_GetArrayItem(cJSON_GetObjectItem(episode, "terminated"), t)->valueint;
    assert_int_equal(!step.healthy, ended);
  }
}

static void gymnasium_agrees(void** state) {
  (void)state;
  char* text;
  loomError err = {0, ""};
  assert_int_equal(loom_read_text(&text, NULL, "tests/golden/gym_cases.json", 1 << 24, &err), 0);
  cJSON* golden = cJSON_Parse(text);
  assert_non_null(golden);

  for (int i = 0; i < TASKS; i++) {
    gymFixture gym = gym_open(tasks[i]);
    const cJSON* episodes = cJSON_GetObjectItem(cJSON_GetObjectItem(golden, tasks[i]), "episodes");
    assert_int_equal(cJSON_GetArraySize(episodes), 2);

    for (const cJSON* e = episodes->child; e; e = e->next) replay(&gym, e, tasks[i]);
    gym_close(&gym);
  }

  cJSON_Delete(golden);
  free(text);
}

// ---- resets

static void resets_are_pure(void** state) {
  (void)state;
  double a[MOST], b[MOST], c[MOST];
  loomError err = {0, ""};

  for (int i = 0; i < TASKS; i++) {
    gymFixture gym = gym_open(tasks[i]);
    size_t bytes = (size_t)gym.scene->obs * sizeof(double);

    // The same attempt gives the same start, whatever was before it; another one another.
    assert_int_equal(loom_control_sim_reset(gym.sim, 3, 4, &err), 0);
    loom_control_sim_observe(a, gym.sim);
    assert_int_equal(loom_control_sim_reset(gym.sim, 3, 5, &err), 0);
    loom_control_sim_observe(b, gym.sim);
    assert_int_equal(loom_control_sim_reset(gym.sim, 3, 4, &err), 0);
    loom_control_sim_observe(c, gym.sim);
    assert_memory_equal(a, c, bytes);
    assert_memory_not_equal(a, b, bytes);
    gym_close(&gym);
  }
}

static void noise_is_as_told(void** state) {
  (void)state;
  loomError err = {0, ""};
  gymFixture pusher = gym_open("pusher"), cheetah = gym_open("half_cheetah");
  double squares = 0, most = 0;
  enum { N = 200 };

  for (int k = 0; k < N; k++) {
    // In its box, and not near the goal; what has no noise is as the model says.
    assert_int_equal(loom_control_sim_reset(pusher.sim, 1, (uint64_t)k, &err), 0);
    const double* q = pusher.sim->d->qpos;
    assert_true(q[7] >= -0.3 && q[7] < 0 && q[8] >= -0.2 && q[8] < 0.2 && hypot(q[7], q[8]) > 0.17);
    assert_true(q[0] == 0 && q[9] == 0 && q[10] == 0 && pusher.sim->d->qvel[8] == 0);

    // Uniform positions, normal velocities.
    assert_int_equal(loom_control_sim_reset(cheetah.sim, 1, (uint64_t)k, &err), 0);
    for (int i = 0; i < 9; i++) {
      most = fmax(most, fabs(cheetah.sim->d->qpos[i]));
      squares += cheetah.sim->d->qvel[i] * cheetah.sim->d->qvel[i];
    }
  }
  assert_true(most < 0.1 && most > 0.099);
  assert_true(fabs(sqrt(squares / (9 * N)) - 0.1) < 0.005);

  gym_close(&pusher);
  gym_close(&cheetah);
}

static void snapshots_go_on(void** state) {
  (void)state;
  loomError err = {0, ""};
  gymFixture gym = gym_open("walker2d");
  int n = loom_control_sim_snapshot_size(gym.scene);
  double *snapshot = calloc((size_t)n, sizeof *snapshot), first[MOST], second[MOST], action[MOST];
  loomControlStep step;

  assert_int_equal(loom_control_sim_reset(gym.sim, 1, 1, &err), 0);
  for (int i = 0; i < gym.scene->actions; i++) action[i] = 0.3 * i - 0.7;
  for (int t = 0; t < 5; t++) assert_int_equal(loom_control_sim_step(&step, gym.sim, action, &err), 0);
  loom_control_sim_snapshot(snapshot, gym.sim);

  // The same actions once more from the snapshot, in data of another.
  for (int t = 0; t < 5; t++) assert_int_equal(loom_control_sim_step(&step, gym.sim, action, &err), 0);
  loom_control_sim_observe(first, gym.sim);
  loomControlSim* other;
  assert_int_equal(loom_control_sim_create(&other, gym.scene, &err), 0);
  loom_control_sim_restore(other, snapshot);
  for (int t = 0; t < 5; t++) assert_int_equal(loom_control_sim_step(&step, other, action, &err), 0);
  loom_control_sim_observe(second, other);
  assert_memory_equal(first, second, (size_t)gym.scene->obs * sizeof(double));
  assert_int_equal(other->steps, 10);

  loom_control_sim_destroy(other);
  free(snapshot);
  gym_close(&gym);
}

static void bad_actions(void** state) {
  (void)state;
  loomError err = {0, ""};
  gymFixture gym = gym_open("hopper");
  loomControlStep step;
  double action[3] = {0, NAN, 0};

  assert_int_equal(loom_control_sim_reset(gym.sim, 1, 1, &err), 0);
  assert_int_equal(loom_control_sim_step(&step, gym.sim, action, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "action[1]"));
  gym_close(&gym);
}

// ---- rewards that were learned

// Of what is seen, the last number; and the first of what is done.
static int create_score(void** out, void* self, loomError* err) {
  (void)err;
  *out = self;
  return 0;
}

static void destroy_score(void* instance) {
  (void)instance;
}

static double score_of(void* instance, const loomScoredStep* step) {
  return *(double*)instance * step->obs[2] + step->action[0] + (step->shaped ? 100 * step->next[2] : 0);
}

// Asked of what was seen before the step, also where that is a body's place and an episode went on from a
// snapshot, after which the simulator knows of no such place yet.
static void learned_terms_see_what_was_seen(void** state) {
  (void)state;
  static const char text[] =
      "{task: t, gym: {asset: gymnasium, model: half_cheetah.xml, observe: [{of: body, name: torso}], "
      "reward: [{term: learned, file: r, weight: 2}, "
      "{term: learned, file: s, shaped: true}]}}";
  double ten = 10, obs[MOST], next[MOST], action[MOST] = {0.3};
  loomStepScore score = {&ten, create_score, destroy_score, score_of};
  loomError err = {0, ""};
  loomControlTask* task;
  loomControlScene* scene;
  loomControlSim *sim, *other;
  loomControlStep step, again;
  loomAssetRoots roots = gym_roots();
  assert_int_equal(loom_control_task_parse(&task, text, strlen(text), "t.yaml", &err), 0);
  assert_int_equal(loom_control_scene_create(&scene, task, &roots, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "finetune --scratch --reward"));
  task->reward[0].score = task->reward[1].score = &score;
  assert_int_equal(loom_control_scene_create(&scene, task, &roots, &err), 0);

  assert_int_equal(loom_control_sim_create(&sim, scene, &err), 0);
  assert_int_equal(loom_control_sim_create(&other, scene, &err), 0);
  double* snapshot = calloc((size_t)loom_control_sim_snapshot_size(scene), sizeof *snapshot);
  assert_int_equal(loom_control_sim_reset(sim, 1, 1, &err), 0);
  for (int t = 0; t < 5; t++) {
    loom_control_sim_observe(obs, sim);
    loom_control_sim_snapshot(snapshot, sim);
    loom_control_sim_restore(other, snapshot);
    assert_int_equal(loom_control_sim_step(&step, sim, action, &err), 0);
    assert_int_equal(loom_control_sim_step(&again, other, action, &err), 0);
    loom_control_sim_observe(next, sim);
    assert_true(step.value[0] == 10 * obs[2] + 0.3 && step.term[0] == 2 * step.value[0]);
    assert_true(step.value[1] == step.value[0] + 100 * next[2]);
    assert_true(again.value[0] == step.value[0] && again.value[1] == step.value[1] && obs[2] > 0.1);
  }

  free(snapshot);
  loom_control_sim_destroy(sim);
  loom_control_sim_destroy(other);
  loom_control_scene_destroy(scene);
  loom_asset_roots_destroy(&roots);
  loom_control_task_destroy(task);
}

// ---- names that the model lacks

static void refuses_other_models(void** state) {
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"observe: [{of: qpos, from: 8, count: 3}], reward: [{term: action}]", "entries 8 to 10 of qpos"},
      {"observe: [{of: body, name: tail}], reward: [{term: action}]", "no body 'tail'"},
      {"observe: [{of: qpos}], reward: [{term: distance, of: site, name: a, to: b}]", "no site 'a'"},
      {"observe: [{of: qpos}], reward: [{term: velocity, of: qvel}]", "is `of: qpos`"},
      {"observe: [{of: qpos}], reward: [{term: action}], reset: [{of: qvel, from: 9, scale: 1}]", "of qvel"},
  };

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[512];
    loomError err = {0, ""};
    loomControlTask* task;
    loomControlScene* scene;
    loomAssetRoots roots = gym_roots();
    snprintf(text, sizeof text, "{task: t, gym: {asset: gymnasium, model: half_cheetah.xml, %s}}",
             cases[i].text);

    assert_int_equal(loom_control_task_parse(&task, text, strlen(text), "t.yaml", &err), 0);
    assert_int_equal(loom_control_scene_create(&scene, task, &roots, &err), LOOM_ERR_FORMAT);
    assert_null(scene);
    if (!strstr(err.message, cases[i].message))
      fail_msg("'%s' does not tell %s", err.message, cases[i].message);
    loom_asset_roots_destroy(&roots);
    loom_control_task_destroy(task);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gymnasium_agrees),
      cmocka_unit_test(resets_are_pure),
      cmocka_unit_test(noise_is_as_told),
      cmocka_unit_test(snapshots_go_on),
      cmocka_unit_test(bad_actions),
      cmocka_unit_test(refuses_other_models),
      cmocka_unit_test(learned_terms_see_what_was_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
