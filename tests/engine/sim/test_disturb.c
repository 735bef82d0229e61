// Episodes that are disturbed: what is drawn is a function of seed and number, the model is the scene's again
// afterwards, what follows from masses follows, and a recorded episode comes out again to the bit.
#include "engine/sim/disturb.h"

#include <math.h>

#include "tests/own_fixture.h"

static const char rough[] = "rough";

static const loomDisturbSet* set_of(const own* o, const char* name) {
  const loomDisturbSet* set;
  loomError err = {0, ""};

  must(loom_disturb_find(&set, o->task, name, &err), &err);
  return set;
}

static void begin(own* o, const loomDisturbSet* set, uint64_t seed, uint64_t number) {
  loomError err = {0, ""};

  must(loom_episode_reset(o->e, 0, seed, number, &err), &err);
  if (set) must(loom_disturb_begin(o->e, set, seed, number, NULL, &err), &err);
}

// The scripted expert in the episode, which has begun, into the fixture's trace.
static loomRunResult run(own* o, uint64_t number, int steps) {
  loomExpert expert;
  loomRunResult out;
  loomRunDef def = loom_default_run_def(o->task);
  loomError err = {0, ""};
  def.max_steps = steps;

  must(loom_expert_create(&expert, o->e, 9, number, &o->trace, &err), &err);
  loomPolicy policy = loom_expert_policy(&expert);

  must(loom_policy_run(&out, o->e, &policy, &def, &o->trace, &err), &err);
  return out;
}

static char* text_of(const own* o) {
  char* text;
  loomError err = {0, ""};

  must(loom_disturb_text(&text, o->e, &err), &err);
  return text;
}

static void values_are_a_function_of_seed_and_number(void** state) {
  own* o = *state;
  const loomDisturbSet* set = set_of(o, rough);
  begin(o, set, 4, 7);
  char* first = text_of(o);

  for (int i = 0; i < set->count; i++)
    for (int k = 0; k < o->e->disturbance->drawn[i].n; k++) {
      double x = o->e->disturbance->drawn[i].value[k];
      assert_true(x >= set->terms[i].range[0] && x <= set->terms[i].range[1]);
    }

  // Others are others; the same is the same, whatever came between.
  begin(o, set, 4, 8);
  char* other = text_of(o);
  begin(o, NULL, 4, 9);

  assert_null(o->e->disturbance);
  begin(o, set, 4, 7);
  char* again = text_of(o);

  assert_string_equal(first, again);
  assert_string_not_equal(first, other);
  free(first);
  free(other);
  free(again);
}

static void the_model_is_the_scenes_again(void** state) {
  own* o = *state;
  loomEpisode* fresh = NULL;
  loomError err = {0, ""};
  begin(o, set_of(o, rough), 4, 1);
  run(o, 1, 70);
  begin(o, NULL, 4, 2);

  must(loom_episode_create(&fresh, o->scene, &err), &err);
  must(loom_episode_reset(fresh, 0, 4, 2, &err), &err);
  assert_memory_equal(fresh->m->buffer, o->e->m->buffer, (size_t)fresh->m->nbuffer);
  assert_memory_equal(&fresh->m->stat, &o->e->m->stat, sizeof fresh->m->stat);
  assert_memory_equal(&fresh->arms[0].control, &o->e->arms[0].control, sizeof fresh->arms[0].control);
  assert_memory_equal(fresh->d->qpos, o->e->d->qpos, sizeof(double) * (size_t)fresh->m->nq);
  loom_episode_destroy(fresh);
}

static void mass_goes_with_inertia_and_weights(void** state) {
  own* o = *state;
  int body = o->scene->object_body[0];
  loomDisturbTerm term = {.kind = LOOM_DISTURB_MASS, .of = "box", .range = {1, 9}};
  loomDisturbSet set = {.label = "made", .count = 1, .terms = &term};
  loomDisturbPin pin = {0, 2};
  loomError err = {0, ""};
  begin(o, NULL, 4, 3);
  double mass = o->e->m->body_mass[body], inertia = o->e->m->body_inertia[3 * body];
  double weight = o->e->m->body_invweight0[2 * body], tree = o->e->m->body_subtreemass[0];

  must(loom_disturb_begin(o->e, &set, 4, 3, &pin, &err), &err);

  assert_true(o->e->m->body_mass[body] == 2 * mass);
  assert_true(o->e->m->body_inertia[3 * body] == 2 * inertia);
  assert_true(fabs(o->e->m->body_invweight0[2 * body] / weight - 0.5) < 1e-9);
  assert_true(fabs(o->e->m->body_subtreemass[0] - tree - mass) < 1e-12);
}

