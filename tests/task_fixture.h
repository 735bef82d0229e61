// Room in a task for what a test writes into it: a loaded task has as much as its file asks for, and one made
// up by calloc none.
#ifndef LOOM_TESTS_TASK_FIXTURE_H
#define LOOM_TESTS_TASK_FIXTURE_H

#include <string.h>

#include "engine/task/task.h"

static inline void* more_room(loomTask* t, const void* old, int count, int room, size_t size) {
  void* out = loom_heap_take(&t->heap, (size_t)room, size);
  assert_non_null(out);
  if (count) memcpy(out, old, (size_t)count * size);
  return out;
}

/// All arms, all subtasks, and eight of anything else at least; loom_task_destroy gives it back.
static inline void make_room(loomTask* t) {
  enum { few = 8 };
  assert_true(t->rule_count <= few && t->object_count <= few && t->reset_count <= few);
  t->robots = more_room(t, t->robots, t->arm_count, LOOM_MAX_ARMS, sizeof *t->robots);
  for (int a = 0; a < LOOM_MAX_ARMS; a++)
    t->subtasks[a] =
        more_room(t, t->subtasks[a], t->subtask_count[a], LOOM_MAX_SUBTASKS, sizeof *t->subtasks[a]);

  t->rules = more_room(t, t->rules, t->rule_count, few, sizeof *t->rules);
  t->objects = more_room(t, t->objects, t->object_count, few, sizeof *t->objects);
  for (int o = 0; o < few; o++) {
    loomObjectDef* object = &t->objects[o];
    object->symmetries =
        more_room(t, object->symmetries, object->symmetry_count, few, sizeof *object->symmetries);
  }
  t->resets = more_room(t, t->resets, t->reset_count, few, sizeof *t->resets);
  for (int r = t->reset_count; r < few; r++)
    t->resets[r].placements = more_room(t, NULL, 0, few, sizeof *t->resets[r].placements);
}

#endif
