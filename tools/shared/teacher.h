// Experts that can be asked from any state: a task's scripted expert, the generator, or a policy's file.
#ifndef LOOM_TOOLS_SHARED_TEACHER_H
#define LOOM_TOOLS_SHARED_TEACHER_H

#include "policies/agent/trained.h"
#include "tools/shared/common.h"

typedef struct loomTeacher {
  loomPolicyMaker maker;
  loomSourceSet sources;  // the generator's
  loomTrained policy;     // a policy's
} loomTeacher;

/// name: "scripted", "generator" or a policy's file. sources: which source demos the generator follows. Stays
/// where it is while it is used.
int tool_teacher_open(loomTeacher* out, const char* name, const loomTask* task, const loomAssetRoots* roots,
                      const loomSourceDef* sources, loomError* err);
void tool_teacher_close(loomTeacher* teacher);

#endif