// Edits begin and end in time; what is nudged is nudged once.
static void things_happen_at_their_time(void** state) {
  own* o = *state;
  loomDisturbTerm terms[] = {
      {.kind = LOOM_DISTURB_SLIP,
       .of = "0",
       .range = {0, 0},
       .timed = true,
       .at = {0.2, 0.2},
       .ends = true,
       .last = {0.1, 0.1}},
      {.kind = LOOM_DISTURB_PLACE, .of = "rod", .range = {0.01, 0.01}, .timed = true, .at = {0.3, 0.3}},
      {.kind = LOOM_DISTURB_PUSH,
       .of = "box",
       .range = {0.2, 0.2},
       .timed = true,
       .at = {0.1, 0.1},
       .ends = true,
       .last = {0.2, 0.2},
       .directed = true,
       .direction = {1, 0, 0}},
  };
  loomDisturbSet set = {.label = "made", .count = 3, .terms = terms};
  begin(o, NULL, 4, 5);
  double gain = o->e->m->actuator_gainprm[mjNGAIN * o->e->arms[0].hand_actuator[0]];
  begin(o, &set, 4, 5);

  loomError err = {0, ""};
  double action[LOOM_MAX_ACTION] = {0}, rod = 0;

  for (int t = 0; t < 12; t++) {
    double before = loom_episode_object(o->e, 1).pos[0];
    must(loom_disturb_step(o->e, &err), &err);
    rod += loom_episode_object(o->e, 1).pos[0] - before;

    bool slips = t >= 4 && t < 6, pushed = t >= 2 && t < 6;
    assert_true(o->e->m->actuator_gainprm[mjNGAIN * o->e->arms[0].hand_actuator[0]] == (slips ? 0 : gain));
    assert_true(o->e->d->xfrc_applied[6 * o->scene->object_body[0]] == (pushed ? 0.2 : 0));
    must(loom_episode_step(o->e, action, &err), &err);
  }
  assert_true(fabs(rod - 0.01) < 1e-9);
}

static void actions_come_late_and_with_noise(void** state) {
  own* o = *state;
  loomDisturbTerm terms[] = {{.kind = LOOM_DISTURB_ACTION_DELAY, .range = {2, 2}},
                             {.kind = LOOM_DISTURB_ACTION_NOISE, .of = "1", .range = {0.1, 0.1}}};
  loomDisturbSet set = {.label = "made", .count = 2, .terms = terms};
  begin(o, &set, 4, 6);

  loomError err = {0, ""};
  int dim = loom_arm_action_dim(&o->e->arms[0]);

  for (int t = 0; t < 5; t++) {
    double action[LOOM_MAX_ACTION] = {0.1 * (t + 1)};
    action[dim - 1] = action[2 * dim - 1] = -1;
    loom_disturb_act(action, o->e);

    // Arm 0 does what was decided two steps ago, after standing still; the gripper knows no noise.
    assert_true(fabs(action[0] - (t < 2 ? 0 : 0.1 * (t - 1))) < 1e-12);
    assert_true(action[dim] != 0 && fabs(action[dim]) < 0.6);
    assert_true(action[dim - 1] == -1 && action[2 * dim - 1] == -1);
    must(loom_episode_step(o->e, action, &err), &err);
  }
}

static loomDemo demo_of(own* o, char* text) {
  return (loomDemo){.name = (char*)"demo_0",
                    .rows = o->trace.rows,
                    .action_dim = o->trace.action_dim,
                    .state_dim = o->trace.state_dim,
                    .actions = o->trace.actions,
                    .states = o->trace.states,
                    .disturb = text};
}

