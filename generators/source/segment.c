#include "generators/source/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/source/event.h"

int loom_segment_start(const loomReplay* r, int arm, int subtask) {
  return subtask ? r->end[arm][subtask - 1] : 0;
}

static int missing(const loomReplay* r, const loomTask* task, int arm, const loomSubtaskDef* s,
                   const char* what, loomError* err) {
  return loom_error_set(err, LOOM_ERR_FORMAT, "%s:%d: %s: arm %d, subtask '%s': %s; use another `until`",
                        LOOM_TASK_AT(task, s->line), r->name, arm, s->name, what);
}

static int end_by_condition(const loomReplay* r, int condition, int start) {
  for (int t = start; t < r->rows; t++) {
    if (r->condition[(size_t)t * (size_t)r->condition_count + (size_t)condition]) return t + 1;
  }
  return -1;
}

// Automatic: a subtask with an object ends at this arm's next grasp or release; one in the world's frame,
// which has no aim of its own, at any arm's.
static int end_by_event(const loomEvent* event, int n, const loomSubtaskDef* s, int arm, int start) {
  for (int i = 0; i < n; i++) {
    if (event[i].row >= start && (s->reference < 0 || event[i].arm == arm)) return event[i].row + 1;
  }
  return -1;
}

// The first change from 0 to 1 after row `start`; a signal that is 1 from the first row on changes nowhere.
static int end_by_signal(int* end, const loomReplay* r, const loomDataset* dataset, int demo,
                         const char* signal, int start, loomError* err) {
  char name[LOOM_NAME_MAX + 64];
  loomArray array;
  snprintf(name, sizeof name, "datagen_info/subtask_term_signals/%s", signal);

  *end = -1;
  if (!dataset) return loom_error_set(err, LOOM_ERR_USAGE, "no dataset to read %s from", name);

  int code = loom_dataset_doubles(&array, dataset, loom_dataset_demo_path(dataset, demo), name, err);
  if (code) return code;

  if (array.count != r->rows) {
    code = loom_error_set(err, LOOM_ERR_FORMAT, "%s: %s: %s has %lld numbers where the demo has %d rows",
                          loom_dataset_path(dataset), r->name, name, (long long)array.count, r->rows);
  }

  const double* x = array.data;
  for (int t = start ? start : 1; !code && t < r->rows && *end < 0; t++) {
    if (x[t] > 0.5 && !(x[t - 1] > 0.5)) *end = t + 1;
  }

  loom_array_destroy(&array);
  return code;
}

/// What the ends of one demo are found from.
typedef struct finder {
  loomReplay* r;
  const loomTask* task;
  const loomDataset* dataset;
  int demo;
  loomEvent* event;  // (event_count), found when a subtask first asks
  int event_count;
  bool annotated;  // the dataset's signals say where segments end, whatever the task says
} finder;

// The end as an annotated dataset has it.
static int annotated_end(int* end, const finder* f, int arm, const loomSubtaskDef* s, int start,
                         loomError* err) {
  char signal[LOOM_NAME_MAX + 16];
  snprintf(signal, sizeof signal, "arm%d_%s", arm, s->name);

  int code = end_by_signal(end, f->r, f->dataset, f->demo, signal, start, err);
  if (!code && *end < 0) return missing(f->r, f->task, arm, s, "its signal never goes from 0 to 1", err);
  return code;
}

static int find_end(int* end, finder* f, int arm, const loomSubtaskDef* s, int start, int later,
                    loomError* err) {
  int code = 0;
  *end = f->r->rows;
  if (f->annotated) return annotated_end(end, f, arm, s, start, err);

  switch (s->until) {
    case LOOM_UNTIL_END:
      return 0;
    case LOOM_UNTIL_CONDITION:
      *end = end_by_condition(f->r, s->until_condition, start);
      if (*end < 0) return missing(f->r, f->task, arm, s, "its `until` condition never holds", err);
      break;
    case LOOM_UNTIL_AUTO:
      if (!f->event) code = loom_events_find(&f->event, &f->event_count, f->r, f->task, err);
      if (code) return code;
      *end = end_by_event(f->event, f->event_count, s, arm, start);
      if (*end < 0) return missing(f->r, f->task, arm, s, "no further grasp or release found", err);
      break;
    case LOOM_UNTIL_SIGNAL:
      code = end_by_signal(end, f->r, f->dataset, f->demo, s->until_signal, start, err);
      if (!code && *end < 0) return missing(f->r, f->task, arm, s, "its signal never goes from 0 to 1", err);
      break;
  }
  // Extra rows may reach the demo's end only as far as the later subtasks have a row each.
  int most = f->r->rows - later, extra = most - *end < s->until_extra ? most - *end : s->until_extra;
  if (extra > 0) *end += extra;
  return code;
}

/// Ends on their way to agreement. Those given by a person (line > 0) stay; what is coordinated with one is
/// as good as given.
typedef struct aligner {
  loomReplay* r;
  const loomTask* task;
  const loomSegmentFile* given;
  int line[LOOM_MAX_ARMS][LOOM_MAX_SUBTASKS];
  bool changed;
  loomError* err;
} aligner;

