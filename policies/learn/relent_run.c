#include "policies/learn/relent_run.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "policies/agent/trained.h"
#include "policies/learn/control_policy.h"
#include "policies/learn/relent.h"

// Further from what can be reached than so many deviations no weights are told.
#define FAR 1.0

static int check_gram(const loomFeatureSums* expert, const loomFeatureSums* samples,
                      const loomFeatures* features, loomError* err) {
  double gram[LOOM_FEATURES * LOOM_FEATURES] = {0};

  loom_feature_sums_gram(gram, expert);
  loom_feature_sums_gram(gram, samples);
  return loom_features_refuse_collinear(features, gram, err);
}

static void measure(loomRelentFound* out, const loomFeatureSums* expert, const loomFeatureSums* samples) {
  double of_expert[LOOM_FEATURES], of_samples[LOOM_FEATURES];

  out->k = samples->k;
  out->demos = expert->n;
  out->samples = samples->n;
  loom_feature_moments(out->expert, of_expert, expert->sum, expert->n, out->k);
  loom_feature_moments(out->baseline, of_samples, samples->sum, samples->n, out->k);
  loom_feature_scales(out->deviation, out->expert, of_expert, out->baseline, of_samples, out->k);
  for (int i = 0; i < samples->n; i++) out->won += (double)samples->won[i] / samples->n;
}

// The baseline's sums, from the expert's mean on, in deviations.
static double* scale_samples(const loomRelentFound* found, const loomFeatureSums* samples) {
  double* f = malloc(((size_t)samples->n * (size_t)samples->k + 1) * sizeof *f);
  for (ptrdiff_t i = 0; f && i < (ptrdiff_t)samples->n * samples->k; i++) {
    int j = (int)(i % samples->k);
    f[i] = found->deviation[j] > 0 ? (samples->sum[i] - found->expert[j]) / found->deviation[j] : 0;
  }
  return f;
}

static int refuse_far(const loomRelentFound* found, loomError* err) {
  if (found->reach <= FAR) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "the expert's features lie outside what the baseline reaches, by %.3g deviations of "
                        "them; less --noise, or more --samples, come nearer",
                        found->reach);
}

static int refuse_few(const loomRelentFound* found, loomError* err) {
  if (found->effective >= LOOM_RELENT_LEAST) return LOOM_OK;
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "only %.3g %% of the baseline's %d trajectories count under the weights (effective "
                        "sample size %.1f; at least %g %% are wanted): a larger --l2, less --noise or fewer "
                        "features help",
                        100 * found->effective, found->samples, found->effective * found->samples,
                        100 * LOOM_RELENT_LEAST);
}

// As a reward file has them: a step of the expert's is worth about 1.
static void set_weights(loomRelentFound* out, const double* w, double steps) {
  double squares = 0;

  for (int j = 0; j < out->k; j++) squares += w[j] * w[j];
  for (int j = 0; j < out->k; j++)
    out->weight[j] =
        out->deviation[j] > 0 && squares > 0 ? w[j] / sqrt(squares) / out->deviation[j] * steps : 0;
}

// Into the basis that is learned in, and what was found back out of it.
static loomFeatureBasis change(loomFeatureSums* expert, loomFeatureSums* samples,
                               const loomFeatures* features) {
  double mean[LOOM_FEATURES], variance[LOOM_FEATURES];
  loom_feature_moments(mean, variance, expert->sum, expert->n, expert->k);
  loomFeatureBasis basis = loom_feature_basis(features, mean);
  for (ptrdiff_t i = 0; i < expert->n; i++) loom_feature_basis_change(expert->sum + i * expert->k, &basis);
  for (ptrdiff_t i = 0; i < samples->n; i++) loom_feature_basis_change(samples->sum + i * samples->k, &basis);
  return basis;
}

static void change_back(loomRelentFound* out, const loomFeatureBasis* basis) {
  loom_feature_basis_back(out->expert, basis);
  loom_feature_basis_back(out->baseline, basis);
  loom_feature_basis_back(out->learned, basis);
  loom_feature_basis_fold(out->weight, basis);
}

