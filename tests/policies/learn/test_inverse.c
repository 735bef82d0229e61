// A reward whose weights are looked for while PPO learns by it: of an expert whose weights are known they are
// found again up to their scale, and what is learned by them does as the expert does; the same bytes on any
// number of threads and from checkpoints; what is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policies/learn/ppo.h"
#include "tests/policies/learn/learner_hash.h"
#include "tests/policies/learn/toy_environment.h"

enum { DEMOS = 200, LENGTH = 5 };

// Someone who does slope * x, the best of 2 slope (a x) - a^2, where the toy's own reward has x / 2.
static loomFeatureSums make_expert(double slope, int k) {
  loomFeatureSums s = {.n = DEMOS, .k = k};
  s.sum = calloc((size_t)(DEMOS * k), sizeof *s.sum);
  s.gram = calloc((size_t)(DEMOS * k * k), sizeof *s.gram);
  s.steps = calloc(DEMOS, sizeof *s.steps);
  s.ended = calloc(DEMOS, sizeof *s.ended);
  s.won = calloc(DEMOS, sizeof *s.won);

  // Each step has an x of its own.

  loomRandom random = loom_random(3, 0, LOOM_PURPOSE_TEST);
  for (int d = 0; d < DEMOS; d++) {
    for (int t = 0; t < LENGTH; t++, s.steps[d]++) {
      double x = loom_random_range(&random, -1, 1), a = slope * x;
      const double phi[3] = {a * a, a * x, a * x / 3 + a * a};
      for (int i = 0; i < k; i++) s.sum[d * k + i] += phi[i];
      for (int i = 0; i < k * k; i++) s.gram[d * k * k + i] += phi[i / k] * phi[i % k];
    }
  }
  return s;
}

static loomPpoConfig ppo_config(void) {
  loomPpoConfig c = loom_default_ppo_config();
  c.environments = 4;
  c.steps = 64;
  c.discount = 0.5;
  c.minibatches = 4;
  c.rate = 3e-3;
  c.anneal = false;
  c.log_std = -1;
  c.entropy_weight = 0.02;
  c.hidden = (loomSizes){1, {16}};
  return c;
}

static loomInverseConfig inverse_config(loomInverseMethod method) {
  loomInverseConfig c = loom_default_inverse_config();
  loomError err = {0, ""};

  c.method = (int)method;
  c.keep = 64;
  c.every = 20;
  if (loom_features_add(&c.features, "{term: action}", &err) ||
      loom_features_add(&c.features, "term: along", &err) ||
      loom_features_add(&c.features, "term: sum", &err))
    fail_msg("%s", err.message);
  return c;
}

typedef struct learned {
  loomLearner learner;
  loomInverse* inverse;
} learned;

static learned make_learned(const loomInverseConfig* config, double slope, int k, uint64_t seed,
                            int threads) {
  learned l = {0};
  loomError err = {0, ""};
  loomEnvironmentMaker maker = toy_maker();
  const loomPpoConfig ppo = ppo_config();
  loomFeatureSums expert = make_expert(slope, k);
  loomInverseConfig c = *config;
  c.features.n = k;
  const loomInverseDef def = {.config = &c, .expert = &expert, .n = ppo.environments};

  int code = loom_ppo_create(&l.learner, &ppo, NULL, &maker, 1 << 20, seed, threads, &err);
  if (!code) code = loom_inverse_create(&l.inverse, &def, &err);
  if (!code) code = loom_ppo_invert(&l.learner, l.inverse, &err);
  if (code) fail_msg("%s", err.message);
  loom_feature_sums_destroy(&expert);
  return l;
}

static void drop(learned* l) {
  l->learner.destroy(l->learner.self);
  loom_inverse_destroy(l->inverse);
}

static void iterate(learned* l, int n) {
  loomError err = {0, ""};
  for (int k = 0; k < n; k++)
    if (l->learner.iterate(l->learner.self, &err)) fail_msg("%s", err.message);
}

static double error_of(learned* l, double slope) {
  double sum = 0;
  for (int k = 0; k < 41; k++) {
    double x = (k - 20) / 20.0, action;
    l->learner.act(&action, l->learner.self, &x);
    sum += fabs(action - slope * x) / 41;
  }
  return sum;
}

static void known_weights_are_found(void** state) {
  (void)state;
  const double slope[2] = {-0.5, 0.3};
  for (int m = 0; m < 2; m++) {
    for (int s = 0; s < 2; s++) {
      const loomInverseConfig c = inverse_config((loomInverseMethod)m);
      learned l = make_learned(&c, slope[s], 2, 1, 1);
      double w[LOOM_FEATURES];

      iterate(&l, 250);

      // -a^2 + 2 slope (a x)
      loom_inverse_weights(w, l.inverse);
      double along = -w[0] + 2 * slope[s] * w[1], cosine = along / hypot(w[0], w[1]) / hypot(1, 2 * slope[s]);
      double error = error_of(&l, slope[s]);
      loomInverseLook look;
      loom_inverse_look(&look, l.inverse);
      if (!(cosine > (m == LOOM_INVERSE_MAXENT ? 0.97 : 0.85) && error < 0.1))
        fail_msg("%s, slope %g: weights %g %g (cosine %g), error %g, gap %g", loom_inverse_methods[m],
                 slope[s], w[0], w[1], cosine, error, look.gap);
      assert_true(look.scaled && look.k == 2 && look.gap < 0.5);
      drop(&l);
    }
  }
}