static int disagree(const aligner* g, int a, int k, const char* what, int row) {
  return loom_error_set(g->err, LOOM_ERR_FORMAT, "%s:%d: %s: arm %d, subtask '%s' ends at row %d, but %s %d",
                        g->given->path, g->line[a][k], g->r->name, a, g->task->subtasks[a][k].name,
                        g->r->end[a][k], what, row);
}

// Ends of two coordinated arms at the same row: the given one, else the later.
static int level(aligner* g, int a, int k, int b, int j) {
  int *x = &g->r->end[a][k], *y = &g->r->end[b][j];
  int *x_line = &g->line[a][k], *y_line = &g->line[b][j];
  if (*x == *y && !*x_line == !*y_line) return 0;

  // Two given ends that differ cannot both hold.
  if (*x_line && *y_line) return disagree(g, a, k, "that of the arm coordinated with it at", *y);

  bool second = *x_line ? false : *y_line ? true : *y > *x;
  *(second ? x : y) = second ? *y : *x;
  *(second ? x_line : y_line) = second ? *y_line : *x_line;

  g->changed = true;
  return 0;
}

static int put_in_order(aligner* g, int a) {
  for (int k = 1; k < g->task->subtask_count[a]; k++) {
    int before = g->r->end[a][k - 1];
    if (g->r->end[a][k] > before || (g->r->end[a][k] == before && !g->line[a][k])) continue;

    if (g->line[a][k]) return disagree(g, a, k, "the one before it at", before);
    g->r->end[a][k] = before;
    g->changed = true;
  }
  return 0;
}

// Ends that are not given only grow, and given ones only spread, so this comes to rest: coordinated subtasks
// start and end together, and none ends before it starts.
static int align(aligner* g) {
  int code = 0;
  for (g->changed = true; !code && g->changed;) {
    g->changed = false;
    for (int i = 0; !code && i < g->task->rule_count; i++) {
      const loomRule* rule = &g->task->rules[i];
      int a = rule->arm_a, b = rule->arm_b, k = rule->subtask_a, j = rule->subtask_b;
      if (rule->kind != LOOM_RULE_COORDINATED) continue;

      // They end together; and start together, that is the ones before them end so.
      code = level(g, a, k, b, j);
      if (!code && k && j) code = level(g, a, k - 1, b, j - 1);
    }

    for (int a = 0; !code && a < g->r->arm_count; a++) code = put_in_order(g, a);
  }
  return code;
}

static int check(const loomReplay* r, const loomTask* task, loomError* err) {
  for (int i = 0; i < task->rule_count; i++) {
    const loomRule* rule = &task->rules[i];
    if (rule->kind != LOOM_RULE_COORDINATED || !rule->subtask_a == !rule->subtask_b) continue;
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s:%d: coordinated subtasks start together, but only one of these is its arm's "
                          "first; give that arm a subtask before it",
                          LOOM_TASK_AT(task, rule->line));
  }

  for (int a = 0; a < r->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      if (r->end[a][k] > loom_segment_start(r, a, k)) continue;
      return missing(r, task, a, &task->subtasks[a][k], "no row is left for it", err);
    }
  }
  return 0;
}

// An end given for segment k of arm a: 0 when there is none.
static int take_given(aligner* g, int demo, int a, int k) {
  const loomSegmentEnd* e = loom_segment_file_find(g->given, demo, a, k);
  int last = g->task->subtask_count[a] - 1, rows = g->r->rows;
  if (!e) return 0;

  g->line[a][k] = e->line;
  g->r->end[a][k] = e->end;

  if (k < last && e->end >= rows) return disagree(g, a, k, "others follow, and the demo's rows are", rows);
  if (k == last && e->end != rows) return disagree(g, a, k, "the last one ends with the demo, at", rows);
  return 0;
}

int loom_segment(loomReplay* r, const loomTask* task, const loomDataset* dataset, int demo,
                 const loomSegmentFile* given, loomError* err) {
  bool annotated = dataset && loom_dataset_has_attr(dataset, "data", LOOM_ANNOTATED);
  finder f = {r, task, dataset, demo, NULL, 0, annotated};
  aligner g = {.r = r, .task = task, .given = given, .err = err};
  int code = 0;

  // One arm after the other, each subtask from where the one before it ended.
  for (int a = 0; a < r->arm_count; a++) {
    int start = 0, last = task->subtask_count[a] - 1;
    for (int k = 0; !code && k <= last; k++) {
      code = take_given(&g, demo, a, k);
      if (!code && k == last) r->end[a][k] = r->rows;
      if (!code && k < last && !g.line[a][k])
        code = find_end(&r->end[a][k], &f, a, &task->subtasks[a][k], start, last - k, err);

      start = r->end[a][k];
    }
  }

  free(f.event);
  if (!code) code = align(&g);
  return code ? code : check(r, task, err);
}
