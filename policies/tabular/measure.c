#include "policies/tabular/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"

double loom_occupancy_distance(const loomMdp* m, const double* a, const double* b) {
  double sum = 0;
  for (int i = 0; i < m->states * m->actions; i++) sum += fabs(a[i] - b[i]);
  return sum;
}

double loom_policy_nll(const loomMdp* m, const loomExpert* expert, const double* policy) {
  int rows = m->states * m->actions, periods = m->horizon ? m->horizon : 1;
  double sum = 0, total = 0;

  for (int t = 0; t < periods; t++) {
    for (int row = 0; row < rows; row++) {
      size_t i = (size_t)t * (size_t)rows + (size_t)row;
      double n = m->terminal[row / m->actions] ? 0 : expert->visits[i];
      total += n;
      if (n > 0) sum -= n * log(policy[i]);
    }
  }

  return total > 0 ? sum / total : 0;
}

// ---- features of trajectories

static int by_size(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static double distance(const double* sum, double share, const double* features, int n) {
  double out = 0;
  for (int k = 0; k < n; k++) out += pow(share * sum[k] - features[k], 2);
  return sqrt(out);
}

int loom_feature_gap(double* gap, double* low, double* high, const loomMdp* m, const loomDemos* demos,
                     const double* features, int samples, uint64_t seed, loomError* err) {
  size_t n = (size_t)m->features, count = (size_t)demos->n;
  double *each = calloc((count + 1) * n + (size_t)samples, sizeof *each), *sum, *gaps;
  if (!each) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory");
  sum = each + count * n;
  gaps = sum + n;

  // Of one trajectory at a time.
  for (int i = 0; i < demos->n; i++) {
    int begin[2] = {demos->begin[i], demos->begin[i + 1]};
    loomDemos one = {1, begin, demos->state, demos->action};
    loomExpert expert;
    int code = loom_expert_of_demos(&expert, m, &one, err);
    if (code) {
      free(each);
      return code;
    }
    memcpy(each + (size_t)i * n, expert.features, n * sizeof *each);
    for (size_t k = 0; k < n; k++) sum[k] += expert.features[k];
    loom_expert_destroy(&expert);
  }
  *gap = distance(sum, 1.0 / demos->n, features, m->features);

  for (int i = 0; i < samples; i++) {
    loomRandom random = loom_random(seed, (uint64_t)i, LOOM_PURPOSE_BOOTSTRAP);
    memset(sum, 0, n * sizeof *sum);
    for (int j = 0; j < demos->n; j++) {
      const double* drawn = each + (size_t)loom_random_index(&random, demos->n) * n;
      for (size_t k = 0; k < n; k++) sum[k] += drawn[k];
    }
    gaps[i] = distance(sum, 1.0 / demos->n, features, m->features);
  }
  qsort(gaps, (size_t)samples, sizeof *gaps, by_size);
  *low = gaps[(int)(0.025 * samples)];
  *high = gaps[(int)(0.975 * samples)];
  free(each);
  return 0;
}

int loom_expert_reach(double* least, double* most, const loomMdp* m, const loomExpert* expert,
                      loomError* err) {
  loomIrlDef def = loom_default_irl_def();
  loomIrlResult result;

  // Mixtures come as near as can be, and planes say that nothing comes nearer.
  def.method = LOOM_IRL_MAX_MARGIN;
  def.epsilon = 1e-6;
  def.iterations = 500;
  int code = loom_irl_run(&result, m, expert, &def, err);
  if (code) return code;
  *least = result.nearest;
  *most = result.left;
  loom_irl_destroy(&result);
  return 0;
}
