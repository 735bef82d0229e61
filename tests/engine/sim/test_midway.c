// Demos that begin in the midst: what hands were told goes with them as text, and an episode that is given it
// goes on to the bit as the one that it was taken from.
#include "engine/sim/midway.h"

#include "engine/sim/disturb.h"
#include "tests/own_fixture.h"

enum { ROWS = 80, MORE = 10 };

// The scripted expert, which has closed its hands by then.
static void run(own* o, int steps) {
  loomExpert expert;
  loomRunResult result;
  loomRunDef def = loom_default_run_def(o->task);
  loomError err = {0, ""};

  def.max_steps = steps;
  must(loom_episode_reset(o->e, 0, 5, 0, &err), &err);
  must(loom_expert_create(&expert, o->e, 5, 0, &o->trace, &err), &err);
  loomPolicy policy = loom_expert_policy(&expert);
  must(loom_policy_run(&result, o->e, &policy, &def, &o->trace, &err), &err);
}

// Steps on by the expert's later actions: the state that it comes to.
static void step_on(double* out, own* o, const double* actions) {
  loomError err = {0, ""};
  for (int i = 0; i < MORE; i++)
    must(loom_episode_step(o->e, actions + (ptrdiff_t)i * o->e->action_dim, &err), &err);
  loom_episode_state(out, o->e);
}

static void it_goes_on_as_it_was(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  size_t dim = (size_t)o->e->state_dim, entries = (size_t)o->e->action_dim;
  double *begun = calloc(4 * dim, sizeof *begun), *actions = calloc(MORE * entries, sizeof *actions);
  assert_non_null(begun);
  assert_non_null(actions);

  run(o, ROWS + MORE);
  memcpy(actions, o->trace.actions + ROWS * entries, MORE * entries * sizeof *actions);
  run(o, ROWS);

  // From there, as text and back.
  loomHands hands, read;
  char* text;
  loom_midway_take(&hands, o->e);
  loom_episode_state(begun, o->e);
  must(loom_midway_text(&text, &hands, o->e, &err), &err);
  must(loom_midway_read(&read, text, o->e, "demo_0", &err), &err);
  assert_memory_equal(&hands, &read, sizeof hands);
  assert_true(hands.told[0][0] > 0 && hands.command[0][0] != 0);

  // In the model as it is: as a demo of it is started, and without.
  must(loom_episode_again(o->e, begun, &err), &err);
  loom_midway_put(o->e, &hands);
  step_on(begun + dim, o, actions);
  must(loom_episode_again(o->e, begun, &err), &err);
  loom_midway_put(o->e, &read);
  step_on(begun + 2 * dim, o, actions);
  must(loom_episode_again(o->e, begun, &err), &err);
  step_on(begun + 3 * dim, o, actions);
  assert_memory_equal(begun + dim, begun + 2 * dim, dim * sizeof *begun);
  assert_memory_not_equal(begun + dim, begun + 3 * dim, dim * sizeof *begun);

  free(text);
  free(begun);
  free(actions);
}

static void what_ends_leaves_the_model_as_it_was(void** state) {
  own* o = *state;
  loomError err = {0, ""};
  loomDisturbTerm slip = {.kind = LOOM_DISTURB_SLIP, .of = "0", .timed = true, .ends = true, .last = {1, 1}};
  loomDisturbSet set = {.name = "slip", .label = "test", .digest = 1, .count = 1, .terms = &slip};
  double action[LOOM_MAX_ACTION] = {0};
  loomHands hands;

  // Its own sizes are in the model before.
  must(loom_episode_reset(o->e, 0, 5, 1, &err), &err);
  mjModel* before = mj_copyModel(NULL, o->e->m);
  assert_non_null(before);
  must(loom_disturb_begin(o->e, &set, 5, 1, NULL, &err), &err);
  for (int i = 0; i < 3; i++) {
    must(loom_disturb_step(o->e, &err), &err);
    must(loom_episode_step(o->e, action, &err), &err);
  }
  assert_memory_not_equal(before->buffer, o->e->m->buffer, (size_t)before->nbuffer);

  // Twenty control steps, of which three have gone.
  assert_int_equal(loom_disturb_over(o->e, 0), 20);
  must(loom_disturb_end(&hands, o->e, &err), &err);
  assert_null(o->e->disturbance);
  assert_int_equal(o->e->steps, 0);
  assert_memory_equal(before->buffer, o->e->m->buffer, (size_t)before->nbuffer);
  mj_deleteModel(before);
}

static void odd_texts_are_refused(void** state) {
  own* o = *state;
  static const char* const odd[] = {
      "",
      "[]",
      "{\"hands\": []}",
      "{\"hands\": [{\"told\": [1], \"command\": [0, 0]}]}",
      "{\"hands\": [{\"told\": [1], \"command\": [0]}, {\"told\": [1], \"command\": [0, 0]}]}",
      "{\"hands\": [{\"told\": [1], \"command\": [0, 2]}, {\"told\": [1], \"command\": [0, 0]}]}",
      "{\"hands\": [{\"told\": [1], \"command\": [0, \"x\"]}, {\"told\": [1], \"command\": [0, 0]}]}",
      "{\"hands\": [{\"told\": 1, \"command\": [0, 0]}, {\"told\": [1], \"command\": [0, 0]}]}",
  };

  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    loomHands hands;
    loomError err = {0, ""};
    assert_int_equal(loom_midway_read(&hands, odd[i], o->e, "demo_7", &err), LOOM_ERR_FORMAT);
    assert_non_null(strstr(err.message, "demo_7: its loom_midway is not"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_goes_on_as_it_was),
      cmocka_unit_test(what_ends_leaves_the_model_as_it_was),
      cmocka_unit_test(odd_texts_are_refused),
  };
  return cmocka_run_group_tests(tests, open_own, close_own);
}
