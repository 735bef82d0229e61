// Who holds what of a door with two handles while its expert's hands close or do not: touches, and the conditions
// that the task is cut and judged by.
#include "tests/expert_fixture.h"

#include "generators/source/replay.h"

enum { OVEN, DOOR, STEPS = 75 };  // objects of tests/door; control steps until both hands have closed

typedef struct graspCase {
  bool closes[2];    // each arm's hand; it stays open else
  double elsewhere;  // m that arm 1 stays away from its handle
  bool grasped[2];   // the door, by each arm
} graspCase;

static const graspCase cases[] = {
    {{true, true}, 0, {true, true}},    {{true, false}, 0, {true, false}},
    {{false, true}, 0, {false, true}},  {{false, false}, 0, {false, false}},
    {{true, true}, 0.1, {true, false}},
};

// The expert's actions, but for what the case has otherwise.
static void drive(expertScene* s, const graspCase* c) {
  loomError err = {0, ""};
  loomExpert expert;
  double action[LOOM_MAX_ACTION];
  must(loom_episode_reset(s->e, 0, 7, 0, &err), &err);
  must(loom_expert_create(&expert, s->e, 7, 0, NULL, &err), &err);

  loomPolicy policy = loom_expert_policy(&expert);
  must(policy.reset(policy.self, s->e, &err), &err);
  for (int t = 0; t < STEPS; t++) {
    must(policy.act(action, policy.self, s->e, &err), &err);
    for (int a = 0; a < 2; a++)
      if (!c->closes[a]) action[7 * a + 6] = -1;

    // Kept above its handle.
    if (c->elsewhere > 0 && loom_episode_eef(s->e, 1).pos[2] < 0.3 + c->elsewhere) action[7 + 2] = 1;
    must(loom_episode_step(s->e, action, &err), &err);
  }
}

static void each_hand_has_what_it_closed_on(void** state) {
  (void)state;
  expertScene s;
  open_expert_scene(&s, "tests/door/task.yaml", "tests/own/robots");

  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const graspCase* c = &cases[i];
    unsigned char touch[2 * 2];
    drive(&s, c);
    loom_find_touches(touch, s.e);

    // The door's is what is fixed to it; the oven that it hangs on is another object, and nobody's.
    for (int a = 0; a < 2; a++) {
      bool has = touch[a * 2 + DOOR] == 3;
      bool told = loom_condition_true(s.e->conditions, s.task->subtasks[a][0].expect);
      if (has != c->grasped[a] || told != c->grasped[a])
        fail_msg("case %d, arm %d: touches %d, condition %d", (int)i, a, touch[a * 2 + DOOR], told);
      assert_int_equal(touch[a * 2 + OVEN], 0);
    }
  }
  close_expert_scene(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_hand_has_what_it_closed_on)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
