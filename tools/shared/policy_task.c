#include "tools/shared/policy_task.h"

#include <string.h>

#include "engine/scene/library.h"

// Where its own task is not known, or not there any more, it may be of any.
static int same_task(const loomTrained* policy, const loomTask* task, const char* path, loomError* err) {
  loomTask* of = NULL;
  if (!policy->config.task[0] || loom_task_find(&of, policy->config.task, NULL)) return 0;

  bool same = !strcmp(of->name, task->name);
  if (!same)
    loom_error_set(err, LOOM_ERR_USAGE, "%s: is a policy for %s, not for %s; give --task %s", path, of->name,
                   task->name, of->name);
  loom_task_destroy(of);
  return same ? 0 : LOOM_ERR_USAGE;
}

int tool_policy_task(loomTask** out, const loomTrained* policy, const char* path, const char* named,
                     loomError* err) {
  const char* name = named && *named ? named : policy->config.task;
  if (!*name)
    return loom_error_set(err, LOOM_ERR_USAGE, "%s does not say its task; name it with --task", path);

  int code = loom_task_find(out, name, err);
  return code ? code : same_task(policy, *out, path, err);
}
