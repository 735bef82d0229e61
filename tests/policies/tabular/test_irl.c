// Gradients against central differences, and that the policy which comes back does what the expert does.
#include "tests/policies/tabular/tabular_fixture.h"

#include "engine/base/random.h"
#include "policies/tabular/irl.h"
#include "policies/tabular/mdp_file.h"

static loomExpert soft_expert(const loomMdp* m) {
  loomPlan plan;
  loomExpert out;
  loomError err;
  must(loom_plan_create(&plan, m, &err), &err);
  must(loom_plan_soft(&plan, m, m->reward, &err), &err);
  must(loom_expert_of_policy(&out, m, plan.policy, &err), &err);
  loom_plan_destroy(&plan);
  return out;
}

typedef int objective(double* value, double* gradient, const double* w, void* problem, loomError* err);

static void compare_gradient(objective* f, loomIrlMethod method, const loomMdp* m, uint64_t seed) {
  loomExpert expert = soft_expert(m);
  loomIrlDef def = loom_default_irl_def();
  loomIrlProblem problem;
  loomError err;
  loomRandom random = loom_random(seed, 1, LOOM_PURPOSE_TEST);
  int n = m->features;
  double *w = numbers((size_t)n), *g = numbers((size_t)n), *unused = numbers((size_t)n), high, low, most = 0;

  def.method = method;
  def.l2 = seed % 2 ? 0.1 : 0;

  must(loom_irl_problem_create(&problem, m, &expert, &def, &err), &err);
  for (int k = 0; k < n; k++) w[k] = 0.3 * loom_random_normal(&random);
  if (!m->horizon && m->gamma == 1) w[0] = -5;  // feature 0 is 1 there: a reward that ends
  must(f(&low, g, w, &problem, &err), &err);
  for (int k = 0; k < n; k++) most = fmax(most, fabs(g[k]));

  // Four points: the error of the rule is h^4.
  for (int k = 0; k < n; k++) {
    static const double at[4] = {-2, -1, 1, 2}, share[4] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
    double x = w[k], h = 1e-3, slope = 0;
    for (int i = 0; i < 4; i++) {
      w[k] = x + at[i] * h;
      must(f(&high, unused, w, &problem, &err), &err);
      slope += share[i] * high / h;
    }
    w[k] = x;
    near_to(g[k], slope, 1e-7 * (1 + most));
  }
  assert_true(most > 1e-3);  // it is not that all of it is 0

  loom_irl_problem_destroy(&problem);
  loom_expert_destroy(&expert);
  free(w);
  free(g);
  free(unused);
}

// 50 random tables: with a horizon and without, discounted and not, with terminals and without.
static void gradients(void** state) {
  (void)state;

  for (uint64_t seed = 0; seed < 50; seed++) {
    static const struct {
      const char* spec;
      double gamma;
      int horizon;
    } kinds[5] = {{"random:7x3x4", 1, 6},
                  {"random:7x3x4/2", 0.9, 6},
                  {"random:7x3x4", 0.9, 0},
                  {"random:7x3x4/2", 0.95, 0},
                  {"random:7x3x4/2", 1, 8}};
    const double gamma = kinds[seed % 5].gamma;
    loomMdp m = world(kinds[seed % 5].spec, seed, gamma, kinds[seed % 5].horizon);
    compare_gradient(loom_irl_causal, LOOM_IRL_CAUSAL, &m, seed);
    compare_gradient(loom_irl_likelihood, LOOM_IRL_LIKELIHOOD, &m, seed);
    if (m.horizon) compare_gradient(loom_irl_maxent, LOOM_IRL_MAXENT, &m, seed);
    loom_mdp_destroy(&m);
  }
}

// Undiscounted, with no horizon but terminal states that ending is paid by: gradients there too.
static void gradients_until_an_end(void** state) {
  (void)state;

  for (uint64_t seed = 100; seed < 110; seed++) {
    loomMdp m = world("random:7x3x4/3", seed, 1, 0);
    for (int s = 0; s < m.states; s++)
      for (int a = 0; a < m.actions; a++)
        for (int k = m.feature_row[s * 3 + a]; k < m.feature_row[s * 3 + a + 1]; k++)
          if (m.feature[k] == 0) m.value[k] = 1;
    for (int i = 0; i < m.states * m.actions; i++) m.reward[i] = -fabs(m.reward[i]) - 3;
    compare_gradient(loom_irl_causal, LOOM_IRL_CAUSAL, &m, seed);
    compare_gradient(loom_irl_likelihood, LOOM_IRL_LIKELIHOOD, &m, seed);
    loom_mdp_destroy(&m);
  }
}

static double occupancy_error(const loomMdp* m, const double* a, const double* b) {
  double sum = 0;
  for (int i = 0; i < m->states * m->actions; i++) sum += fabs(a[i] - b[i]);
  return sum;
}

static double run_method(const loomMdp* m, loomIrlMethod method) {
  loomExpert expert = soft_expert(m);
  loomIrlDef def = loom_default_irl_def();
  loomIrlResult result;
  loomError err;

  def.method = method;
  must(loom_irl_run(&result, m, &expert, &def, &err), &err);
  double error = occupancy_error(m, result.occupancy, expert.d);
  printf("%s, gamma %g, horizon %d: occupancy off by %.2g (L1) after %d iterations, slope %.2g%s\n",
         loom_irl_method_names[method], m->gamma, m->horizon, error, result.iterations, result.left,
         result.converged ? "" : ", not converged");
  loom_irl_destroy(&result);
  loom_expert_destroy(&expert);

  return error;
}

