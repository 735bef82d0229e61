// Who holds what of a door with two handles while its expert's hands close or do not: touches, and the
// conditions that the task is cut and judged by; and where an arm goes back to that has lost what it held.
#include "tests/expert_fixture.h"

#include "generators/expert/expert_correct.h"
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

// ---- where an arm goes back to

typedef struct lossCase {
  const char* file;
  int arm, step;       // that holds
  const char* object;  // what it holds
  int back;            // the step where its approach begins
} lossCase;

static const lossCase losses[] = {
    {"tests/own/task.yaml", 0, 3, "box", 0},
    {"tests/own/task.yaml", 1, 3, "rod", 0},
    {"tests/door/task.yaml", 1, 3, "door", 0},
};

static void what_is_lost_is_approached_anew(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
    const lossCase* c = &losses[i];
    expertScene s;
    loomExpert x;
    loomError err = {0, ""};
    open_expert_scene(&s, c->file, "tests/own/robots");
    must(loom_episode_reset(s.e, 0, 7, 0, &err), &err);
    must(loom_expert_create(&x, s.e, 7, 0, NULL, &err), &err);
    loomPolicy policy = loom_expert_policy(&x);
    must(policy.reset(policy.self, s.e, &err), &err);

    // At a step that holds, with the object where it lay at the start and the hand elsewhere.
    loomExpertArm* arm = &x.arm[c->arm];
    assert_int_equal(x.held[c->arm][c->step], loom_task_find_object(s.task, c->object));
    arm->step = c->step;
    arm->part = loom_pose_identity();
    arm->grasp = 3;
    arm->hand[0] = 1;

    // Missed for some steps in a row.
    for (int t = 0; t < 10 && arm->step == c->step; t++) loom_expert_holds(&x, s.e, c->arm);
    assert_int_equal(arm->step, c->back);
    assert_true(arm->hand[0] == -1);
    close_expert_scene(&s);
  }
}

// ---- what is told of a failure

// A goal beyond an arm's joints: it goes on without, and says by how much, and why.
static void what_is_out_of_reach_is_told(void** state) {
  expertScene s;
  loomExpert x;
  loomRunResult run;
  loomError err = {0, ""};
  char where[256];
  (void)state;
  open_expert_scene(&s, "tests/own/task.yaml", "tests/own/robots");
  s.task->expert[0][0].pos[2] = 2;
  must(loom_episode_reset(s.e, 0, 7, 0, &err), &err);
  must(loom_expert_create(&x, s.e, 7, 0, NULL, &err), &err);

  loomPolicy policy = loom_expert_policy(&x);
  loomRunDef def = loom_default_run_def(s.task);
  must(loom_policy_run(&run, s.e, &policy, &def, &s.trace, &err), &err);
  loom_expert_where(where, sizeof where, &x, s.task);

  // Of the other arm, which comes everywhere, nothing but where it is.
  if (!strstr(where, " mm short of step 1, joint 3 at its limit), arm 1 ") ||
      strstr(where, "short of step 2"))
    fail_msg("%s", where);
  assert_null(strstr(strstr(where, "arm 1"), "short"));
  close_expert_scene(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_hand_has_what_it_closed_on),
                                     cmocka_unit_test(what_is_lost_is_approached_anew),
                                     cmocka_unit_test(what_is_out_of_reach_is_told)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
