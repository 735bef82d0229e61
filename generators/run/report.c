#include "generators/run/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/statistics.h"
#include "generators/attempt/tries.h"

static void tally(loomTally* t, const loomAttemptResult* r) {
  t->attempts++;
  t->successes += r->outcome == LOOM_OUTCOME_SUCCESS;
}

static void tally_recovery(loomReport* out, const loomAttemptResult* r) {
  if (r->recover < 0) return;
  loomRecoveries* way = &out->recovered[r->recover];
  way->tried++;
  way->disturbed += r->recover_step > 0;
  way->kept += r->recover_step > 0 && r->outcome == LOOM_OUTCOME_SUCCESS;
}

// ---- failures

static loomFailure failure_of(const loomAttemptResult* r, const loomTask* task) {
  bool inside =
      r->arm >= 0 && r->arm < task->arm_count && r->subtask >= 0 && r->subtask < task->subtask_count[r->arm];

  loomFailure f = {.arm = inside ? r->arm : -1,
                   .subtask = inside ? r->subtask : -1,
                   .outcome = r->outcome,
                   .condition = r->condition,
                   .part = {r->part[0], r->part[1]}};

  snprintf(f.where, sizeof f.where, "%s", inside ? task->subtasks[r->arm][r->subtask].name : "end");
  snprintf(f.reason, sizeof f.reason, "%s", r->subject);
  return f;
}

static bool alike(const loomFailure* f, const loomFailure* g) {
  bool same_place = f->arm == g->arm && f->subtask == g->subtask && f->outcome == g->outcome;
  bool same_cause = f->condition == g->condition && f->part[0] == g->part[0] && f->part[1] == g->part[1];

  // MuJoCo's faults are told apart by what it says alone.
  return same_place && same_cause && (f->outcome != LOOM_OUTCOME_SIMULATOR || !strcmp(f->reason, g->reason));
}

static int by_count(const void* a, const void* b) {
  const loomFailure *f = a, *g = b;
  if (f->count != g->count) return f->count > g->count ? -1 : 1;

  int order = strcmp(f->where, g->where);
  return order ? order : strcmp(f->reason, g->reason);
}

static int count_failures(loomReport* out, loomError* err) {
  for (int64_t i = 0; i < out->run->result_count; i++) {
    if (out->run->results[i].outcome == LOOM_OUTCOME_SUCCESS) continue;

    loomFailure f = failure_of(&out->run->results[i], out->task);
    int k = 0;
    while (k < out->failure_count && !alike(&f, &out->failures[k])) k++;

    if (k == out->failure_count) {
      loomFailure* grown = realloc(out->failures, ((size_t)k + 1) * sizeof *grown);
      if (!grown) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a report");
      out->failures = grown;
      grown[out->failure_count++] = f;
    }
    out->failures[k].count++;
  }

  if (out->failure_count) qsort(out->failures, (size_t)out->failure_count, sizeof *out->failures, by_count);
  return 0;
}

// ---- regions

static bool known_start(const loomAttemptResult* r) {
  const double* q = r->object_start + 3;
  return q[0] != 0 || q[1] != 0 || q[2] != 0 || q[3] != 0;
}

static int bin_of(double value, const double range[2], int bins) {
  int i = (int)floor((value - range[0]) / (range[1] - range[0]) * bins);
  return i < 0 ? 0 : i >= bins ? bins - 1 : i;
}

static const double single_value = 1e-6;  // a range no longer than this is one value, m or rad
static const double around_point = 0.01;  // m shown on both sides of starts that are all in one place

// The reset distribution's range, or the starts' own where that is a single value or the object is not
// placed.
static void find_range(double range[2], const double* placed, const loomGenerateReport* run, int axis) {
  bool any = false;
  range[0] = range[1] = 0;

  if (placed && placed[1] - placed[0] > single_value) {
    memcpy(range, placed, 2 * sizeof *range);
    return;
  }

  for (int64_t i = 0; i < run->result_count; i++) {
    double v = run->results[i].object_start[axis];
    if (!known_start(&run->results[i])) continue;
    range[0] = any ? fmin(range[0], v) : v;
    range[1] = any ? fmax(range[1], v) : v;
    any = true;
  }

  if (range[1] - range[0] < 2 * around_point) {
    double middle = (range[0] + range[1]) / 2;
    range[0] = middle - around_point;
    range[1] = middle + around_point;
  }
}

static void count_regions(loomReport* out) {
  loomRegions* g = &out->regions;
  const loomResetDef* reset = &out->task->resets[out->reset];
  const loomPlacement* placement = NULL;

  // The grid is that of the first object's box, its yaw's bins likewise.
  for (int i = 0; i < reset->placement_count && !placement; i++) {
    if (reset->placements[i].object == 0) placement = &reset->placements[i];
  }
  find_range(g->x, placement ? placement->x : NULL, out->run, 0);
  find_range(g->y, placement ? placement->y : NULL, out->run, 1);

  bool turns = placement && placement->yaw[1] - placement->yaw[0] > single_value;
  g->yaw[0] = turns ? placement->yaw[0] : -M_PI;
  g->yaw[1] = turns ? placement->yaw[1] : M_PI;

  for (int64_t i = 0; i < out->run->result_count; i++) {
    const loomAttemptResult* r = &out->run->results[i];
    if (!known_start(r)) {
      g->unknown++;
      continue;
    }

    // The same angle within the range that is drawn.
    double yaw = loom_quat_yaw(r->object_start + 3);
    while (yaw > g->yaw[1]) yaw -= 2 * M_PI;
    while (yaw < g->yaw[0] && yaw + 2 * M_PI <= g->yaw[1]) yaw += 2 * M_PI;

    tally(&g->cell[bin_of(r->object_start[1], g->y, LOOM_REPORT_GRID)]
                  [bin_of(r->object_start[0], g->x, LOOM_REPORT_GRID)],
          r);
    tally(&g->turn[bin_of(yaw, g->yaw, LOOM_REPORT_YAWS)], r);
  }
}

