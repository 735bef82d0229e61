// Mixtures: the nearest point against hulls whose one is known, Abbeel and Ng's grid, and that the mixture's
// one policy does what the mixture does.
#include "tests/policies/tabular/tabular_fixture.h"

#include "engine/base/random.h"
#include "policies/tabular/irl.h"
#include "policies/tabular/simplex.h"

// Random points, some of them copies and some between others; nobody else's answer is needed: at the nearest
// point x of a hull, x . p >= x . x for all points p, and x is a mixture of those where it is equal.
static void nearest_points(void** state) {
  (void)state;

  enum { POINTS = 40, DIMENSIONS = 7 };
  for (uint64_t seed = 0; seed < 40; seed++) {
    loomRandom random = loom_random(seed, 0, LOOM_PURPOSE_TEST);
    double p[POINTS][DIMENSIONS], product[POINTS], x[DIMENSIONS] = {0}, far = seed % 3 ? 1.5 : 0;
    loomSimplex simplex = {0};
    loomError err;
    for (int i = 0; i < POINTS; i++) {
      for (int k = 0; k < DIMENSIONS; k++) {
        p[i][k] = loom_random_normal(&random) + far;
        if (i > 20 && i % 4 == 0) p[i][k] = p[i - 5][k];
        if (i > 20 && i % 4 == 1) p[i][k] = 0.25 * p[i - 5][k] + 0.75 * p[i - 9][k];
      }
      for (int j = 0; j <= i; j++) {
        product[j] = 0;
        for (int k = 0; k < DIMENSIONS; k++) product[j] += p[i][k] * p[j][k];
      }
      must(loom_simplex_add(&simplex, product, 0, &err), &err);
      if (i % 3 == 0) must(loom_simplex_solve(&simplex, &err), &err);
    }
    must(loom_simplex_solve(&simplex, &err), &err);

    double sum = 0, norm = 0;
    for (int i = 0; i < POINTS; i++) {
      assert_true(simplex.a[i] >= 0);
      sum += simplex.a[i];
      for (int k = 0; k < DIMENSIONS; k++) x[k] += simplex.a[i] * p[i][k];
    }
    for (int k = 0; k < DIMENSIONS; k++) norm += x[k] * x[k];
    near_to(sum, 1, 1e-12);
    for (int i = 0; i < POINTS; i++) {
      double along = 0;
      for (int k = 0; k < DIMENSIONS; k++) along += x[k] * p[i][k];
      assert_true(along >= norm - 1e-9);
      if (simplex.a[i] > 1e-9) near_to(along, norm, 1e-9);
    }
    loom_simplex_destroy(&simplex);
  }
}

// With a linear part: its conditions, too, of columns that depend on each other.
static void linear_parts(void** state) {
  (void)state;

  enum { N = 30, DIMENSIONS = 4 };
  for (uint64_t seed = 0; seed < 40; seed++) {
    loomRandom random = loom_random(seed, 1, LOOM_PURPOSE_TEST);
    double p[N][DIMENSIONS], product[N], slope[N], mean = 0;
    loomSimplex simplex = {0};
    loomError err;
    for (int i = 0; i < N; i++) {
      for (int k = 0; k < DIMENSIONS; k++) p[i][k] = loom_random_normal(&random);
      for (int j = 0; j <= i; j++) {
        product[j] = 0;
        for (int k = 0; k < DIMENSIONS; k++) product[j] += p[i][k] * p[j][k];
      }
      must(loom_simplex_add(&simplex, product, loom_random_normal(&random), &err), &err);
    }
    must(loom_simplex_solve(&simplex, &err), &err);

    for (int i = 0; i < N; i++) {
      slope[i] = -simplex.b[i];
      for (int k = 0; k < N; k++) slope[i] += simplex.g[i * simplex.room + k] * simplex.a[k];
      mean += simplex.a[i] * slope[i];
    }
    for (int i = 0; i < N; i++) {
      assert_true(slope[i] >= mean - 1e-9);
      if (simplex.a[i] > 1e-9) near_to(slope[i], mean, 1e-9);
    }
    loom_simplex_destroy(&simplex);
  }
}

