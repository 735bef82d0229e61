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

// Fingers touching anything, as one mask over objects, so that both a grasp and a hand-over to the other arm
// change it.
static unsigned grasps(const loomReplay* r, const loomTask* task, int t) {
  unsigned mask = 0;
  for (int a = 0; a < r->arm_count; a++) {
    unsigned char all = (unsigned char)((1 << task->robots[a].finger_count) - 1);
    for (int o = 0; o < r->object_count; o++) {
      int i = (t * r->arm_count + a) * r->object_count + o;
      if (all && r->touch[i] == all) mask |= 1u << (a * r->object_count + o);
    }
  }
  return mask;
}

// Automatic: the segment ends where the set of grasps that concern this arm's object changes and stays so for
// 5 rows.
static int end_by_events(const loomReplay* r, const loomTask* task, int start) {
  enum { settled = 5 };
  unsigned before = grasps(r, task, start);
  for (int t = start + 1; t + settled < r->rows; t++) {
    unsigned now = grasps(r, task, t);
    if (now == before) continue;
    bool stays = true;
    for (int k = 1; k <= settled; k++) stays = stays && grasps(r, task, t + k) == now;
    if (stays) return t + settled;
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
      *end = end_by_events(r, task, start);
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
