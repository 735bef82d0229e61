// Maximum margin planning against a quadratic program solved elsewhere: its optimum, how steps come to it,
// and the gap that says so.
#include "tests/policies/tabular/tabular_fixture.h"

#include "policies/tabular/irl.h"

typedef struct cliff {
  loomMdp mdp;
  loomExpert expert;
} cliff;

static cliff begin(bool states) {
  cliff out = {.mdp = world("cliff:7x4", 0, 0.9, 0)};
  loomPlan plan;
  loomError err;

  if (states) must(loom_mdp_use_indicators(&out.mdp, false, &err), &err);
  must(loom_plan_create(&plan, &out.mdp, &err), &err);
  must(loom_plan_hard(&plan, &out.mdp, out.mdp.reward, &err), &err);
  must(loom_expert_of_policy(&out.expert, &out.mdp, plan.policy, &err), &err);
  loom_plan_destroy(&plan);

  return out;
}

static void end(cliff* c) {
  loom_expert_destroy(&c->expert);
  loom_mdp_destroy(&c->mdp);
}

static void optimum(void** state) {
  (void)state;
  static const struct {
    bool states;
    double lambda, value;
  } known[4] = {
      {true, 1, 2.69664640}, {true, 0.01, 0.11169091}, {false, 1, 2.61751761}, {false, 0.01, 0.42305224}};

  for (int i = 0; i < 4; i++) {
    cliff c = begin(known[i].states);
    loomIrlDef def = loom_default_irl_def();
    loomIrlResult result;
    loomError err;
    def.method = LOOM_IRL_MMP;
    def.lambda = known[i].lambda;
    def.tolerance = 1e-8;
    must(loom_irl_run(&result, &c.mdp, &c.expert, &def, &err), &err);
    printf("%s, lambda %g: %.8f, gap %.2g, %d planes\n", known[i].states ? "states" : "3 indicators",
           def.lambda, result.objective, result.left, result.iterations);
    assert_true(result.converged && result.left >= -1e-8);
    near_to(result.objective, known[i].value, 1e-6);
    loom_irl_destroy(&result);
    end(&c);
  }
}

static void steps(void** state) {
  (void)state;

  // At w = 0 all that the expert does not do is as good, and which of it comes first makes the difference in
  // the beginning: there are 3.03 (the last) to 3.16 (the first) after 10 steps.
  static const struct {
    int steps;
    double value, tolerance;
  } known[3] = {{10, 3.141, 0.12}, {100, 2.6997, 0.002}, {1000, 2.6967, 0.0002}};
  double before = INFINITY;

  for (int i = 0; i < 3; i++) {
    cliff c = begin(true);
    loomIrlDef def = loom_default_irl_def();
    loomIrlResult result;
    loomError err;
    def.method = LOOM_IRL_MMP;
    def.subgradient = true;
    def.iterations = known[i].steps;
    must(loom_irl_run(&result, &c.mdp, &c.expert, &def, &err), &err);
    printf("%d steps: %.6f, gap %.3g\n", known[i].steps, result.objective, result.left);
    near_to(result.objective, known[i].value, known[i].tolerance);

    // The optimum lies between the two.
    assert_true(result.dual <= 2.69664640 + 1e-8 && result.objective >= 2.69664640 - 1e-8);
    assert_true(result.left < before);
    before = result.left;
    loom_irl_destroy(&result);
    end(&c);
  }
}

// The margin's weights are those of a reward the expert is best for, once lambda is small.
static void policy_is_as_good(void** state) {
  (void)state;
  cliff c = begin(true);
  loomIrlDef def = loom_default_irl_def();
  loomIrlResult result;
  loomError err;

  def.method = LOOM_IRL_MMP;
  def.lambda = 1e-3;
  def.tolerance = 1e-8;
  must(loom_irl_run(&result, &c.mdp, &c.expert, &def, &err), &err);
  double value = loom_plan_sum(&c.mdp, result.occupancy, c.mdp.reward);
  printf("lambda 0.001: value %.6f of 65.320464\n", value);
  near_to(value, 65.3204644545, 1e-6);
  loom_irl_destroy(&result);
  end(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(optimum),
      cmocka_unit_test(steps),
      cmocka_unit_test(policy_is_as_good),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
