// The part of `demoloom gail` that learns to go to several goals.
#ifndef LOOM_TOOLS_COMMAND_GAIL_GOALS_H
#define LOOM_TOOLS_COMMAND_GAIL_GOALS_H

/// argv[0] is "goals"; returns an exit status.
int gail_goals(int argc, char** argv);

#endif
