#include "tools/command/finetune_results.h"

#include <math.h>
#include <stdio.h>

#include "engine/base/statistics.h"
#include "tools/shared/tested.h"

static double mean_of(const double* x, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += x[i] / n;
  return sum;
}

// What is compared over seeds: the last evaluation, or without one what training had.
static void add_returns(cJSON* out, const char* key, const double* of_each_seed, int n) {
  cJSON* map = cJSON_AddObjectToObject(out, key);
  double mean = mean_of(of_each_seed, n);
  if (isfinite(mean)) cJSON_AddNumberToObject(map, "mean", mean);

  cJSON* list = cJSON_AddArrayToObject(map, "of_each_seed");
  for (int i = 0; i < n; i++)
    cJSON_AddItemToArray(
        list, isfinite(of_each_seed[i]) ? cJSON_CreateNumber(of_each_seed[i]) : cJSON_CreateNull());
}

// Of all seeds together; where the policy stayed as it was that counts as what came after.
static loomFinetuneTest sum_of_tests(const loomFinetuneTest* test, int n) {
  loomFinetuneTest sum = {0};
  for (int i = 0; i < n; i++) {
    const loomFinetuneTest* t = &test[i];
    loom_tested_join(&sum.before, &t->before);
    loom_tested_join(&sum.after, t->kept ? &t->after : &t->before);
    sum.won += t->won;
    sum.lost += t->lost;
    sum.kept = sum.kept || t->kept;
  }
  sum.p = loom_mcnemar(sum.won, sum.lost);
  return sum;
}

// Before and after; `tried`: what was learned did, kept or not.
static void add_test(cJSON* out, const finetuneResults* r) {
  loomFinetuneTest sum = sum_of_tests(r->test, r->n), rough = sum_of_tests(r->disturbed, r->n);
  if (!sum.before.n) return;
  tool_add_tested(out, "before", &sum.before);
  tool_add_tested(out, "after", &sum.after);
  tool_add_rougher(out, &sum.before, &sum.after);

  bool disturbed = rough.before.n > 0;
  if (disturbed) {
    tool_add_tested(out, "before_disturbed", &rough.before);
    tool_add_tested(out, "after_disturbed", &rough.after);
  }

  cJSON* tried = cJSON_AddObjectToObject(out, "tried");
  const loomFinetuneTest* judged = disturbed ? &rough : &sum;
  cJSON_AddNumberToObject(tried, "only_after", judged->won);
  cJSON_AddNumberToObject(tried, "only_before", judged->lost);
  cJSON_AddNumberToObject(tried, "mcnemar", judged->p);

  cJSON* kept = cJSON_AddArrayToObject(out, "kept");
  for (int i = 0; i < r->n; i++) cJSON_AddItemToArray(kept, cJSON_CreateBool(r->test[i].kept));
}

// Who rewarded in the task's place.
static void add_discriminator(cJSON* out, const loomGailConfig* c, const finetuneResults* r) {
  cJSON_AddStringToObject(out, "data", c->data);
  cJSON_AddStringToObject(out, "discriminator", loom_discriminator_kind_names[c->discriminator]);
  cJSON_AddStringToObject(out, "see", loom_imitation_sights[c->see]);

  cJSON* list = cJSON_AddArrayToObject(out, "won_at");
  for (int i = 0; i < r->n; i++) cJSON_AddItemToArray(list, cJSON_CreateNumber((double)r->won[i]));
}

// Who took no trouble, on the same starts.
static void take_baselines(double cloned[FINETUNE_SEEDS], double random[FINETUNE_SEEDS],
                           const finetuneResults* r) {
  for (int i = 0; i < r->n; i++) {
    cloned[i] = r->baselines[i].cloned;
    random[i] = r->baselines[i].random;
  }
}

static void add_baselines(cJSON* out, const finetuneResults* r) {
  double cloned[FINETUNE_SEEDS], random[FINETUNE_SEEDS];
  if (!r->baselines[0].n) return;

  cJSON* map = cJSON_AddObjectToObject(out, "baselines");
  take_baselines(cloned, random, r);
  cJSON_AddNumberToObject(map, "episodes", r->baselines[0].n);
  add_returns(map, "bc", cloned, r->n);
  add_returns(map, "random", random, r->n);
}

static void print_baselines(const finetuneResults* r, bool of_policy) {
  double cloned[FINETUNE_SEEDS], random[FINETUNE_SEEDS], scale = of_policy ? 100 : 1;
  const char* unit = of_policy ? " %" : "";
  if (!r->baselines[0].n) return;

  take_baselines(cloned, random, r);
  printf(
      "on the same starts (%d episodes): behavioral cloning of the same rows %.1f%s, random actions %.1f%s\n",
      r->baselines[0].n, scale * mean_of(cloned, r->n), unit, scale * mean_of(random, r->n), unit);
}

