// Options of commands whose work several processes share: which of them this one is, and what of it is its.
#ifndef LOOM_TOOLS_SHARED_SHARING_H
#define LOOM_TOOLS_SHARED_SHARING_H

#include "tools/shared/launcher.h"
#include "tools/shared/options.h"

typedef struct toolSharing {
  int given;          // --share: -1 = on where a launcher started several
  double heartbeat;   // s
  const char* part;   // --shard: "2/4"
  bool on;            // found out by tool_sharing
  int shard, shards;  // shards > 0: only part number `shard`, from 0 on
  toolLauncher launcher;
} toolSharing;

/// What they are unless given.
#define TOOL_SHARING \
  { .given = -1, .heartbeat = 20 }

/// Of members of a toolSharing: sharing.given, sharing.heartbeat, sharing.part. `what` is made together:
/// "OUT".
#define TOOL_SHARE_OPTION(S, member, what)                                                                 \
  TOOL_OPTION_AS("share", 0, "SWITCH", S, CHOICE, member, .choices = tool_switches,                        \
                 .about = "make " what                                                                     \
                          " together with all processes, here and on machines that see its folder, that "  \
                          "are given the same command; on unless given where mpirun, mpiexec or srun has " \
                          "started several")
#define TOOL_HEARTBEAT_OPTION(S, member)                                                                    \
  TOOL_OPTION_AS("heartbeat", 0, "S", S, REAL, member, .least = 0.05, .most = 86400, .unit = "s",           \
                 .about =                                                                                   \
                     "a process of another machine that is not heard of for 1.25 of them has lost what it " \
                     "had in hand to the others")
#define TOOL_SHARD_OPTION(S, member, text) \
  TOOL_OPTION_AS("shard", 0, "I/N", S, STRING, member, .about = (text))

/// Find out. 0, or the exit status of wrong usage, once told.
int tool_sharing(toolSharing* sharing, const char* command);
/// How a refusal begins: "started as one of several processes (--share off: by itself)".
const char* tool_sharing_why(const toolSharing* sharing);
/// Whether this process tells what came of it: of several that were started together, on one screen, the one
/// that has `made` it all.
bool tool_sharing_tells(const toolSharing* sharing, bool made);
/// Whether it shows how far it is.
bool tool_sharing_shows(const toolSharing* sharing);
/// Threads of this process: those given, or its part of the cores where it is one of several.
int tool_sharing_threads(const toolSharing* sharing, int64_t given);

#endif
