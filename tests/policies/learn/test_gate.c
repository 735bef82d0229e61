// The scripted expert behind a gate: as long as it acts it is the demonstrator that `record` asks, step for
// step, whatever the robots and controllers; when somebody else acted for a while, most still comes right.
// Both on tasks whose arms wait for each other.
#include "tests/expert_fixture.h"

#include "policies/learn/gate.h"
#include "tests/teacher_fixture.h"

enum { SEED = 1000 };

static char bar_folder[128], bar_task[160];

static int write_tasks(void** state) {
  (void)state;
  write_bar(bar_folder, bar_task);
  return 0;
}

static int remove_tasks(void** state) {
  (void)state;
  remove_bar(bar_folder);
  return 0;
}

// ---- who does as told

typedef struct obeyCase {
  const char *file, *robots;
  int episodes;
} obeyCase;

// Relative and absolute poses, arms apart and of one body, grippers and hands; the bar's arms come to a
// joint's end.
static const obeyCase obeyed[] = {
    {"tests/own/task.yaml", "tests/own/robots", 2},
    {"tests/door/task.yaml", "tests/own/robots", 2},
    {bar_task, "scenes/robots", 2},
    {"scenes/pouring/task.yaml", "scenes/robots", 1},
};

static void demonstrate(expertScene* s, loomRunResult* run, uint64_t number) {
  loomError err = {0, ""};
  loomExpert expert;
  must(loom_episode_reset(s->e, 0, SEED, number, &err), &err);
  must(loom_expert_create(&expert, s->e, SEED, number, NULL, &err), &err);

  loomPolicy policy = loom_expert_policy(&expert);
  loomRunDef def = loom_default_run_def(s->task);
  must(loom_policy_run(run, s->e, &policy, &def, &s->trace, &err), &err);
}

static void obeyed_it_is_the_demonstrator(void** state) {
  (void)state;
  for (size_t k = 0; k < sizeof obeyed / sizeof *obeyed; k++) {
    // Under sanitizers the small scenes do: all but pouring, whose episodes take most of the time.
    if (getenv("LOOM_QUICK") && !strncmp(obeyed[k].file, "scenes/", 7)) continue;
    const obeyCase* c = &obeyed[k];
    expertScene s;
    loomError err = {0, ""};
    loomGate gate = {0};
    loomRolloutReport report;
    open_expert_scene(&s, c->file, c->robots);

    // The expert alone, as `dagger` measures it and as its first demos are shown.
    loomGateDef def = {.kind = LOOM_GATE_EXPERT, .expert = scripted};
    loomRolloutDef roll = loom_default_rollout_def();
    roll.n = c->episodes;
    roll.seed = SEED;
    must(loom_gate_create(&gate, &def, s.scene, 0, c->episodes, s.task->max_steps, &err), &err);
    loomPolicyMaker maker = loom_gate_maker(&gate);
    must(loom_rollout(&report, s.scene, &maker, &roll, &err), &err);

    // The same actions, and so the same end.
    for (int i = 0; i < c->episodes; i++) {
      loomRunResult run;
      demonstrate(&s, &run, (uint64_t)i);
      const loomGateEpisode* said = &gate.episode[i];
      if (said->rows != run.steps || report.rollout[i].end != run.end)
        fail_msg("%s, episode %d: %d steps and end %d, not %d and %d", c->file, i, said->rows,
                 (int)report.rollout[i].end, run.steps, (int)run.end);
      assert_memory_equal(said->label, s.trace.actions,
                          (size_t)run.steps * (size_t)s.e->action_dim * sizeof *said->label);
      assert_int_equal(run.end, LOOM_RUN_SUCCESS);
    }

    loom_rollout_report_destroy(&report);
    loom_gate_destroy(&gate);
    close_expert_scene(&s);
  }
}

// ---- who does not

// Does for a while anything but what the teacher says: each hand is sent elsewhere at each step.
typedef struct stranger {
  loomPolicy teacher;
  loomRandom random;
  int from, steps;
  double far;  // 1 = up to 5 cm and half a rad a step, and the hand does anything; 0 = held where it is
} stranger;

static int stranger_acts(double* action, void* self, loomEpisode* e, loomError* err) {
  stranger* x = self;
  int code = x->teacher.act(action, x->teacher.self, e, err);
  if (code || e->steps < x->from || e->steps >= x->from + x->steps) return code;

  // Somewhere near where it is, of relative and of absolute poses alike.
  for (int a = 0; a < e->arm_count; a++) {
    const loomArm* arm = &e->arms[a];
    loomPose eef = loom_episode_eef(e, a), to = eef;
    double turn[3], quat[4];
    for (int i = 0; i < 3; i++) to.pos[i] += x->far * loom_random_range(&x->random, -0.05, 0.05);
    for (int i = 0; i < 3; i++) turn[i] = x->far * loom_random_range(&x->random, -0.5, 0.5);
    loom_quat_exp(quat, turn);
    loom_quat_mul(to.quat, quat, eef.quat);

    loom_arm_action_towards(action, arm, eef, to);
    for (int i = arm->pose_dim; x->far > 0 && i < loom_arm_action_dim(arm); i++)
      action[i] = loom_random_range(&x->random, -1, 1);
    action += loom_arm_action_dim(arm);
  }
  return 0;
}

static int stranger_resets(void* self, loomEpisode* e, loomError* err) {
  stranger* x = self;
  return x->teacher.reset(x->teacher.self, e, err);
}

typedef struct strangerCase {
  const char *file, *robots;
  int from[3], steps, tries;  // control steps; from: by turns
  double far;
  int least;  // successes
} strangerCase;

static const strangerCase disturbed[] = {
    {"tests/own/task.yaml", "tests/own/robots", {3, 25, 60}, 8, 6, 1, 5},
    {"tests/door/task.yaml", "tests/own/robots", {3, 25, 60}, 8, 6, 1, 5},
    {bar_task, "scenes/robots", {0, 80, 110}, 8, 3, 1, 3},
    {"scenes/pouring/task.yaml", "scenes/robots", {0}, 4, 1, 0, 1},
};

static void most_comes_right_again(void** state) {
  (void)state;
  for (size_t k = 0; k < sizeof disturbed / sizeof *disturbed; k++) {
    const strangerCase* c = &disturbed[k];
    expertScene s;
    loomError err = {0, ""};
    int won = 0;
    open_expert_scene(&s, c->file, c->robots);

    for (int i = 0; i < c->tries; i++) {
      uint64_t number = (uint64_t)(i / 3);
      loomExpert expert;
      loomRunResult run;
      must(loom_episode_reset(s.e, 0, SEED, number, &err), &err);
      must(loom_expert_create(&expert, s.e, SEED, number, NULL, &err), &err);
      expert.corrective = true;

      stranger x = {loom_expert_policy(&expert), loom_random(SEED, number, LOOM_PURPOSE_GATE), c->from[i % 3],
                    c->steps, c->far};
      loomPolicy policy = {&x, stranger_resets, stranger_acts};
      loomRunDef def = loom_default_run_def(s.task);
      must(loom_policy_run(&run, s.e, &policy, &def, NULL, &err), &err);
      assert_true(expert.corrects);
      won += run.end == LOOM_RUN_SUCCESS;
    }

    if (won < c->least) fail_msg("%s: %d of %d come right", c->file, won, c->tries);
    close_expert_scene(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(obeyed_it_is_the_demonstrator),
      cmocka_unit_test(most_comes_right_again),
  };
  return cmocka_run_group_tests(tests, write_tasks, remove_tasks);
}