// ---- lengths

static void count_lengths(loomReport* out) {
  loomLengths* h = &out->lengths;
  int64_t n = 0, sum = 0;
  for (int64_t i = 0; i < out->run->result_count; i++) {
    const loomAttemptResult* r = &out->run->results[i];
    if (r->outcome != LOOM_OUTCOME_SUCCESS) continue;
    h->shortest = n ? (r->steps < h->shortest ? r->steps : h->shortest) : r->steps;
    h->longest = r->steps > h->longest ? r->steps : h->longest;
    sum += r->steps;
    n++;
  }

  if (!n) return;
  h->mean = (double)sum / (double)n;

  // The narrowest round width with few enough bins; none is round enough for the longest.
  static const int widths[] = {1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    h->width = widths[i];
    h->first = h->shortest / h->width * h->width;
    h->bins = (h->longest - h->first) / h->width + 1;
    if (h->bins <= LOOM_REPORT_LENGTHS) break;
  }

  if (h->bins > LOOM_REPORT_LENGTHS) {
    h->width = (h->longest - h->first) / LOOM_REPORT_LENGTHS + 1;
    h->bins = LOOM_REPORT_LENGTHS;
  }

  for (int64_t i = 0; i < out->run->result_count; i++) {
    const loomAttemptResult* r = &out->run->results[i];
    if (r->outcome == LOOM_OUTCOME_SUCCESS) h->count[(r->steps - h->first) / h->width]++;
  }
}

// Of the cells in which there was a start, those with a demo.
static void count_coverage(loomReport* out) {
  const loomTally* cells = &out->regions.cell[0][0];
  double asked = 0, kept = 0;
  for (int i = 0; i < LOOM_REPORT_GRID * LOOM_REPORT_GRID; i++) {
    asked += cells[i].attempts > 0;
    kept += cells[i].successes > 0;
  }
  out->diversity.starts_covered = asked > 0 ? kept / asked : 0;

  asked = kept = 0;
  for (int i = 0; i < LOOM_REPORT_YAWS; i++) {
    asked += out->regions.turn[i].attempts > 0;
    kept += out->regions.turn[i].successes > 0;
  }
  out->diversity.yaws_covered = asked > 0 ? kept / asked : 0;
}

int loom_report_make(loomReport* out, const loomGenerateReport* run, const loomTask* task,
                     const loomSourceSet* sources, const loomAttemptDef* def, loomError* err) {
  memset(out, 0, sizeof *out);
  out->run = run;
  out->task = task;
  out->source_set = sources;
  out->reset = def->reset;
  out->seed = def->seed;
  out->recover = def->recover;
  out->where = def->where;

  out->source_count = sources->n;
  out->sources = calloc((size_t)sources->n + 1, sizeof *out->sources);
  if (!out->sources) return loom_error_set(err, LOOM_ERR_MEMORY, "out of memory for a report");

  int64_t fresh_successes = 0, steps = 0, doomed = 0, all_rewound = 0;
  for (int64_t i = 0; i < run->result_count; i++) {
    int s = run->results[i].source[0][0];
    tally(&out->all, &run->results[i]);
    tally_recovery(out, &run->results[i]);
    int64_t rewound = run->results[i].rewound;
    steps += run->results[i].steps + rewound;
    all_rewound += rewound;
    out->around += run->results[i].detours > 0;
    doomed += run->results[i].outcome == LOOM_OUTCOME_SUCCESS ? rewound : run->results[i].steps + rewound;
    if (s >= 0 && s < sources->n) tally(&out->sources[s], &run->results[i]);
    if (!loom_attempt_try(def, run->results[i].attempt)) out->redrawn += run->results[i].redrawn;
    if (i >= run->resumed) fresh_successes += run->results[i].outcome == LOOM_OUTCOME_SUCCESS;
  }

  // Of all attempts; but speed is this run's alone, without those taken over.
  out->rate = out->all.attempts ? (double)out->all.successes / (double)out->all.attempts : 0;
  loom_wilson(&out->low, &out->high, out->all.successes, out->all.attempts);
  out->doomed_share = steps ? (double)doomed / (double)steps : 0;
  out->rewound_share = steps ? (double)all_rewound / (double)steps : 0;
  if (run->seconds > 0) {
    out->attempts_per_hour = 3600 * (double)(run->result_count - run->resumed) / run->seconds;
    out->demos_per_hour = 3600 * (double)fresh_successes / run->seconds;
  }

  int code = count_failures(out, err);
  if (!code) code = loom_diversity_make(&out->diversity, run, task, sources->n, def, err);
  if (code) {
    loom_report_destroy(out);
    return code;
  }

  count_regions(out);
  count_lengths(out);
  count_coverage(out);
  return 0;
}

void loom_report_destroy(loomReport* report) {
  free(report->failures);
  free(report->sources);
  memset(report, 0, sizeof *report);
}