static int solve(loomRelentFound* out, const double* f, double steps, double l2, loomError* err) {
  const double at[LOOM_FEATURES] = {0};
  double w[LOOM_FEATURES] = {0};
  const loomRelentDef def = {
      .n = out->samples, .k = out->k, .f = f, .expert = at, .l2 = l2, .iterations = 2000, .tolerance = 1e-9};
  loomRelent found;
  double* p = malloc(((size_t)out->samples + 1) * sizeof *p);
  if (!p) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d trajectories", out->samples);

  int code = loom_relent_reach(&out->reach, &def, err);
  if (!code) code = refuse_far(out, err);
  if (!code) code = loom_relent_solve(&found, w, &def, err);

  // What the baseline has by them, to be told beside the expert's.
  if (!code) {
    out->effective = found.effective;
    out->iterations = found.iterations;
    out->slope = found.slope;
    loom_relent_dual(NULL, p, &def, w);
    for (int j = 0; j < out->k; j++) {
      out->learned[j] = out->expert[j];
      for (ptrdiff_t i = 0; i < out->samples; i++)
        out->learned[j] += p[i] * f[i * out->k + j] * out->deviation[j];
    }
    set_weights(out, w, steps);
    code = refuse_few(out, err);
  }
  free(p);
  return code;
}

// ---- who acts

// A policy of a plain control task, loaded by each worker.
typedef struct driver {
  const char* path;
  loomEnvironmentMaker maker;
} driver;

static int create_driver(void** instance, void* self, loomError* err) {
  const driver* d = self;
  loomControlPolicy* policy = *instance = malloc(sizeof *policy);
  if (!policy) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory for a policy");

  int code = loom_control_policy_load(policy, d->path, &d->maker, err);
  if (!code) return LOOM_OK;
  free(policy);
  *instance = NULL;
  return code;
}

static void act_driver(double* action, void* instance, const double* obs) {
  loom_control_policy_act(action, instance, obs);
}

static void destroy_driver(void* instance) {
  loom_control_policy_destroy(instance);
  free(instance);
}

static int sample_control(loomFeatureSums* out, const loomReplays* replays, const loomReplayDef* def,
                          const char* path, const loomControlScene* scene, loomError* err) {
  driver own = {.path = path, .maker = loom_control_environment(scene)};
  const loomReplayDriver by = {&own, create_driver, act_driver, destroy_driver};
  loomReplayDef with = *def;

  with.driver = &by;
  return loom_replays_noisy(out, replays, &with, err);
}

static int sample_trained(loomFeatureSums* out, const loomReplays* replays, const loomReplayDef* def,
                          const char* path, loomError* err) {
  loomTrained policy;
  loomReplayDef with = *def;
  int code = loom_trained_load(&policy, path, err);
  if (code) return code;

  loomPolicyMaker maker = loom_trained_maker(&policy);
  with.maker = &maker;
  code = loom_replays_noisy(out, replays, &with, err);
  loom_trained_destroy(&policy);
  return code;
}

static int sample(loomFeatureSums* out, const loomReplays* replays, const loomReplayDef* def,
                  const loomRelentSettings* s, loomError* err) {
  const loomControlScene* scene = loom_replays_control(replays);
  if (!s->policy) return loom_replays_noisy(out, replays, def, err);

  return scene ? sample_control(out, replays, def, s->policy, scene, err)
               : sample_trained(out, replays, def, s->policy, err);
}

int loom_relent_run(loomRelentFound* out, const loomReplays* replays, const loomFeatures* features,
                    const loomRelentSettings* s, loomError* err) {
  loomFeatureSums expert = {0}, samples = {0};
  loomFeatureBasis basis = {0};
  loomReplayDef def = s->replay;
  double steps = 0, *f = NULL;
  def.n = s->samples;
  def.noise = s->noise;
  *out = (loomRelentFound){0};

  // Both as they are, then in the basis that is learned in.
  int code = loom_replays_expert(&expert, replays, def.threads, err);
  if (!code) code = sample(&samples, replays, &def, s, err);
  if (!code) code = check_gram(&expert, &samples, features, err);
  if (!code) basis = change(&expert, &samples, features);
  if (!code) measure(out, &expert, &samples);
  if (!code) f = scale_samples(out, &samples);
  if (!code && !f) code = loom_error_set(err, LOOM_ERR_MEMORY, "no memory for %d trajectories", def.n);

  for (int i = 0; i < expert.n; i++) steps += (double)expert.steps[i] / expert.n;
  if (!code) code = solve(out, f, steps, s->l2, err);
  if (!code) change_back(out, &basis);
  free(f);
  loom_feature_sums_destroy(&expert);
  loom_feature_sums_destroy(&samples);
  return code;
}
