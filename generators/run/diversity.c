#include "generators/run/diversity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/attempt/quota.h"
#include "generators/attempt/stage.h"
#include "generators/attempt/tries.h"

double loom_chi_square_3(double x) {
  const double two_over_pi = 0.6366197723675814;
  return x > 0 ? erfc(sqrt(x / 2)) + sqrt(two_over_pi * x) * exp(-x / 2) : 1;
}

double loom_effective_number(const double* count, int n) {
  double all = 0, entropy = 0;
  for (int i = 0; i < n; i++) all += count[i];

  for (int i = 0; i < n; i++) {
    double share = count[i] > 0 ? count[i] / all : 1;
    entropy -= share * log(share);
  }
  return all > 0 ? exp(entropy) : 0;
}

static bool is_kept(const loomAttemptResult* r) {
  return r->outcome == LOOM_OUTCOME_SUCCESS;
}

// ---- spread

static double way_gone(const loomAttemptResult* r) {
  double sum = 0;
  for (int a = 0; a < LOOM_MAX_ARMS; a++) sum += r->path[a];
  return sum;
}

static double rows_of(const loomAttemptResult* r) {
  return r->steps;
}

// The coefficient of variation of a number of the kept demos; 0 of fewer than two.
static double variation(double* mean, const loomGenerateReport* run,
                        double number(const loomAttemptResult*)) {
  double n = 0, sum = 0, squares = 0;
  for (int64_t i = 0; i < run->result_count; i++) {
    if (!is_kept(&run->results[i])) continue;
    n++;
    sum += number(&run->results[i]);
  }

  // Around the mean, in a second pass: nothing is lost to cancellation.
  *mean = n > 0 ? sum / n : 0;
  for (int64_t i = 0; i < run->result_count; i++) {
    double off = number(&run->results[i]) - *mean;
    if (is_kept(&run->results[i])) squares += off * off;
  }
  return n > 1 && *mean > 0 ? sqrt(squares / (n - 1)) / *mean : 0;
}

// ---- starts

// One start: what was drawn, and whether it became a demo.
typedef struct begun {
  const double* drawn;
  bool kept;
} begun;

static int64_t find_starts(begun* out, const loomGenerateReport* run, const loomAttemptDef* def) {
  int64_t n = 0;
  for (int64_t i = 0; i < run->result_count; i++) {
    const loomAttemptResult* r = &run->results[i];

    // Later tries are at the start of the one before.
    bool again =
        i && loom_attempt_start(def, r->attempt) == loom_attempt_start(def, run->results[i - 1].attempt);
    if (!again) out[n++] = (begun){r->drawn, false};
    if (is_kept(r)) out[n - 1].kept = true;
  }
  return n;
}

static int by_value(const void* a, const void* b) {
  double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static int bin_of_edges(const double* edge, double value) {
  int i = 0;
  while (i + 1 < LOOM_QUARTERS && value >= edge[i + 1]) i++;
  return i;
}

// False where all starts have one value, or none.
static bool compare_number(loomAsked* out, const begun* starts, int64_t n, int v, double* sorted) {
  int64_t known = 0, kept = 0;
  for (int64_t i = 0; i < n; i++)
    if (isfinite(starts[i].drawn[v])) sorted[known++] = starts[i].drawn[v];
  if (known < LOOM_QUARTERS) return false;

  qsort(sorted, (size_t)known, sizeof *sorted, by_value);
  if (!(sorted[known - 1] - sorted[0] > 1e-9)) return false;
  for (int q = 0; q < LOOM_QUARTERS; q++) out->edge[q] = sorted[known * q / LOOM_QUARTERS];
  out->edge[LOOM_QUARTERS] = sorted[known - 1];

  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(starts[i].drawn[v])) continue;
    int bin = bin_of_edges(out->edge, starts[i].drawn[v]);
    out->asked[bin]++;
    out->kept[bin] += starts[i].kept;
    kept += starts[i].kept;
  }

  // Pearson's chi-square against asked shares; what is kept is of those asked, so that p is rather too large.
  double x = 0;
  for (int q = 0; q < LOOM_QUARTERS && kept; q++) {
    double expected = (double)kept * (double)out->asked[q] / (double)known;
    double off = (double)out->kept[q] - expected;
    if (!(expected > 0)) continue;
    x += off * off / expected;
    out->worst = fmax(out->worst, fabs(off) / expected);
  }
  out->p = loom_chi_square_3(x);
  return true;
}

