#include "generators/segment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

// Told to close, and a finger on the object?
static bool closed_on(const loomReplay* r, int a, int o, int t) {
  return r->grip[a][t] > 0 && r->touch[(t * r->arm_count + a) * r->object_count + o];
}

// Does the object stay where it is in the hand?
static bool stays_in_hand(const loomReplay* r, int a, int o, int t) {
  const double slip = 0.004;  // m in `window` rows
  const int window = 5;
  int later = t + window < r->rows ? t + window : r->rows - 1;
  loomPose now = loom_pose_mul(loom_pose_inverse(r->eef[a][t]), r->object[o][t]);
  loomPose then = loom_pose_mul(loom_pose_inverse(r->eef[a][later]), r->object[o][later]);
  return loom_pose_distance(now, then) < slip;
}

// Row at which the arm takes the object or lets it go for good, from `start` on; rows when it never does. A
// grasp begins with the object at rest in the closed hand and lasts while the hand stays closed on it, though
// the object may turn in it. What lasts less than half a second, a bump or a slip, is no event.
static int next_event(const loomReplay* r, int a, int o, int start) {
  const int lasting = 10;
  bool held = closed_on(r, a, o, start);
  int run = 0;
  for (int t = start; t < r->rows; t++) {
    bool differs =
        held ? !closed_on(r, a, o, t) : closed_on(r, a, o, t) && stays_in_hand(r, a, o, t);
    run = differs ? run + 1 : 0;
    if (run >= lasting || (run && t == r->rows - 1)) return t - run + 1;
  }
  return r->rows;
}

// Automatic: the segment ends with the next grasp or release by any arm, a few rows on, so that the fingers
// are home. At its start arms may be half-way through the last event: that one is over once they have
// settled.
static int end_by_events(const loomReplay* r, int start) {
  enum { SETTLE = 5 };
  int first = r->rows, from = start ? start + SETTLE : 0;
  if (from >= r->rows) return -1;
  for (int a = 0; a < r->arm_count; a++) {
    for (int o = 0; o < r->object_count; o++) {
      int event = next_event(r, a, o, from);
      if (event < first) first = event;
    }
  }
  if (first >= r->rows) return -1;
  return first + SETTLE < r->rows ? first + SETTLE : r->rows;
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

static int find_end(int* end, const loomReplay* r, const loomTask* task, const loomDataset* dataset, int demo,
                    int arm, const loomSubtaskDef* s, int start, loomError* err) {
  int code = 0;
  *end = r->rows;
  switch (s->until) {
    case LOOM_UNTIL_END:
      return 0;
    case LOOM_UNTIL_CONDITION:
      *end = end_by_condition(r, s->until_condition, start);
      if (*end < 0) return missing(r, task, arm, s, "its `until` condition never holds", err);
      break;
    case LOOM_UNTIL_AUTO:
      *end = end_by_events(r, start);
      if (*end < 0) return missing(r, task, arm, s, "no further grasp or release found", err);
      break;
    case LOOM_UNTIL_SIGNAL:
      code = end_by_signal(end, r, dataset, demo, s->until_signal, start, err);
      if (!code && *end < 0) return missing(r, task, arm, s, "its signal is never 1", err);
      break;
  }
  *end += s->until_extra;
  if (*end > r->rows) *end = r->rows;
  return code;
}

static void widen(int* a, int* b) {
  int most = *a > *b ? *a : *b;
  *a = *b = most;
}

static void align_coordinated(loomReplay* r, const loomTask* task) {
  for (int i = 0; i < task->rule_count; i++) {
    const loomRule* rule = &task->rules[i];
    if (rule->kind != LOOM_RULE_COORDINATED) continue;
    widen(&r->end[rule->arm_a][rule->subtask_a], &r->end[rule->arm_b][rule->subtask_b]);
    if (rule->subtask_a && rule->subtask_b) {
      widen(&r->end[rule->arm_a][rule->subtask_a - 1], &r->end[rule->arm_b][rule->subtask_b - 1]);
    }
  }
}

int loom_segment(loomReplay* r, const loomTask* task, const loomDataset* dataset, int demo, loomError* err) {
  for (int a = 0; a < r->arm_count; a++) {
    int start = 0;
    for (int k = 0; k < task->subtask_count[a]; k++) {
      int code = find_end(&r->end[a][k], r, task, dataset, demo, a, &task->subtasks[a][k], start, err);
      if (code) return code;
      start = r->end[a][k];
    }
  }
  align_coordinated(r, task);
  for (int a = 0; a < r->arm_count; a++) {
    for (int k = 1; k < task->subtask_count[a]; k++) {
      if (r->end[a][k] < r->end[a][k - 1]) r->end[a][k] = r->end[a][k - 1];
    }
    if (task->subtask_count[a]) r->end[a][task->subtask_count[a] - 1] = r->rows;
  }
  return 0;
}
