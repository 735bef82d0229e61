#include "generators/attempt/stage.h"

#include <string.h>

// Whether the subtask is to mix, or one that it is coordinated with.
static bool begins_stage(const loomTask* task, int a, int k) {
  int other, other_k;
  if (task->subtasks[a][k].mix) return true;
  return loom_task_partner(task, a, k, &other, &other_k) && task->subtasks[other][other_k].mix;
}

static bool mixes(const loomTask* task) {
  return task->arm_count && task->subtask_count[0] &&
         task->subtasks[0][0].select.strategy == LOOM_SELECT_BALANCED;
}

static int stage_up_to(const loomTask* task, int a, int k) {
  int stage = 0;
  for (int j = 0; j <= k; j++) stage += begins_stage(task, a, j);
  return stage;
}

int loom_stage_count(const loomTask* task) {
  int last = 0;
  if (!mixes(task)) return 1;

  for (int a = 0; a < task->arm_count; a++) {
    int stage = stage_up_to(task, a, task->subtask_count[a] - 1);
    if (stage > last) last = stage;
  }
  return last + 1;
}

int loom_stage_of(const loomTask* task, int a, int k) {
  if (!mixes(task)) return 0;
  const loomSubtaskDef* s = &task->subtasks[a][k];
  int j = k;

  // Back to where the hand took what it holds.
  if (s->carried >= 0 && s->reference == s->carried)
    while (j > 0 && task->subtasks[a][j].carried == s->carried) j--;
  return stage_up_to(task, a, j);
}

void loom_stage_first(int* a, int* k, const loomTask* task, int stage) {
  for (*a = 0; *a < task->arm_count; ++*a)
    for (*k = 0; *k < task->subtask_count[*a]; ++*k)
      if (loom_stage_of(task, *a, *k) == stage) return;
  *a = *k = 0;
}

static int index_of(const int* best, int n, int source) {
  if (!best) return source < n ? source : -1;
  for (int i = 0; i < n; i++)
    if (best[i] == source) return i;
  return -1;
}

// The source of a stage; -1 = it was not begun.
static int source_of(const loomAttemptResult* r, const loomTask* task, int stage) {
  int a, k;
  loom_stage_first(&a, &k, task, stage);
  return r->source[a][k];
}

void loom_stage_tally(int* tries, int* wins, const loomAttemptResult* r, const loomTask* task,
                      const int* best, int n) {
  int stages = loom_stage_count(task);
  for (int g = 0; g < stages; g++) {
    int i = index_of(best, n, source_of(r, task, g));
    if (i < 0) continue;

    // The last one is won by the attempt's success.
    tries[g * n + i]++;
    wins[g * n + i] += g + 1 < stages ? source_of(r, task, g + 1) >= 0 : r->outcome == LOOM_OUTCOME_SUCCESS;
  }
}

// Control steps from the subtask's beginning to that of the arm's next one.
static int steps_of(const loomAttemptResult* r, const loomTask* task, int a, int k) {
  if (r->begin[a][k] < 0) return 0;

  bool goes_on = k + 1 < task->subtask_count[a] && r->begin[a][k + 1] >= 0;
  return (goes_on ? r->begin[a][k + 1] : r->steps) - r->begin[a][k];
}

void loom_source_rows(double* share, const loomAttemptResult* r, const loomTask* task, const int* best,
                      int n) {
  int all = 0;
  for (int a = 0; a < task->arm_count; a++)
    for (int k = 0; k < task->subtask_count[a]; k++) all += steps_of(r, task, a, k);

  for (int a = 0; all && a < task->arm_count; a++) {
    for (int k = 0; k < task->subtask_count[a]; k++) {
      int i = index_of(best, n, r->source[a][k]);
      if (i >= 0) share[i] += (double)steps_of(r, task, a, k) / all;
    }
  }
}
