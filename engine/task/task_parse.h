// Between the files that read task.yaml: the document, the task being filled, and who reads which part.
// Internal.
#ifndef LOOM_ENGINE_TASK_TASK_PARSE_H
#define LOOM_ENGINE_TASK_TASK_PARSE_H

#include "engine/base/yaml.h"
#include "engine/task/task.h"
#include "engine/task/task_reference.h"

typedef struct taskParser {
  const loomYaml* y;
  loomTask* task;
  loomError* err;
  loomNode named;      // the `conditions:` map
  int* named_index;    // its entries' condition nodes once read, else -1
  int condition_room;  // of task->conditions, which grows
  int observe_room;    // of task->observe
  int depth;           // of the condition being read, in others
} taskParser;

int loom_task_parse_robots(taskParser* p, loomNode root, const char* robots_dir);
int loom_task_parse_controller(taskParser* p, loomNode root);
int loom_task_parse_objects(taskParser* p, loomNode root);
int loom_task_parse_observe(taskParser* p, loomNode root);
int loom_task_parse_reset(taskParser* p, loomNode root);
int loom_task_parse_subtasks(taskParser* p, loomNode root);
int loom_task_parse_rules(taskParser* p, loomNode root);
int loom_task_parse_mirror(taskParser* p, loomNode root);
int loom_task_parse_retarget(taskParser* p, loomNode root);
int loom_task_parse_expert(taskParser* p, loomNode root);
int loom_task_parse_disturb(taskParser* p, loomNode root);
int loom_task_parse_reward(taskParser* p, loomNode root);
/// Once all is read: LOOM_ERR_FORMAT, with its line, for what no episode can ever bring about.
int loom_task_check_possible(const taskParser* p, loomNode root);

/// A condition node; *index is where it was put in task->conditions.
int loom_task_parse_condition(int* index, taskParser* p, loomNode node);
/// The condition of entry i of `conditions:`, read where nothing has named it before.
int loom_task_parse_named(int* index, taskParser* p, int i);
/// A point under a key, which must be there.
int loom_task_parse_point(loomPoint* out, taskParser* p, loomNode map, const char* key);
/// `pos`, and `yaw` or `rpy`, of a map; zeros when absent.
int loom_task_parse_pose(double pos[3], double quat[4], const loomYaml* y, loomNode map, loomError* err);
/// A direction, which is made a unit vector; left as it is when the key is absent and not required.
int loom_task_read_direction(double out[3], const loomYaml* y, loomNode map, const char* key, bool required,
                             loomError* err);
/// Index of the object a key names; -1 when the key is absent.
int loom_task_parse_object_name(int* object, taskParser* p, loomNode map, const char* key);

/// Zeroed room in the task's heap for n things; NULL with LOOM_ERR_MEMORY in p->err.
void* loom_task_take(taskParser* p, int n, size_t size);
/// Out of memory for what stands at a line.
int loom_task_no_memory(const loomYaml* y, loomNode node, loomError* err);
/// Entries of a map of names; 0 when it is absent.
int loom_task_count_names(int* n, taskParser* p, loomNode map, const char* key);
/// An error when there are more than `most` things under a key, with what holds no more of them.
int loom_task_limit(taskParser* p, loomNode node, const char* key, int n, int most, const char* why);
/// A list of names, or of expressions, of `size` bytes each, as many as there are, in the heap.
int loom_task_parse_texts(void** out, size_t size, int* count, loomHeap* heap, const loomYaml* y,
                          loomNode map, const char* key, loomError* err);

#endif
