// A task in memory: what is found in it by name.
#include "engine/task/task.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/yaml.h"

void loom_task_destroy(loomTask* task) {
  if (!task) return;

  loom_heap_destroy(&task->heap);
  free(task);
}

const char* loom_task_file(const loomTask* t, int place) {
  return place >= LOOM_YAML_BELOW ? t->like : t->path;
}

int loom_task_line(int place) {
  return place % LOOM_YAML_BELOW;
}

int loom_task_find_reset(const loomTask* t, const char* name) {
  for (int i = 0; i < t->reset_count; i++) {
    if (!strcmp(t->resets[i].name, name)) return i;
  }

  return -1;
}

int loom_task_find_object(const loomTask* t, const char* name) {
  for (int i = 0; i < t->object_count; i++) {
    if (!strcmp(t->objects[i].name, name)) return i;
  }

  return -1;
}

const loomRule* loom_task_partner(const loomTask* t, int a, int k, int* other, int* other_k) {
  for (int i = 0; i < t->rule_count; i++) {
    const loomRule* r = &t->rules[i];
    if (r->kind != LOOM_RULE_COORDINATED) continue;

    // It may be either of the two.
    bool first = r->arm_a == a && r->subtask_a == k, second = r->arm_b == a && r->subtask_b == k;
    if (!first && !second) continue;
    *other = first ? r->arm_b : r->arm_a;
    *other_k = first ? r->subtask_b : r->subtask_a;
    return r;
  }
  return NULL;
}

int loom_task_find_subtask(const loomTask* t, int arm, const char* name) {
  for (int k = 0; k < t->subtask_count[arm]; k++) {
    if (!strcmp(t->subtasks[arm][k].name, name)) return k;
  }

  return -1;
}
