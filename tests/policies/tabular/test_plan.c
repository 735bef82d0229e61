// Plans against the values that seals' CliffWorld has by an implementation of others, against paths counted
// one by one, and against each other: values are what their policy's occupancy earns.
#include "tests/policies/tabular/tabular_fixture.h"

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "policies/tabular/mdp_file.h"

static void cliff_values(void** state) {
  (void)state;
  static const struct {
    const char* spec;
    int horizon;
    double gamma, soft, reward;
  } known[] = {
      {"cliff:7x4", 9, 1, 50.810282495057, 49.035406285942},
      {"cliff:7x4", 9, 0.9, 27.408406880955, 26.398145606581},
      {"cliff:15x6", 18, 1, 98.069454860199, 94.714186553983},
      {"cliff:100x20", 110, 1, 576.048037604927, 546.139657758543},
  };

  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    loomMdp m = world(known[i].spec, 0, known[i].gamma, known[i].horizon);
    loomPlan plan;
    loomError err;
    must(loom_plan_create(&plan, &m, &err), &err);
    double* d = numbers(plan.rows);

    // Once for the pages of memory, then as every iteration has it.
    must(loom_plan_soft(&plan, &m, m.reward, &err), &err);
    double before = loom_thread_cpu();
    must(loom_plan_soft(&plan, &m, m.reward, &err), &err);
    must(loom_plan_occupancy(d, NULL, &m, plan.policy, &err), &err);
    printf("%s: %.1f ms of processor forward and backward\n", known[i].spec,
           1e3 * (loom_thread_cpu() - before));

    near_to(plan.start_value, known[i].soft, 1e-9);
    near_to(loom_plan_sum(&m, d, m.reward), known[i].reward, 1e-9);
    free(d);
    loom_plan_destroy(&plan);
    loom_mdp_destroy(&m);
  }
}

static void best_value_of_the_cliff(void** state) {
  (void)state;
  loomMdp m = world("cliff:7x4", 0, 0.9, 0);
  loomPlan plan;
  loomError err;
  must(loom_plan_create(&plan, &m, &err), &err);
  double* d = numbers(plan.rows);

  must(loom_plan_hard(&plan, &m, m.reward, &err), &err);
  must(loom_plan_occupancy(d, NULL, &m, plan.policy, &err), &err);
  near_to(plan.start_value, 65.3204644545, 1e-9);
  near_to(loom_plan_sum(&m, d, m.reward), 65.3204644545, 1e-9);
  assert_true(plan.policy[27 * 4] == 1);  // two are as good there: the first

  free(d);
  loom_plan_destroy(&plan);
  loom_mdp_destroy(&m);
}

// The value of a start and the expected reward, by all paths of H decisions: r, soft or not.
static double by_paths(const loomMdp* m, const loomPlan* plan, int s, int t, double* entropy) {
  double sum = 0;
  *entropy = 0;
  if (t == m->horizon) return 0;

  for (int row = s * m->actions; row < (s + 1) * m->actions; row++) {
    double pi = plan->policy[(size_t)t * plan->rows + (size_t)row], later = 0;
    if (pi == 0) continue;
    double surprise = -log(pi);
    for (int k = m->row[row]; k < m->row[row + 1]; k++) {
      double more;
      later += m->p[k] * by_paths(m, plan, m->next[k], t + 1, &more);
      surprise += m->gamma * m->p[k] * more;
    }
    sum += pi * (m->reward[row] + m->gamma * later);
    *entropy += pi * surprise;
  }
  return sum;
}

// Soft value = reward + entropy of its own policy, over random tables, some of them with terminals.
static void values_by_paths(void** state) {
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    loomMdp m = world(seed % 2 ? "random:5x2x3/1" : "random:4x3x2", seed, seed % 3 ? 0.8 : 1, 4);
    loomPlan plan;
    loomError err;
    must(loom_plan_create(&plan, &m, &err), &err);
    double* d = numbers(plan.rows);
    must(loom_plan_soft(&plan, &m, m.reward, &err), &err);
    must(loom_plan_occupancy(d, NULL, &m, plan.policy, &err), &err);

    double reward = 0, entropy = 0;
    for (int s = 0; s < m.states; s++) {
      double more;
      reward += m.start[s] * by_paths(&m, &plan, s, 0, &more);
      entropy += m.start[s] * more;
    }
    near_to(loom_plan_sum(&m, d, m.reward), reward, 1e-12);
    near_to(plan.start_value, reward + entropy, 1e-12);
    free(d);
    loom_plan_destroy(&plan);
    loom_mdp_destroy(&m);
  }
}