// What `imitation` 1.0.1 gets wrong with a discount: the policy is the expert's at any.
static void policy_is_the_experts(void** state) {
  (void)state;
  static const double gammas[4] = {0.5, 0.9, 0.99, 1};

  for (int i = 0; i < 4; i++) {
    for (int endless = 0; endless < (gammas[i] < 1 ? 2 : 1); endless++) {
      loomMdp m = world("cliff:7x4", 0, gammas[i], endless ? 0 : 9);
      loomError err;
      must(loom_mdp_use_indicators(&m, false, &err), &err);
      assert_true(run_method(&m, LOOM_IRL_CAUSAL) < 1e-6);
      assert_true(run_method(&m, LOOM_IRL_LIKELIHOOD) < 1e-6);
      loom_mdp_destroy(&m);
    }
  }
}

// A corridor whose moves do what they say: paths of maximum entropy are those of maximum causal entropy.
static void maxent_is_causal_without_chance(void** state) {
  (void)state;
  static const char* const corridor =
      "states 5\nactions left right\nhorizon 6\nterminal 4\nstart 0 0.5\nstart 2 0.5\n"
      "move 0 left 0 1\nmove 0 right 1 1\nmove 1 left 0 1\nmove 1 right 2 1\nmove 2 left 1 1\nmove 2 right 3 "
      "1\n"
      "move 3 left 2 1\nmove 3 right 4 1\nreward * -1\nreward 4 3\nreward 1 left 0.5\n"
      "feature end 4 1\nfeature place 1 1\nfeature place 2 2\nfeature place 3 3\nfeature left * left 1\n";
  loomMdp m;
  loomError err = {0, ""};

  must(loom_mdp_read(&m, write_mdp(corridor), &err), &err);
  loomExpert expert = soft_expert(&m);
  loomIrlDef def = loom_default_irl_def();
  loomIrlResult causal, maxent;

  must(loom_irl_run(&causal, &m, &expert, &def, &err), &err);
  def.method = LOOM_IRL_MAXENT;
  must(loom_irl_run(&maxent, &m, &expert, &def, &err), &err);
  assert_true(causal.converged && maxent.converged);
  assert_true(occupancy_error(&m, causal.occupancy, maxent.occupancy) < 1e-7);
  near_to(causal.objective, maxent.objective, 1e-10);
  for (int k = 0; k < m.features; k++) near_to(maxent.features[k], expert.features[k], 1e-8);
  loom_irl_destroy(&causal);
  loom_irl_destroy(&maxent);
  loom_expert_destroy(&expert);
  loom_mdp_destroy(&m);

  // Chance: refused by name unless approximate; then it is off.
  m = world("cliff:7x4", 0, 1, 9);
  expert = soft_expert(&m);
  assert_int_equal(loom_irl_run(&maxent, &m, &expert, &def, &err), LOOM_ERR_UNSUPPORTED);
  assert_non_null(strstr(err.message, "state 0,0, action down-left: chance decides"));
  def.approximate = true;
  must(loom_irl_run(&maxent, &m, &expert, &def, &err), &err);
  assert_true(occupancy_error(&m, maxent.occupancy, expert.d) > 1e-3);
  loom_irl_destroy(&maxent);
  loom_expert_destroy(&expert);
  loom_mdp_destroy(&m);
}

// Trajectories drawn: reproducible, and their counts near the policy's own.
static void sampled_demos(void** state) {
  (void)state;

  for (int endless = 0; endless < 2; endless++) {
    loomMdp m = world("random:6x2x3/1", 5, 0.8, endless ? 0 : 7);
    loomPlan plan;
    loomHeap heap = {0};
    loomDemos demos, again;
    loomExpert exact, drawn;
    loomError err;
    must(loom_plan_create(&plan, &m, &err), &err);
    must(loom_plan_soft(&plan, &m, m.reward, &err), &err);
    must(loom_demos_sample(&demos, &heap, &m, plan.policy, 20000, 3, &err), &err);
    must(loom_demos_sample(&again, &heap, &m, plan.policy, 100, 3, &err), &err);
    assert_memory_equal(demos.state, again.state, (size_t)again.begin[100] * sizeof(int));

    must(loom_expert_of_policy(&exact, &m, plan.policy, &err), &err);
    must(loom_expert_of_demos(&drawn, &m, &demos, &err), &err);
    double total = 0;
    for (size_t i = 0; i < plan.rows; i++) total += exact.d[i];
    assert_true(occupancy_error(&m, exact.d, drawn.d) < 0.03 * total);
    for (size_t i = 0; i < plan.rows * (size_t)plan.periods; i++)
      near_to(drawn.visits[i], exact.visits[i], 0.03);

    loom_expert_destroy(&exact);
    loom_expert_destroy(&drawn);
    loom_heap_destroy(&heap);
    loom_plan_destroy(&plan);
    loom_mdp_destroy(&m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients),
      cmocka_unit_test(gradients_until_an_end),
      cmocka_unit_test(policy_is_the_experts),
      cmocka_unit_test(maxent_is_causal_without_chance),
      cmocka_unit_test(sampled_demos),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(write_mdp(""));

  return failed;
}
