// The part of `demoloom gail` that learns a corridor.
#ifndef LOOM_TOOLS_COMMAND_GAIL_CORRIDOR_H
#define LOOM_TOOLS_COMMAND_GAIL_CORRIDOR_H

/// argv[0] is "corridor"; returns an exit status.
int gail_corridor(int argc, char** argv);

#endif