// In the model that its text makes, as `verify` does.
static void a_recorded_episode_comes_out_again(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  char *text, *xml;
  begin(o, set_of(o, rough), 4, 11);
  run(o, 11, 90);
  text = text_of(o);

  must(loom_episode_xml(&xml, o->e, &err), &err);

  loomScene* scene = NULL;
  loomEpisode* e = NULL;
  loomActionReplay replay;
  loomDemo demo = demo_of(o, text);

  must(loom_scene_create(&scene, o->task, xml, "demo", NULL, &(loomAssetRoots){0}, &err), &err);
  must(loom_episode_create(&e, scene, &err), &err);
  must(loom_replay_actions(&replay, e, &demo, NULL, &err), &err);
  assert_true(replay.identical && replay.state_error == 0);

  // What disturbed it is needed for that.
  demo.disturb = NULL;

  must(loom_replay_actions(&replay, e, &demo, NULL, &err), &err);
  assert_false(replay.identical);
  loom_episode_destroy(e);
  loom_scene_destroy(scene);
  free(text);
  free(xml);
}

static void texts_of_others_are_refused(void** state) {
  static const char* const bad[] = {
      "",
      "3",
      "{}",
      "{\"terms\": 3}",
      "{\"terms\": [{}]}",
      "{\"terms\": [{\"term\": \"mas\", \"values\": [1]}]}",
      "{\"terms\": [{\"term\": \"mass\", \"values\": [1]}]}",      // two objects
      "{\"terms\": [{\"term\": \"mass\", \"values\": [1, -1]}]}",  // no mass
      "{\"terms\": [{\"term\": \"mass\", \"of\": \"cup\", \"values\": [1]}]}",
      "{\"terms\": [{\"term\": \"push\", \"of\": \"box\", \"values\": [1], \"at\": 0, \"for\": 1}]}",
      "{\"terms\": [{\"term\": \"push\", \"values\": [1], \"at\": 0, \"for\": 1, \"direction\": [1, 0, 0]}]}",
      "{\"terms\": [{\"term\": \"place\", \"of\": \"box\", \"values\": [0, 0], \"at\": -1}]}"};
  own* o = *state;
  begin(o, NULL, 4, 12);
  run(o, 12, 5);

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    loomError err = {0, ""};
    char text[256];
    snprintf(text, sizeof text, "%s", bad[i]);
    loomDemo demo = demo_of(o, text);
    if (loom_demo_start(o->e, &demo, &err) != LOOM_ERR_FORMAT) fail_msg("%s", bad[i]);
    assert_non_null(strstr(err.message, "demo_0: its loom_disturb"));
  }
}

static void names_that_the_scene_lacks_are_told(void** state) {
  static const loomDisturbTerm bad[] = {{.kind = LOOM_DISTURB_MASS, .of = "cup", .line = 7},
                                        {.kind = LOOM_DISTURB_FRICTION, .of = "cup", .line = 7},
                                        {.kind = LOOM_DISTURB_DAMPING, .of = "cup", .line = 7},
                                        {.kind = LOOM_DISTURB_GAINS, .of = "2", .line = 7},
                                        {.kind = LOOM_DISTURB_HEIGHT, .of = "box", .line = 7}};
  own* o = *state;

  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    loomDisturbTerm term = bad[i];
    loomDisturbSet set = {.label = "made.yaml", .count = 1, .terms = &term};
    loomError err = {0, ""};
    assert_int_equal(loom_disturb_check(&set, o->scene, &err), LOOM_ERR_FORMAT);
    assert_int_equal(strncmp(err.message, "made.yaml:7: key 'of': ", 23), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_a_function_of_seed_and_number),
      cmocka_unit_test(the_model_is_the_scenes_again),
      cmocka_unit_test(mass_goes_with_inertia_and_weights),
      cmocka_unit_test(things_happen_at_their_time),
      cmocka_unit_test(actions_come_late_and_with_noise),
      cmocka_unit_test(a_recorded_episode_comes_out_again),
      cmocka_unit_test(texts_of_others_are_refused),
      cmocka_unit_test(names_that_the_scene_lacks_are_told),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
