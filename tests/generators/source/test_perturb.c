// Demos replayed in perturbed physics: nothing perturbed is a plain replay, each kind changes it, and a
// world is a function of seed and number alone.
#include "generators/source/perturb.h"

#include <stddef.h>

#include "tests/own_fixture.h"

static const loomPerturbDef nothing = {.seed = 5};

static loomDemo load_demo(const own* o, int i) {
  loomDataset* ds = NULL;
  loomDemo demo;
  loomError err = {0, ""};
  must(loom_dataset_open(&ds, o->path, &err), &err);
  must(loom_demo_load(&demo, ds, i, &err), &err);

  loom_dataset_close(ds);
  return demo;
}

// Of the demo's own model: sizes differ from demo to demo.
static loomScene* scene_of(const own* o, const loomDemo* demo) {
  loomScene* scene = NULL;
  loomAssetRoots roots = {0};
  loomError err = {0, ""};
  must(loom_scene_create(&scene, o->task, demo->model_xml, demo->name, NULL, &roots, &err), &err);
  return scene;
}

static loomPerturbed replay(const own* o, const loomDemo* demo, uint64_t number, const loomPerturbDef* def) {
  loomPerturbed out;
  loomScene* scene = scene_of(o, demo);
  loomError err = {0, ""};

  must(loom_replay_perturbed(&out, scene, demo, number, def, &err), &err);
  loom_scene_destroy(scene);
  return out;
}

static loomActionReplay replay_plainly(const own* o, const loomDemo* demo) {
  loomActionReplay out;
  loomScene* scene = scene_of(o, demo);
  loomEpisode* e = NULL;
  loomError err = {0, ""};
  must(loom_episode_create(&e, scene, &err), &err);

  must(loom_replay_actions(&out, e, demo, NULL, &err), &err);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  return out;
}

// Masses by a factor of 1, constants computed anew, objects placed where they are: to the bit a plain replay.
static void nothing_perturbed_is_a_plain_replay(void** state) {
  const own* o = *state;
  for (int i = 0; i < 2; i++) {
    loomDemo demo = load_demo(o, i);
    loomActionReplay plain = replay_plainly(o, &demo);
    loomPerturbed r = replay(o, &demo, 3, &nothing);

    assert_true(plain.success && r.success);
    assert_true(plain.state_error == r.state_error);
    loom_demo_destroy(&demo);
  }
}

static void each_kind_changes_the_states(void** state) {
  static const struct {
    const char* what;
    size_t member;
    double most;
  } kinds[] = {{"friction", offsetof(loomPerturbDef, friction), 0.05},
               {"mass", offsetof(loomPerturbDef, mass), 0.05},
               {"damping", offsetof(loomPerturbDef, damping), 0.05},
               {"solref", offsetof(loomPerturbDef, solref), 0.05},
               {"place", offsetof(loomPerturbDef, place), 0.001},
               {"yaw", offsetof(loomPerturbDef, yaw), 0.02}};
  const own* o = *state;
  loomDemo demo = load_demo(o, 0);
  loomActionReplay plain = replay_plainly(o, &demo);

  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    loomPerturbDef def = nothing;
    memcpy((char*)&def + kinds[k].member, &kinds[k].most, sizeof(double));
    print_message("%s\n", kinds[k].what);
    assert_true(replay(o, &demo, 0, &def).state_error != plain.state_error);
  }
  loom_demo_destroy(&demo);
}

static void a_world_is_a_function_of_seed_and_number(void** state) {
  const own* o = *state;
  loomPerturbDef def = loom_default_perturb_def();
  loomDemo demo = load_demo(o, 0);
  loomPerturbed first = replay(o, &demo, 7, &def), again = replay(o, &demo, 7, &def);

  assert_int_equal(first.success, again.success);
  assert_true(first.state_error == again.state_error);

  // Others are others.
  assert_true(replay(o, &demo, 8, &def).state_error != first.state_error);
  def.seed++;
  assert_true(replay(o, &demo, 7, &def).state_error != first.state_error);
  loom_demo_destroy(&demo);
}

// A demo is known by what it does, not by where it lies.
static void numbers_are_the_demos_own(void** state) {
  const own* o = *state;
  loomDemo a = load_demo(o, 0), b = load_demo(o, 1);
  uint64_t number = loom_perturb_number(&a, 0);

  assert_true(number != loom_perturb_number(&a, 1));
  assert_true(number != loom_perturb_number(&b, 0));

  char *name = a.name, other[] = "demo_77";
  a.name = other;
  assert_true(number == loom_perturb_number(&a, 0));
  a.name = name;
  a.actions[3] += 1e-9;
  assert_true(number != loom_perturb_number(&a, 0));
  loom_demo_destroy(&a);
  loom_demo_destroy(&b);
}

// A demo whose last rows are missing: success comes, only not for as long as it must. One that ends before
// the object is held does not succeed however long arms stand still.
static void success_may_come_late(void** state) {
  const own* o = *state;
  loomDemo demo = load_demo(o, 0);
  int rows = demo.rows, first = replay_plainly(o, &demo).first_success;

  demo.rows = first + 2;
  assert_true(replay_plainly(o, &demo).success_steps < o->task->success_hold);
  assert_true(replay(o, &demo, 0, &nothing).success);

  demo.rows = first / 2;
  assert_false(replay(o, &demo, 0, &nothing).success);
  demo.rows = rows;
  loom_demo_destroy(&demo);
}

// Half a hand's width beside where the object was the actions grasp nothing.
static void what_is_far_off_fails(void** state) {
  const own* o = *state;
  loomPerturbDef def = nothing;
  def.place = 0.15;
  loomDemo demo = load_demo(o, 0);
  int successes = 0;

  for (uint64_t k = 0; k < 4; k++) successes += replay(o, &demo, k, &def).success;
  assert_in_range(successes, 0, 2);
  loom_demo_destroy(&demo);
}

static void a_demo_of_another_scene_is_an_error(void** state) {
  const own* o = *state;
  loomDemo demo = load_demo(o, 0);
  loomPerturbed out;
  loomError err = {0, ""};

  demo.action_dim--;
  assert_int_equal(loom_replay_perturbed(&out, o->scene, &demo, 0, &nothing, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "demo_0"));
  loom_demo_destroy(&demo);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_perturbed_is_a_plain_replay),
      cmocka_unit_test(each_kind_changes_the_states),
      cmocka_unit_test(a_world_is_a_function_of_seed_and_number),
      cmocka_unit_test(numbers_are_the_demos_own),
      cmocka_unit_test(success_may_come_late),
      cmocka_unit_test(what_is_far_off_fails),
      cmocka_unit_test(a_demo_of_another_scene_is_an_error),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