// Without a horizon the soft value is reward + entropy too, discounted or ended by terminal states, and a
// horizon so long that nothing is left comes to the same.
static void endless_values(void** state) {
  (void)state;
  for (uint64_t seed = 0; seed < 20; seed++) {
    bool ends = seed % 2;
    loomMdp m = world(ends ? "random:12x3x4/3" : "random:12x3x4", seed, ends ? 1 : 0.95, 0);
    loomPlan plan, finite;
    loomError err;
    for (int i = 0; i < m.states * m.actions && ends; i++) m.reward[i] = -fabs(m.reward[i]) - 2;

    must(loom_plan_create(&plan, &m, &err), &err);
    double *d = numbers(plan.rows), *surprise = numbers(plan.rows);
    must(loom_plan_soft(&plan, &m, m.reward, &err), &err);
    must(loom_plan_occupancy(d, NULL, &m, plan.policy, &err), &err);
    for (size_t i = 0; i < plan.rows; i++) surprise[i] = plan.policy[i] > 0 ? -log(plan.policy[i]) : 0;
    near_to(plan.start_value, loom_plan_sum(&m, d, m.reward) + loom_plan_sum(&m, d, surprise), 1e-9);

    m.horizon = 1500;
    must(loom_plan_create(&finite, &m, &err), &err);
    must(loom_plan_soft(&finite, &m, m.reward, &err), &err);
    near_to(finite.start_value, plan.start_value, 1e-9);
    for (size_t i = 0; i < plan.rows; i++) near_to(finite.policy[i], plan.policy[i], 1e-9);

    free(d);
    free(surprise);
    loom_plan_destroy(&plan);
    loom_plan_destroy(&finite);
    loom_mdp_destroy(&m);
  }
}

// Two rooms and a way out, all three forms of rewards and features.
static const char* const house =
    "states hall kitchen out  # three\n"
    "actions stay go\n"
    "gamma 0.5\n"
    "start hall 0.75\nstart kitchen 0.25\n"
    "terminal out\n"
    "move * stay hall 1\n"
    "move hall go kitchen 0.5\nmove hall go out 0.5\nmove kitchen go out 1\n"
    "reward * -1\nreward kitchen go 3\nreward hall go out 8\n"
    "feature warm kitchen 2\nfeature gone hall go out 1\n"
    "demo hall go kitchen stay hall go out\ndemo kitchen go out\n";

static void files(void** state) {
  (void)state;
  loomMdp m;
  loomPlan plan;
  loomError err;
  must(loom_mdp_read(&m, write_mdp(house), &err), &err);
  must(loom_mdp_check(&m, &err), &err);
  must(loom_plan_create(&plan, &m, &err), &err);

  // hall go: -1 + 8/2; kitchen go: -1 + 3; out: -1, once.
  assert_int_equal(m.states * 10 + m.features, 32);
  near_to(m.reward[1], 3, 0);
  near_to(m.reward[3], 2, 0);
  near_to(m.reward[4], -1, 0);
  near_to(m.value[m.feature_row[1]], 0.5, 0);
  assert_int_equal(m.demos.n, 2);
  assert_int_equal(m.demos.begin[2], 6);

  // kitchen: 2 - 1/2 = 1.5; hall: 3 + (1.5 - 1) / 4.
  must(loom_plan_hard(&plan, &m, m.reward, &err), &err);
  near_to(plan.value[1], 1.5, 1e-12);
  near_to(plan.value[0], 3.125, 1e-12);
  loom_plan_destroy(&plan);
  loom_mdp_destroy(&m);
}

