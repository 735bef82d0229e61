// Ranks that theory knows, weights that cannot be told, distances of rewards that are the same in all but
// looks, and measures against sums by hand.
#include "tests/policies/tabular/tabular_fixture.h"

#include "engine/base/random.h"
#include "policies/tabular/ambiguity.h"
#include "policies/tabular/mdp_file.h"
#include "policies/tabular/measure.h"

static loomAmbiguity rank_of(loomMdp* m, bool rows, uint64_t seed) {
  loomAmbiguity out;
  loomError err;
  loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_TEST);

  must(loom_mdp_use_indicators(m, rows, &err), &err);
  double* w = numbers((size_t)m->features);
  for (int k = 0; k < m->features; k++) w[k] = loom_random_normal(&random);
  must(loom_ambiguity_of_policy(&out, m, w, &err), &err);
  free(w);

  return out;
}

// With r(s, a) a policy leaves one potential a state open (Ng, Harada and Russell 1999; Cao, Cohen and
// Szpruch 2021): 112 - 28. With r(s) nothing but a constant.
static void ranks(void** state) {
  (void)state;
  static const double gammas[2] = {0.9, 0.99};

  for (int i = 0; i < 2; i++) {
    loomMdp m = world("cliff:7x4", 0, gammas[i], 0);
    loomAmbiguity a = rank_of(&m, true, 1);
    assert_int_equal(a.columns, 112);
    assert_int_equal(a.rank, 84);
    loom_ambiguity_destroy(&a);

    a = rank_of(&m, false, 1);
    assert_int_equal(a.columns, 28);
    assert_int_equal(a.rank, 27);
    for (int k = 0; k < 28; k++) near_to(a.loose[k], sqrt(1.0 / 28), 1e-6);
    loom_ambiguity_destroy(&a);
    loom_mdp_destroy(&m);
  }

  // A horizon tells potentials apart, not the constant.
  loomMdp m = world("cliff:7x4", 0, 1, 9);
  loomAmbiguity a = rank_of(&m, false, 1);
  assert_int_equal(a.rank, 27);
  loom_ambiguity_destroy(&a);
  loom_mdp_destroy(&m);
}

// Slopes that rank is made of, by differences: a direction that is loose changes no policy, others do.
static void loose_weights(void** state) {
  (void)state;
  static const char* const text =
      "states 3\nactions 2\ngamma 0.8\nmove 0 0 1 1\nmove 0 1 2 1\nmove 1 * 0 1\nmove 2 * 0 1\n"
      "feature good 1 1\nfeature same * 1\nfeature double 1 2\nfeature other 2 0.5\n";
  loomMdp m;
  loomAmbiguity features, policy;
  loomError err;

  must(loom_mdp_read(&m, write_mdp(text), &err), &err);

  // `double` is twice `good`: both of them are named, not the others.
  must(loom_ambiguity_of_features(&features, &m, &err), &err);
  assert_int_equal(features.rank, 3);
  near_to(features.loose[0], sqrt(0.8), 1e-9);
  near_to(features.loose[1], 0, 0);
  near_to(features.loose[2], sqrt(0.2), 1e-9);
  near_to(features.loose[3], 0, 0);

  // Of the policy only good + 2 double - other / 2 is seen.
  const double w[4] = {0.3, -1, 0.2, 0.5};
  must(loom_ambiguity_of_policy(&policy, &m, w, &err), &err);
  assert_int_equal(policy.rank, 1);
  near_to(policy.loose[1], 1, 1e-9);
  for (int k = 0; k < 4; k++) {
    double seen = (k == 0 ? 1 : k == 2 ? 2 : k == 3 ? -0.5 : 0) / sqrt(5.25);
    near_to(policy.loose[k], sqrt(1 - seen * seen), 1e-6);
  }
  loom_ambiguity_destroy(&features);
  loom_ambiguity_destroy(&policy);
  loom_mdp_destroy(&m);
}