// A reward that was found, by each seed.
static void add_reward(cJSON* out, const loomInverseConfig* c, const finetuneResults* r) {
  cJSON_AddStringToObject(out, "data", c->data);
  cJSON_AddStringToObject(out, "by", loom_inverse_methods[c->method]);

  cJSON* list = cJSON_AddArrayToObject(out, "rewards");
  for (int i = 0; i < r->n; i++) {
    const loomInverseLook* f = &r->found[i];
    cJSON *one = cJSON_CreateObject(), *features = cJSON_CreateArray();
    cJSON_AddNumberToObject(one, "gap", f->gap);
    if (c->method == LOOM_INVERSE_PROJECTION) cJSON_AddNumberToObject(one, "margin", f->margin);
    if (c->method == LOOM_INVERSE_PROJECTION) cJSON_AddNumberToObject(one, "policies", f->policies);
    if (c->method == LOOM_INVERSE_MAXENT) cJSON_AddNumberToObject(one, "effective", f->effective);
    cJSON_AddItemToObject(one, "features", features);
    for (int j = 0; j < f->k; j++)
      cJSON_AddItemToArray(
          features, finetune_feature_json(c->features.text[j], f->expert[j], f->learner[j], f->weight[j]));
    cJSON_AddItemToArray(list, one);
  }
}

cJSON* finetune_feature_json(const char* text, double expert, double learned, double weight) {
  cJSON* out = cJSON_CreateObject();
  cJSON_AddStringToObject(out, "feature", text);
  cJSON_AddNumberToObject(out, "expert", expert);
  cJSON_AddNumberToObject(out, "learned", learned);
  cJSON_AddNumberToObject(out, "weight", weight);
  return out;
}

void finetune_print_json(const loomFinetuneConfig* c, const finetuneResults* r) {
  cJSON* out = cJSON_CreateObject();
  bool of_policy = c->of_policy;
  if (of_policy) add_test(out, r);

  cJSON_AddStringToObject(out, "task", c->finetune.task);
  if (of_policy) cJSON_AddStringToObject(out, "policy", c->residual.policy);
  cJSON_AddStringToObject(out, "method", loom_finetune_methods[c->finetune.method]);
  if (c->imitates) add_discriminator(out, &c->gail, r);
  if (c->inverts) add_reward(out, &c->inverse, r);

  add_returns(out, of_policy ? "evaluated" : "return", c->finetune.evaluate ? r->evaluation : r->training,
              r->n);
  if (c->imitates) add_baselines(out, r);
  add_returns(out, "training_return", r->training, r->n);
  cJSON_AddNumberToObject(out, "episodes", c->finetune.evaluate);
  cJSON_AddNumberToObject(out, "steps", (double)r->steps);
  cJSON_AddNumberToObject(out, "core_seconds", r->core_seconds);

  char* text = cJSON_PrintUnformatted(out);
  puts(text ? text : "{}");
  cJSON_free(text);
  cJSON_Delete(out);
}

static void print_test(const finetuneResults* r) {
  loomFinetuneTest sum = sum_of_tests(r->test, r->n), rough = sum_of_tests(r->disturbed, r->n);
  const loomFinetuneTest* judged = rough.before.n ? &rough : &sum;
  if (!sum.before.n) return;

  tool_print_tested(&sum.before, &sum.after);
  if (rough.before.n) puts("disturbed:");
  if (rough.before.n) tool_print_tested(&rough.before, &rough.after);
  printf(
      "what was learned succeeds in %d where the policy fails, and fails in %d where it succeeds; p = %.2g\n",
      judged->won, judged->lost, judged->p);

  for (int i = 0; i < r->n; i++)
    if (!r->test[i].kept) printf("run %d is no better: the policy stays as it was\n", i + 1);
}

static void print_reward(const loomInverseConfig* c, const finetuneResults* r) {
  for (int i = 0; i < r->n; i++) {
    const loomInverseLook* f = &r->found[i];
    bool projection = c->method == LOOM_INVERSE_PROJECTION;
    if (!f->scaled) {
      printf("run %d: fewer than %d episodes ended, so that no weights are known; take more --steps\n", i + 1,
             c->first);
      continue;
    }

    if (r->n > 1) printf("run %d: ", i + 1);
    printf("features are %.3g from the expert's, scaled", f->gap);
    if (projection)
      printf(" (of the nearest of %d policies; margin %.3g)\n", f->policies, f->margin);
    else
      printf("; effective sample size %.0f %% of %d episodes\n", 100 * f->effective, c->keep);
    finetune_print_features(f->k, &c->features, f->expert, f->learner, f->weight);
  }
}

void finetune_print_features(int k, const loomFeatures* features, const double* expert, const double* learned,
                             const double* weight) {
  printf("%-60s %12s %12s %12s\n", "feature (episode sums)", "expert", "learned", "weight");
  for (int j = 0; j < k; j++)
    printf("%-60s %12.5g %12.5g %12.5g\n", features->text[j], expert[j], learned[j], weight[j]);
}

void finetune_print_results(const loomFinetuneConfig* c, const finetuneResults* r, const char* folder) {
  if (c->of_policy) {
    print_test(r);
  } else if (c->finetune.evaluate)
    printf("return %.1f (mean of %d seed%s, %d episodes each, without noise)\n", mean_of(r->evaluation, r->n),
           r->n, r->n == 1 ? "" : "s", c->finetune.evaluate);
  if (c->imitates) print_baselines(r, c->of_policy);
  if (!c->of_policy)
    printf("return of the latest 100 episodes of training: %.1f\n", mean_of(r->training, r->n));

  if (c->inverts) print_reward(&c->inverse, r);
  printf("%lld steps, %.1f s, %.1f core seconds\nwrote %s\n", (long long)r->steps, r->seconds,
         r->core_seconds, folder);
}