static loomExpert best_expert(const loomMdp* m) {
  loomPlan plan;
  loomExpert out;
  loomError err;
  must(loom_plan_create(&plan, m, &err), &err);
  must(loom_plan_hard(&plan, m, m->reward, &err), &err);
  must(loom_expert_of_policy(&out, m, plan.policy, &err), &err);
  loom_plan_destroy(&plan);
  return out;
}

static loomIrlResult mix_grid(const char* spec, uint64_t seed, loomIrlMethod method, double* value) {
  loomMdp m = world(spec, seed, 0.99, 0);
  loomExpert expert = best_expert(&m);
  loomIrlDef def = loom_default_irl_def();
  loomIrlResult result;
  loomError err;

  def.method = method;
  def.iterations = 300;
  must(loom_irl_run(&result, &m, &expert, &def, &err), &err);
  double size = 0, apart = 0, share = 0;

  // What the one policy meets is what the mixture's shares say.
  for (int k = 0; k < m.features; k++) {
    double mean = 0;
    for (int i = 0; i < result.members; i++) mean += result.member[i].share * result.member[i].features[k];
    near_to(result.features[k], mean, 1e-8);
    size += pow(expert.features[k], 2);
    apart += pow(expert.features[k] - result.features[k], 2);
  }
  for (int i = 0; i < result.members; i++) share += result.member[i].share;
  near_to(share, 1, 1e-12);
  near_to(sqrt(apart), result.left, 1e-8);
  *value = loom_plan_sum(&m, result.occupancy, m.reward) / loom_plan_sum(&m, expert.d, m.reward);
  printf("%s, seed %d, %s: %d policies, closed at %.3f %% of |mu_E|, %.2f %% of the expert's value\n", spec,
         (int)seed, loom_irl_method_names[method], result.iterations, 100 * sqrt(apart / size), 100 * *value);

  loom_expert_destroy(&expert);
  loom_mdp_destroy(&m);

  return result;
}

static void grid_of_abbeel_and_ng(void** state) {
  (void)state;

  for (uint64_t seed = 1; seed <= 3; seed++) {
    double value;
    loomIrlResult projection = mix_grid("grid:16/4", seed, LOOM_IRL_PROJECTION, &value);
    assert_true(projection.converged && value > 0.98);
    loomIrlResult margin = mix_grid("grid:16/4", seed, LOOM_IRL_MAX_MARGIN, &value);
    assert_true(margin.converged && value > 0.98);
    assert_true(margin.iterations <= projection.iterations);
    loom_irl_destroy(&projection);
    loom_irl_destroy(&margin);
  }
}

// Features that no policy has: how far off they are is known, from both sides.
static void out_of_reach(void** state) {
  (void)state;
  loomMdp m = world("grid:8/2", 3, 0.9, 0);
  loomExpert expert = best_expert(&m);
  loomIrlDef def = loom_default_irl_def();
  loomIrlResult result;
  loomError err;

  for (int k = 0; k < m.features; k++) expert.features[k] += k ? 0 : 5;
  def.method = LOOM_IRL_MAX_MARGIN;
  must(loom_irl_run(&result, &m, &expert, &def, &err), &err);

  // All of them together are 10 for every policy: 5 too much, on 16 axes, is 5/4 at the least.
  assert_false(result.converged);
  assert_true(result.left > 1.25);
  near_to(result.nearest, result.left, 1e-6);
  loom_irl_destroy(&result);
  loom_expert_destroy(&expert);
  loom_mdp_destroy(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nearest_points),
      cmocka_unit_test(linear_parts),
      cmocka_unit_test(grid_of_abbeel_and_ng),
      cmocka_unit_test(out_of_reach),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
