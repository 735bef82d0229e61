#include "engine/base/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/random.h"

void loom_wilson(double* low, double* high, int64_t successes, int64_t n) {
  // Nothing tried, nothing known.
  if (!n) {
    *low = 0;
    *high = 1;
    return;
  }

  // (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)
  const double z = 1.959963984540054;  // 97.5th percentile of the standard normal distribution
  double count = (double)n, p = (double)successes / count;
  double center = p + z * z / (2 * count),
         spread = z * sqrt(p * (1 - p) / count + z * z / (4 * count * count));

  *low = fmax(0, (center - spread) / (1 + z * z / count));
  *high = fmin(1, (center + spread) / (1 + z * z / count));
}

// ---- paired

double loom_mcnemar(int64_t gained, int64_t lost) {
  int64_t n = gained + lost, few = gained < lost ? gained : lost;
  double tail = 0;

  // Twice the tail of the binomial distribution with probability a half; by logarithms, as 2^-n has no
  // double.
  for (int64_t k = 0; k <= few; k++)
    tail +=
        exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) - (double)n * log(2));
  return fmin(1, 2 * tail);
}

void loom_paired_difference(double* low, double* high, int64_t both, int64_t gained, int64_t lost,
                            int64_t n) {
  *low = -1;
  *high = 1;
  if (!n) return;

  // Each rate's own interval.
  double count = (double)n, after = (double)(both + gained) / count, before = (double)(both + lost) / count;
  double low_after, high_after, low_before, high_before;
  loom_wilson(&low_after, &high_after, both + gained, n);
  loom_wilson(&low_before, &high_before, both + lost, n);

  // How the two go together: phi, of which a positive one is lessened by a continuity correction.
  double e = (double)both, f = (double)gained, g = (double)lost, h = count - e - f - g;
  double product = (e + f) * (g + h) * (e + g) * (f + h), top = e * h - f * g;
  if (top > 0) top = fmax(top - count / 2, 0);
  double phi = product > 0 ? top / sqrt(product) : 0;

  // Newcombe's equation for method 10.
  double down_a = after - low_after, up_a = high_after - after;
  double down_b = before - low_before, up_b = high_before - before;
  double difference = after - before;
  *low = difference - sqrt(fmax(0, down_a * down_a - 2 * phi * down_a * up_b + up_b * up_b));
  *high = difference + sqrt(fmax(0, up_a * up_a - 2 * phi * up_a * down_b + down_b * down_b));
}

double loom_kendall(const double* x, const double* y, int n) {
  double order = 0, untied_x = 0, untied_y = 0;
  for (int i = 1; i < n; i++)
    for (int j = 0; j < i; j++) {
      int a = (x[i] > x[j]) - (x[i] < x[j]), b = (y[i] > y[j]) - (y[i] < y[j]);
      order += a * b;
      untied_x += a != 0;
      untied_y += b != 0;
    }
  return untied_x > 0 && untied_y > 0 ? order / sqrt(untied_x * untied_y) : 0;
}

// ---- several runs on several tasks

static int by_size(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static int count_scores(const loomScores* s) {
  int n = 0;
  for (int i = 0; i < s->tasks; i++) n += s->runs[i];
  return n;
}

double loom_iqm(double* x, int n) {
  int cut = n / 4;
  double sum = 0;

  qsort(x, (size_t)n, sizeof *x, by_size);
  for (int i = cut; i < n - cut; i++) sum += x[i];
  return sum / (n - 2 * cut);
}

double loom_profile(const loomScores* scores, double above) {
  int n = count_scores(scores), count = 0;
  for (int i = 0; i < n; i++) count += scores->score[i] > above;
  return (double)count / n;
}

double loom_improvement(const loomScores* x, const loomScores* y) {
  const double *a = x->score, *b = y->score;
  double sum = 0;

  for (int task = 0; task < x->tasks; task++) {
    double wins = 0;
    for (int i = 0; i < x->runs[task]; i++)
      for (int k = 0; k < y->runs[task]; k++) wins += a[i] > b[k] ? 1 : a[i] < b[k] ? 0 : 0.5;

    sum += wins / ((double)x->runs[task] * y->runs[task]);
    a += x->runs[task];
    b += y->runs[task];
  }
  return sum / x->tasks;
}

// Each task's runs drawn from that task's.
static void resample(double* out, const loomScores* from, loomRandom* random) {
  const double* score = from->score;

  for (int task = 0; task < from->tasks; task++) {
    int n = from->runs[task];
    for (int i = 0; i < n; i++) *out++ = score[loom_random_index(random, n)];
    score += n;
  }
}

// numpy's default: between the two nearest, in proportion. x is sorted.
static double percentile(const double* x, int n, double share) {
  double at = share * (n - 1);
  int i = (int)at < n - 1 ? (int)at : n - 2;
  return n < 2 ? x[0] : x[i] + (at - i) * (x[i + 1] - x[i]);
}

int loom_bootstrap(double* low, double* high, loomAggregate* aggregate, const loomScores* x,
                   const loomScores* y, void* user, int draws, loomError* err) {
  int nx = count_scores(x), ny = y ? count_scores(y) : 0;
  double* memory = malloc(sizeof *memory * ((size_t)draws + (size_t)nx + (size_t)ny));
  if (!memory) return loom_error_set(err, LOOM_ERR_MEMORY, "no memory to compare runs");

  // Sample i is of stream i, so that more draws only add to fewer.
  double *value = memory, *of_x = memory + draws, *of_y = of_x + nx;
  loomScores sample_x = {x->tasks, x->runs, of_x}, sample_y = {0};
  if (y) sample_y = (loomScores){y->tasks, y->runs, of_y};
  for (int i = 0; i < draws; i++) {
    loomRandom random = loom_random(0, (uint64_t)i, LOOM_PURPOSE_BOOTSTRAP);
    resample(of_x, x, &random);
    if (y) resample(of_y, y, &random);
    value[i] = aggregate(&sample_x, y ? &sample_y : NULL, user);
  }

  qsort(value, (size_t)draws, sizeof *value, by_size);
  *low = percentile(value, draws, 0.025);
  *high = percentile(value, draws, 0.975);
  free(memory);
  return LOOM_OK;
}
