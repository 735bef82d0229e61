// Which task a policy acts in: the one that is named, else the one that its rollouts were of.
#ifndef LOOM_TOOLS_SHARED_POLICY_TASK_H
#define LOOM_TOOLS_SHARED_POLICY_TASK_H

#include "policies/agent/trained.h"

/// named: NULL or "" = nobody says. path: the policy's file. LOOM_ERR_USAGE: it is a policy for another task
/// (of another name; harder starts of its own are another file of the same name), or nobody says.
int tool_policy_task(loomTask** out, const loomTrained* policy, const char* path, const char* named,
                     loomError* err);

#endif
