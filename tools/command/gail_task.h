// demoloom gail TASK: a policy learns a task from demos, against a discriminator.
#ifndef LOOM_TOOLS_COMMAND_GAIL_TASK_H
#define LOOM_TOOLS_COMMAND_GAIL_TASK_H

/// argv[0] is the command's name.
int gail_task(int argc, char** argv);

#endif