static void wrong_files(void** state) {
  (void)state;
  static const struct {
    const char *text, *told;
  } wrong[] = {
      {"states 2\nactions 1\nmove 0 0 1 0.5\nmove 1 0 1 1\n",
       "state 0, action 0: its transitions sum to 0.5"},
      {"states 2\nactions 1\nmove 0 0 1 nan\n", ":3: 'nan' is no number"},
      {"states 2\nactions 1\nmove 0 0 1 1.5\n", ":3: 1.5 is no probability"},
      {"states 2\nactions 1\nmove 0 0 2 1\n", ":3: state 2: there are 0 to 1"},
      {"states a b\nactions 1\nmove a 0 c 1\n", ":3: there is no state 'c'"},
      {"states a a\nactions 1\n", ":1: the name 'a' stands twice"},
      {"states 2\nactions 1\nmove 0 0 1 1\n", "state 1 has no transitions and is not terminal"},
      {"states 2\nactions 1\nterminal 1\nmove 0 0 1 1\nmove 1 0 1 1\n", "state 1 is terminal"},
      {"states 2\nactions 1\nterminal 1\nmove 0 0 1 1\nreward 0 inf\n", ":5: 'inf' is no number"},
      {"states 2\nactions 1\nterminal 1\nmove 0 0 1 1\nstart 0 0.5\n", "start sum to 0.5"},
      {"states 2\nactions 1\nterminal 1\nmove 0 0 1 1\nreward 1 0 3\n", "its reward is of no action"},
      {"states 3\nactions 1\nterminal 2\nmove * 0 2 1\ndemo 0 0 1\n",
       "demo 1 has probability 0: at its step 1"},
      {"states 3\nactions 1\nterminal 2\nmove * 0 2 1\nstart 0 1\ndemo 1 0 2\n", "nothing starts in state 1"},
      {"states 2\nactions 1\nterminal 1\nmove 0 0 1 1\ndemo 0 0\n", ":5: a demo ends with a state"},
      {"moves 3\n", "`states` and `actions` come before 'moves'"},
      {"states 2\nactions 1\nmoves 3\n", ":3: what is 'moves'?"},
      {"states 2\nactions 1\nterminal 1 \nmove 0 0 1 1 1\n", ":4: '1' is one word too many"},
      {"gamma 1.2\n", ":1: a discount lies above 0"},
      {"", "no states, or no actions"},
  };

  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    loomError err = {0, ""};
    loomMdp m;
    if (!loom_mdp_read(&m, write_mdp(wrong[i].text), &err)) fail_msg("accepted: %s", wrong[i].text);
    assert_int_equal(err.code, LOOM_ERR_FORMAT);
    if (!strstr(err.message, wrong[i].told)) fail_msg("told: %s\nwanted: %s", err.message, wrong[i].told);
  }
}

static void without_end(void** state) {
  (void)state;
  loomError err = {0, ""};
  loomMdp m;
  loomPlan plan;

  // No terminal at all; then one that a state does not lead to.
  must(loom_mdp_read(&m, write_mdp("states 2\nactions 1\nmove * 0 1 1\n"), &err), &err);
  assert_int_equal(loom_mdp_check(&m, &err), LOOM_ERR_USAGE);
  loom_mdp_destroy(&m);
  must(loom_mdp_read(&m, write_mdp("states 3\nactions 1\nterminal 2\nmove 0 0 2 1\nmove 1 0 1 1\n"), &err),
       &err);
  assert_int_equal(loom_mdp_check(&m, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "state 1: no terminal state can be reached"));
  m.gamma = 1.5;
  assert_int_equal(loom_mdp_check(&m, &err), LOOM_ERR_USAGE);
  loom_mdp_destroy(&m);

  // It may stay for ever, and is paid for it.
  must(loom_mdp_read(
           &m, write_mdp("states 2\nactions 2\nterminal 1\nmove 0 0 0 1\nmove 0 1 1 1\nreward 0 1\n"), &err),
       &err);
  must(loom_mdp_check(&m, &err), &err);
  must(loom_plan_create(&plan, &m, &err), &err);
  assert_int_equal(loom_plan_soft(&plan, &m, m.reward, &err), LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "values do not settle"));
  loom_plan_destroy(&plan);
  loom_mdp_destroy(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cliff_values),    cmocka_unit_test(best_value_of_the_cliff),
      cmocka_unit_test(values_by_paths), cmocka_unit_test(endless_values),
      cmocka_unit_test(files),           cmocka_unit_test(wrong_files),
      cmocka_unit_test(without_end),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(write_mdp(""));
  return failed;
}