// The definition, over all triples of the coverage.
static double epic_by_triples(const loomMdp* m, const double* a, const double* b) {
  const double* r[2] = {a, b};
  int s_n = m->states, a_n = m->actions;
  double sum[2] = {0}, square[3] = {0}, mean[2][64], all[2] = {0}, count = 0;

  for (int i = 0; i < 2; i++) {
    for (int s = 0; s < s_n; s++) {
      mean[i][s] = 0;
      for (int k = 0; k < a_n; k++) mean[i][s] += r[i][s * a_n + k] / a_n;
      all[i] += mean[i][s] / s_n;
    }
  }
  for (int row = 0; row < s_n * a_n; row++) {
    for (int next = 0; next < s_n; next++) {
      double c[2];
      for (int i = 0; i < 2; i++)
        c[i] = r[i][row] + m->gamma * mean[i][next] - mean[i][row / a_n] - m->gamma * all[i];
      for (int i = 0; i < 2; i++) sum[i] += c[i];
      for (int i = 0; i < 2; i++) square[i] += c[i] * c[i];
      square[2] += c[0] * c[1];
      count++;
    }
  }
  double cov = square[2] / count - sum[0] * sum[1] / count / count;
  double var = (square[0] / count - pow(sum[0] / count, 2)) * (square[1] / count - pow(sum[1] / count, 2));

  return sqrt(fmax(0, (1 - cov / sqrt(var)) / 2));
}

static void epic(void** state) {
  (void)state;

  for (uint64_t seed = 0; seed < 10; seed++) {
    loomMdp m = world("random:9x3x4", seed, 0.9, 0);
    loomRandom random = loom_random(seed, 2, LOOM_PURPOSE_TEST);
    double a[27], b[27], c[27];
    for (int i = 0; i < 27; i++) {
      a[i] = loom_random_normal(&random);
      b[i] = loom_random_normal(&random);
      c[i] = -2 * a[i];
    }
    near_to(loom_epic(&m, a, b), epic_by_triples(&m, a, b), 1e-10);
    near_to(loom_epic(&m, a, a), 0, 1e-7);
    near_to(loom_epic(&m, a, c), 1, 1e-12);
    for (int i = 0; i < 27; i++) c[i] = 3 * a[i] + 5;
    near_to(loom_epic(&m, a, c), 0, 1e-7);

    // A constant is nothing; nothing is half-way to anything.
    for (int i = 0; i < 27; i++) c[i] = 7;
    near_to(loom_epic(&m, c, a), sqrt(0.5), 1e-12);
    loom_mdp_destroy(&m);
  }
}

static void measures(void** state) {
  (void)state;
  static const char* const text =
      "states 3\nactions 2\nhorizon 2\nterminal 2\nmove * 0 2 1\nmove * 1 1 1\nreward 1 1\nfeature one 1 1\n"
      "start 0 1\ndemo 0 1 1 0 2\ndemo 0 0 2\n";
  loomMdp m;
  loomExpert expert;
  loomError err;
  double gap, low, high, least, most, policy[12] = {0.25, 0.75, 0.25, 0.75, 1, 0, 0.5, 0.5, 0.5, 0.5, 1, 0};
  const double features[1] = {0.75};

  must(loom_mdp_read(&m, write_mdp(text), &err), &err);
  must(loom_expert_of_demos(&expert, &m, &m.demos, &err), &err);

  // Three decisions: 3/4 and 1/2 in the first, 1/4 in the second.
  near_to(loom_policy_nll(&m, &expert, policy), -(log(0.75) + log(0.5) + log(0.25)) / 3, 1e-12);
  near_to(expert.features[0], 0.5, 1e-15);
  must(loom_feature_gap(&gap, &low, &high, &m, &m.demos, features, 1000, 1, &err), &err);
  near_to(gap, 0.25, 1e-15);
  near_to(low, 0.25, 1e-15);
  near_to(high, 0.75, 1e-15);

  // Half of the time in 1 can be had; half more than always cannot.
  must(loom_expert_reach(&least, &most, &m, &expert, &err), &err);
  assert_true(most < 1e-6);
  expert.features[0] = 1.5;
  must(loom_expert_reach(&least, &most, &m, &expert, &err), &err);
  near_to(least, 0.5, 1e-9);
  near_to(most, 0.5, 1e-9);
  loom_expert_destroy(&expert);
  loom_mdp_destroy(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranks),
      cmocka_unit_test(loose_weights),
      cmocka_unit_test(epic),
      cmocka_unit_test(measures),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(write_mdp(""));

  return failed;
}
