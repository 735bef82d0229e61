// Internal. Every key of task.yaml and of scenes/robots/TYPE.yaml, once: what the parser accepts and what the
// reference prints are the same table.
#ifndef LOOM_ENGINE_TASK_TASK_REFERENCE_H
#define LOOM_ENGINE_TASK_TASK_REFERENCE_H

#include <stdio.h>

#include "engine/base/error.h"
#include "engine/base/yaml.h"

/// One key of a section; a section is what one map of the file may hold.
typedef struct loomReferenceKey {
  const char* section;
  const char* key;       // "" = the section itself: `about` says where it stands
  const char* type;      // "number", "list of 3 numbers", "condition"
  const char* unit;      // "" = none
  const char* fallback;  // what holds when it is absent; "required"
  const char* about;
  const char* example;  // a value
} loomReferenceKey;

extern const loomReferenceKey loom_task_reference[];
extern const int loom_task_reference_count;

/// Every key of the map must be one of the section's; the error suggests the nearest one.
int loom_task_only(const loomYaml* y, loomNode map, const char* section, loomError* err);

/// The whole table as Markdown, a heading and a table a section.
void loom_task_reference_print(FILE* out);

#endif
