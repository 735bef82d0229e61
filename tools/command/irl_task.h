// demoloom irl TASK: a reward of a task's features from demos, that `finetune --reward` learns by.
#ifndef LOOM_TOOLS_COMMAND_IRL_TASK_H
#define LOOM_TOOLS_COMMAND_IRL_TASK_H

/// argv[0] is the command's name.
int irl_task(int argc, char** argv);

#endif