// Before enough episodes have ended nothing is rewarded, and no weight is told.
static void begins_with_nothing(void** state) {
  (void)state;
  loomInverseConfig c = inverse_config(LOOM_INVERSE_MAXENT);
  c.first = c.keep = 4000;
  learned l = make_learned(&c, 0.3, 2, 1, 1);
  double w[LOOM_FEATURES];
  loomInverseLook look;

  iterate(&l, 2);
  loom_inverse_weights(w, l.inverse);
  loom_inverse_look(&look, l.inverse);
  assert_true(w[0] == 0 && w[1] == 0 && !look.scaled);
  drop(&l);
}

static void threads_change_nothing(void** state) {
  (void)state;
  for (int m = 0; m < 2; m++) {
    uint64_t first = 0;
    const loomInverseConfig c = inverse_config((loomInverseMethod)m);
    for (int threads = 1; threads <= 3; threads++) {
      learned l = make_learned(&c, 0.5, 2, 5, threads);
      iterate(&l, 4);
      uint64_t hash = hash_learner(&l.learner);
      if (threads == 1) first = hash;
      assert_true(hash == first);
      drop(&l);
    }

    learned other = make_learned(&c, 0.4, 2, 5, 1);
    iterate(&other, 4);
    assert_true(hash_learner(&other.learner) != first);
    drop(&other);
  }
}

static void goes_on_from_tensors(void** state) {
  (void)state;
  for (int m = 0; m < 2; m++) {
    const loomInverseConfig c = inverse_config((loomInverseMethod)m);
    learned a = make_learned(&c, 0.5, 2, 5, 1), b = make_learned(&c, 0.5, 2, 5, 1);
    loomSafeTensor from[LOOM_LEARNER_TENSORS], to[LOOM_LEARNER_TENSORS];
    loomError err = {0, ""};
    int acting;
    iterate(&a, 5);
    a.learner.freeze(a.learner.self);

    // Copied into one that has done nothing yet.
    int n = a.learner.tensors(from, &acting, a.learner.self);
    assert_int_equal(b.learner.tensors(to, &acting, b.learner.self), n);
    for (int i = 0; i < n; i++) {
      assert_string_equal(from[i].name, to[i].name);
      memcpy((void*)(uintptr_t)to[i].data, from[i].data,
             (size_t)loom_safe_tensor_count(&from[i]) * (size_t)loom_safe_type_size(from[i].type));
    }
    assert_int_equal(b.learner.thaw(b.learner.self, &err), 0);

    iterate(&a, 20);
    iterate(&b, 20);
    assert_true(hash_learner(&a.learner) == hash_learner(&b.learner));
    drop(&a);
    drop(&b);
  }
}

static void collinear_features_are_refused(void** state) {
  (void)state;
  const loomInverseConfig c = inverse_config(LOOM_INVERSE_MAXENT);
  learned l = make_learned(&c, 0.5, 3, 5, 1);
  loomError err = {0, ""};
  int code = 0;

  for (int k = 0; !code && k < 3; k++) code = l.learner.iterate(l.learner.self, &err);
  assert_int_equal(code, LOOM_ERR_FORMAT);
  assert_non_null(strstr(err.message, "feature 3 (sum) is made up of 1 (action), 2 (along)"));
  drop(&l);
}

static void words_of_features_are_checked(void** state) {
  (void)state;
  static const struct {
    const char *text, *said;
  } bad[] = {{"{term: action, weight: 2}", "--feature:1: key 'weight': is what is looked for"},
             {"scale: 2", "--feature:1: key 'term': missing"},
             {"{term: [}", "--feature:1: '"},
             {"term: a\nterm: b", "a line of at most"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    loomFeatures f = {0};
    loomError err = {0, ""};
    assert_int_not_equal(loom_features_add(&f, bad[i].text, &err), 0);
    if (!strstr(err.message, bad[i].said)) fail_msg("%s: %s", bad[i].text, err.message);
    assert_int_equal(f.n, 0);
  }

  // As they stand in a reward file, to the last bit.
  loomFeatures f = {0};
  const double weight[2] = {0.1, -1.0 / 3};
  loomError err = {0, ""};
  assert_int_equal(loom_features_add(&f, " { term: margin, condition: success } ", &err), 0);
  assert_int_equal(loom_features_add(&f, "term: distance, from: box, to: {eef: 1}", &err), 0);
  char* text = loom_features_reward(&f, weight);
  assert_string_equal(text,
                      "- {term: margin, condition: success, weight: 0.10000000000000001}\n"
                      "- {term: distance, from: box, to: {eef: 1}, weight: -0.33333333333333331}\n");
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_weights_are_found),        cmocka_unit_test(begins_with_nothing),
      cmocka_unit_test(threads_change_nothing),         cmocka_unit_test(goes_on_from_tensors),
      cmocka_unit_test(collinear_features_are_refused), cmocka_unit_test(words_of_features_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
