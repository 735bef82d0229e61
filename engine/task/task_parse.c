// What all parts of the parser of task.yaml use: room in the task, and errors at a line.
#include "engine/task/task_parse.h"

#include <stdio.h>
#include <string.h>

int loom_task_no_memory(const loomYaml* y, loomNode node, loomError* err) {
  loom_yaml_error(y, node, "", err, "out of memory");

  // Its code is not that of a file that is wrong.
  if (err) err->code = LOOM_ERR_MEMORY;
  return LOOM_ERR_MEMORY;
}

void* loom_task_take(taskParser* p, int n, size_t size) {
  void* out = loom_heap_take(&p->task->heap, (size_t)n, size);
  if (!out) loom_task_no_memory(p->y, loom_yaml_root(p->y), p->err);
  return out;
}

int loom_task_count_names(int* n, taskParser* p, loomNode map, const char* key) {
  *n = loom_yaml_count(p->y, map);
  if (map && !loom_yaml_is_map(p->y, map))
    return loom_yaml_error(p->y, map, key, p->err, "expected a map: a name and what it stands for");

  // They are copied into names, so they must fit there.
  int code = 0;
  for (int i = 0; !code && i < *n; i++) {
    loomName name;
    code = loom_yaml_copy(name, sizeof name, loom_yaml_key(p->y, map, i), p->y, loom_yaml_item(p->y, map, i),
                          key, p->err);
  }
  return code;
}

int loom_task_limit(taskParser* p, loomNode node, const char* key, int n, int most, const char* why) {
  return n <= most
             ? 0
             : loom_yaml_error(p->y, node, key, p->err, "%d, but at most %d %s are possible", n, most, why);
}

int loom_task_parse_texts(void** out, size_t size, int* count, loomHeap* heap, const loomYaml* y,
                          loomNode map, const char* key, loomError* err) {
  loomNode list = loom_yaml_get(y, map, key);
  int n = loom_yaml_count(y, list);

  // Room for as many as there are, then the texts.
  *out = loom_heap_take(heap, (size_t)n, size);
  if (!*out) return loom_task_no_memory(y, list, err);
  return loom_yaml_read_texts(*out, size, n, count, y, map, key, true, err);
}