static void compare_starts(loomDiversity* out, const begun* starts, const loomTask* task, double* sorted) {
  static const char* const placed[LOOM_DRAWN] = {"x", "y", "yaw"};
  int64_t bins = 0, covered = 0;
  int variables = task->object_count ? task->objects[0].variable_count : 0;

  for (int v = 0; v < LOOM_DRAWN + variables; v++) {
    loomAsked* a = &out->asked[out->asked_count];
    memset(a, 0, sizeof *a);
    if (!compare_number(a, starts, out->starts, v, sorted)) continue;

    snprintf(a->name, sizeof a->name, "%s",
             v < LOOM_DRAWN ? placed[v] : task->objects[0].variables[v - LOOM_DRAWN].name);
    out->asked_count++;
    for (int q = 0; v >= LOOM_DRAWN && q < LOOM_QUARTERS; q++) {
      bins += a->asked[q] > 0;
      covered += a->kept[q] > 0;
    }
  }
  out->sizes_covered = bins ? (double)covered / (double)bins : 1;
}

// ---- selection

// Sources that balanced selection has given up; of mixed ones in the last stage.
static int find_given_up(loomDiversity* out, const loomGenerateReport* run, const loomTask* task,
                         const int* tries, const int* wins, int n, loomError* err) {
  loomQuota quota[LOOM_MAX_SOURCES];
  int stages = loom_stage_count(task), *count = NULL;
  if (stages > 1) {
    count = calloc((size_t)(2 * stages) * (size_t)n + 1, sizeof *count);
    if (!count) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a report");
    for (int64_t i = 0; i < run->result_count; i++)
      loom_stage_tally(count, count + stages * n, &run->results[i], task, NULL, n);
    tries = count + (stages - 1) * n;
    wins = count + (2 * stages - 1) * n;
  }

  loom_source_quota(quota, &(loomSourceStats){.n = n, .tries = tries, .successes = wins});
  for (int s = 0; s < n; s++) out->given_up[s] = quota[s].given_up;
  free(count);
  return 0;
}

static int count_sources(loomDiversity* out, const loomGenerateReport* run, const loomTask* task, int n,
                         loomError* err) {
  int tries[LOOM_MAX_SOURCES] = {0}, wins[LOOM_MAX_SOURCES] = {0};
  int64_t all_tries = 0, all_wins = 0;
  for (int64_t i = 0; i < run->result_count; i++) {
    int s = run->results[i].source[0][0];
    if (is_kept(&run->results[i])) loom_source_rows(out->kept, &run->results[i], task, NULL, n);
    if (s < 0 || s >= n) continue;
    tries[s]++;
    wins[s] += is_kept(&run->results[i]);
  }

  // The best source's rate, of those that a rate can be told of.
  double best = 0;
  for (int s = 0; s < n; s++) {
    all_tries += tries[s];
    all_wins += wins[s];
    if (tries[s] >= 10) best = fmax(best, (double)wins[s] / tries[s]);
  }
  out->effective_sources = loom_effective_number(out->kept, n);

  out->balanced = task->subtask_count[0] && task->subtasks[0][0].select.strategy == LOOM_SELECT_BALANCED;
  if (!out->balanced) return 0;
  if (best > 0) out->attempts_spent = fmax(0, (double)all_tries - (double)all_wins / best);
  return find_given_up(out, run, task, tries, wins, n, err);
}

int loom_diversity_make(loomDiversity* out, const loomGenerateReport* run, const loomTask* task, int sources,
                        const loomAttemptDef* def, loomError* err) {
  memset(out, 0, sizeof *out);
  out->dtw = NAN;
  begun* starts = calloc((size_t)run->result_count + 1, sizeof *starts);
  double* sorted = calloc((size_t)run->result_count + 1, sizeof *sorted);
  int code = starts && sorted ? 0 : loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a report");

  if (!code) {
    double rows;
    out->starts = find_starts(starts, run, def);
    for (int64_t i = 0; i < out->starts; i++) out->start_successes += starts[i].kept;
    code = count_sources(out, run, task, sources, err);
    out->rows_cv = variation(&rows, run, rows_of);
    out->path_cv = variation(&out->path_mean, run, way_gone);
    compare_starts(out, starts, task, sorted);
  }

  free(starts);
  free(sorted);
  return code;
}
