// Between the files that read task.yaml: the document, the task being filled, and who reads which part.
// Internal.
#ifndef LOOM_ENGINE_TASK_TASK_PARSE_H
#define LOOM_ENGINE_TASK_TASK_PARSE_H

#include "engine/base/yaml.h"
#include "engine/task/task.h"

typedef struct taskParser {
  const loomYaml* y;
  loomTask* task;
  loomError* err;
  loomNode named;                        // the `conditions:` map
  int named_index[LOOM_MAX_CONDITIONS];  // its entries' condition nodes once read, else -1
} taskParser;

int loom_task_parse_robots(taskParser* p, loomNode root, const char* robots_dir);
int loom_task_parse_controller(taskParser* p, loomNode root);
int loom_task_parse_objects(taskParser* p, loomNode root);
int loom_task_parse_observe(taskParser* p, loomNode root);
int loom_task_parse_reset(taskParser* p, loomNode root);

/// Entries of a map of names, at most `most`; 0 when it is absent.
int loom_task_count_names(int* n, taskParser* p, loomNode map, const char* key, int most);
/// `pos`, and `yaw` or `rpy`, of a map; zeros when absent.
int loom_task_parse_pose(double pos[3], double quat[4], const loomYaml* y, loomNode map, loomError* err);

/// A condition node; *index is where it was put in task->conditions.
int loom_task_parse_condition(int* index, taskParser* p, loomNode node);
/// A point under a key, which must be there.
int loom_task_parse_point(loomPoint* out, taskParser* p, loomNode map, const char* key);
int loom_task_parse_subtasks(taskParser* p, loomNode root);
int loom_task_parse_expert(taskParser* p, loomNode root);
int loom_task_parse_rules(taskParser* p, loomNode root);
/// Index of the object a key names; -1 when the key is absent.
int loom_task_parse_object_name(int* object, taskParser* p, loomNode map, const char* key);

#endif
