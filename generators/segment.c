#include "generators/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generators/event.h"

int loom_segment_start(const loomReplay* r, int arm, int subtask) {
  return subtask ? r->end[arm][subtask - 1] : 0;
}

static int missing(const loomReplay* r, const loomTask* task, int arm, const loomSubtaskDef* s,
                   const char* what, loomError* err) {
  return loom_error_set(err, LOOM_ERR_FORMAT,
                        "%s:%d: %s: arm %d, subtask '%s': %s; use another `until`, or leave this demo out",
                        task->path, s->line, r->name, arm, s->name, what);
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

static int end_by_signal(int* end, const loomReplay* r, const loomDataset* dataset, int demo,
                         const char* signal, int start, loomError* err) {
  char name[LOOM_NAME_MAX + 64];
  loomArray array;
  snprintf(name, sizeof name, "datagen_info/subtask_term_signals/%s", signal);
  *end = -1;
  if (!dataset) return loom_error_set(err, LOOM_ERR_USAGE, "no dataset to read %s from", name);
  int code = loom_dataset_doubles(&array, dataset, loom_dataset_demo_path(dataset, demo), name, err);
  if (code) return code;
  const double* x = array.data;
  for (int t = start; t < r->rows && t < array.count && *end < 0; t++) {
    if (x[t] > 0.5) *end = t + 1;
  }
  loom_array_destroy(&array);
  return 0;
}

/// What the ends of one demo are found from.
typedef struct finder {
  loomReplay* r;
  const loomTask* task;
  const loomDataset* dataset;
  int demo;
  loomEvent* event;  // (event_count), found when a subtask first asks
  int event_count;
} finder;

static int find_end(int* end, finder* f, int arm, const loomSubtaskDef* s, int start, loomError* err) {
  int code = 0;
  *end = f->r->rows;
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
  *end += s->until_extra;
  if (*end > f->r->rows) *end = f->r->rows;
  return code;
}

// Raises *end to at least `least`; true when that changed it.
static bool raise_to(int* end, int least) {
  if (*end >= least) return false;
  *end = least;
  return true;
}

static bool level(int* a, int* b) {
  return raise_to(a, *b) || raise_to(b, *a);
}

// Ends only grow until coordinated subtasks start and end together and none ends before it starts; rows are
// few and ends never pass the last one, so this comes to rest.
static void align(loomReplay* r, const loomTask* task) {
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < task->rule_count; i++) {
      const loomRule* rule = &task->rules[i];
      int a = rule->arm_a, b = rule->arm_b, k = rule->subtask_a, j = rule->subtask_b;
      if (rule->kind != LOOM_RULE_COORDINATED) continue;
      changed |= level(&r->end[a][k], &r->end[b][j]);
      if (k && j) changed |= level(&r->end[a][k - 1], &r->end[b][j - 1]);
    }
    for (int a = 0; a < r->arm_count; a++) {
      for (int k = 1; k < task->subtask_count[a]; k++) changed |= raise_to(&r->end[a][k], r->end[a][k - 1]);
    }
  }
}

static int check(const loomReplay* r, const loomTask* task, loomError* err) {
  for (int i = 0; i < task->rule_count; i++) {
    const loomRule* rule = &task->rules[i];
    if (rule->kind != LOOM_RULE_COORDINATED || !rule->subtask_a == !rule->subtask_b) continue;
    return loom_error_set(err, LOOM_ERR_FORMAT,
                          "%s:%d: coordinated subtasks start together, but only one of these is its arm's "
                          "first; give that arm a subtask before it",
                          task->path, rule->line);
  }
  for (int a = 0; a < r->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      if (r->end[a][k] > loom_segment_start(r, a, k)) continue;
      return missing(r, task, a, &task->subtasks[a][k], "no row is left for it", err);
    }
  }
  return 0;
}

int loom_segment(loomReplay* r, const loomTask* task, const loomDataset* dataset, int demo, loomError* err) {
  finder f = {r, task, dataset, demo, NULL, 0};
  int code = 0;
  for (int a = 0; a < r->arm_count; a++) {
    int start = 0, last = task->subtask_count[a] - 1;
    for (int k = 0; !code && k < last; k++) {
      code = find_end(&r->end[a][k], &f, a, &task->subtasks[a][k], start, err);
      start = r->end[a][k];
    }
    if (last >= 0) r->end[a][last] = r->rows;
  }
  free(f.event);
  if (code) return code;
  align(r, task);
  return check(r, task, err);
}
